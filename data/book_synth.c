/* See book_synth.h and docs/synthetic-book.md, whose section numbers the comments below name. */
#include "data/book_synth.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/math.h"
#include "base/random.h"
#include "data/calendar.h"

enum { COOKIE = 0x424f4f4b };

/* streams of TD_PURPOSE_SYNTH_BOOK; counters are numbers of events, of messages sent, of gaps, and of distances at the start */
enum { WAIT_STREAM, WHAT_STREAM, SIZE_STREAM, LATENCY_STREAM, GAP_STREAM, START_STREAM };

/* Levels are found by the low bits of their tick: far fewer than these are ever occupied at once (6). */
enum { RING = 1 << 14 };
static const double RESTING_MAX = 1e6, SETTLING = 5; /* mean lifetimes of an order before the tape begins (5) */
static const int64_t YEAR_NS = 365 * TD_NS_PER_DAY;

td_book_synth_def td_default_book_synth_def(void) {
    return (td_book_synth_def){.instrument = {.symbol = "SYNTH", .venue = "synthetic", .tick = 0.1, .lot = 0.001, .multiplier = 1},
                               .seed = 1,
                               .start_ns = 1672531200LL * TD_NS_PER_SECOND,
                               .length_ns = 600 * TD_NS_PER_SECOND,
                               .price = 30000,
                               .limit_rate = 10,
                               .reach = 100,
                               .market_rate = 3,
                               .cancel_rate = 0.25,
                               .limit_lots = 100,
                               .market_lots = 500,
                               .regime_seconds = 60,
                               .depth_ns = 50000000,
                               .snapshot_ns = 60 * TD_NS_PER_SECOND,
                               .latency_ns = 2000000,
                               .jitter_ns = 1000000,
                               .gap_ns = 2 * TD_NS_PER_SECOND,
                               .cookie = COOKIE};
}

/* Rate of limit orders on one side at i ticks from the other's best, in units of limit_rate, summed over distances 1 .. reach. */
static double sum_of_rates(int32_t reach) {
    double sum = 0;
    for (int32_t i = 1; i <= reach; i++) sum += 1 / sqrt((double)i);
    return sum;
}

static td_status check_range(const char *name, double value, double low, double high, td_error *error) {
    if (value >= low && value <= high) return TD_OK;
    return td_fail(error, TD_BAD_ARG, "%s is %g, must be from %g to %g", name, value, low, high);
}

td_status td_check_book_synth_def(const td_book_synth_def *def, td_error *error) {
    assert(def->cookie == COOKIE);
    const td_instrument *in = &def->instrument;
    double second = (double)TD_NS_PER_SECOND;
    TD_TRY(check_range("tick", in->tick, 1e-12, 1e12, error));
    TD_TRY(check_range("lot", in->lot, 1e-12, 1e12, error));
    TD_TRY(check_range("limit_rate", def->limit_rate, 1e-3, 1e6, error));
    TD_TRY(check_range("reach", def->reach, 1, TD_BOOK_SYNTH_REACH_MAX, error));
    TD_TRY(check_range("price in ticks", def->price / in->tick, 10 * def->reach, 0.5 * TD_TICK_MAX, error));
    TD_TRY(check_range("market_rate", def->market_rate, 0, 1e6, error));
    TD_TRY(check_range("cancel_rate", def->cancel_rate, 1e-3, 1e4, error));
    TD_TRY(check_range("limit_lots", def->limit_lots, 1, 1e6, error));
    TD_TRY(check_range("market_lots", def->market_lots, 1, 1e9, error));
    TD_TRY(check_range("drift", def->drift, 0, 0.9, error));
    TD_TRY(check_range("regime_seconds", def->regime_seconds, 1e-3, 1e9, error));
    TD_TRY(check_range("length in seconds", (double)def->length_ns / second, 1, 10 * (double)YEAR_NS / second, error));
    TD_TRY(check_range("depth_ns", (double)def->depth_ns, 1000, 60 * second, error));
    TD_TRY(check_range("snapshot_ns", (double)def->snapshot_ns, 0, (double)YEAR_NS, error));
    TD_TRY(check_range("latency_ns", (double)def->latency_ns, 0, 60 * second, error));
    TD_TRY(check_range("jitter_ns", (double)def->jitter_ns, 0, 60 * second, error));
    TD_TRY(check_range("gaps", def->gaps, 0, 3600, error));
    TD_TRY(check_range("gap_ns", (double)def->gap_ns, 1, 86400 * second, error));
    double resting = 2 * def->limit_rate * sum_of_rates(def->reach) / def->cancel_rate;
    if (resting > RESTING_MAX)
        return td_fail(error, TD_BAD_ARG,
                       "%g orders would rest in the book, at most %g may: lower limit_rate or reach, or raise cancel_rate", resting,
                       RESTING_MAX);
    int64_t end;
    if (def->start_ns < 0 || __builtin_add_overflow(def->start_ns, def->length_ns + YEAR_NS, &end))
        return td_fail(error, TD_BAD_ARG, "start is not between the years 1970 and 2250");
    return TD_OK;
}

