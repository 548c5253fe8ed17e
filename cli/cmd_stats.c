/* tapedeck stats: which results are luck. */
#include <argp.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/job.h"
#include "cli/option.h"
#include "cli/show.h"
#include "sweeps/importance.h"
#include "sweeps/trials.h"

enum { KEY_RETURNS = 256, KEY_BLOCKS, KEY_TRIALS, KEY_CHOSEN, KEY_PERIODS, KEY_REPLICATES, KEY_CONFIDENCE, KEY_SEED, KEY_JSON };

typedef struct stats_arguments {
    const char *results, *returns, *chosen;
    double periods_per_year; /* 0: not given */
    td_judge_def def;
    bool json;
} stats_arguments;

static const struct argp_option options[] = {
    {"returns", KEY_RETURNS, "MATRIX.csv", 0,
     "instead of a results file: anyone's returns, a row for each period, a column for each trial, a header of names", 0},
    {"blocks", KEY_BLOCKS, "S", 0, "blocks that PBO splits the periods into, even (default 16, fewer where there are not two periods for each)", 0},
    {"trials", KEY_TRIALS, "N", 0, "how many trials were ever run on this data, where it is more than there are here", 0},
    {"chosen", KEY_CHOSEN, "NAME", 0, "the trial to judge: a name of the header, or a trial's number; default: the one with the largest Sharpe ratio", 0},
    {"periods-per-year", KEY_PERIODS, "N", 0, "what makes years of periods (default: of a matrix 252, of a results file from its times)", 0},
    {"replicates", KEY_REPLICATES, "B", 0, "of the bootstraps (default 1000)", 0},
    {"confidence", KEY_CONFIDENCE, "P", 0, "of the minimum track record length (default 0.95)", 0},
    {"seed", KEY_SEED, "N", 0, "of the bootstraps (default 1)", 0},
    {"json", KEY_JSON, NULL, 0, "print one JSON document", 0},
    {0},
};

static error_t parse(int key, char *text, struct argp_state *state) {
    stats_arguments *found = state->input;
    switch (key) {
    case KEY_RETURNS: found->returns = text; return 0;
    case KEY_BLOCKS:
        found->def.blocks = (int)td_option_whole(state, "blocks", text, 2, 20);
        if (found->def.blocks % 2) argp_error(state, "--blocks is %s, must be even", text);
        return 0;
    case KEY_TRIALS: found->def.tried = td_option_whole(state, "trials", text, 1, 1LL << 53); return 0;
    case KEY_CHOSEN: found->chosen = text; return 0;
    case KEY_PERIODS: found->periods_per_year = td_option_between(state, "periods-per-year", text, 0, 1e9); return 0;
    case KEY_REPLICATES: found->def.replicates = td_option_whole(state, "replicates", text, 20, 1000000); return 0;
    case KEY_CONFIDENCE: found->def.confidence = td_option_between(state, "confidence", text, 0.5, 1); return 0;
    case KEY_SEED: found->def.seed = (uint64_t)td_option_whole(state, "seed", text, 0, 1LL << 53); return 0;
    case KEY_JSON: found->json = true; return 0;
    case ARGP_KEY_ARG:
        if (found->results) argp_error(state, "one results file at a time: '%s' is a second one", text);
        found->results = text;
        return 0;
    case ARGP_KEY_END:
        if (!found->results == !found->returns) argp_error(state, "a results file is wanted, or --returns MATRIX.csv, and not both");
        return 0;
    }
    return ARGP_ERR_UNKNOWN;
}

/* What a results file says of its parameters, by the sweep's metric. */
typedef struct parameters {
    int axes, metric, goal;
    char (*names)[64];           /* (axes) */
    td_importance *importance;   /* (axes); NULL where there are too few trials, or none of the parameters varies */
    td_error why_not;
    int64_t pairs, robust, best; /* neighbours, the row with the best worst of them, the best row; -1 none */
    double robust_score, robust_least, best_score, best_least;
} parameters;

