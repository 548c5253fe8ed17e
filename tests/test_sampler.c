/* Samplers: what they suggest stays where it may, depends on nothing it must not, and finds what is there to find. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sweeps/sampler_parts.h"
#include "tests/support.h"

static td_sampler *sampler_of(const td_sampler_def *def) {
    td_sampler *sampler;
    td_error error;
    assert_ok(td_sampler_open(def, &sampler, &error));
    return sampler;
}

/* three points on [0, 10]: 2, 7.5, 3; widths by hand: 2 has one neighbour at distance 1, less than 10 / (3 + 2); 3 lies between 2 and 7.5 */
static void kernels_are_as_wide_as_gaps(void **state) {
    (void)state;
    td_sampler_def def = td_default_sampler_def();
    def.dimensions = 1;
    def.dimension[0] = (td_dimension){.low = 0, .high = 10};
    const double points[] = {2, 7.5, 3};
    double *memory = malloc((size_t)td_parzen_size(&def, 3) * sizeof *memory);
    td_parzen p = td_parzen_make(&def, points, 3, memory);
    assert_int_equal(p.components, 4);
    assert_near(p.sigma[0], 2, 1e-15);
    assert_near(p.sigma[1], 4.5, 1e-15);
    assert_near(p.sigma[2], 4.5, 1e-15);
    assert_near(p.sigma[3], 10, 1e-15);
    assert_near(exp(p.log_weight[3]), 0.25, 1e-15);
    /* an independent computation of the formulas */
    double at = 2.5;
    assert_near(td_parzen_log(&p, &at), -2.019194650308, 1e-12);
    at = 9;
    assert_near(td_parzen_log(&p, &at), -2.672937461253, 1e-12);
    free(memory);
}

/* densities integrate to 1, masses add up to 1, in each kind of dimension */
static void mixtures_are_distributions(void **state) {
    (void)state;
    td_sampler_def def = td_default_sampler_def();
    def.dimensions = 1;
    static const td_dimension kinds[] = {{.low = -3, .high = 5}, {.low = 0.01, .high = 100, .log = true}, {.low = 2, .high = 40, .step = 2},
                                         {.low = 1, .high = 50, .step = 1, .log = true}, {.choices = 7}};
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
        const td_dimension *d = def.dimension;
        def.dimension[0] = kinds[k];
        double points[40], *memory = malloc((size_t)td_parzen_size(&def, 40) * sizeof *memory), total = 0;
        for (int i = 0; i < 40; i++) points[i] = td_value_of_unit(d, fmod(0.37 + i * 0.618, 1) * fmod(0.1 + i * 0.41, 1));
        td_parzen p = td_parzen_make(&def, points, 40, memory);
        td_span span = td_span_of(d);
        if (d->choices || d->step > 0) {
            for (double x = d->choices ? 0 : d->low; x <= (d->choices ? (double)d->choices - 1 : d->high); x += d->choices ? 1 : d->step)
                total += exp(td_parzen_log(&p, &x));
        } else {
            enum { STEPS = 200000 };
            for (int i = 0; i < STEPS; i++) {
                double x = span.low + (span.high - span.low) * (i + 0.5) / STEPS, value = d->log ? exp(x) : x;
                total += exp(td_parzen_log(&p, &value)) * (span.high - span.low) / STEPS;
            }
        }
        assert_near(total, 1, 1e-6);
        free(memory);
    }
}

static double sphere(const double *x, int n) {
    double sum = 0;
    for (int d = 0; d < n; d++) sum += (x[d] - 1) * (x[d] - 1);
    return sum;
}

/* the best of `trials`, with `at_once` suggested together */
static double search(const td_sampler_def *def, int trials, int at_once, double *points) {
    td_sampler *sampler = sampler_of(def);
    double best = INFINITY;
    for (int from = 0; from < trials; from += at_once) {
        int count = trials - from < at_once ? trials - from : at_once;
        int64_t numbers[64];
        for (int i = 0; i < count; i++) {
            double *point = points + (from + i) * def->dimensions;
            numbers[i] = td_sampler_suggest(sampler, point);
            assert_int_equal(numbers[i], from + i);
        }
        for (int i = count - 1; i >= 0; i--) { /* answers come in any order */
            double value = sphere(points + (from + i) * def->dimensions, def->dimensions);
            if (value < best) best = value;
            td_sampler_tell(sampler, numbers[i], value, 0);
        }
    }
    assert_int_equal(td_sampler_told(sampler), trials);
    td_sampler_close(sampler);
    return best;
}

static td_sampler_def mixed(td_sampler_kind kind, uint64_t seed) {
    td_sampler_def def = td_default_sampler_def();
    def.kind = kind;
    def.seed = seed;
    def.dimensions = 5;
    def.dimension[0] = (td_dimension){.low = -5, .high = 5};
    def.dimension[1] = (td_dimension){.low = 0.001, .high = 1000, .log = true};
    def.dimension[2] = (td_dimension){.low = -10, .high = 10, .step = 0.5};
    def.dimension[3] = (td_dimension){.low = 1, .high = 300, .step = 1, .log = true};
    def.dimension[4] = (td_dimension){.choices = 4};
    return def;
}

