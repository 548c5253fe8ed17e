/* See show.h. Names are looked up once, columns are read once; an order is a sort of trial numbers. */
#include "cli/show.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/words.h"
#include "cli/cli.h"
#include "sweeps/expression.h"

enum { COLUMNS_MAX = TD_METRIC_COUNT + TD_AXES_MAX };

/* what a table shows beside the axes and what it is sorted by */
static const td_metric key_metrics[] = {
    TD_METRIC_sharpe,       TD_METRIC_annual_return, TD_METRIC_total_return, TD_METRIC_max_drawdown,
    TD_METRIC_final_equity, TD_METRIC_trades,        TD_METRIC_win_rate,     TD_METRIC_profit_factor,
};

/* Axes and metrics under one number: axes first. An axis hides a metric of the same name. */
static int find_column(td_results *results, const char *name) {
    int axes = td_results_axis_count(results);
    for (int a = 0; a < axes; a++)
        if (!strcmp(td_results_axis_name(results, a), name)) return a;
    int metric = td_metric_find(name);
    return metric < 0 ? -1 : axes + metric;
}

static const char *column_name(const td_results *results, int column) {
    int axes = td_results_axis_count(results);
    return column < axes ? td_results_axis_name(results, column) : td_metric_infos[column - axes].name;
}

static const double *column_values(td_results *results, int column, td_error *error) {
    int axes = td_results_axis_count(results);
    return column < axes ? td_results_axis(results, column, error) : td_results_metric(results, (td_metric)(column - axes), error);
}

static bool column_is_whole(const td_results *results, int column) {
    int axes = td_results_axis_count(results);
    return column < axes && td_results_axis_whole(results, column);
}

static td_status unknown_name(td_results *results, const char *what, const char *name, td_error *error) {
    const char *names[COLUMNS_MAX];
    int count = td_results_axis_count(results) + TD_METRIC_COUNT;
    for (int c = 0; c < count; c++) names[c] = column_name(results, c);
    const char *nearest = td_nearest_word(name, names, count);
    if (nearest) return td_fail(error, TD_BAD_ARG, "%s: there is no metric or axis '%s'; did you mean '%s'?", what, name, nearest);
    char axes[256] = "none";
    size_t used = 0;
    for (int a = 0; a < td_results_axis_count(results) && used < sizeof axes; a++)
        used += (size_t)snprintf(axes + used, sizeof axes - used, "%s%s", a ? ", " : "", names[a]);
    return td_fail(error, TD_BAD_ARG, "%s: there is no metric or axis '%s'; metrics are as in docs/metrics.md, axes here: %s",
                   what, name, axes);
}

/* ---- order ---- */

typedef struct order {
    int by;           /* column */
    int goal;
    int64_t *trials;  /* (count) */
    int64_t count;    /* that where lets through */
    int64_t shown;    /* of these, at most top */
    int64_t ranked;   /* of these, the first so many have a rank */
} order;

typedef struct sort_context {
    const double *values;
    const int32_t *state;
    int goal;
} sort_context;

/* 0 ranked, 1 finished but NaN, 2 failed, 3 pending */
static int class_of(const sort_context *context, int64_t trial) {
    if (context->state[trial] == TD_CELL_PENDING) return 3;
    if (context->state[trial] == TD_CELL_FAILED) return 2;
    return isnan(context->values[trial]);
}

static int compare_trials(const void *left, const void *right, void *arguments) {
    const sort_context *context = arguments;
    int64_t a = *(const int64_t *)left, b = *(const int64_t *)right;
    int class_a = class_of(context, a), class_b = class_of(context, b);
    if (class_a != class_b) return class_a < class_b ? -1 : 1;
    double x = context->values[a], y = context->values[b];
    if (class_a == 0 && x != y) return (context->goal > 0) == (x > y) ? -1 : 1;
    return a < b ? -1 : a > b;
}

