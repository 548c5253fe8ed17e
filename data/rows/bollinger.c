/* Bollinger bands: the simple average of the last `window` values, and `width` population standard deviations on either side
 * (Bollinger on Bollinger Bands, 2001; so do tulipindicators and TA-Lib).
 *
 * The middle is sma.c's row, bit for bit. */
#include "data/row.h"

ABOUT("simple average, and `width` standard deviations above and below it")
COLUMNS(x)
ARGUMENTS(WINDOW(window), NUMBER(width, 0, 1e6))
OUTPUTS(upper, middle, lower)
MEMORY(td_row_moments moments;)
WARMUP(argument(window) - 1)

STEP {
    td_row_spread(&memory->moments, column(x), now->t, windows(window), argument(window));
    td_real mean = memory->moments.mean, reach = argument(width) * td_row_sqrt(memory->moments.squares / argument(window));
    output(upper) = mean + reach;
    output(middle) = mean;
    output(lower) = mean - reach;
}
