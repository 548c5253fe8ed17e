"""Users' own strategies: a C file named in a configuration is compiled, cached, checked and played like a built-in one.

Compilers are called through a wrapper that writes a log, so that the test sees when one was called and when the cache did."""
import glob
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

BIN, SOURCE = os.path.abspath(os.environ["TAPEDECK_BIN"]), os.environ["TAPEDECK_SOURCE"]
try:
    import h5py
except ImportError:
    print("python3-h5py is not there: skipped")
    sys.exit(77)

WORK = tempfile.mkdtemp(prefix="tapedeck-plugin-")
os.chdir(WORK)
LOG = os.path.join(WORK, "compiler.log")
COMPILER = shutil.which("clang") or shutil.which("gcc")
ISAS = ["scalar", "x86-64-v2", "x86-64-v3", "x86-64-v4"]
ENVIRONMENT = dict(os.environ, TAPEDECK_CACHE=os.path.join(WORK, "cache"), TAPEDECK_CC=os.path.join(WORK, "wrapped-cc"), NO_COLOR="1")
for name in ("CC", "TAPEDECK_INCLUDE", "TAPEDECK_ISA"):
    ENVIRONMENT.pop(name, None)


def write(path, text, mode=0o644):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    os.chmod(path, mode)


def wrap(path, before="", compiler=COMPILER, more=""):
    write(path, f"#!/bin/sh\necho \"$@\" >> {LOG}\n{before}\nexec {compiler} \"$@\" {more}\n", 0o755)


def calls():
    """How often a compiler compiled or linked since the last time this was asked."""
    if not os.path.exists(LOG):
        return 0
    with open(LOG, encoding="utf-8") as file:
        lines = [line for line in file if "--version" not in line]
    os.remove(LOG)
    return len(lines)


def check(condition, text):
    if not condition:
        sys.exit(text)


def run(*arguments, expect=0, say=None, environment=None, program=BIN):
    done = subprocess.run([program, *arguments], capture_output=True, text=True, env=dict(ENVIRONMENT, **(environment or {})))
    words = f"{' '.join(arguments)}: exit code {done.returncode}, expected {expect}\n{done.stdout}{done.stderr}"
    check(done.returncode == expect, words)
    for text in [say] if isinstance(say, str) else say or []:
        check(text in done.stderr, f"stderr does not say '{text}':\n{words}")
    return done


def hashes(path):
    with h5py.File(path, "r") as file:
        return file["hash"][:].tolist()


def config(strategy, parameters="", tape="t.h5"):
    return f"tape: {tape}\nstrategy: {strategy}\nmethod: grid\nparameters: {{{parameters}}}\n"


def strategy(parameters="", rows="", signals="START(begin)", body="target(+1, crossed_above(begin));", state=None, before=""):
    """The text of a strategy file."""
    kept, hook = ("", "ON_SIGNAL") if state is None else (f"STATE({state})\n", "ON_BAR")
    return (f'#include "sim/strategy.h"\n{before}\nABOUT("a strategy of a test")\nPARAMETERS({parameters})\nROWS({rows})\n'
            f"SIGNALS({signals})\n{kept}{hook} {{\n    {body}\n}}\n")


wrap("wrapped-cc")
run("data", "synth", "--bars", "4000", "--interval", "1h", "--seed", "4", "-o", "t.h5")

