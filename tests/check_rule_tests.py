"""Every rule of docs/bar-rules.md and docs/book-rules.md has the test it names, and every test of a rule is in the table; ids go up."""
import glob
import os
import re
import sys

SOURCE = os.environ["TAPEDECK_SOURCE"]


PAGES = {"bar-rules.md": ("R", 44), "book-rules.md": ("B", 36)}  # first letter of the ids, at least so many


def rules_of(page, letter):
    """(id, test) of each row of a table whose first cell is an id."""
    found = []
    for line in page.splitlines():
        row = re.match(rf"\| ({letter}\d+) \|.*\| `([^`]*)` \|$", line)
        if row:
            found.append(row.groups())
        elif re.match(rf"\| {letter}\d", line):
            found.append((line.split()[1], None))
    return found


def problems(page, tests, name="bar-rules.md", letter="R"):
    """page: the text of the document; tests: names that are run."""
    said = []
    rules = rules_of(page, letter)
    numbers = [int(rule[1:]) for rule, _ in rules]
    if numbers != sorted(set(numbers)):
        said.append("the ids of the rules do not go up")
    for rule, test in rules:
        if not test or not test.startswith(rule + "_"):
            said.append(f"{rule}: its row ends without a test of its name")
        elif test not in tests:
            said.append(f"{rule}: no test {test} is run")
    for test in sorted(tests - {test for _, test in rules}):
        said.append(f"{test} is the test of no rule in docs/{name}")
    return said


def main():
    bad = "| R02 | a | b | `R02_two` |\n| R01 | a | b | `R01_one` |\n| R03 | a | b | none |\n"
    assert len(problems(bad, {"R02_two", "R07_seven"})) == 4, problems(bad, {"R02_two", "R07_seven"})
    assert not problems("| R01 | a | `R01_one` |\n", {"R01_one"})
    said = []
    for name, (letter, least) in PAGES.items():
        tests = set()
        for path in glob.glob(os.path.join(SOURCE, "tests", "test_*.c")):
            with open(path) as file:
                tests.update(re.findall(rf"(?:RULE|cmocka_unit_test\w*)\(({letter}\d+_\w+)", file.read()))
        with open(os.path.join(SOURCE, "docs", name)) as file:
            page = file.read()
        assert len(rules_of(page, letter)) >= least and len(tests) >= least, name
        said += problems(page, tests, name, letter)
    for line in said:
        print(line)
    return 1 if said else 0


sys.exit(main())
