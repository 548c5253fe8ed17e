/* data/number.h, data/text_source.h, data/klines.h, data/import.h: text to bars to a tape. */
#include "tests/support.h"

#include <archive.h>
#include <archive_entry.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/random.h"
#include "data/import.h"
#include "data/klines.h"
#include "data/number.h"

static td_error error;

/* ---- helpers ---- */

static const char *text_file(const char *name, const char *text) {
    const char *path = td_test_path("%s", name);
    td_test_write(path, text);
    return path;
}

static td_status read_one(const char *path, td_klines *klines) {
    td_klines_def def = td_default_klines_def();
    return td_klines_read(&def, 1, &path, klines, &error);
}

static td_status read_text(const char *text, td_klines *klines) { return read_one(text_file("text.csv", text), klines); }

/* Packs members (name, text) into one file; zip when the format says so, else one member through a filter. */
static const char *pack(const char *name, const char *format, int count, const char *const *members, const char *const *texts) {
    const char *path = td_test_path("%s", name);
    struct archive *archive = archive_write_new();
    if (strcmp(format, "zip") == 0)
        archive_write_set_format_zip(archive);
    else
        archive_write_set_format_raw(archive);
    if (strcmp(format, "gz") == 0) archive_write_add_filter_gzip(archive);
    if (strcmp(format, "zst") == 0) archive_write_add_filter_zstd(archive);
    assert_int_equal(archive_write_open_filename(archive, path), ARCHIVE_OK);
    for (int i = 0; i < count; i++) {
        struct archive_entry *entry = archive_entry_new();
        archive_entry_set_pathname(entry, members[i]);
        archive_entry_set_size(entry, (la_int64_t)strlen(texts[i]));
        archive_entry_set_filetype(entry, AE_IFREG);
        archive_entry_set_perm(entry, 0644);
        assert_int_equal(archive_write_header(archive, entry), ARCHIVE_OK);
        archive_write_data(archive, texts[i], strlen(texts[i]));
        archive_entry_free(entry);
    }
    assert_int_equal(archive_write_free(archive), ARCHIVE_OK);
    return path;
}

/* `bars` Binance rows from `first` on, a minute apart, times multiplied by `scale`; the caller frees. */
static char *binance_rows(int64_t first, int64_t bars, int64_t scale, bool header) {
    char *text = malloc((size_t)bars * 200 + 200);
    size_t used = 0;
    if (header)
        used = (size_t)sprintf(text, "open_time,open,high,low,close,volume,close_time,quote_volume,count,taker_buy_volume,"
                                     "taker_buy_quote_volume,ignore\n");
    for (int64_t i = first; i < first + bars; i++) {
        double open = 100 + (double)(i % 7), volume = 3.5 + (double)i;
        long long time = 1704067200LL * scale + 60LL * i * scale;
        used += (size_t)sprintf(text + used, "%lld,%.8f,%.8f,%.8f,%.8f,%.8f,%lld,%.8f,%lld,%.8f,%.8f,0\n", time, open, open + 2,
                                open - 2, open + 1, volume, time + 60 * scale - 1, volume * open, (long long)i, volume / 2,
                                volume * open / 2);
    }
    return text;
}

static const int64_t MINUTE = 60 * TD_NS_PER_SECOND, DAY_2024 = 1704067200LL * TD_NS_PER_SECOND;

/* ---- numbers ---- */

static void same_as_strtod(const char *text) {
    double found;
    assert_true(td_number_parse(text, (int64_t)strlen(text), &found));
    double expected = strtod(text, NULL);
    if (memcmp(&found, &expected, sizeof found) != 0) fail_msg("\"%s\" is read as %.17g, strtod says %.17g", text, found, expected);
}

static void numbers_by_hand(void **state) {
    (void)state;
    static const char *const texts[] = {
        "0",
        "-0",
        "+1",
        "1",
        "1.",
        ".5",
        "-.5",
        "0.1",
        "0.10000000000000000555",
        "123456789012345678901234567890",
        "9007199254740992",
        "9007199254740993",
        "9007199254740994",
        "9007199254740992.5",
        "900719925474099.25",
        "1e22",
        "1e23",
        "1e-22",
        "1e-23",
        "1E5",
        "1e+5",
        "1.7976931348623157e308",
        "1.7976931348623159e308",
        "1e999",
        "4.9e-324",
        "2.4703282292062327e-324",
        "2.2250738585072011e-308",
        "2.2250738585072014e-308",
        "0.000000000000000000000000000001",
        "6929495644600919.5",
        "3.08984926168550152811e-32",
        "1.00000000000000011102230246251565404236316680908203125",
        "1.00000000000000011102230246251565404236316680908203124",
        "1.00000000000000011102230246251565404236316680908203126",
        "8.5",
        "99999999.99999999",
        "12345678.12345678",
        "123456789.123456789",
        "00000000000000000000000000000001.5",
        "0.0984",
        "0.09946999000000001",
        "16507.44000000",
        "46319.0",
        "2300413.7295",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) same_as_strtod(texts[i]);
}

