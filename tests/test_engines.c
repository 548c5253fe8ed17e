/* The engines agree: reference, lanes and skip, on every instruction set, in any company, chunk by chunk, on any thread. And the
 * properties that no single engine can show: the future changes nothing, a currency is only a name, up is down mirrored. */
#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/deck.h"
#include "tests/plays.h"

static const int64_t edges[] = {1, 2, 3, 63, 64, 65, 127, 128, 129, 511, 512, 513, 1024, 1025};
enum { EDGES = sizeof edges / sizeof *edges };

/* Random configurations; what they must between them have met is counted, lest the test go blind. */
static void random_configurations(void **state) {
    (void)state;
    long ruined = 0, failed = 0, refused = 0, ambiguous = 0, idle = 0, busy = 0;
    for (uint64_t seed = 0; seed < 700; seed++) {
        int64_t bars = seed % 4 == 0 ? edges[seed / 4 % EDGES] : td_draw_whole(seed, 30, 2, 1 + (seed % 5 ? 700 : 3000));
        static const int64_t chunks[] = {0, 0, 1, 7, 63, 64, 65, 100};
        int64_t chunk = chunks[td_draw_whole(seed, 31, 0, 7)];
        td_case made;
        td_case_make(&made, seed, bars, td_case_strategy(seed));
        td_cell cells[TD_CASE_SETS];
        td_assert_engines_agree(made.deck, made.sets, TD_CASE_SETS, chunk, cells, made.text);
        for (int i = 0; i < TD_CASE_SETS; i++) {
            ruined += cells[i].ruined;
            failed += cells[i].state == TD_CELL_FAILED;
            refused += cells[i].metrics[TD_METRIC_orders_refused] > 0;
            ambiguous += cells[i].metrics[TD_METRIC_ambiguous_bars] > 0;
            idle += cells[i].metrics[TD_METRIC_fills] == 0;
            busy += cells[i].metrics[TD_METRIC_trades] > 20;
        }
        td_case_free(&made);
    }
    printf("cells: %ld ruined, %ld failed, %ld with refused orders, %ld with ambiguous bars, %ld idle, %ld busy\n", ruined, failed,
           refused, ambiguous, idle, busy);
    assert_true(ruined > 50 && failed > 50 && refused > 300 && ambiguous > 300 && idle > 300 && busy > 1000);
}

/* What a set's cell says does not depend on how many sets are played, on which, or in what order. */
static void company_and_order(void **state) {
    (void)state;
    td_error error;
    for (uint64_t seed = 1000; seed < 1024; seed++) {
        td_case made;
        td_case_make(&made, seed, 400, td_case_strategy(seed));
        int64_t blocks = td_deck_blocks(made.deck);
        td_cell alone[TD_CASE_SETS], cells[TD_CASE_SETS];
        float *alone_returns = malloc((size_t)(TD_CASE_SETS * blocks) * sizeof(float)),
              *returns = malloc((size_t)(TD_CASE_SETS * blocks) * sizeof(float));
        for (int isa = 0; isa <= (int)td_isa_best(); isa++) {
            td_player *player;
            assert_ok(td_player_open(made.deck, TD_ENGINE_AUTO, (td_isa)isa, &player, &error));
            for (int i = 0; i < TD_CASE_SETS; i++) td_play(player, &made.sets[i], 1, &alone[i], alone_returns + i * blocks);
            int64_t width = td_isa_lanes((td_isa)isa),
                    counts[] = {2, width / 2, width - 1, width, width + 1, 2 * width + 1, TD_CASE_SETS};
            for (size_t c = 0; c < sizeof counts / sizeof *counts; c++) {
                int64_t count = counts[c] < 1 ? 1 : counts[c] > TD_CASE_SETS ? TD_CASE_SETS : counts[c];
                td_play(player, made.sets, count, cells, returns);
                for (int64_t i = 0; i < count; i++)
                    assert_true(td_same_cells(&alone[i], &cells[i], alone_returns + i * blocks, returns + i * blocks, blocks));
            }
            /* another order: 5 is prime to 37. Without block returns this time. */
            td_set mixed[TD_CASE_SETS];
            for (int i = 0; i < TD_CASE_SETS; i++) mixed[i] = made.sets[i * 5 % TD_CASE_SETS];
            td_play(player, mixed, TD_CASE_SETS, cells, NULL);
            for (int i = 0; i < TD_CASE_SETS; i++)
                assert_true(td_same_cells(&alone[i * 5 % TD_CASE_SETS], &cells[i], NULL, NULL, 0));
            td_player_close(player);
        }
        free(alone_returns);
        free(returns);
        td_case_free(&made);
    }
}

