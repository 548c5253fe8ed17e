/* data/tape.h: the tape file, times, intervals. */
#include "tests/support.h"

#include <fcntl.h>
#include <hdf5.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "data/bars.h"
#include "data/calendar.h"

static td_error error;

static td_tape small_tape(int64_t bars) { return td_test_tape(bars, TD_NS_PER_DAY, 5); }

static void expect_same_data(const td_tape *a, const td_tape *b) {
    td_assert_same_bars(a, b);
    assert_int_equal(a->symbols, b->symbols);
    assert_string_equal(a->symbol, b->symbol);
    assert_string_equal(a->interval, b->interval);
    assert_string_equal(a->digest, b->digest);
}

static void what_is_written_is_read(void **state) {
    (void)state;
    static const int64_t sizes[] = {1, 2, 3, 7, 8, 9, 64, 1000, 65536};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        const char *path = td_test_path("tape%zu.h5", i);
        td_tape tape = small_tape(sizes[i]), read;
        assert_ok(td_tape_write(path, &tape, NULL, 0, "made by a test", &error));
        assert_ok(td_tape_open(path, true, &read, &error));
        expect_same_data(&tape, &read);
        assert_int_equal((uintptr_t)read.close % 64, 0); /* mapped on cache lines */
        assert_string_equal(td_tape_source(&read), "made by a test");
        assert_int_equal(td_tape_extra_count(&read), 0);
        td_tape_close(&read);
        assert_null(read.map);
    }
}

/* The digest by hand: SHA-256 of three int64, the times and the columns, computed with sha256sum. */
static void digest_by_hand(void **state) {
    (void)state;
    const int64_t time[] = {0};
    const double one[] = {1}, two[] = {2};
    td_tape tape = {.bars = 1,
                    .symbols = 1,
                    .interval_ns = TD_NS_PER_DAY,
                    .time_ns = time,
                    .open = one,
                    .high = two,
                    .low = one,
                    .close = two,
                    .volume = one};
    td_tape_digest(&tape);
    const char *path = td_test_path("digest.bin");
    FILE *file = fopen(path, "wb");
    const int64_t shape[] = {1, 1, TD_NS_PER_DAY};
    fwrite(shape, 8, 3, file);
    fwrite(time, 8, 1, file);
    fwrite(one, 8, 1, file);
    fwrite(two, 8, 1, file);
    fwrite(one, 8, 1, file);
    fwrite(two, 8, 1, file);
    fwrite(one, 8, 1, file);
    fclose(file);
    char *out;
    assert_int_equal(td_test_run(&out, NULL, "sha256sum < %s", path), 0);
    out[64] = 0;
    assert_string_equal(tape.digest, out);
    free(out);
}

static void digest_names_the_data(void **state) {
    (void)state;
    td_tape a = small_tape(50), b = small_tape(50);
    td_tape_digest(&a);
    td_tape_digest(&b);
    assert_string_equal(a.digest, b.digest);
    strcpy(b.symbol, "OTHER"); /* the name is not the data */
    td_tape_digest(&b);
    assert_string_equal(a.digest, b.digest);
    double *volume = (double *)b.volume;
    volume[49] = nextafter(volume[49], 0);
    td_tape_digest(&b);
    assert_string_not_equal(a.digest, b.digest);
}

/* Equal tapes are equal files, whenever they are written. */
static void files_are_reproducible(void **state) {
    (void)state;
    td_tape tape = small_tape(100);
    const char *a = td_test_path("same1.h5"), *b = td_test_path("same2.h5");
    assert_ok(td_tape_write(a, &tape, NULL, 0, "s", &error));
    assert_ok(td_tape_write(b, &tape, NULL, 0, "s", &error));
    assert_int_equal(td_test_run(NULL, NULL, "cmp %s %s", a, b), 0);
}

