/* Profile vectorbt: rules R130 and on of docs/bar-rules.md by hand, numbers of vectorbt's own tests among them; and random plays,
 * whose money is watched and whose metrics are computed a second time. tests/peers/vectorbt_cases.py compares with the package. */
#include "sim/deck.h"
#include "tests/by_hand.h"

static int begin(void **state) {
    start(state);
    def.profile = TD_PROFILE_VECTORBT;
    def.fill_at = TD_FILL_CLOSE;
    def.sizing = TD_SIZING_ALL_IN;
    def.strategy = td_test_strategy("follow");
    td_set knobs = set;
    set = td_default_set(def.strategy);
    memcpy(set.knob, knobs.knob, sizeof set.knob);
    set.knob[TD_KNOB_cash] = 100;
    set.knob[TD_KNOB_size] = 1;
    return 0;
}
#undef RULE
#define RULE(function) {#function, function, begin, stop, NULL}

/* Rows of daily bars, the target in each; unlike those of `script`, the first can decide. */
static void play_rows(const td_bar *bars, int count) {
    double open[BARS_MAX], high[BARS_MAX], low[BARS_MAX], close[BARS_MAX], volume[BARS_MAX];
    int64_t time[BARS_MAX];
    for (int t = 0; t < count; t++) {
        open[t] = bars[t].open;
        high[t] = bars[t].high;
        low[t] = bars[t].low;
        close[t] = bars[t].close;
        volume[t] = isnan(bars[t].order) ? 0 : bars[t].order + 10;
        time[t] = (19723 + t) * TD_NS_PER_DAY;
    }
    td_tape tape = {.bars = count, .symbols = 1, .interval_ns = TD_NS_PER_DAY, .time_ns = time, .open = open, .high = high, .low = low,
                    .close = close, .volume = volume};
    play_tape(&tape);
}
#define ROWS(...) play_rows((const td_bar[]){__VA_ARGS__}, (int)(sizeof((const td_bar[]){__VA_ARGS__}) / sizeof(td_bar)))
#define BAR(open, high, low, close) {open, high, low, close, NONE}
#define expect_trade(index, units_, entry, exit, profit)                                                                          \
    do {                                                                                                                         \
        assert_true((index) < now.trade_count);                                                                                  \
        assert_near(now.trades[index].units, units_, 1e-14);                                                                     \
        assert_near(now.trades[index].entry_price, entry, 1e-14);                                                                \
        assert_near(now.trades[index].exit_price, exit, 1e-14);                                                                  \
        assert_true(fabs(now.trades[index].pnl - (profit)) < 1e-13);                                                             \
    } while (0)

static void R130_orders_fill_in_their_row(void **state) {
    (void)state;
    set.knob[TD_KNOB_fixed_commission] = 10;
    ROWS(FLAT(10), ORDER(9, +1), FLAT(12), ORDER(11, 0));
    expect_fills(2);
    expect_fill(0, 1, close, 10, 9);
    expect_fill(1, 3, close, -10, 11); /* the last row decides as well */
    expect_equity(0, 100);
    expect_equity(1, 90);              /* its row's value is taken after the order */
    expect_equity(2, 120);
    expect_equity(3, 100);
    /* who decides a row later does so by fill.at and fill.delay */
    set.knob[TD_KNOB_fixed_commission] = 0;
    def.fill_at = TD_FILL_NEXT_OPEN;
    ROWS(FLAT(10), ORDER(9, +1), {8, 9, 7, 8, 0}, BAR(16, 20, 15, 18));
    expect_fills(2);
    expect_fill(0, 2, open, 12.5, 8);
    expect_fill(1, 3, open, -12.5, 16);
    def.fill_at = TD_FILL_NEXT_CLOSE;
    def.fill_delay = 1;
    ROWS(FLAT(10), ORDER(9, +1), FLAT(16), {8, 9, 7, 8, +1}, ORDER(18, 0));
    expect_fills(1);
    expect_fill(0, 3, close, 12.5, 8);
}

static void R131_signals_of_vectorbts_own_test(void **state) {
    (void)state;
    /* tests/test_portfolio.py: entries TTTFF, exits FFTTT; row 3 has both, which is neither */
    ROWS(ORDER(1, +1), ORDER(2, +1), FLAT(3), ORDER(4, -1), ORDER(5, -1));
    expect_fills(2);
    expect_fill(0, 0, close, 100, 1);
    expect_fill(1, 3, close, -200, 4);
    def.direction = TD_DIRECTION_LONG;
    ROWS(ORDER(1, +1), ORDER(2, +1), FLAT(3), ORDER(4, -1), ORDER(5, -1));
    expect_fills(2);
    expect_fill(1, 3, close, -100, 4);
    def.direction = TD_DIRECTION_SHORT;
    ROWS(ORDER(1, -1), ORDER(2, -1), FLAT(3), ORDER(4, 0), ORDER(5, 0));
    expect_fills(2);
    expect_fill(0, 0, close, -100, 1);
    expect_fill(1, 3, close, 50, 4); /* all that cash buys back */
    expect_equity(1, 0);             /* and nobody is ruined */
    expect_equity(2, -100);
    expect_equity(4, -250);
    expect_metric(refused_cash, 1);
    assert_int_equal(now.cell.ruined, 0);
}

