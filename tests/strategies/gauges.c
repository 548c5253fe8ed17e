/* Rows of the kinds that tests/strategies/panel.c leaves out. */
#include "sim/strategy.h"

ABOUT("trades what many gauges agree on")

PARAMETERS(
    WINDOW(window, 14, "bars of everything"),
    NUMBER(width, 1.5, 0, 5, "ranges", "half the width of the channel"))

ROWS(
    KELTNER(lane, window, window, width),
    PSAR(stop, CONSTANT(0.02), CONSTANT(0.2)),
    CCI(deviation, window),
    MFI(money, window),
    OBV(balance),
    VWAP(session),
    WILLIAMS_R(percent, window),
    WMA(average, close, window),
    ROC(change, close, window),
    HIGHEST(top, open, window),
    LOWEST(bottom, open, window),
    TRUE_RANGE(range),
    SAMPLE_STDDEV(spread, close, CONSTANT(2)))

SIGNALS(
    CROSS(session_turn, average, session),
    CROSS(stopped, lane_middle, stop))

ON_SIGNAL {
    mask calm = row(range) < 3 * row(spread) + 1;
    target(+1, crossed_above(session_turn) & (row(money) > 40) & (price(close) < row(lane_upper)));
    target(-1, crossed_below(stopped) & (min(row(percent) + 50, row(change)) < 0) & (price(close) > row(lane_lower)));
    target(0, crossed_above(stopped) & calm & (max(row(deviation), row(balance) - previous(balance)) > 0));
    target(0, crossed_below(session_turn) & (row(top) > row(bottom)));
}
