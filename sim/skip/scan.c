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

static void turn(const td_rows *rows, double *values, int64_t stride, double *least, double *greatest) {
    int64_t bars = rows->end - rows->begin, spans = (bars + TD_SPAN_BARS - 1) / TD_SPAN_BARS;
    bool has_before = rows->begin > 0;
    for (int64_t r = 0; r < rows->slots; r += 8) {
        int64_t width = rows->slots - r < 8 ? rows->slots - r : 8;
        for (int64_t i = 0; i < width; i++) values[(r + i) * stride - 1] = has_before ? rows->values[r + i] : __builtin_nan("");
        const double *from = rows->values + rows->slots + r;
        if (width == 8)
            for (int64_t t = 0; t < bars; t++, from += rows->slots)
                for (int i = 0; i < 8; i++) values[(r + i) * stride + t] = from[i];
        else
            for (int64_t t = 0; t < bars; t++, from += rows->slots)
                for (int64_t i = 0; i < width; i++) values[(r + i) * stride + t] = from[i];
    }
    /* ranges; whatever is behind the last bar repeats it, so that whole words can be compared */
    for (int64_t r = 0; r < rows->slots; r++) {
        double *value = values + r * stride;
        for (int64_t t = bars; t < spans * TD_SPAN_BARS; t++) value[t] = value[bars - 1];
        for (int64_t k = 0; k < spans; k++) {
            td_real low = td_load(value + k * TD_SPAN_BARS), high = low;
            td_mask known = low == low;
            for (int j = TD_LANES; j < TD_SPAN_BARS; j += TD_LANES) {
                td_real x = td_load(value + k * TD_SPAN_BARS + j);
                low = td_min(x, low);
                high = td_max(x, high);
                known = known & (x == x);
            }
            double lows[TD_LANES], highs[TD_LANES], least_here = INFINITE, greatest_here = -INFINITE;
            td_store(lows, low);
            td_store(highs, high);
            for (int l = 0; l < TD_LANES; l++) {
                if (lows[l] < least_here) least_here = lows[l];
                if (highs[l] > greatest_here) greatest_here = highs[l];
            }
            bool all_known = !td_any(td_not(known));
            least[r * TD_SKIP_WORDS + k] = all_known ? least_here : -INFINITE;
            greatest[r * TD_SKIP_WORDS + k] = all_known ? greatest_here : INFINITE;
        }
    }
}

