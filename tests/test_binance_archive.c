/* data/books/binance_archive.c: files of Binance's archives, by hand and the samples. */
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

#define COUNT(name) ((int)in.report.counts[TD_FEED_COUNT_##name])
#define T "15000000000" /* and two digits of milliseconds */
#define T_US "15000000000" /* and five digits of microseconds */
#define ORIGIN INT64_C(1500000000000000000)

static const char *file_of(const char *name, const char *text) {
    const char *path = td_test_path("%s", name);
    td_test_write(path, text);
    return path;
}

static td_status import_named(const char *name, const char *text) {
    const char *file = file_of(name, text);
    return td_test_import_files(&in, "binance-archive", "X", 1, &file, &error);
}
static td_status import(const char *text) { return import_named("a.csv", text); }
static const char *tape(void) { return td_test_tape_text(&in.book, ORIGIN, 1000); }

/* Who takes is known from who made: a buyer that is maker was hit by a seller. */
static void trades(void **state) {
    (void)state;
    static const char *const files[] = {
        /* aggTrades of spot, of futures, with header */
        "1,10,5,1,1," T "01,True,True\n2,10.5,6,2,3," T "02,False,True\n",
        "1,10,5,1,1," T "01,true\n2,10.5,6,2,3," T "02,false\n",
        "agg_trade_id,price,quantity,first_trade_id,last_trade_id,transact_time,is_buyer_maker\n1,10,5,1,1," T "01,true\n2,10.5,6,2,3," T "02,false\n",
        /* trades of spot, of USD-M, of COIN-M with header */
        "1,10,5,50," T "01,True,True\n2,10.5,6,63," T "02,False,True\n",
        "1,10,5,50," T "01,true\n2,10.5,6,63," T "02,false\n",
        "id,price,qty,base_qty,time,is_buyer_maker\n1,10,5,50," T "01,true\n2,10.5,6,63," T "02,false\n",
        /* microseconds, since 2025 */
        "1,10,5,1,1," T_US "01000,True,True\n2,10.5,6,2,3," T_US "02000,False,True\n",
    };
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        assert_ok(import(files[i]));
        assert_string_equal(tape(), "T1000@1000-20x5 T2000@2000+21x6");
        assert_int_equal(COUNT(trades), 2);
        assert_int_equal(in.book.sequence[1], 2);
    }
}

static void broken_trades(void **state) {
    (void)state;
    assert_ok(import("1,10,5,50," T "01,true\n2,10,5,50," T "02\n3,10,5,50,5,true\n4,10,5,50," T "04,yes\nx,10,5,50," T "04,true\n"
                     "6,ten,5,50," T "05,true\n6,10,5,50," T "05,true\n6,10,5,50," T "05,true\n"));
    assert_string_equal(tape(), "T1000@1000-20x5 T5000@5000-20x5");
    assert_int_equal(COUNT(broken), 4);
    assert_int_equal(COUNT(not_numbers), 1);
    assert_int_equal(COUNT(duplicate_trades), 1);
    assert_non_null(strstr(in.report.first[TD_FEED_COUNT_broken], "a.csv:2: a row of 5 columns, expected 6"));
}

/* In a zip, as they come; the symbol is in the name. */
static void zipped(void **state) {
    (void)state;
    const char *text = "1,10,5,1,1," T "01,true\n", *path = td_test_path("X-aggTrades-2017-07-14.zip");
    td_test_pack(path, "zip", 1, (const char *const[]){"X-aggTrades-2017-07-14.csv"}, (const void *const[]){text},
                 (const size_t[]){strlen(text)});
    assert_ok(td_test_import_files(&in, "binance-archive", "X", 1, &path, &error));
    assert_string_equal(tape(), "T1000@1000-20x5");
    assert_fails(td_test_import_files(&in, "binance-archive", "Y", 1, &path, &error), TD_BAD_DATA, "is of X by its name, expected Y");
    const char *two[] = {path, file_of("Y-aggTrades-2017-07-15.csv", text)};
    assert_fails(td_test_import_files(&in, "binance-archive", NULL, 2, two, &error), TD_BAD_DATA, "Y-aggTrades-2017-07-15.csv: of Y, and others are of X");
}

