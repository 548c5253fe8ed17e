/* What the commands that play have in common: options, the configuration with its overrides, the tape, numbers as JSON. */
#ifndef TAPEDECK_CLI_JOB_H
#define TAPEDECK_CLI_JOB_H

#include <argp.h>
#include <jansson.h>

#include "cli/cli.h"
#include "sweeps/books.h"
#include "sweeps/config.h"
#include "sweeps/markets.h"
#include "sweeps/sweep.h"
#include "sweeps/values.h"

enum { TD_JOB_OVERRIDES_MAX = 256 };

/* Filled in by the argp child td_job_argp, whose input it is. */
typedef struct td_job {
    const char *config_path; /* the CONFIG argument */
    const char *overrides[TD_JOB_OVERRIDES_MAX];
    int override_count;
    bool json;
    bool optional;           /* the command does without a configuration, too; set before parsing */
    int threads;             /* 0 = not given */
    td_engine engine;        /* AUTO: not given */
    td_config *config;       /* from here on: td_job_open() */
    td_tape tape;            /* of bars */
    bool tape_is_open;
    td_books books;          /* of order books */
    td_markets markets;      /* what of the tape is played */
} td_job;

/* --set, --json; with threads also --threads and --engine. */
extern const struct argp td_job_argp, td_job_threads_argp;
/* Likewise of the command that measures: what is not given means something else there. */
extern const struct argp td_job_bench_argp;

/* Loads the configuration, opens the tape and finds on it what is to be played. Returns TD_EXIT_OK, or has told the error and
 * returns the exit code. */
int td_job_open(td_job *job);
void td_job_close(td_job *job);
/* The tapes of job->config, opened, and job->markets. verify_digest: of order books, as td_books_open() has it. */
td_status td_job_open_tapes(td_job *job, bool verify_digest, td_error *error);
/* The tape of bars that is open; NULL where the configuration plays order books. */
const td_tape *td_job_tape(const td_job *job);
/* The bars and the deck of a command that plays one symbol, or one portfolio, at one interval; TD_BAD_ARG when the configuration names
 * more. td_deck_free(), then td_pick_close(). */
td_status td_job_one_market(const td_job *job, const char *command, td_pick *pick, td_deck **deck, td_error *error);
/* The set of a trial and its numbers: the strategy's parameters, then the swept knobs. */
json_t *td_job_parameters(const td_job *job, const td_set *set);
/* "fast 10, slow 30"; the caller frees. */
char *td_job_parameters_text(const td_job *job, const td_set *set);

/* A number, whole ones as integers where `whole`; null for NaN and infinities. */
json_t *td_json_number(double value, bool whole);
/* A value of a knob: words as such, durations in nanoseconds (sweeps/values.h). */
json_t *td_json_value(const char *unit, double value, bool whole);
json_t *td_json_time(int64_t time_ns);
json_t *td_json_metrics(td_tape_kind kind, const td_cell *cell);
/* Prints the one document of --json on stdout and releases it; returns `code`, or that of the failure. */
int td_json_print(json_t *document, int code);

#endif
