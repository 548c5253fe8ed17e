/* What is measured: a table of named scenes, from the bar engines to the results file.
 *
 * Words
 *   scene   one thing to measure under a name: makes what it needs, then is played again and again
 *   stage   what scenes share: instruction set, market data by length, a folder for files
 *   load    what one scene holds while it is measured, and how much one step of it does
 *
 * Names are kind/variant/size, with threads:N where there is more than one; kind `gate` are small scenes for instruction counts
 * (bench/callgrind.py). Every scene checks what it computes before it is timed: sets against the plain reference engine by cell
 * hash, files against what was written. A scene whose results differ fails and is not timed.
 *
 * The market is a random walk of one-minute bars from a fixed seed: four steps of 0.04 % a bar, each bar opening at the last
 * close, levelled around 30,000. Or the caller's bars: td_stage.data_path. */
#ifndef TAPEDECK_BENCH_SCENES_H
#define TAPEDECK_BENCH_SCENES_H

#include <stdbool.h>
#include <stdio.h>

#include "sim/portfolio.h"
#include "sweeps/space.h"

enum { TD_STAGE_TAPES_MAX = 8 };

typedef struct td_stage {
    td_isa isa;
    const char *data_path;    /* bars to play on instead of made-up ones, or NULL: little-endian doubles, all opens, then highs,
                                 lows, closes, volumes; as many of each as the file's size says */
    FILE *cells;              /* where scenes that play sets write every cell as CSV after their check; NULL for nowhere */
    char folder[64];          /* for files; removed by td_stage_close() */
    td_tape tapes[TD_STAGE_TAPES_MAX];
    double *columns[TD_STAGE_TAPES_MAX];
    int tape_count;
} td_stage;

/* folder is made under $TMPDIR, or /tmp. */
td_status td_stage_open(td_isa isa, const char *data_path, td_stage *stage, td_error *error);
void td_stage_close(td_stage *stage);

typedef enum td_scene_tier {
    TD_SCENE_USUAL, /* played unless a filter says otherwise */
    TD_SCENE_LONG,  /* seconds a step: played when a filter names it */
    TD_SCENE_GATE,  /* small, one thread, for instruction counts: likewise */
} td_scene_tier;

/* How fast a strategy is made to trade: windows of 4..500 bars, or ten times as long. */
typedef enum td_pace { TD_PACE_BUSY, TD_PACE_SLOW } td_pace;

/* What protects a position, different from set to set. All: brackets by volatility, trailing, break-even, and a time stop. */
typedef enum td_protection {
    TD_PROTECTION_STOPS, /* stop-loss and take-profit, fractions of the entry price */
    TD_PROTECTION_NONE,
    TD_PROTECTION_TRAILING,
    TD_PROTECTION_BRACKETS, /* stop-loss and take-profit, multiples of the average true range */
    TD_PROTECTION_ALL,
} td_protection;

/* How the sets of a scene on order books lie in their queues: many together, none with another, or there is nothing of theirs to lie. */
typedef enum td_crowd { TD_CROWD_SHARED, TD_CROWD_APART, TD_CROWD_IDLE } td_crowd;

/* A user's configuration to play instead of a strategy of the table. */
typedef struct td_scene_job {
    td_deck *deck;
    const td_space *space; /* its trials, which pass td_sweep_check() */
    const td_strategy *strategy;
} td_scene_job;

typedef struct td_scene_shape {
    const td_scene_job *job; /* or NULL; with one, sets, threads and engine say the rest */
    int64_t bars, sets;      /* or rows of a file, seconds of an order book; windows of a row kind, trials of a sweep */
    int threads;
    td_engine engine;
    const char *strategy;    /* or kind of row */
    int64_t sample_bars;
    int64_t symbols;         /* of a portfolio, weekly brought back to equal weights; 0: one symbol, no portfolio */
    td_pace pace;
    td_protection protection;
    td_crowd crowd;
} td_scene_shape;

enum { TD_SCENE_COUNTERS_MAX = 10 };
typedef struct td_scene_counter {
    const char *name;
    double value;
} td_scene_counter;

typedef struct td_scene_load {
    void *state;             /* the scene's own */
    double items, bytes;     /* done by one step; bytes 0 where it makes no sense */
    const td_scene_counter *counters; /* (counter_count) in the state: what the last step says of itself, for the JSON report */
    int counter_count;
} td_scene_load;

typedef struct td_scene {
    const char *name;
    td_scene_tier tier;
    const char *item;        /* what is counted, in the plural: bar_evaluations, rows, sets */
    td_scene_shape shape;
    td_status (*make)(const td_scene_shape *shape, td_stage *stage, td_scene_load *load, td_error *error);
    td_status (*step)(void *state, td_error *error);
    void (*drop)(void *state); /* also of a load that make() left half done */
} td_scene;

int td_scene_count(void);
const td_scene *td_scene_at(int index);

/* Scenes that play a configuration, one for each engine that can, named play/<strategy>/<engine>/<bars>x<sets>. The reference engine,
 * which is slow, plays at most 16 trials, spread over all of them; the others play all. */
enum { TD_PLAY_SCENES_MAX = 3 };
typedef struct td_play_scenes {
    td_scene_job job;
    td_scene scenes[TD_PLAY_SCENES_MAX];
    char names[TD_PLAY_SCENES_MAX][96];
    int count;
} td_play_scenes;

/* engine: that one alone, TD_BAD_ARG when it cannot; AUTO: each. What the job names outlives the scenes, which stay where they are. */
td_status td_play_scenes_make(const td_scene_job *job, td_engine engine, td_isa isa, int threads, td_play_scenes *scenes,
                              td_error *error);

#endif
