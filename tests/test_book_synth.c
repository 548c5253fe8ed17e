/* data/book_synth.h: the synthetic order book. */
#include "tests/support.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/book_synth.h"

enum { TICKS = 1 << 19, ORDERS = 1 << 22 };
static const int64_t SECOND = TD_NS_PER_SECOND;

static td_error error;
static const char *path;

static td_book made(const td_book_synth_def *def, td_book_synth_facts *facts) {
    td_book book;
    assert_ok(td_book_synth(def, path, facts, NULL, &error));
    assert_ok(td_book_open(path, true, &book, &error));
    return book;
}

/* ---- a book rebuilt in the plainest way ---- */

typedef struct rebuilt {
    int64_t *lots[2];     /* (TICKS) */
    int32_t best[2];
    td_book_row *orders;  /* (ORDERS) by id; lots 0: not there */
} rebuilt;

static rebuilt new_book(void) {
    rebuilt b = {.orders = calloc(ORDERS, sizeof(td_book_row)), .best = {0, TICKS - 1}};
    for (int side = 0; side < 2; side++) b.lots[side] = calloc(TICKS, sizeof(int64_t));
    return b;
}

static void free_book(rebuilt *b) {
    free(b->lots[0]);
    free(b->lots[1]);
    free(b->orders);
}

static void set(rebuilt *b, td_side side, int32_t tick, int64_t lots) {
    assert_true(tick > 0 && tick < TICKS - 1 && lots >= 0);
    b->lots[side][tick] = lots;
    if (lots > 0 && (side == TD_BUY ? tick > b->best[side] : tick < b->best[side])) b->best[side] = tick;
}

static void clear(rebuilt *b) {
    for (int side = 0; side < 2; side++) memset(b->lots[side], 0, TICKS * sizeof(int64_t));
    memset(b->orders, 0, ORDERS * sizeof(td_book_row));
    b->best[TD_BUY] = 0;
    b->best[TD_SELL] = TICKS - 1;
}

static void act(rebuilt *b, uint64_t id, td_book_action action, td_book_row row) {
    int32_t tick = td_row_tick(row);
    td_side side = td_row_side(row);
    if (action == TD_ACTION_CLEAR) {
        clear(b);
        return;
    }
    if (action == TD_ACTION_TRADE) return;
    assert_true(id > 0 && id < ORDERS);
    td_book_row *order = &b->orders[id];
    if (action == TD_ACTION_ADD) {
        assert_int_equal(order->lots, 0);
        *order = row;
        set(b, side, tick, b->lots[side][tick] + row.lots);
        return;
    }
    /* what follows names the order's own price, and no more than it has */
    assert_int_equal(order->tick_side, row.tick_side);
    assert_true(row.lots > 0 && row.lots <= order->lots);
    if (action == TD_ACTION_FILL) return;
    /* a cancel takes off all that is left, a modification leaves less than there was */
    assert_true(action == TD_ACTION_CANCEL ? row.lots == order->lots : action == TD_ACTION_MODIFY && row.lots < order->lots);
    uint32_t left = action == TD_ACTION_CANCEL ? 0 : row.lots;
    set(b, side, tick, b->lots[side][tick] - order->lots + left);
    order->lots = left;
}

/* Carries a message out; best prices afterwards in best. */
static void apply(rebuilt *b, const td_book *book, int64_t m) {
    if (book->kind[m] == TD_BOOK_SNAPSHOT) clear(b);
    for (int64_t r = td_book_row_begin(book, m); r < book->row_end[m]; r++) {
        td_book_row row = book->row[r];
        if (book->kind[m] == TD_BOOK_ORDERS)
            act(b, book->order_id[r], (td_book_action)book->action[r], row);
        else if (book->kind[m] == TD_BOOK_DEPTH || book->kind[m] == TD_BOOK_SNAPSHOT)
            set(b, td_row_side(row), td_row_tick(row), row.lots);
    }
    while (b->best[TD_BUY] > 0 && b->lots[TD_BUY][b->best[TD_BUY]] == 0) b->best[TD_BUY]--;
    while (b->best[TD_SELL] < TICKS - 1 && b->lots[TD_SELL][b->best[TD_SELL]] == 0) b->best[TD_SELL]++;
}

