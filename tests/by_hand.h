/* What tests of the bar rules share: a few bars, the strategy `script` or another, every engine, and the fills that came of it. */
#ifndef TAPEDECK_TESTS_BY_HAND_H
#define TAPEDECK_TESTS_BY_HAND_H

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/plays.h"

#define NONE NAN
/* An uneventful bar, and one that only decides. */
#define FLAT(price) {price, price, price, price, NONE}
#define ORDER(price, target) {price, price, price, price, target}
#define PLAY(...) play((const td_bar[]){__VA_ARGS__}, (int)(sizeof((const td_bar[]){__VA_ARGS__}) / sizeof(td_bar)))

enum { BARS_MAX = 16 };
static td_play_def def; /* changed by a test before PLAY */
static td_set set;
static td_record now; /* what PLAY found */

static int start(void **state) {
    (void)state;
    def = td_default_play_def();
    def.strategy = td_test_strategy("script");
    def.sizing = TD_SIZING_FIXED_UNITS;
    set = td_default_set(def.strategy);
    set.knob[TD_KNOB_size] = 10;
    return 0;
}

static int stop(void **state) {
    (void)state;
    td_record_free(&now);
    now = (td_record){0};
    return 0;
}

/* Plays a tape of daily bars, as every engine, with returns sampled each bar and less often (what the skip engine plays). */
static void play_tape(const td_tape *tape) {
    td_error error;
    for (int64_t sample = 2; sample >= 1; sample--) {
        td_deck *deck;
        td_cell cell;
        def.sample_bars = sample;
        assert_ok(td_deck_make(tape, &def, &deck, &error));
        assert_ok(td_check_set(deck, &set, &error));
        td_assert_engines_agree(deck, &set, 1, 0, &cell, "by hand");
        td_record_free(&now);
        now = td_record_make(deck, &set);
        td_deck_free(deck);
    }
}

static void play(const td_bar *bars, int count) {
    td_tape tape = td_script_tape(bars, count, TD_NS_PER_DAY);
    play_tape(&tape);
    td_test_tape_free(&tape);
}

#define expect_fill(index, bar, reason, units, price)                                                                             \
    check_fill(index, bar, TD_FILL_REASON_##reason, units, price, __FILE__, __LINE__)
static void check_fill(int64_t index, int64_t bar, td_fill_reason reason, double units, double price, const char *file, int line) {
    if (index >= now.fill_count) {
        print_error("fill %lld is missing: there are %lld\n", (long long)index, (long long)now.fill_count);
        _fail(file, line);
        return;
    }
    const td_fill *fill = &now.fills[index];
    if (fill->bar == bar && fill->reason == reason && fabs(fill->units - units) <= 1e-12 * fabs(units) &&
        fabs(fill->price - price) <= 1e-12 * price)
        return;
    print_error("fill %lld: %s of %.17g at %.17g on bar %lld, expected %s of %.17g at %.17g on bar %lld\n", (long long)index,
                td_fill_reason_name(fill->reason), fill->units, fill->price, (long long)fill->bar, td_fill_reason_name(reason),
                units, price, (long long)bar);
    _fail(file, line);
}
#define expect_fills(count) assert_int_equal(now.fill_count, count)
#define expect_metric(name, value) assert_near(now.cell.metrics[TD_METRIC_##name], value, 1e-14)
#define expect_equity(bar, value) assert_near(now.equity[bar], value, 1e-14)
#define EACH_PROFILE for (int profile = 0; profile < 2 && (def.profile = (td_profile)profile, true); profile++)
#define BACKTESTING (def.profile == TD_PROFILE_BACKTESTING)

/* A test of a rule of docs/bar-rules.md; its name begins with the rule's id. */
#define RULE(function) {#function, function, start, stop, NULL}

#endif
