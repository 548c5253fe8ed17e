/* Looking for events, with lanes that are consecutive bars; see sim/skip.h. Compiled once per instruction set. */
#include "sim/skip.h"

/* The scalar td_vector of a set is a td_lane in front. */
#define LANE(set) ((td_lane *)(set)->vector)

/* Turns a square of TD_LANES vectors: number j of vector i becomes number i of vector j. In pairs of vectors 1, 2, 4 apart, the blocks
 * of so many numbers that stand off the diagonal change places. */
#define SWAP_BLOCKS(apart, keep, take)                                                                                           \
    for (int i = 0; i < TD_LANES; i++)                                                                                           \
        if (!(i & apart)) {                                                                                                      \
            td_real a = square[i], b = square[i + apart];                                                                        \
            square[i] = __builtin_shufflevector(a, b, keep);                                                                     \
            square[i + apart] = __builtin_shufflevector(a, b, take);                                                             \
        }
#define INDICES(...) __VA_ARGS__
static inline void turn_square(td_real *square) {
#if TD_ISA_INDEX == 1
    SWAP_BLOCKS(1, INDICES(0, 2), INDICES(1, 3))
#elif TD_ISA_INDEX == 2
    SWAP_BLOCKS(1, INDICES(0, 4, 2, 6), INDICES(1, 5, 3, 7))
    SWAP_BLOCKS(2, INDICES(0, 1, 4, 5), INDICES(2, 3, 6, 7))
#elif TD_ISA_INDEX == 3
    SWAP_BLOCKS(1, INDICES(0, 8, 2, 10, 4, 12, 6, 14), INDICES(1, 9, 3, 11, 5, 13, 7, 15))
    SWAP_BLOCKS(2, INDICES(0, 1, 8, 9, 4, 5, 12, 13), INDICES(2, 3, 10, 11, 6, 7, 14, 15))
    SWAP_BLOCKS(4, INDICES(0, 1, 2, 3, 8, 9, 10, 11), INDICES(4, 5, 6, 7, 12, 13, 14, 15))
#endif
    (void)square;
}

/* Eight vectors, lane l of each in a row: to[l * stride] and the seven behind it. */
static inline void store_turned(td_real *eight, double *to, int64_t stride) {
    for (int j = 0; j < 8; j += TD_LANES) {
        turn_square(eight + j);
        for (int l = 0; l < TD_LANES; l++) td_store(to + l * stride + j, eight[j + l]);
    }
}

static void turn(const td_rows *rows, int64_t span, td_skip_chunk *chunk) {
    int64_t bars = rows->end - rows->begin;
    for (int64_t r = 0; r < rows->slots; r += TD_LANES) {
        const double *from = rows->values + rows->slots + r;
        double *to = chunk->values + r * chunk->stride + span * TD_SPAN_BARS;
        td_real before = rows->begin > 0 ? td_load(from - rows->slots) : td_splat(__builtin_nan(""));
        double first[TD_LANES];
        td_store(first, before);
        if (span == 0)
            for (int l = 0; l < TD_LANES; l++) to[l * chunk->stride - 1] = first[l];
        td_real least[TD_SPAN_GROUPS], greatest[TD_SPAN_GROUPS];
        for (int g = 0; g < TD_SPAN_GROUPS; g++) {
            td_real value[TD_GROUP_BARS], low = before, high = before;
            td_mask known = before == before;
            for (int b = 0; b < TD_GROUP_BARS; b++) {
                /* whatever is behind the last bar repeats it */
                int64_t t = g * TD_GROUP_BARS + b;
                td_real x = value[b] = td_load(from + (t < bars ? t : bars - 1) * rows->slots);
                low = td_min(x, low);
                high = td_max(x, high);
                known = known & (x == x);
            }
            before = value[TD_GROUP_BARS - 1];
            least[g] = td_select(known, low, -TD_INF);
            greatest[g] = td_select(known, high, TD_INF);
            store_turned(value, to + g * TD_GROUP_BARS, chunk->stride);
        }
        int64_t at = r * chunk->group_stride + span * TD_SPAN_GROUPS;
        store_turned(least, chunk->least + at, chunk->group_stride);
        store_turned(greatest, chunk->greatest + at, chunk->group_stride);
    }
}

/* What a signal compares over a chunk: row x with row y, or with a level. */
typedef struct compared {
    bool start, rows;
    const double *x, *x_least, *x_greatest, *y, *y_least, *y_greatest;
    double level;
} compared;

