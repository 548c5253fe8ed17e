/* Parabolic stop and reverse (Wilder, New Concepts in Technical Trading Systems, 1978): a stop that follows the trend, faster
 * with each new extreme (`step` more, up to `maximum`), and changes sides when it is touched.
 *
 * From the second bar on: long if the middle of that bar is not below the first's, with the first bar's low as stop and its
 * high as extreme; short the other way round, as in tulipindicators (TA-Lib decides by directional movement). The stop never
 * enters the ranges of the two bars before. */
#include "data/row.h"

ABOUT("stop that follows the trend, faster with each new extreme, and reverses")
COLUMNS(high, low)
ARGUMENTS(NUMBER(step, 1e-9, 100), NUMBER(maximum, 1e-9, 100))
NEEDS(argument(step) <= argument(maximum), "step must be at most maximum")
OUTPUTS(stop)
MEMORY(td_real stop; td_real extreme; td_real speed; td_real side;)
WARMUP(1)

STEP {
    double high = bar(high), low = bar(low), last_high = before(high), last_low = before(low);
    if (now->t == 1) {
        bool up = last_high + last_low <= high + low;
        memory->side = td_splat(up ? 1 : -1);
        memory->stop = td_splat(up ? last_low : last_high);
        memory->extreme = td_splat(up ? last_high : last_low);
        memory->speed = argument(step);
    }
    /* mirrored, a short is a long: prices times the side */
    td_real side = memory->side, top = td_select(side > 0, high, -low), bottom = td_select(side > 0, low, -high);
    td_real extreme = side * memory->extreme, stop = side * (memory->stop + (memory->extreme - memory->stop) * memory->speed);
    int64_t two = now->t > 1 ? now->t - 2 : now->t > 0 ? now->t - 1 : 0;
    td_real floor = td_min(td_select(side > 0, last_low, -last_high), td_select(side > 0, column(low)[two], -column(high)[two]));
    stop = td_min(stop, floor);
    td_mask further = top > extreme;
    td_real speed = td_select(further, td_min(memory->speed + argument(step), argument(maximum)), memory->speed);
    extreme = td_max(top, extreme);

    td_mask touched = bottom < stop;
    memory->stop = side * td_select(touched, extreme, stop);
    memory->extreme = side * td_select(touched, bottom, extreme);
    memory->speed = td_select(touched, argument(step), speed);
    memory->side = td_select(touched, -side, side);
    output(stop) = memory->stop;
}
