/* sim/portfolio.h: rules R110 to R129 of docs/bar-rules.md by hand, each test named after its rule; then what must hold for any
 * portfolio: one symbol alone is the single engine to the bit, money is conserved, the order of symbols is no input, the future is not
 * known. */
#include "sim/portfolio.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/plays.h"

static td_error error;

/* ---- a few bars by hand ---- */

/* A day of one symbol: all four prices, or opens and closes with a range; what is decided at its close, NAN nothing. */
typedef struct day {
    double price, order, low, high; /* low and high 0: the price; price 0: no bar */
} day;
#define AT(price) {price, NAN, 0, 0}
#define DO(price, order) {price, order, 0, 0}
#define RANGE(price, low, high) {price, NAN, low, high}
#define GAP {0, NAN, 0, 0}
#define DAYS(...) (const day[]){__VA_ARGS__}, (int)(sizeof((const day[]){__VA_ARGS__}) / sizeof(day))

enum { HAND_SYMBOLS = 2, FILLS_MAX = 64, BARS_MAX = 64 };

static td_portfolio_def def; /* changed by a test before play() */
static td_set set;
static double weights[HAND_SYMBOLS];
static td_tape tapes[HAND_SYMBOLS];
/* what play() found */
static struct {
    td_cell cell;
    td_portfolio_share shares[HAND_SYMBOLS];
    td_fill fills[FILLS_MAX];
    int64_t symbols[FILLS_MAX];
    td_trade trades[FILLS_MAX];
    double equity[BARS_MAX];
    int fill_count, trade_count;
} now;

static int start(void **state) {
    (void)state;
    def = td_default_portfolio_def();
    def.play.strategy = td_test_strategy("script");
    weights[0] = weights[1] = 0.5;
    def.weights = weights;
    set = td_default_set(def.play.strategy);
    memset(&now, 0, sizeof now);
    return 0;
}

static void hand_tape(int symbol, const day *days, int count) {
    td_bar bars[BARS_MAX];
    int kept = 0;
    for (int t = 0; t < count; t++) {
        double price = days[t].price;
        if (price > 0)
            bars[kept++] = (td_bar){price, days[t].high > 0 ? days[t].high : price, days[t].low > 0 ? days[t].low : price, price,
                                    days[t].order};
    }
    tapes[symbol] = td_script_tape(bars, kept, TD_NS_PER_DAY);
    strcpy(tapes[symbol].symbol, symbol ? "B" : "A");
    strcpy(tapes[symbol].interval, "1d");
    int64_t *time = (int64_t *)(uintptr_t)tapes[symbol].time_ns, first = time[0];
    for (int t = 0, k = 0; t < count; t++)
        if (days[t].price > 0) time[k++] = first + t * TD_NS_PER_DAY;
}

static void note_fill(void *context, int64_t symbol, const td_fill *fill) {
    (void)context;
    assert_true(now.fill_count < FILLS_MAX);
    now.symbols[now.fill_count] = symbol;
    now.fills[now.fill_count++] = *fill;
}

static void note_trade(void *context, int64_t symbol, const td_trade *trade) {
    (void)context, (void)symbol;
    now.trades[now.trade_count++] = *trade;
}

static void note_bar(void *context, int64_t bar, double equity, double cash, const double *positions) {
    (void)context, (void)cash, (void)positions;
    now.equity[bar] = equity;
}

static void play(const day *a, int a_count, const day *b, int b_count) {
    td_portfolio *portfolio;
    td_portfolio_observer observer = {.on_fill = note_fill, .on_trade = note_trade, .on_bar = note_bar};
    hand_tape(0, a, a_count);
    hand_tape(1, b, b_count);
    memset(&now, 0, sizeof now);
    assert_ok(td_portfolio_make(tapes, HAND_SYMBOLS, &def, &portfolio, &error));
    assert_ok(td_check_set(td_portfolio_deck(portfolio), &set, &error));
    assert_ok(td_portfolio_play_detailed(portfolio, &set, &observer, &now.cell, NULL, now.shares, &error));
    assert_int_equal(now.cell.metrics[TD_METRIC_fills], now.fill_count);
    td_portfolio_free(portfolio);
    for (int s = 0; s < HAND_SYMBOLS; s++) td_test_tape_free(&tapes[s]);
}

