/* The rules of docs/bar-rules.md, one test each, worked out by hand on a few bars; the test's name begins with the rule's id, and
 * tests/check_rule_tests.py holds the two lists together. Every play goes through all engines, its money is watched (tests/plays.c). */
#include "tests/by_hand.h"

/* Plays closes (open, high and low the same) with a built-in strategy. */
static void play_closes(const char *strategy, const double *close, int count) {
    double volume[BARS_MAX] = {0};
    int64_t time[BARS_MAX];
    for (int t = 0; t < count; t++) time[t] = (19723 + t) * TD_NS_PER_DAY;
    td_tape tape = {.bars = count, .symbols = 1, .interval_ns = TD_NS_PER_DAY, .time_ns = time, .open = close, .high = close,
                    .low = close, .close = close, .volume = volume};
    td_set knobs = set;
    def.strategy = td_strategy_find(strategy);
    set = td_default_set(def.strategy);
    memcpy(set.knob, knobs.knob, sizeof set.knob);
    if (!strcmp(strategy, "sma-cross")) {
        set.param[0] = 1; /* the gap of averages of 1 and 2 bars has the sign of the last move */
        set.param[1] = 2;
    }
    play_tape(&tape);
}

/* decisions and their fills */

static void R01_fills_at_the_next_open(void **state) {
    (void)state;
    EACH_PROFILE {
        PLAY(FLAT(100), {100, 102, 98, 101, +1}, {103, 106, 102, 105, NONE}, {104, 107, 101, 106, 0}, {108, 109, 107, 109, NONE},
             FLAT(110));
        expect_fills(2);
        expect_fill(0, 2, open, 10, 103);
        expect_fill(1, 4, open, -10, 108);
        expect_equity(1, 10000);
        expect_equity(2, 10020);
        expect_equity(3, 10030);
        expect_equity(4, 10050);
        expect_metric(final_equity, 10050);
        expect_metric(trades, 1);
    }
}

static void R02_fills_at_the_close(void **state) {
    (void)state;
    def.fill_at = TD_FILL_CLOSE;
    EACH_PROFILE {
        PLAY(FLAT(100), {100, 102, 98, 101, +1}, {103, 106, 102, 105, NONE}, {104, 107, 101, 106, 0}, {108, 109, 107, 109, NONE});
        expect_fills(2);
        expect_fill(0, 1, close, 10, 101);
        expect_fill(1, 3, close, -10, 106);
        expect_equity(1, 10000);
        expect_equity(2, 10040);
        expect_equity(3, 10050);
        expect_equity(4, 10050);
    }
}

static void R03_the_last_bar_decides_in_vain(void **state) {
    (void)state;
    EACH_PROFILE
        for (int close = 0; close < 2; close++) {
            def.fill_at = close ? TD_FILL_CLOSE : TD_FILL_NEXT_OPEN;
            PLAY(FLAT(100), FLAT(100), ORDER(100, +1));
            expect_fills(0);
            PLAY(FLAT(100), ORDER(100, +1), FLAT(100), ORDER(110, 0));
            expect_fills(1);
            expect_metric(trades, 0);
        }
    def.profile = TD_PROFILE_TAPEDECK;
    def.finalize = true;
    PLAY(FLAT(100), FLAT(100), ORDER(100, +1));
    expect_fills(0);
}

static void R04_backtesting_fills_the_last_bar_when_it_finalizes(void **state) {
    (void)state;
    def.profile = TD_PROFILE_BACKTESTING;
    def.finalize = true;
    PLAY(FLAT(100), FLAT(100), {102, 104, 101, 103, +1});
    expect_fills(1);
    expect_fill(0, 2, open, 10, 102);
    expect_equity(2, 10010);
    expect_metric(trades, 0);
    /* what is open closes first, then the decision enters; its stop sees the range of that bar */
    set.knob[TD_KNOB_stop_loss] = 0.5;
    PLAY(FLAT(100), ORDER(100, -1), FLAT(100), {102, 104, 50, 103, +1});
    expect_fills(4);
    expect_fill(0, 2, open, -10, 100);
    expect_fill(1, 3, end, 10, 102);
    expect_fill(2, 3, open, 10, 102);
    expect_fill(3, 3, stop, -10, 51);
    expect_metric(trades, 2);
    set.knob[TD_KNOB_stop_loss] = 0;
    def.fill_at = TD_FILL_CLOSE;
    PLAY(FLAT(100), FLAT(101), {102, 104, 101, 103, +1});
    expect_fills(1);
    expect_fill(0, 1, close, 10, 101);
    expect_equity(2, 10020);
    /* stopped on the last bar, back in at the close before it, stopped again: four bars, three of them exposed, none twice */
    set.knob[TD_KNOB_stop_loss] = 0.125;
    PLAY(FLAT(100), ORDER(100, +1), FLAT(100), {100, 100, 80, 90, -1});
    expect_fills(3);
    expect_fill(1, 3, stop, -10, 87.5);
    expect_fill(2, 2, close, -10, 100);
    expect_metric(exposure, 0.75);
    PLAY(FLAT(100), ORDER(100, +1), FLAT(100), {100, 100, 80, 90, +1});
    expect_fill(2, 2, close, 10, 100);
    expect_fill(3, 3, stop, -10, 87.5);
    expect_metric(exposure, 0.75);
}