/* More sets than a group holds, and windows so scattered that no two lanes share a slot. */
static void many_sets(void **state) {
    (void)state;
    enum { SETS = 2500 };
    td_error error;
    td_tape tape = td_test_tape(700, TD_NS_PER_DAY, 77);
    for (int strategy = 0; strategy < td_strategy_count(); strategy++) {
        td_play_def def = td_default_play_def();
        def.strategy = td_strategy_at(strategy);
        if (td_strategy_plays_pairs(def.strategy)) continue; /* tests/test_portfolio.c */
        if (def.strategy->book) continue;                    /* tests/test_book_lanes.c */
        def.sample_bars = strategy % 2 ? 20 : 0;
        td_deck *deck;
        assert_ok(td_deck_make(&tape, &def, &deck, &error));
        td_set *sets = malloc(SETS * sizeof *sets);
        td_cell *cells = malloc(SETS * sizeof *cells);
        for (int i = 0; i < SETS; i++) {
            sets[i] = td_default_set(def.strategy);
            for (int k = 0; k < td_strategy_param_count(def.strategy); k++)
                if (td_strategy_param(def.strategy, k)->kind == TD_PARAM_WINDOW)
                    sets[i].param[k] = (double)td_draw_whole(78, (uint64_t)(i * 4 + k), 1, 700);
            sets[i].knob[TD_KNOB_stop_loss] = 0.01 * (i % 7);
            sets[i].knob[TD_KNOB_commission] = 0.0001 * (i % 11);
        }
        td_assert_engines_agree(deck, sets, SETS, 0, cells, td_strategy_name(def.strategy));
        free(sets);
        free(cells);
        td_deck_free(deck);
    }
}

/* Windows as a grid has them, all neighbours: the lanes engine reads them another way than scattered ones. */
static void grids(void **state) {
    (void)state;
    enum { SETS = 300 };
    td_error error;
    td_tape tape = td_test_tape(500, 60 * TD_NS_PER_SECOND, 79);
    for (int steps = 1; steps <= 3; steps++)
        for (int64_t sample = 0; sample <= 1; sample++) {
            td_play_def def = td_default_play_def();
            def.strategy = td_strategy_find("sma-cross");
            def.sample_bars = sample;
            td_deck *deck;
            assert_ok(td_deck_make(&tape, &def, &deck, &error));
            td_set *sets = malloc(SETS * sizeof *sets);
            td_cell *cells = malloc(SETS * sizeof *cells);
            for (int i = 0; i < SETS; i++) {
                sets[i] = td_default_set(def.strategy);
                sets[i].param[0] = 2 + i / 25 * steps;
                sets[i].param[1] = 20 + i % 25 * steps;
            }
            td_assert_engines_agree(deck, sets, SETS, 0, cells, "a grid");
            free(sets);
            free(cells);
            td_deck_free(deck);
        }
}

static void threads(void **state) {
    (void)state;
    enum { SETS = 600, GROUP = 50 };
    td_error error;
    for (uint64_t seed = 2000; seed < 2008; seed++) {
        td_case made;
        td_case_make(&made, seed, 600, td_case_strategy(seed));
        td_set *sets = malloc(SETS * sizeof *sets);
        td_cell *first = malloc(SETS * sizeof *first), *cells = malloc(SETS * sizeof *cells);
        for (int i = 0; i < SETS; i++) {
            sets[i] = made.sets[i % TD_CASE_SETS];
            sets[i].knob[TD_KNOB_slippage] = 1e-6 * i;
        }
        td_player *players[4];
        for (int k = 0; k < 4; k++) assert_ok(td_player_open(made.deck, TD_ENGINE_AUTO, td_isa_best(), &players[k], &error));
        td_play(players[0], sets, SETS, first, NULL);
        for (int count = 1; count <= 4; count++) {
            memset(cells, 0, SETS * sizeof *cells);
#pragma omp parallel for schedule(dynamic) num_threads(count)
            for (int g = 0; g < SETS / GROUP; g++)
                td_play(players[omp_get_thread_num()], sets + g * GROUP, GROUP, cells + g * GROUP, NULL);
            for (int i = 0; i < SETS; i++) assert_true(td_same_cells(&first[i], &cells[i], NULL, NULL, 0));
        }
        for (int k = 0; k < 4; k++) td_player_close(players[k]);
        free(sets);
        free(first);
        free(cells);
        td_case_free(&made);
    }
}