static void words_are_no_numbers(void **state) {
    (void)state;
    static const char *const texts[] = {"",    "-",   "+",        ".",  "-.", "e5",    "1e",  "1e+", "1.2.3", "1,5",  "0x10",
                                        "inf", "nan", "Infinity", " 1", "1 ", "1_000", "--1", "1-",  "1f",    "1e5.5"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        double value;
        if (td_number_parse(texts[i], (int64_t)strlen(texts[i]), &value)) fail_msg("\"%s\" is read as %g", texts[i], value);
    }
}

/* Random digits with a point anywhere, with and without exponent: half a million numbers. */
static void numbers_equal_strtod(void **state) {
    (void)state;
    for (uint64_t i = 0; i < 500000; i++) {
        char text[80];
        uint64_t bits = td_random_bits(11, TD_PURPOSE_TEST, 0, 2 * i), shape = td_random_bits(11, TD_PURPOSE_TEST, 0, 2 * i + 1);
        int digits = 1 + (int)(shape % 22), point = (int)((shape >> 8) % 24), used = 0;
        if (shape >> 63) text[used++] = '-';
        for (int d = 0; d < digits; d++) {
            if (d == point) text[used++] = '.';
            text[used++] = (char)('0' + (bits >> (d * 2 % 60)) % 10);
        }
        if ((shape >> 16) % 4 == 0) used += sprintf(text + used, "e%d", (int)((shape >> 20) % 60) - 30);
        text[used] = 0;
        same_as_strtod(text);
    }
}

/* What the file reader makes of a number is what strtod makes of it, for every length of both runs of digits. */
static void file_numbers_equal_strtod(void **state) {
    (void)state;
    enum { ROWS = 20000 };
    char *text = malloc(ROWS * 160);
    double(*expected)[2] = malloc(ROWS * sizeof *expected);
    size_t used = (size_t)sprintf(text, "time,open,high,low,close,volume\n");
    for (uint64_t i = 0; i < ROWS; i++) {
        char close[64], volume[64];
        uint64_t a = td_random_bits(12, TD_PURPOSE_TEST, 0, 2 * i), b = td_random_bits(12, TD_PURPOSE_TEST, 0, 2 * i + 1);
        sprintf(close, "%llu.%0*llu", (unsigned long long)(1 + (a >> 32) % 1000000000 / (i % 3 ? 1000000 : 1)), 1 + (int)(i % 17),
                (unsigned long long)(b >> 40));
        sprintf(volume, i % 5 ? "%llu" : "%llu.", (unsigned long long)(b >> (i % 60)));
        expected[i][0] = strtod(close, NULL);
        expected[i][1] = strtod(volume, NULL);
        used += (size_t)sprintf(text + used, "%llu,%s,99999999999,0.000001,%s,%s\n", 1700000000ULL + i, close, close, volume);
    }
    td_klines klines;
    assert_ok(read_text(text, &klines));
    assert_int_equal(klines.bars.count, ROWS);
    assert_int_equal(klines.broken, 0);
    for (int i = 0; i < ROWS; i++) {
        assert_memory_equal(&klines.bars.column[TD_CLOSE][i], &expected[i][0], 8);
        assert_memory_equal(&klines.bars.column[TD_OPEN][i], &expected[i][0], 8);
        assert_memory_equal(&klines.bars.column[TD_VOLUME][i], &expected[i][1], 8);
    }
    td_klines_free(&klines);
    free(expected);
    free(text);
}

/* ---- layouts ---- */

static void header_by_hand(void **state) {
    (void)state;
    td_klines klines;
    assert_ok(read_text("Date,Open,High,Low,Close,Volume\n2024-01-01,10,12,9,11,100\n2024-01-02,11,13,10,12.5,200\n", &klines));
    assert_int_equal(klines.bars.count, 2);
    assert_int_equal(klines.rows, 2);
    assert_true(klines.bars.time_ns[0] == DAY_2024 && klines.bars.time_ns[1] == DAY_2024 + TD_NS_PER_DAY);
    assert_true(klines.bars.column[TD_OPEN][1] == 11 && klines.bars.column[TD_HIGH][1] == 13 &&
                klines.bars.column[TD_LOW][1] == 10);
    assert_true(klines.bars.column[TD_CLOSE][1] == 12.5 && klines.bars.column[TD_VOLUME][1] == 200);
    td_klines_free(&klines);
}