#define expect_fill(index, symbol, bar, reason, units, price)                                                                     \
    check_fill(index, symbol, bar, TD_FILL_REASON_##reason, units, price, __FILE__, __LINE__)
enum { A, B };
static void check_fill(int index, int64_t symbol, int64_t bar, td_fill_reason reason, double units, double price, const char *file,
                       int line) {
    const td_fill *fill = &now.fills[index];
    if (index < now.fill_count && now.symbols[index] == symbol && fill->bar == bar && fill->reason == reason &&
        fabs(fill->units - units) <= 1e-12 * fabs(units) && fabs(fill->price - price) <= 1e-12 * price)
        return;
    for (int i = 0; i < now.fill_count; i++)
        print_error("fill %d: %s of %.17g %c at %.17g on bar %lld\n", i, td_fill_reason_name(now.fills[i].reason), now.fills[i].units,
                    (int)('A' + now.symbols[i]), now.fills[i].price, (long long)now.fills[i].bar);
    print_error("expected fill %d: %s of %.17g %c at %.17g on bar %lld\n", index, td_fill_reason_name(reason), units, (int)('A' + symbol),
                price, (long long)bar);
    _fail(file, line);
}
#define expect_fills(count) assert_int_equal(now.fill_count, count)
#define expect_equity(bar, value) assert_near(now.equity[bar], value, 1e-14)
#define expect_metric(name, value) assert_near(now.cell.metrics[TD_METRIC_##name], value, 1e-14)

static void R110_a_target_times_the_weight(void **state) {
    (void)state;
    play(DAYS(AT(100), DO(100, 1), AT(100), AT(120), AT(120)), DAYS(AT(50), DO(50, 0.5), AT(50), AT(50), AT(50)));
    expect_fills(2);
    expect_fill(0, A, 2, open, 50, 100);
    expect_fill(1, B, 2, open, 50, 50);
    expect_equity(3, 11000);
    assert_near(now.shares[A].pnl, 1000, 1e-14);
    assert_near(now.shares[B].pnl, 0, 1e-14);
    /* and of `size`, where sizing is a fraction; fills at closes */
    def.play.sizing = TD_SIZING_FRACTION;
    def.play.fill_at = TD_FILL_CLOSE;
    set.knob[TD_KNOB_size] = 0.5;
    play(DAYS(AT(100), DO(100, 1), AT(100)), DAYS(AT(50), DO(50, -1), AT(50)));
    expect_fills(2);
    expect_fill(0, A, 1, close, 25, 100);
    expect_fill(1, B, 1, close, -50, 50);
}

static void R111_no_bar_no_trade(void **state) {
    (void)state;
    play(DAYS(AT(100), DO(100, 1), GAP, GAP, AT(125), AT(125)), DAYS(AT(50), DO(50, 1), AT(50), AT(60), AT(60), AT(60)));
    expect_fills(2);
    expect_fill(0, B, 2, open, 100, 50);
    expect_fill(1, A, 4, open, 0.5 * 11000 / 125 * (5000.0 / 5500), 125); /* what cash there is */
    expect_equity(3, 11000);
    /* without a bar a position is worth its last close */
    play(DAYS(AT(100), DO(100, 1), AT(110), GAP, AT(130)), DAYS(AT(50), AT(50), AT(50), AT(50), AT(50)));
    expect_equity(2, 10000);
    expect_equity(3, 10000);
    expect_equity(4, 10000 + 5000.0 / 110 * 20);
}

static void R112_sizes_are_of_the_equity_at_the_fill(void **state) {
    (void)state;
    weights[1] = 0.25;
    play(DAYS(AT(100), DO(100, 1), AT(100), AT(100), AT(200)), DAYS(AT(50), AT(50), AT(50), DO(50, 1), AT(50)));
    expect_fills(2);
    expect_fill(1, B, 4, open, 0.25 * 15000 / 50, 50);
}

static void R113_what_frees_cash_fills_first(void **state) {
    (void)state;
    weights[0] = weights[1] = 1;
    play(DAYS(AT(100), AT(100), AT(100), DO(100, 1), AT(100)), DAYS(AT(50), DO(50, 1), AT(50), DO(50, 0), AT(50)));
    expect_fills(3);
    expect_fill(0, B, 2, open, 200, 50);
    expect_fill(1, B, 4, open, -200, 50);
    expect_fill(2, A, 4, open, 100, 100);
    /* an entry of the bar before the sale finds no cash */
    play(DAYS(AT(100), AT(100), DO(100, 1), AT(100), AT(100)), DAYS(AT(50), DO(50, 1), AT(50), DO(50, 0), AT(50)));
    expect_fills(2);
    expect_metric(refused_cash, 1);
}

static void R114_too_little_cash_is_shared_pro_rata(void **state) {
    (void)state;
    weights[0] = 0.9;
    weights[1] = 0.3;
    play(DAYS(AT(100), DO(100, 1), AT(100)), DAYS(AT(50), DO(50, 1), AT(50)));
    expect_fills(2);
    expect_fill(0, A, 2, open, 75, 100);
    expect_fill(1, B, 2, open, 50, 50);
    /* fixed commissions come first, lots are rounded down after */
    set.knob[TD_KNOB_fixed_commission] = 50;
    set.knob[TD_KNOB_lot] = 10;
    play(DAYS(AT(100), DO(100, 1), AT(100)), DAYS(AT(50), DO(50, 1), AT(50)));
    expect_fills(2); /* 80 and 50 lots wanted: 10500 of 9900 to spend, so 75.4 and 47.1 */
    expect_fill(0, A, 2, open, 70, 100);
    expect_fill(1, B, 2, open, 40, 50);
}

static void R115_max_weight(void **state) {
    (void)state;
    def.max_weight = 0.3;
    weights[1] = 0.25;
    play(DAYS(AT(100), DO(100, 1), AT(100)), DAYS(AT(50), DO(50, 1), AT(50)));
    expect_fills(2);
    expect_fill(0, A, 2, open, 30, 100);
    expect_fill(1, B, 2, open, 50, 50);
}

static void R116_max_positions(void **state) {
    (void)state;
    def.max_positions = 1;
    play(DAYS(AT(100), DO(100, 1), AT(100), DO(100, 0), AT(100)), DAYS(AT(50), DO(50, 1), AT(50), DO(50, 1), AT(50)));
    expect_fills(3);
    expect_fill(0, A, 2, open, 50, 100);
    expect_fill(1, A, 4, open, -50, 100); /* makes room for */
    expect_fill(2, B, 4, open, 100, 50);
    expect_metric(refused_cash, 1);
}

static void R117_dates_bring_positions_back_to_their_weights(void **state) {
    (void)state;
    def.rebalance = TD_REBALANCE_WEEKLY; /* bar 0 is a Monday */
    play(DAYS(AT(100), DO(100, 1), AT(100), AT(100), AT(100), AT(100), AT(100), AT(200), AT(200)),
         DAYS(AT(50), DO(50, 1), AT(50), AT(50), AT(50), AT(50), AT(50), AT(50), AT(50)));
    expect_fills(4);
    expect_fill(2, A, 7, open, -12.5, 200);
    expect_fill(3, B, 7, open, 50, 50);
    assert_int_equal(now.trade_count, 1);
    /* at closes: on the close of the first row of the week */
    def.play.fill_at = TD_FILL_CLOSE;
    play(DAYS(AT(100), DO(100, 1), AT(100), AT(100), AT(100), AT(100), AT(100), AT(200), AT(200)),
         DAYS(AT(50), DO(50, 1), AT(50), AT(50), AT(50), AT(50), AT(50), AT(50), AT(50)));
    expect_fills(4);
    expect_fill(2, A, 7, close, -12.5, 200);
}

static void R118_the_band(void **state) {
    (void)state;
    def.rebalance = TD_REBALANCE_BARS;
    def.rebalance_bars = 3;
    def.band = 0.25; /* A is off by a sixth */
    play(DAYS(AT(100), DO(100, 1), AT(100), AT(200), AT(200)), DAYS(AT(50), DO(50, 1), AT(50), AT(50), AT(50)));
    expect_fills(2);
    def.band = 0.15;
    play(DAYS(AT(100), DO(100, 1), AT(100), AT(200), AT(200)), DAYS(AT(50), DO(50, 1), AT(50), AT(50), AT(50)));
    expect_fills(4);
}

static void R119_a_date_without_a_bar_passes_the_symbol_by(void **state) {
    (void)state;
    def.rebalance = TD_REBALANCE_BARS;
    def.rebalance_bars = 4;
    weights[0] = weights[1] = 0.4;
    play(DAYS(AT(100), DO(100, 1), AT(100), AT(200), GAP, AT(200), AT(200)),
         DAYS(AT(50), DO(50, 1), AT(50), AT(50), AT(50), AT(50), AT(50)));
    expect_fills(3);
    expect_fill(2, B, 4, open, 0.4 * 14000 / 50 - 80, 50);
}

static void R120_stops_are_each_symbols_own(void **state) {
    (void)state;
    set.knob[TD_KNOB_stop_loss] = 0.1;
    set.knob[TD_KNOB_take_profit] = 0.2;
    play(DAYS(AT(100), DO(100, 1), AT(100), RANGE(100, 80, 100), AT(100)), DAYS(AT(50), DO(50, 1), AT(50), AT(70), AT(70)));
    expect_fills(4);
    expect_fill(2, A, 3, stop, -50, 90);
    expect_fill(3, B, 3, target_gap, -100, 70);
    expect_equity(3, 10000 - 500 + 2000);
    play(DAYS(AT(100), DO(100, -1), AT(100), RANGE(100, 75, 120), AT(100)), DAYS(AT(50), DO(50, 1), AT(50), RANGE(50, 50, 65), AT(50)));
    expect_fills(4);
    expect_fill(2, A, 3, stop, 50, 110);
    expect_fill(3, B, 3, target, -100, 60);
    expect_metric(ambiguous_bars, 1);
    /* targets are limit orders, which makers place (R75) */
    def.play.maker_rate = true;
    set.knob[TD_KNOB_commission] = 0.001;
    set.knob[TD_KNOB_maker] = 0.0005;
    play(DAYS(AT(100), DO(100, 1), AT(100), RANGE(100, 80, 100), AT(100)), DAYS(AT(50), DO(50, 1), AT(50), RANGE(50, 50, 65), AT(50)));
    expect_fills(4);
    assert_near(now.fills[2].commission, now.fills[2].price * -now.fills[2].units * 0.001, 1e-14);
    assert_near(now.fills[3].commission, now.fills[3].price * -now.fills[3].units * 0.0005, 1e-14);
}

static void R121_additions_average_partial_sales_are_trades(void **state) {
    (void)state;
    def.rebalance = TD_REBALANCE_BARS;
    def.rebalance_bars = 3;
    def.play.finalize = true;
    play(DAYS(AT(100), DO(100, 1), AT(100), AT(200), AT(200)), DAYS(AT(50), DO(50, 1), AT(50), AT(40), AT(40)));
    expect_fills(6);
    expect_fill(2, A, 3, open, -15, 200);
    expect_fill(3, B, 3, open, 75, 40);
    assert_int_equal(now.trade_count, 3);
    assert_true(now.trades[0].exit_ns - now.trades[0].entry_ns == TD_NS_PER_DAY); /* bars 2 and 3 */
    assert_near(now.trades[0].units, 15, 1e-14);
    assert_near(now.trades[0].pnl, 1500, 1e-14);
    assert_near(now.trades[2].entry_price, 8000.0 / 175, 1e-14);
    assert_near(now.trades[2].pnl, -1000, 1e-12);
    expect_metric(trades, 3);
    assert_near(now.shares[A].trades, 2, 0);
}

static void R122_ruin_is_the_accounts(void **state) {
    (void)state;
    weights[0] = 0.9;
    weights[1] = 0.1;
    play(DAYS(AT(100), DO(100, -1), AT(100), AT(220), AT(100)), DAYS(AT(50), DO(50, 1), AT(50), AT(50), AT(50)));
    expect_fills(4);
    expect_fill(2, A, 3, ruin, 90, 220);
    expect_fill(3, B, 3, ruin, -20, 50);
    assert_int_equal(now.cell.ruined, 1);
    expect_equity(3, 0);
    expect_metric(final_equity, 0);
}

static void R123_finalize_closes_at_the_marks(void **state) {
    (void)state;
    def.play.finalize = true;
    play(DAYS(AT(100), DO(100, 1), AT(100), AT(110)), DAYS(AT(50), DO(50, 1), AT(50), AT(50), AT(60)));
    expect_fills(4);
    expect_fill(2, A, 4, end, -50, 110); /* its last close, a bar ago */
    expect_fill(3, B, 4, end, -100, 60);
    expect_metric(final_equity, 11500);
}

static void R124_dates_know_the_newest_target(void **state) {
    (void)state;
    def.rebalance = TD_REBALANCE_BARS;
    def.rebalance_bars = 5;
    play(DAYS(AT(100), DO(100, 1), AT(100), DO(100, 0.5), AT(100), AT(100), AT(100)),
         DAYS(AT(50), AT(50), AT(50), AT(50), AT(50), AT(50), AT(50)));
    expect_fills(2);
    expect_fill(0, A, 2, open, 50, 100);
    expect_fill(1, A, 5, open, -25, 100);
}

/* The strategy pairs over two bars: the z-score of two values is 1 where the second is more, -1 where it is less, 0 where they are the
 * same, so that it trades on every move of the one against the other. */
static void two_bars_of_a_pair(void) {
    def.play.strategy = td_strategy_find("pairs");
    set = td_default_set(def.play.strategy);
    set.param[0] = 2;
    set.param[2] = 0.875;
}

static void R128_a_pair_decides_on_the_bars_that_both_have(void **state) {
    (void)state;
    two_bars_of_a_pair();
    /* the first is dear: it is sold and the second bought, for the same money on the same bar; then the other way round */
    play(DAYS(AT(100), AT(100), AT(125), AT(125), AT(80), AT(80), AT(80)), DAYS(AT(50), AT(50), AT(50), AT(50), AT(50), AT(50), AT(50)));
    expect_fills(8);
    expect_fill(0, A, 3, open, -40, 125);
    expect_fill(1, B, 3, open, 100, 50);
    expect_fill(2, A, 4, open, 40, 80);
    expect_fill(3, B, 4, open, -100, 50);
    expect_fill(4, A, 5, open, 0.5 * 11800 / 80, 80);
    expect_fill(5, B, 5, open, -0.5 * 11800 / 50, 50);
    expect_equity(3, 10000);
    expect_equity(4, 11800);
    /* a move of the second is one of the pair, times beta */
    set.param[1] = 0;
    play(DAYS(AT(100), AT(100), AT(100), AT(100)), DAYS(AT(50), AT(50), AT(40), AT(40)));
    expect_fills(0);
    set.param[1] = 0.5;
    play(DAYS(AT(100), AT(100), AT(100), AT(100)), DAYS(AT(50), AT(50), AT(40), AT(40)));
    expect_fills(2);
    expect_fill(0, A, 3, open, -50, 100);
    expect_fill(1, B, 3, open, 125, 40);
    /* what only one of them does on a bar is not looked at: the z-score is that of the last bar they share, */
    set.param[1] = 1;
    play(DAYS(AT(100), AT(100), AT(125), AT(130), AT(130), AT(130)), DAYS(AT(50), AT(50), GAP, AT(50), AT(50), AT(50)));
    expect_fills(4);
    expect_fill(0, A, 4, open, -5000.0 / 130, 130); /* on bar 3: 130 against 100 */
    expect_fill(1, B, 4, open, 100, 50);
    expect_fill(2, A, 5, open, 5000.0 / 130, 130);
    play(DAYS(AT(100), AT(100), AT(125), AT(100), AT(100)), DAYS(AT(50), AT(50), GAP, AT(50), AT(50)));
    expect_fills(0);
    /* and an order waits for the bar of its symbol */
    play(DAYS(AT(100), AT(100), AT(125), AT(125), AT(125)), DAYS(AT(50), AT(50), AT(50), GAP, AT(50)));
    expect_fills(2);
    expect_fill(0, A, 3, open, -40, 125);
    expect_fill(1, B, 4, open, 100, 50);
}

static void R129_symbols_are_paired_in_their_order(void **state) {
    (void)state;
    enum { FOUR = 4 };
    td_portfolio *portfolio;
    td_deck *deck;
    two_bars_of_a_pair();
    td_tape four[FOUR];
    for (int s = 0; s < FOUR; s++) {
        four[s] = td_test_tape_of(200, TD_NS_PER_DAY, s < 2 ? TD_TEMPER_WALK : TD_TEMPER_CONSTANT, true, 60 + (uint64_t)s);
        snprintf(four[s].symbol, sizeof four[s].symbol, "S%d", s);
    }
    /* two and two: those that never move do not trade, and are nothing to the others */
    td_cell alone, beside;
    td_portfolio_share shares[FOUR];
    double quarters[] = {0.25, 0.25, 0.25, 0.25};
    def.weights = quarters;
    assert_ok(td_portfolio_make(four, 2, &def, &portfolio, &error));
    assert_ok(td_portfolio_play_detailed(portfolio, &set, NULL, &alone, NULL, NULL, &error));
    td_portfolio_free(portfolio);
    assert_ok(td_portfolio_make(four, FOUR, &def, &portfolio, &error));
    assert_ok(td_portfolio_play_detailed(portfolio, &set, NULL, &beside, NULL, shares, &error));
    td_portfolio_free(portfolio);
    assert_near(beside.metrics[TD_METRIC_final_equity], alone.metrics[TD_METRIC_final_equity], 0);
    assert_true(alone.metrics[TD_METRIC_trades] > 20 && shares[0].trades == shares[1].trades && shares[2].fills + shares[3].fills == 0);
    /* three are not pairs, one is none */
    assert_int_equal(td_portfolio_make(four, 3, &def, &portfolio, &error), TD_BAD_ARG);
    assert_string_equal(error.message, "strategy pairs plays pairs, the first symbol with the second, the third with the fourth and so on: "
                        "the portfolio has 3, an odd number");
    assert_int_equal(td_deck_make(&four[0], &def.play, &deck, &error), TD_BAD_ARG);
    assert_string_equal(error.message, "strategy pairs plays pairs of symbols, with one account: it needs a portfolio of them");
    /* and two that were never there at once */
    int64_t half = four[1].bars / 2, *time = (int64_t *)(uintptr_t)four[1].time_ns;
    four[0].bars = four[1].bars = half;
    for (int64_t t = 0; t < half; t++) time[t] += half * TD_NS_PER_DAY;
    assert_int_equal(td_portfolio_make(four, 2, &def, &portfolio, &error), TD_BAD_ARG);
    assert_string_equal(error.message, "S0: strategy pairs: row spread_value: S0 and S1 have no bar in common");
    for (int s = 0; s < FOUR; s++) td_test_tape_free(&four[s]);
}

static void R126_which_rows_are_dates(void **state) {
    (void)state;
    static const struct {
        td_rebalance rebalance;
        int64_t bars, hours, dates; /* of 1500 bars from Monday, 2024-01-01 on */
    } calendars[] = {{TD_REBALANCE_NONE, 0, 1, 0}, {TD_REBALANCE_DAILY, 0, 1, 62}, {TD_REBALANCE_WEEKLY, 0, 1, 8},
                     {TD_REBALANCE_MONTHLY, 0, 1, 2}, {TD_REBALANCE_MONTHLY, 0, 24, 49}, {TD_REBALANCE_BARS, 100, 1, 14}};
    td_tape tape = td_test_tape_of(1500, 3600 * TD_NS_PER_SECOND, TD_TEMPER_WALK, true, 7);
    int64_t *time = (int64_t *)(uintptr_t)tape.time_ns, first = time[0];
    def.play.strategy = td_strategy_find("buy-and-hold");
    def.weights = NULL;
    set = td_default_set(def.play.strategy);
    for (size_t i = 0; i < sizeof calendars / sizeof *calendars; i++) {
        td_portfolio *portfolio;
        td_cell cell;
        for (int64_t t = 0; t < 1500; t++) time[t] = first + t * calendars[i].hours * 3600 * TD_NS_PER_SECOND;
        def.rebalance = calendars[i].rebalance;
        def.rebalance_bars = calendars[i].bars;
        /* half is aimed at, so each date trades: prices are never the same */
        def.max_weight = 0.5;
        assert_ok(td_portfolio_make(&tape, 1, &def, &portfolio, &error));
        assert_ok(td_portfolio_play_detailed(portfolio, &set, NULL, &cell, NULL, NULL, &error));
        assert_int_equal(cell.metrics[TD_METRIC_fills], 1 + calendars[i].dates);
        td_portfolio_free(portfolio);
    }
    td_test_tape_free(&tape);
}

static void R127_the_market_is_the_symbols_kept(void **state) {
    (void)state;
    play(DAYS(AT(100), AT(100), AT(100), AT(120)), DAYS(AT(50), AT(50), AT(50), AT(50)));
    expect_metric(buy_hold_return, 0.1);
    /* before its first bar a symbol is worth what is paid for it there */
    play(DAYS(AT(100), AT(100), AT(100), AT(120)), DAYS(GAP, GAP, AT(50), AT(40)));
    expect_metric(buy_hold_return, 0);
}

/* ---- any portfolio ---- */

enum { SYMBOLS = 5, SYMBOLS_MAX = 90, SETS = 21 };
typedef struct random_case {
    td_portfolio_def def;
    td_tape tapes[SYMBOLS_MAX];
    double weights[SYMBOLS_MAX];
    int64_t symbols;
    td_portfolio *portfolio;
    td_set sets[SETS];
} random_case;

/* Takes bars away: each with this chance, and all before `from`. */
static void thin(td_tape *tape, double chance, int64_t from, uint64_t seed) {
    double *columns[] = {(double *)(uintptr_t)tape->open, (double *)(uintptr_t)tape->high, (double *)(uintptr_t)tape->low,
                         (double *)(uintptr_t)tape->close, (double *)(uintptr_t)tape->volume};
    int64_t *time = (int64_t *)(uintptr_t)tape->time_ns, kept = 0;
    for (int64_t t = 0; t < tape->bars; t++) {
        if (t < from || (t > from && td_draw(seed, 5000 + (uint64_t)t) < chance)) continue;
        for (int c = 0; c < 5; c++) columns[c][kept] = columns[c][t];
        time[kept++] = time[t];
    }
    tape->bars = kept;
}

/* pairs: a strategy of pairs, of an even number of symbols. */
static void case_make_of(random_case *made, uint64_t seed, int64_t symbols, bool pairs) {
    static const char *const strategies[] = {"sma-cross", "buy-and-hold", "rsi-reversion", "ema-cross"};
    static const char *const ours[] = {"follow", "level", "crowd", "breakout"};
    uint64_t pick = (uint64_t)td_draw_whole(seed, 1, 0, 7);
    int64_t bars = td_draw_whole(seed, 2, pairs ? 60 : 2, 700); /* a pair has some in common */
    int64_t interval = td_draw(seed, 3) < 0.5 ? TD_NS_PER_DAY : 3600 * TD_NS_PER_SECOND;
    *made = (random_case){.symbols = symbols, .def = td_default_portfolio_def()};
    td_play_def *play = &made->def.play;
    if (pairs)
        play->strategy = pick < 4 ? td_strategy_find("pairs") : td_test_strategy("partner");
    else
        play->strategy = pick < 4 ? td_strategy_find(strategies[pick]) : td_test_strategy(ours[pick - 4]);
    play->fill_at = (td_fill_at)td_draw_whole(seed, 4, 0, 1);
    play->sizing = td_draw(seed, 5) < 0.5 ? TD_SIZING_ALL_IN : TD_SIZING_FRACTION;
    play->direction = (td_direction)td_draw_whole(seed, 6, 0, 2);
    play->finalize = td_draw(seed, 7) < 0.5;
    play->sample_bars = (int64_t[]){0, 1, 7, 60}[td_draw_whole(seed, 8, 0, 3)];
    play->blocks = (int64_t[]){1, 16, 64}[td_draw_whole(seed, 9, 0, 2)];
    for (int64_t s = 0; s < symbols; s++) {
        made->tapes[s] = td_test_tape_of(bars, interval, (td_temper)td_draw_whole(seed, 10 + (uint64_t)s, 0, TD_TEMPER_COUNT - 1), true,
                                         seed * 100 + (uint64_t)s);
        if (symbols > 1 && td_draw(seed, 20 + (uint64_t)s) < 0.7)
            thin(&made->tapes[s], 0.3 * td_draw(seed, 30 + (uint64_t)s), td_draw(seed, 40 + (uint64_t)s) < 0.3 ? bars / 2 : 0, seed + (uint64_t)s);
        snprintf(made->tapes[s].symbol, sizeof made->tapes[s].symbol, "S%d", (int)s);
        made->weights[s] = symbols > 1 ? 0.05 + 0.6 * td_draw(seed, 50 + (uint64_t)s) : 1;
    }
    made->def.weights = made->weights;
    if (symbols > 1) {
        made->def.rebalance = (td_rebalance)td_draw_whole(seed, 60, 0, 4);
        made->def.rebalance_bars = made->def.rebalance == TD_REBALANCE_BARS ? td_draw_whole(seed, 61, 1, 50) : 0;
        made->def.band = td_draw(seed, 62) < 0.5 ? 0 : 0.1 * td_draw(seed, 63);
        made->def.max_weight = td_draw(seed, 64) < 0.5 ? 0 : 0.2 + 0.5 * td_draw(seed, 65);
        made->def.max_positions = td_draw(seed, 66) < 0.6 ? 0 : 3;
    }
    assert_ok(td_portfolio_make(made->tapes, symbols, &made->def, &made->portfolio, &error));
    int64_t longest = td_portfolio_tape(made->portfolio)->bars < 40 ? td_portfolio_tape(made->portfolio)->bars : 40;
    for (int i = 0; i < SETS; i++) {
        td_set *each = &made->sets[i];
        uint64_t s = seed * 1000 + (uint64_t)i;
        *each = td_default_set(play->strategy);
        for (int k = 0; k < td_strategy_param_count(play->strategy); k++) {
            const td_param_info *info = td_strategy_param(play->strategy, k);
            if (info->kind == TD_PARAM_WINDOW) each->param[k] = (double)td_draw_whole(s, 100 + (uint64_t)k, 1, longest);
            if (info->kind == TD_PARAM_NUMBER && info->maximum > 50) each->param[k] = floor(td_draw(s, 100 + (uint64_t)k) * 101);
        }
        if (pairs) { /* beta, entry, exit */
            each->param[1] = td_draw(s, 110) < 0.5 ? 1 : 2 * td_draw(s, 111);
            each->param[2] = 0.3 + 2 * td_draw(s, 112);
            each->param[3] = 1.2 * each->param[2] * td_draw(s, 113);
        }
        double *knob = each->knob;
        knob[TD_KNOB_size] = 0.05 + 0.95 * td_draw(s, 2);
        knob[TD_KNOB_lot] = (double[]){0, 1, 1e-6, 0.1}[td_draw_whole(s, 3, 0, 3)];
        knob[TD_KNOB_commission] = td_draw(s, 4) < 0.7 ? td_draw(s, 5) * 0.01 - 0.001 : 0;
        knob[TD_KNOB_fixed_commission] = td_draw(s, 6) < 0.4 ? td_draw(s, 7) * 5 : 0;
        knob[TD_KNOB_spread] = td_draw(s, 8) < 0.6 ? td_draw(s, 9) * 0.01 : 0;
        knob[TD_KNOB_slippage] = td_draw(s, 10) < 0.5 ? td_draw(s, 11) * 0.002 : 0;
        knob[TD_KNOB_stop_loss] = td_draw(s, 12) < 0.6 ? td_draw(s, 13) * 0.05 : 0;
        knob[TD_KNOB_take_profit] = td_draw(s, 14) < 0.6 ? td_draw(s, 15) * 0.08 : 0;
    }
    for (int i = 0; i < SETS; i++) assert_ok(td_check_set(td_portfolio_deck(made->portfolio), &made->sets[i], &error));
}

static void case_make(random_case *made, uint64_t seed, int64_t symbols) { case_make_of(made, seed, symbols, false); }

static void case_free(random_case *made) {
    td_portfolio_free(made->portfolio);
    for (int64_t s = 0; s < made->symbols; s++) td_test_tape_free(&made->tapes[s]);
}

static void R125_one_symbol_is_the_single_engine(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= 120; seed++) {
        random_case one;
        td_deck *deck;
        case_make(&one, seed, 1);
        assert_ok(td_deck_make(&one.tapes[0], &one.def.play, &deck, &error));
        float *a = malloc(2 * sizeof *a * (size_t)td_deck_blocks(deck)), *b = a + td_deck_blocks(deck);
        for (int i = 0; i < SETS; i++) {
            td_cell single, alone;
            assert_ok(td_play_detailed(deck, &one.sets[i], NULL, &single, a, &error));
            assert_ok(td_portfolio_play_detailed(one.portfolio, &one.sets[i], NULL, &alone, b, NULL, &error));
            if (!td_same_cells(&single, &alone, a, b, td_deck_blocks(deck))) fail_msg("seed %llu, set %d", (unsigned long long)seed, i);
        }
        free(a);
        td_deck_free(deck);
        case_free(&one);
    }
}