/* A detailed run is the same play, watched: same cell, same blocks, and the money adds up on every bar (tests/plays.c checks). */
static void detailed_runs(void **state) {
    (void)state;
    td_error error;
    for (uint64_t seed = 3000; seed < 3150; seed++) {
        td_case made;
        td_case_make(&made, seed, td_draw_whole(seed, 30, 1, 400), td_case_strategy(seed));
        int64_t blocks = td_deck_blocks(made.deck);
        float *returns = malloc((size_t)blocks * sizeof *returns);
        td_player *player;
        assert_ok(td_player_open(made.deck, TD_ENGINE_AUTO, td_isa_best(), &player, &error));
        for (int i = 0; i < 12; i++) {
            td_cell cell;
            td_play(player, &made.sets[i], 1, &cell, returns);
            td_record record = td_record_make(made.deck, &made.sets[i]);
            if (!td_same_cells(&record.cell, &cell, record.block_returns, returns, blocks)) fail_msg("%s, set %d", made.text, i);
            /* what the blocks say is what the equity says */
            double before = made.sets[i].knob[TD_KNOB_cash], product = 1;
            for (int64_t k = 0; k < blocks && cell.state == TD_CELL_DONE; k++) {
                double now = record.equity[td_deck_block_start(made.deck, k + 1) - made.def.first_bar - 1];
                assert_near(returns[k], before > 0 ? (float)(now / before - 1) : 0, 0);
                product *= 1 + returns[k];
                before = now;
            }
            if (cell.state == TD_CELL_DONE)
                assert_true(fabs(product - 1 - cell.metrics[TD_METRIC_total_return]) < 1e-4 * (1 + fabs(product)));
            td_record_free(&record);
        }
        td_player_close(player);
        free(returns);
        td_case_free(&made);
    }
}

static bool same_fill(const td_fill *a, const td_fill *b) {
    return a->bar == b->bar && a->reason == b->reason && a->units == b->units && a->price == b->price &&
           a->commission == b->commission && a->spread_cost == b->spread_cost && a->slippage_cost == b->slippage_cost &&
           a->position == b->position;
}

/* The arrow of time: bars after t replaced by garbage change no fill that was decided at or before t. */
static void poisoned_future(void **state) {
    (void)state;
    for (uint64_t seed = 4000; seed < 4030; seed++) {
        td_case made;
        int64_t bars = td_draw_whole(seed, 30, 40, 300);
        td_case_make(&made, seed, bars, td_case_strategy(seed));
        int64_t first = made.def.first_bar, played = td_deck_bars(made.deck);
        td_tape poisoned = td_test_tape_of(bars, made.tape.interval_ns, TD_TEMPER_GAPS, true, seed + 1);
        double *columns[5] = {(double *)(uintptr_t)poisoned.open, (double *)(uintptr_t)poisoned.high,
                              (double *)(uintptr_t)poisoned.low, (double *)(uintptr_t)poisoned.close,
                              (double *)(uintptr_t)poisoned.volume};
        const double *truth[5] = {made.tape.open, made.tape.high, made.tape.low, made.tape.close, made.tape.volume};
        memcpy((void *)(uintptr_t)poisoned.time_ns, made.tape.time_ns, (size_t)bars * sizeof *made.tape.time_ns);
        double *garbage = malloc((size_t)bars * 5 * sizeof *garbage);
        memcpy(garbage, columns[0], (size_t)bars * 5 * sizeof *garbage);
        td_record records[4];
        for (int i = 0; i < 4; i++) records[i] = td_record_make(made.deck, &made.sets[i]);
        for (int64_t t = 0; t + 1 < played; t += 1 + played / 29) {
            /* the tape up to and with bar t is the true one; prices above 1 and finite come after, or the deck would not be one */
            memcpy(columns[0], garbage, (size_t)bars * 5 * sizeof *garbage);
            for (int c = 0; c < 5; c++) memcpy(columns[c], truth[c], (size_t)(first + t + 1) * sizeof(double));
            td_error error;
            td_deck *deck;
            assert_ok(td_deck_make(&poisoned, &made.def, &deck, &error));
            for (int i = 0; i < 4; i++) {
                td_record other = td_record_make(deck, &made.sets[i]);
                for (int64_t k = 0; k <= t; k++) {
                    assert_near(other.equity[k], records[i].equity[k], 0);
                    assert_near(other.position[k], records[i].position[k], 0);
                }
                int64_t known = 0;
                while (known < records[i].fill_count && records[i].fills[known].bar <= t) known++;
                assert_true(other.fill_count >= known);
                /* finalize may sell at the previous close: those fills of the last bar are no decision of the past */
                for (int64_t k = 0; k < known; k++)
                    if (records[i].fills[k].bar < played - 2) assert_true(same_fill(&other.fills[k], &records[i].fills[k]));
                td_record_free(&other);
            }
            td_deck_free(deck);
        }
        for (int i = 0; i < 4; i++) td_record_free(&records[i]);
        free(garbage);
        td_test_tape_free(&poisoned);
        td_case_free(&made);
    }
}