static void R05_the_same_direction(void **state) {
    (void)state;
    PLAY(FLAT(100), ORDER(100, +1), FLAT(100), ORDER(110, +0.5), FLAT(120), ORDER(130, +1), FLAT(140));
    expect_fills(1);
    PLAY(FLAT(100), ORDER(100, -1), FLAT(100), ORDER(90, -0.5), FLAT(80));
    expect_fills(1);
    /* closed and opened again, at the new size; staying out is no order */
    def.profile = TD_PROFILE_BACKTESTING;
    PLAY(FLAT(100), ORDER(100, +1), FLAT(100), ORDER(110, +0.5), FLAT(120), FLAT(130));
    expect_fills(3);
    expect_fill(1, 4, open, -10, 120);
    expect_fill(2, 4, open, 5, 120);
    expect_equity(5, 10250);
    expect_metric(trades, 1);
    expect_metric(exposure, 0.5);
    EACH_PROFILE {
        PLAY(FLAT(100), ORDER(100, 0), FLAT(100));
        expect_fills(0);
    }
}

static void R06_the_other_direction_reverses(void **state) {
    (void)state;
    EACH_PROFILE {
        PLAY(FLAT(100), ORDER(100, +1), FLAT(100), ORDER(110, -1), {120, 121, 119, 118, NONE}, FLAT(115));
        expect_fills(3);
        expect_fill(0, 2, open, 10, 100);
        expect_fill(1, 4, open, -10, 120);
        expect_fill(2, 4, open, -10, 120);
        assert_near(now.fills[1].position, 0, 0);
        assert_near(now.fills[2].position, -10, 0);
        expect_equity(4, 10220);
        expect_equity(5, 10250);
        expect_metric(trades, 1);
    }
}

static void R07_zero_leaves(void **state) {
    (void)state;
    EACH_PROFILE {
        PLAY(FLAT(100), ORDER(100, -1), FLAT(100), ORDER(110, 0), FLAT(90), FLAT(95));
        expect_fills(2);
        expect_fill(1, 4, open, 10, 90);
        expect_equity(5, 10100);
    }
}

static void R08_fractions_scale_the_size(void **state) {
    (void)state;
    EACH_PROFILE {
        PLAY(FLAT(100), ORDER(100, +0.5), FLAT(100), ORDER(100, -7), FLAT(100), FLAT(100));
        expect_fills(3);
        expect_fill(0, 2, open, 5, 100);
        expect_fill(1, 4, open, -5, 100);
        expect_fill(2, 4, open, -10, 100);
        def.sizing = TD_SIZING_ALL_IN;
        PLAY(FLAT(100), ORDER(100, +0.25), FLAT(100), FLAT(100));
        expect_fill(0, 2, open, 25, 100);
        def.sizing = TD_SIZING_FIXED_UNITS;
    }
}

static void R09_one_direction_only(void **state) {
    (void)state;
    EACH_PROFILE {
        def.direction = TD_DIRECTION_LONG;
        PLAY(FLAT(100), ORDER(100, -1), FLAT(100), ORDER(100, +1), FLAT(100), ORDER(110, -1), FLAT(120), FLAT(130));
        expect_fills(2);
        expect_fill(0, 4, open, 10, 100);
        expect_fill(1, 6, open, -10, 120);
        def.direction = TD_DIRECTION_SHORT;
        PLAY(FLAT(100), ORDER(100, +1), FLAT(100), ORDER(100, -1), FLAT(100), ORDER(110, +1), FLAT(120), FLAT(130));
        expect_fills(2);
        expect_fill(0, 4, open, -10, 100);
        expect_fill(1, 6, open, 10, 120);
    }
}

static void R10_a_stopped_bar_may_decide_again(void **state) {
    (void)state;
    set.knob[TD_KNOB_stop_loss] = 0.125;
    EACH_PROFILE {
        /* bar 3: the stop at 87.5, marked flat, then the decision, which now finds nothing to keep */
        PLAY(FLAT(100), ORDER(100, +1), FLAT(100), {95, 96, 80, 85, +1}, FLAT(90), FLAT(100));
        expect_fills(3);
        expect_fill(1, 3, stop, -10, 87.5);
        expect_fill(2, 4, open, 10, 90);
        expect_equity(3, 9875);
        expect_equity(5, 9975);
    }
}

/* stops and targets */

static void R11_stop_inside_the_bar(void **state) {
    (void)state;
    set.knob[TD_KNOB_stop_loss] = 0.125;
    EACH_PROFILE {
        PLAY(FLAT(100), ORDER(100, +1), FLAT(100), {98, 99, 88, 90, NONE}, {92, 93, 87, 91, NONE}, FLAT(95));
        expect_fills(2);
        expect_fill(1, 4, stop, -10, 87.5);
        expect_equity(3, 9900);
        expect_equity(4, 9875);
        assert_int_equal(now.trades[0].exit_reason, TD_FILL_REASON_stop);
        expect_metric(ambiguous_bars, 0);
    }
}

