/* See book_feed.h. A message is put together between begin and end; end decides what becomes of it. */
#include "data/book_feed.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/book_watch.h"
#include "data/grid.h"

enum {
    HELD_MESSAGES = 1 << 10, /* of depth, kept while a snapshot is awaited */
    HELD_ROWS = 1 << 16,
    TRADE_IDS = 1 << 12, /* remembered to find duplicates; a power of two */
    EARLY_ROWS = 1 << 12 /* after which most rows off the grid are enough to give up */
};
static const int64_t BACKWARDS_MAX_NS = 3600 * TD_NS_PER_SECOND;
static const int64_t TIME_MAX_NS = (INT64_C(1) << 62) - 1; /* the year 2116: sums and differences of times stay numbers */

/* Rows side by side, as td_book_message has them. */
typedef struct rows {
    int64_t count, room;
    td_book_row *row;
    int64_t *wide;
    uint64_t *order_id;
    uint8_t *action;
} rows;

/* A message and what came with it. */
typedef struct message {
    td_book_kind kind;
    int64_t exchange_ns, local_ns; /* exchange_ns TD_BOOK_TIME_UNKNOWN: not said */
    int64_t first_id, last_id, previous_id, trade_id; /* -1: not said */
    int64_t row_begin, rows;       /* in `rows` */
    uint8_t seen;
    bool local_known, wide, orders;
    bool refused; /* the row pushed last */
    int bad_rows;
    td_feed_count passed_as; /* of one that is held: how it was counted */
} message;

/* Messages of these may run backwards against each other, but not among themselves. */
typedef enum stream { STREAM_DEPTH, STREAM_TRADE, STREAM_COUNT } stream;
typedef struct stream_clock {
    int64_t exchange_ns, local_ns;
} stream_clock;

typedef enum sync {
    SYNC_NONE,  /* no snapshot yet */
    SYNC_FRESH, /* a snapshot, and no message behind it yet */
    SYNC_GOOD,
    SYNC_LOST /* behind a gap */
} sync;

struct td_book_feed {
    td_feed_def def;
    td_grid price, quantity;
    td_book_writer *writer;
    td_book_watch *watch;
    td_sequence_rule rule;
    char place_name[1024];
    int64_t place_line;

    rows rows;
    message now;
    bool out_of_memory;

    sync sync;
    int64_t last_id;
    rows held_rows;
    message held[HELD_MESSAGES];
    int held_count;
    stream_clock clock[STREAM_COUNT];
    int64_t trade_ids[TRADE_IDS];

    int64_t price_rows, off_grid_rows;
    td_feed_report report;
};

static const char *const count_names[TD_FEED_COUNT_COUNT] = {
#define NAME(name, text) #name,
    TD_FEED_COUNTS(NAME)
#undef NAME
};
static const char *const count_texts[TD_FEED_COUNT_COUNT] = {
#define TEXT(name, text) text,
    TD_FEED_COUNTS(TEXT)
#undef TEXT
};

const char *td_feed_count_name(td_feed_count count) { return count_names[count]; }
const char *td_feed_count_text(td_feed_count count) { return count_texts[count]; }

td_feed_def td_default_feed_def(void) {
    return (td_feed_def){.instrument.multiplier = 1, .correct_clock = true, .off_grid_max = 0.001, .keep_tickers = true};
}

static void free_rows(rows *r) {
    free(r->row);
    free(r->wide);
    free(r->order_id);
    free(r->action);
    *r = (rows){0};
}

static void free_feed(td_book_feed *feed) {
    if (feed->writer) td_book_writer_abandon(feed->writer);
    td_book_watch_close(feed->watch);
    free_rows(&feed->rows);
    free_rows(&feed->held_rows);
    free(feed);
}

static bool grow_rows(rows *r, int64_t room) {
    if (room <= r->room) return true;
    if (room < 2 * r->room) room = 2 * r->room;
    if (room < 1024) room = 1024;
    void *row = realloc(r->row, (size_t)room * sizeof *r->row);
    if (row) r->row = row;
    void *wide = realloc(r->wide, (size_t)room * sizeof *r->wide);
    if (wide) r->wide = wide;
    void *id = realloc(r->order_id, (size_t)room * sizeof *r->order_id);
    if (id) r->order_id = id;
    void *action = realloc(r->action, (size_t)room * sizeof *r->action);
    if (action) r->action = action;
    if (!row || !wide || !id || !action) return false;
    r->room = room;
    return true;
}

td_status td_feed_open(const td_feed_def *def, td_book_feed **feed, td_error *error) {
    *feed = NULL;
    td_book_feed *f = calloc(1, sizeof *f);
    if (!f) return td_fail(error, TD_NO_MEMORY, "%s: no memory to import into it", def->path);
    f->def = *def;
    td_feed_place(f, def->path, 0);
    for (int s = 0; s < STREAM_COUNT; s++) f->clock[s] = (stream_clock){INT64_MIN, INT64_MIN};
    for (int i = 0; i < TRADE_IDS; i++) f->trade_ids[i] = -1;
    f->report.first_ns = INT64_MAX;
    f->report.last_ns = INT64_MIN;
    f->report.least_latency_ns = INT64_MAX;
    td_status status = td_book_writer_open(def->path, &def->instrument, def->parity, &f->writer, error);
    bool grids = td_grid_make(def->instrument.tick, &f->price) && td_grid_make(def->instrument.lot, &f->quantity);
    assert(status != TD_OK || grids);
    (void)grids;
    if (status == TD_OK) status = td_book_watch_open(&f->watch, error);
    if (status == TD_OK && (!grow_rows(&f->rows, 1) || !grow_rows(&f->held_rows, 1)))
        status = td_fail(error, TD_NO_MEMORY, "%s: no memory for rows", def->path);
    if (status != TD_OK) {
        free_feed(f);
        return status;
    }
    *feed = f;
    return TD_OK;
}

