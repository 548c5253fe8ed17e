/* tapedeck verify --poison and --warmup: what can be proven or measured about a configuration before anything is swept. */
#ifndef TAPEDECK_CLI_PROVE_H
#define TAPEDECK_CLI_PROVE_H

#include <stdbool.h>

/* Is one of the two asked for? verify has another command line then. */
bool td_prove_is_asked(int argc, char **argv);
/* Runs it; returns the exit code. */
int td_prove(int argc, char **argv);

#endif
