/* Profile backtesting for strategies that place orders: what backtesting.py makes of them (docs/bar-rules.md, R145 and on). Strategies
 * of targets alone come to the same through sim/broker.c, and faster.
 *
 * Several trades stand at once there, each with its own price, stop and target, and an order for the other side closes them from the
 * oldest on. All orders wait in one queue, stops at its front. A bar walks through the queue once, and again where a new trade's stop
 * or target may act at once. Market orders fill with fill.at close when the next bar walks, too, at the close before it.
 *
 * Sizes here count lots and prices are those of a lot, because fractions are traded there by scaling the data; without a lot, units. */
#include <assert.h>
#include <math.h>
#include <string.h>

#include "base/lanes.h"
#include "sim/seat.h"

enum {
    TRADES_MAX = 1024, /* open at once */
    PLACED_MAX = 2048, /* orders of the strategy that wait at once */
    QUEUE_MAX = PLACED_MAX + 2 * TRADES_MAX,
};
#define NEVER INT64_MAX
#define ALMOST_ALL (1 - 0x1p-52) /* what "all" means there: sizes from 1 on are units */

typedef struct trade {
    int64_t number;      /* 1, 2, ... as they are opened */
    double size, price;  /* signed; paid */
    int64_t entry_bar;
    int64_t covered;     /* bars from the entry on that closed trades have put into `exposed` */
    td_fill_reason reason;
} trade;

typedef enum role { ENTRY, LEAVE, STOP, TARGET } role;
typedef struct queued {
    int64_t number;      /* 1, 2, ... as they are placed */
    int64_t trade;       /* of all but entries: the number of the trade that it closes */
    role role;
    bool is_fraction;    /* size is a fraction of what is free when it fills */
    double size;         /* signed: > 0 buys */
    double limit, stop;  /* levels; NaN none. The stop is forgotten once it was reached. */
    double stop_loss, take_profit; /* NaN none */
    int64_t expires;     /* the last bar it works on */
    int64_t group;       /* of which the first that fills takes off the others; 0 none */
    td_fill_reason reason; /* of LEAVE */
} queued;

/* Of the trades that were closed at bar t - 1 (a close) and at bar t of the bar t that is being played: the earliest. */
typedef struct closings {
    int64_t entry_bar, covered; /* entry_bar NEVER: there are none */
} closings;

struct td_order_list {
    int trade_count, queue_count, placed_count;
    int64_t last_number;
    int64_t ambiguous_bar; /* counted last */
    closings closed[2];
    trade trades[TRADES_MAX]; /* oldest first */
    queued queue[QUEUE_MAX];
    int64_t walk[QUEUE_MAX];  /* numbers of the orders that a walk looks at */
};

size_t td_order_list_bytes(const td_play_def *def) {
    return def->profile == TD_PROFILE_BACKTESTING && *def->strategy->orders ? sizeof(td_order_list) : 0;
}

void td_order_list_start(td_order_list *list) {
    list->trade_count = list->queue_count = list->placed_count = 0;
    list->last_number = 0;
    list->ambiguous_bar = -1;
    list->closed[0].entry_bar = list->closed[1].entry_bar = NEVER;
}

/* What a lot is: prices are multiplied by it, units divided. */
static double lot_of(const td_seat *seat) { return F(lot) > 0 ? F(lot) : 1; }

/* A level as the strategy sees prices, as one of a lot. */
static double lot_level(const td_seat *seat, double level) {
    double scale = seat->deck->row_scale, lot = lot_of(seat);
    return scale == lot ? level : level / scale * lot;
}

static bool allows(const td_seat *seat, double side) {
    td_direction direction = seat->deck->direction;
    return direction == TD_DIRECTION_BOTH || (direction == TD_DIRECTION_LONG) == (side > 0);
}

static bool fills_at_close(const td_seat *seat) { return seat->deck->fill_at == TD_FILL_CLOSE; }

/* ---- the queue ---- */

static bool is_placed(role role) { return role == ENTRY || role == LEAVE; }

