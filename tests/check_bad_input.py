"""Bad input to the commands that play: each case has an exit code and a sentence that names the thing, and leaves nothing behind.

What is wrong inside a configuration, a CSV file or a journal is covered beside the module that reads it; here it is the program as
a user meets it: files that are not there or not what they should be, options that contradict, outputs that cannot be written."""
import json
import os
import shutil
import subprocess
import tempfile

TAPEDECK = os.environ["TAPEDECK_BIN"]
CONFIG = """\
tape: tape.h5
strategy: sma-cross
method: grid
parameters:
  fast: {values: [5, 10, 20]}
  slow: {values: [30, 50]}
"""
SINGLE = "tape: tape.h5\nstrategy: sma-cross\nparameters: {fast: 10, slow: 30}\n"


def run(*arguments, **options):
    return subprocess.run([TAPEDECK, *map(str, arguments)], capture_output=True, text=True, **options)


def must(*arguments):
    done = run(*arguments)
    assert done.returncode == 0, (arguments, done.returncode, done.stderr)
    return done


cases = 0


def refused(code, parts, *arguments, **options):
    """Runs; the exit code and every part of the sentence have to be as said, stdout empty, no new file in the folder."""
    global cases
    before = sorted(os.listdir("."))
    done = run(*arguments, **options)
    assert done.returncode == code, (arguments, "expected", code, "found", done.returncode, done.stderr)
    for part in parts:
        assert part in done.stderr, (arguments, "expected", part, "found", done.stderr)
    assert done.stdout == "", (arguments, done.stdout)
    assert sorted(os.listdir(".")) == before, (arguments, set(os.listdir(".")) ^ set(before))
    cases += 1
    return done.stderr


def write(name, content):
    with open(name, "wb" if isinstance(content, bytes) else "w") as file:
        file.write(content)
    return name


def playing(name):
    """The commands that take a configuration, with what else they need."""
    return (("run", name), ("plan", name), ("sweep", name, "-o", "out.h5"))


