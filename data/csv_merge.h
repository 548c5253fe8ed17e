/* Rows of several CSV files in the order of time: files of the same type are one stream, read one after the other in the order given,
 * and streams are merged by the time of their next row; at equal times the lower type is first. What a file is and where a row has its
 * time, the caller says. Open at once: one file a type. */
#ifndef TAPEDECK_DATA_CSV_MERGE_H
#define TAPEDECK_DATA_CSV_MERGE_H

#include "data/csv_rows.h"

typedef struct td_csv_merge_def {
    void *user;
    /* Looks at the first rows of a file; types are 0, 1, ... A file nobody knows is TD_BAD_DATA. */
    td_status (*classify)(void *user, const char *file, td_csv *csv, int *type, td_error *error);
    /* False: the row has none (a header, a broken row); it comes as if it had the time of the row before. */
    bool (*time)(void *user, int type, const td_csv_row *row, int64_t *time);
} td_csv_merge_def;

typedef struct td_csv_merge td_csv_merge;
/* The files' names are borrowed. */
td_status td_csv_merge_open(const td_csv_merge_def *def, int file_count, const char *const *files, td_csv_merge **merge,
                            td_error *error);
void td_csv_merge_close(td_csv_merge *merge);
/* The next row and its file's type; *row NULL behind the last. TD_BAD_DATA when a file begins before the one before it did. */
td_status td_csv_merge_next(td_csv_merge *merge, int *type, const td_csv_row **row, td_error *error);
/* Is there a file of this type? */
bool td_csv_merge_has(const td_csv_merge *merge, int type);

#endif
