/* The lane algebra: one source, W lanes or one.
 *
 * A translation unit that includes this is compiled once per instruction set (cmake/kernels.cmake defines TD_ISA and
 * TD_ISA_INDEX). In each of them
 *   td_real  TD_LANES doubles: a vector as wide as the target's registers, or plain double for `scalar`
 *   td_mask  the truth of a comparison per lane (use &, |, td_not; never ~ or !, which differ between one lane and many)
 *   td_bits  the same lanes as unsigned 64-bit integers
 * are the compilers' vector types, so + - * / < <= and friends are plain C, numbers mix in freely, and every lane does exactly
 * the operations, in the order, that the source says: same source, same bits, at any width. A vector type wider than the
 * registers is ruinous (15 times slower on AVX2), hence the one size per target.
 *
 * Whoever includes this must be built with -ffp-contract=off. */
#ifndef TAPEDECK_BASE_LANES_H
#define TAPEDECK_BASE_LANES_H

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#ifndef TD_ISA_INDEX /* a unit that is not compiled per instruction set plays one lane */
#define TD_ISA_INDEX 0
#define TD_ISA scalar
#endif

#define TD_JOIN_(a, b) a##_##b
#define TD_JOIN(a, b) TD_JOIN_(a, b)
/* Name of a symbol that exists once per instruction set: TD_ISA_NAME(play) is play_v3 in the v3 unit. */
#define TD_ISA_NAME(name) TD_JOIN(name, TD_ISA)

#define TD_INLINE static inline __attribute__((always_inline, unused))
#define TD_RARE static __attribute__((noinline, cold, unused))
#define td_likely(x) __builtin_expect(!!(x), 1)
#define td_unlikely(x) __builtin_expect(!!(x), 0)

#if TD_ISA_INDEX == 0

enum { TD_LANES = 1 };
typedef double td_real;
typedef int td_mask;
typedef uint64_t td_bits;
TD_INLINE td_real td_select_(td_mask m, td_real a, td_real b) { return m ? a : b; }
TD_INLINE bool td_any(td_mask m) { return m != 0; }
TD_INLINE td_mask td_not(td_mask m) { return !m; }
TD_INLINE td_real td_min_(td_real a, td_real b) { return a < b ? a : b; }
TD_INLINE td_real td_max_(td_real a, td_real b) { return a > b ? a : b; }
TD_INLINE td_real td_abs(td_real a) { return __builtin_fabs(a); }
TD_INLINE td_real td_floor(td_real a) { return __builtin_floor(a); }
TD_INLINE td_real td_gather(const double *base, const int32_t *index) { return base[*index]; }
TD_INLINE td_bits td_mask_bits(td_mask m) { return m ? ~(td_bits)0 : 0; }
TD_INLINE unsigned td_mask_word(td_mask m) { return m != 0; }
TD_INLINE td_mask td_word_mask(unsigned word) { return word & 1; }
TD_INLINE td_real td_window_pick(const double *first, const double *second, td_bits index) { return index ? *second : *first; }
#define td_splat(x) ((td_real)(x))

#else

#include <immintrin.h>

#if TD_ISA_INDEX == 1
enum { TD_LANES = 2 };
#elif TD_ISA_INDEX == 2
enum { TD_LANES = 4 };
#else
enum { TD_LANES = 8 };
#endif
typedef double td_real __attribute__((vector_size(TD_LANES * 8)));
typedef long long td_mask __attribute__((vector_size(TD_LANES * 8)));
typedef unsigned long long td_bits __attribute__((vector_size(TD_LANES * 8)));
/* A number in every lane; a vector stays what it is. */
#define td_splat(x) ((x) - (td_real){0})

