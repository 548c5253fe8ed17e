/* Suggestions of a Gaussian process: where the expected improvement is largest. See sampler.h.
 *
 * Every suggestion fits the process anew to what was told, starting from the last fit, in turn with one and the other of two priors: one
 * trusts short lengths, which finds the bottom of a valley, the other long ones, which finds the valley. Failed tries and those that break constraints
 * count as the worst that was seen. Tries that are not answered yet are believed to become what the process says of them (Kriging
 * believer). The improvement is looked at on Sobol points; from the best of them, the best try, and some more by lot, it is climbed: along
 * continuous dimensions by L-BFGS within the box, along the others value by value.
 *
 * A process that is sure of itself suggests the same place again and again. A point that nearly is one that was tried, for the second time
 * within ten suggestions, is replaced by the Sobol point of which least is known. */
#include <gsl/gsl_qrng.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "sweeps/gp.h"
#include "sweeps/sampler_parts.h"

enum { CANDIDATES = 2048, BATCH = 256, STARTS = 10, MEMORY = 8, CLIMB_MAX = 200, LINE_MAX = 25, PASSES_MAX = 20, FEW_LEVELS = 16, NEAR_WITHIN = 10 };
static const double near_by = 1e-3;

typedef struct td_gp_search {
    td_gp gp;
    double theta[2][TD_GP_THETAS_MAX]; /* where the last fit with each prior ended */
    double *numbers;          /* grown as needed */
    int64_t room, last_near;  /* last_near: number of the last suggestion that nearly was an old one, -100 none */
} td_gp_search;

td_gp_search *td_gp_search_open(const td_sampler_def *def, td_error *error) {
    const td_blas *blas;
    if (td_blas_load(&blas, error) != TD_OK) return NULL;
    td_gp_search *search = calloc(1, sizeof *search);
    if (!search || td_gp_open(blas, def->dimensions, &search->gp, error) != TD_OK) {
        td_fail(error, TD_NO_MEMORY, "no memory for a Gaussian process");
        free(search);
        return NULL;
    }
    for (int d = 0; d < def->dimensions; d++) search->gp.hamming[d] = def->dimension[d].choices > 0;
    for (int prior = 0; prior < 2; prior++) memcpy(search->theta[prior], search->gp.theta, sizeof search->theta[prior]);
    search->last_near = -100;
    return search;
}

void td_gp_search_close(td_gp_search *search) {
    if (!search) return;
    td_gp_close(&search->gp);
    free(search->numbers);
    free(search);
}

/* ---- between values and the unit box ---- */

static double unit_of(const td_dimension *d, double value) {
    if (d->choices > 0) return value;
    td_span span = td_span_of(d);
    return span.high > span.low ? (td_coordinate(d, value) - span.low) / (span.high - span.low) : 0.5;
}

static void units_of(const td_sampler_def *def, const double *point, double *unit) {
    for (int d = 0; d < def->dimensions; d++) unit[d] = unit_of(&def->dimension[d], point[d]);
}

/* A point of the box as one that can be suggested, and where that lies. */
static void settle(const td_sampler_def *def, double *unit, double *point) {
    for (int d = 0; d < def->dimensions; d++) {
        const td_dimension *dimension = &def->dimension[d];
        double value = dimension->choices > 0 ? unit[d] : td_value_of_unit(dimension, unit[d] < 0 ? 0 : unit[d] > 1 ? 1 : unit[d]);
        if (point) point[d] = value;
        unit[d] = unit_of(dimension, value);
    }
}

/* ---- climbing ---- */

typedef struct climb {
    const td_gp *gp;
    const td_sampler_def *def;
    double best;
    double scale[TD_DIMENSIONS_MAX]; /* of continuous dimensions: one over the process' length; 0 of others, which stay */
    double *work;                    /* (4 n) */
} climb;

/* Improvement at scaled coordinates, and its gradient by them. */
static double look(const climb *c, const double *unit, const double *z, double *gradient) {
    double x[TD_DIMENSIONS_MAX], slope[TD_DIMENSIONS_MAX];
    for (int k = 0; k < c->gp->d; k++) x[k] = c->scale[k] > 0 ? z[k] / c->scale[k] : unit[k];
    double value = td_gp_log_ei(c->gp, x, c->best, gradient ? slope : NULL, c->work);
    for (int k = 0; gradient && k < c->gp->d; k++) gradient[k] = c->scale[k] > 0 ? slope[k] / c->scale[k] : 0;
    return value;
}

static double dot(const double *a, const double *b, int d) {
    double sum = 0;
    for (int k = 0; k < d; k++) sum += a[k] * b[k];
    return sum;
}

