/* A tape: read-only recorded market data, and the file it lives in.
 *
 * Words: a *bar* is open, high, low, close, volume over one interval; it is named by its open time. The *raster* of a tape is the
 * sequence of its T open times: the union of the times of its N symbols. Where a symbol has no bar all its values are NaN; a time at
 * which no symbol has a bar is no row of the raster. No bar is invented. Time is int64 nanoseconds since 1970-01-01 UTC.
 *
 * What plays one symbol takes it out with data/pick.h, which leaves out the bars it does not have. A tape of one symbol has no NaN
 * prices.
 *
 * Ownership: td_tape_open() maps the file and the tape's arrays point into the map: nothing is copied, pages come and go as the
 * kernel likes, and every thread shares them. td_tape_close() releases it. A td_tape built by hand around arrays of the caller's
 * (tests, the synthetic tape before it is written) is as good as an opened one and needs no close.
 *
 * File (docs/file-formats.md): HDF5, one contiguous uncompressed little-endian dataset per column, so that a column can be
 * mapped; dimension scales `time` and `symbol`; CF attributes; opens in xarray and h5py. Contiguous and not chunked: a tape is
 * written once and read thousands of times, and an append rewrites it into a temporary file that is renamed. Columns lie symbol by
 * symbol, (N, T), because a deck plays one symbol: its bars are neighbours in memory, as in a tape of that symbol alone. */
#ifndef TAPEDECK_DATA_TAPE_H
#define TAPEDECK_DATA_TAPE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

#define TD_NS_PER_SECOND 1000000000LL
#define TD_NS_PER_DAY (86400LL * TD_NS_PER_SECOND)

enum { TD_SYMBOL_MAX = 64, TD_DIGEST_HEX = 65, TD_TAPE_EXTRAS_MAX = 4 };

/* One symbol of several. */
typedef struct td_tape_symbol {
    char name[TD_SYMBOL_MAX];
    char digest[TD_DIGEST_HEX]; /* that of a tape of this symbol's bars alone */
} td_tape_symbol;

typedef struct td_tape {
    int64_t bars;            /* T >= 1 */
    int64_t symbols;         /* N >= 1 */
    int64_t interval_ns;     /* nominal length of a bar; calendar intervals (month) are stored as their nominal length */
    const int64_t *time_ns;  /* (T)    open time of the bar, strictly increasing */
    const double *open;      /* (N, T) quote currency, > 0 and finite; NaN in all columns where the symbol has no bar (only N > 1) */
    const double *high;      /* (N, T) */
    const double *low;       /* (N, T) */
    const double *close;     /* (N, T) */
    const double *volume;    /* (N, T) base currency, NaN where the source has none */
    const struct td_tape *finer;    /* bars of a shorter interval that lie in this tape's, which were made of them (td_pick_refine());
                                       NULL: none. A tape file has none */
    const td_tape_symbol *names;    /* (N) of the symbols; NULL where there is one, which `symbol` and `digest` name */
    char symbol[TD_SYMBOL_MAX];     /* of the first */
    char interval[16];              /* as people write it: 1m, 5m, 1h, 1d, 1w, 1mo */
    char digest[TD_DIGEST_HEX];     /* SHA-256, hex, over interval, times and columns: names the data, not the file; of several
                                       symbols td_digest_join() of theirs */
    void *map;                      /* private to tape.c; NULL for a tape built by hand */
} td_tape;

/* Optional columns that Binance klines carry beyond OHLCV; any may be NULL. */
typedef struct td_tape_extra {
    const char *name;        /* dataset name: quote_volume, trades, taker_buy_volume, taker_buy_quote_volume */
    const char *units;
    const double *values;    /* (N, T) */
} td_tape_extra;

/* What a tape of several symbols is written from: one tape of one symbol each, with what belongs to it. Rows whose close is NaN are
 * no bars. */
