/* The deck from the inside: what td_deck_make() computes once, shared by engines and by the finish (play.h has the outside). */
#ifndef TAPEDECK_SIM_DECK_H
#define TAPEDECK_SIM_DECK_H

#include "data/row.h"
#include "sim/kernel.h"

struct td_deck {
    td_play_def def;
    td_kernel_deck view;              /* as kernels read it; its arrays are this deck's, or the tape's */
    const double *columns[TD_COLUMN_COUNT]; /* what rows are computed from: the tape's, or scaled copies */
    const td_row_kind *row_kinds[TD_ROWS_MAX];
    int64_t first_bar;                /* of the tape */
    double periods_per_year;          /* of the samples */
    double years;                     /* from the first to the last bar's open time, of 365.25 days */
    double duration_unit;             /* seconds; profile backtesting rounds durations up to whole ones */
    double market_sum, market_sum2;   /* of the market's returns that beta regresses on: samples, or logs bar by bar */
    int64_t returns;                  /* how many returns the sums of a lane hold */
    void *memory;                     /* one allocation for all arrays */
};

/* First bar on which all rows of the set have a value. */
int64_t td_deck_warmup(const td_deck *deck, const td_set *set);
/* A lane at the start of the tape: cash, plan factors, parameters. */
void td_lane_start(const td_deck *deck, const td_set *set, td_lane *lane);
/* Turns a lane that has played the whole deck into its cell. block_equity holds the equity at block ends, `stride` apart. */
void td_lane_finish(const td_deck *deck, const td_set *set, const td_lane *lane, const double *block_equity, int64_t stride,
                    td_cell *cell, float *block_returns);

#endif
