/* Inside of td_config_load(): what its parts share. Nobody else includes this.
 *
 *   config.c      keys against the schema, the parts put together
 *   overrides.c   --set
 *   conditions.c  entry, exit and the like
 *   parameters.c  parameters and constraints
 *   list.c        rows of a list
 *   resolved.c    the canonical form and its digest
 *   loader.c      reading scalars, suggestions, files
 *
 * Nothing stops at the first error: a function that reads reports what is wrong, returns false, and its caller goes on with
 * defaults. A configuration comes out only when nothing was reported. */
#ifndef TAPEDECK_SWEEPS_LOADER_H
#define TAPEDECK_SWEEPS_LOADER_H

#include <stdbool.h>

#include "sweeps/config.h"
#include "sweeps/diagnostics.h"
#include "sweeps/rules.h"
#include "sweeps/schema.h"
#include "sweeps/yaml.h"

/* What one key of the schema was given. */
typedef struct td_setting {
    const td_node *key, *node; /* NULL: not given */
    bool given;                /* and readable */
    double number;
    int64_t integer;
    int word;                  /* index in the key's words; -1 = none */
} td_setting;

/* What values a name may take. */
typedef struct td_bounds {
    const char *name;
    double low, high;
    bool whole;
    const char *unit; /* sweeps/values.h; NULL: a plain number */
} td_bounds;

enum { TD_VALUES_MAX = TD_KNOB_COUNT + TD_PARAMS_MAX }; /* td_space_value_index() */

typedef struct td_loader {
    td_diagnostics *diagnostics;
    td_tree *tree;
    const char *path;
    FILE *talk; /* for what a compiler says; may be NULL */
    td_node *root;
    td_setting settings[TD_KEY_COUNT];
    td_config *config;
    td_space_def space;
    td_rules rules;      /* what entry and the like say; no source: the configuration has a strategy */
    bool source_only;    /* stop where the rules' source is made */
    const td_node *seen[TD_VALUES_MAX]; /* where a value was named under parameters or in the list */
} td_loader;

#define TD_COMPLAIN(l, place, ...) td_diagnose((l)->diagnostics, TD_SEVERITY_ERROR, (place), __VA_ARGS__)
#define td_nowhere ((td_place){-1, 0, 0})

/* loader.c */
typedef const char *td_candidate(void *context, int index); /* NULL behind the last */
td_candidate td_nth_word; /* context: words of the schema */
td_candidate td_nth_name; /* context: a strategy or NULL; its parameters, then the knobs by name, then by path */
/* "; did you mean 'x'?" when a candidate is near, else "". */
void td_suggest(const char *word, td_candidate *candidate, void *context, char *text, size_t room);
void td_list_names(td_candidate *candidate, void *context, char *text, size_t room); /* "a, b, c" */
/* What a node is, in words for messages; returns text. */
const char *td_found(const td_node *node, char *text, size_t room);
bool td_is_word(const td_node *node, const char *word);
bool td_take_number(td_loader *l, const td_node *node, const char *what, double *x);
bool td_take_integer(td_loader *l, const td_node *node, const char *what, double low, double high, int64_t *value);
bool td_take_word(td_loader *l, const td_node *node, const char *what, const char *words, int *word);
bool td_take_bounded(td_loader *l, const td_node *node, const td_bounds *of, double *x);
/* A value of the unit, whatever its size: called `what` in messages. */
bool td_take_value(td_loader *l, const td_node *node, const char *what, const char *unit, double *x);
bool td_check_bounded(td_loader *l, td_place place, const td_bounds *of, double x);
bool td_check_range(td_loader *l, td_place place, const td_bounds *of, double x);
/* Reads a regular file whole; NUL-terminated, the caller frees. */
td_status td_read_file(const char *path, char **text, size_t *length, td_error *error);
/* path as seen from the configuration's folder; the caller frees. */
char *td_path_beside(const char *configuration, const char *path);

/* A place within a scalar's text: exact where the text stands in the file as it is, else all of it. */
td_place td_place_within(const td_node *node, td_expression_place where);

/* conditions.c: the strategy that the rules make; and whether every name in them got a value, once parameters are read */
void td_read_rules(td_loader *l);
void td_check_rule_values(td_loader *l);

/* overrides.c: one --set, the number-th from 1 */
void td_apply_override(td_loader *l, const char *text, int number);

/* parameters.c */
#define TD_SPEC_KEYS "value values probabilities min max q mu sigma a b distribution range log parameters"
bool td_is_parameter_group(const td_node *spec); /* a mapping with the key `parameters` */
void td_read_parameters(td_loader *l, const td_node *map, const char *prefix);
void td_read_constraints(td_loader *l, const td_node *list);
/* Resolves a name; complains when it is unknown or named before. Returns the value index or -1. */
int td_claim_name(td_loader *l, const char *name, const td_node *at, int *param, int *knob);
/* What stops.volatility says, or its default. */
td_volatility td_chosen_volatility(const td_loader *l);
td_bounds td_bounds_of(const td_loader *l, const char *name, int param, int knob);
/* What a knob may not be beyond its bounds, given the other settings: complains about values from low to high. */
bool td_check_knob_rules(td_loader *l, td_place place, const char *name, int knob, double low, double high);
td_axis td_make_axis(const td_loader *l, const char *name, int param, int knob);
bool td_name_fits(td_loader *l, const char *name, const td_node *at);
void td_sort_axes(td_space_def *space);
bool td_distribution_takes(const char *keys, const char *key, bool *optional);

/* list.c */
void td_read_list(td_loader *l);

/* resolved.c: fills resolved and digest; space as it is before td_space_make() takes it over */
bool td_write_resolved(td_config *config, const td_space_def *space);

#endif