#if TD_ISA_INDEX == 1
TD_INLINE td_real td_select_(td_mask m, td_real a, td_real b) { return (td_real)_mm_blendv_pd((__m128d)b, (__m128d)a, (__m128d)m); }
TD_INLINE unsigned td_mask_word(td_mask m) { return (unsigned)_mm_movemask_pd((__m128d)m); }
TD_INLINE td_real td_min_(td_real a, td_real b) { return (td_real)_mm_min_pd((__m128d)a, (__m128d)b); }
TD_INLINE td_real td_max_(td_real a, td_real b) { return (td_real)_mm_max_pd((__m128d)a, (__m128d)b); }
TD_INLINE td_real td_floor(td_real a) { return (td_real)_mm_floor_pd((__m128d)a); }
TD_INLINE td_real td_gather(const double *base, const int32_t *index) { return (td_real){base[index[0]], base[index[1]]}; }
TD_INLINE td_real td_window_pick(const double *first, const double *second, td_bits index) {
    return (td_real){index[0] < 2 ? first[index[0]] : second[index[0] - 2], index[1] < 2 ? first[index[1]] : second[index[1] - 2]};
}
#elif TD_ISA_INDEX == 2
TD_INLINE td_real td_select_(td_mask m, td_real a, td_real b) {
    return (td_real)_mm256_blendv_pd((__m256d)b, (__m256d)a, (__m256d)m);
}
TD_INLINE unsigned td_mask_word(td_mask m) { return (unsigned)_mm256_movemask_pd((__m256d)m); }
TD_INLINE td_real td_min_(td_real a, td_real b) { return (td_real)_mm256_min_pd((__m256d)a, (__m256d)b); }
TD_INLINE td_real td_max_(td_real a, td_real b) { return (td_real)_mm256_max_pd((__m256d)a, (__m256d)b); }
TD_INLINE td_real td_floor(td_real a) { return (td_real)_mm256_floor_pd((__m256d)a); }
TD_INLINE td_real td_fused(td_real a, td_real b, td_real c) {
    return (td_real)_mm256_fmadd_pd((__m256d)a, (__m256d)b, (__m256d)c);
}
TD_INLINE td_real td_gather(const double *base, const int32_t *index) {
    return (td_real)_mm256_i32gather_pd(base, _mm_loadu_si128((const __m128i *)index), 8);
}
TD_INLINE td_real td_window_pick(const double *first, const double *second, td_bits index) {
    /* pairs of 32-bit indices for vpermd, which looks at the low three bits */
    __m256i wide = _mm256_slli_epi64((__m256i)index, 1);
    __m256i pairs = _mm256_or_si256(wide, _mm256_slli_epi64(_mm256_add_epi64(wide, _mm256_set1_epi64x(1)), 32));
    __m256d a = _mm256_castsi256_pd(_mm256_permutevar8x32_epi32(_mm256_loadu_si256((const __m256i *)first), pairs));
    __m256d b = _mm256_castsi256_pd(_mm256_permutevar8x32_epi32(_mm256_loadu_si256((const __m256i *)second), pairs));
    return (td_real)_mm256_blendv_pd(a, b, _mm256_castsi256_pd(_mm256_slli_epi64((__m256i)index, 61)));
}
#else
TD_INLINE td_real td_select_(td_mask m, td_real a, td_real b) {
    return (td_real)_mm512_mask_blend_pd(_mm512_movepi64_mask((__m512i)m), (__m512d)b, (__m512d)a);
}
TD_INLINE unsigned td_mask_word(td_mask m) { return _mm512_movepi64_mask((__m512i)m); }
TD_INLINE td_real td_min_(td_real a, td_real b) { return (td_real)_mm512_min_pd((__m512d)a, (__m512d)b); }
TD_INLINE td_real td_max_(td_real a, td_real b) { return (td_real)_mm512_max_pd((__m512d)a, (__m512d)b); }
TD_INLINE td_real td_floor(td_real a) { return (td_real)_mm512_floor_pd((__m512d)a); }
TD_INLINE td_real td_fused(td_real a, td_real b, td_real c) {
    return (td_real)_mm512_fmadd_pd((__m512d)a, (__m512d)b, (__m512d)c);
}
TD_INLINE td_real td_gather(const double *base, const int32_t *index) {
    return (td_real)_mm512_i32gather_pd(_mm256_loadu_si256((const __m256i *)index), base, 8);
}
TD_INLINE td_real td_window_pick(const double *first, const double *second, td_bits index) {
    return (td_real)_mm512_permutex2var_pd(_mm512_loadu_pd(first), (__m512i)index, _mm512_loadu_pd(second));
}
#endif
TD_INLINE bool td_any(td_mask m) { return td_mask_word(m) != 0; }
TD_INLINE td_mask td_not(td_mask m) { return ~m; }
TD_INLINE td_real td_abs(td_real a) { return (td_real)((td_mask)a & 0x7fffffffffffffffLL); }
TD_INLINE td_bits td_mask_bits(td_mask m) { return (td_bits)m; }
TD_INLINE td_mask td_word_mask(unsigned word) {
    td_bits bit;
    for (int l = 0; l < TD_LANES; l++) bit[l] = 1ull << l;
    return (td_mask)((bit & (td_bits)((td_bits){0} + word)) != 0);
}

#endif

/* td_mask_word(m): bit l is the truth of lane l; td_word_mask(word) is its inverse.
 * td_gather(base, index): base[index[l]] in lane l. td_window_pick(first, second, index): the same from two windows of TD_LANES numbers
 * each, index 0 .. 2 TD_LANES - 1: a tenth of a gather's work. */

#define TD_INF __builtin_inf()
TD_INLINE td_mask td_no_lane(void) { return td_splat(0.0) != td_splat(0.0); }
TD_INLINE td_mask td_every_lane(void) { return td_splat(0.0) == td_splat(0.0); }

