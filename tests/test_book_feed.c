/* data/book_feed.h and the reader of Binance's recorded streams: rules of sequence, gaps, clocks and grids by hand, on a few lines. */
#include "tests/support.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "data/book_feed.h"

static td_error error;
static td_feed_def def;
static td_feed_report report;
static char digest[TD_DIGEST_HEX];
static td_book book;

static int begin(void **state) {
    (void)state;
    def = td_default_feed_def();
    def.path = td_test_path("feed.h5");
    def.instrument = (td_instrument){.symbol = "BTCUSDT", .tick = 0.1, .lot = 0.001, .multiplier = 1};
    unlink(def.path);
    return 0;
}

static int end(void **state) {
    (void)state;
    td_book_close(&book);
    return 0;
}

/* Imports texts as the files of one recording. */
static td_status import_files(const char *symbol, int count, const char *const *texts) {
    const char *files[8];
    td_book_feed *feed;
    td_book_close(&book);
    for (int i = 0; i < count; i++) {
        files[i] = td_test_path("feed%d.txt", i);
        td_test_write(files[i], texts[i]);
    }
    assert_ok(td_feed_open(&def, &feed, &error));
    td_status status = td_book_read_binance_recorded(feed, symbol, count, files, &error);
    if (status != TD_OK) {
        td_feed_abandon(feed);
        return status;
    }
    status = td_feed_close(feed, &report, digest, &error);
    if (status == TD_OK) assert_ok(td_book_open(def.path, true, &book, &error));
    return status;
}
static td_status import_text(const char *text) { return import_files("BTCUSDT", 1, &text); }

#define COUNT(name) ((int)report.counts[TD_FEED_COUNT_##name])

/* Lines as the recorder writes them. Local times begin with T, exchange times are milliseconds behind S. */
#define T "17231612550"                 /* and eight digits of 10 ns */
#define S "17231612550"                 /* and two digits of ms */
#define DIFF(local, ms, U, u, pu, bids, asks)                                                                                          \
    T local " {\"stream\":\"btcusdt@depth@0ms\",\"data\":{\"e\":\"depthUpdate\",\"E\":" S ms ",\"T\":" S ms                           \
            ",\"s\":\"BTCUSDT\",\"U\":" #U ",\"u\":" #u ",\"pu\":" #pu ",\"b\":[" bids "],\"a\":[" asks "]}}\n"
#define SPOT(local, ms, U, u, bids, asks)                                                                                              \
    T local " {\"stream\":\"btcusdt@depth\",\"data\":{\"e\":\"depthUpdate\",\"E\":" S ms ",\"s\":\"BTCUSDT\",\"U\":" #U ",\"u\":" #u  \
            ",\"b\":[" bids "],\"a\":[" asks "]}}\n"
#define REST(local, ms, id, bids, asks)                                                                                                \
    T local " {\"lastUpdateId\":" #id ",\"E\":" S ms ",\"T\":" S ms ",\"bids\":[" bids "],\"asks\":[" asks "]}\n"
#define TRADE(local, ms, id, p, q, m)                                                                                                  \
    T local " {\"stream\":\"btcusdt@trade\",\"data\":{\"e\":\"trade\",\"E\":" S ms ",\"T\":" S ms ",\"s\":\"BTCUSDT\",\"t\":" #id       \
            ",\"p\":\"" p "\",\"q\":\"" q "\",\"X\":\"MARKET\",\"m\":" #m "}}\n"
#define LEVEL(p, q) "[\"" p "\",\"" q "\"]"

/* A tape in a line: kind, exchange ms behind S, local time behind T in units of 1 ms, rows. */
static const char *tape_text(void) {
    static char text[4096];
    static const char kinds[] = "DST_OG";
    char *to = text;
    for (int64_t m = 0; m < book.messages; m++) {
        to += sprintf(to, "%s%c%lld@%lld", m ? " " : "", kinds[book.kind[m]], (long long)((book.exchange_ns[m] / 1000000) % 100),
                      (long long)((book.local_ns[m] - 1723161255000000000) / 1000000));
        for (int64_t r = td_book_row_begin(&book, m); r < book.row_end[m]; r++)
            to += sprintf(to, "%c%dx%lld", td_row_side(book.row[r]) == TD_BUY ? '+' : '-', td_row_tick(book.row[r]), (long long)td_book_lots(&book, r));
    }
    return text;
}

