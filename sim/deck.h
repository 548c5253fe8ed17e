/* The deck from the inside: what td_deck_make() computes once, shared by engines and by the finish (play.h has the outside). */
#ifndef TAPEDECK_SIM_DECK_H
#define TAPEDECK_SIM_DECK_H

#include "data/row_kind.h"
#include "sim/book_engines.h"
#include "sim/broker.h"
#include "sim/kernel.h"

/* Bars that rows are computed on in place of the deck's: of a longer interval, those that are complete before its end; or those that
 * both symbols of a pair have, whose columns are the last four. */
typedef struct td_higher {
    int64_t interval_ns;                    /* 0: a pair's */
    int64_t bars;
    const double *columns[TD_COLUMN_COUNT]; /* (bars) */
    const int64_t *known;                   /* (bars) deck bar at whose close the bar is complete, never decreasing */
    void *memory;                           /* one allocation for all arrays */
} td_higher;

/* Rows that are computed together, as the lanes of one kernel: of one kind, on the same columns. */
typedef struct td_row_group {
    const td_row_kind *kind;
    const double *columns[TD_ROW_COLUMNS_MAX];
    int64_t bars;            /* of the columns */
    const td_higher *higher; /* NULL: the deck's bars */
    int tuples;              /* distinct lists of arguments: a set has so many tuples of numbers here, at most */
} td_row_group;

struct td_deck {
    td_play_def def;
    td_kernel_deck view;              /* as kernels read it; its arrays are this deck's, or the tape's */
    const double *columns[TD_COLUMN_COUNT]; /* what rows are computed from: the tape's, or scaled copies */
    const int64_t *time_ns;           /* (bars) open times */
    int64_t interval_ns;              /* of a bar */
    double *days;                     /* column day, where a row wants it */
    const td_tape *legs[2];           /* the pair that the deck's symbol is one of; NULL where it is of none */
    int row_count, group_count, higher_count;
    td_row_info rows[TD_ROWS_MAX];    /* the strategy's, then the engine's */
    int row_group[TD_ROWS_MAX];       /* (row_count) */
    td_row_group groups[TD_ROWS_MAX];
    td_higher *highers[TD_ROWS_MAX];  /* one per interval */
    int64_t first_bar;                /* of the tape */
    double periods_per_year;          /* of the samples */
    double years;                     /* from the first to the last bar's open time, of 365.25 days */
    double duration_unit;             /* seconds; profile backtesting rounds durations up to whole ones */
    double market_sum, market_sum2;   /* of the market's returns that beta regresses on: samples, or logs bar by bar */
    int64_t returns;                  /* how many returns the sums of a lane hold */
    void *memory;                     /* one allocation for all arrays */
    td_book_deck *book;               /* of a strategy that plays order books: all but def, view.blocks and periods_per_year; else NULL */
    struct td_portfolio *portfolio;   /* what the deck is the raster of, and owns; NULL of one symbol */
};

/* td_deck_make() for one symbol of a pair: its tape, which is one of legs, and which of them it is, as view.leg. */
td_status td_deck_make_leg(const td_tape *tape, const td_play_def *def, const td_tape *const legs[2], double leg, td_deck **made,
                           td_error *error);
/* Does a kind read two symbols? */
bool td_kind_plays_pairs(const td_row_kind *kind);
/* Appends a row of the engine's (the strategy's are there), before players are opened: row number *row of a set's slots, and
 * knobs, parameters and constants as its arguments. TD_BAD_ARG with a sentence when there is no such kind, column or interval. */
td_status td_deck_add_row(td_deck *deck, const td_row_info *info, int *row, td_error *error);
/* The numbers of a set's row; and whether the kind takes them. */
td_row_tuple td_deck_tuple(const td_deck *deck, const td_set *set, int row);
td_status td_deck_check_rows(const td_deck *deck, const td_set *set, td_error *error);
/* Frees what rows made the deck allocate. */
void td_deck_free_rows(td_deck *deck);
/* First bar on which all of the strategy's rows of the set have a value. */
int64_t td_deck_warmup(const td_deck *deck, const td_set *set);
/* A lane at the start of the tape: cash, plan factors, parameters. */
void td_lane_start(const td_deck *deck, const td_set *set, td_lane *lane);
/* Turns a lane that has played the whole deck into its cell. account: NULL where the set needed none. block_equity holds the
 * equity at block ends, `stride` apart. */
void td_lane_finish(const td_deck *deck, const td_set *set, const td_lane *lane, const td_account *account,
                    const double *block_equity, int64_t stride, td_cell *cell, float *block_returns);

#endif
