/* sim/book_lanes.c: many sets on one replay are the same sets alone, on the plain engine. Random tapes of levels and of orders with gaps,
 * snapshots and crossed books, random requests of all kinds, all models; several venues; and the recording of BTCUSDT. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "sim/book_lanes.h"
#include "tests/book_plays.h"
#include "tests/plays.h"

static td_error error;
static uint64_t seed_now, draws;
static int64_t roll(int64_t n) { return (int64_t)(td_random_bits(seed_now, TD_PURPOSE_TEST, 4711, draws++) % (uint64_t)n); }
static bool sometimes(int64_t one_in) { return roll(one_in) == 0; }
static void start(uint64_t seed) {
    seed_now = seed;
    draws = 0;
}

/* ---- random tapes ---- */

enum { MIDDLE = 1000, MESSAGES = 1000 };
static const int64_t STEP = 10000000; /* 10 ms */

static int64_t next_time(int64_t *exchange, int64_t *local) {
    *exchange += sometimes(3) ? 0 : roll(2 * STEP);
    *local = *exchange + 1000000 + (sometimes(10) ? roll(50000000) : roll(100000));
    return *exchange;
}

static void snapshot(td_made *made, int32_t middle) {
    for (int s = 0; s < 2; s++)
        for (int32_t k = 1; k <= 12; k++)
            if (!sometimes(4)) td_made_row(made, (td_side)s, s ? middle + k : middle - k, 1 + roll(30));
}

/* Levels and trades around a price that walks; at times crossed, cleared, emptied, broken by a gap. */
static td_made *made_levels(uint64_t seed, bool gaps) {
    start(seed);
    td_made *made = td_made_book();
    made->book.instrument.lot = roll(2) ? 1 : 0.001;
    made->book.instrument.tick = roll(2) ? 1 : 0.1;
    if (sometimes(3)) made->book.instrument.contract = TD_CONTRACT_INVERSE;
    int64_t exchange = 1000000000, local;
    int32_t middle = MIDDLE;
    for (int m = 0; m < MESSAGES; m++) {
        next_time(&exchange, &local);
        middle += (int32_t)roll(3) - 1;
        if (middle < 100) middle = 100;
        if (m == 0 || sometimes(150)) {
            td_made_message(made, TD_BOOK_SNAPSHOT, exchange, local);
            snapshot(made, middle);
        } else if (gaps && sometimes(200)) {
            td_made_message(made, TD_BOOK_GAP, exchange, local);
        } else if (sometimes(300)) {
            td_made_message(made, TD_BOOK_CLEAR, exchange, local);
            int side = (int)roll(2);
            if (roll(3)) td_made_row(made, (td_side)side, side ? middle + 5 : middle - 5, 0);
        } else if (roll(2)) {
            td_made_message(made, TD_BOOK_TRADE, exchange, local);
            for (int64_t n = 1 + roll(3); n > 0; n--) {
                int side = (int)roll(2);
                td_made_row(made, (td_side)side, middle + (int32_t)roll(5) - 2, 1 + roll(12));
            }
        } else {
            td_made_message(made, TD_BOOK_DEPTH, exchange, local);
            for (int64_t n = 1 + roll(8); n > 0; n--) {
                int side = (int)roll(2);
                int32_t away = (int32_t)roll(sometimes(5) ? 12 : 5) - (sometimes(12) ? 2 : 0);
                td_made_row(made, (td_side)side, side ? middle + away : middle - away, roll(3) ? 1 + roll(30) : 0);
            }
        }
        if (sometimes(20)) made->seen[m] = (uint8_t)(sometimes(2) ? TD_BOOK_AT_LOCAL : TD_BOOK_AT_EXCHANGE);
    }
    made->book.funding_count = 4;
    for (int f = 0; f < 4; f++)
        made->funding[f] = (td_funding){.time_ns = 1000000000 + (f + 1) * 2500000000LL, .rate = 0.001 * (double)(roll(5) - 2), .mark = f % 2 ? NAN : MIDDLE};
    return made;
}

