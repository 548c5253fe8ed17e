/* From text to td_config: parse, put --set values in, match keys with the schema, read what each means, check what can be checked
 * without the tape, make the search space, write the canonical form.
 *
 * Nothing stops at the first error: every step reports what it finds and goes on with defaults, and a configuration comes out
 * only when nothing was reported. */
#include "sweeps/config.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <float.h>
#include <jansson.h>
#include <math.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/math.h"
#include "sweeps/diagnostics.h"
#include "sweeps/schema.h"
#include "sweeps/yaml.h"

enum { FILE_BYTES_MAX = 256 << 20, EXPLICIT_VALUES_MAX = 10000 };

/* What one key of the schema was given. */
typedef struct setting {
    const td_node *key, *node; /* NULL: not given */
    bool given;                /* and readable */
    double number;
    int64_t integer;
    int word;
} setting;

/* What values a name may take. */
typedef struct bounds {
    const char *name;
    double low, high;
    bool whole;
} bounds;

typedef struct loader {
    td_diagnostics *diagnostics;
    td_tree *tree;
    const char *path;
    td_node *root;
    setting settings[TD_KEY_COUNT];
    td_config *config;
    td_space_def space;
    bool seen[TD_KNOB_COUNT + TD_PARAMS_MAX];              /* named under parameters or in the list */
    const td_node *seen_at[TD_KNOB_COUNT + TD_PARAMS_MAX];
    bool fixed_lot; /* lot was decided by account.units */
} loader;

#define COMPLAIN(l, place, ...) td_diagnose((l)->diagnostics, TD_SEVERITY_ERROR, (place), __VA_ARGS__)
static const td_place nowhere = {-1, 0, 0};

/* What a node is, in words for messages. */
static const char *found(const td_node *node, char *text, size_t room) {
    if (node->kind != TD_NODE_SCALAR)
        snprintf(text, room, "a %s", node->kind == TD_NODE_LIST ? "list" : "mapping");
    else if (td_node_is_null(node))
        snprintf(text, room, "nothing");
    else
        snprintf(text, room, "%s'%.40s'%s", node->quoted ? "the text " : "", node->text, strlen(node->text) > 40 ? "..." : "");
    return text;
}

static const char *plain(double x, char *text) {
    td_write_number(x, text);
    return text;
}

/* --- names to choose from --- */

static const char *nth_key_of_group(void *context, int index) {
    for (int key = 0; key < TD_KEY_COUNT; key++)
        if (td_key_in_group((td_key)key, context) && index-- == 0) return td_key_leaf((td_key)key);
    return NULL;
}

static const char *nth_strategy(void *context, int index) {
    (void)context;
    return index < td_strategy_count() ? td_strategy_name(td_strategy_at(index)) : NULL;
}

static const char *nth_metric(void *context, int index) {
    (void)context;
    return index < TD_METRIC_COUNT ? td_metric_infos[index].name : NULL;
}

/* The strategy's parameters, then the knobs by name, then by path. context: the strategy or NULL. */
static const char *nth_name(void *context, int index) {
    int params = context ? td_strategy_param_count(context) : 0;
    if (index < params) return td_strategy_param(context, index)->name;
    index -= params;
    if (index < TD_KNOB_COUNT) return td_knob_infos[index].name;
    index -= TD_KNOB_COUNT;
    return index < TD_KNOB_COUNT ? td_knob_infos[index].path : NULL;
}

static const char *nth_distribution(void *context, int index) {
    (void)context;
    return index < TD_DISTRIBUTION_COUNT ? td_distribution_infos[index].name : NULL;
}

static const char *nth_word(void *context, int index) {
    static _Thread_local char words[16][32];
    return index < 16 ? td_word_at(context, index, words[index]) : NULL;
}

/* "a, b, c" of a list of candidates, and "; did you mean 'x'?" when one is near. */
static void list_names(const char *(*candidate)(void *, int), void *context, char *text, size_t room) {
    size_t used = 0;
    text[0] = 0;
    for (int i = 0; candidate(context, i) && used < room; i++)
        used += (size_t)snprintf(text + used, room - used, "%s%s", i ? ", " : "", candidate(context, i));
}

static void suggest(const char *word, const char *(*candidate)(void *, int), void *context, char *text, size_t room) {
    const char *nearest = td_nearest(word, candidate, context);
    text[0] = 0;
    if (nearest) snprintf(text, room, "; did you mean '%s'?", nearest);
}

/* --- reading scalars --- */

static bool read_number(loader *l, const td_node *node, const char *what, double *x) {
    char text[64];
    if (node->kind == TD_NODE_SCALAR && !node->quoted && td_read_number(node->text, x)) return true;
    COMPLAIN(l, node->place, "%s must be a number, found %s", what, found(node, text, sizeof text));
    return false;
}

static bool check_range(loader *l, td_place place, const char *what, double x, double low, double high) {
    char text[3][32];
    if (x >= low && x <= high) return true;
    COMPLAIN(l, place, "%s is %s, must be between %s and %s", what, plain(x, text[0]), plain(low, text[1]), plain(high, text[2]));
    return false;
}

/* A number that a parameter or knob may take. */
static bool check_bounded(loader *l, td_place place, const bounds *of, double x) {
    char text[32];
    if (!of->whole || x == floor(x)) return check_range(l, place, of->name, x, of->low, of->high);
    COMPLAIN(l, place, "%s is %s, must be a whole number", of->name, plain(x, text));
    return false;
}

static bool read_bounded(loader *l, const td_node *node, const bounds *of, double *x) {
    return read_number(l, node, of->name, x) && check_bounded(l, node->place, of, *x);
}

static bool read_word(loader *l, const td_node *node, const char *what, const char *words, int *word) {
    char text[64], list[256], near[64] = "";
    *word = node->kind == TD_NODE_SCALAR ? td_word_find(words, node->text) : -1;
    if (*word >= 0) return true;
    list_names(nth_word, (void *)words, list, sizeof list);
    if (node->kind == TD_NODE_SCALAR) suggest(node->text, nth_word, (void *)words, near, sizeof near);
    COMPLAIN(l, node->place, "%s must be one of %s, found %s%s", what, list, found(node, text, sizeof text), near);
    return false;
}

static bool read_integer(loader *l, const td_node *node, const char *what, double low, double high, int64_t *value) {
    char text[64];
    double x;
    if (node->kind != TD_NODE_SCALAR || node->quoted || !td_reads_integer(node->text) || !td_read_number(node->text, &x)) {
        COMPLAIN(l, node->place, "%s must be a whole number, found %s", what, found(node, text, sizeof text));
        return false;
    }
    if (!check_range(l, node->place, what, x, low, high)) return false;
    *value = (int64_t)x;
    return true;
}

static bool is_plain_word(const td_node *node, const char *word) {
    return node->kind == TD_NODE_SCALAR && strcmp(node->text, word) == 0;
}

/* --- matching keys with the schema --- */

static void walk_group(loader *l, const td_node *map, const char *group);