/* a where m, else b. Numbers are welcome as a and b. */
#define td_select(m, a, b) td_select_((m), td_splat(a), td_splat(b))
/* a < b ? a : b and a > b ? a : b: the second argument when either is NaN, as the processors do it. */
#define td_min(a, b) td_min_(td_splat(a), td_splat(b))
#define td_max(a, b) td_max_(td_splat(a), td_splat(b))

TD_INLINE td_bits td_to_bits(td_real a) {
    td_bits bits;
    memcpy(&bits, &a, sizeof bits);
    return bits;
}
TD_INLINE td_real td_from_bits(td_bits bits) {
    td_real a;
    memcpy(&a, &bits, sizeof a);
    return a;
}
TD_INLINE td_real td_load(const double *p) {
    td_real a;
    memcpy(&a, p, sizeof a);
    return a;
}
TD_INLINE void td_store(double *p, td_real a) { memcpy(p, &a, sizeof a); }

/* A whole number from 1 to 2^49 that much is divided by. */
typedef struct td_divisor {
    td_real whole, inverse; /* inverse: 1 / whole */
} td_divisor;

/* a / by.whole to the last bit, for a sixth of a division: with one correction (Brisebarre, Muller, Raina, Accelerating correctly
 * rounded floating-point division when the divisor is known in advance, IEEE Transactions on Computers 2004). Why it is exact, w being
 * the divisor: the first quotient is within two of its last places of a / w; what it leaves of a is then a whole number, below 2^51, of
 * such places, so the first fused step rounds nothing; the second rounds a number within 2^-52 places of a / w, while no a / w comes
 * nearer than 1 / (4 w) places to where rounding turns. Quotients that are zero, tiny or not finite are divided. */
TD_INLINE td_real td_over(td_real a, td_divisor by) {
#if TD_ISA_INDEX < 2
    return a / by.whole; /* no fused steps */
#else
    td_real quotient = a * by.inverse;
    quotient = td_fused(td_fused(-quotient, by.whole, a), by.inverse, quotient);
    if (td_unlikely(td_any(td_not(td_abs(quotient) > 0x1p-900)))) quotient = a / by.whole;
    return quotient;
#endif
}

/* floor(a / b) of the exact quotient for a >= 0, b > 0 and quotients below 2^53. Division may round up onto the next whole
 * number; the exact product (Dekker 1971, splitting by Veltkamp) tells. */
TD_INLINE td_real td_floor_divide(td_real a, td_real b) {
    td_real n = td_floor(a / b);
    td_real product = n * b;
    td_real n_split = n * 134217729.0, n_high = n_split - (n_split - n), n_low = n - n_high;
    td_real b_split = b * 134217729.0, b_high = b_split - (b_split - b), b_low = b - b_high;
    td_real error = ((n_high * b_high - product) + n_high * b_low + n_low * b_high) + n_low * b_low;
    td_mask above = (product > a) | ((product == a) & (error > 0));
    return td_select(above, n - 1, n);
}

/* Natural logarithm of positive normal numbers, bit for bit td_log() (base/math.c has the derivation); NaN for x <= 0. */
TD_INLINE td_real td_log_lanes(td_real x) {
    td_bits bits = td_to_bits(x);
    td_bits exponent = bits >> 52; /* to double without a 64-bit conversion: magic number 2^52 */
    td_real k = td_from_bits(exponent | 0x4330000000000000ull) - 0x1p52 - 1023;
    td_real m = td_from_bits((bits & 0xfffffffffffffull) | 0x3ff0000000000000ull);
    td_mask high = m > 0x1.6a09e667f3bcdp0;
    m = td_select(high, m * 0.5, m);
    k = td_select(high, k + 1, k);
    td_real f = m - 1, s = f / (2 + f), half_square = 0.5 * f * f, z = s * s;
    td_real sum = td_splat(2.0 / 25);
    sum = sum * z + 2.0 / 23;
    sum = sum * z + 2.0 / 21;
    sum = sum * z + 2.0 / 19;
    sum = sum * z + 2.0 / 17;
    sum = sum * z + 2.0 / 15;
    sum = sum * z + 2.0 / 13;
    sum = sum * z + 2.0 / 11;
    sum = sum * z + 2.0 / 9;
    sum = sum * z + 2.0 / 7;
    sum = sum * z + 2.0 / 5;
    sum = sum * z + 2.0 / 3;
    td_real rest = s * (half_square + sum * z);
    td_real y = k * 0x1.62e42feep-1 - ((half_square - (rest + (k * 0x1.a39ef35793c76p-33 + 0))) - f);
    return td_select(x > 0, y, __builtin_nan(""));
}

#endif
