/* From text to td_config: parse, put --set values in, match keys with the schema, read what each means, check what can be checked
 * without the tape, make the search space, write the canonical form.
 *
 * Nothing stops at the first error: every step reports what it finds and goes on with defaults, and a configuration comes out
 * only when nothing was reported. */
#include "sweeps/config.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sim/plugin.h"
#include "sweeps/loader.h"
#include "sweeps/scalars.h"
#include "sweeps/schema.h"

/* --- matching keys with the schema --- */

/* Where a key is looked for: a group's keys that have a meaning for what the strategy plays. */
typedef struct group_keys {
    const char *group;
    td_tape_kind kind;
} group_keys;

static const char *nth_key_of_group(void *context, int index) {
    const group_keys *keys = context;
    for (int key = 0; key < TD_KEY_COUNT; key++)
        if (td_key_in_group((td_key)key, keys->group) && td_key_is_of((td_key)key, keys->kind) && index-- == 0) return td_key_leaf((td_key)key);
    return NULL;
}

/* The same without what only W&B has. */
static const char *nth_own_key_of_group(void *context, int index) {
    const group_keys *keys = context;
    for (int key = 0; key < TD_KEY_COUNT; key++)
        if (td_key_infos[key].type != TD_TYPE_IGNORED && td_key_in_group((td_key)key, keys->group) && td_key_is_of((td_key)key, keys->kind) &&
            index-- == 0)
            return td_key_leaf((td_key)key);
    return NULL;
}

static const char *nth_strategy(void *context, int index) {
    (void)context;
    return index < td_strategy_count() ? td_strategy_name(td_strategy_at(index)) : NULL;
}

static const char *nth_metric(void *context, int index) {
    const td_tape_kind_info *kind = context;
    return index < kind->metric_count ? td_metric_infos[kind->metrics[index]].name : NULL;
}

static void walk_group(td_loader *l, const td_node *map, const char *group);

/* Complains that a key must be something else unless it is good, which is returned. */
static bool expect(td_loader *l, bool good, const char *path, const td_node *node, const char *what) {
    char text[64];
    if (!good) TD_COMPLAIN(l, node->place, "%s must be %s, found %s", path, what, td_found(node, text, sizeof text));
    return good;
}

static bool is_text(const td_node *node) { return node->kind == TD_NODE_SCALAR && !td_node_is_null(node); }

/* As written when absolute or there; else beside the configuration. */
static char *find_file(const char *configuration, const char *path) {
    return access(path, F_OK) == 0 ? strdup(path) : td_path_beside(configuration, path);
}

/* A user's own strategy: the path of its C file, or what the canonical form calls a loaded one, name@digest. */
static const td_strategy *read_own_strategy(td_loader *l, const td_node *node) {
    const td_strategy *strategy = NULL;
    const char *at = strchr(node->text, '@');
    char name[64];
    td_error error = {""};
    if (at && at - node->text < (int)sizeof name) {
        snprintf(name, sizeof name, "%.*s", (int)(at - node->text), node->text);
        strategy = td_plugin_find(name, at + 1);
    }
    if (strategy || !td_plugin_is_path(node->text)) return strategy;
    free(l->config->strategy);
    l->config->strategy = find_file(l->path, node->text);
    if (!l->config->strategy)
        TD_COMPLAIN(l, node->place, "memory ran out");
    else if (td_plugin_load(l->config->strategy, NULL, l->talk, &strategy, &error) != TD_OK)
        TD_COMPLAIN(l, node->place, "%s", error.message);
    return strategy;
}

static bool read_strategy(td_loader *l, const td_node *node) {
    char names[512], near[64];
    if (!expect(l, is_text(node), "strategy", node, "a name, or the path of a C file")) return false;
    l->config->play.strategy = td_strategy_find(node->text);
    if (!l->config->play.strategy) l->config->play.strategy = read_own_strategy(l, node);
    if (l->config->play.strategy || td_plugin_is_path(node->text)) return l->config->play.strategy;
    td_list_names(nth_strategy, NULL, names, sizeof names);
    td_suggest(node->text, nth_strategy, NULL, near, sizeof near);
    TD_COMPLAIN(l, node->place, "unknown strategy '%.40s'; there are %s%s", node->text, names, near);
    return false;
}

static bool read_metric(td_loader *l, const td_node *node, int *metric) {
    char text[64], near[64] = "";
    const td_tape_kind_info *kind = &td_tape_kind_infos[l->config->kind];
    *metric = node->kind == TD_NODE_SCALAR ? td_kind_find_metric(l->config->kind, node->text) : -1;
    if (*metric >= 0) return true;
    if (node->kind == TD_NODE_SCALAR) td_suggest(node->text, nth_metric, (void *)kind, near, sizeof near);
    TD_COMPLAIN(l, node->place, "unknown metric %s%s", td_found(node, text, sizeof text),
                *near ? near : "; there are sharpe, sortino, total_return, max_drawdown and more, see docs/metrics.md");
    return false;
}

/* A path; of order books also several, with or without names. */
static bool read_tapes(td_loader *l, const td_node *node) {
    bool books = l->config->kind == TD_TAPE_OF_BOOKS;
    if (is_text(node)) return true;
    if (!expect(l, books && node->kind != TD_NODE_SCALAR && node->count > 0, "tape", node,
                books ? "a path, a list of paths or a mapping of names to paths" : "a text"))
        return false;
    for (int i = 0; i < node->count; i++)
        if (!expect(l, is_text(node->values[i]), "a tape", node->values[i], "a path")) return false;
    if (node->count <= TD_VENUES_MAX) return true;
    TD_COMPLAIN(l, node->place, "tape: %d venues, there may be at most %d", node->count, TD_VENUES_MAX);
    return false;
}

