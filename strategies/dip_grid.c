/* Buys dips on a grid: limit orders in equal steps below the close at which it had nothing, each for an equal share of the account. Each
 * brings the target for all that is held: a profit above the mean of the levels down to its own. Where nothing was bought for a while
 * the grid is laid anew around the price. account.pyramiding must be at least `levels`, or further fills are refused. */
#include "sim/strategy.h"

ABOUT("buys with limit orders in steps below the price, sells all of it a profit above their mean")

PARAMETERS(
    COUNT(levels, 3, 1, 4, "", "orders of the grid; account.pyramiding must allow as many entries"),
    NUMBER(step, 0.01, 0, 0.2, "fraction", "distance between them, and of the first from the close"),
    NUMBER(profit, 0.01, 0, 10, "fraction", "of the target above the mean price"),
    COUNT(patience, 24, 1, 100000, "bars", "after which a grid that bought nothing is laid anew"))

ROWS()

SIGNALS()

STATE(age)

ORDERS

#define LAY(number)                                                                                                              \
    {                                                                                                                            \
        order dip = buy_limit(close * (1 - (number) * step), lay & (levels >= (number)));                                        \
        size_of(dip, 1 / levels);                                                                                                \
        take_profit(dip, close * (1 - ((number) + 1) / 2.0 * step) * (1 + profit));                                              \
    }

ON_BAR {
    use(close, flat, levels, step, profit, patience);
    mask lay = flat & ((state->age == 0) | (state->age >= patience));
    cancel_orders(lay);
    LAY(1)
    LAY(2)
    LAY(3)
    LAY(4)
    state->age = select(flat, select(lay, 1, state->age + 1), 0);
}
