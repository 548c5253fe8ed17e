/* One thread's playing: the group of sets, its rows, its lane blocks, chunk by chunk; see play.h. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/sorted.h"
#include "sim/events.h"
#include "sim/portfolio_player.h"
#include "sim/reference.h"
#include "sim/skip.h"

/* Sets of a group share rows: a larger group computes fewer of them for each set. Where sets have so many different rows that a
 * chunk of them would leave the second-level cache, groups are smaller. */
enum { GROUP_SETS = 2560, GROUP_SLOTS = 2048 };

/* Sets that play order books share one replay. */
enum { BOOK_SETS = 1024 };

/* From so many rounds of shares on, those of the last one are halved. */
enum { HALVING_ROUNDS = 4 };

/* Where a set fills more often than once in so many bars, going from event to event is slower than going from bar to bar. */
enum { DENSE_BARS = 64 };

/* And so it is where a set has to look at its signals more often than once in so many bars, whether it trades on them or not. AUTO
 * finds out in the first eighth of the tape, and begins again from bar to bar. */
enum { DENSE_SIGNALS = 16, PROBED_SHARE = 8 };

struct td_player {
    const td_deck *deck;
    td_portfolio_player *several; /* of a deck that is a portfolio's, which uses nothing of what follows; else NULL */
    td_book_player *books; /* of a deck of order books and the lanes engine, likewise */
    td_status status;     /* of the last play on order books */
    td_error error;
    td_engine engine;     /* AUTO: skip or lanes, group by group, whichever suits what the last group did; the bits are the same */
    td_isa isa;
    bool tried, dense;    /* AUTO: there was a group; the last one filled often */
    int64_t capacity;     /* sets there is memory for: GROUP_SETS, or 1 */
    td_rows rows;
    int32_t *slots;       /* (capacity, rows of the deck) */
    char *vectors;        /* lanes: whole blocks for `capacity` sets; skip: scalar vectors */
    double *block_equity; /* lanes: per lane block (blocks, lanes); skip: (capacity, blocks); reference: (blocks) */
    td_order_list *list; /* reference, where the deck needs one */
    td_account *accounts; /* lanes: one a lane, for groups that need the broker */
    bool *same;           /* skip: (capacity) does a set cross on the same bars as the one before it? */
    td_skip_chunk *chunk; /* skip: what sets share of a chunk, with the arrays it points to */
    double *turned, *least, *greatest;
    double *sampled;      /* skip: (lanes, SAMPLED_STRIDE) equity at the chunk's samples */
    double *sums;         /* skip: (capacity / lanes, TD_SKIP_SUMS, lanes) */
};

/* Of the sampled equities of a chunk; room to write whole vectors. */
enum { SAMPLED_STRIDE = TD_SKIP_BARS + 8 };

/* Row-major rows of the skip engine: a chunk of them should leave room in a 2 MiB second-level cache. Beyond its bars a row holds
 * the bar before the chunk and room to read whole vectors; rows begin at multiples of eight. */
#define TURNED_BYTES (640 * 1024)
enum { TURNED_MARGIN = 16 };

static int64_t turned_bars(int64_t slots) {
    int64_t bars = TURNED_BYTES / (int64_t)sizeof(double) / (slots ? slots : 1) / TD_SPAN_BARS * TD_SPAN_BARS;
    return bars > TD_SKIP_BARS ? TD_SKIP_BARS : bars < TD_SPAN_BARS ? TD_SPAN_BARS : bars;
}

static size_t turned_count(const td_deck *deck, int64_t sets) {
    size_t capacity = (size_t)td_rows_capacity(deck, sets), usual = TURNED_BYTES / sizeof(double), most = capacity * TD_SPAN_BARS;
    return (usual > most ? usual : most) + capacity * TURNED_MARGIN + TURNED_MARGIN;
}

/* What wants every bar cannot be skipped through. */
static bool can_skip(const td_deck *deck) {
    const td_strategy *strategy = deck->def.strategy;
    return !deck->portfolio && !strategy->every_bar && !*strategy->orders && !deck->view.every_bar && !deck->view.market_log;
}

