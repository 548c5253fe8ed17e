/* data/synth.h: the synthetic market. */
#include "tests/support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "data/quality.h"
#include "data/synth.h"

static td_error error;

static td_bars made(int64_t count, const char *interval, uint64_t seed) {
    td_synth_def def = td_default_synth_def();
    def.bars = count;
    strcpy(def.interval, interval);
    def.seed = seed;
    td_bars bars;
    td_bars_init(&bars, false);
    assert_ok(td_synth(&def, &bars, &error));
    assert_int_equal(bars.count, count);
    return bars;
}

/* The bits are part of the contract: they change on purpose only, with this digest and docs/synthetic-tape.md. */
static void bits_are_fixed(void **state) {
    (void)state;
    td_bars bars = made(10000, "1m", 1);
    td_tape tape = td_bars_tape(&bars, "SYNTH", "1m");
    td_tape_digest(&tape);
    assert_string_equal(tape.digest, "7b9bd7b13ec7ebc0e9b9b0b9aaff97bd1c8550d3bad2b5c4eab771763021e748");
    td_bars_free(&bars);
}

/* Symbols of one market: the leader is the market of one symbol, the others follow it, each with holes of its own; fixed bits. */
static void symbols_are_correlated(void **state) {
    (void)state;
    enum { COUNT = 100000 };
    td_synth_def def = td_default_synth_def();
    def.bars = COUNT;
    td_bars leader, follower;
    td_bars_init(&leader, false);
    td_bars_init(&follower, false);
    assert_ok(td_synth(&def, &leader, &error));
    def.symbol = 1;
    assert_ok(td_synth(&def, &follower, &error));
    assert_int_equal(leader.count, COUNT);
    assert_in_range(follower.count, COUNT - 1000, COUNT - 10);
    double xx = 0, yy = 0, xy = 0;
    for (int64_t t = 1, u = 1; t < COUNT && u < follower.count; t++) {
        if (follower.time_ns[u] != leader.time_ns[t]) continue; /* every bar of the follower is at a time of the leader's */
        if (follower.time_ns[u - 1] == leader.time_ns[t - 1]) {
            double x = log(leader.column[TD_CLOSE][t] / leader.column[TD_CLOSE][t - 1]);
            double y = log(follower.column[TD_CLOSE][u] / follower.column[TD_CLOSE][u - 1]);
            xx += x * x, yy += y * y, xy += x * y;
        }
        u++;
    }
    assert_near(xy / sqrt(xx * yy), 0.6, 0.1);
    assert_in_range(follower.column[TD_CLOSE][0] * 2, 29000, 31000);
    td_tape tape = td_bars_tape(&follower, "SYNTH2", "1m");
    td_tape_digest(&tape);
    assert_string_equal(tape.digest, "8e5f9a3b8c226668c3f54da24556000407cc0c583eacfaaa3eda9edfae64e0d0");
    td_bars_free(&leader);
    td_bars_free(&follower);
    def.symbol = 1000;
    assert_fails(td_synth(&def, &leader, &error), TD_BAD_ARG, "symbol is 1000, must be from 0 to 999");
}

static void longer_begins_as_shorter(void **state) {
    (void)state;
    td_bars a = made(500, "5m", 9), b = made(2000, "5m", 9), c = made(500, "5m", 10);
    assert_memory_equal(a.time_ns, b.time_ns, 500 * 8);
    for (int i = 0; i < TD_BAR_PLAIN; i++) assert_memory_equal(a.column[i], b.column[i], 500 * 8);
    assert_memory_not_equal(a.column[TD_CLOSE], c.column[TD_CLOSE], 500 * 8);
    td_bars_free(&a);
    td_bars_free(&b);
    td_bars_free(&c);
}

static void bars_are_playable(void **state) {
    (void)state;
    static const char *const intervals[] = {"1s", "1m", "15m", "4h", "1d", "1w", "1mo"};
    for (size_t i = 0; i < sizeof intervals / sizeof *intervals; i++) {
        td_bars bars = made(i < 5 ? 20000 : 500, intervals[i], 3);
        td_tape tape = td_bars_tape(&bars, "SYNTH", intervals[i]);
        assert_ok(td_tape_validate(&tape, intervals[i], &error));
        td_quality quality = td_quality_scan(&tape);
        assert_int_equal(quality.outside, 0);
        assert_int_equal(quality.volume_missing + quality.volume_zero, 0);
        for (int64_t t = 0; t < bars.count; t++)
            for (int c = TD_OPEN; c <= TD_CLOSE; c++) {
                double ticks = bars.column[c][t] * 100;
                assert_near(ticks, floor(ticks + 0.5), 1e-12); /* on the grid of 0.01 */
            }
        td_bars_free(&bars);
    }
}

