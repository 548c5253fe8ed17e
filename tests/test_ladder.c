/* data/ladder.h: cases with known answers, and random play against a book that is a plain list. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "data/ladder.h"
#include "tests/support.h"

static td_error error;

static td_ladder *fresh(void) {
    td_ladder *ladder;
    assert_ok(td_ladder_open(&ladder, &error));
    return ladder;
}

/* hftbacktest's vectors for orders on one side (depth/roivectormarketdepth.rs, test_l3_add_delete_*, test_l3_modify_*), each order as
 * a change of its level: tick 0.1, lot 0.001; sells are the mirror image. */
static void orders_of_one_side(void **state) {
    (void)state;
    for (int s = 0; s < 2; s++) {
        td_side side = (td_side)s;
        int32_t way = s ? -1 : 1, base = 5000, none = s ? TD_NO_ASK : TD_NO_BID;
        td_ladder *ladder = fresh();
        const struct {
            int32_t tick, lots, best; /* lots: of the level from then on */
        } steps[] = {
            {1, 1, 1}, {3, 5, 3}, {1, 6, 3}, {5, 5, 5},                                   /* four orders */
            {3, 0, 5}, {5, 0, 1}, {1, 1, 1}, {1, 0, 0},                                   /* removed: second, fourth, third, first */
            {1, 1, 1}, {3, 5, 3}, {1, 6, 3}, {5, 5, 5},                                   /* and again */
            {3, 0, 5}, {5, 11, 5}, {5, 5, 5}, {7, 6, 7}, {7, 0, 5}, {6, 6, 6}, {5, 0, 6}, /* the second order is moved, the fourth removed */
            {6, 0, 1}, {0, 6, 1},
        };
        for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
            td_ladder_set(ladder, side, base + way * steps[i].tick, steps[i].lots);
            bool empty = steps[i].best == 0;
            assert_int_equal(td_ladder_best(ladder, side), empty ? none : base + way * steps[i].best);
        }
        assert_int_equal(td_ladder_lots(ladder, side, base), 6);
        assert_int_equal(td_ladder_levels(ladder, side), 2);
        assert_int_equal(td_ladder_levels(ladder, (td_side)!side), 0);
        td_ladder_close(ladder);
    }
}

/* A bid at the ask: stepped back, the ask stays where it is, and is best again only when it is set anew. */
static void crossed_books(void **state) {
    (void)state;
    td_ladder *ladder = fresh();
    for (int32_t k = 0; k < 5; k++) {
        td_ladder_set(ladder, TD_BUY, 100 - k, 1 + k);
        td_ladder_set(ladder, TD_SELL, 101 + k, 1 + k);
    }
    assert_int_equal(td_ladder_set(ladder, TD_BUY, 102, 9), 0);
    td_ladder_step_back(ladder, TD_BUY, 102);
    assert_int_equal(td_ladder_bid(ladder), 102);
    assert_int_equal(td_ladder_ask(ladder), 103);
    assert_int_equal(td_ladder_lots(ladder, TD_SELL, 101), 1);
    assert_int_equal(td_ladder_set(ladder, TD_BUY, 102, 0), 9);
    assert_int_equal(td_ladder_bid(ladder), 100);
    assert_int_equal(td_ladder_ask(ladder), 103);
    assert_int_equal(td_ladder_set(ladder, TD_SELL, 102, 7), 2);
    assert_int_equal(td_ladder_ask(ladder), 102);
    td_ladder_set(ladder, TD_SELL, 99, 3);
    td_ladder_step_back(ladder, TD_SELL, 99);
    assert_int_equal(td_ladder_bid(ladder), 98);
    assert_int_equal(td_ladder_ask(ladder), 99);
    td_ladder_set(ladder, TD_SELL, 90, 3); /* beyond all bids */
    td_ladder_step_back(ladder, TD_SELL, 90);
    assert_int_equal(td_ladder_bid(ladder), TD_NO_BID);
    assert_int_equal(td_ladder_levels(ladder, TD_BUY), 5);
    td_ladder_close(ladder);

    ladder = fresh();
    for (int32_t k = 0; k < 5; k++) td_ladder_set(ladder, TD_SELL, 101 + k, 1 + k);
    td_ladder_set(ladder, TD_BUY, 103, 2);
    assert_int_equal(td_ladder_uncross(ladder, TD_BUY, 103), 3);
    assert_int_equal(td_ladder_ask(ladder), 104);
    assert_int_equal(td_ladder_lots(ladder, TD_SELL, 102), 0);
    assert_int_equal(td_ladder_uncross(ladder, TD_BUY, 103), 0);
    td_ladder_close(ladder);
}

