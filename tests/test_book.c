/* data/book.h: the book tape. What is written is read, in exchange order and in local order; and what a reader refuses. */
#include "tests/support.h"

#include <fcntl.h>
#include <hdf5.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/random.h"
#include "data/book.h"

static td_error error;
static const td_instrument btc = {.symbol = "BTCUSDT", .venue = "binance", .tick = 0.1, .lot = 0.001, .multiplier = 1};

static td_book_writer *start(const char *path, const td_instrument *instrument) {
    td_book_writer *writer;
    assert_ok(td_book_writer_open(path, instrument, false, &writer, &error));
    return writer;
}

/* A depth message of one level whose tick says which message it is. */
static void put(td_book_writer *w, int64_t exchange_ns, int64_t local_ns, int32_t tick) {
    const td_book_row row = td_row_make(TD_BUY, tick, 7);
    const td_book_message m = {.exchange_ns = exchange_ns, .local_ns = local_ns, .kind = TD_BOOK_DEPTH, .seen = TD_BOOK_SEEN, .rows = 1,
                               .row = &row};
    assert_ok(td_book_write(w, &m, &error));
}

static td_book finish(td_book_writer *w, const char *path) {
    td_book book;
    char digest[TD_DIGEST_HEX];
    assert_ok(td_book_writer_close(w, NULL, digest, &error));
    assert_ok(td_book_open(path, true, &book, &error));
    assert_string_equal(book.digest, digest);
    return book;
}

static void what_is_written_is_read(void **state) {
    (void)state;
    const char *path = td_test_path("whole.h5");
    const td_instrument coin = {.symbol = "BTCUSD_PERP", .tick = 0.5, .lot = 1, .contract = TD_CONTRACT_INVERSE, .multiplier = 100};
    td_book_writer *w = start(path, &coin);
    const td_book_row snapshot[] = {td_row_make(TD_BUY, 100, 5), td_row_make(TD_BUY, 99, 6), td_row_make(TD_SELL, 101, TD_LOTS_WIDE)};
    const int64_t wide[] = {5, 6, 5000000000};
    assert_ok(td_book_write(w, &(td_book_message){1000, 1500, 77, TD_BOOK_SNAPSHOT, TD_BOOK_SEEN, 3, snapshot, wide, NULL, NULL}, &error));
    const td_book_row trade = td_row_make(TD_SELL, 100, 2);
    assert_ok(td_book_write(w, &(td_book_message){1001, 1501, 0, TD_BOOK_TRADE, TD_BOOK_AT_LOCAL, 1, &trade, NULL, NULL, NULL}, &error));
    assert_ok(td_book_write(w, &(td_book_message){1002, 1502, 0, TD_BOOK_GAP, TD_BOOK_SEEN, 0, NULL, NULL, NULL, NULL}, &error));
    const td_book_ticker ticker = {1001, 1501, 78, td_row_make(TD_BUY, 100, 3), td_row_make(TD_SELL, 101, TD_LOTS_WIDE)};
    assert_ok(td_book_write_ticker(w, &ticker, &error));
    assert_ok(td_book_write_funding(w, &(td_funding){2000, 0.0002, NAN}, &error));
    assert_ok(td_book_write_funding(w, &(td_funding){1000, -0.0001, 50.25}, &error));
    td_book_writer_shift_local(w, 11);
    char digest[TD_DIGEST_HEX];
    assert_ok(td_book_writer_close(w, "{\"made\": \"by a test\"}", digest, &error));

    td_book b;
    assert_true(td_book_is(path));
    assert_ok(td_book_open(path, true, &b, &error));
    assert_string_equal(b.digest, digest);
    assert_string_equal(b.instrument.symbol, "BTCUSD_PERP");
    assert_true(b.instrument.tick == 0.5 && b.instrument.lot == 1 && b.instrument.multiplier == 100);
    assert_int_equal(b.instrument.contract, TD_CONTRACT_INVERSE);
    assert_string_equal(td_book_report(&b), "{\"made\": \"by a test\"}");
    assert_false(b.parity);
    assert_int_equal(b.messages, 3);
    assert_int_equal(b.rows, 4);
    for (int m = 0; m < 3; m++) {
        assert_int_equal(b.exchange_ns[m], 1000 + m);
        assert_int_equal(b.local_ns[m], 1511 + m);
        assert_int_equal(b.local_shift[m], 0);
    }
    assert_int_equal(b.row_end[0], 3);
    assert_int_equal(b.row_end[1], 4);
    assert_int_equal(b.row_end[2], 4);
    assert_int_equal(b.kind[0], TD_BOOK_SNAPSHOT);
    assert_int_equal(b.kind[1], TD_BOOK_TRADE);
    assert_int_equal(b.kind[2], TD_BOOK_GAP);
    assert_int_equal(b.seen[1], TD_BOOK_AT_LOCAL);
    assert_int_equal(b.sequence[0], 77);
    assert_int_equal(td_row_tick(b.row[2]), 101);
    assert_int_equal(td_row_side(b.row[2]), TD_SELL);
    assert_int_equal(td_book_lots(&b, 2), 5000000000);
    assert_int_equal(td_book_lots(&b, 3), 2);
    assert_null(b.order_id);
    assert_int_equal(b.funding_count, 2);
    assert_int_equal(b.funding[0].time_ns, 1000); /* by time */
    assert_true(b.funding[1].rate == 0.0002 && isnan(b.funding[1].mark));
    td_ticker_cursor cursor = {0};
    td_book_ticker read;
    bool more;
    assert_int_equal(td_book_ticker_count(&b), 1);
    assert_ok(td_book_next_ticker(&b, &cursor, &read, &more, &error));
    assert_true(more);
    assert_int_equal(read.local_ns, 1512);
    assert_int_equal(read.sequence, 78);
    assert_int_equal(read.bid.tick_side, ticker.bid.tick_side);
    assert_int_equal(read.ask.lots, TD_LOTS_WIDE);
    assert_ok(td_book_next_ticker(&b, &cursor, &read, &more, &error));
    assert_false(more);
    td_book_close(&b);
    assert_null(b.map);
    td_tape tape;
    assert_fails(td_tape_open(path, false, &tape, &error), TD_BAD_DATA, "no tape");
}

