/* A book while messages come in: ladder and, of tapes with orders, the orders, for engines that play many sets on one replay. What messages
 * do to it is docs/book-rules.md, as sim/plain_book.h has it a second time.
 *
 * td_live_apply() is inlined into whoever calls it with the hooks it wants: where a hook is NULL nothing is left of it. */
#ifndef TAPEDECK_SIM_BOOK_LIVE_H
#define TAPEDECK_SIM_BOOK_LIVE_H

#include <stdlib.h>

#include "data/ladder.h"
#include "sim/book_engines.h"

/* An order of the market's (L3). place: the smaller, the earlier it came to the queue of its level. */
typedef struct td_live_order {
    uint64_t id, place;
    int64_t lots;
    int32_t tick;
    uint8_t side;
    bool there;
} td_live_order;

typedef struct td_live {
    td_ladder *ladder;
    const td_book *tape;
    bool parity;
    bool gap;                 /* strict: not to be acted upon until the next message that says what the whole book is */
    uint64_t places;          /* given so far */
    td_live_order *orders;    /* open addressing, room a power of two */
    int64_t order_count, order_room;
} td_live;

typedef struct td_live_hooks {
    void (*level)(void *context, td_side side, int32_t tick, int64_t before, int64_t after);
    void (*replaced)(void *context, const int32_t worst[2]);
    void (*improved)(void *context, td_side side);
    void (*trade)(void *context, td_side taker, int32_t tick, int64_t lots);
    void (*hit)(void *context, const td_live_order *order, int32_t tick, int64_t lots);
    void (*cleared)(void *context, td_side side);
} td_live_hooks;

static inline td_side td_live_other(td_side side) { return side == TD_BUY ? TD_SELL : TD_BUY; }

/* ---- orders ---- */

static inline int64_t td_live_place_of(const td_live *live, uint64_t id) {
    int64_t mask = live->order_room - 1, at = (int64_t)((id * 0x9E3779B97F4A7C15ull) >> 20) & mask;
    while (live->orders[at].there && live->orders[at].id != id) at = (at + 1) & mask;
    return at;
}

static inline td_live_order *td_live_find(td_live *live, uint64_t id) {
    if (!live->order_room) return NULL;
    td_live_order *order = &live->orders[td_live_place_of(live, id)];
    return order->there ? order : NULL;
}

static inline void td_live_keep(td_live *live, td_live_order order) {
    if (live->order_count * 2 >= live->order_room) {
        td_live more = *live;
        more.order_room = live->order_room ? live->order_room * 2 : 1024;
        more.orders = calloc((size_t)more.order_room, sizeof *more.orders);
        if (!more.orders) abort(); /* as a ladder does */
        for (int64_t i = 0; i < live->order_room; i++)
            if (live->orders[i].there) more.orders[td_live_place_of(&more, live->orders[i].id)] = live->orders[i];
        free(live->orders);
        *live = more;
    }
    live->orders[td_live_place_of(live, order.id)] = order;
    live->order_count++;
}

/* Those that had to go past it move up, so that they are still found. */
static inline void td_live_drop(td_live *live, td_live_order *order) {
    int64_t mask = live->order_room - 1, hole = order - live->orders;
    order->there = false;
    live->order_count--;
    for (int64_t at = (hole + 1) & mask; live->orders[at].there; at = (at + 1) & mask) {
        td_live_order moved = live->orders[at];
        live->orders[at].there = false;
        live->orders[td_live_place_of(live, moved.id)] = moved;
    }
}

/* ---- messages ---- */

TD_INLINE void td_live_improve(td_live *live, const int32_t before[2], const td_live_hooks hooks, void *context) {
    for (int side = 0; hooks.improved && side < 2; side++)
        if (live->ladder->side[side].best > before[side]) hooks.improved(context, (td_side)side);
}

TD_INLINE void td_live_note(const td_live *live, int32_t before[2]) {
    before[TD_BUY] = live->ladder->side[TD_BUY].best;
    before[TD_SELL] = live->ladder->side[TD_SELL].best;
}

/* A row: level, queues, and in mode parity whatever follows from it at once. */
TD_INLINE void td_live_row(td_live *live, td_side side, int32_t tick, int64_t lots, const bool parity, const td_live_hooks hooks, void *context) {
    td_ladder *ladder = live->ladder;
    int32_t best = ladder->side[side].best;
    int64_t before = td_ladder_set(ladder, side, tick, lots);
    if (hooks.level) hooks.level(context, side, tick, before, lots);
    if (!parity || td_likely(ladder->side[side].best <= best)) return;
    td_ladder_step_back(ladder, side, tick);
    if (hooks.improved) hooks.improved(context, side);
}

