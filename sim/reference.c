/* The plain engine: one set, one bar after the other, in scalar C. It is the oracle of the other engines, and what a single detailed
 * run plays with.
 *
 * It shares with them the strategy's compiled decision, the rows, the fields of td_lane and the finish. Fills are the broker's
 * (sim/broker.c), which it asks on every bar, so that the others' guards are tested; marks, samples and peaks are written here a
 * second time, with ifs. The order of operations is part of the contract. */
#include <math.h>
#include <string.h>

#include "base/math.h"
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
    const td_kernel_deck *view = run->view;
    double before = lane->equity, equity = lane->cash + lane->position * view->close[t];
    if (view->market_log && lane->ruined == 0) lane->sum_market += td_log(equity / before) * view->market_log[t];
    lane->equity = equity;
    if (run->observer->on_bar) run->observer->on_bar(run->observer->context, t, lane->ruined != 0 ? 0 : equity, lane->position);
    if (lane->ruined != 0) return;
    if (equity < lane->trough) lane->trough = equity;
    /* flat at the peak (record +inf) nothing moves; its bars are caught up with at the next entry */
    if (!(equity >= lane->record)) return;
    if (lane->trough < lane->peak) {
        double ratio = lane->trough / lane->peak, lasted = view->seconds[t] - view->seconds[(int64_t)lane->peak_bar];
        if (ratio < lane->worst_ratio) lane->worst_ratio = ratio;
        lane->drawdown_sum += 1 - ratio;
        lane->drawdowns += 1;
        lane->drawdown_time_sum += lasted;
        if (lasted > lane->drawdown_time_max) lane->drawdown_time_max = lasted;
    }
    lane->peak = lane->trough = equity;
    lane->peak_bar = (double)t;
    lane->record = lane->position == 0 ? INFINITY : equity;
}

/* At the close of a sample's last bar. */
static void sample(detail *run, int64_t t) {
    td_lane *lane = run->lane;
    const td_kernel_deck *view = run->view;
    if (run->seat.sample >= view->samples || view->sample_bar[run->seat.sample] != t) return;
    int64_t k = run->seat.sample++;
    if (k == 0) lane->first_sample = lane->ruined != 0 ? 0 : lane->equity;
    if (lane->ruined == 0 && (k > 0 || view->profile != TD_PROFILE_BACKTESTING)) {
        /* from nothing to nothing, in profile vectorbt, where nobody is ruined, is no return either */
        double change = lane->equity - lane->sample_equity, r = change == 0 ? 0 : change / fabs(lane->sample_equity);
        double shortfall = r - view->required, down = shortfall < 0 ? shortfall : 0;
        lane->sum_r += r;
        lane->sum_r2 += r * r;
        lane->sum_down2 += down * down;
        if (!view->market_log) lane->sum_market += r * view->sample_market[k];
    }
    lane->sample_equity = lane->equity;
}

/* What the strategy wants after bar t; false where it wants nothing. Also moves the signals on. */
static bool decide(detail *run, const td_kernel_chunk *chunk, const int32_t *slots, int64_t t, double equity, td_decision *decision) {
    td_lane *lane = run->lane;
    const td_kernel_deck *view = run->view;
    const td_strategy *strategy = run->deck->def.strategy;
    const double *rows = chunk->rows + (t - chunk->begin) * chunk->stride;
    int above[TD_SIGNALS_MAX] = {0}, below[TD_SIGNALS_MAX] = {0};
    bool any = strategy->every_bar;
    td_order *orders = run->orders;
    *decision = (td_decision){.requests = orders};
    for (int i = 0; i < strategy->signal_count; i++) {
        const td_signal_info *signal = &strategy->signals[i];
        if (signal->kind == TD_SIGNAL_START)
            above[i] = t == view->start_bar;
        else {
            double other = signal->kind == TD_SIGNAL_CROSS          ? rows[slots[signal->other]]
                           : signal->level.from == TD_FROM_CONSTANT ? signal->level.value
                                                                    : lane->param[signal->level.index];
            double gap = rows[slots[signal->row]] - other, before = lane->gap[i];
            above[i] = gap > 0 && before < view->touch;
            below[i] = gap < 0 && before > -view->touch;
            lane->gap[i] = gap;
        }
        any = any || above[i] || below[i];
    }
    if (!any) return false;
    td_vector vector;
    td_wish wish;
    td_request requests[TD_REQUESTS_MAX];
    memcpy(&vector, lane, sizeof *lane);
    vector.equity = equity;
    memcpy(vector.slot, slots, sizeof vector.slot);
    bool wants = strategy->kernels[TD_ISA_SCALAR]->decide(view, chunk, t, &vector, above, below, &wish, *strategy->orders ? requests : NULL);
    memcpy(lane->state, vector.state, sizeof lane->state);
    decision->wants = wish.where;
    decision->target = wish.target;
    if (view->volatility_row >= 0) decision->volatility = rows[slots[view->volatility_row]];
    if (wish.request_count > TD_REQUESTS_MAX) decision->request_count = wish.request_count;
    for (int i = 0; i < wish.request_count && wish.request_count <= TD_REQUESTS_MAX; i++)
        if (requests[i].where) {
            const td_request *request = &requests[i];
            orders[decision->request_count++] =
                (td_order){.kind = request->kind, .exit = request->exit, .group = request->group, .side = request->side,
                           .scale = request->scale, .limit = request->limit, .stop = request->stop, .stop_loss = request->stop_loss,
                           .take_profit = request->take_profit, .trail = request->trail, .bars = request->bars};
        }
    if (wants && run->observer->on_decision) run->observer->on_decision(run->observer->context, t, decision);
    return wants;
}

void td_reference_play(const td_deck *deck, const td_set *set, td_rows *rows, const td_observer *observer, td_lane *lane,
                       td_account *account, td_book *book, double *block_equity) {
    static const td_observer nobody;
    const td_kernel_deck *view = &deck->view;
    detail run = {.deck = deck, .view = view, .observer = observer ? observer : &nobody, .lane = lane};
    run.seat = (td_seat){.deck = view, .field = (double *)lane, .stride = 1, .account = account, .book = book,
                         .observer = observer, .thorough = true};
    int32_t slots[TD_ROWS_MAX] = {0};
    int64_t block = 0, last = view->bars - 1;
    td_decision decision;
    td_lane_start(deck, set, lane);
    lane->wake = td_account_start(view, set, account);
    if (book) td_book_start(book);
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
            sample(&run, t);
            if (t < last && !orders_first && decide(&run, &chunk, slots, t, lane->equity, &decision)) td_broker_decide(&run.seat, &decision, t);
            if (block < view->blocks && view->block_end[block] == t) block_equity[block++] = lane->ruined != 0 ? 0 : lane->equity;
        }
    }
}
