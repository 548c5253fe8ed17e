/* sim/book_models.h against hftbacktest's numbers (../shared/golden/hftbacktest/unit_vectors.txt): queues, latencies, fees and contracts. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/book_engines.h"
#include "tests/support.h"

static td_error error;
static char *vectors; /* NULL without reference data */

/* ---- queues ---- */

typedef struct step {
    int64_t before, after, traded; /* traded: a trade */
} step;
static const step walk[] = {{10, 14, 0}, {0, 0, 3}, {14, 11, 0}, {11, 8, 0}, {0, 0, 2}, {8, 5, 0}, {5, 1, 0}, {0, 0, 1}, {0, 0, 1}};
enum { STEPS = sizeof walk / sizeof *walk };

/* The numbers behind `label` of a line: "5->1: ... front_q_qty: 0.48", "5->1: 1". */
static double number_after(const char *from, const char *label, const char **rest) {
    const char *at = strstr(from, label);
    assert_non_null(at);
    at += strlen(label);
    if (!strncmp(at, "QueuePos { front_q_qty: ", 24)) at += 24;
    char *end;
    double x = strtod(at, &end);
    assert_true(end != at);
    *rest = end;
    return x;
}

static void queue_vectors(void **state) {
    (void)state;
    static const char *const names[][2] = {{"RiskAdverse", "risk_adverse"}, {"Power(2)", "power(2)"}, {"Power2(2)", "power2(2)"},
                                           {"Power3(3)", "power3(3)"},      {"Log", "log"},           {"Log2", "log2"}};
    if (!vectors) skip();
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char head[64], label[64];
        double code;
        snprintf(head, sizeof head, "\n%s: join front=", names[i][0]);
        const char *at = strstr(vectors, head);
        if (!at && !strncmp(vectors, head + 1, strlen(head) - 1)) at = vectors;
        assert_non_null(at);
        assert_ok(td_queue_parse(names[i][1], &code, &error));
        td_queue queue = td_queue_join(10);
        for (int s = 0; s < STEPS; s++) {
            if (walk[s].traded)
                snprintf(label, sizeof label, "| trade %d: ", (int)walk[s].traded);
            else
                snprintf(label, sizeof label, "| depth %d->%d: ", (int)walk[s].before, (int)walk[s].after);
            double front = number_after(at, label, &at);
            if (!walk[s].traded) {
                td_queue_depth(code, 1, &queue, walk[s].before, walk[s].after);
                assert_near(queue.front, front, 1e-14);
                continue;
            }
            td_queue_trade(code, &queue, walk[s].traded);
            if (!(fabs(queue.front - front) <= 1e-14)) fail_msg("%s, step %d: %.17g, expected %.17g", names[i][0], s, queue.front, front);
            assert_int_equal(td_queue_take(&queue), (int)number_after(at, "filled=", &at));
        }
    }
}

/* What there is to know without the file: E4's table. */
static void queues_by_hand(void **state) {
    (void)state;
    static const struct {
        const char *name;
        double after_8, after_1;
        int filled[2];
    } rows[] = {{"risk_adverse", 7, 1, {0, 1}},
                {"power(2)", 4.7384615384615385, 0.48481593248470123, {1, 1}},
                {"power2(2)", 4.3966942148760335, -0.5624759001558464, {2, 1}},
                {"power3(3)", 6.226897069872277, 1, {0, 1}},
                {"log", 5.308883577618032, 0.6904329233662061, {0, 1}},
                {"log2", 5.943056387133991, 0.9999999999999998, {0, 1}}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        double code;
        assert_ok(td_queue_parse(rows[i].name, &code, &error));
        td_queue queue = td_queue_join(10);
        int filled = 0;
        for (int s = 0; s < STEPS; s++) {
            if (walk[s].traded) {
                td_queue_trade(code, &queue, walk[s].traded);
                int got = (int)td_queue_take(&queue);
                if (s >= STEPS - 2) assert_int_equal(got, rows[i].filled[filled++]);
            } else
                td_queue_depth(code, 1, &queue, walk[s].before, walk[s].after);
            if (s == 3) assert_near(queue.front, rows[i].after_8, 1e-14);
            if (s == 6) assert_near(queue.front, rows[i].after_1, 1e-14);
        }
    }
}

