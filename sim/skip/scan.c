/* Looking for events, with lanes that are consecutive bars; see sim/skip.h. Compiled once per instruction set. */
#include "sim/skip.h"

#define INFINITE __builtin_inf()

/* The scalar td_vector of a set is a td_lane in front. */
#define LANE(set) ((td_lane *)(set)->vector)

/* Bit j of the result: does bar `first + j` pass? Words of 64 bars from vectors. */
#define WORD_OF(test)                                                                                                            \
    ({                                                                                                                           \
        uint64_t word_ = 0;                                                                                                      \
        for (int j = 0; j < 64; j += TD_LANES) word_ |= (uint64_t)td_mask_word(test) << j;                                       \
        word_;                                                                                                                   \
    })

/* The least of all lanes. */
static inline double least_of(td_real x) {
    double lane[TD_LANES];
    td_store(lane, x);
    for (int half = TD_LANES / 2; half; half /= 2)
        for (int l = 0; l < half; l++) lane[l] = lane[l] < lane[l + half] ? lane[l] : lane[l + half];
    return lane[0];
}

static void turn(const td_rows *rows, int64_t span, double *values, int64_t stride, double *least, double *greatest) {
    int64_t bars = rows->end - rows->begin;
    int32_t step[TD_LANES];
    for (int l = 0; l < TD_LANES; l++) step[l] = (int32_t)(l * rows->slots);
    for (int64_t r = 0; r < rows->slots; r++) {
        const double *from = rows->values + rows->slots + r;
        double *to = values + r * stride + span * TD_SPAN_BARS;
        if (span == 0) to[-1] = rows->begin > 0 ? from[-rows->slots] : __builtin_nan("");
        int64_t t = 0;
        for (; t + TD_LANES <= bars; t += TD_LANES) td_store(to + t, td_gather(from + t * rows->slots, step));
        for (; t < bars; t++) to[t] = from[t * rows->slots];
        /* whatever is behind the last bar repeats it, so that whole words can be compared */
        for (; t < TD_SPAN_BARS; t++) to[t] = to[bars - 1];
        td_real low = td_load(to), high = low;
        td_mask known = low == low;
        for (int j = TD_LANES; j < TD_SPAN_BARS; j += TD_LANES) {
            td_real x = td_load(to + j);
            low = td_min(x, low);
            high = td_max(x, high);
            known = known & (x == x);
        }
        bool all_known = !td_any(td_not(known));
        least[r * TD_SKIP_WORDS + span] = all_known ? least_of(low) : -INFINITE;
        greatest[r * TD_SKIP_WORDS + span] = all_known ? -least_of(-high) : INFINITE;
    }
}

/* Which of 64 bars have x over y, under y, and both known. */
typedef struct sides {
    uint64_t over, under, known;
} sides;

static inline sides compare_rows(const double *x, const double *y) {
    sides s = {WORD_OF(td_load(x + j) > td_load(y + j)), WORD_OF(td_load(x + j) < td_load(y + j)), ~(uint64_t)0};
    if (~(s.over | s.under)) s.known = WORD_OF(td_load(x + j) == td_load(x + j)) & WORD_OF(td_load(y + j) == td_load(y + j));
    return s;
}

static inline sides compare_level(const double *x, double level) {
    sides s = {WORD_OF(td_load(x + j) > level), WORD_OF(td_load(x + j) < level), ~(uint64_t)0};
    if (~(s.over | s.under)) s.known = WORD_OF(td_load(x + j) == td_load(x + j));
    return s;
}

