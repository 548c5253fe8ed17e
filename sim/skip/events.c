/* Events of the skip engine: the ledger's, on one lane. See skip.h. Compiled once per instruction set, for its instructions, but
 * always in the one-lane algebra: the same bits. */
#ifdef TD_ISA_INDEX
#undef TD_ISA_INDEX
#define TD_ISA_INDEX 0
#endif
#include "sim/skip.h"

#include "sim/ledger.h"
#include "sim/order.h"

void TD_ISA_NAME(td_skip_guard)(const td_skip_set *set, int64_t t, int64_t sample) { td_guard(set->view, set->vector, t, sample); }

void TD_ISA_NAME(td_skip_peak)(const td_skip_set *set, int64_t t, double equity) { td_new_peak(set->view, set->vector, 1, t, equity); }

void TD_ISA_NAME(td_skip_decide)(const td_skip_set *set, const td_skip_chunk *chunk, int64_t t, unsigned above, unsigned below, int64_t sample) {
    const td_kernel_deck *view = set->view;
    td_vector *s = set->vector;
    int is_above[TD_SIGNALS_MAX], is_below[TD_SIGNALS_MAX];
    for (int i = 0; i < set->strategy->signal_count; i++) {
        is_above[i] = above >> i & 1;
        is_below[i] = below >> i & 1;
    }
    /* row-major rows read as time-major ones with one number a bar: the slots are offsets of whole rows */
    td_kernel_chunk rows = {.begin = chunk->begin, .end = chunk->end, .rows = chunk->values, .stride = 1};
    td_wish wish;
    if (!set->strategy->kernels[TD_ISA_SCALAR]->decide(view, &rows, t, s, is_above, is_below, &wish, NULL)) return;
    bool at_close = view->fill_at == TD_FILL_CLOSE;
    td_trade_to(view, s, wish.target, 1, t, sample, at_close ? t : t + 1, at_close ? view->close[t] : view->open[t + 1],
                at_close ? TD_FILL_REASON_close : TD_FILL_REASON_open, false, 0);
}

void TD_ISA_NAME(td_skip_last_bar)(const td_skip_set *set, int64_t sample) {
    const td_kernel_deck *view = set->view;
    td_vector *s = set->vector;
    int64_t t = view->bars - 1;
    td_guard(view, s, t, sample);
    if (view->finalize) td_finalize(view, s, 0, 0, sample);
    double equity = s->cash + s->position * view->close[t];
    s->trough = td_min(equity, s->trough);
    s->equity = equity;
    if (equity >= s->record) td_new_peak(view, s, 1, t, equity);
}
