/* The table of schema.h, and what is printed from it. */
#include "sweeps/schema.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "sim/tape_kind.h"
#include "sweeps/config.h"
#include "sweeps/distribution.h"
#include "sweeps/rules.h"
#include "sweeps/scalars.h"
#include "sweeps/values.h"

enum { TEXT_ROOM = 512 };

const td_key_info td_key_infos[TD_KEY_COUNT] = {
#define TD_KEY_INFO(id, path, type, minimum, maximum, words, preset, text)                                                       \
    {path, TD_TYPE_##type, minimum, maximum, words, preset, text},
    TD_KEYS(TD_KEY_INFO)
#undef TD_KEY_INFO
};

bool td_key_required(td_key key) { return key == TD_KEY_tape; }
td_knob td_key_knob(td_key key) { return (td_knob)td_key_infos[key].minimum; }

/* Keys, and groups with all that is in them, of one kind of tape; the numbers of the engine are in sim/tape_kind.h. */
static const struct {
    const char *path;
    td_tape_kind kind;
} owned[] = {
    {"entry", TD_TAPE_OF_BARS}, {"exit", TD_TAPE_OF_BARS}, {"entry_short", TD_TAPE_OF_BARS}, {"exit_short", TD_TAPE_OF_BARS},
    {"symbols", TD_TAPE_OF_BARS}, {"intervals", TD_TAPE_OF_BARS}, {"execution_interval", TD_TAPE_OF_BARS},
    {"portfolio", TD_TAPE_OF_BARS}, {"profile", TD_TAPE_OF_BARS}, {"account.sizing", TD_TAPE_OF_BARS},
    {"account.units", TD_TAPE_OF_BARS}, {"direction", TD_TAPE_OF_BARS}, {"costs.tiers", TD_TAPE_OF_BARS},
    {"costs.tier_days", TD_TAPE_OF_BARS}, {"fill", TD_TAPE_OF_BARS}, {"intrabar", TD_TAPE_OF_BARS}, {"envelope", TD_TAPE_OF_BARS},
    {"stops", TD_TAPE_OF_BARS}, {"risk", TD_TAPE_OF_BARS}, {"finalize", TD_TAPE_OF_BARS}, {"metrics.sample", TD_TAPE_OF_BARS},
    {"metrics.risk_free", TD_TAPE_OF_BARS}, {"metrics.required_return", TD_TAPE_OF_BARS},
    {"metrics.periods_per_year", TD_TAPE_OF_BARS}, {"vectorbt", TD_TAPE_OF_BARS}, {"costs.fees", TD_TAPE_OF_BOOKS},
    {"instrument", TD_TAPE_OF_BOOKS}, {"book", TD_TAPE_OF_BOOKS}, {"venues", TD_TAPE_OF_BOOKS},
};

bool td_key_is_of(td_key key, td_tape_kind kind) {
    const td_key_info *info = &td_key_infos[key];
    if (info->type == TD_TYPE_KNOB && !td_kind_knob(kind, td_key_knob(key))) return false;
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) {
        size_t length = strlen(owned[i].path);
        if (strncmp(info->path, owned[i].path, length) == 0 && (info->path[length] == 0 || info->path[length] == '.'))
            return owned[i].kind == kind;
    }
    return true;
}

const char *td_key_leaf(td_key key) {
    const char *dot = strrchr(td_key_infos[key].path, '.');
    return dot ? dot + 1 : td_key_infos[key].path;
}

bool td_key_in_group(td_key key, const char *group) {
    const char *path = td_key_infos[key].path, *leaf = td_key_leaf(key);
    size_t length = strlen(group);
    if (length == 0) return leaf == path;
    return (size_t)(leaf - path) == length + 1 && strncmp(path, group, length) == 0;
}

const char *td_word_at(const char *words, int index, char *word) {
    for (const char *at = words; *at; index--) {
        size_t length = strcspn(at, " ");
        if (index == 0) {
            snprintf(word, 32, "%.*s", (int)length, at);
            return word;
        }
        at += length + (at[length] == ' ');
    }
    return NULL;
}

int td_word_find(const char *words, const char *word) {
    char each[32];
    for (int i = 0; td_word_at(words, i, each); i++)
        if (strcmp(each, word) == 0) return i;
    return -1;
}

/* --- JSON Schema --- */

static json_t *number_json(double x) { return x == (double)(json_int_t)x ? json_integer((json_int_t)x) : json_real(x); }

static json_t *words_json(const char *words) {
    json_t *list = json_array();
    char word[32];
    for (int i = 0; td_word_at(words, i, word); i++) json_array_append_new(list, json_string(word));
    return list;
}

static json_t *bounded(const char *type, double minimum, double maximum) {
    return json_pack("{s:s, s:o, s:o}", "type", type, "minimum", number_json(minimum), "maximum", number_json(maximum));
}

static json_t *reference(const char *name) { return json_pack("{s:o}", "$ref", json_sprintf("#/$defs/%s", name)); }

static json_t *properties_of(const char *group);

