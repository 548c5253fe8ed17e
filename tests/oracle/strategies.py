"""What each strategy wants at the close of bar t, holding `position` units: a target from -1 to 1, or None for no decision.
Each function gives (decide, rows, in doubt): in doubt when rounding alone decides whether rows cross."""
from . import rows


def sma_cross(tape, parameters, profile, scale):
    return averages_cross(tape, parameters, profile, scale, rows.sma)


def ema_cross(tape, parameters, profile, scale):
    return averages_cross(tape, parameters, profile, scale, rows.ema)


def averages_cross(tape, parameters, profile, scale, average):
    closes = [price * scale for price in tape.close]
    fast, slow = average(closes, parameters["fast"]), average(closes, parameters["slow"])

    def decide(t, position):
        return rows.crossing(fast, slow, t, profile) or None

    same = parameters["fast"] == parameters["slow"]
    return decide, [fast, slow], not same and rows.nearly_tie(fast, slow, closes)


def rsi_reversion(tape, parameters, profile, scale):
    """Long when the RSI comes up over `lower`, short when it goes down under `upper`."""
    closes = [price * scale for price in tape.close]
    strength = rows.rsi(closes, parameters["window"])
    lower, upper = [parameters["lower"]] * len(tape), [parameters["upper"]] * len(tape)

    def decide(t, position):
        if rows.crossing(strength, upper, t, profile) < 0:
            return -1
        if rows.crossing(strength, lower, t, profile) > 0:
            return +1
        return None

    return decide, [strength], rows.nearly_tie(strength, lower, []) or rows.nearly_tie(strength, upper, [])


def buy_and_hold(tape, parameters, profile, scale):
    start = 1 if profile == "backtesting" else 0  # R41

    def decide(t, position):
        return +1 if t == start else None

    return decide, [], False


def follow(tape, parameters, profile, scale):
    """tests/strategies/follow.c: a volume of v > 0 is the decision v - 10."""

    def decide(t, position):
        return tape.volume[t] - 10 if tape.volume[t] > 0 else None

    return decide, [], False


def weigher(tape, parameters, profile, scale):
    """tests/strategies/weigher.c: as `follow`, by rebalance()."""

    def decide(t, position):
        return [("rebalance", tape.volume[t] - 10)] if tape.volume[t] > 0 else None

    return decide, [], False


def scaled(tape, scale):
    """R44: (high, low, close) as strategies see them."""
    return [[price * scale for price in column] for column in (tape.high, tape.low, tape.close)]


def macd(tape, parameters, profile, scale):
    """Long when the line comes over its signal, short when it goes under it."""
    _, _, close = scaled(tape, scale)
    line, signal = rows.macd(close, parameters["fast"], parameters["slow"], parameters["smoothing"])

    def decide(t, position):
        return rows.crossing(line, signal, t, profile) or None

    # a difference of averages is as exact as these are, not as itself
    doubtful = any(None not in (a, b) and 0 < abs(a - b) <= 1e-12 * abs(c) for a, b, c in zip(line, signal, close))
    return decide, [line, signal], doubtful or not rows.sums_are_exact(close) and any(a == b for a, b in zip(line, signal) if a is not None)


def momentum(tape, parameters, profile, scale):
    """Long when the change over the window turns positive, short when it turns negative."""
    _, _, close = scaled(tape, scale)
    change = rows.roc(close, parameters["window"])
    zero = [0.0] * len(close)

    def decide(t, position):
        return rows.crossing(change, zero, t, profile) or None

    return decide, [change], False


def bollinger_breakout(tape, parameters, profile, scale):
    """In with a close that breaks out of the bands, out at the middle against the position."""
    _, _, close = scaled(tape, scale)
    bands = rows.bollinger(close, parameters["window"], parameters["width"])
    upper, middle, lower = bands

    def decide(t, position):
        if rows.crossing(close, lower, t, profile) < 0:
            return -1
        if rows.crossing(close, upper, t, profile) > 0:
            return +1
        return 0 if rows.crossing(close, middle, t, profile) * position < 0 else None

    return decide, list(bands), any(rows.rounding_decides(close, band, rows.sums_are_exact(close)) for band in bands)


def keltner(tape, parameters, profile, scale):
    """In when the close comes back into the channel, out when it has come on to the middle."""
    high, low, close = scaled(tape, scale)
    edges = rows.keltner(high, low, close, parameters["window"], parameters["range_window"], parameters["width"])
    upper, middle, lower = edges

    def decide(t, position):
        if rows.crossing(close, upper, t, profile) < 0:
            return -1
        if rows.crossing(close, lower, t, profile) > 0:
            return +1
        return 0 if rows.crossing(close, middle, t, profile) * position > 0 else None

    return decide, list(edges), any(rows.rounding_decides(close, edge, rows.sums_are_exact(close)) for edge in edges)


