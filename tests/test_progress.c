/* Progress: one line per tenth in a log, one redrawn line on a terminal, nothing when quiet; durations and counts as text. And
 * output files that are there whole or not at all. */
#include "tests/support.h"

#include <poll.h>
#include <pty.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/output.h"
#include "cli/progress.h"

/* A sweep of 1000 sets of 500 bars that finishes `step` of them every tenth of a second. */
static void play(td_progress *progress, int64_t step, int64_t failed) {
    for (int64_t done = step; done <= 1000; done += step) {
        td_sweep_progress now = {.rows = 1000, .done = done, .failed = failed, .played = done,
                                 .seconds = 0.1 * (double)done / (double)step, .bar_evaluations = 500.0 * (double)done};
        td_progress_show(progress, &now);
    }
    td_progress_end(progress);
}

static void a_log_gets_a_line_per_tenth(void **state) {
    (void)state;
    FILE *log = fopen(td_test_path("log"), "wb");
    td_progress progress = td_progress_start(log, false);
    assert_false(progress.terminal);
    play(&progress, 10, 0);
    fclose(log);
    char *text = td_test_read(td_test_path("log"));
    int lines = 0, percent;
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
        lines++;
        assert_int_equal(sscanf(line, "%d %%", &percent), 1);
        assert_int_equal(percent, 10 * lines);
        /* 10 sets in a tenth of a second, 500 bars each */
        assert_non_null(strstr(line, "100 sets/s, 50 k bar-evaluations/s"));
        assert_null(strstr(line, "failed"));
    }
    assert_int_equal(lines, 9); /* the end is not progress: the summary says it */
    free(text);
}

static void large_steps_skip_lines(void **state) {
    (void)state;
    FILE *log = fopen(td_test_path("skips"), "wb");
    td_progress progress = td_progress_start(log, false);
    play(&progress, 250, 3);
    fclose(log);
    char *text = td_test_read(td_test_path("skips"));
    assert_string_equal(text, " 25 %, 250 of 1000 sets, 3 failed, 2.5 k sets/s, 1.25 M bar-evaluations/s, 300 ms left\n"
                              " 50 %, 500 of 1000 sets, 3 failed, 2.5 k sets/s, 1.25 M bar-evaluations/s, 200 ms left\n"
                              " 75 %, 750 of 1000 sets, 3 failed, 2.5 k sets/s, 1.25 M bar-evaluations/s, 100 ms left\n");
    free(text);
}

static void quiet_is_quiet(void **state) {
    (void)state;
    FILE *log = fopen(td_test_path("quiet"), "wb");
    td_progress progress = td_progress_start(log, true);
    play(&progress, 10, 1);
    fclose(log);
    char *text = td_test_read(td_test_path("quiet"));
    assert_string_equal(text, "");
    free(text);
}

static void a_terminal_gets_one_line_cut_to_its_width(void **state) {
    (void)state;
    int master, slave;
    struct winsize size = {.ws_row = 24, .ws_col = 40};
    if (openpty(&master, &slave, NULL, NULL, &size) != 0) skip();
    setenv("TERM", "xterm", 1);
    FILE *terminal = fdopen(slave, "wb");
    td_progress progress = td_progress_start(terminal, false);
    assert_true(progress.terminal);
    play(&progress, 500, 0);
    static const char expected[] = "\r 50 %, 500 of 1000 sets, 5 k sets/s, 2.\033[K"
                                   "\r100 %, 1000 of 1000 sets, 5 k sets/s, 2\033[K"
                                   "\r\033[K";
    char text[4096] = "";
    size_t got = 0;
    /* a terminal hands it over in pieces */
    struct pollfd ready = {.fd = master, .events = POLLIN};
    while (got < sizeof expected - 1 && poll(&ready, 1, 10000) > 0) {
        ssize_t more = read(master, text + got, sizeof text - 1 - got);
        assert_true(more > 0);
        got += (size_t)more;
    }
    assert_string_equal(text, expected);
    fclose(terminal);
    close(master);
}

