"""Rules in a configuration: `entry`, `exit`, `entry_short`, `exit_short`.

They are played like the built-in strategies they spell out, bit for bit, on every engine and instruction set; random expressions
decide as Python does; nothing in them sees the future; what is wrong is said with its place; nothing of a text gets into the C file
but names and numbers."""
import csv
import glob
import hashlib
import json
import os
import random
import re
import subprocess
import sys
import tempfile

BIN = os.path.abspath(os.environ["TAPEDECK_BIN"])
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
try:
    import h5py
    import numpy as np
except ImportError:
    print("python3-h5py is not there: skipped")
    sys.exit(77)
from oracle import rows, tape as tapes  # noqa: E402

WORK = tempfile.mkdtemp(prefix="tapedeck-rules-")
os.chdir(WORK)
ISAS = ["scalar", "x86-64-v2", "x86-64-v3", "x86-64-v4"]
ENVIRONMENT = dict(os.environ, TAPEDECK_CACHE=os.path.join(WORK, "cache"), NO_COLOR="1")
ENVIRONMENT.pop("TAPEDECK_ISA", None)


def check(condition, text):
    if not condition:
        sys.exit(text)


def run(*arguments, expect=0, say=(), environment=None):
    done = subprocess.run([BIN, *map(str, arguments)], capture_output=True, text=True, env=dict(ENVIRONMENT, **(environment or {})))
    words = f"{' '.join(map(str, arguments))}: exit code {done.returncode}, expected {expect}\n{done.stdout}{done.stderr}"
    check(done.returncode == expect, words)
    for text in [say] if isinstance(say, str) else say:
        check(text in done.stderr, f"stderr does not say '{text}':\n{words}")
    check("warning" not in done.stderr, "a compiler's warning:\n" + words)
    return done


def write(path, text):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def hashes(path):
    with h5py.File(path, "r") as file:
        return file["hash"][:].tolist()


def config(rules, parameters="", more="", tape="t.h5"):
    lines = "".join(f"{key}: {json.dumps(text)}\n" for key, text in rules.items())
    return f"tape: {tape}\n{lines}method: grid\nparameters: {{{parameters}}}\n{more}"


def source(name="rules.yaml"):
    return run("config", "--print-strategy", name).stdout


run("data", "synth", "--bars", "6000", "--interval", "1h", "--seed", "4", "-o", "t.h5")
isas = [isa for isa in ISAS if subprocess.run([BIN, "doctor"], env=dict(ENVIRONMENT, TAPEDECK_ISA=isa), capture_output=True).returncode == 0]