static void free_parameters(parameters *p) {
    free(p->names);
    free(p->importance);
}

/* Scores with the better larger: the metric of the finished rows, NaN of the others. */
static td_status read_scores(td_results *results, parameters *p, double *score, td_error *error) {
    const double *metric = td_results_metric(results, (td_metric)p->metric, error);
    const int32_t *state = metric ? td_results_state(results, error) : NULL;
    if (!state) return TD_BAD_DATA;
    for (int64_t r = 0; r < td_results_rows(results); r++) score[r] = state[r] == TD_CELL_DONE ? p->goal * metric[r] : NAN;
    return TD_OK;
}

static void find_robust(parameters *p, const double *score, const double *least, int64_t rows) {
    p->best = p->robust = -1;
    for (int64_t r = 0; r < rows; r++) {
        if (!isfinite(score[r])) continue;
        if (p->best < 0 || score[r] > score[p->best]) p->best = r;
        if (p->robust < 0 || least[r] > least[p->robust] || (least[r] == least[p->robust] && score[r] > score[p->robust])) p->robust = r;
    }
    if (p->best < 0) return;
    p->best_score = p->goal * score[p->best];
    p->best_least = p->goal * least[p->best];
    p->robust_score = p->goal * score[p->robust];
    p->robust_least = p->goal * least[p->robust];
}

static td_status look_at_parameters(td_results *results, uint64_t seed, parameters *p, td_error *error) {
    enum { REPLICATES = 100 };
    int64_t rows = td_results_rows(results);
    p->metric = td_show_sweep_metric(results, &p->goal);
    p->axes = td_results_axis_count(results);
    p->best = p->robust = -1;
    if (p->metric < 0 || p->axes == 0 || td_results_several(results)) return TD_OK; /* of several markets each would need its own */
    const double **axis = malloc((size_t)p->axes * sizeof *axis);
    double *score = malloc(2 * (size_t)rows * sizeof *score), *least = score + rows;
    p->names = malloc((size_t)p->axes * sizeof *p->names);
    p->importance = malloc((size_t)p->axes * sizeof *p->importance);
    td_status status = axis && score && p->names && p->importance ? TD_OK : td_fail(error, TD_NO_MEMORY, "no memory for %lld trials", (long long)rows);
    for (int a = 0; a < p->axes && status == TD_OK; a++) {
        snprintf(p->names[a], sizeof *p->names, "%s", td_results_axis_name(results, a));
        axis[a] = td_results_axis(results, a, error);
        if (!axis[a]) status = TD_BAD_DATA;
    }
    if (status == TD_OK) status = read_scores(results, p, score, error);
    if (status == TD_OK && td_importance_make(axis, p->axes, score, rows, REPLICATES, seed, p->importance, &p->why_not) != TD_OK) {
        free(p->importance);
        p->importance = NULL;
    }
    if (status == TD_OK) status = td_neighbours(axis, p->axes, score, rows, least, &p->pairs, error);
    if (status == TD_OK && p->pairs > 0) find_robust(p, score, least, rows);
    free(axis);
    free(score);
    return status;
}

static td_status read_trials(const stats_arguments *arguments, td_trials *trials, parameters *parameters, td_error *error) {
    if (arguments->returns) {
        TD_TRY(td_trials_read(arguments->returns, trials, error));
        trials->periods_per_year = 252;
        return TD_OK;
    }
    td_results *results;
    TD_TRY(td_results_open(arguments->results, &results, error));
    td_status status = td_trials_of_results(results, trials, error);
    if (status == TD_OK) status = look_at_parameters(results, arguments->def.seed, parameters, error);
    td_results_close(results);
    return status;
}

