/* Directional movement (Wilder, New Concepts in Technical Trading Systems, 1978): +DI and -DI, the shares of the true range that
 * went up and down, and ADX, the average of how one-sided they are; all 0 to 100.
 *
 * Sums of the first window - 1 bars that have a bar before them, then sum * (window - 1) / window + what comes; ADX is
 * Wilder's average of DX from there on. So do tulipindicators (which shows the DI from bar window - 1 on) and, but for an
 * unstable period, TA-Lib. A bar that goes as far up as down counts for neither (in tulipindicators for both). 0 where nothing
 * moves. */
#include "data/row.h"

ABOUT("shares of the range that went up and down, and the average of how one-sided they are; 0 to 100")
COLUMNS(high, low, close)
ARGUMENTS(WINDOW(window))
NEEDS(argument(window) >= 2, "window must be at least 2")
OUTPUTS(plus_di, minus_di, adx)
MEMORY(td_real up; td_real down; td_real range; td_real adx;)
WARMUP(2 * (argument(window) - 1))

STEP {
    double rise = bar(high) - before(high), fall = before(low) - bar(low);
    double up = rise > fall && rise > 0 ? rise : 0, down = fall > rise && fall > 0 ? fall : 0;
    double range = now->t > 0 ? td_row_true_range(bar(high), bar(low), before(close)) : 0;
    td_real window = argument(window), keep = td_select(now->age >= window, (window - 1) / window, 1);
    memory->up = memory->up * keep + up;
    memory->down = memory->down * keep + down;
    memory->range = memory->range * keep + range;
    td_real both = memory->up + memory->down;
    td_real dx = td_select(both > 0, 100 * td_abs(memory->up - memory->down) / both, 0);
    output(plus_di) = td_select(memory->range > 0, 100 * memory->up / memory->range, 0);
    output(minus_di) = td_select(memory->range > 0, 100 * memory->down / memory->range, 0);
    output(adx) = td_row_wilder(&memory->adx, now->age, window - 1, divisor(window), dx);
}
