/* As script.c, but brings the position to the fraction that the volume column says instead of opening it; over a level that is a
 * constant. */
#include "sim/strategy.h"

ABOUT("rebalances to what the volume column says")

PARAMETERS()

ROWS(SMA(wish, volume, CONSTANT(1)))

SIGNALS(CROSS_LEVEL(flip, wish, CONSTANT(0)))

ORDERS

ON_SIGNAL {
    rebalance(abs(row(wish)) - 1000, crossed_above(flip) | crossed_below(flip));
}
