/* See broker.h. The order of operations in the formulas is part of the contract: sim/ledger.h has the same, in vectors. */
#include "sim/broker.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

#include "base/bits.h"
#include "base/lanes.h"
#include "base/math.h"
#include "base/sorted.h"
#include "data/calendar.h"
#include "sim/seat.h"

#define NEVER INT64_MAX
#define DAYS_PER_YEAR 365.0

/* A level is moved this much towards the market where it only says when to look. */
#define NEAR (1 + 0x1p-40)

/* The second where it is larger (smaller): a level that is no number, there being none, changes nothing. */
static double larger(double a, double b) { return b > a ? b : a; }
static double smaller(double a, double b) { return b < a ? b : a; }

static bool is_backtesting(const td_seat *seat) { return seat->deck->profile == TD_PROFILE_BACKTESTING; }

/* The first bar that opens in a later period than bar t does, periods being counted from 1970; NEVER when none does. */
static int64_t next_period(const td_kernel_deck *deck, int64_t t, int64_t period_ns) {
    int64_t time = deck->time_ns[t], next = time - td_floor_mod(time, period_ns) + period_ns, later = t + 1;
    int64_t bar = later + td_first_from(deck->time_ns + later, deck->bars - later, next);
    return bar < deck->bars ? bar : NEVER;
}

/* The finer bars of bar t: its first, and its last. */
static int64_t first_finer(const td_kernel_deck *deck, int64_t t) { return deck->finer_first ? deck->finer_first[t] : t; }
static int64_t last_finer(const td_kernel_deck *deck, int64_t t) { return deck->finer_first ? deck->finer_first[t + 1] - 1 : t; }

static bool any_knob(const td_set *set, const td_knob *knobs, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (set->knob[knobs[i]] != 0) return true;
    return false;
}

td_route td_route_of(const td_play_def *def, const td_set *set) {
    static const td_knob beyond[] = {
        TD_KNOB_per_unit, TD_KNOB_slippage_ticks, TD_KNOB_volume_share, TD_KNOB_impact, TD_KNOB_funding, TD_KNOB_borrow,
        TD_KNOB_maintenance, TD_KNOB_daily_loss, TD_KNOB_drawdown, TD_KNOB_max_position, TD_KNOB_cool_down};
    static const td_knob protect[] = {
        TD_KNOB_stop_volatility, TD_KNOB_target_volatility, TD_KNOB_trailing, TD_KNOB_trailing_amount, TD_KNOB_trailing_volatility,
        TD_KNOB_break_even, TD_KNOB_time_stop};
    if (def->profile == TD_PROFILE_VECTORBT || set->bound != TD_BOUND_NONE || def->intrabar != TD_INTRABAR_STOP_FIRST || def->execution_ns ||
        def->fill_delay > 0 || def->fill_at == TD_FILL_NEXT_CLOSE || def->sizing > TD_SIZING_FRACTION || def->hours_from != def->hours_to ||
        def->tier_count > 0 || set->knob[TD_KNOB_leverage] != 1 || any_knob(set, beyond, sizeof beyond / sizeof *beyond))
        return TD_ROUTE_BROKER;
    /* where there is a volatility, entries wait for it (rule R67) */
    bool protects = def->volatility != TD_VOLATILITY_NONE || any_knob(set, protect, sizeof protect / sizeof *protect);
    return protects ? TD_ROUTE_PROTECTED : TD_ROUTE_PLAIN;
}

double td_account_start(const td_kernel_deck *deck, const td_set *set, td_account *account) {
    const double *knob = set->knob;
    *account = (td_account){
        .taker = knob[TD_KNOB_commission], .maker = deck->maker_rate ? knob[TD_KNOB_maker] : knob[TD_KNOB_commission],
        .per_unit = knob[TD_KNOB_per_unit], .ticks = knob[TD_KNOB_slippage_ticks] * knob[TD_KNOB_tick],
        .volume_share = knob[TD_KNOB_volume_share], .impact = knob[TD_KNOB_impact], .leverage = knob[TD_KNOB_leverage],
        .maintenance = knob[TD_KNOB_maintenance], .pyramiding = knob[TD_KNOB_pyramiding],
        .position_value = knob[TD_KNOB_max_position], .daily_loss = knob[TD_KNOB_daily_loss], .drawdown = knob[TD_KNOB_drawdown],
        .cool_down = knob[TD_KNOB_cool_down], .funding = knob[TD_KNOB_funding], .borrow = knob[TD_KNOB_borrow],
        .funding_ns = (int64_t)(knob[TD_KNOB_funding_hours] * 60) * TD_NS_PER_MINUTE,
        .intrabar = set->bound == TD_BOUND_LOW    ? TD_INTRABAR_PESSIMISTIC
                    : set->bound == TD_BOUND_HIGH ? TD_INTRABAR_OPTIMISTIC
                                                  : deck->intrabar,
        .day_equity = knob[TD_KNOB_cash], .day_end = NEVER, .funding_bar = NEVER, .borrow_bar = NEVER};
    account->moves_price = account->ticks > 0 || account->volume_share > 0 || account->impact > 0;
    account->liquidates = account->leverage > 1 || account->maintenance > 0;
    if (account->daily_loss > 0) account->day_end = next_period(deck, 0, TD_NS_PER_DAY);
    if (account->funding != 0) account->funding_bar = next_period(deck, 0, account->funding_ns);
    if (account->borrow > 0) account->borrow_bar = next_period(deck, 0, TD_NS_PER_DAY);
    if (deck->tier_count > 0) {
        account->tier_day = td_day_of(deck->time_ns[0]);
        account->taker = deck->tiers[0].commission;
        account->maker = deck->tiers[0].maker;
    }
    return account->day_end == NEVER ? INFINITY : (double)account->day_end;
}

void td_seat_refuse(td_seat *seat, td_refusal why) {
    if (why == TD_REFUSAL_cash)
        F(refused_cash) += 1;
    else if (why == TD_REFUSAL_lot)
        F(refused_lot) += 1;
    else if (why == TD_REFUSAL_volatility)
        F(refused_volatility) += 1;
    else
        seat->account->refused[why] += 1;
}

/* ---- fills ---- */

typedef td_terms terms;

/* The commission rates of the day that the seat is in: those of the highest tier that the trailing days reach. They are added up anew,
 * oldest first, so that a sum does not depend on the days before them. */
static void renew_rates(td_seat *seat) {
    td_account *account = seat->account;
    const td_kernel_deck *deck = seat->deck;
    if (deck->tier_count == 0) return;
    int64_t today = td_day_of(deck->finer_time_ns[seat->finer]), days = deck->tier_days, first = today - days;
    if (today == account->tier_day) return;
    for (int64_t day = account->tier_day > first ? account->tier_day : first; day < today; day++)
        account->traded[td_floor_mod(day, days)] = day == account->tier_day ? account->traded_today : 0;
    account->tier_day = today;
    account->traded_today = 0;
    double sum = 0;
    for (int64_t day = first; day < today; day++) sum += account->traded[td_floor_mod(day, days)];
    int tier = deck->tier_count - 1;
    while (tier > 0 && sum < deck->tiers[tier].volume) tier--;
    account->taker = deck->tiers[tier].commission;
    account->maker = deck->tiers[tier].maker;
}

static terms entry_terms(td_seat *seat, double side, bool rests) {
    renew_rates(seat);
    if (rests) return (terms){.factor = 1, .rate = seat->account->maker};
    return (terms){.factor = side > 0 ? F(enter_buy) : F(enter_sell), .spread = F(spread_enter), .slippage = F(slippage),
                   .rate = seat->account->taker, .market = true};
}

/* side: of the fill, not of the position. */
static terms exit_terms(td_seat *seat, double side, bool rests) {
    renew_rates(seat);
    if (rests) return (terms){.factor = 1, .rate = seat->account->maker};
    return (terms){.factor = side > 0 ? F(leave_buy) : F(leave_sell), .spread = F(spread_leave), .slippage = F(slippage),
                   .rate = seat->account->taker, .market = true};
}

/* How far a market fill of `size` units moves its price, quote currency. Volume share: Zipline's VolumeShareSlippage, price * share^2.
 * Impact: the square-root law (Torre, BARRA Market Impact Model Handbook, 1997). A bar without volume moves as if it held the order. */
