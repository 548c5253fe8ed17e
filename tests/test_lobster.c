/* data/books/lobster.c: pairs of files, by hand. */
#include "tests/support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/book_import.h"

static td_error error;
static td_test_import in;

static int begin(void **state) {
    (void)state;
    in = td_test_import_begin();
    in.def.instrument.tick = 0.01;
    return 0;
}

static int end(void **state) {
    (void)state;
    td_test_import_end(&in);
    return 0;
}

#define COUNT(name) ((int)in.report.counts[TD_FEED_COUNT_##name])
#define ORIGIN INT64_C(1340285400000000000) /* 2012-06-21 9:30 in New York, 13:30 UTC */

static td_status import_as(const char *day, const char *messages, const char *books) {
    const char *files[2] = {td_test_path("X_%s_34200000_57600000_message_2.csv", day),
                            td_test_path("X_%s_34200000_57600000_orderbook_2.csv", day)};
    td_test_write(files[0], messages);
    td_test_write(files[1], books);
    return td_test_import_files(&in, "lobster", "X", 2, files, &error);
}
static td_status import(const char *messages, const char *books) { return import_as("2012-06-21", messages, books); }
static const char *tape(void) { return td_test_tape_text(&in.book, ORIGIN, 1); }

/* Levels are the state after each message; an executed buy order was hit by a seller, and the trade comes before the change. */
static void messages(void **state) {
    (void)state;
    assert_ok(import("34200.000000001,1,11,100,1000000,1\n"
                     "34200.000000002,1,12,50,1000300,-1\n"
                     "34200.000000003,4,11,40,1000000,1\n"
                     "34200.000000004,5,0,7,1000200,-1\n"
                     "34200.000000005,2,12,10,1000300,-1\n"
                     "34200.000000006,3,11,60,1000000,1\n"
                     "34200.0000000070,7,0,0,-1,-1\n",
                     "1000400,5,1000000,100,9999999999,0,-9999999999,0\n"
                     "1000300,50,1000000,100,1000400,5,-9999999999,0\n"
                     "1000300,50,1000000,60,1000400,5,-9999999999,0\n"
                     "1000300,50,1000000,60,1000400,5,-9999999999,0\n"
                     "1000300,40,1000000,60,1000400,5,-9999999999,0\n"
                     "1000300,40,-9999999999,0,1000400,5,-9999999999,0\n"
                     "1000300,40,-9999999999,0,1000400,5,-9999999999,0\n"));
    assert_string_equal(tape(), "S1@1+10000x100-10004x5 D2@2-10003x50 T3@3-10000x40 D3@3+10000x60 T4@4+10002x7 D5@5-10003x40 D6@6+10000x0");
    assert_int_equal(COUNT(other), 1);
    assert_int_equal(COUNT(trades), 2);
}

/* Midnight is that of New York: four hours behind UTC in summer, five in winter. */
static void days(void **state) {
    (void)state;
    static const struct {
        const char *day;
        int64_t midnight; /* seconds */
    } cases[] = {
        {"2012-06-21", 1340251200}, {"2012-01-03", 1325566800}, {"2024-03-08", 1709874000}, {"2024-03-11", 1710129600},
        {"2024-11-01", 1730433600}, {"2024-11-04", 1730696400}, {"2015-11-02", 1446440400}, {"2015-03-09", 1425873600},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_ok(import_as(cases[i].day, "0.5,1,11,100,1000000,1\n", "1000400,5,1000000,100\n"));
        assert_true(in.book.exchange_ns[0] == cases[i].midnight * 1000000000 + 500000000);
    }
}

/* A line that cannot be read is a gap; the next one has the whole book. An execution that cannot be is counted. */
static void broken_lines(void **state) {
    (void)state;
    assert_ok(import("34200.1,1,11,100,1000000,1\n34200.2,9,11,100,1000000,1\n34200.3,1,11,100,1000000,1\n34200.4,4,11,x,1000000,1\n"
                     "34200.5,1,11,100,1000000,1\n",
                     "1000400,5,1000000,100\n1000400,5,1000000,90\n1000400,5,1000000,80\n1000400,5,1000000,70\n1000400,5,1000000,60\n"));
    assert_int_equal(COUNT(broken), 2);
    assert_int_equal(COUNT(gaps), 1);
    assert_string_equal(td_test_tape_text(&in.book, ORIGIN, 100000000),
                        "S1@1+10000x100-10004x5 G1@1 S3@3+10000x80-10004x5 D4@4+10000x70 D5@5+10000x60");
    assert_non_null(strstr(in.report.first[TD_FEED_COUNT_broken], "message_2.csv:2: type of a message, expected 1 to 7: found"));
}

