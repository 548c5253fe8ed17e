/* See scalars.h. */
#include "sweeps/scalars.h"

#include <ctype.h>
#include <locale.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/calendar.h"

static locale_t plain_locale;
static void make_plain_locale(void) { plain_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0); }

/* Switches this thread to the C locale, in which a decimal point is a point; returns the one to go back to. */
static locale_t enter_plain_locale(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, make_plain_locale);
    return uselocale(plain_locale);
}

static bool digit(char c) { return c >= '0' && c <= '9'; }

static const char *skip_digits(const char *at, int *count) {
    *count = 0;
    while (digit(*at)) at++, ++*count;
    return at;
}

/* Where a number that begins at `at` ends, NULL when none does. */
static const char *number_end(const char *at) {
    int whole, part = 0, power;
    if (*at == '+' || *at == '-') at++;
    at = skip_digits(at, &whole);
    if (*at == '.') at = skip_digits(at + 1, &part);
    if (whole + part == 0) return NULL;
    if (*at == 'e' || *at == 'E') {
        at++;
        if (*at == '+' || *at == '-') at++;
        at = skip_digits(at, &power);
        if (power == 0) return NULL;
    }
    return at;
}

static double read_double(const char *text) {
    locale_t before = enter_plain_locale();
    double x = strtod(text, NULL);
    uselocale(before);
    return x + 0.0; /* -0 becomes 0 */
}

bool td_read_number(const char *text, double *number) {
    const char *end = number_end(text);
    if (!end || *end) return false;
    double x = read_double(text);
    if (!isfinite(x)) return false;
    *number = x;
    return true;
}

bool td_reads_integer(const char *text) {
    int count;
    if (*text == '+' || *text == '-') text++;
    text = skip_digits(text, &count);
    return count && !*text;
}

bool td_read_bytes(const char *text, int64_t *bytes) {
    static const struct {
        const char *name;
        double factor;
    } units[] = {{"", 1}, {"B", 1}, {"kB", 1e3}, {"KB", 1e3}, {"MB", 1e6}, {"GB", 1e9}, {"TB", 1e12},
                 {"KiB", 1024.}, {"MiB", 1048576.}, {"GiB", 1073741824.}, {"TiB", 1099511627776.}};
    const char *end = number_end(text);
    if (!end) return false;
    double x = read_double(text);
    while (*end == ' ') end++;
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        if (strcmp(end, units[i].name) != 0) continue;
        x = floor(x * units[i].factor + 0.5);
        if (!(x >= 0 && x < 9e18)) return false;
        *bytes = (int64_t)x;
        return true;
    }
    return false;
}

bool td_read_duration(const char *text, double *seconds) {
    double total = 0, x, largest = INFINITY;
    if (td_read_number(text, &x)) {
        *seconds = x;
        return x >= 0;
    }
    /* units must fall: 1h30m, not 30m1h */
    for (const char *at = text; *at;) {
        const char *end = digit(*at) || *at == '.' ? number_end(at) : NULL;
        if (!end) return false;
        double unit = *end == 's' ? 1 : *end == 'm' ? 60 : *end == 'h' ? 3600 : *end == 'd' ? 86400 : 0;
        if (unit == 0 || unit >= largest) return false;
        total += read_double(at) * unit;
        largest = unit;
        at = end + 1;
    }
    if (!*text || !isfinite(total)) return false;
    *seconds = total;
    return true;
}

static const struct {
    const char *name;
    double ns;
} time_units[] = {{"", 1}, {"ns", 1}, {"us", 1e3}, {"ms", 1e6}, {"s", 1e9}, {"m", 60e9}, {"h", 3600e9}, {"d", 86400e9}};

bool td_read_nanoseconds(const char *text, double *ns) {
    const char *end = number_end(text);
    if (!end) return false;
    for (size_t i = 0; i < sizeof time_units / sizeof *time_units; i++) {
        if (strcmp(end, time_units[i].name) != 0) continue;
        double x = read_double(text) * time_units[i].ns, whole = floor(x + 0.5);
        if (!(fabs(x) < 9e18)) return false;
        *ns = fabs(x - whole) < 1e-6 ? whole : x;
        return true;
    }
    return false;
}

