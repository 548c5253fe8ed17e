/* Parameters, rows and signals named as parts of our own names are; and what use() knows of the position. Buys or sells short on a move of
 * the last close, as many bars long as `kind` says, or until it has gained `info`. */
#include "sim/strategy.h"

ABOUT("holds for some bars")

PARAMETERS(
    COUNT(kind, 3, 0, 1000, "bars", "longest stay"),
    NUMBER(info, 0.1, 0, 1, "fraction", "gain that is enough"),
    WINDOW(value, 1, "bars of the change"),
    WINDOW(named, 1, "bars of the averages"))

ROWS(
    MOMENTUM(rows, close, value),
    SMA(argument, close, named),
    SMA(value_row, close, named))

SIGNALS(
    CROSS_LEVEL(signals, rows, CONSTANT(0)),
    CROSS(signal, argument, value_row))

STATE(params)

ON_BAR {
    use(close, rows, flat, is_long, is_short, entry_price, bars_held, kind, info, argument);
    state->params = state->params + 1;
    target(+1, flat & (rows > 0) & not(crossed_above(signal)));
    target(-1, flat & (rows < 0));
    target(0, is_long & ((close >= entry_price * (1 + info)) | (bars_held >= kind)));
    target(0, is_short & ((argument <= entry_price * (1 - info)) | (bars_held >= kind)));
}
