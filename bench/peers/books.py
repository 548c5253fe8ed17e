#!/usr/bin/env python3
"""tapedeck beside hftbacktest on order books, in one sitting: the same recording, results compared first, then alternating.

    bench/peers/books.py sets       one set, 54, 1,024 and 1,152 that share nothing, one thread and two: seconds a set
    bench/peers/books.py import     a recording to what is played: the converter's rows, our tape
    bench/peers/books.py replay     a strategy that asks for nothing: nanoseconds a row
    bench/peers/books.py memory     peak memory of importing and playing, and of the same with a recording 20 times as long
    bench/peers/books.py all

Needs hftbacktest (python -m pip install -r bench/peers/requirements-books.txt, into an environment of its own) and the recording
usdm_btcusdt_20240808.gz of its examples, here from ../shared. The peer plays its ROI-vector book from rows in memory, its loop compiled
and warm, in one process; tapedeck by the clock of `tapedeck bench --play`, from a mapped tape. Reading files, compiling and checking are
outside both. Prints Markdown; --results keeps every measurement, --docs puts the tables into the document."""
import argparse
import itertools
import json
import os
import platform
import re
import subprocess
import sys
import tempfile

import hbt_play
import recording
from contest import EXIT_TIME, Contestant, Program, alternate, markdown, put_into, timed

HERE = os.path.dirname(os.path.abspath(__file__))
SHARED = os.path.join(HERE, "..", "..", "..", "shared")
TICK, LOT, MAKER, TAKER = 0.1, 0.001, -0.00005, 0.0007
COPIES = 20
SIX = ["risk_adverse", "power(2)", "power2(2)", "power3(3)", "log", "log2"]
# differences allowed, of the value traded relative ones: sums of hundreds of products
TOLERANCES = {"position": 1e-9, "balance": 1e-9, "fee": 1e-12, "num_trades": 0, "trading_volume": 1e-9, "trading_value": 1e-12}
DURATIONS = {"ns": 1, "us": 1000, "ms": 10**6, "s": 10**9}


class Job:
    """A grid of sets, as tapedeck's configuration and as the peer's list."""

    def __init__(self, title, offsets, queues, latencies_ms, positions):
        self.title, self.offsets, self.queues = title, offsets, queues
        self.latencies_ms, self.positions = latencies_ms, positions

    def sets(self):
        return [{"offset": offset, "queue": re.match(r"\w+", queue).group(0), "exponent": float(exponent_of(queue)), "name": queue,
                 "latency_ns": round(1e6 * latency), "max_position": position, "quantity": 0.01, "maker": MAKER, "taker": TAKER}
                for offset, queue, latency, position in itertools.product(self.offsets, self.queues, self.latencies_ms, self.positions)]

    def write(self, path, tape):
        with open(path, "w", encoding="utf-8") as file:
            file.write(f"""tape: {tape}
strategy: touch-quoter
book: {{mode: parity, exchange: no_partial_fill, clock: 100ms}}
costs: {{maker: {MAKER:.5f}, taker: {TAKER}}}
method: grid
parameters:
  offset_ticks: {{values: {list(self.offsets)}}}
  queue_model: {{values: [{', '.join(self.queues)}]}}
  latency: {{values: [{', '.join(f'{latency}ms' for latency in self.latencies_ms)}]}}
  order_qty: {{value: 0.01}}
  max_position: {{values: {list(self.positions)}}}
""")
        return path


def exponent_of(queue):
    found = re.search(r"\(([\d.]+)\)", queue)
    return found.group(1) if found else 0


def nanoseconds(value):
    """A latency as the program shows it: a number of nanoseconds, or 50ms."""
    found = re.fullmatch(r"([\d.]+)\s*(ns|us|ms|s)", str(value))
    return round(float(found.group(1)) * DURATIONS[found.group(2)]) if found else round(float(value))


def key_of_set(one):
    return one["offset"], one["name"], one["latency_ns"], round(one["max_position"], 9)


def key_of_row(parameters):
    return (round(parameters["offset_ticks"]), parameters["queue_model"], nanoseconds(parameters["latency"]),
            round(parameters["max_position"], 9))


