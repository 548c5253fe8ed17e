/* See words.h. */
#include "tests/kernels/words.h"

#include "base/lanes.h"

#define EACH_VECTOR for (int64_t i = 0; i < count; i += TD_LANES)
#define A td_load(a + i)
#define B td_load(b + i)

static void min_(const double *a, const double *b, double *out, int64_t count) { EACH_VECTOR td_store(out + i, td_min(A, B)); }
static void max_(const double *a, const double *b, double *out, int64_t count) { EACH_VECTOR td_store(out + i, td_max(A, B)); }
static void select_less(const double *a, const double *b, double *out, int64_t count) {
    EACH_VECTOR td_store(out + i, td_select(A < B, A, B));
}
static void select_numbers(const double *a, const double *b, double *out, int64_t count) {
    EACH_VECTOR td_store(out + i, td_select(A < B, 1, -2));
}
static void floor_(const double *a, double *out, int64_t count) { EACH_VECTOR td_store(out + i, td_floor(A)); }
static void abs_(const double *a, double *out, int64_t count) { EACH_VECTOR td_store(out + i, td_abs(A)); }
static void log_(const double *a, double *out, int64_t count) { EACH_VECTOR td_store(out + i, td_log_lanes(A)); }
static void floor_divide(const double *a, const double *b, double *out, int64_t count) {
    EACH_VECTOR td_store(out + i, td_floor_divide(A, B));
}
static void over(const double *a, const double *b, double *out, int64_t count) {
    EACH_VECTOR td_store(out + i, td_over(A, (td_divisor){B, 1 / B}));
}
static void arithmetic(const double *a, const double *b, double *out, int64_t count) {
    EACH_VECTOR td_store(out + i, (A + B) * A - B / (A * A + 1));
}
static void masks(const double *a, const double *b, double *out, int64_t count) {
    EACH_VECTOR {
        td_mask less = A < B, zero = A == 0, m = (less | zero) & td_not(B > 1);
        td_store(out + i, td_select(m, 1, 0));
    }
}
static void bits(const double *a, double *out, int64_t count) { EACH_VECTOR td_store(out + i, td_from_bits(td_to_bits(A))); }
static void gather(const double *base, const int32_t *index, double *out, int64_t count) {
    EACH_VECTOR td_store(out + i, td_gather(base, index + i));
}
static void pick(const double *first, const double *second, const uint64_t *index, double *out) {
    td_bits which;
    memcpy(&which, index, sizeof which);
    td_store(out, td_window_pick(first, second, which));
}
static void truths(const double *a, const double *b, int *any, unsigned *word, uint64_t *all) {
    td_mask m = td_load(a) < td_load(b);
    td_bits found = td_mask_bits(m);
    *any = td_any(m);
    *word = td_mask_word(m);
    memcpy(all, &found, sizeof found);
}

extern const td_words TD_ISA_NAME(td_words);
const td_words TD_ISA_NAME(td_words) = {
    TD_LANES, min_, max_, select_less, select_numbers, floor_, abs_, log_, floor_divide, over, arithmetic, masks, bits,
    gather, pick, truths};
