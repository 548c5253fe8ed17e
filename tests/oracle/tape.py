"""Bars: lists of equal length, times in nanoseconds since 1970 UTC."""
import csv
import datetime
from dataclasses import dataclass

DAY = 86400 * 10**9
UNITS = {"s": 10**9, "m": 60 * 10**9, "h": 3600 * 10**9, "d": DAY, "w": 7 * DAY}


@dataclass
class Tape:
    interval: str
    time: list
    open: list
    high: list
    low: list
    close: list
    volume: list

    def __len__(self):
        return len(self.time)

    @property
    def interval_ns(self):
        return int(self.interval[:-1]) * UNITS[self.interval[-1]]


def time_text(nanoseconds):
    moment = datetime.datetime.fromtimestamp(nanoseconds // 10**9, datetime.timezone.utc)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def write_csv(tape, path):
    """Shortest digits that read back as the same double."""
    with open(path, "w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["time", "open", "high", "low", "close", "volume"])
        for t in range(len(tape)):
            prices = (tape.open[t], tape.high[t], tape.low[t], tape.close[t], tape.volume[t])
            writer.writerow([time_text(tape.time[t]), *map(repr, prices)])


def read_tape_file(path, interval):
    import h5py  # here, because only made-up tapes come out of files

    with h5py.File(path, "r") as file:
        columns = [file[name][...].reshape(-1).tolist() for name in ("time", "open", "high", "low", "close", "volume")]
    return Tape(interval, *columns)
