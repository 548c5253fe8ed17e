/* See portfolio_player.h. Nest: chunk of the raster, lane block, bar, symbols; the last two are the kernel's (portfolio_lanes.h). */
#include "sim/portfolio_player.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/portfolio_lanes.h"
#include "sim/rows.h"

/* Vectors of a group: a set has one for the account and one for each symbol. */
#define GROUP_BYTES (64 * 1024 * 1024)
/* Rows of all symbols of a chunk should leave room in a 2 MiB second-level cache. */
#define CHUNK_BYTES (640 * 1024)
enum { GROUP_SETS_MAX = 2048, CHUNK_BARS_MIN = 16, CHUNK_BARS_MAX = 512 };

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
    char *vectors;                /* per block: (TD_BLOCK_VECTORS) accounts, then (symbols, TD_BLOCK_VECTORS) */
    double *targets;              /* per block and vector: (2, symbols, lanes) wanted, pending */
    double *waiting;              /* (lanes of the group) targets of the lane that wait */
    double *block_equity;         /* per block (blocks, block lanes) */
    td_portfolio_block *states;   /* (blocks of the group) what a block keeps between chunks */
    int64_t *own;                 /* (CHUNK_BARS_MAX, symbols), and for the same: */
    double *mark, *low, *high;
    double *scratch;              /* (2, symbols) */
    const td_kernel *kernel;
};

int64_t td_portfolio_group(const td_portfolio *portfolio) {
    int64_t group = GROUP_BYTES / (int64_t)td_vector_bytes(1) / (portfolio->symbols + 1) / 16 * 16;
    return group > GROUP_SETS_MAX ? GROUP_SETS_MAX : group < 16 ? 16 : group;
}

/* What a group of this player takes. */
typedef struct needs {
    int64_t group, blocks;
    size_t lanes, vector_bytes, block_bytes;
} needs;

static needs needs_of(const td_portfolio *portfolio, td_isa isa) {
    needs needs = {.group = td_portfolio_group(portfolio), .lanes = (size_t)td_isa_lanes(isa) / TD_BLOCK_VECTORS};
    int64_t block_lanes = td_isa_lanes(isa);
    needs.blocks = (needs.group + block_lanes - 1) / block_lanes;
    needs.vector_bytes = td_vector_bytes((int)needs.lanes);
    needs.block_bytes = needs.vector_bytes * TD_BLOCK_VECTORS * (size_t)(portfolio->symbols + 1);
    return needs;
}

size_t td_portfolio_player_bytes(const td_portfolio *portfolio, td_engine engine, td_isa isa) {
    size_t symbols = (size_t)portfolio->symbols, bytes = sizeof(td_portfolio_player), rows = 0;
    if (engine == TD_ENGINE_REFERENCE) isa = TD_ISA_SCALAR;
    int64_t sets = engine == TD_ENGINE_REFERENCE ? 1 : td_portfolio_group(portfolio);
    for (size_t s = 0; s < symbols; s++) rows += td_rows_bytes(portfolio->decks[s], sets);
    if (engine == TD_ENGINE_REFERENCE) return bytes + rows + symbols * (sizeof(td_vector) + sizeof(td_rows) + 8 * sizeof(double));
    needs needs = needs_of(portfolio, isa);
    size_t all = (size_t)needs.blocks * (size_t)td_isa_lanes(isa);
    return bytes + rows + (size_t)needs.blocks * (needs.block_bytes + sizeof(td_portfolio_block)) + all * (2 * symbols + 1) * sizeof(double) +
           all * (size_t)portfolio->whole->view.blocks * sizeof(double) + (size_t)needs.group * TD_ROWS_MAX * sizeof(int32_t) +
           CHUNK_BARS_MAX * symbols * 4 * sizeof(double) + symbols * (sizeof(td_rows) + sizeof(td_kernel_chunk) + 5 * sizeof(double));
}

