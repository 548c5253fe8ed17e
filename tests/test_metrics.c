/* The metrics: by hand on a dozen bars, then on random plays against a second, straightforward computation that knows the equity at
 * each bar and the list of trades, and goes by the definitions of docs/metrics.md. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "sim/deck.h"
#include "tests/plays.h"

#define DAY 86400.0L

/* ---- by hand */

static td_record play_by_hand(td_profile profile) {
    td_error error;
    /* three trades of 10 units: long 100 to 110, short 110 to 115, long 115 to 135; equity goes
     * as in `path` below */
    static const double price[] = {100, 100, 100, 110, 110, 110, 115, 115, 115, 135, 135, 135};
    static const double order[] = {NAN, +1, NAN, 0, -1, NAN, 0, +1, NAN, 0, NAN, NAN};
    td_bar bars[12];
    for (int t = 0; t < 12; t++) bars[t] = (td_bar){price[t], price[t], price[t], price[t], order[t]};
    td_tape tape = td_script_tape(bars, 12, TD_NS_PER_DAY);
    td_play_def def = td_default_play_def();
    def.strategy = td_test_strategy("script");
    def.sizing = TD_SIZING_FIXED_UNITS;
    def.profile = profile;
    def.risk_free = 0.02;
    td_deck *deck;
    assert_ok(td_deck_make(&tape, &def, &deck, &error));
    td_set set = td_default_set(def.strategy);
    set.knob[TD_KNOB_cash] = 2000; /* as much as a position of 1350 needs; half of it never moves */
    set.knob[TD_KNOB_size] = 10;
    td_record record = td_record_make(deck, &set);
    td_deck_free(deck);
    td_test_tape_free(&tape);
    return record;
}

#define expect(name, value) assert_near(record.cell.metrics[TD_METRIC_##name], (double)(value), 1e-12)

static void by_hand(void **state) {
    (void)state;
    for (int profile = 0; profile < 2; profile++) {
        bool backtesting = profile == TD_PROFILE_BACKTESTING;
        td_record record = play_by_hand((td_profile)profile);
        assert_int_equal(record.trade_count, 3);
        static const double path[] = {2000, 2000, 2000, 2100, 2100, 2100, 2050, 2050, 2050, 2250, 2250, 2250};
        for (int t = 0; t < 12; t++) assert_near(record.equity[t], path[t], 0);
        expect(final_equity, 2250);
        expect(peak_equity, 2250);
        expect(total_return, 0.125);
        expect(trades, 3);
        expect(fills, 6);
        expect(win_rate, 2.0 / 3);
        /* returns of the trades: 100 of 1000, -50 of 1100, 200 of 1150 */
        expect(best_trade, 4.0 / 23);
        expect(worst_trade, -1.0 / 22);
        expect(avg_winning_trade, (0.1 + 4.0 / 23) / 2);
        expect(avg_losing_trade, -1.0 / 22);
        expect(open_profit, 0);
        expect(avg_trade, cbrt(1.1 * 21 / 22 * 27 / 23) - 1);
        expect(expectancy, (0.1 - 1.0 / 22 + 4.0 / 23) / 3);
        expect(profit_factor, backtesting ? (0.1 + 4.0 / 23) * 22 : 6);
        expect(sqn, sqrt(3) * (250.0 / 3) / sqrt(47500.0 / 3));
        expect(kelly, 5.0 / 9);
        expect(exposure, 0.75);
        expect(max_trade_duration, 2);
        expect(avg_trade_duration, 2);
        /* one drawdown: at the peak of 2100 until bar 5, over it on bar 9 */
        expect(max_drawdown, -50.0 / 2100);
        expect(avg_drawdown, -50.0 / 2100);
        expect(max_drawdown_duration, 4);
        expect(avg_drawdown_duration, 4);
        expect(buy_hold_return, 0.35);
        expect(cagr, pow(1.125, 365.25 / 11) - 1);
        /* three returns that are not zero; two of twelve days are a Saturday and a Sunday, 1/6 < 17 %: 252 */
        double r[] = {100.0 / 2000, -50.0 / 2100, 200.0 / 2050}, m[] = {0.1, 5.0 / 110, 20.0 / 115};
        double n = backtesting ? 11 : 12, year = 252, sum = r[0] + r[1] + r[2], squares = r[0] * r[0] + r[1] * r[1] + r[2] * r[2];
        double annual = pow(1.125, year / n) - 1, variance = (squares - sum * sum / n) / (n - 1),
               down = sqrt(r[1] * r[1] / n * year);
        expect(downside_risk, down);
        expect(annual_return, annual);
        expect(calmar, annual / (50.0 / 2100));
        if (backtesting) {
            double growth = pow(1.125, 1 / n), volatility = sqrt(pow(variance + growth * growth, year) - pow(growth, 2 * year));
            expect(annual_volatility, volatility);
            expect(sharpe, (annual - 0.02) / volatility);
            expect(sortino, (annual - 0.02) / down);
            for (int i = 0; i < 3; i++) {
                r[i] = log(1 + r[i]);
                m[i] = log(1 + m[i]);
            }
            sum = r[0] + r[1] + r[2];
        } else {
            expect(annual_volatility, sqrt(variance * year));
            expect(sharpe, (sum / n - 0.02 / year) / sqrt(variance) * sqrt(year));
            expect(sortino, (sum / n * year - 0.02) / down);
        }
        double market = m[0] + m[1] + m[2];
        double beta = (r[0] * m[0] + r[1] * m[1] + r[2] * m[2] - sum * market / n) /
                      (m[0] * m[0] + m[1] * m[1] + m[2] * m[2] - market * market / n);
        expect(beta, beta);
        if (backtesting)
            expect(alpha, 0.125 - 0.02 - beta * (0.35 - 0.02));
        else
            expect(alpha, pow(1 + sum / n - 0.02 / year - beta * (market / n - 0.02 / year), year) - 1);
        expect(commission_paid, 0);
        expect(orders_refused, 0);
        td_record_free(&record);
    }
}

