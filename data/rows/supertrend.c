/* Supertrend (Seban): a band of `width` average true ranges (Wilder's, over `window` bars) around (high + low) / 2 that only
 * tightens while the close stays inside; the line is the lower band in an uptrend and the upper one in a downtrend, side +1 and
 * -1.
 *
 * As TradingView's ta.supertrend defines it (whose direction has the other sign): the trend starts down, on the first bar with
 * an average true range, and turns where the close passes the line. */
#include "data/row.h"

ABOUT("stop of `width` average true ranges that only tightens, and its side, +1 up or -1 down")
COLUMNS(high, low, close)
ARGUMENTS(WINDOW(window), NUMBER(width, 0, 1e6))
OUTPUTS(line, side)
MEMORY(td_real range; td_real upper; td_real lower; td_real side;)
WARMUP(argument(window) - 1)

STEP {
    double true_range = td_row_true_range(bar(high), bar(low), now->t > 0 ? before(close) : bar(low));
    td_real range = td_row_wilder(&memory->range, now->age, td_splat(0), divisor(window), td_splat(true_range));
    td_real middle = td_splat((bar(high) + bar(low)) / 2), reach = argument(width) * range;
    td_mask first = td_splat(now->age) < argument(window);
    td_real upper = middle + reach, lower = middle - reach;
    upper = td_select(first | (upper < memory->upper) | (before(close) > memory->upper), upper, memory->upper);
    lower = td_select(first | (lower > memory->lower) | (before(close) < memory->lower), lower, memory->lower);
    td_real turned = td_select(memory->side < 0, td_select(bar(close) > upper, 1, -1), td_select(bar(close) < lower, -1, 1));
    memory->side = td_select(first, -1, turned);
    memory->upper = upper;
    memory->lower = lower;
    output(line) = td_select(memory->side > 0, lower, upper);
    output(side) = memory->side;
}
