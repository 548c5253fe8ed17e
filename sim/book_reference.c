/* The plain engine of play on order books: one set, one event after the other. It is the oracle of the lanes engine, what a detailed run
 * plays with, and docs/book-rules.md in C: numbers B.. are the rules there.
 *
 * Each venue has an exchange, which sees messages by exchange time and requests when they arrive, and a local side, which sees messages
 * by local time and answers when they are back (B01). It shares models, delays, tallies and the strategy's compiled decision with the
 * other engine; books, queues of requests, matching and what a strategy is told of its orders are written here a second time. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "data/ladder.h"
#include "sim/book_engines.h"
#include "sim/plain_book.h"

/* What a strategy wants of the exchange, on its way there. */
typedef struct request {
    int64_t ns; /* of arrival */
    td_book_request_kind kind;
    td_order_tif tif;
    td_side side;
    int slot;
    uint32_t number; /* of the order in that slot */
    int32_t tick;
    int64_t lots;
} request;

typedef enum answer_kind {
    ANSWER_WORKS,    /* the order is in the book, `left` at `tick` */
    ANSWER_EXECUTED, /* and `left` is left of it */
    ANSWER_OVER,     /* cancelled or expired */
    ANSWER_REJECTED, /* the request came to nothing */
} answer_kind;

typedef struct answer {
    int64_t ns; /* of being heard */
    answer_kind kind;
    td_side side;
    int slot;
    uint32_t number;
    int32_t tick;
    int64_t left;
    td_execution execution; /* of ANSWER_EXECUTED */
} answer;

/* First in, first out; what comes later is never there earlier (B04). */
typedef struct bus {
    char *items;
    size_t size;
    int64_t head, count, room;
} bus;

/* An order in the exchange's book. */
typedef struct resting {
    bool there;
    uint32_t number;
    td_order_tif tif;
    int32_t tick;
    int64_t left, ahead;
    td_queue queue;
    uint64_t place;
} resting;

/* The same order as the strategy knows it. */
typedef struct slot {
    td_slot_phase phase;
    uint32_t number;
    int32_t tick, tick_before; /* before a modify that is on its way */
    int64_t left;
} slot;

/* Quantity that the set took from a level since the level last changed (B25). */
typedef struct taken {
    td_side side;
    int32_t tick;
    int64_t lots;
} taken;

typedef struct run run;
typedef struct venue {
    run *run;
    int index;
    const td_book *tape;
    const td_venue_terms *terms;
    td_venue_tally *tally;
    /* the exchange */
    td_plain_book book;
    int64_t next_message;
    resting resting[2][TD_SLOTS_MAX];
    taken *taken;
    int64_t taken_count, taken_room;
    int64_t held; /* position, lots */
    double exchange_mid;
    int64_t next_funding;
    /* the two ways between */
    bus requests, answers;
    /* the local side */
    td_plain_book seen;
    int64_t next_local, feed_ns;
    slot slots[2][TD_SLOTS_MAX];
    int64_t heard[2]; /* lots executed, as heard at this moment */
    double trade_tick;
    int64_t trade_lots, taken_by[2]; /* by buyers and sellers since the last decision */
} venue;

struct run {
    const td_book_deck *deck;
    const td_book_observer *observer;
    td_book_terms terms;
    td_book_tally tally;
    td_venue_tally tallies[TD_VENUES_MAX];
    double mids[TD_VENUES_MAX]; /* of the local books, the last there was */
    venue venues[TD_VENUES_MAX];
    void *vector;
    int64_t now;
    int slots_used;
    uint32_t orders;
    double *block_equity;
    bool out_of_memory;
};

/* ---- buses ---- */

static void *bus_at(const bus *b, int64_t i) { return b->items + (size_t)((b->head + i) % b->room) * b->size; }
/* When the first arrives. Items begin with their time. */
static int64_t bus_ns(const bus *b) { return b->count ? *(const int64_t *)bus_at(b, 0) : INT64_MAX; }

static void bus_push(run *run, bus *b, void *item) {
    int64_t *ns = item;
    if (b->count && *(const int64_t *)bus_at(b, b->count - 1) > *ns) *ns = *(const int64_t *)bus_at(b, b->count - 1);
    if (b->count == b->room) {
        int64_t room = b->room ? b->room * 2 : 64;
        char *items = malloc((size_t)room * b->size);
        if (!items) {
            run->out_of_memory = true;
            return;
        }
        for (int64_t i = 0; i < b->count; i++) memcpy(items + (size_t)i * b->size, bus_at(b, i), b->size);
        free(b->items);
        *b = (bus){.items = items, .size = b->size, .count = b->count, .room = room};
    }
    b->count++;
    memcpy(bus_at(b, b->count - 1), item, b->size);
}