static bool read_sample(td_loader *l, const td_key_info *info, const td_node *node, td_setting *s) {
    char text[64], near[64] = "";
    s->word = node->kind == TD_NODE_SCALAR ? td_word_find(info->words, node->text) : -1;
    if (s->word >= 0) return true;
    if (node->kind == TD_NODE_SCALAR && !node->quoted && td_reads_integer(node->text))
        return td_take_integer(l, node, info->path, info->minimum, info->maximum, &s->integer);
    if (node->kind == TD_NODE_SCALAR) td_suggest(node->text, td_nth_word, (void *)info->words, near, sizeof near);
    char words[128];
    td_list_names(td_nth_word, (void *)info->words, words, sizeof words);
    TD_COMPLAIN(l, node->place, "%s must be %s or a number of bars, found %s%s", info->path, words, td_found(node, text, sizeof text), near);
    return false;
}

/* Reads what a key was given; true when it says something and that could be read. */
static bool read_value(td_loader *l, td_key key, const td_node *node, td_setting *s) {
    const td_key_info *info = &td_key_infos[key];
    bool scalar = node->kind == TD_NODE_SCALAR;
    switch (info->type) {
    case TD_TYPE_GROUP:
        if (!td_node_is_null(node) && expect(l, node->kind == TD_NODE_MAP, info->path, node, "a mapping"))
            walk_group(l, node, info->path);
        return false;
    case TD_TYPE_TEXT: return expect(l, is_text(node), info->path, node, "a text");
    case TD_TYPE_TAPES: return read_tapes(l, node);
    case TD_TYPE_TIME: {
        td_bounds of = {info->path, info->minimum, info->maximum, true, "ns"};
        return td_take_bounded(l, node, &of, &s->number);
    }
    case TD_TYPE_VENUES: {
        bool good = node->kind == TD_NODE_LIST && node->count > 0;
        for (int i = 0; good && i < node->count; i++) good = node->values[i]->kind == TD_NODE_MAP;
        return expect(l, good, info->path, node, "a list of mappings such as [{maker: -0.00005}, {latency: 2ms}]");
    }
    case TD_TYPE_CHOICE: return td_take_word(l, node, info->path, info->words, &s->word);
    case TD_TYPE_BOOL:
        s->word = td_is_word(node, "true");
        return expect(l, !node->quoted && (s->word || td_is_word(node, "false")), info->path, node, "true or false");
    case TD_TYPE_INTEGER: return td_take_integer(l, node, info->path, info->minimum, info->maximum, &s->integer);
    case TD_TYPE_NUMBER:
    case TD_TYPE_KNOB: {
        td_bounds of = {info->path, info->minimum, info->maximum, false, NULL};
        if (info->type == TD_TYPE_KNOB) of = td_bounds_of(l, info->path, -1, (int)td_key_knob(key));
        return td_take_bounded(l, node, &of, &s->number);
    }
    case TD_TYPE_BYTES:
        if (td_is_word(node, "none")) return false;
        return expect(l, scalar && td_read_bytes(node->text, &s->integer), info->path, node,
                      "a size such as 2GB or 512MiB, or none");
    case TD_TYPE_DURATION:
        if (td_is_word(node, "none")) return false;
        return expect(l, scalar && td_read_duration(node->text, &s->number), info->path, node,
                      "a duration such as 90s, 30m or 1h30m, or none");
    case TD_TYPE_DATE:
        return expect(l, scalar && td_read_date(node->text, &s->integer), info->path, node,
                      "a date such as 2024-03-01 or 2024-03-01T12:30:00Z (UTC, 1678 to 2261)");
    case TD_TYPE_HOURS:
        if (td_is_word(node, "always")) return false;
        return expect(l, scalar && td_read_hours(node->text, &s->integer), info->path, node,
                      "times of the day such as 08:00-16:30 (UTC), or always");
    case TD_TYPE_STRATEGY: return read_strategy(l, node);
    case TD_TYPE_RULE: return expect(l, is_text(node), info->path, node, "a condition such as \"close > sma(close, 20)\"");
    case TD_TYPE_METRIC: return read_metric(l, node, &s->word);
    case TD_TYPE_UNITS:
        if (scalar) return td_take_word(l, node, info->path, info->words, &s->word);
        if (expect(l, node->kind == TD_NODE_MAP, info->path, node, "whole, fractional or {lot: number}"))
            walk_group(l, node, info->path);
        return false;
    case TD_TYPE_SAMPLE: return read_sample(l, info, node, s);
    case TD_TYPE_PARAMETERS:
        return !td_node_is_null(node) && expect(l, node->kind == TD_NODE_MAP, info->path, node, "a mapping of names");
    case TD_TYPE_CONSTRAINTS:
        return !td_node_is_null(node) &&
               expect(l, node->kind == TD_NODE_LIST, info->path, node, "a list such as [\"fast < slow\"]");
    case TD_TYPE_LIST:
        return expect(l, node->kind == TD_NODE_LIST || is_text(node), info->path, node,
                      "a list of mappings or the path of a CSV file");
    case TD_TYPE_NAMES: {
        char what[96];
        snprintf(what, sizeof what, "a list of names%s%s", *info->words ? ", or " : "", info->words);
        bool good = is_text(node) || (node->kind == TD_NODE_LIST && node->count > 0);
        for (int i = 0; good && node->kind == TD_NODE_LIST && i < node->count; i++) good = is_text(node->values[i]);
        return expect(l, good, info->path, node, what);
    }
    case TD_TYPE_WEIGHTS:
        if (scalar) return td_take_word(l, node, info->path, info->words, &s->word);
        return expect(l, node->kind == TD_NODE_MAP && node->count > 0, info->path, node,
                      "equal, or a mapping of symbols to numbers such as {BTCUSDT: 0.5, ETHUSDT: 0.3}");
    case TD_TYPE_TIERS: {
        bool good = node->kind == TD_NODE_LIST && node->count > 0;
        for (int i = 0; good && i < node->count; i++) good = node->values[i]->kind == TD_NODE_MAP;
        return expect(l, good, info->path, node, "a list such as [{volume: 0, commission: 0.001}, {volume: 1e6, commission: 0.0008}]");
    }
    case TD_TYPE_IGNORED: return true;
    }
    return false;
}

static void read_setting(td_loader *l, td_key key, const td_node *name, const td_node *node) {
    td_setting *s = &l->settings[key];
    s->key = name;
    s->node = node;
    s->given = read_value(l, key, node, s);
}

