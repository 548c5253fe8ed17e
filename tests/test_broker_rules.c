/* Rules R45 to R85 of docs/bar-rules.md, by hand on a few bars, as tests/test_bar_rules.c has the first ones. Orders come from the
 * strategy `placer` (tests/strategies), whose levels are fractions of a close, 100 here wherever one is placed. */
#include "tests/by_hand.h"

/* parameters of placer */
enum { WHEN, WHAT, LEVEL, LIMIT, SHARE, BARS, WHEN2, WHAT2, LEVEL2, SHARE2, EVERY, LOSS, PROFIT, DISTANCE, PAIR };
enum { BUY, SELL, BUY_LIMIT, SELL_LIMIT, BUY_STOP, SELL_STOP, BUY_STOP_LIMIT, SELL_STOP_LIMIT, BUY_TOUCHED, SELL_TOUCHED, LEAVE,
       LEAVE_LIMIT, LEAVE_STOP, MOVE_STOP, MOVE_TARGET, CANCEL };

static void place(int what, double level) {
    td_set knobs = set;
    def.strategy = td_test_strategy("placer");
    set = td_default_set(def.strategy);
    memcpy(set.knob, knobs.knob, sizeof set.knob);
    set.param[WHAT] = what;
    set.param[LEVEL] = level;
}
static void then(int bar, int what, double level) {
    set.param[WHEN2] = bar;
    set.param[WHAT2] = what;
    set.param[LEVEL2] = level;
}
static void turn(double stop, double limit) {
    def.strategy = td_test_strategy("turner");
    set.param[0] = stop;
    set.param[1] = limit;
}
#define BAR(open, high, low, close) {open, high, low, close, NONE}

static void R45_fills_at_the_next_close(void **state) {
    (void)state;
    def.fill_at = TD_FILL_NEXT_CLOSE;
    PLAY(FLAT(100), ORDER(100, +1), BAR(103, 106, 102, 105), {105, 107, 101, 106, 0}, BAR(108, 109, 107, 109), FLAT(110));
    expect_fills(2);
    expect_fill(0, 2, close, 10, 105);
    expect_fill(1, 4, close, -10, 109);
    expect_equity(2, 10000);
    expect_equity(3, 10010);
    expect_equity(4, 10040);
}

static void R46_orders_may_be_delayed(void **state) {
    (void)state;
    def.fill_delay = 2;
    PLAY(FLAT(100), ORDER(100, +1), FLAT(101), FLAT(102), BAR(103, 106, 102, 105), FLAT(110));
    expect_fills(1);
    expect_fill(0, 4, open, 10, 103);
    /* two decisions wait at once; the second finds the position of the first standing */
    PLAY(FLAT(100), ORDER(100, +1), ORDER(101, +0.5), FLAT(102), FLAT(103), FLAT(104), FLAT(105));
    expect_fills(1);
    /* and one for the other side reverses it then */
    PLAY(FLAT(100), ORDER(100, +1), ORDER(101, -1), FLAT(102), FLAT(103), FLAT(104), FLAT(105));
    expect_fills(3);
    expect_fill(1, 5, open, -10, 104);
    expect_fill(2, 5, open, -10, 104);
    PLAY(FLAT(100), FLAT(100), FLAT(100), ORDER(100, +1), FLAT(101), FLAT(102));
    expect_fills(0);
    def.fill_at = TD_FILL_CLOSE;
    PLAY(FLAT(100), ORDER(100, +1), FLAT(101), BAR(102, 109, 101, 108), FLAT(103));
    expect_fill(0, 3, close, 10, 108);
}

static void R47_prices_walk_through_the_bar(void **state) {
    (void)state;
    /* a buy stop at 105: up to 112, which meets the target at 110 on the way; nothing after that */
    place(BUY_STOP, 1.05);
    set.param[LOSS] = 0.98;
    set.param[PROFIT] = 1.10;
    PLAY(FLAT(100), FLAT(100), BAR(100, 112, 95, 100), FLAT(100));
    expect_fills(2);
    expect_fill(0, 2, stop_order, 10, 105);
    expect_fill(1, 2, target, -10, 110);
    /* up to 107, then down to 95: the stop at 98 */
    PLAY(FLAT(100), FLAT(100), BAR(100, 107, 95, 100), FLAT(100));
    expect_fills(2);
    expect_fill(1, 2, stop, -10, 98);
    /* what the open is beyond fills at the open, and counts from there on: the stop is beyond the open and is met at once */
    set.param[LOSS] = 1.04;
    PLAY(FLAT(100), FLAT(100), BAR(106, 107, 103, 103), FLAT(100));
    expect_fills(2);
    expect_fill(0, 2, stop_order, 10, 106);
    expect_fill(1, 2, stop, -10, 104);
}

static void R48_policies_order_the_extremes(void **state) {
    (void)state;
    set.knob[TD_KNOB_stop_loss] = set.knob[TD_KNOB_take_profit] = 0.125;
    static const struct {
        td_intrabar policy;
        double long_near_low, long_near_high, short_near_low; /* exits */
    } expected[] = {{TD_INTRABAR_STOP_FIRST, 87.5, 87.5, 112.5}, {TD_INTRABAR_TARGET_FIRST, 112.5, 112.5, 87.5},
                    {TD_INTRABAR_NEAREST_EXTREME, 87.5, 112.5, 87.5}};
    for (int i = 0; i < 3; i++) {
        def.intrabar = expected[i].policy;
        PLAY(FLAT(100), ORDER(100, +1), FLAT(100), BAR(100, 115, 86, 100), FLAT(100)); /* 14 down, 15 up */
        assert_near(now.fills[1].price, expected[i].long_near_low, 0);
        PLAY(FLAT(100), ORDER(100, +1), FLAT(100), BAR(100, 114, 85, 100), FLAT(100));
        assert_near(now.fills[1].price, expected[i].long_near_high, 0);
        PLAY(FLAT(100), ORDER(100, -1), FLAT(100), BAR(100, 115, 86, 100), FLAT(100));
        assert_near(now.fills[1].price, expected[i].short_near_low, 0);
    }
    /* flat, with a buy limit at 95 that stops at 90 and takes 110: first the high, then down through both */
    def.intrabar = TD_INTRABAR_STOP_FIRST;
    set.knob[TD_KNOB_stop_loss] = set.knob[TD_KNOB_take_profit] = 0;
    place(BUY_LIMIT, 0.95);
    set.param[LOSS] = 0.90;
    set.param[PROFIT] = 1.10;
    PLAY(FLAT(100), FLAT(100), BAR(100, 111, 94, 100), FLAT(100));
    expect_fills(1);
    def.intrabar = TD_INTRABAR_TARGET_FIRST; /* the low, then up */
    PLAY(FLAT(100), FLAT(100), BAR(100, 111, 94, 100), FLAT(100));
    expect_fills(2);
    expect_fill(1, 2, target, -10, 110);
    /* the open is beyond stop and target of a short at once */
    place(SELL, 1);
    set.param[LOSS] = 0.99;
    set.param[PROFIT] = 1.01;
    def.intrabar = TD_INTRABAR_STOP_FIRST;
    PLAY(FLAT(100), FLAT(100), FLAT(100), FLAT(100));
    expect_fill(1, 2, stop_gap, 10, 100);
    def.intrabar = TD_INTRABAR_TARGET_FIRST;
    PLAY(FLAT(100), FLAT(100), FLAT(100), FLAT(100));
    expect_fill(1, 2, target_gap, 10, 100);
    def.intrabar = TD_INTRABAR_PESSIMISTIC; /* a stop slips, a target does not */
    set.knob[TD_KNOB_slippage] = 0.01;
    PLAY(FLAT(100), FLAT(100), FLAT(100), FLAT(100));
    expect_fill(1, 2, stop_gap, 10, 101);
    expect_metric(ambiguous_bars, 1);
    def.intrabar = TD_INTRABAR_OPTIMISTIC;
    PLAY(FLAT(100), FLAT(100), FLAT(100), FLAT(100));
    expect_fill(1, 2, target_gap, 10, 100);
}