# ---- the built-in strategies, spelled out ----
SAME = {
    "sma-cross": ({"entry": "crosses_above(sma(close, fast), sma(close, slow))",
                   "entry_short": "crosses_below(sma(close, fast), sma(close, slow))"},
                  "fast: {values: [3, 8, 21]}, slow: {values: [13, 34, 90]}, stop_loss: {values: [0, 0.02]}"),
    "ema-cross": ({"entry": "crosses_above(ema(close, fast), ema(close, slow))",
                   "entry_short": "crosses_above(ema(close, slow), ema(close, fast))"},
                  "fast: {values: [3, 8, 21]}, slow: {values: [13, 34, 90]}, take_profit: {values: [0, 0.03]}"),
    "rsi-reversion": ({"entry": "crosses_above(rsi(close, window), lower)", "entry_short": "crosses_above(upper, rsi(close, window))"},
                      "window: {values: [3, 7, 14]}, lower: {values: [20, 40]}, upper: {values: [60, 70]}"),
}
LEFT_OUT = ("strategy", "strategy_source", "source")
for name, (rules, grid) in SAME.items():
    for profile in ("tapedeck", "backtesting"):
        write("built_in.yaml", f"tape: t.h5\nstrategy: {name}\nmethod: grid\nparameters: {{{grid}}}\nprofile: {profile}\n")
        write("rules.yaml", config(rules, grid, f"profile: {profile}\n"))
        run("sweep", "built_in.yaml", "-o", "built_in.h5", "--force")
        check("ON_SIGNAL" in source() and "position" not in source(), source())
        for isa in isas if profile == "tapedeck" else isas[-1:]:
            forced = {"TAPEDECK_ISA": isa}
            for engine in ("lanes", "skip", "reference"):
                if engine == "skip" and profile == "backtesting":
                    continue  # every bar has a sample there
                run("sweep", "rules.yaml", "-o", "rules.h5", "--force", "--engine", engine, environment=forced)
                check(hashes("rules.h5") == hashes("built_in.h5"), f"{name} as rules plays otherwise ({profile}, {engine}, {isa})")
        # the same crossing where no signal can say it: x + 0 is no row
        inline = {key: re.sub(r"\((\w+\(close, \w+\)), ", r"(\1 + 0 * volume, ", text) for key, text in rules.items()}
        write("inline.yaml", config(inline, grid, f"profile: {profile}\n"))
        check("ON_BAR" in source("inline.yaml"), source("inline.yaml"))
        run("sweep", "inline.yaml", "-o", "inline.h5", "--force")
        check(hashes("inline.h5") == hashes("built_in.h5") or name == "rsi-reversion", f"{name} with crossings on every bar plays otherwise")
    with h5py.File("built_in.h5") as one, h5py.File("rules.h5") as other:
        for key in one:
            if isinstance(one[key], h5py.Dataset) and one[key].dtype.kind == "f":
                check(np.array_equal(one[key][...], other[key][...], equal_nan=True), f"{name}: {key} differs")
    for kind in ("equity", "fills"):
        run("run", "built_in.yaml", "--trial", 3, f"--{kind}", "one.csv")
        run("run", "rules.yaml", "--trial", 3, f"--{kind}", "other.csv")
        check(open("one.csv").read() == open("other.csv").read(), f"{name}: {kind} differ")

# ---- the rule of the documents through every command ----
CROSS = {"entry": "crosses_above(sma(close, fast), sma(close, slow)) & rsi(close, 14) < 70",
         "exit": "crosses_below(sma(close, fast), sma(close, slow))"}
write("rules.yaml", config(CROSS, "fast: {min: 5, max: 25, q: 5, distribution: q_uniform}, slow: {values: [20, 50, 100]}"))
text = source()
check("crossed_above(cross_1) & (rsi_close_14 < 70.0)" in text and "ON_SIGNAL" in text, text)
run("config", "check", "rules.yaml")
run("plan", "rules.yaml")
run("sweep", "rules.yaml", "-o", "rules.h5", "--force")
run("sweep", "rules.yaml", "-o", "rules.h5", "--resume", say="nothing left to do")
check("rules on SYNTH" in run("show", "rules.h5").stdout, "show does not name the rules")
run("verify", "rules.h5", "--sample", "all")
digest = hashlib.sha256(text.encode()).hexdigest()
with h5py.File("rules.h5", "r") as file:
    check(file.attrs["strategy"] == "rules" and file.attrs["strategy_source"] == digest, "the results do not say what played")
    check(file.attrs["entry"] == CROSS["entry"].replace("&", "and"), file.attrs["entry"])
    check("strategy_path" not in file.attrs and '"exit":' in file.attrs["config_resolved"], "provenance")
    expected = hashes("rules.h5")
played = json.loads(run("run", "rules.yaml", "--trial", "1", "--json").stdout)
check(played["strategy"] == "rules" and played["strategy_source"] == digest, "run --json")
spelled = dict(CROSS, entry="rsi(close,14)<70 and   crosses_below( sma(close,slow),sma(close,fast) )")
write("spelled.yaml", config(spelled, "fast: {min: 5, max: 25, q: 5, distribution: q_uniform}, slow: {values: [20, 50, 100]}"))
run("sweep", "spelled.yaml", "-o", "spelled.h5", "--force")
check(sorted(hashes("spelled.h5")) == sorted(expected), "another spelling plays otherwise")
# every other one of the sets is what a sweep with --set gives
run("sweep", "rules.yaml", "--set", "exit=crosses_below(sma(close, fast), sma(close, slow)) | close < low", "-o", "set.h5", "--force")
# a list gives values, too
write("list.yaml", "tape: t.h5\n" + "".join(f"{k}: {json.dumps(v)}\n" for k, v in CROSS.items()) + "list: [{fast: 5, slow: 20}, {fast: 5, slow: 50}]\n")
run("sweep", "list.yaml", "-o", "list.h5", "--force")
check(hashes("list.h5") == expected[:2], "the sets of a list play otherwise")
run("config", "check", "list.yaml", "--set", "list=[{fast: 5}]", expect=2, say="'slow' is no column, so it is a parameter")

