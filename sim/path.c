/* Formulas and their sources are in docs/metrics.md; the profile decides which of two is meant. */
#include "sim/path.h"

#include <math.h>
#include <stdlib.h>

#include "base/math.h"
#include "base/sorted.h"
#include "sim/deck.h"

const td_metric_info td_path_metric_infos[TD_PATH_METRIC_COUNT] = {
#define TD_PATH_METRIC_INFO(name, unit, text, better) {#name, unit, text, better},
    TD_PATH_METRICS(TD_PATH_METRIC_INFO)
#undef TD_PATH_METRIC_INFO
};

#define TAIL 0.05 /* of the returns: value at risk and its relatives */

td_status td_path_open(td_path *path, const td_deck *deck, const td_set *set, td_error *error) {
    int64_t bars = td_deck_bars(deck);
    *path = (td_path){.deck = deck, .start = set->knob[TD_KNOB_cash], .equity = malloc((size_t)bars * sizeof *path->equity),
                      .gross_exposure = deck->portfolio ? NAN : 0};
    if (!path->equity) return td_fail(error, TD_NO_MEMORY, "no memory for the equity of %lld bars", (long long)bars);
    return TD_OK;
}

void td_path_close(td_path *path) {
    free(path->equity);
    path->equity = NULL;
}

/* Entry prices are means by units, as the engines have them. */
static void note_fill(void *context, const td_fill *fill) {
    td_path *path = context;
    double before = path->position, after = fill->position;
    if (before * after <= 0) /* opened, closed or reversed */
        path->entry_price = fill->price;
    else if (fabs(after) > fabs(before))
        path->entry_price = (path->entry_price * before + fill->price * fill->units) / (before + fill->units);
    path->position = after;
    if (path->next.on_fill) path->next.on_fill(path->next.context, fill);
}

/* vectorbt divides by the position's value and the cash that is free beside it: what a short brought is not, and as much again is
 * kept for it. */
static double gross_exposure(const td_path *path, int64_t bar, double equity, double position) {
    double close = path->deck->view.close[bar], value = fabs(position) * close, whole = equity;
    if (path->deck->def.profile == TD_PROFILE_VECTORBT && position < 0) whole = equity + 2 * (value + position * path->entry_price);
    return value == 0 || whole == 0 ? 0 : value / whole;
}

static void note_bar(void *context, int64_t bar, double equity, double position) {
    td_path *path = context;
    path->equity[bar] = equity;
    if (!isnan(path->gross_exposure)) path->gross_exposure = fmax(path->gross_exposure, gross_exposure(path, bar, equity, position));
    if (path->next.on_bar) path->next.on_bar(path->next.context, bar, equity, position);
}

static void pass_trade(void *context, const td_trade *trade) {
    const td_path *path = context;
    path->next.on_trade(path->next.context, trade);
}

td_observer td_path_observer(td_path *path, td_observer next) {
    path->next = next;
    return (td_observer){.on_fill = note_fill, .on_bar = note_bar, .on_trade = next.on_trade ? pass_trade : NULL, .context = path};
}

/* Between the two nearest of the sorted values, in proportion (Hyndman and Fan, 1996, definition 7). */
static double percentile(const double *sorted, int64_t count, double share) {
    double at = share * (double)(count - 1);
    int64_t low = (int64_t)at;
    if (low + 1 >= count) return sorted[count - 1];
    return sorted[low] + (at - (double)low) * (sorted[low + 1] - sorted[low]);
}

/* The numbers that returns are compared with. */
typedef struct terms {
    int64_t count;
    double per_year;      /* samples */
    double none;          /* what a ratio over nothing is: infinite in profile vectorbt, else NaN */
    double threshold;     /* of Omega, a sample */
    double risk_free;     /* a year */
    bool vectorbt;
} terms;

static double ratio(const terms *by, double above, double below) { return below == 0 ? by->none : above / below; }

static double annual_return(const terms *by, double growth, int64_t count) {
    return count > 0 ? td_pow(growth, by->per_year / (double)count) - 1 : NAN;
}

/* Growth of r over that of the market, in the samples in which the market went `way`; 0: all. */
static double capture(const terms *by, const double *r, const double *market, int way) {
    double ours = 1, theirs = 1;
    int64_t count = 0;
    for (int64_t k = 0; k < by->count; k++) {
        if (way > 0 ? !(market[k] > 0) : way < 0 && !(market[k] < 0)) continue;
        ours *= 1 + r[k];
        theirs *= 1 + market[k];
        count++;
    }
    return count ? ratio(by, annual_return(by, ours, count), annual_return(by, theirs, count)) : NAN;
}

static double information_ratio(const terms *by, const double *r, const double *market) {
    double n = (double)by->count, mean = 0, squares = 0;
    if (by->count < 2) return NAN;
    for (int64_t k = 0; k < by->count; k++) mean += r[k] - market[k];
    mean /= n;
    for (int64_t k = 0; k < by->count; k++) squares += (r[k] - market[k] - mean) * (r[k] - market[k] - mean);
    return ratio(by, mean, sqrt(squares / (n - 1))) * (by->vectorbt ? 1 : sqrt(by->per_year));
}

