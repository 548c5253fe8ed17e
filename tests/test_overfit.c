/* Statistics of many trials against published and independently computed values. */
#include <math.h>
#include <stdlib.h>

#include "sweeps/overfit.h"
#include "sweeps/reality.h"
#include "tests/support.h"

/* psr: pypbo's tests, Briones' tests, mlfinlab's; as independent computations of the formulas give them */
static void sharpe_ratios_are_probable(void **state) {
    (void)state;
    assert_near(td_psr(1.585 / sqrt(12), 0, -2.448, 10.164, 24), 0.91323430688486019, 1e-12);
    assert_near(td_psr(0.458, 0, 0, 3, 24), 0.98167492, 1e-8);
    assert_near(td_psr(0.458, 0, -2.448, 10.164, 24), 0.91336108, 1e-8);
    assert_near(td_psr(1.14, 1, 0, 3, 250), 0.95727788, 1e-8);
}

static void the_best_of_many_is_expected_to_shine(void **state) {
    (void)state;
    assert_near(td_expected_max(45), 2.235640177766, 1e-12);
    assert_near(td_expected_max(100), 2.530602893201682, 1e-12);
    assert_near(td_expected_max(1000), 3.255121513653, 1e-12);
    assert_near(td_expected_max(2), 1 / sqrt(M_PI), 1e-13);          /* by hand: E max of two */
    assert_near(td_expected_max(3), 1.5 / sqrt(M_PI), 1e-13);        /* and of three */
    assert_near(td_expected_max(10), 1.538752730835173, 1e-12);
    assert_true(td_expected_max(1) == 0);
    double dsr = td_dsr(2.5 / sqrt(250), 0.5 / 250, 100, -3, 10, 1250);
    assert_near(dsr, 0.90039683444939, 1e-12);
    assert_near(td_dsr(2.5 / sqrt(250), 0.5 / 250, 46, -3, 10, 1250), 0.9505017, 1e-7);
}

static void tracks_must_be_long_enough(void **state) {
    (void)state;
    assert_near(td_min_trl(2 / sqrt(250), 1 / sqrt(250), 0, 3, 0.95) / 250, 2.731187801728, 1e-12);
    assert_near(td_min_trl(2 / sqrt(52), 1 / sqrt(52), 0, 3, 0.95) / 52, 2.828833586945, 1e-12);
    assert_near(td_min_trl(3 / sqrt(12), 2.5 / sqrt(12), -0.72, 5.78, 0.95) / 12, 27.3529201960, 1e-11);
    assert_near(td_min_trl(1.14, 1, 0, 3, 0.95), 228.734979111, 1e-11);
    assert_true(isinf(td_min_trl(1, 1, 0, 3, 0.95)));
    assert_near(td_min_btl_years(1, 45), 4.99808700444344, 1e-12);
}

static void the_revision_of_2025(void **state) {
    (void)state;
    double sharpe = 0.036 / 0.079;
    assert_near(sqrt(td_sharpe_variance(sharpe, -2.448, 10.164, 0, 24)), 0.328588594, 1e-8);
    assert_near(sqrt(td_sharpe_variance(sharpe, 0, 3, 0, 24)), 0.214459545, 1e-8);
    assert_near(td_psr_2025(sharpe, 0, -2.448, 10.164, 0, 24), 0.987207261261, 1e-11);
    assert_near(td_psr_2025(sharpe, 0.1, -2.448, 10.164, 0, 24), 0.939147625103, 1e-11);
    assert_near(td_min_trl_2025(sharpe, 0, -2.448, 10.164, 0, 0.95), 13.02877832, 1e-8);
    assert_near(sqrt(td_sharpe_variance(sharpe, -2.448, 10.164, 0.2, 24)), 0.3794899975, 1e-9);
    assert_near(td_psr_2025(sharpe, 0, -2.448, 10.164, 0.2, 24), 0.965832005, 1e-8);
}

