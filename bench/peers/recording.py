"""A longer recording out of a short one: copies of its lines, one behind the other, with times and numbers moved on.

    bench/peers/recording.py RECORDING.gz COPIES OUT.gz

Each copy begins where the one before it ended, so the feed runs on without a pause; update and trade numbers go on, with a jump
between copies, and each copy brings the recording's own snapshot, so a reader that follows the venue's rules finds a gap and its end."""
import gzip
import re
import sys

TIMES = re.compile(rb'"([ET])":(\d{13})\b')
NUMBERS = re.compile(rb'"(U|u|pu|t|lastUpdateId)":(\d+)')
STAMP = 19


def read(path):
    with gzip.open(path, "rb") as file:
        return file.read().splitlines(keepends=True)


def spans(lines):
    """How far times (whole milliseconds) and numbers of one copy reach."""
    stamps = [int(line[:STAMP]) for line in lines]
    numbers = [int(n) for line in lines for _, n in NUMBERS.findall(line)]
    return (max(stamps) - min(stamps)) // 10**6 + 1, max(numbers) - min(numbers) + 1000


def moved(line, milliseconds, numbers):
    def later(match):
        return b'"%s":%d' % (match.group(1), int(match.group(2)) + milliseconds)

    def onward(match):
        return b'"%s":%d' % (match.group(1), int(match.group(2)) + numbers)
    stamp = b"%d" % (int(line[:STAMP]) + 10**6 * milliseconds)
    return stamp + NUMBERS.sub(onward, TIMES.sub(later, line[STAMP:]))


def lengthen(path, copies, out):
    lines = read(path)
    milliseconds, numbers = spans(lines)
    with gzip.open(out, "wb", compresslevel=6) as file:
        for k in range(copies):
            file.writelines(moved(line, k * milliseconds, k * numbers) for line in lines)


if __name__ == "__main__":
    lengthen(sys.argv[1], int(sys.argv[2]), sys.argv[3])
