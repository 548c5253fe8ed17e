/* The rules of docs/book-rules.md, one test each, worked out by hand on a few messages; the test's name begins with the rule's id, and
 * tests/check_rule_tests.py holds the two lists together. Times are nanoseconds, the clock strikes every 10; ticks and lots are 1. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/book_plays.h"

static td_made *made; /* the first venue's tape */
static td_play_def def;
static td_set set;
static td_kept now;

/* A tape with nothing on it. */
static void fresh(void) {
    made = td_made_book();
    def.book.venues[0].book = &made->book;
}

static int start(void **state) {
    (void)state;
    def = td_default_play_def();
    def.strategy = &td_script;
    def.blocks = 2;
    def.book.clock_ns = 10;
    def.book.sample_ns = 10;
    def.book.venue_count = 1;
    fresh();
    set = td_book_set(&td_script);
    td_script_hooks = (td_book_hooks){.on_timer = true, .depth = 1, .venues = 1};
    return 0;
}

/* Rows as "B100x5 A102x7": bids and asks (of trades: buyers and sellers took), price and quantity. */
static void say_to(td_made *to, td_book_kind kind, int64_t exchange_ns, int64_t local_ns, const char *rows) {
    td_made_message(to, kind, exchange_ns, local_ns);
    for (char side; *rows;) {
        int tick, lots, used;
        assert_int_equal(sscanf(rows, " %c%dx%d%n", &side, &tick, &lots, &used), 3);
        td_made_row(to, side == 'B' ? TD_BUY : TD_SELL, tick, lots);
        rows += used;
    }
}
/* Received when sent. */
static void depth(int64_t ns, const char *rows) { say_to(made, TD_BOOK_DEPTH, ns, ns, rows); }
static void trade(int64_t ns, const char *rows) { say_to(made, TD_BOOK_TRADE, ns, ns, rows); }
static void snapshot(int64_t ns, const char *rows) { say_to(made, TD_BOOK_SNAPSHOT, ns, ns, rows); }
static void gap(int64_t ns) { say_to(made, TD_BOOK_GAP, ns, ns, ""); }
static void orders(int64_t ns) { say_to(made, TD_BOOK_ORDERS, ns, ns, ""); }
/* A last message, so that there is time for what is before it. */
static void until(int64_t ns) { depth(ns, ""); }

#define BUY_AT(ns, kind, price, size) {.at_ns = (ns), .side = TD_BUY, .tif = (kind), .tick = (price), .quantity = (size)}
#define SELL_AT(ns, kind, price, size) {.at_ns = (ns), .side = TD_SELL, .tif = (kind), .tick = (price), .quantity = (size)}
#define CANCEL_AT(ns, way, which) {.at_ns = (ns), .kind = TD_REQUEST_CANCEL, .side = (way), .slot = (which)}
#define MODIFY_AT(ns, way, which, price, size)                                                                                   \
    {.at_ns = (ns), .kind = TD_REQUEST_MODIFY, .side = (way), .slot = (which), .tick = (price), .quantity = (size)}
#define PLAY(...) play((const td_line[]){__VA_ARGS__}, (int)(sizeof((const td_line[]){__VA_ARGS__}) / sizeof(td_line)))
static void play(const td_line *lines, int count) {
    for (int v = 0; v < def.book.venue_count; v++) td_made_finish((td_made *)(void *)((char *)def.book.venues[v].book - offsetof(td_made, book)));
    td_script_lines = lines;
    td_script_count = count;
    td_keep_play(&def, &set, &now);
}

static void expect(int i, td_execution_reason reason, td_side side, int tick, int lots, int64_t exchange_ns) {
    if (i >= now.count) fail_msg("%d executions, expected number %d", now.count, i);
    const td_execution *e = &now.execution[i];
    if (e->reason != reason || e->side != side || e->tick != tick || e->lots != lots || e->exchange_ns != exchange_ns)
        fail_msg("execution %d: %s of side %d, %lld at %lld, time %lld; expected %s of side %d, %d at %d, time %lld", i,
                 td_execution_reason_name(e->reason), e->side, (long long)e->lots, (long long)e->tick, (long long)e->exchange_ns,
                 td_execution_reason_name(reason), side, lots, tick, (long long)exchange_ns);
}
#define expect_executions(n) assert_int_equal(now.count, n)
#define metric(name) (now.cell.metrics[TD_METRIC_##name])
#define expect_metric(name, value) assert_near(metric(name), (value), 1e-12)
#define EACH_MODE for (int mode = 0; mode < 2; mode++) if (fresh(), def.book.mode = (td_book_mode)mode, true)
#define EACH_EXCHANGE for (int exchange = 0; exchange < 2; exchange++) if (set.knob[TD_KNOB_exchange] = exchange, true)

static double model(const char *name) {
    td_error error;
    double code;
    assert_ok(td_queue_parse(name, &code, &error));
    return code;
}

/* ---- time ---- */

static void B01_two_sides(void **state) {
    (void)state;
    EACH_MODE {
        snapshot(0, "B100x5 A102x5");
        say_to(made, TD_BOOK_DEPTH, 12, 47, "A102x0 A105x5"); /* the exchange's ask moves at 12, and is heard of at 47 */
        until(60);
        PLAY(BUY_AT(20, TD_IOC, 105, 1));
        expect_executions(1);
        expect(0, TD_EXECUTION_taker, TD_BUY, 105, 1, 20); /* at the exchange's price, not at what was seen */
        assert_int_equal(now.state[3][0].ask, 102);        /* at 40 */
        assert_int_equal(now.state[4][0].ask, 105);
    }
}

static void B02_order_of_what_is_at_the_same_time(void **state) {
    (void)state;
    EACH_MODE {
        snapshot(0, "B100x5 A102x5");
        depth(20, "A102x0 A103x4"); /* the order that arrives at 20 finds this done */
        trade(30, "A100x5");        /* at 30 the queue is 5 long: this trade is before the second order */
        until(60);
        PLAY(BUY_AT(20, TD_IOC, 104, 1), BUY_AT(30, TD_GTC, 100, 1));
        expect_executions(1);
        expect(0, TD_EXECUTION_taker, TD_BUY, 103, 1, 20);
    }
}

static void B03_the_clock(void **state) {
    (void)state;
    snapshot(5, "B100x5 A102x5");
    depth(25, "A102x0 A103x5");
    until(50);
    PLAY(BUY_AT(15, TD_IOC, 103, 1), BUY_AT(25, TD_IOC, 103, 1));
    assert_int_equal(now.steps, 4); /* 15, 25, 35, 45 */
    assert_int_equal(now.state[1][0].local_ns, 25);
    assert_int_equal(now.state[1][0].ask, 103); /* what is received at the same time has been seen */
    expect(0, TD_EXECUTION_taker, TD_BUY, 102, 1, 15);
    expect(1, TD_EXECUTION_taker, TD_BUY, 103, 1, 25);
    assert_true(now.state[1][0].position == 1); /* the one at 15; that of 25 came after */
}

