/* See gp.h. */
#include "sweeps/gp.h"

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_multimin.h>
#include <gsl/gsl_randist.h>
#include <gsl/gsl_sf_erf.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double least_noise = 1e-6, half_log_2pi = 0.91893853320467274178;

/* ---- expected improvement ---- */

double td_log_h(double z) {
    if (z > -1) return log(gsl_ran_ugaussian_pdf(z) + z * gsl_cdf_ugaussian_P(z));
    double a = -z, head = -0.5 * a * a - half_log_2pi;
    /* a times Mills' ratio; hazard is its inverse */
    if (z > -200) return head + log1p(-a / gsl_sf_hazard(a));
    return head - 2 * log(a) + log1p(-3 / (a * a) + 15 / (a * a * a * a));
}

double td_log_ei(double mean, double variance, double best) {
    double sigma = sqrt((variance > 0 ? variance : 0) + 1e-12);
    return td_log_h((mean - best) / sigma) + log(sigma);
}

/* Phi(z) / h(z). */
static double log_h_slope(double z) { return exp(gsl_sf_log_erfc(-z * M_SQRT1_2) - M_LN2 - td_log_h(z)); }

/* ---- the model ---- */

td_status td_gp_open(const td_blas *blas, int d, td_gp *gp, td_error *error) {
    *gp = (td_gp){.blas = blas, .d = d};
    if (d < 1 || d > TD_DIMENSIONS_MAX) return td_fail(error, TD_BAD_ARG, "%d dimensions, must be 1 to %d", d, TD_DIMENSIONS_MAX);
    gp->theta[d + 1] = log(1e-3);
    return TD_OK;
}

void td_gp_close(td_gp *gp) {
    free(gp->x);
    free(gp->y);
    free(gp->inverse);
    free(gp->alpha);
    free(gp->scratch);
    *gp = (td_gp){0};
}

static bool grow(double **numbers, int64_t count) {
    double *grown = realloc(*numbers, (size_t)count * sizeof *grown);
    if (grown) *numbers = grown;
    return grown;
}

bool td_gp_set(td_gp *gp, const double *x, const double *y, int64_t n) {
    if (n > gp->room) {
        int64_t room = n + n / 2 + 16;
        if (!grow(&gp->x, room * gp->d) || !grow(&gp->y, room) || !grow(&gp->inverse, room * room) || !grow(&gp->alpha, room) ||
            !grow(&gp->scratch, 2 * room * room))
            return false;
        gp->room = room;
    }
    memcpy(gp->x, x, (size_t)(n * gp->d) * sizeof *x);
    memcpy(gp->y, y, (size_t)n * sizeof *y);
    gp->n = n;
    return true;
}

static double distance2(const td_gp *gp, const double *a, const double *b, const double *w) {
    double sum = 0;
    for (int k = 0; k < gp->d; k++) {
        double delta = a[k] - b[k];
        sum += w[k] * (gp->hamming[k] ? (double)(delta != 0) : delta * delta);
    }
    return sum;
}

/* With r = sqrt(5 q), q the squared distance: s2 (1 + r + r^2 / 3) e^-r; and its derivative by q, which is finite at 0. */
static double matern(double s2, double q, double *slope) {
    double r = sqrt(5 * q), decay = s2 * exp(-r);
    if (slope) *slope = -5.0 / 6 * decay * (1 + r);
    return decay * (1 + r + r * r / 3);
}

static void weights_of(const td_gp *gp, const double *theta, double *w) {
    for (int k = 0; k < gp->d; k++) w[k] = exp(theta[k]);
}

/* Inverse of the kernel matrix at theta, and its log determinant by the Cholesky factor: inverse, *half_log_det. slopes (n, n): the kernels'
 * derivatives. */
static bool invert(td_gp *gp, const double *theta, double *slopes, double *half_log_det) {
    int n = (int)gp->n, info = 0;
    double w[TD_DIMENSIONS_MAX], s2 = exp(theta[gp->d]), nu = exp(theta[gp->d + 1]) + least_noise, *a = gp->inverse;
    weights_of(gp, theta, w);
    gp->jitter = 0;
    for (double jitter = 0; jitter <= 1e-4 * s2; jitter = jitter > 0 ? 10 * jitter : 1e-10 * s2) {
        for (int i = 0; i < n; i++) {
            for (int j = 0; j < i; j++)
                a[(size_t)i * (size_t)n + (size_t)j] = matern(s2, distance2(gp, gp->x + (int64_t)i * gp->d, gp->x + (int64_t)j * gp->d, w),
                                                             slopes ? &slopes[(size_t)i * (size_t)n + (size_t)j] : NULL);
            a[(size_t)i * (size_t)n + (size_t)i] = s2 + nu + jitter;
        }
        /* row i of the lower triangle is column i of the upper one */
        gp->blas->dpotrf("U", &n, a, &n, &info);
        gp->jitter = jitter;
        if (info == 0) break;
    }
    if (info != 0) return false;
    *half_log_det = 0;
    for (int i = 0; i < n; i++) *half_log_det += log(a[(size_t)i * (size_t)n + (size_t)i]);
    int one = 1;
    memcpy(gp->alpha, gp->y, (size_t)n * sizeof *gp->alpha);
    gp->blas->dpotrs("U", &n, &one, a, &n, gp->alpha, &n, &info);
    gp->blas->dpotri("U", &n, a, &n, &info);
    for (int i = 0; i < n; i++)
        for (int j = 0; j < i; j++) a[(size_t)j * (size_t)n + (size_t)i] = a[(size_t)i * (size_t)n + (size_t)j];
    return info == 0;
}

