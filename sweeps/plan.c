/* What a sweep would take. See sweep.h.
 *
 * Bytes are sums of what the parts say they hold, plus what a process of this program holds before it plays anything; seconds
 * come from playing a few groups of the sweep itself, spread over its trials, over as much of the tape as a fifth of a second
 * allows. tests/check_resume.py holds the bytes against what the kernel reports. */
#include "sweeps/sweep.h"

#include <omp.h>
#include <stdlib.h>
#include <time.h>

#include "sim/book_engines.h"

enum {
    PROCESS_BYTES = 24 << 20,      /* libraries, heap and buffers of a process that has opened a tape and a results file */
    THREAD_BYTES = 256 << 10,      /* touched part of a thread's stack and arenas */
    BOOK_MESSAGE_BYTES = 30,       /* of a message without its rows (data/book.h) */
    INDEX_BYTES = 16,              /* journal's index and the order of the best, per trial */
    TABLE_COLUMNS = 10,            /* metrics, state and reason a table of the best reads whole, beside the axes */
    DECK_BYTES_PER_BAR = 8,        /* what a deck keeps: calendar, market returns ... */
    FINER_BYTES_PER_BAR = 8,       /* ... where finer bars begin ... */
    PAIR_BYTES_PER_BAR = 40,       /* ... and the closes of a pair, their logarithms, and where they are */
    TAPE_COLUMNS = 4,              /* prices that are read; volume is not */
    PICK_BYTES_PER_BAR = 48,       /* times and all columns of the tape's bars that a market's are made of */
    FRAME_BYTES = 32,              /* header and trial number of a journal frame */
    BATCH_BYTES = 32 << 10,        /* of each further variable of the results file, while it is written */
    FILE_BYTES = 256 << 10,        /* results file without its variables' data: attributes, scales, indexes */
    SAMPLE_GROUPS = 4, SAMPLE_BARS = 4096, BOOK_PARTS = 256,
    BOOK_WINDOW_BYTES = 64 << 20,  /* of the tape of a venue that a thread has in memory */
};
static const double sample_seconds = 0.2, writing_seconds = 1e-5; /* the latter for a set, into journal and results file */

static double thread_seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* Sets `[first, first + count)` of the space; false when one of them cannot be played on this deck. */
static bool sample_sets(const td_space *space, const td_deck *deck, int64_t first, int64_t count, td_set *sets) {
    for (int64_t i = 0; i < count; i++) {
        td_space_set(space, first + i, &sets[i]);
        if (td_check_set(deck, &sets[i], NULL) != TD_OK) return false;
    }
    return true;
}

/* Plays groups and adds up what was played and how long it took; *fits says whether the sets could be played on the deck at all. */
static td_status play_groups(const td_config *config, const td_deck *deck, const td_sweep_def *def, int64_t group,
                             double *evaluations, double *seconds, bool *fits, td_error *error) {
    int64_t trials = td_space_count(config->space);
    if (group > trials) group = trials;
    size_t blocks = (size_t)td_deck_blocks(deck);
    td_set *sets = malloc((size_t)group * sizeof *sets);
    td_cell *cells = malloc((size_t)group * sizeof *cells);
    float *block_returns = malloc((size_t)group * blocks * sizeof *block_returns);
    td_envelope *envelopes = NULL;
    td_siblings siblings = {0};
    td_player *player = NULL;
    td_status status = sets && cells && block_returns ? td_player_open(deck, def->engine, def->isa, &player, error)
                                                      : td_fail(error, TD_NO_MEMORY, "no memory for a group of sets");
    if (status == TD_OK && config->envelope) {
        envelopes = malloc((size_t)group * sizeof *envelopes);
        status = envelopes ? td_siblings_open(&siblings, group, error) : td_fail(error, TD_NO_MEMORY, "no memory for envelopes");
    }
    *evaluations = *seconds = 0;
    *fits = status == TD_OK;
    /* the first group warms the caches and is not counted, unless it already took too long */
    for (int g = -1; *fits && g < SAMPLE_GROUPS && *seconds < sample_seconds; g++) {
        int64_t first = (trials - group) * (g < 0 ? 0 : 2 * g + 1) / (2 * SAMPLE_GROUPS);
        *fits = sample_sets(config->space, deck, first, group, sets);
        if (!*fits) break;
        double start = thread_seconds();
        td_playing_now = (td_playing){first, first + group - 1};
        if (envelopes)
            td_play_envelopes(player, sets, group, &siblings, cells, block_returns, envelopes);
        else
            td_play(player, sets, group, cells, block_returns);
        td_playing_now = (td_playing){-1, -1};
        double taken = thread_seconds() - start;
        if (g < 0 && taken < sample_seconds / 4) continue;
        status = td_player_status(player, error);
        if (status != TD_OK) break;
        *seconds += taken;
        *evaluations += (double)group * (double)td_deck_evaluations(deck);
    }
    if (player) td_player_close(player);
    td_siblings_close(&siblings);
    free(envelopes);
    free(block_returns);
    free(cells);
    free(sets);
    return status;
}

