/* Playing order books: what a job says of them, and how one set is watched. sim/play.h has the interface that books and bars share
 * (sets, cells, players), docs/book-rules.md the rules.
 *
 * Words
 *   venue      one book tape with its fees and latencies; a strategy sees all of them on one clock and may trade any
 *   decision   a moment at which a strategy is asked: the clock (ON_TIMER), a message received (ON_BOOK), an execution heard of (ON_FILL)
 *   request    a new order, a cancel or a modify on its way to the exchange; its answer is on the way back
 *
 * Two clocks: the exchange sees messages in exchange order and requests when they arrive; a strategy sees messages in local order, and
 * its own executions when their answers arrive. */
#ifndef TAPEDECK_SIM_BOOK_PLAY_H
#define TAPEDECK_SIM_BOOK_PLAY_H

#include "sim/book_models.h"

enum { TD_VENUES_MAX = 8, TD_SLOTS_MAX = 32 };

/* parity: hftbacktest's rules, row by row, with its way of clearing; strict: message by message, a snapshot replaces the whole book, and
 * after a gap nothing happens until the next one. */
typedef enum td_book_mode { TD_MODE_STRICT, TD_MODE_PARITY } td_book_mode;

/* NaN: as the set's knobs say. */
typedef struct td_venue_def {
    const td_book *book;
    double maker, taker, latency, entry_latency, response_latency;
} td_venue_def;

typedef struct td_book_def { /* start from td_default_book_def(); part of td_play_def */
    td_book_mode mode;       /* Default strict. */
    td_venue_def venues[TD_VENUES_MAX];
    int venue_count;         /* 0: this is a play on bars */
    int64_t clock_ns;        /* between decisions of ON_TIMER, from the first message's exchange time on. Default 100 ms. */
    td_fee_kind fees;        /* Default value. */
    int64_t order_limit;     /* orders a side, on the way and working, at most TD_SLOTS_MAX. Default 8. */
    int64_t in_flight_limit; /* requests on the way; more are refused and counted. Default 0: no limit. */
    bool consume;            /* strict, partial_fill: what a set takes is gone for it until the level changes. Default false. */
    int64_t sample_ns;       /* equity is sampled so often, for sharpe and the like. Default 10 s. */
    double days_per_year;    /* for annualising. Default 252 (hftbacktest's; markets that never close have 365). */
    uint64_t seed;           /* of latency_jitter */
    const td_latency_row *latency_rows; /* (latency_row_count) of latency model rows */
    int64_t latency_row_count, latency_row_offset_ns;
    int64_t from_ns, to_ns;  /* exchange times played, [from_ns, to_ns); the book is built from all before. Default INT64_MIN, INT64_MAX. */
} td_book_def;
td_book_def td_default_book_def(void);

typedef enum td_order_tif { TD_GTC, TD_POST_ONLY, TD_IOC, TD_FOK, TD_MARKET } td_order_tif;

/* Why an execution happened. name, text */
#define TD_EXECUTION_REASONS(X)                                                                                                  \
    X(queue, "everything ahead in the queue was traded or cancelled")                                                            \
    X(through, "a trade at a worse price")                                                                                       \
    X(cross, "the other side of the book reached the order")                                                                     \
    X(taker, "the order took")
typedef enum td_execution_reason {
#define TD_EXECUTION_NAME(name, text) TD_EXECUTION_##name,
    TD_EXECUTION_REASONS(TD_EXECUTION_NAME)
#undef TD_EXECUTION_NAME
    TD_EXECUTION_REASON_COUNT
} td_execution_reason;
const char *td_execution_reason_name(td_execution_reason reason);

typedef struct td_execution {
    int venue;
    td_side side;
    td_execution_reason reason;
    int64_t exchange_ns, local_ns; /* when it happened, when the strategy hears of it */
    int64_t tick, lots;
    int64_t queue_ahead;           /* lots at its level when the order joined; 0 of takers */
    double price, quantity, fee;
} td_execution;

/* What a strategy is told of the account at a decision, by venue. */
typedef struct td_book_state {
    int64_t local_ns;
    int32_t bid, ask;              /* ticks; TD_NO_BID, TD_NO_ASK */
    double position, balance, fee, volume, value, funding;
    int64_t trades;
} td_book_state;

typedef struct td_book_observer {  /* any may be NULL; in order of time */
    void (*on_execution)(void *context, const td_execution *execution);
    void (*on_decision)(void *context, int64_t step, const td_book_state *states, int venues); /* before the strategy is asked; steps of the clock from 1 */
    void *context;
} td_book_observer;

#endif