/* What does not exist is NaN, and what is certain is a number. */
static void without_trades(void **state) {
    (void)state;
    td_error error;
    td_tape tape = td_test_tape(50, TD_NS_PER_DAY, 1);
    td_play_def def = td_default_play_def();
    def.strategy = td_test_strategy("silent");
    for (int profile = 0; profile < 2; profile++) {
        def.profile = (td_profile)profile;
        td_deck *deck;
        assert_ok(td_deck_make(&tape, &def, &deck, &error));
        td_set set = td_default_set(def.strategy);
        td_record record = td_record_make(deck, &set);
        static const td_metric missing[] = {
            TD_METRIC_sharpe, TD_METRIC_sortino, TD_METRIC_calmar, TD_METRIC_avg_drawdown, TD_METRIC_max_drawdown_duration,
            TD_METRIC_avg_drawdown_duration, TD_METRIC_win_rate, TD_METRIC_best_trade, TD_METRIC_worst_trade, TD_METRIC_avg_trade,
            TD_METRIC_profit_factor, TD_METRIC_expectancy, TD_METRIC_sqn, TD_METRIC_kelly, TD_METRIC_max_trade_duration,
            TD_METRIC_avg_trade_duration};
        for (size_t i = 0; i < sizeof missing / sizeof *missing; i++) {
            if (!isnan(record.cell.metrics[missing[i]])) print_error("%s\n", td_metric_infos[missing[i]].name);
            assert_true(isnan(record.cell.metrics[missing[i]]));
        }
        expect(final_equity, 10000);
        expect(peak_equity, 10000);
        expect(total_return, 0);
        expect(annual_return, 0);
        expect(annual_volatility, 0);
        expect(cagr, 0);
        expect(max_drawdown, 0);
        expect(beta, 0);
        expect(alpha, profile ? 0 : 0);
        expect(trades, 0);
        expect(exposure, 0);
        td_record_free(&record);
        td_deck_free(deck);
    }
}

/* ---- the calendar */

