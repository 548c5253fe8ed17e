/* As many rows and signals as fit, over all kinds and several columns, some rows twice. */
#include "sim/strategy.h"

ABOUT("a vote of four signals over eight rows")

PARAMETERS(
    WINDOW(one, 5, "bars"),
    WINDOW(two, 8, "bars"),
    WINDOW(three, 13, "bars"),
    NUMBER(level, 50, 0, 100, "", "middle of the RSI"))

ROWS(
    SMA(a, close, one),
    SMA(b, close, two),
    EMA(c, high, two),
    EMA(d, low, three),
    RSI(e, close, one),
    SMA(f, open, one),
    SMA(g, volume, three),
    EMA(h, close, one))

SIGNALS(
    CROSS(ab, a, b),
    CROSS(hc, h, c),
    CROSS_LEVEL(middle, e, level),
    CROSS(fd, f, d))

ON_SIGNAL {
    mask up = crossed_above(ab) | (crossed_above(middle) & (row(g) > 1.4)), down = crossed_below(ab) | crossed_below(fd);
    target(select(up, 1, -0.5), up | down);
    target(0, crossed_below(hc) & not(up) & (previous(a) < row(a)));
}
