/* tapedeck bench: how fast the parts are, as a table and as Google Benchmark's JSON; and whether they got slower. */
#include <argp.h>
#include <errno.h>
#include <math.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/report.h"
#include "cli/cli.h"
#include "cli/crash.h"
#include "cli/job.h"
#include "cli/output.h"

enum { KEY_REPETITIONS = 0x200, KEY_MIN_TIME, KEY_COMPARE, KEY_THRESHOLD, KEY_LIST, KEY_DATA, KEY_CELLS, KEY_ONCE, KEY_PLAY };

typedef struct bench_arguments {
    td_job job; /* of --play; and --json */
    const char *filter, *output, *compare, *data, *cells;
    td_measure_def measure;
    double threshold; /* fraction */
    bool list, once;
} bench_arguments;

static const struct argp_option options[] = {
    {"filter", 'f', "REGEX", 0, "the scenes whose names match (extended regular expression); without it, the usual ones", 0},
    {"list", KEY_LIST, NULL, 0, "print the names of the scenes and measure nothing", 0},
    {"repetitions", KEY_REPETITIONS, "N", 0, "measurements of each scene (default 9)", 0},
    {"min-time", KEY_MIN_TIME, "SECONDS", 0, "least time of a measurement; fast scenes are stepped often (default 0.05)", 0},
    {"output", 'o', "FILE.json", 0, "write every measurement as Google Benchmark JSON", 0},
    {"compare", KEY_COMPARE, "BASE.json", 0, "compare medians with an earlier -o; exits with 4 when a scene got slower", 1},
    {"threshold", KEY_THRESHOLD, "PERCENT", 0, "how much slower is slower (default 2%)", 1},
    {"data", KEY_DATA, "FILE", 0, "play on these bars: all opens, then highs, lows, closes, volumes, as doubles", 2},
    {"cells", KEY_CELLS, "FILE.csv", 0, "write what every set of the scenes ended in", 2},
    {"play", KEY_PLAY, "CONFIG.yaml", 0, "instead of the scenes, measure the trials of a configuration on its own tape, on every engine "
     "that can play it", 3},
    {"once", KEY_ONCE, NULL, 0, "check each scene and step it once, without a clock: for instruction counts", 2},
    {0},
};

static double number_of(struct argp_state *state, const char *name, const char *text, const char *suffix, double least) {
    char *end;
    errno = 0;
    double value = strtod(text, &end);
    if (errno || end == text || (*end && strcmp(end, suffix) != 0) || !(value >= least && value <= 1e9))
        argp_error(state, "--%s is '%s', must be a number of at least %g", name, text, least);
    return value;
}

static void check_together(const bench_arguments *arguments, struct argp_state *state) {
    const td_job *job = &arguments->job;
    if (arguments->once && (arguments->output || arguments->compare || job->json))
        argp_error(state, "--once takes no time, so there is nothing to write or to compare");
    if (job->config_path && (arguments->filter || arguments->list || arguments->data))
        argp_error(state, "--play measures a configuration on its own tape; --filter, --list and --data are of the scenes");
    if (!job->config_path && (job->override_count || job->threads || job->engine != TD_ENGINE_AUTO))
        argp_error(state, "--set, --threads and --engine are of --play CONFIG.yaml, which is not given");
}

static error_t parse(int key, char *text, struct argp_state *state) {
    bench_arguments *arguments = state->input;
    switch (key) {
    case 'f': arguments->filter = text; return 0;
    case 'o': arguments->output = text; return 0;
    case KEY_LIST: arguments->list = true; return 0;
    case KEY_PLAY: arguments->job.config_path = text; return 0;
    case KEY_ONCE: arguments->once = true; return 0;
    case KEY_COMPARE: arguments->compare = text; return 0;
    case KEY_DATA: arguments->data = text; return 0;
    case KEY_CELLS: arguments->cells = text; return 0;
    case KEY_REPETITIONS: {
        double value = number_of(state, "repetitions", text, "", 1);
        if (value != floor(value) || value > 10000)
            argp_error(state, "--repetitions is '%s', must be a whole number of 1 to 10000", text);
        arguments->measure.repetitions = (int)value;
        return 0;
    }
    case KEY_MIN_TIME: arguments->measure.min_seconds = number_of(state, "min-time", text, "s", 0); return 0;
    case KEY_THRESHOLD: arguments->threshold = number_of(state, "threshold", text, "%", 0) / 100; return 0;
    case ARGP_KEY_ARG: argp_error(state, "unexpected argument '%s'", text); return 0;
    case ARGP_KEY_INIT: state->child_inputs[0] = &arguments->job; return 0;
    case ARGP_KEY_END: check_together(arguments, state); return 0;
    }
    return ARGP_ERR_UNKNOWN;
}

