/* Parts that kinds of rows are made of; data/row.h includes this for them. All are steps: called on every bar, in order. */
#ifndef TAPEDECK_DATA_ROW_PARTS_H
#define TAPEDECK_DATA_ROW_PARTS_H

TD_INLINE td_real td_row_ago(const double *column, int64_t t, const int32_t *bars) {
    int32_t then[TD_LANES];
    for (int l = 0; l < TD_LANES; l++) {
        then[l] = (int32_t)t - bars[l];
        then[l] = then[l] > 0 ? then[l] : 0;
    }
    return td_gather(column, then);
}

TD_INLINE td_real td_row_sqrt(td_real x) {
    double lane[TD_LANES];
    td_store(lane, x);
    for (int l = 0; l < TD_LANES; l++) lane[l] = __builtin_sqrt(lane[l]);
    return td_load(lane);
}

/* A sum with Kahan's compensation (Further remarks on reducing truncation errors, CACM 1965): its error does not grow with the
 * number of terms. */
typedef struct td_row_total {
    td_real sum, lost;
} td_row_total;

TD_INLINE void td_row_add(td_row_total *total, td_real x) {
    td_real y = x - total->lost, t = total->sum + y;
    total->lost = t - total->sum - y;
    total->sum = t;
}

/* The sum of the last values of a window: drops the value that leaves where the window is full, then adds the new one, each
 * with its own compensation. The operations of pandas' rolling sums, in their order. */
typedef struct td_row_sum {
    td_real sum, lost_adding, lost_removing;
} td_row_sum;

TD_INLINE void td_row_slide(td_row_sum *s, td_mask full, td_real leaves, td_real comes) {
    td_real y = leaves + s->lost_removing; /* pandas adds -y: the same, but for a step on every bar */
    td_real t = s->sum - y;
    s->lost_removing = td_select(full, t - s->sum + y, s->lost_removing);
    s->sum = td_select(full, t, s->sum);

    y = comes - s->lost_adding;
    t = s->sum + y;
    s->lost_adding = t - s->sum - y;
    s->sum = t;
}

/* How many of the last bars in a row held one value. (Kept in lanes although all are alike: comparing vectors is cheaper than
 * spreading the truth of a number over one.) */
typedef struct td_row_run {
    td_real length, last;
} td_row_run;

TD_INLINE td_real td_row_repeat(td_row_run *run, double x) {
    run->length = td_select(x == run->last, run->length + 1, 1);
    run->last = td_splat(x);
    return run->length;
}

/* Some sums over a window are renewed from the columns now and then, so that what rounding left in them cannot pile up: on
 * bars whose number is a multiple of the least power of two that is at least the window, and 64. That depends on nothing but
 * bar and window, and costs at most a window's work per window. `renewal` is the kind's memory: one over that power. */
TD_INLINE td_mask td_row_due(td_real *renewal, double age, td_real window) {
    if (age == 0) {
        td_real bars = td_splat(64);
        while (td_any(bars < window)) bars = td_select(bars < window, bars * 2, bars);
        *renewal = 1 / bars;
    }
    td_real turns = age * *renewal;
    return (turns == td_floor(turns)) & (window <= age);
}

/* The longest window of the lanes in `where`. */
TD_INLINE int32_t td_row_longest(const int32_t *windows, td_mask where) {
    int32_t longest = 0;
    unsigned word = td_mask_word(where);
    for (int l = 0; l < TD_LANES; l++)
        if (word >> l & 1 && windows[l] > longest) longest = windows[l];
    return longest;
}

/* Mean and sum of squared distances from it, of the last `window` values (of those there are, until it is full). The mean is
 * that of sma.c, bit for bit. The squares are updated by the value that comes and the one that leaves (West, Updating mean and
 * variance estimates, CACM 1979, with a window), and renewed; a window of one value has none. */
typedef struct td_row_moments {
    td_row_sum sum;
    td_row_run run;
    td_real mean, squares, renewal;
} td_row_moments;

TD_RARE td_real td_row_squares(const double *x, int64_t t, const int32_t *windows, td_real window, td_real mean, td_mask where) {
    td_real sum = td_splat(0), squares = td_splat(0);
    for (int64_t j = td_row_longest(windows, where) - 1; j >= 0; j--) {
        td_mask inside = where & (td_splat((double)j) < window);
        td_real d = x[t - j] - mean;
        sum = td_select(inside, sum + d, sum);
        squares = td_select(inside, squares + d * d, squares);
    }
    return squares - sum * sum / window;
}

TD_INLINE void td_row_spread(td_row_moments *m, const double *column, int64_t t, const int32_t *windows, td_real window) {
    double age = (double)t, x = column[t];
    td_mask full = td_splat(age) >= window;
    td_real count = td_min(window, age + 1), old = td_row_ago(column, t, windows), before = m->mean;
    td_row_slide(&m->sum, full, old, td_splat(x));
    td_mask flat = td_row_repeat(&m->run, x) >= count;
    m->mean = td_select(flat, x, m->sum.sum / count);
    td_real slid = m->squares + (x - old) * ((x - m->mean) + (old - before)), grown = m->squares + (x - before) * (x - m->mean);
    m->squares = td_max(td_select(full, slid, grown), 0);
    td_mask due = td_row_due(&m->renewal, age, window);
    if (td_unlikely(td_any(due)))
        m->squares = td_select(due, td_row_squares(column, t, windows, window, m->mean, due), m->squares);
    m->squares = td_select(flat, 0, m->squares);
}

