/* Events of the ledger in the lane algebra: fills, stops, ruin, finished drawdowns.
 *
 * Included by the lane engine's events (sim/events/, all widths) and by the skip engine's (one lane). The rules are those of docs/bar-rules.md; the plain
 * scalar version of the same rules, written apart, is sim/reference.c, and the bits agree.
 *
 * Every function takes the lanes it is for as a mask and leaves the others untouched. */
#ifndef TAPEDECK_SIM_LEDGER_H
#define TAPEDECK_SIM_LEDGER_H

#include "sim/kernel.h"

#define TD_UPDATE(field, m, value) (s->field = td_select((m), (value), s->field))

/* Ledger lines and hash of a fill. Hash: h' = (rotl(h, 27) ^ (units K1 + price K2 + (bar, reason) K3)) K4, on the bits. */
TD_INLINE void td_note_fill(td_vector *s, td_mask m, int64_t bar, td_real units, td_real base, td_real price, td_real commission,
                            td_real spread, td_real slippage, td_real reason) {
    td_real value = td_abs(units) * base;
    TD_UPDATE(commission_paid, m, s->commission_paid + commission);
    TD_UPDATE(spread_paid, m, s->spread_paid + value * spread);
    TD_UPDATE(slippage_paid, m, s->slippage_paid + value * slippage);
    TD_UPDATE(fills, m, s->fills + 1);
    TD_UPDATE(turnover, m, s->turnover + value);
    td_bits h = td_to_bits(s->hash);
    td_bits what = td_to_bits(units) * 0x9E3779B97F4A7C15ull + td_to_bits(price) * 0xC2B2AE3D27D4EB4Full +
                   td_to_bits((double)bar * 64 + reason) * 0x165667B19E3779F9ull;
    h = (((h << 27) | (h >> 37)) ^ what) * 0xD6E8FEB86659FD93ull;
    td_bits select = td_mask_bits(m);
    s->hash = td_from_bits((h & select) | (td_to_bits(s->hash) & ~select));
}

/* Closes the position of lanes m at `base` prices; the trade goes into the statistics. rests: those whose order is a limit order, which
 * pays neither spread nor slippage, and the commission of `costs.maker`. */
TD_INLINE void td_exit(const td_kernel_deck *deck, td_vector *s, td_mask m, int64_t bar, td_real base, td_mask rests, td_real reason) {
    td_real factor = td_select(rests, 1, td_select(s->position > 0, s->leave_sell, s->leave_buy));
    td_real spread = td_select(rests, 0, s->spread_leave), slippage = td_select(rests, 0, s->slippage);
    td_real price = base * factor, units = s->position, size = td_abs(units);
    td_real commission = s->fixed + size * price * td_select(rests, s->maker, s->rate);
    td_real gross = units * (price - s->entry_price), costs = commission + s->entry_commission, pnl = gross - costs;
    td_real change = pnl / (size * s->entry_price);

    /* money */
    TD_UPDATE(balance, m, s->balance + (gross - commission));
    TD_UPDATE(cash, m, s->balance);
    TD_UPDATE(position, m, 0);
    TD_UPDATE(stop_low, m, -TD_INF);
    TD_UPDATE(stop_high, m, TD_INF);
    /* with nothing left the next mark must look at it */
    TD_UPDATE(guard_low, m, td_select(s->balance > 0, -TD_INF, TD_INF));
    TD_UPDATE(guard_high, m, TD_INF);

    /* trade statistics */
    TD_UPDATE(trades, m, s->trades + 1);
    TD_UPDATE(wins, m, s->wins + td_select(pnl > 0, 1, 0));
    TD_UPDATE(losses, m, s->losses + td_select(pnl < 0, 1, 0));
    TD_UPDATE(sum_pnl, m, s->sum_pnl + pnl);
    TD_UPDATE(sum_pnl2, m, s->sum_pnl2 + pnl * pnl);
    TD_UPDATE(gain_pnl, m, s->gain_pnl + td_max(pnl, 0));
    TD_UPDATE(loss_pnl, m, s->loss_pnl + td_min(pnl, 0));
    TD_UPDATE(sum_return, m, s->sum_return + change);
    TD_UPDATE(gain_return, m, s->gain_return + td_max(change, 0));
    TD_UPDATE(loss_return, m, s->loss_return + td_min(change, 0));
    TD_UPDATE(best, m, td_max(change, s->best));
    TD_UPDATE(worst, m, td_min(change, s->worst));
    TD_UPDATE(growth, m, s->growth * td_max(1 + change, 0));
    td_mask small = m & (s->growth < 0x1p-500), large = m & (s->growth > 0x1p500);
    if (td_unlikely(td_any(small | large))) {
        TD_UPDATE(growth, small | large, s->growth * td_select(small, 0x1p500, 0x1p-500));
        TD_UPDATE(growth_exponent, small | large, s->growth_exponent + td_select(small, -500, 500));
    }

    /* time in the market */
    td_real entered = s->entry_bar, duration = deck->seconds[bar] - s->entry_time;
    TD_UPDATE(duration_sum, m, s->duration_sum + duration);
    TD_UPDATE(duration_max, m, td_max(duration, s->duration_max));
    TD_UPDATE(exposed, m, s->exposed + ((double)bar - td_max(entered, s->covered + 1) + 1));
    TD_UPDATE(covered, m, (double)bar);

    td_note_fill(s, m, bar, -units, base, price, commission, spread, slippage, reason);
}

