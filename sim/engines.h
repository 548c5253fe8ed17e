/* The engines side by side: what the player calls. */
#ifndef TAPEDECK_SIM_ENGINES_H
#define TAPEDECK_SIM_ENGINES_H

#include "sim/deck.h"
#include "sim/rows.h"

/* reference.c: plays one set, plainly. rows must have been opened for one set on the scalar instruction set. block_equity (blocks). */
void td_reference_play(const td_deck *deck, const td_set *set, td_rows *rows, const td_observer *observer, td_lane *lane,
                       double *block_equity);

#endif
