/* What the engine tests share: strategies of their own, tapes of every temper, a record of a detailed run that watches the money,
 * one group of sets through every engine, and random configurations.
 *
 * Who owns what: what td_test_... makes is freed by the function named after it. */
#ifndef TAPEDECK_TESTS_PLAYS_H
#define TAPEDECK_TESTS_PLAYS_H

#include "sim/play.h"
#include "tests/support.h"

/* tests/strategies/<name>.c */
const td_strategy *td_test_strategy(const char *name);

/* Draw n of a seed: uniform on (0, 1), and whole numbers in [low, high]. */
double td_draw(uint64_t seed, uint64_t n);
int64_t td_draw_whole(uint64_t seed, uint64_t n, int64_t low, int64_t high);

typedef enum td_temper {
    TD_TEMPER_WALK,     /* a random walk with small gaps */
    TD_TEMPER_TICKS,    /* few distinct prices: many ties */
    TD_TEMPER_CONSTANT, /* one price for ever */
    TD_TEMPER_GAPS,     /* opens far from closes: stops are jumped over, shorts are squeezed to death */
    TD_TEMPER_COUNT
} td_temper;
/* A tape; weekends: without the bars of Saturdays and Sundays. Free with td_test_tape_free(). */
td_tape td_test_tape_of(int64_t bars, int64_t interval_ns, td_temper temper, bool weekends, uint64_t seed);
void td_test_tape_free(td_tape *tape); /* and its finer bars */
/* Finer bars that make up those of the tape, at most `parts` in each, some missing; as tape->finer. */
void td_test_tape_split(td_tape *tape, int parts, uint64_t seed);

/* A tape by hand for the strategy `script`: each bar with the target decided at its close, NaN for no decision. Bar 0 cannot
 * decide, because a crossing needs a bar before it. From Monday, 2024-01-01 on. */
typedef struct td_bar {
    double open, high, low, close, order;
} td_bar;
td_tape td_script_tape(const td_bar *bars, int count, int64_t interval_ns);

/* A configuration of a seed: any strategy, rule, cost. The sets are valid for the deck. */
enum { TD_CASE_SETS = 37 };
typedef struct td_case {
    td_tape tape;
    td_play_def def;
    td_deck *deck;
    td_set sets[TD_CASE_SETS];
    char text[256]; /* for messages */
} td_case;
void td_case_make(td_case *made, uint64_t seed, int64_t bars, const td_strategy *strategy);
/* Of profile tapedeck, on a tape with finer bars, which are walked. */
void td_case_make_finer(td_case *made, uint64_t seed, int64_t bars, const td_strategy *strategy);
void td_case_free(td_case *made);
/* One of the built-in strategies that play one symbol, or of tests/strategies. */
const td_strategy *td_case_strategy(uint64_t seed);

/* A detailed run. Every bar was checked while it was made: equity is the start and what the fills moved, every fill has the price
 * its reason allows, the trades explain the difference. */
typedef struct td_record {
    td_cell cell;
    float *block_returns;
    td_fill *fills;
    td_trade *trades;
    double *equity, *position; /* (bars) */
    double funding, borrow;    /* charges */
    int64_t fill_count, trade_count, bars;
} td_record;
td_record td_record_make(const td_deck *deck, const td_set *set);
void td_record_free(td_record *record);

/* Do cells and block returns agree in every bit? Prints the metrics that do not. returns: (blocks), may be NULL. */
bool td_same_cells(const td_cell *a, const td_cell *b, const float *a_returns, const float *b_returns, int64_t blocks);
/* Plays the sets through every engine on every instruction set the machine has, with chunks of at most so many bars (0: any), and
 * asserts that all agree with the reference engine, whose cells it fills in. */
void td_assert_engines_agree(const td_deck *deck, const td_set *sets, int64_t count, int64_t chunk, td_cell *cells,
                             const char *what);

#endif
