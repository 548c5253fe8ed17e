/* Profile backtesting with orders: rules R145 and on of docs/bar-rules.md by hand, numbers of backtesting.py's own tests among them; and
 * random plays, whose money is watched. tests/peers/backtesting_orders.py compares with the package. Orders come from the strategy
 * `queue` (tests/strategies): closes of 64 and steps of 1/64 make its levels whole prices. */
#include "sim/deck.h"
#include "tests/by_hand.h"

enum { NOTHING, BUY, SELL, BUY_LIMIT, SELL_LIMIT, BUY_STOP, SELL_STOP, BUY_STOP_LIMIT, SELL_STOP_LIMIT, LEAVE, MOVE_STOP, MOVE_TARGET, CANCEL,
       TARGET_SHORT, TARGET_OUT, TARGET_LONG };

static int begin(void **state) {
    start(state);
    def.profile = TD_PROFILE_BACKTESTING;
    def.strategy = td_test_strategy("queue");
    td_set knobs = set;
    set = td_default_set(def.strategy);
    memcpy(set.knob, knobs.knob, sizeof set.knob);
    set.knob[TD_KNOB_lot] = 1;
    set.knob[TD_KNOB_size] = 12;
    set.knob[TD_KNOB_pyramiding] = td_knob_infos[TD_KNOB_pyramiding].maximum;
    set.param[0] = 1.0 / 64;
    return 0;
}
#undef RULE
#define RULE(function) {#function, function, begin, stop, NULL}

/* An action at a close of 64: level and limit are prices, loss and profit the distances of stop and target from where the order enters,
 * 0 none; size is one `part`-th. */
typedef struct action {
    int what, level, limit, loss, profit, part;
} action;
static double coded(action a) {
    double digits[] = {a.what, a.level ? a.level - 48 : 16, a.limit ? a.limit - 48 : 16, a.loss, a.profit, a.part ? a.part - 1 : 0};
    double bases[] = {16, 32, 32, 16, 16, 4}, code = 0, unit = 1;
    for (int i = 0; i < 6; i++) {
        code += digits[i] * unit;
        unit *= bases[i];
    }
    return code;
}
#define DO(...) coded((action){.what = __VA_ARGS__})
#define TWO(first, second) ((first) + 0x1p24 * (second))

/* Rows of daily bars, what is done in each; bar 0 is an uneventful one before the first. */
static void play_rows(const td_bar *bars, int count) {
    double open[BARS_MAX], high[BARS_MAX], low[BARS_MAX], close[BARS_MAX], volume[BARS_MAX];
    int64_t time[BARS_MAX];
    for (int t = 0; t < count; t++) {
        open[t] = bars[t].open;
        high[t] = bars[t].high;
        low[t] = bars[t].low;
        close[t] = bars[t].close;
        volume[t] = isnan(bars[t].order) ? 0 : bars[t].order;
        time[t] = (19723 + t) * TD_NS_PER_DAY;
    }
    td_tape tape = {.bars = count, .symbols = 1, .interval_ns = TD_NS_PER_DAY, .time_ns = time, .open = open, .high = high, .low = low,
                    .close = close, .volume = volume};
    play_tape(&tape);
}
#define ROWS(...)                                                                                                                \
    play_rows((const td_bar[]){FLAT(64), __VA_ARGS__}, (int)(sizeof((const td_bar[]){FLAT(64), __VA_ARGS__}) / sizeof(td_bar)))
#define BAR(open, high, low, close) {open, high, low, close, NONE}
#define AT(...) {64, 64, 64, 64, DO(__VA_ARGS__)}
#define BOTH(first, second) {64, 64, 64, 64, TWO(DO first, DO second)}

#define expect_trades(count) assert_int_equal(now.trade_count, count)
#define expect_trade(index, from, to, units, entry, exit) check_trade(index, from, to, units, entry, exit, __FILE__, __LINE__)
static void check_trade(int64_t index, int64_t from, int64_t to, double units, double entry, double exit, const char *file, int line) {
    if (index >= now.trade_count) {
        print_error("trade %lld is missing: there are %lld\n", (long long)index, (long long)now.trade_count);
        _fail(file, line);
        return;
    }
    const td_trade *trade = &now.trades[index];
    if (trade->entry_bar == from && trade->exit_bar == to && trade->units == units && fabs(trade->entry_price - entry) <= 1e-12 * entry &&
        fabs(trade->exit_price - exit) <= 1e-12 * exit)
        return;
    print_error("trade %lld: %.17g from %.17g on bar %lld to %.17g on bar %lld, expected %.17g from %.17g on bar %lld to %.17g on bar %lld\n",
                (long long)index, trade->units, trade->entry_price, (long long)trade->entry_bar, trade->exit_price,
                (long long)trade->exit_bar, units, entry, (long long)from, exit, (long long)to);
    _fail(file, line);
}
static void expect_failure(td_cell_reason reason) {
    assert_int_equal(now.cell.state, TD_CELL_FAILED);
    assert_int_equal(now.cell.reason, reason);
}

