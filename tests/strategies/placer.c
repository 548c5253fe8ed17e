/* Places two orders of any kind, again and again, each with all that can be said of one: what tests drive the broker with. Levels are
 * fractions of the close. Kinds 0 to 9 are the entries in the order of sim/order_words.h, 10 to 12 the exits, 13 to 15 move the stop,
 * the target, and cancel. */
#include "sim/strategy.h"

ABOUT("places two orders")

PARAMETERS(
    COUNT(when, 1, 0, 100000, "bar", "the bar the first is placed on"),
    COUNT(what, 0, 0, 15, "", "of the first"),
    NUMBER(level, 1, 0, 5, "", "of the first"),
    NUMBER(limit, 1, 0, 5, "", "of the first, a stop-limit order"),
    NUMBER(share, 1, 0, 5, "", "of the first: size"),
    COUNT(bars, 100000, 1, 100000, "bars", "the first works"),
    COUNT(when2, 0, 0, 100000, "bar", "the bar the second is placed on; 0 is none"),
    COUNT(what2, 0, 0, 15, "", "of the second"),
    NUMBER(level2, 1, 0, 5, "", "of the second"),
    NUMBER(share2, 1, 0, 5, "", "of the second"),
    COUNT(every, 100000, 1, 100000, "bars", "both come again after so many"),
    NUMBER(loss, 0, 0, 5, "", "stop-loss of the first; 0 none"),
    NUMBER(profit, 0, 0, 5, "", "take-profit of the first; 0 none"),
    NUMBER(distance, 0, 0, 5, "", "trailing distance of the first; 0 none"),
    COUNT(pair, 0, 0, 1, "", "1: one cancels the other"))

ROWS()

SIGNALS()

STATE(bar, next, next2)

ORDERS

/* One of each kind, in the lanes that want it. */
#define PLACE(kind, level, limit, where, say)                                                                                    \
    say(buy((where) & ((kind) == 0)));                                                                                           \
    say(sell((where) & ((kind) == 1)));                                                                                          \
    say(buy_limit(level, (where) & ((kind) == 2)));                                                                              \
    say(sell_limit(level, (where) & ((kind) == 3)));                                                                             \
    say(buy_stop(level, (where) & ((kind) == 4)));                                                                               \
    say(sell_stop(level, (where) & ((kind) == 5)));                                                                              \
    say(buy_stop_limit(level, limit, (where) & ((kind) == 6)));                                                                  \
    say(sell_stop_limit(level, limit, (where) & ((kind) == 7)));                                                                 \
    say(buy_if_touched(level, (where) & ((kind) == 8)));                                                                         \
    say(sell_if_touched(level, (where) & ((kind) == 9)));                                                                        \
    say(leave((where) & ((kind) == 10)));                                                                                        \
    say(leave_limit(level, (where) & ((kind) == 11)));                                                                           \
    say(leave_stop(level, (where) & ((kind) == 12)));                                                                            \
    move_stop(level, (where) & ((kind) == 13));                                                                                  \
    move_target(level, (where) & ((kind) == 14));                                                                                \
    cancel_orders((where) & ((kind) == 15));

#define SAY_FIRST(placed)                                                                                                        \
    {                                                                                                                            \
        order latest = placed;                                                                                                   \
        size_of(latest, param(share));                                                                                           \
        good_for(latest, param(bars));                                                                                           \
        stop_loss(latest, select(param(loss) > 0, price(close) * param(loss), __builtin_nan("")));                               \
        take_profit(latest, select(param(profit) > 0, price(close) * param(profit), __builtin_nan("")));                         \
        trail(latest, select(param(distance) > 0, price(close) * param(distance), __builtin_nan("")));                           \
        if (pairs) one_cancels_other(last, latest);                                                                              \
        last = latest >= 0 ? latest : last;                                                                                      \
    }
#define SAY_SECOND(placed)                                                                                                       \
    {                                                                                                                            \
        order latest = placed;                                                                                                   \
        size_of(latest, param(share2));                                                                                          \
        if (pairs) one_cancels_other(last, latest);                                                                              \
        last = latest >= 0 ? latest : last;                                                                                      \
    }
/* Whether two orders are a pair is not a lane's to say: all sets of a test say the same. */
TD_INLINE double first_lane(td_real x) {
    double values[TD_LANES];
    td_store(values, x);
    return values[0];
}

ON_BAR {
    order last = -1;
    const bool pairs = first_lane(param(pair)) > 0;
    mask one = (state->bar == param(when) + state->next) & (param(when) > 0), two = (state->bar == param(when2) + state->next2) & (param(when2) > 0);
    PLACE(param(what), price(close) * param(level), price(close) * param(limit), one, SAY_FIRST)
    PLACE(param(what2), price(close) * param(level2), price(close), two, SAY_SECOND)
    state->next = select(one, state->next + param(every), state->next);
    state->next2 = select(two, state->next2 + param(every), state->next2);
    state->bar = state->bar + 1;
}
