/* What happens inside a bar: finer bars to walk through, the ways that policies choose between, and envelopes (rules R100 to R109). By hand
 * on a few bars, then over random ones, every play through every engine. */
#include "sim/envelope.h"
#include "sim/kernel.h"
#include "tests/by_hand.h"

/* Daily bars by hand of three finer ones each, of eight hours; the last of the three may carry the day's decision. A finer bar whose
 * open is NaN is not there. */
enum { PARTS = 3, HOURS_8 = 8 * 3600 };
#define HOLE {NAN, NAN, NAN, NAN, NONE}
#define QUIET(price) FLAT(price), FLAT(price), FLAT(price)
#define DECIDES(price, target) FLAT(price), FLAT(price), ORDER(price, target)
#define PLAY_FINER(...)                                                                                                           \
    play_finer((const td_bar[]){__VA_ARGS__}, (int)(sizeof((const td_bar[]){__VA_ARGS__}) / sizeof(td_bar)), true)
#define PLAY_COARSE(...)                                                                                                          \
    play_finer((const td_bar[]){__VA_ARGS__}, (int)(sizeof((const td_bar[]){__VA_ARGS__}) / sizeof(td_bar)), false)

/* The days of the finer bars, with those in them as their finer bars. */
static td_tape days_of(const td_bar *finer, int count) {
    td_bar day[BARS_MAX], inner[BARS_MAX * PARTS];
    int days = count / PARTS, made = 0, slots[BARS_MAX * PARTS];
    assert_int_equal(count % PARTS, 0);
    assert_in_range(days, 1, BARS_MAX);
    for (int t = 0; t < days; t++) {
        day[t] = (td_bar){NAN, -INFINITY, INFINITY, NAN, NONE};
        for (int p = 0; p < PARTS; p++) {
            td_bar bar = finer[t * PARTS + p];
            if (isnan(bar.open)) continue;
            if (isnan(day[t].open)) day[t].open = bar.open;
            day[t].high = fmax(day[t].high, bar.high);
            day[t].low = fmin(day[t].low, bar.low);
            day[t].close = bar.close;
            day[t].order = bar.order;
            slots[made] = t * PARTS + p;
            inner[made++] = bar;
        }
    }
    td_tape tape = td_script_tape(day, days, TD_NS_PER_DAY);
    td_tape *inside = malloc(sizeof *inside);
    *inside = td_script_tape(inner, made, HOURS_8 * TD_NS_PER_SECOND);
    for (int k = 0; k < made; k++)
        ((int64_t *)(uintptr_t)inside->time_ns)[k] = tape.time_ns[0] + slots[k] * (HOURS_8 * TD_NS_PER_SECOND);
    tape.finer = inside;
    return tape;
}

static void play_finer(const td_bar *bars, int count, bool walk) {
    td_tape tape = days_of(bars, count);
    def.execution_ns = walk ? HOURS_8 * TD_NS_PER_SECOND : 0;
    play_tape(&tape);
    td_test_tape_free(&tape);
}

/* Hours since the first bar's open. */
static void expect_hour(int64_t index, int64_t hour) {
    assert_true(index < now.fill_count);
    assert_int_equal(now.fills[index].time_ns, (19723 * 24 + hour) * 3600 * TD_NS_PER_SECOND);
}

static void R100_prices_walk_through_finer_bars(void **state) {
    (void)state;
    set.knob[TD_KNOB_stop_loss] = 0.05;
    set.knob[TD_KNOB_take_profit] = 0.05;
    /* the day reaches both levels; its second part only the target, so it was that */
    PLAY_FINER(QUIET(100), DECIDES(100, +1), FLAT(100), {100, 106, 99, 104, NONE}, {104, 104, 94, 96, NONE}, QUIET(96));
    expect_fills(2);
    expect_fill(0, 2, open, 10, 100);
    expect_fill(1, 2, target, -10, 105);
    expect_hour(0, 48);
    expect_hour(1, 56);
    expect_equity(2, 10050);
    assert_int_equal(now.trades[0].entry_bar, 2);
    assert_int_equal(now.trades[0].exit_bar, 2);
    assert_int_equal(now.trades[0].entry_ns, now.fills[0].time_ns);
    assert_int_equal(now.trades[0].exit_ns, now.fills[1].time_ns);
    PLAY_COARSE(QUIET(100), DECIDES(100, +1), FLAT(100), {100, 106, 99, 104, NONE}, {104, 104, 94, 96, NONE}, QUIET(96));
    expect_fill(1, 2, stop, -10, 95);
    expect_hour(1, 48);
}