/* Clearing takes the levels from the best price to the one named, of the asks as of the bids. */
static void clearing(void **state) {
    (void)state;
    for (int s = 0; s < 2; s++) {
        td_side side = (td_side)s;
        int32_t way = s ? 1 : -1;
        td_ladder *ladder = fresh();
        for (int32_t k = 0; k < 10; k++) td_ladder_set(ladder, side, 500 + way * k, 1 + k);
        td_ladder_clear_to(ladder, side, 500 + way * 3);
        assert_int_equal(td_ladder_best(ladder, side), 500 + way * 4);
        assert_int_equal(td_ladder_levels(ladder, side), 6);
        td_ladder_clear_to(ladder, side, 500 - way * 20); /* better than the best: nothing */
        assert_int_equal(td_ladder_levels(ladder, side), 6);
        td_ladder_clear_to(ladder, side, 500 + way * 400);
        assert_int_equal(td_ladder_levels(ladder, side), 0);
        assert_int_equal(td_ladder_best(ladder, side), s ? TD_NO_ASK : TD_NO_BID);
        td_ladder_close(ladder);
    }
}

/* ---- random play ---- */

typedef struct plain_book { /* levels as they come, best prices as the rules have them */
    struct {
        int32_t tick;
        int64_t lots;
    } level[2][4096];
    int count[2];
    int32_t best[2];
} plain_book;

static bool better(int side, int32_t a, int32_t b) { return side ? a < b : a > b; }
static int32_t nothing(int side) { return side ? TD_NO_ASK : TD_NO_BID; }
static int32_t plain_next(const plain_book *book, int side, int32_t tick) {
    int32_t best = nothing(side);
    for (int i = 0; i < book->count[side]; i++)
        if (better(side, tick, book->level[side][i].tick) && better(side, book->level[side][i].tick, best)) best = book->level[side][i].tick;
    return best;
}
static int64_t plain_set(plain_book *book, int side, int32_t tick, int64_t lots) {
    int i = 0;
    while (i < book->count[side] && book->level[side][i].tick != tick) i++;
    int64_t before = i < book->count[side] ? book->level[side][i].lots : 0;
    if (lots) {
        assert_true(i < 4096);
        book->level[side][i].tick = tick;
        book->level[side][i].lots = lots;
        if (i == book->count[side]) book->count[side]++;
        if (better(side, tick, book->best[side])) book->best[side] = tick;
    } else if (before) {
        book->level[side][i] = book->level[side][--book->count[side]];
    }
    if (!lots && book->best[side] == tick) book->best[side] = plain_next(book, side, tick);
    return before;
}

static void same(const plain_book *book, const td_ladder *ladder) {
    for (int s = 0; s < 2; s++) {
        assert_int_equal(td_ladder_best(ladder, (td_side)s), book->best[s]);
        assert_int_equal(td_ladder_levels(ladder, (td_side)s), book->count[s]);
        for (int i = 0; i < book->count[s]; i++)
            assert_int_equal(td_ladder_lots(ladder, (td_side)s, book->level[s][i].tick), book->level[s][i].lots);
    }
}

/* spread: how far levels lie from a price that walks `stride` a step. A second
 * ladder gets the mirror image. */