static json_t *group_schema(const char *path) {
    return json_pack("{s:s, s:b, s:o}", "type", "object", "additionalProperties", 0, "properties", properties_of(path));
}

static const char duration_pattern[] = "[+-]?([0-9]+([.][0-9]*)?|[.][0-9]+)(ns|us|ms|s|m|h|d)";
static const char queue_pattern[] = "risk_adverse|power[23]?[(][0-9.]+[)]|log2?|l3_fifo";

/* The words of a unit as a list, those of enums. */
static json_t *unit_words(const char *unit) {
    json_t *list = json_array();
    char text[48];
    double back;
    for (int i = 0; td_value_read(unit, td_value_text(unit, i, text), &back, NULL) == TD_OK; i++) json_array_append_new(list, json_string(text));
    return list;
}

static json_t *knob_schema(const td_knob_info *knob) {
    switch (td_value_form_of(knob->unit)) {
    case TD_VALUE_NUMBER: break;
    case TD_VALUE_DURATION:
        return json_pack("{s:[o, {s:s, s:o}]}", "anyOf", bounded("number", knob->minimum, knob->maximum), "type", "string", "pattern",
                         json_sprintf("^%s$", duration_pattern));
    case TD_VALUE_WORD:
        if (!strcmp(knob->unit, "queue model"))
            return json_pack("{s:s, s:o}", "type", "string", "pattern", json_sprintf("^(%s)$", queue_pattern));
        return json_pack("{s:o}", "enum", unit_words(knob->unit));
    }
    return bounded("number", knob->minimum, knob->maximum);
}

/* A knob of whichever kind has it with the wider bounds. */
static const td_knob_info *widest_knob(td_key key) {
    const td_knob_info *bars = td_kind_knob(TD_TAPE_OF_BARS, td_key_knob(key)), *books = td_kind_knob(TD_TAPE_OF_BOOKS, td_key_knob(key));
    return !bars || (books && books->maximum > bars->maximum) ? books : bars;
}

static json_t *venue_schema(const char *words) {
    json_t *properties = json_object();
    char word[32];
    for (int i = 0; td_word_at(words, i, word); i++)
        json_object_set_new(properties, word, knob_schema(td_kind_knob(TD_TAPE_OF_BOOKS, (td_knob)td_kind_find_knob(TD_TAPE_OF_BOOKS, word))));
    return json_pack("{s:s, s:i, s:i, s:{s:s, s:b, s:o}}", "type", "array", "minItems", 1, "maxItems", TD_VENUES_MAX, "items", "type",
                     "object", "additionalProperties", 0, "properties", properties);
}

