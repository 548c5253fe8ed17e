/* Volatility of one bar: the root of the mean of the last `window` squared changes, in the unit of the column.
 *
 * No mean is taken off, as is usual for changes over short times (RiskMetrics technical document, 1996, section 5.3.1.1). The first
 * bar has no change. */
#include "data/row.h"

ABOUT("root mean square of the last `window` changes")
COLUMNS(x)
ARGUMENTS(WINDOW(window))
OUTPUTS(volatility)
MEMORY(td_row_sum sum;)
WARMUP(argument(window))

STEP {
    const double *x = column(x);
    double change = bar(x) - before(x);
    td_real leaving = td_row_ago(x, now->t, windows(window)) - td_row_ago(x, now->t - 1, windows(window));
    td_row_slide(&memory->sum, now->age > argument(window), leaving * leaving, td_splat(change * change));
    output(volatility) = td_row_sqrt(td_max(memory->sum.sum, 0) / argument(window));
}
