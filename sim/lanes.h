/* The general lane engine: the bar loop that a strategy's kernel is made of.
 *
 * Included by sim/strategy.h into every strategy's unit and inlined around its hook, once per instruction set. Loop nest: the
 * player walks chunks of bars; a kernel gets one block of TD_BLOCK_VECTORS vectors and one chunk.
 *
 * The idea that makes it fast: nothing happens on most bars. Masks inside a vector, and one predictable branch for "does any lane
 * have an event"; events (stops, new peaks, trades) are out-of-line functions on the vector in memory (sim/events.h), which may
 * divide and branch as they like. The hot fields live in registers in between.
 *
 * Order inside bar t (docs/bar-rules.md): stops and targets on the bar's range; mark at the close; statistics; the strategy's
 * decision; its fill, at this close or at the next bar's open. */
#ifndef TAPEDECK_SIM_LANES_H
#define TAPEDECK_SIM_LANES_H

#include "sim/events.h"

/* What a hook sees. */
typedef struct td_now {
    td_known known;
    const td_kernel_deck *deck;
    const double *rows; /* this bar's */
    int64_t stride, t;
    bool windowed;
    td_vector *vector;
    const td_mask *above, *below;
    td_real equity;
    td_real target; /* out: the position it wants ... */
    td_mask where;  /* ... and where it wants one */
    td_request *requests; /* out: orders, at most TD_REQUESTS_MAX; NULL where the strategy places none */
    int request_count;
} td_now;
typedef void td_hook(td_now *now);

/* Row r of all lanes, from the rows of one bar. */
TD_INLINE td_real td_row_value(const td_vector *s, const double *rows, int r, const bool windowed) {
    return windowed ? td_window_pick(rows + s->window[r][0], rows + s->window[r][1], s->pick[r]) : td_gather(rows, s->slot[r]);
}

typedef struct td_hot {
#define TD_HOT_FIELD(name) td_real name;
    TD_HOT_FIELDS(TD_HOT_FIELD)
#undef TD_HOT_FIELD
    td_real gap[TD_SIGNALS_MAX];
} td_hot;

TD_INLINE void td_hot_load(td_hot *hot, const td_vector *s, int signals) {
#define TD_HOT_FIELD(name) hot->name = s->name;
    TD_HOT_FIELDS(TD_HOT_FIELD)
#undef TD_HOT_FIELD
    for (int i = 0; i < signals; i++) hot->gap[i] = s->gap[i];
}

/* Events change the standing fields in the vector itself, so those are there already. */
TD_INLINE void td_hot_save(const td_hot *hot, td_vector *s, int signals) {
#define TD_HOT_FIELD(name) s->name = hot->name;
    TD_MOVING_FIELDS(TD_HOT_FIELD)
#undef TD_HOT_FIELD
    for (int i = 0; i < signals; i++) s->gap[i] = hot->gap[i];
}

/* Carries out what the hook left in `now`. */
TD_RARE void td_trade_event(const td_kernel_deck *deck, const td_events *events, td_vector *s, const td_now *now, int64_t sample) {
    int row = deck->volatility_row;
    td_real volatility = row < 0 ? td_splat(0.0) : td_row_value(s, now->rows, row, now->windowed);
    td_wish wish = {.target = now->target, .where = now->where, .volatility = volatility, .request_count = now->request_count,
                    .requests = now->requests};
    events->trade(deck, s, &wish, now->t, sample);
}

/* A sample at the close of the last bar played: the return since the last sample goes into the sums. */
TD_INLINE void td_sample(td_hot *hot, td_real before, double market, bool with_market) {
    td_real r = (hot->equity - before) / before, down = td_min(r, 0);
    hot->sum_r += r;
    hot->sum_r2 += r * r;
    hot->sum_down2 += down * down;
    if (with_market) hot->sum_market += r * market;
}

/* Which signals cross on bar t. above/below (signals). */
TD_INLINE void td_cross(const td_kernel_deck *deck, const td_vector *s, const double *rows, int64_t t, td_hot *hot,
                        const td_signal_info *infos, const int signals, const bool windowed, td_mask *above, td_mask *below) {
    for (int i = 0; i < signals; i++) {
        if (infos[i].kind == TD_SIGNAL_START) {
            above[i] = td_splat((double)t) == (double)deck->start_bar;
            below[i] = td_no_lane();
            continue;
        }
        td_real other = infos[i].kind == TD_SIGNAL_CROSS          ? td_row_value(s, rows, infos[i].other, windowed)
                        : infos[i].level.from == TD_FROM_CONSTANT ? td_splat(infos[i].level.value)
                                                                  : s->param[infos[i].level.index];
        td_real gap = td_row_value(s, rows, infos[i].row, windowed) - other;
        above[i] = (gap > 0) & (hot->gap[i] < deck->touch);
        below[i] = (gap < 0) & (hot->gap[i] > -deck->touch);
        hot->gap[i] = gap;
    }
}