#define DEPTH_HEAD "symbol,timestamp,first_update_id,last_update_id,side,update_type,price,qty,pu\n"
#define SNAP(time, last, side, price, qty) "X," T time "," #last "," #last "," side ",snap," price "," qty ",-1\n"
#define SET(time, first, last, side, price, qty, pu) "X," T time "," #first "," #last "," side ",set," price "," qty "," #pu "\n"

/* A message is the rows of one update; each names the one before. Trades come first. */
static void depth(void **state) {
    (void)state;
    const char *files[] = {
        file_of("update.csv", DEPTH_HEAD SET("02", 9, 11, "b", "10", "7", 8) SET("02", 9, 11, "a", "11", "0", 8)
                SET("03", 12, 14, "a", "11.5", "2", 11) SET("04", 16, 17, "a", "11.5", "3", 15) SET("05", 18, 19, "a", "12", "3", 17)
                SET("07", 20, 23, "b", "9", "4", 19)),
        file_of("snap.csv", DEPTH_HEAD SNAP("01", 10, "b", "10", "5") SNAP("01", 10, "b", "9.5", "5") SNAP("01", 10, "a", "11", "6")
                SNAP("06", 20, "b", "9.5", "5") SNAP("06", 20, "a", "10", "6")),
        file_of("trades.csv", "1,11,6,66," T "02,false\n"),
        file_of("bookTicker.csv", "update_id,best_bid_price,best_bid_qty,best_ask_price,best_ask_qty,transaction_time,event_time\n"
                "10,10,5,11,6," T "01," T "01\n11,10,7,11.5,2," T "02," T "02\n"),
    };
    assert_ok(td_test_import_files(&in, "binance-archive", "X", 4, files, &error));
    assert_string_equal(tape(), "S1000@1000+20x5+19x5-22x6 T2000@2000+22x6 D2000@2000+20x7-22x0 D3000@3000-23x2 G4000@4000 "
                                "S6000@6000+19x5-20x6 D7000@7000+18x4");
    assert_int_equal(COUNT(gaps), 1);
    assert_int_equal(COUNT(quarantined), 2);
    assert_int_equal(COUNT(tickers), 2);
    in.def.parity = true;
    assert_ok(td_test_import_files(&in, "binance-archive", "X", 2, files, &error));
    assert_string_equal(tape(), "S1000@1000+20x5+19x5-22x6 D2000@2000+20x7-22x0 D3000@3000-23x2 D4000@4000-23x3 D5000@5000-24x3 "
                                "S6000@6000+19x5-20x6 D7000@7000+18x4");
}

/* The older layout does not name the message before: no rule of sequence then. */
static void depth_without_previous(void **state) {
    (void)state;
    assert_ok(import("symbol,timestamp,trans_id,first_update_id,last_update_id,side,update_type,price,qty\n"
                     "X," T "01,1,10,10,a,snap,11,6\nX," T "01,1,10,10,b,snap,10,5\nX," T "02,2,15,17,b,set,10,7\nX," T "02,2,15,17,b,set,9,7\n"));
    assert_string_equal(tape(), "S1000@1000+20x5-22x6 D2000@2000+20x7+18x7");
}

/* A row of depth that cannot be read takes the rest of its message along, and leaves a gap until the next snapshot. */
static void broken_depth(void **state) {
    (void)state;
    assert_ok(import(DEPTH_HEAD SNAP("01", 10, "b", "10", "5") SNAP("01", 10, "a", "11", "6") SET("02", 11, 12, "b", "9", "1", 10)
                     "X," T "03,13,14,up,set,9,2,12\n" SET("03", 13, 14, "b", "8", "1", 12) SET("04", 15, 16, "b", "8", "1", 14)
                     "X," T "05,20,20,b,snap\n" SNAP("05", 20, "a", "11", "6") SNAP("06", 22, "a", "11", "7")));
    assert_string_equal(tape(), "S1000@1000+20x5-22x6 D2000@2000+18x1 G2000@2000 S6000@6000-22x7");
    assert_int_equal(COUNT(broken), 2);
}

