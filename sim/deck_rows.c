/* The rows of a deck: which there are, what they are computed from, whether a set's numbers suit them; see deck.h. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/calendar.h"
#include "sim/rows.h"

static const char *const column_names[TD_COLUMN_COUNT] = {"open", "high", "low", "close", "volume", "day"};

/* Column day, made when the first row wants it. */
static const double *days_of(td_deck *deck) {
    if (deck->days) return deck->days;
    deck->days = malloc((size_t)deck->view.bars * sizeof *deck->days);
    for (int64_t t = 0; deck->days && t < deck->view.bars; t++) deck->days[t] = (double)td_day_of(deck->time_ns[t]);
    return deck->days;
}

static td_status fail_row(const td_deck *deck, int row, td_error *error, const char *text) {
    const char *name = deck->rows[row].name;
    if (row >= deck->def.strategy->row_count) return td_fail(error, TD_BAD_ARG, "row %s: %s", name, text);
    return td_fail(error, TD_BAD_ARG, "strategy %s: row %s: %s", deck->def.strategy->name, name, text);
}

/* One bar of the higher interval from the deck's bars [first, end), into place h of the columns. */
static void fold_bars(const td_deck *deck, int64_t first, int64_t end, double *const *columns, int64_t h) {
    const double *const *from = deck->columns;
    double high = from[TD_COLUMN_high][first], low = from[TD_COLUMN_low][first], volume = NAN;
    for (int64_t t = first; t < end; t++) {
        if (from[TD_COLUMN_high][t] > high) high = from[TD_COLUMN_high][t];
        if (from[TD_COLUMN_low][t] < low) low = from[TD_COLUMN_low][t];
        double more = from[TD_COLUMN_volume] ? from[TD_COLUMN_volume][t] : NAN;
        if (more == more) volume = volume == volume ? volume + more : more;
    }
    columns[TD_COLUMN_open][h] = from[TD_COLUMN_open][first];
    columns[TD_COLUMN_high][h] = high;
    columns[TD_COLUMN_low][h] = low;
    columns[TD_COLUMN_close][h] = from[TD_COLUMN_close][end - 1];
    columns[TD_COLUMN_volume][h] = volume;
    columns[TD_COLUMN_day][h] = (double)td_day_of(deck->time_ns[first]);
}

/* The deck's bars as bars of a longer interval. A bar is complete at the close of the deck bar that ends with its interval or
 * after it: where that one is missing, of the next there is, which is not part of it. */
static td_higher *make_higher(const td_deck *deck, int64_t length_ns) {
    int64_t bars = deck->view.bars, most = 0;
    const int64_t *time = deck->time_ns;
    for (int64_t t = 0; t < bars; t++) most += t == 0 || td_span_of(time[t], length_ns) != td_span_of(time[t - 1], length_ns);
    td_higher *higher = calloc(1, sizeof *higher);
    double *memory = malloc((size_t)most * (TD_COLUMN_COUNT * sizeof(double) + sizeof(int64_t)));
    if (!higher || !memory) {
        free(higher);
        free(memory);
        return NULL;
    }
    double *columns[TD_COLUMN_COUNT];
    int64_t *known = (int64_t *)(memory + TD_COLUMN_COUNT * most);
    for (int c = 0; c < TD_COLUMN_COUNT; c++) columns[c] = memory + c * most;
    int64_t count = 0;
    for (int64_t first = 0, end; first < bars; first = end) {
        int64_t interval = td_span_of(time[first], length_ns);
        for (end = first + 1; end < bars && td_span_of(time[end], length_ns) == interval;) end++;
        bool ends = td_span_of(time[end - 1] + deck->interval_ns, length_ns) > interval;
        if (!ends && end == bars) break; /* not complete before the deck is through */
        fold_bars(deck, first, end, columns, count);
        known[count++] = ends ? end - 1 : end;
    }
    *higher = (td_higher){.interval_ns = length_ns, .bars = count, .known = known, .memory = memory};
    for (int c = 0; c < TD_COLUMN_COUNT; c++) higher->columns[c] = c == TD_COLUMN_volume && !deck->columns[c] ? NULL : columns[c];
    return higher;
}

