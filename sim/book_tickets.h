/* Resting orders of many sets on one venue. Where an order is in the queue of its level depends on its price, on when it came, and on the
 * queue model, not on whose it is: orders that agree in these share a ticket, which is what depth and trades work on.
 *
 * Tickets hang in chains by price, those of one price from the oldest to the newest. Prices are keys, of asks complemented as in
 * data/ladder.h: the nearest ticket is the one that something coming from the other side would reach first. */
#ifndef TAPEDECK_SIM_BOOK_TICKETS_H
#define TAPEDECK_SIM_BOOK_TICKETS_H

#include "data/ladder.h"
#include "sim/book_models.h"

enum { TD_CHAINS = 1 << 14 };

typedef struct td_ticket {
    td_queue queue;
    double model;            /* queue_model */
    int64_t epoch;           /* orders that come in the same epoch see the same book */
    int64_t ahead;           /* lots of its level when it joined */
    uint64_t place;          /* orders of the market's (L3) placed by then */
    int32_t key;
    int32_t first;           /* order, the oldest of a circle; -1: the ticket is free */
    int32_t before, after;   /* in its chain, a circle from the oldest; after: also of free ones */
} td_ticket;

/* An order at the exchange. Its number says whose it is. */
typedef struct td_resting {
    int32_t ticket;          /* -1: not there */
    int32_t before, after;   /* in the ticket's circle */
    int32_t left;
    int32_t number;          /* which of the orders that the slot has had */
    uint8_t tif;
} td_resting;

typedef struct td_ticket_side {
    int32_t nearest, farthest; /* keys; farthest: none is beyond it */
    int64_t count;             /* tickets */
    int32_t chain[TD_CHAINS];  /* oldest ticket of those whose key ends so, -1 */
    uint64_t bits[TD_CHAINS / 64];
} td_ticket_side;

typedef struct td_tickets {
    td_ticket_side side[2];
    td_ticket *ticket;         /* (room) */
    int32_t room, free;
    td_resting *resting;       /* (orders) */
    int64_t made;
} td_tickets;

bool td_tickets_open(td_tickets *tickets, int64_t orders);
void td_tickets_close(td_tickets *tickets);
void td_tickets_reset(td_tickets *tickets, int64_t orders);

/* Puts an order to the end of the queue at a price. */
void td_tickets_join(td_tickets *tickets, int32_t order, td_side side, int32_t tick, double model, int64_t level, int64_t epoch, uint64_t place);
void td_tickets_leave(td_tickets *tickets, int32_t order, td_side side);
/* The nearest key behind `key` that has tickets, TD_NO_BID when there is none. */
int32_t td_tickets_next(const td_tickets *tickets, td_side side, int32_t key);
/* May there be tickets at that key? */
static inline bool td_tickets_maybe(const td_ticket_side *side, int32_t key) {
    uint32_t at = (uint32_t)key % TD_CHAINS;
    return (key <= side->nearest) & (key >= side->farthest) & (bool)(side->bits[at / 64] >> (at % 64) & 1);
}

#endif