ONE = Job("1 set", [0], ["power3(3)"], [1], [0.05])
JOBS = [ONE,
        Job("54 sets: 6 queue models, 3 latencies, 3 offsets", [0, 1, 5], SIX, [0, 1, 50], [0.05]),
        Job("1,024 sets: 16 offsets, 64 limits, one model", range(16), ["power3(3)"], [1], [round(0.01 * (i + 1), 2) for i in range(64)]),
        Job("1,152 sets, none like another in offset, model and latency", range(16),
            ["risk_adverse", "log", "log2", *(f"{kind}({n})" for kind in ("power", "power2", "power3") for n in range(1, 8))],
            [0, 1, 50], [0.05])]


class Sitting:
    """The program, the recording in the forms that both want it in, and all that was measured."""

    def __init__(self, options, folder):
        self.options, self.folder = options, folder
        self.program = Program(options.tapedeck)
        self.recording = options.recording
        self.record = []
        self.tape = self.imported("book.h5", self.recording)
        rows = hbt_play.convert(self.recording)
        self.market = hbt_play.Market(rows, TICK, LOT)
        self.rows = len(rows)
        self.info = json.loads(self.program.run("data", "info", self.tape, "--json"))

    def imported(self, name, source):
        path = os.path.join(self.folder, name)
        self.program.run("data", "import", "book", source, "-o", path, *import_options())
        return path

    def contest(self, title, contestants, rounds):
        print(f"... {title}", file=sys.stderr)
        alternate(contestants, rounds)
        for contestant in contestants:
            self.record.append({"contest": title, "name": contestant.name, "items": contestant.work, "seconds": contestant.seconds,
                                "cpu_seconds": contestant.cpu})
        return contestants

    def played(self, config, threads=1):
        return self.program.timed("--play", config, "--engine", "lanes", "--threads", str(threads))


def import_options():
    return ["--format", "binance-recorded", "--symbol", "BTCUSDT", "--tick", str(TICK), "--lot", str(LOT), "--mode", "parity"]


def swept(sitting, job):
    """What every set of a job ended in, by our own sweep: key -> metrics."""
    config = job.write(os.path.join(sitting.folder, "job.yaml"), sitting.tape)
    results = os.path.join(sitting.folder, "job.h5")
    sitting.program.run("sweep", config, "-o", results, "--force", "--quiet")
    rows = json.loads(sitting.program.run("show", results, "--json", "--top", str(len(job.sets()))))
    return {key_of_row(row["parameters"]): row.get("metrics", row) for row in rows}


def compare(sitting, job, sets):
    """Both play the sets; greatest difference of each number. Ends the contest where one is too large."""
    ours = swept(sitting, job)
    worst = dict.fromkeys(TOLERANCES, 0.0)
    for one in sets:
        theirs = sitting.market.play(one)
        mine = ours[key_of_set(one)]
        for name in TOLERANCES:
            scale = max(1.0, abs(theirs[name])) if name == "trading_value" else 1.0
            worst[name] = max(worst[name], abs(mine[name] - theirs[name]) / scale)
    bad = {name: value for name, value in worst.items() if value > TOLERANCES[name]}
    if bad:
        raise SystemExit(f"{job.title}: results differ by {bad}: nothing is timed")
    return worst


def spread(items, count):
    """So many of them, evenly, the first and the last among them."""
    if len(items) <= count:
        return items
    return [items[round(i * (len(items) - 1) / (count - 1))] for i in range(count)]


def milliseconds(seconds):
    return f"{1e3 * seconds:,.3f}" if seconds < 0.01 else f"{1e3 * seconds:,.1f}"