static bool bus_pop(bus *b, int64_t ns, void *item) {
    if (bus_ns(b) > ns) return false;
    memcpy(item, bus_at(b, 0), b->size);
    b->head = (b->head + 1) % b->room;
    b->count--;
    return true;
}

/* ---- the exchange: answers and executions ---- */

static void answer_with(venue *v, answer answer) {
    answer.ns = v->run->now + td_book_response_delay(v->run->deck, &v->terms->delay, v->run->now, v->feed_ns);
    bus_push(v->run, &v->answers, &answer);
}

/* The order has `left` after the execution. When it will be heard of is known once it is on the bus. */
static void execute(venue *v, td_side side, int slot, uint32_t number, td_execution_reason reason, int32_t tick, int64_t lots, int64_t left,
                    int64_t ahead) {
    v->held += side == TD_BUY ? lots : -lots;
    answer_with(v, (answer){.kind = ANSWER_EXECUTED, .side = side, .slot = slot, .number = number, .tick = tick, .left = left,
                            .execution = {.venue = v->index, .side = side, .reason = reason, .exchange_ns = v->run->now, .tick = tick,
                                          .lots = lots, .queue_ahead = ahead}});
}

static void fill_resting(venue *v, td_side side, int slot, td_execution_reason reason, int64_t lots) {
    resting *order = &v->resting[side][slot];
    order->left -= lots;
    order->there = order->left > 0;
    execute(v, side, slot, order->number, reason, order->tick, lots, order->left, order->ahead);
}

static void expire(venue *v, td_side side, int slot, uint32_t number) {
    v->run->tally.expired += 1;
    answer_with(v, (answer){.kind = ANSWER_OVER, .side = side, .slot = slot, .number = number});
}

/* ---- the exchange: resting orders ---- */

static bool follows_orders(const run *run) { return td_queue_kind_of(run->terms.queue_model) == TD_QUEUE_L3_FIFO; }
static bool fills_in_parts(const run *run) { return run->terms.exchange == TD_EXCHANGE_PARTIAL_FILL; }

/* The slots of a side's resting orders at `tick` or better, in the order in which they are served: best price first, then who was there
 * first (B13). */
static int served(const venue *v, td_side side, int32_t tick, int slots[TD_SLOTS_MAX]) {
    int count = 0;
    for (int s = 0; s < TD_SLOTS_MAX; s++) {
        const resting *order = &v->resting[side][s];
        if (!order->there || td_better(side, tick, order->tick)) continue;
        int at = count++;
        for (; at > 0; at--) {
            const resting *before = &v->resting[side][slots[at - 1]];
            if (td_better(side, before->tick, order->tick) || (before->tick == order->tick && before->place < order->place)) break;
            slots[at] = slots[at - 1];
        }
        slots[at] = s;
    }
    return count;
}

/* B11: the other side's best price reached them. */
static void on_improved(void *context, td_side improved) {
    venue *v = context;
    td_side side = td_other(improved);
    int slots[TD_SLOTS_MAX], count = served(v, side, v->book.best[improved], slots);
    for (int i = 0; i < count; i++) fill_resting(v, side, slots[i], TD_EXECUTION_cross, v->resting[side][slots[i]].left);
}

/* What of `wanted` lots an order gets of a trade's quantity, all of what is left of it where orders fill whole. */
static int64_t share_of(const venue *v, const resting *order, int64_t wanted, int64_t *budget) {
    if (!fills_in_parts(v->run)) return order->left;
    int64_t lots = wanted < order->left ? wanted : order->left;
    if (lots > *budget) lots = *budget;
    *budget -= lots;
    return lots;
}

/* B12, B14: a trade at a worse price goes through orders; at their own price their queue moves on. */
static void on_trade(void *context, td_side taker, int32_t tick, int64_t lots) {
    venue *v = context;
    if (follows_orders(v->run)) return;
    td_side side = td_other(taker);
    int slots[TD_SLOTS_MAX], count = served(v, side, tick, slots);
    int64_t budget = lots;
    for (int i = 0; i < count; i++) {
        resting *order = &v->resting[side][slots[i]];
        bool through = order->tick != tick;
        int64_t wanted = order->left;
        if (!through) {
            td_queue_trade(v->run->terms.queue_model, &order->queue, lots);
            wanted = td_queue_take(&order->queue);
            if (wanted == 0) continue;
        }
        int64_t got = share_of(v, order, wanted, &budget);
        if (got > 0) fill_resting(v, side, slots[i], through ? TD_EXECUTION_through : TD_EXECUTION_queue, got);
    }
}

