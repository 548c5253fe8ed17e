/* The tape file; see tape.h. HDF5 knows the structure and the attributes; the columns themselves are bytes at known offsets,
 * written with pwrite() and read through a map. So a full disk is an ordinary write error, found before the old file is
 * touched, and reading costs no copy. */
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

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "tape files are little-endian and mapped as they are"
#endif

static const char SCHEMA[] = "tapedeck-tape";
enum { SCHEMA_VERSION = 1, PRICE_COLUMNS = 4, COLUMNS = 5 };

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
    void *base;
    size_t size;
    char *source;
    int extra_count;
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

static td_status validate_prices(const td_tape *tape, const char *name, int column, td_error *error) {
    const double *x = values_of(tape, column);
    int64_t cells = tape->bars * tape->symbols;
    int bad = 0;
    for (int64_t i = 0; i < cells; i++) bad |= !is_price(x[i]);
    for (int64_t i = 0; bad && i < cells; i++) {
        char when[32];
        int64_t row = i / tape->symbols;
        if (!is_price(x[i]))
            return td_fail(error, TD_BAD_DATA, "%s: row %lld (%s): %s is %g, must be finite and above 0", name, (long long)row,
                           td_time_text(tape->time_ns[row], when), columns[column].name, x[i]);
    }
    return TD_OK;
}

td_status td_tape_validate(const td_tape *tape, const char *name, td_error *error) {
    if (tape->bars < 1) return td_fail(error, TD_BAD_DATA, "%s: holds no bars", name);
    for (int64_t t = 1; t < tape->bars; t++)
        if (tape->time_ns[t] <= tape->time_ns[t - 1]) return bad_time(tape, name, t, error);
    for (int column = 0; column < PRICE_COLUMNS; column++) TD_TRY(validate_prices(tape, name, column, error));
    for (int64_t i = 0; i < tape->bars * tape->symbols; i++) {
        char when[32];
        if (tape->high[i] < tape->low[i])
            return td_fail(error, TD_BAD_DATA, "%s: row %lld (%s): high %g is below low %g", name, (long long)(i / tape->symbols),
                           td_time_text(tape->time_ns[i / tape->symbols], when), tape->high[i], tape->low[i]);
    }
    return TD_OK;
}

void td_tape_digest(td_tape *tape) {
    EVP_MD_CTX *hash = EVP_MD_CTX_new();
    const int64_t shape[3] = {tape->bars, tape->symbols, tape->interval_ns};
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    size_t cells = (size_t)(tape->bars * tape->symbols);
    bool done = hash && EVP_DigestInit_ex(hash, EVP_sha256(), NULL) && EVP_DigestUpdate(hash, shape, sizeof shape) &&
                EVP_DigestUpdate(hash, tape->time_ns, (size_t)tape->bars * sizeof(int64_t));
    for (int column = 0; done && column < COLUMNS; column++)
        done = EVP_DigestUpdate(hash, values_of(tape, column), cells * sizeof(double));
    done = done && EVP_DigestFinal_ex(hash, digest, &size);
    EVP_MD_CTX_free(hash);
    /* libcrypto fails here only without memory or without SHA-256 */
    if (!done) abort();
    for (unsigned i = 0; i < size; i++) snprintf(tape->digest + 2 * i, 3, "%02x", digest[i]);
}

/* ---- HDF5, quietly ---- */

static void quiet_hdf5(void) { H5Eset_auto2(H5E_DEFAULT, NULL, NULL); }

static herr_t keep_deepest(unsigned depth, const H5E_error2_t *entry, void *buffer) {
    (void)depth;
    if (entry->desc && *entry->desc) snprintf(buffer, 160, "%s", entry->desc);
    return 0;
}

/* What HDF5 says about its last failure. */
static const char *hdf5_reason(char buffer[160]) {
    snprintf(buffer, 160, "no reason given");
    H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, keep_deepest, buffer);
    H5Eclear2(H5E_DEFAULT);
    for (char *p = buffer; *p; p++)
        if (*p == '\n') *p = ' ';
    return buffer;
}

static hid_t text_type(void) {
    hid_t type = H5Tcopy(H5T_C_S1);
    H5Tset_size(type, H5T_VARIABLE);
    H5Tset_cset(type, H5T_CSET_UTF8);
    return type;
}

