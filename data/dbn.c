/* See dbn.h. */
#include "data/dbn.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/unpack.h"

enum {
    PRELUDE = 8,            /* "DBN", version, length of the metadata that follow */
    FIXED = 100,            /* metadata of fixed length */
    METADATA_MAX = 1 << 28,
    RECORD_MAX = 255 * 4,
    HEAD = 16,
    NAME = 72,              /* bytes of the longest symbol and its end */
    NUMBERS_AS_SYMBOLS = 0, /* symbology "instrument_id" */
};

typedef struct mapping {
    uint32_t instrument;
    char name[NAME];
} mapping;

struct td_dbn {
    td_unpack *unpack;
    const char *block, *block_end;
    int version, schema, symbol_length;
    int64_t place;
    mapping *mapping;
    size_t mapping_count, mapping_room;
    td_dbn_record record;
    uint8_t bytes[RECORD_MAX];
};

/* ---- bytes, little-endian as all machines we run on ---- */

static uint16_t u16_at(const uint8_t *p) { uint16_t v; memcpy(&v, p, sizeof v); return v; }
static uint32_t u32_at(const uint8_t *p) { uint32_t v; memcpy(&v, p, sizeof v); return v; }
static uint64_t u64_at(const uint8_t *p) { uint64_t v; memcpy(&v, p, sizeof v); return v; }
static int64_t time_at(const uint8_t *p) { uint64_t v = u64_at(p); return v > INT64_MAX ? TD_DBN_NO_TIME : (int64_t)v; }

/* Up to size bytes; *got less than that at the end of the file. */
static td_status take(td_dbn *d, uint8_t *to, size_t size, size_t *got, td_error *error) {
    *got = 0;
    while (*got < size) {
        if (d->block == d->block_end) {
            size_t more;
            TD_TRY(td_unpack_block(d->unpack, &d->block, &more, error));
            d->block_end = d->block + more;
            if (more == 0) return TD_OK;
        }
        size_t there = (size_t)(d->block_end - d->block), wanted = size - *got, step = there < wanted ? there : wanted;
        memcpy(to + *got, d->block, step);
        d->block += step;
        *got += step;
    }
    return TD_OK;
}

/* ---- metadata ---- */

static td_status add_mapping(td_dbn *d, uint32_t instrument, const char *name, size_t length, td_error *error) {
    if (d->mapping_count == d->mapping_room) {
        size_t room = d->mapping_room * 2 + 16;
        mapping *grown = realloc(d->mapping, room * sizeof *grown);
        if (!grown) return td_fail(error, TD_NO_MEMORY, "%s: no memory for %zu symbols", td_unpack_name(d->unpack), room);
        d->mapping = grown;
        d->mapping_room = room;
    }
    mapping *m = &d->mapping[d->mapping_count++];
    m->instrument = instrument;
    length = strnlen(name, length < NAME - 1 ? length : NAME - 1);
    memcpy(m->name, name, length);
    m->name[length] = 0;
    return TD_OK;
}

static td_status bad_metadata(td_dbn *d, const char *what, td_error *error) {
    return td_fail(error, TD_BAD_DATA, "%s: the DBN metadata are damaged: %s", td_unpack_name(d->unpack), what);
}

/* A run through metadata that never passes their end. */
typedef struct cursor {
    const uint8_t *at, *end;
} cursor;

static const uint8_t *pass(cursor *c, size_t size) {
    if ((size_t)(c->end - c->at) < size) return NULL;
    const uint8_t *p = c->at;
    c->at += size;
    return p;
}

static bool count_at(cursor *c, uint32_t *count) {
    const uint8_t *p = pass(c, 4);
    if (p) *count = u32_at(p);
    return p != NULL;
}

/* For each symbol, the numbers it stood for and from when to when; the same instrument more than once is the usual case. */
static td_status read_mappings(td_dbn *d, cursor *c, bool numbers, td_error *error) {
    uint32_t count, intervals;
    const size_t length = (size_t)d->symbol_length;
    if (!count_at(c, &count)) return bad_metadata(d, "they end before the symbols' mappings", error);
    for (uint32_t i = 0; i < count; i++) {
        const uint8_t *name = pass(c, length);
        if (!name || !count_at(c, &intervals)) return bad_metadata(d, "they end inside a symbol's mapping", error);
        for (uint32_t k = 0; k < intervals; k++) {
            const uint8_t *interval = pass(c, 8 + length); /* first and last date, symbol */
            if (!interval) return bad_metadata(d, "they end inside a symbol's mapping", error);
            char text[NAME] = {0}, *end;
            memcpy(text, interval + 8, length < NAME - 1 ? length : NAME - 1);
            unsigned long number = strtoul(text, &end, 10);
            if (numbers && end != text && *end == 0 && number <= UINT32_MAX)
                TD_TRY(add_mapping(d, (uint32_t)number, (const char *)name, length, error));
        }
    }
    return TD_OK;
}