static td_status find_chosen(const stats_arguments *arguments, const td_trials *trials, int64_t *chosen, td_error *error) {
    if (!arguments->chosen) return TD_OK;
    char *end;
    long long number = strtoll(arguments->chosen, &end, 10);
    for (int64_t k = 0; k < trials->count; k++) {
        bool same = trials->rows && end != arguments->chosen && !*end ? trials->rows[k] == number : !strcmp(trials->names[k], arguments->chosen);
        if (!same) continue;
        *chosen = k;
        return TD_OK;
    }
    return td_fail(error, TD_BAD_ARG, "--chosen is '%.60s', and there is no such trial among the %lld", arguments->chosen, (long long)trials->count);
}

static json_t *number(double x) { return td_json_number(x, false); }

static void add_parameters(json_t *document, const parameters *p) {
    if (!p->names) return;
    json_t *importance = json_object();
    for (int a = 0; p->importance && a < p->axes; a++)
        json_object_set_new(importance, p->names[a], json_pack("{s:o, s:[o,o]}", "share", number(p->importance[a].share), "interval",
                                                               number(p->importance[a].low), number(p->importance[a].high)));
    json_object_set_new(document, "metric", json_string(td_metric_infos[p->metric].name));
    json_object_set_new(document, "importance", importance);
    json_t *robust = p->best < 0 ? json_null()
                                 : json_pack("{s:I, s:o, s:o, s:I, s:o, s:o}", "trial", (json_int_t)p->robust, "value", number(p->robust_score),
                                             "worst_neighbour", number(p->robust_least), "best_trial", (json_int_t)p->best, "best_value",
                                             number(p->best_score), "best_worst_neighbour", number(p->best_least));
    json_object_set_new(document, "robust", robust);
}

static json_t *document_of(const td_trials *trials, const td_judgement *j, const parameters *p) {
    double year = trials->periods_per_year;
    json_t *document = json_object(), *pbo = json_object(), *reality = json_object(), *stepm = json_array(), *histogram = json_array();
    json_object_set_new(document, "chosen", json_string(trials->names[j->chosen]));
    json_object_set_new(document, "n_trials", json_integer(j->tried));
    json_object_set_new(document, "n_effective", number(j->n_effective));
    json_object_set_new(document, "n_effective_by_mean_correlation", number(j->effective.by_mean * ((double)j->tried / (double)trials->count)));
    json_object_set_new(document, "mean_correlation", number(j->effective.mean_correlation));
    json_object_set_new(document, "trials_here", json_integer(trials->count));
    json_object_set_new(document, "left_out", json_integer(trials->left_out));
    json_object_set_new(document, "periods", json_integer(trials->periods));
    json_object_set_new(document, "periods_per_year", number(year));
    json_object_set_new(document, "sharpe", number(j->moments.sharpe));
    json_object_set_new(document, "sharpe_annual", number(j->moments.sharpe * sqrt(year)));
    json_object_set_new(document, "skew", number(j->moments.skew));
    json_object_set_new(document, "kurtosis", number(j->moments.kurtosis));
    json_object_set_new(document, "autocorrelation", number(j->rho));
    json_object_set_new(document, "psr", number(j->psr));
    json_object_set_new(document, "psr_2025", number(j->psr_2025));
    json_object_set_new(document, "min_trl_periods", number(j->min_trl));
    json_object_set_new(document, "min_trl_years", number(j->min_trl / year));
    json_object_set_new(document, "min_trl_years_2025", number(j->min_trl_2025 / year));
    json_object_set_new(document, "sharpe_of_luck", number(j->benchmark));
    json_object_set_new(document, "dsr", number(j->dsr));
    json_object_set_new(document, "min_btl_years", number(j->min_btl_years));
    json_object_set_new(document, "pbo", number(j->pbo.probability));
    json_object_set_new(document, "pbo_interval", json_pack("[o,o]", number(j->pbo.low), number(j->pbo.high)));
    for (int i = 0; i < 20; i++) json_array_append_new(histogram, json_integer(j->pbo.histogram[i]));
    json_object_set_new(pbo, "splits", json_integer(j->pbo.splits));
    json_object_set_new(pbo, "mean_logit", number(j->pbo.mean_logit));
    json_object_set_new(pbo, "median_logit", number(j->pbo.median_logit));
    json_object_set_new(pbo, "slope", number(j->pbo.slope));
    json_object_set_new(pbo, "probability_of_loss", number(j->pbo.loss));
    json_object_set_new(pbo, "dominance", number(j->pbo.dominance));
    json_object_set_new(pbo, "rank_histogram", histogram);
    json_object_set_new(document, "pbo_detail", pbo);
    json_object_set_new(document, "spa", number(j->reality.spa));
    json_object_set_new(document, "rc", number(j->reality.rc));
    json_object_set_new(reality, "spa_lower", number(j->reality.spa_lower));
    json_object_set_new(reality, "spa_upper", number(j->reality.spa_upper));
    json_object_set_new(reality, "unstudentised_lower", number(j->reality.plain_lower));
    json_object_set_new(reality, "unstudentised", number(j->reality.plain));
    json_object_set_new(reality, "unstudentised_upper", number(j->reality.plain_upper));
    json_object_set_new(reality, "block_length", number(j->reality.block_length));
    json_object_set_new(reality, "replicates", json_integer(j->reality.replicates));
    json_object_set_new(document, "reality_detail", reality);
    for (int64_t k = 0; k < trials->count; k++)
        if (j->superior[k]) json_array_append_new(stepm, json_string(trials->names[k]));
    json_object_set_new(document, "stepm", stepm);
    json_object_set_new(document, "looked_at", json_integer(j->looked));
    add_parameters(document, p);
    return document;
}

