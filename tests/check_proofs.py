"""`tapedeck verify --poison` and `--warmup` as a user meets them: what they print, as text and JSON, their exit codes, their refusals.

The program is tests/program/main.c, tapedeck with the strategy `peeking`, which looks at a later close behind the words of a strategy.
What the proofs find is tested in tests/test_properties.c."""
import glob
import json
import os
import subprocess
import sys
import tempfile

ODD, SOURCE = os.environ["TAPEDECK_ODD"], os.environ["TAPEDECK_SOURCE"]


def run(*arguments, expect=0):
    done = subprocess.run([ODD, *map(str, arguments)], capture_output=True, text=True)
    if done.returncode != expect:
        sys.exit(f"{' '.join(map(str, arguments))}: exit code {done.returncode}, expected {expect}\n{done.stdout}{done.stderr}")
    return done.stdout, done.stderr


def check(condition, text):
    if not condition:
        sys.exit(text)


def contains(text, *parts):
    for part in parts:
        check(part in text, f"\"{part}\" is not in:\n{text}")


def honest():
    out, err = run("verify", "--poison", "cross.yaml")
    contains(out, "sma-cross on SYNTH 1h, 600 bars; 5 of 6 sets", "are the same, bit for bit, whatever comes after any bar\n",
             "replays cut after every bar; ", " bars replayed in ")
    check(not err, err)
    document = json.loads(run("verify", "--poison", "cross.yaml", "--json", "--sample", 100, "--every", 50)[0])
    check(document["proof"] == "poison" and document["sets"] == 6 and document["leaking"] == 0, document)
    for trial, result in enumerate(document["results"]):
        check(result["trial"] == trial and result["cuts"] == 12 and result["every"] == 50 and result["revealed"], result)
        check(result["parameters"]["fast"] in (3, 5, 8) and result["events"] > 600, result)
    check(document["timing"]["bars_replayed"] == sum(result["bars_replayed"] for result in document["results"]), document)
    other = json.loads(run("verify", "--poison", "cross.yaml", "--json", "--sample", 2, "--seed", 7, "--every", 300)[0])
    check(len(other["results"]) == 2, other)
    # --set and the period reach the proof
    part = json.loads(run("verify", "--poison", "cross.yaml", "--json", "--sample", 1, "--set", "period.from=2023-01-20",
                          "--set", "fill.at=close")[0])
    check(part["bars"] < 300, part)


def on_a_book(name):
    if not os.path.exists("book.h5"):
        run("data", "synth", "--book", "--duration", "5m", "-o", "book.h5")
    with open("one.yaml", "w") as file:
        file.write(f"tape: book.h5\nstrategy: {name}\n")
    metrics = json.loads(run("run", "one.yaml", "--json")[0])["metrics"]
    check(metrics["num_trades"] > 10, f"{name}: {metrics['num_trades']} executions")
    contains(run("verify", "--poison", "one.yaml", expect=2)[1], "plays order books, and --poison and --warmup are of play on bars")


def built_in():
    """None of the built-in strategies sees the future, and each trades with its defaults, on the made-up tape and on the examples'."""
    run("data", "import", "klines", os.path.join(SOURCE, "examples", "hourly.csv"), "--symbol", "DEMO", "--interval", "1h", "-o", "hourly.h5")
    run("data", "synth", "--symbols", 2, "--bars", 2000, "--interval", "1h", "-o", "pair.h5")
    files = glob.glob(os.path.join(SOURCE, "strategies", "*.c"))
    check(len(files) >= 14, files)
    for path in sorted(files):
        name = os.path.basename(path)[:-2].replace("_", "-")
        with open(path) as file:
            on_books = "HOOKS(" in file.read()
        if on_books:  # tests/test_book_properties.c cuts their future off
            on_a_book(name)
            continue
        with open("one.yaml", "w") as file:
            if name == "pairs":
                file.write("tape: pair.h5\nsymbols: all\nstrategy: pairs\nportfolio: {weights: equal}\ncosts: {commission: 0.001}\n")
            else:
                file.write(f"tape: hourly.h5\nstrategy: {name}\naccount: {{pyramiding: 4}}\ncosts: {{commission: 0.001}}\n")
        metrics = json.loads(run("run", "one.yaml", "--json")[0])["metrics"]
        check(metrics["fills"] > 10 or name == "buy-and-hold", f"{name}: {metrics['fills']} fills")
        if name == "pairs":  # tests/test_portfolio.c changes its future
            contains(run("verify", "--poison", "one.yaml", expect=2)[1], "plays a portfolio, and the proofs one symbol")
            continue
        result = json.loads(run("verify", "--poison", "one.yaml", "--json", "--set", "tape=t.h5")[0])["results"][0]
        check(not result["leaks"] and result["events"] > 0, f"{name}: {result}")


