/* See book_tickets.h. */
#include "sim/book_tickets.h"

#include <stdlib.h>
#include <string.h>

bool td_tickets_open(td_tickets *tickets, int64_t orders) {
    *tickets = (td_tickets){.resting = malloc((size_t)orders * sizeof *tickets->resting)};
    if (!tickets->resting) return false;
    td_tickets_reset(tickets, orders);
    return true;
}

void td_tickets_close(td_tickets *tickets) {
    free(tickets->ticket);
    free(tickets->resting);
}

void td_tickets_reset(td_tickets *tickets, int64_t orders) {
    for (int s = 0; s < 2; s++) {
        td_ticket_side *side = &tickets->side[s];
        side->nearest = TD_NO_BID;
        side->farthest = INT32_MAX;
        side->count = 0;
        memset(side->chain, -1, sizeof side->chain);
        memset(side->bits, 0, sizeof side->bits);
    }
    for (int64_t o = 0; o < orders; o++) tickets->resting[o] = (td_resting){.ticket = -1};
    for (int32_t t = 0; t < tickets->room; t++) tickets->ticket[t] = (td_ticket){.first = -1, .after = t + 1 < tickets->room ? t + 1 : -1};
    tickets->free = tickets->room ? 0 : -1;
    tickets->made = 0;
}

static int32_t new_ticket(td_tickets *tickets) {
    if (tickets->free < 0) {
        int32_t room = tickets->room ? tickets->room * 2 : 64;
        td_ticket *more = realloc(tickets->ticket, (size_t)room * sizeof *more);
        if (!more) abort(); /* as a ladder does */
        for (int32_t t = tickets->room; t < room; t++) more[t] = (td_ticket){.first = -1, .after = t + 1 < room ? t + 1 : -1};
        tickets->free = tickets->room;
        tickets->ticket = more;
        tickets->room = room;
    }
    int32_t new = tickets->free;
    tickets->free = tickets->ticket[new].after;
    tickets->made++;
    return new;
}

/* The ticket of this epoch and model at that price; only the newest of the chain can be. */
static int32_t find_ticket(const td_tickets *tickets, int32_t oldest, int32_t key, double model, int64_t epoch) {
    if (oldest < 0) return -1;
    for (int32_t t = tickets->ticket[oldest].before;; t = tickets->ticket[t].before) {
        const td_ticket *ticket = &tickets->ticket[t];
        if (ticket->epoch != epoch) return -1;
        if (ticket->key == key && ticket->model == model) return t;
        if (t == oldest) return -1;
    }
}

static int32_t open_ticket(td_tickets *tickets, td_ticket_side *side, td_ticket fresh) {
    uint32_t at = (uint32_t)fresh.key % TD_CHAINS;
    int32_t new = new_ticket(tickets), oldest = side->chain[at];
    fresh.first = -1;
    if (oldest < 0) {
        fresh.before = fresh.after = new;
        side->chain[at] = new;
        side->bits[at / 64] |= 1ull << (at % 64);
    } else {
        fresh.before = tickets->ticket[oldest].before;
        fresh.after = oldest;
        tickets->ticket[fresh.before].after = new;
        tickets->ticket[oldest].before = new;
    }
    tickets->ticket[new] = fresh;
    if (fresh.key > side->nearest) side->nearest = fresh.key;
    if (fresh.key < side->farthest) side->farthest = fresh.key;
    side->count++;
    return new;
}

static bool has_key(const td_tickets *tickets, int32_t oldest, int32_t key) {
    if (oldest < 0) return false;
    int32_t t = oldest;
    do {
        if (tickets->ticket[t].key == key) return true;
        t = tickets->ticket[t].after;
    } while (t != oldest);
    return false;
}

static void close_ticket(td_tickets *tickets, td_ticket_side *side, td_side which, int32_t t) {
    td_ticket *ticket = &tickets->ticket[t];
    uint32_t at = (uint32_t)ticket->key % TD_CHAINS;
    int32_t key = ticket->key;
    if (ticket->after == t) {
        side->chain[at] = -1;
        side->bits[at / 64] &= ~(1ull << (at % 64));
    } else {
        tickets->ticket[ticket->before].after = ticket->after;
        tickets->ticket[ticket->after].before = ticket->before;
        if (side->chain[at] == t) side->chain[at] = ticket->after;
    }
    ticket->first = -1;
    ticket->after = tickets->free;
    tickets->free = t;
    if (--side->count == 0) {
        side->nearest = TD_NO_BID;
        side->farthest = INT32_MAX;
    } else if (key == side->nearest && !has_key(tickets, side->chain[at], key))
        side->nearest = td_tickets_next(tickets, which, key);
}

int32_t td_tickets_next(const td_tickets *tickets, td_side which, int32_t key) {
    const td_ticket_side *side = &tickets->side[which];
    int64_t lowest = (int64_t)key - TD_CHAINS > side->farthest ? (int64_t)key - TD_CHAINS : side->farthest;
    for (int64_t each = (int64_t)key - 1; each >= lowest;) {
        uint32_t at = (uint32_t)each % TD_CHAINS;
        uint64_t bits = side->bits[at / 64] << (63 - at % 64); /* from `each` downwards */
        if (!bits) {
            each -= at % 64 + 1;
            continue;
        }
        each -= __builtin_clzll(bits);
        if (each < lowest) break;
        if (has_key(tickets, side->chain[(uint32_t)each % TD_CHAINS], (int32_t)each)) return (int32_t)each;
        each--;
    }
    int32_t found = TD_NO_BID;
    if (lowest <= side->farthest) return found;
    for (int at = 0; at < TD_CHAINS; at++) /* prices farther apart than there are chains */
        for (int32_t oldest = side->chain[at], t = oldest; t >= 0; t = tickets->ticket[t].after == oldest ? -1 : tickets->ticket[t].after)
            if (tickets->ticket[t].key < key && tickets->ticket[t].key > found) found = tickets->ticket[t].key;
    return found;
}

void td_tickets_join(td_tickets *tickets, int32_t order, td_side which, int32_t tick, double model, int64_t level, int64_t epoch,
                     uint64_t place) {
    td_ticket_side *side = &tickets->side[which];
    int32_t key = td_ladder_key(which, tick), t = find_ticket(tickets, side->chain[(uint32_t)key % TD_CHAINS], key, model, epoch);
    if (t < 0)
        t = open_ticket(tickets, side, (td_ticket){.queue = td_queue_join(level), .model = model, .epoch = epoch, .ahead = level, .place = place,
                                                   .key = key});
    td_ticket *ticket = &tickets->ticket[t];
    td_resting *own = &tickets->resting[order];
    own->ticket = t;
    if (ticket->first < 0) {
        ticket->first = own->before = own->after = order;
        return;
    }
    td_resting *first = &tickets->resting[ticket->first];
    own->before = first->before;
    own->after = ticket->first;
    tickets->resting[own->before].after = order;
    first->before = order;
}

void td_tickets_leave(td_tickets *tickets, int32_t order, td_side which) {
    td_resting *own = &tickets->resting[order];
    td_ticket *ticket = &tickets->ticket[own->ticket];
    if (own->after == order)
        close_ticket(tickets, &tickets->side[which], which, own->ticket);
    else {
        tickets->resting[own->before].after = own->after;
        tickets->resting[own->after].before = own->before;
        if (ticket->first == order) ticket->first = own->after;
    }
    own->ticket = -1;
}
