/* What is odd about recorded bars: missing ones, jumps, extremes. Reports, never repairs.
 *
 * A *gap* is a place where at least one bar of the raster is missing. Markets that close are not full of gaps: over four weeks or
 * more, an hour of the week (UTC) in which the tape never has a bar is taken as closed, and its bars are not missed.
 *
 * A *spike* is a close whose change c = |close - previous close| / sqrt(days between) is more than 8 times the exponentially
 * weighted mean of c (span 500 bars, the new one included). */
#ifndef TAPEDECK_DATA_QUALITY_H
#define TAPEDECK_DATA_QUALITY_H

#include "data/tape.h"

enum { TD_QUALITY_LIST_MAX = 10, TD_HOURS_OF_WEEK = 168 };

typedef struct td_gap {
    int64_t after_ns, before_ns; /* open times of the bars around the gap */
    int64_t missing;             /* bars */
} td_gap;

typedef struct td_spike {
    int64_t time_ns;
    double previous, close, ratio;
} td_spike;

typedef struct td_quality {
    int64_t bars, first_ns, last_ns, interval_ns;
    int open_hours;              /* hours of the week in which bars are expected, 168 for a market that never closes */
    int64_t gaps, missing_bars;
    td_gap largest_gap;          /* missing = 0 when there is none */
    int64_t spikes;
    int64_t outside;             /* bars whose open or close is not within low and high */
    int64_t volume_missing;      /* NaN */
    int64_t volume_zero;
    double low, high;            /* of all bars */
    int gap_count, spike_count;  /* of the first ones, listed: */
    td_gap gap[TD_QUALITY_LIST_MAX];
    td_spike spike[TD_QUALITY_LIST_MAX];
} td_quality;

/* Looks at a tape of one symbol. Reads everything once; cannot fail. */
td_quality td_quality_scan(const td_tape *tape);

#endif
