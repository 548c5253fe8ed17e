/* The words of strategies that play order books; part of sim/strategy.h.
 *
 *   ABOUT("keeps an order on each side, at the best price")
 *   PARAMETERS(NUMBER(order_qty, 1, 0, 1e9, "units", "size of an order"), NUMBER(max_position, 5, 0, 1e9, "units", "largest position"))
 *   STATE()
 *   HOOKS(TIMER)
 *
 *   ON_TIMER {
 *       use(bid, ask, position, order_qty, max_position);
 *       quote(BUY, bid, order_qty, position < max_position);
 *       quote(SELL, ask, order_qty, position > -max_position);
 *   }
 *
 * HOOKS names when the strategy wants to be asked, each with a body of its own, and what it reads: TIMER (ON_TIMER, every book.clock),
 * BOOK (ON_BOOK, at every message that is received), FILL (ON_FILL, when it hears of executions), DEPTH(levels) where the touch is not
 * enough, VENUES(count) where it plays more than one. Bodies are as on bars: real and mask, no if on a mask, STATE kept from body to
 * body. They see what was received by then; while a book has no bid or no ask none is run. Prices are in ticks, quantities in units.
 *
 *   use(a, b, ...)   parameters, bid, ask, mid, spread, bid_quantity, ask_quantity, imbalance (of the touch, -1 to 1), position, flat,
 *                    is_long, is_short, last_price and last_quantity (of the last trade), bought and sold (by takers since the body
 *                    before), tick_size, lot_size, seconds (since the first decision could have been), working_buys, working_sells
 *   depth_price(side, level), depth_quantity(side, level)   levels of the book, 0 the best; NaN and 0 where there are fewer
 *   imbalance_of(levels)      of the first so many levels: (bids - asks) / (bids + asks)
 *   working(side)             own orders of the side, on their way or there
 *   filled(side)              ON_FILL: what was bought, sold
 *   quote(side, price, quantity, where)   there is to be an order at that price: one that is there stays, also where `where` does not
 *                             hold; where it does and there is none a post-only one is sent; all others of the side are cancelled
 *   submit(side, price, quantity, GTC | POST_ONLY | IOC | FOK, where), market(side, quantity, where)
 *   cancel(side, price, where), cancel_all(side, where)
 *   modify(side, price, new_price, quantity, where)   keeps its place in the queue where only the quantity gets less
 *   venue(1) { ... }          there all words are about the second venue; of_venue(1, bid) is one of its values
 *
 * A cancel or modify is about orders that work: those whose answer is still on its way are left alone. */
#ifndef TAPEDECK_SIM_BOOK_STRATEGY_H
#define TAPEDECK_SIM_BOOK_STRATEGY_H

#include <stddef.h>

#include "base/map.h"
#include "sim/kernel.h"

enum { TD_QUOTES_MAX = 32 };
typedef struct td_book_quote {
    int venue;
    td_side side;
    td_real tick, quantity;
    td_mask where;
} td_book_quote;

typedef struct td_book_wish {
    td_book_request_kind kind;
    int venue;
    td_side side;
    td_order_tif tif;
    int slot;
    td_real tick, quantity;
    td_mask where;
} td_book_wish;

/* What a body sees, and what it asks for. */
typedef struct td_book_now {
    td_known known;                         /* position: of `venue` */
    const td_book_moment *moment;
    const td_book_vector *vector;
    int venue;
    td_mask asked;                          /* lanes that are to decide */
    td_mask overflow;                       /* lanes whose requests there was no room for */
    int wish_count, quote_count;
    td_book_wish *wishes;                   /* (TD_BOOK_REQUESTS_MAX) */
    td_book_quote *quotes;                  /* (TD_QUOTES_MAX) */
} td_book_now;

/* ---- requests ---- */

TD_INLINE void td_book_ask(td_book_now *now, td_book_wish wish) {
    wish.where = wish.where & now->asked;
    if (!td_any(wish.where)) return;
    wish.venue = now->venue;
    if (now->wish_count < TD_BOOK_REQUESTS_MAX)
        now->wishes[now->wish_count++] = wish;
    else
        now->overflow = now->overflow | wish.where;
}

