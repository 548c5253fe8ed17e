/* The numbers a cell is judged by: one list from which names, results columns, tables and documentation come.
 *
 * Definitions with their sources are in docs/metrics.md. Ratios are fractions (0.05 is 5 %), durations are days. A metric that
 * does not exist for a cell (best trade of no trades) is NaN, and null in JSON. */
#ifndef TAPEDECK_SIM_METRICS_H
#define TAPEDECK_SIM_METRICS_H

/* name, unit, long name, +1 larger is better / -1 smaller is better / 0 neither */
#define TD_METRICS(X)                                                                                                            \
    X(final_equity, "quote", "equity after the last bar", +1)                                                                    \
    X(peak_equity, "quote", "highest equity at any bar", +1)                                                                     \
    X(total_return, "1", "total return", +1)                                                                                     \
    X(annual_return, "1", "annualised compound return", +1)                                                                      \
    X(annual_volatility, "1", "annualised volatility of returns", -1)                                                            \
    X(cagr, "1", "compound annual growth rate over calendar time", +1)                                                           \
    X(sharpe, "1", "annualised Sharpe ratio", +1)                                                                                \
    X(sortino, "1", "annualised Sortino ratio", +1)                                                                              \
    X(calmar, "1", "annual return over maximum drawdown", +1)                                                                    \
    X(max_drawdown, "1", "maximum drawdown, negative", +1)                                                                       \
    X(avg_drawdown, "1", "mean depth of the drawdowns, negative", +1)                                                            \
    X(max_drawdown_duration, "d", "longest time from a peak to its recovery", -1)                                                \
    X(avg_drawdown_duration, "d", "mean time from a peak to its recovery", -1)                                                   \
    X(trades, "1", "closed trades", 0)                                                                                           \
    X(win_rate, "1", "share of trades with positive profit", +1)                                                                 \
    X(best_trade, "1", "best return of a trade", +1)                                                                             \
    X(worst_trade, "1", "worst return of a trade", +1)                                                                           \
    X(avg_trade, "1", "geometric mean return of the trades", +1)                                                                 \
    X(profit_factor, "1", "gains over losses", +1)                                                                               \
    X(expectancy, "1", "expectancy of a trade", +1)                                                                              \
    X(sqn, "1", "system quality number", +1)                                                                                     \
    X(kelly, "1", "Kelly fraction", +1)                                                                                          \
    X(exposure, "1", "share of bars with a position", 0)                                                                         \
    X(max_trade_duration, "d", "longest trade", 0)                                                                               \
    X(avg_trade_duration, "d", "mean length of a trade", 0)                                                                      \
    X(buy_hold_return, "1", "return of buying at the first tradable bar and holding", 0)                                         \
    X(alpha, "1", "return beyond beta times the market's", +1)                                                                   \
    X(beta, "1", "regression slope on the market's returns", 0)                                                                  \
    X(commission_paid, "quote", "commission paid", -1)                                                                           \
    X(spread_paid, "quote", "cost of the bid-ask spread", -1)                                                                    \
    X(slippage_paid, "quote", "cost of slippage", -1)                                                                            \
    X(funding_paid, "quote", "funding paid, net of what was received", -1)                                                       \
    X(borrow_paid, "quote", "cost of borrowing what was sold short", -1)                                                         \
    X(turnover, "quote", "traded value, at prices before costs", 0)                                                              \
    X(break_even_cost, "1", "commission rate at which the same fills would have earned nothing", +1)                             \
    X(fills, "1", "fills of orders", 0)                                                                                          \
    X(orders_refused, "1", "orders that came to nothing, for whatever reason", -1)                                               \
    X(refused_cash, "1", "orders refused: more than the account can pay", -1)                                                    \
    X(refused_lot, "1", "orders refused: less than a lot", -1)                                                                   \
    X(refused_pyramiding, "1", "orders refused: the position has as many entries as it may", -1)                                 \
    X(refused_cool_down, "1", "orders refused: too soon after a losing trade", -1)                                               \
    X(refused_daily_loss, "1", "orders refused: the day's loss limit was reached", -1)                                           \
    X(refused_drawdown, "1", "orders refused: the drawdown limit was reached", -1)                                               \
    X(refused_hours, "1", "orders refused: outside trading hours", -1)                                                           \
    X(refused_volatility, "1", "orders refused: the volatility that stops or size depend on has no value yet", -1)               \
    X(refused_orders, "1", "orders refused: too many working orders, or contradictory ones", -1)                                 \
    X(ambiguous_bars, "1", "bars whose range held both the stop and the target", 0)                                              \
    X(downside_risk, "1", "annualised downside deviation of returns", -1)                                                        \
    X(avg_winning_trade, "1", "mean return of the trades with positive profit", +1)                                              \
    X(avg_losing_trade, "1", "mean return of the trades with negative profit", +1)                                               \
    X(open_profit, "quote", "profit of the position open at the end, at its mark", 0)

