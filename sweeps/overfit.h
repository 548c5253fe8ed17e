/* What is luck among many trials: statistics of Sharpe ratios that were looked for, and of the best of many.
 *
 * Words
 *   sharpe       mean over standard deviation of returns, per period, never annualised here
 *   skew, kurtosis  of the returns; kurtosis is 3 for a normal distribution
 *   trials       columns of a matrix of returns (periods, trials), row by row in memory
 *
 * Sources: Bailey and López de Prado, The Sharpe ratio efficient frontier (2012), The deflated Sharpe ratio (2014); Bailey, Borwein,
 * López de Prado, Zhu, Pseudo-mathematics and financial charlatanism (2014), The probability of backtest overfitting (2017); López de
 * Prado, Lipton, Zoonekynd, How to use the Sharpe ratio (2025). */
#ifndef TAPEDECK_SWEEPS_OVERFIT_H
#define TAPEDECK_SWEEPS_OVERFIT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

typedef struct td_moments {
    int64_t count;               /* of finite returns */
    double mean, deviation;      /* deviation: ddof 1 */
    double skew, kurtosis;       /* of the sample, biased (m3 / m2^1.5, m4 / m2^2) */
    double sharpe;               /* mean / deviation; NaN where that is 0 */
} td_moments;
/* returns (count), `stride` apart; those that are not finite are left out. */
td_moments td_moments_of(const double *returns, int64_t count, int64_t stride);

/* Probability that the true Sharpe ratio is above `benchmark`. */
double td_psr(double sharpe, double benchmark, double skew, double kurtosis, double observations);
/* Observations that are needed for that probability to reach `confidence`; +inf where sharpe <= benchmark. */
double td_min_trl(double sharpe, double benchmark, double skew, double kurtosis, double confidence);
/* Expected largest of n independent standard normal numbers: by quadrature below 30, where the closed form is off by percents. n >= 1,
 * need not be whole. */
double td_expected_max(double n);
/* PSR against what the best of n trials without any skill would show, whose Sharpe ratios vary by `variance`. */
double td_dsr(double sharpe, double variance, double n, double skew, double kurtosis, double observations);
/* Years of data below which the best of n trials without skill would reach this annual Sharpe ratio. */
double td_min_btl_years(double annual_sharpe, double n);

/* The revision of 2025: variance under the hypothesis, first-order autocorrelation rho. */
double td_sharpe_variance(double sharpe, double skew, double kurtosis, double rho, double observations);
double td_psr_2025(double sharpe, double benchmark, double skew, double kurtosis, double rho, double observations);
double td_min_trl_2025(double sharpe, double benchmark, double skew, double kurtosis, double rho, double confidence);

/* How many independent trials so many correlated ones amount to. */
typedef struct td_effective {
    double mean_correlation;
    double by_mean;      /* n (1 - mean correlation) + mean correlation */
    double by_rank;      /* exp of the entropy of the correlation matrix' eigenvalues */
} td_effective;
/* TD_BAD_ARG with fewer than 2 periods; trials that never move do not count. */
td_status td_effective_trials(const double *returns, int64_t periods, int64_t trials, td_effective *effective, td_error *error);

/* Combinatorially symmetric cross-validation. */
typedef struct td_pbo {
    int64_t splits, periods;     /* periods used: the oldest periods % blocks are not */
    double probability;          /* share of splits in which the best trial inside is in the lower half outside */
    double mean_logit, median_logit;
    double slope, intercept;     /* regression of the chosen trial's Sharpe ratio outside on that inside */
    double loss;                 /* share of splits in which the chosen trial loses outside */
    double dominance;            /* share of splits in which it does better outside than the median trial */
    double low, high;            /* 90 % interval of `probability` by stationary bootstrap; NaN where none was asked for */
    int64_t histogram[20];       /* of the chosen trial's relative rank outside, (0, 1) in 20 parts */
} td_pbo;
/* blocks: even, 2 to 20. replicates: of the bootstrap, 0 none; seeded by `seed`. Results do not depend on threads. */
td_status td_pbo_make(const double *returns, int64_t periods, int64_t trials, int blocks, int64_t replicates, uint64_t seed, td_pbo *pbo,
                      td_error *error);

#endif
