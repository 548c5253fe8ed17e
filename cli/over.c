/* What a set is worth over symbols and intervals: mean, median, smallest and largest of a number. See show_parts.h. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/sorted.h"
#include "cli/cli.h"
#include "cli/job.h"
#include "cli/show_parts.h"

enum { MEAN, MEDIAN, SMALLEST, LARGEST, STATISTICS };
static const char *const statistic_names[STATISTICS] = {"mean", "median", "min", "max"};

/* The rows of one set, or of one on one interval or symbol, together. */
typedef struct summary {
    int64_t row;  /* the first of them */
    int64_t rows; /* how many there are */
    double value[STATISTICS]; /* NaN when one of the rows has no number */
} summary;

typedef struct summaries {
    int64_t count, shown;
    summary *list; /* (count) best first */
    bool over_symbols, over_intervals;
    int by, goal, statistic; /* column, +1 largest first, what to sort by */
} summaries;

static td_status read_over(const td_show_def *def, summaries *s, td_error *error) {
    for (const char *at = def->over; *at;) {
        size_t length = strcspn(at, ",");
        if (length == 7 && !strncmp(at, "symbols", 7)) s->over_symbols = true;
        else if (length == 9 && !strncmp(at, "intervals", 9)) s->over_intervals = true;
        else return td_fail(error, TD_BAD_ARG, "--over is '%s', must be symbols, intervals or symbols,intervals", def->over);
        at += length + (at[length] == ',');
    }
    if (!s->over_symbols && !s->over_intervals) return td_fail(error, TD_BAD_ARG, "--over names nothing to summarise over");
    if (def->columns) return td_fail(error, TD_BAD_ARG, "--columns has no meaning with --over");
    for (s->statistic = MEAN; def->statistic && s->statistic < STATISTICS; s->statistic++)
        if (strcmp(statistic_names[s->statistic], def->statistic) == 0) break;
    if (s->statistic == STATISTICS)
        return td_fail(error, TD_BAD_ARG, "--statistic is '%s', must be mean, median, min or max", def->statistic);
    return TD_OK;
}

/* values (count), sorted in place; NaN when one of them is */
static void summarise(double *values, int64_t count, double result[STATISTICS]) {
    double sum = 0;
    for (int64_t i = 0; i < count; i++) sum += values[i];
    if (isnan(sum)) {
        bool lacking = false; /* +inf and -inf have no mean, but an order */
        for (int64_t i = 0; i < count; i++) lacking |= isnan(values[i]);
        for (int k = 0; lacking && k < STATISTICS; k++) result[k] = NAN;
        if (lacking) return;
    }
    qsort(values, (size_t)count, sizeof *values, td_compare_doubles);
    double low = values[(count - 1) / 2], high = values[count / 2];
    result[MEAN] = sum / (double)count;
    result[MEDIAN] = low == high ? low : low + (high - low) / 2;
    result[SMALLEST] = values[0];
    result[LARGEST] = values[count - 1];
}

static int compare_summaries(const void *left, const void *right, void *context) {
    const summaries *s = context;
    const summary *a = left, *b = right;
    double x = a->value[s->statistic], y = b->value[s->statistic];
    if (isnan(x) != isnan(y)) return isnan(x) ? 1 : -1;
    if (!isnan(x) && x != y) return (s->goal > 0) == (x > y) ? -1 : 1;
    return a->row < b->row ? -1 : a->row > b->row;
}

/* Group of a row: what is summarised over does not count. */
static int64_t group_of(const td_results *results, const summaries *s, int64_t row) {
    int64_t symbol = s->over_symbols ? 0 : td_results_row_symbol(results, row);
    int64_t interval = s->over_intervals ? 0 : td_results_row_interval(results, row);
    return (symbol * td_results_intervals(results) + interval) * td_results_trials(results) + td_results_row_trial(results, row);
}