/* Log prior at theta, and its gradient. */
static double prior_of(const td_gp *gp, const double *theta, double *gradient) {
    int d = gp->d;
    double s2 = exp(theta[d]), noise = exp(theta[d + 1]), nu = noise + least_noise, sum = 0;
    if (!gp->dimension_scaled) {
        for (int k = 0; k < d; k++) {
            double w = exp(theta[k]);
            sum -= 0.1 / w + 0.1 * w;
            gradient[k] = 0.1 / w - 0.1 * w;
        }
        gradient[d] = 1 - s2;
        gradient[d + 1] = noise * (0.1 / nu - 30);
        return sum + log(s2) - s2 + 0.1 * log(nu) - 30 * nu;
    }
    /* ln length ~ N(sqrt 2 + ln(d) / 2, 3), ln nu ~ N(-4, 1), s2 = 1 as nearly as makes no difference */
    double center = M_SQRT2 + 0.5 * log((double)d);
    for (int k = 0; k < d; k++) {
        double away = -theta[k] / 2 - center;
        sum -= away * away / 6 - theta[k] / 2;
        gradient[k] = away / 6 + 0.5;
    }
    double far = log(nu) + 4;
    gradient[d] = -theta[d] / 0.01;
    gradient[d + 1] = -noise / nu * (far + 1);
    return sum - theta[d] * theta[d] / 0.02 - far * far / 2 - log(nu);
}

bool td_gp_likelihood(td_gp *gp, const double *theta, double *likelihood, double *prior, double *gradient) {
    int64_t n = gp->n;
    int d = gp->d;
    double half_log_det, w[TD_DIMENSIONS_MAX], noise = exp(theta[d + 1]), nu = noise + least_noise;
    double *slopes = gradient ? gp->scratch : NULL;
    if (!invert(gp, theta, slopes, &half_log_det)) return false;
    weights_of(gp, theta, w);
    double fit = 0;
    for (int64_t i = 0; i < n; i++) fit += gp->y[i] * gp->alpha[i];
    *likelihood = -half_log_det - 0.5 * fit;
    double by_theta[TD_GP_THETAS_MAX] = {0};
    *prior = prior_of(gp, theta, by_theta);
    if (!gradient) return isfinite(*likelihood);

    /* half the trace of (alpha alpha' - inverse) dK, where dK is a product of slopes and distances, or K less its noise, or the noise */
    double by_w[TD_DIMENSIONS_MAX] = {0}, trace = 0;
    for (int64_t i = 0; i < n; i++) {
        trace += gp->alpha[i] * gp->alpha[i] - gp->inverse[i * n + i];
        for (int64_t j = 0; j < i; j++) {
            double weight = (gp->alpha[i] * gp->alpha[j] - gp->inverse[i * n + j]) * slopes[i * n + j];
            const double *a = gp->x + i * d, *b = gp->x + j * d;
            for (int k = 0; k < d; k++) {
                double delta = a[k] - b[k];
                by_w[k] += weight * (gp->hamming[k] ? (double)(delta != 0) : delta * delta);
            }
        }
    }
    for (int k = 0; k < d; k++) gradient[k] = w[k] * by_w[k] + by_theta[k];
    /* of s2 dK is K less its noise: y' alpha and n are what all of K gives */
    double own = nu + gp->jitter;
    gradient[d] = 0.5 * (fit - (double)n - own * trace) + by_theta[d];
    gradient[d + 1] = 0.5 * noise * trace + by_theta[d + 1];
    return isfinite(*likelihood);
}

/* ---- fit ---- */

static double cost(const gsl_vector *theta, void *user) {
    double likelihood, prior;
    return td_gp_likelihood(user, theta->data, &likelihood, &prior, NULL) ? -likelihood - prior : 1e10;
}

static void cost_and_gradient(const gsl_vector *theta, void *user, double *value, gsl_vector *gradient) {
    td_gp *gp = user;
    double likelihood, prior;
    if (td_gp_likelihood(gp, theta->data, &likelihood, &prior, gradient->data)) {
        *value = -likelihood - prior;
        for (int k = 0; k < gp->d + 2; k++) gradient->data[k] = -gradient->data[k];
    } else {
        *value = 1e10;
        gsl_vector_set_zero(gradient);
    }
}

static void gradient_alone(const gsl_vector *theta, void *user, gsl_vector *gradient) {
    double value;
    cost_and_gradient(theta, user, &value, gradient);
}

