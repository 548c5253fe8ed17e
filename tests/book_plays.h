/* Plays on order books that tests share: tapes made by hand or from a recording, a strategy that follows a script, and a play whose
 * executions and states are kept. */
#ifndef TAPEDECK_TESTS_BOOK_PLAYS_H
#define TAPEDECK_TESTS_BOOK_PLAYS_H

#include "data/ladder.h"
#include "sim/book_engines.h"
#include "sim/kernel.h"
#include "tests/support.h"

/* ---- tapes ---- */

enum { MADE_MESSAGES = 20000, MADE_ROWS = 200000 };
typedef struct td_made {
    td_book book;
    int64_t exchange_ns[MADE_MESSAGES], local_ns[MADE_MESSAGES], row_end[MADE_MESSAGES];
    uint8_t kind[MADE_MESSAGES], seen[MADE_MESSAGES];
    int32_t local_shift[MADE_MESSAGES];
    td_book_row row[MADE_ROWS];
    uint64_t order_id[MADE_ROWS];
    uint8_t action[MADE_ROWS];
    td_funding funding[16];
} td_made;

/* An empty tape, lot 1, tick 1; kept until the program ends. */
td_made *td_made_book(void);
/* A message, in the order of exchange times; rows follow. */
void td_made_message(td_made *made, td_book_kind kind, int64_t exchange_ns, int64_t local_ns);
void td_made_row(td_made *made, td_side side, int32_t tick, int64_t lots);
void td_made_order(td_made *made, td_book_action action, uint64_t id, td_side side, int32_t tick, int64_t lots);
/* Puts the messages in local order, after the last of them. */
const td_book *td_made_finish(td_made *made);
/* The same tape with sides changed over: tick becomes pivot - tick. */
td_made *td_made_mirror(const td_made *made, int32_t pivot);

/* A recording beside the checkout (file in ../shared/data/binance_recorded), imported once; NULL where it is not there. */
const td_book *td_recorded(const char *file, double tick, double lot, bool parity);
/* The same of any format, as COIN-M and MBO files are. */
const td_book *td_imported(const char *format, const char *file, const td_instrument *instrument, bool parity);

/* ---- a script ---- */

/* What is asked for at a moment: at that local time, by a decision of that cause. */
typedef struct td_line {
    int64_t at_ns;
    td_book_request_kind kind;
    td_side side;
    td_order_tif tif;
    double tick, quantity;
    int slot, venue;
    td_book_cause cause;
} td_line;

/* The strategy that follows it: hooks as told. */
extern td_strategy td_script;
extern td_book_hooks td_script_hooks;
extern const td_line *td_script_lines;
extern int td_script_count;

/* ---- plays ---- */

enum { KEPT_EXECUTIONS = 20000, KEPT_STATES = 20000 };
typedef struct td_kept {
    td_cell cell;
    float *returns; /* (blocks) */
    int count, steps;
    td_execution execution[KEPT_EXECUTIONS];
    td_book_state state[KEPT_STATES][TD_VENUES_MAX];
} td_kept;
/* Plays with the plain engine, keeps what is told, and checks what always holds: executions add up to positions and balances, and the lanes
 * engine gives the same bits. */
void td_keep_play(const td_play_def *def, const td_set *set, td_kept *kept);
/* The lanes engine on every instruction set must give these cells, and returns (count, blocks). */
void td_assert_lanes_play_alike(const td_book_deck *deck, const td_set *sets, int count, const td_cell *cells, const float *returns);
td_set td_book_set(const td_strategy *strategy);

#endif
