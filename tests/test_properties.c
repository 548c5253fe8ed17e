/* What must be true of every play, whatever the rules of a fill: of parts and wholes, mirrors, costs, sizes, periods, and of the
 * future. Each over random tapes and configurations, and through every engine. tests/test_engines.c has those that compare engines,
 * companies, chunks and threads; tests/plays.c watches the money at every bar of every detailed run here. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sweeps/poison.h"
#include "sweeps/warmup.h"
#include "tests/plays.h"

enum { BARS = 240, SEEDS = 30 };

/* A tape of the temper whose volume is random orders for the strategy `script`: targets out of `targets`, on one bar in `rarely`. */
static td_tape ordered_tape(uint64_t seed, td_temper temper, int rarely, int targets, const double *target) {
    td_tape tape = td_test_tape_of(BARS, 3600 * TD_NS_PER_SECOND, temper, true, seed);
    double sign = 1, *volume = (double *)(uintptr_t)tape.volume;
    for (int64_t t = 0; t < BARS; t++) {
        bool orders = t > 0 && td_draw_whole(seed, 1000 + (uint64_t)t, 1, rarely) == 1;
        if (orders) sign = -sign;
        volume[t] = sign * (orders ? 1000 + target[td_draw_whole(seed, 2000 + (uint64_t)t, 0, targets - 1)] : 1000);
    }
    return tape;
}

static td_play_def script_def(uint64_t seed) {
    td_play_def def = td_default_play_def();
    def.strategy = td_test_strategy("script");
    def.profile = (td_profile)(seed % 2);
    def.fill_at = (td_fill_at)(seed / 2 % 2);
    return def;
}

/* The play of one set, which every engine must agree on. */
static td_record play(const td_tape *tape, const td_play_def *def, const td_set *set) {
    td_error error;
    td_deck *deck;
    td_cell cell;
    assert_ok(td_deck_make(tape, def, &deck, &error));
    assert_ok(td_check_set(deck, set, &error));
    td_assert_engines_agree(deck, set, 1, 0, &cell, "property");
    td_record record = td_record_make(deck, set);
    td_deck_free(deck);
    return record;
}

static void assert_same_fills(const td_fill *a, const td_fill *b, int64_t count, int64_t later) {
    for (int64_t k = 0; k < count; k++) {
        assert_int_equal(a[k].bar, b[k].bar + later);
        assert_int_equal(a[k].reason, b[k].reason);
        assert_near(b[k].units, a[k].units, 0);
        assert_near(b[k].price, a[k].price, 0);
        assert_near(b[k].commission, a[k].commission, 0);
    }
}

static td_set random_script_set(uint64_t seed) {
    td_set set = td_default_set(td_test_strategy("script"));
    set.knob[TD_KNOB_commission] = td_draw(seed, 1) * 0.004;
    set.knob[TD_KNOB_fixed_commission] = td_draw(seed, 2) < 0.5 ? 0 : td_draw(seed, 3);
    set.knob[TD_KNOB_spread] = td_draw(seed, 4) * 0.004;
    set.knob[TD_KNOB_slippage] = td_draw(seed, 5) * 0.002;
    set.knob[TD_KNOB_stop_loss] = td_draw(seed, 6) < 0.5 ? 0 : td_draw(seed, 7) * 0.05;
    set.knob[TD_KNOB_take_profit] = td_draw(seed, 8) < 0.5 ? 0 : td_draw(seed, 9) * 0.05;
    return set;
}

static const double both_ways[] = {1, -1, 0, 0.5, -0.25};

/* A shorter tape gives the beginning of the longer one's play. */
static void beginnings(void **state) {
    (void)state;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        td_case made;
        td_case_make(&made, 7000 + seed, BARS, td_case_strategy(seed));
        td_play_def def = made.def;
        def.finalize = false; /* it acts on the last bar, and another bar is that */
        int64_t all = td_deck_bars(made.deck);
        td_record whole = play(&made.tape, &def, &made.sets[0]);
        for (int64_t bars = all; bars >= 2; bars -= 1 + all / 17) {
            td_error error;
            td_deck *deck;
            def.bars = bars;
            assert_ok(td_deck_make(&made.tape, &def, &deck, &error));
            bool fits = td_check_set(deck, &made.sets[0], &error) == TD_OK;
            td_deck_free(deck);
            if (!fits) break; /* windows longer than what is left */
            td_record part = play(&made.tape, &def, &made.sets[0]);
            assert_memory_equal(part.equity, whole.equity, (size_t)bars * sizeof(double));
            assert_true(part.fill_count <= whole.fill_count);
            /* a decision of the last bar but one fills at its close or at the last open: fills up to the last bar are the same */
            assert_same_fills(whole.fills, part.fills, part.fill_count, 0);
            td_record_free(&part);
        }
        td_record_free(&whole);
        td_case_free(&made);
    }
}