# ---- the same source gives the same bits, whoever compiled it ----
GRIDS = {
    "sma_cross": "fast: {values: [3, 8, 21]}, slow: {values: [13, 34, 90]}, stop_loss: {values: [0, 0.02]}",
    "ema_cross": "fast: {values: [3, 8, 21]}, slow: {values: [13, 34, 90]}, take_profit: {values: [0, 0.03]}",
    "rsi_reversion": "window: {values: [3, 7, 14]}, lower: {values: [20, 40]}, upper: {values: [60, 70]}",
    "buy_and_hold": "stop_loss: {values: [0, 0.1, 0.3]}",
}
for name, grid in GRIDS.items():
    shutil.copy(os.path.join(SOURCE, "strategies", name + ".c"), f"my_{name}.c")
    write("built_in.yaml", config(name.replace("_", "-"), grid))
    write("mine.yaml", config(f"my_{name}.c", grid))
    run("sweep", "built_in.yaml", "-o", "built_in.h5", "--force")
    expected = hashes("built_in.h5")
    for isa in ISAS:
        forced = {"TAPEDECK_ISA": isa}
        if subprocess.run([BIN, "doctor"], env=dict(ENVIRONMENT, **forced), capture_output=True).returncode:
            continue  # this processor has no such instructions
        for engine in ("lanes", "skip") if isa != "scalar" else ("lanes", "skip", "reference"):
            run("sweep", "mine.yaml", "-o", "mine.h5", "--force", "--engine", engine, environment=forced)
            check(hashes("mine.h5") == expected, f"my_{name}.c plays otherwise than the built-in one ({engine}, {isa})")
    run("verify", "mine.h5", "--sample", "all")
run("sweep", "mine.yaml", "-o", "mine.h5", "--resume", say="nothing left to do")
listed = run("show", "mine.h5").stdout
check("my-buy-and-hold on SYNTH" in listed, "show does not name the strategy:\n" + listed)
run("plan", "mine.yaml")

# ---- what the results carry ----
digest = hashlib.sha256(open("my_buy_and_hold.c", "rb").read()).hexdigest()
with h5py.File("mine.h5", "r") as file:
    check(file.attrs["strategy"] == "my-buy-and-hold", "attribute strategy")
    check(file.attrs["strategy_source"] == digest, "attribute strategy_source is not what sha256sum prints")
    check(file.attrs["strategy_path"] == "my_buy_and_hold.c", "attribute strategy_path")
    check("my-buy-and-hold@" + digest in file.attrs["config_resolved"], "config_resolved")
played = json.loads(run("run", "mine.yaml", "--trial", "1", "--json").stdout)
check(played["strategy_source"] == digest and played["strategy"] == "my-buy-and-hold", "run --json")
built_in = json.loads(run("run", "built_in.yaml", "--trial", "1", "--json").stdout)
check(built_in["strategy_source"] is None and built_in["hash"] == played["hash"], "run --json of the built-in one")

# ---- the cache ----
PLAIN = strategy("WINDOW(fast, 5, \"bars\")", "SMA(average, close, fast)")
write("cached.c", PLAIN)
write("cached.yaml", config("cached.c"))
calls()
run("config", "check", "cached.yaml")
built = calls()
check(built >= 2, f"{built} calls of the compiler for a new strategy")
run("config", "check", "cached.yaml")
check(calls() == 0, "the compiler was called for what is in the cache")
shutil.copy("cached.c", "cached_copy.c")
run("config", "check", "cached.yaml", "--set", "strategy=./cached_copy.c")
check(calls() == 0, "the same text under another name was compiled again")
write("cached.c", PLAIN + "/* one word more */\n")
run("config", "check", "cached.yaml")
check(calls() == built, "a changed source was not compiled again")
objects = set(glob.glob("cache/strategies/*"))
check(objects and all(path.endswith(".so") for path in objects), f"left in the cache: {objects}")
newest = max(objects, key=os.path.getmtime)
whole = open(newest, "rb").read()
for damaged in (whole[:-1], whole[:1000], b"", whole[:5000] + bytes([whole[5000] ^ 1]) + whole[5001:]):
    with open(newest, "wb") as file:
        file.write(damaged)
    run("config", "check", "cached.yaml")
    check(calls() == built, f"a damaged object of {len(damaged)} bytes was not built again")
    check(open(newest, "rb").read() == whole, "the object that was built again is another one")