/* The bits of one signal over a chunk: above and below, which are zero before. */
static void cross(const td_skip_set *set, const td_skip_chunk *chunk, const td_signal_info *signal, uint64_t *above, uint64_t *below) {
    int64_t bars = chunk->end - chunk->begin, words = (bars + 63) / 64;
    if (signal->kind == TD_SIGNAL_START) {
        int64_t at = set->view->start_bar - chunk->begin;
        if (at >= 0 && at < bars) above[at / 64] = (uint64_t)1 << (at % 64);
        return;
    }
    bool rows = signal->kind == TD_SIGNAL_CROSS, strict = set->view->touch == 0;
    int64_t a = set->slot[signal->row], b = rows ? set->slot[signal->other] : a;
    const double *x = chunk->values + a * chunk->stride, *y = chunk->values + b * chunk->stride;
    const double *x_least = chunk->least + a * TD_SKIP_WORDS, *x_greatest = chunk->greatest + a * TD_SKIP_WORDS;
    const double *y_least = chunk->least + b * TD_SKIP_WORDS, *y_greatest = chunk->greatest + b * TD_SKIP_WORDS;
    double level = rows ? 0 : LANE(set)->param[signal->other];

    /* spans that are all over or all under, by their ranges */
    uint64_t all_over = 0, all_under = 0, whole = words < 64 ? ((uint64_t)1 << words) - 1 : ~(uint64_t)0;
    for (int64_t k = 0; k < words; k += TD_LANES) {
        td_real least = rows ? td_load(y_least + k) : td_splat(level), greatest = rows ? td_load(y_greatest + k) : td_splat(level);
        all_over |= (uint64_t)td_mask_word(td_load(x_least + k) > greatest) << k;
        all_under |= (uint64_t)td_mask_word(td_load(x_greatest + k) < least) << k;
    }
    /* the bar before the chunk */
    double x_before = x[-1], y_before = rows ? y[-1] : level;
    sides before = {x_before > y_before, x_before < y_before, x_before == x_before && y_before == y_before};

    /* a crossing is in a span that is neither, or where one such follows another kind */
    uint64_t same = (all_over & (all_over << 1 | before.over)) | (all_under & (all_under << 1 | before.under));
    for (uint64_t look = whole & ~same; look; look &= look - 1) {
        int k = __builtin_ctzll(look);
        sides now;
        if ((all_over | all_under) >> k & 1)
            now = (sides){all_over >> k & 1 ? ~(uint64_t)0 : 0, all_under >> k & 1 ? ~(uint64_t)0 : 0, ~(uint64_t)0};
        else
            now = rows ? compare_rows(x + k * 64, y + k * 64) : compare_level(x + k * 64, level);
        /* `before` is the span before this one, unless that was passed over: then it is all over or all under */
        if (k > 0 && same >> (k - 1) & 1) before = (sides){all_over >> (k - 1) & 1, all_under >> (k - 1) & 1, 1};
        /* over now and not over one bar ago: strictly under it, or (unless strict) known and not over */
        uint64_t over = now.over << 1 | before.over, under = now.under << 1 | before.under, known = now.known << 1 | before.known;
        above[k] = now.over & (strict ? under : known & ~over);
        below[k] = now.under & (strict ? over : known & ~under);
        before = (sides){now.over >> 63, now.under >> 63, now.known >> 63};
    }
    if (bars % 64) {
        above[words - 1] &= ((uint64_t)1 << (bars % 64)) - 1;
        below[words - 1] &= ((uint64_t)1 << (bars % 64)) - 1;
    }
}

/* First set bit at or after `from`, or `end`. */
static inline int64_t next_bit(const uint64_t *words, int64_t from, int64_t end) {
    if (from >= end) return end;
    int64_t k = from >> 6;
    uint64_t word = words[k] >> (from & 63) << (from & 63);
    while (!word) {
        if (++k * 64 >= end) return end;
        word = words[k];
    }
    int64_t at = k * 64 + __builtin_ctzll(word);
    return at < end ? at : end;
}

/* First bar in [from, end) whose range touches a guard, or `end`. */
static inline int64_t next_guard(const td_skip_set *set, int64_t from, int64_t end) {
    const td_kernel_deck *view = set->view;
    const td_ranges *ranges = set->ranges;
    double guard_low = LANE(set)->guard_low, guard_high = LANE(set)->guard_high;
    if (LANE(set)->position == 0 && guard_low < 0) return end;
    td_real low = td_splat(guard_low), high = td_splat(guard_high);
    for (int64_t t = from; t < end;) {
        /* the first span that touches, from the one t is in */
        int64_t k = t / TD_SPAN_BARS;
        for (;;) {
            td_mask under = td_load(ranges->least_low + k) <= low, over = td_load(ranges->greatest_high + k) >= high;
            unsigned word = td_mask_word(under | over);
            if (word) {
                k += __builtin_ctz(word);
                break;
            }
            k += TD_LANES;
            if (k * TD_SPAN_BARS >= end) return end;
        }
        if (k * TD_SPAN_BARS > t) t = k * TD_SPAN_BARS;
        /* its bars */
        int64_t stop = (k + 1) * TD_SPAN_BARS < end ? (k + 1) * TD_SPAN_BARS : end;
        for (; t + TD_LANES <= stop; t += TD_LANES) {
            td_mask under = td_load(view->low + t) <= low, over = td_load(view->high + t) >= high;
            unsigned word = td_mask_word(under | over);
            if (word) return t + __builtin_ctz(word);
        }
        for (; t < stop; t++)
            if (view->low[t] <= guard_low || view->high[t] >= guard_high) return t;
    }
    return end;
}

