/* A buy and a sell order, post-only, at the best prices or a number of ticks behind them, until the position is as large as it may be. */
#include "sim/strategy.h"

ABOUT("keeps a buy and a sell order at the best bid and ask, or some ticks behind them")

PARAMETERS(
    COUNT(offset_ticks, 0, 0, 1000000, "ticks", "how far behind the best price orders are"),
    NUMBER(order_qty, 1, 0, 1e12, "units", "quantity of an order"),
    NUMBER(max_position, 5, 0, 1e12, "units", "position, long or short, from which on no more is added"))

STATE()

HOOKS(TIMER)

ON_TIMER {
    use(bid, ask, position, offset_ticks, order_qty, max_position);
    quote(BUY, bid - offset_ticks, order_qty, position < max_position);
    quote(SELL, ask + offset_ticks, order_qty, position > -max_position);
}