static const char *const futures =
    DIFF("10000000", "01", 90, 95, 89, LEVEL("99.0", "1"), "")
    DIFF("20000000", "02", 96, 105, 95, LEVEL("99.1", "2"), LEVEL("100.5", "0.5"))
    DIFF("30000000", "03", 106, 110, 105, "", LEVEL("100.4", "0.25"))
    REST("40000000", "02", 100, LEVEL("99.2", "3") "," LEVEL("99.0", "1"), LEVEL("100.0", "4"))
    TRADE("45000000", "04", 7, "100.0", "1.5", false)
    DIFF("50000000", "05", 111, 115, 110, LEVEL("99.2", "0"), "")
    TRADE("60000000", "06", 8, "99.1", "0.5", true);

/* Messages that come before the snapshot but are newer follow it; the local clock is behind by 20 ms or so, the least latency of all
 * (10 ms - 1 ms here is 9 ms: nothing to correct). */
static void futures_by_hand(void **state) {
    (void)state;
    assert_ok(import_text(futures));
    assert_string_equal(tape_text(), "S2@40+992x3000+990x1000-1000x4000 D2@40+991x2000-1005x500 D3@40-1004x250 T4@45+1000x1500 D5@50+992x0 "
                                     "T6@60-991x500");
    assert_int_equal(COUNT(messages), 7);
    assert_int_equal(COUNT(depth_messages), 4);
    assert_int_equal(COUNT(before_snapshot), 1);
    assert_int_equal(COUNT(gaps), 0);
    assert_int_equal(COUNT(quarantined), 0);
    assert_int_equal(COUNT(trades), 2);
    assert_int_equal(COUNT(negative_latency), 0);
    assert_int_equal(report.local_shift_ns, 0);
    assert_int_equal(report.least_latency_ns, 9000000);
    assert_int_equal(book.sequence[0], 100);
    assert_int_equal(book.sequence[1], 105);
    assert_int_equal(book.sequence[3], 7);
    assert_string_equal(book.instrument.symbol, "BTCUSDT");
}

/* hftbacktest's converter takes everything in the order of its times. */
static void parity_takes_everything(void **state) {
    (void)state;
    def.parity = true;
    assert_ok(import_text(futures));
    assert_string_equal(tape_text(), "D1@10+990x1000 D2@20+991x2000-1005x500 S2@40+992x3000+990x1000-1000x4000 D3@30-1004x250 T4@45+1000x1500 "
                                     "D5@50+992x0 T6@60-991x500");
    assert_true(book.parity);
    assert_int_equal(book.local_shift[2], 1); /* number 3 was received before number 2 */
    assert_int_equal(book.local_shift[3], -1);
}

static void a_gap_is_marked_and_quarantined(void **state) {
    (void)state;
    const char *text =
        REST("10000000", "01", 100, LEVEL("99.2", "3"), LEVEL("100.0", "4"))
        DIFF("20000000", "02", 99, 105, 98, LEVEL("99.1", "2"), "")
        DIFF("30000000", "03", 108, 110, 107, LEVEL("99.3", "1"), "") /* 106 and 107 are missing */
        DIFF("40000000", "04", 111, 112, 110, LEVEL("99.4", "1"), "")
        TRADE("45000000", "04", 7, "100.0", "1.5", false)
        DIFF("50000000", "05", 113, 114, 112, LEVEL("99.5", "1"), "")
        REST("60000000", "05", 113, LEVEL("99.6", "3"), LEVEL("100.0", "4"))
        DIFF("70000000", "06", 115, 116, 114, LEVEL("99.7", "1"), "");
    assert_ok(import_text(text));
    assert_string_equal(tape_text(), "S1@10+992x3000-1000x4000 D2@20+991x2000 G3@30 T4@45+1000x1500 S5@60+996x3000-1000x4000 D5@60+995x1000 "
                                     "D6@70+997x1000");
    assert_int_equal(COUNT(gaps), 1);
    assert_int_equal(COUNT(quarantined), 2);
    assert_non_null(strstr(report.first[TD_FEED_COUNT_gaps], "feed0.txt:3: update 108, expected one behind 105"));
    def.parity = true;
    assert_ok(import_text(text));
    assert_int_equal(COUNT(gaps), 1); /* counted, and no more */
    assert_int_equal(book.messages, 8);
}

