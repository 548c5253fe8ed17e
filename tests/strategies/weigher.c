/* As follow.c, but brings the position to the fraction that the volume column says instead of opening it. */
#include "sim/strategy.h"

ABOUT("rebalances to what the volume column says, v - 10")

PARAMETERS()

ROWS()

SIGNALS()

STATE()

ORDERS

ON_BAR {
    (void)state;
    real asked = abs(price(volume));
    rebalance(asked - 10, asked > 0);
}