/* A copy of a tape with prices times `scale`, or mirrored around `mirror`. */
static td_tape changed_tape(const td_tape *tape, double scale, double mirror) {
    int64_t bars = tape->bars;
    td_tape copy = *tape;
    int64_t *time = malloc((size_t)bars * sizeof *time);
    double *open = malloc((size_t)bars * 5 * sizeof *open), *high = open + bars, *low = high + bars, *close = low + bars,
           *volume = close + bars;
    memcpy(time, tape->time_ns, (size_t)bars * sizeof *time);
    memcpy(volume, tape->volume, (size_t)bars * sizeof *volume);
    for (int64_t t = 0; t < bars; t++) {
        open[t] = mirror ? mirror - tape->open[t] : scale * tape->open[t];
        high[t] = mirror ? mirror - tape->low[t] : scale * tape->high[t];
        low[t] = mirror ? mirror - tape->high[t] : scale * tape->low[t];
        close[t] = mirror ? mirror - tape->close[t] : scale * tape->close[t];
    }
    copy.time_ns = time;
    copy.open = open;
    copy.high = high;
    copy.low = low;
    copy.close = close;
    copy.volume = volume;
    return copy;
}

/* A currency is only a name: prices, cash and fixed costs times a power of two give the same trades, the same units, the same
 * returns, bit for bit. */
static void scaled_prices(void **state) {
    (void)state;
    td_error error;
    static const td_metric money[] = {TD_METRIC_final_equity, TD_METRIC_peak_equity, TD_METRIC_commission_paid,
                                      TD_METRIC_spread_paid, TD_METRIC_slippage_paid, TD_METRIC_turnover, TD_METRIC_funding_paid,
                                      TD_METRIC_borrow_paid, TD_METRIC_open_profit};
    static const char *const names[] = {"sma-cross", "ema-cross", "rsi-reversion", "buy-and-hold"};
    for (uint64_t seed = 5000; seed < 5060; seed++) {
        td_case made;
        td_case_make(&made, seed, 300, td_strategy_find(names[seed % 4]));
        double scale = seed % 2 ? 64 : 0.125;
        td_tape scaled = changed_tape(&made.tape, scale, 0);
        td_deck *deck;
        assert_ok(td_deck_make(&scaled, &made.def, &deck, &error));
        for (int i = 0; i < TD_CASE_SETS; i++) {
            td_set set = made.sets[i];
            set.knob[TD_KNOB_cash] *= scale;
            set.knob[TD_KNOB_fixed_commission] *= scale;
            set.knob[TD_KNOB_per_unit] *= scale;
            set.knob[TD_KNOB_tick] *= scale;
            set.knob[TD_KNOB_trailing_amount] *= scale;
            set.knob[TD_KNOB_max_position] *= scale;
            if (made.def.sizing == TD_SIZING_FIXED_VALUE) set.knob[TD_KNOB_size] *= scale;
            td_record a = td_record_make(made.deck, &made.sets[i]), b = td_record_make(deck, &set);
            assert_int_equal(a.fill_count, b.fill_count);
            for (int64_t k = 0; k < a.fill_count; k++) {
                assert_int_equal(a.fills[k].bar, b.fills[k].bar);
                assert_int_equal(a.fills[k].reason, b.fills[k].reason);
                assert_near(b.fills[k].units, a.fills[k].units, 0);
                assert_near(b.fills[k].price, a.fills[k].price * scale, 0);
            }
            for (int m = 0; m < TD_METRIC_BARS_COUNT; m++) {
                double factor = 1;
                for (size_t k = 0; k < sizeof money / sizeof *money; k++)
                    if (money[k] == (td_metric)m) factor = scale;
                /* logs of scaled sums and square roots of scaled squares round as they like */
                double tolerance = m == TD_METRIC_sqn || m == TD_METRIC_beta || m == TD_METRIC_alpha ? 1e-9 : 0;
                assert_near(b.cell.metrics[m], a.cell.metrics[m] * factor, tolerance);
            }
            td_record_free(&a);
            td_record_free(&b);
        }
        td_deck_free(deck);
        td_test_tape_free(&scaled);
        td_case_free(&made);
    }
}

