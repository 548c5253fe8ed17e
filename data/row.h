/* Rows: columns derived from a tape (indicators), computed once per distinct tuple of arguments and shared by all sets.
 *
 * The author's side. A kind of row is one file in data/rows/, named after the kind. It declares what it reads, takes, gives and
 * remembers, and how one bar goes by, in the lane algebra, where the lanes are different arguments of the same kind:
 *
 *   ABOUT("mean of the last `window` values")      one line, for tables
 *   COLUMNS(high, low, close)                      what it reads: open, high, low, close, volume; day (the UTC day of a bar's open
 *                                                  time, a whole number); first, second, log_first, log_second (closes of a pair
 *                                                  of symbols and their logarithms); or x alone: whichever the user names
 *   ARGUMENTS(WINDOW(window),                      a whole number of bars, at least 1
 *             NUMBER(width, 0, 1000))              any number from minimum to maximum
 *   NEEDS(argument(fast) < argument(slow), "fast must be less than slow")      optional: what must hold between arguments
 *   OUTPUTS(upper, lower)
 *   MEMORY(td_real level; td_row_sum sum;)         kept from bar to bar, all zero before the first; td_real and structs of it
 *   WARMUP(argument(window) - 1)                   index of the first bar with values: NaN is put in front of it
 *   STEP { ... output(upper) = ...; }
 *
 * In STEP
 *   bar(close)             the column at this bar: a plain number, the same in all lanes
 *   before(close)          one bar ago; on the first bar the same as bar()
 *   ago(close, window)     `window` bars ago, in each lane its own; before the tape the first bar's
 *   argument(window)       the argument, in each lane its own
 *   divisor(window)        the same of a whole one, for td_over(x, divisor(window)): x / argument(window), sooner
 *   full(window)           is a value `window` bars old? True in all lanes for most of a tape, and the compiler is told so
 *   output(upper)          what the bar gives
 *   memory->level          what MEMORY declared
 *   now->age               bars since the first, a plain number
 *   column(close), windows(window)     the whole column and the window as integers, for the parts that want them
 * and the parts of data/row_parts.h: sums that slide, extremes of a window, Wilder's average, ...
 *
 * Since a bar is a step, a stream and a batch are the same computation, and nothing can look ahead. What leaves a window is read
 * from the columns again, so that memory stays a few numbers a row, however long the window. */
#ifndef TAPEDECK_DATA_ROW_H
#define TAPEDECK_DATA_ROW_H

#include "base/lanes.h"
#include "base/map.h"
#include "data/row_kind.h"

/* One bar of one vector of rows. */
typedef struct td_row_now {
    const double *columns[TD_ROW_COLUMNS_MAX];
    int64_t t;
    double age;   /* t as a real */
    bool settled; /* known to the compiler: every window of these rows is full, and none of them warms up any more */
    td_real argument[TD_ROW_ARGUMENTS_MAX], inverse[TD_ROW_ARGUMENTS_MAX]; /* and one over it */
    const int32_t (*whole)[TD_LANES]; /* (arguments) those that are whole, as integers */
} td_row_now;

#include "data/row_parts.h"

/* Interleaved vectors: the recurrences of one vector of rows would wait for each other. */
enum { TD_ROW_VECTORS = 4 };

typedef void td_row_step_function(const td_row_now *now, td_real *memory, td_real *out);

/* A vector of rows on its way through bars. One variable each, not an array of them: only so do compilers keep them in registers. */
typedef struct td_row_walk {
    td_real memory[TD_ROW_MEMORY_MAX], first_value, argument[TD_ROW_ARGUMENTS_MAX], inverse[TD_ROW_ARGUMENTS_MAX];
    int32_t whole[TD_ROW_ARGUMENTS_MAX][TD_LANES];
} td_row_walk;

/* What the compiler knows of a kind. */
typedef struct td_row_shape {
    int columns, arguments, outputs, reals;
    const td_row_argument_info *infos;
    int64_t (*warmup)(const td_row_tuple *);
    td_row_step_function *step;
} td_row_shape;

/* Returns the first bar on which all windows are full and nothing warms up. */
TD_INLINE int64_t td_row_enter(const td_row_job *job, int64_t row, const td_row_shape shape, td_row_walk *walk) {
    int64_t settled = 0;
    double bars[TD_LANES];
    for (int l = 0; l < TD_LANES; l++) {
        td_row_tuple tuple = {{0}};
        for (int a = 0; a < shape.arguments; a++) {
            tuple.argument[a] = job->arguments[a * job->count + row + l];
            walk->whole[a][l] = shape.infos[a].whole ? (int32_t)tuple.argument[a] : 0;
            if (walk->whole[a][l] > settled) settled = walk->whole[a][l];
        }
        int64_t first_value = shape.warmup(&tuple);
        bars[l] = (double)first_value;
        if (first_value > settled) settled = first_value;
    }
    walk->first_value = td_load(bars);
    for (int a = 0; a < shape.arguments; a++) {
        walk->argument[a] = td_load(job->arguments + a * job->count + row);
        walk->inverse[a] = 1 / walk->argument[a];
    }
    for (int i = 0; i < shape.reals; i++) walk->memory[i] = td_load(job->memory + i * job->count + row);
    return settled;
}

