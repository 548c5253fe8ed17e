/* The schema of configurations: the one table that knows the keys.
 *
 * Validation (config.c), the JSON Schema, the printed defaults and docs/config.md are made from it. A key is a dotted path; its
 * group is what stands before the last dot. Knobs of the engine (sim/play.h) are rows too and take their bounds, default and text
 * from td_knob_infos. */
#ifndef TAPEDECK_SWEEPS_SCHEMA_H
#define TAPEDECK_SWEEPS_SCHEMA_H

#include <stdbool.h>

#include "sim/tape_kind.h"

typedef enum td_key_type {
    TD_TYPE_GROUP,       /* a mapping of keys of the table */
    TD_TYPE_TEXT,
    TD_TYPE_CHOICE,      /* one of words */
    TD_TYPE_BOOL,        /* true or false, exactly */
    TD_TYPE_INTEGER,
    TD_TYPE_NUMBER,
    TD_TYPE_KNOB,        /* a number of td_knob_infos */
    TD_TYPE_BYTES,       /* 2GB, none */
    TD_TYPE_DURATION,    /* 30m, none */
    TD_TYPE_DATE,
    TD_TYPE_HOURS,       /* 08:00-16:30, always */
    TD_TYPE_STRATEGY,
    TD_TYPE_RULE,        /* an expression of sweeps/rules.h */
    TD_TYPE_METRIC,
    TD_TYPE_UNITS,       /* one of words, or a group */
    TD_TYPE_SAMPLE,      /* one of words, or an integer */
    TD_TYPE_PARAMETERS,
    TD_TYPE_CONSTRAINTS,
    TD_TYPE_LIST,
    TD_TYPE_NAMES,       /* a list of texts, a single one, or one of words */
    TD_TYPE_WEIGHTS,     /* a mapping of symbols to numbers, or one of words */
    TD_TYPE_TAPES,       /* a path, a list of paths, or a mapping of names to paths */
    TD_TYPE_TIME,        /* 100ms: nanoseconds */
    TD_TYPE_VENUES,      /* a list of mappings to numbers of the engine */
    TD_TYPE_TIERS,       /* a list of {volume, commission, maker} */
    TD_TYPE_IGNORED,     /* of W&B: anything, no effect */
} td_key_type;

