/* See distribution.h. */
#include "sweeps/distribution.h"

#include <math.h>
#include <stdlib.h>

#include "base/math.h"

const td_distribution_info td_distribution_infos[TD_DISTRIBUTION_COUNT] = {
#define TD_DISTRIBUTION_INFO(name, keys, grid, text) {#name, keys, grid, text},
    TD_DISTRIBUTIONS(TD_DISTRIBUTION_INFO)
#undef TD_DISTRIBUTION_INFO
};

void td_domain_free(td_domain *domain) {
    free(domain->values);
    free(domain->probabilities);
    domain->values = domain->probabilities = NULL;
}

double td_domain_at(const td_domain *domain, int64_t index) {
    return domain->values ? domain->values[index] : td_steps_at(&domain->steps, index);
}

static double clamp(double x, double low, double high) { return x < low ? low : x > high ? high : x; }

/* The multiple of q nearest to x, as a decimal where q's digits allow. */
static double to_multiple(const td_domain *domain, double k) {
    if (domain->steps.step && fabs(k) * (double)domain->steps.step < 9007199254740992.0)
        return td_steps_at(&domain->steps, (int64_t)k);
    return k * domain->q;
}

static int64_t pick(const td_domain *domain, double uniform) {
    int64_t last = domain->count - 1;
    if (!domain->probabilities) {
        int64_t index = (int64_t)(uniform * (double)domain->count);
        return index > last ? last : index;
    }
    int64_t index = 0;
    for (double sum = domain->probabilities[0]; index < last && uniform >= sum; sum += domain->probabilities[index]) index++;
    return index;
}

/* Logarithm of the gamma function for x > 0: Stirling's series after shifting x above 15, where its first terms suffice for 1e-15
 * relative. Own code because the C library's and GSL's depend on the machine's log and exp. */
static double log_gamma(double x) {
    double product = 1;
    for (; x < 15; x += 1) product *= x;
    double r = 1 / (x * x);
    double series = (1.0 / 12 - r * (1.0 / 360 - r * (1.0 / 1260 - r * (1.0 / 1680 - r * (1.0 / 1188 - r * 691.0 / 360360))))) / x;
    return (x - 0.5) * td_log(x) - x + 0.91893853320467274178 + series - td_log(product);
}

/* Regularised incomplete beta function by the continued fraction of DLMF 8.17.22, evaluated forwards (Lentz); x below the mean,
 * where it converges in about sqrt(max(a, b)) terms. */
static double beta_fraction(double x, double a, double b, double log_beta) {
    const double tiny = 1e-300;
    double c = 1, d = 1 - (a + b) * x / (a + 1);
    d = 1 / (fabs(d) < tiny ? tiny : d);
    double value = d;
    for (int m = 1; m < 10000; m++) {
        double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
        d = 1 + even * d;
        c = 1 + even / c;
        d = 1 / (fabs(d) < tiny ? tiny : d);
        c = fabs(c) < tiny ? tiny : c;
        value *= c * d;
        double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
        d = 1 + odd * d;
        c = 1 + odd / c;
        d = 1 / (fabs(d) < tiny ? tiny : d);
        c = fabs(c) < tiny ? tiny : c;
        value *= c * d;
        if (fabs(c * d - 1) < 1e-15) break;
    }
    return value * td_exp(a * td_log(x) + b * td_log1p(-x) - log_beta) / a;
}

double td_beta_quantile(double p, double a, double b) {
    double log_beta = log_gamma(a) + log_gamma(b) - log_gamma(a + b), low = 0, high = 1;
    for (int i = 0; i < 60; i++) {
        double x = (low + high) / 2;
        double below = x < (a + 1) / (a + b + 2) ? beta_fraction(x, a, b, log_beta) : 1 - beta_fraction(1 - x, b, a, log_beta);
        if (below < p)
            low = x;
        else
            high = x;
    }
    return (low + high) / 2;
}

double td_domain_draw(const td_domain *domain, double uniform) {
    double x = 0;
    if (domain->count) {
        x = td_domain_at(domain, pick(domain, uniform));
        return domain->whole ? floor(x + 0.5) : x;
    }
    switch (domain->distribution) {
    case TD_DISTRIBUTION_uniform:
        x = domain->minimum + uniform * (domain->maximum - domain->minimum);
        break;
    case TD_DISTRIBUTION_log_uniform_values:
    case TD_DISTRIBUTION_q_log_uniform_values: {
        double low = td_log(domain->minimum), high = td_log(domain->maximum);
        x = clamp(td_exp(low + uniform * (high - low)), domain->minimum, domain->maximum);
        break;
    }
    case TD_DISTRIBUTION_inv_log_uniform_values: {
        double low = td_log(domain->minimum), high = td_log(domain->maximum);
        x = clamp(td_exp(high - uniform * (high - low)), domain->minimum, domain->maximum);
        break;
    }
    case TD_DISTRIBUTION_normal:
    case TD_DISTRIBUTION_q_normal:
        x = domain->mu + domain->sigma * td_normal_quantile(uniform);
        break;
    case TD_DISTRIBUTION_log_normal:
    case TD_DISTRIBUTION_q_log_normal:
        x = td_exp(domain->mu + domain->sigma * td_normal_quantile(uniform));
        break;
    case TD_DISTRIBUTION_beta:
    case TD_DISTRIBUTION_q_beta:
        x = td_beta_quantile(uniform, domain->a, domain->b);
        break;
    default:
        break; /* the others are discrete */
    }
    if (domain->q > 0) {
        double k = floor(x / domain->q + 0.5);
        x = to_multiple(domain, k);
        /* only q_log_uniform_values has both bounds and rounding */
        if (domain->distribution == TD_DISTRIBUTION_q_log_uniform_values) {
            if (x > domain->maximum) x = to_multiple(domain, k - 1);
            if (x < domain->minimum) x = to_multiple(domain, k + 1);
        }
    }
    return domain->whole ? floor(x + 0.5) : x;
}
