/* Scenes of the engines: sets played over bars, and indicator rows alone. */
#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "bench/kinds.h"
#include "bench/market.h"
#include "data/row_kind.h"
#include "sweeps/sweep.h"

/* ---- sets through an engine ---- */

/* Sets of a scene that are replayed by the reference engine before anything is timed. */
enum { CHECKED_SETS = 8 };

typedef struct play_state {
    td_deck *deck;
    const td_scene_job *job; /* whose deck it is, or NULL: the scene's own */
    const td_strategy *strategy;
    td_set *sets;
    td_cell *cells;
    float *block_returns;
    int64_t count;
    td_engine engine;
    td_isa isa;
    int threads;
    td_player **players;  /* (threads) */
} play_state;

static void set_param(td_set *set, const td_strategy *strategy, const char *name, double value) {
    for (int i = 0; i < td_strategy_param_count(strategy); i++)
        if (!strcmp(td_strategy_param(strategy, i)->name, name)) set->param[i] = value;
}

/* Set number i of `count`: averages in a grid of as many slow ones as makes it nearly square, stops that differ from set to set
 * so that no two lanes move alike. Slow trading: windows ten times as long. */
static td_set make_set(const td_scene_shape *shape, const td_strategy *strategy, int64_t i) {
    bool fine = shape->sets > 1000;
    int64_t columns = fine ? 100 : 40, stretch = shape->pace == TD_PACE_SLOW ? 10 : 1, row = i / columns, column = i % columns;
    td_set set = td_default_set(strategy);
    set_param(&set, strategy, "fast", (double)(stretch * (fine ? 4 + row : 4 + 4 * row)));
    set_param(&set, strategy, "slow", (double)(stretch * (fine ? 110 + 4 * column : 110 + 10 * column)));
    set_param(&set, strategy, "window", (double)(stretch * (5 + row)));
    set_param(&set, strategy, "entry", (double)(stretch * (20 + 4 * column)));
    set_param(&set, strategy, "exit", (double)(stretch * (5 + row)));
    set_param(&set, strategy, "trend", (double)(stretch * (20 + 4 * column)));
    set_param(&set, strategy, "lower", 15 + (double)(column % 20));
    set_param(&set, strategy, "upper", 65 + (double)(column % 20));
    set.knob[TD_KNOB_cash] = 1e6;
    set.knob[TD_KNOB_commission] = 0.001;
    set.knob[TD_KNOB_slippage] = 0.0002;
    double near = 0.01 + 0.0005 * (double)(i % 17), far = 0.015 + 0.0007 * (double)(i % 23);
    bool all = shape->protection == TD_PROTECTION_ALL;
    if (shape->protection == TD_PROTECTION_STOPS) {
        set.knob[TD_KNOB_stop_loss] = near;
        set.knob[TD_KNOB_take_profit] = far;
    }
    if (shape->protection == TD_PROTECTION_TRAILING || all) set.knob[TD_KNOB_trailing] = near;
    if (shape->protection == TD_PROTECTION_BRACKETS || all) { /* a range is about 0.1 % here */
        set.knob[TD_KNOB_stop_volatility] = 1000 * near;
        set.knob[TD_KNOB_target_volatility] = fmin(1000 * far, 1000);
    }
    if (all) {
        set.knob[TD_KNOB_break_even] = 0.5 * far;
        set.knob[TD_KNOB_time_stop] = (double)(200 + i % 400);
    }
    return set;
}

/* Number of the scene's set i among all trials of a configuration, of which it may play a spread only. */
static int64_t trial_of(const play_state *play, int64_t i) {
    int64_t trials = play->job ? td_space_count(play->job->space) : play->count;
    return play->count > 1 ? i * (trials - 1) / (play->count - 1) : 0;
}

/* For who must say so when a user's strategy crashes (cli/crash.h). */
static void tell_playing(const play_state *play, int64_t first, int64_t last) {
    if (play->job) td_playing_now = (td_playing){trial_of(play, first), trial_of(play, last)};
}

/* A spread of the sets against the plain engine, by hash: what is timed must be right. */
static td_status check_cells(const play_state *play, td_error *error) {
    int64_t checked = play->count < CHECKED_SETS ? play->count : CHECKED_SETS;
    for (int64_t k = 0; k < checked; k++) {
        int64_t i = k * (play->count - 1) / (checked > 1 ? checked - 1 : 1);
        td_cell cell;
        tell_playing(play, i, i);
        td_status status = td_play_detailed(play->deck, &play->sets[i], NULL, &cell, NULL, error);
        td_playing_now = (td_playing){-1, -1};
        TD_TRY(status);
        if (cell.hash != play->cells[i].hash || cell.state != play->cells[i].state)
            return td_fail(error, TD_DIFFERENT,
                           "set %lld ends in %.17g and hash %016llx, the reference engine says %.17g and %016llx",
                            (long long)trial_of(play, i), play->cells[i].metrics[TD_METRIC_final_equity], (unsigned long long)play->cells[i].hash,
                           cell.metrics[TD_METRIC_final_equity], (unsigned long long)cell.hash);
    }
    return TD_OK;
}