static void extras_are_found(void **state) {
    (void)state;
    td_tape tape = small_tape(20), read;
    const td_tape_extra extras[] = {{"quote_volume", "quote_currency", tape.open}, {"trades", "1", tape.volume}};
    const char *path = td_test_path("extras.h5");
    assert_ok(td_tape_write(path, &tape, extras, 2, NULL, &error));
    assert_ok(td_tape_open(path, true, &read, &error));
    assert_int_equal(td_tape_extra_count(&read), 2);
    assert_string_equal(td_tape_extra_at(&read, 0).name, "quote_volume");
    assert_string_equal(td_tape_extra_at(&read, 1).name, "trades");
    assert_string_equal(td_tape_extra_at(&read, 1).units, "1");
    assert_memory_equal(td_tape_extra_at(&read, 0).values, tape.open, 20 * 8);
    assert_string_equal(td_tape_source(&read), "");
    td_tape_close(&read);
}

/* ---- what is refused ---- */

static void broken_bars_are_refused(void **state) {
    (void)state;
    const char *path = td_test_path("never.h5");
    td_tape tape = small_tape(10);
    double *close = (double *)tape.close, *high = (double *)tape.high;
    int64_t *time = (int64_t *)tape.time_ns;
    double kept = close[3];
    static const double bad[] = {NAN, 0, -1, INFINITY};
    static const char *const parts[] = {"row 3 (2024-01-04T00:00:00Z): close is nan, must be finite and above 0", "close is 0",
                                        "close is -1", "close is inf"};
    for (int i = 0; i < 4; i++) {
        close[3] = bad[i];
        assert_fails(td_tape_write(path, &tape, NULL, 0, NULL, &error), TD_BAD_DATA, parts[i]);
    }
    close[3] = kept;
    int64_t when = time[5];
    time[5] = time[4];
    assert_fails(td_tape_write(path, &tape, NULL, 0, NULL, &error), TD_BAD_DATA,
                 "row 5 opens at 2024-01-05T00:00:00Z, not after row 4 at 2024-01-05T00:00:00Z");
    time[5] = when;
    high[7] = 1;
    assert_fails(td_tape_write(path, &tape, NULL, 0, NULL, &error), TD_BAD_DATA,
                 "row 7 (2024-01-08T00:00:00Z): high 1 is below low");
    assert_int_equal(access(path, F_OK), -1);
}

static void wrong_headers_are_refused(void **state) {
    (void)state;
    const char *path = td_test_path("never2.h5");
    td_tape tape = small_tape(10);
    tape.symbol[0] = 0;
    assert_fails(td_tape_write(path, &tape, NULL, 0, NULL, &error), TD_BAD_ARG, "has no symbol");
    tape = small_tape(10);
    strcpy(tape.interval, "1h");
    assert_fails(td_tape_write(path, &tape, NULL, 0, NULL, &error), TD_BAD_ARG, "interval \"1h\" is not 86400000000000 ns");
    tape = small_tape(10);
    tape.bars = 5;
    tape.symbols = 2;
    assert_fails(td_tape_write(path, &tape, NULL, 0, NULL, &error), TD_BAD_ARG, "two symbols of the tape are called TEST");
}

static void no_tape_is_refused(void **state) {
    (void)state;
    td_tape tape;
    assert_fails(td_tape_open(td_test_path("missing.h5"), false, &tape, &error), TD_BAD_DATA,
                 "missing.h5: cannot be opened: No such file");
    const char *path = td_test_path("empty.h5");
    td_test_write(path, "");
    assert_fails(td_tape_open(path, false, &tape, &error), TD_BAD_DATA, "empty.h5: is empty (0 bytes)");
    td_test_write(path, "date,open,high,low,close\n");
    assert_fails(td_tape_open(path, false, &tape, &error), TD_BAD_DATA, "is not an HDF5 file");
    assert_fails(td_tape_open(td_test_folder(), false, &tape, &error), TD_BAD_DATA, "is not a regular file");
    hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    H5Fclose(file);
    assert_fails(td_tape_open(path, false, &tape, &error), TD_BAD_DATA, "is an HDF5 file but no tape");
}