/* One bar, however it is written down. */
static void same_bar_in_every_dress(void **state) {
    (void)state;
    static const char *const texts[] = {
        ",open,high,low,close,volume\n2024-01-01 00:00:00,10,12,9,11,100\n",
        "timestamp,open,high,low,close,volume\n2024-01-01 00:00:00.000000,10.0,12.0,9.0,11.0,100.0\n",
        "\357\273\277Date,Open,High,Low,Close,Volume\r\n2024-01-01,10,12,9,11,100\r\n",
        "volume;close;low;high;open;time\n100;11;9;12;10;2024-01-01T00:00:00Z\n",
        "Open Time\tVol\tC\tL\tH\tO\n1704067200\t100\t11\t9\t12\t10\n",
        "\"Date\",\"Open\",\"High\",\"Low\",\"Close\",\"Volume\"\n\"2024-01-01\",\"10\",\"12\",\"9\",\"11\",\"100\"\n",
        "unix,date,symbol,open,high,low,close,volume\n1704067200000,x,\"BTC,USD\",10,12,9,11,100\n",
        "open_time,open,high,low,close,volume\n1704067200000000,10,12,9,11,100",
        "ts,o,h,l,c,v\n1704067200000000000,1e1,1.2E1,9,1.1e+01,100\n",
        "date , open , high , low , close , volume\n2024-01-01 , 10 , 12 , 9 , 11 , 100\n",
        "date,open,high,low,close,volume\n\n20240101,10,12,9,11,100\n\n\n",
        "date,open,high,low,close,volume\n2024-01-01T02:00:00+02:00,10,12,9,11,100\n",
        "time,open,high,low,close,volume\n1704067200.0,10,12,9,11,100\n",
        "1704067200000,10,12,9,11,100,1704067259999,1,1,1,1,0\n",
        "1704067200000000,10,12,9,11,100,1704067259999999,1,1,1,1,0\n",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        td_klines klines;
        td_status status = read_text(texts[i], &klines);
        if (status != TD_OK) fail_msg("text %zu: %s", i, error.message);
        assert_int_equal(klines.bars.count, 1);
        const td_bars *b = &klines.bars;
        bool same = b->time_ns[0] == DAY_2024 && b->column[TD_OPEN][0] == 10 && b->column[TD_HIGH][0] == 12 &&
                    b->column[TD_LOW][0] == 9 && b->column[TD_CLOSE][0] == 11 && b->column[TD_VOLUME][0] == 100;
        if (!same) fail_msg("text %zu is read differently", i);
        td_klines_free(&klines);
    }
}

static void volume_may_be_missing(void **state) {
    (void)state;
    td_klines klines;
    assert_ok(read_text("date,open,high,low,close\n2024-01-01,10,12,9,11\n", &klines));
    assert_true(isnan(klines.bars.column[TD_VOLUME][0]));
    td_klines_free(&klines);
    assert_ok(
        read_text("date,open,high,low,close,volume\n2024-01-01,10,12,9,11,\n2024-01-02,10,12,9,11,nan\n2024-01-03,10,12,9,11,7\n",
                  &klines));
    assert_int_equal(klines.broken, 0);
    assert_true(isnan(klines.bars.column[TD_VOLUME][0]) && isnan(klines.bars.column[TD_VOLUME][1]) &&
                klines.bars.column[TD_VOLUME][2] == 7);
    td_klines_free(&klines);
}

static void columns_can_be_mapped(void **state) {
    (void)state;
    const char *path = text_file("mapped.csv", "When,First,Top,Bottom,Final,Amount\n2024-01-01,10,12,9,11,100\n");
    td_klines_def def = td_default_klines_def();
    td_klines klines;
    assert_fails(td_klines_read(&def, 1, &path, &klines, &error), TD_BAD_DATA, "mapped.csv:1: no column for time");
    def.columns = "time=When,open=First,high=top,low=4,close=Final,volume=Amount";
    assert_ok(td_klines_read(&def, 1, &path, &klines, &error));
    assert_true(klines.bars.column[TD_HIGH][0] == 12 && klines.bars.column[TD_LOW][0] == 9 &&
                klines.bars.column[TD_VOLUME][0] == 100);
    td_klines_free(&klines);
    def.columns = "time=When,open=First,high=Top,low=Bottom,close=Last";
    assert_fails(td_klines_read(&def, 1, &path, &klines, &error), TD_BAD_DATA,
                 "no column \"Last\", which --columns names for close");
    def.columns = "time=When,price=First";
    assert_fails(td_klines_read(&def, 1, &path, &klines, &error), TD_BAD_ARG, "\"price=First\" is no FIELD=COLUMN");
    def.columns = "time=When,open=First,high=First,low=Bottom,close=Final";
    assert_fails(td_klines_read(&def, 1, &path, &klines, &error), TD_BAD_DATA, "one column is to be two fields");

    /* without a header, by number */
    path = text_file("bare.csv", "1704067200,10,12,9,11\n1704067260,10,12,9,11\n");
    def.columns = NULL;
    assert_fails(td_klines_read(&def, 1, &path, &klines, &error), TD_BAD_DATA,
                 "bare.csv:1: 5 columns and no header; expected a header, the 12");
    def.columns = "time=1,open=2,high=3,low=4,close=5";
    assert_ok(td_klines_read(&def, 1, &path, &klines, &error));
    assert_int_equal(klines.bars.count, 2);
    td_klines_free(&klines);
}