/* A text attribute, variable or fixed length, as a string the caller frees; NULL when there is none. */
static char *read_text(hid_t object, const char *name) {
    if (H5Aexists(object, name) <= 0) return NULL;
    char *text = NULL;
    hid_t attribute = H5Aopen(object, name, H5P_DEFAULT), type = H5Aget_type(attribute);
    if (H5Tget_class(type) == H5T_STRING && H5Tis_variable_str(type) > 0) {
        char *inner = NULL;
        if (H5Aread(attribute, type, &inner) >= 0 && inner) text = strdup(inner);
        if (inner) H5free_memory(inner);
    } else if (H5Tget_class(type) == H5T_STRING) {
        text = calloc(1, H5Tget_size(type) + 1);
        if (text && H5Aread(attribute, type, text) < 0) text[0] = 0;
    }
    H5Tclose(type);
    H5Aclose(attribute);
    return text;
}

static bool read_text_into(hid_t object, const char *name, char *buffer, size_t room) {
    char *text = read_text(object, name);
    bool fits = text && strlen(text) < room;
    if (fits) strcpy(buffer, text);
    free(text);
    return fits;
}

static bool read_integer(hid_t object, const char *name, int64_t *value) {
    if (H5Aexists(object, name) <= 0) return false;
    hid_t attribute = H5Aopen(object, name, H5P_DEFAULT), space = H5Aget_space(attribute);
    bool one = H5Sget_simple_extent_npoints(space) == 1;
    bool done = one && H5Aread(attribute, H5T_NATIVE_INT64, value) >= 0;
    H5Sclose(space);
    H5Aclose(attribute);
    return done;
}

/* ---- opening ---- */

typedef struct opening {
    const char *path;
    hid_t file;
    tape_map *map;
    td_tape *tape;
    td_error *error;
} opening;

static td_status map_file(opening *o) {
    const char *path = o->path;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return td_fail(o->error, TD_BAD_DATA, "%s: cannot be opened: %s", path, strerror(errno));
    struct stat status;
    td_status result = TD_OK;
    if (fstat(fd, &status) != 0)
        result = td_fail(o->error, TD_IO, "%s: %s", path, strerror(errno));
    else if (!S_ISREG(status.st_mode))
        result = td_fail(o->error, TD_BAD_DATA, "%s: is not a regular file; a tape is an HDF5 file", path);
    else if (status.st_size == 0)
        result = td_fail(o->error, TD_BAD_DATA, "%s: is empty (0 bytes); a tape is an HDF5 file", path);
    if (result == TD_OK) {
        o->map->size = (size_t)status.st_size;
        o->map->base = mmap(NULL, o->map->size, PROT_READ, MAP_SHARED, fd, 0);
        if (o->map->base == MAP_FAILED) {
            o->map->base = NULL;
            result = td_fail(o->error, TD_IO, "%s: cannot be mapped: %s", path, strerror(errno));
        }
    }
    close(fd);
    return result;
}

static td_status open_hdf5(opening *o) {
    o->file = H5Fopen(o->path, H5F_ACC_RDONLY, H5P_DEFAULT);
    if (o->file >= 0) return TD_OK;
    char reason[160];
    hdf5_reason(reason);
    if (H5Fis_hdf5(o->path) <= 0)
        return td_fail(o->error, TD_BAD_DATA, "%s: is not an HDF5 file; make a tape with `tapedeck data import` or `data synth`",
                       o->path);
    return td_fail(o->error, TD_BAD_DATA, "%s: is truncated or damaged (HDF5: %s)", o->path, reason);
}

