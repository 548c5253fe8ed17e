/* See unpack.h. */
#include "data/unpack.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BLOCK = 1 << 18, NAME_MAX_BYTES = 1024 };

const td_unpack_kind td_unpack_text = {(const char *const[]){".csv", ".txt", ".tsv", NULL}, ".csv, .txt or .tsv file",
                                       "CSV text (plain, gzip, zstd, xz, bzip2 or zip)"};
const td_unpack_kind td_unpack_binary = {(const char *const[]){"", NULL}, "file", NULL};
const td_unpack_kind td_unpack_arrays = {(const char *const[]){".npy", NULL}, ".npy file", NULL};

struct td_unpack {
    const td_unpack_kind *kind;
    char path[NAME_MAX_BYTES], name[NAME_MAX_BYTES];
    int fd;
    bool plain, started;       /* started: of a plain file, it has been taken */
    int64_t size_hint;
    int64_t left, allowed;     /* bytes that may still be unpacked */
    struct archive *archive;   /* NULL of plain files */
    int members, taken;
    char block[BLOCK];
};

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

static td_status damaged(td_unpack *u, td_error *error) {
    const char *reason = archive_error_string(u->archive);
    return td_fail(error, TD_BAD_DATA, "%s: cannot be unpacked after %lld bytes: %s", u->name, (long long)(u->allowed - u->left),
                   reason ? reason : "unknown format");
}

static td_status open_archive(td_unpack *u, td_error *error) {
    u->archive = archive_read_new();
    if (!u->archive) return td_fail(error, TD_NO_MEMORY, "%s: no memory to unpack it", u->path);
    archive_read_support_filter_all(u->archive);
    archive_read_support_format_zip(u->archive);
    archive_read_support_format_raw(u->archive);
    archive_read_support_format_empty(u->archive);
    return archive_read_open_fd(u->archive, u->fd, BLOCK) == ARCHIVE_OK ? TD_OK : damaged(u, error);
}

static td_status look(td_unpack *u, td_error *error) {
    struct stat status;
    if (fstat(u->fd, &status) != 0) return td_fail(error, TD_IO, "%s: %s", u->path, strerror(errno));
    if (S_ISDIR(status.st_mode)) return td_fail(error, TD_BAD_DATA, "%s: is a folder, expected a file", u->path);
    if (!S_ISREG(status.st_mode)) return open_archive(u, error);
    if (status.st_size == 0) return td_fail(error, TD_BAD_DATA, "%s: is empty", u->path);
    const magic *found = magic_of(u->fd);
    if (found && found->what && u->kind->expected)
        return td_fail(error, TD_BAD_DATA, "%s: is %s, expected %s; convert it first", u->path, found->what, u->kind->expected);
    if (found && !found->what) return open_archive(u, error);
    u->plain = true;
    u->size_hint = status.st_size;
    return TD_OK;
}

td_status td_unpack_open(const char *path, const td_unpack_kind *kind, int64_t unpacked_max, td_unpack **unpack, td_error *error) {
    int fd = strcmp(path, "-") == 0 ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return td_fail(error, TD_BAD_DATA, "%s: cannot be opened: %s", path, strerror(errno));
    td_unpack *u = malloc(sizeof *u);
    if (!u) {
        if (fd != STDIN_FILENO) close(fd);
        return td_fail(error, TD_NO_MEMORY, "%s: no memory to read it", path);
    }
    memset(u, 0, offsetof(td_unpack, block));
    u->kind = kind;
    u->fd = fd;
    u->left = u->allowed = unpacked_max;
    snprintf(u->path, sizeof u->path, "%s", path);
    snprintf(u->name, sizeof u->name, "%s", path);
    td_status status = look(u, error);
    if (status != TD_OK) {
        td_unpack_close(u);
        return status;
    }
    *unpack = u;
    return TD_OK;
}

void td_unpack_close(td_unpack *unpack) {
    if (!unpack) return;
    if (unpack->archive) archive_read_free(unpack->archive);
    if (unpack->fd != STDIN_FILENO) close(unpack->fd);
    free(unpack);
}

static bool ends_with(const char *text, const char *suffix) {
    size_t a = strlen(text), b = strlen(suffix);
    return a >= b && strcasecmp(text + a - b, suffix) == 0;
}

/* Archives carry more than data: folders, checksums, what some systems add. */
static bool is_data_member(const td_unpack *u, struct archive_entry *entry, const char *member) {
    if (archive_entry_filetype(entry) != AE_IFREG || strncmp(member, "__MACOSX/", 9) == 0) return false;
    for (int i = 0; u->kind->endings[i]; i++)
        if (ends_with(member, u->kind->endings[i])) return true;
    return false;
}

static td_status no_more(td_unpack *u, bool *more, td_error *error) {
    *more = false;
    if (u->taken == 0 && u->members > 0)
        return td_fail(error, TD_BAD_DATA, "%s: none of the %d members of the archive is a %s", u->path, u->members, u->kind->members);
    if (u->taken == 0) return td_fail(error, TD_BAD_DATA, "%s: is empty", u->path);
    return TD_OK;
}

td_status td_unpack_next(td_unpack *u, bool *more, td_error *error) {
    *more = true;
    if (u->plain) {
        *more = !u->started;
        u->started = true;
        return TD_OK;
    }
    struct archive_entry *entry;
    int code;
    snprintf(u->name, sizeof u->name, "%s", u->path);
    while ((code = archive_read_next_header(u->archive, &entry)) != ARCHIVE_EOF) {
        if (code == ARCHIVE_RETRY) continue;
        if (code < ARCHIVE_WARN) return damaged(u, error);
        bool zip = archive_format(u->archive) != ARCHIVE_FORMAT_RAW;
        const char *member = archive_entry_pathname(entry);
        u->members++;
        if (zip && (!member || !is_data_member(u, entry, member))) continue;
        if (zip && snprintf(u->name, sizeof u->name, "%s:%s", u->path, member) >= (int)sizeof u->name) u->name[sizeof u->name - 1] = 0;
        u->size_hint = zip && archive_entry_size_is_set(entry) ? archive_entry_size(entry) : 0;
        u->taken++;
        return TD_OK;
    }
    return no_more(u, more, error);
}

const char *td_unpack_name(const td_unpack *unpack) { return unpack->name; }
int64_t td_unpack_size_hint(const td_unpack *unpack) { return unpack->size_hint; }
int td_unpack_plain_file(const td_unpack *unpack) { return unpack->plain ? unpack->fd : -1; }

static td_status read_plain(td_unpack *u, size_t *size, td_error *error) {
    ssize_t got;
    do got = read(u->fd, u->block, BLOCK);
    while (got < 0 && errno == EINTR);
    if (got < 0) return td_fail(error, TD_IO, "%s: cannot be read: %s", u->name, strerror(errno));
    *size = (size_t)got;
    return TD_OK;
}

td_status td_unpack_block(td_unpack *u, const char **data, size_t *size, td_error *error) {
    *data = u->block;
    if (u->plain) return read_plain(u, size, error);
    la_ssize_t got;
    do got = archive_read_data(u->archive, u->block, BLOCK);
    while (got == ARCHIVE_RETRY);
    if (got < 0) return damaged(u, error);
    u->left -= got;
    if (u->left < 0)
        return td_fail(error, TD_NO_MEMORY, "%s: unpacks to more than %lld bytes, the limit (--unpack-max)", u->name,
                       (long long)u->allowed);
    *size = (size_t)got;
    return TD_OK;
}
