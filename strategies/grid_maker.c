/* A grid of orders on both sides of the book, in equal steps. What it holds moves the whole grid away from where it came from: a position
 * of max_position moves it by `skew` ticks, so that the side which gets rid of it is nearer to the market than the one which adds. */
#include "sim/strategy.h"

ABOUT("keeps orders at several prices on each side, shifted against the position it has")

PARAMETERS(
    COUNT(levels, 3, 1, 8, "", "orders a side; book.order_limit should allow twice as many, for those on their way"),
    COUNT(offset_ticks, 0, 0, 1000000, "ticks", "how far behind the best price the first one is"),
    COUNT(step_ticks, 10, 1, 1000000, "ticks", "distance from one to the next"),
    NUMBER(skew, 10, 0, 1e6, "ticks", "how far the grid moves when the position is max_position"),
    NUMBER(order_qty, 1, 0, 1e12, "units", "quantity of an order"),
    NUMBER(max_position, 5, 1e-12, 1e12, "units", "position, long or short, from which on no more is added"))

STATE()

HOOKS(TIMER)

ON_TIMER {
    use(bid, ask, position, levels, offset_ticks, step_ticks, skew, order_qty, max_position);
    real shift = floor(skew * position / max_position + 0.5);
    real top = min(bid - offset_ticks - shift, ask - 1); /* never so far that it would take */
    real bottom = max(ask + offset_ticks - shift, bid + 1);
    for (int k = 0; k < 8; k++) {
        mask wanted = levels > k;
        quote(BUY, top - k * step_ticks, order_qty, wanted & (position < max_position));
        quote(SELL, bottom + k * step_ticks, order_qty, wanted & (position > -max_position));
    }
}
