/* Strategies that place orders, the built-in ones and the example of docs/strategies.md, by hand on a few bars. Those that only have
 * targets are held to tests/oracle (check_oracle.py). */
#include "tests/by_hand.h"

#define BAR(open, high, low, close) {open, high, low, close, NONE}

/* Plays `strategy` with these parameters, in its order. */
#define WITH(strategy_, ...) with(strategy_, (const double[]){__VA_ARGS__}, (int)(sizeof((const double[]){__VA_ARGS__}) / sizeof(double)))
static void with(const td_strategy *strategy, const double *params, int count) {
    td_set knobs = set;
    def.strategy = strategy;
    set = td_default_set(strategy);
    memcpy(set.knob, knobs.knob, sizeof set.knob);
    assert_int_equal(count, td_strategy_param_count(strategy));
    for (int i = 0; i < count; i++) set.param[i] = params[i];
}

static void volatility_target(void **state) {
    (void)state;
    def.sizing = TD_SIZING_ALL_IN;
    /* average of two closes, the last change as volatility, 5 % wanted, a tenth of drift */
    WITH(td_strategy_find("volatility-target"), 2, 1, 0.05, 0.1);
    PLAY(FLAT(100), FLAT(100), FLAT(110), FLAT(120), FLAT(140), FLAT(100), FLAT(100), FLAT(100));
    double bought = 10000 * 0.05 / (10 / 110.0) / 120;             /* decided at 110, filled at 120 */
    double equity = 10000 - bought * 20;                           /* at 120 the share drifted by 0.05: let be; at 140 by 0.24 */
    double kept = equity * 0.05 / (20 / 140.0) / 100;              /* decided at 140, filled at 100 */
    double sold = equity * 0.05 / (40 / 100.0) / 100;              /* under the average now: the other side */
    expect_fills(4);
    expect_fill(0, 3, open, bought, 120);
    expect_fill(1, 5, open, kept - bought, 100);
    expect_fill(2, 6, open, -kept, 100);
    expect_fill(3, 6, open, -sold, 100);
    /* a wider band lets the first drift be too */
    set.param[3] = 0.3;
    PLAY(FLAT(100), FLAT(100), FLAT(110), FLAT(120), FLAT(140), FLAT(140), FLAT(140));
    expect_fills(1);
    /* a volatility below the wanted one: all of the account and no more */
    set.param[2] = 10;
    PLAY(FLAT(100), FLAT(100), FLAT(110), FLAT(120), FLAT(140), FLAT(140));
    expect_fills(1);
    expect_fill(0, 3, open, 10000 / 120.0, 120);
}

static void dip_grid(void **state) {
    (void)state;
    set.knob[TD_KNOB_size] = 30;
    set.knob[TD_KNOB_pyramiding] = 3;
    WITH(td_strategy_find("dip-grid"), 3, 0.1, 0.05, 3);
    PLAY(FLAT(100),             /* orders at 90, 80, 70 */
         BAR(95, 96, 85, 88),   /* the first */
         BAR(88, 90, 79, 82),   /* the second; the target is 85 * 1.05 now; a new grid at 73.8 ... */
         FLAT(82), FLAT(90), FLAT(90), /* ... which buys nothing in three bars: another at 81 */
         BAR(85, 86, 80, 84), FLAT(84));
    expect_fills(4);
    expect_fill(0, 1, limit, 10, 90);
    expect_fill(1, 2, limit, 10, 80);
    expect_fill(2, 2, target, -20, 89.25);
    expect_fill(3, 6, limit, 10, 81);
    /* one entry allowed: the second is refused, and leaves the target of the first */
    set.knob[TD_KNOB_pyramiding] = 1;
    PLAY(FLAT(100), BAR(95, 96, 85, 88), BAR(88, 90, 79, 82), FLAT(90), BAR(90, 95, 90, 95), FLAT(95));
    expect_fills(2);
    expect_fill(1, 4, target, -10, 94.5);
    expect_metric(refused_pyramiding, 1);
    /* fewer levels, larger shares */
    set.param[0] = 2;
    PLAY(FLAT(100), BAR(95, 96, 85, 88), FLAT(88));
    expect_fill(0, 1, limit, 15, 90);
}

static void channel(void **state) {
    (void)state;
    WITH(td_test_strategy("channel"), 2, 2, 3);
    td_bar bars[18];
    for (int t = 0; t < 14; t++) bars[t] = (td_bar)BAR(100, 100.5, 99.5, 100); /* the average true range is 1 from bar 13 on */
    bars[14] = (td_bar)BAR(100.25, 102, 100.25, 102);       /* in at 100.5; the stop trails to 100 */
    bars[15] = (td_bar)BAR(102, 104, 101.5, 103.75);  /* half out at 103.5; the stop is at 102 */
    bars[16] = (td_bar)BAR(103, 103, 101, 101.5);     /* the rest */
    bars[17] = (td_bar)FLAT(102);
    play(bars, 18);
    expect_fills(3);
    expect_fill(0, 14, stop_order, 10, 100.5);
    expect_fill(1, 15, limit, -5, 103.5);
    expect_fill(2, 16, trailing, -5, 102);
    /* mirrored: the other order of the pair */
    bars[14] = (td_bar)BAR(99.75, 99.75, 98, 98);
    bars[15] = (td_bar)BAR(98, 98.5, 96, 96.25);
    bars[16] = (td_bar)BAR(97, 99, 97, 98.5);
    bars[17] = (td_bar)FLAT(98);
    play(bars, 18);
    expect_fills(3);
    expect_fill(0, 14, stop_order, -10, 99.5);
    expect_fill(1, 15, limit, 5, 96.5);
    expect_fill(2, 16, trailing, 5, 98);
}

/* What use() knows of the position, with parameters, rows and signals named as our own things are. */
static void names_and_the_position(void **state) {
    (void)state;
    WITH(td_test_strategy("awkward"), 3, 0.125, 1, 1);
    PLAY(FLAT(100), FLAT(101), FLAT(102), FLAT(102), FLAT(102), FLAT(102), FLAT(102), FLAT(102));
    expect_fills(2); /* in on bar 2; three bars old at the close of bar 5 */
    expect_fill(0, 2, open, 10, 102);
    expect_fill(1, 6, open, -10, 102);
    PLAY(FLAT(100), FLAT(101), FLAT(100), FLAT(112.5), FLAT(112.5), FLAT(112), FLAT(112), FLAT(98), FLAT(98));
    expect_fills(4);
    expect_fill(1, 4, open, -10, 112.5); /* gained an eighth */
    expect_fill(2, 6, open, -10, 112);
    expect_fill(3, 8, open, 10, 98);
    /* profile backtesting with a lot: prices and entry price are scaled as rows are (R44) */
    def.profile = TD_PROFILE_BACKTESTING;
    def.row_scale = 0.25;
    PLAY(FLAT(100), FLAT(101), FLAT(100), FLAT(112.5), FLAT(112.5), FLAT(112.5));
    expect_fills(2);
    expect_fill(1, 4, open, -10, 112.5);
}

static const struct CMUnitTest tests[] = {RULE(volatility_target), RULE(dip_grid), RULE(channel), RULE(names_and_the_position)};

int main(void) { return cmocka_run_group_tests(tests, NULL, NULL); }
