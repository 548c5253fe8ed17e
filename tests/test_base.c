/* base/: elementary functions against the C library in long double and against GSL, random numbers and CRC-32C against published
 * vectors, errors, words, the processor against the dynamic loader's opinion of it, the choice of BLAS kernels. */
#include "tests/support.h"

#include <gsl/gsl_cdf.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "base/blas.h"
#include "base/cpu.h"
#include "base/crc32c.h"
#include "base/error.h"
#include "base/math.h"
#include "base/random.h"
#include "base/sorted.h"
#include "base/words.h"

enum { DRAWS = 200000 };

/* Distance of a double from the true value, in units in the last place of the true value. long double has 11 more bits on x86-64;
 * where it does not, these tests compare with the same precision and the bound of 2 still holds for a libm within half an ulp. */
static double ulps(double found, long double truth) {
    double nearest = (double)truth;
    if (isnan(nearest)) return isnan(found) ? 0 : INFINITY;
    if (isinf(nearest) || nearest == 0) return found == nearest ? 0 : INFINITY;
    double unit = nextafter(fabs(nearest), INFINITY) - fabs(nearest);
    return (double)(fabsl((long double)found - truth) / unit);
}

static double uniform(uint64_t stream, uint64_t counter, double low, double high) {
    return low + (high - low) * td_random_uniform(20240601, TD_PURPOSE_TEST, stream, counter);
}

typedef struct worst {
    double ulps, at;
} worst;

static void note(worst *seen, double found, long double truth, double at) {
    double distance = ulps(found, truth);
    if (!(distance <= seen->ulps)) *seen = (worst){distance, at};
}

static void assert_below(const char *what, const worst *seen, double bound) {
    if (seen->ulps <= bound) return;
    fail_msg("%s is %.3f ulp off at %.17g, must be within %g", what, seen->ulps, seen->at, bound);
}

static void log_within_2_ulp(void **state) {
    (void)state;
    worst seen = {0, 0}, near_one = {0, 0}, small = {0, 0};
    for (uint64_t i = 0; i < DRAWS; i++) {
        double x = ldexp(uniform(0, i, 1, 2), (int)uniform(1, i, -1022, 1023));
        note(&seen, td_log(x), logl(x), x);
        x = uniform(2, i, 0.5, 2);
        note(&near_one, td_log(x), logl(x), x);
        x = ldexp(uniform(3, i, 1, 2), (int)uniform(4, i, -1074, -1022));
        note(&small, td_log(x), logl(x), x);
    }
    assert_below("td_log", &seen, 2);
    assert_below("td_log near 1", &near_one, 2);
    assert_below("td_log of denormals", &small, 2);
    assert_true(td_log(1) == 0 && !signbit(td_log(1)));
    assert_true(td_log(0) == -INFINITY && td_log(-0.0) == -INFINITY && td_log(INFINITY) == INFINITY);
    assert_true(isnan(td_log(-1)) && isnan(td_log(NAN)) && isnan(td_log(-INFINITY)));
}

static void log1p_within_2_ulp(void **state) {
    (void)state;
    worst seen = {0, 0};
    for (uint64_t i = 0; i < DRAWS; i++) {
        double x = uniform(10, i, -1, 4), y = ldexp(uniform(11, i, -2, 2), (int)uniform(12, i, -1000, 1));
        note(&seen, td_log1p(x), log1pl(x), x);
        if (y > -1) note(&seen, td_log1p(y), log1pl(y), y);
        x = ldexp(uniform(13, i, 1, 2), (int)uniform(14, i, 0, 1000));
        note(&seen, td_log1p(x), log1pl(x), x);
    }
    for (int i = 0; i < 1000; i++) { /* around the ends of the direct series */
        double a = -0.29 + (i - 500) * 0x1p-54, b = 0.41 + (i - 500) * 0x1p-53;
        note(&seen, td_log1p(a), log1pl(a), a);
        note(&seen, td_log1p(b), log1pl(b), b);
    }
    assert_below("td_log1p", &seen, 2);
    assert_true(td_log1p(0) == 0 && td_log1p(1e-300) == 1e-300 && td_log1p(-1) == -INFINITY);
    assert_true(isnan(td_log1p(-1.5)) && isnan(td_log1p(NAN)) && td_log1p(INFINITY) == INFINITY);
}

