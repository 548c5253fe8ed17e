/* One lane in plain C: the bookkeeping that is the same wherever sets are played one at a time, be it by the broker, a profile, the
 * desk of a portfolio, or the plain engines. What fills when is theirs; what a fill, a trade, a mark or a sample adds up to is here.
 *
 * A lane is a td_lane, or a column of vectors: field f of it is field[f * stride]. The order of operations is part of the contract;
 * sim/ledger.h and sim/lanes.h say the same in vectors. */
#ifndef TAPEDECK_SIM_PLAIN_H
#define TAPEDECK_SIM_PLAIN_H

#include "sim/kernel.h"

/* Ledger lines and hash of a fill whose money has been moved. value: of its units at the base price. salt: 0, or what tells the symbols of
 * a portfolio apart in the hash. */
void td_plain_note_fill(double *field, int stride, const td_fill *fill, double value, uint64_t salt);
/* Puts a closed trade into the statistics, but for the time in the market. */
void td_plain_count_trade(double *field, int stride, double pnl, double change, double seconds);
/* Nothing is left, or the strategy lost its mind: the set goes on as a ghost with an equity of 1 that never moves. What its real equity,
 * 0, adds to the statistics is one return of -1, added here where `counts`; market: that of the sample it falls into. */
void td_plain_stop(double *field, int stride, bool counts, double market);
void td_plain_fail(double *field, int stride, int64_t bar, td_cell_reason reason);

/* Equity at the close of bar t: peak, trough and drawdowns. */
void td_plain_mark(td_lane *lane, const td_kernel_deck *view, int64_t t, double equity);
/* At the close of a sample's last bar; next: the sample that is next. */
void td_plain_sample(td_lane *lane, const td_kernel_deck *view, int64_t t, int64_t *next);
/* Which of the strategy's signals cross on bar t: above, below (signals), zeros before. rows: the bar's; a row of the lane is
 * rows[slots[row]]. Moves gaps on. Returns whether the strategy is to be asked. */
bool td_plain_cross(const td_strategy *strategy, const td_kernel_deck *view, const double *rows, const int32_t *slots, const double *param,
                    double *gaps, int64_t t, int *above, int *below);

#endif
