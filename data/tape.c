/* The tape file; see tape.h. What it shares with other files of columns is in column_file.h. */
#include "data/tape.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <hdf5.h>
#include <hdf5_hl.h>
#include <math.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "data/column_file.h"

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "tape files are little-endian and mapped as they are"
#endif

static const char SCHEMA[] = "tapedeck-tape";
enum { ONE_SYMBOL_VERSION = 1, SYMBOLS_VERSION = 2, PRICE_COLUMNS = 4, COLUMNS = 5 };

static const struct {
    const char *name, *long_name, *units;
} columns[COLUMNS] = {
    {"open", "first traded price of the bar", "quote_currency"},
    {"high", "highest traded price of the bar", "quote_currency"},
    {"low", "lowest traded price of the bar", "quote_currency"},
    {"close", "last traded price of the bar", "quote_currency"},
    {"volume", "traded amount in the bar", "base_currency"},
};

/* What an open tape holds besides its columns. */
typedef struct tape_map {
    td_column_file columns;
    char *source;
    int extra_count;
    td_tape_symbol *names; /* of several symbols */
    td_tape_extra extra[TD_TAPE_EXTRAS_MAX];
    char extra_name[TD_TAPE_EXTRAS_MAX][32], extra_units[TD_TAPE_EXTRAS_MAX][32];
} tape_map;

static const double **column_of(td_tape *tape, int column) {
    const double **fields[COLUMNS] = {&tape->open, &tape->high, &tape->low, &tape->close, &tape->volume};
    return fields[column];
}

static const double *values_of(const td_tape *tape, int column) {
    const double *fields[COLUMNS] = {tape->open, tape->high, tape->low, tape->close, tape->volume};
    return fields[column];
}

/* ---- checks ---- */

static td_status bad_time(const td_tape *tape, const char *name, int64_t row, td_error *error) {
    char before[32], found[32];
    return td_fail(error, TD_BAD_DATA, "%s: row %lld opens at %s, not after row %lld at %s; times must increase", name,
                   (long long)row, td_time_text(tape->time_ns[row], found), (long long)(row - 1),
                   td_time_text(tape->time_ns[row - 1], before));
}

static bool is_price(double x) { return x > 0 && x < INFINITY; }

static td_status bad_price(const td_tape *tape, const char *name, int column, int64_t row, td_error *error) {
    char when[32];
    double x = values_of(tape, column)[row];
    return td_fail(error, TD_BAD_DATA, "%s: row %lld (%s): %s is %g, must be finite and above 0", name, (long long)row,
                   td_time_text(tape->time_ns[row], when), columns[column].name, x);
}

/* The prices of one symbol. holes: rows without a bar, NaN in every price, are allowed. */
static td_status validate_prices(const td_tape *tape, const char *name, bool holes, td_error *error) {
    int64_t bars = tape->bars, absent = 0;
    const double *close = tape->close;
    for (int64_t t = 0; holes && t < bars; t++) absent += isnan(close[t]) != 0;
    if (absent == bars) return td_fail(error, TD_BAD_DATA, "%s: has no bars", name);
    for (int column = 0; column < PRICE_COLUMNS; column++) {
        const double *x = values_of(tape, column);
        int64_t good = 0;
        for (int64_t t = 0; t < bars; t++) good += is_price(x[t]);
        for (int64_t t = 0; good + absent != bars && t < bars; t++)
            if (!is_price(x[t]) && !(holes && isnan(x[t]) && isnan(close[t]))) return bad_price(tape, name, column, t, error);
    }
    for (int64_t t = 0; t < bars; t++) {
        char when[32];
        for (int column = 0; absent && isnan(close[t]) && column < PRICE_COLUMNS; column++)
            if (!isnan(values_of(tape, column)[t]))
                return td_fail(error, TD_BAD_DATA, "%s: row %lld (%s): %s is %g, but there is no close", name, (long long)t,
                               td_time_text(tape->time_ns[t], when), columns[column].name, values_of(tape, column)[t]);
        if (tape->high[t] < tape->low[t])
            return td_fail(error, TD_BAD_DATA, "%s: row %lld (%s): high %g is below low %g", name, (long long)t,
                           td_time_text(tape->time_ns[t], when), tape->high[t], tape->low[t]);
    }
    return TD_OK;
}