static json_t *key_schema(td_key key) {
    const td_key_info *info = &td_key_infos[key];
    switch (info->type) {
    case TD_TYPE_GROUP: return group_schema(info->path);
    case TD_TYPE_TEXT: return json_pack("{s:[s,s,s]}", "type", "string", "number", "boolean");
    case TD_TYPE_RULE: return json_pack("{s:s, s:i, s:i}", "type", "string", "minLength", 1, "maxLength", TD_RULE_BYTES_MAX);
    case TD_TYPE_CHOICE: return json_pack("{s:o}", "enum", words_json(info->words));
    case TD_TYPE_BOOL: return json_pack("{s:s}", "type", "boolean");
    case TD_TYPE_INTEGER: return bounded("integer", info->minimum, info->maximum);
    case TD_TYPE_NUMBER: return bounded("number", info->minimum, info->maximum);
    case TD_TYPE_KNOB: return knob_schema(widest_knob(key));
    case TD_TYPE_TIME: return knob_schema(&(td_knob_info){.minimum = info->minimum, .maximum = info->maximum, .unit = "ns"});
    case TD_TYPE_VENUES: return venue_schema(info->words);
    case TD_TYPE_TAPES:
        return json_pack("{s:[{s:[s,s,s]}, {s:s, s:i, s:i, s:{s:s}}, {s:s, s:i, s:i, s:{s:s}}]}", "anyOf", "type", "string", "number",
                         "boolean", "type", "array", "minItems", 1, "maxItems", TD_VENUES_MAX, "items", "type", "string", "type",
                         "object", "minProperties", 1, "maxProperties", TD_VENUES_MAX, "additionalProperties", "type", "string");
    case TD_TYPE_BYTES:
        return json_pack("{s:[{s:s, s:i}, {s:s, s:s}]}", "anyOf", "type", "number", "minimum", 0, "type", "string", "pattern",
                         "^(none|[+]?([0-9]+([.][0-9]*)?|[.][0-9]+)([eE][+-]?[0-9]+)? *([kKMGT]?B|[KMGT]iB))$");
    case TD_TYPE_DURATION:
        return json_pack("{s:[{s:s, s:i}, {s:s, s:s}]}", "anyOf", "type", "number", "minimum", 0, "type", "string", "pattern",
                         "^(none|([0-9.]+([eE][+-]?[0-9]+)?[smhd])+)$");
    case TD_TYPE_DATE:
        return json_pack("{s:s, s:s}", "type", "string", "pattern",
                         "^[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]{1,9})?)?Z?)?$");
    case TD_TYPE_HOURS:
        return json_pack("{s:s, s:s}", "type", "string", "pattern", "^(always|([01][0-9]|2[0-3]):[0-5][0-9]-([01][0-9]|2[0-3]):[0-5][0-9])$");
    case TD_TYPE_STRATEGY: {
        json_t *names = json_array();
        for (int i = 0; i < td_strategy_count(); i++) json_array_append_new(names,
                                                                            json_string(td_strategy_name(td_strategy_at(i))));
        return json_pack("{s:[{s:o}, {s:s, s:s, s:s}]}", "anyOf", "enum", names, "type", "string", "pattern", "[.]c$", "description",
                         "the path of a C file, a strategy of your own");
    }
    case TD_TYPE_METRIC: {
        json_t *names = json_array();
        for (int i = 0; i < TD_METRIC_COUNT; i++) json_array_append_new(names, json_string(td_metric_infos[i].name));
        return json_pack("{s:o}", "enum", names);
    }
    case TD_TYPE_UNITS:
        return json_pack("{s:[{s:o}, o]}", "anyOf", "enum", words_json(info->words), group_schema(info->path));
    case TD_TYPE_SAMPLE:
        return json_pack("{s:[{s:o}, o]}", "anyOf", "enum", words_json(info->words),
                         bounded("integer", info->minimum, info->maximum));
    case TD_TYPE_PARAMETERS: return reference("parameters");
    case TD_TYPE_CONSTRAINTS: return json_pack("{s:s, s:{s:s}}", "type", "array", "items", "type", "string");
    case TD_TYPE_LIST:
        return json_pack("{s:[{s:s}, {s:s, s:i, s:{s:s, s:i, s:o}}]}", "anyOf", "type", "string", "type", "array", "minItems", 1, "items",
                         "type", "object", "minProperties", 1, "additionalProperties", reference("value"));
    case TD_TYPE_NAMES:
        return json_pack("{s:[{s:s}, {s:s}, {s:s, s:i, s:b, s:{s:[s,s]}}]}", "anyOf", "type", "string", "type", "number", "type",
                         "array", "minItems", 1, "uniqueItems", 1, "items", "type", "string", "number");
    case TD_TYPE_WEIGHTS:
        return json_pack("{s:[{s:o}, {s:s, s:i, s:o}]}", "anyOf", "enum", words_json(info->words), "type", "object", "minProperties", 1,
                         "additionalProperties", bounded("number", info->minimum, info->maximum));
    case TD_TYPE_TIERS: {
        const td_knob_info *rate = &td_knob_infos[TD_KNOB_commission];
        return json_pack("{s:s, s:i, s:i, s:{s:s, s:b, s:[s,s], s:{s:{s:s, s:i}, s:o, s:o}}}", "type", "array", "minItems", 1, "maxItems",
                         TD_TIERS_MAX, "items", "type", "object", "additionalProperties", 0, "required", "volume", "commission",
                         "properties", "volume", "type", "number", "minimum", 0, "commission",
                         bounded("number", rate->minimum, rate->maximum), "maker", bounded("number", rate->minimum, rate->maximum));
    }
    case TD_TYPE_IGNORED: return json_object();
    }
    return json_object();
}

/* What a key is for; where both kinds of tapes have a knob and mean different things by it, both. */
static void text_of(td_key key, char text[TEXT_ROOM]) {
    const td_key_info *info = &td_key_infos[key];
    snprintf(text, TEXT_ROOM, "%s", info->text);
    if (info->type != TD_TYPE_KNOB) return;
    const td_knob_info *bars = td_kind_knob(TD_TAPE_OF_BARS, td_key_knob(key)), *books = td_kind_knob(TD_TAPE_OF_BOOKS, td_key_knob(key));
    if (bars && books && bars != books)
        snprintf(text, TEXT_ROOM, "%s. Order books: %s", bars->text, books->text);
    else
        snprintf(text, TEXT_ROOM, "%s", bars ? bars->text : books->text);
}

static void describe(json_t *schema, td_key key) {
    const td_key_info *info = &td_key_infos[key];
    char text[TEXT_ROOM], preset_text[64];
    text_of(key, text);
    if (*text) json_object_set_new(schema, "description", json_string(text));
    if (info->type == TD_TYPE_KNOB) {
        const td_knob_info *knob = widest_knob(key);
        bool number = td_value_form_of(knob->unit) != TD_VALUE_WORD;
        json_object_set_new(schema, "default",
                            number ? number_json(knob->preset) : json_string(td_value_text(knob->unit, knob->preset, preset_text)));
        return;
    }
    if (!*info->preset) return;
    json_t *preset = json_loads(info->preset, JSON_DECODE_ANY, NULL);
    if (!preset) preset = json_string(strcmp(info->preset, "''") == 0 ? "" : info->preset);
    json_object_set_new(schema, "default", preset);
}

