/* Indicator rows: values by hand, the bits of pandas for the simple average, plain recursions in long double, and the properties of
 * a row: the same in steps and in one go, on every instruction set, in any company, blind to what comes. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "data/row_kind.h"
#include "sim/rows.h"
#include "tests/plays.h"

/* Plays rows of one kind over [0, bars) in steps of at most `step` bars (0: one go): kind->column_count columns, and rows tuples of
 * arguments. Each output of each row gets its own array of `bars`: output o of row r is at (r * outputs + o) * bars. */
static double *play_columns(const td_row_kind *kind, td_isa isa, const double *const *columns, int64_t bars,
                            const td_row_tuple *tuples, int64_t rows, int64_t step) {
    static const int lanes[] = {1, 2, 4, 8};
    int64_t count = (rows + lanes[isa] - 1) / lanes[isa] * lanes[isa], stride = count * kind->output_count;
    double *arguments = malloc((size_t)(count * (kind->argument_count + 1)) * sizeof *arguments);
    for (int a = 0; a < kind->argument_count; a++)
        for (int64_t r = 0; r < count; r++) arguments[a * count + r] = tuples[r < rows ? r : 0].argument[a];
    double *memory = calloc((size_t)(count * (kind->memory + 1)), sizeof *memory), *out = malloc((size_t)(stride * bars) * sizeof *out);
    td_row_job job = {.arguments = arguments, .count = count, .memory = memory, .stride = stride};
    for (int c = 0; c < kind->column_count; c++) job.columns[c] = columns[c];
    for (job.begin = 0; job.begin < bars; job.begin = job.end) {
        job.end = step && job.begin + step < bars ? job.begin + step : bars;
        job.out = out + job.begin * stride;
        kind->kernels[isa]->play(&job);
    }
    double *turned = malloc((size_t)(rows * kind->output_count * bars) * sizeof *turned);
    for (int64_t r = 0; r < rows; r++)
        for (int o = 0; o < kind->output_count; o++)
            for (int64_t t = 0; t < bars; t++) turned[(r * kind->output_count + o) * bars + t] = out[t * stride + o * count + r];
    free(arguments);
    free(memory);
    free(out);
    return turned;
}

/* The same for a kind of one column, one window and one output. */
static double *play(const char *kind, td_isa isa, const double *column, int64_t bars, const int32_t *windows, int64_t rows,
                    int64_t step) {
    td_row_tuple *tuples = calloc((size_t)rows, sizeof *tuples);
    for (int64_t r = 0; r < rows; r++) tuples[r].argument[0] = windows[r];
    double *values = play_columns(td_row_kind_find(kind), isa, &column, bars, tuples, rows, step);
    free(tuples);
    return values;
}

static int64_t warmup_of(const char *kind, int64_t window) {
    return td_row_kind_find(kind)->warmup(&(td_row_tuple){{(double)window}});
}

static bool same(double a, double b) { return a == b || (isnan(a) && isnan(b)); }

static void check_row(const char *kind, int32_t window, const double *column, const double *expected, int bars, double relative) {
    for (int isa = 0; isa <= (int)td_isa_best(); isa++) {
        double *row = play(kind, (td_isa)isa, column, bars, &window, 1, 0);
        for (int t = 0; t < bars; t++) {
            if (isnan(expected[t]) != isnan(row[t]))
                print_error("%s(%d) at bar %d is %g, expected %g\n", kind, window, t, row[t], expected[t]);
            assert_int_equal(isnan(expected[t]), isnan(row[t]));
            assert_near(row[t], expected[t], relative);
        }
        free(row);
    }
}

