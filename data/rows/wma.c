/* Weighted moving average: the last value weighs `window`, the one before it one less, ..., the first of the window 1.
 *
 * Weighted and plain sum slide (the weighted one loses the plain one of the bar before), and are renewed from the column,
 * because what rounding leaves in the plain sum would pile up in the weighted one. As tulipindicators and TA-Lib define it.
 * Where the whole window holds one value the mean is that value, exactly. */
#include "data/row.h"

ABOUT("mean of the last `window` values, with weights 1 to window")
COLUMNS(x)
ARGUMENTS(WINDOW(window))
OUTPUTS(mean)
MEMORY(td_real weighted; td_real sum; td_real renewal; td_row_run run;)
WARMUP(argument(window) - 1)

/* Both sums from the column, in the lanes `where`. */
TD_RARE void renew(td_row_memory *memory, const double *x, int64_t t, const int32_t *windows, td_real window, td_mask where) {
    td_real weighted = td_splat(0), sum = td_splat(0);
    for (int64_t j = td_row_longest(windows, where) - 1; j >= 0; j--) {
        td_mask inside = td_splat((double)j) < window;
        weighted = td_select(inside, weighted + (window - (double)j) * x[t - j], weighted);
        sum = td_select(inside, sum + x[t - j], sum);
    }
    memory->weighted = td_select(where, weighted, memory->weighted);
    memory->sum = td_select(where, sum, memory->sum);
}

STEP {
    td_real window = argument(window);
    td_mask full = full(window);
    memory->weighted = td_select(full, memory->weighted + (window * bar(x) - memory->sum), memory->weighted + (now->age + 1) * bar(x));
    memory->sum = memory->sum + (bar(x) - td_select(full, ago(x, window), 0));
    td_mask due = td_row_due(&memory->renewal, now->age, window);
    if (td_unlikely(td_any(due))) renew(memory, column(x), now->t, windows(window), window, due);
    td_mask flat = td_row_repeat(&memory->run, bar(x)) >= window;
    output(mean) = td_select(flat, bar(x), memory->weighted / (window * (window + 1) / 2));
}
