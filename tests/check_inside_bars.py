"""Inside the bar as a user meets it: `execution_interval` and `envelope` in run, sweep, resume, verify, show, and what is refused.

What is played is held by tests/test_intrabar.c; here a play through finer bars is followed through files and commands."""
import csv
import gzip
import json
import os
import subprocess
import sys
import tempfile

TAPEDECK = os.environ["TAPEDECK_BIN"]


def run(*arguments, expect=0):
    done = subprocess.run([TAPEDECK, *map(str, arguments)], capture_output=True, text=True)
    if done.returncode != expect:
        sys.exit(f"{' '.join(map(str, arguments))}: exit code {done.returncode}, expected {expect}\n{done.stdout}{done.stderr}")
    return done.stdout, done.stderr


def check(condition, text):
    if not condition:
        sys.exit(str(text))


def refused(part, *settings):
    out, err = run("run", "hours.yaml", *(word for setting in settings for word in ("--set", setting)), expect=2)
    check(part in err, f"\"{part}\" is not in:\n{err}")


def variables_of(path):
    import h5py
    with h5py.File(path) as file:
        return {name: (file[name].dtype.str, file[name][()].tobytes()) for name in file}


def execution():
    # one play: bars of an hour, fills inside them
    one = ["--set", "parameters={fast: 5, slow: 20}"]
    hours = json.loads(run("run", "hours.yaml", *one, "--json")[0])
    walked = json.loads(run("run", "hours.yaml", *one, "--set", "execution_interval=5m", "--json", "--fills", "fills.csv", "--trades",
                            "trades.csv", "--equity", "equity.csv")[0])
    check(walked["tape"]["bars"] == hours["tape"]["bars"] and walked["periods_per_year"] == hours["periods_per_year"], walked)
    check(walked["metrics"]["buy_hold_return"] == hours["metrics"]["buy_hold_return"], walked["metrics"])
    check(walked["metrics"]["ambiguous_bars"] < hours["metrics"]["ambiguous_bars"],
          f"{walked['metrics']['ambiguous_bars']} ambiguous bars, of {hours['metrics']['ambiguous_bars']} without finer ones")
    with open("equity.csv") as file:
        opens = [row["time"] for row in csv.DictReader(file)]
    inside = 0
    with open("fills.csv") as file:
        for fill in csv.DictReader(file):
            check(fill["time"][:13] == opens[int(fill["bar"])][:13], fill)
            if fill["reason"] == "open":
                check(fill["time"] == opens[int(fill["bar"])], fill)
            inside += fill["time"] != opens[int(fill["bar"])]
    check(inside > 10, f"{inside} fills inside bars")
    with open("trades.csv") as file:
        for trade in csv.DictReader(file):
            check(trade["entry_time"] <= trade["exit_time"] and trade["exit_time"][:13] == opens[int(trade["exit_bar"])][:13], trade)

    # sweep, threads, resume, verify
    run("sweep", "walk.yaml", "-o", "whole.h5", "--threads", 1)
    run("sweep", "walk.yaml", "-o", "parts.h5", "--threads", 2, "--set", "limits.wall=0.000001s", expect=130)
    run("sweep", "walk.yaml", "-o", "parts.h5", "--resume", "--engine", "reference")
    check(variables_of("whole.h5") == variables_of("parts.h5"), "a resumed sweep has other bytes")
    run("verify", "whole.h5", "--sample", "all")
    run("plan", "walk.yaml")
    run("sweep", "walk.yaml", "-o", "whole.h5", "--resume", "--set", "execution_interval=10m", expect=2)
    cells = json.loads(run("show", "whole.h5", "--json", "--top", "all")[0])
    check(any(cell["metrics"]["final_equity"] == walked["metrics"]["final_equity"] for cell in cells), "the run is not in the sweep")

    # the proof poisons the finer bars, too
    out, err = run("verify", "--poison", "walk.yaml", "--sample", 2, "--every", 97)
    check("are the same, bit for bit" in out, out)
    out, err = run("verify", "--poison", "walk.yaml", "--sample", 1, "--every", 97, "--set", "fill.at=close", "--set",
                   "costs.volume_share=0.1")
    check("are the same, bit for bit" in out, out)

    refused("execution_interval: the interval 7m is not a multiple of the tape's, 5m", "execution_interval=7m")
    refused("execution_interval: bars of 1h are not finer than those of 1h", "execution_interval=1h")
    refused("execution_interval: bars of 25m do not lie in those of 1h", "execution_interval=25m")
    refused("execution_interval: 'often' is no interval", "execution_interval=often")
    refused("execution_interval is of profile tapedeck", "execution_interval=5m", "profile=backtesting")