/* Every instruction set, chunk and company: the plain engine's bits. */
static void lanes_are_the_plain_engine(void **state) {
    (void)state;
    int64_t fills = 0, gathered = 0;
    for (uint64_t seed = 500; seed < 620; seed++) {
        random_case made;
        bool pairs = seed >= 580, many = seed % 8 == 0; /* more than bits of a word */
        int64_t symbols = td_draw_whole(seed, 70, many ? 60 : 1, many ? SYMBOLS_MAX : SYMBOLS);
        case_make_of(&made, seed, pairs ? (symbols + 1) / 2 * 2 : symbols, pairs);
        const td_deck *deck = td_portfolio_deck(made.portfolio);
        int64_t blocks = td_deck_blocks(deck);
        float *returns = malloc(2 * SETS * sizeof *returns * (size_t)blocks), *plain_returns = returns + SETS * blocks;
        td_cell plain[SETS], cells[SETS];
        for (int i = 0; i < SETS; i++) {
            assert_ok(td_portfolio_play_detailed(made.portfolio, &made.sets[i], NULL, &plain[i], plain_returns + i * blocks, NULL, &error));
            fills += plain[i].state == TD_CELL_DONE ? (int64_t)plain[i].metrics[TD_METRIC_fills] : 0;
        }
        for (td_isa isa = TD_ISA_SCALAR; isa <= td_isa_best(); isa++) {
            td_player *player;
            int64_t chunk = (int64_t[]){0, 0, 1, 7, 64}[td_draw_whole(seed, 71 + (uint64_t)isa, 0, 4)];
            assert_ok(td_player_open(deck, TD_ENGINE_AUTO, isa, &player, &error));
            td_player_limit_chunk(player, chunk);
            for (int company = 0; company < 3; company++) {
                int first = company == 2 ? 5 : 0, count = company == 0 ? SETS : company == 1 ? 1 : 7;
                td_play(player, made.sets + first, count, cells, returns);
                for (int i = 0; i < count; i++)
                    if (!td_same_cells(&plain[first + i], &cells[i], plain_returns + (first + i) * blocks, returns + i * blocks, blocks))
                        fail_msg("seed %llu, %s, set %d of %d, %s, chunk %lld", (unsigned long long)seed, td_isa_name(isa), first + i, count,
                                 td_strategy_name(made.def.play.strategy), (long long)chunk);
                gathered += count;
            }
            td_player_close(player);
        }
        free(returns);
        case_free(&made);
    }
    assert_true(fills > 10000 && gathered > 1000);
}