static void what_is_wrong(void **state) {
    (void)state;
    assert_fails(import("open_time,open,high\n"), TD_BAD_DATA, "a.csv:1: found open_time,open,high, expected a row or a header of a Binance");
    assert_fails(import("1,2,3,4,5,6,7,8,9\n"), TD_BAD_DATA, "expected a row or a header of a Binance");
    assert_fails(import(DEPTH_HEAD "Y," T "01,1,1,b,snap,10,1,-1\n"), TD_BAD_DATA, "no row is of symbol X; there are rows of Y");
    const char *mix = file_of("mix.csv", DEPTH_HEAD "Y," T "01,1,1,b,snap,10,1,-1\nX," T "01,1,1,b,snap,10,1,-1\n");
    assert_fails(td_test_import_files(&in, "binance-archive", NULL, 1, &mix, &error), TD_BAD_DATA, "mix.csv:3: of X, and others are of Y");
    const char *both[] = {file_of("a.csv", "1,10,5,1,1," T "01,true\n"), file_of("b.csv", "1,10,5,50," T "01,true\n")};
    assert_fails(td_test_import_files(&in, "binance-archive", "X", 2, both, &error), TD_BAD_DATA, "trades and aggTrades together");
    assert_fails(import(DEPTH_HEAD SET("02", 11, 12, "b", "9", "1", 10)), TD_BAD_DATA, "no snapshot");
    const char *missing = td_test_path("missing.csv");
    assert_fails(td_test_import_files(&in, "binance-archive", "X", 1, &missing, &error), TD_BAD_DATA, "cannot be opened");
}

/* The two samples are ten minutes apart: what lies between is a gap, and strict says so. */
static void samples(void **state) {
    (void)state;
    char snap[512], update[512];
    const char *shared = td_test_shared(), *files[] = {update, snap};
    if (!shared) skip();
    snprintf(snap, sizeof snap, "%s/data/nautilus/btcusdt-depth-snap.csv", shared);
    snprintf(update, sizeof update, "%s/data/nautilus/btcusdt-depth-update.csv", shared);
    in.def.instrument.tick = 0.1;
    in.def.instrument.lot = 0.001;
    assert_ok(td_test_import_files(&in, "binance-archive", "BTCUSDT", 2, files, &error));
    assert_int_equal(in.book.messages, 2);
    assert_int_equal(in.book.rows, 100);
    assert_int_equal(in.book.kind[1], TD_BOOK_GAP);
    assert_true(in.book.exchange_ns[0] == INT64_C(1667346579146000000));
    assert_int_equal(in.book.sequence[0], 2098021528332);
    assert_int_equal(COUNT(gaps), 1);
    assert_int_equal(COUNT(quarantined), 1);
    in.def.parity = true;
    assert_ok(td_test_import_files(&in, "binance-archive", "BTCUSDT", 2, files, &error));
    assert_int_equal(in.book.messages, 2);
    assert_int_equal(in.book.rows, 200);
    assert_int_equal(in.book.sequence[1], 2098041696700);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(trades, begin, end), cmocka_unit_test_setup_teardown(broken_trades, begin, end),
        cmocka_unit_test_setup_teardown(zipped, begin, end), cmocka_unit_test_setup_teardown(depth, begin, end),
        cmocka_unit_test_setup_teardown(depth_without_previous, begin, end), cmocka_unit_test_setup_teardown(broken_depth, begin, end),
        cmocka_unit_test_setup_teardown(what_is_wrong, begin, end), cmocka_unit_test_setup_teardown(samples, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
