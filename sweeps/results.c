/* Writing and reading the results file; see results.h.
 *
 * Writing streams: a batch of trials is read from the journal in trial order into one buffer per variable and written as whole
 * chunks, so HDF5 keeps no chunk cache and every chunk is compressed once. What HDF5 fails at is read off its error stack. */
#include "sweeps/results.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <gsl/gsl_version.h>
#include <hdf5.h>
#include <hdf5_hl.h>
#include <inttypes.h>
#include <jansson.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "commit.h"

#define SCHEMA "tapedeck-results"
#define SCHEMA_ATTRIBUTE "tapedeck_schema" /* and tapedeck_schema_version, as in tape files */
enum {
    SCHEMA_VERSION = 1,
    BATCH = 4096,                 /* trials per write = trials per chunk */
    BLOCK_CHUNK_VALUES = 1 << 16, /* of block_return, about */
    METADATA_BYTES = 1 << 19,     /* what HDF5 adds for itself, at most, between two reservations */
    VARIABLES_MAX = TD_METRIC_COUNT + TD_AXES_MAX + 16,
    TEXT_MAX = 1 << 24,           /* of an attribute that is believed */
};

/* ---- HDF5's words ---- */

static herr_t note_reason(unsigned depth, const H5E_error2_t *entry, void *context) {
    /* the walk goes from the cause up; the operating system's words are inside "... error message = 'X' ..." */
    char *reason = context;
    const char *system = entry->desc ? strstr(entry->desc, "error message = '") : NULL;
    if (system) {
        system += strlen("error message = '");
        snprintf(reason, 160, "%.*s", (int)strcspn(system, "'"), system);
        return 1;
    }
    if (depth == 0 && entry->desc) snprintf(reason, 160, "%s", entry->desc);
    return 0;
}

/* What the last HDF5 call failed at; reason has 160 bytes. */
static const char *hdf5_reason(char *reason) {
    strcpy(reason, "HDF5 does not say why");
    H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, note_reason, reason);
    H5Eclear2(H5E_DEFAULT);
    for (char *c = reason; *c; c++)
        if (*c == '\n') *c = ' ';
    return reason;
}

static hid_t make_text_type(void) {
    hid_t type = H5Tcopy(H5T_C_S1);
    if (type >= 0 && (H5Tset_size(type, H5T_VARIABLE) < 0 || H5Tset_cset(type, H5T_CSET_UTF8) < 0)) H5Tclose(type), type = -1;
    return type;
}

/* ---- names of variables ---- */

static const char *const own_variables[] = {"trial",      "block", "state",        "reason",      "reason_bar",
                                            "ruined",     "hash",  "block_return", "block_start", "block_end"};

/* The variable of an axis: its own name, or axis_<name> where that belongs to something else. name has 80 bytes. */
static const char *axis_variable(const char *axis, char *name) {
    bool taken = td_metric_find(axis) >= 0;
    for (size_t i = 0; i < sizeof own_variables / sizeof *own_variables; i++) taken |= !strcmp(axis, own_variables[i]);
    snprintf(name, 80, "%s%.63s", taken ? "axis_" : "", axis);
    return name;
}

/* ---- writing ---- */

typedef struct variable {
    hid_t dataset, memory_type;
    size_t bytes; /* of one trial */
    char *batch;  /* (BATCH, bytes) */
} variable;

typedef struct writer {
    const char *path, *temporary;
    hid_t file, text_type, trial_scale, block_scale;
    int64_t trials, blocks;
    char coordinates[TD_AXES_MAX * 80]; /* "fast slow" */
    variable variables[VARIABLES_MAX];
    int variable_count;
    td_error *error;
} writer;

static td_status refuse(const writer *w, const char *what) {
    char reason[160];
    return td_fail(w->error, TD_IO, "results %s: %s cannot be written: %s", w->path, what, hdf5_reason(reason));
}

static td_status put_attribute(const writer *w, hid_t object, const char *name, hid_t file_type, hid_t memory_type, int64_t count,
                               const void *values) {
    hsize_t size = (hsize_t)count;
    hid_t space = count < 0 ? H5Screate(H5S_SCALAR) : H5Screate_simple(1, &size, NULL);
    hid_t attribute = space < 0 ? -1 : H5Acreate2(object, name, file_type, space, H5P_DEFAULT, H5P_DEFAULT);
    bool bad = attribute < 0 || H5Awrite(attribute, memory_type, values) < 0;
    td_status status = bad ? refuse(w, name) : TD_OK;
    if (attribute >= 0 && H5Aclose(attribute) < 0 && status == TD_OK) status = refuse(w, name);
    if (space >= 0) H5Sclose(space);
    return status;
}

/* Length of the UTF-8 character at text, 0 when it is none: paths and command lines may hold any bytes. */
static int utf8_length(const unsigned char *text) {
    int more = -1;
    if (text[0] < 0x80) more = 0;
    else if (text[0] >= 0xC2 && text[0] < 0xE0) more = 1;
    else if (text[0] >= 0xE0 && text[0] < 0xF0) more = 2;
    else if (text[0] >= 0xF0 && text[0] < 0xF5) more = 3;
    for (int i = 1; i <= more; i++)
        if ((text[i] & 0xC0) != 0x80) return 0;
    return more + 1;
}

static td_status put_text(const writer *w, hid_t object, const char *name, const char *text) {
    char *clean = strdup(text ? text : "");
    if (!clean) return td_fail(w->error, TD_NO_MEMORY, "results %s: no memory for %s", w->path, name);
    for (char *c = clean; *c;) {
        int length = utf8_length((const unsigned char *)c);
        if (length) c += length;
        else *c++ = '?';
    }
    td_status status = put_attribute(w, object, name, w->text_type, w->text_type, -1, &clean);
    free(clean);
    return status;
}

static td_status put_integer(const writer *w, hid_t object, const char *name, int64_t value) {
    return put_attribute(w, object, name, H5T_STD_I64LE, H5T_NATIVE_INT64, -1, &value);
}

static td_status put_number(const writer *w, hid_t object, const char *name, double value) {
    return put_attribute(w, object, name, H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, -1, &value);
}