/* ---- the book ---- */

typedef struct order {
    uint64_t id;
    int64_t lots;
    int32_t tick, before, behind, place; /* neighbours in the queue, -1: none; where it stands in live */
    td_side side;
} order;

typedef struct level {
    int64_t lots;
    int32_t tick, head, tail; /* head -1: no orders */
    bool pending;             /* changed since the last depth message */
} level;

/* What one market order took of one resting order. */
typedef struct fill {
    uint64_t id;
    int64_t lots, left;
    int32_t tick;
} fill;

typedef struct book {
    order *orders;          /* (capacity) */
    int32_t *live, *unused; /* (capacity) numbers of orders that rest; of those that do not */
    int32_t capacity, live_count, unused_count;
    int32_t of_side[2];     /* orders resting on each */
    level *levels[2];       /* (RING) */
    int32_t best[2];        /* ticks */
    uint64_t next_id;
    uint64_t sequence;      /* number of changes so far */
    int32_t *pending[2];    /* ticks of levels that changed, in any order */
    int32_t pending_count[2], pending_capacity[2];
} book;

static level *level_at(const book *b, td_side side, int32_t tick) { return &b->levels[side][tick & (RING - 1)]; }
static bool occupied(const book *b, td_side side, int32_t tick) {
    const level *at = level_at(b, side, tick);
    return at->head >= 0 && at->tick == tick;
}
static td_side other(td_side side) { return side == TD_BUY ? TD_SELL : TD_BUY; }
/* Is tick `a` nearer to the other side than `b`? */
static bool better(td_side side, int32_t a, int32_t b) { return side == TD_BUY ? a > b : a < b; }

static td_status no_memory(td_error *error) { return td_fail(error, TD_NO_MEMORY, "no memory for the synthetic book"); }

static td_status open_book(book *b, td_error *error) {
    for (int side = 0; side < 2; side++) {
        b->levels[side] = malloc(RING * sizeof(level));
        if (!b->levels[side]) return no_memory(error);
        for (int i = 0; i < RING; i++) b->levels[side][i] = (level){.head = -1, .tail = -1};
    }
    return TD_OK;
}

static void close_book(book *b) {
    for (int side = 0; side < 2; side++) {
        free(b->levels[side]);
        free(b->pending[side]);
    }
    free(b->orders);
    free(b->live);
    free(b->unused);
}

/* Room for one more order and its changes. */
static td_status reserve(book *b, td_error *error) {
    if (b->unused_count) return TD_OK;
    int32_t capacity = b->capacity ? 2 * b->capacity : 1024;
    order *orders = realloc(b->orders, (size_t)capacity * sizeof *orders);
    if (orders) b->orders = orders;
    int32_t *live = realloc(b->live, (size_t)capacity * sizeof *live);
    if (live) b->live = live;
    int32_t *unused = realloc(b->unused, (size_t)capacity * sizeof *unused);
    if (unused) b->unused = unused;
    if (!orders || !live || !unused) return no_memory(error);
    for (int32_t i = capacity; i-- > b->capacity;) b->unused[b->unused_count++] = i;
    b->capacity = capacity;
    return TD_OK;
}

static td_status note_change(book *b, td_side side, level *at, td_error *error) {
    if (at->pending) return TD_OK;
    if (b->pending_count[side] == b->pending_capacity[side]) {
        int32_t capacity = b->pending_capacity[side] ? 2 * b->pending_capacity[side] : 256;
        int32_t *grown = realloc(b->pending[side], (size_t)capacity * sizeof *grown);
        if (!grown) return no_memory(error);
        b->pending[side] = grown;
        b->pending_capacity[side] = capacity;
    }
    b->pending[side][b->pending_count[side]++] = at->tick;
    at->pending = true;
    return TD_OK;
}

