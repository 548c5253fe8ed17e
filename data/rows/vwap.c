/* Session VWAP: volume-weighted average price since the UTC day began. The price of a bar is (high + low + close) / 3.
 *
 * Starts anew with the first bar of each UTC day (of its open time). A bar without volume adds nothing; until the day has
 * volume it is the bar's price. Kahan's sums. */
#include "data/row.h"

ABOUT("volume-weighted average price since the UTC day began")
COLUMNS(high, low, close, volume, day)
ARGUMENTS()
OUTPUTS(price)
MEMORY(td_row_total value; td_row_total volume;)
WARMUP(0)

STEP {
    double price = (bar(high) + bar(low) + bar(close)) / 3, volume = bar(volume) > 0 ? bar(volume) : 0;
    if (bar(day) != before(day)) *memory = (td_row_memory){0};
    td_row_add(&memory->value, td_splat(price * volume));
    td_row_add(&memory->volume, td_splat(volume));
    output(price) = td_select(memory->volume.sum > 0, memory->value.sum / memory->volume.sum, price);
}
