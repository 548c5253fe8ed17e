/* hftbacktest's event files, version 2: .npz with an array `data` of 64-byte rows, or the array as .npy. docs/file-formats-books.md.
 *
 * A row is for the exchange, for the local side, or for both. Neighbours with the same times, of the same kind, for the same side(s)
 * are a message. A message that the two sides see in another order is in the file twice, and stays two messages: each side then has
 * exactly the order of the file. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "data/book_feed.h"
#include "data/npy.h"

#define EXCHANGE (UINT64_C(1) << 31)
#define LOCAL (UINT64_C(1) << 30)
#define BUY (UINT64_C(1) << 29)
#define SELL (UINT64_C(1) << 28)
enum { DEPTH = 1, TRADE = 2, CLEAR = 3, SNAPSHOT = 4, ADD = 10, CANCEL = 11, MODIFY = 12, FILL = 13 };

typedef struct event {
    uint64_t flags, order_id;
    int64_t exchange_ns, local_ns;
    double price, quantity;
} event;

typedef struct reader {
    td_book_feed *feed;
    td_npy *array;
    const char *file;
    int at_flags, at_exchange, at_local, at_price, at_quantity, at_id;
    bool orders;       /* has an event of a single order come? The file is one of orders then */
    bool any_levels;   /* has the book been told of? */
    bool message;      /* is one begun? its kind, and what its rows have in common: */
    td_book_kind kind;
    uint8_t seen;
    int64_t exchange_ns, local_ns;
    event *block;      /* clears and levels of a snapshot, kept until it is known what they make */
    size_t block_count, block_room;
} reader;

static int kind_of(const event *e) { return (int)(e->flags & 0xff); }

static uint8_t seen_of(const event *e) {
    return (uint8_t)((e->flags & EXCHANGE ? TD_BOOK_AT_EXCHANGE : 0) | (e->flags & LOCAL ? TD_BOOK_AT_LOCAL : 0));
}

static td_side side_of(const event *e) { return e->flags & BUY ? TD_BUY : TD_SELL; }
static bool has_side(const event *e) { return e->flags & (BUY | SELL); }

static td_status end_message(reader *r, td_error *error) {
    if (!r->message) return TD_OK;
    r->message = false;
    return td_feed_end(r->feed, error);
}

static td_status begin_message(reader *r, td_book_kind kind, const event *e, td_error *error) {
    uint8_t seen = seen_of(e);
    if (r->message && r->kind == kind && r->seen == seen && r->exchange_ns == e->exchange_ns && r->local_ns == e->local_ns) return TD_OK;
    TD_TRY(end_message(r, error));
    td_feed_begin(r->feed, kind, e->exchange_ns, e->local_ns);
    td_feed_seen(r->feed, seen);
    r->message = true;
    r->kind = kind;
    r->seen = seen;
    r->exchange_ns = e->exchange_ns;
    r->local_ns = e->local_ns;
    return TD_OK;
}

static td_status put(reader *r, td_book_kind kind, const event *e, td_error *error) {
    TD_TRY(begin_message(r, kind, e, error));
    td_feed_row(r->feed, side_of(e), e->price, e->quantity);
    return TD_OK;
}

static td_status put_order(reader *r, td_book_action action, uint64_t id, double price, double quantity, const event *e, td_error *error) {
    TD_TRY(begin_message(r, TD_BOOK_ORDERS, e, error));
    td_feed_row(r->feed, has_side(e) ? side_of(e) : TD_BUY, price, quantity);
    td_feed_order(r->feed, id, action);
    return TD_OK;
}

/* ---- clears and snapshots ---- */

/* A clear, in the order of the file: of a side down to a price, of a side, of everything. */
static td_status put_clear(reader *r, const event *e, td_error *error) {
    if (r->orders) return put_order(r, TD_ACTION_CLEAR, !has_side(e), 0, 0, e, error);
    if (!has_side(e)) {
        TD_TRY(end_message(r, error)); /* without rows: a message of its own */
        TD_TRY(begin_message(r, TD_BOOK_CLEAR, e, error));
        return end_message(r, error);
    }
    double last = side_of(e) == TD_BUY ? 0 : TD_TICK_MAX * td_feed_instrument(r->feed)->tick;
    TD_TRY(begin_message(r, TD_BOOK_CLEAR, e, error));
    td_feed_row(r->feed, side_of(e), isfinite(e->price) ? e->price : last, 0);
    return TD_OK;
}

/* Both sides, each cleared as far as the worst of the levels that follow? Or the very first levels, which nothing precedes. */
static bool is_snapshot(const reader *r) {
    int clears[2] = {0, 0}, levels[2] = {0, 0};
    double last[2] = {0, 0}, worst[2] = {INFINITY, -INFINITY};
    for (size_t i = 0; i < r->block_count; i++) {
        const event *e = &r->block[i];
        if (!has_side(e)) return false;
        int side = side_of(e);
        if (kind_of(e) == CLEAR) {
            clears[side]++;
            last[side] = e->price;
            if (levels[side]) return false;
        } else {
            levels[side]++;
            if (side == TD_BUY ? e->price < worst[side] : e->price > worst[side]) worst[side] = e->price;
        }
    }
    if (!r->any_levels && clears[0] + clears[1] == 0) return true;
    return clears[0] == 1 && clears[1] == 1 && levels[0] && levels[1] && last[0] == worst[0] && last[1] == worst[1];
}

