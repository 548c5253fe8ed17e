/* What holds on any tape: the lanes engine and the plain one give the same bits, in whatever company and order sets are played; a market
 * seen in the mirror gives the mirrored executions; queues only get shorter; far levels and the cutting of messages change nothing.
 *
 * Tapes are random and odd: crossed books, levels that vanish, snapshots, gaps, messages that one side does not see, late messages. The
 * strategy `noise` sends any request that there is, chosen by everything that it knows, so that no two engines agree by chance. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "base/random.h"
#include "tests/book_plays.h"

static td_error error;
static uint64_t seed, draws;
static int64_t draw(int64_t n) { return (int64_t)(td_random_bits(seed, TD_PURPOSE_TEST, 0, draws++) % (uint64_t)n); }

/* ---- random tapes ---- */

static td_side other_side(td_side side) { return side == TD_BUY ? TD_SELL : TD_BUY; }

/* Prices around `mid`, which walks. */
static td_made *random_levels(int messages, bool odd) {
    td_made *made = td_made_book();
    int64_t now = 0;
    int32_t mid = 1000;
    made->book.instrument.lot = draw(2) ? 0.01 : 1;
    made->book.instrument.tick = draw(2) ? 0.5 : 1;
    made->book.instrument.multiplier = draw(2) ? 10 : 1;
    made->book.instrument.contract = draw(3) == 0 ? TD_CONTRACT_INVERSE : TD_CONTRACT_LINEAR;
    for (int m = 0; m < messages; m++) {
        now += draw(4) ? draw(30) : 0;
        mid += (int32_t)draw(3) - 1;
        int64_t what = m == 0 ? 99 : draw(100), local = now + draw(25);
        if (what < 30) {
            td_made_message(made, TD_BOOK_TRADE, now, local);
            for (int64_t rows = 1 + draw(2); rows > 0; rows--) {
                td_side taker = (td_side)draw(2);
                td_made_row(made, taker, mid + (int32_t)(taker == TD_BUY ? draw(4) - 1 : 1 - draw(4)), 1 + draw(12));
            }
        } else if (what < 97 || (!odd && m > 0)) {
            td_made_message(made, TD_BOOK_DEPTH, now, local);
            for (int64_t rows = draw(6); rows > 0; rows--) {
                td_side side = (td_side)draw(2);
                int32_t away = (int32_t)draw(6) - (odd && draw(10) == 0 ? 2 : 0);
                td_made_row(made, side, side == TD_BUY ? mid - 1 - away : mid + 1 + away, draw(3) ? 1 + draw(30) : 0);
            }
        } else if (what == 97) {
            td_made_message(made, TD_BOOK_GAP, now, local);
        } else if (what == 98) {
            td_made_message(made, TD_BOOK_CLEAR, now, local);
            if (draw(3)) td_made_row(made, TD_BUY, mid - 3, 0);
            if (draw(3)) td_made_row(made, TD_SELL, mid + 3, 0);
        } else {
            td_made_message(made, TD_BOOK_SNAPSHOT, now, local);
            for (int side = 0; side < 2; side++)
                for (int32_t level = 0, levels = (int32_t)draw(6) + 1; level < levels; level++)
                    td_made_row(made, (td_side)side, side == TD_BUY ? mid - 1 - level : mid + 1 + level, 1 + draw(30));
            if (!odd) { /* sides are never empty */
                td_made_row(made, TD_BUY, 500, 7);
                td_made_row(made, TD_SELL, 1500, 7);
            }
        }
        if (odd && draw(50) == 0) made->seen[m] = (uint8_t)(1 + draw(2));
    }
    for (int i = 0; i < 3; i++) made->funding[i] = (td_funding){now * (i + 1) / 4, 0.01 * (double)(i - 1), i == 1 ? NAN : 1000};
    made->book.funding_count = 3;
    td_made_finish(made);
    return made;
}

