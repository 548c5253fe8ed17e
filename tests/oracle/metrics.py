"""docs/metrics.md: every metric from the equity at each bar, the trades, the fills and the tape. None for what does not exist."""
import math
import statistics

from .tape import DAY

WEEKEND = (5, 6)
SECOND = 10**9


def power(base, exponent):
    try:
        return base**exponent
    except OverflowError:
        return math.inf


def ratio(a, b):
    return a / b if b else None


def deviation(values):
    """Divided by n - 1, with sums that do not round; None for fewer than two."""
    return math.sqrt(variance(values)) if len(values) >= 2 else None


def variance(values):
    mean = math.fsum(values) / len(values)
    return math.fsum((x - mean) ** 2 for x in values) / (len(values) - 1)


def mean_of(values):
    return math.fsum(values) / len(values) if values else None


# ---- the calendar ----

def weekday(nanoseconds):
    return (nanoseconds // DAY + 3) % 7  # 1970-01-01 was a Thursday; Monday is 0


def days_a_year(tape):
    weekend = sum(weekday(time) in WEEKEND for time in tape.time)
    return 365 if weekend / len(tape) > 0.6 * 2 / 7 else 252


def median_distance(tape):
    times = tape.time[-100:]
    return statistics.median(b - a for a, b in zip(times, times[1:])) if len(times) > 1 else DAY


def period_of(time, days):
    """What bars share that are sampled together: the day, the week to Sunday, the month or the year."""
    day = time // DAY
    if days == 7:
        return (day + 3) // 7
    if days in (31, 365):
        import datetime
        date = datetime.date(1970, 1, 1) + datetime.timedelta(days=day)
        return (date.year, date.month) if days == 31 else date.year
    return day


def sample_ends(tape, config):
    """The bars at whose closes returns are sampled."""
    bars, sample = len(tape), config["sample"]
    if config["profile"] == "backtesting":
        keys = [period_of(time, median_distance(tape) // DAY) for time in tape.time]
    elif sample != "day":
        every = 1 if sample == "bar" else sample
        return [t for t in range(bars) if (t + 1) % every == 0 or t == bars - 1]
    elif tape.interval_ns >= DAY:
        return list(range(bars))
    else:
        keys = [time // DAY for time in tape.time]
    return [t for t in range(bars) if t == bars - 1 or keys[t] != keys[t + 1]]


def samples_a_year(tape, config):
    """N."""
    days = days_a_year(tape)
    if config["profile"] == "backtesting":
        return {7: 52, 31: 12, 365: 1}.get(median_distance(tape) // DAY, days)
    if config["periods_per_year"]:
        return config["periods_per_year"]
    if config["sample"] == "day" and tape.interval_ns < DAY:
        return days
    every = config["sample"] if isinstance(config["sample"], int) else 1
    if tape.interval_ns < DAY:
        if days == 365:
            bars = 365 * DAY / tape.interval_ns
        else:
            bars = 252 * len(tape) / len({time // DAY for time in tape.time})
    else:
        bars = {DAY: days, 7 * DAY: 52}.get(tape.interval_ns, days * DAY / tape.interval_ns)
    return bars / every


# ---- returns ----

def sampled_returns(account, tape, config):
    """(returns of the equity, of the market): the first from the starting cash, or in profile backtesting none for it."""
    ends = sample_ends(tape, config)
    if config["profile"] == "backtesting":
        pairs = list(zip(ends, ends[1:]))
    else:
        pairs = list(zip([None] + ends, ends))

    def equity(t):
        return config["cash"] if t is None else account.equity[t]

    def market(t):
        return tape.close[0 if t is None else t]

    returns = [equity(b) / equity(a) - 1 if equity(a) > 0 else 0.0 for a, b in pairs]
    return returns, [market(b) / market(a) - 1 for a, b in pairs], ends


def annual_return(account, config, returns, ends, N):
    if not returns:
        return None
    if config["profile"] == "backtesting":
        if account.ruined:
            return 0.0
        return power(account.equity[-1] / account.equity[ends[0]], N / len(returns)) - 1
    return power(account.equity[-1] / config["cash"], N / len(returns)) - 1


def volatility(account, config, returns, ends, N):
    if len(returns) < 2:
        return None
    if config["profile"] == "backtesting":
        growth = 1.0 if account.ruined else power(account.equity[-1] / account.equity[ends[0]], 1 / len(returns))
        return math.sqrt(max(power(variance(returns) + growth**2, N) - power(growth, 2 * N), 0.0))
    return deviation(returns) * math.sqrt(N)


def returns_metrics(account, tape, config):
    N, f = samples_a_year(tape, config), config["risk_free"]
    returns, market, ends = sampled_returns(account, tape, config)
    backtesting = config["profile"] == "backtesting"
    found = {"annual_return": annual_return(account, config, returns, ends, N),
             "annual_volatility": volatility(account, config, returns, ends, N)}
    s, mean = deviation(returns), mean_of(returns)
    downside = math.sqrt(mean_of([min(r, 0.0) ** 2 for r in returns])) if returns else 0.0
    annual = found["annual_return"]
    found["downside_risk"] = downside * math.sqrt(N) if returns else None
    if backtesting:
        found["sharpe"] = ratio(annual - f, found["annual_volatility"]) if len(returns) >= 2 else None
        if downside:
            found["sortino"] = (annual - f) / (downside * math.sqrt(N))
        else:
            found["sortino"] = None if annual is None or annual == f else math.copysign(math.inf, annual - f)
    else:
        found["sharpe"] = (mean - f / N) / s * math.sqrt(N) if s else None
        found["sortino"] = (mean * N - f) / (downside * math.sqrt(N)) if downside else None
    found |= market_metrics(account, tape, config, returns, market, N)
    return found, N


def covariance(a, b):
    ma, mb = mean_of(a), mean_of(b)
    return math.fsum((x - ma) * (y - mb) for x, y in zip(a, b)) / (len(a) - 1)


def market_metrics(account, tape, config, returns, market, N):
    f, warm = config["risk_free"], [t for t in range(len(tape)) if all(row[t] is not None for row in account.rows)]
    hold = tape.close[-1] / tape.close[warm[0]] - 1 if warm else None
    beta = alpha = None
    if config["profile"] == "backtesting":
        if not account.ruined:
            returns = [math.log(b / a) for a, b in zip(account.equity, account.equity[1:])]
            market = [math.log(b / a) for a, b in zip(tape.close, tape.close[1:])]
        else:
            returns = []
    if len(returns) >= 2 and variance(market) > 0:
        beta = covariance(returns, market) / variance(market)
    if beta is not None:
        if config["profile"] == "backtesting":
            if hold is not None:
                alpha = account.equity[-1] / config["cash"] - 1 - f - beta * (hold - f)
        else:
            base = 1 + mean_of(returns) - f / N - beta * (mean_of(market) - f / N)
            alpha = power(base, N) - 1 if base >= 0 else None
    return {"buy_hold_return": hold, "beta": beta, "alpha": alpha}


# ---- drawdowns and durations ----

def duration_unit(tape):
    """Profile backtesting rounds durations up to whole ones of these."""
    distance = median_distance(tape)
    return next((unit for unit in (DAY, 3600 * SECOND, 60 * SECOND, SECOND) if distance % unit == 0), 1)


def in_days(nanoseconds, tape, config):
    if nanoseconds is None:
        return None
    if config["profile"] == "backtesting":
        unit = duration_unit(tape)
        nanoseconds = math.ceil(nanoseconds / unit) * unit
    return nanoseconds / DAY


def drawdowns(cash, equity, times):
    """[(depth, duration)]; and the deepest fall from a peak. The first peak is the starting cash, at the first bar."""
    found, peak, at, depth, deepest = [], cash, 0, 0.0, 0.0
    last = len(equity) - 1
    for t, value in enumerate(equity):
        over = value >= peak
        if not over:
            depth = max(depth, 1 - value / peak)
        if (over or t == last) and t > at + 1:
            found.append((depth, times[t] - times[at]))
        deepest = max(deepest, depth)
        if over:
            peak, at, depth = value, t, 0.0
    return found, deepest


def drawdown_metrics(account, tape, config):
    found, deepest = drawdowns(config["cash"], account.equity, tape.time)
    depths, spans = [depth for depth, _ in found if depth > 0], [span for depth, span in found if depth > 0]
    mean_depth = mean_of(depths)
    return {
        "max_drawdown": -deepest, "avg_drawdown": None if mean_depth is None else -mean_depth,
        "max_drawdown_duration": in_days(max(spans, default=None), tape, config),
        "avg_drawdown_duration": in_days(mean_of(spans), tape, config),
    }


# ---- trades ----

def trade_metrics(account, tape, config):
    trades, backtesting = account.trades, config["profile"] == "backtesting"
    profits, rets = [trade.pnl for trade in trades], [trade.ret for trade in trades]
    spans = [tape.time[trade.exit_bar] - tape.time[trade.entry_bar] for trade in trades]
    wins, losses = [p for p in profits if p > 0], [p for p in profits if p < 0]
    count = len(trades)
    spread = deviation(profits)
    share = ratio(len(wins), count)
    kelly = None
    if wins and losses:
        kelly = share - (1 - share) / (mean_of(wins) / -mean_of(losses))
    of = rets if backtesting else profits
    lost = -math.fsum(x for x in of if x < 0)
    if not trades:
        average = None
    elif min(rets) <= -1:
        average = 0.0 if backtesting else -1.0
    else:
        average = math.exp(math.fsum(map(math.log1p, rets)) / count) - 1
    return {
        "trades": count, "win_rate": share, "best_trade": max(rets, default=None), "worst_trade": min(rets, default=None),
        "avg_trade": average, "expectancy": mean_of(rets), "profit_factor": ratio(math.fsum(x for x in of if x > 0), lost),
        "avg_winning_trade": ratio(math.fsum(max(ret, 0.0) for ret in rets), len(wins)),
        "avg_losing_trade": ratio(math.fsum(min(ret, 0.0) for ret in rets), len(losses)),
        "sqn": math.sqrt(count) * mean_of(profits) / spread if spread else None, "kelly": kelly,
        "max_trade_duration": in_days(max(spans, default=None), tape, config),
        "avg_trade_duration": in_days(mean_of(spans), tape, config),
    }


def exposure(account, tape, config):
    held = set()
    for trade in account.trades:
        held.update(range(trade.entry_bar, trade.exit_bar + 1))
    if account.position and config["profile"] == "tapedeck":
        held.update(range(account.position.bar, len(tape)))
    return len(held) / len(tape)


# ---- all of them ----

def measure(account, tape):
    """({metric: value or None}, N)."""
    config = account.config
    final = account.equity[-1]
    found, N = returns_metrics(account, tape, config)
    found |= drawdown_metrics(account, tape, config)
    found |= trade_metrics(account, tape, config)
    years = (tape.time[-1] - tape.time[0]) / (365.25 * DAY)
    found |= {
        "final_equity": final, "peak_equity": max(config["cash"], *account.equity), "total_return": final / config["cash"] - 1,
        "cagr": power(final / config["cash"], 1 / years) - 1 if years else None,
        "calmar": ratio(found["annual_return"], -found["max_drawdown"]) if found["annual_return"] is not None else None,
        "exposure": exposure(account, tape, config),
        "commission_paid": math.fsum(fill.commission for fill in account.fills),
        "spread_paid": math.fsum(fill.spread_cost for fill in account.fills),
        "slippage_paid": math.fsum(fill.slippage_cost for fill in account.fills),
        "funding_paid": account.funding, "borrow_paid": account.borrow, "turnover": account.turnover,
        "fills": len(account.fills), "ambiguous_bars": account.ambiguous, "orders_refused": sum(account.refused.values()),
    }
    found |= {f"refused_{why}": count for why, count in account.refused.items()}
    realised = math.fsum(trade.pnl for trade in account.trades)
    found["open_profit"] = final - config["cash"] - realised if account.position else 0.0
    found["break_even_cost"] = ratio(final - config["cash"] + found["commission_paid"], account.turnover)
    return found, N


# ---- how well a metric can be known ----

EPS = 2.0**-52
RATIOS = ("total_return", "cagr", "best_trade", "worst_trade", "avg_trade", "expectancy", "buy_hold_return", "max_drawdown",
          "avg_drawdown", "avg_winning_trade", "avg_losing_trade")


def deviation_error(values, noise):
    """How far the deviation of values with an error of `noise` each may be off, whichever way its sums are taken."""
    if len(values) < 2:
        return 0.0
    mean, s = abs(mean_of(values)), deviation(values)
    wrong = 64 * EPS * (mean + s) ** 2 + 4 * noise * s + noise**2
    return min(wrong / s, math.sqrt(wrong)) if s else math.sqrt(wrong)


def finite(x):
    return x is not None and math.isfinite(x)


def uncertainties(account, tape, found):
    """{metric: the difference that rounding alone may make}, over the relative 1e-9 that is asked of all: deviations much smaller
    than their mean, high powers, differences of nearly equal numbers. Metrics that are not in it have none to speak of."""
    config = account.config
    N = samples_a_year(tape, config)
    returns, market, ends = sampled_returns(account, tape, config)
    backtesting = config["profile"] == "backtesting"
    wrong = dict.fromkeys(RATIOS, 64 * EPS)
    if account.turnover:
        sums = config["cash"] + max(map(abs, account.equity)) + account.turnover
        wrong["break_even_cost"] = 64 * EPS * sums / account.turnover
    sums = config["cash"] + max(map(abs, account.equity)) + math.fsum(abs(trade.pnl) for trade in account.trades)
    wrong["open_profit"] = 64 * EPS * (sums + account.turnover)
    noise = 4 * EPS  # of one return
    power_error = 32 * EPS * max(N / max(len(returns), 1), 1)
    profits = [trade.pnl for trade in account.trades]
    if len(profits) >= 2:
        s, s_error = deviation(profits), deviation_error(profits, 0.0)
        wrong["sqn"] = abs(found["sqn"] or 0.0) * s_error / s if s > 2 * s_error else math.inf  # equal but for rounding
    if finite(found["beta"]):
        wrong["beta"] = beta_error(account, tape, returns, market, found["beta"])
        if finite(found["alpha"]):
            if backtesting:
                wrong["alpha"] = 64 * EPS + wrong["beta"] * (abs(found["buy_hold_return"]) + abs(config["risk_free"]))
            else:
                of_base = wrong["beta"] * (abs(mean_of(market)) + abs(config["risk_free"]) / N) + (8 + abs(found["beta"])) * noise
                wrong["alpha"] = (1 + abs(found["alpha"])) * (N * of_base + power_error)
    if not returns:
        return wrong
    annual = found["annual_return"]
    if finite(annual):
        wrong["annual_return"] = power_error * (1 + abs(annual))
        if found["max_drawdown"]:
            depth = -found["max_drawdown"]
            wrong["calmar"] = wrong["annual_return"] / depth + abs(annual) * 8 * EPS / depth**2
    s, s_error = deviation(returns), deviation_error(returns, noise)
    vol = found["annual_volatility"]
    if finite(vol):
        wrong["annual_volatility"] = s_error * math.sqrt(N)
        if backtesting:
            growth = power(1 + annual, 1 / N) if annual > -1 else 0.0
            square = 64 * EPS * N * power(variance(returns) + growth**2, N)
            wrong["annual_volatility"] += min(square / vol, math.sqrt(square)) if vol else math.sqrt(square)
        if vol and finite(found["sharpe"]):
            top = wrong.get("annual_return", 0.0) if backtesting else N * noise
            wrong["sharpe"] = abs(found["sharpe"]) * wrong["annual_volatility"] / vol + top / vol
    if vol is not None and vol <= 2 * wrong.get("annual_volatility", 0.0):
        wrong["sharpe"] = math.inf  # returns that are equal but for rounding: whether there is a deviation is chance
    downside = math.sqrt(mean_of([min(r, 0.0) ** 2 for r in returns]))
    wrong["downside_risk"] = 4 * noise * math.sqrt(N)
    if downside and finite(found["sortino"]):
        top = wrong.get("annual_return", 0.0) if backtesting else N * noise
        wrong["sortino"] = abs(found["sortino"]) * 2 * noise / downside + top / (downside * math.sqrt(N))
    return wrong


def beta_error(account, tape, returns, market, beta):
    if account.config["profile"] == "backtesting":
        returns = [math.log(b / a) for a, b in zip(account.equity, account.equity[1:])]
        market = [math.log(b / a) for a, b in zip(tape.close, tape.close[1:])]
    size = abs(mean_of(returns)) + deviation(returns)
    spread = deviation(market)
    market_size = abs(mean_of(market)) + spread
    covariance_error = 64 * EPS * size * market_size + 16 * EPS * (size + market_size)
    return (covariance_error + abs(beta) * 64 * EPS * (market_size**2 + market_size)) / spread**2