TD_INLINE compared compared_by(const td_skip_set *set, const td_skip_chunk *chunk, const td_signal_info *signal) {
    compared c = {.start = signal->kind == TD_SIGNAL_START, .rows = signal->kind == TD_SIGNAL_CROSS};
    if (c.start) return c;
    int64_t a = set->slot[signal->row], b = c.rows ? set->slot[signal->other] : a;
    c.x = chunk->values + a * chunk->stride;
    c.y = chunk->values + b * chunk->stride;
    c.x_least = chunk->least + a * chunk->group_stride;
    c.y_least = chunk->least + b * chunk->group_stride;
    c.x_greatest = chunk->greatest + a * chunk->group_stride;
    c.y_greatest = chunk->greatest + b * chunk->group_stride;
    if (!c.rows) c.level = signal->level.from == TD_FROM_CONSTANT ? signal->level.value : LANE(set)->param[signal->level.index];
    return c;
}

/* Which of 64 groups from `first` on may hold a crossing: those that are not, together with the bar before them, all over or under. */
TD_INLINE uint64_t may_cross(const compared *c, int64_t first, int64_t groups) {
    uint64_t look = 0;
    for (int64_t k = 0; k < 64 && first + k < groups; k += TD_LANES) {
        td_real least = c->rows ? td_load(c->y_least + first + k) : td_splat(c->level);
        td_real greatest = c->rows ? td_load(c->y_greatest + first + k) : td_splat(c->level);
        td_mask some_under = td_load(c->x_least + first + k) <= greatest, some_over = td_load(c->x_greatest + first + k) >= least;
        look |= (uint64_t)td_mask_word(some_under & some_over) << k;
    }
    return look;
}

/* On which bars of group k it crosses, a bit each. strict: a bar on which both are equal does not count as the other side. */
TD_INLINE void find_crossings(const compared *c, int64_t k, bool strict, unsigned *above, unsigned *below) {
    for (int j = 0; j < TD_GROUP_BARS; j += TD_LANES) {
        const double *x = c->x + k * TD_GROUP_BARS + j, *y = c->y + k * TD_GROUP_BARS + j;
        td_real now = c->rows ? td_load(y) : td_splat(c->level), before = c->rows ? td_load(y - 1) : td_splat(c->level);
        td_mask over = td_load(x) > now, under = td_load(x) < now;
        td_mask was_under = strict ? td_load(x - 1) < before : td_load(x - 1) <= before;
        td_mask was_over = strict ? td_load(x - 1) > before : td_load(x - 1) >= before;
        *above |= td_mask_word(over & was_under) << j;
        *below |= td_mask_word(under & was_over) << j;
    }
}

TD_INLINE void find_all(const td_skip_set *set, const td_skip_chunk *chunk, td_skip_signals *signals, const int count) {
    bool strict = set->view->touch == 0;
    int64_t bars = chunk->end - chunk->begin, groups = (bars + TD_GROUP_BARS - 1) / TD_GROUP_BARS, found = 0;
    int64_t start = set->view->start_bar - chunk->begin;
    compared compared[TD_SIGNALS_MAX];
    for (int i = 0; i < count; i++) compared[i] = compared_by(set, chunk, &set->strategy->signals[i]);
    for (int64_t first = 0; first < groups; first += 64) {
        uint64_t look = 0;
        for (int i = 0; i < count; i++)
            if (!compared[i].start)
                look |= may_cross(&compared[i], first, groups);
            else if (start >= first * TD_GROUP_BARS && start < bars && start / TD_GROUP_BARS < first + 64)
                look |= (uint64_t)1 << (start / TD_GROUP_BARS - first);
        for (; look; look &= look - 1) {
            int64_t k = first + __builtin_ctzll(look);
            unsigned above[TD_SIGNALS_MAX] = {0}, below[TD_SIGNALS_MAX] = {0}, any = 0;
            for (int i = 0; i < count; i++) {
                if (!compared[i].start)
                    find_crossings(&compared[i], k, strict, &above[i], &below[i]);
                else if (start >= 0 && start / TD_GROUP_BARS == k)
                    above[i] = 1u << start % TD_GROUP_BARS;
                any |= above[i] | below[i];
            }
            /* mostly one bar or none, so the first is written without asking */
            do {
                int j = __builtin_ctz(any | 1u << TD_GROUP_BARS);
                unsigned up = 0, down = 0;
                for (int i = 0; i < count; i++) {
                    up |= (above[i] >> j & 1) << i;
                    down |= (below[i] >> j & 1) << i;
                }
                signals->bar[found] = (int16_t)(k * TD_GROUP_BARS + j);
                signals->above[found] = (uint8_t)up;
                signals->below[found] = (uint8_t)down;
                found += any != 0;
                any &= any - 1;
            } while (td_unlikely(any));
        }
    }
    /* what repeats the chunk's last bar is no bar, and the last bar of the tape decides nothing */
    if (chunk->end == set->view->bars) bars--;
    while (found > 0 && signals->bar[found - 1] >= bars) found--;
    signals->count = found;
}