/* In a portfolio as on a tape of its own: bars since the entry are the symbol's, not the raster's. */
static void bars_held_are_the_symbols_own(void **state) {
    (void)state;
    def.play.strategy = td_test_strategy("awkward"); /* sells what falls, for 2 bars */
    set = td_default_set(def.play.strategy);
    set.param[0] = 2;
    set.param[1] = 1;
    play(DAYS(AT(100), AT(100), AT(100), AT(100), AT(100), AT(100), AT(100), AT(100), AT(100), AT(100)),
         DAYS(GAP, GAP, GAP, AT(50), AT(40), AT(50), AT(50), GAP, AT(50), AT(50)));
    expect_fills(2);
    expect_fill(0, B, 5, open, -100, 50);  /* decided on its bar 1, filled on bar 2, held for 2 on bar 4 */
    expect_fill(1, B, 9, open, 100, 50);
}

/* Money, told from the fills alone. */
typedef struct ledger {
    const random_case *made;
    double money, positions[SYMBOLS], mark[SYMBOLS];
    int64_t next[SYMBOLS];
    int64_t fills, bars;
    double *equity;
    int64_t cut;      /* fills that were decided before this bar, */
    double decided;   /* added up */
} ledger;

static void ledger_fill(void *context, int64_t symbol, const td_fill *fill) {
    ledger *ledger = context;
    ledger->money -= fill->units * fill->price + fill->commission;
    ledger->positions[symbol] += fill->units;
    ledger->fills++;
    if (fill->bar < ledger->cut || (fill->bar == ledger->cut && fill->reason == TD_FILL_REASON_open))
        ledger->decided = ledger->decided * 1.0625 + fill->units * (double)(symbol + 1);
    assert_near(ledger->positions[symbol], fill->position, 1e-9 * (1 + fabs(fill->units)));
    ledger->positions[symbol] = fill->position;
    assert_true(fill->time_ns == td_portfolio_tape(ledger->made->portfolio)->time_ns[fill->bar]);
    /* on a row without a bar nothing but the end and ruin trade */
    const td_tape *tape = &ledger->made->tapes[symbol];
    int64_t time = td_portfolio_tape(ledger->made->portfolio)->time_ns[fill->bar], own = 0;
    while (own < tape->bars && tape->time_ns[own] < time) own++;
    bool has = own < tape->bars && tape->time_ns[own] == time;
    assert_true(has || fill->reason == TD_FILL_REASON_end || fill->reason == TD_FILL_REASON_ruin);
}