/* The rules of some profiles are the plain engine's alone. */
static bool is_plain(const td_deck *deck) { return deck->def.profile == TD_PROFILE_VECTORBT || td_order_list_bytes(&deck->def) > 0; }

td_engine td_deck_engine(const td_deck *deck, td_engine wanted) {
    if (deck->book) return wanted == TD_ENGINE_AUTO ? TD_ENGINE_LANES : wanted;
    if (is_plain(deck) && wanted == TD_ENGINE_AUTO) return TD_ENGINE_REFERENCE;
    if (wanted != TD_ENGINE_AUTO) return wanted;
    return can_skip(deck) ? TD_ENGINE_SKIP : TD_ENGINE_LANES;
}

int64_t td_deck_group(const td_deck *deck, td_engine engine) {
    if (deck->book) return engine == TD_ENGINE_REFERENCE ? 1 : BOOK_SETS;
    if (deck->portfolio) return td_portfolio_group(deck->portfolio);
    return engine == TD_ENGINE_REFERENCE || is_plain(deck) ? 16 : GROUP_SETS;
}

int64_t td_deck_share(td_isa isa, int64_t sets, int64_t untaken, int64_t most, int threads) {
    int64_t lanes = td_isa_lanes(isa), takers = threads < 2 ? 2 : threads; /* a kill loses what is taken: one does not take all either */
    int64_t rounds = (sets + most * takers - 1) / (most * takers), share = (sets + rounds * takers - 1) / (rounds * takers);
    if (rounds >= HALVING_ROUNDS && untaken <= share * takers) share = (share + 1) / 2;
    share = (share + lanes - 1) / lanes * lanes;
    return share < most ? share : most;
}

static int64_t lane_blocks(int64_t sets, td_isa isa) {
    int lanes = td_isa_lanes(isa);
    return (sets + lanes - 1) / lanes;
}

/* Bytes of a player's arrays; 0 where the engine does not need one. */
typedef struct needs {
    int64_t sets;
    size_t slots, vectors, accounts, block_equity, list, same, chunk, turned, ranges, sampled, sums;
} needs;

static needs needs_of(const td_deck *deck, td_engine engine, td_isa isa) {
    if (is_plain(deck)) engine = TD_ENGINE_REFERENCE;
    bool lanes = engine != TD_ENGINE_REFERENCE; /* skip: for groups that need the broker */
    bool skip = engine == TD_ENGINE_SKIP || (engine == TD_ENGINE_AUTO && can_skip(deck));
    needs needs = {.sets = engine == TD_ENGINE_REFERENCE ? 1 : GROUP_SETS};
    size_t sets = (size_t)needs.sets, blocks = (size_t)deck->view.blocks;
    needs.slots = sets * TD_ROWS_MAX * sizeof(int32_t);
    needs.block_equity = sets * blocks * sizeof(double);
    needs.list = td_order_list_bytes(&deck->def);
    if (skip) {
        needs.vectors = sets * td_vector_bytes(1);
        needs.same = sets * sizeof(bool);
        needs.chunk = sizeof(td_skip_chunk);
        needs.turned = turned_count(deck, needs.sets) * sizeof(double);
        needs.ranges = needs.turned / TD_GROUP_BARS;
        needs.sampled = (size_t)td_skip_kernel_for(isa)->lanes * SAMPLED_STRIDE * sizeof(double);
        needs.sums = sets * TD_SKIP_SUMS * sizeof(double);
    }
    if (lanes) {
        size_t lane_count = (size_t)(lane_blocks(needs.sets, isa) * td_isa_lanes(isa));
        size_t vectors = (size_t)lane_blocks(needs.sets, isa) * TD_BLOCK_VECTORS * td_vector_bytes(td_isa_lanes(isa) / TD_BLOCK_VECTORS);
        if (vectors > needs.vectors) needs.vectors = vectors;
        needs.block_equity = lane_count * blocks * sizeof(double);
        needs.accounts = lane_count * sizeof(td_account);
    }
    return needs;
}

