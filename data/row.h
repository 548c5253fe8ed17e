/* Rows: state-free columns derived from a tape (indicators), computed once per distinct window and shared by all sets.
 *
 * Author's side. A row kind is one file in data/rows/, named after the kind. It declares what it remembers and how one bar goes
 * by, in the lane algebra, where the lanes are different windows of the same kind:
 *
 *   MEMORY(td_real level;)                        what is kept from bar to bar, all zero before the first
 *   WARMUP(window - 1)                            bars before the first value, from `window`
 *   STEP { ... return value; }                    value after this bar; NaN is put in front of it while warming up
 *
 * In STEP: `now->x` is the source column at this bar (a number), `now->past` the same `window` bars ago (a lane each; the
 * first bar's before there is one), `now->window` the windows as reals, `now->age` bars since the first (a number), `memory->...` what MEMORY declared.
 * Since a bar is a step, a stream and a batch are the same computation, and nothing can look ahead.
 *
 * Engine's side: td_row_kind_find() and the play function, which advances `count` rows (a multiple of TD_LANES * TD_ROW_VECTORS is
 * fastest) over bars [begin, end). */
#ifndef TAPEDECK_DATA_ROW_H
#define TAPEDECK_DATA_ROW_H

#include "base/lanes.h"

/* Interleaved vectors: the recurrences of one vector of windows would wait for each other. */
enum { TD_ROW_VECTORS = 4, TD_ROW_MEMORY_MAX = 8 };

typedef struct td_row_job {
    const double *column;  /* (bars of the deck) source column, from the deck's first bar */
    const int32_t *window; /* (count) bars; windows >= 1 */
    int64_t count;         /* rows, a multiple of TD_LANES of the instruction set */
    double *memory;        /* (memory reals, count), zero before bar 0 */
    double *out;           /* row r of bar t at out[(t - begin) * stride + r] */
    int64_t stride;
    int64_t begin, end;
} td_row_job;

typedef struct td_row_kernel {
    void (*play)(const td_row_job *job);
    int memory; /* reals per row */
} td_row_kernel;

typedef struct td_row_now {
    double x, age;
    td_real past, window;
} td_row_now;

typedef struct td_row_kind {
    const char *name;
    int64_t (*warmup)(int64_t window); /* index of the first bar with a value */
    const td_row_kernel *kernels[4];   /* per instruction set (td_isa) */
} td_row_kind;
int td_row_kind_count(void);
const td_row_kind *td_row_kind_at(int index);
const td_row_kind *td_row_kind_find(const char *name);

#ifdef TD_UNIT

typedef td_real td_row_step_raw_function(const td_row_now *now, td_real *memory);

/* Advances `vectors` vectors of rows from row `first` on; inlined with its step, so memory lives in registers. */
TD_INLINE void td_row_play_vectors(const td_row_job *job, int64_t first, const int vectors, const int reals,
                                   int64_t (*warmup)(int64_t), td_row_step_raw_function *step) {
    td_real memory[TD_ROW_VECTORS][TD_ROW_MEMORY_MAX], first_value[TD_ROW_VECTORS], window[TD_ROW_VECTORS];
    for (int v = 0; v < vectors; v++) {
        double w[TD_LANES], f[TD_LANES];
        for (int l = 0; l < TD_LANES; l++) {
            w[l] = (double)job->window[first + v * TD_LANES + l];
            f[l] = (double)warmup(job->window[first + v * TD_LANES + l]);
        }
        window[v] = td_load(w);
        first_value[v] = td_load(f);
        for (int i = 0; i < reals; i++) memory[v][i] = td_load(job->memory + i * job->count + first + v * TD_LANES);
    }
    for (int64_t t = job->begin; t < job->end; t++) {
        double *out = job->out + (t - job->begin) * job->stride + first;
        _Pragma("GCC unroll 4") for (int v = 0; v < vectors; v++) {
            int32_t then[TD_LANES];
            for (int l = 0; l < TD_LANES; l++) {
                then[l] = (int32_t)t - job->window[first + v * TD_LANES + l];
                then[l] = then[l] > 0 ? then[l] : 0;
            }
            td_row_now now = {.x = job->column[t], .age = (double)t, .past = td_gather(job->column, then), .window = window[v]};
            td_real value = step(&now, memory[v]);
            td_store(out + v * TD_LANES, td_select(now.age >= first_value[v], value, __builtin_nan("")));
        }
    }
    for (int v = 0; v < vectors; v++)
        for (int i = 0; i < reals; i++) td_store(job->memory + i * job->count + first + v * TD_LANES, memory[v][i]);
}

#define MEMORY(...)                                                                                                              \
    typedef struct td_row_memory {                                                                                               \
        __VA_ARGS__                                                                                                              \
    } td_row_memory;                                                                                                             \
    enum { td_row_reals = sizeof(td_row_memory) / sizeof(td_real) };                                                             \
    _Static_assert(sizeof(td_row_memory) / sizeof(td_real) <= TD_ROW_MEMORY_MAX, "a row kind remembers too much");

#define td_row_warmup TD_ISA_NAME(TD_JOIN(td_row_warmup, TD_UNIT))
#define td_row_kernel_here TD_ISA_NAME(TD_JOIN(td_row_kernel, TD_UNIT))

#define WARMUP(expression)                                                                                                       \
    int64_t td_row_warmup(int64_t window);                                                                                       \
    int64_t td_row_warmup(int64_t window) { return (expression); }

#define STEP                                                                                                                     \
    TD_INLINE td_real td_row_step(const td_row_now *now, td_row_memory *memory);                                                 \
    TD_INLINE td_real td_row_step_raw(const td_row_now *now, td_real *memory) {                                                  \
        return td_row_step(now, (td_row_memory *)(void *)memory);                                                                \
    }                                                                                                                            \
    static void td_row_play(const td_row_job *job) {                                                                             \
        int64_t r = 0;                                                                                                           \
        for (; r + TD_ROW_VECTORS * TD_LANES <= job->count; r += TD_ROW_VECTORS * TD_LANES)                                      \
            td_row_play_vectors(job, r, TD_ROW_VECTORS, td_row_reals, td_row_warmup, td_row_step_raw);                           \
        for (; r + 2 * TD_LANES <= job->count; r += 2 * TD_LANES)                                                                \
            td_row_play_vectors(job, r, 2, td_row_reals, td_row_warmup, td_row_step_raw);                                        \
        for (; r < job->count; r += TD_LANES) td_row_play_vectors(job, r, 1, td_row_reals, td_row_warmup, td_row_step_raw);      \
    }                                                                                                                            \
    extern const td_row_kernel td_row_kernel_here;                                                                               \
    const td_row_kernel td_row_kernel_here = {td_row_play, td_row_reals};                                                        \
    TD_INLINE td_real td_row_step(const td_row_now *now, td_row_memory *memory)

#endif

#endif