def supertrend(tape, parameters, profile, scale):
    """Long where the trend turns up, short where it turns down."""
    high, low, close = scaled(tape, scale)
    side, line, unsure = rows.supertrend(high, low, close, parameters["window"], parameters["width"])
    zero = [0.0] * len(close)

    def decide(t, position):
        return rows.crossing(side, zero, t, profile) or None

    return decide, [side, line], unsure


def donchian_breakout(tape, parameters, profile, scale):
    """In beyond the entry channel of the bar before, out beyond the exit channel."""
    high, low, close = scaled(tape, scale)
    upper, lower = rows.donchian(high, low, parameters["entry"])
    exit_upper, exit_lower = rows.donchian(high, low, parameters["exit"])

    def decide(t, position):
        def beyond(channel, side):
            return t > 0 and channel[t - 1] is not None and side * close[t] > side * channel[t - 1]

        if beyond(lower, -1):
            return -1
        if beyond(upper, +1):
            return +1
        return 0 if position > 0 and beyond(exit_lower, -1) or position < 0 and beyond(exit_upper, +1) else None

    return decide, [upper, lower, exit_upper, exit_lower], False


def vwap_reversion(tape, parameters, profile, scale):
    """In against a distance of `far` average true ranges from the VWAP, out at the VWAP."""
    high, low, close = scaled(tape, scale)
    fair, reach = rows.vwap(tape.time, high, low, close, tape.volume), rows.atr(high, low, close, parameters["window"])
    edges = [[None if r is None else f + side * parameters["far"] * r for f, r in zip(fair, reach)] for side in (-1, 0, +1)]

    def decide(t, position):
        if reach[t] is not None and close[t] > edges[2][t]:
            return -1
        if reach[t] is not None and close[t] < edges[0][t]:
            return +1
        return 0 if position > 0 and close[t] >= fair[t] or position < 0 and close[t] <= fair[t] else None

    exact = rows.sums_are_exact(close) and rows.sums_are_exact(tape.volume)
    return decide, [fair, reach], any(rows.rounding_decides(close, edge, exact) for edge in edges)


ENTRIES = (("market", +1), ("market", -1), ("limit", +1), ("limit", -1), ("stop", +1), ("stop", -1), ("stop_limit", +1),
           ("stop_limit", -1), ("touched", +1), ("touched", -1))
EXITS = ("market", "limit", "stop")
OTHERS = ("move_stop", "move_target", "cancel")
PLACER = {"when": 1, "what": 0, "level": 1.0, "limit": 1.0, "share": 1.0, "bars": 100000, "when2": 0, "what2": 0, "level2": 1.0,
          "share2": 1.0, "every": 100000, "loss": 0.0, "profit": 0.0, "distance": 0.0, "pair": 0}


def placer(tape, parameters, profile, scale):
    """tests/strategies/placer.c: one order or two, again and again. A request is what an Order of walk.py is made of,
    or a pair of word and level."""
    p = PLACER | parameters

    def request(kind, level, limit, said):
        if kind >= 13:
            return OTHERS[kind - 13], level
        exits = kind >= 10
        name, side = (EXITS[kind - 10], 0) if exits else ENTRIES[kind]
        return {"kind": name, "side": side, "exit": exits, "level": level, "limit": level if name == "limit" else limit} | said

    def comes(when, t):
        return when > 0 and t >= when and (t - when) % p["every"] == 0

    def decide(t, position):
        close, found = tape.close[t], []
        group = t if p["pair"] else None
        if comes(p["when"], t):
            said = {"scale": p["share"], "bars": p["bars"], "group": group}
            for word, name in (("stop_loss", "loss"), ("take_profit", "profit"), ("trail", "distance")):
                said[word] = close * p[name] if p[name] > 0 else None
            found.append(request(p["what"], close * p["level"], close * p["limit"], said))
        if comes(p["when2"], t):
            found.append(request(p["what2"], close * p["level2"], close, {"scale": p["share2"], "group": group}))
        return found

    return decide, [], False


STRATEGIES = {"sma-cross": sma_cross, "ema-cross": ema_cross, "rsi-reversion": rsi_reversion, "buy-and-hold": buy_and_hold,
              "macd": macd, "momentum": momentum, "bollinger-breakout": bollinger_breakout, "keltner": keltner, "supertrend": supertrend,
              "donchian-breakout": donchian_breakout, "vwap-reversion": vwap_reversion, "follow": follow, "weigher": weigher, "placer": placer}
