/* data/npy.h, data/books/hftbacktest.c, data/latency_rows.h: arrays made by hand, and a recording taken to that form and back. */
#include "tests/support.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/latency_rows.h"
#include "tests/book_import.h"

static td_error error;
static td_test_import in;

static int begin(void **state) {
    (void)state;
    in = td_test_import_begin();
    return 0;
}

static int end(void **state) {
    (void)state;
    td_test_import_end(&in);
    return 0;
}

#define COUNT(name) ((int)in.report.counts[TD_FEED_COUNT_##name])
#define ORIGIN INT64_C(1700000000000000000)

/* ---- arrays ---- */

typedef struct event {
    uint64_t ev;
    int64_t exch_ts, local_ts;
    double px, qty;
    uint64_t order_id;
    int64_t ival;
    double fval;
} event;

#define E (UINT64_C(1) << 31)
#define L (UINT64_C(1) << 30)
#define B (E | L)
#define BUY (UINT64_C(1) << 29)
#define SELL (UINT64_C(1) << 28)
enum { DEPTH = 1, TRADE, CLEAR, SNAPSHOT, BBO, ADD = 10, CANCEL, MODIFY, FILL };

static event row(uint64_t ev, int64_t exch, int64_t local, double px, double qty, uint64_t id) {
    return (event){ev, ORIGIN + exch, ORIGIN + local, px, qty, id, 0, 0};
}

#define EVENTS                                                                                                                        \
    "[('ev', '<u8'), ('exch_ts', '<i8'), ('local_ts', '<i8'), ('px', '<f8'), ('qty', '<f8'), ('order_id', '<u8'), ('ival', '<i8'), "   \
    "('fval', '<f8')]"

/* An array in memory as NumPy writes it; the caller frees. */
static char *array_of(const char *descr, const void *rows, int64_t count, size_t row_size, size_t *size) {
    char header[512];
    int length = snprintf(header, sizeof header, "{'descr': %s, 'fortran_order': False, 'shape': (%lld,), }", descr, (long long)count);
    int padded = (10 + length + 1 + 63) / 64 * 64 - 10;
    *size = 10 + (size_t)padded + (size_t)count * row_size;
    char *bytes = malloc(*size + 1);
    memcpy(bytes, "\x93NUMPY\x01\x00", 8);
    bytes[8] = (char)(padded & 255);
    bytes[9] = (char)(padded >> 8);
    memset(bytes + 10, ' ', (size_t)padded);
    memcpy(bytes + 10, header, (size_t)length);
    bytes[10 + padded - 1] = '\n';
    memcpy(bytes + 10 + padded, rows, (size_t)count * row_size);
    return bytes;
}

static const char *npy_file(const char *name, const char *descr, const void *rows, int64_t count, size_t row_size) {
    size_t size;
    char *bytes = array_of(descr, rows, count, row_size, &size);
    const char *path = td_test_path("%s", name);
    td_test_write_bytes(path, bytes, size);
    free(bytes);
    return path;
}

static td_status import(const event *events, int64_t count) {
    const char *file = npy_file("events.npy", EVENTS, events, count, sizeof *events);
    return td_test_import_files(&in, "hftbacktest", "X", 1, &file, &error);
}
#define IMPORT(...) import((const event[]){__VA_ARGS__}, sizeof((const event[]){__VA_ARGS__}) / sizeof(event))
static const char *tape(void) { return td_test_tape_text(&in.book, ORIGIN, 1); }

/* ---- rows to messages ---- */