void td_feed_abandon(td_book_feed *feed) {
    if (feed) free_feed(feed);
}

void td_feed_rule(td_book_feed *feed, td_sequence_rule rule) {
    if (feed->rule == TD_SEQUENCE_NONE) feed->rule = rule;
}

bool td_feed_parity(const td_book_feed *feed) { return feed->def.parity; }
const td_instrument *td_feed_instrument(const td_book_feed *feed) { return &feed->def.instrument; }

void td_feed_trades_first(td_book_feed *feed) { td_book_writer_trades_first(feed->writer); }

void td_feed_place(td_book_feed *feed, const char *name, int64_t line) {
    if (strcmp(feed->place_name, name) != 0) snprintf(feed->place_name, sizeof feed->place_name, "%s", name);
    feed->place_line = line;
}

void td_feed_count_one(td_book_feed *feed, td_feed_count count, const char *what) {
    enum { NAME_MAX_BYTES = 64 };
    if (feed->report.counts[count]++ > 0) return;
    const char *name = feed->place_name; /* of a long path the end */
    size_t length = strlen(name);
    bool cut = length > NAME_MAX_BYTES;
    snprintf(feed->report.first[count], sizeof feed->report.first[0], "%s%.64s:%lld%s%.64s", cut ? "..." : "",
             cut ? name + length - NAME_MAX_BYTES : name, (long long)feed->place_line, what ? ": " : "", what ? what : "");
}

static void count_many(td_book_feed *feed, td_feed_count count, int64_t times, const char *what) {
    if (times <= 0) return;
    td_feed_count_one(feed, count, what);
    feed->report.counts[count] += times - 1;
}

/* ---- putting a message together ---- */

void td_feed_begin(td_book_feed *feed, td_book_kind kind, int64_t exchange_ns, int64_t local_ns) {
    feed->rows.count = 0;
    feed->now = (message){.kind = kind, .first_id = -1, .last_id = -1, .previous_id = -1, .trade_id = -1, .seen = TD_BOOK_SEEN};
    td_feed_time(feed, exchange_ns, local_ns);
}

void td_feed_time(td_book_feed *feed, int64_t exchange_ns, int64_t local_ns) {
    feed->now.exchange_ns = exchange_ns ? exchange_ns : TD_BOOK_TIME_UNKNOWN;
    feed->now.local_ns = local_ns ? local_ns : exchange_ns;
    feed->now.local_known = local_ns != 0;
}

void td_feed_ids(td_book_feed *feed, int64_t first, int64_t last, int64_t previous) {
    feed->now.first_id = first;
    feed->now.last_id = last;
    feed->now.previous_id = previous;
}

void td_feed_trade_id(td_book_feed *feed, int64_t id) { feed->now.trade_id = id; }
void td_feed_seen(td_book_feed *feed, uint8_t seen) { feed->now.seen = seen; }

static td_book_row make_row(td_side side, int64_t tick, int64_t lots) {
    return td_row_make(side, (int32_t)tick, lots < TD_LOTS_WIDE ? (uint32_t)lots : TD_LOTS_WIDE);
}

/* Text of a price or quantity for a message about it. */
static void describe(char *what, size_t size, const char *noun, const char *text, size_t length, double step) {
    snprintf(what, size, "%s %.*s, step %.12g", noun, (int)(length < 24 ? length : 24), text, step);
}

/* Is a row that is not on the grid usable? Counts it. Quantities become the nearest whole number of lots, for venues have dust of old
 * orders in their books; something does not become nothing. A price off the grid names no level: mode parity rounds it, as hftbacktest
 * does. */
static bool accept(td_book_feed *feed, td_on_grid price, td_on_grid quantity, int64_t tick, int64_t *lots, const char *const text[2],
                   const size_t length[2]) {
    char what[64];
    feed->price_rows++;
    if (price == TD_NOT_ON_ANY || quantity == TD_NOT_ON_ANY || tick > TD_TICK_MAX) {
        bool bad_price = quantity != TD_NOT_ON_ANY;
        describe(what, sizeof what, bad_price ? "price" : "quantity", text[!bad_price], length[!bad_price],
                 bad_price ? feed->price.step : feed->quantity.step);
        td_feed_count_one(feed, TD_FEED_COUNT_not_numbers, what);
        return false;
    }
    if (price == TD_OFF_GRID) {
        describe(what, sizeof what, "price", text[0], length[0], feed->price.step);
        td_feed_count_one(feed, TD_FEED_COUNT_off_grid_prices, what);
    }
    if (quantity == TD_OFF_GRID) {
        describe(what, sizeof what, "quantity", text[1], length[1], feed->quantity.step);
        td_feed_count_one(feed, TD_FEED_COUNT_off_grid_quantities, what);
        if (*lots == 0 && !feed->def.parity) *lots = 1;
    }
    feed->off_grid_rows++;
    return price == TD_ON_GRID || feed->def.parity;
}

