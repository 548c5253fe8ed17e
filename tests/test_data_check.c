/* data/quality.h, and `tapedeck data` from the outside: import, check, info, synth. */
#include "tests/support.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "data/quality.h"

static const int64_t HOUR = 3600 * TD_NS_PER_SECOND, MONDAY = 1704067200LL * TD_NS_PER_SECOND; /* 2024-01-01 */

/* ---- the scan ---- */

/* A tape of flat bars at the given times; close may be changed. */
static td_tape flat_tape(const int64_t *time_ns, int64_t bars, int64_t interval_ns) {
    double *one = malloc((size_t)bars * sizeof *one), *close = malloc((size_t)bars * sizeof *close);
    for (int64_t t = 0; t < bars; t++) one[t] = close[t] = 100;
    return (td_tape){.bars = bars,
                     .symbols = 1,
                     .interval_ns = interval_ns,
                     .time_ns = time_ns,
                     .open = one,
                     .high = one,
                     .low = one,
                     .close = close,
                     .volume = one};
}

static void free_tape(td_tape *tape) {
    free((double *)tape->open);
    free((double *)tape->close);
}

static void gaps_by_hand(void **state) {
    (void)state;
    const int64_t minute = 60 * TD_NS_PER_SECOND;
    const int64_t time[] = {0, minute, 4 * minute, 5 * minute, 5 * minute + 2 * HOUR, 6 * minute + 2 * HOUR};
    td_tape tape = flat_tape(time, 6, minute);
    td_quality q = td_quality_scan(&tape);
    assert_int_equal(q.gaps, 2);
    assert_int_equal(q.missing_bars, 2 + 119);
    assert_int_equal(q.largest_gap.missing, 119);
    assert_int_equal(q.largest_gap.after_ns, 5 * minute);
    assert_int_equal(q.gap_count, 2);
    assert_int_equal(q.gap[0].before_ns, 4 * minute);
    assert_int_equal(q.open_hours, 168);
    free_tape(&tape);
}

/* Five days a week for five weeks: Saturdays and Sundays are not missing, a Wednesday is. */
static void closed_days_are_not_missing(void **state) {
    (void)state;
    int64_t time[64], bars = 0;
    for (int64_t day = 0; day < 35; day++)
        if (day % 7 < 5 && day != 16) time[bars++] = MONDAY + day * TD_NS_PER_DAY;
    td_tape tape = flat_tape(time, bars, TD_NS_PER_DAY);
    td_quality q = td_quality_scan(&tape);
    assert_int_equal(q.open_hours, 5);
    assert_int_equal(q.gaps, 1);
    assert_int_equal(q.missing_bars, 1);
    assert_int_equal(q.gap[0].after_ns, MONDAY + 15 * TD_NS_PER_DAY);
    free_tape(&tape);
    /* two weeks do not tell what is closed */
    for (bars = 0; time[bars] < MONDAY + 14 * TD_NS_PER_DAY;) bars++;
    tape = flat_tape(time, bars, TD_NS_PER_DAY);
    q = td_quality_scan(&tape);
    assert_int_equal(q.open_hours, 168);
    assert_int_equal(q.missing_bars, 2);
    free_tape(&tape);
}

/* A market open from 9 to 17 on weekdays in half-hour bars, one afternoon lost. */
static void closed_hours_are_not_missing(void **state) {
    (void)state;
    int64_t time[1024], bars = 0;
    for (int64_t slot = 0; slot < 48 * 42; slot++) {
        int64_t day = slot / 48, half = slot % 48;
        bool lost = day == 23 && half >= 26;
        if (day % 7 < 5 && half >= 18 && half < 34 && !lost) time[bars++] = MONDAY + slot * HOUR / 2;
    }
    td_tape tape = flat_tape(time, bars, HOUR / 2);
    td_quality q = td_quality_scan(&tape);
    assert_int_equal(q.open_hours, 40);
    assert_int_equal(q.gaps, 1);
    assert_int_equal(q.missing_bars, 8);
    free_tape(&tape);
}

static void months_have_no_gaps(void **state) {
    (void)state;
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int64_t time[48] = {0}, day = 0;
    for (int i = 0; i < 48; i++) {
        time[i] = day * TD_NS_PER_DAY;
        day += days[i % 12];
    }
    td_tape tape = flat_tape(time, 48, td_interval_ns("1mo"));
    assert_int_equal(td_quality_scan(&tape).gaps, 0);
    free_tape(&tape);
}

