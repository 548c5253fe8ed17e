/* Relative strength index, 0..100: 100 * up / (up + down), where up and down are Wilder averages of the rises and falls.
 *
 * The averages start as the plain means of the first `window` changes (Wilder, New Concepts in Technical Trading Systems, 1978).
 * 50 where nothing has moved at all. First value after `window` changes. */
#include "data/row.h"

ABOUT("share of rises among all moves, 0 to 100, by Wilder averages")
COLUMNS(x)
ARGUMENTS(WINDOW(window))
OUTPUTS(strength)
MEMORY(td_real last; td_real up; td_real down;)
WARMUP(argument(window))

STEP {
    td_real change = bar(x) - memory->last;
    memory->last = td_splat(bar(x));
    td_real up = td_row_wilder(&memory->up, now->age, td_splat(1), divisor(window), td_max(change, 0));
    td_real down = td_row_wilder(&memory->down, now->age, td_splat(1), divisor(window), td_max(-change, 0));
    td_real total = up + down;
    output(strength) = td_select(total > 0, 100 * up / total, 50);
}
