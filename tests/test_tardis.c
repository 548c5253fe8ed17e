/* data/books/tardis.c: files of Tardis.dev, by hand and the samples. */
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
    return 0;
}

static int end(void **state) {
    (void)state;
    td_test_import_end(&in);
    return 0;
}

#define DEPTH_HEAD "exchange,symbol,timestamp,local_timestamp,is_snapshot,side,price,amount\n"
#define TRADE_HEAD "exchange,symbol,timestamp,local_timestamp,id,side,price,amount\n"
#define QUOTE_HEAD "exchange,symbol,timestamp,local_timestamp,ask_amount,ask_price,bid_price,bid_amount\n"
#define TICKER_HEAD                                                                                                                   \
    "exchange,symbol,timestamp,local_timestamp,funding_timestamp,funding_rate,predicted_funding_rate,open_interest,last_price,"         \
    "index_price,mark_price\n"
#define T "16000000000000" /* and two digits of microseconds */
#define ORIGIN INT64_C(1600000000000000000)
#define ROW(time, local, rest) "v,X," T time "," T local "," rest "\n"

#define COUNT(name) ((int)in.report.counts[TD_FEED_COUNT_##name])

static const char *file_of(const char *name, const char *text) {
    const char *path = td_test_path("%s", name);
    td_test_write(path, text);
    return path;
}

static td_status import(int count, const char *const *texts) {
    const char *files[4];
    for (int i = 0; i < count; i++) files[i] = file_of((const char *const[]){"a.csv", "b.csv", "c.csv", "d.csv"}[i], texts[i]);
    return td_test_import_files(&in, "tardis", "X", count, files, &error);
}
static td_status import_text(const char *text) { return import(1, &text); }
static const char *tape(void) { return td_test_tape_text(&in.book, ORIGIN, 1000); }

/* Rows of one message share both times; rows before the first snapshot are not used; a new snapshot follows other rows. */
static void messages(void **state) {
    (void)state;
    assert_ok(import_text(DEPTH_HEAD
        ROW("01", "02", "false,bid,10,5")
        ROW("03", "04", "true,ask,11,2") ROW("03", "04", "true,ask,11.5,3") ROW("03", "04", "true,bid,10.5,1") ROW("03", "04", "true,bid,10,4")
        ROW("05", "07", "false,bid,10.5,0") ROW("05", "07", "false,ask,11,7")
        ROW("06", "07", "false,bid,9.5,1")
        ROW("08", "09", "true,bid,10,2") ROW("08", "09", "true,ask,10.5,2")
        ROW("08", "09", "false,bid,10,1")));
    assert_string_equal(tape(), "S3@4+21x1+20x4-22x2-23x3 D5@7+21x0-22x7 D6@7+19x1 S8@9+20x2-21x2 D8@9+20x1");
    assert_int_equal(COUNT(before_snapshot), 1);
    assert_int_equal(COUNT(snapshots), 2);
    assert_int_equal(COUNT(depth_messages), 4);
}

/* What follows a snapshot and is marked as one, too, belongs to it; the book is discarded where false turns to true. */
static void a_snapshot_in_two_parts(void **state) {
    (void)state;
    assert_ok(import_text(DEPTH_HEAD ROW("01", "02", "true,bid,10,5") ROW("01", "03", "true,ask,11,5") ROW("04", "05", "false,ask,11,4")));
    assert_string_equal(tape(), "S1@2+20x5 D1@3-22x5 D4@5-22x4");
}

/* One side of a snapshot may be empty, and a time that is not said is that of receipt. */
static void one_side(void **state) {
    (void)state;
    assert_ok(import_text(DEPTH_HEAD ROW("01", "02", "true,bid,10,5") "v,X,," T "03,false,ask,11,1\n"
        ROW("04", "05", "true,ask,12,3") ROW("06", "07", "false,bid,9,1")));
    assert_string_equal(tape(), "S1@2+20x5 D3@3-22x1 S4@5-24x3 D6@7+18x1");
}

/* Files are merged by the time of receipt: trades first, whatever the order of the files; a side nobody knows is not used. */
static void trades_and_depth(void **state) {
    (void)state;
    const char *depth = DEPTH_HEAD ROW("01", "02", "true,bid,10,5") ROW("01", "02", "true,ask,11,5") ROW("03", "09", "false,bid,10,3");
    const char *trades = TRADE_HEAD ROW("02", "05", "7,buy,11,1") ROW("03", "09", "8,sell,10,2") ROW("03", "09", "9,unknown,10,2")
        ROW("04", "10", "a-b,sell,10,1") ROW("04", "11", "8,sell,10,2");
    assert_ok(import(2, (const char *const[]){depth, trades}));
    assert_string_equal(tape(), "S1@2+20x5-22x5 T2@5+22x1 T3@9-20x2 D3@9+20x3 T4@10-20x1");
    assert_int_equal(COUNT(other), 1);
    assert_int_equal(COUNT(duplicate_trades), 1);
    char first[TD_DIGEST_HEX];
    memcpy(first, in.digest, sizeof first);
    assert_ok(import(2, (const char *const[]){trades, depth}));
    assert_string_equal(in.digest, first);
}

