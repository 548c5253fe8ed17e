/* The list of metrics as data; the formulas are in finish.c. */
#include "sim/metrics.h"

#include <string.h>

const td_metric_info td_metric_infos[TD_METRIC_COUNT] = {
#define TD_METRIC_INFO(name, unit, text, better) {#name, unit, text, better},
    TD_METRICS(TD_METRIC_INFO) TD_BOOK_METRICS(TD_METRIC_INFO)
#undef TD_METRIC_INFO
};

int td_metric_find(const char *name) {
    for (int i = 0; i < TD_METRIC_COUNT; i++)
        if (!strcmp(name, td_metric_infos[i].name)) return i;
    return -1;
}
