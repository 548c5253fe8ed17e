/* See portfolio_player.h. Nest: chunk of the raster, lane block, bar, symbols; the last two are the kernel's (portfolio_lanes.h). */
#include "sim/portfolio_player.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/portfolio_lanes.h"
#include "sim/rows.h"

/* Holdings of a group and rows of a chunk, of all symbols; a block's own should leave room for the rows in a 2 MiB second-level cache. */
#define GROUP_BYTES (12 * 1024 * 1024)
#define CHUNK_BYTES (640 * 1024)
enum { BEYOND = 8, /* symbols that a kernel may read behind the last */ GROUP_SETS_MAX = 2048, CHUNK_BARS_MIN = 16, CHUNK_BARS_MAX = 512 };

struct td_portfolio_player {
    const td_portfolio *portfolio;
    td_portfolio_plain *plain; /* engine reference, which uses nothing of what follows; else NULL */
    td_isa isa;
    int64_t group, limit; /* sets there is memory for; bars of a chunk, 0 as it likes */
    const td_kernel_deck **decks; /* (symbols) */
    td_rows *rows;                /* (symbols) */
    td_kernel_chunk *chunks;      /* (symbols) */
    int64_t *next;                /* (symbols) own bar */
    double *last;                 /* (symbols) mark */
    int32_t *slots;               /* (group, rows of a deck), the same for every symbol */
    char *vectors;                /* per block: (TD_BLOCK_VECTORS) accounts, then as many faces */
    double *holdings;             /* per block: holdings, gaps, states of td_portfolio_block */
    double *near;                 /* per block: near_low, near_high */
    uint64_t *words;              /* (lanes of the group, 2, words) due and cut of td_desk */
    double *block_equity;         /* per block (blocks, block lanes) */
    td_portfolio_block *states;   /* (blocks of the group) what a block keeps between chunks */
    int64_t *own;                 /* (CHUNK_BARS_MAX, symbols), and for the same: */
    double *mark, *open, *low, *high;
    uint32_t *crossings;          /* (CHUNK_BARS_MAX, symbols, signals) */
    uint64_t *decisions;          /* (CHUNK_BARS_MAX, words) */
    double *sizes;                /* (symbols) */
    const td_kernel *kernel;
};

/* Reals of one set on one symbol. */
static int64_t reals_of(const td_portfolio *portfolio) {
    const td_strategy *strategy = portfolio->def.play.strategy;
    return TD_HOLDING_COUNT + strategy->signal_count + strategy->state_count;
}

int64_t td_portfolio_group(const td_portfolio *portfolio) {
    int64_t set = 2 * (int64_t)td_vector_bytes(1) + portfolio->symbols * reals_of(portfolio) * (int64_t)sizeof(double);
    int64_t group = GROUP_BYTES / set / 16 * 16;
    return group > GROUP_SETS_MAX ? GROUP_SETS_MAX : group < 16 ? 16 : group;
}

/* What a group of this player takes. */
typedef struct needs {
    int64_t group, blocks, words;
    size_t lanes, vector_bytes;
    size_t all;     /* lanes of the group */
    size_t reals;   /* of a block's holdings */
    size_t signals;
} needs;

static needs needs_of(const td_portfolio *portfolio, td_isa isa) {
    size_t block_lanes = (size_t)td_isa_lanes(isa);
    needs needs = {.group = td_portfolio_group(portfolio), .lanes = block_lanes / TD_BLOCK_VECTORS,
                   .words = td_desk_words(portfolio->symbols), .signals = (size_t)portfolio->def.play.strategy->signal_count};
    needs.blocks = (needs.group + (int64_t)block_lanes - 1) / (int64_t)block_lanes;
    needs.vector_bytes = td_vector_bytes((int)needs.lanes);
    needs.all = (size_t)needs.blocks * block_lanes;
    needs.reals = (size_t)portfolio->symbols * (size_t)reals_of(portfolio) * block_lanes;
    return needs;
}