static void R101_orders_fill_at_the_first_finer_open(void **state) {
    (void)state;
    /* the first eight hours of the day are missing: its open is that of the second */
    set.knob[TD_KNOB_stop_loss] = 0.05;
    PLAY_FINER(QUIET(100), DECIDES(100, +1), HOLE, {103, 104, 102, 103, NONE}, FLAT(103), FLAT(103), HOLE, FLAT(90));
    expect_fills(2);
    expect_fill(0, 2, open, 10, 103);
    expect_hour(0, 56);
    /* from one finer bar to the next prices may jump: over the stop */
    expect_fill(1, 3, stop_gap, -10, 90);
    expect_hour(1, 72 + 16);
    def.fill_at = TD_FILL_CLOSE;
    set.knob[TD_KNOB_stop_loss] = 0;
    PLAY_FINER(QUIET(100), FLAT(100), FLAT(101), {101, 102, 101, 102, +1}, QUIET(103));
    expect_fills(1);
    expect_fill(0, 1, close, 10, 102);
    expect_hour(0, 40);
}

static void R102_only_finer_bars_are_ambiguous(void **state) {
    (void)state;
    set.knob[TD_KNOB_stop_loss] = 0.05;
    set.knob[TD_KNOB_take_profit] = 0.05;
    PLAY_FINER(QUIET(100), DECIDES(100, +1), FLAT(100), {100, 106, 99, 104, NONE}, {104, 104, 94, 96, NONE}, QUIET(96));
    expect_metric(ambiguous_bars, 0);
    PLAY_COARSE(QUIET(100), DECIDES(100, +1), FLAT(100), {100, 106, 99, 104, NONE}, {104, 104, 94, 96, NONE}, QUIET(96));
    expect_metric(ambiguous_bars, 1);
    /* one that is, in a day with two others */
    PLAY_FINER(QUIET(100), DECIDES(100, +1), FLAT(100), {100, 106, 94, 100, NONE}, FLAT(100), QUIET(96));
    expect_metric(ambiguous_bars, 1);
    expect_fill(1, 2, stop, -10, 95);
    def.intrabar = TD_INTRABAR_OPTIMISTIC;
    PLAY_FINER(QUIET(100), DECIDES(100, +1), FLAT(100), {100, 106, 94, 100, NONE}, FLAT(100), QUIET(96));
    expect_metric(ambiguous_bars, 1);
    expect_fill(1, 2, target, -10, 105);
}

static void R103_ruin_is_looked_at_on_finer_closes(void **state) {
    (void)state;
    set.knob[TD_KNOB_size] = 100; /* short 100 units for 10000 */
    PLAY_FINER(QUIET(100), DECIDES(100, -1), FLAT(100), {100, 210, 100, 205, NONE}, {205, 205, 120, 120, NONE}, QUIET(120));
    expect_fills(2);
    expect_fill(1, 2, ruin, 100, 205);
    expect_hour(1, 56);
    expect_equity(2, 0);
    assert_int_equal(now.cell.ruined, 1);
    PLAY_COARSE(QUIET(100), DECIDES(100, -1), FLAT(100), {100, 210, 100, 205, NONE}, {205, 205, 120, 120, NONE}, QUIET(120));
    expect_fills(1);
    assert_int_equal(now.cell.ruined, 0);
    /* a stop that leaves less than nothing */
    set.knob[TD_KNOB_stop_loss] = 0.9;
    PLAY_FINER(QUIET(100), FLAT(100), FLAT(100), ORDER(100, -1), FLAT(100), {260, 260, 260, 260, NONE}, FLAT(120), QUIET(120));
    expect_fill(1, 2, stop_gap, 100, 260);
    expect_hour(1, 56);
    assert_int_equal(now.cell.ruined, 1);
}

static void R104_limits_are_looked_at_on_the_close_of_the_bar(void **state) {
    (void)state;
    set.knob[TD_KNOB_drawdown] = 0.05;
    set.knob[TD_KNOB_size] = 100;
    /* a tenth is lost in between, and back at the close */
    PLAY_FINER(QUIET(100), DECIDES(100, +1), FLAT(100), FLAT(90), FLAT(100), QUIET(100), FLAT(100), FLAT(100), FLAT(94), QUIET(94));
    expect_fills(2);
    expect_fill(1, 5, risk, -100, 94);
    expect_hour(1, 120);
}

