/* Looks at every bar and keeps state: enters on a jump against the average of the bar before, leaves when price falls back by a
 * share of what it had moved, or after a number of bars. Uses every word of a body. */
#include "sim/strategy.h"

ABOUT("jumps in, trails out")

PARAMETERS(
    WINDOW(window, 10, "bars of the average"),
    NUMBER(jump, 0.005, 0, 1, "fraction", "distance from the average that counts as a jump"),
    NUMBER(give, 0.3, 0, 1, "fraction", "share of the move to give back"),
    COUNT(patience, 20, 1, 100000, "bars", "longest stay"),
    COUNT(breaks, 0, 0, 100000, "bars", "the bar on which it loses its mind; 0 is never"))

ROWS(EMA(average, close, window), RSI(strength, close, window))

SIGNALS()

STATE(best, held, bar)

ON_BAR {
    real move = price(close) / previous(average) - 1;
    mask flat = position() == 0, longs = position() > 0;
    real side = select(longs, 1, -1), gain = side * (price(close) / row(average) - 1);
    state->bar = state->bar + 1;
    state->held = select(flat, 0, state->held + 1);
    state->best = select(flat, 0, max(state->best, gain));
    mask tired = not(flat) & ((gain < state->best * (1 - param(give))) | (state->held >= param(patience)));
    mask up = flat & (move > param(jump)) & (row(strength) < 95), down = flat & (move < -param(jump)) & (row(strength) > 5);
    if (any(tired | up | down)) {
        target(0, tired);
        target(min(1, floor(1 + abs(move) * 100) / 4), up);
        target(-min(1, equity() / 20000), down);
    }
    target((row(average) - row(average)) / (state->bar - state->bar), (state->bar == param(breaks) + 1) & (param(breaks) > 0));
}