/* Where an order stands; -1 where it does no more. near: where it may be. */
static int find_order(const td_order_list *list, int64_t number, int near) {
    if (near >= list->queue_count) near = 0;
    for (int i = 0; i < list->queue_count; i++) {
        int at = near + i < list->queue_count ? near + i : near + i - list->queue_count;
        if (list->queue[at].number == number) return at;
    }
    return -1;
}

static int find_trade(const td_order_list *list, int64_t number) {
    for (int i = 0; i < list->trade_count; i++)
        if (list->trades[i].number == number) return i;
    return -1;
}

static int find_guard(const td_order_list *list, role role, int64_t trade) {
    for (int i = 0; i < list->queue_count; i++)
        if (list->queue[i].role == role && list->queue[i].trade == trade) return i;
    return -1;
}

static void remove_order(td_order_list *list, int at) {
    list->placed_count -= is_placed(list->queue[at].role);
    memmove(&list->queue[at], &list->queue[at + 1], (size_t)(--list->queue_count - at) * sizeof *list->queue);
}

/* Puts an order at the end of the queue, or to its front: trades' stops and what closes at the market. */
static void queue_order(td_seat *seat, const queued *order) {
    td_order_list *list = seat->list;
    if (is_placed(order->role) && list->placed_count == PLACED_MAX) {
        td_seat_refuse(seat, TD_REFUSAL_orders);
        return;
    }
    bool front = order->role == STOP || order->role == LEAVE;
    int at = front ? 0 : list->queue_count;
    assert(list->queue_count < QUEUE_MAX);
    memmove(&list->queue[at + 1], &list->queue[at], (size_t)(list->queue_count++ - at) * sizeof *list->queue);
    list->queue[at] = *order;
    list->queue[at].number = ++list->last_number;
    list->placed_count += is_placed(order->role);
}

/* Gives a trade its stop or its target; what it had of it is taken off. */
static void guard_trade(td_seat *seat, role role, int64_t number, double level) {
    td_order_list *list = seat->list;
    int old = find_guard(list, role, number);
    if (old >= 0) remove_order(list, old);
    queue_order(seat, &(queued){.role = role, .trade = number, .size = -list->trades[find_trade(list, number)].size,
                                .limit = role == TARGET ? level : NAN, .stop = role == STOP ? level : NAN, .expires = NEVER});
}

/* Orders to close `share` of each trade, in whole lots and at least one. first_first: the oldest trade's stands foremost. */
static void leave_trades(td_seat *seat, double share, td_fill_reason reason, bool first_first) {
    const td_order_list *list = seat->list;
    for (int i = 0; i < list->trade_count; i++) {
        const trade *trade = &list->trades[first_first ? list->trade_count - 1 - i : i];
        double size = fabs(trade->size) * share;
        if (F(lot) > 0) size = fmax(1, rint(size));
        queue_order(seat, &(queued){.role = LEAVE, .trade = trade->number, .size = copysign(size, -trade->size), .limit = NAN,
                                    .stop = NAN, .expires = NEVER, .reason = reason});
    }
}

/* ---- the account ---- */

/* The fields that the rest of the program knows a position by. */
static void settle(td_seat *seat) {
    const td_order_list *list = seat->list;
    double size = 0, paid = 0, lot = lot_of(seat);
    for (int i = 0; i < list->trade_count; i++) {
        size += list->trades[i].size;
        paid += list->trades[i].size * list->trades[i].price;
    }
    F(position) = list->trade_count ? size * lot : 0;
    F(cash) = F(balance) - paid;
    if (!list->trade_count) return;
    F(entry_price) = paid / size / lot;
    F(entry_bar) = (double)list->trades[0].entry_bar;
}

/* Equity at the close of bar t, and how much of it no trade needs as its margin: there both are looked at while the bar's orders fill,
 * whatever price those fill at. */
static double equity_at(const td_seat *seat, int64_t t, double *available) {
    const td_order_list *list = seat->list;
    double last = seat->deck->close[t] * lot_of(seat), size = 0, paid = 0, used = 0;
    for (int i = 0; i < list->trade_count; i++) {
        const trade *trade = &list->trades[i];
        size += trade->size;
        paid += trade->size * trade->price;
        used += fabs(trade->size) * last / seat->account->leverage;
    }
    double equity = list->trade_count ? F(balance) + (last * size - paid) : F(balance);
    *available = fmax(0, equity - used);
    return equity;
}