static void R105_volume_and_hours_are_the_finer_bars(void **state) {
    (void)state;
    /* ten units are a hundredth of a bar's 1000: a price move of 0.01 squared times 100 */
    set.knob[TD_KNOB_volume_share] = 100;
    set.knob[TD_KNOB_stop_loss] = 0.05;
    td_bar bars[] = {QUIET(100), DECIDES(100, +1), FLAT(100), {100, 100, 94, 96, NONE}, FLAT(96), QUIET(96)};
    td_tape tape = days_of(bars, (int)(sizeof bars / sizeof *bars));
    double *volume = (double *)(uintptr_t)tape.finer->volume;
    for (int64_t k = 0; k < tape.finer->bars; k++) volume[k] = 1000;
    volume[7] = 500; /* the bar that is stopped in */
    def.execution_ns = HOURS_8 * TD_NS_PER_SECOND;
    play_tape(&tape);
    expect_fill(0, 2, open, 10, 100 + 100 * 100 * 1e-4);
    double stop = 101 * 0.95;
    expect_fill(1, 2, stop, -10, stop - stop * 100 * 4e-4);
    /* a buy in the afternoon, not on the day's open */
    set.knob[TD_KNOB_volume_share] = 0;
    def.hours_from = 8 * 60;
    def.hours_to = 16 * 60;
    play_tape(&tape);
    expect_fills(0);
    expect_metric(refused_hours, 1);
    td_test_tape_free(&tape);
}

/* The strategy reads days: the same rows, samples and decisions, whatever is walked. */
static void R106_decisions_and_metrics_are_those_of_the_bars(void **state) {
    (void)state;
    td_error error;
    td_tape tape = td_test_tape_of(400, TD_NS_PER_DAY, TD_TEMPER_WALK, true, 5);
    td_test_tape_split(&tape, 6, 6);
    for (int s = 0; s < td_strategy_count(); s++) {
        def = td_default_play_def();
        def.strategy = td_strategy_at(s);
        if (td_strategy_plays_pairs(def.strategy) || def.strategy->book) continue; /* portfolios walk through their own bars */
        set = td_default_set(def.strategy);
        td_deck *coarse, *fine;
        assert_ok(td_deck_make(&tape, &def, &coarse, &error));
        def.execution_ns = tape.finer->interval_ns;
        assert_ok(td_deck_make(&tape, &def, &fine, &error));
        td_cell cells[2];
        td_assert_engines_agree(coarse, &set, 1, 0, &cells[0], "days");
        td_assert_engines_agree(fine, &set, 1, 0, &cells[1], "quarters of days");
        assert_true(td_same_cells(&cells[0], &cells[1], NULL, NULL, 0)); /* without stops nothing happens inside */
        td_deck_free(coarse);
        td_deck_free(fine);
    }
    td_test_tape_free(&tape);
}

static void no_finer_bars(void **state) {
    (void)state;
    td_error error;
    td_deck *deck;
    td_tape tape = td_test_tape_of(10, TD_NS_PER_DAY, TD_TEMPER_WALK, true, 5);
    def.execution_ns = TD_NS_PER_DAY / 2;
    assert_fails(td_deck_make(&tape, &def, &deck, &error), TD_BAD_ARG, "the tape has no finer bars of the length");
    td_test_tape_split(&tape, 2, 1);
    int64_t *time = (int64_t *)(uintptr_t)tape.finer->time_ns;
    td_tape *finer = (td_tape *)(uintptr_t)tape.finer;
    finer->bars = 3;
    assert_fails(td_deck_make(&tape, &def, &deck, &error), TD_BAD_DATA, "has no finer bar in it");
    def.bars = 1;
    assert_ok(td_deck_make(&tape, &def, &deck, &error));
    td_deck_free(deck);
    def.profile = TD_PROFILE_BACKTESTING;
    assert_fails(td_deck_make(&tape, &def, &deck, &error), TD_BAD_ARG, "in profile tapedeck only");
    def.profile = TD_PROFILE_TAPEDECK;
    /* a finer bar between the bars */
    def.bars = 0;
    tape.bars = 2;
    int64_t *open_time = (int64_t *)(uintptr_t)tape.time_ns;
    open_time[1] = open_time[0] + 5 * TD_NS_PER_DAY;
    for (int k = 0; k < 3; k++) time[k] = open_time[0] + (int64_t[]){0, 2, 5}[k] * TD_NS_PER_DAY;
    assert_fails(td_deck_make(&tape, &def, &deck, &error), TD_BAD_DATA, "the finer bar of TEST at 2024-01-03T00:00:00Z is in no bar");
    td_test_tape_free(&tape);
}

