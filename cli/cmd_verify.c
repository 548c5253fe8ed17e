/* tapedeck verify: replays cells of a results file with the reference engine and compares hash, state and every metric, bit for
 * bit. The configuration comes out of the results file, the tape is found by its path and must have the digest stored there. */
#include <inttypes.h>
#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/random.h"
#include "cli/cli.h"
#include "cli/crash.h"
#include "cli/job.h"
#include "cli/option.h"
#include "cli/prove.h"
#include "cli/show.h"
#include "sim/plugin.h"

enum { KEY_SAMPLE = 0x200, KEY_CONFIG, KEY_TAPE, KEY_STRATEGY, KEY_JSON, KEY_SEED, KEY_THREADS, SAMPLE_PRESET = 20, SHOWN_MAX = 20 };

typedef struct verify_arguments {
    const char *results_path, *config_path, *tape_path, *strategy_path;
    int64_t sample; /* -1 = all */
    uint64_t seed;
    int threads;
    bool json;
} verify_arguments;

static const struct argp_option options[] = {
    {"sample", KEY_SAMPLE, "N", 0, "how many finished sets to replay, drawn at random; `all' for every one (default 20)", 0},
    {"seed", KEY_SEED, "N", 0, "draw another sample (default 0)", 0},
    {"config", KEY_CONFIG, "FILE", 0, "the configuration, instead of the one the results file holds; has to be the same", 0},
    {"tape", KEY_TAPE, "FILE", 0, "the tape, where it has moved", 0},
    {"strategy", KEY_STRATEGY, "FILE", 0, "the C file of your own strategy, where it has moved; has to be the same", 0},
    {"threads", KEY_THREADS, "N", 0, "threads to play with", 0},
    {"json", KEY_JSON, NULL, 0, "print one JSON document", 0},
    {0},
};

static error_t parse(int key, char *text, struct argp_state *state) {
    verify_arguments *arguments = state->input;
    switch (key) {
    case KEY_SAMPLE:
        arguments->sample = strcmp(text, "all") == 0 ? -1 : td_option_whole(state, "sample", text, 1, INT64_MAX);
        return 0;
    case KEY_SEED: arguments->seed = (uint64_t)td_option_whole(state, "seed", text, 0, INT64_MAX); return 0;
    case KEY_THREADS: arguments->threads = (int)td_option_whole(state, "threads", text, 1, 4096); return 0;
    case KEY_CONFIG: arguments->config_path = text; return 0;
    case KEY_TAPE: arguments->tape_path = text; return 0;
    case KEY_STRATEGY: arguments->strategy_path = text; return 0;
    case KEY_JSON: arguments->json = true; return 0;
    case ARGP_KEY_ARG:
        if (arguments->results_path) argp_error(state, "one results file at a time: '%s' and '%s'", arguments->results_path, text);
        arguments->results_path = text;
        return 0;
    case ARGP_KEY_END:
        if (!arguments->results_path) argp_error(state, "the results file is missing");
        return 0;
    }
    return ARGP_ERR_UNKNOWN;
}

/* What is compared, and what came of it. */
typedef struct difference {
    int64_t row;
    uint64_t stored_hash, replayed_hash;
    bool state, hash, metrics[TD_METRIC_COUNT], envelope[TD_METRIC_BARS_COUNT], block_returns;
} difference;

typedef struct verification {
    td_results *results;
    td_job job;                /* configuration, tape and markets */
    td_pick pick;              /* of the market being replayed */
    td_deck *deck;
    int64_t rows, finished, replayed, different;
    int64_t *sample;           /* (replayed) ascending */
    difference shown[SHOWN_MAX];
} verification;

/* ---- the same configuration and the same tape ---- */

/* Where the tape or the strategy is: as named, as recorded, or recorded relative to the results file. The caller frees. */
static char *find_file(const verify_arguments *arguments, const char *named, const char *recorded) {
    if (named) return strdup(named);
    const char *slash = strrchr(arguments->results_path, '/');
    char *beside = NULL;
    if (recorded[0] != '/' && slash && access(recorded, F_OK) != 0 &&
        asprintf(&beside, "%.*s/%s", (int)(slash - arguments->results_path), arguments->results_path, recorded) > 0 &&
        access(beside, F_OK) == 0)
        return beside;
    free(beside);
    return strdup(recorded);
}