static json_t *properties_of(const char *group) {
    json_t *properties = json_object();
    for (int key = 0; key < TD_KEY_COUNT; key++) {
        if (!td_key_in_group((td_key)key, group)) continue;
        json_t *schema = key_schema((td_key)key);
        describe(schema, (td_key)key);
        json_object_set_new(properties, td_key_leaf((td_key)key), schema);
    }
    return properties;
}

/* A value of a parameter or of a number of the engine, whichever it is. */
static json_t *value_schema(void) {
    return json_pack("{s:[{s:s}, {s:s, s:o, s:s}]}", "anyOf", "type", "number", "type", "string", "pattern",
                     json_sprintf("^(%s|%s|no_partial_fill|partial_fill|constant|feed|rows)$", duration_pattern, queue_pattern), "description",
                     "a duration, or the name of a model");
}

/* What a key of a parameter takes, whatever its distribution. */
static json_t *parameter_key_schema(const char *key) {
    static const char *const lists[] = {"values", "probabilities"};
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
        if (strcmp(key, lists[i]) == 0)
            return json_pack("{s:s, s:i, s:o}", "type", "array", "minItems", 1, "items",
                             i == 0 ? reference("value") : json_pack("{s:s}", "type", "number"));
    if (strcmp(key, "q") == 0 || strcmp(key, "sigma") == 0)
        return json_pack("{s:[{s:s, s:i}, {s:s, s:o}]}", "anyOf", "type", "number", "exclusiveMinimum", 0, "type", "string", "pattern",
                         json_sprintf("^%s$", duration_pattern));
    if (strcmp(key, "a") == 0 || strcmp(key, "b") == 0) return json_pack("{s:s, s:i}", "type", "number", "exclusiveMinimum", 0);
    return reference("value");
}

/* {distribution: name, keys...}; without `named`, the form that leaves the distribution out. */
static json_t *distribution_schema(const char *name, const char *keys, bool named, const char *text) {
    json_t *properties = json_object(), *required = json_array();
    if (name) {
        json_object_set_new(properties, "distribution", json_pack("{s:s}", "const", name));
        if (named) json_array_append_new(required, json_string("distribution"));
    }
    char key[32];
    for (int i = 0; td_word_at(keys, i, key); i++) {
        size_t length = strlen(key);
        bool optional = key[length - 1] == '?';
        if (optional)
            key[length - 1] = 0;
        else
            json_array_append_new(required, json_string(key));
        json_object_set_new(properties, key, parameter_key_schema(key));
    }
    return json_pack("{s:s, s:s, s:b, s:o, s:o}", "description", text, "type", "object", "additionalProperties", 0, "properties",
                     properties,
                     "required", required);
}

static json_t *parameter_schema(void) {
    json_t *forms = json_array();
    json_array_append_new(forms, json_pack("{s:s, s:s}", "$ref", "#/$defs/value", "description", "a constant"));
    for (int i = 0; i < TD_DISTRIBUTION_COUNT; i++) {
        const td_distribution_info *info = &td_distribution_infos[i];
        /* where the keys alone tell the distribution, its name may be left out */
        bool implied = i <= TD_DISTRIBUTION_q_uniform;
        json_array_append_new(forms, distribution_schema(info->name, info->keys, !implied, info->text));
    }
    json_array_append_new(forms, json_pack("{s:s, s:s, s:b, s:[s], s:{s:{s:s, s:i, s:i, s:o}}}", "description",
                                           "from, to and step: equal steps, both ends included", "type", "object",
                                           "additionalProperties", 0, "required", "range", "properties", "range", "type", "array",
                                           "minItems", 3, "maxItems", 3, "items", reference("value")));
    json_array_append_new(forms, json_pack("{s:s, s:s, s:b, s:[s], s:{s:{s:s, s:i, s:i, s:o}}}", "description",
                                           "from, to and how many: equal ratios, both ends included", "type", "object",
                                           "additionalProperties", 0, "required", "log", "properties", "log", "type", "array",
                                           "minItems", 3, "maxItems", 3, "items", parameter_key_schema("q")));
    json_array_append_new(forms, json_pack("{s:s, s:s, s:b, s:[s], s:{s:o}}", "description", "a group: its names are dotted",
                                           "type",
                                           "object", "additionalProperties", 0, "required", "parameters", "properties",
                                               "parameters",
                                           reference("parameters")));
    return json_pack("{s:o}", "anyOf", forms);
}