static void R132_one_order_per_bar_the_stops_first(void **state) {
    (void)state;
    set.knob[TD_KNOB_stop_loss] = 0.1;
    ROWS(ORDER(10, +1), {10, 10, 8, 9, -1}, FLAT(9));
    expect_fills(2);
    expect_fill(1, 1, stop, -10, 9);
    expect_metric(refused_orders, 1);
    def.fill_at = TD_FILL_NEXT_OPEN; /* also before an order due at the open of that bar */
    ROWS(ORDER(10, +1), FLAT(10), ORDER(10, -1), BAR(10, 10, 8, 9), FLAT(9));
    expect_fills(2);
    expect_fill(1, 3, stop, -10, 9);
    expect_metric(refused_orders, 1);
}

static void R133_stops_stand_off_the_close_of_the_entry(void **state) {
    (void)state;
    def.fill_at = TD_FILL_NEXT_OPEN;
    set.knob[TD_KNOB_stop_loss] = 0.1;
    /* entered at the open, 10, of a bar that falls to 5 and closes at 20: the stop is at 18, from the next bar on */
    ROWS(ORDER(10, +1), BAR(10, 20, 5, 20), BAR(19, 20, 17, 19), FLAT(19));
    expect_fills(2);
    expect_fill(1, 2, stop, -10, 18);
    set.knob[TD_KNOB_stop_loss] = 0;
    set.knob[TD_KNOB_take_profit] = 0.25;
    ROWS(ORDER(10, +1), BAR(10, 20, 5, 16), BAR(19, 20, 17, 19), FLAT(19));
    expect_fill(1, 2, target, -10, 20);
    /* a reversal begins anew: the close of its bar is 19, the short's target 14.25 */
    ROWS(ORDER(10, +1), BAR(10, 20, 5, 16), {19, 19, 17, 19, -1}, BAR(19.5, 19.5, 14, 19), BAR(19, 20, 14, 19));
    expect_fills(3);
    expect_fill(2, 4, target, 10, 14.25);
}

static void R134_stops_of_vectorbts_own_test(void **state) {
    (void)state;
    /* test_sl_stop: closes 5 to 1; then open + .25, high + .5, low - .5 */
    const double stops[] = {0.1, 0.15, 0.2}, exits[] = {4.25, 4.25, 4.0};
    set.knob[TD_KNOB_stop_loss] = 0.1;
    ROWS(ORDER(5, +1), FLAT(4), FLAT(3), FLAT(2), FLAT(1));
    expect_fills(2);
    expect_fill(1, 1, stop_gap, -20, 4);
    for (int i = 0; i < 3; i++) {
        set.knob[TD_KNOB_stop_loss] = stops[i];
        ROWS({5.25, 5.5, 4.5, 5, +1}, BAR(4.25, 4.5, 3.5, 4), BAR(3.25, 3.5, 2.5, 3), BAR(2.25, 2.5, 1.5, 2));
        expect_fills(2);
        assert_near(now.fills[1].price, exits[i], 1e-14);
        assert_int_equal(now.fills[1].bar, 1);
    }
    /* stop and target in the bar's range, the open beyond neither: the stop; the open beyond the target: still the stop */
    set.knob[TD_KNOB_stop_loss] = set.knob[TD_KNOB_take_profit] = 0.125;
    ROWS(ORDER(8, +1), BAR(8, 10, 6, 8));
    expect_fill(1, 1, stop, -12.5, 7);
    ROWS(ORDER(8, +1), BAR(10, 10, 6, 8));
    expect_fill(1, 1, stop, -12.5, 7);
    ROWS(ORDER(8, +1), BAR(10, 10, 7.5, 8));
    expect_fill(1, 1, target_gap, -12.5, 10);
}

static void R135_a_trailing_stop_follows_after_its_test(void **state) {
    (void)state;
    set.knob[TD_KNOB_trailing] = 0.25;
    /* the high of 16 would put the stop at 12, above this bar's low: it counts from the next bar on */
    ROWS(ORDER(8, +1), BAR(8, 16, 7, 14), BAR(14, 14, 11, 11), FLAT(11));
    expect_fills(2);
    expect_fill(1, 2, trailing, -12.5, 12);
    ROWS(ORDER(8, -1), BAR(8, 9, 4, 5), BAR(4.5, 6, 4.5, 6));
    expect_fill(1, 2, trailing, 12.5, 5);
}