static td_status read_metadata(td_dbn *d, const uint8_t *bytes, size_t size, td_error *error) {
    cursor c = {bytes, bytes + size};
    /* dataset, schema, start, end, limit, and of version 1 a count of records; from then on: */
    size_t at = 16 + 2 + 8 + 8 + 8 + (d->version == 1 ? 8 : 0);
    d->schema = u16_at(bytes + 16);
    bool numbers = bytes[at + 1] == NUMBERS_AS_SYMBOLS;
    d->symbol_length = d->version == 1 ? 22 : u16_at(bytes + at + 3);
    if (d->symbol_length < 1 || d->symbol_length > 1024) return bad_metadata(d, "symbols of no length, or of too much", error);
    pass(&c, FIXED);
    uint32_t count;
    if (!count_at(&c, &count) || !pass(&c, count)) return bad_metadata(d, "they end inside the schema's definition", error);
    for (int list = 0; list < 3; list++) /* symbols asked for, partly found, not found */
        if (!count_at(&c, &count) || !pass(&c, (size_t)count * (size_t)d->symbol_length))
            return bad_metadata(d, "they end inside a list of symbols", error);
    return read_mappings(d, &c, numbers, error);
}

static td_status begin(td_dbn *d, td_error *error) {
    const char *name = td_unpack_name(d->unpack);
    uint8_t prelude[PRELUDE];
    size_t got;
    TD_TRY(take(d, prelude, PRELUDE, &got, error));
    if (got < PRELUDE || memcmp(prelude, "DBN", 3) != 0)
        return td_fail(error, TD_BAD_DATA, "%s: does not begin with \"DBN\": it is no DBN file, or a fragment without metadata", name);
    d->version = prelude[3];
    if (d->version < 1 || d->version > 3)
        return td_fail(error, TD_BAD_DATA, "%s: is DBN version %d, expected 1, 2 or 3", name, d->version);
    uint32_t size = u32_at(prelude + 4);
    if (size < FIXED || size > METADATA_MAX)
        return td_fail(error, TD_BAD_DATA, "%s: the DBN metadata have %u bytes, expected %d to %d", name, size, FIXED, METADATA_MAX);
    /* grown as it comes: what a damaged file says of its length is not to be believed */
    uint8_t *bytes = NULL;
    size_t used = 0;
    td_status status = TD_OK;
    while (status == TD_OK && used < size) {
        size_t step = size - used < 65536 ? size - used : 65536;
        uint8_t *grown = realloc(bytes, used + step);
        if (!grown) {
            status = td_fail(error, TD_NO_MEMORY, "%s: no memory for %u bytes of metadata", name, size);
            break;
        }
        bytes = grown;
        status = take(d, bytes + used, step, &got, error);
        used += got;
        if (status == TD_OK && got < step) status = bad_metadata(d, "the file ends inside them", error);
    }
    if (status == TD_OK) status = read_metadata(d, bytes, size, error);
    free(bytes);
    return status;
}

td_status td_dbn_open(const char *path, td_dbn **dbn, td_error *error) {
    td_dbn *d = calloc(1, sizeof *d);
    if (!d) return td_fail(error, TD_NO_MEMORY, "%s: no memory to read it", path);
    bool more;
    td_status status = td_unpack_open(path, &td_unpack_binary, TD_DECOMPRESSED_MAX, &d->unpack, error);
    if (status == TD_OK) status = td_unpack_next(d->unpack, &more, error);
    if (status == TD_OK) status = begin(d, error);
    if (status != TD_OK) {
        td_dbn_close(d);
        return status;
    }
    *dbn = d;
    return TD_OK;
}

void td_dbn_close(td_dbn *dbn) {
    if (!dbn) return;
    td_unpack_close(dbn->unpack);
    free(dbn->mapping);
    free(dbn);
}

/* ---- records ---- */

static size_t least_size(int type) {
    switch (type) {
    case TD_DBN_TRADE: return 48;
    case TD_DBN_MBP1: return 48 + 32;
    case TD_DBN_MBP10: return 48 + 10 * 32;
    case TD_DBN_MBO: return 56;
    default: return HEAD;
    }
}

