/* tapedeck data: from files to a tape, and what is in it. */
#include <argp.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/cli.h"
#include "cli/data_book.h"
#include "cli/job.h"
#include "cli/option.h"
#include "cli/synth_book.h"
#include "data/book.h"
#include "data/import.h"
#include "data/klines.h"
#include "data/number.h"
#include "data/pick.h"
#include "data/quality.h"
#include "data/synth.h"
#include "data/tape.h"

/* ---- what the subcommands share ---- */

enum { KEY_SYMBOL = 0x100, KEY_INTERVAL, KEY_APPEND, KEY_STRICT, KEY_COLUMNS, KEY_EXTRAS, KEY_THREADS, KEY_UNPACK_MAX, KEY_JSON,
       KEY_BARS, KEY_SEED, KEY_START, KEY_PRICE, KEY_VERIFY, KEY_FROM_NAME, KEY_SYMBOLS, KEY_BOOK };

/* The files named on the command line; the texts are argv's. */
typedef struct file_list {
    const char **paths;
    int count;
} file_list;

static void add_file(file_list *files, const char *path) {
    const char **grown = realloc(files->paths, (size_t)(files->count + 1) * sizeof *grown);
    if (!grown) abort();
    files->paths = grown;
    files->paths[files->count++] = path;
}

/* JSON has no NaN and no infinity. */
static json_t *json_number(double x) { return isfinite(x) ? json_real(x) : json_null(); }

static json_t *json_problems(const td_klines *klines) {
    json_t *list = json_array();
    for (int i = 0; i < klines->problem_count; i++) {
        const td_kline_problem *p = &klines->problems[i];
        json_array_append_new(list, json_pack("{s:s, s:I, s:i, s:s, s:s, s:s%, s:s}", "file", p->file, "line", (json_int_t)p->line,
                                              "column", p->column, "field", p->field, "fault", td_kline_fault_name(p->fault),
                                              "found", p->found, strlen(p->found), "expected", p->expected));
    }
    return list;
}

static json_t *json_faults(const td_klines *klines) {
    json_t *counts = json_object();
    for (int i = 0; i < TD_FAULT_COUNT; i++)
        json_object_set_new(counts, td_kline_fault_name((td_kline_fault)i), json_integer(klines->faults[i]));
    return counts;
}

/* The first broken rows, on stderr. */
static void warn_of_problems(const td_klines *klines) {
    char text[512];
    for (int i = 0; i < klines->problem_count; i++)
        fprintf(stderr, "tapedeck: warning: %s\n", td_kline_problem_text(&klines->problems[i], text, sizeof text));
    if (klines->broken > klines->problem_count)
        fprintf(stderr, "tapedeck: warning: ... and %lld more broken rows\n", (long long)(klines->broken - klines->problem_count));
}

/* ---- data import ---- */

typedef struct import_options {
    td_import_def def;
    file_list files;
    const char *kind;
    bool json, from_name;
} import_options;