static void ledger_bar(void *context, int64_t bar, double equity, double cash, const double *positions) {
    ledger *ledger = context;
    const random_case *made = ledger->made;
    int64_t time = td_portfolio_tape(made->portfolio)->time_ns[bar];
    double expected = ledger->money, size = fabs(ledger->money) + 1;
    (void)cash;
    for (int64_t s = 0; s < made->symbols; s++) {
        const td_tape *tape = &made->tapes[s];
        if (ledger->next[s] < tape->bars && tape->time_ns[ledger->next[s]] == time) ledger->mark[s] = tape->close[ledger->next[s]++];
        assert_true(positions[s] == ledger->positions[s]);
        expected += positions[s] * ledger->mark[s];
        size += fabs(positions[s] * ledger->mark[s]);
    }
    ledger->bars++;
    if (ledger->equity) ledger->equity[bar] = equity;
    if (equity == 0) return; /* ruined: what is owed is forgiven */
    if (!(fabs(equity - expected) <= 1e-9 * size)) fail_msg("bar %lld: equity %.17g, from the fills %.17g", (long long)bar, equity, expected);
}

static void money_is_conserved(void **state) {
    (void)state;
    int64_t fills = 0;
    for (uint64_t seed = 200; seed < 330; seed++) {
        random_case made;
        bool pairs = seed >= 300;
        case_make_of(&made, seed, pairs ? SYMBOLS / 2 * 2 : td_draw_whole(seed, 70, 2, SYMBOLS), pairs);
        for (int i = 0; i < SETS; i += 5) {
            td_cell cell;
            td_portfolio_share shares[SYMBOLS];
            ledger ledger = {.made = &made, .money = made.sets[i].knob[TD_KNOB_cash]};
            td_portfolio_observer observer = {.on_fill = ledger_fill, .on_bar = ledger_bar, .context = &ledger};
            assert_ok(td_portfolio_play_detailed(made.portfolio, &made.sets[i], &observer, &cell, NULL, shares, &error));
            fills += ledger.fills;
            double pnl = 0, trades = 0;
            for (int64_t s = 0; s < made.symbols; s++) pnl += shares[s].pnl, trades += shares[s].trades;
            double start_cash = made.sets[i].knob[TD_KNOB_cash];
            assert_true(trades == cell.metrics[TD_METRIC_trades]);
            if (!cell.ruined) assert_near(start_cash + pnl, cell.metrics[TD_METRIC_final_equity], 1e-9);
        }
        case_free(&made);
    }
    assert_true(fills > 10000);
}

