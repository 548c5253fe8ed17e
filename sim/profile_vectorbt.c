/* Profile vectorbt: orders and fills as vectorbt's Portfolio.from_signals() has them (docs/bar-rules.md, R130 and on).
 *
 * It is a table of rows there: each bar has at most one order, a stop's before the strategy's, and its value is taken after it. A
 * position may be reversed by one order, which is one fill and ends one trade and begins another. What cash cannot pay for is bought
 * in part; nobody is ever ruined, a short that cost more than there is stays. */
#include <math.h>

#include "base/lanes.h"
#include "sim/seat.h"

#define NO_BAR (-1)

/* An order that is about to fill. */
typedef struct ticket {
    int64_t bar;
    double side;     /* +1 buys, -1 sells */
    double closes;   /* units of the position that it should close */
    double opens;    /* units that it should trade beyond that; +inf: what all cash allows ... */
    double share;    /* ... times this */
    bool reduces;    /* never goes beyond the position */
    double spends;   /* a purchase of all that this pays for: so much cash goes, to the last bit; 0: what its units cost */
    double base;
    td_terms terms;
    td_fill_reason reason;
} ticket;

/* What an order is to the position that stands. */
typedef enum intent { NOTHING, ENTER, LEAVE, REDUCE, REVERSE } intent;

/* Amounts that hardly differ are the same: rounding must neither cut an order nor leave a crumb of a position. */
static bool same(double a, double b) { return fabs(a - b) <= fmax(1e-9 * fmax(fabs(a), fabs(b)), 1e-12); }

static td_terms market_terms(const td_seat *seat, double side) {
    return (td_terms){.factor = side > 0 ? F(enter_buy) : F(enter_sell), .spread = F(spread_enter), .slippage = F(slippage),
                      .rate = F(rate)};
}

static double floor_to_lot(const td_seat *seat, double units) {
    return F(lot) > 0 ? td_floor_divide(units, F(lot)) * F(lot) : units;
}

/* a + b; nothing where rounding alone is left. */
static double add(double a, double b) { return same(a, -b) ? 0 : a + b; }

/* Cash that no short needs: what it brought, and as much again. */
static double owed(const td_seat *seat) { return F(position) < 0 ? -F(position) * F(entry_price) : 0; }
static double free_cash(const td_seat *seat) { return F(cash) - 2 * owed(seat); }

/* Units of an order, cut to the largest size; 0 where it must not be cut. What closes a position at the end may have any size. */
static double limited(const td_seat *seat, const ticket *order, double size) {
    const td_vectorbt_def *def = seat->deck->vectorbt;
    if (order->reason == TD_FILL_REASON_end) return size;
    if (size <= def->max_size) return size;
    return def->whole ? 0 : def->max_size;
}

/* Is an order of so many units one, of which `wanted` were asked for? */
static bool is_order(const td_seat *seat, const ticket *order, double size, double wanted) {
    const td_vectorbt_def *def = seat->deck->vectorbt;
    if (order->reason == TD_FILL_REASON_end) return size > 0;
    if (same(size, 0) || (size < def->min_size && !same(size, def->min_size))) return false;
    return !(def->whole && wanted < INFINITY && size < wanted && !same(size, wanted));
}

/* Cash that a purchase may cost; with lock_cash, and a short to buy back first, only what that frees. */
static double spendable(const td_seat *seat, double price) {
    double cash = F(cash), debt = owed(seat), size = fabs(F(position)), cost = price * (1 + F(rate));
    if (!seat->deck->vectorbt->lock_cash) return cash;
    if (F(position) >= 0) return fmin(free_cash(seat), cash);
    double left = add(free_cash(seat) + 2 * debt, -(size * cost + F(fixed)));
    if (left >= 0) return cash;
    /* as much of the short as the free cash buys back, and what that frees with it */
    return fmin((free_cash(seat) - F(fixed)) / (cost - 2 * F(entry_price)) * cost + F(fixed), cash);
}

