/* tapedeck show: order, selection and forms of output, on a results file of twelve made-up cells. */
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sweeps/results.h"
#include "tests/support.h"

/* 4 x 3 sets: fast varies slowest; slow is held at 30 */
static const char config_text[] = "tape: test.h5\n"
                                  "strategy: sma-cross\n"
                                  "method: grid\n"
                                  "metric: {name: sharpe, goal: maximize}\n"
                                  "parameters:\n"
                                  "  fast: {min: 2, max: 5}\n"
                                  "  slow: {value: 30}\n"
                                  "  stop_loss: {values: [0.0, 0.01, 0.025]}\n";
enum { TRIALS = 12, FAILED = 4, PENDING = 5, WITHOUT = 2 };
static const double sharpe[TRIALS] = {1, 2, NAN, 2, 9, 9, -1, 0.5, 1.5, 0.25, 1.25, 3};
static const int by_sharpe[TRIALS] = {11, 1, 3, 8, 10, 0, 7, 9, 6, WITHOUT, FAILED, PENDING}; /* 1 and 3 tie */
static char results_path[512];

static td_cell make_cell(int64_t trial) {
    td_cell cell = {.state = trial == FAILED ? TD_CELL_FAILED : TD_CELL_DONE, .reason_bar = -1};
    cell.hash = 0x0123456789abcde0u + (uint64_t)trial;
    if (trial == FAILED) cell.reason = TD_CELL_REASON_nan_target, cell.reason_bar = 7;
    for (int m = 0; m < TD_METRIC_BARS_COUNT; m++) cell.metrics[m] = 0.1 * (double)m;
    cell.metrics[TD_METRIC_sharpe] = sharpe[trial];
    cell.metrics[TD_METRIC_trades] = (double)trial * 10;
    cell.metrics[TD_METRIC_annual_volatility] = (double)((trial * 5) % 12) / 7;
    cell.metrics[TD_METRIC_profit_factor] = INFINITY;
    return cell;
}

/* the same results whatever the session says about itself */
static void make_results(const char *path, const td_sweep_info *info) {
    td_error error;
    td_config *config;
    td_deck *deck;
    td_journal *journal;
    td_tape tape = td_test_tape(400, TD_NS_PER_DAY, 5);
    assert_ok(td_config_parse("show.yaml", config_text, NULL, 0, stderr, &config, &error));
    assert_int_equal(td_space_count(config->space), TRIALS);
    assert_ok(td_deck_make(&tape, &config->play, &deck, &error));
    td_journal_head head = {.trials = TRIALS, .blocks = td_deck_blocks(deck), .metrics = TD_METRIC_BARS_COUNT};
    char journal_path[600];
    snprintf(journal_path, sizeof journal_path, "%s.journal", path);
    assert_ok(td_journal_open(journal_path, &head, false, &journal, &error));
    float returns[TD_BLOCKS_MAX] = {0};
    for (int64_t trial = 0; trial < TRIALS; trial++) {
        td_cell cell = make_cell(trial);
        if (trial != PENDING) assert_ok(td_journal_append(journal, &trial, &cell, returns, NULL, 1, &error));
    }
    td_markets markets;
    td_market_facts *facts = calloc(1, sizeof *facts);
    assert_ok(td_markets_make(config, &tape, &markets, &error));
    assert_ok(td_market_note(&tape, deck, facts, &error));
    assert_ok(td_results_write(path, config, &markets, facts, journal, info, &error));
    td_market_facts_free(facts, 1);
    td_markets_free(&markets);
    td_journal_close(journal);
    td_deck_free(deck);
    td_config_free(config);
}

static int set_up(void **state) {
    (void)state;
    snprintf(results_path, sizeof results_path, "%s", td_test_path("show.h5"));
    make_results(results_path, &(td_sweep_info){.threads = 1, .isa = TD_ISA_V2, .engine = TD_ENGINE_LANES, .sessions = 1});
    setenv("RESULTS", results_path, 1);
    return 0;
}

