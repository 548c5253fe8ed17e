/* sweeps/markets.h, and sweeps over several symbols and intervals: what they are of, how they are resumed, what is said of them. */
#include "tests/support.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "data/synth.h"
#include "sweeps/sweep.h"

static td_error error;
static char tape_path[512], single_path[512];

static const char grid[] = "strategy: sma-cross\n"
                           "parameters:\n"
                           "  fast: {values: [2, 3, 5, 8]}\n"
                           "  slow: {values: [7, 10, 20]}\n"
                           "constraints: [\"fast < slow\"]\n"
                           "costs: {commission: 0.001}\n"
                           "metrics: {blocks: 8}\n";
enum { SETS = 11, BARS = 3000, SYMBOLS = 3, INTERVALS = 2 };

/* Three correlated symbols of five-minute bars with holes; the second one begins late. And a tape of it alone. */
static int set_up(void **state) {
    (void)state;
    strcpy(tape_path, td_test_path("three.h5"));
    strcpy(single_path, td_test_path("one.h5"));
    static const char *const names[] = {"BTCUSDT", "ETHUSDT", "LTCUSDT"};
    td_bars bars[SYMBOLS];
    td_tape_part parts[SYMBOLS] = {0};
    char digest[TD_DIGEST_HEX];
    for (int k = 0; k < SYMBOLS; k++) {
        td_synth_def def = td_default_synth_def();
        def.bars = BARS;
        def.symbol = k;
        strcpy(def.interval, "5m");
        td_bars_init(&bars[k], false);
        assert_ok(td_synth(&def, &bars[k], &error));
        /* every seventh bar of a stretch is lost as well */
        int64_t kept = 0;
        for (int64_t t = k == 1 ? 700 : 0; t < bars[k].count; t++) {
            if (k > 0 && t % 7 == k && t > 1000 && t < 2000) continue;
            bars[k].time_ns[kept] = bars[k].time_ns[t];
            for (int c = 0; c < TD_BAR_PLAIN; c++) bars[k].column[c][kept] = bars[k].column[c][t];
            kept++;
        }
        bars[k].count = kept;
        parts[k].tape = td_bars_tape(&bars[k], names[k], "5m");
    }
    assert_ok(td_tape_write_parts(tape_path, parts, SYMBOLS, NULL, NULL, digest, &error));
    assert_ok(td_tape_write_parts(single_path, &parts[1], 1, NULL, NULL, digest, &error));
    for (int k = 0; k < SYMBOLS; k++) td_bars_free(&bars[k]);
    return 0;
}

static td_config *parse(const char *tape, const char *more) {
    char text[2048];
    td_config *config;
    snprintf(text, sizeof text, "tape: %s\n%s%s", tape, grid, more);
    assert_ok(td_config_parse("markets.yaml", text, NULL, 0, stderr, &config, &error));
    return config;
}

/* ---- names ---- */

static void refused(const char *tape, const char *more, const char *part) {
    td_tape opened;
    td_markets markets;
    assert_ok(td_tape_open(tape, false, &opened, &error));
    td_config *config = parse(tape, more);
    assert_fails(td_markets_make(config, &opened, &markets, &error), TD_BAD_CONFIG, part);
    td_config_free(config);
    td_tape_close(&opened);
}

static void wrong_names_are_refused(void **state) {
    (void)state;
    refused(tape_path, "", "three.h5 holds 3 symbols (BTCUSDT, ETHUSDT, LTCUSDT): name those to play, as in `symbols: [BTCUSDT]`, "
                           "or say `symbols: all`");
    refused(tape_path, "symbols: [ETHUSD]", "markets.yaml: symbols: ");
    refused(tape_path, "symbols: [ETHUSD]", "does not hold 'ETHUSD'; did you mean 'ETHUSDT'?");
    refused(tape_path, "symbols: [BTCUSDT, DOGE]", "does not hold 'DOGE'; it holds BTCUSDT, ETHUSDT, LTCUSDT");
    refused(tape_path, "symbols: all\nintervals: [5m, 7m]",
            "markets.yaml: intervals: the interval 7m is not a multiple of the tape's, 5m");
    refused(tape_path, "symbols: all\nintervals: [1m]", "the interval 1m is not a multiple of the tape's, 5m");
    refused(tape_path, "symbols: all\nintervals: [1mo]", "bars of 1mo cannot be made of bars of 5m: months differ in length");
}

static void unreadable(const char *more, const char *part) {
    char text[2048];
    td_config *config;
    snprintf(text, sizeof text, "tape: t.h5\n%s%s", grid, more);
    assert_fails(td_config_parse("markets.yaml", text, NULL, 0, NULL, &config, &error), TD_BAD_CONFIG, part);
}

