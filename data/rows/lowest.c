/* Lowest of the last `window` values, this bar's among them (tulipindicators' min, TA-Lib's MIN, pandas' rolling min). */
#include "data/row.h"

ABOUT("lowest of the last `window` values")
COLUMNS(x)
ARGUMENTS(WINDOW(window))
OUTPUTS(lowest)
MEMORY(td_row_extreme bottom;)
WARMUP(argument(window) - 1)

STEP {
    td_row_lowest(&memory->bottom, column(x), now->t, NULL, windows(window));
    output(lowest) = memory->bottom.value;
}