/* A period of a tape is the tape of that period. */
static void periods(void **state) {
    (void)state;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        td_case made;
        td_error error;
        td_case_make(&made, 7100 + seed, BARS, td_case_strategy(seed));
        int64_t first = td_draw_whole(seed, 50, 0, BARS / 2), bars = td_draw_whole(seed, 51, 60, BARS - first);
        td_play_def period = made.def, whole = made.def;
        period.first_bar = first;
        period.bars = bars;
        whole.first_bar = whole.bars = 0;
        td_tape cut = made.tape;
        cut.bars = bars;
        cut.time_ns += first;
        cut.open += first;
        cut.high += first;
        cut.low += first;
        cut.close += first;
        cut.volume += first;
        td_deck *one, *other;
        assert_ok(td_deck_make(&made.tape, &period, &one, &error));
        assert_ok(td_deck_make(&cut, &whole, &other, &error));
        td_cell cells[TD_CASE_SETS], others[TD_CASE_SETS];
        int64_t count = 0;
        for (int i = 0; i < TD_CASE_SETS; i++)
            if (td_check_set(one, &made.sets[i], &error) == TD_OK) made.sets[count++] = made.sets[i];
        td_assert_engines_agree(one, made.sets, count, 0, cells, made.text);
        td_assert_engines_agree(other, made.sets, count, 0, others, made.text);
        for (int64_t i = 0; i < count; i++) assert_true(td_same_cells(&cells[i], &others[i], NULL, NULL, 0));
        td_deck_free(one);
        td_deck_free(other);
        td_case_free(&made);
    }
}

/* Weeks later is the same play: nothing hangs on the year. */
static void other_years(void **state) {
    (void)state;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        td_case made;
        td_error error;
        td_case_make(&made, 7200 + seed, BARS, td_case_strategy(seed));
        td_cell cells[TD_CASE_SETS], others[TD_CASE_SETS];
        td_assert_engines_agree(made.deck, made.sets, TD_CASE_SETS, 0, cells, made.text);
        int64_t *times = (int64_t *)(uintptr_t)made.tape.time_ns;
        for (int64_t t = 0; t < BARS; t++) times[t] += (td_draw_whole(seed, 60, 0, 1) ? 1 : -1) * 7 * 521 * TD_NS_PER_DAY;
        td_deck *deck;
        assert_ok(td_deck_make(&made.tape, &made.def, &deck, &error));
        td_assert_engines_agree(deck, made.sets, TD_CASE_SETS, 0, others, made.text);
        for (int i = 0; i < TD_CASE_SETS; i++) assert_true(td_same_cells(&cells[i], &others[i], NULL, NULL, 0));
        td_deck_free(deck);
        td_case_free(&made);
    }
}

/* Where nothing is held and nothing decided, a play can be cut in two: the second part, begun with the money of the first, does
 * the rest of the whole. */