static void wrong_lists_are_refused(void **state) {
    (void)state;
    unreadable("symbols: [A, B, A]", "symbols: 'A' is named twice");
    unreadable("intervals: [1h, 15m, 60m]", "intervals: '60m' is '1h' again");
    unreadable("intervals: [soon]", "intervals: 'soon' is no interval; expected a number and s, m, h, d or w, as in 15m, 4h, 1d");
    unreadable("intervals: 15", "intervals: '15' is no interval");
    unreadable("symbols: []", "symbols must be a list of names, or all, found a list");
    unreadable("symbols: [[A]]", "symbols must be a list of names, or all");
    unreadable("symbols: {A: 1}", "symbols must be a list of names, or all, found a mapping");
    unreadable("intervals: []", "intervals must be a list of names, found a list");
    unreadable("envelope: true\nportfolio: {weights: equal}", "envelope is not for portfolios yet");
    unreadable("intervals: [1h]\nexecution_interval: 5m\nportfolio: {weights: equal}", "execution_interval is not for portfolios yet");
    unreadable("portfolio: {rebalance: weekly}", "portfolio needs weights, which make it one");
    unreadable("portfolio: {weights: {A: 0.5, B: 1.5}}", "B is 1.5, must be between 0 and 1");
    unreadable("portfolio: {weights: {A: 0}}", "the weight of A is 0, must be above 0");
    unreadable("symbols: [A, B]\nportfolio: {weights: {A: 0.5}}", "portfolio.weights: 'B' has none");
    unreadable("symbols: [A]\nportfolio: {weights: {A: 0.5, B: 0.5}}", "portfolio.weights: 'B' is not among the symbols");
    unreadable("symbols: all\nportfolio: {weights: {A: 0.5}}", "portfolio.weights names symbols, and symbols says all");
    unreadable("portfolio: {rebalance: yearly}", "portfolio.rebalance must be none, daily, weekly, monthly or a number of bars");
    unreadable("symbols: ['']", "symbols: '' has 0 bytes, a symbol has 1 to 63");
}

/* What is not said is not in the canonical form, and one name is a list of one. */
static void digests_of_configurations(void **state) {
    (void)state;
    td_config *none = parse("t.h5", ""), *one = parse("t.h5", "symbols: A"), *list = parse("t.h5", "symbols: [A]");
    td_config *all = parse("t.h5", "symbols: all"), *hours = parse("t.h5", "intervals: 1h");
    assert_null(strstr(none->resolved, "symbols"));
    assert_string_equal(one->digest, list->digest);
    assert_string_not_equal(none->digest, one->digest);
    assert_string_not_equal(all->digest, one->digest);
    assert_non_null(strstr(all->resolved, "\"symbols\":\"all\""));
    assert_non_null(strstr(hours->resolved, "\"intervals\":[\"1h\"]"));
    td_config *again;
    assert_ok(td_config_parse("again", all->resolved, (const char *const[]){"tape=t.h5"}, 1, stderr, &again, &error));
    assert_string_equal(again->digest, all->digest);
    assert_true(again->all_symbols);
    td_config_free(again);
    td_config_free(none);
    td_config_free(one);
    td_config_free(list);
    td_config_free(all);
    td_config_free(hours);
}

/* ---- the period ---- */

static const int64_t day_0 = 1704067200LL * TD_NS_PER_SECOND; /* 2024-01-01, where td_test_tape() begins */

static void assert_period(int64_t from_ns, int64_t to_ns, int64_t first, int64_t bars) {
    td_tape tape = td_test_tape(10, TD_NS_PER_DAY, 1);
    td_config config = {.path = (char *)"period.yaml", .from_ns = from_ns, .to_ns = to_ns, .play = td_default_play_def()};
    td_markets markets;
    td_pick pick;
    td_deck *deck;
    config.play.strategy = td_strategy_find("buy-and-hold");
    assert_ok(td_markets_make(&config, &tape, &markets, &error));
    assert_ok(td_market_open(&markets, 0, &pick, &deck, &error));
    assert_int_equal(pick.tape.bars, bars);
    assert_int_equal(pick.tape.time_ns[0], day_0 + first * TD_NS_PER_DAY);
    assert_ptr_equal(pick.tape.close, tape.close + first);
    td_deck_free(deck);
    td_pick_close(&pick);
    td_markets_free(&markets);
}