static void read_setting(loader *l, td_key key, const td_node *name, const td_node *node) {
    const td_key_info *info = &td_key_infos[key];
    setting *s = &l->settings[key];
    char text[64], near[64];
    s->key = name;
    s->node = node;
    /* a group with nothing in it is an empty group */
    if ((info->type == TD_TYPE_GROUP || info->type == TD_TYPE_PARAMETERS || info->type == TD_TYPE_CONSTRAINTS) && td_node_is_null(node))
        return;
    switch (info->type) {
    case TD_TYPE_GROUP:
        if (node->kind == TD_NODE_MAP)
            walk_group(l, node, info->path);
        else
            COMPLAIN(l, node->place, "%s must be a mapping, found %s", info->path, found(node, text, sizeof text));
        return;
    case TD_TYPE_TEXT:
        s->given = node->kind == TD_NODE_SCALAR && !td_node_is_null(node);
        if (!s->given) COMPLAIN(l, node->place, "%s must be a text, found %s", info->path, found(node, text, sizeof text));
        return;
    case TD_TYPE_CHOICE:
        s->given = read_word(l, node, info->path, info->words, &s->word);
        return;
    case TD_TYPE_BOOL:
        s->word = is_plain_word(node, "true") && !node->quoted;
        s->given = s->word || (is_plain_word(node, "false") && !node->quoted);
        if (!s->given) COMPLAIN(l, node->place, "%s must be true or false, found %s", info->path, found(node, text, sizeof text));
        return;
    case TD_TYPE_INTEGER:
        s->given = read_integer(l, node, info->path, info->minimum, info->maximum, &s->integer);
        return;
    case TD_TYPE_NUMBER:
        s->given = read_number(l, node, info->path, &s->number) &&
                   check_range(l, node->place, info->path, s->number, info->minimum, info->maximum);
        return;
    case TD_TYPE_KNOB: {
        const td_knob_info *knob = &td_knob_infos[td_key_knob(key)];
        bounds of = {info->path, knob->minimum, knob->maximum, false};
        s->given = read_bounded(l, node, &of, &s->number);
        return;
    }
    case TD_TYPE_BYTES:
        if (is_plain_word(node, "none")) return;
        s->given = node->kind == TD_NODE_SCALAR && td_read_bytes(node->text, &s->integer);
        if (!s->given)
            COMPLAIN(l, node->place, "%s must be a size such as 2GB or 512MiB, or none, found %s", info->path, found(node, text, sizeof text));
        return;
    case TD_TYPE_DURATION:
        if (is_plain_word(node, "none")) return;
        s->given = node->kind == TD_NODE_SCALAR && td_read_duration(node->text, &s->number);
        if (!s->given)
            COMPLAIN(l, node->place, "%s must be a duration such as 90s, 30m or 1h30m, or none, found %s", info->path,
                     found(node, text, sizeof text));
        return;
    case TD_TYPE_DATE:
        s->given = node->kind == TD_NODE_SCALAR && td_read_date(node->text, &s->integer);
        if (!s->given)
            COMPLAIN(l, node->place, "%s must be a date such as 2024-03-01 or 2024-03-01T12:30:00Z (UTC, 1678 to 2261), found %s", info->path,
                     found(node, text, sizeof text));
        return;
    case TD_TYPE_STRATEGY:
        if (node->kind != TD_NODE_SCALAR || td_node_is_null(node)) {
            COMPLAIN(l, node->place, "strategy must be a name, found %s", found(node, text, sizeof text));
            return;
        }
        l->config->play.strategy = td_strategy_find(node->text);
        s->given = l->config->play.strategy != NULL;
        if (!s->given) {
            char names[512];
            list_names(nth_strategy, NULL, names, sizeof names);
            suggest(node->text, nth_strategy, NULL, near, sizeof near);
            COMPLAIN(l, node->place, "unknown strategy '%.40s'; there are %s%s", node->text, names, near);
        }
        return;
    case TD_TYPE_METRIC:
        s->word = node->kind == TD_NODE_SCALAR ? td_metric_find(node->text) : -1;
        s->given = s->word >= 0;
        if (!s->given) {
            near[0] = 0;
            if (node->kind == TD_NODE_SCALAR) suggest(node->text, nth_metric, NULL, near, sizeof near);
            COMPLAIN(l, node->place, "unknown metric %s%s%s", found(node, text, sizeof text), near,
                     *near ? "" : "; docs/metrics.md lists them (sharpe, sortino, total_return, max_drawdown, ...)");
        }
        return;
    case TD_TYPE_UNITS:
        if (node->kind == TD_NODE_MAP) {
            walk_group(l, node, info->path);
            return;
        }
        s->given = read_word(l, node, info->path, info->words, &s->word);
        return;
    case TD_TYPE_SAMPLE:
        s->word = node->kind == TD_NODE_SCALAR ? td_word_find(info->words, node->text) : -1;
        if (s->word >= 0) {
            s->given = true;
        } else if (node->kind == TD_NODE_SCALAR && !node->quoted && td_reads_integer(node->text)) {
            s->given = read_integer(l, node, info->path, info->minimum, info->maximum, &s->integer);
        } else {
            near[0] = 0;
            if (node->kind == TD_NODE_SCALAR) suggest(node->text, nth_word, (void *)info->words, near, sizeof near);
            COMPLAIN(l, node->place, "%s must be day, bar or a number of bars, found %s%s", info->path, found(node, text, sizeof text), near);
        }
        return;
    case TD_TYPE_PARAMETERS:
        s->given = node->kind == TD_NODE_MAP;
        if (!s->given) COMPLAIN(l, node->place, "%s must be a mapping of names, found %s", info->path, found(node, text, sizeof text));
        return;
    case TD_TYPE_CONSTRAINTS:
        s->given = node->kind == TD_NODE_LIST;
        if (!s->given)
            COMPLAIN(l, node->place, "%s must be a list such as [\"fast < slow\"], found %s", info->path, found(node, text, sizeof text));
        return;
    case TD_TYPE_LIST:
        s->given = node->kind == TD_NODE_LIST || (node->kind == TD_NODE_SCALAR && !td_node_is_null(node));
        if (!s->given)
            COMPLAIN(l, node->place, "%s must be a list of mappings or the path of a CSV file, found %s", info->path,
                     found(node, text, sizeof text));
        return;
    case TD_TYPE_IGNORED:
        s->given = true;
        return;
    }
}

/* An unknown key: where it belongs, or the nearest one in its group, or what there is. */
static void complain_unknown(loader *l, const td_node *key, const char *group) {
    char hint[1152] = "";
    const td_strategy *strategy = l->config->play.strategy;
    int param = -1;
    if (strategy) td_space_value_index(strategy, key->text, &param, NULL);
    for (int i = 0; i < TD_KEY_COUNT && !*hint; i++)
        if (strcmp(td_key_leaf((td_key)i), key->text) == 0)
            snprintf(hint, sizeof hint, "; did you mean '%s'%s?", td_key_infos[i].path, *group && td_key_in_group((td_key)i, "") ? " at the top level" : "");
    if (!*hint && param >= 0) snprintf(hint, sizeof hint, "; did you mean 'parameters.%s'?", key->text);
    if (!*hint) suggest(key->text, nth_key_of_group, (void *)group, hint, sizeof hint);
    if (!*hint) {
        int used = snprintf(hint, sizeof hint, "; there are ");
        list_names(nth_key_of_group, (void *)group, hint + used, sizeof hint - (size_t)used);
    }
    COMPLAIN(l, key->place, "unknown key '%.60s'%s%s%s", key->text, *group ? " in " : "", group, hint);
}

static void walk_group(loader *l, const td_node *map, const char *group) {
    for (int i = 0; i < map->count; i++) {
        int key = 0;
        while (key < TD_KEY_COUNT &&
               !(td_key_in_group((td_key)key, group) && strcmp(td_key_leaf((td_key)key), map->keys[i]->text) == 0))
            key++;
        if (key == TD_KEY_COUNT)
            complain_unknown(l, map->keys[i], group);
        else if (!l->settings[key].key) /* a repeated key was reported by the parser */
            read_setting(l, (td_key)key, map->keys[i], map->values[i]);
    }
}

/* --- parameters --- */

#define SPEC_KEYS "value values probabilities min max q mu sigma a b distribution range log parameters"
enum { SPEC_VALUE, SPEC_VALUES, SPEC_PROBABILITIES, SPEC_MIN, SPEC_MAX, SPEC_Q, SPEC_MU, SPEC_SIGMA, SPEC_A, SPEC_B,
       SPEC_DISTRIBUTION, SPEC_RANGE, SPEC_LOG, SPEC_PARAMETERS, SPEC_COUNT };

static bool is_group(const td_node *spec) { return spec->kind == TD_NODE_MAP && td_node_find(spec, "parameters") >= 0; }

