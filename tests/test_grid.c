/* data/grid.h: decimal text to whole steps. */
#include "tests/support.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "data/grid.h"

static td_on_grid steps(double step, const char *text, int64_t *found) {
    td_grid grid;
    assert_true(td_grid_make(step, &grid));
    *found = -1;
    return td_grid_text(&grid, text, strlen(text), found);
}

static void by_hand(void **state) {
    (void)state;
    static const struct {
        double step;
        const char *text;
        td_on_grid where;
        int64_t steps;
    } cases[] = {
        {0.1, "61800.20", TD_ON_GRID, 618002},
        {0.1, "61800.25", TD_OFF_GRID, 618003}, /* half goes up */
        {0.1, "61800.24", TD_OFF_GRID, 618002},
        {0.1, "0.000", TD_ON_GRID, 0},
        {0.01, "61737.63000000", TD_ON_GRID, 6173763},
        {0.001, "2.909", TD_ON_GRID, 2909},
        {0.001, "2.9", TD_ON_GRID, 2900},
        {0.001, "7", TD_ON_GRID, 7000},
        {1, "1001", TD_ON_GRID, 1001},
        {100, "1500", TD_ON_GRID, 15},
        {100, "1550", TD_OFF_GRID, 16},
        {0.25, "4832.75", TD_ON_GRID, 19331},
        {0.25, "4832.750000000", TD_ON_GRID, 19331},
        {0.25, "4832.80", TD_OFF_GRID, 19331},
        {0.03125, "119.53125", TD_ON_GRID, 3825},
        {1e-8, "0.00000001", TD_ON_GRID, 1},
        {1e-8, "92233720368.54775807", TD_NOT_ON_ANY, -1}, /* more than 2^62 */
        {1e-8, "12345678901.23456789", TD_ON_GRID, 1234567890123456789},
        {0.1, "1e3", TD_ON_GRID, 10000},
        {0.1, "6.18002e4", TD_ON_GRID, 618002},
        {0.1, ".5", TD_ON_GRID, 5},
        {0.1, "", TD_NOT_ON_ANY, -1},
        {0.1, ".", TD_NOT_ON_ANY, -1},
        {0.1, "-1", TD_NOT_ON_ANY, -1},
        {0.1, "nan", TD_NOT_ON_ANY, -1},
        {0.1, "inf", TD_NOT_ON_ANY, -1},
        {0.1, "1e999", TD_NOT_ON_ANY, -1},
        {0.1, "12x", TD_NOT_ON_ANY, -1},
        {0.1, "1.2.3", TD_NOT_ON_ANY, -1},
        {0.1, " 1", TD_NOT_ON_ANY, -1},
        {0.5, "99999999999999999999", TD_NOT_ON_ANY, -1},
        {1e-12, "0.0000000000010000000000", TD_ON_GRID, 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t found;
        td_on_grid where = steps(cases[i].step, cases[i].text, &found);
        if (where != cases[i].where || (where != TD_NOT_ON_ANY && found != cases[i].steps))
            fail_msg("%s in steps of %g: %d, %lld steps; expected %d, %lld", cases[i].text, cases[i].step, where, (long long)found,
                     cases[i].where, (long long)cases[i].steps);
    }
    td_grid grid;
    assert_false(td_grid_make(0, &grid));
    assert_false(td_grid_make(-1, &grid));
    assert_false(td_grid_make(NAN, &grid));
    assert_false(td_grid_make(INFINITY, &grid));
}

/* Text made of a number of steps gives that number back, in whatever number of decimals; one last digit more is off the grid. */
static void there_and_back(void **state) {
    (void)state;
    static const double sizes[] = {0.1, 0.01, 0.001, 0.00001, 0.25, 0.5, 1, 5, 10, 0.0001, 1e-8, 0.05, 0.125};
    for (uint64_t i = 0; i < 20000; i++) {
        double step = sizes[i % 13];
        td_grid grid;
        assert_true(td_grid_make(step, &grid));
        int64_t count = (int64_t)(td_random_bits(3, TD_PURPOSE_TEST, 1, i) >> (24 + td_random_bits(3, TD_PURPOSE_TEST, 2, i) % 40));
        /* in units of 1e-8, exact */
        __int128 units = (__int128)count * (int64_t)llround(step * 1e8);
        char text[64];
        snprintf(text, sizeof text, "%lld.%08lld", (long long)(units / 100000000), (long long)(units % 100000000));
        int decimals = 8;
        size_t length = strlen(text);
        while (decimals > 0 && text[length - 1] == '0' && td_random_bits(3, TD_PURPOSE_TEST, 3, i + length) % 2) text[--length] = 0, decimals--;
        if (decimals == 0) text[--length] = 0; /* the point */
        int64_t found;
        td_on_grid where = td_grid_text(&grid, text, length, &found);
        if (where != TD_ON_GRID || found != count) fail_msg("%s in steps of %g: %d, %lld", text, step, where, (long long)found);
        snprintf(text + length, sizeof text - length, "%s%.*s1", decimals ? "" : ".", 9 - decimals, "000000000");
        if (strlen(text) > 18) continue;
        assert_int_equal(td_grid_text(&grid, text, strlen(text), &found), TD_OFF_GRID);
        assert_int_equal(found, count);
    }
}

static void doubles(void **state) {
    (void)state;
    td_grid grid;
    assert_true(td_grid_make(0.1, &grid));
    int64_t found;
    for (int64_t i = 0; i < 2000000; i += 37) {
        char text[32];
        snprintf(text, sizeof text, "%lld.%lld", (long long)(i / 10), (long long)(i % 10));
        assert_int_equal(td_grid_double(&grid, strtod(text, NULL), &found), TD_ON_GRID);
        assert_int_equal(found, i);
    }
    assert_int_equal(td_grid_double(&grid, 100.05, &found), TD_OFF_GRID);
    assert_int_equal(td_grid_double(&grid, NAN, &found), TD_NOT_ON_ANY);
    assert_int_equal(td_grid_double(&grid, -0.1, &found), TD_NOT_ON_ANY);
    assert_int_equal(td_grid_double(&grid, INFINITY, &found), TD_NOT_ON_ANY);
    assert_int_equal(td_grid_steps(&grid, 4821250000000, 9, &found), TD_OFF_GRID);
    assert_int_equal(td_grid_steps(&grid, 4821200000000, 9, &found), TD_ON_GRID);
    assert_int_equal(found, 48212);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(by_hand), cmocka_unit_test(there_and_back), cmocka_unit_test(doubles)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
