/* See book_plays.h. */
#include "tests/book_plays.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/book_feed.h"

/* ---- tapes ---- */

enum { TAPES_MAX = 64 };
static td_made *all[TAPES_MAX];
static int all_count;
static void free_all(void) {
    for (int i = 0; i < all_count; i++) free(all[i]);
}

td_made *td_made_book(void) {
    td_made *made = calloc(1, sizeof *made);
    assert_non_null(made);
    if (all_count == 0) atexit(free_all);
    if (all_count == TAPES_MAX) { /* those of early tests are not used any more */
        free(all[0]);
        memmove(all, all + 1, --all_count * sizeof *all);
    }
    all[all_count++] = made;
    made->book = (td_book){.instrument = {.symbol = "MADE", .tick = 1, .lot = 1, .multiplier = 1}, .exchange_ns = made->exchange_ns,
                           .local_ns = made->local_ns, .row_end = made->row_end, .kind = made->kind, .seen = made->seen,
                           .local_shift = made->local_shift, .row = made->row, .funding = made->funding};
    return made;
}

void td_made_message(td_made *made, td_book_kind kind, int64_t exchange_ns, int64_t local_ns) {
    int64_t m = made->book.messages++;
    assert_true(m < MADE_MESSAGES && (m == 0 || made->exchange_ns[m - 1] <= exchange_ns));
    made->exchange_ns[m] = exchange_ns;
    made->local_ns[m] = local_ns;
    made->kind[m] = (uint8_t)kind;
    made->seen[m] = TD_BOOK_SEEN;
    made->row_end[m] = made->book.rows;
}

void td_made_row(td_made *made, td_side side, int32_t tick, int64_t lots) {
    assert_true(made->book.rows < MADE_ROWS);
    made->row[made->book.rows++] = td_row_make(side, tick, (uint32_t)lots);
    made->row_end[made->book.messages - 1] = made->book.rows;
}

void td_made_order(td_made *made, td_book_action action, uint64_t id, td_side side, int32_t tick, int64_t lots) {
    made->order_id[made->book.rows] = id;
    made->action[made->book.rows] = (uint8_t)action;
    made->book.order_id = made->order_id;
    made->book.action = made->action;
    td_made_row(made, side, tick, lots);
}

const td_book *td_made_finish(td_made *made) {
    static int64_t order[MADE_MESSAGES];
    for (int64_t m = 0; m < made->book.messages; m++) {
        int64_t at = m;
        for (; at > 0 && made->local_ns[order[at - 1]] > made->local_ns[m]; at--) order[at] = order[at - 1];
        order[at] = m;
    }
    for (int64_t j = 0; j < made->book.messages; j++) made->local_shift[j] = (int32_t)(order[j] - j);
    return &made->book;
}

td_made *td_made_mirror(const td_made *made, int32_t pivot) {
    td_made *mirror = td_made_book();
    td_book shell = mirror->book;
    *mirror = *made;
    mirror->book = shell;
    mirror->book.instrument = made->book.instrument;
    mirror->book.messages = made->book.messages;
    mirror->book.rows = made->book.rows;
    mirror->book.funding_count = made->book.funding_count;
    mirror->book.order_id = made->book.order_id ? mirror->order_id : NULL;
    mirror->book.action = made->book.action ? mirror->action : NULL;
    for (int64_t r = 0; r < made->book.rows; r++) {
        td_side side = td_row_side(made->row[r]) == TD_BUY ? TD_SELL : TD_BUY;
        mirror->row[r] = td_row_make(side, pivot - td_row_tick(made->row[r]), made->row[r].lots);
    }
    return mirror;
}

static struct {
    char name[160];
    td_book book;
} imported[16];
static int imported_count;
static void close_imported(void) {
    for (int i = 0; i < imported_count; i++) td_book_close(&imported[i].book);
}

