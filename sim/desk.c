/* See desk.h. The order of operations in the formulas is part of the contract, and for one symbol that of sim/broker.c. */
#include "sim/desk.h"

#include <math.h>
#include <string.h>

#include "base/bits.h"
#include "base/lanes.h"

#define W(name) (desk->whole[TD_FIELD_##name * desk->stride])
#define S(s, name) (desk->symbol[(s) * desk->step + TD_FIELD_##name * desk->stride])
#define WANTED(s) (desk->wanted[(s) * desk->stride])
#define PENDING(s) (desk->pending[(s) * desk->stride])

void td_desk_start(td_desk *desk, const td_set *set) {
    td_lane lane;
    td_lane_start(desk->portfolio->whole, set, &lane);
    const double *fields = (const double *)&lane;
    for (int f = 0; f < TD_FIELD_COUNT; f++) desk->whole[f * desk->stride] = fields[f];
    for (int64_t s = 0; s < desk->portfolio->symbols; s++) {
        for (int f = 0; f < TD_FIELD_COUNT; f++) desk->symbol[s * desk->step + f * desk->stride] = fields[f];
        S(s, balance) = 0;
        WANTED(s) = 0;
        PENDING(s) = NAN;
    }
}

double td_desk_equity(const td_desk *desk, const double *marks) {
    double equity = W(cash);
    for (int64_t s = 0; s < desk->portfolio->symbols; s++) equity += S(s, position) * marks[s];
    return equity;
}

/* Cash is the balance without what the open positions cost; due after fills. */
static void count_cash(td_desk *desk) {
    double tied = 0;
    for (int64_t s = 0; s < desk->portfolio->symbols; s++) tied += S(s, position) * S(s, entry_price);
    W(cash) = W(balance) - tied;
}

/* What a fill is charged: fractions of the base price. Limit orders (targets) pay commission only. */
typedef struct terms {
    double factor, spread, slippage;
} terms;

static terms entry_terms(const td_desk *desk, double side) {
    return (terms){side > 0 ? W(enter_buy) : W(enter_sell), W(spread_enter), W(slippage)};
}

static terms exit_terms(const td_desk *desk, double side) {
    return (terms){side > 0 ? W(leave_buy) : W(leave_sell), W(spread_leave), W(slippage)};
}

static void note_fill(td_desk *desk, int64_t s, int64_t bar, double units, double base, double price, double commission,
                      const terms *terms, td_fill_reason reason) {
    double value = fabs(units) * base, spread = value * terms->spread, slippage = value * terms->slippage;
    W(commission_paid) += commission;
    W(spread_paid) += spread;
    W(slippage_paid) += slippage;
    W(fills) += 1;
    W(turnover) += value;
    S(s, commission_paid) += commission;
    S(s, spread_paid) += spread;
    S(s, slippage_paid) += slippage;
    S(s, fills) += 1;
    S(s, turnover) += value;
    uint64_t h = td_bits_of(W(hash));
    uint64_t what = td_bits_of(units) * 0x9E3779B97F4A7C15ull + td_bits_of(price) * 0xC2B2AE3D27D4EB4Full +
                    td_bits_of((double)bar * 64 + reason) * 0x165667B19E3779F9ull + (uint64_t)s * 0x27D4EB2F165667C5ull;
    h = td_hash_step(h, what);
    memcpy(&W(hash), &h, sizeof h);
    if (desk->observer && desk->observer->on_fill)
        desk->observer->on_fill(desk->observer->context, s,
                                &(td_fill){.bar = bar, .time_ns = desk->portfolio->tape.time_ns[bar], .reason = reason, .units = units,
                                           .price = price, .commission = commission,
                                           .spread_cost = spread, .slippage_cost = slippage, .position = S(s, position)});
}