/* Units that can be bought at `price`: what cash pays, commission included; no more than the order is for. */
static double bought(td_seat *seat, ticket *order, double price, td_refusal *why) {
    double fixed = F(fixed), rate = F(rate), limit = spendable(seat, price), size = order->closes + order->opens;
    bool all = isinf(size);
    *why = TD_REFUSAL_cash;
    if (all) {
        double units = (limit - fixed) / (1 + rate) / price;
        if (order->closes == 0)
            limit = fmin(limit, limit * order->share);
        else if (order->share < 1)
            size = order->closes + order->share * fmax(units - order->closes, 0);
    }
    if (order->reduces) size = fmin(size, fabs(F(position)));
    double wanted = all ? INFINITY : order->closes + order->opens;
    size = limited(seat, order, size);
    if (!isinf(size)) size = floor_to_lot(seat, size);
    if (!(limit > 0)) return 0;
    double cost = size * price * (1 + rate) + fixed;
    if (isinf(cost) || !(cost <= limit || same(cost, limit))) {
        double most = add(limit, -fixed) / (1 + rate);
        if (!(most > 0)) return 0;
        size = floor_to_lot(seat, most / price);
        if (!(F(lot) > 0)) order->spends = limit;
    }
    *why = TD_REFUSAL_lot;
    return is_order(seat, order, size, wanted) ? size : 0;
}

/* Units that can be sold at `price`. A short of all cash is worth what is left of it when the long is sold, commissions of both kept
 * back; one of so many units needs no cash at all, unless cash is locked. */
static double sold(td_seat *seat, const ticket *order, double price, td_refusal *why) {
    double position = F(position), fixed = F(fixed), rate = F(rate), size = order->closes + order->opens, wanted = size;
    bool lock = seat->deck->vectorbt->lock_cash;
    *why = TD_REFUSAL_cash;
    if (order->reduces)
        size = isinf(size) ? position * order->share : fmin(size, position);
    else if (isinf(size) || lock) {
        double held = fmax(position, 0), most = held, cash = add(free_cash(seat), held * price * (1 - rate));
        if (cash > 0) most = add(held, add(cash, -fixed) / (price * (1 + rate)));
        if (!(most > 0)) return 0;
        if (!isinf(size))
            size = fmin(size, most);
        else
            size = order->closes > 0 && order->share < 1 ? order->closes + order->share * (most - order->closes) : order->share * most;
    }
    size = floor_to_lot(seat, limited(seat, order, size));
    *why = TD_REFUSAL_lot;
    if (!is_order(seat, order, size, wanted)) return 0;
    *why = TD_REFUSAL_cash;
    return size * price * (1 - rate) - fixed < 0 ? 0 : size;
}

/* Where stop and target are: at distances from a price of the entry, or, trailing, from the best price since. */
static void set_stops(td_seat *seat) {
    double best = F(best_price), trailing = F(trailing);
    bool is_long = F(position) > 0;
    double stop = trailing > 0 ? best * (is_long ? 1 - trailing : 1 + trailing) : best * (is_long ? F(long_low) : F(short_high));
    if (is_long)
        F(stop_low) = stop;
    else
        F(stop_high) = stop;
}

/* The price that stop and target are measured from. */
static double measured_from(const td_seat *seat, const ticket *order, double price) {
    switch (seat->deck->vectorbt->stop_entry_price) {
    case TD_STOP_ENTRY_PRICE: return order->base;
    case TD_STOP_ENTRY_FILL_PRICE: return price;
    case TD_STOP_ENTRY_CLOSE: break;
    }
    return seat->deck->close[order->bar];
}