static void exp_within_2_ulp(void **state) {
    (void)state;
    worst seen = {0, 0}, near_zero = {0, 0};
    for (uint64_t i = 0; i < DRAWS; i++) {
        double x = uniform(20, i, -708.39, 709.78);
        note(&seen, td_exp(x), expl(x), x);
        x = ldexp(uniform(21, i, -1, 1), (int)uniform(22, i, -60, 1));
        note(&near_zero, td_exp(x), expl(x), x);
    }
    assert_below("td_exp", &seen, 2);
    assert_below("td_exp near 0", &near_zero, 2);
    /* the denormal range has fewer bits; the distance there is in units of the smallest number */
    for (uint64_t i = 0; i < 10000; i++) {
        double x = uniform(23, i, -745.2, -708.39);
        double bound = 2 * 0x1p-1074 + 2 * (double)expl(x) * 0x1p-52;
        if (fabsl(td_exp(x) - expl(x)) > bound) fail_msg("td_exp(%.17g) is %g", x, td_exp(x));
    }
    assert_true(td_exp(0) == 1 && td_exp(-0.0) == 1 && td_exp(-INFINITY) == 0 && td_exp(INFINITY) == INFINITY);
    assert_true(td_exp(710) == INFINITY && td_exp(-746) == 0 && isnan(td_exp(NAN)));
    assert_true(isfinite(td_exp(709.782712893383)) && td_exp(-745.13) > 0);
}

static void assert_pow(double x, double y) {
    long double truth = powl(x, y);
    if (fabsl(truth) <= 0x1p-1022L || fabsl(truth) >= 0x1.fffffffffffffp1023L) return;
    double bound = 2 + 2 * fabs(y * log(x)), distance = ulps(td_pow(x, y), truth);
    if (distance > bound) fail_msg("td_pow(%.17g, %.17g) is %.3f ulp off, must be within %.3f", x, y, distance, bound);
}

static void pow_error_grows_with_the_exponent(void **state) {
    (void)state;
    for (uint64_t i = 0; i < DRAWS; i++) {
        assert_pow(uniform(30, i, 0.1, 10), uniform(31, i, -3, 3));
        assert_pow(ldexp(uniform(32, i, 1, 2), (int)uniform(33, i, -300, 300)), uniform(34, i, -3, 3));
        assert_pow(1 + uniform(35, i, -1e-3, 1e-3), uniform(36, i, -1e5, 1e5));
    }
    assert_true(td_pow(2, 0) == 1 && td_pow(NAN, 0) == 1 && td_pow(1, NAN) == 1 && td_pow(1, INFINITY) == 1);
    assert_true(td_pow(0, 2) == 0 && td_pow(0, -1) == INFINITY && isnan(td_pow(-2, 2)) && isnan(td_pow(2, NAN)));
    assert_true(td_pow(2, 10) == 1024 && td_pow(2, -1) == 0.5);
    assert_true(td_pow(INFINITY, 1) == INFINITY && td_pow(INFINITY, -1) == 0 && td_pow(2, INFINITY) == INFINITY &&
                td_pow(0.5, INFINITY) == 0 && td_pow(2, -INFINITY) == 0);
}

