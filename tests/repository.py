"""What the structure tests share: the files of the repository, and C source without its comments and strings."""
import os
import re
import subprocess
import sys

SOURCE = os.environ.get("TAPEDECK_SOURCE") or os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def files():
    """Paths, relative to the repository, of what git would commit; everything outside build/ where there is no git."""
    try:
        command = ["git", "-c", "safe.directory=*", "-C", SOURCE, "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        listed = subprocess.run(command, check=True, capture_output=True).stdout.decode().split("\0")
        found = [path for path in listed if path and os.path.isfile(os.path.join(SOURCE, path))]
    except (OSError, subprocess.CalledProcessError):
        found = []
        for folder, folders, names in os.walk(SOURCE):
            folders[:] = [name for name in folders if name not in ("build", ".git", "__pycache__")]
            found += [os.path.relpath(os.path.join(folder, name), SOURCE) for name in names]
    return sorted(found)


def read(path):
    """A file's text, or None when it is not text."""
    with open(os.path.join(SOURCE, path), "rb") as file:
        raw = file.read()
    try:
        return None if b"\0" in raw else raw.decode("utf-8")
    except UnicodeDecodeError:
        return None


def code_of(text):
    """C source with comments blanked and strings emptied; line numbers stay."""
    def blank(match):
        found = match.group(0)
        return re.sub(r"[^\n]", " ", found) if found.startswith("/") else found[0] + found[0]
    return re.sub(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', blank, text, flags=re.DOTALL)


def finish(problems, good):
    """Prints the problems and exits with 1, or says what is good."""
    for problem in problems:
        print(problem)
    if problems:
        sys.exit(f"{len(problems)} problem(s)")
    print(good)