def sets(sitting):
    """Parameter sets end to end."""
    rows, checks = [], []
    for job in JOBS:
        all_sets = job.sets()
        compared = all_sets if sitting.options.long or len(all_sets) <= 54 else spread(all_sets, 128)
        worst = compare(sitting, job, compared)
        checks.append([job.title, f"{len(compared)} of {len(all_sets)}", *(f"{worst[name]:.0e}" if worst[name] else "0" for name in worst)])
        config = job.write(os.path.join(sitting.folder, "job.yaml"), sitting.tape)
        # the peer's sets do not know each other: its time is that of a part of them
        part = spread(all_sets, 27)

        def play(part=part):
            for one in part:
                sitting.market.play(one)
        peer = Contestant("hftbacktest", len(part), timed(play))
        threads = [1, 2] if len(all_sets) > 1 else [1]
        ours = [Contestant(f"tapedeck, {n} thread{'s' * (n > 1)}", len(all_sets), sitting.played(config, n)) for n in threads]
        sitting.contest(job.title, [peer, *ours], sitting.options.rounds)
        theirs, theirs_cpu = peer.median() / len(part), peer.cpu_median() / len(part)
        one = ours[0]
        mine, mine_cpu = one.median() / len(all_sets), one.cpu_median() / len(all_sets)
        rows.append([job.title, f"{milliseconds(theirs)} ({100 * peer.spread():.0f} %)", f"{milliseconds(mine)} ({100 * one.spread():.0f} %)",
                     f"{milliseconds(one.median())}", f"**{theirs / mine:,.1f}**", f"{theirs_cpu / mine_cpu:,.1f}",
                     f"{one.median() / ours[1].median():.2f}" if len(ours) > 1 else ""])
    return "\n".join(["Results compared before timing, greatest difference (of trading_value the relative one):\n",
                      markdown(["", "sets compared", *TOLERANCES], checks),
                      "\nMilliseconds, median (distance of the quartiles); one thread but for the last column:\n",
                      markdown(["", "hftbacktest, a set", "tapedeck, a set", "tapedeck, all", "x faster", "x, processor",
                                "2 threads over 1"], rows)])


CONVERT = "import sys; from hftbacktest.data.utils import binancefutures; binancefutures.convert(sys.argv[1], sys.argv[2])"


def process(*command):
    """Wall seconds, processor seconds and peak bytes of a process."""
    import resource
    import time
    began, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    found = subprocess.run(["/usr/bin/time", "-v", *command], capture_output=True, text=True, check=True)
    seconds, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return seconds, cpu, 1024 * int(EXIT_TIME.search(found.stderr).group(1))


def importing(sitting):
    """From the recording to a file that is played."""
    text = b"".join(recording.read(sitting.recording))
    plain = os.path.join(sitting.folder, "plain.txt")
    with open(plain, "wb") as file:
        file.write(text)
    megabytes = len(text) / 1e6
    out, tape = os.path.join(sitting.folder, "rows.npz"), os.path.join(sitting.folder, "import.h5")

    def ours(source):
        return lambda: process(sitting.program.path, "data", "import", "book", source, "-o", tape, *import_options())[:2]
    contestants = [Contestant("hftbacktest, a process: from .gz to .npz", 1, lambda: process(sys.executable, "-c", CONVERT, sitting.recording, out)[:2]),
                   Contestant("hftbacktest, warm in its process, rows not written", 1, timed(lambda: hbt_play.convert(sitting.recording))),
                   Contestant("tapedeck, a process: from .gz to the tape", 1, ours(sitting.recording)),
                   Contestant("tapedeck, a process: from plain text to the tape", 1, ours(plain))]
    sitting.contest("import", contestants, sitting.options.rounds)
    base = contestants[2]
    return (f"{megabytes:.1f} MB of JSON lines, {os.path.getsize(sitting.recording) / 1e6:.1f} MB compressed.\n\n"
            + markdown(["", "seconds", "processor", "MB/s of JSON lines", "tapedeck from .gz is faster by", "processor"],
                       [[c.name, f"{c.median():.3f} ({100 * c.spread():.0f} %)", f"{c.cpu_median():.3f}", f"{megabytes / c.median():,.0f}",
                         f"{c.median() / base.median():.1f}", f"{c.cpu_median() / base.cpu_median():.1f}"] for c in contestants]))