/* The last bar: nothing decided on it can fill, except that `finalize` closes what is open. */
TD_RARE void td_last_bar(const td_kernel_deck *deck, const td_kernel_chunk *chunk, td_vector *s, int64_t sample, td_hook *hook,
                         const td_signal_info *infos, int signals) {
    const td_events *events = chunk->events;
    int64_t t = deck->bars - 1;
    td_mask all = td_not(td_no_lane());
    if (events->calm) events->calm(deck, s, &all, t);
    events->bar(deck, s, &all, t, sample);
    if (deck->finalize) {
        td_wish wish = {.target = td_splat(0.0), .where = td_no_lane(), .volatility = td_splat(0.0)};
        if (deck->profile == TD_PROFILE_BACKTESTING) { /* decides once more */
            const double *rows = chunk->rows + (t - chunk->begin) * chunk->stride;
            td_mask above[TD_SIGNALS_MAX], below[TD_SIGNALS_MAX];
            td_request requests[TD_REQUESTS_MAX];
            td_hot hot;
            td_hot_load(&hot, s, signals);
            td_cross(deck, s, rows, t, &hot, infos, signals, false, above, below);
            td_now now = {.known = {s->param, s->position}, .deck = deck, .rows = rows, .stride = chunk->stride, .t = t, .vector = s,
                          .above = above, .below = below, .equity = s->cash + s->position * deck->close[t], .target = wish.target,
                          .where = wish.where, .requests = requests};
            hook(&now);
            wish.target = now.target;
            wish.where = now.where;
        }
        events->finalize(deck, s, &wish, sample);
    }
    td_real equity = s->cash + s->position * deck->close[t];
    if (deck->every_bar) {
        td_hot hot;
        td_hot_load(&hot, s, 0);
        hot.equity = equity;
        td_sample(&hot, s->equity, deck->sample_market[sample], true);
        td_hot_save(&hot, s, 0);
    }
    if (deck->market_log) s->sum_market += td_log_lanes(equity / s->equity) * deck->market_log[t];
    s->trough = td_min(equity, s->trough);
    s->equity = equity;
    events->peak(deck, s, t);
}

