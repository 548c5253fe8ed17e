"""Cells that fail: the sweep goes on, marks them with a reason and a bar, exits with 5, and everything that reads the results
knows them. The program is tests/program/main.c, tapedeck with the strategy `ratio`, which asks for over/under of the equity."""
import json
import os
import subprocess
import sys
import tempfile

ODD = os.environ["TAPEDECK_ODD"]


def run(*arguments, expect):
    done = subprocess.run([ODD, *arguments], capture_output=True, text=True)
    if done.returncode != expect:
        sys.exit(f"{' '.join(arguments)}: exit code {done.returncode}, expected {expect}\n{done.stdout}{done.stderr}")
    return done.stdout, done.stderr


def check(condition, text):
    if not condition:
        sys.exit(text)


os.chdir(tempfile.mkdtemp(prefix="tapedeck-failed-"))
run("data", "synth", "--bars", "3000", "--interval", "1h", "--seed", "4", "-o", "t.h5", expect=0)
with open("c.yaml", "w") as file:
    file.write("""\
tape: t.h5
strategy: ratio
parameters:
  fast: {values: [3, 5, 8]}
  over: {values: [0, 1]}
  under: {values: [0, 1, 2]}
""")
out, err = run("sweep", "c.yaml", "-o", "r.h5", "--json", expect=5)
json.loads(out)
check("6" in err, "the sweep does not say how many cells failed:\n" + err)
cells = json.loads(run("show", "r.h5", "--json", "--top", "all", expect=0)[0])
check(len(cells) == 18, f"{len(cells)} cells, expected 18")
failed = [cell for cell in cells if cell.get("state") == "failed"]
check(len(failed) == 6, f"{len(failed)} failed cells, expected the 6 with under 0")
for cell in failed:
    check(cell["parameters"]["under"] == 0, f"failed without reason: {cell['parameters']}")
    check(cell["reason"] == "nan_target", f"reason {cell['reason']}")
    check(all(value is None for value in cell["metrics"].values()), "a failed cell has metrics")
check(cells[-6:] == failed, "failed cells are not ranked last")
for cell in cells[:-6]:
    check(cell["metrics"]["final_equity"] > 0, "a cell beside failed ones has no equity")
run("verify", "r.h5", "--sample", "all", expect=0)

# one failed set by itself
out, err = run("run", "c.yaml", "--set", "parameters={fast: 3, over: 1, under: 0}", "--json", expect=1)
document = json.loads(out)
check(document["state"] == "failed" and document["reason"] == "nan_target", f"run says {document.get('state')}, {document.get('reason')}")
check("bar" in err, "run does not say on which bar the set failed:\n" + err)
# a resume of a sweep that is done but for its failures says so in its exit code
run("sweep", "c.yaml", "-o", "r.h5", "--resume", expect=5)
print("failed cells: 6 of 18, as they should")