static void halves(void **state) {
    (void)state;
    int64_t cuts = 0;
    for (uint64_t seed = 0; seed < 2 * SEEDS; seed++) {
        td_tape tape = ordered_tape(seed, (td_temper)(seed % TD_TEMPER_COUNT), 4, 3, both_ways);
        td_play_def def = script_def(seed);
        td_set set = random_script_set(seed);
        td_record whole = play(&tape, &def, &set);
        for (int64_t cut = 2; cut < BARS - 2; cut++) {
            bool calm = whole.position[cut - 1] == 0 && whole.position[cut] == 0 && whole.equity[cut] == whole.equity[cut - 1];
            /* the volume's sign turns where something is decided */
            for (int64_t t = cut - 1; t <= cut; t++) calm &= (tape.volume[t] > 0) == (tape.volume[t - 1] > 0);
            int64_t before = 0;
            while (before < whole.fill_count && whole.fills[before].bar < cut) before++;
            calm &= before == whole.fill_count || whole.fills[before].bar > cut;
            if (!calm || td_draw(seed, 3000 + (uint64_t)cut) > 0.1) continue;
            td_play_def rest = def;
            td_set begun = set;
            rest.first_bar = cut;
            begun.knob[TD_KNOB_cash] = whole.equity[cut];
            if (!(whole.equity[cut] > 1)) break;
            td_record part = play(&tape, &rest, &begun);
            assert_int_equal(before + part.fill_count, whole.fill_count);
            assert_same_fills(whole.fills + before, part.fills, part.fill_count, cut);
            assert_memory_equal(part.equity, whole.equity + cut, (size_t)(BARS - cut) * sizeof(double));
            td_record_free(&part);
            cuts++;
        }
        td_record_free(&whole);
        td_test_tape_free(&tape);
    }
    printf("%lld plays cut in two\n", (long long)cuts);
    assert_true(cuts > 60);
}

/* Falls for rises and shorts for longs: with fixed units and no costs the equity is the same, but for rounding. */
static void mirrors(void **state) {
    (void)state;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        td_tape tape = ordered_tape(seed, seed % 3 ? TD_TEMPER_WALK : TD_TEMPER_TICKS, 3, 5, both_ways);
        td_tape mirror = td_test_tape_of(BARS, tape.interval_ns, TD_TEMPER_CONSTANT, true, seed);
        double top = 0;
        for (int64_t t = 0; t < BARS; t++) top = fmax(top, tape.high[t]);
        double *open = (double *)(uintptr_t)mirror.open, *high = open + BARS, *low = high + BARS, *close = low + BARS, *volume = close + BARS;
        memcpy((void *)(uintptr_t)mirror.time_ns, tape.time_ns, BARS * sizeof(int64_t));
        for (int64_t t = 0; t < BARS; t++) {
            open[t] = 2 * top - tape.open[t];
            high[t] = 2 * top - tape.low[t];
            low[t] = 2 * top - tape.high[t];
            close[t] = 2 * top - tape.close[t];
            double order = fabs(tape.volume[t]) - 1000;
            volume[t] = copysign(1000 - order, tape.volume[t]);
        }
        td_play_def def = script_def(seed);
        def.sizing = TD_SIZING_FIXED_UNITS;
        td_set set = td_default_set(def.strategy);
        set.knob[TD_KNOB_cash] = 1e9; /* so that nothing is refused */
        set.knob[TD_KNOB_size] = 3;
        td_record a = play(&tape, &def, &set), b = play(&mirror, &def, &set);
        assert_true(a.fill_count > 20 && a.fill_count == b.fill_count);
        for (int64_t k = 0; k < a.fill_count; k++) {
            assert_int_equal(a.fills[k].bar, b.fills[k].bar);
            assert_int_equal(a.fills[k].reason, b.fills[k].reason);
            assert_near(b.fills[k].units, -a.fills[k].units, 0);
        }
        for (int64_t t = 0; t < BARS; t++) assert_near(b.equity[t] - 1e9, a.equity[t] - 1e9, 1e-4 + 1e-9 * fabs(a.equity[t] - 1e9));
        td_record_free(&a);
        td_record_free(&b);
        td_test_tape_free(&tape);
        td_test_tape_free(&mirror);
    }
}

/* What costs take is what the ledger lines say: equity with costs and the lines is equity without, bar by bar where nothing else
 * changes (fixed units, no levels, money enough). */