/* Nothing ahead and nothing behind is 0 / 0: the order is as far back as the level is long. A level cleared away leaves less than
 * nothing behind. */
static void queues_at_the_edges(void **state) {
    (void)state;
    static const char *const names[] = {"risk_adverse", "power(2)", "power(2.5)", "power2(2)", "power3(3)", "log", "log2"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        double code;
        assert_ok(td_queue_parse(names[i], &code, &error));
        td_queue queue = {.front = 0};
        td_queue_depth(code, 1, &queue, 0, 0);
        assert_true(queue.front == 0);
        queue = (td_queue){.front = 5};
        td_queue_depth(code, 1, &queue, 0, 3); /* the level was cleared, and comes back */
        assert_true(queue.front == 3);
        queue = (td_queue){.front = -2}; /* drained: it does not fill until a trade prints */
        td_queue_depth(code, 1, &queue, 4, 4);
        assert_true(queue.front <= 4);
        queue = (td_queue){.front = 3, .traded = 0};
        td_queue_trade(code, &queue, 4);
        assert_int_equal(td_queue_take(&queue), 1);
        assert_true(queue.front == 0);
        assert_int_equal(td_queue_take(&queue), 0);
    }
}

/* The unit of quantities matters to the logarithms alone. */
static void lots_and_logarithms(void **state) {
    (void)state;
    static const char *const names[] = {"risk_adverse", "power(2)", "power2(3)", "power3(1.5)", "log", "log2"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        double code;
        assert_ok(td_queue_parse(names[i], &code, &error));
        td_queue one = td_queue_join(700), other = td_queue_join(700);
        td_queue_depth(code, 1, &one, 1000, 800);
        td_queue_depth(code, 0.001, &other, 1000, 800);
        bool logarithm = !strncmp(names[i], "log", 3);
        assert_true((one.front == other.front) != logarithm);
    }
}

static void queue_names(void **state) {
    (void)state;
    static const char *const good[] = {"risk_adverse", "power(2)", "power2(0.001)", "power3(999)", "power(1.125)", "log", "log2", "l3_fifo"};
    static const char *const bad[] = {"", "power", "power()", "power(0)", "power(1000)", "power(2.0001)", "power(2", "power(2) ", "power4(2)",
                                      "log3", "log(2)", "Log", "power(nan)"};
    char text[32];
    double code;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        assert_ok(td_queue_parse(good[i], &code, &error));
        assert_string_equal(td_queue_name(code, text), good[i]);
        assert_true(code == floor(code));
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) assert_fails(td_queue_parse(bad[i], &code, &error), TD_BAD_ARG, bad[i]);
    assert_fails(td_queue_parse("fifo", &code, &error), TD_BAD_ARG, "risk_adverse, power(n)");
    assert_ok(td_queue_parse("power(2.5)", &code, &error));
    assert_int_equal(td_queue_kind_of(code), TD_QUEUE_POWER);
    assert_true(td_queue_exponent_of(code) == 2.5);
}

/* ---- latencies ---- */

#define AT(seconds_and_nanoseconds) (1670026000000000000 + (seconds_and_nanoseconds))
static const td_latency_row latency_rows[] = {
    {AT(844751525000), AT(844759000000), AT(844762122000)},
    {AT(845754020000), AT(845762000000), AT(845770003000)},
    {AT(846754020000), 0, AT(846804020000)},
    {AT(847754020000), AT(847760000000), AT(847764020000)},
};