static void points_stay_inside(void **state) {
    (void)state;
    for (td_sampler_kind kind = 0; kind < TD_SAMPLER_KIND_COUNT; kind++) {
        td_sampler_def def = mixed(kind, 3);
        double points[150 * 5], again[150 * 5];
        int trials = kind == TD_SAMPLER_GP ? 60 : 150;
        size_t bytes = (size_t)trials * 5 * sizeof *points;
        search(&def, trials, 16, points);
        for (int i = 0; i < trials; i++) {
            const double *x = points + i * 5;
            assert_true(x[0] >= -5 && x[0] <= 5 && x[1] >= 0.001 && x[1] <= 1000);
            assert_true(x[2] >= -10 && x[2] <= 10 && x[2] * 2 == floor(x[2] * 2));
            assert_true(x[3] >= 1 && x[3] <= 300 && x[3] == floor(x[3]));
            assert_true(x[4] == 0 || x[4] == 1 || x[4] == 2 || x[4] == 3);
        }
        search(&def, trials, 16, again);
        assert_memory_equal(points, again, bytes); /* nothing but the def and the answers counts */
        def.seed = 4;
        search(&def, trials, 16, again);
        assert_true(memcmp(points, again, bytes) != 0);
    }
}

static void thinking_beats_guessing(void **state) {
    (void)state;
    double points[100 * 5], sum[TD_SAMPLER_KIND_COUNT] = {0};
    for (td_sampler_kind kind = 0; kind < TD_SAMPLER_KIND_COUNT; kind++)
        for (uint64_t seed = 1; seed <= (kind == TD_SAMPLER_GP ? 2 : 10); seed++) {
            td_sampler_def def = td_default_sampler_def();
            def.kind = kind;
            def.seed = seed;
            def.dimensions = 5;
            for (int d = 0; d < 5; d++) def.dimension[d] = (td_dimension){.low = -5, .high = 5};
            sum[kind] += log(search(&def, kind == TD_SAMPLER_GP ? 40 : 100, 4, points));
        }
    assert_true(sum[TD_SAMPLER_GP] < 2 * log(0.1)); /* 40 trials: a hundredth of what random ones find in 100 */
    assert_true(sum[TD_SAMPLER_TPE] < sum[TD_SAMPLER_RANDOM] - 10 * log(3));
}

/* half of the space is forbidden: most of what is suggested late lies in the other half; failures are not asked for again and again */
static void constraints_and_failures_are_learnt(void **state) {
    (void)state;
    td_sampler_def def = td_default_sampler_def();
    def.dimensions = 2;
    for (int d = 0; d < 2; d++) def.dimension[d] = (td_dimension){.low = -5, .high = 5};
    td_sampler *sampler = sampler_of(&def);
    int late = 0;
    for (int i = 0; i < 100; i++) {
        double x[2];
        int64_t number = td_sampler_suggest(sampler, x);
        if (i >= 50) late += x[0] > 1;
        td_sampler_tell(sampler, number, i % 10 == 3 ? NAN : -x[0], x[0] > 0 ? x[0] : 0); /* the value pulls to where it is forbidden */
    }
    assert_true(late < 20);
    td_sampler_close(sampler);
}

static void earlier_trials_help(void **state) {
    (void)state;
    td_sampler_def def = td_default_sampler_def();
    def.dimensions = 2;
    for (int d = 0; d < 2; d++) def.dimension[d] = (td_dimension){.low = -5, .high = 5};
    td_sampler *sampler = sampler_of(&def);
    for (int i = 0; i < 60; i++) {
        double x[2] = {-5 + fmod(i * 0.618, 1) * 10, -5 + fmod(i * 0.414, 1) * 10};
        assert_true(td_sampler_add(sampler, x, sphere(x, 2), 0));
    }
    double near = 0;
    for (int i = 0; i < 20; i++) {
        double x[2];
        int64_t number = td_sampler_suggest(sampler, x);
        assert_int_equal(number, i); /* those that were added have no number */
        near += sphere(x, 2) < 6;
        td_sampler_tell(sampler, number, sphere(x, 2), 0);
    }
    assert_true(near >= 12); /* of uniform draws fewer than 4 would be: 6 pi of 100 */
    td_sampler_close(sampler);
}

static void bad_dimensions_are_refused(void **state) {
    (void)state;
    td_error error;
    td_sampler *sampler;
    td_sampler_def def = td_default_sampler_def();
    assert_fails(td_sampler_open(&def, &sampler, &error), TD_BAD_ARG, "0 dimensions");
    def.dimensions = 2;
    def.dimension[0] = (td_dimension){.low = 0, .high = 1};
    def.dimension[1] = (td_dimension){.low = 2, .high = 1};
    assert_fails(td_sampler_open(&def, &sampler, &error), TD_BAD_ARG, "dimension 2 goes from 2 to 1");
    def.dimension[1] = (td_dimension){.low = 0, .high = 1, .log = true};
    assert_fails(td_sampler_open(&def, &sampler, &error), TD_BAD_ARG, "dimension 2 begins at 0");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kernels_are_as_wide_as_gaps), cmocka_unit_test(mixtures_are_distributions), cmocka_unit_test(points_stay_inside),
        cmocka_unit_test(thinking_beats_guessing),     cmocka_unit_test(constraints_and_failures_are_learnt),
        cmocka_unit_test(earlier_trials_help),         cmocka_unit_test(bad_dimensions_are_refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