static void costs_take_what_they_say(void **state) {
    (void)state;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        td_tape tape = ordered_tape(seed, seed % 3 ? TD_TEMPER_WALK : TD_TEMPER_GAPS, 3, 5, both_ways);
        td_play_def def = script_def(seed);
        def.sizing = TD_SIZING_FIXED_UNITS;
        def.finalize = seed % 5 == 0;
        td_set dear = random_script_set(seed);
        dear.knob[TD_KNOB_stop_loss] = dear.knob[TD_KNOB_take_profit] = 0;
        dear.knob[TD_KNOB_cash] = 1e6;
        dear.knob[TD_KNOB_size] = 7;
        td_set free_of_costs = dear;
        for (int k = TD_KNOB_commission; k <= TD_KNOB_slippage; k++) free_of_costs.knob[k] = 0;
        td_record a = play(&tape, &def, &dear), b = play(&tape, &def, &free_of_costs);
        assert_int_equal(a.fill_count, b.fill_count);
        assert_true(a.fill_count > 20);
        double paid = 0;
        int64_t fill = 0;
        for (int64_t t = 0; t < BARS; t++) {
            /* a fill at the close comes after the mark, unless it ends the play */
            for (; fill < a.fill_count && (a.fills[fill].bar < t || (a.fills[fill].bar == t && (def.fill_at != TD_FILL_CLOSE || t == BARS - 1)));
                 fill++)
                paid += a.fills[fill].commission + a.fills[fill].spread_cost + a.fills[fill].slippage_cost;
            assert_near(a.equity[t] + paid, b.equity[t], 1e-5);
        }
        assert_int_equal(fill, a.fill_count);
        td_record_free(&a);
        td_record_free(&b);
        td_test_tape_free(&tape);
    }
}

/* With fixed units, twice the size is twice every profit, bit for bit; and both sides are the long side and the short side. */
static void sizes_and_sides(void **state) {
    (void)state;
    static const double turns[] = {1, -1};
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        td_tape tape = ordered_tape(seed, seed % 3 ? TD_TEMPER_WALK : TD_TEMPER_TICKS, 4, 2, turns);
        td_play_def def = script_def(seed & ~1ull); /* profile backtesting buys again what it has */
        def.sizing = TD_SIZING_FIXED_UNITS;
        td_set set = random_script_set(seed), twice;
        set.knob[TD_KNOB_cash] = 1e8;
        set.knob[TD_KNOB_size] = 3;
        set.knob[TD_KNOB_fixed_commission] = 0;
        twice = set;
        twice.knob[TD_KNOB_size] = 6;
        td_record one = play(&tape, &def, &set), two = play(&tape, &def, &twice);
        assert_int_equal(one.trade_count, two.trade_count);
        assert_true(one.trade_count > 10);
        for (int64_t k = 0; k < one.trade_count; k++) {
            assert_near(two.trades[k].pnl, 2 * one.trades[k].pnl, 0);
            assert_near(two.trades[k].ret, one.trades[k].ret, 0);
        }
        def.direction = TD_DIRECTION_LONG;
        td_record longs = play(&tape, &def, &set);
        def.direction = TD_DIRECTION_SHORT;
        td_record shorts = play(&tape, &def, &set);
        assert_int_equal(longs.trade_count + shorts.trade_count, one.trade_count);
        for (int64_t t = 0; t < BARS; t++)
            assert_near(longs.equity[t] - 1e8 + (shorts.equity[t] - 1e8), one.equity[t] - 1e8, 1e-5);
        td_record_free(&one);
        td_record_free(&two);
        td_record_free(&longs);
        td_record_free(&shorts);
        td_test_tape_free(&tape);
    }
}

/* No honest strategy is accused, with whatever rules it plays. */
static void the_future_changes_nothing(void **state) {
    (void)state;
    td_error error;
    int64_t revealed = 0;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        td_case made;
        td_case_make(&made, 7300 + seed, 120, td_case_strategy(seed));
        for (int i = 0; i < 3; i++) {
            td_arrow arrow;
            assert_ok(td_prove_arrow(&made.tape, &made.def, &made.sets[i], 1 + (int64_t)(seed % 3), &arrow, &error));
            if (arrow.leaks)
                print_error("%s: bar %lld is %s, poisoned %s\n", made.text, (long long)arrow.first.bar, arrow.first.truth, arrow.first.poisoned);
            assert_false(arrow.leaks);
            int64_t bars = td_deck_bars(made.deck);
            assert_int_equal(arrow.cuts, bars < 2 ? 0 : (bars - 2) / arrow.every + 1);
            revealed += arrow.revealed;
        }
        td_case_free(&made);
    }
    assert_true(revealed > SEEDS); /* all but those with scaled rows */
}

