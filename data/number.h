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
/* [digits before the point - 1][digits after it - 1]: for each of 16 places the byte of the text that belongs there, or -1 */
extern const signed char td_digit_places[7][8][16];

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

#ifdef __SSE4_1__
/* Two runs of up to eight digits, side by side: joined three times, into pairs, fours and eights. */
static inline void td_join_both(__m128i characters, uint64_t *first, uint64_t *second) {
    __m128i digits = _mm_subs_epu8(characters, _mm_set1_epi8('0')); /* a zero byte stays 0 */
    __m128i pairs = _mm_maddubs_epi16(digits, _mm_set1_epi16(0x010a));
    __m128i fours = _mm_madd_epi16(pairs, _mm_set1_epi32(0x00010064));
    __m128i eights = _mm_madd_epi16(_mm_packus_epi32(fours, fours), _mm_set1_epi32(0x00012710));
    uint64_t both = (uint64_t)_mm_cvtsi128_si64(eights);
    *first = both & 0xffffffffu;
    *second = both >> 32;
}
#endif

/* The number that `length` digits at p write, 9 to 16 of them. 16 bytes at p must be readable. */
static inline uint64_t td_long_digits(const char *p, int64_t length) {
    uint64_t v, w, high, low;
    memcpy(&v, p, sizeof v);
    memcpy(&w, p + 8, sizeof w);
    w <<= 128 - 8 * length; /* what follows the digits falls out, zero bytes come in before them */
#ifdef __SSE4_1__
    td_join_both(_mm_set_epi64x((int64_t)w, (int64_t)v), &high, &low);
#else
    high = td_join_digits(v - 0x3030303030303030u);
    low = td_join_digits(w - (0x3030303030303030u << (128 - 8 * length)));
#endif
    return high * td_whole_powers_of_ten[length - 8] + low;
}

/* A number without sign, of 1 to 7 digits, a point and 1 to 8 digits: 10^8 times it, a whole number below 10^15, so that
 * dividing by 10^8 rounds once. 16 bytes at p must be readable. */
static inline double td_hundred_millions(const char *p, int64_t whole, int64_t decimals) {
    uint64_t high, low;
#ifdef __SSE4_1__
    /* the digits before the point end in byte 7, those after it begin in byte 8; the rest is 0 */
    const __m128i places = _mm_loadu_si128((const __m128i *)td_digit_places[whole - 1][decimals - 1]);
    td_join_both(_mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)p), places), &high, &low);
#else
    uint64_t v, w;
    memcpy(&v, p, sizeof v);
    memcpy(&w, p + whole + 1, sizeof w);
    high = td_join_digits((v - 0x3030303030303030u) << (64 - 8 * whole));
    low = td_join_digits((w - 0x3030303030303030u) << (64 - 8 * decimals)) * td_whole_powers_of_ten[8 - decimals];
#endif
    return (double)(int64_t)(high * 100000000 + low);
}

#endif
