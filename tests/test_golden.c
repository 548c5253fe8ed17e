/* Twenty fixed plays against their committed results, tests/golden/signature.csv: did a change move numbers that it should not have
 * moved? All of them together make one signature, which a commit that moves numbers names in its last line:
 *
 *     Signature: <16 hexadecimal digits>
 *
 * To accept new numbers:  TAPEDECK_REGENERATE=1 ctest --preset release -R golden  and commit the file. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/plays.h"

typedef struct golden_case {
    const char *name, *strategy;
    td_profile profile;
    td_fill_at fill_at;
    td_sizing sizing;
    td_direction direction;
    bool finalize;
    int64_t sample_bars, bars, interval_s;
    double param[3];
    double size, lot, commission, fixed_commission, spread, slippage, stop_loss, take_profit;
} golden_case;

#define OURS TD_PROFILE_TAPEDECK
#define THEIRS TD_PROFILE_BACKTESTING
#define OPEN TD_FILL_NEXT_OPEN
#define CLOSE TD_FILL_CLOSE
#define ALL TD_SIZING_ALL_IN
#define UNITS TD_SIZING_FIXED_UNITS
#define PART TD_SIZING_FRACTION
#define BOTH TD_DIRECTION_BOTH
#define LONG TD_DIRECTION_LONG
#define SHORT TD_DIRECTION_SHORT
enum { DAY = 86400, HOUR = 3600, MINUTE = 60 };

static const golden_case cases[] = {
    /* name, strategy, profile, fill, sizing, direction, finalize, sample, bars, interval, parameters,
     * size, lot, commission, fixed, spread, slippage, stop, target */
    {"hold", "buy-and-hold", OURS, OPEN, ALL, BOTH, false, 0, 1000, DAY, {0}, 1, 0, 0, 0, 0, 0, 0, 0},
    {"hold-costs", "buy-and-hold", OURS, CLOSE, ALL, BOTH, true, 5, 1000, DAY, {0}, 1, 0, 0.001, 1, 0.002, 0.0005, 0, 0},
    {"hold-theirs", "buy-and-hold", THEIRS, OPEN, ALL, BOTH, true, 0, 1000, DAY, {0}, 1, 1, 0.001, 0, 0, 0, 0, 0},
    {"hold-stopped", "buy-and-hold", OURS, OPEN, PART, LONG, false, 1, 1000, DAY, {0}, 0.3, 0.1, 0, 0, 0, 0, 0.1, 0.2},
    {"sma", "sma-cross", OURS, OPEN, ALL, BOTH, false, 0, 5000, DAY, {10, 30}, 1, 0, 0, 0, 0, 0, 0, 0},
    {"sma-costs", "sma-cross", OURS, OPEN, ALL, BOTH, true, 0, 5000, DAY, {5, 20}, 1, 1e-6, 0.001, 0.5, 0.0005, 0.0002, 0, 0},
    {"sma-stops", "sma-cross", OURS, OPEN, PART, BOTH, false, 60, 20000, MINUTE, {8, 50}, 0.5, 1, 0.0002, 0, 0, 0.0001, 0.02, 0.03},
    {"sma-minutes", "sma-cross", OURS, OPEN, ALL, LONG, true, 0, 20000, MINUTE, {20, 200}, 1, 0, 0.0005, 0, 0, 0, 0.01, 0},
    {"sma-close", "sma-cross", OURS, CLOSE, UNITS, SHORT, true, 24, 5000, HOUR, {3, 12}, 20, 0, 0, 2, 0.001, 0, 0.03, 0.05},
    {"sma-theirs", "sma-cross", THEIRS, OPEN, ALL, BOTH, true, 0, 2148, DAY, {10, 30}, 1, 1, 0, 0, 0, 0, 0, 0},
    {"sma-theirs-costs", "sma-cross", THEIRS, CLOSE, ALL, BOTH, true, 0, 2148, DAY, {7, 21},
     1, 1e-6, 0.002, 1, 0.001, 0, 0.05, 0.1},
    {"sma-theirs-hours", "sma-cross", THEIRS, OPEN, PART, LONG, false, 0, 5000, HOUR, {12, 48},
     0.9, 1, 0.0005, 0, 0.0002, 0.0001, 0, 0},
    {"ema", "ema-cross", OURS, OPEN, ALL, BOTH, false, 1, 5000, DAY, {12, 26}, 1, 0, 0.0005, 0, 0, 0, 0, 0},
    {"ema-skip", "ema-cross", OURS, OPEN, ALL, BOTH, true, 7, 5000, DAY, {4, 9}, 1, 1, 0, 0, 0.0004, 0.0001, 0.015, 0.015},
    {"ema-rebate", "ema-cross", OURS, CLOSE, PART, BOTH, true, 60, 20000, MINUTE, {30, 90}, 1, 0, -0.0001, 0, 0.0001, 0, 0, 0.01},
    {"ema-theirs", "ema-cross", THEIRS, OPEN, UNITS, SHORT, true, 0, 5000, HOUR, {5, 15}, 30, 1, 0.0001, 0.1, 0, 0, 0.04, 0},
    {"rsi", "rsi-reversion", OURS, OPEN, ALL, BOTH, true, 0, 5000, DAY, {14, 30, 70}, 1, 0, 0.0005, 0, 0, 0, 0, 0},
    {"rsi-stops", "rsi-reversion", OURS, OPEN, UNITS, BOTH, false, 24, 5000, HOUR, {7, 25, 80},
     50, 0, 0, 0, 0.0002, 0.0002, 0.02, 0.04},
    {"rsi-long", "rsi-reversion", OURS, CLOSE, ALL, LONG, true, 10, 20000, MINUTE, {21, 40, 55},
     1, 0.1, 0.0001, 0, 0, 0, 0.005, 0.01},
    {"rsi-theirs", "rsi-reversion", THEIRS, OPEN, ALL, BOTH, true, 0, 5000, DAY, {14, 35, 65},
     1, 1, 0.001, 0, 0.0005, 0, 0.08, 0.12},
    {"ruin", "rsi-reversion", OURS, OPEN, PART, SHORT, false, 0, 20000, DAY, {5, 0, 60}, 1, 0, 0, 50, 0.01, 0, 0, 0},
};
enum { CASES = sizeof cases / sizeof *cases };