static void B04_nothing_overtakes(void **state) {
    (void)state;
    /* feed latency is 40 until 22, and 0 from then on */
    set.knob[TD_KNOB_latency_model] = TD_LATENCY_FEED;
    say_to(made, TD_BOOK_SNAPSHOT, 0, 0, "B100x5 A102x5");
    say_to(made, TD_BOOK_DEPTH, 5, 45, "B99x1");
    say_to(made, TD_BOOK_DEPTH, 51, 51, "B98x1");
    until(200);
    PLAY(BUY_AT(50, TD_GTC, 101, 3), BUY_AT(60, TD_IOC, 102, 1));
    /* the first is sent at 50 with 40 of delay, the second at 60 with none: both arrive at 90, in the order of sending */
    expect_executions(1);
    expect(0, TD_EXECUTION_taker, TD_BUY, 102, 1, 90);
}

static void B05_rejected_on_the_way(void **state) {
    (void)state;
    static const td_latency_row rows[] = {{0, 0, 7}, {1000, 0, 1007}};
    def.book.latency_rows = rows;
    def.book.latency_row_count = 2;
    set.knob[TD_KNOB_latency_model] = TD_LATENCY_ROWS;
    def.book.order_limit = 1;
    snapshot(0, "B100x5 A102x5");
    until(100);
    PLAY(BUY_AT(10, TD_IOC, 102, 1), BUY_AT(20, TD_IOC, 102, 1));
    expect_executions(0);
    expect_metric(orders, 2); /* at 17 it was known that the first is no more: there was room for the second */
    expect_metric(requests_rejected, 2);
    expect_metric(orders_expired, 0);
}

static void B06_the_end(void **state) {
    (void)state;
    set.knob[TD_KNOB_latency] = 25;
    snapshot(0, "B100x5 A102x5");
    until(40);
    PLAY(BUY_AT(30, TD_IOC, 102, 1), BUY_AT(40, TD_IOC, 102, 1));
    assert_int_equal(now.steps, 3); /* none at 40, when there is nothing to come */
    expect_executions(1);           /* but what is on the way is carried out */
    expect(0, TD_EXECUTION_taker, TD_BUY, 102, 1, 55);
    assert_int_equal(now.execution[0].local_ns, 80);
}

static void B07_messages_and_executions(void **state) {
    (void)state;
    td_script_hooks = (td_book_hooks){.on_book = true, .on_fill = true, .depth = 1, .venues = 1};
    set.knob[TD_KNOB_latency] = 3;
    snapshot(0, "B100x5 A102x5");
    say_to(made, TD_BOOK_TRADE, 13, 14, "B102x1");
    until(40);
    PLAY({.at_ns = 14, .cause = TD_CAUSE_BOOK, .side = TD_BUY, .tif = TD_IOC, .tick = 102, .quantity = 1},
         {.at_ns = 20, .cause = TD_CAUSE_FILL, .side = TD_SELL, .tif = TD_IOC, .tick = 100, .quantity = 1},
         {.at_ns = 40, .cause = TD_CAUSE_BOOK, .side = TD_BUY, .tif = TD_IOC, .tick = 102, .quantity = 1});
    expect_executions(2);
    expect(0, TD_EXECUTION_taker, TD_BUY, 102, 1, 17);
    expect(1, TD_EXECUTION_taker, TD_SELL, 100, 1, 23); /* decided when the first was heard of */
}

/* ---- books ---- */

static void B08_gaps(void **state) {
    (void)state;
    snapshot(0, "B100x5 A102x5");
    gap(15);
    trade(25, "A100x50"); /* would fill it */
    depth(26, "A100x5");
    snapshot(45, "B100x3 A102x5");
    trade(55, "A100x4");
    until(100);
    PLAY(BUY_AT(10, TD_GTC, 100, 1), BUY_AT(20, TD_GTC, 99, 1), SELL_AT(30, TD_MARKET, 0, 1));
    expect_executions(1);
    expect(0, TD_EXECUTION_queue, TD_BUY, 100, 1, 55); /* 5 ahead, and after the gap no more than 3 */
    expect_metric(orders_expired, 2);                  /* those that arrived in it */
    assert_int_equal(now.state[1][0].bid, TD_NO_BID);
    assert_int_equal(now.state[3][0].ask, TD_NO_ASK);
    assert_int_equal(now.state[4][0].ask, 102);
    expect_metric(gap_time, 30e-9);
    /* parity knows no gaps */
    def.book.mode = TD_MODE_PARITY;
    PLAY(BUY_AT(10, TD_GTC, 100, 1));
    expect(0, TD_EXECUTION_queue, TD_BUY, 100, 1, 25);
    expect_metric(gap_time, 0);
    /* a clear of everything says what the book is as well, one of some levels does not */
    fresh();
    def.book.mode = TD_MODE_STRICT;
    snapshot(0, "B100x5 A102x5");
    gap(15);
    say_to(made, TD_BOOK_CLEAR, 25, 25, "B100x0");
    depth(26, "B100x2 A102x5");
    say_to(made, TD_BOOK_CLEAR, 35, 35, "");
    depth(36, "B100x2 A102x5");
    until(100);
    PLAY(BUY_AT(30, TD_GTC, 100, 1), SELL_AT(40, TD_MARKET, 0, 1));
    expect_executions(1);
    expect(0, TD_EXECUTION_taker, TD_SELL, 100, 1, 40);
    expect_metric(orders_expired, 1);
    expect_metric(gap_time, 20e-9);
}

static void B09_a_message_is_one_step(void **state) {
    (void)state;
    for (int mode = 0; mode < 2; mode++) {
        fresh();
        def.book.mode = (td_book_mode)mode;
        snapshot(0, "B100x5 A102x5 A104x6");
        /* on the way from row to row the bid is at 103, and an order to sell at 103 would be reached */
        depth(15, "B103x1 B103x0 B101x2");
        /* crosses 102: strict takes it away, parity looks past it */
        depth(25, "B102x7");
        depth(35, "B102x0");
        until(50);
        PLAY(SELL_AT(10, TD_GTC, 103, 1));
        expect_executions(mode == TD_MODE_PARITY);
        assert_int_equal(now.state[1][0].bid, 101);
        assert_int_equal(now.state[1][0].ask, mode == TD_MODE_PARITY ? 104 : 102);
        assert_int_equal(now.state[2][0].bid, 102);
        assert_int_equal(now.state[2][0].ask, 104);
        assert_int_equal(now.state[3][0].bid, 101);
        assert_int_equal(now.state[3][0].ask, 104);
    }
    /* one that crosses itself: what comes first is right */
    start(NULL);
    snapshot(0, "B100x5 A104x5");
    depth(5, "B103x1 A102x1");
    until(30);
    PLAY(BUY_AT(10, TD_IOC, 110, 1));
    assert_int_equal(now.state[0][0].bid, 103);
    expect(0, TD_EXECUTION_taker, TD_BUY, 104, 1, 10);
}