static error_t parse_import(int key, char *text, struct argp_state *state) {
    import_options *o = state->input;
    switch (key) {
    case 'o': o->def.path = text; return 0;
    case KEY_SYMBOL: o->def.symbol = text; return 0;
    case KEY_INTERVAL: o->def.interval = text; return 0;
    case KEY_FROM_NAME: o->from_name = true; return 0;
    case KEY_APPEND: o->def.append = true; return 0;
    case KEY_STRICT: o->def.klines.strict = true; return 0;
    case KEY_COLUMNS: o->def.klines.columns = text; return 0;
    case KEY_EXTRAS: o->def.klines.extras = true; return 0;
    case KEY_THREADS: o->def.klines.threads = (int)td_option_whole(state, "threads", text, 1, 4096); return 0;
    case KEY_UNPACK_MAX: o->def.klines.unpack_max = td_option_whole(state, "unpack-max", text, 1, INT64_MAX); return 0;
    case KEY_JSON: o->json = true; return 0;
    case ARGP_KEY_ARG:
        if (!o->kind)
            o->kind = text;
        else
            add_file(&o->files, text);
        return 0;
    case ARGP_KEY_END:
        if (!o->kind || strcmp(o->kind, "klines") != 0)
            argp_error(state, "the first argument is \"%s\", expected what to import: klines or book", o->kind ? o->kind : "");
        if (o->files.count == 0) argp_error(state, "no file to import");
        if (!o->def.path) argp_error(state, "no tape to write: give -o TAPE.h5");
        if (o->from_name && o->def.symbol) argp_error(state, "--symbol and --symbol-from-name at once");
        if (!o->from_name && !o->def.symbol) argp_error(state, "no symbol: give --symbol, as in --symbol BTCUSDT");
        if (!o->def.interval) argp_error(state, "no interval: give --interval, as in --interval 1m");
        return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_option import_argp_options[] = {
    {"output", 'o', "TAPE.h5", 0, "tape to write", 0},
    {"symbol", KEY_SYMBOL, "S", 0, "name of the instrument", 0},
    {"interval", KEY_INTERVAL, "I", 0, "length of a bar: 1m, 15m, 4h, 1d, 1w, 1mo, ...", 0},
    {"symbol-from-name", KEY_FROM_NAME, 0, 0,
     "take the symbol from the name of each file, up to the first - or .: BTCUSDT of BTCUSDT-1m-2024-01.zip", 0},
    {"append", KEY_APPEND, 0, 0, "keep what the tape has: add symbols it does not hold, and bars newer than the last of those it does",
     0},
    {"strict", KEY_STRICT, 0, 0,
     "refuse files with broken, unsorted or contradicting rows (default: leave out, sort, later row wins)", 0},
    {"columns", KEY_COLUMNS, "MAP", 0, "which column is what, by name or number: time=Date,open=O,high=H,low=L,close=C,volume=V",
     0},
    {"extras", KEY_EXTRAS, 0, 0, "keep quote volume, trades and taker volumes too", 0},
    {"threads", KEY_THREADS, "N", 0, "files read at once (default: one per core)", 0},
    {"unpack-max", KEY_UNPACK_MAX, "BYTES", 0, "largest size that one compressed file may unpack to (default 64 GiB)", 0},
    {"json", KEY_JSON, 0, 0, "print the result as one JSON document", 0},
    {0},
};

static const struct argp import_argp = {
    .options = import_argp_options,
    .parser = parse_import,
    .args_doc = "klines FILE...",
    .doc = "Makes a tape from Binance archive klines or any OHLCV CSV with a header. Order books: `tapedeck data import book --help`.\v"
           "Files may be plain, .gz, .zst, .xz, .bz2 or .zip; - is standard input. Times are ISO 8601 text or whole seconds, "
           "milliseconds, "
           "microseconds or nanoseconds since 1970. Of rows with the same open time, the one in the later file wins.",
};

static json_t *import_document(const import_options *o, const td_import *import, const td_import_report *r) {
    const td_klines *k = &r->klines;
    return json_pack("{s:s, s:s, s:s, s:i, s:I, s:I, s:o, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:o, s:o, s:s, s:o}", "tape",
                     o->def.path, "symbol", r->symbol, "interval", o->def.interval, "files", r->file_count, "rows",
                     (json_int_t)k->rows, "broken", (json_int_t)k->broken, "faults", json_faults(k), "out_of_order",
                     (json_int_t)k->out_of_order, "duplicates", (json_int_t)k->duplicates, "contradicting",
                     (json_int_t)k->contradicting, "open_close_outside", (json_int_t)k->outside, "older", (json_int_t)r->older,
                     "added", (json_int_t)r->added, "bars", (json_int_t)r->bars, "first", td_json_time(r->first_ns), "last",
                     td_json_time(r->last_ns), "digest", import->digest, "problems", json_problems(k));
}

/* One document for --symbol, a list of them for --symbol-from-name. */
static json_t *imports_document(const import_options *o, const td_import *import) {
    if (!o->from_name) return import_document(o, import, &import->reports[0]);
    json_t *list = json_array();
    for (int i = 0; i < import->count; i++) json_array_append_new(list, import_document(o, import, &import->reports[i]));
    return json_pack("{s:s, s:I, s:I, s:s, s:o}", "tape", o->def.path, "symbols", (json_int_t)import->symbols, "bars",
                     (json_int_t)import->bars, "digest", import->digest, "imported", list);
}

static void print_report(const import_options *o, const td_import_report *r) {
    const td_klines *k = &r->klines;
    char first[32], last[32];
    printf("bars       %lld of %s, %s to %s\n", (long long)r->bars, o->def.interval, td_time_text(r->first_ns, first),
           td_time_text(r->last_ns, last));
    printf("added      %lld", (long long)r->added);
    if (o->def.append) printf(", %lld read were not newer than the tape", (long long)r->older);
    printf("\nrows       %lld read from %d file%s: %lld broken, %lld out of order, %lld duplicate (%lld contradicting)\n",
           (long long)k->rows, r->file_count, r->file_count == 1 ? "" : "s", (long long)k->broken, (long long)k->out_of_order,
           (long long)k->duplicates, (long long)k->contradicting);
    if (k->outside) printf("outside    %lld bars open or close outside their low and high\n", (long long)k->outside);
}

static int print_import(const import_options *o, const td_import *import) {
    printf("tape       %s\n", o->def.path);
    for (int i = 0; i < import->count; i++) {
        if (import->symbols > 1) printf("symbol     %s\n", import->reports[i].symbol);
        print_report(o, &import->reports[i]);
    }
    if (import->symbols > 1)
        printf("symbols    %lld in the tape, on a raster of %lld bars\n", (long long)import->symbols, (long long)import->bars);
    printf("digest     %s\n", import->digest);
    return TD_EXIT_OK;
}

static void warn_of_import(const import_options *o, const td_import *import) {
    double interval = (double)td_interval_ns(o->def.interval);
    for (int i = 0; i < import->count; i++) {
        const td_import_report *r = &import->reports[i];
        warn_of_problems(&r->klines);
        if ((double)r->step_ns > 1.1 * interval)
            fprintf(stderr, "tapedeck: warning: most bars%s%s are %g s apart, but --interval says %s (%g s)\n",
                    o->from_name ? " of " : "", o->from_name ? r->symbol : "", (double)r->step_ns / 1e9, o->def.interval,
                    interval / 1e9);
    }
}

static int import_command(int argc, char **argv) {
    if (argc > 1 && strcmp(argv[1], "book") == 0) {
        static char name[] = "tapedeck data import book";
        argv[1] = name;
        return td_data_import_book(argc - 1, argv + 1);
    }
    import_options o = {.def = td_default_import_def()};
    o.def.klines.threads = 0;
    if (argp_parse(&import_argp, argc, argv, 0, NULL, &o) != 0) return TD_EXIT_USAGE;
    td_import import;
    td_error error;
    td_status status = td_import_klines(&o.def, o.files.count, o.files.paths, &import, &error);
    int code;
    if (status != TD_OK) {
        code = td_cli_fail(status, &error, o.json);
    } else {
        warn_of_import(&o, &import);
        code = o.json ? td_json_print(imports_document(&o, &import), TD_EXIT_OK) : print_import(&o, &import);
        td_import_free(&import);
    }
    free(o.files.paths);
    return code;
}

/* ---- data check ---- */

typedef struct check_options {
    td_klines_def klines;
    file_list files;
    const char *interval;
    bool strict, json;
} check_options;

static error_t parse_check(int key, char *text, struct argp_state *state) {
    check_options *o = state->input;
    switch (key) {
    case KEY_INTERVAL:
        o->interval = text;
        if (td_interval_ns(text) == 0 || strlen(text) >= 16)
            argp_error(state, "--interval is \"%s\", expected a number and a unit, as in 1m", text);
        return 0;
    case KEY_STRICT: o->strict = true; return 0;
    case KEY_COLUMNS: o->klines.columns = text; return 0;
    case KEY_UNPACK_MAX: o->klines.unpack_max = td_option_whole(state, "unpack-max", text, 1, INT64_MAX); return 0;
    case KEY_JSON: o->json = true; return 0;
    case ARGP_KEY_ARG: add_file(&o->files, text); return 0;
    case ARGP_KEY_END:
        if (o->files.count == 0) argp_error(state, "no file to check");
        return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_option check_argp_options[] = {
    {"interval", KEY_INTERVAL, "I", 0, "length of a bar in text files (default: the most frequent step)", 0},
    {"strict", KEY_STRICT, 0, 0,
     "exit 4 when rows are broken, out of order or contradicting, or a book has gaps, is crossed, or is not the venue's own", 0},
    {"columns", KEY_COLUMNS, "MAP", 0, "which column is what, as in data import", 0},
    {"unpack-max", KEY_UNPACK_MAX, "BYTES", 0, "largest size that one compressed file may unpack to (default 64 GiB)", 0},
    {"json", KEY_JSON, 0, 0, "print one JSON document", 0},
    {0},
};

static const struct argp check_argp = {
    .options = check_argp_options,
    .parser = parse_check,
    .args_doc = "FILE...",
    .doc = "Reports what is odd about tapes and kline files: missing bars, duplicates, order, NaN, prices not above 0, high below "
           "low, open or "
           "close outside the range, spikes.\v"
           "Gaps: over four weeks or more, an hour of the week in which a file never has a bar is taken as closed. Spike: the "
           "change of the "
           "close over the square root of the days between, more than 8 times its exponentially weighted mean over 500 bars.",
};

/* What is known of one file. `klines` counts are 0 for a tape, which cannot hold broken rows. */
typedef struct check_report {
    const char *path;
    bool is_tape;
    char symbol[TD_SYMBOL_MAX]; /* "" where there is but one */
    char interval[32];
    td_klines klines;
    td_quality quality;
} check_report;

/* "60s" for steps that have no better name */
static void name_interval(int64_t ns, char text[32]) {
    static const char *const names[] = {"1s", "1m", "3m", "5m",  "15m", "30m", "1h", "2h",
                                        "4h", "6h", "8h", "12h", "1d",  "3d",  "1w"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (td_interval_ns(names[i]) == ns) {
            strcpy(text, names[i]);
            return;
        }
    if (ns >= 28 * TD_NS_PER_DAY && ns <= 31 * TD_NS_PER_DAY)
        strcpy(text, "1mo");
    else
        snprintf(text, 32, "%gs", (double)ns / 1e9);
}

static bool has_tape_magic(const char *path) {
    char head[8] = "";
    FILE *file = fopen(path, "rb");
    bool hdf5 = file && fread(head, 1, sizeof head, file) == sizeof head && memcmp(head, "\x89HDF\r\n\x1a\n", 8) == 0;
    if (file) fclose(file);
    return hdf5;
}

/* One symbol of an open tape. */
static td_status check_symbol(const td_tape *tape, int64_t symbol, check_report *r, td_error *error) {
    td_pick pick;
    TD_TRY(td_pick_open(tape, symbol, NULL, INT64_MIN, INT64_MAX, &pick, error));
    r->is_tape = true;
    r->quality = td_quality_scan(&pick.tape);
    r->klines.rows = pick.tape.bars;
    strcpy(r->interval, tape->interval);
    if (tape->symbols > 1) strcpy(r->symbol, pick.tape.symbol);
    td_pick_close(&pick);
    return TD_OK;
}

static td_status check_text(const check_options *o, check_report *r, td_error *error) {
    TD_TRY(td_klines_read(&o->klines, 1, &r->path, &r->klines, error));
    const td_bars *bars = &r->klines.bars;
    int64_t step = o->interval ? td_interval_ns(o->interval) : td_bars_step(bars->time_ns, bars->count);
    if (o->interval)
        snprintf(r->interval, sizeof r->interval, "%s", o->interval);
    else if (step)
        name_interval(step, r->interval);
    else
        strcpy(r->interval, "unknown");
    td_tape tape = td_bars_tape(bars, "CHECK", "1d");
    tape.interval_ns = strcmp(r->interval, "1mo") == 0 ? td_interval_ns("1mo") : step ? step : TD_NS_PER_DAY;
    r->quality = td_quality_scan(&tape);
    td_klines_free(&r->klines);
    return TD_OK;
}

static bool has_errors(const check_report *r) { return r->klines.broken || r->klines.out_of_order || r->klines.contradicting; }

static json_t *json_gap(const td_gap *gap) {
    return json_pack("{s:o, s:o, s:I}", "after", td_json_time(gap->after_ns), "before", td_json_time(gap->before_ns), "missing",
                     (json_int_t)gap->missing);
}

static json_t *check_document(const check_report *r) {
    const td_quality *q = &r->quality;
    const td_klines *k = &r->klines;
    json_t *gaps = json_array(), *spikes = json_array();
    for (int i = 0; i < q->gap_count; i++) json_array_append_new(gaps, json_gap(&q->gap[i]));
    for (int i = 0; i < q->spike_count; i++)
        json_array_append_new(spikes, json_pack("{s:o, s:f, s:f, s:f}", "time", td_json_time(q->spike[i].time_ns), "previous_close",
                                                q->spike[i].previous, "close", q->spike[i].close, "ratio", q->spike[i].ratio));
    json_t *document = json_pack("{s:s, s:s, s:s, s:I, s:o, s:o, s:i, s:I, s:I, s:o, s:o, s:I, s:o}", "file", r->path, "kind",
                                 r->is_tape ? "tape" : "klines", "interval", r->interval, "bars", (json_int_t)q->bars, "first",
                                 td_json_time(q->first_ns), "last", td_json_time(q->last_ns), "open_hours_of_week", q->open_hours, "gaps",
                                 (json_int_t)q->gaps, "missing_bars", (json_int_t)q->missing_bars, "largest_gap",
                                 q->gaps ? json_gap(&q->largest_gap) : json_null(), "first_gaps", gaps, "spikes",
                                 (json_int_t)q->spikes, "first_spikes", spikes);
    json_t *rows = json_pack("{s:I, s:I, s:o, s:I, s:I, s:I, s:I, s:I, s:I, s:o, s:b}", "rows", (json_int_t)k->rows, "broken",
                             (json_int_t)k->broken, "faults", json_faults(k), "out_of_order", (json_int_t)k->out_of_order,
                             "duplicates", (json_int_t)k->duplicates, "contradicting", (json_int_t)k->contradicting,
                             "open_close_outside", (json_int_t)q->outside, "volume_missing", (json_int_t)q->volume_missing,
                             "volume_zero", (json_int_t)q->volume_zero, "problems", json_problems(k), "errors", has_errors(r));
    json_object_update(document, rows);
    json_decref(rows);
    if (r->symbol[0]) json_object_set_new(document, "symbol", json_string(r->symbol));
    return document;
}

static void print_gaps(const td_quality *q) {
    char after[32], before[32];
    printf("gaps             %lld, %lld bars missing", (long long)q->gaps, (long long)q->missing_bars);
    if (q->open_hours < TD_HOURS_OF_WEEK)
        printf(" (bars are expected in %d of the %d hours of the week)", q->open_hours, TD_HOURS_OF_WEEK);
    printf("\n");
    if (q->gaps)
        printf("  largest        %lld bars between %s and %s\n", (long long)q->largest_gap.missing,
               td_time_text(q->largest_gap.after_ns, after), td_time_text(q->largest_gap.before_ns, before));
    for (int i = 0; i < q->gap_count; i++)
        printf("  %-14lld bars between %s and %s\n", (long long)q->gap[i].missing, td_time_text(q->gap[i].after_ns, after),
               td_time_text(q->gap[i].before_ns, before));
}

static void print_rows(const check_report *r) {
    const td_klines *k = &r->klines;
    char text[512];
    printf("rows             %lld\n", (long long)k->rows);
    for (int i = 0; i < TD_FAULT_COUNT; i++)
        printf("%-16s %lld\n", td_kline_fault_name((td_kline_fault)i), (long long)k->faults[i]);
    for (int i = 0; i < k->problem_count; i++) printf("  %s\n", td_kline_problem_text(&k->problems[i], text, sizeof text));
    printf("out_of_order     %lld\n", (long long)k->out_of_order);
    printf("duplicates       %lld (%lld contradicting)\n", (long long)k->duplicates, (long long)k->contradicting);
}

static void print_check(const check_report *r) {
    const td_quality *q = &r->quality;
    char first[32], last[32];
    printf("%s%s%s: %s of %lld bars of %s, %s to %s\n", r->path, r->symbol[0] ? ": " : "", r->symbol, r->is_tape ? "tape" : "klines",
           (long long)q->bars, r->interval, td_time_text(q->first_ns, first), td_time_text(q->last_ns, last));
    print_rows(r);
    printf("open or close outside the range  %lld\n", (long long)q->outside);
    print_gaps(q);
    printf("spikes           %lld\n", (long long)q->spikes);
    for (int i = 0; i < q->spike_count; i++)
        printf("  %s      %.10g after %.10g, %.1f times the mean change\n", td_time_text(q->spike[i].time_ns, first),
               q->spike[i].close, q->spike[i].previous, q->spike[i].ratio);
    printf("volume           %lld missing, %lld zero\n", (long long)q->volume_missing, (long long)q->volume_zero);
}

/* What came of one report; reports is NULL where text is printed. */
static int tell_check(const check_options *o, const check_report *report, json_t *reports) {
    if (reports)
        json_array_append_new(reports, check_document(report));
    else
        print_check(report);
    return o->strict && has_errors(report) ? TD_EXIT_GATE : TD_EXIT_OK;
}

/* Every symbol of a tape, or a text file. Returns the exit code. */
static int check_file(const check_options *o, const char *path, json_t *reports) {
    check_report report = {.path = path};
    td_error error;
    td_tape tape;
    if (!has_tape_magic(path)) {
        td_status status = check_text(o, &report, &error);
        return status == TD_OK ? tell_check(o, &report, reports) : td_cli_fail(status, &error, o->json);
    }
    if (td_book_is(path)) return td_data_check_book(path, o->strict, reports);
    td_status status = td_tape_open(path, true, &tape, &error);
    int code = TD_EXIT_OK;
    for (int64_t k = 0; status == TD_OK && k < tape.symbols; k++) {
        report = (check_report){.path = path};
        status = check_symbol(&tape, k, &report, &error);
        int told = status == TD_OK ? tell_check(o, &report, reports) : td_cli_fail(status, &error, o->json);
        if (told != TD_EXIT_OK) code = told;
    }
    if (tape.map) td_tape_close(&tape);
    else code = td_cli_fail(status, &error, o->json);
    return code;
}

static int check_command(int argc, char **argv) {
    check_options o = {.klines = td_default_klines_def()};
    if (argp_parse(&check_argp, argc, argv, 0, NULL, &o) != 0) return TD_EXIT_USAGE;
    json_t *reports = o.json ? json_array() : NULL;
    int code = TD_EXIT_OK;
    for (int i = 0; i < o.files.count; i++) {
        int of_file = check_file(&o, o.files.paths[i], reports);
        if (of_file != TD_EXIT_OK && (code == TD_EXIT_OK || of_file != TD_EXIT_GATE)) code = of_file;
    }
    if (o.json) code = td_json_print(json_pack("{s:o}", "files", reports), code);
    free(o.files.paths);
    return code;
}

/* ---- data info ---- */

typedef struct info_options {
    const char *path;
    bool verify, json;
} info_options;

static error_t parse_info(int key, char *text, struct argp_state *state) {
    info_options *o = state->input;
    switch (key) {
    case KEY_VERIFY: o->verify = true; return 0;
    case KEY_JSON: o->json = true; return 0;
    case ARGP_KEY_ARG:
        if (o->path) argp_error(state, "more than one tape: %s", text);
        o->path = text;
        return 0;
    case ARGP_KEY_END:
        if (!o->path) argp_error(state, "no tape");
        return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_option info_argp_options[] = {
    {"verify", KEY_VERIFY, 0, 0, "hash the data and compare with the stored digest", 0},
    {"json", KEY_JSON, 0, 0, "print one JSON document", 0},
    {0},
};

static const struct argp info_argp = {
    .options = info_argp_options, .parser = parse_info, .args_doc = "TAPE.h5", .doc = "Says what a tape holds."};

static json_t *info_document(const char *path, const td_tape *tape, const td_quality *q) {
    json_t *extras = json_array();
    for (int i = 0; i < td_tape_extra_count(tape); i++) json_array_append_new(extras, json_string(td_tape_extra_at(tape, i).name));
    return json_pack("{s:s, s:s, s:s, s:I, s:I, s:o, s:o, s:o, s:o, s:I, s:I, s:I, s:o, s:s, s:s}", "tape", path, "symbol",
                     tape->symbol, "interval", tape->interval, "interval_ns", (json_int_t)tape->interval_ns, "bars",
                     (json_int_t)tape->bars, "first", td_json_time(q->first_ns), "last", td_json_time(q->last_ns), "low",
                     json_number(q->low), "high", json_number(q->high), "missing_bars", (json_int_t)q->missing_bars, "gaps",
                     (json_int_t)q->gaps, "volume_missing", (json_int_t)q->volume_missing, "extras", extras, "source",
                     td_tape_source(tape), "digest", tape->digest);
}

/* Of several symbols: each with what is its own, and what is the tape's. */
static json_t *symbols_document(const char *path, const td_tape *tape, const td_quality *of_symbols) {
    json_t *list = json_array(), *extras = json_array();
    for (int i = 0; i < td_tape_extra_count(tape); i++) json_array_append_new(extras, json_string(td_tape_extra_at(tape, i).name));
    for (int64_t k = 0; k < tape->symbols; k++) {
        const td_quality *q = &of_symbols[k];
        json_array_append_new(list, json_pack("{s:s, s:I, s:o, s:o, s:o, s:o, s:I, s:I, s:I, s:s}", "symbol",
                                              td_tape_symbol_name(tape, k), "bars", (json_int_t)q->bars, "first",
                                              td_json_time(q->first_ns), "last", td_json_time(q->last_ns), "low", json_number(q->low),
                                              "high", json_number(q->high), "missing_bars", (json_int_t)q->missing_bars, "gaps",
                                              (json_int_t)q->gaps, "volume_missing", (json_int_t)q->volume_missing, "digest",
                                              td_tape_symbol_digest(tape, k)));
    }
    return json_pack("{s:s, s:o, s:s, s:I, s:I, s:o, s:o, s:o, s:s, s:s}", "tape", path, "symbols", list, "interval",
                     tape->interval, "interval_ns", (json_int_t)tape->interval_ns, "bars", (json_int_t)tape->bars, "first",
                     td_json_time(tape->time_ns[0]), "last", td_json_time(tape->time_ns[tape->bars - 1]), "extras", extras, "source",
                     td_tape_source(tape), "digest", tape->digest);
}

static void print_symbol(const td_tape *tape, const td_quality *q) {
    char first[32], last[32];
    printf("bars       %lld of %s, %s to %s\n", (long long)q->bars, tape->interval, td_time_text(q->first_ns, first),
           td_time_text(q->last_ns, last));
    printf("missing    %lld bars in %lld gaps\n", (long long)q->missing_bars, (long long)q->gaps);
    printf("prices     %.10g to %.10g\n", q->low, q->high);
}

static int print_info(const char *path, const td_tape *tape, const td_quality *of_symbols) {
    printf("tape       %s\n", path);
    for (int64_t k = 0; k < tape->symbols; k++) {
        printf("symbol     %s\n", td_tape_symbol_name(tape, k));
        print_symbol(tape, &of_symbols[k]);
    }
    for (int i = 0; i < td_tape_extra_count(tape); i++) printf("extra      %s\n", td_tape_extra_at(tape, i).name);
    if (tape->symbols > 1)
        printf("symbols    %lld, on a raster of %lld bars\n", (long long)tape->symbols, (long long)tape->bars);
    printf("source     %s\n", td_tape_source(tape));
    printf("digest     %s\n", tape->digest);
    return TD_EXIT_OK;
}

static td_status scan_symbols(const td_tape *tape, td_quality *of_symbols, td_error *error) {
    for (int64_t k = 0; k < tape->symbols; k++) {
        td_pick pick;
        TD_TRY(td_pick_open(tape, k, NULL, INT64_MIN, INT64_MAX, &pick, error));
        of_symbols[k] = td_quality_scan(&pick.tape);
        td_pick_close(&pick);
    }
    return TD_OK;
}

static int info_command(int argc, char **argv) {
    info_options o = {0};
    if (argp_parse(&info_argp, argc, argv, 0, NULL, &o) != 0) return TD_EXIT_USAGE;
    if (td_book_is(o.path)) return td_data_info_book(o.path, o.verify, o.json);
    td_tape tape;
    td_error error;
    td_status status = td_tape_open(o.path, o.verify, &tape, &error);
    if (status != TD_OK) return td_cli_fail(status, &error, o.json);
    td_quality *of_symbols = calloc((size_t)tape.symbols, sizeof *of_symbols);
    if (!of_symbols) abort();
    status = scan_symbols(&tape, of_symbols, &error);
    int code;
    if (status != TD_OK)
        code = td_cli_fail(status, &error, o.json);
    else if (o.json)
        code = td_json_print(tape.symbols > 1 ? symbols_document(o.path, &tape, of_symbols) : info_document(o.path, &tape, of_symbols), TD_EXIT_OK);
    else
        code = print_info(o.path, &tape, of_symbols);
    free(of_symbols);
    td_tape_close(&tape);
    return code;
}

/* ---- data synth ---- */

typedef struct synth_options {
    td_synth_def def;
    const char *path, *symbol;
    int symbols;
    bool json;
} synth_options;

static error_t parse_synth(int key, char *text, struct argp_state *state) {
    synth_options *o = state->input;
    switch (key) {
    case 'o': o->path = text; return 0;
    case KEY_SYMBOL: o->symbol = text; return 0;
    case KEY_SYMBOLS: o->symbols = (int)td_option_whole(state, "symbols", text, 1, 1000); return 0;
    case KEY_BARS: o->def.bars = td_option_whole(state, "bars", text, 1, 1LL << 31); return 0;
    case KEY_SEED: o->def.seed = (uint64_t)td_option_whole(state, "seed", text, 0, INT64_MAX); return 0;
    case KEY_INTERVAL:
        if (strlen(text) >= sizeof o->def.interval)
            argp_error(state, "--interval is \"%s\", expected a number and a unit, as in 1m", text);
        strcpy(o->def.interval, text);
        return 0;
    case KEY_START:
        if (!td_time_parse(text, (int64_t)strlen(text), &o->def.start_ns))
            argp_error(state, "--start is \"%s\", expected a time as 2023-01-01 or 2023-01-01T00:00:00Z", text);
        return 0;
    case KEY_PRICE:
        if (!td_number_parse(text, (int64_t)strlen(text), &o->def.price))
            argp_error(state, "--price is \"%s\", expected a number", text);
        return 0;
    case KEY_JSON: o->json = true; return 0;
    case ARGP_KEY_ARG: argp_error(state, "\"%s\" is no option; a synthetic tape needs no file", text); return 0;
    case ARGP_KEY_END:
        if (!o->path) argp_error(state, "no tape to write: give -o TAPE.h5");
        /* the others are called after it, with up to four digits */
        if (!*o->symbol || strlen(o->symbol) >= TD_SYMBOL_MAX - (o->symbols > 1 ? 4 : 0))
            argp_error(state, "--symbol has %zu bytes, expected 1 to %d", strlen(o->symbol),
                       TD_SYMBOL_MAX - 1 - (o->symbols > 1 ? 4 : 0));
        return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_option synth_argp_options[] = {
    {"output", 'o', "TAPE.h5", 0, "tape to write", 0},
    {"bars", KEY_BARS, "N", 0, "how many bars (default 525600, a year of minutes)", 0},
    {"interval", KEY_INTERVAL, "I", 0, "length of a bar (default 1m)", 0},
    {"seed", KEY_SEED, "S", 0, "of the random numbers (default 1)", 0},
    {"symbol", KEY_SYMBOL, "S", 0, "name of the instrument (default SYNTH)", 0},
    {"symbols", KEY_SYMBOLS, "N", 0, "correlated instruments: S, S2, S3, ... (default 1)", 0},
    {"start", KEY_START, "TIME", 0, "open time of the first bar (default 2023-01-01)", 0},
    {"price", KEY_PRICE, "P", 0, "long-run price level (default 30000)", 0},
    {"book", KEY_BOOK, 0, 0, "an order book instead, with options of its own: see data synth --book --help", 0},
    {"json", KEY_JSON, 0, 0, "print one JSON document", 0},
    {0},
};

static const struct argp synth_argp = {
    .options = synth_argp_options,
    .parser = parse_synth,
    .doc = "Makes a synthetic tape: volatility clusters, a daily rhythm, jumps, gaps. The same options make the same bits on every "
           "machine; "
           "docs/synthetic-tape.md has the model.",
};

/* What a synthetic tape came to. */
typedef struct synth {
    int64_t bars, first_ns, last_ns; /* of the raster */
    char digest[TD_DIGEST_HEX];
} synth;

/* One symbol: in memory where it is the only one, else aside in a file. */
typedef struct synth_symbol {
    td_bars bars;
    td_tape tape;
} synth_symbol;

static td_status make_symbol(const synth_options *o, int number, synth_symbol *symbol, td_error *error) {
    td_synth_def def = o->def;
    def.symbol = number;
    td_bars_init(&symbol->bars, false);
    TD_TRY(td_synth(&def, &symbol->bars, error));
    if (symbol->bars.count == 0)
        return td_fail(error, TD_BAD_ARG, "symbol %d of %d has no bars: it is halted for all of them", number + 1, o->symbols);
    char name[TD_SYMBOL_MAX];
    snprintf(name, sizeof name, number ? "%.58s%d" : "%.63s", o->symbol, number + 1);
    td_tape tape = td_bars_tape(&symbol->bars, name, def.interval);
    if (o->symbols == 1) {
        symbol->tape = tape;
        return TD_OK;
    }
    td_status status = td_tape_set_aside(o->path, &tape, NULL, 0, &symbol->tape, error);
    td_bars_free(&symbol->bars);
    return status;
}

/* Makes the symbols, one at a time, and writes the tape. symbols, parts: (o->symbols), zeroed */
static td_status make_synth(const synth_options *o, synth_symbol *symbols, td_tape_part *parts, synth *made, td_error *error) {
    char source[256], start[32], of[40] = "";
    for (int k = 0; k < o->symbols; k++) {
        TD_TRY(make_symbol(o, k, &symbols[k], error));
        parts[k].tape = symbols[k].tape;
    }
    if (o->symbols > 1) snprintf(of, sizeof of, "symbols %d, ", o->symbols);
    snprintf(source, sizeof source, "synthetic: %sbars %lld, interval %s, seed %llu, start %s, price %g", of,
             (long long)o->def.bars, o->def.interval, (unsigned long long)o->def.seed, td_time_text(o->def.start_ns, start),
             o->def.price);
    /* the first symbol has a bar wherever any has */
    const td_tape *first = &parts[0].tape;
    made->first_ns = first->time_ns[0];
    made->last_ns = first->time_ns[first->bars - 1];
    return td_tape_write_parts(o->path, parts, o->symbols, source, &made->bars, made->digest, error);
}

static int print_synth(const synth_options *o, const td_tape_part *parts, const synth *made) {
    const char *interval = o->def.interval;
    if (o->json) {
        json_t *document = json_pack("{s:s, s:s, s:s, s:I, s:o, s:o, s:s}", "tape", o->path, "symbol", o->symbol, "interval",
                                     interval, "bars", (json_int_t)made->bars, "first", td_json_time(made->first_ns), "last",
                                     td_json_time(made->last_ns), "digest", made->digest);
        json_t *names = json_array();
        for (int k = 0; k < o->symbols; k++) json_array_append_new(names, json_string(parts[k].tape.symbol));
        if (o->symbols > 1) {
            json_object_del(document, "symbol");
            json_object_set(document, "symbols", names);
        }
        json_decref(names);
        return td_json_print(document, TD_EXIT_OK);
    }
    char first[32], last[32];
    printf("tape       %s\nbars       %lld of %s, %s to %s\n", o->path, (long long)made->bars, interval,
           td_time_text(made->first_ns, first), td_time_text(made->last_ns, last));
    for (int k = 0; o->symbols > 1 && k < o->symbols; k++)
        printf("symbol     %s, %lld bars\n", parts[k].tape.symbol, (long long)parts[k].tape.bars);
    printf("digest     %s\n", made->digest);
    return TD_EXIT_OK;
}

static int synth_command(int argc, char **argv) {
    if (td_synth_is_book(argc, argv)) return td_synth_book_command(argc, argv);
    synth_options o = {.def = td_default_synth_def(), .symbol = "SYNTH", .symbols = 1};
    if (argp_parse(&synth_argp, argc, argv, 0, NULL, &o) != 0) return TD_EXIT_USAGE;
    synth_symbol *symbols = calloc((size_t)o.symbols, sizeof *symbols);
    td_tape_part *parts = calloc((size_t)o.symbols, sizeof *parts);
    if (!symbols || !parts) abort();
    synth made;
    td_error error;
    td_status status = make_synth(&o, symbols, parts, &made, &error);
    int code = status == TD_OK ? print_synth(&o, parts, &made) : td_cli_fail(status, &error, o.json);
    for (int k = 0; k < o.symbols; k++) {
        td_bars_free(&symbols[k].bars);
        td_tape_close(&symbols[k].tape);
    }
    free(symbols);
    free(parts);
    return code;
}

/* ---- dispatch ---- */

static const struct {
    const char *name, *text;
    int (*run)(int argc, char **argv);
} subcommands[] = {
    {"import", "make a tape from kline files", import_command},
    {"check", "report what is odd about tapes and kline files", check_command},
    {"info", "say what a tape holds", info_command},
    {"synth", "make a synthetic tape", synth_command},
};

static void print_usage(FILE *out) {
    fprintf(out, "Usage: tapedeck data COMMAND [OPTION...]\n\n");
    for (size_t i = 0; i < sizeof subcommands / sizeof *subcommands; i++)
        fprintf(out, "  %-8s %s\n", subcommands[i].name, subcommands[i].text);
    fprintf(out, "\n`tapedeck data COMMAND --help` explains a command.\n");
}

int td_cmd_data(int argc, char **argv) {
    argp_err_exit_status = TD_EXIT_USAGE;
    const char *name = argc > 1 ? argv[1] : "";
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 || strcmp(name, "-?") == 0 || strcmp(name, "help") == 0) {
        print_usage(stdout);
        return td_cli_finish(TD_EXIT_OK);
    }
    for (size_t i = 0; i < sizeof subcommands / sizeof *subcommands; i++) {
        if (strcmp(name, subcommands[i].name) != 0) continue;
        char full_name[64];
        snprintf(full_name, sizeof full_name, "tapedeck data %s", name);
        argv[1] = full_name;
        return td_cli_finish(subcommands[i].run(argc - 1, argv + 1));
    }
    if (*name)
        fprintf(stderr, "tapedeck: error: data has no command \"%s\"\n", name);
    else
        fprintf(stderr, "tapedeck: error: data needs a command\n");
    print_usage(stderr);
    return TD_EXIT_USAGE;
}