size_t td_portfolio_player_bytes(const td_portfolio *portfolio, td_engine engine, td_isa isa) {
    size_t symbols = (size_t)portfolio->symbols, bytes = sizeof(td_portfolio_player), rows = 0;
    if (engine == TD_ENGINE_REFERENCE) isa = TD_ISA_SCALAR;
    int64_t sets = engine == TD_ENGINE_REFERENCE ? 1 : td_portfolio_group(portfolio);
    for (size_t s = 0; s < symbols; s++) rows += td_rows_bytes(portfolio->decks[s], sets);
    if (engine == TD_ENGINE_REFERENCE)
        return bytes + rows + symbols * (sizeof(td_vector) + sizeof(td_rows) + (TD_HOLDING_COUNT + 6) * sizeof(double));
    needs needs = needs_of(portfolio, isa);
    size_t blocks = (size_t)needs.blocks, words = (size_t)needs.words;
    return bytes + rows +
           blocks * (2 * TD_BLOCK_VECTORS * needs.vector_bytes + (needs.reals + 2 * (symbols + BEYOND)) * sizeof(double) + sizeof(td_portfolio_block)) +
           needs.all * (2 * words * sizeof(uint64_t) + (size_t)portfolio->whole->view.blocks * sizeof(double)) +
           (size_t)needs.group * TD_ROWS_MAX * sizeof(int32_t) +
           CHUNK_BARS_MAX * (symbols * (5 * sizeof(double) + needs.signals * sizeof(uint32_t)) + words * sizeof(uint64_t)) +
           symbols * (sizeof(td_rows) + sizeof(td_kernel_chunk) + 4 * sizeof(double));
}

void td_portfolio_player_close(td_portfolio_player *player) {
    if (!player) return;
    td_portfolio_plain_close(player->plain);
    for (int64_t s = 0; player->rows && s < player->portfolio->symbols; s++) td_rows_close(&player->rows[s]);
    void *all[] = {player->decks, player->rows, player->chunks, player->next, player->last, player->slots, player->vectors,
                   player->holdings, player->near, player->words, player->block_equity, player->states, player->own, player->mark, player->open,
                   player->low, player->high, player->crossings, player->decisions, player->sizes};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) free(all[i]);
    free(player);
}

/* count times size bytes, or NULL with *lacking set. */
static void *allocate(size_t count, size_t size, bool *lacking) {
    void *memory = aligned_alloc(64, (count * size + 64) / 64 * 64);
    if (memory)
        memset(memory, 0, count * size);
    else
        *lacking = true;
    return memory;
}

static td_status open_lanes(td_portfolio_player *player, td_error *error) {
    const td_portfolio *portfolio = player->portfolio;
    size_t symbols = (size_t)portfolio->symbols, chunk = CHUNK_BARS_MAX * symbols;
    needs needs = needs_of(portfolio, player->isa);
    size_t blocks = (size_t)needs.blocks;
    bool lacking = false;
    player->group = needs.group;
    player->decks = allocate(symbols, sizeof *player->decks, &lacking);
    player->rows = allocate(symbols, sizeof *player->rows, &lacking);
    player->chunks = allocate(symbols, sizeof *player->chunks, &lacking);
    player->next = allocate(symbols, sizeof *player->next, &lacking);
    player->last = allocate(symbols, sizeof *player->last, &lacking);
    player->slots = allocate((size_t)needs.group * TD_ROWS_MAX, sizeof *player->slots, &lacking);
    player->vectors = allocate(blocks * 2 * TD_BLOCK_VECTORS, needs.vector_bytes, &lacking);
    player->holdings = allocate(blocks * needs.reals, sizeof *player->holdings, &lacking);
    player->near = allocate(blocks * 2 * (symbols + BEYOND), sizeof *player->near, &lacking);
    player->words = allocate(needs.all * 2 * (size_t)needs.words, sizeof *player->words, &lacking);
    player->block_equity = allocate(needs.all * (size_t)portfolio->whole->view.blocks, sizeof *player->block_equity, &lacking);
    player->states = allocate(blocks, sizeof *player->states, &lacking);
    player->own = allocate(chunk, sizeof *player->own, &lacking);
    player->mark = allocate(chunk, sizeof *player->mark, &lacking);
    player->open = allocate(chunk, sizeof *player->open, &lacking);
    player->low = allocate(chunk + BEYOND, sizeof *player->low, &lacking);
    player->high = allocate(chunk + BEYOND, sizeof *player->high, &lacking);
    player->crossings = allocate(chunk * needs.signals, sizeof *player->crossings, &lacking);
    player->decisions = allocate(CHUNK_BARS_MAX * (size_t)needs.words, sizeof *player->decisions, &lacking);
    player->sizes = allocate(symbols, sizeof *player->sizes, &lacking);
    if (lacking) return td_fail(error, TD_NO_MEMORY, "no memory for a group of %lld sets on %zu symbols", (long long)needs.group, symbols);
    for (size_t s = 0; s < symbols; s++) {
        player->decks[s] = &portfolio->decks[s]->view;
        TD_TRY(td_rows_open(&player->rows[s], portfolio->decks[s], player->isa, needs.group, error));
    }
    return TD_OK;
}

