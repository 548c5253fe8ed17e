/* See sampler.h. */
#include "sweeps/sampler.h"

#include <gsl/gsl_qrng.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "sweeps/sampler_parts.h"

static const char *const names[TD_SAMPLER_KIND_COUNT] = {"random", "sobol", "tpe", "gp"};
const char *td_sampler_name(td_sampler_kind kind) { return names[kind]; }

td_sampler_def td_default_sampler_def(void) { return (td_sampler_def){.kind = TD_SAMPLER_TPE, .seed = 1, .startup = 10, .candidates = 24}; }

/* ---- coordinates ---- */

td_span td_span_of(const td_dimension *d) {
    if (d->choices > 0) return (td_span){0, (double)d->choices};
    td_span span = {d->low - d->step / 2, d->high + d->step / 2};
    return d->log ? (td_span){log(span.low), log(span.high)} : span;
}

double td_coordinate(const td_dimension *d, double value) { return d->choices == 0 && d->log ? log(value) : value; }

double td_value_at(const td_dimension *d, double coordinate) {
    if (d->choices > 0) {
        double choice = floor(coordinate);
        return choice < 0 ? 0 : choice >= (double)d->choices ? (double)(d->choices - 1) : choice;
    }
    double value = d->log ? exp(coordinate) : coordinate;
    if (d->step > 0) value = d->low + round((value - d->low) / d->step) * d->step;
    return value < d->low ? d->low : value > d->high ? d->high : value;
}

double td_value_of_unit(const td_dimension *d, double unit) {
    td_span span = td_span_of(d);
    return td_value_at(d, span.low + unit * (span.high - span.low));
}

/* ---- a sampler ---- */

static td_status check(const td_sampler_def *def, td_error *error) {
    if (def->dimensions < 1 || def->dimensions > TD_DIMENSIONS_MAX)
        return td_fail(error, TD_BAD_ARG, "%d dimensions, must be 1 to %d", def->dimensions, TD_DIMENSIONS_MAX);
    for (int i = 0; i < def->dimensions; i++) {
        const td_dimension *d = &def->dimension[i];
        if (d->choices > 0) continue;
        bool good = isfinite(d->low) && isfinite(d->high) && d->low <= d->high && d->step >= 0 && isfinite(d->step);
        if (!good)
            return td_fail(error, TD_BAD_ARG, "dimension %d goes from %g to %g in steps of %g, which is no range", i + 1, d->low, d->high, d->step);
        if (d->log && !(d->low - d->step / 2 > 0))
            return td_fail(error, TD_BAD_ARG, "dimension %d begins at %g, and a logarithm needs more than half a step above 0", i + 1, d->low);
    }
    return TD_OK;
}

td_status td_sampler_open(const td_sampler_def *def, td_sampler **opened, td_error *error) {
    TD_TRY(check(def, error));
    td_sampler *sampler = calloc(1, sizeof *sampler);
    if (!sampler) return td_fail(error, TD_NO_MEMORY, "no memory for a sampler");
    sampler->def = *def;
    if (def->kind == TD_SAMPLER_SOBOL && !(sampler->rng = gsl_qrng_alloc(gsl_qrng_sobol, (unsigned)def->dimensions))) {
        free(sampler);
        return td_fail(error, TD_NO_MEMORY, "no memory for Sobol points");
    }
    if (def->kind == TD_SAMPLER_GP && !(sampler->search = td_gp_search_open(def, error))) {
        free(sampler);
        return TD_FAILED;
    }
    *opened = sampler;
    return TD_OK;
}

void td_sampler_close(td_sampler *sampler) {
    if (!sampler) return;
    if (sampler->rng) gsl_qrng_free(sampler->rng);
    td_gp_search_close(sampler->search);
    free(sampler->tries);
    free(sampler->points);
    free(sampler->place);
    free(sampler->scratch);
    free(sampler);
}

double *td_sampler_scratch(td_sampler *sampler, int64_t count) {
    if (count <= sampler->scratch_room) return sampler->scratch;
    int64_t room = count + count / 2;
    double *grown = realloc(sampler->scratch, (size_t)room * sizeof *grown);
    if (!grown) return NULL;
    sampler->scratch = grown;
    sampler->scratch_room = room;
    return grown;
}

/* Room for one more try, of one more trial. */
static bool grow(td_sampler *sampler) {
    if (sampler->count < sampler->room) return true;
    int64_t room = sampler->room ? 2 * sampler->room : 256;
    td_try *tries = realloc(sampler->tries, (size_t)room * sizeof *tries);
    if (tries) sampler->tries = tries;
    double *points = realloc(sampler->points, (size_t)(room * sampler->def.dimensions) * sizeof *points);
    if (points) sampler->points = points;
    int64_t *place = realloc(sampler->place, (size_t)room * sizeof *place);
    if (place) sampler->place = place;
    if (!tries || !points || !place) return false;
    sampler->room = room;
    return true;
}

static void note(td_sampler *sampler, const double *point, td_try what) {
    memcpy(sampler->points + sampler->count * sampler->def.dimensions, point, (size_t)sampler->def.dimensions * sizeof *point);
    sampler->tries[sampler->count++] = what;
}

static void random_point(const td_sampler *sampler, int64_t number, double *point) {
    for (int d = 0; d < sampler->def.dimensions; d++)
        point[d] = td_value_of_unit(&sampler->def.dimension[d],
                                    td_random_uniform(sampler->def.seed, TD_PURPOSE_SEARCH, (uint64_t)number, (uint64_t)d));
}

static void sobol_point(td_sampler *sampler, double *point) {
    gsl_qrng_get(sampler->rng, point);
    for (int d = 0; d < sampler->def.dimensions; d++) {
        double shifted = point[d] + td_random_uniform(sampler->def.seed, TD_PURPOSE_SEARCH, UINT32_MAX, (uint64_t)d);
        point[d] = td_value_of_unit(&sampler->def.dimension[d], shifted - floor(shifted));
    }
}

int64_t td_sampler_suggest(td_sampler *sampler, double *point) {
    if (!grow(sampler)) return -1;
    int64_t number = sampler->suggested;
    if (sampler->def.kind == TD_SAMPLER_SOBOL)
        sobol_point(sampler, point);
    else if (sampler->def.kind == TD_SAMPLER_RANDOM || sampler->count < sampler->def.startup || td_sampler_told(sampler) == 0)
        random_point(sampler, number, point);
    else if (!(sampler->def.kind == TD_SAMPLER_GP ? td_gp_suggest(sampler, sampler->search, number, point) : td_tpe_suggest(sampler, number, point)))
        return -1;
    sampler->place[sampler->suggested++] = sampler->count;
    note(sampler, point, (td_try){.state = TD_TRY_PENDING});
    return number;
}

static td_try outcome(double value, double violation) {
    return (td_try){.state = isnan(value) ? TD_TRY_FAILED : TD_TRY_DONE, .value = value, .violation = violation > 0 ? violation : 0};
}

void td_sampler_tell(td_sampler *sampler, int64_t trial, double value, double violation) {
    sampler->tries[sampler->place[trial]] = outcome(value, violation);
}

bool td_sampler_add(td_sampler *sampler, const double *point, double value, double violation) {
    if (!grow(sampler)) return false;
    note(sampler, point, outcome(value, violation));
    return true;
}

int64_t td_sampler_told(const td_sampler *sampler) {
    int64_t told = 0;
    for (int64_t i = 0; i < sampler->count; i++) told += sampler->tries[i].state != TD_TRY_PENDING;
    return told;
}
