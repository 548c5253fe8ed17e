/* The rows of a group of sets: which distinct tuples of arguments there are, and their values chunk by chunk.
 *
 * Rows of one kind on the same columns are a *group* (sim/deck.h); a *tuple* is the distinct numbers of a row of it. A *slot*
 * is one output of one tuple. The slots of a group stand together, padded to whole vectors, output after output. Values are
 * time-major: the rows of one bar are neighbours, because a lane block gathers all its lanes' rows of a bar at once. */
#ifndef TAPEDECK_SIM_ROWS_H
#define TAPEDECK_SIM_ROWS_H

#include "sim/deck.h"

enum { TD_CHUNK_BARS_MAX = 1024, TD_CHUNK_BARS_MIN = 64 };

/* Where a group's tuples are in the arrays of td_rows. */
typedef struct td_row_place {
    int64_t count;                 /* tuples, padding included */
    int64_t slot;                  /* the first; output o of tuple i is slot + o * count + i */
    double *arguments, *memory;    /* (arguments, count), (memory reals, count) */
} td_row_place;

typedef struct td_rows {
    const td_deck *deck;
    td_isa isa;
    int64_t slots;        /* in use, padding included */
    int64_t chunk_bars;   /* bars of the next chunk, at most; what suits the slots, or what the engine sets */
    int64_t chunk_limit;  /* upper bound set by a test; 0 none */
    td_row_place places[TD_ROWS_MAX]; /* (groups of the deck) */
    td_row_tuple *tuples; /* of the group that is being made */
    int32_t *table;       /* hash table of them, open addressing */
    int64_t table_size;
    double *arguments, *memory;
    double *values;       /* bar begin - 1, then the chunk */
    int64_t begin, end;   /* of the chunk in `values` */
} td_rows;

/* Slots that groups of `sets` sets may take; and the values of a chunk, at most, the bar before it not counted. */
int64_t td_rows_capacity(const td_deck *deck, int64_t sets);
size_t td_rows_values(int64_t capacity);
/* Bytes for groups of `sets` sets, and the memory itself. */
size_t td_rows_bytes(const td_deck *deck, int64_t sets);
td_status td_rows_open(td_rows *rows, const td_deck *deck, td_isa isa, int64_t sets, td_error *error);
void td_rows_close(td_rows *rows);
/* Starts a group at bar 0: slots (count, rows of the deck) gets the slot of each row of each set. */
void td_rows_start(td_rows *rows, const td_set *sets, int64_t count, int32_t *slots);
/* Computes the next chunk; false when the deck is through. */
bool td_rows_next(td_rows *rows);
/* The chunk as kernels take it. */
td_kernel_chunk td_rows_chunk(const td_rows *rows);
/* Two windows of `lanes` slots that hold row r of all lanes of the vector, if there are such; see td_vector. */
bool td_vector_find_windows(void *vector, int lanes, int r);

#endif
