/* See ranges.h. */
#include "sim/ranges.h"

#include <string.h>

void td_ranges_make(td_ranges *ranges, const td_kernel_deck *view, int64_t begin, int64_t end) {
    int64_t bars = end - begin, groups = (bars + TD_GROUP_BARS - 1) / TD_GROUP_BARS;
    for (int64_t g = 0; g < groups; g++) {
        int64_t first = g * TD_GROUP_BARS, stop = first + TD_GROUP_BARS < bars ? first + TD_GROUP_BARS : bars;
        ranges->so_far[first] = td_range_of_bar(view, begin + first);
        for (int64_t i = first + 1; i < stop; i++) {
            ranges->so_far[i] = td_range_of_bar(view, begin + i);
            td_range_widen(&ranges->so_far[i], &ranges->so_far[i - 1]);
        }
        ranges->rest[stop - 1] = td_range_of_bar(view, begin + stop - 1);
        for (int64_t i = stop - 2; i >= first; i--) {
            ranges->rest[i] = td_range_of_bar(view, begin + i);
            td_range_widen(&ranges->rest[i], &ranges->rest[i + 1]);
        }
        ranges->runs[0][g] = ranges->rest[first];
        ranges->least_low[g] = ranges->rest[first].low;
        ranges->greatest_high[g] = -ranges->rest[first].minus_high;
    }
    memcpy(ranges->low, view->low + begin, (size_t)bars * sizeof(double));
    memcpy(ranges->high, view->high + begin, (size_t)bars * sizeof(double));
    for (int i = 0; i < 16; i++) {
        ranges->low[bars + i] = TD_INF;
        ranges->high[bars + i] = -TD_INF;
    }
    for (int i = 0; i < 8; i++) {
        ranges->least_low[groups + i] = TD_INF;
        ranges->greatest_high[groups + i] = -TD_INF;
    }
    for (int level = 1; level < TD_RANGES_LEVELS && (int64_t)1 << level <= groups; level++)
        for (int64_t g = 0; g + ((int64_t)1 << level) <= groups; g++) {
            ranges->runs[level][g] = ranges->runs[level - 1][g];
            td_range_widen(&ranges->runs[level][g], &ranges->runs[level - 1][g + ((int64_t)1 << (level - 1))]);
        }
}
