/* See journal.h.
 *
 * Every frame after the head has the same size, so a damaged frame costs itself and nothing behind it: the scan goes on at the
 * next multiple. What is not in a whole frame is as if it had never been written; its trials are played again. Frames are written
 * at the end this process knows (pwrite), not where the file happens to end, so a write that failed half-way is overwritten. */
#include "sweeps/journal.h"

#include <assert.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#include "base/crc32c.h"

enum {
    FRAME_MAGIC = 0x4A4B4454, /* "TDKJ" in the file */
    FORMAT_VERSION = 1,
    FRAME_HEAD = 1,
    FRAME_RESULT = 2,
    FRAME_SESSION = 3,
    PREFIX_BYTES = 16,                   /* magic, length, type, crc */
    HEAD_BYTES = PREFIX_BYTES + 208,     /* head frame: version, numbers, digests, engine, room to grow */
    RESULT_FIXED_BYTES = 8 + 4 + 4 + 8 + 4 + 8, /* trial, state, reason, reason_bar, ruined, hash */
    SCAN_BYTES = 1 << 20,
};
#define TRIALS_MAX (INT64_C(1) << 36) /* of a head that is believed */
#define SYNC_INTERVAL_NS TD_NS_PER_SECOND

struct td_journal {
    char *path;
    int file;
    bool writable;
    td_journal_head head;
    int64_t frame_bytes; /* of every frame but the head */
    int64_t *offset;     /* (trials) of the trial's frame, 0 = not finished */
    int64_t done, failed, torn_bytes;
    int sessions;
    pthread_mutex_t lock; /* guards what follows, and offset, done, failed */
    int64_t end;          /* one past the last whole frame */
    unsigned char *buffer;
    size_t buffer_bytes;
    int64_t synced_ns; /* monotonic */
};

/* little-endian words, packed */
static unsigned char *put32(unsigned char *to, uint32_t value) {
    value = htole32(value);
    memcpy(to, &value, 4);
    return to + 4;
}

static unsigned char *put64(unsigned char *to, uint64_t value) {
    value = htole64(value);
    memcpy(to, &value, 8);
    return to + 8;
}

static uint32_t get32(const unsigned char *from) {
    uint32_t value;
    memcpy(&value, from, 4);
    return le32toh(value);
}

static uint64_t get64(const unsigned char *from) {
    uint64_t value;
    memcpy(&value, from, 8);
    return le64toh(value);
}

/* the checksum covers length, type and payload */
static uint32_t frame_crc(const unsigned char *frame, size_t payload_bytes) {
    uint32_t crc = td_crc32c(0, frame + 4, 8);
    return td_crc32c(crc, frame + PREFIX_BYTES, payload_bytes);
}

/* the payload is in place: puts the 16 bytes in front of it */
static void seal_frame(unsigned char *frame, uint32_t type, size_t payload_bytes) {
    put32(frame, FRAME_MAGIC);
    put32(frame + 4, (uint32_t)payload_bytes);
    put32(frame + 8, type);
    put32(frame + 12, frame_crc(frame, payload_bytes));
}

static bool frame_is_whole(const unsigned char *frame, size_t payload_bytes) {
    return get32(frame) == FRAME_MAGIC && get32(frame + 4) == payload_bytes && get32(frame + 12) == frame_crc(frame, payload_bytes);
}

static int64_t frame_bytes(const td_journal_head *head) {
    return PREFIX_BYTES + RESULT_FIXED_BYTES + 8 * head->metrics + 4 * head->blocks;
}

static void encode_head(const td_journal_head *head, unsigned char *frame) {
    memset(frame, 0, HEAD_BYTES);
    unsigned char *to = frame + PREFIX_BYTES;
    to = put64(put32(to, FORMAT_VERSION), (uint64_t)head->trials);
    to = put64(put64(to, (uint64_t)head->blocks), (uint64_t)head->metrics);
    to = put64(to, (uint64_t)head->created_ns);
    memcpy(to, head->config_digest, 64);
    memcpy(to + 64, head->tape_digest, 64);
    memcpy(to + 128, head->engine, 31);
    to[159] = (unsigned char)head->kind;
    memcpy(to + 160, head->strategy_source, 12);
    seal_frame(frame, FRAME_HEAD, HEAD_BYTES - PREFIX_BYTES);
}