static void R12_stop_gapped_through(void **state) {
    (void)state;
    set.knob[TD_KNOB_stop_loss] = 0.125;
    EACH_PROFILE {
        PLAY(FLAT(100), ORDER(100, +1), FLAT(100), {80, 99, 75, 90, NONE}, FLAT(95));
        expect_fills(2);
        expect_fill(1, 3, stop_gap, -10, 80);
        /* open exactly at the level: the same price, called a gap */
        PLAY(FLAT(100), ORDER(100, +1), FLAT(100), {87.5, 99, 75, 90, NONE}, FLAT(95));
        expect_fill(1, 3, stop_gap, -10, 87.5);
    }
}

static void R13_target_inside_the_bar(void **state) {
    (void)state;
    set.knob[TD_KNOB_take_profit] = 0.125;
    EACH_PROFILE {
        PLAY(FLAT(100), ORDER(100, +1), FLAT(100), {105, 112, 104, 110, NONE}, {110, 120, 109, 111, NONE}, FLAT(100));
        expect_fills(2);
        expect_fill(1, 4, target, -10, 112.5);
        expect_equity(4, 10125);
    }
}

static void R14_target_gapped_through(void **state) {
    (void)state;
    set.knob[TD_KNOB_take_profit] = 0.125;
    EACH_PROFILE {
        PLAY(FLAT(100), ORDER(100, +1), FLAT(100), {120, 125, 90, 95, NONE}, FLAT(100));
        expect_fills(2);
        expect_fill(1, 3, target_gap, -10, 120);
    }
}

static void R15_both_in_the_bar(void **state) {
    (void)state;
    set.knob[TD_KNOB_stop_loss] = set.knob[TD_KNOB_take_profit] = 0.125;
    EACH_PROFILE {
        PLAY(FLAT(100), ORDER(100, +1), FLAT(100), {100, 113, 87, 100, NONE}, FLAT(100));
        expect_fills(2);
        expect_fill(1, 3, stop, -10, 87.5);
        expect_metric(ambiguous_bars, 1);
        /* an open beyond the target is the target, for certain; backtesting.py takes the stop even then */
        PLAY(FLAT(100), ORDER(100, +1), FLAT(100), {115, 116, 80, 100, NONE}, FLAT(100));
        if (BACKTESTING)
            expect_fill(1, 3, stop, -10, 87.5);
        else
            expect_fill(1, 3, target_gap, -10, 115);
        expect_metric(ambiguous_bars, BACKTESTING);
        PLAY(FLAT(100), ORDER(100, -1), FLAT(100), {100, 113, 87, 100, NONE}, FLAT(100));
        expect_fill(1, 3, stop, 10, 112.5);
        expect_metric(ambiguous_bars, 1);
    }
}

static void R16_stops_in_the_entry_bar(void **state) {
    (void)state;
    set.knob[TD_KNOB_stop_loss] = 0.125;
    EACH_PROFILE {
        def.fill_at = TD_FILL_NEXT_OPEN;
        PLAY(FLAT(100), ORDER(100, +1), {100, 101, 80, 95, NONE}, FLAT(95), FLAT(95));
        expect_fills(2);
        expect_fill(0, 2, open, 10, 100);
        expect_fill(1, 2, stop, -10, 87.5);
        expect_equity(2, 9875);
        assert_int_equal(now.trades[0].entry_bar, now.trades[0].exit_bar);
        def.fill_at = TD_FILL_CLOSE;
        PLAY(FLAT(100), {100, 101, 80, 100, +1}, FLAT(95), {90, 90, 85, 88, NONE}, FLAT(95));
        expect_fills(2);
        expect_fill(0, 1, close, 10, 100);
        expect_fill(1, 3, stop, -10, 87.5);
    }
}

static void R17_shorts_are_mirrored(void **state) {
    (void)state;
    set.knob[TD_KNOB_stop_loss] = set.knob[TD_KNOB_take_profit] = 0.125;
    EACH_PROFILE {
        PLAY(FLAT(100), ORDER(100, -1), FLAT(100), {105, 113, 104, 110, NONE}, FLAT(100));
        expect_fill(1, 3, stop, 10, 112.5);
        expect_equity(3, 9875);
        PLAY(FLAT(100), ORDER(100, -1), FLAT(100), {115, 116, 104, 110, NONE}, FLAT(100));
        expect_fill(1, 3, stop_gap, 10, 115);
        PLAY(FLAT(100), ORDER(100, -1), FLAT(100), {95, 96, 87, 90, NONE}, FLAT(100));
        expect_fill(1, 3, target, 10, 87.5);
        PLAY(FLAT(100), ORDER(100, -1), FLAT(100), {80, 96, 79, 90, NONE}, FLAT(100));
        expect_fill(1, 3, target_gap, 10, 80);
        expect_equity(3, 10200);
    }
}

