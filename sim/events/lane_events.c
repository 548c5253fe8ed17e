/* See sim/events.h; the rules are in sim/ledger.h. */
#include "sim/events.h"
#include "sim/ledger.h"

static void guard(const td_kernel_deck *deck, td_vector *vector, int64_t t, int64_t sample) { td_guard(deck, vector, t, sample); }

static void peak(const td_kernel_deck *deck, td_vector *vector, int64_t t) {
    td_new_peak(deck, vector, vector->equity >= vector->record, t, vector->equity);
}

static void trade(const td_kernel_deck *deck, td_vector *vector, const td_wish *wish, int64_t t, int64_t sample) {
    td_trade_to(deck, vector, wish->target, wish->where, t, sample, wish->bar, wish->base, wish->reason, wish->close_all);
}

extern const td_events TD_ISA_NAME(td_events_lane_events);
const td_events TD_ISA_NAME(td_events_lane_events) = {guard, peak, trade};
