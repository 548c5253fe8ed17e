/* See overfit.h. */
#include "sweeps/overfit.h"

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_eigen.h>
#include <gsl/gsl_randist.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/sorted.h"
#include "sweeps/reality.h"

static const double euler = 0.57721566490153286;

td_moments td_moments_of(const double *returns, int64_t count, int64_t stride) {
    td_moments m = {.mean = NAN, .deviation = NAN, .skew = NAN, .kurtosis = NAN, .sharpe = NAN};
    double sum = 0, m2 = 0, m3 = 0, m4 = 0;
    for (int64_t t = 0; t < count; t++)
        if (isfinite(returns[t * stride])) {
            sum += returns[t * stride];
            m.count++;
        }
    if (m.count == 0) return m;
    m.mean = sum / (double)m.count;
    for (int64_t t = 0; t < count; t++) {
        double x = returns[t * stride] - m.mean;
        if (!isfinite(x)) continue;
        m2 += x * x;
        m3 += x * x * x;
        m4 += x * x * x * x;
    }
    if (m.count < 2) return m;
    double n = (double)m.count;
    m.deviation = sqrt(m2 / (n - 1));
    if (!(m.deviation > 1e-12 * fabs(m.mean)) || m2 == 0) return m; /* it does not move but for rounding */
    m.skew = m3 / n / pow(m2 / n, 1.5);
    m.kurtosis = m4 / n / (m2 / n * (m2 / n));
    m.sharpe = m.mean / m.deviation;
    return m;
}

/* ---- one Sharpe ratio ---- */

static double spread_of(double sharpe, double skew, double kurtosis) { return 1 - skew * sharpe + (kurtosis - 1) / 4 * sharpe * sharpe; }

double td_psr(double sharpe, double benchmark, double skew, double kurtosis, double observations) {
    double spread = spread_of(sharpe, skew, kurtosis);
    return spread > 0 ? gsl_cdf_ugaussian_P((sharpe - benchmark) * sqrt(observations - 1) / sqrt(spread)) : NAN;
}

double td_min_trl(double sharpe, double benchmark, double skew, double kurtosis, double confidence) {
    if (!(sharpe > benchmark)) return INFINITY;
    double z = gsl_cdf_ugaussian_Pinv(confidence) / (sharpe - benchmark);
    return 1 + spread_of(sharpe, skew, kurtosis) * z * z;
}

/* The integral of x n f(x) F(x)^(n - 1), as a sum over equal steps: the integrand and all its derivatives vanish at both ends, where
 * that sum converges faster than any power of the step. */
static double expected_max_exactly(double n) {
    double sum = 0, step = 1.0 / 64;
    for (int i = -12 * 64; i <= 12 * 64; i++) {
        double x = i * step;
        sum += x * n * gsl_ran_ugaussian_pdf(x) * pow(gsl_cdf_ugaussian_P(x), n - 1);
    }
    return sum * step;
}

double td_expected_max(double n) {
    if (!(n > 1)) return 0;
    if (n < 30) return expected_max_exactly(n);
    return (1 - euler) * gsl_cdf_ugaussian_Pinv(1 - 1 / n) + euler * gsl_cdf_ugaussian_Pinv(1 - 1 / (n * M_E));
}

double td_dsr(double sharpe, double variance, double n, double skew, double kurtosis, double observations) {
    return td_psr(sharpe, sqrt(variance) * td_expected_max(n), skew, kurtosis, observations);
}

double td_min_btl_years(double annual_sharpe, double n) {
    double ratio = td_expected_max(n) / annual_sharpe;
    return annual_sharpe > 0 ? ratio * ratio : INFINITY;
}

double td_sharpe_variance(double sharpe, double skew, double kurtosis, double rho, double observations) {
    double a = 1 + 2 * rho / (1 - rho), b = 1 + rho / (1 - rho) + rho * rho / (1 - rho * rho), c = 1 + 2 * rho * rho / (1 - rho * rho);
    return (a - b * skew * sharpe + c * (kurtosis - 1) / 4 * sharpe * sharpe) / observations;
}

