/* tapedeck config: what configurations can say, and whether one says it right. */
#include <argp.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "sweeps/config.h"

enum { OPTION_SCHEMA = 256, OPTION_DEFAULTS, OPTION_MARKDOWN, OPTION_STRATEGY, OPTION_SET };

typedef struct arguments {
    void (*print)(FILE *out); /* NULL: check */
    bool check, json;
    const char *path, *rules; /* of check; of --print-strategy */
    const char **overrides; /* as many as there are arguments at most */
    int override_count;
} arguments;

static error_t parse(int key, char *argument, struct argp_state *state) {
    arguments *given = state->input;
    switch (key) {
    case OPTION_SCHEMA: given->print = td_config_print_schema; return 0;
    case OPTION_DEFAULTS: given->print = td_config_print_defaults; return 0;
    case OPTION_MARKDOWN: given->print = td_config_print_markdown; return 0;
    case OPTION_STRATEGY: given->rules = argument; return 0;
    case OPTION_SET: given->overrides[given->override_count++] = argument; return 0;
    case 'j': given->json = true; return 0;
    case ARGP_KEY_ARG:
        if (state->arg_num == 0 && strcmp(argument, "check") != 0) argp_error(state, "unknown word '%s', expected check", argument);
        if (state->arg_num == 0) given->check = true;
        if (state->arg_num == 1) given->path = argument;
        if (state->arg_num > 1) argp_error(state, "unexpected argument '%s'", argument);
        return 0;
    case ARGP_KEY_END:
        if (given->check + (given->print != NULL) + (given->rules != NULL) > 1)
            argp_error(state, "check and the things to print do not go together");
        if (given->check && !given->path) argp_error(state, "check needs a configuration file");
        if (!given->check && !given->print && !given->rules) argp_error(state, "say check FILE, or what to print");
        if (given->json && !given->check) argp_error(state, "--json goes with check");
        if (given->override_count && given->print) argp_error(state, "--set goes with check and --print-strategy");
        return 0;
    }
    return ARGP_ERR_UNKNOWN;
}

static const char *method_name(td_method method) {
    return method == TD_METHOD_GRID ? "grid" : method == TD_METHOD_LIST ? "list" : "random";
}

static void print_checked(const td_config *config, bool json) {
    const td_space *space = config->space;
    const char *method = method_name(td_space_method(space));
    if (!json) {
        long long trials = (long long)td_space_count(space);
        int axes = td_space_axis_count(space);
        printf("%s is good: %lld parameter set%s (%s over %d swept name%s", config->path, trials, trials == 1 ? "" : "s", method,
               axes, axes == 1 ? "" : "s");
        if (td_space_excluded(space)) printf(", %lld excluded by constraints", (long long)td_space_excluded(space));
        printf(")\ndigest %s\n", config->digest);
        return;
    }
    json_t *axes = json_array();
    for (int a = 0; a < td_space_axis_count(space); a++) json_array_append_new(axes, json_string(td_space_axis(space, a)->name));
    json_t *document = json_pack("{s:s, s:o, s:s, s:I, s:I, s:o, s:I}", "digest", config->digest, "resolved",
                                 json_loads(config->resolved, 0, NULL), "method", method, "trials",
                                 (json_int_t)td_space_count(space), "excluded", (json_int_t)td_space_excluded(space), "axes", axes,
                                 "space_bytes", (json_int_t)td_space_bytes(space));
    json_dumpf(document, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(17));
    putchar('\n');
    json_decref(document);
}

int td_cmd_config(int argc, char **argv) {
    static const struct argp_option options[] = {
        {"print-schema", OPTION_SCHEMA, NULL, 0, "print a JSON Schema (draft 2020-12) for editors", 1},
        {"print-defaults", OPTION_DEFAULTS, NULL, 0, "print a configuration with every key and its default", 1},
        {"print-markdown", OPTION_MARKDOWN, NULL, 0, "print docs/config.md", 1},
        {"print-strategy", OPTION_STRATEGY, "FILE", 0, "print the C file that the rules of a configuration become", 1},
        {"set", OPTION_SET, "KEY=VALUE", 0, "put a value in place of the file's (dotted key, YAML value)", 2},
        {"json", 'j', NULL, 0, "check: print one JSON document", 2},
        {0},
    };
    static const struct argp parser = {
        .options = options,
        .parser = parse,
        .args_doc = "check FILE",
        .doc = "Checks a configuration, reporting everything that is wrong with it, or prints what configurations can say. "
               "Exit code 2 when the configuration is wrong.",
    };
    arguments given = {.overrides = calloc((size_t)argc + 1, sizeof(char *))};
    td_error error;
    if (!given.overrides) return td_cli_fail(td_fail(&error, TD_NO_MEMORY, "memory ran out"), &error, false);
    argp_parse(&parser, argc, argv, 0, NULL, &given);
    int code = TD_EXIT_OK;
    if (given.print) {
        given.print(stdout);
    } else if (given.rules) {
        char *source;
        td_status status = td_config_rules_source(given.rules, given.overrides, given.override_count, stderr, &source, &error);
        if (status == TD_OK)
            fputs(source, stdout);
        else
            code = td_cli_fail(status, &error, false);
        free(source);
    } else {
        td_config *config;
        td_status status = td_config_load(given.path, given.overrides, given.override_count, stderr, &config, &error);
        if (status == TD_OK)
            print_checked(config, given.json);
        else
            code = td_cli_fail(status, &error, given.json);
        td_config_free(config);
    }
    free(given.overrides);
    return code;
}
