/* What the processor offers, in the levels of the x86-64 psABI: which kernels may run, and which BLAS core would be right. */
#ifndef TAPEDECK_BASE_CPU_H
#define TAPEDECK_BASE_CPU_H

#include <stdbool.h>

typedef struct td_cpu {
    int level;      /* 1..4 for x86-64-v1 .. x86-64-v4: the processor has it and the system saves its registers; 0 elsewhere */
    bool amd;       /* made by AMD (or Hygon) */
    char model[64]; /* "AMD EPYC 7763 64-Core Processor", or the machine's name where the processor does not say */
} td_cpu;

/* Asked of the processor once; safe from any thread. */
const td_cpu *td_cpu_get(void);

#endif