TD_INLINE void td_row_leave(const td_row_job *job, int64_t row, const td_row_shape shape, const td_row_walk *walk) {
    for (int i = 0; i < shape.reals; i++) td_store(job->memory + i * job->count + row, walk->memory[i]);
}

TD_INLINE void td_row_bar(const td_row_job *job, td_row_walk *walk, int64_t t, double *out, const bool settled, const td_row_shape shape) {
    td_real value[TD_ROW_OUTPUTS_MAX];
    td_row_now now = {.t = t, .age = (double)t, .settled = settled, .whole = (const int32_t(*)[TD_LANES])walk->whole};
    for (int c = 0; c < shape.columns; c++) now.columns[c] = job->columns[c];
    for (int a = 0; a < shape.arguments; a++) {
        now.argument[a] = walk->argument[a];
        now.inverse[a] = walk->inverse[a];
    }
    shape.step(&now, walk->memory, value);
    for (int o = 0; o < shape.outputs; o++)
        td_store(out + o * job->count, settled ? value[o] : td_select(now.age >= walk->first_value, value[o], __builtin_nan("")));
}

/* Advances 1, 2 or 4 vectors of rows from row `first` on. */
TD_INLINE void td_row_play_vectors(const td_row_job *job, int64_t first, const int vectors, const td_row_shape shape) {
    const td_row_job j = *job; /* a local of its own, so that the compiler keeps it in registers */
    td_row_walk a, b, c, d;
    int64_t settled = td_row_enter(&j, first, shape, &a), latest = settled;
    if (vectors > 1 && (settled = td_row_enter(&j, first + TD_LANES, shape, &b)) > latest) latest = settled;
    if (vectors > 2 && (settled = td_row_enter(&j, first + 2 * TD_LANES, shape, &c)) > latest) latest = settled;
    if (vectors > 2 && (settled = td_row_enter(&j, first + 3 * TD_LANES, shape, &d)) > latest) latest = settled;
#define TD_ROW_BARS(until, settled)                                                                                              \
    for (; t < (until); t++, out += j.stride) {                                                                                  \
        td_row_bar(&j, &a, t, out, settled, shape);                                                                              \
        if (vectors > 1) td_row_bar(&j, &b, t, out + TD_LANES, settled, shape);                                                  \
        if (vectors > 2) td_row_bar(&j, &c, t, out + 2 * TD_LANES, settled, shape);                                              \
        if (vectors > 2) td_row_bar(&j, &d, t, out + 3 * TD_LANES, settled, shape);                                              \
    }
    int64_t t = j.begin;
    double *out = j.out + first;
    TD_ROW_BARS(latest < j.end ? latest : j.end, false)
    TD_ROW_BARS(j.end, true)
#undef TD_ROW_BARS
    td_row_leave(&j, first, shape, &a);
    if (vectors > 1) td_row_leave(&j, first + TD_LANES, shape, &b);
    if (vectors > 2) td_row_leave(&j, first + 2 * TD_LANES, shape, &c);
    if (vectors > 2) td_row_leave(&j, first + 3 * TD_LANES, shape, &d);
}

#ifdef TD_UNIT

#define ABOUT(description) static const char td_row_text[] = description;

#define TD_NAME_OF(name, ...) #name,
#define TD_COLUMN_INDEX(name) td_column_##name,
#define TD_OUTPUT_INDEX(name) td_output_##name,
#define COLUMNS(...)                                                                                                             \
    enum { TD_MAP(TD_COLUMN_INDEX, TD_EACH(__VA_ARGS__)) td_row_columns_here };                                                  \
    static const char *const td_row_columns[] = {TD_MAP(TD_NAME_OF, TD_EACH(__VA_ARGS__))};                                      \
    _Static_assert((int)td_row_columns_here <= (int)TD_ROW_COLUMNS_MAX, "too many columns");
#define OUTPUTS(...)                                                                                                             \
    enum { TD_MAP(TD_OUTPUT_INDEX, TD_EACH(__VA_ARGS__)) td_row_outputs_here };                                                  \
    static const char *const td_row_outputs[] = {TD_MAP(TD_NAME_OF, TD_EACH(__VA_ARGS__))};                                      \
    _Static_assert((int)td_row_outputs_here <= (int)TD_ROW_OUTPUTS_MAX, "too many outputs");

#define WINDOW(name) (name, true, 1, 1e7)
#define NUMBER(name, minimum, maximum) (name, false, minimum, maximum)
#define TD_ARGUMENT_INDEX(name, ...) td_argument_##name,
#define TD_ARGUMENT_INFO(name, whole, minimum, maximum) {#name, whole, minimum, maximum},
#define ARGUMENTS(...)                                                                                                           \
    enum { TD_MAP(TD_ARGUMENT_INDEX, __VA_ARGS__) td_row_arguments_here };                                                       \
    static const td_row_argument_info td_row_arguments[] = {TD_MAP(TD_ARGUMENT_INFO, __VA_ARGS__){NULL, false, 0, 0}};           \
    _Static_assert((int)td_row_arguments_here <= (int)TD_ROW_ARGUMENTS_MAX, "too many arguments");