static td_status read_header(opening *o) {
    td_tape *tape = o->tape;
    char schema[32] = "";
    int64_t version = 0;
    if (!read_text_into(o->file, "tapedeck_schema", schema, sizeof schema) || strcmp(schema, SCHEMA) != 0)
        return td_fail(o->error, TD_BAD_DATA,
                       "%s: is an HDF5 file but no tape: attribute tapedeck_schema is \"%s\", expected \"%s\"", o->path, schema,
                       SCHEMA);
    if (!read_integer(o->file, "tapedeck_schema_version", &version) || version != SCHEMA_VERSION)
        return td_fail(o->error, TD_BAD_DATA, "%s: tape schema version is %lld, this program reads %d", o->path, (long long)version,
                       SCHEMA_VERSION);
    if (!read_text_into(o->file, "interval", tape->interval, sizeof tape->interval) ||
        !read_integer(o->file, "interval_ns", &tape->interval_ns) || tape->interval_ns <= 0)
        return td_fail(o->error, TD_BAD_DATA, "%s: attributes interval and interval_ns are missing or wrong", o->path);
    if (!read_text_into(o->file, "digest", tape->digest, sizeof tape->digest) || strlen(tape->digest) != TD_DIGEST_HEX - 1)
        return td_fail(o->error, TD_BAD_DATA, "%s: attribute digest is missing or is no SHA-256", o->path);
    o->map->source = read_text(o->file, "source");
    return TD_OK;
}

/* Shape and element type of a dataset as the tape wants them. */
typedef struct expectation {
    const char *name, *type_text;
    hid_t type;
    int rank;
    hsize_t dims[2];
} expectation;

static td_status check_dataset(opening *o, hid_t dataset, const expectation *want) {
    hid_t type = H5Dget_type(dataset), space = H5Dget_space(dataset), plist = H5Dget_create_plist(dataset);
    bool right_type = H5Tequal(type, want->type) > 0, contiguous = H5Pget_layout(plist) == H5D_CONTIGUOUS;
    int rank = H5Sget_simple_extent_ndims(space);
    hsize_t dims[2] = {0, 0};
    bool right_shape = rank == want->rank && H5Sget_simple_extent_dims(space, dims, NULL) == rank;
    for (int i = 0; right_shape && i < rank; i++) right_shape = dims[i] == want->dims[i];
    H5Tclose(type);
    H5Sclose(space);
    H5Pclose(plist);
    if (!right_type) return td_fail(o->error, TD_BAD_DATA, "%s: dataset %s is not %s", o->path, want->name, want->type_text);
    if (!right_shape)
        return td_fail(o->error, TD_BAD_DATA, "%s: dataset %s has rank %d and shape (%llu, %llu), expected (%llu, %llu)", o->path,
                       want->name, rank, (unsigned long long)dims[0], (unsigned long long)dims[1],
                       (unsigned long long)want->dims[0], (unsigned long long)want->dims[1]);
    if (!contiguous)
        return td_fail(o->error, TD_BAD_DATA,
                       "%s: dataset %s is chunked or compressed; a tape's columns are contiguous, to be mapped", o->path,
                       want->name);
    return TD_OK;
}

/* The address of a checked dataset inside the map. */
static td_status locate(opening *o, const expectation *want, const void **data) {
    hid_t dataset = H5Lexists(o->file, want->name, H5P_DEFAULT) > 0 ? H5Dopen2(o->file, want->name, H5P_DEFAULT) : -1;
    if (dataset < 0) return td_fail(o->error, TD_BAD_DATA, "%s: has no dataset %s", o->path, want->name);
    td_status status = check_dataset(o, dataset, want);
    haddr_t offset = H5Dget_offset(dataset);
    H5Dclose(dataset);
    if (status != TD_OK) return status;
    hsize_t cells = want->dims[0] * (want->rank == 2 ? want->dims[1] : 1);
    if (offset == HADDR_UNDEF || offset > o->map->size || cells > (o->map->size - offset) / 8)
        return td_fail(o->error, TD_BAD_DATA, "%s: is truncated: dataset %s does not end within the file's %zu bytes", o->path,
                       want->name, o->map->size);
    if (offset % 8)
        return td_fail(o->error, TD_BAD_DATA, "%s: dataset %s starts at byte %llu, not a multiple of 8", o->path, want->name,
                       (unsigned long long)offset);
    *data = (const char *)o->map->base + offset;
    return TD_OK;
}

