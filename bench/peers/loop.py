"""The peer to beat: a numba loop per parameter set, written by hand for a strategy.

It plays exactly the rules that tapedeck plays here (docs/bar-rules.md, profile tapedeck): decide and fill at the close, all in,
stop-loss and take-profit on the bar's range, the stop first, commission and slippage; and keeps final equity, maximum drawdown,
trades, wins and the two sums of returns, a fraction of what a tapedeck cell holds. What is left out is ruin, which cannot happen
with these sets. Indicators are made outside the clock, once for each window; tapedeck's are made inside.

`plain` is how one writes it down. `lean` is what one does who measures: no division for the drawdown on every bar, because peak
and trough are kept, as the engine does; and one product instead of four comparisons where averages may have crossed. What a
strategy does not need (stops, shorts) and how returns are sampled is known when the loop is compiled, so that nobody pays for
the others; a strategy's decision (strategies.py) is a function that becomes part of the loop."""
import numba as nb
import numpy as np

OUT = 2  # a decision: +1 long, -1 short, 0 nothing


def make(decide, every, lean, stops, shorts):
    """The loop for returns taken each `every` bars, not yet compiled. decide(close, its three rows' values and four parameters, position, three
    numbers it remembers) -> (decision, the three numbers). It gets values and not the rows, whose references numba would count."""

    def play(open_, high, low, close, row0, row1, row2, p0, p1, p2, p3, stop, target, rate, slip, start, out):
        balance = cash = peak = trough = equity = sampled = start
        position = entry = entry_commission = 0.0
        low_level, high_level = -np.inf, np.inf
        worst, trades, wins, sum_r, sum_r2 = 1.0, 0.0, 0.0, 0.0, 0.0
        m0, m1, m2 = np.nan, np.nan, np.nan
        last = len(close) - 1
        next_sample = every - 1
        for t in range(last + 1):
            c = close[t]
            if stops and position != 0.0:
                hit_low, hit_high = low[t] <= low_level, high[t] >= high_level
                if hit_low or hit_high:
                    # the stop first; a stop pays slippage, a target does not
                    if not shorts or position > 0:
                        price = min(open_[t], low_level) * (1 - slip) if hit_low else max(open_[t], high_level)
                    else:
                        price = max(open_[t], high_level) * (1 + slip) if hit_high else min(open_[t], low_level)
                    commission = abs(position) * price * rate
                    gross = position * (price - entry)
                    trades += 1
                    if gross - (commission + entry_commission) > 0:
                        wins += 1
                    balance += gross - commission
                    cash = balance
                    position = 0.0
                    low_level, high_level = -np.inf, np.inf
            equity = cash + position * c
            if lean:
                if equity < trough:
                    trough = equity
                elif equity >= peak:
                    if trough < peak:
                        worst = min(worst, trough / peak)
                    peak = trough = equity
            elif equity > peak:
                peak = equity
            else:
                worst = min(worst, equity / peak)
            if every == 1:
                r = (equity - sampled) / sampled
                sum_r += r
                sum_r2 += r * r
                sampled = equity
            elif t == next_sample or t == last:
                r = (equity - sampled) / sampled
                sum_r += r
                sum_r2 += r * r
                sampled = equity
                next_sample += every
            wish, m0, m1, m2 = decide(c, row0[t], row1[t], row2[t], p0, p1, p2, p3, position, m0, m1, m2)
            if wish != 0 and t < last:
                long, short = wish == 1 and position <= 0, shorts and wish == -1 and position >= 0
                if position != 0.0 and (wish == OUT or long or short):
                    price = c * (1 - slip) if not shorts or position > 0 else c * (1 + slip)
                    commission = abs(position) * price * rate
                    gross = position * (price - entry)
                    trades += 1
                    if gross - (commission + entry_commission) > 0:
                        wins += 1
                    balance += gross - commission
                    cash = balance
                    position = 0.0
                    low_level, high_level = -np.inf, np.inf
                if long or short:
                    entry = c * (1 + slip) if long else c * (1 - slip)
                    size = balance / (entry * (1 + rate))
                    entry_commission = size * entry * rate
                    balance -= entry_commission
                    if long:
                        position = size
                        low_level, high_level = entry * (1 - stop), entry * (1 + target)
                    else:
                        position = -size
                        low_level, high_level = entry * (1 - target), entry * (1 + stop)
                    cash = balance - position * entry
        if lean and trough < peak:
            worst = min(worst, trough / peak)
        out[0], out[1], out[2], out[3], out[4], out[5] = equity, worst - 1, trades, wins, sum_r, sum_r2

    return play


def compile_sweep(job, every, lean, parallel):
    decide = nb.njit(job.lean_decide if lean else job.decide)
    one = nb.njit(make(decide, every, lean, job.stops, job.shorts))

    @nb.njit(parallel=parallel)
    def sweep(open_, high, low, close, rows, where, parameters, stop, target, rate, slip, start, out):
        for p in nb.prange(len(stop)):
            one(open_, high, low, close, rows[where[0, p]], rows[where[1, p]], rows[where[2, p]], parameters[0, p], parameters[1, p],
                parameters[2, p], parameters[3, p], stop[p], target[p], rate, slip, start, out[p])

    return sweep


class Loop:
    """A compiled loop, bound to bars and a job (strategies.py). play() is what is timed."""

    def __init__(self, columns, job, every, lean, threads):
        nb.set_num_threads(threads)
        rows, where = job.rows(columns)
        parameters = np.zeros((4, job.sets))
        parameters[:len(job.numbers)] = np.stack(job.numbers) if job.numbers else 0
        self.threads, self.every, self.bars = threads, every, columns.shape[1]
        self.sweep = compile_sweep(job, every, lean, threads > 1)
        prices = [np.ascontiguousarray(columns[i]) for i in range(4)]
        costs = job.commission, job.slippage, job.cash
        self.arguments = [*prices, rows, where, parameters, job.stop_loss, job.take_profit, *costs]
        self.out = np.zeros((job.sets, 6))
        few = [rows, where[:, :2], parameters[:, :2], job.stop_loss[:2], job.take_profit[:2]]
        self.sweep(*prices, *(np.ascontiguousarray(a) for a in few), *costs, self.out[:2])  # compiles

    def play(self):
        nb.set_num_threads(self.threads)
        self.sweep(*self.arguments, self.out)

    def metrics(self):
        """Under tapedeck's names, a column each."""
        equity, drawdown, trades, wins, sum_r, sum_r2 = self.out.T
        n = -(-self.bars // self.every)
        per_year = 365 * 24 * 60 / self.every
        deviation = np.sqrt((sum_r2 - sum_r * sum_r / n) / (n - 1))
        with np.errstate(invalid="ignore"):  # a set that never trades has no rate of wins and no Sharpe ratio
            return {"final_equity": equity, "max_drawdown": drawdown, "trades": trades, "win_rate": wins / trades,
                    "annual_volatility": deviation * np.sqrt(per_year), "sharpe": sum_r / n / deviation * np.sqrt(per_year)}
