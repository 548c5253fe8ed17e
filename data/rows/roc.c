/* Rate of change: what the value has changed by in `window` bars, as a fraction of what it was (tulipindicators; TA-Lib's
 * ROCP, while its ROC is in percent; pandas' pct_change). */
#include "data/row.h"

ABOUT("change over `window` bars, fraction of the value then")
COLUMNS(x)
ARGUMENTS(WINDOW(window))
OUTPUTS(change)
MEMORY()
WARMUP(argument(window))

STEP { output(change) = (bar(x) - ago(x, window)) / ago(x, window); }