/* The same symbols the other way round: the same account, but for roundings, and for who comes first where there is not room for all. */
static void the_order_of_symbols_is_no_input(void **state) {
    (void)state;
    for (uint64_t seed = 300; seed < 340; seed++) {
        random_case made;
        case_make(&made, seed, SYMBOLS);
        td_tape turned[SYMBOLS];
        double turned_weights[SYMBOLS];
        td_portfolio *portfolio, *other;
        for (int s = 0; s < SYMBOLS; s++) {
            turned[s] = made.tapes[SYMBOLS - 1 - s];
            turned_weights[s] = made.weights[SYMBOLS - 1 - s];
        }
        td_portfolio_def plain = made.def;
        plain.max_positions = 0;
        assert_ok(td_portfolio_make(made.tapes, SYMBOLS, &plain, &portfolio, &error));
        plain.weights = turned_weights;
        assert_ok(td_portfolio_make(turned, SYMBOLS, &plain, &other, &error));
        td_set one = made.sets[0];
        one.knob[TD_KNOB_lot] = 0; /* a rounding must not tip a lot */
        td_cell a, b;
        assert_ok(td_portfolio_play_detailed(portfolio, &one, NULL, &a, NULL, NULL, &error));
        assert_ok(td_portfolio_play_detailed(other, &one, NULL, &b, NULL, NULL, &error));
        assert_near(a.metrics[TD_METRIC_final_equity], b.metrics[TD_METRIC_final_equity], 1e-8);
        td_portfolio_free(portfolio);
        td_portfolio_free(other);
        case_free(&made);
    }
}