static void annualisation(void **state) {
    (void)state;
    td_error error;
    static const struct {
        int64_t step, nominal; /* 0: step */
        bool weekends;
        int64_t sample;
        td_profile profile;
        double per_year;
    } cases[] = {
        {86400, 0, true, 0, TD_PROFILE_TAPEDECK, 365},       {86400, 0, false, 0, TD_PROFILE_TAPEDECK, 252},
        {86400, 0, true, 1, TD_PROFILE_TAPEDECK, 365},       {86400, 0, true, 5, TD_PROFILE_TAPEDECK, 73},
        {86400, 0, false, 21, TD_PROFILE_TAPEDECK, 12},      {86400, 0, true, 0, TD_PROFILE_BACKTESTING, 365},
        {86400, 0, false, 7, TD_PROFILE_BACKTESTING, 252},   {604800, 0, true, 0, TD_PROFILE_TAPEDECK, 52},
        {604800, 0, true, 4, TD_PROFILE_TAPEDECK, 13},       {604800, 0, true, 0, TD_PROFILE_BACKTESTING, 52},
        {31 * 86400, 30 * 86400, true, 0, TD_PROFILE_TAPEDECK, 12}, {31 * 86400, 30 * 86400, true, 0, TD_PROFILE_BACKTESTING, 12},
        {31 * 86400, 30 * 86400, true, 3, TD_PROFILE_TAPEDECK, 4},  {365 * 86400, 0, true, 0, TD_PROFILE_TAPEDECK, 1},
        {365 * 86400, 0, true, 0, TD_PROFILE_BACKTESTING, 1},       {2 * 86400, 0, true, 0, TD_PROFILE_TAPEDECK, 182.5},
        {3600, 0, true, 0, TD_PROFILE_TAPEDECK, 365},        {3600, 0, false, 0, TD_PROFILE_TAPEDECK, 252},
        {3600, 0, true, 1, TD_PROFILE_TAPEDECK, 8760},       {3600, 0, true, 24, TD_PROFILE_TAPEDECK, 365},
        {3600, 0, false, 1, TD_PROFILE_TAPEDECK, 252 * 24},  {60, 0, true, 60, TD_PROFILE_TAPEDECK, 8760},
        {60, 0, true, 1, TD_PROFILE_TAPEDECK, 525600},       {3600, 0, true, 1, TD_PROFILE_BACKTESTING, 365},
        {3600, 0, false, 1, TD_PROFILE_BACKTESTING, 252},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t step = cases[i].step * TD_NS_PER_SECOND;
        int64_t bars = cases[i].step == 60 ? 14 * 1440 : cases[i].step == 3600 ? 24 * 30 : 140;
        if (cases[i].step > 86400) bars = 60;
        td_tape tape = td_test_tape_of(bars, step, TD_TEMPER_WALK, cases[i].weekends, 3);
        if (cases[i].nominal) tape.interval_ns = cases[i].nominal * TD_NS_PER_SECOND;
        td_play_def def = td_default_play_def();
        def.strategy = td_strategy_find("buy-and-hold");
        def.profile = cases[i].profile;
        def.sample_bars = cases[i].sample;
        td_deck *deck;
        assert_ok(td_deck_make(&tape, &def, &deck, &error));
        assert_near(td_deck_periods_per_year(deck), cases[i].per_year, 1e-15);
        td_deck_free(deck);
        /* what the caller says wins, except where the profile has its own mind */
        def.periods_per_year = 1000;
        assert_ok(td_deck_make(&tape, &def, &deck, &error));
        assert_near(td_deck_periods_per_year(deck), cases[i].profile == TD_PROFILE_BACKTESTING ? cases[i].per_year : 1000, 1e-15);
        td_deck_free(deck);
        td_test_tape_free(&tape);
    }
}

/* ---- a second opinion */

typedef struct tm_day {
    struct tm tm;
    int64_t number; /* days since 1970 */
} tm_day;

static tm_day day_of(int64_t time_ns) {
    tm_day day;
    time_t seconds = (time_t)floor((double)time_ns / 1e9);
    gmtime_r(&seconds, &day.tm);
    day.number = (int64_t)floor((double)seconds / 86400);
    return day;
}

/* How the profile groups bars into samples, in words. */
typedef enum grouping { EACH, COUNT, DAYS, WEEKS, MONTHS, YEARS } grouping;