static void wrong_files_get_a_sentence(void **state) {
    (void)state;
    static const struct {
        const char *text, *part;
    } cases[] = {
        {"", "text.csv: is empty"},
        {"\n\n", "text.csv: is empty, expected a header and rows"},
        {"date,open,high,low,close,volume\n", "text.csv: has a header in line 1 and no rows"},
        {"date,price,size\n2024-01-01,1,2\n", "text.csv:1: no column for open; found 3 columns: date, price, size"},
        {"date,time,open,high,low,close\n2024-01-01,10:00,1,2,1,1\n", "date and time are two columns"},
        {"date,open,open,high,low,close\n2024-01-01,1,1,2,1,1\n", "two columns are named open"},
        {"[[1511686200000, 0.08801]]\n", "text.csv:1: begins with [, as JSON does"},
        {"PAR1abcdefgh", "is a Parquet file, expected CSV text"},
        {"ARROW1\n\n", "is a Feather or Arrow file"},
        {"date,open,high,low,close\nx,1,2,1,1\ny,1,2,1,1\n",
         "text.csv:2: column 1 (time): found \"x\", expected a time as 2024-01-31"},
    };
    td_klines klines;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_fails(read_text(cases[i].text, &klines), TD_BAD_DATA, cases[i].part);
    assert_fails(read_one(td_test_path("missing.csv"), &klines), TD_BAD_DATA, "cannot be opened: No such file");
    assert_fails(read_one(td_test_folder(), &klines), TD_BAD_DATA, "is a folder");
}

/* ---- broken rows ---- */

static const char BROKEN[] = "date,open,high,low,close,volume\n"
                             "2024-01-01,10,12,9,11,100\n"
                             "2024-01-02,10,12,9,11\n"            /* 3: a column too few */
                             "2024-01-03,abc,12,9,11,100\n"       /* 4: text */
                             "2024-01-04,10,NaN,9,11,100\n"       /* 5: NaN */
                             "2024-01-05,10,12,0,11,100\n"        /* 6: zero price */
                             "2024-01-06,10,12,9,-11,100\n"       /* 7: negative price */
                             "2024-01-07,10,8,9,11,100\n"         /* 8: high below low */
                             "January 8,10,12,9,11,100\n"         /* 9: no time */
                             "2024-01-09,10,12,9,11,-1\n"         /* 10: negative volume */
                             "2024-01-10,10,12,9,11,100,7\n"      /* 11: a column too many */
                             "2024-01-11,10,12,9,11,1e999\n"      /* 12: infinite volume */
                             "2024-01-12,,12,9,11,100\n"          /* 13: no price */
                             "2024-01-13,8,12,9,13,100\n"         /* kept; open and close outside */
                             "2024-01-14,10,12,9,11,100\n";

static void broken_rows_are_left_out_and_counted(void **state) {
    (void)state;
    td_klines klines;
    assert_ok(read_text(BROKEN, &klines));
    assert_int_equal(klines.bars.count, 3);
    assert_int_equal(klines.rows, 14);
    assert_int_equal(klines.broken, 11);
    assert_int_equal(klines.outside, 1);
    assert_int_equal(klines.faults[TD_FAULT_COLUMNS], 2);
    assert_int_equal(klines.faults[TD_FAULT_NUMBER], 1);
    assert_int_equal(klines.faults[TD_FAULT_MISSING], 2);
    assert_int_equal(klines.faults[TD_FAULT_PRICE], 2);
    assert_int_equal(klines.faults[TD_FAULT_RANGE], 1);
    assert_int_equal(klines.faults[TD_FAULT_TIME], 1);
    assert_int_equal(klines.faults[TD_FAULT_VOLUME], 2);
    assert_int_equal(klines.problem_count, TD_KLINE_PROBLEMS_MAX);

    static const struct {
        int64_t line;
        int column;
        const char *field, *found;
    } expected[TD_KLINE_PROBLEMS_MAX] = {{3, 0, "", "2024-01-02,10,12,9,11"},
                                         {4, 2, "open", "abc"},
                                         {5, 3, "high", "NaN"},
                                         {6, 4, "low", "0"},
                                         {7, 5, "close", "-11"},
                                         {8, 3, "high", "8"},
                                         {9, 1, "time", "January 8"},
                                         {10, 6, "volume", "-1"},
                                         {11, 0, "", "2024-01-10,10,12,9,11,100,7"},
                                         {12, 6, "volume", "1e999"}};
    for (int i = 0; i < TD_KLINE_PROBLEMS_MAX; i++) {
        const td_kline_problem *problem = &klines.problems[i];
        assert_int_equal(problem->line, expected[i].line);
        assert_int_equal(problem->column, expected[i].column);
        assert_string_equal(problem->field, expected[i].field);
        assert_string_equal(problem->found, expected[i].found);
    }
    char text[512];
    td_kline_problem_text(&klines.problems[1], text, sizeof text);
    assert_non_null(strstr(text, "text.csv:4: column 2 (open): found \"abc\", expected a number"));
    td_kline_problem_text(&klines.problems[0], text, sizeof text);
    assert_non_null(strstr(text, "text.csv:3: expected 6 columns, found 5: \"2024-01-02,10,12,9,11\""));
    td_klines_free(&klines);
}

