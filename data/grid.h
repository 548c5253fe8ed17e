/* Decimal text to whole steps of a price or a quantity, exactly: no binary fraction in between.
 *
 * A step (tick, lot) is a decimal number, mantissa * 10^exponent, the shortest that reads back as the same double. A text is a whole
 * number with a count of decimals. So "how many steps" is a division of whole numbers, and "is it a whole number of steps" has a
 * plain answer. */
#ifndef TAPEDECK_DATA_GRID_H
#define TAPEDECK_DATA_GRID_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { TD_GRID_DECIMALS = 19 };

typedef struct td_grid {
    double step;
    struct {
        uint64_t multiply, divide; /* steps of m with that many decimals: m * multiply / divide; divide 0: not in 64 bits */
        double inverse;            /* 1 / divide */
        uint64_t largest;          /* m that multiply does not carry beyond 2^53 */
    } by[TD_GRID_DECIMALS];
} td_grid;

/* False when step is not a finite number above 0. */
bool td_grid_make(double step, td_grid *grid);

typedef enum td_on_grid { TD_ON_GRID, TD_OFF_GRID, TD_NOT_ON_ANY } td_on_grid;

/* value is m / 10^decimals. steps is the nearest whole number of them, whether on the grid or not; TD_NOT_ON_ANY when that is more
 * than 2^62. */
td_on_grid td_grid_any_steps(const td_grid *grid, uint64_t m, int decimals, int64_t *steps);
static inline td_on_grid td_grid_steps(const td_grid *grid, uint64_t m, int decimals, int64_t *steps) {
    if (decimals >= TD_GRID_DECIMALS || m > grid->by[decimals].largest) return td_grid_any_steps(grid, m, decimals, steps);
    int64_t whole = (int64_t)(m * grid->by[decimals].multiply);
    /* both below 2^53, so the product is off by less than one, and the check is exact */
    int64_t quotient = (int64_t)((double)whole * grid->by[decimals].inverse + 0.5);
    if (quotient * (int64_t)grid->by[decimals].divide != whole) return td_grid_any_steps(grid, m, decimals, steps);
    *steps = quotient;
    return TD_ON_GRID;
}
/* Text: digits [. digits] [e [+-] digits], not negative ("-0" is no number either); TD_NOT_ON_ANY when it is none. */
td_on_grid td_grid_text(const td_grid *grid, const char *text, size_t length, int64_t *steps);
/* A double that was decimal text: on the grid when it is within a millionth of a step of it. */
td_on_grid td_grid_double(const td_grid *grid, double value, int64_t *steps);

#endif
