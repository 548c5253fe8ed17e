"""Compares profile vectorbt with vectorbt itself, order by order and trade by trade: random decisions on random tapes and on the
reference markets, with random costs, stops, sizes, fill rules and options of from_signals(). Not part of the test list: it needs vectorbt
(pip install vectorbt==1.2.0), a C compiler for the strategy, and for the markets the reference data.

    TAPEDECK_BIN=build/release/tapedeck TAPEDECK_SHARED=../shared python3 tests/peers/vectorbt_cases.py --cases 300 --seed 1 --metrics 5

Prints the largest relative difference of each thing compared, and every case in which one is above 1e-9 (metrics: 1e-7, because
their sums run in another order), with its number for --only; exits with 1 when there is one.

What cannot agree: lots that are no power of two (a size of 0.01 lots is a lot more or less where the last bit of the cash says so); what
becomes of an account in debt in metrics."""
import argparse
import csv
import json
import math
import os
import random
import subprocess
import sys
import tempfile
import warnings

import numpy
import pandas
import vectorbt

from bars import market_bars, random_bars

warnings.filterwarnings("ignore")
TAPEDECK = os.path.abspath(os.environ["TAPEDECK_BIN"])
SHARED = os.environ.get("TAPEDECK_SHARED")
FOLLOW = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "strategies", "follow.c")
MARKETS = (("GOOG", "1d"), ("EURUSD", "1h"), ("BTCUSD", "1mo"))
# our name -> of vectorbt's portfolio and the case
METRICS = {
    "final_equity": lambda p, c: p.final_value(),
    "total_return": lambda p, c: p.total_return(),
    "sharpe": lambda p, c: p.sharpe_ratio(risk_free=c["risk_free"]),
    "annual_return": lambda p, c: p.annualized_return(),
    "annual_volatility": lambda p, c: p.annualized_volatility(),
    "sortino": lambda p, c: p.sortino_ratio(required_return=c["required"]),
    "calmar": lambda p, c: p.calmar_ratio(),
    "max_drawdown": lambda p, c: p.max_drawdown(),
    "beta": lambda p, c: p.beta(),
    "alpha": lambda p, c: p.alpha(risk_free=c["risk_free"]),
    "exposure": lambda p, c: p.position_coverage(),
    "trades": lambda p, c: p.trades.closed.count(),
    "win_rate": lambda p, c: p.trades.closed.win_rate(),
    "best_trade": lambda p, c: p.trades.closed.returns.max(),
    "worst_trade": lambda p, c: p.trades.closed.returns.min(),
    "profit_factor": lambda p, c: p.trades.closed.profit_factor(),
    "expectancy": lambda p, c: p.trades.closed.expectancy(),
    "sqn": lambda p, c: p.trades.closed.sqn(),
    "commission_paid": lambda p, c: p.orders.fees.sum(),
    "fills": lambda p, c: p.orders.count(),
    "avg_drawdown": lambda p, c: p.drawdowns.avg_drawdown(),
    "max_drawdown_duration": lambda p, c: days(p.drawdowns.max_duration()),
    "avg_drawdown_duration": lambda p, c: days(p.drawdowns.avg_duration()),
    "max_trade_duration": lambda p, c: days(p.trades.closed.duration.max(), p),
    "avg_trade_duration": lambda p, c: days(p.trades.closed.duration.mean(), p),
    "downside_risk": lambda p, c: p.downside_risk(required_return=c["required"]),
    "avg_winning_trade": lambda p, c: p.trades.closed.winning.returns.mean(),
    "avg_losing_trade": lambda p, c: p.trades.closed.losing.returns.mean(),
    "open_profit": lambda p, c: p.trades.open.pnl.sum(),
    "omega": lambda p, c: p.omega_ratio(risk_free=c["risk_free"], required_return=c["required"]),
    "value_at_risk": lambda p, c: p.value_at_risk(),
    "conditional_value_at_risk": lambda p, c: p.cond_value_at_risk(),
    "tail_ratio": lambda p, c: p.tail_ratio(),
    "common_sense_ratio": lambda p, c: p.returns_acc.common_sense_ratio(),
    "skewness": lambda p, c: p.returns().skew(),
    "kurtosis": lambda p, c: p.returns().kurtosis(),
    "information_ratio": lambda p, c: p.information_ratio(),
    "capture_ratio": lambda p, c: p.capture(),
    "up_capture_ratio": lambda p, c: p.up_capture(),
    "down_capture_ratio": lambda p, c: p.down_capture(),
    "ulcer_index": lambda p, c: p.returns_acc.ulcer_index(),
    "martin_ratio": lambda p, c: p.returns_acc.martin_ratio(risk_free=c["risk_free"]),
    "max_gross_exposure": lambda p, c: p.gross_exposure().max(),
}


