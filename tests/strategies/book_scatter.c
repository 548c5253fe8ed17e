/* Sends requests of all kinds at places and times that its own dice choose, another dice for each seed: what tests drive the engines of
 * order books with. */
#include "sim/strategy.h"

ABOUT("requests of all kinds, by dice")

PARAMETERS(
    COUNT(seed, 1, 1, 1000000, "", "of its dice"),
    NUMBER(busy, 0.5, 0, 1, "", "how often it wants something"),
    COUNT(reach, 4, 1, 1000, "ticks", "how far from the touch its orders are, on either side"),
    NUMBER(largest, 8, 1, 1000, "units", "largest quantity"),
    COUNT(only, 0, 0, 9, "", "one kind of request; 0: all"))

STATE(dice, last_buy, last_sell)

HOOKS(TIMER, DEPTH(3))

#define ROLL() (state->dice = state->dice * 16807 - floor(state->dice * 16807 / 2147483647) * 2147483647, state->dice / 2147483647)

ON_TIMER {
    use(bid, ask, position, seed, busy, reach, largest, only);
    state->dice = select(state->dice == 0, seed, state->dice);
    for (int i = 0; i < 3; i++) {
        mask now_and_then = ROLL() < busy;
        real what = select(only == 0, 1 + floor(ROLL() * 12), only), size = floor(ROLL() * (largest + 1)); /* 0: refused */
        real low = bid - reach + floor(ROLL() * (2 * reach + 1)), high = ask - reach + floor(ROLL() * (2 * reach + 1));
        mask buying = (ROLL() < 0.5) & (position < 20 * largest) & now_and_then;
        mask selling = td_not(buying) & (position > -20 * largest) & now_and_then;
        submit(BUY, low, size, GTC, buying & ((what == 1) | (what >= 10)));
        submit(SELL, high, size, GTC, selling & ((what == 1) | (what >= 10)));
        submit(BUY, min(low, ask - 1), size, POST_ONLY, buying & (what == 2));
        submit(SELL, max(high, bid + 1), size, POST_ONLY, selling & (what == 2));
        submit(BUY, high, size, IOC, buying & (what == 3));
        submit(SELL, low, size, IOC, selling & (what == 3));
        submit(BUY, high, size, FOK, buying & (what == 4));
        submit(SELL, low, size, FOK, selling & (what == 4));
        market(BUY, size, buying & (what == 5));
        market(SELL, size, selling & (what == 5));
        cancel_all(BUY, buying & (what == 6));
        cancel_all(SELL, selling & (what == 6));
        cancel(BUY, state->last_buy, buying & (what == 7));
        cancel(SELL, state->last_sell, selling & (what == 7));
        modify(BUY, state->last_buy, low, size, buying & (what == 8));
        modify(SELL, state->last_sell, high, size, selling & (what == 8));
        modify(BUY, state->last_buy, state->last_buy, size, buying & (what == 9));
        modify(SELL, state->last_sell, state->last_sell, size, selling & (what == 9));
        state->last_buy = select(buying & (what != 7), low, state->last_buy);
        state->last_sell = select(selling & (what != 7), high, state->last_sell);
        if (i == 2) {
            real lean = imbalance_of(2);
            quote(SELL, ask + 1, size, now_and_then & (what == 2) & (lean > 0) & (depth_quantity(SELL, 1) > 0));
        }
    }
}
