/* `entry`, `exit` and the like: rules become a strategy (sweeps/rules.h), which is compiled and loaded as a user's file is. */
#include "sweeps/loader.h"

#include <string.h>

#include "sim/plugin.h"

static td_key key_of(td_rule rule) { return (td_key)((int)TD_KEY_entry + (int)rule); }
_Static_assert((int)TD_KEY_exit_short - (int)TD_KEY_entry == (int)TD_RULE_exit_short, "the keys of rules are in the order of td_rule");

static void report(void *context, td_rule rule, td_expression_place where, const char *sentence) {
    td_loader *l = context;
    TD_COMPLAIN(l, td_place_within(l->settings[key_of(rule)].node, where), "%s: %s", td_rule_names[rule], sentence);
}

/* What a name without a value may have been meant to be: the words of rules, then the names that have one. */
typedef struct names {
    const td_node *given;
} names;

static const char *nth_given(void *context, int index) {
    const names *all = context;
    int words = 0;
    while (td_rule_word(words)) words++;
    if (index < words) return td_rule_word(index);
    return all->given && index - words < all->given->count ? all->given->keys[index - words]->text : NULL;
}

static const td_node *map_of(const td_setting *setting, const td_node *root, const char *key) {
    const td_node *node = setting->node;
    int at = td_node_find(root, key);
    if (!node && at >= 0) node = root->values[at];
    return node && node->kind == TD_NODE_MAP ? node : NULL;
}

static void complain_no_value(td_loader *l, const td_rule_param *param) {
    names all = {map_of(&l->settings[TD_KEY_parameters], l->root, "parameters")};
    char near[96];
    td_suggest(param->name, nth_given, &all, near, sizeof near);
    TD_COMPLAIN(l, td_place_within(l->settings[key_of(param->rule)].node, param->place),
                "%s: '%s' is no column, so it is a parameter, and parameters give it no value%s", td_rule_names[param->rule], param->name,
                near);
}

/* Complains about names that cannot have a value, before anything is compiled for them. */
static bool names_have_values(td_loader *l) {
    const td_node *given = map_of(&l->settings[TD_KEY_parameters], l->root, "parameters");
    bool good = true;
    if (td_node_find(l->root, "list") >= 0) return true; /* it may be a file: td_check_rule_values() */
    for (int i = 0; i < l->rules.param_count; i++) {
        if (given && td_node_find(given, l->rules.params[i].name) >= 0) continue;
        complain_no_value(l, &l->rules.params[i]);
        good = false;
    }
    return good;
}

/* Which rules there are: not beside a strategy, and no exit without its entry. */
static bool check_company(td_loader *l) {
    const td_setting *s = l->settings;
    const td_setting *any = NULL;
    for (int r = 0; r < TD_RULE_COUNT; r++)
        if (s[key_of((td_rule)r)].key && !any) any = &s[key_of((td_rule)r)];
    if (!any && l->source_only)
        TD_COMPLAIN(l, s[TD_KEY_strategy].key ? s[TD_KEY_strategy].key->place : td_nowhere,
                    "there is no source to print: the configuration has no rules (entry, exit, entry_short, exit_short)");
    if (!any) return false;
    if (s[TD_KEY_strategy].key) {
        TD_COMPLAIN(l, any->key->place, "'%s' stands in place of a strategy, and 'strategy' is given as well: leave one of them out",
                    any->key->text);
        return false;
    }
    bool good = true;
    for (int r = TD_RULE_exit; r < TD_RULE_COUNT; r += 2) {
        const td_setting *exit = &s[key_of((td_rule)r)];
        if (!exit->key || s[key_of((td_rule)(r - 1))].key) continue;
        TD_COMPLAIN(l, exit->key->place, "'%s' has nothing to leave: the key '%s' is missing", td_rule_names[r], td_rule_names[r - 1]);
        good = false;
    }
    return good;
}

void td_read_rules(td_loader *l) {
    const char *texts[TD_RULE_COUNT] = {NULL};
    td_error error = {""};
    if (!check_company(l)) return;
    for (int r = 0; r < TD_RULE_COUNT; r++) {
        const td_setting *setting = &l->settings[key_of((td_rule)r)];
        if (setting->key && !setting->given) return; /* reported */
        if (setting->given) texts[r] = setting->node->text;
    }
    td_status status = td_rules_make(texts, report, l, &l->rules, &error);
    if (status != TD_OK) {
        if (!td_diagnostics_errors(l->diagnostics)) TD_COMPLAIN(l, td_nowhere, "%s", error.message);
        return;
    }
    memcpy(l->config->rules, l->rules.text, sizeof l->rules.text);
    memset(l->rules.text, 0, sizeof l->rules.text);
    if (l->source_only || !names_have_values(l)) return;
    status = td_plugin_load_text("rules", l->rules.source, l->talk, &l->config->play.strategy, &error);
    if (status == TD_OK) return;
    td_rule first = texts[TD_RULE_entry] ? TD_RULE_entry : TD_RULE_entry_short;
    TD_COMPLAIN(l, l->settings[key_of(first)].key->place, "rules are compiled, and that failed: %s", error.message);
}

void td_check_rule_values(td_loader *l) {
    if (!l->config->play.strategy || td_diagnostics_errors(l->diagnostics)) return;
    for (int i = 0; i < l->rules.param_count; i++)
        if (!l->seen[TD_KNOB_COUNT + i]) complain_no_value(l, &l->rules.params[i]);
}