static td_status decode_head(const char *path, const unsigned char *frame, td_journal_head *head, td_error *error) {
    if (get32(frame) != FRAME_MAGIC)
        return td_fail(error, TD_BAD_DATA, "%s is no journal of a sweep: it begins with other bytes", path);
    if (!frame_is_whole(frame, HEAD_BYTES - PREFIX_BYTES) || get32(frame + 8) != FRAME_HEAD)
        return td_fail(error, TD_BAD_DATA, "journal %s: its head is damaged (checksum); remove the file to start over", path);
    const unsigned char *from = frame + PREFIX_BYTES;
    uint32_t version = get32(from);
    if (version != FORMAT_VERSION)
        return td_fail(error, TD_BAD_DATA, "journal %s has format version %" PRIu32 ", this program reads version %d", path,
                       version, FORMAT_VERSION);
    memset(head, 0, sizeof *head);
    head->trials = (int64_t)get64(from + 4);
    head->blocks = (int64_t)get64(from + 12);
    head->metrics = (int64_t)get64(from + 20);
    head->created_ns = (int64_t)get64(from + 28);
    memcpy(head->config_digest, from + 36, 64);
    memcpy(head->tape_digest, from + 100, 64);
    memcpy(head->engine, from + 164, 31);
    head->kind = (td_tape_kind)from[195];
    memcpy(head->strategy_source, from + 196, 12);
    if (from[195] >= TD_TAPE_KIND_COUNT)
        return td_fail(error, TD_BAD_DATA, "journal %s: its head says kind %d of tapes, this program knows %d", path, from[195],
                       TD_TAPE_KIND_COUNT);
    if (head->trials < 1 || head->trials > TRIALS_MAX || head->blocks < 0 || head->blocks > TD_BLOCKS_MAX || head->metrics < 0 ||
        head->metrics > 1024)
        return td_fail(error, TD_BAD_DATA, "journal %s: its head says %" PRId64 " trials, %" PRId64 " blocks, %" PRId64 " metrics",
                       path, head->trials, head->blocks, head->metrics);
    return TD_OK;
}

static bool holds_envelopes(const td_journal_head *head) {
    return head->kind == TD_TAPE_OF_BARS && head->metrics == TD_JOURNAL_METRICS_ENVELOPED;
}

static unsigned char *put_double(unsigned char *to, double value) {
    uint64_t bits;
    memcpy(&bits, &value, 8);
    return put64(to, bits);
}

static unsigned char *put_metrics(unsigned char *to, td_tape_kind kind, const double *values) {
    if (kind == TD_TAPE_OF_BARS) { /* the first of the enum, in its order: copied whole */
        for (int m = 0; m < TD_METRIC_BARS_COUNT; m++) to = put_double(to, values[m]);
        return to;
    }
    const td_tape_kind_info *info = &td_tape_kind_infos[kind];
    for (int i = 0; i < info->metric_count; i++) to = put_double(to, values[info->metrics[i]]);
    return to;
}

static const unsigned char *get_metrics(const unsigned char *from, td_tape_kind kind, double *values) {
    const td_tape_kind_info *info = &td_tape_kind_infos[kind];
    for (int i = 0; i < info->metric_count; i++, from += 8) {
        uint64_t bits = get64(from);
        memcpy(&values[info->metrics[i]], &bits, 8);
    }
    return from;
}

/* envelope: NULL where the journal holds none */
static void encode_result(const td_journal_head *head, int64_t trial, const td_cell *cell, const float *returns,
                          const td_envelope *envelope, unsigned char *frame) {
    unsigned char *to = put64(frame + PREFIX_BYTES, (uint64_t)trial);
    to = put32(put32(to, (uint32_t)cell->state), (uint32_t)cell->reason);
    to = put32(put64(to, (uint64_t)cell->reason_bar), (uint32_t)cell->ruined);
    to = put64(to, cell->hash);
    to = put_metrics(to, head->kind, cell->metrics);
    if (envelope) to = put_metrics(put_metrics(to, head->kind, envelope->low), head->kind, envelope->high);
    for (int64_t b = 0; b < head->blocks; b++) {
        uint32_t bits;
        memcpy(&bits, &returns[b], 4);
        to = put32(to, bits);
    }
    seal_frame(frame, FRAME_RESULT, (size_t)(to - frame) - PREFIX_BYTES);
}

