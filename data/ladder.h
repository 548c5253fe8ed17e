/* The levels of a book, by tick: on each side a flat array around the touch with one bit per occupied tick, and a table for what lies
 * far away. Nothing is ever dropped: levels beyond the window are kept aside, and the window moves when the best price nears its edge.
 * A ladder has one user at a time.
 *
 * Inside, a tick of the asks is held as its complement, so that on both sides the best level is the one with the largest key and
 * whatever is behind it has smaller ones: one code for both sides. */
#ifndef TAPEDECK_DATA_LADDER_H
#define TAPEDECK_DATA_LADDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "data/book.h"

enum { TD_LADDER_TICKS = 1 << 17 }; /* of a window; half a megabyte a side, of which what is looked at stays in the cache */
#define TD_NO_BID INT32_MIN
#define TD_NO_ASK INT32_MAX

/* Private: here for the code below. */
typedef struct td_ladder_side {
    int32_t best;   /* key, TD_NO_BID: none */
    int32_t first;  /* key of cell 0 */
    uint32_t *lots; /* (TD_LADDER_TICKS) TD_LOTS_WIDE: in the table */
    uint64_t *bits; /* (TD_LADDER_TICKS / 64) */
    struct td_ladder_far *far; /* (far_room) open addressing */
    int64_t far_room, far_used;
} td_ladder_side;
typedef struct td_ladder {
    td_ladder_side side[2];
} td_ladder;
static inline int32_t td_ladder_key(td_side side, int32_t tick) { return tick ^ -(int32_t)side; } /* its own inverse */
int64_t td_ladder_set_elsewhere(td_ladder_side *side, int32_t key, int64_t lots);
int64_t td_ladder_lots_elsewhere(const td_ladder_side *side, int32_t key);
void td_ladder_settle(td_ladder_side *side, int32_t key, bool there);

td_status td_ladder_open(td_ladder **ladder, td_error *error);
void td_ladder_close(td_ladder *ladder);
void td_ladder_reset(td_ladder *ladder); /* as opened */

/* Best prices; TD_NO_BID, TD_NO_ASK where the side is empty. */
static inline int32_t td_ladder_best(const td_ladder *ladder, td_side side) { return td_ladder_key(side, ladder->side[side].best); }
static inline int32_t td_ladder_bid(const td_ladder *ladder) { return td_ladder_best(ladder, TD_BUY); }
static inline int32_t td_ladder_ask(const td_ladder *ladder) { return td_ladder_best(ladder, TD_SELL); }
static inline int64_t td_ladder_lots(const td_ladder *ladder, td_side side, int32_t tick) {
    const td_ladder_side *own = &ladder->side[side];
    int32_t key = td_ladder_key(side, tick);
    uint32_t cell = (uint32_t)key - (uint32_t)own->first;
    if (cell < TD_LADDER_TICKS && own->lots[cell] != TD_LOTS_WIDE) return own->lots[cell];
    return td_ladder_lots_elsewhere(own, key);
}
int64_t td_ladder_levels(const td_ladder *ladder, td_side side);
/* The next occupied tick behind `tick` on that side (lower bid, higher ask); TD_NO_BID, TD_NO_ASK when there is none. */
int32_t td_ladder_next(const td_ladder *ladder, td_side side, int32_t tick);

/* Sets a level, returns the lots it had. The side's best price follows. Does nothing about crossed books: td_ladder_uncross() does. */
static inline int64_t td_ladder_set(td_ladder *ladder, td_side side, int32_t tick, int64_t lots) {
    td_ladder_side *own = &ladder->side[side];
    int32_t key = td_ladder_key(side, tick);
    uint32_t cell = (uint32_t)key - (uint32_t)own->first;
    if (__builtin_expect(cell >= TD_LADDER_TICKS || lots >= (int64_t)TD_LOTS_WIDE || own->lots[cell] == TD_LOTS_WIDE, 0))
        return td_ladder_set_elsewhere(own, key, lots);
    uint64_t before = own->lots[cell], bit = 1ull << (cell % 64), there = lots ? bit : 0;
    own->lots[cell] = (uint32_t)lots;
    own->bits[cell / 64] = (own->bits[cell / 64] & ~bit) | there;
    if (__builtin_expect((key >= own->best) & ((key != own->best) == (lots != 0)), 0)) td_ladder_settle(own, key, lots != 0);
    return (int64_t)before;
}
/* Removes the levels of the other side that a price on `side` at `tick` makes impossible (asks at or below a bid); returns how many. */
int64_t td_ladder_uncross(td_ladder *ladder, td_side side, int32_t tick);
/* hftbacktest's way with a crossed book (its ROIVectorMarketDepth): the levels stay, and only the best price of the other side moves on
 * to the next one that does not cross. Call after td_ladder_set() with lots > 0. From then on the best price need not be the best level:
 * those that were passed over come back only when they are set anew. */
void td_ladder_step_back(td_ladder *ladder, td_side side, int32_t tick);
/* Removes the levels of a side from the best price to `tick`, inclusive. */
void td_ladder_clear_to(td_ladder *ladder, td_side side, int32_t tick);
void td_ladder_clear(td_ladder *ladder, td_side side);

#endif
