/* The fast engine of play on order books: the tape is read and its books are rebuilt once, and many sets play on it (docs/book-rules.md has
 * the rules, sim/book_reference.c plays one set plainly). The market does not react to sets, so all they share is read-only to them:
 *
 *   exchange   of each venue a book with tickets (sim/book_tickets.h): what sets have resting there, found by price, so that a row which
 *              can reach no order of any set costs a comparison
 *   buses      requests on their way and answers on their way back, one queue for each distinct latency (sim/book_bus.h)
 *   local      a second book, as received. It is brought up to date, and answers are heard, when strategies look and not before
 *   vectors    what sets know of their orders, as their compiled decision reads it: TD_LANES sets side by side
 *
 * A lane is a set of the pass. Nothing of one lane depends on another: not on who shares its tickets, nor on who plays at all. */
#include "sim/book_lanes.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "sim/book_bus.h"
#include "sim/book_live.h"
#include "sim/book_tickets.h"
#include "sim/kernel.h"

enum { LET_GO_MESSAGES = 1 << 15 };
enum { ANSWER_WORKS, ANSWER_EXECUTED, ANSWER_OVER, ANSWER_REJECTED };

/* Sets whose messages take the same time. */
typedef struct group {
    td_book_delay delay;
    bool plain;               /* the same always */
    int64_t entry_ns, entry, entry_feed;          /* of what was last asked for: the time, ... */
    int64_t response_ns, response, response_feed;
} group;

/* What a set took of a level, gone for it until the level changes. */
typedef struct taken {
    int32_t lane, tick;
    td_side side;
    int64_t lots;
} taken;

typedef struct venue {
    td_book_player *player;
    const td_book *tape;
    int index;
    double unit;
    /* exchange */
    td_live book;
    td_tickets tickets;
    int64_t next_message, now;
    double mid;
    int64_t next_funding;
    int64_t *held;            /* (lanes) position, lots */
    int32_t *resting_count;   /* (lanes) */
    taken *taken;
    int64_t taken_count, taken_room;
    /* both ways */
    td_book_bus requests, answers;
    group *groups;
    int64_t group_count;
    int32_t *group_of;        /* (lanes) */
    int64_t *last_request, *last_answer; /* (lanes) */
    int32_t *in_flight;       /* (lanes) */
    /* as received */
    td_live seen;
    int64_t next_local, let_go;
    int64_t feed_ns, heard_local; /* of the last message received at the exchange's now; of feed latencies only */
    double trade_tick;
    int64_t trade_lots, taken_by[2];
    int32_t *number, *tick_before; /* (orders) of the order in a slot */
    td_venue_tally *tallies;  /* (lanes) */
    /* scratch of one event */
    int32_t *members, *found; /* (orders), (found_room) */
    int64_t found_room;
    int64_t event;
    int64_t *budget_event, *budget; /* (lanes) */
    int32_t *own;             /* (lanes) */
} venue;

struct td_book_player {
    const td_book_deck *deck;
    td_book_decide *decide;
    int lanes, lane_shift;    /* of a vector */
    int slot_shift;           /* order number: (lane * 2 + side) << slot_shift | slot */
    int64_t capacity, count;  /* sets: most, of this pass */
    size_t vector_bytes;
    void *vectors;
    uint8_t *masks;           /* (vectors) */
    td_book_terms *terms;     /* (capacity) */
    td_book_tally *tallies;   /* (capacity) */
    double *block_equity;     /* (capacity, blocks) */
    uint8_t *parts;           /* (capacity) fills in parts */
    int slots_used;
    bool feeds;               /* some latency follows the feed */
    int64_t now;
    venue venues[TD_VENUES_MAX];
    double mids[TD_VENUES_MAX];
    td_book_player_stats stats;
};

/* ---- numbers of orders, fields of lanes ---- */

static inline int32_t lane_of(const td_book_player *p, int32_t order) { return order >> (p->slot_shift + 1); }
static inline td_side side_of(const td_book_player *p, int32_t order) { return (td_side)(order >> p->slot_shift & 1); }
static inline int slot_of(const td_book_player *p, int32_t order) { return order & ((1 << p->slot_shift) - 1); }
static inline int32_t order_of(const td_book_player *p, int32_t lane, td_side side, int slot) {
    return ((lane * 2 + (int32_t)side) << p->slot_shift) | slot;
}
static inline double *seat_of(const td_book_player *p, int venue, int32_t lane) {
    char *vector = (char *)p->vectors + (size_t)(lane >> p->lane_shift) * p->vector_bytes;
    return td_seat_field(vector, p->lanes, venue, 0, lane & (p->lanes - 1));
}
#define FIELD(p, seat, field) ((seat)[(size_t)(field) << (p)->lane_shift])