typedef struct td_tape_part {
    td_tape tape;
    td_tape_extra extras[TD_TAPE_EXTRAS_MAX];
    int extra_count;
} td_tape_part;

/* Opens a tape file and maps it. TD_BAD_DATA with a sentence when the file is missing, empty, truncated, no tape, of another
 * schema version, or holds a bar the engines cannot play (time not increasing, price not finite or not > 0: row named).
 * verify_digest also hashes the columns and compares with the stored digest (about 1 s per 1.5 GB). */
td_status td_tape_open(const char *path, bool verify_digest, td_tape *tape, td_error *error);
void td_tape_close(td_tape *tape);

/* Writes a tape file: into `path.tmp.<pid>`, fsync, rename; so `path` is either the old file or the whole new one.
 * Fills tape->digest. source is provenance text kept as an attribute (NULL for none). extras may be NULL. */
td_status td_tape_write(const char *path, td_tape *tape, const td_tape_extra *extras, int extra_count, const char *source,
                        td_error *error);

/* The same for the union of the parts' times: each symbol where it has bars, NaN elsewhere. All have one interval and names of their
 * own; columns that a part lacks are NaN. Holds the raster in memory, not the columns. bars (may be NULL) is the raster's length. */
td_status td_tape_write_parts(const char *path, const td_tape_part *parts, int count, const char *source, int64_t *bars,
                              char digest[TD_DIGEST_HEX], td_error *error);

/* Puts a tape of one symbol into a file beside `path` that has no name any more when this returns, and opens it: memory for the
 * bars of many symbols, one after the other. Digests of neither are of use. */
td_status td_tape_set_aside(const char *path, const td_tape *tape, const td_tape_extra *extras, int extra_count, td_tape *aside,
                            td_error *error);

/* SHA-256 of the data into tape->digest. */
void td_tape_digest(td_tape *tape);
/* One digest of several: that of a single one is itself, of more it is SHA-256 over their text in order. */
void td_digest_join(const char (*digests)[TD_DIGEST_HEX], int64_t count, char digest[TD_DIGEST_HEX]);

const char *td_tape_symbol_name(const td_tape *tape, int64_t symbol);
/* What a tape of this symbol alone has as its digest. */
const char *td_tape_symbol_digest(const td_tape *tape, int64_t symbol);
/* Index of a symbol, -1 when the tape has none of that name. */
int64_t td_tape_find(const td_tape *tape, const char *name);
/* The rows of one symbol as a tape of one symbol, which borrows them; NaN where it has no bar. */
td_tape td_tape_rows(const td_tape *tape, int64_t symbol);
/* Tells the kernel that the pages of a mapped symbol are not needed for now. Of a tape of one symbol they stay. */
void td_tape_let_go(const td_tape *tape, int64_t symbol);

/* TD_BAD_DATA with row and value when the engines could not play these columns; `name` (a path) begins the sentence. */
td_status td_tape_validate(const td_tape *tape, const char *name, td_error *error);

/* What an opened tape carries beyond the columns: optional columns and provenance text. Nothing (0, "") for a tape built by
 * hand. Pointers live as long as the tape is open. */
int td_tape_extra_count(const td_tape *tape);
td_tape_extra td_tape_extra_at(const td_tape *tape, int index);
const char *td_tape_source(const td_tape *tape);

/* "1m", "15m", "1h", "1d", "1w", "1mo" (and "1M") to nanoseconds; 0 when it is no interval. A month counts 30 days. */
int64_t td_interval_ns(const char *text);

/* Writes "2024-08-08T00:00:00Z" (with fraction where there is one) into a buffer of at least 32 bytes; returns it. */
char *td_time_text(int64_t time_ns, char *buffer);
/* Reads ISO 8601 text ("2017-04-19", "2017-04-19 09:00:00", "2018-01-10T04:55:00.000Z", "+02:00" offsets) as UTC. */
bool td_time_parse(const char *text, int64_t length, int64_t *time_ns);

#endif
