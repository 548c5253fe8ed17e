"""The peer to beat: a numba loop per parameter set, written by hand for this one job.

It plays exactly the rules that tapedeck plays here (docs/bar-rules.md, profile tapedeck): decide and fill at the close, all in,
long and short, stop-loss and take-profit on the bar's range, the stop first, commission and slippage; and keeps final equity,
maximum drawdown, trades, wins and the two sums of returns, a fraction of what a tapedeck cell holds. What is left out is ruin,
which cannot happen with these stops. The averages are made outside the clock; tapedeck's are made inside.

`plain` is how one writes it down; `lean` avoids the division of the drawdown on every bar by keeping peak and trough, as the engine
does. Per-bar and sampled returns are compiled apart, so that neither pays for the other."""
import numba as nb
import numpy as np
import pandas as pd


def make(every, lean):
    """The loop for returns taken each `every` bars, not yet compiled."""

    def play(open_, high, low, close, fast, slow, stop, target, rate, slip, start, out):
        balance = cash = peak = trough = equity = sampled = start
        position = entry = entry_commission = 0.0
        low_level, high_level = -np.inf, np.inf
        worst, trades, wins, sum_r, sum_r2 = 1.0, 0.0, 0.0, 0.0, 0.0
        before = np.nan
        last = len(close) - 1
        next_sample = every - 1
        for t in range(last + 1):
            c = close[t]
            if position != 0.0:
                hit_low, hit_high = low[t] <= low_level, high[t] >= high_level
                if hit_low or hit_high:
                    # the stop first; a stop pays slippage, a target does not
                    if position > 0:
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
            gap = fast[t] - slow[t]
            above, below = gap > 0 and before <= 0, gap < 0 and before >= 0
            before = gap
            if t < last and ((above and position <= 0) or (below and position >= 0)):
                if position != 0.0:
                    price = c * (1 - slip) if position > 0 else c * (1 + slip)
                    commission = abs(position) * price * rate
                    gross = position * (price - entry)
                    trades += 1
                    if gross - (commission + entry_commission) > 0:
                        wins += 1
                    balance += gross - commission
                entry = c * (1 + slip) if above else c * (1 - slip)
                size = balance / (entry * (1 + rate))
                entry_commission = size * entry * rate
                balance -= entry_commission
                if above:
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


def compile_sweep(every, lean, parallel):
    one = nb.njit(make(every, lean))

    @nb.njit(parallel=parallel)
    def sweep(open_, high, low, close, rows, fast, slow, stop, target, rate, slip, start, out):
        for p in nb.prange(len(fast)):
            one(open_, high, low, close, rows[fast[p]], rows[slow[p]], stop[p], target[p], rate, slip, start, out[p])

    return sweep


class Loop:
    """A compiled loop, bound to bars and a grid. play() is what is timed."""

    def __init__(self, columns, grid, every, lean, threads):
        nb.set_num_threads(threads)
        windows, where = np.unique(np.concatenate([grid.fast, grid.slow]), return_inverse=True)
        close = pd.Series(columns[3])
        rows = np.stack([close.rolling(int(w)).mean().to_numpy() for w in windows])
        self.threads, self.every, self.bars = threads, every, columns.shape[1]
        self.sweep = compile_sweep(every, lean, threads > 1)
        self.arguments = [*(np.ascontiguousarray(columns[i]) for i in range(4)), rows, where[:grid.sets],
                          where[grid.sets:], grid.stop_loss, grid.take_profit, grid.commission, grid.slippage, grid.cash]
        self.out = np.zeros((grid.sets, 6))
        few = [a[:2] if i in (5, 6, 7, 8) else a for i, a in enumerate(self.arguments)]
        self.sweep(*few, self.out[:2])  # compiles

    def play(self):
        nb.set_num_threads(self.threads)
        self.sweep(*self.arguments, self.out)

    def metrics(self):
        """Under tapedeck's names, a column each."""
        equity, drawdown, trades, wins, sum_r, sum_r2 = self.out.T
        n = -(-self.bars // self.every)
        per_year = 365 * 24 * 60 / self.every
        deviation = np.sqrt((sum_r2 - sum_r * sum_r / n) / (n - 1))
        return {"final_equity": equity, "max_drawdown": drawdown, "trades": trades, "win_rate": wins / trades,
                "annual_volatility": deviation * np.sqrt(per_year), "sharpe": sum_r / n / deviation * np.sqrt(per_year)}
