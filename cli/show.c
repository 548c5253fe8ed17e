/* See show.h. Names are looked up once, columns are read once; an order is a sort of trial numbers. */
#include "cli/show_parts.h"

#include <assert.h>
#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/words.h"
#include "cli/cli.h"
#include "cli/job.h"
#include "sweeps/expression.h"

enum { COLUMNS_MAX = 3 * TD_METRIC_COUNT + TD_AXES_MAX };

/* Beside axes: the metrics of the kind of tape, and of results with envelopes their lows and their highs. */
static const td_tape_kind_info *kind_of(const td_results *results) { return &td_tape_kind_infos[td_results_tape_kind(results)]; }
static int number_count(const td_results *results) { return kind_of(results)->metric_count * (td_results_enveloped(results) ? 3 : 1); }
/* Which metric a number is, or is the low (share 1) or the high (2) of. */
static td_metric metric_of(const td_results *results, int number, int *share) {
    const td_tape_kind_info *kind = kind_of(results);
    if (share) *share = number / kind->metric_count;
    return kind->metrics[number % kind->metric_count];
}
static const char *number_name(const td_results *results, int number) {
    int share;
    td_metric metric = metric_of(results, number, &share);
    return share ? td_results_bound_name(metric, share == 2) : td_metric_infos[metric].name;
}
static int number_of(const td_results *results, td_metric metric) {
    int number = 0;
    while (metric_of(results, number, NULL) != metric) number++;
    return number;
}

/* Axes and these numbers under one number: axes first. An axis hides a metric of the same name. */
static int find_column(td_results *results, const char *name) {
    int axes = td_results_axis_count(results);
    for (int a = 0; a < axes; a++)
        if (!strcmp(td_results_axis_name(results, a), name)) return a;
    for (int n = 0; n < number_count(results); n++)
        if (!strcmp(number_name(results, n), name)) return axes + n;
    return -1;
}

const char *td_column_name(const td_results *results, int column) {
    int axes = td_results_axis_count(results);
    return column < axes ? td_results_axis_name(results, column) : number_name(results, column - axes);
}

const double *td_column_values(td_results *results, int column, td_error *error) {
    int axes = td_results_axis_count(results);
    if (column < axes) return td_results_axis(results, column, error);
    int share;
    td_metric metric = metric_of(results, column - axes, &share);
    switch (share) {
    case 0: return td_results_metric(results, metric, error);
    case 1: return td_results_low(results, metric, error);
    default: return td_results_high(results, metric, error);
    }
}

static bool column_is_whole(const td_results *results, int column) {
    int axes = td_results_axis_count(results);
    return column < axes && td_results_axis_whole(results, column);
}

static td_status unknown_name(td_results *results, const char *what, const char *name, td_error *error) {
    const char *names[COLUMNS_MAX];
    int count = td_results_axis_count(results) + number_count(results);
    for (int c = 0; c < count; c++) names[c] = td_column_name(results, c);
    const char *nearest = td_nearest_word(name, names, count);
    if (nearest) return td_fail(error, TD_BAD_ARG, "%s: there is no metric or axis '%s'; did you mean '%s'?", what, name, nearest);
    char axes[256] = "none";
    size_t used = 0;
    for (int a = 0; a < td_results_axis_count(results) && used < sizeof axes; a++)
        used += (size_t)snprintf(axes + used, sizeof axes - used, "%s%s", a ? ", " : "", names[a]);
    return td_fail(error, TD_BAD_ARG, "%s: there is no metric or axis '%s'; metrics are as in docs/metrics.md, axes here: %s",
                   what, name, axes);
}

/* ---- markets ---- */

static const char *name_at(const td_results *results, bool intervals, int64_t index) {
    return intervals ? td_results_interval_name(results, index) : td_results_symbol_name(results, index);
}