/* Four messages, sent as 10, 30, 20, 20 and received as 5, 4, 6, 4:
 * exchange order 0, 2, 3, 1; local order 1, 3, 0, 2, which are numbers 3, 2, 0, 1 of the tape. */
static void orders_by_hand(void **state) {
    (void)state;
    const char *path = td_test_path("orders.h5");
    td_book_writer *w = start(path, &btc);
    put(w, 10, 5, 100);
    put(w, 30, 4, 101);
    put(w, 20, 6, 102);
    put(w, 20, 4, 103);
    td_book b = finish(w, path);
    static const int32_t ticks[] = {100, 102, 103, 101}, numbers[] = {3, 2, 0, 1};
    for (int m = 0; m < 4; m++) {
        assert_int_equal(td_row_tick(b.row[m]), ticks[m]);
        assert_int_equal(m + b.local_shift[m], numbers[m]);
    }
    td_book_close(&b);
}

static void unknown_times_are_those_of_the_next_message(void **state) {
    (void)state;
    const char *path = td_test_path("unknown.h5");
    td_book_writer *w = start(path, &btc);
    put(w, TD_BOOK_TIME_UNKNOWN, 1, 100);
    put(w, TD_BOOK_TIME_UNKNOWN, 2, 101);
    const td_book_row row = td_row_make(TD_BUY, 104, 1);
    assert_ok(td_book_write(w, &(td_book_message){.exchange_ns = 55, .kind = TD_BOOK_TRADE, .seen = TD_BOOK_SEEN, .rows = 1, .row = &row}, &error));
    put(w, 50, 3, 102);
    put(w, TD_BOOK_TIME_UNKNOWN, 60, 103);
    td_book b = finish(w, path);
    static const int64_t times[] = {50, 50, 50, 55, 60}, ticks[] = {100, 101, 102, 104, 103};
    for (int m = 0; m < 5; m++) {
        assert_int_equal(td_row_tick(b.row[m]), ticks[m]);
        assert_int_equal(b.exchange_ns[m], times[m]);
    }
    td_book_close(&b);
}

typedef struct arrival {
    int64_t exchange_ns, local_ns;
    int32_t number;
} arrival;
static int by_exchange(const void *left, const void *right) {
    const arrival *a = left, *b = right;
    if (a->exchange_ns != b->exchange_ns) return a->exchange_ns < b->exchange_ns ? -1 : 1;
    return (a->number > b->number) - (a->number < b->number);
}
static int by_local(const void *left, const void *right) {
    const arrival *a = left, *b = right;
    if (a->local_ns != b->local_ns) return a->local_ns < b->local_ns ? -1 : 1;
    return (a->number > b->number) - (a->number < b->number);
}