td_status td_tape_validate(const td_tape *tape, const char *name, td_error *error) {
    if (tape->bars < 1) return td_fail(error, TD_BAD_DATA, "%s: holds no bars", name);
    for (int64_t t = 1; t < tape->bars; t++)
        if (tape->time_ns[t] <= tape->time_ns[t - 1]) return bad_time(tape, name, t, error);
    if (tape->symbols == 1) return validate_prices(tape, name, false, error);
    for (int64_t k = 0; k < tape->symbols; k++) {
        char of[4096 + TD_SYMBOL_MAX];
        snprintf(of, sizeof of, "%s: symbol %s", name, td_tape_symbol_name(tape, k));
        td_tape rows = td_tape_rows(tape, k);
        TD_TRY(validate_prices(&rows, of, true, error));
        td_tape_let_go(tape, k);
    }
    return TD_OK;
}

/* ---- symbols ---- */

const char *td_tape_symbol_name(const td_tape *tape, int64_t symbol) {
    assert(symbol >= 0 && symbol < tape->symbols);
    return tape->names ? tape->names[symbol].name : tape->symbol;
}

const char *td_tape_symbol_digest(const td_tape *tape, int64_t symbol) {
    assert(symbol >= 0 && symbol < tape->symbols);
    return tape->names ? tape->names[symbol].digest : tape->digest;
}

int64_t td_tape_find(const td_tape *tape, const char *name) {
    for (int64_t k = 0; k < tape->symbols; k++)
        if (strcmp(td_tape_symbol_name(tape, k), name) == 0) return k;
    return -1;
}

td_tape td_tape_rows(const td_tape *tape, int64_t symbol) {
    td_tape rows = *tape;
    for (int column = 0; column < COLUMNS; column++)
        if (values_of(tape, column)) *column_of(&rows, column) = values_of(tape, column) + symbol * tape->bars;
    rows.symbols = 1;
    rows.names = NULL;
    rows.map = NULL;
    snprintf(rows.symbol, sizeof rows.symbol, "%s", td_tape_symbol_name(tape, symbol));
    snprintf(rows.digest, sizeof rows.digest, "%s", td_tape_symbol_digest(tape, symbol));
    return rows;
}

void td_tape_let_go(const td_tape *tape, int64_t symbol) {
    if (!tape->map || tape->symbols == 1) return;
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    for (int column = 0; column < COLUMNS; column++) {
        uintptr_t begin = (uintptr_t)(values_of(tape, column) + symbol * tape->bars), end = begin + 8 * (uintptr_t)tape->bars;
        begin -= begin % page; /* pages shared with a neighbour come back on their own */
        madvise((void *)begin, end - begin, MADV_DONTNEED);
    }
}

/* ---- digest ---- */

enum { CHUNK = 1 << 12 }; /* values handled at once where a column has holes */

static int64_t count_bars(const td_tape *rows) {
    int64_t count = 0;
    for (int64_t t = 0; t < rows->bars; t++) count += !isnan(rows->close[t]);
    return count;
}

/* The eight-byte values of the rows that have a bar. */
static bool hash_values(EVP_MD_CTX *hash, const td_tape *rows, const void *values, bool holes) {
    if (!holes) return EVP_DigestUpdate(hash, values, (size_t)rows->bars * 8);
    int64_t chunk[CHUNK];
    const int64_t *from = values;
    bool done = true;
    for (int64_t t = 0, count = 0; done && t < rows->bars; t++) {
        if (!isnan(rows->close[t])) chunk[count++] = from[t];
        if (count < CHUNK && t + 1 < rows->bars) continue;
        done = EVP_DigestUpdate(hash, chunk, (size_t)count * 8);
        count = 0;
    }
    return done;
}