/* Every prefix of a tape file is refused, and none crashes. */
static void truncated_files_are_refused(void **state) {
    (void)state;
    td_tape tape = small_tape(40), read;
    const char *whole = td_test_path("whole.h5"), *cut = td_test_path("cut.h5");
    assert_ok(td_tape_write(whole, &tape, NULL, 0, NULL, &error));
    struct stat status;
    stat(whole, &status);
    for (off_t size = 0; size < status.st_size; size += 97) {
        assert_int_equal(td_test_run(NULL, NULL, "cp %s %s", whole, cut), 0);
        assert_int_equal(truncate(cut, size), 0);
        assert_int_equal(td_tape_open(cut, false, &read, &error), TD_BAD_DATA);
        if (size >= 2048) assert_non_null(strstr(error.message, "truncated"));
    }
}

/* Changes one thing in a good file with HDF5 and expects the sentence. */
static void expect_refused(void (*change)(hid_t file), const char *part) {
    td_tape tape = small_tape(40), read;
    const char *path = td_test_path("changed.h5");
    assert_ok(td_tape_write(path, &tape, NULL, 0, NULL, &error));
    hid_t file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT);
    change(file);
    H5Fclose(file);
    assert_fails(td_tape_open(path, true, &read, &error), TD_BAD_DATA, part);
}

static void set_integer(hid_t file, const char *name, int64_t value) {
    hid_t attribute = H5Aopen(file, name, H5P_DEFAULT);
    H5Awrite(attribute, H5T_NATIVE_INT64, &value);
    H5Aclose(attribute);
}

static void newer_schema(hid_t file) { set_integer(file, "tapedeck_schema_version", 3); }
static void no_interval(hid_t file) { set_integer(file, "interval_ns", 0); }
static void no_digest(hid_t file) { H5Adelete(file, "digest"); }
static void no_low(hid_t file) { H5Ldelete(file, "low", H5P_DEFAULT); }
static void no_close(hid_t file) { H5Ldelete(file, "close", H5P_DEFAULT); }
static void no_symbol(hid_t file) { H5Ldelete(file, "symbol", H5P_DEFAULT); }

static void poke(hid_t file, const char *name, hsize_t row, const void *value, hid_t type) {
    hid_t dataset = H5Dopen2(file, name, H5P_DEFAULT), space = H5Dget_space(dataset);
    hsize_t at[2] = {row, 0}, count[2] = {1, 1}, one = 1;
    H5Sselect_hyperslab(space, H5S_SELECT_SET, at, NULL, count, NULL);
    hid_t memory = H5Screate_simple(1, &one, NULL);
    H5Dwrite(dataset, type, memory, space, H5P_DEFAULT, value);
    H5Sclose(memory);
    H5Sclose(space);
    H5Dclose(dataset);
}

static void a_nan(hid_t file) {
    double value = NAN;
    poke(file, "open", 12, &value, H5T_NATIVE_DOUBLE);
}
static void a_time_back(hid_t file) {
    int64_t value = 0;
    poke(file, "time", 20, &value, H5T_NATIVE_INT64);
}
static void another_volume(hid_t file) {
    double value = 7;
    poke(file, "volume", 0, &value, H5T_NATIVE_DOUBLE);
}

