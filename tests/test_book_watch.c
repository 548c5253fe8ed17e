/* data/book_watch.h and data/book_quality.h: the rebuilt book against a plain one, and against tickers. */
#include "tests/support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "data/book_quality.h"
#include "data/ladder.h"

static td_error error;
static td_book_watch *watch;
static td_watch_finding found;

static int begin(void **state) {
    (void)state;
    assert_ok(td_book_watch_open(&watch, &error));
    return 0;
}
static int end(void **state) {
    (void)state;
    td_book_watch_close(watch);
    return 0;
}

static void send(td_book_kind kind, uint64_t sequence, int count, const td_book_row *rows, bool parity) {
    const td_book_message m = {.sequence = sequence, .kind = kind, .seen = TD_BOOK_SEEN, .rows = count, .row = rows};
    assert_ok(td_book_watch_message(watch, &m, parity, &found, &error));
}
#define SEND(kind, sequence, parity, ...)                                                                                              \
    send(kind, sequence, (int)(sizeof((td_book_row[]){__VA_ARGS__}) / sizeof(td_book_row)), (td_book_row[]){__VA_ARGS__}, parity)
#define BID(tick, lots) td_row_make(TD_BUY, tick, lots)
#define ASK(tick, lots) td_row_make(TD_SELL, tick, lots)

static void ticker(uint64_t sequence, int32_t bid, uint32_t bid_lots, int32_t ask, uint32_t ask_lots) {
    td_book_watch_ticker(watch, &(td_book_ticker){.sequence = sequence, .bid = BID(bid, bid_lots), .ask = ASK(ask, ask_lots)});
}

static void snapshots_and_clears(void **state) {
    (void)state;
    td_watch_result r;
    SEND(TD_BOOK_SNAPSHOT, 1, false, BID(100, 5), BID(98, 4), ASK(101, 3), ASK(103, 2));
    SEND(TD_BOOK_DEPTH, 2, false, BID(97, 1), ASK(104, 1), BID(98, 0), ASK(102, 0));
    assert_int_equal(found.unknown_levels, 1);
    SEND(TD_BOOK_SNAPSHOT, 3, true, BID(100, 7), BID(98, 6), ASK(102, 5));
    td_book_watch_finish(watch, &r);
    assert_int_equal(r.bid, 100);
    assert_int_equal(r.bid_lots, 7);
    assert_int_equal(r.bid_levels, 3); /* parity: 97 lies behind the worst price named */
    assert_int_equal(r.ask, 102);      /* and 101 before it */
    assert_int_equal(r.ask_levels, 3);
    SEND(TD_BOOK_SNAPSHOT, 4, false, BID(99, 1), ASK(105, 1));
    td_book_watch_finish(watch, &r);
    assert_int_equal(r.bid_levels, 1);
    assert_int_equal(r.ask_levels, 1);
    SEND(TD_BOOK_DEPTH, 5, false, BID(98, 1), BID(97, 1));
    SEND(TD_BOOK_CLEAR, 6, false, BID(98, 0));
    td_book_watch_finish(watch, &r);
    assert_int_equal(r.bid, 97);
    send(TD_BOOK_GAP, 0, 0, NULL, false);
    td_book_watch_finish(watch, &r);
    assert_int_equal(r.bid, TD_NO_BID);
    assert_int_equal(r.ask_levels, 0);
}

static void crossed_books(void **state) {
    (void)state;
    td_watch_result r;
    SEND(TD_BOOK_SNAPSHOT, 1, false, BID(100, 5), BID(99, 4), ASK(101, 3), ASK(103, 2));
    SEND(TD_BOOK_DEPTH, 2, false, BID(102, 1));
    assert_true(found.crossed && !found.locked);
    td_book_watch_finish(watch, &r);
    assert_int_equal(r.bid, 102);
    assert_int_equal(r.ask, 103); /* 101 cannot be any more */
    SEND(TD_BOOK_DEPTH, 3, false, ASK(102, 1));
    assert_true(found.locked && !found.crossed);
    SEND(TD_BOOK_DEPTH, 4, false, BID(50, 1));
    assert_false(found.crossed || found.locked);
    td_book_watch_finish(watch, &r);
    assert_int_equal(r.bid, 100);
    assert_int_equal(r.ask, 102);
}

/* A message is compared with the last ticker not newer than it, whichever comes first. */
static void tickers(void **state) {
    (void)state;
    td_watch_result r;
    SEND(TD_BOOK_SNAPSHOT, 10, false, BID(100, 5), ASK(101, 3));
    SEND(TD_BOOK_DEPTH, 12, false, BID(100, 6));
    ticker(11, 100, 5, 101, 3); /* 12 has none of its own yet */
    ticker(12, 100, 6, 101, 3);
    ticker(13, 100, 7, 101, 3);
    ticker(14, 100, 8, 101, 3);
    SEND(TD_BOOK_DEPTH, 13, false, BID(100, 7)); /* late: two tickers are newer */
    ticker(5, 1, 1, 2, 2);                       /* passed over */
    SEND(TD_BOOK_DEPTH, 16, false, BID(100, 8)); /* as after 14 */
    ticker(17, 100, 9, 101, 3);
    SEND(TD_BOOK_DEPTH, 18, false, BID(100, 10)); /* differs from 17 */
    td_book_watch_finish(watch, &r);
    assert_int_equal(r.compared, 4);
    assert_int_equal(r.equal, 3);
    assert_string_equal(r.first_difference, "after update 18 the book is 100 x 10, 101 x 3; the ticker says 100 x 9, 101 x 3 (ticks x lots)");
}