/* Single orders that come, change, are hit and go; the market's own rules are loose here, which is no matter. */
static td_made *made_orders(uint64_t seed) {
    start(seed);
    td_made *made = td_made_book();
    static struct {
        uint64_t id;
        int32_t tick;
        int64_t lots;
        int side;
    } live[400];
    int count = 0;
    uint64_t ids = 10;
    int64_t exchange = 1000000000, local;
    int32_t middle = MIDDLE;
    for (int m = 0; m < MESSAGES; m++) {
        next_time(&exchange, &local);
        middle += (int32_t)roll(3) - 1;
        td_made_message(made, TD_BOOK_ORDERS, exchange, local);
        if (sometimes(300)) {
            int side = (int)roll(2);
            bool both = roll(2);
            td_made_order(made, TD_ACTION_CLEAR, both ? 1 : 0, (td_side)side, 0, 0);
            for (int i = 0; i < count;)
                if (both || live[i].side == side)
                    live[i] = live[--count];
                else
                    i++;
        }
        for (int64_t n = 1 + roll(4); n > 0; n--) {
            int at = count ? (int)roll(count) : 0;
            if (count < 5 || (roll(2) && count < 400)) {
                int side = (int)roll(2);
                int32_t away = 1 + (int32_t)roll(6) - (sometimes(15) ? 3 : 0);
                live[count].id = ids++;
                live[count].side = side;
                live[count].tick = side ? middle + away : middle - away;
                live[count].lots = 1 + roll(10);
                td_made_order(made, TD_ACTION_ADD, live[count].id, (td_side)side, live[count].tick, live[count].lots);
                count++;
            } else if (roll(3) == 0) {
                if (roll(2)) live[at].tick += (int32_t)roll(3) - 1;
                live[at].lots = 1 + roll(10);
                td_made_order(made, TD_ACTION_MODIFY, live[at].id, (td_side)live[at].side, live[at].tick, live[at].lots);
            } else if (roll(2)) {
                int64_t lots = 1 + roll(live[at].lots);
                td_made_order(made, TD_ACTION_TRADE, 0, (td_side)!live[at].side, live[at].tick, lots);
                td_made_order(made, TD_ACTION_FILL, live[at].id, (td_side)live[at].side, live[at].tick + (sometimes(6) ? (int32_t)roll(5) - 2 : 0), lots);
                td_made_order(made, TD_ACTION_CANCEL, live[at].id, (td_side)live[at].side, live[at].tick, live[at].lots);
                live[at] = live[--count];
            } else {
                td_made_order(made, TD_ACTION_CANCEL, live[at].id, (td_side)live[at].side, live[at].tick, live[at].lots);
                live[at] = live[--count];
            }
        }
    }
    return made;
}

/* ---- random sets ---- */

static double queue_of(int64_t n) {
    static const char *const names[] = {"risk_adverse", "power(2)", "power2(1.5)", "power3(3)", "log", "log2", "l3_fifo"};
    double code;
    assert_ok(td_queue_parse(names[n], &code, &error));
    return code;
}

static const td_latency_row latency_rows[] = {
    {1000000000, 1003000000, 1005000000}, {2000000000, 2020000000, 2025000000}, {4000000000, 0, 4050000000},
    {5000000000, 5001000000, 5002000000}, {9000000000, 9100000000, 9130000000},
};

static td_set random_set(const td_strategy *strategy, bool orders) {
    td_set set = td_book_set(strategy);
    set.knob[TD_KNOB_maker] = (double)(roll(5) - 2) * 1e-4;
    set.knob[TD_KNOB_taker] = (double)roll(5) * 1e-4;
    set.knob[TD_KNOB_buyer_fee] = sometimes(4) ? 1e-4 : 0;
    set.knob[TD_KNOB_queue_model] = queue_of(orders && roll(2) ? 6 : roll(6));
    set.knob[TD_KNOB_exchange] = (double)roll(2);
    set.knob[TD_KNOB_latency] = (double)(roll(4) * 7000000);
    set.knob[TD_KNOB_response_latency] = (double)(sometimes(3) ? roll(30000000) - 10000000 : 0);
    set.knob[TD_KNOB_latency_model] = (double)(sometimes(2) ? 0 : roll(3));
    set.knob[TD_KNOB_latency_scale] = 0.5 * (double)roll(4);
    set.knob[TD_KNOB_latency_jitter] = (double)(sometimes(3) ? 20000000 : 0);
    for (int i = 0; i < td_strategy_param_count(strategy); i++) {
        const td_param_info *info = td_strategy_param(strategy, i);
        double span = info->maximum < 6 * (1 + info->preset) ? info->maximum : 6 * (1 + info->preset);
        double value = info->minimum + (double)roll(1000) / 1000 * (span - info->minimum);
        set.param[i] = info->kind == TD_PARAM_NUMBER ? value : rint(value);
        if (set.param[i] < info->minimum) set.param[i] = info->minimum;
    }
    return set;
}