static double available_at(const td_seat *seat, int64_t t) {
    double available;
    equity_at(seat, t, &available);
    return available;
}

static void count_ambiguous(td_seat *seat, int64_t t) {
    if (seat->list->ambiguous_bar == t) return;
    seat->list->ambiguous_bar = t;
    F(ambiguous) += 1;
}

/* Bars in which a closed trade stood are counted once. All that close at a bar reach up to it, so of those the earliest says which. */
static void cover(td_seat *seat, int64_t t) {
    td_order_list *list = seat->list;
    for (int i = 0; i < 2; i++) {
        closings *closed = &list->closed[i];
        int64_t exit = t - 1 + i, from = closed->entry_bar;
        if (from == NEVER) continue;
        int64_t more = exit - from + 1 - closed->covered;
        F(exposed) += (double)more;
        F(covered) = (double)exit;
        for (int k = 0; k < list->trade_count + (i == 0); k++) {
            bool open = k < list->trade_count;
            int64_t entry = open ? list->trades[k].entry_bar : list->closed[1].entry_bar;
            int64_t *covered = open ? &list->trades[k].covered : &list->closed[1].covered;
            if (entry < from)
                *covered += more;
            else if (entry <= exit)
                *covered = exit - entry + 1;
        }
        closed->entry_bar = NEVER;
    }
}

/* Closes `size` (of its sign) of a trade at `base`. rests: by a limit order, which neither slips nor pays. */
static void close_trade(td_seat *seat, int index, double size, double base, bool rests, int64_t t, int64_t bar, td_fill_reason reason) {
    td_order_list *list = seat->list;
    const td_kernel_deck *deck = seat->deck;
    const trade closed = list->trades[index];
    double side = size > 0 ? -1 : 1, count = fabs(size), lot = lot_of(seat);
    td_terms terms = {.factor = 1, .rate = F(rate)};
    if (!rests)
        terms = (td_terms){.factor = side > 0 ? F(leave_buy) : F(leave_sell), .spread = F(spread_leave), .slippage = F(slippage),
                           .rate = F(rate)};
    double price = base * terms.factor, commission = F(fixed) + count * price * F(rate);
    /* a part closed is charged the whole fixed commission of the entry again, in its profit though not in the account */
    double costs = commission + (F(fixed) + count * closed.price * F(rate)), gross = size * (price - closed.price);
    F(balance) += gross - commission;

    closings *closings = &list->closed[bar == t];
    if (closed.entry_bar < closings->entry_bar) {
        closings->entry_bar = closed.entry_bar;
        closings->covered = closed.covered;
    }
    if (size == closed.size) {
        for (role role = STOP; role <= TARGET; role++) {
            int guard = find_guard(list, role, closed.number);
            if (guard >= 0) remove_order(list, guard);
        }
        memmove(&list->trades[index], &list->trades[index + 1], (size_t)(--list->trade_count - index) * sizeof *list->trades);
    } else {
        list->trades[index].size -= size;
        for (role role = STOP; role <= TARGET; role++) {
            int guard = find_guard(list, role, closed.number);
            if (guard >= 0) list->queue[guard].size = -list->trades[index].size;
        }
    }
    settle(seat);
    td_trade told = {.entry_bar = closed.entry_bar, .exit_bar = bar, .entry_ns = deck->time_ns[closed.entry_bar],
                     .exit_ns = deck->time_ns[bar], .entry_reason = closed.reason, .exit_reason = reason, .units = size * lot,
                     .entry_price = closed.price / lot, .exit_price = price / lot, .commission = costs, .pnl = gross - costs,
                     .ret = copysign(1, size) * (price / closed.price - 1) - costs / (count * closed.price)};
    td_seat_count_trade(seat, &told);
    seat->finer = bar;
    td_seat_note_fill(seat, bar, -size * lot, base / lot, price / lot, commission, &terms, 0, reason);
    if (seat->observer && seat->observer->on_trade) seat->observer->on_trade(seat->observer->context, &told);
}

