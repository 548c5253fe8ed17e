/* The book tape; see book.h. What it shares with tapes of bars is in column_file.h.
 *
 * Writing. Messages arrive in the order of arrival, the file has them in exchange order. So rows, and one entry a message, go to
 * files without a name first; closing sorts the numbers of the messages by either time, then writes column after column. Those files
 * are mapped, and what has been passed is given back: the process never holds more than a few megabytes of them. */
#include "data/book.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <openssl/evp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "data/column_file.h"

static const char SCHEMA[] = "tapedeck-book";
enum { VERSION = 1, BUFFER = 1 << 18, ASIDE_MAX = 1 << 22, LET_GO_BYTES = 1 << 23 };

static const char *const contracts[TD_CONTRACT_COUNT] = {"linear", "inverse", "quanto"};

typedef struct book_map {
    td_column_file columns;
    char *report;
    const uint8_t *tickers; /* packed */
    int64_t ticker_bytes, ticker_count, ticker_shift_ns;
} book_map;

const char *td_contract_name(td_contract contract) { return contracts[contract]; }

bool td_contract_find(const char *name, td_contract *contract) {
    for (int i = 0; i < TD_CONTRACT_COUNT; i++)
        if (strcmp(name, contracts[i]) == 0) {
            *contract = (td_contract)i;
            return true;
        }
    return false;
}

int64_t td_book_wide_lots(const td_book *book, int64_t r) {
    int64_t low = 0, high = book->wide_count;
    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        if (book->wide_row[middle] < r)
            low = middle + 1;
        else
            high = middle;
    }
    return low < book->wide_count && book->wide_row[low] == r ? book->wide_lots[low] : TD_LOTS_WIDE;
}

/* ---- types of the columns ---- */

static hid_t row_type(void) {
    hid_t type = H5Tcreate(H5T_COMPOUND, sizeof(td_book_row));
    H5Tinsert(type, "tick_side", offsetof(td_book_row, tick_side), H5T_STD_I32LE);
    H5Tinsert(type, "lots", offsetof(td_book_row, lots), H5T_STD_U32LE);
    return type;
}

static hid_t funding_type(void) {
    hid_t type = H5Tcreate(H5T_COMPOUND, sizeof(td_funding));
    H5Tinsert(type, "time", offsetof(td_funding, time_ns), H5T_STD_I64LE);
    H5Tinsert(type, "rate", offsetof(td_funding, rate), H5T_IEEE_F64LE);
    H5Tinsert(type, "mark", offsetof(td_funding, mark), H5T_IEEE_F64LE);
    return type;
}

/* The columns of the file, in the order in which they are written and hashed. Only those with elements are there. */
typedef enum column {
    EXCHANGE_TIME,
    LOCAL_TIME,
    ROW_END,
    KIND,
    SEEN,
    LOCAL_SHIFT,
    ROW,
    ORDER_ID,
    ACTION,
    WIDE_ROW,
    WIDE_LOTS,
    FUNDING,
    SEQUENCE, /* from here on not part of the digest */
    TICKER,
    COLUMNS
} column;

static const struct {
    const char *name, *type_text, *long_name, *units;
} columns[COLUMNS] = {
    [EXCHANGE_TIME] = {"exchange_time", "int64", "time of the message at the exchange, UTC", "nanoseconds since 1970-01-01"},
    [LOCAL_TIME] = {"local_time", "int64", "time at which the message was received, UTC", "nanoseconds since 1970-01-01"},
    [ROW_END] = {"row_end", "int64", "number of the first row behind the message", "1"},
    [KIND] = {"kind", "uint8", "0 depth, 1 snapshot, 2 trade, 3 clear, 4 orders, 5 gap", "1"},
    [SEEN] = {"seen", "uint8", "who sees the message: 1 exchange, 2 local, 3 both", "1"},
    [LOCAL_SHIFT] = {"local_shift", "int32", "the j-th message in local order is number j + local_shift[j]", "1"},
    [ROW] = {"row", "{int32 tick_side, uint32 lots}", "tick * 2 + side (0 bid or buyer, 1 ask or seller), and quantity in lots", "1"},
    [ORDER_ID] = {"order_id", "uint64", "id of the order the row is about", "1"},
    [ACTION] = {"action", "uint8", "0 add, 1 cancel, 2 modify, 3 clear, 4 trade, 5 fill", "1"},
    [WIDE_ROW] = {"wide_row", "int64", "rows whose lots do not fit into 32 bits", "1"},
    [WIDE_LOTS] = {"wide_lots", "int64", "lots of those rows", "1"},
    [FUNDING] = {"funding", "{int64 time, float64 rate, float64 mark}", "funding payments", "1"},
    [SEQUENCE] = {"sequence", "uint64", "the venue's number of the last update in the message", "1"},
    [TICKER] = {"ticker", "uint8", "the venue's own best prices, packed", "1"},
};

/* The caller closes it. */
static hid_t column_type(column c) {
    switch (c) {
    case ROW: return row_type();
    case FUNDING: return funding_type();
    case KIND:
    case SEEN:
    case TICKER:
    case ACTION: return H5Tcopy(H5T_STD_U8LE);
    case LOCAL_SHIFT: return H5Tcopy(H5T_STD_I32LE);
    case ORDER_ID:
    case SEQUENCE: return H5Tcopy(H5T_STD_U64LE);
    default: return H5Tcopy(H5T_STD_I64LE);
    }
}

static const void **column_field(td_book *book, column c) {
    const void **fields[COLUMNS] = {
        [EXCHANGE_TIME] = (const void **)&book->exchange_ns, [LOCAL_TIME] = (const void **)&book->local_ns,
        [ROW_END] = (const void **)&book->row_end,           [KIND] = (const void **)&book->kind,
        [SEEN] = (const void **)&book->seen,                 [LOCAL_SHIFT] = (const void **)&book->local_shift,
        [ROW] = (const void **)&book->row,                   [ORDER_ID] = (const void **)&book->order_id,
        [ACTION] = (const void **)&book->action,             [WIDE_ROW] = (const void **)&book->wide_row,
        [WIDE_LOTS] = (const void **)&book->wide_lots,       [FUNDING] = (const void **)&book->funding,
        [SEQUENCE] = (const void **)&book->sequence,
    };
    return fields[c]; /* of TICKER: NULL */
}

static int64_t column_length(const td_book *book, column c) {
    switch (c) {
    case ROW:
    case ORDER_ID:
    case ACTION: return book->rows;
    case WIDE_ROW:
    case WIDE_LOTS: return book->wide_count;
    case FUNDING: return book->funding_count;
    default: return book->messages;
    }
}