/* The verdict in three lines: is the track record long enough, would luck do as well, does choosing work. */
static void print_verdict(FILE *out, const td_trials *trials, const td_judgement *j) {
    const char *name = trials->names[j->chosen];
    if (j->moments.sharpe > 0)
        fprintf(out, "%s earned: probability %.3f that its Sharpe ratio is above 0; %.4g periods are needed to say so, there are %lld.\n", name, j->psr,
                j->min_trl, (long long)trials->periods);
    else
        fprintf(out, "%s did not earn: its Sharpe ratio is %.3g a period.\n", name, j->moments.sharpe);
    fprintf(out, "The best of %lld trials (%.4g independent ones): %s; deflated Sharpe ratio %.3f, reality check p %.3f.\n", (long long)j->tried,
            j->n_effective, j->dsr > 0.95 && j->reality.spa < 0.05 ? "more than luck" : "luck would do as well", j->dsr, j->reality.spa);
    if (j->pbo.splits > 0)
        fprintf(out, "Choosing the best %s: probability of overfitting %.3f (90 %% interval %.2f to %.2f).\n",
                j->pbo.high < 0.5 ? "works" : j->pbo.low > 0.5 ? "does harm" : "may or may not work", j->pbo.probability, j->pbo.low, j->pbo.high);
    else
        fprintf(out, "Whether choosing works cannot be said: there are %lld trials of %lld periods.\n", (long long)trials->count, (long long)trials->periods);
}

static void print_parameters(const parameters *p) {
    if (!p->names) return;
    const char *metric = td_metric_infos[p->metric].name;
    if (p->importance) printf("what moves %s\n", metric);
    for (int a = 0; p->importance && a < p->axes; a++)
        if (isfinite(p->importance[a].share))
            printf("  %-24s %3.0f %% (%.0f to %.0f)\n", p->names[a], 100 * p->importance[a].share, 100 * p->importance[a].low, 100 * p->importance[a].high);
    if (!p->importance) printf("what moves %s cannot be said: %s\n", metric, p->why_not.message);
    if (p->best < 0) return;
    printf("best                       trial %lld: %s %.4g, its worst neighbour %.4g\n", (long long)p->best, metric, p->best_score, p->best_least);
    printf("robust                     trial %lld: %s %.4g, its worst neighbour %.4g\n", (long long)p->robust, metric, p->robust_score, p->robust_least);
}