static void R18_reaching_the_level_is_enough(void **state) {
    (void)state;
    set.knob[TD_KNOB_stop_loss] = set.knob[TD_KNOB_take_profit] = 0.125;
    EACH_PROFILE {
        PLAY(FLAT(100), ORDER(100, +1), FLAT(100), {95, 96, 87.5, 90, NONE}, FLAT(90));
        expect_fill(1, 3, stop, -10, 87.5);
        PLAY(FLAT(100), ORDER(100, +1), FLAT(100), {95, 112.5, 90, 90, NONE}, FLAT(90));
        expect_fill(1, 3, target, -10, 112.5);
        PLAY(FLAT(100), ORDER(100, +1), FLAT(100), {95, nextafter(112.5, 0), nextafter(87.5, 100), 90, NONE}, FLAT(90));
        expect_fills(1);
    }
}

static void R19_levels_are_measured_from_the_price_paid(void **state) {
    (void)state;
    set.knob[TD_KNOB_stop_loss] = 0.5;
    set.knob[TD_KNOB_spread] = 1.0 / 32;
    PLAY(FLAT(100), ORDER(100, +1), FLAT(100), {60, 60, 50.5, 55, NONE}, FLAT(55));
    expect_fill(0, 2, open, 10, 101.5625);
    expect_fill(1, 3, stop, -10, 50.78125 * (1 - 1.0 / 64));
    def.profile = TD_PROFILE_BACKTESTING;
    PLAY(FLAT(100), ORDER(100, +1), FLAT(100), {60, 60, 50.5, 55, NONE}, FLAT(55));
    expect_fill(0, 2, open, 10, 103.125);
    expect_fill(1, 3, stop, -10, 51.5625);
}

static void R20_a_stop_is_a_market_order_a_target_a_limit_order(void **state) {
    (void)state;
    set.knob[TD_KNOB_stop_loss] = set.knob[TD_KNOB_take_profit] = 0.5;
    set.knob[TD_KNOB_slippage] = 1.0 / 64;
    set.knob[TD_KNOB_spread] = 1.0 / 32;
    /* tapedeck: 100 is bought at 100 (1 + 1/64 + 1/64) = 103.125; stop 51.5625, sold at 1 - 1/64 - 1/64 of it */
    PLAY(FLAT(100), ORDER(100, +1), FLAT(100), {60, 60, 50, 55, NONE}, FLAT(55));
    expect_fill(1, 3, stop, -10, 51.5625 * 0.96875);
    assert_near(now.fills[1].spread_cost, 515.625 / 64, 0);
    assert_near(now.fills[1].slippage_cost, 515.625 / 64, 0);
    PLAY(FLAT(100), ORDER(100, +1), FLAT(100), {140, 160, 130, 150, NONE}, FLAT(150));
    expect_fill(1, 3, target, -10, 154.6875);
    assert_near(now.fills[1].spread_cost + now.fills[1].slippage_cost, 0, 0);
    /* backtesting: bought at 100 (1 + 1/32 + 1/64) = 104.6875; on the way out slippage alone */
    def.profile = TD_PROFILE_BACKTESTING;
    PLAY(FLAT(100), ORDER(100, +1), FLAT(100), {60, 60, 50, 55, NONE}, FLAT(55));
    expect_fill(1, 3, stop, -10, 52.34375 * 0.984375);
    PLAY(FLAT(100), ORDER(100, +1), FLAT(100), {140, 160, 130, 150, NONE}, FLAT(150));
    expect_fill(1, 3, target, -10, 157.03125);
}

/* sizes */

static void R21_all_in(void **state) {
    (void)state;
    def.sizing = TD_SIZING_ALL_IN;
    set.knob[TD_KNOB_commission] = 0.0625;
    set.knob[TD_KNOB_fixed_commission] = 100;
    /* (10725 - 100) / (100 * 1.0625) */
    set.knob[TD_KNOB_cash] = 10725;
    PLAY(FLAT(100), ORDER(100, +1), FLAT(100), FLAT(101));
    expect_fill(0, 2, open, 100, 100);
    assert_near(now.fills[0].commission, 725, 0);
    expect_equity(2, 10000);
    expect_equity(3, 10100);
    PLAY(FLAT(100), ORDER(100, -1), FLAT(100), FLAT(101));
    expect_fill(0, 2, open, -100, 100);
    /* backtesting, lots of 1: 10800 less a hair over 100 * 1.0625 + 100, rounded down from 52.36; without lots of a size, not
     * rounded */
    def.profile = TD_PROFILE_BACKTESTING;
    set.knob[TD_KNOB_cash] = 10800;
    set.knob[TD_KNOB_lot] = 1;
    PLAY(FLAT(100), ORDER(100, +1), FLAT(100), FLAT(101));
    expect_fill(0, 2, open, 52, 100);
    assert_near(now.fills[0].commission, 425, 0);
    set.knob[TD_KNOB_lot] = 0;
    PLAY(FLAT(100), ORDER(100, +1), FLAT(100), FLAT(101));
    expect_fill(0, 2, open, 10800 / 206.25, 100);
    /* never everything: what would be 100 units to the cent is 99 lots, as there */
    set.knob[TD_KNOB_lot] = 1;
    set.knob[TD_KNOB_commission] = set.knob[TD_KNOB_fixed_commission] = 0;
    set.knob[TD_KNOB_cash] = 10000;
    PLAY(FLAT(100), ORDER(100, +1), FLAT(100), FLAT(101));
    expect_fill(0, 2, open, 99, 100);
}

