/* Reversion to the session's VWAP: what trades far from the day's volume-weighted average price comes back to it. The session is the
 * UTC day. Far is counted in average true ranges, so that it means the same in calm and in wild markets. */
#include "sim/strategy.h"

ABOUT("long far below the day's volume-weighted average price, short far above it, out when it is reached")

PARAMETERS(
    WINDOW(window, 14, "bars of the average true range"),
    NUMBER(far, 2, 0, 100, "ranges", "distance from the VWAP that is too far"))

ROWS(
    VWAP(fair),
    ATR(range, window))

SIGNALS()

STATE()

ON_BAR {
    (void)state;
    use(close, fair, range, far, is_long, is_short);
    target(0, (is_long & (close >= fair)) | (is_short & (close <= fair)));
    target(+1, close < fair - far * range);
    target(-1, close > fair + far * range);
}
