/* See market.h. */
#include "bench/market.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/math.h"
#include "base/random.h"

enum { WALK_SEED = 7, WALK_STEPS = 4, COLUMNS = 5 };
static const double walk_step = 0.0004, walk_level = 30000;
static const int64_t walk_start_ns = 1577836800 * TD_NS_PER_SECOND; /* 2020-01-01 */

/* Columns open, high, low, close, volume of `bars` bars each. */
static void make_walk(int64_t bars, double *columns) {
    double *open = columns, *high = open + bars, *low = high + bars, *close = low + bars, *volume = close + bars;
    /* the logarithms of a bar's first, greatest, least and last step, then levelled */
    double level = 0, sum = 0;
    for (int64_t t = 0; t < bars; t++) {
        for (int i = 0; i < WALK_STEPS; i++) {
            level += walk_step * td_random_normal(WALK_SEED, TD_PURPOSE_TEST, 0, (uint64_t)(t * WALK_STEPS + i));
            sum += level;
            if (i == 0) open[t] = high[t] = low[t] = level;
            if (level > high[t]) high[t] = level;
            if (level < low[t]) low[t] = level;
        }
        close[t] = level;
        volume[t] = -10 * td_log(td_random_uniform(WALK_SEED, TD_PURPOSE_TEST, 1, (uint64_t)t));
    }
    double mean = sum / (double)(bars * WALK_STEPS);
    for (int64_t i = 0; i < 4 * bars; i++) columns[i] = walk_level * td_exp(columns[i] - mean);
    for (int64_t t = 1; t < bars; t++) {
        open[t] = close[t - 1];
        if (open[t] > high[t]) high[t] = open[t];
        if (open[t] < low[t]) low[t] = open[t];
    }
}

static td_status read_raw(const char *path, int64_t bars, double *columns, td_error *error) {
    FILE *file = fopen(path, "rbe");
    if (!file) return td_fail(error, TD_BAD_DATA, "%s: %s", path, strerror(errno));
    long size = fseek(file, 0, SEEK_END) == 0 ? ftell(file) : -1;
    int64_t found = size / (COLUMNS * (int64_t)sizeof(double));
    td_status status = TD_OK;
    if (size < 0 || found * COLUMNS * (int64_t)sizeof(double) != size)
        status = td_fail(error, TD_BAD_DATA, "%s has %ld bytes, must be 5 columns of doubles", path, size);
    else if (found < bars)
        status = td_fail(error, TD_BAD_DATA, "%s holds %lld bars, the scene plays %lld", path, (long long)found, (long long)bars);
    for (int c = 0; status == TD_OK && c < COLUMNS; c++)
        if (fseek(file, (long)(c * found * (int64_t)sizeof(double)), SEEK_SET) != 0 ||
            fread(columns + c * bars, sizeof(double), (size_t)bars, file) != (size_t)bars)
            status = td_fail(error, TD_BAD_DATA, "%s cannot be read", path);
    fclose(file);
    return status;
}

td_status td_stage_tape(td_stage *stage, int64_t bars, const td_tape **tape, td_error *error) {
    for (int i = 0; i < stage->tape_count; i++) {
        *tape = &stage->tapes[i];
        if (stage->tapes[i].bars == bars) return TD_OK;
    }
    if (stage->tape_count == TD_STAGE_TAPES_MAX)
        return td_fail(error, TD_FAILED, "more than %d lengths of tape", TD_STAGE_TAPES_MAX);
    double *columns = malloc((size_t)bars * (COLUMNS + 1) * sizeof(double));
    if (!columns) return td_fail(error, TD_NO_MEMORY, "no memory for %lld bars", (long long)bars);
    int64_t *time_ns = (int64_t *)(void *)(columns + COLUMNS * bars);
    td_status status = TD_OK;
    if (stage->data_path)
        status = read_raw(stage->data_path, bars, columns, error);
    else
        make_walk(bars, columns);
    for (int64_t t = 0; t < bars; t++) time_ns[t] = walk_start_ns + t * 60 * TD_NS_PER_SECOND;
    td_tape *made = &stage->tapes[stage->tape_count];
    *made = (td_tape){.bars = bars, .symbols = 1, .interval_ns = 60 * TD_NS_PER_SECOND, .time_ns = time_ns, .open = columns,
                      .high = columns + bars, .low = columns + 2 * bars, .close = columns + 3 * bars, .volume = columns + 4 * bars,
                      .symbol = "WALK", .interval = "1m"};
    if (status == TD_OK) status = td_tape_validate(made, stage->data_path ? stage->data_path : "the walk", error);
    if (status != TD_OK) {
        free(columns);
        return status;
    }
    td_tape_digest(made);
    stage->columns[stage->tape_count++] = columns;
    *tape = made;
    return TD_OK;
}

td_status td_write_klines(const char *path, const td_tape *tape, int64_t rows, td_error *error) {
    FILE *file = fopen(path, "we");
    if (!file) return td_fail(error, TD_IO, "%s: %s", path, strerror(errno));
    for (int64_t t = 0; t < rows; t++) {
        long long milliseconds = (long long)(tape->time_ns[t] / 1000000);
        double volume = tape->volume[t];
        fprintf(file, "%lld,%.8f,%.8f,%.8f,%.8f,%.8f,%lld,%.8f,%d,%.8f,%.8f,0\n", milliseconds, tape->open[t], tape->high[t],
                tape->low[t], tape->close[t], volume, milliseconds + 59999, volume * tape->close[t], (int)(volume * 10) + 1,
                volume / 2, volume / 2 * tape->close[t]);
    }
    bool bad = ferror(file) != 0;
    bad |= fclose(file) != 0;
    return bad ? td_fail(error, TD_IO, "%s cannot be written: %s", path, strerror(errno)) : TD_OK;
}