/* For one strategy: the names that may stand in `parameters`, each with its text for editors. */
static json_t *strategy_rule(const td_strategy *strategy) {
    json_t *names = json_array(), *properties = json_object();
    for (int i = 0; i < td_strategy_param_count(strategy); i++) {
        const td_param_info *param = td_strategy_param(strategy, i);
        char low[32], high[32], preset[32];
        td_write_number(param->minimum, low);
        td_write_number(param->maximum, high);
        td_write_number(param->preset, preset);
        json_array_append_new(names, json_string(param->name));
        json_object_set_new(properties, param->name,
                            json_pack("{s:o}", "description",
                                      json_sprintf("%s: %s to %s, default %s", param->text, low, high, preset)));
    }
    td_tape_kind kind = td_strategy_tape_kind(strategy);
    for (int i = 0; i < td_tape_kind_infos[kind].knob_count; i++) {
        const td_knob_info *knob = td_kind_knob(kind, td_tape_kind_infos[kind].knobs[i]);
        json_array_append_new(names, json_string(knob->name));
        json_array_append_new(names, json_string(knob->path));
        json_object_set_new(properties, knob->path, json_pack("{s:s}", "description", knob->text));
    }
    /* groups, for nested parameters */
    for (int key = 0; key < TD_KEY_COUNT; key++)
        if (td_key_infos[key].type == TD_TYPE_GROUP || td_key_infos[key].type == TD_TYPE_UNITS)
            json_array_append_new(names, json_string(td_key_infos[key].path));
    return json_pack("{s:{s:{s:{s:s}}, s:[s]}, s:{s:{s:{s:{s:o}, s:o}}}}", "if", "properties", "strategy", "const",
                     td_strategy_name(strategy), "required", "strategy", "then", "properties", "parameters", "propertyNames",
                         "enum", names,
                     "properties", properties);
}

void td_config_print_schema(FILE *out) {
    json_t *required = json_array(), *rules = json_array();
    for (int key = 0; key < TD_KEY_COUNT; key++)
        if (td_key_required((td_key)key)) json_array_append_new(required, json_string(td_key_infos[key].path));
    for (int i = 0; i < td_strategy_count(); i++) json_array_append_new(rules, strategy_rule(td_strategy_at(i)));
    /* a strategy, or rules in its place: an exit needs the entry it ends */
    json_t *played = json_pack("[{s:[s], s:{s:[{s:[s]},{s:[s]},{s:[s]},{s:[s]}]}}, {s:{s:[s]}, s:[{s:[s]},{s:[s]}], s:{s:[s], s:[s]}}]",
                               "required", "strategy", "not", "anyOf", "required", "entry", "required", "exit", "required",
                               "entry_short", "required", "exit_short", "not", "required", "strategy", "anyOf", "required",
                               "entry", "required", "entry_short", "dependentRequired", "exit", "entry", "exit_short", "entry_short");
    json_t *root = json_pack("{s:s, s:s, s:s, s:s, s:b, s:o, s:o, s:o, s:{s:o, s:o, s:{s:s, s:{s:s}, s:o}}}", "$schema",
                             "https://json-schema.org/draft/2020-12/schema", "title", "tapedeck configuration", "description",
                             "A run or a sweep of tapedeck. A superset of a W&B sweep file.", "type", "object",
                                 "additionalProperties", 0,
                             "required", required, "oneOf", played, "properties", properties_of(""), "$defs", "value", value_schema(), "parameter",
                             parameter_schema(),
                                 "parameters",
                             "type", "object", "propertyNames", "pattern", "^[A-Za-z_][A-Za-z0-9_.-]*$", "additionalProperties",
                             reference("parameter"));
    /* a rule list may not be empty */
    if (json_array_size(rules))
        json_object_set_new(root, "allOf", rules);
    else
        json_decref(rules);
    json_dumpf(root, out, JSON_INDENT(2) | JSON_REAL_PRECISION(17));
    fputc('\n', out);
    json_decref(root);
}

/* --- defaults --- */

/* Text in lines of at most `width` characters, each after `lead`. */
static void print_wrapped(FILE *out, const char *lead, const char *text, size_t width) {
    while (*text) {
        size_t take = strlen(text);
        if (take > width) {
            take = width;
            while (take > 1 && text[take] != ' ') take--;
        }
        fprintf(out, "%s%.*s\n", lead, (int)take, text);
        text += take;
        while (*text == ' ') text++;
    }
}