/* Exponential moving average: level += (x - level) * 2 / (window + 1), from the first value on. */
TD_INLINE td_real td_row_exponential(td_real *level, double age, td_real window, td_real x) {
    td_real weight = 2 / (window + 1), next = *level + weight * (x - *level);
    *level = age == 0 ? x : next;
    return *level;
}

/* Wilder's average: the mean of the first `window` values, then level += (x - level) / window. x counts from bar `from` on; until
 * `window` values have come the level is their sum. */
TD_INLINE td_real td_row_wilder(td_real *level, double age, td_real from, td_divisor window, td_real x) {
    td_real values = age + 1 - from;
    td_mask filling = values < window.whole, filled = values == window.whole;
    td_real step = td_select(filling, *level + x, *level + td_over(x - *level, window));
    if (td_unlikely(td_any(filled))) step = td_select(filled, (*level + x) / window.whole, step); /* a division most bars need not make */
    *level = td_select(values < 1, 0, step);
    return *level;
}

/* Largest distance the price has gone in a bar, from the last close on: max(high, last close) - min(low, last close). */
TD_INLINE double td_row_true_range(double high, double low, double last_close) {
    double top = high > last_close ? high : last_close, bottom = low < last_close ? low : last_close;
    return top - bottom;
}

/* Highest (or lowest) value of a window and the bar it is on, the latest of equals. The window ends `lag` bars ago, in each
 * lane its own; NULL: now. Kept as long as it lasts: only when it leaves the window, and is not topped by the value that
 * comes, the columns are read again. NaN counts as no value. */
typedef struct td_row_extreme {
    td_real value, bar;
} td_row_extreme;

/* The last of the greatest of sign * x[from .. to]; its bar in *bar. Lanes are bars here: the greatest is the same in any
 * order. */
static __attribute__((noinline, unused)) double td_row_scan(const double *x, int64_t from, int64_t to, double sign, double *bar) {
    enum { CHAINS = 4 }; /* which do not wait for each other */
    double lane[TD_LANES], best = -__builtin_inf();
    td_real most[CHAINS];
    int64_t i = from;
    for (int c = 0; c < CHAINS; c++) most[c] = td_splat(best);
    for (; i + CHAINS * TD_LANES <= to + 1; i += CHAINS * TD_LANES)
        for (int c = 0; c < CHAINS; c++) most[c] = td_max(sign * td_load(x + i + c * TD_LANES), most[c]);
    for (; i + TD_LANES <= to + 1; i += TD_LANES) most[0] = td_max(sign * td_load(x + i), most[0]);
    td_store(lane, td_max(td_max(most[0], most[1]), td_max(most[2], most[3])));
    for (int l = 0; l < TD_LANES; l++) best = lane[l] > best ? lane[l] : best;
    for (; i <= to; i++) best = sign * x[i] > best ? sign * x[i] : best;

    for (i = to; i - TD_LANES >= from && !td_any(sign * td_load(x + i - TD_LANES + 1) == best);) i -= TD_LANES;
    while (i > from && sign * x[i] != best) i--;
    *bar = (double)i;
    return sign * best;
}

static __attribute__((noinline, unused)) void td_row_rescan(td_row_extreme *e, const double *column, int64_t t, const int32_t *lag,
                                                            const int32_t *windows, td_mask stale, double sign) {
    double value[TD_LANES], bar[TD_LANES];
    unsigned word = td_mask_word(stale);
    td_store(value, e->value);
    td_store(bar, e->bar);
    for (int l = 0; l < TD_LANES; l++)
        if (word >> l & 1) {
            int64_t to = t - (lag ? lag[l] : 0), from = to - windows[l] + 1;
            value[l] = td_row_scan(column, from > 0 ? from : 0, to, sign, &bar[l]);
        }
    e->value = td_load(value);
    e->bar = td_load(bar);
}

TD_INLINE void td_row_extreme_step(td_row_extreme *e, const double *column, int64_t t, const int32_t *lag, const int32_t *windows,
                                   const double sign) {
    td_real last = td_splat((double)t), x = td_splat(column[t]), window;
    double lane[TD_LANES];
    for (int l = 0; l < TD_LANES; l++) lane[l] = windows[l];
    window = td_load(lane);
    if (lag) {
        for (int l = 0; l < TD_LANES; l++) lane[l] = lag[l];
        last = last - td_load(lane);
        x = td_row_ago(column, t, lag);
    }
    td_mask comes = (last == 0) | ((last > 0) & (sign * x >= sign * e->value));
    td_mask stale = (last > 0) & td_not(comes) & (e->bar <= last - window);
    e->value = td_select(comes, x, e->value);
    e->bar = td_select(comes, last, e->bar);
    if (td_unlikely(td_any(stale))) td_row_rescan(e, column, t, lag, windows, stale, sign);
}
TD_INLINE void td_row_highest(td_row_extreme *e, const double *column, int64_t t, const int32_t *lag, const int32_t *windows) {
    td_row_extreme_step(e, column, t, lag, windows, 1);
}
TD_INLINE void td_row_lowest(td_row_extreme *e, const double *column, int64_t t, const int32_t *lag, const int32_t *windows) {
    td_row_extreme_step(e, column, t, lag, windows, -1);
}

#endif