static td_status source_changed(const char *path, const char *now, const char *then, td_error *error) {
    return td_fail(error, TD_BAD_DATA, "%s: the strategy's source changed since: SHA-256 %.12s... now, the results have %.12s...", path, now,
                   then);
}

/* Loads a user's own strategy, which the resolved configuration then finds by its name and digest. */
static td_status load_strategy(const verify_arguments *arguments, const td_results *results, td_error *error) {
    const char *name = td_results_attribute(results, "strategy"), *source = td_results_attribute(results, "strategy_source");
    const char *recorded = td_results_attribute(results, "strategy_path");
    if (!source || !recorded || !name) return TD_OK; /* a built-in one */
    char *path = find_file(arguments, arguments->strategy_path, recorded);
    if (!path) return td_fail(error, TD_NO_MEMORY, "no memory");
    const td_strategy *strategy = NULL;
    td_status status;
    if (access(path, F_OK) != 0)
        status = td_fail(error, TD_BAD_DATA, "the strategy %s is not there; name its file with --strategy FILE", path);
    else
        status = td_plugin_load(path, NULL, stderr, &strategy, error);
    if (status == TD_OK && strcmp(td_strategy_source(strategy), source) != 0)
        status = source_changed(path, td_strategy_source(strategy), source, error);
    if (status == TD_OK && strcmp(td_strategy_name(strategy), name) != 0)
        status = td_fail(error, TD_BAD_DATA, "%s is strategy %s, the results are of %s", path, td_strategy_name(strategy), name);
    free(path);
    return status;
}

/* The configuration that the results file holds. It names no files, but a configuration has to: as many tapes as there were, whose paths
 * come later, and the recorded latencies. */
static td_status parse_resolved(const verify_arguments *arguments, const td_results *results, const char *resolved, td_config **config,
                                td_error *error) {
    const char *latencies = td_results_attribute(results, "latency_rows_path");
    double venues = td_results_number(results, "venues");
    char *name = NULL, *path = latencies ? find_file(arguments, NULL, latencies) : NULL, *set = NULL, tapes[TD_VENUES_MAX * 8 + 16];
    json_t *quoted = path ? json_string(path) : NULL;
    char *text = quoted ? json_dumps(quoted, JSON_ENCODE_ANY) : NULL;
    size_t used = (size_t)snprintf(tapes, sizeof tapes, "tape=");
    for (int v = 0; venues > 1 && v < venues && v < TD_VENUES_MAX; v++)
        used += (size_t)snprintf(tapes + used, sizeof tapes - used, "%sv%d", v ? ", " : "[", v);
    snprintf(tapes + used, sizeof tapes - used, venues > 1 ? "]" : "of-the-results");
    td_status status = td_fail(error, TD_NO_MEMORY, "no memory");
    if (asprintf(&name, "%s (config_resolved)", arguments->results_path) >= 0 &&
        (!latencies || (text && asprintf(&set, "book.latency_rows=%s", text) >= 0))) {
        const char *const overrides[] = {tapes, set};
        status = td_config_parse(name, resolved, overrides, set ? 2 : 1, stderr, config, error);
    }
    json_decref(quoted);
    free(text), free(set), free(path), free(name);
    return status;
}

/* Where the tapes are now. */
static td_status place_tapes(const verify_arguments *arguments, td_config *config, const char *recorded, td_error *error) {
    if (config->kind == TD_TAPE_OF_BARS) {
        char *tape = find_file(arguments, arguments->tape_path, recorded);
        if (!tape) return td_fail(error, TD_NO_MEMORY, "no memory");
        free(config->tape);
        config->tape = tape;
        return TD_OK;
    }
    int venues = config->play.book.venue_count;
    if (venues > 1 && arguments->tape_path)
        return td_fail(error, TD_BAD_ARG, "--tape names one tape, and %s is of %d; put them where they were", arguments->results_path, venues);
    for (int v = 0; v < venues; v++) {
        size_t length = strcspn(recorded, "\n");
        char *one = strndup(recorded, length), *tape = one ? find_file(arguments, arguments->tape_path, one) : NULL;
        free(one);
        if (!tape) return td_fail(error, TD_NO_MEMORY, "no memory");
        free(config->tapes[v]);
        config->tapes[v] = tape;
        recorded += length + (recorded[length] == '\n');
    }
    return TD_OK;
}

