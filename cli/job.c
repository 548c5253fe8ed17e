/* See job.h. */
#include "cli/job.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/option.h"

enum { KEY_SET = 0x100, KEY_JSON, KEY_THREADS, KEY_ENGINE };

static const struct argp_option job_options[] = {
    {"set", KEY_SET, "KEY=VALUE", 0, "change one setting of the configuration, the value in YAML; any number of times", 0},
    {"json", KEY_JSON, NULL, 0, "print one JSON document instead of tables", 0},
    {0},
};

static const struct argp_option job_threads_options[] = {
    {"set", KEY_SET, "KEY=VALUE", 0, "change one setting of the configuration, the value in YAML; any number of times", 0},
    {"json", KEY_JSON, NULL, 0, "print one JSON document instead of tables", 0},
    {"threads", KEY_THREADS, "N", 0, "threads to play with, by default every processor; never changes a number", 0},
    {"engine", KEY_ENGINE, "NAME", 0, "auto, reference, lanes or skip (default auto); never changes a number", 0},
    {0},
};

static const struct argp_option job_bench_options[] = {
    {"set", KEY_SET, "KEY=VALUE", 0, "change one setting of --play's configuration, the value in YAML; any number of times", 3},
    {"threads", KEY_THREADS, "N", 0, "threads to play --play's configuration with (default 1)", 3},
    {"engine", KEY_ENGINE, "NAME", 0, "reference, lanes or skip alone, of --play; by default each that can", 3},
    {"json", KEY_JSON, NULL, 0, "print the measurements as Google Benchmark JSON instead of the table", 0},
    {0},
};

static void set_engine(td_job *job, const char *text, struct argp_state *state) {
    for (td_engine engine = TD_ENGINE_AUTO; engine <= TD_ENGINE_SKIP; engine++)
        if (strcmp(td_engine_name(engine), text) == 0) {
            job->engine = engine;
            return;
        }
    argp_error(state, "--engine is '%s', must be auto, reference, lanes or skip", text);
}

static error_t parse_job(int key, char *text, struct argp_state *state) {
    td_job *job = state->input;
    switch (key) {
    case KEY_SET:
        if (!strchr(text, '=')) argp_error(state, "--set is '%s', must be KEY=VALUE", text);
        if (job->override_count == TD_JOB_OVERRIDES_MAX)
            argp_error(state, "--set is given more than %d times", TD_JOB_OVERRIDES_MAX);
        job->overrides[job->override_count++] = text;
        return 0;
    case KEY_JSON: job->json = true; return 0;
    case KEY_THREADS: job->threads = (int)td_option_whole(state, "threads", text, 1, 4096); return 0;
    case KEY_ENGINE: set_engine(job, text, state); return 0;
    case ARGP_KEY_ARG:
        if (job->config_path) argp_error(state, "one configuration at a time: '%s' and '%s'", job->config_path, text);
        job->config_path = text;
        return 0;
    case ARGP_KEY_END:
        if (!job->config_path && !job->optional) argp_error(state, "the configuration file is missing");
        return 0;
    }
    return ARGP_ERR_UNKNOWN;
}

const struct argp td_job_argp = {.options = job_options, .parser = parse_job};
const struct argp td_job_threads_argp = {.options = job_threads_options, .parser = parse_job};
const struct argp td_job_bench_argp = {.options = job_bench_options, .parser = parse_job};

const td_tape *td_job_tape(const td_job *job) { return job->tape_is_open ? &job->tape : NULL; }

td_status td_job_open_tapes(td_job *job, bool verify_digest, td_error *error) {
    if (job->config->kind == TD_TAPE_OF_BOOKS) {
        TD_TRY(td_books_open(job->config, verify_digest, &job->books, error));
    } else {
        TD_TRY(td_check_bar_tape(job->config, error));
        TD_TRY(td_tape_open(job->config->tape, false, &job->tape, error));
        job->tape_is_open = true;
    }
    return td_markets_make(job->config, td_job_tape(job), &job->markets, error);
}

int td_job_open(td_job *job) {
    td_error error = {.message = ""};
    td_status status = td_config_load(job->config_path, job->overrides, job->override_count, stderr, &job->config, &error);
    /* a bad configuration has been told in full, line by line, already */
    if (status == TD_BAD_CONFIG && !job->json) return td_cli_exit_code(status);
    if (status == TD_IO || status == TD_BAD_DATA) status = TD_BAD_CONFIG; /* a file that is not there: the command is wrong */
    if (status != TD_OK) return td_cli_fail(status, &error, job->json);
    status = td_job_open_tapes(job, false, &error);
    if (status == TD_OK) return TD_EXIT_OK;
    int code = td_cli_fail(status, &error, job->json);
    td_job_close(job);
    return code;
}

