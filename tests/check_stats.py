"""`tapedeck stats` as people use it: on a matrix of returns, on a results file, on what is neither."""
import gzip
import json
import math
import os
import random
import subprocess
import sys
import tempfile

TAPEDECK = os.environ["TAPEDECK_BIN"]
problems = []


def expect(good, what):
    if not good:
        problems.append(what)


def run(*arguments, threads=2):
    done = subprocess.run([TAPEDECK, *arguments], capture_output=True, text=True, env=dict(os.environ, OMP_NUM_THREADS=str(threads)))
    return done.returncode, done.stdout, done.stderr


def stats(*arguments, **options):
    code, out, err = run("stats", *arguments, "--json", **options)
    expect(code == 0, f"stats {' '.join(arguments)} ends with {code}: {err}")
    return json.loads(out) if code == 0 else {}


def write(path, rows):
    with open(path, "w", encoding="utf-8") as file:
        file.write("\n".join(",".join(str(x) for x in row) for row in rows) + "\n")


def matrix(seed, periods, trials, skill=None):
    draws = random.Random(seed)
    rows = [["date"] + [f"t{k}" for k in range(trials)]]
    for t in range(periods):
        rows.append([f"day {t}"] + ["%.8f" % (draws.gauss(0.008 if k == skill else 0, 0.02)) for k in range(trials)])
    return rows


with tempfile.TemporaryDirectory() as folder:
    noise, skilled = os.path.join(folder, "noise.csv"), os.path.join(folder, "skilled.csv")
    write(noise, matrix(1, 640, 100))
    write(skilled, matrix(2, 640, 100, skill=42))

    # noise: the best looks good alone and is nothing beside what was tried
    found = stats("--returns", noise)
    keys = ["psr", "dsr", "min_trl_years", "pbo", "pbo_interval", "spa", "rc", "stepm", "n_trials", "n_effective"]
    expect(all(key in found for key in keys), f"keys are missing: {sorted(set(keys) - set(found))}")
    expect(found["psr"] > 0.95 and found["dsr"] < 0.95 and found["spa"] > 0.05 and found["rc"] > 0.05, f"noise is taken for skill: {found}")
    expect(found["pbo_interval"][0] <= found["pbo"] <= found["pbo_interval"][1] and found["stepm"] == [], "PBO of noise is outside its interval")
    expect(found["n_trials"] == 100 and 60 < found["n_effective"] <= 100, f"{found['n_effective']} effective trials of 100 independent ones")

    # skill is found, and which trial has it
    found = stats("--returns", skilled)
    expect(found["chosen"] == "t42" and found["stepm"] == ["t42"], f"chosen {found['chosen']}, stepwise {found['stepm']}")
    expect(found["dsr"] > 0.95 and found["spa"] < 0.05 and found["pbo_interval"][1] < 0.1, f"skill is taken for luck: {found}")

    # the same numbers on one thread, packed, and without the column of dates; other trials tried make it less
    with open(skilled, "rb") as plain, gzip.open(skilled + ".gz", "wb") as packed:
        packed.write(plain.read())
    write(os.path.join(folder, "bare.csv"), [row[1:] for row in matrix(2, 640, 100, skill=42)])
    expect(stats("--returns", skilled, threads=1) == found, "threads change the numbers")
    expect(stats("--returns", skilled + ".gz") == found, "packing changes the numbers")
    expect(stats("--returns", os.path.join(folder, "bare.csv")) == found, "dates change the numbers")
    more = stats("--returns", skilled, "--trials", "100000")
    expect(more["n_trials"] == 100000 and more["dsr"] < found["dsr"] and more["psr"] == found["psr"], "trials that were run earlier do not count")
    other = stats("--returns", skilled, "--chosen", "t7")
    expect(other["chosen"] == "t7" and other["psr"] < found["psr"], "--chosen chooses nothing")

    # a permutation of the trials changes nothing but their order
    rows = matrix(2, 640, 100, skill=42)
    write(os.path.join(folder, "turned.csv"), [row[:1] + row[:0:-1] for row in rows])
    turned = stats("--returns", os.path.join(folder, "turned.csv"))
    for key in ("psr", "dsr", "n_effective", "spa", "rc", "pbo"):
        expect(math.isclose(turned[key], found[key], rel_tol=1e-9), f"{key} depends on the order of the trials: {turned[key]} and {found[key]}")

    # a results file: the trial it chooses is one of the sweep's, and the verdict is three lines
    tape, results = os.path.join(folder, "t.h5"), os.path.join(folder, "r.h5")
    config = os.path.join(folder, "c.yaml")
    expect(run("data", "synth", "-o", tape, "--bars", "20000", "--seed", "3")[0] == 0, "no synthetic tape")
    with open(config, "w", encoding="utf-8") as file:
        file.write(f"tape: {tape}\nstrategy: sma-cross\nparameters:\n  fast: {{values: [5, 10, 20]}}\n  slow: {{values: [50, 100, 200]}}\n")
    expect(run("sweep", config, "-o", results)[0] == 0, "no sweep")
    found = stats(results)
    expect(found["periods"] == 64 and found["trials_here"] == 9 and found["chosen"].startswith("trial "), f"of a results file: {found}")
    shares = found["importance"]
    expect(shares == {}, f"importance out of nine trials: {shares}")
    robust = found["robust"]
    expect(robust["best_value"] >= robust["value"] and robust["worst_neighbour"] >= robust["best_worst_neighbour"], f"robust: {robust}")
    more = os.path.join(folder, "more.h5")
    expect(run("sweep", config, "-o", more, "--set", "parameters={fast: {range: [4, 24, 4]}, slow: {range: [30, 90, 10]}}")[0] == 0, "no second sweep")
    found = stats(more)
    expect(sorted(found["importance"]) == ["fast", "slow"], f"importance of {list(found['importance'])}")
    expect(abs(sum(axis["share"] for axis in found["importance"].values()) - 1) < 1e-9, "shares do not add up")
    expect(stats(more, threads=1) == found, "threads change what matters")
    code, out, err = run("stats", results)
    lines = out.rstrip("\n").split("\n")
    expect(code == 0 and len(lines) > 4 and lines[-4] == "" and all(line.endswith(".") for line in lines[-3:]), f"no three lines at the end: {out}")

    # what cannot be read says so
    def refused(text, code, *parts):
        path = os.path.join(folder, "bad.csv")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        got, out, err = run("stats", "--returns", path)
        expect(got == code and not out and all(part in err for part in parts), f"{text!r}: exit {got}, {err!r}")

    refused("", 3, "bad.csv: is empty")
    refused("a,b\n", 3, "no returns below the header")
    refused("1,2\n3,4\n", 3, "bad.csv:1:", "header of names")
    refused("a,b\n1,2\n3\n", 3, "bad.csv:3:", "fewer than 2")
    refused("a,b\n1,2,3\n", 3, "bad.csv:2:", "more than 2")
    refused("a,b\n1,x\n", 3, "bad.csv:2:", "'x'", "trial 'b'")
    refused("a,b\n1,\n", 3, "bad.csv:2:", "expected a finite number")
    refused("a,b\n1,1\n1,1\n1,1\n1,1\n1,1\n", 3, "no trial moves")
    refused("a,b\n1,2\n2,1\n", 3, "2 periods say nothing")
    for arguments in (["stats"], ["stats", results, "--returns", noise], ["stats", results, "--blocks", "7"], ["stats", results, "--chosen", "99"]):
        expect(run(*arguments)[0] == 2, f"{arguments}: is no usage error")

print("\n".join(problems) or "stats: all as expected")
sys.exit(bool(problems))
