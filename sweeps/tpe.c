/* The tree-structured Parzen estimator. See sampler.h.
 *
 * The tries so far are parted in two: the best tenth (at most 25), and the rest with those that are not answered yet. Each part becomes a
 * mixture with a kernel on each of its points, one more over the whole space (the prior), and weights that fall with age. Candidates are
 * drawn from the mixture of the good ones, and the one that is likeliest there, compared with the other mixture, is suggested.
 *
 * Kernels are products over the dimensions of normal distributions cut off at the ends of the span. The width of a point's kernel in a
 * dimension is its distance to the farther of the two neighbouring points of its part (the first and the last have one neighbour; a single
 * point those that the ends are), at least the span over min(100, points + 2), at most the span. */
#include <gsl/gsl_cdf.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/math.h"
#include "base/random.h"
#include "sweeps/sampler_parts.h"

static const double half_log_2pi = 0.91893853320467274178;
enum { BELOW_MAX = 25, YOUNG = 25 };

/* Logarithm of what a standard normal distribution has between a and b. */
static double log_mass(double a, double b) {
    double mass = a > 0 ? gsl_cdf_ugaussian_Q(a) - gsl_cdf_ugaussian_Q(b) : gsl_cdf_ugaussian_P(b) - gsl_cdf_ugaussian_P(a);
    return log(mass > 1e-300 ? mass : 1e-300);
}

int64_t td_parzen_size(const td_sampler_def *def, int64_t points) { return (points + 1) * (2 + 2 * def->dimensions) + 2 * points + 2; }

/* Young ones weigh 1; of more than 25 the older ones less, in equal steps down to one over their number. The prior weighs 1. */
static void weigh(int64_t points, double *log_weight) {
    double sum = 1;
    int64_t old = points - YOUNG;
    for (int64_t i = 0; i <= points; i++) {
        double weight = 1;
        if (i < points && i < old) {
            double first = 1 / (double)points;
            weight = old > 1 ? first + (1 - first) * (double)i / (double)(old - 1) : first;
        }
        if (i < points) sum += weight;
        log_weight[i] = weight;
    }
    for (int64_t i = 0; i <= points; i++) log_weight[i] = log(log_weight[i] / sum);
}

typedef struct ranked {
    double x;
    int64_t component;
} ranked;

static int by_place(const void *left, const void *right) {
    const ranked *a = left, *b = right;
    return a->x < b->x ? -1 : a->x > b->x ? 1 : a->component < b->component ? -1 : a->component > b->component;
}

/* Widths of one dimension. sorted (points). */
static void set_widths(td_parzen *p, int d, td_span span, ranked *sorted) {
    int64_t points = p->components - 1, n = p->def->dimensions;
    double width = span.high - span.low, least = width / (points + 2 < 100 ? (double)(points + 2) : 100);
    for (int64_t i = 0; i < points; i++) sorted[i] = (ranked){p->mu[i * n + d], i};
    qsort(sorted, (size_t)points, sizeof *sorted, by_place);
    for (int64_t i = 0; i < points; i++) {
        double left = i > 0 ? sorted[i].x - sorted[i - 1].x : points > 1 ? 0 : sorted[i].x - span.low;
        double right = i + 1 < points ? sorted[i + 1].x - sorted[i].x : points > 1 ? 0 : span.high - sorted[i].x;
        double sigma = left > right ? left : right;
        p->sigma[sorted[i].component * n + d] = sigma < least ? least : sigma > width ? width : sigma;
    }
}

td_parzen td_parzen_make(const td_sampler_def *def, const double *points, int64_t count, double *memory) {
    int64_t n = def->dimensions, all = (count + 1) * n;
    td_parzen p = {.def = def, .components = count + 1, .log_weight = memory, .log_scale = memory + count + 1, .mu = memory + 2 * (count + 1)};
    p.sigma = p.mu + all;
    ranked *sorted = (ranked *)(void *)(p.sigma + all);
    weigh(count, p.log_weight);
    memcpy(p.log_scale, p.log_weight, (size_t)p.components * sizeof *p.log_scale);
    for (int d = 0; d < n; d++) {
        const td_dimension *dimension = &def->dimension[d];
        td_span span = td_span_of(dimension);
        for (int64_t i = 0; i < count; i++) p.mu[i * n + d] = td_coordinate(dimension, points[i * n + d]);
        p.mu[count * n + d] = (span.low + span.high) / 2;
        p.sigma[count * n + d] = span.high - span.low;
        if (dimension->choices > 0) continue;
        set_widths(&p, d, span, sorted);
        for (int64_t i = 0; i <= count; i++) {
            double mu = p.mu[i * n + d], sigma = p.sigma[i * n + d];
            p.log_scale[i] -= log_mass((span.low - mu) / sigma, (span.high - mu) / sigma);
            if (dimension->step == 0) p.log_scale[i] -= half_log_2pi + log(sigma);
        }
    }
    return p;
}

/* Probability of a choice by a component: its own has one more share of points + 1 than the others. */
static double log_choice(const td_parzen *p, int64_t i, int d, double choice) {
    double choices = (double)p->def->dimension[d].choices, count = (double)p->components;
    if (i == p->components - 1) return -log(choices);
    double own = p->mu[i * p->def->dimensions + d] == choice ? 1 : 0;
    return log((own + 1 / count) / (1 + choices / count));
}