static void B10_snapshots(void **state) {
    (void)state;
    for (int mode = 0; mode < 2; mode++) {
        fresh();
        def.book.mode = (td_book_mode)mode;
        snapshot(0, "B100x5 B99x5 B90x5 A102x5 A110x1");
        snapshot(15, "B98x1 B97x1 A103x1");
        depth(25, "B98x0 B97x0 A103x0");
        until(50);
        PLAY(BUY_AT(10, TD_GTC, 1, 1));
        assert_int_equal(now.state[1][0].bid, 98);
        assert_int_equal(now.state[1][0].ask, 103);
        /* what lies beyond the worst price named is there in mode parity, and gone in mode strict */
        assert_int_equal(now.state[2][0].bid, mode == TD_MODE_PARITY ? 90 : TD_NO_BID);
        assert_int_equal(now.state[2][0].ask, mode == TD_MODE_PARITY ? 110 : TD_NO_ASK);
    }
}

/* ---- orders that rest ---- */

static void B11_the_book_crosses(void **state) {
    (void)state;
    EACH_EXCHANGE EACH_MODE {
        snapshot(0, "B100x5 A105x5");
        depth(15, "B102x1"); /* an order at 101 or 102 is reached, whatever its size; one at 103 is not */
        until(40);
        PLAY(SELL_AT(10, TD_GTC, 102, 9), SELL_AT(10, TD_GTC, 101, 4), SELL_AT(10, TD_GTC, 103, 1));
        expect_executions(2);
        expect(0, TD_EXECUTION_cross, TD_SELL, 101, 4, 15);
        expect(1, TD_EXECUTION_cross, TD_SELL, 102, 9, 15);
    }
}

static void B12_a_trade_goes_through(void **state) {
    (void)state;
    EACH_EXCHANGE EACH_MODE {
        snapshot(0, "B100x5 B98x5 A105x5");
        trade(15, "A98x20"); /* a seller got 98: who bid 99 or 100 was before that, however long the queue */
        until(40);
        PLAY(BUY_AT(10, TD_GTC, 99, 1), BUY_AT(10, TD_GTC, 97, 1), BUY_AT(10, TD_GTC, 100, 1));
        expect_executions(2);
        expect(0, TD_EXECUTION_through, TD_BUY, 100, 1, 15);
        expect(1, TD_EXECUTION_through, TD_BUY, 99, 1, 15);
        assert_int_equal(now.execution[0].queue_ahead, 5);
        /* a buyer's trade at that price says nothing about bids */
        fresh();
        snapshot(0, "B100x5 A105x5");
        trade(15, "B98x20");
        until(40);
        PLAY(BUY_AT(10, TD_GTC, 99, 1));
        expect_executions(0);
    }
}

static void B13_who_is_served_first(void **state) {
    (void)state;
    set.knob[TD_KNOB_exchange] = TD_EXCHANGE_PARTIAL_FILL;
    EACH_MODE {
        snapshot(0, "B90x5 A105x5");
        trade(45, "A95x5"); /* quantity for the best price, then for who came first */
        until(60);
        PLAY(BUY_AT(10, TD_GTC, 99, 2), BUY_AT(20, TD_GTC, 99, 2), BUY_AT(30, TD_GTC, 100, 2));
        expect_executions(3);
        expect(0, TD_EXECUTION_through, TD_BUY, 100, 2, 45);
        expect(1, TD_EXECUTION_through, TD_BUY, 99, 2, 45);
        expect(2, TD_EXECUTION_through, TD_BUY, 99, 1, 45);
    }
}

static void B14_queues_and_parts(void **state) {
    (void)state;
    EACH_MODE {
        /* nautilus: 10 ahead; trades of 3, 4, 2 do not reach the order, the next 3 does */
        snapshot(0, "B100x10 A105x5");
        trade(15, "A100x3");
        trade(16, "A100x4");
        trade(17, "A100x2");
        trade(25, "A100x3");
        until(40);
        PLAY(BUY_AT(10, TD_GTC, 100, 2));
        expect_executions(1);
        expect(0, TD_EXECUTION_queue, TD_BUY, 100, 2, 25);
        assert_int_equal(now.execution[0].queue_ahead, 10);
    }
    EACH_MODE {
        /* nautilus: 600 ahead, exactly used up is no fill */
        snapshot(0, "B100x600 A105x5");
        trade(15, "A100x37 A100x200 A100x363");
        trade(25, "A100x100");
        until(40);
        PLAY(BUY_AT(10, TD_GTC, 100, 100));
        expect_executions(1);
        expect(0, TD_EXECUTION_queue, TD_BUY, 100, 100, 25);
    }
    set.knob[TD_KNOB_exchange] = TD_EXCHANGE_PARTIAL_FILL;
    EACH_MODE {
        snapshot(0, "B100x4 A105x5");
        trade(15, "A100x6"); /* 2 more than is ahead */
        trade(25, "A100x1");
        trade(35, "A100x50");
        until(60);
        PLAY(BUY_AT(10, TD_GTC, 100, 7), CANCEL_AT(40, TD_BUY, 0));
        expect_executions(3);
        expect(0, TD_EXECUTION_queue, TD_BUY, 100, 2, 15);
        expect(1, TD_EXECUTION_queue, TD_BUY, 100, 1, 25);
        expect(2, TD_EXECUTION_queue, TD_BUY, 100, 4, 35);
        assert_true(now.state[1][0].position == 2 && now.state[2][0].position == 3 && now.state[3][0].position == 7);
        expect_metric(cancels, 0); /* it was gone */
    }
    EACH_MODE {
        /* two orders of one set share what a trade leaves for them */
        snapshot(0, "B100x4 A105x5");
        trade(25, "A100x7");
        until(60);
        PLAY(BUY_AT(10, TD_GTC, 100, 2), BUY_AT(20, TD_GTC, 100, 9));
        expect_executions(2);
        expect(0, TD_EXECUTION_queue, TD_BUY, 100, 2, 25);
        expect(1, TD_EXECUTION_queue, TD_BUY, 100, 3, 25);
        fresh();
        snapshot(0, "B100x1 A105x5");
        trade(25, "A100x3");
        until(60);
        PLAY(BUY_AT(10, TD_GTC, 101, 2), BUY_AT(20, TD_GTC, 100, 9));
        expect_executions(2);
        expect(0, TD_EXECUTION_through, TD_BUY, 101, 2, 25);
        expect(1, TD_EXECUTION_queue, TD_BUY, 100, 1, 25); /* its queue gave 2, the trade had 1 left */
    }
}

static void B15_whole_or_in_parts(void **state) {
    (void)state;
    EACH_EXCHANGE EACH_MODE {
        snapshot(0, "B100x2 A105x5");
        trade(15, "A100x3");
        until(40);
        PLAY(BUY_AT(10, TD_GTC, 100, 50));
        expect_executions(1);
        expect(0, TD_EXECUTION_queue, TD_BUY, 100, exchange == TD_EXCHANGE_PARTIAL_FILL ? 1 : 50, 15);
    }
}