size_t td_player_bytes(const td_deck *deck, td_engine engine, td_isa isa) {
    if (deck->book) return sizeof(td_player) + (engine == TD_ENGINE_REFERENCE ? 0 : td_book_player_bytes(deck->book, isa, BOOK_SETS));
    if (deck->portfolio) return sizeof(td_player) + td_portfolio_player_bytes(deck->portfolio, engine, isa);
    needs needs = needs_of(deck, engine, isa);
    return sizeof(td_player) + td_rows_bytes(deck, needs.sets) + needs.slots + needs.vectors + needs.accounts + needs.block_equity +
           needs.list + needs.same + needs.chunk + needs.turned + 2 * needs.ranges + needs.sampled + needs.sums;
}

/* NULL for 0 bytes; *lacking is set when memory ran out. */
static void *allocate(size_t bytes, bool *lacking) {
    void *memory = bytes ? aligned_alloc(64, (bytes + 63) / 64 * 64) : NULL;
    if (bytes && !memory) *lacking = true;
    return memory;
}

static td_status open_books(const td_deck *deck, td_engine engine, td_isa isa, td_player **opened, td_error *error) {
    if (engine == TD_ENGINE_SKIP) return td_fail(error, TD_BAD_ARG, "the skip engine cannot play order books: it skips bars");
    td_player *player = calloc(1, sizeof *player);
    if (!player) return td_fail(error, TD_NO_MEMORY, "no memory for a player");
    *player = (td_player){.deck = deck, .engine = td_deck_engine(deck, engine), .isa = isa};
    td_status status = TD_OK;
    if (player->engine == TD_ENGINE_LANES) status = td_book_player_open(deck->book, isa, BOOK_SETS, &player->books, error);
    if (status == TD_OK)
        *opened = player;
    else
        free(player);
    return status;
}

static td_status play_books(td_player *player, const td_set *sets, int64_t count, td_cell *cells, float *block_returns) {
    const td_book_deck *deck = player->deck->book;
    int64_t most = player->books ? BOOK_SETS : 1;
    td_status status = TD_OK;
    for (int64_t done = 0, now; status == TD_OK && done < count; done += now) {
        now = count - done < most ? count - done : most;
        float *returns = block_returns ? block_returns + done * deck->blocks : NULL;
        status = player->books ? td_book_play(player->books, sets + done, now, cells + done, returns, &player->error)
                               : td_book_reference_play(deck, sets + done, NULL, cells + done, returns, &player->error);
    }
    return status;
}

td_status td_player_status(const td_player *player, td_error *error) {
    if (player->status != TD_OK && error) *error = player->error;
    return player->status;
}