static td_status put_time(const writer *w, hid_t object, const char *name, int64_t time_ns) {
    char text[32];
    return put_text(w, object, name, td_time_text(time_ns, text));
}

/* An empty dataset over (rows) or (rows, width), in chunks of chunk_rows; NaN or 0 is what was never written. */
static hid_t make_dataset(const writer *w, const char *name, hid_t file_type, int64_t rows, int64_t width, int64_t chunk_rows) {
    hsize_t size[2] = {(hsize_t)rows, (hsize_t)width};
    hsize_t chunk[2] = {(hsize_t)(chunk_rows < rows ? chunk_rows : rows), (hsize_t)width};
    int rank = width > 0 ? 2 : 1;
    bool is_float = H5Tget_class(file_type) == H5T_FLOAT;
    double nan = NAN;
    int64_t zero = 0;
    hid_t dataset = -1, space = H5Screate_simple(rank, size, NULL);
    hid_t create = H5Pcreate(H5P_DATASET_CREATE), access = H5Pcreate(H5P_DATASET_ACCESS);
    /* no chunk cache: chunks are written whole */
    if (space >= 0 && create >= 0 && access >= 0 && H5Pset_chunk(create, rank, chunk) >= 0 && H5Pset_shuffle(create) >= 0 &&
        H5Pset_deflate(create, 1) >= 0 && H5Pset_obj_track_times(create, 0) >= 0 &&
        H5Pset_attr_creation_order(create, H5P_CRT_ORDER_TRACKED | H5P_CRT_ORDER_INDEXED) >= 0 &&
        H5Pset_fill_value(create, is_float ? H5T_NATIVE_DOUBLE : H5T_NATIVE_INT64, is_float ? (void *)&nan : (void *)&zero) >= 0 &&
        H5Pset_chunk_cache(access, 1, 0, 1) >= 0)
        dataset = H5Dcreate2(w->file, name, file_type, space, H5P_DEFAULT, create, access);
    if (space >= 0) H5Sclose(space);
    if (create >= 0) H5Pclose(create);
    if (access >= 0) H5Pclose(access);
    return dataset;
}

/* Names, units, dimensions of a dataset that was just made. coordinates may be NULL. */
static td_status describe(const writer *w, hid_t dataset, const char *name, const char *long_name, const char *units,
                          const char *coordinates, hid_t scale_0, hid_t scale_1) {
    if (dataset < 0) return refuse(w, name);
    TD_TRY(put_text(w, dataset, "long_name", long_name));
    if (units && units[0]) TD_TRY(put_text(w, dataset, "units", units));
    if (coordinates && coordinates[0]) TD_TRY(put_text(w, dataset, "coordinates", coordinates));
    if ((scale_0 >= 0 && H5DSattach_scale(dataset, scale_0, 0) < 0) || (scale_1 >= 0 && H5DSattach_scale(dataset, scale_1, 1) < 0))
        return refuse(w, name);
    return TD_OK;
}

/* A variable over trials, filled batch by batch; batch is where the caller puts its values. */
static td_status add_variable(writer *w, const char *name, hid_t file_type, hid_t memory_type, const char *long_name,
                              const char *units, const char *coordinates, int64_t width, void *batch_pointer) {
    assert(w->variable_count < VARIABLES_MAX);
    variable *v = &w->variables[w->variable_count];
    *v = (variable){.dataset = -1, .memory_type = memory_type, .bytes = H5Tget_size(memory_type) * (size_t)(width > 0 ? width : 1)};
    w->variable_count++;
    v->batch = malloc((size_t)BATCH * v->bytes);
    if (!v->batch) return td_fail(w->error, TD_NO_MEMORY, "results %s: no memory for %s", w->path, name);
    memcpy(batch_pointer, &v->batch, sizeof v->batch);

    /* rows of a chunk divide a batch */
    int64_t rows = BATCH;
    while (width > 0 && rows > 1 && rows * width > BLOCK_CHUNK_VALUES) rows /= 2;
    v->dataset = make_dataset(w, name, file_type, w->trials, width, rows);
    TD_TRY(describe(w, v->dataset, name, long_name, units, coordinates, w->trial_scale, width > 0 ? w->block_scale : -1));
    if (H5Tget_class(file_type) != H5T_FLOAT) return TD_OK;
    double nan = NAN;
    return put_attribute(w, v->dataset, "_FillValue", file_type, H5T_NATIVE_DOUBLE, -1, &nan);
}

/* CF flags: what the small integers of a variable mean. */
static td_status put_flags(const writer *w, hid_t dataset, int count, const char *meanings) {
    int8_t values[16];
    assert(count <= 16);
    for (int i = 0; i < count; i++) values[i] = (int8_t)i;
    TD_TRY(put_attribute(w, dataset, "flag_values", H5T_STD_I8LE, H5T_NATIVE_INT8, count, values));
    return put_text(w, dataset, "flag_meanings", meanings);
}

static const char *method_name(td_method method) {
    return method == TD_METHOD_GRID ? "grid" : method == TD_METHOD_LIST ? "list" : "random";
}

/* The strategy's parameters that the sweep holds fixed, as JSON; the caller frees. */
static char *constants_text(const td_config *config) {
    json_t *constants = json_object();
    int axes = td_space_axis_count(config->space);
    for (int p = 0; p < td_strategy_param_count(config->play.strategy); p++) {
        const td_param_info *info = td_strategy_param(config->play.strategy, p);
        bool swept = false;
        for (int a = 0; a < axes; a++) swept |= td_space_axis(config->space, a)->param == p;
        double value = config->base.param[p];
        if (swept) continue;
        bool whole = info->kind != TD_PARAM_NUMBER;
        json_object_set_new(constants, info->name, whole ? json_integer((json_int_t)value) : json_real(value));
    }
    char *text = json_dumps(constants, JSON_REAL_PRECISION(17));
    json_decref(constants);
    return text;
}

/* "model name" of the processor, "unknown" where the kernel does not say */
static void processor_name(char *name, size_t size) {
    snprintf(name, size, "unknown");
    FILE *file = fopen("/proc/cpuinfo", "r");
    char line[256];
    while (file && fgets(line, sizeof line, file)) {
        if (strncmp(line, "model name", 10)) continue;
        char *value = strchr(line, ':');
        if (value) snprintf(name, size, "%.*s", (int)strcspn(value + 2, "\n"), value + 2);
        break;
    }
    if (file) fclose(file);
}

