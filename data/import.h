/* From kline files to a tape file: reads, merges, checks against the interval, writes, appends, adds symbols. */
#ifndef TAPEDECK_DATA_IMPORT_H
#define TAPEDECK_DATA_IMPORT_H

#include "data/klines.h"

typedef struct td_import_def { /* start from td_default_import_def() */
    td_klines_def klines;
    const char *path;          /* of the tape */
    const char *symbol;        /* 1 to 63 bytes; NULL = each file's name up to the first - or . (BTCUSDT-1m-2024-01.zip) */
    const char *interval;      /* as td_interval_ns() takes it */
    bool append; /* keep what the tape has: add symbols it does not hold, and of those it does only bars newer than their last. A tape
                    that does not exist yet is made. Default false. */
} td_import_def;

/* What happened to one symbol. The counts of `klines` are about what was read, its bars are gone. */
typedef struct td_import_report {
    char symbol[TD_SYMBOL_MAX];
    int file_count;
    td_klines klines;
    int64_t bars;              /* of the symbol in the tape now */
    int64_t added;             /* of those, new */
    int64_t older;             /* bars read that were not newer than the symbol's last (append) */
    int64_t first_ns, last_ns; /* open times of its first and last bar */
    int64_t step_ns;           /* most frequent step between bars read, 0 for one bar */
} td_import_report;

/* What happened to the tape. */
typedef struct td_import {
    int64_t symbols, bars;      /* of the tape now */
    char digest[TD_DIGEST_HEX]; /* of the tape */
    int count;                  /* of symbols that were imported */
    td_import_report *reports;  /* (count) in the order in which their files were named */
} td_import;

td_import_def td_default_import_def(void);

/* On failure the tape is as it was. TD_BAD_ARG for a bad symbol or interval; TD_BAD_DATA when files are unreadable, when bars
 * come more often than the interval says, or when the tape to append to has another interval; TD_IO.
 *
 * Holds the bars of one symbol in memory at a time: of several, each goes into a file beside the tape first. */
td_status td_import_klines(const td_import_def *def, int file_count, const char *const *files, td_import *import, td_error *error);
void td_import_free(td_import *import);

#endif
