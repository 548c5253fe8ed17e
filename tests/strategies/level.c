/* Long above a level, short below it. */
#include "sim/strategy.h"

ABOUT("long above a level, short below")

PARAMETERS(
    WINDOW(window, 1, "bars of the average"),
    NUMBER(level, 50, 0, 100, "", "the level, in units of the rows"))

ROWS(SMA(average, close, window))

SIGNALS(CROSS_LEVEL(side, average, level))

ON_SIGNAL {
    target(+1, crossed_above(side));
    target(-1, crossed_below(side));
}