/* A peek is found where it is, also when it is rare and the replays are coarse; and one that sees only the present is none. */
static void peeks_are_found(void **state) {
    (void)state;
    td_error error;
    td_tape tape = td_test_tape_of(700, 60 * TD_NS_PER_SECOND, TD_TEMPER_WALK, true, 11);
    td_play_def def = td_default_play_def();
    def.strategy = td_test_strategy("peeking");
    for (int fill = 0; fill < 2; fill++) {
        def.fill_at = (td_fill_at)fill;
        for (int64_t every = 1; every <= 97; every += 32) {
            td_set set = td_default_set(def.strategy);
            td_arrow arrow;
            set.param[0] = (double)every;
            set.param[1] = 0;
            assert_ok(td_prove_arrow(&tape, &def, &set, 1, &arrow, &error));
            assert_true(!arrow.leaks && arrow.revealed && arrow.cuts == 699 && arrow.cuts_leaking == 0);
            set.param[1] = 1;
            assert_ok(td_prove_arrow(&tape, &def, &set, 1, &arrow, &error));
            assert_true(arrow.leaks && arrow.first.bar == every && arrow.first.cut == every);
            assert_int_equal(arrow.cuts_leaking, 698 / every); /* the bars it looks on, and no other */
        }
        /* cut only after bars 0 and 500, on which nobody peeks: the revealing play finds it all the same */
        td_set rare = td_default_set(def.strategy);
        td_arrow arrow;
        rare.param[0] = 97;
        rare.param[1] = 1;
        assert_ok(td_prove_arrow(&tape, &def, &rare, 500, &arrow, &error));
        assert_true(arrow.leaks && arrow.first.bar == 97 && arrow.cuts == 2 && arrow.cuts_leaking == 0);
        assert_non_null(strstr(arrow.first.truth, "decided "));
        assert_string_equal(arrow.first.poisoned, "no decision");
    }
    td_test_tape_free(&tape);
}

/* The start of a play, and how long it is felt. */
static void starts(void **state) {
    (void)state;
    td_error error;
    td_tape tape = ordered_tape(5, TD_TEMPER_WALK, 40, 2, (const double[]){1, -1});
    td_play_def def = script_def(0);
    td_set set = td_default_set(def.strategy);
    td_warmup warmup;
    assert_ok(td_measure_warmup(&tape, &def, &set, 6, 20, 2, &warmup, &error));
    assert_int_equal(warmup.starts, 7);
    assert_int_equal(warmup.first_common, 120);
    assert_int_equal(warmup.common, BARS - 120);
    /* its orders are in the tape: a later start has missed some, and is on the same side from the first order after it on */
    int64_t next = 121;
    while ((tape.volume[next] > 0) == (tape.volume[next - 1] > 0)) next++;
    assert_int_equal(warmup.never, 0);
    assert_int_equal(warmup.start[0].settled, 120);
    assert_int_equal(warmup.start[6].settled, next + 1);
    assert_int_equal(warmup.start[6].differing, next + 1 - 120);
    assert_int_equal(warmup.settled, next + 1);
    assert_true(warmup.trades.least <= warmup.trades.median && warmup.trades.median <= warmup.trades.most);
    td_warmup_free(&warmup);

    /* bought once and never sold: the same side on all common bars, and the same return over them, but for the first fill */
    def.strategy = td_strategy_find("buy-and-hold");
    set = td_default_set(def.strategy);
    assert_ok(td_measure_warmup(&tape, &def, &set, 10, 1, 1, &warmup, &error));
    assert_int_equal(warmup.start[9].settled, 10);
    assert_int_equal(warmup.start[10].settled, 11); /* it has not bought yet at the first common bar */
    assert_true(fabs(warmup.total_return.most - warmup.total_return.least) < 0.05);
    td_warmup_free(&warmup);
    assert_int_equal(td_measure_warmup(&tape, &def, &set, 10, 13, 1, &warmup, &error), TD_BAD_ARG);
    assert_non_null(strstr(error.message, "10 starts, 13 bars apart, leave less than half of the 240 bars in common"));
    td_test_tape_free(&tape);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(beginnings),
        cmocka_unit_test(periods),
        cmocka_unit_test(other_years),
        cmocka_unit_test(halves),
        cmocka_unit_test(mirrors),
        cmocka_unit_test(costs_take_what_they_say),
        cmocka_unit_test(sizes_and_sides),
        cmocka_unit_test(the_future_changes_nothing),
        cmocka_unit_test(peeks_are_found),
        cmocka_unit_test(starts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
