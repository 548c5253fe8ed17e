"""Compares `tapedeck run` with backtesting.py itself, over data, costs, fill rules and lots. Not part of the test list: it needs
backtesting.py (pip install backtesting==0.6.6) and the reference data.

    TAPEDECK_BIN=build/release/tapedeck TAPEDECK_SHARED=../shared python3 tests/peers/backtesting_cases.py

Prints, per case, how many trades there are and the largest relative difference of any metric, with its name; exits with 1 when one
is above 1e-8. The strategy is the one of backtesting.py's own tests: on a crossing of two simple moving averages close everything
and buy or sell with all there is."""
import itertools
import json
import math
import os
import subprocess
import sys
import tempfile
import warnings

import pandas
from backtesting import Backtest, Strategy
from backtesting.lib import FractionalBacktest, crossover

warnings.filterwarnings("ignore")
TAPEDECK = os.path.abspath(os.environ["TAPEDECK_BIN"])
DATA = os.path.join(os.path.abspath(os.environ["TAPEDECK_SHARED"]), "data", "backtesting_py")
# our name -> theirs, and what theirs is multiplied by to be ours
METRICS = {
    "final_equity": ("Equity Final [$]", 1), "peak_equity": ("Equity Peak [$]", 1), "total_return": ("Return [%]", 0.01),
    "annual_return": ("Return (Ann.) [%]", 0.01), "annual_volatility": ("Volatility (Ann.) [%]", 0.01), "cagr": ("CAGR [%]", 0.01),
    "sharpe": ("Sharpe Ratio", 1), "sortino": ("Sortino Ratio", 1), "calmar": ("Calmar Ratio", 1), "alpha": ("Alpha [%]", 0.01),
    "beta": ("Beta", 1), "max_drawdown": ("Max. Drawdown [%]", 0.01), "avg_drawdown": ("Avg. Drawdown [%]", 0.01),
    "trades": ("# Trades", 1),
    "win_rate": ("Win Rate [%]", 0.01), "best_trade": ("Best Trade [%]", 0.01), "worst_trade": ("Worst Trade [%]", 0.01),
    "avg_trade": ("Avg. Trade [%]", 0.01), "profit_factor": ("Profit Factor", 1), "expectancy": ("Expectancy [%]", 0.01),
    "sqn": ("SQN", 1), "kelly": ("Kelly Criterion", 1), "exposure": ("Exposure Time [%]", 0.01),
    "buy_hold_return": ("Buy & Hold Return [%]", 0.01), "commission_paid": ("Commissions [$]", 1),
}


def mean(values, window):
    return pandas.Series(values).rolling(window).mean()


class SmaCross(Strategy):
    fast = 10
    slow = 30

    def init(self):
        self.quick = self.I(mean, self.data.Close, self.fast)
        self.calm = self.I(mean, self.data.Close, self.slow)

    def next(self):
        if crossover(self.quick, self.calm):
            self.position.close()
            self.buy()
        elif crossover(self.calm, self.quick):
            self.position.close()
            self.sell()


def theirs(data, case):
    options = dict(cash=case["cash"], spread=case["spread"], trade_on_close=case["fill"] == "close", finalize_trades=True,
                   commission=(case["fixed"], case["commission"]) if case["fixed"] else case["commission"])
    if case["lot"] == 1:
        test = Backtest(data, SmaCross, **options)
    else:
        test = FractionalBacktest(data, SmaCross, fractional_unit=case["lot"], **options)
    return test.run(fast=case["fast"], slow=case["slow"])


def ours(tape, case):
    units = "whole" if case["lot"] == 1 else "{lot: %r}" % case["lot"]
    with open("case.yaml", "w") as file:
        file.write(f"""\
tape: {tape}
strategy: sma-cross
parameters: {{fast: {case["fast"]}, slow: {case["slow"]}}}
account: {{cash: {case["cash"]}, sizing: all_in, units: {units}}}
costs: {{commission: {case["commission"]}, fixed_commission: {case["fixed"]}, spread: {case["spread"]}}}
fill: {{at: {case["fill"]}}}
finalize: true
profile: backtesting
""")
    done = subprocess.run([TAPEDECK, "run", "case.yaml", "--json"], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{case}: {done.stderr}")
    return json.loads(done.stdout)["metrics"]


def difference(found, expected):
    if expected is None or math.isnan(expected):
        return 0 if found is None else math.inf
    if found is None:
        return math.inf
    return abs(found - expected) / max(abs(expected), 1e-9)


def main():
    os.chdir(tempfile.mkdtemp())
    worst = 0
    symbols = {"GOOG": ("1d", 10_000, (1, 1e-6)), "EURUSD": ("1h", 10_000, (1,)), "BTCUSD": ("1mo", 10_000_000, (1, 1e-6))}
    for symbol, (interval, cash, lots) in symbols.items():
        path = os.path.join(DATA, symbol + ".csv")
        data = pandas.read_csv(path, index_col=0, parse_dates=True)
        command = [TAPEDECK, "data", "import", "klines", path, "--symbol", symbol, "--interval", interval, "-o", symbol + ".h5"]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode != 0:
            sys.exit(done.stderr)
        windows = ((10, 30), (5, 20)) if symbol != "BTCUSD" else ((3, 8), (2, 5))
        costs = ((0, 0, 0), (0.002, 0, 0), (0, 0, 0.001), (0.001, 0, 0.0005), (0.001, 5, 0.0005))
        for (fast, slow), (commission, fixed, spread), fill, lot in itertools.product(windows, costs, ("next_open", "close"), lots):
            case = dict(fast=fast, slow=slow, commission=commission, fixed=fixed, spread=spread, fill=fill, lot=lot, cash=cash)
            expected, found = theirs(data, case), ours(symbol + ".h5", case)
            differences = {}
            for name, (label, factor) in METRICS.items():
                if label in expected.index:
                    differences[name] = difference(found[name], float(expected[label]) * factor)
            name = max(differences, key=differences.get)
            worst = max(worst, differences[name])
            mark = "  <--" if differences[name] > 1e-8 else ""
            print(f"{symbol:7} {fast:2}/{slow:2} commission {commission:<6} fixed {fixed} spread {spread:<7} {fill:9} lot {lot:<6} "
                  f"{int(expected['# Trades']):4} trades  {differences[name]:.2e} {name}{mark}", flush=True)
    print(f"largest relative difference: {worst:.3e}")
    return worst > 1e-8


if __name__ == "__main__":
    sys.exit(main())