static void R145_orders_wait_in_one_queue(void **state) {
    (void)state;
    /* the stop before the target, though the open is beyond the target already */
    ROWS(AT(BUY, .loss = 4, .profit = 4), BAR(65, 66, 63, 65), BAR(70, 71, 60, 70), FLAT(70));
    expect_trades(1);
    expect_trade(0, 2, 3, 12, 65, 60);
    expect_metric(ambiguous_bars, 1);
    /* what closes at the market before both: the stop at 60 is gone when its turn comes */
    ROWS(AT(BUY, .loss = 4), {64, 65, 63, 64, DO(LEAVE)}, BAR(58, 66, 50, 64), FLAT(64));
    expect_fill(1, 3, open, -12, 58);
    expect_trades(1);
    /* orders as they were placed: a limit order fills before the market order that came after it */
    ROWS(BOTH((BUY_LIMIT, .level = 60), (BUY, .part = 2)), BAR(62, 63, 59, 62), FLAT(62));
    expect_fill(0, 2, limit, 12, 60);
    expect_fill(1, 2, open, 6, 62);
}

static void R146_market_orders(void **state) {
    (void)state;
    ROWS(AT(BUY), BAR(65, 66, 63, 65), FLAT(66));
    expect_fill(0, 2, open, 12, 65);
    /* on close: of the deciding bar, equity of which is taken before; leaving likewise, stops on the next bar's prices */
    def.fill_at = TD_FILL_CLOSE;
    set.knob[TD_KNOB_fixed_commission] = 5;
    ROWS(AT(BUY, .loss = 4), BAR(58, 66, 57, 65), FLAT(66));
    expect_trade(0, 1, 2, 12, 64, 58);
    assert_int_equal(now.fills[1].reason, TD_FILL_REASON_stop_gap);
    expect_equity(1, 10000);
    ROWS(AT(BUY), {65, 66, 63, 64, DO(LEAVE)}, FLAT(70));
    expect_trade(0, 1, 2, 12, 64, 64);
    expect_equity(2, 9995);
    /* a stop order fills on the bar that reaches it, from the close before it on */
    ROWS(AT(BUY_STOP, .level = 63), BAR(62, 64, 61, 62), FLAT(62));
    expect_fill(0, 2, stop_order, 12, 64);
    /* what is decided on the last bar never fills */
    ROWS(FLAT(64), AT(BUY));
    expect_fills(0);
}

static void R147_stop_orders(void **state) {
    (void)state;
    ROWS(AT(BUY_STOP, .level = 66), BAR(65, 65, 63, 64), BAR(65, 66, 63, 64), FLAT(64));
    expect_fill(0, 3, stop_order, 12, 66);
    ROWS(AT(BUY_STOP, .level = 66), BAR(68, 69, 67, 68), FLAT(64));
    expect_fill(0, 2, stop_order, 12, 68);
    ROWS(AT(SELL_STOP, .level = 60), BAR(61, 62, 60, 61), FLAT(64));
    expect_fill(0, 2, stop_order, -12, 60);
    ROWS(AT(SELL_STOP, .level = 60), BAR(58, 62, 57, 61), FLAT(64));
    expect_fill(0, 2, stop_order, -12, 58);
}

static void R148_limit_orders(void **state) {
    (void)state;
    ROWS(AT(BUY_LIMIT, .level = 60), BAR(62, 65, 61, 64), BAR(62, 63, 60, 62), FLAT(64));
    expect_fill(0, 3, limit, 12, 60);
    ROWS(AT(BUY_LIMIT, .level = 60), BAR(58, 63, 57, 62), FLAT(64));
    expect_fill(0, 2, limit, 12, 58);
    ROWS(AT(SELL_LIMIT, .level = 66), BAR(68, 69, 67, 68), FLAT(64));
    expect_fill(0, 2, limit, -12, 68);
    /* it pays the spread like any entry, and no slippage */
    set.knob[TD_KNOB_spread] = 1.0 / 32;
    set.knob[TD_KNOB_slippage] = 1.0 / 16;
    ROWS(AT(BUY_LIMIT, .level = 64), BAR(64, 65, 63, 64), FLAT(64));
    expect_fill(0, 2, limit, 12, 66);
}

static void R149_stop_limit_orders(void **state) {
    (void)state;
    /* the stop inside the bar, the limit beyond it: filled at the stop */
    ROWS(AT(BUY_STOP_LIMIT, .level = 66, .limit = 68), BAR(65, 67, 63, 66), FLAT(64));
    expect_fill(0, 2, limit, 12, 66);
    /* also where the open jumped over both, at a price that was not there */
    ROWS(AT(BUY_STOP_LIMIT, .level = 66, .limit = 68), BAR(70, 71, 68, 70), FLAT(64));
    expect_fill(0, 2, limit, 12, 66);
    /* a limit before the stop does not count in the bar that reaches the stop; from then on it is a limit order */
    ROWS(AT(BUY_STOP_LIMIT, .level = 66, .limit = 65), BAR(64, 67, 63, 66), BAR(64, 65, 64, 65), FLAT(64));
    expect_fill(0, 3, limit, 12, 64);
    ROWS(AT(SELL_STOP_LIMIT, .level = 62, .limit = 60), BAR(63, 64, 61, 62), FLAT(64));
    expect_fill(0, 2, limit, -12, 62);
}