/* the sweep's metric and goal, as the file says */
static int sweep_metric(const td_results *results, int *goal) {
    const char *metric = td_results_attribute(results, "metric"), *text = td_results_attribute(results, "goal");
    *goal = text && !strcmp(text, "minimize") ? -1 : 1;
    int found = metric ? td_metric_find(metric) : -1;
    return found < 0 ? (int)TD_METRIC_sharpe : found;
}

static td_status choose_order(td_results *results, const td_show_def *def, order *o, td_error *error) {
    int axes = td_results_axis_count(results), goal, metric = sweep_metric(results, &goal);
    o->by = def->by ? find_column(results, def->by) : axes + metric;
    if (o->by < 0) return unknown_name(results, "--by", def->by, error);
    if (def->goal) goal = def->goal;
    else if (o->by < axes) goal = 1;
    else if (o->by != axes + metric) goal = td_metric_infos[o->by - axes].better < 0 ? -1 : 1;
    o->goal = goal;
    return TD_OK;
}

/* what an expression names: its columns, and the first name that is none */
typedef struct named_columns {
    td_results *results;
    bool used[COLUMNS_MAX];
    char unknown[80];
} named_columns;

static int resolve_column(void *context, const char *name) {
    named_columns *named = context;
    int column = find_column(named->results, name);
    if (column >= 0) named->used[column] = true;
    else snprintf(named->unknown, sizeof named->unknown, "%s", name);
    return column;
}

/* the trials that the expression lets through; a pending set's metrics are NaN */
static td_status select_trials(td_results *results, const char *where, order *o, td_error *error) {
    int64_t trials = td_results_trials(results);
    o->trials = malloc((size_t)trials * sizeof *o->trials);
    if (!o->trials) return td_fail(error, TD_NO_MEMORY, "no memory to sort %" PRId64 " trials", trials);
    if (!where) {
        for (int64_t t = 0; t < trials; t++) o->trials[o->count++] = t;
        return TD_OK;
    }
    td_expression *expression;
    named_columns named = {.results = results};
    td_status status = td_expression_compile(where, resolve_column, &named, &expression, NULL, error);
    if (named.unknown[0]) return unknown_name(results, "--where", named.unknown, error);
    if (status != TD_OK) return td_fail_within(error, TD_BAD_ARG, "--where '%.100s'", where);
    /* columns it names are read, the others are not */
    const double *columns[COLUMNS_MAX] = {0};
    int count = td_results_axis_count(results) + TD_METRIC_COUNT;
    for (int c = 0; c < count && status == TD_OK; c++) {
        if (!named.used[c]) continue;
        columns[c] = column_values(results, c, error);
        if (!columns[c]) status = TD_BAD_DATA;
    }
    for (int64_t t = 0; t < trials && status == TD_OK; t++) {
        double values[COLUMNS_MAX];
        for (int c = 0; c < count; c++) values[c] = columns[c] ? columns[c][t] : NAN;
        if (td_expression_true(expression, values)) o->trials[o->count++] = t;
    }
    td_expression_free(expression);
    return status;
}

static td_status make_order(td_results *results, const td_show_def *def, order *o, td_error *error) {
    *o = (order){0};
    TD_TRY(choose_order(results, def, o, error));
    sort_context context = {.goal = o->goal};
    context.values = column_values(results, o->by, error);
    context.state = td_results_state(results, error);
    if (!context.values || !context.state) return TD_BAD_DATA;
    td_status status = select_trials(results, def->where, o, error);
    if (status != TD_OK) {
        free(o->trials);
        o->trials = NULL;
        return status;
    }
    qsort_r(o->trials, (size_t)o->count, sizeof *o->trials, compare_trials, &context);
    int64_t top = def->top ? def->top : 10;
    o->shown = top > 0 && top < o->count ? top : o->count;
    while (o->ranked < o->shown && class_of(&context, o->trials[o->ranked]) == 0) o->ranked++;
    return TD_OK;
}