static void moments_by_hand(void **state) {
    (void)state;
    const double returns[] = {1, 2, NAN, 3, 6};
    td_moments m = td_moments_of(returns, 5, 1);
    assert_int_equal(m.count, 4);
    assert_near(m.mean, 3, 1e-15);
    assert_near(m.deviation, sqrt(14.0 / 3), 1e-15);
    /* deviations -2 -1 0 3: squares 14, cubes 18, fourth powers 98 */
    assert_near(m.skew, 18.0 / 4 / pow(3.5, 1.5), 1e-15);
    assert_near(m.kurtosis, 98.0 / 4 / (3.5 * 3.5), 1e-15);
    const double still[] = {0.1, 0.1, 0.1};
    assert_true(isnan(td_moments_of(still, 3, 1).sharpe));
}

static uint64_t generator;
static double uniform(void) {
    uint64_t z = generator += 0x9E3779B97F4A7C15ull;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9ull;
    z = (z ^ z >> 27) * 0x94D049BB133111EBull;
    return (double)((z ^ z >> 31) >> 11) * 0x1p-53;
}

static void overfitting_is_measured(void **state) {
    (void)state;
    td_error error;
    double x[64 * 10];
    generator = 2026;
    for (int i = 0; i < 640; i++) x[i] = 0.02 * (uniform() - 0.5);
    assert_near(x[0], 0.007157084460224363, 1e-15);
    td_pbo pbo;
    assert_ok(td_pbo_make(x, 64, 10, 4, 0, 1, &pbo, &error));
    assert_int_equal(pbo.splits, 6);
    assert_near(pbo.probability, 2.0 / 3, 1e-15);
    assert_near(pbo.mean_logit, -0.8620562606, 1e-10);
    assert_true(isnan(pbo.low));

    /* a trial that is always best is never overfit; a period more, the oldest, changes nothing */
    double y[65 * 3];
    for (int t = 0; t < 65; t++) {
        double noise = uniform() - 0.5;
        y[t * 3] = noise;
        y[t * 3 + 1] = t == 0 ? 1000 : noise + 0.2;
        y[t * 3 + 2] = noise - 0.2;
    }
    td_pbo all, less;
    assert_ok(td_pbo_make(y, 65, 3, 8, 200, 1, &all, &error));
    assert_ok(td_pbo_make(y + 3, 64, 3, 8, 200, 1, &less, &error));
    assert_int_equal(all.splits, 70);
    assert_true(all.probability == 0 && all.probability == less.probability && all.mean_logit == less.mean_logit);
    assert_near(all.mean_logit, log(3), 1e-12); /* rank 3 of 3: 3/4 */
    assert_true(all.low == less.low && all.high == less.high && all.high == 0);
    assert_int_equal(all.histogram[15], 70);

    /* noise: the interval holds the point more often than not, and is wide */
    assert_ok(td_pbo_make(x, 64, 10, 8, 200, 1, &pbo, &error));
    assert_true(pbo.low <= pbo.high && pbo.high - pbo.low > 0.2);
    assert_fails(td_pbo_make(x, 64, 10, 5, 0, 1, &pbo, &error), TD_BAD_ARG, "the number of blocks is 5");
    assert_fails(td_pbo_make(x, 6, 10, 4, 0, 1, &pbo, &error), TD_BAD_ARG, "6 periods do not make 4 blocks");
    assert_fails(td_pbo_make(x, 64, 1, 4, 0, 1, &pbo, &error), TD_BAD_ARG, "1 trial");
}

