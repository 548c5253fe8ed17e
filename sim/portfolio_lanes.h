/* The bar loop of portfolios in lanes: what a strategy's kernel does with a block of sets over a chunk of the raster.
 *
 * Included by sim/strategy.h and inlined around the strategy's hook, as sim/lanes.h is. Order inside a bar: rules R110 to R124 of
 * docs/bar-rules.md; the plain version is sim/portfolio.c. Crossings, stops reached, sums over the symbols, samples and decisions are
 * played in vectors; lanes to which something happens go to the desk (sim/desk.h) through the block's functions, whose `lanes` has a bit
 * for each lane of the vector.
 *
 * Signals depend on rows alone, so a chunk's crossings are found first, symbol by symbol with all it takes in registers, and leave behind
 * a bit for each symbol and bar that has one. What a bar then reads of every symbol, position and levels, stands in columns: symbol
 * after symbol, nothing in between. */
#ifndef TAPEDECK_SIM_PORTFOLIO_LANES_H
#define TAPEDECK_SIM_PORTFOLIO_LANES_H

#include "sim/lanes.h"

typedef struct td_portfolio_block td_portfolio_block;
struct td_portfolio_block {
    int64_t symbols, words;             /* words of 64 bits that have one for each symbol */
    const td_kernel_deck *whole;        /* of the raster */
    const td_kernel_deck *const *decks; /* (symbols) */
    const td_kernel_chunk *chunks;      /* (symbols) rows */
    const bool *dates;                  /* (bars of the raster) */
    int64_t begin, end;                 /* of the chunk, on the raster */
    const int64_t *own;                 /* (end - begin, symbols) own bar, -1 without one, */
    const double *mark, *base;          /* marks and what market orders fill at; */
    const double *low, *high;           /* NaN without a bar; 8 more may be read */
    td_vector *accounts;                /* (TD_BLOCK_VECTORS) */
    td_vector *faces;                   /* (TD_BLOCK_VECTORS) what the hook looks at: the sets' parameters, windows and, for as long as it
                                           decides on a symbol, that symbol's entry and state */
    td_real *holdings;                  /* (TD_HOLDING_COUNT, symbols, TD_BLOCK_VECTORS) */
    double *near_low, *near_high;       /* (symbols and 8 more) no lane's stop or target of the symbol is nearer to its price; infinite in
                                           those beyond */
    td_real *gaps;                      /* (symbols, signals, TD_BLOCK_VECTORS) at the last bar */
    td_real *states;                    /* (symbols, reals of state, TD_BLOCK_VECTORS) */
    uint32_t *crossings;                /* (bars, symbols, signals) scratch: lanes of the block that cross above, and << 16 below */
    uint64_t *decisions;                /* (bars, words) scratch: symbols the strategy is asked about */
    double *block_equity;               /* (blocks, TD_BLOCK_VECTORS, TD_LANES) */
    int64_t sample, part;               /* the next sample and block */
    unsigned due[TD_BLOCK_VECTORS];     /* lanes in which a target waits for a bar */
    unsigned filled[TD_BLOCK_VECTORS], buying[TD_BLOCK_VECTORS]; /* what reduce() and buy() say */
    void *desk;                         /* of the functions */
    /* The steps of td_desk_settle(), of all lanes; equities (TD_BLOCK_VECTORS, TD_LANES) at the base prices. They add to filled the
     * lanes whose cash is to be counted anew; reduce() says in buying which lanes buy() is for. */
    void (*reduce)(td_portfolio_block *block, int64_t t, const double *equity);
    void (*buy)(td_portfolio_block *block, int64_t t, const double *equity, const double *invested);
    void (*stops)(td_portfolio_block *block, int64_t t, int64_t symbol, int vector, unsigned lanes); /* leaves cash uncounted */
    void (*ruin)(td_portfolio_block *block, int64_t t, int vector, unsigned lanes);
    void (*finalize)(td_portfolio_block *block, int64_t t, int vector);
    void (*want)(td_portfolio_block *block, int64_t t, int64_t symbol, int vector, unsigned lanes, const double *target);
};

/* Column of a field: the vectors of symbol s are [s * TD_BLOCK_VECTORS] and the next. */
TD_INLINE const td_real *td_holding(const td_portfolio_block *block, enum td_holding field) {
    return block->holdings + field * block->symbols * TD_BLOCK_VECTORS;
}