static void R150_stops_in_the_bar_of_the_entry(void **state) {
    (void)state;
    /* after a market order both act */
    ROWS(AT(BUY, .loss = 4, .profit = 15), BAR(65, 66, 59, 65), FLAT(64));
    expect_trade(0, 2, 2, 12, 65, 60);
    ROWS(AT(BUY, .profit = 4), BAR(65, 69, 64, 65), FLAT(64));
    expect_trade(0, 2, 2, 12, 65, 68);
    /* after a stop order where the target was reached and the stop was not */
    ROWS(AT(BUY_STOP, .level = 66, .loss = 4, .profit = 2), BAR(65, 70, 64, 65), FLAT(64));
    expect_trades(1);
    assert_int_equal(now.trades[0].exit_bar, 2);
    expect_metric(ambiguous_bars, 0);
    /* else from the next bar on, and the bar counts as ambiguous */
    ROWS(AT(BUY_STOP, .level = 66, .loss = 4, .profit = 2), BAR(65, 70, 60, 65), BAR(65, 66, 64, 65), FLAT(64));
    expect_trades(0);
    expect_metric(ambiguous_bars, 1);
    ROWS(AT(BUY_LIMIT, .level = 60, .loss = 4), BAR(62, 63, 55, 62), BAR(52, 53, 51, 52), FLAT(52));
    expect_trade(0, 2, 3, 12, 60, 52);
    expect_metric(ambiguous_bars, 1);
    /* the second look is at the whole queue: another limit order fills no second time, a stop-limit order that waits for its limit may */
    ROWS(BOTH((BUY_STOP_LIMIT, .level = 66, .limit = 65), (BUY, .loss = 15)), BAR(66, 67, 63, 66), FLAT(66));
    expect_fills(2);
    expect_fill(0, 2, open, 12, 66);
    expect_fill(1, 2, limit, 12, 65);
}

static void R151_trades_keep_their_own(void **state) {
    (void)state;
    set.knob[TD_KNOB_fixed_commission] = 1;
    /* two longs at 64 and 66, each with its own stop; a short for 18 closes the first, then half of the second */
    ROWS(AT(BUY, .loss = 8), {64, 66, 63, 64, DO(BUY, .loss = 2)}, {66, 66, 63, 64, DO(SELL)}, {60, 61, 58, 60, NONE}, FLAT(60));
    /* the second's stop at 62 comes first; the sale of 12 is the first's then */
    expect_trades(2);
    expect_trade(0, 3, 4, 12, 66, 60);
    assert_int_equal(now.trades[0].exit_reason, TD_FILL_REASON_stop_gap);
    expect_trade(1, 2, 4, 12, 64, 60);
    assert_int_equal(now.trades[1].exit_reason, TD_FILL_REASON_open);
    /* from the oldest on, in parts, and the rest opens */
    ROWS(BOTH((BUY), (BUY, .part = 2)), {64, 66, 63, 64, TWO(DO(SELL), DO(SELL, .part = 4))}, {60, 61, 58, 64, DO(SELL)},
         FLAT(62), FLAT(62));
    expect_trades(3);
    expect_trade(0, 2, 3, 12, 64, 60);
    expect_trade(1, 2, 3, 3, 64, 60);
    expect_trade(2, 2, 4, 3, 64, 62);
    expect_fill(5, 4, open, -9, 62);
    assert_near(now.trades[1].pnl, 3 * (60 - 64) - 2, 0); /* the whole fixed commission of the entry again */
    assert_near(now.trades[2].pnl, 3 * (62 - 64) - 2, 0);
    expect_metric(commission_paid, 6);
    assert_true(now.position[4] == -9);
}

static void R152_leaving_in_parts(void **state) {
    (void)state;
    /* half of 12 and of 3, which is 1.5 and goes to the even one; the younger trade's order comes first */
    ROWS(BOTH((BUY), (BUY, .part = 4)), {64, 66, 63, 64, DO(LEAVE, .part = 2)}, FLAT(65), FLAT(65));
    expect_trades(2);
    expect_trade(0, 2, 3, 2, 64, 65);
    expect_trade(1, 2, 3, 6, 64, 65);
    /* at least a lot; two of the same bar take no more than there is */
    set.knob[TD_KNOB_size] = 1;
    ROWS(AT(BUY), {64, 66, 63, 64, TWO(DO(LEAVE, .part = 4), DO(LEAVE))}, FLAT(65), FLAT(65));
    expect_trades(1);
    expect_trade(0, 2, 3, 1, 64, 65);
}