/* A spike out and back: the ratio from the definition, with the sums written out. */
static void spikes_by_hand(void **state) {
    (void)state;
    int64_t time[400];
    for (int t = 0; t < 400; t++) time[t] = MONDAY + t * 4 * TD_NS_PER_DAY;
    td_tape tape = flat_tape(time, 400, 4 * TD_NS_PER_DAY);
    double *close = (double *)tape.close;
    for (int t = 0; t < 400; t++) close[t] = 100 + t % 2; /* |change| 1 every four days: c = 0.5 */
    close[300] = 140;
    td_quality q = td_quality_scan(&tape);
    assert_int_equal(q.spikes, 2);
    assert_int_equal(q.spike_count, 2);
    assert_int_equal(q.spike[0].time_ns, time[300]);
    assert_true(q.spike[0].previous == 101 && q.spike[0].close == 140);
    double keep = 1 - 2.0 / 501, sum = 0, weight = 0;
    for (int t = 1; t <= 300; t++) {
        sum = sum * keep + (t == 300 ? 39 / 2.0 : 0.5);
        weight = weight * keep + 1;
    }
    assert_near(q.spike[0].ratio, 39 / 2.0 / (sum / weight), 1e-12);
    assert_int_equal(q.spike[1].time_ns, time[301]);
    free_tape(&tape);
}

/* The same rule in pandas, on every bar of GOOG. */
static void spikes_agree_with_pandas(void **state) {
    (void)state;
    const char *shared = td_test_shared();
    if (!shared || td_test_run(NULL, NULL, "/usr/bin/python3 -c 'import pandas'") != 0) {
        print_message("the reference data or pandas is not here: skipped\n");
        skip();
    }
    char *out, *ours;
    const char *script = td_test_path("spikes.py");
    td_test_write(script, "import sys, pandas as pd, numpy as np\n"
                          "c = pd.read_csv(sys.argv[1], index_col=0, parse_dates=True).Close\n"
                          "d = c.diff().abs() / np.sqrt(c.index.to_series().diff().dt.days)\n"
                          "r = d / d.ewm(span=500).mean()\n"
                          "print(*[t.strftime('%Y-%m-%d') for t in r[r > 8].index])\n");
    assert_int_equal(td_test_run(&out, NULL, "/usr/bin/python3 %s %s/data/backtesting_py/GOOG.csv", script, shared), 0);
    assert_int_equal(td_test_run(&ours, NULL, "$TAPEDECK data check %s/data/backtesting_py/GOOG.csv --json", shared), 0);
    json_t *document = json_loads(ours, 0, NULL), *spike;
    assert_non_null(document);
    char dates[400] = "";
    size_t i;
    json_array_foreach(json_object_get(json_array_get(json_object_get(document, "files"), 0), "first_spikes"), i, spike)
        sprintf(dates + strlen(dates), "%s%.10s", i ? " " : "", json_string_value(json_object_get(spike, "time")));
    strcat(dates, "\n");
    assert_string_equal(dates, out);
    json_decref(document);
    free(out);
    free(ours);
}

/* ---- the program ---- */

static const char DIRTY[] = "date,open,high,low,close,volume\n"
                            "2024-01-01,10,12,9,11,100\n"
                            "2024-01-02,10,12,9,11,100\n"
                            "2024-01-02,10,12,9,11,100\n"
                            "2024-01-05,10,12,9,nan,100\n"
                            "2024-01-06,10,12,0,11,100\n"
                            "2024-01-07,10,8,9,11,100\n"
                            "2024-01-04,10,12,9,11,0\n"
                            "2024-01-08,13,12,9,11,100\n";

static const char *write_file(const char *name, const char *text) {
    const char *path = td_test_path("%s", name);
    td_test_write(path, text);
    return path;
}

static json_int_t number_at(const json_t *object, const char *key) {
    const json_t *value = json_object_get(object, key);
    if (!json_is_integer(value)) fail_msg("\"%s\" is no whole number in the document", key);
    return json_integer_value(value);
}

