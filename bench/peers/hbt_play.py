"""hftbacktest as a contestant: its Python converter, and its ROI-vector backtest driven by a numba loop, as its users write one.

The strategy is the one of tapedeck's touch-quoter: every 100 ms, quote one post-only order a side so many ticks from the touch, below
a position limit. Data are in memory before the clock starts and the loop is compiled; what is timed is making the backtest, playing
it to the end of the data, and closing it."""
import numpy as np
from numba import njit

import hftbacktest
from hftbacktest import BUY, GTX, LIMIT, BacktestAsset, ROIVectorMarketDepthBacktest
from hftbacktest.data.utils import binancefutures

VERSION = hftbacktest.__version__
CLOCK_NS = 100_000_000
KEYS = ("position", "balance", "fee", "num_trades", "trading_volume", "trading_value")
QUEUES = {
    "risk_adverse": lambda asset, n: asset.risk_adverse_queue_model(),
    "power": lambda asset, n: asset.power_prob_queue_model(n),
    "power2": lambda asset, n: asset.power_prob_queue_model2(n),
    "power3": lambda asset, n: asset.power_prob_queue_model3(n),
    "log": lambda asset, n: asset.log_prob_queue_model(),
    "log2": lambda asset, n: asset.log_prob_queue_model2(),
    "l3_fifo": lambda asset, n: asset.l3_fifo_queue_model(),
}


def convert(path):
    """Rows of a recording, as its converter makes them; what it prints is nobody's business here."""
    import contextlib
    import io
    with contextlib.redirect_stdout(io.StringIO()):
        return binancefutures.convert(path)


@njit
def quote_touch(hbt, offset, quantity, max_position, clock_ns):
    """Plays to the end of the data; the number of decisions."""
    steps = 0
    while hbt.elapse(clock_ns) == 0:
        steps += 1
        hbt.clear_inactive_orders(0)
        depth = hbt.depth(0)
        bid, ask = depth.best_bid_tick, depth.best_ask_tick
        if bid == -2**63 or ask == 2**63 - 1:
            continue
        buy, sell = bid - offset, ask + offset
        orders = hbt.orders(0)
        values = orders.values()
        while values.has_next():
            order = values.get()
            if order.cancellable:
                wanted = buy if order.side == BUY else sell
                if order.price_tick != wanted:
                    hbt.cancel(0, order.order_id, False)
        position = hbt.position(0)
        buy_id, sell_id = 2 * buy, 2 * sell + 1
        if position < max_position and buy_id not in orders:
            hbt.submit_buy_order(0, buy_id, buy * depth.tick_size, quantity, GTX, LIMIT, False)
        if position > -max_position and sell_id not in orders:
            hbt.submit_sell_order(0, sell_id, sell * depth.tick_size, quantity, GTX, LIMIT, False)
    return steps


@njit
def do_nothing(hbt, clock_ns):
    steps = 0
    while hbt.elapse(clock_ns) == 0:
        steps += 1
    return steps


class Market:
    """Rows in memory, and what a backtest on them needs beside. inverse: contracts worth so much, 0 for linear ones."""

    def __init__(self, rows, tick, lot, inverse=0, whole=False):
        self.rows, self.tick, self.lot, self.inverse = rows, tick, lot, inverse
        # the range of interest: all prices that matter here, and no more memory than that; or all there are
        prices = rows["px"][rows["px"] > 0]
        low, high = (prices.min(), prices.max()) if whole else np.median(prices) * np.array([0.8, 1.2])
        self.range = (round(low / tick) - 100) * tick, (round(high / tick) + 100) * tick

    def open(self, queue, exponent, latency_ns, maker, taker):
        asset = (BacktestAsset().data(self.rows).constant_order_latency(latency_ns, latency_ns).no_partial_fill_exchange()
                 .trading_value_fee_model(maker, taker).tick_size(self.tick).lot_size(self.lot)
                 .roi_lb(self.range[0]).roi_ub(self.range[1]).last_trades_capacity(0))
        asset = asset.inverse_asset(self.inverse) if self.inverse else asset.linear_asset(1.0)
        QUEUES[queue](asset, exponent)
        return ROIVectorMarketDepthBacktest([asset])

    def play(self, one):
        """One set, a dict; what it ended in."""
        hbt = self.open(one["queue"], one["exponent"], one["latency_ns"], one["maker"], one["taker"])
        steps = quote_touch(hbt, one["offset"], one["quantity"], one["max_position"], CLOCK_NS)
        state, depth = hbt.state_values(0), hbt.depth(0)
        middle = (depth.best_bid_tick + depth.best_ask_tick) / 2 * self.tick
        ended = {key: float(getattr(state, key)) for key in KEYS}
        if self.inverse:
            ended["equity"] = -ended["balance"] - self.inverse * ended["position"] / middle - ended["fee"]
        else:
            ended["equity"] = ended["balance"] + ended["position"] * middle - ended["fee"]
        ended["steps"] = steps
        hbt.close()
        return ended

    def replay(self):
        """The data alone: a loop that asks for nothing."""
        hbt = self.open("risk_adverse", 0, 0, 0, 0)
        do_nothing(hbt, CLOCK_NS)
        hbt.close()