def days(duration, portfolio=None):
    """Of a timedelta, or of a count of bars."""
    bar = 1 if portfolio is None else pandas.Timedelta(portfolio.wrapper.freq)
    return duration * bar / pandas.Timedelta("1D")


def random_case(draw):
    case = {
        "cash": draw.choice((100, 10_000, 1_000_000)), "commission": draw.choice((0, 0, 0.001, 0.02)),
        "fixed": draw.choice((0, 0, 1, 7.5)), "slippage": draw.choice((0, 0, 0.001, 0.01)),
        "direction": draw.choice(("both", "both", "long", "short")), "sizing": draw.choice(("all_in", "all_in", "fixed_units", "fixed_value", "fraction")),
        "lot": draw.choice((0, 0, 1, 1 / 64)), "fill": draw.choice(("close", "close", "next_open", "next_close")), "delay": draw.choice((0, 0, 0, 1, 3)),
        "stop": draw.choice((0, 0, 0.01, 0.05, 0.2)), "target": draw.choice((0, 0, 0.02, 0.1)), "trails": draw.random() < 0.4,
        "often": draw.choice((0.02, 0.1, 0.5)), "risk_free": draw.choice((0, 0, 0.0002)), "required": draw.choice((0, 0, 0.001)),
    }
    case["size"] = {"all_in": 1, "fixed_units": draw.choice((1, 3.7, 1000)), "fixed_value": draw.choice((50, 5000)),
                    "fraction": draw.choice((0.1, 0.5, 1))}[case["sizing"]]
    if case["sizing"] == "fraction" and case["direction"] == "both":
        case["direction"] = draw.choice(("long", "short"))  # vectorbt does not reverse by percent
    case["options"] = random_options(draw, case) if draw.random() < 0.7 else {}
    return case


# what from_signals() does without, in the order of the configuration's group `vectorbt`
USUAL = {
    "accumulate": "none", "upon_opposite_entry": "reversereduce", "stop_entry_price": "close", "stop_exit_price": "stoplimit",
    "upon_stop_exit": "close", "upon_stop_update": "override", "lock_cash": False, "allow_partial": True, "min_size": 1e-8,
    "max_size": None,
}


def random_options(draw, case):
    options = {
        "accumulate": draw.choice(("none", "none", "both", "addonly", "removeonly")),
        "upon_opposite_entry": draw.choice(("ignore", "close", "closereduce", "reverse", "reversereduce")),
        "stop_entry_price": draw.choice(("close", "price", "fillprice")),
        "stop_exit_price": draw.choice(("stoplimit", "stopmarket", "price", "close")),
        "upon_stop_exit": draw.choice(("close", "closereduce", "reverse", "reversereduce")),
        "upon_stop_update": draw.choice(("override", "keep")),
        "lock_cash": draw.random() < 0.3, "allow_partial": draw.random() < 0.8, "min_size": draw.choice((1e-8, 1e-8, 0.5, 20)),
        "max_size": draw.choice((None, None, 2, 50)),
    }
    removes = options["accumulate"] in ("both", "removeonly")
    if case["direction"] != "both" or (case["sizing"] == "fraction" and not removes):
        options["upon_stop_exit"] = draw.choice(("close", "closereduce"))  # a reversal is theirs also where a direction is not taken
    elif case["sizing"] == "fraction":
        options["upon_stop_exit"] = "reversereduce"
    return options


