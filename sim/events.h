/* The lane engine's events, out of line: what happens on few bars and to few lanes, and may take its time.
 *
 * A strategy's unit holds its own bar loop and nothing else; the events are compiled once per instruction set (sim/events/) and
 * reached through this table, which the player puts into the chunk. So strategies compile quickly, and one that a user compiles
 * needs nothing of this program but the table. Vectors of lanes go by pointer: the widths of arguments are nobody's concern. */
#ifndef TAPEDECK_SIM_EVENTS_H
#define TAPEDECK_SIM_EVENTS_H

#include "sim/kernel.h"

/* What lanes want after bar t: positions `target` in lanes `where`, to be filled at price `base` of bar `bar`. close_all: what is open
 * is closed whatever is wanted. */
typedef struct td_wish {
    td_real target;
    td_mask where;
    double base;
    int64_t bar;
    td_fill_reason reason;
    bool close_all;
} td_wish;

struct td_events {
    /* stops, targets and ruin of bar t, for lanes whose guard was touched */
    void (*guard)(const td_kernel_deck *deck, td_vector *vector, int64_t t, int64_t sample);
    /* lanes whose equity is at or above `record` after bar t */
    void (*peak)(const td_kernel_deck *deck, td_vector *vector, int64_t t);
    /* carries out what was decided on bar t */
    void (*trade)(const td_kernel_deck *deck, td_vector *vector, const td_wish *wish, int64_t t, int64_t sample);
};

const td_events *td_events_for(td_isa isa);

#endif
