/* See plain.h. */
#include "sim/plain.h"

#include <math.h>
#include <string.h>

#include "base/bits.h"
#include "base/math.h"

#define P(name) (field[TD_FIELD_##name * stride])

void td_plain_note_fill(double *field, int stride, const td_fill *fill, double value, uint64_t salt) {
    P(commission_paid) += fill->commission;
    P(spread_paid) += fill->spread_cost;
    P(slippage_paid) += fill->slippage_cost;
    P(fills) += 1;
    P(turnover) += value;
    uint64_t h = td_bits_of(P(hash));
    uint64_t what = td_bits_of(fill->units) * 0x9E3779B97F4A7C15ull + td_bits_of(fill->price) * 0xC2B2AE3D27D4EB4Full +
                    td_bits_of((double)fill->bar * 64 + fill->reason) * 0x165667B19E3779F9ull + salt * 0x27D4EB2F165667C5ull;
    h = td_hash_step(h, what);
    memcpy(&P(hash), &h, sizeof h);
}

void td_plain_count_trade(double *field, int stride, double pnl, double change, double seconds) {
    P(trades) += 1;
    P(sum_pnl) += pnl;
    P(sum_pnl2) += pnl * pnl;
    if (pnl > 0) {
        P(wins) += 1;
        P(gain_pnl) += pnl;
    } else if (pnl < 0) {
        P(losses) += 1;
        P(loss_pnl) += pnl;
    }
    P(sum_return) += change;
    if (change > 0) P(gain_return) += change;
    if (change < 0) P(loss_return) += change;
    if (change > P(best)) P(best) = change;
    if (change < P(worst)) P(worst) = change;
    P(growth) *= 1 + change > 0 ? 1 + change : 0;
    if (P(growth) < 0x1p-500) {
        P(growth) *= 0x1p500;
        P(growth_exponent) -= 500;
    } else if (P(growth) > 0x1p500) {
        P(growth) *= 0x1p-500;
        P(growth_exponent) += 500;
    }
    P(duration_sum) += seconds;
    if (seconds > P(duration_max)) P(duration_max) = seconds;
}

void td_plain_stop(double *field, int stride, bool counts, double market) {
    if (counts) {
        P(sum_r) += -1;
        P(sum_r2) += 1;
        P(sum_down2) += 1;
        P(sum_market) += -market;
    }
    P(ruined) = 1;
    P(balance) = P(position) = P(trough) = 0;
    P(cash) = P(equity) = P(sample_equity) = 1;
    P(record) = INFINITY;
}

void td_plain_fail(double *field, int stride, int64_t bar, td_cell_reason reason) {
    P(failed) = reason;
    P(failed_bar) = (double)bar;
}

void td_plain_mark(td_lane *lane, const td_kernel_deck *view, int64_t t, double equity) {
    if (view->market_log && lane->ruined == 0) lane->sum_market += td_log(equity / lane->equity) * view->market_log[t];
    lane->equity = equity;
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

void td_plain_sample(td_lane *lane, const td_kernel_deck *view, int64_t t, int64_t *next) {
    if (*next >= view->samples || view->sample_bar[*next] != t) return;
    int64_t k = (*next)++;
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

bool td_plain_cross(const td_strategy *strategy, const td_kernel_deck *view, const double *rows, const int32_t *slots, const double *param,
                    double *gaps, int64_t t, int *above, int *below) {
    bool any = strategy->every_bar;
    for (int i = 0; i < strategy->signal_count; i++) {
        const td_signal_info *signal = &strategy->signals[i];
        if (signal->kind == TD_SIGNAL_START)
            above[i] = t == view->start_bar;
        else {
            double other = signal->kind == TD_SIGNAL_CROSS          ? rows[slots[signal->other]]
                           : signal->level.from == TD_FROM_CONSTANT ? signal->level.value
                                                                    : param[signal->level.index];
            double gap = rows[slots[signal->row]] - other, before = gaps[i];
            above[i] = gap > 0 && before < view->touch;
            below[i] = gap < 0 && before > -view->touch;
            gaps[i] = gap;
        }
        any = any || above[i] || below[i];
    }
    return any;
}
