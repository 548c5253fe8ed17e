/* A breakout from Bollinger bands: a close outside the bands begins a trend, which is over when a close is back at the average. */
#include "sim/strategy.h"

ABOUT("long when the close breaks out above the upper band, short below the lower one, out at the average")

PARAMETERS(
    WINDOW(window, 20, "bars of average and deviation"),
    NUMBER(width, 2, 0, 10, "deviations", "distance of the bands from the average"))

ROWS(
    BOLLINGER(band, close, window, width),
    SMA(last, close, CONSTANT(1)))

SIGNALS(
    CROSS(over, last, band_upper),
    CROSS(under, last, band_lower),
    CROSS(home, last, band_middle))

ON_SIGNAL {
    use(position);
    target(0, (crossed_below(home) & (position > 0)) | (crossed_above(home) & (position < 0)));
    target(+1, crossed_above(over));
    target(-1, crossed_below(under));
}
