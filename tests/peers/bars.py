"""Bars that the comparisons with packages play: made up, and real ones."""
import math
import os

import pandas


def random_bars(draw, count, prices, steps):
    """Opens near the close before, or far from it; prices on a grid of ticks or off it. (bars, interval)"""
    price, wild, tick = draw.choice(prices), draw.choice(steps), draw.choice((0, 0, 0.25))
    rows = []
    for _ in range(count):
        step = lambda: math.exp(draw.gauss(0, wild))
        opened = price * (step() if draw.random() < 0.5 else 1)
        close = opened * step()
        high, low = max(opened, close) * max(step(), 1), min(opened, close) * min(step(), 1)
        row = [opened, high, low, close]
        if tick:
            row = [max(round(x / tick) * tick, tick) for x in row]
        rows.append(row)
        price = row[3]
    index = pandas.date_range("2024-01-01", periods=count, freq="1D")
    return pandas.DataFrame(rows, columns=["Open", "High", "Low", "Close"], index=index), "1d"


def market_bars(name, interval):
    """(bars, interval) of backtesting.py's own example data."""
    path = os.path.join(os.path.abspath(os.environ["TAPEDECK_SHARED"]), "data", "backtesting_py", name + ".csv")
    return pandas.read_csv(path, index_col=0, parse_dates=True)[["Open", "High", "Low", "Close"]], interval
