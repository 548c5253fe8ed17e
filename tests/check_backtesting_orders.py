"""Orders of strategies in profile backtesting, through the program's own commands: cases of backtesting.py's own tests
(backtesting/test/_test.py of 0.6.6), with strategies of the user's in C that do what the ones there do.

Reads GOOG.csv of the shared reference data; skipped, saying so, where that is not beside the checkout."""
import csv
import json
import math
import os
import shutil
import subprocess
import sys
import tempfile

TAPEDECK = os.environ["TAPEDECK_BIN"]
SHARED = os.environ.get("TAPEDECK_SHARED") or os.path.join(os.environ.get("TAPEDECK_SOURCE", "."), "..", "shared")
GOOG = os.path.abspath(os.path.join(SHARED, "data", "backtesting_py", "GOOG.csv"))
STRATEGY = """\
#include "sim/strategy.h"

ABOUT("a case")

PARAMETERS()

ROWS({rows})

SIGNALS({signals})

STATE(bar{state})

ORDERS

ON_BAR {{
    use(close, volume, position, flat, is_long);
    {body}
    state->bar = state->bar + 1;
}}
"""
CONFIG = """\
tape: {tape}
strategy: {strategy}.c
profile: backtesting
account: {{cash: {cash}, sizing: {sizing}}}
costs: {{commission: {commission}, fixed_commission: {fixed}, spread: {spread}}}
fill: {{at: {fill}}}
finalize: {finalize}
"""


def run(*arguments):
    done = subprocess.run([TAPEDECK, *map(str, arguments)], capture_output=True, text=True)
    assert done.returncode == 0, (arguments, done.returncode, done.stderr)
    return done.stdout


