/* Samplers: which point to try next, given what was tried.
 *
 * A sampler is asked for points and told what came of them. What it suggests depends on its def and on what it was told before, in which
 * order of trials, and on nothing else: not on time, threads or when answers arrived between two suggestions. Points that were suggested
 * and not answered yet count as tried (constant liar). Values are minimised; who maximises negates.
 *
 *   random   uniform draws
 *   sobol    Sobol points, shifted at random
 *   tpe      tree-structured Parzen estimator: Bergstra, Bardenet, Bengio, Kégl, Algorithms for hyper-parameter optimization (2011), with
 *            the multivariate kernels and bandwidths of Optuna 5's sampler (formulas in tpe.c)
 *   gp       Gaussian process and expected improvement (gp.h, gp_sampler.c); for searches of up to some 500 trials */
#ifndef TAPEDECK_SWEEPS_SAMPLER_H
#define TAPEDECK_SWEEPS_SAMPLER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

enum { TD_DIMENSIONS_MAX = 32 };

typedef struct td_dimension {
    double low, high;   /* both can be suggested */
    double step;        /* 0: continuous; else low, low + step, ... */
    bool log;           /* distances are those of logarithms; low > 0 */
    int64_t choices;    /* above 0: a choice, 0 to choices - 1; nothing else is read then */
} td_dimension;

typedef enum td_sampler_kind { TD_SAMPLER_RANDOM, TD_SAMPLER_SOBOL, TD_SAMPLER_TPE, TD_SAMPLER_GP, TD_SAMPLER_KIND_COUNT } td_sampler_kind;
const char *td_sampler_name(td_sampler_kind kind);

typedef struct td_sampler_def { /* start from td_default_sampler_def() */
    td_sampler_kind kind;     /* Default tpe. */
    int dimensions;
    td_dimension dimension[TD_DIMENSIONS_MAX];
    uint64_t seed;            /* Default 1. */
    int64_t startup;          /* random points before the first that is thought about. Default 10. */
    int64_t candidates;       /* of tpe, from which the best is taken. Default 24. */
} td_sampler_def;
td_sampler_def td_default_sampler_def(void);

typedef struct td_sampler td_sampler;
/* TD_BAD_ARG with the dimension named when one cannot be. */
td_status td_sampler_open(const td_sampler_def *def, td_sampler **sampler, td_error *error);
void td_sampler_close(td_sampler *sampler);
/* The next point (dimensions); returns its trial number, 0, 1, ...; -1: memory ran out. */
int64_t td_sampler_suggest(td_sampler *sampler, double *point);
/* What came of a trial: value NaN when it failed; violation: how far outcome constraints are broken, 0 when they hold. */
void td_sampler_tell(td_sampler *sampler, int64_t trial, double value, double violation);
/* A point from elsewhere with its value: it counts as tried, and has no number. False: memory ran out. */
bool td_sampler_add(td_sampler *sampler, const double *point, double value, double violation);
int64_t td_sampler_told(const td_sampler *sampler);

#endif