/* what the sweep is: the same for every run of it */
static td_status put_sweep(const writer *w, const td_config *config, const td_tape *tape, const td_deck *deck) {
    hid_t root = w->file;
    char title[256];
    const char *strategy = td_strategy_name(config->play.strategy);
    if (config->name && config->name[0]) snprintf(title, sizeof title, "%s", config->name);
    else snprintf(title, sizeof title, "%s on %s %s", strategy, tape->symbol, tape->interval);
    TD_TRY(put_text(w, root, "Conventions", "CF-1.10"));
    TD_TRY(put_text(w, root, SCHEMA_ATTRIBUTE, SCHEMA));
    TD_TRY(put_integer(w, root, SCHEMA_ATTRIBUTE "_version", SCHEMA_VERSION));
    TD_TRY(put_text(w, root, "title", title));
    TD_TRY(put_text(w, root, "config_path", config->path));
    TD_TRY(put_text(w, root, "config_text", config->text));
    TD_TRY(put_text(w, root, "config_resolved", config->resolved));
    TD_TRY(put_text(w, root, "config_digest", config->digest));
    TD_TRY(put_text(w, root, "tape_path", config->tape));
    TD_TRY(put_text(w, root, "tape_digest", tape->digest));
    TD_TRY(put_text(w, root, "tape_symbol", tape->symbol));
    TD_TRY(put_text(w, root, "tape_interval", tape->interval));
    TD_TRY(put_integer(w, root, "bars", td_deck_bars(deck)));
    TD_TRY(put_time(w, root, "first_bar_time", tape->time_ns[td_deck_block_start(deck, 0)]));
    TD_TRY(put_time(w, root, "last_bar_time", tape->time_ns[td_deck_block_start(deck, w->blocks) - 1]));
    TD_TRY(put_number(w, root, "periods_per_year", td_deck_periods_per_year(deck)));
    TD_TRY(put_text(w, root, "strategy", strategy));
    if (td_strategy_source(config->play.strategy)) {
        TD_TRY(put_text(w, root, "strategy_source", td_strategy_source(config->play.strategy)));
        TD_TRY(put_text(w, root, "strategy_path", config->strategy ? config->strategy : ""));
    }
    TD_TRY(put_text(w, root, "profile", config->play.profile == TD_PROFILE_BACKTESTING ? "backtesting" : "tapedeck"));
    TD_TRY(put_text(w, root, "method", method_name(td_space_method(config->space))));
    TD_TRY(put_text(w, root, "metric", td_metric_infos[config->metric].name));
    TD_TRY(put_text(w, root, "goal", config->goal < 0 ? "minimize" : "maximize"));
    TD_TRY(put_attribute(w, root, "seed", H5T_STD_U64LE, H5T_NATIVE_UINT64, -1, &config->seed));
    char *constants = constants_text(config);
    td_status status = put_text(w, root, "constants", constants);
    free(constants);
    TD_TRY(status);
    TD_TRY(put_integer(w, root, "trials", w->trials));
    TD_TRY(put_integer(w, root, "excluded", td_space_excluded(config->space)));
    TD_TRY(put_integer(w, root, "blocks", w->blocks));
    const char *names[TD_AXES_MAX];
    int axes = td_space_axis_count(config->space);
    for (int a = 0; a < axes; a++) names[a] = td_space_axis(config->space, a)->name;
    return axes ? put_attribute(w, root, "axes", w->text_type, w->text_type, axes, names) : TD_OK;
}

/* how it was run: differs from run to run */
static td_status put_run(const writer *w, const td_journal *journal, const td_sweep_info *info) {
    hid_t root = w->file;
    char text[160];
    unsigned major, minor, release;
    H5get_libversion(&major, &minor, &release);
    TD_TRY(put_integer(w, root, "done", td_journal_done(journal)));
    TD_TRY(put_integer(w, root, "failed", td_journal_failed(journal)));
    TD_TRY(put_text(w, root, "tapedeck_version", TAPEDECK_VERSION));
    TD_TRY(put_text(w, root, "git_commit", TAPEDECK_COMMIT));
    TD_TRY(put_integer(w, root, "git_dirty", TAPEDECK_COMMIT_DIRTY));
#ifdef __clang__
    TD_TRY(put_text(w, root, "compiler", __VERSION__));
#else
    TD_TRY(put_text(w, root, "compiler", "GCC " __VERSION__));
#endif
    snprintf(text, sizeof text, "%u.%u.%u", major, minor, release);
    TD_TRY(put_text(w, root, "hdf5_version", text));
    TD_TRY(put_text(w, root, "gsl_version", gsl_version));
    processor_name(text, sizeof text);
    TD_TRY(put_text(w, root, "cpu", text));
    TD_TRY(put_integer(w, root, "threads", info->threads));
    TD_TRY(put_text(w, root, "isa", td_isa_name(info->isa)));
    TD_TRY(put_text(w, root, "engine", td_engine_name(info->engine)));
    TD_TRY(put_time(w, root, "started", info->started_ns));
    TD_TRY(put_time(w, root, "finished", info->finished_ns));
    TD_TRY(put_number(w, root, "play_seconds", info->play_seconds));
    TD_TRY(put_integer(w, root, "sessions", info->sessions));
    return put_text(w, root, "command", info->command);
}

/* a dimension: a dataset of its own numbers that others attach */
static td_status add_scale(writer *w, const char *name, const char *long_name, int64_t size, hid_t *scale) {
    *scale = make_dataset(w, name, H5T_STD_I64LE, size, 0, BATCH);
    if (*scale < 0 || H5DSset_scale(*scale, name) < 0) return refuse(w, name);
    return put_text(w, *scale, "long_name", long_name);
}

static td_status write_whole(const writer *w, hid_t dataset, const char *name, const int64_t *values) {
    return H5Dwrite(dataset, H5T_NATIVE_INT64, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) < 0 ? refuse(w, name) : TD_OK;
}