void td_job_close(td_job *job) {
    td_markets_free(&job->markets);
    if (job->tape_is_open) td_tape_close(&job->tape);
    job->tape_is_open = false;
    td_books_close(&job->books);
    if (job->config) td_config_free(job->config);
    job->config = NULL;
}

td_status td_job_one_market(const td_job *job, const char *command, td_pick *pick, td_deck **deck, td_error *error) {
    const td_markets *markets = &job->markets;
    if (markets->symbols > 1)
        return td_fail(error, TD_BAD_ARG, "%s names %lld symbols and %s plays one: choose with --set symbols=[%s]", job->config_path,
                       (long long)markets->symbols, command, td_markets_symbol(markets, 0));
    if (markets->intervals > 1)
        return td_fail(error, TD_BAD_ARG, "%s names %lld intervals and %s plays one: choose with --set intervals=[%s]",
                       job->config_path, (long long)markets->intervals, command, td_markets_interval(markets, 0));
    return td_market_open(markets, 0, pick, deck, error);
}

json_t *td_json_number(double value, bool whole) {
    if (!isfinite(value)) return json_null();
    return whole && fabs(value) < 9e15 && value == floor(value) ? json_integer((json_int_t)value) : json_real(value);
}

json_t *td_json_time(int64_t time_ns) {
    char text[32];
    return json_string(td_time_text(time_ns, text));
}

json_t *td_json_metrics(td_tape_kind kind, const td_cell *cell) {
    json_t *metrics = json_object();
    const td_tape_kind_info *info = &td_tape_kind_infos[kind];
    for (int i = 0; i < info->metric_count; i++)
        json_object_set_new(metrics, td_metric_infos[info->metrics[i]].name, td_json_number(cell->metrics[info->metrics[i]], false));
    return metrics;
}

/* Calls `each` with every parameter of the strategy, then every knob that is an axis. */
static void for_parameters(const td_job *job, const td_set *set, void *context,
                           void (*each)(void *context, const char *name, const char *unit, double value, bool whole)) {
    const td_strategy *strategy = job->config->play.strategy;
    for (int p = 0; p < td_strategy_param_count(strategy); p++) {
        const td_param_info *info = td_strategy_param(strategy, p);
        each(context, info->name, NULL, set->param[p], info->kind != TD_PARAM_NUMBER);
    }
    for (int a = 0; a < td_space_axis_count(job->config->space); a++) {
        const td_axis *axis = td_space_axis(job->config->space, a);
        if (axis->knob >= 0) each(context, axis->name, axis->unit, set->knob[axis->knob], axis->whole);
    }
}

json_t *td_json_value(const char *unit, double value, bool whole) {
    char text[48];
    return td_value_form_of(unit) == TD_VALUE_WORD ? json_string(td_value_text(unit, value, text)) : td_json_number(value, whole);
}

static void add_json(void *object, const char *name, const char *unit, double value, bool whole) {
    json_object_set_new(object, name, td_json_value(unit, value, whole));
}

static void add_text(void *stream, const char *name, const char *unit, double value, bool whole) {
    (void)whole;
    char text[48];
    fprintf(stream, "%s%s ", ftell(stream) > 0 ? ", " : "", name);
    if (td_value_form_of(unit) == TD_VALUE_NUMBER) fprintf(stream, "%.10g", value);
    else fputs(td_value_text(unit, value, text), stream);
}

json_t *td_job_parameters(const td_job *job, const td_set *set) {
    json_t *object = json_object();
    for_parameters(job, set, object, add_json);
    return object;
}

char *td_job_parameters_text(const td_job *job, const td_set *set) {
    char *text = NULL;
    size_t size;
    FILE *stream = open_memstream(&text, &size);
    if (!stream) return NULL;
    for_parameters(job, set, stream, add_text);
    fclose(stream);
    return text;
}

int td_json_print(json_t *document, int code) {
    if (!document) {
        td_error error;
        td_fail(&error, TD_BAD_DATA, "the result holds text that is not UTF-8, which JSON cannot carry");
        return td_cli_fail(TD_BAD_DATA, &error, true);
    }
    int bad = json_dumpf(document, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(17)) || putchar('\n') == EOF;
    json_decref(document);
    return td_cli_finish(bad && code == TD_EXIT_OK ? TD_EXIT_FAILED : code);
}