static void R136_stops_do_not_slip(void **state) {
    (void)state;
    set.knob[TD_KNOB_stop_loss] = 0.25;
    set.knob[TD_KNOB_slippage] = 0.25;
    set.knob[TD_KNOB_commission] = 0.01;
    def.sizing = TD_SIZING_FIXED_UNITS;
    ROWS(ORDER(8, +1), BAR(8, 8, 5, 5), ORDER(8, -1), ORDER(8, 0));
    expect_fills(4);
    expect_fill(0, 0, close, 1, 10);
    expect_fill(1, 1, stop, -1, 6);
    assert_near(now.fills[1].commission, 0.06, 1e-14);
    expect_fill(2, 2, close, -1, 6);
    expect_fill(3, 3, close, 1, 10);
}

static void R137_a_reversal_is_one_order(void **state) {
    (void)state;
    /* trades of vectorbt's own docs: sizes 1, -2, 2, -2, 1 on 1 to 5 with fees of 1 */
    def.sizing = TD_SIZING_FIXED_UNITS;
    set.knob[TD_KNOB_fixed_commission] = 1;
    ROWS(ORDER(1, +1), ORDER(2, -1), ORDER(3, +1), ORDER(4, -1), ORDER(5, 0));
    expect_fills(5);
    expect_fill(1, 1, close, -2, 2);
    expect_fill(4, 4, close, 1, 5);
    assert_int_equal(now.trade_count, 4);
    expect_trade(0, 1, 1, 2, -0.5);
    expect_trade(1, -1, 2, 3, -2);
    expect_trade(2, 1, 3, 4, 0);
    expect_trade(3, -1, 4, 5, -2.5);
    expect_metric(trades, 4);
    expect_metric(win_rate, 0);
    expect_metric(commission_paid, 5);
}

static void R138_entries_of_a_trade_are_averaged(void **state) {
    (void)state;
    /* sizes 1, 1, 1, 1, -4 on 1 to 5: one trade from 2.5 to 5; the strategy `placer` begins on bar 1 */
    enum { WHEN, WHAT, LEVEL, LIMIT, SHARE, BARS, WHEN2, WHAT2, LEVEL2, SHARE2, EVERY };
    td_set knobs = set;
    def.strategy = td_test_strategy("placer");
    set = td_default_set(def.strategy);
    memcpy(set.knob, knobs.knob, sizeof set.knob);
    def.sizing = TD_SIZING_FIXED_UNITS;
    set.knob[TD_KNOB_fixed_commission] = 1;
    set.knob[TD_KNOB_pyramiding] = 4;
    set.param[EVERY] = 1;
    set.param[WHEN2] = 5;
    set.param[WHAT2] = 10; /* leave */
    ROWS(FLAT(1), FLAT(1), FLAT(2), FLAT(3), FLAT(4), FLAT(5));
    expect_fills(5);
    expect_fill(4, 5, close, -4, 5);
    assert_int_equal(now.trade_count, 1);
    expect_trade(0, 4, 2.5, 5, 5);
    assert_near(now.trades[0].ret, 0.5, 1e-14);
    expect_metric(refused_pyramiding, 1);
    /* half of it: the average stays, half the fees go */
    set.param[SHARE2] = 0.5;
    ROWS(FLAT(1), FLAT(1), FLAT(2), FLAT(3), FLAT(4), FLAT(5));
    expect_trade(0, 2, 2.5, 5, 2);
    /* what the package has no word for */
    set.param[WHAT] = 2;
    ROWS(FLAT(1), FLAT(1), FLAT(2));
    assert_int_equal(now.cell.state, TD_CELL_FAILED);
    assert_int_equal(now.cell.reason, TD_CELL_REASON_order_kind);
    assert_int_equal(now.cell.reason_bar, 1);
}

static void R139_sizes(void **state) {
    (void)state;
    set.knob[TD_KNOB_commission] = 0.1;
    set.knob[TD_KNOB_fixed_commission] = 1;
    /* all: (100 - 1) / 1.1 for the price, long or short; a reversal sells the long first: 90 * 4 * .9 - 1 = 323, then
     * (323 - 1 ... of it) as many as that cash, less commission, is worth */
    ROWS(ORDER(1, +1), FLAT(2), FLAT(3), ORDER(4, -1));
    expect_fill(0, 0, close, 90, 1);
    expect_fill(1, 3, close, -(90 + 323 / 4.4), 4);
    ROWS(ORDER(1, -1), FLAT(1));
    expect_fill(0, 0, close, -90, 1);
    /* a fraction of the cash for a long, of what all cash could sell for a short */
    def.sizing = TD_SIZING_FRACTION;
    set.knob[TD_KNOB_size] = 0.5;
    ROWS(ORDER(10, +1), FLAT(10));
    expect_fill(0, 0, close, 49 / 11.0, 10);
    ROWS(ORDER(10, -1), FLAT(10));
    expect_fill(0, 0, close, -4.5, 10);
    /* a value counts at the price before slippage, a reversal adds what stands */
    def.sizing = TD_SIZING_FIXED_VALUE;
    set.knob[TD_KNOB_size] = 50;
    set.knob[TD_KNOB_commission] = set.knob[TD_KNOB_fixed_commission] = 0;
    set.knob[TD_KNOB_slippage] = 0.1;
    ROWS(ORDER(10, +1), FLAT(10), ORDER(11, -1));
    expect_fill(0, 0, close, 5, 11);
    expect_fill(1, 2, close, -(5 + 50 / 11.0), 9.9);
    /* lots round the whole order down */
    def.sizing = TD_SIZING_ALL_IN;
    set.knob[TD_KNOB_size] = 1;
    set.knob[TD_KNOB_lot] = 3;
    ROWS(ORDER(10, +1), FLAT(10), ORDER(11, -1));
    expect_fill(0, 0, close, 9, 11);
    expect_fill(1, 2, close, -18, 9.9);
}