# files that the user's file includes are part of the source
os.mkdir("inner")
write("inner/level.h", "#define LEVEL 5\n")
write("with_header.c", strategy(before='#include "inner/level.h"', parameters='WINDOW(fast, LEVEL, "bars")'))
write("with_header.yaml", config("with_header.c"))
first = json.loads(run("run", "with_header.yaml", "--json").stdout)
check(first["parameters"]["fast"] == 5, "the included header was not seen")
lines = "".join(f"{hashlib.sha256(open(path, 'rb').read()).hexdigest()}  {path}\n" for path in ("with_header.c", "inner/level.h"))
check(first["strategy_source"] == hashlib.sha256(lines.encode()).hexdigest(), "the digest of several files")
calls()
write("inner/level.h", "#define LEVEL 6\n")
second = json.loads(run("run", "with_header.yaml", "--json").stdout)
check(calls() == built and second["parameters"]["fast"] == 6, "a changed header was not compiled again")
check(first["strategy_source"] != second["strategy_source"], "a changed header left the digest as it was")
write("hidden.c", strategy(before='#define NAME "inner/level.h"\n#include NAME'))
run("run", "with_header.yaml", "--set", "strategy=hidden.c", expect=2, say="hidden.c includes inner/level.h in a way that cannot be followed")

# and so are our headers
shutil.rmtree("headers", ignore_errors=True)
headers = ["base/error.h", "base/lanes.h", "base/map.h", "data/book.h", "data/latency_rows.h", "data/tape.h", "data/row_kind.h"]
headers += [os.path.relpath(path, SOURCE) for path in glob.glob(SOURCE + "/sim/*.h")]
for header in headers:
    os.makedirs(os.path.join("headers", os.path.dirname(header)), exist_ok=True)
    shutil.copy(os.path.join(SOURCE, header), os.path.join("headers", header))
calls()
own_headers = {"TAPEDECK_INCLUDE": os.path.join(WORK, "headers")}
run("config", "check", "cached.yaml", environment=own_headers)
check(calls() == 0, "the same headers in another folder are other headers")
kernel = open("headers/sim/kernel.h", encoding="utf-8").read()
write("headers/sim/kernel.h", kernel + "\n")
run("config", "check", "cached.yaml", environment=own_headers)
check(calls() == built, "a changed header of ours was not compiled again")

# ---- objects that are none of ours ----
for what, text, sentence in [
        ("another major version", re.sub(r"TD_PLUGIN_MAJOR = \d+", "TD_PLUGIN_MAJOR = 77", kernel), "cached.c was compiled for version 77."),
        ("a newer minor version", re.sub(r"TD_PLUGIN_MINOR = \d+", "TD_PLUGIN_MINOR = 88", kernel), ".88 of the strategy interface"),
        ("another layout", re.sub(r"TD_STATE_MAX = 16", "TD_STATE_MAX = 17", kernel), "its tables have other sizes"),
        ("another magic", kernel.replace('"tapedeck plugin"', '"tapedeck plug-i"'), "is no strategy: its tapedeck_strategy is something else")]:
    check(text != kernel, f"{what}: the header could not be changed")
    write("headers/sim/kernel.h", text)
    run("config", "check", "cached.yaml", environment=own_headers, expect=2, say=sentence)
write("no_hook.c", '#include "sim/strategy.h"\nABOUT("nothing")\nPARAMETERS()\nROWS()\nSIGNALS()\n')
run("config", "check", "cached.yaml", "--set", "strategy=no_hook.c", expect=2, say="no_hook.c is no strategy: it has neither ON_SIGNAL nor ON_BAR")