static void decode_result(const td_journal_head *head, const unsigned char *frame, td_cell *cell, float *returns,
                          td_envelope *envelope) {
    const unsigned char *from = frame + PREFIX_BYTES + 8;
    memset(cell, 0, sizeof *cell);
    cell->state = (int32_t)get32(from);
    cell->reason = (int32_t)get32(from + 4);
    cell->reason_bar = (int64_t)get64(from + 8);
    cell->ruined = (int32_t)get32(from + 16);
    cell->hash = get64(from + 20);
    from += 28;
    for (int m = 0; m < TD_METRIC_COUNT; m++) cell->metrics[m] = NAN;
    from = get_metrics(from, head->kind, cell->metrics);
    if (holds_envelopes(head)) {
        td_envelope unwanted, *wanted = envelope ? envelope : &unwanted;
        from = get_metrics(get_metrics(from, head->kind, wanted->low), head->kind, wanted->high);
    }
    for (int64_t b = 0; returns && b < head->blocks; b++, from += 4) {
        uint32_t bits = get32(from);
        memcpy(&returns[b], &bits, 4);
    }
}

static int64_t clock_ns(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return now.tv_sec * TD_NS_PER_SECOND + now.tv_nsec;
}

/* all of it or an errno; short writes and signals are gone on with */
static int write_at(int file, const unsigned char *bytes, size_t size, int64_t offset) {
    while (size) {
        ssize_t wrote = pwrite(file, bytes, size, offset);
        if (wrote < 0 && errno == EINTR) continue;
        if (wrote < 0) return errno;
        if (wrote == 0) return EIO;
        bytes += wrote, size -= (size_t)wrote, offset += wrote;
    }
    return 0;
}

/* how much could be read, -1 with errno */
static ssize_t read_at(int file, unsigned char *bytes, size_t size, int64_t offset) {
    size_t used = 0;
    while (used < size) {
        ssize_t got = pread(file, bytes + used, size - used, offset + (int64_t)used);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return -1;
        if (got == 0) break;
        used += (size_t)got;
    }
    return (ssize_t)used;
}

static td_status sync_folder(const char *path, td_error *error) {
    char folder[PATH_MAX];
    snprintf(folder, sizeof folder, "%s", path);
    char *slash = strrchr(folder, '/');
    if (!slash) strcpy(folder, ".");
    else if (slash == folder) slash[1] = 0;
    else *slash = 0;
    int file = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (file < 0) return td_fail(error, TD_IO, "folder %s cannot be opened: %s", folder, strerror(errno));
    /* some file systems do not sync folders and say EINVAL: nothing to be done there */
    int bad = fsync(file) && errno != EINVAL ? errno : 0;
    close(file);
    return bad ? td_fail(error, TD_IO, "folder %s cannot be synced: %s", folder, strerror(bad)) : TD_OK;
}

/* the process that holds the flock, 0 when the kernel does not tell */
static int lock_holder(int file) {
    struct stat status;
    FILE *locks = fopen("/proc/locks", "r");
    int holder = 0;
    if (locks && fstat(file, &status) == 0) {
        char line[256];
        while (!holder && fgets(line, sizeof line, locks)) {
            int pid;
            unsigned device_major, device_minor;
            unsigned long inode;
            if (sscanf(line, "%*d: FLOCK %*s %*s %d %x:%x:%lu", &pid, &device_major, &device_minor, &inode) == 4 &&
                device_major == major(status.st_dev) && device_minor == minor(status.st_dev) && inode == status.st_ino)
                holder = pid;
        }
    }
    if (locks) fclose(locks);
    return holder;
}

static td_status take_lock(const char *path, int file, td_error *error) {
    if (flock(file, LOCK_EX | LOCK_NB) == 0) return TD_OK;
    if (errno != EWOULDBLOCK) return td_fail(error, TD_IO, "journal %s cannot be locked: %s", path, strerror(errno));
    int holder = lock_holder(file);
    char name[32] = "another process";
    if (holder > 0) snprintf(name, sizeof name, "process %d", holder);
    return td_fail(error, TD_BUSY, "journal %s is being written by %s: another sweep with the same results file", path, name);
}

