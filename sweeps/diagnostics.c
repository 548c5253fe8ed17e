/* See diagnostics.h. */
#include "sweeps/diagnostics.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { PRINTED_MAX = 100, KEPT_MAX = 1000, SNIPPET_MAX = 120 };

typedef struct source {
    char *name, *text;
    size_t length;
    int line;
} source;

typedef struct message {
    td_severity severity;
    td_place place;
    int order; /* messages about one place stay in the order they came */
    char *text;
} message;

struct td_diagnostics {
    source *sources;
    int source_count;
    message *messages;
    int message_count;
    int errors, dropped;
};

td_diagnostics *td_diagnostics_make(void) { return calloc(1, sizeof(td_diagnostics)); }

void td_diagnostics_free(td_diagnostics *diagnostics) {
    if (!diagnostics) return;
    for (int i = 0; i < diagnostics->source_count; i++) {
        free(diagnostics->sources[i].name);
        free(diagnostics->sources[i].text);
    }
    for (int i = 0; i < diagnostics->message_count; i++) free(diagnostics->messages[i].text);
    free(diagnostics->sources);
    free(diagnostics->messages);
    free(diagnostics);
}

int td_diagnostics_source(td_diagnostics *diagnostics, const char *name, const char *text, size_t length, int line) {
    int count = diagnostics->source_count;
    source *sources = realloc(diagnostics->sources, (size_t)(count + 1) * sizeof *sources);
    if (!sources) return -1;
    diagnostics->sources = sources;
    sources[count] = (source){.name = strdup(name), .text = malloc(length + 1), .length = length, .line = line};
    if (!sources[count].name || !sources[count].text) {
        free(sources[count].name);
        free(sources[count].text);
        return -1;
    }
    memcpy(sources[count].text, text, length);
    sources[count].text[length] = 0;
    return diagnostics->source_count++;
}

void td_diagnose(td_diagnostics *diagnostics, td_severity severity, td_place place, const char *format, ...) {
    if (severity == TD_SEVERITY_ERROR) diagnostics->errors++;
    /* a broken file of a million rows must not cost a million messages; the first ones are the ones that get read */
    if (diagnostics->message_count >= KEPT_MAX) {
        diagnostics->dropped++;
        return;
    }
    char *text = NULL;
    va_list arguments;
    va_start(arguments, format);
    int length = vasprintf(&text, format, arguments);
    va_end(arguments);
    size_t bytes = (size_t)(diagnostics->message_count + 1) * sizeof(message);
    message *messages = length < 0 ? NULL : realloc(diagnostics->messages, bytes);
    if (!messages) {
        if (length >= 0) free(text);
        diagnostics->dropped++;
        return;
    }
    diagnostics->messages = messages;
    /* texts of users end up in terminals: no control characters */
    for (char *c = text; *c; c++)
        if ((unsigned char)*c < 32 || *c == 127) *c = ' ';
    messages[diagnostics->message_count] = (message){severity, place, diagnostics->message_count, text};
    diagnostics->message_count++;
}

int td_diagnostics_errors(const td_diagnostics *diagnostics) { return diagnostics->errors; }

static int compare_messages(const void *left, const void *right) {
    const message *a = left, *b = right;
    /* what has no place (a missing key) comes first, then by source and position */
    if (a->place.source != b->place.source) return a->place.source < b->place.source ? -1 : 1;
    if (a->place.source >= 0 && a->place.offset != b->place.offset) return a->place.offset < b->place.offset ? -1 : 1;
    return (a->order > b->order) - (a->order < b->order);
}

static bool continues_character(char c) { return ((unsigned char)c & 0xC0) == 0x80; }

static size_t characters(const char *text, size_t bytes) {
    size_t count = 0;
    for (size_t i = 0; i < bytes; i++) count += !continues_character(text[i]);
    return count;
}

typedef struct position {
    int line, column;        /* from 1; the column counts characters */
    size_t start, end, at;   /* bytes of the line, without its end; at is the place's offset kept inside the text */
} position;

