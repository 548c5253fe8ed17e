/* Reversion to the middle of a Keltner channel: a close back inside the channel fades the excursion, until the middle is reached. */
#include "sim/strategy.h"

ABOUT("long when the close comes back up into the channel, short when it comes back down, out at the middle")

PARAMETERS(
    WINDOW(window, 20, "bars of the average in the middle"),
    WINDOW(range_window, 10, "bars of the average true range"),
    NUMBER(width, 2, 0, 20, "ranges", "distance of the channel's edges from its middle"))

ROWS(
    KELTNER(channel, window, range_window, width),
    SMA(last, close, CONSTANT(1)))

SIGNALS(
    CROSS(low, last, channel_lower),
    CROSS(high, last, channel_upper),
    CROSS(home, last, channel_middle))

ON_SIGNAL {
    use(position);
    target(0, (crossed_above(home) & (position > 0)) | (crossed_below(home) & (position < 0)));
    target(+1, crossed_above(low));
    target(-1, crossed_below(high));
}