/* Sells `units` (signed as the position is; all of it or less) of symbol s at `base`: a trade. Cash is the caller's to count. */
static void leave(td_desk *desk, int64_t s, int64_t bar, double base, double units, terms terms, td_fill_reason reason) {
    double position = S(s, position), entry_commission = S(s, entry_commission), size = fabs(units), price = base * terms.factor;
    bool all = units == position;
    if (!all) entry_commission *= units / position;
    double entered = S(s, entry_bar), entry_price = S(s, entry_price), commission = W(fixed) + size * price * W(rate);
    double gross = units * (price - entry_price), costs = commission + entry_commission, pnl = gross - costs;
    double change = pnl / (size * entry_price);

    /* money */
    W(balance) += gross - commission;
    S(s, balance) += gross - commission;
    S(s, position) = all ? 0 : position - units;
    S(s, entry_commission) -= entry_commission;
    if (all) {
        S(s, stop_low) = -INFINITY;
        S(s, stop_high) = INFINITY;
        W(position) -= 1;
    }

    /* trade statistics */
    S(s, trades) += 1;
    W(trades) += 1;
    W(sum_pnl) += pnl;
    W(sum_pnl2) += pnl * pnl;
    if (pnl > 0) {
        W(wins) += 1;
        W(gain_pnl) += pnl;
    } else if (pnl < 0) {
        W(losses) += 1;
        W(loss_pnl) += pnl;
    }
    W(sum_return) += change;
    if (change > 0) W(gain_return) += change;
    if (change < 0) W(loss_return) += change;
    if (change > W(best)) W(best) = change;
    if (change < W(worst)) W(worst) = change;
    W(growth) *= 1 + change > 0 ? 1 + change : 0;
    if (W(growth) < 0x1p-500) {
        W(growth) *= 0x1p500;
        W(growth_exponent) -= 500;
    } else if (W(growth) > 0x1p500) {
        W(growth) *= 0x1p-500;
        W(growth_exponent) += 500;
    }
    double duration = desk->portfolio->whole->view.seconds[bar] - S(s, entry_time);
    W(duration_sum) += duration;
    if (duration > W(duration_max)) W(duration_max) = duration;
    if (W(position) == 0) { /* bars with something open, counted once */
        W(exposed) += (double)bar - fmax(W(entry_bar), W(covered) + 1) + 1;
        W(covered) = (double)bar;
    }

    note_fill(desk, s, bar, -units, base, price, commission, &terms, reason);
    if (desk->observer && desk->observer->on_trade)
        desk->observer->on_trade(desk->observer->context, s,
                                 &(td_trade){.entry_bar = (int64_t)entered, .exit_bar = bar,
                                             .entry_ns = desk->portfolio->tape.time_ns[(int64_t)entered],
                                             .exit_ns = desk->portfolio->tape.time_ns[bar], .entry_reason = desk->entry_reason[s],
                                             .exit_reason = reason, .units = units, .entry_price = entry_price, .exit_price = price,
                                             .commission = costs, .pnl = pnl, .ret = change});
}

static void leave_all(td_desk *desk, int64_t s, int64_t bar, double base, td_fill_reason reason) {
    double position = S(s, position);
    leave(desk, s, bar, base, position, exit_terms(desk, position > 0 ? -1 : 1), reason);
}

/* Opens a position in symbol s, or adds to it: `size` units at `base`. `marked` is the row whose close was marked last. Cash is the
 * caller's to count. */
static void enter(td_desk *desk, int64_t s, int64_t bar, int64_t marked, double base, double side, double size, td_fill_reason reason) {
    terms terms = entry_terms(desk, side);
    double price = base * terms.factor, held = fabs(S(s, position)), units = side > 0 ? size : -size;
    double commission = W(fixed) + size * price * W(rate);
    const td_kernel_deck *view = &desk->portfolio->whole->view;
    /* who slept at the peak was there until the last mark */
    if (W(record) == INFINITY) {
        W(record) = W(peak);
        W(peak_bar) = (double)marked;
        W(peak_time) = view->seconds[marked];
    }
    W(balance) -= commission;
    S(s, balance) -= commission;
    if (held == 0) {
        if (W(position) == 0) W(entry_bar) = (double)bar;
        W(position) += 1;
        S(s, entry_commission) = commission;
        S(s, entry_price) = price;
        S(s, entry_bar) = (double)bar;
        S(s, entry_time) = view->seconds[bar];
        S(s, position) = units;
        if (desk->entry_reason) desk->entry_reason[s] = reason;
    } else {
        S(s, entry_commission) += commission;
        S(s, entry_price) = (held * S(s, entry_price) + size * price) / (held + size);
        S(s, position) += units;
    }
    bool buy = side > 0;
    S(s, stop_low) = S(s, entry_price) * (buy ? W(long_low) : W(short_low));
    S(s, stop_high) = S(s, entry_price) * (buy ? W(long_high) : W(short_high));
    note_fill(desk, s, bar, units, base, price, commission, &terms, reason);
}

/* Nothing is left, or the strategy lost its mind: the set goes on as a ghost with an equity of 1 that never moves; what its real equity,
 * 0, adds to the statistics is one return of -1, added here. */
static void stop(td_desk *desk) {
    const td_kernel_deck *view = &desk->portfolio->whole->view;
    W(sum_r) += -1;
    W(sum_r2) += 1;
    W(sum_down2) += 1;
    W(sum_market) += -(desk->sample < view->samples ? view->sample_market[desk->sample] : 0);
    W(ruined) = 1;
    W(balance) = W(position) = W(trough) = 0;
    W(cash) = W(equity) = W(sample_equity) = 1;
    W(record) = INFINITY;
    for (int64_t s = 0; s < desk->portfolio->symbols; s++) {
        S(s, position) = 0;
        S(s, stop_low) = -INFINITY;
        S(s, stop_high) = INFINITY;
        PENDING(s) = NAN;
    }
}