static void by_hand(void **state) {
    (void)state;
    static const double x[] = {4, 8, 6, 10, 2, 2, 2, 2};
    check_row("sma", 1, x, x, 8, 0);
    check_row("sma", 2, x, (const double[]){NAN, 6, 7, 8, 6, 2, 2, 2}, 8, 0);
    check_row("sma", 4, x, (const double[]){NAN, NAN, NAN, 7, 6.5, 5, 4, 2}, 8, 0);
    check_row("sma", 8, x, (const double[]){NAN, NAN, NAN, NAN, NAN, NAN, NAN, 4.5}, 8, 0);
    /* weight 1/2 from the first value: 4, 6, 6, 8, 5, 3.5, 2.75, 2.375 */
    check_row("ema", 3, x, (const double[]){NAN, NAN, 6, 8, 5, 3.5, 2.75, 2.375}, 8, 0);
    check_row("ema", 1, x, x, 8, 0);
    /* changes +4 -2 +4 -8 0 0 0; means of the first two: up 2, down 1; then halves */
    check_row("rsi", 2, x,
              (const double[]){NAN, NAN, 200.0 / 3, 100 * 3 / 3.5, 100 * 1.5 / 5.75, 100 * 0.75 / 2.875, 100 * 0.375 / 1.4375,
                               100 * 0.1875 / 0.71875},
              8, 1e-15);
    check_row("rsi", 1, x, (const double[]){NAN, 100, 0, 100, 0, 50, 50, 50}, 8, 0);
    static const double flat[] = {5, 5, 5, 5}, rising[] = {1, 2, 3, 4};
    check_row("rsi", 2, flat, (const double[]){NAN, NAN, 50, 50}, 4, 0);
    check_row("rsi", 2, rising, (const double[]){NAN, NAN, 100, 100}, 4, 0);
    assert_null(td_row_kind_find("smma"));
    assert_int_equal(warmup_of("sma", 10), 9);
    assert_int_equal(warmup_of("ema", 10), 9);
    assert_int_equal(warmup_of("rsi", 10), 10);
    assert_true(td_row_kind_count() >= 3);
}

/* Wilder's RSI of 14 over a series of closes, 70.46 on the first bar with a value, as spreadsheets teach it. */
static void rsi_as_published(void **state) {
    (void)state;
    static const double close[] = {44.34, 44.09, 44.15, 43.61, 44.33, 44.83, 45.10, 45.42,
                                   45.84, 46.08, 45.89, 46.03, 45.61, 46.28, 46.28, 46.00};
    double up = 0, down = 0;
    for (int t = 1; t <= 14; t++) {
        up += fmax(close[t] - close[t - 1], 0);
        down += fmax(close[t - 1] - close[t], 0);
    }
    assert_near(up, 3.34, 1e-12);
    assert_near(down, 1.40, 1e-12);
    int32_t window = 14;
    double *row = play("rsi", td_isa_best(), close, 16, &window, 1, 0);
    assert_true(isnan(row[13]));
    assert_near(row[14], 100 * 3.34 / 4.74, 1e-12);
    assert_near(row[15], 100 * (3.34 * 13) / (3.34 * 13 + 1.40 * 13 + 0.28 * 14), 1e-12);
    free(row);
}

/* Series that any language can make: a linear congruential generator turned into prices of four tempers. */
enum { LONG = 5000 };
static void fill_series(double *x, int temper) {
    uint64_t state = 12345;
    static const double sizes[] = {1e8, 1, 3, 1e-3};
    for (int i = 0; i < LONG; i++) {
        state = (state * 1103515245 + 12345) % 2147483648u;
        double draw = (double)((state >> 8) % (temper == 0 ? 10000 : temper == 1 ? 1000003 : 100));
        x[i] = temper == 0   ? 100 + draw / 64
               : temper == 1 ? draw / 997
               : temper == 2 ? sizes[(state >> 16) % 4] * (1 + draw / 7)
                             : 50 + i / 9 % 3;
    }
}

/* What pandas 3.1.1 makes of the same series by rolling(window).mean(): the last value, and FNV-1a, 64 bits at a time, over the
 * bits of all values from the first that exists. */
