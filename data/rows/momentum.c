/* Momentum: what the value has changed by in `window` bars (tulipindicators' mom, TA-Lib's MOM, pandas' diff). */
#include "data/row.h"

ABOUT("change over `window` bars")
COLUMNS(x)
ARGUMENTS(WINDOW(window))
OUTPUTS(change)
MEMORY()
WARMUP(argument(window))

STEP { output(change) = bar(x) - ago(x, window); }
