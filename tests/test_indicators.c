/* Indicator rows, kind by kind: the vectors of others (tests/golden/indicators.txt), plain recomputations from the
 * definitions, and what holds for every kind. tests/test_rows.c has the machinery, and the bits of pandas. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/rows.h"
#include "tests/row_plays.h"

/* ---- vectors of others ---- */

enum { SERIES_MAX = 12, VALUES_MAX = 512 };

typedef struct series {
    char what;    /* i: a column it reads; o: the last values of an output; a: an output at some bars */
    char name[16];
    int count;
    int bars[VALUES_MAX]; /* a: of the values */
    double values[VALUES_MAX], half[VALUES_MAX]; /* half a unit of the last digit */
} series;

typedef struct block {
    int line;
    const td_row_kind *kind;
    td_row_tuple tuple;
    int count;
    series series[SERIES_MAX];
} block;

static void read_series(series *s, char *text) {
    char *rest = NULL;
    s->what = strtok_r(text, " ", &rest)[0];
    snprintf(s->name, sizeof s->name, "%s", strtok_r(NULL, " ", &rest));
    for (char *word = strtok_r(NULL, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
        assert_true(s->count < VALUES_MAX);
        if (s->what == 'a') {
            s->bars[s->count] = atoi(word);
            word = strtok_r(NULL, " ", &rest);
        }
        const char *point = strchr(word, '.');
        s->half[s->count] = 0.5 * pow(10, point ? -(double)strlen(point + 1) : 0);
        s->values[s->count++] = strtod(word, NULL);
    }
}

static const series *find_series(const block *b, const char *what, const char *name) {
    for (int i = 0; i < b->count; i++)
        if (strchr(what, b->series[i].what) && !strcmp(b->series[i].name, name)) return &b->series[i];
    return NULL;
}

/* Values shown by both sides agree to the last digit the vector has (one, out of a spreadsheet, is a hair beyond half a unit
 * of it). Returns how many there were. `source` is the last block with columns. */
static int check_block(const block *b, const block *source) {
    const double *columns[TD_ROW_COLUMNS_MAX];
    int bars = source->series[0].count, compared = 0;
    for (int c = 0; c < b->kind->column_count; c++) {
        const series *s = find_series(source, "i", b->kind->columns[c]);
        if (!s && !strcmp(b->kind->columns[c], "x")) s = find_series(source, "i", "close");
        if (!s) s = find_series(source, "i", "low"); /* adx has no close there: the ADX itself does not look at it */
        columns[c] = s->values;
    }
    double *rows = td_play_columns(b->kind, td_isa_best(), columns, bars, &b->tuple, 1, 0);
    int64_t warmup = b->kind->warmup(&b->tuple);
    for (int o = 0; o < b->kind->output_count; o++) {
        const series *s = find_series(b, "oa", b->kind->outputs[o]);
        for (int i = 0; s && i < s->count; i++) {
            int64_t t = s->what == 'a' ? s->bars[i] : bars - s->count + i;
            if (t < warmup) continue;
            double found = rows[o * bars + t], error = fabs(found - s->values[i]);
            if (!(error <= 1.1 * s->half[i] + 1e-12 * fabs(found)))
                fail_msg("indicators.txt:%d: %s: %s of bar %d is %.10g, expected %.10g", b->line, b->kind->name, s->name, (int)t, found,
                         s->values[i]);
            compared++;
        }
    }
    free(rows);
    return compared;
}

static void vectors_of_others(void **state) {
    (void)state;
    static block b, source;
    char path[1024];
    snprintf(path, sizeof path, "%s/tests/golden/indicators.txt", getenv("TAPEDECK_SOURCE"));
    char *document = td_test_read(path), *rest = document;
    int line = 0, blocks = 0, compared = 0;
    while (rest) {
        char *text = strsep(&rest, "\n");
        line++;
        bool known = b.kind != NULL;
        if (!text[0] && known) {
            if (b.series[0].what == 'i') source = b;
            compared += check_block(&b, &source);
            blocks++;
            memset(&b, 0, sizeof b);
        }
        if (!text[0] || text[0] == '#') continue;
        if (known) {
            assert_true(b.count < SERIES_MAX);
            read_series(&b.series[b.count++], text);
            continue;
        }
        char *words = NULL;
        b.line = line;
        b.kind = td_row_kind_find(strtok_r(text, " ", &words));
        assert_non_null(b.kind);
        for (int i = 0; i < b.kind->argument_count; i++) b.tuple.argument[i] = strtod(strtok_r(NULL, " ", &words), NULL);
    }
    free(document);
    printf("%d blocks, %d values\n", blocks, compared);
    assert_true(blocks >= 50 && compared >= 750);
}

/* ---- straight from the definitions, in long double ---- */

typedef long double number;
enum { BARS = 700 };
typedef struct market {
    const double *columns[TD_COLUMN_COUNT];
    double days[BARS], logs[2][BARS];
    td_tape tape;
} market;

static void make_market(market *m, td_temper temper, uint64_t seed) {
    m->tape = td_test_tape_of(BARS, 3600 * TD_NS_PER_SECOND, temper, false, seed);
    for (int t = 0; t < BARS; t++) m->days[t] = (double)(m->tape.time_ns[t] / TD_NS_PER_DAY);
    for (int t = 0; t < BARS; t++) { /* a pair of which the one is now and then a little ahead of the other */
        m->logs[0][t] = log(m->tape.close[t]);
        m->logs[1][t] = log(m->tape.open[t]);
    }
    const double *columns[TD_COLUMN_COUNT] = {m->tape.open, m->tape.high, m->tape.low,  m->tape.close, m->tape.volume, m->days,
                                              m->tape.close, m->tape.open, m->logs[0], m->logs[1]};
    memcpy(m->columns, columns, sizeof columns);
}

/* The columns of a kind; x is the close. */
static void columns_for(const td_row_kind *kind, const double *const *market, const double **columns) {
    static const char *const names[] = {"open", "high", "low", "close", "volume", "day", "first", "second", "log_first", "log_second"};
    for (int c = 0; c < kind->column_count; c++) {
        columns[c] = market[TD_COLUMN_close];
        for (int i = 0; i < TD_COLUMN_COUNT; i++)
            if (!strcmp(kind->columns[c], names[i])) columns[c] = market[i];
    }
}

static number mean_of(const number *x, int t, int window) {
    number sum = 0;
    for (int i = t - window + 1; i <= t; i++) sum += x[i];
    return sum / window;
}
static number squares_of(const number *x, int t, int window) {
    number mean = mean_of(x, t, window), sum = 0;
    for (int i = t - window + 1; i <= t; i++) sum += (x[i] - mean) * (x[i] - mean);
    return sum;
}
static number highest_of(const double *x, int t, int window) {
    number most = x[t];
    for (int i = t - window + 1; i < t; i++) most = fmaxl(most, x[i]);
    return most;
}
static number lowest_of(const double *x, int t, int window) {
    number least = x[t];
    for (int i = t - window + 1; i < t; i++) least = fminl(least, x[i]);
    return least;
}
/* Bars since the highest (sign 1) or lowest (-1), the latest of equals. */
static int since(const double *x, int t, int window, int sign) {
    int at = t;
    for (int i = t - 1; i > t - window; i--)
        if (sign * x[i] > sign * x[at]) at = i;
    return t - at;
}
static void exponential_of(const number *x, int window, number *y) {
    for (int t = 0; t < BARS; t++) y[t] = t ? ((window - 1) * y[t - 1] + 2 * x[t]) / (window + 1) : x[0];
}
static void wilder_of(const number *x, int from, int window, number *y) {
    for (int t = from + window - 1; t < BARS; t++)
        y[t] = t == from + window - 1 ? mean_of(x, t, window) : (y[t - 1] * (window - 1) + x[t]) / window;
}

/* The market as series of numbers, and what several kinds need of it. */
static number x[BARS], price[BARS], range[BARS], raw[BARS], work[6][BARS];

static void fill_numbers(const market *m) {
    const double *high = m->tape.high, *low = m->tape.low, *close = m->tape.close;
    for (int t = 0; t < BARS; t++) {
        x[t] = close[t];
        price[t] = ((number)high[t] + low[t] + close[t]) / 3;
        range[t] = (number)high[t] - low[t];
        if (t) range[t] = fmaxl(range[t], fmaxl(fabsl((number)high[t] - close[t - 1]), fabsl((number)low[t] - close[t - 1])));
    }
}

/* Output o of the kind with arguments a at every bar from its first on, into y. */
static void plain(const char *kind, const double *a, int o, const market *m, number *y) {
    const double *high = m->tape.high, *low = m->tape.low, *close = m->tape.close, *volume = m->tape.volume;
    int w = (int)a[0], second = (int)a[1], third = (int)a[2];
    if (!strcmp(kind, "macd")) {
        exponential_of(x, w, work[0]);
        exponential_of(x, second, work[1]);
        for (int t = 0; t < BARS; t++) {
            work[2][t] = work[0][t] - work[1][t];
            number last = t >= second ? work[3][t - 1] : work[2][t];
            work[3][t] = last + 2 / (number)(third + 1) * (work[2][t] - last);
            y[t] = o == 0 ? work[2][t] : o == 1 ? work[3][t] : work[2][t] - work[3][t];
        }
    } else if (!strcmp(kind, "ema"))
        exponential_of(x, w, y);
    else if (!strcmp(kind, "atr"))
        wilder_of(range, 0, w, y);
    else if (!strcmp(kind, "keltner")) {
        exponential_of(x, w, work[0]);
        wilder_of(range, 0, second, work[1]);
        for (int t = 0; t < BARS; t++) y[t] = work[0][t] + (1 - o) * a[2] * work[1][t];
    } else if (!strcmp(kind, "rsi")) {
        for (int t = 1; t < BARS; t++) {
            work[0][t] = fmaxl(x[t] - x[t - 1], 0);
            work[1][t] = fmaxl(x[t - 1] - x[t], 0);
        }
        wilder_of(work[0], 1, w, work[2]);
        wilder_of(work[1], 1, w, work[3]);
        for (int t = w; t < BARS; t++) y[t] = work[2][t] + work[3][t] > 0 ? 100 * work[2][t] / (work[2][t] + work[3][t]) : 50;
    } else if (!strcmp(kind, "adx")) {
        /* Wilder's sums as averages: their ratios are the same */
        for (int t = 1; t < BARS; t++) {
            number rise = (number)high[t] - high[t - 1], fall = (number)low[t - 1] - low[t];
            work[0][t] = rise > fall && rise > 0 ? rise : 0;
            work[1][t] = fall > rise && fall > 0 ? fall : 0;
            for (int i = 0; i < 3; i++) {
                number *sum = work[3 + i], comes = i == 2 ? range[t] : work[i][t];
                sum[t] = t == 1 ? comes : t < w ? sum[t - 1] + comes : sum[t - 1] - sum[t - 1] / w + comes;
            }
            number both = work[3][t] + work[4][t];
            raw[t] = both > 0 ? 100 * fabsl(work[3][t] - work[4][t]) / both : 0;
        }
        if (o == 2)
            wilder_of(raw, w - 1, w, y);
        else
            for (int t = 1; t < BARS; t++) y[t] = work[5][t] > 0 ? 100 * work[3 + o][t] / work[5][t] : 0;
    } else if (!strcmp(kind, "stochastic")) {
        for (int t = w - 1; t < BARS; t++) {
            number top = highest_of(high, t, w), bottom = lowest_of(low, t, w);
            raw[t] = top > bottom ? 100 * (x[t] - bottom) / (top - bottom) : 0;
        }
        for (int t = w + second - 2; t < BARS; t++) work[0][t] = mean_of(raw, t, second);
        for (int t = w + second + third - 3; t < BARS; t++) y[t] = o == 0 ? work[0][t] : mean_of(work[0], t, third);
    } else if (!strcmp(kind, "mfi")) {
        for (int t = w; t < BARS; t++) {
            number up = 0, down = 0;
            for (int i = t - w + 1; i <= t; i++) {
                double now = (high[i] + low[i] + close[i]) / 3, last = (high[i - 1] + low[i - 1] + close[i - 1]) / 3;
                up += now > last ? price[i] * volume[i] : 0;
                down += now < last ? price[i] * volume[i] : 0;
            }
            y[t] = up + down > 0 ? 100 * up / (up + down) : 50;
        }
    } else if (!strcmp(kind, "obv")) {
        for (int t = 0; t < BARS; t++)
            y[t] = t == 0 ? 0 : y[t - 1] + (close[t] > close[t - 1] ? volume[t] : close[t] < close[t - 1] ? -volume[t] : 0);
    } else if (!strcmp(kind, "vwap")) {
        number value = 0, sum = 0;
        for (int t = 0; t < BARS; t++) {
            if (t && m->days[t] != m->days[t - 1]) value = sum = 0;
            value += price[t] * volume[t];
            sum += volume[t];
            y[t] = sum > 0 ? value / sum : price[t];
        }
    } else if (!strcmp(kind, "psar")) {
        bool up = (number)high[0] + low[0] <= (number)high[1] + low[1];
        number stop = up ? low[0] : high[0], extreme = up ? high[0] : low[0], speed = a[0];
        for (int t = 1; t < BARS; t++) {
            stop += (extreme - stop) * speed;
            for (int i = t - 1; i >= 0 && i >= t - 2; i--) stop = up ? fminl(stop, low[i]) : fmaxl(stop, high[i]);
            if (up ? high[t] > extreme : low[t] < extreme) {
                extreme = up ? high[t] : low[t];
                speed = fminl(speed + a[0], a[1]);
            }
            if (up ? low[t] < stop : high[t] > stop) {
                stop = extreme;
                up = !up;
                extreme = up ? high[t] : low[t];
                speed = a[0];
            }
            y[t] = stop;
        }
    } else if (!strcmp(kind, "supertrend")) {
        wilder_of(range, 0, w, work[0]);
        number upper = 0, lower = 0;
        bool up = false;
        for (int t = w - 1; t < BARS; t++) {
            number middle = ((number)high[t] + low[t]) / 2, above = middle + a[1] * work[0][t], below = middle - a[1] * work[0][t];
            if (t == w - 1 || above < upper || x[t - 1] > upper) upper = above;
            if (t == w - 1 || below > lower || x[t - 1] < lower) lower = below;
            if (t >= w) up = up ? !(x[t] < lower) : x[t] > upper;
            y[t] = o == 1 ? (up ? 1 : -1) : up ? lower : upper;
        }
    } else
        for (int t = 0; t < BARS; t++) {
            y[t] = NAN;
            if (t < w - 1) continue;
            if (!strcmp(kind, "sma")) y[t] = mean_of(x, t, w);
            if (!strcmp(kind, "wma")) {
                number sum = 0;
                for (int i = 0; i < w; i++) sum += (w - i) * x[t - i];
                y[t] = sum / ((number)w * (w + 1) / 2);
            }
            if (!strcmp(kind, "stddev")) y[t] = sqrtl(squares_of(x, t, w) / (w - a[1]));
            if (!strcmp(kind, "bollinger")) y[t] = mean_of(x, t, w) + (1 - o) * a[1] * sqrtl(squares_of(x, t, w) / w);
            if (!strcmp(kind, "volatility") && t >= w) {
                number sum = 0;
                for (int i = t - w + 1; i <= t; i++) sum += (x[i] - x[i - 1]) * (x[i] - x[i - 1]);
                y[t] = sqrtl(sum / w);
            }
            if (!strcmp(kind, "spread")) {
                for (int i = t - w + 1; i <= t; i++) work[0][i] = m->logs[0][i] - (number)a[1] * m->logs[1][i];
                number deviation = sqrtl(squares_of(work[0], t, w) / w), size = fabsl(m->logs[0][t]) + fabsl(a[1] * m->logs[1][t]);
                y[t] = o == 0 ? work[0][t] : deviation > 1e-12 * size ? (work[0][t] - mean_of(work[0], t, w)) / deviation : 0;
            }
            if (!strcmp(kind, "highest")) y[t] = highest_of(close, t, w);
            if (!strcmp(kind, "lowest")) y[t] = lowest_of(close, t, w);
            if (!strcmp(kind, "donchian"))
                y[t] = o == 0 ? highest_of(high, t, w) : o == 2 ? lowest_of(low, t, w) : (highest_of(high, t, w) + lowest_of(low, t, w)) / 2;
            if (!strcmp(kind, "roc") && t >= w) y[t] = x[t] / x[t - w] - 1;
            if (!strcmp(kind, "momentum") && t >= w) y[t] = x[t] - x[t - w];
            if (!strcmp(kind, "true_range")) y[t] = range[t];
            if (!strcmp(kind, "williams_r")) {
                number top = highest_of(high, t, w), bottom = lowest_of(low, t, w);
                y[t] = top > bottom ? -100 * (top - x[t]) / (top - bottom) : 0;
            }
            if (!strcmp(kind, "aroon") && t >= w)
                y[t] = 100 * (number)(w - (o == 0 ? since(high, t, w + 1, 1) : since(low, t, w + 1, -1))) / w;
            if (!strcmp(kind, "cci")) {
                number mean = mean_of(price, t, w), distance = 0;
                bool flat = true;
                for (int i = t - w + 1; i <= t; i++) {
                    distance += fabsl(price[i] - mean) / w;
                    flat = flat && (high[i] + low[i] + close[i]) / 3 == (high[t] + low[t] + close[t]) / 3;
                }
                y[t] = flat ? 0 : (price[t] - mean) / (0.015L * distance);
            }
        }
}

/* A tuple of a kind, from a seed: windows of all lengths, and what has to hold between numbers holds. */
static td_row_tuple make_tuple(const td_row_kind *kind, uint64_t seed) {
    td_row_tuple tuple = {{0}};
    for (int i = 0; i < kind->argument_count; i++) {
        int64_t longest = td_draw(seed, 50) < 0.7 ? 30 : 250;
        bool wide = kind->arguments[i].maximum > 100;
        tuple.argument[i] = kind->arguments[i].whole       ? (double)td_draw_whole(seed, 60 + (uint64_t)i, 1, longest)
                            : kind->arguments[i].minimum > 0 ? 0.01 + 0.2 * i + 0.05 * td_draw(seed, 60 + (uint64_t)i)
                            : wide                           ? 4 * td_draw(seed, 60 + (uint64_t)i)
                                                             : (double)(seed % 2);
    }
    if (kind->need->met && !kind->need->met(&tuple)) return make_tuple(kind, seed + 7919);
    return tuple;
}

static void against_the_definitions(void **state) {
    (void)state;
    static market m;
    static number expected[BARS];
    for (int k = 0; k < td_row_kind_count(); k++) {
        const td_row_kind *kind = td_row_kind_at(k);
        double most = 0;
        for (uint64_t seed = 0; seed < 40; seed++) {
            td_temper temper = seed % 2 ? TD_TEMPER_WALK : seed % 4 ? TD_TEMPER_GAPS : TD_TEMPER_TICKS;
            make_market(&m, temper, seed);
            fill_numbers(&m);
            td_row_tuple tuple = make_tuple(kind, seed);
            const double *columns[TD_ROW_COLUMNS_MAX];
            columns_for(kind, m.columns, columns);
            double *rows = td_play_columns(kind, td_isa_best(), columns, BARS, &tuple, 1, 0);
            for (int o = 0; o < kind->output_count; o++) {
                plain(kind->name, tuple.argument, o, &m, expected);
                for (int64_t t = kind->warmup(&tuple); t < BARS; t++) {
                    double value = rows[o * BARS + t], error = fabs(value - (double)expected[t]);
                    double scale = fmax(fabs((double)expected[t]), strcmp(kind->name, "obv") ? 1 : 1e3);
                    if (!(error <= 1e-9 * scale))
                        fail_msg("%s(%g, %g, %g) %s at bar %d of market %d, seed %d is %.15g, expected %.15Lg", kind->name,
                                 tuple.argument[0], tuple.argument[1], tuple.argument[2], kind->outputs[o], (int)t, (int)temper,
                                 (int)seed, value, expected[t]);
                    most = fmax(most, error / scale);
                }
            }
            free(rows);
            td_test_tape_free(&m.tape);
        }
        printf("%-12s %.1e\n", kind->name, most);
    }
}

/* ---- what holds for every kind ---- */

enum { COMPANY = 21 };

/* Chunks, instruction sets and company change no bit; NaN stands exactly where the kind says it warms up. */
static void the_same_in_any_way(void **state) {
    (void)state;
    static market m;
    for (int k = 0; k < td_row_kind_count(); k++) {
        const td_row_kind *kind = td_row_kind_at(k);
        for (int temper = 0; temper < TD_TEMPER_COUNT; temper++) {
            make_market(&m, (td_temper)temper, 77);
            const double *columns[TD_ROW_COLUMNS_MAX];
            columns_for(kind, m.columns, columns);
            td_row_tuple tuples[COMPANY];
            for (int r = 0; r < COMPANY; r++) tuples[r] = make_tuple(kind, (uint64_t)(100 * temper + r));
            size_t row = (size_t)(kind->output_count * BARS), values = COMPANY * row;
            double *expected = td_play_columns(kind, TD_ISA_SCALAR, columns, BARS, tuples, COMPANY, 0);
            for (int r = 0; r < COMPANY; r++)
                for (int o = 0; o < kind->output_count; o++)
                    for (int t = 0; t < BARS; t++) {
                        double value = expected[(size_t)r * row + (size_t)(o * BARS + t)];
                        if (isnan(value) != (t < kind->warmup(&tuples[r])) || isinf(value))
                            fail_msg("%s(%g, %g, %g) %s at bar %d of temper %d is %g", kind->name, tuples[r].argument[0],
                                     tuples[r].argument[1], tuples[r].argument[2], kind->outputs[o], t, temper, value);
                    }
            for (int isa = 0; isa <= (int)td_isa_best(); isa++) {
                static const int64_t steps[] = {0, 1, 2, 3, 7, 13};
                for (int s = 0; s < 6; s++) {
                    double *found = td_play_columns(kind, (td_isa)isa, columns, BARS, tuples, COMPANY, steps[s]);
                    for (size_t i = 0; i < values; i++)
                        if (!td_same_value(found[i], expected[i]))
                            fail_msg("%s: value %zu on %s, steps of %d: %.17g and %.17g", kind->name, i, td_isa_name((td_isa)isa),
                                     (int)steps[s], found[i], expected[i]);
                    free(found);
                }
                for (size_t r = 0; r < COMPANY; r++) {
                    double *alone = td_play_columns(kind, (td_isa)isa, columns, BARS, &tuples[r], 1, 0);
                    for (size_t i = 0; i < row; i++) assert_true(td_same_value(alone[i], expected[r * row + i]));
                    free(alone);
                }
            }
            free(expected);
            td_test_tape_free(&m.tape);
        }
    }
}

/* What comes after bar t does not reach back to it. */
static void blind_to_the_future(void **state) {
    (void)state;
    static market m;
    static double poisoned[TD_ROW_COLUMNS_MAX][BARS];
    make_market(&m, TD_TEMPER_WALK, 78);
    for (int k = 0; k < td_row_kind_count(); k++) {
        const td_row_kind *kind = td_row_kind_at(k);
        const double *columns[TD_ROW_COLUMNS_MAX], *poison[TD_ROW_COLUMNS_MAX];
        columns_for(kind, m.columns, columns);
        td_row_tuple tuples[5];
        for (int r = 0; r < 5; r++) tuples[r] = make_tuple(kind, (uint64_t)(900 + r));
        double *expected = td_play_columns(kind, td_isa_best(), columns, BARS, tuples, 5, 0);
        for (int t = 0; t < BARS; t += 61) {
            for (int c = 0; c < kind->column_count; c++) {
                for (int i = 0; i < BARS; i++) poisoned[c][i] = i <= t ? columns[c][i] : i % 2 ? NAN : INFINITY;
                poison[c] = poisoned[c];
            }
            double *found = td_play_columns(kind, td_isa_best(), poison, BARS, tuples, 5, 0);
            for (int r = 0; r < 5 * kind->output_count; r++)
                for (int i = 0; i <= t; i++) assert_true(td_same_value(found[r * BARS + i], expected[r * BARS + i]));
            free(found);
        }
        free(expected);
    }
    td_test_tape_free(&m.tape);
}

/* Errors do not grow with the tape: after 300,000 bars, a jump to a billion and back among them, windows far behind it are
 * what plain sums over the window alone are. */
static void errors_stay_small(void **state) {
    (void)state;
    enum { LONG = 300000, TAIL = 50 };
    static const struct {
        const char *kind;
        double arguments[3];
    } rows[] = {{"sma", {20}}, {"wma", {20}}, {"stddev", {20, 0}}, {"bollinger", {20, 2}}, {"wma", {1000}}, {"stddev", {1000, 1}},
                {"cci", {20}}, {"mfi", {14}}, {"stochastic", {14, 3, 3}}};
    double *column[5];
    for (int c = 0; c < 5; c++) column[c] = malloc(LONG * sizeof(double));
    for (int t = 0; t < LONG; t++) {
        double close = 100 + 10 * td_draw(5, (uint64_t)t) + (t >= 1000 && t < 1010 ? 1e9 : 0);
        column[TD_COLUMN_close][t] = close;
        column[TD_COLUMN_open][t] = close;
        column[TD_COLUMN_high][t] = close + td_draw(6, (uint64_t)t);
        column[TD_COLUMN_low][t] = close - td_draw(7, (uint64_t)t);
        column[TD_COLUMN_volume][t] = 1 + 1e3 * td_draw(8, (uint64_t)t);
    }
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const td_row_kind *kind = td_row_kind_find(rows[i].kind);
        td_row_tuple tuple = {{rows[i].arguments[0], rows[i].arguments[1], rows[i].arguments[2]}};
        /* the same from a tape that has but the end of it */
        const double *whole[5], *end[5], *columns[TD_ROW_COLUMNS_MAX], *short_columns[TD_ROW_COLUMNS_MAX];
        int64_t part = TAIL + 2000;
        for (int c = 0; c < 5; c++) {
            whole[c] = column[c];
            end[c] = column[c] + LONG - part;
        }
        for (int c = 0; c < kind->column_count; c++) {
            static const char *const names[] = {"open", "high", "low", "close", "volume"};
            int found = TD_COLUMN_close;
            for (int n = 0; n < 5; n++)
                if (!strcmp(kind->columns[c], names[n])) found = n;
            columns[c] = whole[found];
            short_columns[c] = end[found];
        }
        double *found = td_play_columns(kind, td_isa_best(), columns, LONG, &tuple, 1, 0);
        double *expected = td_play_columns(kind, td_isa_best(), short_columns, part, &tuple, 1, 0);
        for (int o = 0; o < kind->output_count; o++)
            for (int t = 1; t <= TAIL; t++)
                assert_near(found[(o + 1) * (int64_t)LONG - t], expected[(o + 1) * part - t], 1e-6);
        free(found);
        free(expected);
    }
    for (int c = 0; c < 5; c++) free(column[c]);
}