static void R49_the_worse_or_the_better_way(void **state) {
    (void)state;
    for (int best = 0; best < 2; best++) {
        start(NULL);
        def.intrabar = best ? TD_INTRABAR_OPTIMISTIC : TD_INTRABAR_PESSIMISTIC;
        set.knob[TD_KNOB_stop_loss] = set.knob[TD_KNOB_take_profit] = 0.125;
        for (int side = -1; side <= 1; side += 2) {
            PLAY(FLAT(100), ORDER(100, side), FLAT(100), BAR(100, 115, 85, 100), FLAT(100));
            expect_fills(2);
            assert_near(now.fills[1].price, 100 + (best ? 12.5 : -12.5) * side, 0);
            expect_metric(ambiguous_bars, 1);
        }
        /* where only one is reached both are the same */
        PLAY(FLAT(100), ORDER(100, +1), FLAT(100), BAR(100, 115, 95, 100), FLAT(100));
        expect_fill(1, 3, target, -10, 112.5);
        expect_metric(ambiguous_bars, 0);
        /* a limit order that is stopped, or is not, by the way back: equity at the close tells */
        set.knob[TD_KNOB_stop_loss] = set.knob[TD_KNOB_take_profit] = 0;
        place(BUY_LIMIT, 0.95);
        set.param[PROFIT] = 1.10;
        PLAY(FLAT(100), FLAT(100), BAR(100, 111, 94, 96), FLAT(96));
        expect_fills(best ? 2 : 1);
        expect_equity(2, best ? 10150 : 10010);
    }
}

static void R50_ambiguous_bars_are_counted(void **state) {
    (void)state;
    place(BUY_STOP, 1.05);
    then(1, SELL_STOP, 0.95);
    PLAY(FLAT(100), FLAT(100), BAR(100, 106, 94, 100), FLAT(100));
    expect_metric(ambiguous_bars, 1);
    PLAY(FLAT(100), FLAT(100), BAR(100, 106, 96, 100), BAR(100, 101, 94, 100));
    expect_metric(ambiguous_bars, 0);
    /* the open decides the first, the walk the second: nothing to guess */
    PLAY(FLAT(100), FLAT(100), BAR(107, 108, 94, 100), FLAT(100));
    expect_metric(ambiguous_bars, 0);
    /* a stop that follows up to 105 and is met at 99, or is met at neither, while an order works far away */
    place(BUY, 1);
    set.param[DISTANCE] = 0.05;
    then(1, SELL_STOP, 0.5);
    def.intrabar = TD_INTRABAR_OPTIMISTIC;
    PLAY(FLAT(100), FLAT(100), FLAT(100), BAR(100, 110, 99, 108), FLAT(108));
    expect_metric(ambiguous_bars, 1);
    expect_fills(1);
    expect_equity(3, 10080);
}

static void R51_limit_orders(void **state) {
    (void)state;
    set.knob[TD_KNOB_spread] = 0.02;
    set.knob[TD_KNOB_slippage] = 0.01;
    place(BUY_LIMIT, 0.95);
    PLAY(FLAT(100), FLAT(100), BAR(100, 101, 95, 99), FLAT(100));
    expect_fills(1);
    expect_fill(0, 2, limit, 10, 95);
    PLAY(FLAT(100), FLAT(100), FLAT(96), BAR(93, 97, 92, 95), FLAT(100));
    expect_fill(0, 3, limit, 10, 93);
    expect_metric(spread_paid, 0);
    expect_metric(slippage_paid, 0);
    PLAY(FLAT(100), FLAT(100), FLAT(96), FLAT(95.5));
    expect_fills(0);
    place(SELL_LIMIT, 1.05);
    PLAY(FLAT(100), FLAT(100), BAR(100, 105, 99, 101), FLAT(100));
    expect_fill(0, 2, limit, -10, 105);
    PLAY(FLAT(100), FLAT(100), BAR(108, 109, 107, 108), FLAT(100));
    expect_fill(0, 2, limit, -10, 108);
}

static void R52_stop_orders(void **state) {
    (void)state;
    set.knob[TD_KNOB_slippage] = 0.01;
    place(BUY_STOP, 1.05);
    PLAY(FLAT(100), FLAT(100), BAR(100, 105, 99, 101), FLAT(100));
    expect_fill(0, 2, stop_order, 10, 105 * 1.01);
    PLAY(FLAT(100), FLAT(100), FLAT(104), BAR(108, 109, 101, 101), FLAT(100));
    expect_fill(0, 3, stop_order, 10, 108 * 1.01);
    place(SELL_STOP, 0.95);
    PLAY(FLAT(100), FLAT(100), BAR(100, 101, 95, 99), FLAT(100));
    expect_fill(0, 2, stop_order, -10, 95 * 0.99);
    PLAY(FLAT(100), FLAT(100), BAR(90, 97, 89, 95), FLAT(100));
    expect_fill(0, 2, stop_order, -10, 90 * 0.99);
}

static void R53_stop_limit_orders(void **state) {
    (void)state;
    /* stop 105, limit 103: up to the stop, back to the limit */
    place(BUY_STOP_LIMIT, 1.05);
    set.param[LIMIT] = 1.03;
    PLAY(FLAT(100), FLAT(100), BAR(100, 106, 99, 104), FLAT(104));
    expect_fills(1); /* the high comes first for a buy, then the low */
    expect_fill(0, 2, limit, 10, 103);
    PLAY(FLAT(100), FLAT(100), BAR(100, 106, 100, 106), BAR(106, 107, 104, 105), BAR(104, 104, 102, 103), FLAT(103));
    expect_fills(1);
    expect_fill(0, 2, limit, 10, 103);
    /* a limit beyond the stop is there already: filled where the stop is met */
    set.param[LIMIT] = 1.06;
    PLAY(FLAT(100), FLAT(100), BAR(100, 107, 100, 107), FLAT(107));
    expect_fill(0, 2, limit, 10, 105);
    PLAY(FLAT(100), FLAT(100), BAR(108, 109, 107, 108), BAR(107, 107, 105, 105), FLAT(107));
    expect_fill(0, 3, limit, 10, 106);
    place(SELL_STOP_LIMIT, 0.95);
    set.param[LIMIT] = 0.97;
    PLAY(FLAT(100), FLAT(100), BAR(96, 96.5, 94, 94), BAR(95, 98, 95, 98), FLAT(98));
    expect_fills(1);
    expect_fill(0, 3, limit, -10, 97);
}

static void R54_market_if_touched_orders(void **state) {
    (void)state;
    set.knob[TD_KNOB_slippage] = 0.01;
    place(BUY_TOUCHED, 0.95);
    PLAY(FLAT(100), FLAT(100), BAR(100, 101, 95, 99), FLAT(100));
    expect_fill(0, 2, touched, 10, 95 * 1.01);
    place(SELL_TOUCHED, 1.05);
    PLAY(FLAT(100), FLAT(100), BAR(107, 108, 106, 106), FLAT(100));
    expect_fill(0, 2, touched, -10, 107 * 0.99);
}