void td_portfolio_player_close(td_portfolio_player *player) {
    if (!player) return;
    td_portfolio_plain_close(player->plain);
    for (int64_t s = 0; player->rows && s < player->portfolio->symbols; s++) td_rows_close(&player->rows[s]);
    void *all[] = {player->decks, player->rows, player->chunks, player->next, player->last, player->slots, player->vectors,
                   player->targets, player->waiting, player->block_equity, player->states, player->own, player->mark, player->low,
                   player->high, player->scratch};
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
    size_t blocks = (size_t)needs.blocks, all = blocks * (size_t)td_isa_lanes(player->isa);
    bool lacking = false;
    player->group = needs.group;
    player->decks = allocate(symbols, sizeof *player->decks, &lacking);
    player->rows = allocate(symbols, sizeof *player->rows, &lacking);
    player->chunks = allocate(symbols, sizeof *player->chunks, &lacking);
    player->next = allocate(symbols, sizeof *player->next, &lacking);
    player->last = allocate(symbols, sizeof *player->last, &lacking);
    player->slots = allocate((size_t)needs.group * TD_ROWS_MAX, sizeof *player->slots, &lacking);
    player->vectors = allocate(blocks, needs.block_bytes, &lacking);
    player->targets = allocate(all * 2 * symbols, sizeof *player->targets, &lacking);
    player->waiting = allocate(all, sizeof *player->waiting, &lacking);
    player->block_equity = allocate(all * (size_t)portfolio->whole->view.blocks, sizeof *player->block_equity, &lacking);
    player->states = allocate(blocks, sizeof *player->states, &lacking);
    player->own = allocate(chunk, sizeof *player->own, &lacking);
    player->mark = allocate(chunk, sizeof *player->mark, &lacking);
    player->low = allocate(chunk, sizeof *player->low, &lacking);
    player->high = allocate(chunk, sizeof *player->high, &lacking);
    player->scratch = allocate(2 * symbols, sizeof *player->scratch, &lacking);
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

static double *waiting_of(const td_portfolio_block *block, int vector) {
    const td_portfolio_player *player = block->desk;
    return player->waiting + (block_number(block) * TD_BLOCK_VECTORS + vector) * lanes_of(player);
}

static td_desk desk_of(const td_portfolio_block *block, int vector, int lane) {
    const td_portfolio_player *player = block->desk;
    int lanes = lanes_of(player);
    int64_t reals = (int64_t)(td_vector_bytes(lanes) / sizeof(double)), symbols = block->symbols;
    double *targets = player->targets + (block_number(block) * TD_BLOCK_VECTORS + vector) * 2 * symbols * lanes;
    return (td_desk){.portfolio = player->portfolio, .whole = (double *)block->accounts + vector * reals + lane,
                     .symbol = (double *)block->vectors + vector * reals + lane, .step = TD_BLOCK_VECTORS * reals, .stride = lanes,
                     .wanted = targets + lane, .pending = targets + symbols * lanes + lane, .sizes = player->scratch,
                     .sample = block->sample};
}

static td_raster_row row_of(const td_portfolio_block *block, int64_t t) {
    int64_t row = (t - block->begin) * block->symbols;
    return (td_raster_row){.bar = t, .own = block->own + row, .mark = block->mark + row};
}

/* How many targets of the lane wait, told to the block. */
static void count_waiting(td_portfolio_block *block, const td_desk *desk, double *waiting) {
    double now = 0;
    for (int64_t s = 0; s < block->symbols; s++) now += !isnan(desk->pending[s * desk->stride]);
    block->waiting += (int64_t)(now - *waiting);
    *waiting = now;
}

static void settle(td_portfolio_block *block, int64_t t, bool at_open) {
    const td_portfolio_player *player = block->desk;
    td_raster_row row = row_of(block, t);
    int lanes = lanes_of(player);
    td_desk_prices(player->portfolio, &row, at_open, player->scratch + block->symbols);
    for (int v = 0; v < TD_BLOCK_VECTORS; v++)
        for (int l = 0; l < lanes; l++) {
            double *waiting = waiting_of(block, v) + l;
            if (*waiting == 0 && !block->dates[t]) continue;
            td_desk desk = desk_of(block, v, l);
            td_desk_settle(&desk, &row, at_open);
            if (*waiting > 0) count_waiting(block, &desk, waiting);
        }
}

static void stops(td_portfolio_block *block, int64_t t, int vector, unsigned lanes) {
    td_raster_row row = row_of(block, t);
    for (; lanes; lanes &= lanes - 1) {
        td_desk desk = desk_of(block, vector, __builtin_ctz(lanes));
        for (int64_t s = 0; s < block->symbols; s++)
            if (row.own[s] >= 0) td_desk_stops(&desk, &row, s);
    }
}

static void ruin(td_portfolio_block *block, int64_t t, int vector, unsigned lanes) {
    td_raster_row row = row_of(block, t);
    for (; lanes; lanes &= lanes - 1) {
        int lane = __builtin_ctz(lanes);
        td_desk desk = desk_of(block, vector, lane);
        td_desk_ruin(&desk, &row);
        count_waiting(block, &desk, waiting_of(block, vector) + lane);
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
        double *waiting = waiting_of(block, vector) + lane;
        td_desk_want(&desk, &row, symbol, target[lane]);
        if (isnan(desk.pending[symbol * desk.stride])) { /* it failed, or had ended before */
            count_waiting(block, &desk, waiting);
        } else {
            *waiting += 1;
            block->waiting++;
        }
    }
}

/* ---- groups ---- */

/* Rows, vectors and blocks of a group before the first bar; returns how many blocks. */
static int64_t start_group(td_portfolio_player *player, const td_set *sets, int64_t count) {
    const td_portfolio *portfolio = player->portfolio;
    int64_t symbols = portfolio->symbols;
    int lanes = lanes_of(player), block_lanes = lanes * TD_BLOCK_VECTORS, row_count = portfolio->whole->row_count;
    int64_t blocks = (count + block_lanes - 1) / block_lanes;
    needs needs = needs_of(portfolio, player->isa);
    for (int64_t s = 0; s < symbols; s++) {
        td_rows_start(&player->rows[s], sets, count, player->slots); /* the same slots every time: they depend on the sets alone */
        player->next[s] = 0;
        player->last[s] = 0;
    }
    for (int64_t b = 0; b < blocks; b++) {
        char *accounts = player->vectors + (size_t)b * needs.block_bytes, *vectors = accounts + TD_BLOCK_VECTORS * needs.vector_bytes;
        td_portfolio_block *block = &player->states[b];
        *block = (td_portfolio_block){
            .symbols = symbols, .whole = &portfolio->whole->view, .decks = player->decks, .chunks = player->chunks,
            .dates = portfolio->dates, .own = player->own, .mark = player->mark, .low = player->low, .high = player->high,
            .accounts = (td_vector *)accounts, .vectors = (td_vector *)vectors,
            .block_equity = player->block_equity + b * block_lanes * portfolio->whole->view.blocks, .desk = player, .settle = settle,
            .stops = stops, .ruin = ruin, .finalize = finalize, .want = want};
        /* lanes beyond the last set play it once more; nobody looks at them */
        for (int i = 0; i < block_lanes; i++) {
            int64_t set = b * block_lanes + i < count ? b * block_lanes + i : count - 1;
            int v = i / lanes, l = i % lanes;
            td_desk desk = desk_of(block, v, l);
            td_desk_start(&desk, &sets[set]);
            waiting_of(block, v)[l] = 0;
            for (int64_t s = 0; s < symbols; s++)
                for (int r = 0; r < row_count; r++)
                    td_vector_slot(vectors + (size_t)(s * TD_BLOCK_VECTORS + v) * needs.vector_bytes, lanes, r)[l] =
                        player->slots[set * row_count + r];
        }
        bool windowed = true;
        for (int64_t i = 0; i < symbols * TD_BLOCK_VECTORS; i++)
            for (int r = 0; r < row_count; r++) windowed &= td_vector_find_windows(vectors + (size_t)i * needs.vector_bytes, lanes, r);
        *td_vector_windowed(vectors, lanes) = windowed;
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
            player->mark[at] = player->last[s];
        }
        player->next[s] = next;
        if (next == first) continue;
        player->rows[s].chunk_bars = next - first;
        td_rows_next(&player->rows[s]);
        player->chunks[s] = td_rows_chunk(&player->rows[s]);
    }
    /* events are the same for every symbol, and asked of the first */
    player->chunks->events = td_events_for(player->isa, TD_PATH_PLAIN);
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
