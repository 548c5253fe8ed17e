/* Pairs (Gatev, Goetzmann and Rouwenhorst, Pairs Trading: Performance of a Relative-Value Arbitrage Rule, Review of Financial Studies 19,
 * 2006): two symbols that move together. When their spread is far from its mean the dear one is sold and the cheap one bought, both
 * on the same bar and for the same money; when it has come back both are left. */
#include "sim/strategy.h"

ABOUT("short the first symbol and long the second when their spread is high, the other way round when it is low, out at its mean")

PARAMETERS(
    WINDOW(window, 100, "bars of the mean and the deviation of the spread"),
    NUMBER(beta, 1, 0, 1000, "", "how much of the second symbol's logarithm the spread takes off the first's"),
    NUMBER(entry, 2, 0, 100, "deviations", "distance of the spread from its mean that is far"),
    NUMBER(exit, 0.5, 0, 100, "deviations", "distance from which on it has come back"))

ROWS(SPREAD(spread, window, beta))

SIGNALS()

STATE()

ON_BAR {
    (void)state;
    use(spread_zscore, leg, entry, exit);
    target(0, abs(spread_zscore) < exit);
    target(+leg, spread_zscore < -entry); /* the first symbol is cheap: it is leg +1 */
    target(-leg, spread_zscore > entry);
}
