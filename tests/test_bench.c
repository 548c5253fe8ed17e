/* Statistics and files of measurements. What the command does with them is in check_bench_command.py. */
#include "tests/support.h"

#include <math.h>
#include <string.h>

#include "bench/report.h"

static void quantiles_by_hand(void **state) {
    (void)state;
    const double values[] = {4, 1, 3, 2};
    assert_true(td_quantile(values, 4, 0) == 1);
    assert_true(td_quantile(values, 4, 1) == 4);
    assert_true(td_quantile(values, 4, 0.5) == 2.5);
    assert_true(td_quantile(values, 4, 0.25) == 1.75);
    assert_true(td_quantile(values, 3, 0.5) == 3);
    assert_true(td_quantile(values, 1, 0.5) == 4);
    assert_true(isnan(td_quantile(values, 0, 0.5)));
}

static void scenes_have_names_of_their_own(void **state) {
    (void)state;
    for (int i = 0; i < td_scene_count(); i++) {
        const td_scene *scene = td_scene_at(i);
        assert_true(scene->make && scene->step && scene->drop && scene->shape.threads >= 1);
        assert_int_equal(strncmp(scene->name, "gate/", 5) == 0, scene->tier == TD_SCENE_GATE);
        assert_true(scene->tier != TD_SCENE_GATE || scene->shape.threads == 1);
        for (int k = 0; k < i; k++) assert_string_not_equal(scene->name, td_scene_at(k)->name);
    }
}

/* A file that was written gives back the medians of what was measured. */
static void report_and_baseline_agree(void **state) {
    (void)state;
    td_error error = {.message = ""};
    double seconds[] = {3e-3, 1e-3, 2e-3}, cpu[] = {1e-3, 1e-3, 1e-3}, other[] = {5, 7};
    td_measurement measurements[] = {
        {.name = "a/1", .item = "rows", .threads = 1, .repetitions = 3, .steps = 4, .items = 10, .bytes = 100, .seconds = seconds,
         .cpu_seconds = cpu},
        {.name = "a/1/threads:2", .item = "sets", .threads = 2, .repetitions = 2, .steps = 1, .items = 8, .seconds = other,
         .cpu_seconds = other},
    };
    json_t *document = td_report_json(measurements, 2, TD_ISA_V2);
    const json_t *entries = json_object_get(document, "benchmarks"), *entry = json_array_get(entries, 1);
    assert_int_equal(json_array_size(entries), 5);
    assert_near(json_number_value(json_object_get(entry, "real_time")), 1, 1e-12); /* ms */
    assert_near(json_number_value(json_object_get(entry, "rows_per_second")), 10000, 1e-12);
    assert_near(json_number_value(json_object_get(entry, "bytes_per_second")), 100000, 1e-12);
    assert_int_equal(json_integer_value(json_object_get(entry, "repetition_index")), 1);
    assert_int_equal(json_integer_value(json_object_get(entry, "iterations")), 4);
    assert_null(json_object_get(json_array_get(entries, 3), "bytes_per_second"));
    assert_string_equal(json_string_value(json_object_get(json_object_get(document, "context"), "host_name")), "");

    char *text = json_dumps(document, 0);
    const char *path = td_test_path("report.json");
    td_test_write(path, text);
    td_baseline baseline;
    assert_ok(td_baseline_read(path, &baseline, &error));
    assert_near(td_baseline_seconds(&baseline, "a/1"), 2e-3, 1e-12);
    assert_near(td_baseline_seconds(&baseline, "a/1/threads:2"), 6, 1e-12);
    assert_true(isnan(td_baseline_seconds(&baseline, "a/2")));
    assert_string_equal(td_baseline_context(&baseline, "isa"), "x86-64-v2");
    assert_null(td_baseline_context(&baseline, "num_cpus")); /* no text */
    td_baseline_free(&baseline);
    free(text);
    json_decref(document);
}