/* The bits of one signal over a chunk: above and below. */
static void cross(const td_skip_set *set, const td_skip_chunk *chunk, const td_signal_info *signal, uint64_t *above, uint64_t *below) {
    int64_t bars = chunk->end - chunk->begin, words = (bars + 63) / 64;
    if (signal->kind == TD_SIGNAL_START) {
        for (int64_t k = 0; k < words; k++) above[k] = below[k] = 0;
        int64_t at = set->view->start_bar - chunk->begin;
        if (at >= 0 && at < bars) above[at / 64] = (uint64_t)1 << (at % 64);
        return;
    }
    bool rows = signal->kind == TD_SIGNAL_CROSS, strict = set->view->touch == 0;
    int64_t a = set->slot[signal->row], b = rows ? set->slot[signal->other] : 0;
    const double *x = chunk->values + a * chunk->stride, *y = chunk->values + b * chunk->stride;
    const double *x_least = chunk->least + a * TD_SKIP_WORDS, *x_greatest = chunk->greatest + a * TD_SKIP_WORDS;
    const double *y_least = chunk->least + b * TD_SKIP_WORDS, *y_greatest = chunk->greatest + b * TD_SKIP_WORDS;
    double level = rows ? 0 : LANE(set)->param[signal->other];

    /* the bar before: over, under, known */
    double x_before = x[-1], y_before = rows ? y[-1] : level;
    uint64_t was_over = x_before > y_before, was_under = x_before < y_before, was_known = x_before == x_before && y_before == y_before;
    for (int64_t k = 0; k < words; k++) {
        uint64_t over, under, known = ~(uint64_t)0;
        double least = rows ? y_least[k] : level, greatest = rows ? y_greatest[k] : level;
        if (x_least[k] > greatest) {
            over = ~(uint64_t)0;
            under = 0;
        } else if (x_greatest[k] < least) {
            over = 0;
            under = ~(uint64_t)0;
        } else {
            const double *p = x + k * 64, *q = y + k * 64;
            if (rows) {
                over = WORD_OF(td_load(p + j) > td_load(q + j));
                under = WORD_OF(td_load(p + j) < td_load(q + j));
                if (~(over | under))
                    known = WORD_OF(td_load(p + j) == td_load(p + j)) & WORD_OF(td_load(q + j) == td_load(q + j));
            } else {
                over = WORD_OF(td_load(p + j) > level);
                under = WORD_OF(td_load(p + j) < level);
                if (~(over | under)) known = WORD_OF(td_load(p + j) == td_load(p + j));
            }
        }
        /* over now and not over one bar ago: strictly under it, or (unless strict) known and not over */
        uint64_t over_before = over << 1 | was_over, under_before = under << 1 | was_under, known_before = known << 1 | was_known;
        above[k] = over & (strict ? under_before : known_before & ~over_before);
        below[k] = under & (strict ? over_before : known_before & ~under_before);
        was_over = over >> 63;
        was_under = under >> 63;
        was_known = known >> 63;
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
    if (guard_low == -INFINITE && guard_high == INFINITE) return end;
    td_real low = td_splat(guard_low), high = td_splat(guard_high);
    int64_t t = from;
    while (t < end) {
        if (t % TD_SPAN_BARS == 0) {
            /* whole spans */
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
            if (k * TD_SPAN_BARS >= end) return end;
            t = k * TD_SPAN_BARS;
        }
        /* bars up to the end of the span */
        int64_t stop = (t / TD_SPAN_BARS + 1) * TD_SPAN_BARS;
        if (stop > end) stop = end;
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
static void walk(const td_skip_set *set, int64_t from, int64_t to) {
    td_lane *lane = LANE(set);
    const double *close = set->view->close;
    double cash = lane->cash, position = lane->position, trough = lane->trough, record = lane->record;
    for (int64_t t = from; t < to; t++) {
        double equity = cash + position * close[t];
        if (equity < trough) trough = equity;
        if (__builtin_expect(equity >= record, 0)) {
            lane->trough = trough;
            td_skip_peak(set, t, equity);
            trough = lane->trough;
            record = lane->record;
        }
    }
    lane->trough = trough;
}

/* Lowest and highest equity at closes between `least` and `greatest`: at one of the two, by monotony. True if no peak is reached;
 * the trough is then settled. */
static inline bool settle(td_lane *lane, double least, double greatest) {
    double a = lane->cash + lane->position * least, b = lane->cash + lane->position * greatest;
    double low = a < b ? a : b, high = a < b ? b : a;
    if (high >= lane->record) return false;
    if (low < lane->trough) lane->trough = low;
    return true;
}

/* Marks bars [from, to), a part of a span. */
static inline void part(const td_skip_set *set, int64_t from, int64_t to) {
    const double *close = set->view->close;
    double least = INFINITE, greatest = -INFINITE;
    int64_t t = from;
    if (to - from >= TD_LANES) {
        td_real low = td_load(close + t), high = low;
        for (t += TD_LANES; t + TD_LANES <= to; t += TD_LANES) {
            low = td_min(td_load(close + t), low);
            high = td_max(td_load(close + t), high);
        }
        double lows[TD_LANES], highs[TD_LANES];
        td_store(lows, low);
        td_store(highs, high);
        for (int l = 0; l < TD_LANES; l++) {
            if (lows[l] < least) least = lows[l];
            if (highs[l] > greatest) greatest = highs[l];
        }
    }
    for (; t < to; t++) {
        if (close[t] < least) least = close[t];
        if (close[t] > greatest) greatest = close[t];
    }
    if (!settle(LANE(set), least, greatest)) walk(set, from, to);
}

typedef struct cursor {
    int64_t sample, block;
} cursor;

/* Marks bars [from, to): no event of the set lies in them, so cash and position are constant. */
static void mark(const td_skip_set *set, int64_t from, int64_t to, cursor *at, double *block_equity) {
    if (from >= to) return;
    td_lane *lane = LANE(set);
    const td_kernel_deck *view = set->view;
    const td_ranges *ranges = set->ranges;
    const double *close = view->close;
    double cash = lane->cash, position = lane->position;

    /* returns at the samples, equity at the ends of blocks */
    for (; view->sample_bar[at->sample] < to; at->sample++) {
        int64_t k = at->sample;
        double equity = cash + position * close[view->sample_bar[k]];
        double r = (equity - lane->sample_equity) / lane->sample_equity, down = r < 0 ? r : 0;
        if (k == 0) lane->first_sample = lane->ruined == 0 ? equity : 0;
        lane->sum_r += r;
        lane->sum_r2 += r * r;
        lane->sum_down2 += down * down;
        lane->sum_market += r * view->sample_market[k];
        lane->sample_equity = equity;
    }
    for (; view->block_end[at->block] < to; at->block++)
        block_equity[at->block] = lane->ruined == 0 ? cash + position * close[view->block_end[at->block]] : 0;
    lane->equity = cash + position * close[to - 1];

    /* peak and trough */
    if (position == 0) {
        walk(set, from, from + 1);
        return;
    }
    int64_t first = (from + TD_SPAN_BARS - 1) / TD_SPAN_BARS, last = to / TD_SPAN_BARS;
    if (first > last || first * TD_SPAN_BARS > to) {
        part(set, from, to);
        return;
    }
    if (from < first * TD_SPAN_BARS) part(set, from, first * TD_SPAN_BARS);
    for (int64_t k = first; k < last;) {
        if (k % TD_WIDE_SPANS == 0 && k + TD_WIDE_SPANS <= last &&
            settle(lane, ranges->wide_least_close[k / TD_WIDE_SPANS], ranges->wide_greatest_close[k / TD_WIDE_SPANS])) {
            k += TD_WIDE_SPANS;
            continue;
        }
        if (!settle(lane, ranges->least_close[k], ranges->greatest_close[k])) walk(set, k * TD_SPAN_BARS, (k + 1) * TD_SPAN_BARS);
        k++;
    }
    if (last * TD_SPAN_BARS < to) part(set, last * TD_SPAN_BARS, to);
}

static void play(const td_skip_set *set, const td_skip_chunk *chunk, double *block_equity) {
    const td_kernel_deck *view = set->view;
    const td_strategy *strategy = set->strategy;
    int signals = strategy->signal_count;
    int64_t begin = chunk->begin, words = (chunk->end - begin + 63) / 64;
    uint64_t above[TD_SIGNALS_MAX][TD_SKIP_WORDS], below[TD_SIGNALS_MAX][TD_SKIP_WORDS], any[TD_SKIP_WORDS];
    for (int i = 0; i < signals; i++) cross(set, chunk, &strategy->signals[i], above[i], below[i]);
    for (int64_t k = 0; k < words; k++) {
        any[k] = 0;
        for (int i = 0; i < signals; i++) any[k] |= above[i][k] | below[i][k];
    }

    cursor at = {chunk->sample, chunk->block};
    int64_t last = view->bars - 1, end = chunk->end < last ? chunk->end : last; /* the tape's last bar goes by itself */
    int64_t marked = begin, from = begin;
    while (marked < end) {
        int64_t signal = begin + next_bit(any, from - begin, end - begin);
        int64_t limit = signal < end ? signal + 1 : end, guard = next_guard(set, from, limit);
        int64_t event = guard < limit ? guard : signal;
        mark(set, marked, event, &at, block_equity);
        marked = event;
        if (event >= end) break;
        if (guard < limit) td_skip_guard(set, event, at.sample);
        mark(set, event, event + 1, &at, block_equity);
        marked = event + 1;
        if (event == signal) {
            int64_t bit = event - begin;
            unsigned up = 0, down = 0;
            for (int i = 0; i < signals; i++) {
                up |= (unsigned)(above[i][bit >> 6] >> (bit & 63) & 1) << i;
                down |= (unsigned)(below[i][bit >> 6] >> (bit & 63) & 1) << i;
            }
            td_skip_decide(set, chunk, event, up, down, at.sample);
        }
        from = event + 1;
    }
    if (chunk->end > last) {
        int64_t sample = at.sample;
        td_skip_last_bar(set, sample);
        td_lane *lane = LANE(set);
        double r = (lane->equity - lane->sample_equity) / lane->sample_equity, down = r < 0 ? r : 0;
        if (sample == 0) lane->first_sample = lane->ruined == 0 ? lane->equity : 0;
        lane->sum_r += r;
        lane->sum_r2 += r * r;
        lane->sum_down2 += down * down;
        lane->sum_market += r * view->sample_market[sample];
        lane->sample_equity = lane->equity;
        block_equity[at.block] = lane->ruined == 0 ? lane->equity : 0;
    }
}

extern const td_skip_kernel TD_ISA_NAME(td_skip_kernel_scan);
const td_skip_kernel TD_ISA_NAME(td_skip_kernel_scan) = {turn, play};
