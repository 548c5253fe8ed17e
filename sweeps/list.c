/* `list`: the rows of a table are the trials. From mappings, from CSV in the configuration, from a CSV file. */
#include "sweeps/loader.h"

#include <stdlib.h>
#include <string.h>

#include "sweeps/schema.h"
#include "sweeps/values.h"

/* A table of numbers: names of columns, cells row by row in the order of the columns. */
typedef struct table {
    int columns;
    const td_node *heads[TD_AXES_MAX];
    td_bounds of[TD_AXES_MAX];
    int knob[TD_AXES_MAX];  /* -1: a parameter of the strategy */
    int order[TD_AXES_MAX]; /* column of each axis */
    double *cells;
    int64_t rows, room;
} table;

/* Room for one more row; NULL when memory ran out. */
static double *next_row(td_loader *l, table *t) {
    if (t->rows == t->room) {
        int64_t room = t->room ? 2 * t->room : 64;
        double *cells = realloc(t->cells, (size_t)room * (size_t)t->columns * sizeof *cells);
        if (!cells) {
            TD_COMPLAIN(l, td_nowhere, "memory ran out for a list of %lld rows", (long long)room);
            return NULL;
        }
        t->cells = cells;
        t->room = room;
    }
    return t->cells + t->rows++ * t->columns;
}

/* The columns become axes, sorted by name. */
static bool claim_columns(td_loader *l, table *t) {
    bool good = true;
    for (int i = 0; i < t->columns; i++) {
        int param, knob;
        const char *name = t->heads[i]->text;
        if (!td_name_fits(l, name, t->heads[i]) || td_claim_name(l, name, t->heads[i], &param, &knob) < 0) {
            good = false;
            continue;
        }
        t->of[i] = td_bounds_of(l, name, param, knob);
        l->space.axes[l->space.axis_count] = td_make_axis(l, name, param, knob);
        t->knob[i] = knob;
        l->space.domains[l->space.axis_count++] = (td_domain){0};
    }
    td_sort_axes(&l->space);
    for (int i = 0; good && i < t->columns; i++)
        for (int j = 0; j < t->columns; j++)
            if (strcmp(l->space.axes[i].name, t->heads[j]->text) == 0) t->order[i] = j;
    return good;
}

static bool read_rows(td_loader *l, const td_node *list, table *t) {
    char text[64];
    bool good = true;
    for (int r = 0; r < list->count; r++) {
        const td_node *row = list->values[r];
        if (row->kind != TD_NODE_MAP || row->count == 0) {
            TD_COMPLAIN(l, row->place, "a row of the list must be a mapping such as {fast: 5, slow: 20}, found %s",
                     row->kind == TD_NODE_MAP ? "an empty one" : td_found(row, text, sizeof text));
            good = false;
            continue;
        }
        if (!t->columns) {
            if (row->count > TD_AXES_MAX) {
                TD_COMPLAIN(l, row->place, "more than %d names in a row", TD_AXES_MAX);
                return false;
            }
            t->columns = row->count;
            memcpy(t->heads, row->keys, (size_t)row->count * sizeof *t->heads);
            if (!claim_columns(l, t)) return false;
        }
        double *cells = next_row(l, t);
        if (!cells) return false;
        for (int i = 0; i < row->count; i++) {
            int column = 0;
            while (column < t->columns && strcmp(t->heads[column]->text, row->keys[i]->text) != 0) column++;
            if (column == t->columns) {
                TD_COMPLAIN(l, row->keys[i]->place, "'%.60s' is not in the first row; all rows name the same parameters",
                            row->keys[i]->text);
                good = false;
            } else {
                good = td_take_bounded(l, row->values[i], &t->of[column], &cells[column]) &&
                       td_check_knob_rules(l, row->values[i]->place, t->of[column].name, t->knob[column], cells[column],
                                           cells[column]) && good;
            }
        }
        for (int column = 0; column < t->columns; column++) {
            if (td_node_find(row, t->heads[column]->text) >= 0) continue;
            TD_COMPLAIN(l, row->place, "this row lacks '%s'; all rows name the same parameters", t->heads[column]->text);
            good = false;
        }
    }
    return good;
}

/* One field of a line of CSV: its text without blanks and quotes around it; *at goes behind its comma. */
static td_place take_csv_field(const char *text, size_t *at, size_t end, bool *last) {
    size_t from = *at, to = from;
    while (to < end && text[to] != ',') to++;
    *last = to == end;
    *at = to + 1;
    while (from < to && strchr(" \t", text[from])) from++;
    while (to > from && strchr(" \t\r", text[to - 1])) to--;
    if (to - from >= 2 && text[from] == '"' && text[to - 1] == '"') from++, to--;
    return (td_place){0, from, to - from};
}

