/* CSV files of Binance's archives: aggTrades, trades and bookTicker of data.binance.vision (spot and futures, with header or without,
 * .csv or .zip), and the depth files of its order-book product. Several files are merged by time; trades come first at equal times.
 * None of them says when a message was received. docs/file-formats-books.md. */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "data/book_feed.h"
#include "data/csv_merge.h"

/* Types of files, in their order at equal times. */
typedef enum file_type { AGG_TRADES, TRADES, DEPTH_SNAPSHOTS, DEPTH_UPDATES, BOOK_TICKER, FILE_TYPES } file_type;
static const char *const type_names[FILE_TYPES] = {"aggTrades", "trades", "depth snapshots", "depth updates", "bookTicker"};

enum { COLUMNS_MAX = 10 };
typedef struct layout {
    file_type type;
    int columns;
    const char *header[COLUMNS_MAX];
    /* where things are, -1: nowhere. Of bookTicker price is the bid's, followed by its quantity, the ask's and its quantity. */
    int id, price, time, maker;
    int symbol, first_id, previous_id, side, update_type; /* of depth */
} layout;

#define NO_DEPTH .symbol = -1, .first_id = -1, .previous_id = -1, .side = -1, .update_type = -1
static const layout layouts[] = {
    {AGG_TRADES, 7, {"agg_trade_id", "price", "quantity", "first_trade_id", "last_trade_id", "transact_time", "is_buyer_maker"},
     .id = 0, .price = 1, .time = 5, .maker = 6, NO_DEPTH},
    {AGG_TRADES, 8, {"agg_trade_id", "price", "quantity", "first_trade_id", "last_trade_id", "transact_time", "is_buyer_maker",
                     "is_best_match"}, .id = 0, .price = 1, .time = 5, .maker = 6, NO_DEPTH},
    {TRADES, 6, {"id", "price", "qty", "quote_qty", "time", "is_buyer_maker"}, .id = 0, .price = 1, .time = 4, .maker = 5, NO_DEPTH},
    {TRADES, 6, {"id", "price", "qty", "base_qty", "time", "is_buyer_maker"}, .id = 0, .price = 1, .time = 4, .maker = 5, NO_DEPTH},
    {TRADES, 7, {"id", "price", "qty", "quote_qty", "time", "is_buyer_maker", "is_best_match"},
     .id = 0, .price = 1, .time = 4, .maker = 5, NO_DEPTH},
    {BOOK_TICKER, 7, {"update_id", "best_bid_price", "best_bid_qty", "best_ask_price", "best_ask_qty", "transaction_time", "event_time"},
     .id = 0, .price = 1, .time = 5, .maker = -1, NO_DEPTH},
    {DEPTH_UPDATES, 9, {"symbol", "timestamp", "first_update_id", "last_update_id", "side", "update_type", "price", "qty", "pu"},
     .id = 3, .price = 6, .time = 1, .maker = -1, .symbol = 0, .first_id = 2, .previous_id = 8, .side = 4, .update_type = 5},
    {DEPTH_UPDATES, 9, {"symbol", "timestamp", "trans_id", "first_update_id", "last_update_id", "side", "update_type", "price", "qty"},
     .id = 4, .price = 7, .time = 1, .maker = -1, .symbol = 0, .first_id = 3, .previous_id = -1, .side = 5, .update_type = 6},
};
enum { LAYOUTS = sizeof layouts / sizeof *layouts };

/* What is said of a depth message on each of its rows. */
typedef struct depth_key {
    int64_t time_ns, first, last, previous;
    bool snapshot;
} depth_key;

typedef struct reader {
    td_book_feed *feed;
    const char *wanted;
    char symbol[64], other[64];         /* of the files and rows taken, and one that was passed over */
    const layout *layout[FILE_TYPES];   /* of the file that is being read; with a header or without */
    bool numbered;                      /* do depth messages name the one before? */
    bool message;                       /* is a depth message begun? */
    bool spoiled;                       /* rows of depth are left out as long as they belong to `key` ... */
    bool any_key;                       /* ... which is the first there is, if there is none yet */
    depth_key key;
} reader;

/* ---- files ---- */

