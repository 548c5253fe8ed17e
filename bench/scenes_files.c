/* Scenes of what goes in and out: CSV text, tape files, the journal, a sweep whose sets cost nothing. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bench/kinds.h"
#include "bench/market.h"
#include "data/klines.h"
#include "sweeps/sweep.h"

enum { PATH_SIZE = 128 };

/* ---- CSV text to bars ---- */

typedef struct klines_state {
    char path[PATH_SIZE];
} klines_state;

td_status td_make_klines(const td_scene_shape *shape, td_stage *stage, td_scene_load *load, td_error *error) {
    const td_tape *tape;
    TD_TRY(td_stage_tape(stage, shape->bars, &tape, error));
    klines_state *state = load->state = calloc(1, sizeof *state);
    if (!state) return td_fail(error, TD_NO_MEMORY, "no memory for the scene");
    snprintf(state->path, sizeof state->path, "%s/klines.csv", stage->folder);
    TD_TRY(td_write_klines(state->path, tape, shape->bars, error));
    struct stat status;
    load->bytes = stat(state->path, &status) == 0 ? (double)status.st_size : 0;
    load->items = (double)shape->bars;

    const char *files[] = {state->path};
    td_klines_def def = td_default_klines_def();
    td_klines klines;
    TD_TRY(td_klines_read(&def, 1, files, &klines, error));
    bool same = klines.bars.count == shape->bars;
    for (int64_t t = 0; same && t < shape->bars; t++) /* what %.8f keeps */
        same = klines.bars.time_ns[t] == tape->time_ns[t] && fabs(klines.bars.column[TD_CLOSE][t] - tape->close[t]) <= 1e-8 &&
               fabs(klines.bars.column[TD_VOLUME][t] - tape->volume[t]) <= 1e-8;
    td_klines_free(&klines);
    return same ? TD_OK : td_fail(error, TD_DIFFERENT, "the bars read are not those written");
}

td_status td_step_klines(void *state, td_error *error) {
    const char *files[] = {((klines_state *)state)->path};
    td_klines_def def = td_default_klines_def();
    td_klines klines;
    TD_TRY(td_klines_read(&def, 1, files, &klines, error));
    td_klines_free(&klines);
    return TD_OK;
}

void td_drop_klines(void *state) {
    klines_state *klines = state;
    if (klines) unlink(klines->path);
    free(klines);
}

/* ---- opening a tape file ---- */

typedef struct tape_state {
    char path[PATH_SIZE];
} tape_state;

td_status td_make_tape(const td_scene_shape *shape, td_stage *stage, td_scene_load *load, td_error *error) {
    const td_tape *tape;
    TD_TRY(td_stage_tape(stage, shape->bars, &tape, error));
    tape_state *state = load->state = calloc(1, sizeof *state);
    if (!state) return td_fail(error, TD_NO_MEMORY, "no memory for the scene");
    snprintf(state->path, sizeof state->path, "%s/tape.h5", stage->folder);
    load->items = (double)shape->bars;
    td_tape written = *tape, opened;
    TD_TRY(td_tape_write(state->path, &written, NULL, 0, "bench", error));
    TD_TRY(td_tape_open(state->path, true, &opened, error));
    bool same = opened.bars == tape->bars && memcmp(opened.close, tape->close, (size_t)tape->bars * sizeof(double)) == 0;
    td_tape_close(&opened);
    return same ? TD_OK : td_fail(error, TD_DIFFERENT, "the bars opened are not those written");
}

td_status td_step_tape(void *state, td_error *error) {
    td_tape tape;
    TD_TRY(td_tape_open(((tape_state *)state)->path, false, &tape, error));
    td_tape_close(&tape);
    return TD_OK;
}

void td_drop_tape(void *state) {
    tape_state *tape = state;
    if (tape) unlink(tape->path);
    free(tape);
}

/* ---- the journal ---- */

/* Sets of one append: a group, as a sweep does it. */
enum { APPEND_SETS = 1000 };

typedef struct journal_state {
    char path[PATH_SIZE];
    int64_t sets, blocks;
    int64_t trials[APPEND_SETS];
    td_cell cells[APPEND_SETS];
    float *block_returns;
} journal_state;

/* Cells that look like cells: every bit pattern differs. */
static void fill_cells(td_cell *cells) {
    for (int64_t i = 0; i < APPEND_SETS; i++) {
        cells[i] = (td_cell){.state = TD_CELL_DONE, .reason_bar = -1, .hash = (uint64_t)(i + 1) * 0x9E3779B97F4A7C15ull};
        for (int m = 0; m < TD_METRIC_BARS_COUNT; m++) cells[i].metrics[m] = 1.0 / (double)(i + m + 1);
    }
}