/* Opens or creates the file and holds its lock; a file that was renamed or removed while we waited for neither is not ours. */
static td_status open_locked(const char *path, bool resume, int *file, td_error *error) {
    for (int attempt = 0; attempt < 100; attempt++) {
        *file = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
        bool fresh = *file >= 0, there = !fresh && errno == EEXIST;
        if (there) *file = open(path, O_RDWR | O_CLOEXEC);
        if (*file < 0 && there && errno == ENOENT) continue; /* removed between the two */
        if (*file < 0) return td_fail(error, TD_IO, "journal %s cannot be opened for writing: %s", path, strerror(errno));
        td_status status = take_lock(path, *file, error);
        struct stat ours, named;
        if (status == TD_OK && fstat(*file, &ours)) status = td_fail(error, TD_IO, "journal %s: %s", path, strerror(errno));
        if (status == TD_OK && (stat(path, &named) || named.st_ino != ours.st_ino || named.st_dev != ours.st_dev)) {
            close(*file);
            continue;
        }
        if (status == TD_OK && !S_ISREG(ours.st_mode)) status = td_fail(error, TD_IO, "journal %s is not a regular file", path);
        if (status == TD_OK && !fresh && !resume)
            status = td_fail(error, TD_IO, "journal %s is there already, of a sweep that did not finish: go on with --resume, or "
                             "remove it", path);
        if (status == TD_OK) return TD_OK;
        close(*file);
        *file = -1;
        return status;
    }
    return td_fail(error, TD_BUSY, "journal %s: another process creates and removes it all the time", path);
}

static td_status make_journal(const char *path, int file, bool writable, const td_journal_head *head, td_journal **journal,
                              td_error *error) {
    td_journal *j = calloc(1, sizeof *j);
    if (j) {
        j->path = strdup(path);
        j->offset = calloc((size_t)head->trials, sizeof *j->offset);
        j->frame_bytes = frame_bytes(head);
        j->buffer_bytes = (size_t)j->frame_bytes;
        j->buffer = malloc(j->buffer_bytes);
    }
    if (!j || !j->path || !j->offset || !j->buffer) {
        if (j) free(j->path), free(j->offset), free(j->buffer);
        free(j);
        return td_fail(error, TD_NO_MEMORY, "journal %s: no memory for the index of %" PRId64 " trials", path, head->trials);
    }
    j->file = file, j->writable = writable, j->head = *head, j->end = HEAD_BYTES;
    pthread_mutex_init(&j->lock, NULL);
    *journal = j;
    return TD_OK;
}

/* Index of what is there: first of a trial wins. `size` is the file's. */
static td_status scan(td_journal *j, int64_t size, td_error *error) {
    int64_t per_read = SCAN_BYTES / j->frame_bytes + 1;
    unsigned char *bytes = malloc((size_t)(per_read * j->frame_bytes));
    if (!bytes) return td_fail(error, TD_NO_MEMORY, "journal %s: no memory to read it", j->path);
    int64_t whole_bytes = HEAD_BYTES;
    for (int64_t at = HEAD_BYTES; at < size;) {
        ssize_t got = read_at(j->file, bytes, (size_t)(per_read * j->frame_bytes), at);
        if (got < 0) {
            free(bytes);
            return td_fail(error, TD_IO, "journal %s cannot be read at byte %" PRId64 ": %s", j->path, at, strerror(errno));
        }
        int64_t frames = got / j->frame_bytes;
        for (int64_t f = 0; f < frames; f++) {
            const unsigned char *frame = bytes + f * j->frame_bytes;
            if (!frame_is_whole(frame, (size_t)j->frame_bytes - PREFIX_BYTES)) continue;
            uint32_t type = get32(frame + 8);
            if (type == FRAME_RESULT) {
                int64_t trial = (int64_t)get64(frame + PREFIX_BYTES);
                int32_t state = (int32_t)get32(frame + PREFIX_BYTES + 8);
                if (trial < 0 || trial >= j->head.trials || (state != TD_CELL_DONE && state != TD_CELL_FAILED)) continue;
                if (!j->offset[trial]) {
                    j->offset[trial] = at + f * j->frame_bytes;
                    j->done++;
                    j->failed += state == TD_CELL_FAILED;
                }
            } else if (type == FRAME_SESSION) {
                j->sessions++;
            } else {
                continue;
            }
            whole_bytes += j->frame_bytes;
            j->end = at + (f + 1) * j->frame_bytes;
        }
        if (frames < per_read) break;
        at += frames * j->frame_bytes;
    }
    free(bytes);
    j->torn_bytes = size > whole_bytes ? size - whole_bytes : 0;
    return TD_OK;
}

