"""The broker of rules R45 to R80 and R85 in profile tapedeck, and of R01 to R43 again: orders that work, the way through a bar, stops that
follow, sizes and charges of every kind, limits of risk."""
import copy
import math
from dataclasses import dataclass, field

from . import rows
from .broker import Account, Fill, REFUSALS, Trade, allowed, in_hours, round_to_lot, sign
from .strategies import STRATEGIES
from .tape import DAY

DEFAULTS = {
    "profile": "tapedeck", "strategy": None, "parameters": {}, "cash": 10000.0, "sizing": "all_in", "size": 1.0, "lot": 0.0,
    "direction": "both", "commission": 0.0, "fixed_commission": 0.0, "spread": 0.0, "slippage": 0.0, "at": "next_open",
    "per_unit": 0.0, "delay": 0, "max_position": 0.0, "hours": None, "stop_loss": 0.0, "take_profit": 0.0, "finalize": False,
    "sample": "day", "risk_free": 0.0, "periods_per_year": 0.0, "leverage": 1.0, "maintenance": 0.0, "pyramiding": 1, "maker": None,
    "tick": 0.0, "slippage_ticks": 0.0, "volume_share": 0.0, "impact": 0.0, "funding": 0.0, "funding_hours": 8.0, "borrow": 0.0,
    "intrabar": "stop_first", "volatility": None, "volatility_window": 14, "stop_volatility": 0.0, "target_volatility": 0.0,
    "trailing": 0.0, "trailing_amount": 0.0, "trailing_volatility": 0.0, "break_even": 0.0, "time": 0, "daily_loss": 0.0,
    "max_drawdown": 0.0, "cool_down": 0, "tiers": None, "tier_days": 30,
}
SLACK = 2.0**-40  # R25
ORDERS_MAX = 16   # R63


@dataclass
class Order:
    kind: str                 # target, market, limit, stop, stop_limit, touched
    side: int = 0
    scale: float = 1.0
    exit: bool = False
    level: float = 0.0        # of a stop, stop-limit or if-touched order
    limit: float = 0.0
    placed: int = 0           # bar
    bars: float = math.inf    # it works after that one
    due: int = 0              # bar a market order fills on
    number: int = 0           # of all orders, by age
    group: object = None      # shared by those of which one cancels the other
    stop_loss: float = None
    take_profit: float = None
    trail: float = None
    volatility: float = None  # on the deciding bar
    reason: str = None        # where it is not that of its kind
    resize: bool = False      # of rebalance()
    at_once: bool = False     # fills before anything else can happen: no working order


@dataclass
class Position:
    units: float
    price: float              # mean of what was paid
    bar: int
    reason: str
    costs: float              # commissions and charges so far
    entries: int
    best: float               # R64
    volatility: float
    stop: float = None        # of the order that opened it
    target: float = None
    trail: float = None
    moved_stop: float = None
    moved_target: float = None
    anchor: float = 0.0       # what levels are measured from: the price of the last entry, a mean (R58), but not of R80
    broke_even: bool = False  # the price of R65 was met ...
    even_stop: float = None   # ... and the stop that brought, if it was not moved since

    @property
    def side(self):
        return sign(self.units)


class State:
    """All that a bar changes, so that a bar can be played both ways (R49)."""

    def __init__(self, cash):
        self.cash, self.position, self.orders = cash, None, []
        self.fills, self.trades = [], []
        self.refused = dict.fromkeys(REFUSALS, 0)
        self.turnover = self.funding = self.borrow = 0.0
        self.ruined, self.lost_on, self.day_refused, self.refused_for_good = False, None, None, False
        self.numbers, self.in_doubt = 0, False

    def fork(self):
        other = copy.copy(self)
        other.position = copy.copy(self.position)
        other.orders = [copy.copy(order) for order in self.orders]
        other.fills, other.trades, other.refused = list(self.fills), list(self.trades), dict(self.refused)
        return other


def nearly(a, b):
    return a != b and abs(a - b) <= 1e-12 * max(abs(a), abs(b))