/* The bars a row that is being added is computed on, where they are not the deck's. */
static td_status find_higher(td_deck *deck, int row, const td_higher **found, td_error *error) {
    const char *interval = deck->rows[row].interval;
    char text[160];
    if (!interval) return TD_OK;
    int64_t length = td_interval_ns(interval);
    if (length <= 0 || strstr(interval, "mo") || strchr(interval, 'M')) {
        snprintf(text, sizeof text, "'%.32s' is no interval that bars can be made of; 15m, 1h, 1d, 1w are", interval);
        return fail_row(deck, row, error, text);
    }
    if (deck->interval_ns <= 0 || length % deck->interval_ns != 0) {
        snprintf(text, sizeof text, "bars of %.32s cannot be made of the tape's, which are %.15g minutes long", interval,
                 (double)deck->interval_ns / 60 / TD_NS_PER_SECOND);
        return fail_row(deck, row, error, text);
    }
    int i = 0;
    while (i < deck->higher_count && deck->highers[i]->interval_ns != length) i++;
    if (i == deck->higher_count) {
        td_higher *made = make_higher(deck, length);
        if (!made) return td_fail(error, TD_NO_MEMORY, "no memory for the bars of %s", interval);
        deck->highers[deck->higher_count++] = made;
    }
    *found = deck->highers[i];
    return TD_OK;
}

/* The columns of a row that is being added. */
static td_status find_columns(td_deck *deck, int row, td_row_group *group, td_error *error) {
    TD_TRY(find_higher(deck, row, &group->higher, error));
    char text[160];
    for (int i = 0; i < group->kind->column_count; i++) {
        const char *name = group->kind->columns[i];
        int c = deck->rows[row].column;
        if (strcmp(name, "x") != 0)
            for (c = 0; strcmp(column_names[c], name) != 0;) c++;
        if (group->higher)
            group->columns[i] = group->higher->columns[c];
        else if (c == TD_COLUMN_day) {
            group->columns[i] = days_of(deck);
            if (!group->columns[i]) return td_fail(error, TD_NO_MEMORY, "no memory for the days of the bars");
        } else
            group->columns[i] = deck->columns[c];
        if (!group->columns[i]) {
            snprintf(text, sizeof text, "the tape has no column %s", column_names[c]);
            return fail_row(deck, row, error, text);
        }
    }
    group->bars = group->higher ? group->higher->bars : deck->view.bars;
    return TD_OK;
}

static bool same_arguments(const td_row_info *a, const td_row_info *b) {
    for (int i = 0; i < TD_ROW_ARGUMENTS_MAX; i++) {
        const td_row_argument *x = &a->arguments[i], *y = &b->arguments[i];
        if (x->from != y->from || x->index != y->index || x->value != y->value) return false;
    }
    return true;
}

/* What is wrong with one number of a row; false when nothing is. */
static bool wrong_number(const td_deck *deck, int row, int i, double value, char *text, size_t size) {
    const td_row_group *group = &deck->groups[deck->row_group[row]];
    const td_row_argument_info *info = &group->kind->arguments[i];
    const td_row_argument *argument = &deck->rows[row].arguments[i];
    char what[96];
    if (argument->from == TD_FROM_PARAM)
        snprintf(what, sizeof what, "parameter %s is %g", deck->def.strategy->params[argument->index].name, value);
    else if (argument->from == TD_FROM_KNOB)
        snprintf(what, sizeof what, "%s is %g", td_knob_infos[argument->index].path, value);
    else
        snprintf(what, sizeof what, "%s is %g", info->name, value);
    if (!(value >= info->minimum))
        snprintf(text, size, "%s, must be at least %g", what, info->minimum);
    else if (info->whole && value != floor(value))
        snprintf(text, size, "%s, must be a whole number of bars", what);
    else if (info->whole && value > (double)group->bars)
        snprintf(text, size, "%s bars, longer than the tape of %lld bars%s%s", what, (long long)group->bars,
                 group->higher ? " of " : "", group->higher ? deck->rows[row].interval : "");
    else if (!(value <= info->maximum))
        snprintf(text, size, "%s, must be at most %g", what, info->maximum);
    else
        return false;
    return true;
}

