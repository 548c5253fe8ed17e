/* Rows of kinds with several outputs, crossing each other. */
#include "sim/strategy.h"

ABOUT("trades what bands, trends and oscillators agree on")

PARAMETERS(
    WINDOW(window, 20, "bars of bands, channel and oscillators"),
    NUMBER(width, 2, 0, 5, "deviations", "half the width of the bands"))

ROWS(
    BOLLINGER(band, close, window, width),
    MACD(trend, close, CONSTANT(1), CONSTANT(2), window),
    DONCHIAN(channel, window),
    STOCHASTIC(swing, window, CONSTANT(1), window),
    AROON(age, window),
    SUPERTREND(guard, window, CONSTANT(1.5)))

SIGNALS(
    CROSS(turn, trend_line, trend_signal),
    CROSS(swing_turn, swing_k, swing_d),
    CROSS(fresh, age_up, age_down))

ON_SIGNAL {
    mask rising = row(guard_side) > 0;
    target(+1, crossed_above(turn) & (price(close) < row(band_upper)) & rising);
    target(+1, crossed_above(swing_turn) & (price(close) <= row(channel_middle)));
    target(-1, crossed_below(fresh) & (price(close) > row(band_lower)) & (row(trend_histogram) < 0));
    target(0, crossed_below(swing_turn) & (row(guard_line) > price(close)));
}