/* Random plays through finer bars: every engine, and a watch over the money of each (tests/plays.c). */
static void random_cases(void **state) {
    (void)state;
    long ambiguous = 0, ruined = 0, inside = 0;
    for (uint64_t seed = 9000; seed < 9060; seed++) {
        td_case made;
        td_cell cells[TD_CASE_SETS];
        td_case_make_finer(&made, seed, td_draw_whole(seed, 30, 5, 300), td_case_strategy(seed));
        td_assert_engines_agree(made.deck, made.sets, TD_CASE_SETS, seed % 3 ? 0 : 17, cells, made.text);
        for (int i = 0; i < TD_CASE_SETS; i++) {
            ambiguous += cells[i].metrics[TD_METRIC_ambiguous_bars] > 0;
            ruined += cells[i].ruined;
            td_record record = td_record_make(made.deck, &made.sets[i]);
            for (int64_t k = 0; k < record.fill_count; k++)
                inside += record.fills[k].time_ns > made.tape.time_ns[made.def.first_bar + record.fills[k].bar];
            td_record_free(&record);
        }
        td_case_free(&made);
    }
    printf("%ld cells with ambiguous bars, %ld ruined, %ld fills inside bars\n", ambiguous, ruined, inside);
    assert_true(ambiguous > 20 && ruined > 5 && inside > 1000);
}

/* Plays the sets of a case on two decks and holds the cells together. */
static void assert_same_plays(const td_case *made, const td_tape *a, const td_play_def *a_def, const td_tape *b, const td_play_def *b_def) {
    td_error error;
    td_deck *one, *other;
    td_cell cells[TD_CASE_SETS], others[TD_CASE_SETS];
    assert_ok(td_deck_make(a, a_def, &one, &error));
    assert_ok(td_deck_make(b, b_def, &other, &error));
    td_assert_engines_agree(one, made->sets, TD_CASE_SETS, 0, cells, made->text);
    td_assert_engines_agree(other, made->sets, TD_CASE_SETS, 0, others, made->text);
    for (int i = 0; i < TD_CASE_SETS; i++)
        if (!td_same_cells(&cells[i], &others[i], NULL, NULL, 0)) {
            print_error("%s: set %d\n", made->text, i);
            fail();
        }
    td_deck_free(one);
    td_deck_free(other);
}

/* One finer bar in each bar, which is the bar: the same bits as without. */
static void one_finer_bar_is_the_bar(void **state) {
    (void)state;
    for (uint64_t seed = 9100; seed < 9115; seed++) {
        td_case made;
        td_case_make_finer(&made, seed, 200, td_case_strategy(seed));
        td_play_def whole = made.def, walked = made.def;
        td_tape finer = made.tape, tape = made.tape;
        tape.finer = &finer;
        whole.execution_ns = 0;
        walked.execution_ns = finer.interval_ns;
        assert_same_plays(&made, &made.tape, &whole, &tape, &walked);
        td_case_free(&made);
    }
}

static bool is_gap(td_fill_reason reason) { return reason == TD_FILL_REASON_stop_gap || reason == TD_FILL_REASON_target_gap; }

/* A bar that is split along the way that a policy takes through it (open to one extreme, to the other, to the close) tells the walk
 * nothing new: the same fills. */
