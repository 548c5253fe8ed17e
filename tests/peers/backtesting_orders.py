"""Compares the orders of profile backtesting with backtesting.py itself, trade by trade and equity bar by bar: random orders on random
tapes and on the reference markets, with random costs, sizes, leverage and fill rules. Not part of the test list: it needs backtesting.py
(pip install backtesting==0.6.6), a C compiler for the strategy, and for the markets the reference data.

    TAPEDECK_BIN=build/release/tapedeck TAPEDECK_SHARED=../shared python3 tests/peers/backtesting_orders.py --cases 500 --seed 1

What is done on each bar is drawn here, written into the volume column for tests/strategies/queue.c, and done by Drawn below. Prints the
largest relative difference of each thing compared, and every case in which one is above 1e-9 (metrics: 1e-7, because their sums run in
another order), with its number for --only; exits with 1 when there is one."""
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

import pandas
from backtesting import Backtest, Strategy
from backtesting.lib import FractionalBacktest
import backtesting
import backtesting.backtesting

from bars import market_bars, random_bars

warnings.filterwarnings("ignore")
TAPEDECK = os.path.abspath(os.environ["TAPEDECK_BIN"])
SHARED = os.environ.get("TAPEDECK_SHARED")
QUEUE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "strategies", "queue.c")
MARKETS = (("GOOG", "1d"), ("EURUSD", "1h"), ("BTCUSD", "1mo"))
BASES = (16, 32, 32, 16, 16, 4)  # the digits of an action, lowest first: what, away, beyond, loss, profit, part
# our name -> theirs, and what theirs is multiplied by to be ours. Not the mean drawdown: where equity comes back to its peak but for a
# last bit, there may be one drawdown or two.
METRICS = {
    "final_equity": ("Equity Final [$]", 1), "peak_equity": ("Equity Peak [$]", 1), "annual_return": ("Return (Ann.) [%]", 0.01),
    "annual_volatility": ("Volatility (Ann.) [%]", 0.01), "sharpe": ("Sharpe Ratio", 1), "sortino": ("Sortino Ratio", 1),
    "max_drawdown": ("Max. Drawdown [%]", 0.01), "trades": ("# Trades", 1),
    "win_rate": ("Win Rate [%]", 0.01), "best_trade": ("Best Trade [%]", 0.01), "worst_trade": ("Worst Trade [%]", 0.01),
    "avg_trade": ("Avg. Trade [%]", 0.01), "profit_factor": ("Profit Factor", 1), "expectancy": ("Expectancy [%]", 0.01),
    "sqn": ("SQN", 1), "kelly": ("Kelly Criterion", 1), "exposure": ("Exposure Time [%]", 0.01),
}


class Drawn(Strategy):
    """Does what was drawn. Orders that the package raises at are none, as they are for us; they are counted."""
    actions, step, size, refused = {}, 0.01, None, 0

    def init(self):
        type(self).refused = 0

    def amount(self, share):
        if self.size is None:
            return min(share, 1 - sys.float_info.epsilon)
        return self.size * share if self.size >= 1 else min(self.size * share, 1 - sys.float_info.epsilon)

    def enter(self, side, share, **levels):
        amount = self.amount(share)
        if self.size is not None and self.size >= 1:
            amount = math.floor(amount)
            if amount == 0:
                type(self).refused += 1
                return
        try:
            (self.buy if side > 0 else self.sell)(size=amount, **levels)
        except ValueError:
            type(self).refused += 1

    def next(self):
        close = self.data.Close[-1]
        actions = self.actions.get(len(self.data) - 1, ())
        targets = [action[0] - 14 for action in actions if action[0] >= 13]
        if targets:
            self.position.close()
            if targets[-1]:
                self.enter(targets[-1], 1)
        for what, away, beyond, loss_steps, profit_steps, part in actions:
            level, limit, share = close * (1 + (away - 16) * self.step), close * (1 + (beyond - 16) * self.step), 1 / (part + 1)
            if 1 <= what <= 8:
                side = -1 if what in (2, 4, 6, 8) else 1
                start = limit if what >= 7 else level if what >= 3 else close
                levels = {}
                if what in (3, 4):
                    levels["limit"] = level
                elif what in (5, 6):
                    levels["stop"] = level
                elif what in (7, 8):
                    levels.update(stop=level, limit=limit)
                if loss_steps:
                    levels["sl"] = start * (1 - side * loss_steps * self.step)
                if profit_steps:
                    levels["tp"] = start * (1 + side * profit_steps * self.step)
                self.enter(side, share, **levels)
            elif what == 9:
                self.position.close(share)
            elif what in (10, 11):
                for trade in self.trades:
                    setattr(trade, "sl" if what == 10 else "tp", level)
            elif what == 12:
                for order in self.orders:
                    if not order.is_contingent:
                        order.cancel()