static void the_period_narrows_the_bars(void **state) {
    (void)state;
    assert_period(INT64_MIN, INT64_MAX, 0, 10);
    assert_period(day_0, day_0 + 10 * TD_NS_PER_DAY, 0, 10);
    assert_period(day_0 + 3 * TD_NS_PER_DAY, INT64_MAX, 3, 7);
    assert_period(day_0 + 3 * TD_NS_PER_DAY - 1, INT64_MAX, 3, 7);
    assert_period(day_0 + 3 * TD_NS_PER_DAY + 1, INT64_MAX, 4, 6);
    assert_period(INT64_MIN, day_0 + 3 * TD_NS_PER_DAY, 0, 3); /* `to` itself is outside */
    assert_period(INT64_MIN, day_0 + 3 * TD_NS_PER_DAY + 1, 0, 4);
    assert_period(day_0 + 9 * TD_NS_PER_DAY, INT64_MAX, 9, 1);
    assert_period(day_0 - TD_NS_PER_DAY, day_0 + 400 * TD_NS_PER_DAY, 0, 10);
}

static void refuse_period(int64_t from_ns, int64_t to_ns, const char *part) {
    td_tape tape = td_test_tape(10, TD_NS_PER_DAY, 1);
    td_config config = {.path = (char *)"period.yaml", .from_ns = from_ns, .to_ns = to_ns, .play = td_default_play_def()};
    td_markets markets;
    td_pick pick;
    td_deck *deck;
    config.play.strategy = td_strategy_find("buy-and-hold");
    assert_ok(td_markets_make(&config, &tape, &markets, &error));
    assert_fails(td_market_open(&markets, 0, &pick, &deck, &error), TD_BAD_CONFIG, part);
    td_markets_free(&markets);
}

static void an_empty_period_is_refused(void **state) {
    (void)state;
    refuse_period(day_0 + 10 * TD_NS_PER_DAY, INT64_MAX,
                  "period.yaml: the period from 2024-01-11T00:00:00Z to the end holds no bar of TEST, whose bars open from "
                  "2024-01-01T00:00:00Z to 2024-01-10T00:00:00Z");
    refuse_period(INT64_MIN, day_0, "the period from the beginning to 2024-01-01T00:00:00Z");
    refuse_period(day_0 + TD_NS_PER_DAY + 1, day_0 + 2 * TD_NS_PER_DAY, "holds no bar");
    /* a symbol that begins after the period ends, of several */
    td_tape opened;
    assert_ok(td_tape_open(tape_path, false, &opened, &error));
    td_config *config = parse(tape_path, "symbols: all\nperiod: {to: 2023-01-02}");
    td_sweep_def def = td_default_sweep_def();
    const char *path = td_test_path("early.h5");
    assert_fails(td_sweep_run(config, &opened, path, &def, NULL, &error), TD_BAD_CONFIG,
                 "the period from the beginning to 2023-01-02T00:00:00Z holds no bar of ETHUSDT, whose bars open from ");
    assert_int_equal(access(path, F_OK), -1);
    td_config_free(config);
    td_tape_close(&opened);
}

/* ---- sweeps ---- */

static const char several[] = "symbols: all\nintervals: [5m, 1h]\n";

/* Runs a sweep of a tape; what it says goes to *progress. */
static td_status sweep(const char *tape, const char *more, const char *path, bool resume, volatile int *stop,
                       td_sweep_progress *progress) {
    td_tape opened;
    assert_ok(td_tape_open(tape, false, &opened, &error));
    td_config *config = parse(tape, more);
    td_sweep_def def = td_default_sweep_def();
    def.threads = 2;
    def.resume = resume;
    def.stop = stop;
    td_status status = td_sweep_run(config, &opened, path, &def, progress, &error);
    td_config_free(config);
    td_tape_close(&opened);
    return status;
}

