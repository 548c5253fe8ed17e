/* The search space of a sweep: which parameter set is trial number n.
 *
 * Words: an *axis* is a swept name with its values or its distribution; a *trial* is a number 0 .. count-1. What set a trial
 * stands for depends on the configuration alone (never on threads, batches, order or resume): a grid by index arithmetic, a list
 * by position, random draws by (seed, trial, attempt, axis).
 *
 * Grid order is itertools.product over axis names in sorted order: the last name varies fastest. Cells that a constraint
 * excludes get no trial number; they are counted. */
#ifndef TAPEDECK_SWEEPS_SPACE_H
#define TAPEDECK_SWEEPS_SPACE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "sim/play.h"
#include "sweeps/distribution.h"
#include "sweeps/expression.h"

enum { TD_AXES_MAX = 32 };

typedef enum td_method { TD_METHOD_GRID, TD_METHOD_LIST, TD_METHOD_RANDOM } td_method;

typedef struct td_axis {
    char name[64];      /* as the configuration spells it */
    int param;          /* index of the strategy's parameter, or -1 */
    int knob;           /* index of the engine's knob (TD_KNOB_...), or -1 */
    bool whole;         /* only whole numbers: stored as integers in results */
    double minimum, maximum; /* what the parameter or knob allows */
    const char *unit;   /* for results files, "" when none */
    const char *text;   /* one line of doc */
} td_axis;

/* What td_value_text() writes values of the axis by; NULL of a strategy's parameter, whose values are numbers. */
static inline const char *td_axis_value_unit(const td_axis *axis) { return axis->knob >= 0 ? axis->unit : NULL; }

typedef struct td_space td_space;

int64_t td_space_count(const td_space *space);    /* trials, after constraints */
int64_t td_space_excluded(const td_space *space); /* grid cells and list rows the constraints excluded */
td_method td_space_method(const td_space *space);
int td_space_axis_count(const td_space *space);
const td_axis *td_space_axis(const td_space *space, int index);
/* The values of trial's axes: values (axis_count). trial in [0, count). */
void td_space_values(const td_space *space, int64_t trial, double *values);
/* The values that an axis of words can take, ascending, each once: at most `room` of them; returns how many there are. */
int td_space_words(const td_space *space, int axis, double *values, int room);
/* The whole set: the configuration's constants with the trial's axis values put in. Thread-safe. */
void td_space_set(const td_space *space, int64_t trial, td_set *set);
size_t td_space_bytes(const td_space *space); /* memory it holds */
void td_space_free(td_space *space);

/* How a space is made; td_config_load() does it. Start from zeros. td_space_make() takes over domains' arrays, rows and constraints
 * whether it succeeds or not. */
typedef struct td_space_def {
    td_method method;
    uint64_t seed;
    int64_t trials;               /* random: how many; grid and list: at most so many, 0 = all */
    int axis_count;
    td_axis axes[TD_AXES_MAX];    /* sorted by name */
    td_domain domains[TD_AXES_MAX]; /* of the axes; not for lists */
    double *rows;                 /* list: (row_count, axis_count) */
    int64_t row_count;
    td_set base;
    td_expression **constraints;  /* over td_space_value_index() */
    int constraint_count;
} td_space_def;
/* TD_BAD_CONFIG when no trial is left, when constraints leave no draw, when there are more cells than numbers to count them. */
td_status td_space_make(td_space_def *def, td_space **space, td_error *error);
void td_space_def_free(td_space_def *def); /* what it owns, when it does not go to td_space_make() */
/* What a name means in constraints: a strategy's parameter or a knob, by bare name or configuration path. Returns the index into
 * the values that constraints are evaluated on, -1 when unknown; *param and *knob (may be NULL) as in td_axis. Knobs are those of the
 * tapes that the strategy plays. */
int td_space_value_index(const td_strategy *strategy, const char *name, int *param, int *knob);

#endif
