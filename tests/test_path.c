/* Metrics of a path: by hand, in profile vectorbt with the numbers of the package itself; and of random plays, against a second
 * computation that takes other ways: counted ranks, raw moments, sums of logarithms, in long double. tests/peers/vectorbt_cases.py
 * compares with the package. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/deck.h"
#include "sim/path.h"
#include "tests/plays.h"

static double found[TD_PATH_METRIC_COUNT];
#define expect(name, value) assert_near(found[TD_PATH_METRIC_##name], value, 1e-14)

/* Four samples a year, of which the closes are 10, 10, 11, 9.9 and equity, begun with 100, is 110, 99, 108.9, 108.9. */
static void finish_by_hand(td_profile profile, double risk_free, double required, const double *equity) {
    td_error error;
    double price[] = {10, 10, 11, 9.9}, volume[4] = {0};
    int64_t time[] = {0, TD_NS_PER_DAY, 2 * TD_NS_PER_DAY, 3 * TD_NS_PER_DAY};
    td_tape tape = {.bars = 4, .symbols = 1, .interval_ns = TD_NS_PER_DAY, .time_ns = time, .open = price, .high = price, .low = price,
                    .close = price, .volume = volume};
    td_play_def def = td_default_play_def();
    def.strategy = td_test_strategy("script");
    def.profile = profile;
    def.risk_free = risk_free;
    def.required_return = required;
    def.periods_per_year = 4;
    td_deck *deck;
    assert_ok(td_deck_make(&tape, &def, &deck, &error));
    td_set set = td_default_set(def.strategy);
    set.knob[TD_KNOB_cash] = 100;
    td_cell cell = {.state = TD_CELL_DONE};
    cell.metrics[TD_METRIC_annual_return] = equity[3] / 100 - 1;
    td_path path;
    assert_ok(td_path_open(&path, deck, &set, &error));
    memcpy(path.equity, equity, 4 * sizeof *equity);
    path.gross_exposure = 0.5;
    assert_ok(td_path_finish(&path, &cell, found, &error));
    td_path_close(&path);
    td_deck_free(deck);
}

static void by_hand(void **state) {
    (void)state;
    const double equity[] = {110, 99, 108.9, 108.9};
    /* returns .1, -.1, .1, 0; the market's 0, 0, .1, -.1 */
    finish_by_hand(TD_PROFILE_TAPEDECK, 0.009, 0, equity);
    expect(omega, 2);
    expect(value_at_risk, -0.085); /* rank .15 of -.1, 0, .1, .1 */
    expect(conditional_value_at_risk, -0.1);
    expect(tail_ratio, 0.1 / 0.085);
    expect(common_sense_ratio, 2 * 0.1 / 0.085);
    expect(skewness, -0.00028125 / pow(0.006875, 1.5) * sqrt(3)); /* m3 over m2^1.5, times sqrt(4 * 3) / 2 */
    expect(kurtosis, (5 * (((2 * pow(0.075, 4) + pow(0.125, 4) + pow(0.025, 4)) / 4) / (0.006875 * 0.006875) - 3) + 6) * 3 / 2);
    expect(information_ratio, 0.025 / sqrt(0.0275 / 3) * 2); /* beyond the market .1, -.1, 0, .1 */
    assert_near(found[TD_PATH_METRIC_capture_ratio], 0.089 / -0.01, 1e-13); /* 1.089 less 1 */
    expect(up_capture_ratio, 1);
    expect(down_capture_ratio, 0);
    expect(ulcer_index, sqrt(0.0102 / 4)); /* drawdowns 0, .1, .01, .01 */
    expect(martin_ratio, (108.9 / 100 - 1 - 0.009) / sqrt(0.0102 / 4));
    expect(max_gross_exposure, 0.5);
    finish_by_hand(TD_PROFILE_TAPEDECK, 0, 0.2, equity); /* .05 a sample */
    expect(omega, 0.1 / 0.2);
}

/* The package's own numbers for the same returns: required_return .2, risk_free .01, year of four days. */
static void as_vectorbt_has_them(void **state) {
    (void)state;
    const double equity[] = {110, 99, 108.9, 108.9}, rising[] = {100, 110, 120, 120};
    finish_by_hand(TD_PROFILE_VECTORBT, 0.01, 0.2, equity);
    expect(omega, 0.4066657656669673);
    expect(value_at_risk, -0.08500000000000002);
    expect(conditional_value_at_risk, -0.1);
    expect(tail_ratio, 1.1764705882352946);
    expect(common_sense_ratio, 1.281176470588236);
    expect(skewness, -0.8545630383279711);
    expect(kurtosis, -1.2892561983471111);
    expect(information_ratio, 0.26111648393354664);
    assert_near(found[TD_PATH_METRIC_capture_ratio], -8.90000000000011, 1e-12);
    expect(up_capture_ratio, 1);
    expect(down_capture_ratio, 0);
    expect(ulcer_index, 0.05049752469181037);
    assert_near(found[TD_PATH_METRIC_martin_ratio], 0.9583834117684777, 1e-12);
    /* ratios over nothing are infinite there */
    finish_by_hand(TD_PROFILE_VECTORBT, 0, 0, rising);
    assert_true(isinf(found[TD_PATH_METRIC_omega]));
    finish_by_hand(TD_PROFILE_TAPEDECK, 0, 0, rising);
    assert_true(isnan(found[TD_PATH_METRIC_omega]) && isnan(found[TD_PATH_METRIC_martin_ratio]));
}