static int compare_doubles(const void *left, const void *right) {
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

/* A list of numbers; values is malloc'ed. At least one. */
static bool read_numbers(loader *l, const td_node *node, const bounds *of, bool distinct, double **values, int64_t *count) {
    char text[64];
    *values = NULL;
    *count = 0;
    if (node->kind != TD_NODE_LIST) {
        COMPLAIN(l, node->place, "%s must be a list of numbers, found %s", of->name, found(node, text, sizeof text));
        return false;
    }
    if (node->count == 0) {
        COMPLAIN(l, node->place, "the values of %s are an empty list; nothing to play", of->name);
        return false;
    }
    double *list = malloc((size_t)node->count * sizeof *list), *sorted = malloc((size_t)node->count * sizeof *sorted);
    bool good = list && sorted;
    if (!good) COMPLAIN(l, nowhere, "memory ran out for the values of %s", of->name);
    for (int i = 0; good && i < node->count; i++) good = read_bounded(l, node->values[i], of, &list[i]);
    if (good && distinct) {
        memcpy(sorted, list, (size_t)node->count * sizeof *sorted);
        qsort(sorted, (size_t)node->count, sizeof *sorted, compare_doubles);
        for (int i = 1; good && i < node->count; i++) {
            if (sorted[i] != sorted[i - 1]) continue;
            int second = node->count - 1;
            while (list[second] != sorted[i]) second--;
            COMPLAIN(l, node->values[second]->place, "%s has %s twice", of->name, plain(sorted[i], text));
            good = false;
        }
    }
    free(sorted);
    if (!good) {
        free(list);
        return false;
    }
    *values = list;
    *count = node->count;
    return true;
}

/* {log: [from, to, n]} */
static bool read_log(loader *l, const td_node *node, const bounds *of, td_domain *domain) {
    double from, to;
    int64_t n;
    if (node->kind != TD_NODE_LIST || node->count != 3) {
        COMPLAIN(l, node->place, "log of %s must be [from, to, how many]", of->name);
        return false;
    }
    bool good = read_bounded(l, node->values[0], of, &from);
    good = read_bounded(l, node->values[1], of, &to) && good;
    good = read_integer(l, node->values[2], "how many", 2, 1e6, &n) && good;
    if (!good) return false;
    if (!(from > 0 && from < to)) {
        COMPLAIN(l, node->place, "log of %s needs 0 < from < to", of->name);
        return false;
    }
    domain->values = malloc((size_t)n * sizeof *domain->values);
    if (!domain->values) {
        COMPLAIN(l, nowhere, "memory ran out for the values of %s", of->name);
        return false;
    }
    domain->distribution = TD_DISTRIBUTION_categorical;
    double low = td_log(from), high = td_log(to);
    for (int64_t i = 0; i < n; i++) {
        double x = i == 0 ? from : i == n - 1 ? to : td_round_digits(td_exp(low + (high - low) * (double)i / (double)(n - 1)), 12);
        if (of->whole) x = floor(x + 0.5);
        /* small whole numbers repeat when ratios are small; too many points for 12 digits do as well */
        if (domain->count == 0 || x > domain->values[domain->count - 1]) domain->values[domain->count++] = x;
    }
    return true;
}

/* Equal steps; min and max stand at their nodes for messages. */
static bool make_steps(loader *l, td_place place, const bounds *of, bool grid, double low, double high, double q, td_domain *domain) {
    char text[32];
    domain->minimum = low;
    domain->maximum = high;
    domain->q = q;
    if (!td_steps_make(low, high, q, &domain->steps)) {
        COMPLAIN(l, place, "the steps of %s need more than 15 digits between min, max and q; write fewer", of->name);
        return false;
    }
    domain->count = domain->steps.count;
    /* whole when the first value and the step are: look at the values the first two stand for */
    if (grid && of->whole) {
        for (int64_t i = 0; i < domain->count && i < 2; i++) {
            double x = td_steps_at(&domain->steps, i);
            if (x == floor(x)) continue;
            COMPLAIN(l, place, "the steps of %s give %s, it takes whole numbers", of->name, plain(x, text));
            return false;
        }
    }
    return true;
}

static bool read_range(loader *l, const td_node *node, const bounds *of, bool grid, td_domain *domain) {
    double low, high, step;
    if (node->kind != TD_NODE_LIST || node->count != 3) {
        COMPLAIN(l, node->place, "range of %s must be [from, to, step]", of->name);
        return false;
    }
    bool good = read_bounded(l, node->values[0], of, &low);
    good = read_bounded(l, node->values[1], of, &high) && good;
    good = read_number(l, node->values[2], "step", &step) && good;
    if (!good) return false;
    if (low > high) {
        COMPLAIN(l, node->place, "range of %s is empty: it begins above its end", of->name);
        return false;
    }
    if (!(step > 0)) {
        COMPLAIN(l, node->values[2]->place, "step of %s must be above 0", of->name);
        return false;
    }
    domain->distribution = TD_DISTRIBUTION_q_uniform;
    return make_steps(l, node->place, of, grid, low, high, step, domain);
}

static bool takes_key(const char *keys, const char *key, bool *optional) {
    char each[32], with_mark[32];
    snprintf(with_mark, sizeof with_mark, "%s?", key);
    for (int i = 0; td_word_at(keys, i, each); i++) {
        *optional = strcmp(each, with_mark) == 0;
        if (*optional || strcmp(each, key) == 0) return true;
    }
    return false;
}

/* The distribution of a spec, by name or by its keys; -1 after a complaint. */
static int distribution_of(loader *l, const td_node *spec, td_node *const *at, const char *name) {
    const td_node *named = at[SPEC_DISTRIBUTION];
    if (named) {
        char text[64], near[64] = "", names[512];
        for (int i = 0; named->kind == TD_NODE_SCALAR && i < TD_DISTRIBUTION_COUNT; i++)
            if (strcmp(td_distribution_infos[i].name, named->text) == 0) return i;
        static const char *const deprecated[] = {"log_uniform", "q_log_uniform", "inv_log_uniform"};
        for (size_t i = 0; i < sizeof deprecated / sizeof *deprecated; i++) {
            if (!is_plain_word(named, deprecated[i])) continue;
            COMPLAIN(l, named->place, "'%s' takes exponents and is deprecated; use '%s_values' with min and max as values", named->text,
                     named->text);
            return -1;
        }
        list_names(nth_distribution, NULL, names, sizeof names);
        if (named->kind == TD_NODE_SCALAR) suggest(named->text, nth_distribution, NULL, near, sizeof near);
        COMPLAIN(l, named->place, "unknown distribution %s; there are %s%s", found(named, text, sizeof text), names, near);
        return -1;
    }
    if (at[SPEC_VALUE]) return TD_DISTRIBUTION_constant;
    if (at[SPEC_VALUES]) return at[SPEC_PROBABILITIES] ? TD_DISTRIBUTION_categorical_w_probabilities : TD_DISTRIBUTION_categorical;
    if (at[SPEC_MIN] && at[SPEC_MAX]) {
        if (at[SPEC_Q]) return TD_DISTRIBUTION_q_uniform;
        bool integers = at[SPEC_MIN]->kind == TD_NODE_SCALAR && td_reads_integer(at[SPEC_MIN]->text) &&
                        at[SPEC_MAX]->kind == TD_NODE_SCALAR && td_reads_integer(at[SPEC_MAX]->text);
        return integers ? TD_DISTRIBUTION_int_uniform : TD_DISTRIBUTION_uniform;
    }
    if (at[SPEC_MIN] || at[SPEC_MAX]) {
        COMPLAIN(l, spec->place, "%s has min or max but not both", name);
        return -1;
    }
    COMPLAIN(l, spec->place, "%s says neither value, values, min and max, range, log nor distribution", name);
    return -1;
}

static bool read_probabilities(loader *l, const td_node *node, const bounds *of, td_domain *domain) {
    bounds share = {"a probability", 0, 1, false};
    char text[32];
    int64_t count;
    if (!read_numbers(l, node, &share, false, &domain->cumulative, &count)) return false;
    if (count != domain->count) {
        COMPLAIN(l, node->place, "%s has %lld values but %lld probabilities", of->name, (long long)domain->count, (long long)count);
        return false;
    }
    double sum = 0;
    for (int64_t i = 0; i < count; i++) domain->cumulative[i] = sum += domain->cumulative[i];
    if (fabs(sum - 1) > 1e-9) {
        COMPLAIN(l, node->place, "the probabilities of %s add up to %s, must be 1", of->name, plain(sum, text));
        return false;
    }
    return true;
}

/* One entry of `parameters`: a constant (domain->count 0 and distribution constant, the value in minimum) or an axis. */
static bool read_domain(loader *l, const td_node *spec, const bounds *of, td_method method, td_domain *domain) {
    char text[64], near[64], key[32];
    *domain = (td_domain){.whole = of->whole, .sigma = 1, .a = 1, .b = 1};
    if (spec->kind == TD_NODE_SCALAR) {
        domain->distribution = TD_DISTRIBUTION_constant;
        return read_bounded(l, spec, of, &domain->minimum);
    }
    if (spec->kind == TD_NODE_LIST) {
        COMPLAIN(l, spec->place, "%s must be a number or a mapping such as {values: [5, 10]}, found a list", of->name);
        return false;
    }
    /* sort the keys into their places */
    td_node *at[SPEC_COUNT] = {0};
    bool good = true;
    for (int i = 0; i < spec->count; i++) {
        int index = td_word_find(SPEC_KEYS, spec->keys[i]->text);
        if (index >= 0 && index != SPEC_PARAMETERS) {
            at[index] = spec->values[i];
            continue;
        }
        suggest(spec->keys[i]->text, nth_word, SPEC_KEYS, near, sizeof near);
        COMPLAIN(l, spec->keys[i]->place, "unknown key '%.60s' in %s%s", spec->keys[i]->text, of->name, *near ? near : "; there are " SPEC_KEYS);
        good = false;
    }
    if (!good) return false;
    bool grid = method != TD_METHOD_RANDOM;
    if (at[SPEC_RANGE] || at[SPEC_LOG]) {
        if (spec->count > 1) {
            COMPLAIN(l, spec->place, "%s: range or log stands alone, without other keys", of->name);
            return false;
        }
        return at[SPEC_RANGE] ? read_range(l, at[SPEC_RANGE], of, grid, domain) : read_log(l, at[SPEC_LOG], of, domain);
    }
    int chosen = distribution_of(l, spec, at, of->name);
    if (chosen < 0) return false;
    const td_distribution_info *info = &td_distribution_infos[chosen];
    domain->distribution = (td_distribution)chosen;
    for (int i = 0; i < SPEC_DISTRIBUTION; i++) {
        bool optional = false, takes = takes_key(info->keys, td_word_at(SPEC_KEYS, i, key), &optional);
        if (at[i] && !takes) {
            COMPLAIN(l, at[i]->place, "%s: '%s' does not go with distribution %s, which takes %s", of->name, key, info->name, info->keys);
            good = false;
        } else if (!at[i] && takes && !optional) {
            COMPLAIN(l, spec->place, "%s: distribution %s needs '%s'", of->name, info->name, key);
            good = false;
        }
    }
    if (!good) return false;
    if (grid && !info->grid) {
        const char *hint = chosen == TD_DISTRIBUTION_uniform && of->whole ? " (whole numbers in min and max make an int_uniform)"
                           : chosen == TD_DISTRIBUTION_uniform            ? " (q makes it a q_uniform)"
                                                                          : "";
        COMPLAIN(l, spec->place, "%s: distribution %s has no list of values%s; a grid takes values, int_uniform, q_uniform, range or log",
                 of->name, info->name, hint);
        return false;
    }
    /* the numbers */
    if (chosen == TD_DISTRIBUTION_constant) return read_bounded(l, at[SPEC_VALUE], of, &domain->minimum);
    if (at[SPEC_VALUES]) {
        if (!read_numbers(l, at[SPEC_VALUES], of, true, &domain->values, &domain->count)) return false;
        return !at[SPEC_PROBABILITIES] || read_probabilities(l, at[SPEC_PROBABILITIES], of, domain);
    }
    bool stepped = chosen == TD_DISTRIBUTION_q_uniform || chosen == TD_DISTRIBUTION_int_uniform;
    bounds bound = *of;
    /* a random draw is rounded, so its bounds need not be whole; those of steps are looked at in make_steps() */
    bound.whole = false;
    if (at[SPEC_MIN]) good = read_bounded(l, at[SPEC_MIN], &bound, &domain->minimum);
    if (at[SPEC_MAX]) good = read_bounded(l, at[SPEC_MAX], &bound, &domain->maximum) && good;
    if (good && at[SPEC_MIN] && !(domain->minimum < domain->maximum)) {
        COMPLAIN(l, at[SPEC_MIN]->place, "%s: min must be less than max", of->name);
        good = false;
    }
    if (chosen == TD_DISTRIBUTION_int_uniform && good) {
        const td_node *wrong = domain->minimum != floor(domain->minimum) ? at[SPEC_MIN]
                               : domain->maximum != floor(domain->maximum) ? at[SPEC_MAX] : NULL;
        if (wrong) {
            COMPLAIN(l, wrong->place, "%s: int_uniform needs whole numbers, found %s", of->name, found(wrong, text, sizeof text));
            good = false;
        }
    }
    bool logarithmic = chosen == TD_DISTRIBUTION_log_uniform_values || chosen == TD_DISTRIBUTION_q_log_uniform_values ||
                       chosen == TD_DISTRIBUTION_inv_log_uniform_values;
    if (good && logarithmic && !(domain->minimum > 0)) {
        COMPLAIN(l, at[SPEC_MIN]->place, "%s: min of distribution %s must be above 0", of->name, info->name);
        good = false;
    }
    bool optional, takes_q = takes_key(info->keys, "q", &optional);
    domain->q = takes_q ? 1 : 0;
    struct {
        int key;
        double *into, low, high;
    } shapes[] = {{SPEC_Q, &domain->q, 1e-15, 1e15}, {SPEC_MU, &domain->mu, -1e15, 1e15}, {SPEC_SIGMA, &domain->sigma, 1e-15, 1e15},
                  {SPEC_A, &domain->a, 1e-3, 1e4}, {SPEC_B, &domain->b, 1e-3, 1e4}};
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        if (!at[shapes[i].key]) continue;
        td_word_at(SPEC_KEYS, shapes[i].key, key);
        bool is_good = read_number(l, at[shapes[i].key], key, shapes[i].into) &&
                       check_range(l, at[shapes[i].key]->place, key, *shapes[i].into, shapes[i].low, shapes[i].high);
        good = good && is_good;
    }
    if (!good) return false;
    if (stepped)
        return make_steps(l, spec->place, of, grid, domain->minimum, domain->maximum, chosen == TD_DISTRIBUTION_int_uniform ? 1 : domain->q,
                          domain);
    if (takes_q) {
        /* where q has too many digits for exact multiples, plain multiplication serves */
        if (!td_steps_make(0, domain->q, domain->q, &domain->steps)) domain->steps = (td_steps){0};
        if (logarithmic && !(floor(domain->maximum / domain->q) * domain->q >= domain->minimum)) {
            COMPLAIN(l, spec->place, "%s: there is no multiple of q between min and max", of->name);
            return false;
        }
    }
    return true;
}

