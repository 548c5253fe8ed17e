"""The published case of backtesting.py through the program's own commands: data import, run, sweep, show, verify.

Expected values: backtesting/test/_test.py::test_compute_stats of backtesting.py, whose GOOG.csv this reads from the shared
reference data (skipped, saying so, where that is not beside the checkout)."""
import csv
import json
import math
import os
import shutil
import subprocess
import sys
import tempfile

import h5py
import numpy

TAPEDECK = os.environ["TAPEDECK_BIN"]
SHARED = os.environ.get("TAPEDECK_SHARED") or os.path.join(os.environ.get("TAPEDECK_SOURCE", "."), "..", "shared")
GOOG = os.path.abspath(os.path.join(SHARED, "data", "backtesting_py", "GOOG.csv"))
EXPECTED = {
    "trades": 66,
    "final_equity": 51422.98999999996,
    "peak_equity": 75787.44,
    "total_return": 4.142298999999996,
    "annual_return": 0.21191099249053224,
    "annual_volatility": 0.3649716090702389,
    "cagr": 0.21160245705962623,
    "sharpe": 0.5806232244485349,
    "sortino": 1.0853434352488662,
    "calmar": 0.44166409202994605,
    "max_drawdown": -0.4798012705007589,
    "avg_drawdown": -0.05925851581948801,
    "win_rate": 0.4696969696969697,
    "best_trade": 0.5359595229490424,
    "worst_trade": -0.1839887353835481,
    "avg_trade": 0.02531715975158555,
    "profit_factor": 2.167945974262033,
    "expectancy": 0.032748078066748834,
    "sqn": 1.0766187356697705,
    "kelly": 0.1518705127029717,
    "exposure": 0.9674115456238361,
    "buy_hold_return": 5.220601851851852,
    "alpha": 3.9437391142027462,
    "beta": 0.03803390709192,
    "max_drawdown_duration": 584,
    "avg_drawdown_duration": 41,
    "max_trade_duration": 183,
    "avg_trade_duration": 46,
}
CONFIG = """\
tape: goog.h5
strategy: sma-cross
parameters: {fast: {value: 10}, slow: {value: 30}}
account: {cash: 10000, sizing: all_in, units: whole}
costs: {commission: 0.0, spread: 0.0}
fill: {at: next_open}
finalize: true
profile: backtesting
"""
GRID = CONFIG.replace("parameters: {fast: {value: 10}, slow: {value: 30}}", """\
method: grid
parameters:
  fast: {min: 5, max: 25, q: 5, distribution: q_uniform}
  slow: {values: [10, 20, 30, 40, 60]}
constraints: ["fast < slow"]""")


def run(*arguments, code=0):
    done = subprocess.run([TAPEDECK, *map(str, arguments)], capture_output=True, text=True)
    assert done.returncode == code, (arguments, done.returncode, done.stderr)
    return done


def close(found, expected, name):
    assert found is not None and math.isclose(found, expected, rel_tol=1e-8), (name, found, expected)


