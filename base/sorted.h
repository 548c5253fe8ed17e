/* Sorting numbers, and finding one's place among sorted ones. */
#ifndef TAPEDECK_BASE_SORTED_H
#define TAPEDECK_BASE_SORTED_H

#include <stdint.h>

/* The place of the first of `count` numbers, none less than the one before it, that is at least `least`; count when all are less. */
int64_t td_first_from(const int64_t *sorted, int64_t count, int64_t least);

/* For qsort(): least first. NaN is equal to everything, so that arrays with NaN are left in no order. */
int td_compare_doubles(const void *left, const void *right);
int td_compare_int64(const void *left, const void *right);

#endif