static void push_row(td_book_feed *feed, td_side side, int64_t tick, int64_t lots) {
    rows *r = &feed->rows;
    if (r->count == r->room && !grow_rows(r, r->count + 1)) {
        feed->out_of_memory = true;
        return;
    }
    r->row[r->count] = make_row(side, tick, lots);
    r->wide[r->count] = lots;
    r->order_id[r->count] = 0;
    r->action[r->count] = 0;
    r->count++;
    feed->now.wide |= lots >= TD_LOTS_WIDE;
    feed->now.refused = false;
}

static void refuse_row(td_book_feed *feed) {
    feed->now.bad_rows++;
    feed->now.refused = true;
}

void td_feed_row_text(td_book_feed *feed, td_side side, const char *price, size_t price_length, const char *quantity,
                      size_t quantity_length) {
    int64_t tick = 0, lots = 0;
    td_on_grid p = td_grid_text(&feed->price, price, price_length, &tick);
    td_on_grid q = td_grid_text(&feed->quantity, quantity, quantity_length, &lots);
    if (p == TD_ON_GRID && q == TD_ON_GRID && tick <= TD_TICK_MAX) {
        feed->price_rows++;
        push_row(feed, side, tick, lots);
        return;
    }
    const char *const text[2] = {price, quantity};
    const size_t length[2] = {price_length, quantity_length};
    if (accept(feed, p, q, tick, &lots, text, length))
        push_row(feed, side, tick, lots);
    else
        refuse_row(feed);
}

void td_feed_row_nano(td_book_feed *feed, td_side side, int64_t price_e9, int64_t quantity_e9) {
    int64_t tick = 0, lots = 0;
    bool numbers = price_e9 >= 0 && price_e9 < INT64_MAX && quantity_e9 >= 0 && quantity_e9 < INT64_MAX;
    td_on_grid p = numbers ? td_grid_steps(&feed->price, (uint64_t)price_e9, 9, &tick) : TD_NOT_ON_ANY;
    td_on_grid q = numbers ? td_grid_steps(&feed->quantity, (uint64_t)quantity_e9, 9, &lots) : TD_NOT_ON_ANY;
    bool good = p == TD_ON_GRID && q == TD_ON_GRID && tick <= TD_TICK_MAX;
    char text[2][32];
    size_t length[2] = {0, 0};
    for (int i = 0; !good && i < 2; i++)
        length[i] = (size_t)snprintf(text[i], sizeof text[i], "%.15g", (double)(i ? quantity_e9 : price_e9) / 1e9);
    if (good) feed->price_rows++;
    if (good || accept(feed, p, q, tick, &lots, (const char *const[]){text[0], text[1]}, length))
        push_row(feed, side, tick, lots);
    else
        refuse_row(feed);
}

void td_feed_row(td_book_feed *feed, td_side side, double price, double quantity) {
    int64_t tick = 0, lots = 0;
    td_on_grid p = td_grid_double(&feed->price, price, &tick), q = td_grid_double(&feed->quantity, quantity, &lots);
    bool good = p == TD_ON_GRID && q == TD_ON_GRID && tick <= TD_TICK_MAX;
    char text[2][32];
    size_t length[2] = {0, 0};
    for (int i = 0; !good && i < 2; i++) length[i] = (size_t)snprintf(text[i], sizeof text[i], "%.15g", i ? quantity : price);
    if (good) feed->price_rows++;
    if (good || accept(feed, p, q, tick, &lots, (const char *const[]){text[0], text[1]}, length))
        push_row(feed, side, tick, lots);
    else
        refuse_row(feed);
}

void td_feed_order(td_book_feed *feed, uint64_t id, td_book_action action) {
    feed->now.orders = true;
    if (feed->now.refused || feed->out_of_memory) return;
    assert(feed->rows.count > 0);
    feed->rows.order_id[feed->rows.count - 1] = id;
    feed->rows.action[feed->rows.count - 1] = (uint8_t)action;
}

/* ---- time ---- */

/* Latencies as recorded, of everything that says both times, used or not. */
static void note_latency(td_book_feed *feed, const message *m) {
    if (!m->local_known || m->exchange_ns == TD_BOOK_TIME_UNKNOWN || (m->rows == 0 && m->bad_rows == 0)) return;
    int64_t latency = m->local_ns - m->exchange_ns;
    if (latency < feed->report.least_latency_ns) feed->report.least_latency_ns = latency;
    if (latency < 0) td_feed_count_one(feed, TD_FEED_COUNT_negative_latency, NULL);
}

static td_status runs_backwards(const td_book_feed *feed, const char *whose, int64_t found, int64_t before, td_error *error) {
    char now[32], then[32];
    return td_fail(error, TD_BAD_DATA,
                   "%s:%lld: %s time runs backwards by more than an hour, from %s to %s; give the files in the order of time",
                   feed->place_name, (long long)feed->place_line, whose, td_time_text(before, then), td_time_text(found, now));
}

