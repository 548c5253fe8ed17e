/* Average true range: Wilder's average of the true range (New Concepts in Technical Trading Systems, 1978).
 *
 * The first bar has no close before it; its true range is high - low. The average starts as the mean of the first `window` true
 * ranges, as in tulipindicators; TA-Lib leaves the first bar out and starts one bar later. */
#include "data/row.h"

ABOUT("Wilder average of the true range")
COLUMNS(high, low, close)
ARGUMENTS(WINDOW(window))
OUTPUTS(range)
MEMORY(td_real level;)
WARMUP(argument(window) - 1)

STEP {
    double range = td_row_true_range(bar(high), bar(low), now->t > 0 ? before(close) : bar(low));
    output(range) = td_row_wilder(&memory->level, now->age, td_splat(0), divisor(window), td_splat(range));
}