/* The same on the first `bars` bars of one symbol, which may be too short a piece for the sets. */
static td_status play_sample(const td_config *config, const td_tape *tape, const td_sweep_def *def, int64_t bars,
                             double *evaluations, double *seconds, bool *fits, td_error *error) {
    td_play_def play = config->play;
    play.bars = bars;
    td_deck *deck = NULL;
    TD_TRY(td_deck_make(tape, &play, &deck, error));
    td_status status = play_groups(config, deck, def, td_deck_group(deck, def->engine), evaluations, seconds, fits, error);
    td_deck_free(deck);
    return status;
}

/* The same of order books, on the first part of the time, which grows until the sample takes long enough. */
static td_status calibrate_books(const td_config *config, const td_deck *deck, const td_sweep_def *def, double *rate, td_error *error) {
    int64_t first_ns = td_deck_book(deck)->first_ns, span_ns = td_deck_book(deck)->last_ns - first_ns;
    for (int64_t parts = BOOK_PARTS;; parts /= 4) {
        if (parts < 1) parts = 1;
        td_play_def play = config->play;
        td_deck *part = NULL;
        double evaluations = 0, seconds = 0;
        bool fits = false;
        if (parts > 1) play.book.to_ns = first_ns + span_ns / parts + 1;
        td_status status = td_deck_make_book(&play, &part, error);
        if (status == TD_OK) status = play_groups(config, part, def, td_deck_group(part, def->engine), &evaluations, &seconds, &fits, error);
        td_deck_free(part);
        if (status != TD_OK && parts > 1) continue; /* too short a part to be played */
        TD_TRY(status);
        if (fits && seconds > 0) *rate = evaluations / seconds;
        if (parts == 1 || (fits && seconds >= sample_seconds / 4)) return TD_OK;
    }
}

/* Bar evaluations per second of one thread. A portfolio is measured whole, a lane block at a time; of one symbol the piece of tape grows
 * until the sample takes long enough to be measured. */
static td_status calibrate_thread(const td_config *config, const td_tape *tape, const td_deck *deck, const td_sweep_def *def,
                                  int64_t bars, double *rate, td_error *error) {
    if (config->kind == TD_TAPE_OF_BOOKS) return calibrate_books(config, deck, def, rate, error);
    if (config->plays_portfolio) {
        double evaluations, seconds;
        bool fits;
        TD_TRY(play_groups(config, deck, def, td_isa_lanes(def->isa), &evaluations, &seconds, &fits, error));
        if (fits && seconds > 0) *rate = evaluations / seconds;
        return TD_OK;
    }
    for (int64_t piece = SAMPLE_BARS;; piece *= 4) {
        if (piece > bars) piece = bars;
        double evaluations = 0, seconds = 0;
        bool fits = false;
        TD_TRY(play_sample(config, tape, def, piece, &evaluations, &seconds, &fits, error));
        if (fits && seconds > 0) *rate = evaluations / seconds;
        if (piece == bars || (fits && seconds >= sample_seconds / 4)) return TD_OK;
    }
}

/* What of the tapes is in memory at once. */
static int64_t book_bytes(const td_book_deck *deck, int threads) {
    int64_t bytes = 0, most = (int64_t)threads * BOOK_WINDOW_BYTES;
    for (int v = 0; v < deck->venues; v++) {
        int64_t messages = deck->messages[v], rows = td_book_row_begin(deck->def.book.venues[v].book, messages);
        int64_t all = rows * (int64_t)sizeof(td_book_row) + messages * BOOK_MESSAGE_BYTES;
        bytes += all < most ? all : most;
    }
    return bytes;
}