double td_parzen_log(const td_parzen *p, const double *point) {
    int64_t n = p->def->dimensions;
    double largest = -INFINITY, sum = 0, x[TD_DIMENSIONS_MAX], near[TD_DIMENSIONS_MAX], far[TD_DIMENSIONS_MAX];
    for (int d = 0; d < n; d++) {
        const td_dimension *dimension = &p->def->dimension[d];
        x[d] = td_coordinate(dimension, point[d]);
        if (dimension->step == 0 || dimension->choices > 0) continue;
        near[d] = td_coordinate(dimension, point[d] - dimension->step / 2);
        far[d] = td_coordinate(dimension, point[d] + dimension->step / 2);
    }
    for (int64_t i = 0; i < p->components; i++) {
        double log_density = p->log_scale[i], square = 0;
        for (int d = 0; d < n; d++) {
            const td_dimension *dimension = &p->def->dimension[d];
            if (dimension->choices > 0) {
                log_density += log_choice(p, i, d, point[d]);
                continue;
            }
            double mu = p->mu[i * n + d], sigma = p->sigma[i * n + d];
            if (dimension->step > 0)
                log_density += log_mass((near[d] - mu) / sigma, (far[d] - mu) / sigma);
            else {
                double z = (x[d] - mu) / sigma;
                square += z * z;
            }
        }
        log_density -= square / 2;
        /* a sum of exponentials, whatever their size */
        if (log_density > largest) {
            sum = sum * exp(largest - log_density) + 1;
            largest = log_density;
        } else
            sum += exp(log_density - largest);
    }
    return largest + log(sum);
}

/* A draw from the mixture: a component, then each dimension of its kernel. */
static void draw(const td_parzen *p, uint64_t number, uint64_t candidate, double *point) {
    const td_sampler_def *def = p->def;
    uint64_t counter = candidate * (TD_DIMENSIONS_MAX + 1);
    double left = td_random_uniform(def->seed, TD_PURPOSE_SEARCH, number, counter);
    int64_t i = 0;
    for (; i + 1 < p->components && (left -= exp(p->log_weight[i])) > 0; i++) {}
    for (int d = 0; d < def->dimensions; d++) {
        const td_dimension *dimension = &def->dimension[d];
        double u = td_random_uniform(def->seed, TD_PURPOSE_SEARCH, number, counter + 1 + (uint64_t)d);
        if (dimension->choices > 0) {
            int64_t choice = 0;
            for (; choice + 1 < dimension->choices && (u -= exp(log_choice(p, i, d, (double)choice))) > 0; choice++) {}
            point[d] = (double)choice;
            continue;
        }
        td_span span = td_span_of(dimension);
        double mu = p->mu[i * def->dimensions + d], sigma = p->sigma[i * def->dimensions + d];
        double low = gsl_cdf_ugaussian_P((span.low - mu) / sigma), high = gsl_cdf_ugaussian_P((span.high - mu) / sigma);
        double x = mu + sigma * gsl_cdf_ugaussian_Pinv(low + u * (high - low));
        point[d] = td_value_at(dimension, x < span.low ? span.low : x > span.high ? span.high : x);
    }
}

/* What order tries go by: done ones that break no constraint by value, then others by how far they break them. */
typedef struct rank {
    double violation, value;
    int64_t at;
} rank;

static int by_merit(const void *left, const void *right) {
    const rank *a = left, *b = right;
    if (a->violation != b->violation) return a->violation < b->violation ? -1 : 1;
    if (a->value != b->value) return a->value < b->value ? -1 : 1;
    return a->at < b->at ? -1 : a->at > b->at;
}

bool td_tpe_suggest(td_sampler *s, int64_t number, double *point) {
    int64_t n = s->def.dimensions, count = s->count, done = 0;
    int64_t size = 3 * count + count + 2 * count * n + td_parzen_size(&s->def, count) * 2;
    double *memory = td_sampler_scratch(s, size);
    if (!memory) return false;
    rank *ranks = (rank *)(void *)memory;
    bool *good = (bool *)(void *)(memory + 3 * count);
    double *below = memory + 4 * count, *above = below + count * n, *rest = above + count * n;
    for (int64_t i = 0; i < count; i++) {
        good[i] = false;
        if (s->tries[i].state == TD_TRY_DONE) ranks[done++] = (rank){s->tries[i].violation, s->tries[i].value, i};
    }
    qsort(ranks, (size_t)done, sizeof *ranks, by_merit);
    int64_t wanted = (done + 9) / 10, few = wanted < BELOW_MAX ? wanted : BELOW_MAX, many = 0;
    for (int64_t i = 0; i < few; i++) good[ranks[i].at] = true;
    few = 0;
    for (int64_t i = 0; i < count; i++) {
        if (s->tries[i].state == TD_TRY_FAILED) continue;
        double *to = good[i] ? below + few++ * n : above + many++ * n;
        memcpy(to, s->points + i * n, (size_t)n * sizeof *to);
    }
    td_parzen low = td_parzen_make(&s->def, below, few, rest);
    td_parzen high = td_parzen_make(&s->def, above, many, rest + td_parzen_size(&s->def, few));
    double best = -INFINITY, candidate[TD_DIMENSIONS_MAX];
    for (int64_t c = 0; c < s->def.candidates; c++) {
        draw(&low, (uint64_t)number, (uint64_t)c, candidate);
        double gain = td_parzen_log(&low, candidate) - td_parzen_log(&high, candidate);
        if (c > 0 && !(gain > best)) continue;
        best = gain;
        memcpy(point, candidate, (size_t)n * sizeof *point);
    }
    return true;
}