td_status td_portfolio_player_open(const td_portfolio *portfolio, td_engine engine, td_isa isa, td_portfolio_player **opened,
                                   td_error *error) {
    td_portfolio_player *player = calloc(1, sizeof *player);
    if (!player) return td_fail(error, TD_NO_MEMORY, "no memory for a player");
    *player = (td_portfolio_player){.portfolio = portfolio, .isa = isa, .kernel = portfolio->def.play.strategy->kernels[isa]};
    td_status status = engine == TD_ENGINE_REFERENCE ? td_portfolio_plain_open(portfolio, &player->plain, error) : open_lanes(player, error);
    if (status == TD_OK)
        *opened = player;
    else
        td_portfolio_player_close(player);
    return status;
}

void td_portfolio_player_limit_chunk(td_portfolio_player *player, int64_t bars) { player->limit = bars; }

/* ---- events of a block ---- */

static int64_t block_number(const td_portfolio_block *block) {
    const td_portfolio_player *player = block->desk;
    return block - player->states;
}

static int lanes_of(const td_portfolio_player *player) { return td_isa_lanes(player->isa) / TD_BLOCK_VECTORS; }

static td_desk desk_of(const td_portfolio_block *block, int vector, int lane) {
    const td_portfolio_player *player = block->desk;
    int lanes = lanes_of(player), block_lanes = lanes * TD_BLOCK_VECTORS;
    int64_t at = vector * lanes + lane, reals = (int64_t)(td_vector_bytes(lanes) / sizeof(double));
    uint64_t *words = player->words + (block_number(block) * block_lanes + at) * 2 * block->words;
    return (td_desk){.portfolio = player->portfolio, .whole = (double *)block->accounts + vector * reals + lane, .stride = lanes,
                     .holdings = (double *)block->holdings + at, .field_step = block->symbols * block_lanes, .symbol_step = block_lanes,
                     .near_low = block->near_low, .near_high = block->near_high, .due = words, .cut = words + block->words,
                     .sizes = player->sizes, .sample = block->sample};
}

static td_raster_row row_of(const td_portfolio_block *block, int64_t t) {
    int64_t row = (t - block->begin) * block->symbols;
    return (td_raster_row){.bar = t, .own = block->own + row, .mark = block->mark + row, .base = block->base + row};
}

/* Whether anything of the lane is due still, told to the block. */
static void note_due(td_portfolio_block *block, const td_desk *desk, int vector, int lane) {
    uint64_t any = 0;
    for (int64_t w = 0; w < block->words; w++) any |= desk->due[w];
    block->due[vector] = (block->due[vector] & ~(1u << lane)) | (unsigned)(any != 0) << lane;
}

static void reduce(td_portfolio_block *block, int64_t t, const double *equity) {
    td_raster_row row = row_of(block, t);
    int lanes = lanes_of(block->desk);
    for (int v = 0; v < TD_BLOCK_VECTORS; v++) {
        block->buying[v] = 0;
        for (unsigned left = block->dates[t] ? (1u << lanes) - 1 : block->due[v]; left; left &= left - 1) {
            int l = __builtin_ctz(left);
            td_desk desk = desk_of(block, v, l);
            td_desk_reduced reduced = td_desk_reduce(&desk, &row, equity ? equity[v * lanes + l] : 0);
            block->filled[v] |= (unsigned)reduced.filled << l;
            block->buying[v] |= (unsigned)reduced.buys << l;
            if (!reduced.buys) note_due(block, &desk, v, l);
        }
    }
}

static void buy(td_portfolio_block *block, int64_t t, const double *equity, const double *invested) {
    td_raster_row row = row_of(block, t);
    int lanes = lanes_of(block->desk);
    for (int v = 0; v < TD_BLOCK_VECTORS; v++)
        for (unsigned left = block->buying[v]; left; left &= left - 1) {
            int l = __builtin_ctz(left);
            td_desk desk = desk_of(block, v, l);
            bool filled = td_desk_buy(&desk, &row, equity[v * lanes + l], invested[v * lanes + l]);
            block->filled[v] = (block->filled[v] & ~(1u << l)) | (unsigned)filled << l; /* reduce()'s are counted by now */
            note_due(block, &desk, v, l);
        }
}

static void stops(td_portfolio_block *block, int64_t t, int64_t symbol, int vector, unsigned lanes) {
    td_raster_row row = row_of(block, t);
    for (; lanes; lanes &= lanes - 1) {
        td_desk desk = desk_of(block, vector, __builtin_ctz(lanes));
        td_desk_stops(&desk, &row, symbol);
    }
}

