/* When a user's own strategy crashes: one sentence instead of a bare signal, and nothing finished is lost.
 *
 * The process ends at once (exit code 1): memory that a wild pointer has been in is not to be written to files. What the journal
 * has stays, and --resume goes on from there; temporary files are removed. A strategy that never returns is ended by Ctrl-C
 * twice, with the same care. */
#ifndef TAPEDECK_CLI_CRASH_H
#define TAPEDECK_CLI_CRASH_H

#include <stdbool.h>

#include "sim/play.h"

/* From here on. For a built-in strategy nothing happens: a crash there is ours, and wants a core file. threads: as many as will play. */
void td_crash_watch(const td_strategy *strategy, int threads, bool json);

#endif
