/* See book_watch.h. */
#include "data/book_watch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/ladder.h"

enum { PENDING = 1 << 10, RECENT = 1 << 10, ORDER_SLOTS = 1 << 12 };

/* The touch after a message, until the ticker it is compared with is known. */
typedef struct touch {
    uint64_t sequence;
    int32_t tick[2];
    int64_t lots[2];
} touch;

typedef struct order {
    uint64_t id;
    int64_t lots; /* 0: the slot is free */
    int32_t tick_side;
} order;

struct td_book_watch {
    td_ladder *ladder;
    touch pending[PENDING]; /* a ring */
    int64_t pending_first, pending_end;
    td_book_ticker recent[RECENT]; /* tickers, a ring; their numbers do not decrease */
    int64_t tickers;
    order *orders; /* open addressing, a power of two of slots, at most half of them used */
    int64_t order_slots, order_count;
    td_watch_result result;
};

td_status td_book_watch_open(td_book_watch **watch, td_error *error) {
    td_book_watch *w = calloc(1, sizeof *w);
    *watch = NULL;
    if (!w) return td_fail(error, TD_NO_MEMORY, "no memory for a book");
    td_status status = td_ladder_open(&w->ladder, error);
    if (status != TD_OK) {
        free(w);
        return status;
    }
    *watch = w;
    return TD_OK;
}

void td_book_watch_close(td_book_watch *watch) {
    if (!watch) return;
    td_ladder_close(watch->ladder);
    free(watch->orders);
    free(watch);
}

/* ---- against the venue's tickers ---- */

/* Lots as a ticker holds them. */
static int64_t capped(int64_t lots) { return lots < TD_LOTS_WIDE ? lots : TD_LOTS_WIDE; }

static bool agrees(const touch *t, td_side side, td_book_row row) {
    bool empty = row.lots == 0; /* of a side without orders, whatever price it says */
    return empty ? t->lots[side] == 0 : t->tick[side] == td_row_tick(row) && capped(t->lots[side]) == row.lots;
}

/* The last ticker not newer than `sequence`; NULL when it is not among the recent ones. */
static const td_book_ticker *ticker_at(const td_book_watch *w, uint64_t sequence) {
    for (int64_t i = w->tickers; i-- > 0 && i >= w->tickers - RECENT;)
        if (w->recent[i % RECENT].sequence <= sequence) return &w->recent[i % RECENT];
    return NULL;
}

static void compare(td_book_watch *w, const touch *t) {
    const td_book_ticker *k = ticker_at(w, t->sequence);
    td_watch_result *r = &w->result;
    if (!k) return;
    r->compared++;
    if (agrees(t, TD_BUY, k->bid) && agrees(t, TD_SELL, k->ask)) {
        r->equal++;
    } else if (!r->first_difference[0]) {
        snprintf(r->first_difference, sizeof r->first_difference,
                 "after update %llu the book is %d x %lld, %d x %lld; the ticker says %d x %u, %d x %u (ticks x lots)",
                 (unsigned long long)t->sequence, t->tick[0], (long long)t->lots[0], t->tick[1], (long long)t->lots[1],
                 td_row_tick(k->bid), k->bid.lots, td_row_tick(k->ask), k->ask.lots);
    }
}

/* Messages older than `sequence` have their ticker, when one with that number is there. */
static void settle(td_book_watch *w, uint64_t sequence) {
    for (; w->pending_first < w->pending_end; w->pending_first++) {
        const touch *t = &w->pending[w->pending_first % PENDING];
        if (t->sequence >= sequence) return;
        compare(w, t);
    }
}

void td_book_watch_ticker(td_book_watch *w, const td_book_ticker *ticker) {
    uint64_t last = w->tickers ? w->recent[(w->tickers - 1) % RECENT].sequence : 1;
    if (ticker->sequence < last) return;
    settle(w, ticker->sequence);
    w->recent[w->tickers++ % RECENT] = *ticker;
}

static void note_touch(td_book_watch *w, uint64_t sequence) {
    if (sequence == 0) return;
    if (w->pending_end - w->pending_first == PENDING) w->pending_first++; /* no ticker for so long: the venue sends none */
    touch *t = &w->pending[w->pending_end++ % PENDING];
    int32_t bid = td_ladder_bid(w->ladder), ask = td_ladder_ask(w->ladder);
    *t = (touch){sequence, {bid, ask}, {0, 0}};
    if (bid != TD_NO_BID) t->lots[TD_BUY] = td_ladder_lots(w->ladder, TD_BUY, bid);
    if (ask != TD_NO_ASK) t->lots[TD_SELL] = td_ladder_lots(w->ladder, TD_SELL, ask);
    if (w->tickers) settle(w, w->recent[(w->tickers - 1) % RECENT].sequence);
}