static void write_cells(FILE *out, const play_state *play) {
    fputs("set", out);
    for (int p = 0; p < td_strategy_param_count(play->strategy); p++) fprintf(out, ",%s", td_strategy_param(play->strategy, p)->name);
    fputs(",stop_loss,take_profit", out);
    for (int m = 0; m < TD_METRIC_BARS_COUNT; m++) fprintf(out, ",%s", td_metric_infos[m].name);
    fputs(",hash\n", out);
    for (int64_t i = 0; i < play->count; i++) {
        const td_cell *cell = &play->cells[i];
        const double *knob = play->sets[i].knob, *param = play->sets[i].param;
        fprintf(out, "%lld", (long long)trial_of(play, i));
        for (int p = 0; p < td_strategy_param_count(play->strategy); p++) fprintf(out, ",%.17g", param[p]);
        fprintf(out, ",%.17g,%.17g", knob[TD_KNOB_stop_loss], knob[TD_KNOB_take_profit]);
        for (int m = 0; m < TD_METRIC_BARS_COUNT; m++) fprintf(out, ",%.17g", cell->metrics[m]);
        fprintf(out, ",%016llx\n", (unsigned long long)cell->hash);
    }
}

/* A portfolio of as many stretches of the tape, all at the times of the first; `bars` of each. */
static td_status make_portfolio(const td_tape *tape, const td_play_def *play, int64_t symbols, int64_t bars, td_deck **deck,
                                td_error *error) {
    td_portfolio *portfolio;
    td_portfolio_def def = td_default_portfolio_def();
    def.play = *play;
    def.rebalance = TD_REBALANCE_WEEKLY;
    def.band = 0.01;
    td_tape *tapes = calloc((size_t)symbols, sizeof *tapes);
    if (!tapes) return td_fail(error, TD_NO_MEMORY, "no memory for %lld symbols", (long long)symbols);
    for (int64_t s = 0; s < symbols; s++) {
        tapes[s] = *tape;
        tapes[s].bars = bars;
        tapes[s].open += s * bars;
        tapes[s].high += s * bars;
        tapes[s].low += s * bars;
        tapes[s].close += s * bars;
        tapes[s].volume += s * bars;
    }
    td_status status = td_portfolio_make(tapes, symbols, &def, &portfolio, error);
    free(tapes);
    if (status == TD_OK) *deck = td_portfolio_deck(portfolio);
    return status;
}

/* The deck of a scene of the table. */
static td_status make_deck(const td_scene_shape *shape, td_stage *stage, play_state *play, td_error *error) {
    const td_tape *tape;
    int64_t symbols = shape->symbols ? shape->symbols : 1;
    TD_TRY(td_stage_tape(stage, shape->bars * symbols, &tape, error));
    td_play_def def = td_default_play_def();
    def.strategy = play->strategy = td_strategy_find(shape->strategy);
    def.fill_at = TD_FILL_CLOSE;
    def.sample_bars = shape->sample_bars;
    if (shape->protection >= TD_PROTECTION_BRACKETS) def.volatility = TD_VOLATILITY_ATR;
    return shape->symbols ? make_portfolio(tape, &def, symbols, shape->bars, &play->deck, error)
                          : td_deck_make(tape, &def, &play->deck, error);
}

td_status td_make_play(const td_scene_shape *shape, td_stage *stage, td_scene_load *load, td_error *error) {
    play_state *play = calloc(1, sizeof *play);
    if (!play) return td_fail(error, TD_NO_MEMORY, "no memory for the scene");
    load->state = play;
    *play = (play_state){.job = shape->job, .count = shape->sets, .threads = shape->threads, .engine = shape->engine, .isa = stage->isa};
    if (shape->job) {
        play->deck = shape->job->deck;
        play->strategy = shape->job->strategy;
    } else {
        TD_TRY(make_deck(shape, stage, play, error));
    }
    load->items = (double)td_deck_evaluations(play->deck) * (double)shape->sets;
    play->sets = malloc((size_t)shape->sets * sizeof *play->sets);
    play->cells = malloc((size_t)shape->sets * sizeof *play->cells);
    play->block_returns = malloc((size_t)(shape->sets * td_deck_blocks(play->deck)) * sizeof *play->block_returns);
    play->players = calloc((size_t)shape->threads, sizeof(td_player *));
    if (!play->sets || !play->cells || !play->block_returns || !play->players)
        return td_fail(error, TD_NO_MEMORY, "no memory for %lld sets", (long long)shape->sets);
    for (int64_t i = 0; i < shape->sets; i++) {
        if (shape->job)
            td_space_set(shape->job->space, trial_of(play, i), &play->sets[i]);
        else
            play->sets[i] = make_set(shape, play->strategy, i);
        TD_TRY(td_check_set(play->deck, &play->sets[i], error));
    }
    for (int i = 0; i < shape->threads; i++)
        TD_TRY(td_player_open(play->deck, shape->engine, stage->isa, &play->players[i], error));

    TD_TRY(td_step_play(play, error));
    TD_TRY(check_cells(play, error));
    if (stage->cells) write_cells(stage->cells, play);
    return TD_OK;
}