def read(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def tape(name, rows):
    with open(name + ".csv", "w") as file:
        file.write("Date,Open,High,Low,Close,Volume\n")
        for row in rows:
            file.write(",".join(map(str, row)) + "\n")
    run("data", "import", "klines", name + ".csv", "--symbol", "GOOG", "--interval", "1d", "-o", name + ".h5")


def play(name, body, tape="short", rows="", signals="", state="", cash=10000, sizing="all_in", commission=0, fixed=0, spread=0,
         fill="next_open", finalize="true"):
    """Metrics, trades and equities of a strategy."""
    with open(name + ".c", "w") as file:
        file.write(STRATEGY.format(rows=rows, signals=signals, state="".join(", " + one for one in state.split()), body=body))
    with open(name + ".yaml", "w") as file:
        file.write(CONFIG.format(tape=tape + ".h5", strategy=name, cash=cash, sizing=sizing, commission=commission, fixed=fixed, spread=spread,
                                 fill=fill, finalize=finalize))
    metrics = json.loads(run("run", name + ".yaml", "--json", "--trades", name + "-trades.csv", "--equity", name + "-equity.csv"))["metrics"]
    return metrics, read(name + "-trades.csv"), [float(row["equity"]) for row in read(name + "-equity.csv")]


def numbers(trades, *names):
    return [[float(trade[name]) for name in names] for trade in trades]


def near(found, expected):
    assert math.isclose(found, expected, rel_tol=1e-12), (found, expected)


def stops_in_the_bar_of_the_entry(dates):
    day = dates.index("2012-10-17")
    _, trades, _ = play("at_once", f"stop_loss(buy(state->bar == {day}), 720);", tape="all")
    near(float(trades[0]["exit_price"]), 720)
    _, trades, _ = play("next_bar", f"stop_loss(buy_stop(758, state->bar == {day}), 720);", tape="all")
    near(float(trades[0]["exit_price"]), 705.58)
    day = dates.index("2004-09-09")
    _, trades, _ = play("between", f"order in = buy_stop(104, state->bar == {day}); stop_loss(in, 103); take_profit(in, 110);", tape="all")
    near(float(trades[0]["entry_price"]), 104)
    _, trades, _ = play("same_bar", "order in = sell_stop(108, state->bar == 2); stop_loss(in, 113); take_profit(in, 105);")
    assert numbers(trades[:1], "entry_bar", "exit_bar", "exit_price") == [[3, 3, 105]], trades


def the_stop_before_the_target():
    _, trades, _ = play("moved", "buy(state->bar == 3); move_stop(105, state->bar == 4); move_target(107.9, state->bar == 4);")
    near(float(trades[0]["exit_price"]), 104.95)
    _, trades, _ = play("gap", "order in = buy(state->bar == 8); stop_loss(in, 99.5);", sizing="fixed_units, size: 1")
    assert numbers(trades, "units", "exit_price") == [[1, 99.19]], trades


def stop_limit_orders():
    _, trades, _ = play("stop_limits", "buy_stop_limit(112, 113, state->bar == 1); sell_stop_limit(107, 105, state->bar == 1);",
                        sizing="fixed_units, size: 1")
    assert numbers(trades, "entry_price", "exit_price") == [[112, 107]], trades


def fills_at_the_close():
    """There one of two trades is closed by hand; we close all or none, so it is played twice."""
    closes = [100, 101, 102, 50, 51]
    tape("five", [(f"2024-01-0{i + 1}", close - 10, close, close - 10, close, 0) for i, close in enumerate(closes)])
    both = "order one = buy(state->bar == 1); stop_loss(one, {}); leave(state->bar == 2 & {});"
    sold = play("sold", both.format(90, 1), tape="five", cash=250, sizing="fixed_units, size: 1", fill="close")[1]
    assert numbers(sold, "entry_bar", "exit_bar", "entry_price", "exit_price") == [[1, 2, 101, 102]], sold
    kept = play("kept", both.format(80, 0), tape="five", cash=250, sizing="fixed_units, size: 1", fill="close")[1]
    assert numbers(kept, "entry_bar", "exit_bar", "entry_price", "exit_price") == [[1, 3, 101, 40]], kept
    opens = play("opens", both.format(80, 1), tape="five", cash=250, sizing="fixed_units, size: 1")[1]
    assert numbers(opens, "entry_bar", "exit_bar", "entry_price", "exit_price") == [[2, 3, 92, 40]], opens


def costs():
    once = "buy(flat & (state->bar > 0) & (state->done == 0)); leave(state->done == 0); state->done = select(is_long, 1, state->done);"
    _, trades, equity = play("spread", once, state="done", spread=0.01, commission=0.01)
    near(float(trades[0]["entry_price"]), 110.75 * 1.01)
    assert [round(x, 2) for x in equity[2:4]] == [9685.31, 9749.33], equity[2:4]
    _, _, equity = play("fixed", once, state="done", fixed=100, commission=0.01)
    assert [round(x, 2) for x in equity[2:4]] == [9784.50, 9718.69], equity[2:4]


def trailing_stops(rows):
    """TrailingStrategy with 3 average true ranges of 40 bars below each close, in whenever the close is above its average of 10: the
    average true range there is a plain mean, which is put into the volume column."""
    ranges = [max(now[2] - now[3], abs(before[4] - now[2]), abs(before[4] - now[3])) for before, now in zip(rows, rows[1:])]
    means = [sum(ranges[max(t, 40) - 40:max(t, 40)]) / 40 for t in range(len(rows))]
    tape("ranges", [(*row[:5], mean) for row, mean in zip(rows, means)])
    metrics, trades, _ = play("trailing", """\
use(average);
    state->level = select(flat, 0, max(state->level, close - 3 * volume));
    move_stop(state->level, is_long);
    buy(flat & (close > average) & (state->bar >= 10));""", tape="ranges", rows="SMA(average, close, CONSTANT(10))", state="level")
    assert len(trades) == metrics["trades"] == 57, len(trades)


def crossing_averages():
    """The published numbers of the strategy of targets (check_cases.py has all of them), from orders."""
    metrics, trades, _ = play("crossing", """\
leave(crossed_above(cross) | crossed_below(cross));
    buy(crossed_above(cross));
    sell(crossed_below(cross));""", tape="all", rows="SMA(fast, close, CONSTANT(10)), SMA(slow, close, CONSTANT(30))",
                              signals="CROSS(cross, fast, slow)")
    expected = {"trades": 66, "final_equity": 51422.98999999996, "peak_equity": 75787.44, "win_rate": 0.4696969696969697,
                "best_trade": 0.5359595229490424, "worst_trade": -0.1839887353835481, "avg_trade": 0.02531715975158555,
                "profit_factor": 2.167945974262033, "sqn": 1.0766187356697705, "kelly": 0.1518705127029717, "exposure": 0.9674115456238361,
                "sharpe": 0.5806232244485349, "max_drawdown": -0.4798012705007589, "max_trade_duration": 183, "avg_trade_duration": 46}
    for name, value in expected.items():
        assert math.isclose(metrics[name], value, rel_tol=1e-8), (name, metrics[name], value)
    assert len(trades) == 66


def main():
    if not os.path.exists(GOOG):
        print(f"skipped: there is no {GOOG}")
        return 77
    with open(GOOG, newline="") as file:
        rows = [(row[0], *map(float, row[1:])) for row in list(csv.reader(file))[1:]]
    scratch = tempfile.mkdtemp()
    try:
        os.chdir(scratch)
        tape("all", rows)
        tape("short", rows[:20])
        stops_in_the_bar_of_the_entry([row[0][:10] for row in rows])
        the_stop_before_the_target()
        stop_limit_orders()
        fills_at_the_close()
        costs()
        trailing_stops(rows)
        crossing_averages()
    finally:
        os.chdir("/")
        shutil.rmtree(scratch)
    print("8 cases of backtesting.py's own tests")
    return 0


if __name__ == "__main__":
    sys.exit(main())
