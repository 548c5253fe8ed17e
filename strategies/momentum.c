/* Time-series momentum (Moskowitz, Ooi and Pedersen, Time series momentum, Journal of Financial Economics 104, 2012): what has risen goes
 * on rising. */
#include "sim/strategy.h"

ABOUT("long when the change over the window turns positive, short when it turns negative")

PARAMETERS(WINDOW(window, 100, "bars that the change is looked at over"))

ROWS(ROC(change, close, window))

SIGNALS(CROSS_LEVEL(turn, change, CONSTANT(0)))

ON_SIGNAL {
    target(+1, crossed_above(turn));
    target(-1, crossed_below(turn));
}