static void what_is_wrong(void **state) {
    (void)state;
    assert_fails(import("1,1,1,1,1,1\n2,1,1,1,1,1\n", "1,1,1,1\n"), TD_BAD_DATA, "ends after 1 lines");
    assert_fails(import("1,1,1,1,1,1\n", "1,1,1,1\n2,2,2,2\n"), TD_BAD_DATA, "message_2.csv ends after 1 lines");
    assert_fails(import("1,1,1,1,1,1\n", "1,1,1,1,1\n"), TD_BAD_DATA, "found 5 columns");
    assert_fails(import("1,1,1,1,1,1\n", "1,1,1,1,1,1\n"), TD_BAD_DATA, "2 message files and 0 order-book files");
    assert_fails(import_as("today", "1,1,1,1,1,1\n", "1,1,1,1\n"), TD_BAD_DATA, "has no day in its name");
    assert_fails(import_as("2012-13-01", "1,1,1,1,1,1\n", "1,1,1,1\n"), TD_BAD_DATA, "2012-13-01 is no day");
    const char *files[2] = {td_test_path("X_2012-06-21_message.csv"), td_test_path("Y_2012-06-21_orderbook.csv")};
    td_test_write(files[0], "1,1,1,1,1,1\n");
    td_test_write(files[1], "1,1,1,1\n");
    assert_fails(td_test_import_files(&in, "lobster", "X", 2, files, &error), TD_BAD_DATA, "is of Y by its name, expected X");
    assert_fails(td_test_import_files(&in, "lobster", NULL, 2, files, &error), TD_BAD_DATA, "is of Y, the files before it are of X");
    files[1] = td_test_path("X_2012-06-22_orderbook.csv");
    td_test_write(files[1], "1,1,1,1\n");
    assert_fails(td_test_import_files(&in, "lobster", "X", 2, files, &error), TD_BAD_DATA, "are of different days");
}

/* Levels built from random messages are those of the file; what a split into two files changes is that the second begins whole. */
static void random_books(void **state) {
    (void)state;
    static char message[1 << 16], book[1 << 16];
    uint32_t seed = 12345;
    int64_t size[2][8] = {{0}};
    size_t m = 0, b = 0;
    for (int line = 0; line < 500; line++) {
        seed = seed * 1664525 + 1013904223;
        int side = seed >> 31, at = seed >> 20 & 7;
        size[side][at] = seed >> 8 & 3 ? (seed >> 10 & 63) : 0;
        m += (size_t)sprintf(message + m, "%d.5,1,1,1,1000000,1\n", 34200 + line);
        for (int level = 0, found[2] = {-1, -1}; level < 2; level++)
            for (int s = 0; s < 2; s++) {
                do found[s]++;
                while (found[s] < 8 && size[s][found[s]] == 0);
                int64_t price = found[s] < 8 ? (s ? 1000000 - 100 * found[s] : 1000100 + 100 * found[s]) : (s ? -9999999999 : 9999999999);
                b += (size_t)sprintf(book + b, "%lld,%lld%s", (long long)price, (long long)(found[s] < 8 ? size[s][found[s]] : 0),
                                     level == 1 && s == 1 ? "\n" : ",");
            }
    }
    assert_ok(import(message, book));
    assert_int_equal(COUNT(unknown_levels), 0);
    int64_t lots[2][20000] = {{0}};
    const char *line = book;
    int64_t at = 0;
    for (int i = 0; i < 500; i++, line = strchr(line, '\n') + 1) {
        int64_t time = (ORIGIN + i * INT64_C(1000000000)) + 500000000;
        for (; at < in.book.messages && in.book.exchange_ns[at] <= time; at++)
            for (int64_t r = td_book_row_begin(&in.book, at); r < in.book.row_end[at]; r++)
                lots[td_row_side(in.book.row[r])][td_row_tick(in.book.row[r])] = in.book.row[r].lots;
        long long f[8];
        assert_int_equal(sscanf(line, "%lld,%lld,%lld,%lld,%lld,%lld,%lld,%lld", f, f + 1, f + 2, f + 3, f + 4, f + 5, f + 6, f + 7), 8);
        int levels[2] = {0, 0}, expected[2] = {0, 0};
        for (int k = 0; k < 4; k++) { /* ask, bid, ask, bid */
            int s = k % 2 ? TD_BUY : TD_SELL;
            if (f[2 * k + 1] == 0) continue;
            expected[s]++;
            assert_int_equal(lots[s][f[2 * k] / 100], f[2 * k + 1]);
        }
        for (int t = 0; t < 20000; t++)
            for (int s = 0; s < 2; s++) levels[s] += lots[s][t] != 0;
        assert_int_equal(levels[0], expected[0]);
        assert_int_equal(levels[1], expected[1]);
    }
    assert_int_equal(at, in.book.messages);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(messages, begin, end), cmocka_unit_test_setup_teardown(days, begin, end),
        cmocka_unit_test_setup_teardown(broken_lines, begin, end), cmocka_unit_test_setup_teardown(what_is_wrong, begin, end),
        cmocka_unit_test_setup_teardown(random_books, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
