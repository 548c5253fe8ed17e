/* Commodity channel index (Lambert, 1980): (price - mean) / (0.015 * mean distance from the mean), of the last `window` prices
 * (high + low + close) / 3.
 *
 * 0 where all of the window is one price, as in TA-Lib. tulipindicators has the same numbers and shows them from bar 2 (window
 * - 1) on. The mean distance is worked out anew on every bar: the work grows with the window. */
#include "data/row.h"

ABOUT("distance of the price from its mean, in mean distances times 0.015")
COLUMNS(high, low, close)
ARGUMENTS(WINDOW(window))
OUTPUTS(index)
MEMORY(td_row_sum sum; td_row_run run;)
WARMUP(argument(window) - 1)

TD_INLINE double price_at(const td_row_now *now, int64_t t) {
    return (column(high)[t] + column(low)[t] + column(close)[t]) * (1.0 / 3); /* a division would be most of the work */
}

STEP {
    enum { CHAINS = 4 }; /* sums that do not wait for each other */
    td_real window = argument(window), oldest = (ago(high, window) + ago(low, window) + ago(close, window)) * (1.0 / 3);
    double price = price_at(now, now->t);
    td_row_slide(&memory->sum, full(window), oldest, td_splat(price));
    td_mask flat = td_row_repeat(&memory->run, price) >= window;
    td_real mean = memory->sum.sum / window, distance[CHAINS] = {td_splat(0), td_splat(0), td_splat(0), td_splat(0)};
    int64_t longest = td_row_longest(windows(window), window > 0), bars = longest <= now->t ? longest : now->t + 1;
    for (int64_t j = 0; j < bars; j += CHAINS)
        for (int c = 0; c < CHAINS; c++) {
            int64_t back = j + c < bars ? j + c : 0; /* beyond the longest window, so in no lane */
            td_real far = td_abs(price_at(now, now->t - back) - mean);
            distance[c] = td_select(td_splat((double)(j + c)) < window, distance[c] + far, distance[c]);
        }
    td_real sum = (distance[0] + distance[1]) + (distance[2] + distance[3]);
    output(index) = td_select(flat, 0, (price - mean) / (0.015 * (sum / window)));
}