static size_t column_width(column c) {
    static const size_t widths[COLUMNS] = {8, 8, 8, 1, 1, 4, sizeof(td_book_row), 8, 1, 8, 8, sizeof(td_funding), 8, 1};
    return widths[c];
}

/* ---- digest ---- */

typedef EVP_MD_CTX hash;

static void hash_bytes(hash *h, const void *bytes, size_t size) {
    /* libcrypto fails here only without memory or without SHA-256 */
    if (!EVP_DigestUpdate(h, bytes, size)) abort();
}

/* The instrument and the lengths; the columns follow. */
static hash *hash_begin(const td_book *book) {
    hash *h = EVP_MD_CTX_new();
    if (!h || !EVP_DigestInit_ex(h, EVP_sha256(), NULL)) abort();
    const td_instrument *i = &book->instrument;
    char symbol[TD_SYMBOL_MAX] = {0};
    snprintf(symbol, sizeof symbol, "%s", i->symbol);
    const double numbers[3] = {i->tick, i->lot, i->multiplier};
    const int64_t shape[7] = {book->messages,      book->rows,   book->wide_count,        book->funding_count,
                              i->contract,         book->parity, book->order_id != NULL};
    hash_bytes(h, symbol, sizeof symbol);
    hash_bytes(h, numbers, sizeof numbers);
    hash_bytes(h, shape, sizeof shape);
    return h;
}

static void hash_end(hash *h, char digest[TD_DIGEST_HEX]) {
    unsigned char bytes[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    if (!EVP_DigestFinal_ex(h, bytes, &size)) abort();
    EVP_MD_CTX_free(h);
    for (unsigned i = 0; i < size; i++) snprintf(digest + 2 * i, 3, "%02x", bytes[i]);
}

static void let_go(const void *begin, const void *end) {
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), from = (uintptr_t)begin, to = (uintptr_t)end;
    from += (page - from % page) % page; /* pages shared with a neighbour stay */
    to -= to % page;
    if (from < to) madvise((void *)from, to - from, MADV_DONTNEED);
}

/* Of an opened book; gives back what it has read. */
static void digest_book(const td_book *book, char digest[TD_DIGEST_HEX]) {
    hash *h = hash_begin(book);
    td_book view = *book;
    for (column c = 0; c < SEQUENCE; c++) {
        const char *bytes = *column_field(&view, c);
        if (!bytes) continue;
        size_t size = (size_t)column_length(book, c) * column_width(c);
        for (size_t at = 0; at < size; at += LET_GO_BYTES) {
            size_t piece = size - at < LET_GO_BYTES ? size - at : LET_GO_BYTES;
            hash_bytes(h, bytes + at, piece);
            if (book->map) let_go(bytes + at, bytes + at + piece);
        }
    }
    hash_end(h, digest);
}

/* ---- opening ---- */

bool td_book_is(const char *path) {
    td_hdf5_quiet();
    hid_t file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
    if (file < 0) return false;
    char schema[32] = "";
    bool is = td_hdf5_text_into(file, "tapedeck_schema", schema, sizeof schema) && strcmp(schema, SCHEMA) == 0;
    H5Fclose(file);
    return is;
}

static bool is_positive(double x) { return x > 0 && x < INFINITY; }

static td_status read_header(const td_column_file *c, td_book *book, td_error *error) {
    char schema[32] = "", contract[16] = "", mode[16] = "";
    int64_t version = 0;
    td_instrument *i = &book->instrument;
    if (!td_hdf5_text_into(c->file, "tapedeck_schema", schema, sizeof schema) || strcmp(schema, SCHEMA) != 0)
        return td_fail(error, TD_BAD_DATA, "%s: is an HDF5 file but no book tape: attribute tapedeck_schema is \"%s\", expected \"%s\"",
                       c->path, schema, SCHEMA);
    if (!td_hdf5_integer(c->file, "tapedeck_schema_version", &version) || version != VERSION)
        return td_fail(error, TD_BAD_DATA, "%s: schema version of the book tape is %lld, this program reads %d", c->path,
                       (long long)version, VERSION);
    if (!td_hdf5_text_into(c->file, "symbol", i->symbol, sizeof i->symbol) || !i->symbol[0])
        return td_fail(error, TD_BAD_DATA, "%s: attribute symbol is missing or is no name of at most %d bytes", c->path,
                       TD_SYMBOL_MAX - 1);
    if (!td_hdf5_text_into(c->file, "venue", i->venue, sizeof i->venue)) i->venue[0] = 0;
    if (!td_hdf5_text_into(c->file, "contract", contract, sizeof contract) || !td_contract_find(contract, &i->contract))
        return td_fail(error, TD_BAD_DATA, "%s: attribute contract is \"%s\", expected linear, inverse or quanto", c->path, contract);
    if (!td_hdf5_number(c->file, "tick", &i->tick) || !td_hdf5_number(c->file, "lot", &i->lot) ||
        !td_hdf5_number(c->file, "multiplier", &i->multiplier) || !is_positive(i->tick) || !is_positive(i->lot) ||
        !is_positive(i->multiplier))
        return td_fail(error, TD_BAD_DATA, "%s: attributes tick (%g), lot (%g) and multiplier (%g) must all be above 0", c->path, i->tick,
                       i->lot, i->multiplier);
    if (!td_hdf5_text_into(c->file, "mode", mode, sizeof mode) || (strcmp(mode, "strict") != 0 && strcmp(mode, "parity") != 0))
        return td_fail(error, TD_BAD_DATA, "%s: attribute mode is \"%s\", expected strict or parity", c->path, mode);
    book->parity = strcmp(mode, "parity") == 0;
    if (!td_hdf5_text_into(c->file, "digest", book->digest, sizeof book->digest) || strlen(book->digest) != TD_DIGEST_HEX - 1)
        return td_fail(error, TD_BAD_DATA, "%s: attribute digest is missing or is no SHA-256", c->path);
    if (!td_hdf5_integer(c->file, "messages", &book->messages) || !td_hdf5_integer(c->file, "rows", &book->rows) ||
        book->messages < 1 || book->rows < 0 || (uint64_t)book->messages > c->size || (uint64_t)book->rows > c->size)
        return td_fail(error, TD_BAD_DATA, "%s: attributes messages (%lld) and rows (%lld) are missing or more than %zu bytes can hold",
                       c->path, (long long)book->messages, (long long)book->rows, c->size);
    return TD_OK;
}

/* Length of an optional dataset of one dimension; 0 when there is none. */
static int64_t optional_length(const td_column_file *c, const char *name) {
    hid_t dataset = H5Lexists(c->file, name, H5P_DEFAULT) > 0 ? H5Dopen2(c->file, name, H5P_DEFAULT) : -1;
    if (dataset < 0) return 0;
    hid_t space = H5Dget_space(dataset);
    hssize_t points = H5Sget_simple_extent_npoints(space);
    H5Sclose(space);
    H5Dclose(dataset);
    return points > 0 && (uint64_t)points <= c->size ? points : 0;
}

