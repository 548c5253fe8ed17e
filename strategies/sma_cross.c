/* The crossing of two simple moving averages: long while the fast one is above, short while it is below. */
#include "sim/strategy.h"

ABOUT("long when the fast average crosses above the slow one, short when it crosses below")

PARAMETERS(
    WINDOW(fast, 10, "bars of the fast average"),
    WINDOW(slow, 30, "bars of the slow average"))

ROWS(
    SMA(fast_average, close, fast),
    SMA(slow_average, close, slow))

SIGNALS(CROSS(trend, fast_average, slow_average))

ON_SIGNAL {
    target(+1, crossed_above(trend));
    target(-1, crossed_below(trend));
}
