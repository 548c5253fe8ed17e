/* Running a sweep: the trials of a configuration over threads, into a journal, into a results file. */
#ifndef TAPEDECK_SWEEPS_SWEEP_H
#define TAPEDECK_SWEEPS_SWEEP_H

#include "sweeps/config.h"
#include "sweeps/results.h"

typedef struct td_sweep_progress {
    int64_t trials, done, failed;   /* done includes failed, and what an earlier session finished */
    int64_t played;                 /* by this session */
    double seconds;                 /* since this session began to play */
    double bar_evaluations;         /* played * bars */
} td_sweep_progress;

typedef struct td_sweep_def { /* start from td_default_sweep_def() */
    int threads;                /* 0 = what OpenMP would take. Default 0. */
    td_isa isa;                 /* Default td_isa_best(). */
    td_engine engine;           /* Default AUTO. */
    bool resume;                /* go on from the journal beside the results file. Default false. */
    volatile int *stop;         /* set by a signal handler: no new groups are taken. May be NULL. */
    void (*progress)(void *context, const td_sweep_progress *progress); /* called by one thread, at most 10 times a second */
    void *progress_context;
    const char *command;        /* as typed, for provenance */
} td_sweep_def;
td_sweep_def td_default_sweep_def(void);

/* What a sweep would take, before it starts. */
typedef struct td_sweep_plan {
    int64_t trials, excluded, bars, blocks;
    int threads;
    td_engine engine;
    td_isa isa;
    int64_t memory_bytes;   /* peak resident set expected, tape pages included */
    int64_t disk_bytes;     /* journal + results file while both exist */
    double seconds;         /* from playing one group of sets over part of the tape */
    double bar_evaluations_per_second;
} td_sweep_plan;
/* calibrate: play a sample for the seconds; without it they are 0. */
td_status td_sweep_make_plan(const td_config *config, const td_tape *tape, const td_sweep_def *def, bool calibrate,
                             td_sweep_plan *plan, td_error *error);

/* Plays what is missing and writes results_path; the journal is results_path + ".journal" and is removed when the results are
 * whole. TD_INTERRUPTED after *stop or the wall limit (the results file then holds what is finished, the journal stays);
 * TD_NO_MEMORY before it starts when the plan passes limits.memory; TD_BUSY when another process writes the same results. */
td_status td_sweep_run(const td_config *config, const td_tape *tape, const char *results_path, const td_sweep_def *def,
                       td_sweep_progress *progress, td_error *error);

#endif