static void strict_refuses(void **state) {
    (void)state;
    td_klines_def def = td_default_klines_def();
    def.strict = true;
    td_klines klines;
    const char *path = text_file("broken.csv", BROKEN);
    assert_fails(td_klines_read(&def, 1, &path, &klines, &error), TD_BAD_DATA, "broken.csv:3: expected 6 columns, found 5");
    assert_non_null(strstr(error.message, "(11 broken of 14 rows; refused by --strict)"));
    path = text_file("unsorted.csv", "date,open,high,low,close\n2024-01-02,1,2,1,1\n2024-01-01,1,2,1,1\n");
    assert_fails(td_klines_read(&def, 1, &path, &klines, &error), TD_BAD_DATA, "1 of 2 rows are out of order");
    path = text_file("twice.csv", "date,open,high,low,close\n2024-01-01,1,2,1,1\n2024-01-01,1,2,1,2\n");
    assert_fails(td_klines_read(&def, 1, &path, &klines, &error), TD_BAD_DATA, "1 rows have the open time of another row");
    path = text_file("same.csv", "date,open,high,low,close\n2024-01-01,1,2,1,1\n2024-01-01,1,2,1,1\n");
    assert_ok(td_klines_read(&def, 1, &path, &klines, &error));
    assert_int_equal(klines.duplicates, 1);
    td_klines_free(&klines);
}

/* A time of another unit in the middle of a file is a broken row, not a bar in the year 55970. */
static void one_unit_per_file(void **state) {
    (void)state;
    td_klines klines;
    assert_ok(
        read_text("time,open,high,low,close\n1704067200000,1,2,1,1\n1704067260000000,1,2,1,1\n1704067320000,1,2,1,1\n", &klines));
    assert_int_equal(klines.bars.count, 2);
    assert_int_equal(klines.faults[TD_FAULT_TIME], 1);
    assert_string_equal(klines.problems[0].expected, "a whole number of milliseconds since 1970");
    td_klines_free(&klines);
}

/* ---- order, duplicates, many files ---- */

static void later_rows_win(void **state) {
    (void)state;
    td_klines klines;
    assert_ok(
        read_text("date,open,high,low,close\n2024-01-03,3,4,2,3\n2024-01-01,1,2,1,1\n2024-01-02,2,3,1,2\n2024-01-01,1,2,1,1.5\n"
                  "2024-01-03,3,4,2,3\n",
                  &klines));
    assert_int_equal(klines.bars.count, 3);
    assert_int_equal(klines.out_of_order, 2);
    assert_int_equal(klines.duplicates, 2);
    assert_int_equal(klines.contradicting, 1);
    for (int t = 0; t < 3; t++) assert_true(klines.bars.time_ns[t] == DAY_2024 + t * TD_NS_PER_DAY);
    assert_true(klines.bars.column[TD_CLOSE][0] == 1.5 && klines.bars.column[TD_CLOSE][1] == 2 &&
                klines.bars.column[TD_CLOSE][2] == 3);
    td_klines_free(&klines);
}

static void expect_minutes(const td_klines *klines, int64_t bars) {
    assert_int_equal(klines->bars.count, bars);
    for (int64_t t = 0; t < bars; t++) {
        if (klines->bars.time_ns[t] != DAY_2024 + t * MINUTE) fail_msg("bar %lld is not at its minute", (long long)t);
        assert_true(klines->bars.column[TD_OPEN][t] == 100 + (double)(t % 7) &&
                    klines->bars.column[TD_VOLUME][t] == 3.5 + (double)t);
    }
}

/* Three months of one market: plain milliseconds, zipped microseconds, gzipped with a header and overlapping, in any order and
 * with any number of threads. */
static void many_files_make_one_series(void **state) {
    (void)state;
    char *a = binance_rows(0, 5000, 1000, false), *b = binance_rows(5000, 5000, 1000000, false),
         *c = binance_rows(9000, 3000, 1000, true);
    const char *member = "BTCUSDT-1m-2024-02.csv", *texts[] = {b}, *header_texts[] = {c};
    const char *files[] = {pack("c.csv.gz", "gz", 1, &member, header_texts), text_file("a.csv", a),
                           pack("b.zip", "zip", 1, &member, texts)};
    for (int threads = 1; threads <= 4; threads++) {
        td_klines_def def = td_default_klines_def();
        def.threads = threads;
        td_klines klines;
        assert_ok(td_klines_read(&def, 3, files, &klines, &error));
        expect_minutes(&klines, 12000);
        assert_int_equal(klines.rows, 13000);
        assert_int_equal(klines.duplicates, 1000);
        assert_int_equal(klines.contradicting, 0);
        assert_int_equal(klines.out_of_order, 0);
        td_klines_free(&klines);
    }
    /* of many files that fail, the first one given is told of */
    const char *bad[] = {files[1], td_test_path("no1.csv"), td_test_path("no2.csv")};
    td_klines_def def = td_default_klines_def();
    def.threads = 4;
    td_klines klines;
    assert_fails(td_klines_read(&def, 3, bad, &klines, &error), TD_BAD_DATA, "no1.csv");
    free(a);
    free(b);
    free(c);
}

