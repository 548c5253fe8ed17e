"""Compares play on order books in mode parity with hftbacktest itself, set by set: strategy touch-quoter over queue models, latencies and
offsets, on recorded feeds of linear and inverse contracts, on synthetic books, and order by order. Not part of the test list: it needs
hftbacktest and h5py (pip install hftbacktest==2.4.4 h5py), and for the recordings the reference data.

    TAPEDECK_BIN=build/release/tapedeck python3 tests/peers/hftbacktest_cases.py [CASE...]

Prints the largest difference of each number over the sets of a case, and the sets in which one is too large; exits with 1 when there is
one. Recorded feeds go through the package's own converter; of the other tapes its rows are made from ours, row by row."""
import itertools
import json
import os
import subprocess
import sys
import tempfile

import h5py
import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "bench", "peers"))
import hbt_play  # noqa: E402
from hftbacktest import (ADD_ORDER_EVENT, BUY_EVENT, CANCEL_ORDER_EVENT, DEPTH_CLEAR_EVENT, DEPTH_EVENT, DEPTH_SNAPSHOT_EVENT,  # noqa: E402
                         FILL_EVENT, MODIFY_ORDER_EVENT, SELL_EVENT, TRADE_EVENT)
from hftbacktest.binding import event_dtype  # noqa: E402
from hftbacktest.data.validation import correct_event_order, validate_event_order  # noqa: E402

TAPEDECK = os.path.abspath(os.environ["TAPEDECK_BIN"])
SHARED = os.environ.get("TAPEDECK_SHARED", os.path.join(HERE, "..", "..", "..", "shared"))
MAKER, TAKER = -0.00005, 0.0007
L2 = ["risk_adverse", "power(2)", "power2(2)", "power3(3)", "log", "log2"]
L3 = ["l3_fifo"]
DEPTH, SNAPSHOT, TRADE, CLEAR, ORDERS, GAP = range(6)
ADD, CANCEL, MODIFY, CLEARED, TRADED, FILL = range(6)
SIDES = BUY_EVENT, SELL_EVENT
# of trading_value the relative one
TOLERANCES = {"position": 1e-9, "balance": 1e-9, "fee": 1e-12, "num_trades": 0, "trading_volume": 1e-9, "trading_value": 1e-12}


class Case:
    """A tape, how it is made, and which sets are played on it."""

    def __init__(self, name, make, tick, lot, quantity, queues, offsets=(0, 1, 5), latencies=(0, 10**6, 50 * 10**6), inverse=0):
        self.name, self.make, self.tick, self.lot, self.inverse = name, make, tick, lot, inverse
        self.quantity, self.limit = quantity, 5 * quantity
        self.sets = [{"queue": queue.split("(")[0], "exponent": float(queue.partition("(")[2].rstrip(")") or 0), "name": queue,
                      "latency_ns": latency, "offset": offset, "quantity": quantity, "max_position": self.limit, "maker": MAKER,
                      "taker": TAKER} for offset, queue, latency in itertools.product(offsets, queues, latencies)]
        self.queues, self.offsets, self.latencies = queues, offsets, latencies


def run(*arguments):
    found = subprocess.run([TAPEDECK, *arguments], capture_output=True, text=True, check=False)
    if found.returncode != 0:
        raise SystemExit(f"tapedeck {' '.join(arguments)} ended with {found.returncode}:\n{found.stderr}")
    return found.stdout


def inverse(multiplier):
    return "--contract", "inverse", "--multiplier", str(multiplier)


def recorded(name, symbol, *contract):
    """A recording: our import, its converter."""
    def make(case, tape):
        source = os.path.join(SHARED, "data", "binance_recorded", name)
        run("data", "import", "book", source, "-o", tape, "--format", "binance-recorded", "--symbol", symbol, "--tick", str(case.tick), "--lot",
            str(case.lot), "--mode", "parity", *contract)
        return hbt_play.convert(source)
    return make


def synthetic(*options):
    def make(case, tape):
        run("data", "synth", "--book", "-o", tape, *options)
        return rows_of(tape, case)
    return make


