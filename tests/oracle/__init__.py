"""A second simulator, slow and plain, written from docs/bar-rules.md and docs/metrics.md and from nothing of the program's source.

tape.py        bars, from a CSV or a tape file, and back
rows.py        indicators and crossings (R38 to R41, R44)
strategies.py  what each strategy decides on a bar
broker.py      what becomes of a decision: a function per rule, named after it (R01 to R37, R43)
walk.py        the broker: orders that work, the way through a bar (R45 to R80)
metrics.py     every metric from the equity at each bar and the list of trades
cases.py       random tapes and configurations that look for trouble

One parameter set, one bar after the other, Python's floats. Where the program and this disagree, a rule is wrong, or the page
that states it; tests/check_oracle.py finds out."""
