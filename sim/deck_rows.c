/* The rows of a deck: which there are, what they are computed from, whether a set's numbers suit them; see deck.h. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/rows.h"

static const char *const column_names[TD_COLUMN_COUNT] = {"open", "high", "low", "close", "volume", "day"};

static int64_t floor_divide(int64_t a, int64_t b) { return a / b - (a % b < 0); }

/* Column day, made when the first row wants it. */
static const double *days_of(td_deck *deck) {
    if (deck->days) return deck->days;
    deck->days = malloc((size_t)deck->view.bars * sizeof *deck->days);
    for (int64_t t = 0; deck->days && t < deck->view.bars; t++) deck->days[t] = (double)floor_divide(deck->time_ns[t], TD_NS_PER_DAY);
    return deck->days;
}

static td_status fail_row(const td_deck *deck, int row, td_error *error, const char *text) {
    const char *name = deck->rows[row].name;
    if (row >= deck->def.strategy->row_count) return td_fail(error, TD_BAD_ARG, "row %s: %s", name, text);
    return td_fail(error, TD_BAD_ARG, "strategy %s: row %s: %s", deck->def.strategy->name, name, text);
}

/* The columns of a row that is being added. */
static td_status find_columns(td_deck *deck, int row, td_row_group *group, td_error *error) {
    char text[160];
    for (int i = 0; i < group->kind->column_count; i++) {
        const char *name = group->kind->columns[i];
        int c = deck->rows[row].column;
        if (strcmp(name, "x") != 0)
            for (c = 0; strcmp(column_names[c], name) != 0;) c++;
        if (c == TD_COLUMN_day && !days_of(deck)) return td_fail(error, TD_NO_MEMORY, "no memory for the days of the bars");
        group->columns[i] = c == TD_COLUMN_day ? deck->days : deck->columns[c];
        if (!group->columns[i]) {
            snprintf(text, sizeof text, "the tape has no column %s", column_names[c]);
            return fail_row(deck, row, error, text);
        }
    }
    group->bars = deck->view.bars;
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

void td_deck_free_rows(td_deck *deck) { free(deck->days); }

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
