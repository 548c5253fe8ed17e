#!/usr/bin/env python3
"""The gate on instruction counts: plays the small scenes (gate/...) under callgrind and compares with the committed baseline.

Seconds on a shared machine swing by tens of percent; the number of instructions of a fixed scene does not, so this can fail a
build. Counts depend on the compiler and its flags: a baseline names the compiler, and with another one there is nothing to compare.
The engines are held to x86-64-v3 (AVX2), because valgrind knows no AVX-512.

    bench/callgrind.py                    compare; exit 0 good, 4 more than 2 % grown, 77 no valgrind or another compiler
    bench/callgrind.py --update           measure and write the baseline; commit it together with what changed the counts
    bench/callgrind.py --filter lanes     some of the scenes
"""
import argparse
import json
import os
import re
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ISA = "x86-64-v3"
EXIT_FAILED, EXIT_USAGE, EXIT_GATE, EXIT_SKIPPED = 1, 2, 4, 77


class Failure(Exception):
    """What ends the program with a sentence and an exit code."""

    def __init__(self, text, code=EXIT_FAILED):
        super().__init__(text)
        self.code = code


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tapedeck", default=os.path.join(HERE, "..", "build", "release", "tapedeck"), metavar="PROGRAM")
    parser.add_argument("--baseline", default=os.path.join(HERE, "baseline", "callgrind.json"))
    parser.add_argument("--filter", default="", metavar="REGEX", help="only scenes whose names hold this")
    parser.add_argument("--threshold", type=float, default=2.0, metavar="PERCENT", help="growth that fails (default 2)")
    parser.add_argument("--update", action="store_true", help="write the baseline")
    parser.add_argument("-o", "--output", metavar="FILE", help="also write the counts of this run as JSON")
    return parser.parse_args()


def run(command, **more):
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False, **more)
    except FileNotFoundError as missing:
        raise Failure(f"{missing.filename} is not there") from missing


def compiler_of(tapedeck):
    """The compiler of the program, which is what counts depend on."""
    # doctor ends with 1 on a machine it finds broken and prints its document all the same
    found = run([tapedeck, "doctor", "--json"])
    try:
        return json.loads(found.stdout)["tapedeck"]["compiler"]
    except (ValueError, KeyError) as wrong:
        raise Failure(f"{tapedeck} doctor --json does not say its compiler: {found.stderr.strip()}") from wrong


def count(tapedeck, scene):
    """Instructions of one step of a scene."""
    environment = dict(os.environ, TAPEDECK_ISA=ISA, OMP_NUM_THREADS="1")
    with tempfile.TemporaryDirectory(prefix="tapedeck-callgrind-") as folder:
        # the profile is thrown away; what is collected inside the toggled function is also in the closing lines
        found = run(["valgrind", "--tool=callgrind", "--toggle-collect=td_measure_step", f"--callgrind-out-file={folder}/out",
                     tapedeck, "bench", "--once", "--filter", f"^{re.escape(scene)}$"], env=environment)
    collected = re.search(r"Collected : (\d+)", found.stderr)
    if found.returncode != 0 or not collected:
        raise Failure(f"scene {scene} under callgrind ended with code {found.returncode}:\n{found.stderr}")
    if int(collected.group(1)) == 0:
        raise Failure(f"callgrind counted nothing in {scene}: the program has no function td_measure_step")
    return int(collected.group(1))


def read_baseline(path):
    try:
        with open(path, encoding="utf-8") as file:
            baseline = json.load(file)
        return baseline["compiler"], baseline["isa"], {name: int(number) for name, number in baseline["instructions"].items()}
    except OSError as wrong:
        raise Failure(f"{path}: {wrong.strerror}; --update writes one", EXIT_USAGE) from wrong
    except (ValueError, KeyError, TypeError, AttributeError) as wrong:
        raise Failure(f"{path} is no baseline of this program: {wrong!r}", EXIT_USAGE) from wrong


def write(path, compiler, counts):
    os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)
    with open(path + ".tmp", "w", encoding="utf-8") as file:
        json.dump({"compiler": compiler, "isa": ISA, "instructions": counts}, file, indent=1)
        file.write("\n")
    os.replace(path + ".tmp", path)


def compare(base, counts, threshold):
    """Prints the table; returns the names that grew too much."""
    grown = []
    width = max(len(name) for name in counts)
    print(f"{'scene':{width}}  {'base':>13}  {'now':>13}  {'change':>8}")
    for name, now in counts.items():
        if name not in base:
            print(f"{name:{width}}  {'':>13}  {now:13d}  {'':>8}  not in the baseline")
            continue
        change = 100 * (now / base[name] - 1)
        verdict = "GREW" if change > threshold else "shrank: --update keeps it so" if change < -threshold else ""
        print(f"{name:{width}}  {base[name]:13d}  {now:13d}  {change:+7.2f}%  {verdict}".rstrip())
        if change > threshold:
            grown.append(name)
    return grown


def main():
    arguments = parse_arguments()
    try:
        subprocess.run(["valgrind", "--version"], capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError) as missing:
        raise Failure("valgrind is not installed: skipped", EXIT_SKIPPED) from missing
    compiler = compiler_of(arguments.tapedeck)
    base = {}
    if not arguments.update:
        base_compiler, base_isa, base = read_baseline(arguments.baseline)
        if (base_compiler, base_isa) != (compiler, ISA):
            raise Failure(f"the baseline is of {base_compiler} on {base_isa}, the program of {compiler} on {ISA}: counts cannot be "
                          "compared, skipped", EXIT_SKIPPED)
    listed = run([arguments.tapedeck, "bench", "--list", "--filter", "^gate/"]).stdout.split()
    scenes = [name for name in listed if re.search(arguments.filter, name)]
    if not scenes:
        raise Failure(f"no gate scene's name holds '{arguments.filter}'", EXIT_USAGE)
    counts = {}
    for name in scenes:
        print(f"callgrind: {name}", file=sys.stderr)
        counts[name] = count(arguments.tapedeck, name)
    if arguments.output:
        write(arguments.output, compiler, counts)
    if arguments.update:
        kept = {}
        if len(scenes) < len(listed) and os.path.exists(arguments.baseline):
            kept_compiler, _, kept = read_baseline(arguments.baseline)
            if kept_compiler != compiler:
                raise Failure("the baseline is of another compiler: update it as a whole", EXIT_USAGE)
        merged = {**kept, **counts}
        write(arguments.baseline, compiler, {name: merged[name] for name in listed if name in merged})
        print(f"{arguments.baseline}: {len(counts)} scenes measured", file=sys.stderr)
        return 0
    grown = compare(base, counts, arguments.threshold)
    if grown:
        raise Failure(f"{len(grown)} scene(s) need more instructions than the baseline by more than {arguments.threshold:g} %: "
                      + ", ".join(grown), EXIT_GATE)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Failure as failure:
        print(f"callgrind: {failure}", file=sys.stderr)
        sys.exit(failure.code)
