/* See rows.h. */
#include "sim/rows.h"

#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "base/sorted.h"
#include "sim/events.h"

/* A chunk's values should stay in half of a 1 MiB second-level cache: beyond that the engines lose up to a third. */
#define CHUNK_BYTES (512 * 1024)

/* What groups of `sets` sets may take, in all and (tuples) of one group; each group may be padded to whole vectors. */
typedef struct capacity {
    int64_t slots, arguments, memory, tuples;
} capacity;

static capacity capacity_for(const td_deck *deck, int64_t sets) {
    capacity most = {.slots = 8};
    for (int g = 0; g < deck->group_count; g++) {
        const td_row_group *group = &deck->groups[g];
        int64_t tuples = group->tuples * sets + 8;
        most.slots += tuples * group->kind->output_count;
        most.arguments += tuples * group->kind->argument_count;
        most.memory += tuples * group->kind->memory;
        if (tuples > most.tuples) most.tuples = tuples;
    }
    return most;
}

int64_t td_rows_capacity(const td_deck *deck, int64_t sets) { return capacity_for(deck, sets).slots; }

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
    capacity most = capacity_for(deck, sets);
    return ((size_t)(most.arguments + most.memory) + values_count(most.slots)) * sizeof(double) +
           (size_t)most.tuples * sizeof(td_row_tuple) + (size_t)table_for(most.tuples) * sizeof(int32_t);
}

static double *reals(size_t count) { return aligned_alloc(64, (count * sizeof(double) + 63) / 64 * 64 + 64); }

td_status td_rows_open(td_rows *rows, const td_deck *deck, td_isa isa, int64_t sets, td_error *error) {
    capacity most = capacity_for(deck, sets);
    *rows = (td_rows){.deck = deck, .isa = isa, .table_size = table_for(most.tuples)};
    rows->tuples = malloc((size_t)(most.tuples + 1) * sizeof *rows->tuples);
    rows->table = malloc((size_t)rows->table_size * sizeof *rows->table);
    rows->arguments = reals((size_t)most.arguments);
    rows->memory = reals((size_t)most.memory);
    rows->values = reals(values_count(most.slots));
    if (rows->tuples && rows->table && rows->arguments && rows->memory && rows->values) return TD_OK;
    td_rows_close(rows);
    return td_fail(error, TD_NO_MEMORY, "no memory for the rows of %lld sets", (long long)sets);
}

void td_rows_close(td_rows *rows) {
    free(rows->tuples);
    free(rows->table);
    free(rows->arguments);
    free(rows->memory);
    free(rows->values);
    *rows = (td_rows){0};
}

/* The number of a tuple among the `count` of its group; a new one gets the next number. */
static int32_t find_tuple(td_rows *rows, const td_row_tuple *tuple, int64_t *count) {
    uint64_t hash = 0, mask = (uint64_t)(rows->table_size - 1);
    for (int i = 0; i < TD_ROW_ARGUMENTS_MAX; i++) {
        hash = (hash ^ td_bits_of(tuple->argument[i])) * 0x9E3779B97F4A7C15ull;
        hash ^= hash >> 32;
    }
    uint64_t at = hash & mask;
    while (rows->table[at] >= 0 && memcmp(&rows->tuples[rows->table[at]], tuple, sizeof *tuple) != 0) at = (at + 1) & mask;
    if (rows->table[at] < 0) {
        rows->table[at] = (int32_t)*count;
        rows->tuples[(*count)++] = *tuple;
    }
    return rows->table[at];
}

/* Finds the tuples of group g, slots getting their numbers, and lays them out at *place. */
static void place_group(td_rows *rows, int g, const td_set *sets, int64_t count, int32_t *slots, td_row_place *place) {
    const td_deck *deck = rows->deck;
    int64_t tuples = 0, lanes = td_isa_lanes(rows->isa) / TD_BLOCK_VECTORS;
    memset(rows->table, -1, (size_t)rows->table_size * sizeof *rows->table);
    for (int64_t i = 0; i < count; i++)
        for (int r = 0; r < deck->row_count; r++) {
            if (deck->row_group[r] != g) continue;
            td_row_tuple tuple = td_deck_tuple(deck, &sets[i], r);
            slots[i * deck->row_count + r] = find_tuple(rows, &tuple, &tuples);
        }
    place->count = (tuples + lanes - 1) / lanes * lanes;
    for (int a = 0; a < deck->groups[g].kind->argument_count; a++)
        for (int64_t i = 0; i < place->count; i++)
            place->arguments[a * place->count + i] = rows->tuples[i < tuples ? i : 0].argument[a];
}