static void check_reports_on_text(void **state) {
    (void)state;
    char *out, *err;
    const char *path = write_file("dirty.csv", DIRTY);
    assert_int_equal(td_test_run(&out, &err, "$TAPEDECK data check %s --json", path), 0);
    json_t *document = json_loads(out, 0, NULL), *file = json_array_get(json_object_get(document, "files"), 0);
    assert_non_null(document);
    const json_t *faults = json_object_get(file, "faults");
    assert_int_equal(number_at(file, "rows"), 8);
    assert_int_equal(number_at(file, "bars"), 4);
    assert_int_equal(number_at(file, "broken"), 3);
    assert_int_equal(number_at(faults, "missing_price"), 1);
    assert_int_equal(number_at(faults, "not_positive"), 1);
    assert_int_equal(number_at(faults, "high_below_low"), 1);
    assert_int_equal(number_at(file, "duplicates"), 1);
    assert_int_equal(number_at(file, "contradicting"), 0);
    assert_int_equal(number_at(file, "out_of_order"), 0); /* the row before it is broken; the last good one is older */
    assert_int_equal(number_at(file, "open_close_outside"), 1);
    assert_int_equal(number_at(file, "gaps"), 2);
    assert_int_equal(number_at(file, "missing_bars"), 4);
    assert_int_equal(number_at(file, "volume_zero"), 1);
    assert_string_equal(json_string_value(json_object_get(file, "first")), "2024-01-01T00:00:00Z");
    assert_true(json_is_true(json_object_get(file, "errors")));
    json_decref(document);
    free(out);
    free(err);

    /* people get the same in words; --strict makes it an exit code */
    assert_int_equal(td_test_run(&out, NULL, "$TAPEDECK data check --strict %s", path), 4);
    assert_non_null(strstr(out, "not_positive     1\n"));
    assert_non_null(strstr(out, "duplicates       1 (0 contradicting)\n"));
    assert_non_null(strstr(out, "dirty.csv:7: column 3 (high): found \"8\", expected a high not below the low 9"));
    assert_non_null(strstr(out, "gaps             2, 4 bars missing"));
    free(out);

    const char *clean = write_file("clean.csv", "date,open,high,low,close\n2024-01-01,1,2,1,1\n2024-01-02,1,2,1,1\n");
    assert_int_equal(td_test_run(NULL, NULL, "$TAPEDECK data check --strict %s", clean), 0);
    assert_int_equal(td_test_run(NULL, &err, "$TAPEDECK data check %s %s", clean, td_test_path("none.csv")), 3);
    assert_non_null(strstr(err, "none.csv: cannot be opened"));
    free(err);
}

static void import_info_and_check_agree(void **state) {
    (void)state;
    char *out, *err;
    const char *csv = write_file("dirty.csv", DIRTY), *tape = td_test_path("dirty.h5");
    assert_int_equal(td_test_run(&out, &err, "$TAPEDECK data import klines %s --symbol ABC --interval 1d -o %s --json", csv, tape),
                     0);
    assert_non_null(strstr(err, "tapedeck: warning: "));
    assert_non_null(strstr(err, "dirty.csv:5: column 5 (close): found \"nan\", expected a price, not nothing or NaN"));
    json_t *imported = json_loads(out, 0, NULL);
    assert_non_null(imported);
    assert_int_equal(number_at(imported, "bars"), 4);
    assert_int_equal(number_at(imported, "broken"), 3);
    free(out);
    free(err);
    assert_int_equal(td_test_run(&out, &err, "$TAPEDECK data info %s --verify --json", tape), 0);
    json_t *info = json_loads(out, 0, NULL);
    assert_non_null(info);
    assert_string_equal(err, "");
    assert_string_equal(json_string_value(json_object_get(info, "digest")), json_string_value(json_object_get(imported, "digest")));
    assert_string_equal(json_string_value(json_object_get(info, "symbol")), "ABC");
    assert_string_equal(json_string_value(json_object_get(info, "source")), "klines: dirty.csv");
    assert_int_equal(number_at(info, "missing_bars"), 4);
    assert_true(json_number_value(json_object_get(info, "low")) == 9 && json_number_value(json_object_get(info, "high")) == 12);
    json_decref(info);
    json_decref(imported);
    free(out);
    free(err);
    assert_int_equal(td_test_run(&out, NULL, "$TAPEDECK data check --strict %s", tape), 0);
    assert_non_null(strstr(out, "tape of 4 bars of 1d"));
    free(out);
}