static td_status read_shape(opening *o) {
    hid_t dataset = H5Lexists(o->file, "close", H5P_DEFAULT) > 0 ? H5Dopen2(o->file, "close", H5P_DEFAULT) : -1;
    if (dataset < 0) return td_fail(o->error, TD_BAD_DATA, "%s: has no dataset close", o->path);
    hid_t space = H5Dget_space(dataset);
    hsize_t dims[2] = {0, 0};
    int rank = H5Sget_simple_extent_ndims(space);
    if (rank == 2) H5Sget_simple_extent_dims(space, dims, NULL);
    H5Sclose(space);
    H5Dclose(dataset);
    if (rank != 2) return td_fail(o->error, TD_BAD_DATA, "%s: dataset close has rank %d, expected (time, symbol)", o->path, rank);
    if (dims[0] < 1 || dims[1] < 1) return td_fail(o->error, TD_BAD_DATA, "%s: holds no bars", o->path);
    /* more cells than the file has bytes would also overflow what follows */
    if (dims[1] > o->map->size || dims[0] > o->map->size / dims[1])
        return td_fail(o->error, TD_BAD_DATA, "%s: is truncated: %llu bars do not fit into %zu bytes", o->path,
                       (unsigned long long)dims[0], o->map->size);
    o->tape->bars = (int64_t)dims[0];
    o->tape->symbols = (int64_t)dims[1];
    return TD_OK;
}

static td_status read_symbol(opening *o) {
    hid_t dataset = H5Lexists(o->file, "symbol", H5P_DEFAULT) > 0 ? H5Dopen2(o->file, "symbol", H5P_DEFAULT) : -1;
    if (dataset < 0) return td_fail(o->error, TD_BAD_DATA, "%s: has no dataset symbol", o->path);
    hid_t type = H5Dget_type(dataset), space = H5Dget_space(dataset);
    bool fits = H5Tis_variable_str(type) > 0 && H5Sget_simple_extent_npoints(space) == o->tape->symbols;
    char **names = fits ? calloc((size_t)o->tape->symbols, sizeof *names) : NULL;
    bool done = names && H5Dread(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, names) >= 0;
    bool named = done && names[0] && strlen(names[0]) < sizeof o->tape->symbol;
    if (named) strcpy(o->tape->symbol, names[0]);
    if (done) H5Dvlen_reclaim(type, space, H5P_DEFAULT, names);
    free(names);
    H5Sclose(space);
    H5Tclose(type);
    H5Dclose(dataset);
    if (!named)
        return td_fail(o->error, TD_BAD_DATA, "%s: dataset symbol must hold %lld variable-length names of at most %d bytes",
                       o->path, (long long)o->tape->symbols, TD_SYMBOL_MAX - 1);
    return TD_OK;
}

/* Takes a dataset that is none of the tape's own as an extra, when it is float64 over (time, symbol). */
static void take_extra(opening *o, const char *name) {
    tape_map *map = o->map;
    if (strcmp(name, "time") == 0 || strcmp(name, "symbol") == 0) return;
    for (int column = 0; column < COLUMNS; column++)
        if (strcmp(name, columns[column].name) == 0) return;
    int index = map->extra_count;
    const expectation want = {name, "float64", H5T_IEEE_F64LE, 2, {(hsize_t)o->tape->bars, (hsize_t)o->tape->symbols}};
    opening silent = *o;
    silent.error = NULL;
    const void *values;
    if (locate(&silent, &want, &values) != TD_OK) return;
    hid_t dataset = H5Dopen2(o->file, name, H5P_DEFAULT);
    read_text_into(dataset, "units", map->extra_units[index], sizeof map->extra_units[0]);
    H5Dclose(dataset);
    strcpy(map->extra_name[index], name);
    map->extra[index] = (td_tape_extra){map->extra_name[index], map->extra_units[index], values};
    map->extra_count++;
}

static void find_extras(opening *o) {
    H5G_info_t group;
    if (H5Gget_info(o->file, &group) < 0) return;
    for (hsize_t i = 0; i < group.nlinks && o->map->extra_count < TD_TAPE_EXTRAS_MAX; i++) {
        char name[sizeof o->map->extra_name[0]];
        ssize_t length = H5Lget_name_by_idx(o->file, ".", H5_INDEX_NAME, H5_ITER_INC, i, name, sizeof name, H5P_DEFAULT);
        if (length > 0 && length < (ssize_t)sizeof name) take_extra(o, name);
    }
}