void td_rows_start(td_rows *rows, const td_set *sets, int64_t count, int32_t *slots) {
    const td_deck *deck = rows->deck;
    double *arguments = rows->arguments, *memory = rows->memory;
    rows->slots = 0;
    for (int g = 0; g < deck->group_count; g++) {
        const td_row_kind *kind = deck->groups[g].kind;
        td_row_place *place = &rows->places[g];
        *place = (td_row_place){.slot = rows->slots, .arguments = arguments, .memory = memory};
        place_group(rows, g, sets, count, slots, place);
        rows->slots += place->count * kind->output_count;
        arguments += place->count * kind->argument_count;
        memory += place->count * kind->memory;
    }
    /* from the number of a tuple to a slot */
    for (int64_t i = 0; i < count; i++)
        for (int r = 0; r < deck->row_count; r++) {
            const td_row_place *place = &rows->places[deck->row_group[r]];
            slots[i * deck->row_count + r] += (int32_t)(place->slot + deck->rows[r].output * place->count);
        }
    memset(rows->memory, 0, (size_t)(memory - rows->memory) * sizeof(double));
    rows->chunk_bars = chunk_for(rows->slots);
    if (rows->chunk_limit && rows->chunk_bars > rows->chunk_limit) rows->chunk_bars = rows->chunk_limit;
    rows->begin = rows->end = 0;
}

/* The group's values over bars [begin, end) of its columns, from out on. */
static void play_group(const td_rows *rows, int g, int64_t begin, int64_t end, double *out) {
    const td_row_group *group = &rows->deck->groups[g];
    const td_row_place *place = &rows->places[g];
    td_row_job job = {.arguments = place->arguments, .count = place->count, .memory = place->memory, .out = out,
                      .stride = rows->slots, .begin = begin, .end = end};
    memcpy(job.columns, group->columns, sizeof job.columns);
    group->kind->kernels[rows->isa]->play(&job);
}

/* Bars of a longer interval: a step at the close that completes one, and the values of the last step in between. */
static void play_higher(const td_rows *rows, int g) {
    const td_row_group *group = &rows->deck->groups[g];
    const td_row_place *place = &rows->places[g];
    int64_t values = place->count * group->kind->output_count;
    int64_t next = td_first_from(group->higher->known, group->bars, rows->begin);
    for (int64_t t = rows->begin; t < rows->end; t++) {
        double *out = rows->values + (t - rows->begin + 1) * rows->slots + place->slot;
        if (t > 0)
            memcpy(out, out - rows->slots, (size_t)values * sizeof *out);
        else
            for (int64_t i = 0; i < values; i++) out[i] = __builtin_nan("");
        for (; next < group->bars && group->higher->known[next] == t; next++) play_group(rows, g, next, next + 1, out);
    }
}

bool td_rows_next(td_rows *rows) {
    const td_deck *deck = rows->deck;
    if (rows->end == deck->view.bars) return false;
    /* the last bar of the old chunk becomes the bar before the new one */
    if (rows->end > rows->begin)
        memmove(rows->values, rows->values + (rows->end - rows->begin) * rows->slots, (size_t)rows->slots * sizeof(double));
    rows->begin = rows->end;
    rows->end = rows->begin + rows->chunk_bars < deck->view.bars ? rows->begin + rows->chunk_bars : deck->view.bars;
    for (int g = 0; g < deck->group_count; g++) {
        if (deck->groups[g].higher)
            play_higher(rows, g);
        else
            play_group(rows, g, rows->begin, rows->end, rows->values + rows->slots + rows->places[g].slot);
    }
    return true;
}

td_kernel_chunk td_rows_chunk(const td_rows *rows) {
    const td_kernel_deck *view = &rows->deck->view;
    return (td_kernel_chunk){.begin = rows->begin, .end = rows->end, .rows = rows->values + rows->slots, .stride = rows->slots,
                             .sample = td_first_from(view->sample_bar, view->samples, rows->begin),
                             .block = td_first_from(view->block_end, view->blocks, rows->begin), .events = td_events_for(rows->isa, TD_ROUTE_PLAIN)};
}

bool td_vector_find_windows(void *vector, int lanes, int r) {
    const int32_t *slot = td_vector_slot(vector, lanes, r);
    int64_t *window = td_vector_window(vector, lanes, r);
    uint64_t *pick = td_vector_pick(vector, lanes, r);
    window[0] = INT64_MAX;
    for (int l = 0; l < lanes; l++)
        if (slot[l] < window[0]) window[0] = slot[l];
    window[1] = INT64_MAX;
    for (int l = 0; l < lanes; l++)
        if (slot[l] >= window[0] + lanes && slot[l] < window[1]) window[1] = slot[l];
    if (window[1] == INT64_MAX) window[1] = window[0];
    bool fits = true;
    for (int l = 0; l < lanes; l++) {
        bool first = slot[l] < window[0] + lanes;
        pick[l] = (uint64_t)(first ? slot[l] - window[0] : lanes + slot[l] - window[1]);
        fits &= pick[l] < 2 * (uint64_t)lanes;
    }
    return fits;
}