/* Counts time running backwards within a stream, where somebody sees it. Levels are absolute, so a depth message must not overtake
 * another when the tape is sorted: mode strict raises its times to those of the one before. */
static td_status keep_time(td_book_feed *feed, message *m, td_error *error) {
    stream_clock *c = &feed->clock[m->kind == TD_BOOK_TRADE ? STREAM_TRADE : STREAM_DEPTH];
    bool raise = !feed->def.parity && m->kind != TD_BOOK_TRADE;
    if (m->exchange_ns != TD_BOOK_TIME_UNKNOWN && (m->seen & TD_BOOK_AT_EXCHANGE)) {
        if (m->exchange_ns < c->exchange_ns) {
            td_feed_count_one(feed, TD_FEED_COUNT_exchange_regressions, NULL);
            if (raise && c->exchange_ns - m->exchange_ns > BACKWARDS_MAX_NS)
                return runs_backwards(feed, "exchange", m->exchange_ns, c->exchange_ns, error);
            if (raise) m->exchange_ns = c->exchange_ns;
        }
        c->exchange_ns = m->exchange_ns;
    }
    if (!(m->seen & TD_BOOK_AT_LOCAL)) return TD_OK;
    if (m->local_ns < c->local_ns) {
        td_feed_count_one(feed, TD_FEED_COUNT_local_regressions, NULL);
        if (raise && c->local_ns - m->local_ns > BACKWARDS_MAX_NS)
            return runs_backwards(feed, "local", m->local_ns, c->local_ns, error);
        if (raise) m->local_ns = c->local_ns;
    }
    c->local_ns = m->local_ns;
    return TD_OK;
}

/* ---- to the tape ---- */

static td_status emit(td_book_feed *feed, message *m, const rows *from, td_error *error) {
    TD_TRY(keep_time(feed, m, error));
    const td_book_message out = {
        .exchange_ns = m->exchange_ns,
        .local_ns = m->local_ns,
        .sequence = m->kind == TD_BOOK_TRADE ? (uint64_t)(m->trade_id > 0 ? m->trade_id : 0) : (uint64_t)(m->last_id > 0 ? m->last_id : 0),
        .kind = m->kind,
        .seen = m->seen,
        .rows = (int32_t)m->rows,
        .row = from->row + m->row_begin,
        .wide = m->wide ? from->wide + m->row_begin : NULL,
        .order_id = m->orders ? from->order_id + m->row_begin : NULL,
        .action = m->orders ? from->action + m->row_begin : NULL,
    };
    TD_TRY(td_book_write(feed->writer, &out, error));
    td_feed_report *r = &feed->report;
    if (m->exchange_ns != TD_BOOK_TIME_UNKNOWN && m->exchange_ns < r->first_ns) r->first_ns = m->exchange_ns;
    if (m->exchange_ns != TD_BOOK_TIME_UNKNOWN && m->exchange_ns > r->last_ns) r->last_ns = m->exchange_ns;
    r->tape_messages++;
    r->tape_rows += m->rows;
    td_watch_finding finding;
    TD_TRY(td_book_watch_message(feed->watch, &out, feed->def.parity, &finding, error));
    if (finding.crossed) td_feed_count_one(feed, TD_FEED_COUNT_crossed, NULL);
    if (finding.locked) td_feed_count_one(feed, TD_FEED_COUNT_locked, NULL);
    count_many(feed, TD_FEED_COUNT_unknown_levels, finding.unknown_levels, NULL);
    count_many(feed, TD_FEED_COUNT_unknown_orders, finding.unknown_orders, NULL);
    return TD_OK;
}

/* May what comes next be used? */
static bool is_synced(const td_book_feed *feed) {
    return feed->sync == SYNC_FRESH || feed->sync == SYNC_GOOD || (feed->sync == SYNC_NONE && feed->rule == TD_SEQUENCE_NONE);
}

/* Messages are missing at m. */
static td_status mark_gap(td_book_feed *feed, const message *m, const char *what, td_error *error) {
    td_feed_count_one(feed, TD_FEED_COUNT_gaps, what);
    if (feed->def.parity || !is_synced(feed)) return TD_OK;
    feed->sync = SYNC_LOST;
    message gap = {.kind = TD_BOOK_GAP, .exchange_ns = m->exchange_ns, .local_ns = m->local_ns, .last_id = -1, .trade_id = -1,
                   .seen = TD_BOOK_SEEN};
    return emit(feed, &gap, &feed->rows, error);
}

/* ---- depth while a snapshot is awaited ---- */

static void drop_held(td_book_feed *feed, int count) {
    int64_t row_count = count < feed->held_count ? feed->held[count].row_begin : feed->held_rows.count;
    feed->held_count -= count;
    memmove(feed->held, feed->held + count, (size_t)feed->held_count * sizeof *feed->held);
    feed->held_rows.count -= row_count;
    memmove(feed->held_rows.row, feed->held_rows.row + row_count, (size_t)feed->held_rows.count * sizeof(td_book_row));
    memmove(feed->held_rows.wide, feed->held_rows.wide + row_count, (size_t)feed->held_rows.count * sizeof(int64_t));
    for (int i = 0; i < feed->held_count; i++) feed->held[i].row_begin -= row_count;
}

