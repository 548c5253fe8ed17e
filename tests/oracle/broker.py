"""One account, one position, market orders, a stop and a target: docs/bar-rules.md, rule by rule; what has no rule there goes by its
key in docs/config.md."""
import math
from dataclasses import dataclass, field
from fractions import Fraction

from .strategies import STRATEGIES

DEFAULTS = {
    "profile": "tapedeck", "strategy": None, "parameters": {}, "cash": 10000.0, "sizing": "all_in", "size": 1.0, "lot": 0.0,
    "direction": "both", "commission": 0.0, "fixed_commission": 0.0, "spread": 0.0, "slippage": 0.0, "at": "next_open",
    "per_unit": 0.0, "delay": 0, "max_position": 0.0, "hours": None,
    "stop_loss": 0.0, "take_profit": 0.0, "finalize": False, "sample": "day", "risk_free": 0.0, "periods_per_year": 0.0,
}


REFUSALS = ("cash", "lot", "pyramiding", "cool_down", "daily_loss", "drawdown", "hours", "orders", "volatility")


@dataclass
class Fill:
    bar: int
    reason: str
    units: float      # bought > 0
    price: float      # paid
    commission: float
    spread_cost: float
    slippage_cost: float
    position: float   # after it


@dataclass
class Trade:
    entry_bar: int
    exit_bar: int
    entry_reason: str
    exit_reason: str
    units: float
    entry_price: float
    exit_price: float
    commission: float
    pnl: float
    ret: float


@dataclass
class Position:
    units: float
    price: float      # paid
    bar: int
    reason: str
    commission: float
    at_open: bool     # whether the entry bar's range comes after the entry


@dataclass
class Account:
    config: dict
    cash: float
    position: Position = None
    fills: list = field(default_factory=list)
    trades: list = field(default_factory=list)
    equity: list = field(default_factory=list)
    units: list = field(default_factory=list)    # at each bar
    refused: dict = field(default_factory=lambda: dict.fromkeys(REFUSALS, 0))
    turnover: float = 0.0                        # sum of units * base price over the fills
    funding: float = 0.0                         # paid
    borrow: float = 0.0
    ambiguous: int = 0
    ruined: bool = False
    tape: object = None
    rows: list = field(default_factory=list)     # the strategy's
    in_doubt: bool = False                       # whether rounding decides what it does


def sign(x):
    return (x > 0) - (x < 0)


# ---- prices: R26 to R28, R20 ----

def spread_of(config, opening):
    """R27: half the spread on each side; backtesting takes all of it on entry."""
    if config["profile"] == "backtesting":
        return config["spread"] if opening else 0.0
    return config["spread"] / 2


def costs_of(config, kind, opening):
    """Fractions of the base price (spread, slippage) for a kind of order: market, stop or target (R20)."""
    if kind == "target":
        return 0.0, 0.0
    if kind == "stop" and config["profile"] == "backtesting":
        return 0.0, config["slippage"]
    return spread_of(config, opening), config["slippage"]


def price_paid(base, side, spread, slippage):
    return base * (1 + side * (spread + slippage))


def commission_of(config, units, price):
    """R26, R30; costs.per_unit."""
    return config["fixed_commission"] + abs(units) * price * config["commission"] + abs(units) * config["per_unit"]


# ---- sizes: R21 to R25 ----

def round_to_lot(units, lot):
    """R24: by the exact quotient of the two doubles."""
    return units if lot == 0 else math.floor(Fraction(units) / Fraction(lot)) * lot


def size_by_money(config, cash, fraction, base, price):
    """R21 and R23: what a fraction of the cash buys."""
    lot, rate, fixed = config["lot"], config["commission"], config["fixed_commission"]
    if config["profile"] == "backtesting":
        s, step = min(fraction, 1 - 2.0**-52), lot or 1.0
        if s <= 0:
            return 0.0
        per_lot = step * price + (fixed + s * step * base * rate) / s
        if lot:
            return math.floor(Fraction(cash * s) / Fraction(per_lot)) * lot
        return cash * s / per_lot
    return (cash * fraction - fixed) / (price * (1 + rate) + config["per_unit"])


