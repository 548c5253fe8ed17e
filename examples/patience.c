/* patience.c: enters on a jump over the average; leaves when the price gives back a share of its best, or nothing comes of it. */
#include "sim/strategy.h"

ABOUT("enters on a jump over the average, trails out")

PARAMETERS(
    WINDOW(window, 50, "bars of the average"),
    NUMBER(jump, 0.01, 0, 1, "fraction", "distance from the average that counts as a jump"),
    NUMBER(give, 0.02, 0, 1, "fraction", "fall from the best close that ends it"),
    COUNT(patience, 100, 1, 100000, "bars", "longest stay"))

ROWS(EMA(average, close, window))

SIGNALS()

STATE(best, held)

ON_BAR {
    use(close, average, position, jump, give, patience);
    mask out = position == 0;
    state->held = select(out, 0, state->held + 1);
    state->best = select(out, close, max(state->best, close));

    mask jumped = close > average * (1 + jump);
    mask fell = close < state->best * (1 - give);
    target(+1, out & jumped);
    target(0, not(out) & (fell | (state->held > patience)));
}