static td_row_need td_row_needs __attribute__((unused)); /* a tentative definition: zeroes, unless NEEDS defines it */
#define NEEDS(condition, sentence)                                                                                               \
    __attribute__((unused)) static bool td_row_need_met(const td_row_tuple *now) { return (condition); }                         \
    static td_row_need td_row_needs = {td_row_need_met, sentence};

#define MEMORY(...)                                                                                                              \
    typedef struct td_row_memory {                                                                                               \
        __VA_ARGS__                                                                                                              \
    } td_row_memory;                                                                                                             \
    enum { td_row_reals = sizeof(td_row_memory) / sizeof(td_real) };                                                             \
    _Static_assert(sizeof(td_row_memory) / sizeof(td_real) <= TD_ROW_MEMORY_MAX, "a kind of row remembers too much");

#define WARMUP(expression)                                                                                                       \
    static int64_t td_row_warmup(const td_row_tuple *now) {                                                                      \
        (void)now;                                                                                                               \
        return (int64_t)(expression);                                                                                            \
    }

#define bar(column) (now->columns[td_column_##column][now->t])
#define before(column) (now->columns[td_column_##column][now->t - (now->t > 0)])
#define ago(column, bars) td_row_ago(now->columns[td_column_##column], now->t, now->whole[td_argument_##bars])
#define windows(name) (now->whole[td_argument_##name]) /* as parts take them */
#define column(name) (now->columns[td_column_##name])
#define argument(name) (now->argument[td_argument_##name])
#define divisor(name) ((td_divisor){now->argument[td_argument_##name], now->inverse[td_argument_##name]})
#define full(name) (now->settled ? td_every_lane() : (td_mask)(td_splat(now->age) >= argument(name)))
#define output(name) (out[td_output_##name])

#define td_row_kernel_here TD_ISA_NAME(TD_JOIN(td_row_kernel, TD_UNIT))

#define STEP                                                                                                                     \
    TD_INLINE void td_row_step(const td_row_now *now, td_row_memory *memory, td_real *out);                                      \
    TD_INLINE void td_row_step_raw(const td_row_now *now, td_real *memory, td_real *out) {                                       \
        td_row_memory own; /* of its own type: a compiler may think that numbers and a struct of them never meet */                \
        memcpy(&own, memory, sizeof own);                                                                                        \
        td_row_step(now, &own, out);                                                                                             \
        memcpy(memory, &own, sizeof own);                                                                                        \
    }                                                                                                                            \
    TD_INLINE void td_row_play_some(const td_row_job *job, int64_t first, const int vectors) {                                   \
        td_row_play_vectors(job, first, vectors,                                                                                 \
                            (td_row_shape){td_row_columns_here, td_row_arguments_here, td_row_outputs_here, td_row_reals,        \
                                           td_row_arguments, td_row_warmup, td_row_step_raw});                                   \
    }                                                                                                                            \
    static void td_row_play(const td_row_job *job) {                                                                             \
        int64_t r = 0;                                                                                                           \
        if ((int)td_row_reals <= (int)TD_ROW_MEMORY_SMALL)                                                                           \
            for (; r + TD_ROW_VECTORS * TD_LANES <= job->count; r += TD_ROW_VECTORS * TD_LANES)                                  \
                td_row_play_some(job, r, TD_ROW_VECTORS);                                                                        \
        for (; r + 2 * TD_LANES <= job->count; r += 2 * TD_LANES) td_row_play_some(job, r, 2);                                   \
        for (; r < job->count; r += TD_LANES) td_row_play_some(job, r, 1);                                                       \
    }                                                                                                                            \
    extern const td_row_kernel td_row_kernel_here;                                                                               \
    const td_row_kernel td_row_kernel_here = {td_row_play};                                                                      \
    TD_ROW_DESCRIPTION                                                                                                           \
    TD_INLINE void td_row_step(const td_row_now *now, __attribute__((unused)) td_row_memory *memory, td_real *out)

/* Kinds that remember more spill already with two vectors. */
enum { TD_ROW_MEMORY_SMALL = 8 };

/* The kind's description, once; the registry adds its name and kernels. */
#if TD_ISA_INDEX == 0
#define TD_ROW_DESCRIPTION                                                                                                       \
    extern const td_row_kind TD_JOIN(td_row_kind, TD_UNIT);                                                                      \
    const td_row_kind TD_JOIN(td_row_kind, TD_UNIT) = {                                                                          \
        .text = td_row_text, .column_count = td_row_columns_here, .argument_count = td_row_arguments_here,                       \
        .output_count = td_row_outputs_here, .memory = td_row_reals, .columns = td_row_columns, .arguments = td_row_arguments,   \
        .outputs = td_row_outputs, .warmup = td_row_warmup, .need = &td_row_needs};
#else
#define TD_ROW_DESCRIPTION                                                                                                       \
    static const void *const td_unused[] __attribute__((unused)) = {td_row_text, td_row_columns, td_row_outputs};
#endif

#endif

#endif