static td_status find_name(const td_results *results, bool intervals, const char *wanted, int64_t *found, td_error *error) {
    *found = -1;
    if (!wanted) return TD_OK;
    int64_t count = intervals ? td_results_intervals(results) : td_results_symbols(results);
    for (*found = 0; *found < count; ++*found)
        if (strcmp(name_at(results, intervals, *found), wanted) == 0) return TD_OK;
    const char **names = count < INT_MAX ? calloc((size_t)count, sizeof *names) : NULL;
    for (int64_t i = 0; names && i < count; i++) names[i] = name_at(results, intervals, i);
    const char *nearest = names ? td_nearest_word(wanted, names, (int)count) : NULL;
    free(names);
    const char *what = intervals ? "interval" : "symbol";
    if (nearest)
        return td_fail(error, TD_BAD_ARG, "--%s: the results have no %s '%s'; did you mean '%s'?", what, what, wanted, nearest);
    return td_fail(error, TD_BAD_ARG, "--%s: the results have no %s '%s'; the first is '%s'", what, what, wanted,
                   name_at(results, intervals, 0));
}

bool td_row_is_wanted(const td_results *results, const td_market_filter *filter, int64_t row) {
    return (filter->symbol < 0 || td_results_row_symbol(results, row) == filter->symbol) &&
           (filter->interval < 0 || td_results_row_interval(results, row) == filter->interval);
}

void td_json_market(json_t *object, const td_results *results, int64_t row) {
    int64_t symbol = td_results_row_symbol(results, row), interval = td_results_row_interval(results, row);
    if (td_results_symbols(results) > 1)
        json_object_set_new(object, "symbol", json_string(td_results_symbol_name(results, symbol)));
    if (td_results_intervals(results) > 1)
        json_object_set_new(object, "interval", json_string(td_results_interval_name(results, interval)));
}

/* ---- order ---- */

typedef struct sort_context {
    const double *values;
    const int32_t *state;
    int goal;
} sort_context;

/* 0 ranked, 1 finished but NaN, 2 failed, 3 pending */
static int class_of(const sort_context *context, int64_t row) {
    if (context->state[row] == TD_CELL_PENDING) return 3;
    if (context->state[row] == TD_CELL_FAILED) return 2;
    return isnan(context->values[row]);
}

static int compare_rows(const void *left, const void *right, void *arguments) {
    const sort_context *context = arguments;
    int64_t a = *(const int64_t *)left, b = *(const int64_t *)right;
    int class_a = class_of(context, a), class_b = class_of(context, b);
    if (class_a != class_b) return class_a < class_b ? -1 : 1;
    double x = context->values[a], y = context->values[b];
    if (class_a == 0 && x != y) return (context->goal > 0) == (x > y) ? -1 : 1;
    return a < b ? -1 : a > b;
}

int td_show_sweep_metric(const td_results *results, int *goal) {
    const char *metric = td_results_attribute(results, "metric"), *text = td_results_attribute(results, "goal");
    *goal = text && !strcmp(text, "minimize") ? -1 : 1;
    int found = metric ? td_kind_find_metric(td_results_tape_kind(results), metric) : -1;
    return number_of(results, found < 0 ? TD_METRIC_sharpe : (td_metric)found);
}