static double price_move(const td_seat *seat, const terms *terms, double base, double size) {
    const td_account *account = seat->account;
    if (!terms->market || !account->moves_price) return 0;
    double volume = seat->deck->finer_volume ? seat->deck->finer_volume[seat->finer] : 0, share = volume > 0 ? size / volume : 1;
    double move = account->ticks + base * (account->volume_share * share * share + account->impact * sqrt(share));
    return fmin(move, base * 0.5); /* the laws are of small moves: nobody pays half as much again, or sells at nothing */
}

void td_seat_note_fill(td_seat *seat, int64_t bar, double units, double base, double price, double commission, const terms *terms,
                      double move, td_fill_reason reason) {
    double value = fabs(units) * base, slippage = value * terms->slippage;
    if (move != 0) slippage += fabs(units) * move;
    if (seat->deck->tier_count > 0) seat->account->traded_today += fabs(units) * price;
    td_fill fill = {.bar = bar, .time_ns = seat->deck->finer_time_ns[seat->finer], .reason = reason, .units = units, .price = price,
                    .commission = commission, .spread_cost = value * terms->spread, .slippage_cost = slippage, .position = F(position)};
    td_plain_note_fill(seat->field, seat->stride, &fill, value, 0);
    if (seat->observer && seat->observer->on_fill) seat->observer->on_fill(seat->observer->context, &fill);
}

/* Nothing protects a position any more: there is none. */
void td_seat_forget_position(td_seat *seat) {
    td_account *account = seat->account;
    F(stop_low) = -INFINITY;
    F(stop_high) = INFINITY;
    account->entries = 0;
    account->carry = 0;
    F(trail_share) = F(trail_amount) = INFINITY;
    F(even_price) = NAN;
    F(leave_bar) = INFINITY;
}

void td_seat_count_trade(td_seat *seat, const td_trade *trade) {
    const double *seconds = seat->deck->seconds;
    td_plain_count_trade(seat->field, seat->stride, trade->pnl, trade->ret, seconds[trade->exit_bar] - seconds[trade->entry_bar]);
}

/* Orders that leave a position end with it. A decision to be out is none of them: it asks where the position stands when it fills. */
static void end_exits(td_account *account) {
    int kept = 0;
    for (int i = 0; i < account->order_count; i++)
        if (!account->orders[i].exit || account->orders[i].target) account->orders[kept++] = account->orders[i];
    account->order_count = kept;
}

/* Closes `units` of the position, which have its sign, at `base`; the trade goes into the statistics. */
static void leave_units(td_seat *seat, int64_t bar, double base, double units, terms terms, td_fill_reason reason) {
    td_account *account = seat->account;
    double position = F(position), carry = account->carry, entry_commission = F(entry_commission);
    bool all = units == position;
    if (!all) {
        carry *= units / position;
        entry_commission *= units / position;
    }
    double size = fabs(units), move = price_move(seat, &terms, base, size), price = base * terms.factor;
    if (move != 0) price = units > 0 ? price - move : price + move;
    double entry_price = F(entry_price), commission = F(fixed) + size * price * terms.rate;
    if (account->per_unit > 0) commission += size * account->per_unit;
    double gross = units * (price - entry_price), costs = commission + entry_commission + carry, pnl = gross - costs;
    double change = pnl / (size * entry_price);

    /* money */
    F(balance) += gross - commission;
    F(position) = all ? 0 : position - units;
    F(cash) = all ? F(balance) : F(balance) - F(position) * entry_price;
    F(entry_commission) -= entry_commission;
    account->carry -= carry;

    td_trade trade = {.entry_bar = (int64_t)F(entry_bar), .exit_bar = bar, .entry_ns = seat->entry_ns,
                      .exit_ns = seat->deck->finer_time_ns[seat->finer], .entry_reason = seat->entry_reason, .exit_reason = reason,
                      .units = units, .entry_price = entry_price, .exit_price = price, .commission = costs, .pnl = pnl, .ret = change};
    td_seat_count_trade(seat, &trade);
    F(exposed) += (double)bar - larger(F(entry_bar), F(covered) + 1) + 1;
    F(covered) = (double)bar;

    if (all) {
        td_seat_forget_position(seat);
        end_exits(account);
    }
    if (pnl < 0 && account->cool_down > 0) account->cool_until = bar + 1 + (int64_t)account->cool_down;
    td_seat_note_fill(seat, bar, -units, base, price, commission, &terms, move, reason);
    if (seat->observer && seat->observer->on_trade) seat->observer->on_trade(seat->observer->context, &trade);
}

/* Closes `share` of the position, rounded down to a lot. */
static void leave(td_seat *seat, int64_t bar, double base, double share, terms terms, td_fill_reason reason) {
    double position = F(position), units = position;
    if (share < 1) {
        units = position * share;
        if (F(lot) > 0) units = copysign(td_floor_divide(fabs(units), F(lot)) * F(lot), position);
    }
    if (units == 0)
        td_seat_refuse(seat, TD_REFUSAL_lot);
    else
        leave_units(seat, bar, base, units, terms, reason);
}

static void leave_all(td_seat *seat, int64_t bar, double base, td_fill_reason reason) {
    leave(seat, bar, base, 1, exit_terms(seat, F(position) > 0 ? -1 : 1, false), reason);
}

/* Nothing is left, or the strategy lost its mind: the set plays no more. It goes on as a ghost with an equity of 1 that never moves, so
 * that bar loops need not know; what its real equity, 0, adds to the statistics is one return of -1, added here. */
void td_seat_stop(td_seat *seat) {
    const td_kernel_deck *deck = seat->deck;
    double market = seat->sample < deck->samples ? deck->sample_market[seat->sample] : 0;
    bool counts = true;
    if (is_backtesting(seat)) {
        market = 0; /* beta does not exist after ruin */
        if (seat->sample == 0) {
            F(first_sample) = 0;
            counts = false;
        }
    }
    td_plain_stop(seat->field, seat->stride, counts, market);
    F(guard_high) = F(wake) = INFINITY;
    F(guard_low) = -INFINITY;
    seat->account->order_count = 0;
    td_seat_forget_position(seat);
}

void td_seat_fail(td_seat *seat, int64_t bar, td_cell_reason reason) {
    td_plain_fail(seat->field, seat->stride, bar, reason);
    td_seat_stop(seat);
}

/* ---- entries ---- */

/* Kelly's fraction of the set's own closed trades; with fewer than ten, or no win, or no loss, a tenth. At least a hundredth, so that
 * a losing streak does not end the sample. Kelly, A New Interpretation of Information Rate (1956). */
static double kelly_fraction(const td_seat *seat) {
    if (F(trades) < 10 || F(wins) == 0 || F(losses) == 0) return 0.1;
    double rate = F(wins) / F(trades), ratio = (F(gain_pnl) / F(wins)) / -(F(loss_pnl) / F(losses));
    return fmax(rate - (1 - rate) / ratio, 0.01);
}

/* Units that sizing wants of `balance` for an entry at `price`, over the `held` ones of the same side; not yet rounded to lots. */
static double wanted_units(const td_seat *seat, const td_order *order, double balance, double price, double unit_cost, double held,
                           double stop_price) {
    const td_account *account = seat->account;
    double size = F(size), scale = order->scale;
    switch (seat->deck->sizing) {
    case TD_SIZING_FIXED_UNITS: return size * scale;
    case TD_SIZING_FIXED_VALUE: return size * scale / price;
    case TD_SIZING_FRACTION: return (balance * size * scale - F(fixed)) / unit_cost;
    case TD_SIZING_ALL_IN: return (balance * account->leverage * scale - F(fixed)) / unit_cost - held;
    case TD_SIZING_RISK: return balance * size * scale / fabs(price - stop_price);
    case TD_SIZING_VOLATILITY: return balance * size * scale / (order->volatility * sqrt(seat->deck->bars_per_year));
    case TD_SIZING_KELLY: return (balance * size * kelly_fraction(seat) * scale - F(fixed)) / unit_cost;
    }
    return 0;
}

/* backtesting.py sizes in lots, with the fixed commission charged per lot, and commission on the price before spread. Units, or a
 * refusal. */