/* what differs between the journal's sweep and this one, in words */
static td_status compare_heads(const char *path, const td_journal_head *found, const td_journal_head *wanted, td_error *error) {
    char differs[400] = "";
    size_t used = 0;
#define DIFFERS(...)                                                                                                             \
    do {                                                                                                                         \
        if (used < sizeof differs) used += (size_t)snprintf(differs + used, sizeof differs - used, "%s", used ? "; " : "");      \
        if (used < sizeof differs) used += (size_t)snprintf(differs + used, sizeof differs - used, __VA_ARGS__);                 \
    } while (0)
    /* the source is part of the configuration's digest, which says less */
    if (strcmp(found->strategy_source, wanted->strategy_source) && *found->strategy_source && *wanted->strategy_source)
        DIFFERS("the strategy's source changed since (SHA-256 %s..., now %s...)", found->strategy_source, wanted->strategy_source);
    else if (strcmp(found->config_digest, wanted->config_digest))
        DIFFERS("the configuration (digest %.12s, now %.12s)", found->config_digest, wanted->config_digest);
    if (strcmp(found->tape_digest, wanted->tape_digest))
        DIFFERS("the tape (digest %.12s, now %.12s)", found->tape_digest, wanted->tape_digest);
    if (found->trials != wanted->trials)
        DIFFERS("the number of trials (%" PRId64 ", now %" PRId64 ")", found->trials, wanted->trials);
    if (found->kind != wanted->kind)
        DIFFERS("what is played (%s, now %s)", td_tape_kind_infos[found->kind].name, td_tape_kind_infos[wanted->kind].name);
    if (found->blocks != wanted->blocks)
        DIFFERS("the number of blocks (%" PRId64 ", now %" PRId64 ")", found->blocks, wanted->blocks);
    if (found->metrics != wanted->metrics)
        DIFFERS("the number of metrics (%" PRId64 ", now %" PRId64 ")", found->metrics, wanted->metrics);
    if (strcmp(found->engine, wanted->engine)) DIFFERS("the engine's version (%s, now %s)", found->engine, wanted->engine);
#undef DIFFERS
    if (!used) return TD_OK;
    return td_fail(error, TD_DIFFERENT, "journal %s is of another sweep, what differs: %s; remove it to start over", path, differs);
}

/* a frame that says "from here on, another process" */
static void encode_session(td_journal *j, unsigned char *frame, int64_t now_ns) {
    memset(frame, 0, (size_t)j->frame_bytes);
    put64(frame + PREFIX_BYTES, (uint64_t)now_ns);
    seal_frame(frame, FRAME_SESSION, (size_t)j->frame_bytes - PREFIX_BYTES);
}

static td_status begin_session(td_journal *j, bool fresh, td_error *error) {
    encode_session(j, j->buffer, clock_ns(CLOCK_REALTIME));
    int bad = write_at(j->file, j->buffer, (size_t)j->frame_bytes, j->end);
    if (bad) {
        if (ftruncate(j->file, j->end) && !bad) bad = errno;
        return td_fail(error, TD_IO, "journal %s cannot be written: %s", j->path, strerror(bad));
    }
    j->end += j->frame_bytes;
    j->sessions++;
    if (fsync(j->file)) return td_fail(error, TD_IO, "journal %s cannot be synced: %s", j->path, strerror(errno));
    j->synced_ns = clock_ns(CLOCK_MONOTONIC);
    return fresh ? sync_folder(j->path, error) : TD_OK;
}

