/* The kinds of scenes that the table in scenes.c is made of: make, step and drop of each. */
#ifndef TAPEDECK_BENCH_KINDS_H
#define TAPEDECK_BENCH_KINDS_H

#include "bench/scenes.h"

#define TD_SCENE_KIND(kind)                                                                                                      \
    td_status td_make_##kind(const td_scene_shape *shape, td_stage *stage, td_scene_load *load, td_error *error);                \
    td_status td_step_##kind(void *state, td_error *error);                                                                      \
    void td_drop_##kind(void *state);

TD_SCENE_KIND(play)    /* sets through an engine; item: bar evaluations */
TD_SCENE_KIND(book)    /* sets on an order book; item: rows of the tape, for each set */
TD_SCENE_KIND(rows)    /* distinct windows of one kind of indicator row; item: values */
TD_SCENE_KIND(klines)  /* Binance CSV text to bars; item: rows */
TD_SCENE_KIND(tape)    /* opening a tape file: mapping and checking it; item: bars */
TD_SCENE_KIND(journal) /* finished sets into a journal; item: sets */
TD_SCENE_KIND(sweep)   /* sets that cost nothing to play through a whole sweep: journal, results file; item: sets */

#endif
