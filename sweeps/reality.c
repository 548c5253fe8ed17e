/* See reality.h. */
#include "sweeps/reality.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/sorted.h"

/* ---- the stationary bootstrap ---- */

/* splitmix64: Steele, Lea, Flood, Fast splittable pseudorandom number generators (2014). */
static double uniform(uint64_t *state) {
    uint64_t z = *state += 0x9E3779B97F4A7C15ull;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9ull;
    z = (z ^ z >> 27) * 0x94D049BB133111EBull;
    return (double)((z ^ z >> 31) >> 11) * 0x1p-53;
}

td_bootstrap td_bootstrap_start(uint64_t seed, double block_length) { return (td_bootstrap){.state = seed, .chance = 1 / block_length}; }

void td_bootstrap_row(td_bootstrap *bootstrap, int64_t periods, int64_t *row) {
    for (int64_t t = 0; t < periods; t++) {
        double begins = uniform(&bootstrap->state), where = uniform(&bootstrap->state);
        if (t == 0 || begins < bootstrap->chance)
            row[t] = (int64_t)(where * (double)periods);
        else
            row[t] = row[t - 1] + 1 < periods ? row[t - 1] + 1 : 0;
    }
}

double td_block_length(const double *series, int64_t count, double *circular) {
    double n = (double)count, mean = 0, own;
    if (!circular) circular = &own;
    *circular = 1;
    if (count < 8) return 1;
    for (int64_t t = 0; t < count; t++) mean += series[t] / n;
    int64_t most = (int64_t)ceil(fmin(3 * sqrt(n), n / 3)), run = (int64_t)log10(n);
    if (run < 5) run = 5;
    int64_t lags = (int64_t)ceil(sqrt(n)) + run, quiet = 0, chosen = -1;
    if (lags > count - 2) lags = count - 2;
    double *covariance = malloc((size_t)(lags + 1) * sizeof *covariance);
    if (!covariance) return 1;
    /* the first lag after which `run` correlations in a row are within the band of none */
    double band = 2 * sqrt(log10(n) / n);
    for (int64_t i = 0; i <= lags; i++) {
        double cross = 0, early = 0, late = 0;
        for (int64_t t = i; t < count; t++) cross += (series[t] - mean) * (series[t - i] - mean);
        for (int64_t t = i + 1; t < count; t++) {
            late += (series[t] - mean) * (series[t] - mean);
            early += (series[t - i - 1] - mean) * (series[t - i - 1] - mean);
        }
        covariance[i] = cross / n;
        if (chosen >= 0 || i == 0) continue;
        quiet = fabs(cross) < band * sqrt(early * late) ? quiet + 1 : 0;
        if (quiet == run) chosen = i - run;
    }
    int64_t window = chosen >= 0 ? 2 * (chosen > 1 ? chosen : 1) : lags;
    if (window > lags) window = lags;
    double g = 0, spectrum = covariance[0];
    for (int64_t k = 1; k <= window; k++) {
        double share = (double)k / (double)window, weight = share <= 0.5 ? 1 : 2 * (1 - share);
        g += 2 * weight * (double)k * covariance[k];
        spectrum += 2 * weight * covariance[k];
    }
    free(covariance);
    double cap = (double)most;
    *circular = fmin(cbrt(2 * g * g / (4.0 / 3 * spectrum * spectrum) * n), cap);
    double length = fmin(cbrt(2 * g * g / (2 * spectrum * spectrum) * n), cap);
    if (!(*circular >= 1)) *circular = 1;
    return length >= 1 ? length : 1;
}

/* ---- the tests ---- */

td_reality_def td_default_reality_def(void) { return (td_reality_def){.replicates = 1000, .alpha = 0.05, .seed = 1}; }

static double typical_length(const double *d, int64_t periods, int64_t trials) {
    enum { LOOKED_MAX = 100 };
    int64_t looked = trials < LOOKED_MAX ? trials : LOOKED_MAX;
    double lengths[LOOKED_MAX], *series = malloc((size_t)periods * sizeof *series);
    if (!series) return 1;
    for (int64_t i = 0; i < looked; i++) {
        int64_t k = i * trials / looked;
        for (int64_t t = 0; t < periods; t++) series[t] = d[t * trials + k];
        lengths[i] = td_block_length(series, periods, NULL);
    }
    free(series);
    qsort(lengths, (size_t)looked, sizeof *lengths, td_compare_doubles);
    return lengths[looked / 2];
}