/* Stops a lane for good: failed ones with a reason. A stopped lane plays on as a ghost with an equity of 1 that never moves, so
 * that the bar loop need not know; what its real equity would add to the statistics (one return of -1, then nothing) is added here. */
TD_INLINE void td_stop_lane(const td_kernel_deck *deck, td_vector *s, td_mask m, int64_t sample) {
    double market = sample < deck->samples ? deck->sample_market[sample] : 0;
    td_mask counts = m;
    if (deck->profile == TD_PROFILE_BACKTESTING) {
        market = 0; /* beta does not exist after ruin */
        if (sample == 0) {
            TD_UPDATE(first_sample, m, 0);
            counts = td_no_lane();
        }
    }
    TD_UPDATE(sum_r, counts, s->sum_r + -1);
    TD_UPDATE(sum_r2, counts, s->sum_r2 + 1);
    TD_UPDATE(sum_down2, counts, s->sum_down2 + 1);
    TD_UPDATE(sum_market, counts, s->sum_market + -market);
    TD_UPDATE(balance, m, 0);
    TD_UPDATE(position, m, 0);
    TD_UPDATE(cash, m, 1);
    TD_UPDATE(equity, m, 1);
    TD_UPDATE(sample_equity, m, 1);
    TD_UPDATE(trough, m, 0);
    TD_UPDATE(record, m, TD_INF);
    TD_UPDATE(stop_low, m, -TD_INF);
    TD_UPDATE(stop_high, m, TD_INF);
    TD_UPDATE(guard_low, m, -TD_INF);
    TD_UPDATE(guard_high, m, TD_INF);
}

TD_INLINE void td_fail_lane(const td_kernel_deck *deck, td_vector *s, td_mask m, int64_t bar, int64_t sample, td_cell_reason reason) {
    TD_UPDATE(failed, m, (double)reason);
    TD_UPDATE(failed_bar, m, (double)bar);
    TD_UPDATE(ruined, m, 1);
    td_stop_lane(deck, s, m, sample);
}

/* Opens a position in lanes m at `base` prices: direction +1 or -1, scale in (0, 1] of what sizing allows. `marked` is the bar whose
 * close was marked last. Lanes that cannot afford one lot are refused and counted. Returns those that entered. */
