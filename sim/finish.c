/* From accumulators to metrics. Formulas and their sources are in docs/metrics.md; the profile decides which of two is meant. */
#include <math.h>

#include "base/bits.h"
#include "base/math.h"
#include "sim/deck.h"

static double sample_variance(double sum, double sum2, double n) { return n > 1 ? fmax((sum2 - sum * sum / n) / (n - 1), 0) : NAN; }

/* x, or NaN where it is zero: what a ratio does not exist over. */
static double nonzero(double x) { return x == 0 ? NAN : x; }

/* Durations in days; backtesting.py rounds up to the unit of its bars. */
static double days(const td_deck *deck, double seconds) {
    if (deck->def.profile == TD_PROFILE_BACKTESTING) seconds = ceil(seconds / deck->duration_unit) * deck->duration_unit;
    return seconds / 86400;
}

static void trade_metrics(const td_deck *deck, const td_lane *lane, const td_account *account, double *m) {
    bool backtesting = deck->def.profile == TD_PROFILE_BACKTESTING, vectorbt = deck->def.profile == TD_PROFILE_VECTORBT;
    double n = lane->trades;
    m[TD_METRIC_trades] = n;
    m[TD_METRIC_commission_paid] = lane->commission_paid;
    m[TD_METRIC_spread_paid] = lane->spread_paid;
    m[TD_METRIC_slippage_paid] = lane->slippage_paid;
    m[TD_METRIC_fills] = lane->fills;
    m[TD_METRIC_turnover] = lane->turnover;
    static const td_metric refusals[TD_REFUSAL_COUNT] = {
#define TD_REFUSAL_METRIC(name, text) TD_METRIC_refused_##name,
        TD_REFUSALS(TD_REFUSAL_METRIC)
#undef TD_REFUSAL_METRIC
    };
    m[TD_METRIC_orders_refused] = 0;
    for (int i = 0; i < TD_REFUSAL_COUNT; i++) {
        double count = account ? account->refused[i] : 0;
        if (i == TD_REFUSAL_cash) count = lane->refused_cash;
        if (i == TD_REFUSAL_lot) count = lane->refused_lot;
        if (i == TD_REFUSAL_volatility) count = lane->refused_volatility;
        m[refusals[i]] = count;
        m[TD_METRIC_orders_refused] += count;
    }
    m[TD_METRIC_funding_paid] = account ? account->funding_paid : 0;
    m[TD_METRIC_borrow_paid] = account ? account->borrow_paid : 0;
    m[TD_METRIC_ambiguous_bars] = lane->ambiguous;
    double exposed = lane->exposed;
    if (vectorbt) /* counts the bars that close with a position */
        exposed += lane->position != 0;
    else if (!backtesting && lane->position != 0) {
        double last = (double)(deck->view.bars - 1);
        exposed += last - fmax(lane->entry_bar, lane->covered + 1) + 1;
    }
    m[TD_METRIC_exposure] = exposed / (double)deck->view.bars;
    if (n == 0) return;
    m[TD_METRIC_avg_winning_trade] = lane->gain_return / nonzero(lane->wins);
    m[TD_METRIC_avg_losing_trade] = lane->loss_return / nonzero(lane->losses);
    m[TD_METRIC_win_rate] = lane->wins / n;
    m[TD_METRIC_best_trade] = lane->best;
    m[TD_METRIC_worst_trade] = lane->worst;
    m[TD_METRIC_avg_trade] =
        lane->growth > 0 ? td_exp((td_log(lane->growth) + lane->growth_exponent * 0.6931471805599453) / n) - 1 : backtesting ? 0 : -1;
    double win_rate = lane->wins / n;
    if (vectorbt) { /* in money */
        m[TD_METRIC_expectancy] = lane->sum_pnl / n;
        m[TD_METRIC_profit_factor] = lane->gain_pnl / fabs(lane->loss_pnl);
    } else {
        m[TD_METRIC_expectancy] = lane->sum_return / n;
        m[TD_METRIC_profit_factor] = backtesting ? lane->gain_return / nonzero(fabs(lane->loss_return))
                                                 : lane->gain_pnl / nonzero(fabs(lane->loss_pnl));
    }
    m[TD_METRIC_sqn] = sqrt(n) * (lane->sum_pnl / n) / nonzero(sqrt(sample_variance(lane->sum_pnl, lane->sum_pnl2, n)));
    m[TD_METRIC_kelly] = win_rate - (1 - win_rate) / ((lane->gain_pnl / nonzero(lane->wins)) / -(lane->loss_pnl / nonzero(lane->losses)));
    m[TD_METRIC_max_trade_duration] = days(deck, lane->duration_max);
    m[TD_METRIC_avg_trade_duration] = days(deck, lane->duration_sum / n);
}