/* ---- levels ---- */

static int64_t lots_of(const td_book_message *m, int32_t r) {
    return m->row[r].lots == TD_LOTS_WIDE && m->wide ? m->wide[r] : m->row[r].lots;
}

static void set_levels(td_book_watch *w, const td_book_message *m, td_watch_finding *finding) {
    for (int32_t r = 0; r < m->rows; r++) {
        int64_t lots = lots_of(m, r);
        int64_t before = td_ladder_set(w->ladder, td_row_side(m->row[r]), td_row_tick(m->row[r]), lots);
        finding->unknown_levels += lots == 0 && before == 0;
    }
}

/* A snapshot says nothing about what lies behind the worst price it names: mode parity leaves that there. */
static void clear_for_snapshot(td_book_watch *w, const td_book_message *m, bool parity) {
    if (!parity) {
        td_ladder_clear(w->ladder, TD_BUY);
        td_ladder_clear(w->ladder, TD_SELL);
        return;
    }
    for (int32_t r = 0; r < m->rows; r++) {
        bool last = r + 1 == m->rows || td_row_side(m->row[r + 1]) != td_row_side(m->row[r]);
        if (last) td_ladder_clear_to(w->ladder, td_row_side(m->row[r]), td_row_tick(m->row[r]));
    }
}

/* ---- orders ---- */

static order *order_slot(td_book_watch *w, uint64_t id) {
    uint64_t mask = (uint64_t)w->order_slots - 1, at = (id * 0x9e3779b97f4a7c15u) >> 20 & mask;
    while (w->orders[at].lots && w->orders[at].id != id) at = (at + 1) & mask;
    return &w->orders[at];
}

static td_status grow_orders(td_book_watch *w, td_error *error) {
    int64_t slots = w->order_slots;
    order *before = w->orders, *bigger = calloc((size_t)(slots ? 2 * slots : ORDER_SLOTS), sizeof *bigger);
    if (!bigger) return td_fail(error, TD_NO_MEMORY, "no memory for a book of %lld orders", (long long)w->order_count);
    w->orders = bigger;
    w->order_slots = slots ? 2 * slots : ORDER_SLOTS;
    for (int64_t i = 0; i < slots; i++)
        if (before[i].lots) *order_slot(w, before[i].id) = before[i];
    free(before);
    return TD_OK;
}

static void change_level(td_book_watch *w, int32_t tick_side, int64_t lots) {
    td_book_row row = {.tick_side = tick_side};
    int64_t now = td_ladder_lots(w->ladder, td_row_side(row), td_row_tick(row)) + lots;
    td_ladder_set(w->ladder, td_row_side(row), td_row_tick(row), now > 0 ? now : 0);
}

/* Frees a slot: what comes behind it in its run moves up, so that nothing is looked for past a hole. */
static void remove_order(td_book_watch *w, order *o) {
    uint64_t mask = (uint64_t)w->order_slots - 1, hole = (uint64_t)(o - w->orders);
    w->order_count--;
    w->orders[hole].lots = 0;
    for (uint64_t at = (hole + 1) & mask; w->orders[at].lots; at = (at + 1) & mask) {
        order moved = w->orders[at];
        w->orders[at].lots = 0;
        *order_slot(w, moved.id) = moved;
    }
}

static void clear_orders(td_book_watch *w, bool both, td_side side) {
    for (int64_t i = 0; both && i < w->order_slots; i++) w->orders[i].lots = 0;
    if (both) w->order_count = 0;
    for (int64_t i = 0; !both && i < w->order_slots;) {
        if (w->orders[i].lots && (w->orders[i].tick_side & 1) == (int)side)
            remove_order(w, &w->orders[i]); /* another may have moved here */
        else
            i++;
    }
    if (both || side == TD_BUY) td_ladder_clear(w->ladder, TD_BUY);
    if (both || side == TD_SELL) td_ladder_clear(w->ladder, TD_SELL);
}

