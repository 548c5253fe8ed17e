/* What the two engines of play on order books have in common: the deck, what a set's numbers come to, and the books a set's account is
 * kept in. sim/book_reference.c is the plain engine, one set at a time; sim/book_lanes.c plays many on one replay. Both give the same bits:
 * whatever is added up in doubles is added here, in the order of a set's executions on a venue, and finished here.
 *
 * Words
 *   deck     a play def's venues bound to a clock: when play begins and ends, its blocks and samples
 *   terms    what a set's knobs come to on each venue: fees, delays, how raw sums become money
 *   tally    sums of one set, in raw units: lots, ticks x lots (linear contracts: whole numbers, exact) or lots / ticks (inverse)
 *   look     a moment at which equity is looked at: a sample, the end of a block
 *
 * An engine that plays many sets may keep the tallies of a venue wherever it likes: an execution touches one td_venue_tally and nothing
 * else, and of two venues' executions it does not matter which is added first. Executions of one venue come in the order in which they
 * happen, which is also the order in which they are heard of. What an engine reads at every decision (position, heard-of lots) it keeps
 * itself. */
#ifndef TAPEDECK_SIM_BOOK_ENGINES_H
#define TAPEDECK_SIM_BOOK_ENGINES_H

#include "sim/book_kernel.h"

/* ---- the deck ---- */

typedef struct td_book_deck {
    td_play_def def;             /* a copy; what it points to is the caller's */
    const td_book_hooks *hooks;  /* the strategy's */
    td_book_decide *decide;      /* its scalar kernel's */
    int venues;
    int64_t messages[TD_VENUES_MAX]; /* played of each venue: those at the exchange before to_ns, the first so many */
    int64_t first_ns, last_ns;   /* play: from the earliest time of any message (from_ns if later) to the latest. Decisions of the clock are
                                    at first_ns + k clock_ns, k = 1, 2, ..., and no decision of any cause is made at last_ns or later:
                                    what is on the way by then is carried out, and that is all */
    int64_t blocks;              /* equal stretches of [first_ns, last_ns] */
    int64_t samples;             /* at first_ns + k sample_ns, k = 1, ..., samples */
    double periods_per_year;     /* of samples */
    double gap_seconds;          /* during which local books were not to be acted upon, all venues */
} td_book_deck;

/* TD_BAD_ARG with a sentence when something cannot be played. */
td_status td_book_deck_make(const td_play_def *def, td_book_deck **deck, td_error *error);
void td_book_deck_free(td_book_deck *deck);
/* What td_check_set() says of a book set beside the ranges of knobs and parameters: a queue model and latencies that the venues can give. */
td_status td_book_check_set(const td_book_deck *deck, const td_set *set, td_error *error);

/* Does the message say what the whole book is: a snapshot, a clear of everything, or orders that begin with one? It ends a gap. */
bool td_book_restarts(const td_book *book, int64_t message);
/* The j-th message in local order; is it played, is it seen there, by whom? Engines skip those that are not theirs. */
static inline int64_t td_book_local_message(const td_book *book, int64_t j) { return j + book->local_shift[j]; }
static inline bool td_book_plays(const td_book_deck *deck, int venue, int64_t message, uint8_t who) {
    return message < deck->messages[venue] && (deck->def.book.venues[venue].book->seen[message] & who);
}

/* Looks, in order of time. A look at t comes when everything with time <= t has happened, funding of t included, and before the clock's
 * decision at t. The end of the last block is no look: td_book_finish() is. */
typedef struct td_book_look {
    int64_t ns;           /* INT64_MAX: there is none any more */
    int64_t sample, block; /* this one is sample number `sample` (from 1) ... */
    bool is_sample, is_block; /* ... and the end of block number `block` (from 0) */
} td_book_look;
td_book_look td_book_first_look(const td_book_deck *deck);
/* When a block begins; block number deck->blocks is the end of the last. */
int64_t td_book_block_start(const td_book_deck *deck, int64_t block);
td_book_look td_book_next_look(const td_book_deck *deck, td_book_look look);

/* ---- terms ---- */

typedef struct td_book_delay { /* of one venue */
    td_latency_kind kind;
    int venue;
    double scale;              /* kind feed */
    int64_t entry_ns, response_ns; /* constant parts */
    double jitter_ns;          /* mean */
} td_book_delay;

typedef struct td_venue_terms {
    td_fees fees;
    td_book_delay delay;
    bool inverse;
    double unit;               /* quantity of a lot ... */
    double per_unit;           /* ... and lots of a unit, where that is a whole number; else 0 */
    double money;              /* of one raw unit of value */
} td_venue_terms;

typedef struct td_book_terms {
    double cash, queue_model;
    td_exchange_kind exchange;
    td_venue_terms venues[TD_VENUES_MAX];
} td_book_terms;
/* Lots as units: 3 lots of 0.1 are what 0.3 is, not 3 * 0.1. */
static inline double td_book_units(const td_venue_terms *terms, double lots) {
    return terms->per_unit > 0 ? lots / terms->per_unit : lots * terms->unit;
}
void td_book_make_terms(const td_book_deck *deck, const td_set *set, td_book_terms *terms);