static void replace_low(hid_t file, hid_t type, hsize_t rows, bool chunked) {
    H5Ldelete(file, "low", H5P_DEFAULT);
    hsize_t dims[2] = {rows, 1}, chunk[2] = {8, 1};
    hid_t space = H5Screate_simple(2, dims, NULL), plist = H5Pcreate(H5P_DATASET_CREATE);
    if (chunked) H5Pset_chunk(plist, 2, chunk);
    H5Dclose(H5Dcreate2(file, "low", type, space, H5P_DEFAULT, plist, H5P_DEFAULT));
    H5Pclose(plist);
    H5Sclose(space);
}
static void chunked_low(hid_t file) { replace_low(file, H5T_IEEE_F64LE, 40, true); }
static void float_low(hid_t file) { replace_low(file, H5T_IEEE_F32LE, 40, false); }
static void short_low(hid_t file) { replace_low(file, H5T_IEEE_F64LE, 39, false); }
static void late_low(hid_t file) { replace_low(file, H5T_IEEE_F64LE, 40, false); } /* space is allocated at the first write: none */

static void changed_files_are_refused(void **state) {
    (void)state;
    expect_refused(newer_schema, "tape schema version is 3, this program reads 1 and 2");
    expect_refused(no_interval, "attributes interval and interval_ns are missing or wrong");
    expect_refused(no_digest, "attribute digest is missing");
    expect_refused(no_low, "has no dataset low");
    expect_refused(no_close, "has no dataset close");
    expect_refused(no_symbol, "has no dataset symbol");
    expect_refused(a_nan, "row 12 (2024-01-13T00:00:00Z): open is nan");
    expect_refused(a_time_back, "row 20 opens at 1970-01-01T00:00:00Z, not after row 19");
    expect_refused(another_volume, "the stored digest is");
    expect_refused(chunked_low, "dataset low is chunked or compressed");
    expect_refused(float_low, "dataset low is not float64");
    expect_refused(short_low, "dataset low has rank 2 and shape (39, 1), expected (40, 1)");
    expect_refused(late_low, "is truncated: dataset low does not end within");
}

/* ---- full disks ---- */

static void expect_no_leftovers(const char *folder) {
    char *out;
    assert_int_equal(td_test_run(&out, NULL, "ls %s | grep -c tmp", folder), 1);
    free(out);
}

/* A file system too small for the tape: the old file stays, the temporary one goes. */
static void full_disk_leaves_the_old_file(void **state) {
    (void)state;
    const char *folder = td_test_path("small");
    mkdir(folder, 0755);
    if (mount("tmpfs", folder, "tmpfs", 0, "size=1m") != 0) {
        print_message("a tmpfs cannot be mounted here (it takes root): skipped\n");
        skip();
    }
    char path[600];
    snprintf(path, sizeof path, "%s/tape.h5", folder);
    td_tape fits = small_tape(1000), large = small_tape(40000), read;
    td_status small_status = td_tape_write(path, &fits, NULL, 0, NULL, &error);
    td_status large_status = td_tape_write(path, &large, NULL, 0, NULL, &error);
    char said[512];
    strcpy(said, error.message);
    td_status open_status = td_tape_open(path, true, &read, &error);
    if (open_status == TD_OK) {
        assert_int_equal(read.bars, 1000);
        td_tape_close(&read);
    }
    expect_no_leftovers(folder);
    umount(folder);
    assert_int_equal(small_status, TD_OK);
    assert_int_equal(large_status, TD_IO);
    assert_int_equal(open_status, TD_OK);
    assert_non_null(strstr(said, "tape.h5: no room for the file: No space left on device; nothing was changed"));
}

static void folder_that_is_not_there(void **state) {
    (void)state;
    td_tape tape = small_tape(10);
    assert_fails(td_tape_write(td_test_path("nowhere/tape.h5"), &tape, NULL, 0, NULL, &error), TD_IO,
                 "cannot be created: No such file");
    const char *folder = td_test_path("a-folder");
    mkdir(folder, 0755);
    assert_fails(td_tape_write(folder, &tape, NULL, 0, NULL, &error), TD_IO, "cannot be renamed into place");
    expect_no_leftovers(td_test_folder());
}

/* ---- what others read ---- */

