/* The words of the lane algebra (base/lanes.h) as functions over arrays, compiled once per instruction set: what
 * tests/test_lanes.c tests. */
#ifndef TAPEDECK_TESTS_KERNELS_WORDS_H
#define TAPEDECK_TESTS_KERNELS_WORDS_H

#include <stdint.h>

enum { TD_WORDS_MOST_LANES = 8 };

/* Arrays hold whole vectors: count is a multiple of TD_WORDS_MOST_LANES. Masks come out as 0 and 1. */
typedef struct td_words {
    int lanes;
    void (*min)(const double *a, const double *b, double *out, int64_t count);
    void (*max)(const double *a, const double *b, double *out, int64_t count);
    void (*select_less)(const double *a, const double *b, double *out, int64_t count);      /* a where a < b, else b */
    void (*select_numbers)(const double *a, const double *b, double *out, int64_t count);   /* 1 where a < b, else -2 */
    void (*floor)(const double *a, double *out, int64_t count);
    void (*abs)(const double *a, double *out, int64_t count);
    void (*log)(const double *a, double *out, int64_t count);
    void (*floor_divide)(const double *a, const double *b, double *out, int64_t count);
    void (*over)(const double *a, const double *whole, double *out, int64_t count);         /* a / whole, by td_over() */
    void (*arithmetic)(const double *a, const double *b, double *out, int64_t count);       /* (a + b) * a - b / (a * a + 1) */
    void (*masks)(const double *a, const double *b, double *out, int64_t count);            /* ((a < b) | (a == 0)) & not(b > 1) */
    void (*bits)(const double *a, double *out, int64_t count);                              /* to bits and back */
    void (*gather)(const double *base, const int32_t *index, double *out, int64_t count);
    void (*pick)(const double *first, const double *second, const uint64_t *index, double *out); /* one vector */
    /* Of the vector a < b: does any lane hold, the word of truths, and the bits of the mask. */
    void (*truths)(const double *a, const double *b, int *any, unsigned *word, uint64_t *bits);
} td_words;

#endif