static void B16_the_queue_moves_on(void **state) {
    (void)state;
    static const char *const models[] = {"risk_adverse", "power(2)", "power2(2)", "power3(3)", "log", "log2"};
    int64_t filled_at[6] = {0};
    for (size_t i = 0; i < sizeof models / sizeof *models; i++) {
        set.knob[TD_KNOB_queue_model] = model(models[i]);
        EACH_MODE {
            /* 10 ahead; 4 come behind; 3 are traded and seen in the level; then 5 are cancelled, somewhere */
            snapshot(0, "B100x10 A105x5");
            depth(15, "B100x14");
            trade(16, "A100x3");
            depth(17, "B100x11");
            depth(18, "B100x6");
            for (int t = 20; t < 29; t++) trade(t, "A100x1");
            until(40);
            PLAY(BUY_AT(10, TD_GTC, 100, 1));
            td_queue queue = {.front = 10};
            int64_t when = 0; /* the first of the trades that gives the order something */
            td_queue_depth(set.knob[TD_KNOB_queue_model], 1, &queue, 10, 14);
            td_queue_trade(set.knob[TD_KNOB_queue_model], &queue, 3);
            td_queue_depth(set.knob[TD_KNOB_queue_model], 1, &queue, 14, 11);
            td_queue_depth(set.knob[TD_KNOB_queue_model], 1, &queue, 11, 6);
            for (int t = 20; t < 29 && !when; t++) {
                td_queue_trade(set.knob[TD_KNOB_queue_model], &queue, 1);
                if (td_queue_take(&queue)) when = t;
            }
            expect_executions(when != 0);
            if (when) expect(0, TD_EXECUTION_queue, TD_BUY, 100, 1, when);
            filled_at[i] = when;
        }
    }
    /* 7 ahead of 11 after the trade. risk_adverse: none of the 5 cancelled was ahead, but no more than 6 are left, and the seventh trade of
     * 1 fills it; power(2): 49 of 65 of them were ahead, which leaves 3.2 */
    assert_int_equal(filled_at[0], 26);
    assert_int_equal(filled_at[1], 23);
}

static void B17_queues_over_snapshots(void **state) {
    (void)state;
    snapshot(0, "B100x10 B95x8 A105x5");
    snapshot(15, "B100x20 B99x4 A105x5"); /* longer: nobody moves back. 95 lies beyond what it names: nothing is known */
    trade(25, "A100x11");
    snapshot(35, "B95x2 A105x5"); /* now it is named */
    trade(45, "A95x3");
    until(60);
    PLAY(BUY_AT(10, TD_GTC, 100, 1), BUY_AT(10, TD_GTC, 95, 1));
    expect_executions(2);
    expect(0, TD_EXECUTION_queue, TD_BUY, 100, 1, 25);
    expect(1, TD_EXECUTION_queue, TD_BUY, 95, 1, 45);
}

static void B18_orders_known_one_by_one(void **state) {
    (void)state;
    set.knob[TD_KNOB_queue_model] = model("l3_fifo");
    EACH_MODE {
        orders(0);
        td_made_order(made, TD_ACTION_ADD, 11, TD_BUY, 100, 3);
        td_made_order(made, TD_ACTION_ADD, 12, TD_BUY, 100, 4);
        td_made_order(made, TD_ACTION_ADD, 21, TD_SELL, 105, 4);
        orders(15);
        td_made_order(made, TD_ACTION_ADD, 13, TD_BUY, 100, 5); /* behind ours */
        orders(25);
        td_made_order(made, TD_ACTION_FILL, 12, TD_BUY, 100, 2); /* before us: not yet */
        td_made_order(made, TD_ACTION_CANCEL, 12, TD_BUY, 100, 2);
        orders(35);
        td_made_order(made, TD_ACTION_MODIFY, 11, TD_BUY, 100, 2); /* less: it keeps its place */
        td_made_order(made, TD_ACTION_FILL, 11, TD_BUY, 100, 2);
        orders(45);
        td_made_order(made, TD_ACTION_MODIFY, 11, TD_BUY, 100, 9); /* more: to the end of the queue */
        orders(55);
        td_made_order(made, TD_ACTION_FILL, 11, TD_BUY, 100, 1); /* somebody behind us was hit */
        orders(70);
        PLAY(BUY_AT(10, TD_GTC, 100, 1));
        expect_executions(1);
        expect(0, TD_EXECUTION_queue, TD_BUY, 100, 1, 55);
        assert_int_equal(now.execution[0].queue_ahead, 7);
    }
    EACH_MODE {
        /* at a worse price than the best, and by crossing */
        orders(0);
        td_made_order(made, TD_ACTION_ADD, 11, TD_BUY, 100, 3);
        td_made_order(made, TD_ACTION_ADD, 12, TD_BUY, 98, 4);
        td_made_order(made, TD_ACTION_ADD, 21, TD_SELL, 105, 4);
        orders(25);
        td_made_order(made, TD_ACTION_FILL, 12, TD_BUY, 98, 1);
        orders(35);
        td_made_order(made, TD_ACTION_ADD, 14, TD_BUY, 104, 1);
        orders(50);
        PLAY(BUY_AT(10, TD_GTC, 99, 1), SELL_AT(10, TD_GTC, 103, 2));
        expect_executions(2);
        expect(0, TD_EXECUTION_through, TD_BUY, 99, 1, 25);
        expect(1, TD_EXECUTION_cross, TD_SELL, 103, 2, 35);
    }
    /* a bid that is crossed: parity looks past it until somebody joins it, strict knows of no step back */
    for (int mode = 0; mode < 2; mode++) {
        fresh();
        def.book.mode = (td_book_mode)mode;
        orders(0);
        td_made_order(made, TD_ACTION_ADD, 11, TD_BUY, 98, 3);
        td_made_order(made, TD_ACTION_ADD, 12, TD_BUY, 100, 4);
        td_made_order(made, TD_ACTION_ADD, 13, TD_BUY, 100, 4);
        td_made_order(made, TD_ACTION_ADD, 21, TD_SELL, 99, 4);
        orders(15);
        td_made_order(made, TD_ACTION_CANCEL, 12, TD_BUY, 100, 4);
        orders(25);
        td_made_order(made, TD_ACTION_ADD, 14, TD_BUY, 100, 1);
        orders(50);
        PLAY(BUY_AT(10, TD_GTC, 1, 1));
        assert_int_equal(now.state[0][0].bid, mode == TD_MODE_PARITY ? 98 : 100);
        assert_int_equal(now.state[1][0].bid, mode == TD_MODE_PARITY ? 98 : 100);
        assert_int_equal(now.state[2][0].bid, 100);
        assert_int_equal(now.state[2][0].ask, mode == TD_MODE_PARITY ? TD_NO_ASK : 99);
    }
    /* other queue models see levels on the same tape, and trades */
    set.knob[TD_KNOB_queue_model] = model("risk_adverse");
    EACH_MODE {
        orders(0);
        td_made_order(made, TD_ACTION_ADD, 11, TD_BUY, 100, 3);
        td_made_order(made, TD_ACTION_ADD, 21, TD_SELL, 105, 4);
        orders(25);
        td_made_order(made, TD_ACTION_CANCEL, 11, TD_BUY, 100, 3);
        td_made_order(made, TD_ACTION_ADD, 12, TD_BUY, 100, 7);
        orders(35);
        td_made_order(made, TD_ACTION_TRADE, 0, TD_SELL, 100, 1);
        orders(50);
        PLAY(BUY_AT(10, TD_GTC, 100, 1));
        expect_executions(1);
        expect(0, TD_EXECUTION_queue, TD_BUY, 100, 1, 35);
    }
}

