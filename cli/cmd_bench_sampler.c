/* tapedeck bench sampler: regret of samplers on functions whose optimum is known. */
#include <argp.h>
#include <errno.h>
#include <jansson.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "bench/regret.h"
#include "cli/cli.h"
#include "cli/job.h"
#include "cli/option.h"

enum { KEY_FUNCTION = 256, KEY_SAMPLER, KEY_TRIALS, KEY_SEEDS, KEY_FIRST, KEY_THREADS, KEY_JSON };

typedef struct sampler_arguments {
    const td_problem *problem; /* NULL: all */
    td_sampler_kind kind;
    int trials, seeds, threads;
    uint64_t first;
    bool json;
} sampler_arguments;

static const struct argp_option options[] = {
    {"function", KEY_FUNCTION, "NAME", 0, "branin, hartmann6, ackley5, sphere10 or rosenbrock10 (default: each)", 0},
    {"sampler", KEY_SAMPLER, "NAME", 0, "random, sobol, tpe or gp (default tpe)", 0},
    {"trials", KEY_TRIALS, "N", 0, "of each search (default 100)", 0},
    {"seeds", KEY_SEEDS, "N", 0, "searches (default 30)", 0},
    {"first-seed", KEY_FIRST, "N", 0, "their seeds are this and the next ones (default 1)", 0},
    {"threads", KEY_THREADS, "N", 0, "searches at a time; changes no regret (default 1)", 0},
    {"json", KEY_JSON, NULL, 0, "print one JSON document instead of the table", 0},
    {0},
};

static error_t parse(int key, char *text, struct argp_state *state) {
    sampler_arguments *found = state->input;
    switch (key) {
    case KEY_FUNCTION:
        found->problem = td_problem_find(text);
        if (!found->problem) argp_error(state, "--function is '%s', must be branin, hartmann6, ackley5, sphere10 or rosenbrock10", text);
        return 0;
    case KEY_SAMPLER:
        for (found->kind = 0; found->kind < TD_SAMPLER_KIND_COUNT; found->kind++)
            if (!strcmp(td_sampler_name(found->kind), text)) return 0;
        argp_error(state, "--sampler is '%s', must be random, sobol, tpe or gp", text);
        return EINVAL;
    case KEY_TRIALS: found->trials = (int)td_option_whole(state, "trials", text, 1, 100000); return 0;
    case KEY_SEEDS: found->seeds = (int)td_option_whole(state, "seeds", text, 1, 100000); return 0;
    case KEY_FIRST: found->first = (uint64_t)td_option_whole(state, "first-seed", text, 0, 1LL << 53); return 0;
    case KEY_THREADS: found->threads = (int)td_option_whole(state, "threads", text, 1, 4096); return 0;
    case KEY_JSON: found->json = true; return 0;
    case ARGP_KEY_ARG: argp_error(state, "'%s' is one argument too many", text); return EINVAL;
    }
    return ARGP_ERR_UNKNOWN;
}

static json_t *document_of(const td_problem *problem, const sampler_arguments *arguments, const td_regret *regret) {
    return json_pack("{s:s, s:s, s:i, s:i, s:o, s:o, s:o, s:o, s:o, s:o}", "function", problem->name, "sampler", td_sampler_name(arguments->kind),
                     "trials", arguments->trials, "seeds", regret->seeds, "regret_median", td_json_number(regret->median, false), "regret_q1",
                     td_json_number(regret->q1, false), "regret_q3", td_json_number(regret->q3, false), "regret_mean",
                     td_json_number(regret->mean, false), "regret_deviation", td_json_number(regret->deviation, false), "ms_per_suggest",
                     td_json_number(regret->ms_per_suggest, false));
}

int td_cmd_bench_sampler(int argc, char **argv) {
    static const struct argp parser = {
        .options = options,
        .parser = parse,
        .doc = "Measures samplers on functions whose least value is known: how far the best of so many trials is from it, median and "
               "quartiles over seeds, and how long a suggestion takes.",
    };
    sampler_arguments arguments = {.kind = TD_SAMPLER_TPE, .trials = 100, .seeds = 30, .threads = 1, .first = 1};
    argp_parse(&parser, argc, argv, 0, NULL, &arguments);
    omp_set_num_threads(arguments.threads);
    json_t *list = json_array();
    if (!arguments.json)
        printf("%-14s %-8s %7s %6s %12s %12s %12s %14s\n", "function", "sampler", "trials", "seeds", "median", "q1", "q3", "ms a suggestion");
    for (int i = 0; td_problem_at(i); i++) {
        const td_problem *problem = td_problem_at(i);
        if (arguments.problem && arguments.problem != problem) continue;
        td_regret regret;
        td_error error = {""};
        td_status status = td_regret_measure(problem, arguments.kind, arguments.trials, arguments.seeds, arguments.first, &regret, &error);
        if (status != TD_OK) {
            json_decref(list);
            return td_cli_fail(status, &error, arguments.json);
        }
        if (arguments.json)
            json_array_append_new(list, document_of(problem, &arguments, &regret));
        else
            printf("%-14s %-8s %7d %6d %12.4g %12.4g %12.4g %14.4g\n", problem->name, td_sampler_name(arguments.kind), arguments.trials, regret.seeds,
                   regret.median, regret.q1, regret.q3, regret.ms_per_suggest);
    }
    if (!arguments.json) {
        json_decref(list);
        return td_cli_finish(TD_EXIT_OK);
    }
    if (!arguments.problem) return td_json_print(list, TD_EXIT_OK);
    json_t *only = json_incref(json_array_get(list, 0));
    json_decref(list);
    return td_json_print(only, TD_EXIT_OK);
}
