"""A sweep over an order book as one issues it: 54 parameter sets whose results another program has computed one by one; threads, a
killed process and a resumed one change nothing; one cell played alone is the cell of the sweep; what is stored replays.

    TAPEDECK_BIN=build/release/tapedeck TAPEDECK_SHARED=../shared /usr/bin/python3 tests/check_book_sweep.py"""
import csv
import json
import os
import signal
import subprocess
import sys
import tempfile
import time

import h5py
import numpy

TAPEDECK = os.environ["TAPEDECK_BIN"]
SHARED = os.environ.get("TAPEDECK_SHARED") or os.path.join(os.environ.get("TAPEDECK_SOURCE", "."), "..", "shared")
RECORDED = os.path.join(SHARED, "data/binance_recorded/usdm_btcusdt_20240808.gz")
GOLDEN = os.path.join(SHARED, "golden/hftbacktest/gold_btcusdt.csv")
STEPS = os.path.join(SHARED, "golden/hftbacktest/gold_steps_btcusdt_power3_3_lat1ms_d0.csv")
QUEUES = {"risk_adverse": "risk_adverse", "power2": "power(2)", "power2_2": "power2(2)", "power3_3": "power3(3)", "log": "log", "log2": "log2"}
CONFIG = """\
tape: btc.h5
strategy: touch-quoter
book: {mode: parity, exchange: no_partial_fill, clock: 100ms}
costs: {maker: -0.00005, taker: 0.0007}
method: grid
parameters:
  offset_ticks: {values: [0, 1, 5]}
  queue_model: {values: [risk_adverse, power(2), power2(2), power3(3), log, log2]}
  latency: {values: [0, 1ms, 50ms]}
  order_qty: {value: 0.01}
  max_position: {value: 0.05}
"""
# what of a row is compared, and how close it has to be
NUMBERS = {"position": 1e-9, "balance": 1e-9, "fee": 1e-12, "num_trades": 0, "trading_volume": 1e-9, "trading_value": 1e-6, "equity": 1e-6}


def run(*arguments, check=True):
    done = subprocess.run([TAPEDECK, *map(str, arguments)], capture_output=True, text=True)
    if check and done.returncode:
        sys.exit(f"tapedeck {' '.join(map(str, arguments))} ended with {done.returncode}:\n{done.stderr}")
    return done


def golden():
    """(latency, offset, queue model) -> row"""
    with open(GOLDEN, newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["exchange"] == "nopartial"]
    return {(int(row["latency_ns"]), int(row["offset_ticks"]), QUEUES[row["queue_model"]]): row for row in rows}


def compare(found, rows, what):
    """found: the same keys -> numbers by name"""
    if set(found) != set(rows):
        sys.exit(f"{what}: the parameter sets are others: {set(found) ^ set(rows)}")
    for key, row in rows.items():
        for name, tolerance in NUMBERS.items():
            wanted, number = float(row[name]), float(found[key][name])
            if abs(wanted - number) > tolerance + 1e-12:
                sys.exit(f"{what}: {name} of {key} is {number!r}, expected {wanted!r}")


def datasets(path):
    """Every dataset of the file, as bytes."""
    with h5py.File(path) as file:
        return {name: file[name][()].tobytes() for name in file}


def shown(path):
    rows = json.loads(run("show", path, "--json", "--top", 54).stdout)
    rows = rows if isinstance(rows, list) else rows["sets"]
    return {(row["parameters"]["latency"], row["parameters"]["offset_ticks"], row["parameters"]["queue_model"]): row["metrics"] for row in rows}


def read_with_h5py(path):
    with h5py.File(path) as file:
        queue = file["queue_model"]
        words = dict(zip(queue.attrs["flag_values"].tolist(), queue.attrs["flag_meanings"].split(" ")))
        if file["latency"].attrs["units"] != "ns":
            sys.exit("the units of latency are not ns")
        keys = zip(file["latency"][()].tolist(), file["offset_ticks"][()].tolist(), queue[()].tolist())
        columns = {name: file[name][()] for name in NUMBERS}
        return {(a, b, words[c]): {name: columns[name][i] for name in NUMBERS} for i, (a, b, c) in enumerate(keys)}