static void drawdown_metrics(const td_deck *deck, const td_lane *lane, double *m) {
    double worst = lane->worst_ratio, sum = lane->drawdown_sum, count = lane->drawdowns, time_sum = lane->drawdown_time_sum,
           time_max = lane->drawdown_time_max;
    bool vectorbt = deck->def.profile == TD_PROFILE_VECTORBT;
    if (vectorbt && count > 0) { /* counts the bars below the peak, of those that are over without the one that is back at it */
        double bar = (double)deck->interval_ns / 1e9;
        time_sum -= count * bar;
        time_max -= bar;
    }
    /* a drawdown still open at the end counts, unless the last bar is its only one. Asleep at the peak there is none. */
    if (lane->trough < lane->peak && (lane->record < INFINITY || lane->ruined)) {
        double ratio = lane->trough / lane->peak;
        int64_t last = deck->view.bars - 1, began = (int64_t)lane->peak_bar;
        if (ratio < worst) worst = ratio;
        if (last > began + 1 || vectorbt) {
            double lasted = deck->view.seconds[last] - deck->view.seconds[began];
            sum += 1 - ratio;
            count += 1;
            time_sum += lasted;
            if (lasted > time_max) time_max = lasted;
        }
    }
    m[TD_METRIC_max_drawdown] = -(1 - worst);
    if (count > 0) {
        m[TD_METRIC_avg_drawdown] = -(sum / count);
        m[TD_METRIC_avg_drawdown_duration] = days(deck, time_sum / count);
        m[TD_METRIC_max_drawdown_duration] = days(deck, time_max);
    }
}