/* The scenes of the table to play; the caller frees. */
static td_status choose(const bench_arguments *arguments, const td_scene ***chosen, int *count, td_error *error) {
    regex_t filter;
    int fault = arguments->filter ? regcomp(&filter, arguments->filter, REG_EXTENDED | REG_NOSUB) : 0;
    if (fault) {
        char text[128];
        regerror(fault, &filter, text, sizeof text);
        return td_fail(error, TD_BAD_ARG, "--filter is '%s', which is no regular expression: %s", arguments->filter, text);
    }
    *count = 0;
    *chosen = malloc((size_t)td_scene_count() * sizeof **chosen);
    for (int i = 0; *chosen && i < td_scene_count(); i++) {
        const td_scene *scene = td_scene_at(i);
        bool wanted = arguments->list || scene->tier == TD_SCENE_USUAL;
        if (arguments->filter) wanted = regexec(&filter, scene->name, 0, NULL, 0) == 0;
        if (wanted) (*chosen)[(*count)++] = scene;
    }
    if (arguments->filter) regfree(&filter);
    if (!*chosen) return td_fail(error, TD_NO_MEMORY, "no memory for a list of scenes");
    if (*count) return TD_OK;
    free(*chosen);
    *chosen = NULL;
    return td_fail(error, TD_BAD_ARG, "no scene's name matches '%s'; --list prints them", arguments->filter);
}

static void list(const td_scene *const *chosen, int count) {
    for (int i = 0; i < count; i++) puts(chosen[i]->name);
}

/* ---- tables ---- */

enum { TEXT_SIZE = 96 };
typedef char cell_text[TEXT_SIZE];

/* 12.3 us, 4.56 ms, ...: three digits and a unit. */
static void put_seconds(char *text, double seconds) {
    static const char *const units[] = {"ns", "us", "ms", "s"};
    double value = seconds * 1e9;
    int unit = 0;
    for (; unit < 3 && value >= 999.5; unit++) value /= 1000;
    snprintf(text, TEXT_SIZE, "%.*f %s", value < 9.995 ? 2 : value < 99.95 ? 1 : 0, value, units[unit]);
}

static void put_rate(char *text, double rate, const char *item) {
    static const char *const units[] = {"", "k", "M", "G", "T"};
    int unit = 0;
    for (; unit < 4 && rate >= 999.5; unit++) rate /= 1000;
    char word[32];
    snprintf(word, sizeof word, "%s", item);
    for (char *c = word; *c; c++)
        if (*c == '_') *c = '-';
    snprintf(text, TEXT_SIZE, "%.*f %s %s/s", rate < 9.995 ? 2 : rate < 99.95 ? 1 : 0, rate, units[unit], word);
    if (!units[unit][0]) snprintf(text, TEXT_SIZE, "%.*f %s/s", rate < 9.995 ? 2 : rate < 99.95 ? 1 : 0, rate, word);
}

static void print_table(int columns, const char *const *heads, const bool *numeric, int rows, const cell_text *texts) {
    const char **cells = malloc((size_t)(rows * columns) * sizeof *cells);
    if (!cells) return;
    for (int i = 0; i < rows * columns; i++) cells[i] = texts[i];
    td_cli_table(stdout, columns, heads, numeric, rows, cells);
    free(cells);
}

static void print_measurements(const td_measurement *measurements, int count) {
    enum { COLUMNS = 6 };
    static const char *const heads[COLUMNS] = {"scene", "best", "median", "quartiles", "processor", "rate at the median"};
    static const bool numeric[COLUMNS] = {false, true, true, true, true, true};
    cell_text *texts = calloc((size_t)(count * COLUMNS), sizeof *texts);
    for (int i = 0; texts && i < count; i++) {
        const td_measurement *m = &measurements[i];
        cell_text *row = texts + i * COLUMNS;
        double median = td_quantile(m->seconds, m->repetitions, 0.5);
        double spread = (td_quantile(m->seconds, m->repetitions, 0.75) - td_quantile(m->seconds, m->repetitions, 0.25)) / median;
        snprintf(row[0], TEXT_SIZE, "%s", m->name);
        put_seconds(row[1], td_quantile(m->seconds, m->repetitions, 0));
        put_seconds(row[2], median);
        snprintf(row[3], TEXT_SIZE, "%.1f%%", 100 * spread);
        put_seconds(row[4], td_quantile(m->cpu_seconds, m->repetitions, 0.5));
        put_rate(row[5], m->items / median, m->item);
    }
    if (texts) print_table(COLUMNS, heads, numeric, count, texts);
    free(texts);
}

/* ---- comparison ---- */