/* Adjusted for bias, as pandas and spreadsheets have them: G1 and G2 of Joanes and Gill (1998). */
static void shape(const terms *by, const double *r, double *skewness, double *kurtosis) {
    double n = (double)by->count, mean = 0, m2 = 0, m3 = 0, m4 = 0;
    for (int64_t k = 0; k < by->count; k++) mean += r[k];
    mean /= n;
    for (int64_t k = 0; k < by->count; k++) {
        double x = r[k] - mean;
        m2 += x * x;
        m3 += x * x * x;
        m4 += x * x * x * x;
    }
    m2 /= n;
    m3 /= n;
    m4 /= n;
    if (!(m2 > 0)) return;
    if (by->count > 2) *skewness = m3 / (m2 * sqrt(m2)) * sqrt(n * (n - 1)) / (n - 2);
    if (by->count > 3) *kurtosis = ((n + 1) * (m4 / (m2 * m2) - 3) + 6) * (n - 1) / ((n - 2) * (n - 3));
}

static double ulcer_index(const td_path *path, const terms *by) {
    int64_t bars = path->deck->view.bars;
    double peak = by->vectorbt ? path->equity[0] : path->start, squares = 0;
    for (int64_t t = 0; t < bars; t++) {
        peak = fmax(peak, path->equity[t]);
        double depth = path->equity[t] / peak - 1;
        squares += depth * depth;
    }
    return sqrt(squares / (double)bars);
}

static void finish(const td_path *path, const terms *by, const td_cell *cell, double *r, const double *market, double *m) {
    int64_t n = by->count;
    double gained = 0, lost = 0, above = 0, below = 0, annual = cell->metrics[TD_METRIC_annual_return];
    for (int64_t k = 0; k < n; k++) {
        double beyond = r[k] - by->threshold;
        gained += fmax(r[k], 0);
        lost -= fmin(r[k], 0);
        above += fmax(beyond, 0);
        below -= fmin(beyond, 0);
    }
    m[TD_PATH_METRIC_omega] = ratio(by, above, below);
    m[TD_PATH_METRIC_information_ratio] = information_ratio(by, r, market);
    m[TD_PATH_METRIC_capture_ratio] = capture(by, r, market, 0);
    m[TD_PATH_METRIC_up_capture_ratio] = capture(by, r, market, +1);
    m[TD_PATH_METRIC_down_capture_ratio] = capture(by, r, market, -1);
    shape(by, r, &m[TD_PATH_METRIC_skewness], &m[TD_PATH_METRIC_kurtosis]);
    double ulcer = ulcer_index(path, by);
    m[TD_PATH_METRIC_ulcer_index] = ulcer;
    m[TD_PATH_METRIC_martin_ratio] = ulcer == 0 ? NAN : (annual - by->risk_free) / ulcer;
    m[TD_PATH_METRIC_max_gross_exposure] = path->gross_exposure;

    /* order statistics: r is sorted from here on */
    qsort(r, (size_t)n, sizeof *r, td_compare_doubles);
    double low = percentile(r, n, TAIL), high = percentile(r, n, 1 - TAIL), tail = 0;
    int64_t lowest = (int64_t)(TAIL * (double)(n - 1)) + 1;
    for (int64_t k = 0; k < lowest; k++) tail += r[k];
    m[TD_PATH_METRIC_value_at_risk] = low;
    m[TD_PATH_METRIC_conditional_value_at_risk] = tail / (double)lowest;
    m[TD_PATH_METRIC_tail_ratio] = ratio(by, fabs(high), fabs(low));
    m[TD_PATH_METRIC_common_sense_ratio] =
        m[TD_PATH_METRIC_tail_ratio] * (by->vectorbt ? 1 + annual : ratio(by, gained, lost));
}

td_status td_path_finish(const td_path *path, const td_cell *cell, double *metrics, td_error *error) {
    const td_deck *deck = path->deck;
    const td_kernel_deck *view = &deck->view;
    bool vectorbt = deck->def.profile == TD_PROFILE_VECTORBT, from_first = deck->def.profile == TD_PROFILE_BACKTESTING;
    double per_year = deck->periods_per_year, free_rate = deck->def.risk_free, required = deck->def.required_return;
    for (int i = 0; i < TD_PATH_METRIC_COUNT; i++) metrics[i] = NAN;
    if (cell->state != TD_CELL_DONE || deck->returns < 1) return TD_OK;
    terms by = {.count = deck->returns, .per_year = per_year, .vectorbt = vectorbt, .none = vectorbt ? INFINITY : NAN,
                .threshold = required / per_year, .risk_free = free_rate};
    if (vectorbt) { /* a rate per bar, and one per year */
        by.threshold = free_rate + (per_year == 1 ? required : td_pow(1 + required, 1 / per_year) - 1);
        by.risk_free = td_pow(1 + free_rate, per_year) - 1;
    }
    double *r = malloc((size_t)by.count * sizeof *r), before = path->start;
    if (!r) return td_fail(error, TD_NO_MEMORY, "no memory for %lld returns", (long long)by.count);
    for (int64_t k = 0; k < view->samples; k++) {
        double now = path->equity[view->sample_bar[k]];
        /* from nothing to nothing is no return */
        if (k >= view->samples - by.count) r[k - (view->samples - by.count)] = now == before ? 0 : (now - before) / fabs(before);
        before = now;
    }
    finish(path, &by, cell, r, view->sample_market + (from_first ? 1 : 0), metrics);
    free(r);
    return TD_OK;
}