/* Single orders: a small market that keeps its own list of who is there. */
static td_made *random_orders(int messages, bool parity) {
    td_made *made = td_made_book();
    struct {
        uint64_t id;
        td_side side;
        int32_t tick;
        int64_t lots;
    } there[512];
    int count = 0;
    uint64_t ids = 10;
    int64_t now = 0;
    int32_t mid = 1000;
    for (int m = 0; m < messages; m++) {
        now += draw(4) ? draw(30) : 0;
        mid += (int32_t)draw(3) - 1;
        if (draw(200) == 0 && m > 0) {
            td_made_message(made, TD_BOOK_GAP, now, now + draw(20));
            continue;
        }
        td_made_message(made, TD_BOOK_ORDERS, now, now + draw(20));
        if (m == 0 || draw(150) == 0) {
            td_made_order(made, TD_ACTION_CLEAR, 1, TD_BUY, 0, 0);
            count = 0;
        }
        for (int64_t rows = draw(4) + (m == 0) * 20; rows > 0; rows--) {
            int64_t what = draw(10);
            int i = count ? (int)draw(count) : 0;
            if ((what < 4 || count < 8) && count < 500) {
                td_side side = (td_side)draw(2);
                int32_t tick = side == TD_BUY ? mid - (int32_t)draw(5) : mid + 1 + (int32_t)draw(5);
                int64_t lots = 1 + draw(9);
                td_made_order(made, TD_ACTION_ADD, ids, side, tick, lots);
                there[count].id = ids++;
                there[count].side = side;
                there[count].tick = tick;
                there[count++].lots = lots;
            } else if (what < 6) {
                int64_t taken = parity ? there[i].lots : 1 + draw(there[i].lots);
                td_made_order(made, TD_ACTION_CANCEL, there[i].id, there[i].side, there[i].tick, taken);
                there[i].lots -= taken;
                if (there[i].lots == 0) there[i] = there[--count];
            } else if (what < 7) {
                there[i].tick += (int32_t)draw(3) - 1;
                there[i].lots = 1 + draw(9);
                td_made_order(made, TD_ACTION_MODIFY, there[i].id, there[i].side, there[i].tick, there[i].lots);
            } else if (what < 9) {
                int64_t hit = 1 + draw(there[i].lots);
                td_made_order(made, TD_ACTION_TRADE, 0, other_side(there[i].side), there[i].tick, hit);
                td_made_order(made, TD_ACTION_FILL, there[i].id, there[i].side, there[i].tick, hit);
            } else
                td_made_order(made, TD_ACTION_CANCEL, 5, TD_BUY, mid, 1); /* nobody knows it */
        }
    }
    td_made_finish(made);
    return made;
}

/* ---- a strategy that wants anything ---- */

static uint64_t mix(uint64_t h, double x) { return td_hash_step(h, x == 0 ? 0 : td_bits_of(x)); }

static void be_noisy(const td_book_moment *moment, void *vectors, size_t bytes, int64_t count, const uint8_t *masks, int lanes, td_book_sink *sink,
                     void *context) {
    for (int64_t n = 0; n < count; n++) {
        void *vector = (char *)vectors + (size_t)n * bytes;
        for (int l = 0; l < lanes; l++) {
            if (masks && !(masks[n] >> l & 1)) continue;
            uint64_t h = mix((uint64_t)moment->local_ns, *td_book_field(vector, lanes, TD_BOOK_FIELD_param, l));
            double *memory = td_book_field(vector, lanes, TD_BOOK_FIELD_state, l);
            h = mix(mix(h, moment->cause), moment->venue);
            for (int side = 0; side < 2; side++) h = mix(h, *td_book_field(vector, lanes, TD_BOOK_FIELD_filled + side, l));
            for (int v = 0; v < moment->venues; v++) {
                const td_book_top *top = &moment->tops[v];
                const double seen[] = {top->bid, top->ask, top->bid_quantity, top->ask_quantity, top->trade_price, top->trade_quantity, top->bought,
                                       top->sold, top->depth_price[0][2], top->depth_quantity[1][2],
                                       *td_seat_field(vector, lanes, v, TD_SEAT_position, l)};
                for (size_t i = 0; i < sizeof seen / sizeof *seen; i++) h = mix(h, isnan(seen[i]) ? -1 : seen[i]);
                for (int slot = 0; slot < moment->slots; slot++)
                    for (int side = 0; side < 2; side++) {
                        int at = side * TD_SLOTS_MAX + slot;
                        double phase = *td_seat_field(vector, lanes, v, TD_SEAT_phase + at, l);
                        if (phase == TD_SLOT_FREE) continue;
                        h = mix(mix(mix(h, phase), *td_seat_field(vector, lanes, v, TD_SEAT_tick + at, l)),
                                *td_seat_field(vector, lanes, v, TD_SEAT_lots + at, l));
                    }
            }
            *memory = (double)(h >> 40);
            if (h >> 62 == 0) continue;
            for (uint64_t left = h >> 60 & 3; left > 0; left--) {
                h = td_hash_step(h, left);
                td_book_request request = {.venue = (int)(h % (uint64_t)moment->venues), .side = (td_side)(h >> 8 & 1), .tif = (td_order_tif)((h >> 10) % 5),
                                           .slot = (int)((h >> 20) % (uint64_t)moment->order_limit), .where = 1u << l};
                const td_book_top *top = &moment->tops[request.venue];
                double near = request.side == TD_BUY ? top->bid : top->ask;
                request.kind = (h >> 14 & 7) < 4 ? TD_REQUEST_ORDER : (h >> 14 & 7) < 6 ? TD_REQUEST_CANCEL : TD_REQUEST_MODIFY;
                request.tick[l] = near + (double)((int64_t)(h >> 32 & 7) - 4) * ((h >> 36 & 31) == 0 ? 0.3 : 1);
                request.quantity[l] = (double)(h >> 44 & 15) * top->lot;
                sink(context, n, &request, 1);
            }
        }
    }
}
#define NOISE(lanes)                                                                                                             \
    static void noise_##lanes(const td_book_moment *moment, void *vectors, size_t bytes, int64_t count, const uint8_t *masks,    \
                              td_book_sink *sink, void *context) {                                                               \
        be_noisy(moment, vectors, bytes, count, masks, lanes, sink, context);                                                    \
    }                                                                                                                            \
    static const td_kernel noise_kernel_##lanes = {lanes, NULL, NULL, NULL, noise_##lanes};
