/* Highest of the last `window` values, this bar's among them (tulipindicators' max, TA-Lib's MAX, pandas' rolling max). */
#include "data/row.h"

ABOUT("highest of the last `window` values")
COLUMNS(x)
ARGUMENTS(WINDOW(window))
OUTPUTS(highest)
MEMORY(td_row_extreme top;)
WARMUP(argument(window) - 1)

STEP {
    td_row_highest(&memory->top, column(x), now->t, NULL, windows(window));
    output(highest) = memory->top.value;
}