static td_status choose_order(td_results *results, const td_show_def *def, td_show_order *o, td_error *error) {
    int axes = td_results_axis_count(results), goal, metric = td_show_sweep_metric(results, &goal);
    o->by = def->by ? find_column(results, def->by) : axes + metric;
    if (o->by < 0) return unknown_name(results, "--by", def->by, error);
    if (def->goal) goal = def->goal;
    else if (o->by < axes) goal = 1;
    else if (o->by != axes + metric) goal = td_metric_infos[metric_of(results, o->by - axes, NULL)].better < 0 ? -1 : 1;
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

/* the rows of the filter that the expression lets through; a pending set's metrics are NaN */
static td_status select_rows(td_results *results, const td_market_filter *filter, const char *where, td_show_order *o, td_error *error) {
    int64_t rows = td_results_rows(results);
    o->rows = malloc((size_t)rows * sizeof *o->rows);
    if (!o->rows) return td_fail(error, TD_NO_MEMORY, "no memory to sort %" PRId64 " trials", rows);
    if (!where) {
        for (int64_t row = 0; row < rows; row++)
            if (td_row_is_wanted(results, filter, row)) o->rows[o->count++] = row;
        return TD_OK;
    }
    td_expression *expression;
    named_columns named = {.results = results};
    td_status status = td_expression_compile(where, resolve_column, &named, &expression, NULL, error);
    if (named.unknown[0]) return unknown_name(results, "--where", named.unknown, error);
    if (status != TD_OK) return td_fail_within(error, TD_BAD_ARG, "--where '%.100s'", where);
    if (td_expression_has_durations(expression) && td_results_tape_kind(results) == TD_TAPE_OF_BARS)
        status = td_fail(error, TD_BAD_ARG, "--where '%.100s' compares with a duration, but no number of play on bars is one", where);
    /* columns it names are read, the others are not */
    const double *columns[COLUMNS_MAX] = {0};
    int count = td_results_axis_count(results) + number_count(results);
    for (int c = 0; c < count && status == TD_OK; c++) {
        if (!named.used[c]) continue;
        columns[c] = td_column_values(results, c, error);
        if (!columns[c]) status = TD_BAD_DATA;
    }
    for (int64_t row = 0; row < rows && status == TD_OK; row++) {
        if (!td_row_is_wanted(results, filter, row)) continue;
        double values[COLUMNS_MAX];
        for (int c = 0; c < count; c++) values[c] = columns[c] ? columns[c][row] : NAN;
        if (td_expression_true(expression, values)) o->rows[o->count++] = row;
    }
    td_expression_free(expression);
    return status;
}

/* What is asked for, of the rows that are wanted, in the order of the rows. */
td_status td_choose_rows(td_results *results, const td_show_def *def, td_market_filter *filter, td_show_order *o, td_error *error) {
    *o = (td_show_order){0};
    TD_TRY(choose_order(results, def, o, error));
    TD_TRY(find_name(results, false, def->symbol, &filter->symbol, error));
    TD_TRY(find_name(results, true, def->interval, &filter->interval, error));
    td_status status = select_rows(results, filter, def->where, o, error);
    if (status == TD_OK) return TD_OK;
    free(o->rows);
    o->rows = NULL;
    return status;
}

int64_t td_shown_of(const td_show_def *def, int64_t count) {
    int64_t top = def->top ? def->top : 10;
    return top > 0 && top < count ? top : count;
}

static td_status make_order(td_results *results, const td_show_def *def, td_show_order *o, td_error *error) {
    td_market_filter filter;
    TD_TRY(td_choose_rows(results, def, &filter, o, error));
    sort_context context = {.goal = o->goal};
    context.values = td_column_values(results, o->by, error);
    context.state = td_results_state(results, error);
    if (!context.values || !context.state) {
        free(o->rows);
        o->rows = NULL;
        return TD_BAD_DATA;
    }
    qsort_r(o->rows, (size_t)o->count, sizeof *o->rows, compare_rows, &context);
    o->shown = td_shown_of(def, o->count);
    while (o->ranked < o->shown && class_of(&context, o->rows[o->ranked]) == 0) o->ranked++;
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
    const double *values = td_column_values(results, column, error);
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
        for (int n = 0; n < number_count(results); n++) TD_TRY(add_column(results, axes + n, c, error));
        return TD_OK;
    }
    TD_TRY(add_column(results, by, c, error));
    /* its envelope beside it */
    int metrics = kind_of(results)->metric_count;
    for (int n = 1; n < number_count(results) / metrics && by >= axes && by - axes < metrics; n++)
        TD_TRY(add_column(results, by + n * metrics, c, error));
    for (int k = 0; k < kind_of(results)->key_count; k++)
        TD_TRY(add_column(results, axes + number_of(results, kind_of(results)->keys[k]), c, error));
    return TD_OK;
}

/* ---- table ---- */

/* for eyes: six digits, money with two decimals (on books it may be a coin's), words and durations as they are written, "-" for NaN; text has
 * 48 bytes */
void td_column_text(const td_results *results, int column, double value, char *text) {
    int axes = td_results_axis_count(results);
    bool money = kind_of(results) == &td_tape_kind_infos[TD_TAPE_OF_BARS] && column >= axes &&
                 !strcmp(td_metric_infos[metric_of(results, column - axes, NULL)].units, "quote");
    if (isnan(value)) strcpy(text, "-");
    else if (column < axes && td_results_axis_form(results, column) != TD_VALUE_NUMBER) td_results_axis_text(results, column, value, text);
    else if (money && fabs(value) < 1e15) snprintf(text, 48, "%.2f", value);
    else if (value == floor(value) && fabs(value) < 1e15) snprintf(text, 48, "%.0f", value + 0.0);
    else snprintf(text, 48, column < axes ? "%.10g" : "%.6g", value);
}

