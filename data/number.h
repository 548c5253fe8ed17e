/* Decimal text to double: exact, and fast for what market data looks like.
 *
 * A number whose digits, read as one integer, are at most 2^53, with at most 22 decimals, is that integer divided by a power of
 * ten; both are doubles without error, so the one division rounds correctly and gives the bits of strtod() (Clinger, How to read
 * floating point numbers accurately, PLDI 1990). Everything else goes to strtod(). */
#ifndef TAPEDECK_DATA_NUMBER_H
#define TAPEDECK_DATA_NUMBER_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#ifdef __SSE4_1__
#include <smmintrin.h>
#endif

extern const double td_powers_of_ten[23];
extern const uint64_t td_whole_powers_of_ten[9];

/* The whole of text[0, length) as a number: [+-] digits [. digits] [e [+-] digits], nothing around it. No inf, nan or hex.
 * False when it is none. The result may be infinite ("1e999"), as with strtod(). */
bool td_number_parse(const char *text, int64_t length, double *value);

#ifndef __SSE4_1__
/* The number of eight digits (0..9, not characters), the first in the lowest byte. */
static inline uint64_t td_join_digits(uint64_t v) {
    v = v * 10 + (v >> 8);
    return (((v & 0x000000ff000000ffu) * 0x000f424000000064u) + (((v >> 16) & 0x000000ff000000ffu) * 0x0000271000000001u)) >> 32;
}
#endif

static inline bool td_is_digit(char c) { return (unsigned char)(c - '0') < 10; }

/* The numbers that two runs of digits write: `a_length` digits at a and `b_length` at b, 1 to 8 each. They must be digits, and 8
 * bytes at a and at b must be readable. Joins neighbours three times: into pairs, fours and eights. Little-endian. */
static inline void td_two_digit_runs(const char *a, int64_t a_length, const char *b, int64_t b_length, uint64_t *a_value,
                                     uint64_t *b_value) {
    uint64_t v, w;
    memcpy(&v, a, sizeof v);
    memcpy(&w, b, sizeof w);
    /* what follows the digits falls out, zero bytes come in before them */
    v <<= 64 - 8 * a_length;
    w <<= 64 - 8 * b_length;
#ifdef __SSE4_1__
    __m128i digits = _mm_subs_epu8(_mm_set_epi64x((int64_t)w, (int64_t)v), _mm_set1_epi8('0'));
    __m128i pairs = _mm_maddubs_epi16(digits, _mm_set1_epi16(0x010a));
    __m128i fours = _mm_madd_epi16(pairs, _mm_set1_epi32(0x00010064));
    __m128i eights = _mm_madd_epi16(_mm_packus_epi32(fours, fours), _mm_set1_epi32(0x00012710));
    uint64_t both = (uint64_t)_mm_cvtsi128_si64(eights);
    *a_value = both & 0xffffffffu;
    *b_value = both >> 32;
#else
    *a_value = td_join_digits(v - (0x3030303030303030u << (64 - 8 * a_length)));
    *b_value = td_join_digits(w - (0x3030303030303030u << (64 - 8 * b_length)));
#endif
}

/* A number without sign from its two runs of digits: `whole` of 1 to 8 and `decimals` of 0 to 8.
 * False when it is too large to be exact this way. 8 bytes at each run must be readable. */
static inline bool td_number_from_digits(const char *whole, int64_t whole_length, const char *decimals, int64_t decimals_length,
                                         double *value) {
    uint64_t mantissa, fraction;
    td_two_digit_runs(whole, whole_length, decimals_length ? decimals : whole, decimals_length ? decimals_length : 1, &mantissa,
                      &fraction);
    if (decimals_length) mantissa = mantissa * td_whole_powers_of_ten[decimals_length] + fraction;
    if (mantissa > 1ULL << 53) return false;
    *value = (double)(int64_t)mantissa / td_powers_of_ten[decimals_length];
    return true;
}

#endif