static void R153_sizes_are_of_what_is_free(void **state) {
    (void)state;
    def.sizing = TD_SIZING_ALL_IN;
    set.knob[TD_KNOB_cash] = 1000;
    /* half: 7 of 15.6; then half of what is left; then all of it, and a short for all is less than a lot, as nothing is free */
    ROWS(AT(BUY, .part = 2), {64, 64, 64, 64, DO(BUY, .part = 2)}, {64, 64, 64, 64, DO(BUY)}, {64, 64, 64, 64, DO(SELL)}, FLAT(64));
    expect_fills(3);
    expect_fill(0, 2, open, 7, 64);
    expect_fill(1, 3, open, 4, 64);
    expect_fill(2, 4, open, 4, 64);
    expect_metric(refused_lot, 1);
    /* what a short frees or takes is counted at the close of the bar it fills in: 1000 - 7 * 96 there, less 7 * 32 of loss */
    ROWS(AT(SELL, .part = 2), {64, 64, 64, 64, DO(SELL)}, BAR(64, 97, 63, 96), FLAT(96));
    expect_fills(2);
    expect_fill(1, 3, open, -1, 64);
    /* of units that are too many, those that close do; the rest is refused */
    def.sizing = TD_SIZING_FIXED_UNITS;
    set.knob[TD_KNOB_size] = 20;
    ROWS(AT(SELL, .part = 4), {64, 64, 64, 64, DO(BUY)}, FLAT(60), FLAT(60));
    expect_fills(3);
    expect_fill(2, 3, open, 15, 60);
    set.knob[TD_KNOB_size] = 40;
    ROWS(AT(SELL, .part = 4), {64, 64, 64, 64, DO(BUY)}, FLAT(60), FLAT(60));
    expect_fills(2);
    expect_trade(0, 2, 3, -10, 64, 60);
    expect_metric(refused_cash, 1);
    /* leverage */
    set.knob[TD_KNOB_leverage] = 4;
    def.sizing = TD_SIZING_ALL_IN;
    ROWS(AT(BUY), FLAT(64), FLAT(64));
    expect_fill(0, 2, open, 62, 64);
}

static void R154_costs_of_orders(void **state) {
    (void)state;
    set.knob[TD_KNOB_spread] = 1.0 / 32;
    set.knob[TD_KNOB_slippage] = 1.0 / 64;
    set.knob[TD_KNOB_commission] = 1.0 / 128;
    ROWS(AT(BUY, .profit = 8), FLAT(64), BAR(70, 73, 70, 72), FLAT(72));
    expect_fill(0, 2, open, 12, 67);
    expect_fill(1, 3, target, -12, 72); /* a limit order: nothing but commission */
    assert_near(now.fills[0].commission, 12 * 67 / 128.0, 1e-15);
    assert_near(now.trades[0].commission, 12 * (67 + 72) / 128.0, 1e-15);
    ROWS(AT(BUY), {64, 64, 64, 64, DO(SELL)}, FLAT(64), FLAT(64));
    expect_fill(1, 3, open, -12, 63); /* closing: slippage, no spread */
}

static void R155_stops_and_targets_are_moved(void **state) {
    (void)state;
    /* of all trades; the last one's stands foremost */
    ROWS(BOTH((BUY), (BUY, .part = 2)), {64, 64, 64, 64, DO(MOVE_STOP, .level = 62)}, BAR(63, 64, 61, 64), FLAT(64));
    expect_trade(0, 2, 3, 6, 64, 62);
    expect_trade(1, 2, 3, 12, 64, 62);
    ROWS(AT(BUY, .profit = 2), {64, 64, 64, 64, DO(MOVE_TARGET, .level = 70)}, BAR(66, 68, 66, 68), BAR(68, 71, 68, 70), FLAT(70));
    expect_trade(0, 2, 4, 12, 64, 70);
    /* a stop above the market is met at the next open */
    ROWS(AT(BUY), {64, 64, 64, 64, DO(MOVE_STOP, .level = 70)}, BAR(65, 66, 64, 64), FLAT(64));
    expect_trade(0, 2, 3, 12, 64, 65);
    /* cancelling leaves a trade its own, and takes off what was placed on the same bar before it */
    ROWS(AT(BUY, .loss = 4), {64, 64, 64, 64, DO(BUY_LIMIT, .level = 60)}, {64, 64, 64, 64, TWO(DO(SELL), DO(CANCEL))}, BAR(61, 61, 60, 60),
         BAR(60, 60, 60, 60), FLAT(60));
    expect_fills(2);
    expect_fill(1, 4, stop, -12, 60);
    expect_metric(refused_orders, 0);
}