/* Resolves a name, complains when it is unknown, repeated or also set at its key. Returns the value index or -1. */
static int claim_name(loader *l, const char *name, const td_node *at, int *param, int *knob) {
    const td_strategy *strategy = l->config->play.strategy;
    int index = td_space_value_index(strategy, name, param, knob);
    if (index < 0) {
        char near[128], names[1024];
        suggest(name, nth_name, (void *)strategy, near, sizeof near);
        size_t used = 0;
        names[0] = 0;
        for (int i = 0; i < td_strategy_param_count(strategy); i++)
            used += (size_t)snprintf(names + used, sizeof names - used, "%s%s", i ? ", " : "", td_strategy_param(strategy, i)->name);
        if (!used) snprintf(names, sizeof names, "none");
        COMPLAIN(l, at->place, "unknown parameter '%.60s'%s%s strategy %s takes %s, and the engine's numbers (commission, stop_loss, ...)", name,
                 near, *near ? "" : ";", td_strategy_name(strategy), names);
        return -1;
    }
    if (l->seen[index]) {
        COMPLAIN(l, at->place, "'%s' is named twice (also as '%s')", name, l->seen_at[index]->text);
        return -1;
    }
    l->seen[index] = true;
    l->seen_at[index] = at;
    if (*knob < 0) return index;
    for (int key = 0; key < TD_KEY_COUNT; key++) {
        bool same = td_key_infos[key].type == TD_TYPE_KNOB && td_key_knob((td_key)key) == (td_knob)*knob;
        bool units = key == TD_KEY_account_units && *knob == TD_KNOB_lot;
        const td_node *other = l->settings[key].key;
        if ((!same && !units) || !l->settings[key].given) continue;
        /* --set must not be without effect */
        if (other->place.source > at->place.source) {
            COMPLAIN(l, other->place, "%s has no effect: '%s' stands under parameters", td_key_infos[key].path, name);
            return -1;
        }
        td_diagnose(l->diagnostics, TD_SEVERITY_WARNING, at->place, "'%s' is also set by %s; what stands under parameters counts", name,
                    td_key_infos[key].path);
    }
    return index;
}

static bounds bounds_of(const loader *l, const char *name, int param, int knob) {
    if (param >= 0) {
        const td_param_info *info = td_strategy_param(l->config->play.strategy, param);
        return (bounds){name, info->minimum, info->maximum, info->kind != TD_PARAM_NUMBER};
    }
    const td_knob_info *info = &td_knob_infos[knob];
    bounds of = {name, info->minimum, info->maximum, false};
    /* size means something else by sizing */
    if (knob == TD_KNOB_size && l->config->play.sizing == TD_SIZING_FRACTION) of.high = 1;
    return of;
}

static td_axis make_axis(const loader *l, const char *name, int param, int knob) {
    bounds of = bounds_of(l, name, param, knob);
    td_axis axis = {.param = param, .knob = knob, .whole = of.whole, .minimum = of.low, .maximum = of.high};
    snprintf(axis.name, sizeof axis.name, "%s", name);
    if (knob == TD_KNOB_size && l->config->play.sizing != TD_SIZING_ALL_IN) axis.minimum = DBL_MIN;
    if (param >= 0) {
        const td_param_info *info = td_strategy_param(l->config->play.strategy, param);
        axis.unit = info->unit;
        axis.text = info->text;
    } else {
        axis.unit = td_knob_infos[knob].unit;
        axis.text = td_knob_infos[knob].text;
    }
    return axis;
}

/* The smallest value an axis can take before draws are refused. */
static double least(const td_domain *domain) {
    double x = domain->count ? td_domain_at(domain, 0) : domain->distribution >= TD_DISTRIBUTION_normal ? INFINITY : domain->minimum;
    for (int64_t i = 0; domain->values && i < domain->count; i++) x = fmin(x, domain->values[i]);
    return x;
}

static bool name_fits(loader *l, const char *name, const td_node *at) {
    if (strlen(name) < sizeof((td_axis *)0)->name) return true;
    COMPLAIN(l, at->place, "a name of more than %zu characters", sizeof((td_axis *)0)->name - 1);
    return false;
}

static void read_parameter(loader *l, const char *name, const td_node *key, const td_node *spec) {
    int param, knob;
    if (!name_fits(l, name, key)) return;
    if (!l->config->play.strategy || claim_name(l, name, key, &param, &knob) < 0) return;
    bounds of = bounds_of(l, name, param, knob);
    td_domain domain;
    if (!read_domain(l, spec, &of, l->space.method, &domain)) {
        td_domain_free(&domain);
        return;
    }
    bool constant = domain.distribution == TD_DISTRIBUTION_constant;
    if (knob == TD_KNOB_size && l->config->play.sizing != TD_SIZING_ALL_IN && (constant ? domain.minimum : least(&domain)) <= 0)
        COMPLAIN(l, spec->place, "%s must be above 0", name);
    if (constant) {
        *(param >= 0 ? &l->config->base.param[param] : &l->config->base.knob[knob]) = domain.minimum;
        return;
    }
    if (l->space.method == TD_METHOD_LIST) {
        COMPLAIN(l, spec->place, "with method list only constants stand under parameters; %s belongs into the list", name);
        td_domain_free(&domain);
        return;
    }
    if (l->space.axis_count == TD_AXES_MAX) {
        COMPLAIN(l, key->place, "more than %d swept names", TD_AXES_MAX);
        td_domain_free(&domain);
        return;
    }
    l->space.axes[l->space.axis_count] = make_axis(l, name, param, knob);
    l->space.domains[l->space.axis_count++] = domain;
}

static void read_parameters(loader *l, const td_node *map, const char *prefix) {
    for (int i = 0; i < map->count; i++) {
        const td_node *key = map->keys[i], *spec = map->values[i];
        char name[256];
        snprintf(name, sizeof name, "%s%s%s", prefix, *prefix ? "." : "", key->text);
        if (!is_group(spec)) {
            read_parameter(l, name, key, spec);
            continue;
        }
        const td_node *inner = spec->values[td_node_find(spec, "parameters")];
        if (spec->count > 1)
            COMPLAIN(l, spec->place, "%s: a group has the key parameters and no other", name);
        else if (inner->kind != TD_NODE_MAP)
            COMPLAIN(l, inner->place, "%s.parameters must be a mapping of names", name);
        else
            read_parameters(l, inner, name);
    }
}