/* Marks bars [from, to) one by one. */
static __attribute__((noinline)) void walk(const td_skip_set *set, int64_t from, int64_t to) {
    td_lane *lane = LANE(set);
    const double *close = set->view->close;
    double cash = lane->cash, position = lane->position, trough = lane->trough, record = lane->record;
    for (int64_t t = from; t < to; t++) {
        double equity = cash + position * close[t];
        if (equity < trough) trough = equity;
        if (__builtin_expect(equity >= record, 0)) {
            lane->trough = trough;
            TD_ISA_NAME(td_skip_peak)(set, t, equity);
            trough = lane->trough;
            record = lane->record;
        }
    }
    lane->trough = trough;
}

/* The sums over sampled returns, out of the lane while several are added. */
typedef struct returns {
    double before, sum_r, sum_r2, sum_down2, sum_market;
} returns;

static inline returns returns_of(const td_lane *lane) {
    return (returns){lane->sample_equity, lane->sum_r, lane->sum_r2, lane->sum_down2, lane->sum_market};
}

static inline void keep_returns(td_lane *lane, const returns *sums) {
    lane->sample_equity = sums->before;
    lane->sum_r = sums->sum_r;
    lane->sum_r2 = sums->sum_r2;
    lane->sum_down2 = sums->sum_down2;
    lane->sum_market = sums->sum_market;
}

static inline void add_return(returns *sums, double equity, double market) {
    double r = (equity - sums->before) / sums->before, down = r < 0 ? r : 0;
    sums->sum_r += r;
    sums->sum_r2 += r * r;
    sums->sum_down2 += down * down;
    sums->sum_market += r * market;
    sums->before = equity;
}

typedef struct cursor {
    int64_t sample, block;
} cursor;

/* Marks bars [from, to): no event of the set lies in them, so cash and position are constant and equity goes with the close. */
TD_INLINE void mark(const td_skip_set *set, int64_t from, int64_t to, cursor *at, double *block_equity) {
    if (from >= to) return;
    td_lane *lane = LANE(set);
    const td_kernel_deck *view = set->view;
    const td_ranges *ranges = set->ranges;
    const double *close = view->close;
    double cash = lane->cash, position = lane->position;

    /* returns at the samples, equity at the ends of blocks */
    if (view->sample_bar[at->sample] < to) {
        returns sums = returns_of(lane);
        int64_t k = at->sample;
        if (k == 0) lane->first_sample = lane->ruined == 0 ? cash + position * close[view->sample_bar[0]] : 0;
        do {
            add_return(&sums, cash + position * close[view->sample_bar[k]], view->sample_market[k]);
            k++;
            /* flat: every further return is 0 */
            if (position == 0)
                while (view->sample_bar[k] < to) k++;
        } while (view->sample_bar[k] < to);
        at->sample = k;
        keep_returns(lane, &sums);
    }
    for (; view->block_end[at->block] < to; at->block++)
        block_equity[at->block] = lane->ruined == 0 ? cash + position * close[view->block_end[at->block]] : 0;
    lane->equity = cash + position * close[to - 1];

    /* peak and trough */
    if (position == 0) {
        walk(set, from, from + 1);
        return;
    }
    for (int64_t t = from; t < to;) {
        /* equity is monotone in the close, so in a span it lies between those at the least and the greatest close: where that
         * neither reaches the peak nor goes below the trough there is nothing to do, TD_LANES spans at once */
        int64_t k = t / TD_SPAN_BARS;
        td_real a = cash + position * td_load(ranges->least_close + k), b = cash + position * td_load(ranges->greatest_close + k);
        td_mask deeper = td_min(a, b) < lane->trough, higher = td_max(a, b) >= lane->record;
        unsigned matter = td_mask_word(deeper | higher);
        int64_t i = matter ? __builtin_ctz(matter) : TD_LANES;
        if (k + i > k) t = (k + i) * TD_SPAN_BARS;
        if (t >= to || !matter) continue;
        /* the first span where it may matter: its bars that are ours */
        int64_t stop = (k + i + 1) * TD_SPAN_BARS < to ? (k + i + 1) * TD_SPAN_BARS : to;
        if (stop - t < TD_LANES || td_mask_word(higher) >> i & 1)
            walk(set, t, stop);
        else {
            /* no peak here; whole vectors, the last one overlapping */
            td_real low = td_splat(lane->trough);
            for (int64_t j = t; j < stop; j += TD_LANES)
                low = td_min(cash + position * td_load(close + (j + TD_LANES <= stop ? j : stop - TD_LANES)), low);
            lane->trough = least_of(low);
        }
        t = stop;
    }
}

