/* Counter-based random numbers: a draw is a function of (seed, stream, counter) and of nothing else, so it does not matter
 * which thread asks, or when, or whether a sweep was resumed.
 *
 * The generator is Philox 4x32-10 (Salmon, Moraes, Dror, Shaw: Parallel random numbers: as easy as 1, 2, 3. SC 2011). */
#ifndef TAPEDECK_BASE_RANDOM_H
#define TAPEDECK_BASE_RANDOM_H

#include <stdint.h>

/* What a stream of numbers is for; part of the key, so that two uses never share a draw. */
typedef enum td_purpose {
    TD_PURPOSE_TEST = 1,
    TD_PURPOSE_SAMPLER = 2,   /* parameters of a trial: stream = trial, counter = attempt * 64 + parameter */
    TD_PURPOSE_SYNTH = 3,     /* synthetic tape: stream = kind of draw, counter = bar */
    TD_PURPOSE_SUBSAMPLE = 4, /* which cells `verify --sample` replays */
    TD_PURPOSE_JITTER = 5,    /* of order latencies: stream = venue * 2 + way, counter = time of sending */
    TD_PURPOSE_SYNTH_BOOK = 6, /* synthetic order book: stream = kind of draw, counter = event */
    TD_PURPOSE_SEARCH = 7,    /* samplers: stream = trial, counter = candidate and dimension */
    TD_PURPOSE_BOOTSTRAP = 8, /* trials drawn again: stream = replicate, counter = trial */
} td_purpose;

/* 64 random bits. */
uint64_t td_random_bits(uint64_t seed, td_purpose purpose, uint64_t stream, uint64_t counter);
/* Uniform on (0, 1): the midpoints of 2^52 equal cells, never 0 and never 1. */
double td_random_uniform(uint64_t seed, td_purpose purpose, uint64_t stream, uint64_t counter);
/* Standard normal, by inversion. */
double td_random_normal(uint64_t seed, td_purpose purpose, uint64_t stream, uint64_t counter);

#endif