static double seconds_now(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* ---- latencies ---- */

static int64_t entry_delay(const venue *v, group *g, int64_t ns) {
    if (g->plain) return g->entry;
    if (g->entry_ns != ns || g->entry_feed != v->feed_ns) {
        g->entry = td_book_entry_delay(v->player->deck, &g->delay, ns, v->feed_ns);
        g->entry_ns = ns;
        g->entry_feed = v->feed_ns;
    }
    return g->entry;
}

static int64_t response_delay(const venue *v, group *g) {
    if (g->plain) return g->response;
    if (g->response_ns != v->now || g->response_feed != v->feed_ns) {
        g->response = td_book_response_delay(v->player->deck, &g->delay, v->now, v->feed_ns);
        g->response_ns = v->now;
        g->response_feed = v->feed_ns;
    }
    return g->response;
}

/* ---- the exchange: answers and executions ---- */

static inline void answer_at(venue *v, int32_t lane, td_book_mail mail) {
    if (mail.ns < v->last_answer[lane]) mail.ns = v->last_answer[lane];
    v->last_answer[lane] = mail.ns;
    td_bus_push(&v->answers, v->group_of[lane], mail);
    v->player->stats.messages++;
}

static inline void answer_with(venue *v, td_book_mail mail) {
    int32_t lane = lane_of(v->player, mail.order);
    mail.sent_ns = v->now;
    mail.ns = v->now + response_delay(v, &v->groups[v->group_of[lane]]);
    answer_at(v, lane, mail);
}

static inline void execute(venue *v, int32_t order, int32_t number, td_execution_reason reason, int32_t tick, int64_t lots, int64_t left,
                           int64_t ahead) {
    v->held[lane_of(v->player, order)] += side_of(v->player, order) == TD_BUY ? lots : -lots;
    answer_with(v, (td_book_mail){.kind = ANSWER_EXECUTED, .order = order, .number = number, .tick = tick, .lots = (int32_t)lots,
                                  .left = (int32_t)left, .ahead = ahead, .reason = (uint8_t)reason});
}

static inline void expire(venue *v, int32_t order, int32_t number) {
    v->player->tallies[lane_of(v->player, order)].expired += 1;
    answer_with(v, (td_book_mail){.kind = ANSWER_OVER, .order = order, .number = number});
}

static inline void leave(venue *v, int32_t order) {
    v->resting_count[lane_of(v->player, order)]--;
    td_tickets_leave(&v->tickets, order, side_of(v->player, order));
}

static inline void fill_resting(venue *v, int32_t order, td_execution_reason reason, int64_t lots) {
    td_resting *own = &v->tickets.resting[order];
    const td_ticket *ticket = &v->tickets.ticket[own->ticket];
    int32_t tick = td_ladder_key(side_of(v->player, order), ticket->key);
    int64_t ahead = ticket->ahead;
    own->left -= (int32_t)lots;
    if (own->left == 0) leave(v, order);
    execute(v, order, own->number, reason, tick, lots, own->left, ahead);
}

/* ---- the exchange: resting orders ---- */

static inline bool follows_orders(double model) { return td_queue_kind_of(model) == TD_QUEUE_L3_FIFO; }

/* The tickets of a side from the nearest to `last`, and at one price from the oldest: in the order in which they are served. */
static int64_t find_tickets(venue *v, td_side which, int32_t last) {
    const td_ticket_side *side = &v->tickets.side[which];
    if (v->found_room < v->tickets.room) {
        v->found = realloc(v->found, (size_t)v->tickets.room * sizeof *v->found);
        if (!v->found) abort();
        v->found_room = v->tickets.room;
    }
    int64_t count = 0;
    for (int32_t key = side->nearest; key != TD_NO_BID && key >= last; key = td_tickets_next(&v->tickets, which, key)) {
        int32_t oldest = side->chain[(uint32_t)key % TD_CHAINS], t = oldest;
        do {
            if (v->tickets.ticket[t].key == key) v->found[count++] = t;
            t = v->tickets.ticket[t].after;
        } while (t != oldest);
    }
    return count;
}

/* The orders of a ticket, oldest first. */
static int64_t find_members(venue *v, int32_t ticket) {
    int64_t count = 0;
    int32_t first = v->tickets.ticket[ticket].first, each = first;
    do {
        v->members[count++] = each;
        each = v->tickets.resting[each].after;
    } while (each != first);
    return count;
}

/* What a set has of a trade's quantity, and how many orders it had when it came. */
static inline void enter_event(venue *v, int32_t lane, int64_t lots) {
    if (v->budget_event[lane] == v->event) return;
    v->budget_event[lane] = v->event;
    v->budget[lane] = lots;
    v->own[lane] = v->resting_count[lane];
}

/* Fills an order with what it gets of `wanted` lots: all that is left of it where orders fill whole. */
static inline void fill_share(venue *v, int32_t order, td_execution_reason reason, int64_t wanted) {
    int32_t lane = lane_of(v->player, order);
    int64_t lots = v->tickets.resting[order].left;
    if (v->player->parts[lane]) {
        if (wanted < lots) lots = wanted;
        if (v->budget[lane] < lots) lots = v->budget[lane];
        v->budget[lane] -= lots;
    }
    if (lots > 0) fill_resting(v, order, reason, lots);
}

TD_RARE void fill_crossed(venue *v, td_side side, int32_t last) {
    int64_t count = find_tickets(v, side, last);
    for (int64_t i = 0; i < count; i++) {
        int64_t members = find_members(v, v->found[i]);
        for (int64_t k = 0; k < members; k++)
            fill_resting(v, v->members[k], TD_EXECUTION_cross, v->tickets.resting[v->members[k]].left);
    }
}

TD_INLINE void on_improved(void *context, td_side improved) {
    venue *v = context;
    td_side side = td_live_other(improved);
    int32_t last = ~v->book.ladder->side[improved].best; /* the same tick as a key of the other side */
    if (td_unlikely(v->tickets.side[side].nearest >= last && v->tickets.side[side].count)) fill_crossed(v, side, last);
}

TD_RARE void trade_tickets(venue *v, td_side side, int32_t last, int64_t lots) {
    int64_t count = find_tickets(v, side, last);
    v->event++;
    for (int64_t i = 0; i < count; i++) {
        td_ticket *ticket = &v->tickets.ticket[v->found[i]];
        if (follows_orders(ticket->model)) continue;
        bool through = ticket->key != last;
        int64_t wanted = INT64_MAX;
        if (!through) {
            v->player->stats.ticket_updates++;
            td_queue_trade(ticket->model, &ticket->queue, lots);
            wanted = td_queue_take(&ticket->queue);
            if (wanted == 0) continue;
        }
        int64_t members = find_members(v, v->found[i]);
        for (int64_t k = 0; k < members; k++) {
            enter_event(v, lane_of(v->player, v->members[k]), lots);
            fill_share(v, v->members[k], through ? TD_EXECUTION_through : TD_EXECUTION_queue, wanted);
        }
    }
}

TD_INLINE void on_trade(void *context, td_side taker, int32_t tick, int64_t lots) {
    venue *v = context;
    td_side side = td_live_other(taker);
    int32_t last = td_ladder_key(side, tick);
    if (td_unlikely(v->tickets.side[side].nearest >= last && v->tickets.side[side].count)) trade_tickets(v, side, last, lots);
}

TD_RARE void move_queues(venue *v, td_side side, int32_t key, int64_t before, int64_t after) {
    int32_t oldest = v->tickets.side[side].chain[(uint32_t)key % TD_CHAINS], t = oldest;
    do {
        td_ticket *ticket = &v->tickets.ticket[t];
        if (ticket->key == key && !follows_orders(ticket->model)) {
            td_queue_depth(ticket->model, v->unit, &ticket->queue, before, after);
            v->player->stats.ticket_updates++;
        }
        t = ticket->after;
    } while (t != oldest);
}

TD_RARE void forget_taken(venue *v, td_side side, int32_t tick) {
    for (int64_t i = 0; i < v->taken_count; i++)
        if (v->taken[i].side == side && v->taken[i].tick == tick) v->taken[i--] = v->taken[--v->taken_count];
}

TD_INLINE void on_level(void *context, td_side side, int32_t tick, int64_t before, int64_t after) {
    venue *v = context;
    int32_t key = td_ladder_key(side, tick);
    if (td_unlikely(v->taken_count) && before != after) forget_taken(v, side, tick);
    if (td_unlikely(td_tickets_maybe(&v->tickets.side[side], key))) move_queues(v, side, key, before, after);
}

static void on_replaced(void *context, const int32_t worst[2]) {
    venue *v = context;
    v->taken_count = 0;
    for (int side = 0; side < 2; side++) {
        int64_t count = find_tickets(v, (td_side)side, worst[side]);
        for (int64_t i = 0; i < count; i++) {
            td_ticket *ticket = &v->tickets.ticket[v->found[i]];
            double level = (double)td_ladder_lots(v->book.ladder, (td_side)side, td_ladder_key((td_side)side, ticket->key));
            if (level < ticket->queue.front) ticket->queue.front = level;
            ticket->queue.traded = 0;
        }
    }
}

/* An order of the market's was hit: ours that were ahead of it in its queue, and those at better prices, would have been before it. */
static void on_hit(void *context, const td_live_order *hit, int32_t tick, int64_t lots) {
    venue *v = context;
    td_side side = (td_side)hit->side;
    int32_t key = td_ladder_key(side, tick), hit_key = td_ladder_key(side, hit->tick), best = v->book.ladder->side[side].best;
    /* hftbacktest looks at prices between the best one and the trade's, or, where it has fewer orders than there are such prices, at all */
    int64_t prices = (int64_t)best - key;
    int64_t count = find_tickets(v, side, key < hit_key ? key : hit_key);
    v->event++;
    for (int64_t i = 0; i < count; i++) {
        const td_ticket ticket = v->tickets.ticket[v->found[i]];
        bool passed = ticket.key > key, ahead = ticket.key == hit_key && ticket.place < hit->place;
        if (!follows_orders(ticket.model) || !(passed || ahead)) continue;
        int64_t members = find_members(v, v->found[i]);
        for (int64_t k = 0; k < members; k++) {
            int32_t lane = lane_of(v->player, v->members[k]);
            enter_event(v, lane, lots);
            bool through = passed;
            if (through && v->book.parity) through = prices > 0 && (v->own[lane] < prices - 1 || ticket.key <= best);
            if (!through && !ahead) continue;
            fill_share(v, v->members[k], through ? TD_EXECUTION_through : TD_EXECUTION_queue, INT64_MAX);
        }
    }
}

static void on_cleared(void *context, td_side side) {
    venue *v = context;
    int64_t count = find_tickets(v, side, v->tickets.side[side].farthest);
    for (int64_t i = 0; i < count; i++) {
        if (!follows_orders(v->tickets.ticket[v->found[i]].model)) continue;
        int64_t members = find_members(v, v->found[i]);
        for (int64_t k = 0; k < members; k++) {
            int32_t number = v->tickets.resting[v->members[k]].number;
            leave(v, v->members[k]);
            expire(v, v->members[k], number);
        }
    }
}

static const td_live_hooks exchange_hooks = {.level = on_level, .replaced = on_replaced, .improved = on_improved, .trade = on_trade,
                                             .hit = on_hit, .cleared = on_cleared};

/* ---- the exchange: requests ---- */

static bool reaches(td_side side, int32_t tick, int32_t opposite) { return side == TD_BUY ? tick >= opposite : tick <= opposite; }

static taken *find_taken(venue *v, int32_t lane, td_side side, int32_t tick) {
    for (int64_t i = 0; i < v->taken_count; i++)
        if (v->taken[i].lane == lane && v->taken[i].side == side && v->taken[i].tick == tick) return &v->taken[i];
    return NULL;
}

static int64_t available(venue *v, int32_t lane, td_side side, int32_t tick) {
    const taken *gone = find_taken(v, lane, side, tick);
    int64_t lots = td_ladder_lots(v->book.ladder, side, tick) - (gone ? gone->lots : 0);
    return lots > 0 ? lots : 0;
}

static void note_taken(venue *v, int32_t lane, td_side side, int32_t tick, int64_t lots) {
    if (!v->player->deck->def.book.consume || v->book.parity) return;
    taken *gone = find_taken(v, lane, side, tick);
    if (!gone) {
        if (v->taken_count == v->taken_room) {
            v->taken_room = v->taken_room ? v->taken_room * 2 : 64;
            v->taken = realloc(v->taken, (size_t)v->taken_room * sizeof *v->taken);
            if (!v->taken) abort();
        }
        gone = &v->taken[v->taken_count++];
        *gone = (taken){.lane = lane, .side = side, .tick = tick};
    }
    gone->lots += lots;
}

/* Takes level after level; returns what is left. */
static int64_t walk(venue *v, const td_book_mail *r, td_side side) {
    td_side other = td_live_other(side);
    int32_t none = other == TD_BUY ? TD_NO_BID : TD_NO_ASK, lane = lane_of(v->player, r->order), best = td_ladder_best(v->book.ladder, other);
    int64_t left = r->lots, there = 0;
    if (r->tif == TD_FOK) {
        for (int32_t tick = best; there < left && tick != none && reaches(side, r->tick, tick); tick = td_ladder_next(v->book.ladder, other, tick))
            there += available(v, lane, other, tick);
        if (there < left) return left;
    }
    for (int32_t tick = best; left > 0 && tick != none && (r->tif == TD_MARKET || reaches(side, r->tick, tick));
         tick = td_ladder_next(v->book.ladder, other, tick)) {
        int64_t level = available(v, lane, other, tick), lots = level < left ? level : left;
        if (lots == 0) continue;
        left -= lots;
        note_taken(v, lane, other, tick, lots);
        execute(v, r->order, r->number, TD_EXECUTION_taker, tick, lots, left, 0);
    }
    return left;
}

static void rest(venue *v, const td_book_mail *r, td_side side, int64_t left) {
    int32_t lane = lane_of(v->player, r->order);
    int64_t level = td_ladder_lots(v->book.ladder, side, r->tick);
    td_tickets_join(&v->tickets, r->order, side, r->tick, v->player->terms[lane].queue_model, level, v->next_message, v->book.places);
    td_resting *own = &v->tickets.resting[r->order];
    own->left = (int32_t)left;
    own->number = r->number;
    own->tif = r->tif;
    v->resting_count[lane]++;
    answer_with(v, (td_book_mail){.kind = ANSWER_WORKS, .order = r->order, .number = r->number, .tick = r->tick, .left = (int32_t)left});
}

static void arrive_new(venue *v, const td_book_mail *r) {
    td_side side = side_of(v->player, r->order);
    int32_t best = td_ladder_best(v->book.ladder, td_live_other(side)), none = side == TD_BUY ? TD_NO_ASK : TD_NO_BID;
    bool takes = best != none && (r->tif == TD_MARKET || reaches(side, r->tick, best));
    bool may_rest = r->tif == TD_GTC || r->tif == TD_POST_ONLY;
    if (v->book.gap || (takes && r->tif == TD_POST_ONLY))
        expire(v, r->order, r->number);
    else if (takes && !v->player->parts[lane_of(v->player, r->order)])
        execute(v, r->order, r->number, TD_EXECUTION_taker, best, r->lots, 0, 0);
    else {
        int64_t left = takes ? walk(v, r, side) : r->lots;
        if (left > 0 && may_rest) rest(v, r, side, left);
        if (left > 0 && !may_rest) expire(v, r->order, r->number);
    }
}

static void arrive_change(venue *v, const td_book_mail *r) {
    td_resting *own = &v->tickets.resting[r->order];
    if (own->ticket < 0 || own->number != r->number) {
        v->player->tallies[lane_of(v->player, r->order)].rejected += 1;
        answer_with(v, (td_book_mail){.kind = ANSWER_REJECTED, .order = r->order, .number = r->number});
    } else if (r->kind == TD_REQUEST_CANCEL) {
        leave(v, r->order);
        answer_with(v, (td_book_mail){.kind = ANSWER_OVER, .order = r->order, .number = r->number});
    } else if (td_ladder_key(side_of(v->player, r->order), r->tick) == v->tickets.ticket[own->ticket].key && r->lots <= own->left) {
        own->left = r->lots;
        answer_with(v, (td_book_mail){.kind = ANSWER_WORKS, .order = r->order, .number = r->number, .tick = r->tick, .left = r->lots});
    } else {
        td_book_mail again = *r;
        again.tif = own->tif;
        leave(v, r->order);
        arrive_new(v, &again);
    }
}

/* ---- the local side: what is heard ---- */

static inline void hear(venue *v, const td_book_mail *a) {
    td_book_player *p = v->player;
    int32_t lane = lane_of(p, a->order);
    td_side side = side_of(p, a->order);
    double *seat = seat_of(p, v->index, lane);
    if (a->kind == ANSWER_EXECUTED) {
        td_venue_tally *tally = &v->tallies[lane];
        td_book_execute(p->deck, &p->terms[lane].venues[v->index], tally, side, (td_execution_reason)a->reason, a->tick, a->lots, a->ahead,
                        a->sent_ns, a->ns);
        FIELD(p, seat, TD_SEAT_position) = td_book_units(&p->terms[lane].venues[v->index], td_venue_position(tally));
        p->stats.executions++;
        if (p->deck->hooks->on_fill) {
            void *vector = (char *)p->vectors + (size_t)(lane >> p->lane_shift) * p->vector_bytes;
            *td_book_field(vector, p->lanes, TD_BOOK_FIELD_filled + (int)side, lane & (p->lanes - 1)) += a->lots;
            p->masks[lane >> p->lane_shift] |= (uint8_t)(1u << (lane & (p->lanes - 1)));
        }
    }
    if (v->number[a->order] != a->number) return;
    int at = (int)side * TD_SLOTS_MAX + slot_of(p, a->order);
    double *phase = &FIELD(p, seat, TD_SEAT_phase + at);
    if (*phase == TD_SLOT_FREE) return;
    bool over = a->kind == ANSWER_OVER || (a->kind == ANSWER_EXECUTED && a->left == 0) || (a->kind == ANSWER_REJECTED && *phase == TD_SLOT_SENT);
    if (a->kind == ANSWER_REJECTED) FIELD(p, seat, TD_SEAT_tick + at) = v->tick_before[a->order];
    if (a->kind == ANSWER_WORKS) FIELD(p, seat, TD_SEAT_tick + at) = a->tick;
    if (a->kind == ANSWER_WORKS || a->kind == ANSWER_EXECUTED) FIELD(p, seat, TD_SEAT_lots + at) = a->left;
    if (a->kind == ANSWER_EXECUTED && !over) return;
    v->in_flight[lane] -= *phase == TD_SLOT_SENT || *phase == TD_SLOT_ASKED;
    *phase = over ? TD_SLOT_FREE : TD_SLOT_WORKING;
}

/* ---- the local side: what is wanted ---- */

static inline void send_request(venue *v, int32_t lane, td_book_mail mail) {
    td_book_player *p = v->player;
    int64_t delay = entry_delay(v, &v->groups[v->group_of[lane]], p->now);
    if (td_unlikely(delay < 0)) {
        p->tallies[lane].rejected += 1;
        answer_at(v, lane, (td_book_mail){.ns = p->now - delay, .kind = ANSWER_REJECTED, .order = mail.order, .number = mail.number});
        return;
    }
    mail.ns = p->now + delay;
    if (mail.ns < v->last_request[lane]) mail.ns = v->last_request[lane];
    v->last_request[lane] = mail.ns;
    td_bus_push(&v->requests, v->group_of[lane], mail);
    p->stats.messages++;
}

static inline int free_slot(const td_book_player *p, const double *seat, td_side side) {
    for (int s = 0; s < (int)p->deck->def.book.order_limit; s++)
        if (FIELD(p, seat, TD_SEAT_phase + (int)side * TD_SLOTS_MAX + s) == TD_SLOT_FREE) return s;
    return -1;
}

static inline void carry_out(td_book_player *p, int32_t lane, const td_book_request *wish, int in_vector) {
    venue *v = &p->venues[wish->venue];
    double *seat = seat_of(p, wish->venue, lane);
    int side_at = (int)wish->side * TD_SLOTS_MAX, slot = wish->slot;
    if (wish->kind != TD_REQUEST_ORDER && FIELD(p, seat, TD_SEAT_phase + side_at + slot) != TD_SLOT_WORKING) return;
    int64_t limit = p->deck->def.book.in_flight_limit, lots = 0;
    int32_t tick = 0;
    bool good = limit == 0 || v->in_flight[lane] < limit;
    if (wish->kind != TD_REQUEST_CANCEL) {
        bool priced = wish->kind == TD_REQUEST_MODIFY || wish->tif != TD_MARKET;
        good = good && td_book_request_lots(&p->terms[lane].venues[wish->venue], wish->quantity[in_vector], &lots) &&
               (!priced || td_book_request_tick(wish->tick[in_vector], &tick));
    }
    if (wish->kind == TD_REQUEST_ORDER) {
        slot = free_slot(p, seat, wish->side);
        good = good && slot >= 0;
    }
    if (!good) {
        p->tallies[lane].refused += 1;
        return;
    }
    int32_t order = order_of(p, lane, wish->side, slot);
    int at = side_at + slot;
    if (wish->kind == TD_REQUEST_ORDER) {
        p->tallies[lane].orders += 1;
        v->number[order]++;
        v->tick_before[order] = tick;
        FIELD(p, seat, TD_SEAT_phase + at) = TD_SLOT_SENT;
        FIELD(p, seat, TD_SEAT_tick + at) = tick;
        FIELD(p, seat, TD_SEAT_lots + at) = (double)lots;
        if (slot >= p->slots_used) p->slots_used = slot + 1;
    } else {
        *(wish->kind == TD_REQUEST_CANCEL ? &p->tallies[lane].cancels : &p->tallies[lane].modifies) += 1;
        v->tick_before[order] = (int32_t)FIELD(p, seat, TD_SEAT_tick + at);
        FIELD(p, seat, TD_SEAT_phase + at) = TD_SLOT_ASKED;
        if (wish->kind == TD_REQUEST_MODIFY) FIELD(p, seat, TD_SEAT_tick + at) = tick;
    }
    v->in_flight[lane]++;
    send_request(v, lane, (td_book_mail){.kind = (uint8_t)wish->kind, .tif = (uint8_t)wish->tif, .order = order, .number = v->number[order],
                                         .tick = tick, .lots = (int32_t)lots});
}

static void sink(void *context, int64_t vector, const td_book_request *requests, int count) {
    td_book_player *p = context;
    for (int i = 0; i < count; i++)
        for (uint32_t left = requests[i].where; left; left &= left - 1) {
            int in_vector = __builtin_ctz(left);
            int64_t lane = vector * p->lanes + in_vector;
            if (lane < p->count) carry_out(p, (int32_t)lane, &requests[i], in_vector);
        }
}

static double price_or_nan(int32_t tick, int32_t none) { return tick == none ? NAN : (double)tick; }

static td_book_top top_of(const venue *v, int depth) {
    const td_ladder *ladder = v->seen.ladder;
    const td_instrument *instrument = &v->tape->instrument;
    td_book_top top = {.bid = price_or_nan(td_ladder_bid(ladder), TD_NO_BID), .ask = price_or_nan(td_ladder_ask(ladder), TD_NO_ASK),
                       .trade_price = v->trade_tick, .trade_quantity = (double)v->trade_lots * instrument->lot,
                       .bought = (double)v->taken_by[TD_BUY] * instrument->lot, .sold = (double)v->taken_by[TD_SELL] * instrument->lot,
                       .tick = instrument->tick, .lot = instrument->lot};
    for (int side = 0; side < 2; side++) {
        int32_t tick = td_ladder_best(ladder, (td_side)side), none = side == TD_BUY ? TD_NO_BID : TD_NO_ASK;
        for (int level = 0; level < TD_DEPTH_MAX; level++) {
            bool there = level < depth && tick != none;
            top.depth_price[side][level] = there ? (double)tick : NAN;
            top.depth_quantity[side][level] = there ? (double)td_ladder_lots(ladder, (td_side)side, tick) * instrument->lot : 0;
            if (there && level + 1 < depth) tick = td_ladder_next(ladder, (td_side)side, tick);
        }
    }
    top.bid_quantity = top.depth_quantity[TD_BUY][0];
    top.ask_quantity = top.depth_quantity[TD_SELL][0];
    return top;
}

/* Strategies are asked: all, or those that `masks` names. */
static void decide(td_book_player *p, td_book_cause cause, int index, const uint8_t *masks) {
    const td_book_deck *deck = p->deck;
    td_book_top tops[TD_VENUES_MAX];
    for (int i = 0; i < deck->venues; i++) tops[i] = top_of(&p->venues[i], deck->hooks->depth);
    td_book_moment moment = {.cause = cause, .venue = index, .venues = deck->venues, .order_limit = (int)deck->def.book.order_limit,
                             .slots = p->slots_used, .local_ns = p->now, .seconds = (double)(p->now - deck->first_ns) / 1e9, .tops = tops};
    int64_t vectors = (p->count + p->lanes - 1) / p->lanes;
    p->decide(&moment, p->vectors, p->vector_bytes, vectors, masks, sink, p);
    p->stats.decisions += masks ? 0 : p->count;
    for (int i = 0; i < deck->venues && cause != TD_CAUSE_FILL; i++) p->venues[i].taken_by[TD_BUY] = p->venues[i].taken_by[TD_SELL] = 0;
}

static bool may_decide(const td_book_player *p) { return p->now >= p->deck->first_ns && p->now < p->deck->last_ns; }

/* ---- events ---- */

static int64_t next_exchange(venue *v) {
    while (v->next_message < v->tape->messages && !td_book_plays(v->player->deck, v->index, v->next_message, TD_BOOK_AT_EXCHANGE)) v->next_message++;
    return v->next_message < v->tape->messages ? v->tape->exchange_ns[v->next_message] : INT64_MAX;
}

static int64_t local_from(const venue *v, int64_t *next) {
    while (*next < v->tape->messages && !td_book_plays(v->player->deck, v->index, td_book_local_message(v->tape, *next), TD_BOOK_AT_LOCAL)) (*next)++;
    return *next < v->tape->messages ? v->tape->local_ns[td_book_local_message(v->tape, *next)] : INT64_MAX;
}

/* How late the last message was that was received by now. */
static void hear_feed(venue *v) {
    while (local_from(v, &v->heard_local) <= v->now) {
        int64_t m = td_book_local_message(v->tape, v->heard_local++);
        v->feed_ns = v->tape->local_ns[m] - v->tape->exchange_ns[m];
    }
}

TD_INLINE void on_local_trade(void *context, td_side taker, int32_t tick, int64_t lots) {
    venue *v = context;
    v->trade_tick = (double)tick;
    v->trade_lots = lots;
    v->taken_by[taker] += lots;
}
static const td_live_hooks local_hooks = {.trade = on_local_trade};

static inline double mid_of(const td_ladder *ladder, double before) {
    int32_t bid = td_ladder_bid(ladder), ask = td_ladder_ask(ladder);
    return bid == TD_NO_BID || ask == TD_NO_ASK ? before : ((double)bid + (double)ask) / 2;
}

static inline void exchange_message(venue *v) {
    v->now = v->tape->exchange_ns[v->next_message];
    if (v->player->feeds) hear_feed(v);
    td_live_apply(&v->book, v->next_message++, exchange_hooks, v);
    v->mid = mid_of(v->book.ladder, v->mid);
}

static inline void exchange_request(venue *v) {
    td_book_mail mail = td_bus_pop(&v->requests);
    v->now = mail.ns;
    if (v->player->feeds) hear_feed(v);
    (mail.kind == TD_REQUEST_ORDER ? arrive_new : arrive_change)(v, &mail);
}

static inline void local_message(venue *v) {
    int64_t m = td_book_local_message(v->tape, v->next_local++);
    td_live_apply(&v->seen, m, local_hooks, v);
    v->player->mids[v->index] = mid_of(v->seen.ladder, v->player->mids[v->index]);
}

/* All of a venue's exchange until a time: at equal times messages come before requests. */
static void exchange_until(venue *v, int64_t until) {
    for (int64_t next = next_exchange(v); next <= until && next != INT64_MAX; next = next_exchange(v)) {
        while (v->requests.next_ns < next) exchange_request(v);
        exchange_message(v);
    }
    while (v->requests.next_ns <= until && v->requests.next_ns != INT64_MAX) exchange_request(v);
}

static void let_go(venue *v) {
    int64_t behind = v->next_message;
    if (v->next_local < v->tape->messages && td_book_local_message(v->tape, v->next_local) < behind)
        behind = td_book_local_message(v->tape, v->next_local);
    if (behind - v->let_go < LET_GO_MESSAGES) return;
    td_book_let_go(v->tape, behind);
    v->let_go = behind;
}

/* Where strategies look at set times only: what happens in between, venue by venue, first at the exchange, then as it is heard. */
static void happen_until(td_book_player *p, int64_t until) {
    double start = seconds_now(), middle;
    for (int i = 0; i < p->deck->venues; i++) exchange_until(&p->venues[i], until);
    middle = seconds_now();
    for (int i = 0; i < p->deck->venues; i++) {
        venue *v = &p->venues[i];
        for (int64_t next = local_from(v, &v->next_local); next <= until && next != INT64_MAX; next = local_from(v, &v->next_local)) local_message(v);
    }
    double end = seconds_now();
    p->stats.exchange_seconds += middle - start;
    p->stats.local_seconds += end - middle;
    for (int i = 0; i < p->deck->venues; i++) {
        venue *v = &p->venues[i];
        while (v->answers.next_ns <= until && v->answers.next_ns != INT64_MAX) {
            td_book_mail mail = td_bus_pop(&v->answers);
            hear(v, &mail);
        }
        let_go(v);
    }
    p->stats.answer_seconds += seconds_now() - end;
}

/* One time's answers on a venue, and the strategies that heard of executions. */
static void hear_answers(td_book_player *p, venue *v) {
    int64_t vectors = (p->count + p->lanes - 1) / p->lanes, executions = p->stats.executions;
    memset(p->masks, 0, (size_t)vectors);
    while (v->answers.next_ns <= p->now) {
        td_book_mail mail = td_bus_pop(&v->answers);
        hear(v, &mail);
    }
    if (!p->deck->hooks->on_fill || p->stats.executions == executions) return;
    if (may_decide(p)) decide(p, TD_CAUSE_FILL, v->index, p->masks);
    for (int64_t i = 0; i < vectors; i++)
        for (int lane = 0; lane < 2 * p->lanes; lane++)
            ((double *)(void *)((char *)p->vectors + (size_t)i * p->vector_bytes))[TD_BOOK_FIELD_filled * p->lanes + lane] = 0;
}

/* Where strategies are asked when something happens: one event after the other, as time goes. */
static void happen_one_by_one(td_book_player *p, int64_t until) {
    for (;;) {
        int64_t first = INT64_MAX;
        venue *which = NULL;
        int kind = 0;
        for (int i = 0; i < p->deck->venues; i++) {
            venue *v = &p->venues[i];
            const int64_t times[4] = {local_from(v, &v->next_local), v->answers.next_ns, next_exchange(v), v->requests.next_ns};
            for (int k = 0; k < 4; k++)
                if (times[k] < first) {
                    first = times[k];
                    which = v;
                    kind = k;
                }
        }
        if (first > until || !which) break;
        p->now = first;
        if (kind == 0) {
            local_message(which);
            if (p->feeds) {
                which->now = first;
                int64_t m = td_book_local_message(which->tape, which->next_local - 1);
                which->feed_ns = which->tape->local_ns[m] - which->tape->exchange_ns[m];
                which->heard_local = which->next_local;
            }
            if (p->deck->hooks->on_book && may_decide(p)) decide(p, TD_CAUSE_BOOK, which->index, NULL);
        } else if (kind == 1)
            hear_answers(p, which);
        else if (kind == 2)
            exchange_message(which);
        else
            while (which->requests.next_ns <= first) exchange_request(which); /* one event: answers to them are heard together */
    }
    for (int i = 0; i < p->deck->venues; i++) let_go(&p->venues[i]);
}

/* ---- what happens at set times ---- */

static int64_t funding_ns(const td_book_player *p) {
    int64_t first = INT64_MAX;
    for (int i = 0; i < p->deck->venues; i++) {
        const venue *v = &p->venues[i];
        if (v->next_funding < v->tape->funding_count && v->tape->funding[v->next_funding].time_ns < first)
            first = v->tape->funding[v->next_funding].time_ns;
    }
    return first <= p->deck->last_ns ? first : INT64_MAX;
}

static void pay_funding(td_book_player *p, int64_t ns) {
    for (int i = 0; i < p->deck->venues; i++) {
        venue *v = &p->venues[i];
        for (; v->next_funding < v->tape->funding_count && v->tape->funding[v->next_funding].time_ns == ns; v->next_funding++) {
            const td_funding *funding = &v->tape->funding[v->next_funding];
            double mark = isnan(funding->mark) ? v->mid : funding->mark / v->tape->instrument.tick;
            for (int64_t lane = 0; lane < p->count; lane++)
                td_book_fund(&p->terms[lane].venues[i], &v->tallies[lane], (double)v->held[lane], funding->rate, mark);
        }
    }
}

/* A lane's tallies of all venues, which lie apart. */
static void gather_tallies(const td_book_player *p, int64_t lane, td_venue_tally tallies[TD_VENUES_MAX]) {
    for (int i = 0; i < p->deck->venues; i++) tallies[i] = p->venues[i].tallies[lane];
}

static void look_at(td_book_player *p, const td_book_look *look) {
    td_venue_tally tallies[TD_VENUES_MAX];
    for (int64_t lane = 0; lane < p->count; lane++) {
        gather_tallies(p, lane, tallies);
        td_book_look_at(p->deck, &p->terms[lane], &p->tallies[lane], tallies, p->mids, look, p->block_equity + lane * p->deck->blocks);
    }
}

static void replay(td_book_player *p) {
    const td_book_deck *deck = p->deck;
    bool one_by_one = deck->hooks->on_book || deck->hooks->on_fill;
    td_book_look look = td_book_first_look(deck);
    for (int64_t step = 1;;) {
        int64_t strike = deck->first_ns + step * deck->def.book.clock_ns, funding = funding_ns(p);
        if (strike >= deck->last_ns) strike = INT64_MAX;
        int64_t set = funding < look.ns ? funding : look.ns;
        if (strike < set) set = strike;
        (one_by_one ? happen_one_by_one : happen_until)(p, set);
        if (set == INT64_MAX) return;
        p->now = set;
        double start = seconds_now();
        if (funding == set)
            pay_funding(p, set);
        else if (look.ns == set) {
            look_at(p, &look);
            look = td_book_next_look(deck, look);
        } else {
            step++;
            if (p->feeds)
                for (int i = 0; i < deck->venues; i++) {
                    p->venues[i].now = set;
                    hear_feed(&p->venues[i]);
                }
            if (deck->hooks->on_timer) decide(p, TD_CAUSE_TIMER, 0, NULL);
        }
        p->stats.decision_seconds += seconds_now() - start;
    }
}

/* ---- player ---- */

static int power_of(int64_t n) {
    int shift = 0;
    while ((int64_t)1 << shift < n) shift++;
    return shift;
}

static int64_t orders_of(const td_book_player *p) { return p->capacity << (p->slot_shift + 1); }

static bool open_venue(td_book_player *p, int index, td_error *error) {
    venue *v = &p->venues[index];
    size_t lanes = (size_t)p->capacity, orders = (size_t)orders_of(p);
    *v = (venue){.player = p, .tape = p->deck->def.book.venues[index].book, .index = index};
    v->unit = v->tape->instrument.lot;
    bool good = td_ladder_open(&v->book.ladder, error) == TD_OK && td_ladder_open(&v->seen.ladder, error) == TD_OK;
    good = td_tickets_open(&v->tickets, (int64_t)orders) && good;
    good = (v->held = malloc(lanes * sizeof *v->held)) && good;
    good = (v->resting_count = malloc(lanes * sizeof *v->resting_count)) && good;
    good = (v->groups = malloc(lanes * sizeof *v->groups)) && good;
    good = (v->group_of = malloc(lanes * sizeof *v->group_of)) && good;
    good = (v->last_request = malloc(lanes * sizeof *v->last_request)) && good;
    good = (v->last_answer = malloc(lanes * sizeof *v->last_answer)) && good;
    good = (v->in_flight = malloc(lanes * sizeof *v->in_flight)) && good;
    good = (v->number = malloc(orders * sizeof *v->number)) && good;
    good = (v->tick_before = malloc(orders * sizeof *v->tick_before)) && good;
    good = (v->tallies = malloc(lanes * sizeof *v->tallies)) && good;
    good = (v->members = malloc(orders * sizeof *v->members)) && good;
    good = (v->budget_event = malloc(lanes * sizeof *v->budget_event)) && good;
    good = (v->budget = malloc(lanes * sizeof *v->budget)) && good;
    good = (v->own = malloc(lanes * sizeof *v->own)) && good;
    good = td_bus_open(&v->requests, p->capacity) && good;
    return td_bus_open(&v->answers, p->capacity) && good;
}

static void close_venue(venue *v) {
    td_ladder_close(v->book.ladder);
    td_ladder_close(v->seen.ladder);
    free(v->book.orders);
    free(v->seen.orders);
    td_tickets_close(&v->tickets);
    td_bus_close(&v->requests);
    td_bus_close(&v->answers);
    void *const all[] = {v->held,   v->resting_count, v->groups,       v->group_of, v->last_request, v->last_answer, v->in_flight, v->number,
                         v->tick_before, v->tallies,  v->members,      v->found,    v->budget_event, v->budget,      v->own,       v->taken};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) free(all[i]);
}