static void R55_orders_expire(void **state) {
    (void)state;
    place(BUY_LIMIT, 0.95);
    set.param[BARS] = 2;
    PLAY(FLAT(100), FLAT(100), FLAT(100), BAR(100, 100, 95, 96), FLAT(96));
    expect_fills(1);
    PLAY(FLAT(100), FLAT(100), FLAT(100), FLAT(100), BAR(100, 100, 90, 96), FLAT(96));
    expect_fills(0);
    set.param[BARS] = 1;
    PLAY(FLAT(100), FLAT(100), FLAT(100), BAR(100, 100, 95, 96), FLAT(96));
    expect_fills(0);
    /* at the close of its last bar it makes place for another: sixteen work at any time */
    place(BUY_LIMIT, 0.5);
    set.param[EVERY] = 1;
    set.param[BARS] = 16;
    td_bar bars[40];
    for (int i = 0; i < 40; i++) bars[i] = (td_bar)FLAT(100);
    play(bars, 40);
    expect_metric(orders_refused, 0);
    set.param[BARS] = 17;
    play(bars, 40);
    expect_metric(refused_orders, 2); /* of bars 17 and 34, where the oldest works for a bar more */
}

static void R56_one_cancels_the_other(void **state) {
    (void)state;
    place(BUY_STOP, 1.05);
    then(1, SELL_STOP, 0.95);
    set.param[PAIR] = 1;
    PLAY(FLAT(100), FLAT(100), BAR(100, 106, 100, 104), BAR(100, 100, 90, 92), FLAT(96));
    expect_fills(1);
    expect_fill(0, 2, stop_order, 10, 105);
    set.param[PAIR] = 0;
    PLAY(FLAT(100), FLAT(100), BAR(100, 106, 100, 104), BAR(100, 100, 90, 92), FLAT(96));
    expect_fills(3);
    /* a market order fills before the other works */
    place(BUY, 1);
    then(1, BUY_LIMIT, 0.95);
    set.param[PAIR] = 1;
    set.knob[TD_KNOB_pyramiding] = 2;
    PLAY(FLAT(100), FLAT(100), FLAT(100), BAR(100, 100, 90, 92), FLAT(96));
    expect_fills(1);
    then(1, BUY, 1);
    PLAY(FLAT(100), FLAT(100), FLAT(100), FLAT(100));
    expect_fills(1);
    expect_metric(orders_refused, 0);
    /* what is refused takes nothing off */
    place(BUY_STOP, 1.05);
    then(1, SELL_STOP, 0.95);
    set.param[PAIR] = 1;
    set.param[SHARE] = 0.01; /* less than a lot */
    set.knob[TD_KNOB_lot] = 1;
    PLAY(FLAT(100), FLAT(100), BAR(100, 106, 100, 104), BAR(100, 100, 90, 92), FLAT(96));
    expect_fills(1);
    expect_fill(0, 3, stop_order, -10, 95);
}

static void R57_an_entry_closes_the_other_side(void **state) {
    (void)state;
    place(BUY, 1);
    then(2, SELL_LIMIT, 1.05);
    PLAY(FLAT(100), FLAT(100), FLAT(100), BAR(100, 106, 99, 104), FLAT(104));
    expect_fills(3);
    expect_fill(0, 2, open, 10, 100);
    expect_fill(1, 3, limit, -10, 105);
    expect_fill(2, 3, limit, -10, 105);
    def.direction = TD_DIRECTION_LONG;
    PLAY(FLAT(100), FLAT(100), FLAT(100), BAR(100, 106, 99, 104), FLAT(104));
    expect_fills(2);
    /* not on the bar of the decision */
    def.direction = TD_DIRECTION_BOTH;
    place(BUY_LIMIT, 0.95);
    PLAY(FLAT(100), BAR(100, 101, 90, 100), FLAT(100), FLAT(100));
    expect_fills(0);
}

static void R58_positions_may_be_added_to(void **state) {
    (void)state;
    set.knob[TD_KNOB_pyramiding] = 2;
    set.knob[TD_KNOB_stop_loss] = 0.1;
    place(BUY, 1);
    set.param[EVERY] = 1;
    PLAY(FLAT(100), FLAT(100), FLAT(100), FLAT(120), FLAT(120), BAR(120, 120, 98, 99), FLAT(99));
    expect_fills(4);
    expect_fill(1, 3, open, 10, 120);
    expect_fill(2, 5, stop, -20, 99); /* 10 % below the mean of 110 */
    expect_fill(3, 6, open, 10, 99);
    expect_equity(4, 10200);
    assert_near(now.trades[0].entry_price, 110, 0);
    expect_metric(trades, 1);
    expect_metric(refused_pyramiding, 2); /* decided on bars 3 and 4 */
}

static void R59_positions_may_be_left_in_parts(void **state) {
    (void)state;
    set.knob[TD_KNOB_fixed_commission] = 4;
    set.knob[TD_KNOB_lot] = 1;
    place(BUY, 1);
    then(2, LEAVE_LIMIT, 1.05);
    set.param[SHARE2] = 0.25; /* 2.5 of 10: two lots */
    PLAY(FLAT(100), FLAT(100), FLAT(100), BAR(100, 106, 100, 106), FLAT(106));
    expect_fills(2);
    expect_fill(1, 3, limit, -2, 105);
    expect_metric(trades, 1);
    assert_near(now.trades[0].units, 2, 0);
    assert_near(now.trades[0].pnl, 2 * 5 - 4 - 4 * 0.2, 1e-15);
    assert_near(now.fills[1].position, 8, 0);
    expect_equity(3, 10000 - 8 + 10 + 8 * 6);
    /* less than a lot is refused */
    set.param[SHARE2] = 0.05;
    PLAY(FLAT(100), FLAT(100), FLAT(100), BAR(100, 106, 100, 106), FLAT(106));
    expect_fills(1);
    expect_metric(refused_lot, 1);
}

static void R60_brackets(void **state) {
    (void)state;
    place(BUY, 1);
    set.param[LOSS] = 0.95;
    set.param[PROFIT] = 1.10;
    PLAY(FLAT(100), FLAT(100), FLAT(100), BAR(100, 104, 94, 95), FLAT(95));
    expect_fill(1, 3, stop, -10, 95);
    PLAY(FLAT(100), FLAT(100), FLAT(100), BAR(100, 111, 99, 95), FLAT(95));
    expect_fill(1, 3, target, -10, 110);
    /* the configuration's stop is nearer, its target further away */
    set.knob[TD_KNOB_stop_loss] = 0.03;
    set.knob[TD_KNOB_take_profit] = 0.2;
    PLAY(FLAT(100), FLAT(100), FLAT(100), BAR(100, 104, 94, 95), FLAT(95));
    expect_fill(1, 3, stop, -10, 97);
    PLAY(FLAT(100), FLAT(100), FLAT(100), BAR(100, 111, 99, 95), FLAT(95));
    expect_fill(1, 3, target, -10, 110);
    set.knob[TD_KNOB_stop_loss] = set.knob[TD_KNOB_take_profit] = 0;
    set.param[LOSS] = set.param[PROFIT] = 0;
    set.param[DISTANCE] = 0.04;
    PLAY(FLAT(100), FLAT(100), FLAT(100), BAR(100, 110, 100, 108), BAR(108, 108, 100, 101), FLAT(95));
    expect_fill(1, 4, trailing, -10, 106);
}