/* Up, within the box, from unit, which is moved; returns the improvement there. L-BFGS (Nocedal 1980) on the coordinates that are not held
 * at a bound. */
static double climb_continuous(const climb *c, double *unit) {
    int d = c->gp->d, kept = 0, next = 0;
    double z[TD_DIMENSIONS_MAX], g[TD_DIMENSIONS_MAX], s[MEMORY][TD_DIMENSIONS_MAX], y[MEMORY][TD_DIMENSIONS_MAX], rho[MEMORY];
    for (int k = 0; k < d; k++) z[k] = unit[k] * c->scale[k];
    double value = look(c, unit, z, g);
    for (int i = 0; i < CLIMB_MAX; i++) {
        double p[TD_DIMENSIONS_MAX], held = 0, alpha[MEMORY], free_slope[TD_DIMENSIONS_MAX];
        for (int k = 0; k < d; k++) {
            bool stays = c->scale[k] == 0 || (z[k] <= 0 && g[k] < 0) || (z[k] >= c->scale[k] && g[k] > 0);
            p[k] = free_slope[k] = stays ? 0 : g[k];
            held = fmax(held, fabs(p[k]));
        }
        if (!(held > 1e-2)) break;
        for (int m = 0; m < kept; m++) {
            int at = (next - 1 - m + MEMORY) % MEMORY;
            alpha[at] = rho[at] * dot(s[at], p, d);
            for (int k = 0; k < d; k++) p[k] -= alpha[at] * y[at][k];
        }
        if (kept > 0) {
            int at = (next - 1 + MEMORY) % MEMORY;
            double gamma = 1 / (rho[at] * dot(y[at], y[at], d));
            for (int k = 0; k < d; k++) p[k] *= gamma;
        }
        for (int m = kept - 1; m >= 0; m--) {
            int at = (next - 1 - m + MEMORY) % MEMORY;
            double beta = rho[at] * dot(y[at], p, d);
            for (int k = 0; k < d; k++) p[k] += (alpha[at] - beta) * s[at][k];
        }
        for (int k = 0; k < d; k++)
            if (free_slope[k] == 0) p[k] = 0;
        if (!(dot(p, free_slope, d) > 0)) { /* no way up: forget, and go straight */
            kept = 0;
            memcpy(p, free_slope, sizeof p);
        }
        double step = kept > 0 ? 1 : fmin(1, 0.2 / held), moved[TD_DIMENSIONS_MAX], slope[TD_DIMENSIONS_MAX], reached = -INFINITY;
        bool up = false;
        for (int line = 0; line < LINE_MAX && !up; line++, step /= 2) {
            double gain = 0;
            for (int k = 0; k < d; k++) {
                moved[k] = z[k] + step * p[k];
                moved[k] = moved[k] < 0 ? 0 : moved[k] > c->scale[k] ? c->scale[k] : moved[k];
                gain += g[k] * (moved[k] - z[k]);
            }
            reached = look(c, unit, moved, slope);
            up = reached >= value + 1e-4 * gain && reached > value;
        }
        if (!up) break;
        double curvature = 0;
        for (int k = 0; k < d; k++) {
            s[next][k] = moved[k] - z[k];
            y[next][k] = g[k] - slope[k];
            curvature += s[next][k] * y[next][k];
            z[k] = moved[k];
            g[k] = slope[k];
        }
        bool flat = reached - value < 1e-9 * (1 + fabs(value));
        value = reached;
        if (flat) break;
        if (!(curvature > 1e-12)) continue;
        rho[next] = 1 / curvature;
        next = (next + 1) % MEMORY;
        if (kept < MEMORY) kept++;
    }
    for (int k = 0; k < d; k++)
        if (c->scale[k] > 0) unit[k] = z[k] / c->scale[k];
    return value;
}