TD_INLINE void td_book_quote_at(td_book_now *now, td_side side, td_real tick, td_real quantity, td_mask where) {
    if (now->quote_count < TD_QUOTES_MAX)
        now->quotes[now->quote_count++] = (td_book_quote){now->venue, side, tick, quantity, where & now->asked};
    else
        now->overflow = now->overflow | (where & now->asked);
}

/* Cancels or modifies the orders at a price (tick NaN: all of the side). */
TD_INLINE void td_book_change(td_book_now *now, td_book_request_kind kind, td_side side, td_real tick, td_real to, td_real quantity,
                              td_mask where) {
    const td_book_seat *seat = &now->vector->seats[now->venue];
    for (int slot = 0; slot < now->moment->slots; slot++) {
        td_mask here = (seat->phase[side][slot] == TD_SLOT_WORKING) & ((seat->tick[side][slot] == tick) | (tick != tick));
        td_book_ask(now, (td_book_wish){.kind = kind, .side = side, .slot = slot, .tick = to, .quantity = quantity, .where = where & here});
    }
}

/* ---- what quotes come to ---- */

/* The lanes in which no quote of that side names the order in a slot, and which therefore give it up. */
TD_INLINE td_mask td_book_unquoted(const td_book_now *now, int venue, td_side side, int slot) {
    const td_book_seat *seat = &now->vector->seats[venue];
    td_mask given_up = (seat->phase[side][slot] == TD_SLOT_WORKING) & now->asked;
    for (int q = 0; q < now->quote_count; q++)
        if (now->quotes[q].venue == venue && now->quotes[q].side == side) given_up = given_up & (seat->tick[side][slot] != now->quotes[q].tick);
    return given_up;
}

/* The lanes in which a quote lacks its order, and no quote before it is the same. */
TD_INLINE td_mask td_book_lacking(const td_book_now *now, int number) {
    const td_book_quote *quote = &now->quotes[number];
    const td_book_seat *seat = &now->vector->seats[quote->venue];
    td_mask lacks = quote->where;
    for (int slot = 0; slot < now->moment->slots; slot++)
        lacks = lacks & ((seat->tick[quote->side][slot] != quote->tick) | (seat->phase[quote->side][slot] == TD_SLOT_FREE));
    for (int q = 0; q < number; q++)
        if (now->quotes[q].venue == quote->venue && now->quotes[q].side == quote->side)
            lacks = lacks & td_not(now->quotes[q].where & (now->quotes[q].tick == quote->tick));
    return lacks;
}

TD_INLINE bool td_book_is_quoted(const td_book_now *now, int venue, int side) {
    for (int q = 0; q < now->quote_count; q++)
        if (now->quotes[q].venue == venue && (int)now->quotes[q].side == side) return true;
    return false;
}

TD_INLINE td_book_request td_book_say(td_book_wish wish) {
    td_book_request request = {.kind = wish.kind, .venue = wish.venue, .side = wish.side, .tif = wish.tif, .slot = wish.slot,
                               .where = td_mask_word(wish.where)};
    td_store(request.tick, wish.tick);
    td_store(request.quantity, wish.quantity);
    return request;
}

/* Hands over what the body and its quotes want: the cancels that quotes imply, the requests, the orders that quotes lack. All of it as of
 * the moment of the decision: an engine may note in the vector at once what it carries out. */
