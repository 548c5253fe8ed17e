/* The tapedeck program: one file per subcommand (cmd_<name>.c). The only place that prints results or exits.
 *
 * Conventions (docs/architecture.md): results on stdout, talk on stderr; one JSON document with --json; exit codes below. */
#ifndef TAPEDECK_CLI_CLI_H
#define TAPEDECK_CLI_CLI_H

#include <stdbool.h>
#include <stdio.h>

#include "base/error.h"

enum {
    TD_EXIT_OK = 0,
    TD_EXIT_FAILED = 1,      /* the run failed */
    TD_EXIT_USAGE = 2,       /* usage or configuration */
    TD_EXIT_DATA = 3,        /* input data unreadable or inconsistent */
    TD_EXIT_GATE = 4,        /* a gate failed: verify, bench --compare */
    TD_EXIT_SOME_FAILED = 5, /* finished, but some cells failed */
    TD_EXIT_INTERRUPTED = 130,
};

/* A subcommand: argv[0] is "tapedeck <name>". Returns the exit code. */
typedef int td_command(int argc, char **argv);
td_command td_cmd_data, td_cmd_run, td_cmd_sweep, td_cmd_plan, td_cmd_show, td_cmd_verify, td_cmd_config, td_cmd_doctor,
    td_cmd_bench, td_cmd_bench_sampler, td_cmd_stats;

int td_cli_main(int argc, char **argv);

/* Prints "tapedeck: error: message" (and, with json, {"error": {...}}) on stderr; returns the exit code for the status. */
int td_cli_fail(td_status status, const td_error *error, bool json);
int td_cli_exit_code(td_status status);
/* Is the stream a terminal that wants colour (NO_COLOR, CLICOLOR_FORCE, TERM)? */
bool td_cli_colour(FILE *stream);
/* Flushes stdout; a closed pipe is a quiet end, a full disk an error. Returns the code to exit with. */
int td_cli_finish(int code);

/* An aligned text table on a stream: every cell is text; numbers are right-aligned when `numeric[column]`. */
void td_cli_table(FILE *out, int columns, const char *const *heads, const bool *numeric, int rows, const char *const *cells);

#endif