/* The snapshot that is on its way may be older than this message: it is kept for a while. */
static td_status hold(td_book_feed *feed, const message *m, td_error *error) {
    if (m->last_id < 0 || m->bad_rows > 0 || m->rows > HELD_ROWS) return TD_OK;
    if (feed->held_count == HELD_MESSAGES) drop_held(feed, HELD_MESSAGES / 2);
    while (feed->held_count > 0 && feed->held_rows.count + m->rows > HELD_ROWS) drop_held(feed, (feed->held_count + 1) / 2);
    rows *h = &feed->held_rows;
    if (!grow_rows(h, h->count + m->rows + 1)) return td_fail(error, TD_NO_MEMORY, "no memory to hold messages until the next snapshot");
    message kept = *m;
    kept.row_begin = h->count;
    memcpy(h->row + h->count, feed->rows.row + m->row_begin, (size_t)m->rows * sizeof *h->row);
    memcpy(h->wide + h->count, feed->rows.wide + m->row_begin, (size_t)m->rows * sizeof *h->wide);
    h->count += m->rows;
    feed->held[feed->held_count++] = kept;
    return TD_OK;
}

/* ---- sequence rules ---- */

typedef enum fate { USE, SEEN_BEFORE, LOST_BEFORE } fate;

static fate spot_fate(const td_book_feed *feed, const message *m) {
    if (m->last_id <= feed->last_id) return SEEN_BEFORE;
    return m->first_id > feed->last_id + 1 ? LOST_BEFORE : USE;
}

/* The message behind a snapshot contains its id, or starts where it ends; after that each names the one before. Ids are shared by all
 * symbols, so a snapshot's id may lie between two messages. */
static fate futures_fate(const td_book_feed *feed, const message *m) {
    if (feed->sync == SYNC_FRESH) {
        if (m->last_id < feed->last_id) return SEEN_BEFORE;
        return m->first_id <= feed->last_id || (m->previous_id >= 0 && m->previous_id <= feed->last_id) ? USE : LOST_BEFORE;
    }
    if (m->previous_id == feed->last_id) return USE;
    return m->last_id <= feed->last_id ? SEEN_BEFORE : LOST_BEFORE;
}

static fate fate_of(const td_book_feed *feed, const message *m) {
    if (m->last_id < 0) return USE;
    switch (feed->rule) {
    case TD_SEQUENCE_BINANCE_SPOT: return spot_fate(feed, m);
    case TD_SEQUENCE_BINANCE_FUTURES: return futures_fate(feed, m);
    default: return USE;
    }
}

/* What is not used is counted by why. */
static void pass_over(td_book_feed *feed, message *m) {
    m->passed_as = feed->sync == SYNC_NONE ? TD_FEED_COUNT_before_snapshot : TD_FEED_COUNT_quarantined;
    td_feed_count_one(feed, m->passed_as, NULL);
}

/* A depth message or orders, in mode strict. */
static td_status take_update(td_book_feed *feed, message *m, const rows *from, td_error *error) {
    char what[96];
    if (!is_synced(feed)) {
        pass_over(feed, m);
        return m->kind == TD_BOOK_DEPTH ? hold(feed, m, error) : TD_OK;
    }
    fate f = fate_of(feed, m);
    if (f == SEEN_BEFORE) {
        td_feed_count_one(feed, TD_FEED_COUNT_duplicates, NULL);
        return TD_OK;
    }
    if (f == LOST_BEFORE || m->bad_rows > 0) {
        snprintf(what, sizeof what, "update %lld, expected one behind %lld", (long long)m->first_id, (long long)feed->last_id);
        TD_TRY(mark_gap(feed, m, f == LOST_BEFORE ? what : "a level that cannot be used", error));
        pass_over(feed, m);
        return hold(feed, m, error);
    }
    feed->sync = SYNC_GOOD;
    if (m->last_id >= 0) feed->last_id = m->last_id;
    return m->rows > 0 ? emit(feed, m, from, error) : TD_OK;
}

/* ---- kinds ---- */

static int compare_levels(const void *left, const void *right) {
    const td_book_row *a = left, *b = right;
    td_side side = td_row_side(*a);
    if (side != td_row_side(*b)) return side == TD_BUY ? -1 : 1;
    int order = (td_row_tick(*a) > td_row_tick(*b)) - (td_row_tick(*a) < td_row_tick(*b));
    return side == TD_BUY ? -order : order;
}

/* Bids from the best, then asks from the best. Few come in another order; then quantities beyond 32 bits go along with their rows. */
static td_status sort_snapshot(td_book_feed *feed, td_error *error) {
    rows *r = &feed->rows;
    int64_t at = 1;
    while (at < r->count && compare_levels(&r->row[at - 1], &r->row[at]) <= 0) at++;
    if (at >= r->count) return TD_OK;
    if (!feed->now.wide) {
        qsort(r->row, (size_t)r->count, sizeof *r->row, compare_levels);
        return TD_OK;
    }
    struct level {
        td_book_row row;
        int64_t lots;
    } *levels = malloc((size_t)r->count * sizeof *levels);
    if (!levels) return td_fail(error, TD_NO_MEMORY, "no memory to sort a snapshot of %lld levels", (long long)r->count);
    for (int64_t i = 0; i < r->count; i++) levels[i] = (struct level){r->row[i], r->wide[i]};
    qsort(levels, (size_t)r->count, sizeof *levels, compare_levels); /* the row comes first in a level */
    for (int64_t i = 0; i < r->count; i++) {
        r->row[i] = levels[i].row;
        r->wide[i] = levels[i].lots;
    }
    free(levels);
    return TD_OK;
}

