/* See pick.h. */
#include "data/pick.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/sorted.h"
#include "data/calendar.h"

enum { PRICES = 4, COLUMNS = 5 };

/* The columns of a tape of one symbol, in the order open, high, low, close, volume. */
static void columns_of(const td_tape *tape, const double *columns[COLUMNS]) {
    const double *fields[COLUMNS] = {tape->open, tape->high, tape->low, tape->close, tape->volume};
    memcpy(columns, fields, sizeof fields);
}

static void set_columns(td_tape *tape, const double *const columns[COLUMNS]) {
    tape->open = columns[0];
    tape->high = columns[1];
    tape->low = columns[2];
    tape->close = columns[3];
    tape->volume = columns[4];
}

td_status td_pick_check_interval(const td_tape *tape, const char *interval, td_error *error) {
    int64_t wanted = td_interval_ns(interval);
    size_t length = strlen(interval);
    if (!wanted || length >= sizeof tape->interval)
        return td_fail(error, TD_BAD_ARG, "the interval \"%.40s\" is none; expected a number and s, m, h, d or w, as in 15m, 4h, 1d",
                       interval);
    if (wanted == tape->interval_ns) return TD_OK;
    bool months = interval[length - 1] == 'M' || interval[length - 1] == 'o';
    bool of_months = tape->interval[0] && strchr("Mo", tape->interval[strlen(tape->interval) - 1]);
    if (months || of_months)
        return td_fail(error, TD_BAD_ARG, "bars of %s cannot be made of bars of %s: months differ in length", interval,
                       tape->interval);
    if (wanted < tape->interval_ns || wanted % tape->interval_ns)
        return td_fail(error, TD_BAD_ARG, "the interval %s is not a multiple of the tape's, %s", interval, tape->interval);
    return TD_OK;
}

/* Memory for a time and five columns of `room` bars. */
static td_status own_columns(td_pick *pick, int64_t room, int64_t **time, double *columns[COLUMNS], td_error *error) {
    pick->bytes = (size_t)room * 8 * (1 + COLUMNS);
    pick->memory = malloc(pick->bytes);
    if (!pick->memory) return td_fail(error, TD_NO_MEMORY, "no memory for %lld bars of %s", (long long)room, pick->tape.symbol);
    *time = pick->memory;
    for (int c = 0; c < COLUMNS; c++) columns[c] = (double *)pick->memory + (size_t)(1 + c) * (size_t)room;
    return TD_OK;
}

/* The rows [first, end) without those that hold no bar, which are `holes` in number. */
static td_status leave_out(td_pick *pick, const td_tape *rows, int64_t first, int64_t end, int64_t holes, td_error *error) {
    int64_t *time;
    const double *from[COLUMNS];
    double *to[COLUMNS];
    TD_TRY(own_columns(pick, end - first - holes, &time, to, error));
    columns_of(rows, from);
    for (int64_t t = first, made = 0; t < end; t++) {
        if (isnan(rows->close[t])) continue;
        time[made] = rows->time_ns[t];
        for (int c = 0; c < COLUMNS; c++) to[c][made] = from[c] ? from[c][t] : NAN;
        made++;
    }
    pick->tape.time_ns = time;
    set_columns(&pick->tape, (const double *const *)to);
    return TD_OK;
}

/* The rows [first, end) put together to bars of `interval` whose spans lie within [from, to). */
static td_status resample(td_pick *pick, const td_tape *rows, int64_t first, int64_t end, int64_t interval, int64_t from_ns,
                          int64_t to_ns, td_error *error) {
    /* as many bars as spans are begun */
    int64_t count = 0, span = 0;
    for (int64_t t = first; t < end; t++) {
        if (isnan(rows->close[t])) continue;
        int64_t of = td_span_start(rows->time_ns[t], interval);
        count += count == 0 || of != span;
        span = of;
    }
    int64_t *time;
    double *to[COLUMNS];
    const double *from[COLUMNS];
    TD_TRY(own_columns(pick, count, &time, to, error));
    columns_of(rows, from);
    int64_t last = rows->bars - 1, made = -1;
    while (isnan(rows->close[last])) last--;
    int64_t known_until = rows->time_ns[last] + rows->interval_ns;
    if (to_ns < known_until) known_until = to_ns;
    for (int64_t t = first; t < end; t++) {
        if (isnan(rows->close[t])) continue;
        int64_t of = td_span_start(rows->time_ns[t], interval);
        if (of < from_ns || of + interval > known_until) continue;
        double volume = from[4] ? from[4][t] : NAN;
        if (made < 0 || of != span) {
            span = time[++made] = of;
            for (int c = 0; c < PRICES; c++) to[c][made] = from[c][t];
            to[4][made] = volume;
            continue;
        }
        if (from[1][t] > to[1][made]) to[1][made] = from[1][t];
        if (from[2][t] < to[2][made]) to[2][made] = from[2][t];
        to[3][made] = from[3][t];
        to[4][made] += volume;
    }
    pick->tape.bars = made + 1;
    pick->tape.time_ns = time;
    set_columns(&pick->tape, (const double *const *)to);
    return TD_OK;
}

static const char *bound_text(int64_t time_ns, const char *open_end, char *buffer) {
    return time_ns == INT64_MIN || time_ns == INT64_MAX ? open_end : td_time_text(time_ns, buffer);
}

