/* The skip engine: plays one set by jumping from event to event.
 *
 * Between two events position and cash are constant, so equity is a monotone function of the close (IEEE addition and
 * multiplication round monotonically). Whole stretches of 64 bars are then settled by two numbers, the least and greatest close:
 * if equity at neither reaches the peak, the stretch adds its lowest equity to the trough and nothing else. Stops are found by the
 * least low and greatest high of a stretch, crossings by the ranges of the two rows. What remains is work per trade, not per bar.
 *
 * Bit-equal to the other engines because every statistic is defined without reference to how the bars were walked, and because the
 * events themselves are the same code (sim/ledger.h) on one lane. It plays strategies that declare ON_SIGNAL, with returns sampled
 * less often than every bar; lanes.h plays the rest.
 *
 * Two parts, both compiled once per instruction set: sim/skip/scan.c looks for events, with lanes that are consecutive bars;
 * sim/skip/events.c carries them out, on one lane. */
#ifndef TAPEDECK_SIM_SKIP_H
#define TAPEDECK_SIM_SKIP_H

#include "sim/rows.h"

enum { TD_SKIP_WORDS = 16 }; /* spans of a chunk, at most */

/* A chunk's rows, row-major: slot r of bar t is values[r * stride + (t - begin)], the bar before at [-1]; and each span's range,
 * slot r's at least[r * TD_SKIP_WORDS + span]; -inf and +inf where the row still warms up. */
typedef struct td_skip_chunk {
    int64_t begin, end, sample, block;
    const double *values, *least, *greatest;
    int64_t stride;
} td_skip_chunk;

/* Which bars of a chunk cross, a bit each: what sets with the same rows (and levels) share. */
typedef struct td_skip_signals {
    uint64_t above[TD_SIGNALS_MAX][TD_SKIP_WORDS], below[TD_SIGNALS_MAX][TD_SKIP_WORDS], any[TD_SKIP_WORDS];
} td_skip_signals;

/* One set while it plays. */
typedef struct td_skip_set {
    const td_kernel_deck *view;
    const td_strategy *strategy;
    const td_ranges *ranges;
    void *vector; /* a scalar td_vector: the scan knows its fields as td_lane's; its slots are offsets into values (slot * stride) */
    const int32_t *slot;
} td_skip_set;

/* Events, on the scalar vector. above and below are bits by signal. Per instruction set, like everything that calls them. */
void TD_ISA_NAME(td_skip_guard)(const td_skip_set *set, int64_t t, int64_t sample);
void TD_ISA_NAME(td_skip_peak)(const td_skip_set *set, int64_t t, double equity);
void TD_ISA_NAME(td_skip_decide)(const td_skip_set *set, const td_skip_chunk *chunk, int64_t t, unsigned above, unsigned below,
                                 int64_t sample);
void TD_ISA_NAME(td_skip_last_bar)(const td_skip_set *set, int64_t sample);

typedef struct td_skip_kernel {
    /* turns a span of rows, still in the first-level cache, from time-major to row-major, and finds its ranges: span number `span` of
     * the chunk that begins at values[0]. The span's first bar is rows->begin. */
    void (*turn)(const td_rows *rows, int64_t span, double *values, int64_t stride, double *least, double *greatest);
    void (*signals)(const td_skip_set *set, const td_skip_chunk *chunk, td_skip_signals *signals);
    void (*play)(const td_skip_set *set, const td_skip_chunk *chunk, const td_skip_signals *signals, double *block_equity);
} td_skip_kernel;
const td_skip_kernel *td_skip_kernel_for(td_isa isa);

#endif