NOISE(1)
NOISE(2)
NOISE(4)
NOISE(8)
static td_book_hooks noise_hooks;
static td_strategy noise = {.name = "noise", .book = &noise_hooks, .kernels = {&noise_kernel_1, &noise_kernel_2, &noise_kernel_4, &noise_kernel_8}};

/* ---- engines ---- */

static const td_latency_row latency_rows[] = {{0, 40, 55}, {900, 990, 1100}, {2000, 0, 2100}, {3000, 3010, 3040}};

static td_set random_set(const td_strategy *strategy, bool orders, bool everything) {
    td_set set = td_book_set(strategy);
    double *knob = set.knob;
    static const char *const models[] = {"risk_adverse", "power(2)", "power2(1.5)", "power3(3)", "log", "log2"};
    assert_ok(td_queue_parse(orders && draw(2) ? "l3_fifo" : models[draw(6)], &knob[TD_KNOB_queue_model], &error));
    knob[TD_KNOB_maker] = -0.0001 * (double)draw(3);
    knob[TD_KNOB_taker] = 0.0005;
    knob[TD_KNOB_seller_fee] = 0.0001 * (double)draw(2);
    knob[TD_KNOB_exchange] = (double)draw(2);
    knob[TD_KNOB_latency] = draw(3) ? (double)draw(60) : 0;
    if (everything) {
        knob[TD_KNOB_response_latency] = (double)draw(30) - 10;
        knob[TD_KNOB_latency_model] = (double)draw(3);
        knob[TD_KNOB_latency_scale] = (double)draw(3);
        knob[TD_KNOB_latency_jitter] = draw(3) ? 0 : 20;
    }
    for (int p = 0; p < td_strategy_param_count(strategy); p++) {
        const td_param_info *info = td_strategy_param(strategy, p);
        double most = fmin(info->maximum, fmax(8, info->minimum + 4));
        double span = most - info->minimum;
        set.param[p] = info->minimum + (info->kind == TD_PARAM_NUMBER ? span * (double)(1 + draw(8)) / 8 : (double)draw((int64_t)span + 1));
    }
    if (strategy == &noise) set.param[0] = (double)draw(1000);
    return set;
}

/* Sets one by one with the plain engine, then together, then some of them in another order. Returns the executions of all. */
static double compare(const td_play_def *def, bool orders, bool everything, int count) {
    enum { MOST = 40 };
    static td_set sets[MOST], shuffled[MOST];
    static td_cell cells[MOST], shuffled_cells[MOST];
    static float returns[MOST][8], shuffled_returns[MOST][8];
    td_book_deck *deck;
    assert_ok(td_book_deck_make(def, &deck, &error));
    assert_true(count <= MOST && deck->blocks <= 8);
    float *out = returns[0], *shuffled_out = shuffled_returns[0];
    double trades = 0;
    for (int i = 0; i < count; i++) {
        sets[i] = i > 0 && draw(4) == 0 ? sets[i - 1] : random_set(def->strategy, orders, everything); /* some are alike */
        assert_ok(td_book_check_set(deck, &sets[i], &error));
        assert_ok(td_book_reference_play(deck, &sets[i], NULL, &cells[i], out + i * deck->blocks, &error));
        trades += cells[i].metrics[TD_METRIC_num_trades];
    }
    td_assert_lanes_play_alike(deck, sets, count, cells, out);
    int stride = count % 7 ? 7 : 5;
    for (int i = 0; i < count; i++) {
        int from = i * stride % count;
        shuffled[i] = sets[from];
        shuffled_cells[i] = cells[from];
        memcpy(shuffled_out + i * deck->blocks, out + from * deck->blocks, (size_t)deck->blocks * sizeof *out);
    }
    td_assert_lanes_play_alike(deck, shuffled, count - 3, shuffled_cells, shuffled_out);
    td_book_deck_free(deck);
    return trades;
}