double td_psr_2025(double sharpe, double benchmark, double skew, double kurtosis, double rho, double observations) {
    double variance = td_sharpe_variance(benchmark, skew, kurtosis, rho, observations);
    return variance > 0 ? gsl_cdf_ugaussian_P((sharpe - benchmark) / sqrt(variance)) : NAN;
}

double td_min_trl_2025(double sharpe, double benchmark, double skew, double kurtosis, double rho, double confidence) {
    if (!(sharpe > benchmark)) return INFINITY;
    double z = gsl_cdf_ugaussian_Pinv(confidence) / (sharpe - benchmark);
    return td_sharpe_variance(benchmark, skew, kurtosis, rho, 1) * z * z;
}

/* ---- how many trials ---- */

/* The trials that move, standardised to mean 0 and sum of squares 1: z (periods, *count). */
static double *standardise(const double *returns, int64_t periods, int64_t trials, int64_t *count) {
    double *z = malloc((size_t)(periods * trials) * sizeof *z), *mean = calloc((size_t)trials, 2 * sizeof *mean), *root = mean + trials;
    int64_t *column = malloc((size_t)trials * sizeof *column);
    *count = 0;
    if (z && mean && column) {
        for (int64_t t = 0; t < periods; t++)
            for (int64_t k = 0; k < trials; k++) mean[k] += returns[t * trials + k] / (double)periods;
        for (int64_t t = 0; t < periods; t++)
            for (int64_t k = 0; k < trials; k++) {
                double x = returns[t * trials + k] - mean[k];
                root[k] += x * x;
            }
        for (int64_t k = 0; k < trials; k++)
            if (isfinite(root[k]) && sqrt(root[k]) > 1e-12 * fabs(mean[k]) && root[k] > 0) column[(*count)++] = k;
        for (int64_t t = 0; t < periods; t++)
            for (int64_t i = 0; i < *count; i++) {
                int64_t k = column[i];
                z[t * *count + i] = (returns[t * trials + k] - mean[k]) / sqrt(root[k]);
            }
    }
    bool good = z && mean && column;
    free(mean);
    free(column);
    if (good) return z;
    free(z);
    return NULL;
}

td_status td_effective_trials(const double *returns, int64_t periods, int64_t trials, td_effective *effective, td_error *error) {
    *effective = (td_effective){.mean_correlation = NAN, .by_mean = (double)trials, .by_rank = (double)trials};
    if (periods < 2) return td_fail(error, TD_BAD_ARG, "%lld periods have no correlation, there must be at least 2", (long long)periods);
    int64_t n;
    double *z = standardise(returns, periods, trials, &n);
    int64_t size = n < periods ? n : periods;
    gsl_matrix *gram = z && size > 0 ? gsl_matrix_calloc((size_t)size, (size_t)size) : NULL;
    gsl_vector *values = gram ? gsl_vector_alloc((size_t)size) : NULL;
    gsl_eigen_symm_workspace *work = values ? gsl_eigen_symm_alloc((size_t)size) : NULL;
    if (!z || (size > 0 && !work)) {
        free(z);
        gsl_matrix_free(gram);
        gsl_vector_free(values);
        return td_fail(error, TD_NO_MEMORY, "no memory for the correlations of %lld trials", (long long)trials);
    }
    if (n <= 1) {
        effective->by_mean = effective->by_rank = (double)n;
        free(z);
        gsl_matrix_free(gram);
        gsl_vector_free(values);
        if (work) gsl_eigen_symm_free(work);
        return TD_OK;
    }
    /* the correlation matrix has the eigenvalues of the smaller of z'z and zz', and zeros; the sum of its elements is |sum of columns|^2 */
    double total = 0;
    for (int64_t t = 0; t < periods; t++) {
        double row = 0;
        for (int64_t i = 0; i < n; i++) row += z[t * n + i];
        total += row * row;
    }
    #pragma omp parallel for schedule(dynamic)
    for (int64_t i = 0; i < size; i++)
        for (int64_t j = 0; j <= i; j++) {
            double sum = 0;
            if (size == n && n < periods)
                for (int64_t t = 0; t < periods; t++) sum += z[t * n + i] * z[t * n + j];
            else
                for (int64_t k = 0; k < n; k++) sum += z[i * n + k] * z[j * n + k];
            gsl_matrix_set(gram, (size_t)i, (size_t)j, sum);
            gsl_matrix_set(gram, (size_t)j, (size_t)i, sum);
        }
    gsl_eigen_symm(gram, values, work);
    double entropy = 0;
    for (int64_t i = 0; i < size; i++) {
        double p = gsl_vector_get(values, (size_t)i) / (double)n;
        if (p > 1e-15) entropy -= p * log(p);
    }
    double count = (double)n;
    effective->mean_correlation = (total - count) / (count * (count - 1));
    effective->by_mean = count * (1 - effective->mean_correlation) + effective->mean_correlation;
    if (effective->by_mean > count) effective->by_mean = count;
    if (effective->by_mean < 1) effective->by_mean = 1;
    effective->by_rank = exp(entropy);
    free(z);
    gsl_matrix_free(gram);
    gsl_vector_free(values);
    gsl_eigen_symm_free(work);
    return TD_OK;
}