static void sine_of_turns(void **state) {
    (void)state;
    const long double turn = 6.283185307179586476925286766559L;
    for (uint64_t i = 0; i < DRAWS; i++) {
        double x = uniform(40, i, -2, 2);
        long double truth = sinl(turn * (x - floorl(x)));
        if (fabsl(td_sin_turns(x) - truth) > 4e-16L)
            fail_msg("td_sin_turns(%.17g) is %.17g, must be %.17Lg", x, td_sin_turns(x), truth);
    }
    assert_true(td_sin_turns(0) == 0 && td_sin_turns(0.5) == 0 && td_sin_turns(7) == 0);
    assert_near(td_sin_turns(0.25), 1, 1e-15);
    assert_near(td_sin_turns(-0.25), -1, 1e-15);
    assert_near(td_sin_turns(1000000.125), 0.70710678118654752, 1e-15);
}

static void normal_quantile_within_2e_9(void **state) {
    (void)state;
    for (uint64_t i = 0; i < DRAWS / 4; i++) {
        double p = uniform(50, i, 0, 1), tail = ldexp(uniform(51, i, 1, 2), (int)uniform(52, i, -1000, -2));
        double z = td_normal_quantile(p), far = td_normal_quantile(tail), z_gsl = gsl_cdf_ugaussian_Pinv(p),
               far_gsl = gsl_cdf_ugaussian_Pinv(tail);
        if (fabs(z - z_gsl) > 2e-9) fail_msg("td_normal_quantile(%.17g) is %.17g, GSL says %.17g", p, z, z_gsl);
        if (fabs(far - far_gsl) > 2e-9) fail_msg("td_normal_quantile(%.17g) is %.17g, GSL says %.17g", tail, far, far_gsl);
        double mirror = 1 - p, again = 1 - mirror; /* exactly symmetric around one half */
        if (td_normal_quantile(mirror) != -td_normal_quantile(again)) fail_msg("the quantile is not odd at %.17g", p);
    }
    assert_true(td_normal_quantile(0.5) == 0 && td_normal_quantile(0) == -INFINITY && td_normal_quantile(1) == INFINITY);
    assert_true(isnan(td_normal_quantile(-0.1)) && isnan(td_normal_quantile(1.1)) && isnan(td_normal_quantile(NAN)));
    assert_near(td_normal_quantile(0.975), 1.959963984540054, 1e-9);
}

/* The known-answer tests of Random123 for philox4x32-10: of its four words we take the first two. */
static void philox_gives_the_published_answers(void **state) {
    (void)state;
    assert_int_equal(td_random_bits(0, (td_purpose)0, 0, 0), 0xe169c58d6627e8d5u);
    assert_int_equal(td_random_bits(UINT64_MAX, (td_purpose)0, UINT64_MAX, UINT64_MAX), 0x41c83b0e408f276du);
    assert_int_equal(td_random_bits(0x299f31d0a4093822u, (td_purpose)0, 0x0370734413198a2eu, 0x85a308d3243f6a88u),
                     0x94fdccebd16cfe09u);
}

static void random_streams_are_apart(void **state) {
    (void)state;
    uint64_t base = td_random_bits(1, TD_PURPOSE_SAMPLER, 5, 9);
    assert_int_not_equal(base, td_random_bits(2, TD_PURPOSE_SAMPLER, 5, 9));
    assert_int_not_equal(base, td_random_bits(1, TD_PURPOSE_SYNTH, 5, 9));
    assert_int_not_equal(base, td_random_bits(1, TD_PURPOSE_SAMPLER, 6, 9));
    assert_int_not_equal(base, td_random_bits(1, TD_PURPOSE_SAMPLER, 5, 10));
    assert_int_equal(base, td_random_bits(1, TD_PURPOSE_SAMPLER, 5, 9));
}

