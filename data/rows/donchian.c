/* Donchian channel: highest high and lowest low of the last `window` bars, and the middle between them.
 *
 * This bar belongs to the window, so a close cannot leave the channel of its own bar: a breakout is a close beyond the channel
 * one bar ago, previous(...) in a strategy. */
#include "data/row.h"

ABOUT("highest high and lowest low of the last `window` bars, and their middle")
COLUMNS(high, low)
ARGUMENTS(WINDOW(window))
OUTPUTS(upper, middle, lower)
MEMORY(td_row_extreme top; td_row_extreme bottom;)
WARMUP(argument(window) - 1)

STEP {
    td_row_highest(&memory->top, column(high), now->t, NULL, windows(window));
    td_row_lowest(&memory->bottom, column(low), now->t, NULL, windows(window));
    output(upper) = memory->top.value;
    output(middle) = (memory->top.value + memory->bottom.value) / 2;
    output(lower) = memory->bottom.value;
}
