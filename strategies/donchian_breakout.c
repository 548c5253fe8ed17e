/* The channel breakout of the Turtles (Faith, The Original Turtle Trading Rules, 2003), by closes: in at a new extreme of many bars,
 * out at an opposite one of fewer. examples/channel.c does it with stop orders in the market. */
#include "sim/strategy.h"

ABOUT("long when the close leaves the entry channel upwards, short downwards, out at the far side of the shorter exit channel")

PARAMETERS(
    WINDOW(entry, 20, "bars of the entry channel"),
    WINDOW(exit, 10, "bars of the exit channel"))

ROWS(
    DONCHIAN(entry, entry),
    DONCHIAN(exit, exit))

SIGNALS()

STATE()

ON_BAR {
    (void)state;
    use(close, is_long, is_short);
    /* this bar belongs to its own channel, so it is held against the channel one bar ago */
    target(0, is_long & (close < previous(exit_lower)));
    target(0, is_short & (close > previous(exit_upper)));
    target(+1, close > previous(entry_upper));
    target(-1, close < previous(entry_lower));
}
