#!/usr/bin/env python3
"""tapedeck beside what people use instead, in one sitting: alternating, medians of rounds, same bars, results compared first.

    bench/peers/run.py engines       a numba loop per parameter set: equal results, then bar-evaluations per second
    bench/peers/run.py strategies    other strategies against loops of their own: built in, a user's files, rules in YAML
    bench/peers/run.py packages      vectorbt's pipeline and backtesting.py: the same job, nearly the same rules
    bench/peers/run.py memory        `tapedeck sweep` as a process: 200,000 bars, 1,000 to 100,000 sets; peak memory, and vectorbt
    bench/peers/run.py small         `tapedeck run` on 2,148 daily bars from process start; sets a second that cost nothing; CSV
    bench/peers/run.py scenes        the table of `tapedeck bench` itself
    bench/peers/run.py all

Needs numba, vectorbt, backtesting.py and pandas (python -m pip install -r bench/peers/requirements.txt, into an environment of
its own); tapedeck needs none of them. Prints Markdown tables; --results keeps every measurement as JSON, --docs puts the tables
into the document. Leave the machine alone meanwhile. Both the wall and the processor's time are shown: on a busy machine the
second is the honest one for work on one thread."""
import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile

import numpy as np

from contest import Contestant, Program, alternate, markdown, put_into, timed
from market import Grid, walk, write_csv, write_klines, write_raw

HERE = os.path.dirname(os.path.abspath(__file__))
TOLERANCE = 1e-9


class Sitting:
    """Program, folder, options, and all that was measured."""

    def __init__(self, options, folder):
        self.options, self.folder = options, folder
        self.program = Program(options.tapedeck)
        self.record = []
        self.markets = {}

    def market(self, bars):
        """(columns, path of the raw file) of a walk."""
        if bars not in self.markets:
            columns = walk(bars)
            path = os.path.join(self.folder, f"walk-{bars}.f64")
            write_raw(path, columns)
            self.markets[bars] = columns, path
        return self.markets[bars]

    def contest(self, title, contestants, rounds):
        print(f"... {title}", file=sys.stderr)
        alternate(contestants, rounds)
        for contestant in contestants:
            self.record.append({"contest": title, "name": contestant.name, "items": contestant.work, "seconds": contestant.seconds,
                                "cpu_seconds": contestant.cpu})
        return contestants


def differences(ours, theirs):
    """Greatest relative difference per metric, over all sets."""
    worst = {}
    for name, values in theirs.items():
        a, b = np.asarray(ours[name]), np.asarray(values)
        scale = np.maximum(np.abs(b), 1e-300)
        same = (a == b) | (np.isnan(a) & np.isnan(b))
        worst[name] = float(np.max(np.where(same, 0, np.abs(a - b) / scale)))
    return worst


def compared(title, ours, loops):
    """Plays the loops; greatest relative difference per metric between them and a scene's cells. Ends the contest where it is too large."""
    worst = {}
    for loop in loops:
        loop.play()
        worst = {name: max(worst.get(name, 0), value) for name, value in differences(ours, loop.metrics()).items()}
    if max(worst.values()) > TOLERANCE:
        raise SystemExit(f"{title}: results differ from the loop's, relatively by {worst}: nothing is timed")
    return worst


def million(rate):
    return f"{rate / 1e6:,.0f}"


def write_tape(sitting, bars):
    """The walk as a tape, through CSV with every digit."""
    tape = os.path.join(sitting.folder, f"walk-{bars}.h5")
    if not os.path.exists(tape):
        text = os.path.join(sitting.folder, "walk.csv")
        write_csv(text, sitting.market(bars)[0])
        sitting.program.run("data", "import", "klines", text, "-o", tape, "--symbol", "WALK", "--interval", "1m")
        os.unlink(text)
    return tape


