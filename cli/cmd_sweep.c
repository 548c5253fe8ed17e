/* tapedeck sweep: every parameter set of a configuration into a results file. */
#include <errno.h>
#include <omp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/crash.h"
#include "cli/job.h"
#include "cli/progress.h"
#include "cli/show.h"

enum { KEY_RESUME = 0x200, KEY_FORCE, KEY_TOP };

typedef struct sweep_arguments {
    td_job job;
    const char *results_path;
    bool resume, force, quiet;
    int64_t top;
} sweep_arguments;

static const struct argp_option options[] = {
    {"output", 'o', "RESULTS.h5", 0, "the results file (required); the journal is RESULTS.h5.journal until it is whole", 0},
    {"resume", KEY_RESUME, NULL, 0, "go on with a sweep that was stopped or killed; with nothing to resume, start", 0},
    {"force", KEY_FORCE, NULL, 0, "replace results and throw away a journal that are there already", 0},
    {"top", KEY_TOP, "N", 0, "how many of the best sets to print, 0 for none (default 10)", 0},
    {"quiet", 'q', NULL, 0, "no progress and no summary on stderr", 0},
    {0},
};

static error_t parse(int key, char *text, struct argp_state *state) {
    sweep_arguments *arguments = state->input;
    switch (key) {
    case ARGP_KEY_INIT: state->child_inputs[0] = &arguments->job; return 0;
    case 'o': arguments->results_path = text; return 0;
    case KEY_RESUME: arguments->resume = true; return 0;
    case KEY_FORCE: arguments->force = true; return 0;
    case 'q': arguments->quiet = true; return 0;
    case KEY_TOP: {
        char *end;
        errno = 0;
        long long top = strtoll(text, &end, 10);
        if (errno || end == text || *end || top < 0) argp_error(state, "--top is '%s', must be a whole number from 0", text);
        arguments->top = top;
        return 0;
    }
    case ARGP_KEY_END:
        if (!arguments->results_path) argp_error(state, "the results file is missing: -o RESULTS.h5");
        if (arguments->resume && arguments->force)
            argp_error(state, "--resume keeps what is there, --force throws it away: choose one");
        return 0;
    }
    return ARGP_ERR_UNKNOWN;
}

/* The signal that asked for the end, 0 before. */
static volatile int stop_signal;

static void on_signal(int number) {
    /* atomic: the handler runs on one thread while others look whether to stop */
    if (__atomic_exchange_n(&stop_signal, number, __ATOMIC_RELAXED)) _exit(128 + number);
}

