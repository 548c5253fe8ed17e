/* Small expressions over named numbers: the constraints of a search space, the --where of a table.
 *
 *   fast < slow and (slow - fast) / 2 >= 5 or not commission > 0.001
 *
 * sweeps/syntax.h has the grammar. A comparison gives 1 or 0; a number that is neither 0 nor NaN counts as true; comparing with NaN
 * is false, except that != is true. `and` and `or` look at both sides.
 *
 * Compiled once, evaluated often; a compiled expression is read-only and may be shared by threads. */
#ifndef TAPEDECK_SWEEPS_EXPRESSION_H
#define TAPEDECK_SWEEPS_EXPRESSION_H

#include <stdbool.h>

#include "sweeps/syntax.h"

typedef struct td_expression td_expression;

/* Index of the value that a name stands for, -1 when there is none. */
typedef int td_expression_resolve(void *context, const char *name);

/* TD_BAD_ARG with a sentence; the place goes to place when it is not NULL, and into the sentence when it is. */
td_status td_expression_compile(const char *text, td_expression_resolve *resolve, void *context, td_expression **expression,
                                td_expression_place *place, td_error *error);
bool td_expression_has_durations(const td_expression *expression); /* as 50ms: whoever knows none refuses it */
void td_expression_free(td_expression *expression);
/* values: what the indices of resolve index. */
double td_expression_value(const td_expression *expression, const double *values);
bool td_expression_true(const td_expression *expression, const double *values);
/* The text with one blank between tokens and words for && || !, so that spelling does not matter where texts are compared. */
const char *td_expression_text(const td_expression *expression);

#endif