static td_status load_config(const verify_arguments *arguments, const td_results *results, td_config **config, td_error *error) {
    const char *digest = td_results_attribute(results, "config_digest");
    const char *resolved = td_results_attribute(results, "config_resolved");
    const char *recorded = td_results_attribute(results, "tape_path");
    if (!digest || !resolved || !recorded)
        return td_fail(error, TD_BAD_DATA, "%s lacks the attribute %s", arguments->results_path,
                       !digest ? "config_digest" : !resolved ? "config_resolved" : "tape_path");
    td_status status;
    if (arguments->config_path) {
        status = td_config_load(arguments->config_path, NULL, 0, stderr, config, error);
    } else {
        TD_TRY(load_strategy(arguments, results, error));
        status = parse_resolved(arguments, results, resolved, config, error);
    }
    if (status != TD_OK) return status;
    const char *source = td_results_attribute(results, "strategy_source"), *source_now = td_strategy_source((*config)->play.strategy);
    /* rules that this program writes otherwise are the same rules; whether they play the same is what is verified */
    if ((*config)->strategy && source && source_now && strcmp(source, source_now) != 0) return source_changed((*config)->strategy, source_now, source, error);
    if (strcmp((*config)->digest, digest) != 0)
        return td_fail(error, TD_BAD_ARG, "%s is not the configuration of %s: its digest is %.12s..., the results have %.12s...",
                       arguments->config_path ? arguments->config_path : "the configuration as this program reads it",
                       arguments->results_path, (*config)->digest, digest);
    return place_tapes(arguments, *config, recorded, error);
}

/* A configuration that names no symbols meant those that were on the tape then; it may hold more by now. */
static td_status name_symbols(const td_results *results, td_config *config, td_error *error) {
    int64_t count = td_results_symbols(results);
    const char *members = td_results_attribute(results, "portfolio_symbols");
    if (members) {
        count = 1;
        for (const char *at = members; *at; at++) count += *at == '\n';
    }
    config->symbols = calloc((size_t)count, sizeof *config->symbols);
    for (int64_t k = 0; config->symbols && k < count; k++) {
        size_t length = members ? strcspn(members, "\n") : 0;
        config->symbols[k] = members ? strndup(members, length) : strdup(td_results_symbol_name(results, k));
        if (!config->symbols[k]) break;
        if (members) members += length + (members[length] == '\n');
        config->symbol_count++;
    }
    return config->symbol_count == count ? TD_OK : td_fail(error, TD_NO_MEMORY, "no memory for %" PRId64 " symbols", count);
}

static td_status open_tape(const verify_arguments *arguments, verification *verification, td_error *error) {
    td_job *job = &verification->job;
    for (int v = 0; v < (job->config->kind == TD_TAPE_OF_BOOKS ? job->config->play.book.venue_count : 1); v++) {
        const char *path = job->config->kind == TD_TAPE_OF_BOOKS ? job->config->tapes[v] : job->config->tape;
        if (!arguments->tape_path && access(path, F_OK) != 0)
            return td_fail(error, TD_BAD_DATA, "the tape %s is not there; name it with --tape FILE", path);
    }
    if (job->config->kind == TD_TAPE_OF_BARS) {
        TD_TRY(td_tape_open(job->config->tape, false, &job->tape, error));
        job->tape_is_open = true;
        if (job->config->symbol_count == 0 && job->tape.symbols > 1)
            TD_TRY(name_symbols(verification->results, job->config, error));
        TD_TRY(td_markets_make(job->config, &job->tape, &job->markets, error));
    } else {
        TD_TRY(td_job_open_tapes(job, true, error));
    }
    /* the digest in the file names what was written; what is there now is what will be played */
    char now[TD_DIGEST_HEX];
    TD_TRY(td_markets_hash(&job->markets, now, error));
    const char *digest = td_results_attribute(verification->results, "tape_digest");
    if (!digest || strcmp(digest, now) != 0)
        return td_fail(error, TD_BAD_DATA,
                       "%s is not the tape of %s: the digest of its data is %.12s..., the results have %.12s...", job->config->tape,
                       arguments->results_path, now, digest ? digest : "none");
    return TD_OK;
}