static void find_signals(const td_skip_set *set, const td_skip_chunk *chunk, td_skip_signals *signals) {
    int64_t words = (chunk->end - chunk->begin + 63) / 64;
    size_t bytes = (size_t)words * sizeof(uint64_t);
    memset(signals->any, 0, bytes);
    for (int i = 0; i < set->strategy->signal_count; i++) {
        memset(signals->above[i], 0, bytes);
        memset(signals->below[i], 0, bytes);
        cross(set, chunk, &set->strategy->signals[i], signals->above[i], signals->below[i]);
        for (int64_t k = 0; k < words; k++) signals->any[k] |= signals->above[i][k] | signals->below[i][k];
    }
}

static void play(const td_skip_set *set, const td_skip_chunk *chunk, const td_skip_signals *signals, double *block_equity) {
    const td_kernel_deck *view = set->view;
    int64_t begin = chunk->begin;
    cursor at = {chunk->sample, chunk->block};
    int64_t last = view->bars - 1, end = chunk->end < last ? chunk->end : last; /* the tape's last bar goes by itself */
    int64_t marked = begin, from = begin;
    while (marked < end) {
        int64_t signal = begin + next_bit(signals->any, from - begin, end - begin);
        int64_t limit = signal < end ? signal + 1 : end, guard = next_guard(set, from, limit);
        if (guard < limit) {
            mark(set, marked, guard, &at, block_equity);
            marked = guard;
            TD_ISA_NAME(td_skip_guard)(set, guard, at.sample);
            from = guard + 1;
            if (guard < signal) continue;
        }
        /* up to the signal, or the end of the chunk */
        mark(set, marked, limit, &at, block_equity);
        marked = from = limit;
        if (signal >= end) break;
        int64_t bit = signal - begin;
        unsigned up = 0, down = 0;
        for (int i = 0; i < set->strategy->signal_count; i++) {
            up |= (unsigned)(signals->above[i][bit >> 6] >> (bit & 63) & 1) << i;
            down |= (unsigned)(signals->below[i][bit >> 6] >> (bit & 63) & 1) << i;
        }
        TD_ISA_NAME(td_skip_decide)(set, chunk, signal, up, down, at.sample);
    }
    if (chunk->end > last) {
        int64_t sample = at.sample;
        TD_ISA_NAME(td_skip_last_bar)(set, sample);
        td_lane *lane = LANE(set);
        returns sums = returns_of(lane);
        if (sample == 0) lane->first_sample = lane->ruined == 0 ? lane->equity : 0;
        add_return(&sums, lane->equity, view->sample_market[sample]);
        keep_returns(lane, &sums);
        block_equity[at.block] = lane->ruined == 0 ? lane->equity : 0;
    }
}

extern const td_skip_kernel TD_ISA_NAME(td_skip_kernel_scan);
const td_skip_kernel TD_ISA_NAME(td_skip_kernel_scan) = {turn, find_signals, play};