static void archives(void **state) {
    (void)state;
    char *a = binance_rows(0, 3000, 1000, false), *b = binance_rows(3000, 3000, 1000000, true);
    const char *members[] = {"x/jan.csv", "../../feb.CSV", "__MACOSX/jan.csv", "jan.csv.CHECKSUM"},
               *texts[] = {a, b, "junk", "abc  jan.csv"};
    td_klines klines;
    assert_ok(read_one(pack("two.zip", "zip", 4, members, texts), &klines));
    expect_minutes(&klines, 6000);
    td_klines_free(&klines);
    const char *text = a;
    assert_ok(read_one(pack("a.csv.zst", "zst", 1, members, &text), &klines));
    expect_minutes(&klines, 3000);
    td_klines_free(&klines);

    assert_fails(read_one(pack("none.zip", "zip", 2, members + 2, texts + 2), &klines), TD_BAD_DATA,
                 "none of the 2 members of the archive is a .csv");
    const char *header = "date,open,high,low,close\n";
    assert_fails(read_one(pack("header.zip", "zip", 1, members, &header), &klines), TD_BAD_DATA,
                 "header.zip:x/jan.csv: has a header in line 1");

    /* truncated */
    const char *path = pack("cut.csv.gz", "gz", 1, members, &text);
    assert_int_equal(truncate(path, 2000), 0);
    assert_fails(read_one(path, &klines), TD_BAD_DATA, "cut.csv.gz: cannot be unpacked after");

    /* a bomb stops at the limit */
    td_klines_def def = td_default_klines_def();
    def.unpack_max = 100000;
    path = pack("a.csv.gz", "gz", 1, members, &text);
    assert_fails(td_klines_read(&def, 1, &path, &klines, &error), TD_NO_MEMORY, "a.csv.gz: unpacks to more than 100000 bytes");
    free(a);
    free(b);
}

/* The text in pieces of every size is the text: lines across the unpacker's blocks, ends with and without newline. */
static void long_text_through_small_blocks(void **state) {
    (void)state;
    char *text = binance_rows(0, 20000, 1000, false);
    text[strlen(text) - 1] = 0;
    const char *member = "a.csv", *one = text;
    td_klines plain, packed;
    assert_ok(read_one(text_file("plain.csv", text), &plain));
    assert_ok(read_one(pack("packed.csv.gz", "gz", 1, &member, &one), &packed));
    expect_minutes(&plain, 20000);
    expect_minutes(&packed, 20000);
    td_klines_free(&plain);
    td_klines_free(&packed);
    free(text);
}

static void steps(void **state) {
    (void)state;
    const int64_t regular[] = {0, 60, 120, 240, 300, 360}, months[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273};
    assert_int_equal(td_bars_step(regular, 6), 60);
    assert_int_equal(td_bars_step(regular, 1), 0);
    assert_int_equal(td_bars_step(months, 10), 31);
    const int64_t mixed[] = {0, 1, 3, 6, 7, 9, 12, 13};
    assert_int_equal(td_bars_step(mixed, 8), 1);
}

/* ---- import and append ---- */

static td_import_def import_def(const char *path) {
    td_import_def def = td_default_import_def();
    def.path = path;
    def.symbol = "BTCUSDT";
    def.interval = "1m";
    return def;
}

static char digest_of_tape[TD_DIGEST_HEX];

/* One file of one symbol; the tape's digest is kept aside. */
static td_status import_one(const td_import_def *def, const char *file, td_import_report *report) {
    td_import import;
    td_status status = td_import_klines(def, 1, &file, &import, &error);
    if (status != TD_OK) return status;
    assert_int_equal(import.count, 1);
    *report = import.reports[0];
    strcpy(digest_of_tape, import.digest);
    td_import_free(&import);
    return TD_OK;
}

static void imports_and_appends(void **state) {
    (void)state;
    char *a = binance_rows(0, 3000, 1000, false), *b = binance_rows(2000, 2000, 1000000, false),
         *all = binance_rows(0, 4000, 1000, true);
    const char *first = text_file("first.csv", a), *second = text_file("second.csv", b), *whole = text_file("whole.csv", all);
    char tape_path[512], whole_path[512];
    strcpy(tape_path, td_test_path("grown.h5"));
    strcpy(whole_path, td_test_path("whole.h5"));

    td_import_def def = import_def(tape_path);
    td_import_report report;
    def.append = true; /* the tape does not exist yet */
    assert_ok(import_one(&def, first, &report));
    assert_int_equal(report.bars, 3000);
    assert_int_equal(report.added, 3000);
    assert_int_equal(report.step_ns, MINUTE);
    assert_ok(import_one(&def, second, &report));
    assert_int_equal(report.bars, 4000);
    assert_int_equal(report.added, 1000);
    assert_int_equal(report.older, 1000);

    /* grown by appending is the same tape as imported at once */
    char grown[TD_DIGEST_HEX];
    strcpy(grown, digest_of_tape);
    td_import_report at_once;
    td_import_def whole_def = import_def(whole_path);
    assert_ok(import_one(&whole_def, whole, &at_once));
    assert_string_equal(grown, digest_of_tape);

    /* nothing new: the file is not touched */
    struct stat before, after;
    assert_int_equal(stat(tape_path, &before), 0);
    assert_ok(import_one(&def, second, &report));
    assert_int_equal(report.added, 0);
    assert_int_equal(report.bars, 4000);
    assert_int_equal(stat(tape_path, &after), 0);
    assert_true(after.st_ino == before.st_ino && after.st_mtim.tv_nsec == before.st_mtim.tv_nsec);
    assert_string_equal(digest_of_tape, grown);
    td_tape tape;
    assert_ok(td_tape_open(tape_path, true, &tape, &error));
    assert_string_equal(td_tape_source(&tape), "klines: first.csv; klines: second.csv");
    td_tape_close(&tape);

    def.interval = "5m";
    assert_fails(import_one(&def, second, &report), TD_BAD_DATA,
                 "holds bars of 1m, not 5m; nothing was appended");
    free(a);
    free(b);
    free(all);
}

