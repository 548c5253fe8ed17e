/* Numbers as arguments of options: what is none, or out of bounds, ends the program as wrong usage, with what was found and what may be. */
#ifndef TAPEDECK_CLI_OPTION_H
#define TAPEDECK_CLI_OPTION_H

#include <argp.h>
#include <stdint.h>

/* name: of the option, without dashes. */
int64_t td_option_whole(struct argp_state *state, const char *name, const char *text, int64_t low, int64_t high);
/* Above low and below high. */
double td_option_between(struct argp_state *state, const char *name, const char *text, double low, double high);

#endif