/* Opens a trade of `size` at `base`, and gives it its stop and its target, which are told. */
static void open_trade(td_seat *seat, const queued *order, double size, double base, td_terms terms, int64_t t, int64_t bar,
                       td_fill_reason reason, double *stop, double *target) {
    td_order_list *list = seat->list;
    bool buy = size > 0;
    double lot = lot_of(seat), price = base * terms.factor, commission = F(fixed) + fabs(size) * price * F(rate);
    /* a lane that slept at its peak was there until the last mark */
    if (F(record) == INFINITY) {
        F(record) = F(peak);
        F(peak_bar) = (double)(t - 1);
        F(peak_time) = seat->deck->seconds[t - 1];
    }
    F(balance) -= commission;
    int64_t number = ++list->last_number, covered = (int64_t)F(covered) - bar + 1;
    list->trades[list->trade_count++] = (trade){.number = number, .size = size, .price = price, .entry_bar = bar,
                                                .covered = covered > 0 ? covered : 0, .reason = reason};
    settle(seat);
    seat->finer = bar;
    td_seat_note_fill(seat, bar, size * lot, base / lot, price / lot, commission, &terms, 0, reason);

    *stop = buy ? fmax(price * F(long_low), order->stop_loss) : fmin(price * F(short_high), order->stop_loss);
    *target = buy ? fmin(price * F(long_high), order->take_profit) : fmax(price * F(short_low), order->take_profit);
    if (isfinite(*target)) guard_trade(seat, TARGET, number, *target);
    if (isfinite(*stop)) guard_trade(seat, STOP, number, *stop);
}

/* ---- the walk through the queue ---- */

/* An order as it fills. */
typedef struct filling {
    double price;     /* base */
    int64_t bar;      /* it fills on */
    bool at_market;   /* neither a limit nor, in this bar, a stop */
    bool by_stop;     /* its stop was reached in this bar, and it has no limit */
    td_fill_reason reason;
} filling;

/* Does the order fill in bar t, and how? A stop that is reached is forgotten whether it does or not. */
static bool fills(const td_seat *seat, queued *order, int64_t t, filling *how) {
    const td_kernel_deck *deck = seat->deck;
    double lot = lot_of(seat), open = deck->open[t] * lot, high = deck->high[t] * lot, low = deck->low[t] * lot, stop = order->stop;
    bool buy = order->size > 0, stopped = !isnan(stop), limited = !isnan(order->limit), at_close = fills_at_close(seat);
    if (stopped) {
        if (!(buy ? high >= stop : low <= stop)) return false;
        order->stop = NAN;
    }
    *how = (filling){.bar = t, .at_market = !stopped && !limited, .by_stop = stopped && !limited};
    if (limited) {
        /* stop and limit in one bar: the limit was passed before the stop was reached, and does not count */
        if (!(buy ? low <= order->limit : high >= order->limit)) return false;
        if (stopped && (buy ? order->limit <= stop : order->limit >= stop)) return false;
        double base = stopped ? stop : open;
        how->price = buy ? fmin(base, order->limit) : fmax(base, order->limit);
        how->reason = order->role != TARGET                        ? TD_FILL_REASON_limit
                      : buy ? (open <= order->limit ? TD_FILL_REASON_target_gap : TD_FILL_REASON_target)
                            : (open >= order->limit ? TD_FILL_REASON_target_gap : TD_FILL_REASON_target);
        return true;
    }
    how->price = at_close && order->role != STOP ? deck->close[t - 1] * lot : open;
    bool gap = buy ? how->price >= stop : how->price <= stop;
    if (stopped && !gap) how->price = stop;
    if (how->at_market && at_close) how->bar = t - 1;
    how->reason = order->role == STOP    ? (gap ? TD_FILL_REASON_stop_gap : TD_FILL_REASON_stop)
                  : order->role == LEAVE ? order->reason
                  : stopped              ? TD_FILL_REASON_stop_order
                  : at_close             ? TD_FILL_REASON_close
                                         : TD_FILL_REASON_open;
    return true;
}