static void R61_levels_may_be_moved(void **state) {
    (void)state;
    place(BUY, 1);
    set.param[LOSS] = 0.90;
    then(2, MOVE_STOP, 0.98);
    PLAY(FLAT(100), FLAT(100), BAR(100, 100, 97, 100), BAR(100, 104, 97, 99), FLAT(95));
    expect_fills(2);
    expect_fill(1, 3, stop, -10, 98);
    then(2, MOVE_TARGET, 1.03);
    PLAY(FLAT(100), FLAT(100), BAR(100, 103, 97, 100), BAR(100, 104, 97, 99), FLAT(95));
    expect_fill(1, 3, target, -10, 103);
    /* not behind a trailing stop */
    set.param[LOSS] = 0;
    set.param[DISTANCE] = 0.05;
    then(2, MOVE_STOP, 0.80);
    PLAY(FLAT(100), FLAT(100), FLAT(100), BAR(100, 100, 94, 96), FLAT(95));
    expect_fill(1, 3, trailing, -10, 95);
    /* the position that stood when it was said: a market order of the same bar makes another, which has no stop */
    turn(95, 1000);
    PLAY(FLAT(100), FLAT(100), FLAT(100), FLAT(100), BAR(100, 101, 90, 100), BAR(100, 101, 90, 100), FLAT(100));
    expect_fills(3);
    expect_fill(1, 4, open, -10, 100);
    expect_fill(2, 4, open, -10, 100);
}

static void R62_exits_end_with_the_position(void **state) {
    (void)state;
    place(BUY, 1);
    set.param[LOSS] = 0.98;
    set.param[EVERY] = 3; /* buys on bars 1 and 4 */
    then(2, LEAVE_LIMIT, 1.05);
    PLAY(FLAT(100), FLAT(100), FLAT(100), BAR(100, 100, 97, 100), FLAT(100), BAR(100, 106, 100, 106), FLAT(106), FLAT(106));
    expect_fills(3); /* in, stopped, in: the limit of bar 2 is gone, that of bar 5 is not reached from above */
    set.param[LOSS] = 0;
    set.param[EVERY] = 100000;
    place(BUY_LIMIT, 0.95);
    then(2, CANCEL, 1);
    PLAY(FLAT(100), FLAT(100), FLAT(100), BAR(100, 100, 90, 95), FLAT(95));
    expect_fills(0);
    /* an exit of a position that a market order of the same bar ends, ends with it, too, whatever comes later */
    turn(1000, 108);
    PLAY(FLAT(100), FLAT(100), FLAT(100), FLAT(100), FLAT(100), BAR(100, 109, 100, 100), FLAT(100));
    expect_fills(3); /* in, out and short */
    assert_near(now.fills[2].position, -10, 0);
    /* market orders that wait are not cancelled ... */
    def.fill_delay = 2;
    place(BUY, 1);
    then(2, CANCEL, 1);
    PLAY(FLAT(100), FLAT(100), FLAT(100), FLAT(100), FLAT(100), FLAT(100));
    expect_fills(1);
    expect_fill(0, 4, open, 10, 100);
    /* ... but those that leave end with the position: that of bar 4, stopped on bar 5, not the one of bar 6 */
    set.param[LOSS] = 0.98;
    set.param[EVERY] = 2;
    then(4, LEAVE, 1);
    PLAY(FLAT(100), FLAT(100), FLAT(100), FLAT(100), FLAT(100), BAR(100, 100, 97, 100), FLAT(100), FLAT(100));
    expect_fills(3);
    expect_fill(1, 5, stop, -10, 98);
    expect_fill(2, 6, open, 10, 100);
    /* nor does a strategy that cancels on every bar call off what a risk limit closes */
    def.fill_delay = 0;
    def.sizing = TD_SIZING_ALL_IN;
    set.knob[TD_KNOB_drawdown] = 0.05;
    place(BUY, 1);
    then(2, CANCEL, 1);
    set.param[EVERY] = 1;
    PLAY(FLAT(100), FLAT(100), FLAT(100), FLAT(94), FLAT(90), FLAT(80));
    expect_fills(2);
    expect_fill(1, 4, risk, -100, 90);
}

static void R63_contradictions_are_refused(void **state) {
    (void)state;
    place(BUY_LIMIT, 0.95);
    set.param[LOSS] = 0.96;
    PLAY(FLAT(100), FLAT(100), BAR(100, 100, 90, 95), FLAT(95));
    expect_fills(0);
    expect_metric(refused_orders, 1);
    place(SELL_STOP, 0.95);
    set.param[PROFIT] = 0.96;
    PLAY(FLAT(100), FLAT(100), BAR(100, 100, 90, 95), FLAT(95));
    expect_metric(refused_orders, 1);
    /* sixteen orders work, the rest is refused */
    place(BUY_LIMIT, 0.5);
    set.param[EVERY] = 1;
    td_bar bars[20];
    for (int i = 0; i < 20; i++) bars[i] = (td_bar)FLAT(100);
    play(bars, 20);
    expect_metric(refused_orders, 2); /* bars 1 to 18 place; the last bar decides in vain */
    place(BUY_LIMIT, 0.95);
    set.param[SHARE] = 1.5;
    PLAY(FLAT(100), FLAT(100), FLAT(100), FLAT(95));
    assert_int_equal(now.cell.state, TD_CELL_FAILED);
    assert_int_equal(now.cell.reason, TD_CELL_REASON_nan_order);
    assert_int_equal(now.cell.reason_bar, 1);
}

static void R64_trailing_stops(void **state) {
    (void)state;
    set.knob[TD_KNOB_trailing] = 0.1;
    PLAY(FLAT(100), ORDER(100, +1), FLAT(100), BAR(100, 120, 100, 118), BAR(118, 118, 108, 110), FLAT(110));
    expect_fills(2);
    expect_fill(1, 4, trailing, -10, 108);
    /* the best price begins with the one paid */
    PLAY(FLAT(100), ORDER(100, +1), FLAT(100), BAR(100, 100, 89, 95), FLAT(110));
    expect_fill(1, 3, trailing, -10, 90);
    /* the low comes first: tested before this bar's high is known; the close after it, against what the high made of it */
    PLAY(FLAT(100), ORDER(100, +1), FLAT(100), BAR(100, 120, 95, 112), FLAT(112));
    expect_fills(1);
    PLAY(FLAT(100), ORDER(100, +1), FLAT(100), BAR(100, 120, 95, 107), FLAT(107));
    expect_fill(1, 3, trailing, -10, 108);
    PLAY(FLAT(100), ORDER(100, -1), FLAT(100), BAR(100, 100, 80, 82), BAR(82, 90, 82, 85), FLAT(85));
    expect_fill(1, 4, trailing, 10, 88);
    set.knob[TD_KNOB_trailing_amount] = 5;
    PLAY(FLAT(100), ORDER(100, +1), FLAT(100), BAR(100, 120, 100, 118), BAR(118, 118, 108, 110), FLAT(110));
    expect_fill(1, 4, trailing, -10, 115);
    /* an addition on the way down from 120 begins anew: with the price there, 110, which is better than the mean of 105 */
    set.knob[TD_KNOB_trailing] = set.knob[TD_KNOB_trailing_amount] = 0;
    set.knob[TD_KNOB_pyramiding] = 2;
    def.intrabar = TD_INTRABAR_TARGET_FIRST;
    place(BUY_LIMIT, 1.1);
    set.param[WHEN] = 2;
    set.param[DISTANCE] = 0.05;
    then(1, BUY, 1);
    PLAY(FLAT(100), FLAT(100), FLAT(100), BAR(115, 120, 104, 104), FLAT(104));
    expect_fills(3);
    expect_fill(1, 3, limit, 10, 110);
    expect_fill(2, 3, trailing, -20, 105);
}

static void R65_break_even(void **state) {
    (void)state;
    set.knob[TD_KNOB_break_even] = 0.05;
    PLAY(FLAT(100), ORDER(100, +1), FLAT(100), BAR(100, 105, 99, 104), BAR(104, 104, 98, 99), FLAT(99));
    expect_fills(2);
    expect_fill(1, 4, break_even, -10, 100);
    PLAY(FLAT(100), ORDER(100, +1), FLAT(100), BAR(100, 104.9, 99, 104), BAR(104, 104, 98, 99), FLAT(99));
    expect_fills(1);
    PLAY(FLAT(100), ORDER(100, -1), FLAT(100), BAR(100, 101, 95, 96), BAR(96, 102, 96, 97), FLAT(99));
    expect_fill(1, 4, break_even, 10, 100);
}

