"""Random configurations on random tapes: the program against the oracle of tests/oracle, bar for bar and metric for metric.

    check_oracle.py [--cases N] [--seed S] [--rules orders sizes limits resizing] [--keep FOLDER] [--one K]

Case K of a seed is the same case however many are played. A case that differs prints what differs, its configuration, its tape
and the commands that play it again; with --keep it is left in the folder. Fills and trades must be the same ones, their numbers to
1e-12; equity and metrics to 1e-9."""
import argparse
import csv
import json
import math
import os
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from oracle import broker, cases, metrics, tape as tapes, walk  # noqa: E402

PROGRAM = os.environ.get("TAPEDECK_ODD")  # tests/program/main.c: tapedeck with the strategy `follow`
REASONS = ("open", "close", "stop", "stop_gap", "target", "target_gap", "ruin", "end", "limit", "stop_order", "touched", "trailing",
           "break_even", "time_stop", "liquidation", "risk")
FILL_NUMBERS = ("units", "price", "commission", "spread_cost", "slippage_cost", "position")
TRADE_NUMBERS = ("units", "entry_price", "exit_price", "commission", "pnl", "ret")


def run(*arguments):
    done = subprocess.run([PROGRAM, *map(str, arguments)], capture_output=True, text=True)
    if done.returncode != 0:
        raise AssertionError(f"{' '.join(map(str, arguments))}: exit code {done.returncode}\n{done.stderr}")
    return done.stdout


