/* Inside of show.h: what its parts share. Nobody else includes this.
 *
 *   show.c   columns, which rows and in what order, tables, CSV and JSON of rows
 *   over.c   the same of summaries over symbols and intervals
 *
 * A column is a number: axes first, then metrics. */
#ifndef TAPEDECK_CLI_SHOW_PARTS_H
#define TAPEDECK_CLI_SHOW_PARTS_H

#include "cli/show.h"

/* Which rows of the results are looked at; -1 = of every symbol, of every interval. */
typedef struct td_market_filter {
    int64_t symbol, interval;
} td_market_filter;

typedef struct td_show_order {
    int by;           /* column */
    int goal;
    int64_t *rows;    /* (count) */
    int64_t count;    /* that where, symbol and interval let through */
    int64_t shown;    /* of these, at most top */
    int64_t ranked;   /* of these, the first so many have a rank */
} td_show_order;

/* What is asked for, of the rows that are wanted, in the order of the rows; the caller frees o->rows. */
td_status td_choose_rows(td_results *results, const td_show_def *def, td_market_filter *filter, td_show_order *o, td_error *error);
bool td_row_is_wanted(const td_results *results, const td_market_filter *filter, int64_t row);
/* How many of `count` are asked for. */
int64_t td_shown_of(const td_show_def *def, int64_t count);

const char *td_column_name(const td_results *results, int column);
const double *td_column_values(td_results *results, int column, td_error *error); /* (rows) */
/* A number for eyes: six digits, money with two decimals, words and durations as they are written, "-" for NaN; text has 48 bytes */
void td_column_text(const td_results *results, int column, double value, char *text);

/* The columns that say which market a row is of, where there are several; returns how many. */
int td_market_heads(const td_results *results, bool symbols, bool intervals, const char **heads);
/* What stands under such a head. */
const char *td_market_text(const td_results *results, const char *head, int64_t row);

/* The head of a table, up to where the order is said. */
void td_print_counts(FILE *out, td_results *results);
/* A CSV field behind a comma, in quotes where it has to be. */
void td_print_csv_text(FILE *out, const char *text);
/* A value behind a comma, and as JSON: words as such, durations in nanoseconds. */
void td_print_csv_value(FILE *out, const td_results *results, int column, double value);
json_t *td_column_json(const td_results *results, int column, double value);
/* What the sweep held fixed: it belongs to a set as well. */
json_t *td_constants_of(const td_results *results);
/* TD_BAD_ARG when nobody can read so many. */
td_status td_check_table_rows(int64_t rows, td_error *error);

/* over.c: td_show_table() and so on where def->over is given */
td_status td_over_table(FILE *out, td_results *results, const td_show_def *def, td_error *error);
td_status td_over_csv(FILE *out, td_results *results, const td_show_def *def, td_error *error);
td_status td_over_json(td_results *results, const td_show_def *def, json_t **list, td_error *error);

#endif