/* block_start or block_end, in CF microseconds */
static td_status add_block_time(writer *w, const char *name, const char *long_name, const int64_t *time_us) {
    hid_t dataset = make_dataset(w, name, H5T_STD_I64LE, w->blocks, 0, BATCH);
    td_status status = describe(w, dataset, name, long_name, "microseconds since 1970-01-01 00:00:00", NULL, w->block_scale, -1);
    if (status == TD_OK) status = put_text(w, dataset, "calendar", "proleptic_gregorian");
    if (status == TD_OK) status = write_whole(w, dataset, name, time_us);
    if (dataset >= 0) H5Dclose(dataset);
    return status;
}

static td_status put_blocks(writer *w, const td_tape *tape, const td_deck *deck) {
    if (w->blocks < 1) return TD_OK;
    int64_t numbers[TD_BLOCKS_MAX], starts[TD_BLOCKS_MAX], ends[TD_BLOCKS_MAX];
    for (int64_t b = 0; b < w->blocks; b++) {
        numbers[b] = b;
        starts[b] = tape->time_ns[td_deck_block_start(deck, b)] / 1000;
        ends[b] = (tape->time_ns[td_deck_block_start(deck, b + 1) - 1] + tape->interval_ns) / 1000;
    }
    TD_TRY(add_scale(w, "block", "block of bars", w->blocks, &w->block_scale));
    TD_TRY(write_whole(w, w->block_scale, "block", numbers));
    TD_TRY(add_block_time(w, "block_start", "open time of the first bar of the block", starts));
    return add_block_time(w, "block_end", "open time of the last bar of the block plus the interval", ends);
}

/* Is a metric annualised, so that it means nothing without the periods per year? */
static bool is_annualised(int metric) {
    return metric == TD_METRIC_annual_return || metric == TD_METRIC_annual_volatility || metric == TD_METRIC_sharpe ||
           metric == TD_METRIC_sortino || metric == TD_METRIC_calmar;
}

/* where a batch goes, per variable */
typedef struct batch {
    int64_t *trial, *reason_bar;
    void *axis[TD_AXES_MAX]; /* int64_t of whole axes, else double */
    int8_t *state, *reason, *ruined;
    uint64_t *hash;
    double *metric[TD_METRIC_COUNT];
    float *block_return;
} batch;

static td_status add_variables(writer *w, const td_config *config, const td_deck *deck, batch *b) {
    /* the dimension is a variable as well */
    TD_TRY(add_scale(w, "trial", "number of the parameter set", w->trials, &w->trial_scale));
    variable *trial = &w->variables[w->variable_count++];
    *trial = (variable){.dataset = w->trial_scale, .memory_type = H5T_NATIVE_INT64, .bytes = 8, .batch = malloc(BATCH * 8)};
    if (!trial->batch) return td_fail(w->error, TD_NO_MEMORY, "results %s: no memory for trial numbers", w->path);
    b->trial = (int64_t *)trial->batch;

    const td_space *space = config->space;
    for (int a = 0; a < td_space_axis_count(space); a++) {
        const td_axis *axis = td_space_axis(space, a);
        char name[80];
        axis_variable(axis->name, name);
        hid_t type = axis->whole ? H5T_STD_I64LE : H5T_IEEE_F64LE, memory_type = axis->whole ? H5T_NATIVE_INT64 : H5T_NATIVE_DOUBLE;
        const char *text = axis->text && axis->text[0] ? axis->text : axis->name;
        TD_TRY(add_variable(w, name, type, memory_type, text, axis->unit, NULL, 0, &b->axis[a]));
        size_t used = strlen(w->coordinates);
        snprintf(w->coordinates + used, sizeof w->coordinates - used, "%s%s", used ? " " : "", name);
    }

    char meanings[256] = "";
    for (int r = 0; r < TD_CELL_REASON_COUNT; r++) {
        size_t used = strlen(meanings);
        snprintf(meanings + used, sizeof meanings - used, "%s%s", used ? " " : "", td_cell_reason_name((td_cell_reason)r));
    }
    const char *near = w->coordinates;
    TD_TRY(add_variable(w, "state", H5T_STD_I8LE, H5T_NATIVE_INT8, "state of the trial", NULL, near, 0, &b->state));
    TD_TRY(put_flags(w, w->variables[w->variable_count - 1].dataset, 3, "pending done failed"));
    TD_TRY(add_variable(w, "reason", H5T_STD_I8LE, H5T_NATIVE_INT8, "why the trial failed", NULL, near, 0, &b->reason));
    TD_TRY(put_flags(w, w->variables[w->variable_count - 1].dataset, TD_CELL_REASON_COUNT, meanings));
    TD_TRY(add_variable(w, "reason_bar", H5T_STD_I64LE, H5T_NATIVE_INT64, "bar of the failure, -1 when there is none", "bars", near,
                        0, &b->reason_bar));
    TD_TRY(add_variable(w, "ruined", H5T_STD_I8LE, H5T_NATIVE_INT8, "equity fell to zero and play stopped", NULL, near, 0,
                        &b->ruined));
    TD_TRY(put_text(w, w->variables[w->variable_count - 1].dataset, "dtype", "bool"));
    TD_TRY(add_variable(w, "hash", H5T_STD_U64LE, H5T_NATIVE_UINT64, "hash of every fill, the state and the metrics", NULL, near, 0,
                        &b->hash));
    for (int m = 0; m < TD_METRIC_COUNT; m++) {
        const td_metric_info *info = &td_metric_infos[m];
        TD_TRY(add_variable(w, info->name, H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, info->long_name, info->units, near, 0,
                            &b->metric[m]));
        hid_t dataset = w->variables[w->variable_count - 1].dataset;
        if (is_annualised(m)) TD_TRY(put_number(w, dataset, "periods_per_year", td_deck_periods_per_year(deck)));
    }
    if (w->blocks < 1) return TD_OK;
    char near_blocks[sizeof w->coordinates + 32];
    snprintf(near_blocks, sizeof near_blocks, "block_start block_end%s%s", near[0] ? " " : "", near);
    return add_variable(w, "block_return", H5T_IEEE_F32LE, H5T_NATIVE_FLOAT, "simple return of equity over the block", "1",
                        near_blocks, w->blocks, &b->block_return);
}