/* Moves the money of `units` at the price, closes and opens what that means, and tells. */
static void fill(td_seat *seat, const ticket *order, double size, double price) {
    const td_kernel_deck *deck = seat->deck;
    td_account *account = seat->account;
    int64_t t = order->bar, now = deck->time_ns[t];
    seat->finer = t; /* there are no finer bars in this profile */
    double before = F(position), held = fabs(before), units = order->side * size, commission = F(fixed) + size * price * F(rate);
    if (order->spends > 0) commission = order->spends - add(order->spends, -F(fixed)) / (1 + F(rate));
    double closed = before * order->side < 0 ? fmin(size, held) : 0;
    bool all = closed > 0 && same(size, held);
    if (all) closed = held;
    double opened = all ? 0 : size - closed;
    td_trade trade;
    F(cash) = add(F(cash), -(order->spends > 0 ? order->spends : units * price + commission));
    if (closed > 0) {
        double paid = F(entry_commission) * (closed / held), costs = commission * (closed / size) + paid;
        double gross = copysign(closed, before) * (price - F(entry_price)), pnl = gross - costs;
        trade = (td_trade){.entry_bar = (int64_t)F(entry_bar), .exit_bar = t, .entry_ns = seat->entry_ns, .exit_ns = now,
                           .entry_reason = seat->entry_reason,
                           .exit_reason = order->reason, .units = copysign(closed, before), .entry_price = F(entry_price),
                           .exit_price = price, .commission = costs, .pnl = pnl, .ret = pnl / (closed * F(entry_price))};
        td_seat_count_trade(seat, &trade);
        F(entry_commission) -= paid;
        F(position) = closed == held ? 0 : before + order->side * closed;
        if (closed == held) td_seat_forget_position(seat);
    }
    if (opened > 0) {
        double fee = commission * (opened / size), stands = fabs(F(position));
        if (stands == 0) {
            F(entry_price) = price;
            F(entry_commission) = fee;
            F(entry_bar) = (double)t;
            seat->entry_ns = now;
            seat->entry_reason = order->reason;
        } else {
            F(entry_price) = (stands * F(entry_price) + opened * price) / (stands + opened);
            F(entry_commission) += fee;
        }
        F(position) += order->side * opened;
        account->entries++;
        /* an entry more moves the levels too */
        if (stands == 0 || !deck->vectorbt->keep_stops) {
            F(best_price) = measured_from(seat, order, price);
            account->armed_bar = t + 1;
            if (order->side > 0)
                F(stop_high) = F(best_price) * F(long_high);
            else
                F(stop_low) = F(best_price) * F(short_low);
            set_stops(seat);
        }
    }
    F(balance) = F(cash) + F(position) * F(entry_price);
    /* a lane that slept at its peak was there until the last mark */
    if (F(record) == INFINITY) {
        int64_t marked = t > 0 ? t - 1 : 0;
        F(record) = F(peak);
        F(peak_bar) = (double)marked;
        F(peak_time) = deck->seconds[marked];
    }
    if (t == 0) { /* peaks begin with the value of the first row */
        F(peak) = F(trough) = F(cash) + F(position) * deck->close[0];
        F(record) = F(peak);
    }
    td_seat_note_fill(seat, t, units, order->base, price, commission, &order->terms, 0, order->reason);
    if (closed > 0 && seat->observer && seat->observer->on_trade) seat->observer->on_trade(seat->observer->context, &trade);
}

static void carry_out(td_seat *seat, ticket *order) {
    td_refusal why;
    double price = order->base * order->terms.factor;
    double size = order->side > 0 ? bought(seat, order, price, &why) : sold(seat, order, price, &why);
    if (size > 0 && !(size < INFINITY))
        td_seat_fail(seat, order->bar, TD_CELL_REASON_nan_target);
    else if (size > 0)
        fill(seat, order, size, price);
    else
        td_seat_refuse(seat, why);
}

/* Units that sizing wants; +inf where the cash decides, of which *share. price: that of the row's orders. */
static double wanted_units(const td_seat *seat, double scale, double price, double *share) {
    *share = 1;
    switch (seat->deck->sizing) {
    case TD_SIZING_FIXED_UNITS: return F(size) * scale;
    case TD_SIZING_FIXED_VALUE: return F(size) * scale / price;
    case TD_SIZING_FRACTION: *share = F(size) * scale; break;
    default: *share = scale;
    }
    return INFINITY;
}

