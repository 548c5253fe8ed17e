/* What the readers of configurations share: see loader.h. */
#include "sweeps/loader.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/words.h"
#include "sweeps/scalars.h"
#include "sweeps/schema.h"
#include "sweeps/values.h"

enum { FILE_BYTES_MAX = 256 << 20 };

/* What a node is, in words for messages. */
const char *td_found(const td_node *node, char *text, size_t room) {
    if (node->kind != TD_NODE_SCALAR)
        snprintf(text, room, "a %s", node->kind == TD_NODE_LIST ? "list" : "mapping");
    else if (td_node_is_null(node))
        snprintf(text, room, "nothing");
    else
        snprintf(text, room, "%s'%.40s'%s", node->quoted ? "the text " : "", node->text, strlen(node->text) > 40 ? "..." : "");
    return text;
}

/* The strategy's parameters, then the knobs by name, then by path. context: the strategy or NULL. */
const char *td_nth_name(void *context, int index) {
    int params = context ? td_strategy_param_count(context) : 0;
    if (index < params) return td_strategy_param(context, index)->name;
    index -= params;
    const td_tape_kind_info *kind = &td_tape_kind_infos[td_strategy_tape_kind(context)];
    if (index < kind->knob_count) return td_knob_infos[kind->knobs[index]].name;
    index -= kind->knob_count;
    return index < kind->knob_count ? td_knob_infos[kind->knobs[index]].path : NULL;
}

const char *td_nth_word(void *context, int index) {
    static _Thread_local char words[16][32];
    return index < 16 ? td_word_at(context, index, words[index]) : NULL;
}

/* "a, b, c" of a list of candidates, and "; did you mean 'x'?" when one is near. */
void td_list_names(td_candidate *candidate, void *context, char *text, size_t room) {
    size_t used = 0;
    text[0] = 0;
    for (int i = 0; candidate(context, i) && used < room; i++)
        used += (size_t)snprintf(text + used, room - used, "%s%s", i ? ", " : "", candidate(context, i));
}

void td_suggest(const char *word, td_candidate *candidate, void *context, char *text, size_t room) {
    enum { CANDIDATES_MAX = 128 };
    const char *candidates[CANDIDATES_MAX];
    int count = 0;
    while (count < CANDIDATES_MAX && (candidates[count] = candidate(context, count))) count++;
    const char *nearest = td_nearest_word(word, candidates, count);
    text[0] = 0;
    if (nearest) snprintf(text, room, "; did you mean '%s'?", nearest);
}

bool td_take_number(td_loader *l, const td_node *node, const char *what, double *x) {
    char text[64];
    if (node->kind == TD_NODE_SCALAR && !node->quoted && td_read_number(node->text, x)) return true;
    TD_COMPLAIN(l, node->place, "%s must be a number, found %s", what, td_found(node, text, sizeof text));
    return false;
}

bool td_take_value(td_loader *l, const td_node *node, const char *what, const char *unit, double *x) {
    char text[64];
    td_error error;
    if (td_value_form_of(unit) == TD_VALUE_NUMBER) return td_take_number(l, node, what, x);
    if (node->kind == TD_NODE_SCALAR && td_value_read(unit, node->text, x, &error) == TD_OK) return true;
    if (node->kind == TD_NODE_SCALAR && !td_node_is_null(node))
        TD_COMPLAIN(l, node->place, "%s %s", what, error.message);
    else
        TD_COMPLAIN(l, node->place, "%s must be %s, found %s", what, td_value_expected(unit), td_found(node, text, sizeof text));
    return false;
}

bool td_check_range(td_loader *l, td_place place, const td_bounds *of, double x) {
    char text[3][48];
    if (x >= of->low && x <= of->high) return true;
    TD_COMPLAIN(l, place, "%s is %s, must be between %s and %s", of->name, td_value_text(of->unit, x, text[0]),
                td_value_text(of->unit, of->low, text[1]), td_value_text(of->unit, of->high, text[2]));
    return false;
}

