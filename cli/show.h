/* The best sets of a results file, for whoever prints them: `show`, and `sweep` at its end.
 *
 * Order: finished sets by the number asked for, best first, ties by trial number; behind them, without a rank, sets whose number
 * is NaN, then failed ones, then pending ones. What is printed depends on the results' datasets alone.
 *
 * Results of several symbols or intervals have a row for a set on each of them. `over` makes one row of those that belong to one
 * set: mean, median, smallest and largest of the number asked for. */
#ifndef TAPEDECK_CLI_SHOW_H
#define TAPEDECK_CLI_SHOW_H

#include <jansson.h>
#include <stdio.h>

#include "sweeps/results.h"

typedef struct td_show_def { /* zeroed: the ten best by the sweep's metric and goal */
    const char *by;      /* name of a metric or an axis; NULL = the sweep's metric */
    int goal;            /* +1 largest first, -1 smallest first; 0 = the sweep's goal for its own metric, else what is better */
    const char *where;   /* expression over axes and metrics, NULL = all */
    const char *columns; /* names of axes and metrics, comma between; NULL = axes and key metrics (table), everything (CSV) */
    int64_t top;         /* how many, 0 = 10, -1 = all */
    const char *symbol;   /* only rows of this symbol, NULL = all */
    const char *interval; /* only rows of this interval, NULL = all */
    const char *over;     /* "symbols", "intervals" or both with a comma between: what to summarise over; NULL = nothing. With
                             where, sets all of whose rows it lets through. */
    const char *statistic; /* what of the summary to sort by: mean, median, min, max; NULL = mean */
} td_show_def;

/* TD_BAD_ARG when a name is unknown or the expression is none. */
td_status td_show_table(FILE *out, td_results *results, const td_show_def *def, td_error *error);
td_status td_show_csv(FILE *out, td_results *results, const td_show_def *def, td_error *error);
/* A list of {"trial", "hash", "parameters", "metrics"} the caller releases; sets that did not finish also say their "state" and,
 * where there is one, the "reason"; "symbol" and "interval" where there are several. With over: {"trial", "parameters", "over",
 * and the number's name: {"mean", "median", "min", "max"}}. columns is not looked at. */
td_status td_show_json(td_results *results, const td_show_def *def, json_t **list, td_error *error);

/* Adds "symbol" and "interval" of a row to its object, each where the results have more than one. */
void td_json_market(json_t *object, const td_results *results, int64_t row);

/* The sweep's metric and goal, as the file says; -1 where it names none that is known. */
int td_show_sweep_metric(const td_results *results, int *goal);

/* By a metric of td_metric_infos with a goal, without further wishes. */
td_status td_show_best(FILE *out, td_results *results, int metric, int goal, int64_t top, td_error *error);
td_status td_show_best_json(td_results *results, int metric, int goal, int64_t top, json_t **best, td_error *error);

#endif
