/* Least and greatest prices of stretches of bars, once per deck: what lets the skip engine pass over them. */
#ifndef TAPEDECK_SIM_RANGES_H
#define TAPEDECK_SIM_RANGES_H

#include "sim/kernel.h"

enum { TD_SPAN_BARS = 64 }; /* bars of a span: one word of signal bits */

/* By span; padded by more than a vector of ranges that touch nothing (+inf .. -inf). */
typedef struct td_ranges {
    double *least_low, *greatest_high, *least_close, *greatest_close;
    void *memory;
} td_ranges;
size_t td_ranges_bytes(int64_t bars);
td_status td_ranges_make(const td_kernel_deck *view, td_ranges *ranges, td_error *error);
void td_ranges_free(td_ranges *ranges);

#endif
