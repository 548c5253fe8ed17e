/* Running a sweep: the parameter sets of a configuration on its markets, over threads, into a journal, into a results file.
 *
 * Words (more in sweeps/markets.h)
 *   row        a parameter set on a market; with one market, a trial. What is counted and journalled
 *   group      consecutive rows of one market that one thread plays together, at most td_deck_group() of them
 *   session    one call of td_sweep_run(); a sweep that was stopped or killed takes several
 *
 * Files of a sweep: the results file, and while it is unfinished the journal `<results>.journal` beside it. The journal is the
 * authority: a row is finished when its frame is in there. What the results file holds does not depend on threads, groups,
 * order, engine, instruction set or the number of sessions. */
#ifndef TAPEDECK_SWEEPS_SWEEP_H
#define TAPEDECK_SWEEPS_SWEEP_H

#include "sweeps/config.h"
#include "sweeps/results.h"

/* The trials this thread plays at the moment, -1 when none: for who must say so when a strategy crashes. */
typedef struct td_playing {
    int64_t first, last;
} td_playing;
extern _Thread_local td_playing td_playing_now;

typedef struct td_sweep_progress {
    int64_t rows, done, failed;     /* done includes failed, and what an earlier session finished */
    int64_t played;                 /* by this session; 0 with done == rows: there was nothing left to do */
    int64_t torn_bytes;             /* of an unfinished frame, cut off the journal that was resumed */
    double seconds;                 /* since this session began to play */
    double bar_evaluations;         /* rows played times the bars of their markets; of order books times the rows of the books */
    td_tape_kind kind;
} td_sweep_progress;

typedef struct td_sweep_def { /* start from td_default_sweep_def() */
    int threads;                /* 0 = what OpenMP would take. Default 0. */
    td_isa isa;                 /* Default td_isa_best(). */
    td_engine engine;           /* Default AUTO. */
    bool resume;                /* go on from the journal beside the results file. Default false. */
    bool force;                 /* throw away existing results and journal of the same path. Default false. Not with resume. */
    volatile int *stop;         /* set by a signal handler: no new groups are taken. May be NULL. */
    void (*progress)(void *context, const td_sweep_progress *progress); /* by one thread at a time, at most 10 times a second */
    void *progress_context;
    const char *command;        /* as typed, for provenance */
    uint32_t cookie;            /* set by td_default_sweep_def(). Leave it. */
} td_sweep_def;
td_sweep_def td_default_sweep_def(void);

/* What a sweep would take, before it starts. */
typedef struct td_sweep_plan {
    int64_t trials, excluded;       /* parameter sets */
    int64_t symbols, intervals, rows; /* rows = trials * symbols * intervals */
    int64_t bars, blocks;           /* of the market that has most; of order books the rows */
    double bar_evaluations;         /* of all rows */
    int threads;
    td_engine engine;
    td_isa isa;
    int64_t memory_bytes;   /* peak resident set expected, tape pages included */
    int64_t disk_bytes;     /* journal + results file while both exist */
    double seconds;         /* from playing a few groups over part of the tape, and a guess for writing */
    double bar_evaluations_per_second;
} td_sweep_plan;
/* calibrate: check every set and play a sample (a fifth of a second or so, at each interval) for the seconds; without it they are
 * 0. */
td_status td_sweep_make_plan(const td_config *config, const td_tape *tape, const td_sweep_def *def, bool calibrate,
                             td_sweep_plan *plan, td_error *error);

/* Checks every trial's set against the deck; TD_BAD_CONFIG names the lowest trial that cannot be played and its values. Checking
 * costs a thousandth of playing or less, so a grid that reaches too far is refused at once and not after hours. */
td_status td_sweep_check(const td_config *config, const td_deck *deck, const td_sweep_def *def, td_error *error);

/* Checks every set on every market, plays what is missing market by market and writes results_path; removes the journal when the
 * results are whole.
 *   TD_BAD_CONFIG    a set that cannot be played, with its trial number and values; nothing has been written
 *   TD_BAD_ARG       results or journal are there already and neither resume nor force was asked for
 *   TD_DIFFERENT     resume, but the journal or the results are of another configuration or tape
 *   TD_NO_MEMORY     the plan passes limits.memory; nothing has been written
 *   TD_BUSY          another process writes the same results
 *   TD_INTERRUPTED   after *stop or limits.wall: the results file holds what is finished, the journal stays
 *   TD_IO            the disk refused; the journal keeps what it had
 * With resume and results that are whole already it changes nothing and returns TD_OK. Failed cells are no error: see
 * progress->failed. progress may be NULL. */
td_status td_sweep_run(const td_config *config, const td_tape *tape, const char *results_path, const td_sweep_def *def,
                       td_sweep_progress *progress, td_error *error);

#endif