/* ---- columns ---- */

typedef struct columns {
    int count, column[COLUMNS_MAX];
    const double *values[COLUMNS_MAX];
} columns;

static td_status add_column(td_results *results, int column, columns *c, td_error *error) {
    for (int i = 0; i < c->count; i++)
        if (c->column[i] == column) return TD_OK;
    const double *values = column_values(results, column, error);
    if (!values) return TD_BAD_DATA;
    c->column[c->count] = column;
    c->values[c->count++] = values;
    return TD_OK;
}

static td_status add_named_columns(td_results *results, const char *names, columns *c, td_error *error) {
    while (*names) {
        size_t length = strcspn(names, ",");
        char name[80];
        snprintf(name, sizeof name, "%.*s", (int)(length < 79 ? length : 79), names);
        char *begin = name + strspn(name, " ");
        begin[strcspn(begin, " ")] = 0;
        int column = find_column(results, begin);
        if (column < 0) return unknown_name(results, "--columns", begin, error);
        TD_TRY(add_column(results, column, c, error));
        names += length + (names[length] == ',');
    }
    return c->count ? TD_OK : td_fail(error, TD_BAD_ARG, "--columns names no column");
}

static td_status choose_columns(td_results *results, const td_show_def *def, int by, bool everything, columns *c, td_error *error) {
    *c = (columns){0};
    if (def->columns) return add_named_columns(results, def->columns, c, error);
    int axes = td_results_axis_count(results);
    for (int a = 0; a < axes; a++) TD_TRY(add_column(results, a, c, error));
    if (everything) {
        for (int m = 0; m < TD_METRIC_COUNT; m++) TD_TRY(add_column(results, axes + m, c, error));
        return TD_OK;
    }
    TD_TRY(add_column(results, by, c, error));
    for (size_t k = 0; k < sizeof key_metrics / sizeof *key_metrics; k++)
        TD_TRY(add_column(results, axes + (int)key_metrics[k], c, error));
    return TD_OK;
}

/* ---- table ---- */

/* for eyes: six digits, money with two decimals, "-" for NaN; text has 32 bytes */
static void print_value(const td_results *results, int column, double value, char *text) {
    int axes = td_results_axis_count(results);
    bool money = column >= axes && !strcmp(td_metric_infos[column - axes].units, "quote");
    if (isnan(value)) strcpy(text, "-");
    else if (money && fabs(value) < 1e15) snprintf(text, 32, "%.2f", value);
    else if (value == floor(value) && fabs(value) < 1e15) snprintf(text, 32, "%.0f", value + 0.0);
    else snprintf(text, 32, column < axes ? "%.10g" : "%.6g", value);
}

static void print_header(FILE *out, td_results *results, const order *o) {
    int64_t trials = td_results_trials(results), done = td_results_done(results), failed = td_results_failed(results);
    const char *strategy = td_results_attribute(results, "strategy"), *symbol = td_results_attribute(results, "tape_symbol");
    const char *interval = td_results_attribute(results, "tape_interval"), *first = td_results_attribute(results, "first_bar_time");
    const char *last = td_results_attribute(results, "last_bar_time");
    fprintf(out, "%s on %s %s, %.0f bars from %s to %s, %.10g periods per year\n", strategy ? strategy : "?", symbol ? symbol : "?",
            interval ? interval : "?", td_results_number(results, "bars"), first ? first : "?", last ? last : "?",
            td_results_number(results, "periods_per_year"));
    fprintf(out, "%" PRId64 " trials: %" PRId64 " done", trials, done - failed);
    if (failed) fprintf(out, ", %" PRId64 " failed", failed);
    if (done < trials) fprintf(out, ", %" PRId64 " pending", trials - done);
    double excluded = td_results_number(results, "excluded");
    if (excluded > 0) fprintf(out, ", %.0f excluded by constraints", excluded);
    if (o->count < trials) fprintf(out, "; %" PRId64 " selected", o->count);
    fprintf(out, "; by %s, %s first\n", column_name(results, o->by), o->goal > 0 ? "largest" : "smallest");
}

