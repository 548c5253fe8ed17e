/* A text file that is there whole or not at all: written as `path.tmp.<pid>`, synced and renamed when it is complete.
 *
 * A path that names something other than a plain file (/dev/stdout, a pipe) is written straight, for there is nothing to rename. */
#ifndef TAPEDECK_CLI_OUTPUT_H
#define TAPEDECK_CLI_OUTPUT_H

#include <stdio.h>

#include "base/error.h"

typedef struct td_output {
    FILE *file;            /* to print on; NULL when it is not open */
    const char *path;      /* the caller's, has to stay */
    char *temporary;       /* NULL when path is written straight */
} td_output;

td_status td_output_open(const char *path, td_output *output, td_error *error);
/* Flushes, syncs and renames; on failure removes what was written. TD_IO with the reason, which may be one of an earlier print. */
td_status td_output_commit(td_output *output, td_error *error);
/* Closes and removes what was written; harmless after a commit and on a zeroed td_output. */
void td_output_drop(td_output *output);
/* Removes whatever is half written: for signal handlers that end the process (async-signal-safe). */
void td_output_abandon(void);

#endif