/* ---- probability of backtest overfitting ---- */

/* Sums over blocks of periods, from which any split is a few additions: of the returns and of their squares. The blocks are in two halves,
 * and for each half all its subsets are summed up beforehand: a split is then one subset of each. */
typedef struct halves {
    int blocks, half;          /* half = blocks / 2: blocks of one half */
    int64_t trials;
    double *sums[2];           /* (2^half, 2, trials): of each subset of that half */
    double *total;             /* (2, trials) */
} halves;

static bool halves_open(halves *h, int blocks, int64_t trials) {
    *h = (halves){.blocks = blocks, .half = blocks / 2, .trials = trials};
    size_t size = ((size_t)1 << h->half) * 2 * (size_t)trials;
    h->sums[0] = malloc(size * sizeof(double));
    h->sums[1] = malloc(size * sizeof(double));
    h->total = malloc(2 * (size_t)trials * sizeof(double));
    return h->sums[0] && h->sums[1] && h->total;
}

static void halves_close(halves *h) {
    free(h->sums[0]);
    free(h->sums[1]);
    free(h->total);
}

/* rows: which period stands at each of the used ones, oldest first. */
static void halves_fill(halves *h, const double *returns, const int64_t *rows, int64_t periods) {
    int64_t length = periods / h->blocks, n = h->trials, wide = 2 * n;
    for (int part = 0; part < 2; part++) {
        double *sums = h->sums[part];
        memset(sums, 0, (size_t)wide * sizeof *sums);
        for (int b = 0; b < h->half; b++) {
            double *single = sums + ((int64_t)1 << b) * wide;
            memset(single, 0, (size_t)wide * sizeof *single);
            for (int64_t t = 0; t < length; t++) {
                const double *r = returns + rows[(part * h->half + b) * length + t] * n;
                for (int64_t k = 0; k < n; k++) {
                    single[k] += r[k];
                    single[n + k] += r[k] * r[k];
                }
            }
            for (int64_t rest = 1; rest < (int64_t)1 << b; rest++) {
                const double *other = sums + rest * wide;
                double *both = sums + (((int64_t)1 << b) + rest) * wide;
                for (int64_t k = 0; k < wide; k++) both[k] = single[k] + other[k];
            }
        }
    }
    const double *all0 = h->sums[0] + (((int64_t)1 << h->half) - 1) * wide, *all1 = h->sums[1] + (((int64_t)1 << h->half) - 1) * wide;
    for (int64_t k = 0; k < wide; k++) h->total[k] = all0[k] + all1[k];
}

/* What a Sharpe ratio orders by; a trial that does not move has none, and is worse than all. */
static double sharpe_of(double sum, double squares, double count) {
    double mean = sum / count, variance = squares / count - mean * mean;
    return variance > 1e-18 * squares ? mean / sqrt(variance * count / (count - 1)) : sum == 0 ? 0 : -INFINITY;
}

/* A split: bits of the blocks inside. */
typedef struct split_result {
    double rank, inside, outside; /* rank: relative, of the best inside among all outside */
    double outside_sum;
    bool above_median;
} split_result;

