/* Philox 4x32-10; see random.h. */
#include "base/random.h"

#include "base/math.h"

uint64_t td_random_bits(uint64_t seed, td_purpose purpose, uint64_t stream, uint64_t counter) {
    uint64_t high = stream ^ ((uint64_t)purpose << 56);
    uint32_t c0 = (uint32_t)counter, c1 = (uint32_t)(counter >> 32), c2 = (uint32_t)high, c3 = (uint32_t)(high >> 32);
    uint32_t k0 = (uint32_t)seed, k1 = (uint32_t)(seed >> 32);
    for (int round = 0; round < 10; round++) {
        uint64_t p0 = (uint64_t)0xD2511F53u * c0, p1 = (uint64_t)0xCD9E8D57u * c2;
        uint32_t n0 = (uint32_t)(p1 >> 32) ^ c1 ^ k0, n2 = (uint32_t)(p0 >> 32) ^ c3 ^ k1;
        c1 = (uint32_t)p1;
        c3 = (uint32_t)p0;
        c0 = n0;
        c2 = n2;
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    return (uint64_t)c1 << 32 | c0;
}

double td_random_uniform(uint64_t seed, td_purpose purpose, uint64_t stream, uint64_t counter) {
    return ((double)(td_random_bits(seed, purpose, stream, counter) >> 12) + 0.5) * 0x1p-52;
}

double td_random_normal(uint64_t seed, td_purpose purpose, uint64_t stream, uint64_t counter) {
    return td_normal_quantile(td_random_uniform(seed, purpose, stream, counter));
}