/* ---- random plays */

typedef long double number;

static number power_mean(const number *x, int64_t n, int power) {
    number sum = 0;
    for (int64_t k = 0; k < n; k++) sum += powl(x[k], power);
    return sum / (number)n;
}

/* The value with so many smaller ones. */
static number ranked(const number *x, int64_t n, int64_t rank) {
    for (int64_t k = 0; k < n; k++) {
        int64_t below = 0, equal = 0;
        for (int64_t j = 0; j < n; j++) below += x[j] < x[k], equal += x[j] == x[k];
        if (below <= rank && rank < below + equal) return x[k];
    }
    return NAN;
}

static number percentile(const number *x, int64_t n, number share) {
    number at = share * (number)(n - 1), low = floorl(at);
    number a = ranked(x, n, (int64_t)low), b = ranked(x, n, (int64_t)low + 1 < n ? (int64_t)low + 1 : n - 1);
    return a + (at - low) * (b - a);
}

static number captured(const number *r, const double *market, int64_t n, number per_year, int way) {
    number ours = 0, theirs = 0;
    int64_t count = 0;
    for (int64_t k = 0; k < n; k++) {
        if (way > 0 ? market[k] <= 0 : way < 0 && market[k] >= 0) continue;
        ours += log1pl(r[k]);
        theirs += log1pl(market[k]);
        count++;
    }
    if (!count || theirs == 0) return NAN;
    return expm1l(ours * per_year / (number)count) / expm1l(theirs * per_year / (number)count);
}

static void check(const char *name, uint64_t seed, double is, number should) {
    if (isnan(is) ? isnan((double)should) || fabsl(should) > 1e100L : fabsl(is - should) <= 1e-9L * (1 + fabsl(should))) return;
    print_error("seed %llu: %s is %.17g, should be %.17g\n", (unsigned long long)seed, name, is, (double)should);
    fail();
}