static double backtesting_units(td_seat *seat, const td_order *order, double base, double factor, td_refusal *why) {
    bool lots = F(lot) > 0;
    double lot = lots ? F(lot) : 1, lot_price = base * lot, adjusted = lot_price * factor, count, cost;
    if (seat->deck->sizing == TD_SIZING_FIXED_UNITS) {
        count = F(size) * order->scale;
        if (lots) count = td_floor_divide(count, lot);
        cost = adjusted + (F(fixed) + count * lot_price * F(rate)) / count;
    } else {
        double share = seat->deck->sizing == TD_SIZING_FRACTION ? F(size) * order->scale : order->scale;
        if (!(share < 1 - 0x1p-52)) share = 1 - 0x1p-52;
        cost = adjusted + (F(fixed) + share * lot_price * F(rate)) / share;
        double budget = F(balance) * share;
        count = lots ? td_floor_divide(budget > 0 ? budget : 0, cost) : budget / cost;
    }
    *why = count <= 0 ? TD_REFUSAL_lot : count * cost > F(balance) ? TD_REFUSAL_cash : TD_REFUSAL_COUNT;
    return count * lot;
}

static double round_to_lot(const td_seat *seat, double units) {
    return F(lot) > 0 ? td_floor_divide(units > 0 ? units : 0, F(lot)) * F(lot) : units;
}

/* Why no entry may be made on this bar; TD_REFUSAL_COUNT when one may. */
static td_refusal entry_forbidden(const td_seat *seat, const td_order *order, int64_t bar) {
    const td_account *account = seat->account;
    const td_kernel_deck *deck = seat->deck;
    if (isnan(order->volatility)) return TD_REFUSAL_volatility;
    if (account->halted) return TD_REFUSAL_drawdown;
    if (bar < account->day_off_until) return TD_REFUSAL_daily_loss;
    if (bar < account->cool_until) return TD_REFUSAL_cool_down;
    if (account->entries >= (int64_t)account->pyramiding && !order->resize) return TD_REFUSAL_pyramiding;
    if (deck->hours_from != deck->hours_to) {
        int64_t minute = td_floor_mod(deck->finer_time_ns[seat->finer], TD_NS_PER_DAY) / TD_NS_PER_MINUTE;
        bool inside = deck->hours_from < deck->hours_to ? minute >= deck->hours_from && minute < deck->hours_to
                                                        : minute >= deck->hours_from || minute < deck->hours_to;
        if (!inside) return TD_REFUSAL_hours;
    }
    return TD_REFUSAL_COUNT;
}

/* Moves the stop to `level` where that is nearer to the market. */
static void tighten(td_seat *seat, double side, double level, td_fill_reason reason) {
    if (side > 0 ? level > F(stop_low) : level < F(stop_high)) {
        if (side > 0)
            F(stop_low) = level;
        else
            F(stop_high) = level;
        F(stop_reason) = reason;
    }
}

static void set_target(td_seat *seat, double side, double level) {
    if (side > 0)
        F(stop_high) = smaller(F(stop_high), level);
    else
        F(stop_low) = larger(F(stop_low), level);
}

/* The trailing stop follows the best price. */
static void follow(td_seat *seat, double price) {
    double side = F(position) > 0 ? 1 : -1;
    if (side > 0 ? price > F(best_price) : price < F(best_price)) F(best_price) = price;
    tighten(seat, side, F(best_price) * (1 - side * F(trail_share)), TD_FILL_REASON_trailing);
    tighten(seat, side, F(best_price) - side * F(trail_amount), TD_FILL_REASON_trailing);
}

/* Where stop and target of a position are: the nearest of all that are asked for, measured from the (average) price paid. The best price,
 * which a trailing stop follows, begins with that or, where prices are better after an addition, with `base`. */
static void protect(td_seat *seat, const td_order *order, int64_t bar, double price, double base) {
    td_account *account = seat->account;
    bool buy = order->side > 0;
    double side = order->side;
    F(stop_low) = price * (buy ? F(long_low) : F(short_low));
    F(stop_high) = price * (buy ? F(long_high) : F(short_high));
    F(stop_reason) = TD_FILL_REASON_stop;
    if (F(stop_volatility) > 0) tighten(seat, side, price - side * F(stop_volatility) * order->volatility, TD_FILL_REASON_stop);
    if (F(target_volatility) > 0) set_target(seat, side, price + side * F(target_volatility) * order->volatility);
    if (!isnan(order->stop_loss)) tighten(seat, side, order->stop_loss, TD_FILL_REASON_stop);
    if (!isnan(order->take_profit)) set_target(seat, side, order->take_profit);
    F(trail_share) = F(trailing) > 0 ? F(trailing) : INFINITY;
    double amount = INFINITY;
    if (F(trailing_amount) > 0) amount = F(trailing_amount);
    if (F(trailing_volatility) > 0) amount = fmin(amount, F(trailing_volatility) * order->volatility);
    if (!isnan(order->trail)) amount = fmin(amount, order->trail);
    F(trail_amount) = amount;
    F(best_price) = price;
    if (F(break_even) > 0) F(even_price) = price * (1 + side * F(break_even));
    if (account->entries == 1 && F(time_stop) > 0) F(leave_bar) = (double)bar + F(time_stop);
    follow(seat, price);
    follow(seat, base);
}

/* Where the stop would be if the position were entered at `price`, for sizes by risk; NaN where there is none, or one that is met at
 * once. */
static double stop_at(const td_seat *seat, const td_order *order, double price) {
    double side = order->side, nearest = side > 0 ? price * F(long_low) : price * F(short_high);
    double others[] = {F(stop_volatility) > 0 ? price - side * F(stop_volatility) * order->volatility : NAN, order->stop_loss,
                       F(trailing) > 0 ? price * (1 - side * F(trailing)) : NAN,
                       F(trailing_amount) > 0 ? price - side * F(trailing_amount) : NAN,
                       F(trailing_volatility) > 0 ? price - side * F(trailing_volatility) * order->volatility : NAN,
                       price - side * order->trail};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (side > 0 ? others[i] > nearest : others[i] < nearest) nearest = others[i];
    return isfinite(nearest) && side * (price - nearest) > 0 ? nearest : NAN;
}

/* The account after `units` (signed) were bought or sold at `price`: a new position, or more of the one that stands. `marked` is the bar
 * whose close was marked last. */
static void acquire(td_seat *seat, int64_t bar, int64_t marked, double units, double base, double price, const terms *terms, double move,
                    td_fill_reason reason) {
    td_account *account = seat->account;
    double size = fabs(units), held = fabs(F(position)), commission = F(fixed) + size * price * terms->rate;
    if (account->per_unit > 0) commission += size * account->per_unit;
    /* a lane that slept at its peak was there until the last mark */
    if (F(record) == INFINITY) {
        F(record) = F(peak);
        F(peak_bar) = (double)marked;
        F(peak_time) = seat->deck->seconds[marked];
    }
    F(balance) -= commission;
    if (held == 0) {
        F(entry_commission) = commission;
        F(entry_price) = price;
        F(entry_bar) = (double)bar;
        F(position) = units;
        seat->entry_reason = reason;
        seat->entry_ns = seat->deck->finer_time_ns[seat->finer];
        /* charges fall due at opens, after the fills there */
        int64_t from = reason == TD_FILL_REASON_open ? bar - 1 : bar;
        if (account->funding != 0) account->funding_bar = next_period(seat->deck, from, account->funding_ns);
        if (account->borrow > 0) account->borrow_bar = next_period(seat->deck, from, TD_NS_PER_DAY);
    } else {
        F(entry_commission) += commission;
        F(entry_price) = (held * F(entry_price) + size * price) / (held + size);
        F(position) += units;
    }
    F(cash) = F(balance) - F(position) * F(entry_price);
    td_seat_note_fill(seat, bar, units, base, price, commission, terms, move, reason);
}