/* What a key takes, in words: "number, -0.1 to 0.1". */
static void describe_type(td_key key, char *text, size_t room) {
    const td_key_info *info = &td_key_infos[key];
    char low[48], high[48], word[32], words[256] = "";
    for (int i = 0; td_word_at(info->words, i, word); i++) {
        size_t used = strlen(words);
        snprintf(words + used, sizeof words - used, "%s%s", i ? ", " : "", word);
    }
    double minimum = info->minimum, maximum = info->maximum;
    const char *unit = info->type == TD_TYPE_TIME ? "ns" : NULL;
    if (info->type == TD_TYPE_KNOB) {
        const td_knob_info *knob = widest_knob(key);
        minimum = knob->minimum;
        maximum = knob->maximum;
        unit = knob->unit;
    }
    td_value_text(unit, minimum, low);
    td_value_text(unit, maximum, high);
    switch (info->type) {
    case TD_TYPE_TEXT: snprintf(text, room, "text"); break;
    case TD_TYPE_CHOICE: snprintf(text, room, "one of: %s", words); break;
    case TD_TYPE_BOOL: snprintf(text, room, "true or false"); break;
    case TD_TYPE_INTEGER: snprintf(text, room, "whole number, %s to %s", low, high); break;
    case TD_TYPE_NUMBER: snprintf(text, room, "number, %s to %s", low, high); break;
    case TD_TYPE_KNOB: {
        const td_knob_info *bars = td_kind_knob(TD_TAPE_OF_BARS, td_key_knob(key)), *knob = bars ? bars : widest_knob(key);
        if (td_value_form_of(unit) == TD_VALUE_DURATION)
            snprintf(text, room, "duration, %s to %s", low, high);
        else if (td_value_form_of(unit) == TD_VALUE_WORD)
            snprintf(text, room, "%s", td_value_expected(unit));
        else if (bars && widest_knob(key) != bars)
            snprintf(text, room, "number (%s), %s to %s; order books: %s to %s", bars->unit, td_write_number(bars->minimum, word),
                     td_write_number(bars->maximum, words), low, high);
        else
            snprintf(text, room, "number%s%s%s, %s to %s", *knob->unit ? " (" : "", knob->unit, *knob->unit ? ")" : "", low, high);
        break;
    }
    case TD_TYPE_TIME: snprintf(text, room, "duration, %s to %s", low, high); break;
    case TD_TYPE_TAPES: snprintf(text, room, "path; or a list of paths, or a mapping of names to paths"); break;
    case TD_TYPE_VENUES: snprintf(text, room, "list of mappings of %s", words); break;
    case TD_TYPE_BYTES: snprintf(text, room, "size, or none"); break;
    case TD_TYPE_DURATION: snprintf(text, room, "duration, or none"); break;
    case TD_TYPE_DATE: snprintf(text, room, "date, 2024-03-01 or 2024-03-01T12:30:00Z"); break;
    case TD_TYPE_HOURS: snprintf(text, room, "08:00-16:30, or always"); break;
    case TD_TYPE_STRATEGY: snprintf(text, room, "a strategy"); break;
    case TD_TYPE_RULE: snprintf(text, room, "a condition"); break;
    case TD_TYPE_METRIC: snprintf(text, room, "a metric"); break;
    case TD_TYPE_UNITS: snprintf(text, room, "%s, or {lot: number}", words); break;
    case TD_TYPE_SAMPLE: snprintf(text, room, "%s, or a whole number of bars, %s to %s", words, low, high); break;
    case TD_TYPE_PARAMETERS: snprintf(text, room, "mapping of names"); break;
    case TD_TYPE_CONSTRAINTS: snprintf(text, room, "list of expressions"); break;
    case TD_TYPE_LIST: snprintf(text, room, "list of mappings, or a path"); break;
    case TD_TYPE_WEIGHTS: snprintf(text, room, "%s, or a mapping of symbols to numbers above 0, at most 1", words); break;
    case TD_TYPE_TIERS: snprintf(text, room, "list of at most %d {volume: number, commission: number, maker: number}", TD_TIERS_MAX); break;
    case TD_TYPE_NAMES: snprintf(text, room, "list of names%s%s", *words ? ", or " : "", words); break;
    default: snprintf(text, room, "anything"); break;
    }
}

static void default_of(td_key key, char *text, size_t room) {
    if (key == TD_KEY_costs_maker) { /* that of costs.commission, whatever it is */
        *text = 0;
    } else if (td_key_infos[key].type == TD_TYPE_KNOB) {
        char value[48];
        snprintf(text, room, "%s", td_value_text(td_knob_infos[td_key_knob(key)].unit, td_knob_infos[td_key_knob(key)].preset, value));
    } else {
        snprintf(text, room, "%s", td_key_infos[key].preset);
    }
}

/* An example for keys without a default, shown behind a comment sign. */
static const char *example_of(td_key key) {
    switch (key) {
    case TD_KEY_execution_interval: return "1m";
    case TD_KEY_entry: return "\"close > previous(highest(high, 20))\"";
    case TD_KEY_exit: return "\"close < sma(close, 50)\"";
    case TD_KEY_entry_short: return "\"close < previous(lowest(low, 20))\"";
    case TD_KEY_exit_short: return "\"close > sma(close, 50)\"";
    case TD_KEY_list: return "sets.csv";
    case TD_KEY_costs_tiers: return "[{volume: 0, commission: 0.001, maker: 0.0008}, {volume: 1e6, commission: 0.0008, maker: 0.0006}]";
    case TD_KEY_run_cap: return "1000";
    case TD_KEY_budget_trials: return "1000";
    case TD_KEY_metric_goal: return "maximize";
    case TD_KEY_instrument_contract: return "linear";
    case TD_KEY_instrument_multiplier: return "1";
    case TD_KEY_book_latency_rows: return "latencies.csv";
    case TD_KEY_venues: return "[{maker: -0.00005, latency: 1ms}, {maker: 0.0001, latency: 5ms}]";
    case TD_KEY_period_from: return "2024-01-01";
    case TD_KEY_period_to: return "2025-01-01";
    default: return "";
    }
}

/* What the strategy plays that the defaults are printed with; keys of other kinds are commented out. */
#define DEFAULTS_KIND TD_TAPE_OF_BARS