/* Neighbours with the same times and kind, for the same side(s), are a message; the order for each side is that of the file. */
static void messages(void **state) {
    (void)state;
    assert_ok(IMPORT(row(B | BUY | DEPTH, 1, 2, 10, 5, 0), row(B | SELL | DEPTH, 1, 2, 11, 6, 0), row(B | BUY | TRADE, 1, 2, 11, 1, 0),
                     row(E | SELL | DEPTH, 3, 9, 11, 5, 0), row(B | SELL | TRADE, 4, 5, 10, 2, 0), row(B | TRADE, 4, 5, 10, 2, 0),
                     row(L | SELL | DEPTH, 3, 9, 11, 5, 0), row(BUY | DEPTH, 5, 9, 11, 5, 0), row(B | 103, 5, 9, 11, 5, 0),
                     row(B | BUY | BBO, 6, 9, 11, 5, 0), row(B | DEPTH, 7, 9, 11, 5, 0)));
    assert_string_equal(tape(), "D1@2+20x5-22x6 T1@2+22x1 D3@9e-22x5 D3@9l-22x5 T4@5-20x2");
    assert_int_equal(COUNT(other), 5);
    assert_int_equal(in.book.local_shift[2], 2); /* third in local order: the trade that arrived before */
    assert_int_equal(in.book.local_shift[4] + 4, 3);
    assert_int_equal(COUNT(exchange_regressions) + COUNT(local_regressions), 0);
}

/* Both sides cleared as far as the levels that follow go, or levels before all else: a snapshot. Anything else is what it says. */
static void snapshots(void **state) {
    (void)state;
    assert_ok(IMPORT(row(B | BUY | SNAPSHOT, 1, 2, 10, 5, 0), row(B | SELL | SNAPSHOT, 1, 2, 11, 6, 0),
                     row(B | BUY | CLEAR, 3, 4, 9, 0, 0), row(B | BUY | SNAPSHOT, 3, 4, 9.5, 5, 0), row(B | BUY | SNAPSHOT, 3, 4, 9, 5, 0),
                     row(B | SELL | CLEAR, 3, 4, 12, 0, 0), row(B | SELL | SNAPSHOT, 3, 4, 12, 5, 0),
                     /* further than the levels, one side, everything, a side to its end */
                     row(B | BUY | CLEAR, 5, 6, 8, 0, 0), row(B | BUY | SNAPSHOT, 5, 6, 9, 5, 0),
                     row(B | CLEAR, 7, 8, NAN, 0, 0), row(B | SELL | SNAPSHOT, 9, 10, 12, 5, 0),
                     row(B | SELL | CLEAR, 11, 12, NAN, 0, 0), row(B | BUY | CLEAR, 11, 12, NAN, 0, 0)));
    assert_string_equal(tape(), "S1@2+20x5-22x6 S3@4+19x5+18x5-24x5 C5@6+16x0 D5@6+18x5 C7@8 D9@10-24x5 C11@12-1073741823x0+0x0");
    assert_int_equal(COUNT(snapshots), 2);
    /* a file for each day, or one: the same tape */
    char whole[TD_DIGEST_HEX];
    memcpy(whole, in.digest, sizeof whole);
    const event rows[] = {row(B | BUY | SNAPSHOT, 1, 2, 10, 5, 0), row(B | SELL | SNAPSHOT, 1, 2, 11, 6, 0), row(B | SELL | TRADE, 3, 4, 10, 2, 0)};
    assert_ok(import(rows, 3));
    memcpy(whole, in.digest, sizeof whole);
    const char *files[2] = {npy_file("1.npy", EVENTS, rows, 2, sizeof *rows), npy_file("2.npy", EVENTS, rows + 2, 1, sizeof *rows)};
    assert_ok(td_test_import_files(&in, "hftbacktest", "X", 2, files, &error));
    assert_string_equal(in.digest, whole);
}

static void orders(void **state) {
    (void)state;
    assert_ok(IMPORT(row(B | CLEAR, 1, 2, NAN, 0, 0), row(B | BUY | ADD, 1, 2, 10, 5, 7), row(B | SELL | ADD, 1, 2, 11, 6, 8),
                     row(B | BUY | TRADE, 3, 4, 11, 2, 0), row(B | SELL | FILL, 3, 4, 11, 2, 8), row(B | CANCEL, 3, 4, 11, 0, 8),
                     row(B | BUY | MODIFY, 5, 6, 10, 4, 7), row(B | FILL, 5, 6, 10, 4, 7), row(B | SELL | CLEAR, 7, 8, 0, 0, 0),
                     row(B | CLEAR, 9, 10, 0, 0, 0)));
    assert_string_equal(tape(), "C1@2 O1@2+20x5a7-22x6a8 O3@4+22x2t0-22x2f8+22x0c8 O5@6+20x4m7 O7@8-0x0r0 O9@10+0x0r1");
    assert_int_equal(COUNT(other), 1);
    assert_int_equal(COUNT(unknown_orders), 0);
}