def cheating():
    out, err = run("verify", "--poison", "peek.yaml", expect=4)
    contains(out, "bar 97 (2023-01-05T0", "depends on what comes after bar 97", "with the true future            decided ",
             "with prices not a number        no decision", "6 of 599 replays differ")
    contains(err, "peeking sees the future: in set 0, bar 97", "when prices after bar 97 are not a number")
    out, err = run("verify", "--poison", "peek.yaml", "--json", "--every", 500, expect=4)
    document = json.loads(out)
    result = document["results"][0]
    check(document["leaking"] == 1 and result["leaks"] and result["cuts_leaking"] == 0, result)
    check(result["first"]["bar"] == 97 and result["first"]["cut"] == 97 and result["first"]["poison"] == "nan", result)
    check(result["first"]["truth"].startswith("decided ") and result["first"]["poisoned"] == "no decision", result)
    contains(json.loads(err.splitlines()[-1])["error"]["message"], "peeking sees the future")
    run("verify", "--poison", "peek.yaml", "--set", "parameters.ahead=0", "--every", 1)
    # rows on prices times the lot are computed beforehand: the revealing play proves nothing, and says so
    out, _ = run("verify", "--poison", "cross.yaml", "--sample", 1, "--every", 7, "--set", "profile=backtesting",
                 "--set", "account.units.lot=0.001")
    contains(out, "whatever comes after bars 0, 7, 14, ...", "--every 1 proves the other bars", "cut after every 7th bar")


def warmup():
    out, _ = run("verify", "--warmup", "cross.yaml", "--sample", 1)
    contains(out, "set 2 (fast 5, slow 20): 21 starts, 580 bars in common from bar 20 on", "are on the same side", "trades ", "median")
    document = json.loads(run("verify", "--warmup", "cross.yaml", "--json", "--sample", 6, "--offsets", 10, "--step", 24)[0])
    check(document["proof"] == "warmup" and len(document["results"]) == 6, document)
    for result in document["results"]:
        offsets = [start["offset"] for start in result["starts"]]
        check(offsets == list(range(0, 241, 24)) and result["common"] == 360 and result["first_common"]["bar"] == 240, result)
        check(result["starts"][0]["settled"]["bar"] == 240 and result["starts"][0]["differing"] == 0, result)
        settled = [start["settled"] for start in result["starts"]]
        if result["never"] == 0:
            check(result["settled"]["bar"] == max(bar["bar"] for bar in settled), result)
        else:
            check(result["settled"] is None and settled.count(None) == result["never"], result)
        trades = [start["trades"] for start in result["starts"]]
        check(result["trades"]["least"] == min(trades) and result["trades"]["most"] == max(trades), result)


def refusals():
    for arguments, code, sentence in (
            (("--poison",), 2, "the configuration file is missing"),
            (("--poison", "cross.yaml", "--warmup"), 2, "ask one at a time"),
            (("--poison", "cross.yaml", "--offsets", 3), 2, "--offsets and --step go with --warmup"),
            (("--warmup", "cross.yaml", "--every", 3), 2, "--every goes with --poison"),
            (("--poison", "cross.yaml", "--every", 0), 2, "--every is '0', must be a whole number from 1"),
            (("--warmup", "cross.yaml", "--offsets", 400), 2, "leave less than half of the 600 bars in common"),
            (("--poison", "nowhere.yaml"), 2, "nowhere.yaml"),
            (("--poison", "cross.yaml", "--set", "tape=nowhere.h5"), 3, "nowhere.h5")):
        out, err = run("verify", *arguments, expect=code)
        contains(err, sentence)
    contains(run("verify", "--help")[0], "verify --poison CONFIG.yaml", "verify --warmup")
    contains(run("verify", "--poison", "--help")[0], "--every=K", "--offsets=N", "--set=KEY=VALUE")


os.chdir(tempfile.mkdtemp(prefix="tapedeck-proofs-"))
run("data", "synth", "--bars", 600, "--interval", "1h", "--seed", 4, "-o", "t.h5")
with open("cross.yaml", "w") as file:
    file.write("tape: t.h5\nstrategy: sma-cross\nparameters: {fast: {values: [3, 5, 8]}, slow: {values: [20, 40]}}\n"
               "stops: {stop_loss: 0.01}\ncosts: {commission: 0.001}\n")
with open("peek.yaml", "w") as file:
    file.write("tape: t.h5\nstrategy: peeking\nparameters: {every: 97}\n")
honest()
built_in()
cheating()
warmup()
refusals()
print("proofs: honest strategies pass, the peeking one does not")
