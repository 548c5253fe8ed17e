/* Which parameters matter: by construction, and whatever order trials come in; neighbours by hand. */
#include <math.h>
#include <stdlib.h>

#include "sweeps/importance.h"
#include "tests/support.h"

static uint64_t generator = 5;
static double uniform(void) {
    uint64_t z = generator += 0x9E3779B97F4A7C15ull;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9ull;
    z = (z ^ z >> 27) * 0x94D049BB133111EBull;
    return (double)((z ^ z >> 31) >> 11) * 0x1p-53;
}

static void what_moves_the_score_matters(void **state) {
    (void)state;
    enum { ROWS = 2000 };
    static double x[4][ROWS], score[ROWS];
    for (int r = 0; r < ROWS; r++) {
        x[0][r] = uniform();
        x[1][r] = uniform();
        x[2][r] = floor(uniform() * 5); /* a choice */
        x[3][r] = 7;                    /* no choice at all */
        score[r] = -(x[0][r] - 0.3) * (x[0][r] - 0.3) * 10 + 0.3 * (x[2][r] == 2) + 0.05 * uniform();
    }
    score[17] = NAN;
    const double *axis[] = {x[0], x[1], x[2], x[3]};
    td_importance found[4], again[4], turned[4];
    td_error error;
    assert_ok(td_importance_make(axis, 4, score, ROWS, 50, 1, found, &error));
    assert_near(found[0].share + found[1].share + found[2].share, 1, 1e-12);
    assert_true(found[0].share > 0.3 && found[2].share > 0.2 && found[1].share < 0.05);
    assert_true(isnan(found[3].share) && isnan(found[3].low));
    for (int a = 0; a < 3; a++) assert_true(found[a].low <= found[a].high && found[a].low < found[a].share + 0.1 && found[a].high > found[a].share - 0.1);
    assert_true(found[1].high < found[0].low && found[1].high < found[2].low);
    assert_ok(td_importance_make(axis, 4, score, ROWS, 50, 1, again, &error));
    const double *other_way[] = {x[2], x[3], x[1], x[0]};
    assert_ok(td_importance_make(other_way, 4, score, ROWS, 50, 1, turned, &error));
    for (int a = 0; a < 3; a++) assert_true(found[a].share == again[a].share && found[a].low == again[a].low);
    assert_near(turned[3].share, found[0].share, 1e-12);
    assert_near(turned[0].high, found[2].high, 1e-12);
    assert_fails(td_importance_make(axis, 4, score, 19, 50, 1, found, &error), TD_BAD_ARG, "18 trials have a score");
}

/* a grid of 3 by 3 with a lonely peak and a plateau:   1 1 0
 *                                                      9 1 8
 *                                                      1 7 8   one set is missing a score where 0 stands */
static void peaks_are_not_plateaus(void **state) {
    (void)state;
    const double rows[] = {0, 0, 0, 5, 5, 5, 9, 9, 9}, columns[] = {1, 2, 4, 1, 2, 4, 1, 2, 4};
    const double score[] = {1, 1, NAN, 9, 1, 8, 1, 7, 8};
    const double *axis[] = {rows, columns};
    double least[9];
    int64_t pairs;
    td_error error;
    assert_ok(td_neighbours(axis, 2, score, 9, least, &pairs, &error));
    assert_int_equal(pairs, 12);
    const double expected[] = {1, 1, NAN, 1, 1, 1, 1, 1, 7};
    for (int r = 0; r < 9; r++) assert_true(isnan(expected[r]) ? isnan(least[r]) : least[r] == expected[r]);
    /* points of no grid have no neighbours */
    const double a[] = {1, 2, 3}, b[] = {5, 7, 6};
    const double *loose[] = {a, b};
    assert_ok(td_neighbours(loose, 2, score, 3, least, &pairs, &error));
    assert_int_equal(pairs, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(what_moves_the_score_matters), cmocka_unit_test(peaks_are_not_plateaus)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