/* Orders come, change and go, some that nobody knows; the levels are the sums of a plain list. */
static void orders(void **state) {
    (void)state;
    enum { IDS = 20000, TICKS = 64 };
    static int64_t lots_of[IDS];
    static int32_t place_of[IDS];
    int64_t unknown = 0, said = 0;
    for (uint64_t i = 0; i < 200000; i++) {
        uint64_t bits = td_random_bits(9, TD_PURPOSE_TEST, 1, i), id = bits % IDS;
        td_side side = (td_side)(bits >> 20 & 1);
        int32_t tick = 1000 + (side ? 100 : 0) + (int32_t)(bits >> 24 & (TICKS - 1));
        uint32_t lots = 1 + (uint32_t)(bits >> 40) % 100;
        uint8_t action = (uint8_t)(bits >> 50) % 6;
        if (action == TD_ACTION_CLEAR && i % 5000) action = TD_ACTION_ADD;
        uint64_t key = action == TD_ACTION_CLEAR ? 0 : id + 100;
        const td_book_row row = td_row_make(side, tick, lots);
        const td_book_message m = {.kind = TD_BOOK_ORDERS, .seen = TD_BOOK_SEEN, .rows = 1, .row = &row, .order_id = &key, .action = &action};
        assert_ok(td_book_watch_message(watch, &m, false, &found, &error));
        said += found.unknown_orders;
        if (action == TD_ACTION_CLEAR) {
            for (int k = 0; k < IDS; k++)
                if ((place_of[k] & 1) == (int)side) lots_of[k] = 0;
        } else if (action == TD_ACTION_CANCEL) {
            unknown += !lots_of[id];
            lots_of[id] = lots_of[id] > lots ? lots_of[id] - lots : 0;
        } else if (action == TD_ACTION_ADD || action == TD_ACTION_MODIFY) {
            unknown += action == TD_ACTION_MODIFY && !lots_of[id];
            lots_of[id] = lots;
            place_of[id] = row.tick_side;
        }
    }
    assert_int_equal(said, unknown);
    int64_t level[2][TICKS] = {0}, levels[2] = {0}, best[2] = {-1, TICKS}, best_lots[2] = {0};
    for (int k = 0; k < IDS; k++)
        if (lots_of[k]) level[place_of[k] & 1][((place_of[k] >> 1) - 1000) % 100] += lots_of[k];
    for (int side = 0; side < 2; side++)
        for (int t = 0; t < TICKS; t++) {
            int at = side ? TICKS - 1 - t : t;
            if (!level[side][at]) continue;
            levels[side]++;
            best[side] = at;
            best_lots[side] = level[side][at];
        }
    td_watch_result r;
    td_book_watch_finish(watch, &r);
    assert_int_equal(r.bid_levels, levels[0]);
    assert_int_equal(r.ask_levels, levels[1]);
    assert_int_equal(r.bid, 1000 + best[0]);
    assert_int_equal(r.ask, 1100 + best[1]);
    assert_int_equal(r.bid_lots, best_lots[0]);
    assert_int_equal(r.ask_lots, best_lots[1]);
    const uint8_t clear = TD_ACTION_CLEAR;
    const uint64_t both = 1;
    const td_book_row none = BID(0, 0);
    assert_ok(td_book_watch_message(watch, &(td_book_message){.kind = TD_BOOK_ORDERS, .seen = TD_BOOK_SEEN, .rows = 1, .row = &none,
                                                              .order_id = &both, .action = &clear}, false, &found, &error));
    td_book_watch_finish(watch, &r);
    assert_int_equal(r.bid_levels + r.ask_levels, 0);
}

/* A tape built by hand: kinds, latencies, order of arrival, wide rows. */
static void quality_by_hand(void **state) {
    (void)state;
    static const int64_t exchange_ns[] = {10, 20, 30, 40}, local_ns[] = {15, 60, 31, 47}, row_end[] = {2, 3, 4, 4};
    static const uint8_t kind[] = {TD_BOOK_SNAPSHOT, TD_BOOK_TRADE, TD_BOOK_DEPTH, TD_BOOK_GAP}, seen[] = {3, 3, 3, 3};
    static const int32_t shift[] = {0, 1, 1, -2};
    const td_book_row row[] = {BID(100, TD_LOTS_WIDE), ASK(101, 2), BID(100, 1), BID(101, 3)};
    static const int64_t wide_row[] = {0}, wide_lots[] = {7000000000};
    const td_book book = {.instrument = {.symbol = "X", .tick = 1, .lot = 1, .multiplier = 1}, .messages = 4, .rows = 4,
                          .exchange_ns = exchange_ns, .local_ns = local_ns, .row_end = row_end, .kind = kind, .seen = seen,
                          .local_shift = shift, .row = row, .wide_count = 1, .wide_row = wide_row, .wide_lots = wide_lots};
    td_book_quality q;
    assert_ok(td_book_quality_scan(&book, &q, &error));
    for (int k = 0; k < TD_BOOK_KIND_COUNT; k++)
        assert_int_equal(q.kinds[k], k == TD_BOOK_CLEAR || k == TD_BOOK_ORDERS ? 0 : 1);
    assert_int_equal(q.rows[TD_BOOK_SNAPSHOT], 2);
    assert_int_equal(q.locked, 1);
    assert_int_equal(q.crossed, 0);
    assert_int_equal(q.first_gap_ns, 40);
    assert_int_equal(q.least_latency_ns, 1);
    assert_int_equal(q.most_latency_ns, 40);
    assert_int_equal(q.out_of_local_order, 1);
    assert_int_equal(q.tickers, 0);
    assert_int_equal(q.book.bid_levels, 0); /* behind the gap */
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
        TEST(snapshots_and_clears), TEST(crossed_books), TEST(tickers), TEST(orders), TEST(quality_by_hand),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
