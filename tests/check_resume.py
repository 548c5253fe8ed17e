"""Nothing finished is lost: kill -9, signals, a full disk, two writers, torn journals. Every sweep that was disturbed and then
resumed has to end in the datasets of an undisturbed one, byte for byte, whatever the number of threads.

    TAPEDECK_BIN=build/release/tapedeck /usr/bin/python3 tests/check_resume.py [KILLS]

KILLS is how many processes are killed in the first part, 20 without it."""
import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import h5py
import numpy

TAPEDECK = os.environ["TAPEDECK_BIN"]
KILLS = int(sys.argv[1]) if len(sys.argv) > 1 else 20
SETS = 41 * 240
CONFIG = """\
tape: tape.h5
strategy: sma-cross
method: grid
parameters:
  fast: {min: 5, max: 45, distribution: int_uniform}
  slow: {min: 50, max: 289, distribution: int_uniform}
costs: {commission: 0.001}
stops: {stop_loss: 0.02, take_profit: 0.04}
"""


def command(*arguments):
    return [TAPEDECK, *map(str, arguments)]


def run(*arguments, **options):
    return subprocess.run(command(*arguments), capture_output=True, text=True, **options)


def must(*arguments, **options):
    done = run(*arguments, **options)
    assert done.returncode == 0, (arguments, done.returncode, done.stderr)
    return done


def refused(done, code, *parts):
    assert done.returncode == code, (done.args, done.returncode, done.stderr)
    for part in parts:
        assert part in done.stderr, (done.args, part, done.stderr)


def sweep(path, *more, config="sweep.yaml"):
    return ("sweep", config, "-o", path, "--quiet", *more)


def datasets(path):
    """Name -> (type, shape, bytes) of everything in the file, NaN and all."""
    found = {}

    def visit(name, item):
        if isinstance(item, h5py.Dataset):
            value = item[()]
            value = numpy.asarray(value)
            found[name] = (str(item.dtype), item.shape, value.tolist() if value.dtype == object else value.tobytes())

    with h5py.File(path, "r") as file:
        file.visititems(visit)
    return found


def same(path, reference, why):
    found = datasets(path)
    assert sorted(found) == sorted(reference), (why, sorted(set(found) ^ set(reference)))
    for name in reference:
        assert found[name] == reference[name], (why, name)
    assert not os.path.exists(path + ".journal"), why
    assert not [entry for entry in os.listdir(os.path.dirname(path) or ".") if ".tmp." in entry], why


def finished(path):
    with h5py.File(path, "r") as file:
        return int((file["state"][()] != 0).sum())


def killed(reference, seconds, wanted, config="sweep.yaml"):
    """Kills sweeps at random moments, resumes, kills again, until so many processes died with work behind and before them."""
    rng = random.Random(20240101)
    kills = useful = chains = 0
    while kills < wanted or useful < wanted // 4:
        assert kills < 50 * wanted, "the sweep is over before it can be killed"
        path = f"killed-{chains}.h5"
        while True:
            threads = rng.choice([1, 2, 3])
            process = subprocess.Popen(command(*sweep(path, "--resume", "--threads", threads, config=config)), stdout=subprocess.DEVNULL,
                                       stderr=subprocess.PIPE)
            time.sleep(rng.uniform(0, 0.6 * seconds))
            process.kill()
            said = process.communicate()[1].decode()
            if process.returncode == 0:
                break
            assert process.returncode == -signal.SIGKILL, said
            kills += 1
            journal = path + ".journal"
            useful += os.path.exists(journal) and os.path.getsize(journal) > 100_000
        same(path, reference, f"chain {chains}")
        os.unlink(path)
        chains += 1
    print(f"{kills} kills in {chains} chains, {useful} of them with finished sets in the journal")