const td_book *td_imported(const char *format, const char *file, const td_instrument *instrument, bool parity) {
    char name[160], path[1024];
    snprintf(name, sizeof name, "%s %s %d %g", format, file, parity, instrument->tick);
    for (int i = 0; i < imported_count; i++)
        if (!strcmp(imported[i].name, name)) return &imported[i].book;
    if (!td_test_shared()) return NULL;
    snprintf(path, sizeof path, "%s/data/%s", td_test_shared(), file);
    td_error error;
    td_feed_def def = td_default_feed_def();
    td_book_feed *feed;
    td_feed_report report;
    const char *files[] = {path};
    def.path = td_test_path("tape%d.h5", imported_count);
    def.instrument = *instrument;
    def.parity = parity;
    assert_ok(td_feed_open(&def, &feed, &error));
    assert_ok(td_book_format_find(format)->read(feed, NULL, 1, files, &error));
    assert_ok(td_feed_close(feed, &report, NULL, &error));
    assert_true(imported_count < 16);
    if (imported_count == 0) atexit(close_imported);
    td_book *book = &imported[imported_count].book;
    strcpy(imported[imported_count].name, name);
    assert_ok(td_book_open(def.path, false, book, &error));
    imported_count++;
    return book;
}

const td_book *td_recorded(const char *file, double tick, double lot, bool parity) {
    char path[256];
    snprintf(path, sizeof path, "binance_recorded/%s", file);
    td_instrument instrument = {.symbol = "RECORDED", .tick = tick, .lot = lot, .multiplier = 1};
    return td_imported("binance-recorded", path, &instrument, parity);
}

/* ---- the script ---- */

const td_line *td_script_lines;
int td_script_count;

static void follow(const td_book_moment *moment, int64_t count, const uint8_t *masks, int lanes, td_book_sink *sink, void *context) {
    for (int64_t vector = 0; vector < count; vector++) {
        uint32_t where = masks ? masks[vector] : (1u << lanes) - 1;
        for (int i = 0; i < td_script_count && where; i++) {
            const td_line *line = &td_script_lines[i];
            if (line->at_ns != moment->local_ns || line->cause != moment->cause) continue;
            td_book_request request = {.kind = line->kind, .venue = line->venue, .side = line->side, .tif = line->tif, .slot = line->slot, .where = where};
            for (int l = 0; l < lanes; l++) {
                request.tick[l] = line->tick;
                request.quantity[l] = line->quantity;
            }
            sink(context, vector, &request, 1);
        }
    }
}

#define FOLLOW(lanes)                                                                                                            \
    static void follow_##lanes(const td_book_moment *moment, void *vectors, size_t bytes, int64_t count, const uint8_t *masks,   \
                               td_book_sink *sink, void *context) {                                                              \
        (void)vectors;                                                                                                           \
        (void)bytes;                                                                                                             \
        follow(moment, count, masks, lanes, sink, context);                                                                      \
    }                                                                                                                            \
    static const td_kernel kernel_##lanes = {lanes, NULL, NULL, NULL, follow_##lanes};
FOLLOW(1)
FOLLOW(2)
FOLLOW(4)
FOLLOW(8)

td_book_hooks td_script_hooks = {.on_timer = true, .depth = 1, .venues = 1};
td_strategy td_script = {.name = "book-script", .book = &td_script_hooks,
                         .kernels = {&kernel_1, &kernel_2, &kernel_4, &kernel_8}};

/* ---- plays ---- */

static void keep_execution(void *context, const td_execution *execution) {
    td_kept *kept = context;
    assert_true(kept->count < KEPT_EXECUTIONS);
    kept->execution[kept->count++] = *execution;
}

static void keep_state(void *context, int64_t step, const td_book_state *states, int venues) {
    td_kept *kept = context;
    assert_int_equal(step, kept->steps + 1);
    assert_true(kept->steps < KEPT_STATES);
    memcpy(kept->state[kept->steps++], states, (size_t)venues * sizeof *states);
}