static void R156_what_there_is_no_word_for(void **state) {
    (void)state;
    /* stop and target must be on the sides of the level, or of the close with the spread */
    ROWS(AT(BUY_LIMIT, .level = 60, .loss = 0, .profit = 4), FLAT(64), FLAT(64));
    expect_metric(refused_orders, 0);
    set.knob[TD_KNOB_spread] = 1.0 / 32;
    ROWS(AT(BUY, .profit = 2), FLAT(64), FLAT(64)); /* 64 * (1 + 1/32) is 66 */
    expect_fills(0);
    expect_metric(refused_orders, 1);
    set.knob[TD_KNOB_spread] = 0;
    /* other kinds of orders fail the set: if touched, exits at a price, resizing, trailing */
    def.strategy = td_test_strategy("placer");
    td_set knobs = set;
    static const int unknown[] = {8, 9, 11, 12};
    for (int i = 0; i < 5; i++) {
        set = td_default_set(def.strategy);
        memcpy(set.knob, knobs.knob, sizeof set.knob);
        set.param[1] = i < 4 && unknown[i] < 10 ? unknown[i] : 0;
        set.param[6] = i < 4 && unknown[i] > 10 ? 3 : 0;
        set.param[7] = i < 4 ? unknown[i] : 0;
        if (i == 4) set.param[13] = 0.1;
        ROWS(FLAT(64), FLAT(64), FLAT(64), FLAT(64));
        expect_failure(TD_CELL_REASON_order_kind);
    }
    def.strategy = td_strategy_find("volatility-target");
    set = td_default_set(def.strategy);
    memcpy(set.knob, knobs.knob, sizeof set.knob);
    set.param[0] = set.param[1] = 2;
    def.sizing = TD_SIZING_ALL_IN;
    ROWS(FLAT(64), FLAT(66), FLAT(64), FLAT(68), FLAT(64), FLAT(69));
    expect_failure(TD_CELL_REASON_order_kind);
}

static void R157_targets_among_orders(void **state) {
    (void)state;
    /* for the side that stands: closed and opened again; the orders of the bar come after */
    ROWS(AT(TARGET_LONG), {65, 65, 65, 64, TWO(DO(TARGET_LONG), DO(BUY, .part = 2))}, {66, 66, 66, 64, DO(TARGET_SHORT)},
         {67, 67, 67, 64, DO(TARGET_OUT)}, FLAT(68), FLAT(68));
    expect_trades(4);
    expect_trade(0, 2, 3, 12, 65, 66);
    expect_trade(1, 3, 4, 6, 66, 67);
    expect_trade(2, 3, 4, 12, 66, 67);
    expect_trade(3, 4, 5, -12, 67, 68);
    def.direction = TD_DIRECTION_LONG;
    ROWS(AT(BUY), {65, 65, 65, 64, DO(SELL)}, {66, 66, 66, 64, DO(SELL)}, FLAT(66));
    expect_fills(2);
    assert_true(now.position[3] == 0);
}

static void R158_ruin_closes_every_other_trade(void **state) {
    (void)state;
    set.knob[TD_KNOB_cash] = 1000;
    set.knob[TD_KNOB_size] = 4;
    set.knob[TD_KNOB_leverage] = 4;
    ROWS(BOTH((SELL), (SELL)), {64, 64, 64, 64, DO(SELL)}, FLAT(64), BAR(64, 160, 64, 150), FLAT(64));
    expect_trades(2);
    expect_trade(0, 2, 4, -4, 64, 150);
    expect_trade(1, 3, 4, -4, 64, 150);
    assert_int_equal(now.trades[0].exit_reason, TD_FILL_REASON_ruin);
    assert_true(now.cell.ruined);
    expect_equity(3, 1000);
    expect_equity(4, 0);
    expect_equity(5, 0);
}

static void R159_finalize_walks_once_more(void **state) {
    (void)state;
    def.finalize = true;
    ROWS(BOTH((BUY), (BUY, .part = 2)), FLAT(64), BAR(65, 66, 60, 66));
    expect_trades(2);
    expect_trade(0, 2, 3, 12, 64, 65); /* at the open of the last bar, the oldest first */
    expect_trade(1, 2, 3, 6, 64, 65);
    assert_int_equal(now.trades[0].exit_reason, TD_FILL_REASON_end);
    /* a decision of the last bar fills on it; what waits sees its range again */
    ROWS(AT(BUY), FLAT(64), {65, 66, 60, 64, TWO(DO(SELL, .loss = 15), DO(BUY_LIMIT, .level = 61))});
    expect_trades(2);
    expect_trade(0, 2, 3, 12, 64, 65);
    expect_trade(1, 3, 3, -12, 65, 61);
    expect_equity(3, 10000 + 12 + 48);
    def.fill_at = TD_FILL_CLOSE;
    ROWS(AT(BUY), FLAT(64), BAR(65, 66, 60, 66));
    expect_trade(0, 1, 2, 12, 64, 64);
    assert_true(now.position[2] == 12 && now.position[3] == 0);
    /* without it, what stands stays open and is no trade */
    def.finalize = false;
    ROWS(AT(BUY), FLAT(64), BAR(65, 66, 60, 66));
    expect_trades(0);
    expect_metric(exposure, 0);
}