def random_case(draw):
    case = {
        "cash": draw.choice((2_000, 100_000, 1_000_000)), "commission": draw.choice((0, 0, 0.001, 0.02, -0.001)),
        "fixed": draw.choice((0, 0, 1, 7.5)), "spread": draw.choice((0, 0, 0.001, 0.01)), "size": draw.choice((None, 0.2, 0.5, 1, 6, 60)),
        "leverage": draw.choice((1, 1, 1, 2, 10)), "fill": draw.choice(("next_open", "next_open", "close")),
        "finalize": draw.random() < 0.7, "step": draw.choice((0.001, 0.004, 0.01)),
        "often": draw.choice((0.05, 0.3, 0.9)), "quiet": draw.random() < 0.3,
    }
    # units are a lot's multiple here and counted in lots there: of 0.001 that is not the same in doubles
    whole = case["size"] is None or case["size"] < 1
    case["lot"] = draw.choice((1, 1, 1, 1e-3 if whole else 1 / 1024))
    return case


def draw_actions(draw, bars, case):
    """{bar: its two actions}"""
    actions = {}
    for t in range(1, bars):
        if draw.random() >= case["often"]:
            continue
        drawn = []
        for _ in range(2):
            what = draw.choice((0, 1, 1, 2, 2, 3, 4, 5, 6, 7, 8, 9, 9, 10, 11, 12, 13, 14, 15))
            if case["quiet"] and what in (9, 12, 13, 14, 15):
                what = 0  # orders alone
            drawn.append((what, draw.randrange(8, 25), draw.randrange(8, 25), draw.choice((0, 0, draw.randrange(1, 16))),
                          draw.choice((0, 0, draw.randrange(1, 16))), draw.choice((0, 0, 1, 2, 3))))
        actions[t] = drawn
    return actions


def coded(actions):
    code, unit = 0, 1
    for action in actions:
        for digit, base in zip(action, BASES):
            code += digit * unit
            unit *= base
    return code


def run(command):
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{command}: {done.stderr}")
    return done.stdout


def ours(data, interval, actions, case):
    for name in ("bars.h5", "fills.csv", "trades.csv", "equity.csv"):
        if os.path.exists(name):
            os.remove(name)
    with open("bars.csv", "w") as file:
        file.write("Date,Open,High,Low,Close,Volume\n")
        for t, (time, row) in enumerate(zip(data.index, data.values)):
            file.write(f"{time},{','.join(repr(float(x)) for x in row)},{coded(actions.get(t, ()))}\n")
    run([TAPEDECK, "data", "import", "klines", "bars.csv", "--symbol", "X", "--interval", interval, "-o", "bars.h5"])
    if case["size"] is None:
        sizing = "sizing: all_in"
    elif case["size"] < 1:
        sizing = f"sizing: fraction, size: {case['size']}"
    else:
        sizing = f"sizing: fixed_units, size: {case['size'] * case['lot']!r}"
    with open("case.yaml", "w") as file:
        file.write(f"""\
tape: bars.h5
strategy: {QUEUE}
profile: backtesting
parameters: {{step: {{value: {case["step"]}}}}}
account: {{cash: {case["cash"]}, {sizing}, leverage: {case["leverage"]}, units: {"whole" if case["lot"] == 1 else "{lot: %r}" % case["lot"]}}}
costs: {{commission: {case["commission"]}, fixed_commission: {case["fixed"]}, spread: {case["spread"]}}}
fill: {{at: {case["fill"]}}}
finalize: {"true" if case["finalize"] else "false"}
""")
    said = run([TAPEDECK, "run", "case.yaml", "--json", "--fills", "fills.csv", "--trades", "trades.csv", "--equity", "equity.csv"])
    rows = lambda name: list(csv.DictReader(open(name + ".csv")))
    return json.loads(said), rows("trades"), rows("equity"), rows("fills")


def theirs(data, actions, case):
    options = dict(cash=case["cash"], spread=case["spread"], commission=(case["fixed"], case["commission"]), margin=1 / case["leverage"],
                   trade_on_close=case["fill"] == "close", finalize_trades=case["finalize"])
    data = data.assign(Volume=0.0)
    if case["lot"] == 1:
        test = Backtest(data, Drawn, **options)
    else:
        test = FractionalBacktest(data, Drawn, fractional_unit=case["lot"], **options)
    return test.run(actions=actions, step=case["step"], size=case["size"])


def difference(found, expected, scale=0.0):
    if expected is None or math.isnan(expected) or math.isinf(expected):
        return 0 if found is None or not math.isfinite(found) else math.inf
    if found is None or not math.isfinite(found):
        return math.inf
    return abs(found - expected) / max(abs(expected), scale, 1e-12)