/* Opens a position, or adds to one, on the order's side at `base`. */
static void enter(td_seat *seat, const td_order *order, int64_t bar, int64_t marked, double base, bool rests, td_fill_reason reason) {
    td_account *account = seat->account;
    td_refusal why = entry_forbidden(seat, order, bar);
    if (why != TD_REFUSAL_COUNT) {
        td_seat_refuse(seat, why);
        return;
    }
    terms terms = entry_terms(seat, order->side, rests);
    double price = base * terms.factor, held = fabs(F(position)), size, move = 0;
    if (is_backtesting(seat)) {
        size = backtesting_units(seat, order, base, terms.factor, &why);
    } else {
        double unit_cost = price * (1 + terms.rate) + account->per_unit, free = F(balance) * account->leverage - held * price;
        double stop_price = seat->deck->sizing == TD_SIZING_RISK ? stop_at(seat, order, price) : NAN;
        double wanted = wanted_units(seat, order, F(balance), price, unit_cost, held, stop_price);
        if (account->position_value > 0) wanted = fmin(wanted, account->position_value / price - held);
        size = round_to_lot(seat, wanted);
        if (seat->deck->sizing == TD_SIZING_RISK && isnan(stop_price))
            why = TD_REFUSAL_orders;
        else if (size <= 0)
            why = TD_REFUSAL_lot;
        else if (size * unit_cost + F(fixed) > free * (1 + 0x1p-40) + held * price * 0x1p-40) /* a hair more is rounding */
            why = TD_REFUSAL_cash;
        else if ((move = price_move(seat, &terms, base, size)) != 0) { /* what could be paid without the move is cut to what can with it */
            price += order->side * move;
            size = fmin(size, round_to_lot(seat, (free - F(fixed)) / (price * (1 + terms.rate) + account->per_unit)));
            if (size <= 0) why = TD_REFUSAL_lot;
        }
    }
    if (why != TD_REFUSAL_COUNT) {
        td_seat_refuse(seat, why);
        return;
    }
    if (!(size < INFINITY)) {
        td_seat_fail(seat, bar, TD_CELL_REASON_nan_target);
        return;
    }
    acquire(seat, bar, marked, order->side * size, base, price, &terms, move, reason);
    account->entries++;
    protect(seat, order, bar, F(entry_price), base);
}

/* Brings a position that stands on the order's side to the size that it would be entered with now, of the equity at `base`: rule R80. Its
 * stop and target stay where they are. */
static void resize(td_seat *seat, const td_order *order, int64_t bar, int64_t marked, double base, td_fill_reason reason) {
    td_account *account = seat->account;
    terms terms = entry_terms(seat, order->side, false);
    double held = fabs(F(position)), equity = F(cash) + F(position) * base, price = base * terms.factor;
    double unit_cost = price * (1 + terms.rate) + account->per_unit;
    double stop_price = seat->deck->sizing == TD_SIZING_RISK ? stop_at(seat, order, price) : NAN;
    double size = wanted_units(seat, order, equity, price, unit_cost, 0, stop_price);
    if (account->position_value > 0) size = fmin(size, account->position_value / price);
    size = round_to_lot(seat, size);
    td_refusal why = TD_REFUSAL_COUNT;
    if (isnan(order->volatility))
        why = TD_REFUSAL_volatility;
    else if (seat->deck->sizing == TD_SIZING_RISK && isnan(stop_price))
        why = TD_REFUSAL_orders;
    else if (size > held * (1 + 0x1p-40)) {
        why = entry_forbidden(seat, order, bar);
        if (why == TD_REFUSAL_COUNT && size * unit_cost + F(fixed) > equity * account->leverage * (1 + 0x1p-40)) why = TD_REFUSAL_cash;
    }
    if (why != TD_REFUSAL_COUNT) {
        td_seat_refuse(seat, why);
    } else if (!(size < INFINITY)) {
        td_seat_fail(seat, bar, TD_CELL_REASON_nan_target);
    } else if (size <= 0) {
        leave_all(seat, bar, base, reason);
    } else if (size < held * (1 - 0x1p-40)) {
        leave_units(seat, bar, base, order->side * (held - size), exit_terms(seat, -order->side, false), reason);
    } else if (size > held * (1 + 0x1p-40)) {
        double more = size - held, move = price_move(seat, &terms, base, more);
        if (move != 0) { /* it costs more than was thought: what is left pays for the rest */
            double free = equity * account->leverage - held * price - F(fixed);
            price += order->side * move;
            more = fmin(more, round_to_lot(seat, free / (price * (1 + terms.rate) + account->per_unit)));
        }
        if (more > 0)
            acquire(seat, bar, marked, order->side * more, base, price, &terms, move, reason);
        else
            td_seat_refuse(seat, TD_REFUSAL_lot);
    }
}

/* ---- orders ---- */

static void remove_order(td_account *account, int index) {
    memmove(&account->orders[index], &account->orders[index + 1], (size_t)(--account->order_count - index) * sizeof *account->orders);
}

/* Takes off what works on bars before `t` only. */
static void expire_orders(td_account *account, int64_t t) {
    for (int i = account->order_count - 1; i >= 0; i--)
        if (account->orders[i].kind != TD_ORDER_MARKET && account->orders[i].expires < t) remove_order(account, i);
}

static void add_order(td_seat *seat, const td_order *order) {
    td_account *account = seat->account;
    if (account->order_count >= TD_ORDERS_MAX)
        td_seat_refuse(seat, TD_REFUSAL_orders);
    else
        account->orders[account->order_count++] = *order;
}

/* Carries out an order at `base`. The order is no longer in the list. */
static void execute(td_seat *seat, const td_order *order, int64_t bar, int64_t marked, double base, bool rests, td_fill_reason reason) {
    double position = F(position), fills = F(fills);
    bool stands = (order->side > 0 && position > 0) || (order->side < 0 && position < 0);
    if (order->target) {
        /* in profile backtesting a new order closes and opens again, as the usual position.close() before buy() does there */
        if (stands && order->resize) resize(seat, order, bar, marked, base, reason);
        if (stands && !is_backtesting(seat)) return;
        if (position != 0) leave_all(seat, bar, base, reason);
        if (!order->exit) enter(seat, order, bar, marked, base, rests, reason);
    } else if (order->exit) {
        /* an exit order sells a long or buys back a short, whatever is there of it; side 0 closes either */
        bool fits = order->side == 0 ? position != 0 : order->side * position < 0;
        if (fits) leave(seat, bar, base, order->scale, exit_terms(seat, position > 0 ? -1 : 1, rests), reason);
    } else {
        bool allowed = seat->deck->direction == TD_DIRECTION_BOTH || (seat->deck->direction == TD_DIRECTION_LONG) == (order->side > 0);
        if (position != 0 && !stands) leave(seat, bar, base, 1, exit_terms(seat, position > 0 ? -1 : 1, rests), reason);
        if (allowed && !F(ruined)) enter(seat, order, bar, marked, base, rests, reason);
    }
    td_account *account = seat->account;
    if (!order->group || F(fills) == fills) return; /* what was refused takes nothing off */
    account->filled_group = order->group;
    for (int i = account->order_count - 1; i >= 0; i--)
        if (account->orders[i].group == order->group) remove_order(account, i);
}

/* Which way prices must go to reach an order: down (-1) or up (+1); and the level. */
static double trigger_of(const td_order *order, int *way) {
    bool buy = order->side > 0;
    switch (order->kind) {
    case TD_ORDER_LIMIT: *way = buy ? -1 : 1; return order->limit;
    case TD_ORDER_IF_TOUCHED: *way = buy ? -1 : 1; return order->stop;
    case TD_ORDER_STOP:
    case TD_ORDER_STOP_LIMIT: *way = buy ? 1 : -1; return order->stop;
    default: *way = 0; return NAN;
    }
}

/* Takes order `index` off the list and fills it, or, a stop-limit order, turns it into a limit order. */
static void fire_order(td_seat *seat, int index, int64_t t, double price) {
    td_account *account = seat->account;
    td_order order = account->orders[index];
    if (order.kind == TD_ORDER_STOP_LIMIT) {
        account->orders[index].kind = TD_ORDER_LIMIT;
        return;
    }
    remove_order(account, index);
    bool rests = order.kind == TD_ORDER_LIMIT;
    execute(seat, &order, t, t - 1, price, rests,
            rests ? TD_FILL_REASON_limit : order.kind == TD_ORDER_STOP ? TD_FILL_REASON_stop_order : TD_FILL_REASON_touched);
}