td_status td_book_player_open(const td_book_deck *deck, td_isa isa, int64_t lanes, td_book_player **opened, td_error *error) {
    *opened = NULL;
    td_book_player *p = calloc(1, sizeof *p);
    if (!p) return td_fail(error, TD_NO_MEMORY, "memory ran out");
    const td_kernel *kernel = deck->def.strategy->kernels[isa];
    *p = (td_book_player){.deck = deck, .decide = kernel->book_decide, .lanes = kernel->lanes, .lane_shift = power_of(kernel->lanes),
                          .slot_shift = power_of(deck->def.book.order_limit), .capacity = lanes};
    p->vector_bytes = td_book_vector_bytes(p->lanes, deck->venues);
    size_t vectors = (size_t)((lanes + p->lanes - 1) / p->lanes);
    p->vectors = aligned_alloc(64, (vectors * p->vector_bytes + 63) / 64 * 64);
    p->masks = malloc(vectors);
    p->terms = malloc((size_t)lanes * sizeof *p->terms);
    p->tallies = malloc((size_t)lanes * sizeof *p->tallies);
    p->block_equity = malloc((size_t)(lanes * deck->blocks) * sizeof *p->block_equity);
    p->parts = malloc((size_t)lanes);
    bool good = p->vectors && p->masks && p->terms && p->tallies && p->block_equity && p->parts;
    for (int i = 0; i < deck->venues; i++) good = open_venue(p, i, error) && good;
    if (!good) {
        td_book_player_close(p);
        return td_fail(error, TD_NO_MEMORY, "memory ran out");
    }
    *opened = p;
    return TD_OK;
}