TD_INLINE td_mask td_enter(const td_kernel_deck *deck, td_vector *s, td_mask m, int64_t bar, int64_t marked, int64_t sample, td_real base,
                        td_real direction, td_real scale, td_real reason) {
    td_mask buy = direction > 0;
    td_real factor = td_select(buy, s->enter_buy, s->enter_sell), price = base * factor;
    td_mask lots = s->lot > 0;
    td_real lot = td_select(lots, s->lot, 1), size, count, cost;
    if (deck->profile == TD_PROFILE_BACKTESTING) {
        /* backtesting.py sizes in lots with the fixed commission charged per lot, and commission on the price before spread */
        td_real lot_price = base * lot, adjusted = lot_price * factor;
        if (deck->sizing == TD_SIZING_FIXED_UNITS) {
            count = s->size * scale;
            count = td_select(lots, td_floor_divide(count, lot), count);
            cost = adjusted + (s->fixed + count * lot_price * s->rate) / count;
        } else {
            td_real share = deck->sizing == TD_SIZING_FRACTION ? s->size * scale : scale;
            share = td_min(share, 1 - 0x1p-52);
            cost = adjusted + (s->fixed + share * lot_price * s->rate) / share;
            td_real budget = s->balance * share;
            count = td_select(lots, td_floor_divide(td_max(budget, 0), cost), budget / cost);
        }
        size = count * lot;
        td_mask none = count <= 0, refuse = none | (count * cost > s->balance);
        TD_UPDATE(refused_lot, m & none, s->refused_lot + 1);
        TD_UPDATE(refused_cash, m & refuse & td_not(none), s->refused_cash + 1);
        m = m & td_not(refuse);
    } else {
        td_real unit_cost = price * (1 + s->rate), wanted;
        if (deck->sizing == TD_SIZING_FIXED_UNITS)
            wanted = s->size * scale;
        else
            wanted = ((deck->sizing == TD_SIZING_FRACTION ? s->balance * s->size : s->balance) * scale - s->fixed) / unit_cost;
        size = wanted;
        if (td_any(lots)) size = td_select(lots, td_floor_divide(td_max(wanted, 0), lot) * lot, wanted);
        /* rounding in wanted may ask for a hair more than there is; a real shortage is larger */
        td_mask none = size <= 0, refuse = none | (size * unit_cost + s->fixed > s->balance * (1 + 0x1p-40));
        TD_UPDATE(refused_lot, m & none, s->refused_lot + 1);
        TD_UPDATE(refused_cash, m & refuse & td_not(none), s->refused_cash + 1);
        m = m & td_not(refuse);
    }
    /* what is left is positive or not a number */
    td_mask bad = m & td_not(size < TD_INF);
    if (td_unlikely(td_any(bad))) {
        td_fail_lane(deck, s, bad, bar, sample, TD_CELL_REASON_nan_target);
        m = m & td_not(bad);
    }
    if (td_unlikely(!td_any(m))) return m;

    td_real units = td_select(buy, size, -size), commission = s->fixed + size * price * s->rate;
    TD_UPDATE(balance, m, s->balance - commission);
    TD_UPDATE(entry_commission, m, commission);
    TD_UPDATE(entry_price, m, price);
    TD_UPDATE(entry_bar, m, (double)bar);
    TD_UPDATE(entry_time, m, deck->seconds[bar]);
    TD_UPDATE(position, m, units);
    TD_UPDATE(cash, m, s->balance - units * price);
    TD_UPDATE(stop_low, m, price * td_select(buy, s->long_low, s->short_low));
    TD_UPDATE(stop_high, m, price * td_select(buy, s->long_high, s->short_high));
    /* wake also well before equity can reach zero: a position is hardly worth more than what there is, so that takes about a
     * doubling, or the loss of nearly everything; td_guard() moves these out to where it really is. Where the position is worth
     * more, the next bar looks at once. */
    td_mask thin = 1.5 * s->balance < size * price;
    TD_UPDATE(guard_low, m, td_select(thin, TD_INF, td_select(buy, td_max(s->stop_low, 0.5 * price), s->stop_low)));
    TD_UPDATE(guard_high, m, td_select(buy, s->stop_high, td_min(s->stop_high, 1.5 * price)));
    /* a lane that slept at its peak was there until the last mark */
    td_mask asleep = m & (s->record == TD_INF);
    if (td_any(asleep)) {
        TD_UPDATE(peak_bar, asleep, (double)marked);
        TD_UPDATE(peak_time, asleep, deck->seconds[marked]);
        TD_UPDATE(record, asleep, s->peak);
    }

    td_note_fill(s, m, bar, units, base, price, commission, s->spread_enter, s->slippage, reason);
    return m;
}

