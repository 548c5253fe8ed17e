/* Final states and steps of hftbacktest's runs (../shared/golden/hftbacktest), by the plain engine: the rule touch-quoter on the recording
 * of BTCUSDT, mode parity. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/book_plays.h"

static td_kept kept;
static const td_book *tape;

static int param_of(const char *name) {
    const td_strategy *strategy = td_strategy_find("touch-quoter");
    for (int i = 0; i < td_strategy_param_count(strategy); i++)
        if (!strcmp(td_strategy_param(strategy, i)->name, name)) return i;
    fail_msg("touch-quoter has no parameter %s", name);
    return -1;
}

static td_play_def btc_def(void) {
    td_play_def def = td_default_play_def();
    def.strategy = td_strategy_find("touch-quoter");
    def.book.mode = TD_MODE_PARITY;
    def.book.venue_count = 1;
    def.book.venues[0].book = tape;
    return def;
}

static td_set btc_set(double queue_model, double latency, double offset) {
    td_set set = td_book_set(td_strategy_find("touch-quoter"));
    set.knob[TD_KNOB_maker] = -0.00005;
    set.knob[TD_KNOB_taker] = 0.0007;
    set.knob[TD_KNOB_queue_model] = queue_model;
    set.knob[TD_KNOB_latency] = latency;
    set.param[param_of("offset_ticks")] = offset;
    set.param[param_of("order_qty")] = 0.01;
    set.param[param_of("max_position")] = 0.05;
    return set;
}

static double code_of(const char *golden) {
    static const char *const names[][2] = {{"risk_adverse", "risk_adverse"}, {"power2", "power(2)"}, {"power2_2", "power2(2)"},
                                           {"power3_3", "power3(3)"},        {"log", "log"},         {"log2", "log2"}};
    td_error error;
    double code = NAN;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (!strcmp(names[i][0], golden)) assert_ok(td_queue_parse(names[i][1], &code, &error));
    assert_false(isnan(code));
    return code;
}

static FILE *golden(const char *name) {
    char path[1024];
    snprintf(path, sizeof path, "%s/golden/hftbacktest/%s", td_test_shared(), name);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    assert_non_null(fgets(path, sizeof path, file)); /* names of the columns */
    return file;
}

static void check(const char *what, const char *row, double found, double expected, double tolerance) {
    if (!(fabs(found - expected) <= tolerance)) fail_msg("%s is %.15g, expected %.15g in the row %s", what, found, expected, row);
}

static void final_states(void **state) {
    (void)state;
    FILE *file = golden("gold_btcusdt.csv");
    char line[512], exchange[32], queue[32], tif[8], status[16];
    int rows = 0;
    static td_set sets[54];
    static td_cell cells[54];
    static float returns[54][64];
    while (fgets(line, sizeof line, file)) {
        double latency, offset, steps, position, balance, fee, trades, volume, value, mid, equity;
        assert_int_equal(sscanf(line, "%31[^,],%31[^,],%lf,%lf,%7[^,],%lf,%15[^,],%lf,%lf,%lf,%lf,%lf,%lf,%lf,%lf", exchange, queue, &latency, &offset,
                                tif, &steps, status, &position, &balance, &fee, &trades, &volume, &value, &mid, &equity), 15);
        if (strcmp(exchange, "nopartial")) continue;
        td_play_def def = btc_def();
        td_set set = btc_set(code_of(queue), latency, offset);
        td_keep_play(&def, &set, &kept);
        const double *m = kept.cell.metrics;
        check("steps", line, kept.steps, steps, 0);
        check("position", line, m[TD_METRIC_position], position, 1e-12);
        check("balance", line, m[TD_METRIC_balance], balance, 1e-9);
        check("fee", line, m[TD_METRIC_fee], fee, 1e-12);
        check("num_trades", line, m[TD_METRIC_num_trades], trades, 0);
        check("trading_volume", line, m[TD_METRIC_trading_volume], volume, 1e-9);
        check("trading_value", line, m[TD_METRIC_trading_value], value, 1e-8);
        check("equity", line, m[TD_METRIC_equity], equity, 1e-9);
        assert_true(rows < 54 && def.blocks == 64);
        sets[rows] = set;
        cells[rows] = kept.cell;
        memcpy(returns[rows++], kept.returns, sizeof *returns);
    }
    fclose(file);
    assert_int_equal(rows, 54);
    /* all of them on one replay */
    td_error error;
    td_book_deck *deck;
    td_play_def def = btc_def();
    assert_ok(td_book_deck_make(&def, &deck, &error));
    td_assert_lanes_play_alike(deck, sets, 54, cells, returns[0]);
    td_book_deck_free(deck);
}

static void each_step(void **state) {
    (void)state;
    FILE *file = golden("gold_steps_btcusdt_power3_3_lat1ms_d0.csv");
    td_play_def def = btc_def();
    td_set set = btc_set(code_of("power3_3"), 1e6, 0);
    td_keep_play(&def, &set, &kept);
    char line[512];
    int steps = 0;
    while (fgets(line, sizeof line, file)) {
        double step, bid, ask, position, balance, fee, trades, volume, value;
        long long ns;
        assert_int_equal(sscanf(line, "%lf,%lld,%lf,%lf,%lf,%lf,%lf,%lf,%lf,%lf", &step, &ns, &bid, &ask, &position, &balance, &fee, &trades, &volume,
                                &value), 10);
        const td_book_state *s = kept.state[steps++];
        check("step", line, steps, step, 0);
        check("time", line, (double)(s->local_ns - ns), 0, 0);
        check("bid", line, s->bid, bid, 0);
        check("ask", line, s->ask, ask, 0);
        check("position", line, s->position, position, 1e-12);
        check("balance", line, s->balance, balance, 1e-9);
        check("fee", line, s->fee, fee, 1e-12);
        check("trades", line, (double)s->trades, trades, 0);
        check("volume", line, s->volume, volume, 1e-9);
        check("value", line, s->value, value, 1e-8);
    }
    fclose(file);
    assert_int_equal(steps, kept.steps);
}

int main(int argc, char **argv) {
    if (argc > 1) cmocka_set_test_filter(argv[1]);
    if (!(tape = td_recorded("usdm_btcusdt_20240808.gz", 0.1, 0.001, true))) {
        fputs("no reference data beside the checkout\n", stderr);
        return 77;
    }
    const struct CMUnitTest tests[] = {cmocka_unit_test(each_step), cmocka_unit_test(final_states)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
