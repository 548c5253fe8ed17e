/* A trend at constant risk (Harvey et al., The impact of volatility targeting, Journal of Portfolio Management 45, 2018): the position
 * is the share of the equity at which the market's volatility becomes the one that is wanted, and is traded back there when it has
 * drifted away by more than a band. */
#include "sim/strategy.h"

ABOUT("long over the average and short under it, sized so that the position's volatility stays at a target")

PARAMETERS(
    WINDOW(trend, 100, "bars of the average"),
    WINDOW(window, 50, "bars that volatility is measured over"),
    NUMBER(aim, 0.004, 1e-6, 10, "fraction", "volatility of one bar's return that the position should have"),
    NUMBER(band, 0.1, 0, 10, "fraction", "drift of the position's share of the equity that is let be"))

ROWS(
    SMA(average, close, trend),
    VOLATILITY(volatility, close, window))

SIGNALS()

STATE()

ORDERS

ON_BAR {
    (void)state;
    use(close, average, volatility, position, equity, aim, band);
    real side = select(close > average, 1, select(close < average, -1, 0));
    real wanted = side * min(aim / (volatility / close), 1);
    real held = position * close / equity;
    rebalance(wanted, (average > 0) & (volatility > 0) & ((abs(wanted - held) > band) | (wanted * held < 0)));
}