static void R140_what_cash_cannot_pay_is_bought_in_part(void **state) {
    (void)state;
    def.sizing = TD_SIZING_FIXED_UNITS;
    set.knob[TD_KNOB_commission] = 0.1;
    set.knob[TD_KNOB_fixed_commission] = 1;
    set.knob[TD_KNOB_size] = 20;
    ROWS(ORDER(10, +1), FLAT(10), ORDER(11, -1));
    expect_fill(0, 0, close, 9, 10);
    expect_fill(1, 2, close, -29, 11); /* to sell so many units takes no cash */
    set.knob[TD_KNOB_size] = 1e-9;
    ROWS(ORDER(10, +1), FLAT(10));
    expect_fills(0);
    expect_metric(refused_lot, 1);
    set.knob[TD_KNOB_size] = 20;
    set.knob[TD_KNOB_fixed_commission] = 100;
    ROWS(ORDER(10, +1), FLAT(10));
    expect_fills(0);
    expect_metric(refused_cash, 1);
}

static void R141_finalize_and_what_stays_open(void **state) {
    (void)state;
    ROWS(ORDER(10, +1), FLAT(12));
    expect_metric(trades, 0);
    expect_metric(exposure, 1);
    def.finalize = true;
    ROWS(ORDER(10, +1), FLAT(12));
    expect_fill(1, 1, end, -10, 12);
    expect_metric(trades, 1);
    expect_metric(exposure, 0.5); /* bars that close with a position */
}

static void R161_entries_and_exits_may_be_accumulated(void **state) {
    (void)state;
    def.sizing = TD_SIZING_FIXED_UNITS;
    set.knob[TD_KNOB_fixed_commission] = 1;
    def.vectorbt.accumulate = TD_ACCUMULATE_ADD;
    /* trades of vectorbt's own docs: sizes 1, 1, 1, 1, -4 on 1 to 5 */
    ROWS(ORDER(1, +1), ORDER(2, +1), ORDER(3, +1), ORDER(4, +1), ORDER(5, 0));
    expect_fills(5);
    expect_fill(4, 4, close, -4, 5);
    assert_int_equal(now.trade_count, 1);
    expect_trade(0, 4, 2.5, 5, 5);
    /* of each entry, with its share of the exit's fee, as the package counts entry trades */
    static const double profits[] = {2.75, 1.75, 0.75, -0.25};
    for (int i = 0; i < 4; i++) {
        const td_fill *entry = &now.fills[i], *exit = &now.fills[4];
        double share = entry->units / -exit->units;
        assert_near(entry->units * (exit->price - entry->price) - entry->commission - share * exit->commission, profits[i], 0);
    }
    set.knob[TD_KNOB_fixed_commission] = 0;
    def.vectorbt.accumulate = TD_ACCUMULATE_BOTH; /* an exit takes one unit off */
    ROWS(ORDER(1, +1), ORDER(2, +1), ORDER(3, +1), ORDER(4, 0), ORDER(5, 0));
    expect_fills(5);
    expect_fill(3, 3, close, -1, 4);
    expect_fill(4, 4, close, -1, 5);
    /* so does an entry for the other side, which goes on beyond */
    ROWS(ORDER(1, +1), ORDER(2, +1), ORDER(3, -1), ORDER(4, -1), ORDER(5, -1));
    expect_fills(5);
    expect_fill(2, 2, close, -1, 3);
    expect_fill(4, 4, close, -1, 5);
    assert_near(now.position[4], -1, 0);
    def.vectorbt.accumulate = TD_ACCUMULATE_REMOVE;
    set.knob[TD_KNOB_size] = 3;
    ROWS(ORDER(1, +1), ORDER(2, +1), {3, 3, 3, 3, -1}, FLAT(4));
    expect_fills(2);
    expect_fill(1, 2, close, -3, 3);
    /* never beyond the position when it only takes off */
    def.sizing = TD_SIZING_FIXED_VALUE;
    ROWS(ORDER(3, +1), ORDER(1, 0), FLAT(1));
    expect_fill(1, 1, close, -1, 1);
    /* a fraction: of the cash to buy, of the position to leave */
    def.sizing = TD_SIZING_FRACTION;
    def.vectorbt.accumulate = TD_ACCUMULATE_BOTH;
    set.knob[TD_KNOB_size] = 0.5;
    ROWS(ORDER(1, +1), ORDER(1, +1), ORDER(1, 0));
    expect_fill(0, 0, close, 50, 1);
    expect_fill(1, 1, close, 25, 1);
    expect_fill(2, 2, close, -37.5, 1);
}