/* ---- the sample ---- */

typedef struct ticket {
    uint64_t key;
    int64_t row;
} ticket;

static int compare_tickets(const void *left, const void *right) {
    const ticket *a = left, *b = right;
    return a->key != b->key ? (a->key < b->key ? -1 : 1) : a->row < b->row ? -1 : a->row > b->row;
}

static int compare_rows(const void *left, const void *right) {
    int64_t a = *(const int64_t *)left, b = *(const int64_t *)right;
    return a < b ? -1 : a > b;
}

/* Every finished row draws a number; those with the smallest ones are the sample. */
static td_status draw_sample(const verify_arguments *arguments, verification *verification, td_error *error) {
    const int32_t *state = td_results_state(verification->results, error);
    if (!state) return TD_BAD_DATA;
    const td_results *results = verification->results;
    const td_markets *markets = &verification->job.markets;
    int64_t sets = td_space_count(verification->job.config->space);
    verification->rows = td_results_rows(results);
    if (td_results_trials(results) != sets)
        return td_fail(error, TD_BAD_DATA, "%s has %" PRId64 " trials, its configuration describes %" PRId64,
                       arguments->results_path, td_results_trials(results), sets);
    if (td_results_symbols(results) != markets->symbols || td_results_intervals(results) != markets->intervals)
        return td_fail(error, TD_BAD_DATA,
                       "%s has %" PRId64 " symbols and %" PRId64 " intervals, its configuration names %" PRId64 " and %" PRId64,
                       arguments->results_path, td_results_symbols(results), td_results_intervals(results),
                       markets->symbols, markets->intervals);
    int64_t finished = 0;
    for (int64_t row = 0; row < verification->rows; row++) finished += state[row] != TD_CELL_PENDING;
    if (!finished) return td_fail(error, TD_BAD_DATA, "%s has no finished set to replay", arguments->results_path);
    verification->finished = finished;
    int64_t wanted = arguments->sample < 0 || arguments->sample > finished ? finished : arguments->sample;
    verification->sample = malloc((size_t)wanted * sizeof *verification->sample);
    ticket *tickets = malloc((size_t)finished * sizeof *tickets);
    if (!verification->sample || !tickets) {
        free(tickets);
        return td_fail(error, TD_NO_MEMORY, "no memory to draw from %" PRId64 " sets", finished);
    }
    int64_t count = 0;
    for (int64_t row = 0; row < verification->rows; row++)
        if (state[row] != TD_CELL_PENDING)
            tickets[count++] = (ticket){td_random_bits(arguments->seed, TD_PURPOSE_SUBSAMPLE, (uint64_t)row, 0), row};
    if (wanted < finished) qsort(tickets, (size_t)finished, sizeof *tickets, compare_tickets);
    for (int64_t i = 0; i < wanted; i++) verification->sample[i] = tickets[i].row;
    free(tickets);
    qsort(verification->sample, (size_t)wanted, sizeof *verification->sample, compare_rows);
    verification->replayed = wanted;
    return TD_OK;
}

/* ---- the comparison ---- */

static bool same_double(double a, double b) { return memcmp(&a, &b, sizeof a) == 0 || (isnan(a) && isnan(b)); }

static bool same_float(float a, float b) { return memcmp(&a, &b, sizeof a) == 0 || (isnan(a) && isnan(b)); }

/* The stored columns the threads read. */
typedef struct stored {
    const int32_t *state;
    const uint64_t *hash;
    const double *metrics[TD_METRIC_COUNT];                               /* NULL of other kinds of tapes */
    const double *low[TD_METRIC_BARS_COUNT], *high[TD_METRIC_BARS_COUNT]; /* NULL without envelopes */
} stored;