static void duplicates_and_old_snapshots_are_passed_over(void **state) {
    (void)state;
    assert_ok(import_text(REST("10000000", "01", 100, LEVEL("99.2", "3"), LEVEL("100.0", "4"))
                          DIFF("20000000", "02", 99, 105, 98, LEVEL("99.1", "2"), "")
                          DIFF("30000000", "02", 99, 105, 98, LEVEL("99.1", "2"), "")
                          REST("35000000", "02", 103, LEVEL("50.0", "1"), LEVEL("60.0", "1"))
                          TRADE("40000000", "03", 7, "100.0", "1.5", false)
                          TRADE("41000000", "03", 7, "100.0", "1.5", false)
                          DIFF("50000000", "05", 106, 107, 105, LEVEL("99.3", "1"), "")));
    assert_string_equal(tape_text(), "S1@10+992x3000-1000x4000 D2@20+991x2000 T3@40+1000x1500 D5@50+993x1000");
    assert_int_equal(COUNT(duplicates), 2);
    assert_int_equal(COUNT(duplicate_trades), 1);
}

/* Spot: U of the next is at most the last u + 1; snapshots have no time, which is then that of the first message behind them. */
static void spot_by_hand(void **state) {
    (void)state;
    assert_ok(import_text(SPOT("10000000", "01", 90, 95, LEVEL("99.0", "1"), "")
                          SPOT("20000000", "02", 96, 105, LEVEL("99.1", "2"), "")
                          T "40000000 {\"lastUpdateId\":100,\"bids\":[" LEVEL("99.2", "3") "],\"asks\":[" LEVEL("100.0", "4") "]}\n"
                          SPOT("50000000", "05", 106, 107, LEVEL("99.3", "1"), "")
                          SPOT("60000000", "06", 109, 110, LEVEL("99.4", "1"), "")));
    assert_string_equal(tape_text(), "S2@40+992x3000-1000x4000 D2@40+991x2000 D5@50+993x1000 G6@60");
    assert_int_equal(COUNT(gaps), 1);
    assert_int_equal(COUNT(before_snapshot), 1);
}

/* The local clock 100 ms behind: the least latency becomes 0, or what is asked for. */
static void clocks_are_corrected(void **state) {
    (void)state;
    const char *text = REST("10000000", "50", 100, LEVEL("99.2", "3"), LEVEL("100.0", "4"))
        DIFF("20000000", "70", 99, 105, 98, LEVEL("99.1", "2"), "");
    assert_ok(import_text(text));
    assert_int_equal(report.least_latency_ns, -50000000);
    assert_int_equal(report.local_shift_ns, 50000000);
    assert_int_equal(COUNT(negative_latency), 2);
    assert_string_equal(tape_text(), "S50@60+992x3000-1000x4000 D70@70+991x2000");
    def.base_latency_ns = 5000000;
    assert_ok(import_text(text));
    assert_string_equal(tape_text(), "S50@65+992x3000-1000x4000 D70@75+991x2000");
    def.correct_clock = false;
    assert_ok(import_text(text));
    assert_string_equal(tape_text(), "S50@10+992x3000-1000x4000 D70@20+991x2000");
}

