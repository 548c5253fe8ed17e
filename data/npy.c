/* See npy.h. The header is a Python literal: {'descr': [('ev', '<u8'), ...], 'fortran_order': False, 'shape': (12,), }. */
#include "data/npy.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "data/number.h"
#include "data/unpack.h"

enum { HEADER_MAX = 1 << 16, FIELDS_MAX = 32, NAME = 32, ROW_MAX = 1024 };

typedef struct field {
    char name[NAME], type[8]; /* type without the sign of its byte order */
    int offset;
} field;

struct td_npy {
    td_unpack *unpack;
    const char *block, *block_end;
    field field[FIELDS_MAX];
    int field_count, row_size;
    int64_t rows, place;
    uint8_t row[ROW_MAX];
};

bool td_npy_is(const char *path) {
    char head[6] = {0};
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return false;
    ssize_t got = pread(fd, head, sizeof head, 0);
    close(fd);
    return got == sizeof head && (memcmp(head, "\x93NUMPY", 6) == 0 || memcmp(head, "PK\x03\x04", 4) == 0);
}

static td_status take(td_npy *n, void *to, size_t size, size_t *got, td_error *error) {
    *got = 0;
    while (*got < size) {
        if (n->block == n->block_end) {
            size_t more;
            TD_TRY(td_unpack_block(n->unpack, &n->block, &more, error));
            n->block_end = n->block + more;
            if (more == 0) return TD_OK;
        }
        size_t there = (size_t)(n->block_end - n->block), wanted = size - *got, step = there < wanted ? there : wanted;
        memcpy((char *)to + *got, n->block, step);
        n->block += step;
        *got += step;
    }
    return TD_OK;
}

/* ---- header ---- */

static td_status bad_header(const td_npy *n, const char *what, td_error *error) {
    return td_fail(error, TD_BAD_DATA, "%s: the header of the NumPy array %s", td_unpack_name(n->unpack), what);
}

static const char *skip_blanks(const char *p) {
    while (*p == ' ' || *p == '\n' || *p == '\t') p++;
    return p;
}

/* 'text' into a buffer; NULL when it is none, or too long. */
static const char *quoted(const char *p, char *text, size_t size) {
    p = skip_blanks(p);
    char quote = *p;
    if (quote != '\'' && quote != '"') return NULL;
    const char *end = strchr(++p, quote);
    if (!end || (size_t)(end - p) >= size) return NULL;
    memcpy(text, p, (size_t)(end - p));
    text[end - p] = 0;
    return end + 1;
}

/* ('name', '<u8') */
static const char *read_field(td_npy *n, const char *p) {
    if (n->field_count == FIELDS_MAX) return NULL;
    field *f = &n->field[n->field_count];
    char type[12];
    p = skip_blanks(p);
    if (*p != '(' || !(p = quoted(p + 1, f->name, sizeof f->name))) return NULL;
    p = skip_blanks(p);
    if (*p != ',' || !(p = quoted(p + 1, type, sizeof type))) return NULL;
    p = skip_blanks(p);
    if (*p != ')' || (type[0] != '<' && type[0] != '|')) return NULL;
    long size = strlen(type) > 2 && strlen(type) < 8 ? strtol(type + 2, NULL, 10) : 0;
    if (size < 1 || n->row_size + size > ROW_MAX) return NULL;
    snprintf(f->type, sizeof f->type, "%.7s", type + 1);
    f->offset = n->row_size;
    n->row_size += (int)size;
    n->field_count++;
    return p + 1;
}

static td_status read_fields(td_npy *n, const char *header, td_error *error) {
    const char *p = strstr(header, "'descr'");
    p = p ? skip_blanks(p + 7) : NULL;
    if (!p || *p != ':') return bad_header(n, "says nothing of its type", error);
    p = skip_blanks(p + 1);
    if (*p != '[') return bad_header(n, "is that of plain numbers, expected records with named fields", error);
    p = skip_blanks(p + 1);
    while (*p != ']') {
        p = read_field(n, p);
        if (!p) return bad_header(n, "has a field that is not ('name', '<type'), little-endian, or too many of them", error);
        p = skip_blanks(p);
        if (*p == ',') p = skip_blanks(p + 1);
    }
    return n->field_count > 0 ? TD_OK : bad_header(n, "has no fields", error);
}

static td_status read_shape(td_npy *n, const char *header, td_error *error) {
    const char *p = strstr(header, "'shape'");
    p = p ? strchr(p, '(') : NULL;
    if (!p) return bad_header(n, "says nothing of its shape", error);
    p = skip_blanks(p + 1);
    const char *first = p;
    n->rows = 0;
    for (; td_is_digit(*p); p++)
        if (__builtin_mul_overflow(n->rows, 10, &n->rows) || __builtin_add_overflow(n->rows, *p - '0', &n->rows))
            return bad_header(n, "has a shape beyond all bounds", error);
    p = skip_blanks(p);
    if (*p == ',') p = skip_blanks(p + 1);
    return p > first && *p == ')' ? TD_OK : bad_header(n, "has another shape than one dimension", error);
}

