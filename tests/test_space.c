/* sweeps/space.c, distribution.c, scalars.c: which parameter set is trial number n. */
#include "tests/support.h"

#include <gsl/gsl_cdf.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "base/sorted.h"
#include "sweeps/config.h"

/* A configuration of sma-cross with more lines behind it. */
__attribute__((format(printf, 1, 2))) static td_config *load(const char *format, ...) {
    char text[8192];
    int used = snprintf(text, sizeof text, "tape: t.h5\nstrategy: sma-cross\n");
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text + used, sizeof text - (size_t)used, format, arguments);
    va_end(arguments);
    td_config *config;
    td_error error;
    assert_ok(td_config_parse("space.yaml", text, NULL, 0, stderr, &config, &error));
    return config;
}

static void refuse(const char *part, const char *lines) {
    char text[8192];
    snprintf(text, sizeof text, "tape: t.h5\nstrategy: sma-cross\n%s", lines);
    td_config *config;
    td_error error;
    assert_fails(td_config_parse("space.yaml", text, NULL, 0, NULL, &config, &error), TD_BAD_CONFIG, part);
    assert_null(config);
}

static int axis_of(const td_space *space, const char *name) {
    for (int a = 0; a < td_space_axis_count(space); a++)
        if (strcmp(td_space_axis(space, a)->name, name) == 0) return a;
    fail_msg("no axis %s", name);
    return -1;
}

/* The values of one axis of a space that has no other. */
static void assert_values(const td_space *space, int64_t count, const double *expected) {
    assert_int_equal(td_space_axis_count(space), 1);
    assert_int_equal(td_space_count(space), count);
    for (int64_t i = 0; i < count; i++) {
        double value;
        td_space_values(space, i, &value);
        if (value != expected[i]) fail_msg("value %lld is %.17g, expected %.17g", (long long)i, value, expected[i]);
    }
}

static void no_axes_is_one_trial(void **state) {
    (void)state;
    td_config *config = load("parameters: {fast: 7, slow: {value: 9}}\ncosts: {commission: 0.001}\n");
    assert_int_equal(td_space_count(config->space), 1);
    assert_int_equal(td_space_axis_count(config->space), 0);
    td_set set;
    td_space_set(config->space, 0, &set);
    assert_true(set.param[0] == 7 && set.param[1] == 9 && set.knob[TD_KNOB_commission] == 0.001);
    assert_true(set.knob[TD_KNOB_cash] == 10000);
    td_config_free(config);
}

static void forms_of_values(void **state) {
    (void)state;
    static const struct {
        const char *spec;
        int64_t count;
        double values[12];
    } cases[] = {
        {"{values: [10, 5, 20]}", 3, {10, 5, 20}},
        {"{distribution: categorical, values: [3]}", 1, {3}},
        {"{min: 5, max: 8}", 4, {5, 6, 7, 8}},
        {"{distribution: int_uniform, min: 5.0, max: 6.0}", 2, {5, 6}},
        {"{min: 5, max: 25, q: 5, distribution: q_uniform}", 5, {5, 10, 15, 20, 25}},
        {"{min: 5, max: 26, q: 5}", 5, {5, 10, 15, 20, 25}},
        {"{distribution: q_uniform, min: 1, max: 3}", 3, {1, 2, 3}},
        {"{range: [5, 20, 5]}", 4, {5, 10, 15, 20}},
        {"{range: [7, 7, 1]}", 1, {7}},
        {"{log: [1, 1000, 4]}", 4, {1, 10, 100, 1000}},
        {"{log: [1, 8, 12]}", 7, {1, 2, 3, 4, 5, 7, 8}}, /* rounded to whole numbers, repeats dropped */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        td_config *config = load("parameters: {fast: %s}\n", cases[i].spec);
        assert_values(config->space, cases[i].count, cases[i].values);
        assert_true(td_space_axis(config->space, 0)->whole);
        td_config_free(config);
    }
    const double tenths[] = {0, 0.1, 0.2, 0.3, 0.4, 0.5};
    td_config *config = load("parameters: {costs.spread: {range: [0, 0.5, 0.1]}}\n");
    assert_values(config->space, 6, tenths);
    const td_axis *axis = td_space_axis(config->space, 0);
    assert_true(!axis->whole && axis->param < 0 && axis->knob == TD_KNOB_spread);
    assert_string_equal(axis->name, "costs.spread");
    assert_string_equal(axis->unit, "fraction");
    td_config_free(config);
    const double decades[] = {1e-4, 1e-3, 1e-2, 1e-1};
    config = load("parameters: {spread: {log: [1e-4, 1e-1, 4]}}\n");
    assert_values(config->space, 4, decades);
    td_config_free(config);
}