/* A message that leaves the book crossed is right, and what it crosses is old; where it crosses itself the row that comes first is. */
static inline void td_live_uncross(td_live *live, int64_t m) {
    const td_book *tape = live->tape;
    if (td_ladder_bid(live->ladder) < td_ladder_ask(live->ladder)) return;
    for (int64_t r = td_book_row_begin(tape, m); r < tape->row_end[m]; r++) {
        td_side side = td_row_side(tape->row[r]);
        int32_t tick = td_row_tick(tape->row[r]);
        if (td_book_lots(tape, r) > 0 && td_ladder_lots(live->ladder, side, tick) > 0) td_ladder_uncross(live->ladder, side, tick);
    }
}

TD_INLINE void td_live_levels(td_live *live, int64_t m, const bool parity, const td_live_hooks hooks, void *context) {
    const td_book *tape = live->tape;
    int32_t before[2];
    td_live_note(live, before);
    for (int64_t r = td_book_row_begin(tape, m), end = tape->row_end[m]; r < end; r++)
        td_live_row(live, td_row_side(tape->row[r]), td_row_tick(tape->row[r]), td_book_lots(tape, r), parity, hooks, context);
    if (parity) return;
    td_live_uncross(live, m);
    td_live_improve(live, before, hooks, context);
}

/* Parity: of each side what lies between the best and the worst price named is cleared, and the rows are rows as any. */
TD_INLINE void td_live_snapshot_rows(td_live *live, int64_t m, const td_live_hooks hooks, void *context) {
    const td_book *tape = live->tape;
    bool cleared[2] = {false, false};
    for (int64_t r = td_book_row_begin(tape, m), end = tape->row_end[m]; r < end; r++) {
        td_side side = td_row_side(tape->row[r]);
        if (!cleared[side]) {
            int32_t worst = INT32_MAX; /* key */
            for (int64_t other = r; other < end; other++) {
                int32_t key = td_ladder_key(side, td_row_tick(tape->row[other]));
                if (td_row_side(tape->row[other]) == side && key < worst) worst = key;
            }
            td_ladder_clear_to(live->ladder, side, td_ladder_key(side, worst));
            cleared[side] = true;
        }
        td_live_row(live, side, td_row_tick(tape->row[r]), td_book_lots(tape, r), true, hooks, context);
    }
}

/* Strict: the book is what the snapshot says and nothing else. */
TD_INLINE void td_live_replace(td_live *live, int64_t m, const td_live_hooks hooks, void *context) {
    const td_book *tape = live->tape;
    int32_t worst[2] = {INT32_MAX, INT32_MAX}; /* keys */
    td_ladder_clear(live->ladder, TD_BUY);
    td_ladder_clear(live->ladder, TD_SELL);
    live->gap = false;
    for (int64_t r = td_book_row_begin(tape, m); r < tape->row_end[m]; r++) {
        td_side side = td_row_side(tape->row[r]);
        int32_t tick = td_row_tick(tape->row[r]), key = td_ladder_key(side, tick);
        td_ladder_set(live->ladder, side, tick, td_book_lots(tape, r));
        if (key < worst[side]) worst[side] = key;
    }
    td_live_uncross(live, m);
    if (hooks.replaced) hooks.replaced(context, worst);
    td_live_improve(live, (const int32_t[2]){TD_NO_BID, TD_NO_BID}, hooks, context);
}

static inline void td_live_clear(td_live *live, int64_t m) {
    const td_book *tape = live->tape;
    int64_t begin = td_book_row_begin(tape, m), end = tape->row_end[m];
    if (begin == end) td_ladder_reset(live->ladder);
    for (int64_t r = begin; r < end; r++) td_ladder_clear_to(live->ladder, td_row_side(tape->row[r]), td_row_tick(tape->row[r]));
}

/* An order came to a level. */
TD_INLINE void td_live_join(td_live *live, td_side side, int32_t tick, int64_t lots, const td_live_hooks hooks, void *context) {
    td_live_row(live, side, tick, td_ladder_lots(live->ladder, side, tick) + lots, live->parity, hooks, context);
}

/* One left it, or became another size there: in mode parity what is left is not made the best price by that, where it is not already. */
TD_INLINE void td_live_change(td_live *live, td_side side, int32_t tick, int64_t by, const td_live_hooks hooks, void *context) {
    int32_t *best = &live->ladder->side[side].best, was = *best;
    int64_t lots = td_ladder_lots(live->ladder, side, tick) + by, before = td_ladder_set(live->ladder, side, tick, lots);
    if (live->parity && *best > was) *best = was;
    if (hooks.level) hooks.level(context, side, tick, before, lots);
}