/* Times that cannot be are no reason to compute with them. */
static void times(void **state) {
    (void)state;
    assert_ok(IMPORT(row(B | BUY | DEPTH, 1, 2, 10, 5, 0), row(B | BUY | DEPTH, INT64_MIN, 3, 10, 4, 0), row(B | BUY | DEPTH, 5, 6, 10, 3, 0),
                     row(B | CLEAR, 7, 8, NAN, 0, 0), row(B | SELL | TRADE, 9, -2 * ORIGIN, 10, 1, 0)));
    assert_string_equal(tape(), "D1@2+20x5 G7@2 C7@8");
    assert_int_equal(COUNT(broken), 2);
    assert_int_equal(COUNT(quarantined), 1);
    assert_fails(IMPORT(row(B | BUY | DEPTH, 1, INT64_MAX - ORIGIN, 10, 5, 0)), TD_BAD_DATA, "nothing that a book tape could hold");
}

/* ---- archives, and what is wrong ---- */

static void archives(void **state) {
    (void)state;
    const event rows[] = {row(B | BUY | SNAPSHOT, 1, 2, 10, 5, 0), row(B | SELL | SNAPSHOT, 1, 2, 11, 6, 0)};
    size_t size;
    char *bytes = array_of(EVENTS, rows, 2, sizeof *rows, &size);
    const char *path = td_test_path("a.npz");
    td_test_pack(path, "zip", 2, (const char *const[]){"other.npy", "data.npy"}, (const void *const[]){"no array", bytes},
                 (const size_t[]){8, size});
    assert_ok(td_test_import_files(&in, "hftbacktest", "X", 1, &path, &error));
    assert_string_equal(tape(), "S1@2+20x5-22x6");
    td_test_pack(path, "zip", 1, (const char *const[]){"arr_0.npy"}, (const void *const[]){bytes}, (const size_t[]){size});
    assert_fails(td_test_import_files(&in, "hftbacktest", "X", 1, &path, &error), TD_BAD_DATA, "has no array \"data\"; it has arr_0.npy");
    td_test_pack(path, "zip", 1, (const char *const[]){"data.npy"}, (const void *const[]){bytes}, (const size_t[]){size - 64 - 10});
    assert_fails(td_test_import_files(&in, "hftbacktest", "X", 1, &path, &error), TD_BAD_DATA, "a.npz:data.npy: ends inside row 1 of 2");
    td_test_pack(path, "zip", 1, (const char *const[]){"x.csv"}, (const void *const[]){bytes}, (const size_t[]){size});
    assert_fails(td_test_import_files(&in, "hftbacktest", "X", 1, &path, &error), TD_BAD_DATA, "none of the 1 members of the archive is a .npy file");
    free(bytes);
}

static void check_descr(const char *descr, const char *message) {
    const double rows[8] = {0};
    const char *file = npy_file("bad.npy", descr, rows, 1, sizeof rows);
    assert_fails(td_test_import_files(&in, "hftbacktest", "X", 1, &file, &error), TD_BAD_DATA, message);
}

static void what_is_wrong(void **state) {
    (void)state;
    check_descr("'<f8'", "is that of plain numbers, expected records");
    check_descr("[('ev', '>u8')]", "has a field that is not ('name', '<type'), little-endian");
    check_descr("[('ev', '<u8'", "has a field that is not");
    check_descr("[]", "has no fields");
    check_descr("[('ev', '<i8'), ('exch_ts', '<i8')]", "has no field ev of type u8; it has ev i8, exch_ts i8");
    const char *path = td_test_path("bad.npy");
    td_test_write(path, "time,price\n");
    assert_fails(td_test_import_files(&in, "hftbacktest", "X", 1, &path, &error), TD_BAD_DATA, "does not begin as a NumPy array does");
    td_test_write_bytes(path, "\x93NUMPY\x07\x00\x10\x00", 10);
    assert_fails(td_test_import_files(&in, "hftbacktest", "X", 1, &path, &error), TD_BAD_DATA, "is a NumPy array of version 7");
    td_test_write_bytes(path, "\x93NUMPY\x01\x00\x10\x00{'descr'", 18);
    assert_fails(td_test_import_files(&in, "hftbacktest", "X", 1, &path, &error), TD_BAD_DATA, "is cut");
    assert_fails(IMPORT(row(B | BUY | DEPTH, 1, 2, NAN, 5, 0)), TD_BAD_DATA, "nothing that a book tape could hold");
}