static void ruin(td_portfolio_block *block, int64_t t, int vector, unsigned lanes) {
    td_raster_row row = row_of(block, t);
    for (; lanes; lanes &= lanes - 1) {
        int lane = __builtin_ctz(lanes);
        td_desk desk = desk_of(block, vector, lane);
        td_desk_ruin(&desk, &row);
        note_due(block, &desk, vector, lane);
    }
}

static void finalize(td_portfolio_block *block, int64_t t, int vector) {
    td_raster_row row = row_of(block, t);
    for (int l = 0; l < lanes_of(block->desk); l++) {
        td_desk desk = desk_of(block, vector, l);
        td_desk_finalize(&desk, &row);
    }
}

static void want(td_portfolio_block *block, int64_t t, int64_t symbol, int vector, unsigned lanes, const double *target) {
    td_raster_row row = row_of(block, t);
    for (; lanes; lanes &= lanes - 1) {
        int lane = __builtin_ctz(lanes);
        td_desk desk = desk_of(block, vector, lane);
        if (td_desk_want(&desk, &row, symbol, target[lane]))
            block->due[vector] |= 1u << lane;
        else /* it failed, or had ended before */
            note_due(block, &desk, vector, lane);
    }
}

/* ---- groups ---- */

/* Rows, vectors and blocks of a group before the first bar; returns how many blocks. */
static int64_t start_group(td_portfolio_player *player, const td_set *sets, int64_t count) {
    const td_portfolio *portfolio = player->portfolio;
    const td_strategy *strategy = portfolio->def.play.strategy;
    int64_t symbols = portfolio->symbols;
    int lanes = lanes_of(player), block_lanes = lanes * TD_BLOCK_VECTORS, row_count = portfolio->whole->row_count;
    int64_t blocks = (count + block_lanes - 1) / block_lanes;
    needs needs = needs_of(portfolio, player->isa);
    for (int64_t s = 0; s < symbols; s++) {
        td_rows_start(&player->rows[s], sets, count, player->slots); /* the same slots every time: they depend on the sets alone */
        player->next[s] = 0;
        player->last[s] = 0;
    }
    bool at_open = portfolio->def.play.fill_at != TD_FILL_CLOSE;
    for (int64_t b = 0; b < blocks; b++) {
        char *accounts = player->vectors + (size_t)b * 2 * TD_BLOCK_VECTORS * needs.vector_bytes;
        char *faces = accounts + TD_BLOCK_VECTORS * needs.vector_bytes;
        double *holdings = player->holdings + (size_t)b * needs.reals, *gaps = holdings + symbols * TD_HOLDING_COUNT * block_lanes;
        double *near_low = player->near + b * 2 * (symbols + BEYOND), *near_high = near_low + symbols + BEYOND;
        td_portfolio_block *block = &player->states[b];
        *block = (td_portfolio_block){
            .symbols = symbols, .words = needs.words, .whole = &portfolio->whole->view, .decks = player->decks, .chunks = player->chunks,
            .dates = portfolio->dates, .own = player->own, .mark = player->mark, .base = at_open ? player->open : player->mark,
            .low = player->low, .high = player->high, .accounts = (td_vector *)accounts, .faces = (td_vector *)faces,
            .holdings = holdings, .near_low = near_low, .near_high = near_high, .gaps = gaps, .states = gaps + symbols * strategy->signal_count * block_lanes,
            .crossings = player->crossings, .decisions = player->decisions,
            .block_equity = player->block_equity + b * block_lanes * portfolio->whole->view.blocks, .desk = player, .reduce = reduce,
            .buy = buy, .stops = stops, .ruin = ruin, .finalize = finalize, .want = want};
        for (int64_t i = 0; i < symbols * strategy->signal_count * block_lanes; i++) gaps[i] = NAN;
        for (int64_t s = 0; s < symbols + BEYOND; s++) {
            near_low[s] = -INFINITY;
            near_high[s] = INFINITY;
        }
        memset(block->states, 0, (size_t)(symbols * strategy->state_count * block_lanes) * sizeof *block->states);
        /* lanes beyond the last set play it once more; nobody looks at them */
        for (int i = 0; i < block_lanes; i++) {
            int64_t set = b * block_lanes + i < count ? b * block_lanes + i : count - 1;
            int v = i / lanes, l = i % lanes;
            td_desk desk = desk_of(block, v, l);
            td_desk_start(&desk, &sets[set]);
            for (int r = 0; r < row_count; r++)
                td_vector_slot(accounts + (size_t)v * needs.vector_bytes, lanes, r)[l] = player->slots[set * row_count + r];
        }
        memcpy(faces, accounts, TD_BLOCK_VECTORS * needs.vector_bytes);
        bool windowed = true;
        for (int v = 0; v < TD_BLOCK_VECTORS; v++)
            for (int r = 0; r < row_count; r++) windowed &= td_vector_find_windows(faces + (size_t)v * needs.vector_bytes, lanes, r);
        *td_vector_windowed(faces, lanes) = windowed;
    }
    return blocks;
}

