"""tapedeck bench as people and CI use it, and the gate on instruction counts. No seconds are judged: bases are made up so that
the verdict does not depend on the machine."""
import csv
import json
import os
import shutil
import struct
import subprocess
import sys
import tempfile

from repository import SOURCE, finish

PROGRAM = os.environ.get("TAPEDECK_BIN")
if not PROGRAM:
    print("TAPEDECK_BIN does not name the program: skipped")
    sys.exit(77)
PROGRAM = os.path.abspath(PROGRAM)
GATE = os.path.join(SOURCE, "bench", "callgrind.py")
SCENE = "gate/rows/ema/20000x64"
problems = []


def run(*command, **environment):
    return subprocess.run(command, capture_output=True, text=True, check=False, env=dict(os.environ, **environment))


def bench(*arguments, **environment):
    return run(PROGRAM, "bench", *arguments, **environment)


def expect(what, ran, code, *parts):
    """The run ended with `code` and said all parts, on either stream."""
    said = ran.stdout + ran.stderr
    missing = [part for part in parts if part not in said]
    if ran.returncode != code or missing:
        problems.append(f"{what}: exit code {ran.returncode}, expected {code}; missing {missing} in\n{said}")


def base_file(name, milliseconds, scene=SCENE, **more):
    with open(name, "w", encoding="utf-8") as file:
        json.dump({"context": more, "benchmarks": [{"name": scene, "real_time": milliseconds, "time_unit": "ms"}]}, file)
    return name


def check_command():
    names = bench("--list").stdout.split()
    if SCENE not in names or "lanes/busy/100000x1000" not in names or len(set(names)) != len(names):
        problems.append(f"--list lacks names or repeats them: {names}")
    expect("one name", bench("--list", "--filter", "^gate/rows/ema/"), 0, SCENE)
    for what, arguments, parts in [
            ("no such scene", ["--filter", "nothing-like-this"], ["no scene's name matches 'nothing-like-this'", "--list"]),
            ("no expression", ["--filter", "("], ["--filter is '('", "no regular expression"]),
            ("no count", ["--repetitions", "0"], ["--repetitions is '0'"]),
            ("half a count", ["--repetitions", "1.5"], ["whole number"]),
            ("no time", ["--min-time", "soon"], ["--min-time is 'soon'"]),
            ("no percentage", ["--threshold", "-1%"], ["--threshold"]),
            ("an argument", ["fast"], ["unexpected argument 'fast'"]), ("once and a file", ["--once", "-o", "x.json"], ["--once"])]:
        expect(what, bench(*arguments), 2, *parts)


def check_report():
    quick = ["--filter", "^gate/rows/ema/", "--repetitions", "2", "--min-time", "0"]
    expect("a measurement", bench(*quick, "-o", "out.json"), 0, SCENE, "values/s")
    with open("out.json", encoding="utf-8") as file:
        document = json.load(file)
    for key in ("date", "num_cpus", "library_build_type", "compiler", "isa", "processor", "load_avg"):
        if key not in document["context"]:
            problems.append(f"the context lacks {key}")
    entries = document["benchmarks"]
    found = [(e["name"], e["run_type"], e["repetitions"], e["repetition_index"]) for e in entries]
    if found != [(SCENE, "iteration", 2, i) for i in (0, 1)]:
        problems.append(f"entries are not two repetitions of {SCENE}: {entries}")
    if not all(e["real_time"] > 0 and e["cpu_time"] >= 0 and e["iterations"] == 1 and e["values_per_second"] > 0 for e in entries):
        problems.append(f"numbers of the entries make no sense: {entries}")
    printed = bench(*quick, "--json")
    if [e["name"] for e in json.loads(printed.stdout)["benchmarks"]] != [SCENE] * 2:
        problems.append(f"--json printed {printed.stdout}")
    expect("nowhere to write", bench(*quick, "-o", "no/such/folder.json"), 1, "no/such/folder.json")

    for what, base, more, code, parts in [
            ("slower", base_file("fast.json", 1e-9), [], 4, ["SLOWER", "1 scene is slower than fast.json by more than 2%"]),
            ("not slower", base_file("slow.json", 1e9), [], 0, ["faster"]),
            ("slower but allowed", base_file("some.json", 1e-3), ["--threshold", "1e9%"], 0, [SCENE]),
            ("another machine", base_file("other.json", 1e9, processor="Z80"), [], 0, ["processor was Z80"]),
            ("another scene", base_file("else.json", 1, scene="x"), [], 2, ["not in the base", "has none of these scenes"]),
            ("no base", "nowhere.json", [], 3, ["nowhere.json"])]:
        expect(what, bench(*quick, "--compare", base, *more), code, *parts)
    with open("text.json", "w", encoding="utf-8") as file:
        file.write("no json")
    expect("base is no JSON", bench(*quick, "--compare", "text.json"), 3, "text.json:1:")
    expect("JSON on both", bench(*quick, "--json", "--compare", "fast.json"), 4, '"code":"different"')


