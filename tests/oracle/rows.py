"""Indicators as their definitions say, value by value; None while a row has none. docs/strategies.md has the definitions."""
import math


def sma(values, window):
    """The mean of the last `window` values."""
    return [math.fsum(values[t + 1 - window:t + 1]) / window if t + 1 >= window else None for t in range(len(values))]


def ema(values, window):
    """level += 2 / (window + 1) * (value - level), from the first value; shown from bar window - 1 on."""
    alpha, level, row = 2 / (window + 1), None, []
    for t, value in enumerate(values):
        level = value if level is None else level + alpha * (value - level)
        row.append(level if t + 1 >= window else None)
    return row


def rsi(values, window):
    """Wilder's: averages of gains and losses, the first over `window` changes, then smoothed by 1 / window."""
    row, gains, losses = [None], 0.0, 0.0
    for t in range(1, len(values)):
        change = values[t] - values[t - 1]
        gain, loss = max(change, 0.0), max(-change, 0.0)
        if t <= window:
            gains, losses = gains + gain / window, losses + loss / window
        else:
            gains, losses = gains + (gain - gains) / window, losses + (loss - losses) / window
        if t < window:
            row.append(None)
        elif gains + losses == 0:
            row.append(50.0)
        else:
            row.append(100 * gains / (gains + losses))
    return row


def crossing(first, second, t, profile):
    """R38 to R40: +1 when `first` has just come over `second`, -1 when under it, 0 for no crossing."""
    if t == 0 or None in (first[t], second[t], first[t - 1], second[t - 1]):
        return 0  # R40
    now, before = first[t] - second[t], first[t - 1] - second[t - 1]
    if profile == "backtesting":
        return (now > 0 and before < 0) - (now < 0 and before > 0)
    return (now > 0 and before <= 0) - (now < 0 and before >= 0)  # R39: leaving equality crosses


def sums_are_exact(values):
    """Whether sums of the values are exact in doubles, in whatever order: small multiples of a power of two."""
    return all((value * 2**20).is_integer() and abs(value) < 2**26 for value in values)


def nearly_tie(first, second, values):
    """Whether the rows come so close that rounding decides which is larger, and are not made of sums that do not round."""
    close = any(None not in (a, b) and abs(a - b) <= 1e-12 * max(abs(a), abs(b)) for a, b in zip(first, second))
    return close and not (values and sums_are_exact(values))