/* Steps of decimals are the decimals themselves: the same double as reading their text. */
static void steps_do_not_drift(void **state) {
    (void)state;
    for (uint64_t i = 0; i < 20000; i++) {
        int digits = (int)(td_random_bits(1, TD_PURPOSE_TEST, 1, i) % 7);
        double scale = 1;
        for (int d = 0; d < digits; d++) scale *= 10;
        int64_t low = (int64_t)(td_random_bits(1, TD_PURPOSE_TEST, 2, i) % 2000001) - 1000000;
        int64_t step = 1 + (int64_t)(td_random_bits(1, TD_PURPOSE_TEST, 3, i) % 5000);
        int64_t count = 1 + (int64_t)(td_random_bits(1, TD_PURPOSE_TEST, 4, i) % 50), k = count - 1;
        int64_t rest = (int64_t)(td_random_bits(1, TD_PURPOSE_TEST, 5, i) % (uint64_t)step);
        td_steps steps;
        assert_true(td_steps_make((double)low / scale, (double)(low + k * step + rest) / scale, (double)step / scale, &steps));
        assert_int_equal(steps.count, count);
        char text[64];
        snprintf(text, sizeof text, "%llde-%d", (long long)(low + k * step), digits);
        double read;
        assert_true(td_read_number(text, &read));
        assert_true(td_steps_at(&steps, k) == read);
    }
    td_steps steps;
    assert_false(td_steps_make(1.0 / 3, 1, 0.1, &steps)); /* too many digits to be exact */
    assert_false(td_steps_make(1e300, 1e301, 1e299, &steps));
    assert_false(td_steps_make(0, 1, 0, &steps));
    assert_false(td_steps_make(1, 0, 1, &steps));
}

/* Grid order is that of nested loops over the sorted names, last name fastest; constraints take cells out and nothing else. */
static void grid_is_the_product(void **state) {
    (void)state;
    static const char *const constraints[] = {"[]", "[\"fast < slow\"]", "[\"fast < slow\", \"commission * 1000 >= fast - 4\"]",
                                              "[\"slow == 9 and fast == 3\"]"};
    for (int c = 0; c < 4; c++) {
        /* written out of order on purpose; names sort as commission, fast, slow, take_profit */
        td_config *config = load("parameters:\n  slow: {min: 2, max: 9}\n  take_profit: {values: [0.5, 0.1]}\n"
                                 "  fast: {range: [1, 9, 2]}\n"
                                 "  commission: {values: [0, 0.001, 0.002]}\nconstraints: %s\n", constraints[c]);
        const td_space *space = config->space;
        const char *const names[] = {"commission", "fast", "slow", "take_profit"};
        assert_int_equal(td_space_axis_count(space), 4);
        for (int a = 0; a < 4; a++) assert_string_equal(td_space_axis(space, a)->name, names[a]);
        int64_t trial = 0, excluded = 0;
        for (int i = 0; i < 3; i++) {
            for (int fast = 1; fast <= 9; fast += 2) {
                for (int slow = 2; slow <= 9; slow++) {
                    for (int k = 0; k < 2; k++) {
                        double commission = i == 0 ? 0 : i == 1 ? 0.001 : 0.002;
                        bool kept = c == 0 || (c == 3 ? slow == 9 && fast == 3 : fast < slow);
                        if (c == 2) kept = kept && commission * 1000 >= fast - 4;
                        excluded += !kept;
                        if (!kept) continue;
                        double values[4];
                        assert_true(trial < td_space_count(space));
                        td_space_values(space, trial, values);
                        assert_true(values[0] == commission && values[1] == fast && values[2] == slow &&
                                    values[3] == (k ? 0.1 : 0.5));
                        td_set set;
                        td_space_set(space, trial, &set);
                        assert_true(set.knob[TD_KNOB_commission] == commission && set.param[0] == fast && set.param[1] == slow &&
                                    set.knob[TD_KNOB_take_profit] == values[3] && set.knob[TD_KNOB_cash] == 10000);
                        trial++;
                    }
                }
            }
        }
        assert_int_equal(td_space_count(space), trial);
        assert_int_equal(td_space_excluded(space), excluded);
        td_config_free(config);
    }
}