/* ---- the walk through a bar ---- */

/* What prices can meet. Orders are numbered from FIRST_ORDER on. */
enum { NOTHING, LIQUIDATION, STOP, TARGET, EVEN, FIRST_ORDER };

typedef struct meeting {
    int what;
    double level;
} meeting;

/* Where the position is liquidated, from cash + units * p = maintenance * |units| * p; NaN where it is not. Negative: the equity of a short
 * is not enough at any price. */
static double liquidation_price(const td_seat *seat) {
    double position = F(position), maintenance = seat->account->maintenance;
    if (!seat->account->liquidates || position == 0) return NAN;
    double price = position > 0 ? -F(cash) / (position * (1 - maintenance)) : F(cash) / (-position * (1 + maintenance));
    return price > 0 || position < 0 ? price : NAN;
}

static void consider(meeting *best, int what, double level, int way, double price, double limit) {
    /* levels already passed are met where prices are now */
    if (way < 0 ? !(level >= limit) : !(level <= limit)) return;
    level = way < 0 ? smaller(price, level) : larger(price, level);
    if (best->what == NOTHING || (way < 0 ? level > best->level : level < best->level)) *best = (meeting){what, level};
}

/* The first thing met on the way from `price` to `limit`; `limit` = `price` asks what is met here and now. Where levels tie, the
 * position's come first, then the older order. */
static meeting next_meeting(const td_seat *seat, int way, double price, double limit) {
    const td_account *account = seat->account;
    meeting best = {.what = NOTHING};
    double position = F(position);
    if (position != 0) {
        bool adverse = (position > 0) == (way < 0);
        if (adverse) consider(&best, LIQUIDATION, liquidation_price(seat), way, price, limit);
        consider(&best, adverse ? STOP : TARGET, way < 0 ? F(stop_low) : F(stop_high), way, price, limit);
        if (!adverse) consider(&best, EVEN, F(even_price), way, price, limit);
    }
    for (int i = 0; i < account->order_count; i++) {
        int order_way;
        double level = trigger_of(&account->orders[i], &order_way);
        if (order_way == way) consider(&best, FIRST_ORDER + i, level, way, price, limit);
    }
    return best;
}

static void meet(td_seat *seat, meeting met, int64_t t, bool at_open) {
    double position = F(position), side = position > 0 ? 1 : -1;
    switch (met.what) {
    case LIQUIDATION: leave_all(seat, t, met.level, TD_FILL_REASON_liquidation); break;
    case STOP:
        leave_all(seat, t, met.level,
                  at_open && F(stop_reason) == TD_FILL_REASON_stop ? TD_FILL_REASON_stop_gap : (td_fill_reason)F(stop_reason));
        break;
    case TARGET: /* a limit order: no spread, no slippage */
        leave(seat, t, met.level, 1, exit_terms(seat, -side, true), at_open ? TD_FILL_REASON_target_gap : TD_FILL_REASON_target);
        break;
    case EVEN:
        F(even_price) = NAN;
        tighten(seat, side, F(entry_price), TD_FILL_REASON_break_even);
        break;
    default: fire_order(seat, met.what - FIRST_ORDER, t, met.level);
    }
}

static bool reached(int way, double level, double price) { return way < 0 ? level >= price : level <= price; }

/* What is met where prices are: the position's liquidation; its stop and its target, first that of the extreme that comes first; its
 * break-even; then orders, the oldest first. */
static meeting met_at(const td_seat *seat, double price, bool low_first) {
    const td_account *account = seat->account;
    if (F(position) != 0) {
        int adverse = F(position) > 0 ? -1 : 1;
        bool stops = reached(adverse, adverse < 0 ? F(stop_low) : F(stop_high), price);
        bool wins = reached(-adverse, adverse < 0 ? F(stop_high) : F(stop_low), price);
        if (reached(adverse, liquidation_price(seat), price)) return (meeting){LIQUIDATION, price};
        if (stops && (!wins || low_first == (adverse < 0))) return (meeting){STOP, price};
        if (wins) return (meeting){TARGET, price};
        if (reached(-adverse, F(even_price), price)) return (meeting){EVEN, price};
    }
    for (int i = 0; i < account->order_count; i++) {
        int way;
        double level = trigger_of(&account->orders[i], &way);
        if (way != 0 && reached(way, level, price)) return (meeting){FIRST_ORDER + i, price};
    }
    return (meeting){.what = NOTHING};
}

/* Carries out everything that is met where prices are. A stop-limit order, an entry that opens beyond its own stop and the like may
 * meet something new at once, but each meeting takes an order, a position or a level away. */
static void meet_here(td_seat *seat, int64_t t, double price, bool at_open, bool low_first) {
    for (meeting met; !F(ruined) && (met = met_at(seat, price, low_first)).what != NOTHING;) meet(seat, met, t, at_open);
}

static void go(td_seat *seat, int64_t t, double from, double to, bool low_first) {
    double price = from;
    int way = to < from ? -1 : 1;
    for (meeting met; !F(ruined) && (met = next_meeting(seat, way, price, to)).what != NOTHING;) {
        price = met.level;
        if (F(position) != 0 && (F(position) > 0) == (way > 0)) follow(seat, price);
        meet(seat, met, t, false);
        meet_here(seat, t, price, false, low_first);
    }
    if (F(position) != 0 && (F(position) > 0) == (way > 0)) follow(seat, to);
}

static bool has_something(const td_seat *seat) { return !F(ruined) && (F(position) != 0 || seat->account->order_count > 0); }

/* The side that the stop of an open position, or of the one that the oldest entry order would open, is on. */
static bool low_is_adverse(const td_seat *seat) {
    const td_account *account = seat->account;
    if (F(position) != 0) return F(position) > 0;
    for (int i = 0; i < account->order_count; i++)
        if (!account->orders[i].exit) return account->orders[i].side < 0; /* a buy: up, fill, and down again */
    return true;
}

/* Which extreme of a bar prices visit first. */
typedef enum course { HIGH_FIRST, LOW_FIRST, STOP_FIRST, TARGET_FIRST } course;

static bool goes_low_first(const td_seat *seat, course course) {
    if (course == STOP_FIRST || course == TARGET_FIRST) return low_is_adverse(seat) == (course == STOP_FIRST);
    return course == LOW_FIRST;
}

/* Through the finer bar that the seat is at, which is in bar t. What the open brings about may move the stop to the other side. */
static void walk(td_seat *seat, int64_t t, course course) {
    const td_kernel_deck *deck = seat->deck;
    int64_t k = seat->finer;
    double open = deck->finer_open[k];
    meet_here(seat, t, open, true, goes_low_first(seat, course));
    if (deck->fill_at == TD_FILL_NEXT_OPEN && F(position) != 0 && (double)t >= F(leave_bar))
        leave_all(seat, t, open, TD_FILL_REASON_time_stop);
    if (!has_something(seat)) return;
    if (F(position) != 0) follow(seat, open);
    bool low_first = goes_low_first(seat, course);
    double first = low_first ? deck->finer_low[k] : deck->finer_high[k], second = low_first ? deck->finer_high[k] : deck->finer_low[k];
    go(seat, t, open, first, low_first);
    go(seat, t, first, second, low_first);
    go(seat, t, second, deck->finer_close[k], low_first);
}

/* May it matter which extreme comes first? Cheap; says so rather too often, never too seldom. */
static bool may_be_ambiguous(const td_seat *seat) {
    const td_kernel_deck *deck = seat->deck;
    const td_account *account = seat->account;
    double open = deck->finer_open[seat->finer], low = deck->finer_low[seat->finer], high = deck->finer_high[seat->finer];
    meeting down = next_meeting(seat, -1, open, low), up = next_meeting(seat, 1, open, high);
    for (int i = 0; i < account->order_count; i++)
        if (account->orders[i].kind != TD_ORDER_MARKET && (down.what != NOTHING || up.what != NOTHING)) return true;
    bool is_long = F(position) > 0;
    if (F(position) == 0) return false;
    if ((is_long ? down : up).what != NOTHING && (is_long ? up : down).what != NOTHING) return true;
    /* the way to the better extreme may bring the stop nearer, and into reach */
    double side = is_long ? 1 : -1, worst = is_long ? low : high;
    double best = is_long ? larger(F(best_price), high) : smaller(F(best_price), low);
    bool even = is_long ? high >= F(even_price) : low <= F(even_price);
    return (even && side * (F(entry_price) - worst) >= 0) || side * (best * (1 - side * F(trail_share)) - worst) >= 0 ||
           side * (best - side * F(trail_amount) - worst) >= 0;
}