# ---- files that are refused, and why ----
write("open_to_all.c", PLAIN, 0o666)
os.mkdir("folder.c")
os.mkfifo("pipe.c")
write("strategy.txt", PLAIN)
write("sma_cross.c", PLAIN)
write("two words.c", PLAIN)
write("open_header.c", strategy(before='#include "open.h"'))
write("open.h", "\n", 0o777)
for name, sentence in [
        ("open_to_all.c", "open_to_all.c is writable for everyone (mode 0666)"), ("folder.c", "folder.c is not a regular file"),
        ("pipe.c", "pipe.c is not a regular file"), ("./strategy.txt", "its name ends in .c; found ./strategy.txt"),
        ("nowhere.c", "nowhere.c cannot be opened: No such file"), ("sma_cross.c", "'sma-cross' is a built-in strategy"),
        ("two words.c", "may hold letters, digits, _ and -; found ' '"), ("open_header.c", "open.h is writable for everyone (mode 0777)"),
        ("nothing-like-it", "unknown strategy 'nothing-like-it'")]:
    run("config", "check", "cached.yaml", "--set", f"strategy={name}", expect=2, say=sentence)

# ---- mistakes in a strategy ----
for name, text, sentences in [
        ("typo", strategy("WINDOW(fast, 5, \"bars\")", "SMA(average, close, fast)", body="use(avrage); target(1, avrage > 0);"),
         ["typo.c:8:", "avrage", "error: typo.c does not compile"]),
        ("condition", strategy(body="if (crossed_above(begin)) target(1, crossed_above(begin));"),
         ["condition.c:8:", "compile for many lanes, though it does for one: on a mask no if"]),
        ("root", strategy("WINDOW(fast, 5, \"bars\")", before="#include <math.h>", body="use(close); target(sqrt(close), crossed_above(begin));"),
         ["root.c:8:", "on reals no functions of the C library"]),
        ("many", strategy(", ".join(f'COUNT(p{i}, 1, 0, 9, "", "x")' for i in range(17))), ["PARAMETERS: a strategy has at most 16"]),
        ("memory", strategy(state=", ".join(f"s{i}" for i in range(17))), ["STATE: a strategy keeps at most 16 numbers"]),
        ("signals", strategy(signals=", ".join(f"START(s{i})" for i in range(5)), body="target(1, crossed_above(s0));"),
         ["SIGNALS: a strategy has at most 4"]),
        ("undefined", strategy(before="double elsewhere(double);", body="target(elsewhere(1), crossed_above(begin));"),
         ["elsewhere", "undefined.c compiles but does not link"]),
        ("preset", strategy('NUMBER(level, 5, 0, 1, "", "x")'), ["the default of parameter level is 5, its range is 0 to 1"]),
        ("range", strategy('NUMBER(level, 5, 2, 1, "", "x")'), ["parameter level has the range 2 to 1, which is empty"]),
        ("fraction", strategy('COUNT(level, 1.5, 0, 9, "", "x")'), ["the default of parameter level is 1.5, must be a whole number"]),
        ("knob", strategy('NUMBER(stop_loss, 0, 0, 1, "", "x")'), ["no parameter can be called stop_loss"]),
        ("window", strategy('NUMBER(level, 1, 0, 9, "", "x")', "SMA(average, close, level)"),
         ["row average takes its window from parameter level, which must be a WINDOW"])]:
    write(name + ".c", text)
    before = set(os.listdir("cache/strategies"))
    run("config", "check", "cached.yaml", "--set", f"strategy={name}.c", expect=2, say=sentences)
    left = [path for path in set(os.listdir("cache/strategies")) - before if not path.endswith(".so")]
    check(not left, f"{name}.c left {left} in the cache")
# the compiler's words arrive as it wrote them
shown = run("config", "check", "cached.yaml", "--set", "strategy=./typo.c", expect=2).stderr
direct = subprocess.run([COMPILER, "-std=gnu17", "-O3", "-Wall", "-Wextra", "-Werror=implicit-function-declaration", "-DTD_UNIT=plugin",
                         "-DTD_ISA=scalar", "-DTD_ISA_INDEX=0", "-DTD_PLUGIN_ISA=scalar", "-DTD_PLUGIN_ISA_INDEX=0",
                         "-I" + SOURCE, "-fmacro-backtrace-limit=1" if "clang" in COMPILER else "-ftrack-macro-expansion=0",
                         "-c", "-o", "/dev/null", "./typo.c"],
                        capture_output=True, text=True).stderr