static void B19_cleared_orders(void **state) {
    (void)state;
    for (int l3 = 0; l3 < 2; l3++) {
        set.knob[TD_KNOB_queue_model] = model(l3 ? "l3_fifo" : "risk_adverse");
        EACH_MODE {
            orders(0);
            td_made_order(made, TD_ACTION_ADD, 11, TD_BUY, 100, 3);
            td_made_order(made, TD_ACTION_ADD, 21, TD_SELL, 105, 4);
            orders(25);
            td_made_order(made, TD_ACTION_CLEAR, 0, TD_BUY, 0, 0);
            td_made_order(made, TD_ACTION_ADD, 31, TD_BUY, 100, 5);
            orders(50);
            PLAY(BUY_AT(10, TD_GTC, 100, 1), SELL_AT(10, TD_GTC, 105, 1), CANCEL_AT(40, TD_BUY, 0), CANCEL_AT(40, TD_SELL, 0));
            expect_metric(orders_expired, l3);
            expect_metric(cancels, l3 ? 1 : 2);
            expect_executions(0);
        }
    }
}

/* ---- requests at the exchange ---- */

static void B20_orders_that_could_take(void **state) {
    (void)state;
    EACH_EXCHANGE EACH_MODE {
        snapshot(0, "B100x5 A102x5");
        until(60);
        PLAY(BUY_AT(10, TD_POST_ONLY, 102, 1), BUY_AT(10, TD_POST_ONLY, 101, 1), BUY_AT(10, TD_IOC, 101, 1), BUY_AT(10, TD_FOK, 101, 1),
             BUY_AT(10, TD_GTC, 103, 2), SELL_AT(20, TD_GTC, 99, 3), SELL_AT(30, TD_MARKET, NAN, 1));
        expect_executions(3);
        expect(0, TD_EXECUTION_taker, TD_BUY, 102, 2, 10);
        expect(1, TD_EXECUTION_taker, TD_SELL, 100, 3, 20);
        expect(2, TD_EXECUTION_taker, TD_SELL, 100, 1, 30);
        expect_metric(orders_expired, 3);
        expect_metric(taker_trades, 3);
        assert_int_equal(now.execution[0].queue_ahead, 0);
    }
    EACH_EXCHANGE EACH_MODE {
        snapshot(0, "B100x5"); /* nobody sells */
        until(30);
        PLAY(BUY_AT(10, TD_MARKET, NAN, 1), BUY_AT(10, TD_IOC, 500, 1), BUY_AT(10, TD_FOK, 500, 1));
        expect_executions(0);
        expect_metric(orders_expired, 3);
    }
}

static void B21_taking_level_after_level(void **state) {
    (void)state;
    EACH_EXCHANGE EACH_MODE {
        bool parts = exchange == TD_EXCHANGE_PARTIAL_FILL;
        snapshot(0, "B100x5 A102x5 A103x4 A110x1");
        until(60);
        PLAY(BUY_AT(10, TD_IOC, 104, 12));
        expect_executions(parts ? 2 : 1);
        expect(0, TD_EXECUTION_taker, TD_BUY, 102, parts ? 5 : 12, 10);
        if (parts) expect(1, TD_EXECUTION_taker, TD_BUY, 103, 4, 10);
        expect_metric(orders_expired, parts);
        expect_metric(position, parts ? 9 : 12);
        PLAY(BUY_AT(10, TD_FOK, 104, 10));
        expect_executions(parts ? 0 : 1);
        expect_metric(orders_expired, parts);
        PLAY(BUY_AT(10, TD_FOK, 104, 9));
        expect_metric(position, 9);
        PLAY(BUY_AT(10, TD_MARKET, NAN, 12));
        expect_metric(position, parts ? 10 : 12);
        PLAY(BUY_AT(10, TD_GTC, 103, 12), CANCEL_AT(20, TD_BUY, 0)); /* what is left rests, and can be cancelled */
        expect_metric(position, parts ? 9 : 12);
        expect_metric(cancels, parts);
        expect_metric(orders_expired, 0);
    }
}

static void B22_cancels(void **state) {
    (void)state;
    set.knob[TD_KNOB_latency] = 12;
    EACH_MODE {
        snapshot(0, "B100x1 A105x5");
        trade(53, "A100x9");
        until(110);
        /* sent at 10, there at 22, known at 34: cancelled from 40 on. The trade is before the cancel of 50 arrives at 62 */
        PLAY(BUY_AT(10, TD_GTC, 100, 1), CANCEL_AT(20, TD_BUY, 0), CANCEL_AT(30, TD_BUY, 0), CANCEL_AT(50, TD_BUY, 0), CANCEL_AT(60, TD_BUY, 0));
        expect_metric(cancels, 1);
        expect_metric(requests_rejected, 1);
        expect_executions(1);
        assert_int_equal(now.execution[0].local_ns, 65);
        PLAY(BUY_AT(10, TD_GTC, 100, 1), CANCEL_AT(40, TD_BUY, 0)); /* there at 52 */
        expect_executions(0);
        expect_metric(requests_rejected, 0);
    }
}

