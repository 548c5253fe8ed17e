/* Williams %R: where the close lies below the highest high of the last `window` bars, in percent of their range: -100 at the
 * lowest low, 0 at the highest high. 0 where the range is empty, as in tulipindicators and TA-Lib. */
#include "data/row.h"

ABOUT("the close below the highest high, in percent of the range of `window` bars; -100 to 0")
COLUMNS(high, low, close)
ARGUMENTS(WINDOW(window))
OUTPUTS(percent)
MEMORY(td_row_extreme top; td_row_extreme bottom;)
WARMUP(argument(window) - 1)

STEP {
    td_row_highest(&memory->top, column(high), now->t, NULL, windows(window));
    td_row_lowest(&memory->bottom, column(low), now->t, NULL, windows(window));
    td_real range = memory->top.value - memory->bottom.value;
    output(percent) = td_select(range > 0, -100 * (memory->top.value - bar(close)) / range, 0);
}
