"""Runs what the documents tell people to type, and compares what they are told to expect (docs/testing.md has the markers).

Each document gets a scratch folder of its own, with examples/ linked into it and tapedeck on the PATH; its blocks run in order:

    <!-- test: run -->          before a block of commands: run by bash -euo pipefail
    <!-- test: file NAME -->    before any block: written to NAME; where examples/NAME exists it holds the same
    <!-- test: output -->       before a block: what the commands before it printed on stdout; a line of ... stands for any lines

Links to files of the repository must lead somewhere, in these and in all other documents."""
import fnmatch
import os
import re
import subprocess
import sys
import tempfile

from repository import SOURCE, files, finish, read

DOCUMENTS = ["README.md", "docs/getting-started.md", "docs/strategies.md", "docs/proofs.md", "docs/order-books.md"]
BLOCK = re.compile(r"^<!-- test: (run|output|file (\S+)) -->\n+```[^\n]*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")


def matches(expected, found):
    """Line by line without trailing blanks; a line of ... matches any number of lines."""
    lines = [[line.rstrip() for line in text.rstrip("\n").split("\n")] for text in (expected, found)]
    if "..." not in lines[0]:
        return lines[0] == lines[1]
    pattern = "\n".join("*" if line == "..." else re.sub(r"([*?\[])", r"[\1]", line) for line in lines[0])
    return fnmatch.fnmatchcase("\n".join(lines[1]), pattern)


def problems_of(path, text, program):
    """Plays a document's blocks; stops at the first that fails."""
    blocks = list(BLOCK.finditer(text))
    if len(blocks) != len(re.findall(r"<!-- test:", text)):
        return [f"{path}: a marker that is not followed by a block, or one that is none of run, output, file NAME"]
    if not any(block.group(1) == "run" for block in blocks):
        return [f"{path}: nothing in it is tested"]
    printed = ""
    with tempfile.TemporaryDirectory(prefix="tapedeck-docs-") as folder:
        os.symlink(os.path.join(SOURCE, "examples"), os.path.join(folder, "examples"))
        # python3 is the system's own: it is the one that has h5py and xarray
        os.mkdir(os.path.join(folder, ".bin"))
        os.symlink(os.path.abspath(program), os.path.join(folder, ".bin", "tapedeck"))
        os.symlink("/usr/bin/python3", os.path.join(folder, ".bin", "python3"))
        environment = dict(os.environ, PATH=os.path.join(folder, ".bin") + ":" + os.environ["PATH"], NO_COLOR="1",
                           TAPEDECK_CACHE=os.path.join(folder, ".cache"))
        for block in blocks:
            kind, name, body = block.group(1), block.group(2), block.group(3)
            where = f"{path}:{text.count(chr(10), 0, block.start()) + 1}"
            if name and os.path.exists(os.path.join(SOURCE, "examples", name)) and read(f"examples/{name}") != body:
                return [f"{where}: examples/{name} is another text"]
            if name:
                with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
                    file.write(body)
            elif kind == "run":
                ran = subprocess.run(["bash", "-euo", "pipefail", "-c", body], cwd=folder, env=environment,
                                     stdin=subprocess.DEVNULL, capture_output=True, text=True)
                if ran.returncode != 0:
                    return [f"{where}: exit code {ran.returncode} of\n{body}stdout:\n{ran.stdout}\nstderr:\n{ran.stderr}"]
                printed = ran.stdout
            elif not matches(body, printed):
                return [f"{where}: the document says\n{body}\nbut it printed\n{printed}"]
    return []


def dead_links(path, text):
    found = []
    for link in LINK.findall(text):
        if "://" not in link and not os.path.exists(os.path.join(SOURCE, os.path.dirname(path), link)):
            found.append(f"{path}: the link to {link} leads nowhere")
    return found


def test_the_rules(program):
    fence = "`" * 3
    run = "<!-- test: run -->\n" + fence + "sh\n{}\n" + fence + "\n"
    output = "<!-- test: output -->\n" + fence + "\n{}\n" + fence + "\n"
    for text, bad in [
            (run.format("echo a"), False), (run.format("false"), True), (run.format("false | cat"), True), ("nothing", True),
            (run.format("echo a") + output.format("a"), False), (run.format("echo a") + output.format("b"), True),
            (run.format("seq 9") + output.format("1\n...\n9"), False), (run.format("seq 9") + output.format("1\n...\n8"), True),
            (run.format("echo '[a]' ; echo 2") + output.format("[a]\n..."), False),
            ("<!-- test: file a.txt -->\n" + fence + "\nhi\n" + fence + "\n" + run.format("grep hi a.txt"), False),
            ("<!-- test: file pullback.c -->\n" + fence + "\nhi\n" + fence + "\n" + run.format("true"), True),
            ("<!-- test: run -->\nno block\n" + run.format("true"), True)]:
        if bool(problems_of("rule.md", text, program)) != bad:
            return [f"the rule itself is broken: this should {'not ' if not bad else ''}be a problem:\n{text}"]
    return [] if dead_links("docs/a.md", "[x](no-such-file.md)") else ["the rule itself is broken: a dead link passed"]


program = os.environ.get("TAPEDECK_BIN")
if not program:
    print("TAPEDECK_BIN does not name the program: skipped")
    sys.exit(77)
problems = test_the_rules(program)
for document in DOCUMENTS:
    problems += problems_of(document, read(document), program)
documents = [path for path in files() if path.endswith(".md")]
for document in documents:
    problems += dead_links(document, read(document))
finish(problems, f"{len(documents)} documents; the commands of {', '.join(DOCUMENTS)} do what they say")