/* Nanoseconds from sending at local time `ns` to arriving; below 0: it never arrives, and its sender hears of that after so many.
 * feed_ns: local minus exchange time of the last message received by then on that venue (0 before the first). */
int64_t td_book_entry_delay(const td_book_deck *deck, const td_book_delay *delay, int64_t ns, int64_t feed_ns);
/* From the exchange at `ns` back. 0 or more. */
int64_t td_book_response_delay(const td_book_deck *deck, const td_book_delay *delay, int64_t ns, int64_t feed_ns);

/* Lots of a request's quantity: to the nearest within 1e-9 lots of it, else rounded down. False: it is refused (no number, less than a
 * lot, more than TD_LOTS_MAX). */
enum { TD_LOTS_MAX = 1 << 30 };
bool td_book_request_lots(const td_venue_terms *terms, double quantity, int64_t *lots);
/* A request's price: false, refused, when it is no whole number of ticks from 1 to TD_TICK_MAX. */
bool td_book_request_tick(double price, int32_t *tick);

/* ---- tallies ---- */

typedef struct td_venue_tally {
    double lots[2][2], value[2][2]; /* [side][1: maker] raw */
    double count[TD_EXECUTION_REASON_COUNT];
    double ahead;                   /* queue ahead of the executions of resting orders, lots */
    double most, area;              /* position, absolute, lots: largest; times nanoseconds, until since_ns */
    double funding;                 /* paid, money */
    int64_t since_ns;
    uint64_t hash;                  /* of the executions */
} td_venue_tally;

typedef struct td_book_tally {
    double orders, cancels, modifies, expired, rejected, refused; /* td_metrics of the like names say what */
    double equity;                  /* at the last sample */
    double sum, sum2, down2;        /* of changes from sample to sample */
    double peak, drawdown;          /* equity at samples and at the end */
    double held, held_most;         /* value of the positions, absolute, at samples: sum, largest */
} td_book_tally;

void td_book_start(const td_book_deck *deck, td_book_tally *tally, td_venue_tally *venues);
/* One execution. ahead: queue_ahead of td_execution. */
void td_book_execute(const td_book_deck *deck, const td_venue_terms *terms, td_venue_tally *venue, td_side side, td_execution_reason reason,
                     int64_t tick, int64_t lots, int64_t ahead, int64_t exchange_ns, int64_t local_ns);
/* Pays funding on what is held at the exchange. mark: in ticks. */
void td_book_fund(const td_venue_terms *terms, td_venue_tally *venue, double lots_held, double rate, double mark);
/* Position in lots; equity at a mid price in ticks (NaN, none so far: the position is worth nothing yet), money. */
static inline double td_venue_position(const td_venue_tally *venue) {
    return (venue->lots[TD_BUY][0] + venue->lots[TD_BUY][1]) - (venue->lots[TD_SELL][0] + venue->lots[TD_SELL][1]);
}
double td_venue_fee(const td_venue_terms *terms, const td_venue_tally *venue);
double td_venue_equity(const td_venue_terms *terms, const td_venue_tally *venue, double mid);
/* As strategies and observers are told; top: TD_NO_BID, TD_NO_ASK where there is none. */
td_book_state td_venue_state(const td_venue_terms *terms, const td_venue_tally *venue, int64_t local_ns, int32_t bid, int32_t ask);

/* A look. mids (venues): last mid price of the local book, in ticks; NaN before the first. block_equity (blocks): NULL where no block
 * returns are wanted. */
void td_book_look_at(const td_book_deck *deck, const td_book_terms *terms, td_book_tally *tally, const td_venue_tally *venues,
                     const double *mids, const td_book_look *look, double *block_equity);
/* Everything has happened: the last block ends, and the cell and the blocks' returns (fractions of cash, NULL: not wanted) follow. */
void td_book_finish(const td_book_deck *deck, const td_book_terms *terms, td_book_tally *tally, const td_venue_tally *venues,
                    const double *mids, double *block_equity, td_cell *cell, float *block_returns);

/* ---- engines ---- */

/* Plays one set, plainly. observer: NULL for none. block_returns (blocks) or NULL. The only failure is memory. */
td_status td_book_reference_play(const td_book_deck *deck, const td_set *set, const td_book_observer *observer, td_cell *cell,
                                 float *block_returns, td_error *error);

/* Plays many sets at once. lanes: most sets of one td_book_play(), at least 1. */
typedef struct td_book_player td_book_player;
td_status td_book_player_open(const td_book_deck *deck, td_isa isa, int64_t lanes, td_book_player **player, td_error *error);
/* Sets must have been checked. block_returns (count, blocks) or NULL. */
td_status td_book_play(td_book_player *player, const td_set *sets, int64_t count, td_cell *cells, float *block_returns, td_error *error);
void td_book_player_close(td_book_player *player);
size_t td_book_player_bytes(const td_book_deck *deck, td_isa isa, int64_t lanes);

#endif