/* Both a trade's stop and its target are in the bar's range: which was first is a guess. */
static bool both_reached(const td_seat *seat, int64_t trade, double stopped_size, int64_t t) {
    int target = find_guard(seat->list, TARGET, trade);
    if (target < 0) return false;
    double level = seat->list->queue[target].limit, lot = lot_of(seat);
    return stopped_size < 0 ? seat->deck->high[t] * lot >= level : seat->deck->low[t] * lot <= level;
}

/* Whether the new trade's stop and target are to be looked at in the bar of its entry: after a market order, and after a stop order
 * where the target was reached and the stop was not. Otherwise they act from the next bar on, though they may have been in reach. */
static bool acts_at_once(td_seat *seat, const filling *how, bool buy, double stop, double target, int64_t t) {
    double lot = lot_of(seat), high = seat->deck->high[t] * lot, low = seat->deck->low[t] * lot;
    bool has_stop = isfinite(stop), has_target = isfinite(target);
    if (how->at_market) return has_stop || has_target;
    if (how->by_stop && has_target && (buy ? target <= high && !(stop >= low) : target >= low && !(stop <= high))) return true;
    if ((has_stop && low <= stop && stop <= high) || (has_target && low <= target && target <= high)) count_ambiguous(seat, t);
    return false;
}

/* Fills an entry: closes what stands on the other side, from the oldest on, then opens the rest. Returns whether the queue is to be
 * walked again. */
static bool enter(td_seat *seat, const queued *order, const filling *how, int64_t t) {
    td_order_list *list = seat->list;
    const td_account *account = seat->account;
    double side = order->size > 0 ? 1 : -1, asked = fabs(order->size), lot_count = asked;
    td_terms terms = {.factor = 1 + side * F(spread_enter), .spread = F(spread_enter), .rate = F(rate)};
    bool rests = how->reason == TD_FILL_REASON_limit;
    if (!rests) {
        terms.factor = side > 0 ? F(enter_buy) : F(enter_sell);
        terms.slippage = F(slippage);
    }
    double cost = how->price * terms.factor + (F(fixed) + asked * how->price * F(rate)) / asked;
    if (order->is_fraction) {
        double budget = available_at(seat, t) * account->leverage * asked;
        lot_count = F(lot) > 0 ? td_floor_divide(budget, cost) : budget / cost;
        if (!(lot_count > 0)) {
            td_seat_refuse(seat, TD_REFUSAL_lot);
            return false;
        }
    }
    if (!(lot_count < INFINITY)) {
        td_seat_fail(seat, t, TD_CELL_REASON_nan_target);
        return false;
    }
    for (int i = 0; i < list->trade_count && lot_count > 0;) {
        const trade *trade = &list->trades[i];
        double stands = fabs(trade->size);
        if (trade->size * side > 0) {
            i++;
            continue;
        }
        bool all = lot_count >= stands;
        close_trade(seat, i, all ? trade->size : -side * lot_count, how->price, rests, t, how->bar, how->reason);
        lot_count -= all ? stands : lot_count;
    }
    if (!allows(seat, side) || !(lot_count > 0)) return false;
    if (lot_count * cost > available_at(seat, t) * account->leverage) {
        td_seat_refuse(seat, TD_REFUSAL_cash);
        return false;
    }
    if (list->trade_count >= (int64_t)account->pyramiding || list->trade_count == TRADES_MAX) {
        td_seat_refuse(seat, TD_REFUSAL_pyramiding);
        return false;
    }
    double stop, target;
    open_trade(seat, order, side * lot_count, how->price, terms, t, how->bar, how->reason, &stop, &target);
    return acts_at_once(seat, how, side > 0, stop, target, t);
}

static void take_group_off(td_order_list *list, int64_t group) {
    for (int i = list->queue_count - 1; i >= 0; i--)
        if (group && list->queue[i].group == group) remove_order(list, i);
}