static void R66_time_stop(void **state) {
    (void)state;
    set.knob[TD_KNOB_time_stop] = 2;
    PLAY(FLAT(100), ORDER(100, +1), FLAT(100), FLAT(101), BAR(103, 105, 102, 104), FLAT(105));
    expect_fills(2);
    expect_fill(1, 4, time_stop, -10, 103);
    def.fill_at = TD_FILL_CLOSE;
    PLAY(FLAT(100), ORDER(100, +1), FLAT(101), BAR(103, 105, 102, 104), FLAT(105));
    expect_fill(0, 1, close, 10, 100);
    expect_fill(1, 3, time_stop, -10, 104);
}

static void R67_distances_in_volatility(void **state) {
    (void)state;
    def.volatility = TD_VOLATILITY_ATR;
    set.knob[TD_KNOB_volatility_window] = 2;
    set.knob[TD_KNOB_stop_volatility] = 1.5;
    set.knob[TD_KNOB_target_volatility] = 2;
    /* true ranges of 4 and 4: stop 6 below the price paid, target 8 above */
    PLAY(BAR(100, 102, 98, 100), {100, 102, 98, 100, +1}, FLAT(101), BAR(101, 108, 96, 100), BAR(100, 100, 94, 95), FLAT(95));
    expect_fills(2);
    expect_fill(1, 4, stop, -10, 95);
    PLAY(BAR(100, 102, 98, 100), {100, 102, 98, 100, -1}, FLAT(101), BAR(101, 106, 94, 100), BAR(100, 100, 92, 95), FLAT(95));
    expect_fill(1, 4, target, 10, 93);
    set.knob[TD_KNOB_stop_volatility] = set.knob[TD_KNOB_target_volatility] = 0;
    set.knob[TD_KNOB_trailing_volatility] = 1;
    PLAY(BAR(100, 102, 98, 100), {100, 102, 98, 100, +1}, FLAT(100), BAR(100, 110, 99, 108), BAR(108, 108, 100, 101), FLAT(95));
    expect_fill(1, 4, trailing, -10, 106);
    /* the root mean square of changes of 3 and 4 */
    def.volatility = TD_VOLATILITY_STD;
    set.knob[TD_KNOB_trailing_volatility] = 0;
    set.knob[TD_KNOB_stop_volatility] = 2;
    PLAY(FLAT(100), FLAT(103), ORDER(107, +1), FLAT(107), BAR(107, 107, 90, 95), FLAT(95));
    expect_fill(1, 4, stop, -10, 107 - 2 * sqrt(12.5));
    /* not yet known */
    set.knob[TD_KNOB_volatility_window] = 4;
    PLAY(FLAT(100), FLAT(103), ORDER(107, +1), FLAT(107), BAR(107, 107, 90, 95), FLAT(95));
    expect_fills(0);
    expect_metric(refused_volatility, 1);
}

static void R68_fixed_value(void **state) {
    (void)state;
    def.sizing = TD_SIZING_FIXED_VALUE;
    set.knob[TD_KNOB_size] = 5000;
    PLAY(FLAT(100), ORDER(100, +0.5), FLAT(125), FLAT(120));
    expect_fill(0, 2, open, 20, 125);
    set.knob[TD_KNOB_size] = 10001;
    PLAY(FLAT(100), ORDER(100, +1), FLAT(125), FLAT(120));
    expect_fills(0);
    expect_metric(refused_cash, 1);
}

static void R69_risk_per_stop(void **state) {
    (void)state;
    def.sizing = TD_SIZING_RISK;
    set.knob[TD_KNOB_size] = 0.01;
    set.knob[TD_KNOB_stop_loss] = 0.0625;
    PLAY(FLAT(128), ORDER(128, +1), FLAT(128), BAR(128, 128, 119, 121), FLAT(120));
    expect_fill(0, 2, open, 12.5, 128); /* 100 / 8 */
    expect_fill(1, 3, stop, -12.5, 120);
    expect_equity(3, 9900);
    set.knob[TD_KNOB_stop_loss] = 0;
    place(BUY, 1);
    set.param[LOSS] = 0.95;
    PLAY(FLAT(100), FLAT(100), FLAT(100), FLAT(100));
    expect_fill(0, 2, open, 20, 100);
    for (int i = 0; i < 2; i++) {
        set.param[LOSS] = i ? 1.05 : 0; /* none, or one that is met at once */
        PLAY(FLAT(100), FLAT(100), FLAT(100), FLAT(100));
        expect_fills(0);
        expect_metric(refused_orders, 1);
    }
}

static void R70_volatility_target(void **state) {
    (void)state;
    def.sizing = TD_SIZING_VOLATILITY;
    def.volatility = TD_VOLATILITY_STD;
    set.knob[TD_KNOB_volatility_window] = 2;
    set.knob[TD_KNOB_size] = 0.2;
    PLAY(FLAT(100), FLAT(103), ORDER(107, +1), FLAT(107), FLAT(107));
    expect_fills(1);
    expect_fill(0, 3, open, 10000 * 0.2 / (sqrt(12.5) * sqrt(365)), 107);
}

static void R71_kelly(void **state) {
    (void)state;
    def.sizing = TD_SIZING_KELLY;
    set.knob[TD_KNOB_size] = 0.5;
    PLAY(FLAT(100), ORDER(100, +1), FLAT(100), FLAT(100));
    expect_fill(0, 2, open, 5, 100); /* half of a tenth */
    /* ten trades: six win a fifth of what they hold, four lose an eighth of it */
    td_bar bars[46];
    int count = 0;
    bars[count++] = (td_bar)FLAT(100);
    for (int i = 0; i < 10; i++) {
        bars[count++] = (td_bar)ORDER(100, +1);
        bars[count++] = (td_bar)ORDER(100, 0);
        bars[count] = bars[count - 1];
        double price = i < 6 ? 120 : 87.5;
        bars[count++] = (td_bar)FLAT(price);
    }
    bars[count++] = (td_bar)ORDER(100, +1);
    bars[count++] = (td_bar)FLAT(100);
    bars[count++] = (td_bar)FLAT(100);
    play(bars, count);
    expect_metric(trades, 10);
    double cash = now.equity[count - 4], wins = 0, losses = 0;
    for (int i = 0; i < 10; i++) {
        if (now.trades[i].pnl > 0) wins += now.trades[i].pnl;
        if (now.trades[i].pnl < 0) losses -= now.trades[i].pnl;
    }
    double kelly = 0.6 - 0.4 / ((wins / 6) / (losses / 4));
    assert_near(now.fills[20].units, cash * 0.5 * kelly / 100, 1e-14);
}

static void R72_leverage(void **state) {
    (void)state;
    def.sizing = TD_SIZING_ALL_IN;
    set.knob[TD_KNOB_leverage] = 3;
    PLAY(FLAT(100), ORDER(100, +1), FLAT(100), FLAT(110));
    expect_fill(0, 2, open, 300, 100);
    expect_equity(3, 13000);
    def.sizing = TD_SIZING_FIXED_UNITS;
    set.knob[TD_KNOB_size] = 301;
    PLAY(FLAT(100), ORDER(100, -1), FLAT(100), FLAT(110));
    expect_fills(0);
    expect_metric(refused_cash, 1);
    /* what little an almost full position does not have yet is no more than there is, however it is rounded */
    def.sizing = TD_SIZING_ALL_IN;
    set.knob[TD_KNOB_size] = 1;
    set.knob[TD_KNOB_leverage] = 1;
    set.knob[TD_KNOB_pyramiding] = 2;
    place(BUY, 1);
    then(2, BUY, 1);
    for (int i = 1; i <= 30; i++) {
        set.param[SHARE] = 1 - i * 1.37e-5;
        PLAY(FLAT(163.29), FLAT(163.29), FLAT(163.29), FLAT(163.29), FLAT(163.29));
        expect_fills(2);
        expect_metric(refused_cash, 0);
    }
}