static void time_that_runs_backwards(void **state) {
    (void)state;
    const char *text = REST("10000000", "05", 100, LEVEL("99.2", "3"), LEVEL("100.0", "4"))
        DIFF("30000000", "08", 99, 105, 98, LEVEL("99.1", "2"), "")
        DIFF("20000000", "07", 106, 107, 105, LEVEL("99.1", "3"), "");
    assert_ok(import_text(text));
    assert_string_equal(tape_text(), "S5@10+992x3000-1000x4000 D8@30+991x2000 D8@30+991x3000");
    assert_int_equal(COUNT(exchange_regressions), 1);
    assert_int_equal(COUNT(local_regressions), 1);
    def.parity = true;
    assert_ok(import_text(text));
    assert_string_equal(tape_text(), "S5@10+992x3000-1000x4000 D7@20+991x3000 D8@30+991x2000");
    def.parity = false;
    assert_fails(import_text(REST("10000000", "05", 100, LEVEL("99.2", "3"), LEVEL("100.0", "4"))
                             "1723161255020000000 {\"e\":\"depthUpdate\",\"E\":1723151255008,\"T\":1723151255008,\"s\":\"BTCUSDT\","
                             "\"U\":99,\"u\":105,\"pu\":98,\"b\":[],\"a\":[" LEVEL("100.0", "1") "]}\n"),
                 TD_BAD_DATA, "exchange time runs backwards by more than an hour");
}

static void prices_off_the_grid(void **state) {
    (void)state;
    assert_fails(import_text(REST("10000000", "05", 100, LEVEL("99.25", "3"), LEVEL("100.0", "4"))), TD_BAD_DATA,
                 "1 of 2 rows are off the grid of tick 0.1 and lot 0.001 (more than 0.001 of all), the first at");
    assert_non_null(strstr(error.message, "feed0.txt:1: price 99.25, step 0.1; are --tick and --lot right?"));
    assert_int_equal(access(def.path, F_OK), -1);
    def.off_grid_max = 1;
    const char *text = REST("10000000", "05", 100, LEVEL("99.2", "3"), LEVEL("100.0", "4"))
        DIFF("20000000", "08", 99, 105, 98, LEVEL("99.1", "0.0004"), "") /* dust is a lot */
        DIFF("30000000", "09", 106, 107, 105, LEVEL("99.14", "1"), "");
    assert_ok(import_text(text));
    assert_string_equal(tape_text(), "S5@10+992x3000-1000x4000 D8@20+991x1 G9@30");
    assert_int_equal(COUNT(off_grid_prices), 1);
    assert_int_equal(COUNT(off_grid_quantities), 1);
    def.parity = true;
    assert_ok(import_text(text));
    assert_string_equal(tape_text(), "S5@10+992x3000-1000x4000 D8@20+991x0 D9@30+991x1000");
}

static void what_is_no_number(void **state) {
    (void)state;
    assert_ok(import_text(REST("10000000", "05", 100, LEVEL("99.2", "3"), LEVEL("100.0", "4"))
                          DIFF("20000000", "08", 99, 105, 98, LEVEL("99.1", "nan"), "")
                          DIFF("30000000", "09", 106, 107, 105, LEVEL("99.1", "1"), "")
                          TRADE("40000000", "09", 3, "-5", "1", true)));
    assert_string_equal(tape_text(), "S5@10+992x3000-1000x4000 G8@20");
    assert_int_equal(COUNT(not_numbers), 2);
    assert_non_null(strstr(report.first[TD_FEED_COUNT_not_numbers], "quantity nan"));
    assert_fails(import_text(REST("10000000", "05", 100, LEVEL("999999999.0", "3"), "")), TD_BAD_DATA, "nothing that a book tape could hold");
}

static void a_crossed_book_is_counted(void **state) {
    (void)state;
    assert_ok(import_text(REST("10000000", "05", 100, LEVEL("99.2", "3"), LEVEL("100.0", "4"))
                          DIFF("20000000", "08", 99, 105, 98, LEVEL("100.1", "1"), "")
                          DIFF("30000000", "09", 106, 107, 105, "", LEVEL("100.1", "1"))
                          DIFF("40000000", "10", 108, 109, 107, LEVEL("99.2", "0") "," LEVEL("50.0", "0"), "")));
    assert_int_equal(COUNT(crossed), 1);
    assert_int_equal(COUNT(locked), 1);
    assert_int_equal(COUNT(unknown_levels), 1);
}