static td_status end_block(reader *r, td_error *error) {
    if (r->block_count == 0) return TD_OK;
    bool snapshot = is_snapshot(r);
    TD_TRY(end_message(r, error));
    for (size_t i = 0; i < r->block_count; i++) {
        const event *e = &r->block[i];
        if (kind_of(e) == SNAPSHOT) TD_TRY(put(r, snapshot ? TD_BOOK_SNAPSHOT : TD_BOOK_DEPTH, e, error));
        else if (!snapshot) TD_TRY(put_clear(r, e, error));
    }
    r->block_count = 0;
    r->any_levels = true;
    return end_message(r, error);
}

static td_status keep(reader *r, const event *e, td_error *error) {
    const event *first = r->block;
    if (r->block_count && (first->exchange_ns != e->exchange_ns || first->local_ns != e->local_ns || seen_of(first) != seen_of(e)))
        TD_TRY(end_block(r, error));
    if (r->block_count == r->block_room) {
        size_t room = 2 * r->block_room + 1024;
        event *grown = realloc(r->block, room * sizeof *grown);
        if (!grown) return td_fail(error, TD_NO_MEMORY, "%s: no memory for a snapshot of %zu levels", r->file, room);
        r->block = grown;
        r->block_room = room;
    }
    r->block[r->block_count++] = *e;
    return TD_OK;
}

/* ---- rows ---- */

static td_status pass(reader *r, const char *what) {
    td_feed_count_one(r->feed, TD_FEED_COUNT_other, what);
    return TD_OK;
}

static td_status take_order(reader *r, const event *e, td_error *error) {
    static const td_book_action actions[] = {TD_ACTION_ADD, TD_ACTION_CANCEL, TD_ACTION_MODIFY, TD_ACTION_FILL};
    td_book_action action = actions[kind_of(e) - ADD];
    r->orders = true;
    if (!has_side(e) && (action == TD_ACTION_ADD || action == TD_ACTION_FILL)) return pass(r, "an order event of no side");
    return put_order(r, action, e->order_id, e->price, e->quantity, e, error);
}

static td_status take_event(reader *r, const event *e, td_error *error) {
    int kind = kind_of(e);
    if (seen_of(e) == 0) return pass(r, "a row for neither side");
    if (kind == CLEAR || kind == SNAPSHOT) return keep(r, e, error);
    TD_TRY(end_block(r, error));
    switch (kind) {
    case DEPTH:
        if (!has_side(e)) return pass(r, "a level of no side");
        r->any_levels = true;
        return put(r, TD_BOOK_DEPTH, e, error);
    case TRADE:
        if (!has_side(e)) return pass(r, "a trade of no side");
        if (r->orders) return put_order(r, TD_ACTION_TRADE, e->order_id, e->price, e->quantity, e, error);
        return put(r, TD_BOOK_TRADE, e, error);
    case ADD:
    case CANCEL:
    case MODIFY:
    case FILL: return take_order(r, e, error);
    default: return pass(r, "an event of a kind that is not used");
    }
}

/* ---- files ---- */

static td_status find_fields(reader *r, td_error *error) {
    TD_TRY(td_npy_field(r->array, "ev", "u8", &r->at_flags, error));
    TD_TRY(td_npy_field(r->array, "exch_ts", "i8", &r->at_exchange, error));
    TD_TRY(td_npy_field(r->array, "local_ts", "i8", &r->at_local, error));
    TD_TRY(td_npy_field(r->array, "px", "f8", &r->at_price, error));
    TD_TRY(td_npy_field(r->array, "qty", "f8", &r->at_quantity, error));
    return td_npy_field(r->array, "order_id", "u8", &r->at_id, error);
}

static td_status read_array(reader *r, td_error *error) {
    TD_TRY(find_fields(r, error));
    for (;;) {
        const uint8_t *row;
        event e;
        TD_TRY(td_npy_next(r->array, &row, error));
        if (!row) return end_block(r, error);
        memcpy(&e.flags, row + r->at_flags, 8);
        memcpy(&e.exchange_ns, row + r->at_exchange, 8);
        memcpy(&e.local_ns, row + r->at_local, 8);
        memcpy(&e.price, row + r->at_price, 8);
        memcpy(&e.quantity, row + r->at_quantity, 8);
        memcpy(&e.order_id, row + r->at_id, 8);
        td_feed_place(r->feed, r->file, td_npy_place(r->array));
        TD_TRY(take_event(r, &e, error));
    }
}

static td_status read_files(reader *r, int file_count, const char *const *files, td_error *error) {
    for (int i = 0; i < file_count; i++) {
        r->file = files[i];
        TD_TRY(td_npy_open(files[i], "data", &r->array, error));
        td_status status = read_array(r, error);
        td_npy_close(r->array);
        TD_TRY(status);
    }
    return end_message(r, error);
}

/* The files name no symbol. */
td_status td_book_read_hftbacktest(td_book_feed *feed, const char *symbol, int file_count, const char *const *files, td_error *error) {
    (void)symbol;
    reader r = {.feed = feed};
    td_feed_rule(feed, TD_SEQUENCE_NONE);
    td_status status = read_files(&r, file_count, files, error);
    free(r.block);
    return status;
}