static td_status read_stored(td_results *results, struct stored *stored, td_error *error) {
    *stored = (struct stored){.state = td_results_state(results, error), .hash = td_results_hash(results, error)};
    if (!stored->state || !stored->hash) return TD_BAD_DATA;
    bool enveloped = td_results_enveloped(results);
    const td_tape_kind_info *kind = &td_tape_kind_infos[td_results_tape_kind(results)];
    for (int i = 0; i < kind->metric_count; i++)
        if (!(stored->metrics[kind->metrics[i]] = td_results_metric(results, kind->metrics[i], error))) return TD_BAD_DATA;
    for (int m = 0; enveloped && m < TD_METRIC_BARS_COUNT; m++) {
        if (!(stored->low[m] = td_results_low(results, (td_metric)m, error))) return TD_BAD_DATA;
        if (!(stored->high[m] = td_results_high(results, (td_metric)m, error))) return TD_BAD_DATA;
    }
    return TD_OK;
}

/* Compares one row with its replay; true when everything is as stored. */
static bool compare_row(const stored *stored, int64_t row, const td_cell *cell, const td_envelope *envelope,
                        const float *stored_returns, const float *returns, int64_t blocks, difference *found) {
    *found = (difference){.row = row, .stored_hash = stored->hash[row], .replayed_hash = cell->hash};
    bool differs = found->hash = found->stored_hash != found->replayed_hash;
    differs |= found->state = stored->state[row] != cell->state;
    for (int m = 0; m < TD_METRIC_COUNT; m++)
        differs |= found->metrics[m] = stored->metrics[m] && !same_double(stored->metrics[m][row], cell->metrics[m]);
    for (int m = 0; stored->low[0] && m < TD_METRIC_BARS_COUNT; m++)
        differs |= found->envelope[m] =
            !same_double(stored->low[m][row], envelope->low[m]) || !same_double(stored->high[m][row], envelope->high[m]);
    for (int64_t b = 0; b < blocks; b++) found->block_returns |= !same_float(stored_returns[b], returns[b]);
    return !(differs | found->block_returns);
}

/* One thread's share of the market that is open: every stride-th row of [first, end) of the sample. HDF5 is one thread's at a
 * time. */
static td_status replay_share(verification *verification, const stored *stored, int64_t first, int64_t end, int64_t stride,
                              td_error *error) {
    /* a market with fewer blocks than others has NaN for the rest */
    int64_t blocks = td_results_blocks(verification->results), played = td_deck_blocks(verification->deck);
    float *returns = malloc((size_t)blocks * 2 * sizeof *returns), *stored_returns = returns + blocks;
    if (!returns) return td_fail(error, TD_NO_MEMORY, "no memory to replay a set");
    for (int64_t b = played; b < blocks; b++) returns[b] = NAN;
    td_status status = TD_OK;
    for (int64_t i = first; i < end && status == TD_OK; i += stride) {
        int64_t row = verification->sample[i];
        td_set set;
        td_cell cell;
        td_envelope envelope;
        difference found;
        td_space_set(verification->job.config->space, td_results_row_trial(verification->results, row), &set);
        status = td_check_set(verification->deck, &set, error);
        td_playing_now.first = td_playing_now.last = td_results_row_trial(verification->results, row);
        if (status == TD_OK) status = td_play_detailed(verification->deck, &set, NULL, &cell, returns, error);
        if (status == TD_OK && stored->low[0]) status = td_envelope_of(verification->deck, &set, &cell, &envelope, error);
        td_playing_now = (td_playing){-1, -1};
        #pragma omp critical(verify_results)
        {
            if (status == TD_OK) status = td_results_block_returns(verification->results, row, stored_returns, error);
            if (status == TD_OK && !compare_row(stored, row, &cell, &envelope, stored_returns, returns, blocks, &found)) {
                /* keep those with the lowest numbers, whichever thread found them */
                int64_t at = verification->different < SHOWN_MAX ? verification->different : SHOWN_MAX - 1;
                if (verification->different < SHOWN_MAX || found.row < verification->shown[at].row) {
                    for (; at > 0 && verification->shown[at - 1].row > found.row; at--)
                        verification->shown[at] = verification->shown[at - 1];
                    verification->shown[at] = found;
                }
                verification->different++;
            }
        }
    }
    free(returns);
    return status;
}