/* Inlined by the number of signals: their loops are short, and most strategies have one. */
static void find_signals(const td_skip_set *set, const td_skip_chunk *chunk, td_skip_signals *signals) {
    int count = set->strategy->signal_count;
    if (count == 1)
        find_all(set, chunk, signals, 1);
    else if (count == 2)
        find_all(set, chunk, signals, 2);
    else
        find_all(set, chunk, signals, count);
}

/* The first of [from, to) whose range touches a guard, or whatever is at or after `to`. Read in whole vectors. */
static inline int64_t first_touch(const td_lane *lane, const double *low, const double *high, int64_t from, int64_t to) {
    for (; from < to; from += TD_LANES) {
        td_mask under = td_load(low + from) <= lane->guard_low, over = td_load(high + from) >= lane->guard_high;
        unsigned word = td_mask_word(under | over);
        if (word) return from + __builtin_ctz(word);
    }
    return to;
}

/* First bar from `from` on whose range touches a guard; there is one in the chunk. */
static int64_t find_guard(const td_skip_set *set, const td_skip_chunk *chunk, int64_t from) {
    const td_lane *lane = LANE(set);
    const td_ranges *ranges = &chunk->ranges;
    int64_t begin = chunk->begin, near = from - begin + TD_GROUP_BARS;
    int64_t at = first_touch(lane, ranges->low, ranges->high, from - begin, near);
    if (at < near) return begin + at;
    int64_t g = first_touch(lane, ranges->least_low, ranges->greatest_high, near / TD_GROUP_BARS, TD_RANGES_GROUPS);
    return begin + first_touch(lane, ranges->low, ranges->high, g * TD_GROUP_BARS, (g + 1) * TD_GROUP_BARS);
}

/* Peak and trough over bars [from, to), some of which reach the peak. */
static __attribute__((noinline)) void climb(const td_skip_set *set, const td_skip_chunk *chunk, int64_t from, int64_t to) {
    td_lane *lane = LANE(set);
    const double *close = set->view->close;
    double cash = lane->cash, position = lane->position;
    for (int64_t t = from; t < to;) {
        int64_t g = (t - chunk->begin) / TD_GROUP_BARS, stop = chunk->begin + (g + 1) * TD_GROUP_BARS;
        if (stop <= to) {
            const td_range *rest = &chunk->ranges.rest[t - chunk->begin];
            double a = cash + position * rest->close, b = cash + position * -rest->minus_close;
            if (!(a >= lane->record || b >= lane->record)) {
                double lowest = a < b ? a : b;
                if (lowest < lane->trough) lane->trough = lowest;
                t = stop;
                continue;
            }
        } else
            stop = to;
        for (; t < stop; t++) {
            double equity = cash + position * close[t];
            if (equity < lane->trough) lane->trough = equity;
            if (equity >= lane->record) TD_ISA_NAME(td_skip_peak)(set, t, equity);
        }
    }
}

/* Marks bars [from, to), whose range is known: no event of the set lies in them, so cash and position are constant and equity goes
 * with the close. */
TD_INLINE void mark(const td_skip_set *set, const td_skip_chunk *chunk, int64_t from, int64_t to, const td_range *range,
                    double *sampled, int64_t *block, double *block_equity) {
    td_lane *lane = LANE(set);
    const td_kernel_deck *view = set->view;
    double cash = lane->cash, position = lane->position;

    /* equity at the samples, if there are any, and beyond them to a vector's end, where what comes later is written over it */
    int64_t k = chunk->samples_before[from - chunk->begin], stop = chunk->samples_before[to - chunk->begin];
    do {
        td_store(sampled + k, cash + position * td_load(chunk->sample_close + k));
        k += TD_LANES;
    } while (k < stop);
    for (; view->block_end[*block] < to; ++*block) block_equity[*block] = cash + position * view->close[view->block_end[*block]];

    /* equity is monotone in the close, so it lies between those at the least and the greatest */
    double a = cash + position * range->close, b = cash + position * -range->minus_close;
    if (td_unlikely((a >= lane->record) | (b >= lane->record))) {
        climb(set, chunk, from, to);
        return;
    }
    double lowest = a < b ? a : b;
    lane->trough = lowest < lane->trough ? lowest : lane->trough;
}

