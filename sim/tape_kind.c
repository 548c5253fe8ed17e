/* See tape_kind.h. */
#include "sim/tape_kind.h"

#include <string.h>

#include "sim/kernel.h"

static const td_knob bar_knobs[] = {
#define TD_KNOB_ENTRY(name, path, preset, low, high, unit, text) TD_KNOB_##name,
    TD_KNOBS(TD_KNOB_ENTRY)
};
static const td_knob book_knobs[] = {TD_KNOB_cash, TD_KNOB_maker, TD_BOOK_KNOBS(TD_KNOB_ENTRY)};
#undef TD_KNOB_ENTRY

static const td_metric bar_metrics[] = {
#define TD_METRIC_ENTRY(name, unit, text, better) TD_METRIC_##name,
    TD_METRICS(TD_METRIC_ENTRY)
};
/* of those of bars, what equity says whatever it is made of */
static const td_metric book_metrics[] = {
    TD_BOOK_METRICS(TD_METRIC_ENTRY)
#undef TD_METRIC_ENTRY
    TD_METRIC_total_return, TD_METRIC_annual_return, TD_METRIC_annual_volatility, TD_METRIC_sharpe, TD_METRIC_sortino,
    TD_METRIC_calmar, TD_METRIC_max_drawdown, TD_METRIC_funding_paid,
};

static const td_metric bar_keys[] = {
    TD_METRIC_sharpe,       TD_METRIC_annual_return, TD_METRIC_total_return, TD_METRIC_max_drawdown,
    TD_METRIC_final_equity, TD_METRIC_trades,        TD_METRIC_win_rate,     TD_METRIC_profit_factor,
};
static const td_metric book_keys[] = {
    TD_METRIC_sharpe,     TD_METRIC_equity,      TD_METRIC_max_drawdown, TD_METRIC_fee,
    TD_METRIC_num_trades, TD_METRIC_maker_share, TD_METRIC_position,     TD_METRIC_max_inventory,
};

#define TD_COUNT_OF(list) ((int)(sizeof(list) / sizeof *(list)))
const td_tape_kind_info td_tape_kind_infos[TD_TAPE_KIND_COUNT] = {
    {"bars", "bars", "bar", TD_COUNT_OF(bar_knobs), TD_COUNT_OF(bar_metrics), TD_COUNT_OF(bar_keys), bar_knobs, bar_metrics, bar_keys},
    {"books", "order books", "row", TD_COUNT_OF(book_knobs), TD_COUNT_OF(book_metrics), TD_COUNT_OF(book_keys), book_knobs, book_metrics,
     book_keys},
};
_Static_assert(TD_COUNT_OF(bar_knobs) == TD_KNOB_BARS_COUNT && TD_COUNT_OF(bar_metrics) == TD_METRIC_BARS_COUNT,
               "those of bars are the first of the enums");

td_tape_kind td_strategy_tape_kind(const td_strategy *strategy) {
    return strategy && strategy->book ? TD_TAPE_OF_BOOKS : TD_TAPE_OF_BARS;
}

const td_knob_info *td_kind_knob(td_tape_kind kind, td_knob knob) {
    static const td_knob_info book_maker = {"maker", "costs.maker", 0, -1e9, 1e9, "",
                                            "fee of orders that rest, as costs.fees says; negative is a rebate"};
    /* what the lists above say, for who asks this of every knob of every set */
    if (kind == TD_TAPE_OF_BARS) return knob < TD_KNOB_BARS_COUNT ? &td_knob_infos[knob] : NULL;
    if (knob == TD_KNOB_maker) return &book_maker;
    return knob == TD_KNOB_cash || knob >= TD_KNOB_BARS_COUNT ? &td_knob_infos[knob] : NULL;
}

int td_kind_find_knob(td_tape_kind kind, const char *name) {
    const td_tape_kind_info *info = &td_tape_kind_infos[kind];
    for (int i = 0; i < info->knob_count; i++) {
        const td_knob_info *knob = &td_knob_infos[info->knobs[i]];
        if (!strcmp(knob->path, name) || !strcmp(knob->name, name)) return (int)info->knobs[i];
    }
    return -1;
}

bool td_kind_has_metric(td_tape_kind kind, td_metric metric) {
    for (int i = 0; i < td_tape_kind_infos[kind].metric_count; i++)
        if (td_tape_kind_infos[kind].metrics[i] == metric) return true;
    return false;
}

int td_kind_find_metric(td_tape_kind kind, const char *name) {
    int found = td_metric_find(name);
    return found >= 0 && td_kind_has_metric(kind, (td_metric)found) ? found : -1;
}
