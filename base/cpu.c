/* See cpu.h. The levels are those of the x86-64 psABI supplement, table 3.1 "Micro-Architecture Levels". */
#include "base/cpu.h"

#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#if defined(__x86_64__)
#include <cpuid.h>

static bool bit(uint32_t word, int index) { return word >> index & 1; }

/* Which register files the kernel saves on a switch: without it an instruction set exists and must not be used. */
static uint32_t saved_state(void) {
    uint32_t low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return low;
}

static void ask(td_cpu *cpu) {
    uint32_t a, b, c, d, c1 = 0, b7 = 0, c81 = 0;
    char vendor[13] = "";
    if (__get_cpuid(0, &a, &b, &c, &d)) {
        memcpy(vendor, &b, 4);
        memcpy(vendor + 4, &d, 4);
        memcpy(vendor + 8, &c, 4);
    }
    cpu->amd = !strcmp(vendor, "AuthenticAMD") || !strcmp(vendor, "HygonGenuine");
    if (__get_cpuid(1, &a, &b, &c, &d)) c1 = c;
    if (__get_cpuid_count(7, 0, &a, &b, &c, &d)) b7 = b;
    if (__get_cpuid(0x80000001, &a, &b, &c, &d)) c81 = c;
    uint32_t state = bit(c1, 27) ? saved_state() : 0;
    bool ymm = (state & 0x06) == 0x06, zmm = (state & 0xe6) == 0xe6;

    /* v2: SSE3 SSSE3 CX16 SSE4.1 SSE4.2 POPCNT, LAHF; v3: FMA MOVBE AVX F16C, BMI1 AVX2 BMI2, LZCNT; v4: AVX-512 F DQ CD BW VL */
    bool v2 = bit(c1, 0) && bit(c1, 9) && bit(c1, 13) && bit(c1, 19) && bit(c1, 20) && bit(c1, 23) && bit(c81, 0);
    bool v3 = v2 && ymm && bit(c1, 12) && bit(c1, 22) && bit(c1, 28) && bit(c1, 29) && bit(b7, 3) && bit(b7, 5) && bit(b7, 8) &&
              bit(c81, 5);
    bool v4 = v3 && zmm && bit(b7, 16) && bit(b7, 17) && bit(b7, 28) && bit(b7, 30) && bit(b7, 31);
    cpu->level = v4 ? 4 : v3 ? 3 : v2 ? 2 : 1;

    uint32_t words[12];
    if (__get_cpuid(0x80000004, &a, &b, &c, &d)) {
        for (uint32_t i = 0; i < 3; i++) {
            __get_cpuid(0x80000002 + i, &a, &b, &c, &d);
            memcpy(words + 4 * i, (uint32_t[]){a, b, c, d}, 16);
        }
        char name[49] = "";
        memcpy(name, words, 48);
        char *start = name + strspn(name, " "), *end = start + strlen(start);
        while (end > start && end[-1] == ' ') *--end = 0;
        snprintf(cpu->model, sizeof cpu->model, "%s", start);
    }
}
#else
static void ask(td_cpu *cpu) { cpu->level = 0; }
#endif

static td_cpu found;

static void ask_once(void) {
    ask(&found);
    struct utsname machine;
    if (!found.model[0]) snprintf(found.model, sizeof found.model, "%.60s", uname(&machine) == 0 ? machine.machine : "unknown");
}

const td_cpu *td_cpu_get(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, ask_once);
    return &found;
}