/* Rows on prices times a power of two are the same rows: whoever compares them with each other sees no difference. */
static void scaled_rows(void **state) {
    (void)state;
    td_error error;
    static const char *const names[] = {"sma-cross", "donchian-breakout", "rsi-reversion", "vwap-reversion", "keltner"};
    for (uint64_t seed = 5100; seed < 5150; seed++) {
        td_case made;
        td_case_make(&made, seed, 300, seed % 6 ? td_strategy_find(names[seed % 6 - 1]) : td_test_strategy("awkward"));
        if (made.def.volatility != TD_VOLATILITY_NONE) { /* a row that is compared with prices */
            td_case_free(&made);
            continue;
        }
        td_deck *deck;
        td_cell cells[TD_CASE_SETS], others[TD_CASE_SETS];
        made.def.row_scale *= 0.25;
        assert_ok(td_deck_make(&made.tape, &made.def, &deck, &error));
        td_assert_engines_agree(made.deck, made.sets, TD_CASE_SETS, 0, cells, made.text);
        td_assert_engines_agree(deck, made.sets, TD_CASE_SETS, 0, others, made.text);
        for (int i = 0; i < TD_CASE_SETS; i++) assert_true(td_same_cells(&cells[i], &others[i], NULL, NULL, 0));
        td_deck_free(deck);
        td_case_free(&made);
    }
}

/* Up is down mirrored: on a tape turned around a price, with fixed units and no costs, the long trades of one are the short trades
 * of the other, with the same profits. (Stops are fractions of the price, so they are not mirrored.) Prices are whole numbers, so
 * that every sum is exact. */
static void mirrored_prices(void **state) {
    (void)state;
    td_error error;
    for (uint64_t seed = 6000; seed < 6020; seed++) {
        int64_t bars = 300;
        td_tape tape = td_test_tape_of(bars, TD_NS_PER_DAY, TD_TEMPER_TICKS, true, seed), mirrored = changed_tape(&tape, 1, 32768);
        td_play_def def = td_default_play_def();
        def.strategy = td_strategy_find("sma-cross");
        def.sizing = TD_SIZING_FIXED_UNITS;
        def.finalize = seed % 2;
        td_deck *deck, *other;
        assert_ok(td_deck_make(&tape, &def, &deck, &error));
        assert_ok(td_deck_make(&mirrored, &def, &other, &error));
        td_set set = td_default_set(def.strategy);
        set.param[0] = 4; /* windows that are powers of two: averages of whole numbers are exact */
        set.param[1] = 16;
        set.knob[TD_KNOB_cash] = 1048576;
        td_record a = td_record_make(deck, &set), b = td_record_make(other, &set);
        assert_true(a.trade_count > 3);
        assert_int_equal(a.trade_count, b.trade_count);
        for (int64_t k = 0; k < a.trade_count; k++) {
            assert_int_equal(a.trades[k].entry_bar, b.trades[k].entry_bar);
            assert_int_equal(a.trades[k].exit_bar, b.trades[k].exit_bar);
            assert_near(b.trades[k].units, -a.trades[k].units, 0);
            assert_near(b.trades[k].pnl, a.trades[k].pnl, 0);
        }
        for (int64_t t = 0; t < bars; t++) assert_near(b.equity[t], a.equity[t], 0);
        td_record_free(&a);
        td_record_free(&b);
        td_deck_free(deck);
        td_deck_free(other);
        td_test_tape_free(&tape);
        td_test_tape_free(&mirrored);
    }
}