static void python_reads_it(void **state) {
    (void)state;
    if (td_test_run(NULL, NULL, "/usr/bin/python3 -c 'import xarray, h5netcdf, netCDF4, h5py'") != 0) {
        print_message("xarray, h5netcdf, netCDF4 or h5py are not installed: skipped\n");
        skip();
    }
    td_tape tape = small_tape(30);
    const td_tape_extra extra = {"trades", "1", tape.volume};
    const char *path = td_test_path("python.h5");
    assert_ok(td_tape_write(path, &tape, &extra, 1, "source text", &error));
    const char *script = td_test_path("read.py");
    td_test_write(script,
                  "import sys, h5py, xarray\n"
                  "for engine in ('h5netcdf', 'netcdf4'):\n"
                  "    d = xarray.open_dataset(sys.argv[1], engine=engine)\n"
                  "    assert dict(d.sizes) == {'time': 30, 'symbol': 1}, d.sizes\n"
                  "    assert list(d.symbol.values) == ['TEST'], d.symbol\n"
                  "    assert str(d.time.values[1]) == '2024-01-02T00:00:00.000000000', d.time\n"
                  "    assert set(d.data_vars) == {'open', 'high', 'low', 'close', 'volume', 'trades'}, d\n"
                  "    assert d['close'].dims == ('time', 'symbol') and d['close'].dtype == 'float64'\n"
                  "    assert d['close'].attrs['units'] == 'quote_currency' and d['close'].attrs['long_name']\n"
                  "    assert d.attrs['interval'] == '1d' and d.attrs['source'] == 'source text' and len(d.attrs['digest']) == 64\n"
                  "    assert float(d['close'].sel(time='2024-01-30')[0]) == float(sys.argv[2])\n"
                  "with h5py.File(sys.argv[1]) as f:\n"
                  "    assert list(f) and f['close'].dims[0].keys() == ['time'] and f['close'].chunks is None\n"
                  "    assert f['symbol'].asstr()[0] == 'TEST' and f.attrs['tapedeck_schema'] == 'tapedeck-tape'\n");
    char *err;
    int code = td_test_run(NULL, &err, "/usr/bin/python3 %s %s %.17g", script, path, tape.close[29]);
    if (code != 0) fail_msg("%s", err);
    free(err);
}

/* ---- times and intervals ---- */

