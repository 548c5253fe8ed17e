/* Measurements as files: Google Benchmark's JSON, which compare.py, github-action-benchmark and Bencher read, and the comparison
 * with such a file. */
#ifndef TAPEDECK_BENCH_REPORT_H
#define TAPEDECK_BENCH_REPORT_H

#include <jansson.h>

#include "bench/harness.h"

/* The whole document: context (no host name in it) and one entry per repetition, its counters as further numbers: <item>_per_second
 * and, where the scene counts bytes, bytes_per_second. The caller releases it. */
json_t *td_report_json(const td_measurement *measurements, int count, td_isa isa);

/* Medians of a file of that kind, ours or another's. */
typedef struct td_baseline {
    json_t *document;
} td_baseline;
td_status td_baseline_read(const char *path, td_baseline *baseline, td_error *error);
void td_baseline_free(td_baseline *baseline);
/* Median seconds on the wall of the scene's repetitions; NaN where the baseline has none. */
double td_baseline_seconds(const td_baseline *baseline, const char *name);
/* A text of the context ("processor", "isa", "compiler", ...) or NULL. */
const char *td_baseline_context(const td_baseline *baseline, const char *key);
/* The context that td_report_json() writes now, for comparison with another's. */
json_t *td_report_context(td_isa isa);

#endif