check(direct and direct in shown, f"the compiler said\n{direct}\nand shown was\n{shown}")
write("warns.c", strategy(before="static int unused_one;"))
run("config", "check", "cached.yaml", "--set", "strategy=warns.c", say="unused_one")

# ---- values for its parameters ----
write("values.c", strategy('WINDOW(fast, 5, "bars"), NUMBER(level, 0.5, 0, 1, "", "x")', "SMA(average, close, fast)"))
for value, sentence in [("{fast: 0}", "fast is 0, must be between 1 and 10000000"), ("{fast: 2.5}", "fast is 2.5, must be a whole number"),
                        ("{level: 2}", "level is 2, must be between 0 and 1"), ("{levl: 1}", "unknown parameter 'levl'"),
                        ("{level: high}", "level must be a number, found 'high'"), ("{level: .nan}", "level"),
                        ("{fast: {values: []}}", "fast"), ("{fast: {min: 9, max: 2}}", "fast")]:
    write("values.yaml", f"tape: t.h5\nstrategy: values.c\nparameters: {value}\n")
    run("config", "check", "values.yaml", expect=2, say=["values.yaml:3:", sentence])
run("run", "values.yaml", "--set", "parameters={fast: 5000}", expect=2, say="fast")

# ---- where files are looked for ----
os.makedirs("deep/er")
write("deep/er/near.c", PLAIN)
write("deep/er/near.yaml", config("near.c", tape="../../t.h5"))
run("run", "deep/er/near.yaml")
write("near.yaml", config("deep/er/near.c"))
run("run", "near.yaml")
run("run", "cached.yaml", "--set", "strategy=" + os.path.join(WORK, "deep/er/near.c"))

# ---- compiler, headers and cache that are not there ----
for environment, sentence in [
        ({"TAPEDECK_CC": "", "PATH": WORK + "/inner"}, "there is no C compiler: clang, gcc and cc are not on the PATH"),
        ({"TAPEDECK_CC": "no-such-cc -x"}, "TAPEDECK_CC names the compiler 'no-such-cc', which is not there"),
        ({"TAPEDECK_CC": "/bin/false"}, "/bin/false --version fails; is it a C compiler?"),
        ({"TAPEDECK_INCLUDE": WORK}, "which holds no sim/strategy.h"),
        ({"TAPEDECK_CACHE": "/dev/null/x"}, "the cache folder /dev/null"),
        ({"TAPEDECK_CACHE": "", "XDG_CACHE_HOME": "relative", "HOME": ""}, "none of TAPEDECK_CACHE, XDG_CACHE_HOME and HOME is set")]:
    run("config", "check", "cached.yaml", environment=environment, expect=2, say=sentence)
os.mkdir("shared-cache")
os.chmod("shared-cache", 0o777)
run("config", "check", "cached.yaml", environment={"TAPEDECK_CACHE": "shared-cache"}, expect=2, say="is writable for others (mode 0777)")
run("config", "check", "cached.yaml", environment={"TAPEDECK_CACHE": "", "XDG_CACHE_HOME": WORK + "/xdg"})
check(glob.glob("xdg/tapedeck/strategies/*.so"), "XDG_CACHE_HOME is not looked at")
run("config", "check", "cached.yaml", environment={"TAPEDECK_CACHE": "", "XDG_CACHE_HOME": "", "HOME": WORK + "/home"})
check(glob.glob("home/.cache/tapedeck/strategies/*.so"), "~/.cache is not looked at")