/* The best value of a dimension that is not continuous, the others as they are: each, of few; else uphill in steps that double and halve. */
static bool climb_levels(const climb *c, int k, double *unit, double *value) {
    const td_dimension *dimension = &c->def->dimension[k];
    double own = unit[k], found = own;
    int64_t levels = dimension->choices > 0 ? dimension->choices : (int64_t)floor((dimension->high - dimension->low) / dimension->step + 1e-9) + 1;
    int64_t at = dimension->choices > 0 ? (int64_t)own
                                        : llround((td_value_of_unit(dimension, own) - dimension->low) / dimension->step), stride = 1, best_at = at;
    bool few = dimension->choices > 0 || levels <= FEW_LEVELS, better = false;
    for (int64_t i = 0; i < (few ? levels : 64); i++) {
        int64_t level = few ? i : at + stride;
        if (level < 0 || level >= levels) {
            if (stride > 1 || stride < -1) stride /= 2;
            else if (stride == 1) stride = -1;
            else break;
            continue;
        }
        unit[k] = dimension->choices > 0 ? (double)level : unit_of(dimension, dimension->low + (double)level * dimension->step);
        double there = unit[k] == own ? *value : td_gp_log_ei(c->gp, unit, c->best, NULL, c->work);
        if (there > *value) {
            *value = there;
            found = unit[k];
            best_at = level;
            better = true;
            if (!few) at = best_at, stride *= 2;
        } else if (!few) {
            if (stride > 1 || stride < -1) stride = stride > 0 ? 1 : -1;
            else if (stride == 1 && !better) stride = -1;
            else break;
        }
    }
    unit[k] = found;
    return better;
}

static double climb_all(const climb *c, double *unit) {
    bool continuous = false, levels = false;
    for (int k = 0; k < c->gp->d; k++) {
        continuous = continuous || c->scale[k] > 0;
        levels = levels || c->scale[k] == 0;
    }
    double value = continuous ? climb_continuous(c, unit) : td_gp_log_ei(c->gp, unit, c->best, NULL, c->work);
    for (int pass = 0; levels && pass < PASSES_MAX; pass++) {
        bool better = false;
        for (int k = 0; k < c->gp->d; k++)
            if (c->scale[k] == 0) better = climb_levels(c, k, unit, &value) || better;
        if (!better) break;
        if (continuous) value = climb_continuous(c, unit);
    }
    return value;
}

/* ---- a suggestion ---- */

/* What was told, larger better, mean 0 and deviation 1: units (n, d), y (n). Those not answered come behind, without y. */
static int64_t gather(const td_sampler *s, double *unit, double *y, int64_t *pending) {
    int64_t n = 0, d = s->def.dimensions;
    double worst = -INFINITY, sum = 0, squares = 0;
    for (int64_t i = 0; i < s->count; i++)
        if (s->tries[i].state == TD_TRY_DONE && s->tries[i].violation == 0 && isfinite(s->tries[i].value)) worst = fmax(worst, s->tries[i].value);
    if (!isfinite(worst)) worst = 0;
    for (int64_t i = 0; i < s->count; i++) {
        const td_try *t = &s->tries[i];
        if (t->state == TD_TRY_PENDING) continue;
        bool good = t->state == TD_TRY_DONE && t->violation == 0 && t->value < worst;
        units_of(&s->def, s->points + i * d, unit + n * d);
        y[n] = good && isfinite(t->value) ? -t->value : -worst;
        sum += y[n++];
    }
    double mean = n ? sum / (double)n : 0;
    for (int64_t i = 0; i < n; i++) squares += (y[i] - mean) * (y[i] - mean);
    double deviation = fmax(sqrt(squares / (double)(n ? n : 1)), 1e-10);
    for (int64_t i = 0; i < n; i++) y[i] = (y[i] - mean) / deviation;
    *pending = 0;
    for (int64_t i = 0; i < s->count; i++)
        if (s->tries[i].state == TD_TRY_PENDING) units_of(&s->def, s->points + i * d, unit + (n + (*pending)++) * d);
    return n;
}

static bool is_near(const td_gp *gp, const double *unit) {
    for (int64_t i = 0; i < gp->n; i++) {
        double farthest = 0;
        for (int k = 0; k < gp->d; k++) farthest = fmax(farthest, fabs(unit[k] - gp->x[i * gp->d + k]));
        if (farthest < near_by) return true;
    }
    return false;
}

/* Sobol points, shifted by the seed and the number, as they can be suggested. */
static bool scatter(const td_sampler_def *def, int64_t number, double *units) {
    gsl_qrng *points = gsl_qrng_alloc(gsl_qrng_sobol, (unsigned)def->dimensions);
    if (!points) return false;
    for (int64_t i = 0; i < CANDIDATES; i++) {
        double *unit = units + i * def->dimensions;
        gsl_qrng_get(points, unit);
        for (int d = 0; d < def->dimensions; d++) {
            double shifted = unit[d] + td_random_uniform(def->seed, TD_PURPOSE_SEARCH, (uint64_t)number, (uint64_t)d);
            unit[d] = shifted - floor(shifted);
            if (def->dimension[d].choices > 0) unit[d] = td_value_of_unit(&def->dimension[d], unit[d]);
        }
        settle(def, unit, NULL);
    }
    gsl_qrng_free(points);
    return true;
}

