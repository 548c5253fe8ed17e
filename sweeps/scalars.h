/* What the scalars of a configuration mean: numbers, sizes, durations, dates, and steps that do not drift.
 *
 * Nothing here depends on the locale. Every reader takes the whole text or refuses it. */
#ifndef TAPEDECK_SWEEPS_SCALARS_H
#define TAPEDECK_SWEEPS_SCALARS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A decimal number: [+-] digits [. digits] [e [+-] digits]. No hex, no underscores, no nan or inf; too large for a double is a
 * refusal. -0 is read as 0. */
bool td_read_number(const char *text, double *number);
/* Is the text an integer as written ([+-] digits)? W&B tells int_uniform from uniform by this. */
bool td_reads_integer(const char *text);
bool td_read_bytes(const char *text, int64_t *bytes);     /* 2GB, 512MiB, 1000 */
/* 08:00-16:30: minutes after midnight, from * TD_MINUTES_OF_DAY + to; the two must differ. */
enum { TD_MINUTES_OF_DAY = 1440 };
bool td_read_hours(const char *text, int64_t *hours);
void td_write_hours(int32_t from, int32_t to, char text[16]); /* "always" where they are equal */
bool td_read_duration(const char *text, double *seconds); /* 30s, 10m, 2h, 1d, 1h30m, 1800 (seconds) */
/* 50ms, 1.5us, 10s, -2ms; without a unit (ns, us, ms, s, m, h, d) nanoseconds. What lies within a millionth of whole ones is whole. */
bool td_read_nanoseconds(const char *text, double *ns);
/* The same way back, in the largest unit of ns, us, ms, s that it holds one of; "0" of none. text has room for 48 and is returned. */
const char *td_write_nanoseconds(double ns, char *text);
/* 2024-03-01, 2024-03-01T12:30[:00[.123456789]][Z], a blank in place of T; UTC. Years 1678 to 2261. */
bool td_read_date(const char *text, int64_t *ns);
/* The same way back, shortest form that keeps every nanosecond; text has room for 40. */
void td_write_date(int64_t ns, char *text);

/* lo, lo + step, lo + 2 step, ...: computed on decimals, so that 0.1 steps give 0.3 and not 0.30000000000000004. A value is
 * (lo + index * step) / 10^digits with integers lo and step. */
typedef struct td_steps {
    int64_t lo, step;
    int digits;    /* decimals; the divisor 10^digits is exact for 0..22 */
    int64_t count;
} td_steps;
/* From lo up to and including hi (when a step lands there). False when the numbers are too long for exact arithmetic (more than
 * about 15 significant digits between lo, hi and step together). */
bool td_steps_make(double lo, double hi, double step, td_steps *steps);
double td_steps_at(const td_steps *steps, int64_t index);
/* The decimal `digits` significant digits long that is nearest to x. */
double td_round_digits(double x, int digits);

/* Shortest decimal that reads back as x; text has room for 32 and is returned. */
const char *td_write_number(double x, char *text);

#endif