/* one trial into row `row` of the batch; pending ones are NaN and 0 */
static td_status take_trial(const writer *w, const td_space *space, const td_journal *journal, int64_t trial, int64_t row,
                            batch *b) {
    td_cell cell = {.state = TD_CELL_PENDING, .reason_bar = -1};
    for (int m = 0; m < TD_METRIC_COUNT; m++) cell.metrics[m] = NAN;
    float *returns = w->blocks ? b->block_return + row * w->blocks : NULL;
    for (int64_t i = 0; i < w->blocks; i++) returns[i] = NAN;
    if (td_journal_has(journal, trial)) TD_TRY(td_journal_get(journal, trial, &cell, returns, w->error));

    double values[TD_AXES_MAX];
    td_space_values(space, trial, values);
    for (int a = 0; a < td_space_axis_count(space); a++) {
        if (td_space_axis(space, a)->whole) ((int64_t *)b->axis[a])[row] = (int64_t)values[a];
        else ((double *)b->axis[a])[row] = values[a];
    }
    b->trial[row] = trial;
    b->state[row] = (int8_t)cell.state;
    b->reason[row] = (int8_t)cell.reason;
    b->reason_bar[row] = cell.reason_bar;
    b->ruined[row] = cell.ruined != 0;
    b->hash[row] = cell.hash;
    for (int m = 0; m < TD_METRIC_COUNT; m++) b->metric[m][row] = cell.metrics[m];
    return TD_OK;
}

/* Makes sure that the disk takes `bytes` more than the file has now. HDF5 does not survive a write that fails while it empties its
 * caches (it leaves structures behind that crash when the process ends), so there must be none: the space is asked for first. */
static td_status reserve(const writer *w, int64_t bytes) {
    int *handle;
    hsize_t size;
    if (H5Fget_filesize(w->file, &size) < 0 || H5Fget_vfd_handle(w->file, H5P_DEFAULT, (void **)&handle) < 0)
        return refuse(w, "the file");
    struct stat status;
    int64_t end = (int64_t)size + bytes;
    int bad = fallocate(*handle, FALLOC_FL_KEEP_SIZE, 0, end) ? errno : 0;
    /* a file system without that; and limits on the size of files, which it does not look at: write there and take it back */
    bool unsupported = bad == EOPNOTSUPP || bad == ENOSYS;
    if ((!bad || unsupported) && fstat(*handle, &status) == 0) {
        static const char zeros[1 << 16];
        bad = 0;
        int64_t at = unsupported ? status.st_size : end - 1;
        while (at < end && !bad) {
            size_t step = end - at < (int64_t)sizeof zeros ? (size_t)(end - at) : sizeof zeros;
            ssize_t wrote = pwrite(*handle, zeros, step, at);
            if (wrote < 0) bad = errno;
            else at += wrote;
        }
        if (ftruncate(*handle, status.st_size) && !bad) bad = errno;
    }
    return bad ? td_fail(w->error, TD_IO, "results %s cannot be written: %s", w->path, strerror(bad)) : TD_OK;
}

static td_status write_batch(const writer *w, int64_t first, int64_t count) {
    int64_t bytes = METADATA_BYTES;
    for (int i = 0; i < w->variable_count; i++) bytes += (int64_t)w->variables[i].bytes * count;
    TD_TRY(reserve(w, bytes));
    for (int i = 0; i < w->variable_count; i++) {
        const variable *v = &w->variables[i];
        hid_t space = H5Dget_space(v->dataset);
        hsize_t start[2] = {(hsize_t)first, 0}, size[2] = {(hsize_t)count, (hsize_t)w->blocks};
        hid_t memory = H5Screate_simple(H5Sget_simple_extent_ndims(space), size, NULL);
        bool bad = memory < 0 || H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, size, NULL) < 0 ||
                   H5Dwrite(v->dataset, v->memory_type, memory, space, H5P_DEFAULT, v->batch) < 0;
        td_status status = bad ? refuse(w, "a batch of trials") : TD_OK;
        if (memory >= 0) H5Sclose(memory);
        if (space >= 0) H5Sclose(space);
        TD_TRY(status);
    }
    return TD_OK;
}

static td_status write_trials(const writer *w, const td_config *config, const td_journal *journal, batch *b) {
    for (int64_t first = 0; first < w->trials; first += BATCH) {
        int64_t count = w->trials - first < BATCH ? w->trials - first : BATCH;
        for (int64_t row = 0; row < count; row++) TD_TRY(take_trial(w, config->space, journal, first + row, row, b));
        TD_TRY(write_batch(w, first, count));
    }
    return TD_OK;
}

static td_status create_file(writer *w) {
    hid_t create = H5Pcreate(H5P_FILE_CREATE), access = H5Pcreate(H5P_FILE_ACCESS);
    if (create >= 0 && access >= 0 && H5Pset_fclose_degree(access, H5F_CLOSE_STRONG) >= 0 &&
        H5Pset_link_creation_order(create, H5P_CRT_ORDER_TRACKED | H5P_CRT_ORDER_INDEXED) >= 0 &&
        H5Pset_attr_creation_order(create, H5P_CRT_ORDER_TRACKED | H5P_CRT_ORDER_INDEXED) >= 0 &&
        H5Pset_obj_track_times(create, 0) >= 0)
        w->file = H5Fcreate(w->temporary, H5F_ACC_TRUNC, create, access);
    td_status status = w->file < 0 ? refuse(w, "the file") : TD_OK;
    if (create >= 0) H5Pclose(create);
    if (access >= 0) H5Pclose(access);
    w->text_type = make_text_type();
    return status;
}

/* After a failure the file is thrown away, but HDF5 insists on writing what it has cached, fails at that on a full disk, and then
 * crashes when the process ends. So it writes the rest into memory. */
static void divert(const writer *w) {
    int *handle, memory = memfd_create("tapedeck-results", MFD_CLOEXEC);
    if (memory < 0) return;
    if (w->file >= 0 && H5Fget_vfd_handle(w->file, H5P_DEFAULT, (void **)&handle) >= 0) dup3(memory, *handle, O_CLOEXEC);
    close(memory);
}