static void correlated_trials_count_less(void **state) {
    (void)state;
    td_error error;
    td_effective e;
    /* two trials and their mirror images: two independent ones by rank */
    double x[6 * 4];
    const double a[] = {1, -1, 1, -1, 1, -1}, b[] = {1, 1, -1, -1, 0, 0};
    for (int t = 0; t < 6; t++) {
        x[t * 4] = a[t];
        x[t * 4 + 1] = 5 + 2 * a[t];
        x[t * 4 + 2] = b[t];
        x[t * 4 + 3] = 3 * b[t];
    }
    assert_ok(td_effective_trials(x, 6, 4, &e, &error));
    assert_near(e.by_rank, 2, 1e-12);
    assert_near(e.mean_correlation, 4.0 / 12, 1e-12); /* 2 of 6 pairs are 1 */
    assert_near(e.by_mean, 4 * (2.0 / 3) + 1.0 / 3, 1e-12);
    /* more periods than trials goes the other way round to the same number */
    double tall[24 * 2];
    for (int t = 0; t < 24; t++) tall[t * 2] = a[t % 6], tall[t * 2 + 1] = b[t % 6];
    assert_ok(td_effective_trials(tall, 24, 2, &e, &error));
    assert_near(e.by_rank, 2, 1e-12);
}

static double *example(void) {
    double *d = malloc(200 * 5 * sizeof *d);
    generator = 7;
    for (int t = 0; t < 200; t++)
        for (int k = 0; k < 5; k++) d[t * 5 + k] = uniform() - 0.5 + (k == 2 ? 0.03 : 0) - (k == 4 ? 0.5 : 0);
    return d;
}

static void the_best_is_tested_against_luck(void **state) {
    (void)state;
    td_error error;
    double *d = example();
    td_reality_def def = {.replicates = 999, .block_length = 10, .alpha = 0.05, .seed = 11};
    td_reality reality;
    bool superior[5];
    assert_ok(td_reality_test(d, 200, 5, &def, &reality, superior, &error));
    assert_near(reality.plain_lower, 0.0950950951, 1e-9);
    assert_near(reality.plain, 0.1731731732, 1e-9);
    assert_near(reality.plain_upper, 0.2222222222, 1e-9);
    assert_true(reality.rc == reality.plain_upper && reality.spa_lower <= reality.spa && reality.spa <= reality.spa_upper);
    assert_int_equal(reality.best, 2);
    assert_int_equal(reality.rejected, 0);

    /* far above: nothing but it is found, whatever the others are */
    for (int t = 0; t < 200; t++) d[t * 5 + 3] += 0.4;
    assert_ok(td_reality_test(d, 200, 5, &def, &reality, superior, &error));
    assert_true(reality.spa == 0 && reality.rc == 0);
    assert_int_equal(reality.rejected, 1);
    assert_true(superior[3] && !superior[0] && !superior[2]);
    d[7] = NAN;
    assert_fails(td_reality_test(d, 200, 5, &def, &reality, superior, &error), TD_BAD_ARG, "period 2 of trial 3");
    free(d);
}

static void blocks_are_as_long_as_memory(void **state) {
    (void)state;
    double *x = malloc(20000 * sizeof *x), circular;
    generator = 3;
    /* nothing to remember */
    for (int t = 0; t < 20000; t++) x[t] = uniform() - 0.5;
    double independent = td_block_length(x, 20000, NULL);
    /* a first-order autoregression with rho: g = 2 rho / (1 - rho)^2 and the spectrum (1 + rho) / (1 - rho), of a variance of 1 */
    for (int t = 1; t < 20000; t++) x[t] += 0.8 * x[t - 1];
    double length = td_block_length(x, 20000, &circular), theory = cbrt(20000.0 * 4) * pow(0.8 / (1 - 0.64), 2.0 / 3);
    assert_true(independent < 8);
    assert_true(length > 0.7 * theory && length < 1.4 * theory);
    assert_near(circular / length, cbrt(1.5), 1e-12);
    free(x);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sharpe_ratios_are_probable), cmocka_unit_test(the_best_of_many_is_expected_to_shine),
        cmocka_unit_test(tracks_must_be_long_enough), cmocka_unit_test(the_revision_of_2025), cmocka_unit_test(moments_by_hand),
        cmocka_unit_test(overfitting_is_measured),    cmocka_unit_test(correlated_trials_count_less),
        cmocka_unit_test(the_best_is_tested_against_luck), cmocka_unit_test(blocks_are_as_long_as_memory)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