static void R162_what_an_opposite_entry_does(void **state) {
    (void)state;
    static const double units[] = {0, -2, -2, -4, -4}, reduced[] = {0, -2, -1, -4, -1};
    def.sizing = TD_SIZING_FIXED_UNITS;
    set.knob[TD_KNOB_size] = 2;
    for (int upon = TD_UPON_IGNORE; upon <= TD_UPON_REVERSE_REDUCE; upon++) {
        def.vectorbt.upon_opposite_entry = (td_upon)upon;
        ROWS(ORDER(1, +1), FLAT(2), ORDER(3, -1), FLAT(4));
        expect_fills(units[upon] == 0 ? 1 : 2);
        if (units[upon] != 0) expect_fill(1, 2, close, units[upon], 3);
        expect_metric(orders_refused, 0);
    }
    /* those that reduce do where exits are accumulated: half a target is one unit */
    def.vectorbt.accumulate = TD_ACCUMULATE_REMOVE;
    for (int upon = TD_UPON_CLOSE; upon <= TD_UPON_REVERSE_REDUCE; upon++) {
        def.vectorbt.upon_opposite_entry = (td_upon)upon;
        ROWS(ORDER(1, +1), FLAT(2), ORDER(3, -0.5), FLAT(4));
        expect_fill(1, 2, close, upon == TD_UPON_REVERSE ? -3 : reduced[upon], 3);
    }
}

static void R163_what_stops_are_measured_from(void **state) {
    (void)state;
    /* bought at the open of 10, with slippage at 12.5, in a bar that closes at 16: half of it is 8, 5, 6.25 */
    static const double levels[] = {8, 5, 6.25};
    def.fill_at = TD_FILL_NEXT_OPEN;
    set.knob[TD_KNOB_slippage] = 0.25;
    set.knob[TD_KNOB_stop_loss] = 0.5;
    for (int from = TD_STOP_ENTRY_CLOSE; from <= TD_STOP_ENTRY_FILL_PRICE; from++) {
        def.vectorbt.stop_entry_price = (td_stop_entry_price)from;
        ROWS(ORDER(10, +1), BAR(10, 16, 10, 16), BAR(16, 16, 4, 4));
        expect_fills(2);
        expect_fill(1, 2, stop, -8, levels[from]);
    }
}

static void R164_where_stops_fill(void **state) {
    (void)state;
    /* the level is 8, the bar opens at 9 and closes at 6; orders fill at closes */
    static const double prices[] = {8, 6, 4.5, 4.5}, at_opens[] = {8, 6, 6.75, 4.5};
    set.knob[TD_KNOB_slippage] = 0.25;
    set.knob[TD_KNOB_stop_loss] = 0.2;
    for (int open = 0; open < 2; open++)
        for (int where = TD_STOP_EXIT_LIMIT; where <= TD_STOP_EXIT_CLOSE; where++) {
            def.fill_at = open ? TD_FILL_NEXT_OPEN : TD_FILL_CLOSE;
            def.vectorbt.stop_exit_price = (td_stop_exit_price)where;
            ROWS(ORDER(10, +1), FLAT(10), BAR(9, 9, 6, 6));
            expect_fills(2);
            expect_fill(1, 2, stop, -8, open ? at_opens[where] : prices[where]);
        }
}

static void R165_what_a_stop_does(void **state) {
    (void)state;
    def.sizing = TD_SIZING_FIXED_UNITS;
    set.knob[TD_KNOB_size] = 2;
    set.knob[TD_KNOB_stop_loss] = 0.25;
    def.vectorbt.upon_stop_exit = TD_UPON_REVERSE;
    /* short from the stop at 6 on; its own is measured from the close of that bar, 4 */
    ROWS(ORDER(8, +1), BAR(8, 8, 4, 4), BAR(4, 5, 4, 5), FLAT(5));
    expect_fills(3);
    expect_fill(1, 1, stop, -4, 6);
    expect_fill(2, 2, stop, 4, 5);
    def.direction = TD_DIRECTION_LONG; /* where shorts are not taken it closes */
    ROWS(ORDER(8, +1), BAR(8, 8, 4, 4), BAR(4, 5, 4, 5));
    expect_fills(2);
    expect_fill(1, 1, stop, -2, 6);
    /* take off what one entry is, again on each bar that is beyond the level: the stop stays */
    def.vectorbt.upon_stop_exit = TD_UPON_CLOSE_REDUCE;
    def.vectorbt.accumulate = TD_ACCUMULATE_BOTH;
    ROWS(ORDER(8, +1), ORDER(8, +1), BAR(8, 8, 4, 4), FLAT(4), FLAT(4));
    expect_fills(4);
    expect_fill(2, 2, stop, -2, 6);
    expect_fill(3, 3, stop_gap, -2, 4);
    /* a further entry moves the levels, from 6 to 12, or not */
    for (int keep = 0; keep < 2; keep++) {
        def.vectorbt.upon_stop_exit = TD_UPON_CLOSE;
        def.vectorbt.keep_stops = keep;
        ROWS(ORDER(8, +1), ORDER(16, +1), BAR(16, 16, 10, 10), BAR(10, 10, 5, 5));
        expect_fill(2, keep ? 3 : 2, stop, -4, keep ? 6 : 12);
    }
}

