/* The 64 bits of a double, and a step of a hash over such words. For lanes see td_to_bits() in base/lanes.h. */
#ifndef TAPEDECK_BASE_BITS_H
#define TAPEDECK_BASE_BITS_H

#include <stdint.h>
#include <string.h>

static inline uint64_t td_bits_of(double x) {
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static inline double td_double_of(uint64_t bits) {
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* The hash after one more word: rotated by 27 bits, crossed with the word, multiplied. sim/ledger.h has the same in lanes. */
static inline uint64_t td_hash_step(uint64_t hash, uint64_t word) { return (((hash << 27) | (hash >> 37)) ^ word) * 0xD6E8FEB86659FD93ull; }

#endif
