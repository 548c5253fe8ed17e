/* `parameters` and `constraints`: names become constants and axes of the search space. */
#include "sweeps/loader.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/math.h"
#include "base/sorted.h"
#include "sweeps/scalars.h"
#include "sweeps/schema.h"
#include "sweeps/values.h"

static const char *nth_distribution(void *context, int index) {
    (void)context;
    return index < TD_DISTRIBUTION_COUNT ? td_distribution_infos[index].name : NULL;
}

enum { SPEC_VALUE, SPEC_VALUES, SPEC_PROBABILITIES, SPEC_MIN, SPEC_MAX, SPEC_Q, SPEC_MU, SPEC_SIGMA, SPEC_A, SPEC_B,
       SPEC_DISTRIBUTION, SPEC_RANGE, SPEC_LOG, SPEC_PARAMETERS, SPEC_COUNT };

bool td_is_parameter_group(const td_node *spec) { return spec->kind == TD_NODE_MAP && td_node_find(spec, "parameters") >= 0; }

/* A list of numbers; values is malloc'ed. At least one. */
static bool read_numbers(td_loader *l, const td_node *node, const td_bounds *of, bool distinct, double **values, int64_t *count) {
    char text[64];
    *values = NULL;
    *count = 0;
    if (node->kind != TD_NODE_LIST) {
        TD_COMPLAIN(l, node->place, "%s must be a list of numbers, found %s", of->name, td_found(node, text, sizeof text));
        return false;
    }
    if (node->count == 0) {
        TD_COMPLAIN(l, node->place, "the values of %s are an empty list; nothing to play", of->name);
        return false;
    }
    double *list = malloc((size_t)node->count * sizeof *list), *sorted = malloc((size_t)node->count * sizeof *sorted);
    bool good = list && sorted;
    if (!good) TD_COMPLAIN(l, td_nowhere, "memory ran out for the values of %s", of->name);
    for (int i = 0; good && i < node->count; i++) good = td_take_bounded(l, node->values[i], of, &list[i]);
    if (good && distinct) {
        memcpy(sorted, list, (size_t)node->count * sizeof *sorted);
        qsort(sorted, (size_t)node->count, sizeof *sorted, td_compare_doubles);
        for (int i = 1; good && i < node->count; i++) {
            if (sorted[i] != sorted[i - 1]) continue;
            int second = node->count - 1;
            while (list[second] != sorted[i]) second--;
            TD_COMPLAIN(l, node->values[second]->place, "%s has %s twice", of->name, td_value_text(of->unit, sorted[i], text));
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
static bool read_log(td_loader *l, const td_node *node, const td_bounds *of, td_domain *domain) {
    double from, to;
    int64_t n;
    if (node->kind != TD_NODE_LIST || node->count != 3) {
        TD_COMPLAIN(l, node->place, "log of %s must be [from, to, how many]", of->name);
        return false;
    }
    bool good = td_take_bounded(l, node->values[0], of, &from);
    good = td_take_bounded(l, node->values[1], of, &to) && good;
    good = td_take_integer(l, node->values[2], "how many", 2, 1e6, &n) && good;
    if (!good) return false;
    if (!(from > 0 && from < to)) {
        TD_COMPLAIN(l, node->place, "log of %s needs 0 < from < to", of->name);
        return false;
    }
    domain->values = malloc((size_t)n * sizeof *domain->values);
    if (!domain->values) {
        TD_COMPLAIN(l, td_nowhere, "memory ran out for the values of %s", of->name);
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
static bool make_steps(td_loader *l, td_place place, const td_bounds *of, bool grid, double low, double high, double q,
                       td_domain *domain) {
    char text[32];
    domain->minimum = low;
    domain->maximum = high;
    domain->q = q;
    if (!td_steps_make(low, high, q, &domain->steps)) {
        TD_COMPLAIN(l, place, "the steps of %s need more than 15 digits between min, max and q; write fewer", of->name);
        return false;
    }
    domain->count = domain->steps.count;
    /* whole when the first value and the step are: look at the values the first two stand for */
    if (grid && of->whole) {
        for (int64_t i = 0; i < domain->count && i < 2; i++) {
            double x = td_steps_at(&domain->steps, i);
            if (x == floor(x)) continue;
            TD_COMPLAIN(l, place, "the steps of %s give %s, it takes whole numbers", of->name, td_write_number(x, text));
            return false;
        }
    }
    return true;
}

static bool read_range(td_loader *l, const td_node *node, const td_bounds *of, bool grid, td_domain *domain) {
    double low, high, step;
    if (node->kind != TD_NODE_LIST || node->count != 3) {
        TD_COMPLAIN(l, node->place, "range of %s must be [from, to, step]", of->name);
        return false;
    }
    bool good = td_take_bounded(l, node->values[0], of, &low);
    good = td_take_bounded(l, node->values[1], of, &high) && good;
    good = td_take_value(l, node->values[2], "step", of->unit, &step) && good;
    if (!good) return false;
    if (low > high) {
        TD_COMPLAIN(l, node->place, "range of %s is empty: it begins above its end", of->name);
        return false;
    }
    if (!(step > 0)) {
        TD_COMPLAIN(l, node->values[2]->place, "step of %s must be above 0", of->name);
        return false;
    }
    domain->distribution = TD_DISTRIBUTION_q_uniform;
    return make_steps(l, node->place, of, grid, low, high, step, domain);
}

bool td_distribution_takes(const char *keys, const char *key, bool *optional) {
    char each[32], with_mark[32];
    snprintf(with_mark, sizeof with_mark, "%s?", key);
    for (int i = 0; td_word_at(keys, i, each); i++) {
        *optional = strcmp(each, with_mark) == 0;
        if (*optional || strcmp(each, key) == 0) return true;
    }
    return false;
}

/* The distribution of a spec, by name or by its keys; -1 after a complaint. */
static int distribution_of(td_loader *l, const td_node *spec, td_node *const *at, const char *name) {
    const td_node *named = at[SPEC_DISTRIBUTION];
    if (named) {
        char text[64], near[64] = "", names[512];
        for (int i = 0; named->kind == TD_NODE_SCALAR && i < TD_DISTRIBUTION_COUNT; i++)
            if (strcmp(td_distribution_infos[i].name, named->text) == 0) return i;
        static const char *const deprecated[] = {"log_uniform", "q_log_uniform", "inv_log_uniform"};
        for (size_t i = 0; i < sizeof deprecated / sizeof *deprecated; i++) {
            if (!td_is_word(named, deprecated[i])) continue;
            TD_COMPLAIN(l, named->place, "'%s' takes exponents and is deprecated; use '%s_values' with min and max as values",
                        named->text,
                     named->text);
            return -1;
        }
        td_list_names(nth_distribution, NULL, names, sizeof names);
        if (named->kind == TD_NODE_SCALAR) td_suggest(named->text, nth_distribution, NULL, near, sizeof near);
        TD_COMPLAIN(l, named->place, "unknown distribution %s; there are %s%s", td_found(named, text, sizeof text), names, near);
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
        TD_COMPLAIN(l, spec->place, "%s has min or max but not both", name);
        return -1;
    }
    TD_COMPLAIN(l, spec->place, "%s says neither value, values, min and max, range, log nor distribution", name);
    return -1;
}

static bool read_probabilities(td_loader *l, const td_node *node, const td_bounds *of, td_domain *domain) {
    td_bounds share = {"a probability", 0, 1, false, NULL};
    char text[32];
    int64_t count;
    if (!read_numbers(l, node, &share, false, &domain->probabilities, &count)) return false;
    if (count != domain->count) {
        TD_COMPLAIN(l, node->place, "%s has %lld values but %lld probabilities", of->name, (long long)domain->count,
                    (long long)count);
        return false;
    }
    double sum = 0;
    for (int64_t i = 0; i < count; i++) sum += domain->probabilities[i];
    if (fabs(sum - 1) > 1e-9) {
        TD_COMPLAIN(l, node->place, "the probabilities of %s add up to %s, must be 1", of->name, td_write_number(sum, text));
        return false;
    }
    return true;
}

/* One entry of `parameters`: a constant (domain->count 0 and distribution constant, the value in minimum) or an axis. */
static bool read_domain(td_loader *l, const td_node *spec, const td_bounds *of, td_method method, td_domain *domain) {
    char text[64], near[64], key[32];
    *domain = (td_domain){.whole = of->whole, .sigma = 1, .a = 1, .b = 1};
    if (spec->kind == TD_NODE_SCALAR) {
        domain->distribution = TD_DISTRIBUTION_constant;
        return td_take_bounded(l, spec, of, &domain->minimum);
    }
    if (spec->kind == TD_NODE_LIST) {
        TD_COMPLAIN(l, spec->place, "%s must be a number or a mapping such as {values: [5, 10]}, found a list", of->name);
        return false;
    }
    /* sort the keys into their places */
    td_node *at[SPEC_COUNT] = {0};
    bool good = true;
    for (int i = 0; i < spec->count; i++) {
        int index = td_word_find(TD_SPEC_KEYS, spec->keys[i]->text);
        if (index >= 0 && index != SPEC_PARAMETERS) {
            at[index] = spec->values[i];
            continue;
        }
        td_suggest(spec->keys[i]->text, td_nth_word, (void *)TD_SPEC_KEYS, near, sizeof near);
        TD_COMPLAIN(l, spec->keys[i]->place, "unknown key '%.60s' in %s%s", spec->keys[i]->text, of->name,
                    *near ? near : "; there are " TD_SPEC_KEYS);
        good = false;
    }
    if (!good) return false;
    for (int i = 0; i < SPEC_PARAMETERS && td_value_form_of(of->unit) == TD_VALUE_WORD; i++) {
        if (!at[i] || i == SPEC_VALUE || i == SPEC_VALUES || i == SPEC_PROBABILITIES || i == SPEC_DISTRIBUTION) continue;
        TD_COMPLAIN(l, at[i]->place, "%s takes words, which have no '%s': value or values", of->name, td_word_at(TD_SPEC_KEYS, i, key));
        return false;
    }
    bool grid = method != TD_METHOD_RANDOM;
    if (at[SPEC_RANGE] || at[SPEC_LOG]) {
        if (spec->count > 1) {
            TD_COMPLAIN(l, spec->place, "%s: range or log stands alone, without other keys", of->name);
            return false;
        }
        return at[SPEC_RANGE] ? read_range(l, at[SPEC_RANGE], of, grid, domain) : read_log(l, at[SPEC_LOG], of, domain);
    }
    int chosen = distribution_of(l, spec, at, of->name);
    if (chosen < 0) return false;
    const td_distribution_info *info = &td_distribution_infos[chosen];
    domain->distribution = (td_distribution)chosen;
    for (int i = 0; i < SPEC_DISTRIBUTION; i++) {
        bool optional = false, takes = td_distribution_takes(info->keys, td_word_at(TD_SPEC_KEYS, i, key), &optional);
        if (at[i] && !takes) {
            TD_COMPLAIN(l, at[i]->place, "%s: '%s' does not go with distribution %s, which takes %s", of->name, key, info->name,
                        info->keys);
            good = false;
        } else if (!at[i] && takes && !optional) {
            TD_COMPLAIN(l, spec->place, "%s: distribution %s needs '%s'", of->name, info->name, key);
            good = false;
        }
    }
    if (!good) return false;
    if (grid && !info->grid) {
        const char *hint = chosen == TD_DISTRIBUTION_uniform && of->whole ? " (whole numbers in min and max make an int_uniform)"
                           : chosen == TD_DISTRIBUTION_uniform            ? " (q makes it a q_uniform)"
                                                                          : "";
        TD_COMPLAIN(l, spec->place,
                    "%s: distribution %s has no list of values%s; a grid takes values, int_uniform, q_uniform, range or log",
                 of->name, info->name, hint);
        return false;
    }
    /* the numbers */
    if (chosen == TD_DISTRIBUTION_constant) return td_take_bounded(l, at[SPEC_VALUE], of, &domain->minimum);
    if (at[SPEC_VALUES]) {
        if (!read_numbers(l, at[SPEC_VALUES], of, true, &domain->values, &domain->count)) return false;
        return !at[SPEC_PROBABILITIES] || read_probabilities(l, at[SPEC_PROBABILITIES], of, domain);
    }
    bool stepped = chosen == TD_DISTRIBUTION_q_uniform || chosen == TD_DISTRIBUTION_int_uniform;
    td_bounds bound = *of;
    /* a random draw is rounded, so its bounds need not be whole; those of steps are looked at in make_steps() */
    bound.whole = false;
    if (at[SPEC_MIN]) good = td_take_bounded(l, at[SPEC_MIN], &bound, &domain->minimum);
    if (at[SPEC_MAX]) good = td_take_bounded(l, at[SPEC_MAX], &bound, &domain->maximum) && good;
    if (good && at[SPEC_MIN] && !(domain->minimum < domain->maximum)) {
        TD_COMPLAIN(l, at[SPEC_MIN]->place, "%s: min must be less than max", of->name);
        good = false;
    }
    if (chosen == TD_DISTRIBUTION_int_uniform && good) {
        const td_node *wrong = domain->minimum != floor(domain->minimum) ? at[SPEC_MIN]
                               : domain->maximum != floor(domain->maximum) ? at[SPEC_MAX] : NULL;
        if (wrong) {
            TD_COMPLAIN(l, wrong->place, "%s: int_uniform needs whole numbers, found %s", of->name,
                        td_found(wrong, text, sizeof text));
            good = false;
        }
    }
    bool logarithmic = chosen == TD_DISTRIBUTION_log_uniform_values || chosen == TD_DISTRIBUTION_q_log_uniform_values ||
                       chosen == TD_DISTRIBUTION_inv_log_uniform_values;
    if (good && logarithmic && !(domain->minimum > 0)) {
        TD_COMPLAIN(l, at[SPEC_MIN]->place, "%s: min of distribution %s must be above 0", of->name, info->name);
        good = false;
    }
    bool optional, takes_q = td_distribution_takes(info->keys, "q", &optional);
    domain->q = takes_q ? 1 : 0;
    struct {
        int key;
        double *into, low, high;
        const char *unit; /* that of the values, but of shapes alone */
    } shapes[] = {{SPEC_Q, &domain->q, 1e-15, 1e15, of->unit}, {SPEC_MU, &domain->mu, -1e15, 1e15, of->unit},
                  {SPEC_SIGMA, &domain->sigma, 1e-15, 1e15, of->unit}, {SPEC_A, &domain->a, 1e-3, 1e4, NULL},
                  {SPEC_B, &domain->b, 1e-3, 1e4, NULL}};
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        if (!at[shapes[i].key]) continue;
        td_word_at(TD_SPEC_KEYS, shapes[i].key, key);
        td_bounds bounds = {key, shapes[i].low, shapes[i].high, false, shapes[i].unit};
        bool is_good = td_take_bounded(l, at[shapes[i].key], &bounds, shapes[i].into);
        good = good && is_good;
    }
    if (!good) return false;
    if (stepped)
        return make_steps(l, spec->place, of, grid, domain->minimum, domain->maximum,
                          chosen == TD_DISTRIBUTION_int_uniform ? 1 : domain->q,
                          domain);
    if (takes_q) {
        /* where q has too many digits for exact multiples, plain multiplication serves */
        if (!td_steps_make(0, domain->q, domain->q, &domain->steps)) domain->steps = (td_steps){0};
        if (logarithmic && !(floor(domain->maximum / domain->q) * domain->q >= domain->minimum)) {
            TD_COMPLAIN(l, spec->place, "%s: there is no multiple of q between min and max", of->name);
            return false;
        }
    }
    return true;
}

/* Resolves a name, complains when it is unknown, repeated or also set at its key. Returns the value index or -1. */
td_volatility td_chosen_volatility(const td_loader *l) {
    const td_setting *said = &l->settings[TD_KEY_stops_volatility];
    return said->given ? (td_volatility)(TD_VOLATILITY_ATR + said->word) : TD_VOLATILITY_ATR;
}

int td_claim_name(td_loader *l, const char *name, const td_node *at, int *param, int *knob) {
    const td_strategy *strategy = l->config->play.strategy;
    int index = td_space_value_index(strategy, name, param, knob);
    if (index < 0) {
        char near[128], names[1024];
        td_suggest(name, td_nth_name, (void *)strategy, near, sizeof near);
        size_t used = 0;
        names[0] = 0;
        for (int i = 0; i < td_strategy_param_count(strategy); i++)
            used += (size_t)snprintf(names + used, sizeof names - used, "%s%s", i ? ", " : "",
                                     td_strategy_param(strategy, i)->name);
        if (!used) snprintf(names, sizeof names, "none");
        TD_COMPLAIN(l, at->place,
                    "unknown parameter '%.60s'%s%s strategy %s takes %s, and the engine's numbers (commission, stop_loss, ...)",
                        name,
                 near, *near ? "" : ";", td_strategy_name(strategy), names);
        return -1;
    }
    if (l->seen[index]) {
        TD_COMPLAIN(l, at->place, "'%s' is named twice (also as '%s')", name, l->seen[index]->text);
        return -1;
    }
    l->seen[index] = at;
    if (*knob < 0) return index;
    td_play_def *play = &l->config->play;
    if ((*knob == TD_KNOB_commission || *knob == TD_KNOB_maker) && play->tier_count > 0) {
        TD_COMPLAIN(l, at->place, "'%s' cannot be given beside costs.tiers, which say what it is", name);
        return -1;
    }
    if (*knob == TD_KNOB_maker && l->config->kind == TD_TAPE_OF_BARS) play->maker_rate = true;
    if (td_knob_needs_volatility((td_knob)*knob)) play->volatility = td_chosen_volatility(l);
    for (int key = 0; key < TD_KEY_COUNT; key++) {
        bool same = td_key_infos[key].type == TD_TYPE_KNOB && td_key_knob((td_key)key) == (td_knob)*knob;
        bool units = key == TD_KEY_account_units && *knob == TD_KNOB_lot;
        const td_node *other = l->settings[key].key;
        if ((!same && !units) || !l->settings[key].given) continue;
        /* --set must not be without effect */
        if (other->place.source > at->place.source) {
            TD_COMPLAIN(l, other->place, "%s has no effect: '%s' stands under parameters", td_key_infos[key].path, name);
            return -1;
        }
        td_diagnose(l->diagnostics, TD_SEVERITY_WARNING, at->place, "'%s' is also set by %s; what stands under parameters counts",
                    name,
                    td_key_infos[key].path);
    }
    return index;
}

td_bounds td_bounds_of(const td_loader *l, const char *name, int param, int knob) {
    if (param < 0) {
        const td_knob_info *info = td_kind_knob(l->config->kind, (td_knob)knob);
        return (td_bounds){name, info->minimum, info->maximum, td_knob_is_whole((td_knob)knob), info->unit};
    }
    const td_param_info *info = td_strategy_param(l->config->play.strategy, param);
    return (td_bounds){name, info->minimum, info->maximum, info->kind != TD_PARAM_NUMBER, NULL};
}

/* The part of a knob's bounds that the rules below leave. */
static td_bounds ruled_bounds(const td_loader *l, const char *name, int knob) {
    td_bounds of = td_bounds_of(l, name, -1, knob);
    td_sizing sizing = l->config->play.sizing;
    if (knob == TD_KNOB_size && sizing != TD_SIZING_ALL_IN) of.low = DBL_MIN;
    if (knob == TD_KNOB_size && td_size_is_fraction(sizing)) of.high = 1;
    if (knob == TD_KNOB_stop_loss) of.high = nextafter(1, 0);
    return of;
}

bool td_check_knob_rules(td_loader *l, td_place place, const char *name, int knob, double low, double high) {
    char text[32];
    if (knob < 0) return true;
    td_bounds of = ruled_bounds(l, name, knob);
    if (low >= of.low && high <= of.high) return true;
    if (knob == TD_KNOB_stop_loss)
        TD_COMPLAIN(l, place, "%s is %s, must be below 1: the price would have to fall below 0", name, td_write_number(high, text));
    else if (low < of.low)
        TD_COMPLAIN(l, place, "%s is %s, must be above 0", name, td_write_number(low, text));
    else
        TD_COMPLAIN(l, place, "%s is %s, must be at most 1 for sizing %s: a fraction of equity", name,
                    td_write_number(high, text), td_sizing_name(l->config->play.sizing));
    return false;
}

td_axis td_make_axis(const td_loader *l, const char *name, int param, int knob) {
    td_bounds of = param >= 0 ? td_bounds_of(l, name, param, knob) : ruled_bounds(l, name, knob);
    td_axis axis = {.param = param, .knob = knob, .whole = of.whole, .minimum = of.low, .maximum = of.high};
    snprintf(axis.name, sizeof axis.name, "%s", name);
    if (param >= 0) {
        const td_param_info *info = td_strategy_param(l->config->play.strategy, param);
        axis.unit = info->unit;
        axis.text = info->text;
    } else {
        const td_knob_info *info = td_kind_knob(l->config->kind, (td_knob)knob);
        axis.unit = info->unit;
        axis.text = info->text;
    }
    return axis;
}

/* The smallest and the largest value of a domain; nothing for distributions without ends, whose draws are refused one by one. */
static bool ends_of(const td_domain *domain, double *low, double *high) {
    *low = domain->minimum;
    *high = domain->maximum;
    if (domain->distribution == TD_DISTRIBUTION_constant) *high = domain->minimum;
    if (domain->count) {
        *low = td_domain_at(domain, 0);
        *high = td_domain_at(domain, domain->count - 1);
    }
    for (int64_t i = 0; domain->values && i < domain->count; i++) {
        *low = fmin(*low, domain->values[i]);
        *high = fmax(*high, domain->values[i]);
    }
    return domain->count || domain->distribution < TD_DISTRIBUTION_normal;
}

bool td_name_fits(td_loader *l, const char *name, const td_node *at) {
    if (strlen(name) < sizeof((td_axis *)0)->name) return true;
    TD_COMPLAIN(l, at->place, "a name of more than %zu characters", sizeof((td_axis *)0)->name - 1);
    return false;
}

static void read_parameter(td_loader *l, const char *name, const td_node *key, const td_node *spec) {
    int param, knob;
    if (!td_name_fits(l, name, key)) return;
    if (!l->config->play.strategy || td_claim_name(l, name, key, &param, &knob) < 0) return;
    td_bounds of = td_bounds_of(l, name, param, knob);
    td_domain domain;
    if (!read_domain(l, spec, &of, l->space.method, &domain)) {
        td_domain_free(&domain);
        return;
    }
    bool constant = domain.distribution == TD_DISTRIBUTION_constant;
    double low, high;
    if (ends_of(&domain, &low, &high)) td_check_knob_rules(l, spec->place, name, knob, low, high);
    if (constant) {
        *(param >= 0 ? &l->config->base.param[param] : &l->config->base.knob[knob]) = domain.minimum;
        return;
    }
    if (l->space.method == TD_METHOD_LIST) {
        TD_COMPLAIN(l, spec->place, "with method list only constants stand under parameters; %s belongs into the list", name);
        td_domain_free(&domain);
        return;
    }
    if (l->space.axis_count == TD_AXES_MAX) {
        TD_COMPLAIN(l, key->place, "more than %d swept names", TD_AXES_MAX);
        td_domain_free(&domain);
        return;
    }
    l->space.axes[l->space.axis_count] = td_make_axis(l, name, param, knob);
    l->space.domains[l->space.axis_count++] = domain;
}

void td_read_parameters(td_loader *l, const td_node *map, const char *prefix) {
    for (int i = 0; i < map->count; i++) {
        const td_node *key = map->keys[i], *spec = map->values[i];
        char name[256];
        snprintf(name, sizeof name, "%s%s%s", prefix, *prefix ? "." : "", key->text);
        if (!td_is_parameter_group(spec)) {
            read_parameter(l, name, key, spec);
            continue;
        }
        const td_node *inner = spec->values[td_node_find(spec, "parameters")];
        if (spec->count > 1)
            TD_COMPLAIN(l, spec->place, "%s: a group has the key parameters and no other", name);
        else if (inner->kind != TD_NODE_MAP)
            TD_COMPLAIN(l, inner->place, "%s.parameters must be a mapping of names", name);
        else
            td_read_parameters(l, inner, name);
    }
}

void td_sort_axes(td_space_def *space) {
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


static int resolve_name(void *context, const char *name) {
    const td_loader *l = context;
    return td_space_value_index(l->config->play.strategy, name, NULL, NULL);
}

void td_read_constraints(td_loader *l, const td_node *list) {
    td_space_def *space = &l->space;
    if (!l->config->play.strategy || list->count == 0) return;
    space->constraints = calloc((size_t)list->count, sizeof(td_expression *));
    if (!space->constraints) {
        TD_COMPLAIN(l, td_nowhere, "memory ran out for constraints");
        return;
    }
    for (int i = 0; i < list->count; i++) {
        const td_node *node = list->values[i];
        char text[64];
        td_error error;
        td_expression_place where;
        if (node->kind != TD_NODE_SCALAR) {
            TD_COMPLAIN(l, node->place, "a constraint must be an expression such as \"fast < slow\", found %s",
                        td_found(node, text, sizeof text));
            continue;
        }
        td_expression *made;
        if (td_expression_compile(node->text, resolve_name, l, &made, &where, &error) == TD_OK) {
            space->constraints[space->constraint_count++] = made;
            if (td_expression_has_durations(made) && l->config->kind == TD_TAPE_OF_BARS)
                TD_COMPLAIN(l, node->place, "a constraint compares with a duration, but no number of play on bars is one");
            continue;
        }
        char name[128], near[128] = "";
        if (strncmp(error.message, "unknown name", 12) == 0 && where.length < sizeof name) {
            snprintf(name, sizeof name, "%.*s", (int)where.length, node->text + where.offset);
            td_suggest(name, td_nth_name, (void *)l->config->play.strategy, near, sizeof near);
        }
        TD_COMPLAIN(l, td_place_within(node, where), "%s%s", error.message, near);
    }
}
