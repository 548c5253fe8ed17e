/* See desk.h. The order of operations in the formulas is part of the contract, and for one symbol that of sim/broker.c. */
#include "sim/desk.h"

#include <math.h>
#include <string.h>

#include "base/lanes.h"
#include "sim/plain.h"

#define W(name) (desk->whole[TD_FIELD_##name * desk->stride])
#define S(s, name) (desk->holdings[TD_HOLDING_##name * desk->field_step + (s) * desk->symbol_step])

/* Words of symbols. */
static int64_t words_of(const td_desk *desk) { return td_desk_words(desk->portfolio->symbols); }
static bool has(const uint64_t *words, int64_t s) { return words[s >> 6] >> (s & 63) & 1; }
static void put(uint64_t *words, int64_t s) { words[s >> 6] |= (uint64_t)1 << (s & 63); }
static void drop(uint64_t *words, int64_t s) { words[s >> 6] &= ~((uint64_t)1 << (s & 63)); }
static void clear(const td_desk *desk, uint64_t *words) { memset(words, 0, (size_t)words_of(desk) * sizeof *words); }
static bool some(const td_desk *desk, const uint64_t *words) {
    for (int64_t w = 0; w < words_of(desk); w++)
        if (words[w]) return true;
    return false;
}

/* The first symbol from s on that orders of this row may be about: any on a date, else those with a target that is due. Number of
 * symbols: none. */
static int64_t concerned(const td_desk *desk, bool date, int64_t s) {
    int64_t symbols = desk->portfolio->symbols;
    if (date || s >= symbols) return s;
    uint64_t word = desk->due[s >> 6] >> (s & 63) << (s & 63);
    for (int64_t w = s >> 6;; word = desk->due[w]) {
        if (word) return w * 64 + __builtin_ctzll(word);
        if (++w == words_of(desk)) return symbols;
    }
}

void td_desk_start(td_desk *desk, const td_set *set) {
    td_lane lane;
    td_lane_start(desk->portfolio->whole, set, &lane);
    const double *fields = (const double *)&lane;
    for (int f = 0; f < TD_FIELD_COUNT; f++) desk->whole[f * desk->stride] = fields[f];
    for (int64_t s = 0; s < desk->portfolio->symbols; s++) {
        for (int f = 0; f < TD_HOLDING_COUNT; f++) desk->holdings[f * desk->field_step + s * desk->symbol_step] = 0;
        S(s, stop_low) = -INFINITY;
        S(s, stop_high) = INFINITY;
    }
    clear(desk, desk->due);
    clear(desk, desk->cut);
    if (desk->shares) memset(desk->shares, 0, (size_t)desk->portfolio->symbols * sizeof *desk->shares);
}

double td_desk_equity(const td_desk *desk, const double *marks) {
    double equity = W(cash);
    for (int64_t s = 0; s < desk->portfolio->symbols; s++) equity += S(s, position) * marks[s];
    return equity;
}

void td_desk_count_cash(td_desk *desk) {
    double tied = 0;
    for (int64_t s = 0; s < desk->portfolio->symbols; s++) tied += S(s, position) * S(s, entry_price);
    W(cash) = W(balance) - tied;
}

/* What a fill is charged: fractions of the base price, and the rate of its commission. Limit orders (targets) pay that of makers only. */
typedef struct terms {
    double factor, spread, slippage, rate;
} terms;

static terms entry_terms(const td_desk *desk, double side) {
    return (terms){side > 0 ? W(enter_buy) : W(enter_sell), W(spread_enter), W(slippage), W(rate)};
}

static terms exit_terms(const td_desk *desk, double side) {
    return (terms){side > 0 ? W(leave_buy) : W(leave_sell), W(spread_leave), W(slippage), W(rate)};
}

static void note_fill(td_desk *desk, int64_t s, int64_t bar, double units, double base, double price, double commission,
                      const terms *terms, td_fill_reason reason) {
    double value = fabs(units) * base;
    td_fill fill = {.bar = bar, .time_ns = desk->portfolio->tape.time_ns[bar], .reason = reason, .units = units, .price = price,
                    .commission = commission, .spread_cost = value * terms->spread, .slippage_cost = value * terms->slippage,
                    .position = S(s, position)};
    td_plain_note_fill(desk->whole, desk->stride, &fill, value, (uint64_t)s);
    if (desk->shares) {
        td_portfolio_share *share = &desk->shares[s];
        share->commission += commission;
        share->spread_cost += fill.spread_cost;
        share->slippage_cost += fill.slippage_cost;
        share->fills += 1;
        share->turnover += value;
    }
    if (desk->observer && desk->observer->on_fill) desk->observer->on_fill(desk->observer->context, s, &fill);
}

