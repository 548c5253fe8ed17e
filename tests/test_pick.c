/* data/pick.h, and tapes of several symbols: what one symbol of them is, at the tape's interval and at longer ones. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "data/import.h"
#include "data/pick.h"
#include "tests/plays.h"

static td_error error;

#define MINUTE (60 * TD_NS_PER_SECOND)
#define HOUR (60 * MINUTE)
static const int64_t MONDAY = 1704067200LL * TD_NS_PER_SECOND; /* 2024-01-01 */

static td_status pick(const td_tape *tape, const char *symbol, const char *interval, td_pick *picked) {
    return td_pick_open(tape, td_tape_find(tape, symbol), interval, INT64_MIN, INT64_MAX, picked, &error);
}

/* A tape file of these tapes of one symbol each, opened. */
static void join(const char *name, int count, const td_tape *alone, td_tape *tape) {
    td_tape_part parts[8] = {0};
    char digest[TD_DIGEST_HEX];
    int64_t bars;
    for (int k = 0; k < count; k++) parts[k].tape = alone[k];
    assert_ok(td_tape_write_parts(td_test_path("%s", name), parts, count, "joined", &bars, digest, &error));
    assert_ok(td_tape_open(td_test_path("%s", name), true, tape, &error));
    assert_string_equal(tape->digest, digest);
    assert_int_equal(tape->bars, bars);
    assert_int_equal(tape->symbols, count);
}

static td_tape by_hand(const char *symbol, int64_t bars, const int64_t *time, const double *price) {
    td_tape tape = {.bars = bars, .symbols = 1, .interval_ns = MINUTE, .time_ns = time, .open = price, .high = price,
                    .low = price, .close = price, .volume = price, .interval = "1m"};
    snprintf(tape.symbol, sizeof tape.symbol, "%s", symbol);
    return tape;
}

/* Minutes 0 1 2 3 . 5 and 2 . 5 6: a raster of 0 1 2 3 5 6. */
static void union_by_hand(void **state) {
    (void)state;
    const int64_t a_time[] = {0, MINUTE, 2 * MINUTE, 3 * MINUTE, 5 * MINUTE}, b_time[] = {2 * MINUTE, 5 * MINUTE, 6 * MINUTE};
    const double a[] = {1, 2, 3, 4, 5}, b[] = {10, 20, 30};
    const td_tape alone[] = {by_hand("A", 5, a_time, a), by_hand("B", 3, b_time, b)};
    td_tape tape;
    join("union.h5", 2, alone, &tape);
    assert_int_equal(tape.bars, 6);
    const int64_t raster[] = {0, 1, 2, 3, 5, 6};
    const double A[] = {1, 2, 3, 4, 5, NAN}, B[] = {NAN, NAN, 10, NAN, 20, 30};
    for (int t = 0; t < 6; t++) {
        assert_int_equal(tape.time_ns[t], raster[t] * MINUTE);
        assert_true(isnan(A[t]) ? isnan(tape.close[t]) && isnan(tape.volume[t]) : tape.close[t] == A[t]);
        assert_true(isnan(B[t]) ? isnan(tape.low[6 + t]) && isnan(tape.volume[6 + t]) : tape.low[6 + t] == B[t]);
    }
    assert_string_equal(td_tape_symbol_name(&tape, 1), "B");
    assert_int_equal(td_tape_find(&tape, "B"), 1);
    assert_int_equal(td_tape_find(&tape, "C"), -1);
    td_pick picked;
    assert_ok(pick(&tape, "A", NULL, &picked));
    assert_null(picked.memory); /* its bars are neighbours on the tape */
    td_assert_same_bars(&picked.tape, &alone[0]);
    td_pick_close(&picked);
    assert_ok(pick(&tape, "B", NULL, &picked));
    td_assert_same_bars(&picked.tape, &alone[1]);
    td_pick_close(&picked);
    td_tape_close(&tape);
}

