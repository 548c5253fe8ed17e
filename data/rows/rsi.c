/* Relative strength index, 0..100: 100 * up / (up + down), where up and down are Wilder averages of the rises and falls.
 *
 * The averages start as the plain means of the first `window` changes, then u += (rise - u) / window (Wilder, New Concepts in
 * Technical Trading Systems, 1978). 50 where nothing has moved at all. First value after `window` changes. */
#include "data/row.h"

MEMORY(td_real last; td_real up; td_real down;)

WARMUP(window)

STEP {
    td_real change = now->x - memory->last;
    memory->last = td_splat(now->x);
    td_real rise = td_max(change, 0), fall = td_max(-change, 0);

    /* while filling: sums; at `window` changes: their means; then Wilder's step */
    td_mask first = td_splat(now->age) == 0, filling = td_splat(now->age) < now->window, filled = td_splat(now->age) == now->window;
    td_real up = memory->up + rise, down = memory->down + fall;
    td_real up_step = memory->up + (rise - memory->up) / now->window, down_step = memory->down + (fall - memory->down) / now->window;
    up_step = td_select(filling, up, up_step);
    down_step = td_select(filling, down, down_step);
    if (td_unlikely(td_any(filled))) { /* once per window: two divisions that most bars need not make */
        up_step = td_select(filled, up / now->window, up_step);
        down_step = td_select(filled, down / now->window, down_step);
    }
    memory->up = td_select(first, 0, up_step);
    memory->down = td_select(first, 0, down_step);
    td_real total = memory->up + memory->down;
    return td_select(total > 0, 100 * memory->up / total, 50);
}
