/* The book of a recording, rebuilt to see whether the recording is sound: crossed books, removals of what was not there, orders nobody
 * placed, and the venue's own best prices against ours. Importers watch what they write; `data check` watches a tape. */
#ifndef TAPEDECK_DATA_BOOK_WATCH_H
#define TAPEDECK_DATA_BOOK_WATCH_H

#include "data/book.h"

typedef struct td_book_watch td_book_watch;
td_status td_book_watch_open(td_book_watch **watch, td_error *error);
void td_book_watch_close(td_book_watch *watch);

/* What one message did. */
typedef struct td_watch_finding {
    bool crossed, locked;                    /* the book after the message */
    int64_t unknown_levels, unknown_orders;  /* removals, and actions, on what was not there */
} td_watch_finding;

/* Carries the message out. A gap empties the book until the next snapshot; parity: snapshots clear only the levels from the best to the
 * worst price they name. */
td_status td_book_watch_message(td_book_watch *watch, const td_book_message *message, bool parity, td_watch_finding *finding,
                                td_error *error);
/* A best bid and ask of the venue, in the order of its numbers; one that is older than the last is passed over. */
void td_book_watch_ticker(td_book_watch *watch, const td_book_ticker *ticker);

/* Books after depth messages that were compared with the last ticker not newer than they, and how many of them were equal in price and
 * quantity on both sides. Ends the watching: messages whose ticker might still have come are compared with the last one. */
typedef struct td_watch_result {
    int64_t compared, equal;
    char first_difference[160];
    int32_t bid, ask;               /* final best prices, TD_NO_BID and TD_NO_ASK (data/ladder.h) when a side is empty */
    int64_t bid_lots, ask_lots;
    int64_t bid_levels, ask_levels;
} td_watch_result;
void td_book_watch_finish(td_book_watch *watch, td_watch_result *result);

#endif