static void B23_modifies(void **state) {
    (void)state;
    EACH_EXCHANGE EACH_MODE {
        snapshot(0, "B100x4 A105x5");
        depth(15, "B100x9");
        trade(35, "A100x6");
        until(60);
        PLAY(BUY_AT(10, TD_GTC, 100, 3), MODIFY_AT(20, TD_BUY, 0, 100, 2)); /* less: it keeps its place */
        expect_executions(1);
        expect(0, TD_EXECUTION_queue, TD_BUY, 100, 2, 35);
        assert_int_equal(now.execution[0].queue_ahead, 4);
        PLAY(BUY_AT(10, TD_GTC, 100, 3), MODIFY_AT(20, TD_BUY, 0, 100, 4)); /* more: to the end of the queue */
        expect_executions(0);
        PLAY(BUY_AT(10, TD_GTC, 100, 3), MODIFY_AT(20, TD_BUY, 0, 105, 3)); /* another price, which takes */
        expect_executions(1);
        expect(0, TD_EXECUTION_taker, TD_BUY, 105, 3, 20);
        PLAY(BUY_AT(10, TD_POST_ONLY, 100, 3), MODIFY_AT(20, TD_BUY, 0, 105, 3)); /* stays post-only */
        expect_executions(0);
        expect_metric(orders_expired, 1);
        PLAY(BUY_AT(10, TD_GTC, 101, 3), MODIFY_AT(20, TD_BUY, 0, 100, 3), MODIFY_AT(20, TD_BUY, 0, 99, 3)); /* one at a time */
        expect_metric(modifies, 1);
        PLAY(BUY_AT(10, TD_GTC, 101, 3), MODIFY_AT(40, TD_BUY, 0, 100, 3)); /* it was filled at 35 */
        expect_metric(modifies, 0);
    }
}

static void B24_every_execution_counts(void **state) {
    (void)state;
    set.knob[TD_KNOB_exchange] = TD_EXCHANGE_PARTIAL_FILL;
    set.knob[TD_KNOB_latency] = 4;
    EACH_MODE {
        snapshot(0, "B100x2 A102x1 A103x1");
        trade(35, "A100x3");
        trade(36, "A99x1");
        until(60);
        /* takes 1 + 1, waits for the answers, then rests and is filled in parts: nothing of it is lost on the way (td_keep_play adds up) */
        PLAY(BUY_AT(10, TD_IOC, 103, 2), BUY_AT(20, TD_GTC, 100, 3), SELL_AT(20, TD_GTC, 104, 2));
        expect_executions(4);
        expect(0, TD_EXECUTION_taker, TD_BUY, 102, 1, 14);
        expect(1, TD_EXECUTION_taker, TD_BUY, 103, 1, 14);
        expect(2, TD_EXECUTION_queue, TD_BUY, 100, 1, 35);
        expect(3, TD_EXECUTION_through, TD_BUY, 100, 1, 36);
        expect_metric(position, 4);
        expect_metric(num_trades, 4);
        expect_metric(balance, -405);
        expect_metric(trading_volume, 4);
        expect_metric(maker_share, 0.5);
        expect_metric(mean_queue_ahead, 2);
    }
}

static void B25_what_is_taken_is_gone(void **state) {
    (void)state;
    set.knob[TD_KNOB_exchange] = TD_EXCHANGE_PARTIAL_FILL;
    for (int consume = 0; consume < 2; consume++) {
        fresh();
        def.book.consume = consume;
        snapshot(0, "B90x1 A100x100"); /* nautilus: 100 displayed; 30, 50 and 50 are wanted */
        depth(35, "B90x2");            /* says nothing about the asks */
        depth(45, "A100x80");
        until(80);
        PLAY(BUY_AT(10, TD_MARKET, NAN, 30), BUY_AT(20, TD_MARKET, NAN, 50), BUY_AT(30, TD_MARKET, NAN, 50), BUY_AT(40, TD_MARKET, NAN, 50),
             BUY_AT(50, TD_MARKET, NAN, 70));
        if (consume) {
            expect_executions(4);
            expect(0, TD_EXECUTION_taker, TD_BUY, 100, 30, 10);
            expect(1, TD_EXECUTION_taker, TD_BUY, 100, 50, 20);
            expect(2, TD_EXECUTION_taker, TD_BUY, 100, 20, 30);
            expect(3, TD_EXECUTION_taker, TD_BUY, 100, 70, 50); /* the level changed: it is what it says */
            expect_metric(orders_expired, 2);
        } else
            expect_metric(position, 30 + 50 + 50 + 50 + 70);
    }
}

/* ---- what a strategy may send, and knows ---- */

static void B26_refused(void **state) {
    (void)state;
    def.book.order_limit = 2;
    snapshot(0, "B100x5 A105x5");
    until(60);
    PLAY(BUY_AT(10, TD_GTC, 99, 1), BUY_AT(10, TD_GTC, 98, 1), BUY_AT(10, TD_GTC, 97, 1), SELL_AT(10, TD_GTC, 110, 1));
    expect_metric(orders, 3);
    expect_metric(requests_refused, 1);
    def.book.order_limit = 8;
    PLAY(BUY_AT(10, TD_GTC, NAN, 1), BUY_AT(10, TD_GTC, 0, 1), BUY_AT(10, TD_GTC, -5, 1), BUY_AT(10, TD_GTC, 99.5, 1), BUY_AT(10, TD_GTC, 1e18, 1),
         BUY_AT(10, TD_GTC, 99, 0), BUY_AT(10, TD_GTC, 99, NAN), BUY_AT(10, TD_GTC, 99, 0.99), BUY_AT(10, TD_GTC, 99, -1),
         BUY_AT(10, TD_GTC, 99, INFINITY));
    expect_metric(orders, 0);
    expect_metric(requests_refused, 10);
    PLAY(BUY_AT(10, TD_GTC, 99, 2.9), BUY_AT(10, TD_IOC, 105, 2.9999999999)); /* down to whole lots; to the nearest where it is that near */
    expect_metric(position, 3);
    PLAY(BUY_AT(10, TD_GTC, 99, 2), MODIFY_AT(20, TD_BUY, 0, 98, 0), MODIFY_AT(30, TD_BUY, 0, NAN, 1));
    expect_metric(requests_refused, 2);
    def.book.in_flight_limit = 2;
    set.knob[TD_KNOB_latency] = 7; /* an answer is there after 14 */
    PLAY(BUY_AT(10, TD_GTC, 99, 1), BUY_AT(10, TD_GTC, 98, 1), BUY_AT(10, TD_GTC, 97, 1), BUY_AT(20, TD_GTC, 96, 1), BUY_AT(30, TD_GTC, 95, 1),
         CANCEL_AT(30, TD_BUY, 0), CANCEL_AT(30, TD_BUY, 1));
    expect_metric(orders, 3);
    expect_metric(cancels, 1);
    expect_metric(requests_refused, 3);
}

static void B27_places_for_orders(void **state) {
    (void)state;
    def.book.order_limit = 1;
    set.knob[TD_KNOB_latency] = 4;
    snapshot(0, "B100x5 A105x5");
    until(90);
    /* it expires at 14, which is known at 18: the place is free at 20, not before */
    PLAY(BUY_AT(10, TD_IOC, 99, 1), BUY_AT(20, TD_IOC, 98, 1));
    expect_metric(orders, 2);
    set.knob[TD_KNOB_latency] = 6;
    PLAY(BUY_AT(10, TD_IOC, 99, 1), BUY_AT(20, TD_IOC, 98, 1), BUY_AT(30, TD_IOC, 98, 1));
    expect_metric(orders, 2);
    expect_metric(requests_refused, 1);
    /* a cancel is on its way: the place is taken until the answer is there */
    PLAY(BUY_AT(10, TD_GTC, 99, 1), CANCEL_AT(30, TD_BUY, 0), BUY_AT(40, TD_GTC, 99, 1), BUY_AT(50, TD_GTC, 99, 1));
    expect_metric(orders, 2);
    expect_metric(requests_refused, 1);
    expect_metric(cancels, 1);
}

