"""Strategies of the contest: for tapedeck a configuration, for the loop (loop.py) a decision and its rows; the sets of both."""
import itertools
import os
import shutil

import numba as nb
import numpy as np
import pandas as pd

from loop import OUT

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
EXAMPLES, STRATEGIES = os.path.join(ROOT, "examples"), os.path.join(ROOT, "strategies")


# ---- indicators, as someone in a hurry writes them: once per window, before the clock starts ----

def average(close, window):
    return pd.Series(close).rolling(window).mean().to_numpy()


@nb.njit
def exponential(close, window):
    out = np.full(len(close), np.nan)
    level = close[0]
    for t in range(len(close)):
        if t > 0:
            level += (close[t] - level) * (2 / (window + 1))
        if t >= window - 1:
            out[t] = level
    return out


@nb.njit
def strength(close, window):
    """Wilder's relative strength index."""
    out = np.full(len(close), np.nan)
    up = down = 0.0
    for t in range(1, len(close)):
        change = close[t] - close[t - 1]
        rise, fall = max(change, 0.0), max(-change, 0.0)
        if t <= window:
            up += rise
            down += fall
            if t < window:
                continue
            if t == window:
                up /= window
                down /= window
        else:
            up += (rise - up) / window
            down += (fall - down) / window
        out[t] = 100 * up / (up + down) if up + down > 0 else 50.0
    return out


# ---- decisions; see make() in loop.py ----

def cross(c, fast, slow, _, p0, p1, p2, p3, position, before, m1, m2):
    gap = fast - slow
    above, below = gap > 0 and before <= 0, gap < 0 and before >= 0
    return (1 if above else -1 if below else 0), gap, m1, m2


def lean_cross(c, fast, slow, _, p0, p1, p2, p3, position, before, m1, m2):
    gap = fast - slow
    wish = 0
    if gap * before <= 0:
        if gap > 0 and before <= 0:
            wish = 1
        elif gap < 0 and before >= 0:
            wish = -1
    return wish, gap, m1, m2


def pullback(c, index, trend, _, dip, enough, p2, p3, position, before, m1, m2):
    now = index
    wish = 1 if now > dip and before <= dip and c > trend else 0
    if now > enough and before <= enough:
        wish = OUT
    return wish, now, m1, m2


def patience(c, level, _, __, jump, give, longest, p3, position, best, held, m2):
    if position == 0.0:
        return (1 if c > level * (1 + jump) else 0), c, 0.0, m2
    held += 1
    best = max(best, c)
    return (OUT if c < best * (1 - give) or held > longest else 0), best, held, m2


def cool_cross(c, fast, slow, index, p0, p1, p2, p3, position, before, m1, m2):
    gap = fast - slow
    wish = 0
    if gap > 0 and before <= 0:
        if index < 70:
            wish = 1
    elif gap < 0 and before >= 0:
        wish = OUT
    return wish, gap, m1, m2


def lean_cool_cross(c, fast, slow, index, p0, p1, p2, p3, position, before, m1, m2):
    gap = fast - slow
    wish = 0
    if gap * before <= 0:
        if gap > 0 and before <= 0:
            if index < 70:
                wish = 1
        elif gap < 0 and before >= 0:
            wish = OUT
    return wish, gap, m1, m2


# ---- what is played ----

CONFIG = """tape: {tape}
{strategy}
method: list
list: {sets}
account: {{cash: {cash:.0f}}}
costs: {{commission: {commission}, slippage: {slippage}}}
fill: {{at: close}}
metrics: {{sample: {sample}}}
"""