/* The best price of a side that has orders, from where it was on. */
static void find_best(book *b, td_side side) {
    while (!occupied(b, side, b->best[side])) b->best[side] += side == TD_BUY ? -1 : 1;
}

static td_status take_lots(book *b, int32_t number, int64_t lots, td_error *error) {
    order *o = &b->orders[number];
    level *at = level_at(b, o->side, o->tick);
    at->lots -= lots;
    o->lots -= lots;
    TD_TRY(note_change(b, o->side, at, error));
    if (o->lots > 0) return TD_OK;
    if (o->before < 0)
        at->head = o->behind;
    else
        b->orders[o->before].behind = o->behind;
    if (o->behind < 0)
        at->tail = o->before;
    else
        b->orders[o->behind].before = o->before;
    int32_t last = b->live[--b->live_count];
    b->live[o->place] = last;
    b->orders[last].place = o->place;
    b->unused[b->unused_count++] = number;
    b->of_side[o->side]--;
    if (b->of_side[o->side] > 0) find_best(b, o->side);
    return TD_OK;
}

static td_status add_order(book *b, td_side side, int32_t tick, int64_t lots, td_error *error) {
    TD_TRY(reserve(b, error));
    level *at = level_at(b, side, tick);
    if (at->tick != tick) {
        assert(at->head < 0);
        *at = (level){.tick = tick, .head = -1, .tail = -1};
    }
    int32_t number = b->unused[--b->unused_count];
    b->orders[number] = (order){.id = ++b->next_id, .lots = lots, .tick = tick, .before = at->tail, .behind = -1,
                                .place = b->live_count, .side = side};
    if (at->tail < 0)
        at->head = number;
    else
        b->orders[at->tail].behind = number;
    at->tail = number;
    at->lots += lots;
    b->live[b->live_count++] = number;
    if (b->of_side[side]++ == 0 || better(side, tick, b->best[side])) b->best[side] = tick;
    return note_change(b, side, at, error);
}

/* ---- what the venue sends ---- */

/* Channels, each of which keeps the order in which it was sent. */
enum { BOOK_CHANNEL, TRADE_CHANNEL, TICKER_CHANNEL, CHANNELS };

typedef struct venue {
    const td_book_synth_def *def;
    td_book_writer *writer;      /* NULL while the book settles */
    td_book_synth_facts facts;
    int64_t received_ns[CHANNELS]; /* of the last message of each */
    uint64_t sent;               /* messages and tickers */
    bool lost;                   /* the connection, at the moment */
    int64_t depth_ns, snapshot_ns; /* when the next are due */
    double gap_ns;               /* when the next begins, or this one ends; after start_ns */
    uint64_t gap_draws;
    td_book_ticker top;          /* last ticker */
    td_book_row *rows;           /* the message being put together; (row_capacity) each */
    uint64_t *ids;
    uint8_t *actions;
    int32_t row_count, row_capacity;
} venue;

static double draw(const td_book_synth_def *def, int stream, uint64_t counter) {
    return td_random_uniform(def->seed, TD_PURPOSE_SYNTH_BOOK, (uint64_t)stream, counter);
}

/* (4) */
static int64_t receive(venue *v, int channel, int64_t exchange_ns) {
    double wait = -td_log(draw(v->def, LATENCY_STREAM, v->sent++)) * (double)v->def->jitter_ns;
    int64_t local_ns = exchange_ns + v->def->latency_ns + (int64_t)wait;
    if (local_ns < v->received_ns[channel]) local_ns = v->received_ns[channel];
    v->received_ns[channel] = local_ns;
    return local_ns;
}

static td_status put_row(venue *v, td_side side, int32_t tick, int64_t lots, uint64_t id, td_book_action action, td_error *error) {
    if (v->row_count == v->row_capacity) {
        int32_t capacity = v->row_capacity ? 2 * v->row_capacity : 1024;
        td_book_row *rows = realloc(v->rows, (size_t)capacity * sizeof *rows);
        if (rows) v->rows = rows;
        uint64_t *ids = realloc(v->ids, (size_t)capacity * sizeof *ids);
        if (ids) v->ids = ids;
        uint8_t *actions = realloc(v->actions, (size_t)capacity);
        if (actions) v->actions = actions;
        if (!rows || !ids || !actions) return no_memory(error);
        v->row_capacity = capacity;
    }
    assert(lots >= 0 && lots < TD_LOTS_WIDE);
    v->rows[v->row_count] = td_row_make(side, tick, (uint32_t)lots);
    v->ids[v->row_count] = id;
    v->actions[v->row_count++] = (uint8_t)action;
    return TD_OK;
}