/* The index of good cells, at sizes around its block of 128 cells. */
static void index_around_its_blocks(void **state) {
    (void)state;
    static const int sizes[] = {1, 2, 127, 128, 129, 255, 256, 257, 1000, 12800, 12801};
    static const char *const rules[] = {"fast * 2 > fast", "fast != 128", "fast > 126",
                                        "fast == 1 or fast == 257 or fast == 12801"};
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        for (int r = 0; r < 4; r++) {
            td_config *config = NULL;
            td_error error;
            char text[256];
            snprintf(text, sizeof text,
                     "tape: t.h5\nstrategy: sma-cross\nparameters: {fast: {range: [1, %d, 1]}}\nconstraints: [%s]\n",
                     sizes[s], rules[r]);
            int64_t trial = 0;
            td_status status = td_config_parse("space.yaml", text, NULL, 0, NULL, &config, &error);
            for (int fast = 1; fast <= sizes[s]; fast++) {
                bool kept = r == 0 || (r == 1 && fast != 128) || (r == 2 && fast > 126) ||
                            (r == 3 && (fast == 1 || fast == 257 || fast == 12801));
                if (!kept) continue;
                double value;
                assert_int_equal(status, TD_OK);
                td_space_values(config->space, trial++, &value);
                assert_true(value == fast);
            }
            if (trial)
                assert_int_equal(td_space_count(config->space), trial);
            else
                assert_fails(status, TD_BAD_CONFIG, "exclude all");
            td_config_free(config);
        }
    }
}

static void large_grids_are_not_stored(void **state) {
    (void)state;
    /* 10^8 cells without constraints: arithmetic */
    td_config *config = load("parameters: {fast: {min: 1, max: 10000}, slow: {min: 1, max: 10000}}\n");
    assert_int_equal(td_space_count(config->space), 100000000);
    assert_true(td_space_bytes(config->space) < 65536);
    double values[2];
    td_space_values(config->space, 99999999, values);
    assert_true(values[0] == 10000 && values[1] == 10000);
    td_space_values(config->space, 12345678, values);
    assert_true(values[0] == 1235 && values[1] == 5679);
    td_config_free(config);
    /* 4 million with a constraint: half of them, an eighth of a byte per cell at most */
    config = load("parameters: {fast: {min: 1, max: 2000}, slow: {min: 1, max: 2000}}\nconstraints: [fast < slow]\n");
    assert_int_equal(td_space_count(config->space), 1999000);
    assert_int_equal(td_space_excluded(config->space), 2001000);
    assert_true(td_space_bytes(config->space) < 300000);
    /* trials of row fast begin after those of all rows before */
    for (int fast = 1; fast < 2000; fast += 37) {
        int64_t before = 0;
        for (int i = 1; i < fast; i++) before += 2000 - i;
        td_space_values(config->space, before, values);
        assert_true(values[0] == fast && values[1] == fast + 1);
    }
    td_config_free(config);
    refuse("more than 2^53 cells",
           "parameters: {fast: {min: 1, max: 10000000}, slow: {min: 1, max: 10000000}, cash: {min: 1, max: 1000}}\n");
    refuse("use method random",
           "parameters: {fast: {min: 1, max: 1000000}, slow: {min: 1, max: 1000000}}\nconstraints: [fast < slow]\n");
}

static void run_cap_keeps_the_first(void **state) {
    (void)state;
    td_config *all = load("parameters: {fast: {min: 1, max: 9}, slow: {min: 1, max: 9}}\nconstraints: [fast < slow]\n");
    td_config *some = load("parameters: {fast: {min: 1, max: 9}, slow: {min: 1, max: 9}}\nconstraints: [fast < slow]\n"
                           "run_cap: 5\n");
    assert_int_equal(td_space_count(all->space), 36);
    assert_int_equal(td_space_count(some->space), 5);
    for (int64_t t = 0; t < 5; t++) {
        double a[2], b[2];
        td_space_values(all->space, t, a);
        td_space_values(some->space, t, b);
        assert_memory_equal(a, b, sizeof a);
    }
    assert_string_not_equal(all->digest, some->digest);
    td_config_free(all);
    td_config_free(some);
}

