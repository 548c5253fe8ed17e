/* See option.h. */
#include "cli/option.h"

#include <errno.h>
#include <stdlib.h>

int64_t td_option_whole(struct argp_state *state, const char *name, const char *text, int64_t low, int64_t high) {
    char *end;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    if (errno || end == text || *end || value < low || value > high)
        argp_error(state, "--%s is '%s', must be a whole number from %lld to %lld", name, text, (long long)low, (long long)high);
    return value;
}

double td_option_between(struct argp_state *state, const char *name, const char *text, double low, double high) {
    char *end;
    double value = strtod(text, &end);
    if (end == text || *end || !(value > low && value < high))
        argp_error(state, "--%s is '%s', must be a number above %g and below %g", name, text, low, high);
    return value;
}