static td_status fill_summaries(td_results *results, const td_market_filter *filter, const td_show_order *o, const double *values,
                                const int32_t *state, summaries *s, td_error *error) {
    /* rows of a group in a column: how many are wanted, how many the condition let through, where they begin */
    int64_t rows = td_results_rows(results);
    int64_t *wanted = calloc((size_t)rows, sizeof *wanted), *good = calloc((size_t)rows, sizeof *good);
    int64_t *begin = calloc((size_t)rows + 1, sizeof *begin), *first = calloc((size_t)rows, sizeof *first);
    double *numbers = calloc((size_t)rows + 1, sizeof *numbers);
    s->list = calloc((size_t)rows, sizeof *s->list);
    td_status status = TD_OK;
    if (!wanted || !good || !begin || !first || !numbers || !s->list) {
        status = td_fail(error, TD_NO_MEMORY, "no memory to summarise %" PRId64 " trials", rows);
        rows = 0;
    }
    for (int64_t row = rows - 1; row >= 0; row--)
        if (td_row_is_wanted(results, filter, row)) {
            int64_t group = group_of(results, s, row);
            wanted[group]++;
            first[group] = row;
        }
    for (int64_t g = 0; g < rows; g++) begin[g + 1] = begin[g] + wanted[g];
    for (int64_t i = 0; rows && i < o->count; i++) {
        int64_t row = o->rows[i], group = group_of(results, s, row);
        numbers[begin[group] + good[group]++] = state[row] == TD_CELL_DONE ? values[row] : NAN;
    }
    for (int64_t g = 0; g < rows; g++) {
        if (wanted[g] == 0 || good[g] < wanted[g]) continue;
        summary *made = &s->list[s->count++];
        *made = (summary){.row = first[g], .rows = wanted[g]};
        summarise(numbers + begin[g], wanted[g], made->value);
    }
    free(wanted), free(good), free(begin), free(first), free(numbers);
    return status;
}

static td_status make_summaries(td_results *results, const td_show_def *def, summaries *s, td_error *error) {
    *s = (summaries){0};
    TD_TRY(read_over(def, s, error));
    td_show_order o;
    td_market_filter filter;
    TD_TRY(td_choose_rows(results, def, &filter, &o, error));
    s->by = o.by;
    s->goal = o.goal;
    const double *values = td_column_values(results, o.by, error);
    const int32_t *state = td_results_state(results, error);
    td_status status = values && state ? fill_summaries(results, &filter, &o, values, state, s, error) : TD_BAD_DATA;
    free(o.rows);
    if (status != TD_OK) {
        free(s->list);
        return status;
    }
    qsort_r(s->list, (size_t)s->count, sizeof *s->list, compare_summaries, s);
    s->shown = td_shown_of(def, s->count);
    return TD_OK;
}

/* The sweep's axes, whole columns. */
static td_status read_axes(td_results *results, const double *axes[TD_AXES_MAX], td_error *error) {
    for (int a = 0; a < td_results_axis_count(results); a++)
        if (!(axes[a] = td_results_axis(results, a, error))) return TD_BAD_DATA;
    return TD_OK;
}

static td_status over_table(FILE *out, td_results *results, const summaries *s, td_error *error) {
    const double *values[TD_AXES_MAX];
    TD_TRY(read_axes(results, values, error));
    int axes = td_results_axis_count(results);
    const char *heads[TD_AXES_MAX + STATISTICS + 4] = {"rank", "trial"};
    bool numeric[TD_AXES_MAX + STATISTICS + 4] = {true, true};
    int markets = td_market_heads(results, !s->over_symbols, !s->over_intervals, heads + 2), before = 2 + markets;
    int width = before + axes + STATISTICS, rows = (int)s->shown;
    for (int i = 0; i < axes + STATISTICS; i++) {
        heads[before + i] = i < axes ? td_results_axis_name(results, i) : statistic_names[i - axes];
        numeric[before + i] = true;
    }
    char(*texts)[48] = calloc((size_t)rows * (size_t)width + 1, sizeof *texts);
    const char **cells = calloc((size_t)rows * (size_t)width + 1, sizeof *cells);
    if (!texts || !cells) {
        free(texts), free(cells);
        return td_fail(error, TD_NO_MEMORY, "no memory for a table of %d rows", rows);
    }
    for (int r = 0; r < rows; r++) {
        const summary *of = &s->list[r];
        char(*row)[48] = texts + (size_t)r * (size_t)width;
        if (isnan(of->value[s->statistic])) strcpy(row[0], "-");
        else snprintf(row[0], sizeof *row, "%d", r + 1);
        snprintf(row[1], sizeof *row, "%" PRId64, td_results_row_trial(results, of->row));
        for (int a = 0; a < axes; a++) td_column_text(results, a, values[a][of->row], row[before + a]);
        for (int k = 0; k < STATISTICS; k++) td_column_text(results, s->by, of->value[k], row[before + axes + k]);
        for (int i = 0; i < width; i++)
            cells[(size_t)r * (size_t)width + (size_t)i] =
                i < 2 || i >= before ? row[i] : td_market_text(results, heads[i], of->row);
    }
    td_print_counts(out, results);
    const char *over = !s->over_intervals ? "symbols" : !s->over_symbols ? "intervals" : "symbols and intervals";
    fprintf(out, "; %s over %s, by its %s, %s first\n", td_column_name(results, s->by), over, statistic_names[s->statistic],
            s->goal > 0 ? "largest" : "smallest");
    td_cli_table(out, width, heads, numeric, rows, cells);
    free(texts), free(cells);
    return TD_OK;
}