static td_status open_steps(opening *o, bool verify_digest) {
    TD_TRY(map_file(o));
    TD_TRY(open_hdf5(o));
    TD_TRY(read_header(o));
    TD_TRY(read_shape(o));
    TD_TRY(read_symbol(o));
    td_tape *tape = o->tape;
    hsize_t bars = (hsize_t)tape->bars, symbols = (hsize_t)tape->symbols;
    const void *data;
    TD_TRY(locate(o, &(expectation){"time", "int64", H5T_STD_I64LE, 1, {bars, 0}}, &data));
    tape->time_ns = data;
    for (int column = 0; column < COLUMNS; column++) {
        TD_TRY(locate(o, &(expectation){columns[column].name, "float64", H5T_IEEE_F64LE, 2, {bars, symbols}}, &data));
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
    quiet_hdf5();
    *tape = (td_tape){0};
    opening o = {path, -1, calloc(1, sizeof(tape_map)), tape, error};
    if (!o.map) return td_fail(error, TD_NO_MEMORY, "%s: no memory to open it", path);
    tape->map = o.map;
    td_status status = open_steps(&o, verify_digest);
    if (o.file >= 0) H5Fclose(o.file);
    if (status != TD_OK) td_tape_close(tape);
    return status;
}

void td_tape_close(td_tape *tape) {
    tape_map *map = tape->map;
    if (map) {
        if (map->base) munmap(map->base, map->size);
        free(map->source);
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

enum { WRITTEN_MAX = 1 + COLUMNS + TD_TAPE_EXTRAS_MAX };

typedef struct writing {
    const char *path;
    char temporary[4096];
    const td_tape *tape;
    const char *source;
    hid_t file, time, symbol;
    int count; /* datasets whose bytes we write */
    struct {
        const void *data;
        size_t size;
        haddr_t offset;
    } part[WRITTEN_MAX];
    td_error *error;
} writing;

static td_status hdf5_failed(writing *w) {
    char reason[160];
    return td_fail(w->error, TD_IO, "%s: cannot be written (HDF5: %s)", w->path, hdf5_reason(reason));
}

static bool put_text(hid_t object, const char *name, const char *text) {
    hid_t type = text_type(), space = H5Screate(H5S_SCALAR);
    hid_t attribute = H5Acreate2(object, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
    bool done = attribute >= 0 && H5Awrite(attribute, type, &text) >= 0;
    if (attribute >= 0) H5Aclose(attribute);
    H5Sclose(space);
    H5Tclose(type);
    return done;
}

static bool put_integer(hid_t object, const char *name, int64_t value) {
    hid_t space = H5Screate(H5S_SCALAR);
    hid_t attribute = H5Acreate2(object, name, H5T_STD_I64LE, space, H5P_DEFAULT, H5P_DEFAULT);
    bool done = attribute >= 0 && H5Awrite(attribute, H5T_NATIVE_INT64, &value) >= 0;
    if (attribute >= 0) H5Aclose(attribute);
    H5Sclose(space);
    return done;
}

/* Datasets keep the order of their creation and no times, so that equal tapes are equal files. */
static hid_t dataset_plist(bool allocate) {
    hid_t plist = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_attr_creation_order(plist, H5P_CRT_ORDER_TRACKED | H5P_CRT_ORDER_INDEXED);
    H5Pset_obj_track_times(plist, false);
    if (allocate) {
        H5Pset_alloc_time(plist, H5D_ALLOC_TIME_EARLY);
        H5Pset_fill_time(plist, H5D_FILL_TIME_NEVER);
    }
    return plist;
}

static bool create_file(writing *w) {
    hid_t access = H5Pcreate(H5P_FILE_ACCESS), creation = H5Pcreate(H5P_FILE_CREATE);
    /* every block on a cache line, so that mapped columns are aligned */
    H5Pset_alignment(access, 1, 64);
    H5Pset_link_creation_order(creation, H5P_CRT_ORDER_TRACKED | H5P_CRT_ORDER_INDEXED);
    H5Pset_attr_creation_order(creation, H5P_CRT_ORDER_TRACKED | H5P_CRT_ORDER_INDEXED);
    H5Pset_obj_track_times(creation, false);
    w->file = H5Fcreate(w->temporary, H5F_ACC_TRUNC, creation, access);
    H5Pclose(access);
    H5Pclose(creation);
    return w->file >= 0;
}

static bool put_header(writing *w) {
    const td_tape *tape = w->tape;
    return put_text(w->file, "Conventions", "CF-1.10") && put_text(w->file, "tapedeck_schema", SCHEMA) &&
           put_integer(w->file, "tapedeck_schema_version", SCHEMA_VERSION) && put_text(w->file, "interval", tape->interval) &&
           put_integer(w->file, "interval_ns", tape->interval_ns) && put_text(w->file, "digest", tape->digest) &&
           put_text(w->file, "digest_algorithm", "SHA-256") && put_text(w->file, "source", w->source ? w->source : "") &&
           put_text(w->file, "creator", "tapedeck " TAPEDECK_VERSION);
}

/* Creates a dataset and remembers where its bytes go. */
static hid_t reserve(writing *w, const char *name, hid_t type, int rank, const hsize_t *dims, const void *data) {
    hid_t plist = dataset_plist(true), space = H5Screate_simple(rank, dims, NULL);
    hid_t dataset = H5Dcreate2(w->file, name, type, space, H5P_DEFAULT, plist, H5P_DEFAULT);
    H5Pclose(plist);
    H5Sclose(space);
    if (dataset < 0) return dataset;
    size_t size = 8 * (size_t)dims[0] * (rank == 2 ? (size_t)dims[1] : 1);
    w->part[w->count].data = data;
    w->part[w->count].size = size;
    w->part[w->count++].offset = H5Dget_offset(dataset);
    return dataset;
}

static bool put_time(writing *w) {
    hsize_t bars = (hsize_t)w->tape->bars;
    w->time = reserve(w, "time", H5T_STD_I64LE, 1, &bars, w->tape->time_ns);
    return w->time >= 0 && H5DSset_scale(w->time, "time") >= 0 && put_text(w->time, "standard_name", "time") &&
           put_text(w->time, "long_name", "open time of the bar, UTC") &&
           put_text(w->time, "units", "nanoseconds since 1970-01-01") && put_text(w->time, "calendar", "proleptic_gregorian");
}

static bool put_symbol(writing *w) {
    hsize_t one = 1;
    hid_t type = text_type(), space = H5Screate_simple(1, &one, NULL), plist = dataset_plist(false);
    w->symbol = H5Dcreate2(w->file, "symbol", type, space, H5P_DEFAULT, plist, H5P_DEFAULT);
    const char *name = w->tape->symbol;
    bool done = w->symbol >= 0 && H5Dwrite(w->symbol, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, &name) >= 0 &&
                H5DSset_scale(w->symbol, "symbol") >= 0 && put_text(w->symbol, "long_name", "instrument");
    H5Pclose(plist);
    H5Sclose(space);
    H5Tclose(type);
    return done;
}

static bool put_column(writing *w, const char *name, const char *long_name, const char *units, const double *values) {
    const hsize_t dims[2] = {(hsize_t)w->tape->bars, (hsize_t)w->tape->symbols};
    hid_t dataset = reserve(w, name, H5T_IEEE_F64LE, 2, dims, values);
    if (dataset < 0) return false;
    bool done = H5DSattach_scale(dataset, w->time, 0) >= 0 && H5DSattach_scale(dataset, w->symbol, 1) >= 0 &&
                put_text(dataset, "long_name", long_name) && put_text(dataset, "units", units);
    H5Dclose(dataset);
    return done;
}

static bool put_structure(writing *w, const td_tape_extra *extras, int extra_count) {
    bool done = create_file(w) && put_header(w) && put_time(w) && put_symbol(w);
    for (int column = 0; done && column < COLUMNS; column++)
        done = put_column(w, columns[column].name, columns[column].long_name, columns[column].units, values_of(w->tape, column));
    for (int i = 0; done && i < extra_count; i++)
        if (extras[i].values)
            done = put_column(w, extras[i].name, extras[i].name, extras[i].units ? extras[i].units : "1", extras[i].values);
    if (w->time >= 0) H5Dclose(w->time);
    if (w->symbol >= 0) H5Dclose(w->symbol);
    return (w->file < 0 || H5Fclose(w->file) >= 0) && done;
}

static td_status write_failed(writing *w, const char *what) {
    return td_fail(w->error, TD_IO, "%s: %s: %s; nothing was changed", w->path, what, strerror(errno));
}

/* Is there room for the whole file? Asked before HDF5 writes a byte, because HDF5 does not recover from a full disk. */
static td_status reserve_room(writing *w, int extra_count) {
    int fd = open(w->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd < 0) return write_failed(w, "cannot be created");
    off_t size = (off_t)(8 * w->tape->bars * w->tape->symbols * (1 + COLUMNS + extra_count)) + 65536;
    int failed = fallocate(fd, 0, 0, size) != 0 ? errno : 0;
    close(fd);
    if (!failed || failed == EOPNOTSUPP || failed == ENOSYS) return TD_OK;
    errno = failed;
    return write_failed(w, "no room for the file");
}

static td_status write_all(writing *w, int fd, const char *data, size_t size, off_t offset) {
    while (size > 0) {
        ssize_t done = pwrite(fd, data, size, offset);
        if (done < 0 && errno == EINTR) continue;
        if (done <= 0) return write_failed(w, "cannot be written");
        data += done;
        size -= (size_t)done;
        offset += done;
    }
    return TD_OK;
}

static td_status put_bytes(writing *w) {
    int fd = open(w->temporary, O_WRONLY | O_CLOEXEC);
    if (fd < 0) return write_failed(w, "cannot be written");
    td_status status = TD_OK;
    for (int i = 0; status == TD_OK && i < w->count; i++)
        status = write_all(w, fd, w->part[i].data, w->part[i].size, (off_t)w->part[i].offset);
    if (status == TD_OK && fsync(fd) != 0) status = write_failed(w, "cannot be written");
    if (close(fd) != 0 && status == TD_OK) status = write_failed(w, "cannot be written");
    return status;
}

/* Makes the rename itself durable; some file systems cannot sync a folder, which is no failure of the write. */
static void sync_folder(const char *path) {
    char folder[4096];
    const char *slash = strrchr(path, '/');
    snprintf(folder, sizeof folder, "%.*s", slash ? (int)(slash - path + 1) : 1, slash ? path : ".");
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return;
    fsync(fd);
    close(fd);
}

static td_status write_steps(writing *w, const td_tape_extra *extras, int extra_count) {
    TD_TRY(reserve_room(w, extra_count));
    if (!put_structure(w, extras, extra_count)) return hdf5_failed(w);
    TD_TRY(put_bytes(w));
    if (rename(w->temporary, w->path) != 0) return write_failed(w, "cannot be renamed into place");
    sync_folder(w->path);
    return TD_OK;
}

static td_status check_writable(const td_tape *tape, const char *path, int extra_count, td_error *error) {
    if (tape->symbols != 1)
        return td_fail(error, TD_BAD_ARG, "%s: a tape file of %lld symbols cannot be written, only of 1", path,
                       (long long)tape->symbols);
    if (!tape->symbol[0]) return td_fail(error, TD_BAD_ARG, "%s: the tape has no symbol", path);
    if (tape->interval_ns <= 0 || td_interval_ns(tape->interval) != tape->interval_ns)
        return td_fail(error, TD_BAD_ARG, "%s: interval \"%s\" is not %lld ns", path, tape->interval, (long long)tape->interval_ns);
    assert(extra_count >= 0 && extra_count <= TD_TAPE_EXTRAS_MAX);
    (void)extra_count;
    return td_tape_validate(tape, path, error);
}

td_status td_tape_write(const char *path, td_tape *tape, const td_tape_extra *extras, int extra_count, const char *source,
                        td_error *error) {
    quiet_hdf5();
    TD_TRY(check_writable(tape, path, extra_count, error));
    td_tape_digest(tape);
    writing w = {.path = path, .tape = tape, .source = source, .file = -1, .time = -1, .symbol = -1, .error = error};
    int used = snprintf(w.temporary, sizeof w.temporary, "%s.tmp.%ld", path, (long)getpid());
    if (used >= (int)sizeof w.temporary)
        return td_fail(error, TD_BAD_ARG, "the path of the tape is longer than %zu bytes", sizeof w.temporary);
    /* ours alone: a leftover of a process of the same number is dead */
    unlink(w.temporary);
    td_status status = write_steps(&w, extras, extra_count);
    if (status != TD_OK) unlink(w.temporary);
    return status;
}