/* An unknown key: where it belongs, or the nearest one in its group, or what there is. */
static void complain_unknown(td_loader *l, const td_node *key, const char *group) {
    char hint[1152] = "";
    const td_strategy *strategy = l->config->play.strategy;
    group_keys keys = {group, l->config->kind};
    int param = -1;
    if (strategy) td_space_value_index(strategy, key->text, &param, NULL);
    for (int i = 0; i < TD_KEY_COUNT && !*hint; i++)
        if (strcmp(td_key_leaf((td_key)i), key->text) == 0 && td_key_is_of((td_key)i, l->config->kind))
            snprintf(hint, sizeof hint, "; did you mean '%s'%s?", td_key_infos[i].path, *group &&
                     td_key_in_group((td_key)i, "") ? " at the top level" : "");
    if (!*hint && param >= 0) snprintf(hint, sizeof hint, "; did you mean 'parameters.%s'?", key->text);
    if (!*hint) td_suggest(key->text, nth_key_of_group, &keys, hint, sizeof hint);
    if (!*hint) {
        int used = snprintf(hint, sizeof hint, "; there are ");
        td_list_names(nth_own_key_of_group, &keys, hint + used, sizeof hint - (size_t)used);
    }
    TD_COMPLAIN(l, key->place, "unknown key '%.60s'%s%s%s", key->text, *group ? " in " : "", group, hint);
}

/* A key that means nothing for what the strategy plays. */
static void complain_other_kind(td_loader *l, td_key key, const td_node *node) {
    const td_strategy *strategy = l->config->play.strategy;
    td_tape_kind kind = l->config->kind, other = kind == TD_TAPE_OF_BARS ? TD_TAPE_OF_BOOKS : TD_TAPE_OF_BARS;
    if (strategy) /* else that it could not be read was reported, and what it plays is not known */
        TD_COMPLAIN(l, node->place, "%s is of play on %s, and strategy %s plays %s", td_key_infos[key].path, td_tape_kind_infos[other].name,
                    td_strategy_name(strategy), td_tape_kind_infos[kind].name);
}

static void walk_group(td_loader *l, const td_node *map, const char *group) {
    for (int i = 0; i < map->count; i++) {
        int key = 0;
        while (key < TD_KEY_COUNT &&
               !(td_key_in_group((td_key)key, group) && strcmp(td_key_leaf((td_key)key), map->keys[i]->text) == 0))
            key++;
        if (key == TD_KEY_COUNT)
            complain_unknown(l, map->keys[i], group);
        else if (!td_key_is_of((td_key)key, l->config->kind))
            complain_other_kind(l, (td_key)key, map->keys[i]);
        else if (!l->settings[key].key) /* a repeated key was reported by the parser */
            read_setting(l, (td_key)key, map->keys[i], map->values[i]);
    }
}


/* --- putting it together --- */

static void note_ignored(td_loader *l) {
    char names[512];
    size_t used = 0;
    td_place place = td_nowhere;
    for (int key = 0; key < TD_KEY_COUNT; key++) {
        const td_setting *s = &l->settings[key];
        if (td_key_infos[key].type != TD_TYPE_IGNORED || !s->given || key == TD_KEY_early_terminate) continue;
        if (!used) place = s->key->place;
        used += (size_t)snprintf(names + used, sizeof names - used, "%s%s", used ? ", " : "", td_key_infos[key].path);
    }
    if (used) td_diagnose(l->diagnostics, TD_SEVERITY_NOTE, place, "accepted without effect, as of W&B: %s", names);
    if (l->settings[TD_KEY_early_terminate].given)
        td_diagnose(l->diagnostics, TD_SEVERITY_NOTE, l->settings[TD_KEY_early_terminate].key->place,
                    "early_terminate is not applied yet: every parameter set plays to its end");
}

/* The bars that are walked through. Whether they fit into the others is seen when the tape is there (sweeps/markets.h). */
static void read_execution(td_loader *l) {
    const td_node *node = l->settings[TD_KEY_execution_interval].node;
    int64_t interval_ns = td_interval_ns(node->text);
    if (interval_ns == 0 || strlen(node->text) >= sizeof ((td_tape *)0)->interval) {
        TD_COMPLAIN(l, node->place, "execution_interval: '%.40s' is no interval; expected a number and s, m, h, d or w, as in 1m, 15m, 1h",
                    node->text);
        return;
    }
    if (l->config->play.profile != TD_PROFILE_TAPEDECK) {
        TD_COMPLAIN(l, node->place, "execution_interval is of profile tapedeck: the others look at a bar as a whole");
        return;
    }
    l->config->play.execution_ns = interval_ns;
    l->config->execution = strdup(node->text);
    if (!l->config->execution) TD_COMPLAIN(l, node->place, "memory ran out");
}

static void read_tier(td_loader *l, const td_node *map, td_tier *tier) {
    static const char keys[] = "volume commission maker";
    enum { VOLUME, COMMISSION, MAKER };
    double number[] = {NAN, NAN, NAN};
    for (int i = 0; i < map->count; i++) {
        char near[64] = "";
        const td_node *key = map->keys[i], *value = map->values[i];
        int which = td_word_find(keys, key->text);
        if (which < 0) {
            td_suggest(key->text, td_nth_word, (void *)keys, near, sizeof near);
            TD_COMPLAIN(l, key->place, "costs.tiers: unknown key '%.40s'%s", key->text, *near ? near : "; there are volume, commission, maker");
            return;
        }
        if (!td_take_number(l, value, key->text, &number[which])) return;
    }
    for (int which = VOLUME; which <= COMMISSION; which++)
        if (isnan(number[which])) {
            char word[32];
            TD_COMPLAIN(l, map->place, "costs.tiers: a tier needs %s", td_word_at(keys, which, word));
            return;
        }
    *tier = (td_tier){number[VOLUME], number[COMMISSION], isnan(number[MAKER]) ? number[COMMISSION] : number[MAKER]};
}