def read_cells(path):
    with open(path, newline="", encoding="ascii") as file:
        return list(csv.DictReader(file))


def check_cells():
    """The same cells on every instruction set and engine; other bars give other cells."""
    once = ["--once", "--cells"]
    expect("cells", bench(*once, "a.csv", "--filter", "^gate/lanes/busy/"), 0)
    expect("cells, plain", bench(*once, "b.csv", "--filter", "^gate/lanes/busy/", TAPEDECK_ISA="scalar"), 0)
    expect("no such set", bench("--once", "--filter", SCENE, TAPEDECK_ISA="mmx"), 2, "TAPEDECK_ISA is 'mmx'")
    cells = read_cells("a.csv")
    if len(cells) != 64 or cells != read_cells("b.csv"):
        problems.append("cells depend on the instruction set, or are not 64")
    if not all(float(cell["final_equity"]) > 0 and float(cell["trades"]) > 10 for cell in cells):
        problems.append("the scene's sets hardly trade")

    bars = 20000
    price = [100 + (t * 7919 % 1000) / 100 for t in range(bars)]
    columns = [price, [p + 1 for p in price], [p - 1 for p in price], price, [1.0] * bars]
    raw = b"".join(struct.pack(f"<{bars}d", *column) for column in columns)
    with open("bars.f64", "wb") as file:
        file.write(raw)
    expect("own bars", bench(*once, "c.csv", "--data", "bars.f64", "--filter", "^gate/lanes/busy/"), 0)
    if read_cells("c.csv") == cells:
        problems.append("--data changes nothing")
    for what, content, part in [("short bars", raw[:800], "holds 20 bars"), ("odd bars", raw[:801], "801 bytes"),
                                ("a price of 0", b"\0" * len(raw), "bars.f64")]:
        with open("bars.f64", "wb") as file:
            file.write(content)
        expect(what, bench("--once", "--data", "bars.f64", "--filter", "^gate/lanes/busy/"), 3, part)
    expect("no bars", bench("--once", "--data", "nowhere.f64", "--filter", "^gate/lanes/busy/"), 3, "nowhere.f64")


def check_every_gate_scene():
    """Each checks its results against the reference, so this is a test of the engines too; folders for files are removed."""
    os.mkdir("scratch")
    expect("all gate scenes", bench("--once", "--filter", "^gate/", TMPDIR=os.path.abspath("scratch")), 0)
    if os.listdir("scratch"):
        problems.append(f"left behind in TMPDIR: {os.listdir('scratch')}")
    names = bench("--list", "--filter", "^gate/").stdout.split()
    with open(os.path.join(SOURCE, "bench", "baseline", "callgrind.json"), encoding="utf-8") as file:
        baseline = json.load(file)
    if list(baseline["instructions"]) != names:
        problems.append("bench/baseline/callgrind.json has not the gate's scenes: run bench/callgrind.py --update")