/* At the exchange, too, a trade is before depth of its time, though it was received later. */
static void trades_are_first_at_the_exchange(void **state) {
    (void)state;
    assert_ok(import(2, (const char *const[]){
        DEPTH_HEAD ROW("01", "02", "true,bid,10,5") ROW("03", "04", "false,bid,10,3") ROW("03", "06", "false,bid,9,3"),
        TRADE_HEAD ROW("03", "05", "7,sell,10,2") ROW("03", "08", "8,sell,10,1")}));
    assert_string_equal(tape(), "S1@2+20x5 T3@5-20x2 T3@8-20x1 D3@4+20x3 D3@6+18x3");
    static const int local[] = {0, 3, 1, 4, 2};
    for (int j = 0; j < 5; j++) assert_int_equal(j + in.book.local_shift[j], local[j]);
}

/* A recording split into files, at any row, is the same recording. */
static void split(void **state) {
    (void)state;
    assert_ok(import_text(DEPTH_HEAD ROW("01", "02", "true,bid,10,5") ROW("01", "02", "true,ask,11,5") ROW("03", "04", "false,bid,10,3")
        ROW("05", "06", "true,bid,9,1") ROW("07", "08", "false,bid,9,2")));
    char whole[TD_DIGEST_HEX];
    memcpy(whole, in.digest, sizeof whole);
    assert_ok(import(3, (const char *const[]){
        DEPTH_HEAD ROW("01", "02", "true,bid,10,5") ROW("01", "02", "true,ask,11,5"),
        DEPTH_HEAD ROW("03", "04", "false,bid,10,3") ROW("05", "06", "true,bid,9,1"), DEPTH_HEAD ROW("07", "08", "false,bid,9,2")}));
    assert_string_equal(in.digest, whole);
    assert_fails(import(2, (const char *const[]){DEPTH_HEAD ROW("03", "04", "true,bid,10,3"), DEPTH_HEAD ROW("01", "02", "true,bid,10,5")}),
                 TD_BAD_DATA, "before");
}

static void snapshots_of_few_levels(void **state) {
    (void)state;
    assert_ok(import_text(
        "exchange,symbol,timestamp,local_timestamp,asks[0].price,asks[0].amount,bids[0].price,bids[0].amount,asks[1].price,asks[1].amount,"
        "bids[1].price,bids[1].amount\n" ROW("01", "02", "11,1,10,2,11.5,3,9.5,4") ROW("03", "04", "11,1,10,5,,,9.5,4")));
    assert_string_equal(tape(), "S1@2+20x2+19x4-22x1-23x3 S3@4+20x5+19x4-22x1");
}

static void best_prices(void **state) {
    (void)state;
    assert_ok(import(2, (const char *const[]){DEPTH_HEAD ROW("01", "02", "true,bid,10,5") ROW("01", "02", "true,ask,11,6"),
        QUOTE_HEAD ROW("02", "03", "6,11,10,5") ROW("04", "05", ",,10,4")}));
    td_book_ticker *tickers;
    int64_t count;
    assert_ok(td_book_tickers(&in.book, &tickers, &count, &error));
    assert_int_equal(count, 1);
    assert_true(tickers[0].exchange_ns == ORIGIN + 2000 && tickers[0].local_ns == ORIGIN + 3000);
    assert_int_equal(tickers[0].bid.lots, 5);
    assert_int_equal(td_row_tick(tickers[0].ask), 22);
    assert_int_equal(COUNT(other), 1);
    free(tickers);
}

/* The rate that was said last before the next time was named is paid at the time it was said for; a time that the recording does not
 * reach is not. */
static void fundings(void **state) {
    (void)state;
    assert_ok(import(2, (const char *const[]){DEPTH_HEAD ROW("01", "02", "true,bid,10,5") ROW("01", "02", "true,ask,11,6"),
        TICKER_HEAD ROW("10", "10", T "20,0.001,,,,,10.5") ROW("15", "15", T "20,0.002,,,,,10.75") ROW("16", "16", ",,,,,,")
        ROW("21", "21", T "40,0.003,,,,,") ROW("39", "39", T "40,0.004,,,,,") ROW("41", "41", T "60,0.005,,,,,11")}));
    assert_int_equal(in.book.funding_count, 2);
    assert_true(in.book.funding[0].time_ns == ORIGIN + 20000 && in.book.funding[0].rate == 0.002 && in.book.funding[0].mark == 10.75);
    assert_true(in.book.funding[1].time_ns == ORIGIN + 40000 && in.book.funding[1].rate == 0.004 && in.book.funding[1].mark != in.book.funding[1].mark);
}

