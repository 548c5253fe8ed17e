/* A made-up order book with queue dynamics: limit orders arrive by distance from the touch, each of them is cancelled at a rate of its
 * own, market orders take from the front of the queues; what a venue would send of it goes into a book tape. The model, with all its
 * constants, is written down in docs/synthetic-book.md.
 *
 * The tape is a function of the definition alone, the same bits on every machine; a longer one begins with the messages of a shorter
 * one. Memory depends on how many orders rest, not on the length. */
#ifndef TAPEDECK_DATA_BOOK_SYNTH_H
#define TAPEDECK_DATA_BOOK_SYNTH_H

#include "data/book.h"

enum { TD_BOOK_SYNTH_REACH_MAX = 2048 };

typedef struct td_book_synth_def { /* start from td_default_book_synth_def() */
    td_instrument instrument; /* Default SYNTH, tick 0.1, lot 0.001, linear. */
    uint64_t seed;            /* Default 1. */
    int64_t start_ns;         /* exchange time of the first message. Default 2023-01-01T00:00:00Z. */
    int64_t length_ns;        /* 1 s to 10 years. Default 10 minutes. */
    double price;             /* about which the book begins. Default 30000. */

    /* what traders do; rates are a second, and of one side */
    double limit_rate;        /* of limit orders one tick from the best of the other side; sqrt(i) times as rare at i ticks. Default 10. */
    int32_t reach;            /* the farthest i. Default 100, at most TD_BOOK_SYNTH_REACH_MAX. */
    double market_rate;       /* Default 3. */
    double cancel_rate;       /* of each resting order. Default 0.25. */
    double limit_lots, market_lots; /* mean sizes. Default 100, 500. */
    double drift;             /* 0 to 0.9: market orders of one side come 1 + drift times as often, of the other 1 - drift. Default 0. */
    double regime_seconds;    /* mean time until the other side is favoured. Default 60. */

    /* what the venue sends, and when it is received */
    bool orders;              /* order by order (L3) instead of levels. Default false. */
    int64_t depth_ns;         /* levels that changed are sent so often. Default 50 ms. */
    int64_t snapshot_ns;      /* a snapshot so often, 0: only the first (and after gaps). Default 60 s. */
    int64_t latency_ns;       /* least time from the exchange. Default 2 ms. */
    int64_t jitter_ns;        /* mean of an exponentially distributed time on top. Default 1 ms. */
    double gaps;              /* times an hour that the connection is lost. Default 0. */
    int64_t gap_ns;           /* for so long. Default 2 s. */
    uint32_t cookie;          /* set by td_default_book_synth_def(). Leave it. */
} td_book_synth_def;

/* What came out, after the time in which the book settles. */
typedef struct td_book_synth_facts {
    int64_t limit_orders, market_orders, cancels, filled_orders; /* events in the book, sent or not */
    int64_t messages, rows, tickers, gaps;                       /* written */
    double mean_orders;                                          /* resting, both sides, mean over time */
    double mean_spread_ticks;
} td_book_synth_facts;

td_book_synth_def td_default_book_synth_def(void);
td_status td_check_book_synth_def(const td_book_synth_def *def, td_error *error);
/* Writes the tape. facts and digest may be NULL. */
td_status td_book_synth(const td_book_synth_def *def, const char *path, td_book_synth_facts *facts, char digest[TD_DIGEST_HEX],
                        td_error *error);

#endif