/* B16: the quantity of a level changed other than by a trade, or a trade is now seen in it. */
static void on_level(void *context, td_side side, int32_t tick, int64_t before, int64_t after) {
    venue *v = context;
    for (int64_t i = 0; i < v->taken_count; i++)
        if (v->taken[i].side == side && v->taken[i].tick == tick && before != after) v->taken[i--] = v->taken[--v->taken_count];
    if (follows_orders(v->run)) return;
    for (int s = 0; s < TD_SLOTS_MAX; s++) {
        resting *order = &v->resting[side][s];
        if (order->there && order->tick == tick)
            td_queue_depth(v->run->terms.queue_model, v->terms->unit, &order->queue, before, after);
    }
}

/* B17: after a strict snapshot nobody is further back than the level is long; beyond what it names nothing is known. */
static void on_replaced(void *context, const int32_t worst[2]) {
    venue *v = context;
    v->taken_count = 0;
    for (int side = 0; side < 2; side++)
        for (int s = 0; s < TD_SLOTS_MAX; s++) {
            resting *order = &v->resting[side][s];
            if (!order->there || td_better((td_side)side, worst[side], order->tick)) continue;
            double level = (double)td_plain_lots(&v->book, (td_side)side, order->tick);
            if (level < order->queue.front) order->queue.front = level;
            order->queue.traded = 0;
        }
}

/* B18: queue model l3_fifo. An order of the market's was hit: ours that were ahead of it in its queue, and those at better prices, would
 * have been before it. */
static void on_hit(void *context, const td_plain_order *hit, int32_t tick, int64_t lots) {
    venue *v = context;
    if (!follows_orders(v->run)) return;
    td_side side = hit->side;
    int slots[TD_SLOTS_MAX], own = 0;
    for (int each = 0; each < 2; each++)
        for (int s = 0; s < TD_SLOTS_MAX; s++) own += v->resting[each][s].there;
    /* hftbacktest looks at prices between the best one and the trade's, or, where it has fewer orders than there are such prices, at all */
    int64_t prices = side == TD_BUY ? (int64_t)v->book.best[side] - tick : (int64_t)tick - v->book.best[side];
    bool parity = v->book.parity, all = own < prices - 1;
    int count = served(v, side, td_better(side, tick, hit->tick) ? hit->tick : tick, slots);
    int64_t budget = lots;
    for (int i = 0; i < count; i++) {
        resting *order = &v->resting[side][slots[i]];
        bool through = td_better(side, order->tick, tick), ahead = order->tick == hit->tick && order->place < hit->place;
        if (through && parity) through = prices > 0 && (all || !td_better(side, order->tick, v->book.best[side]));
        if (!through && !ahead) continue;
        int64_t got = share_of(v, order, order->left, &budget);
        if (got > 0) fill_resting(v, side, slots[i], through ? TD_EXECUTION_through : TD_EXECUTION_queue, got);
    }
}

/* B19: with the orders around it an order of ours loses its place, and expires. */
static void on_cleared(void *context, td_side side) {
    venue *v = context;
    if (!follows_orders(v->run)) return;
    for (int s = 0; s < TD_SLOTS_MAX; s++)
        if (v->resting[side][s].there) {
            v->resting[side][s].there = false;
            expire(v, side, s, v->resting[side][s].number);
        }
}

/* ---- the exchange: requests ---- */

static bool reaches(td_side side, int32_t tick, int32_t opposite) { return side == TD_BUY ? tick >= opposite : tick <= opposite; }

/* The order joins the end of its queue. */
static void rest(venue *v, const request *r, int64_t left) {
    int64_t level = td_plain_lots(&v->book, r->side, r->tick);
    v->resting[r->side][r->slot] = (resting){.there = true, .number = r->number, .tif = r->tif, .tick = r->tick, .left = left, .ahead = level,
                                             .queue = td_queue_join(level), .place = td_plain_place(&v->book)};
    answer_with(v, (answer){.kind = ANSWER_WORKS, .side = r->side, .slot = r->slot, .number = r->number, .tick = r->tick, .left = left});
}

