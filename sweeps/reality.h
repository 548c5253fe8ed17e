/* Is the best of many trials better than a benchmark, or the luckiest? Tests that resample the periods of all trials together.
 *
 * d (periods, trials): a trial's return less the benchmark's, row by row. White, A reality check for data snooping (2000); Hansen, A test
 * for superior predictive ability (2005); Romano and Wolf, Stepwise multiple testing as formalized data snooping (2005); Politis and
 * Romano, The stationary bootstrap (1994); Politis and White (2004), corrected by Patton, Politis, White (2009). */
#ifndef TAPEDECK_SWEEPS_REALITY_H
#define TAPEDECK_SWEEPS_REALITY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

/* The stationary bootstrap: row after row of period numbers. Random numbers are splitmix64's, two for each period (does a block begin?
 * where?), so that others can make the same rows. */
typedef struct td_bootstrap {
    uint64_t state;
    double chance; /* of a new block: 1 / mean length */
} td_bootstrap;
td_bootstrap td_bootstrap_start(uint64_t seed, double block_length);
void td_bootstrap_row(td_bootstrap *bootstrap, int64_t periods, int64_t *row);

/* Mean block length that suits a series, at least 1, for the stationary bootstrap; circular (may be NULL): for the circular one. */
double td_block_length(const double *series, int64_t count, double *circular);

typedef struct td_reality {
    double block_length;
    int64_t replicates, best;            /* best: the trial with the largest statistic */
    double rc;                           /* White's: p of the best, unstudentised, every trial counts */
    double spa_lower, spa, spa_upper;    /* Hansen's, studentised: p, with `spa` the consistent one */
    double plain_lower, plain, plain_upper; /* the same without dividing by standard deviations (upper is rc) */
    int64_t rejected;                    /* trials that stepwise testing finds better than the benchmark, at level alpha */
} td_reality;

typedef struct td_reality_def {
    int64_t replicates;   /* Default 1000. */
    double block_length;  /* 0: the median of td_block_length() of at most 100 trials. Default 0. */
    double alpha;         /* Default 0.05. */
    uint64_t seed;        /* Default 1. */
} td_reality_def;
td_reality_def td_default_reality_def(void);
/* superior (trials; may be NULL): those that stepwise testing finds. TD_BAD_ARG with fewer than 4 periods or a return that is not finite.
 * Results do not depend on threads. */
td_status td_reality_test(const double *d, int64_t periods, int64_t trials, const td_reality_def *def, td_reality *reality, bool *superior,
                          td_error *error);

#endif
