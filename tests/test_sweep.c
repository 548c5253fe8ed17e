/* The scheduler: results that do not depend on how they were made, and every way a sweep can stop, be refused or go on. Kills,
 * signals and full disks are in check_resume.py. */
#include "tests/support.h"

#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sweeps/sweep.h"

/* 19 x 20 sets less those the constraint excludes: a number no group divides */
static const char grid[] = "tape: tape.h5\n"
                           "strategy: sma-cross\n"
                           "method: grid\n"
                           "parameters:\n"
                           "  fast: {min: 3, max: 21, distribution: int_uniform}\n"
                           "  slow: {min: 10, max: 48, q: 2, distribution: q_uniform}\n"
                           "constraints: [\"fast < slow\"]\n"
                           "costs: {commission: 0.001}\n"
                           "stops: {stop_loss: 0.03, take_profit: 0.06}\n"
                           "metrics: {blocks: 16}\n";

/* libomp drops a little of its own memory when the number of threads changes; unused where no leak checker asks. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void) { return "leak:libomp.so\n"; }

static td_tape tape;

static int make_tape(void **state) {
    (void)state;
    tape = td_test_tape(1500, 3600 * TD_NS_PER_SECOND, 7); /* hours, so that returns are sampled by the day and `skip` can play */
    td_tape_digest(&tape);
    return 0;
}

static td_config *config_of(const char *text) {
    td_error error = {.message = ""};
    td_config *config;
    assert_ok(td_config_parse("test.yaml", text, NULL, 0, stderr, &config, &error));
    return config;
}

/* Sweeps `config` into a file of its own and returns its path. */
static const char *sweep_into(const char *name, const td_config *config, const td_sweep_def *def) {
    td_error error = {.message = ""};
    td_sweep_progress progress;
    const char *path = td_test_path("%s", name);
    assert_ok(td_sweep_run(config, &tape, path, def, &progress, &error));
    assert_int_equal(progress.done, td_space_count(config->space));
    assert_int_equal(progress.failed, 0);
    assert_int_not_equal(access(td_test_path("%s.journal", name), F_OK), 0);
    return path;
}

/* Bytes are compared, so that NaN equals NaN and 0 does not equal -0. */
static void assert_same_results(const char *left_path, const char *right_path) {
    td_error error = {.message = ""};
    td_results *left, *right;
    assert_ok(td_results_open(left_path, &left, &error));
    assert_ok(td_results_open(right_path, &right, &error));
    size_t trials = (size_t)td_results_trials(left), blocks = (size_t)td_results_blocks(left);
    assert_int_equal(trials, td_results_trials(right));
    assert_int_equal(blocks, td_results_blocks(right));
    assert_int_equal(td_results_done(left), td_results_done(right));
    assert_int_equal(td_results_axis_count(left), td_results_axis_count(right));
    for (int a = 0; a < td_results_axis_count(left); a++) {
        assert_string_equal(td_results_axis_name(left, a), td_results_axis_name(right, a));
        assert_memory_equal(td_results_axis(left, a, &error), td_results_axis(right, a, &error), trials * sizeof(double));
    }
    for (int m = 0; m < TD_METRIC_BARS_COUNT; m++)
        assert_memory_equal(td_results_metric(left, (td_metric)m, &error), td_results_metric(right, (td_metric)m, &error),
                            trials * sizeof(double));
    assert_memory_equal(td_results_state(left, &error), td_results_state(right, &error), trials * sizeof(int32_t));
    assert_memory_equal(td_results_reason(left, &error), td_results_reason(right, &error), trials * sizeof(int32_t));
    assert_memory_equal(td_results_hash(left, &error), td_results_hash(right, &error), trials * sizeof(uint64_t));
    float left_returns[TD_BLOCKS_MAX], right_returns[TD_BLOCKS_MAX];
    for (size_t trial = 0; trial < trials; trial++) {
        assert_ok(td_results_block_returns(left, (int64_t)trial, left_returns, &error));
        assert_ok(td_results_block_returns(right, (int64_t)trial, right_returns, &error));
        assert_memory_equal(left_returns, right_returns, blocks * sizeof(float));
    }
    td_results_close(left);
    td_results_close(right);
}