static void R160_bounds_of_our_own(void **state) {
    (void)state;
    set.knob[TD_KNOB_pyramiding] = 1;
    ROWS(BOTH((BUY), (BUY)), FLAT(64), FLAT(64));
    expect_fills(1);
    expect_metric(refused_pyramiding, 1);
    /* good_for and one_cancels_other, in the words of placer: both fill in this bar, the first alone is filled */
    def.strategy = td_test_strategy("placer");
    td_set knobs = set;
    set = td_default_set(def.strategy);
    memcpy(set.knob, knobs.knob, sizeof set.knob);
    set.knob[TD_KNOB_pyramiding] = 5;
    enum { WHAT = 1, LEVEL = 2, BARS = 5, WHEN2 = 6, WHAT2 = 7, LEVEL2 = 8, PAIR = 14 };
    set.param[WHAT] = 2;
    set.param[LEVEL] = 0.9375;
    set.param[WHEN2] = 1;
    set.param[WHAT2] = 5;
    set.param[LEVEL2] = 0.96875;
    set.param[PAIR] = 1;
    ROWS(FLAT(64), BAR(63, 64, 58, 60), FLAT(60));
    expect_fills(1);
    expect_fill(0, 2, limit, 12, 60);
    set.param[PAIR] = 0;
    ROWS(FLAT(64), BAR(63, 64, 58, 60), FLAT(60));
    expect_fills(2);
    set.param[BARS] = 1;
    set.param[WHEN2] = 0;
    ROWS(FLAT(64), FLAT(64), BAR(63, 64, 58, 60), FLAT(60));
    expect_fills(0);
    /* stops of the configuration are those of each trade, from the price paid; the nearest counts */
    begin(state);
    set.knob[TD_KNOB_stop_loss] = 1.0 / 16;
    ROWS(AT(BUY), BAR(66, 67, 65, 66), BAR(66, 67, 59, 60), FLAT(60));
    expect_trade(0, 2, 3, 12, 66, 66 * 0.9375);
    ROWS(AT(BUY, .loss = 1), BAR(66, 67, 64, 66), BAR(66, 67, 59, 60), FLAT(60));
    expect_trade(0, 2, 3, 12, 66, 63);
}

static void lots_are_counted(void **state) {
    (void)state;
    /* prices of a lot of a fourth: levels in what the strategy sees, units and prices told as they are */
    def.row_scale = set.knob[TD_KNOB_lot] = 0.25;
    set.knob[TD_KNOB_size] = 3.3;
    ROWS(AT(BUY, .loss = 4), {64, 66, 63, 64, DO(LEAVE, .part = 4)}, BAR(62, 63, 59, 60), FLAT(60));
    expect_trades(2);
    expect_trade(0, 2, 3, 0.75, 64, 62); /* 13 lots; a fourth is 3 */
    expect_trade(1, 2, 3, 2.5, 64, 60);
    expect_equity(3, 10000 - 0.75 * 2 - 2.5 * 4);
    /* no lots at all, which is ours */
    def.row_scale = 1;
    set.knob[TD_KNOB_lot] = 0;
    ROWS(AT(BUY, .part = 4), {64, 66, 63, 64, DO(LEAVE, .part = 2)}, FLAT(62), FLAT(62));
    expect_trade(0, 2, 3, 0.4125, 64, 62);
}

static void other_engines_and_settings_are_refused(void **state) {
    (void)state;
    td_error error;
    td_tape tape = td_test_tape(50, TD_NS_PER_DAY, 1);
    td_deck *deck;
    td_player *player;
    assert_ok(td_deck_make(&tape, &def, &deck, &error));
    assert_fails(td_player_open(deck, TD_ENGINE_LANES, TD_ISA_SCALAR, &player, &error), TD_BAD_ARG, "orders of strategies in profile backtesting");
    assert_int_equal(td_deck_engine(deck, TD_ENGINE_AUTO), TD_ENGINE_REFERENCE);
    assert_true(td_player_bytes(deck, TD_ENGINE_AUTO, td_isa_best()) == td_player_bytes(deck, TD_ENGINE_REFERENCE, TD_ISA_SCALAR));
    set.knob[TD_KNOB_leverage] = 2;
    assert_ok(td_check_set(deck, &set, &error));
    set.knob[TD_KNOB_maintenance] = 0.1;
    assert_fails(td_check_set(deck, &set, &error), TD_BAD_ARG, "profile backtesting");
    td_deck_free(deck);
    /* targets alone play as before, on every engine */
    def.strategy = td_strategy_find("sma-cross");
    set = td_default_set(def.strategy);
    set.knob[TD_KNOB_leverage] = 2;
    assert_ok(td_deck_make(&tape, &def, &deck, &error));
    assert_fails(td_check_set(deck, &set, &error), TD_BAD_ARG, "leverage");
    assert_ok(td_player_open(deck, TD_ENGINE_LANES, TD_ISA_SCALAR, &player, &error));
    td_player_close(player);
    td_deck_free(deck);
}

static double draw_code(uint64_t seed, uint64_t n) {
    double code = 0;
    for (int i = 0; i < 2; i++) {
        uint64_t k = n * 20 + (uint64_t)i * 10;
        int drawn[6];
        for (uint64_t j = 0; j < 6; j++) drawn[j] = (int)td_draw_whole(seed, k + j, (int[]){0, 56, 56, 0, 0, 1}[j], (int[]){15, 72, 72, 12, 12, 4}[j]);
        code = TWO(DO(drawn[0], .level = drawn[1], .limit = drawn[2], .loss = drawn[3], .profit = drawn[4], .part = drawn[5]), code);
    }
    return code;
}

