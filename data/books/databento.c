/* Databento (DBN) files: orders (MBO), price levels (MBP-1, MBP-10), trades, and trades with the best prices before them (TBBO).
 * A message is what the venue sent at once, up to the record that says it is the last. docs/file-formats-books.md. */
#include <stdio.h>
#include <string.h>

#include "data/book_feed.h"
#include "data/dbn.h"

#define SIZE_E9 INT64_C(1000000000)

typedef struct reader {
    td_book_feed *feed;
    const char *wanted;      /* symbol or number; NULL: the first instrument met */
    td_dbn *dbn;
    const char *file;
    char chosen[72];         /* the instrument's name, or its number */
    char other[72];          /* one that was passed over */
    bool any;                /* has a record been taken? of this type, this instrument */
    int type;
    uint32_t instrument;
    bool in_file;            /* has one been taken of this file? */
    bool message;            /* is a message of orders begun? */
    bool of_snapshot;        /* does it belong to a snapshot? */
    bool holes;              /* did the last record say that messages are missing? */
    int64_t event_ns, receive_ns;    /* of the message that is begun */
    uint32_t first_sequence, last_sequence;
    int64_t clear_ns;        /* receipt of the last clear (parity), 0: other records came since */
    bool fresh;              /* levels: nothing of the book has been told, or all of it was cleared */
    td_dbn_level level[TD_DBN_LEVELS]; /* as told last */
} reader;

/* ---- which records ---- */

static const char *type_name(int type) {
    switch (type) {
    case TD_DBN_TRADE: return "trades";
    case TD_DBN_MBP1: return "MBP-1";
    case TD_DBN_MBP10: return "MBP-10";
    case TD_DBN_MBO: return "MBO";
    default: return "other records";
    }
}

static td_status choose_type(reader *r, int type, td_error *error) {
    if (!r->any) r->type = type;
    if (type == r->type) return TD_OK;
    return td_fail(error, TD_BAD_DATA, "%s: record %lld: %s after %s: each tells of the same trades, give files of one schema", r->file,
                   (long long)td_dbn_place(r->dbn), type_name(type), type_name(r->type));
}

static const char *name_of(const reader *r, uint32_t instrument, char number[16]) {
    snprintf(number, 16, "%u", instrument);
    const char *name = td_dbn_symbol(r->dbn, instrument);
    return name ? name : number;
}

/* Another instrument than that of the record before: of the next file perhaps the same under a new number. */
static td_status choose_new(reader *r, uint32_t instrument, bool *ours, td_error *error) {
    char number[16];
    const char *name = name_of(r, instrument, number);
    *ours = !r->wanted || td_dbn_is_named(r->dbn, instrument, r->wanted);
    if (!*ours) {
        snprintf(r->other, sizeof r->other, "%s", name);
        return TD_OK;
    }
    if (r->wanted) name = r->wanted;
    if (r->any && (r->in_file || strcmp(name, r->chosen) != 0))
        return td_fail(error, TD_BAD_DATA,
                       "%s: record %lld: instrument %s (%u) after records of %s (%u): a tape has one instrument, choose it with "
                       "--symbol, by name or number", r->file, (long long)td_dbn_place(r->dbn), name, instrument, r->chosen,
                       r->instrument);
    snprintf(r->chosen, sizeof r->chosen, "%s", name);
    return TD_OK;
}

static int64_t known(int64_t time_ns) { return time_ns == TD_DBN_NO_TIME ? 0 : time_ns; }

static td_status end_message(reader *r, td_error *error) {
    if (!r->message) return TD_OK;
    r->message = false;
    td_feed_ids(r->feed, r->first_sequence, r->last_sequence, -1);
    return td_feed_end(r->feed, error);
}

/* The same name under a new number: of a continuous contract the next one. What was resting is gone. */
static td_status take_instrument(reader *r, const td_dbn_record *x, td_error *error) {
    bool changed = r->any && x->instrument != r->instrument;
    r->any = r->in_file = true;
    r->instrument = x->instrument;
    if (!changed) return TD_OK;
    TD_TRY(end_message(r, error));
    r->fresh = true;
    td_feed_begin(r->feed, TD_BOOK_CLEAR, known(x->event_ns), known(x->receive_ns));
    return td_feed_end(r->feed, error);
}

/* ---- orders ---- */

static void price_row(reader *r, td_side side, int64_t price, uint32_t size) {
    td_feed_row_nano(r->feed, side, price, size == TD_DBN_NO_SIZE ? INT64_MAX : (int64_t)size * SIZE_E9);
}

static td_status lost(reader *r, const td_dbn_record *x, td_error *error) {
    TD_TRY(end_message(r, error));
    td_feed_begin(r->feed, TD_BOOK_GAP, known(x->event_ns), known(x->receive_ns));
    return td_feed_end(r->feed, error);
}

static td_status broken(reader *r, const td_dbn_record *x, td_error *error) {
    char text[96];
    snprintf(text, sizeof text, "action '%c' (%d), side '%c' (%d)", x->action > ' ' ? x->action : '?', x->action,
             x->side > ' ' ? x->side : '?', x->side);
    td_feed_count_one(r->feed, TD_FEED_COUNT_broken, text);
    return lost(r, x, error);
}