static taken *find_taken(venue *v, td_side side, int32_t tick) {
    for (int64_t i = 0; i < v->taken_count; i++)
        if (v->taken[i].side == side && v->taken[i].tick == tick) return &v->taken[i];
    return NULL;
}

/* What a level has for the set. */
static int64_t available(venue *v, td_side side, int32_t tick) {
    const taken *gone = find_taken(v, side, tick);
    int64_t lots = td_plain_lots(&v->book, side, tick) - (gone ? gone->lots : 0);
    return lots > 0 ? lots : 0;
}

static void note_taken(venue *v, td_side side, int32_t tick, int64_t lots) {
    if (!v->run->deck->def.book.consume || v->book.parity) return;
    taken *gone = find_taken(v, side, tick);
    if (!gone) {
        if (v->taken_count == v->taken_room) {
            int64_t room = v->taken_room ? v->taken_room * 2 : 16;
            taken *more = realloc(v->taken, (size_t)room * sizeof *more);
            if (!more) {
                v->run->out_of_memory = true;
                return;
            }
            v->taken = more;
            v->taken_room = room;
        }
        gone = &v->taken[v->taken_count++];
        *gone = (taken){.side = side, .tick = tick};
    }
    gone->lots += lots;
}

/* B21: takes level after level; returns what is left. */
static int64_t walk(venue *v, const request *r) {
    td_side other = td_other(r->side);
    int32_t none = other == TD_BUY ? TD_NO_BID : TD_NO_ASK;
    int64_t left = r->lots, there = 0;
    for (int32_t tick = v->book.best[other]; tick != none && (r->tif == TD_MARKET || reaches(r->side, r->tick, tick));
         tick = td_plain_next(&v->book, other, tick))
        there += available(v, other, tick);
    if (r->tif == TD_FOK && there < left) return left;
    for (int32_t tick = v->book.best[other]; left > 0 && tick != none && (r->tif == TD_MARKET || reaches(r->side, r->tick, tick));
         tick = td_plain_next(&v->book, other, tick)) {
        int64_t level = available(v, other, tick), lots = level < left ? level : left;
        if (lots == 0) continue;
        left -= lots;
        note_taken(v, other, tick, lots);
        execute(v, r->side, r->slot, r->number, TD_EXECUTION_taker, tick, lots, left, 0);
    }
    return left;
}

/* B08, B20, B21: a new order has arrived. */
static void arrive_new(venue *v, const request *r) {
    int32_t best = v->book.best[td_other(r->side)], none = r->side == TD_BUY ? TD_NO_ASK : TD_NO_BID;
    bool takes = best != none && (r->tif == TD_MARKET || reaches(r->side, r->tick, best));
    bool may_rest = r->tif == TD_GTC || r->tif == TD_POST_ONLY;
    if (v->book.gap || (takes && r->tif == TD_POST_ONLY))
        expire(v, r->side, r->slot, r->number);
    else if (takes && !fills_in_parts(v->run))
        execute(v, r->side, r->slot, r->number, TD_EXECUTION_taker, best, r->lots, 0, 0);
    else {
        int64_t left = takes ? walk(v, r) : r->lots;
        if (left > 0 && may_rest) rest(v, r, left);
        if (left > 0 && !may_rest) expire(v, r->side, r->slot, r->number);
    }
}

/* B22, B23: a cancel or a modify has arrived. */
static void arrive_change(venue *v, const request *r) {
    resting *order = &v->resting[r->side][r->slot];
    if (!order->there || order->number != r->number) {
        v->run->tally.rejected += 1;
        answer_with(v, (answer){.kind = ANSWER_REJECTED, .side = r->side, .slot = r->slot, .number = r->number});
    } else if (r->kind == TD_REQUEST_CANCEL) {
        order->there = false;
        answer_with(v, (answer){.kind = ANSWER_OVER, .side = r->side, .slot = r->slot, .number = r->number});
    } else if (r->tick == order->tick && r->lots <= order->left) {
        order->left = r->lots;
        answer_with(v, (answer){.kind = ANSWER_WORKS, .side = r->side, .slot = r->slot, .number = r->number, .tick = r->tick, .left = r->lots});
    } else {
        request again = *r;
        again.tif = order->tif;
        order->there = false;
        arrive_new(v, &again);
    }
}

/* ---- the local side ---- */

