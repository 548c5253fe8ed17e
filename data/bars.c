/* See bars.h. */
#include "data/bars.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static const struct {
    const char *name, *units;
} columns[TD_BAR_COLUMNS] = {
    {"open", "quote_currency"},
    {"high", "quote_currency"},
    {"low", "quote_currency"},
    {"close", "quote_currency"},
    {"volume", "base_currency"},
    {"quote_volume", "quote_currency"},
    {"trades", "1"},
    {"taker_buy_volume", "base_currency"},
    {"taker_buy_quote_volume", "quote_currency"},
};

const char *td_bar_column_name(td_bar_column column) { return columns[column].name; }
const char *td_bar_column_units(td_bar_column column) { return columns[column].units; }

void td_bars_init(td_bars *bars, bool extras) {
    *bars = (td_bars){.column_count = extras ? TD_BAR_COLUMNS : TD_BAR_PLAIN};
}

void td_bars_free(td_bars *bars) {
    free(bars->time_ns);
    for (int i = 0; i < TD_BAR_COLUMNS; i++) free(bars->column[i]);
    td_bars_init(bars, bars->column_count == TD_BAR_COLUMNS);
}

/* Large columns are worth large pages: a quarter of the time of filling them is page faults otherwise. */
static void use_large_pages(void *column, size_t bytes) {
    const uintptr_t page = 4096, start = ((uintptr_t)column + page - 1) / page * page,
                    end = ((uintptr_t)column + bytes) / page * page;
    if (bytes >= 1 << 22) madvise((void *)start, end - start, MADV_HUGEPAGE);
}

td_status td_bars_reserve(td_bars *bars, int64_t room, td_error *error) {
    if (room <= bars->room) return TD_OK;
    if (room > PTRDIFF_MAX / (int64_t)sizeof(double))
        return td_fail(error, TD_NO_MEMORY, "no memory for %lld bars", (long long)room);
    size_t bytes = (size_t)room * sizeof(double);
    int64_t *time = realloc(bars->time_ns, bytes);
    if (time) bars->time_ns = time;
    bool done = time != NULL;
    if (done) use_large_pages(time, bytes);
    for (int i = 0; done && i < bars->column_count; i++) {
        double *column = realloc(bars->column[i], bytes);
        done = column != NULL;
        if (done) bars->column[i] = column;
        if (done) use_large_pages(column, bytes);
    }
    if (!done) return td_fail(error, TD_NO_MEMORY, "no memory for %lld bars", (long long)room);
    bars->room = room;
    return TD_OK;
}

td_status td_bars_append(td_bars *bars, const td_bars *from, int64_t first, int64_t count, td_error *error) {
    if (bars->count + count > bars->room) {
        int64_t grown = bars->room + bars->room / 2;
        TD_TRY(td_bars_reserve(bars, bars->count + count > grown ? bars->count + count : grown, error));
    }
    if (count == 0) return TD_OK;
    memcpy(bars->time_ns + bars->count, from->time_ns + first, (size_t)count * sizeof(int64_t));
    for (int i = 0; i < bars->column_count; i++) {
        double *to = bars->column[i] + bars->count;
        if (from->column[i])
            memcpy(to, from->column[i] + first, (size_t)count * sizeof(double));
        else
            for (int64_t t = 0; t < count; t++) to[t] = NAN;
    }
    bars->count += count;
    return TD_OK;
}

td_tape td_bars_tape(const td_bars *bars, const char *symbol, const char *interval) {
    td_tape tape = {
        .bars = bars->count,
        .symbols = 1,
        .interval_ns = td_interval_ns(interval),
        .time_ns = bars->time_ns,
        .open = bars->column[TD_OPEN],
        .high = bars->column[TD_HIGH],
        .low = bars->column[TD_LOW],
        .close = bars->column[TD_CLOSE],
        .volume = bars->column[TD_VOLUME],
    };
    snprintf(tape.symbol, sizeof tape.symbol, "%s", symbol);
    snprintf(tape.interval, sizeof tape.interval, "%s", interval);
    return tape;
}

int td_bars_extras(const td_bars *bars, td_tape_extra extras[TD_TAPE_EXTRAS_MAX]) {
    int count = 0;
    for (int i = TD_BAR_PLAIN; i < bars->column_count; i++)
        extras[count++] = (td_tape_extra){columns[i].name, columns[i].units, bars->column[i]};
    return count;
}