static bool action_of(char code, td_book_action *action) {
    static const struct {
        char code;
        td_book_action action;
    } actions[] = {{'A', TD_ACTION_ADD},   {'C', TD_ACTION_CANCEL}, {'M', TD_ACTION_MODIFY},
                   {'R', TD_ACTION_CLEAR}, {'T', TD_ACTION_TRADE},  {'F', TD_ACTION_FILL}};
    for (size_t i = 0; i < sizeof actions / sizeof *actions; i++)
        if (actions[i].code == code) {
            *action = actions[i].action;
            return true;
        }
    return false;
}

/* Orders of a snapshot carry the time at which they were entered, maybe days ago; the snapshot happened when it was received. In
 * parity that is so only of those that follow a clear with the same time of receipt. */
static int64_t exchange_time(reader *r, const td_dbn_record *x) {
    int64_t event_ns = known(x->event_ns), receive_ns = known(x->receive_ns);
    if (!td_feed_parity(r->feed)) return x->flags & TD_DBN_SNAPSHOT ? receive_ns : event_ns;
    if (x->action == 'R' && x->side == 'N') r->clear_ns = receive_ns;
    else if (receive_ns != r->clear_ns) r->clear_ns = 0;
    return r->clear_ns ? r->clear_ns : event_ns;
}

/* A message has one time; where records up to the last one differ, it is complete at the last one's. In parity, which goes row by
 * row, each time is a message of its own. */
static td_status begin_orders(reader *r, const td_dbn_record *x, td_error *error) {
    int64_t event_ns = exchange_time(r, x), receive_ns = known(x->receive_ns);
    bool of_snapshot = x->flags & TD_DBN_SNAPSHOT, parity = td_feed_parity(r->feed);
    bool other_time = event_ns != r->event_ns || receive_ns != r->receive_ns;
    if (r->message && (of_snapshot != r->of_snapshot || (parity && other_time))) TD_TRY(end_message(r, error));
    if (!r->message) {
        td_feed_begin(r->feed, TD_BOOK_ORDERS, event_ns, receive_ns);
        r->first_sequence = x->sequence;
    } else if (other_time) {
        td_feed_time(r->feed, event_ns, receive_ns);
    }
    r->message = true;
    r->of_snapshot = of_snapshot;
    r->event_ns = event_ns;
    r->receive_ns = receive_ns;
    r->last_sequence = x->sequence;
    return TD_OK;
}

static td_status take_order(reader *r, const td_dbn_record *x, td_error *error) {
    td_book_action action;
    bool last = x->flags & TD_DBN_LAST, bid = x->side == 'B', ask = x->side == 'A';
    if (x->action == 'N' || x->flags & (TD_DBN_TOP | TD_DBN_AGGREGATED)) {
        td_feed_count_one(r->feed, TD_FEED_COUNT_other, x->action == 'N' ? "a record without action" : "a level among orders");
        return last ? end_message(r, error) : TD_OK;
    }
    if (!action_of(x->action, &action) || (x->side != 'N' && !bid && !ask)) return broken(r, x, error);
    bool executed = action == TD_ACTION_TRADE || action == TD_ACTION_FILL;
    if (x->side == 'N' && executed) { /* of auctions: no order came in, none was hit in the order of its queue */
        td_feed_count_one(r->feed, TD_FEED_COUNT_other, "an execution of no side");
        return last ? end_message(r, error) : TD_OK;
    }
    if (x->side == 'N' && action != TD_ACTION_CLEAR) return broken(r, x, error);
    TD_TRY(begin_orders(r, x, error));
    if (action == TD_ACTION_CLEAR) td_feed_row_nano(r->feed, ask ? TD_SELL : TD_BUY, 0, 0);
    else price_row(r, ask ? TD_SELL : TD_BUY, x->price, x->size);
    td_feed_order(r->feed, action == TD_ACTION_CLEAR ? !bid && !ask : x->order_id, action);
    return last ? end_message(r, error) : TD_OK;
}

/* ---- trades and levels ---- */

static td_status take_trade(reader *r, const td_dbn_record *x, td_error *error) {
    if (x->side != 'A' && x->side != 'B') {
        td_feed_count_one(r->feed, TD_FEED_COUNT_other, "an execution of no side");
        return TD_OK;
    }
    td_feed_begin(r->feed, TD_BOOK_TRADE, known(x->event_ns), known(x->receive_ns));
    td_feed_ids(r->feed, x->sequence, x->sequence, -1);
    price_row(r, x->side == 'B' ? TD_BUY : TD_SELL, x->price, x->size);
    return td_feed_end(r->feed, error);
}

static uint32_t size_at(const td_dbn_level *level, int side, int64_t price) {
    for (int i = 0; i < TD_DBN_LEVELS; i++)
        if (level[i].price[side] == price) return level[i].size[side];
    return 0;
}

