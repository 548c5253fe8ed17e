/* Buys at the first opportunity and never sells: what every other strategy has to beat. */
#include "sim/strategy.h"

ABOUT("buys on the first bar and holds")

PARAMETERS()

ROWS()

SIGNALS(START(begin))

ON_SIGNAL {
    target(+1, crossed_above(begin));
}