/* A progress callback that asks for the end once `after` sets are done. */
typedef struct stopper {
    int64_t after;
    volatile int stop;
} stopper;

static void stop_after(void *context, const td_sweep_progress *progress) {
    stopper *stopper = context;
    if (progress->done >= stopper->after) __atomic_store_n(&stopper->stop, 1, __ATOMIC_RELAXED);
}

/* Stops a one-thread sweep after its first group; returns how many sets are in the journal. */
static int64_t stop_early(const char *path, const td_config *config) {
    td_error error = {.message = ""};
    stopper stopper = {.after = 1};
    td_sweep_def def = td_default_sweep_def();
    def.threads = 1;
    def.engine = TD_ENGINE_REFERENCE;
    def.stop = &stopper.stop;
    def.progress = stop_after;
    def.progress_context = &stopper;
    td_sweep_progress progress;
    assert_fails(td_sweep_run(config, &tape, path, &def, &progress, &error), TD_INTERRUPTED, "--resume goes on");
    assert_true(progress.done > 0 && progress.done < progress.rows);
    return progress.done;
}

static void cells_are_those_of_single_runs(void **state) {
    (void)state;
    td_error error = {.message = ""};
    td_config *config = config_of(grid);
    td_sweep_def def = td_default_sweep_def();
    const char *path = sweep_into("single.h5", config, &def);
    td_results *results;
    td_deck *deck;
    assert_ok(td_results_open(path, &results, &error));
    assert_ok(td_deck_make(&tape, &config->play, &deck, &error));
    const uint64_t *hash = td_results_hash(results, &error);
    for (int64_t trial = 0; trial < td_space_count(config->space); trial += 7) {
        td_set set;
        td_cell cell;
        td_space_set(config->space, trial, &set);
        assert_ok(td_play_detailed(deck, &set, NULL, &cell, NULL, &error));
        assert_true(cell.hash == hash[trial]);
        for (int m = 0; m < TD_METRIC_BARS_COUNT; m++)
            assert_memory_equal(&cell.metrics[m], &td_results_metric(results, (td_metric)m, &error)[trial], sizeof(double));
    }
    td_deck_free(deck);
    td_results_close(results);
    td_config_free(config);
}

static void threads_engines_and_levels_do_not_matter(void **state) {
    (void)state;
    td_config *config = config_of(grid);
    td_sweep_def def = td_default_sweep_def();
    def.threads = 1;
    def.engine = TD_ENGINE_REFERENCE;
    sweep_into("one.h5", config, &def);
    char name[32];
    for (def.threads = 1; def.threads <= 4; def.threads++)
        for (def.engine = TD_ENGINE_AUTO; def.engine <= TD_ENGINE_SKIP; def.engine++) {
            snprintf(name, sizeof name, "threads-%d-engine-%d.h5", def.threads, (int)def.engine);
            assert_same_results(td_test_path("one.h5"), sweep_into(name, config, &def));
        }
    def.engine = TD_ENGINE_AUTO;
    for (def.isa = TD_ISA_SCALAR; def.isa <= td_isa_best(); def.isa++) {
        snprintf(name, sizeof name, "isa-%d.h5", (int)def.isa);
        assert_same_results(td_test_path("one.h5"), sweep_into(name, config, &def));
    }
    td_config_free(config);

    /* what an engine cannot play is said and leaves nothing behind */
    td_error error = {.message = ""};
    config = config_of("tape: tape.h5\nstrategy: sma-cross\nmetrics: {sample: bar}\n"
                       "parameters: {fast: {values: [4, 5]}, slow: 20}\n");
    def.isa = td_isa_best();
    def.engine = TD_ENGINE_SKIP;
    assert_fails(td_sweep_run(config, &tape, td_test_path("skip.h5"), &def, NULL, &error), TD_BAD_ARG, "skip engine cannot play this");
    assert_int_not_equal(access(td_test_path("skip.h5.journal"), F_OK), 0);
    td_config_free(config);
}