/* What one market adds to the plan; its bars, and with calibrate the speed of a thread, unless *rate is known already. */
static td_status plan_market(const td_markets *markets, int64_t market, const td_sweep_def *def, bool calibrate,
                             td_sweep_plan *plan, int64_t *peak_bytes, int64_t *bars, double *rate, td_error *error) {
    const td_config *config = markets->config;
    td_pick pick;
    td_deck *deck;
    TD_TRY(td_market_open(markets, market, &pick, &deck, error));
    td_status status = calibrate ? td_sweep_check(config, deck, def, error) : TD_OK;
    if (status != TD_OK) {
        td_deck_free(deck);
        td_pick_close(&pick);
        return td_market_fail(markets, market, status, error);
    }
    int64_t blocks = td_deck_blocks(deck), group = td_deck_group(deck, def->engine);
    int64_t cell_bytes = (int64_t)sizeof(td_cell) + blocks * (int64_t)sizeof(float);
    int64_t thread_bytes = (int64_t)td_player_bytes(deck, def->engine, def->isa) +
                           group * ((int64_t)sizeof(td_set) + (int64_t)sizeof(int64_t) + 2 * cell_bytes) + THREAD_BYTES;
    int64_t bar_bytes = (int64_t)sizeof(int64_t) + TAPE_COLUMNS * (int64_t)sizeof(double);
    if (config->envelope) /* and once more in the journal's buffer */
        thread_bytes += (int64_t)td_siblings_bytes(group) + 2 * group * (int64_t)sizeof(td_envelope);
    *bars = td_deck_evaluations(deck);
    int64_t tape_bytes = config->kind == TD_TAPE_OF_BOOKS ? book_bytes(td_deck_book(deck), plan->threads)
                         : pick.memory ? (int64_t)pick.bytes + markets->tape->bars * PICK_BYTES_PER_BAR : *bars * bar_bytes;
    if (config->execution) tape_bytes += *bars * FINER_BYTES_PER_BAR;
    if (td_strategy_plays_pairs(config->play.strategy)) tape_bytes += *bars * PAIR_BYTES_PER_BAR;
    int64_t deck_bytes = config->kind == TD_TAPE_OF_BARS ? *bars * DECK_BYTES_PER_BAR : 0;
    int64_t bytes = tape_bytes + deck_bytes + plan->threads * thread_bytes;
    if (bytes > *peak_bytes) *peak_bytes = bytes;
    int64_t told = config->kind == TD_TAPE_OF_BARS ? td_deck_bars(deck) : *bars;
    if (told > plan->bars) plan->bars = told;
    if (blocks > plan->blocks) plan->blocks = blocks;
    plan->engine = td_deck_engine(deck, def->engine);
    plan->bar_evaluations += (double)plan->trials * (double)*bars;
    if (calibrate && *rate == 0) status = calibrate_thread(config, &pick.tape, deck, def, *bars, rate, error);
    td_deck_free(deck);
    td_pick_close(&pick);
    return status;
}

/* All markets, one at a time. Speed is measured at each interval on the first symbol: other symbols differ little. */
static td_status plan_markets(const td_markets *markets, const td_sweep_def *def, bool calibrate, td_sweep_plan *plan,
                              td_error *error) {
    const td_space *space = markets->config->space;
    int64_t count = td_markets_count(markets), peak_bytes = 0;
    *plan = (td_sweep_plan){
        .trials = td_space_count(space),
        .excluded = td_space_excluded(space),
        .symbols = markets->symbols,
        .intervals = markets->intervals,
        .threads = def->threads > 0 ? def->threads : omp_get_max_threads(),
        .isa = def->isa,
    };
    plan->rows = plan->trials * count;
    double *rates = calloc((size_t)markets->intervals, sizeof *rates), seconds = 0;
    if (!rates) return td_fail(error, TD_NO_MEMORY, "no memory for %lld intervals", (long long)markets->intervals);
    int processors = omp_get_num_procs(), busy = plan->threads < processors ? plan->threads : processors;
    double at_once = plan->trials < busy ? (double)plan->trials : busy;
    td_status status = TD_OK;
    for (int64_t m = 0; status == TD_OK && m < count; m++) {
        int64_t bars;
        double *rate = &rates[m % markets->intervals];
        status = plan_market(markets, m, def, calibrate, plan, &peak_bytes, &bars, rate, error);
        if (status == TD_OK && *rate > 0) seconds += (double)plan->trials * (double)bars / (*rate * at_once);
    }
    free(rates);
    if (status != TD_OK) return status;
    int64_t returns_bytes = plan->blocks * (int64_t)sizeof(float), cell_bytes = (int64_t)sizeof(td_cell) + returns_bytes;
    int64_t axes = td_space_axis_count(space);
    int64_t row_bytes = INDEX_BYTES + (axes + TABLE_COLUMNS) * (int64_t)sizeof(double);
    plan->memory_bytes = PROCESS_BYTES + peak_bytes + (int64_t)td_space_bytes(space) + plan->rows * row_bytes;
    int64_t metrics = td_tape_kind_infos[markets->config->kind].metric_count;
    if (markets->config->envelope) {
        plan->memory_bytes += BATCH_BYTES * 2 * metrics;
        metrics = TD_JOURNAL_METRICS_ENVELOPED;
        cell_bytes += (int64_t)sizeof(td_envelope);
    }
    int64_t file_bytes = (axes + metrics + 4) * (int64_t)sizeof(double) + returns_bytes;
    plan->disk_bytes = plan->rows * (FRAME_BYTES + cell_bytes + file_bytes) + FILE_BYTES * (count > 1 ? 2 : 1) * (markets->config->envelope ? 2 : 1);
    if (seconds > 0) {
        plan->bar_evaluations_per_second = plan->bar_evaluations / seconds;
        plan->seconds = seconds + (double)plan->rows * writing_seconds;
    }
    return TD_OK;
}

td_status td_sweep_make_plan(const td_config *config, const td_tape *tape, const td_sweep_def *def, bool calibrate,
                             td_sweep_plan *plan, td_error *error) {
    td_markets markets;
    TD_TRY(td_markets_make(config, tape, &markets, error));
    td_status status = plan_markets(&markets, def, calibrate, plan, error);
    td_markets_free(&markets);
    return status;
}