static void read_tiers(td_loader *l) {
    const td_setting *s = l->settings;
    const td_node *list = s[TD_KEY_costs_tiers].node;
    td_play_def *play = &l->config->play;
    td_error error;
    int tier, errors = td_diagnostics_errors(l->diagnostics);
    if (s[TD_KEY_costs_tier_days].given) play->tier_days = (int32_t)s[TD_KEY_costs_tier_days].integer;
    if (!s[TD_KEY_costs_tiers].given) return;
    const td_key instead[] = {TD_KEY_costs_commission, TD_KEY_costs_maker};
    for (int i = 0; i < 2; i++)
        if (s[instead[i]].key)
            TD_COMPLAIN(l, s[instead[i]].key->place, "%s cannot be given beside costs.tiers, which say what it is", td_key_infos[instead[i]].path);
    play->tier_count = list->count;
    for (int i = 0; i < list->count && i < TD_TIERS_MAX; i++) read_tier(l, list->values[i], &play->tiers[i]);
    if (td_diagnostics_errors(l->diagnostics) == errors && td_check_tiers(play, &tier, &error) != TD_OK)
        TD_COMPLAIN(l, tier < 0 ? list->place : list->values[tier]->place, "%s", error.message);
}

/* The group of profile vectorbt. */
static void read_vectorbt(td_loader *l) {
    const td_setting *s = l->settings;
    td_vectorbt_def *def = &l->config->play.vectorbt;
    for (int key = 0; key < TD_KEY_COUNT && l->config->play.profile != TD_PROFILE_VECTORBT; key++)
        if (td_key_in_group((td_key)key, "vectorbt") && s[key].given) {
            TD_COMPLAIN(l, s[key].key->place, "%s is of profile vectorbt, and the profile is %s", td_key_infos[key].path,
                        td_profile_name(l->config->play.profile));
            return;
        }
    if (s[TD_KEY_vectorbt_accumulate].given) def->accumulate = (td_accumulation)s[TD_KEY_vectorbt_accumulate].word;
    if (s[TD_KEY_vectorbt_upon_opposite_entry].given) def->upon_opposite_entry = (td_upon)s[TD_KEY_vectorbt_upon_opposite_entry].word;
    if (s[TD_KEY_vectorbt_stop_entry_price].given)
        def->stop_entry_price = (td_stop_entry_price)s[TD_KEY_vectorbt_stop_entry_price].word;
    if (s[TD_KEY_vectorbt_stop_exit_price].given) def->stop_exit_price = (td_stop_exit_price)s[TD_KEY_vectorbt_stop_exit_price].word;
    if (s[TD_KEY_vectorbt_upon_stop_exit].given)
        def->upon_stop_exit = (td_upon)(s[TD_KEY_vectorbt_upon_stop_exit].word + TD_UPON_CLOSE);
    if (s[TD_KEY_vectorbt_upon_stop_update].given) def->keep_stops = s[TD_KEY_vectorbt_upon_stop_update].word;
    if (s[TD_KEY_vectorbt_lock_cash].given) def->lock_cash = s[TD_KEY_vectorbt_lock_cash].word;
    if (s[TD_KEY_vectorbt_allow_partial].given) def->whole = !s[TD_KEY_vectorbt_allow_partial].word;
    if (s[TD_KEY_vectorbt_min_size].given) def->min_size = s[TD_KEY_vectorbt_min_size].number;
    if (s[TD_KEY_vectorbt_max_size].given) def->max_size = s[TD_KEY_vectorbt_max_size].number;
    if (!(def->max_size > 0)) TD_COMPLAIN(l, s[TD_KEY_vectorbt_max_size].node->place, "vectorbt.max_size is 0, must be above 0");
}

static void read_play(td_loader *l) {
    const td_setting *s = l->settings;
    td_config *c = l->config;
    td_play_def *play = &c->play;
    if (s[TD_KEY_profile].given) play->profile = (td_profile)s[TD_KEY_profile].word;
    if (play->profile == TD_PROFILE_VECTORBT) play->fill_at = TD_FILL_CLOSE;
    read_vectorbt(l);
    if (s[TD_KEY_fill_at].given) play->fill_at = (td_fill_at)s[TD_KEY_fill_at].word;
    if (s[TD_KEY_fill_delay].given) play->fill_delay = s[TD_KEY_fill_delay].integer;
    if (s[TD_KEY_intrabar].given) play->intrabar = (td_intrabar)s[TD_KEY_intrabar].word;
    if (s[TD_KEY_execution_interval].given) read_execution(l);
    read_tiers(l);
    if (s[TD_KEY_envelope].given) c->envelope = s[TD_KEY_envelope].word;
    if (c->envelope && play->profile != TD_PROFILE_TAPEDECK)
        TD_COMPLAIN(l, s[TD_KEY_envelope].node->place, "envelope is of profile tapedeck: the others know one way through a bar");
    if (s[TD_KEY_risk_hours].given) {
        play->hours_from = (int32_t)(s[TD_KEY_risk_hours].integer / TD_MINUTES_OF_DAY);
        play->hours_to = (int32_t)(s[TD_KEY_risk_hours].integer % TD_MINUTES_OF_DAY);
    }
    if (s[TD_KEY_account_sizing].given) play->sizing = (td_sizing)s[TD_KEY_account_sizing].word;
    if (s[TD_KEY_direction].given) play->direction = (td_direction)s[TD_KEY_direction].word;
    if (s[TD_KEY_finalize].given) play->finalize = s[TD_KEY_finalize].word;
    if (s[TD_KEY_metrics_sample].given)
        play->sample_bars = s[TD_KEY_metrics_sample].word < 0 ? s[TD_KEY_metrics_sample].integer : s[TD_KEY_metrics_sample].word;
    if (s[TD_KEY_metrics_blocks].given) play->blocks = s[TD_KEY_metrics_blocks].integer;
    if (s[TD_KEY_metrics_risk_free].given) play->risk_free = s[TD_KEY_metrics_risk_free].number;
    if (s[TD_KEY_metrics_required_return].given) play->required_return = s[TD_KEY_metrics_required_return].number;
    if (s[TD_KEY_metrics_periods_per_year].given) play->periods_per_year = s[TD_KEY_metrics_periods_per_year].number;
    c->from_ns = s[TD_KEY_period_from].given ? s[TD_KEY_period_from].integer : INT64_MIN;
    c->to_ns = s[TD_KEY_period_to].given ? s[TD_KEY_period_to].integer : INT64_MAX;
    if (c->from_ns >= c->to_ns) TD_COMPLAIN(l, s[TD_KEY_period_to].node->place, "period.to must be after period.from");
    c->seed = s[TD_KEY_seed].given ? (uint64_t)s[TD_KEY_seed].integer : 1;
    c->memory_limit = s[TD_KEY_limits_memory].given ? s[TD_KEY_limits_memory].integer : 0;
    c->wall_limit = s[TD_KEY_limits_wall].given ? s[TD_KEY_limits_wall].number : 0;
    /* ranking */
    const td_node *metric = s[TD_KEY_metric_name].node;
    c->metric = s[TD_KEY_metric_name].given ? s[TD_KEY_metric_name].word : TD_METRIC_sharpe;
    c->goal = s[TD_KEY_metric_goal].given ? (s[TD_KEY_metric_goal].word ? -1 : +1) : td_metric_infos[c->metric].better;
    if (!c->goal) TD_COMPLAIN(l, metric->place, "neither end of %s is better; say metric.goal", td_metric_infos[c->metric].name);
}