static void watch_signals(void) {
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

/* The command as typed, for provenance; the caller frees. */
static char *join_arguments(int argc, char **argv) {
    char *text = NULL;
    size_t size;
    FILE *stream = open_memstream(&text, &size);
    if (!stream) return NULL;
    for (int i = 0; i < argc; i++) fprintf(stream, "%s%s", i ? " " : "", argv[i]);
    fclose(stream);
    return text;
}

/* "3 of 100 sets failed, trial 17 first: ..." on stderr. */
static void tell_failures(const char *path, const td_sweep_progress *progress) {
    td_results *results = NULL;
    if (td_results_open(path, &results, NULL) != TD_OK) return;
    const int32_t *state = td_results_state(results, NULL), *reason = td_results_reason(results, NULL);
    for (int64_t row = 0; state && reason && row < progress->rows; row++)
        if (state[row] == TD_CELL_FAILED) {
            char market[TD_SYMBOL_MAX + 32] = "";
            if (td_results_several(results))
                snprintf(market, sizeof market, " on %s %s", td_results_symbol_name(results, td_results_row_symbol(results, row)),
                         td_results_interval_name(results, td_results_row_interval(results, row)));
            fprintf(stderr, "tapedeck: warning: %lld of %lld sets failed, first trial %lld%s: %s\n", (long long)progress->failed,
                    (long long)progress->rows, (long long)td_results_row_trial(results, row), market,
                    td_cell_reason_text((td_cell_reason)reason[row]));
            break;
        }
    td_results_close(results);
}

/* How fast it went; nothing in it where nothing was played. */
static json_t *timing_json(const td_sweep_progress *progress, const td_sweep_def *def, int threads) {
    double seconds = progress->seconds;
    return json_pack("{s:I,s:f,s:o,s:o,s:i,s:s}", "played", (json_int_t)progress->played, "seconds", seconds, "sets_per_second",
                     td_json_number(seconds > 0 ? (double)progress->played / seconds : 0, false),
                     progress->kind == TD_TAPE_OF_BARS ? "bar_evaluations_per_second" : "row_evaluations_per_second",
                     td_json_number(seconds > 0 ? progress->bar_evaluations / seconds : 0, false), "threads", threads, "isa",
                     td_isa_name(def->isa));
}

static void print_timing(FILE *out, const td_sweep_progress *progress, const td_sweep_def *def, int threads) {
    if (!progress->played) return;
    char duration[32], rate[32], evaluations[32];
    double seconds = progress->seconds > 0 ? progress->seconds : 1e-9;
    fprintf(out, "%lld sets in %s: %s sets/s, %s %s-evaluations/s (%d thread%s, %s)\n", (long long)progress->played,
            td_duration_text(progress->seconds, duration), td_count_text((double)progress->played / seconds, rate),
            td_count_text(progress->bar_evaluations / seconds, evaluations), td_tape_kind_infos[progress->kind].piece, threads, threads == 1 ? "" : "s",
            td_isa_name(def->isa));
}

/* What does not depend on the machine, and `timing`, which does. Takes over best. */
static json_t *describe_json(const sweep_arguments *arguments, const td_sweep_progress *progress, const td_sweep_def *def,
                             json_t *best) {
    const td_config *config = arguments->job.config;
    return json_pack("{s:s,s:I,s:I,s:I,s:I,s:s,s:o,s:o}",
                     "results", arguments->results_path,
                     "sets", (json_int_t)progress->rows,
                     "excluded", (json_int_t)td_space_excluded(config->space),
                     "done", (json_int_t)progress->done,
                     "failed", (json_int_t)progress->failed,
                     "metric", td_metric_infos[config->metric].name,
                     "best", best,
                     "timing", timing_json(progress, def, def->threads));
}

/* The end: failures, the best sets, how fast it went. */
static int report(const sweep_arguments *arguments, const td_sweep_progress *progress, const td_sweep_def *def) {
    const td_job *job = &arguments->job;
    const char *path = arguments->results_path;
    int code = progress->failed ? TD_EXIT_SOME_FAILED : TD_EXIT_OK;
    if (!arguments->quiet) {
        if (progress->played)
            fprintf(stderr, "tapedeck: %s: %lld sets finished, %lld of them now\n", path, (long long)progress->done,
                    (long long)progress->played);
        else
            fprintf(stderr, "tapedeck: %s: all %lld sets are finished already, nothing left to do\n", path,
                    (long long)progress->done);
    }
    if (progress->failed) tell_failures(path, progress);

    td_error error = {.message = ""};
    td_results *results = NULL;
    td_status status = td_results_open(path, &results, &error);
    int metric = job->config->metric, goal = job->config->goal;
    if (status == TD_OK && job->json) {
        json_t *best = json_array();
        if (arguments->top) {
            json_decref(best);
            status = td_show_best_json(results, metric, goal, arguments->top, &best, &error);
        }
        if (status == TD_OK) code = td_json_print(describe_json(arguments, progress, def, best), code);
    } else if (status == TD_OK) {
        if (arguments->top) status = td_show_best(stdout, results, metric, goal, arguments->top, &error);
        if (status == TD_OK) print_timing(stdout, progress, def, def->threads);
    }
    if (results) td_results_close(results);
    return status == TD_OK ? code : td_cli_fail(status, &error, job->json);
}

int td_cmd_sweep(int argc, char **argv) {
    static const struct argp_child children[] = {{&td_job_threads_argp, 0, NULL, 0}, {0}};
    static const struct argp parser = {
        .options = options,
        .parser = parse,
        .args_doc = "CONFIG.yaml -o RESULTS.h5",
        .doc = "Plays every parameter set of a configuration into a results file and prints the best.\v"
               "Ctrl-C stops cleanly and keeps what is finished, a second one stops at once; --resume goes on. Exits with 5 when "
               "some sets failed, with 130 when it was stopped.",
        .children = children,
    };
    sweep_arguments arguments = {.top = 10};
    char *command = join_arguments(argc, argv);
    argp_parse(&parser, argc, argv, 0, NULL, &arguments);
    td_job *job = &arguments.job;
    int code = td_job_open(job);
    if (code != TD_EXIT_OK) {
        free(command);
        return code;
    }

    td_error error = {.message = ""};
    td_progress progress = td_progress_start(stderr, arguments.quiet);
    td_sweep_def def = td_default_sweep_def();
    def.threads = job->threads ? job->threads : omp_get_max_threads();
    def.engine = job->engine;
    def.resume = arguments.resume;
    def.force = arguments.force;
    def.stop = &stop_signal;
    def.progress = td_progress_show;
    def.progress_context = &progress;
    def.command = command;
    td_sweep_progress end = {0};
    watch_signals();
    td_crash_watch(job->config->play.strategy, def.threads, job->json);
    td_status status = td_isa_pick(&def.isa, &error);
    if (status == TD_OK) status = td_sweep_run(job->config, td_job_tape(job), arguments.results_path, &def, &end, &error);
    td_progress_end(&progress);
    if (end.torn_bytes && !arguments.quiet)
        fprintf(stderr, "tapedeck: warning: the journal had a torn end, %lld bytes of unfinished work were cut off\n",
                (long long)end.torn_bytes);
    if (status == TD_OK)
        code = report(&arguments, &end, &def);
    else if (status == TD_DIFFERENT) /* what cannot be resumed is a mistake in the command, no gate that failed */
        code = td_cli_fail(TD_BAD_ARG, &error, job->json);
    else
        code = td_cli_fail(status, &error, job->json);
    if (status == TD_INTERRUPTED && stop_signal) code = 128 + stop_signal;
    td_job_close(job);
    free(command);
    return td_cli_finish(code);
}