static void fail(td_desk *desk, int64_t bar, td_cell_reason reason) {
    W(failed) = reason;
    W(failed_bar) = (double)bar;
    stop(desk);
}

/* ---- orders ---- */

static double round_to_lot(const td_desk *desk, double units) {
    return W(lot) > 0 ? td_floor_divide(units > 0 ? units : 0, W(lot)) * W(lot) : units;
}

/* Quote currency that a position of symbol s should be worth, for this much equity. */
static double aim(const td_desk *desk, int64_t s, double equity) {
    const td_portfolio_def *def = &desk->portfolio->def;
    double scale = fabs(WANTED(s)) < 1 ? fabs(WANTED(s)) : 1;
    double value = (def->play.sizing == TD_SIZING_FRACTION ? equity * W(size) : equity) * scale * desk->portfolio->weights[s];
    return def->max_weight > 0 ? fmin(value, equity * def->max_weight) : value;
}

/* Positions that wanted targets no longer want are closed, and on dates those too large cut back: what frees cash comes first.
 * sizes (symbols): REDUCED where something was cut back, which is then as large as it should be; else 0. */
enum { REDUCED = -1 };
static void reduce(td_desk *desk, const td_raster_row *row, const double *base, bool date, td_fill_reason reason, double *sizes) {
    double equity = date ? td_desk_equity(desk, base) : 0, fills = W(fills);
    for (int64_t s = 0; s < desk->portfolio->symbols; s++) {
        double position = S(s, position), held = fabs(position) * base[s];
        sizes[s] = 0;
        if (position == 0 || row->own[s] < 0) continue;
        if (!isnan(PENDING(s)) && !(position > 0 ? WANTED(s) > 0 : WANTED(s) < 0)) {
            leave_all(desk, s, row->bar, base[s], reason);
        } else if (date) {
            double value = aim(desk, s, equity), excess = held - value;
            if (!(excess > 0 && excess > desk->portfolio->def.band * equity)) continue;
            double units = round_to_lot(desk, excess / base[s]);
            if (!(units > 0 && units < fabs(position))) continue;
            sizes[s] = REDUCED;
            leave(desk, s, row->bar, base[s], copysign(units, position), exit_terms(desk, position > 0 ? -1 : 1), reason);
        }
    }
    if (W(fills) > fills) count_cash(desk);
}

/* Sizes of what opens positions or adds to them, from the equity that is left after reduce(): sizes (symbols) units, 0 where nothing
 * is to be bought. */
static void find_sizes(td_desk *desk, const td_raster_row *row, const double *base, bool date, double *sizes) {
    const td_portfolio_def *def = &desk->portfolio->def;
    int64_t symbols = desk->portfolio->symbols;
    double equity = W(cash), invested = 0, need = 0, fixed = 0, open = W(position);
    for (int64_t s = 0; s < symbols; s++) {
        double value = S(s, position) * base[s];
        equity += value;
        invested += fabs(value);
    }
    for (int64_t s = 0; s < symbols; s++) {
        double held = fabs(S(s, position)) * base[s], side = WANTED(s) > 0 ? 1 : -1;
        bool opens = !isnan(PENDING(s)) && held == 0 && WANTED(s) != 0, adds = date && held > 0 && sizes[s] != REDUCED;
        sizes[s] = 0;
        if (row->own[s] < 0 || !(opens || adds)) continue;
        if (opens && def->max_positions > 0 && open >= (double)def->max_positions) {
            W(refused_cash) += 1;
            continue;
        }
        double value = aim(desk, s, equity);
        if (adds && !(value - held > def->band * equity)) continue;
        double unit_cost = base[s] * entry_terms(desk, side).factor * (1 + W(rate));
        double size = round_to_lot(desk, (value - held - W(fixed)) / unit_cost);
        if (size <= 0) {
            if (opens) W(refused_lot) += 1;
            continue;
        }
        sizes[s] = size;
        need += size * unit_cost + W(fixed);
        fixed += W(fixed);
        open += opens;
    }
    /* rounding may ask for a hair more than there is; a real shortage is larger */
    double free = equity - invested;
    if (!(need > free * (1 + 0x1p-40))) return;
    double share = fmax((free - fixed) / (need - fixed), 0);
    for (int64_t s = 0; s < symbols; s++) {
        if (sizes[s] == 0) continue;
        sizes[s] = round_to_lot(desk, sizes[s] * share);
        if (sizes[s] <= 0) {
            W(refused_cash) += 1;
            sizes[s] = 0;
        }
    }
}

