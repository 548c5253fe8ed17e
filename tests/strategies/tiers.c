/* Rows on bars of longer intervals beside rows on the deck's. */
#include "sim/strategy.h"

ABOUT("trades crossings in the direction of the longer bars")

PARAMETERS(WINDOW(window, 5, "bars, of whatever length"))

ROWS(
    SMA(average, close, window),
    HIGHER("4h", EMA(slow_average, close, window), DONCHIAN(reach, window), TRUE_RANGE(range)),
    HIGHER("1d", VWAP(day_price)))

SIGNALS(
    CROSS(turn, average, slow_average),
    CROSS(day_turn, average, day_price))

ON_SIGNAL {
    mask wild = row(range) > 0.5 * (row(reach_upper) - row(reach_lower));
    target(+1, crossed_above(turn) & (price(close) > row(reach_middle)) & not(wild));
    target(-1, crossed_below(day_turn));
    target(0, crossed_below(turn));
}
