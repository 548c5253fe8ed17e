/* Writing and reading the results file; see results.h.
 *
 * Writing streams: a batch of trials is read from the journal in trial order into one buffer per variable and written as whole
 * chunks, so HDF5 keeps no chunk cache and every chunk is compressed once: by us, as its filters would, because HDF5 has one thread
 * for it and compressing is most of the work. What HDF5 fails at is read off its error stack. */
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
#include <zlib.h>

#include "commit.h"
#include "sweeps/scalars.h"

#define SCHEMA "tapedeck-results"
#define SCHEMA_ATTRIBUTE "tapedeck_schema" /* and tapedeck_schema_version, as in tape files */
enum {
    ONE_MARKET_VERSION = 1,
    MARKETS_VERSION = 2,          /* several markets */
    BATCH = 4096,                 /* trials per write = trials per chunk */
    DEFLATE_LEVEL = 1,
    BLOCK_CHUNK_VALUES = 1 << 16, /* of block_return, about */
    METADATA_BYTES = 1 << 19,     /* what HDF5 adds for itself, at most, between two reservations */
    VARIABLES_MAX = 3 * TD_METRIC_COUNT + TD_AXES_MAX + 16,
    WORDS_MAX = 256,              /* different ones on an axis that are told */
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

/* those of several markets */
static const char *const market_variables[] = {"symbol",           "interval",       "bars",
                                               "periods_per_year", "first_bar_time", "last_bar_time"};

const char *td_results_bound_name(td_metric metric, bool high) {
#define TD_BOUND_NAMES(name, unit, text, better) {#name "_low", #name "_high"},
    static const char *const names[TD_METRIC_BARS_COUNT][2] = {TD_METRICS(TD_BOUND_NAMES)};
#undef TD_BOUND_NAMES
    return names[metric][high];
}

/* The variable of an axis: its own name, or axis_<name> where that belongs to something else. name has 80 bytes. */
static const char *axis_variable(const char *axis, td_tape_kind kind, bool several, char *name) {
    bool taken = td_kind_find_metric(kind, axis) >= 0;
    for (int m = 0; kind == TD_TAPE_OF_BARS && m < TD_METRIC_BARS_COUNT; m++) /* taken also where there are no envelopes: a name does not depend on that */
        taken |= !strcmp(axis, td_results_bound_name((td_metric)m, false)) || !strcmp(axis, td_results_bound_name((td_metric)m, true));
    for (size_t i = 0; i < sizeof own_variables / sizeof *own_variables; i++) taken |= !strcmp(axis, own_variables[i]);
    for (size_t i = 0; several && i < sizeof market_variables / sizeof *market_variables; i++)
        taken |= !strcmp(axis, market_variables[i]);
    snprintf(name, 80, "%s%.63s", taken ? "axis_" : "", axis);
    return name;
}

/* ---- writing ---- */

static const char TIME_UNITS[] = "microseconds since 1970-01-01 00:00:00"; /* CF's; marks the values as times */

/* What a dataset is over. With one market there is no symbol and no interval. */
typedef enum extent {
    OVER_TRIALS,        /* (trial) */
    OVER_ROWS,          /* (symbol, interval, trial) */
    OVER_ROW_BLOCKS,    /* (symbol, interval, trial, block) */
    OVER_MARKETS,       /* (symbol, interval) */
    OVER_MARKET_BLOCKS, /* (symbol, interval, block) */
    OVER_BLOCKS,        /* (block) */
} extent;

typedef struct variable {
    hid_t dataset, memory_type; /* the memory's type is the file's: chunks are written as they are */
    extent over;
    size_t element, bytes; /* of one value; of one row */
    int64_t chunk_rows;
    char *batch;           /* (BATCH, bytes) */
} variable;

/* A chunk of a batch. */
typedef struct piece {
    const variable *v;
    int64_t row; /* its first in the batch */
    Bytef *packed;
    size_t packed_bytes; /* 0: there was no memory */
} piece;

typedef struct writer {
    const char *path, *temporary;
    hid_t file, text_type, symbol_scale, interval_scale, trial_scale, block_scale;
    const td_markets *markets;
    const td_market_facts *facts;
    bool several;
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

/* Sizes, chunks and scales of the dimensions of a dataset; chunk_rows: trials in a chunk. Returns the rank. */
static int shape_of(const writer *w, extent over, int64_t chunk_rows, hsize_t size[4], hsize_t chunk[4], hid_t scale[4]) {
    bool trials = over == OVER_TRIALS || over == OVER_ROWS || over == OVER_ROW_BLOCKS;
    bool blocks = over == OVER_BLOCKS || over == OVER_MARKET_BLOCKS || over == OVER_ROW_BLOCKS;
    int rank = 0;
    if (w->several && over != OVER_TRIALS && over != OVER_BLOCKS) {
        size[0] = (hsize_t)w->markets->symbols, size[1] = (hsize_t)w->markets->intervals;
        bool small = !trials && !blocks; /* a value per market: one chunk */
        chunk[0] = small ? size[0] : 1, chunk[1] = small ? size[1] : 1;
        scale[0] = w->symbol_scale, scale[1] = w->interval_scale;
        rank = 2;
    }
    if (trials) {
        size[rank] = (hsize_t)w->trials, chunk[rank] = (hsize_t)(chunk_rows < w->trials ? chunk_rows : w->trials);
        scale[rank++] = w->trial_scale;
    }
    if (blocks) {
        size[rank] = chunk[rank] = (hsize_t)w->blocks;
        if (!trials && BATCH < w->blocks) chunk[rank] = BATCH;
        scale[rank++] = w->block_scale;
    }
    return rank;
}

/* An empty dataset; NaN or 0 is what was never written. */
static hid_t make_dataset(const writer *w, const char *name, hid_t file_type, extent over, int64_t chunk_rows) {
    hsize_t size[4], chunk[4];
    hid_t scale[4];
    int rank = shape_of(w, over, chunk_rows, size, chunk, scale);
    bool is_float = H5Tget_class(file_type) == H5T_FLOAT;
    double nan = NAN;
    int64_t zero = 0;
    hid_t dataset = -1, space = H5Screate_simple(rank, size, NULL);
    hid_t create = H5Pcreate(H5P_DATASET_CREATE), access = H5Pcreate(H5P_DATASET_ACCESS);
    /* no chunk cache: chunks are written whole */
    if (space >= 0 && create >= 0 && access >= 0 && H5Pset_chunk(create, rank, chunk) >= 0 && H5Pset_shuffle(create) >= 0 &&
        H5Pset_deflate(create, DEFLATE_LEVEL) >= 0 && H5Pset_obj_track_times(create, 0) >= 0 &&
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
                          const char *coordinates, extent over) {
    if (dataset < 0) return refuse(w, name);
    TD_TRY(put_text(w, dataset, "long_name", long_name));
    if (units && units[0]) TD_TRY(put_text(w, dataset, "units", units));
    if (coordinates && coordinates[0]) TD_TRY(put_text(w, dataset, "coordinates", coordinates));
    hsize_t size[4], chunk[4];
    hid_t scale[4];
    int rank = shape_of(w, over, 1, size, chunk, scale);
    for (int d = 0; d < rank; d++)
        if (H5DSattach_scale(dataset, scale[d], (unsigned)d) < 0) return refuse(w, name);
    return TD_OK;
}

static td_status put_fill_value(const writer *w, hid_t dataset, hid_t file_type) {
    double nan = NAN;
    return put_attribute(w, dataset, "_FillValue", file_type, H5T_NATIVE_DOUBLE, -1, &nan);
}

/* A variable that is filled batch by batch; batch is where the caller puts its values. */
static td_status add_variable(writer *w, const char *name, hid_t file_type, hid_t memory_type, const char *long_name,
                              const char *units, const char *coordinates, extent over, void *batch_pointer) {
    assert(w->variable_count < VARIABLES_MAX);
    variable *v = &w->variables[w->variable_count];
    int64_t width = over == OVER_ROW_BLOCKS ? w->blocks : 1;
    *v = (variable){.dataset = -1, .memory_type = memory_type, .over = over, .element = H5Tget_size(memory_type)};
    v->bytes = v->element * (size_t)width;
    assert(H5Tequal(file_type, memory_type) > 0);
    w->variable_count++;
    v->batch = malloc((size_t)BATCH * v->bytes);
    if (!v->batch) return td_fail(w->error, TD_NO_MEMORY, "results %s: no memory for %s", w->path, name);
    memcpy(batch_pointer, &v->batch, sizeof v->batch);

    /* rows of a chunk divide a batch */
    int64_t rows = BATCH;
    while (width > 1 && rows > 1 && rows * width > BLOCK_CHUNK_VALUES) rows /= 2;
    v->chunk_rows = rows < w->trials ? rows : w->trials;
    v->dataset = make_dataset(w, name, file_type, over, rows);
    TD_TRY(describe(w, v->dataset, name, long_name, units, coordinates, over));
    return H5Tget_class(file_type) == H5T_FLOAT ? put_fill_value(w, v->dataset, file_type) : TD_OK;
}

/* CF flags of an axis of words: the codes that occur, and what they mean. */
static td_status put_words(const writer *w, hid_t dataset, const td_space *space, int axis) {
    double codes[WORDS_MAX];
    int64_t values[WORDS_MAX];
    char text[48], meanings[WORDS_MAX * 48] = "";
    int count = td_space_words(space, axis, codes, WORDS_MAX);
    for (int i = 0; i < count; i++) {
        size_t used = strlen(meanings);
        values[i] = (int64_t)codes[i];
        snprintf(meanings + used, sizeof meanings - used, "%s%s", i ? " " : "",
                 td_value_text(td_axis_value_unit(td_space_axis(space, axis)), codes[i], text));
    }
    TD_TRY(put_attribute(w, dataset, "flag_values", H5T_STD_I64LE, H5T_NATIVE_INT64, count, values));
    return put_text(w, dataset, "flag_meanings", meanings);
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

/* "BTCUSDT, ETHUSDT" or "1m, 1h"; the caller frees. */
static char *joined_names(const td_markets *markets, bool intervals) {
    char *text = NULL;
    size_t bytes;
    FILE *out = open_memstream(&text, &bytes);
    if (!out) return NULL;
    int64_t count = intervals ? markets->intervals : markets->symbols;
    for (int64_t i = 0; i < count; i++)
        fprintf(out, "%s%s", i ? ", " : "",
                intervals ? td_markets_interval(markets, i) : td_markets_symbol(markets, i * markets->intervals));
    fclose(out);
    return text;
}

/* Of a portfolio: one a line. */
static char *joined_members(const td_markets *markets) {
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    if (!out) return NULL;
    for (int64_t k = 0; k < markets->members; k++) fprintf(out, "%s%s", k ? "\n" : "", td_markets_member(markets, k));
    fclose(out);
    return text;
}

/* Of order books the venues' tapes: one a line. */
static char *joined_paths(const td_config *config) {
    if (config->kind == TD_TAPE_OF_BARS) return strdup(config->tape);
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    if (!out) return NULL;
    for (int v = 0; v < config->play.book.venue_count; v++) fprintf(out, "%s%s", v ? "\n" : "", config->tapes[v]);
    fclose(out);
    return text;
}

/* What of the market there is to say: that of order books in place of that of bars. */
static td_status put_books(const writer *w, const td_config *config) {
    const td_market_facts *facts = w->facts;
    char instruments[TD_VENUES_MAX * 160] = "";
    for (int v = 0; v < config->play.book.venue_count; v++) {
        const td_instrument *of = &config->play.book.venues[v].book->instrument;
        size_t used = strlen(instruments);
        snprintf(instruments + used, sizeof instruments - used, "%s%s %s tick %.10g lot %.10g multiplier %.10g", v ? "\n" : "", of->symbol,
                 td_contract_name(of->contract), of->tick, of->lot, of->multiplier);
    }
    TD_TRY(put_text(w, w->file, "tape_symbol", td_markets_symbol(w->markets, 0)));
    TD_TRY(put_text(w, w->file, "instruments", instruments));
    TD_TRY(put_integer(w, w->file, "venues", config->play.book.venue_count));
    TD_TRY(put_integer(w, w->file, "messages", facts->messages));
    TD_TRY(put_integer(w, w->file, "rows", facts->rows));
    TD_TRY(put_time(w, w->file, "first_time", facts->first_ns));
    TD_TRY(put_time(w, w->file, "last_time", facts->last_ns));
    if (config->latency_rows) TD_TRY(put_text(w, w->file, "latency_rows_path", config->latency_rows));
    return put_number(w, w->file, "periods_per_year", facts->periods_per_year);
}

/* what the sweep is: the same for every run of it */
static td_status put_sweep(const writer *w, const td_config *config) {
    hid_t root = w->file;
    const td_markets *markets = w->markets;
    char title[256], *symbols = NULL, *intervals = NULL;
    const char *strategy = td_strategy_name(config->play.strategy);
    if (config->name && config->name[0]) snprintf(title, sizeof title, "%s", config->name);
    else if (config->kind == TD_TAPE_OF_BOOKS)
        snprintf(title, sizeof title, "%s on %.100s", strategy, td_markets_symbol(markets, 0));
    else if (!w->several)
        snprintf(title, sizeof title, "%s on %s %s", strategy, td_markets_symbol(markets, 0), td_markets_interval(markets, 0));
    else
        snprintf(title, sizeof title, "%s on %lld symbols at %lld intervals", strategy, (long long)markets->symbols,
                 (long long)markets->intervals);
    TD_TRY(put_text(w, root, "Conventions", "CF-1.10"));
    TD_TRY(put_text(w, root, SCHEMA_ATTRIBUTE, SCHEMA));
    TD_TRY(put_integer(w, root, SCHEMA_ATTRIBUTE "_version", w->several ? MARKETS_VERSION : ONE_MARKET_VERSION));
    if (config->kind != TD_TAPE_OF_BARS) TD_TRY(put_text(w, root, "tape_kind", td_tape_kind_infos[config->kind].word));
    TD_TRY(put_text(w, root, "title", title));
    TD_TRY(put_text(w, root, "config_path", config->path));
    TD_TRY(put_text(w, root, "config_text", config->text));
    TD_TRY(put_text(w, root, "config_resolved", config->resolved));
    TD_TRY(put_text(w, root, "config_digest", config->digest));
    char *paths = joined_paths(config);
    td_status put = put_text(w, root, "tape_path", paths);
    free(paths);
    TD_TRY(put);
    TD_TRY(put_text(w, root, "tape_digest", markets->digest));
    if (config->plays_portfolio) {
        char *members = joined_members(markets);
        td_status status = put_text(w, root, "portfolio_symbols", members);
        free(members);
        TD_TRY(status);
    }
    if (w->several) {
        symbols = joined_names(markets, false), intervals = joined_names(markets, true);
        td_status status = put_text(w, root, "tape_symbol", symbols);
        if (status == TD_OK) status = put_text(w, root, "tape_interval", intervals);
        free(symbols);
        free(intervals);
        TD_TRY(status);
        TD_TRY(put_integer(w, root, "symbols", markets->symbols));
        TD_TRY(put_integer(w, root, "intervals", markets->intervals));
    } else if (config->kind == TD_TAPE_OF_BOOKS) {
        TD_TRY(put_books(w, config));
    } else {
        TD_TRY(put_text(w, root, "tape_symbol", td_markets_symbol(markets, 0)));
        TD_TRY(put_text(w, root, "tape_interval", td_markets_interval(markets, 0)));
        TD_TRY(put_integer(w, root, "bars", w->facts->bars));
        TD_TRY(put_time(w, root, "first_bar_time", w->facts->first_ns));
        TD_TRY(put_time(w, root, "last_bar_time", w->facts->last_ns));
        TD_TRY(put_number(w, root, "periods_per_year", w->facts->periods_per_year));
    }
    TD_TRY(put_text(w, root, "strategy", strategy));
    for (int r = 0; r < TD_RULE_COUNT; r++)
        if (config->rules[r]) TD_TRY(put_text(w, root, td_rule_names[r], config->rules[r]));
    if (td_strategy_source(config->play.strategy))
        TD_TRY(put_text(w, root, "strategy_source", td_strategy_source(config->play.strategy)));
    if (config->strategy) TD_TRY(put_text(w, root, "strategy_path", config->strategy));
    if (config->kind == TD_TAPE_OF_BARS) TD_TRY(put_text(w, root, "profile", td_profile_name(config->play.profile)));
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
static td_status add_scale(writer *w, const char *name, const char *long_name, extent over, hid_t *scale) {
    *scale = make_dataset(w, name, H5T_STD_I64LE, over, BATCH);
    if (*scale < 0 || H5DSset_scale(*scale, name) < 0) return refuse(w, name);
    return put_text(w, *scale, "long_name", long_name);
}

/* a dimension of names */
static td_status add_names(writer *w, const char *name, const char *long_name, int64_t count, const char **names, hid_t *scale) {
    hsize_t size = (hsize_t)count;
    hid_t space = H5Screate_simple(1, &size, NULL), create = H5Pcreate(H5P_DATASET_CREATE);
    if (space >= 0 && create >= 0 && H5Pset_obj_track_times(create, 0) >= 0 &&
        H5Pset_attr_creation_order(create, H5P_CRT_ORDER_TRACKED | H5P_CRT_ORDER_INDEXED) >= 0)
        *scale = H5Dcreate2(w->file, name, w->text_type, space, H5P_DEFAULT, create, H5P_DEFAULT);
    bool bad = *scale < 0 || H5Dwrite(*scale, w->text_type, H5S_ALL, H5S_ALL, H5P_DEFAULT, names) < 0 ||
               H5DSset_scale(*scale, name) < 0;
    td_status status = bad ? refuse(w, name) : put_text(w, *scale, "long_name", long_name);
    if (space >= 0) H5Sclose(space);
    if (create >= 0) H5Pclose(create);
    return status;
}

static td_status write_whole(const writer *w, hid_t dataset, const char *name, hid_t memory_type, const void *values) {
    return H5Dwrite(dataset, memory_type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) < 0 ? refuse(w, name) : TD_OK;
}

/* A small variable of whole numbers, written at once. */
static td_status put_whole(const writer *w, const char *name, const char *long_name, const char *units, extent over,
                           const int64_t *values) {
    hid_t dataset = make_dataset(w, name, H5T_STD_I64LE, over, BATCH);
    td_status status = describe(w, dataset, name, long_name, units, NULL, over);
    if (status == TD_OK && !strncmp(units, TIME_UNITS, sizeof TIME_UNITS))
        status = put_text(w, dataset, "calendar", "proleptic_gregorian");
    if (status == TD_OK) status = write_whole(w, dataset, name, H5T_NATIVE_INT64, values);
    if (dataset >= 0) H5Dclose(dataset);
    return status;
}

static td_status put_periods(const writer *w, const double *values) {
    hid_t dataset = make_dataset(w, "periods_per_year", H5T_IEEE_F64LE, OVER_MARKETS, BATCH);
    td_status status = describe(w, dataset, "periods_per_year", "what annualises", "1", NULL, OVER_MARKETS);
    if (status == TD_OK) status = put_fill_value(w, dataset, H5T_IEEE_F64LE);
    if (status == TD_OK) status = write_whole(w, dataset, "periods_per_year", H5T_NATIVE_DOUBLE, values);
    if (dataset >= 0) H5Dclose(dataset);
    return status;
}

/* Symbols and intervals, and what of each market is an attribute where there is one. */
static td_status put_markets(writer *w) {
    const td_markets *markets = w->markets;
    if (!w->several) return TD_OK;
    int64_t count = td_markets_count(markets);
    const char **names = calloc((size_t)count, sizeof *names);
    int64_t *whole = calloc((size_t)count * 3, sizeof *whole), *first = whole + count, *last = first + count;
    double *periods = calloc((size_t)count, sizeof *periods);
    td_status status = names && whole && periods
                           ? TD_OK
                           : td_fail(w->error, TD_NO_MEMORY, "results %s: no memory for %lld markets", w->path, (long long)count);
    for (int64_t m = 0; status == TD_OK && m < count; m++) {
        whole[m] = w->facts[m].bars;
        first[m] = w->facts[m].first_ns / 1000;
        last[m] = w->facts[m].last_ns / 1000;
        periods[m] = w->facts[m].periods_per_year;
    }
    for (int64_t k = 0; status == TD_OK && k < markets->symbols; k++)
        names[k] = td_markets_symbol(markets, k * markets->intervals);
    if (status == TD_OK) status = add_names(w, "symbol", "instrument", markets->symbols, names, &w->symbol_scale);
    for (int64_t i = 0; status == TD_OK && i < markets->intervals; i++) names[i] = td_markets_interval(markets, i);
    if (status == TD_OK) status = add_names(w, "interval", "length of a bar", markets->intervals, names, &w->interval_scale);
    if (status == TD_OK) status = put_whole(w, "bars", "bars played", "1", OVER_MARKETS, whole);
    if (status == TD_OK)
        status = put_whole(w, "first_bar_time", "open time of the first bar", TIME_UNITS, OVER_MARKETS, first);
    if (status == TD_OK) status = put_whole(w, "last_bar_time", "open time of the last bar", TIME_UNITS, OVER_MARKETS, last);
    if (status == TD_OK) status = put_periods(w, periods);
    free(names);
    free(whole);
    free(periods);
    return status;
}

static td_status put_blocks(writer *w) {
    if (w->blocks < 1) return TD_OK;
    int64_t count = td_markets_count(w->markets), numbers[TD_BLOCKS_MAX];
    int64_t *times = malloc((size_t)(2 * count * w->blocks) * sizeof *times), *starts = times, *ends = times + count * w->blocks;
    if (!times) return td_fail(w->error, TD_NO_MEMORY, "results %s: no memory for the times of blocks", w->path);
    for (int64_t b = 0; b < w->blocks; b++) numbers[b] = b;
    for (int64_t m = 0; m < count; m++)
        for (int64_t b = 0; b < w->blocks; b++) {
            /* a market with fewer blocks than others: those it lacks are empty ones at its end */
            const td_market_facts *facts = &w->facts[m];
            int64_t end = facts->block_end_ns[b < facts->blocks ? b : facts->blocks - 1] / 1000;
            starts[m * w->blocks + b] = b < facts->blocks ? facts->block_start_ns[b] / 1000 : end;
            ends[m * w->blocks + b] = end;
        }
    extent over = w->several ? OVER_MARKET_BLOCKS : OVER_BLOCKS;
    bool books = w->markets->config->kind == TD_TAPE_OF_BOOKS;
    td_status status = add_scale(w, "block", books ? "block of time" : "block of bars", OVER_BLOCKS, &w->block_scale);
    if (status == TD_OK) status = write_whole(w, w->block_scale, "block", H5T_NATIVE_INT64, numbers);
    if (status == TD_OK)
        status = put_whole(w, "block_start", books ? "when the block begins" : "open time of the first bar of the block", TIME_UNITS, over, starts);
    if (status == TD_OK)
        status = put_whole(w, "block_end", books ? "when the block ends" : "open time of the last bar of the block plus the interval", TIME_UNITS, over, ends);
    free(times);
    return status;
}

/* Is a metric annualised, so that it means nothing without the periods per year? */
static bool is_annualised(td_metric metric) {
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
    double *low[TD_METRIC_BARS_COUNT], *high[TD_METRIC_BARS_COUNT]; /* with envelopes */
    float *block_return;
} batch;

/* Is what annualises the same everywhere? Then it stands beside each annualised metric. */
static bool one_year(const writer *w) {
    bool same = true;
    for (int64_t m = 1; m < td_markets_count(w->markets); m++) same &= w->facts[m].periods_per_year == w->facts->periods_per_year;
    return same;
}

/* <metric>_low or <metric>_high. */
static td_status add_bound(writer *w, td_metric metric, bool high, double **values) {
    char text[160];
    const td_metric_info *info = &td_metric_infos[metric];
    snprintf(text, sizeof text, "%s, %s of the plays inside bars", info->long_name, high ? "greatest" : "least");
    return add_variable(w, td_results_bound_name(metric, high), H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, text, info->units, w->coordinates,
                        OVER_ROWS, values);
}

static td_status add_variables(writer *w, const td_config *config, batch *b) {
    /* the dimension is a variable as well */
    TD_TRY(add_scale(w, "trial", "number of the parameter set", OVER_TRIALS, &w->trial_scale));
    variable *trial = &w->variables[w->variable_count++];
    *trial = (variable){.dataset = w->trial_scale, .memory_type = H5T_NATIVE_INT64, .over = OVER_TRIALS, .element = 8, .bytes = 8,
                        .chunk_rows = BATCH < w->trials ? BATCH : w->trials, .batch = malloc(BATCH * 8)};
    if (!trial->batch) return td_fail(w->error, TD_NO_MEMORY, "results %s: no memory for trial numbers", w->path);
    b->trial = (int64_t *)trial->batch;

    const td_space *space = config->space;
    for (int a = 0; a < td_space_axis_count(space); a++) {
        const td_axis *axis = td_space_axis(space, a);
        char name[80];
        axis_variable(axis->name, config->kind, w->several, name);
        hid_t type = axis->whole ? H5T_STD_I64LE : H5T_IEEE_F64LE, memory_type = axis->whole ? H5T_NATIVE_INT64 : H5T_NATIVE_DOUBLE;
        const char *text = axis->text && axis->text[0] ? axis->text : axis->name;
        bool words = td_value_form_of(td_axis_value_unit(axis)) == TD_VALUE_WORD;
        TD_TRY(add_variable(w, name, type, memory_type, text, words ? NULL : axis->unit, NULL, OVER_TRIALS, &b->axis[a]));
        if (words) TD_TRY(put_words(w, w->variables[w->variable_count - 1].dataset, space, a));
        size_t used = strlen(w->coordinates);
        snprintf(w->coordinates + used, sizeof w->coordinates - used, "%s%s", used ? " " : "", name);
    }

    char meanings[256] = "";
    for (int r = 0; r < TD_CELL_REASON_COUNT; r++) {
        size_t used = strlen(meanings);
        snprintf(meanings + used, sizeof meanings - used, "%s%s", used ? " " : "", td_cell_reason_name((td_cell_reason)r));
    }
    const char *near = w->coordinates;
    TD_TRY(add_variable(w, "state", H5T_STD_I8LE, H5T_NATIVE_INT8, "state of the trial", NULL, near, OVER_ROWS, &b->state));
    TD_TRY(put_flags(w, w->variables[w->variable_count - 1].dataset, 3, "pending done failed"));
    TD_TRY(add_variable(w, "reason", H5T_STD_I8LE, H5T_NATIVE_INT8, "why the trial failed", NULL, near, OVER_ROWS, &b->reason));
    TD_TRY(put_flags(w, w->variables[w->variable_count - 1].dataset, TD_CELL_REASON_COUNT, meanings));
    TD_TRY(add_variable(w, "reason_bar", H5T_STD_I64LE, H5T_NATIVE_INT64, "bar of the failure, -1 when there is none", "bars", near,
                        OVER_ROWS, &b->reason_bar));
    TD_TRY(add_variable(w, "ruined", H5T_STD_I8LE, H5T_NATIVE_INT8, "equity fell to zero and play stopped", NULL, near,
                        OVER_ROWS, &b->ruined));
    TD_TRY(put_text(w, w->variables[w->variable_count - 1].dataset, "dtype", "bool"));
    TD_TRY(add_variable(w, "hash", H5T_STD_U64LE, H5T_NATIVE_UINT64, "hash of every fill, the state and the metrics", NULL, near,
                        OVER_ROWS, &b->hash));
    const td_tape_kind_info *kind = &td_tape_kind_infos[config->kind];
    for (int i = 0; i < kind->metric_count; i++) {
        td_metric m = kind->metrics[i];
        const td_metric_info *info = &td_metric_infos[m];
        TD_TRY(add_variable(w, info->name, H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, info->long_name, info->units, near,
                            OVER_ROWS, &b->metric[m]));
        hid_t dataset = w->variables[w->variable_count - 1].dataset;
        if (is_annualised(m) && one_year(w)) TD_TRY(put_number(w, dataset, "periods_per_year", w->facts->periods_per_year));
    }
    for (int m = 0; config->envelope && m < TD_METRIC_BARS_COUNT; m++) {
        TD_TRY(add_bound(w, (td_metric)m, false, &b->low[m]));
        TD_TRY(add_bound(w, (td_metric)m, true, &b->high[m]));
    }
    if (w->blocks < 1) return TD_OK;
    char near_blocks[sizeof w->coordinates + 32];
    snprintf(near_blocks, sizeof near_blocks, "block_start block_end%s%s", near[0] ? " " : "", near);
    const char *text = config->kind == TD_TAPE_OF_BOOKS ? "change of equity over the block, fraction of account.cash"
                                                        : "simple return of equity over the block";
    return add_variable(w, "block_return", H5T_IEEE_F32LE, H5T_NATIVE_FLOAT, text, "1", near_blocks, OVER_ROW_BLOCKS, &b->block_return);
}

/* one trial on a market into row `row` of the batch; pending ones are NaN and 0 */
static td_status take_trial(const writer *w, const td_space *space, const td_journal *journal, int64_t market, int64_t trial,
                            int64_t row, batch *b) {
    td_cell cell = {.state = TD_CELL_PENDING, .reason_bar = -1};
    td_envelope envelope;
    for (int m = 0; m < TD_METRIC_COUNT; m++) cell.metrics[m] = NAN;
    for (int m = 0; m < TD_METRIC_BARS_COUNT; m++) envelope.low[m] = envelope.high[m] = NAN;
    float *returns = w->blocks ? b->block_return + row * w->blocks : NULL;
    for (int64_t i = 0; i < w->blocks; i++) returns[i] = NAN;
    int64_t entry = market * w->trials + trial;
    if (td_journal_has(journal, entry)) TD_TRY(td_journal_get(journal, entry, &cell, returns, &envelope, w->error));

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
    for (int m = 0; m < TD_METRIC_COUNT; m++)
        if (b->metric[m]) b->metric[m][row] = cell.metrics[m];
    for (int m = 0; m < TD_METRIC_BARS_COUNT; m++) {
        if (b->low[m]) b->low[m][row] = envelope.low[m];
        if (b->high[m]) b->high[m][row] = envelope.high[m];
    }
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

/* What HDF5's filters shuffle and deflate make of a chunk: first bytes of all values, then second ones, ..., as a zlib stream. */
static void pack(piece *p) {
    const char *values = p->v->batch + (size_t)p->row * p->v->bytes;
    size_t element = p->v->element, bytes = (size_t)p->v->chunk_rows * p->v->bytes, count = bytes / element;
    uLongf room = compressBound((uLong)bytes);
    char *shuffled = malloc(bytes);
    p->packed = malloc(room);
    if (shuffled && p->packed) {
        for (size_t byte = 0; byte < element; byte++)
            for (size_t i = 0; i < count; i++) shuffled[byte * count + i] = values[i * element + byte];
        if (compress2(p->packed, &room, (const Bytef *)shuffled, (uLong)bytes, DEFLATE_LEVEL) == Z_OK) p->packed_bytes = room;
    }
    free(shuffled);
}

static td_status write_piece(const writer *w, int64_t market, int64_t first, const piece *p) {
    hsize_t offset[4] = {0};
    bool of_market = w->several && p->v->over != OVER_TRIALS;
    if (of_market) offset[0] = (hsize_t)(market / w->markets->intervals), offset[1] = (hsize_t)(market % w->markets->intervals);
    offset[of_market ? 2 : 0] = (hsize_t)(first + p->row);
    if (p->packed_bytes == 0) return td_fail(w->error, TD_NO_MEMORY, "results %s: no memory to compress trials", w->path);
    bool bad = H5Dwrite_chunk(p->v->dataset, H5P_DEFAULT, 0, offset, p->packed_bytes, p->packed) < 0;
    return bad ? refuse(w, "a batch of trials") : TD_OK;
}

static td_status write_batch(const writer *w, int threads, int64_t market, int64_t first, int64_t count) {
    int64_t bytes = METADATA_BYTES;
    int pieces = 0;
    piece *list = calloc((size_t)(w->variable_count + BATCH), sizeof *list); /* one variable is cut, into no more than its rows */
    if (!list) return td_fail(w->error, TD_NO_MEMORY, "results %s: no memory for a batch of trials", w->path);
    for (int i = 0; i < w->variable_count; i++) {
        const variable *v = &w->variables[i];
        if (v->over == OVER_TRIALS && market > 0) continue; /* the same for every market */
        int64_t row = 0;
        for (; row < count; row += v->chunk_rows) list[pieces++] = (piece){.v = v, .row = row};
        memset(v->batch + (size_t)count * v->bytes, 0, (size_t)(row - count) * v->bytes); /* rows that do not exist */
        bytes += (int64_t)v->bytes * row;
    }
    td_status status = reserve(w, bytes);
    #pragma omp parallel for num_threads(threads) schedule(dynamic) if (status == TD_OK)
    for (int i = 0; i < pieces; i++) pack(&list[i]);
    for (int i = 0; i < pieces; i++) {
        if (status == TD_OK) status = write_piece(w, market, first, &list[i]);
        free(list[i].packed);
    }
    free(list);
    return status;
}

static td_status write_rows(const writer *w, int threads, const td_config *config, const td_journal *journal, batch *b) {
    for (int64_t market = 0; market < td_markets_count(w->markets); market++)
        for (int64_t first = 0; first < w->trials; first += BATCH) {
            int64_t count = w->trials - first < BATCH ? w->trials - first : BATCH;
            for (int64_t row = 0; row < count; row++)
                TD_TRY(take_trial(w, config->space, journal, market, first + row, row, b));
            TD_TRY(write_batch(w, threads, market, first, count));
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
    if (w->symbol_scale >= 0) H5Dclose(w->symbol_scale);
    if (w->interval_scale >= 0) H5Dclose(w->interval_scale);
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

td_status td_results_write(const char *path, const td_config *config, const td_markets *markets, const td_market_facts *facts,
                           const td_journal *journal, const td_sweep_info *info, td_error *error) {
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    char temporary[PATH_MAX];
    if (snprintf(temporary, sizeof temporary, "%s.tmp.%d", path, (int)getpid()) >= (int)sizeof temporary)
        return td_fail(error, TD_BAD_ARG, "results %.200s...: the path is too long", path);
    remove_leftovers(path);
    writer *w = calloc(1, sizeof *w);
    if (!w) return td_fail(error, TD_NO_MEMORY, "results %s: no memory to write them", path);
    *w = (writer){.path = path, .temporary = temporary, .file = -1, .text_type = -1, .symbol_scale = -1, .interval_scale = -1,
                  .trial_scale = -1, .block_scale = -1, .markets = markets, .facts = facts,
                  .several = td_markets_count(markets) > 1, .trials = td_space_count(config->space), .error = error};
    for (int64_t m = 0; m < td_markets_count(markets); m++)
        if (facts[m].blocks > w->blocks) w->blocks = facts[m].blocks;
    batch b = {0};
    td_status status = create_file(w);
    if (status == TD_OK) status = reserve(w, METADATA_BYTES + 2 * (int64_t)(strlen(config->text) + strlen(config->resolved)));
    if (status == TD_OK) status = put_sweep(w, config);
    if (status == TD_OK) status = put_run(w, journal, info);
    if (status == TD_OK) status = put_markets(w);
    if (status == TD_OK) status = put_blocks(w);
    if (status == TD_OK) status = add_variables(w, config, &b);
    if (status == TD_OK) status = write_rows(w, info->threads, config, journal, &b);
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
    int64_t trials, symbols, intervals, done, failed, blocks;
    td_tape_kind kind;
    bool enveloped;
    char **symbol_names, **interval_names; /* of several markets */
    int axis_count;
    struct axis {
        char *name;
        bool whole, duration;
        int word_count; /* 0: not one of words */
        int64_t *codes;
        char **words;   /* (word_count), one allocation with their texts */
        double *values;
    } axes[TD_AXES_MAX];
    double *metrics[TD_METRIC_COUNT], *low[TD_METRIC_BARS_COUNT], *high[TD_METRIC_BARS_COUNT];
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

/* opens a variable and checks its shape and class */
static td_status open_variable(const td_results *r, const char *name, extent over, hid_t *dataset, H5T_class_t *class,
                               td_error *error) {
    *dataset = -1;
    if (H5Lexists(r->file, name, H5P_DEFAULT) <= 0)
        return td_fail(error, TD_BAD_DATA, "results %s: there is no variable '%s'", r->path, name);
    hid_t opened = H5Dopen2(r->file, name, H5P_DEFAULT);
    if (opened < 0) return bad_file(r, error, name);
    hid_t space = H5Dget_space(opened), type = H5Dget_type(opened);
    hsize_t size[4] = {0}, wanted[4];
    int rank = H5Sget_simple_extent_ndims(space), wanted_rank = 0;
    if (td_results_several(r) && over != OVER_TRIALS) {
        wanted[wanted_rank++] = (hsize_t)r->symbols;
        wanted[wanted_rank++] = (hsize_t)r->intervals;
    }
    wanted[wanted_rank++] = (hsize_t)r->trials;
    if (over == OVER_ROW_BLOCKS) wanted[wanted_rank++] = (hsize_t)r->blocks;
    if (rank >= 1 && rank <= 4) H5Sget_simple_extent_dims(space, size, NULL);
    *class = H5Tget_class(type);
    H5Sclose(space);
    H5Tclose(type);
    bool shape = rank == wanted_rank && memcmp(size, wanted, (size_t)wanted_rank * sizeof *size) == 0;
    if (shape && (*class == H5T_INTEGER || *class == H5T_FLOAT)) {
        *dataset = opened;
        return TD_OK;
    }
    H5Dclose(opened);
    if (!shape)
        return td_fail(error, TD_BAD_DATA, "results %s: variable '%s' is not over %" PRId64 " trials%s%s", r->path, name,
                       r->trials, over == OVER_ROW_BLOCKS ? " and the blocks" : "",
                       td_results_several(r) && over != OVER_TRIALS ? " of every symbol and interval" : "");
    return td_fail(error, TD_BAD_DATA, "results %s: variable '%s' holds no numbers", r->path, name);
}

/* a whole variable, read once and for every row: *values stays with results */
static const void *column(td_results *r, const char *name, extent over, hid_t memory_type, void **values, td_error *error) {
    if (*values) return *values;
    hid_t dataset;
    H5T_class_t class;
    if (open_variable(r, name, over, &dataset, &class, error) != TD_OK) return NULL;
    int64_t rows = td_results_rows(r);
    size_t size = H5Tget_size(memory_type), trials = (size_t)r->trials * size;
    char *read = malloc((size_t)rows * size);
    if (!read) {
        td_fail(error, TD_NO_MEMORY, "results %s: no memory for %" PRId64 " values of '%s'", r->path, rows, name);
    } else if (H5Dread(dataset, memory_type, H5S_ALL, H5S_ALL, H5P_DEFAULT, read) < 0) {
        bad_file(r, error, name);
        free(read);
        read = NULL;
    }
    H5Dclose(dataset);
    /* what is a trial's is the same on every market */
    for (int64_t m = 1; read && over == OVER_TRIALS && m < rows / r->trials; m++) memcpy(read + (size_t)m * trials, read, trials);
    return *values = read;
}

/* a dimension of names, NULL when it is not there or has another length */
static char **read_names(const td_results *r, const char *name, int64_t count) {
    hid_t dataset = H5Lexists(r->file, name, H5P_DEFAULT) > 0 ? H5Dopen2(r->file, name, H5P_DEFAULT) : -1;
    if (dataset < 0) return NULL;
    hid_t space = H5Dget_space(dataset), type = H5Dget_type(dataset), memory = make_text_type();
    bool fits = H5Tis_variable_str(type) > 0 && H5Sget_simple_extent_npoints(space) == count;
    char **read = fits ? calloc((size_t)count, sizeof *read) : NULL, **names = fits ? calloc((size_t)count, sizeof *names) : NULL;
    bool good = read && names && H5Dread(dataset, memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, read) >= 0;
    for (int64_t i = 0; good && i < count; i++) names[i] = strdup(read[i] ? read[i] : "");
    if (good) H5Dvlen_reclaim(memory, space, H5P_DEFAULT, read);
    free(read);
    if (!good) free(names), names = NULL;
    H5Tclose(memory);
    H5Tclose(type);
    H5Sclose(space);
    H5Dclose(dataset);
    return names;
}

static td_status open_markets(td_results *r, int64_t version, td_error *error) {
    r->symbols = r->intervals = 1;
    if (version == ONE_MARKET_VERSION) return TD_OK;
    if (!read_number(r->file, "symbols", H5T_NATIVE_INT64, &r->symbols) || r->symbols < 1 || r->symbols > 1 << 20 ||
        !read_number(r->file, "intervals", H5T_NATIVE_INT64, &r->intervals) || r->intervals < 1 || r->intervals > 1 << 20 ||
        r->symbols * r->intervals < 2 || r->trials > INT64_MAX / 64 / (r->symbols * r->intervals))
        return td_fail(error, TD_BAD_DATA, "results %s: the counts of symbols and intervals are missing or wrong", r->path);
    r->symbol_names = read_names(r, "symbol", r->symbols);
    r->interval_names = read_names(r, "interval", r->intervals);
    if (r->symbol_names && r->interval_names) return TD_OK;
    return td_fail(error, TD_BAD_DATA, "results %s: the names of %" PRId64 " symbols and %" PRId64 " intervals cannot be read",
                   r->path, r->symbols, r->intervals);
}

/* Files of bars do not say so: there was nothing else once. */
static td_status open_kind(td_results *r, td_error *error) {
    const char *word = td_results_attribute(r, "tape_kind");
    for (r->kind = TD_TAPE_OF_BARS; word && r->kind < TD_TAPE_KIND_COUNT; r->kind++)
        if (!strcmp(td_tape_kind_infos[r->kind].word, word)) return TD_OK;
    return word ? td_fail(error, TD_BAD_DATA, "results %s: tape_kind is '%.40s', must be books", r->path, word) : TD_OK;
}

/* A text attribute of a dataset, NULL when there is none; the caller frees. */
static char *text_of(hid_t dataset, const char *name) {
    hid_t attribute = H5Aexists(dataset, name) > 0 ? H5Aopen(dataset, name, H5P_DEFAULT) : -1, memory = make_text_type();
    hid_t type = attribute < 0 ? -1 : H5Aget_type(attribute), space = attribute < 0 ? -1 : H5Aget_space(attribute);
    char *read = NULL, *text = NULL;
    bool fits = type >= 0 && H5Tis_variable_str(type) > 0 && H5Sget_simple_extent_type(space) == H5S_SCALAR;
    if (fits && H5Aread(attribute, memory, &read) >= 0 && read) text = strdup(read);
    if (read) H5free_memory(read);
    if (memory >= 0) H5Tclose(memory);
    if (space >= 0) H5Sclose(space);
    if (type >= 0) H5Tclose(type);
    if (attribute >= 0) H5Aclose(attribute);
    return text;
}

/* The words of an axis (CF flags), and whether it is of durations. What is not as put_words() writes it is left alone. */
static void read_words(struct axis *axis, hid_t dataset) {
    char *units = text_of(dataset, "units"), *meanings = text_of(dataset, "flag_meanings");
    axis->duration = units && td_value_form_of(units) == TD_VALUE_DURATION;
    free(units);
    hid_t attribute = meanings && H5Aexists(dataset, "flag_values") > 0 ? H5Aopen(dataset, "flag_values", H5P_DEFAULT) : -1;
    hid_t space = attribute < 0 ? -1 : H5Aget_space(attribute);
    hssize_t count = space < 0 ? 0 : H5Sget_simple_extent_npoints(space);
    if (count > 0 && count <= WORDS_MAX && (axis->codes = calloc((size_t)count, sizeof *axis->codes)) &&
        (axis->words = malloc((size_t)count * sizeof *axis->words + strlen(meanings) + 1)) &&
        H5Aread(attribute, H5T_NATIVE_INT64, axis->codes) >= 0) {
        char *rest = strcpy((char *)(axis->words + count), meanings), *word;
        while (axis->word_count < count && (word = strsep(&rest, " "))) axis->words[axis->word_count++] = word;
    }
    if (space >= 0) H5Sclose(space);
    if (attribute >= 0) H5Aclose(attribute);
    free(meanings);
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
        const char *variable = axis_variable(r->axes[a].name, r->kind, td_results_several(r), name);
        status = open_variable(r, variable, OVER_TRIALS, &dataset, &class, error);
        if (status != TD_OK) break;
        r->axes[a].whole = class == H5T_INTEGER;
        read_words(&r->axes[a], dataset);
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
    if (!read_number(r->file, SCHEMA_ATTRIBUTE "_version", H5T_NATIVE_INT64, &version) ||
        (version != ONE_MARKET_VERSION && version != MARKETS_VERSION))
        return td_fail(error, TD_BAD_DATA,
                       "results %s: the file has schema version %" PRId64 ", this program reads versions %d and %d%s", r->path,
                       version, ONE_MARKET_VERSION, MARKETS_VERSION,
                       version > MARKETS_VERSION ? "; a newer tapedeck wrote it" : "");
    if (!read_number(r->file, "trials", H5T_NATIVE_INT64, &r->trials) || r->trials < 1 ||
        !read_number(r->file, "blocks", H5T_NATIVE_INT64, &r->blocks) || r->blocks < 0 || r->blocks > TD_BLOCKS_MAX)
        return td_fail(error, TD_BAD_DATA, "results %s: the counts of trials and blocks are missing or wrong", r->path);

    TD_TRY(open_kind(r, error));
    TD_TRY(open_markets(r, version, error));
    r->enveloped = H5Lexists(r->file, td_results_bound_name((td_metric)0, false), H5P_DEFAULT) > 0;

    /* finished ones are counted, not believed */
    const int32_t *state = td_results_state(r, error);
    if (!state) return TD_BAD_DATA;
    for (int64_t row = 0; row < td_results_rows(r); row++) {
        if (state[row] != TD_CELL_PENDING && state[row] != TD_CELL_DONE && state[row] != TD_CELL_FAILED)
            return td_fail(error, TD_BAD_DATA, "results %s: the state of trial %" PRId64 " is %d", r->path, row % r->trials,
                           (int)state[row]);
        r->done += state[row] != TD_CELL_PENDING;
        r->failed += state[row] == TD_CELL_FAILED;
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
    for (int a = 0; a < results->axis_count; a++) {
        struct axis *axis = &results->axes[a];
        free(axis->name), free(axis->values), free(axis->codes), free(axis->words);
    }
    for (int m = 0; m < TD_METRIC_COUNT; m++) free(results->metrics[m]);
    for (int m = 0; m < TD_METRIC_BARS_COUNT; m++) free(results->low[m]), free(results->high[m]);
    for (text_attribute *t = results->texts, *next; t; t = next) {
        next = t->next;
        free(t->name), free(t->text), free(t);
    }
    for (int64_t k = 0; results->symbol_names && k < results->symbols; k++) free(results->symbol_names[k]);
    for (int64_t i = 0; results->interval_names && i < results->intervals; i++) free(results->interval_names[i]);
    free(results->symbol_names), free(results->interval_names);
    free(results->state), free(results->reason), free(results->hash), free(results->path);
    free(results);
}

int64_t td_results_trials(const td_results *results) { return results->trials; }
int64_t td_results_symbols(const td_results *results) { return results->symbols; }
int64_t td_results_intervals(const td_results *results) { return results->intervals; }
int64_t td_results_rows(const td_results *results) { return results->trials * results->symbols * results->intervals; }
bool td_results_several(const td_results *results) { return results->symbols * results->intervals > 1; }
int64_t td_results_row_trial(const td_results *results, int64_t row) { return row % results->trials; }

int64_t td_results_row_symbol(const td_results *results, int64_t row) {
    return row / results->trials / results->intervals;
}

int64_t td_results_row_interval(const td_results *results, int64_t row) {
    return row / results->trials % results->intervals;
}

const char *td_results_symbol_name(const td_results *results, int64_t symbol) {
    const char *name = results->symbol_names ? results->symbol_names[symbol] : td_results_attribute(results, "tape_symbol");
    return name ? name : "?";
}

const char *td_results_interval_name(const td_results *results, int64_t interval) {
    const char *name =
        results->interval_names ? results->interval_names[interval] : td_results_attribute(results, "tape_interval");
    return name ? name : "?";
}

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

td_value_form td_results_axis_form(const td_results *results, int index) {
    assert(index >= 0 && index < results->axis_count);
    const struct axis *axis = &results->axes[index];
    return axis->word_count ? TD_VALUE_WORD : axis->duration ? TD_VALUE_DURATION : TD_VALUE_NUMBER;
}

const char *td_results_axis_text(const td_results *results, int index, double value, char *text) {
    const struct axis *axis = &results->axes[index];
    for (int i = 0; i < axis->word_count; i++)
        if ((double)axis->codes[i] == value) {
            snprintf(text, 48, "%s", axis->words[i]);
            return text;
        }
    return axis->duration ? td_write_nanoseconds(value, text) : td_write_number(value, text);
}

const double *td_results_axis(td_results *results, int index, td_error *error) {
    char name[80];
    axis_variable(td_results_axis_name(results, index), results->kind, td_results_several(results), name);
    return column(results, name, OVER_TRIALS, H5T_NATIVE_DOUBLE, (void **)&results->axes[index].values, error);
}

const double *td_results_metric(td_results *results, td_metric metric, td_error *error) {
    assert(td_kind_has_metric(results->kind, metric));
    return column(results, td_metric_infos[metric].name, OVER_ROWS, H5T_NATIVE_DOUBLE, (void **)&results->metrics[metric], error);
}

static const double *bound(td_results *results, td_metric metric, bool high, td_error *error) {
    assert(metric < TD_METRIC_BARS_COUNT);
    return column(results, td_results_bound_name(metric, high), OVER_ROWS, H5T_NATIVE_DOUBLE,
                  (void **)(high ? &results->high[metric] : &results->low[metric]), error);
}

const double *td_results_low(td_results *results, td_metric metric, td_error *error) { return bound(results, metric, false, error); }
const double *td_results_high(td_results *results, td_metric metric, td_error *error) { return bound(results, metric, true, error); }

td_tape_kind td_results_tape_kind(const td_results *results) { return results->kind; }
bool td_results_enveloped(const td_results *results) { return results->enveloped; }

const int32_t *td_results_state(td_results *results, td_error *error) {
    return column(results, "state", OVER_ROWS, H5T_NATIVE_INT32, (void **)&results->state, error);
}

const int32_t *td_results_reason(td_results *results, td_error *error) {
    return column(results, "reason", OVER_ROWS, H5T_NATIVE_INT32, (void **)&results->reason, error);
}

const uint64_t *td_results_hash(td_results *results, td_error *error) {
    return column(results, "hash", OVER_ROWS, H5T_NATIVE_UINT64, (void **)&results->hash, error);
}

td_status td_results_block_returns(td_results *results, int64_t row, float *out, td_error *error) {
    assert(row >= 0 && row < td_results_rows(results));
    if (results->blocks < 1) return TD_OK;
    hid_t dataset;
    H5T_class_t class;
    TD_TRY(open_variable(results, "block_return", OVER_ROW_BLOCKS, &dataset, &class, error));
    hsize_t start[4] = {0}, size[4] = {1, 1, 1, 1};
    int rank = 0;
    if (td_results_several(results)) {
        start[rank++] = (hsize_t)td_results_row_symbol(results, row);
        start[rank++] = (hsize_t)td_results_row_interval(results, row);
    }
    start[rank++] = (hsize_t)td_results_row_trial(results, row);
    size[rank++] = (hsize_t)results->blocks;
    hid_t space = H5Dget_space(dataset), memory = H5Screate_simple(rank, size, NULL);
    bool bad = H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, size, NULL) < 0 ||
               H5Dread(dataset, H5T_NATIVE_FLOAT, memory, space, H5P_DEFAULT, out) < 0;
    td_status status = bad ? bad_file(results, error, "block_return") : TD_OK;
    H5Sclose(memory);
    H5Sclose(space);
    H5Dclose(dataset);
    return status;
}