/* Log returns of the close, and their standard deviation. */
static double *returns_of(const td_bars *bars, double *deviation) {
    double *r = malloc((size_t)bars->count * sizeof *r), sum = 0, squares = 0;
    for (int64_t t = 1; t < bars->count; t++) {
        r[t - 1] = log(bars->column[TD_CLOSE][t] / bars->column[TD_CLOSE][t - 1]);
        sum += r[t - 1];
        squares += r[t - 1] * r[t - 1];
    }
    double n = (double)bars->count - 1;
    *deviation = sqrt(squares / n - sum / n * sum / n);
    return r;
}

static double correlation(int64_t n, const double *x, const double *y) {
    double sx = 0, sy = 0, xx = 0, yy = 0, xy = 0, count = (double)n;
    for (int64_t i = 0; i < n; i++) {
        sx += x[i];
        sy += y[i];
        xx += x[i] * x[i];
        yy += y[i] * y[i];
        xy += x[i] * y[i];
    }
    return (xy - sx * sy / count) / sqrt((xx - sx * sx / count) * (yy - sy * sy / count));
}

/* A year of minutes has what docs/synthetic-tape.md promises. The bounds are wide; the seed is fixed. */
static void a_year_looks_like_a_market(void **state) {
    (void)state;
    td_bars bars = made(525600, "1m", 1);
    double deviation, fourth = 0;
    double *r = returns_of(&bars, &deviation), *size = malloc((size_t)bars.count * sizeof *size);
    int64_t n = bars.count - 1, gaps_at_open = 0;
    for (int64_t t = 0; t < n; t++) {
        double z = r[t] / deviation;
        fourth += z * z * z * z;
        size[t] = fabs(r[t]);
        gaps_at_open += bars.column[TD_OPEN][t + 1] != bars.column[TD_CLOSE][t];
    }
    /* 60 % a year, and jumps */
    double yearly = deviation * sqrt(525600);
    assert_true(yearly > 0.5 && yearly < 0.9);
    assert_true(fourth / (double)n > 10); /* a normal distribution has 3 */
    /* volatility clusters: sizes of moves are correlated over an hour and over a day, moves are not */
    assert_true(correlation(n - 1, size, size + 1) > 0.1);
    assert_true(correlation(n - 60, size, size + 60) > 0.04);
    assert_true(fabs(correlation(n - 1, r, r + 1)) < 0.02);
    /* volume follows the size of the move */
    assert_true(correlation(n, bars.column[TD_VOLUME] + 1, size) > 0.3);
    /* about a third of the bars open elsewhere than the last close */
    assert_true(gaps_at_open > n / 5 && gaps_at_open < n / 2);
    /* the busy hour moves more than the quiet one */
    double busy = 0, quiet = 0;
    int64_t busy_bars = 0, quiet_bars = 0;
    for (int64_t t = 0; t < n; t++) {
        int64_t hour = bars.time_ns[t + 1] / (3600 * TD_NS_PER_SECOND) % 24;
        if (hour == 15) busy += size[t], busy_bars++;
        if (hour == 3) quiet += size[t], quiet_bars++;
    }
    assert_true(busy / (double)busy_bars > 1.3 * quiet / (double)quiet_bars);
    /* maintenance: a window about every twenty days, of 20 to 240 minutes */
    td_tape tape = td_bars_tape(&bars, "SYNTH", "1m");
    td_quality quality = td_quality_scan(&tape);
    assert_true(quality.gaps >= 8 && quality.gaps <= 35);
    assert_true(quality.largest_gap.missing <= 240 && quality.missing_bars >= 20 * quality.gaps);
    free(size);
    free(r);
    td_bars_free(&bars);
}

static void wrong_definitions(void **state) {
    (void)state;
    td_bars bars;
    td_bars_init(&bars, false);
    td_synth_def def = td_default_synth_def();
    def.bars = 0;
    assert_fails(td_synth(&def, &bars, &error), TD_BAD_ARG, "bars is 0, must be from 1 to 2^31");
    def = td_default_synth_def();
    strcpy(def.interval, "fast");
    assert_fails(td_synth(&def, &bars, &error), TD_BAD_ARG, "interval is \"fast\"");
    def = td_default_synth_def();
    def.price = 0;
    assert_fails(td_synth(&def, &bars, &error), TD_BAD_ARG, "price is 0");
    def = td_default_synth_def();
    def.volatility = NAN;
    assert_fails(td_synth(&def, &bars, &error), TD_BAD_ARG, "volatility is nan");
    def = td_default_synth_def();
    def.ticks_per_unit = 0;
    assert_fails(td_synth(&def, &bars, &error), TD_BAD_ARG, "ticks_per_unit is 0");
    def = td_default_synth_def();
    strcpy(def.interval, "1mo");
    def.bars = 100000;
    assert_fails(td_synth(&def, &bars, &error), TD_BAD_ARG, "would end after the year 2262");
    td_bars_free(&bars);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bits_are_fixed),     cmocka_unit_test(symbols_are_correlated),     cmocka_unit_test(longer_begins_as_shorter),
        cmocka_unit_test(bars_are_playable),
        cmocka_unit_test(a_year_looks_like_a_market), cmocka_unit_test(wrong_definitions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