static void latencies_between_rows(void **state) {
    (void)state;
    static const struct {
        int64_t at, latency;
    } entries[] = {{844000000000, 7475000},    {844751525000, 7475000},    {845000000000, 7600167},    {845252772500, 7727499},
                   {845754019999, 7979999},    {845754020000, -15983000},  {846254020000, -32991500},  {847254020000, -30000000},
                   {847754020000, 5980000},    {849000000000, 5980000}},
      responses[] = {{844000000000, 3122000},  {844759000000, 3122000},    {845260500000, 5562500},    {845762000000, 8003000},
                     {846761000000, 6011501},  {849000000000, 4020000}};
    for (size_t i = 0; i < sizeof entries / sizeof *entries; i++)
        assert_int_equal(td_latency_entry_at(latency_rows, 4, 0, AT(entries[i].at)), entries[i].latency);
    /* with the row of the rejected order and without it: that one says nothing of the way back */
    td_latency_row three[] = {latency_rows[0], latency_rows[1], latency_rows[3]};
    for (size_t i = 0; i < sizeof responses / sizeof *responses; i++) {
        assert_int_equal(td_latency_response_at(three, 3, 0, AT(responses[i].at)), responses[i].latency);
        assert_int_equal(td_latency_response_at(latency_rows, 4, 0, AT(responses[i].at)), responses[i].latency);
    }
    assert_int_equal(td_latency_entry_at(latency_rows, 4, 1000000, AT(845000000000)), 8600167);
    assert_int_equal(td_latency_response_at(latency_rows, 4, 1000000, AT(845260500000)), 6557633);
    assert_int_equal(td_latency_entry_at(latency_rows, 1, 0, AT(999000000000)), 7475000);
    assert_int_equal(td_latency_response_at(&latency_rows[2], 1, 0, AT(999000000000)), 0); /* no order ever arrived */
}

/* A deck is all that delays know of the world; the published example has entry latency 4 times, response 3 times that of the feed. */
static void delays(void **state) {
    (void)state;
    td_book_deck deck = {.def = {.book = {.latency_rows = latency_rows, .latency_row_count = 4, .seed = 7}}};
    td_book_delay feed = {.kind = TD_LATENCY_FEED, .scale = 4};
    int64_t exchange = 1580515202843000000, local = 1580515202979365000;
    int64_t arrival = local + td_book_entry_delay(&deck, &feed, local, local - exchange);
    assert_int_equal(arrival, 1580515203524825000);
    feed.scale = 3;
    assert_int_equal(arrival + td_book_response_delay(&deck, &feed, arrival, local - exchange), 1580515203933920000);

    td_book_delay rows = {.kind = TD_LATENCY_ROWS, .entry_ns = 5, .response_ns = 6};
    assert_int_equal(td_book_entry_delay(&deck, &rows, AT(845000000000), 0), 7600172);
    assert_int_equal(td_book_entry_delay(&deck, &rows, AT(846254020000), 0), -32991505);
    assert_int_equal(td_book_response_delay(&deck, &rows, AT(845260500000), 0), 5562506);

    td_book_delay constant = {.entry_ns = -3, .response_ns = 9};
    assert_int_equal(td_book_entry_delay(&deck, &constant, 1000, 0), 0); /* nothing arrives before it is sent */
    assert_int_equal(td_book_response_delay(&deck, &constant, 1000, 0), 9);

    /* jitter: the same for the same time, another for another, another on the way back; its mean is what it should be */
    td_book_delay jitter = {.entry_ns = 1000, .response_ns = 1000, .jitter_ns = 1e6};
    double sum = 0;
    for (int64_t t = 0; t < 20000; t++) {
        int64_t there = td_book_entry_delay(&deck, &jitter, t, 0), back = td_book_response_delay(&deck, &jitter, t, 0);
        assert_true(there >= 1000 && there == td_book_entry_delay(&deck, &jitter, t, 0));
        if (t < 20) assert_true(there != back && there != td_book_entry_delay(&deck, &jitter, t + 1, 0));
        sum += (double)(there - 1000) + (double)(back - 1000);
    }
    assert_near(sum / 40000, 1e6, 0.02);
}

/* ---- fees, contracts, accounts ---- */

/* Buy 3 at 100 resting, buy 1 at 110 taking, sell 2 at 120 resting, sell 4 at 90 taking. */
static const struct {
    td_side side;
    int tick, lots;
    bool maker;
} fills[] = {{TD_BUY, 100, 3, true}, {TD_BUY, 110, 1, false}, {TD_SELL, 120, 2, true}, {TD_SELL, 90, 4, false}};