static bool adds(const td_seat *seat) {
    return seat->deck->vectorbt->accumulate == TD_ACCUMULATE_BOTH || seat->deck->vectorbt->accumulate == TD_ACCUMULATE_ADD;
}
static bool removes(const td_seat *seat) {
    return seat->deck->vectorbt->accumulate == TD_ACCUMULATE_BOTH || seat->deck->vectorbt->accumulate == TD_ACCUMULATE_REMOVE;
}

/* What an entry for the other side, or a stop, means. An entry may cross over to the other side while it takes units off. */
static intent intent_of(const td_seat *seat, td_upon upon) {
    switch (upon) {
    case TD_UPON_IGNORE: return NOTHING;
    case TD_UPON_CLOSE: return LEAVE;
    case TD_UPON_CLOSE_REDUCE: return removes(seat) ? REDUCE : LEAVE;
    case TD_UPON_REVERSE: return REVERSE;
    case TD_UPON_REVERSE_REDUCE: return removes(seat) ? ENTER : REVERSE;
    }
    return NOTHING;
}

static bool allows(const td_kernel_deck *deck, double side) {
    return deck->direction == TD_DIRECTION_BOTH || (deck->direction == TD_DIRECTION_LONG) == (side > 0);
}

/* The price of the orders of row t. */
static double row_price(const td_kernel_deck *deck, int64_t t) {
    return deck->fill_at == TD_FILL_NEXT_OPEN ? deck->open[t] : deck->close[t];
}

/* How much an order trades. scale: of what sizing allows; of LEAVE: of the position. */
static void size_order(const td_seat *seat, ticket *order, intent what, double scale) {
    if (what == LEAVE || what == REVERSE) order->closes = fabs(F(position)) * (what == LEAVE ? scale : 1);
    if (what != LEAVE) order->opens = wanted_units(seat, scale, row_price(seat->deck, order->bar), &order->share);
    order->reduces = what == LEAVE || what == REDUCE;
}

/* What a wish of the strategy means now. */
static intent intent_of_wish(td_seat *seat, const td_order *wish) {
    double standing = F(position) * wish->side;
    bool allowed = allows(seat->deck, wish->side);
    if (wish->exit) return F(position) == 0 ? NOTHING : wish->target && removes(seat) ? REDUCE : LEAVE;
    if (standing < 0) return allowed ? intent_of(seat, seat->deck->vectorbt->upon_opposite_entry) : LEAVE;
    if (!allowed || (standing > 0 && wish->target && !adds(seat))) return NOTHING;
    return ENTER;
}

/* Carries out what the strategy wanted, on row t. Only the first order of a row is one. */
static void act(td_seat *seat, const td_order *wish, int64_t t) {
    const td_kernel_deck *deck = seat->deck;
    td_account *account = seat->account;
    double position = F(position), side = wish->exit ? (position > 0 ? -1 : 1) : wish->side;
    intent what = intent_of_wish(seat, wish);
    if (what == NOTHING) return;
    if (t == account->acted_bar) {
        td_seat_refuse(seat, TD_REFUSAL_orders);
        return;
    }
    if (what == ENTER && position * side > 0 && !adds(seat) && account->entries >= (int64_t)account->pyramiding) {
        td_seat_refuse(seat, TD_REFUSAL_pyramiding);
        return;
    }
    account->acted_bar = t;
    ticket order = {.bar = t, .side = side, .base = row_price(deck, t), .terms = market_terms(seat, side),
                    .reason = deck->fill_at == TD_FILL_NEXT_OPEN ? TD_FILL_REASON_open : TD_FILL_REASON_close};
    /* an exit of a target is whole; what closes because its side is not taken is, too */
    bool whole = wish->exit ? wish->target : what == LEAVE;
    size_order(seat, &order, what, whole ? 1 : wish->scale);
    carry_out(seat, &order);
}