const char *td_write_nanoseconds(double ns, char *text) {
    enum { SECONDS = 4, NANOSECONDS = 1 };
    int unit = SECONDS;
    while (unit > NANOSECONDS && fabs(ns) < time_units[unit].ns) unit--;
    double back, value = ns / time_units[unit].ns;
    td_write_number(value, text);
    strcat(text, ns == 0 ? "" : time_units[unit].name);
    /* what division rounded away */
    if (td_read_nanoseconds(text, &back) && back == ns) return text;
    td_write_number(ns, text);
    return strcat(text, "ns");
}

static bool take_field(const char **at, int width, int low, int high, int *value) {
    *value = 0;
    for (int i = 0; i < width; i++) {
        if (!digit(**at)) return false;
        *value = 10 * *value + (*(*at)++ - '0');
    }
    return *value >= low && *value <= high;
}

static bool take_char(const char **at, const char *accepted) {
    if (!**at || !strchr(accepted, **at)) return false;
    ++*at;
    return true;
}

static bool read_minute(const char *text, int64_t *minute) {
    for (int i = 0; i < 5; i++)
        if (i == 2 ? text[i] != ':' : !digit(text[i])) return false;
    int64_t hours = (text[0] - '0') * 10 + text[1] - '0', minutes = (text[3] - '0') * 10 + text[4] - '0';
    *minute = hours * 60 + minutes;
    return hours < 24 && minutes < 60;
}

bool td_read_hours(const char *text, int64_t *hours) {
    int64_t from, to;
    if (strlen(text) != 11 || text[5] != '-' || !read_minute(text, &from) || !read_minute(text + 6, &to)) return false;
    *hours = from * TD_MINUTES_OF_DAY + to;
    return from != to;
}

void td_write_hours(int32_t from, int32_t to, char text[16]) {
    if (from == to)
        snprintf(text, 16, "always");
    else
        snprintf(text, 16, "%02d:%02d-%02d:%02d", from / 60 % 24, from % 60, to / 60 % 24, to % 60);
}

bool td_read_date(const char *text, int64_t *ns) {
    const char *at = text;
    int year, month, day, hour = 0, minute = 0, second = 0;
    int64_t fraction = 0;
    if (!take_field(&at, 4, 1678, 2261, &year) || !take_char(&at, "-") || !take_field(&at, 2, 1, 12, &month) ||
        !take_char(&at, "-") || !take_field(&at, 2, 1, td_days_in_month(year, month), &day))
        return false;
    if (take_char(&at, "T ")) {
        if (!take_field(&at, 2, 0, 23, &hour) || !take_char(&at, ":") || !take_field(&at, 2, 0, 59, &minute)) return false;
        if (take_char(&at, ":")) {
            if (!take_field(&at, 2, 0, 59, &second)) return false;
            if (take_char(&at, ".")) {
                int digits = 0;
                for (; digit(*at) && digits < 9; digits++) fraction = 10 * fraction + (*at++ - '0');
                if (digits == 0) return false;
                for (; digits < 9; digits++) fraction *= 10;
            }
        }
        take_char(&at, "Z");
    }
    if (*at) return false;
    *ns = ((td_day_of_date((td_date){year, month, day}) * 24 + hour) * 60 + minute) * 60 + second;
    *ns = *ns * TD_NS_PER_SECOND + fraction;
    return true;
}

