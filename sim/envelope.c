/* See envelope.h. */
#include "sim/envelope.h"

#include <math.h>
#include <stdlib.h>

size_t td_siblings_bytes(int64_t count) { return (size_t)count * 2 * (sizeof(td_set) + sizeof(td_cell) + sizeof(int64_t)); }

td_status td_siblings_open(td_siblings *siblings, int64_t count, td_error *error) {
    size_t all = (size_t)count * 2;
    *siblings = (td_siblings){.count = count, .sets = malloc(all * sizeof *siblings->sets), .cells = malloc(all * sizeof *siblings->cells),
                              .of = malloc(all * sizeof *siblings->of)};
    if (siblings->sets && siblings->cells && siblings->of) return TD_OK;
    td_siblings_close(siblings);
    return td_fail(error, TD_NO_MEMORY, "no memory for the siblings of %lld sets", (long long)count);
}

void td_siblings_close(td_siblings *siblings) {
    free(siblings->sets);
    free(siblings->cells);
    free(siblings->of);
    *siblings = (td_siblings){0};
}

static void begin_with(td_envelope *envelope, const td_cell *cell) {
    for (int m = 0; m < TD_METRIC_BARS_COUNT; m++) envelope->low[m] = envelope->high[m] = cell->metrics[m];
}

/* What is not a number is passed over; of two zeros the one that is there stays. */
static void widen(td_envelope *envelope, const td_cell *cell) {
    for (int m = 0; m < TD_METRIC_BARS_COUNT; m++) {
        double x = cell->metrics[m];
        if (x < envelope->low[m] || isnan(envelope->low[m])) envelope->low[m] = x;
        if (x > envelope->high[m] || isnan(envelope->high[m])) envelope->high[m] = x;
    }
}

static bool needs_siblings(const td_cell *cell) { return cell->state == TD_CELL_DONE && cell->metrics[TD_METRIC_ambiguous_bars] > 0; }

void td_play_envelopes(td_player *player, const td_set *sets, int64_t count, td_siblings *siblings, td_cell *cells, float *block_returns,
                       td_envelope *envelopes) {
    int64_t more = 0;
    td_play(player, sets, count, cells, block_returns);
    for (int64_t i = 0; i < count; i++) {
        begin_with(&envelopes[i], &cells[i]);
        for (int bound = TD_BOUND_LOW; bound <= TD_BOUND_HIGH && needs_siblings(&cells[i]); bound++) {
            siblings->of[more] = i;
            siblings->sets[more] = sets[i];
            siblings->sets[more++].bound = (td_bound)bound;
        }
    }
    if (more == 0) return;
    td_play(player, siblings->sets, more, siblings->cells, NULL);
    for (int64_t k = 0; k < more; k++) widen(&envelopes[siblings->of[k]], &siblings->cells[k]);
}

td_status td_envelope_of(const td_deck *deck, const td_set *set, const td_cell *cell, td_envelope *envelope, td_error *error) {
    begin_with(envelope, cell);
    for (int bound = TD_BOUND_LOW; bound <= TD_BOUND_HIGH && needs_siblings(cell); bound++) {
        td_set sibling = *set;
        td_cell other;
        sibling.bound = (td_bound)bound;
        TD_TRY(td_play_detailed(deck, &sibling, NULL, &other, NULL, error));
        widen(envelope, &other);
    }
    return TD_OK;
}
