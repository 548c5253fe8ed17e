/* See importance.h. */
#include "sweeps/importance.h"

#include <gsl/gsl_cdf.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "base/sorted.h"

enum { GRID = 50, LEAST_SCORES = 20 };

/* ---- importance ---- */

/* Where values of an axis fall: the places of its grid, evenly spread; or, of few distinct values, one for each. */
typedef struct places {
    int count;
    uint8_t *of;  /* (rows) */
} places;

static int64_t distinct(const double *values, int64_t rows, double *sorted) {
    memcpy(sorted, values, (size_t)rows * sizeof *sorted);
    qsort(sorted, (size_t)rows, sizeof *sorted, td_compare_doubles);
    int64_t count = rows > 0;
    for (int64_t i = 1; i < rows; i++)
        if (sorted[i] != sorted[count - 1]) sorted[count++] = sorted[i];
    return count;
}

static int64_t place_among(const double *sorted, int64_t count, double value) {
    int64_t low = 0, high = count - 1;
    while (low < high) {
        int64_t middle = (low + high) / 2;
        if (sorted[middle] < value)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void find_places(const double *values, int64_t rows, double *scratch, places *p) {
    int64_t count = distinct(values, rows, scratch);
    double low = scratch[0], width = scratch[count - 1] - low;
    p->count = count <= GRID ? (int)count : GRID;
    for (int64_t r = 0; r < rows; r++) {
        int64_t at = count <= GRID ? place_among(scratch, count, values[r]) : (int64_t)((values[r] - low) / width * (GRID - 1) + 0.5);
        p->of[r] = (uint8_t)at;
    }
}

/* Kernel density over the places: Scott's width, at least such that half of a kernel stays within a place, and one more count spread evenly. */
static void density(const double *counts, int places, double *out) {
    double n = 0, sum = 0, squares = 0;
    for (int i = 0; i < places; i++) {
        n += counts[i];
        sum += counts[i] * i;
        squares += counts[i] * i * i;
    }
    double mean = sum / n, deviation = sqrt(fmax(squares / n - mean * mean, 0)), quarter[2] = {0, 0}, seen = 0;
    for (int i = 0; i < places; i++) { /* quartiles */
        for (int q = 0; q < 2; q++)
            if (seen < n * (q ? 0.75 : 0.25) && seen + counts[i] >= n * (q ? 0.75 : 0.25)) quarter[q] = i;
        seen += counts[i];
    }
    double sigma = 1.059 * fmin((quarter[1] - quarter[0]) / 1.34, deviation) * pow(n, -0.2), least = 0.5 / 1.64;
    if (!(sigma > least)) sigma = least;
    double kernel[GRID];
    for (int d = 0; d < places; d++) kernel[d] = gsl_cdf_ugaussian_P((d + 0.5) / sigma) - gsl_cdf_ugaussian_P((d - 0.5) / sigma);
    for (int i = 0; i < places; i++) out[i] = 1.0 / places;
    for (int j = 0; j < places; j++) {
        if (counts[j] == 0) continue;
        double inside = 0;
        for (int i = 0; i < places; i++) inside += kernel[i > j ? i - j : j - i];
        for (int i = 0; i < places; i++) out[i] += counts[j] * kernel[i > j ? i - j : j - i] / inside;
    }
    for (int i = 0; i < places; i++) out[i] /= n + 1;
}

/* Pearson divergence of the best from all. times (rows): how often each trial counts; order: trials, best first. */
static double divergence(const places *p, const int32_t *times, const int64_t *order, int64_t rows) {
    double all[GRID] = {0}, top[GRID] = {0}, of_all[GRID], of_top[GRID], found = 0, wanted = ceil((double)rows / 10);
    for (int64_t i = 0; i < rows; i++) {
        double count = times[order[i]];
        all[p->of[order[i]]] += count;
        double still = fmin(count, wanted - found);
        if (still <= 0) continue;
        top[p->of[order[i]]] += still;
        found += still;
    }
    density(all, p->count, of_all);
    density(top, p->count, of_top);
    double sum = 0;
    for (int i = 0; i < p->count; i++) sum += of_all[i] * (of_top[i] / of_all[i] - 1) * (of_top[i] / of_all[i] - 1);
    return sum;
}

typedef struct scored {
    double score;
    int64_t row;
} scored;

static int best_first(const void *left, const void *right) {
    const scored *a = left, *b = right;
    return a->score > b->score ? -1 : a->score < b->score ? 1 : a->row < b->row ? -1 : a->row > b->row;
}

static void shares_of(const places *p, int axes, const int32_t *times, const int64_t *order, int64_t rows, double *share) {
    double total = 0;
    for (int a = 0; a < axes; a++) total += share[a] = p[a].count > 1 ? divergence(&p[a], times, order, rows) : 0;
    for (int a = 0; a < axes; a++) share[a] = p[a].count > 1 && total > 0 ? share[a] / total : NAN;
}

td_status td_importance_make(const double *const *axis, int axes, const double *score, int64_t rows, int64_t replicates, uint64_t seed,
                             td_importance *importance, td_error *error) {
    size_t n = (size_t)rows, m = (size_t)axes;
    int64_t count = 0;
    scored *best = malloc(n * sizeof *best);
    size_t room = (size_t)replicates > 2 * n ? (size_t)replicates : 2 * n; /* values and their order; later what was drawn */
    double *values = malloc(room * sizeof *values), *share = malloc(m * (size_t)(replicates + 1) * sizeof *share);
    int64_t *order = malloc(n * sizeof *order);
    int32_t *times = malloc(n * sizeof *times);
    places *p = calloc(m, sizeof *p);
    uint8_t *of = malloc(n * m);
    td_status status = best && values && share && order && times && p && of
                           ? TD_OK : td_fail(error, TD_NO_MEMORY, "no memory for the importance of %d parameters", axes);
    for (int64_t r = 0; r < rows && status == TD_OK; r++)
        if (isfinite(score[r])) best[count++] = (scored){score[r], r};
    if (status == TD_OK && count < LEAST_SCORES)
        status = td_fail(error, TD_BAD_ARG, "%lld trials have a score, and what matters can be said of %d or more", (long long)count, LEAST_SCORES);
    if (status == TD_OK) {
        qsort(best, (size_t)count, sizeof *best, best_first);
        for (int64_t i = 0; i < count; i++) {
            order[i] = i;
            times[i] = 1;
        }
        for (int a = 0; a < axes; a++) {
            p[a].of = of + (size_t)a * n;
            for (int64_t i = 0; i < count; i++) values[i] = axis[a][best[i].row];
            find_places(values, count, values + count, &p[a]);
        }
        shares_of(p, axes, times, order, count, share);
        for (int64_t b = 0; b < replicates; b++) {
            memset(times, 0, (size_t)count * sizeof *times);
            for (int64_t i = 0; i < count; i++)
                times[(int64_t)(td_random_uniform(seed, TD_PURPOSE_BOOTSTRAP, (uint64_t)b, (uint64_t)i) * (double)count)]++;
            shares_of(p, axes, times, order, count, share + (b + 1) * axes);
        }
        for (int a = 0; a < axes; a++) {
            importance[a] = (td_importance){share[a], NAN, NAN};
            if (replicates < 1 || isnan(share[a])) continue;
            for (int64_t b = 0; b < replicates; b++) values[b] = share[(b + 1) * axes + a];
            qsort(values, (size_t)replicates, sizeof *values, td_compare_doubles);
            importance[a].low = values[(int64_t)(0.05 * (double)(replicates - 1))];
            importance[a].high = values[(int64_t)ceil(0.95 * (double)(replicates - 1))];
        }
    }
    free(best);
    free(values);
    free(share);
    free(order);
    free(times);
    free(p);
    free(of);
    return status;
}

/* ---- neighbours ---- */

/* Where a row lies: the number that its places along the axes write, and which row it is. */
typedef struct located {
    uint64_t key;
    int64_t row;
} located;

static int by_key(const void *left, const void *right) {
    const located *a = left, *b = right;
    return a->key < b->key ? -1 : a->key > b->key ? 1 : a->row < b->row ? -1 : a->row > b->row;
}

static const located *find_key(const located *sorted, int64_t count, uint64_t key) {
    int64_t low = 0, high = count;
    while (low < high) {
        int64_t middle = (low + high) / 2;
        if (sorted[middle].key < key)
            low = middle + 1;
        else
            high = middle;
    }
    return low < count && sorted[low].key == key ? &sorted[low] : NULL;
}

td_status td_neighbours(const double *const *axis, int axes, const double *score, int64_t rows, double *neighbour, int64_t *pairs,
                        td_error *error) {
    *pairs = 0;
    located *sorted = calloc((size_t)rows, sizeof *sorted);
    double *values = malloc((size_t)rows * sizeof *values);
    uint64_t *weight = malloc((size_t)axes * sizeof *weight), *count = malloc((size_t)axes * sizeof *count), size = 1;
    if (!sorted || !values || !weight || !count) {
        free(sorted);
        free(values);
        free(weight);
        free(count);
        return td_fail(error, TD_NO_MEMORY, "no memory for the neighbours of %lld sets", (long long)rows);
    }
    bool fits = true;
    for (int64_t r = 0; r < rows; r++) sorted[r].row = r;
    for (int a = 0; a < axes && fits; a++) {
        count[a] = (uint64_t)distinct(axis[a], rows, values);
        weight[a] = size;
        for (int64_t r = 0; r < rows; r++) sorted[r].key += size * (uint64_t)place_among(values, (int64_t)count[a], axis[a][r]);
        fits = count[a] < UINT64_MAX / 4 / size;
        size *= count[a];
    }
    for (int64_t r = 0; r < rows; r++) neighbour[r] = isfinite(score[r]) ? score[r] : NAN;
    if (fits) qsort(sorted, (size_t)rows, sizeof *sorted, by_key);
    for (int64_t i = 0; i < rows && fits; i++)
        for (int a = 0; a < axes; a++) {
            if (sorted[i].key / weight[a] % count[a] + 1 == count[a]) continue;
            const located *next = find_key(sorted, rows, sorted[i].key + weight[a]);
            if (!next) continue;
            int64_t one = sorted[i].row, other = next->row;
            ++*pairs;
            /* one without a score says nothing good of those beside it, and nothing bad */
            if (isfinite(score[other]) && score[other] < neighbour[one]) neighbour[one] = score[other];
            if (isfinite(score[one]) && score[one] < neighbour[other]) neighbour[other] = score[one];
        }
    free(sorted);
    free(values);
    free(weight);
    free(count);
    return TD_OK;
}