static void print_group_defaults(FILE *out, const char *group, const char *indent) {
    for (int i = 0; i < TD_KEY_COUNT; i++) {
        td_key key = (td_key)i;
        const td_key_info *info = &td_key_infos[i];
        if (!td_key_in_group(key, group) || info->type == TD_TYPE_IGNORED) continue;
        if (info->type == TD_TYPE_GROUP) {
            /* a group all of whose keys are behind comment signs is commented out as well, and what the default profile refuses */
            bool live = false;
            char preset[64];
            for (int j = 0; j < TD_KEY_COUNT; j++) {
                default_of((td_key)j, preset, sizeof preset);
                live = live || (td_key_in_group((td_key)j, info->path) && *preset && key != TD_KEY_vectorbt && td_key_is_of(key, DEFAULTS_KIND));
            }
            fprintf(out, "\n%s%s:\n", live ? "" : "# ", info->path);
            print_group_defaults(out, info->path, live ? "  " : "#   ");
            continue;
        }
        char type[256], preset[64], lead[16], text[TEXT_ROOM];
        describe_type(key, type, sizeof type);
        default_of(key, preset, sizeof preset);
        snprintf(lead, sizeof lead, "%s%s", indent, *indent == '#' ? "" : "# ");
        if (!*group) fputc('\n', out);
        text_of(key, text);
        print_wrapped(out, lead, text, 110);
        if (info->type != TD_TYPE_STRATEGY) print_wrapped(out, lead, type, 110);
        if (key == TD_KEY_tape) {
            fprintf(out, "tape: tape.h5\n");
        } else if (key == TD_KEY_strategy) {
            for (int s = 0; s < td_strategy_count(); s++)
                fprintf(out, "#   %s: %s\n", td_strategy_name(td_strategy_at(s)), td_strategy_text(td_strategy_at(s)));
            fprintf(out, "strategy: %s\n", td_strategy_count() ? td_strategy_name(td_strategy_at(0)) : "");
        } else if (*preset && (*indent == '#' || td_key_is_of(key, DEFAULTS_KIND))) {
            fprintf(out, "%s%s: %s\n", indent, td_key_leaf(key), preset);
        } else {
            fprintf(out, "%s%s%s: %s\n", indent, *indent == '#' ? "" : "# ", td_key_leaf(key), *preset ? preset : example_of(key));
        }
    }
}

void td_config_print_defaults(FILE *out) {
    fprintf(out,
            "# Every key of a tapedeck configuration with its default. What is behind a comment sign has none; the value is an "
            "example.\n"
                 "# yaml-language-server: $schema=tapedeck.schema.json (tapedeck config --print-schema)\n");
    print_group_defaults(out, "", "");
}

/* --- docs/config.md --- */

static void print_rows(FILE *out, const char *group, bool ignored) {
    for (int i = 0; i < TD_KEY_COUNT; i++) {
        td_key key = (td_key)i;
        const td_key_info *info = &td_key_infos[i];
        if (!td_key_in_group(key, group)) continue;
        if (info->type == TD_TYPE_GROUP) {
            print_rows(out, info->path, ignored);
            continue;
        }
        if ((info->type == TD_TYPE_IGNORED) != ignored) continue;
        char type[256], preset[64], text[TEXT_ROOM];
        text_of(key, text);
        describe_type(key, type, sizeof type);
        default_of(key, preset, sizeof preset);
        if (ignored)
            fprintf(out, "| `%s` | %s |\n", info->path, text);
        else
            fprintf(out, "| `%s` | %s | %s%s%s | %s |\n", info->path, type, *preset ? "`" : "", preset, *preset ? "`" : "",
                    text);
        if (info->type == TD_TYPE_UNITS) print_rows(out, info->path, ignored);
    }
}