static td_status find_column(const td_column_file *file, column c, int64_t length, const void **data, td_error *error) {
    td_column want = {columns[c].name, columns[c].type_text, column_type(c), 1, {(hsize_t)length, 0}};
    td_status status = td_column_find(file, &want, data, error);
    H5Tclose(want.type);
    return status;
}

/* The packed tickers, and what is written beside them. */
static td_status find_tickers(const td_column_file *file, book_map *map, td_error *error) {
    map->ticker_bytes = optional_length(file, columns[TICKER].name);
    if (map->ticker_bytes == 0) return TD_OK;
    TD_TRY(find_column(file, TICKER, map->ticker_bytes, (const void **)&map->tickers, error));
    hid_t dataset = H5Dopen2(file->file, columns[TICKER].name, H5P_DEFAULT);
    bool told = td_hdf5_integer(dataset, "count", &map->ticker_count) && td_hdf5_integer(dataset, "local_shift_ns", &map->ticker_shift_ns);
    H5Dclose(dataset);
    if (told && map->ticker_count >= 0 && map->ticker_count <= map->ticker_bytes) return TD_OK;
    return td_fail(error, TD_BAD_DATA, "%s: attributes count (%lld) and local_shift_ns of dataset ticker are missing or wrong", file->path,
                   (long long)map->ticker_count);
}

static td_status find_columns(const td_column_file *file, td_book *book, td_error *error) {
    book->wide_count = optional_length(file, columns[WIDE_ROW].name);
    book->funding_count = optional_length(file, columns[FUNDING].name);
    for (column c = 0; c < TICKER; c++) {
        int64_t length = column_length(book, c);
        bool may_lack = c == ORDER_ID || c == ACTION || c == SEQUENCE;
        if (length == 0 || (may_lack && H5Lexists(file->file, columns[c].name, H5P_DEFAULT) <= 0)) continue;
        TD_TRY(find_column(file, c, length, column_field(book, c), error));
    }
    if (!book->order_id != !book->action)
        return td_fail(error, TD_BAD_DATA, "%s: has one of the datasets order_id and action, expected both or none", file->path);
    return TD_OK;
}

/* What replay relies on: it indexes with these numbers. Gives back what it has read. */
static td_status check_messages(const char *path, const td_book *b, td_error *error) {
    enum { LET_GO_MESSAGES = 1 << 17 };
    int64_t rows = 0;
    for (int64_t m = 0; m < b->messages; m++) {
        if (m % LET_GO_MESSAGES == 0) td_book_let_go(b, m);
        if (m && b->exchange_ns[m] < b->exchange_ns[m - 1])
            return td_fail(error, TD_BAD_DATA, "%s: message %lld has exchange time %lld, before that of message %lld, %lld", path,
                           (long long)m, (long long)b->exchange_ns[m], (long long)(m - 1), (long long)b->exchange_ns[m - 1]);
        if (b->row_end[m] < rows || b->row_end[m] > b->rows)
            return td_fail(error, TD_BAD_DATA, "%s: rows of message %lld end at %lld, expected %lld to %lld", path, (long long)m,
                           (long long)b->row_end[m], (long long)rows, (long long)b->rows);
        if (b->kind[m] >= TD_BOOK_KIND_COUNT || b->seen[m] < 1 || b->seen[m] > TD_BOOK_SEEN)
            return td_fail(error, TD_BAD_DATA, "%s: message %lld is of kind %d and seen by %d, expected 0 to %d and 1 to 3", path,
                           (long long)m, b->kind[m], b->seen[m], TD_BOOK_KIND_COUNT - 1);
        if (b->kind[m] == TD_BOOK_ORDERS && b->row_end[m] > rows && !b->order_id)
            return td_fail(error, TD_BAD_DATA, "%s: message %lld is about single orders, but there is no dataset order_id", path,
                           (long long)m);
        int64_t number = m + b->local_shift[m];
        if (number < 0 || number >= b->messages)
            return td_fail(error, TD_BAD_DATA, "%s: message %lld in local order would be number %lld of %lld", path, (long long)m,
                           (long long)number, (long long)b->messages);
        if (m && b->local_ns[number] < b->local_ns[m - 1 + b->local_shift[m - 1]])
            return td_fail(error, TD_BAD_DATA, "%s: message %lld in local order was received before the one before it", path,
                           (long long)m);
        rows = b->row_end[m];
    }
    td_book_let_go(b, b->messages);
    if (rows != b->rows)
        return td_fail(error, TD_BAD_DATA, "%s: the messages have %lld rows, the tape %lld", path, (long long)rows, (long long)b->rows);
    for (int64_t i = 0; i < b->wide_count; i++)
        if (b->wide_row[i] < 0 || b->wide_row[i] >= b->rows || (i && b->wide_row[i] <= b->wide_row[i - 1]) || b->wide_lots[i] < 0)
            return td_fail(error, TD_BAD_DATA, "%s: entry %lld of wide_row is %lld, expected increasing numbers below %lld", path,
                           (long long)i, (long long)b->wide_row[i], (long long)b->rows);
    return TD_OK;
}

static td_status open_steps(const char *path, bool verify_digest, td_book *book, td_error *error) {
    book_map *map = book->map;
    TD_TRY(td_column_file_open(path, &map->columns, error));
    TD_TRY(read_header(&map->columns, book, error));
    TD_TRY(find_columns(&map->columns, book, error));
    TD_TRY(find_tickers(&map->columns, map, error));
    map->report = td_hdf5_text(map->columns.file, "report");
    TD_TRY(check_messages(path, book, error));
    if (!verify_digest) return TD_OK;
    char digest[TD_DIGEST_HEX];
    digest_book(book, digest);
    if (strcmp(digest, book->digest) == 0) return TD_OK;
    return td_fail(error, TD_BAD_DATA, "%s: its data hashes to %.16s..., the stored digest is %.16s...: the file was changed", path,
                   digest, book->digest);
}

td_status td_book_open(const char *path, bool verify_digest, td_book *book, td_error *error) {
    *book = (td_book){0};
    book_map *map = calloc(1, sizeof *map);
    if (!map) return td_fail(error, TD_NO_MEMORY, "%s: no memory to open it", path);
    map->columns.path = strdup(path);
    book->map = map;
    td_status status = map->columns.path ? open_steps(map->columns.path, verify_digest, book, error)
                                         : td_fail(error, TD_NO_MEMORY, "%s: no memory to open it", path);
    td_column_file_close(&map->columns);
    if (status != TD_OK) td_book_close(book);
    return status;
}