static void finish_digest(EVP_MD_CTX *hash, bool done, char digest[TD_DIGEST_HEX]) {
    unsigned char bytes[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    done = done && EVP_DigestFinal_ex(hash, bytes, &size);
    EVP_MD_CTX_free(hash);
    /* libcrypto fails here only without memory or without SHA-256 */
    if (!done) abort();
    for (unsigned i = 0; i < size; i++) snprintf(digest + 2 * i, 3, "%02x", bytes[i]);
}

/* Of the bars of one symbol. */
static void digest_rows(const td_tape *rows, char digest[TD_DIGEST_HEX]) {
    EVP_MD_CTX *hash = EVP_MD_CTX_new();
    const int64_t shape[3] = {count_bars(rows), 1, rows->interval_ns};
    bool holes = shape[0] < rows->bars;
    bool done = hash && EVP_DigestInit_ex(hash, EVP_sha256(), NULL) && EVP_DigestUpdate(hash, shape, sizeof shape) &&
                hash_values(hash, rows, rows->time_ns, holes);
    for (int column = 0; done && column < COLUMNS; column++) done = hash_values(hash, rows, values_of(rows, column), holes);
    finish_digest(hash, done, digest);
}

void td_digest_join(const char (*digests)[TD_DIGEST_HEX], int64_t count, char digest[TD_DIGEST_HEX]) {
    if (count == 1) {
        memmove(digest, digests[0], TD_DIGEST_HEX);
        return;
    }
    EVP_MD_CTX *hash = EVP_MD_CTX_new();
    bool done = hash && EVP_DigestInit_ex(hash, EVP_sha256(), NULL);
    for (int64_t i = 0; done && i < count; i++) done = EVP_DigestUpdate(hash, digests[i], TD_DIGEST_HEX - 1);
    finish_digest(hash, done, digest);
}

void td_tape_digest(td_tape *tape) {
    char(*digests)[TD_DIGEST_HEX] = calloc((size_t)tape->symbols, sizeof *digests);
    if (!digests) abort();
    for (int64_t k = 0; k < tape->symbols; k++) {
        td_tape rows = td_tape_rows(tape, k);
        digest_rows(&rows, digests[k]);
        td_tape_let_go(tape, k);
    }
    td_digest_join((const char(*)[TD_DIGEST_HEX])digests, tape->symbols, tape->digest);
    free(digests);
}

/* ---- opening ---- */

typedef struct opening {
    const char *path;
    tape_map *map;
    td_tape *tape;
    td_error *error;
    bool several; /* columns are over (symbol, time), not (time, symbol) with one symbol */
} opening;

static td_status read_header(opening *o) {
    td_tape *tape = o->tape;
    char schema[32] = "";
    int64_t version = 0;
    if (!td_hdf5_text_into(o->map->columns.file, "tapedeck_schema", schema, sizeof schema) || strcmp(schema, SCHEMA) != 0)
        return td_fail(o->error, TD_BAD_DATA,
                       "%s: is an HDF5 file but no tape: attribute tapedeck_schema is \"%s\", expected \"%s\"", o->path, schema,
                       SCHEMA);
    if (!td_hdf5_integer(o->map->columns.file, "tapedeck_schema_version", &version) ||
        (version != ONE_SYMBOL_VERSION && version != SYMBOLS_VERSION))
        return td_fail(o->error, TD_BAD_DATA, "%s: tape schema version is %lld, this program reads %d and %d", o->path,
                       (long long)version, ONE_SYMBOL_VERSION, SYMBOLS_VERSION);
    o->several = version == SYMBOLS_VERSION;
    if (!td_hdf5_text_into(o->map->columns.file, "interval", tape->interval, sizeof tape->interval) ||
        !td_hdf5_integer(o->map->columns.file, "interval_ns", &tape->interval_ns) || tape->interval_ns <= 0)
        return td_fail(o->error, TD_BAD_DATA, "%s: attributes interval and interval_ns are missing or wrong", o->path);
    if (!td_hdf5_text_into(o->map->columns.file, "digest", tape->digest, sizeof tape->digest) || strlen(tape->digest) != TD_DIGEST_HEX - 1)
        return td_fail(o->error, TD_BAD_DATA, "%s: attribute digest is missing or is no SHA-256", o->path);
    o->map->source = td_hdf5_text(o->map->columns.file, "source");
    return TD_OK;
}

static td_status read_shape(opening *o) {
    hid_t dataset = H5Lexists(o->map->columns.file, "close", H5P_DEFAULT) > 0 ? H5Dopen2(o->map->columns.file, "close", H5P_DEFAULT) : -1;
    if (dataset < 0) return td_fail(o->error, TD_BAD_DATA, "%s: has no dataset close", o->path);
    hid_t space = H5Dget_space(dataset);
    hsize_t dims[2] = {0, 0};
    int rank = H5Sget_simple_extent_ndims(space);
    if (rank == 2) H5Sget_simple_extent_dims(space, dims, NULL);
    H5Sclose(space);
    H5Dclose(dataset);
    const char *order = o->several ? "(symbol, time)" : "(time, symbol)";
    if (rank != 2) return td_fail(o->error, TD_BAD_DATA, "%s: dataset close has rank %d, expected %s", o->path, rank, order);
    if (!o->several && dims[1] > 1)
        return td_fail(o->error, TD_BAD_DATA, "%s: dataset close is over %llu symbols; a tape of schema version %d has one", o->path,
                       (unsigned long long)dims[1], ONE_SYMBOL_VERSION);
    if (dims[0] < 1 || dims[1] < 1) return td_fail(o->error, TD_BAD_DATA, "%s: holds no bars", o->path);
    /* more cells than the file has bytes would also overflow what follows */
    if (dims[1] > o->map->columns.size || dims[0] > o->map->columns.size / dims[1])
        return td_fail(o->error, TD_BAD_DATA, "%s: is truncated: %llu bars do not fit into %zu bytes", o->path,
                       (unsigned long long)dims[0], o->map->columns.size);
    o->tape->bars = (int64_t)dims[o->several];
    o->tape->symbols = (int64_t)dims[!o->several];
    return TD_OK;
}

/* A dataset of one text per symbol, each shorter than `room`, `stride` bytes apart. */
static bool read_texts(opening *o, const char *name, char *texts, size_t room, size_t stride) {
    hid_t dataset = H5Lexists(o->map->columns.file, name, H5P_DEFAULT) > 0 ? H5Dopen2(o->map->columns.file, name, H5P_DEFAULT) : -1;
    if (dataset < 0) return false;
    int64_t count = o->tape->symbols;
    hid_t type = H5Dget_type(dataset), space = H5Dget_space(dataset);
    bool fits = H5Tis_variable_str(type) > 0 && H5Sget_simple_extent_npoints(space) == count;
    char **read = fits ? calloc((size_t)count, sizeof *read) : NULL;
    bool done = read && H5Dread(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, read) >= 0, good = done;
    for (int64_t k = 0; good && k < count; k++) {
        good = read[k] && read[k][0] && strlen(read[k]) < room;
        if (good) strcpy(texts + (size_t)k * stride, read[k]);
    }
    if (done) H5Dvlen_reclaim(type, space, H5P_DEFAULT, read);
    free(read);
    H5Sclose(space);
    H5Tclose(type);
    H5Dclose(dataset);
    return good;
}

static td_status read_symbols(opening *o) {
    td_tape *tape = o->tape;
    td_tape_symbol *names = calloc((size_t)tape->symbols, sizeof *names);
    o->map->names = names;
    if (!names) return td_fail(o->error, TD_NO_MEMORY, "%s: no memory for %lld symbols", o->path, (long long)tape->symbols);
    if (H5Lexists(o->map->columns.file, "symbol", H5P_DEFAULT) <= 0)
        return td_fail(o->error, TD_BAD_DATA, "%s: has no dataset symbol", o->path);
    if (!read_texts(o, "symbol", names->name, sizeof names->name, sizeof *names))
        return td_fail(o->error, TD_BAD_DATA, "%s: dataset symbol must hold %lld variable-length names of at most %d bytes",
                       o->path, (long long)tape->symbols, TD_SYMBOL_MAX - 1);
    if (o->several && !read_texts(o, "symbol_digest", names->digest, sizeof names->digest, sizeof *names))
        return td_fail(o->error, TD_BAD_DATA, "%s: dataset symbol_digest must hold the digests of %lld symbols", o->path,
                       (long long)tape->symbols);
    strcpy(tape->symbol, names[0].name);
    if (tape->symbols > 1) tape->names = names;
    for (int64_t k = 1; k < tape->symbols; k++)
        if (td_tape_find(tape, names[k].name) < k)
            return td_fail(o->error, TD_BAD_DATA, "%s: holds symbol %s twice", o->path, names[k].name);
    return TD_OK;
}

/* Shape of a column. */
static td_column column_expectation(const opening *o, const char *name) {
    hsize_t bars = (hsize_t)o->tape->bars, symbols = (hsize_t)o->tape->symbols;
    return (td_column){name, "float64", H5T_IEEE_F64LE, 2, {o->several ? symbols : bars, o->several ? bars : symbols}};
}

/* Takes a dataset that is none of the tape's own as an extra, when it is float64 over (time, symbol). */
static void take_extra(opening *o, const char *name) {
    tape_map *map = o->map;
    if (strcmp(name, "time") == 0 || strcmp(name, "symbol") == 0) return;
    for (int column = 0; column < COLUMNS; column++)
        if (strcmp(name, columns[column].name) == 0) return;
    int index = map->extra_count;
    const td_column want = column_expectation(o, name);
    const void *values;
    if (td_column_find(&map->columns, &want, &values, NULL) != TD_OK) return;
    hid_t dataset = H5Dopen2(o->map->columns.file, name, H5P_DEFAULT);
    td_hdf5_text_into(dataset, "units", map->extra_units[index], sizeof map->extra_units[0]);
    H5Dclose(dataset);
    strcpy(map->extra_name[index], name);
    map->extra[index] = (td_tape_extra){map->extra_name[index], map->extra_units[index], values};
    map->extra_count++;
}

static void find_extras(opening *o) {
    H5G_info_t group;
    if (H5Gget_info(o->map->columns.file, &group) < 0) return;
    for (hsize_t i = 0; i < group.nlinks && o->map->extra_count < TD_TAPE_EXTRAS_MAX; i++) {
        char name[sizeof o->map->extra_name[0]];
        ssize_t length = H5Lget_name_by_idx(o->map->columns.file, ".", H5_INDEX_NAME, H5_ITER_INC, i, name, sizeof name, H5P_DEFAULT);
        if (length > 0 && length < (ssize_t)sizeof name) take_extra(o, name);
    }
}

static td_status open_steps(opening *o, bool verify_digest) {
    TD_TRY(td_column_file_open(o->path, &o->map->columns, o->error));
    TD_TRY(read_header(o));
    TD_TRY(read_shape(o));
    TD_TRY(read_symbols(o));
    td_tape *tape = o->tape;
    const void *data;
    const td_column time = {"time", "int64", H5T_STD_I64LE, 1, {(hsize_t)tape->bars, 0}};
    TD_TRY(td_column_find(&o->map->columns, &time, &data, o->error));
    tape->time_ns = data;
    for (int column = 0; column < COLUMNS; column++) {
        const td_column want = column_expectation(o, columns[column].name);
        TD_TRY(td_column_find(&o->map->columns, &want, &data, o->error));
        *column_of(tape, column) = data;
    }
    find_extras(o);
    TD_TRY(td_tape_validate(tape, o->path, o->error));
    if (!verify_digest) return TD_OK;
    td_tape hashed = *tape;
    td_tape_digest(&hashed);
    if (strcmp(hashed.digest, tape->digest) != 0)
        return td_fail(o->error, TD_BAD_DATA,
                       "%s: its data hashes to %.16s..., the stored digest is %.16s...: the file was changed", o->path,
                       hashed.digest, tape->digest);
    return TD_OK;
}

td_status td_tape_open(const char *path, bool verify_digest, td_tape *tape, td_error *error) {
    td_hdf5_quiet();
    *tape = (td_tape){0};
    opening o = {.path = path, .map = calloc(1, sizeof(tape_map)), .tape = tape, .error = error};
    if (!o.map) return td_fail(error, TD_NO_MEMORY, "%s: no memory to open it", path);
    tape->map = o.map;
    td_status status = open_steps(&o, verify_digest);
    td_column_file_close(&o.map->columns);
    if (status != TD_OK) td_tape_close(tape);
    return status;
}

void td_tape_close(td_tape *tape) {
    tape_map *map = tape->map;
    if (map) {
        if (map->columns.base) munmap(map->columns.base, map->columns.size);
        free(map->source);
        free(map->names);
        free(map);
    }
    *tape = (td_tape){0};
}

int td_tape_extra_count(const td_tape *tape) {
    const tape_map *map = tape->map;
    return map ? map->extra_count : 0;
}

td_tape_extra td_tape_extra_at(const td_tape *tape, int index) {
    const tape_map *map = tape->map;
    assert(index >= 0 && index < td_tape_extra_count(tape));
    return map->extra[index];
}

const char *td_tape_source(const td_tape *tape) {
    const tape_map *map = tape->map;
    return map && map->source ? map->source : "";
}

/* ---- writing ---- */

typedef struct writing {
    const char *path;
    char temporary[4096];
    const td_tape_part *parts;
    int symbols;
    int64_t bars;           /* of the raster */
    const int64_t *time_ns; /* (bars) the first part's, or `raster` */
    int64_t *raster;        /* the union of the times, of several symbols */
    char (*digests)[TD_DIGEST_HEX];
    char digest[TD_DIGEST_HEX];
    const char *source;
    hid_t file, time, symbol;
    haddr_t time_offset, column_offset[COLUMNS + TD_TAPE_EXTRAS_MAX];
    int extra_count; /* names that any part has */
    const td_tape_extra *extras[TD_TAPE_EXTRAS_MAX];
    td_error *error;
} writing;

static td_status hdf5_failed(writing *w) {
    char reason[160];
    return td_fail(w->error, TD_IO, "%s: cannot be written (HDF5: %s)", w->path, td_hdf5_reason(reason));
}

static bool put_header(writing *w) {
    const td_tape *tape = &w->parts[0].tape;
    return td_hdf5_put_text(w->file, "Conventions", "CF-1.10") && td_hdf5_put_text(w->file, "tapedeck_schema", SCHEMA) &&
           td_hdf5_put_integer(w->file, "tapedeck_schema_version", w->symbols > 1 ? SYMBOLS_VERSION : ONE_SYMBOL_VERSION) &&
           td_hdf5_put_text(w->file, "interval", tape->interval) &&
           td_hdf5_put_integer(w->file, "interval_ns", tape->interval_ns) && td_hdf5_put_text(w->file, "digest", w->digest) &&
           td_hdf5_put_text(w->file, "digest_algorithm", "SHA-256") && td_hdf5_put_text(w->file, "source", w->source ? w->source : "") &&
           td_hdf5_put_text(w->file, "creator", "tapedeck " TAPEDECK_VERSION);
}

static bool put_time(writing *w) {
    hsize_t bars = (hsize_t)w->bars;
    w->time = td_hdf5_reserve(w->file, "time", H5T_STD_I64LE, 1, &bars, &w->time_offset);
    return w->time >= 0 && H5DSset_scale(w->time, "time") >= 0 && td_hdf5_put_text(w->time, "standard_name", "time") &&
           td_hdf5_put_text(w->time, "long_name", "open time of the bar, UTC") &&
           td_hdf5_put_text(w->time, "units", "nanoseconds since 1970-01-01") &&
           td_hdf5_put_text(w->time, "calendar", "proleptic_gregorian");
}

/* A dataset of one text per symbol. */
static hid_t put_texts(writing *w, const char *name, const char *long_name, const char **texts) {
    hsize_t count = (hsize_t)w->symbols;
    hid_t type = td_hdf5_text_type(), space = H5Screate_simple(1, &count, NULL), plist = td_hdf5_plist(false);
    hid_t dataset = H5Dcreate2(w->file, name, type, space, H5P_DEFAULT, plist, H5P_DEFAULT);
    bool done = dataset >= 0 && H5Dwrite(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, texts) >= 0 &&
                td_hdf5_put_text(dataset, "long_name", long_name);
    H5Pclose(plist);
    H5Sclose(space);
    H5Tclose(type);
    if (!done && dataset >= 0) H5Dclose(dataset);
    return done ? dataset : -1;
}

static bool put_symbols(writing *w) {
    const char **texts = calloc((size_t)w->symbols, sizeof *texts);
    if (!texts) return false;
    for (int k = 0; k < w->symbols; k++) texts[k] = w->parts[k].tape.symbol;
    w->symbol = put_texts(w, "symbol", "instrument", texts);
    bool done = w->symbol >= 0 && H5DSset_scale(w->symbol, "symbol") >= 0;
    if (done && w->symbols > 1) {
        for (int k = 0; k < w->symbols; k++) texts[k] = w->digests[k];
        hid_t digests = put_texts(w, "symbol_digest", "SHA-256 of the symbol's bars", texts);
        done = digests >= 0 && H5DSattach_scale(digests, w->symbol, 0) >= 0;
        if (digests >= 0) H5Dclose(digests);
    }
    free(texts);
    return done;
}

static bool put_column(writing *w, int column, const char *name, const char *long_name, const char *units) {
    bool several = w->symbols > 1;
    hsize_t bars = (hsize_t)w->bars, symbols = (hsize_t)w->symbols;
    const hsize_t dims[2] = {several ? symbols : bars, several ? bars : symbols};
    hid_t dataset = td_hdf5_reserve(w->file, name, H5T_IEEE_F64LE, 2, dims, &w->column_offset[column]);
    if (dataset < 0) return false;
    bool done = H5DSattach_scale(dataset, w->time, several) >= 0 && H5DSattach_scale(dataset, w->symbol, !several) >= 0 &&
                td_hdf5_put_text(dataset, "long_name", long_name) && td_hdf5_put_text(dataset, "units", units);
    H5Dclose(dataset);
    return done;
}

static bool put_structure(writing *w) {
    w->file = td_hdf5_create(w->temporary);
    bool done = w->file >= 0 && put_header(w) && put_time(w) && put_symbols(w);
    for (int column = 0; done && column < COLUMNS; column++)
        done = put_column(w, column, columns[column].name, columns[column].long_name, columns[column].units);
    for (int i = 0; done && i < w->extra_count; i++) {
        const td_tape_extra *extra = w->extras[i];
        done = put_column(w, COLUMNS + i, extra->name, extra->name, extra->units ? extra->units : "1");
    }
    if (w->time >= 0) H5Dclose(w->time);
    if (w->symbol >= 0) H5Dclose(w->symbol);
    return (w->file < 0 || H5Fclose(w->file) >= 0) && done;
}

/* One symbol's column on the raster. values NULL: it has no such column. */
static td_status put_rows(writing *w, int fd, const td_tape *rows, const double *values, off_t offset) {
    if (values && rows->time_ns == w->time_ns) return td_write_at(w->path, fd, values, (size_t)w->bars * 8, offset, w->error);
    double chunk[CHUNK];
    int64_t at = 0, count = 0;
    for (int64_t t = 0; t < w->bars; t++) {
        while (at < rows->bars && rows->time_ns[at] < w->time_ns[t]) at++;
        bool here = values && at < rows->bars && rows->time_ns[at] == w->time_ns[t] && !isnan(rows->close[at]);
        chunk[count++] = here ? values[at] : NAN;
        if (count < CHUNK && t + 1 < w->bars) continue;
        TD_TRY(td_write_at(w->path, fd, chunk, (size_t)count * 8, offset, w->error));
        offset += count * 8;
        count = 0;
    }
    return TD_OK;
}

/* Which of a part's columns a column of the file is. */
static const double *part_values(const writing *w, const td_tape_part *part, int column) {
    if (column < COLUMNS) return values_of(&part->tape, column);
    for (int i = 0; i < part->extra_count; i++)
        if (strcmp(part->extras[i].name, w->extras[column - COLUMNS]->name) == 0) return part->extras[i].values;
    return NULL;
}

static td_status put_columns(writing *w, int fd) {
    TD_TRY(td_write_at(w->path, fd, w->time_ns, (size_t)w->bars * 8, (off_t)w->time_offset, w->error));
    for (int column = 0; column < COLUMNS + w->extra_count; column++)
        for (int k = 0; k < w->symbols; k++) {
            const td_tape_part *part = &w->parts[k];
            off_t offset = (off_t)w->column_offset[column] + 8 * w->bars * k;
            TD_TRY(put_rows(w, fd, &part->tape, part_values(w, part, column), offset));
        }
    return TD_OK;
}

static td_status put_bytes(writing *w) {
    int fd = open(w->temporary, O_WRONLY | O_CLOEXEC);
    if (fd < 0) return td_write_failed(w->path, "cannot be written", w->error);
    td_status status = put_columns(w, fd);
    if (status == TD_OK && fsync(fd) != 0) status = td_write_failed(w->path, "cannot be written", w->error);
    if (close(fd) != 0 && status == TD_OK) status = td_write_failed(w->path, "cannot be written", w->error);
    return status;
}

/* ---- the raster of several symbols ---- */

/* raster (count): merged with the times of the rows that have a bar, into `merged`; returns how many that are. */
static int64_t merge_times(const int64_t *raster, int64_t count, const td_tape *rows, int64_t *merged) {
    int64_t a = 0, b = 0, made = 0;
    while (a < count || b < rows->bars) {
        if (b < rows->bars && isnan(rows->close[b])) {
            b++;
            continue;
        }
        int64_t time = a < count && (b == rows->bars || raster[a] <= rows->time_ns[b]) ? raster[a] : rows->time_ns[b];
        a += a < count && raster[a] == time;
        b += b < rows->bars && rows->time_ns[b] == time;
        merged[made++] = time;
    }
    return made;
}

static td_status unite_times(writing *w) {
    const td_tape *first = &w->parts[0].tape;
    w->bars = first->bars;
    w->time_ns = first->time_ns;
    if (w->symbols == 1) return TD_OK;
    w->bars = 0;
    for (int k = 0; k < w->symbols; k++) {
        const td_tape *rows = &w->parts[k].tape;
        int64_t *merged = malloc((size_t)(w->bars + rows->bars) * sizeof *merged);
        if (!merged) return td_fail(w->error, TD_NO_MEMORY, "%s: no memory for the times of %d symbols", w->path, w->symbols);
        w->bars = merge_times(w->raster, w->bars, rows, merged);
        free(w->raster);
        w->raster = merged;
    }
    w->time_ns = w->raster;
    return TD_OK;
}

static void unite_extras(writing *w) {
    for (int k = 0; k < w->symbols; k++)
        for (int i = 0; i < w->parts[k].extra_count; i++) {
            const td_tape_extra *extra = &w->parts[k].extras[i];
            bool known = !extra->values;
            for (int e = 0; e < w->extra_count; e++) known |= strcmp(w->extras[e]->name, extra->name) == 0;
            if (!known && w->extra_count < TD_TAPE_EXTRAS_MAX) w->extras[w->extra_count++] = extra;
        }
}

static td_status write_steps(writing *w) {
    w->digests = calloc((size_t)w->symbols, sizeof *w->digests);
    if (!w->digests) return td_fail(w->error, TD_NO_MEMORY, "%s: no memory for %d symbols", w->path, w->symbols);
    for (int k = 0; k < w->symbols; k++) digest_rows(&w->parts[k].tape, w->digests[k]);
    td_digest_join((const char(*)[TD_DIGEST_HEX])w->digests, w->symbols, w->digest);
    TD_TRY(unite_times(w));
    unite_extras(w);
    int64_t columns_of_symbol = COLUMNS + w->extra_count;
    off_t size = (off_t)(8 * w->bars * (1 + w->symbols * columns_of_symbol) + 256 * w->symbols) + 65536;
    TD_TRY(td_reserve_room(w->path, w->temporary, size, w->error));
    if (!put_structure(w)) return hdf5_failed(w);
    TD_TRY(put_bytes(w));
    if (rename(w->temporary, w->path) != 0) return td_write_failed(w->path, "cannot be renamed into place", w->error);
    td_sync_folder(w->path);
    return TD_OK;
}

static td_status check_part(const char *path, const td_tape_part *part, bool several, td_error *error) {
    const td_tape *tape = &part->tape;
    if (!tape->symbol[0]) return td_fail(error, TD_BAD_ARG, "%s: the tape has no symbol", path);
    if (tape->interval_ns <= 0 || td_interval_ns(tape->interval) != tape->interval_ns)
        return td_fail(error, TD_BAD_ARG, "%s: interval \"%s\" is not %lld ns", path, tape->interval, (long long)tape->interval_ns);
    assert(tape->symbols == 1 && part->extra_count >= 0 && part->extra_count <= TD_TAPE_EXTRAS_MAX);
    if (!several) return td_tape_validate(tape, path, error);
    for (int64_t t = 1; t < tape->bars; t++)
        if (tape->time_ns[t] <= tape->time_ns[t - 1]) return bad_time(tape, path, t, error);
    char of[4096 + TD_SYMBOL_MAX];
    snprintf(of, sizeof of, "%s: symbol %s", path, tape->symbol);
    return validate_prices(tape, of, true, error);
}

td_status td_tape_write_parts(const char *path, const td_tape_part *parts, int count, const char *source, int64_t *bars,
                              char digest[TD_DIGEST_HEX], td_error *error) {
    td_hdf5_quiet();
    assert(count >= 1);
    for (int k = 0; k < count; k++) {
        TD_TRY(check_part(path, &parts[k], count > 1, error));
        assert(parts[k].tape.interval_ns == parts[0].tape.interval_ns);
        for (int j = 0; j < k; j++)
            if (strcmp(parts[j].tape.symbol, parts[k].tape.symbol) == 0)
                return td_fail(error, TD_BAD_ARG, "%s: two symbols of the tape are called %s", path, parts[j].tape.symbol);
    }
    writing w = {.path = path, .parts = parts, .symbols = count, .source = source, .file = -1, .time = -1, .symbol = -1,
                 .error = error};
    int used = snprintf(w.temporary, sizeof w.temporary, "%s.tmp.%ld", path, (long)getpid());
    if (used >= (int)sizeof w.temporary)
        return td_fail(error, TD_BAD_ARG, "the path of the tape is longer than %zu bytes", sizeof w.temporary);
    /* ours alone: a leftover of a process of the same number is dead */
    unlink(w.temporary);
    td_status status = write_steps(&w);
    if (status != TD_OK) unlink(w.temporary);
    if (bars) *bars = w.bars;
    memcpy(digest, w.digest, TD_DIGEST_HEX);
    free(w.raster);
    free(w.digests);
    return status;
}

td_status td_tape_write(const char *path, td_tape *tape, const td_tape_extra *extras, int extra_count, const char *source,
                        td_error *error) {
    if (tape->bars < 1) return td_tape_validate(tape, path, error);
    td_tape_part *parts = calloc((size_t)tape->symbols, sizeof *parts);
    if (!parts) return td_fail(error, TD_NO_MEMORY, "%s: no memory for %lld symbols", path, (long long)tape->symbols);
    for (int64_t k = 0; k < tape->symbols; k++) {
        parts[k].tape = td_tape_rows(tape, k);
        parts[k].extra_count = extra_count;
        for (int i = 0; i < extra_count; i++) {
            parts[k].extras[i] = extras[i];
            if (extras[i].values) parts[k].extras[i].values = extras[i].values + k * tape->bars;
        }
    }
    td_status status = td_tape_write_parts(path, parts, (int)tape->symbols, source, NULL, tape->digest, error);
    free(parts);
    return status;
}

td_status td_tape_set_aside(const char *path, const td_tape *tape, const td_tape_extra *extras, int extra_count, td_tape *aside,
                            td_error *error) {
    char name[4096];
    td_tape written = *tape;
    *aside = (td_tape){0};
    if (snprintf(name, sizeof name, "%s.tmp.%ld.symbol", path, (long)getpid()) >= (int)sizeof name)
        return td_fail(error, TD_BAD_ARG, "the path of the tape is longer than %zu bytes", sizeof name);
    td_status status = td_tape_write(name, &written, extras, extra_count, NULL, error);
    if (status == TD_OK) status = td_tape_open(name, false, aside, error);
    unlink(name);
    return status;
}