static int64_t group_of(grouping by, const td_deck *deck, const td_tape *tape, int64_t t) {
    tm_day day = day_of(tape->time_ns[deck->first_bar + t]);
    switch (by) {
    case EACH: return t;
    case COUNT: return t / deck->def.sample_bars;
    case DAYS: return day.tm.tm_year * 400 + day.tm.tm_yday;
    case WEEKS: return day.number - (day.tm.tm_wday + 6) % 7;
    case MONTHS: return day.tm.tm_year * 12 + day.tm.tm_mon;
    default: return day.tm.tm_year;
    }
}

static grouping grouping_of(const td_deck *deck, const td_tape *tape) {
    if (deck->def.profile == TD_PROFILE_BACKTESTING) {
        double per_year = deck->periods_per_year;
        return per_year == 52 ? WEEKS : per_year == 12 ? MONTHS : per_year == 1 ? YEARS : DAYS;
    }
    if (deck->def.sample_bars == 0) return tape->interval_ns < TD_NS_PER_DAY ? DAYS : EACH;
    return deck->def.sample_bars == 1 ? EACH : COUNT;
}

typedef long double number;

static number sum_of(const number *x, int64_t n) {
    number sum = 0;
    for (int64_t i = 0; i < n; i++) sum += x[i];
    return sum;
}

/* Sum of (x - mean x)(y - mean y). */
static number product_of(const number *x, const number *y, int64_t n) {
    number a = sum_of(x, n) / (number)n, b = sum_of(y, n) / (number)n, sum = 0;
    for (int64_t i = 0; i < n; i++) sum += (x[i] - a) * (y[i] - b);
    return sum;
}

static number ratio(number a, number b) { return b == 0 ? (number)NAN : a / b; }

/* In days; profile backtesting rounds up to the unit of the bars' distance, which is the median of the last 99. */
static number days(const td_deck *deck, number seconds) {
    if (deck->def.profile != TD_PROFILE_BACKTESTING) return seconds / DAY;
    int64_t bars = deck->view.bars;
    double steps[99];
    int count = bars - 1 < 99 ? (int)bars - 1 : 99;
    for (int i = 0; i < count; i++) {
        steps[i] = deck->view.seconds[bars - count + i] - deck->view.seconds[bars - count + i - 1];
        for (int k = i; k > 0 && steps[k] < steps[k - 1]; k--) {
            double other = steps[k];
            steps[k] = steps[k - 1];
            steps[k - 1] = other;
        }
    }
    number median = count == 0 ? 0 : count % 2 ? steps[count / 2] : ((number)steps[count / 2 - 1] + steps[count / 2]) / 2;
    number unit = fmodl(median, DAY) == 0 ? DAY : fmodl(median, 3600) == 0 ? 3600 : fmodl(median, 60) == 0 ? 60 : 1;
    return ceill(seconds / unit) * unit / DAY;
}

/* The bar of a row's first value, as the table of docs/indicators.md says. */
static int64_t first_value(const td_row_info *row, const td_set *set) {
    int64_t w[TD_ROW_ARGUMENTS_MAX];
    for (int a = 0; a < TD_ROW_ARGUMENTS_MAX; a++)
        w[a] = (int64_t)(row->arguments[a].from == TD_FROM_CONSTANT ? row->arguments[a].value : set->param[row->arguments[a].index]);
    if (!strcmp(row->kind, "vwap")) return 0;
    if (!strcmp(row->kind, "macd")) return w[1] - 1;
    if (!strcmp(row->kind, "keltner")) return (w[0] > w[1] ? w[0] : w[1]) - 1;
    static const char *const of_changes[] = {"rsi", "roc", "volatility"};
    for (size_t k = 0; k < sizeof of_changes / sizeof *of_changes; k++)
        if (!strcmp(row->kind, of_changes[k])) return w[0];
    return w[0] - 1;
}