static td_play_def random_def(const td_strategy *strategy, td_made *first, td_made *second) {
    td_play_def def = td_default_play_def();
    def.strategy = strategy;
    def.blocks = 1 + draw(8);
    def.book.mode = (td_book_mode)draw(2);
    def.book.clock_ns = 7 + draw(40);
    def.book.sample_ns = 100 + draw(500);
    def.book.order_limit = 1 + draw(6);
    def.book.in_flight_limit = draw(2) ? 0 : 1 + draw(6);
    def.book.fees = (td_fee_kind)draw(TD_FEE_KIND_COUNT);
    def.book.consume = draw(2);
    def.book.seed = (uint64_t)draw(1000);
    def.book.latency_rows = latency_rows;
    def.book.latency_row_count = 4;
    def.book.venue_count = second ? 2 : 1;
    def.book.venues[0].book = &first->book;
    if (second) {
        def.book.venues[1].book = &second->book;
        def.book.venues[1].latency = (double)draw(50);
    }
    if (draw(4) == 0) def.book.from_ns = first->exchange_ns[first->book.messages / 3];
    if (draw(4) == 0) def.book.to_ns = first->exchange_ns[first->book.messages * 3 / 4];
    return def;
}

static void engines_agree_on_noise(void **state) {
    (void)state;
    double trades = 0;
    for (seed = 1; seed <= 60; seed++) {
        draws = 0;
        bool orders = seed % 3 == 0;
        noise_hooks = (td_book_hooks){.on_timer = seed % 5 != 1, .on_book = seed % 4 == 1, .on_fill = seed % 2,
                                      .depth = seed % 7 == 2 ? 1 : 5, .venues = 1, .reals = 1};
        if (!noise_hooks.on_timer) noise_hooks.on_book = true;
        bool two = seed % 4 == 2 && !orders;
        td_made *first = orders ? random_orders(600, false) : random_levels(600, true), *second = two ? random_levels(400, true) : NULL;
        td_play_def def = random_def(&noise, first, second);
        trades += compare(&def, orders, true, 1 + (int)(seed * 7 % 35) + 3);
    }
    assert_true(trades > 10000);
}

static void engines_agree_on_strategies(void **state) {
    (void)state;
    double trades = 0;
    static const char *const names[] = {"touch-quoter", "grid-maker", "imbalance-taker"};
    for (seed = 101; seed <= 136; seed++) {
        draws = 0;
        bool orders = seed % 4 == 0;
        td_made *made = orders ? random_orders(900, false) : random_levels(900, seed % 2);
        td_play_def def = random_def(td_strategy_find(names[seed % 3]), made, NULL);
        def.book.from_ns = INT64_MIN;
        def.book.to_ns = INT64_MAX;
        def.book.order_limit = 8;
        def.book.in_flight_limit = 0;
        made->book.instrument.lot = 1;
        trades += compare(&def, orders, seed % 3 == 0, 24);
    }
    assert_true(trades > 1000);
}

/* ---- plays ---- */

static td_kept one, other;

static void expect_same(const td_kept *a, const td_kept *b) {
    assert_int_equal(a->count, b->count);
    for (int i = 0; i < a->count; i++) {
        const td_execution *x = &a->execution[i], *y = &b->execution[i];
        assert_true(x->side == y->side && x->reason == y->reason && x->exchange_ns == y->exchange_ns && x->local_ns == y->local_ns && x->tick == y->tick &&
                    x->lots == y->lots && x->queue_ahead == y->queue_ahead);
    }
    assert_true(a->cell.hash == b->cell.hash);
}