/* ---- sums over the symbols, in their order; both vectors at once, so that one need not wait for the other ---- */

/* Cash and positions at `prices` (symbols). */
TD_INLINE void td_portfolio_equity(const td_portfolio_block *block, const double *prices, td_real *equity) {
    const td_real *position = td_holding(block, TD_HOLDING_position);
    td_real sum[TD_BLOCK_VECTORS];
    for (int v = 0; v < TD_BLOCK_VECTORS; v++) sum[v] = block->accounts[v].cash;
    for (int64_t s = 0; s < block->symbols; s++, position += TD_BLOCK_VECTORS)
        for (int v = 0; v < TD_BLOCK_VECTORS; v++) sum[v] = sum[v] + position[v] * prices[s];
    for (int v = 0; v < TD_BLOCK_VECTORS; v++) equity[v] = sum[v];
}

/* The same, and the value of what is held. */
TD_INLINE void td_portfolio_invested(const td_portfolio_block *block, const double *prices, td_real *equity, td_real *invested) {
    const td_real *position = td_holding(block, TD_HOLDING_position);
    td_real sum[TD_BLOCK_VECTORS], held[TD_BLOCK_VECTORS];
    for (int v = 0; v < TD_BLOCK_VECTORS; v++) {
        sum[v] = block->accounts[v].cash;
        held[v] = td_splat(0.0);
    }
    for (int64_t s = 0; s < block->symbols; s++, position += TD_BLOCK_VECTORS)
        for (int v = 0; v < TD_BLOCK_VECTORS; v++) {
            td_real value = position[v] * prices[s];
            sum[v] = sum[v] + value;
            held[v] = held[v] + td_abs(value);
        }
    for (int v = 0; v < TD_BLOCK_VECTORS; v++) {
        equity[v] = sum[v];
        invested[v] = held[v];
    }
}

/* Cash of these lanes, due after fills: the balance without what the open positions cost. */
TD_INLINE void td_portfolio_count_cash(td_portfolio_block *block, const unsigned *lanes) {
    const td_real *position = td_holding(block, TD_HOLDING_position), *paid = td_holding(block, TD_HOLDING_entry_price);
    td_real tied[TD_BLOCK_VECTORS];
    for (int v = 0; v < TD_BLOCK_VECTORS; v++) tied[v] = td_splat(0.0);
    for (int64_t s = 0; s < block->symbols; s++, position += TD_BLOCK_VECTORS, paid += TD_BLOCK_VECTORS)
        for (int v = 0; v < TD_BLOCK_VECTORS; v++) tied[v] = tied[v] + position[v] * paid[v];
    for (int v = 0; v < TD_BLOCK_VECTORS; v++) {
        td_vector *account = &block->accounts[v];
        account->cash = td_select(td_word_mask(lanes[v]), account->balance - tied[v], account->cash);
    }
}

TD_INLINE bool td_portfolio_some(const unsigned *lanes) {
    unsigned some = 0;
    for (int v = 0; v < TD_BLOCK_VECTORS; v++) some |= lanes[v];
    return some != 0;
}

/* ---- steps of a bar ---- */

/* Orders due on the bar; see td_desk_settle(). */
TD_INLINE void td_portfolio_settle(td_portfolio_block *block, int64_t t) {
    const double *base = block->base + (t - block->begin) * block->symbols;
    td_real equity[TD_BLOCK_VECTORS], invested[TD_BLOCK_VECTORS];
    if (block->dates[t]) td_portfolio_equity(block, base, equity); /* nobody else asks */
    memset(block->filled, 0, sizeof block->filled);
    block->reduce(block, t, block->dates[t] ? (const double *)equity : NULL);
    if (td_portfolio_some(block->buying)) {
        unsigned both[TD_BLOCK_VECTORS];
        for (int v = 0; v < TD_BLOCK_VECTORS; v++) both[v] = block->filled[v] & block->buying[v];
        if (td_portfolio_some(both)) td_portfolio_count_cash(block, both);
        td_portfolio_invested(block, base, equity, invested);
        block->buy(block, t, (const double *)equity, (const double *)invested);
    }
    if (td_portfolio_some(block->filled)) td_portfolio_count_cash(block, block->filled);
}