def read_rows(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def near(found, expected, tolerance, scale=0.0):
    """Relative to the larger of the two and of `scale`, the size of what was subtracted to get them."""
    if found is None or expected is None or not math.isfinite(expected):  # JSON has null for all that is no number
        return found is None and (expected is None or not math.isfinite(expected))
    return abs(found - expected) <= tolerance * max(abs(found), abs(expected), scale)


def save_tape(tape, name):
    tapes.write_csv(tape, f"{name}.csv")
    run("data", "import", "klines", f"{name}.csv", "--symbol", "CASE", "--interval", tape.interval, "--strict", "-o", f"{name}.h5")


def make_tape(draw, name):
    """A tape on disk, and the same bars."""
    if draw.random() < 0.2:
        options, interval = cases.synthetic_options(draw)
        run("data", "synth", *options, "-o", f"{name}.h5")
        tape = tapes.read_tape_file(f"{name}.h5", interval)
        tapes.write_csv(tape, f"{name}.csv")
        return tape, "synth " + " ".join(map(str, options))
    tape, temper = cases.made_up_tape(draw)
    save_tape(tape, name)
    return tape, temper


def compare_lists(problems, what, found, expected, texts, numbers, scale_of):
    """Rows of a CSV file with the oracle's records."""
    for index, (row, record) in enumerate(zip(found, expected)):
        for name in texts:
            if row[name] != str(getattr(record, name)):
                problems.append(f"{what} {index}: {name} {row[name]}, oracle {getattr(record, name)}")
                return
        for name in numbers:
            value, own = float(row["return" if name == "ret" else name]), getattr(record, name)
            if not near(value, own, 1e-12, scale_of(record, name)):
                problems.append(f"{what} {index}: {name} {value!r}, oracle {own!r}")
                return
    if len(found) != len(expected):
        problems.append(f"{len(found)} {what}s, oracle {len(expected)}: next is "
                        f"{(found + expected)[min(len(found), len(expected))] if len(found) > len(expected) else expected[len(found)]}")


def compare_equity(problems, found, account):
    scale = max(map(abs, account.equity))
    peak = -math.inf
    for t, (row, equity, units) in enumerate(zip(found, account.equity, account.units)):
        peak = max(peak, equity)
        for name, expected in (("equity", equity), ("position", units)):
            if not near(float(row[name]), expected, 1e-9, scale if name == "equity" else 0):
                problems.append(f"bar {t}: {name} {row[name]}, oracle {expected!r}")
                return
        if abs(float(row["drawdown"]) - (equity / peak - 1)) > 1e-9:
            problems.append(f"bar {t}: drawdown {row['drawdown']}, oracle {equity / peak - 1!r}")
            return
    if len(found) != len(account.equity):
        problems.append(f"{len(found)} bars of equity, oracle {len(account.equity)}")


def compare_metrics(problems, document, account, tape):
    expected, N = metrics.measure(account, tape)
    found = document["metrics"]
    if set(found) != set(expected):
        problems.append(f"metrics without a counterpart: {set(found) ^ set(expected)}")
    unsure = metrics.uncertainties(account, tape, expected)
    if "intrabar" in account.config:
        unsure["ambiguous_bars"] = math.inf  # R50 does not say where stops that follow are when a bar is looked at
    for name in sorted(set(found) & set(expected)):
        unsure_by = unsure.get(name, 0.0)
        if math.isfinite(unsure_by) and not near(found[name], expected[name], 1e-9, 1e9 * unsure_by):
            problems.append(f"{name} {found[name]!r}, oracle {expected[name]!r}")
    if not near(document["periods_per_year"], N, 1e-12):
        problems.append(f"periods_per_year {document['periods_per_year']}, oracle {N}")
    if document["ruined"] != account.ruined:
        problems.append(f"ruined {document['ruined']}, oracle {account.ruined}")


def cancelled(account, record, price, bar, held):
    """How much larger than a record's units the numbers are whose difference they may be: what is held, what fixed commission takes, what was
    lost on the way."""
    fixed = account.config.get("fixed_commission", 0.0)
    left = min(abs(equity) or math.inf for equity in account.equity[max(bar - 1, 0):bar + 1])
    lost = max(account.config["cash"], *account.equity) / left
    return lost * (1 + (abs(held) + fixed / price) / abs(record.units))


def play_case(tape, config, name, oracle_config=None):
    """What differs, as sentences; None where rounding decides whether rows cross."""
    with open("case.yaml", "w") as file:
        file.write(cases.as_yaml(config, f"{name}.h5"))
    document = json.loads(run("run", "case.yaml", "--json", "--fills", "fills.csv", "--trades", "trades.csv",
                              "--equity", "equity.csv"))
    config = oracle_config or config
    account = (walk if "intrabar" in config else broker).play(tape, config)
    if account.in_doubt:
        return None
    problems = []
    compare_lists(problems, "fill", read_rows("fills.csv"), account.fills, ("bar", "reason"), FILL_NUMBERS,
                  lambda fill, field: 0 if field == "price" else abs(getattr(fill, "units" if field == "position" else field))
                  * cancelled(account, fill, fill.price, fill.bar, fill.position))
    largest = max((abs(fill.position) for fill in account.fills), default=0.0)
    compare_lists(problems, "trade", read_rows("trades.csv"), account.trades,
                  ("entry_bar", "exit_bar", "entry_reason", "exit_reason"), TRADE_NUMBERS,
                  lambda trade, field: {"pnl": abs(trade.units) * trade.entry_price, "ret": 1.0, "units": abs(trade.units),
                                        "commission": abs(trade.units) * trade.entry_price / 1000}.get(field, 0)
                  * cancelled(account, trade, trade.entry_price, trade.exit_bar, largest))
    compare_equity(problems, read_rows("equity.csv"), account)
    if not problems:
        # whether a peak is reached again can hang on the last bit, so metrics are held to what the program itself wrote
        account.equity = [float(row["equity"]) for row in read_rows("equity.csv")]
        for trade, row in zip(account.trades, read_rows("trades.csv")):
            trade.pnl, trade.ret = float(row["pnl"]), float(row["return"])
        compare_metrics(problems, document, account, tape)
    return problems


def reproduce(problems, kind, tape, name, number, seed, keep):
    """Everything that is needed to see it again."""
    print(f"case {number} of seed {seed} ({kind}, {len(tape)} bars) differs:")
    for problem in problems[:8]:
        print("   ", problem)
    with open("case.yaml") as file:
        print("case.yaml:\n" + file.read())
    with open(f"{name}.csv") as file:
        text = file.read()
        print(f"{name}.csv:\n" + (text if len(text) < 20000 else text[:20000] + "... (--keep has all of it)\n"))
    print(f"tapedeck_odd data import klines {name}.csv --symbol CASE --interval {tape.interval} -o {name}.h5\n"
          "tapedeck_odd run case.yaml --json --fills fills.csv --trades trades.csv --equity equity.csv\n"
          f"or: tests/check_oracle.py --seed {seed} --one {number}")
    if keep:
        folder = os.path.join(keep, f"case-{seed}-{number}")
        shutil.rmtree(folder, ignore_errors=True)
        os.makedirs(folder)
        for file in ("case.yaml", f"{name}.csv", "fills.csv", "trades.csv", "equity.csv"):
            if os.path.exists(file):
                shutil.copy(file, folder)


def comparison_bites():
    """The comparison must notice a wrong number, or it proves nothing."""
    draw = cases.draws("bites")
    tape, _ = cases.made_up_tape(draw)
    while len(tape) < 100 or len(set(tape.close)) < 10:
        tape, _ = cases.made_up_tape(draw)
    tape.volume = [(11.0, 0.0, 9.0, 0.0)[t % 4] for t in range(len(tape))]
    save_tape(tape, "bites")
    config = {"strategy": "follow", "profile": "tapedeck", "cash": 10000.0, "sizing": "all_in", "lot": 0.0, "direction": "both",
              "commission": 0.001, "fixed_commission": 0.0, "spread": 0.0, "slippage": 0.0, "at": "next_open", "stop_loss": 0.25,
              "take_profit": 0.0, "finalize": False, "sample": "day", "risk_free": 0.0, "periods_per_year": 0.0}
    if play_case(tape, config, "bites"):
        return  # the campaign will say why
    for name, value in (("commission", 0.001 + 1e-9), ("at", "close"), ("direction", "long"), ("cash", 10000.001)):
        if not play_case(tape, config, "bites", config | {name: value}):
            sys.exit(f"the oracle played {name} {value}, the program {config[name]}, and nobody noticed")


def campaign(arguments):
    """Counts of what happened: failed, played, in doubt, and fills by reason."""
    count = dict.fromkeys(("failed", "played", "in doubt"), 0)
    reasons = dict.fromkeys(REASONS, 0)
    for number in range(arguments.cases) if arguments.one is None else [arguments.one]:
        if number % 3 == 0 or arguments.one is not None:  # making a tape costs as much as playing one: it serves three cases
            tape, kind = make_tape(cases.draws(f"{arguments.seed}/{number // 3}/tape"), "tape")
        draw = cases.draws(f"{arguments.seed}/{number}/configuration")
        if arguments.rules:
            config = cases.walk_configuration(draw, tape, arguments.rules)
        else:
            config = cases.configuration_of_round(draw, tape, number)
        try:
            problems = play_case(tape, config, "tape")
        except AssertionError as failure:
            problems = [str(failure)]
        if problems is None:
            count["in doubt"] += 1
            continue
        count["played"] += 1
        if not problems:
            for row in read_rows("fills.csv"):
                reasons[row["reason"]] += 1
            continue
        count["failed"] += 1
        reproduce(problems, kind, tape, "tape", number, arguments.seed, arguments.keep)
        if count["failed"] == 5:
            print("... and so on: five are enough")
            break
    return count, reasons


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=900)
    parser.add_argument("--seed", default="1")
    parser.add_argument("--one", type=int, help="only this case")
    parser.add_argument("--rules", nargs="*", default=[], choices=list(cases.RULES), help="of these only")
    parser.add_argument("--keep", type=os.path.abspath, help="folder for the cases that differ")
    arguments = parser.parse_args()
    if not PROGRAM:
        sys.exit("TAPEDECK_ODD must name the program build/release/tests/tapedeck_odd")
    folder = tempfile.mkdtemp(prefix="tapedeck-oracle-")
    os.chdir(folder)
    try:
        comparison_bites()
        count, reasons = campaign(arguments)
    finally:
        os.chdir("/")
        shutil.rmtree(folder)
    if count["failed"]:
        sys.exit(f"{count['failed']} of {count['played']} cases differ")
    if arguments.cases >= 900 and arguments.one is None:
        missing = [] if arguments.rules else [reason for reason, fills in reasons.items() if fills == 0]
        if missing or count["in doubt"] > arguments.cases // 10:
            sys.exit(f"the cases prove too little: {count['in doubt']} in doubt, no fills for the reasons {missing}")
    print(f"{count['played']} cases of seed {arguments.seed} are the same as the oracle's; {count['in doubt']} left out, because "
          "rounding decides what they do")
    print("fills: " + ", ".join(f"{fills} {reason}" for reason, fills in reasons.items()))


if __name__ == "__main__":
    main()