/* Any disorder, ties in plenty, numbers of messages around the length of a run: both orders are the stable ones, and no row is lost. */
static void any_disorder_is_sorted(void **state) {
    (void)state;
    static const int counts[] = {1, 2, 31, 32, 33, 64, 65, 1000, 4097};
    for (int c = 0; c < 9; c++)
        for (int spread = 1; spread <= 1000000; spread *= 100) {
            int n = counts[c];
            arrival *a = calloc((size_t)n, sizeof *a);
            const char *path = td_test_path("random.h5");
            td_book_writer *w = start(path, &btc);
            for (int m = 0; m < n; m++) {
                a[m].exchange_ns = m + (int64_t)(td_random_bits(1, TD_PURPOSE_TEST, (uint64_t)(c * 7 + spread), (uint64_t)m) % (uint64_t)spread);
                a[m].local_ns = m / 3 + (int64_t)(td_random_bits(2, TD_PURPOSE_TEST, (uint64_t)(c * 7 + spread), (uint64_t)m) % (uint64_t)spread);
                a[m].number = m;
                put(w, a[m].exchange_ns, a[m].local_ns, m);
            }
            td_book b = finish(w, path);
            qsort(a, (size_t)n, sizeof *a, by_exchange);
            for (int m = 0; m < n; m++) {
                assert_int_equal(td_row_tick(b.row[m]), a[m].number);
                assert_int_equal(b.local_ns[m], a[m].local_ns);
            }
            qsort(a, (size_t)n, sizeof *a, by_local);
            for (int m = 0; m < n; m++) assert_int_equal(td_row_tick(b.row[m + b.local_shift[m]]), a[m].number);
            td_book_close(&b);
            free(a);
        }
}

/* Wide rows and orders keep to their rows when messages change places; rows from before the first order have id 0. */
static void wide_rows_and_orders_move_along(void **state) {
    (void)state;
    const char *path = td_test_path("moves.h5");
    td_book_writer *w = start(path, &btc);
    enum { N = 40 };
    for (int i = 0; i < N; i++) {
        const td_book_row rows[2] = {td_row_make(TD_BUY, i, i % 3 ? TD_LOTS_WIDE : 5), td_row_make(TD_SELL, i, 1)};
        const int64_t wide[2] = {i % 3 ? 6000000000 + i : 5, 1};
        const uint64_t ids[2] = {(uint64_t)i + 1000, (uint64_t)i + 2000};
        const uint8_t actions[2] = {TD_ACTION_ADD, TD_ACTION_FILL};
        bool orders = i >= 10;
        const td_book_message m = {.exchange_ns = N - i % 7, .local_ns = i, .kind = orders ? TD_BOOK_ORDERS : TD_BOOK_DEPTH,
                                   .seen = TD_BOOK_SEEN, .rows = 2, .row = rows, .wide = wide, .order_id = orders ? ids : NULL,
                                   .action = orders ? actions : NULL};
        assert_ok(td_book_write(w, &m, &error));
    }
    td_book b = finish(w, path);
    assert_int_equal(b.rows, 2 * N);
    for (int64_t r = 0; r < b.rows; r += 2) {
        int i = td_row_tick(b.row[r]);
        assert_int_equal(td_book_lots(&b, r), i % 3 ? 6000000000 + i : 5);
        assert_int_equal(td_book_lots(&b, r + 1), 1);
        assert_int_equal(b.order_id[r], i >= 10 ? i + 1000 : 0);
        assert_int_equal(b.action[r + 1], i >= 10 ? TD_ACTION_FILL : 0);
    }
    td_book_let_go(&b, b.messages / 2);
    assert_int_equal(td_row_tick(b.row[0]), 6); /* comes back */
    td_book_close(&b);
}