TD_INLINE void td_live_clear_orders(td_live *live, td_side side, const td_live_hooks hooks, void *context) {
    for (int64_t i = 0; i < live->order_room;) /* dropping one may move another to where we have been */
        if (live->orders[i].there && live->orders[i].side == side)
            td_live_drop(live, &live->orders[i]);
        else
            i++;
    td_ladder_clear(live->ladder, side);
    if (hooks.cleared) hooks.cleared(context, side);
}

TD_INLINE void td_live_order_row(td_live *live, int64_t r, const td_live_hooks hooks, void *context) {
    const td_book *tape = live->tape;
    td_side side = td_row_side(tape->row[r]);
    int32_t tick = td_row_tick(tape->row[r]);
    int64_t lots = td_book_lots(tape, r);
    uint64_t id = tape->order_id[r];
    td_live_order *order = td_live_find(live, id);
    switch ((td_book_action)tape->action[r]) {
    case TD_ACTION_ADD:
        if (order || lots == 0) return;
        td_live_keep(live, (td_live_order){.id = id, .side = (uint8_t)side, .tick = tick, .lots = lots, .place = ++live->places, .there = true});
        td_live_join(live, side, tick, lots, hooks, context);
        return;
    case TD_ACTION_CANCEL: {
        if (!order) return;
        td_live_order was = *order;
        int64_t taken = live->parity || lots > was.lots ? was.lots : lots;
        order->lots -= taken;
        if (order->lots == 0) td_live_drop(live, order);
        td_live_change(live, (td_side)was.side, was.tick, -taken, hooks, context);
        return;
    }
    case TD_ACTION_MODIFY: {
        if (!order) return;
        td_live_order was = *order;
        if (tick != was.tick || lots > was.lots) order->place = ++live->places; /* to the end of the queue */
        order->tick = tick;
        order->lots = lots;
        if (lots == 0) td_live_drop(live, order);
        if (tick == was.tick) {
            td_live_change(live, (td_side)was.side, tick, lots - was.lots, hooks, context);
        } else {
            td_live_change(live, (td_side)was.side, was.tick, -was.lots, hooks, context);
            td_live_join(live, (td_side)was.side, tick, lots, hooks, context);
        }
        return;
    }
    case TD_ACTION_CLEAR:
        for (int each = 0; each < 2; each++)
            if (id == 1 || (td_side)each == side) td_live_clear_orders(live, (td_side)each, hooks, context);
        if (id == 1) live->gap = false;
        return;
    case TD_ACTION_TRADE:
        if (hooks.trade) hooks.trade(context, side, tick, lots);
        return;
    default: /* a fill; the order's own row says what is left of it */
        if (order && hooks.hit) hooks.hit(context, order, tick, lots);
        return;
    }
}

TD_INLINE void td_live_orders(td_live *live, int64_t m, const td_live_hooks hooks, void *context) {
    const td_book *tape = live->tape;
    int32_t before[2];
    td_live_note(live, before);
    for (int64_t r = td_book_row_begin(tape, m); r < tape->row_end[m]; r++) {
        td_live_order_row(live, r, hooks, context);
        for (int each = 0; each < 2; each++)
            if (tape->action[r] == TD_ACTION_CLEAR && live->ladder->side[each].best == TD_NO_BID) before[each] = TD_NO_BID;
    }
    if (!live->parity) td_live_improve(live, before, hooks, context);
}

/* What message m of the tape does to the book. */
TD_INLINE void td_live_apply(td_live *live, int64_t m, const td_live_hooks hooks, void *context) {
    const td_book *tape = live->tape;
    if (td_unlikely(live->gap) && !td_book_restarts(tape, m)) return;
    switch ((td_book_kind)tape->kind[m]) {
    case TD_BOOK_DEPTH:
        if (live->parity)
            td_live_levels(live, m, true, hooks, context);
        else
            td_live_levels(live, m, false, hooks, context);
        break;
    case TD_BOOK_TRADE:
        for (int64_t r = td_book_row_begin(tape, m); hooks.trade && r < tape->row_end[m]; r++)
            hooks.trade(context, td_row_side(tape->row[r]), td_row_tick(tape->row[r]), td_book_lots(tape, r));
        break;
    case TD_BOOK_SNAPSHOT:
        if (live->parity)
            td_live_snapshot_rows(live, m, hooks, context);
        else
            td_live_replace(live, m, hooks, context);
        break;
    case TD_BOOK_CLEAR:
        live->gap = false;
        td_live_clear(live, m);
        break;
    case TD_BOOK_ORDERS: td_live_orders(live, m, hooks, context); break;
    default: /* a gap */
        if (live->parity) break;
        td_ladder_reset(live->ladder);
        live->gap = true;
    }
}

#endif