static int64_t chunk_bars(const td_portfolio_player *player) {
    int64_t slots = 0;
    for (int64_t s = 0; s < player->portfolio->symbols; s++) slots += player->rows[s].slots + 4;
    int64_t bars = CHUNK_BYTES / (int64_t)sizeof(double) / (slots ? slots : 1) / CHUNK_BARS_MIN * CHUNK_BARS_MIN;
    bars = bars > CHUNK_BARS_MAX ? CHUNK_BARS_MAX : bars < CHUNK_BARS_MIN ? CHUNK_BARS_MIN : bars;
    for (int64_t s = 0; s < player->portfolio->symbols; s++)
        if (player->rows[s].chunk_bars < bars) bars = player->rows[s].chunk_bars;
    return player->limit && player->limit < bars ? player->limit : bars;
}

/* Who has which bar on rows [begin, end), what it reaches and what everybody is worth; and the symbols' rows. */
static void fill_chunk(td_portfolio_player *player, int64_t begin, int64_t end) {
    const td_portfolio *portfolio = player->portfolio;
    int64_t symbols = portfolio->symbols;
    for (int64_t s = 0; s < symbols; s++) {
        const td_kernel_deck *view = player->decks[s];
        int64_t first = player->next[s], next = first;
        for (int64_t t = begin; t < end; t++) {
            int64_t at = (t - begin) * symbols + s;
            bool has = next < view->bars && view->time_ns[next] == portfolio->tape.time_ns[t];
            if (has) player->last[s] = view->close[next];
            player->low[at] = has ? view->low[next] : NAN;
            player->high[at] = has ? view->high[next] : NAN;
            player->own[at] = has ? next++ : -1;
            player->open[at] = has ? view->open[next - 1] : player->last[s];
            player->mark[at] = player->last[s];
        }
        player->next[s] = next;
        if (next == first) continue;
        player->rows[s].chunk_bars = next - first;
        td_rows_next(&player->rows[s]);
        player->chunks[s] = td_rows_chunk(&player->rows[s]);
    }
    /* events are the same for every symbol, and asked of the first */
    player->chunks->events = td_events_for(player->isa, TD_ROUTE_PLAIN);
}

static void play_group(td_portfolio_player *player, const td_set *sets, int64_t count, td_cell *cells, float *block_returns) {
    const td_portfolio *portfolio = player->portfolio;
    int64_t blocks = start_group(player, sets, count), bars = portfolio->whole->view.bars, part = portfolio->whole->view.blocks;
    int64_t step = chunk_bars(player);
    int lanes = lanes_of(player), block_lanes = lanes * TD_BLOCK_VECTORS;
    for (int64_t begin = 0, end; begin < bars; begin = end) {
        end = begin + step < bars ? begin + step : bars;
        fill_chunk(player, begin, end);
        for (int64_t b = 0; b < blocks; b++) {
            player->states[b].begin = begin;
            player->states[b].end = end;
            player->kernel->portfolio(&player->states[b]);
        }
    }
    for (int64_t i = 0; i < count; i++) {
        const td_portfolio_block *block = &player->states[i / block_lanes];
        td_desk desk = desk_of(block, (int)(i % block_lanes) / lanes, (int)(i % lanes));
        td_lane lane;
        for (int f = 0; f < TD_FIELD_COUNT; f++) ((double *)&lane)[f] = desk.whole[f * desk.stride];
        td_lane_finish(portfolio->whole, &sets[i], &lane, NULL, block->block_equity + i % block_lanes, block_lanes, &cells[i],
                       block_returns ? block_returns + i * part : NULL);
    }
}

void td_portfolio_play(td_portfolio_player *player, const td_set *sets, int64_t count, td_cell *cells, float *block_returns) {
    int64_t part = player->portfolio->whole->view.blocks;
    for (int64_t i = 0; player->plain && i < count; i++)
        td_portfolio_plain_play(player->plain, &sets[i], &cells[i], block_returns ? block_returns + i * part : NULL);
    for (int64_t done = 0, now; !player->plain && done < count; done += now) {
        now = count - done < player->group ? count - done : player->group;
        play_group(player, sets + done, now, cells + done, block_returns ? block_returns + done * part : NULL);
    }
}