static void read_order(td_dbn_record *r, const uint8_t *p) {
    r->order_id = u64_at(p + 16);
    r->price = (int64_t)u64_at(p + 24);
    r->size = u32_at(p + 32);
    r->flags = p[36];
    r->action = (char)p[38];
    r->side = (char)p[39];
    r->receive_ns = time_at(p + 40);
    r->sequence = u32_at(p + 52);
}

/* Trades and price levels have the same beginning. */
static void read_event(td_dbn_record *r, const uint8_t *p, int levels) {
    r->price = (int64_t)u64_at(p + 16);
    r->size = u32_at(p + 24);
    r->action = (char)p[28];
    r->side = (char)p[29];
    r->flags = p[30];
    r->receive_ns = time_at(p + 32);
    r->sequence = u32_at(p + 44);
    r->levels = levels;
    for (int i = 0; i < levels; i++) {
        const uint8_t *level = p + 48 + 32 * i;
        for (int side = 0; side < 2; side++) {
            r->level[i].price[side] = (int64_t)u64_at(level + 8 * side);
            r->level[i].size[side] = u32_at(level + 16 + 4 * side);
        }
    }
}

/* Sent by the gateway to those who listen live: the name of an instrument. */
static td_status read_mapping_record(td_dbn *d, size_t size, td_error *error) {
    size_t length = d->version == 1 ? 22 : 71, lead = d->version == 1 ? 0 : 1;
    if (size < HEAD + 2 * (lead + length)) return TD_OK;
    const char *in = (const char *)d->bytes + HEAD + lead, *out = in + length + lead;
    if (!td_dbn_is_named(d, d->record.instrument, in)) TD_TRY(add_mapping(d, d->record.instrument, in, length, error));
    if (!td_dbn_is_named(d, d->record.instrument, out)) TD_TRY(add_mapping(d, d->record.instrument, out, length, error));
    return TD_OK;
}

static td_status at_end(td_dbn *d, td_error *error) {
    bool more;
    TD_TRY(td_unpack_next(d->unpack, &more, error));
    if (!more) return TD_OK;
    return td_fail(error, TD_BAD_DATA, "%s: is the second file of an archive; unpack it and name the files", td_unpack_name(d->unpack));
}

td_status td_dbn_next(td_dbn *d, const td_dbn_record **record, td_error *error) {
    const char *name = td_unpack_name(d->unpack);
    size_t got, rest;
    *record = NULL;
    TD_TRY(take(d, d->bytes, HEAD, &got, error));
    if (got == 0) return at_end(d, error);
    d->place++;
    size_t size = (size_t)d->bytes[0] * 4;
    if (got == HEAD && size < least_size(d->bytes[1]))
        return td_fail(error, TD_BAD_DATA, "%s: record %lld has %zu bytes, expected %zu at least for its type %d: the file is damaged",
                       name, (long long)d->place, size, least_size(d->bytes[1]), d->bytes[1]);
    TD_TRY(got == HEAD ? take(d, d->bytes + HEAD, size - HEAD, &rest, error) : TD_OK);
    if (got < HEAD || HEAD + rest < size)
        return td_fail(error, TD_BAD_DATA, "%s: ends inside record %lld", name, (long long)d->place);
    td_dbn_record *r = &d->record;
    r->type = d->bytes[1];
    r->instrument = u32_at(d->bytes + 4);
    r->event_ns = time_at(d->bytes + 8);
    switch (r->type) {
    case TD_DBN_MBO: read_order(r, d->bytes); break;
    case TD_DBN_TRADE: read_event(r, d->bytes, 0); break;
    case TD_DBN_MBP1: read_event(r, d->bytes, 1); break;
    case TD_DBN_MBP10: read_event(r, d->bytes, TD_DBN_LEVELS); break;
    case TD_DBN_SYMBOL_MAPPING: TD_TRY(read_mapping_record(d, size, error)); break;
    default: break;
    }
    *record = r;
    return TD_OK;
}

int64_t td_dbn_place(const td_dbn *dbn) { return dbn->place; }
int td_dbn_schema(const td_dbn *dbn) { return dbn->schema; }

const char *td_dbn_symbol(const td_dbn *dbn, uint32_t instrument) {
    for (size_t i = 0; i < dbn->mapping_count; i++)
        if (dbn->mapping[i].instrument == instrument) return dbn->mapping[i].name;
    return NULL;
}

bool td_dbn_is_named(const td_dbn *dbn, uint32_t instrument, const char *name) {
    char number[16];
    snprintf(number, sizeof number, "%u", instrument);
    if (strcmp(number, name) == 0) return true;
    for (size_t i = 0; i < dbn->mapping_count; i++)
        if (dbn->mapping[i].instrument == instrument && strcmp(dbn->mapping[i].name, name) == 0) return true;
    return false;
}
