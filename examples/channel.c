/* channel.c: breaks out of a channel by stop orders that wait in the market; half is sold at a limit, the rest trails out. */
#include "sim/strategy.h"

ABOUT("enters by stop orders at a channel's edges, takes half the profit at a limit and trails the rest")

PARAMETERS(
    WINDOW(window, 20, "bars of the channel"),
    NUMBER(risk, 2, 0.1, 100, "ranges", "distance of the first stop, and of the trailing one"),
    NUMBER(reward, 3, 0.1, 100, "ranges", "gain at which half is sold"))

ROWS(
    DONCHIAN(channel, window),
    ATR(range, CONSTANT(14)))

SIGNALS()

STATE(range_then, halved)

ORDERS

ON_BAR {
    use(close, flat, is_long, entry_price, channel_upper, channel_lower, range, risk, reward);

    /* out of the market: an order at each edge, for the next bar only; the fill of one cancels the other */
    mask ready = flat & (range > 0);
    order up = buy_stop(channel_upper, ready & (close < channel_upper));
    order down = sell_stop(channel_lower, ready & (close > channel_lower));
    stop_loss(up, channel_upper - risk * range);
    stop_loss(down, channel_lower + risk * range);
    trail(up, risk * range);
    trail(down, risk * range);
    good_for(up, 1);
    good_for(down, 1);
    one_cancels_other(up, down);
    state->range_then = select(flat, range, state->range_then);

    /* in the market: once, an order to sell half of what stands */
    real gain = reward * state->range_then;
    order half = leave_limit(select(is_long, entry_price + gain, entry_price - gain), state->halved == 0);
    size_of(half, 0.5);
    state->halved = select(flat, 0, 1);
}