# ---- nothing sees the future ----
EVERYTHING = {
    "entry": "crosses_above(rsi(close, 14), 30) | crosses_above(close, bollinger(close, 20, k).lower)",
    "exit": "close < higher('4h', sma(close, 20)) * (1 - gap) and !(previous(close) > 200)",
    "entry_short": "crosses_below(close, (high + low) / 2 - atr(14)) & volume > 2 * sma(volume, 20)",
    "exit_short": "supertrend(10, 3).side > 0 or previous(macd(close, 3, 6, 2).histogram) > -gap and not close > previous(high)",
}
write("rules.yaml", config(EVERYTHING, "gap: 0.01, k: {values: [1.5, 2]}"))
run("verify", "--poison", "rules.yaml", "--sample", 2, "--every", 200, "--set", "period.to=2023-03-01")
write("rules.yaml", config(CROSS, "fast: 5, slow: 20"))
run("verify", "--poison", "rules.yaml", "--every", 200, "--set", "period.to=2023-03-01")

# ---- every kind of row, every output, compiles and plays ----
names = sorted(os.path.splitext(os.path.basename(path))[0] for path in glob.glob(os.path.join(os.environ["TAPEDECK_SOURCE"], "data", "rows", "*.c")))
calls, refused = [], []
for name in names + ["sample_stddev"]:
    for arguments in ("()", "(5)", "(close)", "(close, 5)", "(close, 3, 6, 2)", "(5, 2)", "(5, 3, 2)", "(0.02, 0.2)", "(close, 20, 2)", "(close, 2, 5)"):
        write("rules.yaml", config({"entry": f"{name}{arguments} > 0"}))
        done = subprocess.run([BIN, "config", "--print-strategy", "rules.yaml"], capture_output=True, text=True, env=ENVIRONMENT)
        if "is of two symbols, and a rule is of one" in done.stderr:
            refused.append(name)
            break
        several = re.search(r"has several outputs, ([\w, ]+); write", done.stderr)
        if several:
            calls.append([f"{name}{arguments}.{output}" for output in several.group(1).split(", ")])
        elif done.returncode == 0:
            calls.append([f"{name}{arguments}"])
        else:
            continue
        break
    else:
        sys.exit(f"no arguments fit {name}")
check(refused == ["spread"], f"refused as of two symbols: {refused}")
for at in range(0, len(calls), 4):  # at most 12 rows
    some = [call for group in calls[at:at + 4] for call in group]
    write("rules.yaml", config({"entry": " | ".join(f"crosses_above({call}, 1)" for call in some) + " | " + " | ".join(f"{call} > 1" for call in some)}))
    run("run", "rules.yaml")
check(len(calls) + len(refused) == len(names) + 1, "kinds of rows are missing")

# ---- random expressions against Python ----
NAN = float("nan")


def shifted(x):
    return np.concatenate([[NAN], x[:-1]])


def rolling(x, window, of):
    return np.array([of(x[t + 1 - window:t + 1]) if t + 1 >= window else NAN for t in range(len(x))])