/* Without a time of its own, a snapshot is as old as the first message that follows it, or as the last before it. */
static void date_snapshot(td_book_feed *feed, message *m, int64_t follower_ns) {
    if (m->exchange_ns != TD_BOOK_TIME_UNKNOWN) return;
    int64_t before = feed->clock[STREAM_DEPTH].exchange_ns;
    int64_t held = feed->held_count > 0 ? feed->held[feed->held_count - 1].exchange_ns : INT64_MIN;
    if (held > before) before = held;
    if (follower_ns != TD_BOOK_TIME_UNKNOWN)
        m->exchange_ns = follower_ns;
    else if (before != INT64_MIN)
        m->exchange_ns = before;
}

/* Depth messages that came before the snapshot though they are newer follow it, as a client that buffers them sees it. */
static td_status release_held(td_book_feed *feed, int first, int64_t local_ns, td_error *error) {
    for (int i = first; i < feed->held_count && is_synced(feed); i++) {
        message m = feed->held[i];
        if (m.local_ns < local_ns) m.local_ns = local_ns;
        feed->report.counts[m.passed_as]--;
        TD_TRY(take_update(feed, &m, &feed->held_rows, error));
    }
    feed->held_count = 0;
    feed->held_rows.count = 0;
    return TD_OK;
}

static td_status take_snapshot(td_book_feed *feed, message *m, td_error *error) {
    TD_TRY(sort_snapshot(feed, error));
    if (feed->def.parity) {
        date_snapshot(feed, m, TD_BOOK_TIME_UNKNOWN);
        return m->rows > 0 ? emit(feed, m, &feed->rows, error) : TD_OK;
    }
    if (m->bad_rows > 0) {
        td_feed_count_one(feed, TD_FEED_COUNT_quarantined, "a snapshot with a level that cannot be used");
        return TD_OK;
    }
    bool numbered = m->last_id >= 0; /* which rule it is may not be known yet */
    if (numbered && feed->rule != TD_SEQUENCE_NONE && feed->sync == SYNC_GOOD && m->last_id <= feed->last_id) {
        td_feed_count_one(feed, TD_FEED_COUNT_duplicates, "a snapshot older than the book");
        return TD_OK;
    }
    int first = numbered ? 0 : feed->held_count;
    while (first < feed->held_count && feed->held[first].last_id <= m->last_id) first++;
    date_snapshot(feed, m, first < feed->held_count ? feed->held[first].exchange_ns : TD_BOOK_TIME_UNKNOWN);
    feed->sync = numbered ? SYNC_FRESH : SYNC_GOOD;
    if (m->last_id >= 0) feed->last_id = m->last_id;
    TD_TRY(emit(feed, m, &feed->rows, error));
    return release_held(feed, first, m->local_ns, error);
}

static td_status take_trade(td_book_feed *feed, message *m, td_error *error) {
    if (m->rows == 0) return TD_OK;
    if (m->trade_id >= 0) {
        int64_t *slot = &feed->trade_ids[m->trade_id & (TRADE_IDS - 1)];
        if (*slot == m->trade_id) {
            td_feed_count_one(feed, TD_FEED_COUNT_duplicate_trades, NULL);
            if (!feed->def.parity) return TD_OK;
        }
        *slot = m->trade_id;
    }
    return emit(feed, m, &feed->rows, error);
}

/* A new start without a snapshot: everything is gone. */
static bool starts_anew(const td_book_feed *feed, const message *m) {
    if (m->kind == TD_BOOK_CLEAR) return m->rows == 0;
    bool clears = false;
    for (int64_t r = 0; m->kind == TD_BOOK_ORDERS && r < m->rows; r++)
        clears |= feed->rows.action[r] == TD_ACTION_CLEAR && feed->rows.order_id[r] == 1;
    return clears;
}

static td_status take_parity(td_book_feed *feed, message *m, td_error *error) {
    if (m->kind == TD_BOOK_DEPTH && m->last_id >= 0) {
        if (feed->sync != SYNC_NONE && fate_of(feed, m) == LOST_BEFORE) td_feed_count_one(feed, TD_FEED_COUNT_gaps, NULL);
        feed->sync = SYNC_GOOD;
        feed->last_id = m->last_id;
    }
    return m->rows > 0 || m->kind == TD_BOOK_CLEAR ? emit(feed, m, &feed->rows, error) : TD_OK;
}

static void count_message(td_book_feed *feed, const message *m) {
    int64_t *counts = feed->report.counts;
    counts[TD_FEED_COUNT_messages]++;
    counts[TD_FEED_COUNT_rows] += m->rows + m->bad_rows;
    counts[TD_FEED_COUNT_depth_messages] += m->kind == TD_BOOK_DEPTH;
    counts[TD_FEED_COUNT_snapshots] += m->kind == TD_BOOK_SNAPSHOT;
    counts[TD_FEED_COUNT_trades] += m->kind == TD_BOOK_TRADE;
    counts[TD_FEED_COUNT_orders] += m->kind == TD_BOOK_ORDERS;
}