static td_status read_header(td_npy *n, td_error *error) {
    uint8_t prelude[12];
    size_t got, length_size;
    TD_TRY(take(n, prelude, 8, &got, error));
    if (got < 8 || memcmp(prelude, "\x93NUMPY", 6) != 0)
        return td_fail(error, TD_BAD_DATA, "%s: does not begin as a NumPy array does", td_unpack_name(n->unpack));
    if (prelude[6] < 1 || prelude[6] > 3)
        return td_fail(error, TD_BAD_DATA, "%s: is a NumPy array of version %d, expected 1 to 3", td_unpack_name(n->unpack), prelude[6]);
    length_size = prelude[6] == 1 ? 2 : 4;
    TD_TRY(take(n, prelude + 8, length_size, &got, error));
    if (got < length_size) return bad_header(n, "is cut", error);
    size_t length = prelude[8] | (size_t)prelude[9] << 8;
    if (length_size == 4) length |= (size_t)prelude[10] << 16 | (size_t)prelude[11] << 24;
    if (length > HEADER_MAX) return bad_header(n, "is too long", error);
    char *header = malloc(length + 1);
    if (!header) return td_fail(error, TD_NO_MEMORY, "%s: no memory for its header", td_unpack_name(n->unpack));
    td_status status = take(n, header, length, &got, error);
    header[got] = 0;
    if (status == TD_OK && got < length) status = bad_header(n, "is cut", error);
    if (status == TD_OK) status = read_fields(n, header, error);
    if (status == TD_OK) status = read_shape(n, header, error);
    free(header);
    return status;
}

static bool is_member(const char *path, const char *name, const char *key) {
    size_t length = strlen(path);
    if (strcmp(name, path) == 0) return true; /* no archive */
    const char *member = name + length + 1, *dot = strrchr(member, '.');
    return dot && (size_t)(dot - member) == strlen(key) && strncmp(member, key, strlen(key)) == 0;
}

static td_status find_array(td_npy *n, const char *path, const char *key, td_error *error) {
    char other[128] = "";
    for (;;) {
        bool more;
        TD_TRY(td_unpack_next(n->unpack, &more, error));
        if (!more) return td_fail(error, TD_BAD_DATA, "%s: has no array \"%s\"; it has %s", path, key, other);
        if (is_member(path, td_unpack_name(n->unpack), key)) return read_header(n, error);
        snprintf(other, sizeof other, "%s", td_unpack_name(n->unpack) + strlen(path) + 1);
    }
}

td_status td_npy_open(const char *path, const char *key, td_npy **npy, td_error *error) {
    td_npy *n = calloc(1, sizeof *n);
    if (!n) return td_fail(error, TD_NO_MEMORY, "%s: no memory to read it", path);
    td_status status = td_unpack_open(path, &td_unpack_arrays, TD_DECOMPRESSED_MAX, &n->unpack, error);
    if (status == TD_OK) status = find_array(n, path, key, error);
    if (status != TD_OK) {
        td_npy_close(n);
        return status;
    }
    *npy = n;
    return TD_OK;
}

void td_npy_close(td_npy *npy) {
    if (!npy) return;
    td_unpack_close(npy->unpack);
    free(npy);
}

/* ---- rows ---- */

td_status td_npy_field(const td_npy *n, const char *name, const char *type, int *offset, td_error *error) {
    char there[160] = "";
    size_t used = 0;
    for (int i = 0; i < n->field_count; i++) {
        const field *f = &n->field[i];
        if (strcmp(f->name, name) == 0 && strcmp(f->type, type) == 0) {
            *offset = f->offset;
            return TD_OK;
        }
        if (used < sizeof there) used += (size_t)snprintf(there + used, sizeof there - used, "%s%s %s", i ? ", " : "", f->name, f->type);
    }
    return td_fail(error, TD_BAD_DATA, "%s: has no field %s of type %s; it has %s", td_unpack_name(n->unpack), name, type, there);
}

int64_t td_npy_rows(const td_npy *npy) { return npy->rows; }
int64_t td_npy_place(const td_npy *npy) { return npy->place; }

td_status td_npy_next(td_npy *n, const uint8_t **row, td_error *error) {
    *row = NULL;
    if (n->place == n->rows) return TD_OK;
    size_t size = (size_t)n->row_size, got;
    if ((size_t)(n->block_end - n->block) >= size) {
        *row = (const uint8_t *)n->block;
        n->block += size;
    } else {
        TD_TRY(take(n, n->row, size, &got, error));
        if (got < size)
            return td_fail(error, TD_BAD_DATA, "%s: ends inside row %lld of %lld", td_unpack_name(n->unpack), (long long)n->place + 1,
                           (long long)n->rows);
        *row = n->row;
    }
    n->place++;
    return TD_OK;
}