/* Differences of circumstances that explain a difference of times. */
static void tell_circumstances(const td_baseline *baseline, td_isa isa) {
    json_t *context = td_report_context(isa);
    static const char *const keys[] = {"processor", "isa", "compiler", "library_build_type"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        const char *then = td_baseline_context(baseline, keys[i]), *now = json_string_value(json_object_get(context, keys[i]));
        if (then && strcmp(then, now) != 0) fprintf(stderr, "tapedeck: warning: %s was %s, is %s\n", keys[i], then, now);
    }
    json_decref(context);
}

/* Prints the table of medians on `out`; returns how many scenes got slower, or -1 when there was nothing to compare. */
static int compare(FILE *out, const td_baseline *baseline, const td_measurement *measurements, int count, double threshold) {
    enum { COLUMNS = 5 };
    static const char *const heads[COLUMNS] = {"scene", "base", "now", "change", ""};
    static const bool numeric[COLUMNS] = {false, true, true, true, false};
    cell_text *texts = calloc((size_t)(count * COLUMNS), sizeof *texts);
    const char **cells = malloc((size_t)(count * COLUMNS) * sizeof *cells);
    int slower = 0, compared = 0;
    for (int i = 0; texts && cells && i < count; i++) {
        cell_text *row = texts + i * COLUMNS;
        double base = td_baseline_seconds(baseline, measurements[i].name);
        double now = td_quantile(measurements[i].seconds, measurements[i].repetitions, 0.5), change = now / base - 1;
        snprintf(row[0], TEXT_SIZE, "%s", measurements[i].name);
        put_seconds(row[2], now);
        if (isnan(base)) {
            snprintf(row[4], TEXT_SIZE, "not in the base");
        } else {
            compared++;
            slower += change > threshold;
            put_seconds(row[1], base);
            snprintf(row[3], TEXT_SIZE, "%+.1f%%", 100 * change);
            snprintf(row[4], TEXT_SIZE, "%s", change > threshold ? "SLOWER" : change < -threshold ? "faster" : "");
        }
        for (int c = 0; c < COLUMNS; c++) cells[i * COLUMNS + c] = row[c];
    }
    if (texts && cells) td_cli_table(out, COLUMNS, heads, numeric, count, cells);
    free(texts);
    free(cells);
    return compared ? slower : -1;
}

/* ---- playing ---- */

static td_status write_report(const char *path, const td_measurement *measurements, int count, td_isa isa, td_error *error) {
    td_output output;
    TD_TRY(td_output_open(path, &output, error));
    json_t *document = td_report_json(measurements, count, isa);
    json_dumpf(document, output.file, JSON_INDENT(1));
    fputc('\n', output.file);
    json_decref(document);
    return td_output_commit(&output, error);
}

static int report(const bench_arguments *arguments, const td_baseline *baseline, const td_measurement *measurements, int count,
                  td_isa isa) {
    td_error error = {.message = ""};
    if (arguments->job.json) {
        json_t *document = td_report_json(measurements, count, isa);
        json_dumpf(document, stdout, JSON_INDENT(1));
        putchar('\n');
        json_decref(document);
    } else {
        print_measurements(measurements, count);
    }
    if (arguments->output) {
        td_status status = write_report(arguments->output, measurements, count, isa, &error);
        if (status != TD_OK) return td_cli_fail(status, &error, arguments->job.json);
    }
    if (!arguments->compare) return TD_EXIT_OK;
    tell_circumstances(baseline, isa);
    FILE *out = arguments->job.json ? stderr : stdout;
    fputc('\n', out);
    int slower = compare(out, baseline, measurements, count, arguments->threshold);
    if (!slower) return TD_EXIT_OK;
    td_status status = slower < 0 ? td_fail(&error, TD_BAD_ARG, "%s has none of these scenes", arguments->compare)
                                  : td_fail(&error, TD_DIFFERENT, "%d scene%s slower than %s by more than %g%%", slower,
                                            slower == 1 ? " is" : "s are", arguments->compare, 100 * arguments->threshold);
    return td_cli_fail(status, &error, arguments->job.json);
}

/* Plays the scenes one after the other. A failure ends it. */
static td_status play(const bench_arguments *arguments, const td_scene *const *chosen, int count, td_stage *stage,
                      td_measurement *measurements, td_error *error) {
    bool progress = isatty(STDERR_FILENO);
    for (int i = 0; i < count; i++) {
        const td_scene *scene = chosen[i];
        if (progress) fprintf(stderr, "\r\033[K%d/%d %s", i + 1, count, scene->name);
        td_status status = arguments->once ? td_measure_once(scene, stage, error)
                                           : td_measure(scene, &arguments->measure, stage, &measurements[i], error);
        if (progress) fputs("\r\033[K", stderr);
        if (status != TD_OK) return status;
    }
    return TD_OK;
}