class Job:
    """A strategy with its sets. columns: the parameters by name; those of `windows` choose rows, (parameter or number, indicator) each;
    those of `numbers` are read by the decision, in its order."""
    cash, commission, slippage = 1e6, 0.001, 0.0002

    def __init__(self, title, strategy, decide, columns, windows, numbers=(), stops=False, shorts=False, lean=None):
        self.title, self.strategy, self.decide, self.lean_decide, self.columns = title, strategy, decide, lean or decide, columns
        self.windows, self.numbers, self.stops, self.shorts = windows, [columns[name] for name in numbers], stops, shorts
        self.sets = len(next(iter(columns.values())))
        none = np.full(self.sets, np.inf)  # never reached
        self.stop_loss, self.take_profit = columns.get("stop_loss", none), columns.get("take_profit", none)

    def rows(self, columns):
        """(every row there is, indices of the three rows of each set; 0 where there is none)"""
        wanted = [[(indicator, int(window)) for window in (self.columns[name] if isinstance(name, str) else [name] * self.sets)]
                  for name, indicator in self.windows]
        different = sorted(set(itertools.chain(*wanted)), key=lambda row: (row[0].__name__, row[1]))
        index = {row: i for i, row in enumerate(different)}
        where = np.zeros((3, self.sets), dtype=np.int64)
        for i, rows in enumerate(wanted):
            where[i] = [index[row] for row in rows]
        close = np.ascontiguousarray(columns[3])
        return np.stack([indicator(close, window) for indicator, window in different]), where

    def write(self, folder, tape, sample):
        """The configuration and its list of sets; the path of the first."""
        shutil.copy(os.path.join(STRATEGIES, "ema_cross.c"), os.path.join(folder, "own_ema_cross.c"))  # a user's, under another name
        config, sets = (os.path.join(folder, f"{self.title}.{ending}") for ending in ("yaml", "csv"))
        with open(sets, "w", encoding="ascii") as file:
            file.write(",".join(self.columns) + "\n")
            for row in zip(*(column.tolist() for column in self.columns.values())):
                file.write(",".join(map(repr, row)) + "\n")
        with open(config, "w", encoding="utf-8") as file:
            file.write(CONFIG.format(tape=tape, strategy=self.strategy, sets=sets, sample="bar" if sample == 1 else sample, cash=self.cash,
                                     commission=self.commission, slippage=self.slippage))
        return config


def product(**values):
    """The columns of a grid, its last name changing fastest."""
    rows = np.array(list(itertools.product(*values.values()))).T
    return {name: row.astype(int) if np.all(row == np.round(row)) else row for name, row in zip(values, rows)}


def cross_of(grid):
    """The built-in cross with stops, on the sets of market.Grid."""
    return crossing("sma-cross", "strategy: sma-cross", grid, average)


def crossing(title, strategy, grid, indicator):
    columns = {"fast": grid.fast, "slow": grid.slow, "stop_loss": grid.stop_loss, "take_profit": grid.take_profit}
    return Job(title, strategy, cross, columns, [("fast", indicator), ("slow", indicator)], stops=True, shorts=True, lean=lean_cross)


def jobs(grid):
    """Built in; users' own files, of which one acts seldom, one on frequent signals, one on every bar; rules in YAML. A thousand sets
    each."""
    steps = np.arange(10)
    dips = product(window=3 + steps, trend=50 + 50 * steps, dip=15.0 + 2 * steps, enough=[70])
    dips["stop_loss"], dips["take_profit"] = grid.stop_loss, grid.take_profit
    jumps = product(window=20 + 20 * steps, jump=0.002 + 0.0007 * steps, give=0.002 + 0.0006 * steps, patience=[100])
    crosses = {"fast": grid.fast, "slow": grid.slow}
    file = f"strategy: {os.path.abspath(EXAMPLES)}/"
    rules = ('entry: "crosses_above(sma(close, fast), sma(close, slow)) & rsi(close, 14) < 70"\n'
             'exit: "crosses_below(sma(close, fast), sma(close, slow))"')
    return [cross_of(grid), crossing("ema_cross.c", "strategy: own_ema_cross.c", grid, exponential),
            Job("pullback.c", file + "pullback.c", pullback, dips, [("window", strength), ("trend", average)], ["dip", "enough"], stops=True),
            Job("patience.c", file + "patience.c", patience, jumps, [("window", exponential)], ["jump", "give", "patience"]),
            Job("rules in YAML", rules, cool_cross, crosses, [("fast", average), ("slow", average), (14, strength)],
                lean=lean_cool_cross)]