static td_status no_bar(const td_tape *rows, const char *interval, int64_t from_ns, int64_t to_ns, td_error *error) {
    char from[32], to[32], begins[32], ends[32];
    int64_t first = 0, last = rows->bars - 1;
    while (first < last && isnan(rows->close[first])) first++;
    while (last > first && isnan(rows->close[last])) last--;
    bool whole = strcmp(interval, rows->interval) != 0;
    return td_fail(error, TD_BAD_DATA, "the period from %s to %s holds no %s of %s, whose bars open from %s to %s",
                   bound_text(from_ns, "the beginning", from), bound_text(to_ns, "the end", to), whole ? "whole bar" : "bar",
                   rows->symbol, td_time_text(rows->time_ns[first], begins), td_time_text(rows->time_ns[last], ends));
}

td_status td_pick_open(const td_tape *tape, int64_t symbol, const char *interval, int64_t from_ns, int64_t to_ns, td_pick *pick,
                       td_error *error) {
    td_tape rows = td_tape_rows(tape, symbol);
    *pick = (td_pick){.tape = rows, .from = tape, .symbol = symbol};
    if (!interval) interval = tape->interval;
    int64_t interval_ns = tape->interval_ns;
    if (strcmp(interval, tape->interval) != 0) {
        TD_TRY(td_pick_check_interval(tape, interval, error));
        interval_ns = td_interval_ns(interval);
    }
    int64_t first = from_ns == INT64_MIN ? 0 : td_first_from(tape->time_ns, tape->bars, from_ns);
    int64_t end = to_ns == INT64_MAX ? tape->bars : td_first_from(tape->time_ns, tape->bars, to_ns), holes = 0;
    while (first < end && isnan(rows.close[first])) first++;
    while (end > first && isnan(rows.close[end - 1])) end--;
    if (first >= end) return no_bar(&rows, interval, from_ns, to_ns, error);
    for (int64_t t = first; t < end; t++) holes += isnan(rows.close[t]) != 0;

    td_status status = TD_OK;
    pick->tape.bars = end - first - holes;
    if (interval_ns != tape->interval_ns) {
        snprintf(pick->tape.interval, sizeof pick->tape.interval, "%s", interval);
        pick->tape.interval_ns = interval_ns;
        status = resample(pick, &rows, first, end, interval_ns, from_ns, to_ns, error);
        if (status == TD_OK && pick->tape.bars == 0) status = no_bar(&rows, interval, from_ns, to_ns, error);
    } else if (holes) {
        status = leave_out(pick, &rows, first, end, holes, error);
    } else {
        const double *columns[COLUMNS];
        columns_of(&rows, columns);
        for (int c = 0; c < COLUMNS; c++)
            if (columns[c]) columns[c] += first;
        set_columns(&pick->tape, columns);
        pick->tape.time_ns = rows.time_ns + first;
    }
    if (status != TD_OK) td_pick_close(pick);
    return status;
}

td_status td_pick_check_finer(const td_tape *tape, const char *interval, const char *finer, td_error *error) {
    TD_TRY(td_pick_check_interval(tape, finer, error));
    int64_t length = td_interval_ns(interval), part = td_interval_ns(finer);
    if (part >= length)
        return td_fail(error, TD_BAD_ARG, "bars of %s are not finer than those of %s", finer, interval);
    if (length % part || td_span_start(td_span_start(0, length), part) != td_span_start(0, length))
        return td_fail(error, TD_BAD_ARG, "bars of %s do not lie in those of %s: some would reach from one into the next", finer, interval);
    return TD_OK;
}

/* A walk goes from the open to the extremes and to the close: they must be what they say. */
static td_status check_finer(const td_tape *finer, td_error *error) {
    char when[32];
    for (int64_t t = 0; t < finer->bars; t++) {
        double low = finer->low[t], high = finer->high[t];
        bool open = finer->open[t] >= low && finer->open[t] <= high, close = finer->close[t] >= low && finer->close[t] <= high;
        if (!open || !close)
            return td_fail(error, TD_BAD_DATA, "the bar of %s at %s has its %s %.10g outside its range, %.10g to %.10g", finer->symbol,
                           td_time_text(finer->time_ns[t], when), open ? "close" : "open", open ? finer->close[t] : finer->open[t], low,
                           high);
    }
    return TD_OK;
}

td_status td_pick_refine(td_pick *pick, const char *finer, td_error *error) {
    const td_tape *tape = &pick->tape;
    TD_TRY(td_pick_check_finer(pick->from, tape->interval, finer, error));
    td_pick *inner = calloc(1, sizeof *inner);
    if (!inner) return td_fail(error, TD_NO_MEMORY, "no memory for bars of %s", finer);
    td_status status = td_pick_open(pick->from, pick->symbol, finer, tape->time_ns[0], tape->time_ns[tape->bars - 1] + tape->interval_ns,
                                    inner, error);
    if (status == TD_OK) status = check_finer(&inner->tape, error);
    if (status != TD_OK) {
        td_pick_close(inner);
        free(inner);
        return status;
    }
    pick->finer = inner;
    pick->tape.finer = &inner->tape;
    pick->bytes += inner->bytes;
    return TD_OK;
}

void td_pick_close(td_pick *pick) {
    if (pick->finer) td_pick_close(pick->finer);
    free(pick->finer);
    free(pick->memory);
    if (pick->from) td_tape_let_go(pick->from, pick->symbol);
    *pick = (td_pick){0};
}