def check_play():
    """A configuration instead of the scenes: built in, a user's file, rules; each engine that can, the same cells as a sweep's."""
    examples = os.path.join(SOURCE, "examples")
    expect("a tape", run(PROGRAM, "data", "import", "klines", os.path.join(examples, "hourly.csv"), "--symbol", "DEMO", "--interval",
                         "1h", "-o", "hourly.h5"), 0)
    with open(os.path.join(examples, "rules.yaml"), encoding="utf-8") as file:
        rules = file.read()
    cross = "strategy: sma-cross\n" + "".join(line for line in rules.splitlines(True) if not line.startswith(("entry:", "exit:")))
    patience = "tape: hourly.h5\nstrategy: %s\nparameters: {window: {values: [%s]}}\n"
    every_bar = patience % (os.path.join(examples, "patience.c"), ", ".join(str(5 + i) for i in range(30)))
    for name, text in ("rules", rules), ("cross", cross), ("patience", every_bar):
        with open(f"{name}.yaml", "w", encoding="utf-8") as file:
            file.write(text)
    cache = {"TAPEDECK_CACHE": os.path.abspath("cache")}
    compiler = any(map(shutil.which, ("clang", "gcc", "cc")))
    quick = ["--repetitions", "2", "--min-time", "0", "--json"]
    for name, names in [("cross", ["sma-cross/reference/2400x13", "sma-cross/lanes/2400x13", "sma-cross/skip/2400x13"]),
                        ("rules", ["rules/reference/2400x13", "rules/lanes/2400x13", "rules/skip/2400x13"]),
                        ("patience", ["patience/reference/2400x16", "patience/lanes/2400x30"])]:
        if name != "cross" and not compiler:
            print("no C compiler here: users' files and rules were not measured")
            continue
        found = bench("--play", f"{name}.yaml", *quick, **cache)
        entries = json.loads(found.stdout)["benchmarks"] if found.returncode == 0 else []
        if [e["name"] for e in entries] != [f"play/{n}" for n in names for _ in range(2)]:
            problems.append(f"--play {name}.yaml measured {[e['name'] for e in entries]}: {found.stderr}")
        sets = int(names[1].rpartition("x")[2])
        for entry in entries[2:]:
            if round(entry["bar_evaluations_per_second"] * entry["real_time"] / 1e3) != 2400 * sets:
                problems.append(f"{entry['name']} does not count {sets} sets of 2400 bars: {entry}")

    # what is measured is what a sweep plays: the same trials with the same results, in both engines and on two threads
    once = ["bench", "--play", "cross.yaml", "--once", "--cells"]
    expect("cells of lanes", run(PROGRAM, *once, "lanes.csv", "--engine", "lanes"), 0)
    expect("cells of skip", run(PROGRAM, *once, "skip.csv", "--engine", "skip", "--threads", "2"), 0)
    expect("a sweep", run(PROGRAM, "sweep", "cross.yaml", "-o", "cross.h5", "--quiet"), 0)
    shown = json.loads(run(PROGRAM, "show", "cross.h5", "--top", "13", "--json").stdout)
    swept = {(row["trial"], row["parameters"]["fast"], row["parameters"]["slow"], row["hash"]) for row in shown}
    cells = read_cells("lanes.csv")
    if cells != read_cells("skip.csv") or len(cells) != 13:
        problems.append(f"cells of lanes and skip differ, or are not 13: {cells}")
    if {(int(c["set"]), int(c["fast"]), int(c["slow"]), c["hash"]) for c in cells} != swept:
        problems.append(f"--play's cells are not the sweep's:\n{cells}\n{swept}")
    if compiler:  # a spread: the first trial and the last
        expect("a spread", run(PROGRAM, "bench", "--play", "patience.yaml", "--once", "--engine", "reference", "--cells", "spread.csv", **cache), 0)
        sets = [int(cell["set"]) for cell in read_cells("spread.csv")]
        if (sets[0], sets[-1], len(set(sets))) != (0, 29, 16):
            problems.append(f"the reference engine played trials {sets}, not 16 from 0 to 29")

    play = ["--play", "cross.yaml"]
    for what, arguments, parts in [
            ("every bar in skip", [*play, "--engine", "skip", "--set", "metrics.sample=bar"], ["the skip engine cannot play this"]),
            ("no such engine", [*play, "--engine", "fast"], ["--engine is 'fast'"]),
            ("no such file", ["--play", "nowhere.yaml"], ["nowhere.yaml"]),
            ("a bad key", [*play, "--set", "metrics.simple=1"], ["metrics.simple"]),
            ("too long a window", [*play, "--set", "parameters={fast: 5, slow: 5000}"], ["5000"]),
            ("an envelope", [*play, "--set", "envelope=true"], ["--set envelope=false"]),
            ("a filter", [*play, "--filter", "lanes"], ["--filter, --list and --data are of the scenes"]),
            ("bars", [*play, "--data", "bars.f64"], ["--filter, --list and --data are of the scenes"]),
            ("a setting of nothing", ["--set", "seed=1"], ["--play CONFIG.yaml"]),
            ("threads of nothing", ["--threads", "2"], ["--play CONFIG.yaml"])]:
        expect(what, bench(*arguments), 2, *parts)