static split_result look_at_split(const halves *h, uint64_t bits, int64_t periods) {
    int64_t n = h->trials, wide = 2 * n, best = 0;
    uint64_t mask = ((uint64_t)1 << h->half) - 1;
    const double *a = h->sums[0] + (int64_t)(bits & mask) * wide, *b = h->sums[1] + (int64_t)(bits >> h->half & mask) * wide;
    double count = (double)(periods / 2), best_value = -INFINITY;
    for (int64_t k = 0; k < n; k++) {
        double value = sharpe_of(a[k] + b[k], a[n + k] + b[n + k], count);
        if (value > best_value) {
            best_value = value;
            best = k;
        }
    }
    double own_sum = h->total[best] - (a[best] + b[best]);
    double own = sharpe_of(own_sum, h->total[n + best] - (a[n + best] + b[n + best]), count);
    int64_t below = 0, same = 0;
    for (int64_t k = 0; k < n; k++) {
        double value = sharpe_of(h->total[k] - (a[k] + b[k]), h->total[n + k] - (a[n + k] + b[n + k]), count);
        below += value < own;
        same += value == own;
    }
    double rank = (double)below + ((double)same + 1) / 2; /* average of ties, 1 to n */
    return (split_result){.rank = rank / (double)(n + 1), .inside = best_value, .outside = own, .outside_sum = own_sum,
                          .above_median = rank > ((double)n + 1) / 2};
}

/* The next number with as many bits. */
static uint64_t next_combination(uint64_t bits) {
    uint64_t low = bits & -bits, up = bits + low;
    return up | ((bits ^ up) / low >> 2);
}

static int64_t combinations(int blocks) {
    int64_t count = 1;
    for (int i = 1; i <= blocks / 2; i++) count = count * (blocks / 2 + i) / i;
    return count;
}

/* Share of splits at or below the median, over all of them or over `some` that are spread evenly. */
static double probability_of(const halves *h, const uint64_t *splits, int64_t count, int64_t some, int64_t periods) {
    int64_t low = 0, looked = 0;
    for (int64_t i = 0; i < some; i++, looked++) low += look_at_split(h, splits[i * count / some], periods).rank <= 0.5;
    return looked ? (double)low / (double)looked : NAN;
}

static void summarise(const split_result *results, int64_t count, double *logits, td_pbo *pbo) {
    double n = (double)count, sx = 0, sy = 0, sxx = 0, sxy = 0;
    int64_t low = 0, lost = 0, above = 0, pairs = 0;
    for (int64_t i = 0; i < count; i++) {
        double w = results[i].rank;
        logits[i] = log(w / (1 - w));
        pbo->mean_logit += logits[i] / n;
        low += w <= 0.5;
        lost += results[i].outside_sum < 0;
        above += results[i].above_median;
        int part = (int)(w * 20);
        pbo->histogram[part < 20 ? part : 19]++;
        if (!isfinite(results[i].inside) || !isfinite(results[i].outside)) continue;
        pairs++;
        sx += results[i].inside;
        sy += results[i].outside;
    }
    double mx = sx / (double)pairs, my = sy / (double)pairs;
    for (int64_t i = 0; i < count; i++) {
        if (!isfinite(results[i].inside) || !isfinite(results[i].outside)) continue;
        sxx += (results[i].inside - mx) * (results[i].inside - mx);
        sxy += (results[i].inside - mx) * (results[i].outside - my);
    }
    qsort(logits, (size_t)count, sizeof *logits, td_compare_doubles);
    pbo->median_logit = count % 2 ? logits[count / 2] : (logits[count / 2 - 1] + logits[count / 2]) / 2;
    pbo->probability = (double)low / n;
    pbo->loss = (double)lost / n;
    pbo->dominance = (double)above / n;
    pbo->slope = sxx > 0 ? sxy / sxx : NAN;
    pbo->intercept = my - pbo->slope * mx;
}

/* The interval: periods are drawn again, and each time the probability is looked at anew, over some of the splits. They are drawn inside
 * each block: drawn from all, one period would be inside and outside at once, and choosing would seem to work. */
