/* The lane engine's events, out of line: what happens on few bars and to few lanes, and may take its time.
 *
 * A strategy's unit holds its own bar loop and nothing else; the events are compiled once per instruction set (sim/events/) and
 * reached through this table, which the player puts into the chunk. So strategies compile quickly, and one that a user compiles
 * needs nothing of this program but the table. Vectors of lanes go by pointer: the widths of arguments are nobody's concern.
 *
 * The first three play the rules in vectors (sim/ledger.h), for groups of sets that need no more; the broker_ ones take a lane at a
 * time to the broker (sim/broker.h). */
#ifndef TAPEDECK_SIM_EVENTS_H
#define TAPEDECK_SIM_EVENTS_H

#include "sim/order.h"

struct td_events {
    /* stops, targets and ruin of bar t, for lanes whose guard was touched */
    void (*guard)(const td_kernel_deck *deck, td_vector *vector, int64_t t, int64_t sample);
    /* lanes whose equity is at or above `record` after bar t: their peak moves */
    void (*peak)(const td_kernel_deck *deck, td_vector *vector, int64_t t);
    /* carries out what was decided on bar t, after its close was marked; sample is the next one */
    void (*trade)(const td_kernel_deck *deck, td_vector *vector, const td_wish *wish, int64_t t, int64_t sample);
    /* the end of the last bar where `finalize` is set; wish: of the last bar, profile backtesting only */
    void (*finalize)(const td_kernel_deck *deck, td_vector *vector, const td_wish *wish, int64_t sample);
    /* the same for lanes with accounts; lanes: those that bar t concerns. calm: takes those off which nothing happens to but that a
     * trailing stop follows a new best price */
    void (*broker_calm)(const td_kernel_deck *deck, td_vector *vector, td_mask *lanes, int64_t t);
    void (*broker_bar)(const td_kernel_deck *deck, td_vector *vector, const td_mask *lanes, int64_t t, int64_t sample);
    void (*broker_trade)(const td_kernel_deck *deck, td_vector *vector, const td_wish *wish, int64_t t, int64_t sample);
    void (*broker_finalize)(const td_kernel_deck *deck, td_vector *vector, const td_wish *wish, int64_t sample);
};

const td_events *td_events_for(td_isa isa);

#endif