static void a_stopped_sweep_ends_in_the_same_results(void **state) {
    (void)state;
    td_error error = {.message = ""};
    td_config *config = config_of(grid);
    td_sweep_def def = td_default_sweep_def();
    sweep_into("whole.h5", config, &def);
    const char *path = td_test_path("stopped.h5");
    int64_t done = stop_early(path, config);

    /* what is finished is in the results, the rest is pending */
    td_results *results;
    assert_ok(td_results_open(path, &results, &error));
    assert_int_equal(td_results_done(results), done);
    assert_int_equal(td_results_trials(results), td_space_count(config->space));
    td_results_close(results);

    def.resume = true;
    def.threads = 3;
    td_sweep_progress progress;
    assert_ok(td_sweep_run(config, &tape, path, &def, &progress, &error));
    assert_int_equal(progress.played, progress.rows - done);
    assert_same_results(td_test_path("whole.h5"), path);
    assert_int_not_equal(access(td_test_path("stopped.h5.journal"), F_OK), 0);
    td_config_free(config);
}

static void a_ragged_journal_is_completed(void **state) {
    (void)state;
    td_error error = {.message = ""};
    td_config *config = config_of(grid);
    td_sweep_def def = td_default_sweep_def();
    sweep_into("even.h5", config, &def);

    /* a journal in which every third trial and a run of them are done, in falling order */
    const char *path = td_test_path("ragged.h5");
    td_deck *deck;
    assert_ok(td_deck_make(&tape, &config->play, &deck, &error));
    int64_t trials = td_space_count(config->space), missing = 0, blocks = td_deck_blocks(deck);
    td_journal_head head = {.trials = trials, .blocks = blocks, .metrics = TD_METRIC_BARS_COUNT, .engine = TAPEDECK_VERSION,
                            .created_ns = 1};
    strcpy(head.config_digest, config->digest);
    strcpy(head.tape_digest, tape.digest);
    td_journal *journal;
    assert_ok(td_journal_open(td_test_path("ragged.h5.journal"), &head, false, &journal, &error));
    for (int64_t trial = trials - 1; trial >= 0; trial--) {
        if (trial % 3 && !(trial > 100 && trial < 140)) {
            missing++;
            continue;
        }
        td_set set;
        td_cell cell;
        float returns[TD_BLOCKS_MAX];
        td_space_set(config->space, trial, &set);
        assert_ok(td_play_detailed(deck, &set, NULL, &cell, returns, &error));
        assert_ok(td_journal_append(journal, &trial, &cell, returns, NULL, 1, &error));
    }
    td_journal_close(journal);
    td_deck_free(deck);
    /* and a torn tail */
    FILE *file = fopen(td_test_path("ragged.h5.journal"), "ab");
    fwrite("TDJR torn in the middle of a frame", 1, 34, file);
    fclose(file);

    def.resume = true;
    td_sweep_progress progress;
    assert_ok(td_sweep_run(config, &tape, path, &def, &progress, &error));
    assert_int_equal(progress.played, missing);
    assert_int_equal(progress.torn_bytes, 34);
    assert_same_results(td_test_path("even.h5"), path);
    td_config_free(config);
}

static void resume_with_nothing_starts(void **state) {
    (void)state;
    td_config *config = config_of(grid);
    td_sweep_def def = td_default_sweep_def();
    sweep_into("begun.h5", config, &def);
    def.resume = true;
    assert_same_results(td_test_path("begun.h5"), sweep_into("fresh.h5", config, &def));
    td_config_free(config);
}