static void bars_split_along_the_way(void **state) {
    (void)state;
    long compared = 0;
    for (uint64_t seed = 9200; seed < 9230; seed++) {
        td_case made;
        td_case_make_finer(&made, seed, 200, td_case_strategy(seed));
        td_play_def whole = made.def;
        whole.execution_ns = 0;
        whole.intrabar = TD_INTRABAR_NEAREST_EXTREME;
        whole.hours_from = whole.hours_to = 0;
        int64_t bars = made.tape.bars, part = made.tape.interval_ns / 3;
        td_tape tape = made.tape, finer = td_test_tape_of(3 * bars, part, TD_TEMPER_CONSTANT, true, 0);
        double *open = (double *)(uintptr_t)finer.open, *high = (double *)(uintptr_t)finer.high, *low = (double *)(uintptr_t)finer.low,
               *close = (double *)(uintptr_t)finer.close, *volume = (double *)(uintptr_t)finer.volume;
        for (int64_t t = 0; t < bars; t++) {
            bool low_first = tape.open[t] - tape.low[t] <= tape.high[t] - tape.open[t];
            double way[] = {tape.open[t], low_first ? tape.low[t] : tape.high[t], low_first ? tape.high[t] : tape.low[t], tape.close[t]};
            for (int p = 0; p < 3; p++) {
                int64_t k = 3 * t + p;
                ((int64_t *)(uintptr_t)finer.time_ns)[k] = tape.time_ns[t] + p * part;
                open[k] = way[p];
                close[k] = way[p + 1];
                high[k] = fmax(way[p], way[p + 1]);
                low[k] = fmin(way[p], way[p + 1]);
                volume[k] = tape.volume[t];
            }
        }
        tape.finer = &finer;
        td_play_def walked = whole;
        walked.execution_ns = part;
        /* an extreme is a finer close: equity that is gone there but not at the bar's close ends a play in one of the two only */
        td_error error;
        td_deck *one, *other;
        assert_ok(td_deck_make(&made.tape, &whole, &one, &error));
        assert_ok(td_deck_make(&tape, &walked, &other, &error));
        for (int i = 0; i < TD_CASE_SETS; i++) {
            td_record a = td_record_make(one, &made.sets[i]), b = td_record_make(other, &made.sets[i]);
            bool ruined = false;
            for (int64_t k = 0; k < b.fill_count; k++) ruined |= b.fills[k].reason == TD_FILL_REASON_ruin;
            if (!ruined && !b.cell.ruined && !a.cell.ruined) {
                bool parted = false;
                for (int64_t k = 0; k < a.fill_count && k < b.fill_count; k++) {
                    const td_fill *x = &a.fills[k], *y = &b.fills[k];
                    /* an open beyond stop and target: the extreme that is nearer decides, and the first part's is another */
                    if ((parted = x->bar == y->bar && x->reason != y->reason && is_gap(x->reason) && is_gap(y->reason))) break;
                    if (x->price != y->price || x->units != y->units)
                        print_error("%s: set %d, fill %lld on bar %lld: %s %.17g at %.17g, split %s %.17g at %.17g\n", made.text, i,
                                    (long long)k, (long long)x->bar, td_fill_reason_name(x->reason), x->units, x->price,
                                    td_fill_reason_name(y->reason), y->units, y->price);
                    assert_int_equal(x->bar, y->bar);
                    assert_near(y->price, x->price, 0);
                    assert_near(y->units, x->units, 0);
                }
                if (!parted) {
                    assert_int_equal(a.fill_count, b.fill_count);
                    assert_near(b.cell.metrics[TD_METRIC_final_equity], a.cell.metrics[TD_METRIC_final_equity], 0);
                }
                compared += !parted;
            }
            td_record_free(&a);
            td_record_free(&b);
        }
        td_deck_free(one);
        td_deck_free(other);
        td_test_tape_free(&finer);
        td_case_free(&made);
    }
    assert_true(compared > 100);
}

/* ---- which way through a bar ---- */

/* The price of the last fill on bar 2, under each policy, and how many bars were ambiguous: entered on side `side` at the open, 100, of
 * that bar. */
static void expect_exits(double side, td_bar bar, const double exits[5], int ambiguous) {
    td_bar bars[] = {FLAT(100), ORDER(100, side), bar, FLAT(bar.close)};
    for (int policy = 0; policy < 5; policy++) {
        def.intrabar = (td_intrabar)policy;
        play(bars, 4);
        if (isnan(exits[policy])) {
            if (now.fill_count != 1) print_error("policy %d: an exit at %g\n", policy, now.fills[1].price);
            expect_fills(1);
        } else {
            expect_fills(2);
            assert_near(now.fills[1].price, exits[policy], 1e-14);
        }
        expect_metric(ambiguous_bars, ambiguous);
    }
}