static td_status close_file(writer *w, td_status status) {
    if (status != TD_OK) divert(w);
    for (int i = 0; i < w->variable_count; i++) {
        if (w->variables[i].dataset >= 0) H5Dclose(w->variables[i].dataset);
        free(w->variables[i].batch);
    }
    if (w->variable_count == 0 && w->trial_scale >= 0) H5Dclose(w->trial_scale);
    if (w->block_scale >= 0) H5Dclose(w->block_scale);
    if (w->text_type >= 0) H5Tclose(w->text_type);
    if (w->file >= 0 && H5Fclose(w->file) < 0 && status == TD_OK) status = refuse(w, "the file");
    return status;
}

/* Splits a path: folder (PATH_MAX bytes) is what it lies in; returns the name within. */
static const char *folder_of(const char *path, char *folder) {
    snprintf(folder, PATH_MAX, "%s", path);
    char *slash = strrchr(folder, '/');
    const char *name = slash ? path + (slash - folder) + 1 : path;
    if (!slash) strcpy(folder, ".");
    else if (slash == folder) slash[1] = 0;
    else *slash = 0;
    return name;
}

/* Removes `path.tmp.<number>` of writers that were killed. Whoever writes the results holds the journal, so none is alive. */
static void remove_leftovers(const char *path) {
    char folder[PATH_MAX];
    const char *name = folder_of(path, folder);
    size_t length = strlen(name);
    DIR *listing = opendir(folder);
    for (struct dirent *entry; listing && (entry = readdir(listing));) {
        if (strncmp(entry->d_name, name, length) || strncmp(entry->d_name + length, ".tmp.", 5)) continue;
        const char *number = entry->d_name + length + 5;
        if (*number && !number[strspn(number, "0123456789")]) unlinkat(dirfd(listing), entry->d_name, 0);
    }
    if (listing) closedir(listing);
}

/* the bytes on the disk, then the name */
static td_status put_in_place(const writer *w) {
    char folder[PATH_MAX];
    folder_of(w->path, folder);
    int file = open(w->temporary, O_RDWR | O_CLOEXEC);
    struct stat status; /* cutting to the size it has gives back what was reserved beyond */
    if (file < 0 || fstat(file, &status) || ftruncate(file, status.st_size) || fsync(file) || rename(w->temporary, w->path)) {
        td_fail(w->error, TD_IO, "results %s cannot be put in place: %s", w->path, strerror(errno));
        if (file >= 0) close(file);
        return TD_IO;
    }
    close(file);
    file = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    /* some file systems do not sync folders and say EINVAL */
    int bad = file < 0 || (fsync(file) && errno != EINVAL) ? errno : 0;
    if (file >= 0) close(file);
    return bad ? td_fail(w->error, TD_IO, "folder %s of the results cannot be synced: %s", folder, strerror(bad)) : TD_OK;
}

td_status td_results_write(const char *path, const td_config *config, const td_tape *tape, const td_deck *deck,
                           const td_journal *journal, const td_sweep_info *info, td_error *error) {
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    char temporary[PATH_MAX];
    if (snprintf(temporary, sizeof temporary, "%s.tmp.%d", path, (int)getpid()) >= (int)sizeof temporary)
        return td_fail(error, TD_BAD_ARG, "results %.200s...: the path is too long", path);
    remove_leftovers(path);
    writer *w = calloc(1, sizeof *w);
    if (!w) return td_fail(error, TD_NO_MEMORY, "results %s: no memory to write them", path);
    *w = (writer){.path = path, .temporary = temporary, .file = -1, .text_type = -1, .trial_scale = -1, .block_scale = -1,
                  .trials = td_space_count(config->space), .blocks = td_deck_blocks(deck), .error = error};
    batch b = {0};
    td_status status = create_file(w);
    if (status == TD_OK) status = reserve(w, METADATA_BYTES + 2 * (int64_t)(strlen(config->text) + strlen(config->resolved)));
    if (status == TD_OK) status = put_sweep(w, config, tape, deck);
    if (status == TD_OK) status = put_run(w, journal, info);
    if (status == TD_OK) status = put_blocks(w, tape, deck);
    if (status == TD_OK) status = add_variables(w, config, deck, &b);
    if (status == TD_OK) status = write_trials(w, config, journal, &b);
    status = close_file(w, status);
    if (status == TD_OK) status = put_in_place(w);
    if (status != TD_OK) unlink(temporary);
    free(w);
    return status;
}

/* ---- reading ---- */

typedef struct text_attribute {
    char *name, *text;
    struct text_attribute *next;
} text_attribute;

struct td_results {
    char *path;
    hid_t file;
    int64_t trials, done, failed, blocks;
    int axis_count;
    struct {
        char *name;
        bool whole;
        double *values;
    } axes[TD_AXES_MAX];
    double *metrics[TD_METRIC_COUNT];
    int32_t *state, *reason;
    uint64_t *hash;
    text_attribute *texts;
};

static td_status bad_file(const td_results *r, td_error *error, const char *what) {
    char reason[160];
    return td_fail(error, TD_BAD_DATA, "results %s: %s cannot be read: %s", r->path, what, hdf5_reason(reason));
}

/* keeps every text attribute of the root */
static herr_t keep_text(hid_t root, const char *name, const H5A_info_t *info, void *context) {
    (void)info;
    td_results *r = context;
    hid_t attribute = H5Aopen(root, name, H5P_DEFAULT), type = attribute < 0 ? -1 : H5Aget_type(attribute);
    hid_t space = attribute < 0 ? -1 : H5Aget_space(attribute);
    hid_t memory = make_text_type();
    char *text = NULL;
    bool wanted = type >= 0 && space >= 0 && H5Tis_variable_str(type) > 0 && H5Sget_simple_extent_type(space) == H5S_SCALAR;
    if (wanted && H5Aread(attribute, memory, &text) >= 0 && text && strlen(text) <= TEXT_MAX) {
        text_attribute *kept = calloc(1, sizeof *kept);
        if (kept) {
            kept->name = strdup(name), kept->text = strdup(text), kept->next = r->texts;
            r->texts = kept;
        }
    }
    if (text) H5free_memory(text);
    if (memory >= 0) H5Tclose(memory);
    if (space >= 0) H5Sclose(space);
    if (type >= 0) H5Tclose(type);
    if (attribute >= 0) H5Aclose(attribute);
    return 0;
}