/* The book rebuilt from messages is the venue's own top of it after every message, and never crossed. Returns comparisons. */
static int64_t compare_with_tickers(const td_book *book) {
    td_book_ticker *tickers;
    int64_t count, next = 0, compared = 0;
    assert_ok(td_book_tickers(book, &tickers, &count, &error));
    rebuilt b = new_book();
    for (int64_t m = 0; m < book->messages; m++) {
        apply(&b, book, m);
        if (book->kind[m] == TD_BOOK_TRADE || book->kind[m] == TD_BOOK_GAP) continue;
        while (next < count && tickers[next].sequence <= book->sequence[m]) next++;
        assert_true(next > 0);
        const td_book_ticker *top = &tickers[next - 1];
        int32_t bid = td_row_tick(top->bid), ask = td_row_tick(top->ask);
        assert_int_equal(b.best[TD_BUY], bid);
        assert_int_equal(b.best[TD_SELL], ask);
        assert_int_equal(b.lots[TD_BUY][bid], top->bid.lots);
        assert_int_equal(b.lots[TD_SELL][ask], top->ask.lots);
        assert_true(bid < ask);
        compared++;
    }
    free_book(&b);
    free(tickers);
    return compared;
}

static void rebuilt_book_is_the_venues(void **state) {
    (void)state;
    td_book_synth_def def = td_default_book_synth_def();
    def.length_ns = 300 * SECOND;
    def.gaps = 60;
    td_book_synth_facts facts;
    td_book book = made(&def, &facts);
    assert_int_equal(book.messages, facts.messages);
    assert_int_equal(book.rows, facts.rows);
    assert_true(facts.gaps >= 1);
    assert_true(compare_with_tickers(&book) > 5000);
    td_book_close(&book);
    def.orders = true;
    book = made(&def, &facts);
    assert_true(facts.gaps >= 1);
    assert_true(compare_with_tickers(&book) > 100000);
    td_book_close(&book);
}

/* What is sent order by order is the same market: the venue's tickers do not know the difference. */
static void orders_or_levels(void **state) {
    (void)state;
    td_book_synth_def def = td_default_book_synth_def();
    def.length_ns = 60 * SECOND;
    td_book_ticker *tickers[2];
    int64_t counts[2];
    for (int orders = 0; orders < 2; orders++) {
        def.orders = orders;
        td_book book = made(&def, NULL);
        assert_ok(td_book_tickers(&book, &tickers[orders], &counts[orders], &error));
        assert_true((book.order_id != NULL) == orders);
        td_book_close(&book);
    }
    assert_int_equal(counts[0], counts[1]);
    for (int64_t i = 0; i < counts[0]; i++) {
        tickers[0][i].local_ns = tickers[1][i].local_ns = 0;
        assert_memory_equal(&tickers[0][i], &tickers[1][i], sizeof(td_book_ticker));
    }
    free(tickers[0]);
    free(tickers[1]);
}

/* The bits are part of the contract: they change on purpose only, with these digests and docs/synthetic-book.md. */
static void bits_are_fixed(void **state) {
    (void)state;
    td_book_synth_def def = td_default_book_synth_def();
    char digest[TD_DIGEST_HEX], again[TD_DIGEST_HEX];
    def.length_ns = 30 * SECOND;
    assert_ok(td_book_synth(&def, path, NULL, digest, &error));
    assert_string_equal(digest, "1e6d139a91585a15fe25028321d4465a9089a191b5a63a96b0b5f3fc1e4bc178");
    assert_ok(td_book_synth(&def, path, NULL, again, &error));
    assert_string_equal(digest, again);
    def.seed = 2;
    assert_ok(td_book_synth(&def, path, NULL, again, &error));
    assert_string_not_equal(digest, again);
    def.orders = true;
    def.drift = 0.5;
    def.gaps = 120;
    assert_ok(td_book_synth(&def, path, NULL, digest, &error));
    assert_string_equal(digest, "6f8ef325101560c57b278181902d793d103c5de075c62b21ec74f7008b434d33");
}