/* Sends the rows put so far, unless there is nobody to send them to. */
static td_status send(venue *v, const book *b, td_book_kind kind, int64_t now_ns, td_error *error) {
    int32_t rows = v->row_count;
    v->row_count = 0;
    if (!v->writer || (v->lost && kind != TD_BOOK_GAP)) return TD_OK;
    int channel = kind == TD_BOOK_TRADE ? TRADE_CHANNEL : BOOK_CHANNEL;
    td_book_message message = {.exchange_ns = now_ns, .local_ns = receive(v, channel, now_ns), .sequence = b->sequence, .kind = kind,
                               .seen = TD_BOOK_SEEN, .rows = rows, .row = v->rows};
    if (kind == TD_BOOK_ORDERS) {
        message.order_id = v->ids;
        message.action = v->actions;
    }
    v->facts.messages++;
    v->facts.rows += rows;
    return td_book_write(v->writer, &message, error);
}

/* The best prices, when they are not what was sent last. */
static td_status send_ticker(venue *v, const book *b, int64_t now_ns, td_error *error) {
    if (!v->writer || v->lost) return TD_OK;
    td_book_row top[2];
    for (int side = 0; side < 2; side++)
        top[side] = td_row_make((td_side)side, b->best[side], (uint32_t)level_at(b, (td_side)side, b->best[side])->lots);
    if (memcmp(&top[0], &v->top.bid, sizeof top[0]) == 0 && memcmp(&top[1], &v->top.ask, sizeof top[1]) == 0) return TD_OK;
    v->top = (td_book_ticker){.exchange_ns = now_ns, .local_ns = receive(v, TICKER_CHANNEL, now_ns), .sequence = b->sequence,
                              .bid = top[0], .ask = top[1]};
    v->facts.tickers++;
    return td_book_write_ticker(v->writer, &v->top, error);
}

static int ascending(const void *a, const void *b) {
    int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;
    return (x > y) - (x < y);
}

/* Levels that changed since the last time: bids from the best, then asks from the best. */
static td_status send_depth(venue *v, book *b, int64_t now_ns, td_error *error) {
    bool any = false;
    for (td_side side = TD_BUY; side <= TD_SELL; side++) {
        int32_t count = b->pending_count[side];
        qsort(b->pending[side], (size_t)count, sizeof(int32_t), ascending);
        for (int32_t i = 0; i < count; i++) {
            int32_t tick = b->pending[side][side == TD_BUY ? count - 1 - i : i];
            level *at = level_at(b, side, tick);
            bool same = at->tick == tick; /* or its place in the ring went to another */
            if (same) at->pending = false;
            if (!v->def->orders) TD_TRY(put_row(v, side, tick, same ? at->lots : 0, 0, 0, error));
        }
        any |= count > 0;
        b->pending_count[side] = 0;
    }
    return any && !v->def->orders ? send(v, b, TD_BOOK_DEPTH, now_ns, error) : TD_OK;
}

/* Everything that rests: levels, or orders each in its place. */
static td_status send_snapshot(venue *v, const book *b, int64_t now_ns, td_error *error) {
    if (v->def->orders) TD_TRY(put_row(v, TD_BUY, 0, 0, 1, TD_ACTION_CLEAR, error));
    for (td_side side = TD_BUY; side <= TD_SELL; side++) {
        int32_t left = b->of_side[side];
        for (int32_t tick = b->best[side]; left > 0; tick += side == TD_BUY ? -1 : 1) {
            if (!occupied(b, side, tick)) continue;
            const level *at = level_at(b, side, tick);
            if (!v->def->orders) TD_TRY(put_row(v, side, tick, at->lots, 0, 0, error));
            for (int32_t i = at->head; i >= 0; i = b->orders[i].behind, left--)
                if (v->def->orders) TD_TRY(put_row(v, side, tick, b->orders[i].lots, b->orders[i].id, TD_ACTION_ADD, error));
        }
    }
    return send(v, b, v->def->orders ? TD_BOOK_ORDERS : TD_BOOK_SNAPSHOT, now_ns, error);
}

