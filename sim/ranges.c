/* See ranges.h. */
#include "sim/ranges.h"

#include <math.h>
#include <stdlib.h>

static int64_t span_count(int64_t bars) { return (bars + TD_SPAN_BARS - 1) / TD_SPAN_BARS; }
/* a vector read from the last span on stays inside */
static int64_t padded(int64_t spans) { return spans + 8; }

size_t td_ranges_bytes(int64_t bars) {
    return (size_t)padded(span_count(bars)) * 4 * sizeof(double);
}

/* Widens [*least, *greatest] to hold low and high. */
static void widen(double *least, double *greatest, double low, double high) {
    if (low < *least) *least = low;
    if (high > *greatest) *greatest = high;
}

td_status td_ranges_make(const td_kernel_deck *view, td_ranges *ranges, td_error *error) {
    int64_t room = padded(span_count(view->bars));
    double *memory = malloc(td_ranges_bytes(view->bars));
    if (!memory) return td_fail(error, TD_NO_MEMORY, "no memory for the ranges of %lld bars", (long long)view->bars);
    *ranges = (td_ranges){.least_low = memory, .greatest_high = memory + room, .least_close = memory + 2 * room,
                          .greatest_close = memory + 3 * room, .memory = memory};
    for (int64_t k = 0; k < room; k++) {
        ranges->least_low[k] = ranges->least_close[k] = INFINITY;
        ranges->greatest_high[k] = ranges->greatest_close[k] = -INFINITY;
    }
    for (int64_t t = 0; t < view->bars; t++) {
        int64_t k = t / TD_SPAN_BARS;
        widen(&ranges->least_low[k], &ranges->greatest_high[k], view->low[t], view->high[t]);
        widen(&ranges->least_close[k], &ranges->greatest_close[k], view->close[t], view->close[t]);
    }
    return TD_OK;
}

void td_ranges_free(td_ranges *ranges) {
    free(ranges->memory);
    *ranges = (td_ranges){0};
}