static td_status too_far_off(const td_book_feed *feed, td_error *error) {
    const td_feed_report *r = &feed->report;
    bool prices = r->counts[TD_FEED_COUNT_off_grid_prices] > 0;
    const char *first = r->first[prices ? TD_FEED_COUNT_off_grid_prices : TD_FEED_COUNT_off_grid_quantities];
    return td_fail(error, TD_BAD_DATA,
                   "%lld of %lld rows are off the grid of tick %.12g and lot %.12g (more than %g of all), the first at %s; are --tick and "
                   "--lot right?",
                   (long long)(r->counts[TD_FEED_COUNT_off_grid_prices] + r->counts[TD_FEED_COUNT_off_grid_quantities]),
                   (long long)feed->price_rows, feed->price.step, feed->quantity.step, feed->def.off_grid_max, first);
}

static bool is_off(const td_book_feed *feed, double share) {
    const int64_t *counts = feed->report.counts;
    int64_t off = counts[TD_FEED_COUNT_off_grid_prices] + counts[TD_FEED_COUNT_off_grid_quantities];
    return (double)off > share * (double)feed->price_rows;
}

static bool is_time(int64_t ns) { return ns > 0 && ns <= TIME_MAX_NS; }

static bool has_times(const message *m) {
    return is_time(m->local_ns) && (m->exchange_ns == TD_BOOK_TIME_UNKNOWN || is_time(m->exchange_ns));
}

/* A message whose times cannot be: whatever it changed is lost, when depth was last heard of. */
static td_status refuse(td_book_feed *feed, const message *m, td_error *error) {
    char what[64];
    snprintf(what, sizeof what, "times %lld, %lld", (long long)m->exchange_ns, (long long)m->local_ns);
    td_feed_count_one(feed, TD_FEED_COUNT_broken, what);
    const message lost = {.exchange_ns = TD_BOOK_TIME_UNKNOWN, .local_ns = feed->clock[STREAM_DEPTH].local_ns};
    if (m->kind == TD_BOOK_TRADE || lost.local_ns == INT64_MIN) return TD_OK;
    return mark_gap(feed, &lost, "a message of no time", error);
}

td_status td_feed_end(td_book_feed *feed, td_error *error) {
    message *m = &feed->now;
    m->rows = feed->rows.count;
    if (feed->out_of_memory) return td_fail(error, TD_NO_MEMORY, "no memory for a message of %lld rows", (long long)m->rows);
    if (m->rows > INT32_MAX) return td_fail(error, TD_BAD_DATA, "a message of %lld rows", (long long)m->rows);
    count_message(feed, m);
    if (feed->off_grid_rows > EARLY_ROWS && is_off(feed, 0.5)) return too_far_off(feed, error);
    if (!has_times(m)) return refuse(feed, m, error);
    note_latency(feed, m);
    if (m->exchange_ns == TD_BOOK_TIME_UNKNOWN && m->kind != TD_BOOK_SNAPSHOT) m->exchange_ns = m->local_ns;
    if (m->kind == TD_BOOK_SNAPSHOT) return take_snapshot(feed, m, error);
    if (m->kind == TD_BOOK_TRADE) return take_trade(feed, m, error);
    if (m->kind == TD_BOOK_GAP) return mark_gap(feed, m, "the source says so", error);
    if (feed->def.parity) return take_parity(feed, m, error);
    if (starts_anew(feed, m) && feed->sync != SYNC_NONE) feed->sync = SYNC_GOOD;
    return m->kind == TD_BOOK_CLEAR ? emit(feed, m, &feed->rows, error) : take_update(feed, m, &feed->rows, error);
}

/* ---- what is no message ---- */

/* Quantities off the grid count as the nearest: a ticker is only compared with. */
td_status td_feed_ticker_text(td_book_feed *feed, int64_t exchange_ns, int64_t local_ns, int64_t id, const char *const text[4],
                              const size_t length[4], td_error *error) {
    feed->report.counts[TD_FEED_COUNT_tickers]++;
    feed->report.counts[TD_FEED_COUNT_messages]++;
    if (!is_time(local_ns) || (exchange_ns != 0 && !is_time(exchange_ns))) {
        td_feed_count_one(feed, TD_FEED_COUNT_not_numbers, "the time of a ticker");
        return TD_OK;
    }
    int64_t steps[4] = {0};
    for (int i = 0; i < 4; i++) {
        bool price = i % 2 == 0;
        td_on_grid where = td_grid_text(price ? &feed->price : &feed->quantity, text[i], length[i], &steps[i]);
        if (where == TD_NOT_ON_ANY || (price && steps[i] > TD_TICK_MAX)) {
            char what[64];
            describe(what, sizeof what, price ? "price" : "quantity", text[i], length[i], price ? feed->price.step : feed->quantity.step);
            td_feed_count_one(feed, TD_FEED_COUNT_not_numbers, what);
            return TD_OK;
        }
        if (!price && where == TD_OFF_GRID && steps[i] == 0 && !feed->def.parity) steps[i] = 1; /* as rows are */
    }
    const td_book_ticker ticker = {.exchange_ns = exchange_ns, .local_ns = local_ns, .sequence = id > 0 ? (uint64_t)id : 0,
                                   .bid = make_row(TD_BUY, steps[0], steps[1]), .ask = make_row(TD_SELL, steps[2], steps[3])};
    td_book_watch_ticker(feed->watch, &ticker);
    return feed->def.keep_tickers ? td_book_write_ticker(feed->writer, &ticker, error) : TD_OK;
}