static td_status append_all(journal_state *journal, td_journal **opened, td_error *error) {
    td_journal_head head = {.config_digest = "bench", .tape_digest = "bench", .trials = journal->sets, .blocks = journal->blocks,
                            .metrics = TD_METRIC_BARS_COUNT, .engine = TAPEDECK_VERSION};
    unlink(journal->path);
    TD_TRY(td_journal_open(journal->path, &head, false, opened, error));
    for (int64_t first = 0; first < journal->sets; first += APPEND_SETS) {
        for (int64_t i = 0; i < APPEND_SETS; i++) journal->trials[i] = first + i;
        TD_TRY(td_journal_append(*opened, journal->trials, journal->cells, journal->block_returns, NULL, APPEND_SETS, error));
    }
    return TD_OK;
}

td_status td_make_journal(const td_scene_shape *shape, td_stage *stage, td_scene_load *load, td_error *error) {
    journal_state *journal = load->state = calloc(1, sizeof *journal);
    if (!journal) return td_fail(error, TD_NO_MEMORY, "no memory for the scene");
    snprintf(journal->path, sizeof journal->path, "%s/bench.journal", stage->folder);
    journal->sets = shape->sets;
    journal->blocks = shape->bars;
    journal->block_returns = malloc((size_t)(APPEND_SETS * shape->bars) * sizeof(float));
    if (!journal->block_returns) return td_fail(error, TD_NO_MEMORY, "no memory for the scene");
    for (int64_t i = 0; i < APPEND_SETS * shape->bars; i++) journal->block_returns[i] = 1.0f / (float)(i + 1);
    fill_cells(journal->cells);
    load->items = (double)shape->sets;

    td_journal *opened = NULL;
    td_status status = append_all(journal, &opened, error);
    if (status == TD_OK && td_journal_done(opened) != journal->sets)
        status = td_fail(error, TD_DIFFERENT, "the journal holds %lld sets of %lld", (long long)td_journal_done(opened),
                         (long long)journal->sets);
    td_cell cell;
    if (status == TD_OK) status = td_journal_get(opened, journal->sets - 1, &cell, NULL, NULL, error);
    if (status == TD_OK && cell.hash != journal->cells[APPEND_SETS - 1].hash)
        status = td_fail(error, TD_DIFFERENT, "the last cell of the journal is not the one written");
    if (opened) td_journal_close(opened);
    struct stat file;
    load->bytes = stat(journal->path, &file) == 0 ? (double)file.st_size : 0;
    return status;
}

td_status td_step_journal(void *state, td_error *error) {
    td_journal *opened = NULL;
    td_status status = append_all(state, &opened, error);
    if (opened) td_journal_close(opened);
    return status;
}

void td_drop_journal(void *state) {
    journal_state *journal = state;
    if (!journal) return;
    unlink(journal->path);
    free(journal->block_returns);
    free(journal);
}

/* ---- a whole sweep of sets that cost nothing ---- */

typedef struct sweep_state {
    char path[PATH_SIZE];
    const td_tape *tape;
    td_config *config;
    td_sweep_def def;
} sweep_state;

td_status td_make_sweep(const td_scene_shape *shape, td_stage *stage, td_scene_load *load, td_error *error) {
    sweep_state *sweep = load->state = calloc(1, sizeof *sweep);
    if (!sweep) return td_fail(error, TD_NO_MEMORY, "no memory for the scene");
    TD_TRY(td_stage_tape(stage, shape->bars, &sweep->tape, error));
    snprintf(sweep->path, sizeof sweep->path, "%s/sweep.h5", stage->folder);
    char text[256];
    snprintf(text, sizeof text,
             "tape: bench.h5\nstrategy: buy-and-hold\nmethod: grid\nmetrics: {blocks: %lld}\n"
             "parameters: {account.cash: {min: 1, max: %lld, distribution: int_uniform}}\n",
             (long long)shape->bars, (long long)shape->sets);
    TD_TRY(td_config_parse("bench.yaml", text, NULL, 0, NULL, &sweep->config, error));
    sweep->def = td_default_sweep_def();
    sweep->def.threads = shape->threads;
    sweep->def.isa = stage->isa;
    sweep->def.force = true;
    sweep->def.command = "tapedeck bench";
    load->items = (double)shape->sets;

    TD_TRY(td_step_sweep(sweep, error));
    td_results *results;
    TD_TRY(td_results_open(sweep->path, &results, error));
    const double *equity = td_results_metric(results, TD_METRIC_final_equity, error);
    double growth = sweep->tape->close[shape->bars - 1] / sweep->tape->open[1];
    bool same = equity && td_results_done(results) == shape->sets;
    for (int64_t i = 0; same && i < shape->sets; i++) same = fabs(equity[i] / ((double)(i + 1) * growth) - 1) < 1e-9;
    td_results_close(results);
    return same ? TD_OK : td_fail(error, TD_DIFFERENT, "the results are not those of buying at the second bar's open and holding");
}

td_status td_step_sweep(void *state, td_error *error) {
    sweep_state *sweep = state;
    return td_sweep_run(sweep->config, sweep->tape, sweep->path, &sweep->def, NULL, error);
}

void td_drop_sweep(void *state) {
    sweep_state *sweep = state;
    if (!sweep) return;
    unlink(sweep->path);
    td_config_free(sweep->config);
    free(sweep);
}
