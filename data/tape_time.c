/* Times and intervals as people write them; declared in tape.h. */
#include <stdio.h>
#include <string.h>

#include "data/calendar.h"

int64_t td_interval_ns(const char *text) {
    static const struct {
        const char *unit;
        int64_t seconds;
    } units[] = {{"s", 1}, {"m", 60}, {"h", 3600}, {"d", 86400}, {"w", 604800}, {"mo", 2592000}, {"M", 2592000}};
    int64_t count = 0;
    const char *p = text;
    for (; *p >= '0' && *p <= '9'; p++) {
        count = count * 10 + (*p - '0');
        if (count > 100000) return 0;
    }
    for (size_t i = 0; p > text && i < sizeof units / sizeof *units; i++) {
        int64_t length;
        if (strcmp(p, units[i].unit) == 0 && !__builtin_mul_overflow(count, units[i].seconds * TD_NS_PER_SECOND, &length))
            return length;
    }
    return 0;
}

char *td_time_text(int64_t time_ns, char *buffer) {
    int64_t fraction = td_floor_mod(time_ns, TD_NS_PER_SECOND), of_day = td_floor_mod(time_ns, TD_NS_PER_DAY) / TD_NS_PER_SECOND;
    td_date date = td_date_of(td_day_of(time_ns));
    int used = snprintf(buffer, 32, "%04d-%02d-%02dT%02d:%02d:%02d", date.year, date.month, date.day, (int)(of_day / 3600),
                        (int)(of_day / 60 % 60), (int)(of_day % 60));
    /* the fraction in thirds: milli, micro or nano, whichever is exact */
    if (fraction % 1000000 == 0 && fraction)
        used += snprintf(buffer + used, 32 - (size_t)used, ".%03d", (int)(fraction / 1000000));
    else if (fraction % 1000 == 0 && fraction)
        used += snprintf(buffer + used, 32 - (size_t)used, ".%06d", (int)(fraction / 1000));
    else if (fraction)
        used += snprintf(buffer + used, 32 - (size_t)used, ".%09d", (int)fraction);
    snprintf(buffer + used, 32 - (size_t)used, "Z");
    return buffer;
}

/* A reader over text that is not NUL-terminated. */
typedef struct scan {
    const char *p, *end;
} scan;

static bool take(scan *s, char c) {
    if (s->p == s->end || *s->p != c) return false;
    s->p++;
    return true;
}

/* exactly `digits` digits within [low, high] */
static bool take_number(scan *s, int digits, int low, int high, int *value) {
    if (s->end - s->p < digits) return false;
    *value = 0;
    for (int i = 0; i < digits; i++, s->p++) {
        if (*s->p < '0' || *s->p > '9') return false;
        *value = *value * 10 + (*s->p - '0');
    }
    return *value >= low && *value <= high;
}

/* ".5" to nanoseconds; digits beyond the ninth are dropped */
static bool take_fraction(scan *s, int64_t *ns) {
    int64_t unit = TD_NS_PER_SECOND;
    const char *start = s->p;
    *ns = 0;
    for (; s->p < s->end && *s->p >= '0' && *s->p <= '9'; s->p++) {
        unit /= 10;
        *ns += unit * (*s->p - '0');
    }
    return s->p > start;
}

/* "Z", "UTC", "+02:00", "-0530", "+02" to seconds east of UTC; nothing is UTC */
static bool take_zone(scan *s, int64_t *east) {
    *east = 0;
    if (s->end - s->p >= 1 && *s->p == ' ') s->p++;
    if (s->p == s->end || take(s, 'Z') || take(s, 'z')) return true;
    if (s->end - s->p == 3 && memcmp(s->p, "UTC", 3) == 0) {
        s->p += 3;
        return true;
    }
    int sign = take(s, '+') ? 1 : take(s, '-') ? -1 : 0, hours, minutes = 0;
    if (!sign || !take_number(s, 2, 0, 18, &hours)) return false;
    if (s->p < s->end) {
        take(s, ':');
        if (!take_number(s, 2, 0, 59, &minutes)) return false;
    }
    *east = sign * (hours * 3600 + minutes * 60);
    return true;
}

bool td_time_parse(const char *text, int64_t length, int64_t *time_ns) {
    scan s = {text, text + length};
    int year, month, day, hour = 0, minute = 0, second = 0;
    int64_t fraction = 0, east = 0;
    /* int64 nanoseconds reach from 1677-09 to 2262-04 */
    if (!take_number(&s, 4, 1678, 2261, &year)) return false;
    bool dashes = take(&s, '-') || take(&s, '/');
    char separator = dashes ? s.p[-1] : 0;
    if (!take_number(&s, 2, 1, 12, &month)) return false;
    if (dashes && !take(&s, separator)) return false;
    if (!take_number(&s, 2, 1, td_days_in_month(year, month), &day)) return false;
    if (take(&s, 'T') || take(&s, ' ')) {
        if (!take_number(&s, 2, 0, 23, &hour) || !take(&s, ':') || !take_number(&s, 2, 0, 59, &minute)) return false;
        if (take(&s, ':')) {
            if (!take_number(&s, 2, 0, 59, &second)) return false;
            if ((take(&s, '.') || take(&s, ',')) && !take_fraction(&s, &fraction)) return false;
        }
        if (!take_zone(&s, &east)) return false;
    }
    if (s.p != s.end) return false;
    int64_t seconds = td_day_of_date((td_date){year, month, day}) * 86400 + hour * 3600 + minute * 60 + second - east;
    *time_ns = seconds * TD_NS_PER_SECOND + fraction;
    return true;
}
