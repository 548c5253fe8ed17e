/* The results file: HDF5 that researchers open in xarray, h5py or pandas without our code. Layout: docs/file-formats-results.md.
 *
 * Root group: dimension `trial`; a variable per axis under the axis' own name, a coordinate (axis_<name> where that is taken, as by
 * a metric); a variable per metric, with envelopes also `<metric>_low` and `<metric>_high`, `state`, `reason`, `reason_bar`, `ruined`,
 * `hash`, `block_return(trial, block)`; provenance as root attributes. Datasets depend on the sweep alone; times, machine and threads
 * are attributes.
 *
 * Of several markets (sweeps/markets.h), results are over (symbol, interval, trial), axes over trial; `bars`, `periods_per_year`,
 * `first_bar_time`, `last_bar_time`, which are attributes otherwise, are over (symbol, interval). Whoever reads a variable here
 * gets it row by row, an axis repeated for every market.
 *
 * HDF5 is not thread-safe with its high level library: one thread at a time calls what is here. */
#ifndef TAPEDECK_SWEEPS_RESULTS_H
#define TAPEDECK_SWEEPS_RESULTS_H

#include "sim/play.h"
#include "sweeps/config.h"
#include "sweeps/journal.h"
#include "sweeps/markets.h"
#include "sweeps/values.h"

/* How the sweep was run; provenance only. */
typedef struct td_sweep_info {
    int threads;
    td_isa isa;
    td_engine engine;
    int64_t started_ns, finished_ns; /* wall clock */
    double play_seconds;             /* wall seconds spent playing, this session */
    int sessions;                    /* 1 + resumes */
    const char *command;             /* as typed */
} td_sweep_info;

/* Builds the file from the journal (rows not in it are written as pending, with NaN) in `path.tmp.<pid>`, fsync, rename, fsync
 * of the folder: path is the old file or the whole new one, whatever happens. Temporary files of writers that were killed are
 * removed: the caller is the only writer, because it holds the journal. Streams: memory does not depend on the number of
 * trials (the journal's index aside). TD_IO when the disk is full; TD_BAD_DATA when the journal went bad. */
/* facts: (markets). */
td_status td_results_write(const char *path, const td_config *config, const td_markets *markets, const td_market_facts *facts,
                           const td_journal *journal, const td_sweep_info *info, td_error *error);

typedef struct td_results td_results;
td_status td_results_open(const char *path, td_results **results, td_error *error);
void td_results_close(td_results *results);
int64_t td_results_trials(const td_results *results);    /* parameter sets */
int64_t td_results_symbols(const td_results *results);
int64_t td_results_intervals(const td_results *results);
int64_t td_results_rows(const td_results *results);      /* trials * symbols * intervals */
bool td_results_several(const td_results *results);      /* more than one market */
/* What a row is of. */
int64_t td_results_row_trial(const td_results *results, int64_t row);
int64_t td_results_row_symbol(const td_results *results, int64_t row);
int64_t td_results_row_interval(const td_results *results, int64_t row);
const char *td_results_symbol_name(const td_results *results, int64_t symbol);
const char *td_results_interval_name(const td_results *results, int64_t interval);
int64_t td_results_done(const td_results *results);   /* finished, failed ones included */
int64_t td_results_failed(const td_results *results);
int64_t td_results_blocks(const td_results *results);
td_tape_kind td_results_tape_kind(const td_results *results); /* whose metrics there are: of bars, unless the file says otherwise */
bool td_results_enveloped(const td_results *results); /* is there a low and a high of each metric? */
int td_results_axis_count(const td_results *results);
const char *td_results_axis_name(const td_results *results, int index);
bool td_results_axis_whole(const td_results *results, int index);
td_value_form td_results_axis_form(const td_results *results, int index);
/* A value of the axis as people write it: the word, or 50ms; text has room for 48 and is returned. */
const char *td_results_axis_text(const td_results *results, int index, double value, char *text);
/* A text attribute of the root (config_text, config_resolved, config_digest, tape_path, tape_digest, ...) or NULL. */
const char *td_results_attribute(const td_results *results, const char *name);
/* A number of the root (bars, periods_per_year, seed, play_seconds, ...), NaN when there is none. */
double td_results_number(const td_results *results, const char *name);
/* Whole columns, read once and kept by results: (rows). NULL with error->message when they cannot be read. */
const double *td_results_axis(td_results *results, int index, td_error *error);
/* metric is one of the kind's. */
const double *td_results_metric(td_results *results, td_metric metric, td_error *error);
const char *td_results_bound_name(td_metric metric, bool high); /* "sharpe_low", "sharpe_high" */
/* The least and the greatest of the envelope of a metric, likewise; only where results have envelopes (TD_BAD_DATA in error else). */
const double *td_results_low(td_results *results, td_metric metric, td_error *error);
const double *td_results_high(td_results *results, td_metric metric, td_error *error);
const int32_t *td_results_state(td_results *results, td_error *error);
const int32_t *td_results_reason(td_results *results, td_error *error);
const uint64_t *td_results_hash(td_results *results, td_error *error);
/* Block returns of one row: out (blocks), NaN behind those of a market that has fewer. */
td_status td_results_block_returns(td_results *results, int64_t row, float *out, td_error *error);

#endif