/* Means and a chi-square over 64 cells; the seed is fixed, so a failure is a change and not bad luck. */
static void draws_have_the_right_shape(void **state) {
    (void)state;
    double sum = 0, normal = 0, squares = 0, fourth = 0, cells[64] = {0};
    for (uint64_t i = 0; i < DRAWS; i++) {
        double u = td_random_uniform(7, TD_PURPOSE_TEST, 0, i), z = td_random_normal(7, TD_PURPOSE_TEST, 1, i);
        assert_true(u > 0 && u < 1);
        sum += u;
        cells[(int)(u * 64)]++;
        normal += z;
        squares += z * z;
        fourth += z * z * z * z;
    }
    double chi = 0, expected = DRAWS / 64.0;
    for (int i = 0; i < 64; i++) chi += (cells[i] - expected) * (cells[i] - expected) / expected;
    assert_true(fabs(sum / DRAWS - 0.5) < 4 * 0.2887 / sqrt(DRAWS));
    assert_true(fabs(normal / DRAWS) < 4 / sqrt(DRAWS));
    assert_true(fabs(squares / DRAWS - 1) < 4 * sqrt(2.0 / DRAWS));
    assert_true(fabs(fourth / DRAWS - 3) < 4 * sqrt(96.0 / DRAWS));
    assert_true(chi > 30 && chi < 110);
}

/* RFC 3720, appendix B.4. */
static void crc32c_gives_the_published_answers(void **state) {
    (void)state;
    unsigned char bytes[32];
    memset(bytes, 0, sizeof bytes);
    assert_int_equal(td_crc32c(0, bytes, 32), 0x8a9136aau);
    memset(bytes, 0xff, sizeof bytes);
    assert_int_equal(td_crc32c(0, bytes, 32), 0x62a8ab43u);
    for (int i = 0; i < 32; i++) bytes[i] = (unsigned char)i;
    assert_int_equal(td_crc32c(0, bytes, 32), 0x46dd794eu);
    for (int i = 0; i < 32; i++) bytes[i] = (unsigned char)(31 - i);
    assert_int_equal(td_crc32c(0, bytes, 32), 0x113fdb5cu);
    assert_int_equal(td_crc32c(0, "123456789", 9), 0xe3069283u);
    assert_int_equal(td_crc32c(0, "", 0), 0);
}

static void crc32c_of_pieces_is_that_of_the_whole(void **state) {
    (void)state;
    unsigned char bytes[257];
    for (uint64_t i = 0; i < sizeof bytes; i++) bytes[i] = (unsigned char)td_random_bits(3, TD_PURPOSE_TEST, 0, i);
    uint32_t whole = td_crc32c(0, bytes, sizeof bytes);
    for (size_t cut = 0; cut <= sizeof bytes; cut++)
        assert_int_equal(td_crc32c(td_crc32c(0, bytes, cut), bytes + cut, sizeof bytes - cut), whole);
    for (size_t i = 0; i < sizeof bytes; i++) { /* any flipped bit shows */
        bytes[i] ^= 1 << (i % 8);
        assert_int_not_equal(td_crc32c(0, bytes, sizeof bytes), whole);
        bytes[i] ^= 1 << (i % 8);
    }
}

static void errors_carry_a_sentence(void **state) {
    (void)state;
    td_error error;
    assert_int_equal(td_fail(&error, TD_BAD_ARG, "bars is %d, must be at least %d", 0, 1), TD_BAD_ARG);
    assert_string_equal(error.message, "bars is 0, must be at least 1");
    assert_int_equal(td_fail_within(&error, TD_IO, "%s", "a.csv"), TD_IO);
    assert_string_equal(error.message, "a.csv: bars is 0, must be at least 1");
    assert_int_equal(td_fail(NULL, TD_FAILED, "nobody reads this"), TD_FAILED);
    assert_int_equal(td_fail_within(NULL, TD_FAILED, "nor this"), TD_FAILED);
    assert_string_equal(td_status_text(TD_OK), "success");
    assert_string_equal(td_status_text((td_status)999), "unknown status");
}

static void long_sentences_are_cut_and_closed(void **state) {
    (void)state;
    td_error error;
    char text[2000];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = 0;
    td_fail(&error, TD_BAD_DATA, "%s", text);
    assert_int_equal(strlen(error.message), sizeof error.message - 1);
    td_fail_within(&error, TD_BAD_DATA, "file");
    assert_int_equal(strlen(error.message), sizeof error.message - 1);
    assert_memory_equal(error.message, "file: xxx", 9);
    td_fail_within(&error, TD_BAD_DATA, "%s", text);
    assert_int_equal(strlen(error.message), sizeof error.message - 1);
}