static td_status bootstrap_interval(const double *returns, int64_t first, int64_t periods, int64_t trials, int blocks, const uint64_t *splits,
                                    int64_t split_count, int64_t replicates, uint64_t seed, td_pbo *pbo, td_error *error) {
    enum { SPLITS_MAX = 256 };
    int64_t some = split_count < SPLITS_MAX ? split_count : SPLITS_MAX;
    double *mean = malloc((size_t)periods * sizeof *mean), *found = malloc((size_t)replicates * sizeof *found);
    int64_t *rows = malloc((size_t)(periods * replicates) * sizeof *rows);
    bool lacking = !mean || !found || !rows;
    for (int64_t t = 0; t < periods && !lacking; t++) {
        mean[t] = 0;
        for (int64_t k = 0; k < trials; k++) mean[t] += returns[(first + t) * trials + k] / (double)trials;
    }
    if (!lacking) {
        td_bootstrap draws = td_bootstrap_start(seed, td_block_length(mean, periods, NULL));
        int64_t length = periods / blocks;
        for (int64_t r = 0; r < replicates; r++)
            for (int64_t b = 0; b < blocks; b++) {
                int64_t *row = rows + r * periods + b * length;
                td_bootstrap_row(&draws, length, row);
                for (int64_t t = 0; t < length; t++) row[t] += first + b * length;
            }
        #pragma omp parallel reduction(|| : lacking)
        {
            halves h;
            bool good = halves_open(&h, blocks, trials);
            lacking = lacking || !good;
            #pragma omp for schedule(dynamic)
            for (int64_t r = 0; r < replicates; r++) {
                if (!good) continue;
                halves_fill(&h, returns, rows + r * periods, periods);
                found[r] = probability_of(&h, splits, split_count, some, periods);
            }
            halves_close(&h);
        }
    }
    if (!lacking) {
        qsort(found, (size_t)replicates, sizeof *found, td_compare_doubles);
        pbo->low = found[(int64_t)(0.05 * (double)(replicates - 1))];
        pbo->high = found[(int64_t)ceil(0.95 * (double)(replicates - 1))];
    }
    free(mean);
    free(found);
    free(rows);
    return lacking ? td_fail(error, TD_NO_MEMORY, "no memory for the bootstrap of %lld trials", (long long)trials) : TD_OK;
}

td_status td_pbo_make(const double *returns, int64_t periods, int64_t trials, int blocks, int64_t replicates, uint64_t seed, td_pbo *pbo,
                      td_error *error) {
    *pbo = (td_pbo){.probability = NAN, .low = NAN, .high = NAN};
    if (blocks < 2 || blocks > 20 || blocks % 2)
        return td_fail(error, TD_BAD_ARG, "the number of blocks is %d, must be even and 2 to 20", blocks);
    if (trials < 2) return td_fail(error, TD_BAD_ARG, "%lld trial: overfitting is choosing among at least 2", (long long)trials);
    if (periods < 2 * blocks)
        return td_fail(error, TD_BAD_ARG, "%lld periods do not make %d blocks of at least 2", (long long)periods, blocks);
    int64_t first = periods % blocks, count = combinations(blocks);
    pbo->periods = periods - first;
    pbo->splits = count;
    halves h;
    bool good = halves_open(&h, blocks, trials);
    uint64_t *splits = malloc((size_t)count * sizeof *splits);
    int64_t *rows = malloc((size_t)pbo->periods * sizeof *rows);
    split_result *results = malloc((size_t)count * sizeof *results);
    double *logits = malloc((size_t)count * sizeof *logits);
    td_status status = good && splits && rows && results && logits
                           ? TD_OK : td_fail(error, TD_NO_MEMORY, "no memory for %lld splits of %lld trials", (long long)count, (long long)trials);
    if (status == TD_OK) {
        splits[0] = ((uint64_t)1 << blocks / 2) - 1;
        for (int64_t i = 1; i < count; i++) splits[i] = next_combination(splits[i - 1]);
        for (int64_t t = 0; t < pbo->periods; t++) rows[t] = first + t;
        halves_fill(&h, returns, rows, pbo->periods);
        #pragma omp parallel for schedule(static)
        for (int64_t i = 0; i < count; i++) results[i] = look_at_split(&h, splits[i], pbo->periods);
        summarise(results, count, logits, pbo);
        if (replicates > 1)
            status = bootstrap_interval(returns, first, pbo->periods, trials, blocks, splits, count, replicates, seed, pbo, error);
    }
    halves_close(&h);
    free(splits);
    free(rows);
    free(results);
    free(logits);
    return status;
}