/* The digest names what is replayed: any of it changes the digest, and where the data came from does not. */
static void digest_names_the_data(void **state) {
    (void)state;
    char digests[8][TD_DIGEST_HEX];
    for (int i = 0; i < 8; i++) {
        td_instrument instrument = btc;
        if (i == 2) instrument.tick = 0.01;
        if (i == 1) strcpy(instrument.venue, "elsewhere");
        td_book_writer *w = start(td_test_path("digest.h5"), &instrument);
        put(w, 10, 20, i == 3 ? 101 : 100);
        put(w, i == 4 ? 12 : 11, i == 5 ? 19 : 21, 100);
        if (i == 6) assert_ok(td_book_write_funding(w, &(td_funding){1, 2, 3}, &error));
        if (i == 1) assert_ok(td_book_write_ticker(w, &(td_book_ticker){1, 2, 3, {0, 0}, {0, 0}}, &error));
        if (i == 7) td_book_writer_shift_local(w, 1);
        assert_ok(td_book_writer_close(w, i == 1 ? "{}" : NULL, digests[i], &error));
    }
    assert_string_equal(digests[0], digests[1]);
    for (int i = 2; i < 8; i++)
        for (int j = 1; j < i; j++) assert_string_not_equal(digests[i], digests[j]);
}

static void equal_data_is_an_equal_file(void **state) {
    (void)state;
    char *bytes[2];
    int64_t size[2];
    for (int i = 0; i < 2; i++) {
        const char *path = td_test_path("equal%d.h5", i);
        td_book_writer *w = start(path, &btc);
        for (int m = 0; m < 100; m++) put(w, m % 10, m, m);
        assert_ok(td_book_write_ticker(w, &(td_book_ticker){1, 2, 3, {4, 5}, {7, 6}}, &error));
        assert_ok(td_book_writer_close(w, "{}", NULL, &error));
        struct stat status;
        assert_int_equal(stat(path, &status), 0);
        size[i] = status.st_size;
        bytes[i] = malloc((size_t)size[i]);
        FILE *file = fopen(path, "rb");
        assert_int_equal(fread(bytes[i], 1, (size_t)size[i], file), size[i]);
        fclose(file);
    }
    assert_int_equal(size[0], size[1]);
    assert_memory_equal(bytes[0], bytes[1], (size_t)size[0]);
    free(bytes[0]);
    free(bytes[1]);
}

/* More than is kept in memory: through files without a name, in a disorder of hundreds of messages. */
static void large_tapes(void **state) {
    (void)state;
    enum { N = 200000, ROWS = 7 };
    const char *path = td_test_path("large.h5");
    td_book_writer *w = start(path, &btc);
    td_book_row rows[ROWS];
    for (int m = 0; m < N; m++) {
        for (int r = 0; r < ROWS; r++) rows[r] = td_row_make(TD_SELL, m, (uint32_t)r);
        const td_book_message message = {.exchange_ns = m ^ 511, .local_ns = m ^ 3, .sequence = (uint64_t)m, .kind = TD_BOOK_DEPTH,
                                         .seen = TD_BOOK_SEEN, .rows = ROWS, .row = rows};
        assert_ok(td_book_write(w, &message, &error));
    }
    td_book b = finish(w, path);
    assert_int_equal(b.messages, N);
    for (int m = 0; m < N; m++) {
        int number = m < N / 512 * 512 ? m ^ 511 : td_row_tick(b.row[b.row_end[m] - 1]); /* the last block is not full */
        assert_int_equal(b.sequence[m], number);
        assert_int_equal(b.exchange_ns[m], number ^ 511);
        for (int r = 0; r < ROWS; r++) assert_true(td_row_tick(b.row[m * ROWS + r]) == number && b.row[m * ROWS + r].lots == (uint32_t)r);
        assert_int_equal(b.local_ns[m + b.local_shift[m]], m);
    }
    td_book_close(&b);
}