static const struct {
    int temper;
    int32_t window;
    uint64_t hash;
    double last;
} pandas_means[] = {
    {0, 1, 0x2fa2864b52a7bfc5, 0x1.dcdp+6}, {0, 2, 0xe1f6cf494b84cca7, 0x1.50b800p+7},
    {0, 3, 0x3b599a012151575e, 0x1.2e7800p+7}, {0, 7, 0x6c2d0aa58bdff90b, 0x1.431c924924925p+7},
    {0, 10, 0xa6d17e976d1bed39, 0x1.604599999999ap+7}, {0, 30, 0xf902d9f0d0e272a3, 0x1.649f333333333p+7},
    {0, 64, 0x70c201bbddcadcbf, 0x1.579a00p+7}, {0, 200, 0xad6839fe496b09b2, 0x1.5b24b851eb852p+7},
    {0, 999, 0x34e0c897bf7f87e3, 0x1.64c37fdf32febp+7}, {0, 5000, 0x2593403e7b46f54a, 0x1.6332c56d5cfabp+7},
    {1, 1, 0x821ccdf61bb78186, 0x1.ec16150e1f537p+9}, {1, 2, 0xb95a3d980d99dcb7, 0x1.b17bf4b3bd3d6p+9},
    {1, 3, 0x6cb283ed7be80b86, 0x1.8724ace45aba0p+9}, {1, 7, 0x2508f47e6fe6c11e, 0x1.f5264ba31f5cep+8},
    {1, 10, 0xdcd519d38620e9e9, 0x1.01b4a9e115b90p+9}, {1, 30, 0xbf966ca0e8b76261, 0x1.0145c06c75b42p+9},
    {1, 64, 0x2f08f5bfa49de310, 0x1.f8b16eab024f9p+8}, {1, 200, 0x26cd4102ebe30780, 0x1.fd53628724b2ap+8},
    {1, 999, 0xc2333b659f1aa164, 0x1.eb319623e4912p+8}, {1, 5000, 0x5880f4404c710646, 0x1.e1df6e01ae287p+8},
    {2, 1, 0x1463262c8c9d2a65, 0x1.510ad33c8ff20p-8}, {2, 2, 0x6823a9ce6803c4ee, 0x1.7d78400015103p+27},
    {2, 3, 0x55d1373ed20f8e26, 0x1.fca05673eb553p+26}, {2, 7, 0x319b6d5e152323c5, 0x1.27d56ba0aa315p+28},
    {2, 10, 0x686be9c42fb1de7c, 0x1.58af661a4dffdp+28}, {2, 30, 0x71eee288dd4a070a, 0x1.b5c82d5d4fc14p+27},
    {2, 64, 0xa6f21cd277926cc1, 0x1.c940b6e5d8b44p+27}, {2, 200, 0xbbbdba57dd880dc5, 0x1.b96a3c4c18848p+27},
    {2, 999, 0xd139ac201ce87fde, 0x1.9fe4143d5fa9dp+27}, {2, 5000, 0x805442376c8740f0, 0x1.87f5cd045c075p+27},
    {3, 1, 0x9f9f4d8b52a7bfc5, 0x1.900p+5}, {3, 2, 0x4a6fae494b84cca7, 0x1.900p+5},
    {3, 3, 0xce98b697b4b02145, 0x1.900p+5}, {3, 7, 0xfc2790d2542ff228, 0x1.9492492492492p+5},
    {3, 10, 0x9e3c9b8cfa1b704f, 0x1.980p+5}, {3, 30, 0x3939cf8b455dfe50, 0x1.9733333333333p+5},
    {3, 64, 0x8ba5d12fddcadcbf, 0x1.980p+5}, {3, 200, 0x9c30bbc06e329248, 0x1.980a3d70a3d71p+5},
    {3, 999, 0xad9d0b0970a68c6d, 0x1.980p+5}, {3, 5000, 0xb6bc568604bffa28, 0x1.97fdf3b645a1dp+5},
};

static void the_bits_of_pandas(void **state) {
    (void)state;
    static double x[LONG];
    for (size_t i = 0; i < sizeof pandas_means / sizeof *pandas_means; i++) {
        fill_series(x, pandas_means[i].temper);
        for (int isa = 0; isa <= (int)td_isa_best(); isa++) {
            double *row = play("sma", (td_isa)isa, x, LONG, &pandas_means[i].window, 1, 0);
            uint64_t hash = 0xcbf29ce484222325, bits;
            for (int t = pandas_means[i].window - 1; t < LONG; t++) {
                memcpy(&bits, &row[t], sizeof bits);
                hash = (hash ^ bits) * 0x100000001b3;
            }
            assert_near(row[LONG - 1], pandas_means[i].last, 0);
            if (hash != pandas_means[i].hash) print_error("series %d, window %d\n", pandas_means[i].temper, pandas_means[i].window);
            assert_true(hash == pandas_means[i].hash);
            free(row);
        }
    }
}

