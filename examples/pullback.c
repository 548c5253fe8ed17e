/* pullback.c: buys dips in a rising market. */
#include "sim/strategy.h"

ABOUT("long when a short-term RSI recovers while the price is over its long average")

PARAMETERS(
    WINDOW(window, 5, "bars of the RSI"),
    WINDOW(trend, 200, "bars of the long average"),
    NUMBER(dip, 25, 0, 100, "", "RSI below this is a dip"),
    NUMBER(enough, 70, 0, 100, "", "RSI above this is enough"))

ROWS(
    RSI(strength, close, window),
    SMA(average, close, trend))

SIGNALS(
    CROSS_LEVEL(recovery, strength, dip),
    CROSS_LEVEL(heat, strength, enough))

ON_SIGNAL {
    use(close, average);
    target(+1, crossed_above(recovery) & (close > average));
    target(0, crossed_above(heat));
}