/* Paths and names of the venues. */
static void find_tapes(td_loader *l) {
    td_config *c = l->config;
    const td_node *node = l->settings[TD_KEY_tape].node;
    const td_node *const *items = is_text(node) ? &node : (const td_node *const *)node->values;
    int count = is_text(node) ? 1 : node->count;
    c->tape = find_file(l->path, items[0]->text);
    bool good = c->tape;
    for (int v = 0; c->kind == TD_TAPE_OF_BOOKS && v < count; v++) {
        c->tapes[v] = find_file(l->path, items[v]->text);
        if (node->kind == TD_NODE_MAP) c->venue_names[v] = strdup(node->keys[v]->text);
        good = good && c->tapes[v] && (node->kind != TD_NODE_MAP || c->venue_names[v]);
    }
    if (!good) TD_COMPLAIN(l, td_nowhere, "memory ran out");
}

/* What a venue has in place of what costs and book say. */
static void read_venue(td_loader *l, const td_node *map, td_venue_def *venue) {
    const char *words = td_key_infos[TD_KEY_venues].words;
    double *into[] = {&venue->maker, &venue->taker, &venue->latency, &venue->entry_latency, &venue->response_latency};
    for (int i = 0; i < map->count; i++) {
        const td_node *key = map->keys[i];
        int which = td_word_find(words, key->text);
        if (which < 0) {
            char near[64], names[256];
            td_suggest(key->text, td_nth_word, (void *)words, near, sizeof near);
            td_list_names(td_nth_word, (void *)words, names, sizeof names);
            TD_COMPLAIN(l, key->place, "venues: unknown key '%.40s'; there are %s%s", key->text, names, near);
            continue;
        }
        td_bounds of = td_bounds_of(l, key->text, -1, td_kind_find_knob(TD_TAPE_OF_BOOKS, key->text));
        td_take_bounded(l, map->values[i], &of, into[which]);
    }
}

static void read_latency_rows(td_loader *l) {
    const td_setting *rows = &l->settings[TD_KEY_book_latency_rows];
    td_config *c = l->config;
    td_latency_row *read = NULL;
    td_error error = {"memory ran out"};
    if (!rows->given) return;
    c->latency_rows = find_file(l->path, rows->node->text);
    if (!c->latency_rows || td_latency_rows_read(c->latency_rows, &read, &c->play.book.latency_row_count, &error) != TD_OK)
        TD_COMPLAIN(l, rows->node->place, "%s", error.message);
    c->play.book.latency_rows = read;
}

/* The groups of play on order books. */
static void read_book(td_loader *l) {
    const td_setting *s = l->settings;
    td_config *c = l->config;
    td_book_def *book = &c->play.book;
    const td_node *tape = s[TD_KEY_tape].node;
    if (c->kind != TD_TAPE_OF_BOOKS) return;
    book->venue_count = !s[TD_KEY_tape].given ? 0 : is_text(tape) ? 1 : tape->count;
    book->seed = c->seed;
    book->from_ns = c->from_ns;
    book->to_ns = c->to_ns;
    if (s[TD_KEY_instrument_contract].given) c->instrument.contract = (td_contract)s[TD_KEY_instrument_contract].word;
    c->contract_given = s[TD_KEY_instrument_contract].given;
    if (s[TD_KEY_instrument_multiplier].given) c->instrument.multiplier = s[TD_KEY_instrument_multiplier].number;
    if (s[TD_KEY_book_mode].given) book->mode = (td_book_mode)s[TD_KEY_book_mode].word;
    if (s[TD_KEY_book_clock].given) book->clock_ns = (int64_t)s[TD_KEY_book_clock].number;
    if (s[TD_KEY_book_order_limit].given) book->order_limit = s[TD_KEY_book_order_limit].integer;
    if (s[TD_KEY_book_in_flight_limit].given) book->in_flight_limit = s[TD_KEY_book_in_flight_limit].integer;
    if (s[TD_KEY_book_consume].given) book->consume = s[TD_KEY_book_consume].word;
    if (s[TD_KEY_book_sample].given) book->sample_ns = (int64_t)s[TD_KEY_book_sample].number;
    if (s[TD_KEY_book_days_per_year].given) book->days_per_year = s[TD_KEY_book_days_per_year].number;
    if (s[TD_KEY_book_latency_rows_offset].given) book->latency_row_offset_ns = (int64_t)s[TD_KEY_book_latency_rows_offset].number;
    if (s[TD_KEY_costs_fees].given) book->fees = (td_fee_kind)s[TD_KEY_costs_fees].word;
    read_latency_rows(l);
    for (int v = 0; v < book->venue_count; v++)
        book->venues[v] = (td_venue_def){.maker = NAN, .taker = NAN, .latency = NAN, .entry_latency = NAN, .response_latency = NAN};
    const td_node *venues = s[TD_KEY_venues].node;
    if (s[TD_KEY_venues].given && venues->count != book->venue_count && s[TD_KEY_tape].given)
        TD_COMPLAIN(l, venues->place, "venues has %d, but there %s %d tape%s", venues->count, book->venue_count == 1 ? "is" : "are",
                    book->venue_count, book->venue_count == 1 ? "" : "s");
    for (int v = 0; s[TD_KEY_venues].given && v < venues->count && v < book->venue_count; v++)
        read_venue(l, venues->values[v], &book->venues[v]);
}