static td_play_def def_of(const td_strategy *strategy, const td_book *first, const td_book *second) {
    td_play_def def = td_default_play_def();
    def.strategy = strategy;
    def.blocks = 7;
    def.book.venue_count = second ? 2 : 1;
    def.book.venues[0].book = first;
    def.book.venues[1].book = second;
    def.book.mode = roll(2) ? TD_MODE_PARITY : TD_MODE_STRICT;
    def.book.clock_ns = 5000000 + roll(60000000);
    def.book.sample_ns = 300000000;
    def.book.order_limit = 1 + roll(12);
    def.book.in_flight_limit = roll(2) ? 0 : 1 + roll(4);
    def.book.consume = roll(2);
    def.book.seed = 17;
    def.book.fees = (td_fee_kind)roll(TD_FEE_KIND_COUNT);
    def.book.latency_rows = latency_rows;
    def.book.latency_row_count = 5;
    if (sometimes(3)) def.book.from_ns = first->exchange_ns[first->messages / 4];
    if (sometimes(3)) def.book.to_ns = first->exchange_ns[first->messages * 3 / 4];
    if (second) def.book.venues[1].latency = 3000000;
    return def;
}

/* All at once, in another order, and in two halves: as the plain engine plays each alone. */
static double compare(const td_play_def *def, const td_set *sets, int64_t count) {
    td_book_deck *deck;
    assert_ok(td_book_deck_make(def, &deck, &error));
    td_cell *cells = calloc((size_t)count, sizeof *cells);
    td_set *mixed = calloc((size_t)count, sizeof *mixed);
    td_cell *mixed_cells = calloc((size_t)count, sizeof *mixed_cells);
    float *returns = calloc((size_t)(count * deck->blocks), sizeof *returns), *mixed_returns = calloc((size_t)(count * deck->blocks), sizeof *returns);
    double trades = 0;
    for (int64_t i = 0; i < count; i++) {
        assert_ok(td_book_check_set(deck, &sets[i], &error));
        assert_ok(td_book_reference_play(deck, &sets[i], NULL, &cells[i], returns + i * deck->blocks, &error));
        trades += cells[i].metrics[TD_METRIC_num_trades];
    }
    for (int64_t i = 0; i < count; i++) {
        int64_t other = (i * 7 + 3) % count; /* count is no multiple of 7 */
        mixed[i] = sets[other];
        mixed_cells[i] = cells[other];
        memcpy(mixed_returns + i * deck->blocks, returns + other * deck->blocks, (size_t)deck->blocks * sizeof *returns);
    }
    td_assert_lanes_play_alike(deck, sets, (int)count, cells, returns);
    td_assert_lanes_play_alike(deck, mixed, (int)count, mixed_cells, mixed_returns);
    td_assert_lanes_play_alike(deck, sets, (int)count / 2, cells, returns);
    td_assert_lanes_play_alike(deck, sets + count / 2, (int)(count - count / 2), cells + count / 2, returns + count / 2 * deck->blocks);
    /* a small player plays in passes */
    td_book_player *player;
    assert_ok(td_book_player_open(deck, td_isa_best(), 3, &player, &error));
    assert_ok(td_book_play(player, sets, count, mixed_cells, NULL, &error));
    for (int64_t i = 0; i < count; i++) assert_true(mixed_cells[i].hash == cells[i].hash);
    assert_true(td_book_player_counts(player).decisions > 0 || def->strategy->book->on_fill);
    td_book_player_close(player);
    free(mixed_returns);
    free(returns);
    free(mixed_cells);
    free(mixed);
    free(cells);
    td_book_deck_free(deck);
    return trades;
}

enum { SETS = 13 };
static void play_randomly(const td_strategy *strategy, const td_book *first, const td_book *second, bool orders, double *trades) {
    td_set sets[SETS];
    td_play_def def = def_of(strategy, first, second);
    for (int i = 0; i < SETS; i++) sets[i] = random_set(strategy, orders);
    *trades += compare(&def, sets, SETS);
}

static void scattered_on_levels(void **state) {
    (void)state;
    double trades = 0;
    for (uint64_t seed = 1; seed <= 10; seed++) {
        const td_book *tape = td_made_finish(made_levels(seed, seed % 2));
        play_randomly(td_test_strategy("book_scatter"), tape, NULL, false, &trades);
    }
    assert_true(trades > 3000);
}

static void scattered_on_orders(void **state) {
    (void)state;
    double trades = 0;
    for (uint64_t seed = 101; seed <= 108; seed++) {
        const td_book *tape = td_made_finish(made_orders(seed));
        play_randomly(td_test_strategy("book_scatter"), tape, NULL, true, &trades);
    }
    assert_true(trades > 3000);
}

static void built_in(void **state) {
    (void)state;
    static const char *const names[] = {"touch-quoter", "grid-maker", "imbalance-taker"};
    for (int s = 0; s < 3; s++) {
        double trades = 0;
        for (uint64_t seed = 201; seed <= 203; seed++) {
            bool orders = seed % 3 == 0;
            const td_book *tape = td_made_finish(orders ? made_orders(seed) : made_levels(seed, seed % 2));
            play_randomly(td_strategy_find(names[s]), tape, NULL, orders, &trades);
        }
        assert_true(trades > 100);
    }
}