static void sort_axes(td_space_def *space) {
    for (int i = 1; i < space->axis_count; i++) {
        for (int j = i; j > 0 && strcmp(space->axes[j - 1].name, space->axes[j].name) > 0; j--) {
            td_axis axis = space->axes[j];
            td_domain domain = space->domains[j];
            space->axes[j] = space->axes[j - 1];
            space->domains[j] = space->domains[j - 1];
            space->axes[j - 1] = axis;
            space->domains[j - 1] = domain;
        }
    }
}

/* --- list --- */

/* A table of numbers: names of columns, cells row by row in the order of the columns. */
typedef struct table {
    int columns;
    const td_node *heads[TD_AXES_MAX];
    bounds of[TD_AXES_MAX];
    int order[TD_AXES_MAX]; /* column of each axis */
    double *cells;
    int64_t rows, room;
} table;

/* Room for one more row; NULL when memory ran out. */
static double *next_row(loader *l, table *t) {
    if (t->rows == t->room) {
        int64_t room = t->room ? 2 * t->room : 64;
        double *cells = realloc(t->cells, (size_t)room * (size_t)t->columns * sizeof *cells);
        if (!cells) {
            COMPLAIN(l, nowhere, "memory ran out for a list of %lld rows", (long long)room);
            return NULL;
        }
        t->cells = cells;
        t->room = room;
    }
    return t->cells + t->rows++ * t->columns;
}

/* The columns become axes, sorted by name. */
static bool claim_columns(loader *l, table *t) {
    bool good = true;
    for (int i = 0; i < t->columns; i++) {
        int param, knob;
        const char *name = t->heads[i]->text;
        if (!name_fits(l, name, t->heads[i]) || claim_name(l, name, t->heads[i], &param, &knob) < 0) {
            good = false;
            continue;
        }
        t->of[i] = bounds_of(l, name, param, knob);
        l->space.axes[l->space.axis_count] = make_axis(l, name, param, knob);
        if (l->space.axes[l->space.axis_count].minimum > t->of[i].low) t->of[i].low = l->space.axes[l->space.axis_count].minimum;
        l->space.domains[l->space.axis_count++] = (td_domain){0};
    }
    sort_axes(&l->space);
    for (int i = 0; good && i < t->columns; i++)
        for (int j = 0; j < t->columns; j++)
            if (strcmp(l->space.axes[i].name, t->heads[j]->text) == 0) t->order[i] = j;
    return good;
}

static bool read_rows(loader *l, const td_node *list, table *t) {
    char text[64];
    bool good = true;
    for (int r = 0; r < list->count; r++) {
        const td_node *row = list->values[r];
        if (row->kind != TD_NODE_MAP || row->count == 0) {
            COMPLAIN(l, row->place, "a row of the list must be a mapping such as {fast: 5, slow: 20}, found %s",
                     row->kind == TD_NODE_MAP ? "an empty one" : found(row, text, sizeof text));
            good = false;
            continue;
        }
        if (!t->columns) {
            if (row->count > TD_AXES_MAX) {
                COMPLAIN(l, row->place, "more than %d names in a row", TD_AXES_MAX);
                return false;
            }
            t->columns = row->count;
            memcpy(t->heads, row->keys, (size_t)row->count * sizeof *t->heads);
            if (!claim_columns(l, t)) return false;
        }
        double *cells = next_row(l, t);
        if (!cells) return false;
        for (int i = 0; i < row->count; i++) {
            int column = 0;
            while (column < t->columns && strcmp(t->heads[column]->text, row->keys[i]->text) != 0) column++;
            if (column == t->columns) {
                COMPLAIN(l, row->keys[i]->place, "'%.60s' is not in the first row; all rows name the same parameters", row->keys[i]->text);
                good = false;
            } else {
                good = read_bounded(l, row->values[i], &t->of[column], &cells[column]) && good;
            }
        }
        for (int column = 0; column < t->columns; column++) {
            if (td_node_find(row, t->heads[column]->text) >= 0) continue;
            COMPLAIN(l, row->place, "this row lacks '%s'; all rows name the same parameters", t->heads[column]->text);
            good = false;
        }
    }
    return good;
}

/* One field of a line of CSV: its text without blanks and quotes around it; *at goes behind its comma. */
static td_place take_csv_field(const char *text, size_t *at, size_t end, bool *last) {
    size_t from = *at, to = from;
    while (to < end && text[to] != ',') to++;
    *last = to == end;
    *at = to + 1;
    while (from < to && strchr(" \t", text[from])) from++;
    while (to > from && strchr(" \t\r", text[to - 1])) to--;
    if (to - from >= 2 && text[from] == '"' && text[to - 1] == '"') from++, to--;
    return (td_place){0, from, to - from};
}

/* text is a file (source >= 0: places are in it) or stood in the configuration (places are `whole`). */
static bool read_csv(loader *l, const char *text, size_t length, int source, td_place whole, table *t) {
    bool good = true;
    size_t start = length >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;
    for (int64_t line = 1; start < length; line++) {
        size_t end = start, at = start;
        while (end < length && text[end] != '\n') end++;
        size_t next = end + 1;
        if (end == start || (end == start + 1 && text[start] == '\r')) {
            start = next;
            continue;
        }
        bool head = !t->columns, last = false;
        double *cells = head ? NULL : next_row(l, t);
        if (!head && !cells) return false;
        int column = 0;
        for (; !last; column++) {
            td_place field = take_csv_field(text, &at, end, &last), place = {source, field.offset, field.length};
            if (source < 0) place = whole;
            if (column == (head ? TD_AXES_MAX : t->columns)) {
                COMPLAIN(l, place, head ? "line %lld of the list: more than %d columns" : "line %lld of the list has more than %d fields",
                         (long long)line, column);
                return false;
            }
            char word[256];
            snprintf(word, sizeof word, "%.*s", (int)(field.length < 255 ? field.length : 255), text + field.offset);
            if (head) {
                td_node *node = td_node_make(l->tree, TD_NODE_SCALAR, place, word);
                if (!node) return false;
                if (!*word) {
                    COMPLAIN(l, place, "column %d of the list has no name (pandas: to_csv(..., index=False))", column + 1);
                    good = false;
                }
                t->heads[column] = node;
            } else if (!td_read_number(word, &cells[column])) {
                COMPLAIN(l, place, "line %lld of the list: %s must be a number, found '%.40s'", (long long)line, t->heads[column]->text, word);
                good = false;
            } else {
                good = check_bounded(l, place, &t->of[column], cells[column]) && good;
            }
        }
        if (head) {
            t->columns = column;
            if (!good || !claim_columns(l, t)) return false;
        } else if (column < t->columns) {
            td_place place = {source, start, end - start};
            COMPLAIN(l, source < 0 ? whole : place, "line %lld of the list has %d field%s, expected %d", (long long)line, column,
                     column == 1 ? "" : "s", t->columns);
            good = false;
        }
        start = next;
    }
    return good;
}

/* Reads a regular file whole; NUL-terminated. */
static td_status read_file(const char *path, char **text, size_t *length, td_error *error) {
    *text = NULL;
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat status;
    if (file < 0 || fstat(file, &status)) {
        int code = errno;
        if (file >= 0) close(file);
        return td_fail(error, TD_IO, "%s: cannot be opened: %s", path, strerror(code));
    }
    if (!S_ISREG(status.st_mode) || status.st_size > FILE_BYTES_MAX) {
        close(file);
        if (S_ISREG(status.st_mode))
            return td_fail(error, TD_BAD_DATA, "%s: has %lld bytes, at most %d are read", path, (long long)status.st_size, FILE_BYTES_MAX);
        return td_fail(error, TD_IO, "%s: not a regular file", path);
    }
    size_t size = (size_t)status.st_size, used = 0;
    char *into = malloc(size + 1);
    ssize_t got = 1;
    while (into && used < size && (got = read(file, into + used, size - used)) != 0) {
        if (got > 0) used += (size_t)got;
        if (got < 0 && errno != EINTR) break;
    }
    int code = errno;
    close(file);
    if (!into) return td_fail(error, TD_NO_MEMORY, "%s: memory ran out for %zu bytes", path, size);
    if (got < 0) {
        free(into);
        return td_fail(error, TD_IO, "%s: cannot be read: %s", path, strerror(code));
    }
    into[used] = 0;
    *text = into;
    *length = used;
    return TD_OK;
}

/* path as seen from the configuration's folder; malloc'ed. */
static char *beside(const char *configuration, const char *path) {
    const char *slash = *path == '/' ? NULL : strrchr(configuration, '/');
    char *joined = NULL;
    if (asprintf(&joined, "%.*s%s", slash ? (int)(slash - configuration + 1) : 0, configuration, path) < 0) return NULL;
    return joined;
}

static int compare_rows(const void *left, const void *right, void *context) {
    const td_space_def *space = context;
    int64_t i = *(const int64_t *)left, j = *(const int64_t *)right;
    const double *a = space->rows + i * space->axis_count, *b = space->rows + j * space->axis_count;
    for (int k = 0; k < space->axis_count; k++)
        if (a[k] != b[k]) return a[k] < b[k] ? -1 : 1;
    return i < j ? -1 : 1;
}