void td_book_player_close(td_book_player *p) {
    if (!p) return;
    for (int i = 0; i < p->deck->venues; i++) close_venue(&p->venues[i]);
    free(p->vectors);
    free(p->masks);
    free(p->terms);
    free(p->tallies);
    free(p->block_equity);
    free(p->parts);
    free(p);
}

size_t td_book_player_bytes(const td_book_deck *deck, td_isa isa, int64_t lanes) {
    (void)isa;
    int64_t orders = lanes << (power_of(deck->def.book.order_limit) + 1);
    size_t a_venue = 4 * (TD_LADDER_TICKS * sizeof(uint32_t) + TD_LADDER_TICKS / 8) + sizeof(td_tickets) +
                     (size_t)lanes * (sizeof(td_venue_tally) + sizeof(group) + 80) +
                     (size_t)orders * (sizeof(td_resting) + sizeof(td_ticket) / 4 + sizeof(td_book_mail) / 2 + 16);
    return (size_t)deck->venues * a_venue + (size_t)(lanes + 8) * (td_book_vector_bytes(1, deck->venues) + sizeof(td_book_terms) +
                                                                    sizeof(td_book_tally) + (size_t)deck->blocks * sizeof(double));
}

static int32_t group_for(venue *v, const td_book_delay *delay) {
    for (int64_t g = v->group_count - 1; g >= 0; g--) {
        const td_book_delay *other = &v->groups[g].delay;
        if (other->kind == delay->kind && other->scale == delay->scale && other->entry_ns == delay->entry_ns &&
            other->response_ns == delay->response_ns && other->jitter_ns == delay->jitter_ns)
            return (int32_t)g;
    }
    bool plain = delay->kind == TD_LATENCY_CONSTANT && delay->jitter_ns == 0;
    v->groups[v->group_count] = (group){.delay = *delay, .plain = plain, .entry_ns = INT64_MIN, .response_ns = INT64_MIN};
    if (plain) {
        v->groups[v->group_count].entry = td_book_entry_delay(v->player->deck, delay, 0, 0);
        v->groups[v->group_count].response = td_book_response_delay(v->player->deck, delay, 0, 0);
    }
    return (int32_t)v->group_count++;
}