static void resume_of_whole_results_touches_nothing(void **state) {
    (void)state;
    td_error error = {.message = ""};
    td_config *config = config_of(grid);
    td_sweep_def def = td_default_sweep_def();
    const char *path = sweep_into("finished.h5", config, &def);
    struct stat before, after;
    assert_int_equal(stat(path, &before), 0);
    def.resume = true;
    td_sweep_progress progress;
    assert_ok(td_sweep_run(config, &tape, path, &def, &progress, &error));
    assert_int_equal(progress.played, 0);
    assert_int_equal(progress.done, progress.rows);
    assert_int_equal(stat(path, &after), 0);
    assert_int_equal(before.st_ino, after.st_ino);
    assert_int_equal(before.st_mtim.tv_nsec, after.st_mtim.tv_nsec);

    /* a process that died between the rename and the removal of the journal */
    td_test_write(td_test_path("finished.h5.journal"), "");
    assert_ok(td_sweep_run(config, &tape, path, &def, &progress, &error));
    assert_int_equal(progress.done, progress.rows);
    assert_int_equal(stat(path, &after), 0);
    assert_int_equal(before.st_ino, after.st_ino);
    assert_int_not_equal(access(td_test_path("finished.h5.journal"), F_OK), 0);
    td_config_free(config);
}

static void what_is_there_is_not_lost_by_accident(void **state) {
    (void)state;
    td_error error = {.message = ""};
    td_config *config = config_of(grid), *other = config_of("tape: tape.h5\nstrategy: sma-cross\nmethod: grid\n"
                                                            "parameters: {fast: {values: [4, 5]}, slow: {value: 20}}\n");
    td_sweep_def def = td_default_sweep_def();
    const char *path = sweep_into("kept.h5", config, &def);
    assert_fails(td_sweep_run(config, &tape, path, &def, NULL, &error), TD_BAD_ARG,
                 "--resume goes on with it, --force replaces it");
    def.resume = true;
    assert_fails(td_sweep_run(other, &tape, path, &def, NULL, &error), TD_DIFFERENT, "another configuration");
    td_tape moved = td_test_tape(1500, 3600 * TD_NS_PER_SECOND, 8);
    td_tape_digest(&moved);
    assert_fails(td_sweep_run(config, &moved, path, &def, NULL, &error), TD_DIFFERENT, "another tape");
    td_test_write(td_test_path("text.h5"), "no results at all\n");
    assert_fails(td_sweep_run(config, &tape, td_test_path("text.h5"), &def, NULL, &error), TD_BAD_DATA, "text.h5");
    assert_int_not_equal(access(td_test_path("text.h5.journal"), F_OK), 0);

    path = td_test_path("begun-journal.h5");
    stop_early(path, config);
    unlink(path);
    def.resume = false;
    assert_fails(td_sweep_run(config, &tape, path, &def, NULL, &error), TD_BAD_ARG, "holds an unfinished sweep");
    def.resume = true;
    assert_fails(td_sweep_run(other, &tape, path, &def, NULL, &error), TD_DIFFERENT, "configuration");
    assert_fails(td_sweep_run(config, &moved, path, &def, NULL, &error), TD_DIFFERENT, "tape");
    def.resume = false;
    def.force = true;
    td_sweep_progress progress;
    assert_ok(td_sweep_run(other, &tape, path, &def, &progress, &error));
    assert_int_equal(progress.played, 2);

    /* results of a sweep that was stopped, whose journal somebody removed */
    path = td_test_path("orphan.h5");
    stop_early(path, config);
    unlink(td_test_path("orphan.h5.journal"));
    def = td_default_sweep_def();
    def.resume = true;
    assert_fails(td_sweep_run(config, &tape, path, &def, NULL, &error), TD_BAD_ARG, "is gone, --force starts over");
    assert_int_not_equal(access(td_test_path("orphan.h5.journal"), F_OK), 0);
    td_config_free(other);
    td_config_free(config);
}

static void the_tape_is_not_overwritten(void **state) {
    (void)state;
    td_error error = {.message = ""};
    td_config *config = config_of(grid);
    const char *path = td_test_path("my-tape.h5");
    td_test_write(path, "a tape");
    free(config->tape);
    config->tape = strdup(path);
    td_sweep_def def = td_default_sweep_def();
    def.force = true;
    assert_fails(td_sweep_run(config, &tape, path, &def, NULL, &error), TD_BAD_ARG, "is the tape itself");
    td_config_free(config);
}

