/* Metrics of a set's path: those that need all its returns at once, or its equity bar by bar.
 *
 * What a sweep keeps of a set must not grow with the tape, and engines keep sums only: percentiles and products over some of the
 * returns cannot be made of them, and sums of powers have few digits. So these are computed where one set is played in detail
 * (tapedeck run), from the path itself, and are no part of a cell. Definitions are in docs/metrics.md. */
#ifndef TAPEDECK_SIM_PATH_H
#define TAPEDECK_SIM_PATH_H

#include "sim/play.h"

/* As TD_METRICS. */
#define TD_PATH_METRICS(X)                                                                                                       \
    X(omega, "1", "returns above the required one over those below", +1)                                                         \
    X(value_at_risk, "1", "return that 5 % of the returns fall below", +1)                                                       \
    X(conditional_value_at_risk, "1", "mean of the lowest 5 % of the returns", +1)                                               \
    X(tail_ratio, "1", "95th percentile of the returns over the 5th, absolute values", +1)                                       \
    X(common_sense_ratio, "1", "tail ratio times what was gained over what was lost", +1)                                        \
    X(skewness, "1", "skewness of returns", +1)                                                                                  \
    X(kurtosis, "1", "excess kurtosis of returns", -1)                                                                           \
    X(information_ratio, "1", "mean of the returns beyond the market's over their deviation", +1)                                \
    X(capture_ratio, "1", "annual return over the market's", +1)                                                                 \
    X(up_capture_ratio, "1", "the same of the samples in which the market rose", +1)                                             \
    X(down_capture_ratio, "1", "the same of the samples in which the market fell", -1)                                           \
    X(ulcer_index, "1", "root mean square of the drawdown at every bar", -1)                                                     \
    X(martin_ratio, "1", "annual return over the ulcer index", +1)                                                               \
    X(max_gross_exposure, "1", "largest value of the position over equity", -1)

typedef enum td_path_metric {
#define TD_PATH_METRIC_NAME(name, unit, text, better) TD_PATH_METRIC_##name,
    TD_PATH_METRICS(TD_PATH_METRIC_NAME)
#undef TD_PATH_METRIC_NAME
    TD_PATH_METRIC_COUNT
} td_path_metric;
extern const td_metric_info td_path_metric_infos[TD_PATH_METRIC_COUNT];

typedef struct td_path {
    const td_deck *deck;
    double start;         /* cash */
    double *equity;       /* (bars) at closes, 0 after ruin */
    double entry_price;   /* of the open position ... */
    double position;      /* ... and its units, as fills tell them */
    double gross_exposure; /* largest so far; NaN where on_bar was not told positions */
    td_observer next;     /* is told everything as well */
} td_path;

/* Room for the path of a set over the deck; td_path_close() frees it. TD_NO_MEMORY. */
td_status td_path_open(td_path *path, const td_deck *deck, const td_set *set, td_error *error);
void td_path_close(td_path *path);
/* Who to play a set with (td_play_detailed), to fill the path; `next` is told too. The path must stay where it is while it plays. */
td_observer td_path_observer(td_path *path, td_observer next);
/* metrics (TD_PATH_METRIC_COUNT), NaN what does not exist; all of a failed cell. TD_NO_MEMORY. */
td_status td_path_finish(const td_path *path, const td_cell *cell, double *metrics, td_error *error);

#endif