/* Stop first; then the trailing stop follows, for what the stop may have left, and, where it was not hit, the target. */
static void test_stops(td_seat *seat, int64_t t) {
    const td_kernel_deck *deck = seat->deck;
    td_account *account = seat->account;
    double open = deck->open[t], low = deck->low[t], high = deck->high[t];
    bool is_long = F(position) > 0, is_stop = false;
    double base = NAN;
    for (int way = is_long ? -1 : 1, i = 0; i < 2 && isnan(base); i++, way = -way) {
        double level = way < 0 ? F(stop_low) : F(stop_high);
        is_stop = i == 0;
        if (way < 0 ? open <= level : open >= level)
            base = open;
        else if (low <= level && level <= high)
            base = level;
        double best = is_long ? high : low;
        if (is_stop && F(trailing) > 0 && (is_long ? best > F(best_price) : best < F(best_price))) {
            F(best_price) = best;
            set_stops(seat);
        }
    }
    if (isnan(base)) return;
    td_fill_reason reason = !is_stop                ? (base == open ? TD_FILL_REASON_target_gap : TD_FILL_REASON_target)
                            : F(trailing) > 0 ? TD_FILL_REASON_trailing
                            : base == open          ? TD_FILL_REASON_stop_gap
                                                    : TD_FILL_REASON_stop;
    account->acted_bar = t;
    ticket order = {.bar = t, .side = is_long ? -1 : 1, .base = base, .terms = {.factor = 1, .rate = F(rate)}, .reason = reason};
    td_stop_exit_price where = deck->vectorbt->stop_exit_price;
    if (where != TD_STOP_EXIT_LIMIT) order.terms = market_terms(seat, order.side);
    if (where == TD_STOP_EXIT_PRICE) order.base = row_price(deck, t);
    if (where == TD_STOP_EXIT_CLOSE) order.base = deck->close[t];
    intent what = intent_of(seat, deck->vectorbt->upon_stop_exit);
    size_order(seat, &order, allows(deck, order.side) || what == REDUCE ? what : LEAVE, 1);
    carry_out(seat, &order);
}

void td_vectorbt_bar(td_seat *seat, int64_t t) {
    td_account *account = seat->account;
    if (F(ruined)) return;
    if (t == 0) account->acted_bar = NO_BAR;
    if (F(position) != 0) {
        F(exposed) += 1; /* the bar before closed with a position */
        if (t >= account->armed_bar) test_stops(seat, t);
    }
    int kept = 0, count = account->order_count;
    td_order orders[TD_ORDERS_MAX];
    for (int i = 0; i < count; i++) orders[i] = account->orders[i];
    account->order_count = 0;
    for (int i = 0; i < count; i++)
        if (orders[i].due > t) account->orders[kept++] = orders[i];
    account->order_count = kept;
    for (int i = 0; i < count && !F(ruined); i++)
        if (orders[i].due == t) act(seat, &orders[i], t);
}

static void place(td_seat *seat, const td_order *wish, int64_t t) {
    const td_kernel_deck *deck = seat->deck;
    td_account *account = seat->account;
    int64_t wait = deck->fill_delay + (deck->fill_at != TD_FILL_CLOSE);
    if (wait == 0)
        act(seat, wish, t);
    else if (account->order_count == TD_ORDERS_MAX)
        td_seat_refuse(seat, TD_REFUSAL_orders);
    else if (t < deck->bars - wait) {
        account->orders[account->order_count] = *wish;
        account->orders[account->order_count++].due = t + wait;
    }
}