static void a_second_writer_is_told(void **state) {
    (void)state;
    td_error error = {.message = ""};
    td_config *config = config_of(grid);
    const char *path = td_test_path("shared.h5");
    stop_early(path, config);
    int file = open(td_test_path("shared.h5.journal"), O_RDWR);
    assert_int_equal(flock(file, LOCK_EX | LOCK_NB), 0);
    td_sweep_def def = td_default_sweep_def();
    def.resume = true;
    assert_fails(td_sweep_run(config, &tape, path, &def, NULL, &error), TD_BUSY, "process");
    def.resume = false;
    def.force = true;
    assert_fails(td_sweep_run(config, &tape, path, &def, NULL, &error), TD_BUSY, "held by another process");
    close(file);
    def.resume = true;
    def.force = false;
    assert_ok(td_sweep_run(config, &tape, path, &def, NULL, &error));
    td_config_free(config);
}

static void sets_that_cannot_be_played_are_named_before_anything_is_written(void **state) {
    (void)state;
    td_error error = {.message = ""};
    td_config *config = config_of("tape: tape.h5\nstrategy: sma-cross\nmethod: grid\n"
                                  "parameters: {fast: {value: 5}, slow: {values: [20, 50, 5000]}}\n");
    td_sweep_def def = td_default_sweep_def();
    const char *path = td_test_path("far.h5");
    assert_fails(td_sweep_run(config, &tape, path, &def, NULL, &error), TD_BAD_CONFIG, "trial 2 of 3");
    assert_non_null(strstr(error.message, "slow 5000"));
    assert_int_not_equal(access(path, F_OK), 0);
    assert_int_not_equal(access(td_test_path("far.h5.journal"), F_OK), 0);
    td_sweep_plan plan;
    assert_fails(td_sweep_make_plan(config, &tape, &def, true, &plan, &error), TD_BAD_CONFIG, "slow 5000");
    td_config_free(config);
}

static void limits_are_kept(void **state) {
    (void)state;
    td_error error = {.message = ""};
    td_config *config = config_of(grid);
    td_sweep_def def = td_default_sweep_def();
    def.threads = 1;
    def.engine = TD_ENGINE_REFERENCE;
    config->memory_limit = 1 << 20;
    const char *path = td_test_path("limited.h5");
    assert_fails(td_sweep_run(config, &tape, path, &def, NULL, &error), TD_NO_MEMORY, "limits.memory is 1048576 bytes");
    assert_int_not_equal(access(td_test_path("limited.h5.journal"), F_OK), 0);
    config->memory_limit = 0;

    /* a limit that has passed before the first group: nothing is begun, nothing is left behind */
    config->wall_limit = 1e-9;
    td_sweep_progress progress;
    assert_fails(td_sweep_run(config, &tape, path, &def, &progress, &error), TD_INTERRUPTED, "limits.wall");
    assert_int_equal(progress.done, 0);
    assert_int_not_equal(access(path, F_OK), 0);
    assert_int_not_equal(access(td_test_path("limited.h5.journal"), F_OK), 0);

    /* sessions under a limit get to the end, a piece each */
    def.resume = true;
    td_status status = TD_INTERRUPTED;
    for (config->wall_limit = 0.001; status == TD_INTERRUPTED; config->wall_limit *= 1.25)
        status = td_sweep_run(config, &tape, path, &def, &progress, &error);
    assert_int_equal(status, TD_OK);
    config->wall_limit = 0;
    def.resume = false;
    assert_same_results(sweep_into("unlimited.h5", config, &def), path);
    td_config_free(config);
}

static void stop_before_the_start_leaves_nothing(void **state) {
    (void)state;
    td_error error = {.message = ""};
    td_config *config = config_of(grid);
    volatile int stop = 1;
    td_sweep_def def = td_default_sweep_def();
    def.stop = &stop;
    assert_fails(td_sweep_run(config, &tape, td_test_path("never.h5"), &def, NULL, &error), TD_INTERRUPTED, "0 of");
    assert_int_not_equal(access(td_test_path("never.h5"), F_OK), 0);
    assert_int_not_equal(access(td_test_path("never.h5.journal"), F_OK), 0);
    td_config_free(config);
}