/* A number that a parameter or knob may take. */
bool td_check_bounded(td_loader *l, td_place place, const td_bounds *of, double x) {
    char text[48];
    if (!of->whole || x == floor(x)) return td_check_range(l, place, of, x);
    TD_COMPLAIN(l, place, "%s is %s, must be a whole number%s", of->name, td_value_text(of->unit, x, text),
                td_value_form_of(of->unit) == TD_VALUE_DURATION ? " of nanoseconds" : "");
    return false;
}

bool td_take_bounded(td_loader *l, const td_node *node, const td_bounds *of, double *x) {
    return td_take_value(l, node, of->name, of->unit, x) && td_check_bounded(l, node->place, of, *x);
}

bool td_take_word(td_loader *l, const td_node *node, const char *what, const char *words, int *word) {
    char text[64], list[256], near[64] = "";
    *word = node->kind == TD_NODE_SCALAR ? td_word_find(words, node->text) : -1;
    if (*word >= 0) return true;
    td_list_names(td_nth_word, (void *)words, list, sizeof list);
    if (node->kind == TD_NODE_SCALAR) td_suggest(node->text, td_nth_word, (void *)words, near, sizeof near);
    TD_COMPLAIN(l, node->place, "%s must be one of %s, found %s%s", what, list, td_found(node, text, sizeof text), near);
    return false;
}

bool td_take_integer(td_loader *l, const td_node *node, const char *what, double low, double high, int64_t *value) {
    char text[64];
    double x;
    if (node->kind != TD_NODE_SCALAR || node->quoted || !td_reads_integer(node->text) || !td_read_number(node->text, &x)) {
        TD_COMPLAIN(l, node->place, "%s must be a whole number, found %s", what, td_found(node, text, sizeof text));
        return false;
    }
    if (!td_check_range(l, node->place, &(td_bounds){.name = what, .low = low, .high = high}, x)) return false;
    *value = (int64_t)x;
    return true;
}

bool td_is_word(const td_node *node, const char *word) {
    return node->kind == TD_NODE_SCALAR && strcmp(node->text, word) == 0;
}

td_place td_place_within(const td_node *node, td_expression_place where) {
    td_place place = node->place;
    if (place.length != strlen(node->text) || where.offset > place.length) return place;
    return (td_place){place.source, place.offset + where.offset, where.length};
}

/* Reads a regular file whole; NUL-terminated. */
td_status td_read_file(const char *path, char **text, size_t *length, td_error *error) {
    *text = NULL;
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat status;
    if (file < 0 || fstat(file, &status)) {
        int code = errno;
        if (file >= 0) close(file);
        return td_fail(error, TD_IO, "%s: cannot be opened: %s", path, strerror(code));
    }
    if (!S_ISREG(status.st_mode) || status.st_size > FILE_BYTES_MAX) {
        close(file);
        if (S_ISREG(status.st_mode))
            return td_fail(error, TD_BAD_DATA, "%s: has %lld bytes, at most %d are read", path, (long long)status.st_size,
                           FILE_BYTES_MAX);
        return td_fail(error, TD_IO, "%s: not a regular file", path);
    }
    size_t size = (size_t)status.st_size, used = 0;
    char *into = malloc(size + 1);
    ssize_t got = 1;
    while (into && used < size && (got = read(file, into + used, size - used)) != 0) {
        if (got > 0) used += (size_t)got;
        if (got < 0 && errno != EINTR) break;
    }
    int code = errno;
    close(file);
    if (!into) return td_fail(error, TD_NO_MEMORY, "%s: memory ran out for %zu bytes", path, size);
    if (got < 0) {
        free(into);
        return td_fail(error, TD_IO, "%s: cannot be read: %s", path, strerror(code));
    }
    into[used] = 0;
    *text = into;
    *length = used;
    return TD_OK;
}

/* path as seen from the configuration's folder; malloc'ed. */
char *td_path_beside(const char *configuration, const char *path) {
    const char *slash = *path == '/' ? NULL : strrchr(configuration, '/');
    char *joined = NULL;
    if (asprintf(&joined, "%.*s%s", slash ? (int)(slash - configuration + 1) : 0, configuration, path) < 0) return NULL;
    return joined;
}