td_status td_player_open(const td_deck *deck, td_engine engine, td_isa isa, td_player **opened, td_error *error) {
    *opened = NULL;
    if (deck->book) return open_books(deck, engine, isa, opened, error);
    if (is_plain(deck) && engine != TD_ENGINE_REFERENCE && engine != TD_ENGINE_AUTO)
        return td_fail(error, TD_BAD_ARG, "the %s engine cannot play %sprofile %s; the reference engine does", td_engine_name(engine),
                       deck->def.profile == TD_PROFILE_VECTORBT ? "" : "orders of strategies in ", td_profile_name(deck->def.profile));
    if (is_plain(deck)) engine = TD_ENGINE_REFERENCE;
    if (engine == TD_ENGINE_REFERENCE) isa = TD_ISA_SCALAR;
    if (engine == TD_ENGINE_SKIP && !can_skip(deck))
        return deck->portfolio
                   ? td_fail(error, TD_BAD_ARG, "the skip engine cannot play this: a portfolio's equity moves with every symbol")
                   : td_fail(error, TD_BAD_ARG, "the skip engine cannot play this: strategy %s or its metrics want every bar",
                             deck->def.strategy->name);
    if (!deck->def.strategy->kernels[isa])
        return td_fail(error, TD_BAD_ARG, "strategy %s is not built for %s", deck->def.strategy->name, td_isa_name(isa));
    td_player *player = calloc(1, sizeof *player);
    if (!player) return td_fail(error, TD_NO_MEMORY, "no memory for a player");
    if (deck->portfolio) {
        *player = (td_player){.deck = deck, .engine = engine, .isa = isa};
        td_status status = td_portfolio_player_open(deck->portfolio, engine, isa, &player->several, error);
        if (status == TD_OK)
            *opened = player;
        else
            free(player);
        return status;
    }
    needs needs = needs_of(deck, engine, isa);
    *player = (td_player){.deck = deck, .engine = engine, .isa = isa, .capacity = needs.sets};
    td_status status = td_rows_open(&player->rows, deck, isa, player->capacity, error);
    if (status != TD_OK) {
        free(player);
        return status;
    }
    bool lacking = false;
    player->slots = allocate(needs.slots, &lacking);
    player->vectors = allocate(needs.vectors, &lacking);
    player->accounts = allocate(needs.accounts, &lacking);
    player->block_equity = allocate(needs.block_equity, &lacking);
    player->list = allocate(needs.list, &lacking);
    player->same = allocate(needs.same, &lacking);
    player->chunk = allocate(needs.chunk, &lacking);
    player->turned = allocate(needs.turned, &lacking);
    player->least = allocate(needs.ranges, &lacking);
    player->greatest = allocate(needs.ranges, &lacking);
    player->sampled = allocate(needs.sampled, &lacking);
    player->sums = allocate(needs.sums, &lacking);
    if (lacking) {
        td_player_close(player);
        return td_fail(error, TD_NO_MEMORY, "no memory for a player of %zu bytes", td_player_bytes(deck, engine, isa));
    }
    *opened = player;
    return TD_OK;
}

void td_player_close(td_player *player) {
    if (!player) return;
    td_portfolio_player_close(player->several);
    if (player->books) td_book_player_close(player->books);
    if (!player->several && !player->deck->book) td_rows_close(&player->rows);
    free(player->slots);
    free(player->vectors);
    free(player->accounts);
    free(player->list);
    free(player->same);
    free(player->chunk);
    free(player->turned);
    free(player->least);
    free(player->greatest);
    free(player->sampled);
    free(player->sums);
    free(player->block_equity);
    free(player);
}

/* The route of a group: what the most demanding of its sets needs. */
static td_route group_route(const td_deck *deck, const td_set *sets, int64_t count) {
    td_route most = *deck->def.strategy->orders ? TD_ROUTE_BROKER : TD_ROUTE_PLAIN;
    for (int64_t i = 0; i < count && most < TD_ROUTE_BROKER; i++) {
        td_route route = td_route_of(&deck->def, &sets[i]);
        if (route > most) most = route;
    }
    return most;
}

