/* See text_source.h. */
#include "data/text_source.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BLOCK = 1 << 18, NAME_MAX_BYTES = 1024 };

typedef struct source {
    const char *path;
    int fd;
    int64_t size, left; /* left: bytes that may still be unpacked */
    int64_t allowed;
    const td_text_sink *sink;
    td_error *error;
} source;

/* First bytes of what we unpack, and of what people try. */
typedef struct magic {
    const char *bytes;
    size_t length;
    const char *what; /* NULL: we unpack it */
} magic;

static const magic magics[] = {
    {"\x1f\x8b", 2, NULL},           {"PK\x03\x04", 4, NULL},        {"PK\x05\x06", 4, NULL},
    {"\x28\xb5\x2f\xfd", 4, NULL},   {"\xfd" "7zXZ", 5, NULL},       {"BZh", 3, NULL},
    {"PAR1", 4, "a Parquet file"},   {"ARROW1", 6, "a Feather or Arrow file"},
    {"FEA1", 4, "a Feather file"},   {"\x89HDF", 4, "an HDF5 file"}, {"\x93NUMPY", 6, "a NumPy file"},
};

static const magic *magic_of(int fd) {
    char head[8] = {0};
    ssize_t got = pread(fd, head, sizeof head, 0);
    for (size_t i = 0; i < sizeof magics / sizeof *magics; i++)
        if (got >= (ssize_t)magics[i].length && memcmp(head, magics[i].bytes, magics[i].length) == 0) return &magics[i];
    return NULL;
}

static td_status read_plain(source *s) {
    const td_text_sink *sink = s->sink;
    TD_TRY(sink->begin(sink->user, s->path, s->size, s->error));
    if (s->size > 0) {
        char *text = mmap(NULL, (size_t)s->size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, s->fd, 0);
        if (text == MAP_FAILED) return td_fail(s->error, TD_IO, "%s: cannot be mapped: %s", s->path, strerror(errno));
        td_status status = sink->feed(sink->user, text, (size_t)s->size, s->error);
        munmap(text, (size_t)s->size);
        TD_TRY(status);
    }
    return sink->end(sink->user, s->error);
}

static td_status damaged(source *s, struct archive *archive, const char *name) {
    const char *reason = archive_error_string(archive);
    return td_fail(s->error, TD_BAD_DATA, "%s: cannot be unpacked after %lld bytes: %s", name, (long long)(s->allowed - s->left),
                   reason ? reason : "unknown format");
}

static td_status read_entry(source *s, struct archive *archive, const char *name, char *block, int64_t size_hint) {
    const td_text_sink *sink = s->sink;
    TD_TRY(sink->begin(sink->user, name, size_hint, s->error));
    for (;;) {
        la_ssize_t got = archive_read_data(archive, block, BLOCK);
        if (got == 0) break;
        if (got == ARCHIVE_RETRY) continue;
        if (got < 0) return damaged(s, archive, name);
        s->left -= got;
        if (s->left < 0)
            return td_fail(s->error, TD_NO_MEMORY, "%s: unpacks to more than %lld bytes, the limit (--unpack-max)", name,
                           (long long)s->allowed);
        TD_TRY(sink->feed(sink->user, block, (size_t)got, s->error));
    }
    return sink->end(sink->user, s->error);
}

static bool ends_with(const char *text, const char *suffix) {
    size_t a = strlen(text), b = strlen(suffix);
    return a >= b && strcasecmp(text + a - b, suffix) == 0;
}

/* Archives carry more than data: folders, checksums, what some systems add. */
static bool is_data_member(struct archive_entry *entry, const char *member) {
    bool text = ends_with(member, ".csv") || ends_with(member, ".txt") || ends_with(member, ".tsv");
    return archive_entry_filetype(entry) == AE_IFREG && text && strncmp(member, "__MACOSX/", 9) != 0;
}

static td_status read_entries(source *s, struct archive *archive, char *block) {
    struct archive_entry *entry;
    int members = 0, taken = 0, code;
    while ((code = archive_read_next_header(archive, &entry)) != ARCHIVE_EOF) {
        if (code == ARCHIVE_RETRY) continue;
        if (code < ARCHIVE_WARN) return damaged(s, archive, s->path);
        bool zip = archive_format(archive) != ARCHIVE_FORMAT_RAW;
        const char *member = archive_entry_pathname(entry);
        char name[NAME_MAX_BYTES];
        members++;
        if (zip && (!member || !is_data_member(entry, member))) continue;
        snprintf(name, sizeof name, zip ? "%s:%s" : "%s", s->path, zip ? member : "");
        TD_TRY(read_entry(s, archive, name, block, zip && archive_entry_size_is_set(entry) ? archive_entry_size(entry) : 0));
        taken++;
    }
    if (taken == 0 && members > 0)
        return td_fail(s->error, TD_BAD_DATA, "%s: none of the %d members of the archive is a .csv, .txt or .tsv file", s->path,
                       members);
    if (taken == 0) return td_fail(s->error, TD_BAD_DATA, "%s: is empty", s->path);
    return TD_OK;
}

static td_status read_archive(source *s) {
    struct archive *archive = archive_read_new();
    char *block = malloc(BLOCK);
    td_status status = TD_OK;
    if (!archive || !block) {
        status = td_fail(s->error, TD_NO_MEMORY, "%s: no memory to unpack it", s->path);
    } else {
        archive_read_support_filter_all(archive);
        archive_read_support_format_zip(archive);
        archive_read_support_format_raw(archive);
        archive_read_support_format_empty(archive);
        status = archive_read_open_fd(archive, s->fd, BLOCK) == ARCHIVE_OK ? read_entries(s, archive, block)
                                                                           : damaged(s, archive, s->path);
    }
    if (archive) archive_read_free(archive);
    free(block);
    return status;
}

static td_status read_open_file(source *s) {
    struct stat status;
    if (fstat(s->fd, &status) != 0) return td_fail(s->error, TD_IO, "%s: %s", s->path, strerror(errno));
    if (S_ISDIR(status.st_mode)) return td_fail(s->error, TD_BAD_DATA, "%s: is a folder, expected a file", s->path);
    if (!S_ISREG(status.st_mode)) return read_archive(s);
    s->size = status.st_size;
    if (s->size == 0) return td_fail(s->error, TD_BAD_DATA, "%s: is empty", s->path);
    const magic *found = magic_of(s->fd);
    if (found && found->what)
        return td_fail(s->error, TD_BAD_DATA,
                       "%s: is %s, expected CSV text (plain, gzip, zstd, xz, bzip2 or zip); convert it first", s->path,
                       found->what);
    return found ? read_archive(s) : read_plain(s);
}

td_status td_text_read(const char *path, int64_t decompressed_max, const td_text_sink *sink, td_error *error) {
    bool standard_input = strcmp(path, "-") == 0;
    int fd = standard_input ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return td_fail(error, TD_BAD_DATA, "%s: cannot be opened: %s", path, strerror(errno));
    source s = {.path = path, .fd = fd, .left = decompressed_max, .allowed = decompressed_max, .sink = sink, .error = error};
    td_status status = read_open_file(&s);
    if (!standard_input) close(fd);
    return status;
}
