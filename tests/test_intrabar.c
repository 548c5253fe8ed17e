/* What happens inside a bar: finer bars to walk through (rules R100 to R106), the ways that policies choose between, and what finer
 * bars tell a walk. By hand on a few bars, then over random ones, every play through every engine. */
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
    assert_true(ambiguous > 20 && ruined > 20 && inside > 1000);
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

/* A bar that is split along the way that a policy takes through it (open to one extreme, to the other, to the close) tells the walk
 * nothing new: the same fills. */
static void bars_split_along_the_way(void **state) {
    (void)state;
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
                assert_int_equal(a.fill_count, b.fill_count);
                for (int64_t k = 0; k < a.fill_count; k++) {
                    const td_fill *x = &a.fills[k], *y = &b.fills[k];
                    if (x->price != y->price || x->units != y->units)
                        print_error("%s: set %d, fill %lld on bar %lld: %s %.17g at %.17g, split %s %.17g at %.17g\n", made.text, i,
                                    (long long)k, (long long)x->bar, td_fill_reason_name(x->reason), x->units, x->price,
                                    td_fill_reason_name(y->reason), y->units, y->price);
                    assert_int_equal(x->bar, y->bar);
                    assert_near(y->price, x->price, 0);
                    assert_near(y->units, x->units, 0);
                }
                assert_near(b.cell.metrics[TD_METRIC_final_equity], a.cell.metrics[TD_METRIC_final_equity], 0);
            }
            td_record_free(&a);
            td_record_free(&b);
        }
        td_deck_free(one);
        td_deck_free(other);
        td_test_tape_free(&finer);
        td_case_free(&made);
    }
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
        RULE(no_finer_bars),
        RULE(random_cases),
        RULE(one_finer_bar_is_the_bar),
        RULE(bars_split_along_the_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