class Maker:
    """Texts and what they are worth: (bars) of numbers or truths. Sums and quotients are exact here, so == is."""

    def __init__(self, draw, bars, values):
        self.draw, self.bars, self.values = draw, bars, values

    def leaf(self):
        """(text, value, its previous value)"""
        draw = self.draw
        column = draw.choice(["open", "high", "low", "close"])
        x = self.bars[column]
        window = draw.choice([2, 4, 8, "w"])
        length = self.values["w"] if window == "w" else window
        pick = draw.randrange(10)
        if pick < 3:
            return column, x, shifted(x)
        if pick < 5:
            row = rolling(x, length, lambda part: part.sum() / length)
            return f"sma({column}, {window})", row, shifted(row)
        if pick < 7:
            row = rolling(x, length, np.max if pick == 5 else np.min)
            return f"{'highest' if pick == 5 else 'lowest'}({column}, {window})", row, shifted(row)
        if pick == 7:
            row = self.bars["volume"]
            return "volume", row, shifted(row)
        if pick == 8:
            return "level", np.full_like(x, self.values["level"]), np.full_like(x, self.values["level"])
        number = draw.choice([0.25, 1, 2, 99.5, 100, 101.25])
        return f"{number:g}", np.full_like(x, number), np.full_like(x, number)

    def number(self, depth):
        draw = self.draw
        if depth == 0 or draw.random() < 0.4:
            text, now, before = self.leaf()
            if draw.random() < 0.2 and text[0].isalpha() and text != "level":
                return f"previous({text})", before, None
            return text, now, before
        pick = draw.randrange(7)
        a, a_now, a_before = self.number(depth - 1)
        if pick == 0:
            return f"-({a})", -a_now, None if a_before is None else -a_before
        if pick == 1:
            return f"abs({a})", np.abs(a_now), None if a_before is None else np.abs(a_before)
        b, b_now, b_before = self.number(depth - 1)
        both = lambda f: (f(a_now, b_now), None if a_before is None or b_before is None else f(a_before, b_before))  # noqa: E731
        if pick == 2:
            return f"min({a}, {b})", *both(lambda x, y: np.where(x < y, x, y))
        if pick == 3:
            return f"max({a}, {b})", *both(lambda x, y: np.where(x > y, x, y))
        sign = "+-*"[pick - 4]
        return f"({a}) {sign} ({b})", *both({"+": np.add, "-": np.subtract, "*": np.multiply}[sign])

    def condition(self, depth):
        draw = self.draw
        if depth == 0 or draw.random() < 0.25:
            a, a_now, a_before = self.number(2)
            b, b_now, b_before = self.number(2)
            if draw.random() < 0.4 and a_before is not None and b_before is not None:
                gap, before = a_now - b_now, a_before - b_before
                if draw.random() < 0.5:
                    return f"crosses_above({a}, {b})", (gap > 0) & (before <= 0)
                return f"crosses_below({a}, {b})", (gap < 0) & (before >= 0)
            sign, compare = draw.choice([("<", np.less), ("<=", np.less_equal), (">", np.greater), (">=", np.greater_equal),
                                         ("==", np.equal), ("!=", np.not_equal)])
            return f"{a} {sign} {b}", compare(a_now, b_now)
        if draw.random() < 0.2:
            a, truth = self.condition(depth - 1)
            return draw.choice(["!({})", "not ({})"]).format(a), ~truth
        a, first = self.condition(depth - 1)
        b, second = self.condition(depth - 1)
        if draw.random() < 0.5:
            return f"({a}) {draw.choice(['&', 'and', '&&'])} ({b})", first & second
        return f"({a}) {draw.choice(['|', 'or', '||'])} ({b})", first | second


def positions(rules, bars):
    """The side of the position on each bar: decided at a close, filled at the next open."""
    side, sides = 0, []
    for t in range(bars):
        sides.append(side)
        leaves = (side > 0 and rules["exit"][t]) or (side < 0 and rules["exit_short"][t])
        wanted = 0 if leaves else None
        if rules["entry"][t] and not (side > 0 and rules["exit"][t]):
            wanted = 1
        if rules["entry_short"][t] and not (side < 0 and rules["exit_short"][t]):
            wanted = -1
        if wanted is not None:
            side = wanted
    return sides