/* Sells `units` (signed as the position is; all of it or less) of symbol s at `base`: a trade. Cash is the caller's to count. */
static void leave(td_desk *desk, int64_t s, int64_t bar, double base, double units, terms terms, td_fill_reason reason) {
    double position = S(s, position), entry_commission = S(s, entry_commission), size = fabs(units), price = base * terms.factor;
    bool all = units == position;
    if (!all) entry_commission *= units / position;
    double entry_price = S(s, entry_price), commission = W(fixed) + size * price * terms.rate;
    double gross = units * (price - entry_price), costs = commission + entry_commission, pnl = gross - costs;
    double change = pnl / (size * entry_price);

    /* money */
    W(balance) += gross - commission;
    if (desk->shares) {
        desk->shares[s].pnl += gross - commission;
        desk->shares[s].trades += 1;
    }
    S(s, position) = all ? 0 : position - units;
    S(s, entry_commission) -= entry_commission;
    if (all) {
        S(s, stop_low) = -INFINITY;
        S(s, stop_high) = INFINITY;
        W(position) -= 1;
    }

    const double *seconds = desk->portfolio->whole->view.seconds;
    td_plain_count_trade(desk->whole, desk->stride, pnl, change, seconds[bar] - seconds[(int64_t)S(s, entry_bar)]);
    if (W(position) == 0) { /* bars with something open, counted once */
        W(exposed) += (double)bar - fmax(W(entry_bar), W(covered) + 1) + 1;
        W(covered) = (double)bar;
    }

    note_fill(desk, s, bar, -units, base, price, commission, &terms, reason);
    if (!desk->observer || !desk->observer->on_trade) return;
    int64_t entered = (int64_t)S(s, entry_bar);
    desk->observer->on_trade(desk->observer->context, s,
                             &(td_trade){.entry_bar = entered, .exit_bar = bar, .entry_ns = desk->portfolio->tape.time_ns[entered],
                                         .exit_ns = desk->portfolio->tape.time_ns[bar], .entry_reason = desk->entry_reason[s],
                                         .exit_reason = reason, .units = units, .entry_price = entry_price, .exit_price = price,
                                         .commission = costs, .pnl = pnl, .ret = change});
}

static void leave_all(td_desk *desk, int64_t s, int64_t bar, double base, td_fill_reason reason) {
    double position = S(s, position);
    leave(desk, s, bar, base, position, exit_terms(desk, position > 0 ? -1 : 1), reason);
}

/* Opens a position in symbol s, or adds to it: `size` units at the base price. `marked` is the row whose close was marked last. Cash is the
 * caller's to count. */