/* Nothing is left at the close of bar t, or less: those lanes play no more. */
TD_INLINE void td_look_for_ruin(const td_kernel_deck *deck, td_vector *s, int64_t t, int64_t sample) {
    double close = deck->close[t];
    td_mask gone = s->cash + s->position * close <= 0;
    if (td_likely(!td_any(gone))) return;
    td_mask open_position = gone & (s->position != 0);
    if (td_any(open_position)) td_exit(deck, s, open_position, t, td_splat(close), td_no_lane(), td_splat(TD_FILL_REASON_ruin));
    TD_UPDATE(ruined, gone, 1);
    td_stop_lane(deck, s, gone, sample);
}

/* Stops, targets and ruin of bar t, for lanes whose guard was touched (the others pass through unchanged). */
TD_INLINE void td_guard(const td_kernel_deck *deck, td_vector *s, int64_t t, int64_t sample) {
    double open = deck->open[t], low = deck->low[t], high = deck->high[t];
    td_mask hit_low = low <= s->stop_low, hit_high = high >= s->stop_high, hit = hit_low | hit_high;
    if (td_any(hit)) {
        /* the stop goes first where both levels are in the bar, low for longs, high for shorts; except that a target which the
         * open has reached is behind us by then (backtesting.py looks at the stop even so) */
        td_mask was_long = s->position > 0, both = hit_low & hit_high, use_low = hit_low & (was_long | td_not(hit_high));
        if (deck->profile != TD_PROFILE_BACKTESTING) {
            td_mask reached = (open <= s->stop_low) | (open >= s->stop_high);
            use_low = (use_low & td_not(both & reached)) | (both & (open <= s->stop_low));
            both = both & td_not(reached);
        }
        td_mask is_stop = (use_low & was_long) | (td_not(use_low) & td_not(was_long));
        td_mask gap = (use_low & (open <= s->stop_low)) | (td_not(use_low) & (open >= s->stop_high));
        td_real base = td_select(use_low, td_min(open, s->stop_low), td_max(open, s->stop_high));
        td_real reason = td_select(is_stop, td_select(gap, TD_FILL_REASON_stop_gap, TD_FILL_REASON_stop),
                                   td_select(gap, TD_FILL_REASON_target_gap, TD_FILL_REASON_target));
        TD_UPDATE(ambiguous, both, s->ambiguous + 1);
        td_exit(deck, s, hit, t, base, td_not(is_stop), reason);
    }
    /* how far the close may go before equity is zero, with a margin for rounding */
    td_mask is_open = s->position != 0, is_long = s->position > 0;
    td_real zero = -s->cash / s->position;
    TD_UPDATE(guard_low, is_open, td_select(is_long, td_max(s->stop_low, zero * (1 + 0x1p-40)), s->stop_low));
    TD_UPDATE(guard_high, is_open, td_select(is_long, s->stop_high, td_min(s->stop_high, zero * (1 - 0x1p-40))));
    td_look_for_ruin(deck, s, t, sample);
}