void td_write_date(int64_t ns, char *text) {
    int64_t fraction = td_floor_mod(ns, TD_NS_PER_SECOND), rest = td_floor_mod(ns, TD_NS_PER_DAY) / TD_NS_PER_SECOND;
    td_date date = td_date_of(td_day_of(ns));
    int used = snprintf(text, 40, "%04d-%02d-%02d", date.year, date.month, date.day);
    if (rest == 0 && fraction == 0) return;
    used += snprintf(text + used, (size_t)(40 - used), "T%02d:%02d:%02d", (int)(rest / 3600), (int)(rest / 60 % 60),
                     (int)(rest % 60));
    if (fraction) used += snprintf(text + used, (size_t)(40 - used), ".%09d", (int)fraction);
    snprintf(text + used, (size_t)(40 - used), "Z");
}

const char *td_write_number(double x, char *text) {
    locale_t before = enter_plain_locale();
    if (x == floor(x) && fabs(x) < 1e15) {
        snprintf(text, 32, "%.0f", x + 0.0);
    } else {
        for (int precision = 1; precision <= 17; precision++) {
            snprintf(text, 32, "%.*g", precision, x);
            if (strtod(text, NULL) == x) break;
        }
        /* 1e-06 and 1e+15 are written 1e-6 and 1e15 */
        char *power = strchr(text, 'e');
        if (power) {
            char *from = power + 1, *to = power + 1;
            if (*from == '-') *to++ = *from;
            if (*from == '-' || *from == '+') from++;
            while (*from == '0' && from[1]) from++;
            memmove(to, from, strlen(from) + 1);
        }
    }
    uselocale(before);
    return text;
}

double td_round_digits(double x, int digits) {
    char text[48];
    locale_t before = enter_plain_locale();
    snprintf(text, sizeof text, "%.*e", digits - 1, x);
    x = strtod(text, NULL);
    uselocale(before);
    return x;
}

/* x = mantissa / 10^digits, from its shortest decimal. */
static bool decimal_of(double x, int64_t *mantissa, int *digits) {
    char text[32];
    td_write_number(x, text);
    int64_t value = 0;
    int power = 0, count = 0;
    bool negative = false, past_point = false;
    const char *at = text;
    if (*at == '-') negative = true, at++;
    for (; *at && *at != 'e'; at++) {
        if (*at == '.') {
            past_point = true;
            continue;
        }
        value = 10 * value + (*at - '0');
        count += value != 0;
        if (count > 17) return false;
        power -= past_point;
    }
    if (*at == 'e') power += atoi(at + 1);
    while (power > 0 && value <= INT64_MAX / 10) value *= 10, power--;
    while (power < 0 && value % 10 == 0 && value) value /= 10, power++;
    if (value == 0) power = 0;
    if (power > 0 || power < -22) return false;
    *mantissa = negative ? -value : value;
    *digits = -power;
    return true;
}

static const double powers_of_ten[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                       1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

static bool rescale(int64_t *mantissa, int from, int to) {
    for (; from < to; from++)
        if (__builtin_mul_overflow(*mantissa, 10, mantissa)) return false;
    return true;
}

bool td_steps_make(double lo, double hi, double step, td_steps *steps) {
    int64_t low, high, stride;
    int low_digits, high_digits, stride_digits;
    if (!(step > 0) || !(lo <= hi)) return false;
    if (!decimal_of(lo, &low, &low_digits) || !decimal_of(hi, &high, &high_digits) || !decimal_of(step, &stride, &stride_digits))
        return false;
    int digits = low_digits > high_digits ? low_digits : high_digits;
    if (stride_digits > digits) digits = stride_digits;
    if (!rescale(&low, low_digits, digits) || !rescale(&high, high_digits, digits) || !rescale(&stride, stride_digits, digits))
        return false;
    /* integers up to 2^53 and 10^22 are exact doubles, so their quotient is the correctly rounded decimal */
    const int64_t exact = (int64_t)1 << 53;
    if (low < -exact || high > exact || stride > exact) return false;
    *steps = (td_steps){.lo = low, .step = stride, .digits = digits, .count = (high - low) / stride + 1};
    return true;
}

double td_steps_at(const td_steps *steps, int64_t index) {
    return (double)(steps->lo + index * steps->step) / powers_of_ten[steps->digits];
}
