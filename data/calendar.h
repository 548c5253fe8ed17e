/* Whole-number time: nanoseconds since 1970-01-01 UTC, the days they lie in, and those days' dates.
 *
 * All of it rounds down, so that times before 1970 are treated as those after it. Dates are of the proleptic Gregorian calendar; a year is
 * taken to begin in March, so that the leap day is its last, and 400 years, an era, are 146097 days (Hinnant, chrono-Compatible Low-Level
 * Date Algorithms, 2013). */
#ifndef TAPEDECK_DATA_CALENDAR_H
#define TAPEDECK_DATA_CALENDAR_H

#include "data/tape.h"

#define TD_NS_PER_MINUTE (60 * TD_NS_PER_SECOND)

/* Quotient and remainder of a division that rounds down; b > 0. */
static inline int64_t td_floor_div(int64_t a, int64_t b) { return a / b - (a % b < 0); }
static inline int64_t td_floor_mod(int64_t a, int64_t b) { return a % b < 0 ? a % b + b : a % b; }

static inline int64_t td_day_of(int64_t time_ns) { return td_floor_div(time_ns, TD_NS_PER_DAY); }

/* Day of the week, Monday 0: day 0 was a Thursday. */
static inline int64_t td_weekday_of(int64_t day) { return td_floor_mod(day + 3, 7); }

/* The Monday of a day's week. */
static inline int64_t td_monday_of(int64_t day) { return day - td_weekday_of(day); }

typedef struct td_date {
    int year, month, day; /* month and day from 1 */
} td_date;

static inline td_date td_date_of(int64_t day) {
    int64_t shifted = day + 719468, era = td_floor_div(shifted, 146097), of_era = shifted - era * 146097;
    int64_t year_of_era = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100), since_march = (5 * of_year + 2) / 153;
    int month = (int)(since_march < 10 ? since_march + 3 : since_march - 9);
    return (td_date){(int)(year_of_era + era * 400) + (month <= 2), month, (int)(of_year - (153 * since_march + 2) / 5 + 1)};
}

static inline int64_t td_day_of_date(td_date date) {
    int64_t year = date.year - (date.month <= 2), since_march = (date.month + 9) % 12;
    int64_t era = td_floor_div(year, 400), year_of_era = year - era * 400;
    int64_t of_year = (153 * since_march + 2) / 5 + date.day - 1;
    return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + of_year - 719468;
}

static inline int td_days_in_month(int year, int month) {
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return month == 2 && leap ? 29 : days[month - 1];
}

/* The month of a day, counted from that of year 0. */
static inline int64_t td_month_of(int64_t day) {
    td_date date = td_date_of(day);
    return date.year * (int64_t)12 + date.month - 1;
}

/* The span of a length that a time lies in, and when that begins. Spans are counted from 1970, weeks from Monday 1970-01-05 on. */
static inline int64_t td_span_origin(int64_t length_ns) { return length_ns % (7 * TD_NS_PER_DAY) == 0 ? 4 * TD_NS_PER_DAY : 0; }
static inline int64_t td_span_of(int64_t time_ns, int64_t length_ns) { return td_floor_div(time_ns - td_span_origin(length_ns), length_ns); }
static inline int64_t td_span_start(int64_t time_ns, int64_t length_ns) {
    return td_span_of(time_ns, length_ns) * length_ns + td_span_origin(length_ns);
}

#endif
