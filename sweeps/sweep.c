/* The scheduler. See sweep.h.
 *
 * Markets are played one after the other, so that one deck is in memory. Threads take groups of consecutive rows of the market
 * from one cursor and append what they played to the journal with one call, so there is nothing to merge, nothing that grows with
 * the number of rows but the journal's index, and a sweep can stop between any two groups. A set's cell
 * depends on the set and its market alone (td_play), so ragged groups after a resume, smaller groups near the end and the thread
 * that happens to play change nothing in the results. */
#include "sweeps/sweep.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define COOKIE 0x5eed5eedu

/* A group is what a kill loses and what Ctrl-C waits for, so on long tapes it is smaller than the engine's best: about a second. */
enum { GROUP_EVALUATIONS = 1 << 30 };

/* Why no more groups are taken. */
typedef enum halt { HALT_NONE, HALT_ASKED, HALT_WALL, HALT_ERROR } halt;

/* What the threads of a session share. Everything below `lock` is read and written under it. */
typedef struct crew {
    const td_config *config;
    const td_sweep_def *def;
    const td_markets *markets;
    td_market_facts *facts;     /* (markets) */
    td_journal *journal;
    const uint8_t *done_before; /* a bit per row that an earlier session finished, NULL when there are none */
    int64_t blocks;             /* of a journal's frame: of the market that has most */
    int threads;
    /* the market being played, -1 = none */
    int64_t market;
    td_pick pick;
    td_deck *deck;
    int64_t first_row, end_row, bars, deck_blocks, group, lanes;
    double began, deadline, shown; /* monotonic seconds; deadline 0 = none */
    omp_lock_t lock;
    int64_t missing;         /* rows of the market to play */
    int64_t cursor, untaken; /* first row nobody has looked at; rows from there on that still have to be played */
    halt halt;
    td_sweep_progress progress;
    td_status status;
    td_error error;
} crew;

/* One thread's arrays, a group long. */
typedef struct hands {
    int64_t *rows;
    td_set *sets;
    td_cell *cells;
    float *block_returns;
    td_siblings siblings;   /* these two where the configuration wants envelopes */
    td_envelope *envelopes;
} hands;

_Thread_local td_playing td_playing_now = {-1, -1};

static double monotonic_seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static int64_t wall_clock_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * TD_NS_PER_SECOND + now.tv_nsec;
}

td_sweep_def td_default_sweep_def(void) {
    return (td_sweep_def){.isa = td_isa_best(), .engine = TD_ENGINE_AUTO, .cookie = COOKIE};
}

static int sweep_threads(const td_sweep_def *def) { return def->threads > 0 ? def->threads : omp_get_max_threads(); }

static bool asked_to_stop(const td_sweep_def *def) { return def->stop && __atomic_load_n(def->stop, __ATOMIC_RELAXED); }

/* ", fast 10" into a text of `room` bytes; returns how many it wanted. */
static int axis_text(const td_axis *axis, double value, const char *before, char *text, size_t room) {
    char word[48];
    const char *unit = td_axis_value_unit(axis);
    if (td_value_form_of(unit) == TD_VALUE_NUMBER) return snprintf(text, room, "%s%s %.10g", before, axis->name, value);
    return snprintf(text, room, "%s%s %s", before, axis->name, td_value_text(unit, value, word));
}

td_status td_sweep_check(const td_config *config, const td_deck *deck, const td_sweep_def *def, td_error *error) {
    const td_space *space = config->space;
    int64_t count = td_space_count(space), bad = count;
    int threads = count < 4096 ? 1 : sweep_threads(def);
    #pragma omp parallel for num_threads(threads) schedule(static) reduction(min : bad)
    for (int64_t trial = 0; trial < count; trial++) {
        if (trial > bad || asked_to_stop(def)) continue;
        td_set set;
        td_space_set(space, trial, &set);
        if (td_check_set(deck, &set, NULL) != TD_OK) bad = trial;
    }
    if (bad == count) return TD_OK;
    td_set set;
    td_space_set(space, bad, &set);
    td_check_set(deck, &set, error);
    double values[TD_AXES_MAX];
    char text[320] = "";
    int used = 0, axes = td_space_axis_count(space);
    td_space_values(space, bad, values);
    for (int a = 0; a < axes && used < (int)sizeof text - 1; a++)
        used += axis_text(td_space_axis(space, a), values[a], a ? ", " : "", text + used, sizeof text - (size_t)used);
    return td_fail_within(error, TD_BAD_CONFIG, "trial %lld of %lld%s%s%s", (long long)bad, (long long)count, axes ? " (" : "",
                          text, axes ? ")" : "");
}

