/* What engines of play on books and a strategy's compiled kernels say to each other.
 *
 * As on bars (sim/kernel.h) a vector is TD_LANES sets side by side, one td_real a field, and a kernel is a strategy compiled for one
 * instruction set. A decision is: the engine brings the vectors up to date with what their sets have heard by now, the kernel runs the
 * strategy's body on each vector and hands back requests with masks; where there are none, which is the usual case, nothing else happens.
 * Requests of a lane are carried out in their order: first the cancels that quote() implies, then the rest as the body said them, then the
 * orders that quote() lacks, buys before sells.
 *
 * A slot is a place for one order of a set, on its way or working: TD_SLOTS_MAX for each side of each venue, as many used as order_limit
 * says. It is taken by the request that sends the order, and free again at the first decision after the strategy has heard that the
 * order is gone (filled, cancelled, expired, rejected). */
#ifndef TAPEDECK_SIM_BOOK_KERNEL_H
#define TAPEDECK_SIM_BOOK_KERNEL_H

#include "base/lanes.h"
#include "sim/book_play.h"
#include "sim/play.h"

enum { TD_DEPTH_MAX = 16, TD_BOOK_REQUESTS_MAX = 64, TD_BOOK_STATE_MAX = 16, TD_WIDEST = 8 };

/* Where an order is, as the strategy knows: numbers in td_book_seat.phase. A slot with any but FREE counts as an own order at its tick. */
typedef enum td_slot_phase {
    TD_SLOT_FREE,
    TD_SLOT_SENT,    /* on its way, no answer yet */
    TD_SLOT_WORKING, /* the only phase that can be cancelled or modified */
    TD_SLOT_ASKED,   /* a cancel or a modify is on its way */
    TD_SLOT_GONE,    /* the answer says it is over; free at the next decision */
} td_slot_phase;

/* What the sets of a vector know of one venue. */
typedef struct td_book_seat {
    td_real position;                       /* units, signed; executions that were heard of */
    td_real tick[2][TD_SLOTS_MAX];          /* [side][slot] */
    td_real lots[2][TD_SLOTS_MAX];          /* left of the order, as the strategy knows */
    td_real phase[2][TD_SLOTS_MAX];         /* td_slot_phase */
} td_book_seat;

typedef struct td_book_vector {
    td_real param[TD_PARAMS_MAX];
    td_real state[TD_BOOK_STATE_MAX];       /* the strategy's own, 0 at the start */
    td_real filled[2];                      /* ON_FILL: lots bought, sold at this moment, on moment.venue */
    td_book_seat seats[];                   /* (venues) */
} td_book_vector;

/* The same for host code, which does not know TD_LANES: a field is a number of reals from the vector's start. */
enum {
    TD_BOOK_FIELD_param = 0,
    TD_BOOK_FIELD_state = TD_BOOK_FIELD_param + TD_PARAMS_MAX,
    TD_BOOK_FIELD_filled = TD_BOOK_FIELD_state + TD_BOOK_STATE_MAX,
    TD_BOOK_FIELD_seats = TD_BOOK_FIELD_filled + 2,
    TD_SEAT_position = 0,
    TD_SEAT_tick = 1,                                /* + side * TD_SLOTS_MAX + slot */
    TD_SEAT_lots = TD_SEAT_tick + 2 * TD_SLOTS_MAX,
    TD_SEAT_phase = TD_SEAT_lots + 2 * TD_SLOTS_MAX,
    TD_SEAT_FIELDS = TD_SEAT_phase + 2 * TD_SLOTS_MAX
};
_Static_assert(sizeof(td_book_seat) == TD_SEAT_FIELDS * sizeof(td_real), "td_book_seat holds the fields and nothing else");
_Static_assert(sizeof(td_book_vector) == TD_BOOK_FIELD_seats * sizeof(td_real), "td_book_vector holds the fields and nothing else");
static inline size_t td_book_vector_bytes(int lanes, int venues) {
    return (size_t)lanes * 8 * (size_t)(TD_BOOK_FIELD_seats + venues * TD_SEAT_FIELDS);
}
static inline double *td_book_field(void *vector, int lanes, int field, int lane) { return (double *)vector + field * lanes + lane; }
static inline double *td_seat_field(void *vector, int lanes, int venue, int field, int lane) {
    return td_book_field(vector, lanes, TD_BOOK_FIELD_seats + venue * TD_SEAT_FIELDS + field, lane);
}

/* The market as strategies see it at a decision: the same for all sets. Prices in ticks, quantities in units. */
typedef struct td_book_top {
    double bid, ask;                        /* NaN where the side is empty, or the book is not to be acted upon (strict, after a gap) */
    double bid_quantity, ask_quantity;
    double depth_price[2][TD_DEPTH_MAX];    /* [side]: the first levels, as many as the strategy wants (DEPTH); NaN, 0 where there are fewer */
    double depth_quantity[2][TD_DEPTH_MAX];
    double trade_price, trade_quantity;     /* last trade; NaN, 0 before the first */
    double bought, sold;                    /* quantity of the takers' trades received since the last decision */
    double tick, lot;                       /* sizes */
} td_book_top;

typedef enum td_book_cause { TD_CAUSE_TIMER, TD_CAUSE_BOOK, TD_CAUSE_FILL } td_book_cause;

typedef struct td_book_moment {
    td_book_cause cause;
    int venue;                              /* of the message (BOOK) or the execution (FILL); 0 of the timer */
    int venues, order_limit;
    int slots;                              /* slots used by any lane so far are below this: bodies look at no more */
    int64_t local_ns;
    double seconds;                         /* since the first decision of the clock could have been */
    const td_book_top *tops;                /* (venues) */
} td_book_moment;

typedef enum td_book_request_kind { TD_REQUEST_ORDER, TD_REQUEST_CANCEL, TD_REQUEST_MODIFY } td_book_request_kind;

/* What a body wants, in the lanes `where`; laid out alike for all instruction sets. A cancel or modify is about slots: those in phase
 * WORKING; one that finds none there is nothing. Of an order: tick and lots. NaN or no whole number of ticks above 0, or no whole number
 * of lots of at least 1 (after rounding down; to the nearest within 1e-9 of a lot): refused and counted. */
typedef struct td_book_request {
    td_book_request_kind kind;
    int venue;
    td_side side;
    td_order_tif tif;     /* ORDER */
    int slot;             /* CANCEL, MODIFY; ORDER: the engine takes the lowest free one */
    uint32_t where;       /* lanes, a bit each */
    double tick[TD_WIDEST];     /* by lane. ORDER: limit (not MARKET); MODIFY: the new one */
    double quantity[TD_WIDEST]; /* ORDER, MODIFY: units */
} td_book_request;

/* Called for vectors that want something, perhaps more than once for one; requests are read before it returns. */
typedef void td_book_sink(void *context, int64_t vector, const td_book_request *requests, int count);

/* Runs the hook for the moment's cause on vectors [0, count), `bytes` apart; not where a venue it plays lacks a bid or an ask.
 * masks: (count) lanes that are asked, a bit each; NULL: all. State of lanes that are not asked stays as it is. */
typedef void td_book_decide(const td_book_moment *moment, void *vectors, size_t bytes, int64_t count, const uint8_t *masks,
                            td_book_sink *sink, void *context);

/* What a strategy that plays books declares; NULL in td_strategy of one that plays bars. */
typedef struct td_book_hooks {
    bool on_timer, on_book, on_fill;
    int depth;            /* levels wanted, 1 (the touch alone) to TD_DEPTH_MAX */
    int venues;           /* it wants at least so many */
    int reals;            /* of state */
} td_book_hooks;

#endif
