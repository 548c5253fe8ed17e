/* See plain_book.h. */
#include "sim/plain_book.h"

#include <stdlib.h>
#include <string.h>

#include "data/ladder.h"
#include "sim/book_engines.h"

static const int32_t nothing[2] = {TD_NO_BID, TD_NO_ASK};

void td_plain_open(td_plain_book *book, bool parity) { *book = (td_plain_book){.parity = parity, .best = {TD_NO_BID, TD_NO_ASK}}; }

void td_plain_close(td_plain_book *book) {
    free(book->levels[TD_BUY]);
    free(book->levels[TD_SELL]);
    free(book->orders);
}

/* ---- levels ---- */

/* Where the level is, or would be: the number of levels that are worse. */
static int64_t find_level(const td_plain_book *book, td_side side, int32_t tick) {
    int64_t low = 0, high = book->count[side];
    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        if (td_better(side, tick, book->levels[side][middle].tick))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool is_level(const td_plain_book *book, td_side side, int64_t at, int32_t tick) {
    return at < book->count[side] && book->levels[side][at].tick == tick;
}

int64_t td_plain_lots(const td_plain_book *book, td_side side, int32_t tick) {
    int64_t at = find_level(book, side, tick);
    return is_level(book, side, at, tick) ? book->levels[side][at].lots : 0;
}

int32_t td_plain_next(const td_plain_book *book, td_side side, int32_t tick) {
    int64_t at = find_level(book, side, tick);
    return at > 0 ? book->levels[side][at - 1].tick : nothing[side];
}

static void remove_levels(td_plain_book *book, td_side side, int64_t from, int64_t to) {
    td_plain_level *levels = book->levels[side];
    memmove(levels + from, levels + to, (size_t)(book->count[side] - to) * sizeof *levels);
    book->count[side] -= to - from;
}

static void insert_level(td_plain_book *book, td_side side, int64_t at, int32_t tick, int64_t lots) {
    if (book->count[side] == book->room[side]) {
        int64_t room = book->room[side] ? book->room[side] * 2 : 1024;
        td_plain_level *levels = realloc(book->levels[side], (size_t)room * sizeof *levels);
        if (!levels) {
            book->out_of_memory = true;
            return;
        }
        book->levels[side] = levels;
        book->room[side] = room;
    }
    td_plain_level *levels = book->levels[side];
    memmove(levels + at + 1, levels + at, (size_t)(book->count[side] - at) * sizeof *levels);
    levels[at] = (td_plain_level){.tick = tick, .lots = lots};
    book->count[side]++;
}

/* Sets a level and returns what it had. Best prices follow; in mode parity the other side's steps back behind a price that crosses it,
 * and the levels it passes stay. leads: a level that is better than the best price is it from now on (parity: not where an order left). */
static int64_t set_level(td_plain_book *book, td_side side, int32_t tick, int64_t lots, bool leads) {
    int64_t at = find_level(book, side, tick), before = 0;
    if (is_level(book, side, at, tick)) {
        before = book->levels[side][at].lots;
        if (lots)
            book->levels[side][at].lots = lots;
        else
            remove_levels(book, side, at, at + 1);
    } else if (lots)
        insert_level(book, side, at, tick, lots);
    if (!lots && tick == book->best[side]) book->best[side] = td_plain_next(book, side, tick);
    if (lots && leads && td_better(side, tick, book->best[side])) {
        td_side other = td_other(side);
        book->best[side] = tick;
        bool crosses = book->best[other] != nothing[other] && !td_better(other, tick, book->best[other]);
        if (book->parity && crosses) book->best[other] = td_plain_next(book, other, tick);
    }
    return before;
}

static void clear_side(td_plain_book *book, td_side side) {
    book->count[side] = 0;
    book->best[side] = nothing[side];
}

/* From the best price to that one. */
static void clear_to(td_plain_book *book, td_side side, int32_t tick) {
    if (book->best[side] != nothing[side] && !td_better(side, tick, book->best[side]))
        remove_levels(book, side, find_level(book, side, tick), find_level(book, side, book->best[side]) + 1);
    book->best[side] = td_plain_next(book, side, tick);
}

/* Removes what a price on `side` makes impossible on the other. */
static void uncross(td_plain_book *book, td_side side, int32_t tick) {
    td_side other = td_other(side);
    /* those from `tick` on inwards: no worse for the other side than it */
    int64_t at = find_level(book, other, tick);
    remove_levels(book, other, at, book->count[other]);
    book->best[other] = at > 0 ? book->levels[other][at - 1].tick : nothing[other];
}

/* ---- single orders ---- */

static int64_t slot_of(const td_plain_book *book, uint64_t id) {
    int64_t mask = book->order_room - 1, at = (int64_t)((id * 0x9E3779B97F4A7C15ull) >> 20) & mask;
    while (book->orders[at].there && book->orders[at].id != id) at = (at + 1) & mask;
    return at;
}

static td_plain_order *find_order(td_plain_book *book, uint64_t id) {
    if (!book->order_room) return NULL;
    td_plain_order *order = &book->orders[slot_of(book, id)];
    return order->there ? order : NULL;
}

static void grow_orders(td_plain_book *book) {
    td_plain_book bigger = *book;
    bigger.order_room = book->order_room ? book->order_room * 2 : 1024;
    bigger.orders = calloc((size_t)bigger.order_room, sizeof *bigger.orders);
    if (!bigger.orders) {
        book->out_of_memory = true;
        return;
    }
    for (int64_t i = 0; i < book->order_room; i++)
        if (book->orders[i].there) bigger.orders[slot_of(&bigger, book->orders[i].id)] = book->orders[i];
    free(book->orders);
    *book = bigger;
}

static void keep_order(td_plain_book *book, td_plain_order order) {
    if (book->order_count * 2 >= book->order_room) grow_orders(book);
    if (book->out_of_memory) return;
    book->orders[slot_of(book, order.id)] = order;
    book->order_count++;
}

static void drop_order(td_plain_book *book, td_plain_order *order) {
    /* those that had to go past it move up, so that they are still found */
    int64_t mask = book->order_room - 1, hole = order - book->orders;
    order->there = false;
    book->order_count--;
    for (int64_t at = (hole + 1) & mask; book->orders[at].there; at = (at + 1) & mask) {
        td_plain_order moved = book->orders[at];
        book->orders[at].there = false;
        book->orders[slot_of(book, moved.id)] = moved;
    }
}

uint64_t td_plain_place(td_plain_book *book) { return ++book->places; }

/* ---- messages ---- */

static void improve(td_plain_book *book, const int32_t before[2], const td_plain_hooks *hooks) {
    for (int side = 0; side < 2; side++)
        if (td_better((td_side)side, book->best[side], before[side]) && hooks->on_improved) hooks->on_improved(hooks->context, (td_side)side);
}

static void set_and_tell(td_plain_book *book, td_side side, int32_t tick, int64_t lots, bool leads, const td_plain_hooks *hooks) {
    int64_t before = set_level(book, side, tick, lots, leads);
    if (hooks->on_level) hooks->on_level(hooks->context, side, tick, before, lots);
}

/* A message that leaves the book crossed is right, and what it crosses is old; where it crosses itself the row that comes first is. */
static void uncross_message(td_plain_book *book, const td_book *tape, int64_t m) {
    if (book->best[TD_BUY] == TD_NO_BID || book->best[TD_SELL] == TD_NO_ASK || book->best[TD_BUY] < book->best[TD_SELL]) return;
    for (int64_t r = td_book_row_begin(tape, m); r < tape->row_end[m]; r++) {
        td_side side = td_row_side(tape->row[r]);
        int32_t tick = td_row_tick(tape->row[r]);
        if (td_book_lots(tape, r) > 0 && td_plain_lots(book, side, tick) > 0) uncross(book, side, tick);
    }
}

/* Levels with their new quantities. */
static void apply_levels(td_plain_book *book, const td_book *tape, int64_t m, const td_plain_hooks *hooks) {
    int32_t before[2] = {book->best[TD_BUY], book->best[TD_SELL]};
    for (int64_t r = td_book_row_begin(tape, m); r < tape->row_end[m]; r++) {
        set_and_tell(book, td_row_side(tape->row[r]), td_row_tick(tape->row[r]), td_book_lots(tape, r), true, hooks);
        if (!book->parity) continue;
        improve(book, before, hooks);
        memcpy(before, book->best, sizeof before);
    }
    if (book->parity) return;
    uncross_message(book, tape, m);
    improve(book, before, hooks);
}

/* Parity: of each side what lies between the best and the worst price named is cleared, and the rows are rows as any. */
static void apply_snapshot_rows(td_plain_book *book, const td_book *tape, int64_t m, const td_plain_hooks *hooks) {
    bool cleared[2] = {false, false};
    for (int64_t r = td_book_row_begin(tape, m); r < tape->row_end[m]; r++) {
        td_side side = td_row_side(tape->row[r]);
        if (!cleared[side]) {
            int32_t worst = td_row_tick(tape->row[r]);
            for (int64_t other = r; other < tape->row_end[m]; other++)
                if (td_row_side(tape->row[other]) == side && td_better(side, worst, td_row_tick(tape->row[other])))
                    worst = td_row_tick(tape->row[other]);
            clear_to(book, side, worst);
            cleared[side] = true;
        }
        int32_t before[2] = {book->best[TD_BUY], book->best[TD_SELL]};
        set_and_tell(book, side, td_row_tick(tape->row[r]), td_book_lots(tape, r), true, hooks);
        improve(book, before, hooks);
    }
}

/* Strict: the book is what the snapshot says and nothing else. */
static void replace_book(td_plain_book *book, const td_book *tape, int64_t m, const td_plain_hooks *hooks) {
    int32_t worst[2] = {INT32_MAX, INT32_MIN};
    clear_side(book, TD_BUY);
    clear_side(book, TD_SELL);
    book->gap = false;
    for (int64_t r = td_book_row_begin(tape, m); r < tape->row_end[m]; r++) {
        td_side side = td_row_side(tape->row[r]);
        int32_t tick = td_row_tick(tape->row[r]);
        set_level(book, side, tick, td_book_lots(tape, r), true);
        if (td_better(side, worst[side], tick)) worst[side] = tick;
    }
    uncross_message(book, tape, m);
    if (hooks->on_replaced) hooks->on_replaced(hooks->context, worst);
    improve(book, nothing, hooks);
}

static void apply_clear(td_plain_book *book, const td_book *tape, int64_t m) {
    if (td_book_row_begin(tape, m) == tape->row_end[m]) {
        clear_side(book, TD_BUY);
        clear_side(book, TD_SELL);
    }
    for (int64_t r = td_book_row_begin(tape, m); r < tape->row_end[m]; r++)
        clear_to(book, td_row_side(tape->row[r]), td_row_tick(tape->row[r]));
}

static void apply_trades(const td_book *tape, int64_t m, const td_plain_hooks *hooks) {
    for (int64_t r = td_book_row_begin(tape, m); hooks->on_trade && r < tape->row_end[m]; r++)
        hooks->on_trade(hooks->context, td_row_side(tape->row[r]), td_row_tick(tape->row[r]), td_book_lots(tape, r));
}

static void join_level(td_plain_book *book, td_side side, int32_t tick, int64_t lots, const td_plain_hooks *hooks) {
    set_and_tell(book, side, tick, td_plain_lots(book, side, tick) + lots, true, hooks);
}

/* An order left it, or became another size there. */
static void change_level(td_plain_book *book, td_side side, int32_t tick, int64_t by, const td_plain_hooks *hooks) {
    set_and_tell(book, side, tick, td_plain_lots(book, side, tick) + by, !book->parity, hooks);
}

static void clear_orders(td_plain_book *book, td_side side, const td_plain_hooks *hooks) {
    /* dropping one may move another to where we have been */
    for (int64_t i = 0; i < book->order_room;)
        if (book->orders[i].there && book->orders[i].side == side)
            drop_order(book, &book->orders[i]);
        else
            i++;
    clear_side(book, side);
    if (hooks->on_cleared) hooks->on_cleared(hooks->context, side);
}

static void apply_order(td_plain_book *book, td_book_action action, uint64_t id, td_side side, int32_t tick, int64_t lots,
                        const td_plain_hooks *hooks) {
    td_plain_order *order = find_order(book, id);
    switch (action) {
    case TD_ACTION_ADD:
        if (order || lots == 0) return;
        keep_order(book, (td_plain_order){.id = id, .side = side, .tick = tick, .lots = lots, .place = td_plain_place(book), .there = true});
        join_level(book, side, tick, lots, hooks);
        return;
    case TD_ACTION_CANCEL: {
        if (!order) return;
        td_plain_order was = *order;
        int64_t taken = book->parity || lots > was.lots ? was.lots : lots;
        order->lots -= taken;
        if (order->lots == 0) drop_order(book, order);
        change_level(book, was.side, was.tick, -taken, hooks);
        return;
    }
    case TD_ACTION_MODIFY: {
        if (!order) return;
        td_plain_order was = *order;
        if (tick != was.tick || lots > was.lots) order->place = td_plain_place(book); /* to the end of the queue */
        order->tick = tick;
        order->lots = lots;
        if (lots == 0) drop_order(book, order);
        if (tick == was.tick)
            change_level(book, was.side, tick, lots - was.lots, hooks);
        else {
            change_level(book, was.side, was.tick, -was.lots, hooks);
            join_level(book, was.side, tick, lots, hooks);
        }
        return;
    }
    case TD_ACTION_CLEAR:
        for (int each = 0; each < 2; each++)
            if (id == 1 || (td_side)each == side) clear_orders(book, (td_side)each, hooks);
        if (id == 1) book->gap = false;
        return;
    case TD_ACTION_TRADE:
        if (hooks->on_trade) hooks->on_trade(hooks->context, side, tick, lots);
        return;
    default: /* a fill; the order's own row says what is left of it */
        if (order && hooks->on_hit) hooks->on_hit(hooks->context, order, tick, lots);
        return;
    }
}

static void apply_orders(td_plain_book *book, const td_book *tape, int64_t m, const td_plain_hooks *hooks) {
    int32_t before[2] = {book->best[TD_BUY], book->best[TD_SELL]};
    for (int64_t r = td_book_row_begin(tape, m); r < tape->row_end[m]; r++) {
        td_side side = td_row_side(tape->row[r]);
        apply_order(book, (td_book_action)tape->action[r], tape->order_id[r], side, td_row_tick(tape->row[r]), td_book_lots(tape, r), hooks);
        for (int each = 0; each < 2; each++)
            if (tape->action[r] == TD_ACTION_CLEAR && book->count[each] == 0) before[each] = nothing[each];
        if (!book->parity) continue;
        improve(book, before, hooks);
        memcpy(before, book->best, sizeof before);
    }
    if (!book->parity) improve(book, before, hooks);
}

void td_plain_apply(td_plain_book *book, const td_book *tape, int64_t m, const td_plain_hooks *hooks) {
    if (book->gap && !td_book_restarts(tape, m)) return;
    switch ((td_book_kind)tape->kind[m]) {
    case TD_BOOK_DEPTH: apply_levels(book, tape, m, hooks); break;
    case TD_BOOK_SNAPSHOT: (book->parity ? apply_snapshot_rows : replace_book)(book, tape, m, hooks); break;
    case TD_BOOK_TRADE: apply_trades(tape, m, hooks); break;
    case TD_BOOK_CLEAR:
        book->gap = false;
        apply_clear(book, tape, m);
        break;
    case TD_BOOK_ORDERS: apply_orders(book, tape, m, hooks); break;
    default: /* a gap */
        if (book->parity) break;
        clear_side(book, TD_BUY);
        clear_side(book, TD_SELL);
        book->gap = true;
    }
}