static position locate(const source *from, td_place place) {
    position found = {.line = from->line, .at = place.offset < from->length ? place.offset : from->length};
    for (size_t i = 0; i < found.at; i++)
        if (from->text[i] == '\n') found.line++, found.start = i + 1;
    found.end = found.start;
    while (found.end < from->length && from->text[found.end] != '\n' && from->text[found.end] != '\r') found.end++;
    size_t before = found.at - found.start;
    if (found.start == 0 && from->length >= 3 && memcmp(from->text, "\xEF\xBB\xBF", 3) == 0) before -= before < 3 ? before : 3;
    found.column = 1 + (int)characters(from->text + found.at - before, before);
    return found;
}

/* The line and the caret. Long lines are cut to a window around the place. */
static void print_snippet(FILE *out, const source *from, td_place place, position where) {
    size_t start = where.start, end = where.end, at = where.at < end ? where.at : end;
    if (start == 0 && end >= 3 && memcmp(from->text, "\xEF\xBB\xBF", 3) == 0) start = 3;
    if (at < start) at = start;
    if (end == start) return;
    if (at - start > SNIPPET_MAX / 2) start = at - SNIPPET_MAX / 2;
    while (start < at && continues_character(from->text[start])) start++;
    if (end - start > SNIPPET_MAX) end = start + SNIPPET_MAX;
    while (end > at && end < where.end && continues_character(from->text[end])) end--;
    for (size_t i = start; i < end; i++) fputc((unsigned char)from->text[i] < 32 || from->text[i] == 127 ? ' ' : from->text[i],
                                               out);
    fputc('\n', out);
    for (size_t i = characters(from->text + start, at - start); i; i--) fputc(' ', out);
    size_t width = place.length < end - at ? place.length : end - at;
    width = characters(from->text + at, width);
    fputc('^', out);
    for (size_t i = 1; i < width; i++) fputc('~', out);
    fputc('\n', out);
}

td_status td_diagnostics_finish(td_diagnostics *diagnostics, FILE *out, td_error *error) {
    static const char *const labels[] = {"error", "warning", "note"};
    if (diagnostics->message_count) qsort(diagnostics->messages, (size_t)diagnostics->message_count, sizeof(message),
                                          compare_messages);
    int printed = 0, seen = 0;
    for (int i = 0; i < diagnostics->message_count; i++) {
        const message *m = &diagnostics->messages[i];
        /* a message without a place is about the first source, the file, as a whole */
        const source *from = m->place.source >= 0 ? &diagnostics->sources[m->place.source]
                             : diagnostics->source_count ? &diagnostics->sources[0] : NULL;
        position where = {0};
        if (m->place.source >= 0) where = locate(from, m->place);
        if (m->severity == TD_SEVERITY_ERROR && seen++ == 0) {
            char rest[64] = "";
            if (diagnostics->errors > 1)
                snprintf(rest, sizeof rest, " (and %d more error%s)", diagnostics->errors - 1, diagnostics->errors > 2 ? "s" : "");
            if (where.line)
                td_fail(error, TD_BAD_CONFIG, "%.200s:%d:%d: %.220s%s", from->name, where.line, where.column, m->text, rest);
            else
                td_fail(error, TD_BAD_CONFIG, "%.200s%s%.220s%s", from ? from->name : "", from ? ": " : "", m->text, rest);
        }
        if (!out || printed++ >= PRINTED_MAX) continue;
        if (from) fprintf(out, "%s:", from->name);
        if (where.line) fprintf(out, "%d:%d:", where.line, where.column);
        fprintf(out, "%s%s: %s\n", from ? " " : "", labels[m->severity], m->text);
        if (where.line) print_snippet(out, from, m->place, where);
    }
    int more = diagnostics->dropped + (printed > PRINTED_MAX ? printed - PRINTED_MAX : 0);
    if (out && more) fprintf(out, "... and %d more message%s\n", more, more > 1 ? "s" : "");
    return diagnostics->errors ? TD_BAD_CONFIG : TD_OK;
}
