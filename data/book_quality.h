/* What is in a book tape, and what is odd about it: the book is rebuilt message by message, and compared with the venue's own best
 * prices where they were kept. */
#ifndef TAPEDECK_DATA_BOOK_QUALITY_H
#define TAPEDECK_DATA_BOOK_QUALITY_H

#include "data/book_watch.h"

typedef struct td_book_quality {
    int64_t kinds[TD_BOOK_KIND_COUNT];     /* messages of each kind */
    int64_t rows[TD_BOOK_KIND_COUNT];      /* and their rows */
    int64_t tickers;
    int64_t crossed, locked;               /* messages after which the best bid was above, or equal to, the best ask */
    int64_t first_crossed_ns, first_gap_ns; /* 0: none */
    int64_t unknown_levels, unknown_orders;
    int64_t first_ns, last_ns;             /* exchange times */
    int64_t least_latency_ns, most_latency_ns;
    int64_t out_of_local_order;            /* messages received before one that the exchange sent earlier */
    td_watch_result book;
} td_book_quality;

/* Reads the tape once, and gives back what it has passed. */
td_status td_book_quality_scan(const td_book *book, td_book_quality *quality, td_error *error);

#endif