static td_status take_order(td_book_watch *w, const td_book_message *m, int32_t r, td_watch_finding *finding, td_error *error) {
    if (2 * (w->order_count + 1) > w->order_slots) TD_TRY(grow_orders(w, error));
    uint64_t id = m->order_id[r];
    int64_t lots = lots_of(m, r);
    int32_t tick_side = m->row[r].tick_side;
    order *o = order_slot(w, id);
    switch ((td_book_action)m->action[r]) {
    case TD_ACTION_CLEAR: clear_orders(w, id == 1, td_row_side(m->row[r])); return TD_OK;
    case TD_ACTION_CANCEL:
        if (!o->lots) {
            finding->unknown_orders++;
            return TD_OK;
        }
        if (lots == 0 || lots > o->lots) lots = o->lots;
        change_level(w, o->tick_side, -lots);
        o->lots -= lots;
        if (o->lots == 0) remove_order(w, o);
        return TD_OK;
    case TD_ACTION_ADD:
    case TD_ACTION_MODIFY:
        if (m->action[r] == TD_ACTION_MODIFY && !o->lots) finding->unknown_orders++;
        if (o->lots) change_level(w, o->tick_side, -o->lots);
        if (!o->lots && lots) w->order_count++;
        if (o->lots && !lots)
            remove_order(w, o);
        else if (lots)
            *o = (order){id, lots, tick_side};
        if (lots) change_level(w, tick_side, lots);
        return TD_OK;
    default: return TD_OK; /* executions change nothing: a cancel or a modify follows */
    }
}

/* ---- messages ---- */

td_status td_book_watch_message(td_book_watch *w, const td_book_message *m, bool parity, td_watch_finding *finding, td_error *error) {
    *finding = (td_watch_finding){0};
    if (!(m->seen & TD_BOOK_AT_EXCHANGE)) return TD_OK; /* the same comes once more for the exchange */
    switch (m->kind) {
    case TD_BOOK_SNAPSHOT: clear_for_snapshot(w, m, parity); __attribute__((fallthrough));
    case TD_BOOK_DEPTH: set_levels(w, m, finding); break;
    case TD_BOOK_CLEAR:
        for (int32_t r = 0; r < m->rows; r++) td_ladder_clear_to(w->ladder, td_row_side(m->row[r]), td_row_tick(m->row[r]));
        if (m->rows == 0) clear_orders(w, true, TD_BUY);
        break;
    case TD_BOOK_ORDERS:
        for (int32_t r = 0; r < m->rows; r++) TD_TRY(take_order(w, m, r, finding, error));
        break;
    case TD_BOOK_GAP:
        clear_orders(w, true, TD_BUY);
        w->pending_first = w->pending_end;
        return TD_OK;
    default: return TD_OK;
    }
    int32_t bid = td_ladder_bid(w->ladder), ask = td_ladder_ask(w->ladder);
    bool both = bid != TD_NO_BID && ask != TD_NO_ASK;
    finding->crossed = both && bid > ask;
    finding->locked = both && bid == ask;
    if (m->kind == TD_BOOK_DEPTH) note_touch(w, m->sequence);
    /* mode strict: what came last is right, of a message the first row that is still there */
    bool uncross = !parity && m->kind != TD_BOOK_ORDERS && (finding->crossed || finding->locked);
    for (int32_t r = 0; uncross && r < m->rows; r++) {
        td_side side = td_row_side(m->row[r]);
        int32_t tick = td_row_tick(m->row[r]);
        if (lots_of(m, r) > 0 && td_ladder_lots(w->ladder, side, tick) > 0) td_ladder_uncross(w->ladder, side, tick);
    }
    return TD_OK;
}

void td_book_watch_finish(td_book_watch *w, td_watch_result *result) {
    settle(w, UINT64_MAX);
    td_watch_result *r = &w->result;
    r->bid = td_ladder_bid(w->ladder);
    r->ask = td_ladder_ask(w->ladder);
    r->bid_lots = r->bid == TD_NO_BID ? 0 : td_ladder_lots(w->ladder, TD_BUY, r->bid);
    r->ask_lots = r->ask == TD_NO_ASK ? 0 : td_ladder_lots(w->ladder, TD_SELL, r->ask);
    r->bid_levels = td_ladder_levels(w->ladder, TD_BUY);
    r->ask_levels = td_ladder_levels(w->ladder, TD_SELL);
    *result = *r;
}
