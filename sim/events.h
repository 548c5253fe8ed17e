/* The lane engine's events, out of line: what happens on few bars and to few lanes, and may take its time.
 *
 * A strategy's unit holds its own bar loop and nothing else; the events are compiled once per instruction set (sim/events/) and
 * reached through this table, which the player puts into the chunk. So strategies compile quickly, and one that a user compiles
 * needs nothing of this program but the table. Vectors of lanes go by pointer: the widths of arguments are nobody's concern.
 *
 * There is a table for each way to play a group (td_route). The tables of the first two play in vectors, that of the last one takes a
 * lane at a time to the broker. */
#ifndef TAPEDECK_SIM_EVENTS_H
#define TAPEDECK_SIM_EVENTS_H

#include "sim/order.h"

struct td_events {
    /* Lets trailing stops follow bar t, and takes the lanes off to which nothing else happens in it; lanes: those that are touched. Moves
     * guards and nothing else that is hot. NULL on the plain route, where bars from `wake` on touch nothing either. */
    void (*calm)(const td_kernel_deck *deck, td_vector *vector, td_mask *lanes, int64_t t);
    /* what happens in bar t: stops, targets, ruin, and what waits for it; lanes: that are touched, unused on the plain route */
    void (*bar)(const td_kernel_deck *deck, td_vector *vector, const td_mask *lanes, int64_t t, int64_t sample);
    /* lanes whose equity is at or above `record` after bar t: their peak moves */
    void (*peak)(const td_kernel_deck *deck, td_vector *vector, int64_t t);
    /* carries out what was decided on bar t, after its close was marked; sample is the next one */
    void (*trade)(const td_kernel_deck *deck, td_vector *vector, const td_wish *wish, int64_t t, int64_t sample);
    /* the end of the last bar where `finalize` is set; wish: of the last bar, profile backtesting only */
    void (*finalize)(const td_kernel_deck *deck, td_vector *vector, const td_wish *wish, int64_t sample);
};

const td_events *td_events_for(td_isa isa, td_route route);

#endif
