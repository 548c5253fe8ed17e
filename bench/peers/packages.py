"""The same job in packages that people use. Their rules of fills and sizes differ in details, so results are near ours, not equal;
the number of trades is printed beside ours."""
import warnings

import numpy as np
import pandas as pd

from market import COLUMNS, times


def frame(columns):
    return pd.DataFrame(columns.T, columns=[c.capitalize() for c in COLUMNS], index=pd.to_datetime(times(columns.shape[1])))


class Vectorbt:
    """The whole pipeline over some of the grid's sets at once: averages, crossings, portfolio with stops, five metrics. Not all of
    them, because it keeps several arrays of bars x sets."""

    def __init__(self, columns, grid, sets):
        import vectorbt
        warnings.filterwarnings("ignore")
        self.vectorbt, self.bars, self.sets = vectorbt, frame(columns), sets
        self.version = vectorbt.__version__
        self.pick = np.arange(sets) * (grid.sets // sets)
        self.grid = grid
        self.play(3000)  # compiles

    def play(self, bars=None):
        vectorbt, grid, pick = self.vectorbt, self.grid, self.pick
        part = self.bars[:bars] if bars else self.bars
        fast = vectorbt.MA.run(part["Close"], grid.fast[pick].tolist(), short_name="fast")
        slow = vectorbt.MA.run(part["Close"], grid.slow[pick].tolist(), short_name="slow")
        portfolio = vectorbt.Portfolio.from_signals(
            part["Close"], entries=fast.ma_crossed_above(slow), short_entries=fast.ma_crossed_below(slow), open=part["Open"],
            high=part["High"], low=part["Low"], sl_stop=grid.stop_loss[pick], tp_stop=grid.take_profit[pick], init_cash=grid.cash,
            fees=grid.commission, slippage=grid.slippage, freq="1min")
        self.metrics = [portfolio.total_return(), portfolio.max_drawdown(), portfolio.sharpe_ratio(), portfolio.trades.count(),
                        portfolio.trades.win_rate()]

    def trades(self):
        return np.asarray(self.metrics[3], dtype=float)


class BacktestingPy:
    """One set a run, as the package does it."""

    def __init__(self, columns, grid):
        import backtesting
        from backtesting.lib import crossover
        warnings.filterwarnings("ignore")
        self.version = backtesting.__version__

        def average(values, window):
            return pd.Series(values).rolling(window).mean()

        class Cross(backtesting.Strategy):
            fast, slow, stop_loss, take_profit = 20, 110, 0.01, 0.02

            def init(self):
                self.a = self.I(average, self.data.Close, self.fast)
                self.b = self.I(average, self.data.Close, self.slow)

            def next(self):
                price = self.data.Close[-1]
                if crossover(self.a, self.b):
                    self.position.close()
                    self.buy(sl=price * (1 - self.stop_loss), tp=price * (1 + self.take_profit))
                elif crossover(self.b, self.a):
                    self.position.close()
                    self.sell(sl=price * (1 + self.stop_loss), tp=price * (1 - self.take_profit))

        self.grid = grid
        self.test = backtesting.Backtest(frame(columns), Cross, cash=1e9, commission=grid.commission, spread=grid.slippage,
                                         trade_on_close=True, finalize_trades=True)
        self.pick = 0

    def play(self):
        i = self.pick
        result = self.test.run(fast=int(self.grid.fast[i]), slow=int(self.grid.slow[i]), stop_loss=float(self.grid.stop_loss[i]),
                               take_profit=float(self.grid.take_profit[i]))
        self.count = result["# Trades"]

    def trades(self):
        return np.asarray([self.count], dtype=float)