/* ---- a recording, there and back ---- */

typedef struct seen_row {
    int64_t exchange_ns, local_ns;
    td_book_row row;
    int64_t kind; /* and no padding: rows are compared as bytes */
} seen_row;

/* The rows that one side sees, in its order. The caller frees. */
static seen_row *rows_seen(const td_book *b, uint8_t who, int64_t *count) {
    seen_row *seen = malloc((size_t)b->rows * sizeof *seen);
    *count = 0;
    for (int64_t j = 0; j < b->messages; j++) {
        int64_t m = who == TD_BOOK_AT_LOCAL ? j + b->local_shift[j] : j;
        if (!(b->seen[m] & who)) continue;
        for (int64_t r = td_book_row_begin(b, m); r < b->row_end[m]; r++)
            seen[(*count)++] = (seen_row){b->exchange_ns[m], b->local_ns[m], b->row[r], b->kind[m]};
    }
    return seen;
}

/* Rows as events, with the clears that hftbacktest puts before the sides of a snapshot. */
static event *events_of(const td_instrument *instrument, const seen_row *rows, int64_t count, int64_t *events) {
    event *out = malloc((size_t)(count + 4) * sizeof *out);
    *events = 0;
    for (int64_t i = 0; i < count; i++) {
        const seen_row *s = &rows[i];
        td_side side = td_row_side(s->row);
        uint64_t ev = side == TD_BUY ? BUY : SELL;
        bool first = s->kind == TD_BOOK_SNAPSHOT && (i == 0 || rows[i - 1].kind != TD_BOOK_SNAPSHOT || td_row_side(rows[i - 1].row) != side);
        if (first) {
            int64_t last = i;
            while (last + 1 < count && rows[last + 1].kind == TD_BOOK_SNAPSHOT && td_row_side(rows[last + 1].row) == side) last++;
            out[(*events)++] = (event){.ev = ev | CLEAR, .exch_ts = s->exchange_ns, .local_ts = s->local_ns,
                                       .px = td_row_tick(rows[last].row) * instrument->tick};
        }
        int kind = s->kind == TD_BOOK_TRADE ? TRADE : s->kind == TD_BOOK_SNAPSHOT ? SNAPSHOT : DEPTH;
        out[(*events)++] = (event){.ev = ev | (uint64_t)kind, .exch_ts = s->exchange_ns, .local_ts = s->local_ns,
                                   .px = td_row_tick(s->row) * instrument->tick, .qty = s->row.lots * instrument->lot};
    }
    return out;
}

/* Both orders in one list: what is next in both is for both; else the side whose next is older at the exchange, or was received
 * earlier, goes ahead alone. */
static int64_t merge(const event *x, const event *l, int64_t n, event *out) {
    int64_t i = 0, j = 0, k = 0;
    while (i < n || j < n) {
        const event *a = i < n ? &x[i] : NULL, *b = j < n ? &l[j] : NULL;
        bool same = a && b && a->exch_ts == b->exch_ts && a->local_ts == b->local_ts;
        bool first = a && (!b || a->exch_ts < b->exch_ts || (a->exch_ts == b->exch_ts && a->local_ts < b->local_ts));
        out[k] = same || first ? *a : *b;
        out[k++].ev |= same ? B : first ? E : L;
        i += same || first;
        j += same || !first;
    }
    return k;
}

/* The recorded streams, as hftbacktest's converter would write them, read back: each side sees the same rows at the same times in the
 * same order as on the tape made of the recording itself. */
