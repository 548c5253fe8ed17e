/* Scenes of order books: sets of touch-quoter on the synthetic book, played by the fast engine. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/kinds.h"
#include "data/book_synth.h"
#include "sim/book_lanes.h"

/* Sets of a scene that are replayed by the reference engine before anything is timed. */
enum { CHECKED_SETS = 3 };

/* What td_book_player_stats has of a step. */
#define COUNTERS(X)                                                                                                              \
    X(tickets) X(ticket_updates) X(decisions) X(messages) X(executions)                                                         \
    X(exchange_seconds) X(local_seconds) X(answer_seconds) X(decision_seconds)
enum {
#define NUMBER(name) COUNTER_##name,
    COUNTERS(NUMBER)
#undef NUMBER
    COUNTER_COUNT
};

typedef struct book_state {
    td_book book;
    bool opened;
    td_book_deck *deck;
    td_book_player *player;
    td_set *sets;
    td_cell *cells;
    int64_t count;
    td_scene_counter counters[COUNTER_COUNT];
} book_state;

static void set_param(const td_strategy *strategy, td_set *set, const char *name, double value) {
    for (int i = 0; i < td_strategy_param_count(strategy); i++)
        if (!strcmp(td_strategy_param(strategy, i)->name, name)) set->param[i] = value;
}

/* Set number i. Shared: offsets, models and latencies of which there are few, and limits of which there are many. Apart: no two of 1,152
 * sets have the same offset, model and latency, so that no two ever wait in the same queue. Idle: never sends anything. */
static td_set make_set(const td_strategy *strategy, td_crowd crowd, int64_t i) {
    static const td_queue_kind kinds[] = {TD_QUEUE_POWER, TD_QUEUE_POWER2, TD_QUEUE_POWER3};
    static const double latencies[] = {1e6, 5e6, 50e6};
    td_set set = td_default_set(strategy);
    bool apart = crowd == TD_CROWD_APART;
    int64_t model = apart ? i / 48 : i / 9 % 6;
    set_param(strategy, &set, "offset_ticks", (double)(apart ? i % 16 : i % 3));
    set_param(strategy, &set, "order_qty", 0.05);
    set_param(strategy, &set, "max_position", crowd == TD_CROWD_IDLE ? 0 : 0.25 + 0.05 * (double)(i / 54));
    set.knob[TD_KNOB_latency] = latencies[apart ? i / 16 % 3 : i / 3 % 3];
    set.knob[TD_KNOB_queue_model] = td_queue_code(kinds[model % 3], (double)(1 + model / 3));
    set.knob[TD_KNOB_maker] = -0.00005;
    set.knob[TD_KNOB_taker] = 0.0005;
    return set;
}

/* The tape of `seconds`, made where an earlier scene has not. */
static td_status open_tape(td_stage *stage, int64_t seconds, td_book *book, td_error *error) {
    char path[128];
    snprintf(path, sizeof path, "%s/book-%lld.h5", stage->folder, (long long)seconds);
    td_book_synth_def def = td_default_book_synth_def();
    def.length_ns = seconds * TD_NS_PER_SECOND;
    if (!td_book_is(path)) TD_TRY(td_book_synth(&def, path, NULL, NULL, error));
    return td_book_open(path, false, book, error);
}

/* A spread of the sets against the plain engine, by hash: what is timed must be right. */
static td_status check_cells(const book_state *state, td_error *error) {
    int64_t checked = state->count < CHECKED_SETS ? state->count : CHECKED_SETS;
    for (int64_t k = 0; k < checked; k++) {
        int64_t i = checked > 1 ? k * (state->count - 1) / (checked - 1) : 0;
        td_cell cell;
        TD_TRY(td_book_reference_play(state->deck, &state->sets[i], NULL, &cell, NULL, error));
        if (cell.hash != state->cells[i].hash)
            return td_fail(error, TD_DIFFERENT, "set %lld ends in hash %016llx, the reference engine says %016llx", (long long)i,
                           (unsigned long long)state->cells[i].hash, (unsigned long long)cell.hash);
    }
    return TD_OK;
}

td_status td_make_book(const td_scene_shape *shape, td_stage *stage, td_scene_load *load, td_error *error) {
    book_state *state = calloc(1, sizeof *state);
    if (!state) return td_fail(error, TD_NO_MEMORY, "no memory for the scene");
    load->state = state;
    TD_TRY(open_tape(stage, shape->bars, &state->book, error));
    state->opened = true;
    td_play_def def = td_default_play_def();
    def.strategy = td_strategy_find(shape->strategy);
    def.book = td_default_book_def();
    def.book.venue_count = 1;
    def.book.venues[0] = (td_venue_def){&state->book, NAN, NAN, NAN, NAN, NAN};
    TD_TRY(td_book_deck_make(&def, &state->deck, error));
    state->count = shape->sets;
    state->sets = malloc((size_t)shape->sets * sizeof *state->sets);
    state->cells = malloc((size_t)shape->sets * sizeof *state->cells);
    if (!state->sets || !state->cells) return td_fail(error, TD_NO_MEMORY, "no memory for %lld sets", (long long)shape->sets);
    for (int64_t i = 0; i < shape->sets; i++) {
        state->sets[i] = make_set(def.strategy, shape->crowd, i);
        TD_TRY(td_book_check_set(state->deck, &state->sets[i], error));
    }
    TD_TRY(td_book_player_open(state->deck, stage->isa, shape->sets, &state->player, error));
    load->items = (double)state->book.rows * (double)shape->sets;
    load->counters = state->counters;
    load->counter_count = COUNTER_COUNT;
    TD_TRY(td_step_book(state, error));
    return check_cells(state, error);
}

td_status td_step_book(void *memory, td_error *error) {
    book_state *state = memory;
    td_book_player_stats before = td_book_player_counts(state->player);
    TD_TRY(td_book_play(state->player, state->sets, state->count, state->cells, NULL, error));
    td_book_player_stats after = td_book_player_counts(state->player);
#define COUNT(name) state->counters[COUNTER_##name] = (td_scene_counter){#name, (double)(after.name - before.name)};
    COUNTERS(COUNT)
#undef COUNT
    return TD_OK;
}

void td_drop_book(void *memory) {
    book_state *state = memory;
    if (!state) return;
    td_book_player_close(state->player);
    td_book_deck_free(state->deck);
    if (state->opened) td_book_close(&state->book);
    free(state->sets);
    free(state->cells);
    free(state);
}