/* " (A, B, C)", or nothing where they are too many to be read */
static void print_names(FILE *out, const char *names) {
    if (names && strlen(names) <= 60) fprintf(out, " (%s)", names);
}

/* "touch-quoter on BTCUSDT, 7348 messages of 491973 rows from ... to ..." */
static void print_books(FILE *out, const td_results *results) {
    const char *strategy = td_results_attribute(results, "strategy"), *symbol = td_results_attribute(results, "tape_symbol");
    const char *first = td_results_attribute(results, "first_time"), *last = td_results_attribute(results, "last_time");
    fprintf(out, "%s on %s, %.0f messages of %.0f rows from %s to %s, %.10g periods per year\n", strategy ? strategy : "?",
            symbol ? symbol : "?", td_results_number(results, "messages"), td_results_number(results, "rows"), first ? first : "?",
            last ? last : "?", td_results_number(results, "periods_per_year"));
}

/* "sma-cross on BTCUSDT 1m, 1000 bars from ... to ..." or "sma-cross on 3 symbols (A, B, C) at 2 intervals (1m, 1h)" */
static void print_what(FILE *out, td_results *results) {
    const char *strategy = td_results_attribute(results, "strategy"), *symbol = td_results_attribute(results, "tape_symbol");
    const char *interval = td_results_attribute(results, "tape_interval"), *first = td_results_attribute(results, "first_bar_time");
    const char *last = td_results_attribute(results, "last_bar_time");
    if (td_results_tape_kind(results) == TD_TAPE_OF_BOOKS) {
        print_books(out, results);
        return;
    }
    if (td_results_several(results)) {
        int64_t symbols = td_results_symbols(results), intervals = td_results_intervals(results);
        fprintf(out, "%s on %" PRId64 " symbol%s", strategy ? strategy : "?", symbols, symbols == 1 ? "" : "s");
        print_names(out, symbol);
        fprintf(out, " at %" PRId64 " interval%s", intervals, intervals == 1 ? "" : "s");
        print_names(out, interval);
        fputc('\n', out);
        return;
    }
    fprintf(out, "%s on %s %s, %.0f bars from %s to %s, %.10g periods per year\n", strategy ? strategy : "?", symbol ? symbol : "?",
            interval ? interval : "?", td_results_number(results, "bars"), first ? first : "?", last ? last : "?",
            td_results_number(results, "periods_per_year"));
}

/* Up to where the order is said. */
void td_print_counts(FILE *out, td_results *results) {
    int64_t rows = td_results_rows(results), done = td_results_done(results), failed = td_results_failed(results);
    print_what(out, results);
    fprintf(out, "%" PRId64 " trials", td_results_trials(results));
    if (td_results_several(results)) fprintf(out, ", %" PRId64 " plays", rows);
    fprintf(out, ": %" PRId64 " done", done - failed);
    if (failed) fprintf(out, ", %" PRId64 " failed", failed);
    if (done < rows) fprintf(out, ", %" PRId64 " pending", rows - done);
    double excluded = td_results_number(results, "excluded");
    if (excluded > 0) fprintf(out, ", %.0f excluded by constraints", excluded);
}

static void print_header(FILE *out, td_results *results, const td_show_order *o) {
    td_print_counts(out, results);
    if (o->count < td_results_rows(results)) fprintf(out, "; %" PRId64 " selected", o->count);
    fprintf(out, "; by %s, %s first\n", td_column_name(results, o->by), o->goal > 0 ? "largest" : "smallest");
}

/* The columns that say which market a row is of, where there are several; returns how many. */
int td_market_heads(const td_results *results, bool symbols, bool intervals, const char **heads) {
    int count = 0;
    if (symbols && td_results_symbols(results) > 1) heads[count++] = "symbol";
    if (intervals && td_results_intervals(results) > 1) heads[count++] = "interval";
    return count;
}

/* What stands under such a head. */
const char *td_market_text(const td_results *results, const char *head, int64_t row) {
    return strcmp(head, "symbol") == 0 ? td_results_symbol_name(results, td_results_row_symbol(results, row))
                                       : td_results_interval_name(results, td_results_row_interval(results, row));
}