static td_cell play(const golden_case *c) {
    td_error error;
    td_tape tape = td_test_tape(c->bars, c->interval_s * TD_NS_PER_SECOND, 2024);
    td_play_def def = td_default_play_def();
    def.strategy = td_strategy_find(c->strategy);
    def.profile = c->profile;
    def.fill_at = c->fill_at;
    def.sizing = c->sizing;
    def.direction = c->direction;
    def.finalize = c->finalize;
    def.sample_bars = c->sample_bars;
    td_set set = td_default_set(def.strategy);
    for (int i = 0; i < td_strategy_param_count(def.strategy); i++) set.param[i] = c->param[i];
    set.knob[TD_KNOB_size] = c->size;
    set.knob[TD_KNOB_lot] = c->lot;
    set.knob[TD_KNOB_commission] = c->commission;
    set.knob[TD_KNOB_fixed_commission] = c->fixed_commission;
    set.knob[TD_KNOB_spread] = c->spread;
    set.knob[TD_KNOB_slippage] = c->slippage;
    set.knob[TD_KNOB_stop_loss] = c->stop_loss;
    set.knob[TD_KNOB_take_profit] = c->take_profit;
    td_deck *deck;
    td_cell cell;
    assert_ok(td_deck_make(&tape, &def, &deck, &error));
    assert_ok(td_check_set(deck, &set, &error));
    td_assert_engines_agree(deck, &set, 1, 0, &cell, c->name);
    assert_int_equal(cell.state, TD_CELL_DONE);
    assert_int_equal(cell.ruined, !strcmp(c->name, "ruin"));
    td_deck_free(deck);
    return cell;
}

static void signature(void **state) {
    (void)state;
    const char *source = getenv("TAPEDECK_SOURCE"), *regenerate = getenv("TAPEDECK_REGENERATE");
    static char path[1024], text[CASES * 128];
    size_t used = (size_t)sprintf(text, "case,hash,final_equity,trades,sharpe\n");
    for (int i = 0; i < CASES; i++) {
        td_cell cell = play(&cases[i]);
        const double *m = cell.metrics;
        used += (size_t)sprintf(text + used, "%s,%016" PRIx64 ",%.17g,%.0f,%.17g\n", cases[i].name, cell.hash,
                                m[TD_METRIC_final_equity], m[TD_METRIC_trades], m[TD_METRIC_sharpe]);
    }
    uint64_t hash = 0xcbf29ce484222325; /* FNV-1a over the text */
    for (size_t i = 0; i < used; i++) hash = (hash ^ (unsigned char)text[i]) * 0x100000001b3;
    printf("Signature: %016" PRIx64 "\n", hash);
    if (!source) {
        print_message("TAPEDECK_SOURCE does not name the repository: nothing to compare with\n");
        skip();
    }
    snprintf(path, sizeof path, "%s/tests/golden/signature.csv", source);
    if (regenerate && *regenerate && strcmp(regenerate, "0")) {
        td_test_write(path, text);
        printf("%s is written anew\n", path);
        return;
    }
    char *golden = td_test_read(path), *expected = golden;
    bool moved = false;
    for (char *line = text; *line;) {
        size_t length = strcspn(line, "\n"), wanted = strcspn(expected, "\n");
        if (length != wanted || memcmp(line, expected, length)) {
            print_error("found    %.*s\nexpected %.*s\n", (int)length, line, (int)wanted, expected);
            moved = true;
        }
        line += length + 1;
        expected += expected[wanted] ? wanted + 1 : wanted;
    }
    if (moved || *expected)
        print_error("numbers moved. If they were meant to, run this with TAPEDECK_REGENERATE=1, commit the file, and end the "
                    "commit's message with the line\nSignature: %016" PRIx64 "\n", hash);
    assert_false(moved);
    assert_int_equal(*expected, 0);
    free(golden);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(signature)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
