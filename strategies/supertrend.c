/* Supertrend (Seban): a stop of so many average true ranges that follows the price and changes sides when it is passed. */
#include "sim/strategy.h"

ABOUT("long while the supertrend is below the price, short while it is above")

PARAMETERS(
    WINDOW(window, 10, "bars of the average true range"),
    NUMBER(width, 3, 0, 100, "ranges", "distance of the stop from the middle of the bar"))

ROWS(SUPERTREND(trend, window, width))

SIGNALS(CROSS_LEVEL(flip, trend_side, CONSTANT(0)))

ON_SIGNAL {
    target(+1, crossed_above(flip));
    target(-1, crossed_below(flip));
}