td_status td_deck_add_row(td_deck *deck, const td_row_info *info, int *row, td_error *error) {
    char text[256];
    int r = deck->row_count;
    if (r == TD_ROWS_MAX)
        return td_fail(error, TD_BAD_ARG, "strategy %s: row %s: no more than %d rows can be played, the engine's own included",
                       deck->def.strategy->name, info->name, TD_ROWS_MAX);
    deck->rows[r] = *info;
    td_row_group group = {.kind = td_row_kind_find(info->kind)};
    if (!group.kind) return fail_row(deck, r, error, "unknown kind of row");
    TD_TRY(find_columns(deck, r, &group, error));

    int g = 0;
    while (g < deck->group_count && (deck->groups[g].kind != group.kind || deck->groups[g].higher != group.higher ||
                                     memcmp(deck->groups[g].columns, group.columns, sizeof group.columns) != 0))
        g++;
    if (g == deck->group_count) deck->groups[deck->group_count++] = group;
    int first = 0;
    while (first < r && !(deck->row_group[first] == g && same_arguments(&deck->rows[first], info))) first++;
    deck->groups[g].tuples += first == r;
    deck->row_group[r] = g;

    for (int i = 0; i < group.kind->argument_count; i++)
        if (info->arguments[i].from == TD_FROM_CONSTANT && wrong_number(deck, r, i, info->arguments[i].value, text, sizeof text))
            return fail_row(deck, r, error, text);
    deck->row_count++;
    *row = r;
    return TD_OK;
}

void td_deck_free_rows(td_deck *deck) {
    for (int i = 0; i < deck->higher_count; i++) {
        free(deck->highers[i]->memory);
        free(deck->highers[i]);
    }
    free(deck->days);
}

td_row_tuple td_deck_tuple(const td_deck *deck, const td_set *set, int row) {
    td_row_tuple tuple = {{0}};
    for (int i = 0; i < deck->groups[deck->row_group[row]].kind->argument_count; i++) {
        const td_row_argument *argument = &deck->rows[row].arguments[i];
        tuple.argument[i] = argument->from == TD_FROM_PARAM  ? set->param[argument->index]
                            : argument->from == TD_FROM_KNOB ? set->knob[argument->index]
                                                             : argument->value;
    }
    return tuple;
}

td_status td_deck_check_rows(const td_deck *deck, const td_set *set, td_error *error) {
    char text[256];
    for (int r = 0; r < deck->row_count; r++) {
        const td_row_kind *kind = deck->groups[deck->row_group[r]].kind;
        td_row_tuple tuple = td_deck_tuple(deck, set, r);
        for (int i = 0; i < kind->argument_count; i++)
            if (wrong_number(deck, r, i, tuple.argument[i], text, sizeof text)) return fail_row(deck, r, error, text);
        if (kind->need->met && !kind->need->met(&tuple)) {
            int length = snprintf(text, sizeof text, "%s, but", kind->need->text);
            for (int i = 0; i < kind->argument_count && length < (int)sizeof text; i++)
                length += snprintf(text + length, sizeof text - (size_t)length, "%s %s is %g", i ? "," : "", kind->arguments[i].name,
                                   tuple.argument[i]);
            return fail_row(deck, r, error, text);
        }
    }
    return TD_OK;
}

int64_t td_deck_warmup(const td_deck *deck, const td_set *set) {
    int64_t warmup = 0;
    for (int r = 0; r < deck->def.strategy->row_count; r++) {
        const td_row_group *group = &deck->groups[deck->row_group[r]];
        td_row_tuple tuple = td_deck_tuple(deck, set, r);
        int64_t bar = group->kind->warmup(&tuple);
        if (group->higher) bar = bar < group->bars ? group->higher->known[bar] : deck->view.bars;
        if (bar > warmup) warmup = bar;
    }
    return warmup;
}