static td_status print_table(FILE *out, td_results *results, const order *o, const columns *c, td_error *error) {
    const int32_t *state = td_results_state(results, error), *reason = td_results_reason(results, error);
    if (!state || !reason) return TD_BAD_DATA;
    bool outcome = o->ranked < o->shown; /* a last column says what became of sets without a rank */
    int width = 2 + c->count + outcome, rows = (int)o->shown;
    const char *heads[COLUMNS_MAX + 3] = {"rank", "trial"};
    bool numeric[COLUMNS_MAX + 3] = {true, true};
    for (int i = 0; i < c->count; i++) heads[2 + i] = column_name(results, c->column[i]), numeric[2 + i] = true;
    if (outcome) heads[width - 1] = "outcome";
    char(*texts)[32] = calloc((size_t)rows * (size_t)width + 1, sizeof *texts);
    const char **cells = calloc((size_t)rows * (size_t)width + 1, sizeof *cells);
    if (!texts || !cells) {
        free(texts), free(cells);
        return td_fail(error, TD_NO_MEMORY, "no memory for a table of %d rows", rows);
    }
    for (int r = 0; r < rows; r++) {
        int64_t trial = o->trials[r];
        char(*row)[32] = texts + (size_t)r * (size_t)width;
        if (r < o->ranked) snprintf(row[0], sizeof *row, "%d", r + 1);
        else strcpy(row[0], "-");
        snprintf(row[1], sizeof *row, "%" PRId64, trial);
        for (int i = 0; i < c->count; i++) print_value(results, c->column[i], c->values[i][trial], row[2 + i]);
        bool known = reason[trial] >= 0 && reason[trial] < TD_CELL_REASON_COUNT;
        if (state[trial] == TD_CELL_PENDING) strcpy(row[width - 1], "pending");
        if (state[trial] == TD_CELL_FAILED)
            snprintf(row[width - 1], sizeof *row, "%s", known ? td_cell_reason_name((td_cell_reason)reason[trial]) : "failed");
        for (int i = 0; i < width; i++) cells[(size_t)r * (size_t)width + (size_t)i] = row[i];
    }
    print_header(out, results, o);
    td_cli_table(out, width, heads, numeric, rows, cells);
    free(texts), free(cells);
    return TD_OK;
}

td_status td_show_table(FILE *out, td_results *results, const td_show_def *def, td_error *error) {
    order o;
    columns c;
    TD_TRY(make_order(results, def, &o, error));
    td_status status = choose_columns(results, def, o.by, false, &c, error);
    if (status == TD_OK && o.shown > 1000000)
        status = td_fail(error, TD_BAD_ARG, "a table of %" PRId64 " rows is for nobody's eyes; --csv prints them all", o.shown);
    if (status == TD_OK) status = print_table(out, results, &o, &c, error);
    free(o.trials);
    return status;
}

/* ---- CSV and JSON ---- */

td_status td_show_csv(FILE *out, td_results *results, const td_show_def *def, td_error *error) {
    static const char *const states[] = {"pending", "done", "failed"};
    order o;
    columns c;
    TD_TRY(make_order(results, def, &o, error));
    td_status status = choose_columns(results, def, o.by, true, &c, error);
    const int32_t *state = td_results_state(results, error);
    const uint64_t *hash = status == TD_OK ? td_results_hash(results, error) : NULL;
    if (status == TD_OK && (!state || !hash)) status = TD_BAD_DATA;
    if (status == TD_OK) {
        fputs("trial,state,hash", out);
        for (int i = 0; i < c.count; i++) fprintf(out, ",%s", column_name(results, c.column[i]));
        fputc('\n', out);
    }
    for (int64_t r = 0; status == TD_OK && r < o.shown; r++) {
        int64_t trial = o.trials[r];
        fprintf(out, "%" PRId64 ",%s,%016" PRIx64, trial, states[state[trial]], hash[trial]);
        for (int i = 0; i < c.count; i++) {
            double value = c.values[i][trial];
            if (isnan(value)) fputc(',', out);
            else fprintf(out, ",%.17g", value);
        }
        fputc('\n', out);
    }
    free(o.trials);
    return status;
}

