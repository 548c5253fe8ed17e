"""Recorded order books of Binance through the program: the rebuilt book against the venue's own best prices, all rows against what the
lines of the file say by another way (Python's json and numpy), files that continue each other, and files split anywhere.

The recordings are reference data beside the checkout (../shared); without them the test is skipped."""
import gzip
import json
import os
import subprocess
import sys
import tempfile

import h5py
import numpy as np

TAPEDECK = os.environ["TAPEDECK_BIN"]
SOURCE = os.environ["TAPEDECK_SOURCE"]
SHARED = os.environ.get("TAPEDECK_SHARED") or os.path.join(os.path.dirname(SOURCE), "shared")
DATA = os.path.join(SHARED, "data", "binance_recorded")
BOTH, EXCHANGE, LOCAL = 3 << 30, 1 << 31, 1 << 30
BUY, SELL = 1 << 29, 1 << 28
DEPTH, TRADE, CLEAR, SNAPSHOT = 1, 2, 3, 4

# name: symbol, tick, lot, messages compared, equal
FEEDS = {
    "usdm_btcusdt_20240808": ("BTCUSDT", "0.1", "0.001", 6547, 6547),
    "usdm_ethusdt_20240808": ("ETHUSDT", "0.01", "0.001", 6580, 6580),
    "spot_btcusdt_20240808": ("BTCUSDT", "0.01", "0.00001", 3449, 3449),
    "spot_ethusdt_20240808": ("ETHUSDT", "0.01", "0.0001", 3432, 3432),
    "cm_btcusd_perp_20240808": ("BTCUSD_PERP", "0.1", "1", 26824, 26824),
    "cm_ethusd_perp_20240808": ("ETHUSD_PERP", "0.01", "1", 22887, 22887),
}


def run(*arguments, code=0):
    done = subprocess.run([TAPEDECK, "data", *map(str, arguments)], capture_output=True, text=True)
    assert done.returncode == code, (arguments, done.returncode, done.stderr)
    return done


def path_of(name):
    return os.path.join(DATA, name + ".gz")


def imported(tape, files, symbol, tick, lot, *more):
    return json.loads(run("import", "book", *files, "-o", tape, "--format", "binance-recorded", "--symbol", symbol, "--tick", tick,
                          "--lot", lot, "--json", *more).stdout)


def checked(tape):
    (report,) = json.loads(run("check", tape, "--json").stdout)["files"]
    assert report["kind"] == "book"
    return report


def own_best_prices():
    """After every depth message the book's touch is what the venue itself said it was."""
    for name, (symbol, tick, lot, compared, equal) in FEEDS.items():
        report = imported("strict.h5", [path_of(name)], symbol, tick, lot)
        assert (report["ticker_compared"], report["ticker_equal"]) == (compared, equal), (name, report)
        assert report["counts"]["gaps"] == report["counts"]["crossed"] == 0
        found = checked("strict.h5")
        assert (found["ticker_compared"], found["ticker_equal"], found["crossed"], found["gaps"]) == (compared, equal, 0, 0), (name, found)
        assert not found["errors"]
        if name == "usdm_btcusdt_20240808":
            bid, ask = found["final_bid"], found["final_ask"]
            assert (bid["tick"], bid["lots"], bid["levels"]) == (616597, 1486, 5018), bid
            assert (ask["tick"], ask["lots"], ask["levels"]) == (616598, 981, 4578), ask
            assert os.path.getsize("strict.h5") < 12 * found["rows"], "more than twelve bytes a row, tickers included"
        if name == "spot_btcusdt_20240808":
            assert (found["final_bid"]["tick"], found["final_bid"]["lots"]) == (6168599, 100870)
            assert (found["final_ask"]["tick"], found["final_ask"]["lots"]) == (6168600, 229327)
            assert report["counts"]["off_grid_quantities"] == 3


def read_lines(path):
    """Event rows (kind and side, exchange time, local time, price text, quantity text), as the notebook of hftbacktest makes them."""
    rows = []
    with gzip.open(path, "rt") as file:
        for line in file:
            local, message = int(line[:19]), json.loads(line[20:])
            data = message.get("data")
            if data is None:
                when = message["T"] * 1000000
                for side, levels in ((BUY, message["bids"]), (SELL, message["asks"])):
                    rows.append((CLEAR | side, when, local, levels[-1][0], "0"))
                    rows += [(SNAPSHOT | side, when, local, p, q) for p, q in levels]
            elif data["e"] == "depthUpdate":
                when = data["T"] * 1000000
                rows += [(DEPTH | side, when, local, p, q) for side, levels in ((BUY, data["b"]), (SELL, data["a"])) for p, q in levels]
            elif data["e"] == "trade" and data["X"] == "MARKET":
                rows.append((TRADE | (SELL if data["m"] else BUY), data["T"] * 1000000, local, data["p"], data["q"]))
    columns = list(zip(*rows))
    return [np.array(column, dtype=np.int64) for column in columns[:3]] + [np.array(column, dtype=np.float64) for column in columns[3:]]


