/* What the fast engine of play on order books says of itself; its interface is in sim/book_engines.h. */
#ifndef TAPEDECK_SIM_BOOK_LANES_H
#define TAPEDECK_SIM_BOOK_LANES_H

#include "sim/book_engines.h"

/* Since the player was opened. Seconds are those of a clock on the wall. */
typedef struct td_book_player_stats {
    int64_t rows;             /* of the tapes, at exchanges */
    int64_t tickets;          /* made */
    int64_t ticket_updates;   /* by levels and trades */
    int64_t decisions;        /* of sets */
    int64_t messages;         /* requests and answers */
    int64_t executions;
    double exchange_seconds;  /* replay at exchanges, tickets, requests that arrive */
    double local_seconds;     /* replay as received */
    double answer_seconds;    /* answers that are heard */
    double decision_seconds;  /* strategies, requests that are sent, looks */
} td_book_player_stats;
td_book_player_stats td_book_player_counts(const td_book_player *player);

#endif
