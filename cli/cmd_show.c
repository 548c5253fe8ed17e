/* tapedeck show: the best sets of a results file. */
#include <argp.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/show.h"

enum { KEY_BY = 256, KEY_TOP, KEY_WHERE, KEY_ASCENDING, KEY_DESCENDING, KEY_JSON, KEY_CSV, KEY_COLUMNS, KEY_SYMBOL, KEY_INTERVAL,
       KEY_OVER, KEY_STATISTIC };

typedef struct show_arguments {
    const char *path;
    td_show_def def;
    bool json, csv;
} show_arguments;

static const struct argp_option options[] = {
    {"by", KEY_BY, "METRIC", 0, "metric (or axis) to sort by; default: the sweep's metric and goal", 0},
    {"top", KEY_TOP, "N", 0, "how many sets, or 'all'; default 10", 0},
    {"where", KEY_WHERE, "EXPR", 0, "only sets for which this is true, such as 'sharpe > 1 and fast < 20 and trades >= 30'", 0},
    {"ascending", KEY_ASCENDING, NULL, 0, "smallest first, whatever is better", 0},
    {"descending", KEY_DESCENDING, NULL, 0, "largest first, whatever is better", 0},
    {"columns", KEY_COLUMNS, "A,B,C", 0, "axes and metrics to print, in this order (table and CSV)", 0},
    {"symbol", KEY_SYMBOL, "S", 0, "of several symbols, only this one", 0},
    {"interval", KEY_INTERVAL, "I", 0, "of several intervals, only this one", 0},
    {"over", KEY_OVER, "WHAT", 0,
     "symbols, intervals or symbols,intervals: one row per set with mean, median, min and max over them; with --where only sets "
     "for which it is true on each", 0},
    {"statistic", KEY_STATISTIC, "NAME", 0, "with --over, what to sort by: mean (the default), median, min or max", 0},
    {"json", KEY_JSON, NULL, 0, "print a JSON list of objects with every parameter and metric", 0},
    {"csv", KEY_CSV, NULL, 0, "print CSV with every parameter and metric", 0},
    {0},
};

static int64_t parse_top(const char *text, struct argp_state *state) {
    if (!strcmp(text, "all")) return -1;
    char *end;
    errno = 0;
    long long top = strtoll(text, &end, 10);
    if (errno || end == text || *end || top < 1)
        argp_error(state, "--top is '%s', must be a whole number of at least 1, or 'all'", text);
    return top;
}

static error_t parse(int key, char *argument, struct argp_state *state) {
    show_arguments *found = state->input;
    switch (key) {
    case KEY_BY: found->def.by = argument; return 0;
    case KEY_TOP: found->def.top = parse_top(argument, state); return 0;
    case KEY_WHERE: found->def.where = argument; return 0;
    case KEY_ASCENDING: found->def.goal = -1; return 0;
    case KEY_DESCENDING: found->def.goal = 1; return 0;
    case KEY_COLUMNS: found->def.columns = argument; return 0;
    case KEY_SYMBOL: found->def.symbol = argument; return 0;
    case KEY_INTERVAL: found->def.interval = argument; return 0;
    case KEY_OVER: found->def.over = argument; return 0;
    case KEY_STATISTIC: found->def.statistic = argument; return 0;
    case KEY_JSON: found->json = true; return 0;
    case KEY_CSV: found->csv = true; return 0;
    case ARGP_KEY_ARG:
        if (found->path) argp_error(state, "one results file at a time: '%s' is a second one", argument);
        found->path = argument;
        return 0;
    case ARGP_KEY_END:
        if (!found->path) argp_error(state, "a results file is wanted");
        if (found->json && found->csv) argp_error(state, "--json and --csv at once");
        if (found->def.statistic && !found->def.over) argp_error(state, "--statistic goes with --over");
        return 0;
    }
    return ARGP_ERR_UNKNOWN;
}

int td_cmd_show(int argc, char **argv) {
    static const struct argp parser = {
        .options = options,
        .parser = parse,
        .args_doc = "RESULTS.h5",
        .doc = "Prints the best sets of a results file, best first; of an unfinished sweep what there is so far.\v"
               "Sets whose metric does not exist, failed and pending ones come last and have no rank; ties go by trial number.",
    };
    show_arguments arguments = {0};
    argp_parse(&parser, argc, argv, 0, NULL, &arguments);
    td_error error = {""};
    td_results *results;
    td_status status = td_results_open(arguments.path, &results, &error);
    if (status != TD_OK) return td_cli_fail(status, &error, arguments.json);

    if (arguments.json) {
        json_t *list;
        status = td_show_json(results, &arguments.def, &list, &error);
        if (status == TD_OK) {
            json_dumpf(list, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(17));
            putchar('\n');
            json_decref(list);
        }
    } else {
        status = (arguments.csv ? td_show_csv : td_show_table)(stdout, results, &arguments.def, &error);
    }
    td_results_close(results);
    return status == TD_OK ? td_cli_finish(TD_EXIT_OK) : td_cli_fail(status, &error, arguments.json);
}