static td_status print_table(FILE *out, td_results *results, const td_show_order *o, const columns *c, td_error *error) {
    const int32_t *state = td_results_state(results, error), *reason = td_results_reason(results, error);
    if (!state || !reason) return TD_BAD_DATA;
    bool outcome = o->ranked < o->shown; /* a last column says what became of sets without a rank */
    const char *heads[COLUMNS_MAX + 5] = {"rank", "trial"};
    bool numeric[COLUMNS_MAX + 5] = {true, true};
    int markets = td_market_heads(results, true, true, heads + 2), before = 2 + markets;
    int width = before + c->count + outcome, rows = (int)o->shown;
    for (int i = 0; i < c->count; i++) heads[before + i] = td_column_name(results, c->column[i]), numeric[before + i] = true;
    if (outcome) heads[width - 1] = "outcome";
    char(*texts)[48] = calloc((size_t)rows * (size_t)width + 1, sizeof *texts);
    const char **cells = calloc((size_t)rows * (size_t)width + 1, sizeof *cells);
    if (!texts || !cells) {
        free(texts), free(cells);
        return td_fail(error, TD_NO_MEMORY, "no memory for a table of %d rows", rows);
    }
    for (int r = 0; r < rows; r++) {
        int64_t of = o->rows[r];
        char(*row)[48] = texts + (size_t)r * (size_t)width;
        if (r < o->ranked) snprintf(row[0], sizeof *row, "%d", r + 1);
        else strcpy(row[0], "-");
        snprintf(row[1], sizeof *row, "%" PRId64, td_results_row_trial(results, of));
        for (int i = 0; i < c->count; i++) td_column_text(results, c->column[i], c->values[i][of], row[before + i]);
        bool known = reason[of] >= 0 && reason[of] < TD_CELL_REASON_COUNT;
        if (state[of] == TD_CELL_PENDING) strcpy(row[width - 1], "pending");
        if (state[of] == TD_CELL_FAILED)
            snprintf(row[width - 1], sizeof *row, "%s", known ? td_cell_reason_name((td_cell_reason)reason[of]) : "failed");
        for (int i = 0; i < width; i++)
            cells[(size_t)r * (size_t)width + (size_t)i] = i < 2 || i >= before ? row[i] : td_market_text(results, heads[i], of);
    }
    print_header(out, results, o);
    td_cli_table(out, width, heads, numeric, rows, cells);
    free(texts), free(cells);
    return TD_OK;
}

/* ---- CSV and JSON ---- */

/* A field behind a comma, in quotes where it has to be. */
void td_print_csv_text(FILE *out, const char *text) {
    if (!text[strcspn(text, ",\"")]) {
        fprintf(out, ",%s", text);
        return;
    }
    fputs(",\"", out);
    for (; *text; text++) fprintf(out, *text == '"' ? "\"\"" : "%c", *text);
    fputc('"', out);
}

json_t *td_column_json(const td_results *results, int column, double value) {
    char text[48];
    bool word = column < td_results_axis_count(results) && td_results_axis_form(results, column) == TD_VALUE_WORD;
    return word ? json_string(td_results_axis_text(results, column, value, text)) : td_json_number(value, column_is_whole(results, column));
}

void td_print_csv_value(FILE *out, const td_results *results, int column, double value) {
    char text[48];
    if (isnan(value)) fputc(',', out);
    else if (column < td_results_axis_count(results) && td_results_axis_form(results, column) == TD_VALUE_WORD)
        td_print_csv_text(out, td_results_axis_text(results, column, value, text));
    else fprintf(out, ",%.17g", value);
}

static json_t *json_row(td_results *results, int64_t row, const columns *c, const json_t *constants, td_error *error) {
    int axes = td_results_axis_count(results);
    const int32_t *state = td_results_state(results, error), *reason = td_results_reason(results, error);
    const uint64_t *hash = td_results_hash(results, error);
    if (!state || !reason || !hash) return NULL;
    char text[20];
    snprintf(text, sizeof text, "%016" PRIx64, hash[row]);
    json_t *object = json_object(), *parameters = json_object(), *metrics = json_object();
    json_object_set_new(object, "trial", json_integer(td_results_row_trial(results, row)));
    td_json_market(object, results, row);
    json_object_set_new(object, "hash", json_string(text));
    if (state[row] != TD_CELL_DONE)
        json_object_set_new(object, "state", json_string(state[row] == TD_CELL_FAILED ? "failed" : "pending"));
    if (state[row] == TD_CELL_FAILED && reason[row] > 0 && reason[row] < TD_CELL_REASON_COUNT)
        json_object_set_new(object, "reason", json_string(td_cell_reason_name((td_cell_reason)reason[row])));
    for (int i = 0; i < c->count; i++) {
        json_t *number = td_column_json(results, c->column[i], c->values[i][row]);
        json_object_set_new(c->column[i] < axes ? parameters : metrics, td_column_name(results, c->column[i]), number);
    }
    json_object_update_missing(parameters, (json_t *)constants);
    json_object_set_new(object, "parameters", parameters);
    json_object_set_new(object, "metrics", metrics);
    return object;
}

