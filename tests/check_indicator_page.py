"""docs/indicators.md says what the files in data/rows/ and the words in sim/strategy.h declare: its table and notes are made of them.

After a change of either:  TAPEDECK_REGENERATE=1 ctest --preset release -R indicator_page  and commit the page."""
import os
import re

from repository import SOURCE, files, finish, read

PAGE, START, END = "docs/indicators.md", "<!-- made by tests/check_indicator_page.py -->", "<!-- to here -->"


def part(text, name):
    """What stands between the parentheses of a declaration, or None."""
    match = re.search(rf"^{name}\((.*)\)$", text, re.MULTILINE)
    return match and match.group(1)


def kind_of(path, text):
    """What a file of data/rows/ declares."""
    comment = re.match(r"/\*(.*?)\*/", text, re.DOTALL)
    kind = {"name": os.path.basename(path)[:-2], "comment": comment and re.sub(r"\n \* ?", "\n", comment.group(1)).strip()}
    for name in ("ABOUT", "COLUMNS", "ARGUMENTS", "OUTPUTS", "WARMUP"):
        kind[name] = part(text, name)
    kind["missing"] = [name for name in ("comment", "ABOUT", "COLUMNS", "ARGUMENTS", "OUTPUTS", "WARMUP") if kind[name] is None]
    return kind


def words_of(header):
    """word -> (arguments, [(row's suffix, kind, output)]) of the macros that make rows."""
    words = {}
    for match in re.finditer(r"#define ([A-Z_]+)\(name((?:, \w+)*)\)((?:[^\n]*\\\n)*[^\n]*)", header):
        rows = re.findall(r'TD_ROW\(name(?:##_(\w+))?, "(\w+)", (\d)', match.group(3))
        if rows:
            words[match.group(1)] = ("name" + match.group(2), [(suffix, kind, int(output)) for suffix, kind, output in rows])
    return words


def plain(expression):
    """`argument(window) - 1` as people write it."""
    text = re.sub(r"argument\((\w+)\)", r"\1", expression)
    return re.sub(r"\((\w+) > (\w+) \? \1 : \2\)", r"max(\1, \2)", text)


def made(kinds, words):
    """The page's middle, and what is wrong with the declarations."""
    problems = [f"data/rows/{kind['name']}.c lacks {name}" for kind in kinds for name in kind["missing"]]
    if problems:
        return "", problems
    lines = ["| in `ROWS` | rows | what they are | reads | first value on bar |", "|---|---|---|---|---|"]
    for kind in kinds:
        outputs = [name.strip() for name in kind["OUTPUTS"].split(",")]
        mine = {word: rows for word, rows in words.items() if any(row[1] == kind["name"] for row in rows[1])}
        if not mine:
            problems.append(f"sim/strategy.h has no word for the rows of data/rows/{kind['name']}.c")
        for word, (arguments, rows) in mine.items():
            if [row[2] for row in rows] != list(range(len(outputs))) or len(rows) > 1 and [row[0] for row in rows] != outputs:
                problems.append(f"{word} in sim/strategy.h: the rows are not the outputs of data/rows/{kind['name']}.c, in order")
            names = ", ".join(f"`name_{row[0]}`" if row[0] else "`name`" for row in rows)
            column = "the column" if kind["COLUMNS"] == "x" else kind["COLUMNS"]
            lines.append(f"| `{word}({arguments})` | {names} | {kind['ABOUT'].strip(chr(34))} | {column} | {plain(kind['WARMUP'])} |")
    for kind in kinds:
        lines += ["", f"### {kind['name']}", "", kind["comment"]]
    return "\n".join(lines), problems


def test_the_rules():
    """The rules bite: a file that lacks a part, a word whose rows are in disorder, a kind without a word."""
    good = '/* A. */\nABOUT("b")\nCOLUMNS(x)\nARGUMENTS(WINDOW(w))\nOUTPUTS(up, down)\nMEMORY()\nWARMUP(argument(w) - 1)\n'
    header = '#define PAIR(name, column, w) TD_ROW(name##_up, "pair", 0, column, w), \\\n    TD_ROW(name##_down, "pair", 1, column, w)\n'
    assert not made([kind_of("data/rows/pair.c", good)], words_of(header))[1]
    assert "| `name_up`, `name_down` | b | the column | w - 1 |" in made([kind_of("data/rows/pair.c", good)], words_of(header))[0]
    assert made([kind_of("data/rows/pair.c", good.replace("ABOUT", "ABUT"))], words_of(header))[1]
    assert made([kind_of("data/rows/pair.c", good)], words_of(header.replace("_down", "_under")))[1]
    assert made([kind_of("data/rows/pair.c", good)], words_of(header.replace(", 1,", ", 0,")))[1]
    assert made([kind_of("data/rows/other.c", good)], words_of(header))[1]


test_the_rules()
rows = [path for path in files() if re.fullmatch(r"data/rows/\w+\.c", path)]
middle, problems = made([kind_of(path, read(path)) for path in rows], words_of(read("sim/strategy.h")))
page = read(PAGE)
head, _, rest = page.partition(START)
old, _, tail = rest.partition(END)
new = f"{head}{START}\n\n{middle}\n\n{END}{tail}"
if not problems and new != page:
    if os.environ.get("TAPEDECK_REGENERATE"):
        with open(os.path.join(SOURCE, PAGE), "w", encoding="utf-8") as file:
            file.write(new)
    else:
        problems.append(f"{PAGE} is not what data/rows/ and sim/strategy.h declare: run with TAPEDECK_REGENERATE=1 and commit it")
finish(problems, f"{len(rows)} kinds of rows are documented")