static void lists(void **state) {
    (void)state;
    td_config *config = load("list: [{slow: 20, fast: 5}, {fast: 7, slow: 3}, {fast: 9, slow: 30}]\nconstraints: [fast < slow]\n"
                             "parameters: {commission: 0.01}\n");
    const td_space *space = config->space;
    assert_int_equal(td_space_method(space), TD_METHOD_LIST);
    assert_int_equal(td_space_count(space), 2);
    assert_int_equal(td_space_excluded(space), 1);
    double values[2];
    td_space_values(space, 1, values);
    assert_true(values[axis_of(space, "fast")] == 9 && values[axis_of(space, "slow")] == 30);
    td_set set;
    td_space_set(space, 0, &set);
    assert_true(set.param[0] == 5 && set.param[1] == 20 && set.knob[TD_KNOB_commission] == 0.01);
    /* the same as CSV inside the configuration and as a file beside it; blank lines, blanks, quotes, CRLF and a BOM do not count */
    td_config *inside = load("list: |\n  slow,fast\n  20,5\n  3,7\n\n  30 , 9\nconstraints: [fast < slow]\n"
                             "parameters: {commission: 0.01}\n");
    td_test_write(td_test_path("rows.csv"), "\xEF\xBB\xBF\"slow\",fast\r\n20,5\r\n3,7\r\n30,9");
    const char *path = td_test_path("beside.yaml");
    td_test_write(path, "tape: t.h5\nstrategy: sma-cross\nmethod: list\nlist: rows.csv\nconstraints: [fast < slow]\n"
                        "parameters: {commission: 0.01}\n");
    td_config *beside;
    td_error error;
    assert_ok(td_config_load(path, NULL, 0, stderr, &beside, &error));
    /* the digest is of the rows in axis order */
    assert_string_equal(inside->digest, config->digest);
    assert_string_equal(beside->digest, config->digest);
    assert_int_equal(td_space_count(beside->space), 2);
    td_config_free(config);
    td_config_free(inside);
    td_config_free(beside);

    refuse("row 3 of the list repeats row 1", "list: [{fast: 5, slow: 20}, {fast: 5, slow: 21}, {slow: 20, fast: 5}]\n");
    refuse("this row lacks 'slow'", "list: [{fast: 5, slow: 20}, {fast: 5}]\n");
    refuse("'fsat' is not in the first row", "list: [{fast: 5}, {fast: 6, fsat: 6}]\n");
    refuse("did you mean 'fast'?", "list: [{fsat: 5}]\n");
    refuse("fast is 5.5, must be a whole number", "list: [{fast: 5.5}]\n");
    refuse("fast must be a number, found 'x'", "list: [{fast: x}]\n");
    refuse("a row of the list must be a mapping", "list: [5]\n");
    refuse("the list has no rows", "list: []\n");
    refuse("the list has no rows", "list: |\n  fast,slow\n\n");
    refuse("line 3 of the list has 1 field, expected 2", "list: |\n  fast,slow\n  1,2\n  3\n");
    refuse("line 2 of the list has more than 2 fields", "list: |\n  fast,slow\n  1,2,3\n");
    refuse("line 2 of the list: slow must be a number, found 'x'", "list: |\n  fast,slow\n  1,x\n");
    refuse("column 1 of the list has no name", "list: |\n  ,fast\n  0,5\n");
    refuse("'fast' is named twice", "list: [{fast: 5}]\nparameters: {fast: 3}\n");
    refuse("with method list only constants", "list: [{fast: 5}]\nparameters: {slow: {values: [20, 30]}}\n");
    refuse("cannot be opened", "list: nowhere.csv\n");
    refuse("method list needs the key 'list'", "method: list\n");
    refuse("list goes with method list", "method: grid\nlist: [{fast: 5}]\n");
    refuse("exclude all 1 rows", "list: [{fast: 50}]\nconstraints: [fast < slow]\n");
}

