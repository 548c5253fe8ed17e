/* See csv_rows.h. */
#include "data/csv_rows.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/number.h"
#include "data/unpack.h"

enum { FIELDS_FIRST = 64 };

struct td_csv {
    td_unpack *unpack;
    bool in_text;            /* has a text been begun, and not ended? */
    const char *block;       /* what is left of the block: [block, block_end) */
    const char *block_end;
    char *line;              /* the current line, terminated */
    size_t line_used, line_room;
    td_field *field;
    int field_room;
    td_csv_row row;
};

td_status td_csv_open(const char *path, td_csv **csv, td_error *error) {
    td_csv *c = calloc(1, sizeof *c);
    if (!c) return td_fail(error, TD_NO_MEMORY, "%s: no memory to read it", path);
    td_status status = td_unpack_open(path, &td_unpack_text, TD_DECOMPRESSED_MAX, &c->unpack, error);
    if (status != TD_OK) {
        free(c);
        return status;
    }
    *csv = c;
    return TD_OK;
}

void td_csv_close(td_csv *csv) {
    if (!csv) return;
    td_unpack_close(csv->unpack);
    free(csv->line);
    free(csv->field);
    free(csv);
}

static td_status append(td_csv *c, const char *text, size_t size, td_error *error) {
    if (c->line_used + size > TD_CSV_LINE_MAX)
        return td_fail(error, TD_BAD_DATA, "%s:%lld: the line is longer than %d bytes: is this CSV text?", c->row.name,
                       (long long)c->row.line, TD_CSV_LINE_MAX);
    if (c->line_used + size + 1 > c->line_room) {
        size_t room = 2 * (c->line_used + size) + 512;
        char *line = realloc(c->line, room);
        if (!line) return td_fail(error, TD_NO_MEMORY, "%s: no memory for a line of %zu bytes", c->row.name, room);
        c->line = line;
        c->line_room = room;
    }
    memcpy(c->line + c->line_used, text, size);
    c->line_used += size;
    c->line[c->line_used] = 0;
    return TD_OK;
}

/* One line into c->line, without its end. *got false at the end of the text. */
static td_status read_line(td_csv *c, bool *got, td_error *error) {
    c->line_used = 0;
    c->row.line++;
    bool any = false;
    for (;;) {
        if (c->block == c->block_end) {
            size_t size;
            TD_TRY(td_unpack_block(c->unpack, &c->block, &size, error));
            c->block_end = c->block + size;
            if (size == 0) break;
        }
        any = true;
        const char *end = memchr(c->block, '\n', (size_t)(c->block_end - c->block));
        const char *stop = end ? end : c->block_end;
        TD_TRY(append(c, c->block, (size_t)(stop - c->block), error));
        c->block = end ? end + 1 : stop;
        if (end) break;
    }
    *got = any;
    if (any && c->line_used && c->line[c->line_used - 1] == '\r') c->line[--c->line_used] = 0;
    if (any && memchr(c->line, 0, c->line_used))
        return td_fail(error, TD_BAD_DATA, "%s:%lld: the line has a zero byte: this is no CSV text", c->row.name, (long long)c->row.line);
    return TD_OK;
}

static td_status split(td_csv *c, td_error *error) {
    char *p = c->line;
    c->row.count = 0;
    for (;;) {
        if (c->row.count == c->field_room) {
            int room = c->field_room ? 2 * c->field_room : FIELDS_FIRST;
            td_field *field = realloc(c->field, (size_t)room * sizeof *field);
            if (!field) return td_fail(error, TD_NO_MEMORY, "%s: no memory for %d columns", c->row.name, room);
            c->field = field;
            c->field_room = room;
        }
        char *end = strchr(p, ',');
        size_t length = end ? (size_t)(end - p) : (size_t)(c->line + c->line_used - p);
        c->field[c->row.count++] = (td_field){p, length};
        if (!end) break;
        *end = 0;
        p = end + 1;
    }
    c->row.field = c->field;
    return TD_OK;
}

static void drop_mark(td_csv *c) {
    if (c->line_used >= 3 && memcmp(c->line, "\xef\xbb\xbf", 3) == 0) {
        memmove(c->line, c->line + 3, c->line_used - 2);
        c->line_used -= 3;
    }
}

td_status td_csv_next(td_csv *c, const td_csv_row **row, td_error *error) {
    *row = NULL;
    for (;;) {
        if (!c->in_text) {
            bool more;
            TD_TRY(td_unpack_next(c->unpack, &more, error));
            if (!more) return TD_OK;
            c->in_text = true;
            c->block = c->block_end = NULL;
            c->row = (td_csv_row){.name = td_unpack_name(c->unpack), .first = true};
        } else {
            c->row.first = false;
        }
        bool first = c->row.first, got;
        do {
            TD_TRY(read_line(c, &got, error));
            if (got && c->row.line == 1) drop_mark(c);
        } while (got && c->line_used == 0);
        c->in_text = got;
        if (!got) continue;
        c->row.first = first;
        TD_TRY(split(c, error));
        *row = &c->row;
        return TD_OK;
    }
}

bool td_field_is(const td_field *field, const char *text) {
    return field->length == strlen(text) && memcmp(field->text, text, field->length) == 0;
}

bool td_field_whole(const td_field *field, int64_t *value) {
    const char *p = field->text, *end = p + field->length;
    bool negative = p < end && *p == '-';
    if (p < end && (*p == '-' || *p == '+')) p++;
    if (p == end) return false;
    int64_t v = 0;
    for (; p < end; p++) {
        if (!td_is_digit(*p) || __builtin_mul_overflow(v, 10, &v)) return false;
        if (negative ? __builtin_sub_overflow(v, *p - '0', &v) : __builtin_add_overflow(v, *p - '0', &v)) return false;
    }
    *value = v;
    return true;
}

char *td_csv_row_text(const td_csv_row *row, char *buffer, size_t size) {
    size_t used = 0;
    buffer[0] = 0;
    for (int i = 0; i < row->count && used + 1 < size; i++) {
        int wrote = snprintf(buffer + used, size - used, "%s%s", i ? "," : "", row->field[i].text);
        used += wrote > 0 ? (size_t)wrote : 0;
    }
    return buffer;
}

bool td_csv_row_begins(const td_csv_row *row, const char *const *names, int count) {
    if (row->count < count) return false;
    for (int i = 0; i < count; i++)
        if (!td_field_is(&row->field[i], names[i])) return false;
    return true;
}
