/* sweeps/rules.c: what rules become, without compiling it; tests/check_played_rules.py plays them. */
#include "tests/support.h"

#include <string.h>

#include "sweeps/rules.h"

static void no_errors(void *context, td_rule rule, td_expression_place place, const char *sentence) {
    (void)context;
    fail_msg("%s, at %zu: %s", td_rule_names[rule], place.offset, sentence);
}

static void make(const char *entry, const char *exit_rule, td_rules *rules) {
    const char *const texts[TD_RULE_COUNT] = {entry, exit_rule};
    td_error error;
    assert_ok(td_rules_make(texts, no_errors, NULL, rules, &error));
}

static void says(const char *entry, const char *exit_rule, const char *part) {
    td_rules rules;
    make(entry, exit_rule, &rules);
    if (!strstr(rules.source, part)) fail_msg("'%s' is not in\n%s", part, rules.source);
    td_rules_free(&rules);
}

static void is_skipped_through(const char *entry, const char *exit_rule, bool wanted) {
    td_rules rules;
    make(entry, exit_rule, &rules);
    if ((strstr(rules.source, "ON_SIGNAL") != NULL) != wanted) fail_msg("%s expected for\n%s", wanted ? "ON_SIGNAL" : "ON_BAR", rules.source);
    td_rules_free(&rules);
}

static void expressions_become_c(void **state) {
    (void)state;
    says("close > 2", NULL, "mask enters = close > 2.0;");
    says("close - (open - high) < low", NULL, "close - (open - high) < low;");
    says("close - open - high < low * (close + 1)", NULL, "close - open - high < low * (close + 1.0);");
    says("close / (open / 2) < -(-low)", NULL, "close / (open / 2.0) < -(-low);");
    says("-(close + 1) * 2 < 3 - 5", NULL, "(-(close + 1.0)) * 2.0 < (-2.0);");
    says("! close < 2 & open > 1 | high > 3", NULL, "(not(close < 2.0) & (open > 1.0)) | (high > 3.0);");
    says("not (close < 2 & open > 1)", NULL, "not((close < 2.0) & (open > 1.0));");
    says("max(abs(close), min(2, 3)) > 1e-7", NULL, "max(abs(close), 2.0) > 1e-7;");
    says("previous(sma(close, 5)) < previous(close)", NULL, "previous(sma_close_5) < previous(close);");
    says("close > open", "close < open", "mask leaves = (close < open) & (position > 0);");
    says("close > open", "close < open", "target(+1, enters & not(leaves));");
    says("higher(\"1h\", macd(close, 3, 6, 2).line) > 0", NULL,
         "HIGHER(\"1h\", MACD(higher_1h_macd_close_3_6_2, close, CONSTANT(3), CONSTANT(6), CONSTANT(2)))");
    says("stddev(close, w) > 0.5 * sample_stddev(close, w)", NULL, "SAMPLE_STDDEV(sample_stddev_close_w, close, w)");
    says("sma(close, fast) > level", NULL, "NUMBER(level, 0, -1e300, 1e300");
    says("sma(close, fast) > fast", NULL, "WINDOW(fast, 20, \"bars\")");
    says("bollinger(close, 20, k).upper > k", NULL, "NUMBER(k, 0, 0, 1000000");
    /* a parameter may be called as a row would be */
    says("sma(close, 5) > sma_close_5", NULL, "SMA(sma_close_5_, close, CONSTANT(5))");
}

static void crossings_become_signals(void **state) {
    (void)state;
    says("crosses_above(sma(close, 5), ema(close, 9))", NULL, "CROSS(cross_1, sma_close_5, ema_close_9)");
    says("crosses_above(rsi(close, 14), 30)", NULL, "CROSS_LEVEL(cross_1, rsi_close_14, CONSTANT(30))");
    says("crosses_above(rsi(close, 14), low_level)", NULL, "CROSS_LEVEL(cross_1, rsi_close_14, low_level)");
    /* a level that crosses is crossed the other way; so are two rows in the other order: one signal */
    says("crosses_above(30, rsi(close, 14))", NULL, "mask enters = crossed_below(cross_1);");
    says("crosses_above(sma(close, 5), sma(close, 9))", "crosses_above(sma(close, 9), sma(close, 5))", "mask leaves = crossed_below(cross_1)");
    /* prices are rows of themselves */
    says("crosses_above(close, sma(close, 9))", NULL, "HIGHEST(close_row, close, CONSTANT(1))");
    says("crosses_above(close * 2, sma(close, 9))", NULL,
         "crosses_above(close * 2.0, sma_close_9, previous(close) * 2.0, previous(sma_close_9))");
    says("crosses_above(volume, sma(volume, 9))", NULL, "crosses_above(volume, sma_volume_9, previous(volume), previous(sma_volume_9))");
}

static void skips_where_only_crossings_act(void **state) {
    (void)state;
    const char *up = "crosses_above(sma(close, 5), sma(close, 9))";
    is_skipped_through(up, NULL, true);
    is_skipped_through("rsi(close, 5) < 30 & (crosses_above(close, open) | crosses_below(close, 5) & close > 1)", NULL, true);
    is_skipped_through(up, "close < open", false);
    is_skipped_through("!crosses_above(close, open)", NULL, false);
    is_skipped_through("crosses_above(close, open) | close > 5", NULL, false);
    is_skipped_through("crosses_above(close, 2 * open)", NULL, false);
    /* four signals are all there are; the fifth crossing is looked for on every bar */
    is_skipped_through("crosses_above(close, 1) | crosses_above(close, 2) | crosses_above(close, 3) | crosses_above(close, 4)", NULL, true);
    is_skipped_through("crosses_above(close, 1) | crosses_above(close, 2) | crosses_above(close, 3) | crosses_above(close, 4) | "
                       "crosses_above(close, 5)", NULL, false);
}

static void texts_are_canonical(void **state) {
    (void)state;
    td_rules rules;
    make("  crosses_above( sma(close,fast),bollinger (close,20,2) .upper)&&!(rsi( close , 14 )<-70)", NULL, &rules);
    assert_string_equal(rules.text[TD_RULE_entry],
                        "crosses_above(sma(close, fast), bollinger(close, 20, 2).upper) and not (rsi(close, 14) < - 70)");
    assert_null(rules.text[TD_RULE_exit]);
    assert_int_equal(rules.param_count, 1);
    assert_string_equal(rules.params[0].name, "fast");
    assert_int_equal(rules.params[0].place.offset, 27);
    td_rules_free(&rules);
}

static void count_errors(void *context, td_rule rule, td_expression_place place, const char *sentence) {
    (void)place;
    assert_non_null(strstr(sentence, rule == TD_RULE_entry ? "unknown function" : "not closed"));
    ++*(int *)context;
}

static void every_rule_gets_its_error(void **state) {
    (void)state;
    const char *const texts[TD_RULE_COUNT] = {"f(1) > close", "(close > 1", NULL, "close > 1"};
    td_rules rules;
    td_error error;
    int errors = 0;
    assert_fails(td_rules_make(texts, count_errors, &errors, &rules, &error), TD_BAD_ARG, "not closed");
    assert_int_equal(errors, 2);
    assert_null(rules.source);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(expressions_become_c), cmocka_unit_test(crossings_become_signals), cmocka_unit_test(skips_where_only_crossings_act),
        cmocka_unit_test(texts_are_canonical), cmocka_unit_test(every_rule_gets_its_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
