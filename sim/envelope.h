/* The envelope of a set: what its metrics may have been, given that bars do not tell in which order prices went.
 *
 * Beside the configured policy (td_intrabar) a set is played pessimistically and optimistically: bar by bar the way with the lower,
 * the higher equity at the close. Low and high of a metric are the least and the greatest of the three plays. They are no bounds
 * of everything that may have happened: the way that is worse at a close can turn out to be the better one, since everything after
 * it goes on from there. A metric that a play does not have (the best of no trades) does not enter; of a failed set there are none.
 *
 * Where no bar of the configured play was ambiguous (TD_METRIC_ambiguous_bars) all three are the same play, and only one is played. */
#ifndef TAPEDECK_SIM_ENVELOPE_H
#define TAPEDECK_SIM_ENVELOPE_H

#include "sim/play.h"

typedef struct td_envelope {
    double low[TD_METRIC_BARS_COUNT], high[TD_METRIC_BARS_COUNT];
} td_envelope;

/* Room for the siblings of `count` sets. */
typedef struct td_siblings {
    int64_t count;
    td_set *sets;   /* (2 count) */
    td_cell *cells; /* (2 count) */
    int64_t *of;    /* (2 count) the set that a sibling is of */
} td_siblings;
size_t td_siblings_bytes(int64_t count);
td_status td_siblings_open(td_siblings *siblings, int64_t count, td_error *error);
void td_siblings_close(td_siblings *siblings);

/* td_play() and the envelope of each set: envelopes (count). The player is one of a deck of profile tapedeck; siblings have room for
 * count. Siblings of a set are neighbours, so they share its rows. */
void td_play_envelopes(td_player *player, const td_set *sets, int64_t count, td_siblings *siblings, td_cell *cells, float *block_returns,
                       td_envelope *envelopes);
/* The same of one set whose own cell is known already. TD_NO_MEMORY when there is none for a player. */
td_status td_envelope_of(const td_deck *deck, const td_set *set, const td_cell *cell, td_envelope *envelope, td_error *error);

#endif
