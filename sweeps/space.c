/* See space.h.
 *
 * A grid is never stored. Without constraints trial and cell are the same number; with constraints the cells are counted once and
 * the count of good cells before every 128th cell is kept (8 bytes per 128 cells), so that finding a trial is a binary search and
 * at most 128 evaluations. */
#include "sweeps/space.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "sim/tape_kind.h"

enum { BLOCK_CELLS = 128, ATTEMPTS_MAX = 1000, VALUE_COUNT = TD_KNOB_COUNT + TD_PARAMS_MAX };
static const int64_t cells_max = (int64_t)1 << 53;     /* what a double counts exactly */
static const int64_t counted_cells_max = 10000000000;  /* with constraints: cells looked at one by one */

struct td_space {
    td_space_def def;
    int64_t cells, count, excluded;
    int64_t *before;   /* grid with constraints: good cells before cell 128 i */
    int64_t blocks;
    int64_t *kept;     /* list with constraints: the good rows */
};

int td_space_value_index(const td_strategy *strategy, const char *name, int *param, int *knob) {
    int ignored;
    if (!param) param = &ignored;
    if (!knob) knob = &ignored;
    *param = *knob = -1;
    for (int i = 0; i < td_strategy_param_count(strategy); i++) {
        if (strcmp(td_strategy_param(strategy, i)->name, name) != 0) continue;
        *param = i;
        return TD_KNOB_COUNT + i;
    }
    return *knob = td_kind_find_knob(td_strategy_tape_kind(strategy), name);
}

static void put(const td_axis *axis, double value, td_set *set) {
    if (axis->param >= 0)
        set->param[axis->param] = value;
    else
        set->knob[axis->knob] = value;
}

static void start_values(const td_space_def *def, double *values) {
    memcpy(values, def->base.knob, sizeof def->base.knob);
    memcpy(values + TD_KNOB_COUNT, def->base.param, sizeof def->base.param);
}

static int slot(const td_axis *axis) { return axis->param >= 0 ? TD_KNOB_COUNT + axis->param : axis->knob; }

static bool good(const td_space_def *def, const double *values) {
    for (int i = 0; i < def->constraint_count; i++)
        if (!td_expression_true(def->constraints[i], values)) return false;
    return true;
}

static void split_cell(const td_space_def *def, int64_t cell, int64_t *index) {
    for (int a = def->axis_count - 1; a >= 0; a--) {
        index[a] = cell % def->domains[a].count;
        cell /= def->domains[a].count;
    }
}

/* Walks cells from..to-1 until `wanted` good ones are found. Returns how many were found; *cell is the last one. */
static int64_t walk(const td_space_def *def, int64_t from, int64_t to, int64_t wanted, int64_t *cell) {
    double values[VALUE_COUNT];
    int64_t index[TD_AXES_MAX], found = 0;
    start_values(def, values);
    split_cell(def, from, index);
    for (int a = 0; a < def->axis_count; a++) values[slot(&def->axes[a])] = td_domain_at(&def->domains[a], index[a]);
    for (int64_t c = from; c < to; c++) {
        if (good(def, values)) {
            *cell = c;
            if (++found == wanted) break;
        }
        /* the next cell: count up like an odometer, last axis fastest */
        for (int a = def->axis_count - 1; a >= 0; a--) {
            bool carry = ++index[a] == def->domains[a].count;
            if (carry) index[a] = 0;
            values[slot(&def->axes[a])] = td_domain_at(&def->domains[a], index[a]);
            if (!carry) break;
        }
    }
    return found;
}

static int64_t find_cell(const td_space *space, int64_t trial) {
    if (!space->before) return trial;
    int64_t low = 0, high = space->blocks - 1;
    while (low < high) {
        int64_t middle = low + (high - low + 1) / 2;
        if (space->before[middle] <= trial)
            low = middle;
        else
            high = middle - 1;
    }
    int64_t from = low * BLOCK_CELLS, to = from + BLOCK_CELLS, cell = 0;
    if (to > space->cells) to = space->cells;
    int64_t wanted = trial - space->before[low] + 1;
    int64_t found = walk(&space->def, from, to, wanted, &cell);
    assert(found == wanted);
    (void)found;
    return cell;
}

/* Is a draw within what the parameter or knob allows? Unbounded distributions go beyond. */
static bool within(const td_axis *axis, double value) { return value >= axis->minimum && value <= axis->maximum; }