static void a_book_without_a_snapshot(void **state) {
    (void)state;
    const char *text = DIFF("20000000", "02", 99, 105, 98, LEVEL("99.1", "2"), "") TRADE("45000000", "04", 7, "100.0", "1.5", false);
    assert_fails(import_text(text), TD_BAD_DATA, "no snapshot of the book among 2 messages, so its 1 depth messages cannot be used");
    assert_int_equal(access(def.path, F_OK), -1);
    def.parity = true;
    assert_ok(import_text(text));
    assert_ok(import_text(TRADE("45000000", "04", 7, "100.0", "1.5", false))); /* trades alone need none */
}

/* Splitting at any line changes nothing: not in a second file without a snapshot, not without a last newline. */
static void splitting_changes_nothing(void **state) {
    (void)state;
    char whole[TD_DIGEST_HEX];
    assert_ok(import_text(futures));
    strcpy(whole, digest);
    size_t length = strlen(futures);
    for (const char *at = strchr(futures, '\n'); at && at[1]; at = strchr(at + 1, '\n')) {
        char *first = strndup(futures, (size_t)(at - futures)), *second = strdup(at + 1);
        assert_ok(import_files("BTCUSDT", 2, (const char *const[]){first, second}));
        assert_string_equal(digest, whole);
        free(first);
        free(second);
    }
    assert_true(length > 0);
}

static void other_streams(void **state) {
    (void)state;
#define AGG(local, ms, id)                                                                                                             \
    T local " {\"e\":\"aggTrade\",\"E\":" S ms ",\"a\":" #id ",\"s\":\"BTCUSDT\",\"p\":\"100.0\",\"q\":\"2\",\"f\":1,\"l\":2,\"T\":" S ms ",\"m\":true}\n"
#define MARK(local, ms, r, due)                                                                                                        \
    T local " {\"stream\":\"btcusdt@markPrice@1s\",\"data\":{\"e\":\"markPriceUpdate\",\"E\":" S ms ",\"s\":\"BTCUSDT\",\"p\":\"100.5\","           \
            "\"P\":\"100.6\",\"i\":\"100.4\",\"r\":\"" r "\",\"T\":" due "}}\n"
    assert_ok(import_text(
        T "00000000 {\"result\":null,\"id\":1}\n"
        TRADE("10000000", "01", 7, "100.0", "1.5", false)
        AGG("11000000", "01", 5)
        T "12000000 {\"e\":\"trade\",\"E\":1723161255001,\"T\":1723161255001,\"s\":\"BTCUSDT\",\"t\":9,\"p\":\"0\",\"q\":\"0\",\"X\":\"NA\",\"m\":true}\n"
        T "13000000 {\"stream\":\"btcusdt@depth20\",\"data\":{\"lastUpdateId\":3,\"bids\":[],\"asks\":[]}}\n"
        T "14000000 {\"e\":\"kline\",\"s\":\"BTCUSDT\",\"k\":{\"o\":\"{[\\\"]}\",\"x\":[1,[2],{}]}}\n"
        MARK("20000000", "20", "0.0001", "1723161255040")
        MARK("30000000", "30", "0.0002", "1723161255040")
        MARK("41000000", "41", "0.0003", "1723161256000")
        TRADE("50000000", "50", 8, "100.0", "1.5", false)));
    assert_int_equal(COUNT(other), 5);
    assert_int_equal(COUNT(trades), 2);
    assert_int_equal(COUNT(broken), 0);
    assert_int_equal(book.funding_count, 1);
    assert_int_equal(book.funding[0].time_ns, 1723161255040000000);
    assert_true(book.funding[0].rate == 0.0002 && book.funding[0].mark == 100.5);
    /* microseconds, blanks, another order of the members, aggregated trades alone */
    assert_ok(import_text("1723161255000001 { \"data\" : {\"T\": 1723161255000000, \"m\":false ,\"q\":\"1\",\"p\":\"2.0\",\"a\":1,\"s\":\"btcusdt\","
                          "\"e\":\"aggTrade\"}, \"stream\":\"x\" }\r\n\n"));
    assert_string_equal(tape_text(), "T0@0+20x1000");
    assert_int_equal(book.local_ns[0], 1723161255000001000);
}