/* A portfolio is one market; its cells are what the plain engine plays, and its results say of which symbols. */
static void a_portfolio_is_one_market(void **state) {
    (void)state;
    static const char more[] = "symbols: all\nportfolio: {weights: equal, rebalance: 500, band: 0.01, max_weight: 0.5}\n";
    static const char named[] = "portfolio: {weights: {LTCUSDT: 0.5, BTCUSDT: 0.25}}\n";
    const char *path = td_test_path("portfolio.h5");
    td_sweep_progress progress;
    td_tape tape;
    td_results *results;
    td_markets markets;
    assert_ok(sweep(tape_path, more, path, false, NULL, &progress));
    assert_int_equal(progress.rows, SETS);
    assert_ok(td_results_open(path, &results, &error));
    assert_false(td_results_several(results));
    assert_string_equal(td_results_attribute(results, "tape_symbol"), "portfolio");
    assert_string_equal(td_results_attribute(results, "portfolio_symbols"), "BTCUSDT\nETHUSDT\nLTCUSDT");
    assert_ok(td_tape_open(tape_path, false, &tape, &error));
    td_config *config = parse(tape_path, more), *again, *few = parse(tape_path, named);
    assert_ok(td_config_parse("again", config->resolved, (const char *const[]){"tape=t.h5"}, 1, stderr, &again, &error));
    assert_string_equal(again->digest, config->digest);
    td_config_free(again);
    assert_ok(td_config_parse("again", few->resolved, (const char *const[]){"tape=t.h5"}, 1, stderr, &again, &error));
    assert_string_equal(again->digest, few->digest);
    assert_int_equal(few->symbol_count, 2);
    assert_string_equal(few->symbols[0], "LTCUSDT");
    assert_true(few->weights[0] == 0.5 && few->weights[1] == 0.25);
    assert_ok(td_markets_make(config, &tape, &markets, &error));
    td_pick pick;
    td_deck *deck;
    assert_ok(td_market_open(&markets, 0, &pick, &deck, &error));
    for (int64_t trial = 0; trial < SETS; trial++) {
        td_set set;
        td_cell cell;
        td_space_set(config->space, trial, &set);
        assert_ok(td_play_detailed(deck, &set, NULL, &cell, NULL, &error));
        assert_true(cell.metrics[TD_METRIC_trades] > 10);
        assert_true(td_results_hash(results, &error)[trial] == cell.hash);
    }
    td_deck_free(deck);
    td_pick_close(&pick);
    td_markets_free(&markets);
    td_results_close(results);
    td_config_free(config);
    td_config_free(again);
    td_config_free(few);
    td_tape_close(&tape);
    assert_int_equal(td_test_run(NULL, NULL, "$TAPEDECK verify %s", path), 0);
}

static void same_rows(td_results *a, int64_t a_row, td_results *b, int64_t b_row) {
    assert_int_equal(td_results_state(a, &error)[a_row], td_results_state(b, &error)[b_row]);
    assert_true(td_results_hash(a, &error)[a_row] == td_results_hash(b, &error)[b_row]);
    for (int m = 0; m < TD_METRIC_BARS_COUNT; m++) {
        double x = td_results_metric(a, (td_metric)m, &error)[a_row], y = td_results_metric(b, (td_metric)m, &error)[b_row];
        assert_true(isnan(x) ? isnan(y) : x == y);
    }
    float x[TD_BLOCKS_MAX], y[TD_BLOCKS_MAX];
    assert_ok(td_results_block_returns(a, a_row, x, &error));
    assert_ok(td_results_block_returns(b, b_row, y, &error));
    int64_t blocks = td_results_blocks(a) < td_results_blocks(b) ? td_results_blocks(a) : td_results_blocks(b);
    assert_memory_equal(x, y, (size_t)blocks * sizeof *x);
}

/* Every market of a large sweep is the sweep of that symbol alone at that interval; the second symbol's is that of its own tape. */
static void every_market_is_its_own_sweep(void **state) {
    (void)state;
    const char *path = td_test_path("all.h5");
    td_sweep_progress progress;
    assert_ok(sweep(tape_path, several, path, false, NULL, &progress));
    assert_int_equal(progress.rows, SETS * SYMBOLS * INTERVALS);
    assert_int_equal(progress.played, progress.rows);
    td_results *all, *one;
    assert_ok(td_results_open(path, &all, &error));
    assert_int_equal(td_results_trials(all), SETS);
    assert_int_equal(td_results_rows(all), SETS * SYMBOLS * INTERVALS);
    static const char *const names[] = {"BTCUSDT", "ETHUSDT", "LTCUSDT"}, *const intervals[] = {"5m", "1h"};
    for (int k = 0; k < SYMBOLS; k++)
        for (int i = 0; i < INTERVALS; i++) {
            char more[128];
            snprintf(more, sizeof more, "symbols: [%s]\nintervals: [%s]\n", names[k], intervals[i]);
            const char *alone = td_test_path("alone%d%d.h5", k, i);
            assert_ok(sweep(tape_path, more, alone, false, NULL, NULL));
            assert_ok(td_results_open(alone, &one, &error));
            assert_false(td_results_several(one));
            assert_string_equal(td_results_attribute(one, "tape_symbol"), names[k]);
            assert_string_equal(td_results_attribute(one, "tape_interval"), intervals[i]);
            for (int64_t trial = 0; trial < SETS; trial++) {
                int64_t row = (k * INTERVALS + i) * SETS + trial;
                assert_int_equal(td_results_row_symbol(all, row), k);
                assert_int_equal(td_results_row_interval(all, row), i);
                assert_int_equal(td_results_row_trial(all, row), trial);
                for (int a = 0; a < 2; a++)
                    assert_true(td_results_axis(all, a, &error)[row] == td_results_axis(one, a, &error)[trial]);
                same_rows(all, row, one, trial);
            }
            assert_string_equal(td_results_symbol_name(all, k), names[k]);
            assert_string_equal(td_results_interval_name(all, i), intervals[i]);
            td_results_close(one);
        }
    const char *alone = td_test_path("single.h5");
    assert_ok(sweep(single_path, "", alone, false, NULL, NULL));
    assert_ok(td_results_open(alone, &one, &error));
    for (int64_t trial = 0; trial < SETS; trial++) same_rows(all, 1 * INTERVALS * SETS + trial, one, trial);
    td_results *on_large;
    assert_ok(td_results_open(td_test_path("alone10.h5"), &on_large, &error));
    /* the digest is that of the symbol's data: the same on the large tape and on its own */
    assert_string_equal(td_results_attribute(on_large, "tape_digest"), td_results_attribute(one, "tape_digest"));
    td_results_close(on_large);
    td_results_close(one);
    td_results_close(all);
}

