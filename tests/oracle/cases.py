"""Random tapes and configurations that look for trouble: ties, gaps, equal prices, ruin, lots that do not fit, one bar, two bars."""
import random

from .tape import DAY, UNITS, Tape

TEMPERS = ("walk", "ties", "flat", "gaps", "spikes", "trend")


def synthetic_options(draw):
    """Arguments of `tapedeck data synth`, and the interval."""
    interval = draw.choice(("1m", "5m", "1h", "4h", "1d", "1w"))
    bars = draw.choice((1, 2, 40, 300, 700))
    return ["--bars", bars, "--interval", interval, "--seed", draw.randrange(10**6)], interval


def times_of(draw, bars, interval_ns):
    """Open times: on the raster, some rows missing, weekends left out or not."""
    start = draw.randrange(10000, 20000) * DAY
    start -= start % interval_ns if interval_ns > DAY else 0
    missing, weekends = draw.choice((0, 0, 0.05)), draw.random() < 0.6
    times, time = [], start
    while len(times) < bars:
        weekend = (time // DAY + 3) % 7 >= 5
        if not (weekend and not weekends and interval_ns <= DAY) and draw.random() >= missing:
            times.append(time)
        time += interval_ns
    return times


def made_up_tape(draw):
    """Prices that are small multiples of a power of two, so that ties are ties and levels are touched exactly; or scaled away
    from that."""
    interval = draw.choice(("1m", "15m", "1h", "6h", "1d", "1w"))
    bars = draw.choice((1, 2, 3, 20, 60, 150, 300))
    temper = draw.choice(TEMPERS)
    tick = 2.0 ** draw.choice((-3, -2, 0))
    scale = draw.choice((1.0,) * 6 + (1e-9, 1e12, 1 / 3))
    columns = [[], [], [], []]
    last = draw.randrange(40, 400)
    for t in range(bars):
        first = last
        if temper == "gaps" or draw.random() < 0.15:
            first += draw.randrange(-last // 8, last // 8 + 1)
        step = {"walk": 4, "ties": 1, "flat": 0, "gaps": 6, "spikes": 3, "trend": 5}[temper]
        if temper == "ties" and draw.random() < 0.5:
            step = 0
        last = first + draw.randint(-step, step) + (2 if temper == "trend" else 0)
        if temper == "spikes" and draw.random() < 0.04:
            last = draw.choice((last * 3, last // 3, last * 9))
        first, last = min(max(first, 2), 10**6), min(max(last, 2), 10**6)
        reach = 0 if temper == "flat" else draw.choice((0, 0, 1, 4, 12))
        high = max(first, last) + draw.randint(0, reach)
        low = max(min(first, last) - draw.randint(0, reach), 1)
        for column, price in zip(columns, (first, high, low, last)):
            column.append(price * tick * scale)
    busy = draw.choice((0.05, 0.3, 1.0))
    targets = draw.choice(((1, -1), (1, 0), (1, -1, 0), (1, -1, 0, 0.5, -0.25, 2, -3, 1 / 3)))
    volume = [10.0 + draw.choice(targets) if draw.random() < busy else 0.0 for _ in range(bars)]
    return Tape(interval, times_of(draw, bars, UNITS[interval[-1]] * int(interval[:-1])), *columns, volume), temper


def maybe(draw, chance, *values):
    return draw.choice(values) if draw.random() < chance else 0.0


def further_rules(draw, tape, config):
    """One of them in every third case."""
    rule = draw.choice(("per_unit", "delay", "max_position", "hours", "fixed_value") + ("none",) * 10)
    if rule == "per_unit":
        config["per_unit"] = min(draw.choice((0.01, 0.5)) * tape.close[0] / 100, 1e9)
    elif rule == "delay":
        config["delay"] = draw.choice((1, 2, 5))
    elif rule == "max_position":
        config["max_position"] = config["cash"] * draw.choice((0.1, 0.5, 2))
    elif rule == "hours":
        config["hours"] = draw.choice(((480, 990), (1320, 240)))  # minutes of the day
    elif rule == "fixed_value":
        config["sizing"], config["size"] = "fixed_value", min(1e15, config["cash"] * draw.choice((0.1, 0.5, 2)))


OTHERS = ("macd", "momentum", "bollinger-breakout", "keltner", "supertrend", "donchian-breakout", "vwap-reversion")


def other_parameters(draw, strategy, windows):
    def window():
        return draw.choice(windows)

    if strategy == "macd":
        fast, slow = sorted(draw.sample(windows, 2))
        return {"fast": fast, "slow": slow, "smoothing": window()}
    if strategy == "momentum":
        return {"window": window()}
    if strategy == "donchian-breakout":
        return {"entry": window(), "exit": window()}
    width = draw.choice((0.3, 0.7, 1.1, 1.9))
    if strategy == "keltner":
        return {"window": window(), "range_window": window(), "width": width}
    return {"window": window(), {"vwap-reversion": "far"}.get(strategy, "width"): width}


def stops_and_ways(draw, tape, config):
    """R45 to R50, R64 to R67."""
    config["at"] = draw.choice(("next_open", "next_open", "close", "next_close"))
    config["delay"] = draw.choice((0, 0, 0, 1, 3))
    config["intrabar"] = draw.choice(("stop_first", "target_first", "nearest_extreme", "pessimistic", "optimistic"))
    config["trailing"] = maybe(draw, 0.3, 0.125, 0.02, 0.06)
    config["trailing_amount"] = maybe(draw, 0.15, 0.03125 * tape.close[0])
    config["break_even"] = maybe(draw, 0.3, 0.125, 0.02, 0.05)
    config["time"] = int(maybe(draw, 0.3, 1, 2, 5, 30))
    if draw.random() < 0.3:
        config["volatility"] = draw.choice(("atr", "std"))
        config["volatility_window"] = draw.randint(1, min(20, len(tape)))
        for name in ("stop_volatility", "target_volatility", "trailing_volatility"):
            config[name] = maybe(draw, 0.5, 0.5, 1.0, 2.5)


def sizes_and_costs(draw, tape, config):
    """R68 to R77."""
    config["sizing"] = draw.choice(("all_in", "fixed_units", "fraction", "fixed_value", "risk", "volatility", "kelly"))
    if config["sizing"] in ("fraction", "kelly"):
        config["size"] = draw.choice((0.1, 0.5, 1.0))
    elif config["sizing"] == "fixed_value":
        config["size"] = min(1e15, config["cash"] * draw.choice((0.1, 0.5, 2)))
    elif config["sizing"] == "fixed_units":
        config["size"] = min(1e15, config["cash"] / tape.close[0] * draw.choice((0.3, 0.5, 1.0, 2.0)))
    elif config["sizing"] == "risk":
        config["size"] = draw.choice((0.01, 0.05, 0.3))
        config["stop_loss"] = config["stop_loss"] or 0.0625
    elif config["sizing"] == "volatility":
        config["size"] = draw.choice((0.1, 0.5, 3.0))
        config.setdefault("volatility", "std")
        config.setdefault("volatility_window", min(5, len(tape)))
    tick = min(tape.close[0] / 1024, 1e9)
    if draw.random() < 0.3:
        config["maker"] = draw.choice((0.0, -0.0002, 0.002))
    config["per_unit"] = min(maybe(draw, 0.2, 0.01, 0.5) * tape.close[0] / 100, 1e9)
    config["tick"] = tick
    config["slippage_ticks"] = maybe(draw, 0.2, 1.0, 3.0)
    config["volume_share"] = maybe(draw, 0.2, 1e-4, 0.01)
    config["impact"] = maybe(draw, 0.2, 1e-3, 0.01)
    config["funding"] = maybe(draw, 0.3, 0.001, -0.0005)
    config["funding_hours"] = draw.choice((8.0, 8.0, 1.0, 24.0))
    config["borrow"] = maybe(draw, 0.3, 0.1, 2.0)
    config["leverage"] = draw.choice((1.0, 1.0, 2.0, 7.5))
    config["maintenance"] = maybe(draw, 0.3, 0.05, 0.125)
    config["max_position"] = maybe(draw, 0.2, 0.5, 1.5) * config["cash"]


def limits(draw, tape, config):
    """R78, R79."""
    config["daily_loss"] = maybe(draw, 0.4, 0.01, 0.05)
    config["max_drawdown"] = maybe(draw, 0.4, 0.05, 0.2)
    config["cool_down"] = int(maybe(draw, 0.4, 1, 3, 10))
    if draw.random() < 0.3:
        config["hours"] = draw.choice(((480, 990), (1320, 240)))


def orders(draw, tape, config):
    """R51 to R63: the parameters of the strategy `placer`."""
    config["strategy"] = "placer"
    config["parameters"] = {
        "when": draw.randint(1, 3), "what": draw.randint(0, 9), "level": near_one(draw), "limit": near_one(draw),
        "share": draw.choice((1.0, 1.0, 0.5, 0.3)), "bars": draw.choice((1, 2, 5, 100000)), "when2": draw.randint(0, 3),
        "what2": draw.randint(0, 15), "level2": near_one(draw), "share2": draw.choice((1.0, 1.0, 0.5, 0.3)),
        "every": draw.choice((1, 2, 3, 7, 20)), "loss": maybe(draw, 0.4, 0.875, 1.125, 0.97, 1.03, 1.0),
        "profit": maybe(draw, 0.4, 0.875, 1.125, 0.97, 1.03, 1.0), "distance": maybe(draw, 0.4, 0.0625, 0.03),
        "pair": draw.choice((0, 0, 1)),
    }
    if config["parameters"]["pair"]:
        config["parameters"]["when2"] = config["parameters"]["when"]  # orders of one bar
    config["pyramiding"] = draw.choice((1, 1, 2, 3))


def resizing(draw, tape, config):
    """R80."""
    config["strategy"], config["parameters"] = "weigher", {}
    if draw.random() < 0.5:
        sizes_and_costs(draw, tape, config)
    if draw.random() < 0.3:
        limits(draw, tape, config)


def near_one(draw):
    return draw.choice((1.0, 1.0, 1.015625, 0.984375, 1.0625, 0.9375, 0.99, 1.01))


RULES = {"orders": orders, "sizes": sizes_and_costs, "limits": limits, "resizing": resizing}


ROUND = ("plain", "walk", *RULES)  # the cases of a campaign, in turn


def configuration_of_round(draw, tape, number):
    kind = ROUND[number % len(ROUND)]
    return configuration(draw, tape) if kind == "plain" else walk_configuration(draw, tape, [kind] if kind in RULES else [])


def walk_configuration(draw, tape, rules=()):
    """Of what only tests/oracle/walk.py plays; rules: names of RULES."""
    config = configuration(draw, tape) | {"profile": "tapedeck"}
    for name in ("per_unit", "max_position", "hours"):
        config.pop(name, None)
    stops_and_ways(draw, tape, config)
    for name in rules:
        if len(rules) == 1 or draw.random() < 0.5:
            RULES[name](draw, tape, config)
    if draw.random() < 0.15:
        tiers(draw, config)
    return config


def tiers(draw, config):
    """R85: volumes that some plays reach, none of which is a round number of trades."""
    volume = 0.0
    config["tiers"] = []
    for _ in range(draw.randint(1, 4)):
        config["tiers"].append((volume, draw.choice((0.001, 0.0075, 0.0002)), draw.choice((0.0005, -0.0002, 0.002))))
        volume += config["cash"] * draw.choice((0.7, 1.9, 5.3))
    config["tier_days"] = draw.choice((1, 2, 7, 30))
    config["commission"], config["maker"] = 0.0, None


def configuration(draw, tape):
    bars = len(tape)
    windows = [w for w in (1, 2, 3, 5, 8, 13, 30) if w < bars]
    choices = ["follow"] * 9 + ["buy-and-hold"] + (["sma-cross", "ema-cross", "rsi-reversion", *OTHERS] if len(windows) > 1 else [])
    config = {"strategy": draw.choice(choices), "profile": draw.choice(("tapedeck", "tapedeck", "backtesting"))}
    if config["strategy"] in ("sma-cross", "ema-cross"):
        config["parameters"] = {"fast": draw.choice(windows), "slow": draw.choice(windows)}
    elif config["strategy"] == "rsi-reversion":
        lower = draw.choice((20, 30, 45, 50))
        config["parameters"] = {"window": draw.choice(windows), "lower": lower, "upper": draw.choice((50, 55, 70, 80))}
    elif config["strategy"] in OTHERS:
        config["parameters"] = other_parameters(draw, config["strategy"], windows)
    config["cash"] = draw.choice((10000.0, 10000.0, 100.0, 1e6, 12345.67)) * (tape.close[0] / 100 if draw.random() < 0.5 else 1)
    config["cash"] = min(max(config["cash"], 1e-6), 1e15)
    config["sizing"] = draw.choice(("all_in", "all_in", "fixed_units", "fraction"))
    if config["sizing"] == "fixed_units":
        config["size"] = draw.choice((1.0, 10.0, 0.5, min(1e15, config["cash"] / tape.close[0] * draw.choice((0.5, 1.0, 2.0)))))
    elif config["sizing"] == "fraction":
        config["size"] = draw.choice((0.1, 0.5, 1.0, 0.95))
    config["lot"] = maybe(draw, 0.4, 1.0, 1.0, 0.5, 0.001, 1e-6, 0.1, 7.0)
    config["direction"] = draw.choice(("both", "both", "both", "long", "short"))
    config["commission"] = maybe(draw, 0.4, 0.001, 0.0075, -0.0002, 0.0625)
    config["fixed_commission"] = maybe(draw, 0.2, 1.0, 0.5, 20.0)
    config["spread"] = maybe(draw, 0.3, 0.0002, 0.01, 0.0625)
    config["slippage"] = maybe(draw, 0.3, 0.0001, 0.002, 0.03125)
    config["at"] = draw.choice(("next_open", "next_open", "close"))
    if config["profile"] == "tapedeck":  # the other one has none of these
        further_rules(draw, tape, config)
    config["stop_loss"] = maybe(draw, 0.5, 0.125, 0.25, 0.01, 0.03, 0.5)
    config["take_profit"] = maybe(draw, 0.4, 0.125, 0.25, 0.02, 0.5, 1.0)
    config["finalize"] = draw.random() < 0.4
    config["sample"] = draw.choice(("day", "day", "bar", 1, 3, 50))
    config["risk_free"] = maybe(draw, 0.3, 0.02, -0.01)
    config["periods_per_year"] = maybe(draw, 0.15, 100.0, 365.25)
    return config


# What the configuration file calls the numbers of stops, costs, account and risk.
GROUPS = {
    "account": ("cash", "sizing", "size", "leverage", "maintenance", "pyramiding"),
    "costs": ("commission", "fixed_commission", "spread", "slippage", "per_unit", "maker", "tick", "slippage_ticks", "volume_share",
              "impact", "funding", "funding_hours", "borrow", "tiers", "tier_days"),
    "fill": ("at", "delay"),
    "stops": ("stop_loss", "take_profit", "volatility", "volatility_window", "stop_volatility", "target_volatility", "trailing",
              "trailing_amount", "trailing_volatility", "break_even", "time"),
    "risk": ("daily_loss", "max_drawdown", "max_position", "cool_down", "hours"),
    "metrics": ("sample", "risk_free", "periods_per_year"),
}


def yaml_of(name, value):
    if name == "tiers":
        return "[" + ", ".join(f"{{volume: {volume!r}, commission: {taker!r}, maker: {maker!r}}}" for volume, taker, maker in value) + "]"
    if name == "hours":
        (begin, end) = value
        return f"'{begin // 60:02}:{begin % 60:02}-{end // 60:02}:{end % 60:02}'"
    return value if isinstance(value, str) else repr(value)


def as_yaml(config, tape_name):
    """The configuration file of a case."""
    names = ("strategy", "profile", "direction", "intrabar")
    lines = [f"tape: {tape_name}"] + [f"{name}: {config[name]}" for name in names if name in config]
    pairs = ", ".join(f"{name}: {value!r}" for name, value in config.get("parameters", {}).items())
    lines += [f"parameters: {{{pairs}}}", f"finalize: {str(config['finalize']).lower()}"]
    for group, names in GROUPS.items():
        pairs = [f"{name}: {yaml_of(name, config[name])}" for name in names if config.get(name) is not None]
        if config.get("tiers"):  # in place of it
            pairs = [pair for pair in pairs if not pair.startswith("commission:")]
        if group == "account":
            pairs.append(f"units: {{lot: {config['lot']!r}}}")
        lines += [f"{group}: {{{', '.join(pairs)}}}"]
    return "\n".join(lines) + "\n"


def draws(seed):
    return random.Random(seed)