td_status td_journal_open(const char *path, td_journal_head *head, bool resume, td_journal **journal, td_error *error) {
    assert(head->trials >= 1 && head->trials <= TRIALS_MAX && head->blocks >= 0 && head->blocks <= TD_BLOCKS_MAX);
    assert(head->metrics == td_tape_kind_infos[head->kind].metric_count || holds_envelopes(head));
    *journal = NULL;
    int file;
    TD_TRY(open_locked(path, resume, &file, error));

    /* what is in the file: nothing (or less than a head, from a process that died at once), or a sweep that must be this one */
    unsigned char frame[HEAD_BYTES];
    ssize_t got = read_at(file, frame, sizeof frame, 0);
    td_status status = got < 0 ? td_fail(error, TD_IO, "journal %s cannot be read: %s", path, strerror(errno)) : TD_OK;
    bool fresh = got < HEAD_BYTES;
    td_journal_head found = *head;
    if (status == TD_OK && fresh) {
        unsigned char expected[HEAD_BYTES];
        encode_head(head, expected);
        if (got >= 4 ? memcmp(frame, expected, 4) : got > 0 && memcmp(frame, expected, (size_t)got))
            status = td_fail(error, TD_BAD_DATA, "%s is no journal of a sweep: it begins with other bytes", path);
        int bad = status == TD_OK ? write_at(file, expected, sizeof expected, 0) : 0;
        if (bad) status = td_fail(error, TD_IO, "journal %s cannot be written: %s", path, strerror(bad));
    } else if (status == TD_OK) {
        status = decode_head(path, frame, &found, error);
        if (status == TD_OK) status = compare_heads(path, &found, head, error);
    }
    if (status == TD_OK) status = make_journal(path, file, true, &found, journal, error);
    td_journal *j = *journal;

    /* index, cut, and say that a session begins */
    struct stat stat_now;
    if (status == TD_OK && fstat(file, &stat_now)) status = td_fail(error, TD_IO, "journal %s: %s", path, strerror(errno));
    if (status == TD_OK && !fresh) status = scan(j, stat_now.st_size, error);
    if (status == TD_OK && !fresh && stat_now.st_size > j->end && ftruncate(file, j->end))
        status = td_fail(error, TD_IO, "journal %s: its torn tail cannot be cut off: %s", path, strerror(errno));
    if (status == TD_OK) status = begin_session(j, fresh, error);
    if (status != TD_OK) {
        if (fresh && got == 0) unlink(path); /* ours, and of use to nobody */
        if (j) td_journal_close(j);
        else close(file);
        *journal = NULL;
        return status;
    }
    head->created_ns = found.created_ns;
    return TD_OK;
}

td_status td_journal_read(const char *path, td_journal_head *head, td_journal **journal, td_error *error) {
    *journal = NULL;
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) return td_fail(error, TD_IO, "journal %s cannot be opened: %s", path, strerror(errno));
    unsigned char frame[HEAD_BYTES];
    ssize_t got = read_at(file, frame, sizeof frame, 0);
    struct stat status_now;
    td_status status = TD_OK;
    if (got < 0 || fstat(file, &status_now))
        status = td_fail(error, TD_IO, "journal %s cannot be read: %s", path, strerror(errno));
    else if (got < HEAD_BYTES)
        status = td_fail(error, TD_BAD_DATA, "journal %s ends inside its head: %zd of %d bytes", path, got, HEAD_BYTES);
    if (status == TD_OK) status = decode_head(path, frame, head, error);
    int known = status == TD_OK ? td_tape_kind_infos[head->kind].metric_count : 0;
    if (status == TD_OK && head->metrics != known && !holds_envelopes(head))
        status = td_fail(error, TD_BAD_DATA, "journal %s has %" PRId64 " metrics per trial (engine %s), this program knows %d",
                         path, head->metrics, head->engine, known);
    if (status == TD_OK) status = make_journal(path, file, false, head, journal, error);
    if (status != TD_OK) {
        close(file);
        return status;
    }
    status = scan(*journal, status_now.st_size, error);
    if (status != TD_OK) td_journal_close(*journal), *journal = NULL;
    return status;
}

/* counts change while other threads append, hence the lock */
static int64_t locked(const td_journal *journal, const int64_t *value) {
    pthread_mutex_t *lock = (pthread_mutex_t *)&journal->lock;
    pthread_mutex_lock(lock);
    int64_t now = *value;
    pthread_mutex_unlock(lock);
    return now;
}

int64_t td_journal_done(const td_journal *journal) { return locked(journal, &journal->done); }
int64_t td_journal_failed(const td_journal *journal) { return locked(journal, &journal->failed); }
int64_t td_journal_torn_bytes(const td_journal *journal) { return journal->torn_bytes; }
int td_journal_sessions(const td_journal *journal) { return journal->sessions; }

bool td_journal_has(const td_journal *journal, int64_t trial) {
    assert(trial >= 0 && trial < journal->head.trials);
    return locked(journal, &journal->offset[trial]) != 0;
}