void td_book_close(td_book *book) {
    book_map *map = book->map;
    if (map) {
        if (map->columns.base) munmap(map->columns.base, map->columns.size);
        free((char *)map->columns.path);
        free(map->report);
        free(map);
    }
    *book = (td_book){0};
}

void td_book_let_go(const td_book *book, int64_t message) {
    if (!book->map || message <= 0) return;
    assert(message <= book->messages);
    td_book view = *book;
    for (column c = 0; c < TICKER; c++) {
        const char *bytes = *column_field(&view, c);
        if (!bytes || c == WIDE_ROW || c == WIDE_LOTS || c == FUNDING) continue;
        bool of_rows = c == ROW || c == ORDER_ID || c == ACTION;
        int64_t behind = of_rows ? book->row_end[message - 1] : message;
        let_go(bytes, bytes + (size_t)behind * column_width(c));
    }
}

const char *td_book_report(const td_book *book) {
    const book_map *map = book->map;
    return map && map->report ? map->report : "";
}

/* ---- tickers ----
 * Packed: a byte that says which fields differ from those of the ticker before (bit f: field f), then those differences, each as a
 * whole number of 7 bits a byte, the lowest first, the highest bit set in all bytes but the last, and signs folded in: 0, -1, 1, -2 ...
 * are 0, 1, 2, 3 ... */

enum { PACKED_MAX = 1 + 10 * TD_TICKER_FIELDS };

static void ticker_fields(const td_book_ticker *t, uint64_t fields[TD_TICKER_FIELDS]) {
    const int64_t values[TD_TICKER_FIELDS] = {(int64_t)t->sequence,  t->exchange_ns,      t->local_ns,         td_row_tick(t->bid),
                                           (int64_t)t->bid.lots, td_row_tick(t->ask), (int64_t)t->ask.lots};
    memcpy(fields, values, sizeof values);
}

static size_t pack_ticker(const td_book_ticker *before, const td_book_ticker *ticker, uint8_t bytes[PACKED_MAX]) {
    uint64_t old[TD_TICKER_FIELDS], new[TD_TICKER_FIELDS];
    ticker_fields(before, old);
    ticker_fields(ticker, new);
    size_t size = 1;
    bytes[0] = 0;
    for (int f = 0; f < TD_TICKER_FIELDS; f++) {
        if (new[f] == old[f]) continue;
        uint64_t difference = new[f] - old[f], folded = difference << 1 ^ -(difference >> 63);
        bytes[0] |= (uint8_t)(1 << f);
        for (; folded >= 128; folded >>= 7) bytes[size++] = (uint8_t)(folded | 128);
        bytes[size++] = (uint8_t)folded;
    }
    return size;
}

/* Unpacks one ticker behind `fields`, which become its own; the place behind it, NULL when the bytes end before. */
static const uint8_t *unpack_ticker(const uint8_t *at, const uint8_t *end, uint64_t fields[TD_TICKER_FIELDS]) {
    if (at == end) return NULL;
    unsigned changed = *at++;
    for (int f = 0; f < TD_TICKER_FIELDS; f++) {
        if (!(changed >> f & 1)) continue;
        uint64_t folded = 0;
        for (int shift = 0;; shift += 7) {
            if (at == end || shift > 63) return NULL;
            folded |= (uint64_t)(*at & 127) << shift;
            if (*at++ < 128) break;
        }
        fields[f] += folded >> 1 ^ -(folded & 1);
    }
    return at;
}

int64_t td_book_ticker_count(const td_book *book) {
    const book_map *map = book->map;
    return map ? map->ticker_count : 0;
}

td_status td_book_next_ticker(const td_book *book, td_ticker_cursor *cursor, td_book_ticker *ticker, bool *more, td_error *error) {
    const book_map *map = book->map;
    *more = cursor->taken < td_book_ticker_count(book);
    if (!*more) return TD_OK;
    uint64_t *f = cursor->fields;
    const uint8_t *end = map->tickers + map->ticker_bytes, *at = unpack_ticker(map->tickers + cursor->byte, end, f);
    bool last = ++cursor->taken == map->ticker_count;
    if (!at || (last && at != end))
        return td_fail(error, TD_BAD_DATA, "%s: dataset ticker does not hold %lld tickers in %lld bytes: it is damaged", map->columns.path,
                       (long long)map->ticker_count, (long long)map->ticker_bytes);
    cursor->byte = at - map->tickers;
    if (cursor->taken % (1 << 16) == 0) let_go(map->tickers, at);
    *ticker = (td_book_ticker){.exchange_ns = (int64_t)f[1], .local_ns = (int64_t)(f[2] + (uint64_t)map->ticker_shift_ns), .sequence = f[0],
                               .bid = td_row_make(TD_BUY, (int32_t)(f[3] & TD_TICK_MAX), (uint32_t)f[4]),
                               .ask = td_row_make(TD_SELL, (int32_t)(f[5] & TD_TICK_MAX), (uint32_t)f[6])};
    return TD_OK;
}

td_status td_book_tickers(const td_book *book, td_book_ticker **tickers, int64_t *count, td_error *error) {
    int64_t all = td_book_ticker_count(book);
    *tickers = NULL;
    *count = 0;
    if (all == 0) return TD_OK;
    td_book_ticker *made = malloc((size_t)all * sizeof *made);
    if (!made) return td_fail(error, TD_NO_MEMORY, "no memory for %lld tickers", (long long)all);
    td_ticker_cursor cursor = {0};
    td_status status = TD_OK;
    bool more;
    for (int64_t i = 0; i < all && status == TD_OK; i++) status = td_book_next_ticker(book, &cursor, &made[i], &more, error);
    if (status != TD_OK) {
        free(made);
        return status;
    }
    *tickers = made;
    *count = all;
    return TD_OK;
}

/* ---- writing: what is put aside until the end ---- */

/* Appended to: up to ASIDE_MAX bytes in memory, more in a file without a name, which is then mapped. */
typedef struct spill {
    int fd;            /* -1: all of it is in the buffer */
    size_t used, room; /* of the buffer */
    int64_t size;
    char *buffer;
    void *base; /* all of it, when nothing more is appended */
} spill;

typedef struct entry { /* of a message, in order of arrival */
    int64_t exchange_ns, local_ns, row_begin;
    uint64_t sequence;
    int32_t rows;
    uint8_t kind, seen, unused[2]; /* named, so that no byte goes to disk unset */
} entry;

typedef struct wide_entry {
    int64_t row, lots;
} wide_entry;

enum { ENTRIES, ROWS, IDS, ACTIONS, WIDES, TICKERS, FUNDINGS, SPILLS };