static void R166_cash_may_be_locked(void **state) {
    (void)state;
    def.sizing = TD_SIZING_FIXED_UNITS;
    set.knob[TD_KNOB_size] = 30;
    ROWS(ORDER(10, -1), FLAT(10));
    expect_fill(0, 0, close, -30, 10);
    def.vectorbt.lock_cash = true; /* a short of no more than the cash */
    ROWS(ORDER(10, -1), FLAT(10));
    expect_fill(0, 0, close, -10, 10);
    /* what it brought and what was kept for it pay for buying it back; at more than that nothing is free */
    ROWS(ORDER(10, -1), ORDER(15, 0), FLAT(15));
    expect_fill(1, 1, close, 10, 15);
    ROWS(ORDER(10, -1), ORDER(25, 0), FLAT(25));
    expect_fills(1);
    expect_metric(refused_cash, 1);
    /* more than half of it sold, the rest is free */
    def.vectorbt.accumulate = TD_ACCUMULATE_ADD;
    set.knob[TD_KNOB_size] = 6;
    ROWS(ORDER(10, -1), ORDER(10, -1), ORDER(10, -1));
    expect_fills(2);
    expect_fill(1, 1, close, -4, 10);
}

static void R167_smallest_and_largest_orders(void **state) {
    (void)state;
    def.sizing = TD_SIZING_FIXED_UNITS;
    set.knob[TD_KNOB_size] = 4;
    def.vectorbt.max_size = 3;
    ROWS(ORDER(10, +1), FLAT(10));
    expect_fill(0, 0, close, 3, 10);
    def.vectorbt.whole = true;
    ROWS(ORDER(10, +1), FLAT(10));
    expect_fills(0);
    expect_metric(refused_lot, 1);
    def.vectorbt.max_size = INFINITY;
    set.knob[TD_KNOB_size] = 11; /* more than the cash */
    ROWS(ORDER(10, +1), FLAT(10));
    expect_fills(0);
    def.vectorbt.whole = false;
    def.vectorbt.min_size = 10.5;
    ROWS(ORDER(10, +1), FLAT(10));
    expect_fills(0);
    expect_metric(refused_lot, 1);
    def.vectorbt.min_size = 10;
    def.finalize = true; /* the end has no smallest size */
    ROWS(ORDER(10, +1), FLAT(10));
    expect_fills(2);
    td_error error;
    td_deck *deck;
    td_tape tape = td_test_tape(50, TD_NS_PER_DAY, 1);
    def.vectorbt.min_size = -1;
    assert_fails(td_deck_make(&tape, &def, &deck, &error), TD_BAD_ARG, "vectorbt.min_size is -1, must be units, at least 0");
    def.vectorbt.min_size = 0;
    def.vectorbt.max_size = 0;
    assert_fails(td_deck_make(&tape, &def, &deck, &error), TD_BAD_ARG, "vectorbt.max_size is 0, must be units, above 0");
}

static void what_it_does_not_have_is_refused(void **state) {
    (void)state;
    td_error error;
    td_tape tape = td_test_tape(50, TD_NS_PER_DAY, 1);
    td_deck *deck;
    td_player *player;
    assert_ok(td_deck_make(&tape, &def, &deck, &error));
    assert_fails(td_player_open(deck, TD_ENGINE_LANES, TD_ISA_SCALAR, &player, &error), TD_BAD_ARG, "profile vectorbt");
    assert_fails(td_player_open(deck, TD_ENGINE_SKIP, TD_ISA_SCALAR, &player, &error), TD_BAD_ARG, "profile vectorbt");
    assert_int_equal(td_deck_engine(deck, TD_ENGINE_AUTO), TD_ENGINE_REFERENCE);
    assert_true(td_player_bytes(deck, TD_ENGINE_AUTO, td_isa_best()) == td_player_bytes(deck, TD_ENGINE_REFERENCE, TD_ISA_SCALAR));
    set.knob[TD_KNOB_leverage] = 2;
    assert_fails(td_check_set(deck, &set, &error), TD_BAD_ARG, "account.leverage");
    set.knob[TD_KNOB_leverage] = 1;
    set.knob[TD_KNOB_stop_loss] = set.knob[TD_KNOB_trailing] = 0.1;
    assert_fails(td_check_set(deck, &set, &error), TD_BAD_ARG, "one stop");
    set.knob[TD_KNOB_stop_loss] = 0;
    assert_ok(td_check_set(deck, &set, &error));
    set.knob[TD_KNOB_cool_down] = 1;
    assert_fails(td_check_set(deck, &set, &error), TD_BAD_ARG, "risk.cool_down");
    td_deck_free(deck);
}