static void longer_begins_as_shorter(void **state) {
    (void)state;
    td_book_synth_def def = td_default_book_synth_def();
    const char *copy = td_test_path("short.h5");
    def.gaps = 300;
    def.length_ns = 20 * SECOND;
    assert_ok(td_book_synth(&def, copy, NULL, NULL, &error));
    def.length_ns = 50 * SECOND;
    td_book longer = made(&def, NULL), shorter;
    assert_ok(td_book_open(copy, true, &shorter, &error));
    assert_true(shorter.messages < longer.messages);
    size_t messages = (size_t)shorter.messages;
    assert_memory_equal(shorter.exchange_ns, longer.exchange_ns, messages * 8);
    assert_memory_equal(shorter.local_ns, longer.local_ns, messages * 8);
    assert_memory_equal(shorter.row_end, longer.row_end, messages * 8);
    assert_memory_equal(shorter.kind, longer.kind, messages);
    assert_memory_equal(shorter.row, longer.row, (size_t)shorter.rows * sizeof(td_book_row));
    td_book_close(&shorter);
    td_book_close(&longer);
}

static double sum_of_rates(const td_book_synth_def *def) {
    double sum = 0;
    for (int i = 1; i <= def->reach; i++) sum += def->limit_rate / sqrt(i);
    return sum;
}

/* Counts of independent events: within five standard deviations. */
static void assert_poisson(int64_t count, double mean) { assert_near((double)count, mean, 5 * sqrt(mean) / mean); }

/* Without market orders every order lives until it is cancelled: resting orders are a queue with as many servers as customers, whose
 * number has mean and variance rate / cancel_rate. */
static void nobody_takes(void **state) {
    (void)state;
    td_book_synth_def def = td_default_book_synth_def();
    def.length_ns = 3600 * SECOND;
    def.market_rate = 0;
    td_book_synth_facts facts;
    td_book book = made(&def, &facts);
    double rate = 2 * sum_of_rates(&def), seconds = 3600;
    assert_int_equal(facts.market_orders, 0);
    assert_int_equal(facts.filled_orders, 0);
    assert_poisson(facts.limit_orders, rate * seconds);
    assert_poisson(facts.cancels, facts.mean_orders * def.cancel_rate * seconds);
    assert_near(facts.mean_orders, rate / def.cancel_rate, 0.01);
    td_book_close(&book);
}