def expanded(file, order, tick, lot):
    """The tape's messages in some order as such rows; prices as ticks, quantities as lots."""
    ends, row, kinds = file["row_end"][:], file["row"][:], file["kind"][:]
    begins, exchange, local = np.concatenate([[0], ends[:-1]]), file["exchange_time"][:], file["local_time"][:]
    parts = []
    for m in order:
        rows = row[begins[m]:ends[m]]
        ticks, sides = rows["tick_side"] >> 1, np.where(rows["tick_side"] & 1, SELL, BUY)
        if kinds[m] == 1:
            for side in (BUY, SELL):
                of = sides == side
                parts.append((np.full(1, CLEAR | side), m, ticks[of][-1:], np.zeros(1, np.int64)))
                parts.append((np.full(of.sum(), SNAPSHOT | side), m, ticks[of], rows["lots"][of]))
        else:
            parts.append(((DEPTH if kinds[m] == 0 else TRADE) | sides, m, ticks, rows["lots"]))
    counts = [len(part[0]) for part in parts]
    of = np.repeat([part[1] for part in parts], counts)
    return [np.concatenate([part[0] for part in parts]), exchange[of], local[of], np.concatenate([part[2] for part in parts]),
            np.concatenate([part[3] for part in parts])]


def merged_count(exchange, local):
    """How many rows hftbacktest's event order has: equal (exchange, local) at both cursors is one row, else the earlier goes alone."""
    a, b = list(zip(*exchange[1:3])), list(zip(*local[1:3]))
    i = j = both = 0
    while i < len(a) or j < len(b):
        if i < len(a) and j < len(b) and a[i] == b[j]:
            both, i, j = both + 1, i + 1, j + 1
        elif j == len(b) or (i < len(a) and a[i] < b[j]):
            i += 1
        else:
            j += 1
    return both, len(a) - both, len(b) - both


def all_rows():
    """Mode parity holds every row of the file, in both orders, after the clocks are corrected."""
    for name in ("usdm_btcusdt_20240808", "cm_btcusd_perp_20240808"):
        symbol, tick, lot, _, _ = FEEDS[name]
        report = imported("parity.h5", [path_of(name)], symbol, tick, lot, "--mode", "parity")
        kind, exchange, local, price, quantity = read_lines(path_of(name))
        shift = -min(local - exchange)
        assert report["local_shift_ns"] == shift
        expected = [kind, exchange, local + shift, np.round(price / float(tick)).astype(np.int64), np.round(quantity / float(lot)).astype(np.int64)]
        with h5py.File("parity.h5") as file:
            count = len(file["exchange_time"])
            orders = {1: np.arange(count), 2: np.arange(count) + file["local_shift"][:]}
            found = {by: expanded(file, order, tick, lot) for by, order in orders.items()}
        for by in orders:
            place = np.argsort(expected[by], kind="stable")
            for column, values in enumerate(expected):
                assert (found[by][column] == values[place]).all(), (name, by, column)
        if name == "usdm_btcusdt_20240808":
            assert shift == 1272156851 and len(kind) == 466836
            assert merged_count(found[1], found[2]) == (441699, 25137, 25137)
            first = [int(values[0]) for values in found[1]]
            assert first == [3758096385 - BOTH, 1723161256298000000, 1723161256302471518, 587102, 14], first
            levels = checked("parity.h5")
            assert levels["final_bid"]["levels"] + levels["final_ask"]["levels"] == 9597


