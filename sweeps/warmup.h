/* How much a result hangs on the bar it started at: the same set started some bars later, again and again, over the same end.
 *
 * Words
 *   start      offset 0 is the period's first bar, offset k begins k * step bars later; the plays share the bars from the last
 *              start on
 *   side       long, short or out. Sizes are not compared: with all-in sizing they remember every trade since the start
 *   settled    from a bar on, a play is on the same side as the first one at every close, to the end */
#ifndef TAPEDECK_SWEEPS_WARMUP_H
#define TAPEDECK_SWEEPS_WARMUP_H

#include "sim/play.h"

typedef struct td_spread { /* over the plays that are compared */
    double least, median, most;
} td_spread;

typedef struct td_start {
    int64_t first_bar;     /* of the tape */
    int64_t settled;       /* first common bar, counted from the tape's first, from which on it is on the side of offset 0; -1 never */
    int64_t differing;     /* common bars on another side */
    double trades;         /* that ended on the common bars */
    double total_return;   /* over the common bars, of the equity at the first of them */
    bool failed;           /* the set failed (nan_target) in this play */
} td_start;

typedef struct td_warmup {
    int64_t first_common, common; /* the bars that are compared: first, within the tape, and how many */
    int64_t starts;        /* plays, that of offset 0 first */
    td_start *start;       /* (starts) */
    int64_t settled;       /* bar from which on all agree; -1 when some never do */
    int64_t never;         /* plays that never settle */
    td_spread trades, total_return;
} td_warmup;

/* Plays the set from `offsets` later starts, `step` bars apart. TD_BAD_ARG when the tape is too short for that: at least half of
 * its bars have to be common. Free with td_warmup_free(). */
td_status td_measure_warmup(const td_tape *tape, const td_play_def *def, const td_set *set, int64_t offsets, int64_t step, int threads,
                            td_warmup *warmup, td_error *error);
void td_warmup_free(td_warmup *warmup);

#endif