TD_RARE void td_book_hand_over(td_book_now *now, int64_t vector, td_book_sink *sink, void *context) {
    td_book_request batch[TD_SLOTS_MAX];
    td_mask lacking[TD_QUOTES_MAX];
    for (int q = 0; q < now->quote_count; q++) lacking[q] = td_book_lacking(now, q);
    for (int venue = 0; venue < now->moment->venues; venue++)
        for (int side = 0; side < 2; side++) {
            if (!td_book_is_quoted(now, venue, side)) continue;
            int count = 0;
            for (int slot = 0; slot < now->moment->slots; slot++) {
                td_mask where = td_book_unquoted(now, venue, (td_side)side, slot);
                if (td_any(where))
                    batch[count++] = (td_book_request){.kind = TD_REQUEST_CANCEL, .venue = venue, .side = (td_side)side, .slot = slot,
                                                       .where = td_mask_word(where)};
            }
            if (count) sink(context, vector, batch, count);
        }
    int count = 0;
    for (int w = 0; w < now->wish_count; w++) {
        batch[count++] = td_book_say(now->wishes[w]);
        if (count < TD_SLOTS_MAX && w + 1 < now->wish_count) continue;
        sink(context, vector, batch, count);
        count = 0;
    }
    for (int side = 0; side < 2; side++)
        for (int q = 0; q < now->quote_count; q++) {
            const td_book_quote *quote = &now->quotes[q];
            td_mask where = (int)quote->side == side ? lacking[q] : td_no_lane();
            if (td_any(where))
                batch[count++] = td_book_say((td_book_wish){.kind = TD_REQUEST_ORDER, .venue = quote->venue, .side = quote->side,
                                                              .tif = TD_POST_ONLY, .tick = quote->tick, .quantity = quote->quantity,
                                                              .where = where});
        }
    if (td_any(now->overflow)) { /* refused and counted, as an order of no quantity is */
        td_real no_number = td_splat(__builtin_nan(""));
        td_book_request none =
            td_book_say((td_book_wish){.kind = TD_REQUEST_ORDER, .tick = no_number, .quantity = no_number, .where = now->overflow});
        sink(context, vector, &none, 1);
    }
    if (count) sink(context, vector, batch, count);
}
_Static_assert((int)TD_QUOTES_MAX <= (int)TD_SLOTS_MAX, "a batch holds the orders of all quotes");

/* Is there anything to hand over? */
TD_INLINE bool td_book_wants(const td_book_now *now) {
    td_mask wants = now->overflow;
    for (int q = 0; q < now->quote_count; q++) wants = wants | td_book_lacking(now, q);
    for (int q = 0; q < now->quote_count; q++) {
        const td_book_quote *quote = &now->quotes[q];
        bool seen = false;
        for (int p = 0; p < q; p++) seen |= now->quotes[p].venue == quote->venue && now->quotes[p].side == quote->side;
        if (seen) continue;
        for (int slot = 0; slot < now->moment->slots; slot++) wants = wants | td_book_unquoted(now, quote->venue, quote->side, slot);
    }
    return now->wish_count > 0 || td_any(wants);
}

/* ---- the kernel ---- */

typedef void td_book_body(td_book_now *now, void *state);

TD_INLINE void td_book_run(const td_book_moment *moment, void *vectors, size_t bytes, int64_t count, const uint8_t *masks,
                           td_book_sink *sink, void *context, td_book_body *body, const int reals) {
    for (int venue = 0; venue < moment->venues; venue++)
        if (!(moment->tops[venue].bid < TD_INF && moment->tops[venue].ask < TD_INF)) return;
    td_book_wish wishes[TD_BOOK_REQUESTS_MAX];
    td_book_quote quotes[TD_QUOTES_MAX];
    for (int64_t v = 0; v < count; v++) {
        if (masks && !masks[v]) continue;
        td_book_vector *vector = (td_book_vector *)(void *)((char *)vectors + (size_t)v * bytes);
        td_book_now now = {.known = {vector->param, vector->seats[0].position}, .moment = moment, .vector = vector,
                           .asked = masks ? td_word_mask(masks[v]) : td_every_lane(), .overflow = td_no_lane(), .wishes = wishes, .quotes = quotes};
        td_real before[TD_BOOK_STATE_MAX];
        for (int i = 0; i < reals; i++) before[i] = vector->state[i];
        body(&now, vector->state);
        for (int i = 0; masks && i < reals; i++) vector->state[i] = td_select(now.asked, vector->state[i], before[i]);
        if (td_unlikely(td_book_wants(&now))) td_book_hand_over(&now, v, sink, context);
    }
}