/* A copy of everything that a walk may change: the hot and the cold fields, hash and failure among them. */
enum { SNAPSHOT_FIELDS = TD_FIELD_failed_bar + 1 };
typedef struct snapshot {
    double field[SNAPSHOT_FIELDS];
    td_account account;
    td_fill_reason entry_reason;
    int64_t entry_ns;
} snapshot;
_Static_assert(TD_FIELD_position == 0 && (int)TD_FIELD_enter_buy == (int)SNAPSHOT_FIELDS, "a snapshot holds the hot and the cold fields");

static void take(const td_seat *seat, snapshot *shot) {
    for (int f = 0; f < SNAPSHOT_FIELDS; f++) shot->field[f] = seat->field[f * seat->stride];
    shot->account = *seat->account;
    shot->entry_reason = seat->entry_reason;
    shot->entry_ns = seat->entry_ns;
}

static void put_back(td_seat *seat, const snapshot *shot) {
    for (int f = 0; f < SNAPSHOT_FIELDS; f++) seat->field[f * seat->stride] = shot->field[f];
    *seat->account = shot->account;
    seat->entry_reason = shot->entry_reason;
    seat->entry_ns = shot->entry_ns;
}

/* Are the bytes [from, to) of two structs the same? Between members that leave no padding, whose bytes nobody knows. */
static bool same_bytes(const void *a, const void *b, size_t from, size_t to) {
    return memcmp((const char *)a + from, (const char *)b + from, to - from) == 0;
}

static bool same_orders(const td_account *a, const td_account *b) {
    for (int i = 0; i < a->order_count && i < b->order_count; i++) {
        const td_order *x = &a->orders[i], *y = &b->orders[i];
        if (x->kind != y->kind || x->exit != y->exit || x->target != y->target || x->resize != y->resize || x->reason != y->reason ||
            !same_bytes(x, y, offsetof(td_order, group), offsetof(td_order, reason)))
            return false;
    }
    return a->order_count == b->order_count;
}

/* Bit for bit, as far as anything that comes can tell. */
static bool same_state(const td_seat *seat, const snapshot *shot) {
    const td_account *a = seat->account, *b = &shot->account;
    bool trails = F(trail_share) < INFINITY || F(trail_amount) < INFINITY;
    for (int f = 0; f < SNAPSHOT_FIELDS; f++) {
        if (f == TD_FIELD_best_price && !trails) continue;         /* nobody asks for it */
        if (f == TD_FIELD_stop_reason && F(position) == 0) continue; /* there is no stop */
        if (td_bits_of(seat->field[f * seat->stride]) != td_bits_of(shot->field[f])) return false;
    }
    return same_bytes(a, b, offsetof(td_account, entries), offsetof(td_account, order_count)) && same_orders(a, b) &&
           a->cool_until == b->cool_until && memcmp(a->refused, b->refused, sizeof a->refused) == 0;
}

/* Plays both ways, and takes them back. Do they come to anything different? equity: at the close, of the high first and of the low
 * first. */
static bool ways_differ(td_seat *seat, int64_t t, double equity[2]) {
    snapshot before, after;
    const td_observer *observer = seat->observer;
    bool differ = false;
    take(seat, &before);
    seat->observer = NULL;
    for (int low_first = 0; low_first < 2; low_first++) {
        walk(seat, t, low_first ? LOW_FIRST : HIGH_FIRST);
        equity[low_first] = F(ruined) ? 0 : F(cash) + F(position) * seat->deck->finer_close[seat->finer];
        if (low_first)
            differ = !same_state(seat, &after);
        else
            take(seat, &after);
        put_back(seat, &before);
    }
    seat->observer = observer;
    return differ;
}

static void walk_by_policy(td_seat *seat, int64_t t) {
    const td_kernel_deck *deck = seat->deck;
    int64_t k = seat->finer;
    double equity[2], open = deck->finer_open[k];
    if (!has_something(seat)) return;
    if (F(position) != 0) follow(seat, open); /* whichever way it goes from here */
    bool ambiguous = may_be_ambiguous(seat) && ways_differ(seat, t, equity), low_first = true;
    if (ambiguous) F(ambiguous) += 1;
    switch (seat->account->intrabar) {
    case TD_INTRABAR_STOP_FIRST: walk(seat, t, STOP_FIRST); return;
    case TD_INTRABAR_TARGET_FIRST: walk(seat, t, TARGET_FIRST); return;
    case TD_INTRABAR_NEAREST_EXTREME: low_first = open - deck->finer_low[k] <= deck->finer_high[k] - open; break;
    case TD_INTRABAR_PESSIMISTIC: low_first = !ambiguous || equity[1] <= equity[0]; break;
    case TD_INTRABAR_OPTIMISTIC: low_first = ambiguous && equity[1] > equity[0]; break;
    }
    walk(seat, t, low_first ? LOW_FIRST : HIGH_FIRST);
}

/* backtesting.py looks at the stop before the target, whatever the open was. */
static void backtesting_range(td_seat *seat, int64_t t) {
    const td_kernel_deck *deck = seat->deck;
    double open = deck->open[t];
    bool hit_low = deck->low[t] <= F(stop_low), hit_high = deck->high[t] >= F(stop_high), is_long = F(position) > 0;
    if (F(position) == 0 || !(hit_low || hit_high)) return;
    if (hit_low && hit_high) F(ambiguous) += 1;
    bool low = hit_low && (is_long || !hit_high), gap = low ? open <= F(stop_low) : open >= F(stop_high);
    double base = low ? fmin(open, F(stop_low)) : fmax(open, F(stop_high));
    if (low == is_long)
        leave_all(seat, t, base, gap ? TD_FILL_REASON_stop_gap : TD_FILL_REASON_stop);
    else
        leave(seat, t, base, 1, exit_terms(seat, is_long ? -1 : 1, true), gap ? TD_FILL_REASON_target_gap : TD_FILL_REASON_target);
}

/* ---- the bar ---- */

/* Market orders that wait fill on the bar they are due: at its open, or, where fills are at closes, at its close. */
static void fill_due(td_seat *seat, int64_t t, bool at_open) {
    td_account *account = seat->account;
    bool fills_at_open = seat->deck->fill_at == TD_FILL_NEXT_OPEN;
    for (int i = 0; i < account->order_count;) {
        td_order order = account->orders[i];
        if (order.kind != TD_ORDER_MARKET || order.due > t || fills_at_open != at_open) {
            i++;
            continue;
        }
        remove_order(account, i);
        execute(seat, &order, t, t - 1, at_open ? seat->deck->open[t] : seat->deck->close[t], false, order.reason);
        if (F(ruined)) return;
        i = 0;
    }
}

static void pay(td_seat *seat, int64_t t, double funding, double borrow) {
    double amount = funding + borrow;
    F(balance) -= amount;
    F(cash) -= amount;
    seat->account->carry += amount;
    seat->account->funding_paid += funding;
    seat->account->borrow_paid += borrow;
    if (seat->observer && seat->observer->on_charge) seat->observer->on_charge(seat->observer->context, t, funding, borrow);
}

/* How many periods later, counted from 1970, bar t opens than the bar before it. */
static double periods_passed(const td_kernel_deck *deck, int64_t t, int64_t period_ns) {
    return (double)(td_floor_div(deck->time_ns[t], period_ns) - td_floor_div(deck->time_ns[t - 1], period_ns));
}