static void draws_depend_on_seed_and_trial_only(void **state) {
    (void)state;
    static const char *const lines = "method: random\nrun_cap: %d\nseed: %d\nparameters:\n  fast: {min: 2, max: 100}\n"
                                     "  slow: {min: 2, max: 100}\n  commission: {min: 0.0, max: 0.01}\n"
                                     "constraints: [fast < slow]\n";
    char text[2][1024];
    snprintf(text[0], sizeof text[0], lines, 1000, 5);
    snprintf(text[1], sizeof text[1], lines, 500, 5);
    td_config *a = load("%s", text[0]), *b = load("%s", text[1]);
    snprintf(text[0], sizeof text[0], lines, 1000, 6);
    td_config *other = load("%s", text[0]);
    assert_int_equal(td_space_count(a->space), 1000);
    int same = 0, low_half = 0;
    for (int64_t i = 0; i < 500; i++) {
        /* backwards in one, forwards in the other */
        double x[3], y[3], z[3];
        td_space_values(a->space, 499 - i, x);
        td_space_values(b->space, 499 - i, y);
        td_space_values(other->space, 499 - i, z);
        assert_memory_equal(x, y, sizeof x);
        same += memcmp(x, z, sizeof x) == 0;
        assert_true(x[0] >= 0 && x[0] <= 0.01);
        assert_true(x[1] < x[2] && x[1] >= 2 && x[2] <= 100);
        assert_true(x[1] == floor(x[1]) && x[2] == floor(x[2]));
        low_half += x[0] < 0.005;
    }
    assert_int_equal(same, 0);
    assert_in_range(low_half, 200, 300);
    td_config_free(a);
    td_config_free(b);
    td_config_free(other);
    refuse("the constraints and bounds exclude all of 1000 draws",
           "method: random\nrun_cap: 10\nparameters: {fast: {min: 5, max: 9}}\nconstraints: [fast > 9]\n");
    refuse("exclude all", "method: random\nrun_cap: 10\nparameters: {commission: {distribution: normal, mu: 50}}\n");
    refuse("needs run_cap", "method: random\nparameters: {fast: {min: 5, max: 9}}\n");
    refuse("nothing to draw", "method: random\nrun_cap: 10\nparameters: {fast: 5}\n");
}

/* Draws of one axis against the distribution function: the largest distance (Kolmogorov-Smirnov) over 4000 draws is below
 * 1.63 / sqrt(n) with probability 0.99; the draws are fixed, so it holds or it does not. */
static double log_uniform(double x) { return log(x / 1e-3) / log(0.4 / 1e-3); }
static double uniform(double x) { return x / 0.4; }
static double beta(double x) { return gsl_cdf_beta_P(x, 2, 5) / gsl_cdf_beta_P(0.5, 2, 5); }
static double normal(double x) {
    double low = gsl_cdf_ugaussian_P((0 - 0.2) / 0.1), high = gsl_cdf_ugaussian_P((0.5 - 0.2) / 0.1);
    return (gsl_cdf_ugaussian_P((x - 0.2) / 0.1) - low) / (high - low);
}
static double log_normal(double x) { return gsl_cdf_lognormal_P(x, -3, 0.5) / gsl_cdf_lognormal_P(0.5, -3, 0.5); }

static void distributions(void **state) {
    (void)state;
    static const struct {
        const char *spec;
        double (*below)(double);
    } cases[] = {
        {"{min: 0.0, max: 0.4}", uniform},
        {"{distribution: log_uniform_values, min: 1e-3, max: 0.4}", log_uniform},
        {"{distribution: inv_log_uniform_values, min: 1e-3, max: 0.4}", log_uniform},
        {"{distribution: beta, a: 2, b: 5}", beta}, /* beyond 0.5 is drawn again: spread allows no more */
        {"{distribution: normal, mu: 0.2, sigma: 0.1}", normal},
        {"{distribution: log_normal, mu: -3, sigma: 0.5}", log_normal},
    };
    enum { N = 4000 };
    static double draws[N];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        td_config *config = load("method: random\nrun_cap: %d\nparameters: {spread: %s}\n", N, cases[i].spec);
        for (int64_t t = 0; t < N; t++) td_space_values(config->space, t, &draws[t]);
        qsort(draws, N, sizeof *draws, td_compare_doubles);
        double worst = 0;
        for (int t = 0; t < N; t++) {
            double p = cases[i].below(draws[t]);
            worst = fmax(worst, fmax(p - (double)t / N, (double)(t + 1) / N - p));
        }
        if (!(worst < 1.63 / sqrt(N))) fail_msg("%s: distance %g", cases[i].spec, worst);
        assert_true(draws[0] >= 0 && draws[N - 1] <= 0.5);
        td_config_free(config);
    }
}

