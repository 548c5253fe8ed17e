/* Bars in memory that can grow: what the readers of text files and the synthetic market fill, and what a tape is written from.
 *
 * Columns are separate arrays. The first five are the tape's; the rest are the optional columns of Binance klines and exist
 * only when asked for at td_bars_init(). The struct owns its arrays; td_bars_tape() lends them to a td_tape. */
#ifndef TAPEDECK_DATA_BARS_H
#define TAPEDECK_DATA_BARS_H

#include "data/tape.h"

typedef enum td_bar_column {
    TD_OPEN,
    TD_HIGH,
    TD_LOW,
    TD_CLOSE,
    TD_VOLUME,
    TD_QUOTE_VOLUME,
    TD_TRADES,
    TD_TAKER_VOLUME,
    TD_TAKER_QUOTE_VOLUME,
    TD_BAR_COLUMNS,
    TD_BAR_PLAIN = TD_QUOTE_VOLUME /* how many columns bars without extras have */
} td_bar_column;

typedef struct td_bars {
    int64_t count, room;
    int column_count; /* TD_BAR_PLAIN or TD_BAR_COLUMNS */
    int64_t *time_ns; /* (room) */
    double *column[TD_BAR_COLUMNS]; /* (room) each; NULL from column_count on */
} td_bars;

void td_bars_init(td_bars *bars, bool extras);
void td_bars_free(td_bars *bars);
/* Room for at least `room` bars; contents are kept. TD_NO_MEMORY. */
td_status td_bars_reserve(td_bars *bars, int64_t room, td_error *error);
/* Appends rows [first, first + count) of `from`; columns that `from` lacks are NaN. */
td_status td_bars_append(td_bars *bars, const td_bars *from, int64_t first, int64_t count, td_error *error);

/* A tape around the bars, valid until they change or go. interval must be one that td_interval_ns() knows. */
td_tape td_bars_tape(const td_bars *bars, const char *symbol, const char *interval);
/* Name of a column as tape files and messages spell it, and its unit. */
const char *td_bar_column_name(td_bar_column column);
const char *td_bar_column_units(td_bar_column column);
/* Fills extras with the optional columns of the bars; returns how many. */
int td_bars_extras(const td_bars *bars, td_tape_extra extras[TD_TAPE_EXTRAS_MAX]);

#endif