static void return_metrics(const td_deck *deck, const td_lane *lane, double start, double equity, int64_t warmup, double *m) {
    bool backtesting = deck->def.profile == TD_PROFILE_BACKTESTING, ruined = lane->ruined != 0;
    double n = (double)deck->returns, per_year = deck->periods_per_year, risk_free = deck->def.risk_free;
    const double *close = deck->view.close;
    int64_t last = deck->view.bars - 1;
    m[TD_METRIC_final_equity] = equity;
    m[TD_METRIC_peak_equity] = lane->peak;
    m[TD_METRIC_total_return] = (equity - start) / start;
    /* what closed trades do not explain */
    m[TD_METRIC_open_profit] = lane->position == 0 ? 0 : equity - start - lane->sum_pnl;
    m[TD_METRIC_break_even_cost] = (equity - start + lane->commission_paid) / nonzero(lane->turnover);
    if (deck->def.profile == TD_PROFILE_VECTORBT) warmup = 0; /* from the first close */
    m[TD_METRIC_buy_hold_return] = warmup <= last ? (close[last] - close[warmup]) / close[warmup] : NAN;
    if (deck->years > 0) m[TD_METRIC_cagr] = td_pow(equity / start, 1 / deck->years) - 1;

    /* the mean compound growth of a sample period */
    double base = backtesting ? lane->first_sample : start, variance = sample_variance(lane->sum_r, lane->sum_r2, n);
    double annual = n > 0 ? (ruined && backtesting ? 0 : td_pow(equity / base, per_year / n) - 1) : NAN;
    double downside = n > 0 ? sqrt(lane->sum_down2 / n) * sqrt(per_year) : NAN, volatility, mean = lane->sum_r / n;
    m[TD_METRIC_annual_return] = annual;
    m[TD_METRIC_downside_risk] = downside;
    m[TD_METRIC_calmar] = annual / nonzero(-m[TD_METRIC_max_drawdown]);
    if (backtesting) {
        double growth2 = n > 0 && !ruined ? td_pow(equity / base, 2 / n) : 1; /* (1 + g)^2 */
        volatility = sqrt(td_pow(variance + growth2, per_year) - td_pow(growth2, per_year));
        m[TD_METRIC_sharpe] = (annual - risk_free) / nonzero(volatility);
        m[TD_METRIC_sortino] = (annual - risk_free) / downside;
    } else if (deck->def.profile == TD_PROFILE_VECTORBT) { /* ratios over nothing are infinite */
        volatility = sqrt(variance) * sqrt(per_year);
        m[TD_METRIC_sharpe] = variance == 0 ? INFINITY : (mean - risk_free) / sqrt(variance) * sqrt(per_year);
        m[TD_METRIC_sortino] = downside == 0 ? INFINITY : (mean - deck->def.required_return) * per_year / downside;
    } else {
        volatility = sqrt(variance) * sqrt(per_year);
        m[TD_METRIC_sharpe] = (mean - risk_free / per_year) / nonzero(sqrt(variance)) * sqrt(per_year);
        m[TD_METRIC_sortino] = (mean * per_year - risk_free) / nonzero(downside);
    }
    m[TD_METRIC_annual_volatility] = volatility;

    /* regression on the market: backtesting.py on logs bar by bar, whose sum telescopes; else on the samples */
    double points = backtesting ? (double)last : n, sum = backtesting ? td_log(equity / start) : lane->sum_r;
    double covariance = lane->sum_market - sum * deck->market_sum / points;
    double market_variance = deck->market_sum2 - deck->market_sum * deck->market_sum / points;
    double beta = points > 1 && market_variance > 0 && !(ruined && backtesting) ? covariance / market_variance : NAN;
    m[TD_METRIC_beta] = beta;
    if (backtesting)
        m[TD_METRIC_alpha] = m[TD_METRIC_total_return] - risk_free - beta * (m[TD_METRIC_buy_hold_return] - risk_free);
    else {
        double free_rate = deck->def.profile == TD_PROFILE_VECTORBT ? risk_free : risk_free / per_year, market_mean = deck->market_sum / n;
        m[TD_METRIC_alpha] = td_pow(1 + (mean - free_rate - beta * (market_mean - free_rate)), per_year) - 1;
    }
}

void td_lane_finish(const td_deck *deck, const td_set *set, const td_lane *lane, const td_account *account,
                    const double *block_equity, int64_t stride, td_cell *cell, float *block_returns) {
    *cell = (td_cell){.state = TD_CELL_DONE, .reason = (int32_t)lane->failed, .reason_bar = (int64_t)lane->failed_bar,
                      .ruined = lane->failed == 0 && lane->ruined != 0};
    double equity = lane->ruined != 0 ? 0 : lane->equity, *m = cell->metrics, start = set->knob[TD_KNOB_cash];
    if (!cell->reason && !isfinite(equity)) cell->reason = TD_CELL_REASON_nan_equity;
    if (cell->reason) cell->state = TD_CELL_FAILED;
    for (int i = 0; i < TD_METRIC_COUNT; i++) m[i] = NAN;
    if (cell->state == TD_CELL_DONE) {
        trade_metrics(deck, lane, account, m);
        drawdown_metrics(deck, lane, m);
        return_metrics(deck, lane, start, equity, td_deck_warmup(deck, set), m);
    }

    /* the hash: fills, then state, then the metrics; one NaN, one zero */
    uint64_t h = td_bits_of(lane->hash);
    h = td_hash_step(h, (uint64_t)(cell->state * 256 + cell->reason * 16 + cell->ruined));
    for (int i = 0; i < TD_METRICS_HASHED; i++) {
        uint64_t word = isnan(m[i]) ? 0x7ff8000000000000ull : m[i] == 0 ? 0 : td_bits_of(m[i]);
        h = td_hash_step(h, word * 0x9E3779B97F4A7C15ull);
    }
    cell->hash = h ^ (h >> 32);

    if (!block_returns) return;
    double before = start;
    for (int64_t b = 0; b < deck->view.blocks; b++) {
        double now = block_equity[b * stride];
        block_returns[b] = cell->state == TD_CELL_FAILED ? NAN : before > 0 ? (float)(now / before - 1) : 0;
        before = now;
    }
}
