/* data/csv_rows.h, data/csv_merge.h: rows pulled, by hand. */
#include "tests/support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/csv_merge.h"
#include "tests/book_import.h"

static td_error error;

static const char *file_of(const char *name, const char *text) {
    const char *path = td_test_path("%s", name);
    td_test_write(path, text);
    return path;
}

/* All rows of a file: line, "*" for the first of a text, fields between bars. */
static td_status read_all(const char *path, char *text, size_t size) {
    td_csv *csv;
    size_t used = 0;
    text[0] = 0;
    TD_TRY(td_csv_open(path, &csv, &error));
    for (;;) {
        const td_csv_row *row;
        td_status status = td_csv_next(csv, &row, &error);
        if (status != TD_OK || !row) {
            td_csv_close(csv);
            return status;
        }
        used += (size_t)snprintf(text + used, size - used, "%lld%s", (long long)row->line, row->first ? "*" : "");
        for (int i = 0; i < row->count; i++) {
            assert_int_equal(strlen(row->field[i].text), row->field[i].length);
            used += (size_t)snprintf(text + used, size - used, "|%s", row->field[i].text);
        }
        used += (size_t)snprintf(text + used, size - used, "; ");
    }
}

static void rows(void **state) {
    (void)state;
    char text[256];
    assert_ok(read_all(file_of("a.csv", "a,b\n1,2\n"), text, sizeof text));
    assert_string_equal(text, "1*|a|b; 2|1|2; ");
    assert_ok(read_all(file_of("a.csv", "\xef\xbb\xbf\r\n\na,b\r\n\n1,,2,\r\nend"), text, sizeof text));
    assert_string_equal(text, "3*|a|b; 5|1||2|; 6|end; ");
    assert_ok(read_all(file_of("a.csv", "\n\n"), text, sizeof text));
    assert_string_equal(text, "");
}

static void archives(void **state) {
    (void)state;
    char text[256];
    const char *path = td_test_path("a.zip");
    td_test_pack(path, "zip", 3, (const char *const[]){"1.csv", "no.bin", "2.txt"}, (const void *const[]){"a\nb", "x", "c\n"},
                 (const size_t[]){3, 1, 2});
    assert_ok(read_all(path, text, sizeof text));
    assert_string_equal(text, "1*|a; 2|b; 1*|c; ");
}

/* Lines across blocks, and longer than any. */
static void long_lines(void **state) {
    (void)state;
    const size_t size = TD_CSV_LINE_MAX + 2;
    char *big = malloc(size + 1);
    memset(big, 'x', size);
    big[size] = 0;
    const char *path = file_of("big.csv", big);
    char text[64];
    assert_fails(read_all(path, text, sizeof text), TD_BAD_DATA, "big.csv:1: the line is longer than 1048576 bytes");
    for (size_t i = 9; i < size; i += 10) big[i] = '\n';
    path = file_of("big.csv", big);
    td_csv *csv;
    const td_csv_row *row;
    int64_t count = 0;
    assert_ok(td_csv_open(path, &csv, &error));
    for (;;) {
        assert_ok(td_csv_next(csv, &row, &error));
        if (!row) break;
        count++;
        assert_int_equal(row->line, count);
        assert_true(row->field[0].length == 9 || count == (int64_t)(size / 10) + 1);
    }
    assert_int_equal(count, size / 10 + 1);
    td_csv_close(csv);
    free(big);
    path = td_test_path("zero.csv");
    td_test_write_bytes(path, "a,b\n1,\0\n", 8);
    assert_fails(read_all(path, text, sizeof text), TD_BAD_DATA, "zero.csv:2: the line has a zero byte");
}

static void numbers(void **state) {
    (void)state;
    static const struct {
        const char *text;
        bool good;
        int64_t value;
    } cases[] = {{"0", true, 0}, {"-7", true, -7}, {"+7", true, 7}, {"9223372036854775807", true, INT64_MAX},
                 {"-9223372036854775808", true, INT64_MIN}, {"9223372036854775808", false, 0}, {"-9223372036854775809", false, 0},
                 {"", false, 0}, {"-", false, 0}, {"1.0", false, 0}, {" 1", false, 0}, {"1e3", false, 0}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        td_field field = {cases[i].text, strlen(cases[i].text)};
        int64_t value = 0;
        assert_int_equal(td_field_whole(&field, &value), cases[i].good);
        if (cases[i].good) assert_true(value == cases[i].value);
    }
}

/* The type of a file is its first letter, a to p; the time of a row its second field. */
static td_status type_of(void *user, const char *file, td_csv *csv, int *type, td_error *why) {
    (void)user;
    const td_csv_row *row;
    TD_TRY(td_csv_next(csv, &row, why));
    if (!row) return td_fail(why, TD_BAD_DATA, "%s: nothing", file);
    *type = row->field[0].text[0] - 'a';
    return TD_OK;
}

static bool time_of(void *user, int type, const td_csv_row *row, int64_t *time) {
    (void)user;
    (void)type;
    return row->count > 1 && td_field_whole(&row->field[1], time);
}

static td_status merge(int count, const char *const *files, char *text, size_t size) {
    td_csv_merge_def def = {.classify = type_of, .time = time_of};
    td_csv_merge *m;
    size_t used = 0;
    TD_TRY(td_csv_merge_open(&def, count, files, &m, &error));
    for (;;) {
        const td_csv_row *row;
        int type;
        td_status status = td_csv_merge_next(m, &type, &row, &error);
        if (status != TD_OK || !row) {
            td_csv_merge_close(m);
            return status;
        }
        assert_int_equal(type, row->field[0].text[0] - 'a');
        used += (size_t)snprintf(text + used, size - used, "%s%s ", row->field[0].text, row->count > 1 ? row->field[1].text : "");
    }
}

static void merged(void **state) {
    (void)state;
    char text[256];
    const char *files[] = {file_of("1", "c\nc,2\nc,4\n"), file_of("2", "a,1\na,2\na,9\n"), file_of("3", "c,4\nc,3\nc,9\n"), file_of("4", "b,4\nb\nb,5\n")};
    assert_ok(merge(4, files, text, sizeof text));
    /* a header comes at once, a row without time with the one before; a stream's own order is kept even where time runs backwards */
    assert_string_equal(text, "c a1 a2 c2 b4 b c4 c4 c3 b5 a9 c9 ");
    const char *wrong[] = {files[2], files[0]};
    assert_fails(merge(2, wrong, text, sizeof text), TD_BAD_DATA, "give files of one kind in the order of time");
    assert_fails(merge(1, (const char *const[]){file_of("5", "\n")}, text, sizeof text), TD_BAD_DATA, "5: nothing");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows), cmocka_unit_test(archives), cmocka_unit_test(long_lines), cmocka_unit_test(numbers), cmocka_unit_test(merged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