static bool is_done_before(const crew *crew, int64_t row) {
    return crew->done_before && crew->done_before[row / 8] >> (row % 8) & 1;
}

/* Fills in the next rows to play, at most a group of consecutive ones (fewer where an earlier session has some of them). */
static int64_t take_group(crew *crew, int64_t *rows) {
    int64_t count = 0;
    omp_set_lock(&crew->lock);
    if (crew->halt == HALT_NONE && asked_to_stop(crew->def)) crew->halt = HALT_ASKED;
    if (crew->halt == HALT_NONE && crew->deadline > 0 && monotonic_seconds() >= crew->deadline) crew->halt = HALT_WALL;
    int64_t wanted = td_deck_share(crew->def->isa, crew->missing, crew->untaken, crew->group, crew->threads);
    while (crew->halt == HALT_NONE && count < wanted && crew->cursor < crew->end_row) {
        int64_t row = crew->cursor++;
        if (is_done_before(crew, row)) continue;
        rows[count++] = row;
        crew->untaken--;
    }
    omp_unset_lock(&crew->lock);
    return count;
}

static void fail_crew(crew *crew, td_status status, const td_error *error) {
    omp_set_lock(&crew->lock);
    if (crew->halt != HALT_ERROR) {
        crew->halt = HALT_ERROR;
        crew->status = status;
        crew->error = *error;
    }
    omp_unset_lock(&crew->lock);
}

static void report_group(crew *crew, const td_cell *cells, int64_t count) {
    int64_t failed = 0;
    for (int64_t i = 0; i < count; i++) failed += cells[i].state == TD_CELL_FAILED;
    omp_set_lock(&crew->lock);
    td_sweep_progress *progress = &crew->progress;
    double now = monotonic_seconds();
    progress->done += count;
    progress->played += count;
    progress->failed += failed;
    progress->seconds = now - crew->began;
    progress->bar_evaluations += (double)count * (double)crew->bars;
    if (crew->def->progress && now - crew->shown >= 0.1) {
        crew->shown = now;
        crew->def->progress(crew->def->progress_context, progress);
    }
    omp_unset_lock(&crew->lock);
}

static bool open_hands(const crew *crew, hands *hands) {
    size_t group = (size_t)crew->group;
    hands->rows = malloc(group * sizeof *hands->rows);
    hands->sets = malloc(group * sizeof *hands->sets);
    hands->cells = malloc(group * sizeof *hands->cells);
    hands->block_returns = malloc(group * (size_t)crew->blocks * sizeof *hands->block_returns);
    bool good = hands->rows && hands->sets && hands->cells && hands->block_returns;
    hands->siblings = (td_siblings){0};
    hands->envelopes = NULL;
    if (!crew->config->envelope || !good) return good;
    hands->envelopes = malloc(group * sizeof *hands->envelopes);
    return hands->envelopes && td_siblings_open(&hands->siblings, crew->group, NULL) == TD_OK;
}

static void close_hands(hands *hands) {
    free(hands->rows);
    free(hands->sets);
    free(hands->cells);
    free(hands->block_returns);
    free(hands->envelopes);
    td_siblings_close(&hands->siblings);
}

/* Returns of `from` blocks a row, moved apart in place to `to` blocks, NaN behind them. */
static void widen_returns(float *returns, int64_t count, int64_t from, int64_t to) {
    for (int64_t i = count - 1; from < to && i >= 0; i--) {
        memmove(returns + i * to, returns + i * from, (size_t)from * sizeof *returns);
        for (int64_t b = from; b < to; b++) returns[i * to + b] = NAN;
    }
}