def replay(sitting):
    """What the market alone costs: a set whose largest position is 0 looks at every moment and never asks for anything."""
    idle = Job("nothing to do", [0], ["risk_adverse"], [0], [0])
    config = idle.write(os.path.join(sitting.folder, "idle.yaml"), sitting.tape)
    contestants = [Contestant("hftbacktest, an empty loop", 1, timed(sitting.market.replay)),
                   Contestant("tapedeck, a set that never trades", 1, sitting.played(config))]
    sitting.contest("replay", contestants, sitting.options.rounds)
    rows = sitting.info["rows"]
    return (f"The recording has {rows:,} rows; both books, the exchange's and the local one, are built from them.\n\n"
            + markdown(["", "milliseconds", "nanoseconds a row", "processor", "tapedeck is faster by"],
                       [[c.name, f"{1e3 * c.median():.2f} ({100 * c.spread():.0f} %)", f"{1e9 * c.median() / rows:.1f}",
                         f"{1e9 * c.cpu_median() / rows:.1f}", f"{c.median() / contestants[1].median():.1f}"] for c in contestants]))


def memory(sitting):
    """Peak resident sets of processes, short and long."""
    long = os.path.join(sitting.folder, "long.gz")
    recording.lengthen(sitting.recording, COPIES, long)
    rows = []
    for name, source in (("the recording", sitting.recording), (f"{COPIES} times as long", long)):
        tape = os.path.join(sitting.folder, "memory.h5")
        imported = process(sitting.program.path, "data", "import", "book", source, "-o", tape, *import_options())
        found = [name, f"{os.path.getsize(tape) / 1e6:.1f} MB", f"{imported[2] / 1e6:.0f} MB"]
        for job in JOBS[:3]:
            config = job.write(os.path.join(sitting.folder, "memory.yaml"), tape)
            results = os.path.join(sitting.folder, "memory-results.h5")
            swept_ = process(sitting.program.path, "sweep", config, "-o", results, "--force", "--quiet", "--threads", "1")
            found.append(f"{swept_[2] / 1e6:.0f} MB in {swept_[0]:.2f} s")
            sitting.record.append({"contest": "memory", "name": f"{name}, {job.title}", "seconds": [swept_[0]], "cpu_seconds": [swept_[1]],
                                   "peak_bytes": swept_[2]})
        rows.append(found)
    rows.append(["hftbacktest's rows of the recording", f"{64 * sitting.rows / 1e6:.1f} MB", "", "", "", ""])
    return markdown(["", "tape", "import, peak", *(f"sweep of {job.title.split(':')[0]}, peak" for job in JOBS[:3])], rows)


CONTESTS = {"sets": sets, "import": importing, "replay": replay, "memory": memory}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("contest", choices=[*CONTESTS, "all"])
    parser.add_argument("--tapedeck", default=os.path.join(HERE, "..", "..", "build", "release", "tapedeck"))
    parser.add_argument("--recording", default=os.path.join(SHARED, "data", "binance_recorded", "usdm_btcusdt_20240808.gz"))
    parser.add_argument("--rounds", type=int, default=7, help="measurements of each contestant (default 7)")
    parser.add_argument("--long", action="store_true", help="compare every set of the large jobs, not 128 of each: a minute more")
    parser.add_argument("--results", metavar="FOLDER", help="write books-<contest>.json with every measurement")
    parser.add_argument("--docs", metavar="FILE.md", help="put the tables between the markers of this document")
    options = parser.parse_args()
    if options.results:
        os.makedirs(options.results, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="tapedeck-books-") as folder:
        sitting = Sitting(options, folder)
        for name, contest in CONTESTS.items():
            if options.contest not in (name, "all"):
                continue
            sitting.record = []
            before, text = os.getloadavg()[0], contest(sitting)
            text += (f"\n\nLoad of the machine {before:.2f} before and {os.getloadavg()[0]:.2f} after; "
                     f"{sitting.program.run('--version').strip()}, hftbacktest {hbt_play.VERSION}, Python {platform.python_version()}.\n")
            print(f"\n### {name}\n\n{text}", flush=True)
            if options.docs:
                put_into(options.docs, f"books {name}", text)
            if options.results:
                with open(os.path.join(options.results, f"books-{name}.json"), "w", encoding="utf-8") as file:
                    json.dump({"load": [before, os.getloadavg()[0]], "measurements": sitting.record}, file, indent=1)
                    file.write("\n")


if __name__ == "__main__":
    main()
