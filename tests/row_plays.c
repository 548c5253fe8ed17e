/* See row_plays.h. */
#include "tests/row_plays.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

double *td_play_columns(const td_row_kind *kind, td_isa isa, const double *const *columns, int64_t bars, const td_row_tuple *tuples,
                        int64_t rows, int64_t step) {
    static const int lanes[] = {1, 2, 4, 8};
    int64_t count = (rows + lanes[isa] - 1) / lanes[isa] * lanes[isa], stride = count * kind->output_count;
    double *arguments = malloc((size_t)(count * (kind->argument_count + 1)) * sizeof *arguments);
    for (int a = 0; a < kind->argument_count; a++)
        for (int64_t r = 0; r < count; r++) arguments[a * count + r] = tuples[r < rows ? r : 0].argument[a];
    double *memory = calloc((size_t)(count * (kind->memory + 1)), sizeof *memory), *out = malloc((size_t)(stride * bars) * sizeof *out);
    td_row_job job = {.arguments = arguments, .count = count, .memory = memory, .stride = stride};
    for (int c = 0; c < kind->column_count; c++) job.columns[c] = columns[c];
    for (job.begin = 0; job.begin < bars; job.begin = job.end) {
        job.end = step && job.begin + step < bars ? job.begin + step : bars;
        job.out = out + job.begin * stride;
        kind->kernels[isa]->play(&job);
    }
    double *turned = malloc((size_t)(rows * kind->output_count * bars) * sizeof *turned);
    for (int64_t r = 0; r < rows; r++)
        for (int o = 0; o < kind->output_count; o++)
            for (int64_t t = 0; t < bars; t++) turned[(r * kind->output_count + o) * bars + t] = out[t * stride + o * count + r];
    free(arguments);
    free(memory);
    free(out);
    return turned;
}

bool td_same_value(double a, double b) { return !memcmp(&a, &b, sizeof a) || (isnan(a) && isnan(b)); }
