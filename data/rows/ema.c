/* Exponential moving average: level += (x - level) * 2 / (window + 1), started from the first value.
 *
 * The first-value start is that of tulipindicators and pandas' ewm(adjust=False); TA-Lib starts from a simple average. The first
 * window - 1 bars are not shown: the start still weighs more there than the average does. */
#include "data/row.h"

MEMORY(td_real level;)

WARMUP(window - 1)

STEP {
    td_real weight = 2 / (now->window + 1);
    td_real level = memory->level + weight * (now->x - memory->level);
    memory->level = now->age == 0 ? td_splat(now->x) : level;
    return memory->level;
}