static void send_request(venue *v, request r) {
    run *run = v->run;
    int64_t delay = td_book_entry_delay(run->deck, &v->terms->delay, run->now, v->feed_ns);
    if (delay < 0) { /* B05 */
        answer no = {.ns = run->now - delay, .kind = ANSWER_REJECTED, .side = r.side, .slot = r.slot, .number = r.number};
        run->tally.rejected += 1;
        bus_push(run, &v->answers, &no);
        return;
    }
    r.ns = run->now + delay;
    bus_push(run, &v->requests, &r);
}

static void hear(venue *v, answer *a) {
    slot *s = &v->slots[a->side][a->slot];
    if (a->kind == ANSWER_EXECUTED) {
        td_execution *e = &a->execution;
        const td_instrument *instrument = &v->tape->instrument;
        e->local_ns = a->ns;
        e->price = (double)e->tick * instrument->tick;
        e->quantity = (double)e->lots * instrument->lot;
        e->fee = td_fee(&v->terms->fees, e->side, e->reason != TD_EXECUTION_taker, td_contract_value(instrument, e->price, e->quantity), e->quantity);
        td_book_execute(v->run->deck, v->terms, v->tally, e->side, e->reason, e->tick, e->lots, e->queue_ahead, e->exchange_ns, e->local_ns);
        v->heard[e->side] += e->lots;
        if (v->run->observer && v->run->observer->on_execution) v->run->observer->on_execution(v->run->observer->context, e);
    }
    if (s->number != a->number || s->phase == TD_SLOT_FREE || s->phase == TD_SLOT_GONE) return;
    switch (a->kind) {
    case ANSWER_WORKS:
        s->phase = TD_SLOT_WORKING;
        s->tick = a->tick;
        s->left = a->left;
        break;
    case ANSWER_EXECUTED:
        s->left = a->left;
        if (a->left == 0) s->phase = TD_SLOT_GONE;
        break;
    case ANSWER_OVER: s->phase = TD_SLOT_GONE; break;
    case ANSWER_REJECTED:
        s->phase = s->phase == TD_SLOT_SENT ? TD_SLOT_GONE : TD_SLOT_WORKING;
        s->tick = s->tick_before;
        break;
    }
}

/* B26: what a request must be to be sent. */
static bool in_flight_room(const venue *v) {
    int64_t limit = v->run->deck->def.book.in_flight_limit, count = 0;
    for (int side = 0; side < 2; side++)
        for (int s = 0; s < TD_SLOTS_MAX; s++)
            count += v->slots[side][s].phase == TD_SLOT_SENT || v->slots[side][s].phase == TD_SLOT_ASKED;
    return limit == 0 || count < limit;
}

static int free_slot(const venue *v, td_side side) {
    for (int s = 0; s < (int)v->run->deck->def.book.order_limit; s++)
        if (v->slots[side][s].phase == TD_SLOT_FREE) return s;
    return -1;
}

static void carry_out(run *run, const td_book_request *wish) {
    venue *v = &run->venues[wish->venue];
    request r = {.kind = wish->kind, .tif = wish->tif, .side = wish->side, .slot = wish->slot};
    if (wish->kind != TD_REQUEST_ORDER && v->slots[r.side][r.slot].phase != TD_SLOT_WORKING) return;
    bool good = in_flight_room(v);
    if (wish->kind != TD_REQUEST_CANCEL) {
        bool priced = wish->kind == TD_REQUEST_MODIFY || wish->tif != TD_MARKET;
        good = good && td_book_request_lots(v->terms, wish->quantity[0], &r.lots) && (!priced || td_book_request_tick(wish->tick[0], &r.tick));
    }
    if (wish->kind == TD_REQUEST_ORDER) {
        r.slot = free_slot(v, r.side);
        good = good && r.slot >= 0;
    }
    if (!good) {
        run->tally.refused += 1;
        return;
    }
    slot *s = &v->slots[r.side][r.slot];
    if (wish->kind == TD_REQUEST_ORDER) {
        run->tally.orders += 1;
        *s = (slot){.phase = TD_SLOT_SENT, .number = ++run->orders, .tick = r.tick, .tick_before = r.tick, .left = r.lots};
        if (r.slot >= run->slots_used) run->slots_used = r.slot + 1;
    } else {
        *(wish->kind == TD_REQUEST_CANCEL ? &run->tally.cancels : &run->tally.modifies) += 1;
        s->phase = TD_SLOT_ASKED;
        s->tick_before = s->tick;
        if (wish->kind == TD_REQUEST_MODIFY) s->tick = r.tick;
    }
    r.number = s->number;
    send_request(v, r);
}

