/* On-balance volume (Granville): the volume of rising bars less that of falling ones, by the close before.
 *
 * 0 on the first bar, as in tulipindicators; TA-Lib starts with the first bar's volume. A bar without volume adds nothing.
 * Kahan's sum. */
#include "data/row.h"

ABOUT("volume of rising bars less volume of falling ones, since the tape began")
COLUMNS(close, volume)
ARGUMENTS()
OUTPUTS(balance)
MEMORY(td_row_total balance;)
WARMUP(0)

STEP {
    double volume = bar(volume) > 0 ? bar(volume) : 0;
    td_row_add(&memory->balance, td_splat(bar(close) > before(close) ? volume : bar(close) < before(close) ? -volume : 0));
    output(balance) = memory->balance.sum;
}
