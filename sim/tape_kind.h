/* Kinds of tapes: bars and order books. Each has its own knobs and metrics; whatever lists, reads, writes or prints some asks here which
 * those of its kind are.
 *
 * A strategy plays tapes of one kind, and its configuration is of that kind before any tape is open. */
#ifndef TAPEDECK_SIM_TAPE_KIND_H
#define TAPEDECK_SIM_TAPE_KIND_H

#include "sim/play.h"

typedef enum td_tape_kind { TD_TAPE_OF_BARS, TD_TAPE_OF_BOOKS, TD_TAPE_KIND_COUNT } td_tape_kind;

typedef struct td_tape_kind_info {
    const char *word; /* "bars", "books": in results files */
    const char *name; /* "bars", "order books": after "play on" */
    const char *piece; /* "bar", "row": what play is counted in */
    int knob_count, metric_count, key_count;
    const td_knob *knobs;     /* (knob_count) in the order of printing */
    const td_metric *metrics; /* (metric_count) likewise: what results hold of a cell */
    const td_metric *keys;    /* (key_count) what a table of many sets shows */
} td_tape_kind_info;
extern const td_tape_kind_info td_tape_kind_infos[TD_TAPE_KIND_COUNT];

/* What a strategy plays; NULL, a strategy that could not be read, counts as one of bars. */
td_tape_kind td_strategy_tape_kind(const td_strategy *strategy);
/* What the knob is to the kind, NULL where it is nothing. Bounds and text of one may differ between kinds. */
const td_knob_info *td_kind_knob(td_tape_kind kind, td_knob knob);
/* The kind's knob of that name, or of that path; -1 when there is none. */
int td_kind_find_knob(td_tape_kind kind, const char *name);
bool td_kind_has_metric(td_tape_kind kind, td_metric metric);
/* As td_metric_find(), of the kind's. */
int td_kind_find_metric(td_tape_kind kind, const char *name);

#endif