static void unwritable_places_are_said(void **state) {
    (void)state;
    td_error error = {.message = ""};
    td_config *config = config_of(grid);
    td_sweep_def def = td_default_sweep_def();
    assert_fails(td_sweep_run(config, &tape, td_test_path("no/such/folder.h5"), &def, NULL, &error), TD_IO, "no/such");
    td_config_free(config);
}

static void plans_hold(void **state) {
    (void)state;
    td_error error = {.message = ""};
    td_config *config = config_of(grid);
    td_sweep_def def = td_default_sweep_def();
    def.threads = 2;
    td_sweep_plan plan, bare;
    assert_ok(td_sweep_make_plan(config, &tape, &def, true, &plan, &error));
    assert_ok(td_sweep_make_plan(config, &tape, &def, false, &bare, &error));
    assert_int_equal(plan.trials, td_space_count(config->space));
    assert_int_equal(plan.trials + plan.excluded, 19 * 20);
    assert_int_equal(plan.bars, tape.bars);
    assert_int_equal(plan.blocks, 16);
    assert_int_equal(plan.threads, 2);
    assert_int_equal(plan.memory_bytes, bare.memory_bytes);
    assert_true(plan.seconds > 0 && plan.bar_evaluations_per_second > 0 && bare.seconds == 0);
    double playing = (double)plan.trials * (double)plan.bars / plan.bar_evaluations_per_second;
    assert_true(plan.seconds > playing && plan.seconds < playing + 1e-3 * (double)plan.trials);

    /* the disk really takes no more: journal of all sets and results file together */
    const char *path = td_test_path("planned.h5");
    sweep_into("planned.h5", config, &def);
    struct stat results, journal;
    assert_int_equal(stat(path, &results), 0);
    stop_early(td_test_path("planned-stopped.h5"), config);
    td_journal_head head;
    td_journal *open;
    assert_int_equal(stat(td_test_path("planned-stopped.h5.journal"), &journal), 0);
    assert_ok(td_journal_read(td_test_path("planned-stopped.h5.journal"), &head, &open, &error));
    double journal_bytes = (double)journal.st_size / (double)td_journal_done(open) * (double)plan.trials;
    td_journal_close(open);
    assert_true((double)results.st_size + journal_bytes < 1.5 * (double)plan.disk_bytes);
    assert_true((double)plan.disk_bytes < 3 * ((double)results.st_size + journal_bytes));

    /* a set costs index bytes, not cells */
    td_config *large = config_of("tape: tape.h5\nstrategy: sma-cross\nmethod: grid\nparameters:\n"
                                 "  fast: {min: 2, max: 300, distribution: int_uniform}\n"
                                  "  slow: {min: 301, max: 700, distribution: int_uniform}\n");
    td_sweep_plan many;
    assert_ok(td_sweep_make_plan(large, &tape, &def, false, &many, &error));
    assert_true(many.memory_bytes - bare.memory_bytes <= 160 * (many.trials - bare.trials) + (4 << 20));
    td_config_free(large);
    td_config_free(config);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cells_are_those_of_single_runs),
        cmocka_unit_test(threads_engines_and_levels_do_not_matter),
        cmocka_unit_test(a_stopped_sweep_ends_in_the_same_results),
        cmocka_unit_test(a_ragged_journal_is_completed),
        cmocka_unit_test(resume_with_nothing_starts),
        cmocka_unit_test(resume_of_whole_results_touches_nothing),
        cmocka_unit_test(what_is_there_is_not_lost_by_accident),
        cmocka_unit_test(the_tape_is_not_overwritten),
        cmocka_unit_test(a_second_writer_is_told),
        cmocka_unit_test(sets_that_cannot_be_played_are_named_before_anything_is_written),
        cmocka_unit_test(limits_are_kept),
        cmocka_unit_test(stop_before_the_start_leaves_nothing),
        cmocka_unit_test(unwritable_places_are_said),
        cmocka_unit_test(plans_hold),
    };
    return cmocka_run_group_tests(tests, make_tape, NULL);
}
