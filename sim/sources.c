/* See sources.h. */
#include "sim/sources.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILE_BYTES_MAX = 4 << 20 };

/* Reads an open file of `size` bytes; NULL with errno. */
static char *read_text(int file, size_t size) {
    char *text = malloc(size + 1);
    size_t used = 0;
    while (text && used < size) {
        ssize_t got = read(file, text + used, size - used);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) {
            if (got == 0) errno = EIO; /* it shrank under our hands */
            free(text);
            return NULL;
        }
        used += (size_t)got;
    }
    if (text) text[size] = 0;
    return text;
}

static td_status check_file(const char *path, const struct stat *found, bool header_of_ours, td_error *error) {
    if (!S_ISREG(found->st_mode)) return td_fail(error, TD_BAD_ARG, "%s is not a regular file", path);
    if (!header_of_ours && found->st_mode & S_IWOTH)
        return td_fail(error, TD_BAD_ARG, "%s is writable for everyone (mode %04o), and a strategy runs with your rights: chmod o-w %s",
                       path, (unsigned)found->st_mode & 07777, path);
    if (found->st_size > FILE_BYTES_MAX)
        return td_fail(error, TD_BAD_ARG, "%s has %lld bytes, at most %d are read", path, (long long)found->st_size, FILE_BYTES_MAX);
    return TD_OK;
}

static td_status add_file(td_sources *sources, const char *path, const char *name, bool header_of_ours, const char *headers,
                          td_error *error);

static bool is_file(const char *path) {
    struct stat found;
    return stat(path, &found) == 0 && S_ISREG(found.st_mode);
}

/* The name in `#include "name"` or <name>, NULL where the line is something else. */
static char *included_name(const char *line, bool *quoted) {
    line += strspn(line, " \t");
    if (*line++ != '#') return NULL;
    line += strspn(line, " \t");
    if (strncmp(line, "include", 7)) return NULL;
    line += 7 + strspn(line + 7, " \t");
    if (*line != '"' && *line != '<') return NULL;
    *quoted = *line == '"';
    size_t length = strcspn(line + 1, *quoted ? "\"\n" : ">\n");
    return line[1 + length] == (*quoted ? '"' : '>') ? strndup(line + 1, length) : NULL;
}

static td_status follow(td_sources *sources, const char *from, bool from_ours, const char *name, bool quoted, const char *headers,
                        td_error *error) {
    char *path = NULL;
    const char *slash = strrchr(from, '/');
    bool ours = from_ours;
    if (quoted && asprintf(&path, "%.*s%s", *name == '/' || !slash ? 0 : (int)(slash - from + 1), from, name) < 0) path = NULL;
    if (!path || !is_file(path)) {
        free(path);
        ours = true;
        if (asprintf(&path, "%s/%s", headers, name) < 0) return td_fail(error, TD_NO_MEMORY, "memory ran out");
    }
    td_status status = is_file(path) ? add_file(sources, path, name, ours, headers, error) : TD_OK;
    free(path);
    return status;
}

static td_status follow_all(td_sources *sources, const char *path, bool ours, const char *text, const char *headers, td_error *error) {
    td_status status = TD_OK;
    for (const char *line = text; line && status == TD_OK; line = strchr(line, '\n')) {
        bool quoted;
        line += *line == '\n';
        char *name = included_name(line, &quoted);
        if (name) status = follow(sources, path, ours, name, quoted, headers, error);
        free(name);
    }
    return status;
}

static td_status add_file(td_sources *sources, const char *path, const char *name, bool header_of_ours, const char *headers,
                          td_error *error) {
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat found;
    if (file < 0 || fstat(file, &found)) {
        int code = errno;
        if (file >= 0) close(file);
        return td_fail(error, TD_BAD_ARG, "%s cannot be opened: %s", path, strerror(code));
    }
    bool known = false;
    for (int i = 0; i < sources->count; i++)
        known |= sources->file[i].device == found.st_dev && sources->file[i].inode == found.st_ino;
    td_status status = known ? TD_OK : check_file(path, &found, header_of_ours, error);
    if (!known && status == TD_OK && sources->count == TD_SOURCES_MAX)
        status = td_fail(error, TD_BAD_ARG, "%s: more than %d files are included", sources->file[0].path, TD_SOURCES_MAX);
    if (known || status != TD_OK) {
        close(file);
        return status;
    }
    char *text = read_text(file, (size_t)found.st_size);
    int code = errno;
    close(file);
    if (!text) return td_fail(error, TD_IO, "%s cannot be read: %s", path, strerror(code));
    td_source *added = &sources->file[sources->count++];
    *added = (td_source){.path = strdup(path), .name = strdup(name), .header_of_ours = header_of_ours, .device = found.st_dev,
                         .inode = found.st_ino};
    if (!added->path || !added->name || !td_sha256_text(text, (size_t)found.st_size, added->digest))
        status = td_fail(error, TD_NO_MEMORY, "memory ran out");
    if (status == TD_OK) status = follow_all(sources, path, header_of_ours, text, headers, error);
    free(text);
    return status;
}

td_status td_sources_read(td_sources *sources, const char *path, const char *headers, td_error *error) {
    const char *slash = strrchr(path, '/');
    sources->count = 0;
    return add_file(sources, path, slash ? slash + 1 : path, false, headers, error);
}

void td_sources_free(td_sources *sources) {
    for (int i = 0; i < sources->count; i++) {
        free(sources->file[i].path);
        free(sources->file[i].name);
    }
    sources->count = 0;
}

bool td_sources_digest(const td_sources *sources, char digest[TD_DIGEST_TEXT]) {
    char *lines = NULL;
    size_t bytes = 0;
    FILE *out = open_memstream(&lines, &bytes);
    if (!out) return false;
    int own = 0;
    for (int i = 0; i < sources->count; i++) {
        if (sources->file[i].header_of_ours) continue;
        own++;
        fprintf(out, "%s  %s\n", sources->file[i].digest, sources->file[i].name);
    }
    bool done = fclose(out) == 0;
    if (done && own == 1)
        snprintf(digest, TD_DIGEST_TEXT, "%s", sources->file[0].digest);
    else
        done = done && td_sha256_text(lines, bytes, digest);
    free(lines);
    return done;
}

bool td_sources_have(const td_sources *sources, const char *path) {
    struct stat found;
    if (stat(path, &found)) return false;
    for (int i = 0; i < sources->count; i++)
        if (sources->file[i].device == found.st_dev && sources->file[i].inode == found.st_ino) return true;
    return false;
}
