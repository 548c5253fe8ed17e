/* The skip engine: plays one set by jumping from event to event.
 *
 * Between two events position and cash are constant, so equity is a monotone function of the close (IEEE addition and
 * multiplication round monotonically). A whole stretch of bars is then settled by four numbers (sim/ranges.h): if neither the least
 * low nor the greatest high touches a level, and equity reaches the peak at neither the least nor the greatest close, all that the
 * stretch does is add its lowest equity to the trough. Crossings are looked for where the ranges of two rows overlap. What remains is
 * work per trade, not per bar.
 *
 * Returns need the equity at every sample: it is written down set by set, and the sums over the returns are made of it with sets as
 * lanes.
 *
 * Bit-equal to the other engines because every statistic is defined without reference to how the bars were walked, and because the
 * events themselves are the same code (sim/ledger.h) on one lane. It plays strategies that declare ON_SIGNAL, with returns sampled
 * less often than every bar; lanes.h plays the rest.
 *
 * Two parts, both compiled once per instruction set: sim/skip/scan.c looks for events, with lanes that are consecutive bars;
 * sim/skip/events.c carries them out, on one lane. */
#ifndef TAPEDECK_SIM_SKIP_H
#define TAPEDECK_SIM_SKIP_H

#include "sim/ranges.h"
#include "sim/rows.h"

enum {
    TD_SKIP_BARS = TD_RANGES_BARS, /* of a chunk, at most */
    TD_SPAN_BARS = 64,             /* bars that are turned at once: as long as they are in the first-level cache */
    TD_SPAN_GROUPS = TD_SPAN_BARS / TD_GROUP_BARS,
};

/* What all sets share of a chunk. Rows are row-major: slot r of bar t is values[r * stride + (t - begin)], the bar before at [-1].
 * Slot r's range over group g of bars and the one bar before it is least[r * group_stride + g] to greatest[...]; -inf to +inf where
 * the row has no value on one of them. */
typedef struct td_skip_chunk {
    int64_t begin, end;
    double *values, *least, *greatest;
    int64_t stride, group_stride;
    td_ranges ranges;
    /* samples: those in the chunk, their closes, and by bar (one more than there are) how many of them are before it */
    int64_t sample, samples;
    double sample_close[TD_SKIP_BARS + 8];
    int16_t samples_before[TD_SKIP_BARS + 1];
    int64_t block; /* the first block that ends in the chunk or after it */
} td_skip_chunk;

/* Bars of a chunk on which signals cross, and which (bits by signal): what sets with the same rows and levels share. */
typedef struct td_skip_signals {
    int64_t count;
    int16_t bar[TD_SKIP_BARS + 1]; /* and room for one that is tried */
    uint8_t above[TD_SKIP_BARS + 1], below[TD_SKIP_BARS + 1];
} td_skip_signals;

/* One set while it plays. */
typedef struct td_skip_set {
    const td_kernel_deck *view;
    const td_strategy *strategy;
    void *vector; /* a scalar td_vector: the scan knows its fields as td_lane's; its slots are offsets into values (slot * stride) */
    const int32_t *slot;
} td_skip_set;

/* Sums over sampled returns, of as many sets as the instruction set has lanes: [field][lane]. They take the place of the td_lane's
 * fields of the same names, which are not kept while a set plays. */
typedef enum td_skip_sum {
    TD_SKIP_SUM_sample_equity,
    TD_SKIP_SUM_sum_r,
    TD_SKIP_SUM_sum_r2,
    TD_SKIP_SUM_sum_down2,
    TD_SKIP_SUM_sum_market,
    TD_SKIP_SUMS
} td_skip_sum;

/* Events, on the scalar vector. above and below are bits by signal. Per instruction set, like everything that calls them. */
void TD_ISA_NAME(td_skip_guard)(const td_skip_set *set, int64_t t, int64_t sample);
void TD_ISA_NAME(td_skip_peak)(const td_skip_set *set, int64_t t, double equity);
void TD_ISA_NAME(td_skip_decide)(const td_skip_set *set, const td_skip_chunk *chunk, int64_t t, unsigned above, unsigned below,
                                 int64_t sample);
void TD_ISA_NAME(td_skip_last_bar)(const td_skip_set *set, int64_t sample);

typedef struct td_skip_kernel {
    int lanes;
    /* turns a span of rows, still in the first-level cache, from time-major to row-major, and finds the ranges of its groups: span
     * number `span` of the chunk. The span's first bar is rows->begin. */
    void (*turn)(const td_rows *rows, int64_t span, td_skip_chunk *chunk);
    void (*signals)(const td_skip_set *set, const td_skip_chunk *chunk, td_skip_signals *signals);
    /* plays a set over a chunk. sampled (chunk->samples, and room for a vector) gets its equity at the samples, block_equity
     * (blocks) at the ends of blocks: 0 once it is ruined or failed. */
    void (*play)(const td_skip_set *set, const td_skip_chunk *chunk, const td_skip_signals *signals, double *sampled,
                 double *block_equity);
    /* adds the returns of `lanes` sets over a chunk, whose sampled equities are `stride` apart, to their sums */
    void (*add_returns)(const td_kernel_deck *view, const td_skip_chunk *chunk, const double *sampled, int64_t stride, double *sums);
} td_skip_kernel;
const td_skip_kernel *td_skip_kernel_for(td_isa isa);

#endif