/* Equity of lanes m is at or above the peak after bar t: finishes the drawdown before it, if there was one, and moves the peak. */
TD_INLINE void td_new_peak(const td_kernel_deck *deck, td_vector *s, td_mask m, int64_t t, td_real equity) {
    td_mask ended = m & (s->trough < s->peak);
    if (td_any(ended)) {
        td_real ratio = s->trough / s->peak, lasted = deck->seconds[t] - s->peak_time;
        TD_UPDATE(worst_ratio, ended, td_min(ratio, s->worst_ratio));
        TD_UPDATE(drawdown_sum, ended, s->drawdown_sum + (1 - ratio));
        TD_UPDATE(drawdowns, ended, s->drawdowns + 1);
        TD_UPDATE(drawdown_time_sum, ended, s->drawdown_time_sum + lasted);
        TD_UPDATE(drawdown_time_max, ended, td_max(lasted, s->drawdown_time_max));
    }
    TD_UPDATE(peak, m, equity);
    TD_UPDATE(trough, m, equity);
    TD_UPDATE(peak_bar, m, (double)t);
    TD_UPDATE(peak_time, m, deck->seconds[t]);
    /* flat equity stays where it is: sleep until the next entry */
    TD_UPDATE(record, m, td_select(s->position == 0, TD_INF, equity));
}

/* Carries out a decision of bar t, made after its close was marked: `target` (fraction of what sizing allows, sign is the
 * direction, 0 is out) in lanes `where`. Fills at the price `base` of bar `bar`. close_all: what is open is closed whatever is wanted.
 * Lanes of `barred` leave, but do not enter: they have no volatility yet. Returns the lanes that entered. */
TD_INLINE td_mask td_trade_to(const td_kernel_deck *deck, td_vector *s, td_real target, td_mask where, int64_t t, int64_t sample,
                              int64_t bar, double base, td_fill_reason reason, bool close_all, td_mask barred) {
    if (deck->direction == TD_DIRECTION_LONG) target = td_select(target < 0, 0, target);
    if (deck->direction == TD_DIRECTION_SHORT) target = td_select(target > 0, 0, target);
    where = where & (s->ruined == 0);
    td_mask bad = where & td_not(td_abs(target) < TD_INF);
    if (td_unlikely(td_any(bad))) {
        td_fail_lane(deck, s, bad, t, sample, TD_CELL_REASON_nan_target);
        where = where & td_not(bad);
    }
    td_mask is_flat = s->position == 0;
    td_mask go = where & td_not(td_stands(deck, s->position, target)), leave = (close_all ? td_not(is_flat) : go) & td_not(is_flat), enter = go & (target != 0);
    if (td_any(leave))
        td_exit(deck, s, leave, bar, td_splat(base), td_no_lane(), td_splat((double)(close_all ? TD_FILL_REASON_end : reason)));
    TD_UPDATE(refused_volatility, enter & barred, s->refused_volatility + 1);
    enter = enter & td_not(barred);
    if (!td_any(enter)) return enter;
    return td_enter(deck, s, enter, bar, t, sample, td_splat(base), td_select(target > 0, 1, -1), td_min(td_abs(target), 1),
                    td_splat((double)reason));
}

/* The end of the last bar where `finalize` is set. backtesting.py runs its broker once more: everything closes at the price a market
 * order would get there, a decision of this very bar is filled at the same price, and its stops see the bar's range again. */
TD_INLINE void td_finalize(const td_kernel_deck *deck, td_vector *s, td_real target, td_mask where, int64_t sample) {
    int64_t t = deck->bars - 1;
    if (deck->profile == TD_PROFILE_BACKTESTING) {
        bool at_close = deck->fill_at == TD_FILL_CLOSE;
        int64_t bar = at_close && t > 0 ? t - 1 : t;
        td_trade_to(deck, s, target, where, t - 1, sample, bar, at_close ? deck->close[bar] : deck->open[t],
                    at_close ? TD_FILL_REASON_close : TD_FILL_REASON_open, true, td_no_lane());
    } else
        td_trade_to(deck, s, td_splat(0.0), td_no_lane(), t - 1, sample, t, deck->close[t], TD_FILL_REASON_end, true, td_no_lane());
    td_guard(deck, s, t, sample);
}

#endif