/* Plays the group that start_group() began through the lanes engine. */
static void play_lanes(td_player *player, const td_set *sets, int64_t count, td_route route, td_cell *cells, float *block_returns) {
    const td_deck *deck = player->deck;
    const td_kernel *kernel = deck->def.strategy->kernels[player->isa];
    int row_count = deck->row_count, lanes = kernel->lanes, block_lanes = lanes * TD_BLOCK_VECTORS;
    int64_t blocks = lane_blocks(count, player->isa);
    size_t vector_bytes = td_vector_bytes(lanes);
    bool broker = route == TD_ROUTE_BROKER;

    /* lanes beyond the last set play it once more; nobody looks at them */
    for (int64_t i = 0; i < blocks * block_lanes; i++) {
        int64_t set = i < count ? i : count - 1;
        char *vector = player->vectors + (size_t)(i / lanes) * vector_bytes;
        td_lane lane;
        td_lane_start(deck, &sets[set], &lane);
        if (broker) lane.wake = td_account_start(&deck->view, &sets[set], &player->accounts[i]);
        for (int f = 0; f < TD_FIELD_COUNT; f++) *td_field(vector, lanes, f, (int)(i % lanes)) = ((const double *)&lane)[f];
        for (int r = 0; r < row_count; r++) td_vector_slot(vector, lanes, r)[i % lanes] = player->slots[set * row_count + r];
        if (i % lanes == 0) *td_vector_accounts(vector, lanes) = broker ? player->accounts + i : NULL;
    }
    for (int64_t b = 0; b < blocks; b++) {
        char *block = player->vectors + (size_t)(b * TD_BLOCK_VECTORS) * vector_bytes;
        bool windowed = true;
        for (int v = 0; v < TD_BLOCK_VECTORS; v++)
            for (int r = 0; r < row_count; r++) windowed &= td_vector_find_windows(block + (size_t)v * vector_bytes, lanes, r);
        *td_vector_windowed(block, lanes) = windowed;
    }

    while (td_rows_next(&player->rows)) {
        td_kernel_chunk chunk = td_rows_chunk(&player->rows);
        chunk.events = td_events_for(player->isa, route);
        for (int64_t b = 0; b < blocks; b++)
            kernel->play(&deck->view, &chunk, player->vectors + (size_t)(b * TD_BLOCK_VECTORS) * vector_bytes,
                         player->block_equity + b * block_lanes * deck->view.blocks);
    }

    for (int64_t i = 0; i < count; i++) {
        char *vector = player->vectors + (size_t)(i / lanes) * vector_bytes;
        td_lane lane;
        for (int f = 0; f < TD_FIELD_COUNT; f++) ((double *)&lane)[f] = *td_field(vector, lanes, f, (int)(i % lanes));
        td_lane_finish(deck, &sets[i], &lane, broker ? &player->accounts[i] : NULL,
                       player->block_equity + (i / block_lanes) * block_lanes * deck->view.blocks + i % block_lanes, block_lanes,
                       &cells[i], block_returns ? block_returns + i * deck->view.blocks : NULL);
    }
}

/* Does a set cross on the same bars as the one before it? Rows and levels decide. Neighbours in a grid over stops or costs do. */
static bool same_signals(const td_deck *deck, const td_set *set, const int32_t *slot) {
    const td_strategy *strategy = deck->def.strategy;
    return !memcmp(set->param, set[-1].param, (size_t)strategy->param_count * sizeof *set->param) &&
           !memcmp(slot, slot - deck->row_count, (size_t)strategy->row_count * sizeof *slot);
}

/* The next chunk for the skip engine, from bar `begin` on: rows, ranges, samples. */
static void fill_chunk(td_player *player, const td_skip_kernel *kernel, int64_t begin, int64_t bars) {
    const td_kernel_deck *view = &player->deck->view;
    td_skip_chunk *chunk = player->chunk;
    chunk->begin = begin;
    chunk->end = begin + bars < view->bars ? begin + bars : view->bars;
    for (int64_t t = begin; t < chunk->end; t = player->rows.end) {
        player->rows.chunk_bars = chunk->end - t < TD_SPAN_BARS ? chunk->end - t : TD_SPAN_BARS;
        td_rows_next(&player->rows);
        kernel->turn(&player->rows, (t - begin) / TD_SPAN_BARS, chunk);
    }
    td_ranges_make(&chunk->ranges, view, begin, chunk->end);
    chunk->block = td_first_from(view->block_end, view->blocks, begin);
    chunk->sample = td_first_from(view->sample_bar, view->samples, begin);
    chunk->samples = 0;
    for (int64_t t = begin; t < chunk->end; t++) {
        chunk->samples_before[t - begin] = (int16_t)chunk->samples;
        if (view->sample_bar[chunk->sample + chunk->samples] == t) chunk->sample_close[chunk->samples++] = view->close[t];
    }
    chunk->samples_before[chunk->end - begin] = (int16_t)chunk->samples;
}