/* id, path, type, minimum, maximum, words, default as YAML ("" = none), text. For knobs: minimum is the knob. */
#define TD_KEYS(X)                                                                                                               \
    X(tape, "tape", TAPES, 0, 0, "", "",                                                                                         \
      "path of the tape file; relative to the working directory, else to this file. Required. Order books of several venues: a "  \
      "list of paths, or a mapping of names to paths; they are numbered from 0 in that order")                                   \
    X(strategy, "strategy", STRATEGY, 0, 0, "", "",                                                                              \
      "name of a built-in strategy, or the path of a C file of your own (docs/strategies.md). Required, unless rules stand in "  \
      "its place: entry, exit, entry_short, exit_short")                                                                         \
    X(entry, "entry", RULE, 0, 0, "", "",                                                                                        \
      "instead of a strategy: on which bars to go long, as in \"crosses_above(sma(close, fast), sma(close, slow)) & "            \
      "rsi(close, 14) < 70\" (docs/strategies.md, A rule without C)")                                                            \
    X(exit, "exit", RULE, 0, 0, "", "", "on which bars to leave a long position; when absent, stops and the other side do")      \
    X(entry_short, "entry_short", RULE, 0, 0, "", "", "on which bars to go short")                                               \
    X(exit_short, "exit_short", RULE, 0, 0, "", "", "on which bars to leave a short position")                                   \
    X(symbols, "symbols", NAMES, 0, 0, "all", "",                                                                                \
      "which symbols of the tape to play, as in [BTCUSDT, ETHUSDT], or all. Every parameter set plays on each of them. When "    \
      "absent: the only one")                                                                                                    \
    X(intervals, "intervals", NAMES, 0, 0, "", "",                                                                               \
      "lengths of bars to play, as in [1m, 15m, 1h]: multiples of the tape's, made of its bars (docs/bar-rules.md). Every "      \
      "parameter set plays on each of them. When absent: the tape's")                                                            \
    X(execution_interval, "execution_interval", TEXT, 0, 0, "", "",                                                              \
      "finer bars that orders, stops, targets, liquidation and ruin walk through inside each bar, as in 1m under intervals: [1h]; " \
      "made of the tape's. The strategy still decides on the bars of `intervals`. When absent: the bars themselves are walked")  \
    X(portfolio, "portfolio", GROUP, 0, 0, "", "", "")                                                                           \
    X(portfolio_weights, "portfolio.weights", WEIGHTS, 0, 1, "equal", "",                                                        \
      "plays all symbols at once, with shared cash: fractions of equity that the strategy's targets are multiplied with, as in " \
      "{BTCUSDT: 0.5, ETHUSDT: 0.3}, or equal, one over the number of symbols. When absent each symbol plays alone")                \
    X(portfolio_rebalance, "portfolio.rebalance", SAMPLE, 1, 1e9, "none daily weekly monthly", "none",                           \
      "when open positions are brought back to their weights: on the first bar of each UTC day, week (from Monday) or month, "   \
      "or every so many bars")                                                                                                  \
    X(portfolio_max_weight, "portfolio.max_weight", NUMBER, 0, 1, "", "0",                                                       \
      "largest fraction of equity aimed at for one symbol; 0 is no limit")                                                       \
    X(portfolio_max_positions, "portfolio.max_positions", INTEGER, 0, 4096, "", "0",                                             \
      "positions open at once; entries beyond are refused; 0 is no limit")                                                       \
    X(portfolio_band, "portfolio.band", NUMBER, 0, 1, "", "0",                                                                   \
      "when rebalancing, positions that are off by no more than this fraction of equity stay")                                   \
    X(profile, "profile", CHOICE, 0, 0, "tapedeck backtesting vectorbt", "tapedeck",                                                      \
      "whose fill rules and metric definitions: tapedeck's own, or those of backtesting.py or vectorbt")                                     \
    X(name, "name", TEXT, 0, 0, "", "''", "name of the sweep; does not change numbers")                                          \
    X(description, "description", TEXT, 0, 0, "", "''", "what it is for; does not change numbers")                               \
    X(method, "method", CHOICE, 0, 0, "grid list random bayes", "grid",                                                          \
      "how parameter sets are chosen: every combination, the rows of `list`, or random draws (bayes is not available yet). "     \
      "When absent: list where `list` is given, else grid")                                                                     \
    X(parameters, "parameters", PARAMETERS, 0, 0, "", "{}", "what is fixed and what is swept; see Parameters")                   \
    X(list, "list", LIST, 0, 0, "", "",                                                                                          \
      "for method list: a list of mappings with the same names in each, or the path of a CSV file with the names in its header, " \
      "relative to this file")                                                                                                  \
    X(constraints, "constraints", CONSTRAINTS, 0, 0, "", "[]",                                                                   \
      "expressions over parameter names that every parameter set must satisfy; see Constraints")                                \
    X(seed, "seed", INTEGER, 0, 9007199254740992, "", "1", "every random draw derives from it")                                  \
    X(run_cap, "run_cap", INTEGER, 1, 9007199254740992, "", "",                                                                  \
      "number of random draws (required for method random); for grid and list, at most so many sets, the first ones")           \
    X(budget, "budget", GROUP, 0, 0, "", "", "")                                                                                 \
    X(budget_trials, "budget.trials", INTEGER, 1, 9007199254740992, "", "", "another name for run_cap")                          \
    X(metric, "metric", GROUP, 0, 0, "", "", "")                                                                                 \
    X(metric_name, "metric.name", METRIC, 0, 0, "", "sharpe", "what parameter sets are ranked by")                               \
    X(metric_goal, "metric.goal", CHOICE, 0, 0, "maximize minimize", "",                                                         \
      "which end is best. When absent, the metric decides (maximize for sharpe, minimize for annual_volatility); W&B's default " \
      "is minimize")                                                                                                            \
    X(metric_target, "metric.target", IGNORED, 0, 0, "", "", "of W&B: accepted, has no effect")                                  \
    X(metric_impute, "metric.impute", IGNORED, 0, 0, "", "", "of W&B: accepted, has no effect")                                  \
    X(metric_impute_while_running, "metric.impute_while_running", IGNORED, 0, 0, "", "", "of W&B: accepted, has no effect")      \
    X(period, "period", GROUP, 0, 0, "", "", "")                                                                                 \
    X(period_from, "period.from", DATE, 0, 0, "", "", "first bar: the first that opens at or after this time, UTC")              \
    X(period_to, "period.to", DATE, 0, 0, "", "", "bars that open at or after this time are left out")                           \
    X(account, "account", GROUP, 0, 0, "", "", "")                                                                               \
    X(account_cash, "account.cash", KNOB, TD_KNOB_cash, 0, "", "", "")                                                           \
    X(account_sizing, "account.sizing", CHOICE, 0, 0,                                                                            \
      "all_in fixed_units fraction fixed_value risk volatility kelly", "all_in",                                                 \
      "how large a position is: all equity (times leverage), `size` units, `size` as a fraction of equity, `size` in quote "     \
      "currency; the fraction `size` of equity is lost at the stop (risk), is the volatility of equity aimed at in a year of "   \
      "365 days (volatility); `size` times the Kelly fraction of the trades so far (kelly)")                                     \
    X(account_size, "account.size", KNOB, TD_KNOB_size, 0, "", "", "")                                                           \
    X(account_units, "account.units", UNITS, 0, 0, "whole fractional", "fractional",                                             \
      "whole units (lot 1), any fraction (lot 0), or {lot: 1e-6}. Default fractional; whole in profile backtesting")             \
    X(account_units_lot, "account.units.lot", KNOB, TD_KNOB_lot, 0, "", "", "")                                                  \
    X(account_leverage, "account.leverage", KNOB, TD_KNOB_leverage, 0, "", "", "")                                               \
    X(account_maintenance, "account.maintenance", KNOB, TD_KNOB_maintenance, 0, "", "", "")                                      \
    X(account_pyramiding, "account.pyramiding", KNOB, TD_KNOB_pyramiding, 0, "", "", "")                                         \
    X(direction, "direction", CHOICE, 0, 0, "both long short", "both", "positions that are taken; the others count as flat")     \
    X(costs, "costs", GROUP, 0, 0, "", "", "")                                                                                   \
    X(costs_commission, "costs.commission", KNOB, TD_KNOB_commission, 0, "", "", "")                                             \
    X(costs_fixed_commission, "costs.fixed_commission", KNOB, TD_KNOB_fixed_commission, 0, "", "", "")                           \
    X(costs_spread, "costs.spread", KNOB, TD_KNOB_spread, 0, "", "", "")                                                         \
    X(costs_slippage, "costs.slippage", KNOB, TD_KNOB_slippage, 0, "", "", "")                                                   \
    X(costs_maker, "costs.maker", KNOB, TD_KNOB_maker, 0, "", "", "")                                                            \
    X(costs_per_unit, "costs.per_unit", KNOB, TD_KNOB_per_unit, 0, "", "", "")                                                   \
    X(costs_tick, "costs.tick", KNOB, TD_KNOB_tick, 0, "", "", "")                                                               \
    X(costs_slippage_ticks, "costs.slippage_ticks", KNOB, TD_KNOB_slippage_ticks, 0, "", "", "")                                 \
    X(costs_volume_share, "costs.volume_share", KNOB, TD_KNOB_volume_share, 0, "", "", "")                                       \
    X(costs_impact, "costs.impact", KNOB, TD_KNOB_impact, 0, "", "", "")                                                         \
    X(costs_funding, "costs.funding", KNOB, TD_KNOB_funding, 0, "", "", "")                                                      \
    X(costs_funding_hours, "costs.funding_hours", KNOB, TD_KNOB_funding_hours, 0, "", "", "")                                    \
    X(costs_borrow, "costs.borrow", KNOB, TD_KNOB_borrow, 0, "", "", "")                                                         \
    X(costs_tiers, "costs.tiers", TIERS, 0, 0, "", "",                                                                           \
      "in place of commission and maker: rates by the value, in quote currency, that the parameter set has traded over the last " \
      "tier_days. The first volume is 0, the others rise; a maker that is left out is the commission (docs/bar-rules.md)")       \
    X(costs_tier_days, "costs.tier_days", INTEGER, 1, TD_TIER_DAYS_MAX, "", "30",                                                \
      "UTC days before that of a fill over which costs.tiers counts what was traded")                                            \
    X(costs_taker, "costs.taker", KNOB, TD_KNOB_taker, 0, "", "", "")                                                            \
    X(costs_buyer, "costs.buyer", KNOB, TD_KNOB_buyer_fee, 0, "", "", "")                                                        \
    X(costs_seller, "costs.seller", KNOB, TD_KNOB_seller_fee, 0, "", "", "")                                                     \
    X(costs_fees, "costs.fees", CHOICE, 0, 0, "value quantity flat", "value",                                                    \
      "what costs.maker and costs.taker are of: the traded value, the quantity, or each execution")                              \
    X(fill, "fill", GROUP, 0, 0, "", "", "")                                                                                     \
    X(fill_at, "fill.at", CHOICE, 0, 0, "next_open close next_close", "next_open",                                               \
      "market orders fill at the open of the next bar, at the close of the deciding bar, or at the close of the next bar. "      \
      "Default next_open; close in profile vectorbt")                                                                            \
    X(fill_delay, "fill.delay", INTEGER, 0, 1000000, "", "0", "bars that market orders wait beyond fill.at")                     \
    X(intrabar, "intrabar", CHOICE, 0, 0, "stop_first target_first nearest_extreme pessimistic optimistic", "stop_first",        \
      "which extreme of a bar prices visit first: the stop's, the target's, the one nearer to the open, or whichever makes "     \
      "equity at the close lower or higher")                                                                                     \
    X(envelope, "envelope", BOOL, 0, 0, "", "false",                                                                             \
      "play each set pessimistically and optimistically beside `intrabar`, too, and keep the least and the greatest of each "    \
      "metric (docs/bar-rules.md)")                                                                                              \
    X(stops, "stops", GROUP, 0, 0, "", "", "")                                                                                   \
    X(stops_stop_loss, "stops.stop_loss", KNOB, TD_KNOB_stop_loss, 0, "", "", "")                                                \
    X(stops_take_profit, "stops.take_profit", KNOB, TD_KNOB_take_profit, 0, "", "", "")                                          \
    X(stops_volatility, "stops.volatility", CHOICE, 0, 0, "atr std", "atr",                                                      \
      "what distances in multiples of volatility are measured in: average true range, or standard deviation of price changes")   \
    X(stops_volatility_window, "stops.volatility_window", KNOB, TD_KNOB_volatility_window, 0, "", "", "")                        \
    X(stops_stop_volatility, "stops.stop_volatility", KNOB, TD_KNOB_stop_volatility, 0, "", "", "")                              \
    X(stops_target_volatility, "stops.target_volatility", KNOB, TD_KNOB_target_volatility, 0, "", "", "")                        \
    X(stops_trailing, "stops.trailing", KNOB, TD_KNOB_trailing, 0, "", "", "")                                                   \
    X(stops_trailing_amount, "stops.trailing_amount", KNOB, TD_KNOB_trailing_amount, 0, "", "", "")                              \
    X(stops_trailing_volatility, "stops.trailing_volatility", KNOB, TD_KNOB_trailing_volatility, 0, "", "", "")                  \
    X(stops_break_even, "stops.break_even", KNOB, TD_KNOB_break_even, 0, "", "", "")                                             \
    X(stops_time, "stops.time", KNOB, TD_KNOB_time_stop, 0, "", "", "")                                                          \
    X(risk, "risk", GROUP, 0, 0, "", "", "")                                                                                     \
    X(risk_daily_loss, "risk.daily_loss", KNOB, TD_KNOB_daily_loss, 0, "", "", "")                                               \
    X(risk_max_drawdown, "risk.max_drawdown", KNOB, TD_KNOB_drawdown, 0, "", "", "")                                             \
    X(risk_max_position, "risk.max_position", KNOB, TD_KNOB_max_position, 0, "", "", "")                                         \
    X(risk_cool_down, "risk.cool_down", KNOB, TD_KNOB_cool_down, 0, "", "", "")                                                  \
    X(risk_hours, "risk.hours", HOURS, 0, 0, "", "always",                                                                       \
      "entries fill only on bars that open at these times of the UTC day: 08:00-16:30, the end not included; 22:00-04:00 is across "\
      "midnight")                                                                                                                \
    X(finalize, "finalize", BOOL, 0, 0, "", "false", "close what is open at the end, so that it counts as a trade")              \
    X(metrics, "metrics", GROUP, 0, 0, "", "", "")                                                                               \
    X(metrics_sample, "metrics.sample", SAMPLE, 1, 1e9, "day bar", "day",                                                        \
      "returns for Sharpe and the like: at the end of each UTC day (bar by bar where bars are a day or longer), every bar, or "  \
      "every so many bars. Profile backtesting has its own rule")                                                               \
    X(metrics_blocks, "metrics.blocks", INTEGER, 1, TD_BLOCKS_MAX, "", "64",                                                     \
      "equal blocks of bars whose returns are kept for later statistics")                                                       \
    X(metrics_risk_free, "metrics.risk_free", NUMBER, -1, 10, "", "0", "annual risk-free rate, fraction; profile vectorbt: per bar") \
    X(metrics_required_return, "metrics.required_return", NUMBER, -1, 10, "", "0",                                               \
      "what returns below fall short of. Profile vectorbt: in Sortino and downside risk per bar, in Omega a year; else in Omega, a year") \
    X(metrics_periods_per_year, "metrics.periods_per_year", NUMBER, 0, 1e9, "", "0",                                             \
      "sampled returns per year, for annualising; 0 takes it from the calendar")                                                \
    X(vectorbt, "vectorbt", GROUP, 0, 0, "", "", "")                                                                             \
    X(vectorbt_accumulate, "vectorbt.accumulate", CHOICE, 0, 0, "none both addonly removeonly", "none",                          \
      "entries for the side that stands add `size` to the position (both, addonly); exits, and entries for the other side that do " \
      "not reverse, take `size` off it (both, removeonly). This group is of profile vectorbt; see docs/bar-rules.md")            \
    X(vectorbt_upon_opposite_entry, "vectorbt.upon_opposite_entry", CHOICE, 0, 0, "ignore close closereduce reverse reversereduce", \
      "reversereduce", "what an entry for the other side does to a position; those that reduce do so where accumulate says so")  \
    X(vectorbt_stop_entry_price, "vectorbt.stop_entry_price", CHOICE, 0, 0, "close price fillprice", "close",                    \
      "what stop and target are measured from: the close of the entry's bar, the price of its order before slippage, or after it") \
    X(vectorbt_stop_exit_price, "vectorbt.stop_exit_price", CHOICE, 0, 0, "stoplimit stopmarket price close", "stoplimit",       \
      "where a stop or target fills: at its level without or with slippage, at the price that orders of the bar have, at the close") \
    X(vectorbt_upon_stop_exit, "vectorbt.upon_stop_exit", CHOICE, 0, 0, "close closereduce reverse reversereduce", "close",      \
      "what a stop or target does to the position")                                                                              \
    X(vectorbt_upon_stop_update, "vectorbt.upon_stop_update", CHOICE, 0, 0, "override keep", "override",                         \
      "a further entry moves stop and target, or leaves them")                                                                   \
    X(vectorbt_lock_cash, "vectorbt.lock_cash", BOOL, 0, 0, "", "false",                                                         \
      "cash that shorts brought, and as much again, is not spent: shorts are no larger than the cash that is free")              \
    X(vectorbt_allow_partial, "vectorbt.allow_partial", BOOL, 0, 0, "", "true",                                                  \
      "an order that is more than can be filled is filled in part; else it is refused")                                          \
    X(vectorbt_min_size, "vectorbt.min_size", NUMBER, 0, 1e15, "", "1e-8", "units; smaller orders are refused")                  \
    X(vectorbt_max_size, "vectorbt.max_size", NUMBER, 0, 1e15, "", "", "units; larger orders are cut. When absent: no limit")    \
    X(instrument, "instrument", GROUP, 0, 0, "", "", "")                                                                         \
    X(instrument_contract, "instrument.contract", CHOICE, 0, 0, "linear inverse quanto", "",                                     \
      "what a contract is worth: multiplier times price (linear; quanto, in another currency), or multiplier over price, in "    \
      "coin (inverse). When absent: as the tape says")                                                                           \
    X(instrument_multiplier, "instrument.multiplier", NUMBER, 1e-12, 1e12, "", "", "of a contract. When absent: as the tape says") \
    X(book, "book", GROUP, 0, 0, "", "", "")                                                                                     \
    X(book_mode, "book.mode", CHOICE, 0, 0, "strict parity", "strict",                                                           \
      "strict: message by message, a snapshot replaces the book, nothing happens in a gap; parity: row by row, as hftbacktest "  \
      "does it (docs/book-rules.md)")                                                                                            \
    X(book_exchange, "book.exchange", KNOB, TD_KNOB_exchange, 0, "", "", "")                                                     \
    X(book_clock, "book.clock", TIME, 1000, 86400e9, "", "100ms", "between the decisions of a strategy's ON_TIMER")              \
    X(book_queue_model, "book.queue_model", KNOB, TD_KNOB_queue_model, 0, "", "", "")                                            \
    X(book_latency, "book.latency", KNOB, TD_KNOB_latency, 0, "", "", "")                                                        \
    X(book_entry_latency, "book.entry_latency", KNOB, TD_KNOB_entry_latency, 0, "", "", "")                                      \
    X(book_response_latency, "book.response_latency", KNOB, TD_KNOB_response_latency, 0, "", "", "")                             \
    X(book_latency_model, "book.latency_model", KNOB, TD_KNOB_latency_model, 0, "", "", "")                                      \
    X(book_latency_scale, "book.latency_scale", KNOB, TD_KNOB_latency_scale, 0, "", "", "")                                      \
    X(book_latency_jitter, "book.latency_jitter", KNOB, TD_KNOB_latency_jitter, 0, "", "", "")                                   \
    X(book_latency_rows, "book.latency_rows", TEXT, 0, 0, "", "",                                                                \
      "path of recorded order latencies, for latency model rows: CSV or hftbacktest's .npz (docs/file-formats-books.md); found as a tape is") \
    X(book_latency_rows_offset, "book.latency_rows_offset", TIME, -60e9, 60e9, "", "0",                                          \
      "added to the times of arrival in book.latency_rows, twice to those of the answers")                                       \
    X(book_order_limit, "book.order_limit", INTEGER, 1, TD_SLOTS_MAX, "", "8", "orders a side, on the way and working; more are refused and counted") \
    X(book_in_flight_limit, "book.in_flight_limit", INTEGER, 0, 1000000, "", "0",                                                \
      "requests on the way; more are refused and counted; 0 is no limit")                                                        \
    X(book_consume, "book.consume", BOOL, 0, 0, "", "false",                                                                     \
      "what a parameter set takes is gone for it until the level changes (mode strict, exchange partial_fill)")                  \
    X(book_sample, "book.sample", TIME, 1e6, 86400e9, "", "10s", "equity is sampled so often, for sharpe and the like")          \
    X(book_days_per_year, "book.days_per_year", NUMBER, 1, 366, "", "252",                                                       \
      "for annualising; markets that never close have 365")                                                                      \
    X(venues, "venues", VENUES, 0, 0, "maker taker latency entry_latency response_latency", "",                                  \
      "what differs on a venue from costs and book, in the order of the tapes, as in [{maker: -0.00005}, {latency: 2ms}]")       \
    X(limits, "limits", GROUP, 0, 0, "", "", "")                                                                                 \
    X(limits_memory, "limits.memory", BYTES, 0, 0, "", "none",                                                                   \
      "a sweep that would need more does not start: 2GB, 512MiB; does not change numbers")                                       \
    X(limits_wall, "limits.wall", DURATION, 0, 0, "", "none",                                                                    \
      "a sweep stops, to be resumed, after this time: 90s, 30m, 2h, 1h30m, 1d; does not change numbers")                         \
    X(early_terminate, "early_terminate", IGNORED, 0, 0, "", "", "of W&B: accepted, not applied yet")                            \
    X(program, "program", IGNORED, 0, 0, "", "", "of W&B: accepted, has no effect")                                              \
    X(command, "command", IGNORED, 0, 0, "", "", "of W&B: accepted, has no effect")                                              \
    X(project, "project", IGNORED, 0, 0, "", "", "of W&B: accepted, has no effect")                                              \
    X(entity, "entity", IGNORED, 0, 0, "", "", "of W&B: accepted, has no effect")                                                \
    X(job, "job", IGNORED, 0, 0, "", "", "of W&B: accepted, has no effect")                                                      \
    X(image_uri, "image_uri", IGNORED, 0, 0, "", "", "of W&B: accepted, has no effect")                                          \
    X(controller, "controller", IGNORED, 0, 0, "", "", "of W&B: accepted, has no effect")                                        \
    X(scheduler, "scheduler", IGNORED, 0, 0, "", "", "of W&B: accepted, has no effect")                                          \
    X(apiVersion, "apiVersion", IGNORED, 0, 0, "", "", "of W&B: accepted, has no effect")                                        \
    X(kind, "kind", IGNORED, 0, 0, "", "", "of W&B: accepted, has no effect")

typedef enum td_key {
#define TD_KEY_NAME(id, path, type, minimum, maximum, words, preset, text) TD_KEY_##id,
    TD_KEYS(TD_KEY_NAME)
#undef TD_KEY_NAME
    TD_KEY_COUNT
} td_key;

typedef struct td_key_info {
    const char *path;
    td_key_type type;
    double minimum, maximum;
    const char *words;  /* separated by blanks */
    const char *preset; /* default in YAML, "" when there is none */
    const char *text;
} td_key_info;
extern const td_key_info td_key_infos[TD_KEY_COUNT];

bool td_key_required(td_key key);
/* The knob of a TD_TYPE_KNOB key. */
td_knob td_key_knob(td_key key);
/* Has the key a meaning for play on tapes of the kind? */
bool td_key_is_of(td_key key, td_tape_kind kind);
/* Does the key stand directly in the group ("" = at the top)? */
bool td_key_in_group(td_key key, const char *group);
/* Last part of the path. */
const char *td_key_leaf(td_key key);
/* Index of a word in a list of words, -1 when it is not there. */
int td_word_find(const char *words, const char *word);
/* The word at an index, copied into word (room for 32), which is returned; NULL behind the last. */
const char *td_word_at(const char *words, int index, char *word);

#endif