static void sink(void *context, int64_t vector, const td_book_request *requests, int count) {
    (void)vector;
    for (int i = 0; i < count; i++)
        if (requests[i].where & 1) carry_out(context, &requests[i]);
}

static double price_or_nan(int32_t tick, int32_t none) { return tick == none ? NAN : (double)tick; }

static td_book_top top_of(const venue *v, int depth) {
    const td_plain_book *book = &v->seen;
    const td_instrument *instrument = &v->tape->instrument;
    td_book_top top = {.bid = price_or_nan(book->best[TD_BUY], TD_NO_BID), .ask = price_or_nan(book->best[TD_SELL], TD_NO_ASK),
                       .trade_price = v->trade_tick, .trade_quantity = (double)v->trade_lots * instrument->lot,
                       .bought = (double)v->taken_by[TD_BUY] * instrument->lot, .sold = (double)v->taken_by[TD_SELL] * instrument->lot,
                       .tick = instrument->tick, .lot = instrument->lot};
    for (int side = 0; side < 2; side++) {
        int32_t tick = book->best[side], none = side == TD_BUY ? TD_NO_BID : TD_NO_ASK;
        for (int level = 0; level < TD_DEPTH_MAX; level++) {
            bool there = level < depth && tick != none;
            top.depth_price[side][level] = there ? (double)tick : NAN;
            top.depth_quantity[side][level] = there ? (double)td_plain_lots(book, (td_side)side, tick) * instrument->lot : 0;
            if (there) tick = td_plain_next(book, (td_side)side, tick);
        }
    }
    top.bid_quantity = top.depth_quantity[TD_BUY][0];
    top.ask_quantity = top.depth_quantity[TD_SELL][0];
    return top;
}

/* The strategy is asked (B06, B07). */
static void decide(run *run, td_book_cause cause, int index) {
    const td_book_deck *deck = run->deck;
    td_book_top tops[TD_VENUES_MAX];
    for (int i = 0; i < deck->venues; i++) {
        venue *v = &run->venues[i];
        tops[i] = top_of(v, deck->hooks->depth);
        *td_seat_field(run->vector, 1, i, TD_SEAT_position, 0) = td_book_units(v->terms, td_venue_position(v->tally));
        for (int side = 0; side < 2; side++)
            for (int s = 0; s < TD_SLOTS_MAX; s++) {
                slot *order = &v->slots[side][s];
                int at = side * TD_SLOTS_MAX + s;
                if (order->phase == TD_SLOT_GONE) order->phase = TD_SLOT_FREE;
                *td_seat_field(run->vector, 1, i, TD_SEAT_tick + at, 0) = (double)order->tick;
                *td_seat_field(run->vector, 1, i, TD_SEAT_lots + at, 0) = (double)order->left;
                *td_seat_field(run->vector, 1, i, TD_SEAT_phase + at, 0) = (double)order->phase;
            }
    }
    for (int side = 0; side < 2; side++)
        *td_book_field(run->vector, 1, TD_BOOK_FIELD_filled + side, 0) = cause == TD_CAUSE_FILL ? (double)run->venues[index].heard[side] : 0;
    td_book_moment moment = {.cause = cause, .venue = index, .venues = deck->venues, .order_limit = (int)deck->def.book.order_limit,
                             .slots = run->slots_used, .local_ns = run->now, .seconds = (double)(run->now - deck->first_ns) / 1e9, .tops = tops};
    deck->decide(&moment, run->vector, td_book_vector_bytes(1, deck->venues), 1, NULL, sink, run);
    for (int i = 0; i < deck->venues && cause != TD_CAUSE_FILL; i++) run->venues[i].taken_by[TD_BUY] = run->venues[i].taken_by[TD_SELL] = 0;
}

/* B06: no decision before play begins, or when nothing can come any more. */
static bool may_decide(const run *run) { return run->now >= run->deck->first_ns && run->now < run->deck->last_ns; }

/* ---- events ---- */

typedef enum event_kind { LOCAL_DATA, LOCAL_ANSWERS, EXCHANGE_DATA, EXCHANGE_REQUESTS, EVENT_KINDS } event_kind;