const char *td_results_attribute(const td_results *results, const char *name) {
    for (const text_attribute *t = results->texts; t; t = t->next)
        if (t->name && !strcmp(t->name, name)) return t->text;
    return NULL;
}

/* a number of the root into a native type, false when it is not there or is no single number */
static bool read_number(hid_t file, const char *name, hid_t memory_type, void *value) {
    if (H5Aexists(file, name) <= 0) return false;
    hid_t attribute = H5Aopen(file, name, H5P_DEFAULT), space = attribute < 0 ? -1 : H5Aget_space(attribute);
    hid_t type = attribute < 0 ? -1 : H5Aget_type(attribute);
    H5T_class_t class = type < 0 ? H5T_NO_CLASS : H5Tget_class(type);
    bool good = (class == H5T_INTEGER || class == H5T_FLOAT) && H5Sget_simple_extent_npoints(space) == 1 &&
                H5Aread(attribute, memory_type, value) >= 0;
    if (type >= 0) H5Tclose(type);
    if (space >= 0) H5Sclose(space);
    if (attribute >= 0) H5Aclose(attribute);
    return good;
}

double td_results_number(const td_results *results, const char *name) {
    double value;
    return read_number(results->file, name, H5T_NATIVE_DOUBLE, &value) ? value : NAN;
}

/* opens a variable over trials (and blocks when width > 0) and checks its shape and class */
static td_status open_variable(const td_results *r, const char *name, int64_t width, hid_t *dataset, H5T_class_t *class,
                               td_error *error) {
    *dataset = -1;
    if (H5Lexists(r->file, name, H5P_DEFAULT) <= 0)
        return td_fail(error, TD_BAD_DATA, "results %s: there is no variable '%s'", r->path, name);
    hid_t opened = H5Dopen2(r->file, name, H5P_DEFAULT);
    if (opened < 0) return bad_file(r, error, name);
    hid_t space = H5Dget_space(opened), type = H5Dget_type(opened);
    hsize_t size[2] = {0, 0};
    int rank = H5Sget_simple_extent_ndims(space);
    if (rank == 1 || rank == 2) H5Sget_simple_extent_dims(space, size, NULL);
    *class = H5Tget_class(type);
    H5Sclose(space);
    H5Tclose(type);
    bool shape = rank == (width > 0 ? 2 : 1) && size[0] == (hsize_t)r->trials && (width <= 0 || size[1] == (hsize_t)width);
    if (shape && (*class == H5T_INTEGER || *class == H5T_FLOAT)) {
        *dataset = opened;
        return TD_OK;
    }
    H5Dclose(opened);
    if (!shape)
        return td_fail(error, TD_BAD_DATA, "results %s: variable '%s' is not over %" PRId64 " trials%s", r->path, name, r->trials,
                       width > 0 ? " and the blocks" : "");
    return td_fail(error, TD_BAD_DATA, "results %s: variable '%s' holds no numbers", r->path, name);
}

/* a whole variable, read once: *values stays with results */
static const void *column(td_results *r, const char *name, hid_t memory_type, void **values, td_error *error) {
    if (*values) return *values;
    hid_t dataset;
    H5T_class_t class;
    if (open_variable(r, name, 0, &dataset, &class, error) != TD_OK) return NULL;
    void *read = malloc((size_t)r->trials * H5Tget_size(memory_type));
    if (!read) {
        td_fail(error, TD_NO_MEMORY, "results %s: no memory for %" PRId64 " values of '%s'", r->path, r->trials, name);
    } else if (H5Dread(dataset, memory_type, H5S_ALL, H5S_ALL, H5P_DEFAULT, read) < 0) {
        bad_file(r, error, name);
        free(read);
        read = NULL;
    }
    H5Dclose(dataset);
    return *values = read;
}

static td_status open_axes(td_results *r, td_error *error) {
    if (H5Aexists(r->file, "axes") <= 0) return TD_OK; /* a sweep of one */
    hid_t attribute = H5Aopen(r->file, "axes", H5P_DEFAULT), space = attribute < 0 ? -1 : H5Aget_space(attribute);
    hid_t type = attribute < 0 ? -1 : H5Aget_type(attribute), memory = make_text_type();
    hssize_t count = space < 0 ? -1 : H5Sget_simple_extent_npoints(space);
    char *names[TD_AXES_MAX] = {0};
    td_status status = TD_OK;
    if (count < 1 || count > TD_AXES_MAX || H5Tis_variable_str(type) <= 0 || H5Aread(attribute, memory, names) < 0)
        status = bad_file(r, error, "the list of axes");
    for (int a = 0; status == TD_OK && a < count; a++) {
        char name[80];
        hid_t dataset;
        H5T_class_t class;
        r->axes[a].name = strdup(names[a] ? names[a] : "");
        r->axis_count = a + 1;
        status = open_variable(r, axis_variable(r->axes[a].name, name), 0, &dataset, &class, error);
        if (status != TD_OK) break;
        r->axes[a].whole = class == H5T_INTEGER;
        H5Dclose(dataset);
    }
    for (int a = 0; a < TD_AXES_MAX; a++)
        if (names[a]) H5free_memory(names[a]);
    if (memory >= 0) H5Tclose(memory);
    if (type >= 0) H5Tclose(type);
    if (space >= 0) H5Sclose(space);
    if (attribute >= 0) H5Aclose(attribute);
    return status;
}

/* missing, empty, no HDF5, torn: each its own sentence */
static td_status open_file(td_results *r, td_error *error) {
    struct stat status;
    if (stat(r->path, &status)) return td_fail(error, TD_BAD_DATA, "results %s cannot be opened: %s", r->path, strerror(errno));
    if (S_ISDIR(status.st_mode)) return td_fail(error, TD_BAD_DATA, "results %s cannot be opened: it is a folder", r->path);
    if (status.st_size == 0) return td_fail(error, TD_BAD_DATA, "results %s: the file is empty", r->path);
    if (access(r->path, R_OK)) return td_fail(error, TD_BAD_DATA, "results %s cannot be opened: %s", r->path, strerror(errno));
    r->file = H5Fopen(r->path, H5F_ACC_RDONLY, H5P_DEFAULT);
    if (r->file >= 0) return TD_OK;
    char reason[160];
    hdf5_reason(reason);
    if (H5Fis_hdf5(r->path) <= 0) {
        H5Eclear2(H5E_DEFAULT);
        return td_fail(error, TD_BAD_DATA, "results %s: the file is not HDF5", r->path);
    }
    return td_fail(error, TD_BAD_DATA, "results %s: the file is damaged or cut short at %lld bytes (HDF5: %s)", r->path,
                   (long long)status.st_size, reason);
}