static bool is_truth(const td_field *f, bool *value) {
    *value = strcasecmp(f->text, "true") == 0;
    return *value || strcasecmp(f->text, "false") == 0;
}

static const layout *layout_with_header(const td_csv_row *row) {
    for (int i = 0; i < LAYOUTS; i++)
        if (row->count == layouts[i].columns && td_csv_row_begins(row, layouts[i].header, row->count)) return &layouts[i];
    return NULL;
}

/* Files without a header are told apart by how many columns they have and which of them are true or false. */
static const layout *layout_without(const td_csv_row *row) {
    int64_t whole;
    bool truth;
    if (row->count < 1 || !td_field_whole(&row->field[0], &whole)) return NULL;
    for (int i = 0; i < LAYOUTS; i++) {
        const layout *l = &layouts[i];
        if (l->symbol >= 0 || row->count != l->columns) continue;
        bool fits = true;
        for (int c = 1; c < row->count; c++) fits &= is_truth(&row->field[c], &truth) == (l->maker >= 0 && c >= l->maker);
        if (fits && td_field_whole(&row->field[l->time], &whole)) return l;
    }
    return NULL;
}

static const layout *layout_of(const td_csv_row *row) {
    const layout *found = layout_with_header(row);
    return found ? found : layout_without(row);
}

/* "BTCUSDT-aggTrades-2024-01-01.zip" is of BTCUSDT. */
static void symbol_of_name(const char *file, const char *type, char symbol[64]) {
    const char *name = strrchr(file, '/');
    name = name ? name + 1 : file;
    const char *dash = strchr(name, '-');
    size_t length = dash ? (size_t)(dash - name) : 0;
    symbol[0] = 0;
    if (length == 0 || length >= 64 || strncmp(dash + 1, type, strlen(type)) != 0) return;
    memcpy(symbol, name, length);
    symbol[length] = 0;
}

/* Notes the symbol of a file or row. *ours false: another one than that asked for. */
static td_status choose(reader *r, const char *place, const char *symbol, bool *ours, td_error *error) {
    *ours = !r->wanted || strcmp(symbol, r->wanted) == 0;
    if (!*ours) {
        snprintf(r->other, sizeof r->other, "%s", symbol);
        return TD_OK;
    }
    if (!r->symbol[0]) snprintf(r->symbol, sizeof r->symbol, "%s", symbol);
    if (strcmp(r->symbol, symbol) == 0) return TD_OK;
    return td_fail(error, TD_BAD_DATA, "%s: of %.60s, and others are of %s: a tape has one instrument, choose it with --symbol", place,
                   symbol, r->symbol);
}

static td_status classify(void *user, const char *file, td_csv *csv, int *type, td_error *error) {
    reader *r = user;
    const td_csv_row *row;
    TD_TRY(td_csv_next(csv, &row, error));
    if (!row) return td_fail(error, TD_BAD_DATA, "%s: has no rows", file);
    const layout *l = layout_of(row);
    char text[160];
    if (!l)
        return td_fail(error, TD_BAD_DATA,
                       "%s:1: found %s, expected a row or a header of a Binance aggTrades, trades, bookTicker or depth file", row->name,
                       td_csv_row_text(row, text, sizeof text));
    *type = (int)l->type;
    if (l->symbol < 0) { /* only its name says of which symbol it is */
        char symbol[64];
        bool ours = true;
        symbol_of_name(file, type_names[l->type], symbol);
        if (symbol[0]) TD_TRY(choose(r, file, symbol, &ours, error));
        if (!ours) return td_fail(error, TD_BAD_DATA, "%s: is of %s by its name, expected %s", file, symbol, r->wanted);
        return TD_OK;
    }
    r->numbered |= l->previous_id >= 0;
    TD_TRY(td_csv_next(csv, &row, error));
    if (row && row->count == l->columns && td_field_is(&row->field[l->update_type], "snap")) *type = DEPTH_SNAPSHOTS;
    return TD_OK;
}

/* Spot files have microseconds since 2025, all others milliseconds. */
static bool time_of(const td_field *field, int64_t *time_ns) {
    int64_t value;
    if (!td_field_whole(field, &value) || value < 100000000000) return false;
    int64_t unit = value < 100000000000000 ? 1000000 : 1000;
    if (value > INT64_MAX / unit) return false;
    *time_ns = value * unit;
    return true;
}

