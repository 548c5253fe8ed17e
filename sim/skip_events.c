/* Events of the skip engine: the ledger's, on one lane. See skip.h. */
#include "sim/skip.h"

#include "sim/ledger.h"

void td_skip_guard(const td_skip_set *set, int64_t t, int64_t sample) { td_guard(set->view, set->vector, t, sample); }

void td_skip_peak(const td_skip_set *set, int64_t t, double equity) { td_new_peak(set->view, set->vector, 1, t, equity); }

/* What the strategy wants on bar t, given what crossed. */
static bool wanted(const td_skip_set *set, const td_skip_chunk *chunk, int64_t t, double equity, unsigned above, unsigned below,
                   double *target) {
    td_vector *s = set->vector;
    double before = s->equity, rows[2 * TD_ROWS_MAX] = {0}; /* the rows of the bar before and of this bar, as if a chunk of one bar */
    int rows_count = set->strategy->row_count, is_above[TD_SIGNALS_MAX], is_below[TD_SIGNALS_MAX];
    for (int r = 0; r < rows_count; r++) {
        const double *value = chunk->values + set->slot[r] * chunk->stride + (t - chunk->begin);
        rows[r] = value[-1];
        rows[TD_ROWS_MAX + r] = value[0];
        s->slot[r][0] = r;
    }
    for (int i = 0; i < TD_SIGNALS_MAX; i++) {
        is_above[i] = above >> i & 1;
        is_below[i] = below >> i & 1;
    }
    td_kernel_chunk one = {.begin = t, .end = t + 1, .rows = rows + TD_ROWS_MAX, .stride = TD_ROWS_MAX};
    s->equity = equity;
    bool wants = set->strategy->kernels[TD_ISA_SCALAR]->decide(set->view, &one, t, s, is_above, is_below, target);
    s->equity = before;
    return wants;
}

void td_skip_decide(const td_skip_set *set, const td_skip_chunk *chunk, int64_t t, unsigned above, unsigned below, int64_t sample) {
    const td_kernel_deck *view = set->view;
    td_vector *s = set->vector;
    double target = 0;
    if (!wanted(set, chunk, t, s->equity, above, below, &target)) return;
    bool at_close = view->fill_at == TD_FILL_CLOSE;
    td_trade_to(view, s, target, 1, t, sample, at_close ? t : t + 1, at_close ? view->close[t] : view->open[t + 1],
                at_close ? TD_FILL_REASON_close : TD_FILL_REASON_open, false);
}

void td_skip_last_bar(const td_skip_set *set, int64_t sample) {
    const td_kernel_deck *view = set->view;
    td_vector *s = set->vector;
    int64_t t = view->bars - 1;
    td_guard(view, s, t, sample);
    if (view->finalize) {
        td_trade_to(view, s, 0, 0, t - 1, sample, t, view->close[t], TD_FILL_REASON_end, true);
        td_guard(view, s, t, sample);
    }
    double equity = s->cash + s->position * view->close[t];
    s->trough = td_min(equity, s->trough);
    s->equity = equity;
    if (equity >= s->record) td_new_peak(view, s, 1, t, equity);
}