/* Stops and targets of one symbol, near which the bar came. */
TD_INLINE void td_portfolio_touch(td_portfolio_block *block, int64_t t, int64_t s, double low, double high, unsigned *left) {
    const td_real *stop_low = td_holding(block, TD_HOLDING_stop_low) + s * TD_BLOCK_VECTORS;
    const td_real *stop_high = td_holding(block, TD_HOLDING_stop_high) + s * TD_BLOCK_VECTORS;
    td_real nearest_low = td_splat(-TD_INF), nearest_high = td_splat(TD_INF);
    for (int v = 0; v < TD_BLOCK_VECTORS; v++) {
        unsigned lanes = td_mask_word((low <= stop_low[v]) | (high >= stop_high[v]));
        if (lanes) block->stops(block, t, s, v, lanes);
        left[v] |= lanes;
        nearest_low = td_max(stop_low[v], nearest_low);
        nearest_high = td_min(stop_high[v], nearest_high);
    }
    double lows[TD_LANES], highs[TD_LANES];
    td_store(lows, nearest_low);
    td_store(highs, nearest_high);
    block->near_low[s] = lows[0];
    block->near_high[s] = highs[0];
    for (int l = 1; l < TD_LANES; l++) {
        if (lows[l] > block->near_low[s]) block->near_low[s] = lows[l];
        if (highs[l] < block->near_high[s]) block->near_high[s] = highs[l];
    }
}

/* Those of all symbols, as many at a time as a vector has lanes. */
TD_INLINE void td_portfolio_stops(td_portfolio_block *block, int64_t t) {
    const double *low = block->low + (t - block->begin) * block->symbols, *high = block->high + (t - block->begin) * block->symbols;
    unsigned left[TD_BLOCK_VECTORS] = {0};
    for (int64_t first = 0; first < block->symbols; first += TD_LANES) {
        td_mask below = td_load(low + first) <= td_load(block->near_low + first);
        td_mask above = td_load(high + first) >= td_load(block->near_high + first);
        for (unsigned which = td_mask_word(below | above); td_unlikely(which); which &= which - 1) {
            int64_t s = first + __builtin_ctz(which);
            td_portfolio_touch(block, t, s, low[s], high[s], left);
        }
    }
    if (td_portfolio_some(left)) td_portfolio_count_cash(block, left);
}

/* Ruin of lanes whose equity is gone; whether there were any. */
TD_INLINE bool td_portfolio_ruin(td_portfolio_block *block, int64_t t, const td_real *equity) {
    bool any = false;
    for (int v = 0; v < TD_BLOCK_VECTORS; v++) {
        unsigned gone = td_mask_word(equity[v] <= 0);
        if (td_unlikely(gone)) block->ruin(block, t, v, gone);
        any |= gone != 0;
    }
    return any;
}

/* The bar up to its close. */
TD_INLINE void td_portfolio_close(td_portfolio_block *block, int64_t t, bool finalize) {
    const double *mark = block->mark + (t - block->begin) * block->symbols;
    td_real equity[TD_BLOCK_VECTORS];
    td_portfolio_stops(block, t);
    td_portfolio_equity(block, mark, equity);
    if (td_unlikely(td_portfolio_ruin(block, t, equity))) td_portfolio_equity(block, mark, equity);
    if (td_unlikely(finalize)) {
        for (int v = 0; v < TD_BLOCK_VECTORS; v++) block->finalize(block, t, v);
        td_portfolio_equity(block, mark, equity);
        if (td_portfolio_ruin(block, t, equity)) td_portfolio_equity(block, mark, equity);
    }
    for (int v = 0; v < TD_BLOCK_VECTORS; v++) {
        td_vector *account = &block->accounts[v];
        account->equity = equity[v];
        account->trough = td_min(equity[v], account->trough);
        if (td_unlikely(td_any(equity[v] >= account->record))) block->chunks->events->peak(block->whole, account, t);
    }
}

TD_INLINE void td_portfolio_sample(td_portfolio_block *block) {
    double market = block->whole->sample_market[block->sample];
    for (int v = 0; v < TD_BLOCK_VECTORS; v++) {
        td_vector *account = &block->accounts[v];
        if (block->sample == 0) account->first_sample = td_select(account->ruined == 0, account->equity, 0);
        td_real r = (account->equity - account->sample_equity) / account->sample_equity, down = td_min(r, 0);
        account->sum_r += r;
        account->sum_r2 += r * r;
        account->sum_down2 += down * down;
        account->sum_market += r * market;
        account->sample_equity = account->equity;
    }
    block->sample++;
}