static double next_gap(venue *v, double from_ns) {
    double hour_ns = 3600.0 * (double)TD_NS_PER_SECOND;
    return v->def->gaps > 0 ? from_ns - td_log(draw(v->def, GAP_STREAM, v->gap_draws++)) * hour_ns / v->def->gaps : INFINITY;
}

/* What is due at a moment of the depth messages' clock (4). */
static td_status send_due(venue *v, book *b, int64_t now_ns, td_error *error) {
    double since = (double)(now_ns - v->def->start_ns);
    bool snapshot = v->def->snapshot_ns && now_ns >= v->snapshot_ns && !v->def->orders, again = v->lost && since >= v->gap_ns;
    if (snapshot) v->snapshot_ns += v->def->snapshot_ns;
    if (!v->lost && since >= v->gap_ns) {
        v->lost = true;
        v->facts.gaps++;
        TD_TRY(send(v, b, TD_BOOK_GAP, now_ns, error));
        v->gap_ns = since + (double)v->def->gap_ns;
    }
    TD_TRY(send_depth(v, b, now_ns, error));
    if (again) {
        v->lost = false;
        v->gap_ns = next_gap(v, since);
    }
    if (!snapshot && !again) return TD_OK;
    TD_TRY(send_snapshot(v, b, now_ns, error));
    return send_ticker(v, b, now_ns, error);
}

static td_status send_until(venue *v, book *b, int64_t now_ns, td_error *error) {
    for (; v->writer && v->depth_ns <= now_ns; v->depth_ns += v->def->depth_ns) TD_TRY(send_due(v, b, v->depth_ns, error));
    return TD_OK;
}

/* ---- what traders do ---- */

typedef struct market {
    book book;
    venue venue;
    double limit_total;  /* rate of one side's limit orders */
    double *cumulative;  /* (reach) of them up to each distance */
    int64_t now_ns;
    uint64_t events;
    int favoured;        /* TD_BUY or TD_SELL */
    double order_ns, spread_ns; /* integrals over time since the start */
    fill *fills;         /* (fill_capacity) of one market order */
    int32_t fill_capacity;
} market;

/* Geometric with this mean, at least 1 (2). */
static int64_t size_of(double mean, double u) { return mean <= 1 ? 1 : 1 + (int64_t)(td_log(u) / td_log1p(-1 / mean)); }

/* Takes an order off as its owner does. */
static td_status cancel(market *m, int32_t number, td_error *error) {
    book *b = &m->book;
    order gone = b->orders[number];
    if (b->of_side[gone.side] == 1) return TD_OK; /* (6) */
    b->sequence++;
    m->venue.facts.cancels++;
    TD_TRY(take_lots(b, number, gone.lots, error));
    if (m->venue.def->orders) {
        TD_TRY(put_row(&m->venue, gone.side, gone.tick, gone.lots, gone.id, TD_ACTION_CANCEL, error));
        TD_TRY(send(&m->venue, b, TD_BOOK_ORDERS, m->now_ns, error));
    }
    return TD_OK;
}

static td_status place(market *m, td_side side, int32_t distance, double u, td_error *error) {
    book *b = &m->book;
    int32_t away = b->best[other(side)], tick = side == TD_BUY ? away - distance : away + distance;
    m->venue.facts.limit_orders++;
    if (tick < 1 || tick > TD_TICK_MAX) return TD_OK;
    /* a whole ring away from here: nobody waits for that any more (6) */
    for (level *at = level_at(b, side, tick); at->head >= 0 && at->tick != tick;) {
        int32_t left = b->of_side[side];
        TD_TRY(cancel(m, at->head, error));
        if (b->of_side[side] == left) return TD_OK;
    }
    int64_t lots = size_of(m->venue.def->limit_lots, u);
    b->sequence++;
    TD_TRY(add_order(b, side, tick, lots, error));
    if (m->venue.def->orders) {
        TD_TRY(put_row(&m->venue, side, tick, lots, b->next_id, TD_ACTION_ADD, error));
        TD_TRY(send(&m->venue, b, TD_BOOK_ORDERS, m->now_ns, error));
    }
    return TD_OK;
}