static void times_by_hand(void **state) {
    (void)state;
    static const struct {
        const char *text;
        int64_t ns;
        const char *canonical;
    } cases[] = {
        {"1970-01-01", 0, "1970-01-01T00:00:00Z"},
        {"2024-02-29", 1709164800000000000, "2024-02-29T00:00:00Z"},
        {"2017-04-19 09:00:00", 1492592400000000000, "2017-04-19T09:00:00Z"},
        {"2017-04-19 09:00", 1492592400000000000, "2017-04-19T09:00:00Z"},
        {"2017/04/19 09:00", 1492592400000000000, "2017-04-19T09:00:00Z"},
        {"20170419", 1492560000000000000, "2017-04-19T00:00:00Z"},
        {"2018-01-10T04:55:00.000Z", 1515560100000000000, "2018-01-10T04:55:00Z"},
        {"2021-12-31 23:01:00.000000", 1640991660000000000, "2021-12-31T23:01:00Z"},
        {"2021-11-18T00:00:00.017Z", 1637193600017000000, "2021-11-18T00:00:00.017Z"},
        {"2023-02-02 09:20:00.138000+00:00", 1675329600138000000, "2023-02-02T09:20:00.138Z"},
        {"2024-01-01T02:30:00+02:30", 1704067200000000000, "2024-01-01T00:00:00Z"},
        {"2023-12-31T19:00:00-0500", 1704067200000000000, "2024-01-01T00:00:00Z"},
        {"2024-01-01 00:00:00 UTC", 1704067200000000000, "2024-01-01T00:00:00Z"},
        {"2024-01-01T00:00:00.000000001Z", 1704067200000000001, "2024-01-01T00:00:00.000000001Z"},
        {"2024-01-01T00:00:00.0000015Z", 1704067200000001500, "2024-01-01T00:00:00.000001500Z"},
        {"2024-01-01T00:00:00.123456Z", 1704067200123456000, "2024-01-01T00:00:00.123456Z"},
        {"1969-12-31T23:59:59.5Z", -500000000, "1969-12-31T23:59:59.500Z"},
        {"1900-03-01", -2203891200000000000, "1900-03-01T00:00:00Z"},
        {"2261-12-31T23:59:59Z", 9214646399000000000, "2261-12-31T23:59:59Z"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t ns = 1;
        char text[32];
        if (!td_time_parse(cases[i].text, (int64_t)strlen(cases[i].text), &ns)) fail_msg("%s is not read", cases[i].text);
        if (ns != cases[i].ns) fail_msg("%s is read as %lld", cases[i].text, (long long)ns);
        assert_string_equal(td_time_text(ns, text), cases[i].canonical);
    }
}

static void no_times(void **state) {
    (void)state;
    static const char *const texts[] = {"",
                                        "2024",
                                        "2024-13-01",
                                        "2024-00-01",
                                        "2024-01-32",
                                        "2023-02-29",
                                        "1900-02-29",
                                        "2024-04-31",
                                        "2024-1-1",
                                        "2024-01-01T",
                                        "2024-01-01T24:00:00",
                                        "2024-01-01 10:60:00",
                                        "2024-01-01 10:00:61",
                                        "2024-01-01x",
                                        "2024-01-01T00:00:00+",
                                        "2024-01-01T00:00:00.Z",
                                        "01/02/2024",
                                        "2024-01/01",
                                        "9999-01-01",
                                        "1600-01-01",
                                        "1704067200",
                                        "2024-01-01T00:00:00Z ",
                                        " 2024-01-01"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        int64_t ns;
        if (td_time_parse(texts[i], (int64_t)strlen(texts[i]), &ns)) fail_msg("\"%s\" is read as %lld", texts[i], (long long)ns);
    }
}

/* Every day of 400 years, written and read, one after the other. */
static void days_follow_each_other(void **state) {
    (void)state;
    for (int64_t day = -80000; day < 100000; day++) {
        char text[32];
        int64_t ns;
        td_time_text(day * TD_NS_PER_DAY, text);
        if (!td_time_parse(text, (int64_t)strlen(text), &ns) || ns != day * TD_NS_PER_DAY) fail_msg("%s is read differently", text);
    }
}

/* Divisions round down on both sides of 0; dates around a leap day and a century that has none; spans of weeks begin on Mondays. */
static void calendar_by_hand(void **state) {
    (void)state;
    static const int64_t divisions[][4] = {{7, 3, 2, 1}, {6, 3, 2, 0}, {0, 3, 0, 0}, {-1, 3, -1, 2}, {-3, 3, -1, 0}, {-4, 3, -2, 2},
                                           {INT64_MIN, 1000, -9223372036854776, 192}};
    for (size_t i = 0; i < sizeof divisions / sizeof *divisions; i++) {
        assert_int_equal(td_floor_div(divisions[i][0], divisions[i][1]), divisions[i][2]);
        assert_int_equal(td_floor_mod(divisions[i][0], divisions[i][1]), divisions[i][3]);
    }
    assert_int_equal(td_day_of(TD_NS_PER_DAY - 1), 0);
    assert_int_equal(td_day_of(-1), -1);
    assert_int_equal(td_day_of(-TD_NS_PER_DAY), -1);
    assert_int_equal(td_day_of_date((td_date){2000, 2, 29}), 11016);
    assert_int_equal(td_day_of_date((td_date){2000, 3, 1}), 11017);
    assert_int_equal(td_day_of_date((td_date){1969, 12, 31}), -1);
    assert_int_equal(td_days_in_month(1900, 2), 28);
    assert_int_equal(td_days_in_month(2000, 2), 29);
    assert_int_equal(td_days_in_month(2024, 2), 29);
    assert_int_equal(td_days_in_month(2024, 12), 31);
    assert_int_equal(td_weekday_of(19723), 0); /* 2024-01-01 was a Monday */
    assert_int_equal(td_monday_of(19723 + 6), 19723);
    assert_int_equal(td_monday_of(19723 - 1), 19716);

    const int64_t hour = 60 * TD_NS_PER_MINUTE, day = TD_NS_PER_DAY, week = 7 * day;
    assert_int_equal(td_span_start(5 * hour, 4 * hour), 4 * hour);
    assert_int_equal(td_span_start(-1, 4 * hour), -4 * hour);
    assert_int_equal(td_span_start(0, week), -3 * day);
    assert_int_equal(td_span_start(4 * day, week), 4 * day);
    assert_int_equal(td_span_of(4 * day, week), 0);
    assert_int_equal(td_span_of(4 * day - 1, week), -1);
    assert_int_equal(td_span_of(5 * day, 3 * day), 1); /* no weeks: from 1970-01-01 on */
}

/* Dates, weekdays and months of nearly 500 years of days are those of the C library. */
static void calendar_is_the_c_librarys(void **state) {
    (void)state;
    for (int64_t day = -80000; day < 100000; day++) {
        time_t seconds = (time_t)(day * 86400);
        struct tm tm;
        assert_non_null(gmtime_r(&seconds, &tm));
        td_date date = td_date_of(day);
        bool same = date.year == tm.tm_year + 1900 && date.month == tm.tm_mon + 1 && date.day == tm.tm_mday;
        same = same && td_day_of_date(date) == day && td_weekday_of(day) == (tm.tm_wday + 6) % 7;
        if (!same || td_month_of(day) != (tm.tm_year + 1900) * 12 + tm.tm_mon || date.day > td_days_in_month(date.year, date.month))
            fail_msg("day %lld: %d-%d-%d", (long long)day, date.year, date.month, date.day);
    }
}

static void intervals_by_hand(void **state) {
    (void)state;
    const int64_t second = TD_NS_PER_SECOND;
    assert_int_equal(td_interval_ns("1s"), second);
    assert_int_equal(td_interval_ns("1m"), 60 * second);
    assert_int_equal(td_interval_ns("15m"), 900 * second);
    assert_int_equal(td_interval_ns("4h"), 14400 * second);
    assert_int_equal(td_interval_ns("1d"), 86400 * second);
    assert_int_equal(td_interval_ns("1w"), 604800 * second);
    assert_int_equal(td_interval_ns("1mo"), 2592000 * second);
    assert_int_equal(td_interval_ns("1M"), 2592000 * second);
    static const char *const texts[] = {"", "m", "1", "0m", "1x", "-1m", "1 m", "1mm", "1m ", "999999999999m", "1.5h"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) assert_int_equal(td_interval_ns(texts[i]), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(digest_by_hand),
        cmocka_unit_test(digest_names_the_data),
        cmocka_unit_test(files_are_reproducible),
        cmocka_unit_test(extras_are_found),
        cmocka_unit_test(broken_bars_are_refused),
        cmocka_unit_test(wrong_headers_are_refused),
        cmocka_unit_test(no_tape_is_refused),
        cmocka_unit_test(truncated_files_are_refused),
        cmocka_unit_test(changed_files_are_refused),
        cmocka_unit_test(full_disk_leaves_the_old_file),
        cmocka_unit_test(folder_that_is_not_there),
        cmocka_unit_test(python_reads_it),
        cmocka_unit_test(times_by_hand),
        cmocka_unit_test(no_times),
        cmocka_unit_test(days_follow_each_other),
        cmocka_unit_test(calendar_by_hand),
        cmocka_unit_test(calendar_is_the_c_librarys),
        cmocka_unit_test(intervals_by_hand),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