static void enter(td_desk *desk, const td_raster_row *row, int64_t s, int64_t marked, double side, double size, td_fill_reason reason) {
    int64_t bar = row->bar;
    double base = row->base[s];
    terms terms = entry_terms(desk, side);
    double price = base * terms.factor, held = fabs(S(s, position)), units = side > 0 ? size : -size;
    double commission = W(fixed) + size * price * terms.rate;
    const td_kernel_deck *view = &desk->portfolio->whole->view;
    /* who slept at the peak was there until the last mark */
    if (W(record) == INFINITY) {
        W(record) = W(peak);
        W(peak_bar) = (double)marked;
        W(peak_time) = view->seconds[marked];
    }
    W(balance) -= commission;
    if (desk->shares) desk->shares[s].pnl -= commission;
    if (held == 0) {
        if (W(position) == 0) W(entry_bar) = (double)bar;
        W(position) += 1;
        S(s, entry_commission) = commission;
        S(s, entry_price) = price;
        S(s, entry_bar) = (double)bar;
        S(s, entry_own) = (double)row->own[s];
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
    if (desk->near_low) {
        desk->near_low[s] = fmax(desk->near_low[s], S(s, stop_low));
        desk->near_high[s] = fmin(desk->near_high[s], S(s, stop_high));
    }
    note_fill(desk, s, bar, units, base, price, commission, &terms, reason);
}

/* The set plays no more. */
static void stop(td_desk *desk) {
    const td_kernel_deck *view = &desk->portfolio->whole->view;
    td_plain_stop(desk->whole, desk->stride, true, desk->sample < view->samples ? view->sample_market[desk->sample] : 0);
    for (int64_t s = 0; s < desk->portfolio->symbols; s++) {
        S(s, position) = 0;
        S(s, stop_low) = -INFINITY;
        S(s, stop_high) = INFINITY;
    }
    clear(desk, desk->due);
}

static void fail(td_desk *desk, int64_t bar, td_cell_reason reason) {
    td_plain_fail(desk->whole, desk->stride, bar, reason);
    stop(desk);
}

/* ---- orders ---- */

static double round_to_lot(const td_desk *desk, double units) {
    return W(lot) > 0 ? td_floor_divide(units > 0 ? units : 0, W(lot)) * W(lot) : units;
}

/* Quote currency that a position of symbol s should be worth, for this much equity. */
static double aim(const td_desk *desk, int64_t s, double equity) {
    const td_portfolio_def *def = &desk->portfolio->def;
    double scale = fabs(S(s, wanted)) < 1 ? fabs(S(s, wanted)) : 1;
    double value = (def->play.sizing == TD_SIZING_FRACTION ? equity * W(size) : equity) * scale * desk->portfolio->weights[s];
    return def->max_weight > 0 ? fmin(value, equity * def->max_weight) : value;
}

static td_fill_reason order_reason(const td_desk *desk) {
    return desk->portfolio->def.play.fill_at == TD_FILL_CLOSE ? TD_FILL_REASON_close : TD_FILL_REASON_open;
}

/* Targets due of symbols that have a bar are due no more. */
static void done(td_desk *desk, const td_raster_row *row) {
    for (int64_t s = concerned(desk, false, 0); s < desk->portfolio->symbols; s = concerned(desk, false, s + 1))
        if (row->own[s] >= 0) drop(desk->due, s);
}

/* Positions that wanted targets no longer want are closed, and on dates those too large cut back: what frees cash comes first. */
td_desk_reduced td_desk_reduce(td_desk *desk, const td_raster_row *row, double equity) {
    const double *base = row->base;
    bool date = desk->portfolio->dates[row->bar];
    td_desk_reduced reduced = {.buys = date && W(position) > 0};
    if (W(ruined)) return (td_desk_reduced){0};
    date = date && (reduced.buys || some(desk, desk->due));
    double fills = W(fills);
    if (date) clear(desk, desk->cut);
    for (int64_t s = concerned(desk, date, 0); s < desk->portfolio->symbols; s = concerned(desk, date, s + 1)) {
        double position = S(s, position);
        if (row->own[s] < 0) continue;
        if (position == 0) {
            reduced.buys |= has(desk->due, s) && S(s, wanted) != 0;
        } else if (has(desk->due, s) && !(position > 0 ? S(s, wanted) > 0 : S(s, wanted) < 0)) {
            leave_all(desk, s, row->bar, base[s], order_reason(desk));
            reduced.buys |= S(s, wanted) != 0;
        } else if (date) {
            double excess = fabs(position) * base[s] - aim(desk, s, equity);
            if (!(excess > 0 && excess > desk->portfolio->def.band * equity)) continue;
            double units = round_to_lot(desk, excess / base[s]);
            if (!(units > 0 && units < fabs(position))) continue;
            put(desk->cut, s); /* and is then as large as it should be */
            leave(desk, s, row->bar, base[s], copysign(units, position), exit_terms(desk, position > 0 ? -1 : 1), order_reason(desk));
        }
    }
    reduced.filled = W(fills) > fills;
    if (!reduced.buys) done(desk, row);
    return reduced;
}

/* Sizes of what opens positions or adds to them, from the equity that is left after td_desk_reduce(): sizes (symbols) units, of symbols
 * concerned; 0 where nothing is to be bought. */
static void find_sizes(td_desk *desk, const td_raster_row *row, bool date, double equity, double invested) {
    const td_portfolio_def *def = &desk->portfolio->def;
    const double *base = row->base;
    double *sizes = desk->sizes, need = 0, fixed = 0, open = W(position);
    int64_t symbols = desk->portfolio->symbols;
    for (int64_t s = concerned(desk, date, 0); s < symbols; s = concerned(desk, date, s + 1)) {
        double held = fabs(S(s, position)) * base[s], side = S(s, wanted) > 0 ? 1 : -1;
        bool opens = has(desk->due, s) && held == 0 && S(s, wanted) != 0, adds = date && held > 0 && !has(desk->cut, s);
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
    for (int64_t s = concerned(desk, date, 0); s < symbols; s = concerned(desk, date, s + 1)) {
        if (sizes[s] == 0) continue;
        sizes[s] = round_to_lot(desk, sizes[s] * share);
        if (sizes[s] <= 0) {
            W(refused_cash) += 1;
            sizes[s] = 0;
        }
    }
}

bool td_desk_buy(td_desk *desk, const td_raster_row *row, double equity, double invested) {
    const td_portfolio *portfolio = desk->portfolio;
    bool date = portfolio->dates[row->bar];
    int64_t marked = portfolio->def.play.fill_at == TD_FILL_CLOSE ? row->bar : row->bar - 1;
    double fills = W(fills);
    find_sizes(desk, row, date, equity, invested);
    for (int64_t s = concerned(desk, date, 0); s < portfolio->symbols; s = concerned(desk, date, s + 1)) {
        double size = desk->sizes[s];
        if (size <= 0) continue;
        if (!(size < INFINITY)) {
            fail(desk, row->bar, TD_CELL_REASON_nan_target);
            return false;
        }
        enter(desk, row, s, marked, S(s, wanted) > 0 ? 1 : -1, size, order_reason(desk));
    }
    done(desk, row);
    return W(fills) > fills;
}

void td_desk_settle(td_desk *desk, const td_raster_row *row) {
    td_desk_reduced reduced = td_desk_reduce(desk, row, desk->portfolio->dates[row->bar] ? td_desk_equity(desk, row->base) : 0);
    if (reduced.filled) td_desk_count_cash(desk);
    if (!reduced.buys) return;
    double equity = W(cash), invested = 0;
    for (int64_t s = 0; s < desk->portfolio->symbols; s++) {
        double value = S(s, position) * row->base[s];
        equity += value;
        invested += fabs(value);
    }
    if (td_desk_buy(desk, row, equity, invested)) td_desk_count_cash(desk);
}

void td_desk_prices(const td_portfolio *portfolio, td_raster_row *row, bool at_open, double *base) {
    for (int64_t s = 0; s < portfolio->symbols; s++) {
        const td_kernel_deck *view = &portfolio->decks[s]->view;
        base[s] = row->own[s] < 0 ? row->mark[s] : at_open ? view->open[row->own[s]] : view->close[row->own[s]];
    }
    row->base = base;
}

bool td_desk_want(td_desk *desk, const td_raster_row *row, int64_t s, double target) {
    td_direction direction = desk->portfolio->def.play.direction;
    if (W(ruined)) return false;
    if (direction == TD_DIRECTION_LONG && target < 0) target = 0;
    if (direction == TD_DIRECTION_SHORT && target > 0) target = 0;
    if (!(fabs(target) < INFINITY)) {
        fail(desk, row->bar, TD_CELL_REASON_nan_target);
        return false;
    }
    S(s, wanted) = target;
    put(desk->due, s);
    return true;
}

/* ---- the bar ---- */

bool td_desk_stops(td_desk *desk, const td_raster_row *row, int64_t s) {
    const td_kernel_deck *view = &desk->portfolio->decks[s]->view;
    int64_t own = row->own[s];
    double open = view->open[own], low = S(s, stop_low), high = S(s, stop_high), position = S(s, position);
    bool hit_low = view->low[own] <= low, hit_high = view->high[own] >= high, is_long = position > 0;
    if (position == 0 || !(hit_low || hit_high)) return false;
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
        leave(desk, s, row->bar, base, position, (terms){.factor = 1, .rate = W(maker)}, gap ? TD_FILL_REASON_target_gap : TD_FILL_REASON_target);
    return true;
}

void td_desk_finalize(td_desk *desk, const td_raster_row *row) {
    for (int64_t s = 0; s < desk->portfolio->symbols; s++)
        if (S(s, position) != 0) leave_all(desk, s, row->bar, row->mark[s], TD_FILL_REASON_end);
    if (!W(ruined)) td_desk_count_cash(desk);
}

void td_desk_ruin(td_desk *desk, const td_raster_row *row) {
    if (W(ruined) || !(td_desk_equity(desk, row->mark) <= 0)) return;
    for (int64_t s = 0; s < desk->portfolio->symbols; s++)
        if (S(s, position) != 0) leave_all(desk, s, row->bar, row->mark[s], TD_FILL_REASON_ruin);
    stop(desk);
}

td_portfolio_share td_desk_share(const td_desk *desk, const double *marks, int64_t s) {
    td_portfolio_share share = desk->shares[s];
    if (S(s, position) != 0) share.pnl += S(s, position) * (marks[s] - S(s, entry_price));
    return share;
}