static void two_venues(void **state) {
    (void)state;
    double trades = 0;
    for (uint64_t seed = 301; seed <= 306; seed++) {
        const td_book *second = td_made_finish(made_levels(seed + 1000, seed % 2));
        const td_book *first = td_made_finish(seed % 4 ? made_levels(seed, seed % 2) : made_orders(seed));
        play_randomly(td_test_strategy("book_hedger"), first, second, false, &trades);
    }
    assert_true(trades > 300);
}

/* A book and its mirror image give the same profit with the sides changed over. */
static void mirror(void **state) {
    (void)state;
    for (uint64_t seed = 401; seed <= 404; seed++) {
        td_made *made = made_levels(seed, true);
        made->book.instrument.contract = TD_CONTRACT_LINEAR;
        td_made *other = td_made_mirror(made, 2 * MIDDLE);
        td_made_finish(made);
        td_made_finish(other);
        const td_book *tapes[] = {&made->book, &other->book};
        td_cell cells[2];
        td_play_def def = def_of(td_strategy_find("touch-quoter"), tapes[0], NULL);
        td_set set = random_set(def.strategy, false);
        def.book.order_limit = 8; /* limits are met by buys before sells */
        def.book.in_flight_limit = 0;
        for (int i = 0; i < 2; i++) {
            td_book_deck *deck;
            td_book_player *player;
            def.book.venues[0].book = tapes[i];
            assert_ok(td_book_deck_make(&def, &deck, &error));
            assert_ok(td_book_player_open(deck, td_isa_best(), 1, &player, &error));
            assert_ok(td_book_play(player, &set, 1, &cells[i], NULL, &error));
            td_book_player_close(player);
            td_book_deck_free(deck);
        }
        assert_true(cells[0].metrics[TD_METRIC_num_trades] == cells[1].metrics[TD_METRIC_num_trades]);
        assert_true(cells[0].metrics[TD_METRIC_position] == -cells[1].metrics[TD_METRIC_position]);
        assert_true(cells[0].metrics[TD_METRIC_mean_queue_ahead] == cells[1].metrics[TD_METRIC_mean_queue_ahead] ||
                    isnan(cells[0].metrics[TD_METRIC_mean_queue_ahead]));
    }
}

/* The 54 golden sets in one pass, and each as the plain engine has it (tests/test_book_golden.c compares that with the goldens). */
static void recording(void **state) {
    (void)state;
    const td_book *tape = td_recorded("usdm_btcusdt_20240808.gz", 0.1, 0.001, true);
    if (!tape) skip();
    td_play_def def = td_default_play_def();
    def.strategy = td_strategy_find("touch-quoter");
    def.book.mode = TD_MODE_PARITY;
    def.book.venue_count = 1;
    def.book.venues[0].book = tape;
    static const double latencies[] = {0, 1e6, 50e6}, offsets[] = {0, 1, 5};
    static td_set sets[54];
    static td_cell cells[54];
    td_book_deck *deck;
    assert_ok(td_book_deck_make(&def, &deck, &error));
    float *returns = calloc((size_t)(54 * deck->blocks), sizeof *returns);
    for (int i = 0; i < 54; i++) {
        static const char *const models[] = {"risk_adverse", "power(2)", "power2(2)", "power3(3)", "log", "log2"};
        sets[i] = td_book_set(def.strategy);
        sets[i].knob[TD_KNOB_maker] = -0.00005;
        sets[i].knob[TD_KNOB_taker] = 0.0007;
        assert_ok(td_queue_parse(models[i % 6], &sets[i].knob[TD_KNOB_queue_model], &error));
        sets[i].knob[TD_KNOB_latency] = latencies[i / 6 % 3];
        sets[i].param[0] = offsets[i / 18];
        sets[i].param[1] = 0.01;
        sets[i].param[2] = 0.05;
        assert_ok(td_book_reference_play(deck, &sets[i], NULL, &cells[i], returns + i * deck->blocks, &error));
    }
    /* two of the goldens: 1 ms, at the touch, risk_adverse and power3(3) */
    assert_true(cells[6].metrics[TD_METRIC_num_trades] == 418 && fabs(cells[6].metrics[TD_METRIC_balance] - -23.651) < 1e-9);
    assert_true(cells[9].metrics[TD_METRIC_num_trades] == 420 && fabs(cells[9].metrics[TD_METRIC_fee] - -12.96024525) < 1e-12);
    td_assert_lanes_play_alike(deck, sets, 54, cells, returns);
    free(returns);
    td_book_deck_free(deck);
}

int main(int argc, char **argv) {
    if (argc > 1) cmocka_set_test_filter(argv[1]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scattered_on_levels), cmocka_unit_test(scattered_on_orders), cmocka_unit_test(built_in),
        cmocka_unit_test(two_venues),          cmocka_unit_test(mirror),              cmocka_unit_test(recording),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