static void random_plays(void **state) {
    (void)state;
    int compared = 0;
    for (uint64_t seed = 0; seed < 60; seed++) {
        td_error error;
        int64_t bars = td_draw_whole(seed, 1, 40, 400);
        td_tape tape = td_test_tape(bars, TD_NS_PER_DAY, seed);
        td_play_def def = td_default_play_def();
        def.strategy = td_strategy_find("sma-cross");
        def.profile = seed % 3 ? TD_PROFILE_TAPEDECK : TD_PROFILE_BACKTESTING;
        def.required_return = seed % 2 ? 0.05 : 0;
        def.sample_bars = td_draw_whole(seed, 2, 0, 5);
        td_set set = td_default_set(def.strategy);
        set.param[0] = 3;
        set.param[1] = 9;
        set.knob[TD_KNOB_lot] = def.profile == TD_PROFILE_BACKTESTING;
        set.knob[TD_KNOB_cash] = 1e6;
        td_deck *deck;
        td_path path;
        td_cell cell, plain;
        assert_ok(td_deck_make(&tape, &def, &deck, &error));
        assert_ok(td_path_open(&path, deck, &set, &error));
        td_observer observer = td_path_observer(&path, (td_observer){0});
        assert_ok(td_play_detailed(deck, &set, &observer, &cell, NULL, &error));
        assert_ok(td_play_detailed(deck, &set, NULL, &plain, NULL, &error));
        assert_true(cell.hash == plain.hash);
        assert_ok(td_path_finish(&path, &cell, found, &error));
        int64_t n = deck->returns, skipped = deck->view.samples - n;
        number *r = malloc((size_t)n * sizeof *r), per_year = deck->periods_per_year, gained = 0, lost = 0, dips = 0;
        number threshold = def.required_return / per_year, tail = 0, beyond = 0, beyond2 = 0;
        const double *market = deck->view.sample_market + skipped;
        for (int64_t k = 0; k < n; k++) {
            int64_t sample = k + skipped;
            number before = sample ? path.equity[deck->view.sample_bar[sample - 1]] : set.knob[TD_KNOB_cash];
            r[k] = path.equity[deck->view.sample_bar[sample]] / before - 1;
            beyond += r[k] - market[k];
            beyond2 += (r[k] - market[k]) * (r[k] - market[k]);
            *(r[k] > threshold ? &gained : &lost) += fabsl(r[k] - threshold);
        }
        if (cell.ruined || n < 4 || lost == 0) goto next;
        number mean = power_mean(r, n, 1), m2 = power_mean(r, n, 2), m3 = power_mean(r, n, 3), m4 = power_mean(r, n, 4), k = (number)n;
        number c2 = m2 - mean * mean, c3 = m3 - 3 * mean * m2 + 2 * mean * mean * mean;
        number c4 = m4 - 4 * mean * m3 + 6 * mean * mean * m2 - 3 * powl(mean, 4);
        check("omega", seed, found[TD_PATH_METRIC_omega], gained / lost);
        check("value_at_risk", seed, found[TD_PATH_METRIC_value_at_risk], percentile(r, n, 0.05L));
        int64_t lowest = (n - 1) / 20 + 1;
        for (int64_t i = 0; i < lowest; i++) tail += ranked(r, n, i);
        check("conditional_value_at_risk", seed, found[TD_PATH_METRIC_conditional_value_at_risk], tail / (number)lowest);
        check("tail_ratio", seed, found[TD_PATH_METRIC_tail_ratio], fabsl(percentile(r, n, 0.95L) / percentile(r, n, 0.05L)));
        check("skewness", seed, found[TD_PATH_METRIC_skewness], c3 / powl(c2, 1.5L) * sqrtl(k * (k - 1)) / (k - 2));
        check("kurtosis", seed, found[TD_PATH_METRIC_kurtosis], (k - 1) / ((k - 2) * (k - 3)) * ((k + 1) * (c4 / (c2 * c2) - 3) + 6));
        check("information_ratio", seed, found[TD_PATH_METRIC_information_ratio],
              beyond / k / sqrtl((beyond2 - beyond * beyond / k) / (k - 1)) * sqrtl(per_year));
        check("capture_ratio", seed, found[TD_PATH_METRIC_capture_ratio], captured(r, market, n, per_year, 0));
        check("up_capture_ratio", seed, found[TD_PATH_METRIC_up_capture_ratio], captured(r, market, n, per_year, +1));
        check("down_capture_ratio", seed, found[TD_PATH_METRIC_down_capture_ratio], captured(r, market, n, per_year, -1));
        for (int64_t t = 0; t < bars; t++) {
            double peak = set.knob[TD_KNOB_cash];
            for (int64_t s = 0; s <= t; s++) peak = fmax(peak, path.equity[s]);
            dips += powl(1 - (number)path.equity[t] / peak, 2);
        }
        check("ulcer_index", seed, found[TD_PATH_METRIC_ulcer_index], sqrtl(dips / (number)bars));
        compared++;
    next:
        free(r);
        td_path_close(&path);
        td_deck_free(deck);
    }
    assert_true(compared > 40);
}

static void of_a_failed_cell(void **state) {
    (void)state;
    td_error error;
    td_tape tape = td_test_tape(50, TD_NS_PER_DAY, 1);
    td_play_def def = td_default_play_def();
    def.strategy = td_strategy_find("sma-cross");
    td_set set = td_default_set(def.strategy);
    td_deck *deck;
    td_path path;
    assert_ok(td_deck_make(&tape, &def, &deck, &error));
    assert_ok(td_path_open(&path, deck, &set, &error));
    assert_ok(td_path_finish(&path, &(td_cell){.state = TD_CELL_FAILED}, found, &error));
    for (int i = 0; i < TD_PATH_METRIC_COUNT; i++) assert_true(isnan(found[i]));
    td_path_close(&path);
    td_deck_free(deck);
}

static void names_are_defined(void **state) {
    (void)state;
    const char *source = getenv("TAPEDECK_SOURCE");
    if (!source) skip();
    char file[1024], name[64];
    snprintf(file, sizeof file, "%s/docs/metrics.md", source);
    char *document = td_test_read(file);
    for (int i = 0; i < TD_PATH_METRIC_COUNT; i++) {
        const td_metric_info *info = &td_path_metric_infos[i];
        assert_int_equal(td_metric_find(info->name), -1); /* of a path or of a cell */
        snprintf(name, sizeof name, "`%s`", info->name);
        if (!strstr(document, name)) print_error("docs/metrics.md does not define %s\n", name);
        assert_non_null(strstr(document, name));
    }
    free(document);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(by_hand),          cmocka_unit_test(as_vectorbt_has_them), cmocka_unit_test(random_plays),
        cmocka_unit_test(of_a_failed_cell), cmocka_unit_test(names_are_defined),
    };
    return cmocka_run_group_tests_name("path", tests, NULL, NULL);
}