static void R73_largest_position(void **state) {
    (void)state;
    set.knob[TD_KNOB_max_position] = 600;
    PLAY(FLAT(100), ORDER(100, +1), FLAT(120), FLAT(110));
    expect_fill(0, 2, open, 5, 120);
    set.knob[TD_KNOB_pyramiding] = 3;
    set.knob[TD_KNOB_size] = 4;
    place(BUY, 1);
    set.param[EVERY] = 1;
    PLAY(FLAT(100), FLAT(100), FLAT(100), FLAT(100), FLAT(100), FLAT(100));
    expect_fills(2);
    expect_fill(1, 3, open, 2, 100);
    expect_metric(refused_lot, 2); /* nothing is left of an order that is cut to nothing */
}

static void R74_liquidation(void **state) {
    (void)state;
    def.sizing = TD_SIZING_ALL_IN;
    set.knob[TD_KNOB_leverage] = 4;
    set.knob[TD_KNOB_maintenance] = 0.0625;
    /* 400 long at 100 for 10000: equity 10000 + 400 (p - 100) = 400 p / 16 at p = 80 */
    PLAY(FLAT(100), ORDER(100, +1), FLAT(100), BAR(100, 100, 79, 90), FLAT(90));
    expect_fills(2);
    expect_fill(1, 3, liquidation, -400, 80);
    expect_equity(4, 2000);
    assert_int_equal(now.cell.ruined, 0);
    PLAY(FLAT(100), ORDER(100, +1), FLAT(100), BAR(78, 80, 77, 79), FLAT(90));
    expect_fill(1, 3, liquidation, -400, 78);
    /* a short: 10000 + 400 (100 - p) = 400 p / 16 at p = 2000 / 17 * ... = 50000 / 425 */
    PLAY(FLAT(100), ORDER(100, -1), FLAT(100), BAR(100, 118, 100, 110), FLAT(90));
    expect_fill(1, 3, liquidation, 400, 50000.0 / 425);
    /* the stop is nearer */
    set.knob[TD_KNOB_stop_loss] = 0.125;
    PLAY(FLAT(100), ORDER(100, +1), FLAT(100), BAR(100, 100, 79, 90), FLAT(90));
    expect_fill(1, 3, stop, -400, 87.5);
    /* equity that the commission left is not enough at any price: liquidated where it was entered */
    set.knob[TD_KNOB_stop_loss] = 0;
    set.knob[TD_KNOB_cash] = 100;
    set.knob[TD_KNOB_fixed_commission] = 150;
    def.sizing = TD_SIZING_FIXED_UNITS;
    set.knob[TD_KNOB_size] = 1;
    for (int side = -1; side <= 1; side += 2) {
        PLAY(FLAT(100), ORDER(100, side), FLAT(100), FLAT(100));
        expect_fills(2);
        expect_fill(1, 2, liquidation, -side, 100);
        assert_int_equal(now.cell.ruined, 1);
    }
}

static void R75_maker_and_per_unit_commission(void **state) {
    (void)state;
    set.knob[TD_KNOB_commission] = 0.01;
    set.knob[TD_KNOB_maker] = -0.001;
    set.knob[TD_KNOB_per_unit] = 0.25;
    def.maker_rate = true;
    place(BUY_LIMIT, 0.95);
    then(3, LEAVE, 1);
    PLAY(FLAT(100), FLAT(100), BAR(100, 100, 95, 98), FLAT(100), FLAT(100), FLAT(100));
    expect_fills(2);
    assert_near(now.fills[0].commission, -0.95 + 2.5, 1e-15);
    assert_near(now.fills[1].commission, 10 + 2.5, 1e-15);
    def.maker_rate = false;
    PLAY(FLAT(100), FLAT(100), BAR(100, 100, 95, 98), FLAT(100), FLAT(100), FLAT(100));
    assert_near(now.fills[0].commission, 9.5 + 2.5, 1e-15);
}

static void R76_slippage_by_ticks_and_volume(void **state) {
    (void)state;
    set.knob[TD_KNOB_tick] = 0.25;
    set.knob[TD_KNOB_slippage_ticks] = 2;
    PLAY(FLAT(100), ORDER(100, +1), FLAT(100), ORDER(110, 0), FLAT(110), FLAT(110));
    expect_fill(0, 2, open, 10, 100.5);
    expect_fill(1, 4, open, -10, 109.5);
    expect_metric(slippage_paid, 10);
    set.knob[TD_KNOB_slippage_ticks] = 0;
    set.knob[TD_KNOB_volume_share] = 0.1;
    td_tape tape = td_script_tape((td_bar[]){FLAT(100), ORDER(100, +1), FLAT(100), FLAT(100)}, 4, TD_NS_PER_DAY);
    ((double *)(uintptr_t)tape.volume)[2] = 20; /* half of it: 0.1 * 0.25 */
    play_tape(&tape);
    expect_fill(0, 2, open, 10, 102.5);
    set.knob[TD_KNOB_volume_share] = 0;
    set.knob[TD_KNOB_impact] = 0.05;
    ((double *)(uintptr_t)tape.volume)[2] = 40;
    play_tape(&tape);
    expect_fill(0, 2, open, 10, 102.5);
    /* all in, the price moves, so there is less to be had */
    def.sizing = TD_SIZING_ALL_IN;
    ((double *)(uintptr_t)tape.volume)[2] = 400;
    play_tape(&tape);
    expect_fill(0, 2, open, 10000 / 102.5, 102.5);
    /* what could not be paid without the move either is refused, not cut */
    def.sizing = TD_SIZING_FIXED_UNITS;
    set.knob[TD_KNOB_size] = 101;
    play_tape(&tape);
    expect_fills(0);
    expect_metric(refused_cash, 1);
    td_test_tape_free(&tape);
}

static void R77_funding_and_borrow(void **state) {
    (void)state;
    set.knob[TD_KNOB_funding] = 0.001;
    /* daily bars: three times eight hours each; the one entered on at its open counts */
    PLAY(FLAT(100), ORDER(100, +1), FLAT(100), ORDER(110, 0), FLAT(120), FLAT(120));
    expect_metric(funding_paid, 3 * 0.001 * 10 * 100 + 3 * 0.001 * 10 * 110);
    expect_equity(2, 10000 - 3);
    assert_near(now.trades[0].pnl, 200 - 3 - 3.3, 1e-14);
    PLAY(FLAT(100), ORDER(100, -1), FLAT(100), ORDER(110, 0), FLAT(120), FLAT(120));
    expect_metric(funding_paid, -6.3);
    set.knob[TD_KNOB_funding] = 0;
    set.knob[TD_KNOB_borrow] = 0.365;
    PLAY(FLAT(100), ORDER(100, -1), FLAT(100), ORDER(110, 0), FLAT(120), FLAT(120));
    expect_metric(borrow_paid, 0.001 * (1000 + 1100));
    PLAY(FLAT(100), ORDER(100, +1), FLAT(100), ORDER(110, 0), FLAT(120), FLAT(120));
    expect_metric(borrow_paid, 0);
}

