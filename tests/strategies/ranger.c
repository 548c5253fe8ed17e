/* Rows of several columns and outputs, and constants where a parameter could stand. */
#include "sim/strategy.h"

ABOUT("buys calm dips, leaves on wild rises")

PARAMETERS(
    WINDOW(window, 20, "bars of the average, its deviation and the range"),
    NUMBER(width, 1, 0, 5, "deviations", "distance from the average that counts as far"))

ROWS(
    SMA(average, close, window),
    STDDEV(deviation, close, window),
    ATR(range, window),
    ATR(last_range, CONSTANT(1)))

SIGNALS()

STATE(wild)

ON_BAR {
    mask known = row(deviation) >= 0;
    state->wild = select(row(last_range) > 1.2 * row(range), state->wild + 1, 0);
    target(+1, known & (price(close) < row(average) - param(width) * row(deviation)) & (row(last_range) <= row(range)));
    target(0, known & (price(close) > row(average) + param(width) * row(deviation)));
    target(-1, state->wild >= 2);
}