def random_tape(draw, bars):
    close, columns = 100.0, {name: [] for name in ("open", "high", "low", "close", "volume")}
    for _ in range(bars):
        opened = close
        close = min(max(close + draw.randrange(-8, 9) * 0.25 + (100 - close) // 8 * 0.25, 80.0), 120.0)
        columns["open"].append(opened)
        columns["close"].append(close)
        columns["high"].append(max(opened, close) + draw.randrange(4) * 0.25)
        columns["low"].append(min(opened, close) - draw.randrange(4) * 0.25)
        columns["volume"].append(float(draw.randrange(50, 150)))
    return columns


CASES = int(os.environ.get("TAPEDECK_RULE_CASES", "10"))
BARS = 300
moved = played = 0
for case in range(CASES):
    draw = random.Random(f"rules {case}")
    columns = random_tape(draw, BARS)
    tapes.write_csv(tapes.Tape("1h", [1672531200 * 10**9 + t * 3600 * 10**9 for t in range(BARS)], *columns.values()), "case.csv")
    run("data", "import", "klines", "case.csv", "--symbol", "CASE", "--interval", "1h", "--strict", "-o", "case.h5")
    bars = {name: np.array(values) for name, values in columns.items()}
    seed, grid = draw.random(), [(w, level) for level in (99.0, 100.5) for w in (2, 4)]
    for trial, (w, level) in enumerate(grid):
        again, made, truths = random.Random(seed), {}, {}
        maker = Maker(again, bars, {"w": w, "level": level})
        with np.errstate(all="ignore"):
            for rule in ("entry", "exit", "entry_short", "exit_short"):
                made[rule], truths[rule] = "", None
                while truths[rule] is None or "close" not in made[rule]:
                    made[rule], truths[rule] = maker.condition(2)
        if trial == 0:
            used = [name for name in ("level", "w") if re.search(rf"\b{name}\b", " ".join(made.values()))]
            spelled = {"level": "level: {values: [99, 100.5]}", "w": "w: {values: [2, 4]}"}
            write("rules.yaml", config(made, ", ".join(spelled[name] for name in used), tape="case.h5"))
            done = subprocess.run([BIN, "config", "--print-strategy", "rules.yaml"], capture_output=True, text=True, env=ENVIRONMENT)
            if done.returncode:  # the draw compares two numbers, or takes more rows than there are
                check(re.search("same on every bar|never cross|at most 16 rows", done.stderr), done.stderr)
                break
            found = []
            for engine in ("lanes", "skip", "reference"):
                if engine == "skip" and "ON_BAR" in done.stdout:
                    continue
                run("sweep", "rules.yaml", "-o", "rules.h5", "--force", "--engine", engine)
                found.append(hashes("rules.h5"))
            check(all(one == found[0] for one in found), f"engines differ on\n{made}")
            played += 1
        set_now = {"level": level, "w": w}
        if any(name not in used and set_now[name] != {"level": 99.0, "w": 2}[name] for name in set_now):
            continue  # the same set again
        override = [f"--set=parameters.{name}={set_now[name]:g}" for name in used]
        run("run", "rules.yaml", *override, "--equity", "equity.csv")
        with open("equity.csv", newline="") as file:
            sides = [int(np.sign(float(row["position"]))) for row in csv.DictReader(file)]
        expected = positions(truths, BARS)
        moved += len(set(expected)) > 1
        different = [t for t in range(BARS) if sides[t] != expected[t]]
        check(not different, f"case {case}, {set_now}: on bar {different[:1]} the position is {sides[different[0]] if different else 0}\n{made}")
check(moved >= CASES and played >= CASES / 2, f"only {moved} of the random sets trade, {played} of {CASES} cases were played")

# ---- what is wrong, and where ----
BAD = [  # entry, column (of the text, from 1), what is said
    ("", 1, "the expression ends here"),
    ("close", 1, "entry is a condition such as 'close > 100', this is a number"),
    ("close > clsoe", 9, "'clsoe' is no column, so it is a parameter, and parameters give it no value; did you mean 'close'?"),
    ("smaa(close, 5) > 1", 1, "unknown function 'smaa'; did you mean 'sma'?"),
    ("closee(5) > 1", 1, "unknown function"),
    ("close(5) > 1", 1, "close is a column, not a function"),
    ("sma > 1", 1, "sma is an indicator; write sma(column, window)"),
    ("abs > 1", 1, "abs is a function; write abs(...)"),
    ("sma(close) > 1", 1, "sma takes 2 arguments, found 1: sma(column, window)"),
    ("atr(close, 14) > 1", 1, "atr takes 1 argument, found 2: atr(window)"),
    ("sma(closs, 5) > 1", 5, "sma is of a column: open, high, low, close or volume, found 'closs'; did you mean 'close'?"),
    ("sma(rsi(close, 5), 5) > 1", 5, "not of something computed"),
    ("sma(close, 0) > 1", 12, "window of sma is 0, must be between 1 and 10000000"),
    ("sma(close, 2.5) > 1", 12, "must be a whole number of bars"),
    ("sma(close, 0 - 3) > 1", 12, "window of sma is -3"),
    ("sma(close, fast * 2) > 1", 12, "nothing computed can stand here"),
    ("sma(close, high) > 1", 12, "found the column high"),
    ("macd(close, 26, 12, 9).line > 1", 1, "macd: fast must be less than slow"),
    ("bollinger(close, 20, 2) > close", 1, "bollinger has several outputs, upper, middle, lower; write bollinger(...).upper"),
    ("bollinger(close, 20, 2).uper > close", 25, "has no output 'uper'; there are upper, middle, lower; did you mean 'upper'?"),
    ("abs(close).x > 1", 12, "abs has no outputs"),
    ("(close > open) > 1", 1, "a comparison is of numbers: expected a number, this is a condition"),
    ("(close > open) == (high > low)", 1, "this is a condition"),
    ("close & open", 1, "'&' is between conditions: expected a condition such as 'close > 100', this is a number"),
    ("!close", 2, "'!' is of a condition"),
    ("-(close > open) > 1", 2, "arithmetic is on numbers"),
    ("close > open > low", 14, "comparisons do not chain"),
    ("1 < 2", 1, "the same on every bar"),
    ("1 / 0 < close", 1, "no finite number"),
    ("crosses_above(30, 70)", 1, "they never cross"),
    ("crosses_above(close, fast", 14, "not closed"),
    ("crosses_above(close)", 1, "crosses_above takes 2 arguments, found 1"),
    ("crosses_above(close, open,)", 27, "expected another argument"),
    ("crosses_above(close, previous(open))", 22, "a crossing looks one bar back by itself"),
    ("previous(previous(close)) > 1", 10, "previous is of a column or an indicator"),
    ("previous(close + 1) > 1", 10, "previous is of a column or an indicator"),
    ("higher(1h, sma(close, 5)) > 1", 8, "'1h' is not a number"),
    ("higher('1x', sma(close, 5)) > 1", 8, "'1x' is no interval"),
    ("higher('1h', close) > 1", 14, "the second argument of higher is an indicator"),
    ("higher(close, sma(close, 5)) > 1", 8, "the first argument of higher is an interval in quotes"),
    ("'1h' > close", 1, "a text stands in higher"),
    ("close > 'x", 9, "this quote is not closed"),
    ("close = 5", 7, "write '=='"),
    ("close > 5 $ open", 11, "'$' is not part of an expression"),
    ("close.x > 1", 1, "neither a column nor the name of a parameter"),
    ("stop_loss > close", 1, "no parameter can be called stop_loss: that is a setting of every strategy"),
    ("while > close", 1, "no parameter can be called while"),
    ("NULL > close", 1, "no parameter can be called NULL"),
    ("td_vector > close", 1, "no parameter can be called td_vector"),
    ("x" * 41 + " > close", 1, "at most 40 characters"),
    ("(" * 70 + "close > 1" + ")" * 70, 65, "nested too deeply"),
    (" & ".join("close > 1" for _ in range(400)), 1, "a rule has at most 4000 characters, this has 4797"),
    (" | ".join(f"sma(close, {w}) > 1" for w in range(1, 18)), None, "a strategy has at most 16 rows, 16 are there already"),
    (" | ".join(f"close > p{w}" for w in range(17)), None, "a strategy has at most 16 parameters; p16 would be one more"),
]
for text, column, sentence in BAD:
    write("rules.yaml", f"tape: t.h5\nentry: {json.dumps(text)}\n")
    done = run("config", "check", "rules.yaml", expect=2, say=sentence)
    if column:  # of the line: entry: "
        check(done.stderr.startswith(f"rules.yaml:2:{column + 8}: error: entry: "), f"column {column} expected:\n{text}\n{done.stderr}")
    check("^" in done.stderr and not done.stdout, done.stderr)
COMPANY = [
    ("strategy: sma-cross\nentry: close > open\n", "'entry' stands in place of a strategy, and 'strategy' is given as well"),
    ("exit: close > open\n", "'exit' has nothing to leave: the key 'entry' is missing"),
    ("entry: close > open\nexit_short: close > open\n", "the key 'entry_short' is missing"),
    ("", "the key 'strategy' is missing (or 'entry', a rule in its place)"),
    ("entry: [close > open]\n", "entry must be a condition such as \"close > sma(close, 20)\", found a list"),
    ("entry: close > open\nparameters: {fast: 5}\n", "unknown"),
    ("entry: close > fsat\nparameters: {fast: 5}\n", "did you mean 'fast'?"),
    ("entry: close > sma(close, fast)\nparameters: {fast: 2.5}\n", "fast is 2.5, must be a whole number"),
    ("entry: close > sma(close, fast)\nparameters: {fast: 0}\n", "fast is 0, must be between 1 and"),
    ("entry: close >\nexit: open >\n", "exit: expected a number"),
    ("entyr: close > open\n", "did you mean 'entry'?"),
]
for lines, sentence in COMPANY:
    write("rules.yaml", "tape: t.h5\n" + lines)
    run("config", "check", "rules.yaml", expect=2, say=sentence)
write("rules.yaml", "tape: t.h5\nstrategy: sma-cross\n")
run("config", "--print-strategy", "rules.yaml", expect=2, say="the configuration has no rules")
write("rules.yaml", "tape: t.h5\n")
run("config", "--print-strategy", "rules.yaml", expect=2, say="the configuration has no rules")
write("rules.yaml", config({"entry": "close > open + 1.375"}))
run("config", "check", "rules.yaml", expect=2, environment={"TAPEDECK_CC": "/nowhere/cc"}, say=["rules are compiled, and that failed", "/nowhere/cc"])
run("config", "--print-strategy", "rules.yaml", environment={"TAPEDECK_CC": "/nowhere/cc"})

# ---- a text stays a text ----
ATTEMPTS = [
    'close > 1; system("touch pwned")', "close > 1 */ system(0) /*", "close /* */ > 1", "close > 1 // x", "#include <stdio.h>",
    "close > 1\n#error", "close > \"x\"", "higher('1h\", system(0), \"', sma(close, 5)) > 1", "higher('*/', sma(close, 5)) > 1",
    "close > 1 } int main() {", "close > x\\", "close > 'a\\'", "asm > close", "__builtin_trap > close", "close > 1 ?? 2", "system(0) > 1",
    "exit(0) > 1", "close > `id`", "close > $(id)", "%:include > 1", "close > 0x1p3", "close > 1u", "td_now > 1",
]
for text in ATTEMPTS:
    write("rules.yaml", f"tape: t.h5\nentry: {json.dumps(text)}\nparameters: {{x: 1}}\n")
    done = run("config", "--print-strategy", "rules.yaml", expect=2)
    check(not done.stdout, done.stdout)
check(not os.path.exists("pwned"), "a text was run")
# names that mean something to C but nothing to a rule are only names
ODD = ["printf", "size_t", "exit", "main", "system", "isnan", "buy_limit", "sma_close_5", "sma_close_5_", "int64_t", "cross_1", "t", "rows",
       "close_row", "vector", "a_name_of_exactly_forty_characters_xxxxx"]
words = [name for name in ODD if name != "exit"]
write("rules.yaml", config({"entry": "crosses_above(close, sma(close, 5)) & close > " + " + ".join(words)}, ", ".join(f"{name}: 1" for name in words)))
run("run", "rules.yaml")
# as deep and as long as it goes, compilers take it
deep = "min(close, " * 60 + "open" + ")" * 60
write("rules.yaml", config({"entry": f"{deep} > 1 & " + " & ".join(f"close > {n}" for n in range(100)), "exit": "!" * 60 + "(close > open)",
                            "entry_short": "(" * 60 + "close" + ")" * 60 + " < " + "-" * 60 + "open", "exit_short": "close" + " + open" * 400 + " < 0"}))
run("run", "rules.yaml")
print(f"{len(isas)} instruction sets, {played} random cases, {len(BAD) + len(COMPANY)} refusals")
