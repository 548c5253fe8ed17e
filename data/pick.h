/* One symbol of a tape at an interval: the bars that a deck plays.
 *
 * A bar the symbol does not have is no bar: it is left out, so that the symbol of a large tape plays exactly like a tape of that
 * symbol alone. Bars of a longer interval are made of the symbol's own:
 *
 *   span     [open, open + interval), open times being whole multiples of the interval since 1970-01-01 UTC; weeks (and whole numbers
 *            of them) begin on Monday
 *   values   open of the first, highest high, lowest low, close of the last, sum of the volumes in time order (NaN when one is) of
 *            the symbol's bars that open in the span; a span without any is no bar
 *   whole    a span is left out when bars that belong to it may be missing at an end: the last one when the symbol's last bar ends
 *            before it does, and those that reach out of [from, to). A first span that begins before the symbol does stays, for it
 *            cannot be told from a gap
 *
 * Inside the bars of a longer interval, finer ones may be kept to walk through (td_pick_refine()). A finer bar belongs to the bar in
 * whose span it opens, and never reaches out of it.
 *
 * Months are not made: their length is nominal.
 *
 * Ownership: the pick's tape borrows the columns of the tape where the symbol's bars are neighbours in it and the interval is the
 * tape's, else it owns copies. The tape outlives the pick. */
#ifndef TAPEDECK_DATA_PICK_H
#define TAPEDECK_DATA_PICK_H

#include <stddef.h>

#include "data/tape.h"

typedef struct td_pick {
    td_tape tape;  /* of one symbol, without NaN prices; digest is that of the symbol's bars on the tape, before any resampling */
    struct td_pick *finer; /* what tape.finer points into; NULL where there is none */
    void *memory;  /* its own columns, NULL where they are borrowed */
    size_t bytes;  /* of memory, the finer bars' included */
    const td_tape *from;
    int64_t symbol;
} td_pick;

/* interval: NULL or the tape's own for its bars; else as td_interval_ns() takes it, a multiple of the tape's. from_ns <= open time <
 * to_ns; INT64_MIN and INT64_MAX for all there is.
 * TD_BAD_ARG when the interval cannot be made; TD_BAD_DATA when no bar is left; both say of which symbol. */
td_status td_pick_open(const td_tape *tape, int64_t symbol, const char *interval, int64_t from_ns, int64_t to_ns, td_pick *pick,
                       td_error *error);
void td_pick_close(td_pick *pick);

/* Adds the bars of a shorter interval that lie in the pick's as tape.finer; both are made of the tape's. TD_BAD_ARG when they cannot be
 * (td_pick_check_finer()), TD_BAD_DATA when the open or close of a finer bar is outside its own range: nobody could walk through it. */
td_status td_pick_refine(td_pick *pick, const char *finer, td_error *error);
/* TD_BAD_ARG with a sentence when bars of the interval `finer` cannot be made of the tape's or do not lie in those of `interval`, whole
 * number by whole number. */
td_status td_pick_check_finer(const td_tape *tape, const char *interval, const char *finer, td_error *error);

/* TD_BAD_ARG with a sentence when bars of the tape cannot be put together to bars of this interval. */
td_status td_pick_check_interval(const td_tape *tape, const char *interval, td_error *error);

#endif