/* Old bars stay as they are, also where the new file says otherwise. */
static void append_changes_no_old_bar(void **state) {
    (void)state;
    const char *old = text_file("old.csv", "date,open,high,low,close\n2024-01-01,1,2,1,1\n2024-01-02,1,2,1,1\n");
    const char *new =
        text_file("new.csv", "date,open,high,low,close\n2023-12-31,1,2,1,1\n2024-01-02,1,2,1,2\n2024-01-03,1,2,1,2\n");
    td_import_def def = import_def(td_test_path("kept.h5"));
    char path[512];
    strcpy(path, def.path);
    def.path = path;
    def.interval = "1d";
    td_import_report report;
    assert_ok(import_one(&def, old, &report));
    def.append = true;
    assert_ok(import_one(&def, new, &report));
    assert_int_equal(report.added, 1);
    assert_int_equal(report.older, 2);
    td_tape tape;
    assert_ok(td_tape_open(path, true, &tape, &error));
    assert_int_equal(tape.bars, 3);
    assert_true(tape.close[1] == 1 && tape.close[2] == 2 && tape.time_ns[0] == DAY_2024);
    td_tape_close(&tape);
}

static void extras_are_kept_through_append(void **state) {
    (void)state;
    char *a = binance_rows(0, 100, 1000, false), *b = binance_rows(100, 50, 1000, false);
    const char *first = text_file("e1.csv", a), *second = text_file("e2.csv", b);
    char path[512];
    strcpy(path, td_test_path("extras.h5"));
    td_import_def def = import_def(path);
    def.klines.extras = true;
    td_import_report report;
    assert_ok(import_one(&def, first, &report));
    def.klines.extras = false; /* the tape decides */
    def.append = true;
    assert_ok(import_one(&def, second, &report));
    td_tape tape;
    assert_ok(td_tape_open(path, true, &tape, &error));
    assert_int_equal(td_tape_extra_count(&tape), 4);
    for (int i = 0; i < 4; i++) {
        td_tape_extra extra = td_tape_extra_at(&tape, i);
        if (strcmp(extra.name, "trades") == 0)
            for (int64_t t = 0; t < 150; t++) assert_true(extra.values[t] == (double)t);
        if (strcmp(extra.name, "taker_buy_volume") == 0) assert_true(extra.values[120] == (3.5 + 120) / 2);
    }
    td_tape_close(&tape);
    free(a);
    free(b);
}

static void import_refuses(void **state) {
    (void)state;
    char *a = binance_rows(0, 100, 1000, false);
    const char *file = text_file("fine.csv", a);
    char path[512];
    strcpy(path, td_test_path("refused.h5"));
    td_import_def def = import_def(path);
    td_import_report report;
    def.interval = "1h";
    assert_fails(import_one(&def, file, &report), TD_BAD_DATA,
                 "the bars are 60 s apart, but --interval says 1h (3600 s)");
    def.interval = "soon";
    assert_fails(import_one(&def, file, &report), TD_BAD_ARG, "the interval \"soon\" is none");
    def.interval = "1m";
    def.symbol = "";
    assert_fails(import_one(&def, file, &report), TD_BAD_ARG, "has 0 bytes, expected 1 to 63");
    def.symbol = "BTC USDT";
    assert_fails(import_one(&def, file, &report), TD_BAD_ARG, "holds a space");
    def.symbol = "BTCUSDT";
    def.klines.strict = true;
    const char *broken = text_file("broken.csv", BROKEN);
    def.interval = "1d";
    assert_fails(import_one(&def, broken, &report), TD_BAD_DATA, "refused by --strict");
    assert_int_equal(access(path, F_OK), -1); /* nothing was written, at any of these */
    free(a);
}

/* ---- recorded data ---- */