/* Knobs at their keys; the rest of the set is defaults until parameters are read. */
static void read_knobs(td_loader *l) {
    const td_setting *s = l->settings;
    td_config *c = l->config;
    if (c->play.strategy)
        c->base = td_default_set(c->play.strategy);
    else
        for (int i = 0; i < TD_KNOB_COUNT; i++) c->base.knob[i] = td_knob_infos[i].preset;
    c->base.knob[TD_KNOB_lot] = c->play.profile == TD_PROFILE_BACKTESTING ? 1 : td_knob_infos[TD_KNOB_lot].preset;
    if (c->play.profile == TD_PROFILE_BACKTESTING) c->base.knob[TD_KNOB_pyramiding] = td_knob_infos[TD_KNOB_pyramiding].maximum;
    if (s[TD_KEY_account_units].given) c->base.knob[TD_KNOB_lot] = s[TD_KEY_account_units].word == 0 ? 1 : 0;
    for (int key = 0; key < TD_KEY_COUNT; key++)
        if (td_key_infos[key].type == TD_TYPE_KNOB && s[key].given) c->base.knob[td_key_knob((td_key)key)] = s[key].number;
    if (c->kind == TD_TAPE_OF_BARS) c->play.maker_rate = s[TD_KEY_costs_maker].given;
    bool needed = c->play.sizing == TD_SIZING_VOLATILITY;
    for (int i = 0; i < TD_KNOB_BARS_COUNT; i++) needed = needed || (td_knob_needs_volatility((td_knob)i) && c->base.knob[i] != 0);
    if (needed) c->play.volatility = td_chosen_volatility(l);
    for (int key = 0; key < TD_KEY_COUNT; key++)
        if (td_key_infos[key].type == TD_TYPE_KNOB && s[key].given)
            td_check_knob_rules(l, s[key].node->place, td_key_infos[key].path, (int)td_key_knob((td_key)key), s[key].number,
                                s[key].number);
    if (c->play.sizing == TD_SIZING_ALL_IN && c->base.knob[TD_KNOB_size] != td_knob_infos[TD_KNOB_size].preset)
        td_diagnose(l->diagnostics, TD_SEVERITY_WARNING, s[TD_KEY_account_size].key->place,
                    "account.size has no effect with sizing all_in");
}

/* Is a name good under the key, and another one than `before`? Complains when it is not. */
static bool check_name(td_loader *l, td_key key, const td_node *node, const td_node *before) {
    const char *path = td_key_infos[key].path;
    bool intervals = key == TD_KEY_intervals;
    if (intervals && (td_interval_ns(node->text) == 0 || strlen(node->text) >= sizeof ((td_tape *)0)->interval)) {
        TD_COMPLAIN(l, node->place, "%s: '%.40s' is no interval; expected a number and s, m, h, d or w, as in 15m, 4h, 1d", path,
                    node->text);
        return false;
    }
    if (!intervals && (!*node->text || strlen(node->text) >= TD_SYMBOL_MAX)) {
        TD_COMPLAIN(l, node->place, "%s: '%.80s' has %zu bytes, a symbol has 1 to %d", path, node->text, strlen(node->text),
                    TD_SYMBOL_MAX - 1);
        return false;
    }
    if (!before) return true;
    bool same = intervals ? td_interval_ns(node->text) == td_interval_ns(before->text) : strcmp(node->text, before->text) == 0;
    if (!same) return true;
    if (strcmp(node->text, before->text) == 0)
        TD_COMPLAIN(l, node->place, "%s: '%s' is named twice", path, node->text);
    else
        TD_COMPLAIN(l, node->place, "%s: '%s' is '%s' again", path, node->text, before->text);
    return false;
}

/* The names of a list, or the single one, copied. */
static void read_names(td_loader *l, td_key key, char ***names, int *count) {
    const td_node *node = l->settings[key].node;
    const td_node *const *items = node->kind == TD_NODE_LIST ? (const td_node *const *)node->values : &node;
    int all = node->kind == TD_NODE_LIST ? node->count : 1;
    *names = calloc((size_t)all, sizeof **names);
    for (int i = 0; *names && i < all; i++) {
        bool good = check_name(l, key, items[i], NULL);
        for (int j = 0; good && j < i; j++) good = check_name(l, key, items[i], items[j]);
        (*names)[i] = strdup(items[i]->text);
        if (!(*names)[i]) break;
        *count = i + 1;
    }
    if (*count < all) TD_COMPLAIN(l, node->place, "memory ran out");
}

static void read_markets(td_loader *l) {
    const td_setting *symbols = &l->settings[TD_KEY_symbols];
    td_config *c = l->config;
    c->all_symbols = symbols->given && td_is_word(symbols->node, "all");
    if (symbols->given && !c->all_symbols) read_names(l, TD_KEY_symbols, &c->symbols, &c->symbol_count);
    if (l->settings[TD_KEY_intervals].given) read_names(l, TD_KEY_intervals, &c->intervals, &c->interval_count);
}