/* Stops the sweep when so many rows are done. */
typedef struct stopper {
    int64_t after;
    volatile int stop;
} stopper;

static void stop_after(void *context, const td_sweep_progress *now) {
    stopper *stopper = context;
    if (now->played >= stopper->after) __atomic_store_n(&stopper->stop, 1, __ATOMIC_RELAXED);
}

/* Stopped wherever, resumed until it is whole: the datasets of a sweep that was never stopped, on any number of threads. */
static void resumed_is_the_same(void **state) {
    (void)state;
    const char *whole = td_test_path("whole.h5"), *resumed = td_test_path("resumed.h5");
    assert_ok(sweep(tape_path, several, whole, false, NULL, NULL));
    td_tape opened;
    assert_ok(td_tape_open(tape_path, false, &opened, &error));
    td_config *config = parse(tape_path, several);
    int sessions = 0;
    td_status status = TD_INTERRUPTED;
    while (status == TD_INTERRUPTED) {
        stopper stopper = {.after = 1};
        td_sweep_def def = td_default_sweep_def();
        td_sweep_progress progress;
        def.threads = 1 + sessions % 3;
        def.resume = sessions > 0;
        def.stop = &stopper.stop;
        def.progress = stop_after;
        def.progress_context = &stopper;
        status = td_sweep_run(config, &opened, resumed, &def, &progress, &error);
        assert_int_equal(progress.rows, SETS * SYMBOLS * INTERVALS);
        if (++sessions > 100) fail_msg("a sweep that never ends");
    }
    assert_ok(status);
    assert_true(sessions > 2);
    td_results *a, *b;
    assert_ok(td_results_open(whole, &a, &error));
    assert_ok(td_results_open(resumed, &b, &error));
    for (int64_t row = 0; row < td_results_rows(a); row++) same_rows(a, row, b, row);
    assert_int_equal((int64_t)td_results_number(b, "sessions"), sessions);
    td_results_close(a);
    td_results_close(b);
    assert_int_equal(td_test_run(NULL, NULL, "/usr/bin/python3 -c 'import h5py, sys\n"
                                             "a, b = h5py.File(\"%s\"), h5py.File(\"%s\")\n"
                                             "assert list(a) == list(b)\n"
                                             "for name in a: assert a[name][()].tobytes() == b[name][()].tobytes() or "
                                             "name in (\"symbol\", \"interval\"), name\n'", whole, resumed), 0);
    /* other symbols, or another order of them, are another sweep */
    assert_fails(sweep(tape_path, "symbols: [ETHUSDT, BTCUSDT, LTCUSDT]\nintervals: [5m, 1h]\n", resumed, true, NULL, NULL),
                 TD_DIFFERENT, "another configuration");
    td_config_free(config);
    td_tape_close(&opened);
}

/* A set that cannot be played on one of the markets is found before anything is written. */
static void a_window_too_long_for_one_market(void **state) {
    (void)state;
    const char *path = td_test_path("long.h5");
    assert_fails(sweep(tape_path, "symbols: all\nintervals: [5m, 1d]\n", path, false, NULL, NULL), TD_BAD_CONFIG,
                 "BTCUSDT 1d: trial 2 of 11 (fast 2, slow 20): ");
    assert_non_null(strstr(error.message, "parameter slow is 20 bars, longer than the tape of 10 bars"));
    assert_int_equal(access(path, F_OK), -1);
}