/* Plays the group that start_group() began through the skip engine. false: AUTO, and it gave up, signals being dense. */
static bool play_skip(td_player *player, const td_set *sets, int64_t count, td_cell *cells, float *block_returns) {
    const td_deck *deck = player->deck;
    const td_skip_kernel *kernel = td_skip_kernel_for(player->isa);
    int row_count = deck->row_count, lanes = kernel->lanes;
    int64_t blocks = deck->view.blocks;
    size_t vector_bytes = td_vector_bytes(1);
    int64_t chunk_bars = turned_bars(player->rows.slots), stride = chunk_bars + TURNED_MARGIN;
    td_skip_chunk *chunk = player->chunk;
    chunk->values = player->turned + 8;
    chunk->least = player->least;
    chunk->greatest = player->greatest;
    chunk->stride = stride;
    chunk->group_stride = chunk_bars / TD_GROUP_BARS;
    if (player->rows.chunk_limit && player->rows.chunk_limit < chunk_bars) chunk_bars = player->rows.chunk_limit;
    for (int64_t i = 0; i < count; i++) {
        char *vector = player->vectors + (size_t)i * vector_bytes;
        td_lane lane;
        td_lane_start(deck, &sets[i], &lane);
        memcpy(vector, &lane, sizeof lane);
        *td_vector_windowed(vector, 1) = 0;
        player->same[i] = i > 0 && same_signals(deck, &sets[i], player->slots + i * row_count);
        for (int r = 0; r < row_count; r++) *td_vector_slot(vector, 1, r) = (int32_t)(player->slots[i * row_count + r] * stride);
    }
    /* sums of the lanes of a vector, zero but for the equity at the sample before */
    double *sums = player->sums;
    for (int64_t i = 0; i < player->capacity; i++)
        for (int f = 0; f < TD_SKIP_SUMS; f++)
            sums[(i / lanes * TD_SKIP_SUMS + f) * lanes + i % lanes] =
                f == TD_SKIP_SUM_sample_equity ? sets[i < count ? i : 0].knob[TD_KNOB_cash] : 0;
    double looks = 0;
    for (int64_t begin = 0; begin < deck->view.bars; begin = chunk->end) {
        bool probes = player->engine == TD_ENGINE_AUTO && begin <= deck->view.bars / PROBED_SHARE;
        if (probes && looks * DENSE_SIGNALS > (double)count * (double)begin) return false;
        fill_chunk(player, kernel, begin, chunk_bars);
        td_skip_signals signals;
        td_skip_set set = {.view = &deck->view, .strategy = deck->def.strategy};
        for (int64_t i = 0; i < count; i++) {
            set.vector = player->vectors + (size_t)i * vector_bytes;
            set.slot = player->slots + i * row_count;
            if (!player->same[i]) kernel->signals(&set, chunk, &signals);
            looks += (double)signals.count;
            kernel->play(&set, chunk, &signals, player->sampled + i % lanes * SAMPLED_STRIDE, player->block_equity + i * blocks);
            if (i % lanes == lanes - 1 || i == count - 1)
                kernel->add_returns(&deck->view, chunk, player->sampled, SAMPLED_STRIDE, sums + i / lanes * lanes * TD_SKIP_SUMS);
        }
    }
    for (int64_t i = 0; i < count; i++) {
        td_lane *lane = (td_lane *)(player->vectors + (size_t)i * vector_bytes);
        const double *sum = sums + i / lanes * lanes * TD_SKIP_SUMS + i % lanes;
        lane->sum_r = sum[TD_SKIP_SUM_sum_r * lanes];
        lane->sum_r2 = sum[TD_SKIP_SUM_sum_r2 * lanes];
        lane->sum_down2 = sum[TD_SKIP_SUM_sum_down2 * lanes];
        lane->sum_market = sum[TD_SKIP_SUM_sum_market * lanes];
        td_lane_finish(deck, &sets[i], lane, NULL, player->block_equity + i * blocks, 1, &cells[i],
                       block_returns ? block_returns + i * blocks : NULL);
    }
    return true;
}