/* The number of b's executions that are a's number i in the mirror. */
static int mirrored(const td_kept *a, int i, const td_kept *b, int32_t pivot) {
    int found = 0;
    const td_execution *x = &a->execution[i];
    for (int j = 0; j < b->count; j++) {
        const td_execution *y = &b->execution[j];
        found += x->side != y->side && x->reason == y->reason && x->exchange_ns == y->exchange_ns && x->local_ns == y->local_ns &&
                 x->tick + y->tick == pivot && x->lots == y->lots && x->queue_ahead == y->queue_ahead;
    }
    return found;
}

static void a_market_in_the_mirror(void **state) {
    (void)state;
    int executions = 0;
    for (seed = 201; seed <= 240; seed++) {
        draws = 0;
        bool orders = seed % 3 == 0;
        td_made *made = orders ? random_orders(800, false) : random_levels(800, true);
        made->book.instrument.contract = TD_CONTRACT_LINEAR;
        made->book.instrument.lot = 1;
        td_made *mirror = td_made_mirror(made, 2000);
        td_made_finish(mirror);
        const td_strategy *strategy = td_strategy_find("touch-quoter");
        td_play_def def = random_def(strategy, made, NULL);
        def.book.order_limit = 8;
        def.book.in_flight_limit = 0;
        td_set set = random_set(strategy, orders, false);
        td_keep_play(&def, &set, &one);
        def.book.venues[0].book = &mirror->book;
        td_keep_play(&def, &set, &other);
        assert_int_equal(one.count, other.count);
        for (int i = 0; i < one.count; i++) assert_true(mirrored(&one, i, &other, 2000) >= 1);
        assert_true(one.cell.metrics[TD_METRIC_position] == -other.cell.metrics[TD_METRIC_position]);
        executions += one.count;
    }
    assert_true(executions > 500);
}

/* A copy with rows added or messages cut. */
static td_made *rewrite(const td_made *made, bool far, bool cut) {
    td_made *copy = td_made_book();
    copy->book.instrument = made->book.instrument;
    for (int64_t m = 0; m < made->book.messages; m++) {
        td_book_kind kind = (td_book_kind)made->kind[m];
        td_made_message(copy, kind, made->exchange_ns[m], made->local_ns[m]);
        copy->seen[copy->book.messages - 1] = made->seen[m];
        for (int64_t r = td_book_row_begin(&made->book, m); r < made->row_end[m]; r++) {
            bool first = r == td_book_row_begin(&made->book, m);
            if (cut && !first && kind != TD_BOOK_SNAPSHOT && kind != TD_BOOK_CLEAR) {
                td_made_message(copy, kind, made->exchange_ns[m], made->local_ns[m]);
                copy->seen[copy->book.messages - 1] = made->seen[m];
            }
            td_made_row(copy, td_row_side(made->row[r]), td_row_tick(made->row[r]), made->row[r].lots);
        }
        if (far && kind == TD_BOOK_DEPTH) {
            td_made_row(copy, TD_BUY, 1 + (int32_t)draw(50), 1 + draw(9));
            td_made_row(copy, TD_SELL, 200000000 + (int32_t)draw(50), draw(9));
        }
    }
    td_made_finish(copy);
    return copy;
}

static void far_levels_and_cut_messages(void **state) {
    (void)state;
    for (seed = 301; seed <= 330; seed++) {
        draws = 0;
        td_made *made = random_levels(800, false);
        made->book.funding_count = 0;
        const td_strategy *strategy = td_strategy_find("grid-maker");
        td_play_def def = random_def(strategy, made, NULL);
        def.book.order_limit = 8;
        td_set set = random_set(strategy, false, true);
        bool far = seed % 2, cut = !far; /* message by message there is nothing to cut */
        if (cut) def.book.mode = TD_MODE_PARITY;
        td_keep_play(&def, &set, &one);
        td_made *copy = rewrite(made, far, cut);
        def.book.venues[0].book = &copy->book;
        td_keep_play(&def, &set, &other);
        expect_same(&one, &other);
    }
}

