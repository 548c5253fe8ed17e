/* Spread of a pair: the logarithm of the first symbol's close less `beta` times that of the second's, and its z-score: how many standard
 * deviations it is from its mean over the last `window` bars (Vidyamurthy, Pairs Trading, 2004).
 *
 * Bars are those that both symbols have. The deviation is the population's, as in Bollinger's bands: a z-score above 2 is a spread
 * above its upper band of width 2. It is 0 where the spread does not deviate, by more than rounding could make of it. */
#include "data/row.h"

ABOUT("log of the first close less `beta` times that of the second, and its distance from its mean in standard deviations")
COLUMNS(log_first, log_second)
ARGUMENTS(WINDOW(window), NUMBER(beta, 0, 1000))
OUTPUTS(value, zscore)
MEMORY(td_row_moments moments; td_row_run second_run;)
WARMUP(argument(window) - 1)

/* td_row_squares() of the spread. */
TD_RARE td_real spread_squares(const td_row_now *now, td_real mean, td_mask where) {
    td_real sum = td_splat(0), squares = td_splat(0), window = argument(window);
    for (int64_t j = td_row_longest(windows(window), where) - 1; j >= 0; j--) {
        td_mask inside = where & (td_splat((double)j) < window);
        td_real d = column(log_first)[now->t - j] - argument(beta) * column(log_second)[now->t - j] - mean;
        sum = td_select(inside, sum + d, sum);
        squares = td_select(inside, squares + d * d, squares);
    }
    return squares - sum * sum / window;
}

STEP {
    td_row_moments *m = &memory->moments;
    td_real window = argument(window), beta = argument(beta);
    td_real second = beta * bar(log_second), x = bar(log_first) - second, old = ago(log_first, window) - beta * ago(log_second, window);
    td_real count = td_min(window, now->age + 1);
    td_real held = td_min(td_row_repeat(&m->run, bar(log_first)), td_row_repeat(&memory->second_run, bar(log_second)));
    td_mask flat = held >= count;
    td_row_move(m, full(window), flat, count, x, old);
    td_mask due = td_row_due(&m->renewal, now->age, window);
    if (td_unlikely(td_any(due))) m->squares = td_select(due, spread_squares(now, m->mean, due), m->squares);
    m->squares = td_select(flat, 0, m->squares);

    td_real deviation = td_row_sqrt(td_max(m->squares, 0) / window), rounding = 0x1p-40 * (td_abs(td_splat(bar(log_first))) + td_abs(second));
    output(value) = x;
    output(zscore) = td_select(deviation > rounding, (x - m->mean) / deviation, 0);
}