/* A row of depth that cannot be read is a gap, up to the next snapshot. */
static void broken_rows(void **state) {
    (void)state;
    assert_ok(import_text(DEPTH_HEAD ROW("01", "02", "true,bid,10,5") ROW("03", "04", "false,bid,10") ROW("05", "06", "false,bid,10,6")
        ROW("07", "08", "true,bid,9,1") ROW("09", "10", "false,up,9,2") ROW("11", "12", "true,bid,9,3")));
    assert_string_equal(tape(), "S1@2+20x5 G4@4 S7@8+18x1 G10@10 S11@12+18x3");
    assert_int_equal(COUNT(broken), 2);
    assert_int_equal(COUNT(gaps), 2);
    assert_int_equal(COUNT(quarantined), 1);
    assert_non_null(strstr(in.report.first[TD_FEED_COUNT_broken], "a.csv:3: a row of 7 columns, expected 8"));
    /* inside a snapshot: what is left of it is no snapshot */
    assert_ok(import_text(DEPTH_HEAD ROW("01", "02", "true,bid,10,5") ROW("03", "04", "true,bid,x10") ROW("03", "04", "true,ask,11,6")
        ROW("05", "06", "false,bid,10,6") ROW("07", "08", "true,bid,9,1")));
    assert_string_equal(tape(), "S1@2+20x5 G4@4 S7@8+18x1");
}

static void messages_of_errors(void **state) {
    (void)state;
    assert_fails(import_text("exchange,symbol,when\n"), TD_BAD_DATA, "a.csv:1: found the header exchange,symbol,when, expected that of a Tardis");
    const char *mix = file_of("mix.csv", DEPTH_HEAD "v,X," T "01," T "02,true,bid,10,5\nv,Y," T "01," T "02,true,bid,10,5\n");
    assert_fails(td_test_import_files(&in, "tardis", NULL, 1, &mix, &error), TD_BAD_DATA, "mix.csv:3: symbol Y after rows of X");
    assert_fails(td_test_import_files(&in, "tardis", "Z", 1, &mix, &error), TD_BAD_DATA, "no row is of symbol Z; there are rows of Y");
    assert_fails(import_text(DEPTH_HEAD "v,X," T "01," T "02,true,bid,10,5\nw,X," T "01," T "02,true,bid,10,5\n"), TD_BAD_DATA,
                 "exchange w after rows of v");
    assert_fails(import_text(DEPTH_HEAD ROW("01", "02", "false,bid,10,5")), TD_BAD_DATA, "no snapshot");
    assert_fails(import_text(DEPTH_HEAD), TD_BAD_DATA, "nothing that a book tape could hold");
    assert_fails(import(2, (const char *const[]){DEPTH_HEAD ROW("01", "02", "true,bid,10,5"),
        "exchange,symbol,timestamp,local_timestamp,asks[0].price,asks[0].amount,bids[0].price,bids[0].amount\n"}), TD_BAD_DATA,
                 "each is a whole book");
    /* compressed, and cut */
    const char *text = DEPTH_HEAD ROW("01", "02", "true,bid,10,5"), *path = td_test_path("cut.csv.gz");
    td_test_pack(path, "gz", 1, (const char *const[]){"x"}, (const void *const[]){text}, (const size_t[]){strlen(text)});
    assert_ok(td_test_import_files(&in, "tardis", "X", 1, &path, &error));
    assert_string_equal(tape(), "S1@2+20x5");
    td_test_write_bytes(path, "\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\x4b\xad", 12);
    assert_fails(td_test_import_files(&in, "tardis", "X", 1, &path, &error), TD_BAD_DATA, "cannot be unpacked");
}

/* ---- the samples ---- */

static const char *sample(const char *name) {
    static char path[4][512];
    static int at;
    const char *shared = td_test_shared();
    if (!shared) skip();
    at = (at + 1) % 4;
    snprintf(path[at], sizeof path[at], "%s/data/tardis/%s", shared, name);
    return path[at];
}

static void deribit_depth(void **state) {
    (void)state;
    const char *file = sample("deribit_incremental_book_L2_BTC-PERPETUAL.csv");
    in.def.instrument.lot = 10;
    assert_ok(td_test_import_files(&in, "tardis", "BTC-PERPETUAL", 1, &file, &error));
    assert_int_equal(in.book.messages, 1); /* discard and 15 levels */
    assert_int_equal(in.book.rows, 15);
    assert_int_equal(in.book.kind[0], TD_BOOK_SNAPSHOT);
    assert_true(in.book.exchange_ns[0] == INT64_C(1585699200245000000) && in.book.local_ns[0] == INT64_C(1585699200355684000));
    /* nanoseconds, as in the second file, are seen for what they are */
    file = sample("deltas_1.csv");
    assert_ok(td_test_import_files(&in, "tardis", "BTC-PERPETUAL", 1, &file, &error));
    assert_int_equal(in.book.rows, 2);
    assert_true(in.book.exchange_ns[0] == INT64_C(1585699200245000000) && in.book.local_ns[0] == INT64_C(1585699200355684000));
}