/* Files of Google Benchmark itself: its units, aggregates beside the repetitions. */
static void foreign_baselines(void **state) {
    (void)state;
    td_error error = {.message = ""};
    td_baseline baseline;
    const char *path = td_test_path("foreign.json");
    td_test_write(path, "{\"benchmarks\": [{\"name\": \"x\", \"real_time\": 2, \"time_unit\": \"us\"},\n"
                        " {\"name\": \"x\", \"run_type\": \"iteration\", \"real_time\": 4000, \"time_unit\": \"ns\"},\n"
                        " {\"name\": \"x\", \"run_type\": \"aggregate\", \"real_time\": 9, \"time_unit\": \"s\"},\n"
                        " {\"name\": \"y\", \"real_time\": 1e9}]}");
    assert_ok(td_baseline_read(path, &baseline, &error));
    assert_near(td_baseline_seconds(&baseline, "x"), 3e-6, 1e-12);
    assert_near(td_baseline_seconds(&baseline, "y"), 1, 1e-12); /* no unit is ns */
    assert_null(td_baseline_context(&baseline, "isa"));
    td_baseline_free(&baseline);

    static const char *const bad[][2] = {
        {"{\"benchmarks\": [", "no JSON"},
        {"[]", "no array \"benchmarks\""},
        {"{\"benchmarks\": {}}", "no array \"benchmarks\""},
        {"{\"benchmarks\": [{\"real_time\": 1, \"time_unit\": \"ms\"}]}", "entry 0"},
        {"{\"benchmarks\": [{\"name\": \"x\", \"time_unit\": \"ms\"}]}", "entry 0"},
        {"{\"benchmarks\": [{\"name\": \"x\", \"real_time\": 0, \"time_unit\": \"ms\"}]}", "entry 0"},
        {"{\"benchmarks\": [{\"name\": \"x\", \"real_time\": 1, \"time_unit\": \"days\"}]}", "entry 0"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        td_test_write(path, bad[i][0]);
        assert_fails(td_baseline_read(path, &baseline, &error), TD_BAD_DATA, bad[i][1]);
    }
    assert_fails(td_baseline_read(td_test_path("nowhere.json"), &baseline, &error), TD_BAD_DATA, "nowhere.json");
}

/* Steps are counted until they fill the time; a failing step ends with the scene's name. */
static int played;
static td_status make_counter(const td_scene_shape *shape, td_stage *stage, td_scene_load *load, td_error *error) {
    (void)stage, (void)error;
    played = 0;
    load->items = (double)shape->sets;
    return TD_OK;
}
static td_status step_counter(void *load_state, td_error *error) {
    (void)load_state, (void)error;
    played++;
    return TD_OK;
}
static td_status step_failure(void *load_state, td_error *error) {
    (void)load_state;
    return td_fail(error, TD_DIFFERENT, "it went wrong");
}
static void drop_nothing(void *load_state) { (void)load_state; }

static void scenes_are_repeated(void **state) {
    (void)state;
    td_error error = {.message = ""};
    td_stage stage = {0};
    td_scene scene = {.name = "counter", .item = "steps", .shape = {.sets = 3, .threads = 1}, .make = make_counter,
                      .step = step_counter, .drop = drop_nothing};
    td_measure_def def = td_default_measure_def();
    def.repetitions = 3;
    def.min_seconds = 0;
    td_measurement measurement;
    assert_ok(td_measure(&scene, &def, &stage, &measurement, &error));
    assert_int_equal(measurement.repetitions, 3);
    assert_int_equal(measurement.steps, 1);
    assert_int_equal(played, 4); /* and one to warm up */
    assert_true(measurement.items == 3);
    td_measurement_free(&measurement);

    def.min_seconds = 1e-3;
    assert_ok(td_measure(&scene, &def, &stage, &measurement, &error));
    assert_true(measurement.steps > 1 && played > 3 * measurement.steps);
    td_measurement_free(&measurement);

    assert_ok(td_measure_once(&scene, &stage, &error));
    assert_int_equal(played, 1);
    scene.step = step_failure;
    assert_fails(td_measure(&scene, &def, &stage, &measurement, &error), TD_DIFFERENT, "scene counter: it went wrong");
    assert_fails(td_measure_once(&scene, &stage, &error), TD_DIFFERENT, "scene counter: it went wrong");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quantiles_by_hand),
        cmocka_unit_test(scenes_have_names_of_their_own),
        cmocka_unit_test(report_and_baseline_agree),
        cmocka_unit_test(foreign_baselines),
        cmocka_unit_test(scenes_are_repeated),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