static td_status open_contents(td_results *r, td_error *error) {
    TD_TRY(open_file(r, error));
    if (H5Aiterate2(r->file, H5_INDEX_NAME, H5_ITER_INC, NULL, keep_text, r) < 0) return bad_file(r, error, "its attributes");
    const char *schema = td_results_attribute(r, SCHEMA_ATTRIBUTE);
    int64_t version = 0;
    if (!schema || strcmp(schema, SCHEMA))
        return td_fail(error, TD_BAD_DATA, "results %s: the file is HDF5, but no results of a sweep (%s is %.40s, expected %s)",
                       r->path, SCHEMA_ATTRIBUTE, schema ? schema : "missing", SCHEMA);
    if (!read_number(r->file, SCHEMA_ATTRIBUTE "_version", H5T_NATIVE_INT64, &version) || version != SCHEMA_VERSION)
        return td_fail(error, TD_BAD_DATA, "results %s: the file has schema version %" PRId64 ", this program reads version %d%s",
                       r->path, version, SCHEMA_VERSION, version > SCHEMA_VERSION ? "; a newer tapedeck wrote it" : "");
    if (!read_number(r->file, "trials", H5T_NATIVE_INT64, &r->trials) || r->trials < 1 ||
        !read_number(r->file, "blocks", H5T_NATIVE_INT64, &r->blocks) || r->blocks < 0 || r->blocks > TD_BLOCKS_MAX)
        return td_fail(error, TD_BAD_DATA, "results %s: the counts of trials and blocks are missing or wrong", r->path);

    /* finished ones are counted, not believed */
    const int32_t *state = td_results_state(r, error);
    if (!state) return TD_BAD_DATA;
    for (int64_t t = 0; t < r->trials; t++) {
        if (state[t] != TD_CELL_PENDING && state[t] != TD_CELL_DONE && state[t] != TD_CELL_FAILED)
            return td_fail(error, TD_BAD_DATA, "results %s: the state of trial %" PRId64 " is %d", r->path, t, (int)state[t]);
        r->done += state[t] != TD_CELL_PENDING;
        r->failed += state[t] == TD_CELL_FAILED;
    }
    return open_axes(r, error);
}

td_status td_results_open(const char *path, td_results **results, td_error *error) {
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    *results = NULL;
    td_results *r = calloc(1, sizeof *r);
    if (r) r->path = strdup(path), r->file = -1;
    if (!r || !r->path) {
        free(r);
        return td_fail(error, TD_NO_MEMORY, "results %s: no memory to open them", path);
    }
    td_status status = open_contents(r, error);
    if (status != TD_OK) td_results_close(r);
    else *results = r;
    return status;
}

void td_results_close(td_results *results) {
    if (!results) return;
    if (results->file >= 0) H5Fclose(results->file);
    for (int a = 0; a < results->axis_count; a++) free(results->axes[a].name), free(results->axes[a].values);
    for (int m = 0; m < TD_METRIC_COUNT; m++) free(results->metrics[m]);
    for (text_attribute *t = results->texts, *next; t; t = next) {
        next = t->next;
        free(t->name), free(t->text), free(t);
    }
    free(results->state), free(results->reason), free(results->hash), free(results->path);
    free(results);
}

int64_t td_results_trials(const td_results *results) { return results->trials; }
int64_t td_results_done(const td_results *results) { return results->done; }
int64_t td_results_failed(const td_results *results) { return results->failed; }
int64_t td_results_blocks(const td_results *results) { return results->blocks; }
int td_results_axis_count(const td_results *results) { return results->axis_count; }

const char *td_results_axis_name(const td_results *results, int index) {
    assert(index >= 0 && index < results->axis_count);
    return results->axes[index].name;
}

bool td_results_axis_whole(const td_results *results, int index) {
    assert(index >= 0 && index < results->axis_count);
    return results->axes[index].whole;
}

const double *td_results_axis(td_results *results, int index, td_error *error) {
    char name[80];
    axis_variable(td_results_axis_name(results, index), name);
    return column(results, name, H5T_NATIVE_DOUBLE, (void **)&results->axes[index].values, error);
}

const double *td_results_metric(td_results *results, td_metric metric, td_error *error) {
    assert(metric < TD_METRIC_COUNT);
    return column(results, td_metric_infos[metric].name, H5T_NATIVE_DOUBLE, (void **)&results->metrics[metric], error);
}

const int32_t *td_results_state(td_results *results, td_error *error) {
    return column(results, "state", H5T_NATIVE_INT32, (void **)&results->state, error);
}

const int32_t *td_results_reason(td_results *results, td_error *error) {
    return column(results, "reason", H5T_NATIVE_INT32, (void **)&results->reason, error);
}

const uint64_t *td_results_hash(td_results *results, td_error *error) {
    return column(results, "hash", H5T_NATIVE_UINT64, (void **)&results->hash, error);
}

td_status td_results_block_returns(td_results *results, int64_t trial, float *out, td_error *error) {
    assert(trial >= 0 && trial < results->trials);
    if (results->blocks < 1) return TD_OK;
    hid_t dataset;
    H5T_class_t class;
    TD_TRY(open_variable(results, "block_return", results->blocks, &dataset, &class, error));
    hsize_t start[2] = {(hsize_t)trial, 0}, size[2] = {1, (hsize_t)results->blocks};
    hid_t space = H5Dget_space(dataset), memory = H5Screate_simple(2, size, NULL);
    bool bad = H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, size, NULL) < 0 ||
               H5Dread(dataset, H5T_NATIVE_FLOAT, memory, space, H5P_DEFAULT, out) < 0;
    td_status status = bad ? bad_file(results, error, "block_return") : TD_OK;
    H5Sclose(memory);
    H5Sclose(space);
    H5Dclose(dataset);
    return status;
}