/* Straight from the definitions, in long double. */
static long double plain(const char *kind, const double *x, int64_t t, int64_t window) {
    if (!strcmp(kind, "sma")) {
        long double sum = 0;
        for (int64_t i = t - window + 1; i <= t; i++) sum += x[i];
        return sum / (long double)window;
    }
    if (!strcmp(kind, "ema")) {
        long double level = x[0], weight = 2 / (long double)(window + 1);
        for (int64_t i = 1; i <= t; i++) level = (1 - weight) * level + weight * x[i];
        return level;
    }
    long double up = 0, down = 0, w = (long double)window;
    for (int64_t i = 1; i <= t; i++) {
        long double change = (long double)x[i] - x[i - 1], rise = change > 0 ? change : 0, fall = change < 0 ? -change : 0;
        up = i <= window ? up + rise / w : (up * (w - 1) + rise) / w;
        down = i <= window ? down + fall / w : (down * (w - 1) + fall) / w;
    }
    return up + down > 0 ? 100 * up / (up + down) : 50;
}

static const char *const kinds[] = {"sma", "ema", "rsi"};

static void against_plain_recursions(void **state) {
    (void)state;
    static double x[LONG];
    static const int32_t windows[] = {1, 2, 3, 14, 50, 333, 1200};
    enum { WINDOWS = sizeof windows / sizeof *windows, BARS = 1200 };
    for (int temper = 0; temper < 4; temper++) {
        if (temper == 2) continue; /* a billion to one in a window: the recursions lose digits as they must */
        fill_series(x, temper);
        for (int k = 0; k < 3; k++) {
            double *rows = play(kinds[k], td_isa_best(), x, BARS, windows, WINDOWS, 0);
            for (int i = 0; i < WINDOWS; i++) {
                int64_t first = warmup_of(kinds[k], windows[i]);
                for (int64_t t = 0; t < BARS; t++) {
                    double value = rows[i * BARS + t];
                    assert_int_equal(isnan(value), t < first);
                    if (t >= first && (t % 37 == 0 || t < first + 3 || t == BARS - 1))
                        assert_near(value, (double)plain(kinds[k], x, t, windows[i]), 1e-11);
                }
            }
            free(rows);
        }
    }
}

/* Bar by bar, in odd chunks, in one go; on every instruction set; alone and among many: always the same bits. */
static void steps_sets_and_company(void **state) {
    (void)state;
    static double x[LONG];
    enum { ROWS = 77, BARS = 300 };
    int32_t windows[ROWS];
    for (int r = 0; r < ROWS; r++) windows[r] = (int32_t)td_draw_whole(9, (uint64_t)r, 1, r % 7 ? 60 : BARS + 50);
    windows[0] = BARS + 1;
    windows[1] = BARS;
    windows[2] = 1;
    for (int k = 0; k < 3; k++)
        for (int temper = 0; temper < 4; temper++) {
            fill_series(x, temper);
            double *expected = play(kinds[k], TD_ISA_SCALAR, x, BARS, windows, ROWS, 0);
            for (int isa = 0; isa <= (int)td_isa_best(); isa++) {
                static const int64_t steps[] = {0, 1, 7, 64, 299};
                for (int s = 0; s < 5; s++) {
                    double *found = play(kinds[k], (td_isa)isa, x, BARS, windows, ROWS, steps[s]);
                    for (int i = 0; i < ROWS * BARS; i++) assert_true(same(found[i], expected[i]));
                    free(found);
                }
                for (int r = 0; r < ROWS; r++) {
                    double *alone = play(kinds[k], (td_isa)isa, x, BARS, &windows[r], 1, 0);
                    for (int t = 0; t < BARS; t++) assert_true(same(alone[t], expected[r * BARS + t]));
                    free(alone);
                }
            }
            /* a window longer than the tape never has a value */
            for (int t = 0; t < BARS; t++) assert_true(isnan(expected[t]));
            free(expected);
        }
}

/* What comes after bar t does not reach back to it. */
static void blind_to_the_future(void **state) {
    (void)state;
    static double x[LONG], poisoned[LONG];
    enum { ROWS = 5, BARS = 200 };
    static const int32_t windows[ROWS] = {1, 2, 10, 33, 150};
    fill_series(x, 1);
    for (int k = 0; k < 3; k++) {
        double *expected = play(kinds[k], td_isa_best(), x, BARS, windows, ROWS, 0);
        for (int t = 0; t < BARS; t += 13) {
            for (int i = 0; i < BARS; i++) poisoned[i] = i <= t ? x[i] : i % 2 ? NAN : INFINITY;
            double *found = play(kinds[k], td_isa_best(), poisoned, BARS, windows, ROWS, 0);
            for (int r = 0; r < ROWS; r++)
                for (int i = 0; i <= t; i++) assert_true(same(found[r * BARS + i], expected[r * BARS + i]));
            free(found);
        }
        free(expected);
    }
}