/* Stationary facts of the default market (docs/synthetic-book.md, What comes out). */
static void rates_and_depth_are_the_models(void **state) {
    (void)state;
    td_book_synth_def def = td_default_book_synth_def();
    def.length_ns = 3600 * SECOND;
    def.snapshot_ns = 2 * SECOND;
    td_book_synth_facts facts;
    td_book book = made(&def, &facts);
    double seconds = 3600;
    assert_poisson(facts.limit_orders, 2 * sum_of_rates(&def) * seconds);
    assert_poisson(facts.market_orders, 2 * def.market_rate * seconds);
    assert_poisson(facts.cancels, facts.mean_orders * def.cancel_rate * seconds);
    /* what comes goes, but for what the number at rest moved */
    int64_t left = facts.limit_orders - facts.cancels - facts.filled_orders;
    assert_true(llabs(left) < 0.3 * facts.mean_orders);
    /* the spread is narrow, but not pinned */
    assert_true(facts.mean_spread_ticks > 1.05 && facts.mean_spread_ticks < 1.3);

    /* far from the touch a level holds rate / cancel_rate orders; at the touch market orders keep it far below that */
    enum { NEAR = 30, FAR = 80 };
    double lots_at[FAR + 1] = {0}, traded = 0, expected = 0, found = 0;
    int64_t snapshots = 0, shifted = 0;
    for (int64_t m = 0; m < book.messages; m++) {
        shifted += book.local_shift[m] != 0;
        assert_true(book.local_ns[m] >= book.exchange_ns[m] + def.latency_ns);
        int64_t begin = td_book_row_begin(&book, m);
        if (book.kind[m] == TD_BOOK_TRADE)
            for (int64_t r = begin; r < book.row_end[m]; r++) traded += book.row[r].lots;
        if (book.kind[m] != TD_BOOK_SNAPSHOT) continue;
        snapshots++;
        int32_t best[2] = {td_row_tick(book.row[begin]), 0};
        for (int64_t r = begin; r < book.row_end[m]; r++)
            if (td_row_side(book.row[r]) == TD_SELL && !best[1]) best[1] = td_row_tick(book.row[r]);
        for (int64_t r = begin; r < book.row_end[m]; r++) {
            int32_t distance = abs(td_row_tick(book.row[r]) - best[!td_row_side(book.row[r])]);
            if (distance <= FAR) lots_at[distance] += book.row[r].lots;
        }
    }
    assert_in_range(snapshots, 1795, 1805);
    for (int i = NEAR; i <= FAR; i++) {
        found += lots_at[i] / (double)(2 * snapshots);
        expected += def.limit_lots * def.limit_rate / sqrt(i) / def.cancel_rate;
    }
    assert_near(found, expected, 0.03);
    assert_true(lots_at[1] / (double)(2 * snapshots) < 0.3 * def.limit_lots * def.limit_rate / def.cancel_rate);
    assert_near(traded, 2 * def.market_rate * def.market_lots * seconds, 0.05);
    /* channels overtake each other on the way */
    assert_true(shifted > book.messages / 1000);
    td_book_close(&book);
}

/* Queues matter: the thinner side of the touch is the one that goes, and with it the price. */
static void thin_side_gives_way(void **state) {
    (void)state;
    td_book_synth_def def = td_default_book_synth_def();
    def.length_ns = 1800 * SECOND;
    td_book book = made(&def, NULL);
    td_book_ticker *tickers;
    int64_t count, ups[2] = {0}, moves[2] = {0};
    assert_ok(td_book_tickers(&book, &tickers, &count, &error));
    for (int64_t i = 0, next = 1; i < count; i++) {
        if (next <= i) next = i + 1;
        while (next < count && tickers[next].bid.tick_side == tickers[i].bid.tick_side &&
               tickers[next].ask.tick_side == tickers[i].ask.tick_side)
            next++;
        if (next >= count) break;
        double bid = tickers[i].bid.lots, ask = tickers[i].ask.lots, share = bid / (bid + ask);
        if (share > 0.2 && share < 0.8) continue;
        int32_t before = tickers[i].bid.tick_side + tickers[i].ask.tick_side, after = tickers[next].bid.tick_side + tickers[next].ask.tick_side;
        moves[share > 0.5]++;
        ups[share > 0.5] += after > before;
    }
    for (int heavy = 0; heavy < 2; heavy++) {
        assert_true(moves[heavy] > 1000);
        double chance = (double)ups[heavy] / (double)moves[heavy];
        assert_true(heavy ? chance > 0.6 : chance < 0.4);
    }
    free(tickers);
    td_book_close(&book);
}