/* Executions are in order of being heard, are heard after they happened, and add up to the cell. */
static void check_sums(const td_play_def *def, const td_kept *kept) {
    double position = 0, balance = 0, fee = 0, volume = 0;
    for (int i = 0; i < kept->count; i++) {
        const td_execution *e = &kept->execution[i];
        assert_true(e->lots > 0 && e->local_ns >= e->exchange_ns && (i == 0 || e->local_ns >= e[-1].local_ns));
        double sign = e->side == TD_BUY ? 1 : -1;
        position += sign * e->quantity;
        balance -= sign * td_contract_value(&def->book.venues[e->venue].book->instrument, e->price, e->quantity);
        fee += e->fee;
        volume += e->quantity;
    }
    const double *m = kept->cell.metrics;
    assert_int_equal(kept->count, (int)m[TD_METRIC_num_trades]);
    assert_true(fabs(position - m[TD_METRIC_position]) <= 1e-9 * (1 + volume));
    assert_true(fabs(volume - m[TD_METRIC_trading_volume]) <= 1e-9 * (1 + volume));
    assert_true(fabs(balance - m[TD_METRIC_balance]) <= 1e-9 * (1 + m[TD_METRIC_trading_value]));
    assert_true(fabs(fee - m[TD_METRIC_fee]) <= 1e-9 * (1 + m[TD_METRIC_trading_value]));
    assert_true(m[TD_METRIC_num_trades] == m[TD_METRIC_maker_trades] + m[TD_METRIC_taker_trades]);
}

static bool same_cells(const td_cell *a, const td_cell *b) {
    return a->state == b->state && a->reason == b->reason && a->hash == b->hash && !memcmp(a->metrics, b->metrics, sizeof a->metrics);
}

void td_assert_lanes_play_alike(const td_book_deck *deck, const td_set *sets, int count, const td_cell *cells, const float *returns) {
    td_error error;
    td_cell *found = malloc((size_t)count * sizeof *found);
    float *blocks = malloc((size_t)count * (size_t)deck->blocks * sizeof *blocks);
    assert_true(found && blocks);
    for (int isa = 0; isa <= (int)td_isa_best(); isa++) {
        td_book_player *player;
        assert_ok(td_book_player_open(deck, (td_isa)isa, count, &player, &error));
        assert_ok(td_book_play(player, sets, count, found, blocks, &error));
        td_book_player_close(player);
        for (int i = 0; i < count; i++) {
            if (same_cells(&cells[i], &found[i]) && !memcmp(blocks + i * deck->blocks, returns + i * deck->blocks, (size_t)deck->blocks * sizeof *blocks))
                continue;
            for (int m = 0; m < TD_METRIC_COUNT; m++)
                if (memcmp(&cells[i].metrics[m], &found[i].metrics[m], sizeof(double)))
                    fail_msg("set %d of %d, lanes on %s: %s is %.17g, the plain engine has %.17g", i, count, td_isa_name((td_isa)isa),
                             td_metric_infos[m].name, found[i].metrics[m], cells[i].metrics[m]);
            fail_msg("set %d of %d, lanes on %s: executions or returns of blocks differ", i, count, td_isa_name((td_isa)isa));
        }
    }
    free(found);
    free(blocks);
}

void td_keep_play(const td_play_def *def, const td_set *set, td_kept *kept) {
    td_error error;
    td_book_deck *deck;
    assert_ok(td_book_deck_make(def, &deck, &error));
    assert_ok(td_book_check_set(deck, set, &error));
    kept->count = kept->steps = 0;
    free(kept->returns);
    kept->returns = malloc((size_t)deck->blocks * sizeof *kept->returns);
    td_book_observer observer = {keep_execution, keep_state, kept};
    assert_ok(td_book_reference_play(deck, set, &observer, &kept->cell, kept->returns, &error));
    check_sums(def, kept);
    td_assert_lanes_play_alike(deck, set, 1, &kept->cell, kept->returns);
    td_book_deck_free(deck);
}

td_set td_book_set(const td_strategy *strategy) {
    td_set set = td_default_set(strategy);
    set.knob[TD_KNOB_cash] = 10000;
    return set;
}