static bool row_time(void *user, int type, const td_csv_row *row, int64_t *time) {
    const reader *r = user;
    const layout *l = row->first ? layout_of(row) : r->layout[type];
    return l && row->count == l->columns && time_of(&row->field[l->time], time);
}

/* ---- rows ---- */

static td_status end_message(reader *r, td_error *error) {
    if (!r->message) return TD_OK;
    r->message = false;
    return td_feed_end(r->feed, error);
}

static bool is_depth(file_type type) { return type == DEPTH_SNAPSHOTS || type == DEPTH_UPDATES; }

/* Counts a row that cannot be used. One of depth leaves a hole, and the rest of its message is left out. */
static td_status broken(reader *r, file_type type, const td_csv_row *row, const char *what, const td_field *found, td_error *error) {
    char line[96], text[160];
    snprintf(text, sizeof text, "%s: found \"%.96s\"", what, found ? found->text : td_csv_row_text(row, line, sizeof line));
    TD_TRY(end_message(r, error));
    td_feed_count_one(r->feed, TD_FEED_COUNT_broken, text);
    if (!is_depth(type)) return TD_OK;
    bool nothing_yet = r->key.time_ns == 0;
    r->spoiled = true;
    r->any_key = false;
    if (nothing_yet) return TD_OK;
    td_feed_begin(r->feed, TD_BOOK_GAP, r->key.time_ns, 0);
    return td_feed_end(r->feed, error);
}

static td_status take_trade(reader *r, const layout *l, const td_csv_row *row, td_error *error) {
    const td_field *price = &row->field[l->price], *quantity = price + 1;
    int64_t id, time_ns;
    bool buyer_is_maker;
    if (!td_field_whole(&row->field[l->id], &id)) return broken(r, l->type, row, "id of a trade", &row->field[l->id], error);
    if (!time_of(&row->field[l->time], &time_ns)) return broken(r, l->type, row, "time", &row->field[l->time], error);
    if (!is_truth(&row->field[l->maker], &buyer_is_maker))
        return broken(r, l->type, row, "is_buyer_maker", &row->field[l->maker], error);
    td_feed_begin(r->feed, TD_BOOK_TRADE, time_ns, 0);
    td_feed_trade_id(r->feed, id);
    td_feed_row_text(r->feed, buyer_is_maker ? TD_SELL : TD_BUY, price->text, price->length, quantity->text, quantity->length);
    return td_feed_end(r->feed, error);
}

static td_status take_ticker(reader *r, const layout *l, const td_csv_row *row, td_error *error) {
    const char *text[4];
    size_t length[4];
    int64_t id, time_ns;
    if (!td_field_whole(&row->field[l->id], &id)) return broken(r, l->type, row, "update_id", &row->field[l->id], error);
    if (!time_of(&row->field[l->time], &time_ns)) return broken(r, l->type, row, "time", &row->field[l->time], error);
    for (int i = 0; i < 4; i++) {
        text[i] = row->field[l->price + i].text;
        length[i] = row->field[l->price + i].length;
    }
    return td_feed_ticker_text(r->feed, time_ns, time_ns, id, text, length, error);
}

static bool same_message(const depth_key *a, const depth_key *b) {
    return a->time_ns == b->time_ns && a->first == b->first && a->last == b->last && a->snapshot == b->snapshot;
}

static void begin_depth(reader *r) {
    const depth_key *k = &r->key;
    td_feed_begin(r->feed, k->snapshot ? TD_BOOK_SNAPSHOT : TD_BOOK_DEPTH, k->time_ns, 0);
    if (k->snapshot) td_feed_ids(r->feed, k->last, k->last, -1);
    else td_feed_ids(r->feed, k->first, k->last, k->previous);
    r->message = true;
}

