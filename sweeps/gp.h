/* Gaussian process regression with a Matérn-5/2 kernel and one length for each dimension, and the expected improvement it promises.
 *
 * Inputs lie in the unit box, values are standardised by the caller (mean 0, standard deviation 1) and larger is better. Kernel, priors
 * and numerics: those of Optuna 5's GPSampler, as formulas, and a second prior, that of Hvarfner, Hellsten, Nardi, Vanilla Bayesian
 * optimization performs great in high dimensions (2024), which BoTorch has; LogEI: Ament, Daulton, Eriksson, Balandat, Bakshy, Unexpected improvements to
 * expected improvement for Bayesian optimization (2023). Linear algebra is OpenBLAS' (base/blas.h), on one thread. */
#ifndef TAPEDECK_SWEEPS_GP_H
#define TAPEDECK_SWEEPS_GP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/blas.h"
#include "base/error.h"
#include "sweeps/sampler.h"

enum { TD_GP_THETAS_MAX = TD_DIMENSIONS_MAX + 2 };

typedef struct td_gp {
    const td_blas *blas;
    int64_t n, room;          /* observations */
    int d;
    bool hamming[TD_DIMENSIONS_MAX]; /* choices: the distance of two different ones is 1 */
    double *x;                /* (n, d) */
    double *y;                /* (n) */
    double theta[TD_GP_THETAS_MAX]; /* ln w (d), ln s2, ln (nu - 1e-6) */
    double *inverse;          /* (n, n) of the kernel matrix at theta, both triangles */
    double *alpha;            /* (n) inverse times y */
    double *scratch;          /* (2, n, n) */
    double jitter;            /* that had to be added to the diagonal, 0 most often */
    bool dimension_scaled;    /* prior: false Optuna's; true BoTorch's since 0.12, in which lengths grow with the root of the dimensions */
} td_gp;

td_status td_gp_open(const td_blas *blas, int d, td_gp *gp, td_error *error);
void td_gp_close(td_gp *gp);
/* Copies n observations: x (n, d), y (n). False: memory ran out. */
bool td_gp_set(td_gp *gp, const double *x, const double *y, int64_t n);

/* Log marginal likelihood (without n/2 ln 2 pi) and log prior at theta; gradient (d + 2) of their sum, may be NULL. Leaves inverse and
 * alpha at theta. False where the kernel matrix is none, even with jitter. */
bool td_gp_likelihood(td_gp *gp, const double *theta, double *likelihood, double *prior, double *gradient);
/* Finds the most probable theta from the one it has; falls back to w = s2 = 1, nu = 1e-3 or so where that fails. */
void td_gp_fit(td_gp *gp);
/* Mean and variance at m points (m, d); work (2 m n) of the caller's. */
void td_gp_predict(const td_gp *gp, const double *points, int64_t m, double *mean, double *variance, double *work);
/* Log expected improvement over `best` at one point; gradient (d) by its coordinates (0 along choices), may be NULL. work (4 n). */
double td_gp_log_ei(const td_gp *gp, const double *point, double best, double *gradient, double *work);

/* ln (phi(z) + z Phi(z)). */
double td_log_h(double z);
/* The same of numbers: mean, variance, best. */
double td_log_ei(double mean, double variance, double best);

#endif