/* what `show $RESULTS OPTIONS --json` prints; the caller releases */
static json_t *show_json(const char *options) {
    char *out, *err;
    int code = td_test_run(&out, &err, "$TAPEDECK show $RESULTS %s --json", options);
    if (code) fail_msg("show %s: exit %d: %s", options, code, err);
    assert_string_equal(err, "");
    json_t *list = json_loads(out, 0, NULL);
    assert_true(json_is_array(list));
    free(out), free(err);
    return list;
}

/* the trials that come out, in order */
static void expect_order(const char *options, const int *trials, size_t count) {
    json_t *list = show_json(options);
    if (json_array_size(list) != count) fail_msg("show %s: %zu sets, expected %zu", options, json_array_size(list), count);
    for (size_t i = 0; i < count; i++) {
        json_int_t trial = json_integer_value(json_object_get(json_array_get(list, i), "trial"));
        if (trial != trials[i]) fail_msg("show %s: number %zu is trial %lld, expected %d", options, i, (long long)trial, trials[i]);
    }
    json_decref(list);
}
#define EXPECT_ORDER(options, ...)                                                                                               \
    do {                                                                                                                         \
        const int trials_[] = {__VA_ARGS__};                                                                                     \
        expect_order(options, trials_, sizeof trials_ / sizeof *trials_);                                                        \
    } while (0)

static void best_first(void **state) {
    (void)state;
    expect_order("", by_sharpe, 10);
    expect_order("--top 3", by_sharpe, 3);
    expect_order("--top all", by_sharpe, TRIALS);
    expect_order("--top 500", by_sharpe, TRIALS);
    expect_order("--by sharpe --top all", by_sharpe, TRIALS);
    /* the other way round: the same last ones, and ties still by trial number */
    EXPECT_ORDER("--ascending --top all", 6, 9, 7, 0, 10, 8, 1, 3, 11, WITHOUT, FAILED, PENDING);
    /* trades are neither good nor bad: largest first; volatility is better when small, unless told otherwise */
    EXPECT_ORDER("--by trades --top 4", 11, 10, 9, 8);
    EXPECT_ORDER("--by annual_volatility --top 4", 0, 10, 3, 8); /* 0, 2/7, 3/7, 4/7 */
    EXPECT_ORDER("--by annual_volatility --descending --top 3", 7, 2, 9); /* 11/7, 10/7, 9/7 */
    /* by an axis: largest first, ties by number */
    EXPECT_ORDER("--by stop_loss --top 5", 2, 8, 11, 1, 7);
}

static void where_selects(void **state) {
    (void)state;
    EXPECT_ORDER("--where 'sharpe > 1'", 11, 1, 3, 8, 10, FAILED);
    EXPECT_ORDER("--where 'sharpe > 1 and fast < 4 and trades >= 30'", 3, FAILED);
    EXPECT_ORDER("--where 'stop_loss == 0.025 or not sharpe > -5'", 11, 8, WITHOUT, PENDING);
    EXPECT_ORDER("--where 'fast == 5' --by trades --ascending", 9, 10, 11);
    json_t *none = show_json("--where 'fast > 100'");
    assert_int_equal(json_array_size(none), 0);
    json_decref(none);
}

