/* How good and how quick samplers are: regret on functions whose least value is known.
 *
 * Protocol: so many random starts as the sampler takes, no noise, medians and quartiles over seeds; milliseconds of a suggestion are the
 * median of the last ten of each seed. */
#ifndef TAPEDECK_BENCH_REGRET_H
#define TAPEDECK_BENCH_REGRET_H

#include "sweeps/sampler.h"

typedef struct td_problem {
    const char *name;
    int dimensions;
    double low[10], high[10];
    double least;                            /* value at the optimum */
    double (*value)(const double *x, int n);
} td_problem;
const td_problem *td_problem_find(const char *name); /* NULL when there is none */
const td_problem *td_problem_at(int index);          /* NULL behind the last */

typedef struct td_regret {
    int seeds;
    double median, q1, q3, mean, deviation; /* of the best value less the least */
    double ms_per_suggest;
} td_regret;
/* Seeds first, first + 1, ... Plays seeds on all threads; regrets do not depend on them. */
td_status td_regret_measure(const td_problem *problem, td_sampler_kind kind, int trials, int seeds, uint64_t first, td_regret *regret,
                            td_error *error);

#endif