static void binance_snapshots(void **state) {
    (void)state;
    in.def.instrument.tick = 0.01;
    in.def.instrument.lot = 0.001;
    const char *file = sample("binance-futures_book_snapshot_25_BTCUSDT.csv");
    assert_ok(td_test_import_files(&in, "tardis", "BTCUSDT", 1, &file, &error));
    assert_int_equal(in.book.messages, 10);
    assert_int_equal(in.book.rows, 500);
    assert_int_equal(td_row_tick(in.book.row[0]), 1165707);
    assert_int_equal(in.book.row[0].lots, 10896);
    assert_int_equal(td_row_tick(in.book.row[25]), 1165708);
    assert_int_equal(td_row_side(in.book.row[25]), TD_SELL);
    assert_int_equal(in.book.row[25].lots, 1714);
    file = sample("binance-futures_book_snapshot_5_BTCUSDT.csv");
    assert_ok(td_test_import_files(&in, "tardis", "BTCUSDT", 1, &file, &error));
    assert_int_equal(in.book.messages, 10);
    assert_int_equal(in.book.rows, 100);
}

static void huobi_quotes(void **state) {
    (void)state;
    const char *files[] = {sample("huobi-dm-swap_quotes_BTC-USD.csv"),
                           file_of("first.csv", DEPTH_HEAD "huobi-dm-swap,BTC-USD,1588291200000000,1588291200000000,true,bid,8629.2,1\n")};
    in.def.instrument.tick = 0.1;
    assert_ok(td_test_import_files(&in, "tardis", "BTC-USD", 2, files, &error));
    td_book_ticker *tickers;
    int64_t count;
    assert_ok(td_book_tickers(&in.book, &tickers, &count, &error));
    assert_int_equal(count, 10);
    assert_int_equal(td_row_tick(tickers[0].bid), 86292);
    assert_int_equal(tickers[0].bid.lots, 806);
    assert_int_equal(td_row_tick(tickers[0].ask), 86293);
    assert_int_equal(tickers[0].ask.lots, 5494);
    free(tickers);
    assert_fails(td_test_import_files(&in, "tardis", "BTC-USD", 1, files, &error), TD_BAD_DATA, "nothing that a book tape could hold among 10");
}

static void bitmex_trades(void **state) {
    (void)state;
    const char *files[] = {sample("derivative_ticker_1.csv"), sample("bitmex_trades_XBTUSD.csv")};
    assert_ok(td_test_import_files(&in, "tardis", "XBTUSD", 2, files, &error));
    assert_int_equal(COUNT(trades), 10);
    assert_int_equal(td_row_side(in.book.row[0]), TD_SELL);
    assert_int_equal(td_row_tick(in.book.row[0]), 17063);
    assert_int_equal(in.book.row[0].lots, 2152);
    assert_int_equal(in.book.funding_count, 2);
    assert_true(in.book.funding[0].time_ns == INT64_C(1583020800000000000) && in.book.funding[0].rate == 0.0001);
    files[0] = sample("options_chain.csv");
    assert_fails(td_test_import_files(&in, "tardis", "XBTUSD", 1, files, &error), TD_BAD_DATA, "options_chain.csv:1: found the header");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(messages, begin, end), cmocka_unit_test_setup_teardown(a_snapshot_in_two_parts, begin, end),
        cmocka_unit_test_setup_teardown(one_side, begin, end), cmocka_unit_test_setup_teardown(trades_and_depth, begin, end),
        cmocka_unit_test_setup_teardown(trades_are_first_at_the_exchange, begin, end),
        cmocka_unit_test_setup_teardown(split, begin, end), cmocka_unit_test_setup_teardown(snapshots_of_few_levels, begin, end),
        cmocka_unit_test_setup_teardown(best_prices, begin, end), cmocka_unit_test_setup_teardown(fundings, begin, end),
        cmocka_unit_test_setup_teardown(broken_rows, begin, end), cmocka_unit_test_setup_teardown(messages_of_errors, begin, end),
        cmocka_unit_test_setup_teardown(deribit_depth, begin, end), cmocka_unit_test_setup_teardown(binance_snapshots, begin, end),
        cmocka_unit_test_setup_teardown(huobi_quotes, begin, end), cmocka_unit_test_setup_teardown(bitmex_trades, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
