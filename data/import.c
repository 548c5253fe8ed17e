/* See import.h. */
#include "data/import.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

td_import_def td_default_import_def(void) { return (td_import_def){.klines = td_default_klines_def()}; }

static td_status check_def(const td_import_def *def, td_error *error) {
    size_t length = strlen(def->symbol);
    if (length < 1 || length >= TD_SYMBOL_MAX)
        return td_fail(error, TD_BAD_ARG, "the symbol \"%.80s\" has %zu bytes, expected 1 to %d", def->symbol, length,
                       TD_SYMBOL_MAX - 1);
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)def->symbol[i] <= ' ')
            return td_fail(error, TD_BAD_ARG, "the symbol \"%s\" holds a space or a control character", def->symbol);
    if (strlen(def->interval) >= sizeof ((td_tape *)0)->interval || td_interval_ns(def->interval) == 0)
        return td_fail(error, TD_BAD_ARG,
                       "the interval \"%s\" is none; expected a number and s, m, h, d, w or mo, as in 1m, 4h, 1d", def->interval);
    return TD_OK;
}

/* Steps below the interval mean that another interval was recorded. (Months differ by a tenth.) */
static td_status check_step(const td_import_def *def, const td_import_report *report, td_error *error) {
    double interval = (double)td_interval_ns(def->interval), step = (double)report->step_ns;
    if (report->step_ns == 0 || step >= 0.9 * interval) return TD_OK;
    return td_fail(error, TD_BAD_DATA, "the bars are %g s apart, but --interval says %s (%g s)", step / 1e9, def->interval,
                   interval / 1e9);
}

/* "klines: a.csv, b.csv, ..." without folders, so that the same files anywhere make the same tape */
static void describe_source(char *text, size_t room, const char *before, int file_count, const char *const *files) {
    size_t used = (size_t)snprintf(text, room, "%s%sklines: ", before, *before ? "; " : "");
    for (int i = 0; i < file_count && used < room; i++) {
        const char *slash = strrchr(files[i], '/'), *name = slash ? slash + 1 : files[i];
        if (used + strlen(name) + 40 > room) {
            snprintf(text + used, room - used, ", ... (%d files)", file_count);
            return;
        }
        used += (size_t)snprintf(text + used, room - used, "%s%s", i ? ", " : "", name);
    }
}

static td_status write_bars(const td_import_def *def, const td_bars *bars, const char *source, td_import_report *report,
                            td_error *error) {
    td_tape tape = td_bars_tape(bars, def->symbol, def->interval);
    td_tape_extra extras[TD_TAPE_EXTRAS_MAX];
    int extra_count = td_bars_extras(bars, extras);
    TD_TRY(td_tape_write(def->path, &tape, extras, extra_count, source, error));
    report->bars = tape.bars;
    report->first_ns = tape.time_ns[0];
    report->last_ns = tape.time_ns[tape.bars - 1];
    memcpy(report->digest, tape.digest, sizeof report->digest);
    return TD_OK;
}

static td_status import_new(const td_import_def *def, int file_count, const char *const *files, td_import_report *report,
                            td_error *error) {
    char source[2048];
    TD_TRY(td_klines_read(&def->klines, file_count, files, &report->klines, error));
    td_bars *bars = &report->klines.bars;
    report->step_ns = td_bars_step(bars->time_ns, bars->count);
    report->added = bars->count;
    describe_source(source, sizeof source, "", file_count, files);
    td_status status = check_step(def, report, error);
    if (status == TD_OK) status = write_bars(def, bars, source, report, error);
    td_klines_free(&report->klines);
    return status;
}

/* The tape's columns as bars; they are only read. */
static td_bars bars_of_tape(const td_tape *tape) {
    td_bars bars;
    td_bars_init(&bars, td_tape_extra_count(tape) > 0);
    const double *plain[TD_BAR_PLAIN] = {tape->open, tape->high, tape->low, tape->close, tape->volume};
    bars.count = tape->bars;
    bars.time_ns = (int64_t *)tape->time_ns;
    for (int i = 0; i < TD_BAR_PLAIN; i++) bars.column[i] = (double *)plain[i];
    for (int i = 0; i < td_tape_extra_count(tape); i++)
        for (int column = TD_BAR_PLAIN; column < TD_BAR_COLUMNS; column++) {
            td_tape_extra extra = td_tape_extra_at(tape, i);
            if (strcmp(extra.name, td_bar_column_name((td_bar_column)column)) == 0) bars.column[column] = (double *)extra.values;
        }
    return bars;
}

/* Old bars, then those read that are newer. */
static td_status extend(const td_import_def *def, const td_tape *tape, int file_count, const char *const *files,
                        td_import_report *report, td_error *error) {
    const td_bars *read = &report->klines.bars;
    int64_t last = tape->time_ns[tape->bars - 1];
    while (report->older < read->count && read->time_ns[report->older] <= last) report->older++;
    report->added = read->count - report->older;
    report->bars = tape->bars;
    report->first_ns = tape->time_ns[0];
    report->last_ns = last;
    memcpy(report->digest, tape->digest, sizeof report->digest);
    if (report->added == 0) return TD_OK;

    td_bars old = bars_of_tape(tape), all;
    char source[8192];
    describe_source(source, sizeof source, strlen(td_tape_source(tape)) < 4096 ? td_tape_source(tape) : "...", file_count, files);
    td_bars_init(&all, old.column_count == TD_BAR_COLUMNS);
    td_status status = td_bars_reserve(&all, old.count + report->added, error);
    if (status == TD_OK) status = td_bars_append(&all, &old, 0, old.count, error);
    if (status == TD_OK) status = td_bars_append(&all, read, report->older, report->added, error);
    if (status == TD_OK) status = write_bars(def, &all, source, report, error);
    td_bars_free(&all);
    return status;
}

static td_status import_more(const td_import_def *def, const td_tape *tape, int file_count, const char *const *files,
                             td_import_report *report, td_error *error) {
    if (strcmp(tape->symbol, def->symbol) != 0)
        return td_fail(error, TD_BAD_DATA, "%s: holds symbol %s, not %s; nothing was appended", def->path, tape->symbol,
                       def->symbol);
    if (tape->interval_ns != td_interval_ns(def->interval))
        return td_fail(error, TD_BAD_DATA, "%s: holds bars of %s, not %s; nothing was appended", def->path, tape->interval,
                       def->interval);
    td_klines_def klines = def->klines;
    /* a tape keeps the columns it has */
    klines.extras = td_tape_extra_count(tape) > 0;
    TD_TRY(td_klines_read(&klines, file_count, files, &report->klines, error));
    report->step_ns = td_bars_step(report->klines.bars.time_ns, report->klines.bars.count);
    td_status status = check_step(def, report, error);
    if (status == TD_OK) status = extend(def, tape, file_count, files, report, error);
    td_klines_free(&report->klines);
    return status;
}

td_status td_import_klines(const td_import_def *def, int file_count, const char *const *files, td_import_report *report,
                           td_error *error) {
    *report = (td_import_report){0};
    TD_TRY(check_def(def, error));
    if (!def->append || access(def->path, F_OK) != 0) return import_new(def, file_count, files, report, error);
    td_tape tape;
    TD_TRY(td_tape_open(def->path, false, &tape, error));
    td_status status = import_more(def, &tape, file_count, files, report, error);
    td_tape_close(&tape);
    return status;
}