static bool walk_once(td_seat *seat, int64_t t) {
    td_order_list *list = seat->list;
    bool again = false;
    int count = list->queue_count, near = 0;
    for (int i = 0; i < count; i++) list->walk[i] = list->queue[i].number;
    for (int i = 0; i < count && !F(ruined); i++) {
        int at = find_order(list, list->walk[i], near);
        filling how;
        if (at < 0) continue;
        near = at;
        if (!fills(seat, &list->queue[at], t, &how)) continue;
        queued order = list->queue[at];
        double before = F(fills);
        if (order.role == ENTRY) {
            again |= enter(seat, &order, &how, t);
        } else {
            int index = find_trade(list, order.trade);
            if (order.role == STOP && both_reached(seat, order.trade, order.size, t)) count_ambiguous(seat, t);
            double stands = index >= 0 ? list->trades[index].size : 0;
            if (index >= 0)
                close_trade(seat, index, copysign(fmin(fabs(stands), fabs(order.size)), stands), how.price, order.role == TARGET, t, how.bar,
                            how.reason);
        }
        at = find_order(list, order.number, near);
        if (at >= 0) remove_order(list, at); /* a trade's own went with it */
        if (F(fills) > before) take_group_off(list, order.group);
    }
    return again;
}

static void look_for_ruin(td_seat *seat, int64_t t) {
    td_order_list *list = seat->list;
    double available;
    if (F(ruined) || equity_at(seat, t, &available) > 0) return;
    /* there the list of trades gets shorter while it is gone through: every other one is closed, and the rest are in no statistic */
    for (int i = 0; i < list->trade_count; i++)
        close_trade(seat, i, list->trades[i].size, seat->deck->close[t] * lot_of(seat), false, t, t, TD_FILL_REASON_ruin);
    cover(seat, t);
    td_seat_stop(seat);
}

static void walk(td_seat *seat, int64_t t) {
    while (walk_once(seat, t) && !F(ruined)) {}
    look_for_ruin(seat, t);
}

/* ---- decisions ---- */

/* Puts an entry into the queue whose levels and share of the size are given. */
static void place_entry(td_seat *seat, queued *order, double scale, int64_t t) {
    td_sizing sizing = seat->deck->sizing;
    double side = order->size > 0 ? 1 : -1, lot = lot_of(seat);
    order->is_fraction = sizing != TD_SIZING_FIXED_UNITS;
    if (order->is_fraction) {
        order->size = side * fmin(sizing == TD_SIZING_FRACTION ? F(size) * scale : scale, ALMOST_ALL);
    } else {
        double units = F(size) * scale;
        order->size = side * (F(lot) > 0 ? td_floor_divide(units, lot) : units);
        if (order->size == 0) {
            td_seat_refuse(seat, TD_REFUSAL_lot);
            return;
        }
    }
    double level = !isnan(order->limit)  ? order->limit
                   : !isnan(order->stop) ? order->stop
                                         : seat->deck->close[t] * lot * (1 + side * F(spread_enter));
    bool contradicts = side > 0 ? order->stop_loss >= level || order->take_profit <= level
                                : order->stop_loss <= level || order->take_profit >= level;
    if (contradicts)
        td_seat_refuse(seat, TD_REFUSAL_orders);
    else
        queue_order(seat, order);
}

static void move_guards(td_seat *seat, role role, double level) {
    for (int i = 0; i < seat->list->trade_count; i++) guard_trade(seat, role, seat->list->trades[i].number, lot_level(seat, level));
}

static void cancel(td_order_list *list) {
    for (int i = list->queue_count - 1; i >= 0; i--)
        if (is_placed(list->queue[i].role)) remove_order(list, i);
}

static td_fill_reason market_reason(const td_seat *seat) {
    return fills_at_close(seat) ? TD_FILL_REASON_close : TD_FILL_REASON_open;
}

/* What there is no word for there fails the set. */
static bool is_known(const td_order *request) {
    td_order_kind kind = request->kind;
    return kind != TD_ORDER_IF_TOUCHED && kind != TD_ORDER_REBALANCE && !(request->exit && kind != TD_ORDER_MARKET) && isnan(request->trail);
}

