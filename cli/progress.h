/* How far a sweep is, on stderr: one line that is redrawn on a terminal, one line per tenth elsewhere (a log of a CI job).
 *
 *   td_progress progress = td_progress_start(stderr, quiet);
 *   def.progress = td_progress_show, def.progress_context = &progress;
 *   ... td_sweep_run() ...
 *   td_progress_end(&progress);
 *
 * The rate, and so the time left, is weighted exponentially over the last seconds, because groups differ in what they cost. */
#ifndef TAPEDECK_CLI_PROGRESS_H
#define TAPEDECK_CLI_PROGRESS_H

#include <stdbool.h>
#include <stdio.h>

#include "sweeps/sweep.h"

typedef struct td_progress {
    FILE *out;
    bool quiet, terminal, drawn;
    int tenths;                  /* last tenth that has its line */
    double seconds, sets_per_second; /* at the last look */
    int64_t played;
} td_progress;

td_progress td_progress_start(FILE *out, bool quiet);
void td_progress_show(void *progress, const td_sweep_progress *now);
/* Wipes the line that is redrawn. */
void td_progress_end(td_progress *progress);

/* "850 ms", "12.3 s", "4:05", "1:02:30" into a buffer of at least 32 bytes; returns it. */
char *td_duration_text(double seconds, char *buffer);
/* "2.05 G", "350 k", "17" with a space before the unit letter, into a buffer of at least 32 bytes; returns it. */
char *td_count_text(double count, char *buffer);

#endif
