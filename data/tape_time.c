/* Times and intervals as people write them; declared in tape.h. The calendar is the proleptic Gregorian one, days counted from
 * 1970-01-01; a year is taken to begin in March, so that the leap day is its last. */
#include <stdio.h>
#include <string.h>

#include "data/tape.h"

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

static int64_t days_from_date(int64_t year, int64_t month, int64_t day) {
    int64_t y = month <= 2 ? year - 1 : year, since_march = (month + 9) % 12;
    int64_t era = (y >= 0 ? y : y - 399) / 400, year_of_era = y - era * 400;
    int64_t day_of_year = (153 * since_march + 2) / 5 + day - 1;
    return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719468;
}

static void date_from_days(int64_t days, int *year, int *month, int *day) {
    int64_t shifted = days + 719468, era = (shifted >= 0 ? shifted : shifted - 146096) / 146097;
    int64_t day_of_era = shifted - era * 146097;
    int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t since_march = (5 * day_of_year + 2) / 153;
    *day = (int)(day_of_year - (153 * since_march + 2) / 5 + 1);
    *month = (int)(since_march < 10 ? since_march + 3 : since_march - 9);
    *year = (int)(year_of_era + era * 400 + (*month <= 2));
}

char *td_time_text(int64_t time_ns, char *buffer) {
    int64_t seconds = time_ns / TD_NS_PER_SECOND, fraction = time_ns % TD_NS_PER_SECOND;
    if (fraction < 0) {
        fraction += TD_NS_PER_SECOND;
        seconds--;
    }
    int64_t days = seconds / 86400, of_day = seconds % 86400;
    if (of_day < 0) {
        of_day += 86400;
        days--;
    }
    int year, month, day;
    date_from_days(days, &year, &month, &day);
    int used = snprintf(buffer, 32, "%04d-%02d-%02dT%02d:%02d:%02d", year, month, day, (int)(of_day / 3600),
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

static int days_in_month(int year, int month) {
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return month == 2 && leap ? 29 : days[month - 1];
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
    if (!take_number(&s, 2, 1, days_in_month(year, month), &day)) return false;
    if (take(&s, 'T') || take(&s, ' ')) {
        if (!take_number(&s, 2, 0, 23, &hour) || !take(&s, ':') || !take_number(&s, 2, 0, 59, &minute)) return false;
        if (take(&s, ':')) {
            if (!take_number(&s, 2, 0, 59, &second)) return false;
            if ((take(&s, '.') || take(&s, ',')) && !take_fraction(&s, &fraction)) return false;
        }
        if (!take_zone(&s, &east)) return false;
    }
    if (s.p != s.end) return false;
    int64_t seconds = days_from_date(year, month, day) * 86400 + hour * 3600 + minute * 60 + second - east;
    *time_ns = seconds * TD_NS_PER_SECOND + fraction;
    return true;
}
