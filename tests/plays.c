/* See plays.h. */
#include "tests/plays.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/math.h"
#include "base/random.h"
#include "data/calendar.h"
#include "sim/deck.h"
#include "tapedeck_test_strategies.h"

/* Strategies of the tests: what sim/registry.c does for the built-in ones. */
TD_TEST_STRATEGIES_LIST(TD_DECLARE_STRATEGY)

enum {
#define TD_ONE(unit) TD_TEST_STRATEGY_##unit,
    TD_TEST_STRATEGIES_LIST(TD_ONE)
#undef TD_ONE
    STRATEGY_COUNT
};
static td_strategy strategies[STRATEGY_COUNT];

__attribute__((constructor)) static void fill_strategies(void) {
#define TD_KERNEL_POINTER(unit, isa) &td_kernel_##unit##_##isa,
#define TD_ONE(unit)                                                                                                             \
    {                                                                                                                            \
        static const td_kernel *const kernels[] = {TD_EACH_ISA(TD_KERNEL_POINTER, unit)};                                        \
        strategies[TD_TEST_STRATEGY_##unit] = td_strategy_info_##unit;                                                           \
        strategies[TD_TEST_STRATEGY_##unit].name = #unit;                                                                        \
        for (size_t i = 0; i < sizeof kernels / sizeof *kernels; i++)                                                            \
            strategies[TD_TEST_STRATEGY_##unit].kernels[i] = kernels[i];                                                         \
    }
    TD_TEST_STRATEGIES_LIST(TD_ONE)
#undef TD_ONE
}

const td_strategy *td_test_strategy(const char *name) {
    for (int i = 0; i < STRATEGY_COUNT; i++)
        if (!strcmp(strategies[i].name, name)) return &strategies[i];
    print_error("no test strategy %s\n", name);
    abort();
}

double td_draw(uint64_t seed, uint64_t n) { return td_random_uniform(seed, TD_PURPOSE_TEST, 99, n); }
int64_t td_draw_whole(uint64_t seed, uint64_t n, int64_t low, int64_t high) {
    return low + (int64_t)(td_draw(seed, n) * (double)(high - low + 1));
}

static double normal(uint64_t seed, uint64_t stream, int64_t bar) {
    return td_random_normal(seed, TD_PURPOSE_TEST, stream, (uint64_t)bar);
}

td_tape td_test_tape_of(int64_t bars, int64_t interval_ns, td_temper temper, bool weekends, uint64_t seed) {
    int64_t *time = malloc((size_t)bars * sizeof *time);
    double *open = malloc((size_t)bars * 5 * sizeof *open);
    double *high = open + bars, *low = high + bars, *close = low + bars, *volume = close + bars;
    double last = 100, step = 0.002 + 0.03 * td_draw(seed, 1), gap = temper == TD_TEMPER_GAPS ? 0.15 : 0.2 * step;
    double reach = td_draw(seed, 2) < 0.5 ? 0.6 : 3;
    if (temper == TD_TEMPER_CONSTANT) step = gap = 0;
    int64_t now = 1704067200LL * TD_NS_PER_SECOND; /* a Monday */
    for (int64_t t = 0; t < bars; t++) {
        if (!weekends) /* 1970-01-03 was a Saturday */
            while ((now / TD_NS_PER_DAY + 5) % 7 < 2) now += interval_ns;
        time[t] = now;
        now += interval_ns;
        open[t] = last * td_exp(gap * normal(seed, 0, t));
        close[t] = open[t] * td_exp(step * normal(seed, 1, t));
        /* stay in a band, or compounding jumps run out of the doubles */
        if (close[t] > 1e4) close[t] *= 0.8;
        if (close[t] < 1) close[t] *= 1.25;
        high[t] = fmax(open[t], close[t]) * (1 + reach * step * td_draw(seed, 1000 + 2 * (uint64_t)t));
        low[t] = fmin(open[t], close[t]) * (1 - reach * step * td_draw(seed, 1001 + 2 * (uint64_t)t));
        volume[t] = 1 + td_random_uniform(seed, TD_PURPOSE_TEST, 4, (uint64_t)t);
        last = close[t];
        if (temper == TD_TEMPER_TICKS) {
            open[t] = fmax(1, floor(open[t] / 2 + 0.5)) * 2;
            close[t] = fmax(1, floor(close[t] / 2 + 0.5)) * 2;
            high[t] = fmax(fmax(open[t], close[t]), floor(high[t] / 2) * 2);
            low[t] = fmin(fmin(open[t], close[t]), ceil(low[t] / 2) * 2);
        }
    }
    return (td_tape){.bars = bars, .symbols = 1, .interval_ns = interval_ns, .time_ns = time, .open = open, .high = high,
                     .low = low, .close = close, .volume = volume, .symbol = "TEST"};
}

td_tape td_script_tape(const td_bar *bars, int count, int64_t interval_ns) {
    td_tape tape = td_test_tape_of(count, interval_ns, TD_TEMPER_CONSTANT, true, 0);
    double *open = (double *)(uintptr_t)tape.open, *high = open + count, *low = high + count, *close = low + count,
           *volume = close + count;
    double sign = -1;
    for (int t = 0; t < count; t++) {
        bool orders = !isnan(bars[t].order);
        open[t] = bars[t].open;
        high[t] = bars[t].high;
        low[t] = bars[t].low;
        close[t] = bars[t].close;
        if (orders) sign = -sign;
        volume[t] = sign * (orders ? 1000 + bars[t].order : 1000);
    }
    return tape;
}

void td_test_tape_split(td_tape *tape, int parts, uint64_t seed) {
    enum { PARTS_MAX = 16 };
    assert_in_range(parts, 1, PARTS_MAX);
    int64_t room = tape->bars * parts, made = 0, step = tape->interval_ns / parts;
    int64_t *time = malloc((size_t)room * sizeof *time);
    double *open = malloc((size_t)room * 5 * sizeof *open);
    double *high = open + room, *low = high + room, *close = low + room, *volume = close + room;
    uint64_t n = 1;
    for (int64_t t = 0; t < tape->bars; t++) {
        double bottom = tape->low[t], range = tape->high[t] - bottom;
        int64_t first = made, slot[PARTS_MAX];
        int count = 0;
        for (int p = 0; p < parts; p++)
            if (td_draw(seed, n++) < 0.8) slot[count++] = p;
        if (count == 0) slot[count++] = (int64_t)(td_draw(seed, n++) * parts);
        for (int p = 0; p < count; p++, made++) {
            time[made] = tape->time_ns[t] + slot[p] * step;
            /* half of them begin where the one before ended */
            open[made] = p == 0 ? tape->open[t] : td_draw(seed, n) < 0.5 ? close[made - 1] : bottom + range * td_draw(seed, n + 1);
            close[made] = p == count - 1 ? tape->close[t] : bottom + range * td_draw(seed, n + 2);
            double top = fmax(open[made], close[made]), foot = fmin(open[made], close[made]);
            high[made] = fmin(tape->high[t], top + 0.3 * range * td_draw(seed, n + 3));
            low[made] = fmax(bottom, foot - 0.3 * range * td_draw(seed, n + 4));
            volume[made] = tape->volume[t] / count;
            n += 5;
        }
        high[first + (int64_t)(td_draw(seed, n++) * count)] = tape->high[t];
        low[first + (int64_t)(td_draw(seed, n++) * count)] = bottom;
    }
    td_tape *finer = malloc(sizeof *finer);
    *finer = (td_tape){.bars = made, .symbols = 1, .interval_ns = step, .time_ns = time, .open = open, .high = high, .low = low,
                       .close = close, .volume = volume, .symbol = "TEST"};
    tape->finer = finer;
}

void td_test_tape_free(td_tape *tape) {
    if (tape->finer) {
        td_tape *finer = (td_tape *)(uintptr_t)tape->finer;
        td_test_tape_free(finer);
        free(finer);
    }
    free((void *)(uintptr_t)tape->time_ns);
    free((void *)(uintptr_t)tape->open);
}

const td_strategy *td_case_strategy(uint64_t seed) {
    static const char *const own[] = {"ratio", "breakout", "crowd", "placer"};
    const td_strategy *alone[64];
    int built_in = 0;
    for (int i = 0; i < td_strategy_count() && built_in < 64; i++)
        if (!td_strategy_plays_pairs(td_strategy_at(i)) && !td_strategy_at(i)->book) alone[built_in++] = td_strategy_at(i);
    int pick = (int)(seed % (uint64_t)(built_in + 4));
    return pick < built_in ? alone[pick] : td_test_strategy(own[pick - built_in]);
}

static double maybe(uint64_t seed, uint64_t n, double likely, double value) { return td_draw(seed, n) < likely ? value : 0; }

static void make_case(td_case *made, uint64_t seed, int64_t bars, const td_strategy *strategy, bool finer) {
    static const int64_t intervals[] = {TD_NS_PER_DAY, 3600 * TD_NS_PER_SECOND, 60 * TD_NS_PER_SECOND, 7 * TD_NS_PER_DAY};
    td_error error;
    td_temper temper = (td_temper)td_draw_whole(seed, 10, -2, TD_TEMPER_COUNT - 1);
    if ((int)temper < 0) temper = TD_TEMPER_WALK;
    bool weekends = td_draw(seed, 11) < 0.5;
    int64_t interval = intervals[td_draw_whole(seed, 12, 0, 3)];
    made->tape = td_test_tape_of(bars, interval, temper, weekends || interval > TD_NS_PER_DAY, seed);
    td_play_def def = td_default_play_def();
    def.strategy = strategy;
    def.profile = *strategy->orders || finer ? TD_PROFILE_TAPEDECK : (td_profile)td_draw_whole(seed, 13, 0, 1);
    def.fill_at = (td_fill_at)td_draw_whole(seed, 14, 0, 1);
    def.sizing = (td_sizing)td_draw_whole(seed, 15, 0, 2);
    def.direction = (td_direction)td_draw_whole(seed, 16, 0, 2);
    def.finalize = td_draw(seed, 17) < 0.5;
    def.sample_bars = (int64_t[]){0, 0, 1, 1, 2, 7, 60}[td_draw_whole(seed, 18, 0, 6)];
    def.blocks = (int64_t[]){1, 2, 16, 64, 71}[td_draw_whole(seed, 19, 0, 4)];
    def.risk_free = maybe(seed, 20, 0.5, 0.04);
    if (td_draw(seed, 25) < 0.2) def.row_scale = 1e-6;
    if (td_draw(seed, 21) < 0.2 && bars > 3) {
        def.first_bar = td_draw_whole(seed, 22, 0, bars / 2);
        def.bars = td_draw_whole(seed, 23, 0, bars - def.first_bar);
    }
    /* a third of the cases, where the profile allows, use what only the broker plays */
    bool broker = def.profile == TD_PROFILE_TAPEDECK && td_draw(seed, 40) < (finer ? 0.8 : 0.5);
    if (broker) {
        def.fill_at = (td_fill_at)td_draw_whole(seed, 41, 0, 2);
        def.fill_delay = (int64_t[]){0, 0, 0, 1, 3}[td_draw_whole(seed, 42, 0, 4)];
        def.intrabar = (td_intrabar)td_draw_whole(seed, 43, 0, 4);
        def.sizing = (td_sizing)td_draw_whole(seed, 44, 0, 6);
        def.volatility = (td_volatility)td_draw_whole(seed, 45, def.sizing == TD_SIZING_VOLATILITY ? 1 : 0, 2);
        def.maker_rate = td_draw(seed, 46) < 0.5;
        if (def.volatility != TD_VOLATILITY_NONE) def.row_scale = 1;
        if (td_draw(seed, 49) < 0.25) { /* steps that some of the sets climb */
            def.maker_rate = false;
            def.tier_days = (int32_t)td_draw_whole(seed, 51, 1, TD_TIER_DAYS_MAX);
            def.tier_count = (int32_t)td_draw_whole(seed, 52, 1, 5);
            for (int k = 0; k < def.tier_count; k++) {
                uint64_t n = 53 + 3 * (uint64_t)k;
                def.tiers[k] = (td_tier){k ? def.tiers[k - 1].volume + 1 + 3e4 * td_draw(seed, n) : 0, 0.004 * td_draw(seed, n + 1) - 0.0005,
                                         0.004 * td_draw(seed, n + 2) - 0.0015};
            }
        }
        if (td_draw(seed, 47) < 0.2) def.hours_from = 600, def.hours_to = td_draw(seed, 48) < 0.5 ? 300 : 1000;
    }
    /* ... and a third of those no more than what vectors play: market orders and what protects a position */
    bool protects = broker && !finer && td_draw(seed, 49) < 0.4;
    if (protects) {
        def.fill_at = (td_fill_at)td_draw_whole(seed, 41, 0, 1);
        def.fill_delay = 0;
        def.intrabar = TD_INTRABAR_STOP_FIRST;
        def.sizing = (td_sizing)td_draw_whole(seed, 44, 0, 2);
        def.hours_from = def.hours_to = 0;
    }
    if (!broker && def.profile == TD_PROFILE_TAPEDECK) def.maker_rate = td_draw(seed, 46) < 0.5;
    if (finer) {
        td_test_tape_split(&made->tape, (int)td_draw_whole(seed, 50, 1, 6), seed + 7);
        def.execution_ns = made->tape.finer->interval_ns;
    }
    made->def = def;
    int64_t played = def.bars ? def.bars : bars - def.first_bar;
    if (played < 2 && strategy == td_strategy_find("macd")) /* its slow window is longer than its fast one, and no window than the tape */
        made->def.strategy = def.strategy = strategy = td_strategy_find("sma-cross");
    assert_ok(td_deck_make(&made->tape, &def, &made->deck, &error));
    for (int i = 0; i < TD_CASE_SETS; i++) {
        td_set *set = &made->sets[i];
        uint64_t s = seed * 1000 + (uint64_t)i;
        *set = td_default_set(strategy);
        for (int k = 0; k < td_strategy_param_count(strategy); k++) {
            const td_param_info *info = td_strategy_param(strategy, k);
            uint64_t n = 100 + (uint64_t)k;
            int64_t longest = played < 40 ? played : td_draw(seed, 24) < 0.1 ? played : 40;
            if (info->kind == TD_PARAM_WINDOW)
                set->param[k] = (double)td_draw_whole(s, n, 1, longest);
            else if (info->kind == TD_PARAM_COUNT)
                set->param[k] = (double)td_draw_whole(s, n, (int64_t)info->minimum, (int64_t)fmin(info->maximum, 60));
            else if (strategy == td_test_strategy("ratio")) /* small whole numbers, zero among them */
                set->param[k] = (double)td_draw_whole(s, n, -1, 4);
            else if (strategy == td_test_strategy("placer")) /* levels around the close, stops and distances that may be left out */
                set->param[k] = !strcmp(info->name, "distance") ? maybe(s, n, 0.4, 0.1 * td_draw(s, n + 50))
                                : strstr("loss profit", info->name) ? maybe(s, n, 0.4, 0.9 + 0.2 * td_draw(s, n + 50))
                                : strstr(info->name, "share")       ? 0.1 + 0.9 * td_draw(s, n)
                                                                    : 0.95 + 0.1 * td_draw(s, n);
            else /* around what the author thinks usual, now and then at the lower end */
                set->param[k] = fmin(fmax(info->preset * maybe(s, n + 50, 0.9, 2 * td_draw(s, n)), info->minimum), info->maximum);
            if (!strcmp(info->name, "pair")) set->param[k] = (double)(seed % 2);
            if (!strcmp(info->name, "every")) set->param[k] = (double)td_draw_whole(s, n, 1, 30);
        }
        if (strategy == td_strategy_find("macd") && set->param[0] >= set->param[1]) {
            set->param[1] = fmin(set->param[0] + 1, (double)played);
            set->param[0] = set->param[1] - 1;
        }
        double *knob = set->knob;
        knob[TD_KNOB_cash] = td_draw(s, 1) < 0.3 ? 150 : 10000;
        knob[TD_KNOB_size] = def.sizing == TD_SIZING_FRACTION ? 0.05 + 0.95 * td_draw(s, 2) : (double)td_draw_whole(s, 2, 1, 200);
        knob[TD_KNOB_lot] = (double[]){0, 1, 1e-6, 0.1}[td_draw_whole(s, 3, 0, 3)];
        knob[TD_KNOB_commission] = def.tier_count ? 0 : maybe(s, 4, 0.7, td_draw(s, 5) * 0.01 - 0.001);
        knob[TD_KNOB_fixed_commission] = maybe(s, 6, 0.4, td_draw(s, 7) * 5);
        knob[TD_KNOB_spread] = maybe(s, 8, 0.6, td_draw(s, 9) * 0.01);
        knob[TD_KNOB_slippage] = maybe(s, 10, 0.5, td_draw(s, 11) * 0.002);
        knob[TD_KNOB_stop_loss] = maybe(s, 12, 0.6, td_draw(s, 13) * 0.05);
        knob[TD_KNOB_take_profit] = maybe(s, 14, 0.6, td_draw(s, 15) * 0.08);
        knob[TD_KNOB_maker] = 0.002 * td_draw(s, 35) - 0.001;
        if (broker) {
            knob[TD_KNOB_stop_volatility] = def.volatility ? maybe(s, 20, 0.3, 4 * td_draw(s, 21)) : 0;
            knob[TD_KNOB_target_volatility] = def.volatility ? maybe(s, 22, 0.3, 4 * td_draw(s, 23)) : 0;
            knob[TD_KNOB_trailing_volatility] = def.volatility ? maybe(s, 24, 0.3, 4 * td_draw(s, 25)) : 0;
            knob[TD_KNOB_volatility_window] = (double)td_draw_whole(s, 26, 1, played < 20 ? played : 20);
            knob[TD_KNOB_trailing] = maybe(s, 27, 0.4, 0.1 * td_draw(s, 28));
            knob[TD_KNOB_trailing_amount] = maybe(s, 29, 0.2, 5 * td_draw(s, 30));
            knob[TD_KNOB_break_even] = maybe(s, 31, 0.3, 0.05 * td_draw(s, 32));
            knob[TD_KNOB_time_stop] = maybe(s, 33, 0.3, (double)td_draw_whole(s, 34, 1, 30));
            knob[TD_KNOB_pyramiding] = (double)td_draw_whole(s, 52, 1, 3);
        }
        if (broker && !protects) {
            knob[TD_KNOB_per_unit] = maybe(s, 36, 0.2, 0.01 * td_draw(s, 37));
            knob[TD_KNOB_tick] = 0.05;
            knob[TD_KNOB_slippage_ticks] = maybe(s, 38, 0.2, (double)td_draw_whole(s, 39, 1, 3));
            knob[TD_KNOB_volume_share] = maybe(s, 40, 0.2, 1e-4 * td_draw(s, 41));
            knob[TD_KNOB_impact] = maybe(s, 42, 0.2, 1e-3 * td_draw(s, 43));
            knob[TD_KNOB_funding] = maybe(s, 44, 0.3, 0.002 * td_draw(s, 45) - 0.001);
            knob[TD_KNOB_borrow] = maybe(s, 46, 0.3, td_draw(s, 47));
            knob[TD_KNOB_leverage] = td_draw(s, 48) < 0.3 ? 1 + 9 * td_draw(s, 49) : 1;
            knob[TD_KNOB_maintenance] = maybe(s, 50, 0.2, 0.1 * td_draw(s, 51));
            knob[TD_KNOB_daily_loss] = maybe(s, 53, 0.2, 0.05 * td_draw(s, 54));
            knob[TD_KNOB_drawdown] = maybe(s, 55, 0.2, 0.3 * td_draw(s, 56));
            knob[TD_KNOB_max_position] = maybe(s, 57, 0.2, 2 * knob[TD_KNOB_cash] * td_draw(s, 58));
            knob[TD_KNOB_cool_down] = maybe(s, 59, 0.2, (double)td_draw_whole(s, 60, 1, 20));
            if (td_size_is_fraction(def.sizing)) knob[TD_KNOB_size] = 0.05 + 0.95 * td_draw(s, 2);
            if (def.sizing == TD_SIZING_RISK) knob[TD_KNOB_stop_loss] = 0.01 + 0.05 * td_draw(s, 13);
            if (def.sizing == TD_SIZING_VOLATILITY) knob[TD_KNOB_size] = 0.05 + 0.4 * td_draw(s, 2);
        }
        assert_ok(td_check_set(made->deck, set, &error));
    }
    snprintf(made->text, sizeof made->text,
             "seed %llu, %s, %lld bars, temper %d, profile %d, fill %d, sizing %d, direction %d, finalize %d, sample %lld",
             (unsigned long long)seed, td_strategy_name(strategy), (long long)played, temper, def.profile, def.fill_at, def.sizing,
             def.direction, def.finalize, (long long)def.sample_bars);
}

void td_case_make(td_case *made, uint64_t seed, int64_t bars, const td_strategy *strategy) {
    make_case(made, seed, bars, strategy, false);
}

void td_case_make_finer(td_case *made, uint64_t seed, int64_t bars, const td_strategy *strategy) {
    make_case(made, seed, bars, strategy, true);
}

void td_case_free(td_case *made) {
    td_deck_free(made->deck);
    td_test_tape_free(&made->tape);
}

/* The watch over a detailed run: an account kept apart from the engine's, from nothing but fills and trades. */
typedef struct watch {
    const td_deck *deck;
    const td_set *set;
    td_record *record;
    int64_t fill_room, trade_room;
    long double cash;          /* what is in the purse: start - what was bought + what was sold - commissions */
    long double realised;      /* of the closed trades */
    long double ledger;        /* commission, spread and slippage paid so far */
    long double moved;         /* what the position earned at prices before costs */
    double position, mid;      /* after the last fill; price, before costs, at which it was marked last */
    double entry_price;
    long double open_costs;    /* commissions and charges of the open position */
    double exit_commission;    /* of the last fill */
    double left_price;         /* entry price of what the last fill left */
    bool book;                 /* several trades stand at once, so there is no one entry price */
    bool over;                 /* ruined */
} watch;

static void complain(const watch *w, int64_t bar, const char *what, double found, double expected) {
    print_error("strategy %s, bar %lld: %s is %.17g, expected %.17g\n", td_strategy_name(w->deck->def.strategy), (long long)bar,
                what, found, expected);
    fail();
}

static void check(const watch *w, int64_t bar, const char *what, double found, double expected, double scale) {
    if (!(fabs(found - expected) <= 1e-10 * scale)) complain(w, bar, what, found, expected);
}

/* The finer bar of a fill; the bar itself where there are none. */
static int64_t finer_bar(const watch *w, const td_fill *fill) {
    const td_kernel_deck *view = &w->deck->view;
    int64_t first = view->finer_first ? view->finer_first[fill->bar] : fill->bar;
    int64_t end = view->finer_first ? view->finer_first[fill->bar + 1] : fill->bar + 1;
    for (int64_t k = first; k < end; k++)
        if (view->finer_time_ns[k] == fill->time_ns) {
            bool at_open = fill->reason == TD_FILL_REASON_open, at_close = fill->reason == TD_FILL_REASON_close;
            if ((at_open && k != first) || (at_close && k != end - 1)) complain(w, fill->bar, "finer bar", (double)(k - first), 0);
            return k;
        }
    complain(w, fill->bar, "the time of a fill", (double)fill->time_ns, (double)view->time_ns[fill->bar]);
    return first;
}

/* The price before costs that a fill of this reason starts from; within the bar, `base` if prices were there. */
static double base_price(const watch *w, const td_fill *fill, double base) {
    const td_kernel_deck *view = &w->deck->view;
    bool backtesting = view->profile == TD_PROFILE_BACKTESTING;
    int64_t t = fill->bar, k = finer_bar(w, fill);
    td_stop_exit_price where = w->deck->def.vectorbt.stop_exit_price;
    if (view->profile == TD_PROFILE_VECTORBT && where >= TD_STOP_EXIT_PRICE && fill->reason != TD_FILL_REASON_open &&
        fill->reason != TD_FILL_REASON_end)
        return where == TD_STOP_EXIT_PRICE && view->fill_at == TD_FILL_NEXT_OPEN ? view->open[t] : view->close[t];
    switch (fill->reason) {
    case TD_FILL_REASON_open:
        if (view->fill_at != TD_FILL_NEXT_OPEN) complain(w, t, "a fill at the open", 1, 0);
        return view->open[t];
    case TD_FILL_REASON_stop_gap: return view->finer_open[k];
    case TD_FILL_REASON_target_gap: return view->finer_open[k];
    case TD_FILL_REASON_close: return view->close[t];
    case TD_FILL_REASON_time_stop:
    case TD_FILL_REASON_risk: return view->fill_at == TD_FILL_NEXT_OPEN ? view->open[t] : view->close[t];
    case TD_FILL_REASON_ruin: return view->finer_close[k];
    case TD_FILL_REASON_end: return backtesting && view->fill_at == TD_FILL_NEXT_OPEN ? view->open[t] : view->close[t];
    default: {
        double slack = 1e-12 * base;
        /* profile backtesting fills orders where prices never were: at a stop that the open jumped over, at the close before a bar */
        if (w->book && (fill->reason == TD_FILL_REASON_limit || fill->reason == TD_FILL_REASON_stop_order)) return base;
        if (base < view->finer_low[k] - slack || base > view->finer_high[k] + slack)
            complain(w, t, "the level filled at", base, view->finer_low[k]);
        return base;
    }
    }
}

/* The commission rate of a fill. With tiers: of the value of the fills there were on the days before its own. */
static double rate_of(const watch *w, const td_fill *fill, bool rests) {
    const td_play_def *def = &w->deck->def;
    const double *knob = w->set->knob;
    if (!def->tier_count) return rests && def->maker_rate ? knob[TD_KNOB_maker] : knob[TD_KNOB_commission];
    int64_t day = td_day_of(fill->time_ns);
    long double traded = 0;
    for (int64_t i = w->record->fill_count - 1; i >= 0 && td_day_of(w->record->fills[i].time_ns) >= day - def->tier_days; i--)
        if (td_day_of(w->record->fills[i].time_ns) < day) traded += fabs(w->record->fills[i].units) * w->record->fills[i].price;
    int tier = def->tier_count - 1;
    while (tier > 0 && traded < def->tiers[tier].volume) tier--;
    return rests ? def->tiers[tier].maker : def->tiers[tier].commission;
}

static void on_fill(void *context, const td_fill *fill) {
    watch *w = context;
    td_record *record = w->record;
    const double *knob = w->set->knob;
    bool backtesting = w->deck->def.profile == TD_PROFILE_BACKTESTING, entry = fill->units * w->position >= 0;
    bool vectorbt = w->deck->def.profile == TD_PROFILE_VECTORBT;
    bool is_stop = fill->reason == TD_FILL_REASON_stop || fill->reason == TD_FILL_REASON_stop_gap || fill->reason == TD_FILL_REASON_trailing;
    bool rests = fill->reason == TD_FILL_REASON_target || fill->reason == TD_FILL_REASON_target_gap || fill->reason == TD_FILL_REASON_limit;
    if (vectorbt && (is_stop || rests)) rests = w->deck->def.vectorbt.stop_exit_price == TD_STOP_EXIT_LIMIT;
    double spread = backtesting ? (entry ? knob[TD_KNOB_spread] : 0) : rests ? 0 : knob[TD_KNOB_spread] / 2;
    double slippage = rests ? 0 : knob[TD_KNOB_slippage], size = fabs(fill->units), side = fill->units > 0 ? 1 : -1;
    bool moves = !rests && (knob[TD_KNOB_slippage_ticks] > 0 || knob[TD_KNOB_volume_share] > 0 || knob[TD_KNOB_impact] > 0);
    /* what was paid is the base price and the costs of the two ledger lines */
    double base = base_price(w, fill, fill->price - side * (fill->spread_cost + fill->slippage_cost) / size), value = size * base;
    check(w, fill->bar, "fill price", fill->price, base + side * (fill->spread_cost + fill->slippage_cost) / size, fabs(base));
    check(w, fill->bar, "spread of the fill", fill->spread_cost, value * spread, value);
    if (moves ? fill->slippage_cost <= value * slippage * (1 - 1e-10) : fabs(fill->slippage_cost - value * slippage) > 1e-10 * value)
        complain(w, fill->bar, "slippage of the fill", fill->slippage_cost, value * slippage);
    double rate = rate_of(w, fill, rests);
    check(w, fill->bar, "commission of the fill", fill->commission,
          knob[TD_KNOB_fixed_commission] + size * fill->price * rate + size * knob[TD_KNOB_per_unit], value + knob[TD_KNOB_fixed_commission]);
    check(w, fill->bar, "position after the fill", fill->position, w->position + fill->units, size + fabs(w->position));
    if (!(size > 0)) complain(w, fill->bar, "units", fill->units, 1);
    /* an order of profile vectorbt may close one position and open the next */
    double held = fabs(w->position), leaves = entry ? 0 : vectorbt && size > held * (1 + 1e-9) ? held : size, enters = size - leaves;
    w->left_price = w->entry_price;
    if (entry || enters > 0) {
        if (knob[TD_KNOB_lot] > 0 && !vectorbt) {
            double lots = size / knob[TD_KNOB_lot];
            check(w, fill->bar, "lots", lots, floor(lots + 0.5), lots);
        }
        double stays = held - leaves;
        w->entry_price = (stays * w->entry_price + enters * fill->price) / (stays + enters);
        w->open_costs += fill->commission * (enters / size);
    } else if (!vectorbt && size > fabs(w->position) * (1 + 1e-12))
        complain(w, fill->bar, "units that leave", size, fabs(w->position));
    w->exit_commission = fill->commission * (leaves / size);
    if (w->over) complain(w, fill->bar, "fills after ruin", 1, 0);
    w->moved += (long double)w->position * (base - w->mid);
    w->ledger += (long double)fill->commission + fill->spread_cost + fill->slippage_cost;
    w->cash -= (long double)fill->units * fill->price + fill->commission;
    w->position = fill->position;
    w->mid = base;
    if (record->fill_count == w->fill_room) {
        w->fill_room = 2 * w->fill_room + 16;
        record->fills = realloc(record->fills, (size_t)w->fill_room * sizeof *record->fills);
    }
    record->fills[record->fill_count++] = *fill;
}

static void on_trade(void *context, const td_trade *trade) {
    watch *w = context;
    td_record *record = w->record;
    double value = fabs(trade->units) * (trade->entry_price + trade->exit_price) + fabs(trade->commission);
    if (!w->book) check(w, trade->exit_bar, "trade's entry price", trade->entry_price, w->left_price, w->left_price);
    check(w, trade->exit_bar, "trade's profit", trade->pnl,
          trade->units * (trade->exit_price - trade->entry_price) - trade->commission, value);
    check(w, trade->exit_bar, "trade's return", trade->ret, trade->pnl / fabs(trade->units * trade->entry_price),
          fabs(trade->ret) + 1);
    /* with fills at closes a market order of profile backtesting may close, at the close before, what a stop order opened in the bar */
    bool turned = w->book && w->deck->def.fill_at == TD_FILL_CLOSE;
    if (trade->exit_bar < trade->entry_bar - turned)
        complain(w, trade->exit_bar, "entry bar", (double)trade->entry_bar, (double)trade->exit_bar);
    w->realised += trade->pnl;
    w->open_costs -= (long double)trade->commission - w->exit_commission;
    if (record->trade_count == w->trade_room) {
        w->trade_room = 2 * w->trade_room + 16;
        record->trades = realloc(record->trades, (size_t)w->trade_room * sizeof *record->trades);
    }
    record->trades[record->trade_count++] = *trade;
}

static void on_charge(void *context, int64_t bar, double funding, double borrow) {
    watch *w = context;
    if (w->position == 0) complain(w, bar, "charge without a position", funding + borrow, 0);
    w->record->funding += funding;
    w->record->borrow += borrow;
    w->cash -= (long double)funding + borrow;
    w->open_costs += (long double)funding + borrow;
    w->ledger += (long double)funding + borrow;
}

static void on_bar(void *context, int64_t bar, double equity, double position) {
    watch *w = context;
    double close = w->deck->view.close[bar], start = w->set->knob[TD_KNOB_cash];
    if (w->record->bars != bar) complain(w, bar, "bar", (double)bar, (double)w->record->bars);
    double scale = start + fabs((double)w->cash) + fabs(w->position * close) + (double)fabsl(w->ledger) + (double)fabsl(w->moved);
    /* profile vectorbt goes on with nothing, and with less; where it fails there is nothing though there should be */
    if (equity == 0 && (w->deck->def.profile != TD_PROFILE_VECTORBT || (position == 0 && w->cash != 0))) w->over = true;
    if (!w->over) {
        check(w, bar, "position", position, w->position, fabs(position));
        check(w, bar, "equity (purse and position)", equity, (double)(w->cash + (long double)w->position * close), scale);
        long double open_profit = (long double)w->position * (close - w->entry_price) - w->open_costs;
        if (!w->book) check(w, bar, "equity (start and profits)", equity, (double)(start + w->realised + open_profit), scale);
        w->moved += (long double)w->position * (close - w->mid);
        w->mid = close;
        check(w, bar, "equity (start, moves, less the ledger lines)", equity, (double)(start + w->moved - w->ledger), scale);
    } else if (equity != 0 || position != 0)
        complain(w, bar, "equity after ruin", equity, 0);
    w->record->equity[bar] = equity;
    w->record->position[bar] = position;
    w->record->bars++;
}

td_record td_record_make(const td_deck *deck, const td_set *set) {
    td_error error;
    td_record record = {.block_returns = malloc((size_t)td_deck_blocks(deck) * sizeof(float)),
                        .equity = malloc((size_t)td_deck_bars(deck) * sizeof(double)),
                        .position = malloc((size_t)td_deck_bars(deck) * sizeof(double))};
    watch w = {.deck = deck, .set = set, .record = &record, .cash = set->knob[TD_KNOB_cash],
               .book = td_order_list_bytes(&deck->def) > 0};
    td_observer observer = {.on_fill = on_fill, .on_trade = on_trade, .on_charge = on_charge, .on_bar = on_bar, .context = &w};
    assert_ok(td_play_detailed(deck, set, &observer, &record.cell, record.block_returns, &error));
    assert_int_equal(record.bars, td_deck_bars(deck));
    if (record.cell.state == TD_CELL_DONE) {
        const double *m = record.cell.metrics;
        assert_near(m[TD_METRIC_fills], (double)record.fill_count, 0);
        assert_near(m[TD_METRIC_trades], (double)record.trade_count, 0);
        assert_near(m[TD_METRIC_final_equity], record.equity[record.bars - 1], 0);
        check(&w, record.bars - 1, "ledger lines",
              m[TD_METRIC_commission_paid] + m[TD_METRIC_spread_paid] + m[TD_METRIC_slippage_paid] + m[TD_METRIC_funding_paid] +
                  m[TD_METRIC_borrow_paid],
              (double)w.ledger, (double)fabsl(w.ledger) + 1);
        assert_int_equal(record.cell.ruined, w.over);
    }
    return record;
}

void td_record_free(td_record *record) {
    free(record->block_returns);
    free(record->fills);
    free(record->trades);
    free(record->equity);
    free(record->position);
}

bool td_same_cells(const td_cell *a, const td_cell *b, const float *a_returns, const float *b_returns, int64_t blocks) {
    bool same = a->hash == b->hash && a->state == b->state && a->reason == b->reason && a->reason_bar == b->reason_bar &&
                a->ruined == b->ruined;
    if (!same)
        print_error("hash %016llx %016llx, state %d %d, reason %d %d at bar %lld %lld, ruined %d %d\n", (unsigned long long)a->hash,
                    (unsigned long long)b->hash, a->state, b->state, a->reason, b->reason, (long long)a->reason_bar,
                    (long long)b->reason_bar, a->ruined, b->ruined);
    for (int i = 0; i < TD_METRIC_BARS_COUNT; i++) {
        bool equal = a->metrics[i] == b->metrics[i] || (isnan(a->metrics[i]) && isnan(b->metrics[i]));
        if (!equal) print_error("%s: %.17g %.17g\n", td_metric_infos[i].name, a->metrics[i], b->metrics[i]);
        same = same && equal;
    }
    for (int64_t k = 0; a_returns && b_returns && k < blocks; k++) {
        bool equal = a_returns[k] == b_returns[k] || (isnan(a_returns[k]) && isnan(b_returns[k]));
        if (!equal) print_error("return of block %lld: %.9g %.9g\n", (long long)k, a_returns[k], b_returns[k]);
        same = same && equal;
    }
    return same;
}

void td_assert_engines_agree(const td_deck *deck, const td_set *sets, int64_t count, int64_t chunk, td_cell *cells,
                             const char *what) {
    td_error error;
    int64_t blocks = td_deck_blocks(deck);
    float *returns = malloc((size_t)(count * blocks) * sizeof *returns),
          *others = malloc((size_t)(count * blocks) * sizeof *others);
    td_cell *found = malloc((size_t)count * sizeof *found);
    td_player *player;
    assert_ok(td_player_open(deck, TD_ENGINE_REFERENCE, TD_ISA_SCALAR, &player, &error));
    td_play(player, sets, count, cells, returns);
    td_player_close(player);
    td_engine best = td_deck_engine(deck, TD_ENGINE_AUTO);
    td_engine from = best == TD_ENGINE_REFERENCE ? best : TD_ENGINE_LANES, to = best == TD_ENGINE_SKIP ? best : from;
    for (int isa = 0; isa <= (int)td_isa_best(); isa++)
        for (td_engine engine = from; engine <= to; engine++) {
            assert_ok(td_player_open(deck, engine, (td_isa)isa, &player, &error));
            td_player_limit_chunk(player, chunk);
            memset(found, 0x55, (size_t)count * sizeof *found);
            td_play(player, sets, count, found, others);
            td_player_close(player);
            for (int64_t i = 0; i < count; i++)
                if (!td_same_cells(&cells[i], &found[i], returns + i * blocks, others + i * blocks, blocks)) {
                    print_error("%s: set %lld of %lld, engine %s on %s, chunks of %lld bars, differs from the reference\n", what,
                                (long long)i, (long long)count, td_engine_name((td_engine)engine), td_isa_name((td_isa)isa),
                                (long long)chunk);
                    fail();
                }
        }
    free(returns);
    free(others);
    free(found);
}