# ---- compilers that would change numbers ----
run("config", "check", "cached.yaml", environment={"TAPEDECK_CC": COMPILER + " -ffast-math"}, expect=2, say="not compiled with -ffast-math")
if shutil.which("gcc"):
    write("fast-link", '#!/bin/sh\ncase " $* " in *" -shared "*) exec gcc "$@" -ffast-math;; esac\nexec gcc "$@"\n', 0o755)
    run("config", "check", "cached.yaml", environment={"TAPEDECK_CC": WORK + "/fast-link"}, expect=2, say="changes how this process computes")
    run("sweep", "mine.yaml", "-o", "gcc.h5", environment={"TAPEDECK_CC": "gcc"})
    check(hashes("gcc.h5") == hashes("mine.h5"), "gcc's object plays otherwise than clang's")

# ---- two at once: one builds, the other waits ----
wrap("slow-cc", before="sleep 0.3")
write("both.c", PLAIN + "/* both */\n")
calls()
slow = dict(ENVIRONMENT, TAPEDECK_CC=os.path.join(WORK, "slow-cc"))
both = [subprocess.Popen([BIN, "run", "cached.yaml", "--set", "strategy=both.c", "--json"], env=slow, stdout=subprocess.PIPE) for _ in range(3)]
outputs = [process.communicate()[0] for process in both]
check(all(process.returncode == 0 for process in both) and len(set(outputs)) == 1, "not all of three processes at once came through")
check(calls() == built, "several processes at once compiled the same strategy")

# a process that is killed while it builds is in nobody's way
write("killed.c", PLAIN + "/* killed */\n")
victim = subprocess.Popen([BIN, "config", "check", "cached.yaml", "--set", "strategy=killed.c"], env=slow, stdout=subprocess.DEVNULL,
                          start_new_session=True)
while not glob.glob("cache/strategies/*.build.*/*.log"):
    check(victim.poll() is None, "the process that was to be killed has ended")
os.killpg(victim.pid, signal.SIGKILL)
victim.wait()
run("config", "check", "cached.yaml", "--set", "strategy=killed.c", environment={"TAPEDECK_CC": slow["TAPEDECK_CC"]})
left = [path for path in os.listdir("cache/strategies") if not path.endswith(".so")]
check(not left, f"left in the cache after a kill: {left}")

# ---- a strategy that crashes keeps what was finished ----
CRASH = strategy(parameters='WINDOW(fast, 5, "bars"), COUNT(way, 0, 0, 9, "", "how to crash")', rows="SMA(average, close, fast)", state="bars",
                 before="#include <stdlib.h>\nstatic int deep(volatile int *at) { volatile int here[999]; here[0] = *at + 1; "
                        "return here[0] < 0 ? 0 : deep(here) + here[1]; }\n",
                 body="""use(fast, way, average, close);
    state->bars = state->bars + 1;
    mask here = (fast == 3000) & (state->bars == 9);
    if (any(here) && getenv("CRASH")) {
        volatile int zero = 0, one = 1;
        if (any(way == 1)) *(volatile int *)8 = 1;
        if (any(way == 2)) __builtin_trap();
        if (any(way == 3)) zero = one / zero;
        if (any(way == 4)) abort();
        if (any(way == 5)) deep(&zero);
        if (any(way == 6)) for (;;) __asm__ volatile("");
    }
    target(select(close > average, 1, -1), crossed_above(begin) | ((close > average) & (previous(average) > average)));""")
write("crash.c", CRASH)
write("crash.yaml", config("crash.c", "fast: {min: 2, max: 3000}, way: 1"))
crash = {"CRASH": "1"}
for way, cause in enumerate(["segmentation fault", "illegal instruction", "division by zero", "abort", "segmentation fault"], 1):
    done = run("run", "crash.yaml", "--set", f"parameters={{fast: 3000, way: {way}}}", "--json", "--fills", "fills.csv", environment=crash, expect=1,
               say=f"strategy crash crashed ({cause}")
    told = json.loads(done.stderr.strip().split("\n")[-1])
    check(told["error"]["message"].endswith("while playing set 0") and done.stdout == "", "the crash as JSON")
    check(not glob.glob("fills.csv*"), "a half-written file is left")
