/* See harness.h. */
#include "bench/harness.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/sorted.h"

static double clock_seconds(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

td_measure_def td_default_measure_def(void) { return (td_measure_def){.repetitions = 9, .min_seconds = 0.05}; }

/* Its name is known to bench/callgrind.py; see harness.h. */
td_status td_measure_step(const td_scene *scene, void *state, td_error *error);
__attribute__((noinline)) td_status td_measure_step(const td_scene *scene, void *state, td_error *error) {
    return scene->step(state, error);
}

static td_status play_steps(const td_scene *scene, void *state, int64_t steps, double *seconds, double *cpu_seconds,
                            td_error *error) {
    double began = clock_seconds(CLOCK_MONOTONIC), cpu_began = clock_seconds(CLOCK_PROCESS_CPUTIME_ID);
    for (int64_t i = 0; i < steps; i++) TD_TRY(td_measure_step(scene, state, error));
    *cpu_seconds = (clock_seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu_began) / (double)steps;
    *seconds = (clock_seconds(CLOCK_MONOTONIC) - began) / (double)steps;
    return TD_OK;
}

static td_status measure_load(const td_scene *scene, const td_measure_def *def, void *state, td_measurement *measurement,
                              td_error *error) {
    /* more steps until they fill the time; these also warm up */
    double seconds, cpu_seconds;
    measurement->steps = 1;
    for (;;) {
        TD_TRY(play_steps(scene, state, measurement->steps, &seconds, &cpu_seconds, error));
        double total = seconds * (double)measurement->steps;
        if (total >= def->min_seconds) break;
        double factor = total > 0 ? 1.2 * def->min_seconds / total : 10;
        measurement->steps = (int64_t)ceil((double)measurement->steps * fmin(factor, 10));
    }
    for (int r = 0; r < def->repetitions; r++)
        TD_TRY(play_steps(scene, state, measurement->steps, &measurement->seconds[r], &measurement->cpu_seconds[r], error));
    return TD_OK;
}

td_status td_measure(const td_scene *scene, const td_measure_def *def, td_stage *stage, td_measurement *measurement,
                     td_error *error) {
    *measurement = (td_measurement){.threads = scene->shape.threads, .repetitions = def->repetitions,
                                    .seconds = calloc((size_t)def->repetitions, sizeof(double)),
                                    .cpu_seconds = calloc((size_t)def->repetitions, sizeof(double))};
    snprintf(measurement->name, sizeof measurement->name, "%s", scene->name);
    snprintf(measurement->item, sizeof measurement->item, "%s", scene->item);
    td_scene_load load = {0};
    bool room = measurement->seconds && measurement->cpu_seconds;
    td_status status = room ? scene->make(&scene->shape, stage, &load, error)
                            : td_fail(error, TD_NO_MEMORY, "no memory for a measurement");
    measurement->items = load.items;
    measurement->bytes = load.bytes;
    if (status == TD_OK) status = measure_load(scene, def, load.state, measurement, error);
    measurement->counter_count = load.counter_count;
    for (int i = 0; i < load.counter_count; i++) measurement->counters[i] = load.counters[i];
    scene->drop(load.state);
    if (status == TD_OK) return TD_OK;
    td_measurement_free(measurement);
    return td_fail_within(error, status, "scene %s", scene->name);
}

td_status td_measure_once(const td_scene *scene, td_stage *stage, td_error *error) {
    td_scene_load load = {0};
    td_status status = scene->make(&scene->shape, stage, &load, error);
    if (status == TD_OK) status = td_measure_step(scene, load.state, error);
    scene->drop(load.state);
    return status == TD_OK ? TD_OK : td_fail_within(error, status, "scene %s", scene->name);
}

void td_measurement_free(td_measurement *measurement) {
    free(measurement->seconds);
    free(measurement->cpu_seconds);
    measurement->seconds = measurement->cpu_seconds = NULL;
    measurement->repetitions = 0;
}

double td_quantile(const double *values, int count, double share) {
    double *sorted = count > 0 ? malloc((size_t)count * sizeof *sorted) : NULL;
    if (!sorted) return NAN;
    memcpy(sorted, values, (size_t)count * sizeof *sorted);
    qsort(sorted, (size_t)count, sizeof *sorted, td_compare_doubles);
    double at = share * (count - 1);
    int below = (int)at, above = below + 1 < count ? below + 1 : below;
    double value = sorted[below] + (at - below) * (sorted[above] - sorted[below]);
    free(sorted);
    return value;
}
