/* From kline files to a tape file: reads, merges, checks against the interval, writes or appends. */
#ifndef TAPEDECK_DATA_IMPORT_H
#define TAPEDECK_DATA_IMPORT_H

#include "data/klines.h"

typedef struct td_import_def { /* start from td_default_import_def() */
    td_klines_def klines;
    const char *path;          /* of the tape */
    const char *symbol;        /* 1 to 63 bytes */
    const char *interval;      /* as td_interval_ns() takes it */
    bool append; /* add only bars newer than the tape's last; a tape that does not exist yet is made. Default false. */
} td_import_def;

/* What happened. The counts of `klines` are about what was read, its bars are gone. */
typedef struct td_import_report {
    td_klines klines;
    int64_t bars;              /* in the tape now */
    int64_t added;             /* of those, new */
    int64_t older;             /* bars read that were not newer than the tape's last (append) */
    int64_t first_ns, last_ns; /* open times of the tape's first and last bar */
    int64_t step_ns;           /* most frequent step between bars read, 0 for one bar */
    char digest[TD_DIGEST_HEX];
} td_import_report;

td_import_def td_default_import_def(void);

/* On failure the tape is as it was. TD_BAD_ARG for a bad symbol or interval; TD_BAD_DATA when files are unreadable, when bars
 * come more often than the interval says, or when the tape to append to has another symbol or interval; TD_IO. */
td_status td_import_klines(const td_import_def *def, int file_count, const char *const *files, td_import_report *report,
                           td_error *error);

#endif
