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


def root_mean_square(tape, window):
    """Of the last `window` changes of the close, no mean taken off."""
    changes = [b - a for a, b in zip(tape.close, tape.close[1:])]
    return [math.sqrt(math.fsum(x * x for x in changes[t - window:t]) / window) if t >= window else None for t in range(len(tape))]


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
    close = any(None not in (a, b) and nearly(a, b) for a, b in zip(first, second))
    return close and not (values and sums_are_exact(values))


def windows(values, window):
    """The last `window` values at each bar; None while there are fewer."""
    return [values[t + 1 - window:t + 1] if t + 1 >= window else None for t in range(len(values))]


def shown_from(row, first):
    return [value if t >= first else None for t, value in enumerate(row)]


def levels_of_ema(values, window):
    """The average from the first value on, also where ema() does not show it."""
    alpha, level, row = 2 / (window + 1), None, []
    for value in values:
        level = value if level is None else level + alpha * (value - level)
        row.append(level)
    return row


def macd(values, fast, slow, smoothing):
    """(line, signal), from bar slow - 1 on; the signal begins with the line's first shown value."""
    line = [a - b for a, b in zip(levels_of_ema(values, fast), levels_of_ema(values, slow))]
    signal = [None] * min(slow - 1, len(line)) + levels_of_ema(line[slow - 1:], smoothing)
    return shown_from(line, slow - 1), signal


def bollinger(values, window, width):
    """(upper, middle, lower): mean, and `width` population deviations to both sides."""
    upper, middle, lower = [], sma(values, window), []
    for mean, last in zip(middle, windows(values, window)):
        reach = None if last is None else width * math.sqrt(math.fsum((x - mean)**2 for x in last) / window)
        upper.append(None if last is None else mean + reach)
        lower.append(None if last is None else mean - reach)
    return upper, middle, lower


def donchian(high, low, window):
    """(upper, lower)"""
    return ([last and max(last) for last in windows(high, window)], [last and min(last) for last in windows(low, window)])


def atr(high, low, close, window):
    """Wilder's average of the true range: the mean of the first `window`, then smoothed by 1 / window."""
    ranges = [max(high[t], close[t - 1]) - min(low[t], close[t - 1]) if t else high[0] - low[0] for t in range(len(close))]
    row = []
    for t, value in enumerate(ranges):
        row.append(None if t + 1 < window else math.fsum(ranges[:window]) / window if t + 1 == window
                   else row[-1] + (value - row[-1]) / window)
    return row


def keltner(high, low, close, window, range_window, width):
    """(upper, middle, lower): exponential average, and `width` average true ranges to both sides."""
    first, middle, reach = max(window, range_window) - 1, ema(close, window), atr(high, low, close, range_window)
    upper = [m + width * r if t >= first else None for t, (m, r) in enumerate(zip(middle, reach))]
    lower = [m - width * r if t >= first else None for t, (m, r) in enumerate(zip(middle, reach))]
    return upper, shown_from(middle, first), lower


def supertrend(high, low, close, window, width):
    """(side, line, whether rounding decides a turn): bands that only tighten while the close stays inside. It begins down."""
    sides, line, unsure, upper, lower, side = [], [], False, None, None, -1
    exact = sums_are_exact(high + low + close)
    for t, reach in enumerate(atr(high, low, close, window)):
        if reach is None:
            sides.append(None)
            line.append(None)
            continue
        middle = (high[t] + low[t]) / 2
        new_upper, new_lower = middle + width * reach, middle - width * reach
        if upper is not None:
            unsure = unsure or rounding_decides([close[t - 1]] * 2, [upper, lower], exact)
            new_upper = new_upper if new_upper < upper or close[t - 1] > upper else upper
            new_lower = new_lower if new_lower > lower or close[t - 1] < lower else lower
            side = (1 if close[t] > new_upper else -1) if side < 0 else (-1 if close[t] < new_lower else 1)
            unsure = unsure or rounding_decides([close[t]] * 2, [new_upper, new_lower], exact)
        upper, lower = new_upper, new_lower
        sides.append(side)
        line.append(lower if side > 0 else upper)
    return sides, line, unsure


def roc(values, window):
    return [(x - values[t - window]) / values[t - window] if t >= window else None for t, x in enumerate(values)]


def vwap(time, high, low, close, volume):
    """Of the UTC day so far, at (high + low + close) / 3; a bar without volume adds nothing, and before any volume its price stands."""
    row, day, value, traded = [], None, [], []
    for t in range(len(close)):
        if time[t] // (86400 * 10**9) != day:
            day, value, traded = time[t] // (86400 * 10**9), [], []
        price = (high[t] + low[t] + close[t]) / 3
        value.append(price * volume[t])
        traded.append(volume[t])
        row.append(math.fsum(value) / math.fsum(traded) if math.fsum(traded) > 0 else price)
    return row


def rounding_decides(first, second, exact):
    """Whether the rows come close without being equal, or are equal where sums round."""
    return any(None not in (a, b) and nearly(a, b) and not (exact and a == b) for a, b in zip(first, second))


def nearly(a, b):
    return abs(a - b) <= 1e-12 * max(abs(a), abs(b))