static void refuse_repeated_rows(loader *l, td_place place) {
    td_space_def *space = &l->space;
    int64_t *order = malloc((size_t)space->row_count * sizeof *order);
    if (!order) {
        COMPLAIN(l, nowhere, "memory ran out for a list of %lld rows", (long long)space->row_count);
        return;
    }
    for (int64_t i = 0; i < space->row_count; i++) order[i] = i;
    qsort_r(order, (size_t)space->row_count, sizeof *order, compare_rows, space);
    for (int64_t i = 1; i < space->row_count; i++) {
        const double *a = space->rows + order[i - 1] * space->axis_count, *b = space->rows + order[i] * space->axis_count;
        if (memcmp(a, b, (size_t)space->axis_count * sizeof *a) != 0) continue;
        COMPLAIN(l, place, "row %lld of the list repeats row %lld", (long long)order[i] + 1, (long long)order[i - 1] + 1);
        break;
    }
    free(order);
}

static void read_list(loader *l) {
    const td_node *node = l->settings[TD_KEY_list].node;
    table t = {0};
    bool good;
    if (!l->config->play.strategy) return;
    if (node->kind == TD_NODE_LIST) {
        good = read_rows(l, node, &t);
    } else if (strchr(node->text, '\n')) {
        good = read_csv(l, node->text, strlen(node->text), -1, node->place, &t);
    } else {
        char *path = beside(l->path, node->text), *text = NULL;
        size_t length = 0;
        td_error error = {"memory ran out"};
        td_status status = path ? read_file(path, &text, &length, &error) : TD_NO_MEMORY;
        if (status != TD_OK) COMPLAIN(l, node->place, "list %s", error.message);
        int source = status == TD_OK ? td_diagnostics_source(l->diagnostics, path, text, length, 1) : -1;
        good = status == TD_OK && read_csv(l, text, length, source, node->place, &t);
        free(text);
        free(path);
    }
    if (good && t.rows == 0) {
        COMPLAIN(l, node->place, "the list has no rows");
        good = false;
    }
    if (good) {
        /* columns into axis order, row by row in place */
        double row[TD_AXES_MAX];
        for (int64_t r = 0; r < t.rows; r++) {
            for (int i = 0; i < t.columns; i++) row[i] = t.cells[r * t.columns + t.order[i]];
            memcpy(t.cells + r * t.columns, row, (size_t)t.columns * sizeof *row);
        }
        l->space.rows = t.cells;
        l->space.row_count = t.rows;
        refuse_repeated_rows(l, node->place);
    } else {
        free(t.cells);
    }
}

/* --- constraints --- */

static int resolve_name(void *context, const char *name) {
    const loader *l = context;
    return td_space_value_index(l->config->play.strategy, name, NULL, NULL);
}

static void read_constraints(loader *l, const td_node *list) {
    td_space_def *space = &l->space;
    if (!l->config->play.strategy || list->count == 0) return;
    space->constraints = calloc((size_t)list->count, sizeof(td_expression *));
    if (!space->constraints) {
        COMPLAIN(l, nowhere, "memory ran out for constraints");
        return;
    }
    for (int i = 0; i < list->count; i++) {
        const td_node *node = list->values[i];
        char text[64];
        td_error error;
        td_expression_place where;
        if (node->kind != TD_NODE_SCALAR) {
            COMPLAIN(l, node->place, "a constraint must be an expression such as \"fast < slow\", found %s", found(node, text, sizeof text));
            continue;
        }
        td_expression *made;
        if (td_expression_compile(node->text, resolve_name, l, &made, &where, &error) == TD_OK) {
            space->constraints[space->constraint_count++] = made;
            continue;
        }
        td_place place = node->place;
        /* where the text stands in the file as it is, the place is exact */
        if (place.length == strlen(node->text) && where.offset <= place.length) place = (td_place){place.source, place.offset + where.offset, where.length};
        char name[128], near[128] = "";
        if (strncmp(error.message, "unknown name", 12) == 0 && where.length < sizeof name) {
            snprintf(name, sizeof name, "%.*s", (int)where.length, node->text + where.offset);
            suggest(name, nth_name, (void *)l->config->play.strategy, near, sizeof near);
        }
        COMPLAIN(l, place, "%s%s", error.message, near);
    }
}

/* --- --set --- */

/* The map at a key of a map; made when there is none. */
static td_node *map_at(loader *l, td_node *map, td_node *key) {
    int index = td_node_find(map, key->text);
    if (index >= 0 && map->values[index]->kind == TD_NODE_MAP) return map->values[index];
    td_node *made = td_node_make(l->tree, TD_NODE_MAP, key->place, "");
    if (!made) return NULL;
    if (index >= 0) {
        map->keys[index] = key;
        map->values[index] = made;
        return made;
    }
    return td_node_add(l->tree, map, key, made) ? made : NULL;
}

static bool put_at(loader *l, td_node *map, td_node *key, td_node *value) {
    int index = td_node_find(map, key->text);
    if (index < 0) return td_node_add(l->tree, map, key, value);
    map->keys[index] = key;
    map->values[index] = value;
    return true;
}

/* Finds the entry of `parameters` that a dotted name means, through groups: the map that holds it and its index. */
static bool find_parameter(td_node *map, const char *name, td_node **holder, int *index) {
    for (int i = 0; i < map->count; i++) {
        const char *key = map->keys[i]->text;
        size_t length = strlen(key);
        if (strcmp(key, name) == 0) {
            *holder = map;
            *index = i;
            return true;
        }
        if (strncmp(key, name, length) != 0 || name[length] != '.' || !is_group(map->values[i])) continue;
        td_node *inner = map->values[i]->values[td_node_find(map->values[i], "parameters")];
        if (inner->kind == TD_NODE_MAP && find_parameter(inner, name + length + 1, holder, index)) return true;
    }
    return false;
}

/* parameters.NAME=... or parameters.NAME.KEY=..., where NAME may have dots. */
static bool override_parameter(loader *l, td_node *map, const char *name, td_place place, td_node *value) {
    td_node *holder, *key = td_node_make(l->tree, TD_NODE_SCALAR, place, name);
    int index;
    if (!key) return false;
    if (find_parameter(map, name, &holder, &index)) {
        holder->values[index] = value;
        holder->keys[index]->place = place;
        return true;
    }
    const char *dot = strrchr(name, '.');
    if (!dot || td_word_find(SPEC_KEYS, dot + 1) < 0) return td_node_add(l->tree, map, key, value);
    /* a key of a spec: fast.max */
    char *stem = strndup(name, (size_t)(dot - name));
    td_node *stem_key = stem ? td_node_make(l->tree, TD_NODE_SCALAR, place, stem) : NULL;
    td_node *spec_key = td_node_make(l->tree, TD_NODE_SCALAR, place, dot + 1);
    td_node *spec = NULL;
    if (stem_key && spec_key) spec = find_parameter(map, stem, &holder, &index) ? map_at(l, holder, holder->keys[index]) : map_at(l, map, stem_key);
    free(stem);
    return spec && put_at(l, spec, spec_key, value);
}

static void apply_override(loader *l, const char *text, int number) {
    int source = td_diagnostics_source(l->diagnostics, "--set", text, strlen(text), number);
    const char *equals = strchr(text, '=');
    td_place whole = {source, 0, equals ? (size_t)(equals - text) : strlen(text)};
    if (!equals || equals == text || *text == '.' || equals[-1] == '.' || memmem(text, whole.length, "..", 2)) {
        COMPLAIN(l, whole, "expected key=value with a dotted key, such as costs.commission=0.001");
        return;
    }
    if (strchr(text, '\n')) {
        COMPLAIN(l, whole, "the value must be on one line");
        return;
    }
    int before = td_diagnostics_errors(l->diagnostics);
    td_node *value = td_tree_parse(l->tree, l->diagnostics, source, text, strlen(text), whole.length + 1);
    if (td_diagnostics_errors(l->diagnostics) > before) return;
    if (!value) value = td_node_make(l->tree, TD_NODE_SCALAR, (td_place){source, strlen(text), 0}, "");
    /* down the path, making groups on the way */
    char *path = strndup(text, whole.length);
    td_node *map = l->root;
    char *at = path, *dot;
    bool good = path && value && map;
    while (good && (dot = strchr(at, '.'))) {
        *dot = 0;
        td_node *key = td_node_make(l->tree, TD_NODE_SCALAR, whole, at);
        bool parameters = at == path && strcmp(at, "parameters") == 0;
        map = key ? map_at(l, map, key) : NULL;
        good = map != NULL;
        at = dot + 1;
        if (!good || !parameters) continue;
        good = override_parameter(l, map, at, whole, value);
        map = NULL;
        break;
    }
    if (good && map) {
        td_node *key = td_node_make(l->tree, TD_NODE_SCALAR, whole, at);
        good = key && put_at(l, map, key, value);
    }
    if (!good) COMPLAIN(l, whole, "memory ran out");
    free(path);
}

/* --- putting it together --- */

