/* The desk: fills and the shared account of one set that plays a portfolio, in plain scalar C.
 *
 * What sim/broker.h is for one symbol: the written meaning of rules R110 to R124, used by every engine that plays portfolios, whenever
 * something happens to a lane. Market orders, stop and target; per symbol a position, one account for all.
 *
 * The account's numbers are fields of one vector of lanes (kernel.h), the `whole`, in which `position` counts the open positions and
 * `entry_bar` is the bar of the first of them; what belongs to one symbol is in the columns of TD_HOLDING_FIELDS. Symbols are gone through
 * in their order, and as few as can be: a set of bits says which have a target that is due. */
#ifndef TAPEDECK_SIM_DESK_H
#define TAPEDECK_SIM_DESK_H

#include "sim/deck.h"
#include "sim/portfolio.h"

struct td_portfolio {
    td_portfolio_def def;
    int64_t symbols;
    double *weights;       /* (symbols) */
    td_deck **decks;       /* (symbols) of their own bars */
    td_tape tape;          /* the raster and the market's price */
    td_deck *whole;        /* of that tape */
    bool *dates;           /* (bars) */
    void (*release)(void *kept); /* td_portfolio_keep() */
    void *kept;
    void *memory;          /* one allocation for the arrays */
};

/* A row of the raster as the desk needs it; made row by row. */
typedef struct td_raster_row {
    int64_t bar;
    const int64_t *own;    /* (symbols) the symbol's own bar, -1 where it has none */
    const double *mark;    /* (symbols) its close, or its last one; 0 before the first bar */
    const double *base;    /* (symbols) what orders fill at: td_desk_prices() */
} td_raster_row;

typedef struct td_desk {
    const td_portfolio *portfolio;
    double *whole;         /* field f of the account is whole[f * stride] */
    double *holdings;      /* field f of symbol s is holdings[f * field_step + s * symbol_step] */
    int64_t field_step, symbol_step;
    int stride;
    td_portfolio_share *shares; /* (symbols) what each has earned and paid; NULL where nobody asks */
    double *near_low, *near_high; /* (symbols) moved where a new stop or target is nearer; NULL without (portfolio_lanes.h) */
    uint64_t *due;         /* (words) symbols with a target that waits for the symbol's next bar */
    uint64_t *cut;         /* (words) symbols that were cut back on this date */
    double *sizes;         /* (symbols) scratch */
    int64_t sample;        /* the next sample */
    const td_portfolio_observer *observer; /* NULL in sweeps */
    td_fill_reason *entry_reason;          /* (symbols) of open positions; NULL without an observer */
} td_desk;
static inline int64_t td_desk_words(int64_t symbols) { return (symbols + 63) / 64; }

/* The account and its symbols before the first bar, with the set's numbers; signals, state and rows are the caller's business. */
void td_desk_start(td_desk *desk, const td_set *set);
/* Opens, or closes, of symbols with a bar, marks of the others, into base (symbols) and the row. */
void td_desk_prices(const td_portfolio *portfolio, td_raster_row *row, bool at_open, double *base);
/* Cash is the balance without what the open positions cost; due after fills. */
void td_desk_count_cash(td_desk *desk);
double td_desk_equity(const td_desk *desk, const double *marks);

/* The orders due on a row: targets that wait, of symbols that have a bar, and on a date the open positions'. At the opens, or at the
 * closes where fill_at says so. */
void td_desk_settle(td_desk *desk, const td_raster_row *row);
/* Its steps, for who sums over the symbols by other means: what frees cash, then what needs it. Sums are those at the row's base prices,
 * the equity of reduce() of dates only; both leave cash uncounted. */
typedef struct td_desk_reduced {
    bool filled, buys; /* is cash to be counted? is there something for td_desk_buy()? */
} td_desk_reduced;
td_desk_reduced td_desk_reduce(td_desk *desk, const td_raster_row *row, double equity);
/* Returns whether there were fills. */
bool td_desk_buy(td_desk *desk, const td_raster_row *row, double equity, double invested);

/* Stop and target of a symbol that has a bar, against the range of it. Leaves cash uncounted; returns whether there was a fill. */
bool td_desk_stops(td_desk *desk, const td_raster_row *row, int64_t symbol);
/* The strategy wants this of a symbol after the row's close. Returns whether the target waits now: not where the set has ended. */
bool td_desk_want(td_desk *desk, const td_raster_row *row, int64_t symbol, double target);
/* Closes what is open at the marks: the end of the last bar where `finalize` is set. */
void td_desk_finalize(td_desk *desk, const td_raster_row *row);
/* Ends the set where equity at the marks is gone. */
void td_desk_ruin(td_desk *desk, const td_raster_row *row);
/* A symbol's share with what is open at the marks. */
td_portfolio_share td_desk_share(const td_desk *desk, const double *marks, int64_t symbol);

#endif