/* exactly {"trial", "hash", "parameters", "metrics"}; whole axes integers, NaN and infinity null, doubles to the last bit */
static void json_shape(void **state) {
    (void)state;
    json_t *list = show_json("--top all");
    json_t *best = json_array_get(list, 0);
    assert_int_equal(json_object_size(best), 4);
    assert_string_equal(json_string_value(json_object_get(best, "hash")), "0123456789abcdeb");
    json_t *parameters = json_object_get(best, "parameters"), *metrics = json_object_get(best, "metrics");
    assert_int_equal(json_object_size(parameters), 3);
    assert_true(json_is_integer(json_object_get(parameters, "fast")));
    assert_int_equal(json_integer_value(json_object_get(parameters, "fast")), 5);
    assert_int_equal(json_integer_value(json_object_get(parameters, "slow")), 30); /* held fixed, and part of the set */
    assert_true(json_is_real(json_object_get(parameters, "stop_loss")));
    assert_true(json_real_value(json_object_get(parameters, "stop_loss")) == 0.025);
    assert_int_equal(json_object_size(metrics), TD_METRIC_BARS_COUNT);
    td_cell cell = make_cell(11);
    for (int m = 0; m < TD_METRIC_BARS_COUNT; m++) {
        json_t *value = json_object_get(metrics, td_metric_infos[m].name);
        if (m == TD_METRIC_profit_factor) assert_true(json_is_null(value));
        else assert_true(json_is_real(value) && json_real_value(value) == cell.metrics[m]);
    }
    json_t *without = json_array_get(list, 9), *failed = json_array_get(list, 10), *pending = json_array_get(list, 11);
    assert_int_equal(json_object_size(without), 4);
    assert_true(json_is_null(json_object_get(json_object_get(without, "metrics"), "sharpe")));
    assert_string_equal(json_string_value(json_object_get(failed, "state")), "failed");
    assert_string_equal(json_string_value(json_object_get(failed, "reason")), "nan_target");
    assert_string_equal(json_string_value(json_object_get(pending, "state")), "pending");
    assert_true(json_is_null(json_object_get(json_object_get(pending, "metrics"), "trades")));
    assert_int_equal(json_integer_value(json_object_get(json_object_get(pending, "parameters"), "fast")), 3);
    json_decref(list);
}

static void nothing_of_the_machine(void **state) {
    (void)state;
    const char *other = td_test_path("other.h5");
    make_results(other, &(td_sweep_info){.threads = 64, .isa = TD_ISA_SCALAR, .engine = TD_ENGINE_SKIP, .started_ns = 99,
                                         .finished_ns = 12345678901234, .play_seconds = 3, .sessions = 7, .command = "x"});
    setenv("OTHER", other, 1);
    const char *forms[] = {"--json", "--csv", ""};
    for (size_t f = 0; f < sizeof forms / sizeof *forms; f++) {
        char *one, *two;
        assert_int_equal(td_test_run(&one, NULL, "$TAPEDECK show $RESULTS --top all %s", forms[f]), 0);
        assert_int_equal(td_test_run(&two, NULL, "$TAPEDECK show $OTHER --top all %s", forms[f]), 0);
        assert_true(strlen(one) > 500);
        assert_string_equal(one, two);
        free(one), free(two);
    }
}

static void table(void **state) {
    (void)state;
    char *out, *err;
    assert_int_equal(td_test_run(&out, &err, "$TAPEDECK show $RESULTS --top all"), 0);
    assert_string_equal(err, "");
    char *line[32] = {0};
    int lines = 0;
    for (char *at = strtok(out, "\n"); at && lines < 32; at = strtok(NULL, "\n")) line[lines++] = at;
    assert_int_equal(lines, 3 + TRIALS);
    /* two lines of what this is, with what annualises; the heads; the sets */
    const char *parts[] = {"sma-cross on TEST 1d, 400 bars from 2024-01-01T00:00:00Z", "periods per year"};
    for (size_t p = 0; p < 2; p++) assert_non_null(strstr(line[0], parts[p]));
    assert_string_equal(line[1], "12 trials: 10 done, 1 failed, 1 pending; by sharpe, largest first");
    char word[5][32];
    assert_int_equal(sscanf(line[2], "%31s %31s %31s %31s %31s", word[0], word[1], word[2], word[3], word[4]), 5);
    const char *heads[] = {"rank", "trial", "fast", "stop_loss", "sharpe"};
    for (int i = 0; i < 5; i++) assert_string_equal(word[i], heads[i]);
    for (int r = 0; r < TRIALS; r++) {
        char rank[16], trial[16], fast[16], stop[16], value[16], wanted[16];
        assert_int_equal(sscanf(line[3 + r], "%15s %15s %15s %15s %15s", rank, trial, fast, stop, value), 5);
        snprintf(wanted, sizeof wanted, "%d", r + 1);
        assert_string_equal(rank, r < 9 ? wanted : "-"); /* nine have a Sharpe ratio */
        assert_int_equal(atoi(trial), by_sharpe[r]);
        assert_int_equal(atoi(fast), 2 + by_sharpe[r] / 3);
    }
    assert_non_null(strstr(line[3 + 10], "nan_target"));
    assert_non_null(strstr(line[3 + 11], "pending"));
    free(out), free(err);

    assert_int_equal(td_test_run(&out, NULL, "$TAPEDECK show $RESULTS --top 1 --columns trades,fast"), 0);
    assert_non_null(strstr(out, "rank  trial  trades  fast\n   1     11     110     5\n"));
    free(out);
}

