/* The words by which a strategy places orders; part of sim/strategy.h, whose reader sees these only if the strategy says ORDERS.
 *
 *   order entry = buy_stop(channel_upper, flat & rising);     a stop order in the lanes where both hold
 *   good_for(entry, 3);                                       withdrawn after three bars
 *   stop_loss(entry, close - 2 * range);                      brackets the position it opens
 *
 * Orders work from the next bar on, until they fill, expire, are cancelled, or, those that exit, until the position is gone. An order
 * that opens a position for the other side closes what stands first; one for the same side adds to it, up to account.pyramiding
 * entries. Sizes are found when an order fills. Levels are prices. Where no lane wants an order it costs a comparison. */
#ifndef TAPEDECK_SIM_ORDER_WORDS_H
#define TAPEDECK_SIM_ORDER_WORDS_H

#include "sim/lanes.h"

typedef int order; /* number of a request of this bar; -1 where no lane asks */

TD_INLINE order td_ask(td_now *now, td_order_kind kind, bool exit, td_real side, td_mask where, td_real limit, td_real stop) {
    if (!td_any(where)) return -1;
    /* only a loop can ask for one too many; whoever carries them out notices */
    int index = now->request_count < TD_REQUESTS_MAX ? now->request_count : TD_REQUESTS_MAX - 1;
    td_real none = td_splat(__builtin_nan(""));
    now->request_count++;
    now->requests[index] = (td_request){.kind = kind, .exit = exit, .bars = td_splat(TD_INF), .where = where, .side = side, .scale = td_splat(1.0),
                                        .limit = limit, .stop = stop, .stop_loss = none, .take_profit = none, .trail = none};
    return index;
}

TD_INLINE void td_join(td_now *now, order a, order b) {
    if (a < 0 || b < 0) return;
    int group = now->requests[a].group;
    if (!group) group = now->requests[b].group;
    if (!group) group = a + 1;
    now->requests[a].group = now->requests[b].group = group;
}

/* The side that leaves the position. */
#define TD_OUTWARDS (td_select(now->known.position > 0, -1, 1))
#define TD_IN_MARKET(where) ((where) & (now->known.position != 0))
#define TD_NONE td_splat(0.0)

/* Without ORDERS the words below are refused by the compiler, and so are more than there is room for: the count must not depend on which
 * lanes ask, so it is that of the words in the source. */
#define ORDERS                                                                                                                   \
    static const bool td_places_orders = true;                                                                                   \
    enum { the_strategy_says_ORDERS = __COUNTER__ };
#define TD_ASK(...)                                                                                                              \
    ((void)sizeof(char[__COUNTER__ - the_strategy_says_ORDERS <= TD_REQUESTS_MAX ? 1 : -1]), td_ask(now, __VA_ARGS__))

/* Entries. where: a mask. */
#define buy(where) TD_ASK(TD_ORDER_MARKET, false, td_splat(1.0), where, TD_NONE, TD_NONE)
#define sell(where) TD_ASK(TD_ORDER_MARKET, false, td_splat(-1.0), where, TD_NONE, TD_NONE)
#define buy_limit(level, where) TD_ASK(TD_ORDER_LIMIT, false, td_splat(1.0), where, td_splat(level), TD_NONE)
#define sell_limit(level, where) TD_ASK(TD_ORDER_LIMIT, false, td_splat(-1.0), where, td_splat(level), TD_NONE)
#define buy_stop(level, where) TD_ASK(TD_ORDER_STOP, false, td_splat(1.0), where, TD_NONE, td_splat(level))
#define sell_stop(level, where) TD_ASK(TD_ORDER_STOP, false, td_splat(-1.0), where, TD_NONE, td_splat(level))
#define buy_stop_limit(level, limit, where) TD_ASK(TD_ORDER_STOP_LIMIT, false, td_splat(1.0), where, td_splat(limit), td_splat(level))
#define sell_stop_limit(level, limit, where) TD_ASK(TD_ORDER_STOP_LIMIT, false, td_splat(-1.0), where, td_splat(limit), td_splat(level))
#define buy_if_touched(level, where) TD_ASK(TD_ORDER_IF_TOUCHED, false, td_splat(1.0), where, TD_NONE, td_splat(level))
#define sell_if_touched(level, where) TD_ASK(TD_ORDER_IF_TOUCHED, false, td_splat(-1.0), where, TD_NONE, td_splat(level))

/* Resizes: the position that target(fraction) would open now, also where one stands on that side already, which target() leaves alone.
 * The difference is bought or sold; what opens, closes or reverses does so as with target(). */
#define rebalance(fraction, where) TD_ASK(TD_ORDER_REBALANCE, false, td_splat(fraction), where, TD_NONE, TD_NONE)

/* Exits: of whatever position stands now. They sell a long and buy back a short; without a position they are nothing. */
#define leave(where) TD_ASK(TD_ORDER_MARKET, true, TD_NONE, TD_IN_MARKET(where), TD_NONE, TD_NONE)
#define leave_limit(level, where) TD_ASK(TD_ORDER_LIMIT, true, TD_OUTWARDS, TD_IN_MARKET(where), td_splat(level), TD_NONE)
#define leave_stop(level, where) TD_ASK(TD_ORDER_STOP, true, TD_OUTWARDS, TD_IN_MARKET(where), TD_NONE, td_splat(level))

/* What may be said of an order: how many bars it works (1: the next one only); which fraction it is of what sizing allows, or, an exit,
 * of the position; where the position it opens is stopped, takes profit, at which distance its stop trails; and that two are
 * alternatives, of which the fill of one cancels the other (say it pair by pair for three). */
#define good_for(order, count) td_good_for(now, order, td_splat(count))
#define size_of(order, fraction) td_size_of(now, order, td_splat(fraction))
#define stop_loss(order, level) td_stop_loss(now, order, td_splat(level))
#define take_profit(order, level) td_take_profit(now, order, td_splat(level))
#define trail(order, distance) td_trail(now, order, td_splat(distance))
#define one_cancels_other(a, b) td_join(now, a, b)
TD_INLINE void td_good_for(td_now *now, order order, td_real count) {
    if (order >= 0) now->requests[order].bars = count;
}
TD_INLINE void td_size_of(td_now *now, order order, td_real fraction) {
    if (order >= 0) now->requests[order].scale = fraction;
}
TD_INLINE void td_stop_loss(td_now *now, order order, td_real level) {
    if (order >= 0) now->requests[order].stop_loss = level;
}
TD_INLINE void td_take_profit(td_now *now, order order, td_real level) {
    if (order >= 0) now->requests[order].take_profit = level;
}
TD_INLINE void td_trail(td_now *now, order order, td_real distance) {
    if (order >= 0) now->requests[order].trail = distance;
}

/* The position's own stop and target, and what still works. */
#define move_stop(level, where) (void)TD_ASK(TD_ORDER_MOVE_STOP, false, TD_NONE, TD_IN_MARKET(where), TD_NONE, td_splat(level))
#define move_target(level, where) (void)TD_ASK(TD_ORDER_MOVE_TARGET, false, TD_NONE, TD_IN_MARKET(where), TD_NONE, td_splat(level))
#define cancel_orders(where) (void)TD_ASK(TD_ORDER_CANCEL, false, TD_NONE, where, TD_NONE, TD_NONE)

#endif