static void note_ignored(loader *l) {
    char names[512];
    size_t used = 0;
    td_place place = nowhere;
    for (int key = 0; key < TD_KEY_COUNT; key++) {
        const setting *s = &l->settings[key];
        if (td_key_infos[key].type != TD_TYPE_IGNORED || !s->given || key == TD_KEY_early_terminate) continue;
        if (!used) place = s->key->place;
        used += (size_t)snprintf(names + used, sizeof names - used, "%s%s", used ? ", " : "", td_key_infos[key].path);
    }
    if (used) td_diagnose(l->diagnostics, TD_SEVERITY_NOTE, place, "accepted without effect, as of W&B: %s", names);
    if (l->settings[TD_KEY_early_terminate].given)
        td_diagnose(l->diagnostics, TD_SEVERITY_NOTE, l->settings[TD_KEY_early_terminate].key->place,
                    "early_terminate is not applied yet: every parameter set plays to its end");
}

static void read_play(loader *l) {
    const setting *s = l->settings;
    td_config *c = l->config;
    td_play_def *play = &c->play;
    if (s[TD_KEY_profile].given) play->profile = s[TD_KEY_profile].word ? TD_PROFILE_BACKTESTING : TD_PROFILE_TAPEDECK;
    if (s[TD_KEY_fill_at].given) play->fill_at = (td_fill_at)s[TD_KEY_fill_at].word;
    if (s[TD_KEY_account_sizing].given) play->sizing = (td_sizing)s[TD_KEY_account_sizing].word;
    if (s[TD_KEY_direction].given) play->direction = (td_direction)s[TD_KEY_direction].word;
    if (s[TD_KEY_finalize].given) play->finalize = s[TD_KEY_finalize].word;
    if (s[TD_KEY_metrics_sample].given)
        play->sample_bars = s[TD_KEY_metrics_sample].word < 0 ? s[TD_KEY_metrics_sample].integer : s[TD_KEY_metrics_sample].word;
    if (s[TD_KEY_metrics_blocks].given) play->blocks = s[TD_KEY_metrics_blocks].integer;
    if (s[TD_KEY_metrics_risk_free].given) play->risk_free = s[TD_KEY_metrics_risk_free].number;
    if (s[TD_KEY_metrics_periods_per_year].given) play->periods_per_year = s[TD_KEY_metrics_periods_per_year].number;
    c->from_ns = s[TD_KEY_period_from].given ? s[TD_KEY_period_from].integer : INT64_MIN;
    c->to_ns = s[TD_KEY_period_to].given ? s[TD_KEY_period_to].integer : INT64_MAX;
    if (c->from_ns >= c->to_ns) COMPLAIN(l, s[TD_KEY_period_to].node->place, "period.to must be after period.from");
    c->seed = s[TD_KEY_seed].given ? (uint64_t)s[TD_KEY_seed].integer : 1;
    c->memory_limit = s[TD_KEY_limits_memory].given ? s[TD_KEY_limits_memory].integer : 0;
    c->wall_limit = s[TD_KEY_limits_wall].given ? s[TD_KEY_limits_wall].number : 0;
    /* ranking */
    const td_node *metric = s[TD_KEY_metric_name].node;
    c->metric = s[TD_KEY_metric_name].given ? s[TD_KEY_metric_name].word : TD_METRIC_sharpe;
    c->goal = s[TD_KEY_metric_goal].given ? (s[TD_KEY_metric_goal].word ? -1 : +1) : td_metric_infos[c->metric].better;
    if (!c->goal) COMPLAIN(l, metric->place, "neither end of %s is better; say metric.goal", td_metric_infos[c->metric].name);
}

/* Knobs at their keys; the rest of the set is defaults until parameters are read. */
static void read_knobs(loader *l) {
    const setting *s = l->settings;
    td_config *c = l->config;
    if (c->play.strategy)
        c->base = td_default_set(c->play.strategy);
    else
        for (int i = 0; i < TD_KNOB_COUNT; i++) c->base.knob[i] = td_knob_infos[i].preset;
    c->base.knob[TD_KNOB_lot] = c->play.profile == TD_PROFILE_BACKTESTING ? 1 : td_knob_infos[TD_KNOB_lot].preset;
    if (s[TD_KEY_account_units].given) c->base.knob[TD_KNOB_lot] = s[TD_KEY_account_units].word == 0 ? 1 : 0;
    for (int key = 0; key < TD_KEY_COUNT; key++)
        if (td_key_infos[key].type == TD_TYPE_KNOB && s[key].given) c->base.knob[td_key_knob((td_key)key)] = s[key].number;
    const setting *size = &s[TD_KEY_account_size];
    char text[32];
    if (!size->given) return;
    if (c->play.sizing == TD_SIZING_ALL_IN)
        td_diagnose(l->diagnostics, TD_SEVERITY_WARNING, size->key->place, "account.size has no effect with sizing all_in");
    else if (size->number <= 0)
        COMPLAIN(l, size->node->place, "account.size must be above 0 for sizing %s",
                 c->play.sizing == TD_SIZING_FRACTION ? "fraction" : "fixed_units");
    else if (c->play.sizing == TD_SIZING_FRACTION && size->number > 1)
        COMPLAIN(l, size->node->place, "account.size is %s, must be a fraction of equity above 0 and at most 1 for sizing fraction",
                 plain(size->number, text));
}

static void read_method(loader *l) {
    const setting *method = &l->settings[TD_KEY_method], *list = &l->settings[TD_KEY_list];
    const setting *cap = &l->settings[TD_KEY_run_cap], *budget = &l->settings[TD_KEY_budget_trials];
    l->space.method = list->node ? TD_METHOD_LIST : TD_METHOD_GRID;
    if (method->given && method->word == 3) {
        COMPLAIN(l, method->node->place, "method bayes is not available yet; there are grid, list and random");
    } else if (method->given) {
        l->space.method = (td_method)method->word;
        if (list->node && l->space.method != TD_METHOD_LIST)
            COMPLAIN(l, list->key->place, "list goes with method list, the method is %s", method->node->text);
        if (!list->node && l->space.method == TD_METHOD_LIST)
            COMPLAIN(l, method->node->place, "method list needs the key 'list': rows such as [{fast: 5, slow: 20}], or the path of a CSV file");
    }
    if (cap->given && budget->given && cap->integer != budget->integer)
        COMPLAIN(l, budget->key->place, "budget.trials is another name for run_cap, and they differ");
    l->space.trials = cap->given ? cap->integer : budget->given ? budget->integer : 0;
    l->space.seed = l->config->seed;
    if (l->space.method == TD_METHOD_RANDOM && !cap->node && !budget->node)
        COMPLAIN(l, method->node->place, "method random needs run_cap, the number of draws");
}

/* Makes the search space. What a space can complain about is about constraints, or else about the number of cells. */
static void make_space(loader *l, td_error *error) {
    const setting *s = l->settings;
    if (l->space.method == TD_METHOD_RANDOM && l->space.axis_count == 0) {
        COMPLAIN(l, s[TD_KEY_method].node->place, "method random has nothing to draw: no parameter has more than one value");
        return;
    }
    l->space.base = l->config->base;
    const td_node *about = l->space.constraint_count ? s[TD_KEY_constraints].key : s[TD_KEY_parameters].key;
    if (td_space_make(&l->space, &l->config->space, error) != TD_OK) COMPLAIN(l, about ? about->place : nowhere, "%s", error->message);
}

/* --- the canonical form --- */

static json_t *number_json(double x) {
    return fabs(x) < 9007199254740992.0 && x == floor(x) ? json_integer((json_int_t)x) : json_real(x);
}

static json_t *axis_json(const td_domain *domain, td_method method) {
    const td_distribution_info *info = &td_distribution_infos[domain->distribution];
    json_t *spec = json_object();
    /* a grid's values written out, so that every way of saying them has the same digest */
    if (domain->values || (method == TD_METHOD_GRID && domain->count <= EXPLICIT_VALUES_MAX)) {
        json_t *values = json_array();
        for (int64_t i = 0; i < domain->count; i++) json_array_append_new(values, number_json(td_domain_at(domain, i)));
        json_object_set_new(spec, "values", values);
        if (!domain->cumulative) return spec;
        json_t *probabilities = json_array();
        for (int64_t i = 0; i < domain->count; i++)
            json_array_append_new(probabilities, json_real(domain->cumulative[i] - (i ? domain->cumulative[i - 1] : 0)));
        json_object_set_new(spec, "probabilities", probabilities);
        return spec;
    }
    const struct {
        const char *key;
        double value;
    } numbers[] = {{"min", domain->minimum}, {"max", domain->maximum}, {"q", domain->q}, {"mu", domain->mu},
                   {"sigma", domain->sigma}, {"a", domain->a}, {"b", domain->b}};
    bool optional;
    json_object_set_new(spec, "distribution", json_string(info->name));
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        if (takes_key(info->keys, numbers[i].key, &optional)) json_object_set_new(spec, numbers[i].key, number_json(numbers[i].value));
    return spec;
}

/* Puts a value at a dotted path of nested objects. */
static void put_json(json_t *object, const char *path, json_t *value) {
    const char *dot;
    while ((dot = strchr(path, '.'))) {
        json_t *inner = json_object_getn(object, path, (size_t)(dot - path));
        if (!inner) json_object_setn_new(object, path, (size_t)(dot - path), inner = json_object());
        object = inner;
        path = dot + 1;
    }
    json_object_set_new(object, path, value);
}

static json_t *word_json(td_key key, int index) {
    char word[32];
    const char *text = td_word_at(td_key_infos[key].words, index, word);
    assert(text);
    return json_string(text);
}