/* Tickers are packed as differences: small ones, none, the largest there are. */
static void tickers_are_packed(void **state) {
    (void)state;
    enum { N = 5000 };
    static td_book_ticker tickers[N];
    const char *path = td_test_path("tickers.h5");
    td_book_writer *w = start(path, &btc);
    put(w, 1, 2, 3);
    for (int i = 0; i < N; i++) {
        uint64_t bits[6];
        for (int f = 0; f < 6; f++) bits[f] = td_random_bits(4, TD_PURPOSE_TEST, (uint64_t)f, (uint64_t)i) >> (i % 64);
        td_book_ticker *t = &tickers[i];
        *t = (td_book_ticker){(int64_t)(bits[0] >> 1), (int64_t)(bits[1] >> 2), bits[2],
                              td_row_make(TD_BUY, (int32_t)(bits[3] & TD_TICK_MAX), (uint32_t)bits[4]),
                              td_row_make(TD_SELL, (int32_t)(bits[5] & TD_TICK_MAX), (uint32_t)(bits[4] >> 32))};
        if (i % 5 == 4) *t = tickers[i - 1];
        assert_ok(td_book_write_ticker(w, t, &error));
    }
    td_book_writer_shift_local(w, 1000);
    td_book b = finish(w, path);
    td_ticker_cursor cursor = {0};
    td_book_ticker read;
    bool more;
    assert_int_equal(td_book_ticker_count(&b), N);
    for (int i = 0; i < N; i++) {
        assert_ok(td_book_next_ticker(&b, &cursor, &read, &more, &error));
        assert_true(more);
        assert_int_equal(read.exchange_ns, tickers[i].exchange_ns);
        assert_int_equal(read.local_ns, tickers[i].local_ns + 1000);
        assert_int_equal(read.sequence, tickers[i].sequence);
        assert_memory_equal(&read.bid, &tickers[i].bid, sizeof read.bid);
        assert_memory_equal(&read.ask, &tickers[i].ask, sizeof read.ask);
    }
    assert_ok(td_book_next_ticker(&b, &cursor, &read, &more, &error));
    assert_false(more);
    td_book_ticker *whole;
    int64_t count;
    assert_ok(td_book_tickers(&b, &whole, &count, &error));
    assert_int_equal(count, N);
    assert_int_equal(whole[N - 1].sequence, tickers[N - 1].sequence);
    free(whole);
    td_book_close(&b);
}

/* Changes numbers of a dataset in a file. */
static void spoil(const char *path, const char *name, hid_t type, int64_t at, const void *value) {
    hid_t file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT), dataset = H5Dopen2(file, name, H5P_DEFAULT), space = H5Dget_space(dataset);
    hsize_t start = (hsize_t)at, one = 1;
    H5Sselect_hyperslab(space, H5S_SELECT_SET, &start, NULL, &one, NULL);
    hid_t memory = H5Screate_simple(1, &one, NULL);
    assert_true(H5Dwrite(dataset, type, memory, space, H5P_DEFAULT, value) >= 0);
    H5Sclose(memory);
    H5Sclose(space);
    H5Dclose(dataset);
    H5Fclose(file);
}

static void make(const char *path) {
    td_book_writer *w = start(path, &btc);
    for (int m = 0; m < 10; m++) put(w, 100 + m, 200 + m, m);
    assert_ok(td_book_writer_close(w, NULL, NULL, &error));
}