/* What the sweep held fixed: it belongs to a set as well. */
json_t *td_constants_of(const td_results *results) {
    const char *fixed = td_results_attribute(results, "constants");
    json_t *constants = fixed ? json_loads(fixed, 0, NULL) : NULL;
    if (json_is_object(constants)) return constants;
    json_decref(constants);
    return json_object();
}

/* ---- the three ways to print ---- */

td_status td_check_table_rows(int64_t rows, td_error *error) {
    if (rows <= 1000000) return TD_OK;
    return td_fail(error, TD_BAD_ARG, "a table of %" PRId64 " rows is for nobody's eyes; --csv prints them all", rows);
}

td_status td_show_table(FILE *out, td_results *results, const td_show_def *def, td_error *error) {
    if (def->over) return td_over_table(out, results, def, error);
    td_show_order o;
    columns c;
    TD_TRY(make_order(results, def, &o, error));
    td_status status = choose_columns(results, def, o.by, false, &c, error);
    if (status == TD_OK) status = td_check_table_rows(o.shown, error);
    if (status == TD_OK) status = print_table(out, results, &o, &c, error);
    free(o.rows);
    return status;
}

td_status td_show_csv(FILE *out, td_results *results, const td_show_def *def, td_error *error) {
    if (def->over) return td_over_csv(out, results, def, error);
    static const char *const states[] = {"pending", "done", "failed"};
    td_show_order o;
    columns c;
    TD_TRY(make_order(results, def, &o, error));
    td_status status = choose_columns(results, def, o.by, true, &c, error);
    const char *heads[2];
    int markets = td_market_heads(results, true, true, heads);
    const int32_t *state = td_results_state(results, error);
    const uint64_t *hash = status == TD_OK ? td_results_hash(results, error) : NULL;
    if (status == TD_OK && (!state || !hash)) status = TD_BAD_DATA;
    if (status == TD_OK) {
        fputs("trial", out);
        for (int i = 0; i < markets; i++) fprintf(out, ",%s", heads[i]);
        fputs(",state,hash", out);
        for (int i = 0; i < c.count; i++) fprintf(out, ",%s", td_column_name(results, c.column[i]));
        fputc('\n', out);
    }
    for (int64_t r = 0; status == TD_OK && r < o.shown; r++) {
        int64_t row = o.rows[r];
        fprintf(out, "%" PRId64, td_results_row_trial(results, row));
        for (int i = 0; i < markets; i++) td_print_csv_text(out, td_market_text(results, heads[i], row));
        fprintf(out, ",%s,%016" PRIx64, states[state[row]], hash[row]);
        for (int i = 0; i < c.count; i++) td_print_csv_value(out, results, c.column[i], c.values[i][row]);
        fputc('\n', out);
    }
    free(o.rows);
    return status;
}

td_status td_show_json(td_results *results, const td_show_def *def, json_t **list, td_error *error) {
    if (def->over) return td_over_json(results, def, list, error);
    td_show_order o;
    columns c;
    td_show_def everything = *def;
    everything.columns = NULL;
    *list = NULL;
    TD_TRY(make_order(results, def, &o, error));
    td_status status = choose_columns(results, &everything, o.by, true, &c, error);
    json_t *constants = td_constants_of(results);
    json_t *array = json_array();
    for (int64_t r = 0; status == TD_OK && r < o.shown; r++) {
        json_t *object = json_row(results, o.rows[r], &c, constants, error);
        if (!object) status = TD_BAD_DATA;
        else json_array_append_new(array, object);
    }
    json_decref(constants);
    free(o.rows);
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