/* A copy in which everything that happens at the exchange from a time on is something else, at the same times. */
static td_made *another_future(const td_made *made, int64_t from_ns) {
    td_made *copy = td_made_book();
    copy->book.instrument = made->book.instrument;
    for (int64_t m = 0; m < made->book.messages; m++) {
        bool later = made->exchange_ns[m] >= from_ns;
        td_made_message(copy, (td_book_kind)made->kind[m], made->exchange_ns[m], made->local_ns[m]);
        copy->seen[copy->book.messages - 1] = made->seen[m];
        for (int64_t r = td_book_row_begin(&made->book, m); r < made->row_end[m]; r++) {
            td_book_row row = made->row[r];
            int32_t tick = td_row_tick(row) + (later ? (int32_t)draw(5) - 2 : 0);
            td_made_row(copy, td_row_side(row), tick, later ? draw(40) : row.lots);
        }
    }
    memcpy(copy->funding, made->funding, sizeof made->funding);
    for (int i = 0; i < made->book.funding_count; i++)
        if (copy->funding[i].time_ns >= from_ns) copy->funding[i].rate = -2 * copy->funding[i].rate - 0.01;
    copy->book.funding_count = made->book.funding_count;
    td_made_finish(copy);
    return copy;
}

/* What was decided, executed and heard of before a time does not depend on what comes after it. */
static void the_future_changes_nothing(void **state) {
    (void)state;
    int before = 0, after = 0;
    for (seed = 901; seed <= 940; seed++) {
        draws = 0;
        noise_hooks = (td_book_hooks){.on_timer = true, .on_book = seed % 3 == 1, .on_fill = seed % 2, .depth = 5, .venues = 1, .reals = 1};
        td_made *made = random_levels(700, true);
        int64_t cut = made->exchange_ns[made->book.messages * (1 + draw(3)) / 4];
        td_play_def def = random_def(&noise, made, NULL);
        td_set set = random_set(&noise, false, true);
        td_keep_play(&def, &set, &one);
        td_made *copy = another_future(made, cut);
        def.book.venues[0].book = &copy->book;
        td_keep_play(&def, &set, &other);
        int i = 0;
        for (; i < one.count && i < other.count && one.execution[i].local_ns < cut && other.execution[i].local_ns < cut; i++) {
            const td_execution *x = &one.execution[i], *y = &other.execution[i];
            assert_true(x->exchange_ns == y->exchange_ns && x->local_ns == y->local_ns && x->tick == y->tick && x->lots == y->lots && x->side == y->side);
        }
        /* and none is missing from either */
        assert_true(i == one.count || one.execution[i].local_ns >= cut);
        assert_true(i == other.count || other.execution[i].local_ns >= cut);
        before += i;
        for (i = 0; i < one.steps && i < other.steps && one.state[i][0].local_ns < cut; i++) {
            const td_book_state *x = &one.state[i][0], *y = &other.state[i][0];
            assert_true(x->local_ns == y->local_ns && x->bid == y->bid && x->ask == y->ask && x->position == y->position && x->funding == y->funding);
        }
        after += one.cell.hash != other.cell.hash;
    }
    assert_true(before > 500 && after > 30); /* something happened before, and the future did change */
}

/* Of a queue in a book that is consistent: the front never moves back. */
static void queues_only_get_shorter(void **state) {
    (void)state;
    static const char *const models[] = {"risk_adverse", "power(2)", "power(0.7)", "power2(2)", "power3(3)", "power3(0.5)", "log", "log2"};
    for (seed = 401; seed <= 800; seed++) {
        draws = 0;
        double code;
        assert_ok(td_queue_parse(models[seed % 8], &code, &error));
        int64_t level = 1 + draw(100);
        td_queue queue = td_queue_join(level);
        for (int step = 0; step < 50; step++) {
            double before = queue.front;
            if (draw(3) == 0) {
                int64_t lots = 1 + draw(level > 5 ? 5 : level + 1);
                td_queue_trade(code, &queue, lots);
                assert_true(queue.front <= before);
                if (td_queue_take(&queue)) assert_true(queue.front == 0 && before < (double)lots);
            } else {
                int64_t after = draw(120);
                td_queue_depth(code, 0.1, &queue, level, after);
                /* (drained below 0 a queue may move back towards it: as hftbacktest has it) */
                assert_true((before < 0 || queue.front <= before + 1e-12) && queue.front <= (double)after && queue.traded == 0);
                level = after;
            }
        }
    }
}

int main(int argc, char **argv) {
    if (argc > 1) cmocka_set_test_filter(argv[1]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(engines_agree_on_noise),      cmocka_unit_test(engines_agree_on_strategies), cmocka_unit_test(a_market_in_the_mirror),
        cmocka_unit_test(far_levels_and_cut_messages), cmocka_unit_test(the_future_changes_nothing),  cmocka_unit_test(queues_only_get_shorter),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    free(one.returns);
    free(other.returns);
    return failed;
}
