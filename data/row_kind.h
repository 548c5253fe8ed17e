/* Kinds of rows, from the engine's side: what each declares about itself, and how to have rows of it computed. data/row.h is the
 * author's side and has the words. */
#ifndef TAPEDECK_DATA_ROW_KIND_H
#define TAPEDECK_DATA_ROW_KIND_H

#include <stdbool.h>
#include <stdint.h>

enum { TD_ROW_COLUMNS_MAX = 4, TD_ROW_ARGUMENTS_MAX = 4, TD_ROW_OUTPUTS_MAX = 3, TD_ROW_MEMORY_MAX = 48 };

typedef struct td_row_job {
    const double *columns[TD_ROW_COLUMNS_MAX]; /* (bars) in the order the kind declares, each from the first bar on */
    const double *arguments; /* (arguments, count) in the kind's order, each as the kind allows it */
    int64_t count;           /* rows, a multiple of the lanes of the instruction set */
    double *memory;          /* (memory reals, count), zero before bar 0 */
    double *out;             /* output o of row r of bar t at out[(t - begin) * stride + o * count + r] */
    int64_t stride;
    int64_t begin, end;      /* bars; a job goes on where the one before, with the same memory, ended */
} td_row_job;

/* One kind on one instruction set. */
typedef struct td_row_kernel {
    void (*play)(const td_row_job *job);
} td_row_kernel;

/* Numbers of one row, in the kind's order. */
typedef struct td_row_tuple {
    double argument[TD_ROW_ARGUMENTS_MAX];
} td_row_tuple;

typedef struct td_row_argument_info {
    const char *name;
    bool whole; /* a number of bars */
    double minimum, maximum;
} td_row_argument_info;

/* What must hold between the arguments, and how to say it; no condition: nothing. */
typedef struct td_row_need {
    bool (*met)(const td_row_tuple *row);
    const char *text;
} td_row_need;

typedef struct td_row_kind {
    const char *name, *text; /* the file's name; one line of doc */
    int column_count, argument_count, output_count, memory; /* memory: reals of a row */
    const char *const *columns; /* open, high, low, close, volume, day; or x: whichever column the user names */
    const td_row_argument_info *arguments;
    const char *const *outputs;
    int64_t (*warmup)(const td_row_tuple *row); /* index of the first bar with values */
    const td_row_need *need;
    const td_row_kernel *kernels[4]; /* per instruction set (td_isa), NULL where this build has none */
} td_row_kind;

int td_row_kind_count(void);
const td_row_kind *td_row_kind_at(int index);
const td_row_kind *td_row_kind_find(const char *name); /* NULL when unknown */

#endif
