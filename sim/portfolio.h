/* Playing several symbols at once: one strategy, one account, target weights.
 *
 * Words
 *   portfolio  symbols, their weights and the rules below bound to tapes, checked; what a deck is for one symbol. Read-only once made
 *   raster     the union of the symbols' open times; `bar` here counts rows of it. On a row where a symbol has no bar it cannot trade
 *   mark       a symbol's close, on rows without a bar its last one: what positions are valued at, and all a missing bar is good for
 *   date       a row on which open positions are brought back to their weights
 *   share      what one symbol contributed to a cell
 *
 * The strategy is played on every symbol's own bars, with state and position of its own; its target times the symbol's weight is the
 * fraction of the shared equity that is aimed at. Rules R110 to R124 of docs/bar-rules.md say what happens then. A set's cell is that of
 * the whole account; a portfolio of one symbol with weight 1 and no dates has the cell, to the bit, that td_play() gives.
 *
 * Who owns what: tapes outlive the portfolio, it outlives its players. */
#ifndef TAPEDECK_SIM_PORTFOLIO_H
#define TAPEDECK_SIM_PORTFOLIO_H

#include "sim/play.h"

enum { TD_PORTFOLIO_SYMBOLS_MAX = 4096 };

typedef enum td_rebalance {
    TD_REBALANCE_NONE,
    TD_REBALANCE_DAILY,   /* the first row of a UTC day, */
    TD_REBALANCE_WEEKLY,  /* of a week, which begins on Monday, */
    TD_REBALANCE_MONTHLY, /* of a month */
    TD_REBALANCE_BARS,    /* every rebalance_bars rows */
} td_rebalance;

typedef struct td_portfolio_def { /* start from td_default_portfolio_def() */
    td_play_def play;        /* sizing all_in or fraction; profile tapedeck; the whole of the tapes */
    const double *weights;   /* (symbols) fractions of equity, above 0 and at most 1; their sum may be more: then cash decides. NULL:
                                each 1 / symbols. Default NULL. Copied. */
    td_rebalance rebalance;  /* Default none. */
    int64_t rebalance_bars;  /* >= 1 where rebalance is BARS. Default 0. */
    double max_weight;       /* largest fraction of equity aimed at for one symbol; 0 is no limit. Default 0. */
    int64_t max_positions;   /* open at once; entries beyond are refused; 0 is no limit. Default 0. */
    double band;             /* on a date, positions that are off by no more than this fraction of equity stay. Default 0. */
} td_portfolio_def;
td_portfolio_def td_default_portfolio_def(void);

typedef struct td_portfolio td_portfolio;
/* tapes (symbols) of one symbol each, of one interval, in the order of the symbols. TD_BAD_ARG with the field named when something
 * cannot be played. */
td_status td_portfolio_make(const td_tape *tapes, int64_t symbols, const td_portfolio_def *def, td_portfolio **made, td_error *error);
void td_portfolio_free(td_portfolio *portfolio);
int64_t td_portfolio_symbols(const td_portfolio *portfolio);
/* The raster as a tape: its times; its prices are those of the portfolio's market, what its metrics compare with: the symbols bought at
 * their weights on each one's first bar and kept, in units of the first symbol's price. */
const td_tape *td_portfolio_tape(const td_portfolio *portfolio);
/* What td_check_set(), td_player_open(), td_play() and the like take. td_deck_free() frees it with its portfolio. */
td_deck *td_portfolio_deck(const td_portfolio *portfolio);
/* The portfolio of such a deck; NULL of a deck of one symbol. */
const td_portfolio *td_deck_portfolio(const td_deck *deck);
/* What the tapes belong to, released when the portfolio is freed. */
void td_portfolio_keep(td_portfolio *portfolio, void (*release)(void *kept), void *kept);
/* Bars of all symbols. */
int64_t td_portfolio_evaluations(const td_portfolio *portfolio);

typedef struct td_portfolio_share {
    double pnl;                      /* quote, net of commissions, what is open at the last mark; all of them are the account's */
    double trades, fills, turnover;  /* trades closed; fills; traded value at base prices */
    double commission, spread_cost, slippage_cost; /* quote */
} td_portfolio_share;

/* Called as things happen, symbols by number, bars of the raster; any may be NULL. */
typedef struct td_portfolio_observer {
    void (*on_fill)(void *context, int64_t symbol, const td_fill *fill);
    void (*on_trade)(void *context, int64_t symbol, const td_trade *trade);
    /* At the close. cash: of the account, with what open positions cost taken out (shorts: put in); positions (symbols) units. */
    void (*on_bar)(void *context, int64_t bar, double equity, double cash, const double *positions);
    void *context;
} td_portfolio_observer;
/* Plays one set in plain scalar C. block_returns (blocks) and shares (symbols) may be NULL. */
td_status td_portfolio_play_detailed(const td_portfolio *portfolio, const td_set *set, const td_portfolio_observer *observer,
                                     td_cell *cell, float *block_returns, td_portfolio_share *shares, td_error *error);

#endif