/* While one side is favoured the price goes its way, by far more than it wanders without. */
static void drift_moves_the_price(void **state) {
    (void)state;
    td_book_synth_def def = td_default_book_synth_def();
    def.length_ns = 1800 * SECOND;
    double range[2];
    for (int drifting = 0; drifting < 2; drifting++) {
        def.drift = drifting ? 0.6 : 0;
        def.regime_seconds = 300;
        td_book book = made(&def, NULL);
        td_book_ticker *tickers;
        int64_t count;
        assert_ok(td_book_tickers(&book, &tickers, &count, &error));
        int32_t low = INT32_MAX, high = 0;
        for (int64_t i = 0; i < count; i++) {
            int32_t bid = td_row_tick(tickers[i].bid);
            if (bid < low) low = bid;
            if (bid > high) high = bid;
        }
        range[drifting] = high - low;
        free(tickers);
        td_book_close(&book);
    }
    assert_true(range[1] > 2 * range[0]);
}

/* Markets at the edges of what the definition allows are books all the same. */
static void odd_markets(void **state) {
    (void)state;
    for (int i = 0; i < 5; i++) {
        td_book_synth_def def = td_default_book_synth_def();
        def.length_ns = 20 * SECOND;
        def.seed = (uint64_t)i;
        if (i == 0) def.reach = 1;
        if (i == 1) def.market_lots = 1e6; /* sweeps all but the last order each time */
        if (i == 2) def.market_rate = 2000, def.limit_lots = 1;
        if (i == 3) def.price = 110, def.reach = 100, def.drift = 0.9, def.market_lots = 1e5; /* runs into the lowest price */
        if (i == 4) def.latency_ns = def.jitter_ns = 0, def.gaps = 3600, def.gap_ns = 100, def.snapshot_ns = 0;
        for (int orders = 0; orders < 2; orders++) {
            def.orders = orders;
            td_book book = made(&def, NULL);
            assert_true(compare_with_tickers(&book) > 10);
            td_book_close(&book);
        }
    }
}

static void wrong_definitions(void **state) {
    (void)state;
    td_book_synth_def def = td_default_book_synth_def();
    def.instrument.tick = 0;
    assert_fails(td_book_synth(&def, path, NULL, NULL, &error), TD_BAD_ARG, "tick is 0, must be from");
    def = td_default_book_synth_def();
    def.price = NAN;
    assert_fails(td_book_synth(&def, path, NULL, NULL, &error), TD_BAD_ARG, "price in ticks is nan");
    def = td_default_book_synth_def();
    def.length_ns = 1;
    assert_fails(td_book_synth(&def, path, NULL, NULL, &error), TD_BAD_ARG, "length in seconds is 1e-09, must be from 1 to");
    def = td_default_book_synth_def();
    def.drift = 1;
    assert_fails(td_book_synth(&def, path, NULL, NULL, &error), TD_BAD_ARG, "drift is 1, must be from 0 to 0.9");
    def = td_default_book_synth_def();
    def.limit_rate = 1e5;
    assert_fails(td_book_synth(&def, path, NULL, NULL, &error), TD_BAD_ARG, "orders would rest in the book, at most 1e+06 may");
    def = td_default_book_synth_def();
    def.start_ns = -1;
    assert_fails(td_book_synth(&def, path, NULL, NULL, &error), TD_BAD_ARG, "start is not between");
    def = td_default_book_synth_def();
    assert_fails(td_book_synth(&def, "/nonexistent/folder/b.h5", NULL, NULL, &error), TD_IO, "/nonexistent/folder/b.h5");
}

int main(void) {
    char tape[256];
    snprintf(tape, sizeof tape, "%s", td_test_path("synth.h5"));
    path = tape;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rebuilt_book_is_the_venues), cmocka_unit_test(orders_or_levels),
        cmocka_unit_test(bits_are_fixed),             cmocka_unit_test(longer_begins_as_shorter),
        cmocka_unit_test(nobody_takes),               cmocka_unit_test(rates_and_depth_are_the_models),
        cmocka_unit_test(thin_side_gives_way),        cmocka_unit_test(drift_moves_the_price),
        cmocka_unit_test(odd_markets),                cmocka_unit_test(wrong_definitions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
