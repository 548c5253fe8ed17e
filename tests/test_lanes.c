/* The lane algebra: every word on every instruction set of this machine, against plain C on one number at a time. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/math.h"
#include "base/random.h"
#include "sim/play.h"
#include "tests/kernels/words.h"
#include "tests/support.h"

extern const td_words td_words_scalar;
#if defined(__x86_64__)
extern const td_words td_words_v2, td_words_v3, td_words_v4;
static const td_words *const all_words[] = {&td_words_scalar, &td_words_v2, &td_words_v3, &td_words_v4};
#else
static const td_words *const all_words[] = {&td_words_scalar};
#endif

enum { COUNT = 4096 };
static double a[COUNT], b[COUNT], found[COUNT];

static uint64_t bits_of(double x) {
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

/* Same bits; one NaN is as good as another. */
static void assert_lane(double actual, double expected, int isa, int64_t i) {
    if (bits_of(actual) == bits_of(expected) || (isnan(actual) && isnan(expected))) return;
    print_error("%s, lane %lld of a = %a, b = %a: %a, expected %a\n", td_isa_name((td_isa)isa), (long long)i, a[i], b[i], actual,
                expected);
    fail();
}

/* All pairs of awkward numbers, then random ones of all sizes. */
static void fill_awkward(void) {
    static const double odd[] = {0.0,      -0.0,     1,         -1,         0.5,       1.5,          -1.5,
                                 2,        INFINITY, -INFINITY, NAN,        0x1p-1074, -0x1p-1074,   0x1p-1022,
                                 0x1p1023, 1e308,    -1e308,    0x1p52,     0x1p53,    0x1p52 + 0.5, 3.9999999999999996,
                                 -0x1p52,  1e-300,   100,       1 + 0x1p-52};
    enum { ODD = sizeof odd / sizeof *odd };
    int64_t n = 0;
    for (int i = 0; i < ODD; i++)
        for (int k = 0; k < ODD; k++) {
            a[n] = odd[i];
            b[n++] = odd[k];
        }
    for (uint64_t k = 0; n < COUNT; n++, k++) {
        double x = td_random_normal(1, TD_PURPOSE_TEST, 0, k), y = td_random_normal(1, TD_PURPOSE_TEST, 1, k);
        a[n] = x * pow(10, (double)(k % 13) - 6);
        b[n] = k % 5 ? y * pow(10, (double)(k % 7) - 3) : a[n];
    }
}

#define EACH_ISA for (int isa = 0; isa <= (int)td_isa_best(); isa++)
#define WORDS all_words[isa]

static void lanes_of_each_set(void **state) {
    (void)state;
    static const int lanes[] = {1, 2, 4, 8};
    EACH_ISA assert_int_equal(WORDS->lanes, lanes[isa]);
}

static void minimum_and_maximum(void **state) {
    (void)state;
    fill_awkward();
    EACH_ISA {
        WORDS->min(a, b, found, COUNT);
        for (int64_t i = 0; i < COUNT; i++) assert_lane(found[i], a[i] < b[i] ? a[i] : b[i], isa, i);
        WORDS->max(a, b, found, COUNT);
        for (int64_t i = 0; i < COUNT; i++) assert_lane(found[i], a[i] > b[i] ? a[i] : b[i], isa, i);
    }
    /* the second argument wins where one is NaN, and between the two zeros */
    double nan_one[8], zero[8], minus[8];
    for (int l = 0; l < 8; l++) {
        nan_one[l] = l % 2 ? NAN : 1;
        zero[l] = 0.0;
        minus[l] = -0.0;
    }
    EACH_ISA {
        WORDS->min(nan_one, zero, found, 8);
        assert_true(found[1] == 0 && found[0] == 0);
        WORDS->min(zero, nan_one, found, 8);
        assert_true(isnan(found[1]) && found[0] == 0);
        WORDS->max(zero, minus, found, 8);
        assert_true(signbit(found[0]));
        WORDS->min(minus, zero, found, 8);
        assert_false(signbit(found[0]));
    }
}

static void selection_and_masks(void **state) {
    (void)state;
    fill_awkward();
    EACH_ISA {
        WORDS->select_less(a, b, found, COUNT);
        for (int64_t i = 0; i < COUNT; i++) assert_lane(found[i], a[i] < b[i] ? a[i] : b[i], isa, i);
        WORDS->select_numbers(a, b, found, COUNT);
        for (int64_t i = 0; i < COUNT; i++) assert_lane(found[i], a[i] < b[i] ? 1 : -2, isa, i);
        WORDS->masks(a, b, found, COUNT);
        for (int64_t i = 0; i < COUNT; i++) assert_lane(found[i], (a[i] < b[i] || a[i] == 0) && !(b[i] > 1), isa, i);
    }
}