def files_that_continue():
    """A second day without a snapshot continues the first: no gap, and as one file."""
    for name, gap_free in (("spot_btcusdt", 6491), ("cm_btcusd_perp", 44772)):
        symbol, tick, lot, _, _ = FEEDS[name + "_20240808"]
        days = [path_of(name + "_20240808"), path_of(name + "_20240809")]
        report = imported("days.h5", days, symbol, tick, lot)
        assert report["counts"]["gaps"] == 0 and report["counts"]["crossed"] == 0
        # a snapshot has 1,000 levels a side: twice on the second day the spot price falls onto one it did not name
        assert report["ticker_equal"] == gap_free and report["ticker_compared"] - report["ticker_equal"] <= 2
        with open("one.txt", "wb") as out:
            for day in days:
                with gzip.open(day) as file:
                    out.write(file.read())
        assert imported("one.h5", ["one.txt"], symbol, tick, lot)["digest"] == report["digest"]
        refused = run("import", "book", days[1], "-o", "none.h5", "--format", "binance-recorded", "--symbol", symbol, "--tick", tick,
                      "--lot", lot, code=3)
        assert "no snapshot of the book" in refused.stderr and not os.path.exists("none.h5")


def split_files():
    symbol, tick, lot, _, _ = FEEDS["usdm_btcusdt_20240808"]
    with gzip.open(path_of("usdm_btcusdt_20240808")) as file:
        lines = file.readlines()[:3000]
    whole = None
    for at in (0, 1, 41, 42, 54, 55, 56, 57, 2999, 1500):
        for part, content in (("a.txt", lines[:at]), ("b.txt", lines[at:])):
            with open(part, "wb") as file:
                file.writelines(content)
        files = [part for part, content in (("a.txt", lines[:at]), ("b.txt", lines[at:])) if content]
        digest = imported("split.h5", files, symbol, tick, lot)["digest"]
        whole = whole or digest
        assert digest == whole, at


def bad_input():
    symbol, tick, lot, _, _ = FEEDS["usdm_btcusdt_20240808"]
    options = ["-o", "bad.h5", "--format", "binance-recorded", "--symbol", symbol]
    name = path_of("usdm_btcusdt_20240808")
    with open(name, "rb") as file:
        content = file.read()
    with open("cut.gz", "wb") as file:
        file.write(content[:len(content) // 2])
    cases = [
        (3, "cannot be unpacked", ["cut.gz", "--tick", tick, "--lot", lot]),
        (3, "off the grid of tick 1 and lot", [name, "--tick", "1", "--lot", lot]),
        (3, "are --tick and --lot right", [name, "--tick", tick, "--lot", "0.1"]),
        (3, "has messages of BTCUSDT, none of ETHUSDT", [name, "--tick", tick, "--lot", lot, "--symbol", "ETHUSDT"]),
        (3, "cannot be opened", ["none.gz", "--tick", tick, "--lot", lot]),
        (2, "no price step", [name, "--lot", lot]),
        (2, "expected one of binance-recorded", [name, "--tick", tick, "--lot", lot, "--format", "csv"]),
        (2, "expected a number above 0", [name, "--tick", "0", "--lot", lot]),
        (2, "expected strict or parity", [name, "--tick", tick, "--lot", lot, "--mode", "loose"]),
    ]
    for code, sentence, more in cases:
        done = run("import", "book", *options, *more, code=code)
        assert sentence in done.stderr, (more, done.stderr)
        assert done.stdout == "" and not [entry for entry in os.listdir(".") if entry.startswith("bad.h5")], more
    with gzip.open(name) as file:
        lines = file.readlines()[:2000]
    with open("gap.txt", "wb") as file:
        file.writelines(line for number, line in enumerate(lines, 1) if number not in (71, 136))
    run("import", "book", *options, "gap.txt", "--tick", tick, "--lot", lot)
    assert "gaps             1, the first at 2024-08-08T23:54:16.769Z" in run("check", "bad.h5", "--strict", code=4).stdout
    run("import", "book", *options, name, "--tick", tick, "--lot", lot)
    run("check", "bad.h5", "--strict")
    info = json.loads(run("info", "bad.h5", "--json", "--verify").stdout)
    assert info["kind"] == "book" and info["import"]["counts"]["depth_messages"] == 6551
    for command in ("info", "check"):
        assert "order book" in run(command, "bad.h5").stdout or "book tape" in run(command, "bad.h5").stdout


if not os.path.isdir(DATA):
    print(f"skipped: the recordings in {DATA} are not there")
    sys.exit(77)
with tempfile.TemporaryDirectory(prefix="tapedeck-book-") as folder:
    os.chdir(folder)
    own_best_prices()
    all_rows()
    files_that_continue()
    split_files()
    bad_input()
    os.chdir("/")
print("recorded books: as the venue says, row by row, in one file or several")