/* A strategy that loses its mind loses its cell, with the reason and the bar, and nobody else's. */
static void failing_strategies(void **state) {
    (void)state;
    td_error error;
    td_tape tape = td_test_tape(400, TD_NS_PER_DAY, 80);
    td_play_def def = td_default_play_def();
    td_deck *deck;
    td_cell cells[40];
    td_set sets[40];

    /* on a signal: 0/0, 1/0 and -1/0 among good fractions */
    def.strategy = td_test_strategy("ratio");
    for (int sampled = 0; sampled < 2; sampled++) {
        def.sample_bars = sampled ? 1 : 10;
        assert_ok(td_deck_make(&tape, &def, &deck, &error));
        for (int i = 0; i < 40; i++) {
            sets[i] = td_default_set(def.strategy);
            sets[i].param[2] = i % 5 == 0 ? 0 : i % 5 == 1 ? 1 : i % 5 == 2 ? -1 : 0.5;
            sets[i].param[3] = i % 5 < 3 ? 0 : 1 + i % 3;
        }
        td_assert_engines_agree(deck, sets, 40, 0, cells, "ratio");
        td_record good = td_record_make(deck, &sets[3]);
        for (int i = 0; i < 40; i++) {
            bool bad = i % 5 < 3;
            assert_int_equal(cells[i].state, bad ? TD_CELL_FAILED : TD_CELL_DONE);
            assert_int_equal(cells[i].reason, bad ? TD_CELL_REASON_nan_target : TD_CELL_REASON_none);
            /* it fails where the good ones decide first: at the bar before their first fill */
            assert_int_equal(cells[i].reason_bar, bad ? good.fills[0].bar - 1 : -1);
            assert_int_equal(cells[i].ruined, 0);
            for (int m = 0; bad && m < TD_METRIC_BARS_COUNT; m++) assert_true(isnan(cells[i].metrics[m]));
        }
        assert_string_equal(td_cell_reason_name((td_cell_reason)cells[0].reason), "nan_target");
        assert_true(cells[0].hash != cells[3].hash);
        float returns[64];
        td_cell cell;
        assert_ok(td_play_detailed(deck, &sets[0], NULL, &cell, returns, &error));
        for (int64_t k = 0; k < td_deck_blocks(deck); k++) assert_true(isnan(returns[k]));
        td_record_free(&good);
        td_deck_free(deck);
    }

    /* on every bar, with state, in the middle of things */
    def.strategy = td_test_strategy("breakout");
    for (int profile = 0; profile < 2; profile++) {
        def.profile = (td_profile)profile;
        assert_ok(td_deck_make(&tape, &def, &deck, &error));
        for (int i = 0; i < 40; i++) {
            sets[i] = td_default_set(def.strategy);
            sets[i].param[4] = i % 2 ? 0 : 1 + i * 5;
        }
        td_assert_engines_agree(deck, sets, 40, 50, cells, "breakout");
        for (int i = 0; i < 40; i++) {
            assert_int_equal(cells[i].state, i % 2 ? TD_CELL_DONE : TD_CELL_FAILED);
            assert_int_equal(cells[i].reason_bar, i % 2 ? -1 : 1 + i * 5);
            assert_true(i % 2 == 0 || cells[i].hash == cells[1].hash);
        }
        assert_true(cells[1].metrics[TD_METRIC_trades] > 5);
        td_deck_free(deck);
    }
}

/* Equity that leaves the doubles is a failure, not a number. */
static void infinite_equity(void **state) {
    (void)state;
    td_error error;
    enum { BARS = 100 };
    static int64_t time[BARS];
    static double price[BARS], volume[BARS];
    for (int t = 0; t < BARS; t++) {
        time[t] = t * TD_NS_PER_DAY;
        price[t] = ldexp(1, 12 * t - 200); /* units times price passes the largest double */
    }
    td_tape tape = {.bars = BARS, .symbols = 1, .interval_ns = TD_NS_PER_DAY, .time_ns = time, .open = price, .high = price,
                    .low = price, .close = price, .volume = volume};
    td_play_def def = td_default_play_def();
    def.strategy = td_strategy_find("buy-and-hold");
    for (int64_t sample = 0; sample <= 10; sample += 10) {
        def.sample_bars = sample;
        td_deck *deck;
        assert_ok(td_deck_make(&tape, &def, &deck, &error));
        td_set sets[9];
        td_cell cells[9];
        for (int i = 0; i < 9; i++) {
            sets[i] = td_default_set(def.strategy);
            sets[i].knob[TD_KNOB_cash] = 1e15;
            if (i % 2) sets[i].knob[TD_KNOB_take_profit] = 10;
        }
        td_assert_engines_agree(deck, sets, 9, 0, cells, "prices without bound");
        for (int i = 0; i < 9; i++) {
            assert_int_equal(cells[i].state, i % 2 ? TD_CELL_DONE : TD_CELL_FAILED);
            assert_int_equal(cells[i].reason, i % 2 ? TD_CELL_REASON_none : TD_CELL_REASON_nan_equity);
        }
        td_deck_free(deck);
    }
}

