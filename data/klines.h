/* Bars from text: Binance archive klines and any CSV of open, high, low, close, volume.
 *
 * Words: a *row* is one line of data; a *broken* row cannot be played (wrong number of columns, text where a number belongs, a
 * missing price, a price not above 0, high below low, negative volume): it is counted, the first ones are kept with file, line,
 * column and text, and it is left out. A *duplicate* has the open time of another row: the later one wins (later in its file, or
 * in a later file). A row is *out of order* when it opens before the row above it in its file; rows are sorted.
 *
 * Layouts, found from the first line: with a header, columns by name (docs/file-formats.md lists the names) or by
 * `columns`; without one, the 12 columns of a Binance archive file. Times are ISO 8601 text, or whole numbers in seconds,
 * milliseconds, microseconds or nanoseconds since 1970, decided by the size of the first one in each file. */
#ifndef TAPEDECK_DATA_KLINES_H
#define TAPEDECK_DATA_KLINES_H

#include <stddef.h>

#include "data/bars.h"

/* Why a row is broken: name, what was expected instead. */
#define TD_KLINE_FAULTS(X)                                                                                                       \
    X(TD_FAULT_COLUMNS, "wrong_columns", "as many columns as the first line")                                                     \
    X(TD_FAULT_TIME, "bad_time", "a time like those of the rows above")                                                           \
    X(TD_FAULT_NUMBER, "bad_number", "a number")                                                                                  \
    X(TD_FAULT_MISSING, "missing_price", "a price, not nothing or NaN")                                                           \
    X(TD_FAULT_PRICE, "not_positive", "a finite price above 0")                                                                   \
    X(TD_FAULT_RANGE, "high_below_low", "a high not below the low")                                                               \
    X(TD_FAULT_VOLUME, "bad_volume", "a finite volume of 0 or more")

typedef enum td_kline_fault {
#define TD_KLINE_FAULT_NAME(name, text, expected) name,
    TD_KLINE_FAULTS(TD_KLINE_FAULT_NAME)
#undef TD_KLINE_FAULT_NAME
    TD_FAULT_COUNT
} td_kline_fault;

const char *td_kline_fault_name(td_kline_fault fault);
const char *td_kline_fault_expected(td_kline_fault fault);

enum { TD_KLINE_PROBLEMS_MAX = 10 };

/* One broken row. */
typedef struct td_kline_problem {
    td_kline_fault fault;
    char file[256];  /* path, or path:member; its end when it is longer */
    int64_t line;    /* 1 is the first line of the file */
    int column;      /* 1 is the first; 0 when the whole row is at fault */
    char field[24];  /* time, open, ...; "" for the whole row */
    char found[64];  /* the text, cut */
    char expected[64];
} td_kline_problem;

typedef struct td_klines_def { /* start from td_default_klines_def() */
    const char *columns;       /* "time=Date,open=O,...": which column is what, by name or by number from 1. Default NULL. */
    bool strict;               /* any broken, out-of-order or contradicting row is an error. Default false. */
    bool extras;               /* also read quote_volume, trades, taker_buy_volume, taker_buy_quote_volume. Default false. */
    int threads;               /* files read at once; 0 is one per core. Default 1. */
    int64_t unpack_max;        /* bytes that one compressed file may unpack to. Default TD_DECOMPRESSED_MAX. */
    uint32_t cookie;           /* set by td_default_klines_def(). Leave it. */
} td_klines_def;

typedef struct td_klines {
    td_bars bars;              /* merged: times strictly increasing */
    int64_t rows;              /* data rows seen, broken ones included */
    int64_t broken;            /* of those, left out */
    int64_t faults[TD_FAULT_COUNT]; /* the broken rows by their first fault */
    int64_t out_of_order;
    int64_t duplicates;        /* rows dropped because a later one has their time */
    int64_t contradicting;     /* of those, with other values than the row that won */
    int64_t outside;           /* kept rows whose open or close is not within low and high */
    int problem_count;
    td_kline_problem problems[TD_KLINE_PROBLEMS_MAX];
} td_klines;

td_klines_def td_default_klines_def(void);

/* Reads all files (plain, .gz, .zst, .xz, .bz2, .zip; "-" is standard input) and merges them in time order. TD_BAD_DATA with
 * file and line when a file is missing, empty, has no rows or columns we do not understand, when every row is broken, and
 * under `strict`. On success td_klines_free() releases the bars; on failure there is nothing to release. */
td_status td_klines_read(const td_klines_def *def, int file_count, const char *const *files, td_klines *klines, td_error *error);
void td_klines_free(td_klines *klines);

/* The problem as a sentence: `file.csv:17: column 3 (high): found "abc", expected a number`. Returns buffer. */
char *td_kline_problem_text(const td_kline_problem *problem, char *buffer, size_t size);

/* The step between bars that occurs most often; 0 for fewer than two bars. */
int64_t td_bars_step(const int64_t *time_ns, int64_t count);

#endif
