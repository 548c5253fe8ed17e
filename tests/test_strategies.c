/* What every strategy declares keeps the rules that users' own are held to (sim/plugin.h), and what names a file. */
#include "sim/plugin.h"

#include "tests/plays.h"
#include "tests/support.h"

static void declarations(void **state) {
    (void)state;
    static const char *const of_tests[] = {"awkward", "breakout", "channel", "crowd", "level", "partner", "patience", "pullback", "ranger",
                                              "ratio", "resizer", "script", "silent", "turner", "weigher"};
    td_error error;
    for (int i = 0; i < td_strategy_count(); i++) {
        const td_strategy *strategy = td_strategy_at(i);
        assert_ok(td_check_strategy(strategy, td_strategy_name(strategy), &error));
        assert_null(td_strategy_source(strategy));
        assert_true(td_strategy_text(strategy)[0]);
    }
    for (size_t i = 0; i < sizeof of_tests / sizeof *of_tests; i++)
        assert_ok(td_check_strategy(td_test_strategy(of_tests[i]), of_tests[i], &error));
}

static void names_and_paths(void **state) {
    (void)state;
    static const char *const paths[] = {"a.c", "./a", "a/b", "/a", "a/b.c", "x.y.c"}, *const names[] = {"", "a", ".c", "sma-cross", "a.cc", "ac"};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) assert_true(td_plugin_is_path(paths[i]));
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) assert_false(td_plugin_is_path(names[i]));
    assert_null(td_plugin_find("sma-cross", ""));
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(declarations), cmocka_unit_test(names_and_paths)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