static void strategies_without_anything(void **state) {
    (void)state;
    td_error error;
    static const int64_t lengths[] = {1, 2, 64, 300};
    for (int k = 0; k < 4; k++) {
        td_tape tape = td_test_tape(lengths[k], TD_NS_PER_DAY, 81);
        td_play_def def = td_default_play_def();
        def.strategy = td_test_strategy("silent");
        for (int64_t sample = 1; sample <= 7; sample += 6) {
            def.sample_bars = sample;
            td_deck *deck;
            assert_ok(td_deck_make(&tape, &def, &deck, &error));
            td_set set = td_default_set(def.strategy);
            td_cell cell;
            td_assert_engines_agree(deck, &set, 1, 0, &cell, "silent");
            assert_near(cell.metrics[TD_METRIC_final_equity], 10000, 0);
            assert_near(cell.metrics[TD_METRIC_fills], 0, 0);
            td_deck_free(deck);
        }
    }
}

/* What wants every bar is not for the skip engine, and it says so. */
static void skip_refuses_what_it_cannot(void **state) {
    (void)state;
    td_error error;
    td_tape tape = td_test_tape(50, TD_NS_PER_DAY, 82);
    td_play_def def = td_default_play_def();
    def.strategy = td_test_strategy("breakout");
    def.sample_bars = 10;
    td_deck *deck;
    td_player *player;
    assert_ok(td_deck_make(&tape, &def, &deck, &error));
    assert_int_equal(td_deck_engine(deck, TD_ENGINE_AUTO), TD_ENGINE_LANES);
    assert_fails(td_player_open(deck, TD_ENGINE_SKIP, TD_ISA_SCALAR, &player, &error), TD_BAD_ARG, "breakout");
    td_deck_free(deck);
    def.strategy = td_strategy_find("sma-cross");
    assert_ok(td_deck_make(&tape, &def, &deck, &error));
    assert_int_equal(td_deck_engine(deck, TD_ENGINE_AUTO), TD_ENGINE_SKIP);
    td_deck_free(deck);
    def.sample_bars = 1;
    assert_ok(td_deck_make(&tape, &def, &deck, &error));
    assert_int_equal(td_deck_engine(deck, TD_ENGINE_AUTO), TD_ENGINE_LANES);
    td_deck_free(deck);
}

/* The strategies of examples/, which docs/strategies.md teaches with. */
static void strategies_of_the_examples(void **state) {
    (void)state;
    static const char *const names[] = {"pullback", "patience", "channel"};
    for (int k = 0; k < 3; k++) {
        td_case made;
        td_cell cells[TD_CASE_SETS];
        double trades = 0;
        for (uint64_t seed = 8000; seed < 8010; seed++) {
            td_case_make(&made, seed, 400, td_test_strategy(names[k]));
            td_assert_engines_agree(made.deck, made.sets, TD_CASE_SETS, 0, cells, made.text);
            for (int i = 0; i < TD_CASE_SETS; i++) trades += cells[i].metrics[TD_METRIC_trades];
            td_case_free(&made);
        }
        assert_true(trades > 100);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_configurations),
        cmocka_unit_test(company_and_order),
        cmocka_unit_test(many_sets),
        cmocka_unit_test(grids),
        cmocka_unit_test(threads),
        cmocka_unit_test(detailed_runs),
        cmocka_unit_test(poisoned_future),
        cmocka_unit_test(scaled_prices),
        cmocka_unit_test(scaled_rows),
        cmocka_unit_test(mirrored_prices),
        cmocka_unit_test(failing_strategies),
        cmocka_unit_test(infinite_equity),
        cmocka_unit_test(strategies_without_anything),
        cmocka_unit_test(skip_refuses_what_it_cannot),
        cmocka_unit_test(strategies_of_the_examples),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