/* ---- money ---- */

static void B28_fees(void **state) {
    (void)state;
    snapshot(0, "B100x5 A102x5");
    trade(25, "A99x1");
    until(60);
    set.knob[TD_KNOB_maker] = -0.01;
    set.knob[TD_KNOB_taker] = 0.02;
    set.knob[TD_KNOB_seller_fee] = 0.001;
    PLAY(BUY_AT(10, TD_GTC, 100, 3), SELL_AT(30, TD_IOC, 100, 2));
    expect_metric(fee, -0.01 * 300 + 0.02 * 200 + 0.001 * 200);
    def.book.fees = TD_FEE_QUANTITY;
    PLAY(BUY_AT(10, TD_GTC, 100, 3), SELL_AT(30, TD_IOC, 100, 2));
    expect_metric(fee, -0.01 * 3 + 0.02 * 2 + 0.001 * 200);
    def.book.fees = TD_FEE_FLAT;
    PLAY(BUY_AT(10, TD_GTC, 100, 3), SELL_AT(30, TD_IOC, 100, 2));
    expect_metric(fee, -0.01 + 0.02 + 0.001 * 200);
    def.book.venues[0].maker = 7; /* the venue's own */
    PLAY(BUY_AT(10, TD_GTC, 100, 3), SELL_AT(30, TD_IOC, 100, 2));
    expect_metric(fee, 7 + 0.02 + 0.001 * 200);
}

static void B29_contracts(void **state) {
    (void)state;
    snapshot(0, "B199x9 A200x9");
    depth(25, "B199x0 B249x9 A200x0 A251x9");
    until(60);
    made->book.instrument.multiplier = 100;
    for (int contract = 0; contract < TD_CONTRACT_COUNT; contract++) {
        made->book.instrument.contract = (td_contract)contract;
        PLAY(BUY_AT(10, TD_IOC, 200, 3));
        bool inverse = contract == TD_CONTRACT_INVERSE;
        expect_metric(trading_value, inverse ? 1.5 : 60000);
        expect_metric(balance, inverse ? -1.5 : -60000);
        expect_metric(equity, inverse ? 1.5 - 300.0 / 250 : 15000); /* the mid is 250 at the end */
        expect_metric(position, 3);
    }
    made->book.instrument.tick = 0.5; /* prices are half as high */
    made->book.instrument.lot = 0.1;
    made->book.instrument.contract = TD_CONTRACT_LINEAR;
    PLAY(BUY_AT(10, TD_IOC, 200, 0.3));
    expect_metric(trading_value, 100 * 0.3 * 100);
    assert_true(metric(position) == 0.3);
}

static void B30_equity_along_the_way(void **state) {
    (void)state;
    snapshot(0, "B99x9 A101x9");
    depth(15, "B99x0 B109x9 A101x0 A111x9"); /* mid 100, then 110 from 15 on, 104 from 35 on */
    depth(35, "B109x0 B103x9 A111x0 A105x9");
    until(60);
    set.knob[TD_KNOB_cash] = 1000;
    PLAY(BUY_AT(5, TD_GTC, 50, 1), BUY_AT(10, TD_IOC, 101, 2));
    /* samples at 10 (before the order), 20, ..., 60: 0, 18, 18, 6, 6, 6 */
    double sum = 6, sum2 = 18 * 18 + 12 * 12, mean = sum / 6, deviation = sqrt((sum2 - sum * sum / 6) / 5);
    double per_year = 86400e9 / 10 * 252;
    expect_metric(equity, 6);
    expect_metric(total_return, 0.006);
    assert_near(metric(sharpe), mean / deviation * sqrt(per_year), 1e-12);
    assert_near(metric(sortino), mean / sqrt(144.0 / 6) * sqrt(per_year), 1e-12);
    assert_near(metric(annual_volatility), deviation * sqrt(per_year) / 1000, 1e-12);
    expect_metric(max_drawdown, -0.012);
    expect_metric(return_over_drawdown, 0.5);
    expect_metric(return_per_value, 6.0 / 202);
    expect_metric(max_position_value, 220);
    assert_near(metric(mean_position_value), (220 + 220 + 208 * 3) / 6.0, 1e-12);
    expect_metric(max_inventory, 2);
    expect_metric(mean_inventory, 2 * 50.0 / 60);
    assert_near(metric(daily_trades), 86400e9 / 60, 1e-12);
    /* two blocks: until 30, and until the end */
    assert_true(now.returns[0] == (float)0.018 && now.returns[1] == (float)-0.012);
}

static void B31_funding(void **state) {
    (void)state;
    for (int inverse = 0; inverse < 2; inverse++) {
        fresh();
        snapshot(0, "B99x9 A101x9");
        depth(25, "B109x9 A101x0 A111x9");
        until(60);
        made->book.instrument.contract = inverse ? TD_CONTRACT_INVERSE : TD_CONTRACT_LINEAR;
        /* before there is a position; at a mark; at the book's mid, by when it is short; after the end */
        made->funding[0] = (td_funding){5, 0.01, 100};
        made->funding[1] = (td_funding){20, 0.01, 50};
        made->funding[2] = (td_funding){30, 0.02, NAN};
        made->funding[3] = (td_funding){70, 0.5, NAN};
        made->book.funding_count = 4;
        PLAY(BUY_AT(10, TD_IOC, 101, 2), SELL_AT(20, TD_IOC, 99, 3));
        double paid = inverse ? 0.01 * 2 / 50 - 0.02 * 1 / 110 : 0.01 * 2 * 50 - 0.02 * 110;
        expect_metric(funding_paid, paid);
        double gross = inverse ? -(-2 / 101.0 + 3 / 99.0 - 1 / 110.0) : -202 + 297 - 110;
        expect_metric(equity, gross - paid);
        assert_near(now.state[1][0].funding, inverse ? 0.01 * 2 / 50 : 1, 1e-12); /* paid before the decision of its time */
    }
}

/* ---- delays ---- */