def check_sampler():
    def regret(*arguments):
        done = bench("sampler", "--function", "branin", "--trials", "40", "--seeds", "5", "--json", *arguments)
        expect(f"bench sampler {' '.join(arguments)}", done, 0)
        return json.loads(done.stdout or "{}")

    if not regret("--sampler", "gp")["regret_q3"] < regret("--sampler", "random")["regret_q1"]:
        problems.append("bench sampler: the Gaussian process is no better than guessing")
    one, other = regret(), regret("--threads", "2")
    for key in ("regret_median", "regret_q1", "regret_q3"):
        if one.get(key) != other.get(key) or not 0 < one.get(key, -1) < 50:
            problems.append(f"bench sampler: {key} is {one.get(key)} on one thread, {other.get(key)} on two")
    if not one.get("ms_per_suggest", -1) > 0:
        problems.append(f"bench sampler: ms_per_suggest is {one.get('ms_per_suggest')}")
    if regret("--first-seed", "100")["regret_median"] == one["regret_median"]:
        problems.append("bench sampler: seeds change nothing")
    expect("no such function", bench("sampler", "--function", "forrester"), 2, "forrester", "hartmann6")
    expect("no such sampler", bench("sampler", "--sampler", "gpt"), 2, "gpt", "tpe")
    expect("no trials", bench("sampler", "--trials", "0"), 2, "--trials is '0'")


def check_gate():
    """The gate with baselines of its own; the committed one is for `bench/callgrind.py` by itself."""
    if not shutil.which("valgrind") or run("valgrind", "--tool=none", PROGRAM, "--version").returncode != 0:
        print("no valgrind here, or the program does not run in it: the gate was not tried")
        return

    def gate(*arguments):
        return run(sys.executable, GATE, "--tapedeck", PROGRAM, "--filter", "rows/ema", "--baseline", "gate.json", *arguments)

    def doctor(change):
        with open("gate.json", encoding="utf-8") as file:
            baseline = json.load(file)
        change(baseline)
        with open("gate.json", "w", encoding="utf-8") as file:
            json.dump(baseline, file)

    def scale(factor):
        return lambda baseline: baseline["instructions"].update({SCENE: round(baseline["instructions"][SCENE] * factor)})

    expect("no baseline", gate(), 2, "gate.json", "--update")
    expect("a new baseline", gate("--update"), 0, "1 scenes measured")
    expect("nothing changed", gate("-o", "now.json"), 0, SCENE, "+0.00%")
    doctor(scale(1 / 1.01))
    expect("1 % more", gate(), 0, "+1.0")
    doctor(scale(1 / 1.02))
    expect("3 % more", gate(), 4, "GREW", SCENE)
    expect("3 % more, 5 % allowed", gate("--threshold", "5"), 0)
    doctor(scale(2))
    expect("half", gate(), 0, "shrank")
    expect("no such scene", gate("--filter", "nothing"), 2, "nothing")
    doctor(lambda baseline: baseline.update(compiler="another"))
    expect("another compiler", gate(), 77, "another", "skipped")
    with open("gate.json", "w", encoding="utf-8") as file:
        file.write("{}")
    expect("no counts", gate(), 2, "no baseline")


with tempfile.TemporaryDirectory(prefix="tapedeck-bench-test-") as folder:
    os.chdir(folder)
    for check in (check_command, check_report, check_cells, check_every_gate_scene, check_play, check_sampler, check_gate):
        check()
    os.chdir("/")
finish(problems, "bench measures, compares and gates")