static td_status over_csv(FILE *out, td_results *results, const summaries *s, td_error *error) {
    const double *values[TD_AXES_MAX];
    TD_TRY(read_axes(results, values, error));
    int axes = td_results_axis_count(results);
    const char *heads[2];
    int markets = td_market_heads(results, !s->over_symbols, !s->over_intervals, heads);
    fputs("trial", out);
    for (int i = 0; i < markets; i++) fprintf(out, ",%s", heads[i]);
    for (int a = 0; a < axes; a++) fprintf(out, ",%s", td_results_axis_name(results, a));
    fputs(",over", out);
    for (int k = 0; k < STATISTICS; k++) fprintf(out, ",%s", statistic_names[k]);
    fputc('\n', out);
    for (int64_t r = 0; r < s->shown; r++) {
        const summary *of = &s->list[r];
        fprintf(out, "%" PRId64, td_results_row_trial(results, of->row));
        for (int i = 0; i < markets; i++) td_print_csv_text(out, td_market_text(results, heads[i], of->row));
        for (int a = 0; a < axes; a++) td_print_csv_value(out, results, a, values[a][of->row]);
        fprintf(out, ",%" PRId64, of->rows);
        for (int k = 0; k < STATISTICS; k++) {
            if (isnan(of->value[k])) fputc(',', out);
            else fprintf(out, ",%.17g", of->value[k]);
        }
        fputc('\n', out);
    }
    return TD_OK;
}

static td_status over_json(td_results *results, const summaries *s, json_t **list, td_error *error) {
    const double *values[TD_AXES_MAX];
    TD_TRY(read_axes(results, values, error));
    *list = json_array();
    json_t *constants = td_constants_of(results);
    for (int64_t r = 0; r < s->shown; r++) {
        const summary *of = &s->list[r];
        json_t *object = json_object(), *parameters = json_object(), *numbers = json_object();
        json_object_set_new(object, "trial", json_integer(td_results_row_trial(results, of->row)));
        td_json_market(object, results, of->row);
        if (s->over_symbols) json_object_del(object, "symbol");
        if (s->over_intervals) json_object_del(object, "interval");
        for (int a = 0; a < td_results_axis_count(results); a++)
            json_object_set_new(parameters, td_results_axis_name(results, a),
                                td_column_json(results, a, values[a][of->row]));
        json_object_update_missing(parameters, constants);
        for (int k = 0; k < STATISTICS; k++)
            json_object_set_new(numbers, statistic_names[k], td_json_number(of->value[k], false));
        json_object_set_new(object, "parameters", parameters);
        json_object_set_new(object, "over", json_integer(of->rows));
        json_object_set_new(object, td_column_name(results, s->by), numbers);
        json_array_append_new(*list, object);
    }
    json_decref(constants);
    return TD_OK;
}

td_status td_over_table(FILE *out, td_results *results, const td_show_def *def, td_error *error) {
    summaries s;
    TD_TRY(make_summaries(results, def, &s, error));
    td_status status = td_check_table_rows(s.shown, error);
    if (status == TD_OK) status = over_table(out, results, &s, error);
    free(s.list);
    return status;
}

td_status td_over_csv(FILE *out, td_results *results, const td_show_def *def, td_error *error) {
    summaries s;
    TD_TRY(make_summaries(results, def, &s, error));
    td_status status = over_csv(out, results, &s, error);
    free(s.list);
    return status;
}

td_status td_over_json(td_results *results, const td_show_def *def, json_t **list, td_error *error) {
    summaries s;
    TD_TRY(make_summaries(results, def, &s, error));
    td_status status = over_json(results, &s, list, error);
    free(s.list);
    return status;
}
