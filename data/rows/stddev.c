/* Rolling standard deviation: sqrt(sum of squared distances from the mean / (window - freedom)).
 *
 * freedom 0 is the population's, of tulipindicators and TA-Lib, and of Bollinger's bands; freedom 1 the sample's, of pandas'
 * rolling(window).std() (its ddof), which has no value for a window of 1. A window of one value has none to deviate: exactly 0. */
#include "data/row.h"

ABOUT("standard deviation of the last `window` values")
COLUMNS(x)
ARGUMENTS(WINDOW(window), NUMBER(freedom, 0, 1))
NEEDS(argument(window) > argument(freedom), "window must be more than freedom")
OUTPUTS(deviation)
MEMORY(td_row_moments moments;)
WARMUP(argument(window) - 1)

STEP {
    td_row_spread(&memory->moments, column(x), now->t, windows(window), argument(window));
    output(deviation) = td_row_sqrt(memory->moments.squares / (argument(window) - argument(freedom)));
}