/* Executions of a market order: a trade of each price, and order by order also who was hit. */
static td_status send_fills(market *m, td_side side, int32_t count, td_error *error) {
    venue *v = &m->venue;
    for (int32_t first = 0, next; first < count; first = next) {
        int64_t lots = 0;
        for (next = first; next < count && m->fills[next].tick == m->fills[first].tick; next++) lots += m->fills[next].lots;
        TD_TRY(put_row(v, side, m->fills[first].tick, lots, 0, TD_ACTION_TRADE, error));
        for (int32_t i = first; v->def->orders && i < next; i++) {
            const fill *f = &m->fills[i];
            TD_TRY(put_row(v, other(side), f->tick, f->lots, f->id, TD_ACTION_FILL, error));
            if (f->left)
                TD_TRY(put_row(v, other(side), f->tick, f->left, f->id, TD_ACTION_MODIFY, error));
            else
                TD_TRY(put_row(v, other(side), f->tick, f->lots, f->id, TD_ACTION_CANCEL, error));
        }
    }
    return count ? send(v, &m->book, v->def->orders ? TD_BOOK_ORDERS : TD_BOOK_TRADE, m->now_ns, error) : TD_OK;
}

static td_status take(market *m, td_side side, int64_t lots, td_error *error) {
    book *b = &m->book;
    td_side resting = other(side);
    int32_t count = 0;
    m->venue.facts.market_orders++;
    for (; lots > 0 && b->of_side[resting] > 1; count++) { /* (6) */
        if (count == m->fill_capacity) {
            int32_t capacity = m->fill_capacity ? 2 * m->fill_capacity : 64;
            fill *grown = realloc(m->fills, (size_t)capacity * sizeof *grown);
            if (!grown) return no_memory(error);
            m->fills = grown;
            m->fill_capacity = capacity;
        }
        int32_t number = level_at(b, resting, b->best[resting])->head;
        const order *o = &b->orders[number];
        int64_t taken = lots < o->lots ? lots : o->lots;
        m->fills[count] = (fill){.id = o->id, .lots = taken, .left = o->lots - taken, .tick = o->tick};
        m->venue.facts.filled_orders += taken == o->lots;
        lots -= taken;
        TD_TRY(take_lots(b, number, taken, error));
    }
    if (count) b->sequence++;
    return send_fills(m, side, count, error);
}

static int32_t distance_at(const market *m, double rate) {
    int32_t low = 0, high = m->venue.def->reach - 1;
    while (low < high) {
        int32_t middle = (low + high) / 2;
        if (rate < m->cumulative[middle])
            high = middle;
        else
            low = middle + 1;
    }
    return low + 1;
}

/* One event: which, by what share of all rates it has (1). */
static td_status act(market *m, double what, td_error *error) {
    const td_book_synth_def *def = m->venue.def;
    double u = draw(def, SIZE_STREAM, m->events);
    for (td_side side = TD_BUY; side <= TD_SELL; side++) {
        if (what < m->limit_total) return place(m, side, distance_at(m, what), u, error);
        what -= m->limit_total;
    }
    for (td_side side = TD_BUY; side <= TD_SELL; side++) {
        double rate = def->market_rate * (side == (td_side)m->favoured ? 1 + def->drift : 1 - def->drift);
        if (what < rate) return take(m, side, size_of(def->market_lots, u), error);
        what -= rate;
    }
    double cancels = def->cancel_rate * (double)m->book.live_count;
    if (what < cancels || def->drift == 0) {
        int32_t which = (int32_t)(what / def->cancel_rate), last = m->book.live_count - 1;
        return cancel(m, m->book.live[which < last ? which : last], error);
    }
    m->favoured = !m->favoured;
    return TD_OK;
}

/* Events up to a moment. */
static td_status play_until(market *m, int64_t end_ns, td_error *error) {
    const td_book_synth_def *def = m->venue.def;
    double fixed = 2 * m->limit_total + 2 * def->market_rate + (def->drift > 0 ? 1 / def->regime_seconds : 0);
    for (;;) {
        double rate = fixed + def->cancel_rate * (double)m->book.live_count;
        double wait = -td_log(draw(def, WAIT_STREAM, m->events)) / rate * (double)TD_NS_PER_SECOND;
        int64_t next_ns = wait < (double)(end_ns - m->now_ns) ? m->now_ns + (int64_t)(wait + 0.5) : end_ns;
        TD_TRY(send_until(&m->venue, &m->book, next_ns, error));
        double passed = (double)(next_ns - m->now_ns);
        m->order_ns += passed * m->book.live_count;
        m->spread_ns += passed * (m->book.best[TD_SELL] - m->book.best[TD_BUY]);
        m->now_ns = next_ns;
        if (next_ns >= end_ns) return TD_OK;
        TD_TRY(act(m, draw(def, WHAT_STREAM, m->events) * rate, error));
        m->events++;
        TD_TRY(send_ticker(&m->venue, &m->book, m->now_ns, error));
    }
}