/* Rows [first, end) of the sample, all of one market. */
static td_status replay_market(const verify_arguments *arguments, verification *verification, const stored *stored,
                               int64_t market, int64_t first, int64_t end, td_error *error) {
    const td_markets *markets = &verification->job.markets;
    TD_TRY(td_market_open(markets, market, &verification->pick, &verification->deck, error));
    td_status status = TD_OK;
    int64_t stored_blocks = td_results_blocks(verification->results), blocks = td_deck_blocks(verification->deck);
    if (blocks > stored_blocks || (blocks < stored_blocks && td_markets_count(markets) == 1))
        return td_fail(error, TD_BAD_DATA, "%s has %" PRId64 " blocks of returns, its configuration asks for %" PRId64,
                       arguments->results_path, stored_blocks, blocks);
    int threads = arguments->threads > 0 ? arguments->threads : omp_get_max_threads();
    if (threads > end - first) threads = (int)(end - first);
    td_crash_watch(verification->job.config->play.strategy, threads, arguments->json);
    #pragma omp parallel num_threads(threads)
    {
        td_error mine = {.message = ""};
        td_status how = replay_share(verification, stored, first + omp_get_thread_num(), end, omp_get_num_threads(), &mine);
        #pragma omp critical(verify_status)
        if (how != TD_OK && status == TD_OK) {
            status = how;
            *error = mine;
        }
    }
    td_deck_free(verification->deck);
    verification->deck = NULL;
    td_pick_close(&verification->pick);
    return status;
}

static td_status replay(const verify_arguments *arguments, verification *verification, td_error *error) {
    stored stored;
    TD_TRY(read_stored(verification->results, &stored, error));
    int64_t trials = td_results_trials(verification->results);
    for (int64_t first = 0, end; first < verification->replayed; first = end) {
        int64_t market = verification->sample[first] / trials;
        end = first + 1;
        while (end < verification->replayed && verification->sample[end] / trials == market) end++;
        TD_TRY(replay_market(arguments, verification, &stored, market, first, end, error));
    }
    return TD_OK;
}

/* ---- the report ---- */

/* "17", or "17 on ETHUSDT 1h" of several markets, into a buffer of 128 bytes; returns it. */
static const char *row_text(const td_results *results, int64_t row, char *text) {
    int used = snprintf(text, 128, "%" PRId64, td_results_row_trial(results, row));
    if (td_results_several(results))
        snprintf(text + used, 128 - (size_t)used, " on %s %s",
                 td_results_symbol_name(results, td_results_row_symbol(results, row)),
                 td_results_interval_name(results, td_results_row_interval(results, row)));
    return text;
}

/* "state, sharpe, block_return" into a buffer. */
static void name_differences(const difference *found, char *text, size_t size) {
    size_t used = 0;
    text[0] = 0;
    const char *names[2 * TD_METRIC_COUNT + 2];
    char bounds[TD_METRIC_BARS_COUNT][80];
    int count = 0;
    if (found->state) names[count++] = "state";
    for (int m = 0; m < TD_METRIC_COUNT; m++)
        if (found->metrics[m]) names[count++] = td_metric_infos[m].name;
    for (int m = 0; m < TD_METRIC_BARS_COUNT; m++)
        if (found->envelope[m]) {
            snprintf(bounds[m], sizeof bounds[m], "envelope of %s", td_metric_infos[m].name);
            names[count++] = bounds[m];
        }
    if (found->block_returns) names[count++] = "block_return";
    for (int i = 0; i < count && used < size; i++)
        used += (size_t)snprintf(text + used, size - used, "%s%s", i ? ", " : "", names[i]);
}

