/* What the prices of a chunk range over between any two of its bars, made once per chunk and asked for every stretch of every set:
 * what lets the skip engine pass over bars.
 *
 * Bars of a chunk stand in groups of eight. The range of a stretch is that of the rest of its first group, of its last group up to
 * its last bar, and of the whole groups between, which two overlapping runs of 2^k groups cover (the sparse table of Bender and
 * Farach-Colton, The LCA problem revisited, LATIN 2000). Four loads, whatever the length. */
#ifndef TAPEDECK_SIM_RANGES_H
#define TAPEDECK_SIM_RANGES_H

#include "sim/kernel.h"

enum {
    TD_GROUP_BARS = 8,
    TD_RANGES_BARS = 1024, /* of a chunk, at most */
    TD_RANGES_GROUPS = TD_RANGES_BARS / TD_GROUP_BARS,
    TD_RANGES_LEVELS = 7,  /* runs of 1, 2, 4 ... 64 groups */
};

/* Minima, so that one instruction narrows all four: of the lows, the negated highs, the closes and the negated closes. */
typedef struct td_range {
    _Alignas(32) double low; /* none lies across two cache lines */
    double minus_high, close, minus_close;
} td_range;

typedef struct td_ranges {
    td_range rest[TD_RANGES_BARS];    /* from a bar to the end of its group */
    td_range so_far[TD_RANGES_BARS];  /* from the start of a bar's group to the bar */
    td_range runs[TD_RANGES_LEVELS][TD_RANGES_GROUPS]; /* of 2^level groups from a group on */
    /* by bar and by group, for searching; read in whole vectors, what is beyond the chunk touches nothing */
    double low[TD_RANGES_BARS + 16], high[TD_RANGES_BARS + 16];
    double least_low[TD_RANGES_GROUPS + 8], greatest_high[TD_RANGES_GROUPS + 8];
} td_ranges;

/* The ranges of bars [begin, end) of a deck. */
void td_ranges_make(td_ranges *ranges, const td_kernel_deck *view, int64_t begin, int64_t end);

TD_INLINE td_range td_range_of_bar(const td_kernel_deck *view, int64_t t) {
    return (td_range){view->low[t], -view->high[t], view->close[t], -view->close[t]};
}

TD_INLINE void td_range_widen(td_range *range, const td_range *by) {
    range->low = by->low < range->low ? by->low : range->low;
    range->minus_high = by->minus_high < range->minus_high ? by->minus_high : range->minus_high;
    range->close = by->close < range->close ? by->close : range->close;
    range->minus_close = by->minus_close < range->minus_close ? by->minus_close : range->minus_close;
}

/* The range of bars [from, to) of the chunk that begins at bar `begin`; from < to. */
TD_INLINE td_range td_range_between(const td_ranges *ranges, const td_kernel_deck *view, int64_t begin, int64_t from, int64_t to) {
    int64_t first = (from - begin) / TD_GROUP_BARS, last = (to - 1 - begin) / TD_GROUP_BARS, between = last - first - 1;
    if (td_unlikely(between < 0)) {
        td_range range = td_range_of_bar(view, from);
        for (int64_t t = from + 1; t < to; t++) {
            td_range bar = td_range_of_bar(view, t);
            td_range_widen(&range, &bar);
        }
        return range;
    }
    td_range range = ranges->rest[from - begin];
    td_range_widen(&range, &ranges->so_far[to - 1 - begin]);
    if (between > 0) {
        int level = 63 - __builtin_clzll((uint64_t)between);
        td_range_widen(&range, &ranges->runs[level][first + 1]);
        td_range_widen(&range, &ranges->runs[level][last - ((int64_t)1 << level)]);
    }
    return range;
}

#endif
