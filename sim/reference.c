/* The plain engine: one set, one bar after the other, in scalar C. It is the written meaning of docs/bar-rules.md, the oracle of
 * the other engines, and what a single detailed run plays with.
 *
 * It shares with them the strategy's compiled decision, the rows, the fields of td_lane and the finish, and nothing else: every
 * rule here is written a second time, with ifs. The order of operations is part of the contract. */
#include <math.h>
#include <string.h>

#include "base/math.h"
#include "sim/reference.h"

typedef struct detail {
    const td_deck *deck;
    const td_kernel_deck *view;
    const td_observer *observer;
    td_lane *lane;
    int64_t sample; /* the next one */
    td_fill_reason entry_reason;
} detail;

static uint64_t bits_of(double x) {
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static void note_fill(detail *run, int64_t bar, double units, double base, double price, double commission, double spread, double slippage,
                      td_fill_reason reason) {
    td_lane *lane = run->lane;
    double value = fabs(units) * base;
    lane->commission_paid += commission;
    lane->spread_paid += value * spread;
    lane->slippage_paid += value * slippage;
    lane->fills += 1;
    uint64_t h = bits_of(lane->hash);
    uint64_t what = bits_of(units) * 0x9E3779B97F4A7C15ull + bits_of(price) * 0xC2B2AE3D27D4EB4Full +
                    bits_of((double)bar * 16 + reason) * 0x165667B19E3779F9ull;
    h = (((h << 27) | (h >> 37)) ^ what) * 0xD6E8FEB86659FD93ull;
    memcpy(&lane->hash, &h, sizeof h);
    if (run->observer->on_fill)
        run->observer->on_fill(run->observer->context,
                               &(td_fill){.bar = bar, .reason = reason, .units = units, .price = price, .commission = commission,
                                          .spread_cost = value * spread, .slippage_cost = value * slippage,
                                          .position = lane->position});
}

static void leave(detail *run, int64_t bar, double base, double factor, double spread, double slippage, td_fill_reason reason) {
    td_lane *lane = run->lane;
    double price = base * factor, units = lane->position, size = fabs(units), entered = lane->entry_bar;
    double commission = lane->fixed + size * price * lane->rate;
    double gross = units * (price - lane->entry_price), costs = commission + lane->entry_commission, pnl = gross - costs;
    double change = pnl / (size * lane->entry_price);

    lane->balance += gross - commission;
    lane->cash = lane->balance;
    lane->position = 0;
    lane->stop_low = -INFINITY;
    lane->stop_high = INFINITY;

    lane->trades += 1;
    lane->sum_pnl += pnl;
    lane->sum_pnl2 += pnl * pnl;
    if (pnl > 0) {
        lane->wins += 1;
        lane->gain_pnl += pnl;
    } else if (pnl < 0) {
        lane->losses += 1;
        lane->loss_pnl += pnl;
    }
    lane->sum_return += change;
    if (change > 0) lane->gain_return += change;
    if (change < 0) lane->loss_return += change;
    if (change > lane->best) lane->best = change;
    if (change < lane->worst) lane->worst = change;
    lane->growth *= 1 + change > 0 ? 1 + change : 0;
    if (lane->growth < 0x1p-500) {
        lane->growth *= 0x1p500;
        lane->growth_exponent -= 500;
    } else if (lane->growth > 0x1p500) {
        lane->growth *= 0x1p-500;
        lane->growth_exponent += 500;
    }
    double duration = run->view->seconds[bar] - run->view->seconds[(int64_t)entered];
    lane->duration_sum += duration;
    if (duration > lane->duration_max) lane->duration_max = duration;
    lane->exposed += (double)bar - fmax(entered, lane->covered + 1) + 1;
    lane->covered = (double)bar;

    note_fill(run, bar, -units, base, price, commission, spread, slippage, reason);
    if (run->observer->on_trade)
        run->observer->on_trade(run->observer->context,
                                &(td_trade){.entry_bar = (int64_t)entered, .exit_bar = bar, .entry_reason = run->entry_reason,
                                            .exit_reason = reason, .units = units, .entry_price = lane->entry_price,
                                            .exit_price = price, .commission = costs, .pnl = pnl, .ret = change});
}

/* Nothing is left, or the strategy lost its mind: the set plays no more. Its equity is 0 from here on. */
static void stop(detail *run) {
    td_lane *lane = run->lane;
    double market = run->sample < run->view->samples ? run->view->sample_market[run->sample] : 0;
    bool counts = true;
    if (run->view->profile == TD_PROFILE_BACKTESTING) {
        market = 0;
        if (run->sample == 0) {
            lane->first_sample = 0;
            counts = false;
        }
    }
    if (counts) {
        lane->sum_r += -1;
        lane->sum_r2 += 1;
        lane->sum_down2 += 1;
        lane->sum_market += -market;
    }
    lane->ruined = 1;
    lane->balance = lane->cash = lane->position = lane->equity = lane->trough = 0;
    lane->stop_low = -INFINITY;
    lane->stop_high = INFINITY;
}

static void enter(detail *run, int64_t bar, int64_t marked, double base, int direction, double scale, td_fill_reason reason) {
    td_lane *lane = run->lane;
    const td_kernel_deck *view = run->view;
    double factor = direction > 0 ? lane->enter_buy : lane->enter_sell, price = base * factor;
    bool lots = lane->lot > 0, refuse;
    double lot = lots ? lane->lot : 1, size;
    if (view->profile == TD_PROFILE_BACKTESTING) {
        double lot_price = base * lot, adjusted = lot_price * factor, count, cost;
        if (view->sizing == TD_SIZING_FIXED_UNITS) {
            count = lane->size * scale;
            if (lots) count = td_floor_divide(count, lot);
            cost = adjusted + (lane->fixed + count * lot_price * lane->rate) / count;
        } else {
            double share = view->sizing == TD_SIZING_FRACTION ? lane->size * scale : scale;
            if (!(share < 1 - 0x1p-52)) share = 1 - 0x1p-52;
            cost = adjusted + (lane->fixed + share * lot_price * lane->rate) / share;
            double budget = lane->balance * share;
            count = lots ? td_floor_divide(budget > 0 ? budget : 0, cost) : budget / cost;
        }
        size = count * lot;
        refuse = count <= 0 || count * cost > lane->balance;
    } else {
        double unit_cost = price * (1 + lane->rate), wanted;
        if (view->sizing == TD_SIZING_FIXED_UNITS)
            wanted = lane->size * scale;
        else
            wanted = ((view->sizing == TD_SIZING_FRACTION ? lane->balance * lane->size : lane->balance) * scale - lane->fixed) / unit_cost;
        size = lots ? td_floor_divide(wanted > 0 ? wanted : 0, lot) * lot : wanted;
        refuse = size <= 0 || size * unit_cost + lane->fixed > lane->balance * (1 + 0x1p-40);
    }
    if (refuse) {
        lane->refused += 1;
        return;
    }
    if (!(size < INFINITY)) {
        lane->failed = TD_CELL_REASON_nan_target;
        lane->failed_bar = (double)bar;
        stop(run);
        return;
    }
    double units = direction > 0 ? size : -size, commission = lane->fixed + size * price * lane->rate;
    if (lane->record == INFINITY) {
        lane->record = lane->peak;
        lane->peak_bar = (double)marked;
    }
    lane->balance -= commission;
    lane->entry_commission = commission;
    lane->entry_price = price;
    lane->entry_bar = (double)bar;
    lane->position = units;
    lane->cash = lane->balance - units * price;
    lane->stop_low = price * (direction > 0 ? lane->long_low : lane->short_low);
    lane->stop_high = price * (direction > 0 ? lane->long_high : lane->short_high);
    run->entry_reason = reason;
    note_fill(run, bar, units, base, price, commission, lane->spread_enter, lane->slippage, reason);
}

/* Stops and targets on the bar's range, then ruin at its close. */
static void guard(detail *run, int64_t t) {
    td_lane *lane = run->lane;
    const td_kernel_deck *view = run->view;
    if (lane->ruined) return;
    double open = view->open[t];
    bool hit_low = view->low[t] <= lane->stop_low, hit_high = view->high[t] >= lane->stop_high;
    if (hit_low && hit_high) lane->ambiguous += 1;
    if (lane->position > 0) {
        if (hit_low) /* the stop */
            leave(run, t, open < lane->stop_low ? open : lane->stop_low, lane->leave_sell, lane->spread_leave, lane->slippage,
                  open <= lane->stop_low ? TD_FILL_REASON_stop_gap : TD_FILL_REASON_stop);
        else if (hit_high)
            leave(run, t, open > lane->stop_high ? open : lane->stop_high, 1, 0, 0,
                  open >= lane->stop_high ? TD_FILL_REASON_target_gap : TD_FILL_REASON_target);
    } else if (lane->position < 0) {
        if (hit_high)
            leave(run, t, open > lane->stop_high ? open : lane->stop_high, lane->leave_buy, lane->spread_leave, lane->slippage,
                  open >= lane->stop_high ? TD_FILL_REASON_stop_gap : TD_FILL_REASON_stop);
        else if (hit_low)
            leave(run, t, open < lane->stop_low ? open : lane->stop_low, 1, 0, 0,
                  open <= lane->stop_low ? TD_FILL_REASON_target_gap : TD_FILL_REASON_target);
    }
    if (lane->cash + lane->position * view->close[t] <= 0) {
        if (lane->position != 0)
            leave(run, t, view->close[t], lane->position > 0 ? lane->leave_sell : lane->leave_buy, lane->spread_leave, lane->slippage,
                  TD_FILL_REASON_ruin);
        stop(run);
    }
}

static void mark(detail *run, int64_t t) {
    td_lane *lane = run->lane;
    const td_kernel_deck *view = run->view;
    double before = lane->equity, equity = lane->cash + lane->position * view->close[t];
    if (view->market_log && !lane->ruined) lane->sum_market += td_log(equity / before) * view->market_log[t];
    lane->equity = equity;
    if (run->observer->on_bar) run->observer->on_bar(run->observer->context, t, equity, lane->position);
    if (lane->ruined) return;
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
    if (run->sample >= view->samples || view->sample_bar[run->sample] != t) return;
    int64_t k = run->sample++;
    if (k == 0) lane->first_sample = lane->equity;
    if (!lane->ruined && (k > 0 || view->profile != TD_PROFILE_BACKTESTING)) {
        double r = (lane->equity - lane->sample_equity) / lane->sample_equity, down = r < 0 ? r : 0;
        lane->sum_r += r;
        lane->sum_r2 += r * r;
        lane->sum_down2 += down * down;
        if (!view->market_log) lane->sum_market += r * view->sample_market[k];
    }
    lane->sample_equity = lane->equity;
}

/* What the strategy wants after bar t; false where it wants nothing. Also moves the signals on. */
static bool decide(detail *run, const td_kernel_chunk *chunk, const int32_t *slots, int64_t t, double equity, double *target) {
    td_lane *lane = run->lane;
    const td_kernel_deck *view = run->view;
    const td_strategy *strategy = run->deck->def.strategy;
    const double *rows = chunk->rows + (t - chunk->begin) * chunk->stride;
    int above[TD_SIGNALS_MAX] = {0}, below[TD_SIGNALS_MAX] = {0};
    bool any = strategy->every_bar;
    for (int i = 0; i < strategy->signal_count; i++) {
        const td_signal_info *signal = &strategy->signals[i];
        if (signal->kind == TD_SIGNAL_START)
            above[i] = t == view->start_bar;
        else {
            double level = signal->kind == TD_SIGNAL_CROSS ? rows[slots[signal->other]] : lane->param[signal->other];
            double gap = rows[slots[signal->row]] - level, before = lane->gap[i];
            above[i] = gap > 0 && before < view->touch;
            below[i] = gap < 0 && before > -view->touch;
            lane->gap[i] = gap;
        }
        any = any || above[i] || below[i];
    }
    if (!any) return false;
    td_vector vector;
    memcpy(&vector, lane, sizeof *lane);
    vector.equity = equity;
    memcpy(vector.slot, slots, (size_t)strategy->row_count * sizeof *slots);
    bool wants = strategy->kernels[TD_ISA_SCALAR]->decide(view, chunk, t, &vector, above, below, target);
    memcpy(lane->state, vector.state, sizeof lane->state);
    if (wants && run->observer->on_decision) run->observer->on_decision(run->observer->context, t, *target);
    return wants;
}

/* Carries out a decision made after bar t at base prices of `bar`. */
static void trade_to(detail *run, bool wants, double target, int64_t t, int64_t bar, double base, td_fill_reason reason, bool close_all) {
    td_lane *lane = run->lane;
    if (run->view->direction == TD_DIRECTION_LONG && target < 0) target = 0;
    if (run->view->direction == TD_DIRECTION_SHORT && target > 0) target = 0;
    if (wants && !lane->ruined && !(fabs(target) < INFINITY)) {
        lane->failed = TD_CELL_REASON_nan_target;
        lane->failed_bar = (double)t;
        stop(run);
    }
    if (lane->ruined) return;
    bool stands = (target > 0) == (lane->position > 0) && (target < 0) == (lane->position < 0);
    if (run->view->profile == TD_PROFILE_BACKTESTING) stands = target == 0 && lane->position == 0;
    bool go = wants && !stands;
    if (lane->position != 0 && (go || close_all))
        leave(run, bar, base, lane->position > 0 ? lane->leave_sell : lane->leave_buy, lane->spread_leave, lane->slippage,
              close_all ? TD_FILL_REASON_end : reason);
    if (go && target != 0) enter(run, bar, t, base, target > 0 ? 1 : -1, fabs(target) < 1 ? fabs(target) : 1, reason);
}

void td_reference_play(const td_deck *deck, const td_set *set, td_rows *rows, const td_observer *observer, td_lane *lane,
                       double *block_equity) {
    static const td_observer nobody;
    const td_kernel_deck *view = &deck->view;
    detail run = {.deck = deck, .view = view, .observer = observer ? observer : &nobody, .lane = lane};
    int32_t slots[TD_ROWS_MAX] = {0};
    int64_t block = 0, last = view->bars - 1;
    td_fill_reason why = view->fill_at == TD_FILL_CLOSE ? TD_FILL_REASON_close : TD_FILL_REASON_open;
    td_lane_start(deck, set, lane);
    td_rows_start(rows, set, 1, slots);
    while (rows->end < view->bars) {
        if (run.observer->before_bar) run.observer->before_bar(run.observer->context, rows->end);
        td_rows_next(rows);
        td_kernel_chunk chunk = td_rows_chunk(rows);
        for (int64_t t = chunk.begin; t < chunk.end; t++) {
            double target = 0;
            guard(&run, t);
            if (t < last) {
                mark(&run, t);
                sample(&run, t);
                if (decide(&run, &chunk, slots, t, lane->equity, &target)) {
                    int64_t bar = view->fill_at == TD_FILL_CLOSE ? t : t + 1;
                    trade_to(&run, true, target, t, bar, view->fill_at == TD_FILL_CLOSE ? view->close[t] : view->open[bar], why, false);
                }
            } else {
                if (view->finalize && view->profile == TD_PROFILE_BACKTESTING) {
                    bool wants = decide(&run, &chunk, slots, t, lane->cash + lane->position * view->close[t], &target);
                    int64_t bar = view->fill_at == TD_FILL_CLOSE && t > 0 ? t - 1 : t;
                    trade_to(&run, wants, target, t - 1, bar, view->fill_at == TD_FILL_CLOSE ? view->close[bar] : view->open[t], why, true);
                    guard(&run, t);
                } else if (view->finalize) {
                    trade_to(&run, false, 0, t - 1, t, view->close[t], TD_FILL_REASON_end, true);
                    guard(&run, t);
                }
                mark(&run, t);
                sample(&run, t);
            }
            if (block < view->blocks && view->block_end[block] == t) block_equity[block++] = lane->equity;
        }
    }
}