static void play(uint64_t seed, int32_t spread, int32_t stride, bool step) {
    static plain_book book;
    book = (plain_book){.best = {TD_NO_BID, TD_NO_ASK}};
    td_ladder *ladder = fresh(), *mirror = fresh();
    const int32_t top = 1 << 29;
    uint64_t draw = 0;
#define DRAW(n) ((int64_t)(td_random_bits(seed, TD_PURPOSE_TEST, 77, draw++) % (uint64_t)(n)))
    int32_t price = 1 << 28;
    for (int i = 0; i < 6000; i++) {
        price += (int32_t)DRAW(2 * stride + 1) - stride;
        int side = (int)DRAW(2), other = !side;
        int32_t away = (int32_t)DRAW(spread), tick = price + (side ? 3 : -3) - (int32_t)DRAW(8);
        tick += side ? away : -away;
        int64_t lots = DRAW(3) ? DRAW(50) + 1 : 0;
        if (DRAW(200) == 0) lots = (int64_t)UINT32_MAX + DRAW(3) - 1;
        if (book.count[side] > 600 || (lots == 0 && book.count[side] && DRAW(2)))
            tick = book.level[side][DRAW(book.count[side])].tick, lots = 0;
        if (lots == 0 && DRAW(4) == 0 && book.best[side] != nothing(side)) tick = book.best[side];
        int64_t before = plain_set(&book, side, tick, lots);
        assert_int_equal(td_ladder_set(ladder, (td_side)side, tick, lots), before);
        assert_int_equal(td_ladder_set(mirror, (td_side)other, top - tick, lots), before);
        if (lots && step) {
            if (book.best[side] == tick && book.best[other] != nothing(other) && !better(side, book.best[other], tick))
                book.best[other] = plain_next(&book, other, tick);
            td_ladder_step_back(ladder, (td_side)side, tick);
            td_ladder_step_back(mirror, (td_side)other, top - tick);
        } else if (lots) {
            int64_t gone = 0;
            for (; book.best[other] != nothing(other) && !better(side, book.best[other], tick); gone++)
                plain_set(&book, other, book.best[other], 0);
            assert_int_equal(td_ladder_uncross(ladder, (td_side)side, tick), gone);
            assert_int_equal(td_ladder_uncross(mirror, (td_side)other, top - tick), gone);
        }
        if (DRAW(700) == 0) {
            int32_t to = price + (int32_t)DRAW(2 * spread) - spread;
            while (book.best[side] != nothing(side) && !better(side, to, book.best[side])) plain_set(&book, side, book.best[side], 0);
            book.best[side] = plain_next(&book, side, to); /* which may have been passed over before */
            td_ladder_clear_to(ladder, (td_side)side, to);
            td_ladder_clear_to(mirror, (td_side)other, top - to);
        }
        if (DRAW(1500) == 0) {
            book.count[side] = 0;
            book.best[side] = nothing(side);
            td_ladder_clear(ladder, (td_side)side);
            td_ladder_clear(mirror, (td_side)other);
        }
        for (int s = 0; s < 2; s++) {
            assert_int_equal(td_ladder_best(ladder, (td_side)s), book.best[s]);
            assert_int_equal(td_ladder_best(mirror, (td_side)!s), book.best[s] == nothing(s) ? nothing(!s) : top - book.best[s]);
        }
        int32_t from = price + (int32_t)DRAW(2 * spread) - spread;
        assert_int_equal(td_ladder_next(ladder, (td_side)side, from), plain_next(&book, side, from));
        if (i % 100 == 0) same(&book, ladder);
    }
    same(&book, ladder);
    td_ladder_reset(ladder);
    assert_int_equal(td_ladder_levels(ladder, TD_BUY) + td_ladder_levels(ladder, TD_SELL), 0);
    td_ladder_close(ladder);
    td_ladder_close(mirror);
}

static void random_plays(void **state) {
    (void)state;
    for (uint64_t seed = 0; seed < 6; seed++) {
        bool step = seed % 2;
        play(seed, 60, 1, step);
        play(seed + 100, 3000, 40, step);
        play(seed + 200, 300000, 20000, step); /* the window moves all the time */
        play(seed + 300, 20000000, 5, step);   /* nearly everything is far away */
    }
}

/* What lies outside the window is there when the price gets to it. */
static void far_levels(void **state) {
    (void)state;
    td_ladder *ladder = fresh();
    for (int32_t k = 0; k < 1000; k++) td_ladder_set(ladder, TD_BUY, 700000 - k * 700, 10 + k);
    assert_int_equal(td_ladder_levels(ladder, TD_BUY), 1000);
    for (int32_t k = 0; k < 1000; k++) {
        assert_int_equal(td_ladder_bid(ladder), 700000 - k * 700);
        assert_int_equal(td_ladder_set(ladder, TD_BUY, 700000 - k * 700, 0), 10 + k);
    }
    assert_int_equal(td_ladder_bid(ladder), TD_NO_BID);
    td_ladder_close(ladder);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(orders_of_one_side), cmocka_unit_test(crossed_books), cmocka_unit_test(clearing),
        cmocka_unit_test(far_levels),         cmocka_unit_test(random_plays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
