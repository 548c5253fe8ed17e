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

enum { LARGE_PAGE = 1 << 21 };

/* A block of at least `bytes` that begins with the `used` bytes of `old`, which is freed; NULL leaves `old` as it is. Large columns
 * get large pages: filling them is a third page faults otherwise. */
static void *grown(void *old, size_t used, size_t bytes) {
    if (bytes < 2 * LARGE_PAGE) return realloc(old, bytes);
    size_t rounded = (bytes + LARGE_PAGE - 1) / LARGE_PAGE * LARGE_PAGE;
    void *block = aligned_alloc(LARGE_PAGE, rounded);
    if (!block) return NULL;
    madvise(block, rounded, MADV_HUGEPAGE);
    if (used) memcpy(block, old, used);
    free(old);
    return block;
}

td_status td_bars_reserve(td_bars *bars, int64_t room, td_error *error) {
    if (room <= bars->room) return TD_OK;
    bool done = room <= PTRDIFF_MAX / (int64_t)sizeof(double) - LARGE_PAGE;
    size_t used = (size_t)bars->count * sizeof(double), bytes = done ? (size_t)room * sizeof(double) : 0;
    void *block = done ? grown(bars->time_ns, used, bytes) : NULL;
    if (block) bars->time_ns = block;
    for (int i = 0; block && i < bars->column_count; i++) {
        block = grown(bars->column[i], used, bytes);
        if (block) bars->column[i] = block;
    }
    if (!block) return td_fail(error, TD_NO_MEMORY, "no memory for %lld bars", (long long)room);
    bars->room = room;
    return TD_OK;
}

td_status td_bars_append(td_bars *bars, const td_bars *from, int64_t first, int64_t count, td_error *error) {
    if (bars->count + count > bars->room) {
        int64_t needed = bars->count + count, half_more = bars->room + bars->room / 2;
        TD_TRY(td_bars_reserve(bars, needed > half_more ? needed : half_more, error));
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