/* From the cut on all prices are others, but its opens, which orders of the bar before fill at. */
static void poison(random_case *made, int64_t cut) {
    int64_t time = td_portfolio_tape(made->portfolio)->time_ns[cut];
    for (int64_t s = 0; s < made->symbols; s++) {
        double *prices[] = {(double *)(uintptr_t)made->tapes[s].open, (double *)(uintptr_t)made->tapes[s].high,
                            (double *)(uintptr_t)made->tapes[s].low, (double *)(uintptr_t)made->tapes[s].close};
        for (int64_t t = 0; t < made->tapes[s].bars; t++)
            for (int c = made->tapes[s].time_ns[t] == time; c < 4 && made->tapes[s].time_ns[t] >= time; c++)
                prices[c][t] *= s % 2 ? 3 : 2; /* so that spreads change as well */
    }
}

static void the_future_is_not_known(void **state) {
    (void)state;
    for (uint64_t seed = 400; seed < 460; seed++) {
        random_case made;
        bool pairs = seed >= 440;
        case_make_of(&made, seed, pairs ? SYMBOLS / 2 * 2 : SYMBOLS, pairs);
        int64_t bars = td_portfolio_tape(made.portfolio)->bars, cut = bars / 2;
        double *equity = calloc(2 * SETS * (size_t)bars, sizeof *equity), decided[2][SETS];
        td_portfolio_observer observer = {.on_bar = ledger_bar, .on_fill = ledger_fill};
        for (int pass = 0; pass < 2; pass++) {
            for (int i = 0; i < SETS; i++) {
                td_cell cell;
                ledger ledger = {.made = &made, .money = made.sets[i].knob[TD_KNOB_cash], .equity = equity + (pass * SETS + i) * bars,
                                 .cut = cut};
                observer.context = &ledger;
                assert_ok(td_portfolio_play_detailed(made.portfolio, &made.sets[i], &observer, &cell, NULL, NULL, &error));
                decided[pass][i] = ledger.decided;
            }
            if (pass == 1) break;
            poison(&made, cut);
            td_portfolio_free(made.portfolio); /* rows of pairs are of columns made with it */
            assert_ok(td_portfolio_make(made.tapes, made.symbols, &made.def, &made.portfolio, &error));
        }
        for (int i = 0; i < SETS; i++) {
            for (int64_t t = 0; t < cut; t++) assert_true(equity[i * bars + t] == equity[(SETS + i) * bars + t]);
            assert_true(decided[0][i] == decided[1][i]);
        }
        free(equity);
        case_free(&made);
    }
}

/* A second opinion on the strategy pairs: positions from nothing but closes, on tapes with and without holes. */
typedef struct opinion {
    const random_case *made;
    const td_set *set;
    int64_t bars, shared, next[2];
    double log[2][700];
    int wants, held;      /* by the last shared bar; at the last close */
    int64_t checked, entered;
} opinion;