/* Variance of sqrt(n) times the mean under the bootstrap (Hansen 2005, equation 9): autocovariances with the kernel of q. */
static double long_run_variance(const double *d, int64_t periods, int64_t trials, int64_t k, double mean, double q) {
    double n = (double)periods, total = 0;
    for (int64_t i = 0; i < periods; i++) {
        double kernel = i == 0 ? 1 : (n - (double)i) / n * pow(1 - q, (double)i) + (double)i / n * pow(1 - q, n - (double)i);
        if (i > 0 && kernel < 1e-18) continue;
        double covariance = 0;
        for (int64_t t = i; t < periods; t++) covariance += (d[t * trials + k] - mean) * (d[(t - i) * trials + k] - mean);
        total += (i == 0 ? 1 : 2) * kernel * covariance / n;
    }
    return total;
}

/* Ways to recentre: what is taken off a bootstrapped mean. */
enum { LOWER, CONSISTENT, UPPER, WAYS };

/* Largest over the trials that are still in, for one replicate, studentised or not. */
typedef struct extremes {
    double plain[WAYS], studentised[WAYS];
} extremes;

typedef struct trial_facts {
    double *mean, *deviation; /* (trials) deviation: of the mean times root n */
    double *center[WAYS];     /* (trials) */
} trial_facts;

static extremes extremes_of(const double *means, const trial_facts *facts, int64_t trials, double root) {
    extremes e = {{0}, {0}};
    for (int64_t k = 0; k < trials; k++)
        for (int way = 0; way < WAYS; way++) {
            double value = root * (means[k] - facts->center[way][k]);
            if (value > e.plain[way]) e.plain[way] = value;
            if (facts->deviation[k] > 0 && value / facts->deviation[k] > e.studentised[way]) e.studentised[way] = value / facts->deviation[k];
        }
    return e;
}

/* Means of each replicate: (replicates, trials). A row of the bootstrap is how often each period occurs. */
static void resample(const double *d, int64_t periods, int64_t trials, int64_t replicates, const int64_t *rows, double *means) {
    #pragma omp parallel for schedule(static)
    for (int64_t b = 0; b < replicates; b++) {
        double *mean = means + b * trials;
        memset(mean, 0, (size_t)trials * sizeof *mean);
        for (int64_t t = 0; t < periods; t++) {
            const double *from = d + rows[b * periods + t] * trials;
            for (int64_t k = 0; k < trials; k++) mean[k] += from[k];
        }
        for (int64_t k = 0; k < trials; k++) mean[k] /= (double)periods;
    }
}

/* Romano and Wolf: what is above the critical value is out, and the rest is held to its own. */
static int64_t step_down(const trial_facts *facts, const double *means, int64_t trials, int64_t replicates, double root, double alpha,
                         double *largest, bool *out) {
    int64_t rejected = 0;
    memset(out, 0, (size_t)trials * sizeof *out);
    for (bool again = true; again;) {
        for (int64_t b = 0; b < replicates; b++) {
            largest[b] = 0;
            for (int64_t k = 0; k < trials; k++) {
                if (out[k] || !(facts->deviation[k] > 0)) continue;
                double value = root * (means[b * trials + k] - facts->center[CONSISTENT][k]) / facts->deviation[k];
                if (value > largest[b]) largest[b] = value;
            }
        }
        qsort(largest, (size_t)replicates, sizeof *largest, td_compare_doubles);
        double critical = largest[(int64_t)ceil((1 - alpha) * (double)replicates) - 1];
        again = false;
        for (int64_t k = 0; k < trials; k++)
            if (!out[k] && facts->deviation[k] > 0 && root * facts->mean[k] / facts->deviation[k] > critical) {
                out[k] = again = true;
                rejected++;
            }
    }
    return rejected;
}

