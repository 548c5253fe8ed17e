/* Money flow index (Quong and Soudack, 1989): an RSI of volume: 100 * up / (up + down), where up and down are the sums of price *
 * volume of the last `window` bars that rose and fell; the price of a bar is (high + low + close) / 3.
 *
 * 50 where no bar of the window moved with volume. A bar without volume adds nothing. First value after `window` changes, as
 * in tulipindicators and TA-Lib. Kahan's sums, and exact zeroes where no bar of the window rose, or none fell. */
#include "data/row.h"

ABOUT("share of the money that went into rising bars, 0 to 100")
COLUMNS(high, low, close, volume)
ARGUMENTS(WINDOW(window))
OUTPUTS(index)
typedef struct flow {
    td_row_sum money;
    td_real bars; /* of the window that have any */
} flow;
MEMORY(flow up; flow down;)
WARMUP(argument(window))

TD_INLINE td_real with_volume(td_real volume) { return td_select(volume > 0, volume, 0); }

TD_INLINE td_real slide(flow *flow, td_mask full, td_real leaves, td_real comes) {
    td_row_slide(&flow->money, full, leaves, comes);
    flow->bars = flow->bars + td_select(comes > 0, 1, 0) - td_select(full & (leaves > 0), 1, 0);
    td_mask none = flow->bars == 0;
    flow->money.sum = td_select(none, 0, flow->money.sum);
    flow->money.lost_adding = td_select(none, 0, flow->money.lost_adding);
    flow->money.lost_removing = td_select(none, 0, flow->money.lost_removing);
    return flow->money.sum;
}

STEP {
    /* bar t - window leaves; it rose or fell against the one before it. The first bar did neither. */
    td_real window = argument(window);
    int32_t more[TD_LANES];
    for (int l = 0; l < TD_LANES; l++) more[l] = windows(window)[l] + 1;
    td_real old = (ago(high, window) + ago(low, window) + ago(close, window)) / 3;
    td_real older = (td_row_ago(column(high), now->t, more) + td_row_ago(column(low), now->t, more) +
                     td_row_ago(column(close), now->t, more)) / 3;
    td_real leaves = old * with_volume(ago(volume, window));
    double price = (bar(high) + bar(low) + bar(close)) / 3, last = (before(high) + before(low) + before(close)) / 3;
    td_real comes = price * with_volume(td_splat(bar(volume)));
    td_mask full = td_splat(now->age) > window;
    td_real up = slide(&memory->up, full, td_select(old > older, leaves, 0), price > last ? comes : td_splat(0));
    td_real down = slide(&memory->down, full, td_select(old < older, leaves, 0), price < last ? comes : td_splat(0));
    td_real both = up + down;
    output(index) = td_select(both > 0, 100 * up / both, 50);
}
