/* The author's side of a strategy: everything a strategy file includes.
 *
 * A strategy is one C file that reads like the rule it implements (docs/strategies.md teaches it):
 *
 *   ABOUT("long above the crossing of two averages, short below")
 *   PARAMETERS(WINDOW(fast, 10, "bars of the fast average"), WINDOW(slow, 30, "bars of the slow average"))
 *   ROWS(SMA(fast_average, close, fast), SMA(slow_average, close, slow))
 *   SIGNALS(CROSS(trend, fast_average, slow_average))
 *
 *   ON_SIGNAL {
 *       target(+1, crossed_above(trend));
 *       target(-1, crossed_below(trend));
 *   }
 *
 * It is built in, in strategies/, or it is the user's own, named by its path in a configuration (sim/plugin.h).
 *
 * ON_SIGNAL runs only on bars on which a declared signal crosses; the engines may skip the bars between. ON_BAR runs on every bar
 * and may keep STATE. A body is plain C on two types, `real` and `mask`: one number and one truth per lane, where a lane is one
 * parameter set of a sweep, or the only one of a single run. No if on a mask (lanes differ): use select(mask, a, b), or hand the
 * mask to target(). Parts that do not apply are written empty: PARAMETERS(), ROWS(), SIGNALS(), STATE().
 *
 *   use(a, b, ...)       makes rows and parameters, open, high, low, close, volume, position, equity, entry_price, bars_held and leg
 *                        numbers, and flat, is_long and is_short masks under their own names: a first line that says what the rule
 *                        reads
 *   row(name)            the row's value at this bar's close; NaN while it warms up (comparisons with it are false)
 *   previous(name)       the same one bar ago, of a row or of open to volume (NaN on the first bar)
 *   param(name)          the parameter
 *   price(close)         this bar's open, high, low, close or volume: a plain number, the same in all lanes
 *   crossed_above(name), crossed_below(name)   masks of a declared signal
 *   crosses_above(a, b, a_before, b_before), crosses_below(the same)   of any two numbers, each now and one bar ago: the same
 *                        crossing, where no signal can say it
 *   position(), equity() units held (signed), equity marked at this close
 *   entry_price(), bars_held()   the (average) price paid for the position, and bars since its entry, 0 on that of the entry; NaN
 *                        where there is none
 *   leg                  of a pair (SPREAD and other rows of `first` and `second`): +1 on its first symbol, -1 on its second
 *   state->name          what STATE declared; zero before the first bar
 *   target(value, where) from the next fill on be long (+1), short (-1) or out (0) in the lanes `where`; between 0 and 1: that
 *                        fraction of what sizing allows
 *   select min max abs floor any not           as they say
 *   buy_limit(level, where) and the like       orders, where the strategy says ORDERS before its body: sim/order_words.h
 *
 * What a body must not do: keep static variables, read the clock, call the C library on reals. */
#ifndef TAPEDECK_SIM_STRATEGY_H
#define TAPEDECK_SIM_STRATEGY_H

#include <stdio.h>
#include <stdlib.h>

#include "base/map.h"
#include "sim/lanes.h"
#include "sim/portfolio_lanes.h"
#include "sim/order_words.h"
#include "sim/book_strategy.h"

#ifdef __FAST_MATH__
#error "a strategy is not compiled with -ffast-math: results would differ from machine to machine"
#endif

/* On one lane a mask is an int, and & and | are meant: both sides are looked at, as on many lanes. */
#if defined(__clang__)
#if __has_warning("-Wbitwise-instead-of-logical")
#pragma clang diagnostic ignored "-Wbitwise-instead-of-logical"
#endif
#endif

#define ABOUT(text) static const char td_about[] = text;

/* Parameters: WINDOW(name, default, "doc"), NUMBER(name, default, minimum, maximum, "unit", "doc"), COUNT(the same). */
#define WINDOW(name, preset, text) (name, TD_PARAM_WINDOW, preset, 1, 1e7, "bars", text)
#define NUMBER(name, preset, minimum, maximum, unit, text) (name, TD_PARAM_NUMBER, preset, minimum, maximum, unit, text)
#define COUNT(name, preset, minimum, maximum, unit, text) (name, TD_PARAM_COUNT, preset, minimum, maximum, unit, text)
/* Names of the author's get a prefix of their own, which no name of ours begins with: a parameter may be called kind, a row info. */
#define TD_PARAM_INDEX(name, ...) td_param_named_##name,
#define TD_PARAM_INFO(name, kind, preset, minimum, maximum, unit, text) {#name, kind, preset, minimum, maximum, unit, text},
#define TD_PARAM_VALUE(name, ...)                                                                                                \
    TD_INLINE td_real td_value_named_##name(const void *now) { return ((const td_known *)now)->param[td_param_named_##name]; }