/* Markets with fewer bars than blocks: returns behind their own blocks are NaN. */
static void short_markets_have_fewer_blocks(void **state) {
    (void)state;
    td_tape opened;
    assert_ok(td_tape_open(tape_path, false, &opened, &error));
    char text[1024];
    snprintf(text, sizeof text, "tape: %s\nstrategy: buy-and-hold\nsymbols: [BTCUSDT, LTCUSDT]\nintervals: [1d, 5m]\n"
                                "metrics: {blocks: 16}\n", tape_path);
    td_config *config;
    assert_ok(td_config_parse("short.yaml", text, NULL, 0, stderr, &config, &error));
    td_sweep_def def = td_default_sweep_def();
    const char *path = td_test_path("short.h5");
    assert_ok(td_sweep_run(config, &opened, path, &def, NULL, &error));
    td_results *results;
    assert_ok(td_results_open(path, &results, &error));
    assert_int_equal(td_results_blocks(results), 16);
    float returns[16];
    for (int64_t row = 0; row < 4; row++) {
        int64_t blocks = row % 2 ? 16 : 10;
        assert_ok(td_results_block_returns(results, row, returns, &error));
        for (int64_t b = 0; b < 16; b++) assert_int_equal(isnan(returns[b]) != 0, b >= blocks);
    }
    td_results_close(results);
    td_config_free(config);
    td_tape_close(&opened);
    assert_int_equal(td_test_run(NULL, NULL, "$TAPEDECK verify %s --sample all", path), 0);
}

static void the_plan_counts_markets(void **state) {
    (void)state;
    td_tape opened;
    assert_ok(td_tape_open(tape_path, false, &opened, &error));
    td_config *all = parse(tape_path, several), *one = parse(tape_path, "symbols: [BTCUSDT]");
    td_sweep_def def = td_default_sweep_def();
    td_sweep_plan many, single;
    assert_ok(td_sweep_make_plan(all, &opened, &def, true, &many, &error));
    assert_ok(td_sweep_make_plan(one, &opened, &def, true, &single, &error));
    assert_int_equal(many.trials, SETS);
    assert_int_equal(many.rows, SETS * SYMBOLS * INTERVALS);
    assert_int_equal(many.symbols, SYMBOLS);
    assert_int_equal(many.intervals, INTERVALS);
    assert_int_equal(many.bars, BARS);
    assert_int_equal(single.rows, SETS);
    assert_true(many.seconds > 0 && many.bar_evaluations_per_second > 0 && many.disk_bytes > single.disk_bytes);
    /* memory is that of the largest market, not of all */
    assert_true(many.memory_bytes - single.memory_bytes < 1 << 20);
    assert_true(many.bar_evaluations > 2.0 * SETS * BARS && many.bar_evaluations < 3.0 * SETS * BARS * 1.2);
    td_config_free(all);
    td_config_free(one);
    td_tape_close(&opened);
}

/* ---- the program ---- */

static json_t *show(const char *arguments) {
    char *out, *err;
    int code = td_test_run(&out, &err, "cd %s && $TAPEDECK show %s", td_test_folder(), arguments);
    if (code) fail_msg("show %s: %d, %s", arguments, code, err);
    json_t *document = json_loads(out, 0, NULL);
    free(out);
    free(err);
    return document;
}

/* What the program must say: exit code, and parts of both streams. */
typedef struct command {
    const char *arguments, *out, *err;
    int code;
} command;

static void assert_commands(const command *commands, size_t count) {
    for (size_t c = 0; c < count; c++) {
        char *out, *err;
        int code = td_test_run(&out, &err, "cd %s && $TAPEDECK %s", td_test_folder(), commands[c].arguments);
        if (code != commands[c].code || !strstr(out, commands[c].out) || !strstr(err, commands[c].err))
            fail_msg("%s: %d\n%s\n%s", commands[c].arguments, code, out, err);
        free(out);
        free(err);
    }
}

static const char *text_at(const json_t *object, const char *key) { return json_string_value(json_object_get(object, key)); }
static double number_at(const json_t *object, const char *key) { return json_number_value(json_object_get(object, key)); }

