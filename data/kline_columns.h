/* Which column of a text file is what; used by klines.c.
 *
 * A layout is made from the first line: its delimiter, the number of columns, and for each field of a bar the column that
 * holds it. */
#ifndef TAPEDECK_DATA_KLINE_COLUMNS_H
#define TAPEDECK_DATA_KLINE_COLUMNS_H

#include "data/bars.h"

enum { TD_FIELD_TIME = TD_BAR_COLUMNS, TD_FIELDS = TD_BAR_COLUMNS + 1, TD_TEXT_COLUMNS_MAX = 256 };

/* A piece of a line, spaces and quotes taken off. */
typedef struct td_piece {
    const char *text;
    int64_t length;
} td_piece;

typedef struct td_layout {
    char delimiter;
    bool header;             /* is the first line one? */
    int columns;             /* how many every row must have */
    int column[TD_FIELDS];   /* index of each field's column, -1 for none */
} td_layout;

/* Splits a line (without its end) at the delimiter; quoted pieces may hold delimiters. Returns how many there are, also when more
 * than `room`. */
int td_split_line(const char *line, int64_t length, char delimiter, td_piece *pieces, int room);

const char *td_field_name(int field);

/* Finds the layout from the first line. mapping is the text of --columns or NULL. name begins the sentence of an error. */
td_status td_layout_find(const char *name, int64_t line_number, const char *line, int64_t length, const char *mapping, bool extras,
                         td_layout *layout, td_error *error);

#endif