static void R107_policies_and_stops_that_move(void **state) {
    (void)state;
    const double open = NAN;
    /* stop first, target first, nearest extreme, pessimistic, optimistic */
    set.knob[TD_KNOB_trailing] = 0.125;
    /* up first: the stop follows to 98, and is met on the way down; down first: it stays at 87.5, out of reach, and then nothing meets
     * it: from 112 back to 104 */
    expect_exits(+1, (td_bar){100, 112, 90, 104, NONE}, (double[]){open, 98, open, 98, open}, 1);
    expect_exits(-1, (td_bar){100, 110, 88, 96, NONE}, (double[]){open, 99, open, 99, open}, 1);
    /* the close is where the trailing stop has been left behind, whichever way */
    expect_exits(+1, (td_bar){100, 112, 90, 97, NONE}, (double[]){98, 98, 98, 98, 98}, 0);
    /* a stop already there is met first on the way down, the followed one on the way back */
    expect_exits(+1, (td_bar){100, 112, 87, 104, NONE}, (double[]){87.5, 98, 98, 87.5, 98}, 1);
    set.knob[TD_KNOB_trailing] = 0;
    set.knob[TD_KNOB_break_even] = 0.0625;
    set.knob[TD_KNOB_stop_loss] = 0.125;
    expect_exits(+1, (td_bar){100, 107, 94, 101, NONE}, (double[]){open, 100, open, 100, open}, 1);
    expect_exits(-1, (td_bar){100, 105, 93, 99, NONE}, (double[]){open, 100, open, 100, open}, 1);
    expect_exits(+1, (td_bar){100, 106, 94, 101, NONE}, (double[]){open, open, open, open, open}, 0);
    /* an open above all prices since the entry is followed, also where the low comes first */
    def.intrabar = TD_INTRABAR_STOP_FIRST;
    set.knob[TD_KNOB_break_even] = set.knob[TD_KNOB_stop_loss] = 0;
    set.knob[TD_KNOB_trailing] = 0.125;
    play((td_bar[]){FLAT(100), ORDER(100, +1), FLAT(100), {120, 121, 104, 110, NONE}, FLAT(110)}, 5);
    expect_fill(1, 3, trailing, -10, 105);
}