/* Bars that a closed trade stood in, from the trades alone. */
static double exposed(const td_record *record) {
    double bars = 0;
    for (int64_t t = 0; t < record->bars; t++) {
        bool stood = false;
        for (int64_t i = 0; i < record->trade_count; i++) stood |= record->trades[i].entry_bar <= t && t <= record->trades[i].exit_bar;
        bars += stood;
    }
    return bars / (double)record->bars;
}

static void random_plays(void **state) {
    int64_t fills = 0, trades = 0, at_once = 0, ruined = 0;
    for (uint64_t seed = 0; seed < 400; seed++) {
        begin(state);
        int64_t bars = td_draw_whole(seed, 1, 2, 300);
        td_tape tape = td_test_tape_of(bars, TD_NS_PER_DAY, (td_temper)td_draw_whole(seed, 2, 0, TD_TEMPER_COUNT - 1), false, seed);
        double *volume = calloc((size_t)bars, sizeof *volume), often = td_draw(seed, 3);
        for (int64_t t = 1; t < bars; t++)
            if (td_draw(seed, 100 + (uint64_t)t) < often) volume[t] = draw_code(seed + 1000, (uint64_t)t);
        td_tape copy = tape;
        copy.volume = volume;
        def.fill_at = (td_fill_at)td_draw_whole(seed, 4, 0, 1);
        def.sizing = (td_sizing)td_draw_whole(seed, 5, 0, 2);
        def.direction = (td_direction)(td_draw(seed, 6) < 0.3 ? td_draw_whole(seed, 7, 1, 2) : 0);
        def.finalize = td_draw(seed, 8) < 0.5;
        def.row_scale = (double[]){1, 1, 0.125}[td_draw_whole(seed, 9, 0, 2)];
        set.knob[TD_KNOB_lot] = td_draw(seed, 10) < 0.2 ? 0 : def.row_scale;
        set.knob[TD_KNOB_size] = def.sizing == TD_SIZING_FIXED_UNITS ? (double)td_draw_whole(seed, 11, 1, 40) : td_draw(seed, 11);
        set.knob[TD_KNOB_commission] = (double[]){0, 0.001, -0.0005}[td_draw_whole(seed, 12, 0, 2)];
        set.knob[TD_KNOB_fixed_commission] = (double[]){0, 0, 2.5}[td_draw_whole(seed, 13, 0, 2)];
        set.knob[TD_KNOB_spread] = (double[]){0, 0.002}[td_draw_whole(seed, 14, 0, 1)];
        set.knob[TD_KNOB_slippage] = (double[]){0, 0, 0.001}[td_draw_whole(seed, 15, 0, 2)];
        set.knob[TD_KNOB_leverage] = (double[]){1, 1, 20}[td_draw_whole(seed, 16, 0, 2)];
        set.knob[TD_KNOB_stop_loss] = (double[]){0, 0, 0.03}[td_draw_whole(seed, 17, 0, 2)];
        set.knob[TD_KNOB_take_profit] = (double[]){0, 0, 0.04}[td_draw_whole(seed, 18, 0, 2)];
        set.param[0] = (double[]){0.001, 0.01}[td_draw_whole(seed, 19, 0, 1)];
        td_error error;
        td_deck *deck;
        td_cell cell;
        assert_ok(td_deck_make(&copy, &def, &deck, &error));
        assert_ok(td_check_set(deck, &set, &error));
        td_assert_engines_agree(deck, &set, 1, 1 + (int64_t)(seed % 7), &cell, "random");
        td_record record = td_record_make(deck, &set);
        assert_int_equal(record.cell.state, TD_CELL_DONE);
        assert_near(record.cell.metrics[TD_METRIC_exposure], exposed(&record), 1e-14);
        double sum = 0, longest = 0, together = 0;
        for (int64_t i = 0; i < record.trade_count; i++) {
            const td_trade *trade = &record.trades[i];
            sum += trade->pnl;
            longest = fmax(longest, (double)(trade->exit_ns - trade->entry_ns) / TD_NS_PER_DAY);
            for (int64_t k = 0; k < i; k++)
                together += record.trades[k].entry_bar < trade->exit_bar && trade->entry_bar < record.trades[k].exit_bar;
        }
        if (record.trade_count) assert_near(record.cell.metrics[TD_METRIC_max_trade_duration], longest, 1e-14);
        /* with no fixed commission, which parts of a trade are charged twice, profits are what the account has more */
        if (def.finalize && set.knob[TD_KNOB_fixed_commission] == 0 && record.position[bars - 1] == 0 && !record.cell.ruined)
            assert_true(fabs(record.equity[bars - 1] - 10000 - sum) < 1e-7);
        fills += record.fill_count;
        trades += record.trade_count;
        at_once += together > 0;
        ruined += record.cell.ruined;
        td_record_free(&record);
        td_deck_free(deck);
        free(volume);
        td_test_tape_free(&tape);
    }
    assert_true(fills > 5000 && trades > 2000 && at_once > 100 && ruined > 3);
}

