"""Bars that all contestants play on: a random walk of one-minute bars, four steps of 0.04 % each, levelled around 30,000."""
import numpy as np

MINUTE_NS = 60 * 10**9
START_NS = 1577836800 * 10**9  # 2020-01-01, as in bench/market.c
COLUMNS = ("open", "high", "low", "close", "volume")


def walk(bars, seed=7):
    """The five columns (5, bars)."""
    random = np.random.default_rng(seed)
    level = np.cumsum(random.standard_normal(4 * bars) * 0.0004)
    price = 30000 * np.exp(level - level.mean()).reshape(bars, 4)
    close = price[:, -1]
    open_ = np.concatenate([price[:1, 0], close[:-1]])
    return np.stack([open_, np.maximum(price.max(1), open_), np.minimum(price.min(1), open_), close, random.gamma(2.0, 5.0, bars)])


def write_raw(path, columns):
    """As `tapedeck bench --data` takes it: column after column, doubles."""
    np.ascontiguousarray(columns, dtype="<f8").tofile(path)


def times(bars):
    return START_NS + MINUTE_NS * np.arange(bars, dtype=np.int64)


def write_klines(path, columns):
    """As a Binance archive file: 12 columns, no header, milliseconds; the text bench/market.c writes."""
    with open(path, "w", encoding="ascii") as file:
        for t, (o, h, l, c, v) in zip((times(columns.shape[1]) // 10**6).tolist(), columns.T.tolist()):
            file.write(f"{t},{o:.8f},{h:.8f},{l:.8f},{c:.8f},{v:.8f},{t + 59999},{v * c:.8f},{int(v * 10) + 1},"
                       f"{v / 2:.8f},{v / 2 * c:.8f},0\n")


def write_csv(path, columns):
    """Any OHLCV CSV, with every digit: for tapes that hold the same bits."""
    with open(path, "w", encoding="ascii") as file:
        file.write("time,open,high,low,close,volume\n")
        for t, row in zip((times(columns.shape[1]) // 10**6).tolist(), columns.T.tolist()):
            file.write(f"{t}," + ",".join(map(repr, row)) + "\n")


class Grid:
    """The sets of the scenes (make_set() in bench/scenes_play.c): windows, stops, costs."""
    cash, commission, slippage = 1e6, 0.001, 0.0002

    def __init__(self, sets, pace):
        stretch = {"busy": 1, "slow": 10}[pace]
        fine = sets > 1000
        i = np.arange(sets)
        row, column = i // (100 if fine else 40), i % (100 if fine else 40)
        self.fast = stretch * (4 + row if fine else 4 + 4 * row)
        self.slow = stretch * (110 + 4 * column if fine else 110 + 10 * column)
        self.stop_loss = 0.01 + 0.0005 * (i % 17)
        self.take_profit = 0.015 + 0.0007 * (i % 23)
        self.sets = sets
