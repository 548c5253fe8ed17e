/* See grid.h. */
#include "data/grid.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/number.h"

typedef unsigned __int128 wide;

enum { POWERS = 20 };
static const uint64_t powers[POWERS] = {1u,
                                        10u,
                                        100u,
                                        1000u,
                                        10000u,
                                        100000u,
                                        1000000u,
                                        10000000u,
                                        100000000u,
                                        1000000000u,
                                        10000000000u,
                                        100000000000u,
                                        1000000000000u,
                                        10000000000000u,
                                        100000000000000u,
                                        1000000000000000u,
                                        10000000000000000u,
                                        100000000000000000u,
                                        1000000000000000000u,
                                        10000000000000000000u};
static const double exact_max = 9007199254740992.0; /* 2^53 */
static const int64_t steps_max = (int64_t)1 << 62;

/* The shortest decimal number that is this double. */
static void shortest(double step, uint64_t *mantissa, int *exponent) {
    char text[40];
    for (int digits = 1; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*e", digits - 1, step);
        if (strtod(text, NULL) == step) break;
    }
    *mantissa = 0;
    int decimals = 0;
    const char *p = text;
    for (bool point = false; *p != 'e'; p++) {
        if (*p == '.') {
            point = true;
            continue;
        }
        *mantissa = *mantissa * 10 + (uint64_t)(*p - '0');
        decimals += point;
    }
    *exponent = (int)strtol(p + 1, NULL, 10) - decimals;
    for (; *mantissa % 10 == 0; *mantissa /= 10) ++*exponent;
}

bool td_grid_make(double step, td_grid *grid) {
    *grid = (td_grid){.step = step};
    if (!(step > 0 && step < INFINITY)) return false;
    uint64_t mantissa;
    int exponent;
    shortest(step, &mantissa, &exponent);
    for (int d = 0; d < TD_GRID_DECIMALS; d++) {
        int shift = -d - exponent; /* m * 10^shift / mantissa */
        uint64_t multiply = 1, divide = mantissa;
        if (shift >= 0 && shift < POWERS) {
            multiply = powers[shift];
        } else if (shift < 0 && -shift < POWERS && (wide)mantissa * powers[-shift] <= UINT64_MAX) {
            divide = mantissa * powers[-shift];
        } else {
            continue;
        }
        grid->by[d].multiply = multiply;
        grid->by[d].divide = divide;
        grid->by[d].inverse = 1.0 / (double)divide;
        grid->by[d].largest = (double)divide < exact_max ? (uint64_t)exact_max / multiply : 0;
    }
    return true;
}

td_on_grid td_grid_any_steps(const td_grid *grid, uint64_t m, int decimals, int64_t *steps) {
    uint64_t divide = decimals < TD_GRID_DECIMALS ? grid->by[decimals].divide : 0;
    if (m == 0) {
        *steps = 0;
        return TD_ON_GRID;
    }
    if (divide == 0) return td_grid_double(grid, (double)m / pow(10, decimals), steps);
    wide whole = (wide)m * grid->by[decimals].multiply, quotient = whole / divide, rest = whole % divide;
    if (quotient > (wide)steps_max) return TD_NOT_ON_ANY;
    *steps = (int64_t)quotient + (rest >= divide - rest && rest > 0);
    return rest == 0 ? TD_ON_GRID : TD_OFF_GRID;
}

td_on_grid td_grid_double(const td_grid *grid, double value, int64_t *steps) {
    double exact = value / grid->step, nearest = nearbyint(exact);
    if (!(value >= 0) || !(nearest < (double)steps_max)) return TD_NOT_ON_ANY;
    *steps = (int64_t)nearest;
    double slack = 1e-6 + nearest * 0x1p-50; /* of the text's double and of the division */
    return fabs(exact - nearest) <= slack ? TD_ON_GRID : TD_OFF_GRID;
}

static td_on_grid odd_text(const td_grid *grid, const char *text, size_t length, int64_t *steps) {
    double value;
    if (length == 0 || text[0] == '-' || !td_number_parse(text, (int64_t)length, &value)) return TD_NOT_ON_ANY;
    return td_grid_double(grid, value, steps);
}

td_on_grid td_grid_text(const td_grid *grid, const char *text, size_t length, int64_t *steps) {
    uint64_t m = 0;
    size_t at = 0, digits = 0;
    for (; at < length && td_is_digit(text[at]); at++) m = m * 10 + (uint64_t)(text[at] - '0');
    digits = at;
    size_t decimals = 0;
    if (at < length && text[at] == '.') {
        for (at++; at < length && td_is_digit(text[at]); at++, decimals++) m = m * 10 + (uint64_t)(text[at] - '0');
        digits += decimals;
    }
    /* exponents, signs, no digits, or more of them than 64 bits hold */
    if (at != length || digits == 0 || digits > 19) return odd_text(grid, text, length, steps);
    return td_grid_steps(grid, m, (int)decimals, steps);
}