/* JSON has neither NaN nor infinity */
static json_t *json_number(double value, bool whole) {
    if (!isfinite(value)) return json_null();
    return whole ? json_integer((json_int_t)value) : json_real(value);
}

static json_t *json_trial(td_results *results, int64_t trial, const columns *c, const json_t *constants, td_error *error) {
    int axes = td_results_axis_count(results);
    const int32_t *state = td_results_state(results, error), *reason = td_results_reason(results, error);
    const uint64_t *hash = td_results_hash(results, error);
    if (!state || !reason || !hash) return NULL;
    char text[20];
    snprintf(text, sizeof text, "%016" PRIx64, hash[trial]);
    json_t *object = json_object(), *parameters = json_object(), *metrics = json_object();
    json_object_set_new(object, "trial", json_integer(trial));
    json_object_set_new(object, "hash", json_string(text));
    if (state[trial] != TD_CELL_DONE)
        json_object_set_new(object, "state", json_string(state[trial] == TD_CELL_FAILED ? "failed" : "pending"));
    if (state[trial] == TD_CELL_FAILED && reason[trial] > 0 && reason[trial] < TD_CELL_REASON_COUNT)
        json_object_set_new(object, "reason", json_string(td_cell_reason_name((td_cell_reason)reason[trial])));
    for (int i = 0; i < c->count; i++) {
        json_t *number = json_number(c->values[i][trial], column_is_whole(results, c->column[i]));
        json_object_set_new(c->column[i] < axes ? parameters : metrics, column_name(results, c->column[i]), number);
    }
    json_object_update_missing(parameters, (json_t *)constants);
    json_object_set_new(object, "parameters", parameters);
    json_object_set_new(object, "metrics", metrics);
    return object;
}

td_status td_show_json(td_results *results, const td_show_def *def, json_t **list, td_error *error) {
    order o;
    columns c;
    td_show_def everything = *def;
    everything.columns = NULL;
    *list = NULL;
    TD_TRY(make_order(results, def, &o, error));
    td_status status = choose_columns(results, &everything, o.by, true, &c, error);
    /* what the sweep held fixed belongs to the set as well */
    const char *fixed = td_results_attribute(results, "constants");
    json_t *constants = fixed ? json_loads(fixed, 0, NULL) : NULL;
    if (!json_is_object(constants)) json_decref(constants), constants = json_object();
    json_t *array = json_array();
    for (int64_t r = 0; status == TD_OK && r < o.shown; r++) {
        json_t *object = json_trial(results, o.trials[r], &c, constants, error);
        if (!object) status = TD_BAD_DATA;
        else json_array_append_new(array, object);
    }
    json_decref(constants);
    free(o.trials);
    if (status == TD_OK) *list = array;
    else json_decref(array);
    return status;
}

td_status td_show_best(FILE *out, td_results *results, int metric, int goal, int64_t top, td_error *error) {
    assert(metric >= 0 && metric < TD_METRIC_COUNT);
    return td_show_table(out, results, &(td_show_def){.by = td_metric_infos[metric].name, .goal = goal, .top = top}, error);
}

td_status td_show_best_json(td_results *results, int metric, int goal, int64_t top, json_t **best, td_error *error) {
    assert(metric >= 0 && metric < TD_METRIC_COUNT);
    return td_show_json(results, &(td_show_def){.by = td_metric_infos[metric].name, .goal = goal, .top = top}, best, error);
}