def kill_and_resume(path, whole):
    """Killed as soon as something is in the journal, then resumed: the same datasets."""
    process = subprocess.Popen([TAPEDECK, "sweep", "btc-quoter.yaml", "-o", path, "--engine", "reference", "--threads", "1"],
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    journal, deadline = path + ".journal", time.monotonic() + 60
    while process.poll() is None and time.monotonic() < deadline and not (os.path.exists(journal) and os.path.getsize(journal) > 2000):
        time.sleep(0.005)
    killed = process.poll() is None
    process.send_signal(signal.SIGKILL)
    process.wait()
    run("sweep", "btc-quoter.yaml", "-o", path, "--resume")
    if datasets(path) != whole:
        sys.exit("a sweep that was killed and resumed has other datasets than one that was not")
    return killed


def same_alone(rows):
    """`run` of a cell gives its row; its executions add up to it, and its equity file is the golden one step by step."""
    axes = {"latency": 1000000, "offset_ticks": 0, "queue_model": "power3(3)"}
    settings = [part for name, value in axes.items() for part in ("--set", f"parameters.{name}={value}")]
    cell = json.loads(run("run", "btc-quoter.yaml", *settings, "--json", "--trades", "trades.csv", "--equity", "equity.csv").stdout)
    stored = rows[(axes["latency"], axes["offset_ticks"], axes["queue_model"])]
    for name, number in stored.items():
        if cell["metrics"][name] != number:
            sys.exit(f"run says {name} is {cell['metrics'][name]!r}, the sweep {number!r}")
    if cell["parameters"] != {**axes, "order_qty": 0.01, "max_position": 0.05} and cell["knobs"]["queue_model"] != "power3(3)":
        sys.exit(f"run plays other parameters: {cell['parameters']}")
    with open("trades.csv", newline="") as file:
        trades = list(csv.DictReader(file))
    signed = sum(float(t["quantity"]) * (1 if t["side"] == "buy" else -1) for t in trades)
    if len(trades) != stored["num_trades"] or abs(signed - stored["position"]) > 1e-9:
        sys.exit(f"{len(trades)} executions add up to {signed}, the cell has {stored['num_trades']} and {stored['position']}")
    if abs(sum(float(t["fee"]) for t in trades) - stored["fee"]) > 1e-9:
        sys.exit("the fees of the executions do not add up to that of the cell")
    with open("equity.csv", newline="") as file, open(STEPS, newline="") as expected:
        steps, wanted = list(csv.DictReader(file)), list(csv.DictReader(expected))
    if len(steps) < len(wanted) - 1:
        sys.exit(f"equity.csv has {len(steps)} steps, expected {len(wanted)}")
    for step, row in zip(steps, wanted):
        for name in ("position", "balance", "fee", "num_trades", "trading_volume", "trading_value"):
            if abs(float(step[name]) - float(row[name])) > 1e-6:
                sys.exit(f"step {row['step']}: {name} is {step[name]}, expected {row[name]}")
        for name in ("bid", "ask"):
            if step[name] and round(float(step[name]) / 0.1) != int(row[f"best_{name}_tick"]):
                sys.exit(f"step {row['step']}: {name} is {step[name]}, expected tick {row[f'best_{name}_tick']}")


def main():
    for path in (RECORDED, GOLDEN, STEPS):
        if not os.path.exists(path):
            print(f"skipped: {path} is not there")
            sys.exit(77)
    recorded, rows = os.path.abspath(RECORDED), golden()
    globals().update(STEPS=os.path.abspath(STEPS))
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        run("data", "import", "book", recorded, "-o", "btc.h5", "--format", "binance-recorded", "--symbol", "BTCUSDT", "--tick", 0.1, "--lot",
            0.001, "--mode", "parity")
        with open("btc-quoter.yaml", "w") as file:
            file.write(CONFIG)
        run("sweep", "btc-quoter.yaml", "-o", "one.h5", "--threads", 1)
        run("sweep", "btc-quoter.yaml", "-o", "two.h5", "--threads", 2)
        run("sweep", "btc-quoter.yaml", "-o", "plain.h5", "--engine", "reference")
        compare(shown("one.h5"), rows, "show --json")
        compare(read_with_h5py("one.h5"), rows, "h5py")
        whole = datasets("one.h5")
        for other in ("two.h5", "plain.h5"):
            if datasets(other) != whole:
                sys.exit(f"{other} has other datasets than one.h5")
        killed = kill_and_resume("killed.h5", whole)
        same_alone(shown("one.h5"))
        verified = json.loads(run("verify", "one.h5", "--sample", 6, "--json").stdout)
        if verified["different"] or verified["replayed"] != 6:
            sys.exit(f"verify: {verified}")
        plan = json.loads(run("plan", "btc-quoter.yaml", "--json").stdout)
        if plan["sets"] != 54 or plan["rows"] != 466834 or not plan["seconds"] > 0:
            sys.exit(f"plan: {plan}")
        numpy.testing.assert_equal(len(whole["hash"]), 54 * 8)
    print(f"54 rows as hftbacktest has them; threads, engines{', a killed process' if killed else ''}, run and verify agree")


main()
