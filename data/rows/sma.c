/* Simple moving average: the mean of the last `window` values.
 *
 * A running sum that first drops the value leaving the window, then adds the new one, each with its own Kahan compensation
 * (Kahan, Further remarks on reducing truncation errors, CACM 1965), so the error does not grow with the tape. Where the whole
 * window holds one value the mean is that value, exactly. These are the operations of pandas' rolling(window).mean(), in its
 * order; the bits agree, so a tie between two averages is a tie in both. */
#include "data/row.h"

MEMORY(td_real sum; td_real lost_adding; td_real lost_removing; td_real last; td_real same;)

WARMUP(window - 1)

STEP {
    /* the value that leaves */
    td_mask full = now->age >= now->window;
    td_real y = -now->past - memory->lost_removing;
    td_real t = memory->sum + y;
    memory->lost_removing = td_select(full, t - memory->sum - y, memory->lost_removing);
    memory->sum = td_select(full, t, memory->sum);

    /* the value that comes */
    y = now->x - memory->lost_adding;
    t = memory->sum + y;
    memory->lost_adding = t - memory->sum - y;
    memory->sum = t;

    memory->same = td_select(now->x == memory->last, memory->same + 1, 1);
    memory->last = td_splat(now->x);
    return td_select(memory->same >= now->window, now->x, memory->sum / now->window);
}
