/* Aroon (Chande, 1995): how recent the highest high (up) and the lowest low (down) of the last window + 1 bars are: 100 on the
 * bar itself, 0 `window` bars ago. Of equals the latest counts, as in tulipindicators. */
#include "data/row.h"

ABOUT("how recent the highest high and the lowest low are, 0 to 100")
COLUMNS(high, low)
ARGUMENTS(WINDOW(window))
OUTPUTS(up, down)
MEMORY(td_row_extreme top; td_row_extreme bottom;)
WARMUP(argument(window))

STEP {
    int32_t bars[TD_LANES];
    for (int l = 0; l < TD_LANES; l++) bars[l] = windows(window)[l] + 1;
    td_row_highest(&memory->top, column(high), now->t, NULL, bars);
    td_row_lowest(&memory->bottom, column(low), now->t, NULL, bars);
    output(up) = 100 * (argument(window) - (now->age - memory->top.bar)) / argument(window);
    output(down) = 100 * (argument(window) - (now->age - memory->bottom.bar)) / argument(window);
}