td_status td_step_play(void *state, td_error *error) {
    (void)error;
    play_state *play = state;
    int64_t blocks = td_deck_blocks(play->deck);
    int64_t taken = 0;
    #pragma omp parallel num_threads(play->threads) if (play->threads > 1)
    for (;;) {
        /* one thread: whole groups; several: shares as a sweep hands them out */
        int64_t first, count;
        #pragma omp critical
        {
            first = taken;
            count = play->count - taken;
            int64_t share = td_deck_share(play->isa, play->count, count, td_deck_group(play->deck, play->engine), play->threads);
            if (play->threads > 1 && share < count) count = share;
            taken += count;
        }
        if (count == 0) break;
        tell_playing(play, first, first + count - 1);
        td_play(play->players[omp_get_thread_num()], play->sets + first, count, play->cells + first,
                play->block_returns + first * blocks);
        td_playing_now = (td_playing){-1, -1};
    }
    return TD_OK;
}

void td_drop_play(void *state) {
    play_state *play = state;
    if (!play) return;
    for (int i = 0; play->players && i < play->threads; i++) td_player_close(play->players[i]);
    free(play->players);
    free(play->sets);
    free(play->cells);
    free(play->block_returns);
    if (!play->job) td_deck_free(play->deck);
    free(play);
}

/* ---- indicator rows ---- */

enum { CHUNK_BARS = 1024 };

typedef struct rows_state {
    const td_row_kind *kind;
    const td_row_kernel *kernel, *plain;
    td_row_job job; /* columns, arguments, memory and out */
    int64_t bars;
    double *arguments;
} rows_state;

/* The last chunk of the rows on one kernel, into the job's out. */
static void play_rows(rows_state *rows, const td_row_kernel *kernel) {
    memset(rows->job.memory, 0, (size_t)(rows->job.count * rows->kind->memory) * sizeof(double));
    for (int64_t begin = 0; begin < rows->bars; begin += CHUNK_BARS) {
        rows->job.begin = begin;
        rows->job.end = begin + CHUNK_BARS < rows->bars ? begin + CHUNK_BARS : rows->bars;
        kernel->play(&rows->job);
    }
}

/* What a kind reads: the tape's columns by name, x being the close. */
static const double *column_of(const td_tape *tape, const char *name) {
    return !strcmp(name, "open")     ? tape->open
           : !strcmp(name, "high")   ? tape->high
           : !strcmp(name, "low")    ? tape->low
           : !strcmp(name, "volume") ? tape->volume
                                     : tape->close;
}

td_status td_make_rows(const td_scene_shape *shape, td_stage *stage, td_scene_load *load, td_error *error) {
    const td_tape *tape;
    TD_TRY(td_stage_tape(stage, shape->bars, &tape, error));
    rows_state *rows = calloc(1, sizeof *rows);
    if (!rows) return td_fail(error, TD_NO_MEMORY, "no memory for the scene");
    load->state = rows;
    load->items = (double)shape->bars * (double)shape->sets;
    const td_row_kind *kind = td_row_kind_find(shape->strategy);
    int64_t count = shape->sets, stride = count * kind->output_count;
    size_t values = (size_t)(CHUNK_BARS * stride) * sizeof(double);
    *rows = (rows_state){.kind = kind, .kernel = kind->kernels[stage->isa], .plain = kind->kernels[TD_ISA_SCALAR], .bars = shape->bars,
                         .arguments = malloc((size_t)(count * (kind->argument_count + 1)) * sizeof(double))};
    rows->job = (td_row_job){.arguments = rows->arguments, .count = count, .stride = stride,
                             .memory = aligned_alloc(64, (size_t)(count * (kind->memory + 8)) * sizeof(double)),
                             .out = aligned_alloc(64, values)};
    double *expected = malloc(values);
    if (!rows->arguments || !rows->job.memory || !rows->job.out || !expected) {
        free(expected);
        return td_fail(error, TD_NO_MEMORY, "no memory for %lld rows", (long long)count);
    }
    for (int c = 0; c < kind->column_count; c++) rows->job.columns[c] = column_of(tape, kind->columns[c]);
    for (int a = 0; a < kind->argument_count; a++)
        for (int64_t i = 0; i < count; i++)
            rows->arguments[a * count + i] = kind->arguments[a].whole ? (double)(4 + 8 * i + 4 * a) : 0.5 * (double)(a + 1);
    play_rows(rows, rows->plain);
    memcpy(expected, rows->job.out, values);
    play_rows(rows, rows->kernel);
    bool same = memcmp(expected, rows->job.out, values) == 0;
    free(expected);
    if (same) return TD_OK;
    return td_fail(error, TD_DIFFERENT, "rows %s on %s are not those of the plain kernel", shape->strategy,
                   td_isa_name(stage->isa));
}

td_status td_step_rows(void *state, td_error *error) {
    (void)error;
    rows_state *rows = state;
    play_rows(rows, rows->kernel);
    return TD_OK;
}

void td_drop_rows(void *state) {
    rows_state *rows = state;
    if (!rows) return;
    free(rows->arguments);
    free(rows->job.memory);
    free(rows->job.out);
    free(rows);
}