static void recorded_files(void **state) {
    (void)state;
    const char *shared = td_test_shared();
    if (!shared) {
        print_message("the reference data is not beside the checkout: set TAPEDECK_SHARED\n");
        skip();
    }
    static const struct {
        const char *path;
        int64_t bars;
        const char *first, *last;
        double first_open, last_close;
        int64_t step_s;
        bool volume;
    } cases[] = {
        {"backtesting_py/GOOG.csv", 2148, "2004-08-19T00:00:00Z", "2013-03-01T00:00:00Z", 100, 806.19, 86400, true},
        {"backtesting_py/EURUSD.csv", 5000, "2017-04-19T09:00:00Z", "2018-02-07T15:00:00Z", 1.0716, 1.22904, 3600, true},
        {"backtesting_py/BTCUSD.csv", 156, "2012-01-31T00:00:00Z", "2024-12-31T00:00:00Z", 4.58, 93381, 31 * 86400, true},
        {"crypto_misc/freqtrade_ETH_BTC-5m.csv.gz", 5760, "2018-01-10T04:55:00Z", "2018-01-30T04:50:00Z", 0.0984,
         0.10441057000000001, 300, true},
        {"crypto_misc/freqtrade_LTC_BTC-5m.csv.gz", 5760, "2018-01-10T04:55:00Z", "2018-01-30T04:50:00Z", 0.0169325, 0.016145, 300,
         true},
        {"crypto_misc/freqtrade_XRPUSDT-5m-futures.csv", 1999, "2021-11-15T00:00:00Z", "2021-11-21T22:30:00Z", 1.1893, 1.0713, 300,
         true},
        {"crypto_misc/freqtrade_XRPUSDT-1h-futures.csv", 100, "2021-11-17T01:00:00Z", "2021-11-21T04:00:00Z", 1.0801, 1.0765, 3600,
         true},
        {"crypto_misc/freqtrade_XRPUSDT-1h-mark.csv", 100, "2021-11-15T06:00:00Z", "2021-11-19T09:00:00Z", 1.20932, 1.06051, 3600,
         false},
        {"crypto_misc/freqtrade_XRPUSDT-8h-mark.csv", 91, "2021-11-18T00:00:00Z", "2021-12-18T00:00:00Z", 1.0959, 0.8124, 28800,
         true},
        {"crypto_misc/nautilus_btc-perp-20211231-20220201_1m.csv.gz", 45031, "2021-12-31T23:01:00Z", "2022-02-01T05:31:00Z", 46319,
         38544, 60, true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char path[1200], text[32];
        snprintf(path, sizeof path, "%s/data/%s", shared, cases[i].path);
        td_klines klines;
        assert_ok(read_one(path, &klines));
        const td_bars *b = &klines.bars;
        assert_int_equal(b->count, cases[i].bars);
        assert_int_equal(klines.broken + klines.duplicates + klines.out_of_order + klines.outside, 0);
        assert_string_equal(td_time_text(b->time_ns[0], text), cases[i].first);
        assert_string_equal(td_time_text(b->time_ns[b->count - 1], text), cases[i].last);
        assert_true(b->column[TD_OPEN][0] == cases[i].first_open && b->column[TD_CLOSE][b->count - 1] == cases[i].last_close);
        assert_int_equal(td_bars_step(b->time_ns, b->count), cases[i].step_s * TD_NS_PER_SECOND);
        assert_int_equal(!isnan(b->column[TD_VOLUME][0]), cases[i].volume);
        td_klines_free(&klines);
    }
    /* and what is no kline file says so */
    char path[1200];
    td_klines klines;
    snprintf(path, sizeof path, "%s/data/crypto_misc/freqtrade_XRPUSDT-8h-funding_rate.csv", shared);
    assert_fails(read_one(path, &klines), TD_BAD_DATA, "no column for open; found 2 columns: date, funding_rate");
    snprintf(path, sizeof path, "%s/data/crypto_misc/freqtrade_UNITTEST_BTC-1m.json.gz", shared);
    assert_fails(read_one(path, &klines), TD_BAD_DATA, "as JSON does");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_by_hand),
        cmocka_unit_test(words_are_no_numbers),
        cmocka_unit_test(numbers_equal_strtod),
        cmocka_unit_test(file_numbers_equal_strtod),
        cmocka_unit_test(header_by_hand),
        cmocka_unit_test(same_bar_in_every_dress),
        cmocka_unit_test(volume_may_be_missing),
        cmocka_unit_test(columns_can_be_mapped),
        cmocka_unit_test(wrong_files_get_a_sentence),
        cmocka_unit_test(broken_rows_are_left_out_and_counted),
        cmocka_unit_test(strict_refuses),
        cmocka_unit_test(one_unit_per_file),
        cmocka_unit_test(later_rows_win),
        cmocka_unit_test(many_files_make_one_series),
        cmocka_unit_test(archives),
        cmocka_unit_test(long_text_through_small_blocks),
        cmocka_unit_test(steps),
        cmocka_unit_test(imports_and_appends),
        cmocka_unit_test(append_changes_no_old_bar),
        cmocka_unit_test(extras_are_kept_through_append),
        cmocka_unit_test(import_refuses),
        cmocka_unit_test(recorded_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