def size_of(config, cash, scale, base, price):
    """(units for a target's fraction, why the order is refused or None): R25."""
    if config["sizing"] in ("fixed_units", "fixed_value"):  # R22, account.sizing
        wanted = config["size"] * scale
        units = wanted if config["sizing"] == "fixed_units" else wanted / price
    else:
        fraction = scale if config["sizing"] == "all_in" else config["size"] * scale
        units = size_by_money(config, cash, fraction, base, price)
    if config["max_position"]:  # risk.max_position
        units = min(units, config["max_position"] / price)
    if config["profile"] == "tapedeck" or config["sizing"] == "fixed_units":  # the others were counted in lots
        units = round_to_lot(units, config["lot"])
    if units <= 0:
        return units, "lot"
    if config["profile"] == "backtesting" and config["sizing"] != "fixed_units":
        return units, None  # its formula leaves enough
    reserved, slack = (base, 0.0) if config["profile"] == "backtesting" else (price, 2.0**-40)
    cost = units * price + commission_of(config, units, reserved)
    return units, "cash" if cost > cash * (1 + slack) else None


# ---- fills ----

def in_hours(time, hours):
    """risk.hours: from the first minute of the day on, up to but not including the second; across midnight where it is less."""
    minute, (begin, end) = time // (60 * 10**9) % 1440, hours
    return begin <= minute < end if begin < end else minute >= begin or minute < end


def enter(account, bar, target, base, reason):
    config, side = account.config, sign(target)
    spread, slippage = costs_of(config, "market", True)
    price = price_paid(base, side, spread, slippage)
    units, refusal = size_of(config, account.cash, min(abs(target), 1.0), base, price)  # R08
    if config["hours"] and not in_hours(account.tape.time[bar], config["hours"]):
        refusal = "hours"
    if refusal:
        account.refused[refusal] += 1
        return
    units *= side
    commission = commission_of(config, units, price)
    account.cash -= commission
    account.turnover += abs(units) * base
    account.position = Position(units, price, bar, reason, commission, at_open=reason == "open")
    account.fills.append(Fill(bar, reason, units, price, commission, abs(units) * base * spread,
                              abs(units) * base * slippage, units))


def leave(account, bar, base, reason, kind="market"):
    config, position = account.config, account.position
    spread, slippage = costs_of(config, kind, False)
    price = price_paid(base, -sign(position.units), spread, slippage)
    commission = commission_of(config, position.units, price)
    gain = position.units * (price - position.price)
    account.cash += gain - commission
    account.turnover += abs(position.units) * base
    paid = position.commission + commission
    account.fills.append(Fill(bar, reason, -position.units, price, commission, abs(position.units) * base * spread,
                              abs(position.units) * base * slippage, 0.0))
    account.trades.append(Trade(position.bar, bar, position.reason, reason, position.units, position.price, price, paid,
                                gain - paid, (gain - paid) / (abs(position.units) * position.price)))
    account.position = None


def allowed(config, target):
    """R09: what the direction does not allow is out."""
    if (config["direction"] == "long" and target < 0) or (config["direction"] == "short" and target > 0):
        return 0.0
    return target


def follow_order(account, bar, target, base, reason):
    """R05 to R07: a market order of a target, at a base price."""
    target = allowed(account.config, target)
    side = sign(account.position.units) if account.position else 0
    if side == sign(target) and (side == 0 or account.config["profile"] == "tapedeck"):
        return  # R05
    if account.position:
        leave(account, bar, base, reason)
    if target:
        enter(account, bar, target, base, reason)


# ---- stop and target: R11 to R20 ----

def levels(account):
    """R19: (stop, target) measured from the price paid; None where there is none."""
    config, position = account.config, account.position
    side = sign(position.units)
    stop = position.price * (1 - side * config["stop_loss"]) if config["stop_loss"] else None
    target = position.price * (1 + side * config["take_profit"]) if config["take_profit"] else None
    return stop, target


