/* Bars for the scenes: the made-up walk, raw files of bars, and the same bars as Binance klines; see scenes.h. */
#ifndef TAPEDECK_BENCH_MARKET_H
#define TAPEDECK_BENCH_MARKET_H

#include "bench/scenes.h"

/* The stage's tape of so many bars, made or read when it is first asked for. TD_BAD_DATA when the stage's file holds fewer. */
td_status td_stage_tape(td_stage *stage, int64_t bars, const td_tape **tape, td_error *error);
/* Writes the tape as a Binance archive file: 12 columns, no header, milliseconds. */
td_status td_write_klines(const char *path, const td_tape *tape, int64_t rows, td_error *error);

#endif