static void R22_fixed_units(void **state) {
    (void)state;
    set.knob[TD_KNOB_size] = 7.5;
    EACH_PROFILE {
        PLAY(FLAT(100), ORDER(100, +1), FLAT(100), ORDER(100, -1), FLAT(200), FLAT(200));
        expect_fill(0, 2, open, 7.5, 100);
        expect_fill(2, 4, open, -7.5, 200);
    }
}

static void R23_fraction_of_the_equity(void **state) {
    (void)state;
    def.sizing = TD_SIZING_FRACTION;
    set.knob[TD_KNOB_size] = 0.5;
    EACH_PROFILE {
        /* 5000 at 100; sold at 120 leaves 11000, half of it at 120 the other way */
        PLAY(FLAT(100), ORDER(100, +1), FLAT(100), ORDER(110, -1), FLAT(120), FLAT(120));
        expect_fill(0, 2, open, 50, 100);
        expect_fill(1, 4, open, -50, 120);
        expect_fill(2, 4, open, -5500 / 120.0, 120);
    }
    /* the fixed commission comes out of the fraction; profile backtesting charges it per lot when it sizes */
    def.profile = TD_PROFILE_TAPEDECK;
    set.knob[TD_KNOB_fixed_commission] = 100;
    PLAY(FLAT(100), ORDER(100, +1), FLAT(100), FLAT(120));
    expect_fill(0, 2, open, 49, 100);
    def.profile = TD_PROFILE_BACKTESTING;
    PLAY(FLAT(100), ORDER(100, +1), FLAT(100), FLAT(120));
    expect_fill(0, 2, open, 5000 / (100 + 100 / 0.5), 100);
}

static void R24_lots_round_down(void **state) {
    (void)state;
    EACH_PROFILE {
        def.sizing = TD_SIZING_FIXED_UNITS;
        set.knob[TD_KNOB_size] = 7.9;
        set.knob[TD_KNOB_lot] = 1;
        PLAY(FLAT(100), ORDER(100, +1), FLAT(100), FLAT(100));
        expect_fill(0, 2, open, 7, 100);
        def.sizing = TD_SIZING_ALL_IN;
        set.knob[TD_KNOB_cash] = 10055;
        PLAY(FLAT(100), ORDER(100, -1), FLAT(100), FLAT(100));
        expect_fill(0, 2, open, -100, 100);
        set.knob[TD_KNOB_lot] = 0.1;
        PLAY(FLAT(100), ORDER(100, +1), FLAT(100), FLAT(100));
        expect_fill(0, 2, open, 100.5, 100);
        set.knob[TD_KNOB_cash] = 10000;
    }
}

static void R25_what_cannot_be_paid_is_refused(void **state) {
    (void)state;
    EACH_PROFILE {
        set.knob[TD_KNOB_size] = 101;
        PLAY(FLAT(100), ORDER(100, +1), FLAT(100), ORDER(90, -1), FLAT(90), FLAT(90));
        expect_fills(1); /* at 90 there is enough */
        expect_fill(0, 4, open, -101, 90);
        expect_metric(orders_refused, 1);
        set.knob[TD_KNOB_size] = 100;
        PLAY(FLAT(100), ORDER(100, +1), FLAT(100), FLAT(90));
        expect_fills(1); /* to the cent */
        expect_metric(orders_refused, 0);
        /* of a reversal the exit stays: 90 short at 100, bought back at 150 leaves 5500 for 90 at 150 */
        set.knob[TD_KNOB_size] = 90;
        PLAY(FLAT(100), ORDER(100, -1), FLAT(100), ORDER(120, +1), FLAT(150), FLAT(150));
        expect_fills(2);
        expect_fill(1, 4, open, 90, 150);
        expect_metric(final_equity, 5500);
        expect_metric(orders_refused, 1);
        /* less than a lot */
        def.sizing = TD_SIZING_ALL_IN;
        set.knob[TD_KNOB_lot] = 1;
        set.knob[TD_KNOB_cash] = 99;
        PLAY(FLAT(100), ORDER(100, +1), FLAT(100), FLAT(90));
        expect_fills(0);
        expect_metric(orders_refused, 1);
        def.sizing = TD_SIZING_FIXED_UNITS;
        set.knob[TD_KNOB_lot] = 0;
        set.knob[TD_KNOB_cash] = 10000;
    }
}

/* costs */