static void R78_loss_limits(void **state) {
    (void)state;
    def.sizing = TD_SIZING_ALL_IN;
    set.knob[TD_KNOB_daily_loss] = 0.05;
    PLAY(FLAT(100), ORDER(100, +1), FLAT(100), FLAT(95), FLAT(94), ORDER(94, 0), ORDER(94, +1), FLAT(94), FLAT(94));
    expect_fills(3);
    expect_fill(1, 4, risk, -100, 94);
    expect_fill(2, 7, open, 100, 94);
    /* hourly bars: the rest of the day is off */
    td_tape tape = td_script_tape((td_bar[]){FLAT(100), ORDER(100, +1), FLAT(100), FLAT(94), ORDER(94, 0), ORDER(94, +1), FLAT(94), FLAT(94)}, 8,
                                  3600 * TD_NS_PER_SECOND);
    play_tape(&tape);
    td_test_tape_free(&tape);
    expect_fills(2);
    expect_metric(refused_daily_loss, 1);
    set.knob[TD_KNOB_daily_loss] = 0;
    set.knob[TD_KNOB_drawdown] = 0.1;
    PLAY(FLAT(100), ORDER(100, +1), FLAT(100), FLAT(120), FLAT(108), FLAT(107), ORDER(107, 0), ORDER(107, +1), FLAT(107), FLAT(107));
    expect_fills(2);
    expect_fill(1, 5, risk, -100, 107);
    expect_metric(refused_drawdown, 1);
    /* at a close that leaves nothing, ruin is the reason, also where fills are at that close */
    def.fill_at = TD_FILL_CLOSE;
    PLAY(FLAT(100), ORDER(100, -1), FLAT(100), FLAT(201), FLAT(201));
    expect_fills(2);
    expect_fill(1, 3, ruin, 100, 201);
    /* filled as a decision of bar 3 would be; entries decided there or later are refused */
    def.fill_at = TD_FILL_NEXT_CLOSE;
    PLAY(FLAT(100), ORDER(100, +1), FLAT(100), ORDER(89, -1), FLAT(88), ORDER(87, +1), FLAT(87), FLAT(87));
    expect_fills(2);
    expect_fill(0, 2, close, 100, 100);
    expect_fill(1, 4, risk, -100, 88);
    expect_metric(refused_drawdown, 2); /* of bars 3 and 5 */
    def.fill_at = TD_FILL_NEXT_OPEN;
    def.fill_delay = 2;
    PLAY(FLAT(100), ORDER(100, +1), FLAT(100), FLAT(100), ORDER(100, -1), FLAT(89), ORDER(88, +1), FLAT(87), FLAT(86), FLAT(85), FLAT(84));
    expect_fills(2);
    expect_fill(0, 4, open, 100, 100);
    expect_fill(1, 8, risk, -100, 86);
    expect_metric(refused_drawdown, 1); /* of bar 6; that of bar 4 waited when the limit was reached, and was taken off */
}

static void R79_cool_down_and_hours(void **state) {
    (void)state;
    set.knob[TD_KNOB_cool_down] = 2;
    set.knob[TD_KNOB_stop_loss] = 0.05;
    PLAY(FLAT(100), ORDER(100, +1), FLAT(100), {100, 100, 94, 96, +1}, ORDER(96, +1), ORDER(96, +1), FLAT(96), FLAT(96));
    expect_fills(3); /* stopped on bar 3: fills of bars 4 and 5 are refused */
    expect_fill(2, 6, open, 10, 96);
    expect_metric(refused_cool_down, 2);
    /* of several reasons the first counts: the day's limit lasts until bar 4, and the cool-down is none while it does */
    set.knob[TD_KNOB_cool_down] = 30;
    set.knob[TD_KNOB_daily_loss] = 0.001;
    td_tape day = td_script_tape((td_bar[]){FLAT(100), ORDER(100, +1), FLAT(100), {100, 100, 94, 96, +1}, ORDER(96, +1), ORDER(96, +1), FLAT(96)},
                                 7, TD_NS_PER_DAY / 5);
    play_tape(&day);
    td_test_tape_free(&day);
    expect_metric(refused_daily_loss, 1);
    expect_metric(refused_cool_down, 2);
    start(NULL);
    def.hours_from = 120, def.hours_to = 240;
    td_tape tape = td_script_tape((td_bar[]){FLAT(100), ORDER(100, +1), ORDER(100, 0), ORDER(100, +1), FLAT(100), FLAT(100)}, 6,
                                  3600 * TD_NS_PER_SECOND); /* bar t opens at t o'clock */
    play_tape(&tape);
    expect_fills(2); /* in on bar 2, out on bar 3 */
    expect_metric(refused_hours, 1);
    def.hours_from = 240, def.hours_to = 120; /* across midnight */
    play_tape(&tape);
    expect_fills(1);
    expect_fill(0, 4, open, 10, 100);
    td_test_tape_free(&tape);
}

static void R80_rebalancing_trades_the_difference(void **state) {
    (void)state;
    def.strategy = td_test_strategy("resizer");
    set.knob[TD_KNOB_stop_loss] = 0.1;
    /* 10 at 110, 6 of them sold, 5 bought: the mean price moves, the stop stays at 99 */
    PLAY(FLAT(100), ORDER(100, +1), ORDER(110, +0.4), FLAT(120), ORDER(120, +0.9), FLAT(130), BAR(125, 125, 100, 110), BAR(110, 110, 98, 98));
    expect_fills(4);
    expect_fill(0, 2, open, 10, 110);
    expect_fill(1, 3, open, -6, 120);
    expect_fill(2, 5, open, 5, 130);
    expect_fill(3, 7, stop, -9, 99);
    expect_metric(trades, 2);
    assert_near(now.trades[1].entry_price, (4 * 110 + 5 * 130) / 9.0, 1e-12);
    assert_near(now.trades[1].entry_bar, 2, 0);
    /* the size that stands is none to trade; the other side reverses, nought is out, and a direction may forbid */
    set.knob[TD_KNOB_stop_loss] = 0;
    PLAY(FLAT(100), ORDER(100, +1), ORDER(100, +1), ORDER(100, -0.5), ORDER(100, 0), FLAT(100), FLAT(100));
    expect_fills(4);
    expect_fill(1, 4, open, -10, 100);
    expect_fill(2, 4, open, -5, 100);
    expect_fill(3, 5, open, 5, 100);
    def.direction = TD_DIRECTION_LONG;
    PLAY(FLAT(100), ORDER(100, +1), ORDER(100, -0.5), FLAT(100), FLAT(100));
    expect_fills(2);
    def.direction = TD_DIRECTION_BOTH;
    /* a short likewise; rounded down to lots, the rest of less than one is none */
    set.knob[TD_KNOB_lot] = 4;
    PLAY(FLAT(100), ORDER(100, -1), ORDER(100, -0.5), ORDER(100, -0.9), ORDER(100, -0.2), FLAT(100), FLAT(100));
    expect_fills(4);
    expect_fill(0, 2, open, -8, 100);
    expect_fill(1, 3, open, 4, 100);
    expect_fill(2, 4, open, -4, 100);
    expect_fill(3, 5, open, 8, 100);
    /* what the equity at that price cannot pay is refused, and the position stays */
    set.knob[TD_KNOB_lot] = 0;
    set.knob[TD_KNOB_cash] = 600;
    PLAY(FLAT(100), ORDER(100, +0.5), FLAT(100), ORDER(100, +1), FLAT(100), FLAT(100));
    expect_fills(1);
    expect_metric(refused_cash, 1);
    PLAY(FLAT(100), ORDER(100, +0.5), ORDER(100, INFINITY), FLAT(100), FLAT(100));
    assert_int_equal(now.cell.reason, TD_CELL_REASON_nan_target);
    assert_int_equal(now.cell.reason_bar, 2);
    /* all-in counts the open profit: half of 15000 at 200, half of 9375 at 50; commission only of what is traded */
    def.sizing = TD_SIZING_ALL_IN;
    set.knob[TD_KNOB_cash] = 10000;
    PLAY(FLAT(100), ORDER(100, +0.5), FLAT(100), ORDER(200, +0.5), FLAT(200), ORDER(50, +0.5), FLAT(50), FLAT(50));
    expect_fills(3);
    expect_fill(0, 2, open, 50, 100);
    expect_fill(1, 4, open, -12.5, 200);
    expect_fill(2, 6, open, 56.25, 50);
    expect_equity(7, 9375);
    set.knob[TD_KNOB_commission] = 0.0625;
    PLAY(FLAT(100), ORDER(100, +0.5), FLAT(100), ORDER(100, +1), FLAT(100), FLAT(100));
    double first = 5000 / 106.25, left = 10000 - first * 6.25, more = left / 106.25 - first;
    expect_fill(0, 2, open, first, 100);
    expect_fill(1, 4, open, more, 100);
    expect_equity(5, left - more * 6.25);
}

