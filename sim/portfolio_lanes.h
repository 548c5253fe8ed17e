/* The bar loop of portfolios in lanes: what a strategy's kernel does with a block of sets over a chunk of the raster.
 *
 * Included by sim/strategy.h and inlined around the strategy's hook, as sim/lanes.h is. Order inside a bar: rules R110 to R124 of
 * docs/bar-rules.md; the plain version is sim/portfolio.c. Marks, samples, peaks and decisions are played in vectors; lanes to which
 * something happens go to the desk (sim/desk.h) through the block's functions, whose `lanes` has a bit for each lane of the vector. */
#ifndef TAPEDECK_SIM_PORTFOLIO_LANES_H
#define TAPEDECK_SIM_PORTFOLIO_LANES_H

#include "sim/lanes.h"

typedef struct td_portfolio_block td_portfolio_block;
struct td_portfolio_block {
    int64_t symbols;
    const td_kernel_deck *whole;        /* of the raster */
    const td_kernel_deck *const *decks; /* (symbols) */
    const td_kernel_chunk *chunks;      /* (symbols) rows */
    const bool *dates;                  /* (bars of the raster) */
    int64_t begin, end;                 /* of the chunk, on the raster */
    const int64_t *own;                 /* (end - begin, symbols) own bar, -1 without one, */
    const double *mark;                 /* and marks; */
    const double *low, *high;           /* NaN without a bar */
    td_vector *accounts;                /* (TD_BLOCK_VECTORS) */
    td_vector *vectors;                 /* (symbols, TD_BLOCK_VECTORS) */
    double *block_equity;               /* (blocks, TD_BLOCK_VECTORS, TD_LANES) */
    int64_t sample, part;               /* the next sample and block */
    int64_t waiting;                    /* targets that wait for a bar, of all lanes and symbols */
    void *desk;                         /* of the functions */
    void (*settle)(td_portfolio_block *block, int64_t t, bool at_open);
    void (*stops)(td_portfolio_block *block, int64_t t, int vector, unsigned lanes);
    void (*ruin)(td_portfolio_block *block, int64_t t, int vector, unsigned lanes);
    void (*finalize)(td_portfolio_block *block, int64_t t, int vector);
    void (*want)(td_portfolio_block *block, int64_t t, int64_t symbol, int vector, unsigned lanes, const double *target);
};

/* Equity of a vector's lanes, and which of them a stop or target may have been reached in. */
TD_INLINE td_real td_portfolio_mark(const td_portfolio_block *block, int64_t row, int v, td_mask *touched) {
    const double *mark = block->mark + row, *low = block->low + row, *high = block->high + row;
    td_real equity = block->accounts[v].cash;
    td_mask any = td_no_lane();
    for (int64_t s = 0; s < block->symbols; s++) {
        const td_vector *vector = &block->vectors[s * TD_BLOCK_VECTORS + v];
        equity = equity + vector->position * mark[s];
        any = any | (low[s] <= vector->stop_low) | (high[s] >= vector->stop_high);
    }
    *touched = any;
    return equity;
}

/* The bar up to its close. */
TD_INLINE void td_portfolio_close(td_portfolio_block *block, int64_t t, int64_t row, int v, bool finalize) {
    td_vector *account = &block->accounts[v];
    td_mask touched, ignored;
    td_real equity = td_portfolio_mark(block, row, v, &touched);
    if (td_unlikely(td_any(touched))) {
        block->stops(block, t, v, td_mask_word(touched));
        equity = td_portfolio_mark(block, row, v, &ignored);
    }
    for (int pass = 0; pass < 1 + finalize; pass++) {
        td_mask gone = equity <= 0;
        if (td_unlikely(td_any(gone))) {
            block->ruin(block, t, v, td_mask_word(gone));
            equity = td_portfolio_mark(block, row, v, &ignored);
        }
        if (finalize && pass == 0) {
            block->finalize(block, t, v);
            equity = td_portfolio_mark(block, row, v, &ignored);
        }
    }
    account->equity = equity;
    account->trough = td_min(equity, account->trough);
    if (td_unlikely(td_any(equity >= account->record))) block->chunks->events->peak(block->whole, account, t);
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

/* The strategy's decisions on one symbol's bar. */
TD_INLINE void td_portfolio_decide(td_portfolio_block *block, int64_t t, int64_t s, int64_t own, td_hook *hook,
                                   const td_signal_info *infos, const int signals, const bool on_bar, const bool windowed) {
    const td_kernel_deck *deck = block->decks[s];
    const td_kernel_chunk *chunk = &block->chunks[s];
    const double *rows = chunk->rows + (own - chunk->begin) * chunk->stride;
    for (int v = 0; v < TD_BLOCK_VECTORS; v++) {
        td_vector *vector = &block->vectors[s * TD_BLOCK_VECTORS + v];
        td_mask above[TD_SIGNALS_MAX], below[TD_SIGNALS_MAX], event = td_no_lane();
        td_hot hot;
        for (int i = 0; i < signals; i++) hot.gap[i] = vector->gap[i];
        td_cross(deck, vector, rows, own, &hot, infos, signals, windowed, above, below);
        for (int i = 0; i < signals; i++) {
            vector->gap[i] = hot.gap[i];
            event = event | above[i] | below[i];
        }
        if (!on_bar && td_likely(!td_any(event))) continue;
        td_now now = {.deck = deck, .rows = rows, .stride = chunk->stride, .t = own, .windowed = windowed, .vector = vector, .above = above,
                      .below = below, .position = vector->position, .equity = block->accounts[v].equity, .target = td_splat(0.0),
                      .where = td_no_lane()};
        hook(&now);
        if (!td_any(now.where)) continue;
        double target[TD_LANES];
        td_store(target, now.target);
        block->want(block, t, s, v, td_mask_word(now.where), target);
    }
}

TD_INLINE void td_portfolio_play_block(td_portfolio_block *block, td_hook *hook, const td_signal_info *infos, const int signals,
                                       const bool on_bar, const bool windowed) {
    const td_kernel_deck *whole = block->whole;
    const bool at_open = whole->fill_at == TD_FILL_NEXT_OPEN;
    const int64_t last = whole->bars - 1;
    for (int64_t t = block->begin; t < block->end; t++) {
        int64_t row = (t - block->begin) * block->symbols;
        const int64_t *own = block->own + row;
        if (at_open && (block->waiting || block->dates[t])) block->settle(block, t, true);
        for (int v = 0; v < TD_BLOCK_VECTORS; v++) td_portfolio_close(block, t, row, v, t == last && whole->finalize);
        if (whole->sample_bar[block->sample] == t) td_portfolio_sample(block);
        for (int64_t s = 0; s < block->symbols; s++)
            if (own[s] >= 0 && own[s] + 1 < block->decks[s]->bars)
                td_portfolio_decide(block, t, s, own[s], hook, infos, signals, on_bar, windowed);
        if (!at_open && t < last && (block->waiting || block->dates[t])) block->settle(block, t, false);
        if (whole->block_end[block->part] == t) {
            for (int v = 0; v < TD_BLOCK_VECTORS; v++)
                td_store(block->block_equity + (block->part * TD_BLOCK_VECTORS + v) * TD_LANES,
                         td_select(block->accounts[v].ruined == 0, block->accounts[v].equity, 0));
            block->part++;
        }
    }
}

#endif