def databento(name, symbol):
    def make(case, tape):
        source = os.path.join(SHARED, "data", "nautilus", name)
        run("data", "import", "book", source, "-o", tape, "--format", "databento", "--symbol", symbol, "--tick", str(case.tick), "--lot",
            str(case.lot), "--mode", "parity")
        return rows_of(tape, case)
    return make


def order_row(action, order, side, tick, lots):
    """What a row about an order is there: a cancel takes off all of it, whatever it says."""
    if action == CLEARED:
        return (DEPTH_CLEAR_EVENT | (0 if order == 1 else SIDES[side]), tick, 0, 0)
    kind = {ADD: ADD_ORDER_EVENT, CANCEL: CANCEL_ORDER_EVENT, MODIFY: MODIFY_ORDER_EVENT, TRADED: TRADE_EVENT, FILL: FILL_EVENT}[action]
    return (kind | SIDES[side], tick, lots, order)


def level_rows(kind, sides, ticks, lots):
    if kind == TRADE:
        return [(TRADE_EVENT | SIDES[s], t, q, 0) for s, t, q in zip(sides, ticks, lots)]
    if kind == CLEAR:
        return [(DEPTH_CLEAR_EVENT | SIDES[s], t, 0, 0) for s, t in zip(sides, ticks)] or [(DEPTH_CLEAR_EVENT, 0, 0, 0)]
    if kind == DEPTH:
        return [(DEPTH_EVENT | SIDES[s], t, q, 0) for s, t, q in zip(sides, ticks, lots)]
    out = []
    for side in (0, 1):
        levels = [(t, q) for s, t, q in zip(sides, ticks, lots) if s == side]
        if levels:
            out.append((DEPTH_CLEAR_EVENT | SIDES[side], levels[-1][0], 0, 0))
            out += [(DEPTH_SNAPSHOT_EVENT | SIDES[side], t, q, 0) for t, q in levels]
    return out


def rows_of(tape, case):
    """The package's rows of a book tape."""
    with h5py.File(tape) as file:
        kinds, ends = file["kind"][:].tolist(), file["row_end"][:].tolist()
        exchange, local = file["exchange_time"][:].tolist(), file["local_time"][:].tolist()
        tick_side, lots = file["row"]["tick_side"], file["row"]["lots"].tolist()
        ticks, sides = (tick_side >> 1).tolist(), (tick_side & 1).tolist()
        orders = file["order_id"][:].tolist() if "order_id" in file else None
        actions = file["action"][:].tolist() if "action" in file else None
    found, begin = [], 0
    for m, end in enumerate(ends):
        rows = slice(begin, end)
        if kinds[m] == ORDERS:
            events = [order_row(actions[r], orders[r], sides[r], ticks[r], lots[r]) for r in range(begin, end)]
        else:
            events = [] if kinds[m] == GAP else level_rows(kinds[m], sides[rows], ticks[rows], lots[rows])
        found += [(kind, exchange[m], local[m], tick * case.tick, quantity * case.lot, order, 0, 0)
                  for kind, tick, quantity, order in events]
        begin = end
    rows = np.array(found, event_dtype)
    rows = correct_event_order(rows, np.argsort(rows["exch_ts"], kind="mergesort"), np.argsort(rows["local_ts"], kind="mergesort"))
    validate_event_order(rows)
    return rows


