/* True range: how far the price has gone in the bar, from the close before it on (Wilder, New Concepts in Technical Trading
 * Systems, 1978). The first bar has no close before it: high - low, as in tulipindicators; TA-Lib leaves it out. */
#include "data/row.h"

ABOUT("largest distance the price went, from the last close on")
COLUMNS(high, low, close)
ARGUMENTS()
OUTPUTS(range)
MEMORY()
WARMUP(0)

STEP { output(range) = td_splat(td_row_true_range(bar(high), bar(low), now->t > 0 ? before(close) : bar(low))); }