static int64_t next_exchange(venue *v) {
    while (v->next_message < v->tape->messages && !td_book_plays(v->run->deck, v->index, v->next_message, TD_BOOK_AT_EXCHANGE)) v->next_message++;
    return v->next_message < v->tape->messages ? v->tape->exchange_ns[v->next_message] : INT64_MAX;
}

static int64_t next_local(venue *v) {
    while (v->next_local < v->tape->messages &&
           !td_book_plays(v->run->deck, v->index, td_book_local_message(v->tape, v->next_local), TD_BOOK_AT_LOCAL))
        v->next_local++;
    return v->next_local < v->tape->messages ? v->tape->local_ns[td_book_local_message(v->tape, v->next_local)] : INT64_MAX;
}

static void on_local_trade(void *context, td_side taker, int32_t tick, int64_t lots) {
    venue *v = context;
    v->trade_tick = (double)tick;
    v->trade_lots = lots;
    v->taken_by[taker] += lots;
}

static double mid_of(const td_plain_book *book, double before) {
    if (book->best[TD_BUY] == TD_NO_BID || book->best[TD_SELL] == TD_NO_ASK) return before;
    return ((double)book->best[TD_BUY] + (double)book->best[TD_SELL]) / 2;
}

static void local_data(run *run, venue *v) {
    int64_t m = td_book_local_message(v->tape, v->next_local++);
    td_plain_apply(&v->seen, v->tape, m, &(td_plain_hooks){.on_trade = on_local_trade, .context = v});
    v->feed_ns = v->tape->local_ns[m] - v->tape->exchange_ns[m];
    run->mids[v->index] = mid_of(&v->seen, run->mids[v->index]);
    if (run->deck->hooks->on_book && may_decide(run)) decide(run, TD_CAUSE_BOOK, v->index);
}

static void local_answers(run *run, venue *v) {
    answer a;
    v->heard[TD_BUY] = v->heard[TD_SELL] = 0;
    while (bus_pop(&v->answers, run->now, &a)) hear(v, &a);
    if (run->deck->hooks->on_fill && v->heard[TD_BUY] + v->heard[TD_SELL] > 0 && may_decide(run)) decide(run, TD_CAUSE_FILL, v->index);
}

static void exchange_data(venue *v) {
    td_plain_apply(&v->book, v->tape, v->next_message++,
                   &(td_plain_hooks){on_level, on_replaced, on_improved, on_trade, on_hit, on_cleared, v});
    v->exchange_mid = mid_of(&v->book, v->exchange_mid);
}

static void exchange_requests(run *run, venue *v) {
    request r;
    while (bus_pop(&v->requests, run->now, &r)) (r.kind == TD_REQUEST_ORDER ? arrive_new : arrive_change)(v, &r);
}

/* B02: of what happens at the same time, venue by venue: messages received, answers, messages at the exchange, requests. */
static int64_t next_event(run *run, venue **which, event_kind *kind) {
    int64_t first = INT64_MAX;
    for (int i = 0; i < run->deck->venues; i++) {
        venue *v = &run->venues[i];
        const int64_t times[EVENT_KINDS] = {next_local(v), bus_ns(&v->answers), next_exchange(v), bus_ns(&v->requests)};
        for (int k = 0; k < EVENT_KINDS; k++)
            if (times[k] < first) {
                first = times[k];
                *which = v;
                *kind = (event_kind)k;
            }
    }
    return first;
}

static void happen(run *run, venue *v, event_kind kind) {
    switch (kind) {
    case LOCAL_DATA: local_data(run, v); break;
    case LOCAL_ANSWERS: local_answers(run, v); break;
    case EXCHANGE_DATA: exchange_data(v); break;
    default: exchange_requests(run, v);
    }
}

/* ---- what happens at set times ---- */

static int64_t funding_ns(const run *run) {
    int64_t first = INT64_MAX;
    for (int i = 0; i < run->deck->venues; i++) {
        const venue *v = &run->venues[i];
        if (v->next_funding < v->tape->funding_count && v->tape->funding[v->next_funding].time_ns < first)
            first = v->tape->funding[v->next_funding].time_ns;
    }
    return first <= run->deck->last_ns ? first : INT64_MAX;
}