static void arithmetic_of_single_numbers(void **state) {
    (void)state;
    fill_awkward();
    EACH_ISA {
        WORDS->arithmetic(a, b, found, COUNT);
        for (int64_t i = 0; i < COUNT; i++) {
            /* volatile: each operation rounded once, in this order, whatever the compiler would like */
            volatile double sum = a[i] + b[i], left = sum * a[i], square = a[i] * a[i], under = square + 1, right = b[i] / under;
            assert_lane(found[i], left - right, isa, i);
        }
        WORDS->abs(a, found, COUNT);
        for (int64_t i = 0; i < COUNT; i++) assert_lane(found[i], fabs(a[i]), isa, i);
        WORDS->floor(a, found, COUNT);
        for (int64_t i = 0; i < COUNT; i++) assert_lane(found[i], floor(a[i]), isa, i);
        WORDS->bits(a, found, COUNT);
        for (int64_t i = 0; i < COUNT; i++) assert_int_equal(bits_of(found[i]), bits_of(a[i]));
    }
}

/* Every pattern of truths a vector can hold. */
static void truths_of_a_vector(void **state) {
    (void)state;
    EACH_ISA {
        int lanes = WORDS->lanes;
        for (unsigned pattern = 0; pattern < 1u << lanes; pattern++) {
            double low[8], high[8];
            for (int l = 0; l < lanes; l++) {
                low[l] = l;
                high[l] = pattern >> l & 1 ? l + 0.5 : l == 1 ? NAN : -1;
            }
            int any;
            unsigned word;
            uint64_t bits[8];
            WORDS->truths(low, high, &any, &word, bits);
            assert_int_equal(any, pattern != 0);
            assert_int_equal(word, pattern);
            for (int l = 0; l < lanes; l++) assert_true(bits[l] == (pattern >> l & 1 ? ~(uint64_t)0 : 0));
        }
    }
}

static void gathers_and_picks(void **state) {
    (void)state;
    double base[1000];
    int32_t index[COUNT];
    for (int i = 0; i < 1000; i++) base[i] = i * 1.25 - 7;
    for (uint64_t i = 0; i < COUNT; i++) index[i] = (int32_t)(td_random_bits(2, TD_PURPOSE_TEST, 0, i) % 1000);
    EACH_ISA {
        WORDS->gather(base, index, found, COUNT);
        for (int64_t i = 0; i < COUNT; i++) assert_true(found[i] == base[index[i]]);
    }
    /* windows that lie apart, overlap, are the same; unaligned */
    EACH_ISA {
        int lanes = WORDS->lanes;
        for (uint64_t round = 0; round < 2000; round++) {
            const double *first = base + td_random_bits(3, TD_PURPOSE_TEST, 0, round) % 900;
            const double *second = round % 3 ? base + td_random_bits(3, TD_PURPOSE_TEST, 1, round) % 900 : first;
            uint64_t pick[8];
            for (uint64_t l = 0; l < 8; l++) pick[l] = td_random_bits(3, TD_PURPOSE_TEST, 2, round * 8 + l) % (2 * (uint64_t)lanes);
            WORDS->pick(first, second, pick, found);
            for (int l = 0; l < lanes; l++) {
                uint64_t at = pick[l];
                assert_true(found[l] == (at < (uint64_t)lanes ? first[at] : second[at - (uint64_t)lanes]));
            }
        }
    }
}

/* floor(a / b) of the exact quotient: a = m * 2^e and b likewise, so the quotient is a ratio of whole numbers. Quotients below
 * 2^53 and exponents near each other, so that 128 bits hold them. */
static double exact_floor(double x, double y) {
    int x_exponent, y_exponent;
    unsigned __int128 m = (unsigned __int128)ldexp(frexp(x, &x_exponent), 53),
                      n = (unsigned __int128)ldexp(frexp(y, &y_exponent), 53);
    int shift = x_exponent - y_exponent;
    if (x == 0 || shift < -1) return 0;
    if (shift >= 0)
        m <<= shift;
    else
        n <<= -shift;
    return (double)(m / n);
}

/* What Python's float // does: the remainder is exact, so is the rounding of what is left. */
static double python_floor(double x, double y) {
    double quotient = (x - fmod(x, y)) / y, whole = floor(quotient);
    return quotient - whole > 0.5 ? whole + 1 : whole;
}