/* The digest of several, computed with sha256sum: of the text of the digests of each alone. */
static void digests_join(void **state) {
    (void)state;
    td_tape alone[2] = {td_test_tape(50, TD_NS_PER_DAY, 1), td_test_tape(70, TD_NS_PER_DAY, 2)};
    strcpy(alone[1].symbol, "OTHER");
    for (int k = 0; k < 2; k++) td_tape_digest(&alone[k]);
    td_tape tape;
    join("digests.h5", 2, alone, &tape);
    for (int k = 0; k < 2; k++) assert_string_equal(td_tape_symbol_digest(&tape, k), alone[k].digest);
    char *out;
    assert_int_equal(td_test_run(&out, NULL, "printf %%s %s%s | sha256sum", alone[0].digest, alone[1].digest), 0);
    out[64] = 0;
    assert_string_equal(tape.digest, out);
    free(out);
    td_tape_close(&tape);
}

/* Of one symbol's columns, each changed bit is found by --verify and the joined digest. */
static void changed_bits_are_found(void **state) {
    (void)state;
    td_tape alone[2] = {td_test_tape(50, TD_NS_PER_DAY, 1), td_test_tape(70, TD_NS_PER_DAY, 2)}, tape;
    strcpy(alone[1].symbol, "OTHER");
    join("bits.h5", 2, alone, &tape);
    td_tape_close(&tape);
    const char *path = td_test_path("bits.h5");
    assert_int_equal(td_test_run(NULL, NULL, "/usr/bin/python3 -c 'import h5py; f = h5py.File(\"%s\", \"r+\"); "
                                             "f[\"volume\"][1, 30] += 1'", path), 0);
    assert_fails(td_tape_open(path, true, &tape, &error), TD_BAD_DATA, "the file was changed");
    assert_int_equal(td_test_run(NULL, NULL, "/usr/bin/python3 -c 'import h5py; f = h5py.File(\"%s\", \"r+\"); "
                                             "f[\"high\"][1, 30] = float(\"nan\")'", path), 0);
    assert_fails(td_tape_open(path, false, &tape, &error), TD_BAD_DATA,
                 "symbol OTHER: row 30 (2024-01-31T00:00:00Z): high is nan, must be finite and above 0");
    assert_int_equal(td_test_run(NULL, NULL, "/usr/bin/python3 -c 'import h5py; f = h5py.File(\"%s\", \"r+\"); "
                                             "f[\"high\"][1, 30] = 1; f[\"close\"][1, 30] = float(\"nan\")'", path), 0);
    assert_fails(td_tape_open(path, false, &tape, &error), TD_BAD_DATA, "symbol OTHER: row 30 (2024-01-31T00:00:00Z): ");
}

static const char *interval_text(int64_t ns) {
    return ns == MINUTE ? "1m" : ns == HOUR ? "1h" : ns == TD_NS_PER_DAY ? "1d" : "1w";
}

/* A symbol of a tape with others plays, in every bit and engine, like a tape of it alone: whatever holes the others tear. */
static void plays_as_alone(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= 24; seed++) {
        td_case made;
        const int64_t bars = td_draw_whole(seed, 900, 40, 700);
        td_case_make(&made, seed, bars, td_case_strategy(seed));
        td_tape *alone = &made.tape;
        snprintf(alone->symbol, sizeof alone->symbol, "THIS");
        snprintf(alone->interval, sizeof alone->interval, "%s", interval_text(alone->interval_ns));
        /* others of its interval: one that begins before and ends before, one that lacks bars and has ones that it lacks */
        int64_t interval = alone->interval_ns, *early = malloc((size_t)bars * 8), *odd = malloc((size_t)bars * 8);
        for (int64_t t = 0; t < bars; t++) {
            early[t] = alone->time_ns[0] + (t - bars / 2) * interval;
            odd[t] = alone->time_ns[0] + 3 * t * interval + (t % 2) * interval / 2;
        }
        td_tape tapes[3] = {*alone, *alone, *alone}, tape;
        tapes[0].time_ns = early;
        tapes[2].time_ns = odd;
        strcpy(tapes[0].symbol, "EARLY");
        strcpy(tapes[2].symbol, "ODD");
        join("play.h5", 3, tapes, &tape);
        assert_true(tape.bars > bars);
        td_pick picked;
        assert_ok(pick(&tape, "THIS", NULL, &picked));
        td_assert_same_bars(&picked.tape, alone);
        td_deck *deck;
        assert_ok(td_deck_make(&picked.tape, &made.def, &deck, &error));
        td_cell cells[TD_CASE_SETS], expected;
        td_assert_engines_agree(deck, made.sets, TD_CASE_SETS, 0, cells, made.text);
        int64_t blocks = td_deck_blocks(made.deck);
        float *of_alone = malloc((size_t)blocks * sizeof *of_alone), *of_pick = malloc((size_t)blocks * sizeof *of_pick);
        for (int i = 0; i < TD_CASE_SETS; i += 6) {
            assert_ok(td_play_detailed(made.deck, &made.sets[i], &(td_observer){0}, &expected, of_alone, &error));
            assert_ok(td_play_detailed(deck, &made.sets[i], &(td_observer){0}, &cells[i], of_pick, &error));
            assert_true(td_same_cells(&cells[i], &expected, of_pick, of_alone, blocks));
        }
        free(of_alone);
        free(of_pick);
        td_deck_free(deck);
        td_pick_close(&picked);
        td_tape_close(&tape);
        free(early);
        free(odd);
        td_case_free(&made);
    }
}

