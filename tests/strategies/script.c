/* Follows orders written into the tape's volume column: its sign flips on bars with a decision, its size is 1000 + target there.
 * Between them nothing crosses, so nothing is decided. */
#include "sim/strategy.h"

ABOUT("does what the volume column says")

PARAMETERS(
    WINDOW(one, 1, "bars of the average: one, so that it is the volume itself"),
    NUMBER(level, 0, 0, 0, "", "zero"))

ROWS(SMA(order, volume, one))

SIGNALS(CROSS_LEVEL(flip, order, level))

ON_SIGNAL {
    target(abs(row(order)) - 1000, crossed_above(flip) | crossed_below(flip));
}