/* vectorbt's tests/test_returns.py: prices 1 to 5, which are four returns; year of 365 days. */
static void returns_of_vectorbts_own_test(void **state) {
    (void)state;
    td_error error;
    double close[] = {2, 3, 4, 5}, volume[4] = {0};
    int64_t time[] = {0, TD_NS_PER_DAY, 2 * TD_NS_PER_DAY, 3 * TD_NS_PER_DAY};
    td_tape tape = {.bars = 4, .symbols = 1, .interval_ns = TD_NS_PER_DAY, .time_ns = time, .open = close, .high = close, .low = close,
                    .close = close, .volume = volume};
    td_deck *deck;
    def.risk_free = 0.01; /* a period */
    def.required_return = 0.1;
    assert_ok(td_deck_make(&tape, &def, &deck, &error));
    td_lane lane;
    td_cell cell;
    double ends[64] = {0};
    set.knob[TD_KNOB_cash] = 1;
    td_lane_start(deck, &set, &lane);
    for (int t = 0; t < 4; t++) {
        double r = 1.0 / (t + 1);
        lane.sum_r += r;
        lane.sum_r2 += r * r;
    }
    lane.equity = lane.peak = 5;
    td_lane_finish(deck, &set, &lane, NULL, ends, 1, &cell, NULL);
    assert_near(cell.metrics[TD_METRIC_sharpe], 29.052280196490333, 1e-13);
    assert_near(cell.metrics[TD_METRIC_annual_volatility], 6.417884083645567, 1e-13);
    assert_true(isinf(cell.metrics[TD_METRIC_sortino]));
    assert_near(cell.metrics[TD_METRIC_downside_risk], 0, 0); /* no return is below .1 */
    td_deck_free(deck);
}

/* What falls short of the required return counts: prices 10, 11, 9.9 and 9.9 of a long; numbers of the package's own functions. */
static void a_required_return(void **state) {
    (void)state;
    def.required_return = 0.02;
    def.periods_per_year = 4;
    ROWS(ORDER(10, +1), FLAT(11), FLAT(9.9), FLAT(9.9));
    expect_metric(downside_risk, 0.12328828005937953);
    expect_metric(sortino, -0.6488856845230503);
}