def files_that_are_wrong():
    tape = open("tape.h5", "rb").read()
    write("empty.yaml", "")
    write("no-tape.yaml", SINGLE.replace("tape.h5", "missing.h5"))
    write("empty-tape.yaml", SINGLE.replace("tape.h5", "empty.h5"))
    write("text-tape.yaml", SINGLE.replace("tape.h5", "sweep.yaml"))
    write("cut-tape.yaml", SINGLE.replace("tape.h5", "cut.h5"))
    write("results-tape.yaml", SINGLE.replace("tape.h5", "good.h5"))
    write("folder-tape.yaml", SINGLE.replace("tape.h5", "folder"))
    write("empty.h5", b"")
    write("cut.h5", tape[: len(tape) // 2])
    os.mkdir("folder")
    for command in playing("missing.yaml"):
        refused(2, ["missing.yaml", "No such file"], *command)
    for command in playing("folder"):
        refused(2, ["folder: not a regular file"], *command)
    for command in playing("empty.yaml"):
        refused(2, ["empty.yaml"], *command)
    for name, thing in (("no-tape", "missing.h5"), ("empty-tape", "empty.h5"), ("text-tape", "sweep.yaml"), ("cut-tape", "cut.h5"),
                        ("results-tape", "good.h5"), ("folder-tape", "folder")):
        for command in playing(name + ".yaml"):
            refused(3, [thing], *command)


def results_that_are_wrong():
    results = open("good.h5", "rb").read()
    write("cut-results.h5", results[: len(results) - 3000])
    write("text-results.h5", "no HDF5 at all\n" * 100)
    for name in ("missing.h5", "empty.h5", "cut-results.h5", "text-results.h5", "tape.h5", "folder"):
        refused(3, [name], "verify", name)
    for name in ("empty.h5", "cut-results.h5", "text-results.h5"):
        refused(3, [name], "sweep", "sweep.yaml", "-o", name, "--resume")
        refused(2, [name, "--force"], "sweep", "sweep.yaml", "-o", name)
    refused(2, ["tape.h5 is the tape itself"], "sweep", "sweep.yaml", "-o", "tape.h5", "--force")


def configurations_that_are_wrong():
    for command in playing("sweep.yaml"):
        said = refused(2, ["parameters.fsat"], *command, "--set", "parameters.fsat=10")
        assert "fast" in said, said
        refused(2, ["'commision'", "'commission'"], *command, "--set", "costs.commision=0.1")
        refused(2, ["commission"], *command, "--set", "costs.commission=7")
        refused(2, ["--set"], *command, "--set", "novalue")
        refused(2, ["period"], *command, "--set", "period={from: 2030-01-01}")
        refused(2, ["fast < 0"], *command, "--set", "constraints=['fast < 0']")
    far = ("--set", "parameters={fast: 5, slow: {values: [50, 5000]}}")
    refused(2, ["trial 1 of 2", "slow 5000"], "sweep", "sweep.yaml", "-o", "out.h5", *far)
    refused(2, ["trial 1 of 2", "slow 5000"], "plan", "sweep.yaml", *far)
    refused(2, ["5000"], "run", "single.yaml", "--set", "parameters.slow=5000")
    refused(1, ["limits.memory is 1000000 bytes"], "sweep", "sweep.yaml", "-o", "out.h5", "--set", "limits.memory=1MB")
    warned = run("plan", "sweep.yaml", "--set", "limits.memory=1MB")
    assert warned.returncode == 0 and "would be refused" in warned.stderr, warned
    refused(130, ["limits.wall", "0 of 6"], "sweep", "sweep.yaml", "-o", "out.h5", "--set", "limits.wall=1e-9s")


def options_that_are_wrong():
    refused(2, ["6 sets", "--set parameters.", "--trial", "tapedeck sweep"], "run", "sweep.yaml")
    refused(2, ["--trial is 6", "0 to 5"], "run", "sweep.yaml", "--trial", "6")
    for text in ("-1", "x", "1.5", "99999999999999999999", ""):
        refused(2, ["--trial"], "run", "sweep.yaml", f"--trial={text}")
    for text in ("0", "-1", "two", "1e3", ""):
        refused(2, ["--threads"], "sweep", "sweep.yaml", "-o", "out.h5", f"--threads={text}")
        refused(2, ["--threads"], "plan", "sweep.yaml", f"--threads={text}")
    refused(2, ["--engine is 'warp'"], "sweep", "sweep.yaml", "-o", "out.h5", "--engine", "warp")
    refused(2, ["--sample"], "verify", "good.h5", "--sample", "0")
    refused(2, ["--top"], "sweep", "sweep.yaml", "-o", "out.h5", "--top", "many")
    refused(2, ["the results file is missing"], "sweep", "sweep.yaml")
    refused(2, ["the configuration file is missing"], "sweep", "-o", "out.h5")
    refused(2, ["the configuration file is missing"], "run")
    refused(2, ["the results file is missing"], "verify")
    refused(2, ["one configuration at a time"], "run", "single.yaml", "sweep.yaml")
    refused(2, ["one results file at a time"], "verify", "good.h5", "good.h5")
    refused(2, ["choose one"], "sweep", "sweep.yaml", "-o", "out.h5", "--resume", "--force")
    refused(2, ["--no-such"], "run", "single.yaml", "--no-such")
    refused(2, ["TAPEDECK_ISA", "mmx"], "sweep", "sweep.yaml", "-o", "out.h5", env=dict(os.environ, TAPEDECK_ISA="mmx"))
    refused(2, ["TAPEDECK_ISA", "mmx"], "plan", "sweep.yaml", env=dict(os.environ, TAPEDECK_ISA="mmx"))


def outputs_that_cannot_be_written():
    for option in ("--trades", "--equity", "--fills"):
        refused(1, ["no/such/folder/x.csv", "No such file or directory"], "run", "single.yaml", option, "no/such/folder/x.csv")
        refused(1, ["folder"], "run", "single.yaml", option, "folder")
        write("kept.csv", "what was there before\n")
        refused(1, ["/dev/full", "No space left"], "run", "single.yaml", option, "/dev/full")
    refused(1, ["no/such"], "sweep", "sweep.yaml", "-o", "no/such/out.h5")
    for more in ((), ("--force",), ("--resume",)):
        refused(2, ["folder exists and is no plain file"], "sweep", "sweep.yaml", "-o", "folder", *more)
    for arguments in (("run", "single.yaml"), ("run", "single.yaml", "--json"), ("plan", "sweep.yaml"), ("verify", "good.h5"),
                      ("plan", "sweep.yaml", "--json"), ("verify", "good.h5", "--json")):
        with open("/dev/full", "w") as full:
            done = subprocess.run([TAPEDECK, *arguments], stdout=full, stderr=subprocess.PIPE, text=True)
        assert done.returncode == 1 and "No space left" in done.stderr, (arguments, done)
        # a reader that goes away is no error
        reader, writer = os.pipe()
        os.close(reader)
        done = subprocess.run([TAPEDECK, *arguments], stdout=writer, stderr=subprocess.PIPE, text=True)
        os.close(writer)
        assert done.returncode == 0 and done.stderr == "", (arguments, done)
    # every path of an output: a whole file or none
    must("run", "single.yaml", "--trades", "kept.csv")
    assert open("kept.csv").readline().startswith("entry_time,exit_time,")
    done = run("run", "single.yaml", "--equity", "/dev/stdout", "--json")
    assert done.returncode == 0 and done.stdout.startswith("time,equity,position,drawdown\n"), done


def errors_as_json():
    for arguments, code in ((("run", "missing.yaml"), 2), (("sweep", "sweep.yaml", "-o", "good.h5"), 2), (("verify", "tape.h5"), 3),
                            (("run", "sweep.yaml", "--set", "costs.commission=7"), 2), (("plan", "no-tape.yaml"), 3)):
        done = run(*arguments, "--json")
        assert done.returncode == code and done.stdout == "", done
        document = json.loads(done.stderr.strip().splitlines()[-1])
        assert document["error"]["message"] and document["error"]["code"].startswith("bad_"), document


def failing_sets():
    """Equity that leaves the numbers: the cell is marked failed with a reason, the others are played, exit code 5; alone: 1."""
    price = 1.0
    with open("huge.csv", "w") as file:
        file.write("date,open,high,low,close,volume\n")
        for day in range(400):
            price = price * 1e3 if 100 <= day < 200 else price * (1.01 if day % 20 < 10 else 0.99)
            price = min(price, 1e305)
            file.write(f"{1577836800 + 86400 * day},{price!r},{price!r},{price!r},{price!r},1\n")
    must("data", "import", "klines", "huge.csv", "--symbol", "HUGE", "--interval", "1d", "-o", "huge.h5")
    write("huge.yaml", "tape: huge.h5\nstrategy: buy-and-hold\nmethod: grid\nparameters: {cash: {values: [1e-3, 1e9, 1e12]}}\n")
    done = run("sweep", "huge.yaml", "-o", "huge-out.h5", "--json")
    assert done.returncode == 5, done
    document = json.loads(done.stdout)
    assert document["sets"] == document["done"] == 3 and 0 < document["failed"] < 3, document
    assert "sets failed, first trial" in done.stderr and "equity" in done.stderr, done.stderr
    assert run("verify", "huge-out.h5", "--sample", "all").returncode == 0
    again = run("sweep", "huge.yaml", "-o", "huge-out.h5", "--resume")
    assert again.returncode == 5 and "nothing left to do" in again.stderr, again
    alone = run("run", "huge.yaml", "--trial", "2", "--json")
    assert alone.returncode == 1 and "the set failed" in alone.stderr and "equity" in alone.stderr, alone
    document = json.loads(alone.stdout)
    assert document["state"] == "failed" and document["reason"] == "nan_equity", document


def main():
    folder = tempfile.mkdtemp(prefix="tapedeck-bad-")
    os.chdir(folder)
    try:
        must("data", "synth", "--bars", 3000, "--interval", "1h", "--seed", 9, "-o", "tape.h5")
        write("sweep.yaml", CONFIG)
        write("single.yaml", SINGLE)
        must("sweep", "sweep.yaml", "-o", "good.h5")
        files_that_are_wrong()
        results_that_are_wrong()
        configurations_that_are_wrong()
        options_that_are_wrong()
        outputs_that_cannot_be_written()
        errors_as_json()
        failing_sets()
    finally:
        os.chdir("/")
        shutil.rmtree(folder)
    print(f"{cases} refusals, each with its sentence and exit code")


if __name__ == "__main__":
    main()