static void a_deck_wants_one_symbol(void **state) {
    (void)state;
    td_tape alone[2] = {td_test_tape(50, TD_NS_PER_DAY, 1), td_test_tape(70, TD_NS_PER_DAY, 2)}, tape;
    strcpy(alone[1].symbol, "OTHER");
    join("two.h5", 2, alone, &tape);
    td_play_def def = td_default_play_def();
    def.strategy = td_strategy_find("sma-cross");
    td_deck *deck;
    assert_fails(td_deck_make(&tape, &def, &deck, &error), TD_BAD_ARG, "holds 2 symbols; a deck plays one");
    td_tape_close(&tape);
}

/* ---- longer bars ---- */

/* Half hours by hand: a span that begins before the data stays, a hole is a hole, the last span is not over and goes. */
static void half_hours_by_hand(void **state) {
    (void)state;
    enum { COUNT = 9 };
    const int64_t minutes[COUNT] = {25, 26, 29, 30, 59, 95, 96, 120, 148};
    int64_t time[COUNT];
    for (int t = 0; t < COUNT; t++) time[t] = MONDAY + minutes[t] * MINUTE;
    const double open[COUNT] = {1, 2, 3, 4, 5, 6, 7, 8, 9}, high[COUNT] = {5, 9, 4, 6, 8, 7, 7, 9, 9},
                 low[COUNT] = {1, 2, .5, 3, 4, 6, 5, 8, 9}, close[COUNT] = {2, 3, 4, 5, 6, 7, 6, 9, 9},
                 volume[COUNT] = {1, 2, 4, 8, NAN, 16, 32, 64, 128};
    td_tape tape = {.bars = COUNT, .symbols = 1, .interval_ns = MINUTE, .time_ns = time, .open = open, .high = high, .low = low,
                    .close = close, .volume = volume, .symbol = "A", .interval = "1m"};
    td_pick picked;
    assert_ok(pick(&tape, "A", "30m", &picked));
    const td_tape *made = &picked.tape;
    assert_int_equal(made->bars, 3); /* 0:00, 0:30, 1:30; 2:00 to 2:30 is known until 2:29 */
    assert_int_equal(made->interval_ns, 30 * MINUTE);
    assert_string_equal(made->interval, "30m");
    const int64_t opens[] = {0, 30, 90};
    for (int t = 0; t < 3; t++) assert_int_equal(made->time_ns[t], MONDAY + opens[t] * MINUTE);
    assert_true(made->open[0] == 1 && made->high[0] == 9 && made->low[0] == .5 && made->close[0] == 4 && made->volume[0] == 7);
    assert_true(made->open[1] == 4 && made->high[1] == 8 && made->low[1] == 3 && made->close[1] == 6 && isnan(made->volume[1]));
    assert_true(made->open[2] == 6 && made->high[2] == 7 && made->low[2] == 5 && made->close[2] == 6 && made->volume[2] == 48);
    td_pick_close(&picked);

    /* with the bar of 2:29 the last one is whole */
    time[8] += MINUTE;
    assert_ok(pick(&tape, "A", "30m", &picked));
    assert_int_equal(picked.tape.bars, 4);
    assert_true(picked.tape.open[3] == 8 && picked.tape.close[3] == 9);
    td_pick_close(&picked);

    /* a period: bars that reach out of it are left out, at both ends */
    assert_ok(td_pick_open(&tape, 0, "30m", MONDAY + MINUTE, MONDAY + 119 * MINUTE, &picked, &error));
    assert_int_equal(picked.tape.bars, 1);
    assert_int_equal(picked.tape.time_ns[0], MONDAY + 30 * MINUTE);
    td_pick_close(&picked);
    assert_ok(td_pick_open(&tape, 0, "30m", MONDAY, MONDAY + 120 * MINUTE, &picked, &error));
    assert_int_equal(picked.tape.bars, 3);
    td_pick_close(&picked);
    assert_fails(td_pick_open(&tape, 0, "30m", MONDAY + 61 * MINUTE, MONDAY + 119 * MINUTE, &picked, &error), TD_BAD_DATA,
                 "the period from 2024-01-01T01:01:00Z to 2024-01-01T01:59:00Z holds no whole bar of A, whose bars open from "
                 "2024-01-01T00:25:00Z to 2024-01-01T02:29:00Z");
    /* at the tape's own interval a period is about open times */
    assert_ok(td_pick_open(&tape, 0, NULL, MONDAY + 26 * MINUTE, MONDAY + 96 * MINUTE, &picked, &error));
    assert_int_equal(picked.tape.bars, 5);
    assert_true(picked.tape.open[0] == 2 && picked.tape.open[4] == 6);
    td_pick_close(&picked);
}