/* A deck's list: the strategy's rows, then the engine's, whose arguments may be knobs. */
static void rows_of_the_engine(void **state) {
    (void)state;
    td_error error;
    td_tape tape = td_test_tape_of(500, 3600 * TD_NS_PER_SECOND, TD_TEMPER_WALK, false, 3);
    td_play_def def = td_default_play_def();
    def.strategy = td_test_strategy("ranger");
    td_deck *deck;
    assert_ok(td_deck_make(&tape, &def, &deck, &error));
    assert_int_equal(deck->row_count, 4);
    assert_int_equal(deck->group_count, 3); /* both ATRs are lanes of one kernel */
    td_row_info info = {.name = "stop_range", .kind = "atr", .arguments = {{TD_KNOB_size, 0, TD_FROM_KNOB}}};
    int range, close_deviation;
    assert_ok(td_deck_add_row(deck, &info, &range, &error));
    info = (td_row_info){.name = "stop_deviation", .kind = "stddev", .column = TD_COLUMN_close,
                         .arguments = {{TD_KNOB_size, 0, TD_FROM_KNOB}, {.value = 1, .from = TD_FROM_CONSTANT}}};
    assert_ok(td_deck_add_row(deck, &info, &close_deviation, &error));
    assert_int_equal(range, 4);
    assert_int_equal(close_deviation, 5);
    assert_int_equal(deck->group_count, 3);

    enum { SETS = 20 };
    td_set sets[SETS];
    int32_t slots[SETS * 6];
    for (int i = 0; i < SETS; i++) {
        sets[i] = td_default_set(def.strategy);
        sets[i].param[0] = 10 + i % 3;
        sets[i].knob[TD_KNOB_size] = i % 2 ? 5 : 30;
    }
    /* the slots' values are what the kinds give on their own */
    td_rows rows;
    assert_ok(td_rows_open(&rows, deck, td_isa_best(), SETS, &error));
    rows.chunk_limit = 7;
    td_rows_start(&rows, sets, SETS, slots);
    const double *hlc[] = {tape.high, tape.low, tape.close};
    const td_row_tuple ranges[] = {{{30}}, {{5}}, {{1}}}, deviations[] = {{{30, 1}}, {{5, 1}}};
    double *expected = play_columns(td_row_kind_find("atr"), TD_ISA_SCALAR, hlc, 500, ranges, 3, 0);
    double *spread = play_columns(td_row_kind_find("stddev"), TD_ISA_SCALAR, &tape.close, 500, deviations, 2, 0);
    while (td_rows_next(&rows)) {
        td_kernel_chunk chunk = td_rows_chunk(&rows);
        for (int64_t t = chunk.begin; t < chunk.end; t++)
            for (int i = 0; i < SETS; i++) {
                const double *values = chunk.rows + (t - chunk.begin) * chunk.stride;
                assert_true(same(values[slots[i * 6 + range]], expected[i % 2 * 500 + t]));
                assert_true(same(values[slots[i * 6 + close_deviation]], spread[i % 2 * 500 + t]));
                assert_true(same(values[slots[i * 6 + 3]], expected[2 * 500 + t])); /* the strategy's ATR of 1 */
            }
    }
    for (int i = 0; i + 6 < SETS; i++) assert_int_equal(slots[i * 6 + range], slots[(i + 6) * 6 + range]); /* the same numbers share a slot */
    td_rows_close(&rows);
    free(expected);
    free(spread);

    /* and the list ends somewhere */
    info.name = "another";
    while (deck->row_count < TD_ROWS_MAX) assert_ok(td_deck_add_row(deck, &info, &range, &error));
    assert_fails(td_deck_add_row(deck, &info, &range, &error), TD_BAD_ARG, "row another: no more than 16 rows");
    td_deck_free(deck);
    td_test_tape_free(&tape);
}

