/* Keltner channel: exponential average of the close over `window` bars, and `width` average true ranges (Wilder's, over
 * `range_window` bars) on either side. The form of Raschke's; Keltner's own (1960) averaged (high + low + close) / 3 and high
 * - low simply. */
#include "data/row.h"

ABOUT("exponential average, and `width` average true ranges above and below it")
COLUMNS(high, low, close)
ARGUMENTS(WINDOW(window), WINDOW(range_window), NUMBER(width, 0, 1e6))
OUTPUTS(upper, middle, lower)
MEMORY(td_real level; td_real range;)
WARMUP((argument(window) > argument(range_window) ? argument(window) : argument(range_window)) - 1)

STEP {
    double true_range = td_row_true_range(bar(high), bar(low), now->t > 0 ? before(close) : bar(low));
    td_real range = td_row_wilder(&memory->range, now->age, td_splat(0), divisor(range_window), td_splat(true_range));
    td_real middle = td_row_exponential(&memory->level, now->age, argument(window), td_splat(bar(close)));
    output(upper) = middle + argument(width) * range;
    output(middle) = middle;
    output(lower) = middle - argument(width) * range;
}