/* Days begin at midnight UTC, weeks on Monday, also before 1970. */
static void spans_begin_in_utc(void **state) {
    (void)state;
    static const struct {
        const char *from, *interval, *first;
    } cases[] = {
        {"2024-02-29T13:00:00Z", "4h", "2024-02-29T12:00:00Z"}, {"2024-02-29T13:00:00Z", "1d", "2024-02-29T00:00:00Z"},
        {"2024-02-29T13:00:00Z", "1w", "2024-02-26T00:00:00Z"}, {"1969-12-31T13:00:00Z", "1d", "1969-12-31T00:00:00Z"},
        {"1969-12-31T13:00:00Z", "1w", "1969-12-29T00:00:00Z"}, {"1970-01-05T00:00:00Z", "2w", "1970-01-05T00:00:00Z"},
        {"2024-02-29T13:00:00Z", "7h", "2024-02-29T07:00:00Z"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        td_tape tape = td_test_tape(24 * 40, HOUR, 3);
        int64_t *time = (int64_t *)(uintptr_t)tape.time_ns, from;
        assert_true(td_time_parse(cases[i].from, (int64_t)strlen(cases[i].from), &from));
        for (int64_t t = 0; t < tape.bars; t++) time[t] = from + t * HOUR;
        strcpy(tape.interval, "1h");
        td_pick picked;
        assert_ok(pick(&tape, "TEST", cases[i].interval, &picked));
        char first[32];
        assert_string_equal(td_time_text(picked.tape.time_ns[0], first), cases[i].first);
        td_pick_close(&picked);
    }
}

/* Minutes with holes to hours in one step and in two are the same, and each is what a plain loop over the minutes says. */
static void expect_plain(const td_tape *tape, const td_tape *made, int64_t interval) {
    int64_t last = tape->time_ns[tape->bars - 1] + tape->interval_ns, bar = 0;
    for (int64_t span = tape->time_ns[0] / interval * interval; span + interval <= last; span += interval) {
        double open = NAN, high = 0, low = INFINITY, close = NAN, volume = 0;
        for (int64_t t = 0; t < tape->bars; t++) {
            if (tape->time_ns[t] < span || tape->time_ns[t] >= span + interval) continue;
            if (isnan(open)) open = tape->open[t];
            high = fmax(high, tape->high[t]);
            low = fmin(low, tape->low[t]);
            close = tape->close[t];
            volume += tape->volume[t];
        }
        if (isnan(open)) continue;
        assert_int_equal(made->time_ns[bar], span);
        assert_true(made->open[bar] == open && made->high[bar] == high && made->low[bar] == low && made->close[bar] == close);
        assert_true(made->volume[bar] == volume);
        bar++;
    }
    assert_int_equal(made->bars, bar);
}

static void steps_do_not_matter(void **state) {
    (void)state;
    td_tape all = td_test_tape(6000, MINUTE, 5);
    strcpy(all.interval, "1m");
    /* whole volumes, so that their sums do not depend on the order; and holes, some of them longer than an hour */
    double *close = (double *)(uintptr_t)all.close, *volume = (double *)(uintptr_t)all.volume;
    for (int64_t t = 0; t < all.bars; t++) {
        volume[t] = floor(100 * volume[t]);
        if (td_draw(7, (uint64_t)(t / 90)) < 0.1 || td_draw(8, (uint64_t)t) < 0.2) close[t] = NAN;
    }
    td_pick minutes, quarters, direct, twice;
    assert_ok(pick(&all, "TEST", NULL, &minutes));
    assert_true(minutes.tape.bars < 5000);
    assert_ok(pick(&minutes.tape, "TEST", "15m", &quarters));
    expect_plain(&minutes.tape, &quarters.tape, 15 * MINUTE);
    assert_ok(pick(&all, "TEST", "1h", &direct));
    expect_plain(&minutes.tape, &direct.tape, HOUR);
    assert_ok(pick(&quarters.tape, "TEST", "1h", &twice));
    assert_in_range(twice.tape.bars, direct.tape.bars - 1, direct.tape.bars); /* the last quarter may not be over */
    direct.tape.bars = twice.tape.bars;
    td_assert_same_bars(&twice.tape, &direct.tape);
    td_pick_close(&twice);
    td_pick_close(&direct);
    td_pick_close(&quarters);
    td_pick_close(&minutes);
}

/* What comes later changes no bar that was over before it. */
static void the_future_changes_nothing(void **state) {
    (void)state;
    td_tape tape = td_test_tape(3000, MINUTE, 9), poisoned = td_test_tape(3000, MINUTE, 9);
    strcpy(tape.interval, "1m");
    strcpy(poisoned.interval, "1m");
    double *columns[] = {(double *)(uintptr_t)poisoned.open, (double *)(uintptr_t)poisoned.high,
                         (double *)(uintptr_t)poisoned.low, (double *)(uintptr_t)poisoned.close,
                         (double *)(uintptr_t)poisoned.volume};
    const int64_t from = 1717;
    for (int c = 0; c < 5; c++)
        for (int64_t t = from; t < 3000; t++) columns[c][t] *= 1000;
    static const char *const intervals[] = {"1m", "3m", "15m", "1h", "4h"};
    for (size_t i = 0; i < sizeof intervals / sizeof *intervals; i++) {
        td_pick a, b;
        assert_ok(pick(&tape, "TEST", intervals[i], &a));
        assert_ok(pick(&poisoned, "TEST", intervals[i], &b));
        int64_t before = 0;
        while (a.tape.time_ns[before] + a.tape.interval_ns <= tape.time_ns[from]) before++;
        assert_true(before > 5);
        assert_int_equal(a.tape.bars, b.tape.bars);
        assert_true(a.tape.close[before] != b.tape.close[before]);
        a.tape.bars = b.tape.bars = before;
        td_assert_same_bars(&a.tape, &b.tape);
        td_pick_close(&a);
        td_pick_close(&b);
    }
}

/* Every prefix of a tape of several symbols is refused, and none crashes; nor does one whose shape is not what it says. */
static void broken_files_are_refused(void **state) {
    (void)state;
    td_tape alone[2] = {td_test_tape(40, TD_NS_PER_DAY, 1), td_test_tape(50, TD_NS_PER_DAY, 2)}, tape;
    strcpy(alone[1].symbol, "OTHER");
    join("whole.h5", 2, alone, &tape);
    td_tape_close(&tape);
    const char *whole = td_test_path("whole.h5"), *cut = td_test_path("cut.h5");
    struct stat status;
    stat(whole, &status);
    for (off_t size = 0; size < status.st_size; size += 101) {
        assert_int_equal(td_test_run(NULL, NULL, "cp %s %s", whole, cut), 0);
        assert_int_equal(truncate(cut, size), 0);
        assert_int_equal(td_tape_open(cut, false, &tape, &error), TD_BAD_DATA);
    }
    static const struct {
        const char *python, *part;
    } cases[] = {
        {"f.attrs[\"tapedeck_schema_version\"] = 1", "dataset close is over 50 symbols; a tape of schema version 1 has one"},
        {"f[\"symbol\"][1] = \"TEST\"", "holds symbol TEST twice"},
        {"f[\"symbol\"][1] = \"\"", "dataset symbol must hold 2 variable-length names"},
        {"del f[\"symbol_digest\"]", "dataset symbol_digest must hold the digests of 2 symbols"},
        {"f[\"close\"][1] = f[\"open\"][1] = f[\"high\"][1] = f[\"low\"][1] = float(\"nan\")", "symbol OTHER: has no bars"},
        {"f[\"time\"][3] = 5", "times must increase"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int code = td_test_run(NULL, NULL, "cp %s %s && /usr/bin/python3 -c 'import h5py; f = h5py.File(\"%s\", \"r+\"); %s'",
                               whole, cut, cut, cases[i].python);
        assert_int_equal(code, 0);
        assert_fails(td_tape_open(cut, false, &tape, &error), TD_BAD_DATA, cases[i].part);
    }
}

static void intervals_are_refused(void **state) {
    (void)state;
    td_tape tape = td_test_tape(50, 15 * MINUTE, 1);
    strcpy(tape.interval, "15m");
    assert_fails(td_pick_check_interval(&tape, "soon", &error), TD_BAD_ARG, "the interval \"soon\" is none; expected a number");
    assert_fails(td_pick_check_interval(&tape, "1m", &error), TD_BAD_ARG, "the interval 1m is not a multiple of the tape's, 15m");
    assert_fails(td_pick_check_interval(&tape, "40m", &error), TD_BAD_ARG, "the interval 40m is not a multiple");
    assert_fails(td_pick_check_interval(&tape, "1mo", &error), TD_BAD_ARG, "bars of 1mo cannot be made of bars of 15m: months");
    assert_ok(td_pick_check_interval(&tape, "900s", &error));
    assert_ok(td_pick_check_interval(&tape, "1w", &error));
    td_pick picked;
    assert_fails(pick(&tape, "TEST", "20m", &picked), TD_BAD_ARG, "the interval 20m is not a multiple");
    assert_fails(td_pick_open(&tape, 0, NULL, 0, MINUTE, &picked, &error), TD_BAD_DATA,
                 "the period from 1970-01-01T00:00:00Z to 1970-01-01T00:01:00Z holds no bar of TEST");
}

/* ---- finer bars ---- */

static void finer_bars_lie_in_longer_ones(void **state) {
    (void)state;
    td_tape tape = td_test_tape(1000, 5 * MINUTE, 3);
    td_pick picked;
    assert_ok(pick(&tape, "TEST", "1h", &picked));
    assert_null(picked.tape.finer);
    assert_ok(td_pick_refine(&picked, "15m", &error));
    const td_tape *hours = &picked.tape, *finer = picked.tape.finer;
    assert_int_equal(finer->interval_ns, 15 * MINUTE);
    int64_t k = 0;
    for (int64_t t = 0; t < hours->bars; t++) {
        double high = -INFINITY, low = INFINITY, close = NAN;
        assert_int_equal(finer->time_ns[k], hours->time_ns[t]);
        assert_near(finer->open[k], hours->open[t], 0);
        for (; k < finer->bars && finer->time_ns[k] < hours->time_ns[t] + 60 * MINUTE; k++) {
            high = fmax(high, finer->high[k]);
            low = fmin(low, finer->low[k]);
            close = finer->close[k];
        }
        assert_near(high, hours->high[t], 0);
        assert_near(low, hours->low[t], 0);
        assert_near(close, hours->close[t], 0);
    }
    assert_int_equal(k, finer->bars);
    td_pick_close(&picked);
}

static void finer_bars_that_do_not_fit(void **state) {
    (void)state;
    td_tape tape = td_test_tape(1000, 5 * MINUTE, 3);
    assert_fails(td_pick_check_finer(&tape, "1h", "1h", &error), TD_BAD_ARG, "bars of 1h are not finer than those of 1h");
    assert_fails(td_pick_check_finer(&tape, "1h", "2h", &error), TD_BAD_ARG, "bars of 2h are not finer than those of 1h");
    assert_fails(td_pick_check_finer(&tape, "1h", "25m", &error), TD_BAD_ARG, "bars of 25m do not lie in those of 1h");
    assert_fails(td_pick_check_finer(&tape, "1h", "1m", &error), TD_BAD_ARG, "1m is not a multiple of the tape's");
    assert_ok(td_pick_check_finer(&tape, "1h", "5m", &error));
    assert_ok(td_pick_check_finer(&tape, "1w", "1d", &error));
    /* a week holds 24 times 7 hours, but begins on a Monday, and those are counted from a Thursday */
    assert_fails(td_pick_check_finer(&tape, "1w", "7h", &error), TD_BAD_ARG, "bars of 7h do not lie in those of 1w");
    /* a bar whose close is not in its range */
    td_pick picked;
    assert_ok(pick(&tape, "TEST", "1h", &picked));
    ((double *)(uintptr_t)tape.close)[500] = tape.high[500] * 1.5;
    assert_fails(td_pick_refine(&picked, "5m", &error), TD_BAD_DATA, "outside its range");
    td_pick_close(&picked);
}

/* ---- import ---- */

static char *rows_text(int64_t first, int64_t count, double price) {
    char *text;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    fputs("time,open,high,low,close,volume\n", out);
    for (int64_t t = first; t < first + count; t++)
        fprintf(out, "%lld,%g,%g,%g,%g,1\n", (long long)(1704067200 + 60 * t), price, price + 2, price - 1, price + 1);
    fclose(out);
    return text;
}

static const char *rows_file(const char *name, int64_t first, int64_t count, double price) {
    char *text = rows_text(first, count, price);
    const char *path = td_test_path("%s", name);
    td_test_write(path, text);
    free(text);
    return path;
}

/* A second symbol joins, a held one grows, a file of old bars changes nothing; grown bit by bit is the tape made at once. */
static void symbols_are_added(void **state) {
    (void)state;
    const char *files[] = {rows_file("AAA-1m-1.csv", 0, 100, 10), rows_file("BBB-1m-1.csv", 50, 30, 20),
                           rows_file("AAA-1m-2.csv", 100, 20, 11), rows_file("BBB-1m-2.csv", 60, 120, 21)};
    char grown[512], at_once[512];
    strcpy(grown, td_test_path("grown.h5"));
    strcpy(at_once, td_test_path("at-once.h5"));
    td_import_def def = td_default_import_def();
    def.path = grown;
    def.interval = "1m";
    def.append = true;
    td_import import;
    for (int i = 0; i < 4; i++) {
        def.symbol = i % 2 ? "BBB" : "AAA";
        assert_ok(td_import_klines(&def, 1, &files[i], &import, &error));
        const td_import_report *report = &import.reports[0];
        assert_int_equal(import.symbols, i ? 2 : 1);
        assert_int_equal(import.bars, ((int[]){100, 100, 120, 180})[i]);
        assert_int_equal(report->bars, ((int[]){100, 30, 120, 130})[i]);
        assert_int_equal(report->added, ((int[]){100, 30, 20, 100})[i]);
        assert_int_equal(report->older, ((int[]){0, 0, 0, 20})[i]);
        td_import_free(&import);
    }
    struct stat before, after;
    assert_int_equal(stat(grown, &before), 0);
    assert_ok(td_import_klines(&def, 1, &files[1], &import, &error)); /* nothing new: the file is not touched */
    assert_int_equal(import.reports[0].added, 0);
    assert_int_equal(import.symbols, 2);
    td_import_free(&import);
    assert_int_equal(stat(grown, &after), 0);
    assert_int_equal(before.st_ino, after.st_ino);

    def.path = at_once;
    def.symbol = NULL;
    const char *ordered[] = {files[0], files[1], files[2]};
    assert_ok(td_import_klines(&def, 3, ordered, &import, &error));
    assert_int_equal(import.count, 2);
    assert_string_equal(import.reports[1].symbol, "BBB");
    td_import_free(&import);
    assert_ok(td_import_klines(&def, 1, &files[3], &import, &error));
    td_import_free(&import);
    assert_int_equal(td_test_run(NULL, NULL, "test $(ls %s | grep -c tmp) = 0", td_test_folder()), 0);
    td_tape a, b;
    assert_ok(td_tape_open(grown, true, &a, &error));
    assert_ok(td_tape_open(at_once, true, &b, &error));
    assert_string_equal(a.digest, b.digest);
    assert_string_equal(td_tape_symbol_name(&b, 0), "AAA");
    td_pick picked;
    assert_ok(pick(&a, "BBB", NULL, &picked));
    assert_int_equal(picked.tape.bars, 130);
    assert_true(picked.tape.open[29] == 20 && picked.tape.open[30] == 21);
    assert_int_equal(picked.tape.time_ns[0], MONDAY + 50 * MINUTE);
    td_pick_close(&picked);
    td_tape_close(&a);
    td_tape_close(&b);
}

static void import_of_many_refuses(void **state) {
    (void)state;
    char path[512];
    strcpy(path, td_test_path("many.h5"));
    td_import_def def = td_default_import_def();
    def.path = path;
    def.interval = "1m";
    td_import import;
    const char *nameless = rows_file("-1m.csv", 0, 5, 1), *good = rows_file("CCC-1m.csv", 0, 5, 1);
    const char *bad = td_test_path("DDD-1m.csv");
    td_test_write(bad, "time,open,high,low,close,volume\nnever,1,1,1,1,1\n");
    assert_fails(td_import_klines(&def, 1, &nameless, &import, &error), TD_BAD_ARG, "-1m.csv: no symbol in the name");
    const char *both[] = {good, bad};
    assert_int_equal(td_import_klines(&def, 2, both, &import, &error), TD_BAD_DATA);
    assert_int_equal(access(path, F_OK), -1);
    assert_int_equal(td_test_run(NULL, NULL, "test $(ls %s | grep -c tmp) = 0", td_test_folder()), 0);
}

/* ---- recorded data ---- */

/* ETH/BTC and LTC/BTC in bars of five minutes, of freqtrade's tests: together as each alone, also as hours. */
static void recorded_pairs(void **state) {
    (void)state;
    const char *shared = td_test_shared();
    if (!shared) {
        print_message("skipped: the recorded bars are not there (TAPEDECK_SHARED names the folder)\n");
        skip();
    }
    static const char *const names[] = {"ETH_BTC", "LTC_BTC"};
    char files[2][512], path[512];
    strcpy(path, td_test_path("pairs.h5"));
    td_import_def def = td_default_import_def();
    td_import import;
    td_tape together, alone[2];
    def.interval = "5m";
    def.append = true;
    for (int k = 0; k < 2; k++) {
        snprintf(files[k], sizeof files[k], "%s/data/crypto_misc/freqtrade_%s-5m.csv.gz", shared, names[k]);
        const char *file = files[k];
        def.symbol = names[k];
        def.path = path;
        assert_ok(td_import_klines(&def, 1, &file, &import, &error));
        assert_int_equal(import.reports[0].bars, 5760);
        td_import_free(&import);
        def.path = td_test_path("pair%d.h5", k);
        assert_ok(td_import_klines(&def, 1, &file, &import, &error));
        td_import_free(&import);
        assert_ok(td_tape_open(def.path, true, &alone[k], &error));
    }
    assert_ok(td_tape_open(path, true, &together, &error));
    assert_int_equal(together.symbols, 2);
    for (int k = 0; k < 2; k++) {
        td_pick same, hours, alone_hours;
        assert_string_equal(td_tape_symbol_digest(&together, k), alone[k].digest);
        assert_ok(pick(&together, names[k], NULL, &same));
        td_assert_same_bars(&same.tape, &alone[k]);
        assert_ok(pick(&together, names[k], "1h", &hours));
        assert_ok(pick(&alone[k], names[k], "1h", &alone_hours));
        td_assert_same_bars(&hours.tape, &alone_hours.tape);
        expect_plain(&alone[k], &hours.tape, HOUR);
        td_pick_close(&same);
        td_pick_close(&hours);
        td_pick_close(&alone_hours);
        td_tape_close(&alone[k]);
    }
    td_tape_close(&together);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(union_by_hand),
        cmocka_unit_test(digests_join),
        cmocka_unit_test(changed_bits_are_found),
        cmocka_unit_test(plays_as_alone),
        cmocka_unit_test(a_deck_wants_one_symbol),
        cmocka_unit_test(half_hours_by_hand),
        cmocka_unit_test(spans_begin_in_utc),
        cmocka_unit_test(steps_do_not_matter),
        cmocka_unit_test(the_future_changes_nothing),
        cmocka_unit_test(broken_files_are_refused),
        cmocka_unit_test(intervals_are_refused),
        cmocka_unit_test(finer_bars_lie_in_longer_ones),
        cmocka_unit_test(finer_bars_that_do_not_fit),
        cmocka_unit_test(symbols_are_added),
        cmocka_unit_test(import_of_many_refuses),
        cmocka_unit_test(recorded_pairs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