static void the_rate_follows_slowly(void **state) {
    (void)state;
    FILE *log = fopen(td_test_path("rate"), "wb");
    td_progress progress = td_progress_start(log, true);
    td_sweep_progress now = {.rows = 1000000, .played = 1000, .done = 1000, .seconds = 1};
    td_progress_show(&progress, &now);
    assert_near(progress.sets_per_second, 1000, 1e-12);
    /* five seconds, the time it remembers, at twice the rate: half way there */
    now.played = now.done = 11000;
    now.seconds = 6;
    td_progress_show(&progress, &now);
    assert_near(progress.sets_per_second, 1500, 1e-12);
    fclose(log);
}

static void texts_by_hand(void **state) {
    (void)state;
    char text[32];
    const struct {
        double value;
        const char *text;
    } durations[] = {{0, "0 ms"}, {0.0004, "0 ms"}, {0.85, "850 ms"}, {1, "1.0 s"}, {59.94, "59.9 s"}, {60, "1:00"}, {245, "4:05"},
                     {3599.7, "1:00:00"}, {3750, "1:02:30"}, {86400, "24:00:00"}, {1e300, "?"}, {0.0 / 0.0, "?"}},
      counts[] = {{0, "0"}, {0.25, "0.25"}, {9.87, "9.87"}, {17, "17"}, {999, "999"}, {999.6, "1 k"}, {1500, "1.5 k"},
                  {2.05e9, "2.05 G"}, {3.5e17, "350 P"}};
    for (size_t i = 0; i < sizeof durations / sizeof *durations; i++)
        assert_string_equal(td_duration_text(durations[i].value, text), durations[i].text);
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        assert_string_equal(td_count_text(counts[i].value, text), counts[i].text);
}

static void outputs_are_whole_or_absent(void **state) {
    (void)state;
    td_error error = {.message = ""};
    td_output output;
    const char *path = td_test_path("out.csv");
    td_test_write(path, "before");

    assert_ok(td_output_open(path, &output, &error));
    fputs("half", output.file);
    fflush(output.file);
    char *text = td_test_read(path);
    assert_string_equal(text, "before");
    free(text);
    td_output_drop(&output);
    td_output_drop(&output);
    text = td_test_read(path);
    assert_string_equal(text, "before");
    free(text);

    assert_ok(td_output_open(path, &output, &error));
    char temporary[512];
    snprintf(temporary, sizeof temporary, "%s", output.temporary);
    fputs("whole", output.file);
    assert_ok(td_output_commit(&output, &error));
    td_output_drop(&output);
    text = td_test_read(path);
    assert_string_equal(text, "whole");
    free(text);
    assert_int_not_equal(access(temporary, F_OK), 0);

    /* a name that became a folder in the meantime */
    const char *taken = td_test_path("taken.csv");
    assert_ok(td_output_open(taken, &output, &error));
    assert_int_equal(mkdir(taken, 0700), 0);
    snprintf(temporary, sizeof temporary, "%s", output.temporary);
    assert_fails(td_output_commit(&output, &error), TD_IO, "taken.csv cannot be written: Is a directory");
    assert_int_not_equal(access(temporary, F_OK), 0);

    assert_ok(td_output_open("/dev/full", &output, &error));
    fputs("anything", output.file);
    assert_fails(td_output_commit(&output, &error), TD_IO, "/dev/full cannot be written: No space left on device");
    assert_fails(td_output_open(td_test_path("no/such/x.csv"), &output, &error), TD_IO, "No such file or directory");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_log_gets_a_line_per_tenth),
        cmocka_unit_test(large_steps_skip_lines),
        cmocka_unit_test(quiet_is_quiet),
        cmocka_unit_test(a_terminal_gets_one_line_cut_to_its_width),
        cmocka_unit_test(the_rate_follows_slowly),
        cmocka_unit_test(texts_by_hand),
        cmocka_unit_test(outputs_are_whole_or_absent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