/* The weight of each symbol, in the order of `symbols`; a mapping alone names the symbols as well. */
static void read_weights(td_loader *l) {
    td_config *c = l->config;
    const td_node *map = l->settings[TD_KEY_portfolio_weights].node;
    bool named = l->settings[TD_KEY_symbols].given;
    if (c->all_symbols) {
        TD_COMPLAIN(l, map->place, "portfolio.weights names symbols, and symbols says all; leave symbols out");
        return;
    }
    if (named && c->symbol_count < 1) return;
    if (!named) c->symbols = calloc((size_t)map->count, sizeof *c->symbols);
    c->weights = calloc((size_t)(named ? c->symbol_count : map->count), sizeof *c->weights);
    if (!c->weights || !c->symbols) {
        TD_COMPLAIN(l, map->place, "memory ran out");
        return;
    }
    for (int i = 0; i < map->count; i++) {
        const td_node *key = map->keys[i];
        int symbol = 0;
        double weight;
        td_bounds of = {key->text, 0, 1, false, NULL};
        if (!check_name(l, TD_KEY_symbols, key, NULL) || !td_take_bounded(l, map->values[i], &of, &weight)) continue;
        if (weight == 0) TD_COMPLAIN(l, map->values[i]->place, "the weight of %s is 0, must be above 0; leave the symbol out", key->text);
        if (!named) c->symbols[c->symbol_count++] = strdup(key->text);
        while (symbol < c->symbol_count && strcmp(c->symbols[symbol], key->text) != 0) symbol++;
        if (symbol == c->symbol_count)
            TD_COMPLAIN(l, key->place, "portfolio.weights: '%.40s' is not among the symbols", key->text);
        else
            c->weights[symbol] = weight;
    }
    for (int s = 0; s < c->symbol_count; s++)
        if (c->weights[s] == 0 && !td_diagnostics_errors(l->diagnostics))
            TD_COMPLAIN(l, map->place, "portfolio.weights: '%s' has none", c->symbols[s]);
}

static void read_portfolio(td_loader *l) {
    const td_setting *s = l->settings, *rebalance = &s[TD_KEY_portfolio_rebalance], *weights = &s[TD_KEY_portfolio_weights];
    td_config *c = l->config;
    td_portfolio_def *def = &c->portfolio;
    *def = td_default_portfolio_def();
    c->plays_portfolio = weights->given;
    if (c->play.strategy && td_strategy_plays_pairs(c->play.strategy) && !weights->key && s[TD_KEY_strategy].node)
        TD_COMPLAIN(l, s[TD_KEY_strategy].node->place, "strategy %s plays pairs of symbols with one account: it needs portfolio: {weights: equal}, "
                    "and symbols", td_strategy_name(c->play.strategy));
    if (c->plays_portfolio && c->envelope)
        TD_COMPLAIN(l, l->settings[TD_KEY_envelope].node->place, "envelope is not for portfolios yet: their stops know one way through a bar");
    if (c->plays_portfolio && c->play.tier_count > 0)
        TD_COMPLAIN(l, l->settings[TD_KEY_costs_tiers].node->place, "costs.tiers are not for portfolios yet: they know one commission");
    if (c->plays_portfolio && c->execution)
        TD_COMPLAIN(l, l->settings[TD_KEY_execution_interval].node->place, "execution_interval is not for portfolios yet");
    if (rebalance->given) def->rebalance = rebalance->word >= 0 ? (td_rebalance)rebalance->word : TD_REBALANCE_BARS;
    if (rebalance->given && rebalance->word < 0) def->rebalance_bars = rebalance->integer;
    if (s[TD_KEY_portfolio_max_weight].given) def->max_weight = s[TD_KEY_portfolio_max_weight].number;
    if (s[TD_KEY_portfolio_max_positions].given) def->max_positions = s[TD_KEY_portfolio_max_positions].integer;
    if (s[TD_KEY_portfolio_band].given) def->band = s[TD_KEY_portfolio_band].number;
    bool says = def->rebalance != TD_REBALANCE_NONE || def->max_weight != 0 || def->max_positions != 0 || def->band != 0;
    if (says && !weights->key)
        TD_COMPLAIN(l, s[TD_KEY_portfolio].key->place, "portfolio needs weights, which make it one; `weights: equal` is one over the "
                    "number of symbols");
    if (weights->given && weights->word < 0) read_weights(l);
}

static void read_method(td_loader *l) {
    const td_setting *method = &l->settings[TD_KEY_method], *list = &l->settings[TD_KEY_list];
    const td_setting *cap = &l->settings[TD_KEY_run_cap], *budget = &l->settings[TD_KEY_budget_trials];
    l->space.method = list->node ? TD_METHOD_LIST : TD_METHOD_GRID;
    if (method->given && method->word == 3) {
        TD_COMPLAIN(l, method->node->place, "method bayes is not available yet; there are grid, list and random");
    } else if (method->given) {
        l->space.method = (td_method)method->word;
        if (list->node && l->space.method != TD_METHOD_LIST)
            TD_COMPLAIN(l, list->key->place, "list goes with method list, the method is %s", method->node->text);
        if (!list->node && l->space.method == TD_METHOD_LIST)
            TD_COMPLAIN(l, method->node->place,
                        "method list needs the key 'list': rows such as [{fast: 5, slow: 20}], or the path of a CSV file");
    }
    if (cap->given && budget->given && cap->integer != budget->integer)
        TD_COMPLAIN(l, budget->key->place, "budget.trials is another name for run_cap, and they differ");
    l->space.trials = cap->given ? cap->integer : budget->given ? budget->integer : 0;
    l->space.seed = l->config->seed;
    if (l->space.method == TD_METHOD_RANDOM && !cap->node && !budget->node)
        TD_COMPLAIN(l, method->node->place, "method random needs run_cap, the number of draws");
}

/* Makes the search space. What a space can complain about is about constraints, or else about the number of cells. */
static void make_space(td_loader *l, td_error *error) {
    const td_setting *s = l->settings;
    if (l->space.method == TD_METHOD_RANDOM && l->space.axis_count == 0) {
        TD_COMPLAIN(l, s[TD_KEY_method].node->place, "method random has nothing to draw: no parameter has more than one value");
        return;
    }
    l->space.base = l->config->base;
    const td_node *about = l->space.constraint_count ? s[TD_KEY_constraints].key : s[TD_KEY_parameters].key;
    if (td_space_make(&l->space, &l->config->space, error) != TD_OK) TD_COMPLAIN(l, about ? about->place : td_nowhere, "%s",
                                                                                 error->message);
}