static void bad_files_are_refused(void **state) {
    (void)state;
    td_book b;
    const char *path = td_test_path("bad.h5");
    assert_fails(td_book_open(td_test_path("none.h5"), false, &b, &error), TD_BAD_DATA, "cannot be opened");
    assert_false(td_book_is(td_test_path("none.h5")));
    td_test_write(path, "text");
    assert_fails(td_book_open(path, false, &b, &error), TD_BAD_DATA, "is not an HDF5 file");
    assert_false(td_book_is(path));
    td_tape tape = td_test_tape(10, TD_NS_PER_DAY, 1);
    assert_ok(td_tape_write(path, &tape, NULL, 0, "", &error));
    assert_false(td_book_is(path));
    assert_fails(td_book_open(path, false, &b, &error), TD_BAD_DATA, "is an HDF5 file but no book tape");

    const int64_t early = 1, far = 11;
    make(path);
    spoil(path, "exchange_time", H5T_NATIVE_INT64, 5, &early);
    assert_fails(td_book_open(path, false, &b, &error), TD_BAD_DATA, "message 5 has exchange time 1, before that of message 4, 104");
    make(path);
    spoil(path, "row_end", H5T_NATIVE_INT64, 9, &far);
    assert_fails(td_book_open(path, false, &b, &error), TD_BAD_DATA, "rows of message 9 end at 11, expected 9 to 10");
    make(path);
    spoil(path, "local_shift", H5T_NATIVE_INT64, 3, &far);
    assert_fails(td_book_open(path, false, &b, &error), TD_BAD_DATA, "message 3 in local order would be number 14 of 10");
    make(path);
    spoil(path, "local_time", H5T_NATIVE_INT64, 7, &early);
    assert_fails(td_book_open(path, false, &b, &error), TD_BAD_DATA, "message 7 in local order was received before the one before it");
    make(path);
    spoil(path, "kind", H5T_NATIVE_INT64, 2, &far);
    assert_fails(td_book_open(path, false, &b, &error), TD_BAD_DATA, "message 2 is of kind 11");
    make(path);
    hid_t row_type = H5Tcreate(H5T_COMPOUND, 8);
    H5Tinsert(row_type, "tick_side", 0, H5T_NATIVE_INT32);
    H5Tinsert(row_type, "lots", 4, H5T_NATIVE_UINT32);
    spoil(path, "row", row_type, 4, &(td_book_row){2, 2});
    H5Tclose(row_type);
    assert_ok(td_book_open(path, false, &b, &error));
    td_book_close(&b);
    assert_fails(td_book_open(path, true, &b, &error), TD_BAD_DATA, "the file was changed");
    td_book_writer *w = start(path, &btc);
    put(w, 1, 2, 3);
    for (int i = 0; i < 9; i++) assert_ok(td_book_write_ticker(w, &(td_book_ticker){i, i, (uint64_t)i, {4, 5}, {7, 6}}, &error));
    assert_ok(td_book_writer_close(w, NULL, NULL, &error));
    const int64_t endless = 255;
    spoil(path, "ticker", H5T_NATIVE_INT64, 8, &endless);
    assert_ok(td_book_open(path, true, &b, &error)); /* not part of the digest */
    td_ticker_cursor cursor = {0};
    td_book_ticker read;
    bool more = true;
    td_status status = TD_OK;
    while (status == TD_OK && more) status = td_book_next_ticker(&b, &cursor, &read, &more, &error);
    assert_fails(status, TD_BAD_DATA, "does not hold 9 tickers");
    td_book_ticker *whole;
    int64_t count;
    assert_fails(td_book_tickers(&b, &whole, &count, &error), TD_BAD_DATA, "does not hold 9 tickers");
    assert_null(whole);
    td_book_close(&b);
    make(path);
    assert_int_equal(truncate(path, 3000), 0);
    assert_fails(td_book_open(path, false, &b, &error), TD_BAD_DATA, "truncated or damaged");
}

static int files_in_folder(void) {
    char *out;
    td_test_run(&out, NULL, "ls -A %s | wc -l", td_test_folder());
    int count = atoi(out);
    free(out);
    return count;
}

static void nothing_is_left_of_a_failure(void **state) {
    (void)state;
    td_book_writer *w;
    int before = files_in_folder();
    w = start(td_test_path("left.h5"), &btc);
    assert_fails(td_book_writer_close(w, NULL, NULL, &error), TD_BAD_DATA, "no messages");
    w = start(td_test_path("left.h5"), &btc);
    put(w, 1, 2, 3);
    td_book_writer_abandon(w);
    assert_int_equal(files_in_folder(), before);
    assert_fails(td_book_writer_open(td_test_path("no/such/folder.h5"), &btc, false, &w, &error), TD_IO, "cannot be created");
    td_instrument bad = btc;
    bad.tick = 0;
    assert_fails(td_book_writer_open("x.h5", &bad, false, &w, &error), TD_BAD_ARG, "tick is 0");
    bad = btc;
    bad.symbol[0] = 0;
    assert_fails(td_book_writer_open("x.h5", &bad, false, &w, &error), TD_BAD_ARG, "no symbol");
    /* an old tape stays when a new one of the same name fails */
    make(td_test_path("old.h5"));
    w = start(td_test_path("old.h5"), &btc);
    assert_fails(td_book_writer_close(w, NULL, NULL, &error), TD_BAD_DATA, "no messages");
    td_book b;
    assert_ok(td_book_open(td_test_path("old.h5"), true, &b, &error));
    td_book_close(&b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(orders_by_hand),
        cmocka_unit_test(unknown_times_are_those_of_the_next_message),
        cmocka_unit_test(any_disorder_is_sorted),
        cmocka_unit_test(wide_rows_and_orders_move_along),
        cmocka_unit_test(digest_names_the_data),
        cmocka_unit_test(equal_data_is_an_equal_file),
        cmocka_unit_test(large_tapes),
        cmocka_unit_test(tickers_are_packed),
        cmocka_unit_test(bad_files_are_refused),
        cmocka_unit_test(nothing_is_left_of_a_failure),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
