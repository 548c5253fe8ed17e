"""Holds the repository to its arrows (docs/architecture.md): who may include whom, and who may print or exit."""
import re

from repository import code_of, files, finish, read

# folder -> folders whose headers it may include. The longest folder that matches a file's path counts.
ARROWS = {
    "base": {"base"},
    "data": {"base", "data"},
    "sim": {"base", "data", "sim"},
    "models": {"base", "data", "models"},
    "sweeps": {"base", "data", "sim", "models", "sweeps"},
    "live": {"base", "data", "sim", "live"},
    "cli": {"base", "data", "sim", "models", "sweeps", "live", "bench", "cli"},
    "bench": {"base", "data", "sim", "models", "sweeps", "live", "bench"},
    "tests": {"base", "data", "sim", "models", "sweeps", "live", "bench", "cli", "tests"},
}
# folder -> the only headers it may include: what is compiled once per instruction set sees one door
DOORS = {
    "strategies": {"sim/strategy.h"},
    "tests/strategies": {"sim/strategy.h"},
    "examples": {"sim/strategy.h"},
    "data/rows": {"data/row.h"},
}
# headers made by the build -> folders that may include them
GENERATED = {
    "commit.h": {"sweeps", "cli", "tests", "bench"},
    "tapedeck_rows.h": {"sim"},
    "tapedeck_strategies.h": {"sim"},
    "tapedeck_test_strategies.h": {"tests"},
}
# the only folders that may print on the standard streams, or end the process
TALKERS = {"cli", "bench", "tests"}
TALK = re.compile(r"\b(?:printf|vprintf|puts|putchar|perror|exit|_exit|quick_exit)\s*\(|\bstdout\b|\bstderr\b")


def folder_of(path):
    known = [folder for folder in (*ARROWS, *DOORS) if path.startswith(folder + "/")]
    return max(known, key=len) if known else None


def problems_of(path, text):
    folder = folder_of(path)
    if folder is None:
        return [f"{path}: C source outside the folders that tests/check_includes.py knows"]
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        match = re.match(r'\s*#\s*include\s*"([^"]+)"', line)
        if not match:
            continue
        header = match.group(1)
        if folder in DOORS:
            allowed, good = header in DOORS[folder], " and ".join(sorted(DOORS[folder]))
        elif header in GENERATED:
            allowed, good = folder in GENERATED[header], "nothing: " + header + " is for " + ", ".join(sorted(GENERATED[header]))
        else:
            allowed, good = header.split("/")[0] in ARROWS[folder] and "/" in header, ", ".join(sorted(ARROWS[folder]))
        if not allowed:
            found.append(f"{path}:{number}: {folder} may not include {header}; allowed: {good}")
    if folder.split("/")[0] not in TALKERS:
        for number, line in enumerate(code_of(text).splitlines(), 1):
            match = TALK.search(line)
            if match:
                word = match.group(0).rstrip("( ")
                found.append(f"{path}:{number}: {word} outside cli/: return a td_status, or take a FILE from the caller")
    return found


def test_the_rules():
    """The rules bite: each bad line is found, each good one passes."""
    for path, line, bad in [
            ("base/a.c", '#include "data/tape.h"', True), ("base/a.c", '#include "base/error.h"', False),
            ("data/a.c", '#include "sim/play.h"', True), ("sim/a.c", '#include "sweeps/config.h"', True),
            ("sweeps/a.c", '#include "cli/cli.h"', True), ("cli/a.c", '#include "sweeps/config.h"', False),
            ("strategies/a.c", '#include "sim/play.h"', True), ("strategies/a.c", '#include "sim/strategy.h"', False),
            ("data/rows/a.c", '#include "base/error.h"', True), ("data/rows/a.c", '#include "data/row.h"', False),
            ("sim/a.c", '#include "ledger.h"', True), ("data/a.c", '#include "commit.h"', True),
            ("elsewhere/a.c", "", True), ("sim/a.c", 'printf("x");', True), ("sim/a.c", "exit(1);", True),
            ("sim/a.c", "fprintf(stderr, x);", True), ("sim/a.c", 'fprintf(out, "stdout");  /* printf( */', False),
            ("cli/a.c", 'printf("x");', False), ("sim/a.c", "on_exit_bar(1); snprintf(a, 1, b);", False)]:
        if bool(problems_of(path, line)) != bad:
            return [f"the rule itself is broken: {path}: {line} should {'not ' if not bad else ''}be a problem"]
    return []


sources = [path for path in files() if path.endswith((".c", ".h"))]
problems = test_the_rules() + [problem for path in sources for problem in problems_of(path, read(path) or "")]
if len(sources) < 20:
    problems.append(f"only {len(sources)} C files found: is TAPEDECK_SOURCE right?")
finish(problems, f"{len(sources)} C files keep to the arrows")
