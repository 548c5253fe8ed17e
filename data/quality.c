/* See quality.h. */
#include "data/quality.h"

#include <math.h>

#include "data/calendar.h"

static const int64_t HOUR_NS = 3600 * TD_NS_PER_SECOND;

static int hour_of_week(int64_t time_ns) {
    return (int)td_floor_mod(td_floor_div(time_ns, HOUR_NS), TD_HOURS_OF_WEEK);
}

/* Which hours of the week have bars; all of them when the tape is too short or too coarse to tell. Returns how many. */
static int learn_hours(const td_tape *tape, bool open[TD_HOURS_OF_WEEK]) {
    int64_t span = tape->time_ns[tape->bars - 1] - tape->time_ns[0];
    bool tell = span >= 28 * TD_NS_PER_DAY && tape->interval_ns <= TD_NS_PER_DAY;
    for (int h = 0; h < TD_HOURS_OF_WEEK; h++) open[h] = !tell;
    for (int64_t t = 0; tell && t < tape->bars; t++) open[hour_of_week(tape->time_ns[t])] = true;
    int count = 0;
    for (int h = 0; h < TD_HOURS_OF_WEEK; h++) count += open[h];
    return count;
}

/* Bars of the raster between two bars that fall into open hours. */
static int64_t missing_between(int64_t after, int64_t before, int64_t interval, const bool open[TD_HOURS_OF_WEEK]) {
    int64_t left = (before - after + interval / 2) / interval - 1, missing = 0;
    for (int64_t slot = after + interval; left > 0;) {
        /* the slots in this slot's hour go together */
        int64_t hour_end = (td_floor_div(slot, HOUR_NS) + 1) * HOUR_NS, here = (hour_end - slot + interval - 1) / interval;
        if (here > left) here = left;
        if (open[hour_of_week(slot)]) missing += here;
        left -= here;
        slot += here * interval;
    }
    return missing;
}

static void scan_gaps(const td_tape *tape, td_quality *q) {
    bool open[TD_HOURS_OF_WEEK];
    q->open_hours = learn_hours(tape, open);
    for (int64_t t = 1; t < tape->bars; t++) {
        int64_t after = tape->time_ns[t - 1], before = tape->time_ns[t];
        if (before - after <= tape->interval_ns) continue;
        td_gap gap = {after, before, missing_between(after, before, tape->interval_ns, open)};
        if (gap.missing == 0) continue;
        q->gaps++;
        q->missing_bars += gap.missing;
        if (gap.missing > q->largest_gap.missing) q->largest_gap = gap;
        if (q->gap_count < TD_QUALITY_LIST_MAX) q->gap[q->gap_count++] = gap;
    }
}

static void scan_spikes(const td_tape *tape, td_quality *q) {
    const double keep = 1 - 2.0 / 501, limit = 8;
    double sum = 0, weight = 0;
    for (int64_t t = 1; t < tape->bars; t++) {
        double previous = tape->close[t - 1], close = tape->close[t];
        double days = (double)(tape->time_ns[t] - tape->time_ns[t - 1]) / (double)TD_NS_PER_DAY;
        double change = fabs(close - previous) / sqrt(days);
        sum = sum * keep + change;
        weight = weight * keep + 1;
        if (!(change > limit * (sum / weight))) continue;
        q->spikes++;
        if (q->spike_count < TD_QUALITY_LIST_MAX)
            q->spike[q->spike_count++] = (td_spike){tape->time_ns[t], previous, close, change / (sum / weight)};
    }
}

static void scan_values(const td_tape *tape, td_quality *q) {
    q->low = INFINITY;
    q->high = 0;
    for (int64_t t = 0; t < tape->bars; t++) {
        double open = tape->open[t], high = tape->high[t], low = tape->low[t], close = tape->close[t], volume = tape->volume[t];
        q->outside += open < low || open > high || close < low || close > high;
        q->volume_missing += isnan(volume) != 0;
        q->volume_zero += volume == 0;
        if (low < q->low) q->low = low;
        if (high > q->high) q->high = high;
    }
}

td_quality td_quality_scan(const td_tape *tape) {
    td_quality q = {.bars = tape->bars,
                    .first_ns = tape->time_ns[0],
                    .last_ns = tape->time_ns[tape->bars - 1],
                    .interval_ns = tape->interval_ns};
    scan_gaps(tape, &q);
    scan_spikes(tape, &q);
    scan_values(tape, &q);
    return q;
}