/* HOOKS(...): for each item a part of the description, a case of the kernel, and what its body needs. */
#define TD_HOOK_FIELD(item) TD_HOOK_FIELD_##item
#define TD_HOOK_FIELD_TIMER .on_timer = true,
#define TD_HOOK_FIELD_BOOK .on_book = true,
#define TD_HOOK_FIELD_FILL .on_fill = true,
#define TD_HOOK_FIELD_DEPTH(count)
#define TD_HOOK_FIELD_VENUES(count)
#define TD_HOOK_DEPTH(item) TD_HOOK_DEPTH_##item
#define TD_HOOK_DEPTH_TIMER
#define TD_HOOK_DEPTH_BOOK
#define TD_HOOK_DEPTH_FILL
#define TD_HOOK_DEPTH_DEPTH(count) -1 + (count)
#define TD_HOOK_DEPTH_VENUES(count)
#define TD_HOOK_VENUES(item) TD_HOOK_VENUES_##item
#define TD_HOOK_VENUES_TIMER
#define TD_HOOK_VENUES_BOOK
#define TD_HOOK_VENUES_FILL
#define TD_HOOK_VENUES_DEPTH(count)
#define TD_HOOK_VENUES_VENUES(count) -1 + (count)
#define TD_HOOK_BODY(item) TD_HOOK_BODY_##item
#define TD_HOOK_BODY_TIMER TD_HOOK_BODY_OF(TIMER)
#define TD_HOOK_BODY_BOOK TD_HOOK_BODY_OF(BOOK)
#define TD_HOOK_BODY_FILL TD_HOOK_BODY_OF(FILL)
#define TD_HOOK_BODY_DEPTH(count)
#define TD_HOOK_BODY_VENUES(count)
#define TD_HOOK_BODY_OF(cause)                                                                                                   \
    enum { HOOKS_names_##cause };                                                                                                \
    TD_INLINE void td_body_on_##cause(td_book_now *now, td_state *state);                                                        \
    TD_INLINE void td_run_on_##cause(td_book_now *now, void *state) { td_body_on_##cause(now, (td_state *)state); }
#define TD_HOOK_CASE(item) TD_HOOK_CASE_##item
#define TD_HOOK_CASE_TIMER TD_HOOK_CASE_OF(TIMER)
#define TD_HOOK_CASE_BOOK TD_HOOK_CASE_OF(BOOK)
#define TD_HOOK_CASE_FILL TD_HOOK_CASE_OF(FILL)
#define TD_HOOK_CASE_DEPTH(count)
#define TD_HOOK_CASE_VENUES(count)
#define TD_HOOK_CASE_OF(cause_)                                                                                                  \
    if (moment->cause == TD_CAUSE_##cause_)                                                                                      \
        td_book_run(moment, vectors, bytes, count, masks, sink, context, td_run_on_##cause_, (int)(sizeof(td_state) / sizeof(td_real)));

#define HOOKS(...)                                                                                                               \
    TD_BOOK_NAMES                                                                                                                \
    enum { td_depth_here = 1 TD_LIST(TD_HOOK_DEPTH, __VA_ARGS__), td_venues_here = 1 TD_LIST(TD_HOOK_VENUES, __VA_ARGS__) };     \
    _Static_assert(td_depth_here >= 1 && (int)td_depth_here <= (int)TD_DEPTH_MAX, "HOOKS: DEPTH is 1 to 16 levels");              \
    _Static_assert(td_venues_here >= 1 && (int)td_venues_here <= (int)TD_VENUES_MAX, "HOOKS: VENUES is 1 to 8");                  \
    TD_LIST(TD_HOOK_BODY, __VA_ARGS__)                                                                                           \
    static void td_kernel_book(const td_book_moment *moment, void *vectors, size_t bytes, int64_t count, const uint8_t *masks,   \
                               td_book_sink *sink, void *context) {                                                              \
        TD_LIST(TD_HOOK_CASE, __VA_ARGS__)                                                                                       \
    }                                                                                                                            \
    static const td_book_hooks td_hooks_here __attribute__((unused)) = {                                                         \
        TD_LIST(TD_HOOK_FIELD, __VA_ARGS__).depth = td_depth_here, .venues = td_venues_here, .reals = (int)(sizeof(td_state) / sizeof(td_real))}; \
    extern const td_kernel TD_ISA_NAME(TD_JOIN(td_kernel, TD_UNIT));                                                             \
    const td_kernel TD_ISA_NAME(TD_JOIN(td_kernel, TD_UNIT)) = {TD_LANES, NULL, NULL, NULL, td_kernel_book};                     \
    TD_BOOK_STRATEGY_INFO

#if TD_ISA_INDEX == 0
#define TD_BOOK_STRATEGY_INFO                                                                                                    \
    extern const td_strategy TD_JOIN(td_strategy_info, TD_UNIT);                                                                 \
    const td_strategy TD_JOIN(td_strategy_info, TD_UNIT) = {.text = td_about,                                                    \
                                                            .param_count = td_params_here,                                       \
                                                            .state_count = (int)(sizeof(td_state) / sizeof(td_real)),            \
                                                            .params = td_params,                                                 \
                                                            .orders = &td_places_orders,                                         \
                                                            .book = &td_hooks_here};                                             \
    TD_PLUGIN_INFO
#else
#define TD_BOOK_STRATEGY_INFO static const void *const td_unused[] __attribute__((unused)) = {td_params, td_about};
#endif

#define TD_ON(cause)                                                                                                             \
    enum { TD_JOIN(td_hook_is_named, cause) = HOOKS_names_##cause };                                                             \
    TD_INLINE void td_body_on_##cause(td_book_now *now, __attribute__((unused)) td_state *state)
#define ON_TIMER TD_ON(TIMER)
#define ON_BOOK TD_ON(BOOK)
#define ON_FILL TD_ON(FILL)

/* ---- values ---- */

/* HOOKS brings the names of values and constants in, so that on bars they are free for rows and the like. */
#define TD_BOOK_NAMES                                                                                                            \
    enum { BUY = TD_BUY, SELL = TD_SELL };                                                                                       \
    enum { GTC = TD_GTC, POST_ONLY = TD_POST_ONLY, IOC = TD_IOC, FOK = TD_FOK };                                                 \
    TD_LIST(TD_BOOK_NAME, bid, ask, mid, spread, bid_quantity, ask_quantity, imbalance, last_price, last_quantity, bought, sold, \
            tick_size, lot_size, seconds, working_buys, working_sells)
#define TD_BOOK_NAME(name)                                                                                                       \
    TD_INLINE td_real td_value_named_##name(const td_book_now *now) { return td_book_value_##name(now); }

TD_INLINE const td_book_top *td_book_here(const td_book_now *now) { return &now->moment->tops[now->venue]; }
#define TD_BOOK_VALUE(name, expression)                                                                                          \
    TD_INLINE td_real td_book_value_##name(const td_book_now *now) {                                                             \
        const td_book_top *top = td_book_here(now);                                                                              \
        (void)top;                                                                                                               \
        return td_splat(expression);                                                                                             \
    }
TD_BOOK_VALUE(bid, top->bid)
TD_BOOK_VALUE(ask, top->ask)
TD_BOOK_VALUE(mid, (top->bid + top->ask) / 2)
TD_BOOK_VALUE(spread, top->ask - top->bid)
TD_BOOK_VALUE(bid_quantity, top->bid_quantity)
TD_BOOK_VALUE(ask_quantity, top->ask_quantity)
TD_BOOK_VALUE(imbalance, (top->bid_quantity - top->ask_quantity) / (top->bid_quantity + top->ask_quantity))
TD_BOOK_VALUE(last_price, top->trade_price)
TD_BOOK_VALUE(last_quantity, top->trade_quantity)
TD_BOOK_VALUE(bought, top->bought)
TD_BOOK_VALUE(sold, top->sold)
TD_BOOK_VALUE(tick_size, top->tick)
TD_BOOK_VALUE(lot_size, top->lot)
TD_BOOK_VALUE(seconds, now->moment->seconds)
#undef TD_BOOK_VALUE

TD_INLINE td_real td_book_working(const td_book_now *now, td_side side) {
    td_real count = td_splat(0.0);
    for (int slot = 0; slot < now->moment->slots; slot++)
        count = count + td_select(now->vector->seats[now->venue].phase[side][slot] != TD_SLOT_FREE, 1, 0);
    return count;
}
TD_INLINE td_real td_book_value_working_buys(const td_book_now *now) { return td_book_working(now, TD_BUY); }
TD_INLINE td_real td_book_value_working_sells(const td_book_now *now) { return td_book_working(now, TD_SELL); }

TD_INLINE td_real td_book_imbalance(const td_book_now *now, td_real levels, const int depth) {
    const td_book_top *top = td_book_here(now);
    td_real bids = td_splat(0.0), asks = td_splat(0.0);
    for (int k = 0; k < depth; k++) {
        bids = bids + td_select(levels > k, top->depth_quantity[TD_BUY][k], 0);
        asks = asks + td_select(levels > k, top->depth_quantity[TD_SELL][k], 0);
    }
    return (bids - asks) / (bids + asks);
}

/* Which venue words are about; -1 when there is no such one. */
TD_INLINE int td_book_turn_to(td_book_now *now, int venue) {
    int before = now->venue;
    now->venue = venue;
    now->known.position = now->vector->seats[venue].position;
    return before;
}

/* ---- words ---- */

#define depth_price(side, level) (td_splat(td_book_here(now)->depth_price[side][level]))
#define depth_quantity(side, level) (td_splat(td_book_here(now)->depth_quantity[side][level]))
#define imbalance_of(levels) td_book_imbalance(now, td_splat(levels), td_depth_here)
#define working(side) td_book_working(now, (td_side)(side))
#define filled(side) (now->vector->filled[side] * td_book_here(now)->lot)
#define quote(side, price, quantity, where) td_book_quote_at(now, (td_side)(side), td_splat(price), td_splat(quantity), where)
#define submit(side_, price, quantity_, tif_, where_)                                                                            \
    td_book_ask(now, (td_book_wish){.kind = TD_REQUEST_ORDER, .side = (td_side)(side_), .tif = (td_order_tif)(tif_), .tick = td_splat(price), \
                                       .quantity = td_splat(quantity_), .where = where_})
#define market(side_, quantity_, where_)                                                                                         \
    td_book_ask(now, (td_book_wish){.kind = TD_REQUEST_ORDER, .side = (td_side)(side_), .tif = TD_MARKET, .tick = td_splat(0.0),         \
                                       .quantity = td_splat(quantity_), .where = where_})
#define cancel(side, price, where)                                                                                               \
    td_book_change(now, TD_REQUEST_CANCEL, (td_side)(side), td_splat(price), td_splat(0.0), td_splat(0.0), where)
#define cancel_all(side, where) cancel(side, __builtin_nan(""), where)
#define modify(side, price, new_price, quantity, where)                                                                          \
    td_book_change(now, TD_REQUEST_MODIFY, (td_side)(side), td_splat(price), td_splat(new_price), td_splat(quantity), where)
#define venue(number)                                                                                                            \
    for (int td_back = td_book_turn_to(now, number); td_back >= 0; td_book_turn_to(now, td_back), td_back = -1)
#define of_venue(number, name)                                                                                                   \
    ({                                                                                                                           \
        int td_back = td_book_turn_to(now, number);                                                                              \
        __typeof__(td_value_named_##name(now)) td_there = td_value_named_##name(now);                                            \
        td_book_turn_to(now, td_back);                                                                                           \
        td_there;                                                                                                                \
    })

#endif