static void R26_commission(void **state) {
    (void)state;
    set.knob[TD_KNOB_commission] = 1.0 / 64;
    set.knob[TD_KNOB_fixed_commission] = 2;
    EACH_PROFILE {
        PLAY(FLAT(100), ORDER(100, +1), FLAT(100), ORDER(110, 0), FLAT(128), FLAT(128));
        assert_near(now.fills[0].commission, 2 + 1000.0 / 64, 0);
        assert_near(now.fills[1].commission, 2 + 20, 0);
        expect_metric(commission_paid, 39.625);
        expect_equity(2, 10000 - 17.625);
        expect_metric(final_equity, 10280 - 39.625);
        assert_near(now.trades[0].pnl, 280 - 39.625, 0);
        assert_near(now.trades[0].commission, 39.625, 0);
        assert_near(now.trades[0].ret, (280 - 39.625) / 1000, 0);
        /* of the price after spread */
        set.knob[TD_KNOB_spread] = 1.0 / 32;
        PLAY(FLAT(100), ORDER(100, +1), FLAT(100), FLAT(128));
        assert_near(now.fills[0].commission, 2 + 10 * (BACKTESTING ? 103.125 : 101.5625) / 64, 0);
        set.knob[TD_KNOB_spread] = 0;
    }
}

static void R27_spread(void **state) {
    (void)state;
    set.knob[TD_KNOB_spread] = 1.0 / 32;
    for (double side = 1; side >= -1; side -= 2) {
        def.profile = TD_PROFILE_TAPEDECK;
        PLAY(FLAT(100), ORDER(100, side), FLAT(100), ORDER(100, 0), FLAT(110), FLAT(110));
        expect_fill(0, 2, open, side * 10, 100 * (1 + side / 64));
        expect_fill(1, 4, open, side * -10, 110 * (1 - side / 64));
        expect_metric(spread_paid, 1000.0 / 64 + 1100.0 / 64);
        expect_metric(final_equity, 10000 + side * 100 - 2100.0 / 64);
        def.profile = TD_PROFILE_BACKTESTING;
        PLAY(FLAT(100), ORDER(100, side), FLAT(100), ORDER(100, 0), FLAT(110), FLAT(110));
        expect_fill(0, 2, open, side * 10, 100 * (1 + side / 32));
        expect_fill(1, 4, open, side * -10, 110);
        expect_metric(spread_paid, 1000.0 / 32);
        expect_metric(final_equity, 10000 + side * 100 - 1000.0 / 32);
    }
}

static void R28_slippage(void **state) {
    (void)state;
    set.knob[TD_KNOB_slippage] = 1.0 / 64;
    EACH_PROFILE {
        PLAY(FLAT(100), ORDER(100, +1), FLAT(100), ORDER(100, 0), FLAT(110), FLAT(110));
        expect_fill(0, 2, open, 10, 101.5625);
        expect_fill(1, 4, open, -10, 108.28125);
        expect_metric(slippage_paid, 2100.0 / 64);
        expect_metric(spread_paid, 0);
        expect_metric(final_equity, 10100 - 2100.0 / 64);
    }
}

static void R29_ledger_lines_add_up(void **state) {
    (void)state;
    set.knob[TD_KNOB_commission] = 1.0 / 128;
    set.knob[TD_KNOB_fixed_commission] = 3;
    set.knob[TD_KNOB_spread] = 1.0 / 32;
    set.knob[TD_KNOB_slippage] = 1.0 / 64;
    set.knob[TD_KNOB_stop_loss] = 0.5;
    EACH_PROFILE {
        /* long 100 to 110, short from there to the stop: without costs +100, then what the stop is from 110 */
        PLAY(FLAT(100), ORDER(100, +1), FLAT(100), ORDER(100, -1), FLAT(110), {120, 170, 110, 150, NONE}, FLAT(150));
        expect_fills(4);
        double level = 1.5 * now.fills[2].price, gross = 10 * (110 - 100) - 10 * (level - 110);
        const double *m = now.cell.metrics;
        double paid = m[TD_METRIC_commission_paid] + m[TD_METRIC_spread_paid] + m[TD_METRIC_slippage_paid];
        assert_int_equal(now.fills[3].reason, TD_FILL_REASON_stop);
        expect_metric(final_equity, 10000 + gross - paid);
        expect_metric(spread_paid, BACKTESTING ? (1000 + 1100) / 32.0 : (1000 + 1100 + 1100 + 10 * level) / 64);
        expect_metric(slippage_paid, (1000 + 1100 + 1100 + 10 * level) / 64);
    }
}

static void R30_a_negative_commission_is_a_rebate(void **state) {
    (void)state;
    set.knob[TD_KNOB_commission] = -1.0 / 64;
    EACH_PROFILE {
        PLAY(FLAT(100), ORDER(100, +1), FLAT(100), ORDER(100, 0), FLAT(100), FLAT(100));
        expect_metric(commission_paid, -31.25);
        expect_metric(final_equity, 10031.25);
    }
}

/* account and end */

static void R31_equity_is_marked_at_the_close(void **state) {
    (void)state;
    EACH_PROFILE {
        PLAY(FLAT(100), ORDER(100, -1), {100, 150, 50, 104, NONE}, {100, 101, 10, 96, NONE}, FLAT(96));
        expect_equity(2, 9960);
        expect_equity(3, 10040);
        assert_near(now.position[2], -10, 0);
        /* highs and lows inside bars make no peak and no drawdown */
        expect_metric(peak_equity, 10040);
        expect_metric(max_drawdown, -(1 - 9960 / 10000.0));
    }
}