static void reset_book(td_live *book, const td_book *tape, bool parity) {
    td_ladder_reset(book->ladder);
    if (book->orders) memset(book->orders, 0, (size_t)book->order_room * sizeof *book->orders);
    *book = (td_live){.ladder = book->ladder, .tape = tape, .parity = parity, .orders = book->orders, .order_room = book->order_room};
}

static void reset_venue(td_book_player *p, venue *v) {
    bool parity = p->deck->def.book.mode == TD_MODE_PARITY;
    int64_t orders = orders_of(p);
    reset_book(&v->book, v->tape, parity);
    reset_book(&v->seen, v->tape, parity);
    td_tickets_reset(&v->tickets, orders);
    v->next_message = v->next_local = v->heard_local = v->let_go = v->next_funding = v->taken_count = v->event = v->group_count = 0;
    v->mid = v->trade_tick = NAN;
    v->feed_ns = v->trade_lots = v->taken_by[TD_BUY] = v->taken_by[TD_SELL] = 0;
    memset(v->number, 0, (size_t)orders * sizeof *v->number);
    for (int64_t lane = 0; lane < p->count; lane++) {
        v->held[lane] = v->budget_event[lane] = 0;
        v->resting_count[lane] = v->in_flight[lane] = 0;
        v->last_request[lane] = v->last_answer[lane] = INT64_MIN;
        const td_book_delay *delay = &p->terms[lane].venues[v->index].delay;
        v->group_of[lane] = group_for(v, delay);
        p->feeds |= delay->kind == TD_LATENCY_FEED;
    }
}