void td_config_print_markdown(FILE *out) {
    fprintf(out,
            "<!-- made by `tapedeck config --print-markdown`; a test compares -->\n"
            "# Configuration\n\n"
            "A configuration is a YAML file: one tape, one strategy (or rules in its place), and what is fixed and what is swept. It is a superset of a "
            "W&B sweep\n"
            "file. `tapedeck config check FILE` reads one and reports everything that is wrong with it; `tapedeck config "
            "--print-schema`\n"
            "prints a JSON Schema for editors; `tapedeck config --print-defaults` prints a file to start from.\n\n"
            "```yaml\n"
            "tape: btc-1h.h5\n"
            "strategy: sma-cross\n"
            "parameters:\n"
            "  fast: {min: 5, max: 25, q: 5}\n"
            "  slow: {values: [20, 50, 100]}\n"
            "  costs.commission: 0.001\n"
            "constraints: [\"fast < slow\"]\n"
            "account: {cash: 10000, sizing: all_in}\n"
            "```\n\n"
            "`--set key=value` puts a value in place of the file's: the key is a dotted path, the value is YAML\n"
            "(`--set costs.commission=0.001`, `--set 'parameters.fast={values: [5, 10]}'`, `--set parameters.fast.max=50`). It "
            "does what editing the\n"
            "file would do; later ones win.\n\n"
            "## Rules\n\n"
            "- Unknown and repeated keys are errors. All errors are reported at once, with their lines.\n"
            "- Numbers are decimal (`1e-6` is fine). A number in quotes is a text. `true` and `false` are the only booleans.\n"
            "- Anchors, aliases, merge keys and tags are not used.\n"
            "- A strategy plays bars or order books. Keys that mean nothing for what it plays are errors: `book`, `instrument`, `venues` "
            "and the\n"
            "  numbers of order books on bars; `stops`, `risk`, `fill` and the like on order books.\n\n"
            "## Keys\n\n| key | takes | default | meaning |\n|---|---|---|---|\n");
    print_rows(out, "", false);
    fprintf(out, "\nAccepted from W&B sweep files, with a note that they have no effect:\n\n| key | meaning |\n|---|---|\n");
    print_rows(out, "", true);
    fprintf(out,
            "\n## Parameters\n\n"
            "A name under `parameters` is a parameter of the strategy, or a number of the engine by its key "
            "(`costs.commission`) or its last part\n"
            "(`commission`, `lot`). Groups flatten: `costs: {parameters: {commission: {value: 0.001}}}` is `costs.commission`. "
            "A plain\n"
            "number is a constant. Where a number of the engine stands under `parameters` and at its key, `parameters` counts, "
            "with a warning.\n\n"
            "| strategy | parameter | takes | default | meaning |\n|---|---|---|---|---|\n");
    for (int s = 0; s < td_strategy_count(); s++) {
        const td_strategy *strategy = td_strategy_at(s);
        for (int i = 0; i < td_strategy_param_count(strategy); i++) {
            const td_param_info *param = td_strategy_param(strategy, i);
            char low[32], high[32], preset[32];
            td_write_number(param->minimum, low);
            td_write_number(param->maximum, high);
            td_write_number(param->preset, preset);
            fprintf(out, "| `%s` | `%s` | %snumber%s%s%s, %s to %s | `%s` | %s |\n", td_strategy_name(strategy), param->name,
                    param->kind == TD_PARAM_NUMBER ? "" : "whole ", *param->unit ? " (" : "", param->unit, *param->unit ? ")" : "",
                        low, high,
                    preset, param->text);
        }
        if (!td_strategy_param_count(strategy)) fprintf(out, "| `%s` | | | | no parameters |\n", td_strategy_name(strategy));
    }
    fprintf(out,
            "\nWhat can stand behind a name (a `?` marks what may be left out):\n\n| distribution | keys | grid | draws "
            "|\n|---|---|---|---|\n");
    for (int i = 0; i < TD_DISTRIBUTION_COUNT; i++) {
        const td_distribution_info *info = &td_distribution_infos[i];
        fprintf(out, "| `%s` | `%s` | %s | %s |\n", info->name, info->keys, info->grid ? "yes" : "no", info->text);
    }
    fprintf(out,
            "\nWithout `distribution`: `value` is constant, `values` categorical (with `probabilities`, "
            "categorical_w_probabilities), `min` and `max`\n"
            "int_uniform when both are written as integers, otherwise uniform, and q_uniform with `q`. Two more forms:\n"
            "`{range: [from, to, step]}`, both ends included, and `{log: [from, to, n]}`, n values in equal ratios (to 12 "
            "digits).\n\n"
            "Where this differs from W&B:\n\n"
            "- `q_uniform` includes `max` when a step lands on it (W&B's grid leaves it out), and draws from the values of the "
            "grid. Steps are\n"
            "  computed on decimals: steps of 0.1 give 0.3, not 0.30000000000000004.\n"
            "- `log_uniform`, `q_log_uniform` and `inv_log_uniform`, which take exponents, are refused; use the `_values` forms.\n"
            "- Values are numbers; of the numbers of play on order books some are words (`queue_model: {values: [risk_adverse, "
            "power(2)]}`) and\n"
            "  some durations (`latency: {values: [0, 1ms, 50ms]}`; a plain number is nanoseconds).\n"
            "- Whole-number parameters refuse other values in grids and lists, and round random draws.\n"
            "- A random draw outside what a parameter allows is drawn again.\n\n"
            "## Trials\n\n"
            "Which parameter set is trial number n depends on the configuration alone. A grid goes through the combinations like\n"
            "`itertools.product` over the sorted names: the last name changes fastest. A list goes through its rows. Random "
            "draws depend on\n"
            "seed, trial, attempt and name order. What constraints exclude gets no number; it is counted.\n\n"
            "## Constraints\n\n"
            "Expressions over the names of parameters and of the engine's numbers: `+ - * / ( )`, `== != < <= > >=`, `and or "
            "not` (or\n"
            "`& | !`). Durations are written `10ms`. Comparisons do not chain: write `5 < fast and fast < slow`. `not` binds looser than comparisons. In a "
            "grid, every cell\n"
            "is looked at once when the configuration is loaded (about 30 million a second). Random sets are drawn again, up to "
            "1000 times.\n\n"
            "## Digest\n\n"
            "A results file and a journal carry a SHA-256 of the configuration in a canonical form: everything that changes "
            "numbers, after\n"
            "defaults and `--set`; not paths, names, limits, comments, or the order of keys.\n");
}