def signalled(reference, seconds):
    for number, code in ((signal.SIGINT, 130), (signal.SIGTERM, 143)):
        path = f"signal-{number}.h5"
        partial = 0
        for attempt in range(40):
            process = subprocess.Popen(command("sweep", "sweep.yaml", "-o", path, "--resume", "--threads", "2"),
                                       stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            time.sleep(0.05 + 0.4 * seconds * (attempt % 5) / 5)
            process.send_signal(number)
            out, said = process.communicate()
            if process.returncode == 0:
                break
            if process.returncode == -number:  # before the handler was there
                continue
            assert process.returncode == code, (process.returncode, said)
            assert "sets finished; --resume goes on from there" in said and not out, (said, out)
            if os.path.exists(path):
                count = finished(path)
                assert 0 < count < SETS and str(count) in said, (count, said)
                partial += 1
                if partial == 2:
                    break
        assert partial > 0, "never stopped between the first and the last set"
        must(*sweep(path, "--resume"))
        same(path, reference, path)
    # the second one ends the process at once, and what is in the journal stays
    path = "signal-twice.h5"
    process = subprocess.Popen(command(*sweep(path, "--threads", "1")), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_for(path + ".journal", process)
    process.send_signal(signal.SIGINT)
    process.send_signal(signal.SIGINT)
    assert process.wait() in (130, -signal.SIGINT)
    must(*sweep(path, "--resume"))
    same(path, reference, path)
    print("signals: stopped, resumed, the same")


def wait_for(path, process, size=1):
    while process.poll() is None and not (os.path.exists(path) and os.path.getsize(path) >= size):
        time.sleep(0.002)


def two_writers(reference):
    path = "contested.h5"
    first = subprocess.Popen(command(*sweep(path, "--threads", "1")), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    wait_for(path + ".journal", first)
    first.send_signal(signal.SIGSTOP)  # so that it cannot finish under our hands
    try:
        assert os.path.exists(path + ".journal"), first.communicate()
        for more in ((), ("--resume",), ("--force",)):
            refused(run(*sweep(path, *more)), 1, "contested.h5.journal", "process")
    finally:
        first.send_signal(signal.SIGCONT)
    assert first.wait() == 0, first.stderr.read()
    same(path, reference, path)
    print("two writers: the second is told, the first is not disturbed")


def journal_of(path, wanted):
    """Leaves a journal with at least `wanted` bytes of an unfinished sweep."""
    for attempt in range(100):
        process = subprocess.Popen(command(*sweep(path, "--resume", "--threads", "1")), stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL)
        wait_for(path + ".journal", process, wanted)
        process.kill()
        process.wait()
        if os.path.exists(path + ".journal"):
            return path + ".journal"
        if os.path.exists(path):
            os.unlink(path)
    raise AssertionError("the sweep is over before it can be killed")


def torn(reference):
    rng = random.Random(7)
    for cut in (1, 7, 100, 1000):
        path = f"torn-{cut}.h5"
        journal = journal_of(path, 50_000)
        with open(journal, "r+b") as file:
            file.truncate(os.path.getsize(journal) - cut)
        said = must("sweep", "sweep.yaml", "-o", path, "--resume").stderr
        assert "torn" in said, said
        same(path, reference, path)
    path = "garbage.h5"
    journal = journal_of(path, 50_000)
    with open(journal, "ab") as file:
        file.write(rng.randbytes(3000))
    must(*sweep(path, "--resume"))
    same(path, reference, path)
    # bytes that turned over in the middle cost the frame they are in, not the sweep
    path = "flipped.h5"
    journal = journal_of(path, 50_000)
    with open(journal, "r+b") as file:
        file.seek(os.path.getsize(journal) // 2)
        byte = file.read(1)
        file.seek(-1, os.SEEK_CUR)
        file.write(bytes([byte[0] ^ 0x40]))
    must(*sweep(path, "--resume"))
    same(path, reference, path)
    print("torn and damaged journals: completed, the same")


def other_sweeps_are_refused(reference):
    path = "mine.h5"
    journal = journal_of(path, 20_000)
    refused(run(*sweep(path)), 2, "--resume goes on with it", "--force throws it away")
    refused(run(*sweep(path, "--resume", "--set", "costs.commission=0.002")), 2, "configuration")
    must("data", "synth", "--bars", 5000, "--interval", "1m", "--seed", 6, "-o", "other.h5")
    refused(run(*sweep(path, "--resume", "--set", "tape=other.h5")), 2, "tape")
    refused(run(*sweep(path, "--resume", "--force")), 2, "choose one")
    with open(journal, "r+b") as file:
        file.write(b"something else entirely, longer than any head" * 20)
    refused(run(*sweep(path, "--resume")), 3, "mine.h5.journal")
    must(*sweep(path, "--force"))
    same(path, reference, path)
    refused(run(*sweep(path)), 2, "mine.h5 exists")
    refused(run(*sweep(path, "--resume", "--set", "costs.commission=0.002")), 2, "another configuration")
    before = os.stat(path)
    said = must("sweep", "sweep.yaml", "-o", path, "--resume").stderr
    assert "nothing left to do" in said, said
    assert os.stat(path).st_mtime_ns == before.st_mtime_ns and os.stat(path).st_ino == before.st_ino
    print("other sweeps, whole results: refused or left alone")


def small_files(reference, journal_bytes):
    """A disk that refuses to go on, by the limit on the size of a file: the same path through the program as a full one."""
    path = "limited.h5"

    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (journal_bytes // 2, resource.RLIM_INFINITY))

    # restore_signals=False keeps SIGXFSZ ignored, so that write() fails instead of the process
    refused(run(*sweep(path), preexec_fn=limit, restore_signals=False), 1, "limited.h5.journal", "File too large")
    assert not os.path.exists(path)
    assert os.path.getsize(path + ".journal") <= journal_bytes // 2
    must(*sweep(path, "--resume"))
    same(path, reference, path)
    print("limit on file size: said, kept, resumed")


def full_disk(reference, journal_bytes, results_bytes):
    """A real full disk: a tmpfs of our own, in a mount namespace of our own."""
    if subprocess.run(["unshare", "-rm", "mount", "-t", "tmpfs", "none", "/mnt"], capture_output=True).returncode != 0:
        print("full disk on a tmpfs: skipped, no right to mount one")
        return
    script = """
set -eu
mount -t tmpfs -o size=$SIZE none "$PLACE"
set +e
"$TAPEDECK_BIN" sweep sweep.yaml -o "$PLACE/full.h5" --quiet --threads 2 2> full.err
echo $? > full.code
ls "$PLACE" > full.list
mount -o remount,size=100M "$PLACE"
"$TAPEDECK_BIN" sweep sweep.yaml -o "$PLACE/full.h5" --quiet --resume 2> resumed.err
echo $? > resumed.code
cp "$PLACE/full.h5" full-out.h5
rm "$PLACE"/*
mount -o remount,size=16k "$PLACE"
"$TAPEDECK_BIN" run sweep.yaml --trial 3 --equity "$PLACE/equity.csv" --trades trades.csv > /dev/null 2> run.err
echo $? > run.code
ls "$PLACE" > run.list
"""
    page = 4096
    for size, where in ((journal_bytes // 2, "journal"), (journal_bytes + results_bytes // 4, "results")):
        os.makedirs("small", exist_ok=True)
        environment = dict(os.environ, SIZE=str(size // page * page), PLACE=os.path.abspath("small"))
        done = subprocess.run(["unshare", "-rm", "bash", "-c", script], env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        said = open("full.err").read()
        assert open("full.code").read() == "1\n", said
        assert "No space left on device" in said or where == "results", said
        assert "full.h5" in said and said.count("\n") == 1, said
        left = open("full.list").read().split()
        assert left == ["full.h5.journal"], (where, left, said)
        assert open("resumed.code").read() == "0\n", open("resumed.err").read()
        same("full-out.h5", reference, where)
        said = open("run.err").read()
        assert open("run.code").read() == "1\n" and "equity.csv" in said, said
        assert open("run.list").read() == "", "a half-written file is left"
        assert not os.path.exists("trades.csv") or open("trades.csv").read().endswith("\n")
        os.unlink("full-out.h5")
    print("full disk: said, kept, resumed")


def plan_holds(journal_bytes, results_bytes, config="sweep.yaml"):
    plan = json.loads(must("plan", config, "--json", "--threads", "2").stdout)
    assert plan["threads"] == 2
    assert plan["disk_bytes"] > 0.6 * (journal_bytes + results_bytes), (plan, journal_bytes, results_bytes)
    # a process begins with the peak of the one it was forked from, hence a small one in between
    spawn = ("import os, sys; pid = os.spawnv(os.P_NOWAIT, sys.argv[1], sys.argv[1:]); end = os.wait4(pid, 0); "
             "print(end[1], end[2].ru_maxrss)")
    done = subprocess.run([sys.executable, "-S", "-c", spawn, *command(*sweep("measured.h5", "--threads", "2", "--force",
                                                                                        config=config))], capture_output=True, text=True)
    status, kilobytes = done.stdout.split()[-2:]
    assert status == "0", done
    peak = int(kilobytes) * 1024
    if "asan" not in TAPEDECK and "tsan" not in TAPEDECK:  # the sanitizers' own memory is not in the plan
        assert 0.8 * peak < plan["memory_bytes"] < 3 * peak, (plan["memory_bytes"], peak)
    print(f"plan: {plan['memory_bytes'] / 1e6:.0f} MB expected, {peak / 1e6:.0f} MB peak")
    return plan


def several_markets(bars):
    """The same of a sweep over symbols and intervals, which changes decks on the way; in memory there is one of them at a time."""
    must("data", "synth", "--bars", bars, "--symbols", 4, "--interval", "1m", "--seed", 6, "-o", "four.h5")
    with open("markets.yaml", "w") as file:
        fewer = CONFIG.replace("tape.h5", "four.h5").replace("max: 289, distribution: int", "max: 158, q: 12, distribution: q")
        file.write(fewer + "symbols: all\nintervals: [1m, 5m]\n")
    start = time.monotonic()
    must(*sweep("markets.h5", "--threads", "1", config="markets.yaml"))
    seconds = time.monotonic() - start
    with h5py.File("markets.h5", "r") as file:
        assert file["state"].shape == (4, 2, 410) and (file["state"][()] == 1).all()
        blocks = file["block_return"].shape[3]
    killed(datasets("markets.h5"), seconds, max(3, KILLS // 4), config="markets.yaml")
    plan = plan_holds(3280 * (64 + 8 * 51 + 4 * blocks), os.path.getsize("markets.h5"), config="markets.yaml")
    assert plan["sets"] == 410 and plan["plays"] == 3280 and plan["symbols"] == 4 and plan["intervals"] == 2


def commission_by_volume():
    """Tiers are part of what a sweep is: it goes on with its own and with no others, and a replay of it has them too."""
    tiers = "costs: {tiers: [{volume: 0, commission: 0.001}, {volume: 200000, commission: 0.0004, maker: 0}], tier_days: 7}"
    with open("tiers.yaml", "w") as file:
        fewer = CONFIG.replace("max: 289, distribution: int", "max: 158, q: 12, distribution: q")
        file.write(fewer.replace("costs: {commission: 0.001}", tiers))
    start = time.monotonic()
    must(*sweep("tiers.h5", "--threads", "1", config="tiers.yaml"))
    seconds = time.monotonic() - start
    must("verify", "tiers.h5", "--sample", 10)
    with h5py.File("tiers.h5", "r") as file:  # both tiers were reached
        rates = file["commission_paid"][()] / file["turnover"][()]
        assert ((rates > 0.0004) & (rates < 0.001)).all(), rates
    killed(datasets("tiers.h5"), seconds, 3, config="tiers.yaml")
    refused(run(*sweep("tiers.h5", "--resume", "--set", "costs.tier_days=8", config="tiers.yaml")), 2, "another configuration")
    print("commission by volume: resumed, verified")


def main():
    folder = tempfile.mkdtemp(prefix="tapedeck-resume-")
    os.chdir(folder)
    try:
        with open("sweep.yaml", "w") as file:
            file.write(CONFIG)
        # a tape long enough for the sweep to last half a second or so on one thread, on whatever machine this is
        bars = 20_000
        while True:
            must("data", "synth", "--bars", bars, "--interval", "1m", "--seed", 5, "-o", "tape.h5")
            start = time.monotonic()
            must(*sweep("reference.h5", "--force", "--threads", "1"))
            seconds = time.monotonic() - start
            if seconds > 0.5 or bars >= 1_000_000:
                break
            bars *= 2
        reference = datasets("reference.h5")
        assert finished("reference.h5") == SETS
        with open("sweep.yaml") as file:
            assert file.read() == CONFIG
        print(f"{SETS} sets of {bars} bars, {seconds:.2f} s")
        for threads in (1, 2, 3, 4):
            must(*sweep("threads.h5", "--force", "--threads", threads))
            same("threads.h5", reference, f"{threads} threads")
        journal = journal_of("sized.h5", 50_000)
        with h5py.File("reference.h5", "r") as file:
            blocks = file["block_return"].shape[1]
        journal_bytes = SETS * (64 + 8 * 51 + 4 * blocks)
        results_bytes = os.path.getsize("reference.h5")
        os.unlink(journal)
        killed(reference, seconds, KILLS)
        signalled(reference, seconds)
        two_writers(reference)
        torn(reference)
        other_sweeps_are_refused(reference)
        small_files(reference, journal_bytes)
        full_disk(reference, journal_bytes, results_bytes)
        assert plan_holds(journal_bytes, results_bytes)["sets"] == SETS
        several_markets(bars)
        commission_by_volume()
    finally:
        os.chdir("/")
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
