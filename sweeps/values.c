/* See values.h. */
#include "sweeps/values.h"

#include <stdio.h>
#include <string.h>

#include "sim/book_models.h"
#include "sweeps/scalars.h"

/* Words that are the numbers 0, 1, ... of an enum. */
typedef struct word_list {
    const char *unit, *expected;
    int count;
    const char *(*name)(int index);
} word_list;

static const char *exchange_word(int index) { return td_exchange_name((td_exchange_kind)index); }
static const char *latency_word(int index) { return td_latency_name((td_latency_kind)index); }
static const word_list lists[] = {
    {"exchange model", "one of no_partial_fill, partial_fill", TD_EXCHANGE_KIND_COUNT, exchange_word},
    {"latency model", "one of constant, feed, rows", TD_LATENCY_KIND_COUNT, latency_word},
};
static const char queue_unit[] = "queue model";

static const word_list *list_of(const char *unit) {
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
        if (!strcmp(lists[i].unit, unit)) return &lists[i];
    return NULL;
}

td_value_form td_value_form_of(const char *unit) {
    if (!unit) return TD_VALUE_NUMBER;
    if (!strcmp(unit, "ns")) return TD_VALUE_DURATION;
    return !strcmp(unit, queue_unit) || list_of(unit) ? TD_VALUE_WORD : TD_VALUE_NUMBER;
}

const char *td_value_expected(const char *unit) {
    switch (td_value_form_of(unit)) {
    case TD_VALUE_NUMBER: return "a number";
    case TD_VALUE_DURATION: return "a duration such as 50ms or 1.5us";
    case TD_VALUE_WORD: return list_of(unit) ? list_of(unit)->expected : "a queue model such as risk_adverse, power(2) or l3_fifo";
    }
    return "";
}

td_status td_value_read(const char *unit, const char *text, double *value, td_error *error) {
    td_value_form form = td_value_form_of(unit);
    if (form == TD_VALUE_NUMBER && td_read_number(text, value)) return TD_OK;
    if (form == TD_VALUE_DURATION && td_read_nanoseconds(text, value)) return TD_OK;
    if (form == TD_VALUE_WORD && !list_of(unit)) return td_queue_parse(text, value, error);
    const word_list *list = form == TD_VALUE_WORD ? list_of(unit) : NULL;
    for (int i = 0; list && i < list->count; i++)
        if (!strcmp(list->name(i), text)) {
            *value = i;
            return TD_OK;
        }
    return td_fail(error, TD_BAD_ARG, "must be %s, found '%.40s'", td_value_expected(unit), text);
}

const char *td_value_text(const char *unit, double value, char *text) {
    const word_list *list;
    switch (td_value_form_of(unit)) {
    case TD_VALUE_NUMBER: return td_write_number(value, text);
    case TD_VALUE_DURATION: return td_write_nanoseconds(value, text);
    case TD_VALUE_WORD: break;
    }
    list = list_of(unit);
    if (!list) return td_queue_name(value, text);
    if (!(value >= 0 && value < list->count)) return td_write_number(value, text);
    snprintf(text, 48, "%s", list->name((int)value));
    return text;
}
