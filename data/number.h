/* Decimal text to double: exact, and fast for what market data looks like.
 *
 * A number of at most 19 digits whose digits, read as an integer, are at most 2^53, with at most 22 decimals, is that integer
 * divided by a power of ten; both are doubles without error, so the one division rounds correctly and gives the bits of
 * strtod() (Clinger, How to read floating point numbers accurately, PLDI 1990). Everything else goes to strtod(). */
#ifndef TAPEDECK_DATA_NUMBER_H
#define TAPEDECK_DATA_NUMBER_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

extern const double td_powers_of_ten[23];

/* The whole of text[0, length) as a number: [+-] digits [. digits] [e [+-] digits], nothing around it. No inf, nan or hex.
 * False when it is none. The result may be infinite ("1e999"), as with strtod(). */
bool td_number_parse(const char *text, int64_t length, double *value);

static inline bool td_is_digit(char c) { return (unsigned char)(c - '0') < 10; }

/* Are the 8 bytes at p digits? Then *value is the number they write. Three multiplications join pairs, fours and eights. */
static inline bool td_eight_digits(const char *p, uint64_t *value) {
    uint64_t v;
    memcpy(&v, p, sizeof v);
    /* '0'..'9' are 0x30..0x39: high nibble 3, and still 3 after adding 6 */
    uint64_t high = 0xf0f0f0f0f0f0f0f0u;
    if (((v & high) | (((v + 0x0606060606060606u) & high) >> 4)) != 0x3333333333333333u) return false;
    v -= 0x3030303030303030u;
    v = v * 10 + (v >> 8);
    *value = (((v & 0x000000ff000000ffu) * 0x000f424000000064u) + (((v >> 16) & 0x000000ff000000ffu) * 0x0000271000000001u)) >> 32;
    return true;
}

/* Reads a plain decimal ([-] digits [. digits]) at p and returns where it ends, NULL when there is none. 8 bytes beyond the end
 * of the number must be readable, and the byte at its end must be no digit. Little-endian. */
static inline const char *td_number_scan(const char *p, double *value) {
    const char *start = p;
    bool negative = *p == '-';
    p += negative;
    const char *digits = p;
    uint64_t mantissa = 0, eight;
    while (td_is_digit(*p)) mantissa = mantissa * 10 + (uint64_t)(*p++ - '0');
    int64_t count = p - digits, decimals = 0;
    if (*p == '.') {
        digits = ++p;
        if (td_eight_digits(p, &eight)) {
            mantissa = mantissa * 100000000 + eight;
            p += 8;
        }
        while (td_is_digit(*p)) mantissa = mantissa * 10 + (uint64_t)(*p++ - '0');
        decimals = p - digits;
        count += decimals;
    }
    if (count == 0) return NULL;
    if (count > 19 || mantissa > 1ULL << 53) return td_number_parse(start, p - start, value) ? p : NULL;
    double magnitude = (double)mantissa / td_powers_of_ten[decimals];
    *value = negative ? -magnitude : magnitude;
    return p;
}

#endif