/* Funding and borrowing, of the position's value at the open of the first bar in a new period, for each period that began. */
static void charge(td_seat *seat, int64_t t) {
    const td_kernel_deck *deck = seat->deck;
    td_account *account = seat->account;
    if (t >= account->funding_bar) {
        if (F(position) != 0)
            pay(seat, t, F(position) * deck->open[t] * account->funding * periods_passed(deck, t, account->funding_ns), 0);
        account->funding_bar = next_period(deck, t, account->funding_ns);
    }
    if (t >= account->borrow_bar) {
        if (F(position) < 0)
            pay(seat, t, 0, -F(position) * deck->open[t] * account->borrow * periods_passed(deck, t, TD_NS_PER_DAY) / DAYS_PER_YEAR);
        account->borrow_bar = next_period(deck, t, TD_NS_PER_DAY);
    }
}

static bool has_limits(const td_account *account) { return account->daily_loss > 0 || account->drawdown > 0; }

/* The bar on which a market order decided at the close of bar t fills. */
static int64_t due_bar(const td_kernel_deck *deck, int64_t t) { return t + deck->fill_delay + (deck->fill_at != TD_FILL_CLOSE); }

/* Risk limits look at equity at the close. What they close is closed as any decision of this bar would be; its order always finds a
 * place among those that work. */
static void watch_limits(td_seat *seat, int64_t t) {
    const td_kernel_deck *deck = seat->deck;
    td_account *account = seat->account;
    double equity = F(cash) + F(position) * deck->close[t];
    if (!(equity > 0)) return; /* ruin comes first */
    bool day = account->daily_loss > 0 && account->day_off_until < account->day_end &&
               equity <= account->day_equity * (1 - account->daily_loss);
    bool drawdown = account->drawdown > 0 && !account->halted && equity <= F(peak) * (1 - account->drawdown);
    if (day) account->day_off_until = account->day_end;
    if (drawdown) account->halted = true;
    if (!(day || drawdown)) return;
    for (int i = account->order_count - 1; i >= 0; i--)
        if (!account->orders[i].exit) remove_order(account, i);
    if (F(position) == 0) return;
    if (due_bar(deck, t) == t) {
        leave_all(seat, t, deck->close[t], TD_FILL_REASON_risk);
        return;
    }
    for (int i = 0; i < account->order_count; i++)
        if (account->orders[i].reason == TD_FILL_REASON_risk) return;
    account->orders[account->order_count++] =
        (td_order){.kind = TD_ORDER_MARKET, .exit = true, .scale = 1, .due = due_bar(deck, t), .reason = TD_FILL_REASON_risk};
}

/* When to look again: the nearest levels on both sides, and the next bar with something due. soon: the next one in any case,
 * because what was filled may have brought a loss that limits must see. */
static void set_guards(td_seat *seat, int64_t t, bool soon) {
    const td_account *account = seat->account;
    double low = -INFINITY, high = INFINITY, position = F(position);
    int64_t wake = NEVER;
    if (position != 0) {
        bool is_long = position > 0;
        low = F(stop_low);
        high = F(stop_high);
        /* equity that must not be reached, as a price: nothing, the maintenance margin, the limits */
        double worst = 0, level = liquidation_price(seat);
        if (account->daily_loss > 0) worst = larger(worst, account->day_equity * (1 - account->daily_loss));
        if (account->drawdown > 0) worst = larger(worst, F(peak) * (1 - account->drawdown));
        double price = (worst - F(cash)) / position, margin = 0x1p-40 * (worst + fabs(F(cash))) / fabs(position);
        if (is_long) {
            low = larger(larger(low, price + margin), level * NEAR);
            high = smaller(high, F(even_price));
        } else {
            high = smaller(smaller(high, price - margin), level / NEAR);
            low = larger(low, F(even_price));
        }
        if (F(leave_bar) < (double)wake) wake = (int64_t)F(leave_bar);
        if (account->funding_bar < wake) wake = account->funding_bar;
        if (account->borrow_bar < wake) wake = account->borrow_bar;
        /* the peak moves with every close above it: with a limit on drawdown, so does the level */
        if (account->drawdown > 0 && t + 1 < wake) wake = t + 1;
    }
    if (account->day_end < wake) wake = account->day_end;
    bool broke = position == 0 && F(cash) <= 0; /* sold for less than nothing: ruin at the next close */
    if ((soon || broke) && t + 1 < wake) wake = t + 1;
    for (int i = 0; i < account->order_count; i++) {
        const td_order *order = &account->orders[i];
        int way;
        double at = trigger_of(order, &way);
        if (way < 0) low = larger(low, at);
        if (way > 0) high = smaller(high, at);
        if (order->kind == TD_ORDER_MARKET && order->due < wake) wake = order->due;
        if (order->kind != TD_ORDER_MARKET && order->expires < wake) wake = order->expires + 1;
    }
    bool trails = position != 0 && (F(trail_share) < INFINITY || F(trail_amount) < INFINITY);
    F(calm_low) = low;
    F(calm_high) = high;
    F(guard_low) = trails && position < 0 ? larger(low, F(best_price)) : low;
    F(guard_high) = trails && position > 0 ? smaller(high, F(best_price)) : high;
    F(wake) = wake == NEVER ? INFINITY : (double)wake;
}

/* At the close of the finer bar that the seat is at. */
static void look_for_ruin(td_seat *seat, int64_t t) {
    double close = seat->deck->finer_close[seat->finer];
    if (F(ruined) || F(cash) + F(position) * close > 0) return;
    if (F(position) != 0) leave_all(seat, t, close, TD_FILL_REASON_ruin);
    td_seat_stop(seat);
}

/* The finer bars of bar t after its first. Prices may jump from one to the next as they do between bars. */
static void walk_on(td_seat *seat, int64_t t, int64_t last) {
    const td_kernel_deck *deck = seat->deck;
    if (!F(ruined)) set_guards(seat, t, false);
    while (seat->finer < last && has_something(seat)) {
        int64_t k = ++seat->finer;
        if (!seat->thorough && deck->finer_low[k] > F(guard_low) && deck->finer_high[k] < F(guard_high)) continue;
        walk_by_policy(seat, t);
        if (k == last) return;
        look_for_ruin(seat, t);
        if (!F(ruined)) set_guards(seat, t, false);
    }
}

void td_broker_bar(td_seat *seat, int64_t t) {
    const td_kernel_deck *deck = seat->deck;
    td_account *account = seat->account;
    if (deck->profile == TD_PROFILE_VECTORBT) {
        td_vectorbt_bar(seat, t);
        return;
    }
    if (seat->list) {
        td_backtesting_bar(seat, t);
        return;
    }
    if (F(ruined)) return;
    double fills = F(fills);
    if (t >= account->day_end) {
        account->day_equity = F(equity);
        account->day_end = next_period(deck, t, TD_NS_PER_DAY);
    }
    expire_orders(account, t);

    /* at the open: what is due */
    int64_t last = last_finer(deck, t);
    seat->finer = first_finer(deck, t);
    fill_due(seat, t, true);
    if (t >= account->funding_bar || t >= account->borrow_bar) charge(seat, t);

    /* in the range */
    if (is_backtesting(seat))
        backtesting_range(seat, t);
    else
        walk_by_policy(seat, t);
    if (seat->finer < last) {
        look_for_ruin(seat, t);
        walk_on(seat, t, last);
    }

    /* at the close: what is due, limits, ruin */
    seat->finer = last;
    if (!F(ruined)) fill_due(seat, t, false);
    if (F(position) != 0 && (double)t >= F(leave_bar)) leave_all(seat, t, deck->close[t], TD_FILL_REASON_time_stop);
    if (!F(ruined) && has_limits(account)) watch_limits(seat, t);
    look_for_ruin(seat, t);
    if (!F(ruined)) set_guards(seat, t, has_limits(account) && F(fills) > fills);
}

/* ---- decisions ---- */

/* What a risk limit closes on bar `due` comes before what the strategy decided on the same bar as that. */
static void fill_risk(td_seat *seat, int64_t due, int64_t marked, double base) {
    td_account *account = seat->account;
    for (int i = 0; i < account->order_count; i++) {
        td_order order = account->orders[i];
        if (order.reason != TD_FILL_REASON_risk || order.due != due) continue;
        remove_order(account, i);
        execute(seat, &order, due, marked, base, false, order.reason);
        return;
    }
}

/* A market order decided on bar t: filled at once where its price is known by now (this close, or the next bar's open, before which
 * nothing else can happen), else it waits. */
