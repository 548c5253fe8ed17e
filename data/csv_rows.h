/* Rows of comma-separated text, pulled one by one: plain or compressed (data/unpack.h), members of a zip one after the other. For
 * what programs write: no quotes. Blank lines are passed over, a carriage return at the end of a line and a byte order mark at the
 * beginning of a text are left out. Memory is a block and the longest line.
 *
 * Ownership: td_csv_open() opens the file, td_csv_close() releases it; fields are borrowed until the next row. */
#ifndef TAPEDECK_DATA_CSV_ROWS_H
#define TAPEDECK_DATA_CSV_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum { TD_CSV_LINE_MAX = 1 << 20 };

typedef struct td_field {
    const char *text; /* terminated as well */
    size_t length;
} td_field;

typedef struct td_csv td_csv;
typedef struct td_csv_row {
    const char *name;      /* of the file, or "file:member" */
    int64_t line;          /* from 1 */
    bool first;            /* of its text: perhaps a header */
    int count;
    const td_field *field; /* (count) */
} td_csv_row;

td_status td_csv_open(const char *path, td_csv **csv, td_error *error);
void td_csv_close(td_csv *csv);
/* *row NULL at the end. TD_BAD_DATA for a line that is too long or has a zero byte. */
td_status td_csv_next(td_csv *csv, const td_csv_row **row, td_error *error);

bool td_field_is(const td_field *field, const char *text);
/* A whole number within int64, with a sign or without. */
bool td_field_whole(const td_field *field, int64_t *value);
/* The row's fields as "a,b,c", cut to the buffer; for messages. Returns buffer. */
char *td_csv_row_text(const td_csv_row *row, char *buffer, size_t size);
/* Are the names of the first `count` fields these? */
bool td_csv_row_begins(const td_csv_row *row, const char *const *names, int count);

#endif
