/* strategies/patience.c: leaves when the price gives back a share of what it gained, or has been nowhere for too long. */
#include "sim/strategy.h"

ABOUT("enters on a jump over the average, trails out")

PARAMETERS(
    WINDOW(window, 50, "bars of the average"),
    NUMBER(jump, 0.01, 0, 1, "fraction", "distance from the average that counts as a jump"),
    NUMBER(give, 0.02, 0, 1, "fraction", "fall from the best close that ends it"),
    COUNT(patience, 100, 1, 100000, "bars", "longest stay"))

ROWS(EMA(average, close, window))

SIGNALS()

STATE(real best; real held;)

ON_BAR {
    mask out = position() == 0;
    state->held = select(out, 0, state->held + 1);
    state->best = select(out, price(close), max(state->best, price(close)));
    target(+1, out & (price(close) > row(average) * (1 + param(jump))));
    target(0, not(out) & ((price(close) < state->best * (1 - param(give))) | (state->held > param(patience))));
}
