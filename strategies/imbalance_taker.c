/* Takes in the direction in which the book leans: buys what is offered when the first levels hold far more to buy than to sell, sells
 * when it is the other way round. It leaves when the book leans the other way, or after a while. */
#include "sim/strategy.h"

ABOUT("takes when the first levels of the book lean to one side, leaves when they turn or after a while")

PARAMETERS(
    COUNT(levels, 5, 1, 10, "", "levels of each side that are weighed"),
    NUMBER(threshold, 0.6, 0, 1, "", "imbalance, (bids - asks) / (bids + asks), from which on it takes"),
    NUMBER(exit_at, 0, -1, 1, "", "imbalance against the position from which on it leaves"),
    NUMBER(hold, 10, 0, 1e9, "s", "longest time a position is held"),
    NUMBER(order_qty, 1, 0, 1e12, "units", "quantity of an order"))

STATE(since)

HOOKS(TIMER, DEPTH(10))

ON_TIMER {
    use(bid, ask, position, flat, is_long, is_short, seconds, threshold, exit_at, hold, order_qty);
    real lean = imbalance_of(param(levels));
    mask idle = (working(BUY) == 0) & (working(SELL) == 0);
    state->since = select(flat, seconds, state->since);

    submit(BUY, ask, order_qty, IOC, idle & flat & (lean >= threshold));
    submit(SELL, bid, order_qty, IOC, idle & flat & (lean <= -threshold));

    mask late = seconds - state->since >= hold;
    market(SELL, position, idle & is_long & (late | (lean <= -exit_at)));
    market(BUY, -position, idle & is_short & (late | (lean >= exit_at)));
}
