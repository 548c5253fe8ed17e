/* tapedeck plan: what a sweep would take, before it starts. */
#include <omp.h>

#include "cli/cli.h"
#include "cli/crash.h"
#include "cli/job.h"
#include "cli/progress.h"

static error_t parse(int key, char *text, struct argp_state *state) {
    (void)text;
    if (key != ARGP_KEY_INIT) return ARGP_ERR_UNKNOWN;
    state->child_inputs[0] = state->input;
    return 0;
}

static json_t *describe_json(const td_config *config, const td_sweep_plan *plan) {
    bool books = config->kind == TD_TAPE_OF_BOOKS;
    json_t *document = json_pack(
        "{s:I,s:I,s:I,s:I,s:i,s:s,s:s,s:I,s:I,s:f,s:f,s:{s:I,s:f}}", "sets", (json_int_t)plan->trials, "excluded",
        (json_int_t)plan->excluded, books ? "rows" : "bars", (json_int_t)plan->bars, "blocks", (json_int_t)plan->blocks, "threads", plan->threads,
        "engine", td_engine_name(plan->engine), "isa", td_isa_name(plan->isa), "memory_bytes", (json_int_t)plan->memory_bytes,
        "disk_bytes", (json_int_t)plan->disk_bytes, "seconds", plan->seconds, books ? "row_evaluations_per_second" : "bar_evaluations_per_second",
        plan->bar_evaluations_per_second, "limits", "memory_bytes", (json_int_t)config->memory_limit, "wall_seconds",
        config->wall_limit);
    if (document && plan->rows > plan->trials) {
        json_object_set_new(document, "symbols", json_integer(plan->symbols));
        json_object_set_new(document, "intervals", json_integer(plan->intervals));
        json_object_set_new(document, "plays", json_integer(plan->rows));
    }
    return document;
}

static void describe_text(const td_config *config, const td_sweep_plan *plan) {
    char count[32], duration[32], text[8][128], pieces[32], evaluations[32];
    const char *piece = td_tape_kind_infos[config->kind].piece;
    snprintf(pieces, sizeof pieces, "%ss", piece);
    snprintf(evaluations, sizeof evaluations, "%s-evaluations", piece);
    int used = snprintf(text[0], sizeof text[0], "%lld (constraints exclude %lld)", (long long)plan->trials,
                        (long long)plan->excluded);
    bool several = plan->rows > plan->trials;
    if (several)
        snprintf(text[0] + used, sizeof text[0] - (size_t)used, " on %lld symbol%s at %lld interval%s", (long long)plan->symbols,
                 plan->symbols == 1 ? "" : "s", (long long)plan->intervals, plan->intervals == 1 ? "" : "s");
    snprintf(text[1], sizeof text[1], "%s%lld, returns kept per set for %lld blocks", several ? "at most " : "",
             (long long)plan->bars, (long long)plan->blocks);
    snprintf(text[2], sizeof text[2], "%s", td_count_text(plan->bar_evaluations, count));
    snprintf(text[3], sizeof text[3], "%s on %s, %d thread%s", td_engine_name(plan->engine), td_isa_name(plan->isa), plan->threads,
             plan->threads == 1 ? "" : "s");
    snprintf(text[4], sizeof text[4], "%lld bytes (%.0f MB)", (long long)plan->memory_bytes, (double)plan->memory_bytes / 1e6);
    snprintf(text[5], sizeof text[5], "%lld bytes (%.1f MB)", (long long)plan->disk_bytes, (double)plan->disk_bytes / 1e6);
    snprintf(text[6], sizeof text[6], "%s %s/s", td_count_text(plan->bar_evaluations_per_second, count), evaluations);
    snprintf(text[7], sizeof text[7], "%.3g s (%s)", plan->seconds, td_duration_text(plan->seconds, duration));
    const char *const cells[] = {"sets",   text[0], pieces, text[1], evaluations,       text[2], "engine",         text[3],
                                 "memory", text[4], "disk", text[5], "speed",           text[6], "estimated time", text[7]};
    td_cli_table(stdout, 2, NULL, NULL, 8, cells);
}

int td_cmd_plan(int argc, char **argv) {
    static const struct argp_child children[] = {{&td_job_threads_argp, 0, NULL, 0}, {0}};
    static const struct argp parser = {
        .parser = parse,
        .args_doc = "CONFIG.yaml",
        .doc = "Says what a sweep would take: sets, bars, bytes of memory and disk, seconds. Checks every set and plays a short "
               "sample.\v"
               "Warns where the limits of the configuration would be passed.",
        .children = children,
    };
    td_job job = {0};
    argp_parse(&parser, argc, argv, 0, NULL, &job);
    int code = td_job_open(&job);
    if (code != TD_EXIT_OK) return code;

    td_error error = {.message = ""};
    td_sweep_def def = td_default_sweep_def();
    def.threads = job.threads;
    def.engine = job.engine;
    td_sweep_plan plan;
    td_crash_watch(job.config->play.strategy, job.threads ? job.threads : omp_get_max_threads(), job.json);
    td_status status = td_isa_pick(&def.isa, &error);
    if (status == TD_OK) status = td_sweep_make_plan(job.config, td_job_tape(&job), &def, true, &plan, &error);
    if (status != TD_OK)
        code = td_cli_fail(status, &error, job.json);
    else if (job.json)
        code = td_json_print(describe_json(job.config, &plan), code);
    else
        describe_text(job.config, &plan);
    if (status == TD_OK && job.config->memory_limit > 0 && plan.memory_bytes > job.config->memory_limit)
        fprintf(stderr, "tapedeck: warning: the sweep would be refused: it needs about %lld bytes, limits.memory is %lld bytes\n",
                (long long)plan.memory_bytes, (long long)job.config->memory_limit);
    if (status == TD_OK && job.config->wall_limit > 0 && plan.seconds > job.config->wall_limit)
        fprintf(stderr, "tapedeck: warning: the sweep would be stopped at limits.wall, %g s, with about %.0f %% of it done\n",
                job.config->wall_limit, 100 * job.config->wall_limit / plan.seconds);
    td_job_close(&job);
    return td_cli_finish(code);
}
