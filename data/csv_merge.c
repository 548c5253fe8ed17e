/* See csv_merge.h. */
#include "data/csv_merge.h"

#include <stdlib.h>
#include <string.h>

#include "data/tape.h"

enum { TYPES_MAX = 16 };

typedef struct stream {
    const char **file; /* borrowed names, in order */
    int file_count, next_file;
    td_csv *csv;       /* NULL: the next file is not open yet, or there is none */
    const td_csv_row *row;
    int64_t time;      /* of the row */
    bool begun;        /* has a row of this file told its time? */
    int64_t first_time; /* of the file before this one, later of this one */
} stream;

struct td_csv_merge {
    td_csv_merge_def def;
    stream stream[TYPES_MAX];
    int last; /* stream whose row was handed out, -1: none */
};

static td_status add_file(td_csv_merge *m, const char *file, td_error *error) {
    td_csv *csv;
    int type = 0;
    TD_TRY(td_csv_open(file, &csv, error));
    td_status status = m->def.classify(m->def.user, file, csv, &type, error);
    td_csv_close(csv);
    TD_TRY(status);
    stream *s = &m->stream[type];
    const char **grown = realloc(s->file, (size_t)(s->file_count + 1) * sizeof *grown);
    if (!grown) return td_fail(error, TD_NO_MEMORY, "no memory for the names of %d files", s->file_count + 1);
    s->file = grown;
    s->file[s->file_count++] = file;
    return TD_OK;
}

static td_status check_order(td_csv_merge *m, stream *s, td_error *error) {
    int64_t time;
    if (s->begun || !m->def.time(m->def.user, (int)(s - m->stream), s->row, &time)) return TD_OK;
    if (s->next_file > 1 && time < s->first_time) {
        char a[32], b[32];
        return td_fail(error, TD_BAD_DATA, "%s begins at %s, before %s, which begins at %s: give files of one kind in the order of time",
                       s->file[s->next_file - 1], td_time_text(time, a), s->file[s->next_file - 2], td_time_text(s->first_time, b));
    }
    s->begun = true;
    s->first_time = time;
    return TD_OK;
}

/* The next row of the stream, from the next file where one ends. */
static td_status pull(td_csv_merge *m, stream *s, td_error *error) {
    s->row = NULL;
    while (s->csv || s->next_file < s->file_count) {
        if (!s->csv) {
            TD_TRY(td_csv_open(s->file[s->next_file++], &s->csv, error));
            s->begun = false;
        }
        TD_TRY(td_csv_next(s->csv, &s->row, error));
        if (s->row) {
            int64_t time;
            if (m->def.time(m->def.user, (int)(s - m->stream), s->row, &time)) s->time = time;
            return check_order(m, s, error);
        }
        td_csv_close(s->csv);
        s->csv = NULL;
    }
    return TD_OK;
}

td_status td_csv_merge_open(const td_csv_merge_def *def, int file_count, const char *const *files, td_csv_merge **merge,
                            td_error *error) {
    td_csv_merge *m = calloc(1, sizeof *m);
    if (!m) return td_fail(error, TD_NO_MEMORY, "no memory to read %d files", file_count);
    m->def = *def;
    m->last = -1;
    td_status status = TD_OK;
    for (int i = 0; i < file_count && status == TD_OK; i++) status = add_file(m, files[i], error);
    for (int i = 0; i < TYPES_MAX && status == TD_OK; i++) {
        m->stream[i].time = INT64_MIN;
        status = pull(m, &m->stream[i], error);
    }
    if (status != TD_OK) {
        td_csv_merge_close(m);
        return status;
    }
    *merge = m;
    return TD_OK;
}

void td_csv_merge_close(td_csv_merge *merge) {
    if (!merge) return;
    for (int i = 0; i < TYPES_MAX; i++) {
        td_csv_close(merge->stream[i].csv);
        free(merge->stream[i].file);
    }
    free(merge);
}

td_status td_csv_merge_next(td_csv_merge *m, int *type, const td_csv_row **row, td_error *error) {
    if (m->last >= 0) TD_TRY(pull(m, &m->stream[m->last], error));
    m->last = -1;
    *row = NULL;
    for (int i = 0; i < TYPES_MAX; i++)
        if (m->stream[i].row && (m->last < 0 || m->stream[i].time < m->stream[m->last].time)) m->last = i;
    if (m->last < 0) return TD_OK;
    *type = m->last;
    *row = m->stream[m->last].row;
    return TD_OK;
}

bool td_csv_merge_has(const td_csv_merge *merge, int type) { return merge->stream[type].file_count > 0; }