static void rounded_and_weighted_draws(void **state) {
    (void)state;
    enum { N = 4000 };
    static const struct {
        const char *spec;
        double q, low, high;
        int distinct;
    } cases[] = {
        {"{distribution: q_uniform, min: 0.05, max: 0.45, q: 0.1}", 0, 0.05, 0.45, 5},
        {"{distribution: q_log_uniform_values, min: 0.01, max: 0.45, q: 0.1}", 0.1, 0.1, 0.4, 4},
        {"{distribution: q_normal, mu: 0.2, sigma: 0.1, q: 0.1}", 0.1, 0, 0.5, 6},
        {"{distribution: q_log_normal, mu: -2, q: 0.1}", 0.1, 0, 0.5, 6},
        {"{distribution: q_beta, a: 2, b: 5, q: 0.1}", 0.1, 0, 0.5, 6},
        {"{values: [0.3, 0.1, 0.2], probabilities: [0.5, 0.25, 0.25]}", 0.1, 0.1, 0.3, 3},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        td_config *config = load("method: random\nrun_cap: %d\nparameters: {spread: %s}\n", N, cases[i].spec);
        double seen[16];
        int distinct = 0, of_03 = 0;
        for (int64_t t = 0; t < N; t++) {
            double x;
            td_space_values(config->space, t, &x);
            assert_true(x >= cases[i].low && x <= cases[i].high);
            /* a multiple of q as its decimal, not 0.30000000000000004 */
            char text[32];
            snprintf(text, sizeof text, "%.2f", x);
            assert_true(x == strtod(text, NULL));
            of_03 += x == 0.3;
            int k = 0;
            while (k < distinct && seen[k] != x) k++;
            assert_true(k < 16);
            if (k == distinct) seen[distinct++] = x;
        }
        if (distinct != cases[i].distinct) fail_msg("%s: %d distinct values", cases[i].spec, distinct);
        if (i == 5) assert_in_range(of_03, 1900, 2100);
        td_config_free(config);
    }
    /* whole parameters: continuous draws are rounded */
    td_config *config = load("method: random\nrun_cap: 200\nparameters: {fast: {min: 5.0, max: 7.0}}\n");
    for (int64_t t = 0; t < 200; t++) {
        double x;
        td_space_values(config->space, t, &x);
        assert_true(x == 5 || x == 6 || x == 7);
    }
    td_config_free(config);
}

static void beta_quantile_inverts_gsl(void **state) {
    (void)state;
    static const double shapes[] = {0.001, 0.05, 0.5, 1, 1.5, 2, 7, 40, 300, 10000};
    for (size_t i = 0; i < 10; i++) {
        for (size_t j = 0; j < 10; j++) {
            for (int k = 1; k < 20; k++) {
                double p = k / 20.0, x = td_beta_quantile(p, shapes[i], shapes[j]);
                assert_true(x >= 0 && x <= 1);
                /* where the distribution function is steep a last bit of x is many of p: step x by 1e-9 instead */
                double low = x > 1e-9 ? gsl_cdf_beta_P(x - 1e-9, shapes[i], shapes[j]) : 0;
                double high = x < 1 - 1e-9 ? gsl_cdf_beta_P(x + 1e-9, shapes[i], shapes[j]) : 1;
                if (!(low <= p + 1e-9 && high >= p - 1e-9))
                    fail_msg("beta(%g, %g) at %g: %.17g has %.17g to %.17g", shapes[i], shapes[j], p, x, low, high);
            }
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_axes_is_one_trial), cmocka_unit_test(forms_of_values), cmocka_unit_test(steps_do_not_drift),
        cmocka_unit_test(grid_is_the_product), cmocka_unit_test(index_around_its_blocks),
        cmocka_unit_test(large_grids_are_not_stored), cmocka_unit_test(run_cap_keeps_the_first), cmocka_unit_test(lists),
        cmocka_unit_test(draws_depend_on_seed_and_trial_only), cmocka_unit_test(distributions),
        cmocka_unit_test(rounded_and_weighted_draws), cmocka_unit_test(beta_quantile_inverts_gsl),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