/* An entry order: what it opens may be stopped on the way back. Parameters of tests/strategies/placer.c. */
static void policies_of_entry_orders(void **state) {
    (void)state;
    enum { WHAT = 1, LEVEL = 2, LOSS = 11, BUY_STOP = 4 };
    def.strategy = td_test_strategy("placer");
    set = td_default_set(def.strategy);
    set.knob[TD_KNOB_size] = 10;
    set.param[WHAT] = BUY_STOP;
    set.param[LEVEL] = 1.05;
    set.param[LOSS] = 1.03;
    static const struct {
        double low, high, close;
        int fills[5], ambiguous; /* of stop first (for a buy: the high, then the low), target first, nearest, pessimistic, optimistic */
    } cases[] = {{99, 106, 105, {2, 1, 1, 2, 1}, 1}, {95, 106, 105, {2, 1, 2, 2, 1}, 1}, {99, 106, 102, {2, 2, 2, 2, 2}, 0},
                 {99, 104, 102, {0, 0, 0, 0, 0}, 0}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (int policy = 0; policy < 5; policy++) {
            def.intrabar = (td_intrabar)policy;
            td_bar bar = {i == 1 ? 101 : 100, cases[i].high, cases[i].low, cases[i].close, NONE};
            play((td_bar[]){FLAT(100), FLAT(100), bar, FLAT(cases[i].close)}, 4);
            if (now.fill_count != cases[i].fills[policy])
                print_error("case %zu, policy %d: %lld fills, expected %d\n", i, policy, (long long)now.fill_count, cases[i].fills[policy]);
            expect_fills(cases[i].fills[policy]);
            expect_metric(ambiguous_bars, cases[i].ambiguous);
        }
}

/* Over one bar the worse way is no better than any policy, and the better no worse. (Over many bars that does not hold: plays that once
 * differ go on from different places.) */
static void the_worse_and_the_better_way_of_one_bar(void **state) {
    (void)state;
    long apart = 0;
    for (uint64_t seed = 0; seed < 1500; seed++) {
        double step = 0.02 + 0.1 * td_draw(seed, 1), side = td_draw(seed, 2) < 0.5 ? 1 : -1;
        double open = 100, close = 100 * (1 + step * (td_draw(seed, 3) - 0.5));
        td_bar bar = {open, fmax(open, close) * (1 + step * td_draw(seed, 4)), fmin(open, close) * (1 - step * td_draw(seed, 5)), close, NONE};
        td_bar bars[] = {FLAT(100), ORDER(100, side), bar};
        set.knob[TD_KNOB_stop_loss] = td_draw(seed, 6) < 0.5 ? step * td_draw(seed, 7) : 0;
        set.knob[TD_KNOB_take_profit] = td_draw(seed, 8) < 0.5 ? step * td_draw(seed, 9) : 0;
        set.knob[TD_KNOB_trailing] = td_draw(seed, 10) < 0.5 ? step * td_draw(seed, 11) : 0;
        set.knob[TD_KNOB_break_even] = td_draw(seed, 12) < 0.3 ? step * td_draw(seed, 13) : 0;
        set.knob[TD_KNOB_slippage] = td_draw(seed, 14) < 0.3 ? 0.001 : 0;
        td_tape tape = td_script_tape(bars, 3, TD_NS_PER_DAY);
        double equity[5], ambiguous = 0;
        for (int policy = 0; policy < 5; policy++) {
            td_error error;
            td_deck *deck;
            def.intrabar = (td_intrabar)policy;
            assert_ok(td_deck_make(&tape, &def, &deck, &error));
            td_record record = td_record_make(deck, &set);
            equity[policy] = record.cell.metrics[TD_METRIC_final_equity];
            if (policy > 0) assert_near(record.cell.metrics[TD_METRIC_ambiguous_bars], ambiguous, 0);
            ambiguous = record.cell.metrics[TD_METRIC_ambiguous_bars];
            td_record_free(&record);
            td_deck_free(deck);
        }
        for (int policy = 0; policy < 5; policy++)
            assert_true(equity[TD_INTRABAR_PESSIMISTIC] <= equity[policy] && equity[policy] <= equity[TD_INTRABAR_OPTIMISTIC]);
        if (ambiguous == 0) assert_near(equity[TD_INTRABAR_PESSIMISTIC], equity[TD_INTRABAR_OPTIMISTIC], 0);
        apart += equity[TD_INTRABAR_PESSIMISTIC] < equity[TD_INTRABAR_OPTIMISTIC];
        td_test_tape_free(&tape);
    }
    printf("%ld of 1500 bars could go either way\n", apart);
    assert_true(apart > 100);
}

/* ---- envelopes ---- */

static void R108_the_envelope_of_a_set(void **state) {
    (void)state;
    td_error error;
    set.knob[TD_KNOB_stop_loss] = set.knob[TD_KNOB_take_profit] = 0.125;
    td_bar bars[] = {FLAT(100), ORDER(100, +1), {100, 115, 86, 100, NONE}, ORDER(100, +1), {100, 113, 80, 100, NONE}, FLAT(100)};
    td_tape tape = td_script_tape(bars, 6, TD_NS_PER_DAY);
    def.intrabar = TD_INTRABAR_NEAREST_EXTREME;
    td_deck *deck;
    td_cell cell;
    td_envelope envelope;
    assert_ok(td_deck_make(&tape, &def, &deck, &error));
    assert_ok(td_play_detailed(deck, &set, NULL, &cell, NULL, &error));
    assert_ok(td_envelope_of(deck, &set, &cell, &envelope, &error));
#define EXPECT_ENVELOPE(name, least, value, greatest)                                                                            \
    assert_near(envelope.low[TD_METRIC_##name], least, 1e-14);                                                                   \
    assert_near(cell.metrics[TD_METRIC_##name], value, 1e-14);                                                                   \
    assert_near(envelope.high[TD_METRIC_##name], greatest, 1e-14)
    EXPECT_ENVELOPE(final_equity, 9750, 10000, 10250); /* nearer are the low of the first, the high of the second */
    EXPECT_ENVELOPE(win_rate, 0, 0.5, 1);
    EXPECT_ENVELOPE(ambiguous_bars, 2, 2, 2);
    EXPECT_ENVELOPE(best_trade, -0.125, 0.125, 0.125);
    /* a play without losses has no profit factor */
    assert_true(envelope.low[TD_METRIC_profit_factor] == 0 && envelope.high[TD_METRIC_profit_factor] == 1);
    td_deck_free(deck);
    td_test_tape_free(&tape);
}

/* What a set is played with beside itself changes nothing; where no bar was ambiguous, every way through is the same play, bit for bit;
 * groups give the envelopes that sets have alone. With and without finer bars, on each instruction set. */
static void R109_no_ambiguous_bar_no_envelope(void **state) {
    (void)state;
    long same = 0, wide = 0;
    td_error error;
    for (uint64_t seed = 9300; seed < 9360; seed++) {
        td_case made;
        const int64_t bars = td_draw_whole(seed, 30, 40, 300);
        if (seed % 2)
            td_case_make_finer(&made, seed, bars, td_case_strategy(seed / 2));
        else
            td_case_make(&made, seed, bars, td_case_strategy(seed / 2));
        if (made.def.profile != TD_PROFILE_TAPEDECK) {
            td_case_free(&made);
            continue;
        }
        int64_t blocks = td_deck_blocks(made.deck);
        float *returns = malloc((size_t)(TD_CASE_SETS * blocks) * sizeof *returns);
        float *others = malloc((size_t)(TD_CASE_SETS * blocks) * sizeof *others);
        td_set bound[TD_CASE_SETS];
        td_cell cells[TD_CASE_SETS], bounds[2][TD_CASE_SETS], beside[TD_CASE_SETS];
        td_assert_engines_agree(made.deck, made.sets, TD_CASE_SETS, 0, cells, made.text);
        for (int b = 0; b < 2; b++) {
            for (int i = 0; i < TD_CASE_SETS; i++) {
                bound[i] = made.sets[i];
                bound[i].bound = b ? TD_BOUND_HIGH : TD_BOUND_LOW;
            }
            td_assert_engines_agree(made.deck, bound, TD_CASE_SETS, 0, bounds[b], made.text);
        }
        td_envelope envelopes[TD_CASE_SETS], alone;
        td_siblings siblings;
        assert_ok(td_siblings_open(&siblings, TD_CASE_SETS, &error));
        for (int isa = 0; isa <= (int)td_isa_best(); isa++) {
            td_player *player;
            assert_ok(td_player_open(made.deck, TD_ENGINE_AUTO, (td_isa)isa, &player, &error));
            td_play(player, made.sets, TD_CASE_SETS, beside, returns);
            td_play_envelopes(player, made.sets, TD_CASE_SETS, &siblings, beside, others, envelopes);
            td_player_close(player);
            for (int i = 0; i < TD_CASE_SETS; i++) {
                assert_true(td_same_cells(&cells[i], &beside[i], returns + i * blocks, others + i * blocks, blocks));
                assert_ok(td_envelope_of(made.deck, &made.sets[i], &cells[i], &alone, &error));
                assert_memory_equal(&alone, &envelopes[i], sizeof alone);
                const double *value = cells[i].metrics;
                bool done = cells[i].state == TD_CELL_DONE, ambiguous = value[TD_METRIC_ambiguous_bars] > 0;
                for (int m = 0; m < TD_METRIC_BARS_COUNT; m++) {
                    double low = envelopes[i].low[m], high = envelopes[i].high[m];
                    if (!isnan(value[m])) assert_true(low <= value[m] && value[m] <= high);
                    if (!ambiguous) assert_memory_equal(&low, &value[m], sizeof low);
                    if (!ambiguous) assert_memory_equal(&high, &value[m], sizeof high);
                    for (int b = 0; b < 2 && done; b++)
                        if (!isnan(bounds[b][i].metrics[m]))
                            assert_true(low <= bounds[b][i].metrics[m] && bounds[b][i].metrics[m] <= high);
                }
                if (isa > 0 || !done) continue;
                for (int b = 0; b < 2 && !ambiguous; b++) assert_true(td_same_cells(&cells[i], &bounds[b][i], NULL, NULL, 0));
                same += !ambiguous && value[TD_METRIC_trades] > 0;
                wide += envelopes[i].low[TD_METRIC_final_equity] < envelopes[i].high[TD_METRIC_final_equity];
            }
        }
        td_siblings_close(&siblings);
        free(returns);
        free(others);
        td_case_free(&made);
    }
    printf("%ld sets that traded and had no ambiguous bar, %ld with an envelope\n", same, wide);
    assert_true(same > 200 && wide > 100);
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        RULE(R100_prices_walk_through_finer_bars),
        RULE(R101_orders_fill_at_the_first_finer_open),
        RULE(R102_only_finer_bars_are_ambiguous),
        RULE(R103_ruin_is_looked_at_on_finer_closes),
        RULE(R104_limits_are_looked_at_on_the_close_of_the_bar),
        RULE(R105_volume_and_hours_are_the_finer_bars),
        RULE(R106_decisions_and_metrics_are_those_of_the_bars),
        RULE(R107_policies_and_stops_that_move),
        RULE(R108_the_envelope_of_a_set),
        RULE(R109_no_ambiguous_bar_no_envelope),
        RULE(policies_of_entry_orders),
        RULE(the_worse_and_the_better_way_of_one_bar),
        RULE(no_finer_bars),
        RULE(random_cases),
        RULE(one_finer_bar_is_the_bar),
        RULE(bars_split_along_the_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