static td_status take_depth(reader *r, const layout *l, const td_csv_row *row, td_error *error) {
    const td_field *f = row->field, *kind = &f[l->update_type], *side = &f[l->side];
    depth_key key = {.previous = -1, .snapshot = td_field_is(kind, "snap")};
    bool bid = td_field_is(side, "b");
    if (!time_of(&f[l->time], &key.time_ns)) return broken(r, l->type, row, "timestamp", &f[l->time], error);
    if (!td_field_whole(&f[l->first_id], &key.first)) return broken(r, l->type, row, "first_update_id", &f[l->first_id], error);
    if (!td_field_whole(&f[l->id], &key.last)) return broken(r, l->type, row, "last_update_id", &f[l->id], error);
    if (l->previous_id >= 0 && !td_field_whole(&f[l->previous_id], &key.previous))
        return broken(r, l->type, row, "pu", &f[l->previous_id], error);
    if (!key.snapshot && !td_field_is(kind, "set")) return broken(r, l->type, row, "update_type", kind, error);
    if (!bid && !td_field_is(side, "a")) return broken(r, l->type, row, "side", side, error);
    bool same = same_message(&key, &r->key);
    if (r->spoiled && (same || !r->any_key)) { /* what the broken row belonged to */
        r->key = key;
        r->any_key = true;
        return TD_OK;
    }
    r->spoiled = false;
    if (!r->message || !same) {
        TD_TRY(end_message(r, error));
        r->key = key;
        begin_depth(r);
    }
    const td_field *price = &f[l->price], *quantity = price + 1;
    td_feed_row_text(r->feed, bid ? TD_BUY : TD_SELL, price->text, price->length, quantity->text, quantity->length);
    return TD_OK;
}

static td_status take_row(reader *r, file_type type, const td_csv_row *row, td_error *error) {
    td_feed_place(r->feed, row->name, row->line);
    if (row->first) {
        r->layout[type] = layout_of(row);
        if (!r->layout[type])
            return td_fail(error, TD_BAD_DATA, "%s:1: is no row or header of a Binance %s file", row->name, type_names[type]);
        if (layout_with_header(row)) return TD_OK;
    }
    const layout *l = r->layout[type];
    if (!is_depth(type)) TD_TRY(end_message(r, error));
    if (row->count != l->columns) {
        char what[64];
        snprintf(what, sizeof what, "a row of %d columns, expected %d", row->count, l->columns);
        return broken(r, type, row, what, NULL, error);
    }
    if (type == BOOK_TICKER) return take_ticker(r, l, row, error);
    if (!is_depth(type)) return take_trade(r, l, row, error);
    const char *symbol = row->field[l->symbol].text;
    bool ours = strcmp(symbol, r->symbol) == 0;
    if (!ours) {
        char place[300];
        snprintf(place, sizeof place, "%.256s:%lld", row->name, (long long)row->line);
        TD_TRY(choose(r, place, symbol, &ours, error));
    }
    return ours ? take_depth(r, l, row, error) : TD_OK;
}

static td_status read_all(reader *r, td_csv_merge *merge, td_error *error) {
    if (td_csv_merge_has(merge, AGG_TRADES) && td_csv_merge_has(merge, TRADES))
        return td_fail(error, TD_BAD_DATA, "trades and aggTrades together: each holds every trade, give one of them");
    for (;;) {
        const td_csv_row *row;
        int type;
        TD_TRY(td_csv_merge_next(merge, &type, &row, error));
        if (!row) break;
        TD_TRY(take_row(r, type, row, error));
    }
    TD_TRY(end_message(r, error));
    if (!r->symbol[0] && r->other[0])
        return td_fail(error, TD_BAD_DATA, "no row is of symbol %s; there are rows of %s", r->wanted, r->other);
    return TD_OK;
}

td_status td_book_read_binance_archive(td_book_feed *feed, const char *symbol, int file_count, const char *const *files,
                                       td_error *error) {
    reader r = {.feed = feed, .wanted = symbol};
    td_csv_merge_def def = {.user = &r, .classify = classify, .time = row_time};
    td_csv_merge *merge;
    TD_TRY(td_csv_merge_open(&def, file_count, files, &merge, error));
    td_feed_rule(feed, r.numbered ? TD_SEQUENCE_BINANCE_FUTURES : TD_SEQUENCE_NONE);
    td_status status = read_all(&r, merge, error);
    if (file_count > 0) td_feed_place(feed, files[file_count - 1], 0);
    td_csv_merge_close(merge);
    return status;
}