run("sweep", "crash.yaml", "-o", "whole.h5", "--threads", "1")
run("sweep", "crash.yaml", "-o", "crashed.h5", "--threads", "1", environment=crash, expect=1,
    say="strategy crash crashed (segmentation fault) while playing sets")
check(os.path.getsize("crashed.h5.journal") > 100000 and not os.path.exists("crashed.h5"), "the journal of a crashed sweep")
write("crash.c", CRASH + "/* mended */\n")
run("sweep", "crash.yaml", "-o", "crashed.h5", "--resume", expect=2, say="the strategy's source changed since")
write("crash.c", CRASH)
run("sweep", "crash.yaml", "-o", "crashed.h5", "--resume", say="2999 sets finished,")
check(hashes("crashed.h5") == hashes("whole.h5"), "a crashed and resumed sweep has other results")

# one that never returns is ended by Ctrl-C twice
run("sweep", "crash.yaml", "-o", "whole6.h5", "--set", "parameters.way=6")
hanging = subprocess.Popen([BIN, "sweep", "crash.yaml", "-o", "loop.h5", "--threads", "1", "--set", "parameters.way=6"],
                           env=dict(ENVIRONMENT, **crash), stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
while not (os.path.exists("loop.h5.journal") and os.path.getsize("loop.h5.journal") > 100000):
    check(hanging.poll() is None, "the sweep that was to hang has ended")
    time.sleep(0.05)
while hanging.poll() is None:
    hanging.send_signal(signal.SIGINT)
    time.sleep(0.1)
check(hanging.returncode == 130, f"exit code {hanging.returncode} of a strategy that never returns")
run("sweep", "crash.yaml", "-o", "loop.h5", "--resume", "--set", "parameters.way=6")
check(hashes("loop.h5") == hashes("whole6.h5"), "a hung and resumed sweep has other results")

# ---- verify ----
run("verify", "whole.h5")
write("crash.c", CRASH + "\n")
run("verify", "whole.h5", expect=3, say="crash.c: the strategy's source changed since")
run("verify", "whole.h5", "--config", "crash.yaml", expect=3, say="the strategy's source changed since")
run("sweep", "crash.yaml", "-o", "whole.h5", "--resume", expect=2, say="the strategy's source changed since")
os.remove("crash.c")
run("verify", "whole.h5", expect=3, say="the strategy crash.c is not there; name its file with --strategy FILE")
os.mkdir("moved")
write("moved/crash.c", CRASH)
run("verify", "whole.h5", "--strategy", "moved/crash.c")
write("moved/other.c", CRASH)
run("verify", "whole.h5", "--strategy", "moved/other.c", expect=3, say="moved/other.c is strategy other, the results are of crash")

# ---- doctor, and an installation of its own ----
told = json.loads(run("doctor", "--json").stdout)["own_strategies"]
check(told["compiles"] and told["cache"] == os.path.realpath("cache") and told["compiler"] == ENVIRONMENT["TAPEDECK_CC"], f"doctor says {told}")
told = json.loads(run("doctor", "--json", environment={"TAPEDECK_CC": "/bin/false"}).stdout)
check(any("strategies of your own cannot be played" in problem["text"] for problem in told["problems"]), "doctor does not see a bad compiler")
installed = subprocess.run(["cmake", "--install", os.path.dirname(BIN), "--prefix", WORK + "/usr"], capture_output=True, text=True)
check(installed.returncode == 0, "cmake --install: " + installed.stderr)
program = WORK + "/usr/bin/tapedeck"
told = json.loads(run("doctor", "--json", program=program).stdout)["own_strategies"]
check(told["compiles"] and os.path.realpath(told["headers"]) == os.path.realpath("usr/include/tapedeck"), f"the installed doctor says {told}")
run("run", "cached.yaml", program=program)
shutil.rmtree(WORK)
print("strategies of users: compiled, cached, checked, played; same bits as built in")