static void symbols_are_not_mixed(void **state) {
    (void)state;
#define OF(symbol) T "10000000 {\"e\":\"trade\",\"E\":1,\"T\":1723161255001,\"s\":\"" symbol "\",\"t\":9,\"p\":\"1\",\"q\":\"2\",\"m\":true}\n"
    assert_ok(import_text(OF("ETHUSDT") OF("BTCUSDT") OF("ETHUSDT")));
    assert_int_equal(book.messages, 1);
    assert_int_equal(COUNT(other), 2);
    const char *text = OF("ETHUSDT") OF("BTCUSDT");
    assert_fails(import_files(NULL, 1, &text), TD_BAD_DATA, "feed0.txt:2: a message of BTCUSDT among those of ETHUSDT; say which with --symbol");
    assert_fails(import_text(OF("ETHUSDT")), TD_BAD_DATA, "has messages of ETHUSDT, none of BTCUSDT");
    assert_fails(import_text(OF("BTCUSDT") OF("ETHUSDT") REST("20000000", "02", 3, "", LEVEL("2", "2"))), TD_BAD_DATA,
                 "mixes BTCUSDT and ETHUSDT, and its snapshots do not say whose they are");
}

/* Each is one broken line: counted, with its place, and nothing else happens. */
static void broken_lines_are_counted(void **state) {
    (void)state;
    static const char *const lines[] = {
        "x",
        "1723161255012000000",
        "1723161255012000000 ",
        "1723161255012000000 {",
        "1723161255012000000 {}x",
        "1723161255012000000 []",
        "1723161255012000000 {\"e\":\"trade\"",
        "1723161255012000000 {\"e\":\"trade}",
        "1723161255012000000 {\"e\" \"trade\"}",
        "1723161255012000000 {\"e\":\"trade\",}",
        "1723161255012000000 {\"e\":\"trade\",\"e\":\"trade\"}",
        "12 {\"e\":\"trade\",\"T\":1723161255001}",
        "1723161255012000000 {\"e\":\"trade\",\"s\":\"BTCUSDT\"}",
        "1723161255012000000 {\"e\":\"trade\",\"s\":\"BTCUSDT\",\"T\":1723161255001,\"t\":1,\"p\":\"1\",\"q\":\"1\",\"m\":1}",
        "1723161255012000000 {\"e\":\"trade\",\"s\":\"BTCUSDT\",\"T\":17,\"t\":1,\"p\":\"1\",\"q\":\"1\",\"m\":true}",
        "1723161255012000000 {\"e\":\"depthUpdate\",\"s\":\"BTCUSDT\",\"T\":1723161255001,\"U\":2,\"u\":1,\"b\":[],\"a\":[]}",
        "1723161255012000000 {\"e\":\"depthUpdate\",\"s\":\"BTCUSDT\",\"T\":1723161255001,\"U\":1,\"u\":1,\"b\":[]}",
        "1723161255012000000 {\"e\":\"depthUpdate\",\"s\":\"BTCUSDT\",\"T\":1723161255001,\"U\":1,\"u\":1,\"b\":[[\"1\"]],\"a\":[]}",
        "1723161255012000000 {\"e\":\"depthUpdate\",\"s\":\"BTCUSDT\",\"T\":1723161255001,\"U\":1,\"u\":1,\"b\":[[1,2]],\"a\":[]}",
        "1723161255012000000 {\"e\":\"depthUpdate\",\"s\":\"BTCUSDT\",\"T\":1723161255001,\"U\":1,\"u\":1,\"b\":[[\"1\",\"2\"],],\"a\":[]}",
        "1723161255012000000 {\"lastUpdateId\":\"x\",\"bids\":[],\"asks\":[]}",
        "1723161255012000000 {\"u\":1,\"s\":\"BTCUSDT\",\"b\":\"1\",\"B\":\"1\",\"A\":\"1\"}",
    };
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        char *text;
        assert_true(asprintf(&text, "%s%s\n%s", TRADE("10000000", "01", 7, "100.0", "1.5", false), lines[i],
                             TRADE("20000000", "02", 8, "100.0", "1.5", false)) > 0);
        td_status status = import_text(text);
        if (status != TD_OK || COUNT(broken) != 1 || book.messages != 2) fail_msg("not one broken line: %s (%s)", lines[i], error.message);
        assert_non_null(strstr(report.first[TD_FEED_COUNT_broken], "feed0.txt:2: a "));
        free(text);
    }
    char many[4096] = "";
    for (int i = 0; i < 11; i++) strcat(many, "x\n");
    strcat(many, TRADE("10000000", "01", 7, "100.0", "1.5", false));
    assert_fails(import_text(many), TD_BAD_DATA, "11 of 12 lines cannot be read, the first is a line that does not begin with a local time");
    char none[4096] = "";
    for (int i = 0; i < 200; i++) strcat(none, "a,b\n");
    assert_fails(import_text(none), TD_BAD_DATA, "none of the first 100 lines is `local_ns json`");
    assert_fails(import_text(TRADE("10000000", "01", 7, "100.0", "1.5", false) "1723161255012000000 {\"e\":\"tra"), TD_BAD_DATA,
                 "ends in the middle of line 2: the file is truncated");
    assert_fails(import_text(""), TD_BAD_DATA, "is empty");
}