/* One thread's work: take, play, append, until there is nothing to take. */
static void work(crew *crew) {
    td_error error = {.message = ""};
    td_player *player = NULL;
    hands hands;
    td_status status = open_hands(crew, &hands)
                           ? td_player_open(crew->deck, crew->def->engine, crew->def->isa, &player, &error)
                           : td_fail(&error, TD_NO_MEMORY, "no memory for a group of %lld sets", (long long)crew->group);
    if (status != TD_OK) fail_crew(crew, status, &error);
    for (int64_t count; status == TD_OK && (count = take_group(crew, hands.rows)) > 0;) {
        for (int64_t i = 0; i < count; i++) td_space_set(crew->config->space, hands.rows[i] - crew->first_row, &hands.sets[i]);
        td_playing_now = (td_playing){hands.rows[0] - crew->first_row, hands.rows[count - 1] - crew->first_row};
        if (hands.envelopes)
            td_play_envelopes(player, hands.sets, count, &hands.siblings, hands.cells, hands.block_returns, hands.envelopes);
        else
            td_play(player, hands.sets, count, hands.cells, hands.block_returns);
        td_playing_now = (td_playing){-1, -1};
        status = td_player_status(player, &error);
        if (status != TD_OK) {
            fail_crew(crew, status, &error);
            break;
        }
        widen_returns(hands.block_returns, count, crew->deck_blocks, crew->blocks);
        status = td_journal_append(crew->journal, hands.rows, hands.cells, hands.block_returns, hands.envelopes, count, &error);
        if (status == TD_OK)
            report_group(crew, hands.cells, count);
        else
            fail_crew(crew, status, &error);
    }
    if (player) td_player_close(player);
    close_hands(&hands);
}

static void close_market(crew *crew) {
    td_deck_free(crew->deck);
    if (crew->market >= 0) td_pick_close(&crew->pick);
    crew->deck = NULL;
    crew->market = -1;
}

/* Makes the deck of a market the crew's, unless it is already. */
static td_status open_market(crew *crew, int64_t market, td_error *error) {
    if (crew->market == market) return TD_OK;
    close_market(crew);
    TD_TRY(td_market_open(crew->markets, market, &crew->pick, &crew->deck, error));
    crew->market = market;
    return TD_OK;
}

/* Checks every set on every market, and notes what is to be known of each. The last market stays open. */
static td_status check_markets(crew *crew, td_error *error) {
    int64_t count = td_markets_count(crew->markets);
    crew->facts = calloc((size_t)count, sizeof *crew->facts);
    if (!crew->facts) return td_fail(error, TD_NO_MEMORY, "no memory for %lld markets", (long long)count);
    for (int64_t m = 0; m < count; m++) {
        TD_TRY(open_market(crew, m, error));
        td_status status = td_sweep_check(crew->config, crew->deck, crew->def, error);
        if (status != TD_OK) return td_market_fail(crew->markets, m, status, error);
        TD_TRY(td_market_note(&crew->pick.tape, crew->deck, &crew->facts[m], error));
        if (crew->facts[m].blocks > crew->blocks) crew->blocks = crew->facts[m].blocks;
    }
    return TD_OK;
}

/* Plays what is missing of one market. crew->halt and crew->status say how it ended. */
static td_status play_market(crew *crew, int64_t market, td_error *error) {
    int64_t sets = td_space_count(crew->config->space);
    crew->first_row = crew->cursor = market * sets;
    crew->end_row = crew->first_row + sets;
    crew->untaken = 0;
    for (int64_t row = crew->first_row; row < crew->end_row; row++) crew->untaken += !is_done_before(crew, row);
    crew->missing = crew->untaken;
    if (crew->untaken == 0) return TD_OK;
    TD_TRY(open_market(crew, market, error));
    crew->bars = td_deck_evaluations(crew->deck);
    crew->deck_blocks = td_deck_blocks(crew->deck);
    crew->group = td_deck_group(crew->deck, crew->def->engine);
    crew->lanes = td_isa_lanes(crew->def->isa);
    /* of order books the replay is what takes time, and sets share it */
    int64_t short_group = (GROUP_EVALUATIONS / crew->bars / crew->lanes + 1) * crew->lanes;
    if (crew->group > short_group && crew->config->kind == TD_TAPE_OF_BARS) crew->group = short_group;
    int64_t blocks_of_lanes = (crew->untaken + crew->lanes - 1) / crew->lanes;
    int threads = blocks_of_lanes < crew->threads ? (int)blocks_of_lanes : crew->threads;
    #pragma omp parallel num_threads(threads)
    work(crew);
    return TD_OK;
}