/* under the lock: frames of the trials that are not there yet, into one buffer, onto the disk, then into the index */
static td_status append_locked(td_journal *j, const int64_t *trials, const td_cell *cells, const float *returns,
                               const td_envelope *envelopes, int64_t count, td_error *error) {
    size_t wanted = (size_t)(count * j->frame_bytes);
    if (wanted > j->buffer_bytes) {
        unsigned char *larger = realloc(j->buffer, wanted);
        if (!larger) return td_fail(error, TD_NO_MEMORY, "journal %s: no memory for %" PRId64 " frames", j->path, count);
        j->buffer = larger, j->buffer_bytes = wanted;
    }
    size_t used = 0;
    int64_t done = 0, failed = 0, next = j->end;
    for (int64_t i = 0; i < count; i++) {
        assert(trials[i] >= 0 && trials[i] < j->head.trials);
        assert(cells[i].state == TD_CELL_DONE || cells[i].state == TD_CELL_FAILED);
        if (j->offset[trials[i]]) continue;
        encode_result(&j->head, trials[i], &cells[i], returns + i * j->head.blocks, holds_envelopes(&j->head) ? &envelopes[i] : NULL,
                      j->buffer + used);
        j->offset[trials[i]] = next; /* also keeps a trial that is twice in the batch from being written twice */
        used += (size_t)j->frame_bytes, next += j->frame_bytes;
        done++, failed += cells[i].state == TD_CELL_FAILED;
    }
    int bad = write_at(j->file, j->buffer, used, j->end);
    if (bad) {
        /* back to the last good frame; if even that is refused, the next write or the next opening overwrites the rest */
        for (int64_t i = 0; i < count; i++)
            if (j->offset[trials[i]] >= j->end) j->offset[trials[i]] = 0;
        bool cut = ftruncate(j->file, j->end) == 0;
        return td_fail(error, TD_IO, "journal %s cannot be written: %s; the %" PRId64 " trials in it are safe%s", j->path,
                       strerror(bad), j->done, cut ? "" : " (its torn tail is cut at the next opening)");
    }
    j->end = next, j->done += done, j->failed += failed;
    return TD_OK;
}

td_status td_journal_append(td_journal *journal, const int64_t *trials, const td_cell *cells, const float *block_returns,
                            const td_envelope *envelopes, int64_t count, td_error *error) {
    assert(journal->writable && count >= 0);
    pthread_mutex_lock(&journal->lock);
    td_status status = append_locked(journal, trials, cells, block_returns, envelopes, count, error);
    int64_t now = clock_ns(CLOCK_MONOTONIC);
    bool sync = status == TD_OK && now - journal->synced_ns >= SYNC_INTERVAL_NS;
    if (sync) journal->synced_ns = now;
    pthread_mutex_unlock(&journal->lock);
    /* outside the lock: the others go on appending while the disk works */
    return sync ? td_journal_sync(journal, error) : status;
}

td_status td_journal_sync(td_journal *journal, td_error *error) {
    if (fdatasync(journal->file)) return td_fail(error, TD_IO, "journal %s cannot be synced: %s", journal->path, strerror(errno));
    return TD_OK;
}

td_status td_journal_get(const td_journal *journal, int64_t trial, td_cell *cell, float *block_returns, td_envelope *envelope,
                         td_error *error) {
    assert(trial >= 0 && trial < journal->head.trials);
    int64_t offset = locked(journal, &journal->offset[trial]);
    if (!offset) return td_fail(error, TD_BAD_DATA, "journal %s has no result of trial %" PRId64, journal->path, trial);
    unsigned char frame[PREFIX_BYTES + RESULT_FIXED_BYTES + 8 * TD_JOURNAL_METRICS_ENVELOPED + 4 * TD_BLOCKS_MAX];
    ssize_t got = read_at(journal->file, frame, (size_t)journal->frame_bytes, offset);
    if (got < 0)
        return td_fail(error, TD_IO, "journal %s cannot be read at byte %" PRId64 ": %s", journal->path, offset, strerror(errno));
    if (got < journal->frame_bytes || !frame_is_whole(frame, (size_t)journal->frame_bytes - PREFIX_BYTES) ||
        (int64_t)get64(frame + PREFIX_BYTES) != trial)
        return td_fail(error, TD_BAD_DATA, "journal %s changed while it was open: trial %" PRId64 " at byte %" PRId64 " is damaged",
                       journal->path, trial, offset);
    decode_result(&journal->head, frame, cell, block_returns, envelope);
    return TD_OK;
}

void td_journal_close(td_journal *journal) {
    if (!journal) return;
    if (journal->writable) fdatasync(journal->file);
    close(journal->file);
    pthread_mutex_destroy(&journal->lock);
    free(journal->path), free(journal->offset), free(journal->buffer);
    free(journal);
}
