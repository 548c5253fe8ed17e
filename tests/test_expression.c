/* sweeps/expression.c: values by hand, precedence, what is refused and where. */
#include "tests/support.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/random.h"
#include "sweeps/expression.h"

static const char *const names[] = {"fast", "slow", "costs.commission", "a", "b", "c", "nothing"};
static const double values[] = {5, 20, 0.001, 1, 2, 3, NAN};

static int resolve(void *context, const char *name) {
    assert_null(context);
    for (int i = 0; i < 7; i++)
        if (strcmp(names[i], name) == 0) return i;
    return -1;
}

static double value_of(const char *text) {
    td_expression *expression;
    td_error error;
    assert_ok(td_expression_compile(text, resolve, NULL, &expression, NULL, &error));
    double value = td_expression_value(expression, values);
    assert_true(td_expression_true(expression, values) == (value != 0 && !isnan(value)));
    td_expression_free(expression);
    return value;
}

static void values_by_hand(void **state) {
    (void)state;
    static const struct {
        const char *text;
        double value;
    } cases[] = {
        {"1", 1}, {"1.5e-3", 0.0015}, {".5", 0.5}, {"fast", 5}, {"costs.commission", 0.001},
        {"1+2*3", 7}, {"(1+2)*3", 9}, {"7-2-1", 4}, {"16/4/2", 2}, {"-fast+1", -4}, {"--2", 2}, {"-(2-5)", 3}, {"2*-3", -6},
            {"+3", 3},
        {"fast<slow", 1}, {"fast>slow", 0}, {"fast<=5", 1}, {"fast>=6", 0}, {"fast==5", 1}, {"fast!=5", 0},
        {"fast < slow and slow < 10", 0}, {"fast < slow or slow < 10", 1}, {"not fast < slow", 0}, {"!fast<slow", 0},
            {"not not 3", 1},
        {"1 or 0 and 0", 1}, {"(1 or 0) and 0", 0}, {"not 0 and 0", 0}, {"not (0 and 0)", 1},
        {"fast<slow && !(a>b) || 0", 1}, {"(slow - fast) / 2 >= 7.5", 1}, {"a + b == c", 1},
        {"a < b & b < c", 1}, {"a > b | b < c & !(a > b)", 1}, {"1 / 0", INFINITY}, {"3 and 4", 1},
        {"1e2-1", 99}, {"1e+2", 100}, {"2-1e-1", 1.9}, {" \t1\n", 1},
        /* NaN: no comparison holds but !=, and it is not true */
        {"nothing < 1", 0}, {"nothing >= 1", 0}, {"nothing == nothing", 0}, {"nothing != nothing", 1}, {"not nothing", 1},
        {"nothing or 0", 0}, {"nothing and 1", 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        double value = value_of(cases[i].text);
        if (value != cases[i].value) fail_msg("%s is %g, expected %g", cases[i].text, value, cases[i].value);
    }
    assert_true(isnan(value_of("nothing + 1")));
}

static void errors_say_where(void **state) {
    (void)state;
    static const struct {
        const char *text;
        size_t offset, length;
        const char *part;
    } cases[] = {
        {"", 0, 1, "the expression ends here"},
        {"fast <", 6, 1, "expected a number, a name or '(', the expression ends here"},
        {"fast < fsat", 7, 4, "unknown name 'fsat'"},
        {"fast slow", 5, 4, "expected an operator or the end, found 'slow'"},
        {"1 < 2 < 3", 6, 1, "do not chain"},
        {"a == b == c", 7, 2, "do not chain"},
        {"fast = 5", 5, 1, "write '=='"},
        {"(a + b", 0, 1, "not closed"},
        {"a + b)", 5, 1, "found ')'"},
        {"(a b)", 3, 1, "expected an operator or ')', found 'b'"},
        {"1x", 0, 2, "'1x' is not a number"},
        {"1.2.3 < a", 0, 5, "'1.2.3' is not a number"},
        {"0x10", 0, 4, "not a number"},
        {"1e999 > a", 0, 5, "not a number"},
        {"a % 2", 2, 1, "'%' is not part of an expression"},
        {"a < \xC3\xA9", 4, 2, "is not part of an expression"},
        {"and a", 0, 3, "found 'and'"},
        {"a * / b", 4, 1, "found '/'"},
        {"a < not b", 4, 3, "found 'not'"},
        {"\"a\"", 0, 1, "not part of an expression"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        td_expression *expression = (td_expression *)&expression;
        td_expression_place place = {99, 99};
        td_error error;
        assert_fails(td_expression_compile(cases[i].text, resolve, NULL, &expression, &place, &error), TD_BAD_ARG, cases[i].part);
        assert_null(expression);
        if (place.offset != cases[i].offset || place.length != cases[i].length)
            fail_msg("'%s': place is %zu+%zu, expected %zu+%zu", cases[i].text, place.offset, place.length, cases[i].offset,
                     cases[i].length);
    }
    /* without a place the sentence has it */
    td_expression *expression;
    td_error error;
    assert_fails(td_expression_compile("fast <", resolve, NULL, &expression, NULL, &error), TD_BAD_ARG,
                 "column 7 of 'fast <': expected");
}

static void depth_is_bounded(void **state) {
    (void)state;
    static char text[100000];
    static const char *const starts[] = {"(", "-", "not ", "1+(", "!"};
    for (size_t i = 0; i < sizeof starts / sizeof *starts; i++) {
        text[0] = 0;
        size_t length = strlen(starts[i]);
        for (size_t at = 0; at + length + 2 < sizeof text; at += length) memcpy(text + at, starts[i], length + 1);
        td_expression *expression;
        td_error error;
        assert_fails(td_expression_compile(text, resolve, NULL, &expression, NULL, &error), TD_BAD_ARG, "nested too deeply");
    }
    /* long is not deep, up to a point */
    size_t at = 0;
    for (int i = 0; i < 2000; i++) at += (size_t)sprintf(text + at, "1+");
    sprintf(text + at, "1");
    assert_true(value_of(text) == 2001);
    for (int i = 0; i < 6000; i++) at += (size_t)sprintf(text + at, "1+");
    sprintf(text + at, "1");
    td_expression *expression;
    td_error error;
    assert_fails(td_expression_compile(text, resolve, NULL, &expression, NULL, &error), TD_BAD_ARG, "operations");
}

static void text_is_canonical(void **state) {
    (void)state;
    static const char *const same[] = {"fast<slow&&!(a>b)||0", " fast  <slow && ! ( a>b ) || 0",
                                       "fast < slow and not (a > b) or 0"};
    for (int i = 0; i < 3; i++) {
        td_expression *expression, *again;
        td_error error;
        assert_ok(td_expression_compile(same[i], resolve, NULL, &expression, NULL, &error));
        assert_string_equal(td_expression_text(expression), "fast < slow and not ( a > b ) or 0");
        assert_ok(td_expression_compile(td_expression_text(expression), resolve, NULL, &again, NULL, &error));
        assert_string_equal(td_expression_text(again), td_expression_text(expression));
        td_expression_free(expression);
        td_expression_free(again);
    }
}

/* Random trees written with all their parentheses, evaluated beside the program. */
static uint64_t draws;
static uint64_t draw(uint64_t below) { return td_random_bits(7, TD_PURPOSE_TEST, 0, draws++) % below; }

static double write_tree(char *text, size_t *used, int depth) {
    static const char *const signs[] = {"+", "-", "*", "/", "<", "<=", ">", ">=", "==", "!=", "and", "or"};
    if (depth == 0 || draw(4) == 0) {
        int leaf = (int)draw(6);
        *used += (size_t)sprintf(text + *used, "%s", names[leaf]);
        return values[leaf];
    }
    if (draw(5) == 0) {
        bool negate = draw(2);
        *used += (size_t)sprintf(text + *used, negate ? "(-" : "(not ");
        double x = write_tree(text, used, depth - 1);
        *used += (size_t)sprintf(text + *used, ")");
        return negate ? -x : !(x != 0 && !isnan(x));
    }
    int sign = (int)draw(12);
    *used += (size_t)sprintf(text + *used, "(");
    double a = write_tree(text, used, depth - 1);
    *used += (size_t)sprintf(text + *used, " %s ", signs[sign]);
    double b = write_tree(text, used, depth - 1);
    *used += (size_t)sprintf(text + *used, ")");
    bool at = a != 0 && !isnan(a), bt = b != 0 && !isnan(b);
    switch (sign) {
    case 0: return a + b;
    case 1: return a - b;
    case 2: return a * b;
    case 3: return a / b;
    case 4: return a < b;
    case 5: return a <= b;
    case 6: return a > b;
    case 7: return a >= b;
    case 8: return a == b;
    case 9: return a != b;
    case 10: return at && bt;
    default: return at || bt;
    }
}

static void random_trees(void **state) {
    (void)state;
    for (int i = 0; i < 5000; i++) {
        char text[4096];
        size_t used = 0;
        double expected = write_tree(text, &used, 5), found = value_of(text);
        if (found != expected && !(isnan(found) && isnan(expected))) fail_msg("%s is %g, expected %g", text, found, expected);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_by_hand), cmocka_unit_test(errors_say_where), cmocka_unit_test(depth_is_bounded),
        cmocka_unit_test(text_is_canonical), cmocka_unit_test(random_trees),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