void td_vectorbt_decide(td_seat *seat, const td_decision *decision, int64_t t) {
    const td_kernel_deck *deck = seat->deck;
    if (F(ruined)) return;
    if (decision->wants) {
        double target = decision->target;
        if (deck->direction == TD_DIRECTION_LONG && target < 0) target = 0;
        if (deck->direction == TD_DIRECTION_SHORT && target > 0) target = 0;
        if (!(fabs(target) < INFINITY)) {
            td_seat_fail(seat, t, TD_CELL_REASON_nan_target);
            return;
        }
        td_order order = {.kind = TD_ORDER_MARKET, .target = true, .exit = target == 0, .side = target > 0 ? 1 : target < 0 ? -1 : 0,
                          .scale = fabs(target) < 1 ? fabs(target) : 1};
        place(seat, &order, t);
    }
    if (decision->request_count > TD_REQUESTS_MAX) td_seat_fail(seat, t, TD_CELL_REASON_many_orders);
    for (int i = 0; i < decision->request_count && !F(ruined); i++) {
        const td_order *request = &decision->requests[i];
        if (request->kind != TD_ORDER_MARKET || !isnan(request->stop_loss) || !isnan(request->take_profit) || !isnan(request->trail))
            td_seat_fail(seat, t, TD_CELL_REASON_order_kind);
        else if (!(request->scale > 0 && request->scale <= 1))
            td_seat_fail(seat, t, TD_CELL_REASON_nan_order);
        else
            place(seat, request, t);
    }
}

void td_vectorbt_finalize(td_seat *seat) {
    int64_t last = seat->deck->bars - 1;
    if (F(ruined) || F(position) == 0) return;
    double side = F(position) > 0 ? -1 : 1;
    carry_out(seat, &(ticket){.bar = last, .side = side, .closes = fabs(F(position)), .reduces = true, .base = seat->deck->close[last],
                              .terms = market_terms(seat, side), .reason = TD_FILL_REASON_end});
}

td_status td_vectorbt_check(const td_play_def *def, const td_set *set, td_error *error) {
    static const td_knob none[] = {
        TD_KNOB_stop_volatility, TD_KNOB_target_volatility, TD_KNOB_trailing_amount, TD_KNOB_trailing_volatility,
        TD_KNOB_break_even, TD_KNOB_time_stop, TD_KNOB_per_unit, TD_KNOB_slippage_ticks, TD_KNOB_volume_share, TD_KNOB_impact,
        TD_KNOB_funding, TD_KNOB_borrow, TD_KNOB_maintenance, TD_KNOB_daily_loss, TD_KNOB_drawdown, TD_KNOB_max_position, TD_KNOB_cool_down};
    for (size_t i = 0; i < sizeof none / sizeof *none; i++)
        if (set->knob[none[i]] != 0)
            return td_fail(error, TD_BAD_ARG, "%s is %g, but profile vectorbt has no such thing", td_knob_infos[none[i]].path,
                           set->knob[none[i]]);
    if (set->knob[TD_KNOB_leverage] != 1)
        return td_fail(error, TD_BAD_ARG, "account.leverage is %g, but profile vectorbt trades without", set->knob[TD_KNOB_leverage]);
    if (set->knob[TD_KNOB_stop_loss] > 0 && set->knob[TD_KNOB_trailing] > 0)
        return td_fail(error, TD_BAD_ARG, "stops.stop_loss and stops.trailing are both given, but profile vectorbt has one stop, "
                       "which trails or does not");
    if (def->sizing > TD_SIZING_FIXED_VALUE)
        return td_fail(error, TD_BAD_ARG, "account.sizing is %s, but profile vectorbt knows all_in, fixed_units, fixed_value and "
                       "fraction", td_sizing_name(def->sizing));
    if (def->intrabar != TD_INTRABAR_STOP_FIRST)
        return td_fail(error, TD_BAD_ARG, "intrabar is given, but profile vectorbt always looks at the stop first");
    if (def->hours_from != def->hours_to)
        return td_fail(error, TD_BAD_ARG, "risk.hours is given, but profile vectorbt has no such thing");
    return TD_OK;
}
