/* Messages on their way, between many sets and an exchange or back: one queue for each distinct latency, since what is sent later with
 * the same latency arrives later, and a heap of the queues by the time of their first. Where a latency varies (from the data, with jitter)
 * a message may have to go in before others; it is put where it belongs.
 *
 * Of messages of one set none overtakes another: whoever sends sees to that. Between sets the order of one time means nothing. */
#ifndef TAPEDECK_SIM_BOOK_BUS_H
#define TAPEDECK_SIM_BOOK_BUS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/lanes.h"

/* A request to the exchange, or the answer to one; orders are numbers of the engine's. */
typedef struct td_book_mail {
    int64_t ns;         /* of arrival */
    int64_t sent_ns;    /* answers: when it happened at the exchange */
    int64_t ahead;      /* of an execution */
    int32_t order, number;
    int32_t tick, lots, left;
    int32_t next;       /* in its queue */
    uint8_t kind, tif, reason;
} td_book_mail;

typedef struct td_book_bus {
    td_book_mail *mails; /* (room) */
    int32_t room, free;  /* first of a chain, -1 */
    int32_t *first, *last; /* (queues) -1: empty */
    int32_t *heap;       /* (queues) queues that hold something, the one with the earliest first on top */
    int32_t *at;         /* (queues) where in the heap */
    int32_t heaped;
    int64_t next_ns;     /* of the first of all; INT64_MAX */
} td_book_bus;

static inline bool td_bus_open(td_book_bus *bus, int64_t queues) {
    size_t bytes = (size_t)queues * sizeof(int32_t);
    *bus = (td_book_bus){.room = 0, .free = -1, .first = malloc(bytes), .last = malloc(bytes), .heap = malloc(bytes), .at = malloc(bytes),
                         .next_ns = INT64_MAX};
    if (!bus->first || !bus->last || !bus->heap || !bus->at) return false;
    memset(bus->first, -1, bytes);
    return true;
}

static inline void td_bus_close(td_book_bus *bus) {
    free(bus->mails);
    free(bus->first);
    free(bus->last);
    free(bus->heap);
    free(bus->at);
}

static inline int64_t td_bus_key(const td_book_bus *bus, int32_t place) { return bus->mails[bus->first[bus->heap[place]]].ns; }

static inline void td_bus_put(td_book_bus *bus, int32_t place, int32_t queue) {
    bus->heap[place] = queue;
    bus->at[queue] = place;
}

static inline void td_bus_up(td_book_bus *bus, int32_t place) {
    int32_t queue = bus->heap[place];
    int64_t ns = td_bus_key(bus, place);
    for (; place > 0 && td_bus_key(bus, (place - 1) / 2) > ns; place = (place - 1) / 2) td_bus_put(bus, place, bus->heap[(place - 1) / 2]);
    td_bus_put(bus, place, queue);
    bus->next_ns = td_bus_key(bus, 0);
}

static inline void td_bus_down(td_book_bus *bus, int32_t place) {
    int32_t queue = bus->heap[place];
    int64_t ns = td_bus_key(bus, place);
    for (;;) {
        int32_t child = place * 2 + 1;
        if (child >= bus->heaped) break;
        if (child + 1 < bus->heaped && td_bus_key(bus, child + 1) < td_bus_key(bus, child)) child++;
        if (td_bus_key(bus, child) >= ns) break;
        td_bus_put(bus, place, bus->heap[child]);
        place = child;
    }
    td_bus_put(bus, place, queue);
    bus->next_ns = td_bus_key(bus, 0);
}

static inline void td_bus_grow(td_book_bus *bus) {
    int32_t room = bus->room ? bus->room * 2 : 256;
    td_book_mail *mails = realloc(bus->mails, (size_t)room * sizeof *mails);
    if (!mails) abort();
    for (int32_t i = bus->room; i < room; i++) mails[i].next = i + 1 < room ? i + 1 : -1;
    bus->free = bus->room;
    bus->mails = mails;
    bus->room = room;
}

static inline void td_bus_push(td_book_bus *bus, int32_t queue, td_book_mail mail) {
    if (td_unlikely(bus->free < 0)) td_bus_grow(bus);
    int32_t new = bus->free, before = -1;
    bus->free = bus->mails[new].next;
    mail.next = -1;
    bus->mails[new] = mail;
    if (bus->first[queue] < 0) {
        bus->first[queue] = bus->last[queue] = new;
        bus->heap[bus->heaped] = queue;
        td_bus_up(bus, bus->heaped++);
        return;
    }
    if (td_likely(bus->mails[bus->last[queue]].ns <= mail.ns)) {
        bus->mails[bus->last[queue]].next = new;
        bus->last[queue] = new;
        return;
    }
    for (int32_t each = bus->first[queue]; bus->mails[each].ns <= mail.ns; each = bus->mails[each].next) before = each;
    bus->mails[new].next = before < 0 ? bus->first[queue] : bus->mails[before].next;
    if (before < 0) {
        bus->first[queue] = new;
        td_bus_up(bus, bus->at[queue]);
    } else
        bus->mails[before].next = new;
}

/* The first of all; there must be one. */
static inline td_book_mail td_bus_pop(td_book_bus *bus) {
    int32_t queue = bus->heap[0], old = bus->first[queue];
    td_book_mail mail = bus->mails[old];
    bus->first[queue] = mail.next;
    bus->mails[old].next = bus->free;
    bus->free = old;
    if (mail.next < 0) {
        bus->heaped--;
        if (bus->heaped == 0) {
            bus->next_ns = INT64_MAX;
            return mail;
        }
        bus->heap[0] = bus->heap[bus->heaped];
        td_bus_down(bus, 0);
    } else if (bus->mails[mail.next].ns != mail.ns)
        td_bus_down(bus, 0);
    return mail;
}

#endif
