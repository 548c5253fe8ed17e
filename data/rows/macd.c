/* Moving average convergence/divergence (Appel): fast exponential average less slow one, its own exponential average as signal,
 * and the difference of both.
 *
 * The averages start from the first value, the signal from the line's first shown value, after slow - 1 bars, as in
 * tulipindicators (which weighs 0.15 and 0.075 for 12 and 26 where we keep to 2 / (window + 1)). pandas' ewm(adjust=False)
 * starts the signal on the first bar, TA-Lib each average from a simple one. */
#include "data/row.h"

ABOUT("fast less slow exponential average, its signal line, their difference")
COLUMNS(x)
ARGUMENTS(WINDOW(fast), WINDOW(slow), WINDOW(signal))
NEEDS(argument(fast) < argument(slow), "fast must be less than slow")
OUTPUTS(line, signal, histogram)
MEMORY(td_real fast; td_real slow; td_real signal;)
WARMUP(argument(slow) - 1)

STEP {
    td_real fast = td_row_exponential(&memory->fast, now->age, argument(fast), td_splat(bar(x)));
    td_real slow = td_row_exponential(&memory->slow, now->age, argument(slow), td_splat(bar(x)));
    td_real line = fast - slow, weight = 2 / (argument(signal) + 1);
    memory->signal = td_select(now->age >= argument(slow), memory->signal + weight * (line - memory->signal), line);
    output(line) = line;
    output(signal) = memory->signal;
    output(histogram) = line - memory->signal;
}
