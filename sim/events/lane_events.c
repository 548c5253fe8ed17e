/* See sim/events.h; the rules are in sim/ledger.h, sim/protection.h and, for lanes with accounts, in sim/broker.c. */
#include "sim/broker.h"
#include "sim/events.h"
#include "sim/protection.h"

static void peak(const td_kernel_deck *deck, td_vector *vector, int64_t t) {
    td_new_peak(deck, vector, vector->equity >= vector->record, t, vector->equity);
}

/* ---- plain ---- */

static void bar(const td_kernel_deck *deck, td_vector *vector, const td_mask *lanes, int64_t t, int64_t sample) {
    (void)lanes; /* nothing happens to the others */
    td_guard(deck, vector, t, sample);
}

/* Returns the lanes that entered. */
TD_INLINE td_mask trade_to(const td_kernel_deck *deck, td_vector *vector, const td_wish *wish, int64_t t, int64_t sample, td_mask barred) {
    bool at_close = deck->fill_at == TD_FILL_CLOSE;
    return td_trade_to(deck, vector, wish->target, wish->where, t, sample, at_close ? t : t + 1,
                       at_close ? deck->close[t] : deck->open[t + 1], at_close ? TD_FILL_REASON_close : TD_FILL_REASON_open, false,
                       barred);
}

static void trade(const td_kernel_deck *deck, td_vector *vector, const td_wish *wish, int64_t t, int64_t sample) {
    trade_to(deck, vector, wish, t, sample, td_no_lane());
}

static void finalize(const td_kernel_deck *deck, td_vector *vector, const td_wish *wish, int64_t sample) {
    td_finalize(deck, vector, wish->target, wish->where, sample);
}

/* ---- protected ---- */

/* Nothing happens to lanes that the bar does not touch once their trailing stops have followed it, whichever way prices took. */
static void calm(const td_kernel_deck *deck, td_vector *s, td_mask *lanes, int64_t t) {
    td_catch_up(deck, s, t - 1);
    double low = deck->low[t], high = deck->high[t];
    td_trail trail = td_trail_to(s, low, high);
    td_mask alone = td_splat((double)t) < s->wake;
    alone = alone & (low > td_max(trail.stop_low, s->calm_low)) & (high < td_min(trail.stop_high, s->calm_high));
    alone = (alone | td_not(*lanes)) & (s->position != 0);
    td_follow(s, alone, trail);
    td_guard_trails(deck, s, alone, t);
    s->followed = td_splat((double)t);
    *lanes = *lanes & td_not(alone);
}

static void protected_bar(const td_kernel_deck *deck, td_vector *vector, const td_mask *lanes, int64_t t, int64_t sample) {
    td_guard_protected(deck, vector, *lanes, t, sample);
}

static void protected_trade(const td_kernel_deck *deck, td_vector *vector, const td_wish *wish, int64_t t, int64_t sample) {
    td_catch_up(deck, vector, t);
    td_mask entered = trade_to(deck, vector, wish, t, sample, wish->volatility != wish->volatility);
    if (td_any(entered)) td_protect(vector, entered, deck->fill_at == TD_FILL_CLOSE ? t : t + 1, wish->volatility);
    td_set_guards(deck, vector, wish->where, t);
}

/* ---- at the broker's ---- */

static td_seat seat_of(const td_kernel_deck *deck, td_vector *vector, int lane, int64_t sample) {
    return (td_seat){.deck = deck, .field = (double *)vector + lane, .stride = TD_LANES, .account = vector->accounts + lane,
                     .sample = sample};
}

static void broker_bar(const td_kernel_deck *deck, td_vector *vector, const td_mask *lanes, int64_t t, int64_t sample) {
    for (unsigned left = td_mask_word(*lanes); left; left &= left - 1) {
        td_seat seat = seat_of(deck, vector, __builtin_ctz(left), sample);
        td_broker_bar(&seat, t);
    }
}

/* Calls act() for these lanes, with what each wants. */
static void each_decision(const td_kernel_deck *deck, td_vector *vector, const td_wish *wish, int64_t t, int64_t sample, unsigned lanes,
                          void (*act)(td_seat *seat, const td_decision *decision, int64_t t)) {
    for (; lanes; lanes &= lanes - 1) {
        int lane = __builtin_ctz(lanes);
        td_order orders[TD_REQUESTS_MAX];
        td_decision decision = td_decision_of(wish, lane, orders);
        td_seat seat = seat_of(deck, vector, lane, sample);
        act(&seat, &decision, t);
    }
}

static void broker_trade(const td_kernel_deck *deck, td_vector *vector, const td_wish *wish, int64_t t, int64_t sample) {
    td_catch_up(deck, vector, t);
    unsigned lanes = td_mask_word(wish->where);
    for (int i = 0; i < wish->request_count && i < TD_REQUESTS_MAX; i++) lanes |= td_mask_word(wish->requests[i].where);
    each_decision(deck, vector, wish, t, sample, lanes, td_broker_decide);
}

static void finalize_one(td_seat *seat, const td_decision *decision, int64_t t) {
    (void)t;
    td_broker_finalize(seat, decision);
}

static void broker_finalize(const td_kernel_deck *deck, td_vector *vector, const td_wish *wish, int64_t sample) {
    each_decision(deck, vector, wish, deck->bars - 1, sample, (1u << TD_LANES) - 1, finalize_one);
}

extern const td_events TD_ISA_NAME(td_events_lane_events)[TD_ROUTES];
const td_events TD_ISA_NAME(td_events_lane_events)[TD_ROUTES] = {
    [TD_ROUTE_PLAIN] = {NULL, bar, peak, trade, finalize},
    [TD_ROUTE_PROTECTED] = {calm, protected_bar, peak, protected_trade, finalize},
    [TD_ROUTE_BROKER] = {calm, broker_bar, peak, broker_trade, broker_finalize},
};