/* text is a file (source >= 0: places are in it) or stood in the configuration (places are `whole`). */
static bool read_csv(td_loader *l, const char *text, size_t length, int source, td_place whole, table *t) {
    bool good = true;
    size_t start = length >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;
    for (int64_t line = 1; start < length; line++) {
        size_t end = start, at = start;
        while (end < length && text[end] != '\n') end++;
        size_t next = end + 1;
        if (end == start || (end == start + 1 && text[start] == '\r')) {
            start = next;
            continue;
        }
        bool head = !t->columns, last = false;
        double *cells = head ? NULL : next_row(l, t);
        if (!head && !cells) return false;
        int column = 0;
        td_error error;
        for (; !last; column++) {
            td_place field = take_csv_field(text, &at, end, &last), place = {source, field.offset, field.length};
            if (source < 0) place = whole;
            if (column == (head ? TD_AXES_MAX : t->columns)) {
                TD_COMPLAIN(l, place, head ? "line %lld of the list: more than %d columns"
                            : "line %lld of the list has more than %d fields",
                         (long long)line, column);
                return false;
            }
            char word[256];
            snprintf(word, sizeof word, "%.*s", (int)(field.length < 255 ? field.length : 255), text + field.offset);
            if (head) {
                td_node *node = td_node_make(l->tree, TD_NODE_SCALAR, place, word);
                if (!node) return false;
                if (!*word) {
                    TD_COMPLAIN(l, place, "column %d of the list has no name (pandas: to_csv(..., index=False))", column + 1);
                    good = false;
                }
                t->heads[column] = node;
            } else if (td_value_read(t->of[column].unit, word, &cells[column], &error) != TD_OK) {
                TD_COMPLAIN(l, place, "line %lld of the list: %s %s", (long long)line, t->heads[column]->text, error.message);
                good = false;
            } else {
                good = td_check_bounded(l, place, &t->of[column], cells[column]) &&
                       td_check_knob_rules(l, place, t->of[column].name, t->knob[column], cells[column], cells[column]) && good;
            }
        }
        if (head) {
            t->columns = column;
            if (!good || !claim_columns(l, t)) return false;
        } else if (column < t->columns) {
            td_place place = {source, start, end - start};
            TD_COMPLAIN(l, source < 0 ? whole : place, "line %lld of the list has %d field%s, expected %d", (long long)line, column,
                     column == 1 ? "" : "s", t->columns);
            good = false;
        }
        start = next;
    }
    return good;
}

static int compare_rows(const void *left, const void *right, void *context) {
    const td_space_def *space = context;
    int64_t i = *(const int64_t *)left, j = *(const int64_t *)right;
    const double *a = space->rows + i * space->axis_count, *b = space->rows + j * space->axis_count;
    for (int k = 0; k < space->axis_count; k++)
        if (a[k] != b[k]) return a[k] < b[k] ? -1 : 1;
    return i < j ? -1 : 1;
}

static void refuse_repeated_rows(td_loader *l, td_place place) {
    td_space_def *space = &l->space;
    int64_t *order = malloc((size_t)space->row_count * sizeof *order);
    if (!order) {
        TD_COMPLAIN(l, td_nowhere, "memory ran out for a list of %lld rows", (long long)space->row_count);
        return;
    }
    for (int64_t i = 0; i < space->row_count; i++) order[i] = i;
    qsort_r(order, (size_t)space->row_count, sizeof *order, compare_rows, space);
    for (int64_t i = 1; i < space->row_count; i++) {
        const double *a = space->rows + order[i - 1] * space->axis_count, *b = space->rows + order[i] * space->axis_count;
        if (memcmp(a, b, (size_t)space->axis_count * sizeof *a) != 0) continue;
        TD_COMPLAIN(l, place, "row %lld of the list repeats row %lld", (long long)order[i] + 1, (long long)order[i - 1] + 1);
        break;
    }
    free(order);
}

void td_read_list(td_loader *l) {
    const td_node *node = l->settings[TD_KEY_list].node;
    table t = {0};
    bool good;
    if (!l->config->play.strategy) return;
    if (node->kind == TD_NODE_LIST) {
        good = read_rows(l, node, &t);
    } else if (strchr(node->text, '\n')) {
        good = read_csv(l, node->text, strlen(node->text), -1, node->place, &t);
    } else {
        char *path = td_path_beside(l->path, node->text), *text = NULL;
        size_t length = 0;
        td_error error = {"memory ran out"};
        td_status status = path ? td_read_file(path, &text, &length, &error) : TD_NO_MEMORY;
        if (status != TD_OK) TD_COMPLAIN(l, node->place, "list %s", error.message);
        int source = status == TD_OK ? td_diagnostics_source(l->diagnostics, path, text, length, 1) : -1;
        good = status == TD_OK && read_csv(l, text, length, source, node->place, &t);
        free(text);
        free(path);
    }
    if (good && t.rows == 0) {
        TD_COMPLAIN(l, node->place, "the list has no rows");
        good = false;
    }
    if (good) {
        /* columns into axis order, row by row in place */
        double row[TD_AXES_MAX];
        for (int64_t r = 0; r < t.rows; r++) {
            for (int i = 0; i < t.columns; i++) row[i] = t.cells[r * t.columns + t.order[i]];
            memcpy(t.cells + r * t.columns, row, (size_t)t.columns * sizeof *row);
        }
        l->space.rows = t.cells;
        l->space.row_count = t.rows;
        refuse_repeated_rows(l, node->place);
    } else {
        free(t.cells);
    }
}
