/* Which parameters matter, and which good sets have good neighbours.
 *
 * Importance: PED-ANOVA (Watanabe, Bansal, Hutter, PED-ANOVA: efficiently quantifying hyperparameter importance in arbitrary subspaces,
 * IJCAI 2023). For each axis, how much the distribution of the best tenth of the trials differs from that of all; shares add up to 1. It
 * says what a parameter does alone, not what it does together with another. */
#ifndef TAPEDECK_SWEEPS_IMPORTANCE_H
#define TAPEDECK_SWEEPS_IMPORTANCE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

typedef struct td_importance {
    double share;        /* of this axis, 0 to 1; NaN where nothing can be said (one value, or too few trials) */
    double low, high;    /* 5th and 95th percentile over bootstrapped trials */
} td_importance;

/* axis (axes) columns of (rows) values; score (rows), larger is better, NaN: left out. importance (axes). Seeded, the same on any thread.
 * TD_BAD_ARG with fewer than 20 scores. */
td_status td_importance_make(const double *const *axis, int axes, const double *score, int64_t rows, int64_t replicates, uint64_t seed,
                             td_importance *importance, td_error *error);

/* The least score of each row and of those next to it along one axis, where they are: neighbour (rows), NaN where the row has no score.
 * A row next to another has the next larger or smaller value of one axis among those that occur, and the same values else. *pairs: how
 * many such pairs there are; 0 when the sets lie on no grid. */
td_status td_neighbours(const double *const *axis, int axes, const double *score, int64_t rows, double *neighbour, int64_t *pairs,
                        td_error *error);

#endif
