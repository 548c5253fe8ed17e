/* See number.h. */
#include "data/number.h"

#include <stdlib.h>

const double td_powers_of_ten[23] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                     1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

const uint64_t td_whole_powers_of_ten[9] = {1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000};

/* The digit that is `place` places before (0..7, 7 is the last) or after (8..15) the point of a number of w and d digits. */
#define PLACE(w, d, place)                                                                                                        \
    (signed char)((place) < 8 ? ((place) >= 8 - (w) ? (place) - 8 + (w) : -1) : ((place) - 8 < (d) ? (w) + 1 + (place) - 8 : -1))
#define HALF(w, d, from)                                                                                                          \
    PLACE(w, d, from), PLACE(w, d, from + 1), PLACE(w, d, from + 2), PLACE(w, d, from + 3), PLACE(w, d, from + 4),                 \
        PLACE(w, d, from + 5), PLACE(w, d, from + 6), PLACE(w, d, from + 7)
#define PLACES(w, d) {HALF(w, d, 0), HALF(w, d, 8)}
#define ROW(w) {PLACES(w, 1), PLACES(w, 2), PLACES(w, 3), PLACES(w, 4), PLACES(w, 5), PLACES(w, 6), PLACES(w, 7), PLACES(w, 8)}
const signed char td_digit_places[7][8][16] = {ROW(1), ROW(2), ROW(3), ROW(4), ROW(5), ROW(6), ROW(7)};

enum { LENGTH_MAX = 2047 };

/* strtod() wants a terminated string. The program never sets a locale, so the decimal point is a point. */
static bool parse_slowly(const char *text, int64_t length, double *value) {
    char copy[LENGTH_MAX + 1];
    if (length > LENGTH_MAX) return false;
    memcpy(copy, text, (size_t)length);
    copy[length] = 0;
    *value = strtod(copy, NULL);
    return true;
}

bool td_number_parse(const char *text, int64_t length, double *value) {
    const char *p = text, *end = text + length;
    bool negative = p < end && *p == '-';
    if (p < end && (*p == '-' || *p == '+')) p++;
    uint64_t mantissa = 0;
    int64_t digits = 0, exponent = 0;
    for (; p < end && td_is_digit(*p); p++, digits++) mantissa = mantissa * 10 + (uint64_t)(*p - '0');
    if (p < end && *p == '.')
        for (p++; p < end && td_is_digit(*p); p++, digits++, exponent--) mantissa = mantissa * 10 + (uint64_t)(*p - '0');
    if (digits == 0) return false;
    if (p < end && (*p == 'e' || *p == 'E')) {
        p++;
        int sign = p < end && *p == '-' ? -1 : 1;
        if (p < end && (*p == '-' || *p == '+')) p++;
        int64_t written = 0;
        const char *first = p;
        for (; p < end && td_is_digit(*p); p++)
            if (written < 100000) written = written * 10 + (*p - '0');
        if (p == first) return false;
        exponent += sign * written;
    }
    if (p != end) return false;
    if (digits > 19 || mantissa > 1ULL << 53 || exponent < -22 || exponent > 22) return parse_slowly(text, length, value);
    double magnitude =
        exponent < 0 ? (double)mantissa / td_powers_of_ten[-exponent] : (double)mantissa * td_powers_of_ten[exponent];
    *value = negative ? -magnitude : magnitude;
    return true;
}
