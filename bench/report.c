/* See report.h. */
#include "bench/report.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/cpu.h"
#include "commit.h"

json_t *td_report_context(td_isa isa) {
    char date[32];
    time_t now = time(NULL);
    struct tm parts;
    gmtime_r(&now, &parts);
    strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S+00:00", &parts);
    double load[3] = {0};
    json_t *loads = json_array();
    int known = getloadavg(load, 3);
    for (int i = 0; i < known; i++) json_array_append_new(loads, json_real(load[i]));
#ifdef NDEBUG
    const char *build = "release";
#else
    const char *build = "debug";
#endif
#ifdef __clang__
    const char *compiler = __VERSION__;
#else
    const char *compiler = "GCC " __VERSION__;
#endif
    return json_pack("{s:s,s:s,s:s,s:i,s:i,s:b,s:[],s:o,s:s,s:s,s:s,s:s,s:s,s:s}", "date", date, "host_name", "", "executable",
                     "tapedeck bench", "num_cpus", (int)sysconf(_SC_NPROCESSORS_ONLN), "mhz_per_cpu", 0, "cpu_scaling_enabled", 0,
                     "caches", "load_avg", loads, "library_build_type", build, "tapedeck_version", TAPEDECK_VERSION,
                     "tapedeck_commit", TAPEDECK_COMMIT, "compiler", compiler, "isa", td_isa_name(isa), "processor",
                     td_cpu_get()->model);
}

static json_t *repetition_json(const td_measurement *measurement, int repetition) {
    double seconds = measurement->seconds[repetition];
    char counter[48];
    snprintf(counter, sizeof counter, "%s_per_second", measurement->item);
    json_t *entry = json_pack("{s:s,s:s,s:s,s:i,s:i,s:i,s:I,s:f,s:f,s:s,s:f}", "name", measurement->name, "run_name",
                              measurement->name, "run_type", "iteration", "repetitions", measurement->repetitions,
                              "repetition_index", repetition, "threads", measurement->threads, "iterations",
                              (json_int_t)measurement->steps, "real_time", seconds * 1e3, "cpu_time",
                              measurement->cpu_seconds[repetition] * 1e3, "time_unit", "ms", counter, measurement->items / seconds);
    for (int i = 0; i < measurement->counter_count; i++)
        json_object_set_new(entry, measurement->counters[i].name, json_real(measurement->counters[i].value));
    if (measurement->bytes > 0) json_object_set_new(entry, "bytes_per_second", json_real(measurement->bytes / seconds));
    return entry;
}

json_t *td_report_json(const td_measurement *measurements, int count, td_isa isa) {
    json_t *entries = json_array();
    for (int i = 0; i < count; i++)
        for (int r = 0; r < measurements[i].repetitions; r++) json_array_append_new(entries, repetition_json(&measurements[i], r));
    return json_pack("{s:o,s:o}", "context", td_report_context(isa), "benchmarks", entries);
}

static double unit_seconds(const char *unit) {
    if (!unit || !strcmp(unit, "ns")) return 1e-9; /* Google Benchmark's own default */
    return !strcmp(unit, "us") ? 1e-6 : !strcmp(unit, "ms") ? 1e-3 : !strcmp(unit, "s") ? 1 : NAN;
}

static bool is_repetition(const json_t *entry) {
    const char *type = json_string_value(json_object_get(entry, "run_type"));
    return !type || !strcmp(type, "iteration");
}

td_status td_baseline_read(const char *path, td_baseline *baseline, td_error *error) {
    json_error_t fault;
    baseline->document = json_load_file(path, 0, &fault);
    if (!baseline->document)
        return fault.line > 0 ? td_fail(error, TD_BAD_DATA, "%s:%d:%d: no JSON: %s", path, fault.line, fault.column, fault.text)
                              : td_fail(error, TD_BAD_DATA, "%s", fault.text);
    const json_t *entries = json_object_get(baseline->document, "benchmarks");
    td_status status = TD_OK;
    if (!json_is_array(entries))
        status = td_fail(error, TD_BAD_DATA, "%s has no array \"benchmarks\": it is not the JSON of tapedeck bench -o", path);
    size_t index;
    const json_t *entry;
    json_array_foreach(entries, index, entry) {
        if (status != TD_OK || !is_repetition(entry)) continue;
        const json_t *name = json_object_get(entry, "name"), *time = json_object_get(entry, "real_time");
        double seconds = json_number_value(time) * unit_seconds(json_string_value(json_object_get(entry, "time_unit")));
        if (!json_is_string(name) || !json_is_number(time) || !(seconds > 0))
            status = td_fail(error, TD_BAD_DATA,
                             "%s: entry %zu of \"benchmarks\" has no name, or no real_time above 0 in ns, us, ms or s", path,
                             index);
    }
    if (status != TD_OK) td_baseline_free(baseline);
    return status;
}

void td_baseline_free(td_baseline *baseline) {
    json_decref(baseline->document);
    baseline->document = NULL;
}

double td_baseline_seconds(const td_baseline *baseline, const char *name) {
    const json_t *entries = json_object_get(baseline->document, "benchmarks"), *entry;
    double *seconds = malloc((json_array_size(entries) + 1) * sizeof *seconds);
    int count = 0;
    size_t index;
    if (!seconds) return NAN;
    json_array_foreach(entries, index, entry) {
        if (!is_repetition(entry) || strcmp(json_string_value(json_object_get(entry, "name")), name) != 0) continue;
        seconds[count++] = json_number_value(json_object_get(entry, "real_time")) *
                           unit_seconds(json_string_value(json_object_get(entry, "time_unit")));
    }
    double median = td_quantile(seconds, count, 0.5);
    free(seconds);
    return median;
}

const char *td_baseline_context(const td_baseline *baseline, const char *key) {
    return json_string_value(json_object_get(json_object_get(baseline->document, "context"), key));
}