static void csv(void **state) {
    (void)state;
    char *out;
    assert_int_equal(td_test_run(&out, NULL, "$TAPEDECK show $RESULTS --top all --csv --columns 'fast, sharpe,stop_loss'"), 0);
    const char *expected = "trial,state,hash,fast,sharpe,stop_loss\n"
                           "11,done,0123456789abcdeb,5,3,0.025000000000000001\n"
                           "1,done,0123456789abcde1,2,2,0.01\n"
                           "3,done,0123456789abcde3,3,2,0\n";
    assert_memory_equal(out, expected, strlen(expected));
    assert_non_null(strstr(out, "\n2,done,0123456789abcde2,2,,0.025000000000000001\n"));
    assert_non_null(strstr(out, "\n4,failed,0123456789abcde4,3,9,0.01\n"));
    assert_non_null(strstr(out, "\n5,pending,0000000000000000,3,,0.025000000000000001\n"));
    free(out);
    /* everything by default: three columns of its own, the axes, every metric */
    assert_int_equal(td_test_run(&out, NULL, "$TAPEDECK show $RESULTS --top 1 --csv"), 0);
    int commas = 0;
    for (const char *c = out; *c != '\n'; c++) commas += *c == ',';
    assert_int_equal(commas + 1, 3 + 2 + TD_METRIC_BARS_COUNT);
    free(out);
}

static void says_why_not(void **state) {
    (void)state;
    const struct {
        const char *command;
        int code;
        const char *part;
    } cases[] = {
        {"show", 2, "a results file is wanted"},
        {"show a.h5 b.h5", 2, "'b.h5' is a second one"},
        {"show $RESULTS --top 0", 2, "--top is '0'"},
        {"show $RESULTS --top many", 2, "--top is 'many'"},
        {"show $RESULTS --json --csv", 2, "--json and --csv at once"},
        {"show $RESULTS --by sharp", 2, "no metric or axis 'sharp'; did you mean 'sharpe'?"},
        {"show $RESULTS --by xyzzy", 2, "axes here: fast, stop_loss"},
        {"show $RESULTS --where 'fasst > 3'", 2, "--where: there is no metric or axis 'fasst'; did you mean 'fast'?"},
        {"show $RESULTS --where 'sharpe > '", 2, "--where 'sharpe > '"},
        {"show $RESULTS --columns fast,slo", 2, "--columns: there is no metric or axis 'slo'"},
        {"show $RESULTS --columns ''", 2, "--columns names no column"},
        {"show /nowhere.h5", 3, "/nowhere.h5 cannot be opened: No such file or directory"},
        {"show show.yaml", 3, "show.yaml: the file is not HDF5"},
        {"show /nowhere.h5 --json", 3, "{\"error\":{\"code\":\"bad_data\""},
        {"show $RESULTS --json > /dev/full", 1, "No space left on device"},
    };
    const char *yaml = td_test_path("show.yaml");
    td_test_write(yaml, config_text);
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        char *out, *err;
        int code = td_test_run(&out, &err, "cd %s && $TAPEDECK %s", td_test_folder(), cases[c].command);
        if (code != cases[c].code || !strstr(err, cases[c].part) || *out)
            fail_msg("%s: exit %d, stdout \"%.60s\", stderr \"%s\"", cases[c].command, code, out, err);
        free(out), free(err);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(best_first), cmocka_unit_test(where_selects), cmocka_unit_test(json_shape),
        cmocka_unit_test(nothing_of_the_machine), cmocka_unit_test(table), cmocka_unit_test(csv),
        cmocka_unit_test(says_why_not),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