def engines(sitting):
    """Contest with the numba loops."""
    from loop import Loop
    from strategies import cross_of
    cases = [("busy", 1, 100000, 1000, 1), ("slow", 1, 100000, 1000, 1), ("busy", 60, 100000, 1000, 1),
             ("slow", 60, 100000, 1000, 1), ("busy", 1, 100000, 1000, 2), ("busy", 60, 100000, 1000, 2),
             ("slow", 60, 100000, 1000, 2), ("busy", 1, 100000, 10000, 1), ("slow", 1, 100000, 10000, 1),
             ("busy", 60, 100000, 10000, 1), ("slow", 60, 100000, 10000, 1), ("busy", 1, 100000, 10000, 2),
             ("busy", 60, 100000, 10000, 2)]
    if sitting.options.long:
        cases += [("busy", 1, 1000000, 1000, 1), ("slow", 1, 1000000, 1000, 1),
                  ("busy", 60, 1000000, 1000, 1), ("slow", 60, 1000000, 1000, 1), ("busy", 1, 1000000, 1000, 2),
                  ("busy", 60, 1000000, 1000, 2), ("busy", 1, 1000000, 10000, 1), ("busy", 60, 1000000, 10000, 1)]
    rows, checks, scaling = [], [], []
    for pace, every, bars, sets, threads in cases:
        columns, data = sitting.market(bars)
        engine = "lanes" if every == 1 else "skip"
        scene = f"{engine}/{pace}/{bars}x{sets}" + (f"/threads:{threads}" if threads > 1 else "")
        grid = Grid(sets, pace)
        work = bars * sets
        # a minute a time: one loop and two rounds will do
        huge = work > 5e9
        names = ["numba plain"] if huge else ["numba plain", "numba lean"]
        loops = {name: Loop(columns, cross_of(grid), every, name == "numba lean", threads) for name in names}
        ours = sitting.program.cells(scene, data)
        worst = compared(scene, ours, loops.values())
        checks.append([scene, f"{np.mean(ours['trades']):.0f}", *(f"{worst[k]:.1e}" for k in worst)])
        contestants = [Contestant(name, work, timed(loop.play)) for name, loop in loops.items()]
        if threads > 1:
            alone = sitting.program.scene(scene.removesuffix(f"/threads:{threads}"), data)
            contestants.append(Contestant("tapedeck, one thread", work, alone))
        contestants.append(Contestant("tapedeck", work, sitting.program.scene(scene, data)))
        rounds = sitting.options.rounds if work <= 2e8 else 2 if huge else max(3, sitting.options.rounds // 3)
        *peers, deck = sitting.contest(scene, contestants, rounds)
        if threads > 1:
            scaling.append(f"- {scene}: {peers.pop().median() / deck.median():.2f} times one thread")
        none = [""] * (2 - len(peers))
        rows.append([scene, *(f"{million(work / c.median())} ({100 * c.spread():.0f} %)" for c in peers), *none,
                     f"{million(work / deck.median())} ({100 * deck.spread():.0f} %)",
                     *(f"{c.median() / deck.median():.2f}" for c in peers), *none,
                     *(f"{c.cpu_median() / deck.cpu_median():.2f}" for c in peers), *none])
    text = ["Results compared before timing, greatest relative difference over all sets:\n",
            markdown(["scene", "trades a set", *worst], checks),
            "\nMillion bar-evaluations a second, median (distance of the quartiles), and how many times faster:\n",
            markdown(["scene", "numba plain", "numba lean", "tapedeck", "x plain", "x lean", "x plain, processor",
                      "x lean, processor"], rows),
            "\nTwo threads against one, in the same contest:\n", *scaling]
    return "\n".join(text)


def strategies(sitting):
    """Engines by strategies, each against the faster of two loops written for it; one thread."""
    from loop import Loop
    from strategies import jobs
    rows, checks = [], []
    for bars in [100000, 1000000] if sitting.options.long else [100000]:
        columns, tape = sitting.market(bars)[0], write_tape(sitting, bars)
        for job in jobs(Grid(1000, "busy")):
            cells = []
            for every in (1, 60):
                title = f"{job.title}, returns every {'bar' if every == 1 else f'{every} bars'}, {bars:,} x {job.sets:,}"
                config = job.write(sitting.folder, tape, every)
                loops = {name: Loop(columns, job, every, name == "numba lean", 1) for name in ("numba plain", "numba lean")}
                ours = sitting.program.cells_of(config)
                worst = compared(title, ours, loops.values())
                checks.append([title, f"{np.mean(ours['trades']):.0f}", f"{max(worst.values()):.1e}"])
                engines_of = sitting.program.engines_of(config)
                peers = [Contestant(name, bars * job.sets, timed(loop.play)) for name, loop in loops.items()]
                # the oracle, a few sets of it, once; where the skip engine cannot play, the lanes engine is what a sweep takes
                chosen = ["reference", "lanes"] if every == 1 else [list(engines_of)[-1]]
                decks = [Contestant(f"tapedeck {engine}", engines_of[engine], sitting.program.played(config, engine)) for engine in chosen]
                sitting.contest(title, [*peers, *decks], sitting.options.rounds if bars < 1e6 else 3)
                best = min(peers, key=lambda peer: peer.cpu_median())
                cells += [million(best.work / best.median())]
                for deck, engine in zip(decks, chosen):
                    shown = f"{million(deck.work / deck.median())} ({100 * deck.spread():.0f} %)"
                    cells.append(shown if every == 1 or engine == "skip" else f"{shown} by {engine}")
                    if engine != "reference":
                        times = [(c.work / c.median(), c.work / c.cpu_median()) for c in (deck, best, peers[0])]
                        cells.append(f"**{times[0][0] / times[1][0]:.2f}** ({times[0][1] / times[1][1]:.2f})")
                        cells.append(f"{times[0][0] / times[2][0]:.2f} ({times[0][1] / times[2][1]:.2f})")
            rows.append([f"{job.title}, {bars:,} x {job.sets:,}", *cells])
    heads = ["strategy, bars x sets", "loop, every bar", "reference", "lanes", "x loop (processor)", "x plain loop (processor)",
             "loop, every 60 bars", "skip", "x loop (processor)", "x plain loop (processor)"]
    text = ["Results compared before timing, greatest relative difference over all sets and six metrics:\n",
            markdown(["", "trades a set", "difference"], checks),
            "\nMillion bar-evaluations a second, median (distance of the quartiles); `x loop` is how many times faster than the faster of "
            "the two loops:\n", markdown(heads, rows)]
    return "\n".join(text)


def packages(sitting):
    """Contest with the packages, all on one thread."""
    from packages import BacktestingPy, Vectorbt
    bars, sets = 100000, 1000
    columns, data = sitting.market(bars)
    grid = Grid(sets, "busy")
    vectorbt, backtesting = Vectorbt(columns, grid, 20), BacktestingPy(columns, grid)
    scenes = ["lanes/busy/100000x1000", "skip/busy/100000x1000"]
    ours = sitting.program.cells(scenes[0], data)
    contestants = [Contestant(f"vectorbt {vectorbt.version}, 20 sets", bars * 20, timed(vectorbt.play)),
                   Contestant(f"backtesting.py {backtesting.version}, 1 set", bars, timed(backtesting.play)),
                   *(Contestant(f"tapedeck {scene}", bars * sets, sitting.program.scene(scene, data)) for scene in scenes)]
    sitting.contest("packages", contestants, max(3, sitting.options.rounds // 3))
    trades = np.asarray(ours["trades"])
    counts = [f"{vectorbt.trades().mean():.1f} (ours {trades[vectorbt.pick].mean():.1f})",
              f"{backtesting.trades().mean():.1f} (ours {trades[backtesting.pick]:.1f})", *[f"{trades.mean():.1f}"] * 2]
    wall = [c.work / c.median() for c in contestants]
    cpu = [c.work / c.cpu_median() for c in contestants]
    return markdown(["", "million bar-evaluations/s", "distance of quartiles", "lanes is faster by", "skip is faster by",
                     "lanes, processor", "skip, processor", "trades a set, same sets"],
                    [[c.name, f"{w / 1e6:,.2f}", f"{100 * c.spread():.0f} %", *(f"{wall[k] / w:,.0f}" for k in (2, 3)),
                      *(f"{cpu[k] / p:,.0f}" for k in (2, 3)), n] for c, w, p, n in zip(contestants, wall, cpu, counts)])


SWEEP = """tape: {tape}
strategy: sma-cross
method: grid
parameters:
  fast: {{min: 4, max: {fast}, distribution: int_uniform}}
  slow: {{min: 110, max: {slow}, q: 4, distribution: q_uniform}}
  stop_loss: {{values: {stops}}}
account: {{cash: 1000000}}
costs: {{commission: 0.001, slippage: 0.0002}}
stops: {{take_profit: 0.02}}
fill: {{at: close}}
metrics: {{sample: {sample}}}
"""


def memory(sitting):
    """Whole sweeps as processes."""
    bars = 200000
    tape = write_tape(sitting, bars)
    from packages import Vectorbt
    vectorbt = Vectorbt(sitting.market(bars)[0], Grid(1000, "busy"), 20)
    peer = Contestant(f"vectorbt {vectorbt.version}, the pipeline in a warm process", bars * 20, timed(vectorbt.play))
    sitting.contest("memory", [peer], 3)
    base, cpu_base = peer.work / peer.median(), peer.work / peer.cpu_median()
    rows = [[peer.name, "20", f"{peer.median():.2f}", f"{base / 1e6:,.2f}", "1", "1", ""]]
    grids = [(1000, 28, 266, [0.01]), (10000, 103, 506, [0.01]), (100000, 103, 506, [i / 1000 for i in range(6, 16)])]
    for sample in ("60", "bar"):
        for sets, fast, slow, stops in grids:
            if sets == 100000 and sample == "bar" and not sitting.options.long:
                continue
            config = os.path.join(sitting.folder, "sweep.yaml")
            with open(config, "w", encoding="utf-8") as file:
                file.write(SWEEP.format(tape=tape, fast=fast, slow=slow, stops=stops, sample=sample))
            results = os.path.join(sitting.folder, "sweep.h5")
            arguments = ["sweep", config, "-o", results, "--threads", "1", "--force", "--json", "--quiet"]
            found = [sitting.program.process(*arguments) for _ in range(3 if sets < 100000 else 1)]
            if any(json.loads(text)["sets"] != sets for *_, text in found):
                raise SystemExit(f"the sweep has {json.loads(found[0][3])['sets']} sets, not {sets}")
            wall, cpu = (float(np.median([f[i] for f in found])) for i in (0, 1))
            peak, rate, cpu_rate = max(f[2] for f in found), bars * sets / wall, bars * sets / cpu
            every = "bar" if sample == "bar" else f"{sample} bars"
            rows.append([f"tapedeck sweep, returns every {every}", f"{sets:,}", f"{wall:.2f}", f"{rate / 1e6:,.0f}",
                         f"{rate / base:,.0f}", f"{cpu_rate / cpu_base:,.0f}", f"{peak / 1e6:.0f} MB"])
            sitting.record.append({"contest": "memory", "name": f"tapedeck {sets} sets, sample {sample}", "items": bars * sets,
                                   "seconds": [f[0] for f in found], "cpu_seconds": [f[1] for f in found], "peak_bytes": peak})
    return markdown(["", "sets", "seconds", "million bar-evaluations/s", "x vectorbt", "x vectorbt, processor",
                     "peak resident set"], rows)


DAILY = """tape: {tape}
strategy: sma-cross
parameters: {{fast: {{value: 10}}, slow: {{value: 30}}}}
account: {{cash: 10000, units: whole}}
finalize: true
profile: backtesting
"""


READ_CSV = """import sys, time, pandas
pandas.read_csv(sys.argv[1], header=None)
times = []
for _ in range(3):
    began, cpu = time.perf_counter(), time.process_time()
    pandas.read_csv(sys.argv[1], header=None)
    times.append((time.perf_counter() - began, time.process_time() - cpu))
print(pandas.__version__, *sorted(times)[1])"""


def packaged_pandas(path, rows):
    """The pandas that the system's own Python has, where it has one: what most machines run."""
    def ask():
        found = subprocess.run(["/usr/bin/python3", "-c", READ_CSV, path], capture_output=True, text=True, check=False)
        return found.stdout.split()
    first = ask()
    if not first:
        return []
    return [Contestant(f"pandas {first[0]} read_csv, 12 columns", rows, lambda: tuple(map(float, ask()[1:])))]


def small(sitting):
    """What is not about bars and sets."""
    import pandas as pd
    rows = []
    # a process on daily bars
    columns = walk(2148)
    text, tape, config = (os.path.join(sitting.folder, name) for name in ("daily.csv", "daily.h5", "daily.yaml"))
    days = pd.date_range("2004-08-19", periods=columns.shape[1])
    pd.DataFrame(columns.T, index=days, columns=["Open", "High", "Low", "Close", "Volume"]).to_csv(text)
    sitting.program.run("data", "import", "klines", text, "-o", tape, "--symbol", "DAILY", "--interval", "1d")
    with open(config, "w", encoding="utf-8") as file:
        file.write(DAILY.format(tape=tape))

    def start():
        seconds, cpu, *_ = sitting.program.process("run", config, "--json")
        return seconds, cpu
    run = Contestant("tapedeck run, 2,148 daily bars", 1, start)
    sitting.contest("cold", [run], 10 * sitting.options.rounds)
    rows.append([run.name, f"{1e3 * run.median():.1f} ms", f"{1e3 * min(run.seconds):.1f} ms", f"{100 * run.spread():.0f} %", ""])
    # sets that cost nothing
    noop = Contestant("100,000 no-op sets, journal and results file", 100000, sitting.program.scene("sweep/no-op/100000"))
    sitting.contest("no-op", [noop], sitting.options.rounds)
    rows.append([noop.name, f"{1e3 * noop.median():.0f} ms", f"{1e3 * min(noop.seconds):.0f} ms", f"{100 * noop.spread():.0f} %",
                 f"{noop.work / noop.median():,.0f} sets/s"])
    # CSV: the scene writes the same text from the same bars
    bars = 200000
    columns, data = sitting.market(bars)
    path = os.path.join(sitting.folder, "klines.csv")
    write_klines(path, columns)
    frame = pd.read_csv(path, header=None)
    if not (len(frame) == bars and np.allclose(frame[4].to_numpy(), columns[3], rtol=0, atol=1e-8)):
        raise SystemExit("pandas did not read the bars that were written")
    csv = [*packaged_pandas(path, bars),
           Contestant(f"pandas {pd.__version__} read_csv, 12 columns", bars, timed(lambda: pd.read_csv(path, header=None))),
           Contestant(f"pandas {pd.__version__} read_csv, 6 columns", bars,
                      timed(lambda: pd.read_csv(path, header=None, usecols=range(6)))),
           Contestant("tapedeck klines reader", bars, sitting.program.scene(f"klines/{bars}", data))]
    sitting.contest("csv", csv, sitting.options.rounds)
    for c in csv:
        ratio = (f"; tapedeck is faster by {c.median() / csv[-1].median():.1f} "
                 f"(processor {c.cpu_median() / csv[-1].cpu_median():.1f})")
        rows.append([c.name, f"{1e3 * c.median():.1f} ms", f"{1e3 * min(c.seconds):.1f} ms", f"{100 * c.spread():.0f} %",
                     f"{c.work / c.median() / 1e6:.2f} M rows/s{ratio if c is not csv[-1] else ''}"])
    return markdown(["", "median", "best", "distance of quartiles", ""], rows)


def scenes(sitting):
    """tapedeck bench as it is."""
    path = os.path.join(sitting.folder, "bench.json")
    table = sitting.program.run("bench", "-o", path)
    if sitting.options.results:
        shutil.copyfile(path, os.path.join(sitting.options.results, "bench.json"))
    return "```\n" + table + "```"


CONTESTS = {"engines": engines, "strategies": strategies, "packages": packages, "memory": memory, "small": small, "scenes": scenes}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("contest", choices=[*CONTESTS, "all"])
    parser.add_argument("--tapedeck", default=os.path.join(HERE, "..", "..", "build", "release", "tapedeck"))
    parser.add_argument("--rounds", type=int, default=9, help="measurements of each contestant (default 9)")
    parser.add_argument("--long", action="store_true", help="also a million bars and ten thousand sets: some ten minutes more")
    parser.add_argument("--results", metavar="FOLDER", help="write <contest>.json with every measurement, and bench.json")
    parser.add_argument("--docs", metavar="FILE.md", help="put the tables between the markers of this document")
    options = parser.parse_args()
    if options.results:
        os.makedirs(options.results, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="tapedeck-peers-") as folder:
        sitting = Sitting(options, folder)
        for name, contest in CONTESTS.items():
            if options.contest not in (name, "all"):
                continue
            sitting.record = []
            # loads of the machine before and after, so that a disturbed sitting can be told
            before, text = os.getloadavg()[0], contest(sitting)
            text += (f"\n\nLoad of the machine {before:.2f} before and {os.getloadavg()[0]:.2f} after; "
                     f"{sitting.program.run('--version').strip()}, Python {platform.python_version()}.\n")
            print(f"\n### {name}\n\n{text}", flush=True)
            if options.docs:
                put_into(options.docs, name, text)
            if options.results and sitting.record:
                with open(os.path.join(options.results, f"{name}.json"), "w", encoding="utf-8") as file:
                    json.dump({"load": [before, os.getloadavg()[0]], "measurements": sitting.record}, file, indent=1)
                    file.write("\n")


if __name__ == "__main__":
    main()
