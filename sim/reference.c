/* The plain engine: one set, one bar after the other, in scalar C. It is the oracle of the other engines, and what a single detailed
 * run plays with.
 *
 * It shares with them the strategy's compiled decision, the rows, the fields of td_lane and the finish. Fills are the broker's
 * (sim/broker.c), which it asks on every bar, so that the others' guards are tested; marks, samples and peaks (sim/plain.c) are those of
 * the wide loops written a second time, with ifs. The order of operations is part of the contract. */
#include <math.h>
#include <string.h>

#include "sim/plain.h"
#include "sim/reference.h"

typedef struct detail {
    const td_deck *deck;
    const td_kernel_deck *view;
    const td_observer *observer;
    td_lane *lane;
    td_seat seat; /* its sample is the next one */
    td_order orders[TD_REQUESTS_MAX]; /* of the last decision */
} detail;

static void mark(detail *run, int64_t t) {
    td_lane *lane = run->lane;
    td_plain_mark(lane, run->view, t, lane->cash + lane->position * run->view->close[t]);
    if (run->observer->on_bar) run->observer->on_bar(run->observer->context, t, lane->ruined != 0 ? 0 : lane->equity, lane->position);
}

/* What the strategy wants after bar t; false where it wants nothing. Also moves the signals on. */
static bool decide(detail *run, const td_kernel_chunk *chunk, const int32_t *slots, int64_t t, double equity, td_decision *decision) {
    td_lane *lane = run->lane;
    const td_kernel_deck *view = run->view;
    const td_strategy *strategy = run->deck->def.strategy;
    const double *rows = chunk->rows + (t - chunk->begin) * chunk->stride;
    int above[TD_SIGNALS_MAX] = {0}, below[TD_SIGNALS_MAX] = {0};
    *decision = (td_decision){0};
    if (!td_plain_cross(strategy, view, rows, slots, lane->param, lane->gap, t, above, below)) return false;
    td_vector vector;
    td_wish wish;
    td_request requests[TD_REQUESTS_MAX];
    memcpy(&vector, lane, sizeof *lane);
    vector.equity = equity;
    memcpy(vector.slot, slots, sizeof vector.slot);
    bool wants = strategy->kernels[TD_ISA_SCALAR]->decide(view, chunk, t, &vector, above, below, &wish, *strategy->orders ? requests : NULL);
    memcpy(lane->state, vector.state, sizeof lane->state);
    wish.volatility = view->volatility_row < 0 ? 0 : rows[slots[view->volatility_row]];
    *decision = td_decision_of(&wish, 0, run->orders);
    if (wants && run->observer->on_decision) run->observer->on_decision(run->observer->context, t, decision);
    return wants;
}

void td_reference_play(const td_deck *deck, const td_set *set, td_rows *rows, const td_observer *observer, td_lane *lane,
                       td_account *account, td_order_list *list, double *block_equity) {
    static const td_observer nobody;
    const td_kernel_deck *view = &deck->view;
    detail run = {.deck = deck, .view = view, .observer = observer ? observer : &nobody, .lane = lane};
    run.seat = (td_seat){.deck = view, .field = (double *)lane, .stride = 1, .account = account, .list = list,
                         .observer = observer, .thorough = true};
    int32_t slots[TD_ROWS_MAX] = {0};
    int64_t block = 0, last = view->bars - 1;
    td_decision decision;
    td_lane_start(deck, set, lane);
    lane->wake = td_account_start(view, set, account);
    if (list) td_order_list_start(list);
    td_rows_start(rows, set, 1, slots);
    while (rows->end < view->bars) {
        if (run.observer->before_bar) run.observer->before_bar(run.observer->context, rows->end);
        td_rows_next(rows);
        td_kernel_chunk chunk = td_rows_chunk(rows);
        for (int64_t t = chunk.begin; t < chunk.end; t++) {
            td_broker_bar(&run.seat, t);
            bool orders_first = view->profile == TD_PROFILE_VECTORBT;
            if (orders_first && decide(&run, &chunk, slots, t, lane->cash + lane->position * view->close[t], &decision))
                td_broker_decide(&run.seat, &decision, t);
            if (t == last && view->finalize) {
                double equity = lane->cash + lane->position * view->close[t];
                decision = (td_decision){0};
                if (view->profile == TD_PROFILE_BACKTESTING) decide(&run, &chunk, slots, t, equity, &decision);
                td_broker_finalize(&run.seat, &decision);
            }
            mark(&run, t);
            td_plain_sample(lane, view, t, &run.seat.sample);
            if (t < last && !orders_first && decide(&run, &chunk, slots, t, lane->equity, &decision)) td_broker_decide(&run.seat, &decision, t);
            if (block < view->blocks && view->block_end[block] == t) block_equity[block++] = lane->ruined != 0 ? 0 : lane->equity;
        }
    }
}