/* Random plays: tests/plays.c watches the money of each; what is worth a second look is done here. */
static void random_plays(void **state) {
    int64_t fills = 0, trades = 0, debts = 0;
    for (uint64_t seed = 0; seed < 400; seed++) {
        begin(state);
        int64_t bars = td_draw_whole(seed, 1, 2, 400);
        td_tape tape = td_test_tape_of(bars, TD_NS_PER_DAY, (td_temper)td_draw_whole(seed, 2, 0, TD_TEMPER_COUNT - 1), false, seed);
        double *volume = malloc((size_t)bars * sizeof *volume);
        for (int64_t t = 0; t < bars; t++)
            volume[t] = td_draw(seed, 100 + 2 * (uint64_t)t) < 0.2 ? 9 + (double)td_draw_whole(seed, 101 + 2 * (uint64_t)t, 0, 8) / 4 : 0;
        td_tape copy = tape;
        copy.volume = volume;
        static const double fees[] = {0, 0, 0.001, 0.02}, stops[] = {0, 0, 0.02, 0.1};
        def.fill_at = (td_fill_at)td_draw_whole(seed, 3, 0, 2);
        def.fill_delay = td_draw_whole(seed, 4, 0, 2);
        def.sizing = (td_sizing)td_draw_whole(seed, 5, 0, TD_SIZING_FIXED_VALUE);
        def.direction = (td_direction)td_draw_whole(seed, 6, 0, 2);
        def.finalize = td_draw(seed, 7) < 0.3;
        set.knob[TD_KNOB_cash] = 10000;
        set.knob[TD_KNOB_size] = td_size_is_fraction(def.sizing) ? 0.5 : def.sizing == TD_SIZING_FIXED_VALUE ? 4000 : 7;
        set.knob[TD_KNOB_commission] = fees[td_draw_whole(seed, 8, 0, 3)];
        set.knob[TD_KNOB_fixed_commission] = td_draw(seed, 9) < 0.3 ? 2.5 : 0;
        set.knob[TD_KNOB_slippage] = fees[td_draw_whole(seed, 10, 0, 3)];
        set.knob[TD_KNOB_spread] = fees[td_draw_whole(seed, 15, 0, 3)];
        set.knob[td_draw(seed, 11) < 0.5 ? TD_KNOB_stop_loss : TD_KNOB_trailing] = stops[td_draw_whole(seed, 12, 0, 3)];
        set.knob[TD_KNOB_take_profit] = stops[td_draw_whole(seed, 13, 0, 3)];
        set.knob[TD_KNOB_lot] = td_draw(seed, 14) < 0.3 ? 1 : 0;
        if (td_draw(seed, 16) < 0.6) {
            td_vectorbt_def *options = &def.vectorbt;
            static const double least[] = {0, 1e-8, 3}, most[] = {INFINITY, INFINITY, 40};
            options->accumulate = (td_accumulation)td_draw_whole(seed, 17, 0, TD_ACCUMULATE_REMOVE);
            options->upon_opposite_entry = (td_upon)td_draw_whole(seed, 18, 0, TD_UPON_REVERSE_REDUCE);
            options->upon_stop_exit = (td_upon)td_draw_whole(seed, 19, TD_UPON_CLOSE, TD_UPON_REVERSE_REDUCE);
            options->stop_entry_price = (td_stop_entry_price)td_draw_whole(seed, 20, 0, TD_STOP_ENTRY_FILL_PRICE);
            options->stop_exit_price = (td_stop_exit_price)td_draw_whole(seed, 21, 0, TD_STOP_EXIT_CLOSE);
            options->keep_stops = td_draw(seed, 22) < 0.3;
            options->lock_cash = td_draw(seed, 23) < 0.3;
            options->whole = td_draw(seed, 24) < 0.2;
            options->min_size = least[td_draw_whole(seed, 25, 0, 2)];
            options->max_size = most[td_draw_whole(seed, 26, 0, 2)];
        }
        td_error error;
        td_deck *deck;
        td_cell cell;
        assert_ok(td_deck_make(&copy, &def, &deck, &error));
        assert_ok(td_check_set(deck, &set, &error));
        td_assert_engines_agree(deck, &set, 1, 1 + (int64_t)(seed % 7), &cell, "random");
        td_record record = td_record_make(deck, &set);
        assert_int_equal(record.cell.state, TD_CELL_DONE);
        int64_t covered = 0, last = -1;
        bool debt = false;
        for (int64_t i = 0; i < record.fill_count; i++) {
            if (record.fills[i].reason == TD_FILL_REASON_end) continue;
            assert_true(record.fills[i].bar > last); /* one order a bar */
            last = record.fills[i].bar;
        }
        double before = set.knob[TD_KNOB_cash], sum = 0, peak = record.equity[0], worst = 0;
        for (int64_t t = 0; t < bars; t++) {
            covered += record.position[t] != 0;
            debt |= record.equity[t] <= 0;
            sum += (record.equity[t] - before) / fabs(before);
            before = record.equity[t];
            peak = fmax(peak, before);
            worst = fmin(worst, before / peak - 1);
        }
        assert_near(record.cell.metrics[TD_METRIC_exposure], (double)covered / (double)bars, 1e-14);
        assert_true(fabs(record.cell.metrics[TD_METRIC_max_drawdown] - worst) < 1e-12 * (1 + fabs(worst)));
        double volatility = record.cell.metrics[TD_METRIC_annual_volatility];
        if (!debt && volatility > 1e-6)
            assert_near(record.cell.metrics[TD_METRIC_sharpe] * volatility / 365 + 1, sum / (double)bars + 1, 1e-9);
        fills += record.fill_count;
        trades += record.trade_count;
        debts += debt;
        td_record_free(&record);
        td_deck_free(deck);
        free(volume);
        td_test_tape_free(&tape);
    }
    assert_true(fills > 1000 && trades > 500 && debts > 3);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        RULE(R130_orders_fill_in_their_row),
        RULE(R131_signals_of_vectorbts_own_test),
        RULE(R132_one_order_per_bar_the_stops_first),
        RULE(R133_stops_stand_off_the_close_of_the_entry),
        RULE(R134_stops_of_vectorbts_own_test),
        RULE(R135_a_trailing_stop_follows_after_its_test),
        RULE(R136_stops_do_not_slip),
        RULE(R137_a_reversal_is_one_order),
        RULE(R138_entries_of_a_trade_are_averaged),
        RULE(R139_sizes),
        RULE(R140_what_cash_cannot_pay_is_bought_in_part),
        RULE(R141_finalize_and_what_stays_open),
        RULE(R161_entries_and_exits_may_be_accumulated),
        RULE(R162_what_an_opposite_entry_does),
        RULE(R163_what_stops_are_measured_from),
        RULE(R164_where_stops_fill),
        RULE(R165_what_a_stop_does),
        RULE(R166_cash_may_be_locked),
        RULE(R167_smallest_and_largest_orders),
        {"what_it_does_not_have_is_refused", what_it_does_not_have_is_refused, begin, stop, NULL},
        {"returns_of_vectorbts_own_test", returns_of_vectorbts_own_test, begin, stop, NULL},
        {"a_required_return", a_required_return, begin, stop, NULL},
        {"random_plays", random_plays, begin, stop, NULL},
    };
    return cmocka_run_group_tests_name("vectorbt", tests, NULL, NULL);
}
