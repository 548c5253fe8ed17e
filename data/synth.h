/* A made-up market with the properties that matter to a simulator: volatility that clusters, a daily rhythm, jumps, opening
 * gaps, missing bars, volume that follows volatility, prices on a tick grid. The model, with all its constants, is written down
 * in docs/synthetic-tape.md.
 *
 * The bars are a function of the definition alone: counter-based random numbers and the functions of base/math.h, so every
 * machine makes the same bits. */
#ifndef TAPEDECK_DATA_SYNTH_H
#define TAPEDECK_DATA_SYNTH_H

#include "data/bars.h"

typedef struct td_synth_def { /* start from td_default_synth_def() */
    int64_t bars;             /* rows, 1 to 2^31; bars lost to maintenance are not counted. Default 525600. */
    char interval[16];        /* Default 1m. */
    uint64_t seed;            /* Default 1. */
    int64_t start_ns;         /* open time of the first bar. Default 2023-01-01T00:00:00Z. */
    double price;             /* long-run level, in quote currency, 1 to 1e9. Default 30000. */
    double volatility;        /* per year, as a fraction, 0.01 to 5. Default 0.6. */
    int32_t symbol;           /* which of the correlated symbols of the market, 0 to 999; the first leads. Default 0. */
    int32_t ticks_per_unit;   /* the tick is one quote unit divided by this, 1 to 1e8. Default 100. */
    uint32_t cookie;          /* set by td_default_synth_def(). Leave it. */
} td_synth_def;

td_synth_def td_default_synth_def(void);
td_status td_check_synth_def(const td_synth_def *def, td_error *error);
/* Fills bars (initialised, without extras), replacing what they held. Symbols after the first have fewer bars than def->bars: halts. */
td_status td_synth(const td_synth_def *def, td_bars *bars, td_error *error);

#endif