struct td_book_writer {
    char *path, temporary[4096];
    td_instrument instrument;
    bool parity, orders, sequences, unknown_times, trades_first;
    int64_t messages, rows, tickers, shift_ns;
    td_book_ticker last_ticker;
    spill spill[SPILLS];
};

/* An unlinked file beside the tape: it goes with the process. */
static td_status open_spill(const char *path, int *fd, td_error *error) {
    char name[4096 + 32];
    snprintf(name, sizeof name, "%s.tmp.%ld.aside", path, (long)getpid());
    unlink(name);
    *fd = open(name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (*fd < 0) return td_write_failed(path, "cannot be created", error);
    unlink(name);
    return TD_OK;
}

static td_status flush_spill(const char *path, spill *s, td_error *error) {
    if (s->fd < 0) TD_TRY(open_spill(path, &s->fd, error));
    if (s->used) TD_TRY(td_write_at(path, s->fd, s->buffer, s->used, (off_t)(s->size - (int64_t)s->used), error));
    s->used = 0;
    return TD_OK;
}

/* Makes room in a buffer that is full. */
static td_status empty_spill(const char *path, spill *s, td_error *error) {
    if (s->room == ASIDE_MAX) return flush_spill(path, s, error);
    size_t room = s->room ? 4 * s->room : BUFFER;
    char *grown = realloc(s->buffer, room);
    if (!grown) return td_fail(error, TD_NO_MEMORY, "%s: no memory to write it", path);
    s->buffer = grown;
    s->room = room;
    return TD_OK;
}

static td_status append(td_book_writer *w, int which, const void *bytes, size_t size, td_error *error) {
    spill *s = &w->spill[which];
    for (const char *from = bytes; size > 0;) {
        if (s->used == s->room) TD_TRY(empty_spill(w->path, s, error));
        size_t piece = size < s->room - s->used ? size : s->room - s->used;
        memcpy(s->buffer + s->used, from, piece);
        s->used += piece;
        s->size += (int64_t)piece;
        from += piece;
        size -= piece;
    }
    return TD_OK;
}

static td_status map_spill(td_book_writer *w, spill *s, td_error *error) {
    if (s->fd < 0) {
        s->base = s->buffer;
        return TD_OK;
    }
    TD_TRY(flush_spill(w->path, s, error));
    s->base = mmap(NULL, (size_t)s->size, PROT_READ | PROT_WRITE, MAP_SHARED, s->fd, 0);
    if (s->base != MAP_FAILED) return TD_OK;
    s->base = NULL;
    return td_fail(error, TD_IO, "%s: what was put aside cannot be mapped: %s", w->path, strerror(errno));
}

/* Gives back what is mapped; memory of our own stays. */
static void let_go_spill(const spill *s) {
    if (s->fd >= 0) let_go(s->base, (const char *)s->base + s->size);
}

static void close_spill(spill *s) {
    if (s->base && s->fd >= 0) munmap(s->base, (size_t)s->size);
    if (s->fd >= 0) close(s->fd);
    free(s->buffer);
    *s = (spill){.fd = -1};
}

static void free_writer(td_book_writer *w) {
    for (int i = 0; i < SPILLS; i++) close_spill(&w->spill[i]);
    free(w->path);
    free(w);
}

td_status td_book_writer_open(const char *path, const td_instrument *instrument, bool parity, td_book_writer **writer, td_error *error) {
    *writer = NULL;
    if (!instrument->symbol[0]) return td_fail(error, TD_BAD_ARG, "%s: the tape has no symbol", path);
    if (!is_positive(instrument->tick) || !is_positive(instrument->lot) || !is_positive(instrument->multiplier))
        return td_fail(error, TD_BAD_ARG, "%s: tick is %g, lot is %g, multiplier is %g; all must be above 0", path, instrument->tick,
                       instrument->lot, instrument->multiplier);
    assert(instrument->contract < TD_CONTRACT_COUNT);
    td_book_writer *w = calloc(1, sizeof *w);
    if (!w || !(w->path = strdup(path))) {
        free(w);
        return td_fail(error, TD_NO_MEMORY, "%s: no memory to write it", path);
    }
    for (int i = 0; i < SPILLS; i++) w->spill[i].fd = -1;
    w->instrument = *instrument;
    w->parity = parity;
    if (snprintf(w->temporary, sizeof w->temporary, "%s.tmp.%ld", path, (long)getpid()) >= (int)sizeof w->temporary) {
        free_writer(w);
        return td_fail(error, TD_BAD_ARG, "the path of the tape is longer than %zu bytes", sizeof w->temporary);
    }
    int fd; /* a folder that cannot be written is better known now than after hours */
    td_status status = open_spill(path, &fd, error);
    if (status != TD_OK) {
        free_writer(w);
        return status;
    }
    close(fd);
    *writer = w;
    return TD_OK;
}

/* Rows of tapes with orders all have an id and an action; those written before the first order get 0. */
static td_status append_orders(td_book_writer *w, const td_book_message *m, td_error *error) {
    static const char zeros[4096];
    int64_t before = w->rows;
    if (!m->order_id && !w->orders) return TD_OK;
    for (int which = IDS; which <= ACTIONS; which++) {
        size_t width = which == IDS ? 8 : 1;
        const void *values = which == IDS ? (const void *)m->order_id : m->action;
        for (int64_t lacking = before * (int64_t)width - w->spill[which].size; lacking > 0;) {
            size_t piece = lacking < (int64_t)sizeof zeros ? (size_t)lacking : sizeof zeros;
            TD_TRY(append(w, which, zeros, piece, error));
            lacking -= (int64_t)piece;
        }
        if (values) TD_TRY(append(w, which, values, (size_t)m->rows * width, error));
    }
    w->orders = true;
    return TD_OK;
}

td_status td_book_write(td_book_writer *w, const td_book_message *m, td_error *error) {
    assert(m->kind < TD_BOOK_KIND_COUNT && m->rows >= 0 && m->seen >= 1 && m->seen <= TD_BOOK_SEEN && !m->order_id == !m->action);
    if (w->messages == INT32_MAX) return td_fail(error, TD_BAD_DATA, "%s: more than %d messages on one tape", w->path, INT32_MAX);
    const entry e = {.exchange_ns = m->exchange_ns, .local_ns = m->local_ns, .row_begin = w->rows, .sequence = m->sequence,
                     .rows = m->rows, .kind = (uint8_t)m->kind, .seen = m->seen};
    TD_TRY(append(w, ENTRIES, &e, sizeof e, error));
    TD_TRY(append(w, ROWS, m->row, (size_t)m->rows * sizeof *m->row, error));
    TD_TRY(append_orders(w, m, error));
    for (int32_t r = 0; m->wide && r < m->rows; r++)
        if (m->row[r].lots == TD_LOTS_WIDE) {
            const wide_entry wide = {w->rows + r, m->wide[r]};
            TD_TRY(append(w, WIDES, &wide, sizeof wide, error));
        }
    w->messages++;
    w->rows += m->rows;
    w->sequences |= m->sequence != 0;
    w->unknown_times |= m->exchange_ns == TD_BOOK_TIME_UNKNOWN;
    return TD_OK;
}

td_status td_book_write_ticker(td_book_writer *w, const td_book_ticker *ticker, td_error *error) {
    uint8_t bytes[PACKED_MAX];
    size_t size = pack_ticker(&w->last_ticker, ticker, bytes);
    w->last_ticker = *ticker;
    w->tickers++;
    return append(w, TICKERS, bytes, size, error);
}

td_status td_book_write_funding(td_book_writer *w, const td_funding *funding, td_error *error) {
    return append(w, FUNDINGS, funding, sizeof *funding, error);
}

void td_book_writer_shift_local(td_book_writer *w, int64_t ns) { w->shift_ns = ns; }
void td_book_writer_trades_first(td_book_writer *w) { w->trades_first = true; }

/* ---- writing: the order of the messages ---- */

/* Numbers of messages in some order, in memory or, when they are many, in a file without a name. */
typedef struct numbers {
    int32_t *number;
    size_t size;
} numbers;

static td_status make_numbers(const td_book_writer *w, numbers *n, td_error *error) {
    int fd = -1, failed = 0;
    size_t size = (size_t)w->messages * sizeof *n->number;
    bool many = size > ASIDE_MAX;
    if (many) {
        TD_TRY(open_spill(w->path, &fd, error));
        failed = posix_fallocate(fd, 0, (off_t)size);
    }
    void *base = failed ? MAP_FAILED : mmap(NULL, size, PROT_READ | PROT_WRITE, many ? MAP_SHARED : MAP_PRIVATE | MAP_ANONYMOUS, fd, 0);
    if (many) close(fd);
    if (failed) errno = failed;
    if (base == MAP_FAILED) return td_write_failed(w->path, "no room to sort the messages", error);
    *n = (numbers){base, size};
    return TD_OK;
}

static void free_numbers(numbers *n) {
    if (n->number) munmap(n->number, n->size);
    *n = (numbers){0};
}

/* A stable sort made for what is nearly sorted: short runs by insertion, then merges that touch only where two runs overlap. */
typedef struct sorting {
    const spill *spill; /* of the entries */
    const entry *entries;
    bool local, trades_first;
    int32_t *number, *scratch;
} sorting;

static int64_t key_of(const sorting *s, int32_t number) {
    const entry *e = &s->entries[number];
    if (s->local) return e->local_ns;
    return s->trades_first ? e->exchange_ns * 2 + (e->kind != TD_BOOK_TRADE) : e->exchange_ns;
}

/* The first place from `begin` to `end` whose key is above `key`, or (equal) not below it. */
static int64_t first_above(const sorting *s, int64_t begin, int64_t end, int64_t key, bool equal) {
    while (begin < end) {
        int64_t middle = begin + (end - begin) / 2, found = key_of(s, s->number[middle]);
        if (found < key || (!equal && found == key))
            begin = middle + 1;
        else
            end = middle;
    }
    return begin;
}

static void merge_runs(const sorting *s, int64_t begin, int64_t middle, int64_t end) {
    int64_t left_last = key_of(s, s->number[middle - 1]), right_first = key_of(s, s->number[middle]);
    if (left_last <= right_first) return;
    begin = first_above(s, begin, middle, right_first, false);
    end = first_above(s, middle, end, left_last, true);
    int64_t left = middle - begin, at = 0, right = middle, to = begin;
    memcpy(s->scratch, s->number + begin, (size_t)left * sizeof *s->number);
    while (at < left && right < end)
        s->number[to++] = key_of(s, s->number[right]) < key_of(s, s->scratch[at]) ? s->number[right++] : s->scratch[at++];
    memcpy(s->number + to, s->scratch + at, (size_t)(left - at) * sizeof *s->number);
}

static void sort_messages(const sorting *s, int64_t count) {
    enum { RUN = 32, LET_GO_MESSAGES = 1 << 17 };
    for (int64_t i = 0; i < count; i++) {
        int64_t to = i, key = key_of(s, (int32_t)i);
        for (; to % RUN != 0 && key_of(s, s->number[to - 1]) > key; to--) s->number[to] = s->number[to - 1];
        s->number[to] = (int32_t)i;
        if (i % LET_GO_MESSAGES == 0) let_go_spill(s->spill);
    }
    for (int64_t width = RUN; width < count; width *= 2)
        for (int64_t begin = 0; begin + width < count; begin += 2 * width) {
            int64_t end = begin + 2 * width;
            merge_runs(s, begin, begin + width, end < count ? end : count);
            if (end % LET_GO_MESSAGES == 0) let_go_spill(s->spill);
        }
}

/* Messages without a time at the exchange have that of the next one which has one and is no trade (trades are a stream of their own, and
 * may be ahead of the book); failing that of the next trade, or their local time. */
static void fill_unknown_times(td_book_writer *w) {
    entry *entries = w->spill[ENTRIES].base;
    int64_t of_book = TD_BOOK_TIME_UNKNOWN, of_trade = TD_BOOK_TIME_UNKNOWN;
    for (int64_t m = w->messages; m-- > 0;) {
        entry *e = &entries[m];
        if (e->exchange_ns == TD_BOOK_TIME_UNKNOWN) e->exchange_ns = of_book != TD_BOOK_TIME_UNKNOWN ? of_book : of_trade;
        if (e->exchange_ns == TD_BOOK_TIME_UNKNOWN) e->exchange_ns = e->local_ns;
        *(e->kind == TD_BOOK_TRADE ? &of_trade : &of_book) = e->exchange_ns;
    }
}

/* ---- writing: the file ---- */

typedef struct finishing {
    td_book_writer *w;
    td_book shape; /* lengths only */
    numbers exchange, local, rank, scratch;
    hid_t file;
    haddr_t offset[COLUMNS];
    hash *hash;
    int fd;
    const char *report;
    char digest[TD_DIGEST_HEX];
    td_error *error;
} finishing;

static td_status hdf5_failed(const finishing *f) {
    char reason[160];
    return td_fail(f->error, TD_IO, "%s: cannot be written (HDF5: %s)", f->w->path, td_hdf5_reason(reason));
}

static td_status order_messages(finishing *f) {
    td_book_writer *w = f->w;
    TD_TRY(make_numbers(w, &f->exchange, f->error));
    TD_TRY(make_numbers(w, &f->local, f->error));
    TD_TRY(make_numbers(w, &f->rank, f->error));
    TD_TRY(make_numbers(w, &f->scratch, f->error));
    if (w->unknown_times) fill_unknown_times(w);
    const spill *spill = &w->spill[ENTRIES];
    sort_messages(&(sorting){spill, spill->base, false, w->trades_first, f->exchange.number, f->scratch.number}, w->messages);
    sort_messages(&(sorting){spill, spill->base, true, false, f->local.number, f->scratch.number}, w->messages);
    for (int64_t m = 0; m < w->messages; m++) f->rank.number[f->exchange.number[m]] = (int32_t)m;
    return TD_OK;
}

/* Elements of a column that is written; 0: it is not. */
static int64_t written_length(const finishing *f, column c) {
    bool lacks = ((c == ORDER_ID || c == ACTION) && !f->w->orders) || (c == SEQUENCE && !f->w->sequences);
    return lacks ? 0 : c == TICKER ? f->w->spill[TICKERS].size : column_length(&f->shape, c);
}

static bool put_column(finishing *f, column c) {
    hsize_t length = (hsize_t)written_length(f, c);
    if (length == 0) return true;
    hid_t type = column_type(c), dataset = td_hdf5_reserve(f->file, columns[c].name, type, 1, &length, &f->offset[c]);
    H5Tclose(type);
    if (dataset < 0) return false;
    bool done = td_hdf5_put_text(dataset, "long_name", columns[c].long_name) && td_hdf5_put_text(dataset, "units", columns[c].units);
    if (c == TICKER)
        done = done && td_hdf5_put_integer(dataset, "count", f->w->tickers) &&
               td_hdf5_put_integer(dataset, "local_shift_ns", f->w->shift_ns);
    H5Dclose(dataset);
    return done;
}

static bool put_header(const finishing *f) {
    const td_instrument *i = &f->w->instrument;
    return td_hdf5_put_text(f->file, "Conventions", "CF-1.10") && td_hdf5_put_text(f->file, "tapedeck_schema", SCHEMA) &&
           td_hdf5_put_integer(f->file, "tapedeck_schema_version", VERSION) && td_hdf5_put_text(f->file, "symbol", i->symbol) &&
           td_hdf5_put_text(f->file, "venue", i->venue) && td_hdf5_put_number(f->file, "tick", i->tick) &&
           td_hdf5_put_number(f->file, "lot", i->lot) && td_hdf5_put_text(f->file, "contract", contracts[i->contract]) &&
           td_hdf5_put_number(f->file, "multiplier", i->multiplier) &&
           td_hdf5_put_text(f->file, "mode", f->w->parity ? "parity" : "strict") &&
           td_hdf5_put_integer(f->file, "messages", f->w->messages) && td_hdf5_put_integer(f->file, "rows", f->w->rows) &&
           td_hdf5_put_text(f->file, "digest_algorithm", "SHA-256") &&
           td_hdf5_put_text(f->file, "report", f->report ? f->report : "") &&
           td_hdf5_put_text(f->file, "creator", "tapedeck " TAPEDECK_VERSION);
}

static bool put_structure(finishing *f) {
    f->file = td_hdf5_create(f->w->temporary);
    bool done = f->file >= 0 && put_header(f);
    for (column c = 0; done && c < COLUMNS; c++) done = put_column(f, c);
    return (f->file < 0 || H5Fclose(f->file) >= 0) && done;
}

/* A column being written, hashed as it goes. */
typedef struct stream {
    finishing *f;
    off_t offset;
    size_t used;
    bool hashed;
    char buffer[BUFFER];
} stream;

static td_status flush_stream(stream *s) {
    if (s->used == 0) return TD_OK;
    if (s->hashed) hash_bytes(s->f->hash, s->buffer, s->used);
    TD_TRY(td_write_at(s->f->w->path, s->f->fd, s->buffer, s->used, s->offset, s->f->error));
    s->offset += (off_t)s->used;
    s->used = 0;
    return TD_OK;
}

static td_status put_bytes(stream *s, const void *bytes, size_t size) {
    for (const char *from = bytes; size > 0;) {
        size_t piece = size < BUFFER - s->used ? size : BUFFER - s->used;
        memcpy(s->buffer + s->used, from, piece);
        s->used += piece;
        from += piece;
        size -= piece;
        if (s->used == BUFFER) TD_TRY(flush_stream(s));
    }
    return TD_OK;
}

/* Columns with one element a message. */
static td_status put_of_messages(stream *s, column c) {
    finishing *f = s->f;
    const entry *entries = f->w->spill[ENTRIES].base;
    int64_t row_end = 0;
    for (int64_t m = 0; m < f->w->messages; m++) {
        const entry *e = &entries[f->exchange.number[m]];
        row_end += e->rows;
        int64_t local_ns = e->local_ns + f->w->shift_ns;
        int32_t shift = (int32_t)(f->rank.number[f->local.number[m]] - m);
        const void *values[COLUMNS] = {[EXCHANGE_TIME] = &e->exchange_ns, [LOCAL_TIME] = &local_ns, [ROW_END] = &row_end,
                                       [KIND] = &e->kind,                 [SEEN] = &e->seen,        [LOCAL_SHIFT] = &shift,
                                       [SEQUENCE] = &e->sequence};
        TD_TRY(put_bytes(s, values[c], column_width(c)));
        if ((m + 1) % (1 << 17) == 0) let_go_spill(&f->w->spill[ENTRIES]);
    }
    return TD_OK;
}

/* Columns with one element a row. */
static td_status put_of_rows(stream *s, column c) {
    finishing *f = s->f;
    const entry *entries = f->w->spill[ENTRIES].base;
    const spill *from = &f->w->spill[c == ROW ? ROWS : c == ORDER_ID ? IDS : ACTIONS];
    const char *bytes = from->base;
    size_t width = column_width(c), copied = 0;
    for (int64_t m = 0; m < f->w->messages; m++) {
        const entry *e = &entries[f->exchange.number[m]];
        size_t size = (size_t)e->rows * width;
        TD_TRY(put_bytes(s, bytes + (size_t)e->row_begin * width, size));
        copied += size + 64;
        if (copied < LET_GO_BYTES) continue;
        let_go_spill(from);
        let_go_spill(&f->w->spill[ENTRIES]);
        copied = 0;
    }
    return TD_OK;
}

static int compare_wide(const void *left, const void *right) {
    const wide_entry *a = left, *b = right;
    return (a->row > b->row) - (a->row < b->row);
}

/* Rows change their numbers when messages change their order. */
static td_status renumber_wide(finishing *f) {
    wide_entry *wide = f->w->spill[WIDES].base;
    int64_t count = f->shape.wide_count, row = 0;
    const entry *entries = f->w->spill[ENTRIES].base;
    int64_t *begins = count ? malloc((size_t)f->w->messages * sizeof *begins) : NULL;
    if (count && !begins) return td_fail(f->error, TD_NO_MEMORY, "%s: no memory for %lld wide rows", f->w->path, (long long)count);
    for (int64_t m = 0; count && m < f->w->messages; m++) {
        begins[f->exchange.number[m]] = row;
        row += entries[f->exchange.number[m]].rows;
    }
    for (int64_t i = 0, m = 0; i < count; i++) {
        while (entries[m].row_begin + entries[m].rows <= wide[i].row) m++;
        wide[i].row += begins[m] - entries[m].row_begin;
    }
    free(begins);
    if (count) qsort(wide, (size_t)count, sizeof *wide, compare_wide);
    return TD_OK;
}

static int compare_funding(const void *left, const void *right) {
    const td_funding *a = left, *b = right;
    return (a->time_ns > b->time_ns) - (a->time_ns < b->time_ns);
}

static td_status put_tickers(stream *s) {
    const spill *from = &s->f->w->spill[TICKERS];
    for (int64_t at = 0; at < from->size; at += LET_GO_BYTES) {
        int64_t piece = from->size - at < LET_GO_BYTES ? from->size - at : LET_GO_BYTES;
        TD_TRY(put_bytes(s, (const char *)from->base + at, (size_t)piece));
        let_go_spill(from);
    }
    return TD_OK;
}

static td_status put_contents(stream *s, column c) {
    td_book_writer *w = s->f->w;
    const wide_entry *wide = w->spill[WIDES].base;
    switch (c) {
    case ROW:
    case ORDER_ID:
    case ACTION: return put_of_rows(s, c);
    case WIDE_ROW:
    case WIDE_LOTS:
        for (int64_t i = 0; i < s->f->shape.wide_count; i++) TD_TRY(put_bytes(s, c == WIDE_ROW ? &wide[i].row : &wide[i].lots, 8));
        return TD_OK;
    case FUNDING: return put_bytes(s, w->spill[FUNDINGS].base, (size_t)w->spill[FUNDINGS].size);
    case TICKER: return put_tickers(s);
    default: return put_of_messages(s, c);
    }
}

static td_status put_columns(finishing *f) {
    stream *s = malloc(sizeof *s);
    if (!s) return td_fail(f->error, TD_NO_MEMORY, "%s: no memory to write it", f->w->path);
    td_status status = TD_OK;
    for (column c = 0; status == TD_OK && c < COLUMNS; c++) {
        if (written_length(f, c) == 0) continue;
        s->f = f;
        s->offset = (off_t)f->offset[c];
        s->used = 0;
        s->hashed = c < SEQUENCE;
        status = put_contents(s, c);
        if (status == TD_OK) status = flush_stream(s);
    }
    free(s);
    return status;
}

/* The digest is known when the columns are written; it is the last thing that goes into the file. */
static td_status put_digest(finishing *f) {
    hid_t file = H5Fopen(f->w->temporary, H5F_ACC_RDWR, H5P_DEFAULT);
    bool done = file >= 0 && td_hdf5_put_text(file, "digest", f->digest);
    if (file >= 0) done = H5Fclose(file) >= 0 && done;
    return done ? TD_OK : hdf5_failed(f);
}

static td_status put_file(finishing *f) {
    const td_book_writer *w = f->w;
    off_t size = 1 << 17;
    for (column c = 0; c < COLUMNS; c++) size += (off_t)written_length(f, c) * (off_t)column_width(c);
    TD_TRY(td_reserve_room(w->path, w->temporary, size, f->error));
    if (!put_structure(f)) return hdf5_failed(f);
    f->fd = open(w->temporary, O_WRONLY | O_CLOEXEC);
    if (f->fd < 0) return td_write_failed(w->path, "cannot be written", f->error);
    td_status status = put_columns(f);
    hash_end(f->hash, f->digest);
    f->hash = NULL;
    if (status == TD_OK) status = put_digest(f);
    if (status == TD_OK && fsync(f->fd) != 0) status = td_write_failed(w->path, "cannot be written", f->error);
    if (close(f->fd) != 0 && status == TD_OK) status = td_write_failed(w->path, "cannot be written", f->error);
    TD_TRY(status);
    if (rename(w->temporary, w->path) != 0) return td_write_failed(w->path, "cannot be renamed into place", f->error);
    td_sync_folder(w->path);
    return TD_OK;
}

static td_status finish_steps(finishing *f) {
    td_book_writer *w = f->w;
    if (w->messages == 0) return td_fail(f->error, TD_BAD_DATA, "%s: no messages for a book tape", w->path);
    static const td_book_message none = {.seen = TD_BOOK_SEEN};
    if (w->orders) TD_TRY(append_orders(w, &none, f->error));
    for (int i = 0; i < SPILLS; i++) TD_TRY(map_spill(w, &w->spill[i], f->error));
    f->shape = (td_book){.instrument = w->instrument, .messages = w->messages, .rows = w->rows, .parity = w->parity,
                         .wide_count = w->spill[WIDES].size / (int64_t)sizeof(wide_entry),
                         .funding_count = w->spill[FUNDINGS].size / (int64_t)sizeof(td_funding),
                         .order_id = w->orders && w->rows ? w->spill[IDS].base : NULL};
    TD_TRY(order_messages(f));
    TD_TRY(renumber_wide(f));
    if (f->shape.funding_count) qsort(w->spill[FUNDINGS].base, (size_t)f->shape.funding_count, sizeof(td_funding), compare_funding);
    f->hash = hash_begin(&f->shape);
    unlink(w->temporary); /* ours alone: a leftover of a process of the same number is dead */
    td_status status = put_file(f);
    if (status != TD_OK) unlink(w->temporary);
    return status;
}

td_status td_book_writer_close(td_book_writer *w, const char *report, char digest[TD_DIGEST_HEX], td_error *error) {
    td_hdf5_quiet();
    finishing f = {.w = w, .file = -1, .fd = -1, .report = report, .error = error};
    td_status status = finish_steps(&f);
    if (f.hash) EVP_MD_CTX_free(f.hash);
    free_numbers(&f.exchange);
    free_numbers(&f.local);
    free_numbers(&f.rank);
    free_numbers(&f.scratch);
    if (digest && status == TD_OK) memcpy(digest, f.digest, TD_DIGEST_HEX);
    free_writer(w);
    return status;
}

void td_book_writer_abandon(td_book_writer *w) {
    if (w) free_writer(w);
}