class Broker:
    def __init__(self, tape, config):
        self.tape, self.config, self.state = tape, config, State(config["cash"])
        self.t, self.price, self.at_open, self.low_first_now = 0, 0.0, False, False
        self.ambiguous = 0
        self.volatility = [None] * len(tape)
        if config["volatility"] == "atr":
            self.volatility = rows.atr(tape.high, tape.low, tape.close, config["volatility_window"])
        elif config["volatility"] == "std":
            self.volatility = rows.root_mean_square(tape, config["volatility_window"])
        self.day_start = self.peak = config["cash"]

    # ---- prices and costs: R26 to R28, R51, R75, R76 ----

    def slippage_amount(self, base, units):
        """R76: per unit, beyond the spread."""
        config, volume = self.config, self.tape.volume[self.t]
        share = abs(units) / volume if volume > 0 else 1.0
        further = 0.0
        if units:
            further = config["slippage_ticks"] * config["tick"]
            further += base * (config["volume_share"] * share**2 + config["impact"] * math.sqrt(share))
        return base * config["slippage"] + min(further, base / 2)

    def price_of(self, base, side, units, rests):
        """(price paid, spread and slippage per unit)."""
        if rests:
            return base, 0.0, 0.0
        spread, slippage = base * self.config["spread"] / 2, self.slippage_amount(base, units)
        return base + side * (spread + slippage), spread, slippage

    def rate(self, rests):
        if self.config["tiers"]:
            return self.tier()[2 if rests else 1]
        maker = self.config["maker"]
        return maker if rests and maker is not None else self.config["commission"]

    def tier(self):
        """R85: (volume, commission, maker) that the value traded on the days before this one has reached."""
        today = self.tape.time[self.t] // DAY
        days = range(today - self.config["tier_days"], today)
        traded = sum(abs(fill.units) * fill.price for fill in self.state.fills if self.tape.time[fill.bar] // DAY in days)
        return [tier for tier in self.config["tiers"] if tier[0] <= traded][-1]

    def commission(self, units, price, rests):
        return self.config["fixed_commission"] + abs(units) * (price * self.rate(rests) + self.config["per_unit"])

    # ---- sizes: R21 to R25, R68 to R73 ----

    def kelly(self):
        """R71."""
        wins = [trade.pnl for trade in self.state.trades if trade.pnl > 0]
        losses = [-trade.pnl for trade in self.state.trades if trade.pnl < 0]
        if len(self.state.trades) < 10 or not wins or not losses:
            return 0.1
        share = len(wins) / len(self.state.trades)
        ratio = (math.fsum(wins) / len(wins)) / (math.fsum(losses) / len(losses))
        return max(share - (1 - share) / ratio, 0.01)

    def stop_distance(self, order, price):
        """R69: to the nearest stop; None without one."""
        config, found = self.config, []
        if config["stop_loss"]:
            found.append(price * config["stop_loss"])
        if config["stop_volatility"]:
            found.append(config["stop_volatility"] * order.volatility)
        if order.stop_loss is not None:
            found.append(order.side * (price - order.stop_loss))
        if config["trailing"]:
            found.append(price * config["trailing"])
        found += self.trailing_distances(order.volatility, order.trail)
        return min(found, default=None)

    def wanted_units(self, order, price, rests, cash, held):
        """What sizing allows of the cash, beyond what is held already; None where it cannot say."""
        config, size, scale = self.config, self.config["size"], min(order.scale, 1.0)
        sizing = config["sizing"]
        if sizing == "fixed_units":
            return size * scale
        if sizing == "fixed_value":
            return size * scale / price
        if sizing == "risk":
            distance = self.stop_distance(order, price)
            return cash * size * scale / distance if distance is not None and distance > 0 else None
        if sizing == "volatility":
            year = {7 * DAY: 52}.get(self.tape.interval_ns, 365 * DAY / self.tape.interval_ns)
            return cash * size * scale / (order.volatility * math.sqrt(year)) if order.volatility else math.inf
        share = {"all_in": config["leverage"], "fraction": size, "kelly": size * self.kelly() if sizing == "kelly" else 0}[sizing]
        if abs(cash * share * scale - config["fixed_commission"]) <= 1e-12 * config["fixed_commission"]:
            self.state.in_doubt = True
        most = (cash * share * scale - config["fixed_commission"]) / (price * (1 + self.rate(rests)) + config["per_unit"])
        return most - held if sizing == "all_in" else most

    def needs_volatility(self):
        config = self.config
        return config["sizing"] == "volatility" or any(config[name + "_volatility"] for name in ("stop", "target", "trailing"))

    def cannot_pay(self, units, price, rests):
        held = self.state.position
        value = (units + (abs(held.units) if held else 0.0)) * price
        cost, cash = value + self.commission(units, price, rests), self.state.cash * self.config["leverage"]
        if abs(cost - cash * (1 + SLACK)) < cash * 2e-13:
            self.state.in_doubt = True
        return cost > cash * (1 + SLACK)

    def quotients(self):
        """Whether a size that is a whole number of lots may be so by rounding alone."""
        return self.config["sizing"] in ("risk", "volatility", "kelly")

    def to_lot(self, units):
        lot = self.config["lot"]
        if lot and units > 0 and math.isfinite(units):
            if abs(units / lot - round(units / lot)) <= 1e-12 * units / lot and (self.quotients() or units / lot != round(units / lot)):
                self.state.in_doubt = True
            return round_to_lot(units, lot)
        return units

    def size(self, order, base, rests):
        """(units, price, why it is refused or None)."""
        config, held = self.config, self.state.position
        volume_free = self.price_of(base, order.side, 0.0, rests)[0]
        units = self.wanted_units(order, volume_free, rests, self.state.cash, abs(held.units) if held else 0.0)
        if units is None:
            return 0, 0, "orders"
        if config["max_position"]:
            units = min(units, config["max_position"] / volume_free - (abs(held.units) if held else 0.0))
        units = self.to_lot(units)
        if not units > 0:
            return 0, 0, "lot"
        if math.isinf(units) or self.cannot_pay(units, volume_free, rests):
            return 0, 0, "cash"
        self.uncut = units
        price = self.price_of(base, order.side, units, rests)[0]
        if price != volume_free and self.cannot_pay(units, price, rests):
            free = self.state.cash * config["leverage"] - config["fixed_commission"]  # R76: cut, at the price of the uncut order
            units = self.to_lot(free / (price * (1 + self.rate(rests)) + config["per_unit"]) - (abs(held.units) if held else 0.0))
            if not units > 0:
                return 0, 0, "lot"
        return units, price, None

    # ---- fills ----

    def refusal(self, order):
        """R58, R67, R78, R79: of several reasons the first."""
        state, config, held = self.state, self.config, self.state.position
        if self.needs_volatility() and order.volatility is None:
            return "volatility"
        if state.refused_for_good:
            return "drawdown"
        if state.day_refused == self.tape.time[self.t] // DAY:
            return "daily_loss"
        if config["cool_down"] and state.lost_on is not None and self.t <= state.lost_on + config["cool_down"]:
            return "cool_down"
        if held and held.entries >= config["pyramiding"] and not order.resize:
            return "pyramiding"
        if config["hours"] and not in_hours(self.tape.time[self.t], config["hours"]):
            return "hours"
        return None

    def refuse(self, why):
        self.state.refused[why] += 1

    def enter(self, order, base, reason, rests):
        state, config = self.state, self.config
        refusal = self.refusal(order)
        if not refusal:
            units, price, refusal = self.size(order, base, rests)
        if refusal:
            self.refuse(refusal)
            return
        if self.needs_volatility() and order.volatility <= 1e-7 * price:
            state.in_doubt = True  # a market that stood still: what is left of it is rounding
        _, spread, slippage = self.price_of(base, order.side, self.uncut, rests)
        commission = self.commission(units, price, rests)
        state.cash -= commission
        state.turnover += units * base
        held = state.position
        if held:
            self.add(order.side, units, price, commission)
            held.entries += 1
            held.volatility = order.volatility
        else:
            held = state.position = Position(order.side * units, price, self.t, reason, commission, 1, price, order.volatility)
        held.stop, held.target, held.trail = order.stop_loss, order.take_profit, order.trail
        held.moved_stop = held.moved_target = None
        held.anchor, held.broke_even, held.even_stop = held.price, False, None  # R58: anew
        held.best = max(held.price, base, key=lambda level: order.side * level)  # R64
        state.fills.append(Fill(self.t, reason, order.side * units, price, commission, units * spread, units * slippage, held.units))

    def add(self, side, units, price, commission):
        held = self.state.position
        total = abs(held.units) + units
        held.price = (abs(held.units) * held.price + units * price) / total
        held.units, held.costs = side * total, held.costs + commission

    def resize(self, order, base, reason):
        """R80: of a position that stands on the order's side."""
        state, config, held = self.state, self.config, self.state.position
        equity, has = state.cash + held.units * (base - held.price), abs(held.units)
        price = self.price_of(base, order.side, 0.0, False)[0]
        if self.needs_volatility() and order.volatility is None:
            self.refuse("volatility")
            return
        units = self.wanted_units(order, price, False, equity, 0.0)
        if units is None:
            self.refuse("orders")
            return
        if config["max_position"]:
            units = min(units, config["max_position"] / price)
        units = self.to_lot(max(units, 0.0))
        if has * 1e-13 < abs(units - has) < has * 1e-11:
            state.in_doubt = True
        if not units > 0:
            self.leave(base, reason)
        elif units < has * (1 - SLACK):
            self.leave(base, reason, units=has - units)
        elif units > has * (1 + SLACK):
            self.buy_more(order, base, price, units, equity, reason)

    def buy_more(self, order, base, price, units, equity, reason):
        state, config, has = self.state, self.config, abs(self.state.position.units)
        refusal = self.refusal(order)
        cost, most = units * price + self.commission(units, price, False), equity * config["leverage"]
        if abs(cost - most * (1 + SLACK)) < abs(most) * 2e-13:
            state.in_doubt = True
        if refusal or cost > most * (1 + SLACK):
            self.refuse(refusal or "cash")
            return
        more = units - has
        moved, spread, slippage = self.price_of(base, order.side, more, False)
        if moved != price:  # R76
            free = most - has * price - config["fixed_commission"]
            more = min(more, self.to_lot(free / (moved * (1 + self.rate(False)) + config["per_unit"])))
        if not more > 0:
            self.refuse("lot")
            return
        commission = self.commission(more, moved, False)
        state.cash -= commission
        state.turnover += more * base
        self.add(order.side, more, moved, commission)
        state.fills.append(Fill(self.t, reason, order.side * more, moved, commission, more * spread, more * slippage, state.position.units))

    def leave(self, base, reason, rests=False, units=None):
        state, held = self.state, self.state.position
        units = abs(held.units) if units is None else units
        share = units / abs(held.units)
        price, spread, slippage = self.price_of(base, -held.side, units, rests)
        commission = self.commission(units, price, rests)
        gain = held.side * units * (price - held.price)
        state.cash += gain - commission
        state.turnover += units * base
        costs = held.costs * share + commission
        left = held.side * (abs(held.units) - units)
        pnl = gain - costs
        state.fills.append(Fill(self.t, reason, -held.side * units, price, commission, units * spread, units * slippage, left))
        state.trades.append(Trade(held.bar, self.t, held.reason, reason, held.side * units, held.price, price, costs, pnl,
                                  pnl / (units * held.price)))
        if pnl < 0:
            state.lost_on = self.t
        if left:
            held.units, held.costs = left, held.costs * (1 - share)
            return
        if abs(state.cash) <= 1e-9 * units * price:
            state.in_doubt = True  # whether anything is left is a matter of rounding
        state.position = None
        state.orders = [order for order in state.orders if not order.exit]  # R62

    def carry_out(self, order, base, reason, rests=False):
        """An order fills: R05 to R09, R56, R57, R59."""
        state = self.state
        if order in state.orders:
            state.orders.remove(order)
        held, fills = state.position, len(state.fills)
        self.fill(order, base, reason, rests)
        if order.group is not None and len(state.fills) > fills:  # R56
            state.orders = [other for other in state.orders if other.group != order.group]

    def fill(self, order, base, reason, rests):
        state, held = self.state, self.state.position
        if order.kind == "target":
            self.follow_target(order, base, reason)
        elif order.exit:
            if not held:
                return
            units = None
            if order.scale < 1:
                units = self.to_lot(abs(held.units) * order.scale)
                if not units > 0:
                    self.refuse("lot")
                    return
            self.leave(base, reason, rests, units)
        else:
            if held and held.side != order.side:
                self.leave(base, reason, rests)
            if allowed(self.config, order.side):
                self.enter(order, base, reason, rests)

    def follow_target(self, order, base, reason):
        held = self.state.position
        if (held.side if held else 0) == order.side:
            if held and order.resize:
                self.resize(order, base, reason)
            return  # R05
        if held:
            self.leave(base, reason)
        if order.side:
            self.enter(order, base, reason, False)

    # ---- levels: R11 to R19, R60, R61, R64, R65, R67, R74 ----

    def trailing_distances(self, volatility, trail):
        config, found = self.config, []
        if config["trailing_amount"]:
            found.append(config["trailing_amount"])
        if config["trailing_volatility"] and volatility is not None:
            found.append(config["trailing_volatility"] * volatility)
        if trail is not None:
            found.append(trail)
        return found

    def stop(self):
        """(level, reason) of the nearest stop, or None."""
        held, config = self.state.position, self.config
        side, found = held.side, []
        if held.moved_stop is not None:
            found.append((held.moved_stop, "stop"))
        else:
            if config["stop_loss"]:
                found.append((held.anchor * (1 - side * config["stop_loss"]), "stop"))
            if config["stop_volatility"]:
                found.append((held.anchor - side * config["stop_volatility"] * held.volatility, "stop"))
            if held.stop is not None:
                found.append((held.stop, "stop"))
        if held.even_stop is not None:
            found.append((held.even_stop, "break_even"))
        if config["trailing"]:
            found.append((held.best * (1 - side * config["trailing"]), "trailing"))
        for distance in self.trailing_distances(held.volatility, held.trail):
            found.append((held.best - side * distance, "trailing"))
        return max(found, key=lambda stop: side * stop[0], default=None)  # of equals the first

    def target(self):
        held, config = self.state.position, self.config
        side, found = held.side, []
        if held.moved_target is not None:
            return held.moved_target
        if config["take_profit"]:
            found.append(held.anchor * (1 + side * config["take_profit"]))
        if config["target_volatility"]:
            found.append(held.anchor + side * config["target_volatility"] * held.volatility)
        if held.target is not None:
            found.append(held.target)
        return min(found, key=lambda level: side * level, default=None)

    def liquidation(self):
        held, config, cash = self.state.position, self.config, self.state.cash
        if not config["maintenance"] and config["leverage"] <= 1:
            return None
        units, side, m = abs(held.units), held.side, config["maintenance"]
        return (side * units * held.price - cash) / (units * (side - m)) if side != m else None

    def events(self):
        """What prices may meet: (level, whether above, rank, action); of equally near ones the lowest rank comes first."""
        found, held = [], self.state.position
        if held:
            up = held.side > 0
            stop, target, liquidation = self.stop(), self.target(), self.liquidation()
            if liquidation is not None:
                found.append((liquidation, not up, (0, 0), lambda: self.leave(self.price, "liquidation")))
            if stop is not None:
                reason = stop[1] + ("_gap" if self.at_open and stop[1] == "stop" else "")
                found.append((stop[0], not up, (1 if up == self.low_first_now else 2, 0), lambda: self.leave(self.price, reason)))
            if target is not None:
                gap = "target_gap" if self.at_open else "target"
                found.append((target, up, (1 if up != self.low_first_now else 2, 0), lambda: self.leave(self.price, gap, True)))
            if self.config["break_even"] and not held.broke_even:
                found.append((held.anchor * (1 + held.side * self.config["break_even"]), up, (2.5, 0), self.break_even))
        for order in self.state.orders:
            if order.kind in ("market", "target") or order.placed == self.t:
                continue
            found.append(self.event_of(order))
        return found

    def event_of(self, order):
        buys = order.side > 0
        if order.kind == "limit":
            return order.limit, not buys, (3, order.number), lambda: self.carry_out(order, self.price, "limit", True)
        if order.kind == "stop":
            return order.level, buys, (3, order.number), lambda: self.carry_out(order, self.price, "stop_order")
        if order.kind == "touched":
            return order.level, not buys, (3, order.number), lambda: self.carry_out(order, self.price, "touched")
        return order.level, buys, (3, order.number), lambda: setattr(order, "kind", "limit")  # R53

    def break_even(self):
        held = self.state.position
        held.broke_even, held.even_stop = True, held.price

    # ---- the walk: R47 to R50 ----

    def advance(self, to):
        """From where prices are to `to`, past all that they meet."""
        while not self.state.ruined:
            self.see()
            best = None
            for level, above, rank, action in self.events():
                for price in (self.price, to):
                    if nearly(price, level):
                        self.state.in_doubt = True
                met = self.price >= level if above else self.price <= level
                if not met and not (to >= level if above else to <= level):
                    continue
                key = (0.0 if met else abs(level - self.price), rank)
                if best is None or key < best[0]:
                    best = key, self.price if met else level, action
            if best is None:
                break
            self.price = best[1]
            self.see()
            best[2]()
        self.price = to
        self.see()

    def see(self):
        """R64: the best price so far."""
        held = self.state.position
        if held and held.side * self.price > held.side * held.best:
            held.best = self.price

    def low_first(self):
        """R48."""
        policy, tape, t, state = self.config["intrabar"], self.tape, self.t, self.state
        if policy == "nearest_extreme":
            return tape.open[t] - tape.low[t] <= tape.high[t] - tape.open[t]
        if state.position:
            stop_below = state.position.side > 0
        else:
            entries = [order for order in state.orders if not order.exit and order.kind not in ("market", "target")]
            stop_below = not entries or entries[0].side < 0
        return stop_below == (policy == "stop_first")

    def walk(self, low_first):
        """From the open on; what both extremes would bring about at once goes by which of them comes first."""
        self.low_first_now, self.at_open, self.price = low_first, True, self.tape.open[self.t]
        self.advance(self.price)
        if self.config["at"] == "next_open" and not self.state.ruined:
            self.time_stop(self.price)
        self.at_open = False
        if not self.state.ruined:
            both = self.config["intrabar"] in ("pessimistic", "optimistic")
            self.to_the_close(low_first if both else self.low_first())

    def to_the_close(self, low_first):
        low, high = self.tape.low[self.t], self.tape.high[self.t]
        for to in (low, high) if low_first else (high, low):
            self.advance(to)
        self.advance(self.tape.close[self.t])

    def through_the_bar(self):
        tape, t, policy = self.tape, self.t, self.config["intrabar"]
        ahead = [(level, above) for level, above, rank, _ in self.events() if rank[0] != 2.5]
        self.ambiguous += (any(not above and tape.low[t] <= level < tape.open[t] for level, above in ahead)
                           and any(above and tape.open[t] < level <= tape.high[t] for level, above in ahead))
        if policy not in ("pessimistic", "optimistic"):
            self.walk(self.low_first())
            return
        ways = []
        before = self.state
        for low_first in (True, False):
            self.state = before.fork()
            self.walk(low_first)
            ways.append((self.equity(), self.state))
        (low, low_state), (high, high_state) = ways
        doubt = abs(low - high) <= 1e-12 * max(abs(low), abs(high)) and low_state.fills != high_state.fills
        if policy == "pessimistic":
            self.state = high_state if high < low else low_state
        else:
            self.state = low_state if low > high else high_state
        self.state.in_doubt |= doubt

    # ---- a bar ----

    def equity(self):
        held = self.state.position
        return self.state.cash + (held.units * (self.tape.close[self.t] - held.price) if held else 0.0)

    def market_orders(self, base, reason):
        for order in [order for order in self.state.orders if order.kind in ("market", "target") and order.due == self.t]:
            if order in self.state.orders and not self.state.ruined:
                self.carry_out(order, base, order.reason or reason)

    def time_stop(self, base):
        held, n = self.state.position, self.config["time"]
        if n and held and self.t >= held.bar + n:
            self.leave(base, "time_stop")  # R66

    def charges(self):
        """R77."""
        held, config, tape, t = self.state.position, self.config, self.tape, self.t
        if not held or t == 0:
            return
        period = config["funding_hours"] * 3600 * 10**9
        value = abs(held.units) * tape.open[t]

        def begun(span):
            def number(time):
                return time // DAY * math.ceil(DAY / span) + time % DAY // span
            return number(tape.time[t]) - number(tape.time[t - 1])

        funding = held.side * value * config["funding"] * begun(period)
        borrow = value * config["borrow"] / 365 * begun(DAY) if held.side < 0 else 0.0
        self.state.cash -= funding + borrow
        self.state.funding += funding
        self.state.borrow += borrow
        held.costs += funding + borrow

    def play_bar(self, t):
        tape, config = self.tape, self.config
        self.t, self.price, self.at_open = t, tape.open[t], True
        if config["at"] == "next_open":
            self.market_orders(tape.open[t], "open")
        self.charges()
        if not self.state.ruined:
            self.through_the_bar()
        if config["at"] != "next_open" and not self.state.ruined:
            self.market_orders(tape.close[t], "close")
            self.time_stop(tape.close[t])
        self.state.orders = [order for order in self.state.orders  # R55
                             if order.kind in ("market", "target") or t < order.placed + order.bars]

    def mark(self):
        """R31, R35."""
        equity, held = self.equity(), self.state.position
        if held and abs(equity) <= 1e-12 * abs(held.units) * self.tape.close[self.t]:
            self.state.in_doubt = True
        if not self.state.ruined and equity <= 0:
            if held:
                self.leave(self.tape.close[self.t], "ruin")
            self.state.ruined, self.state.cash, self.state.position, equity = True, 0.0, None, 0.0
        return 0.0 if self.state.ruined else equity

    def watch_risk(self, equity):
        """R78."""
        config, t, state = self.config, self.t, self.state
        if t and self.tape.time[t] // DAY != self.tape.time[t - 1] // DAY:
            self.day_start = self.last_equity
        self.peak = max(self.peak, equity)
        day = self.tape.time[t] // DAY
        broken = False
        for share, top in ((config["daily_loss"], self.day_start), (config["max_drawdown"], self.peak)):
            if share and abs(equity - top * (1 - share)) <= 1e-12 * top:
                state.in_doubt = True
        if config["daily_loss"] and state.day_refused != day and equity <= self.day_start * (1 - config["daily_loss"]):
            state.day_refused, broken = day, True
        if config["max_drawdown"] and not state.refused_for_good and equity <= self.peak * (1 - config["max_drawdown"]):
            state.refused_for_good = broken = True
        if broken:
            state.orders = [order for order in state.orders if order.exit or order.kind == "target" and order.side == 0]
            if state.position and config["at"] == "close" and config["delay"] == 0:
                self.leave(self.tape.close[t], "risk")
            elif state.position and not any(order.reason == "risk" for order in state.orders):
                self.line_up(Order("market", exit=True, reason="risk"))

    # ---- what strategies say ----

    def place(self, order):
        state, t, config = self.state, self.t, self.config
        if not order.exit and order.kind not in ("target", "market"):
            level = {"limit": order.limit, "stop_limit": order.limit, "stop": order.level, "touched": order.level}[order.kind]
            wrong = [order.stop_loss is not None and order.side * (level - order.stop_loss) <= 0,
                     order.take_profit is not None and order.side * (order.take_profit - level) <= 0]
            if any(wrong):
                self.refuse("orders")
                return
        if order.kind in ("target", "market") and self.due() >= len(self.tape):
            return  # R46
        waits = order.kind not in ("target", "market") or config["delay"] or config["at"] == "next_close"
        if waits and sum(1 for other in state.orders if not other.at_once) >= ORDERS_MAX:
            self.refuse("orders")
            return
        order.at_once = not waits
        self.line_up(order)

    def due(self):
        return self.t + self.config["delay"] + (self.config["at"] != "close")

    def line_up(self, order):
        state, t = self.state, self.t
        order.placed, order.volatility = t, self.volatility[t]
        order.due = self.due()
        order.number = state.numbers
        state.numbers += 1
        state.orders.append(order)

    def decide(self, request):
        """One request of a strategy: an Order, or (word, level)."""
        held, state = self.state.position, self.state
        if isinstance(request, Order):
            if request.exit:
                if not held:
                    return
                request.side = -held.side
            self.place(request)
        elif request[0] == "rebalance":
            wanted = allowed(self.config, request[1])
            self.place(Order("target", sign(wanted), min(abs(wanted), 1.0), resize=True))
        elif request[0] == "cancel":
            state.orders = [order for order in state.orders if order.kind in ("market", "target")]
        elif held and request[0] == "move_stop":
            held.moved_stop, held.even_stop = request[1], None
        elif held and request[0] == "move_target":
            held.moved_target = request[1]

    def finalize(self):
        if self.config["finalize"] and self.state.position:
            self.leave(self.tape.close[self.t], "end")


def requests_of(broker, decided):
    """What a strategy decided, as requests: a target of R01 to R09 is one."""
    if decided is None:
        return []
    if isinstance(decided, list):
        requests = [request if isinstance(request, tuple) else Order(**request) for request in decided]
        return sorted(requests, key=lambda request: isinstance(request, Order) and request.kind == "market")  # R62
    wanted = allowed(broker.config, decided)
    return [Order("target", sign(wanted), min(abs(wanted), 1.0))]


def play(tape, config):
    """The account after playing `config` (DEFAULTS with what differs) over the tape."""
    config = DEFAULTS | config
    decide, strategy_rows, in_doubt = STRATEGIES[config["strategy"]](tape, config["parameters"], config["profile"], 1.0)
    broker = Broker(tape, config)
    account = Account(config, config["cash"])
    account.tape, account.rows = tape, strategy_rows
    last = len(tape) - 1
    for t in range(len(tape)):
        if not broker.state.ruined:
            broker.play_bar(t)
        broker.t = t
        equity = broker.mark()
        if not broker.state.ruined:
            broker.watch_risk(equity)
            equity = broker.last_equity = broker.mark()
        if not broker.state.ruined:
            position = broker.state.position.units if broker.state.position else 0.0
            for request in requests_of(broker, decide(t, position)) if t < last else []:  # R03
                broker.decide(request)
        account.equity.append(equity)
        account.units.append(broker.state.position.units if broker.state.position else 0.0)
        if config["at"] == "close" and config["delay"] == 0 and t < last and not broker.state.ruined:
            broker.market_orders(tape.close[t], "close")
    if not broker.state.ruined:
        broker.finalize()
        account.equity[last] = broker.mark()
        account.units[last] = broker.state.position.units if broker.state.position else 0.0
    state = broker.state
    account.cash, account.position, account.fills, account.trades = state.cash, state.position, state.fills, state.trades
    account.refused, account.turnover, account.ambiguous, account.ruined = state.refused, state.turnover, broker.ambiguous, state.ruined
    account.funding, account.borrow = state.funding, state.borrow
    account.in_doubt = in_doubt or state.in_doubt
    return account
