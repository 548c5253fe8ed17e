/* A sampler from the inside: what the kinds share. */
#ifndef TAPEDECK_SWEEPS_SAMPLER_PARTS_H
#define TAPEDECK_SWEEPS_SAMPLER_PARTS_H

#include "sweeps/sampler.h"

typedef enum td_try_state { TD_TRY_PENDING, TD_TRY_DONE, TD_TRY_FAILED } td_try_state;

typedef struct td_try {
    td_try_state state;
    double value, violation;
} td_try;

struct td_sampler {
    td_sampler_def def;
    int64_t count, room;   /* tries, suggested or added, in their order */
    td_try *tries;         /* (count) */
    double *points;        /* (count, dimensions) as suggested */
    int64_t suggested;     /* trial numbers given away */
    int64_t *place;        /* (suggested) where in tries */
    double *scratch;       /* of the kind, grown as needed */
    int64_t scratch_room;
    void *rng;             /* gsl_qrng of sobol */
    struct td_gp_search *search; /* of gp */
};

/* Ends of a dimension in the coordinate that distances are measured in, with half a step of room at either end. */
typedef struct td_span {
    double low, high;
} td_span;
td_span td_span_of(const td_dimension *dimension);
/* A value's coordinate; and the nearest value that can be, of a coordinate. */
double td_coordinate(const td_dimension *dimension, double value);
double td_value_at(const td_dimension *dimension, double coordinate);
/* From [0, 1). */
double td_value_of_unit(const td_dimension *dimension, double unit);

/* scratch of at least so many numbers, or NULL. */
double *td_sampler_scratch(td_sampler *sampler, int64_t count);

/* tpe.c: the next point; draws are keyed by `number`. False: memory ran out. */
bool td_tpe_suggest(td_sampler *sampler, int64_t number, double *point);

/* gp_sampler.c: the same, with memory of its own. NULL with error->message when there is none, or no OpenBLAS. */
typedef struct td_gp_search td_gp_search;
td_gp_search *td_gp_search_open(const td_sampler_def *def, td_error *error);
void td_gp_search_close(td_gp_search *search);
bool td_gp_suggest(td_sampler *sampler, td_gp_search *search, int64_t number, double *point);

/* A mixture over all dimensions: one component for each point and, last, the prior. */
typedef struct td_parzen {
    const td_sampler_def *def;
    int64_t components;       /* points + 1 */
    double *log_weight;       /* (components) normalised */
    double *log_scale;        /* (components) its weight with all that a kernel's density is multiplied with wherever it is asked */
    double *mu, *sigma;       /* (components, dimensions) coordinates; of choices mu is the choice */
} td_parzen;
/* Numbers that a mixture of so many points needs. */
int64_t td_parzen_size(const td_sampler_def *def, int64_t points);
/* points (count, dimensions) in order of age, oldest first; memory (td_parzen_size()). */
td_parzen td_parzen_make(const td_sampler_def *def, const double *points, int64_t count, double *memory);
/* Log density at a point (mass where a dimension is stepped or a choice). */
double td_parzen_log(const td_parzen *parzen, const double *point);

#endif
