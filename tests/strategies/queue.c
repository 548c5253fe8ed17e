/* Places two orders a bar as the volume column says: a volume is two actions of 24 bits, a digit each for what, how far away, and so on.
 * For profile backtesting, which is compared with the package by it (tests/peers/backtesting_orders.py has the same in Python). */
#include "sim/strategy.h"

ABOUT("places two orders a bar as the volume column says")

PARAMETERS(
    NUMBER(step, 0.01, 0, 0.1, "fraction", "unit of the distances"))

ROWS()

SIGNALS()

STATE()

ORDERS

/* Takes the lowest digit of `code` to base `base` off it. */
#define DIGIT(name, base)                                                                                                        \
    real name = code - floor(code / (base)) * (base);                                                                            \
    code = floor(code / (base));

#define SAY(placed)                                                                                                              \
    {                                                                                                                            \
        order latest = placed;                                                                                                   \
        size_of(latest, share);                                                                                                  \
        stop_loss(latest, loss);                                                                                                 \
        take_profit(latest, profit);                                                                                             \
    }

/* what: 0 nothing, 1 to 8 entries, 9 leaves, 10 moves the stop, 11 the target, 12 cancels, 13 to 15 targets -1, 0, 1 */
#define ACT                                                                                                                      \
    {                                                                                                                            \
        DIGIT(what, 16)                                                                                                          \
        DIGIT(away, 32)                                                                                                          \
        DIGIT(beyond, 32)                                                                                                        \
        DIGIT(loss_steps, 16)                                                                                                    \
        DIGIT(profit_steps, 16)                                                                                                  \
        DIGIT(part, 4)                                                                                                           \
        real level = close * (1 + (away - 16) * step), limit = close * (1 + (beyond - 16) * step), share = 1 / (part + 1);       \
        real side = select((what == 2) | (what == 4) | (what == 6) | (what == 8), -1, 1);                                        \
        real from = select(what >= 7, limit, select(what >= 3, level, close));                                                    \
        real loss = select(loss_steps > 0, from * (1 - side * loss_steps * step), __builtin_nan(""));                           \
        real profit = select(profit_steps > 0, from * (1 + side * profit_steps * step), __builtin_nan(""));                     \
        SAY(buy(what == 1))                                                                                                      \
        SAY(sell(what == 2))                                                                                                     \
        SAY(buy_limit(level, what == 3))                                                                                         \
        SAY(sell_limit(level, what == 4))                                                                                        \
        SAY(buy_stop(level, what == 5))                                                                                          \
        SAY(sell_stop(level, what == 6))                                                                                         \
        SAY(buy_stop_limit(level, limit, what == 7))                                                                             \
        SAY(sell_stop_limit(level, limit, what == 8))                                                                            \
        order out = leave(what == 9);                                                                                            \
        size_of(out, share);                                                                                                     \
        move_stop(level, what == 10);                                                                                            \
        move_target(level, what == 11);                                                                                          \
        cancel_orders(what == 12);                                                                                               \
        target(what - 14, what >= 13);                                                                                           \
    }

ON_BAR {
    (void)state;
    use(close, volume, step);
    real code = volume;
    ACT
    ACT
}