static void second_opinion(const td_deck *deck, const td_tape *tape, const td_set *set, const td_record *record, number *m) {
    bool backtesting = deck->def.profile == TD_PROFILE_BACKTESTING;
    int64_t bars = record->bars, last = bars - 1, n = record->trade_count;
    const double *equity = record->equity, *close = deck->view.close, *seconds = deck->view.seconds;
    number start = set->knob[TD_KNOB_cash], end = equity[last];
    for (int i = 0; i < TD_METRIC_BARS_COUNT; i++) m[i] = (number)NAN;

    /* the account */
    number peak = start;
    for (int64_t t = 0; t < bars; t++) peak = fmaxl(peak, equity[t]);
    m[TD_METRIC_final_equity] = end;
    m[TD_METRIC_peak_equity] = peak;
    m[TD_METRIC_total_return] = end / start - 1;
    number years = (number)seconds[last] / DAY / 365.25L;
    if (years > 0) m[TD_METRIC_cagr] = powl(end / start, 1 / years) - 1;
    int64_t warmup = 0;
    for (int r = 0; r < deck->def.strategy->row_count; r++) {
        int64_t first = first_value(&deck->def.strategy->rows[r], set);
        if (first > warmup) warmup = first;
    }
    if (warmup <= last) m[TD_METRIC_buy_hold_return] = (number)close[last] / close[warmup] - 1;

    /* fills */
    number commission = 0, spread = 0, slippage = 0, turnover = 0;
    for (int64_t i = 0; i < record->fill_count; i++) {
        const td_fill *fill = &record->fills[i];
        number side = fill->units > 0 ? 1 : -1; /* buys pay the costs on top of the price before costs, sells get less */
        turnover += fabsl((number)fill->units) * fill->price - side * ((number)fill->spread_cost + fill->slippage_cost);
        commission += record->fills[i].commission;
        spread += record->fills[i].spread_cost;
        slippage += record->fills[i].slippage_cost;
    }
    m[TD_METRIC_commission_paid] = commission;
    m[TD_METRIC_spread_paid] = spread;
    m[TD_METRIC_slippage_paid] = slippage;
    m[TD_METRIC_funding_paid] = record->funding;
    m[TD_METRIC_borrow_paid] = record->borrow;
    m[TD_METRIC_turnover] = turnover;
    if (turnover > 0) m[TD_METRIC_break_even_cost] = (end - start + commission) / turnover;
    m[TD_METRIC_fills] = (number)record->fill_count;

    /* trades */
    m[TD_METRIC_trades] = (number)n;
    char *held = calloc((size_t)bars, 1);
    number pnl = 0, wins = 0, losses = 0, gains = 0, lost = 0, returns = 0, up = 0, down = 0, logs = 0, best = -INFINITY,
           worst = INFINITY;
    number longest = 0, together = 0;
    bool wiped = false;
    for (int64_t i = 0; i < n; i++) {
        const td_trade *trade = &record->trades[i];
        pnl += trade->pnl;
        returns += trade->ret;
        if (trade->pnl > 0) {
            wins++;
            gains += trade->pnl;
        } else if (trade->pnl < 0) {
            losses++;
            lost -= trade->pnl;
        }
        if (trade->ret > 0) up += trade->ret;
        if (trade->ret < 0) down -= trade->ret;
        if (trade->ret <= -1)
            wiped = true;
        else
            logs += log1pl(trade->ret);
        best = fmaxl(best, trade->ret);
        worst = fminl(worst, trade->ret);
        number lasted = (number)seconds[trade->exit_bar] - seconds[trade->entry_bar];
        longest = fmaxl(longest, lasted);
        together += lasted;
        memset(held + trade->entry_bar, 1, (size_t)(trade->exit_bar - trade->entry_bar + 1));
    }
    if (!backtesting && record->position[last] != 0) {
        int64_t k = record->fill_count - 1; /* back to the fill that opened the position */
        while (k > 0 && record->fills[k - 1].position * record->fills[k].position > 0) k--;
        for (int64_t t = record->fills[k].bar; t < bars; t++) held[t] = 1;
    }
    number exposed = 0;
    for (int64_t t = 0; t < bars; t++) exposed += held[t];
    free(held);
    m[TD_METRIC_exposure] = exposed / (number)bars;
    m[TD_METRIC_open_profit] = record->position[last] == 0 ? 0 : end - start - pnl; /* what closed trades do not explain */
    if (n > 0) {
        number mean = pnl / (number)n, squares = 0, win_rate = wins / (number)n;
        for (int64_t i = 0; i < n; i++) squares += (record->trades[i].pnl - mean) * (record->trades[i].pnl - mean);
        m[TD_METRIC_win_rate] = win_rate;
        m[TD_METRIC_best_trade] = best;
        m[TD_METRIC_worst_trade] = worst;
        m[TD_METRIC_avg_trade] = wiped ? (backtesting ? 0 : -1) : expl(logs / (number)n) - 1;
        m[TD_METRIC_expectancy] = returns / (number)n;
        m[TD_METRIC_profit_factor] = backtesting ? ratio(up, down) : ratio(gains, lost);
        if (n > 1) m[TD_METRIC_sqn] = ratio(sqrtl((number)n) * mean, sqrtl(squares / (number)(n - 1)));
        m[TD_METRIC_kelly] = win_rate - (1 - win_rate) / (ratio(gains, wins) / ratio(lost, losses));
        m[TD_METRIC_avg_winning_trade] = ratio(up, wins);
        m[TD_METRIC_avg_losing_trade] = ratio(-down, losses);
        m[TD_METRIC_max_trade_duration] = days(deck, longest);
        m[TD_METRIC_avg_trade_duration] = days(deck, together / (number)n);
    }

    /* drawdowns: stretches between bars at the running peak, at least one bar apart; the tape's last bar ends the last one */
    number top = equity[0], deepest = 0, depths = 0, longest_down = 0, sum_down = 0;
    int64_t at_peak = 0, drawdowns = 0;
    number depth = 0;
    for (int64_t t = 0; t < bars; t++) {
        bool back = equity[t] >= top;
        if (!back) depth = fmaxl(depth, 1 - equity[t] / top);
        if (!back && t < last) continue;
        if (t > at_peak + 1 && depth > 0) {
            number lasted = (number)seconds[t] - seconds[at_peak];
            depths += depth;
            drawdowns++;
            sum_down += lasted;
            longest_down = fmaxl(longest_down, lasted);
        }
        deepest = fmaxl(deepest, depth);
        depth = 0;
        top = fmaxl(top, equity[t]);
        at_peak = t;
    }
    m[TD_METRIC_max_drawdown] = -deepest;
    if (drawdowns > 0) {
        m[TD_METRIC_avg_drawdown] = -depths / (number)drawdowns;
        m[TD_METRIC_max_drawdown_duration] = days(deck, longest_down);
        m[TD_METRIC_avg_drawdown_duration] = days(deck, sum_down / (number)drawdowns);
    }

    /* sampled returns; with the start as what comes before the first sample, or (backtesting) nothing */
    grouping by = grouping_of(deck, tape);
    number *r = malloc((size_t)(bars + 1) * sizeof *r), *market = malloc((size_t)(bars + 1) * sizeof *market);
    int64_t count = 0, before = -1, first = -1;
    for (int64_t t = 0; t < bars; t++) {
        if (t < last && group_of(by, deck, tape, t) == group_of(by, deck, tape, t + 1)) continue;
        if (first < 0) first = t;
        number from = before < 0 ? start : equity[before];
        if (before >= 0 || !backtesting) {
            r[count] = from == 0 ? 0 : equity[t] / from - 1;
            market[count++] = (number)close[t] / close[before < 0 ? 0 : before] - 1;
        }
        before = t;
    }
    number per_year = deck->periods_per_year, free_rate = deck->def.risk_free, k = (number)count;
    bool ruined = record->cell.ruined;
    if (count > 0) {
        number base = backtesting ? equity[first] : start, annual = powl(end / base, per_year / k) - 1, squares = 0;
        if (ruined && backtesting) annual = 0;
        for (int64_t i = 0; i < count; i++) squares += r[i] < 0 ? r[i] * r[i] : 0;
        number variance = count > 1 ? product_of(r, r, count) / (k - 1) : (number)NAN,
               downside = sqrtl(squares / k) * sqrtl(per_year);
        number mean = sum_of(r, count) / k, volatility = sqrtl(variance * per_year);
        m[TD_METRIC_annual_return] = annual;
        m[TD_METRIC_downside_risk] = downside;
        m[TD_METRIC_calmar] = ratio(annual, deepest);
        if (backtesting) {
            number growth = ruined ? 1 : powl(end / base, 1 / k);
            volatility = sqrtl(powl(variance + growth * growth, per_year) - powl(growth, 2 * per_year));
            m[TD_METRIC_sharpe] = ratio(annual - free_rate, volatility);
            m[TD_METRIC_sortino] = (annual - free_rate) / downside;
        } else {
            m[TD_METRIC_sharpe] = ratio(mean - free_rate / per_year, sqrtl(variance)) * sqrtl(per_year);
            m[TD_METRIC_sortino] = ratio(mean * per_year - free_rate, downside);
        }
        m[TD_METRIC_annual_volatility] = volatility;
    }

    /* the market */
    number beta = (number)NAN;
    if (backtesting) {
        for (int64_t t = 1; t < bars; t++) {
            r[t - 1] = logl(equity[t] / (number)equity[t - 1]);
            market[t - 1] = logl(close[t] / (number)close[t - 1]);
        }
        if (last > 1 && !ruined) beta = ratio(product_of(r, market, last), product_of(market, market, last));
        m[TD_METRIC_alpha] = m[TD_METRIC_total_return] - free_rate - beta * (m[TD_METRIC_buy_hold_return] - free_rate);
    } else if (count > 1) {
        beta = ratio(product_of(r, market, count), product_of(market, market, count));
        number alpha = sum_of(r, count) / k - free_rate / per_year - beta * (sum_of(market, count) / k - free_rate / per_year);
        if (alpha >= -1) m[TD_METRIC_alpha] = powl(1 + alpha, per_year) - 1; /* losing more than everything does not compound */
    }
    m[TD_METRIC_beta] = beta;
    free(r);
    free(market);
}

