/* The plain engine, as the player calls it; see the top of reference.c. */
#ifndef TAPEDECK_SIM_REFERENCE_H
#define TAPEDECK_SIM_REFERENCE_H

#include "sim/deck.h"
#include "sim/rows.h"

/* Plays one set. rows must have been opened for one set on the scalar instruction set. lane, account: out. list: NULL where the
 * deck needs none (td_order_list_bytes()). block_equity (blocks). */
void td_reference_play(const td_deck *deck, const td_set *set, td_rows *rows, const td_observer *observer, td_lane *lane,
                       td_account *account, td_order_list *list, double *block_equity);

#endif