/* Targets alone come to the same through the queue as through sim/broker.c: `queue` of targets, `follow` of the same. */
static void targets_play_as_without_a_queue(void **state) {
    int64_t trades = 0;
    for (uint64_t seed = 0; seed < 100; seed++) {
        begin(state);
        int64_t bars = td_draw_whole(seed, 1, 2, 200);
        td_tape tape = td_test_tape_of(bars, TD_NS_PER_DAY, (td_temper)td_draw_whole(seed, 2, 0, TD_TEMPER_COUNT - 1), false, seed);
        double *volume = calloc((size_t)bars, sizeof *volume), *targets = calloc((size_t)bars, sizeof *volume);
        for (int64_t t = 1; t < bars; t++)
            if (td_draw(seed, 100 + (uint64_t)t) < 0.3) {
                targets[t] = 9 + (double)td_draw_whole(seed, 500 + (uint64_t)t, 0, 2);
                volume[t] = DO(TARGET_SHORT + (int)targets[t] - 9);
            }
        def.fill_at = (td_fill_at)td_draw_whole(seed, 4, 0, 1);
        def.sizing = (td_sizing)td_draw_whole(seed, 5, 0, 2);
        def.finalize = td_draw(seed, 8) < 0.5;
        set.knob[TD_KNOB_size] = def.sizing == TD_SIZING_FIXED_UNITS ? 7 : 0.5;
        set.knob[TD_KNOB_commission] = 0.001;
        set.knob[TD_KNOB_fixed_commission] = td_draw(seed, 6) < 0.5 ? 2 : 0;
        set.knob[TD_KNOB_spread] = 0.002;
        set.knob[TD_KNOB_stop_loss] = td_draw(seed, 7) < 0.5 ? 0.05 : 0;
        set.knob[TD_KNOB_take_profit] = td_draw(seed, 9) < 0.5 ? 0.06 : 0;
        td_record records[2];
        for (int i = 0; i < 2; i++) {
            td_error error;
            td_deck *deck;
            td_tape copy = tape;
            copy.volume = i ? targets : volume;
            if (i) def.strategy = td_test_strategy("follow");
            assert_ok(td_deck_make(&copy, &def, &deck, &error));
            assert_ok(td_check_set(deck, &set, &error));
            records[i] = td_record_make(deck, &set);
            td_deck_free(deck);
        }
        assert_int_equal(records[0].trade_count, records[1].trade_count);
        for (int64_t i = 0; i < records[0].trade_count; i++) {
            const td_trade *a = &records[0].trades[i], *b = &records[1].trades[i];
            assert_true(a->entry_bar == b->entry_bar && a->exit_bar == b->exit_bar && a->units == b->units && a->exit_reason == b->exit_reason);
            assert_near(a->exit_price, b->exit_price, 1e-14);
            assert_true(fabs(a->pnl - b->pnl) < 1e-8);
        }
        for (int64_t t = 0; t < bars; t++) assert_near(records[0].equity[t], records[1].equity[t], 1e-11);
        for (int m = 0; m < TD_METRIC_BARS_COUNT; m++) {
            double a = records[0].cell.metrics[m], b = records[1].cell.metrics[m];
            bool noisy = m == TD_METRIC_avg_drawdown || m == TD_METRIC_avg_drawdown_duration || m == TD_METRIC_sqn;
            if (!noisy && !(isnan(a) && isnan(b)) && fabs(a - b) > 1e-7 * (1 + fabs(b))) {
                print_error("seed %d: %s is %.17g, %.17g\n", (int)seed, td_metric_infos[m].name, a, b);
                fail();
            }
        }
        trades += records[0].trade_count;
        td_record_free(&records[0]);
        td_record_free(&records[1]);
        free(volume);
        free(targets);
        td_test_tape_free(&tape);
    }
    assert_true(trades > 500);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        RULE(R145_orders_wait_in_one_queue),
        RULE(R146_market_orders),
        RULE(R147_stop_orders),
        RULE(R148_limit_orders),
        RULE(R149_stop_limit_orders),
        RULE(R150_stops_in_the_bar_of_the_entry),
        RULE(R151_trades_keep_their_own),
        RULE(R152_leaving_in_parts),
        RULE(R153_sizes_are_of_what_is_free),
        RULE(R154_costs_of_orders),
        RULE(R155_stops_and_targets_are_moved),
        RULE(R156_what_there_is_no_word_for),
        RULE(R157_targets_among_orders),
        RULE(R158_ruin_closes_every_other_trade),
        RULE(R159_finalize_walks_once_more),
        RULE(R160_bounds_of_our_own),
        {"lots_are_counted", lots_are_counted, begin, stop, NULL},
        {"other_engines_and_settings_are_refused", other_engines_and_settings_are_refused, begin, stop, NULL},
        {"random_plays", random_plays, begin, stop, NULL},
        {"targets_play_as_without_a_queue", targets_play_as_without_a_queue, begin, stop, NULL},
    };
    return cmocka_run_group_tests_name("backtesting", tests, NULL, NULL);
}