static void read_all(td_loader *l, const char *const *overrides, int override_count, td_error *error) {
    td_config *c = l->config;
    const td_setting *s = l->settings;
    int source = td_diagnostics_source(l->diagnostics, l->path, c->text, strlen(c->text), 1);
    l->root = td_tree_parse(l->tree, l->diagnostics, source, c->text, strlen(c->text), 0);
    if (!l->root && td_diagnostics_errors(l->diagnostics)) return; /* not YAML: there is nothing to look at */
    if (!l->root || td_node_is_null(l->root)) l->root = td_node_make(l->tree, TD_NODE_MAP, (td_place){source, 0, 0}, "");
    if (!l->root || l->root->kind != TD_NODE_MAP) {
        TD_COMPLAIN(l, l->root ? l->root->place : td_nowhere, "a configuration is a mapping of keys such as 'strategy: sma-cross'");
        return;
    }
    for (int i = 0; i < override_count; i++) td_apply_override(l, overrides[i], i + 1);
    /* the strategy first: what other keys are called in messages depends on it */
    int strategy = td_node_find(l->root, "strategy");
    if (strategy >= 0) read_setting(l, TD_KEY_strategy, l->root->keys[strategy], l->root->values[strategy]);
    for (int key = TD_KEY_entry; key <= (int)TD_KEY_exit_short; key++) {
        int at = td_node_find(l->root, td_key_infos[key].path);
        if (at >= 0) read_setting(l, (td_key)key, l->root->keys[at], l->root->values[at]);
    }
    td_read_rules(l);
    if (l->source_only) return;
    c->kind = td_strategy_tape_kind(c->play.strategy);
    walk_group(l, l->root, "");
    for (int key = 0; key < TD_KEY_COUNT; key++)
        if (td_key_required((td_key)key) && !s[key].key) TD_COMPLAIN(l, td_nowhere, "the key '%s' is missing",
                                                                     td_key_infos[key].path);
    bool played = s[TD_KEY_strategy].key;
    for (int key = TD_KEY_entry; key <= (int)TD_KEY_exit_short; key++) played = played || s[key].key;
    if (!played) TD_COMPLAIN(l, td_nowhere, "the key 'strategy' is missing (or 'entry', a rule in its place)");
    note_ignored(l);
    read_play(l);
    read_book(l);
    read_markets(l);
    read_portfolio(l);
    read_knobs(l);
    read_method(l);
    if (s[TD_KEY_parameters].given) td_read_parameters(l, s[TD_KEY_parameters].node, "");
    if (c->play.profile == TD_PROFILE_BACKTESTING && c->base.knob[TD_KNOB_lot] > 0) c->play.row_scale = c->base.knob[TD_KNOB_lot];
    td_sort_axes(&l->space);
    if (l->space.method == TD_METHOD_LIST && s[TD_KEY_list].given) td_read_list(l);
    td_check_rule_values(l);
    if (s[TD_KEY_constraints].given) td_read_constraints(l, s[TD_KEY_constraints].node);
    if (td_diagnostics_errors(l->diagnostics)) return;
    find_tapes(l);
    c->name = strdup(s[TD_KEY_name].given ? s[TD_KEY_name].node->text : "");
    if (!c->tape || !c->name || !td_write_resolved(c, &l->space)) {
        TD_COMPLAIN(l, td_nowhere, "memory ran out");
        return;
    }
    make_space(l, error);
}

/* source: NULL; or only the rules are read, and it gets what they become. */
static td_status parse(const char *path, const char *text, const char *const *overrides, int override_count, FILE *diagnostics,
                       td_config **config, char **source, td_error *error) {
    if (config) *config = NULL;
    td_error own = {""};
    td_loader *l = calloc(1, sizeof *l);
    if (!l) return td_fail(error, TD_NO_MEMORY, "memory ran out for a configuration");
    l->path = path;
    l->talk = diagnostics;
    l->source_only = source;
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
    if (status == TD_OK && source) {
        *source = l->rules.source;
        l->rules.source = NULL;
    } else if (status == TD_OK) {
        *config = l->config;
        l->config = NULL;
    }
    td_rules_free(&l->rules);
    td_space_def_free(&l->space);
    td_config_free(l->config);
    td_tree_free(l->tree);
    td_diagnostics_free(l->diagnostics);
    free(l);
    return status;
}

td_status td_config_parse(const char *path, const char *text, const char *const *overrides, int override_count, FILE *diagnostics,
                          td_config **config, td_error *error) {
    return parse(path, text, overrides, override_count, diagnostics, config, NULL, error);
}

static td_status load(const char *path, const char *const *overrides, int override_count, FILE *diagnostics, td_config **config,
                      char **source, td_error *error) {
    char *text;
    size_t length;
    if (config) *config = NULL;
    TD_TRY(td_read_file(path, &text, &length, error));
    td_status status;
    if (strlen(text) != length)
        status = td_fail(error, TD_BAD_DATA, "%s: has a zero byte at offset %zu: not a text file", path, strlen(text));
    else
        status = parse(path, text, overrides, override_count, diagnostics, config, source, error);
    free(text);
    return status;
}

td_status td_config_load(const char *path, const char *const *overrides, int override_count, FILE *diagnostics, td_config **config,
                         td_error *error) {
    return load(path, overrides, override_count, diagnostics, config, NULL, error);
}

td_status td_config_rules_source(const char *path, const char *const *overrides, int override_count, FILE *diagnostics, char **source,
                                 td_error *error) {
    *source = NULL;
    return load(path, overrides, override_count, diagnostics, NULL, source, error);
}

void td_config_free(td_config *config) {
    if (!config) return;
    td_space_free(config->space);
    free(config->path);
    free(config->text);
    free(config->resolved);
    free(config->tape);
    for (int v = 0; v < TD_VENUES_MAX; v++) free(config->tapes[v]), free(config->venue_names[v]);
    free(config->latency_rows);
    free((void *)config->play.book.latency_rows);
    free(config->strategy);
    free(config->name);
    free(config->execution);
    for (int r = 0; r < TD_RULE_COUNT; r++) free(config->rules[r]);
    for (int i = 0; i < config->symbol_count; i++) free(config->symbols[i]);
    for (int i = 0; i < config->interval_count; i++) free(config->intervals[i]);
    free(config->symbols);
    free(config->weights);
    free(config->intervals);
    free(config);
}