/* Plays what the journal lacks. crew->halt and crew->status say how it ended. */
static td_status play_missing(crew *crew, td_error *error) {
    crew->progress.done = td_journal_done(crew->journal);
    crew->progress.failed = td_journal_failed(crew->journal);
    crew->progress.torn_bytes = td_journal_torn_bytes(crew->journal);
    crew->began = monotonic_seconds();
    if (crew->config->wall_limit > 0) crew->deadline = crew->began + crew->config->wall_limit;

    /* a copy, because the journal's own index changes under the threads that append */
    int64_t rows = crew->progress.rows;
    uint8_t *bits = NULL;
    if (crew->progress.done > 0 && crew->progress.done < rows) {
        bits = calloc((size_t)(rows / 8 + 1), 1);
        if (!bits) return td_fail(error, TD_NO_MEMORY, "no memory for the index of %lld trials", (long long)rows);
        for (int64_t row = 0; row < rows; row++)
            if (td_journal_has(crew->journal, row)) bits[row / 8] |= (uint8_t)(1u << (row % 8));
    }
    crew->done_before = bits;
    td_status status = TD_OK;
    omp_init_lock(&crew->lock);
    for (int64_t m = 0; m < td_markets_count(crew->markets); m++)
        if (status == TD_OK && crew->halt == HALT_NONE && crew->progress.done < rows) status = play_market(crew, m, error);
    omp_destroy_lock(&crew->lock);
    free(bits);
    crew->done_before = NULL;
    if (status != TD_OK || crew->halt != HALT_ERROR) return status;
    if (error) *error = crew->error;
    return crew->status;
}

/* A journal in the way of a sweep that does not resume: held by someone (TD_BUSY), refused, or thrown away with force. */
static td_status clear_journal(const char *path, const td_sweep_def *def, td_error *error) {
    int file = open(path, O_RDWR | O_CLOEXEC);
    if (file < 0) return errno == ENOENT ? TD_OK : td_fail(error, TD_IO, "%s: %s", path, strerror(errno));
    td_status status = TD_OK;
    if (flock(file, LOCK_EX | LOCK_NB) != 0) {
        status = td_fail(error, TD_BUSY, "%s is held by another process, which writes the same results", path);
    } else if (!def->force) {
        td_journal_head head;
        td_journal *journal = NULL;
        if (td_journal_read(path, &head, &journal, NULL) == TD_OK) {
            td_fail(error, TD_BAD_ARG,
                    "%s holds an unfinished sweep (%lld of %lld trials): --resume goes on with it, --force throws it away", path,
                    (long long)td_journal_done(journal), (long long)head.trials);
            td_journal_close(journal);
        } else {
            td_fail(error, TD_BAD_ARG, "%s is in the way and is no journal that can be read; --force throws it away", path);
        }
        status = TD_BAD_ARG;
    } else if (unlink(path) != 0) {
        status = td_fail(error, TD_IO, "%s cannot be removed: %s", path, strerror(errno));
    }
    close(file);
    return status;
}