static bool is_level(const td_dbn_level *level, int side) { return level->price[side] != TD_DBN_NO_PRICE; }

/* What differs between the levels told last and those of the record; levels that are no longer among them are gone, as far as
 * anybody can see. Bids, then asks. Only counts when `push` is false. */
static int changes(reader *r, const td_dbn_level *now, bool push) {
    int count = 0;
    for (int side = 0; side < 2; side++) {
        for (int i = 0; i < TD_DBN_LEVELS; i++) {
            const td_dbn_level *was = &r->level[i];
            if (r->fresh || !is_level(was, side) || size_at(now, side, was->price[side]) != 0) continue;
            if (push) price_row(r, (td_side)side, was->price[side], 0);
            count++;
        }
        for (int i = 0; i < TD_DBN_LEVELS; i++) {
            if (!is_level(&now[i], side) || now[i].size[side] == 0) continue;
            if (!r->fresh && size_at(r->level, side, now[i].price[side]) == now[i].size[side]) continue;
            if (push) price_row(r, (td_side)side, now[i].price[side], now[i].size[side]);
            count++;
        }
    }
    return count;
}

static td_status tell_levels(reader *r, const td_dbn_record *x, td_error *error) {
    td_dbn_level now[TD_DBN_LEVELS];
    for (int i = 0; i < TD_DBN_LEVELS; i++)
        now[i] = i < x->levels ? x->level[i] : (td_dbn_level){.price = {TD_DBN_NO_PRICE, TD_DBN_NO_PRICE}};
    if (x->flags & TD_DBN_SNAPSHOT) r->fresh = true;
    if (!r->fresh && changes(r, now, false) == 0) return TD_OK;
    td_feed_begin(r->feed, r->fresh ? TD_BOOK_SNAPSHOT : TD_BOOK_DEPTH, known(x->event_ns), known(x->receive_ns));
    td_feed_ids(r->feed, x->sequence, x->sequence, -1);
    changes(r, now, true);
    memcpy(r->level, now, sizeof now);
    r->fresh = false;
    return td_feed_end(r->feed, error);
}

/* A trade does not change the levels, what follows it does; a file of trades with the best prices before them (TBBO) has nothing else. */
static td_status take_levels(reader *r, const td_dbn_record *x, td_error *error) {
    if (td_dbn_schema(r->dbn) == TD_DBN_SCHEMA_TBBO) {
        TD_TRY(tell_levels(r, x, error));
        return take_trade(r, x, error);
    }
    if (x->action == 'T') return take_trade(r, x, error);
    if (x->action == 'R') r->fresh = true;
    return x->flags & TD_DBN_LAST ? tell_levels(r, x, error) : TD_OK;
}

/* ---- files ---- */

static td_status take_record(reader *r, const td_dbn_record *x, td_error *error) {
    bool order = x->type == TD_DBN_MBO, levels = x->type == TD_DBN_MBP1 || x->type == TD_DBN_MBP10;
    td_feed_place(r->feed, r->file, td_dbn_place(r->dbn));
    if (!order && !levels && x->type != TD_DBN_TRADE) {
        if (x->type != TD_DBN_SYMBOL_MAPPING) td_feed_count_one(r->feed, TD_FEED_COUNT_other, NULL);
        return TD_OK;
    }
    if (!r->in_file || x->instrument != r->instrument) {
        bool ours;
        TD_TRY(choose_new(r, x->instrument, &ours, error));
        if (!ours) return TD_OK;
    }
    TD_TRY(choose_type(r, x->type, error));
    TD_TRY(take_instrument(r, x, error));
    bool holes = x->flags & TD_DBN_MAYBE_BAD_BOOK;
    if (holes && !r->holes) TD_TRY(lost(r, x, error));
    r->holes = holes;
    if (order) return take_order(r, x, error);
    return levels ? take_levels(r, x, error) : take_trade(r, x, error);
}

static td_status read_file(reader *r, td_error *error) {
    r->in_file = false;
    for (;;) {
        const td_dbn_record *record;
        TD_TRY(td_dbn_next(r->dbn, &record, error));
        if (!record) return TD_OK;
        TD_TRY(take_record(r, record, error));
    }
}

td_status td_book_read_databento(td_book_feed *feed, const char *symbol, int file_count, const char *const *files, td_error *error) {
    reader r = {.feed = feed, .wanted = symbol, .fresh = true};
    td_feed_rule(feed, TD_SEQUENCE_NONE);
    for (int i = 0; i < file_count; i++) {
        r.file = files[i];
        TD_TRY(td_dbn_open(files[i], &r.dbn, error));
        td_status status = read_file(&r, error);
        td_dbn_close(r.dbn);
        TD_TRY(status);
    }
    TD_TRY(end_message(&r, error));
    if (!r.any && r.other[0])
        return td_fail(error, TD_BAD_DATA, "no record is of %s; there are records of %s", symbol, r.other);
    if (!r.any)
        return td_fail(error, TD_BAD_DATA, "%s: has no MBO, MBP-1, MBP-10, TBBO or trade records", file_count ? files[0] : "no file");
    return TD_OK;
}