static void expect_commissions(const double *commissions, int count) {
    expect_fills(count);
    for (int i = 0; i < count; i++) assert_near(now.fills[i].commission, commissions[i], 1e-14);
}

static void R85_tiers_by_traded_value(void **state) {
    (void)state;
    def.tiers[0] = (td_tier){0, 0.01, 0.02};
    def.tiers[1] = (td_tier){1000, 0.005, -0.001};
    def.tiers[2] = (td_tier){2000, 0.0025, 0.002};
    def.tier_count = 3;
    def.tier_days = 2;
    /* ten units at 100 are 1000: traded in the two days before each fill were 0, 1000, 1000, 2000 and, much later, 0 */
    PLAY(FLAT(100), ORDER(100, +1), FLAT(100), ORDER(100, 0), ORDER(100, +1), ORDER(100, 0), FLAT(100), FLAT(100), FLAT(100),
         ORDER(100, +1), FLAT(100), FLAT(100));
    expect_commissions((double[]){10, 5, 5, 2.5, 10}, 5);
    expect_metric(commission_paid, 32.5);
    assert_near(now.trades[0].commission, 15, 1e-14);
    /* what counts are prices paid: half the spread short of 2000 */
    set.knob[TD_KNOB_spread] = 0.001;
    PLAY(FLAT(100), ORDER(100, -1), FLAT(100), ORDER(100, 0), ORDER(100, -1), ORDER(99.9, 0), FLAT(100), FLAT(100));
    assert_near(now.fills[1].commission, 10 * 100.05 * 0.01, 1e-14); /* 999.5 */
    set.knob[TD_KNOB_spread] = 0;
    /* the fills of a day have one rate, whatever was traded on it before; hours make days */
    td_bar hours[60];
    for (int t = 0; t < 60; t++) hours[t] = (td_bar)FLAT(100);
    hours[1].order = +1;  /* fills at 02:00 of day 0, */
    hours[3].order = -1;  /* 04:00: both sides, */
    hours[22].order = 0;  /* 23:00, */
    hours[23].order = +1; /* 00:00 of day 1 with 4000 before it, */
    hours[47].order = 0;  /* and of day 2 */
    td_tape tape = td_script_tape(hours, 60, 3600 * TD_NS_PER_SECOND);
    play_tape(&tape);
    expect_commissions((double[]){10, 10, 10, 10, 2.5, 2.5}, 6);
    def.tier_days = 1;
    play_tape(&tape);
    expect_commissions((double[]){10, 10, 10, 10, 2.5, 5}, 6);
    td_test_tape_free(&tape);
    /* limit orders have the maker rate of the day, and all-in is sized with it */
    def.tier_days = 2;
    place(BUY_LIMIT, 0.5);
    PLAY(FLAT(100), ORDER(100, NONE), BAR(100, 100, 50, 100), FLAT(100));
    expect_commissions((double[]){500 * 0.02}, 1);
    start(NULL);
    def.sizing = TD_SIZING_ALL_IN;
    def.tiers[0] = (td_tier){0, 0.0625, 0};
    def.tiers[1] = (td_tier){5000, 0.015625, 0};
    def.tier_count = 2;
    set.knob[TD_KNOB_cash] = 10625;
    PLAY(FLAT(100), ORDER(100, +1), FLAT(100), ORDER(100, 0), ORDER(100, +1), FLAT(100), FLAT(100));
    expect_fill(0, 2, open, 100, 100);
    assert_near(now.fills[1].commission, 156.25, 1e-14);
    expect_fill(2, 5, open, (10000 - 156.25) / 101.5625, 100);
    /* where a rate comes from is said once, and the list has an order */
    td_error error;
    td_deck *deck;
    td_bar few[] = {FLAT(100), FLAT(100)};
    tape = td_script_tape(few, 2, TD_NS_PER_DAY);
    assert_ok(td_deck_make(&tape, &def, &deck, &error));
    set.knob[TD_KNOB_commission] = 0.01;
    assert_int_equal(td_check_set(deck, &set, &error), TD_BAD_ARG);
    assert_non_null(strstr(error.message, "costs.tiers say what commission and maker are"));
    td_deck_free(deck);
    def.tiers[1].volume = 0;
    assert_int_equal(td_deck_make(&tape, &def, &deck, &error), TD_BAD_ARG);
    assert_string_equal(error.message, "costs.tiers: volume 0 stands after 0, must be more");
    def.tiers[0].volume = 10;
    assert_int_equal(td_deck_make(&tape, &def, &deck, &error), TD_BAD_ARG);
    assert_non_null(strstr(error.message, "has volume 10, must have 0"));
    td_test_tape_free(&tape);
}

static const struct CMUnitTest tests[] = {
    RULE(R45_fills_at_the_next_close),
    RULE(R46_orders_may_be_delayed),
    RULE(R47_prices_walk_through_the_bar),
    RULE(R48_policies_order_the_extremes),
    RULE(R49_the_worse_or_the_better_way),
    RULE(R50_ambiguous_bars_are_counted),
    RULE(R51_limit_orders),
    RULE(R52_stop_orders),
    RULE(R53_stop_limit_orders),
    RULE(R54_market_if_touched_orders),
    RULE(R55_orders_expire),
    RULE(R56_one_cancels_the_other),
    RULE(R57_an_entry_closes_the_other_side),
    RULE(R58_positions_may_be_added_to),
    RULE(R59_positions_may_be_left_in_parts),
    RULE(R60_brackets),
    RULE(R61_levels_may_be_moved),
    RULE(R62_exits_end_with_the_position),
    RULE(R63_contradictions_are_refused),
    RULE(R64_trailing_stops),
    RULE(R65_break_even),
    RULE(R66_time_stop),
    RULE(R67_distances_in_volatility),
    RULE(R68_fixed_value),
    RULE(R69_risk_per_stop),
    RULE(R70_volatility_target),
    RULE(R71_kelly),
    RULE(R72_leverage),
    RULE(R73_largest_position),
    RULE(R74_liquidation),
    RULE(R75_maker_and_per_unit_commission),
    RULE(R76_slippage_by_ticks_and_volume),
    RULE(R77_funding_and_borrow),
    RULE(R78_loss_limits),
    RULE(R79_cool_down_and_hours),
    RULE(R80_rebalancing_trades_the_difference),
    RULE(R85_tiers_by_traded_value),
};

int main(void) { return cmocka_run_group_tests(tests, NULL, NULL); }
