/* What a strategy of one's own may make of a pair: rows of either symbol's column, beside its own and those of longer bars, and a signal
 * between them. */
#include "sim/strategy.h"

ABOUT("the symbol of a pair whose average rises above the other's is sold, the other bought")
PARAMETERS(WINDOW(window, 10, "bars of the averages"))
ROWS(
    SMA(one, log_first, window),
    SMA(other, log_second, window),
    EMA(own, close, window),
    HIGHER("1d", TRUE_RANGE(range)))
SIGNALS(CROSS(over, one, other))

ON_SIGNAL {
    use(own, range, leg, close);
    target(-leg, crossed_above(over));
    target(+leg, crossed_below(over));
    target(0, crossed_below(over) & (close > own + range));
}