static void a_recording(void **state) {
    (void)state;
    const char *shared = td_test_shared();
    char recording[512];
    const char *file = recording;
    if (!shared) skip();
    snprintf(recording, sizeof recording, "%s/data/binance_recorded/cm_btcusd_perp_20240808.gz", shared);
    in.def.instrument.tick = 0.1;
    in.def.parity = true;
    assert_ok(td_test_import_files(&in, "binance-recorded", NULL, 1, &file, &error));
    int64_t counts[2], back, events[2];
    seen_row *seen[2] = {rows_seen(&in.book, TD_BOOK_AT_EXCHANGE, &counts[0]), rows_seen(&in.book, TD_BOOK_AT_LOCAL, &counts[1])};
    assert_int_equal(counts[0], in.book.rows);
    assert_int_equal(counts[1], in.book.rows);
    event *side[2], *merged = malloc((size_t)(2 * counts[0] + 16) * sizeof *merged);
    for (int s = 0; s < 2; s++) side[s] = events_of(&in.book.instrument, seen[s], counts[s], &events[s]);
    assert_int_equal(events[0], events[1]);
    int64_t rows = merge(side[0], side[1], events[0], merged);
    assert_true(rows > events[0]); /* some do overtake */
    assert_ok(import(merged, rows));
    assert_int_equal(in.report.local_shift_ns, 0);
    for (int s = 0; s < 2; s++) {
        seen_row *again = rows_seen(&in.book, s ? TD_BOOK_AT_LOCAL : TD_BOOK_AT_EXCHANGE, &back);
        assert_int_equal(back, counts[s]);
        assert_memory_equal(again, seen[s], (size_t)back * sizeof *again);
        free(again);
        free(seen[s]);
        free(side[s]);
    }
    free(merged);
}

/* ---- order latencies ---- */

static void latencies(void **state) {
    (void)state;
    const char *path = td_test_path("latency.csv");
    td_latency_row *rows;
    int64_t count;
    td_test_write(path, "request_ns,exchange_ns,response_ns\n100,150,200\n300,0,380\n400,-1,480\n");
    assert_ok(td_latency_rows_read(path, &rows, &count, &error));
    assert_int_equal(count, 3);
    assert_true(rows[0].request_ns == 100 && rows[0].exchange_ns == 150 && rows[0].response_ns == 200 && rows[2].exchange_ns == -1);
    free(rows);
    const int64_t array[] = {100, 150, 200, 0, 300, 0, 380, 0};
    const char *npy = npy_file("latency.npy", "[('req_ts', '<i8'), ('exch_ts', '<i8'), ('resp_ts', '<i8'), ('_padding', '<i8')]", array, 2, 32);
    assert_ok(td_latency_rows_read(npy, &rows, &count, &error));
    assert_true(count == 2 && rows[1].request_ns == 300 && rows[1].response_ns == 380);
    free(rows);
    static const char *const bad[][2] = {
        {"request_ns,exchange_ns,response_ns\n", "has no rows"},
        {"a,b,c\n1,2,3\n", "latency.csv:1: found the header a,b,c, expected request_ns"},
        {"req_ts,exch_ts,resp_ts\n1,2\n", "latency.csv:2: found 1,2, expected three whole numbers"},
        {"req_ts,exch_ts,resp_ts\n5,6,7\n5,6,7\n", "latency.csv:3: a request that is not later than the one before"},
        {"req_ts,exch_ts,resp_ts\n5,4,7\n", "an arrival before the request: found 5, 4, 7"},
        {"req_ts,exch_ts,resp_ts\n5,8,7\n", "an answer before"}, {"req_ts,exch_ts,resp_ts\n0,8,9\n", "a request at no time"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        td_test_write(path, bad[i][0]);
        assert_fails(td_latency_rows_read(path, &rows, &count, &error), TD_BAD_DATA, bad[i][1]);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(messages, begin, end), cmocka_unit_test_setup_teardown(snapshots, begin, end),
        cmocka_unit_test_setup_teardown(orders, begin, end), cmocka_unit_test_setup_teardown(times, begin, end),
        cmocka_unit_test_setup_teardown(archives, begin, end),
        cmocka_unit_test_setup_teardown(what_is_wrong, begin, end), cmocka_unit_test_setup_teardown(a_recording, begin, end),
        cmocka_unit_test(latencies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