static void B32_delays(void **state) {
    (void)state;
    snapshot(0, "B100x5 A102x5");
    until(90);
    set.knob[TD_KNOB_latency] = 3;
    set.knob[TD_KNOB_entry_latency] = 4;
    set.knob[TD_KNOB_response_latency] = -1;
    PLAY(BUY_AT(10, TD_IOC, 102, 1));
    expect(0, TD_EXECUTION_taker, TD_BUY, 102, 1, 17);
    assert_int_equal(now.execution[0].local_ns, 19);
    def.book.venues[0].latency = 20; /* the venue's own */
    PLAY(BUY_AT(10, TD_IOC, 102, 1));
    expect(0, TD_EXECUTION_taker, TD_BUY, 102, 1, 34);
    assert_int_equal(now.execution[0].local_ns, 53);
    assert_true(now.state[3][0].position == 0 && now.state[5][0].position == 1);
    /* jitter is added, and is the same for whoever sends at that time */
    set.knob[TD_KNOB_latency_jitter] = 5;
    PLAY(BUY_AT(10, TD_IOC, 102, 1), BUY_AT(10, TD_IOC, 102, 1));
    assert_true(now.execution[0].exchange_ns >= 34 && now.execution[0].exchange_ns == now.execution[1].exchange_ns);
    int64_t first = now.execution[0].exchange_ns;
    def.book.seed = 99;
    PLAY(BUY_AT(10, TD_IOC, 102, 1));
    int64_t second = now.execution[0].exchange_ns;
    def.book.seed = 0;
    PLAY(BUY_AT(10, TD_IOC, 102, 2));
    assert_true(now.execution[0].exchange_ns == first && first != second);
}

static void B33_delay_of_the_feed(void **state) {
    (void)state;
    set.knob[TD_KNOB_latency_model] = TD_LATENCY_FEED;
    set.knob[TD_KNOB_latency_scale] = 2;
    set.knob[TD_KNOB_latency] = 1;
    say_to(made, TD_BOOK_SNAPSHOT, 0, 3, "B100x5 A102x5");
    say_to(made, TD_BOOK_DEPTH, 12, 17, "B99x1"); /* from 17 on the last message took 5 */
    until(90);
    PLAY(BUY_AT(10, TD_IOC, 102, 1), BUY_AT(30, TD_IOC, 102, 1));
    expect(0, TD_EXECUTION_taker, TD_BUY, 102, 1, 10 + 2 * 3 + 1);
    assert_int_equal(now.execution[0].local_ns, 17 + 2 * 5 + 1);
    expect(1, TD_EXECUTION_taker, TD_BUY, 102, 1, 30 + 2 * 5 + 1);
}

static void B34_two_venues(void **state) {
    (void)state;
    td_made *other = td_made_book();
    def.book.venue_count = 2;
    def.book.venues[1].book = &other->book;
    def.book.venues[1].latency = 15;
    def.book.venues[1].taker = 0.5;
    td_script_hooks.venues = 2;
    snapshot(0, "B100x5 A102x5");
    until(60);
    other->book.instrument.lot = 0.5;
    say_to(other, TD_BOOK_SNAPSHOT, 2, 2, "B200x5 A202x5");
    say_to(other, TD_BOOK_DEPTH, 20, 41, "A202x0 A203x5");
    say_to(other, TD_BOOK_DEPTH, 70, 70, "");
    PLAY(BUY_AT(10, TD_IOC, 102, 1), {.at_ns = 10, .venue = 1, .side = TD_BUY, .tif = TD_IOC, .tick = 210, .quantity = 1},
         {.at_ns = 10, .venue = 1, .side = TD_SELL, .tif = TD_GTC, .tick = 210, .quantity = 1});
    expect_executions(2);
    expect(0, TD_EXECUTION_taker, TD_BUY, 102, 1, 10);
    expect(1, TD_EXECUTION_taker, TD_BUY, 203, 2, 25);
    assert_int_equal(now.execution[1].venue, 1);
    assert_int_equal(now.execution[1].local_ns, 40);
    assert_int_equal(now.steps, 6); /* one clock, from 0 to 70 */
    assert_true(now.state[1][0].position == 1 && now.state[1][1].position == 0);
    assert_int_equal(now.state[3][1].ask, 202);
    expect_metric(balance, -102 - 203);
    expect_metric(fee, 0.5 * 203);
    expect_metric(position, 2);
}

static void B35_a_part_of_the_tape(void **state) {
    (void)state;
    snapshot(0, "B100x5 A102x5");
    depth(5, "A102x0 A103x5");
    depth(40, "A103x0 A104x5");
    depth(60, "");
    until(90);
    def.book.from_ns = 20;
    def.book.to_ns = 60;
    PLAY(BUY_AT(10, TD_IOC, 110, 1), BUY_AT(30, TD_IOC, 110, 1), BUY_AT(40, TD_IOC, 110, 1));
    assert_int_equal(now.steps, 1); /* at 30; the last message played is that of 40 */
    expect_executions(1);
    expect(0, TD_EXECUTION_taker, TD_BUY, 103, 1, 30); /* the book was built before */
    td_error error;
    td_book_deck *deck;
    def.book.from_ns = 95;
    assert_fails(td_book_deck_make(&def, &deck, &error), TD_BAD_ARG, "no time between");
}

static void B36_who_sees_a_message(void **state) {
    (void)state;
    EACH_MODE {
        snapshot(0, "B100x5 A102x5");
        depth(15, "A102x0 A104x5");
        made->seen[1] = TD_BOOK_AT_LOCAL;
        depth(16, "A102x0 A106x5");
        made->seen[2] = TD_BOOK_AT_EXCHANGE;
        until(60);
        PLAY(BUY_AT(20, TD_IOC, 110, 1));
        expect(0, TD_EXECUTION_taker, TD_BUY, 106, 1, 20);
        assert_int_equal(now.state[1][0].ask, 104);
    }
}

#define RULE(name) cmocka_unit_test_setup(name, start)
int main(int argc, char **argv) {
    if (argc > 1) cmocka_set_test_filter(argv[1]);
    const struct CMUnitTest tests[] = {
        RULE(B01_two_sides),              RULE(B02_order_of_what_is_at_the_same_time),
        RULE(B03_the_clock),              RULE(B04_nothing_overtakes),
        RULE(B05_rejected_on_the_way),    RULE(B06_the_end),
        RULE(B07_messages_and_executions), RULE(B08_gaps),
        RULE(B09_a_message_is_one_step),  RULE(B10_snapshots),
        RULE(B11_the_book_crosses),       RULE(B12_a_trade_goes_through),
        RULE(B13_who_is_served_first),    RULE(B14_queues_and_parts),
        RULE(B15_whole_or_in_parts),      RULE(B16_the_queue_moves_on),
        RULE(B17_queues_over_snapshots),  RULE(B18_orders_known_one_by_one),
        RULE(B19_cleared_orders),         RULE(B20_orders_that_could_take),
        RULE(B21_taking_level_after_level), RULE(B22_cancels),
        RULE(B23_modifies),               RULE(B24_every_execution_counts),
        RULE(B25_what_is_taken_is_gone),  RULE(B26_refused),
        RULE(B27_places_for_orders),      RULE(B28_fees),
        RULE(B29_contracts),              RULE(B30_equity_along_the_way),
        RULE(B31_funding),                RULE(B32_delays),
        RULE(B33_delay_of_the_feed),      RULE(B34_two_venues),
        RULE(B35_a_part_of_the_tape),     RULE(B36_who_sees_a_message),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    free(now.returns);
    return failed;
}