static void start(td_book_player *p, const td_set *sets, int64_t count) {
    int64_t vectors = (count + p->lanes - 1) / p->lanes;
    p->count = count;
    p->slots_used = 0;
    p->feeds = false;
    memset(p->vectors, 0, (size_t)vectors * p->vector_bytes);
    for (int64_t lane = 0; lane < vectors * p->lanes; lane++) {
        const td_set *set = &sets[lane < count ? lane : count - 1];
        void *vector = (char *)p->vectors + (size_t)(lane >> p->lane_shift) * p->vector_bytes;
        for (int i = 0; i < TD_PARAMS_MAX; i++)
            *td_book_field(vector, p->lanes, TD_BOOK_FIELD_param + i, (int)(lane & (p->lanes - 1))) = set->param[i];
    }
    td_venue_tally tallies[TD_VENUES_MAX];
    for (int64_t lane = 0; lane < count; lane++) {
        td_book_make_terms(p->deck, &sets[lane], &p->terms[lane]);
        td_book_start(p->deck, &p->tallies[lane], tallies);
        for (int i = 0; i < p->deck->venues; i++) p->venues[i].tallies[lane] = tallies[i];
        p->parts[lane] = p->terms[lane].exchange == TD_EXCHANGE_PARTIAL_FILL;
    }
    for (int i = 0; i < p->deck->venues; i++) {
        reset_venue(p, &p->venues[i]);
        p->mids[i] = NAN;
    }
}