static td_status fails_with(td_status status, int *reached) {
    TD_TRY(status);
    *reached = 1;
    return TD_OK;
}

static void try_returns_the_first_bad_status(void **state) {
    (void)state;
    int reached = 0;
    assert_int_equal(fails_with(TD_BUSY, &reached), TD_BUSY);
    assert_int_equal(reached, 0);
    assert_int_equal(fails_with(TD_OK, &reached), TD_OK);
    assert_int_equal(reached, 1);
}

/* In every array of up to nine numbers that repeat, for every number in and around it. */
static void place_among_sorted_numbers(void **state) {
    (void)state;
    static const int64_t numbers[] = {INT64_MIN, -3, -3, 0, 1, 1, 1, 7, INT64_MAX};
    assert_int_equal(td_first_from(numbers, 9, -3), 1);
    assert_int_equal(td_first_from(numbers, 9, 2), 7);
    assert_int_equal(td_first_from(numbers, 8, 8), 8);
    assert_int_equal(td_first_from(NULL, 0, 5), 0);
    for (int64_t count = 0; count <= 9; count++)
        for (int i = 0; i < 9; i++)
            for (int64_t step = -1; step <= 1; step++) {
                if ((i == 0 && step < 0) || (i == 8 && step > 0)) continue;
                int64_t least = numbers[i] + step, expected = 0;
                while (expected < count && numbers[expected] < least) expected++;
                assert_int_equal(td_first_from(numbers, count, least), expected);
            }
}

static void numbers_are_sorted(void **state) {
    (void)state;
    double x[] = {2, -INFINITY, 0.5, 2, INFINITY, -3};
    static const double by_size[] = {-INFINITY, -3, 0.5, 2, 2, INFINITY};
    qsort(x, 6, sizeof *x, td_compare_doubles);
    assert_memory_equal(x, by_size, sizeof by_size);
    int64_t n[] = {0, INT64_MAX, -1, INT64_MIN, 0};
    static const int64_t in_order[] = {INT64_MIN, -1, 0, 0, INT64_MAX};
    qsort(n, 5, sizeof *n, td_compare_int64);
    assert_memory_equal(n, in_order, sizeof in_order);
}

static void bits_and_their_hash(void **state) {
    (void)state;
    assert_true(td_bits_of(1) == 0x3ff0000000000000ull);
    assert_true(td_bits_of(-0.0) == 1ull << 63);
    assert_true(td_double_of(0x4000000000000000ull) == 2);
    assert_true(td_hash_step(0, 1) == 0xD6E8FEB86659FD93ull);
    assert_true(td_hash_step(1ull << 37, 0) == 0xD6E8FEB86659FD93ull); /* bits that leave at the top come back at the bottom */
    assert_true(td_hash_step(1, 1 << 27) == 0);
}