/* Plays bars [begin, end), none of them the deck's last, over a block whose hot fields are in registers. */
TD_INLINE void td_play_bars(const td_kernel_deck *deck, const td_kernel_chunk *chunk, td_vector *block, td_hot *hot, int64_t begin,
                            int64_t end, int64_t sample, td_hook *hook, const td_signal_info *infos, const int signals,
                            const bool on_bar, const bool every_bar, const bool market_log, const bool windowed, const bool wakes,
                            const bool orders) {
    td_request requests[TD_REQUESTS_MAX];
    for (int64_t t = begin; t < end; t++) {
        const double low = deck->low[t], high = deck->high[t], close = deck->close[t];
        const double *rows = chunk->rows + (t - chunk->begin) * chunk->stride;
        if (every_bar) sample = t;
        _Pragma("GCC unroll 2") for (int v = 0; v < TD_BLOCK_VECTORS; v++) {
            td_hot *h = &hot[v];
            td_vector *s = &block[v];

            /* stops and targets on the bar's range */
            td_mask touched = (low <= h->guard_low) | (high >= h->guard_high);
            if (wakes) touched = touched | (td_splat((double)t) >= s->wake);
            if (td_unlikely(td_any(touched))) {
                td_mask lanes = td_no_lane();
                if (wakes) { /* most often a trailing stop follows, and that is all */
                    lanes = touched;
                    chunk->events->calm(deck, s, &lanes, t);
                    h->guard_low = s->guard_low;
                    h->guard_high = s->guard_high;
                }
                if (!wakes || td_any(lanes)) {
                    td_hot_save(h, s, signals);
                    chunk->events->bar(deck, s, wakes ? &lanes : NULL, t, sample);
                    td_hot_load(h, s, signals);
                }
            }

            /* mark at the close, statistics */
            td_real before = h->equity;
            h->equity = h->cash + h->position * close;
            if (every_bar) td_sample(h, before, deck->sample_market[t], true);
            if (market_log) h->sum_market += td_log_lanes(h->equity / before) * deck->market_log[t];
            h->trough = td_min(h->equity, h->trough);
            if (td_unlikely(td_any(h->equity >= h->record))) {
                td_hot_save(h, s, signals);
                chunk->events->peak(deck, s, t);
                td_hot_load(h, s, signals);
            }

            /* the decision, and its fill */
            td_mask above[TD_SIGNALS_MAX], below[TD_SIGNALS_MAX], event = td_no_lane();
            td_cross(deck, s, rows, t, h, infos, signals, windowed, above, below);
            for (int i = 0; i < signals; i++) event = event | above[i] | below[i];
            if (on_bar || td_unlikely(td_any(event))) {
                td_now now = {.known = {s->param, h->position}, .deck = deck, .rows = rows, .stride = chunk->stride, .t = t,
                              .windowed = windowed, .vector = s, .above = above, .below = below, .equity = h->equity, .target = td_splat(0.0),
                              .where = td_no_lane(), .requests = orders ? requests : NULL};
                hook(&now);
                if (!wakes) now.where = now.where & td_not(td_stands(deck, h->position, now.target)); /* most wishes are no news */
                if (td_any(now.where) || (orders && now.request_count > 0)) {
                    td_hot_save(h, s, signals);
                    td_trade_event(deck, chunk->events, s, &now, every_bar ? t + 1 : sample);
                    td_hot_load(h, s, signals);
                }
            }
        }
    }
}

/* Plays a block over a chunk: cuts it where samples and blocks end, so that the bar loop need not ask. */
TD_INLINE void td_play_chunk(const td_kernel_deck *deck, const td_kernel_chunk *chunk, td_vector *block, double *block_equity,
                             td_hook *hook, const td_signal_info *infos, const int signals, const bool on_bar, const bool every_bar,
                             const bool market_log, const bool windowed, const bool wakes, const bool orders) {
    td_hot hot[TD_BLOCK_VECTORS];
    for (int v = 0; v < TD_BLOCK_VECTORS; v++) td_hot_load(&hot[v], &block[v], signals);
    int64_t last = deck->bars - 1, sample = chunk->sample, part = chunk->block, t = chunk->begin;
    while (t < chunk->end) {
        int64_t stop = chunk->end < last ? chunk->end : last;
        if (deck->block_end[part] + 1 < stop) stop = deck->block_end[part] + 1;
        if (!every_bar && deck->sample_bar[sample] + 1 < stop) stop = deck->sample_bar[sample] + 1;
        if (t < stop) {
            td_play_bars(deck, chunk, block, hot, t, stop, sample, hook, infos, signals, on_bar, every_bar, market_log, windowed, wakes,
                         orders);
            t = stop;
        } else {
            for (int v = 0; v < TD_BLOCK_VECTORS; v++) {
                td_hot_save(&hot[v], &block[v], signals);
                td_last_bar(deck, chunk, &block[v], every_bar ? t : sample, hook, infos, signals);
                td_hot_load(&hot[v], &block[v], signals);
            }
            t++;
        }
        if (!every_bar && deck->sample_bar[sample] == t - 1) {
            for (int v = 0; v < TD_BLOCK_VECTORS; v++) {
                td_hot *h = &hot[v];
                if (sample == 0) block[v].first_sample = td_select(block[v].ruined == 0, h->equity, 0);
                /* backtesting.py's first day has no return: its close is where returns start */
                if (sample > 0 || deck->profile != TD_PROFILE_BACKTESTING)
                    td_sample(h, h->sample_equity, deck->sample_market[sample], !market_log);
                h->sample_equity = h->equity;
            }
            sample++;
        }
        if (deck->block_end[part] == t - 1) {
            for (int v = 0; v < TD_BLOCK_VECTORS; v++)
                td_store(block_equity + (part * TD_BLOCK_VECTORS + v) * TD_LANES, td_select(block[v].ruined == 0, hot[v].equity, 0));
            part++;
        }
    }
    for (int v = 0; v < TD_BLOCK_VECTORS; v++) td_hot_save(&hot[v], &block[v], signals);
}

#endif