static void a_truncated_gzip_is_refused(void **state) {
    (void)state;
    const char *path = td_test_path("lines.txt"), *cut = td_test_path("cut.gz");
    FILE *file = fopen(path, "w");
    for (int i = 0; i < 2000; i++)
        fprintf(file, "17231612550%08d {\"e\":\"trade\",\"T\":1723161255001,\"s\":\"BTCUSDT\",\"t\":%d,\"p\":\"1\",\"q\":\"2\",\"m\":true}\n", i, i);
    fclose(file);
    assert_int_equal(td_test_run(NULL, NULL, "gzip -c %s > %s.full && head -c 4000 %s.full > %s", path, cut, cut, cut), 0);
    td_book_feed *feed;
    assert_ok(td_feed_open(&def, &feed, &error));
    assert_fails(td_book_read_binance_recorded(feed, "BTCUSDT", 1, &cut, &error), TD_BAD_DATA, "cannot be unpacked after");
    td_feed_abandon(feed);
    assert_int_equal(access(def.path, F_OK), -1);
}

/* More lots than 32 bits: through the feed, held before the snapshot, and in a snapshot that has to be sorted. */
static void large_quantities(void **state) {
    (void)state;
    def.instrument.lot = 1e-8;
    assert_ok(import_text(DIFF("20000000", "02", 96, 105, 95, LEVEL("99.1", "100"), "")
                          REST("40000000", "02", 100, LEVEL("99.0", "1") "," LEVEL("99.2", "50"), LEVEL("100.0", "42.94967295"))));
    assert_string_equal(tape_text(), "S2@40+992x5000000000+990x100000000-1000x4294967295 D2@40+991x10000000000");
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
        TEST(futures_by_hand),
        TEST(parity_takes_everything),
        TEST(a_gap_is_marked_and_quarantined),
        TEST(duplicates_and_old_snapshots_are_passed_over),
        TEST(spot_by_hand),
        TEST(clocks_are_corrected),
        TEST(time_that_runs_backwards),
        TEST(prices_off_the_grid),
        TEST(what_is_no_number),
        TEST(a_crossed_book_is_counted),
        TEST(a_book_without_a_snapshot),
        TEST(splitting_changes_nothing),
        TEST(other_streams),
        TEST(symbols_are_not_mixed),
        TEST(broken_lines_are_counted),
        TEST(a_truncated_gzip_is_refused),
        TEST(large_quantities),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
