/* Names to things: strategies and row kinds with their kernels per instruction set, knobs, reasons. The lists are made by the
 * build from the folders strategies/ and data/rows/. */
#include <math.h>
#include <string.h>

#include "data/row_kind.h"
#include "sim/events.h"
#include "sim/skip.h"
#include "tapedeck_rows.h"
#include "tapedeck_strategies.h"

/* strategies: the description lives in the scalar unit, a kernel in each */
TD_STRATEGIES_LIST(TD_DECLARE_STRATEGY)

enum {
#define TD_ONE(unit) TD_STRATEGY_##unit,
    TD_STRATEGIES_LIST(TD_ONE)
#undef TD_ONE
    STRATEGY_COUNT
};

static td_strategy strategies[STRATEGY_COUNT];
static char names[STRATEGY_COUNT][64];

/* file names use _, names that people type use - */
__attribute__((constructor)) static void fill_strategies(void) {
#define TD_KERNEL_POINTER(unit, isa) &td_kernel_##unit##_##isa,
#define TD_ONE(unit)                                                                                                             \
    {                                                                                                                            \
        static const td_kernel *const kernels[] = {TD_EACH_ISA(TD_KERNEL_POINTER, unit)};                                        \
        td_strategy *strategy = &strategies[TD_STRATEGY_##unit];                                                                 \
        *strategy = td_strategy_info_##unit;                                                                                     \
        strncpy(names[TD_STRATEGY_##unit], #unit, sizeof names[0] - 1);                                                          \
        for (char *c = names[TD_STRATEGY_##unit]; *c; c++)                                                                       \
            if (*c == '_') *c = '-';                                                                                             \
        strategy->name = names[TD_STRATEGY_##unit];                                                                              \
        for (size_t i = 0; i < sizeof kernels / sizeof *kernels; i++) strategy->kernels[i] = kernels[i];                         \
    }
    TD_STRATEGIES_LIST(TD_ONE)
#undef TD_ONE
}

/* strategies from outside the build */
enum { ADDED_MAX = 64 };
static const td_strategy *added[ADDED_MAX];
static int added_count;

int td_strategy_count(void) { return STRATEGY_COUNT + added_count; }
const td_strategy *td_strategy_at(int index) { return index < STRATEGY_COUNT ? &strategies[index] : added[index - STRATEGY_COUNT]; }
const td_strategy *td_strategy_find(const char *name) {
    for (int i = 0; i < td_strategy_count(); i++)
        if (!strcmp(td_strategy_at(i)->name, name)) return td_strategy_at(i);
    return NULL;
}

td_status td_strategy_add(const td_strategy *strategy, td_error *error) {
    if (td_strategy_find(strategy->name)) return td_fail(error, TD_BAD_ARG, "there is already a strategy '%s'", strategy->name);
    if (added_count == ADDED_MAX) return td_fail(error, TD_BAD_ARG, "no room for strategy '%s': at most %d can be added", strategy->name, ADDED_MAX);
    added[added_count++] = strategy;
    return TD_OK;
}
const char *td_strategy_name(const td_strategy *strategy) { return strategy->name; }
const char *td_strategy_text(const td_strategy *strategy) { return strategy->text; }
const char *td_strategy_source(const td_strategy *strategy) { return strategy->source; }
int td_strategy_param_count(const td_strategy *strategy) { return strategy->param_count; }
const td_param_info *td_strategy_param(const td_strategy *strategy, int index) { return &strategy->params[index]; }

/* rows */
#define TD_DECLARE_ROW(unit, isa) extern const td_row_kernel td_row_kernel_##unit##_##isa;
#define TD_ONE(unit)                                                                                                             \
    extern const td_row_kind td_row_kind_##unit;                                                                                 \
    TD_EACH_ISA(TD_DECLARE_ROW, unit)
TD_ROWS_LIST(TD_ONE)
#undef TD_ONE

enum {
#define TD_ONE(unit) TD_ROW_KIND_##unit,
    TD_ROWS_LIST(TD_ONE)
#undef TD_ONE
    ROW_KIND_COUNT
};

static td_row_kind row_kinds[ROW_KIND_COUNT];

__attribute__((constructor)) static void fill_row_kinds(void) {
#define TD_ROW_POINTER(unit, isa) &td_row_kernel_##unit##_##isa,
#define TD_ONE(unit)                                                                                                             \
    {                                                                                                                            \
        static const td_row_kernel *const kernels[] = {TD_EACH_ISA(TD_ROW_POINTER, unit)};                                       \
        td_row_kind *kind = &row_kinds[TD_ROW_KIND_##unit];                                                                      \
        *kind = td_row_kind_##unit;                                                                                              \
        kind->name = #unit;                                                                                                      \
        for (size_t i = 0; i < sizeof kernels / sizeof *kernels; i++) kind->kernels[i] = kernels[i];                             \
    }
    TD_ROWS_LIST(TD_ONE)
#undef TD_ONE
}

int td_row_kind_count(void) { return ROW_KIND_COUNT; }
const td_row_kind *td_row_kind_at(int index) { return &row_kinds[index]; }
const td_row_kind *td_row_kind_find(const char *name) {
    for (int i = 0; i < ROW_KIND_COUNT; i++)
        if (!strcmp(row_kinds[i].name, name)) return &row_kinds[i];
    return NULL;
}

/* the skip engine's scan */
#define TD_DECLARE_SCAN(unit, isa) extern const td_skip_kernel td_skip_kernel_##unit##_##isa;
TD_EACH_ISA(TD_DECLARE_SCAN, scan)
const td_skip_kernel *td_skip_kernel_for(td_isa isa) {
#define TD_SCAN_POINTER(unit, isa) &td_skip_kernel_##unit##_##isa,
    static const td_skip_kernel *const kernels[] = {TD_EACH_ISA(TD_SCAN_POINTER, scan)};
    return kernels[isa];
}

/* the lane engine's events */
#define TD_DECLARE_EVENTS(unit, isa) extern const td_events td_events_##unit##_##isa[TD_ROUTES];
TD_EACH_ISA(TD_DECLARE_EVENTS, lane_events)
const td_events *td_events_for(td_isa isa, td_route route) {
#define TD_EVENTS_POINTER(unit, isa) td_events_##unit##_##isa,
    static const td_events *const events[] = {TD_EACH_ISA(TD_EVENTS_POINTER, lane_events)};
    return &events[isa][route];
}

/* knobs and reasons */
const td_knob_info td_knob_infos[TD_KNOB_COUNT] = {
#define TD_KNOB_INFO(name, path, preset, low, high, unit, text) {#name, path, preset, low, high, unit, text},
    TD_KNOBS(TD_KNOB_INFO) TD_BOOK_KNOBS(TD_KNOB_INFO)
#undef TD_KNOB_INFO
};

bool td_knob_is_whole(td_knob knob) {
    static const char *const units[] = {"bars", "entries", "ns", "queue model", "exchange model", "latency model"};
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (!strcmp(td_knob_infos[knob].unit, units[i])) return true;
    return false;
}
bool td_knob_needs_volatility(td_knob knob) {
    return knob == TD_KNOB_stop_volatility || knob == TD_KNOB_target_volatility || knob == TD_KNOB_trailing_volatility;
}
const char *td_profile_name(td_profile profile) {
    static const char *const names[TD_PROFILE_COUNT] = {"tapedeck", "backtesting", "vectorbt"};
    return names[profile];
}
const char *td_sizing_name(td_sizing sizing) {
    static const char *const sizings[] = {"all_in", "fixed_units", "fraction", "fixed_value", "risk", "volatility", "kelly"};
    return sizings[sizing];
}
bool td_size_is_fraction(td_sizing sizing) { return sizing == TD_SIZING_FRACTION || sizing == TD_SIZING_RISK || sizing == TD_SIZING_KELLY; }

#define TD_NAME(name, text) #name,
#define TD_TEXT(name, text) text,
static const char *const cell_reason_names[] = {TD_CELL_REASONS(TD_NAME)};
static const char *const cell_reason_texts[] = {TD_CELL_REASONS(TD_TEXT)};
static const char *const fill_reason_names[] = {TD_FILL_REASONS(TD_NAME)};
static const char *const fill_reason_texts[] = {TD_FILL_REASONS(TD_TEXT)};
const char *td_cell_reason_name(td_cell_reason reason) { return cell_reason_names[reason]; }
const char *td_cell_reason_text(td_cell_reason reason) { return cell_reason_texts[reason]; }
const char *td_fill_reason_name(td_fill_reason reason) { return fill_reason_names[reason]; }
const char *td_fill_reason_text(td_fill_reason reason) { return fill_reason_texts[reason]; }

td_set td_default_set(const td_strategy *strategy) {
    td_set set = {0};
    for (int i = 0; i < TD_KNOB_COUNT; i++) set.knob[i] = td_knob_infos[i].preset;
    for (int i = 0; i < strategy->param_count; i++) set.param[i] = strategy->params[i].preset;
    return set;
}

td_play_def td_default_play_def(void) {
    return (td_play_def){.blocks = 64, .tier_days = 30, .row_scale = 1, .cookie = TD_PLAY_DEF_COOKIE,
                         .vectorbt = {.upon_opposite_entry = TD_UPON_REVERSE_REDUCE, .upon_stop_exit = TD_UPON_CLOSE, .min_size = 1e-8,
                                      .max_size = INFINITY},
                         .book = td_default_book_def()};
}