/* The session begins anew with each UTC day; bars without volume, or with none known, add nothing. */
static void sessions_and_missing_volume(void **state) {
    (void)state;
    static const double high[] = {12, 15, 18, 9, 30}, low[] = {9, 12, 15, 9, 30}, close[] = {9, 12, 15, 9, 30}; /* prices 10 13 16 9 30 */
    static const double volume[] = {1, 3, NAN, 0, 2}, day[] = {7, 7, 7, 8, 8};
    const double *all[] = {high, low, close, volume, day}, *two[] = {close, volume};
    td_row_tuple none = {{0}};
    double *vwap = td_play_columns(td_row_kind_find("vwap"), td_isa_best(), all, 5, &none, 1, 0);
    static const double expected[] = {10, 12.25, 12.25, 9, 30};
    for (int t = 0; t < 5; t++) assert_near(vwap[t], expected[t], 0);
    double *obv = td_play_columns(td_row_kind_find("obv"), td_isa_best(), two, 5, &none, 1, 0);
    static const double balance[] = {0, 3, 3, 3, 5};
    for (int t = 0; t < 5; t++) assert_near(obv[t], balance[t], 0);
    td_row_tuple window = {{2}};
    double *mfi = td_play_columns(td_row_kind_find("mfi"), td_isa_best(), all, 5, &window, 1, 0);
    static const double index[] = {NAN, NAN, 100, 50, 100};
    for (int t = 2; t < 5; t++) assert_near(mfi[t], index[t], 0);
    assert_true(isnan(mfi[1]));
    free(vwap);
    free(obv);
    free(mfi);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vectors_of_others),
        cmocka_unit_test(against_the_definitions),
        cmocka_unit_test(the_same_in_any_way),
        cmocka_unit_test(blind_to_the_future),
        cmocka_unit_test(errors_stay_small),
        cmocka_unit_test(sessions_and_missing_volume),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