static void R32_what_is_open_stays_open(void **state) {
    (void)state;
    EACH_PROFILE {
        PLAY(FLAT(100), ORDER(100, +1), FLAT(100), FLAT(130));
        expect_fills(1);
        expect_metric(trades, 0);
        expect_metric(final_equity, 10300);
        assert_near(now.position[3], 10, 0);
        assert_true(isnan(now.cell.metrics[TD_METRIC_win_rate]));
    }
}

static void R33_finalize_sells_at_the_last_close(void **state) {
    (void)state;
    def.finalize = true;
    set.knob[TD_KNOB_spread] = set.knob[TD_KNOB_slippage] = 1.0 / 128;
    for (int close = 0; close < 2; close++) {
        def.fill_at = close ? TD_FILL_CLOSE : TD_FILL_NEXT_OPEN;
        PLAY(FLAT(128), ORDER(128, +1), FLAT(128), {120, 300, 110, 256, -1});
        expect_fills(2);
        expect_fill(1, 3, end, -10, 256 - 1 - 2);
        expect_metric(trades, 1);
        assert_near(now.position[3], 0, 0);
        expect_equity(3, 10000 - 15 - 15 + 1280 - 15);
    }
}

static void R34_backtesting_finalizes_at_a_market_price(void **state) {
    (void)state;
    def.finalize = true;
    def.profile = TD_PROFILE_BACKTESTING;
    PLAY(FLAT(100), ORDER(100, +1), FLAT(100), {120, 300, 110, 250, NONE});
    expect_fills(2);
    expect_fill(1, 3, end, -10, 120);
    expect_equity(3, 10200);
    def.fill_at = TD_FILL_CLOSE;
    PLAY(FLAT(100), ORDER(100, +1), FLAT(105), {120, 300, 110, 250, NONE});
    expect_fill(1, 2, end, -10, 105);
    expect_equity(2, 10050);
    expect_equity(3, 10050);
}

static void R35_ruin_at_the_close(void **state) {
    (void)state;
    set.knob[TD_KNOB_size] = 100;
    EACH_PROFILE {
        PLAY(FLAT(100), ORDER(100, -1), FLAT(100), {120, 260, 120, 199, NONE}, {200, 300, 190, 250, NONE}, FLAT(50));
        expect_fills(2);
        expect_equity(3, 100); /* the high alone ruins nobody */
        expect_fill(1, 4, ruin, 100, 250);
        expect_equity(4, 0);
        expect_equity(5, 0);
        expect_metric(final_equity, 0);
        expect_metric(total_return, -1);
        expect_metric(max_drawdown, -1);
        expect_metric(trades, 1);
        assert_int_equal(now.cell.ruined, 1);
        assert_int_equal(now.cell.state, TD_CELL_DONE);
        /* nothing left is ruin as well */
        PLAY(FLAT(100), ORDER(100, -1), FLAT(100), FLAT(200), FLAT(50));
        expect_fill(1, 3, ruin, 100, 200);
    }
}

static void R36_ruin_at_a_stop(void **state) {
    (void)state;
    set.knob[TD_KNOB_size] = 100;
    set.knob[TD_KNOB_stop_loss] = 0.5;
    EACH_PROFILE {
        PLAY(FLAT(100), ORDER(100, -1), FLAT(100), {250, 260, 100, 110, NONE}, FLAT(110));
        expect_fills(2);
        expect_fill(1, 3, stop_gap, 100, 250);
        expect_equity(3, 0);
        assert_int_equal(now.cell.ruined, 1);
    }
}

static void R37_the_ruined_play_no_more(void **state) {
    (void)state;
    set.knob[TD_KNOB_size] = 100;
    EACH_PROFILE {
        PLAY(FLAT(100), ORDER(100, -1), FLAT(100), ORDER(250, +1), FLAT(250), ORDER(1, +1), FLAT(1), FLAT(1));
        expect_fills(2);
        expect_metric(orders_refused, 0);
        for (int t = 3; t < 8; t++) expect_equity(t, 0);
    }
}

/* signals */

static void R38_a_crossing(void **state) {
    (void)state;
    static const double close[] = {100, 99, 101, 102, 100, 99, 103, 104};
    EACH_PROFILE {
        /* up on bar 2, down on bar 4, up on bar 6 */
        play_closes("sma-cross", close, 8);
        expect_fills(5);
        expect_fill(0, 3, open, 10, 102);
        expect_fill(1, 5, open, -10, 99);
        expect_fill(2, 5, open, -10, 99);
        expect_fill(3, 7, open, 10, 104);
        expect_fill(4, 7, open, 10, 104);
        start(NULL);
    }
}

static void R39_a_touch(void **state) {
    (void)state;
    /* equal on bar 2, over on bar 3: from below, then from above */
    static const double from_below[] = {100, 99, 99, 101, 101.5, 102}, from_above[] = {100, 101, 101, 102, 103, 104};
    play_closes("sma-cross", from_below, 6);
    expect_fills(1);
    expect_fill(0, 4, open, 10, 101.5);
    play_closes("sma-cross", from_above, 6);
    expect_fills(1);
    expect_fill(0, 4, open, 10, 103);
    start(NULL);
    def.profile = TD_PROFILE_BACKTESTING;
    play_closes("sma-cross", from_below, 6);
    expect_fills(0);
    play_closes("sma-cross", from_above, 6);
    expect_fills(0);
}