/* Moves the times of a tape off its raster: bars in between, holes, some of them over weekends. */
static void disturb_times(td_tape *tape, uint64_t seed, int64_t step_ns) {
    int64_t *time = (int64_t *)(uintptr_t)tape->time_ns, now = time[0];
    for (int64_t t = 0; t < tape->bars; t++) {
        time[t] = now;
        double draw = td_draw(seed, 5000 + (uint64_t)t);
        now += draw < 0.1 ? step_ns / 4 : draw < 0.15 ? 3 * step_ns : step_ns;
    }
}

static void random_plays(void **state) {
    (void)state;
    td_error error;
    long compared = 0, missing = 0, ruins = 0;
    for (uint64_t seed = 7000; seed < 7400; seed++) {
        td_case made;
        int64_t most = seed % 4 == 0 ? 40 : seed % 3 == 0 ? 180 : 500; /* 180 years from 2024 on are what int64 nanoseconds hold */
        td_case_make(&made, seed, td_draw_whole(seed, 30, 1, most), td_case_strategy(seed));
        if (seed % 3 == 0) {
            static const int64_t steps[] = {7, 31, 365, 1};
            int64_t step = steps[seed / 3 % 4] * TD_NS_PER_DAY;
            if (made.tape.bars > 150 && step > 31 * TD_NS_PER_DAY) step = 31 * TD_NS_PER_DAY; /* nanoseconds end in the year 2262 */
            disturb_times(&made.tape, seed, step);
            made.tape.interval_ns = step;
            td_deck_free(made.deck);
            assert_ok(td_deck_make(&made.tape, &made.def, &made.deck, &error));
        }
        for (int i = 0; i < TD_CASE_SETS; i += 3) {
            td_record record = td_record_make(made.deck, &made.sets[i]);
            if (record.cell.state == TD_CELL_DONE) {
                number m[TD_METRIC_BARS_COUNT];
                second_opinion(made.deck, &made.tape, &made.sets[i], &record, m);
                ruins += record.cell.ruined;
                for (int k = 0; k < TD_METRIC_BARS_COUNT; k++) {
                    if (k >= TD_METRIC_orders_refused && k <= TD_METRIC_ambiguous_bars) continue; /* by hand in test_bar_rules.c */
                    double found = record.cell.metrics[k], expected = (double)m[k];
                    compared++;
                    if (isnan(found) && isnan(expected)) {
                        missing++;
                        continue;
                    }
                    if (found == expected) continue;
                    /* trades that differ by less than their sums can tell */
                    if (k == TD_METRIC_sqn && isnan(found) != isnan(expected) && fabs(isnan(found) ? expected : found) > 1e7) continue;
                    double off = fabs(found - expected) / fmax(fabs(expected), 1e-4);
                    double tolerance = 1e-9;
                    /* backtesting.py's volatility is the root of a difference of two numbers near 1: little of it is certain */
                    if (made.def.profile == TD_PROFILE_BACKTESTING && (k == TD_METRIC_annual_volatility || k == TD_METRIC_sharpe))
                        tolerance += (double)(1e-13L / (m[TD_METRIC_annual_volatility] * m[TD_METRIC_annual_volatility]));
                    /* a deviation far below the mean is lost in the running sums */
                    if (k == TD_METRIC_sqn) tolerance += 4e-16 * expected * expected;
                    if (made.def.profile == TD_PROFILE_TAPEDECK && (k == TD_METRIC_annual_volatility || k == TD_METRIC_sharpe)) {
                        double root = sqrt(made.deck->periods_per_year), deviation = (double)m[TD_METRIC_annual_volatility] / root;
                        double mean = fabs((double)m[TD_METRIC_sharpe]) / root + made.def.risk_free / root / root / deviation;
                        tolerance += 4e-16 * mean * mean;
                    }
                    /* a downside, a drawdown that are nothing but rounding */
                    if ((k == TD_METRIC_sortino || k == TD_METRIC_calmar) && fabs(expected) > 1e12) tolerance = 1;
                    /* small differences of large equities */
                    if (k == TD_METRIC_calmar) tolerance += (double)(1e-14L / fabsl(m[TD_METRIC_max_drawdown]));
                    if (k == TD_METRIC_open_profit) tolerance += 1e-13 * made.sets[i].knob[TD_KNOB_cash] / fmax(fabs(expected), 1e-4);
                    if (k == TD_METRIC_break_even_cost)
                        tolerance += (double)(1e-14L * made.sets[i].knob[TD_KNOB_cash] / (m[TD_METRIC_turnover] * fabsl(m[k])));
                    if (off < tolerance) continue;
                    print_error("%s, set %d: %s is %.17g, expected %.17g (off by %.2g)\n", made.text, i, td_metric_infos[k].name,
                                found, expected, off);
                    fail();
                }
            }
            td_record_free(&record);
        }
        td_case_free(&made);
    }
    printf("%ld metrics compared, %ld of them missing in both, %ld ruins\n", compared, missing, ruins);
    assert_true(compared > 50000 && missing < compared / 2 && ruins > 5);
}

static void names_and_infos(void **state) {
    (void)state;
    for (int i = 0; i < TD_METRIC_COUNT; i++) {
        assert_int_equal(td_metric_find(td_metric_infos[i].name), i);
        assert_true(td_metric_infos[i].long_name[0] && td_metric_infos[i].units[0]);
    }
    assert_int_equal(td_metric_find("sharp"), -1);
    const char *source = getenv("TAPEDECK_SOURCE");
    if (!source) return;
    char path[1024];
    snprintf(path, sizeof path, "%s/docs/metrics.md", source);
    char *document = td_test_read(path);
    for (int i = 0; i < TD_METRIC_COUNT; i++) {
        char name[64];
        snprintf(name, sizeof name, "`%s`", td_metric_infos[i].name);
        if (!strstr(document, name)) print_error("docs/metrics.md does not define %s\n", name);
        assert_non_null(strstr(document, name));
    }
    free(document);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(by_hand),      cmocka_unit_test(without_trades),  cmocka_unit_test(annualisation),
        cmocka_unit_test(random_plays), cmocka_unit_test(names_and_infos),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
