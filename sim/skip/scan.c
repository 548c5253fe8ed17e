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

/* The bits of one signal over a chunk, into above and below; returns which words of them (of 64 bars) it wrote. */
TD_INLINE uint64_t cross(const td_skip_set *set, const td_skip_chunk *chunk, const td_signal_info *signal, uint8_t *above,
                         uint8_t *below) {
    int64_t groups = (chunk->end - chunk->begin + TD_GROUP_BARS - 1) / TD_GROUP_BARS;
    if (signal->kind == TD_SIGNAL_START) {
        int64_t at = set->view->start_bar - chunk->begin;
        if (at < 0 || at >= chunk->end - chunk->begin) return 0;
        above[at / TD_GROUP_BARS] = (uint8_t)(1 << at % TD_GROUP_BARS);
        return (uint64_t)1 << at / 64;
    }
    bool rows = signal->kind == TD_SIGNAL_CROSS, strict = set->view->touch == 0;
    int64_t a = set->slot[signal->row], b = rows ? set->slot[signal->other] : a;
    const double *x = chunk->values + a * chunk->stride, *y = chunk->values + b * chunk->stride;
    const double *x_least = chunk->least + a * chunk->group_stride, *x_greatest = chunk->greatest + a * chunk->group_stride;
    const double *y_least = chunk->least + b * chunk->group_stride, *y_greatest = chunk->greatest + b * chunk->group_stride;
    td_real level = td_splat(rows ? 0 : LANE(set)->param[signal->other]);
    uint64_t words = 0;
    for (int64_t first = 0; first < groups; first += 64) {
        /* groups that are not all over or all under, the bar before them included */
        uint64_t look = 0;
        for (int64_t k = 0; k < 64 && first + k < groups; k += TD_LANES) {
            td_real least = rows ? td_load(y_least + first + k) : level, greatest = rows ? td_load(y_greatest + first + k) : level;
            td_mask over = td_load(x_least + first + k) > greatest, under = td_load(x_greatest + first + k) < least;
            look |= (uint64_t)td_mask_word(td_not(over | under)) << k;
        }
        for (; look; look &= look - 1) {
            int64_t k = first + __builtin_ctzll(look);
            unsigned up = 0, down = 0;
            for (int j = 0; j < TD_GROUP_BARS; j += TD_LANES) {
                const double *x_now = x + k * TD_GROUP_BARS + j, *y_now = y + k * TD_GROUP_BARS + j;
                td_real this = rows ? td_load(y_now) : level, before = rows ? td_load(y_now - 1) : level;
                td_mask over = td_load(x_now) > this, under = td_load(x_now) < this;
                td_mask was_under = strict ? td_load(x_now - 1) < before : td_load(x_now - 1) <= before;
                td_mask was_over = strict ? td_load(x_now - 1) > before : td_load(x_now - 1) >= before;
                up |= td_mask_word(over & was_under) << j;
                down |= td_mask_word(under & was_over) << j;
            }
            above[k] = (uint8_t)up;
            below[k] = (uint8_t)down;
            words |= (uint64_t)((up | down) != 0) << k / 8;
        }
    }
    return words;
}

static void find_signals(const td_skip_set *set, const td_skip_chunk *chunk, td_skip_signals *signals) {
    /* bits by signal and bar; the last bar of the tape decides nothing */
    union {
        uint8_t group[TD_RANGES_GROUPS];
        uint64_t word[TD_SKIP_WORDS];
    } above[TD_SIGNALS_MAX] = {0}, below[TD_SIGNALS_MAX] = {0};
    int count = set->strategy->signal_count;
    uint64_t words = 0;
    for (int i = 0; i < count; i++)
        words |= cross(set, chunk, &set->strategy->signals[i], above[i].group, below[i].group);
    int64_t found = 0, bars = (chunk->end < set->view->bars - 1 ? chunk->end : set->view->bars - 1) - chunk->begin;
    for (; words; words &= words - 1) {
        int64_t k = __builtin_ctzll(words);
        uint64_t any = 0;
        for (int i = 0; i < count; i++) any |= above[i].word[k] | below[i].word[k];
        for (; any; any &= any - 1) {
            int j = __builtin_ctzll(any);
            if (k * 64 + j >= bars) break;
            unsigned up = 0, down = 0;
            for (int i = 0; i < count; i++) {
                up |= (unsigned)(above[i].word[k] >> j & 1) << i;
                down |= (unsigned)(below[i].word[k] >> j & 1) << i;
            }
            signals->bar[found] = (int16_t)(k * 64 + j);
            signals->above[found] = (uint8_t)up;
            signals->below[found++] = (uint8_t)down;
        }
    }
    signals->count = found;
}

/* First bar from `from` on whose range touches a guard; there is one in the chunk. */
static int64_t find_guard(const td_skip_set *set, const td_skip_chunk *chunk, int64_t from) {
    const td_kernel_deck *view = set->view;
    double low = LANE(set)->guard_low, high = LANE(set)->guard_high;
    int64_t t = from, g = (from - chunk->begin) / TD_GROUP_BARS;
    for (;;) {
        for (int64_t stop = chunk->begin + (g + 1) * TD_GROUP_BARS; t < stop && t < chunk->end; t++)
            if (view->low[t] <= low || view->high[t] >= high) return t;
        /* the next group that touches */
        g++;
        for (;; g += TD_LANES) {
            td_mask under = td_load(chunk->ranges.least_low + g) <= low, over = td_load(chunk->ranges.greatest_high + g) >= high;
            unsigned word = td_mask_word(under | over);
            if (word) {
                g += __builtin_ctz(word);
                break;
            }
        }
        t = chunk->begin + g * TD_GROUP_BARS;
    }
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

    /* equity at the samples, and beyond them up to a vector's end, where what comes later is written over it */
    int64_t k = chunk->samples_before[from - chunk->begin], stop = chunk->samples_before[to - chunk->begin];
    for (; k < stop; k += TD_LANES) td_store(sampled + k, cash + position * td_load(chunk->sample_close + k));
    for (; view->block_end[*block] < to; ++*block) block_equity[*block] = cash + position * view->close[view->block_end[*block]];

    /* equity is monotone in the close, so it lies between those at the least and the greatest */
    double a = cash + position * range->close, b = cash + position * -range->minus_close;
    if (td_unlikely(a >= lane->record || b >= lane->record)) {
        climb(set, chunk, from, to);
        return;
    }
    double lowest = a < b ? a : b;
    lane->trough = lowest < lane->trough ? lowest : lane->trough;
}

/* The set is ruined, or failed: its equity is 0 from the k-th sample of the chunk on. */
static __attribute__((noinline, cold)) void rest_in_ruin(const td_skip_set *set, const td_skip_chunk *chunk, int64_t k, double *sampled, int64_t block,
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
        if (range.low <= lane->guard_low || -range.minus_high >= lane->guard_high) {
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