static void strict_import_writes_nothing(void **state) {
    (void)state;
    char *out, *err;
    const char *csv = write_file("dirty.csv", DIRTY), *tape = td_test_path("strict.h5");
    assert_int_equal(td_test_run(&out, &err, "$TAPEDECK data import klines %s --symbol A --interval 1d -o %s --strict", csv, tape),
                     3);
    assert_string_equal(out, "");
    assert_non_null(strstr(err, "tapedeck: error: "));
    assert_non_null(strstr(err, "dirty.csv:5: column 5 (close): found \"nan\""));
    assert_int_equal(access(tape, F_OK), -1);
    free(out);
    free(err);
}

static void synth_is_reproducible(void **state) {
    (void)state;
    const char *a = td_test_path("s1.h5"), *b = td_test_path("s2.h5");
    char *out, *again;
    assert_int_equal(td_test_run(&out, NULL, "$TAPEDECK data synth --bars 3000 --interval 1m --seed 7 -o %s", a), 0);
    assert_non_null(strstr(out, "bars       3000 of 1m, 2023-01-01T00:00:00Z to"));
    free(out);
    assert_int_equal(td_test_run(NULL, NULL, "$TAPEDECK data synth --bars 3000 --interval 1m --seed 7 -o %s && cmp %s %s", b, a, b),
                     0);
    assert_int_equal(td_test_run(&out, NULL, "$TAPEDECK data info %s | tail -1", a), 0);
    assert_int_equal(
        td_test_run(&again, NULL,
                    "$TAPEDECK data synth --bars 3000 --interval 1m --seed 8 -o %s >/dev/null; $TAPEDECK data info %s | tail -1", b,
                    b),
        0);
    assert_string_not_equal(out, again);
    free(out);
    free(again);
}

/* A tape of several symbols: each is said and checked by its name. */
static void several_symbols(void **state) {
    (void)state;
    char *out, *err;
    json_t *document, *list;
    assert_int_equal(td_test_run(&out, NULL, "cd %s && $TAPEDECK data synth --symbols 3 --symbol X --bars 20000 -o x.h5 --json",
                                 td_test_folder()), 0);
    document = json_loads(out, 0, NULL);
    assert_int_equal(json_array_size(json_object_get(document, "symbols")), 3);
    assert_null(json_object_get(document, "symbol"));
    json_decref(document);
    free(out);
    assert_int_equal(td_test_run(&out, NULL, "cd %s && $TAPEDECK data info x.h5 --verify --json", td_test_folder()), 0);
    document = json_loads(out, 0, NULL);
    list = json_object_get(document, "symbols");
    assert_int_equal(json_array_size(list), 3);
    assert_int_equal(number_at(document, "bars"), 20000);
    int64_t second = number_at(json_array_get(list, 1), "bars");
    assert_in_range(second, 19000, 19999);
    assert_int_equal(number_at(json_array_get(list, 0), "bars"), 20000);
    assert_string_equal(json_string_value(json_object_get(json_array_get(list, 1), "symbol")), "X2");
    json_decref(document);
    free(out);
    assert_int_equal(td_test_run(&out, NULL, "cd %s && $TAPEDECK data check x.h5 --json", td_test_folder()), 0);
    document = json_loads(out, 0, NULL);
    list = json_object_get(document, "files");
    assert_int_equal(json_array_size(list), 3);
    assert_string_equal(json_string_value(json_object_get(json_array_get(list, 2), "symbol")), "X3");
    assert_int_equal(number_at(json_array_get(list, 1), "bars"), second);
    assert_true(number_at(json_array_get(list, 1), "missing_bars") > number_at(json_array_get(list, 0), "missing_bars"));
    json_decref(document);
    free(out);
    /* one document for many, in the order of the files */
    assert_int_equal(td_test_run(&out, &err, "cd %s && printf 'time,open,high,low,close\n2024-01-01,1,2,1,1\n2024-01-02,1,2,1,1\n' | "
                                             "tee B-1d.csv > A-1d.csv && $TAPEDECK data import klines B-1d.csv A-1d.csv "
                                             "--symbol-from-name --interval 1d -o ab.h5 --json", td_test_folder()), 0);
    document = json_loads(out, 0, NULL);
    list = json_object_get(document, "imported");
    assert_int_equal(number_at(document, "symbols"), 2);
    assert_string_equal(json_string_value(json_object_get(json_array_get(list, 0), "symbol")), "B");
    assert_int_equal(number_at(json_array_get(list, 1), "added"), 2);
    json_decref(document);
    free(out);
    free(err);
}

