/* Messages about a text a user wrote: collected, sorted by place, printed the way compilers do.
 *
 *   goog.yaml:3:14: error: unknown key 'fsat'; did you mean 'fast'?
 *   parameters: {fsat: 10}
 *                ^~~~
 *
 * A source is a named text (the configuration, each --set, a CSV list). A place is a range of bytes in a source; lines and columns
 * are counted only when something is printed. Sources borrow nothing: names and texts are copied. */
#ifndef TAPEDECK_SWEEPS_DIAGNOSTICS_H
#define TAPEDECK_SWEEPS_DIAGNOSTICS_H

#include <stddef.h>
#include <stdio.h>

#include "base/error.h"

typedef struct td_place {
    int source;          /* as td_diagnostics_source() returned it; -1 = nowhere in particular */
    size_t offset, length; /* bytes */
} td_place;

typedef enum td_severity { TD_SEVERITY_ERROR, TD_SEVERITY_WARNING, TD_SEVERITY_NOTE } td_severity;

typedef struct td_diagnostics td_diagnostics;
td_diagnostics *td_diagnostics_make(void);
void td_diagnostics_free(td_diagnostics *diagnostics);
/* line is the number of the text's first line (1 for a file; --set texts count up as if they were lines of one). */
int td_diagnostics_source(td_diagnostics *diagnostics, const char *name, const char *text, size_t length, int line);
__attribute__((format(printf, 4, 5))) void td_diagnose(td_diagnostics *diagnostics, td_severity severity, td_place place,
                                                       const char *format, ...);
int td_diagnostics_errors(const td_diagnostics *diagnostics);
/* Prints everything (at most 100 messages, then how many more) to out when it is not NULL. With errors: returns TD_BAD_CONFIG with
 * the first one and its place in error. */
td_status td_diagnostics_finish(td_diagnostics *diagnostics, FILE *out, td_error *error);

#endif