static td_status prepare(const bench_arguments *arguments, td_isa *isa, td_baseline *baseline, td_stage *stage, td_output *cells,
                         td_error *error) {
    TD_TRY(td_isa_pick(isa, error));
    if (arguments->compare) TD_TRY(td_baseline_read(arguments->compare, baseline, error));
    TD_TRY(td_stage_open(*isa, arguments->data, stage, error));
    if (arguments->cells) TD_TRY(td_output_open(arguments->cells, cells, error));
    stage->cells = cells->file;
    return TD_OK;
}

/* Measures the chosen scenes and tells; the exit code. */
static int measure(const bench_arguments *arguments, const td_scene *const *chosen, int count) {
    td_error error = {.message = ""};
    td_isa isa = TD_ISA_SCALAR;
    td_baseline baseline = {0};
    td_stage stage = {0};
    td_output cells = {0};
    td_measurement *measurements = calloc((size_t)count, sizeof *measurements);
    td_status status = measurements ? TD_OK : td_fail(&error, TD_NO_MEMORY, "no memory for the measurements");
    if (status == TD_OK) status = prepare(arguments, &isa, &baseline, &stage, &cells, &error);
    if (status == TD_OK) status = play(arguments, chosen, count, &stage, measurements, &error);
    if (status == TD_OK && arguments->cells) status = td_output_commit(&cells, &error);
    int code = status != TD_OK ? td_cli_fail(status, &error, arguments->job.json)
               : arguments->once ? TD_EXIT_OK : report(arguments, &baseline, measurements, count, isa);
    td_output_drop(&cells);
    for (int i = 0; measurements && i < count; i++) td_measurement_free(&measurements[i]);
    free(measurements);
    td_stage_close(&stage);
    td_baseline_free(&baseline);
    return code;
}

/* The scenes of --play; the exit code. */
static int measure_configuration(bench_arguments *arguments) {
    td_error error = {.message = ""};
    td_job *job = &arguments->job;
    int code = td_job_open(job);
    if (code != TD_EXIT_OK) return code;
    const td_config *config = job->config;
    td_sweep_def def = td_default_sweep_def();
    td_pick pick = {0};
    td_deck *deck = NULL;
    td_play_scenes scenes;
    const td_scene *chosen[TD_PLAY_SCENES_MAX];
    def.threads = job->threads ? job->threads : 1;
    td_crash_watch(config->play.strategy, def.threads, job->json);
    td_status status = config->envelope ? td_fail(&error, TD_BAD_ARG, "bench plays each set once, envelope thrice: --set envelope=false")
                                        : td_job_one_market(job, "bench", &pick, &deck, &error);
    bool open = status == TD_OK;
    if (open) status = td_sweep_check(config, deck, &def, &error);
    td_scene_job played = {.deck = deck, .space = config->space, .strategy = config->play.strategy};
    if (status == TD_OK) status = td_isa_pick(&def.isa, &error);
    if (status == TD_OK) status = td_play_scenes_make(&played, job->engine, def.isa, def.threads, &scenes, &error);
    for (int i = 0; status == TD_OK && i < scenes.count; i++) chosen[i] = &scenes.scenes[i];
    code = status == TD_OK ? measure(arguments, chosen, scenes.count) : td_cli_fail(status, &error, job->json);
    if (open) {
        td_deck_free(deck);
        td_pick_close(&pick);
    }
    td_job_close(job);
    return code;
}

int td_cmd_bench(int argc, char **argv) {
    if (argc > 1 && !strcmp(argv[1], "sampler")) {
        static char name[] = "tapedeck bench sampler";
        argv[1] = name;
        return td_cmd_bench_sampler(argc - 1, argv + 1);
    }
    static const struct argp_child children[] = {{&td_job_bench_argp, 0, NULL, 0}, {0}};
    static const struct argp parser = {
        .options = options,
        .parser = parse,
        .doc = "Measures how fast the parts are: engines, indicator rows, CSV, tape files, journal, results; or a configuration "
               "of your own, --play. Every scene checks its results before it is timed.\v"
               "The usual scenes take about half a minute; long ones and the small ones for instruction counts are played when "
               "--filter names them. `tapedeck bench sampler` measures samplers instead. Exits with 4 when --compare finds a scene "
               "slower, or when a check fails.",
        .children = children,
    };
    bench_arguments arguments = {.job.optional = true, .measure = td_default_measure_def(), .threshold = 0.02};
    argp_parse(&parser, argc, argv, 0, NULL, &arguments);
    if (arguments.job.config_path) return td_cli_finish(measure_configuration(&arguments));

    td_error error = {.message = ""};
    const td_scene **chosen;
    int count, code = TD_EXIT_OK;
    td_status status = choose(&arguments, &chosen, &count, &error);
    if (status != TD_OK) return td_cli_fail(status, &error, arguments.job.json);
    if (arguments.list)
        list(chosen, count);
    else
        code = measure(&arguments, chosen, count);
    free(chosen);
    return code;
}