td_status td_feed_funding(td_book_feed *feed, int64_t time_ns, double rate, double mark, td_error *error) {
    if (!isfinite(rate) || isinf(mark)) {
        td_feed_count_one(feed, TD_FEED_COUNT_not_numbers, "a funding rate");
        return TD_OK;
    }
    if (!is_time(time_ns)) {
        td_feed_count_one(feed, TD_FEED_COUNT_not_numbers, "the time of a funding");
        return TD_OK;
    }
    const td_funding funding = {time_ns, rate, mark};
    return td_book_write_funding(feed->writer, &funding, error);
}

/* ---- the end ---- */

char *td_feed_report_json(const td_feed_report *r) {
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (!out) return NULL;
    fprintf(out, "{\"counts\": {");
    for (int c = 0; c < TD_FEED_COUNT_COUNT; c++)
        fprintf(out, "%s\"%s\": %lld", c ? ", " : "", count_names[c], (long long)r->counts[c]);
    fprintf(out, "}, \"first\": {");
    for (int c = 0, some = 0; c < TD_FEED_COUNT_COUNT; c++) {
        if (!r->first[c][0] || r->counts[c] == 0) continue;
        fprintf(out, "%s\"%s\": \"", some++ ? ", " : "", count_names[c]);
        for (const char *p = r->first[c]; *p; p++) {
            if (*p == '"' || *p == '\\')
                fprintf(out, "\\%c", *p);
            else if ((unsigned char)*p < 0x20 || (unsigned char)*p >= 0x7f)
                fprintf(out, "?");
            else
                fputc(*p, out);
        }
        fputc('"', out);
    }
    fprintf(out,
            "}, \"first_ns\": %lld, \"last_ns\": %lld, \"least_latency_ns\": %lld, \"local_shift_ns\": %lld, \"tape_messages\": %lld, "
            "\"tape_rows\": %lld, \"ticker_compared\": %lld, \"ticker_equal\": %lld}",
            (long long)r->first_ns, (long long)r->last_ns, (long long)r->least_latency_ns, (long long)r->local_shift_ns,
            (long long)r->tape_messages, (long long)r->tape_rows, (long long)r->ticker_compared, (long long)r->ticker_equal);
    if (fclose(out) != 0) {
        free(text);
        return NULL;
    }
    return text;
}

static td_status check_usable(const td_book_feed *feed, td_error *error) {
    const td_feed_report *r = &feed->report;
    const int64_t *counts = r->counts;
    if (feed->off_grid_rows > 0 && is_off(feed, feed->def.off_grid_max)) return too_far_off(feed, error);
    if (feed->rule != TD_SEQUENCE_NONE && !feed->def.parity && counts[TD_FEED_COUNT_depth_messages] > 0 && feed->sync == SYNC_NONE)
        return td_fail(error, TD_BAD_DATA,
                       "%s: no snapshot of the book among %lld messages, so its %lld depth messages cannot be used; give the file that "
                       "holds it first, or use --mode parity",
                       feed->place_name, (long long)counts[TD_FEED_COUNT_messages], (long long)counts[TD_FEED_COUNT_depth_messages]);
    if (r->tape_messages == 0 || r->tape_rows == 0)
        return td_fail(error, TD_BAD_DATA, "%s: nothing that a book tape could hold among %lld messages (%lld of other kinds, %lld broken)",
                       feed->place_name, (long long)counts[TD_FEED_COUNT_messages], (long long)counts[TD_FEED_COUNT_other],
                       (long long)counts[TD_FEED_COUNT_broken]);
    return TD_OK;
}

static td_status close_steps(td_book_feed *feed, char digest[TD_DIGEST_HEX], td_error *error) {
    td_feed_report *r = &feed->report;
    td_watch_result result;
    td_book_watch_finish(feed->watch, &result);
    r->ticker_compared = result.compared;
    r->ticker_equal = result.equal;
    if (r->least_latency_ns == INT64_MAX) r->least_latency_ns = 0;
    if (feed->def.correct_clock && r->least_latency_ns < 0) r->local_shift_ns = feed->def.base_latency_ns - r->least_latency_ns;
    TD_TRY(check_usable(feed, error));
    if (r->first_ns == INT64_MAX) r->first_ns = r->last_ns = 0;
    td_book_writer_shift_local(feed->writer, r->local_shift_ns);
    char *report = td_feed_report_json(r);
    td_status status = td_book_writer_close(feed->writer, report, digest, error);
    feed->writer = NULL;
    free(report);
    return status;
}

td_status td_feed_close(td_book_feed *feed, td_feed_report *report, char digest[TD_DIGEST_HEX], td_error *error) {
    td_status status = close_steps(feed, digest, error);
    if (report) *report = feed->report;
    free_feed(feed);
    return status;
}
