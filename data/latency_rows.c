/* See latency_rows.h. */
#include "data/latency_rows.h"

#include <stdlib.h>
#include <string.h>

#include "data/csv_rows.h"
#include "data/npy.h"

typedef struct list {
    td_latency_row *row;
    int64_t count, room;
} list;

static td_status add(list *l, td_latency_row row, const char *path, int64_t place, td_error *error) {
    const char *wrong = NULL;
    if (row.request_ns <= 0) wrong = "a request at no time";
    else if (l->count && row.request_ns <= l->row[l->count - 1].request_ns) wrong = "a request that is not later than the one before";
    else if (row.exchange_ns > 0 && row.exchange_ns < row.request_ns) wrong = "an arrival before the request";
    else if (row.response_ns < row.request_ns || (row.exchange_ns > 0 && row.response_ns < row.exchange_ns))
        wrong = "an answer before the request or its arrival";
    if (wrong)
        return td_fail(error, TD_BAD_DATA, "%s:%lld: %s: found %lld, %lld, %lld", path, (long long)place, wrong, (long long)row.request_ns,
                       (long long)row.exchange_ns, (long long)row.response_ns);
    if (l->count == l->room) {
        int64_t room = 2 * l->room + 1024;
        td_latency_row *grown = realloc(l->row, (size_t)room * sizeof *grown);
        if (!grown) return td_fail(error, TD_NO_MEMORY, "%s: no memory for %lld rows", path, (long long)room);
        l->row = grown;
        l->room = room;
    }
    l->row[l->count++] = row;
    return TD_OK;
}

static bool is_header(const td_csv_row *row) {
    static const char *const ours[] = {"request_ns", "exchange_ns", "response_ns"};
    static const char *const theirs[] = {"req_ts", "exch_ts", "resp_ts"};
    return td_csv_row_begins(row, ours, 3) || td_csv_row_begins(row, theirs, 3);
}

static td_status read_lines(td_csv *csv, list *l, td_error *error) {
    char text[96];
    for (;;) {
        const td_csv_row *row;
        td_latency_row x;
        TD_TRY(td_csv_next(csv, &row, error));
        if (!row) return TD_OK;
        if (row->first) {
            if (is_header(row)) continue;
            return td_fail(error, TD_BAD_DATA, "%s:%lld: found the header %s, expected request_ns,exchange_ns,response_ns", row->name,
                           (long long)row->line, td_csv_row_text(row, text, sizeof text));
        }
        if (row->count < 3 || !td_field_whole(&row->field[0], &x.request_ns) || !td_field_whole(&row->field[1], &x.exchange_ns) ||
            !td_field_whole(&row->field[2], &x.response_ns))
            return td_fail(error, TD_BAD_DATA, "%s:%lld: found %s, expected three whole numbers", row->name, (long long)row->line,
                           td_csv_row_text(row, text, sizeof text));
        TD_TRY(add(l, x, row->name, row->line, error));
    }
}

static td_status read_csv(const char *path, list *l, td_error *error) {
    td_csv *csv;
    TD_TRY(td_csv_open(path, &csv, error));
    td_status status = read_lines(csv, l, error);
    td_csv_close(csv);
    return status;
}

static td_status read_rows(td_npy *array, const char *path, list *l, td_error *error) {
    int request, exchange, response;
    TD_TRY(td_npy_field(array, "req_ts", "i8", &request, error));
    TD_TRY(td_npy_field(array, "exch_ts", "i8", &exchange, error));
    TD_TRY(td_npy_field(array, "resp_ts", "i8", &response, error));
    for (;;) {
        const uint8_t *row;
        td_latency_row x;
        TD_TRY(td_npy_next(array, &row, error));
        if (!row) return TD_OK;
        memcpy(&x.request_ns, row + request, 8);
        memcpy(&x.exchange_ns, row + exchange, 8);
        memcpy(&x.response_ns, row + response, 8);
        TD_TRY(add(l, x, path, td_npy_place(array), error));
    }
}

static td_status read_array(const char *path, list *l, td_error *error) {
    td_npy *array;
    TD_TRY(td_npy_open(path, "data", &array, error));
    td_status status = read_rows(array, path, l, error);
    td_npy_close(array);
    return status;
}

td_status td_latency_rows_read(const char *path, td_latency_row **rows, int64_t *count, td_error *error) {
    list l = {0};
    td_status status = td_npy_is(path) ? read_array(path, &l, error) : read_csv(path, &l, error);
    if (status == TD_OK && l.count == 0) status = td_fail(error, TD_BAD_DATA, "%s: has no rows of latencies", path);
    if (status != TD_OK) {
        free(l.row);
        return status;
    }
    *rows = l.row;
    *count = l.count;
    return TD_OK;
}
