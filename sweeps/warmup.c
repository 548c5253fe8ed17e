/* See warmup.h. */
#include "sweeps/warmup.h"

#include <math.h>
#include <stdlib.h>

#include "base/sorted.h"

/* One play, seen from the bar on that all plays have. */
typedef struct listener {
    int64_t skipped;       /* bars before the common ones */
    int8_t *side;          /* (common) -1, 0, 1 */
    double first, last;    /* equity at the first and the last common bar */
    int64_t trades;
} listener;

static void hear_bar(void *context, int64_t bar, double equity, double position) {
    listener *listener = context;
    int64_t at = bar - listener->skipped;
    if (at < 0) return;
    listener->side[at] = (int8_t)((position > 0) - (position < 0));
    if (at == 0) listener->first = equity;
    listener->last = equity;
}

static void hear_trade(void *context, const td_trade *trade) {
    listener *listener = context;
    listener->trades += trade->exit_bar >= listener->skipped;
}

static td_status play_from(const td_tape *tape, const td_play_def *def, const td_set *set, int64_t offset, int64_t span, int8_t *side,
                           td_start *start, td_error *error) {
    td_play_def later = *def;
    int64_t bars = def->bars ? def->bars : tape->bars - def->first_bar;
    later.first_bar += offset;
    later.bars = bars - offset;
    td_deck *deck;
    td_cell cell;
    TD_TRY(td_deck_make(tape, &later, &deck, error));
    listener listener = {.skipped = span - offset, .side = side};
    td_observer observer = {.on_bar = hear_bar, .on_trade = hear_trade, .context = &listener};
    td_status status = td_check_set(deck, set, error);
    if (status == TD_OK) status = td_play_detailed(deck, set, &observer, &cell, NULL, error);
    td_deck_free(deck);
    if (status != TD_OK) return status;
    *start = (td_start){.first_bar = later.first_bar, .trades = (double)listener.trades,
                        .total_return = listener.first > 0 ? listener.last / listener.first - 1 : 0,
                        .failed = cell.state == TD_CELL_FAILED};
    return TD_OK;
}

static void settle(const int8_t *first, const int8_t *side, int64_t common, int64_t first_common, td_start *start) {
    int64_t last = -1; /* bar that differs */
    for (int64_t t = 0; t < common; t++)
        if (first[t] != side[t]) {
            last = t;
            start->differing++;
        }
    start->settled = last == common - 1 ? -1 : first_common + last + 1;
}

static td_spread spread_of(double *values, int64_t count) {
    qsort(values, (size_t)count, sizeof *values, td_compare_doubles);
    return (td_spread){.least = values[0], .median = 0.5 * (values[(count - 1) / 2] + values[count / 2]), .most = values[count - 1]};
}

static td_status summarise(td_warmup *warmup, td_error *error) {
    double *values = malloc((size_t)warmup->starts * sizeof *values);
    if (!values) return td_fail(error, TD_NO_MEMORY, "no memory for %lld numbers", (long long)warmup->starts);
    warmup->settled = warmup->first_common;
    for (int64_t i = 0; i < warmup->starts; i++) {
        const td_start *start = &warmup->start[i];
        warmup->never += start->settled < 0;
        if (start->settled > warmup->settled) warmup->settled = start->settled;
    }
    if (warmup->never) warmup->settled = -1;
    for (int64_t i = 0; i < warmup->starts; i++) values[i] = warmup->start[i].trades;
    warmup->trades = spread_of(values, warmup->starts);
    for (int64_t i = 0; i < warmup->starts; i++) values[i] = warmup->start[i].total_return;
    warmup->total_return = spread_of(values, warmup->starts);
    free(values);
    return TD_OK;
}

td_status td_measure_warmup(const td_tape *tape, const td_play_def *def, const td_set *set, int64_t offsets, int64_t step, int threads,
                            td_warmup *warmup, td_error *error) {
    int64_t bars = def->bars ? def->bars : tape->bars - def->first_bar;
    if (step > bars / 2 || offsets > bars / 2 / step)
        return td_fail(error, TD_BAD_ARG,
                       "%lld starts, %lld bars apart, leave less than half of the %lld bars in common; take fewer or closer ones",
                       (long long)offsets, (long long)step, (long long)bars);
    int64_t span = offsets * step;
    *warmup = (td_warmup){.first_common = def->first_bar + span, .common = bars - span, .starts = offsets + 1};
    warmup->start = calloc((size_t)warmup->starts, sizeof *warmup->start);
    int8_t *sides = malloc((size_t)warmup->starts * (size_t)warmup->common);
    td_status status = TD_OK;
    if (!warmup->start || !sides)
        status = td_fail(error, TD_NO_MEMORY, "no memory for %lld plays of %lld bars", (long long)warmup->starts, (long long)warmup->common);
    #pragma omp parallel for num_threads(threads) schedule(dynamic) if (status == TD_OK)
    for (int64_t i = 0; i < warmup->starts; i++) {
        td_error mine = {.message = ""};
        if (!warmup->start || !sides) continue;
        td_status end = play_from(tape, def, set, i * step, span, sides + i * warmup->common, &warmup->start[i], &mine);
        #pragma omp critical(warmup_status)
        if (end != TD_OK && status == TD_OK) {
            status = end;
            if (error) *error = mine;
        }
    }
    for (int64_t i = 0; i < warmup->starts && status == TD_OK; i++)
        settle(sides, sides + i * warmup->common, warmup->common, warmup->first_common, &warmup->start[i]);
    if (status == TD_OK) status = summarise(warmup, error);
    free(sides);
    if (status != TD_OK) td_warmup_free(warmup);
    return status;
}

void td_warmup_free(td_warmup *warmup) {
    free(warmup->start);
    warmup->start = NULL;
}
