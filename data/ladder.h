/* The levels of one side or both of a book, by tick: a flat array around the touch, one bit per occupied tick, and a table for what
 * lies far away. Nothing is ever dropped: levels beyond the window are kept aside, and the window moves when the best price nears its
 * edge. All of it is measured in reference to one writer: not thread-safe.
 *
 * Sizes: TD_LADDER_TICKS ticks a side near the touch; a level costs one cache line of quantities and one of bits. */
#ifndef TAPEDECK_DATA_LADDER_H
#define TAPEDECK_DATA_LADDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "data/book.h"

enum { TD_LADDER_TICKS = 1 << 17 };
#define TD_NO_BID INT32_MIN
#define TD_NO_ASK INT32_MAX

typedef struct td_ladder td_ladder;
td_status td_ladder_open(td_ladder **ladder, td_error *error);
void td_ladder_close(td_ladder *ladder);
void td_ladder_reset(td_ladder *ladder); /* as opened */

/* Best prices; TD_NO_BID, TD_NO_ASK where the side is empty. */
int32_t td_ladder_bid(const td_ladder *ladder);
int32_t td_ladder_ask(const td_ladder *ladder);
int64_t td_ladder_lots(const td_ladder *ladder, td_side side, int32_t tick);
int64_t td_ladder_levels(const td_ladder *ladder, td_side side);
/* The next occupied tick behind `tick` on that side (lower bid, higher ask); TD_NO_BID, TD_NO_ASK when there is none. */
int32_t td_ladder_next(const td_ladder *ladder, td_side side, int32_t tick);

/* Sets a level, returns the lots it had. Best prices follow. Does nothing about crossed books: td_ladder_uncross() does. */
int64_t td_ladder_set(td_ladder *ladder, td_side side, int32_t tick, int64_t lots);
/* Removes the levels of the other side that a price on `side` at `tick` makes impossible (asks at or below a bid); returns how many. */
int64_t td_ladder_uncross(td_ladder *ladder, td_side side, int32_t tick);
/* hftbacktest's way with a crossed book (its ROIVectorMarketDepth): the levels stay, and only the best price of the other side moves on
 * to the next one that does not cross. Call after td_ladder_set() with lots > 0. */
void td_ladder_step_back(td_ladder *ladder, td_side side, int32_t tick);
/* Removes the levels of a side from the best to `tick`, inclusive. */
void td_ladder_clear_to(td_ladder *ladder, td_side side, int32_t tick);
void td_ladder_clear(td_ladder *ladder, td_side side);

#endif