def swept(case, tape, folder):
    """What our sweep ends in, by set."""
    config, results = os.path.join(folder, "case.yaml"), os.path.join(folder, "case.h5")
    contract = f"instrument: {{contract: inverse, multiplier: {case.inverse}}}\n" if case.inverse else ""
    with open(config, "w", encoding="utf-8") as file:
        file.write(f"""tape: {tape}
strategy: touch-quoter
{contract}book: {{mode: parity, exchange: no_partial_fill, clock: 100ms}}
costs: {{maker: {MAKER:.5f}, taker: {TAKER}}}
method: grid
parameters:
  offset_ticks: {{values: {list(case.offsets)}}}
  queue_model: {{values: [{', '.join(case.queues)}]}}
  latency: {{values: [{', '.join(f'{latency}ns' for latency in case.latencies)}]}}
  order_qty: {{value: {case.quantity}}}
  max_position: {{value: {case.limit}}}
""")
    run("sweep", config, "-o", results, "--force", "--quiet")
    rows = json.loads(run("show", results, "--json", "--top", str(len(case.sets))))
    if len(rows) != len(case.sets):
        raise SystemExit(f"{case.name}: {len(rows)} sets were played, not {len(case.sets)}")
    found = {}
    for row in rows:
        parameters = row["parameters"]
        found[round(parameters["offset_ticks"]), parameters["queue_model"], round(parameters["latency"])] = row["metrics"]
    return [found[one["offset"], one["name"], one["latency_ns"]] for one in case.sets]


def check(case):
    """Number of sets that differ."""
    with tempfile.TemporaryDirectory(prefix="tapedeck-hftbacktest-") as folder:
        tape = os.path.join(folder, "tape.h5")
        market = hbt_play.Market(case.make(case, tape), case.tick, case.lot, case.inverse, whole=True)
        ours = swept(case, tape, folder)
    worst, trades, wrong = dict.fromkeys(TOLERANCES, 0.0), 0, 0
    for one, mine in zip(case.sets, ours):
        theirs = market.play(one)
        trades += theirs["num_trades"]
        differences = {name: abs(mine[name] - theirs[name]) for name in TOLERANCES}
        differences["trading_value"] /= max(1, theirs["trading_value"])
        worst = {name: max(worst[name], value) for name, value in differences.items()}
        bad = [name for name, value in differences.items() if not value <= TOLERANCES[name]]
        if bad:
            wrong += 1
            print(f"  {one['name']}, offset {one['offset']}, latency {one['latency_ns']}: "
                  + ", ".join(f"{name} {mine[name]:.12g} and {theirs[name]:.12g}" for name in bad))
    print(f"{case.name}: {len(case.sets)} sets, {trades / len(case.sets):.0f} trades a set, {wrong} differ; "
          + ", ".join(f"{name} {value:.0e}" for name, value in worst.items() if value))
    return wrong


CASES = [
    Case("usdm_btcusdt", recorded("usdm_btcusdt_20240808.gz", "BTCUSDT"), 0.1, 0.001, 0.01, L2),
    Case("usdm_ethusdt", recorded("usdm_ethusdt_20240808.gz", "ETHUSDT"), 0.01, 0.001, 0.1, L2),
    Case("cm_btcusd", recorded("cm_btcusd_perp_20240808.gz", "BTCUSD_PERP", *inverse(100)), 0.1, 1, 1, L2, inverse=100),
    Case("cm_ethusd", recorded("cm_ethusd_perp_20240808.gz", "ETHUSD_PERP", *inverse(10)), 0.01, 1, 2, L2, inverse=10),
    Case("cm_btcusd_next_day", recorded("cm_btcusd_perp_20240809.gz", "BTCUSD_PERP", *inverse(100)), 0.1, 1, 1, L2, inverse=100),
    Case("synthetic", synthetic(), 0.1, 0.001, 0.05, L2),
    Case("synthetic_drift", synthetic("--seed", "2", "--drift", "0.6", "--market-lots", "1500"), 0.1, 0.001, 0.05, L2),
    Case("synthetic_thin", synthetic("--seed", "3", "--limit-rate", "1", "--market-rate", "1", "--duration", "20m"), 0.1, 0.001, 0.05, L2),
    Case("synthetic_orders", synthetic("--orders", "--seed", "4", "--duration", "3m"), 0.1, 0.001, 0.05, L3),
    Case("databento_orders", databento("esh4-glbx-mdp3-20231225.mbo.dbn.zst", "ESH4"), 0.25, 1, 1, L3),
]


if __name__ == "__main__":
    chosen = sys.argv[1:] or [case.name for case in CASES]
    sys.exit(1 if sum(check(case) for case in CASES if case.name in chosen) else 0)
