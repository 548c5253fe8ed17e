/* Stochastic oscillator (Lane): where the close lies between lowest low and highest high of the last `window` bars, 0 to 100,
 * averaged over `slowing` bars (k), and that averaged over `smoothing` bars (d). 0 where the range is empty, as in
 * tulipindicators.
 *
 * A value that leaves one of the two averages is worked out again from the columns: so many bars ago the same steps are taken
 * once more, with the same bits. That costs four times the work and saves a memory as long as the averages. */
#include "data/row.h"

ABOUT("the close between lowest low and highest high, 0 to 100, averaged (k) and averaged again (d)")
COLUMNS(high, low, close)
ARGUMENTS(WINDOW(window), WINDOW(slowing), WINDOW(smoothing))
OUTPUTS(k, d)
typedef struct reach {
    td_row_extreme top, bottom;
} reach;
MEMORY(reach comes; reach leaves; reach past_comes; reach past_leaves; td_row_sum k; td_row_sum past_k; td_row_sum d;)
WARMUP(argument(window) + argument(slowing) + argument(smoothing) - 3)

/* The unsmoothed value of `lag` bars ago; 0 before the tape. */
TD_INLINE td_real raw(const td_row_now *now, reach *range, const int32_t *lag) {
    td_row_highest(&range->top, column(high), now->t, lag, windows(window));
    td_row_lowest(&range->bottom, column(low), now->t, lag, windows(window));
    td_real close = lag ? td_row_ago(column(close), now->t, lag) : td_splat(bar(close));
    td_real span = range->top.value - range->bottom.value;
    return td_select(span > 0, 100 * (close - range->bottom.value) / span, 0);
}

TD_INLINE td_real within(td_real x) { return td_max(td_min(x, 100), 0); }

STEP {
    td_real age = td_splat(now->age), slowing = argument(slowing), smoothing = argument(smoothing);
    int32_t both[TD_LANES];
    for (int l = 0; l < TD_LANES; l++) both[l] = windows(slowing)[l] + windows(smoothing)[l];
    td_row_slide(&memory->k, age >= slowing, raw(now, &memory->leaves, windows(slowing)), raw(now, &memory->comes, NULL));
    td_real comes = raw(now, &memory->past_comes, windows(smoothing)), leaves = raw(now, &memory->past_leaves, both);
    td_row_slide(&memory->past_k, age >= slowing + smoothing, leaves, td_select(age >= smoothing, comes, 0));
    td_real k = within(memory->k.sum / slowing), past_k = within(memory->past_k.sum / slowing);
    td_row_slide(&memory->d, age >= smoothing, past_k, k);
    output(k) = k;
    output(d) = within(memory->d.sum / smoothing);
}