/* B31 */
static void pay_funding(run *run, int64_t ns) {
    for (int i = 0; i < run->deck->venues; i++) {
        venue *v = &run->venues[i];
        for (; v->next_funding < v->tape->funding_count && v->tape->funding[v->next_funding].time_ns == ns; v->next_funding++) {
            const td_funding *funding = &v->tape->funding[v->next_funding];
            double mark = isnan(funding->mark) ? v->exchange_mid : funding->mark / v->tape->instrument.tick;
            td_book_fund(v->terms, v->tally, (double)v->held, funding->rate, mark);
        }
    }
}

static void clock_strikes(run *run, int64_t step) {
    const td_book_deck *deck = run->deck;
    if (run->observer && run->observer->on_decision) {
        td_book_state states[TD_VENUES_MAX];
        for (int i = 0; i < deck->venues; i++)
            states[i] = td_venue_state(&run->terms.venues[i], &run->tallies[i], run->now, run->venues[i].seen.best[TD_BUY],
                                       run->venues[i].seen.best[TD_SELL]);
        run->observer->on_decision(run->observer->context, step, states, deck->venues);
    }
    if (deck->hooks->on_timer) decide(run, TD_CAUSE_TIMER, 0);
}

static bool failed(const run *run) {
    bool bad = run->out_of_memory;
    for (int i = 0; i < run->deck->venues; i++) bad |= run->venues[i].book.out_of_memory || run->venues[i].seen.out_of_memory;
    return bad;
}

/* B01, B03: events in the order of time; when all of a time are over, funding of that time, looks, and the clock. */
static void play(run *run) {
    const td_book_deck *deck = run->deck;
    td_book_look look = td_book_first_look(deck);
    int64_t step = 1, clock_ns = deck->def.book.clock_ns;
    while (!failed(run)) {
        venue *v = NULL;
        event_kind kind = LOCAL_DATA;
        int64_t event = next_event(run, &v, &kind), strike = deck->first_ns + step * clock_ns, funding = funding_ns(run);
        if (strike >= deck->last_ns) strike = INT64_MAX;
        int64_t set = funding < look.ns ? funding : look.ns;
        if (strike < set) set = strike;
        if (event == INT64_MAX && set == INT64_MAX) return;
        run->now = event <= set ? event : set;
        if (event <= set)
            happen(run, v, kind);
        else if (funding == set)
            pay_funding(run, set);
        else if (look.ns == set) {
            td_book_look_at(deck, &run->terms, &run->tally, run->tallies, run->mids, &look, run->block_equity);
            look = td_book_next_look(deck, look);
        } else
            clock_strikes(run, step++);
    }
}

/* ---- the run ---- */

td_status td_book_reference_play(const td_book_deck *deck, const td_set *set, const td_book_observer *observer, td_cell *cell,
                                 float *block_returns, td_error *error) {
    run *run = calloc(1, sizeof *run);
    void *vector = calloc(1, td_book_vector_bytes(1, deck->venues));
    double *block_equity = calloc((size_t)deck->blocks, sizeof *block_equity);
    bool good = run && vector && block_equity;
    if (good) {
        bool parity = deck->def.book.mode == TD_MODE_PARITY;
        *run = (struct run){.deck = deck, .observer = observer, .vector = vector, .block_equity = block_equity};
        td_book_make_terms(deck, set, &run->terms);
        td_book_start(deck, &run->tally, run->tallies);
        for (int p = 0; p < TD_PARAMS_MAX; p++) *td_book_field(vector, 1, TD_BOOK_FIELD_param + p, 0) = set->param[p];
        for (int i = 0; i < deck->venues; i++) {
            venue *v = &run->venues[i];
            *v = (venue){.run = run, .index = i, .tape = deck->def.book.venues[i].book, .terms = &run->terms.venues[i], .tally = &run->tallies[i],
                         .requests = {.size = sizeof(request)}, .answers = {.size = sizeof(answer)}, .exchange_mid = NAN, .trade_tick = NAN};
            run->mids[i] = NAN;
            td_plain_open(&v->book, parity);
            td_plain_open(&v->seen, parity);
        }
        play(run);
        good = !failed(run);
        if (good) td_book_finish(deck, &run->terms, &run->tally, run->tallies, run->mids, block_equity, cell, block_returns);
        for (int i = 0; i < deck->venues; i++) {
            venue *v = &run->venues[i];
            td_plain_close(&v->book);
            td_plain_close(&v->seen);
            free(v->requests.items);
            free(v->answers.items);
            free(v->taken);
        }
    }
    free(block_equity);
    free(vector);
    free(run);
    return good ? TD_OK : td_fail(error, TD_NO_MEMORY, "no memory for play on order books");
}