/* Draws until everything is within bounds and the constraints hold. */
static bool draw(const td_space_def *def, int64_t trial, double *values) {
    double all[VALUE_COUNT];
    start_values(def, all);
    for (uint64_t attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
        bool inside = true;
        for (int a = 0; a < def->axis_count; a++) {
            double u = td_random_uniform(def->seed, TD_PURPOSE_SAMPLER, (uint64_t)trial, attempt * 64 + (uint64_t)a);
            values[a] = td_domain_draw(&def->domains[a], u);
            all[slot(&def->axes[a])] = values[a];
            inside = inside && within(&def->axes[a], values[a]);
        }
        if (inside && good(def, all)) return true;
    }
    return false;
}

/* May a draw be refused at all? */
static bool may_refuse(const td_space_def *def) {
    if (def->constraint_count) return true;
    for (int a = 0; a < def->axis_count; a++) {
        const td_domain *domain = &def->domains[a];
        if (domain->distribution >= TD_DISTRIBUTION_normal) return true;
        if (domain->count == 0 && (!within(&def->axes[a], domain->minimum) || !within(&def->axes[a], domain->maximum))) return true;
        /* rounding to whole numbers or multiples may step over a bound */
        if (domain->count == 0 && (domain->whole || domain->q > 0)) return true;
    }
    return false;
}

static td_status make_grid(td_space *space, td_error *error) {
    const td_space_def *def = &space->def;
    space->cells = 1;
    for (int a = 0; a < def->axis_count; a++) {
        assert(def->domains[a].count > 0);
        if (__builtin_mul_overflow(space->cells, def->domains[a].count, &space->cells) || space->cells > cells_max)
            return td_fail(error, TD_BAD_CONFIG, "the grid has more than 2^53 cells; narrow the axes or use method random");
    }
    space->count = space->cells;
    if (!def->constraint_count) return TD_OK;
    if (space->cells > counted_cells_max)
        return td_fail(error, TD_BAD_CONFIG,
                       "the grid has %lld cells, and with constraints every one is looked at; at most %lld, or use "
                       "method random", (long long)space->cells, (long long)counted_cells_max);
    space->blocks = (space->cells + BLOCK_CELLS - 1) / BLOCK_CELLS;
    space->before = malloc((size_t)space->blocks * sizeof *space->before);
    if (!space->before) return td_fail(error, TD_NO_MEMORY, "memory ran out for the index of %lld cells", (long long)space->cells);
    space->count = 0;
    for (int64_t block = 0, cell; block < space->blocks; block++) {
        int64_t from = block * BLOCK_CELLS, to = from + BLOCK_CELLS < space->cells ? from + BLOCK_CELLS : space->cells;
        space->before[block] = space->count;
        space->count += walk(def, from, to, INT64_MAX, &cell);
    }
    space->excluded = space->cells - space->count;
    if (!space->count && def->axis_count == 0)
        return td_fail(error, TD_BAD_CONFIG, "the constraints exclude the one parameter set there is");
    if (!space->count)
        return td_fail(error, TD_BAD_CONFIG, "the constraints exclude all %lld cells of the grid", (long long)space->cells);
    return TD_OK;
}

static td_status make_list(td_space *space, td_error *error) {
    const td_space_def *def = &space->def;
    space->count = def->row_count;
    if (!space->count) return td_fail(error, TD_BAD_CONFIG, "the list has no rows");
    if (!def->constraint_count) return TD_OK;
    space->kept = malloc((size_t)def->row_count * sizeof *space->kept);
    if (!space->kept) return td_fail(error, TD_NO_MEMORY, "memory ran out for a list of %lld rows", (long long)def->row_count);
    double values[VALUE_COUNT];
    start_values(def, values);
    space->count = 0;
    for (int64_t row = 0; row < def->row_count; row++) {
        for (int a = 0; a < def->axis_count; a++) values[slot(&def->axes[a])] = def->rows[row * def->axis_count + a];
        if (good(def, values)) space->kept[space->count++] = row;
    }
    space->excluded = def->row_count - space->count;
    if (!space->count)
        return td_fail(error, TD_BAD_CONFIG, "the constraints exclude all %lld rows of the list", (long long)def->row_count);
    return TD_OK;
}