static void show_knows_markets(void **state) {
    (void)state;
    assert_ok(sweep(tape_path, several, td_test_path("shown.h5"), false, NULL, NULL));
    json_t *all = show("shown.h5 --by total_return --top all --json");
    assert_int_equal(json_array_size(all), SETS * SYMBOLS * INTERVALS);
    json_t *some = show("shown.h5 --by total_return --top all --symbol ETHUSDT --interval 1h --json");
    assert_int_equal(json_array_size(some), SETS);
    size_t i, found = 0;
    json_t *object;
    json_array_foreach(some, i, object) {
        assert_string_equal(text_at(object, "symbol"), "ETHUSDT");
        assert_string_equal(text_at(object, "interval"), "1h");
    }
    /* the rows of the one are those of the other, in the same order */
    json_array_foreach(all, i, object)
        if (!strcmp(text_at(object, "symbol"), "ETHUSDT") && !strcmp(text_at(object, "interval"), "1h"))
            assert_true(json_equal(object, json_array_get(some, found++)));
    assert_int_equal(found, SETS);

    /* over symbols, against sums of what was shown */
    json_t *over = show("shown.h5 --by total_return --over symbols --statistic min --interval 5m --top all --json");
    assert_int_equal(json_array_size(over), SETS);
    double before = INFINITY;
    json_array_foreach(over, i, object) {
        assert_int_equal((int)number_at(object, "over"), SYMBOLS);
        double values[SYMBOLS], sum = 0;
        int count = 0;
        size_t j;
        json_t *row;
        json_array_foreach(all, j, row)
            if (number_at(row, "trial") == number_at(object, "trial") && !strcmp(text_at(row, "interval"), "5m"))
                values[count++] = number_at(json_object_get(row, "metrics"), "total_return");
        assert_int_equal(count, SYMBOLS);
        for (int k = 0; k < SYMBOLS; k++) sum += values[k];
        const json_t *made = json_object_get(object, "total_return");
        assert_near(number_at(made, "mean"), sum / SYMBOLS, 1e-13);
        /* shown largest first */
        assert_true(number_at(made, "max") == values[0] && number_at(made, "median") == values[1]);
        assert_true(number_at(made, "min") == values[2]);
        assert_true(number_at(made, "min") <= before);
        before = number_at(made, "min");
        assert_string_equal(text_at(object, "interval"), "5m");
        assert_null(json_object_get(object, "symbol"));
    }
    json_t *both = show("shown.h5 --by sharpe --over symbols,intervals --where 'trades >= 0' --json --top all");
    assert_int_equal(json_array_size(both), SETS);
    assert_int_equal((int)number_at(json_array_get(both, 0), "over"), SYMBOLS * INTERVALS);
    json_t *none = show("shown.h5 --by sharpe --over symbols --where 'total_return > 1e9' --json");
    assert_int_equal(json_array_size(none), 0);
    json_decref(all), json_decref(some), json_decref(over), json_decref(both), json_decref(none);

    static const command cases[] = {
        {"show shown.h5 --top 1",
         "sma-cross on 3 symbols (BTCUSDT, ETHUSDT, LTCUSDT) at 2 intervals (5m, 1h)\n11 trials, 66 plays: 66 done, "
         "1 excluded by constraints; by sharpe, largest first\nrank  trial  symbol   interval  fast", "", 0},
        {"show shown.h5 --over symbols --top 1",
         "; sharpe over symbols, by its mean, largest first\nrank  trial  interval  fast  slow", "", 0},
        {"show shown.h5 --over symbols,intervals --csv --top 1", "trial,fast,slow,over,mean,median,min,max\n", "", 0},
        {"show shown.h5 --csv --top 1 --columns sharpe", "trial,symbol,interval,state,hash,sharpe\n", "", 0},
        {"show shown.h5 --symbol ETHUSD", "", "--symbol: the results have no symbol 'ETHUSD'; did you mean 'ETHUSDT'?", 2},
        {"show shown.h5 --interval 4d", "", "--interval: the results have no interval '4d'; ", 2},
        {"show shown.h5 --over markets", "", "--over is 'markets', must be symbols, intervals or symbols,intervals", 2},
        {"show shown.h5 --over symbols --statistic best", "", "--statistic is 'best', must be mean, median, min or max", 2},
        {"show shown.h5 --statistic min", "", "--statistic goes with --over", 2},
        {"verify shown.h5 --sample 30", "30 of 66 finished sets replayed with the reference engine: hash", "", 0},
    };
    assert_commands(cases, sizeof cases / sizeof *cases);
}

static void run_and_plan_know_markets(void **state) {
    (void)state;
    char text[2048];
    snprintf(text, sizeof text, "tape: three.h5\n%s%s", grid, several);
    td_test_write(td_test_path("program.yaml"), text);
    static const command cases[] = {
        {"run program.yaml --trial 3", "",
         "program.yaml names 3 symbols and run plays one: choose with --set symbols=[BTCUSDT]", 2},
        {"run program.yaml --trial 3 --set symbols=ETHUSDT", "",
         "names 2 intervals and run plays one: choose with --set intervals=[5m]", 2},
        {"run program.yaml --trial 3 --set symbols=[ETHUSDT] --set intervals=1h",
         "\nETHUSDT 1h, 192 bars from 2023-01-03T10:00:00Z to ", "", 0},
        {"run program.yaml --trial 3 --set symbols=[ETHUSD] --set intervals=1h", "", "did you mean 'ETHUSDT'?", 2},
        {"plan program.yaml", "11 (constraints exclude 1) on 3 symbols at 2 intervals", "", 0},
        {"plan program.yaml --json", "\"plays\": 66", "", 0},
        {"sweep program.yaml -o p.h5 --set limits.memory=1MB", "", "limits.memory is 1000000 bytes", 1},
        {"sweep program.yaml -o p.h5 --json --top 1", "\"symbol\": ", "66 sets finished, 66 of them now", 0},
        {"sweep program.yaml -o p.h5 --resume", "", "all 66 sets are finished already", 0},
    };
    assert_commands(cases, sizeof cases / sizeof *cases);
}