/* Where a row of a vector's lanes is found, kept in registers over a loop; and the row, of a bar's rows. */
typedef struct td_fetch {
    int64_t first, second;
    td_bits pick;
    const int32_t *slot;
} td_fetch;
TD_INLINE td_fetch td_fetch_of(const td_vector *s, int r) {
    return (td_fetch){.first = s->window[r][0], .second = s->window[r][1], .pick = s->pick[r], .slot = s->slot[r]};
}
TD_INLINE td_real td_fetched(const td_fetch *fetch, const double *rows, const bool windowed) {
    return windowed ? td_window_pick(rows + fetch->first, rows + fetch->second, fetch->pick) : td_gather(rows, fetch->slot);
}

/* Which bars of a symbol the strategy is asked about, and who crosses there, as td_cross() has it. Nothing decided on the symbol's last
 * bar can fill. */
TD_INLINE void td_portfolio_cross(td_portfolio_block *block, int64_t s, const td_signal_info *infos, const int signals, const bool on_bar,
                                  const bool windowed) {
    const td_kernel_deck *deck = block->decks[s];
    const td_kernel_chunk *chunk = &block->chunks[s];
    const int64_t *own = block->own + s;
    const int64_t symbols = block->symbols, words = block->words, bars = block->end - block->begin, last = deck->bars - 1;
    const double *all_rows = chunk->rows - chunk->begin * chunk->stride;
    const int64_t stride = chunk->stride;
    const double touch = deck->touch;
    td_real *gaps = block->gaps + s * signals * TD_BLOCK_VECTORS;
    uint32_t *crossings = block->crossings + s * signals;
    uint64_t *decisions = block->decisions + (s >> 6), bit = (uint64_t)1 << (s & 63);
    td_real before[TD_SIGNALS_MAX][TD_BLOCK_VECTORS], level[TD_SIGNALS_MAX][TD_BLOCK_VECTORS];
    td_fetch row[TD_SIGNALS_MAX][TD_BLOCK_VECTORS], other[TD_SIGNALS_MAX][TD_BLOCK_VECTORS];
    for (int i = 0; i < signals; i++)
        for (int v = 0; v < TD_BLOCK_VECTORS; v++) {
            const td_vector *face = &block->faces[v];
            before[i][v] = gaps[i * TD_BLOCK_VECTORS + v];
            if (infos[i].kind == TD_SIGNAL_START) continue;
            row[i][v] = td_fetch_of(face, infos[i].row);
            if (infos[i].kind == TD_SIGNAL_CROSS)
                other[i][v] = td_fetch_of(face, infos[i].other);
            else
                level[i][v] = infos[i].level.from == TD_FROM_CONSTANT ? td_splat(infos[i].level.value) : face->param[infos[i].level.index];
        }
    for (int64_t t = 0; t < bars; t++) {
        const int64_t at = own[t * symbols];
        if (td_unlikely(at < 0 || at >= last)) continue;
        const double *rows = all_rows + at * stride;
        td_mask above[TD_SIGNALS_MAX][TD_BLOCK_VECTORS], below[TD_SIGNALS_MAX][TD_BLOCK_VECTORS], any = td_no_lane();
        for (int i = 0; i < signals; i++)
            for (int v = 0; v < TD_BLOCK_VECTORS; v++) {
                if (infos[i].kind == TD_SIGNAL_START) {
                    above[i][v] = td_splat((double)at) == (double)deck->start_bar;
                    below[i][v] = td_no_lane();
                } else {
                    td_real than = infos[i].kind == TD_SIGNAL_CROSS ? td_fetched(&other[i][v], rows, windowed) : level[i][v];
                    td_real gap = td_fetched(&row[i][v], rows, windowed) - than;
                    above[i][v] = (gap > 0) & (before[i][v] < touch);
                    below[i][v] = (gap < 0) & (before[i][v] > -touch);
                    before[i][v] = gap;
                }
                any = any | above[i][v] | below[i][v];
            }
        if (!on_bar && td_likely(!td_any(any))) continue;
        decisions[t * words] |= bit;
        for (int i = 0; i < signals; i++) {
            uint32_t lanes = 0;
            for (int v = 0; v < TD_BLOCK_VECTORS; v++)
                lanes |= (td_mask_word(above[i][v]) | td_mask_word(below[i][v]) << 16) << (v * TD_LANES);
            crossings[t * symbols * signals + i] = lanes;
        }
    }
    for (int i = 0; i < signals; i++)
        for (int v = 0; v < TD_BLOCK_VECTORS; v++) gaps[i * TD_BLOCK_VECTORS + v] = before[i][v];
}
_Static_assert(TD_BLOCK_VECTORS * TD_LANES <= 16, "a block's lanes fit half of a crossing");