/* Which candidates are climbed from: the best, then some by lot, in proportion to what they promise. */
static int choose_starts(const td_sampler_def *def, int64_t number, const double *promise, int64_t *start) {
    double best = -INFINITY, sum = 0;
    for (int64_t i = 0; i < CANDIDATES; i++)
        if (promise[i] > best) best = promise[start[0] = i];
    for (int64_t i = 0; i < CANDIDATES; i++) sum += exp(promise[i] - best);
    int count = 1;
    for (int draw = 0; draw < 4 * STARTS && count < STARTS - 1; draw++) {
        double left = td_random_uniform(def->seed, TD_PURPOSE_SEARCH, (uint64_t)number, (uint64_t)(TD_DIMENSIONS_MAX + draw)) * sum;
        int64_t i = 0;
        for (; i + 1 < CANDIDATES && (left -= exp(promise[i] - best)) > 0; i++) {}
        bool new = true;
        for (int k = 0; k < count; k++) new = new && start[k] != i;
        if (new) start[count++] = i;
    }
    return count;
}

bool td_gp_suggest(td_sampler *s, td_gp_search *search, int64_t number, double *point) {
    td_gp *gp = &search->gp;
    int64_t d = s->def.dimensions, most = s->count, pending;
    int64_t size = CANDIDATES * (d + 2) + most * (d + 1) + 2 * BATCH * most + 4 * most + 2 * CANDIDATES;
    if (size > search->room) {
        double *grown = realloc(search->numbers, (size_t)(size + size / 2) * sizeof *grown);
        if (!grown) return false;
        search->numbers = grown;
        search->room = size + size / 2;
    }
    double *units = search->numbers, *promise = units + CANDIDATES * d, *doubt = promise + CANDIDATES, *told = doubt + CANDIDATES,
           *y = told + most * d, *work = y + most, *narrow = work + 2 * BATCH * most;
    int64_t n = gather(s, told, y, &pending);
    if (n < 1 || !td_gp_set(gp, told, y, n)) return false;
    int prior = (int)(number % 2);
    gp->dimension_scaled = prior;
    memcpy(gp->theta, search->theta[prior], sizeof gp->theta);
    td_gp_fit(gp);
    memcpy(search->theta[prior], gp->theta, sizeof gp->theta);
    double best = -INFINITY;
    int64_t best_at = 0;
    for (int64_t i = 0; i < n; i++)
        if (y[i] > best) best = y[best_at = i];
    if (pending > 0) { /* believed */
        double likelihood, log_prior;
        for (int64_t i = 0; i < pending; i++) {
            double variance;
            td_gp_predict(gp, told + (n + i) * d, 1, &y[n + i], &variance, work);
        }
        if (!td_gp_set(gp, told, y, n + pending) || !td_gp_likelihood(gp, gp->theta, &likelihood, &log_prior, NULL)) return false;
    }
    if (!scatter(&s->def, number, units)) return false;
    for (int64_t i = 0; i < CANDIDATES; i += BATCH) {
        td_gp_predict(gp, units + i * d, BATCH, promise + i, doubt + i, work);
        for (int64_t k = i; k < i + BATCH; k++) promise[k] = td_log_ei(promise[k], doubt[k], best);
    }
    climb c = {.gp = gp, .def = &s->def, .best = best, .work = narrow};
    for (int k = 0; k < d; k++) {
        const td_dimension *dimension = &s->def.dimension[k];
        c.scale[k] = dimension->choices > 0 || dimension->step > 0 || !(dimension->high > dimension->low) ? 0 : exp(gp->theta[k] / 2);
    }
    int64_t start[STARTS];
    int count = choose_starts(&s->def, number, promise, start);
    double top = -INFINITY, chosen[TD_DIMENSIONS_MAX] = {0};
    for (int i = 0; i <= count; i++) {
        double unit[TD_DIMENSIONS_MAX];
        memcpy(unit, i < count ? units + start[i] * d : gp->x + best_at * d, (size_t)d * sizeof *unit);
        double value = climb_all(&c, unit);
        if (!(value > top)) continue;
        top = value;
        memcpy(chosen, unit, (size_t)d * sizeof *unit);
    }
    if (is_near(gp, chosen)) {
        bool again = number - search->last_near <= NEAR_WITHIN;
        search->last_near = number;
        if (again) {
            int64_t least_known = 0;
            for (int64_t i = 1; i < CANDIDATES; i++)
                if (doubt[i] > doubt[least_known]) least_known = i;
            memcpy(chosen, units + least_known * d, (size_t)d * sizeof *chosen);
        }
    }
    settle(&s->def, chosen, point);
    return true;
}
