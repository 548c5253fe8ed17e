"""What each strategy wants at the close of bar t: a target from -1 to 1, or None for no decision. Each function gives
(decide, rows, in doubt): in doubt when rounding alone decides whether rows cross."""
from . import rows


def sma_cross(tape, parameters, profile, scale):
    return averages_cross(tape, parameters, profile, scale, rows.sma)


def ema_cross(tape, parameters, profile, scale):
    return averages_cross(tape, parameters, profile, scale, rows.ema)


def averages_cross(tape, parameters, profile, scale, average):
    closes = [price * scale for price in tape.close]
    fast, slow = average(closes, parameters["fast"]), average(closes, parameters["slow"])

    def decide(t):
        return rows.crossing(fast, slow, t, profile) or None

    same = parameters["fast"] == parameters["slow"]
    return decide, [fast, slow], not same and rows.nearly_tie(fast, slow, closes)


def rsi_reversion(tape, parameters, profile, scale):
    """Long when the RSI comes up over `lower`, short when it goes down under `upper`."""
    closes = [price * scale for price in tape.close]
    strength = rows.rsi(closes, parameters["window"])
    lower, upper = [parameters["lower"]] * len(tape), [parameters["upper"]] * len(tape)

    def decide(t):
        if rows.crossing(strength, upper, t, profile) < 0:
            return -1
        if rows.crossing(strength, lower, t, profile) > 0:
            return +1
        return None

    return decide, [strength], rows.nearly_tie(strength, lower, []) or rows.nearly_tie(strength, upper, [])


def buy_and_hold(tape, parameters, profile, scale):
    start = 1 if profile == "backtesting" else 0  # R41

    def decide(t):
        return +1 if t == start else None

    return decide, [], False


def follow(tape, parameters, profile, scale):
    """tests/strategies/follow.c: a volume of v > 0 is the decision v - 10."""

    def decide(t):
        return tape.volume[t] - 10 if tape.volume[t] > 0 else None

    return decide, [], False


STRATEGIES = {"sma-cross": sma_cross, "ema-cross": ema_cross, "rsi-reversion": rsi_reversion, "buy-and-hold": buy_and_hold,
              "follow": follow}