/* The set is ruined, or failed: its equity is 0 from the k-th sample of the chunk on. */
TD_RARE void rest_in_ruin(const td_skip_set *set, const td_skip_chunk *chunk, int64_t k, double *sampled, int64_t block,
                          double *block_equity) {
    for (; k < chunk->samples; k++) sampled[k] = 0;
    for (; block < set->view->blocks && set->view->block_end[block] < chunk->end; block++) block_equity[block] = 0;
}

static void play(const td_skip_set *set, const td_skip_chunk *chunk, const td_skip_signals *signals, double *sampled,
                 double *block_equity) {
    const td_kernel_deck *view = set->view;
    td_lane *lane = LANE(set);
    const int16_t *samples_before = chunk->samples_before;
    int64_t begin = chunk->begin, last = view->bars - 1, end = chunk->end < last ? chunk->end : last, block = chunk->block;
    if (td_unlikely(lane->ruined != 0)) {
        rest_in_ruin(set, chunk, 0, sampled, block, block_equity);
        return;
    }
    for (int64_t from = begin, next = 0; from < end;) {
        /* up to the signal, or the end of the chunk; the tape's last bar goes by itself */
        bool decides = next < signals->count;
        int64_t limit = decides ? begin + signals->bar[next] + 1 : end;
        td_range range = td_range_between(&chunk->ranges, view, begin, from, limit);
        if ((range.low <= lane->guard_low) | (-range.minus_high >= lane->guard_high)) {
            int64_t t = find_guard(set, chunk, from);
            if (t > from) {
                range = td_range_between(&chunk->ranges, view, begin, from, t);
                mark(set, chunk, from, t, &range, sampled, &block, block_equity);
            }
            TD_ISA_NAME(td_skip_guard)(set, t, chunk->sample + samples_before[t - begin]);
            if (td_unlikely(lane->ruined != 0)) {
                rest_in_ruin(set, chunk, samples_before[t - begin], sampled, block, block_equity);
                return;
            }
            range = td_range_of_bar(view, t);
            mark(set, chunk, t, t + 1, &range, sampled, &block, block_equity);
            from = t + 1;
            if (from < limit) continue;
        } else
            mark(set, chunk, from, limit, &range, sampled, &block, block_equity);
        from = limit;
        if (!decides) break;
        lane->equity = lane->cash + lane->position * view->close[limit - 1];
        TD_ISA_NAME(td_skip_decide)(set, chunk, limit - 1, signals->above[next], signals->below[next],
                                    chunk->sample + samples_before[limit - begin]);
        next++;
        if (td_unlikely(lane->ruined != 0)) {
            rest_in_ruin(set, chunk, samples_before[limit - begin], sampled, block, block_equity);
            return;
        }
    }
    if (chunk->end > last) {
        TD_ISA_NAME(td_skip_last_bar)(set, view->samples - 1);
        sampled[chunk->samples - 1] = block_equity[view->blocks - 1] = lane->ruined == 0 ? lane->equity : 0;
    }
}

static void add_returns(const td_kernel_deck *view, const td_skip_chunk *chunk, const double *sampled, int64_t stride, double *sums) {
    int32_t index[TD_LANES];
    for (int l = 0; l < TD_LANES; l++) index[l] = (int32_t)(l * stride);
#define SUM(name) (sums + TD_SKIP_SUM_##name * TD_LANES)
    td_real before = td_load(SUM(sample_equity)), sum_r = td_load(SUM(sum_r)), sum_r2 = td_load(SUM(sum_r2));
    td_real sum_down2 = td_load(SUM(sum_down2)), sum_market = td_load(SUM(sum_market));
    for (int64_t k = 0; k < chunk->samples; k++) {
        td_real equity = td_gather(sampled + k, index);
        /* from 0 equity, which is ruin, there are no further returns */
        td_real r = td_select(before == 0, 0, (equity - before) / before), down = td_min(r, 0);
        sum_r += r;
        sum_r2 += r * r;
        sum_down2 += down * down;
        sum_market += r * view->sample_market[chunk->sample + k];
        before = equity;
    }
    td_store(SUM(sample_equity), before);
    td_store(SUM(sum_r), sum_r);
    td_store(SUM(sum_r2), sum_r2);
    td_store(SUM(sum_down2), sum_down2);
    td_store(SUM(sum_market), sum_market);
#undef SUM
}

extern const td_skip_kernel TD_ISA_NAME(td_skip_kernel_scan);
const td_skip_kernel TD_ISA_NAME(td_skip_kernel_scan) = {TD_LANES, turn, find_signals, play, add_returns};