static void place(td_seat *seat, const td_order *request, int64_t t) {
    td_order_kind kind = request->kind;
    bool has_limit = kind == TD_ORDER_LIMIT || kind == TD_ORDER_STOP_LIMIT;
    bool has_stop = kind == TD_ORDER_STOP || kind == TD_ORDER_STOP_LIMIT || kind == TD_ORDER_MOVE_STOP || kind == TD_ORDER_MOVE_TARGET;
    if (kind == TD_ORDER_CANCEL)
        cancel(seat->list);
    else if (!is_known(request))
        td_seat_fail(seat, t, TD_CELL_REASON_order_kind);
    else if ((has_limit && !isfinite(request->limit)) || (has_stop && !isfinite(request->stop)) ||
             !(request->scale > 0 && request->scale <= 1) || !(request->bars >= 1))
        td_seat_fail(seat, t, TD_CELL_REASON_nan_order);
    else if (kind == TD_ORDER_MOVE_STOP || kind == TD_ORDER_MOVE_TARGET)
        move_guards(seat, kind == TD_ORDER_MOVE_STOP ? STOP : TARGET, request->stop);
    else if (request->exit)
        leave_trades(seat, request->scale, market_reason(seat), false);
    else {
        queued order = {.role = ENTRY, .size = request->side, .limit = has_limit ? lot_level(seat, request->limit) : NAN,
                        .stop = has_stop ? lot_level(seat, request->stop) : NAN, .stop_loss = lot_level(seat, request->stop_loss),
                        .take_profit = lot_level(seat, request->take_profit),
                        .expires = request->bars < (double)seat->deck->bars ? t + (int64_t)request->bars : NEVER,
                        .group = request->group ? request->group + (t + 1) * (TD_REQUESTS_MAX + 1) : 0};
        place_entry(seat, &order, request->scale, t);
    }
}

void td_backtesting_decide(td_seat *seat, const td_decision *decision, int64_t t) {
    if (F(ruined)) return;
    if (decision->wants) { /* position.close(), then a new order */
        double target = decision->target;
        if (!isfinite(target)) {
            td_seat_fail(seat, t, TD_CELL_REASON_nan_target);
            return;
        }
        leave_trades(seat, 1, market_reason(seat), false);
        queued order = {.role = ENTRY, .size = target, .limit = NAN, .stop = NAN, .stop_loss = NAN, .take_profit = NAN, .expires = NEVER};
        if (target != 0 && allows(seat, target)) place_entry(seat, &order, fmin(fabs(target), 1), t);
    }
    if (decision->request_count > TD_REQUESTS_MAX) td_seat_fail(seat, t, TD_CELL_REASON_many_orders);
    for (int i = 0; i < decision->request_count && !F(ruined); i++) place(seat, &decision->requests[i], t);
}

/* ---- the bar ---- */

void td_backtesting_bar(td_seat *seat, int64_t t) {
    td_order_list *list = seat->list;
    if (F(ruined) || t == 0) return; /* nothing is decided before bar 0 */
    for (int i = list->queue_count - 1; i >= 0; i--)
        if (list->queue[i].expires < t) remove_order(list, i);
    walk(seat, t);
    bool comes_again = seat->deck->finalize && t == seat->deck->bars - 1;
    if (!F(ruined) && !comes_again) cover(seat, t);
}

/* There the broker is run once more on the last bar, after the strategy, with orders to close everything before all others. */
void td_backtesting_finalize(td_seat *seat, const td_decision *decision) {
    int64_t last = seat->deck->bars - 1;
    if (F(ruined) || last == 0) return;
    td_backtesting_decide(seat, decision, last);
    if (F(ruined)) return;
    leave_trades(seat, 1, TD_FILL_REASON_end, true);
    walk(seat, last);
    if (!F(ruined)) cover(seat, last);
}

td_status td_backtesting_check(const td_play_def *def, const td_set *set, td_error *error) {
    bool by_list = td_order_list_bytes(def) > 0;
    td_set others = *set;
    if (by_list) others.knob[TD_KNOB_leverage] = 1;
    if (td_route_of(def, &others) == TD_ROUTE_PLAIN) return TD_OK;
    return td_fail(error, TD_BAD_ARG, "profile backtesting plays orders with a stop and a target; delays, trailing stops, further costs, "
                   "%srisk limits are of profile tapedeck", by_list ? "maintenance and " : "leverage (but for strategies with ORDERS) and ");
}
