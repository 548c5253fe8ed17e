/* Mean reversion on the relative strength index: buys when it comes back up out of the low zone, sells short when it comes back
 * down out of the high one. */
#include "sim/strategy.h"

ABOUT("long when the RSI rises back above the lower level, short when it falls back below the upper one")

PARAMETERS(
    WINDOW(window, 14, "bars of the RSI"),
    NUMBER(lower, 30, 0, 100, "", "level below which the market is oversold"),
    NUMBER(upper, 70, 0, 100, "", "level above which the market is overbought"))

ROWS(RSI(strength, close, window))

SIGNALS(
    CROSS_LEVEL(out_of_low, strength, lower),
    CROSS_LEVEL(out_of_high, strength, upper))

ON_SIGNAL {
    target(+1, crossed_above(out_of_low));
    target(-1, crossed_below(out_of_high));
}