static void opinion_bar(void *context, int64_t bar, double equity, double cash, const double *positions) {
    opinion *o = context;
    (void)cash;
    const td_tape *raster = td_portfolio_tape(o->made->portfolio), *legs = o->made->tapes;
    if (equity == 0) return;
    /* decided at the close before, filled at it: both legs, where the last decision was on a bar of both */
    assert_int_equal((positions[0] > 0) - (positions[0] < 0), o->wants);
    assert_int_equal((positions[1] > 0) - (positions[1] < 0), -o->wants);
    o->checked++;
    o->entered += o->wants != 0 && o->wants != o->held;
    o->held = o->wants;
    int has = 0;
    for (int s = 0; s < 2; s++)
        if (o->next[s] < legs[s].bars && legs[s].time_ns[o->next[s]] == raster->time_ns[bar]) {
            o->log[s][o->shared] = log(legs[s].close[o->next[s]++]);
            has++;
        }
    if (has < 2) return;
    int64_t window = (int64_t)o->set->param[0], n = ++o->shared;
    double beta = o->set->param[1], mean = 0, squares = 0, last = 0;
    if (n < window || bar + 1 == raster->bars || o->next[0] == legs[0].bars || o->next[1] == legs[1].bars) return;
    for (int64_t i = n - window; i < n; i++) mean += (last = o->log[0][i] - beta * o->log[1][i]) / (double)window;
    for (int64_t i = n - window; i < n; i++) squares += pow(o->log[0][i] - beta * o->log[1][i] - mean, 2);
    double deviation = sqrt(squares / (double)window), z = deviation > 1e-11 ? (last - mean) / deviation : 0;
    if (fabs(z) < o->set->param[3]) o->wants = 0;
    if (z < -o->set->param[2]) o->wants = 1;
    if (z > o->set->param[2]) o->wants = -1;
}

static void pairs_by_a_second_opinion(void **state) {
    (void)state;
    int64_t checked = 0, entered = 0;
    for (uint64_t seed = 700; seed < 740; seed++) {
        random_case made;
        case_make_of(&made, seed, 2, true);
        /* holes at the same places, so that no order waits */
        td_portfolio_free(made.portfolio);
        made.def = td_default_portfolio_def();
        made.def.play.strategy = td_strategy_find("pairs");
        made.def.play.fill_at = TD_FILL_CLOSE;
        for (int s = 0; s < 2; s++) {
            td_test_tape_free(&made.tapes[s]);
            made.tapes[s] = td_test_tape_of(600, TD_NS_PER_DAY, seed % 2 ? TD_TEMPER_WALK : TD_TEMPER_TICKS, true, seed * 100 + (uint64_t)s);
            if (seed % 3 == 0) thin(&made.tapes[s], 0.2, 0, seed);
        }
        assert_ok(td_portfolio_make(made.tapes, 2, &made.def, &made.portfolio, &error));
        for (int i = 0; i < SETS; i++) {
            td_set each = td_default_set(made.def.play.strategy);
            memcpy(each.param, made.sets[i].param, sizeof each.param);
            opinion opinion = {.made = &made, .set = &each};
            td_portfolio_observer observer = {.on_bar = opinion_bar, .context = &opinion};
            td_cell cell;
            assert_ok(td_portfolio_play_detailed(made.portfolio, &each, &observer, &cell, NULL, NULL, &error));
            checked += opinion.checked;
            entered += opinion.entered;
        }
        case_free(&made);
    }
    assert_true(checked > 100000 && entered > 5000);
}

static void bad_input_gets_a_sentence(void **state) {
    (void)state;
    td_portfolio *portfolio;
    td_tape tape = td_test_tape_of(10, TD_NS_PER_DAY, TD_TEMPER_WALK, true, 1);
    double bad = 1.5;
    def.weights = &bad;
    assert_int_equal(td_portfolio_make(&tape, 1, &def, &portfolio, &error), TD_BAD_ARG);
    assert_string_equal(error.message, "portfolio.weights: TEST is 1.5, must be above 0 and at most 1");
    def.weights = NULL;
    def.play.sizing = TD_SIZING_KELLY;
    assert_int_equal(td_portfolio_make(&tape, 1, &def, &portfolio, &error), TD_BAD_ARG);
    assert_string_equal(error.message, "account.sizing is kelly, must be all_in or fraction: a portfolio sizes by its weights");
    def.play.sizing = TD_SIZING_ALL_IN;
    def.play.strategy = td_test_strategy("placer");
    assert_int_equal(td_portfolio_make(&tape, 1, &def, &portfolio, &error), TD_BAD_ARG);
    assert_string_equal(error.message, "strategy placer places orders of its own; a portfolio plays targets only");
    def.play.strategy = td_test_strategy("script");
    assert_ok(td_portfolio_make(&tape, 1, &def, &portfolio, &error));
    set.knob[TD_KNOB_leverage] = 2;
    assert_int_equal(td_check_set(td_portfolio_deck(portfolio), &set, &error), TD_BAD_ARG);
    td_portfolio_free(portfolio);
    td_test_tape_free(&tape);
}

#define RULE(function) {#function, function, start, NULL, NULL}

int main(void) {
    const struct CMUnitTest tests[] = {
        RULE(R110_a_target_times_the_weight),
        RULE(R111_no_bar_no_trade),
        RULE(R112_sizes_are_of_the_equity_at_the_fill),
        RULE(R113_what_frees_cash_fills_first),
        RULE(R114_too_little_cash_is_shared_pro_rata),
        RULE(R115_max_weight),
        RULE(R116_max_positions),
        RULE(R117_dates_bring_positions_back_to_their_weights),
        RULE(R118_the_band),
        RULE(R119_a_date_without_a_bar_passes_the_symbol_by),
        RULE(R120_stops_are_each_symbols_own),
        RULE(R121_additions_average_partial_sales_are_trades),
        RULE(R122_ruin_is_the_accounts),
        RULE(R123_finalize_closes_at_the_marks),
        RULE(R124_dates_know_the_newest_target),
        RULE(R125_one_symbol_is_the_single_engine),
        RULE(R126_which_rows_are_dates),
        RULE(R127_the_market_is_the_symbols_kept),
        RULE(R128_a_pair_decides_on_the_bars_that_both_have),
        RULE(R129_symbols_are_paired_in_their_order),
        RULE(pairs_by_a_second_opinion),
        RULE(lanes_are_the_plain_engine),
        RULE(bars_held_are_the_symbols_own),
        RULE(money_is_conserved),
        RULE(the_order_of_symbols_is_no_input),
        RULE(the_future_is_not_known),
        RULE(bad_input_gets_a_sentence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
