/* The arrow of time, proven for a strategy: its orders and its equity up to a bar must not change when everything after that bar
 * does.
 *
 * Words
 *   poison    a future that never was, for every bar of a tape: not a number, prices a thousand times as high, falls for rises, or
 *             the bars in another order
 *   cut       the last bar that is true; everything after it is poison, in the tape that the deck is made of
 *   event     a decision, a fill, or the equity and position at a bar's close: what is compared, bit for bit
 *
 * Two ways to play them, and both are used:
 *   replay    a deck is made of the cut tape and played from its first bar to just after the cut. Sees every leak over this cut,
 *             also of what a deck computes beforehand, and costs as many bars as there are before the cut; so cuts are a sample.
 *   reveal    the whole tape is poison, and each bar becomes true when it is about to be played: all cuts in one play. Sees every
 *             peek of a body or a row, at any bar. What a deck computes beforehand would make it differ without a leak; so a
 *             difference counts when a replay at the same bar differs, too.
 * What is computed from the whole tape and never comes back to an order (metrics, the market's statistics) is not compared. */
#ifndef TAPEDECK_SWEEPS_POISON_H
#define TAPEDECK_SWEEPS_POISON_H

#include "sim/play.h"

/* name, what the future is */
#define TD_POISONS(X)                                                                                                            \
    X(nan, "not a number")                                                                                                       \
    X(thousandfold, "a thousand times as high")                                                                                  \
    X(mirrored, "upside down")                                                                                                   \
    X(shuffled, "in another order")
typedef enum td_poison {
#define TD_POISON_NAME(name, text) TD_POISON_##name,
    TD_POISONS(TD_POISON_NAME)
#undef TD_POISON_NAME
    TD_POISON_COUNT
} td_poison;
const char *td_poison_name(td_poison poison);
const char *td_poison_text(td_poison poison);

/* The first event that the future moved. */
typedef struct td_leak {
    int64_t bar;           /* of the event, within the bars played */
    int64_t cut;
    td_poison poison;
    char truth[96];        /* what happened on the true tape: "decided 1", "bought 0.5 at 101 (open)", "equity 9870.1, position 2" */
    char poisoned[96];     /* and with the poisoned future */
} td_leak;

typedef struct td_arrow {
    bool leaks;
    td_leak first;         /* where it leaks: the lowest bar that was found */
    int64_t bars;          /* of the tape that are played */
    int64_t events;        /* compared on the true tape: decisions, fills, bars */
    int64_t every;         /* replays: a cut at every so many bars ... */
    int64_t cuts;          /* ... so many cuts, each with every poison ... */
    int64_t cuts_leaking;  /* ... of which differ with at least one */
    bool revealed;         /* every bar was a cut of revealing plays, too */
    int64_t bars_replayed; /* what it cost */
} td_arrow;

/* Proves it for one set. every: a cut at each so many bars, 1 for all, 0 for as many as take seconds. def->finalize is not looked at:
 * it acts at the end of the tape, which a cut moves. The set must have passed td_check_set(). Uses a thread per poison. */
td_status td_prove_arrow(const td_tape *tape, const td_play_def *def, const td_set *set, int64_t every, td_arrow *arrow,
                         td_error *error);

#endif