/* Numbers and rows that cannot be: the sentence names strategy, row, number and value. */
static void what_rows_refuse(void **state) {
    (void)state;
    td_error error;
    td_tape tape = td_test_tape_of(100, 3600 * TD_NS_PER_SECOND, TD_TEMPER_WALK, false, 3);
    td_play_def def = td_default_play_def();
    def.strategy = td_test_strategy("ranger");
    td_deck *deck;
    assert_ok(td_deck_make(&tape, &def, &deck, &error));
    td_set set = td_default_set(def.strategy);
    assert_ok(td_check_set(deck, &set, &error));
    set.param[0] = 100;
    assert_ok(td_check_set(deck, &set, &error));
    set.param[0] = 101;
    assert_fails(td_check_set(deck, &set, &error), TD_BAD_ARG,
                 "strategy ranger: row average: parameter window is 101 bars, longer than the tape of 100 bars");
    set.param[0] = 20;

    int row;
    td_row_info info = {.name = "spread", .kind = "stddev", .column = TD_COLUMN_close,
                        .arguments = {{TD_KNOB_size, 0, TD_FROM_KNOB}, {.from = TD_FROM_CONSTANT}}};
    assert_ok(td_deck_add_row(deck, &info, &row, &error));
    set.knob[TD_KNOB_size] = 0;
    assert_fails(td_check_set(deck, &set, &error), TD_BAD_ARG, "row spread: account.size is 0, must be at least 1");
    set.knob[TD_KNOB_size] = 2.5;
    assert_fails(td_check_set(deck, &set, &error), TD_BAD_ARG, "row spread: account.size is 2.5, must be a whole number of bars");
    set.knob[TD_KNOB_size] = 1;
    assert_ok(td_check_set(deck, &set, &error));
    info.arguments[1] = (td_row_argument){.value = 1, .from = TD_FROM_CONSTANT};
    assert_ok(td_deck_add_row(deck, &info, &row, &error));
    assert_fails(td_check_set(deck, &set, &error), TD_BAD_ARG,
                 "row spread: window must be more than freedom, but window is 1, freedom is 1");

    info.arguments[1].value = -1;
    assert_fails(td_deck_add_row(deck, &info, &row, &error), TD_BAD_ARG, "row spread: freedom is -1, must be at least 0");
    info.arguments[1].value = 2;
    assert_fails(td_deck_add_row(deck, &info, &row, &error), TD_BAD_ARG, "row spread: freedom is 2, must be at most 1");
    info.arguments[1].value = NAN;
    assert_fails(td_deck_add_row(deck, &info, &row, &error), TD_BAD_ARG, "row spread: freedom is nan, must be at least 0");
    info.kind = "smma";
    assert_fails(td_deck_add_row(deck, &info, &row, &error), TD_BAD_ARG, "row spread: unknown kind of row");
    td_deck_free(deck);

    const double *volume = tape.volume;
    tape.volume = NULL;
    assert_ok(td_deck_make(&tape, &def, &deck, &error));
    info = (td_row_info){.name = "mean", .kind = "sma", .column = TD_COLUMN_volume, .arguments = {{0, 3, TD_FROM_CONSTANT}}};
    assert_fails(td_deck_add_row(deck, &info, &row, &error), TD_BAD_ARG, "row mean: the tape has no column volume");
    tape.volume = volume;
    td_deck_free(deck);
    td_test_tape_free(&tape);
}

/* Strategies with rows of every shape, through every engine. */
static void strategies_with_rows(void **state) {
    (void)state;
    static const char *const names[] = {"ranger"};
    for (size_t k = 0; k < sizeof names / sizeof *names; k++) {
        double trades = 0;
        for (uint64_t seed = 9000; seed < 9020; seed++) {
            td_case made;
            td_cell cells[TD_CASE_SETS];
            td_case_make(&made, seed, 300, td_test_strategy(names[k]));
            td_assert_engines_agree(made.deck, made.sets, TD_CASE_SETS, (int64_t[]){0, 1, 7, 64}[seed % 4], cells, made.text);
            for (int i = 0; i < TD_CASE_SETS; i++) trades += cells[i].metrics[TD_METRIC_trades];
            td_case_free(&made);
        }
        assert_true(trades > 100);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(by_hand), cmocka_unit_test(rsi_as_published), cmocka_unit_test(the_bits_of_pandas),
        cmocka_unit_test(against_plain_recursions), cmocka_unit_test(steps_sets_and_company), cmocka_unit_test(blind_to_the_future),
        cmocka_unit_test(rows_of_the_engine), cmocka_unit_test(what_rows_refuse), cmocka_unit_test(strategies_with_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
