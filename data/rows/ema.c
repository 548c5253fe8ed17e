/* Exponential moving average: level += (x - level) * 2 / (window + 1), started from the first value.
 *
 * The first-value start is that of tulipindicators and pandas' ewm(adjust=False); TA-Lib starts from a simple average. The first
 * window - 1 bars are not shown: the start still weighs more there than the average does. */
#include "data/row.h"

ABOUT("exponential average, weight 2 / (window + 1)")
COLUMNS(x)
ARGUMENTS(WINDOW(window))
OUTPUTS(average)
MEMORY(td_real level;)
WARMUP(argument(window) - 1)

STEP { output(average) = td_row_exponential(&memory->level, now->age, argument(window), td_splat(bar(x))); }