static void print_table(const td_trials *trials, const td_judgement *j, const parameters *p) {
    double year = trials->periods_per_year;
    printf("chosen                     %s\n", trials->names[j->chosen]);
    printf("trials                     %lld, here %lld%s; %.4g effective\n", (long long)j->tried, (long long)trials->count,
           trials->left_out ? " and some left out" : "", j->n_effective);
    printf("periods                    %lld (%.6g a year)\n", (long long)trials->periods, year);
    printf("Sharpe ratio               %.4f a period, %.4f a year; skew %.3f, kurtosis %.3f\n", j->moments.sharpe, j->moments.sharpe * sqrt(year),
           j->moments.skew, j->moments.kurtosis);
    printf("PSR                        %.4f (2025: %.4f)\n", j->psr, j->psr_2025);
    printf("minimum track record       %.4g periods, %.4g years\n", j->min_trl, j->min_trl / year);
    printf("deflated Sharpe ratio      %.4f against %.4f a period, the best of luck\n", j->dsr, j->benchmark);
    printf("minimum backtest length    %.4g years\n", j->min_btl_years);
    if (j->pbo.splits > 0)
        printf("PBO                        %.4f [%.3f, %.3f] of %lld splits; loss outside %.3f, slope %.3f\n", j->pbo.probability, j->pbo.low, j->pbo.high,
               (long long)j->pbo.splits, j->pbo.loss, j->pbo.slope);
    printf("SPA                        p %.4f (lower %.4f, upper %.4f)\n", j->reality.spa, j->reality.spa_lower, j->reality.spa_upper);
    printf("reality check              p %.4f\n", j->reality.rc);
    printf("StepM                      %lld trials are better than nothing at 5 %%\n", (long long)j->reality.rejected);
    print_parameters(p);
    putchar('\n');
    if (j->looked < trials->count) printf("PBO, SPA and StepM looked at %lld trials, spread evenly.\n", (long long)j->looked);
    print_verdict(stdout, trials, j);
}

int td_cmd_stats(int argc, char **argv) {
    static const struct argp parser = {
        .options = options,
        .parser = parse,
        .args_doc = "[RESULTS.h5]",
        .doc = "Says which results are luck: how probable the Sharpe ratio of the chosen trial is, what the best of so many trials without skill "
               "would have shown, and whether choosing the best works at all.\v"
               "Of a results file the periods are its blocks. docs/luck.md says what the numbers mean, and where they come from.",
    };
    stats_arguments arguments = {.def = td_default_judge_def()};
    argp_parse(&parser, argc, argv, 0, NULL, &arguments);
    td_error error = {""};
    td_trials trials;
    parameters parameters = {.names = NULL};
    td_status status = read_trials(&arguments, &trials, &parameters, &error);
    if (status != TD_OK) {
        free_parameters(&parameters);
        td_trials_free(&trials);
        return td_cli_fail(status, &error, arguments.json);
    }
    if (arguments.periods_per_year > 0) trials.periods_per_year = arguments.periods_per_year;
    td_judgement judgement = {0};
    status = find_chosen(&arguments, &trials, &arguments.def.chosen, &error);
    if (status == TD_OK) status = td_judge(&trials, &arguments.def, &judgement, &error);
    int code = TD_EXIT_OK;
    if (status != TD_OK)
        code = td_cli_fail(status, &error, arguments.json);
    else if (arguments.json)
        code = td_json_print(document_of(&trials, &judgement, &parameters), TD_EXIT_OK);
    else {
        print_table(&trials, &judgement, &parameters);
        code = td_cli_finish(TD_EXIT_OK);
    }
    td_judgement_free(&judgement);
    td_trials_free(&trials);
    free_parameters(&parameters);
    return code;
}