/* Results that are there already: *done of them finished (0: none there, or to be replaced), or refused. */
static td_status look_at_results(const char *path, const td_markets *markets, const td_sweep_def *def, int64_t *done,
                                 int64_t *failed, td_error *error) {
    const td_config *config = markets->config;
    *done = *failed = 0;
    if (def->force || access(path, F_OK) != 0) return TD_OK;
    if (!def->resume)
        return td_fail(error, TD_BAD_ARG, "%s exists: --resume goes on with it, --force replaces it", path);
    td_results *results = NULL;
    td_status status = td_results_open(path, &results, error);
    if (status != TD_OK) return status;
    const char *config_digest = td_results_attribute(results, "config_digest");
    const char *tape_digest = td_results_attribute(results, "tape_digest");
    const char *source = td_results_attribute(results, "strategy_source"), *source_now = td_strategy_source(config->play.strategy);
    if (source && source_now && strcmp(source, source_now) != 0)
        status = td_fail(error, TD_DIFFERENT, "%s: the strategy's source changed since (SHA-256 %.12s..., now %.12s...)", path, source,
                         source_now);
    else if (!config_digest || strcmp(config_digest, config->digest) != 0)
        status = td_fail(error, TD_DIFFERENT, "%s holds results of another configuration (digest %.12s..., this one is %.12s...)",
                         path, config_digest ? config_digest : "none", config->digest);
    else if (!tape_digest || strcmp(tape_digest, markets->digest) != 0)
        status = td_fail(error, TD_DIFFERENT, "%s holds the results of another tape (digest %.12s..., this one is %.12s...)", path,
                         tape_digest ? tape_digest : "none", markets->digest);
    *done = td_results_done(results);
    *failed = td_results_failed(results);
    td_results_close(results);
    return status;
}

/* What would be found out only when everything is played: a folder in the way. And results written over the tape they come from
 * would be the end of both. */
static td_status check_target(const char *path, const td_config *config, td_error *error) {
    struct stat results, tape;
    if (stat(path, &results) != 0) return TD_OK;
    if (!S_ISREG(results.st_mode))
        return td_fail(error, TD_BAD_ARG, "%s exists and is no plain file; name another one for the results", path);
    if (!config->tape || stat(config->tape, &tape) != 0) return TD_OK;
    if (results.st_dev != tape.st_dev || results.st_ino != tape.st_ino) return TD_OK;
    return td_fail(error, TD_BAD_ARG, "%s is the tape itself; name another file for the results", path);
}

static td_status keep_memory_limit(const td_config *config, const td_tape *tape, const td_sweep_def *def, td_error *error) {
    if (config->memory_limit <= 0) return TD_OK;
    td_sweep_plan plan;
    TD_TRY(td_sweep_make_plan(config, tape, def, false, &plan, error));
    if (plan.memory_bytes <= config->memory_limit) return TD_OK;
    return td_fail(error, TD_NO_MEMORY,
                   "the sweep would need about %lld bytes of memory with %d threads, limits.memory is %lld bytes",
                   (long long)plan.memory_bytes, plan.threads, (long long)config->memory_limit);
}

/* From here the journal is ours. Plays, writes the results, removes the journal when they are whole. */
static td_status play_and_write(crew *crew, const td_journal_head *head, const char *results_path, const char *journal_path,
                                td_error *error) {
    TD_TRY(play_missing(crew, error));
    TD_TRY(td_journal_sync(crew->journal, error));
    const td_sweep_progress *progress = &crew->progress;
    bool whole = progress->done == progress->rows;
    td_sweep_info info = {
        .threads = crew->threads,
        .isa = crew->def->isa,
        .engine = td_deck_engine(crew->deck, crew->def->engine),
        .started_ns = head->created_ns,
        .finished_ns = wall_clock_ns(),
        .play_seconds = progress->seconds,
        .sessions = td_journal_sessions(crew->journal),
        .command = crew->def->command,
    };
    if (progress->done > 0)
        TD_TRY(td_results_write(results_path, crew->config, crew->markets, crew->facts, crew->journal, &info, error));
    if (whole) {
        if (unlink(journal_path) == 0) return TD_OK;
        return td_fail(error, TD_IO, "%s cannot be removed: %s", journal_path, strerror(errno));
    }
    char why[64] = "on request";
    if (crew->halt == HALT_WALL) snprintf(why, sizeof why, "at limits.wall (%g s)", crew->config->wall_limit);
    return td_fail(error, TD_INTERRUPTED, "stopped %s with %lld of %lld sets finished; --resume goes on from there", why,
                   (long long)progress->done, (long long)progress->rows);
}

/* Opens the journal and does what there is to do; looks at the results once more now that nobody else can be writing: another
 * process may have finished in the meantime. */
