/* A tape: read-only recorded market data, and the file it lives in.
 *
 * Words: a *bar* is one row of open, high, low, close, volume over one interval; it is named by its open time. The *raster* of a
 * tape is its sequence of bars: T bars by N symbols (N is 1 in files written today; the layout holds N). A missing bar is a
 * missing row, never an invented one. Time is int64 nanoseconds since 1970-01-01 UTC.
 *
 * Ownership: td_tape_open() maps the file and the tape's arrays point into the map: nothing is copied, pages come and go as the
 * kernel likes, and every thread shares them. td_tape_close() releases it. A td_tape built by hand around arrays of the caller's
 * (tests, the synthetic tape before it is written) is as good as an opened one and needs no close.
 *
 * File (docs/file-formats.md): HDF5, one contiguous uncompressed little-endian dataset per column, so that a column can be
 * mapped; dimension scales `time` and `symbol`; CF attributes; opens in xarray and h5py. Contiguous and not chunked: a tape is
 * written once and read thousands of times, and an append rewrites it into a temporary file that is renamed. */
#ifndef TAPEDECK_DATA_TAPE_H
#define TAPEDECK_DATA_TAPE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

#define TD_NS_PER_SECOND 1000000000LL
#define TD_NS_PER_DAY (86400LL * TD_NS_PER_SECOND)

enum { TD_SYMBOL_MAX = 64, TD_DIGEST_HEX = 65, TD_TAPE_EXTRAS_MAX = 4 };

typedef struct td_tape {
    int64_t bars;            /* T >= 1 */
    int64_t symbols;         /* N >= 1 */
    int64_t interval_ns;     /* nominal length of a bar; calendar intervals (month) are stored as their nominal length */
    const int64_t *time_ns;  /* (T)    open time of the bar, strictly increasing */
    const double *open;      /* (T, N) quote currency, > 0 and finite */
    const double *high;      /* (T, N) */
    const double *low;       /* (T, N) */
    const double *close;     /* (T, N) */
    const double *volume;    /* (T, N) base currency, NaN where the source has none */
    char symbol[TD_SYMBOL_MAX];     /* of column 0 */
    char interval[16];              /* as people write it: 1m, 5m, 1h, 1d, 1w, 1mo */
    char digest[TD_DIGEST_HEX];     /* SHA-256, hex, over interval, times and columns: names the data, not the file */
    void *map;                      /* private to tape.c; NULL for a tape built by hand */
} td_tape;

/* Optional columns that Binance klines carry beyond OHLCV; any may be NULL. */
typedef struct td_tape_extra {
    const char *name;        /* dataset name: quote_volume, trades, taker_buy_volume, taker_buy_quote_volume */
    const char *units;
    const double *values;    /* (T, N) */
} td_tape_extra;

/* Opens a tape file and maps it. TD_BAD_DATA with a sentence when the file is missing, empty, truncated, no tape, of another
 * schema version, or holds a bar the engines cannot play (time not increasing, price not finite or not > 0: row named).
 * verify_digest also hashes the columns and compares with the stored digest (about 1 s per 1.5 GB). */
td_status td_tape_open(const char *path, bool verify_digest, td_tape *tape, td_error *error);
void td_tape_close(td_tape *tape);

/* Writes a tape file: into `path.tmp.<pid>`, fsync, rename; so `path` is either the old file or the whole new one.
 * Fills tape->digest. source is provenance text kept as an attribute (NULL for none). extras may be NULL. */
td_status td_tape_write(const char *path, td_tape *tape, const td_tape_extra *extras, int extra_count, const char *source,
                        td_error *error);

/* SHA-256 of the data into tape->digest. */
void td_tape_digest(td_tape *tape);

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