td_status td_reality_test(const double *d, int64_t periods, int64_t trials, const td_reality_def *def, td_reality *reality, bool *superior,
                          td_error *error) {
    *reality = (td_reality){.best = -1};
    if (periods < 4 || trials < 1)
        return td_fail(error, TD_BAD_ARG, "%lld periods of %lld trials: there must be at least 4 and 1", (long long)periods, (long long)trials);
    if (def->replicates < 1) return td_fail(error, TD_BAD_ARG, "%lld replicates, must be at least 1", (long long)def->replicates);
    for (int64_t i = 0; i < periods * trials; i++)
        if (!isfinite(d[i]))
            return td_fail(error, TD_BAD_ARG, "period %lld of trial %lld is not a finite number", (long long)(i / trials + 1), (long long)(i % trials + 1));
    double length = def->block_length > 0 ? def->block_length : typical_length(d, periods, trials);
    int64_t replicates = def->replicates;
    size_t n = (size_t)trials;
    double *numbers = malloc((2 + WAYS) * n * sizeof *numbers), *means = malloc(n * (size_t)replicates * sizeof *means);
    int64_t *rows = malloc((size_t)(replicates * periods) * sizeof *rows);
    double *largest = malloc((size_t)replicates * sizeof *largest);
    bool *out = malloc(n * sizeof *out);
    if (!numbers || !means || !rows || !largest || !out) {
        free(numbers);
        free(means);
        free(rows);
        free(largest);
        free(out);
        return td_fail(error, TD_NO_MEMORY, "no memory to resample %lld trials %lld times", (long long)trials, (long long)replicates);
    }
    trial_facts facts = {.mean = numbers, .deviation = numbers + n};
    for (int way = 0; way < WAYS; way++) facts.center[way] = numbers + (2 + (size_t)way) * n;

    /* the trials as they are */
    double count = (double)periods, root = sqrt(count), q = 1 / length;
    memset(facts.mean, 0, n * sizeof(double));
    for (int64_t t = 0; t < periods; t++)
        for (int64_t k = 0; k < trials; k++) facts.mean[k] += d[t * trials + k];
    #pragma omp parallel for schedule(static)
    for (int64_t k = 0; k < trials; k++) {
        double mean = facts.mean[k] /= count, variance = long_run_variance(d, periods, trials, k, mean, q);
        facts.deviation[k] = variance > 1e-24 * mean * mean ? sqrt(variance) : 0;
        double hopeless = -sqrt(variance > 0 ? 2 * log(log(count)) * variance / count : 0);
        facts.center[LOWER][k] = mean > 0 ? mean : 0;
        facts.center[CONSISTENT][k] = mean >= hopeless ? mean : 0;
        facts.center[UPPER][k] = mean;
    }
    double plain = 0, studentised = 0;
    for (int64_t k = 0; k < trials; k++) {
        double value = root * facts.mean[k];
        if (reality->best < 0 || value > root * facts.mean[reality->best]) reality->best = k;
        if (value > plain) plain = value;
        if (facts.deviation[k] > 0 && value / facts.deviation[k] > studentised) studentised = value / facts.deviation[k];
    }

    /* and as they might have been */
    td_bootstrap draws = td_bootstrap_start(def->seed, length);
    for (int64_t b = 0; b < replicates; b++) td_bootstrap_row(&draws, periods, rows + b * periods);
    resample(d, periods, trials, replicates, rows, means);
    int64_t above[2][WAYS] = {{0}};
    for (int64_t b = 0; b < replicates; b++) {
        extremes e = extremes_of(means + b * trials, &facts, trials, root);
        for (int way = 0; way < WAYS; way++) {
            above[0][way] += e.plain[way] > plain;
            above[1][way] += e.studentised[way] > studentised;
        }
    }
    double b = (double)replicates;
    reality->block_length = length;
    reality->replicates = replicates;
    reality->plain_lower = (double)above[0][LOWER] / b;
    reality->plain = (double)above[0][CONSISTENT] / b;
    reality->rc = reality->plain_upper = (double)above[0][UPPER] / b;
    reality->spa_lower = (double)above[1][LOWER] / b;
    reality->spa = (double)above[1][CONSISTENT] / b;
    reality->spa_upper = (double)above[1][UPPER] / b;
    reality->rejected = step_down(&facts, means, trials, replicates, root, def->alpha, largest, out);
    if (superior) memcpy(superior, out, n * sizeof *superior);
    free(numbers);
    free(means);
    free(rows);
    free(largest);
    free(out);
    return TD_OK;
}
