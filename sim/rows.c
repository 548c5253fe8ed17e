/* See rows.h. */
#include "sim/rows.h"

#include <stdlib.h>
#include <string.h>

#include "sim/events.h"

/* A chunk's values should stay in half of a 1 MiB second-level cache: beyond that the engines lose up to a third. */
#define CHUNK_BYTES (512 * 1024)

int64_t td_rows_capacity(const td_deck *deck, int64_t sets) {
    /* each group may be padded to whole vectors */
    return deck->def.strategy->row_count * (sets + 8) + 8;
}

static int64_t chunk_for(int64_t slots) {
    int64_t bars = CHUNK_BYTES / (int64_t)sizeof(double) / (slots ? slots : 1);
    bars &= ~(int64_t)63;
    return bars > TD_CHUNK_BARS_MAX ? TD_CHUNK_BARS_MAX : bars < TD_CHUNK_BARS_MIN ? TD_CHUNK_BARS_MIN : bars;
}

size_t td_rows_values(int64_t capacity) {
    size_t most = (size_t)capacity * TD_CHUNK_BARS_MIN, usual = CHUNK_BYTES / sizeof(double);
    return most > usual ? most : usual;
}

/* the bar before, and room for vector reads behind the last slot */
static size_t values_count(int64_t capacity) { return td_rows_values(capacity) + (size_t)capacity + 64; }

static int64_t table_for(int64_t capacity) {
    int64_t size = 64;
    while (size < capacity * 2) size *= 2;
    return size;
}

size_t td_rows_bytes(const td_deck *deck, int64_t sets) {
    int64_t capacity = td_rows_capacity(deck, sets);
    return (size_t)capacity * (sizeof(int32_t) + TD_ROW_MEMORY_MAX * sizeof(double)) + values_count(capacity) * sizeof(double) +
           (size_t)table_for(capacity) * sizeof(int32_t);
}

td_status td_rows_open(td_rows *rows, const td_deck *deck, td_isa isa, int64_t sets, td_error *error) {
    int64_t capacity = td_rows_capacity(deck, sets);
    *rows = (td_rows){.deck = deck, .isa = isa, .capacity = capacity, .table_size = table_for(capacity)};
    rows->window = malloc((size_t)capacity * sizeof *rows->window);
    rows->memory = aligned_alloc(64, (size_t)capacity * TD_ROW_MEMORY_MAX * sizeof(double));
    rows->values = aligned_alloc(64, (values_count(capacity) * sizeof(double) + 63) / 64 * 64);
    rows->table = malloc((size_t)rows->table_size * sizeof *rows->table);
    if (rows->window && rows->memory && rows->values && rows->table) return TD_OK;
    td_rows_close(rows);
    return td_fail(error, TD_NO_MEMORY, "no memory for the rows of %lld sets", (long long)sets);
}

void td_rows_close(td_rows *rows) {
    free(rows->window);
    free(rows->memory);
    free(rows->values);
    free(rows->table);
    *rows = (td_rows){0};
}

static bool same_source(const td_row_info *a, const td_row_info *b) { return !strcmp(a->kind, b->kind) && a->column == b->column; }

void td_rows_start(td_rows *rows, const td_set *sets, int64_t count, int32_t *slots) {
    const td_strategy *strategy = rows->deck->def.strategy;
    int lanes = td_isa_lanes(rows->isa) / TD_BLOCK_VECTORS;
    /* rows of the strategy that share kind and column share a group */
    rows->groups = 0;
    for (int r = 0; r < strategy->row_count; r++) {
        int g = 0;
        while (g < rows->groups && !same_source(&strategy->rows[r], &strategy->rows[rows->group_kinds[g]])) g++;
        if (g == rows->groups) rows->group_kinds[rows->groups++] = r;
        rows->group_of_row[r] = g;
    }
    /* distinct windows, group by group */
    rows->slots = 0;
    for (int g = 0; g < rows->groups; g++) {
        rows->group_first[g] = rows->slots;
        memset(rows->table, -1, (size_t)rows->table_size * sizeof *rows->table);
        for (int64_t i = 0; i < count; i++)
            for (int r = 0; r < strategy->row_count; r++) {
                if (rows->group_of_row[r] != g) continue;
                int32_t window = (int32_t)sets[i].param[strategy->rows[r].param];
                uint64_t at = (uint64_t)(uint32_t)window * 0x9E3779B97F4A7C15ull >> 32 & (uint64_t)(rows->table_size - 1);
                while (rows->table[at] >= 0 && rows->window[rows->table[at]] != window) at = (at + 1) & (uint64_t)(rows->table_size - 1);
                if (rows->table[at] < 0) {
                    rows->table[at] = (int32_t)rows->slots;
                    rows->window[rows->slots++] = window;
                }
                slots[i * strategy->row_count + r] = rows->table[at];
            }
        int64_t used = rows->slots - rows->group_first[g];
        int64_t padded = (used + lanes - 1) / lanes * lanes;
        while (rows->slots < rows->group_first[g] + padded) rows->window[rows->slots++] = 1;
    }
    rows->group_first[rows->groups] = rows->slots;
    memset(rows->memory, 0, (size_t)rows->slots * TD_ROW_MEMORY_MAX * sizeof(double));
    rows->chunk_bars = chunk_for(rows->slots);
    if (rows->chunk_limit && rows->chunk_bars > rows->chunk_limit) rows->chunk_bars = rows->chunk_limit;
    rows->begin = rows->end = 0;
}

bool td_rows_next(td_rows *rows) {
    const td_deck *deck = rows->deck;
    if (rows->end == deck->view.bars) return false;
    /* the last bar of the old chunk becomes the bar before the new one */
    if (rows->end > rows->begin)
        memmove(rows->values, rows->values + (rows->end - rows->begin) * rows->slots, (size_t)rows->slots * sizeof(double));
    rows->begin = rows->end;
    rows->end = rows->begin + rows->chunk_bars < deck->view.bars ? rows->begin + rows->chunk_bars : deck->view.bars;
    for (int g = 0; g < rows->groups; g++) {
        int64_t first = rows->group_first[g], used = rows->group_first[g + 1] - first;
        int r = rows->group_kinds[g];
        td_row_job job = {.column = deck->columns[deck->def.strategy->rows[r].column], .window = rows->window + first, .count = used,
                          .memory = rows->memory + first * TD_ROW_MEMORY_MAX, .out = rows->values + rows->slots + first,
                          .stride = rows->slots, .begin = rows->begin, .end = rows->end};
        deck->row_kinds[r]->kernels[rows->isa]->play(&job);
    }
    return true;
}

int64_t td_first_from(const int64_t *bars, int64_t count, int64_t bar) {
    int64_t low = 0, high = count;
    while (low < high) {
        int64_t middle = (low + high) / 2;
        if (bars[middle] < bar)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

td_kernel_chunk td_rows_chunk(const td_rows *rows) {
    const td_kernel_deck *view = &rows->deck->view;
    return (td_kernel_chunk){.begin = rows->begin, .end = rows->end, .rows = rows->values + rows->slots, .stride = rows->slots,
                             .sample = td_first_from(view->sample_bar, view->samples, rows->begin),
                             .block = td_first_from(view->block_end, view->blocks, rows->begin), .events = td_events_for(rows->isa)};
}