static td_status run_journalled(crew *crew, const char *results_path, const char *journal_path, bool journal_there,
                                td_error *error) {
    const td_sweep_def *def = crew->def;
    td_sweep_progress *progress = &crew->progress;
    td_tape_kind kind = crew->config->kind;
    td_journal_head head = {.trials = progress->rows, .kind = kind, .engine = TAPEDECK_VERSION,
                            .metrics = crew->config->envelope ? TD_JOURNAL_METRICS_ENVELOPED : td_tape_kind_infos[kind].metric_count,
                            .created_ns = wall_clock_ns(), .blocks = crew->blocks};
    snprintf(head.config_digest, sizeof head.config_digest, "%s", crew->config->digest);
    snprintf(head.tape_digest, sizeof head.tape_digest, "%s", crew->markets->digest);
    const char *source = td_strategy_source(crew->config->play.strategy);
    snprintf(head.strategy_source, sizeof head.strategy_source, "%.12s", source ? source : "");
    TD_TRY(td_journal_open(journal_path, &head, def->resume, &crew->journal, error));
    int64_t done, failed;
    td_status status = look_at_results(results_path, crew->markets, def, &done, &failed, error);
    if (status == TD_OK && done < progress->rows && done > td_journal_done(crew->journal))
        status = td_fail(error, TD_BAD_ARG,
                         "%s holds %lld of %lld trials, the journal %lld: the one it came from is gone, --force starts over",
                         results_path, (long long)done, (long long)progress->rows, (long long)td_journal_done(crew->journal));
    bool whole = status == TD_OK && done == progress->rows;
    if ((whole || status != TD_OK) && (whole || !journal_there)) unlink(journal_path);
    if (whole) {
        progress->done = done;
        progress->failed = failed;
    } else if (status == TD_OK) {
        progress->done = progress->failed = 0;
        status = play_and_write(crew, &head, results_path, journal_path, error);
        if (status != TD_OK && progress->done == 0) unlink(journal_path); /* it says nothing a new start does not */
    }
    td_journal_close(crew->journal);
    return status;
}

static td_status run_markets(crew *crew, const char *results_path, td_error *error) {
    const td_sweep_def *def = crew->def;
    td_sweep_progress *progress = &crew->progress;
    TD_TRY(look_at_results(results_path, crew->markets, def, &progress->done, &progress->failed, error));
    char journal_path[4096];
    if (snprintf(journal_path, sizeof journal_path, "%s.journal", results_path) >= (int)sizeof journal_path)
        return td_fail(error, TD_BAD_ARG, "the path of the results has more than %zu characters", sizeof journal_path - 9);
    bool journal_there = access(journal_path, F_OK) == 0;
    if (progress->done == progress->rows && !journal_there) return TD_OK;
    if (!def->resume) TD_TRY(clear_journal(journal_path, def, error));
    TD_TRY(keep_memory_limit(crew->config, crew->markets->tape, def, error));
    td_status status = check_markets(crew, error);
    if (status == TD_OK) status = run_journalled(crew, results_path, journal_path, journal_there, error);
    close_market(crew);
    td_market_facts_free(crew->facts, td_markets_count(crew->markets));
    return status;
}

td_status td_sweep_run(const td_config *config, const td_tape *tape, const char *results_path, const td_sweep_def *def,
                       td_sweep_progress *progress, td_error *error) {
    assert(def->cookie == COOKIE && !(def->resume && def->force));
    td_markets markets;
    if (progress) *progress = (td_sweep_progress){0};
    TD_TRY(td_markets_make(config, tape, &markets, error));
    crew crew = {.config = config, .def = def, .markets = &markets, .market = -1, .threads = sweep_threads(def), .progress.kind = config->kind};
    td_status status = TD_OK;
    if (__builtin_mul_overflow(td_space_count(config->space), td_markets_count(&markets), &crew.progress.rows))
        status = td_fail(error, TD_BAD_CONFIG, "%s: more parameter sets times markets than can be counted", config->path);
    if (status == TD_OK) status = check_target(results_path, config, error);
    if (status == TD_OK) status = run_markets(&crew, results_path, error);
    if (progress) *progress = crew.progress;
    td_markets_free(&markets);
    return status;
}