/* What play on order books tells beside some of those above (sim/tape_kind.c has the list): total_return, annual_return,
 * annual_volatility, sharpe, sortino, calmar and max_drawdown, in fractions of account.cash, and funding_paid. */
#define TD_BOOK_METRICS(X)                                                                                                       \
    X(position, "units", "position at the end, signed", 0)                                                                       \
    X(balance, "quote", "cash flow of all fills, without fees (coin for inverse contracts)", 0)                                  \
    X(fee, "quote", "fees paid; negative: rebates received", -1)                                                                 \
    X(num_trades, "1", "executions", 0)                                                                                          \
    X(trading_volume, "units", "quantity traded", 0)                                                                             \
    X(trading_value, "quote", "value traded", 0)                                                                                 \
    X(equity, "quote", "balance and position at the last mid price, minus fees and funding", +1)                                 \
    X(maker_trades, "1", "executions of resting orders", 0)                                                                      \
    X(taker_trades, "1", "executions of orders that took", 0)                                                                    \
    X(maker_share, "1", "share of the traded quantity that resting orders had", 0)                                               \
    X(queue_fills, "1", "resting orders filled because their queue was through", 0)                                              \
    X(through_fills, "1", "resting orders filled by a trade at a worse price", 0)                                                \
    X(cross_fills, "1", "resting orders filled because the book crossed them", 0)                                                \
    X(mean_queue_ahead, "units", "quantity ahead when orders that were filled had joined, mean", 0)                              \
    X(orders, "1", "orders sent", 0)                                                                                             \
    X(cancels, "1", "cancels sent", 0)                                                                                           \
    X(modifies, "1", "modifies sent", 0)                                                                                         \
    X(orders_expired, "1", "orders that expired: post-only ones that would take, and what IOC and FOK did not fill", 0)          \
    X(requests_rejected, "1", "cancels and modifies of orders that were gone", 0)                                                \
    X(requests_refused, "1", "requests not sent: order or in-flight limit, quantity or price that cannot be", -1)                \
    X(max_inventory, "units", "largest position, absolute", -1)                                                                  \
    X(mean_inventory, "units", "time-weighted mean of the absolute position", -1)                                                \
    X(mean_position_value, "quote", "mean value of the position, absolute, at samples", -1)                                      \
    X(max_position_value, "quote", "largest value of the position, absolute, at samples", -1)                                    \
    X(return_over_drawdown, "1", "equity gained over maximum drawdown", +1)                                                      \
    X(return_per_value, "1", "equity gained over value traded", +1)                                                              \
    X(daily_trades, "1/d", "executions a day", 0)                                                                                \
    X(daily_value, "quote/d", "value traded a day", 0)                                                                           \
    X(gap_time, "s", "time during which the book was not to be acted upon", -1)

typedef enum td_metric {
#define TD_METRIC_NAME(name, unit, text, better) TD_METRIC_##name,
    TD_METRICS(TD_METRIC_NAME)
    TD_METRIC_BARS_COUNT, /* metrics of play on bars are those before */
    TD_METRIC_before_books = TD_METRIC_BARS_COUNT - 1,
    TD_BOOK_METRICS(TD_METRIC_NAME)
#undef TD_METRIC_NAME
    TD_METRIC_COUNT
} td_metric;
/* A cell's hash covers the metrics up to here: those that came later leave hashes of earlier results as they were. */
enum { TD_METRICS_HASHED = TD_METRIC_ambiguous_bars + 1 };

typedef struct td_metric_info {
    const char *name, *units, *long_name;
    int better;
} td_metric_info;

extern const td_metric_info td_metric_infos[TD_METRIC_COUNT];

/* Index of a metric by name, -1 when there is none. */
int td_metric_find(const char *name);

#endif
