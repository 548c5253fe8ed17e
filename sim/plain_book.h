/* A book in plain C, for the plain engine: levels in sorted arrays, single orders (L3) in a table, and what the messages of a tape do to
 * them, row by row in mode parity, message by message in mode strict (docs/book-rules.md). It is what data/ladder.h is compared with.
 *
 * Whoever has orders in the book of the exchange is told of what happens through hooks, in the order in which it happens. */
#ifndef TAPEDECK_SIM_PLAIN_BOOK_H
#define TAPEDECK_SIM_PLAIN_BOOK_H

#include <stdbool.h>

#include "data/book.h"

typedef struct td_plain_level {
    int32_t tick;
    int64_t lots;
} td_plain_level;

/* An order of the market's. place: the smaller, the earlier it came to the queue of its level. */
typedef struct td_plain_order {
    uint64_t id;
    td_side side;
    int32_t tick;
    int64_t lots;
    uint64_t place;
    bool there;
} td_plain_order;

typedef struct td_plain_book {
    bool parity;
    bool gap;                   /* strict: not to be acted upon until the next message that says what the whole book is */
    bool out_of_memory;         /* something is missing; what follows means nothing */
    td_plain_level *levels[2];  /* [side] the best last */
    int64_t count[2], room[2];
    int32_t best[2];            /* TD_NO_BID, TD_NO_ASK: none. Parity: better levels may be there, which do not count */
    uint64_t places;            /* given so far */
    td_plain_order *orders;     /* open addressing, room a power of two */
    int64_t order_count, order_room;
} td_plain_book;

/* Any may be NULL. */
typedef struct td_plain_hooks {
    void (*on_level)(void *context, td_side side, int32_t tick, int64_t before, int64_t after); /* a row, or an order's row */
    /* Strict: the book is another one; worst: the last tick that it names on each side, of an empty side the best there can be. */
    void (*on_replaced)(void *context, const int32_t worst[2]);
    void (*on_improved)(void *context, td_side side); /* the best price of the side became better */
    void (*on_trade)(void *context, td_side taker, int32_t tick, int64_t lots);
    void (*on_hit)(void *context, const td_plain_order *order, int32_t tick, int64_t lots);
    void (*on_cleared)(void *context, td_side side);  /* all single orders of the side are gone */
    void *context;
} td_plain_hooks;

void td_plain_open(td_plain_book *book, bool parity);
void td_plain_close(td_plain_book *book);

static inline td_side td_other(td_side side) { return side == TD_BUY ? TD_SELL : TD_BUY; }
/* Is a price better than another for those who want to trade on that side: a higher bid, a lower ask? */
static inline bool td_better(td_side side, int32_t tick, int32_t than) { return side == TD_BUY ? tick > than : tick < than; }

int64_t td_plain_lots(const td_plain_book *book, td_side side, int32_t tick);
/* The next level behind `tick`; TD_NO_BID, TD_NO_ASK when there is none. */
int32_t td_plain_next(const td_plain_book *book, td_side side, int32_t tick);
/* The place of an order that joins a queue now. */
uint64_t td_plain_place(td_plain_book *book);

/* What message m of the tape does to the book. */
void td_plain_apply(td_plain_book *book, const td_book *tape, int64_t m, const td_plain_hooks *hooks);

#endif
