"""Text that must not be in the repository, and the plain rules of layout: see docs/testing.md."""
import re

from repository import files, finish, read

# what it is -> pattern. Brackets keep a pattern from matching itself.
WORDS = {
    "an absolute path of someone's machine": r"(?<![\w./$}])/(?:[w]ork|[r]oot|[h]ome/\w+|[t]mp/wt|[U]sers/\w+)/",
    "unfinished work": r"\b[T]ODO\b|\b[F]IXME\b|\b[X]XX\b",
    "a merge conflict": r"^[<]{7} |^[>]{7} ",
    "a private key": r"BEGIN [A-Z ]*[P]RIVATE KEY",
    "the host of a package registry": r"\b(?:[p]ypi\.org|[r]egistry\.npmjs\.org|[d]eb\.debian\.org|[p]roxy\.golang\.org)\b",
}
LINE_MAX = 160  # 132 is what we write; this is what nobody has to scroll for
LAID_OUT = (".c", ".h", ".py", ".sh", ".cmake", "CMakeLists.txt", ".yaml", ".yml")
FREE = ("LICENSE",)          # texts that are not ours to lay out
DATA = ("tests/corpus/",)    # inputs that are wrong on purpose


def problems_of(path, text):
    found = []
    code = path.endswith(LAID_OUT)
    for number, line in enumerate(text.split("\n"), 1):
        for what, pattern in WORDS.items():
            match = re.search(pattern, line)
            if match:
                found.append(f"{path}:{number}: {what}: '{match.group(0)}'")
        if not code:
            continue
        if len(line) > LINE_MAX:
            found.append(f"{path}:{number}: the line has {len(line)} characters, at most {LINE_MAX} are good")
        if "\t" in line:
            found.append(f"{path}:{number}: a tab; four blanks are the indent")
        if line != line.rstrip():
            found.append(f"{path}:{number}: blanks at the end of the line")
    if code and text and not text.endswith("\n"):
        found.append(f"{path}: the last line has no end")
    if path.endswith(".h"):
        guard = "TAPEDECK_" + re.sub(r"\W", "_", path).upper()
        if not text.startswith("/*"):
            found.append(f"{path}: a header opens with a comment that says what the module is for")
        if f"#ifndef {guard}\n#define {guard}\n" not in text:
            found.append(f"{path}: the include guard must be {guard}")
    return found


def test_the_rules():
    for path, text, bad in [
            ("a.md", "see /" + "work/main", True), ("a.md", "/" + "home/ann/x", True), ("a.md", "docs/work/x and /usr/bin", False),
            ("a.md", "TO" + "DO later", True), ("a.md", "<" * 7 + " ours", True), ("a.c", "x" * 161 + "\n", True),
            ("a.c", "\tx;\n", True), ("a.c", "x; \n", True), ("a.c", "x;", True), ("a.c", "x;\n", False),
            ("base/a.h", "/* a */\n#ifndef TAPEDECK_BASE_A_H\n#define TAPEDECK_BASE_A_H\n#endif\n", False),
            ("base/a.h", "/* a */\n#ifndef A_H\n#define A_H\n#endif\n", True)]:
        if bool(problems_of(path, text)) != bad:
            return [f"the rule itself is broken: {path}: {text!r} should {'not ' if not bad else ''}be a problem"]
    return []


problems, count = test_the_rules(), 0
for path in files():
    text = read(path)
    if text is None or path in FREE or path.startswith(DATA):
        continue
    count += 1
    problems += problems_of(path, text)
if count < 20:
    problems.append(f"only {count} texts found: is TAPEDECK_SOURCE right?")
finish(problems, f"{count} texts are clean")
