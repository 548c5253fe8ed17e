/* See import.h. */
#include "data/import.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>


td_import_def td_default_import_def(void) { return (td_import_def){.klines = td_default_klines_def()}; }

static td_status check_symbol(const char *symbol, td_error *error) {
    size_t length = strlen(symbol);
    if (length < 1 || length >= TD_SYMBOL_MAX)
        return td_fail(error, TD_BAD_ARG, "the symbol \"%.80s\" has %zu bytes, expected 1 to %d", symbol, length,
                       TD_SYMBOL_MAX - 1);
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)symbol[i] <= ' ')
            return td_fail(error, TD_BAD_ARG, "the symbol \"%s\" holds a space or a control character", symbol);
    return TD_OK;
}

static td_status check_def(const td_import_def *def, td_error *error) {
    if (def->symbol) TD_TRY(check_symbol(def->symbol, error));
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

/* ---- one symbol's files ---- */

typedef struct group {
    char symbol[TD_SYMBOL_MAX];
    int file_count;
    const char **files;
    td_bars bars;   /* what the symbol has in the new tape, while it is in memory */
    td_tape spilled; /* and when it is in a file of its own */
} group;

typedef struct importing {
    const td_import_def *def;
    td_import *import;
    const td_tape *old; /* NULL: there is none */
    int group_count;
    group *groups;
    td_error *error;
} importing;

/* "BTCUSDT" of "folder/BTCUSDT-1m-2024-01.zip" */
static td_status symbol_of_name(const char *file, char symbol[TD_SYMBOL_MAX], td_error *error) {
    const char *slash = strrchr(file, '/'), *name = slash ? slash + 1 : file;
    size_t length = strcspn(name, "-.");
    if (length == 0 || length >= TD_SYMBOL_MAX)
        return td_fail(error, TD_BAD_ARG, "%s: no symbol in the name; expected one before the first - or ., as in "
                       "BTCUSDT-1m-2024-01.zip", file);
    snprintf(symbol, TD_SYMBOL_MAX, "%.*s", (int)length, name);
    return check_symbol(symbol, error);
}

static td_status group_files(importing *im, int file_count, const char *const *files) {
    im->groups = calloc((size_t)file_count, sizeof *im->groups);
    for (int i = 0; i < file_count; i++) {
        char symbol[TD_SYMBOL_MAX];
        if (im->def->symbol)
            snprintf(symbol, sizeof symbol, "%s", im->def->symbol);
        else
            TD_TRY(symbol_of_name(files[i], symbol, im->error));
        int g = 0;
        while (g < im->group_count && strcmp(im->groups[g].symbol, symbol) != 0) g++;
        group *group = im->groups ? &im->groups[g] : NULL;
        if (group && g == im->group_count) {
            im->group_count++;
            strcpy(group->symbol, symbol);
            group->files = calloc((size_t)(file_count - i), sizeof *group->files);
        }
        if (!group || !group->files) return td_fail(im->error, TD_NO_MEMORY, "no memory for the names of %d files", file_count);
        group->files[group->file_count++] = files[i];
    }
    return TD_OK;
}

/* The rows of a symbol of an open tape with the optional columns. */
static td_tape_part part_of(const td_tape *tape, int64_t symbol) {
    td_tape_part part = {.tape = td_tape_rows(tape, symbol), .extra_count = td_tape_extra_count(tape)};
    for (int i = 0; i < part.extra_count; i++) {
        part.extras[i] = td_tape_extra_at(tape, i);
        part.extras[i].values += symbol * tape->bars;
    }
    return part;
}

/* Appends the bars of a part, without the rows that hold none. */
static td_status take_part(const td_tape_part *part, td_bars *bars, td_error *error) {
    const td_tape *tape = &part->tape;
    const double *columns[TD_BAR_COLUMNS] = {tape->open, tape->high, tape->low, tape->close, tape->volume};
    for (int i = 0; i < part->extra_count; i++)
        for (int c = TD_BAR_PLAIN; c < TD_BAR_COLUMNS; c++)
            if (strcmp(part->extras[i].name, td_bar_column_name((td_bar_column)c)) == 0) columns[c] = part->extras[i].values;
    TD_TRY(td_bars_reserve(bars, bars->count + tape->bars, error));
    for (int64_t t = 0; t < tape->bars; t++) {
        if (isnan(tape->close[t])) continue;
        bars->time_ns[bars->count] = tape->time_ns[t];
        for (int c = 0; c < bars->column_count; c++) bars->column[c][bars->count] = columns[c] ? columns[c][t] : NAN;
        bars->count++;
    }
    return TD_OK;
}

/* What the symbol has in the new tape: what it has in the old one, then those read that are newer. */
static td_status merge_group(importing *im, group *group, td_import_report *report) {
    td_bars *read = &report->klines.bars;
    int64_t held = im->old ? td_tape_find(im->old, group->symbol) : -1;
    if (held < 0) {
        group->bars = *read;
        td_bars_init(read, false);
        report->added = group->bars.count;
        return TD_OK;
    }
    td_tape_part part = part_of(im->old, held);
    td_bars_init(&group->bars, part.extra_count > 0);
    TD_TRY(td_bars_reserve(&group->bars, part.tape.bars + read->count, im->error));
    TD_TRY(take_part(&part, &group->bars, im->error));
    int64_t last = group->bars.time_ns[group->bars.count - 1];
    while (report->older < read->count && read->time_ns[report->older] <= last) report->older++;
    report->added = read->count - report->older;
    return td_bars_append(&group->bars, read, report->older, report->added, im->error);
}

/* Out of memory, into a file. */
static td_status spill_group(importing *im, group *group) {
    td_tape tape = td_bars_tape(&group->bars, group->symbol, im->def->interval);
    td_tape_extra extras[TD_TAPE_EXTRAS_MAX];
    int extra_count = td_bars_extras(&group->bars, extras);
    td_status status = td_tape_set_aside(im->def->path, &tape, extras, extra_count, &group->spilled, im->error);
    td_bars_free(&group->bars);
    return status;
}

static td_status import_group(importing *im, group *group, td_import_report *report) {
    td_klines_def klines = im->def->klines;
    /* a tape keeps the columns it has */
    if (im->old) klines.extras = td_tape_extra_count(im->old) > 0;
    strcpy(report->symbol, group->symbol);
    report->file_count = group->file_count;
    TD_TRY(td_klines_read(&klines, group->file_count, group->files, &report->klines, im->error));
    report->step_ns = td_bars_step(report->klines.bars.time_ns, report->klines.bars.count);
    td_status status = check_step(im->def, report, im->error);
    if (status == TD_OK) status = merge_group(im, group, report);
    td_klines_free(&report->klines);
    if (status != TD_OK) return status;
    report->bars = group->bars.count;
    report->first_ns = group->bars.time_ns[0];
    report->last_ns = group->bars.time_ns[group->bars.count - 1];
    return im->group_count > 1 ? spill_group(im, group) : TD_OK;
}

/* ---- the tape ---- */

static td_tape_part part_of_group(const importing *im, const group *group) {
    if (group->spilled.map) return part_of(&group->spilled, 0);
    td_tape_part part = {.tape = td_bars_tape(&group->bars, group->symbol, im->def->interval)};
    part.extra_count = td_bars_extras(&group->bars, part.extras);
    return part;
}

static td_status write_tape(importing *im, int file_count, const char *const *files) {
    td_import *import = im->import;
    int64_t held = im->old ? im->old->symbols : 0, count = held;
    td_tape_part *parts = calloc((size_t)(held + im->group_count), sizeof *parts);
    if (!parts) return td_fail(im->error, TD_NO_MEMORY, "no memory for %d symbols", im->group_count);
    for (int64_t k = 0; k < held; k++) parts[k] = part_of(im->old, k);
    for (int g = 0; g < im->group_count; g++) {
        int64_t at = im->old ? td_tape_find(im->old, im->groups[g].symbol) : -1;
        parts[at < 0 ? count++ : at] = part_of_group(im, &im->groups[g]);
    }
    char source[8192];
    const char *before = im->old ? td_tape_source(im->old) : "";
    describe_source(source, im->old ? sizeof source : 2048, strlen(before) < 4096 ? before : "...", file_count, files);
    td_status status =
        td_tape_write_parts(im->def->path, parts, (int)count, source, &import->bars, import->digest, im->error);
    import->symbols = count;
    free(parts);
    return status;
}

static td_status import_all(importing *im, int file_count, const char *const *files) {
    td_import *import = im->import;
    TD_TRY(group_files(im, file_count, files));
    import->reports = calloc((size_t)im->group_count, sizeof *import->reports);
    if (!import->reports) return td_fail(im->error, TD_NO_MEMORY, "no memory for %d symbols", im->group_count);
    import->count = im->group_count;
    int64_t added = 0;
    for (int g = 0; g < im->group_count; g++) {
        TD_TRY(import_group(im, &im->groups[g], &import->reports[g]));
        added += import->reports[g].added;
    }
    if (added) return write_tape(im, file_count, files);
    import->symbols = im->old->symbols;
    import->bars = im->old->bars;
    memcpy(import->digest, im->old->digest, sizeof import->digest);
    return TD_OK;
}

td_status td_import_klines(const td_import_def *def, int file_count, const char *const *files, td_import *import, td_error *error) {
    *import = (td_import){0};
    TD_TRY(check_def(def, error));
    importing im = {.def = def, .import = import, .error = error};
    td_tape old;
    if (def->append && access(def->path, F_OK) == 0) {
        TD_TRY(td_tape_open(def->path, false, &old, error));
        im.old = &old;
    }
    td_status status = TD_OK;
    if (im.old && old.interval_ns != td_interval_ns(def->interval))
        status = td_fail(error, TD_BAD_DATA, "%s: holds bars of %s, not %s; nothing was appended", def->path, old.interval,
                         def->interval);
    if (status == TD_OK) status = import_all(&im, file_count, files);
    for (int g = 0; g < im.group_count; g++) {
        td_bars_free(&im.groups[g].bars);
        td_tape_close(&im.groups[g].spilled);
        free(im.groups[g].files);
    }
    free(im.groups);
    if (im.old) td_tape_close(&old);
    if (status != TD_OK) td_import_free(import);
    return status;
}

void td_import_free(td_import *import) {
    free(import->reports);
    import->reports = NULL;
    import->count = 0;
}