static void nearest_word(void **state) {
    (void)state;
    const char *const words[] = {"fast", "slow", "stop_loss", "take_profit", "run"};
    struct {
        const char *typed, *meant;
    } cases[] = {{"fsat", "fast"}, {"fast", "fast"}, {"FAST", "fast"}, {"slwo", "slow"}, {"stoploss", "stop_loss"},
                 {"stop-loss", "stop_loss"}, {"rnu", "run"}, {"takeprofit", "take_profit"}, {"elephant", "none"}, {"", "none"},
                 {"zzz", "none"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *found = td_nearest_word(cases[i].typed, words, 5);
        if (strcmp(found ? found : "none", cases[i].meant))
            fail_msg("'%s' gave '%s', must give '%s'", cases[i].typed, found ? found : "none", cases[i].meant);
    }
    char endless[300];
    memset(endless, 'a', sizeof endless - 1);
    endless[sizeof endless - 1] = 0;
    assert_null(td_nearest_word(endless, words, 5));
    assert_null(td_nearest_word("fast", (const char *const[]){endless}, 1));
    assert_null(td_nearest_word("fast", NULL, 0));
}

/* glibc's loader knows the same levels by its own code: `ld.so --help` lists them with "(supported, searched)". */
static void processor_level_is_the_loaders(void **state) {
    (void)state;
    const td_cpu *cpu = td_cpu_get();
    assert_true(cpu->model[0] != 0);
    assert_ptr_equal(cpu, td_cpu_get());
    char *out;
    int code = td_test_run(&out, NULL, "/lib64/ld-linux-x86-64.so.2 --help");
    if (code != 0 || !strstr(out, "x86-64-v2")) {
        print_message("no glibc loader that lists levels: skipped\n");
        free(out);
        skip();
    }
    int level = 1;
    for (int v = 2; v <= 4; v++) {
        char name[32];
        snprintf(name, sizeof name, "x86-64-v%d (supported", v);
        if (strstr(out, name)) level = v;
    }
    free(out);
    assert_int_equal(cpu->level, level);
}

static void blas_kernels_are_judged_by_the_processor(void **state) {
    (void)state;
    const td_cpu intel2 = {.level = 2}, intel3 = {.level = 3}, intel4 = {.level = 4}, amd3 = {.level = 3, .amd = true},
                 amd4 = {.level = 4, .amd = true}, other = {.level = 0};
    assert_string_equal(td_blas_better_core(&intel4, "Prescott"), "SKYLAKEX");
    assert_string_equal(td_blas_better_core(&intel4, "prescott"), "SKYLAKEX");
    assert_string_equal(td_blas_better_core(&intel4, "Haswell"), "SKYLAKEX");
    assert_string_equal(td_blas_better_core(&intel3, "Nehalem"), "HASWELL");
    assert_string_equal(td_blas_better_core(&amd3, "Barcelona"), "ZEN");
    assert_string_equal(td_blas_better_core(&amd4, "Prescott"), "ZEN");
    assert_null(td_blas_better_core(&intel4, "SkylakeX"));
    assert_null(td_blas_better_core(&intel4, "Cooperlake"));
    assert_null(td_blas_better_core(&intel4, "SapphireRapids"));
    assert_null(td_blas_better_core(&intel4, "SomethingNew"));
    assert_null(td_blas_better_core(&intel3, "Haswell"));
    assert_null(td_blas_better_core(&intel2, "Prescott"));
    assert_null(td_blas_better_core(&amd4, "Zen"));
    assert_null(td_blas_better_core(&other, "ARMV8"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(log_within_2_ulp),
        cmocka_unit_test(log1p_within_2_ulp),
        cmocka_unit_test(exp_within_2_ulp),
        cmocka_unit_test(pow_error_grows_with_the_exponent),
        cmocka_unit_test(sine_of_turns),
        cmocka_unit_test(normal_quantile_within_2e_9),
        cmocka_unit_test(philox_gives_the_published_answers),
        cmocka_unit_test(random_streams_are_apart),
        cmocka_unit_test(draws_have_the_right_shape),
        cmocka_unit_test(crc32c_gives_the_published_answers),
        cmocka_unit_test(crc32c_of_pieces_is_that_of_the_whole),
        cmocka_unit_test(errors_carry_a_sentence),
        cmocka_unit_test(long_sentences_are_cut_and_closed),
        cmocka_unit_test(try_returns_the_first_bad_status),
        cmocka_unit_test(place_among_sorted_numbers),
        cmocka_unit_test(numbers_are_sorted),
        cmocka_unit_test(bits_and_their_hash),
        cmocka_unit_test(nearest_word),
        cmocka_unit_test(processor_level_is_the_loaders),
        cmocka_unit_test(blas_kernels_are_judged_by_the_processor),
    };
    return cmocka_run_group_tests_name("base", tests, NULL, NULL);
}