def stop_and_target(account, tape, t):
    if not account.position:
        return
    side = sign(account.position.units)
    stop, target = levels(account)
    worst, best = (tape.low[t], tape.high[t]) if side > 0 else (tape.high[t], tape.low[t])
    stopped = stop is not None and side * worst <= side * stop  # R17, R18
    reached = target is not None and side * best >= side * target
    if stopped and reached:  # R15
        backtesting = account.config["profile"] == "backtesting"
        beyond_stop, beyond_target = side * tape.open[t] <= side * stop, side * tape.open[t] >= side * target
        if backtesting or not (beyond_stop or beyond_target):
            account.ambiguous += 1
        elif beyond_target:
            stopped = False
    if stopped:
        gap = side * tape.open[t] <= side * stop
        leave(account, t, tape.open[t] if gap else stop, "stop_gap" if gap else "stop", "stop")  # R11, R12
        if account.cash <= 0:
            ruin(account)  # R36
    elif reached:
        gap = side * tape.open[t] >= side * target
        leave(account, t, tape.open[t] if gap else target, "target_gap" if gap else "target", "target")  # R13, R14


# ---- the account: R31 to R37 ----

def equity_at(account, price):
    """R31."""
    position = account.position
    return account.cash + (position.units * (price - position.price) if position else 0.0)


def ruin(account):
    """R35 to R37."""
    account.ruined, account.cash, account.position = True, 0.0, None


def mark(account, tape, t):
    equity = equity_at(account, tape.close[t])
    if account.position and abs(equity) <= 1e-12 * abs(account.position.units) * tape.close[t]:
        account.in_doubt = True  # whether anything is left is a matter of rounding
    if not account.ruined and equity <= 0:
        if account.position:
            leave(account, t, tape.close[t], "ruin")  # R35
        ruin(account)
        equity = 0.0
    account.equity.append(equity)
    account.units.append(account.position.units if account.position else 0.0)


def finalize(account, tape, pending):
    """R33, R34, R04."""
    config, last = account.config, len(tape) - 1
    if not config["finalize"] or account.ruined:
        return
    if config["profile"] == "tapedeck":
        if account.position:
            leave(account, last, tape.close[last], "end")
    else:
        bar = last if config["at"] == "next_open" else max(last - 1, 0)
        base = tape.open[bar] if config["at"] == "next_open" else tape.close[bar]
        if account.position:
            leave(account, bar, base, "end")
        if pending is not None:
            follow_order(account, bar, pending, base, "open" if config["at"] == "next_open" else "close")
            stop_and_target(account, tape, last)
    account.equity[last] = equity_at(account, tape.close[last])
    account.units[last] = account.position.units if account.position else 0.0


def play(tape, config):
    """The account after playing `config` (DEFAULTS with what differs) over the tape."""
    config = DEFAULTS | config
    scale = config["lot"] if config["profile"] == "backtesting" and config["lot"] else 1.0  # R44
    decide, strategy_rows, in_doubt = STRATEGIES[config["strategy"]](tape, config["parameters"], config["profile"], scale)
    account = Account(config, config["cash"])
    account.tape = tape
    account.rows, account.in_doubt = strategy_rows, in_doubt
    pending, queue, last = None, [], len(tape) - 1
    for t in range(len(tape)):
        if account.ruined:
            queue.clear()  # R37
        while config["at"] == "next_open" and queue and queue[0][0] == t:
            follow_order(account, t, queue.pop(0)[1], tape.open[t], "open")  # R01
        stop_and_target(account, tape, t)
        while config["at"] == "close" and config["delay"] and queue and queue[0][0] == t:
            follow_order(account, t, queue.pop(0)[1], tape.close[t], "close")  # it was decided on an earlier bar: before the mark
        mark(account, tape, t)
        if account.ruined:
            continue  # R37
        pending = decide(t, account.position.units if account.position else 0.0)
        if pending is not None:
            queue.append((t + config["delay"] + (config["at"] == "next_open"), pending))
        while config["at"] == "close" and not config["delay"] and queue and t < last:  # R03
            follow_order(account, t, queue.pop(0)[1], tape.close[t], "close")  # R02
    finalize(account, tape, pending)
    return account