static json_t *describe_json(const verify_arguments *arguments, const verification *verification) {
    json_t *list = json_array();
    for (int64_t i = 0; i < verification->different && i < SHOWN_MAX; i++) {
        const difference *found = &verification->shown[i];
        char stored[17], replayed[17], fields[1024];
        td_set set;
        int64_t trial = td_results_row_trial(verification->results, found->row);
        td_space_set(verification->job.config->space, trial, &set);
        snprintf(stored, sizeof stored, "%016" PRIx64, found->stored_hash);
        snprintf(replayed, sizeof replayed, "%016" PRIx64, found->replayed_hash);
        name_differences(found, fields, sizeof fields);
        json_t *object = json_pack("{s:I,s:o,s:s,s:s,s:s}", "trial", (json_int_t)trial, "parameters",
                                   td_job_parameters(&verification->job, &set), "stored_hash", stored, "replayed_hash", replayed,
                                   "differs", fields);
        td_json_market(object, verification->results, found->row);
        json_array_append_new(list, object);
    }
    return json_pack("{s:s,s:I,s:I,s:I,s:I,s:o}",
                     "results", arguments->results_path,
                     "sets", (json_int_t)verification->rows,
                     "finished", (json_int_t)verification->finished,
                     "replayed", (json_int_t)verification->replayed,
                     "different", (json_int_t)verification->different,
                     "differences", list);
}

static void describe_text(const verification *verification) {
    printf("%" PRId64 " of %" PRId64 " finished sets replayed with the reference engine: ", verification->replayed,
           verification->finished);
    if (!verification->different) {
        printf("hash, state, metrics%s and block returns are the same bit for bit\n",
               td_results_enveloped(verification->results) ? ", envelopes" : "");
        return;
    }
    printf("%" PRId64 " differ\n", verification->different);
    for (int64_t i = 0; i < verification->different && i < SHOWN_MAX; i++) {
        const difference *found = &verification->shown[i];
        char fields[1024];
        td_set set;
        int64_t trial = td_results_row_trial(verification->results, found->row);
        td_space_set(verification->job.config->space, trial, &set);
        char *parameters = td_job_parameters_text(&verification->job, &set);
        name_differences(found, fields, sizeof fields);
        char of[128];
        printf("trial %s (%s): hash %016" PRIx64 " stored, %016" PRIx64 " replayed%s%s\n",
               row_text(verification->results, found->row, of), parameters ? parameters : "", found->stored_hash,
               found->replayed_hash, *fields ? "; differs in " : "", fields);
        free(parameters);
    }
}

static td_status verify(const verify_arguments *arguments, verification *verification, int *code, td_error *error) {
    TD_TRY(td_results_open(arguments->results_path, &verification->results, error));
    TD_TRY(load_config(arguments, verification->results, &verification->job.config, error));
    TD_TRY(open_tape(arguments, verification, error));
    TD_TRY(draw_sample(arguments, verification, error));
    TD_TRY(replay(arguments, verification, error));
    if (arguments->json)
        *code = td_json_print(describe_json(arguments, verification), *code);
    else
        describe_text(verification);
    if (!verification->different) return TD_OK;
    const difference *first = &verification->shown[0];
    char of[128];
    return td_fail(error, TD_DIFFERENT,
                   "%s: %" PRId64 " of %" PRId64 " replayed sets differ, trial %s first: hash %016" PRIx64
                   " stored, %016" PRIx64 " replayed",
                   arguments->results_path, verification->different, verification->replayed,
                   row_text(verification->results, first->row, of), first->stored_hash, first->replayed_hash);
}

int td_cmd_verify(int argc, char **argv) {
    if (td_prove_is_asked(argc, argv)) return td_prove(argc, argv);
    static const struct argp parser = {
        .options = options,
        .parser = parse,
        .args_doc = "RESULTS.h5",
        .doc = "Replays sets of a results file with the reference engine and compares hash, state, metrics and block returns "
               "bit for bit.\v"
               "Exits with 4 when something differs, naming the trial and both hashes.\n\n"
               "`tapedeck verify --poison CONFIG.yaml' proves that a strategy does not see the future, `tapedeck verify --warmup "
               "CONFIG.yaml' measures how much depends on the first bar; each has its own --help.",
    };
    verify_arguments arguments = {.sample = SAMPLE_PRESET};
    argp_parse(&parser, argc, argv, 0, NULL, &arguments);
    verification verification = {0};
    td_error error = {.message = ""};
    int code = TD_EXIT_OK;
    td_status status = verify(&arguments, &verification, &code, &error);
    if (status != TD_OK) code = td_cli_fail(status, &error, arguments.json);
    td_deck_free(verification.deck);
    td_pick_close(&verification.pick);
    td_job_close(&verification.job);
    if (verification.results) td_results_close(verification.results);
    free(verification.sample);
    return td_cli_finish(code);
}
