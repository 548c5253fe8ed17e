/* What the tests of rows share: rows of one kind, played on their own. */
#ifndef TAPEDECK_TESTS_ROW_PLAYS_H
#define TAPEDECK_TESTS_ROW_PLAYS_H

#include "data/row_kind.h"
#include "tests/plays.h"

/* Rows of one kind over [0, bars) in steps of at most `step` bars (0: one go), for `rows` tuples of arguments. Each output of
 * each row gets its own array of `bars`: output o of row r is at (r * outputs + o) * bars. The caller frees it. */
double *td_play_columns(const td_row_kind *kind, td_isa isa, const double *const *columns, int64_t bars, const td_row_tuple *tuples,
                        int64_t rows, int64_t step);
/* The same bits, or both NaN. */
bool td_same_value(double a, double b);

#endif