static void place_market(td_seat *seat, td_order *order, int64_t t) {
    const td_kernel_deck *deck = seat->deck;
    bool at_open = deck->fill_at == TD_FILL_NEXT_OPEN;
    order->due = due_bar(deck, t);
    order->reason = at_open ? TD_FILL_REASON_open : TD_FILL_REASON_close;
    if (order->due >= deck->bars) return;
    seat->finer = at_open ? first_finer(deck, order->due) : last_finer(deck, t);
    if (order->due > t + at_open) {
        add_order(seat, order);
        return;
    }
    double base = at_open ? deck->open[order->due] : deck->close[t];
    fill_risk(seat, order->due, t, base);
    execute(seat, order, order->due, t, base, false, order->reason);
}

static double allowed_target(const td_seat *seat, double target) {
    if (seat->deck->direction == TD_DIRECTION_LONG && target < 0) return 0;
    if (seat->deck->direction == TD_DIRECTION_SHORT && target > 0) return 0;
    return target;
}

/* The market order of a decision for `target`. */
static td_order order_of_target(double target, double volatility) {
    return (td_order){.kind = TD_ORDER_MARKET, .target = true, .exit = target == 0, .side = target > 0 ? 1 : target < 0 ? -1 : 0,
                      .scale = fabs(target) < 1 ? fabs(target) : 1, .stop_loss = NAN, .take_profit = NAN, .trail = NAN,
                      .volatility = volatility};
}

/* An order whose levels contradict each other would open a position that is stopped at once. */
static bool contradicts(const td_order *order) {
    double entry = order->kind == TD_ORDER_LIMIT || order->kind == TD_ORDER_STOP_LIMIT ? order->limit : order->stop;
    if (order->exit || order->kind == TD_ORDER_MARKET) return false;
    return order->side > 0 ? order->stop_loss >= entry || order->take_profit <= entry : order->stop_loss <= entry || order->take_profit >= entry;
}

static bool is_number(double x) { return x > -INFINITY && x < INFINITY; }

static void place(td_seat *seat, const td_order *request, int64_t t) {
    td_account *account = seat->account;
    td_order order = *request;
    bool has_limit = order.kind == TD_ORDER_LIMIT || order.kind == TD_ORDER_STOP_LIMIT;
    bool has_stop = order.kind != TD_ORDER_MARKET && order.kind != TD_ORDER_LIMIT;
    if (order.kind == TD_ORDER_CANCEL) {
        for (int i = account->order_count - 1; i >= 0; i--)
            if (account->orders[i].kind != TD_ORDER_MARKET) remove_order(account, i);
        return;
    }
    if ((has_limit && !is_number(order.limit)) || (has_stop && !is_number(order.stop)) || !(order.scale > 0 && order.scale <= 1) ||
        !(order.bars >= 1)) {
        td_seat_fail(seat, t, TD_CELL_REASON_nan_order);
        return;
    }
    if (order.kind == TD_ORDER_REBALANCE) {
        double target = allowed_target(seat, order.side);
        if (!is_number(target)) {
            td_seat_fail(seat, t, TD_CELL_REASON_nan_target);
            return;
        }
        td_order market = order_of_target(target, order.volatility);
        market.resize = true;
        market.stop_loss = order.stop_loss;
        market.take_profit = order.take_profit;
        market.trail = order.trail;
        place_market(seat, &market, t);
        return;
    }
    if (order.kind == TD_ORDER_MOVE_STOP || order.kind == TD_ORDER_MOVE_TARGET) {
        if (F(position) == 0) return;
        bool low = (F(position) > 0) == (order.kind == TD_ORDER_MOVE_STOP);
        if (low)
            F(stop_low) = order.stop;
        else
            F(stop_high) = order.stop;
        if (order.kind == TD_ORDER_MOVE_STOP) {
            F(stop_reason) = TD_FILL_REASON_stop;
            follow(seat, F(best_price)); /* never looser than a trailing stop */
        }
        return;
    }
    if (order.group) order.group += (t + 1) * (TD_REQUESTS_MAX + 1); /* those of other bars have their own */
    if (order.group && order.group == account->filled_group) return; /* its partner was a market order */
    if (contradicts(&order)) {
        td_seat_refuse(seat, TD_REFUSAL_orders);
        return;
    }
    if (order.kind == TD_ORDER_MARKET) {
        place_market(seat, &order, t);
        return;
    }
    order.expires = order.bars < (double)seat->deck->bars ? t + (int64_t)order.bars : NEVER;
    add_order(seat, &order);
}

/* In two rounds: what is to work, to be moved or cancelled means the account that the strategy saw; market orders, some of which fill at
 * once, come after that. side: of the position that the strategy saw, 0 when it is gone: an exit is of that one. */
static void place_requests(td_seat *seat, const td_decision *decision, int64_t t, bool markets, double side) {
    for (int i = 0; i < decision->request_count && !F(ruined); i++) {
        td_order request = decision->requests[i];
        if ((request.kind == TD_ORDER_MARKET || request.kind == TD_ORDER_REBALANCE) != markets) continue;
        request.volatility = decision->volatility;
        if (!(request.exit && markets && side == 0)) place(seat, &request, t);
        if (F(position) * side <= 0) side = 0;
    }
}

void td_broker_decide(td_seat *seat, const td_decision *decision, int64_t t) {
    if (seat->deck->profile == TD_PROFILE_VECTORBT) {
        td_vectorbt_decide(seat, decision, t);
        return;
    }
    if (seat->list) {
        td_backtesting_decide(seat, decision, t);
        return;
    }
    if (F(ruined)) return;
    if (decision->request_count > TD_REQUESTS_MAX) td_seat_fail(seat, t, TD_CELL_REASON_many_orders);
    double side = F(position) > 0 ? 1 : F(position) < 0 ? -1 : 0;
    expire_orders(seat->account, t + 1);
    place_requests(seat, decision, t, false, side);
    if (decision->wants && !F(ruined)) {
        double target = allowed_target(seat, decision->target);
        if (!is_number(target)) {
            td_seat_fail(seat, t, TD_CELL_REASON_nan_target);
            return;
        }
        td_order order = order_of_target(target, decision->volatility);
        place_market(seat, &order, t);
        if (F(position) * side <= 0) side = 0;
    }
    place_requests(seat, decision, t, true, side);
    if (!F(ruined)) set_guards(seat, t, has_limits(seat->account));
}

void td_broker_finalize(td_seat *seat, const td_decision *decision) {
    const td_kernel_deck *deck = seat->deck;
    int64_t last = deck->bars - 1;
    if (deck->profile == TD_PROFILE_VECTORBT) {
        td_vectorbt_finalize(seat);
        return;
    }
    if (seat->list) {
        td_backtesting_finalize(seat, decision);
        return;
    }
    seat->finer = last_finer(deck, last);
    if (F(ruined)) return;
    if (!is_backtesting(seat)) {
        if (F(position) != 0) leave_all(seat, last, deck->close[last], TD_FILL_REASON_end);
    } else {
        /* backtesting.py runs its broker once more: everything closes at the price a market order would get there, a decision of
         * this very bar is filled at the same price, and its stops see the bar's range again */
        bool at_close = deck->fill_at == TD_FILL_CLOSE;
        int64_t bar = at_close && last > 0 ? last - 1 : last;
        seat->finer = bar;
        double base = at_close ? deck->close[bar] : deck->open[last], target = allowed_target(seat, decision->target);
        if (decision->wants && !(fabs(target) < INFINITY)) {
            td_seat_fail(seat, last - 1, TD_CELL_REASON_nan_target);
            return;
        }
        if (F(position) != 0) leave_all(seat, bar, base, TD_FILL_REASON_end);
        if (decision->wants && target != 0) {
            td_order order = {.kind = TD_ORDER_MARKET, .side = target > 0 ? 1 : -1, .scale = fabs(target) < 1 ? fabs(target) : 1,
                              .stop_loss = NAN, .take_profit = NAN, .trail = NAN, .volatility = decision->volatility};
            enter(seat, &order, bar, last - 1, base, false, at_close ? TD_FILL_REASON_close : TD_FILL_REASON_open);
        }
        seat->finer = last;
        if (!F(ruined)) backtesting_range(seat, last);
    }
    look_for_ruin(seat, last);
}