/* The rows of a list as CSV in a string: ten bytes a row where mappings would take fifty. */
static json_t *list_json(const td_space_def *space) {
    char *text = NULL, number[32];
    size_t bytes = 0;
    FILE *out = open_memstream(&text, &bytes);
    if (!out) return NULL;
    for (int a = 0; a < space->axis_count; a++) fprintf(out, "%s%s", a ? "," : "", space->axes[a].name);
    for (int64_t r = 0; r < space->row_count; r++) {
        fputc('\n', out);
        for (int a = 0; a < space->axis_count; a++)
            fprintf(out, "%s%s", a ? "," : "", plain(space->rows[r * space->axis_count + a], number));
    }
    fputc('\n', out);
    json_t *list = fclose(out) == 0 ? json_stringn(text, bytes) : NULL;
    free(text);
    return list;
}

/* Everything that changes numbers, as JSON that is itself a configuration (but for the tape). space: before it was handed over. */
static json_t *resolved_json(const td_config *c, const td_space_def *space) {
    json_t *root = json_object();
    const td_play_def *play = &c->play;
    put_json(root, "strategy", json_string(td_strategy_name(play->strategy)));
    put_json(root, "profile", word_json(TD_KEY_profile, play->profile == TD_PROFILE_BACKTESTING));
    put_json(root, "fill.at", word_json(TD_KEY_fill_at, play->fill_at));
    put_json(root, "account.sizing", word_json(TD_KEY_account_sizing, play->sizing));
    put_json(root, "direction", word_json(TD_KEY_direction, play->direction));
    put_json(root, "finalize", json_boolean(play->finalize));
    put_json(root, "metrics.sample", play->sample_bars <= 1 ? word_json(TD_KEY_metrics_sample, (int)play->sample_bars)
                                                            : json_integer(play->sample_bars));
    put_json(root, "metrics.blocks", json_integer(play->blocks));
    put_json(root, "metrics.risk_free", number_json(play->risk_free));
    put_json(root, "metrics.periods_per_year", number_json(play->periods_per_year));
    char date[40];
    if (c->from_ns != INT64_MIN) put_json(root, "period.from", (td_write_date(c->from_ns, date), json_string(date)));
    if (c->to_ns != INT64_MAX) put_json(root, "period.to", (td_write_date(c->to_ns, date), json_string(date)));
    /* constants, but for what is swept */
    bool swept[TD_KNOB_COUNT + TD_PARAMS_MAX] = {0};
    for (int a = 0; a < space->axis_count; a++)
        swept[space->axes[a].param >= 0 ? TD_KNOB_COUNT + space->axes[a].param : space->axes[a].knob] = true;
    for (int i = 0; i < TD_KNOB_COUNT; i++)
        if (!swept[i] && !(i == TD_KNOB_size && play->sizing == TD_SIZING_ALL_IN))
            put_json(root, td_knob_infos[i].path, number_json(c->base.knob[i]));
    json_t *parameters = json_object();
    for (int i = 0; i < td_strategy_param_count(play->strategy); i++)
        if (!swept[TD_KNOB_COUNT + i])
            json_object_set_new(parameters, td_strategy_param(play->strategy, i)->name, json_pack("{s:o}", "value", number_json(c->base.param[i])));
    for (int a = 0; space->method != TD_METHOD_LIST && a < space->axis_count; a++)
        json_object_set_new(parameters, space->axes[a].name, axis_json(&space->domains[a], space->method));
    json_object_set_new(root, "parameters", parameters);
    /* the search */
    json_object_set_new(root, "method", word_json(TD_KEY_method, (int)space->method));
    if (space->method == TD_METHOD_LIST) json_object_set_new(root, "list", list_json(space));
    if (space->method == TD_METHOD_RANDOM) json_object_set_new(root, "seed", json_integer((json_int_t)c->seed));
    if (space->trials) json_object_set_new(root, "run_cap", json_integer(space->trials));
    if (space->constraint_count) {
        json_t *list = json_array();
        for (int i = 0; i < space->constraint_count; i++) json_array_append_new(list, json_string(td_expression_text(space->constraints[i])));
        json_object_set_new(root, "constraints", list);
    }
    return root;
}

static bool write_resolved(td_config *c, const td_space_def *space) {
    json_t *root = resolved_json(c, space);
    c->resolved = json_dumps(root, JSON_COMPACT | JSON_SORT_KEYS | JSON_REAL_PRECISION(17));
    json_decref(root);
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned bytes = 0;
    if (!c->resolved || !EVP_Digest(c->resolved, strlen(c->resolved), digest, &bytes, EVP_sha256(), NULL) || bytes != 32) return false;
    for (unsigned i = 0; i < bytes; i++) snprintf(c->digest + 2 * i, 3, "%02x", digest[i]);
    return true;
}

/* As written when absolute or there; else beside the configuration. */
static char *tape_path(const char *configuration, const char *tape) {
    return access(tape, F_OK) == 0 ? strdup(tape) : beside(configuration, tape);
}

static void read_all(loader *l, const char *const *overrides, int override_count, td_error *error) {
    td_config *c = l->config;
    const setting *s = l->settings;
    int source = td_diagnostics_source(l->diagnostics, l->path, c->text, strlen(c->text), 1);
    l->root = td_tree_parse(l->tree, l->diagnostics, source, c->text, strlen(c->text), 0);
    if (!l->root && td_diagnostics_errors(l->diagnostics)) return; /* not YAML: there is nothing to look at */
    if (!l->root || td_node_is_null(l->root)) l->root = td_node_make(l->tree, TD_NODE_MAP, (td_place){source, 0, 0}, "");
    if (!l->root || l->root->kind != TD_NODE_MAP) {
        COMPLAIN(l, l->root ? l->root->place : nowhere, "a configuration is a mapping of keys such as 'strategy: sma-cross'");
        return;
    }
    for (int i = 0; i < override_count; i++) apply_override(l, overrides[i], i + 1);
    /* the strategy first: what other keys are called in messages depends on it */
    int strategy = td_node_find(l->root, "strategy");
    if (strategy >= 0) read_setting(l, TD_KEY_strategy, l->root->keys[strategy], l->root->values[strategy]);
    walk_group(l, l->root, "");
    for (int key = 0; key < TD_KEY_COUNT; key++)
        if (td_key_required((td_key)key) && !s[key].key) COMPLAIN(l, nowhere, "the key '%s' is missing", td_key_infos[key].path);
    note_ignored(l);
    read_play(l);
    read_knobs(l);
    read_method(l);
    if (s[TD_KEY_parameters].given) read_parameters(l, s[TD_KEY_parameters].node, "");
    sort_axes(&l->space);
    if (l->space.method == TD_METHOD_LIST && s[TD_KEY_list].given) read_list(l);
    if (s[TD_KEY_constraints].given) read_constraints(l, s[TD_KEY_constraints].node);
    if (td_diagnostics_errors(l->diagnostics)) return;
    c->tape = tape_path(l->path, s[TD_KEY_tape].node->text);
    c->name = strdup(s[TD_KEY_name].given ? s[TD_KEY_name].node->text : "");
    if (!c->tape || !c->name || !write_resolved(c, &l->space)) {
        COMPLAIN(l, nowhere, "memory ran out");
        return;
    }
    make_space(l, error);
}

td_status td_config_parse(const char *path, const char *text, const char *const *overrides, int override_count, FILE *diagnostics,
                          td_config **config, td_error *error) {
    *config = NULL;
    td_error own = {""};
    loader *l = calloc(1, sizeof *l);
    if (!l) return td_fail(error, TD_NO_MEMORY, "memory ran out for a configuration");
    l->path = path;
    l->diagnostics = td_diagnostics_make();
    l->tree = td_tree_make();
    l->config = calloc(1, sizeof *l->config);
    td_status status = TD_NO_MEMORY;
    if (l->diagnostics && l->tree && l->config) {
        for (int key = 0; key < TD_KEY_COUNT; key++) l->settings[key].word = -1;
        l->config->play = td_default_play_def();
        l->config->path = strdup(path);
        l->config->text = strdup(text);
        if (l->config->path && l->config->text) {
            read_all(l, overrides, override_count, &own);
            status = td_diagnostics_finish(l->diagnostics, diagnostics, error);
        }
    }
    if (status == TD_NO_MEMORY) td_fail(error, status, "memory ran out for a configuration");
    if (status == TD_OK) {
        *config = l->config;
        l->config = NULL;
    }
    td_space_def_free(&l->space);
    td_config_free(l->config);
    td_tree_free(l->tree);
    td_diagnostics_free(l->diagnostics);
    free(l);
    return status;
}

td_status td_config_load(const char *path, const char *const *overrides, int override_count, FILE *diagnostics, td_config **config,
                         td_error *error) {
    char *text;
    size_t length;
    *config = NULL;
    TD_TRY(read_file(path, &text, &length, error));
    td_status status;
    if (strlen(text) != length)
        status = td_fail(error, TD_BAD_DATA, "%s: has a zero byte at offset %zu: not a text file", path, strlen(text));
    else
        status = td_config_parse(path, text, overrides, override_count, diagnostics, config, error);
    free(text);
    return status;
}

void td_config_free(td_config *config) {
    if (!config) return;
    td_space_free(config->space);
    free(config->path);
    free(config->text);
    free(config->resolved);
    free(config->tape);
    free(config->name);
    free(config);
}