/* About as many orders at each distance as would rest there if none were ever hit (5). */
static td_status fill_book(market *m, td_error *error) {
    const td_book_synth_def *def = m->venue.def;
    int32_t middle = (int32_t)floor(def->price / def->instrument.tick + 0.5);
    m->book.best[TD_BUY] = middle;
    m->book.best[TD_SELL] = middle + 1;
    uint64_t drawn = 0;
    for (int32_t i = 0; i < def->reach; i++)
        for (td_side side = TD_BUY; side <= TD_SELL; side++) {
            double mean = def->limit_rate / sqrt((double)i + 1) / def->cancel_rate;
            int64_t orders = (int64_t)(mean + draw(def, START_STREAM, drawn++));
            if (i == 0 && orders < 2) orders = 2;
            for (; orders > 0; orders--) {
                int64_t lots = size_of(def->limit_lots, draw(def, START_STREAM, drawn++));
                TD_TRY(add_order(&m->book, side, side == TD_BUY ? middle - i : middle + 1 + i, lots, error));
            }
        }
    return TD_OK;
}

/* The tape, from the first snapshot on. */
static td_status record(market *m, td_book_writer *writer, td_error *error) {
    const td_book_synth_def *def = m->venue.def;
    venue *v = &m->venue;
    double settling = SETTLING / def->cancel_rate * (double)TD_NS_PER_SECOND;
    m->now_ns = def->start_ns - (int64_t)settling;
    TD_TRY(fill_book(m, error));
    TD_TRY(play_until(m, def->start_ns, error));
    v->facts = (td_book_synth_facts){0};
    m->order_ns = m->spread_ns = 0;
    v->writer = writer;
    v->depth_ns = def->start_ns + def->depth_ns;
    v->snapshot_ns = def->start_ns + def->snapshot_ns;
    v->gap_ns = next_gap(v, 0);
    for (int side = 0; side < 2; side++) {
        book *b = &m->book;
        for (int32_t i = 0; i < b->pending_count[side]; i++) level_at(b, (td_side)side, b->pending[side][i])->pending = false;
        b->pending_count[side] = 0;
    }
    TD_TRY(send_snapshot(v, &m->book, def->start_ns, error));
    TD_TRY(send_ticker(v, &m->book, def->start_ns, error));
    return play_until(m, def->start_ns + def->length_ns, error);
}

static td_status open_market(const td_book_synth_def *def, market *m, td_error *error) {
    *m = (market){.venue.def = def, .favoured = TD_BUY};
    TD_TRY(open_book(&m->book, error));
    m->cumulative = malloc((size_t)def->reach * sizeof *m->cumulative);
    if (!m->cumulative) return no_memory(error);
    for (int32_t i = 0; i < def->reach; i++) {
        m->limit_total += def->limit_rate / sqrt((double)i + 1);
        m->cumulative[i] = m->limit_total;
    }
    return TD_OK;
}

static void close_market(market *m) {
    close_book(&m->book);
    free(m->cumulative);
    free(m->fills);
    free(m->venue.rows);
    free(m->venue.ids);
    free(m->venue.actions);
}

td_status td_book_synth(const td_book_synth_def *def, const char *path, td_book_synth_facts *facts, char digest[TD_DIGEST_HEX],
                        td_error *error) {
    TD_TRY(td_check_book_synth_def(def, error));
    market m;
    td_book_writer *writer = NULL;
    td_status status = open_market(def, &m, error);
    if (status == TD_OK) status = td_book_writer_open(path, &def->instrument, false, &writer, error);
    if (status == TD_OK) status = record(&m, writer, error);
    if (status == TD_OK)
        status = td_book_writer_close(writer, NULL, digest, error);
    else if (writer)
        td_book_writer_abandon(writer);
    if (facts) {
        *facts = m.venue.facts;
        facts->mean_orders = m.order_ns / (double)def->length_ns;
        facts->mean_spread_ticks = m.spread_ns / (double)def->length_ns;
    }
    close_market(&m);
    return status;
}
