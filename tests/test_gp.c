/* The Gaussian process against an independent computation of its formulas, and against finite differences. */
#include <math.h>
#include <stdlib.h>

#include "sweeps/gp.h"
#include "tests/support.h"

static const double x[] = {.1, .2, .4, .9, .5, .5, .8, .1, .9, .7}, y[] = {-.5, .3, 1.2, -1.4, .4};

static void example(td_gp *gp) {
    td_error error;
    const td_blas *blas;
    assert_ok(td_blas_load(&blas, &error));
    assert_ok(td_gp_open(blas, 2, gp, &error));
    assert_true(td_gp_set(gp, x, y, 5));
    const double theta[] = {log(4), log(2.5), log(1.3), log(.01 - 1e-6)};
    for (int k = 0; k < 4; k++) gp->theta[k] = theta[k];
}

static void likelihood_and_gradient(void **state) {
    (void)state;
    td_gp gp;
    example(&gp);
    double likelihood, prior, gradient[4];
    assert_true(td_gp_likelihood(&gp, gp.theta, &likelihood, &prior, gradient));
    assert_near(likelihood, -4.6801896157027, 1e-12);
    assert_near(prior, -2.5131527541313, 1e-12);
    const double expected[] = {.853475914829, 2.627180957804, 2.187490925154, -.053603776879};
    for (int k = 0; k < 4; k++) assert_near(gradient[k], expected[k], 1e-10);
    assert_true(gp.jitter == 0);
    /* with a choice among the dimensions and with either prior, against finite differences */
    gp.hamming[1] = true;
    gp.theta[2] = 0.02;
    for (int k = 0; k < 8; k++) {
        gp.dimension_scaled = k / 4;
        assert_true(td_gp_likelihood(&gp, gp.theta, &likelihood, &prior, gradient));
        double theta[4], l[2], p[2];
        for (int side = 0; side < 2; side++) {
            for (int i = 0; i < 4; i++) theta[i] = gp.theta[i] + (i == k % 4 ? (side ? 1e-5 : -1e-5) : 0);
            assert_true(td_gp_likelihood(&gp, theta, &l[side], &p[side], NULL));
        }
        assert_near(gradient[k % 4], (l[1] + p[1] - l[0] - p[0]) / 2e-5, 1e-6);
    }
    td_gp_close(&gp);
}

static void prediction_and_improvement(void **state) {
    (void)state;
    td_gp gp;
    example(&gp);
    double likelihood, prior, mean, variance, work[20], gradient[2];
    const double at[] = {.6, .4};
    assert_true(td_gp_likelihood(&gp, gp.theta, &likelihood, &prior, NULL));
    td_gp_predict(&gp, at, 1, &mean, &variance, work);
    assert_near(mean, .7153788872742, 1e-12);
    assert_near(variance, .0498118575250, 1e-11);
    assert_near(td_log_ei(mean, variance, 1.2), -6.739846204189, 1e-9);
    assert_near(td_gp_log_ei(&gp, at, 1.2, gradient, work), -6.739846204189, 1e-9);
    for (int a = 0; a < 2; a++) {
        double side[2];
        for (int s = 0; s < 2; s++) {
            double moved[] = {at[0] + (a == 0 ? (s ? 1e-6 : -1e-6) : 0), at[1] + (a == 1 ? (s ? 1e-6 : -1e-6) : 0)};
            side[s] = td_gp_log_ei(&gp, moved, 1.2, NULL, work);
        }
        assert_near(gradient[a], (side[1] - side[0]) / 2e-6, 1e-6);
    }
    td_gp_close(&gp);
}

static void improvement_far_below(void **state) {
    (void)state;
    const double z[] = {3, -1, -5, -10, -25, -40, -100, -1000, -1e5};
    const double expected[] = {1.0987396653277, -2.4851210257126, -16.744301162661, -55.553122036122, -319.861463581496,
                               -808.29856835662, -5010.12957880025, -500014.734452091, -5000000023.94479};
    for (int i = 0; i < 9; i++) assert_near(td_log_h(z[i]), expected[i], 1e-12);
    /* no jump where the forms change */
    assert_near(td_log_h(-1 - 1e-12), td_log_h(-1 + 1e-12), 1e-10);
    assert_near(td_log_h(-200 - 1e-10), td_log_h(-200 + 1e-10), 1e-9);
}

static void a_fit_finds_what_matters(void **state) {
    (void)state;
    td_error error;
    const td_blas *blas;
    td_gp gp;
    assert_ok(td_blas_load(&blas, &error));
    assert_ok(td_gp_open(blas, 3, &gp, &error));
    enum { N = 60 };
    double points[N * 3], values[N], before, after, prior;
    for (int i = 0; i < N; i++) { /* the first dimension moves the value, the others do not */
        for (int d = 0; d < 3; d++) points[i * 3 + d] = fmod((i + 1) * (d == 0 ? 0.618 : d == 1 ? 0.414 : 0.732), 1);
        values[i] = sin(6 * points[i * 3]) * 1.4;
    }
    assert_true(td_gp_set(&gp, points, values, N));
    assert_true(td_gp_likelihood(&gp, gp.theta, &before, &prior, NULL));
    before += prior;
    td_gp_fit(&gp);
    assert_true(td_gp_likelihood(&gp, gp.theta, &after, &prior, NULL));
    assert_true(after + prior > before + 10);
    assert_true(gp.theta[0] > gp.theta[1] + 1 && gp.theta[0] > gp.theta[2] + 1);
    double at[] = {0.25, 0.5, 0.5}, mean, variance, work[2 * N];
    td_gp_predict(&gp, at, 1, &mean, &variance, work);
    assert_near(mean, sin(1.5) * 1.4, 0.05);
    /* the same point twice needs no more than noise or jitter */
    for (int d = 0; d < 3; d++) points[3 + d] = points[d];
    assert_true(td_gp_set(&gp, points, values, N));
    assert_true(td_gp_likelihood(&gp, gp.theta, &after, &prior, NULL));
    td_gp_close(&gp);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(likelihood_and_gradient), cmocka_unit_test(prediction_and_improvement),
                                       cmocka_unit_test(improvement_far_below), cmocka_unit_test(a_fit_finds_what_matters)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
