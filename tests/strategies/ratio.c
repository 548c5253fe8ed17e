/* Wants over/under of the equity on every crossing: 0/0 is not a number, 1/0 is infinite, both must fail the cell. */
#include "sim/strategy.h"

ABOUT("a fraction that may not exist")

PARAMETERS(
    WINDOW(fast, 3, "bars of the fast average"),
    WINDOW(slow, 9, "bars of the slow average"),
    NUMBER(over, 1, -10, 10, "", "above the line"),
    NUMBER(under, 1, -10, 10, "", "below the line"))

ROWS(SMA(fast_average, close, fast), SMA(slow_average, close, slow))

SIGNALS(CROSS(trend, fast_average, slow_average))

ON_SIGNAL {
    target(param(over) / param(under), crossed_above(trend));
    target(-param(over) / param(under), crossed_below(trend));
}