static void whole_quotients(void **state) {
    (void)state;
    int64_t n = 0;
    /* by hand: quotients that round up onto a whole number, or just below and above one */
    static const double hard[][3] = {{1, 0.1, 9},     {0.3, 0.1, 2},   {6, 0.1, 59},      {7, 2, 3},
                                     {8, 2, 4},       {0, 0.7, 0},     {0.05, 0.1, 0},    {9.9999999999999982, 1, 9},
                                     {1, 0x1.5555555555555p-2, 3},     {1, 0x1.5555555555556p-2, 2}, {10000, 1e-6, 10000000000},
                                     {0x1p53 - 1, 1, 0x1p53 - 1},      {1e15, 3, 333333333333333},   {3 - 0x1p-51, 1, 2}};
    enum { HARD = sizeof hard / sizeof *hard };
    for (int i = 0; i < HARD; i++) {
        a[n] = hard[i][0];
        b[n++] = hard[i][1];
    }
    for (uint64_t k = 0; n < COUNT; k++) {
        double lot = exp(td_random_normal(4, TD_PURPOSE_TEST, 0, k) * 3),
               whole = floor(exp(td_random_uniform(4, TD_PURPOSE_TEST, 1, k) * 35));
        /* on, one step above and one step below a multiple; then anything */
        double on = whole * lot;
        a[n] = k % 4 == 0   ? on
               : k % 4 == 1 ? nextafter(on, INFINITY)
               : k % 4 == 2 ? nextafter(on, 0)
                            : on * td_random_uniform(4, TD_PURPOSE_TEST, 2, k);
        b[n++] = lot;
    }
    EACH_ISA {
        WORDS->floor_divide(a, b, found, COUNT);
        for (int64_t i = 0; i < COUNT; i++) {
            assert_lane(found[i], exact_floor(a[i], b[i]), isa, i);
            assert_lane(found[i], python_floor(a[i], b[i]), isa, i);
        }
        for (int i = 0; i < HARD; i++) assert_lane(found[i], hard[i][2], isa, i);
    }
}

/* Division by whole numbers must be division: numbers of all sizes and signs, the odd ones, and dividends as near as can be to
 * where the rounding of a quotient turns, or to a quotient without a rest. */
static void quotients_of_whole_divisors(void **state) {
    (void)state;
    fill_awkward();
    for (uint64_t i = 0; i < COUNT; i++) {
        uint64_t bits = td_random_bits(5, TD_PURPOSE_TEST, 0, i);
        b[i] = i % 4 ? (double)(1 + bits % 5000) : (double)(1 + bits % ((uint64_t)1 << (1 + i / 4 % 49)));
    }
    EACH_ISA {
        WORDS->over(a, b, found, COUNT);
        for (int64_t i = 0; i < COUNT; i++) assert_lane(found[i], a[i] / b[i], isa, i);
    }
    for (uint64_t round = 0; round < 200; round++) {
        for (uint64_t i = 0; i < COUNT; i++) {
            uint64_t bits = td_random_bits(6 + round, TD_PURPOSE_TEST, 0, i);
            double quotient = 1 + (double)(bits >> 12) * 0x1p-52, near = quotient * b[i];
            if (i & 1) near = fma(quotient, b[i], b[i] * 0x1p-53); /* half a last place more */
            a[i] = ldexp(i & 2 ? nextafter(near, bits & 1 ? INFINITY : 0) : near, (int)(bits % 40) - 20);
        }
        EACH_ISA {
            WORDS->over(a, b, found, COUNT);
            for (int64_t i = 0; i < COUNT; i++) assert_lane(found[i], a[i] / b[i], isa, i);
        }
    }
}

static void logarithm_of_lanes(void **state) {
    (void)state;
    for (int64_t i = 0; i < COUNT; i++) {
        uint64_t k = (uint64_t)i;
        double u = td_random_uniform(5, TD_PURPOSE_TEST, 0, k);
        a[i] = k % 3 == 0 ? exp((u - 0.5) * 1400) : k % 3 == 1 ? 1 + (u - 0.5) * 0.01 : u * 4;
        b[i] = 0;
    }
    static const double marks[] = {
        1, 2, 0.5, 0x1.6a09e667f3bcdp0, 0x1.6a09e667f3bccp0, 0x1.6a09e667f3bcep0, 0x1p-1022, 0x1.fffffffffffffp1023, 1 + 0x1p-52, 1
        - 0x1p-53, 0, -0.0, -1, -INFINITY, NAN, 10};
    memcpy(a, marks, sizeof marks);
    EACH_ISA {
        WORDS->log(a, found, COUNT);
        for (int64_t i = 0; i < COUNT; i++) assert_lane(found[i], a[i] > 0 ? td_log(a[i]) : NAN, isa, i);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lanes_of_each_set),  cmocka_unit_test(minimum_and_maximum), cmocka_unit_test(selection_and_masks),
        cmocka_unit_test(arithmetic_of_single_numbers), cmocka_unit_test(truths_of_a_vector), cmocka_unit_test(gathers_and_picks),
        cmocka_unit_test(whole_quotients),    cmocka_unit_test(quotients_of_whole_divisors), cmocka_unit_test(logarithm_of_lanes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