def envelopes():
    one = ["--set", "parameters={fast: 5, slow: 20}"]
    alone = json.loads(run("run", "hours.yaml", *one, "--json")[0])
    check("envelope" not in alone, alone.keys())
    played = json.loads(run("run", "hours.yaml", *one, "--set", "envelope=true", "--json")[0])
    check(played["metrics"] == alone["metrics"] and played["hash"] == alone["hash"], "an envelope changes the set")
    for name, value in played["metrics"].items():
        low, high = played["envelope"][name]
        check(value is None or low <= value <= high, (name, low, value, high))
    low, high = played["envelope"]["final_equity"]
    ends = [json.loads(run("run", "hours.yaml", *one, "--set", f"intrabar={policy}", "--json")[0])["metrics"]["final_equity"]
            for policy in ("pessimistic", "optimistic")]
    check(low < high and [low, high] == sorted(ends), (low, high, ends))
    out, err = run("run", "hours.yaml", *one, "--set", "envelope=true")
    check("low" in out and "high" in out, out)

    run("sweep", "enveloped.yaml", "-o", "e.h5", "--threads", 1)
    run("sweep", "enveloped.yaml", "-o", "e2.h5", "--threads", 2, "--set", "limits.wall=0.000001s", expect=130)
    run("sweep", "enveloped.yaml", "-o", "e2.h5", "--resume", "--engine", "reference")
    check(variables_of("e.h5") == variables_of("e2.h5"), "a resumed sweep has other bytes")
    run("sweep", "hours.yaml", "-o", "plain.h5")
    plain, with_bounds = variables_of("plain.h5"), variables_of("e.h5")
    check(all(with_bounds[name] == plain[name] for name in plain), "envelopes change other variables")
    metrics = [name for name in plain if name + "_low" in with_bounds and name + "_high" in with_bounds]
    check(len(with_bounds) == len(plain) + 2 * len(metrics) and "sharpe" in metrics and "ambiguous_bars" in metrics, metrics)
    out, err = run("verify", "e.h5", "--sample", "all")
    check("envelopes" in out, out)
    cells = json.loads(run("show", "e.h5", "--json", "--top", "all", "--by", "sharpe_low")[0])
    lows = [cell["metrics"]["sharpe_low"] for cell in cells]
    check(lows == sorted(lows, reverse=True), lows)
    of_run = [cell["metrics"] for cell in cells if cell["parameters"] == {"fast": 5, "slow": 20}][0]
    check(all([of_run[name + "_low"], of_run[name + "_high"]] == played["envelope"][name] for name in metrics), "run and sweep differ")
    out, err = run("show", "e.h5", "--where", "final_equity_high > 2 * final_equity_low", "--columns", "fast,sharpe_low,sharpe_high")
    check("0 selected" in out, out)
    check("sharpe_high" in run("show", "e.h5")[0] and "sharpe_high" not in run("show", "plain.h5")[0], "show prints the wrong columns")
    out, err = run("show", "plain.h5", "--by", "sharpe_low", expect=2)
    check("there is no metric or axis 'sharpe_low'" in err, err)

    # a low that is another number is found
    import h5py
    with h5py.File("e.h5", "r+") as file:
        file["sharpe_low"][2] -= 0.5
    out, err = run("verify", "e.h5", "--sample", "all", expect=4)
    check("envelope of sharpe" in out + err, out + err)
    refused("envelope is of profile tapedeck", "envelope=true", "profile=backtesting")
    refused("envelope must be true or false", "envelope=maybe")

    # the plan holds: memory and bytes on the disk are not more than it says
    plan = json.loads(run("plan", "enveloped.yaml", "--json")[0])
    more = json.loads(run("plan", "hours.yaml", "--json")[0])
    check(plan["memory_bytes"] > more["memory_bytes"] and plan["disk_bytes"] > more["disk_bytes"], (plan, more))
    check(os.path.getsize("e2.h5") <= plan["disk_bytes"], (os.path.getsize("e2.h5"), plan["disk_bytes"]))


def recorded():
    """Minutes of BTC in hours, as recorded: every fill inside an hour is at a price that its minute had."""
    shared = os.environ.get("TAPEDECK_SHARED") or os.path.join(os.environ.get("TAPEDECK_SOURCE", "."), "..", "shared")
    path = os.path.join(shared, "data", "crypto_misc", "nautilus_btc-perp-20211231-20220201_1m.csv.gz")
    if not os.path.exists(path):
        print(f"no recorded minutes: {path} is not there (TAPEDECK_SHARED)")
        return
    run("data", "import", "klines", path, "--symbol", "BTC", "--interval", "1m", "-o", "btc.h5")
    with gzip.open(path, "rt") as file:
        minutes = {row["timestamp"][:19].replace(" ", "T") + "Z": row for row in csv.DictReader(file)}
    settings = ["--set", "tape=btc.h5", "--set", "parameters={fast: 5, slow: 20}", "--set", "costs={}", "--set", "stops={stop_loss: 0.003, take_profit: 0.003}"]
    hours = json.loads(run("run", "hours.yaml", *settings, "--json")[0])["metrics"]
    walked = json.loads(run("run", "hours.yaml", *settings, "--set", "execution_interval=1m", "--json", "--fills", "btc.csv")[0])["metrics"]
    count = 0
    with open("btc.csv") as file:
        for fill in csv.DictReader(file):
            minute = minutes[fill["time"]]
            check(float(minute["low"]) <= float(fill["price"]) <= float(minute["high"]), (fill, minute))
            count += 1
    check(count > 50 and walked["ambiguous_bars"] == 0, walked)
    print(f"BTC hours, stop and target at 0.3 %: {hours['ambiguous_bars']:.0f} ambiguous bars and an equity of {hours['final_equity']:.2f}; "
          f"through minutes {walked['ambiguous_bars']:.0f} and {walked['final_equity']:.2f}, {count} fills")


os.chdir(tempfile.mkdtemp(prefix="tapedeck-intrabar-"))
run("data", "synth", "--bars", "12000", "--interval", "5m", "--seed", "4", "-o", "t.h5")
HOURS = """\
tape: t.h5
intervals: [1h]
strategy: sma-cross
parameters:
  fast: {values: [3, 5, 8]}
  slow: {values: [20, 30]}
stops: {stop_loss: 0.006, take_profit: 0.006}
costs: {commission: 0.0002}
"""
with open("hours.yaml", "w") as file:
    file.write(HOURS)
with open("walk.yaml", "w") as file:
    file.write(HOURS + "execution_interval: 5m\n")
with open("enveloped.yaml", "w") as file:
    file.write(HOURS + "envelope: true\n")
execution()
envelopes()
recorded()
print("execution_interval and envelope: run, sweep, resume, verify, show and proof agree")