static void check_account(td_contract contract, double multiplier, td_fees fees, const double equity[4], const double fee[4]) {
    td_instrument instrument = {.tick = 1, .lot = 1, .contract = contract, .multiplier = multiplier};
    td_book tape = {.instrument = instrument};
    td_book_deck deck = {.venues = 1, .last_ns = 100, .def = {.book = {.venue_count = 1, .fees = fees.kind}}};
    deck.def.book.venues[0] = (td_venue_def){&tape, fees.maker, fees.taker, 0, 0, 0};
    td_set set = {.knob = {[TD_KNOB_buyer_fee] = fees.buyer, [TD_KNOB_seller_fee] = fees.seller, [TD_KNOB_cash] = 100}};
    td_book_terms terms;
    td_book_tally tally;
    td_venue_tally venue;
    td_book_make_terms(&deck, &set, &terms);
    td_book_start(&deck, &tally, &venue);
    double balance = 0, position = 0, paid = 0;
    for (int i = 0; i < 4; i++) {
        td_book_execute(&deck, &terms.venues[0], &venue, fills[i].side, fills[i].maker ? TD_EXECUTION_queue : TD_EXECUTION_taker, fills[i].tick,
                        fills[i].lots, 0, i, i);
        double value = td_contract_value(&instrument, fills[i].tick, fills[i].lots), sign = fills[i].side == TD_BUY ? 1 : -1;
        balance -= sign * value;
        position += sign * fills[i].lots;
        paid += td_fee(&fees, fills[i].side, fills[i].maker, value, fills[i].lots);
        td_book_state now = td_venue_state(&terms.venues[0], &venue, 0, 0, 0);
        assert_near(now.balance, balance, 1e-14);
        assert_near(now.fee, paid, 1e-12);
        assert_true(now.position == position && now.trades == i + 1);
        assert_near(td_contract_equity(&instrument, balance, position, paid, 105), equity[i], 1e-12);
        assert_near(td_venue_equity(&terms.venues[0], &venue, 105), equity[i], 1e-12);
        if (fee) assert_near(now.fee, fee[i], 1e-12);
    }
}

static void accounts(void **state) {
    (void)state;
    td_fees of_value = {.maker = -0.00005, .taker = 0.0007};
    check_account(TD_CONTRACT_LINEAR, 1, of_value, (const double[]){15.015, 9.938, 39.95, -20.302}, (const double[]){-0.015, 0.062, 0.05, 0.302});
    check_account(TD_CONTRACT_QUANTO, 1, of_value, (const double[]){15.015, 9.938, 39.95, -20.302}, NULL);
    check_account(TD_CONTRACT_INVERSE, 100, of_value,
                  (const double[]){0.143007142857142857, 0.099080735930735931, 0.337259307359307359, -0.300772438672438672},
                  (const double[]){-0.00015, 0.00048636363636363636, 0.00040303030303030303, 0.0035141414141414141});
    /* of quantity: 5 a unit; flat: 2 an execution resting, 3 taking; beside the rate of the side */
    check_account(TD_CONTRACT_LINEAR, 5, (td_fees){.kind = TD_FEE_QUANTITY, .maker = 5, .taker = 6},
                  (const double[]){60, 29, 169, -155}, (const double[]){15, 21, 31, 55});
    check_account(TD_CONTRACT_LINEAR, 1, (td_fees){.kind = TD_FEE_FLAT, .maker = 2, .taker = 3}, (const double[]){13, 5, 33, -30},
                  (const double[]){2, 5, 7, 10});
    check_account(TD_CONTRACT_LINEAR, 1, (td_fees){.buyer = 0.001, .seller = 0.002, .maker = 0.01},
                  (const double[]){15 - 3.3, 10 - 3.41, 40 - 6.29, -20 - 7.01}, (const double[]){3.3, 3.41, 6.29, 7.01});
}

int main(int argc, char **argv) {
    if (argc > 1) cmocka_set_test_filter(argv[1]);
    if (td_test_shared()) {
        char path[1024];
        snprintf(path, sizeof path, "%s/golden/hftbacktest/unit_vectors.txt", td_test_shared());
        vectors = td_test_read(path);
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(queue_vectors),       cmocka_unit_test(queues_by_hand), cmocka_unit_test(queues_at_the_edges),
        cmocka_unit_test(lots_and_logarithms), cmocka_unit_test(queue_names),    cmocka_unit_test(latencies_between_rows),
        cmocka_unit_test(delays),              cmocka_unit_test(accounts),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    free(vectors);
    return failed;
}