/* Starts the rows of a group of the first sets of `count`; returns how many. */
static int64_t start_group(td_player *player, const td_set *sets, int64_t count) {
    int64_t most = player->engine == TD_ENGINE_AUTO && !player->tried ? GROUP_SETS / 2 : player->capacity;
    int64_t group = count < most ? count : most;
    td_rows_start(&player->rows, sets, group, player->slots);
    if (player->rows.slots > GROUP_SLOTS && group > GROUP_SETS / 2) {
        group = GROUP_SETS / 2;
        td_rows_start(&player->rows, sets, group, player->slots);
    }
    return group;
}

void td_play(td_player *player, const td_set *sets, int64_t count, td_cell *cells, float *block_returns) {
    const td_deck *deck = player->deck;
    if (deck->book) {
        player->status = play_books(player, sets, count, cells, block_returns);
        return;
    }
    if (player->several) {
        td_portfolio_play(player->several, sets, count, cells, block_returns);
        return;
    }
    for (int64_t done = 0, now; done < count; done += now) {
        now = player->engine == TD_ENGINE_REFERENCE ? 1 : start_group(player, sets + done, count - done);
        float *returns = block_returns ? block_returns + done * deck->view.blocks : NULL;
        td_engine engine = player->engine;
        if (engine == TD_ENGINE_AUTO) engine = can_skip(deck) && !player->dense ? TD_ENGINE_SKIP : TD_ENGINE_LANES;
        /* the skip engine knows market orders with a stop and a target only */
        td_route route = engine == TD_ENGINE_REFERENCE ? TD_ROUTE_BROKER : group_route(deck, sets + done, now);
        if (engine == TD_ENGINE_SKIP && route != TD_ROUTE_PLAIN) engine = TD_ENGINE_LANES;
        if (engine == TD_ENGINE_SKIP && !play_skip(player, sets + done, now, cells + done, returns)) {
            td_rows_start(&player->rows, sets + done, now, player->slots);
            engine = TD_ENGINE_LANES;
        }
        if (engine == TD_ENGINE_LANES)
            play_lanes(player, sets + done, now, route, cells + done, returns);
        else if (engine == TD_ENGINE_REFERENCE) {
            td_lane lane;
            td_account account;
            td_reference_play(deck, &sets[done], &player->rows, NULL, &lane, &account, player->list, player->block_equity);
            td_lane_finish(deck, &sets[done], &lane, &account, player->block_equity, 1, &cells[done], returns);
        }
        double fills = 0;
        for (int64_t i = 0; i < now; i++)
            if (cells[done + i].state == TD_CELL_DONE) fills += cells[done + i].metrics[TD_METRIC_fills];
        player->tried = true;
        player->dense = fills * DENSE_BARS > (double)now * (double)deck->view.bars;
    }
}

td_status td_play_detailed(const td_deck *deck, const td_set *set, const td_observer *observer, td_cell *cell, float *block_returns,
                           td_error *error) {
    td_player *player;
    td_lane lane;
    td_account account;
    assert(!((deck->portfolio || deck->book) && observer) && "portfolios and order books have observers of their own");
    if (deck->book) return td_book_reference_play(deck->book, set, NULL, cell, block_returns, error);
    if (deck->portfolio) return td_portfolio_play_detailed(deck->portfolio, set, NULL, cell, block_returns, NULL, error);
    TD_TRY(td_player_open(deck, TD_ENGINE_REFERENCE, TD_ISA_SCALAR, &player, error));
    if (observer && observer->before_bar) td_player_limit_chunk(player, 1);
    td_reference_play(deck, set, &player->rows, observer, &lane, &account, player->list, player->block_equity);
    td_lane_finish(deck, set, &lane, &account, player->block_equity, 1, cell, block_returns);
    td_player_close(player);
    return TD_OK;
}

void td_player_limit_chunk(td_player *player, int64_t bars) {
    if (player->deck->book) return; /* it has none */
    if (player->several)
        td_portfolio_player_limit_chunk(player->several, bars);
    else
        player->rows.chunk_limit = bars;
}