static bool minimise(td_gp *gp, const double *start, double *theta, double *value) {
    enum { STEPS_MAX = 100 };
    size_t size = (size_t)gp->d + 2;
    gsl_multimin_function_fdf function = {.f = cost, .df = gradient_alone, .fdf = cost_and_gradient, .n = size, .params = gp};
    gsl_multimin_fdfminimizer *m = gsl_multimin_fdfminimizer_alloc(gsl_multimin_fdfminimizer_vector_bfgs2, size);
    gsl_vector *x = gsl_vector_alloc(size);
    bool good = m && x;
    if (good) {
        memcpy(x->data, start, size * sizeof *start);
        good = gsl_multimin_fdfminimizer_set(m, &function, x, 0.1, 0.1) == 0 && m->f < 1e9;
        for (int i = 0; good && i < STEPS_MAX; i++)
            if (gsl_multimin_fdfminimizer_iterate(m) || gsl_multimin_test_gradient(m->gradient, 1e-2) != GSL_CONTINUE) break;
        memcpy(theta, m->x->data, size * sizeof *theta);
        *value = m->f;
        for (size_t k = 0; k < size; k++) good = good && isfinite(theta[k]);
    }
    if (m) gsl_multimin_fdfminimizer_free(m);
    if (x) gsl_vector_free(x);
    return good;
}

void td_gp_fit(td_gp *gp) {
    double plain[TD_GP_THETAS_MAX] = {0}, found[TD_GP_THETAS_MAX], value, likelihood, prior;
    plain[gp->d + 1] = log(1e-3);
    size_t bytes = ((size_t)gp->d + 2) * sizeof *plain;
    if (minimise(gp, gp->theta, found, &value) || minimise(gp, plain, found, &value))
        memcpy(gp->theta, found, bytes);
    else
        memcpy(gp->theta, plain, bytes);
    td_gp_likelihood(gp, gp->theta, &likelihood, &prior, NULL);
}

/* ---- prediction ---- */

void td_gp_predict(const td_gp *gp, const double *points, int64_t m, double *mean, double *variance, double *work) {
    double w[TD_DIMENSIONS_MAX], s2 = exp(gp->theta[gp->d]), one = 1, zero = 0;
    int n = (int)gp->n, count = (int)m;
    double *k = work, *solved = work + m * gp->n; /* (m, n) each: columns of n in column-major terms */
    weights_of(gp, gp->theta, w);
    for (int64_t p = 0; p < m; p++)
        for (int64_t i = 0; i < gp->n; i++) k[p * gp->n + i] = matern(s2, distance2(gp, points + p * gp->d, gp->x + i * gp->d, w), NULL);
    gp->blas->dsymm("L", "U", &n, &count, &one, gp->inverse, &n, k, &n, &zero, solved, &n);
    for (int64_t p = 0; p < m; p++) {
        double sum = 0, reduction = 0;
        for (int64_t i = 0; i < gp->n; i++) {
            sum += k[p * gp->n + i] * gp->alpha[i];
            reduction += k[p * gp->n + i] * solved[p * gp->n + i];
        }
        mean[p] = sum;
        variance[p] = s2 - reduction;
    }
}

double td_gp_log_ei(const td_gp *gp, const double *point, double best, double *gradient, double *work) {
    double w[TD_DIMENSIONS_MAX], s2 = exp(gp->theta[gp->d]), *k = work, *slope = work + gp->n, *solved = work + 2 * gp->n;
    double mean = 0, reduction = 0;
    weights_of(gp, gp->theta, w);
    for (int64_t i = 0; i < gp->n; i++) {
        k[i] = matern(s2, distance2(gp, point, gp->x + i * gp->d, w), &slope[i]);
        mean += k[i] * gp->alpha[i];
    }
    for (int64_t i = 0; i < gp->n; i++) {
        double sum = 0;
        const double *row = gp->inverse + i * gp->n;
        for (int64_t j = 0; j < gp->n; j++) sum += row[j] * k[j];
        solved[i] = sum;
        reduction += k[i] * sum;
    }
    double variance = s2 - reduction, sigma = sqrt((variance > 0 ? variance : 0) + 1e-12), z = (mean - best) / sigma;
    double value = td_log_h(z) + log(sigma);
    if (!gradient) return value;
    /* d ln(sigma h(z)) = (dsigma + h'(z)/h(z) (dmean - z dsigma)) / sigma */
    double ratio = log_h_slope(z);
    for (int a = 0; a < gp->d; a++) {
        double by_mean = 0, by_variance = 0;
        for (int64_t i = 0; i < gp->n && !gp->hamming[a]; i++) {
            double dk = slope[i] * 2 * w[a] * (point[a] - gp->x[i * gp->d + a]);
            by_mean += dk * gp->alpha[i];
            by_variance -= 2 * dk * solved[i];
        }
        double by_sigma = variance > 0 ? by_variance / (2 * sigma) : 0;
        gradient[a] = (by_sigma + ratio * (by_mean - z * by_sigma)) / sigma;
    }
    return value;
}