/* The strategy's decisions on one symbol's bar. */
TD_INLINE void td_portfolio_decide(td_portfolio_block *block, int64_t t, int64_t s, td_hook *hook, const int signals, const bool on_bar,
                                   const int reals, const bool windowed) {
    const td_kernel_chunk *chunk = &block->chunks[s];
    const int64_t at = (t - block->begin) * block->symbols + s, own = block->own[at];
    const uint32_t *crossings = block->crossings + at * signals;
    for (int v = 0; v < TD_BLOCK_VECTORS; v++) {
        td_vector *face = &block->faces[v];
        td_mask above[TD_SIGNALS_MAX], below[TD_SIGNALS_MAX];
        unsigned any = 0;
        for (int i = 0; i < signals; i++) {
            unsigned lanes = (1u << TD_LANES) - 1, up = crossings[i] >> (v * TD_LANES) & lanes, down = crossings[i] >> (16 + v * TD_LANES) & lanes;
            above[i] = td_word_mask(up);
            below[i] = td_word_mask(down);
            any |= up | down;
        }
        if (!on_bar && !any) continue;
        td_real *state = block->states + s * reals * TD_BLOCK_VECTORS + v;
        for (int i = 0; i < reals; i++) face->state[i] = state[i * TD_BLOCK_VECTORS];
        face->entry_price = td_holding(block, TD_HOLDING_entry_price)[s * TD_BLOCK_VECTORS + v];
        face->entry_bar = td_holding(block, TD_HOLDING_entry_own)[s * TD_BLOCK_VECTORS + v];
        td_real position = td_holding(block, TD_HOLDING_position)[s * TD_BLOCK_VECTORS + v];
        td_now now = {.known = {face->param, position}, .deck = block->decks[s], .rows = chunk->rows + (own - chunk->begin) * chunk->stride,
                      .stride = chunk->stride, .t = own, .windowed = windowed, .vector = face, .above = above, .below = below,
                      .equity = block->accounts[v].equity,
                      .target = td_splat(0.0), .where = td_no_lane()};
        hook(&now);
        for (int i = 0; i < reals; i++) state[i * TD_BLOCK_VECTORS] = face->state[i];
        if (!td_any(now.where)) continue;
        double target[TD_LANES];
        td_store(target, now.target);
        block->want(block, t, s, v, td_mask_word(now.where), target);
    }
}

TD_INLINE void td_portfolio_play_block(td_portfolio_block *block, td_hook *hook, const td_signal_info *infos, const int signals,
                                       const bool on_bar, const int reals, const bool windowed) {
    const td_kernel_deck *whole = block->whole;
    const bool at_open = whole->fill_at == TD_FILL_NEXT_OPEN;
    const int64_t last = whole->bars - 1;
    memset(block->decisions, 0, (size_t)((block->end - block->begin) * block->words) * sizeof *block->decisions);
    for (int64_t s = 0; s < block->symbols; s++) td_portfolio_cross(block, s, infos, signals, on_bar, windowed);
    for (int64_t t = block->begin; t < block->end; t++) {
        const uint64_t *decisions = block->decisions + (t - block->begin) * block->words;
        if (at_open && (td_portfolio_some(block->due) || block->dates[t])) td_portfolio_settle(block, t);
        td_portfolio_close(block, t, t == last && whole->finalize);
        if (whole->sample_bar[block->sample] == t) td_portfolio_sample(block);
        for (int64_t w = 0; w < block->words; w++)
            for (uint64_t asked = decisions[w]; asked; asked &= asked - 1)
                td_portfolio_decide(block, t, w * 64 + __builtin_ctzll(asked), hook, signals, on_bar, reals, windowed);
        if (!at_open && t < last && (td_portfolio_some(block->due) || block->dates[t])) td_portfolio_settle(block, t);
        if (whole->block_end[block->part] == t) {
            for (int v = 0; v < TD_BLOCK_VECTORS; v++)
                td_store(block->block_equity + (block->part * TD_BLOCK_VECTORS + v) * TD_LANES,
                         td_select(block->accounts[v].ruined == 0, block->accounts[v].equity, 0));
            block->part++;
        }
    }
}

#endif