static void play_pass(td_book_player *p, const td_set *sets, int64_t count, td_cell *cells, float *block_returns) {
    start(p, sets, count);
    replay(p);
    td_venue_tally tallies[TD_VENUES_MAX];
    for (int64_t lane = 0; lane < count; lane++) {
        gather_tallies(p, lane, tallies);
        td_book_finish(p->deck, &p->terms[lane], &p->tallies[lane], tallies, p->mids, p->block_equity + lane * p->deck->blocks, &cells[lane],
                       block_returns ? block_returns + lane * p->deck->blocks : NULL);
    }
    for (int i = 0; i < p->deck->venues; i++) {
        const venue *v = &p->venues[i];
        p->stats.rows += v->next_message ? v->tape->row_end[v->next_message - 1] : 0;
        p->stats.tickets += v->tickets.made;
    }
}

td_status td_book_play(td_book_player *p, const td_set *sets, int64_t count, td_cell *cells, float *block_returns, td_error *error) {
    (void)error;
    for (int64_t done = 0; done < count; done += p->capacity) {
        int64_t part = count - done < p->capacity ? count - done : p->capacity;
        play_pass(p, sets + done, part, cells + done, block_returns ? block_returns + done * p->deck->blocks : NULL);
    }
    return TD_OK;
}

td_book_player_stats td_book_player_counts(const td_book_player *p) { return p->stats; }