#define PARAMETERS(...)                                                                                                          \
    enum { TD_MAP(TD_PARAM_INDEX, __VA_ARGS__) td_params_here };                                                                 \
    static const td_param_info td_params[] = {TD_MAP(TD_PARAM_INFO, __VA_ARGS__){0}};                                            \
    _Static_assert((int)td_params_here <= (int)TD_PARAMS_MAX, "PARAMETERS: a strategy has at most 16");                          \
    TD_MAP(TD_PARAM_VALUE, __VA_ARGS__)

/* Rows: KIND(name, column, arguments...); a kind is a file in data/rows/, and docs/indicators.md the table of them. Kinds that read
 * more than one column take none. An argument is a parameter, or CONSTANT(number). Kinds with several outputs make as many rows,
 * named name_output. */
#define SMA(name, column, window) TD_ROW(name, "sma", 0, column, window)
#define EMA(name, column, window) TD_ROW(name, "ema", 0, column, window)
#define WMA(name, column, window) TD_ROW(name, "wma", 0, column, window)
#define RSI(name, column, window) TD_ROW(name, "rsi", 0, column, window)
#define ROC(name, column, window) TD_ROW(name, "roc", 0, column, window)
#define MOMENTUM(name, column, window) TD_ROW(name, "momentum", 0, column, window)
#define HIGHEST(name, column, window) TD_ROW(name, "highest", 0, column, window)
#define LOWEST(name, column, window) TD_ROW(name, "lowest", 0, column, window)
#define STDDEV(name, column, window) TD_ROW(name, "stddev", 0, column, window, CONSTANT(0))
#define SAMPLE_STDDEV(name, column, window) TD_ROW(name, "stddev", 0, column, window, CONSTANT(1))
#define VOLATILITY(name, column, window) TD_ROW(name, "volatility", 0, column, window)
#define MACD(name, column, fast, slow, signal)                                                                                   \
    TD_ROW(name##_line, "macd", 0, column, fast, slow, signal), TD_ROW(name##_signal, "macd", 1, column, fast, slow, signal),    \
        TD_ROW(name##_histogram, "macd", 2, column, fast, slow, signal)
#define BOLLINGER(name, column, window, width)                                                                                   \
    TD_ROW(name##_upper, "bollinger", 0, column, window, width), TD_ROW(name##_middle, "bollinger", 1, column, window, width),   \
        TD_ROW(name##_lower, "bollinger", 2, column, window, width)
#define TRUE_RANGE(name) TD_ROW(name, "true_range", 0, close)
#define ATR(name, window) TD_ROW(name, "atr", 0, close, window)
#define DONCHIAN(name, window)                                                                                                   \
    TD_ROW(name##_upper, "donchian", 0, close, window), TD_ROW(name##_middle, "donchian", 1, close, window),                     \
        TD_ROW(name##_lower, "donchian", 2, close, window)
#define KELTNER(name, window, range_window, width)                                                                               \
    TD_ROW(name##_upper, "keltner", 0, close, window, range_window, width),                                                      \
        TD_ROW(name##_middle, "keltner", 1, close, window, range_window, width),                                                 \
        TD_ROW(name##_lower, "keltner", 2, close, window, range_window, width)
#define STOCHASTIC(name, window, slowing, smoothing)                                                                             \
    TD_ROW(name##_k, "stochastic", 0, close, window, slowing, smoothing),                                                        \
        TD_ROW(name##_d, "stochastic", 1, close, window, slowing, smoothing)
#define WILLIAMS_R(name, window) TD_ROW(name, "williams_r", 0, close, window)
#define CCI(name, window) TD_ROW(name, "cci", 0, close, window)
#define AROON(name, window) TD_ROW(name##_up, "aroon", 0, close, window), TD_ROW(name##_down, "aroon", 1, close, window)
#define ADX(name, window)                                                                                                        \
    TD_ROW(name##_plus_di, "adx", 0, close, window), TD_ROW(name##_minus_di, "adx", 1, close, window),                           \
        TD_ROW(name##_adx, "adx", 2, close, window)
#define PSAR(name, step, maximum) TD_ROW(name, "psar", 0, close, step, maximum)
#define SUPERTREND(name, window, width)                                                                                          \
    TD_ROW(name##_line, "supertrend", 0, close, window, width), TD_ROW(name##_side, "supertrend", 1, close, window, width)
#define MFI(name, window) TD_ROW(name, "mfi", 0, close, window)
#define OBV(name) TD_ROW(name, "obv", 0, close)
#define VWAP(name) TD_ROW(name, "vwap", 0, close)
#define SPREAD(name, window, beta) TD_ROW(name##_value, "spread", 0, close, window, beta), TD_ROW(name##_zscore, "spread", 1, close, window, beta)

/* HIGHER("1h", SMA(...), ...): rows (at most 8) computed on bars of that interval, which the deck's bars are put together to. A value is
 * there from the close on that completes its bar, and stays until the next. */
#define HIGHER(interval_, ...) TD_HIGHER_PICK(__VA_ARGS__, 8, 7, 6, 5, 4, 3, 2, 1, )(interval_, __VA_ARGS__)
#define TD_HIGHER_PICK(_1, _2, _3, _4, _5, _6, _7, _8, count, ...) TD_HIGHER_##count
#define TD_HIGHER_1(i, a) TD_HIGHER_ITEM(i, TD_ITEM a)
#define TD_HIGHER_2(i, a, ...) TD_HIGHER_ITEM(i, TD_ITEM a), TD_HIGHER_1(i, __VA_ARGS__)
#define TD_HIGHER_3(i, a, ...) TD_HIGHER_ITEM(i, TD_ITEM a), TD_HIGHER_2(i, __VA_ARGS__)
#define TD_HIGHER_4(i, a, ...) TD_HIGHER_ITEM(i, TD_ITEM a), TD_HIGHER_3(i, __VA_ARGS__)
#define TD_HIGHER_5(i, a, ...) TD_HIGHER_ITEM(i, TD_ITEM a), TD_HIGHER_4(i, __VA_ARGS__)
#define TD_HIGHER_6(i, a, ...) TD_HIGHER_ITEM(i, TD_ITEM a), TD_HIGHER_5(i, __VA_ARGS__)
#define TD_HIGHER_7(i, a, ...) TD_HIGHER_ITEM(i, TD_ITEM a), TD_HIGHER_6(i, __VA_ARGS__)
#define TD_HIGHER_8(i, a, ...) TD_HIGHER_ITEM(i, TD_ITEM a), TD_HIGHER_7(i, __VA_ARGS__)
#define TD_ITEM(...) __VA_ARGS__
#define TD_HIGHER_ITEM(...) TD_HIGHER_ITEM_(__VA_ARGS__)
#define TD_HIGHER_ITEM_(i, name, ...) (name, .interval = i, __VA_ARGS__)

/* An item of ROWS: the row's name, then what td_row_info holds beside it. CONSTANT is no macro, so that td_param_named_CONSTANT can be. */
#define TD_ROW(name, kind_, output_, column_, ...)                                                                               \
    (name, .kind = kind_, .output = output_, .column = TD_COLUMN_##column_, .arguments = {TD_ROW_ARGUMENTS(__VA_ARGS__)})
#define TD_ROW_ARGUMENTS(...) TD_ROW_ARGUMENTS_PICK(_ __VA_OPT__(, ) __VA_ARGS__, 4, 3, 2, 1, 0)(__VA_ARGS__)
#define TD_ROW_ARGUMENTS_PICK(_0, _1, _2, _3, _4, count, ...) TD_ROW_ARGUMENTS_##count
#define TD_ROW_ARGUMENTS_0() {0}
#define TD_ROW_ARGUMENTS_1(a) {.index = td_param_named_##a}
#define TD_ROW_ARGUMENTS_2(a, b) {.index = td_param_named_##a}, {.index = td_param_named_##b}
#define TD_ROW_ARGUMENTS_3(a, b, c) TD_ROW_ARGUMENTS_2(a, b), {.index = td_param_named_##c}
#define TD_ROW_ARGUMENTS_4(a, b, c, d) TD_ROW_ARGUMENTS_3(a, b, c), {.index = td_param_named_##d}
#define td_param_named_CONSTANT(number) 0, .value = (number), .from = TD_FROM_CONSTANT
#define TD_ROW_INDEX(name, ...) td_row_named_##name,
#define TD_ROW_INFO(row_name, ...) {.name = #row_name, __VA_ARGS__},
#define TD_ROW_VALUE(name, ...)                                                                                                  \
    TD_INLINE td_real td_value_named_##name(const td_now *now) { return td_row_value(now->vector, now->rows, td_row_named_##name, now->windowed); } \
    TD_INLINE td_real td_previous_named_##name(const td_now *now) {                                                              \
        if (now->t == 0) return td_splat(__builtin_nan(""));                                                                     \
        return td_row_value(now->vector, now->rows - now->stride, td_row_named_##name, now->windowed);                           \
    }
#define ROWS(...)                                                                                                                \
    enum { TD_MAP(TD_ROW_INDEX, __VA_ARGS__) td_rows_here };                                                                     \
    static const td_row_info td_rows[] = {TD_MAP(TD_ROW_INFO, __VA_ARGS__){0}};                                                  \
    _Static_assert((int)td_rows_here <= (int)TD_ROWS_MAX, "ROWS: a strategy has at most 16");                                     \
    TD_MAP(TD_ROW_VALUE, __VA_ARGS__)

/* Signals: CROSS(name, row, row), CROSS_LEVEL(name, row, level), START(name). A level is a parameter or CONSTANT(number). Above: the
 * first is over the second now and was not over it one bar ago; below likewise (in profile backtesting a bar on which both are equal
 * counts for neither side). */
#define CROSS(name, row_, other_) (name, .kind = TD_SIGNAL_CROSS, .row = td_row_named_##row_, .other = td_row_named_##other_)
#define CROSS_LEVEL(name, row_, level_)                                                                                          \
    (name, .kind = TD_SIGNAL_CROSS_LEVEL, .row = td_row_named_##row_, .level = {.index = td_param_named_##level_})
#define START(name) (name, .kind = TD_SIGNAL_START)
#define TD_SIGNAL_INDEX(name, ...) td_signal_named_##name,
#define TD_SIGNAL_INFO(signal_name, ...) {.name = #signal_name, __VA_ARGS__},
#define SIGNALS(...)                                                                                                             \
    enum { TD_MAP(TD_SIGNAL_INDEX, __VA_ARGS__) td_signals_here };                                                               \
    static const td_signal_info td_signals[] = {TD_MAP(TD_SIGNAL_INFO, __VA_ARGS__){0}};                                         \
    _Static_assert((int)td_signals_here <= (int)TD_SIGNALS_MAX, "SIGNALS: a strategy has at most 4");

/* State: names, each a real that is kept from bar to bar. */
#define TD_STATE_FIELD(name) td_real name;
#define STATE(...)                                                                                                               \
    typedef struct td_state {                                                                                                    \
        TD_LIST(TD_STATE_FIELD, __VA_ARGS__)                                                                                     \
    } td_state;                                                                                                                  \
    _Static_assert(sizeof(td_state) <= TD_STATE_MAX * sizeof(td_real), "STATE: a strategy keeps at most 16 numbers");

#define ON_SIGNAL                                                                                                                \
    TD_INLINE void td_body(td_now *now);                                                                                         \
    TD_STRATEGY_TABLES(td_body, false, 0)                                                                                        \
    TD_INLINE void td_body(td_now *now)

#define ON_BAR                                                                                                                   \
    TD_INLINE void td_body_with_state(td_now *now, td_state *state);                                                             \
    TD_INLINE void td_body(td_now *now) { td_body_with_state(now, (td_state *)(void *)now->vector->state); }                     \
    TD_STRATEGY_TABLES(td_body, true, (int)(sizeof(td_state) / sizeof(td_real)))                                                 \
    TD_INLINE void td_body_with_state(td_now *now, __attribute__((unused)) td_state *state)

/* The unit's kernel and, once, the strategy's description. On the plain path, the usual case, there is a loop for each way of
 * sampling and fetching rows; on the others one for what is usual there, and one that asks. */
#define TD_STRATEGY_TABLES(body, on_bar, reals)                                                                                  \
    static void td_kernel_play(const td_kernel_deck *deck, const td_kernel_chunk *chunk, void *block, double *block_equity) {    \
        const bool windowed = ((const td_vector *)block)->windowed, samples = deck->every_bar, logs = deck->market_log != NULL;  \
        if (chunk->events->calm && samples && windowed && !logs && !td_places_orders)                                            \
            TD_PLAY_CHUNK(body, on_bar, true, false, true, true, false);                                                         \
        else if (chunk->events->calm)                                                                                            \
            TD_PLAY_CHUNK(body, on_bar, samples, logs, windowed, true, td_places_orders);                                        \
        else if (logs)                                                                                                           \
            TD_PLAY_CHUNK(body, on_bar, false, true, false, false, false);                                                       \
        else if (samples && windowed)                                                                                            \
            TD_PLAY_CHUNK(body, on_bar, true, false, true, false, false);                                                        \
        else if (samples)                                                                                                        \
            TD_PLAY_CHUNK(body, on_bar, true, false, false, false, false);                                                       \
        else if (windowed)                                                                                                       \
            TD_PLAY_CHUNK(body, on_bar, false, false, true, false, false);                                                       \
        else                                                                                                                     \
            TD_PLAY_CHUNK(body, on_bar, false, false, false, false, false);                                                      \
    }                                                                                                                            \
    static void td_kernel_portfolio(struct td_portfolio_block *block) {                                                          \
        if (block->faces->windowed)                                                                                              \
            td_portfolio_play_block(block, body, td_signals, td_signals_here, on_bar, reals, true);                              \
        else                                                                                                                     \
            td_portfolio_play_block(block, body, td_signals, td_signals_here, on_bar, reals, false);                             \
    }                                                                                                                            \
    TD_KERNEL_DECIDE(body)                                                                                                       \
    extern const td_kernel TD_ISA_NAME(TD_JOIN(td_kernel, TD_UNIT));                                                             \
    const td_kernel TD_ISA_NAME(TD_JOIN(td_kernel, TD_UNIT)) = {TD_LANES, td_kernel_play, TD_DECIDE_HERE, td_kernel_portfolio, NULL}; \
    TD_STRATEGY_INFO(on_bar, reals)
#define TD_PLAY_CHUNK(body, on_bar, samples, logs, windowed, wakes, orders)                                                      \
    td_play_chunk(deck, chunk, block, block_equity, body, td_signals, td_signals_here, on_bar, samples, logs, windowed, wakes, orders)

/* Set by ORDERS(). */
static const bool td_places_orders;

/* Of a user's file, which is compiled for one lane and for TD_PLUGIN_ISA: what the program looks for when it loads it. */
#ifdef TD_PLUGIN_ISA
#if TD_PLUGIN_ISA_INDEX > 0
#define TD_PLUGIN_KERNELS {&td_kernel_plugin_scalar, [TD_PLUGIN_ISA_INDEX] = &TD_JOIN(td_kernel_plugin, TD_PLUGIN_ISA)}
#else
#define TD_PLUGIN_KERNELS {&td_kernel_plugin_scalar}
#endif
#define TD_PLUGIN_INFO                                                                                                           \
    TD_DECLARE_STRATEGY(plugin)                                                                                                  \
    extern const td_plugin tapedeck_strategy;                                                                                    \
    __attribute__((visibility("default"))) const td_plugin tapedeck_strategy = {                                                 \
        TD_PLUGIN_MAGIC, TD_PLUGIN_MAJOR, TD_PLUGIN_MINOR, {TD_PLUGIN_LAYOUT}, &td_strategy_info_plugin, TD_PLUGIN_KERNELS};
#else
#define TD_PLUGIN_INFO
#endif

#if TD_ISA_INDEX == 0
#define TD_DECIDE_HERE td_kernel_decide
#define TD_KERNEL_DECIDE(body)                                                                                                   \
    static bool td_kernel_decide(const td_kernel_deck *deck, const td_kernel_chunk *chunk, int64_t bar, void *vector,            \
                                 const int *above, const int *below, td_wish *wish, td_request *requests) {                      \
        td_vector *s = vector;                                                                                                   \
        td_now now = {.known = {s->param, s->position}, .deck = deck, .rows = chunk->rows + (bar - chunk->begin) * chunk->stride,  \
                      .stride = chunk->stride, .t = bar, .vector = s, .above = above, .below = below, .equity = s->equity,                                \
                      .target = 0, .where = 0, .requests = requests};                                                            \
        body(&now);                                                                                                              \
        *wish = (td_wish){.target = now.target, .where = now.where, .request_count = now.request_count, .requests = requests};   \
        return now.where || now.request_count > 0;                                                                               \
    }
#define TD_STRATEGY_INFO(on_bar, reals)                                                                                          \
    extern const td_strategy TD_JOIN(td_strategy_info, TD_UNIT);                                                                 \
    const td_strategy TD_JOIN(td_strategy_info, TD_UNIT) = {                                                                     \
        NULL,      td_about,  td_params_here, td_rows_here, td_signals_here,  reals, td_params,                                  \
        td_rows,   td_signals, on_bar,        &td_places_orders, {NULL}, NULL, NULL};                                                  \
    TD_PLUGIN_INFO
#else
#define TD_DECIDE_HERE NULL
#define TD_KERNEL_DECIDE(body)
#define TD_STRATEGY_INFO(on_bar, reals) static const void *const td_unused[] __attribute__((unused)) = {td_params, td_rows, td_about};
#endif

TD_INLINE void td_set_target(td_now *now, td_real value, td_mask where) {
    now->target = td_select(where, value, now->target);
    now->where = now->where | where;
}

/* What a signal finds (sim/lanes.h), of a gap now and one bar ago. */
TD_INLINE td_mask td_crosses(const td_now *now, td_real gap, td_real before) { return (gap > 0) & (before < now->deck->touch); }

/* What use() may name beside rows and parameters, and previous() beside rows. */
#define TD_PRICE_VALUE(column)                                                                                                   \
    TD_INLINE td_real td_value_named_##column(const td_now *now) { return td_splat(now->deck->seen[TD_COLUMN_##column][now->t]); } \
    TD_INLINE td_real td_previous_named_##column(const td_now *now) {                                                            \
        return td_splat(now->t > 0 ? now->deck->seen[TD_COLUMN_##column][now->t - 1] : __builtin_nan(""));                       \
    }
TD_LIST(TD_PRICE_VALUE, open, high, low, close, volume)
#define TD_WHILE_IN(x) td_select(now->known.position != 0, x, td_splat(__builtin_nan("")))
TD_INLINE td_real td_value_named_position(const void *now) { return ((const td_known *)now)->position; }
TD_INLINE td_real td_value_named_equity(const td_now *now) { return now->equity; }
TD_INLINE td_real td_value_named_entry_price(const td_now *now) { return TD_WHILE_IN(now->vector->entry_price * now->deck->row_scale); }
TD_INLINE td_real td_value_named_bars_held(const td_now *now) { return TD_WHILE_IN((double)now->t - now->vector->entry_bar); }
TD_INLINE td_real td_value_named_leg(const td_now *now) { return td_splat(now->deck->leg); }
TD_INLINE td_mask td_value_named_flat(const void *now) { return td_value_named_position(now) == 0; }
TD_INLINE td_mask td_value_named_is_long(const void *now) { return td_value_named_position(now) > 0; }
TD_INLINE td_mask td_value_named_is_short(const void *now) { return td_value_named_position(now) < 0; }

/* The words of a body. */
#define real td_real
#define mask td_mask
#define TD_USE(name) const __typeof__(td_value_named_##name(now)) name __attribute__((unused)) = td_value_named_##name(now);
#define use(...) TD_LIST(TD_USE, __VA_ARGS__) (void)now
#define row(name) td_row_value(now->vector, now->rows, td_row_named_##name, now->windowed)
#define previous(name) (td_previous_named_##name(now))
#define param(name) (now->known.param[td_param_named_##name])
#define price(column) (now->deck->seen[TD_COLUMN_##column][now->t])
#define crossed_above(name) (now->above[td_signal_named_##name])
#define crossed_below(name) (now->below[td_signal_named_##name])
#define crosses_above(a, b, a_before, b_before)                                                                                  \
    td_crosses(now, td_splat(a) - td_splat(b), td_splat(a_before) - td_splat(b_before))
#define crosses_below(a, b, a_before, b_before) crosses_above(b, a, b_before, a_before)
#define position() (now->known.position)
#define equity() (now->equity)
#define entry_price() (td_value_named_entry_price(now))
#define bars_held() (td_value_named_bars_held(now))
#define target(value, where) td_set_target(now, td_splat(value), (where))
#define select(m, a, b) td_select(m, a, b)
#define min(a, b) td_min(a, b)
#define max(a, b) td_max(a, b)
#define abs(a) td_abs(td_splat(a))
#define floor(a) td_floor(td_splat(a))
#define any(m) td_any(m)
#define not(m) td_not(m)

#endif