def rows(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def published_case():
    files = ("--trades", "trades.csv", "--equity", "equity.csv", "--fills", "fills.csv")
    document = json.loads(run("run", "goog.yaml", "--json", *files).stdout)
    for name, expected in EXPECTED.items():
        close(document["metrics"][name], expected, name)
    assert document["strategy"] == "sma-cross" and document["profile"] == "backtesting" and document["state"] == "done"
    assert document["parameters"]["fast"] == 10 and document["parameters"]["slow"] == 30
    assert len(document["hash"]) == 16 and int(document["hash"], 16)
    assert document["periods_per_year"] == 252, document["periods_per_year"]

    equity = rows("equity.csv")
    assert len(equity) == 2148 and equity[0]["time"] == "2004-08-19T00:00:00Z" and equity[-1]["time"] == "2013-03-01T00:00:00Z"
    assert float(equity[-1]["equity"]) == document["metrics"]["final_equity"]
    close(min(float(row["drawdown"]) for row in equity), document["metrics"]["max_drawdown"], "drawdown")
    trades = rows("trades.csv")
    held = {bar for trade in trades for bar in range(int(trade["entry_bar"]), int(trade["exit_bar"]) + 1)}
    close(len(held) / len(equity), document["metrics"]["exposure"], "exposure")
    # the last bar sells at its close, so that its row has no position any more
    assert {bar for bar, row in enumerate(equity) if float(row["position"]) != 0} == held - {len(equity) - 1}
    assert len(trades) == 66
    close(sum(float(row["pnl"]) for row in trades), EXPECTED["final_equity"] - 10000, "pnl")
    close(max(float(row["return"]) for row in trades), EXPECTED["best_trade"], "best trade")
    assert trades[-1]["exit_reason"] == "end" and trades[0]["entry_reason"] == "open"
    fills = rows("fills.csv")
    assert float(fills[-1]["position"]) == 0 and len(fills) == document["metrics"]["fills"]
    assert all(row["reason"] in ("open", "end") for row in fills)

    table = run("run", "goog.yaml").stdout
    assert "final_equity" in table and "51422.99" in table
    # nothing in the document may depend on where or when it was printed
    assert run("run", "goog.yaml", "--json").stdout == run("run", os.path.abspath("goog.yaml"), "--json").stdout


def grid_case():
    outputs = []
    for threads in (1, 3):
        swept = json.loads(run("sweep", "grid.yaml", "-o", "grid.h5", "--threads", threads, "--json", "--force", "--quiet").stdout)
        assert swept["sets"] == swept["done"] == 19 and swept["excluded"] == 6 and swept["failed"] == 0, swept
        assert swept["timing"]["played"] == 19 and swept["timing"]["threads"] == threads
        outputs.append(run("show", "grid.h5", "--by", "final_equity", "--top", 5, "--json").stdout)
    assert outputs[0] == outputs[1]
    best = json.loads(outputs[0])
    assert len(best) == 5
    equities = [row["metrics"]["final_equity"] for row in best]
    assert equities == sorted(equities, reverse=True)
    for row in best:
        pins = [text for name, value in row["parameters"].items() for text in ("--set", f"parameters.{name}={value}")]
        single = json.loads(run("run", "grid.yaml", "--json", *pins).stdout)
        for name, value in row["metrics"].items():
            assert single["metrics"][name] == value, (row["parameters"], name, value, single["metrics"][name])
        assert {name: single["parameters"][name] for name in row["parameters"]} == row["parameters"]
    assert set(EXPECTED) <= set(best[0]["metrics"])
    # the sweep prints the same best sets, by the configuration's metric
    assert swept["best"] == json.loads(run("show", "grid.h5", "--top", 10, "--json").stdout)
    text = run("sweep", "grid.yaml", "-o", "grid.h5", "--force", "--quiet").stdout
    assert "sharpe" in text and "sets/s" in text, text
    # a trial by its number is the row of that number
    with h5py.File("grid.h5", "r") as file:
        stored = file["final_equity"][7]
        pins = {name: file[name][7] for name in ("fast", "slow")}
    single = json.loads(run("run", "grid.yaml", "--json", "--trial", 7).stdout)
    assert single["metrics"]["final_equity"] == stored and single["parameters"] == pins


def verify_case():
    said = run("verify", "grid.h5").stdout
    assert "19 of 19 finished sets" in said, said
    document = json.loads(run("verify", "grid.h5", "--sample", "all", "--json").stdout)
    assert document["replayed"] == document["finished"] == 19 and document["different"] == 0 and document["differences"] == []
    run("verify", "grid.h5", "--sample", 3, "--config", "grid.yaml")
    refused = run("verify", "grid.h5", "--config", "goog.yaml", code=2)
    assert "is not the configuration of" in refused.stderr

    # settings changed on the command line are part of what is stored
    run("sweep", "grid.yaml", "-o", "changed.h5", "--quiet", "--set", "costs.commission=0.002",
        "--set", "parameters.slow={values: [35, 50]}")
    run("verify", "changed.h5", "--sample", "all")

    # one bit of one metric, one hash, one float of a block
    def next_double(file):
        file["sharpe"][5] = numpy.nextafter(file["sharpe"][5], 9)

    def other_hash(file):
        file["hash"][5] = file["hash"][5] ^ numpy.uint64(1)

    def other_return(file):
        file["block_return"][5, 3] = numpy.nextafter(file["block_return"][5, 3], numpy.float32(9))

    for name, change in (("sharpe", next_double), ("hash", other_hash), ("block_return", other_return)):
        shutil.copy("grid.h5", "tampered.h5")
        with h5py.File("tampered.h5", "r+") as file:
            change(file)
        failed = run("verify", "tampered.h5", "--sample", "all", code=4)
        assert "trial 5" in failed.stderr and "hash" in failed.stderr, failed.stderr
        assert "trial 5" in failed.stdout and (name == "hash" or name in failed.stdout), failed.stdout
        document = json.loads(run("verify", "tampered.h5", "--sample", "all", "--json", code=4).stdout)
        assert document["different"] == 1 and document["differences"][0]["trial"] == 5

    # the tape moved, or is another one
    os.rename("goog.h5", "moved.h5")
    missing = run("verify", "grid.h5", code=3)
    assert "--tape" in missing.stderr, missing.stderr
    run("verify", "grid.h5", "--tape", "moved.h5")
    run("data", "synth", "--bars", 2148, "--interval", "1d", "--seed", 3, "-o", "goog.h5")
    other = run("verify", "grid.h5", code=3)
    assert "is not the tape of" in other.stderr
    os.rename("moved.h5", "goog.h5")


def main():
    if not os.path.exists(GOOG):
        print(f"skipped: {GOOG} is not there (set TAPEDECK_SHARED)")
        sys.exit(77)
    folder = tempfile.mkdtemp(prefix="tapedeck-cases-")
    os.chdir(folder)
    try:
        run("data", "import", "klines", GOOG, "--symbol", "GOOG", "--interval", "1d", "-o", "goog.h5")
        for name, text in (("goog.yaml", CONFIG), ("grid.yaml", GRID)):
            with open(name, "w") as file:
                file.write(text)
        published_case()
        grid_case()
        verify_case()
    finally:
        os.chdir("/")
        shutil.rmtree(folder)
    print(f"{len(EXPECTED)} published values, grid, verify: all as expected")


if __name__ == "__main__":
    main()