static void R40_no_signal_while_warming_up(void **state) {
    (void)state;
    EACH_PROFILE {
        /* the first gap is on bar 1: over, but with nothing before it */
        play_closes("sma-cross", (const double[]){100, 101, 102, 103, 104}, 5);
        expect_fills(0);
        play_closes("sma-cross", (const double[]){100, 99, 102, 103, 104}, 5);
        expect_fills(1);
        expect_fill(0, 3, open, 10, 103);
        start(NULL);
    }
}

static void R41_the_start(void **state) {
    (void)state;
    static const double close[] = {100, 101, 102, 103};
    play_closes("buy-and-hold", close, 4);
    expect_fills(1);
    expect_fill(0, 1, open, 10, 101);
    start(NULL);
    def.profile = TD_PROFILE_BACKTESTING;
    play_closes("buy-and-hold", close, 4);
    expect_fills(1);
    expect_fill(0, 2, open, 10, 102);
}

static void R42_a_target_that_is_no_number(void **state) {
    (void)state;
    EACH_PROFILE {
        PLAY(FLAT(100), ORDER(100, +1), FLAT(100), ORDER(100, INFINITY), FLAT(100), ORDER(100, +1), FLAT(100));
        expect_fills(1);
        assert_int_equal(now.cell.state, TD_CELL_FAILED);
        assert_int_equal(now.cell.reason, TD_CELL_REASON_nan_target);
        assert_int_equal(now.cell.reason_bar, 3);
        assert_true(isnan(now.cell.metrics[TD_METRIC_final_equity]));
    }
}

static void R43_stops_act_on_the_last_bar(void **state) {
    (void)state;
    set.knob[TD_KNOB_stop_loss] = 0.125;
    for (int finalize = 0; finalize < 2; finalize++) {
        def.finalize = finalize;
        EACH_PROFILE {
            PLAY(FLAT(100), ORDER(100, +1), FLAT(100), {95, 96, 80, 90, NONE});
            expect_fills(2);
            expect_fill(1, 3, stop, -10, 87.5);
            expect_metric(trades, 1);
        }
    }
}

static void R44_rows_may_be_scaled(void **state) {
    (void)state;
    def.strategy = td_test_strategy("level");
    set.param[0] = 1;
    set.param[1] = 50;
    EACH_PROFILE {
        def.row_scale = 1;
        PLAY(FLAT(90), FLAT(110), FLAT(111), FLAT(112));
        expect_fills(0);
        /* 45 to 55: over the level; paid are 111 */
        def.row_scale = 0.5;
        PLAY(FLAT(90), FLAT(110), FLAT(111), FLAT(112));
        expect_fills(1);
        expect_fill(0, 2, open, 10, 111);
    }
}

static const struct CMUnitTest tests[] = {
    RULE(R01_fills_at_the_next_open),
    RULE(R02_fills_at_the_close),
    RULE(R03_the_last_bar_decides_in_vain),
    RULE(R04_backtesting_fills_the_last_bar_when_it_finalizes),
    RULE(R05_the_same_direction),
    RULE(R06_the_other_direction_reverses),
    RULE(R07_zero_leaves),
    RULE(R08_fractions_scale_the_size),
    RULE(R09_one_direction_only),
    RULE(R10_a_stopped_bar_may_decide_again),
    RULE(R11_stop_inside_the_bar),
    RULE(R12_stop_gapped_through),
    RULE(R13_target_inside_the_bar),
    RULE(R14_target_gapped_through),
    RULE(R15_both_in_the_bar),
    RULE(R16_stops_in_the_entry_bar),
    RULE(R17_shorts_are_mirrored),
    RULE(R18_reaching_the_level_is_enough),
    RULE(R19_levels_are_measured_from_the_price_paid),
    RULE(R20_a_stop_is_a_market_order_a_target_a_limit_order),
    RULE(R21_all_in),
    RULE(R22_fixed_units),
    RULE(R23_fraction_of_the_equity),
    RULE(R24_lots_round_down),
    RULE(R25_what_cannot_be_paid_is_refused),
    RULE(R26_commission),
    RULE(R27_spread),
    RULE(R28_slippage),
    RULE(R29_ledger_lines_add_up),
    RULE(R30_a_negative_commission_is_a_rebate),
    RULE(R31_equity_is_marked_at_the_close),
    RULE(R32_what_is_open_stays_open),
    RULE(R33_finalize_sells_at_the_last_close),
    RULE(R34_backtesting_finalizes_at_a_market_price),
    RULE(R35_ruin_at_the_close),
    RULE(R36_ruin_at_a_stop),
    RULE(R37_the_ruined_play_no_more),
    RULE(R38_a_crossing),
    RULE(R39_a_touch),
    RULE(R40_no_signal_while_warming_up),
    RULE(R41_the_start),
    RULE(R42_a_target_that_is_no_number),
    RULE(R43_stops_act_on_the_last_bar),
    RULE(R44_rows_may_be_scaled),
};

int main(void) { return cmocka_run_group_tests(tests, NULL, NULL); }
