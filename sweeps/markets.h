/* What a configuration plays on a tape: its symbols at its intervals.
 *
 * Words
 *   market     a symbol at an interval; market number (symbol, interval) = symbol * intervals + interval, in the configuration's order
 *   row        a parameter set on a market: row number = market * sets + set. Journal and results count in rows. With one market a
 *              row is a trial.
 *
 * A portfolio plays its symbols at once: it is one symbol here, by the name `portfolio`, whose members are those of the configuration.
 *
 * Order books are one market, too, however many venues it has: its name is that of the instruments, joined by +, its interval "".
 *
 * Markets are opened one at a time, each gives one deck: memory does not grow with their number. */
#ifndef TAPEDECK_SWEEPS_MARKETS_H
#define TAPEDECK_SWEEPS_MARKETS_H

#include "data/pick.h"
#include "sweeps/config.h"

typedef struct td_markets {
    const td_config *config;
    const td_tape *tape;     /* NULL of order books */
    int64_t symbols, intervals;
    int64_t members;         /* symbols that are played: `symbols`, or those of the portfolio */
    int64_t *symbol;         /* (members) index on the tape */
    const char **interval;   /* (intervals) as the configuration spells them */
    char name[TD_VENUES_MAX * TD_SYMBOL_MAX]; /* of order books */
    char digest[TD_DIGEST_HEX]; /* of the data of the symbols: the tape's own where it holds no others */
} td_markets;

/* TD_BAD_CONFIG when a symbol is not on the tape (with the nearest one that is), when the tape holds several and none is named, and
 * when bars of an interval cannot be made of the tape's. config and tape outlive the markets. tape: NULL where
 * the configuration plays order books, which sweeps/books.h has opened. */
td_status td_markets_make(const td_config *config, const td_tape *tape, td_markets *markets, td_error *error);
void td_markets_free(td_markets *markets);
/* The same digest, computed from the data that is there now; of order books td_books_open() does that, when asked. */
td_status td_markets_hash(const td_markets *markets, char digest[TD_DIGEST_HEX], td_error *error);

int64_t td_markets_count(const td_markets *markets);
const char *td_markets_symbol(const td_markets *markets, int64_t market);
const char *td_markets_interval(const td_markets *markets, int64_t market);

/* The bars of a market within the configuration's period, and their deck: free the deck, then close the pick. Of a portfolio the pick
 * is its raster. TD_BAD_CONFIG when there are none. */
td_status td_market_open(const td_markets *markets, int64_t market, td_pick *pick, td_deck **deck, td_error *error);
/* Name of a member on the tape. */
const char *td_markets_member(const td_markets *markets, int64_t member);

/* Puts "ETHUSDT 1h: " before a sentence about one of several markets; returns status. */
td_status td_market_fail(const td_markets *markets, int64_t market, td_status status, td_error *error);

/* What is kept of a market when its deck is gone: what the results file says of it. */
typedef struct td_market_facts {
    int64_t bars, blocks, first_ns, last_ns; /* open times of the first and the last bar; of order books the time that is played */
    int64_t messages, rows;                  /* of order books */
    double periods_per_year;
    int64_t *block_start_ns, *block_end_ns;  /* (blocks) open time of the first bar; of the last bar plus the interval; or when they are */
} td_market_facts;
td_status td_market_note(const td_tape *picked, const td_deck *deck, td_market_facts *facts, td_error *error);
/* Frees what the facts of `count` markets hold, and the array. */
void td_market_facts_free(td_market_facts *facts, int64_t count);

#endif