void td_desk_prices(const td_portfolio *portfolio, td_raster_row *row, bool at_open, double *base) {
    for (int64_t s = 0; s < portfolio->symbols; s++) {
        const td_kernel_deck *view = &portfolio->decks[s]->view;
        base[s] = row->own[s] < 0 ? row->mark[s] : at_open ? view->open[row->own[s]] : view->close[row->own[s]];
    }
    row->base = base;
}

void td_desk_settle(td_desk *desk, const td_raster_row *row, bool at_open) {
    const td_portfolio *portfolio = desk->portfolio;
    int64_t symbols = portfolio->symbols, bar = row->bar, marked = at_open ? bar - 1 : bar;
    bool date = portfolio->dates[bar], any = date && W(position) > 0;
    const double *base = row->base;
    double *sizes = desk->sizes;
    td_fill_reason reason = at_open ? TD_FILL_REASON_open : TD_FILL_REASON_close;
    for (int64_t s = 0; s < symbols && !any; s++) any = row->own[s] >= 0 && !isnan(PENDING(s));
    if (!any || W(ruined)) return;
    reduce(desk, row, base, date, reason, sizes);
    find_sizes(desk, row, base, date, sizes);
    double fills = W(fills);
    for (int64_t s = 0; s < symbols; s++) {
        if (row->own[s] >= 0) PENDING(s) = NAN;
        if (sizes[s] <= 0 || W(ruined)) continue;
        if (sizes[s] < INFINITY)
            enter(desk, s, bar, marked, base[s], WANTED(s) > 0 ? 1 : -1, sizes[s], reason);
        else
            fail(desk, bar, TD_CELL_REASON_nan_target);
    }
    if (W(fills) > fills && !W(ruined)) count_cash(desk);
}

void td_desk_want(td_desk *desk, const td_raster_row *row, int64_t s, double target) {
    td_direction direction = desk->portfolio->def.play.direction;
    if (W(ruined)) return;
    if (direction == TD_DIRECTION_LONG && target < 0) target = 0;
    if (direction == TD_DIRECTION_SHORT && target > 0) target = 0;
    if (!(fabs(target) < INFINITY)) {
        fail(desk, row->bar, TD_CELL_REASON_nan_target);
        return;
    }
    WANTED(s) = PENDING(s) = target;
}

/* ---- the bar ---- */

void td_desk_stops(td_desk *desk, const td_raster_row *row, int64_t s) {
    const td_kernel_deck *view = &desk->portfolio->decks[s]->view;
    int64_t own = row->own[s];
    double open = view->open[own], low = S(s, stop_low), high = S(s, stop_high), position = S(s, position);
    bool hit_low = view->low[own] <= low, hit_high = view->high[own] >= high, is_long = position > 0;
    if (position == 0 || !(hit_low || hit_high)) return;
    /* the stop goes first where both are in the range, except that a target which the open has reached is behind us by then */
    bool use_low = hit_low && (is_long || !hit_high);
    if (hit_low && hit_high) {
        bool reached = open <= low || open >= high;
        if (reached) use_low = open <= low;
        if (!reached) W(ambiguous) += 1;
    }
    bool gap = use_low ? open <= low : open >= high;
    double base = use_low ? fmin(open, low) : fmax(open, high);
    if (use_low == is_long)
        leave_all(desk, s, row->bar, base, gap ? TD_FILL_REASON_stop_gap : TD_FILL_REASON_stop);
    else
        leave(desk, s, row->bar, base, position, (terms){.factor = 1}, gap ? TD_FILL_REASON_target_gap : TD_FILL_REASON_target);
    count_cash(desk);
}

void td_desk_finalize(td_desk *desk, const td_raster_row *row) {
    for (int64_t s = 0; s < desk->portfolio->symbols; s++)
        if (S(s, position) != 0) leave_all(desk, s, row->bar, row->mark[s], TD_FILL_REASON_end);
    if (!W(ruined)) count_cash(desk);
}

void td_desk_ruin(td_desk *desk, const td_raster_row *row) {
    if (W(ruined) || !(td_desk_equity(desk, row->mark) <= 0)) return;
    for (int64_t s = 0; s < desk->portfolio->symbols; s++)
        if (S(s, position) != 0) leave_all(desk, s, row->bar, row->mark[s], TD_FILL_REASON_ruin);
    stop(desk);
}

void td_desk_share(const td_desk *desk, const double *marks, int64_t s, td_portfolio_share *share) {
    double open = S(s, position) != 0 ? S(s, position) * (marks[s] - S(s, entry_price)) : 0;
    *share = (td_portfolio_share){.pnl = S(s, balance) + open, .trades = S(s, trades), .fills = S(s, fills), .turnover = S(s, turnover),
                                  .commission = S(s, commission_paid), .spread_cost = S(s, spread_paid),
                                  .slippage_cost = S(s, slippage_paid)};
}