def compare(found, expected, case):
    """{what: largest relative difference}"""
    said, trades, equity, fills = found
    worst = {}

    def note(what, difference):
        worst[what] = max(worst.get(what, 0), difference)

    other = expected._trades
    note("count of trades", 0 if len(other) == len(trades) else math.inf)
    for trade, (_, row) in zip(trades, other.iterrows()):
        note("entry bar", 0 if int(trade["entry_bar"]) == row.EntryBar else math.inf)
        note("exit bar", 0 if int(trade["exit_bar"]) == row.ExitBar else math.inf)
        note("units", difference(float(trade["units"]), row.Size))
        note("entry price", difference(float(trade["entry_price"]), row.EntryPrice))
        note("exit price", difference(float(trade["exit_price"]), row.ExitPrice))
        value = abs(row.Size) * row.EntryPrice
        note("profit", difference(float(trade["pnl"]), row.PnL, 1e-3 * value))
        note("commission", difference(float(trade["commission"]), row.Commission, 1e-3 * value))
        note("return", difference(float(trade["return"]), row.ReturnPct, 1e-3))
    curve = expected._equity_curve.Equity.values
    largest = case["cash"]
    for bar, value in zip(equity, curve):
        largest = max(largest, value)
        note("equity", difference(float(bar["equity"]), value, 1e-3 * largest))
    profits = other.PnL.values
    for name, (label, factor) in METRICS.items():
        if name == "sqn" and len(profits) and profits.std() <= 1e-4 * abs(profits).max():
            continue  # a ratio over what rounding left of nothing
        if name in ("annual_volatility", "sharpe", "sortino") and (curve[-1] == 0 or not expected["Volatility (Ann.) [%]"] > 1):
            continue  # likewise; and after ruin there are as many returns there as there were before, and here as there are days
        note("metric " + name, difference(said["metrics"][name], float(expected[label]) * factor, 1e-6))
    return worst


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--cases", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", type=int, help="plays this case alone and prints it")
    given = parser.parse_args()
    os.chdir(tempfile.mkdtemp())
    backtesting.backtesting._tqdm = lambda sequence, **_: sequence
    largest, bad, trades, ruined, raised = {}, 0, 0, 0, 0
    for number in range(given.cases) if given.only is None else (given.only,):
        draw = random.Random(f"{given.seed} {number}")
        if SHARED and number % 25 == 0:
            data, interval = market_bars(*MARKETS[number // 25 % len(MARKETS)])
        else:
            data, interval = random_bars(draw, draw.choice((3, 20, 100, 400)), (2, 20, 700), (0.002, 0.01, 0.04))
        case = random_case(draw)
        actions = draw_actions(draw, len(data), case)
        try:
            expected = theirs(data, actions, case)
        except Exception as error:  # an assertion of theirs: there is nothing to compare with
            raised += 1
            print(f"case {number}: the package raises {error!r}", flush=True)
            continue
        found = ours(data, interval, actions, case)
        worst = compare(found, expected, case)
        trades += len(found[1])
        ruined += expected._equity_curve.Equity.values[-1] == 0
        wrong = {what: value for what, value in worst.items() if value > (1e-7 if what.startswith("metric") else 1e-9)}
        if wrong:
            bad += 1
            print(f"case {number} ({len(data)} bars): {case}\n    {wrong}", flush=True)
        if given.only is not None:
            pairs = zip(found[1], expected._trades.iterrows())
            differs = next((i for i, (a, (_, b)) in enumerate(pairs) if int(a["entry_bar"]) != b.EntryBar or int(a["exit_bar"]) != b.ExitBar or
                            difference(float(a["units"]), b.Size) > 1e-9 or difference(float(a["exit_price"]), b.ExitPrice) > 1e-9), None)
            print(f"first trade that differs: {differs}; refused: {found[0]['metrics']['orders_refused']}, there {Drawn.refused} before they worked")
            from_row = max((differs or 0) - 3, 0)
            for row in found[1][from_row:from_row + 7]:
                print(*row.values())
            print(expected._trades.drop(columns=["EntryTime", "ExitTime", "Duration", "Tag"])[from_row:from_row + 7].to_string())
            for t in sorted(actions):
                print(t, actions[t])
        for what, value in worst.items():
            largest[what] = max(largest.get(what, 0), value)
    for what, value in largest.items():
        print(f"{what:28} {value:.2e}")
    print(f"{trades} trades; {ruined} cases ruined; {raised} that the package cannot play; {bad} cases differ")
    return bad > 0


if __name__ == "__main__":
    sys.exit(main())
