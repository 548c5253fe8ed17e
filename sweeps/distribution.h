/* What values an axis of a search space can take: a list, equal steps, or a distribution to draw from.
 *
 * A domain with count > 0 is discrete: its values have numbers 0 .. count-1 and a draw picks one of them. Draws are functions of
 * one uniform number, by inversion, through base/math.h: the same on every machine. */
#ifndef TAPEDECK_SWEEPS_DISTRIBUTION_H
#define TAPEDECK_SWEEPS_DISTRIBUTION_H

#include <stdbool.h>
#include <stdint.h>

#include "sweeps/scalars.h"

/* name (of W&B), keys it takes besides `distribution` (a trailing ? makes one optional), may a grid have it, what it draws */
#define TD_DISTRIBUTIONS(X)                                                                                                      \
    X(constant, "value", true, "always the same value")                                                                          \
    X(categorical, "values", true, "one of the values, each as likely")                                                          \
    X(categorical_w_probabilities, "values probabilities", false, "one of the values, by the probabilities, which add up to 1")  \
    X(int_uniform, "min max", true, "a whole number from min to max, both included")                                             \
    X(uniform, "min max", false, "a number between min and max")                                                                 \
    X(q_uniform, "min max q?", true, "min, min + q, min + 2 q, ... up to and including max; q is 1 when absent")                  \
    X(log_uniform_values, "min max", false, "a number between min and max whose logarithm is uniform")                           \
    X(q_log_uniform_values, "min max q?", false, "the same, rounded to a multiple of q within min and max")                      \
    X(inv_log_uniform_values, "min max", false, "a number between min and max; the logarithm of 1/x is uniform")                 \
    X(normal, "mu? sigma?", false, "normal; mu is 0 and sigma 1 when absent")                                                    \
    X(q_normal, "mu? sigma? q?", false, "normal, rounded to a multiple of q")                                                    \
    X(log_normal, "mu? sigma?", false, "a number whose natural logarithm is normal")                                             \
    X(q_log_normal, "mu? sigma? q?", false, "the same, rounded to a multiple of q")                                              \
    X(beta, "a? b?", false, "beta on 0 to 1; a and b are 1 when absent")                                                         \
    X(q_beta, "a? b? q?", false, "the same, rounded to a multiple of q")

typedef enum td_distribution {
#define TD_DISTRIBUTION_NAME(name, keys, grid, text) TD_DISTRIBUTION_##name,
    TD_DISTRIBUTIONS(TD_DISTRIBUTION_NAME)
#undef TD_DISTRIBUTION_NAME
    TD_DISTRIBUTION_COUNT
} td_distribution;

typedef struct td_distribution_info {
    const char *name, *keys;
    bool grid;
    const char *text;
} td_distribution_info;
extern const td_distribution_info td_distribution_infos[TD_DISTRIBUTION_COUNT];

typedef struct td_domain {
    td_distribution distribution;
    int64_t count;               /* discrete values; 0 = continuous */
    double *values;              /* (count) in the order given, or NULL: steps. Owned. */
    double *probabilities;       /* (count), or NULL: all alike. Owned. */
    td_steps steps;              /* the values when there is no list; of q forms: 0, q, 2 q, ... */
    double minimum, maximum;     /* of the distribution, where it has them */
    double mu, sigma, a, b, q;   /* q = 0: not rounded */
    bool whole;                  /* draws are rounded to whole numbers */
} td_domain;

double td_domain_at(const td_domain *domain, int64_t index); /* discrete: 0 <= index < count */
double td_domain_draw(const td_domain *domain, double uniform); /* 0 < uniform < 1 */
void td_domain_free(td_domain *domain);

/* x with I_x(a, b) = p, the inverse of the beta distribution function; 0 < p < 1, a and b in [10^-3, 10^4]. The absolute error is
 * below 1e-9. */
double td_beta_quantile(double p, double a, double b);

#endif
