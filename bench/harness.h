/* Playing scenes against the clock.
 *
 * A scene is made, checked and played once to warm up; then come `repetitions`, each of as many steps as fill `min_seconds`. Time
 * of making and warming up counts nowhere. td_measure_step() is the only caller of steps that are measured, a function of its own
 * so that callgrind can be told to count inside it alone (--toggle-collect=td_measure_step). */
#ifndef TAPEDECK_BENCH_HARNESS_H
#define TAPEDECK_BENCH_HARNESS_H

#include "bench/scenes.h"

typedef struct td_measure_def { /* start from td_default_measure_def() */
    int repetitions;            /* at least 1. Default 9: enough for the rank test of compare.py. */
    double min_seconds;         /* of a repetition, at least. Default 0.05. */
} td_measure_def;
td_measure_def td_default_measure_def(void);

/* What came out of a scene. Seconds are those of one step. */
typedef struct td_measurement {
    char name[96];
    char item[32];
    int threads;
    int repetitions;
    int64_t steps;          /* of each repetition */
    double items, bytes;    /* of one step */
    double *seconds;        /* (repetitions) on the wall */
    double *cpu_seconds;    /* (repetitions) of the processor, all threads */
    td_scene_counter counters[TD_SCENE_COUNTERS_MAX]; /* (counter_count) of the last step */
    int counter_count;
} td_measurement;

/* Makes, checks, measures and drops a scene. TD_DIFFERENT when its check fails. */
td_status td_measure(const td_scene *scene, const td_measure_def *def, td_stage *stage, td_measurement *measurement,
                     td_error *error);
/* The same without a clock: made, checked, and stepped once. */
td_status td_measure_once(const td_scene *scene, td_stage *stage, td_error *error);
void td_measurement_free(td_measurement *measurement);

/* The value at `share` (0 least, 0.5 median, 1 greatest) of the sorted values, between neighbours by proportion; NaN of none. */
double td_quantile(const double *values, int count, double share);

#endif
