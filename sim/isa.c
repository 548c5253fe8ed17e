/* Which instruction set to play on. */
#include <stdlib.h>
#include <string.h>

#include "base/cpu.h"
#include "base/lanes.h"
#include "sim/kernel.h"

static const char *const names[TD_ISA_COUNT] = {"scalar", "x86-64-v2", "x86-64-v3", "x86-64-v4"};

td_isa td_isa_best(void) {
    int level = td_cpu_get()->level;
    return level >= 4 ? TD_ISA_V4 : level == 3 ? TD_ISA_V3 : level == 2 ? TD_ISA_V2 : TD_ISA_SCALAR;
}

const char *td_isa_name(td_isa isa) { return names[isa]; }

int td_isa_lanes(td_isa isa) {
    static const int lanes[TD_ISA_COUNT] = {1, 2, 4, 8};
    return lanes[isa] * TD_BLOCK_VECTORS;
}

td_status td_isa_pick(td_isa *isa, td_error *error) {
    *isa = td_isa_best();
    const char *wanted = getenv("TAPEDECK_ISA");
    if (!wanted || !*wanted) return TD_OK;
    if (!strcmp(wanted, "avx2")) wanted = "x86-64-v3";
    if (!strcmp(wanted, "avx512")) wanted = "x86-64-v4";
    for (int i = 0; i < TD_ISA_COUNT; i++) {
        if (strcmp(wanted, names[i])) continue;
        if ((td_isa)i > *isa)
            return td_fail(error, TD_BAD_ARG, "TAPEDECK_ISA is %s, but this processor (%s) has at most %s", wanted, td_cpu_get()->model,
                           names[*isa]);
        *isa = (td_isa)i;
        return TD_OK;
    }
    return td_fail(error, TD_BAD_ARG, "TAPEDECK_ISA is '%s', must be scalar, x86-64-v2, x86-64-v3 (avx2) or x86-64-v4 (avx512)", wanted);
}

const char *td_engine_name(td_engine engine) {
    static const char *const engines[] = {"auto", "reference", "lanes", "skip"};
    return engines[engine];
}