static td_status make_random(td_space *space, td_error *error) {
    const td_space_def *def = &space->def;
    space->count = def->trials;
    if (!may_refuse(def)) return TD_OK;
    double values[TD_AXES_MAX];
    for (int64_t trial = 0; trial < def->trials; trial++)
        if (!draw(def, trial, values))
            return td_fail(error, TD_BAD_CONFIG, "the constraints and bounds exclude all of %d draws for trial %lld", ATTEMPTS_MAX,
                           (long long)trial);
    return TD_OK;
}

td_status td_space_make(td_space_def *def, td_space **space, td_error *error) {
    td_space *made = calloc(1, sizeof *made);
    *space = NULL;
    if (!made) {
        td_space holder = {.def = *def};
        td_space_def_free(&holder.def);
        return td_fail(error, TD_NO_MEMORY, "memory ran out for the search space");
    }
    made->def = *def;
    memset(def, 0, sizeof *def);
    td_status status = made->def.method == TD_METHOD_GRID ? make_grid(made, error)
                       : made->def.method == TD_METHOD_LIST ? make_list(made, error)
                                                            : make_random(made, error);
    if (status != TD_OK) {
        td_space_free(made);
        return status;
    }
    if (made->def.trials && made->count > made->def.trials) made->count = made->def.trials;
    *space = made;
    return TD_OK;
}

void td_space_def_free(td_space_def *def) {
    for (int a = 0; a < def->axis_count; a++) td_domain_free(&def->domains[a]);
    for (int i = 0; i < def->constraint_count; i++) td_expression_free(def->constraints[i]);
    free(def->constraints);
    free(def->rows);
    memset(def, 0, sizeof *def);
}

void td_space_free(td_space *space) {
    if (!space) return;
    td_space_def_free(&space->def);
    free(space->before);
    free(space->kept);
    free(space);
}

int64_t td_space_count(const td_space *space) { return space->count; }
int64_t td_space_excluded(const td_space *space) { return space->excluded; }
td_method td_space_method(const td_space *space) { return space->def.method; }
int td_space_axis_count(const td_space *space) { return space->def.axis_count; }

const td_axis *td_space_axis(const td_space *space, int index) {
    assert(index >= 0 && index < space->def.axis_count);
    return &space->def.axes[index];
}

void td_space_values(const td_space *space, int64_t trial, double *values) {
    const td_space_def *def = &space->def;
    assert(trial >= 0 && trial < space->count);
    if (def->method == TD_METHOD_RANDOM) {
        bool drawn = draw(def, trial, values);
        assert(drawn); /* td_space_make() has tried */
        (void)drawn;
    } else if (def->method == TD_METHOD_LIST) {
        int64_t row = space->kept ? space->kept[trial] : trial;
        if (def->axis_count) memcpy(values, def->rows + row * def->axis_count, (size_t)def->axis_count * sizeof *values);
    } else {
        int64_t index[TD_AXES_MAX];
        split_cell(def, find_cell(space, trial), index);
        for (int a = 0; a < def->axis_count; a++) values[a] = td_domain_at(&def->domains[a], index[a]);
    }
}

void td_space_set(const td_space *space, int64_t trial, td_set *set) {
    double values[TD_AXES_MAX];
    td_space_values(space, trial, values);
    *set = space->def.base;
    for (int a = 0; a < space->def.axis_count; a++) put(&space->def.axes[a], values[a], set);
}

int td_space_words(const td_space *space, int axis, double *values, int room) {
    const td_space_def *def = &space->def;
    int count = 0;
    for (int64_t i = 0, rows = def->method == TD_METHOD_LIST ? def->row_count : def->domains[axis].count; i < rows; i++) {
        double x = def->method == TD_METHOD_LIST ? def->rows[i * def->axis_count + axis] : td_domain_at(&def->domains[axis], i);
        int at = 0;
        while (at < count && values[at] < x) at++;
        if ((at < count && values[at] == x) || count == room) continue;
        memmove(values + at + 1, values + at, (size_t)(count - at) * sizeof *values);
        values[at] = x;
        count++;
    }
    return count;
}

size_t td_space_bytes(const td_space *space) {
    const td_space_def *def = &space->def;
    size_t bytes = sizeof *space + (size_t)space->blocks * sizeof *space->before;
    bytes += (size_t)def->row_count * ((size_t)def->axis_count * sizeof *def->rows + (space->kept ? sizeof *space->kept : 0));
    for (int a = 0; a < def->axis_count; a++)
        bytes += (size_t)def->domains[a].count * ((def->domains[a].values ? sizeof(double) : 0) + (def->domains[a].probabilities
                                                                                                   ? sizeof(double) : 0));
    return bytes;
}
