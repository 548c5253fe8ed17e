/* Simple moving average.
 *
 * A running sum that first drops the value leaving the window, then adds the new one, each with its own Kahan compensation, so
 * the error does not grow with the tape. Where the whole window holds one value the mean is that value, exactly. These are the
 * operations of pandas' rolling(window).mean(), in its order; the bits agree, so a tie between two averages is a tie in both. */
#include "data/row.h"

ABOUT("mean of the last `window` values")
COLUMNS(x)
ARGUMENTS(WINDOW(window))
OUTPUTS(mean)
MEMORY(td_row_sum sum; td_row_run run;)
WARMUP(argument(window) - 1)

STEP {
    td_row_slide(&memory->sum, full(window), ago(x, window), td_splat(bar(x)));
    td_mask flat = td_row_repeat(&memory->run, bar(x)) >= argument(window);
    output(mean) = td_select(flat, bar(x), td_over(memory->sum.sum, divisor(window)));
}