static void misuse_exits_with_2(void **state) {
    (void)state;
    static const struct {
        const char *arguments, *part;
    } cases[] = {
        {"", "data needs a command"},
        {"impart", "data has no command \"impart\""},
        {"import", "expected what to import: klines"},
        {"import candles x.csv", "\"candles\", expected what to import: klines"},
        {"import klines --symbol A --interval 1d -o x.h5", "no file to import"},
        {"import klines x.csv --interval 1d -o x.h5", "no symbol"},
        {"import klines x.csv --symbol A -o x.h5", "no interval"},
        {"import klines x.csv --symbol A --interval 1d", "no tape to write"},
        {"import klines x.csv --symbol A --interval 1q -o x.h5", "the interval \"1q\" is none"},
        {"import klines x.csv --symbol A --interval 1d -o x.h5 --threads none", "--threads is 'none'"},
        {"import klines x.csv --symbol A --symbol-from-name --interval 1d -o x.h5", "--symbol and --symbol-from-name at once"},
        {"import klines .csv --symbol-from-name --interval 1d -o x.h5", ".csv: no symbol in the name; expected one before the first"},
        {"check", "no file to check"},
        {"check x.csv --interval often", "--interval is \"often\""},
        {"info", "no tape"},
        {"info a.h5 b.h5", "more than one tape"},
        {"synth", "no tape to write"},
        {"synth -o x.h5 --bars 0", "--bars is '0', must be a whole number from 1"},
        {"synth -o x.h5 --bars many", "--bars is 'many'"},
        {"synth -o x.h5 --interval 1q", "interval is \"1q\""},
        {"synth -o x.h5 --start soon", "--start is \"soon\""},
        {"synth -o x.h5 --symbols 0", "--symbols is '0', must be a whole number from 1 to 1000"},
        {"synth -o x.h5 extra", "\"extra\" is no option"},
        {"synth --sed 7", "unrecognized option"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *out, *err;
        int code = td_test_run(&out, &err, "cd %s && $TAPEDECK data %s", td_test_folder(), cases[i].arguments);
        if (code != 2 || !strstr(err, cases[i].part)) fail_msg("data %s: exit %d, \"%s\"", cases[i].arguments, code, err);
        assert_string_equal(out, "");
        free(out);
        free(err);
    }
}

static void help_is_a_result(void **state) {
    (void)state;
    static const char *const commands[] = {"", "import", "check", "info", "synth"};
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        char *out;
        assert_int_equal(td_test_run(&out, NULL, "$TAPEDECK data %s --help", commands[i]), 0);
        assert_non_null(strstr(out, "Usage: tapedeck data"));
        free(out);
    }
}

/* A disk that fills up while a tape is made: the sentence, the old file, no remains. */
static void full_disk(void **state) {
    (void)state;
    const char *folder = td_test_path("disk");
    mkdir(folder, 0755);
    if (mount("tmpfs", folder, "tmpfs", 0, "size=1m") != 0) {
        print_message("a tmpfs cannot be mounted here (it takes root): skipped\n");
        skip();
    }
    char *err, *before, *after;
    int first =
        td_test_run(&before, NULL, "$TAPEDECK data synth --bars 1000 -o %s/t.h5 >/dev/null && sha256sum %s/t.h5", folder, folder);
    int second = td_test_run(NULL, &err, "$TAPEDECK data synth --bars 100000 -o %s/t.h5", folder);
    int same = td_test_run(&after, NULL, "sha256sum %s/t.h5 && test $(ls %s | wc -l) = 1", folder, folder);
    umount(folder);
    assert_int_equal(first, 0);
    assert_int_equal(second, 1);
    assert_int_equal(same, 0);
    assert_non_null(strstr(err, "t.h5: no room for the file: No space left on device; nothing was changed"));
    assert_string_equal(before, after);
    free(err);
    free(before);
    free(after);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gaps_by_hand),
        cmocka_unit_test(closed_days_are_not_missing),
        cmocka_unit_test(closed_hours_are_not_missing),
        cmocka_unit_test(months_have_no_gaps),
        cmocka_unit_test(spikes_by_hand),
        cmocka_unit_test(spikes_agree_with_pandas),
        cmocka_unit_test(check_reports_on_text),
        cmocka_unit_test(import_info_and_check_agree),
        cmocka_unit_test(strict_import_writes_nothing),
        cmocka_unit_test(synth_is_reproducible),
        cmocka_unit_test(several_symbols),
        cmocka_unit_test(misuse_exits_with_2),
        cmocka_unit_test(help_is_a_result),
        cmocka_unit_test(full_disk),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