def ours(data, interval, targets, case):
    if os.path.exists("bars.h5"):
        os.remove("bars.h5")
    with open("bars.csv", "w") as file:
        file.write("Date,Open,High,Low,Close,Volume\n")
        for time, row, target in zip(data.index, data.values, targets):
            file.write(f"{time},{','.join(repr(float(x)) for x in row)},{0 if target is None else target + 10}\n")
    command = [TAPEDECK, "data", "import", "klines", "bars.csv", "--symbol", "X", "--interval", interval, "-o", "bars.h5"]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(done.stderr)
    stop = f"{'trailing' if case['trails'] else 'stop_loss'}: {case['stop']}"
    with open("case.yaml", "w") as file:
        file.write(f"""\
tape: bars.h5
strategy: {FOLLOW}
profile: vectorbt
direction: {case["direction"]}
account: {{cash: {case["cash"]}, sizing: {case["sizing"]}, size: {case["size"]}, units: {"fractional" if not case["lot"] else "{lot: %r}" % case["lot"]}}}
costs: {{commission: {case["commission"]}, fixed_commission: {case["fixed"]}, slippage: {case["slippage"]}}}
stops: {{{stop}, take_profit: {case["target"]}}}
fill: {{at: {case["fill"]}, delay: {case["delay"]}}}
metrics: {{risk_free: {case["risk_free"]}, required_return: {case["required"]}}}
vectorbt: {{{", ".join(f"{key}: {str(value).lower()}" for key, value in case["options"].items() if value is not None)}}}
""")
    for name in ("fills", "trades", "equity"):
        if os.path.exists(name + ".csv"):
            os.remove(name + ".csv")
    done = subprocess.run([TAPEDECK, "run", "case.yaml", "--json", "--fills", "fills.csv", "--trades", "trades.csv", "--equity", "equity.csv"],
                          capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{case}: {done.stderr}")
    rows = lambda name: list(csv.DictReader(open(name + ".csv")))
    document = json.loads(done.stdout)
    return {**document["metrics"], **document["path"]}, rows("fills"), rows("trades"), rows("equity")


def theirs(data, targets, case):
    signals = numpy.zeros((4, len(data)), dtype=bool)  # long entries, long exits, short entries, short exits
    wait = case["delay"] + (case["fill"] != "close")
    for t, target in enumerate(targets):
        if target is None or t + wait >= len(data):
            continue
        if (case["direction"] == "long" and target < 0) or (case["direction"] == "short" and target > 0):
            target = 0
        row = signals[:, t + wait]
        row[:] = (target > 0, target == 0, target < 0, target == 0)
    series = [pandas.Series(s, index=data.index) for s in signals]
    size, kind = {"all_in": (numpy.inf, "amount"), "fixed_units": (case["size"], "amount"), "fixed_value": (case["size"], "value"),
                  "fraction": (case["size"], "percent")}[case["sizing"]]
    options = {**USUAL, **case["options"]}
    options["accumulate"] = {"none": "disabled"}.get(options["accumulate"], options["accumulate"])
    options["max_size"] = options["max_size"] or numpy.inf
    options["min_size"] = float(options["min_size"])
    options["max_size"] = float(options["max_size"])
    # floats all of them: with whole numbers here and there numba would compile anew for every combination
    return vectorbt.Portfolio.from_signals(
        data.Close, series[0], series[1], short_entries=series[2], short_exits=series[3], open=data.Open, high=data.High, low=data.Low,
        price=data.Open if case["fill"] == "next_open" else data.Close, size=float(size), size_type=kind, fees=float(case["commission"]),
        fixed_fees=float(case["fixed"]), slippage=float(case["slippage"]), init_cash=float(case["cash"]),
        sl_stop=float(case["stop"] or numpy.nan), sl_trail=case["trails"], tp_stop=float(case["target"] or numpy.nan),
        size_granularity=float(case["lot"] or numpy.nan), freq=case["freq"], **options)


def difference(found, expected, scale=0.0):
    if expected is None or math.isnan(expected) or math.isinf(expected):
        return 0 if found is None or not math.isfinite(found) else math.inf
    if found is None or not math.isfinite(found):
        return math.inf
    return abs(found - expected) / max(abs(expected), scale, 1e-12)


def compare(found, portfolio, case, with_metrics):
    """{what: largest relative difference}"""
    metrics, fills, trades, equity = found
    worst = {}

    def note(what, difference):
        worst[what] = max(worst.get(what, 0), difference)

    orders = portfolio.orders.records
    note("count of orders", 0 if len(orders) == len(fills) else math.inf)
    for fill, (_, order) in zip(fills, orders.iterrows()):
        note("bar of an order", 0 if int(fill["bar"]) == order["idx"] else math.inf)
        note("units of an order", difference(float(fill["units"]), order["size"] * (1 if order["side"] == 0 else -1)))
        note("price of an order", difference(float(fill["price"]), order["price"]))
        note("fees of an order", difference(float(fill["commission"]), order["fees"], 1e-6 * case["cash"]))
    closed = portfolio.trades.closed.records
    note("count of trades", 0 if len(closed) == len(trades) else math.inf)
    for trade, (_, other) in zip(trades, closed.iterrows()):
        note("units of a trade", difference(abs(float(trade["units"])), other["size"]))
        note("entry price", difference(float(trade["entry_price"]), other["entry_price"]))
        note("exit price", difference(float(trade["exit_price"]), other["exit_price"]))
        note("profit", difference(float(trade["pnl"]), other["pnl"], 1e-3 * other["size"] * other["entry_price"]))
        note("return", difference(float(trade["return"]), other["return"], 1e-3))
    value, last = portfolio.value().values, case["cash"]
    for bar, other in zip(equity, value):
        last = max(last, abs(other))
        note("equity", difference(float(bar["equity"]), other, 1e-3 * last))
    if with_metrics and min(value) > 0:  # with a debt their ratios and ours are of no meaning, each in its own way
        for name, read in METRICS.items():
            try:
                expected = float(read(portfolio, case))
            except (ValueError, ZeroDivisionError):
                continue
            profits = portfolio.trades.closed.pnl.values
            if name == "sharpe" and portfolio.returns().std() == 0:
                continue  # so is this: returns that are all the same, less what is free of risk
            if name == "sqn" and len(profits) and profits.std() <= 1e-9 * abs(profits).max():
                continue  # a ratio over what rounding left of nothing
            note("metric " + name, difference(metrics[name], expected, 1e-6))
    return worst


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--cases", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--metrics", type=int, default=1, help="compares metrics, which takes most of the time, in every n-th case")
    parser.add_argument("--only", type=int, help="plays this case alone and prints it")
    given = parser.parse_args()
    os.chdir(tempfile.mkdtemp())
    largest, bad, orders, trades, debts = {}, 0, 0, 0, 0
    for number in range(given.cases) if given.only is None else (given.only,):
        draw = random.Random(f"{given.seed} {number}")
        if SHARED and number % 10 == 0:
            data, interval = market_bars(*MARKETS[number // 10 % len(MARKETS)])
        else:
            data, interval = random_bars(draw, draw.choice((3, 20, 200, 1000)), (1, 20, 700), (0.002, 0.02, 0.1))
        case = random_case(draw)
        case["freq"] = {"1d": "1D", "1h": "1H", "1mo": "30D"}[interval]
        targets = [draw.choice((-1, 0, 1)) if draw.random() < case["often"] else None for _ in range(len(data))]
        portfolio, found = theirs(data, targets, case), ours(data, interval, targets, case)
        worst = compare(found, portfolio, case, given.only is not None or number % given.metrics == 0)
        orders += len(found[1])
        trades += len(found[2])
        debts += min(portfolio.value().values) <= 0
        wrong = {what: value for what, value in worst.items() if value > (1e-7 if what.startswith("metric") else 1e-9)}
        if wrong:
            bad += 1
            print(f"case {number} ({len(data)} bars): {case}\n    {wrong}", flush=True)
        if given.only is not None:
            print(portfolio.orders.records_readable.to_string())
            for fill in found[1]:
                print(*fill.values())
            print(found[0])
        for what, value in worst.items():
            largest[what] = max(largest.get(what, 0), value)
    for what, value in largest.items():
        print(f"{what:28} {value:.2e}")
    print(f"{orders} orders, {trades} trades; {debts} cases in debt at times; {bad} cases differ")
    return bad > 0


if __name__ == "__main__":
    sys.exit(main())
