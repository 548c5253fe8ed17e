/* Buys on bar 1 and sells on bar 3, with words about the position that this ends: what becomes of them. */
#include "sim/strategy.h"

ABOUT("turns around")

PARAMETERS(
    NUMBER(stop, 1, 0, 1000000, "quote", "moved to"),
    NUMBER(limit, 1, 0, 1000000, "quote", "of an exit"))

ROWS()

SIGNALS()

STATE(bar)

ORDERS

ON_BAR {
    mask turn = state->bar == 3;
    buy(state->bar == 1);
    sell(turn);
    leave(turn);
    leave_limit(param(limit), turn);
    move_stop(param(stop), turn);
    state->bar = state->bar + 1;
}
