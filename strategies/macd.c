/* Moving average convergence/divergence (Appel): long while the difference of a fast and a slow average is above its own average,
 * short while it is below. */
#include "sim/strategy.h"

ABOUT("long when the MACD line crosses above its signal line, short when it crosses below")

PARAMETERS(
    WINDOW(fast, 12, "bars of the fast average"),
    WINDOW(slow, 26, "bars of the slow average"),
    WINDOW(smoothing, 9, "bars of the signal line"))

ROWS(MACD(macd, close, fast, slow, smoothing))

SIGNALS(CROSS(turn, macd_line, macd_signal))

ON_SIGNAL {
    target(+1, crossed_above(turn));
    target(-1, crossed_below(turn));
}