/* Recorded pairs, imported by their names: the sweep over both is the two sweeps, and the reference engine agrees. */
static void recorded_pairs_are_swept(void **state) {
    (void)state;
    const char *shared = td_test_shared();
    if (!shared) {
        print_message("skipped: the recorded bars are not there (TAPEDECK_SHARED names the folder)\n");
        skip();
    }
    const char *commands =
        "cd %s && data=%s/data/crypto_misc\n"
        "for pair in ETH LTC; do cp $data/freqtrade_${pair}_BTC-5m.csv.gz ${pair}_BTC-5m.csv.gz; done\n"
        "$TAPEDECK data import klines ???_BTC-5m.csv.gz --symbol-from-name --interval 5m -o pairs.h5 && cat > pairs.yaml <<'END'\n"
        "tape: pairs.h5\n%s"
        "symbols: all\nintervals: [5m, 15m, 1h]\nEND\n"
        "set -e\n"
        "$TAPEDECK sweep pairs.yaml -o pairs-results.h5 -q --top 0 && $TAPEDECK verify pairs-results.h5 --sample all >&2\n"
        "for pair in ETH_BTC LTC_BTC; do for interval in 5m 15m 1h; do\n"
        "  $TAPEDECK sweep pairs.yaml --set symbols=[$pair] --set intervals=[$interval] -o alone.h5 --force -q --top 0\n"
        "  $TAPEDECK show alone.h5 --csv --top all | cut -d, -f1,3- > alone.csv\n"
        "  $TAPEDECK show pairs-results.h5 --symbol $pair --interval $interval --csv --top all | cut -d, -f1,5- > both.csv\n"
        "  test $(wc -l < both.csv) = 12 && cmp alone.csv both.csv\n"
        "done; done\n";
    char *out, *err;
    int code = td_test_run(&out, &err, commands, td_test_folder(), shared, grid);
    if (code || !strstr(err, "66 of 66 finished sets replayed")) fail_msg("%d\n%s\n%s", code, out, err);
    free(out);
    free(err);
}

/* Results of a tape that has grown by a symbol since can be verified and are those of the same data; a changed bar is found. */
static void a_tape_may_grow(void **state) {
    (void)state;
    const char *commands = "cd %s && cp one.h5 grows.h5 && cat > grows.yaml <<'END'\ntape: grows.h5\n%sEND\n"
                           "$TAPEDECK sweep grows.yaml -o grows-results.h5 -q --top 0 && "
                           "printf 'time,open,high,low,close\\n1672531200,1,2,1,1\\n1672531500,1,2,1,1\\n' > NEW.csv && "
                           "$TAPEDECK data import klines NEW.csv --symbol-from-name --interval 5m --append -o grows.h5 && "
                           "$TAPEDECK verify grows-results.h5 --sample all && "
                           "! $TAPEDECK run grows.yaml --trial 0";
    char *out, *err;
    int code = td_test_run(&out, &err, commands, td_test_folder(), grid);
    if (code) fail_msg("%s\n%s", out, err);
    assert_non_null(strstr(out, "11 of 11 finished sets replayed"));
    assert_non_null(strstr(err, "grows.h5 holds 2 symbols (ETHUSDT, NEW): name those to play"));
    free(out);
    free(err);
    code = td_test_run(&out, &err, "cd %s && /usr/bin/python3 -c 'import h5py; f = h5py.File(\"grows.h5\", \"r+\"); "
                                   "f[\"volume\"][0, 1000] += 1' && $TAPEDECK verify grows-results.h5", td_test_folder());
    assert_int_equal(code, 3);
    assert_non_null(strstr(err, "is not the tape of grows-results.h5"));
    free(out);
    free(err);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wrong_names_are_refused),
        cmocka_unit_test(wrong_lists_are_refused),
        cmocka_unit_test(digests_of_configurations),
        cmocka_unit_test(the_period_narrows_the_bars),
        cmocka_unit_test(an_empty_period_is_refused),
        cmocka_unit_test(every_market_is_its_own_sweep),
        cmocka_unit_test(resumed_is_the_same),
        cmocka_unit_test(a_window_too_long_for_one_market),
        cmocka_unit_test(short_markets_have_fewer_blocks),
        cmocka_unit_test(the_plan_counts_markets),
        cmocka_unit_test(show_knows_markets),
        cmocka_unit_test(a_portfolio_is_one_market),
        cmocka_unit_test(run_and_plan_know_markets),
        cmocka_unit_test(recorded_pairs_are_swept),
        cmocka_unit_test(a_tape_may_grow),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
