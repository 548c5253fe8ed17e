/* See text_source.h. */
#include "data/text_source.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static td_status feed_mapped(const char *path, int fd, int64_t size, const td_text_sink *sink, td_error *error) {
    char *text = mmap(NULL, (size_t)size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0);
    if (text == MAP_FAILED) return td_fail(error, TD_IO, "%s: cannot be mapped: %s", path, strerror(errno));
    td_status status = sink->feed(sink->user, text, (size_t)size, error);
    munmap(text, (size_t)size);
    return status;
}

static td_status feed_blocks(td_unpack *unpack, const td_text_sink *sink, td_error *error) {
    for (;;) {
        const char *data;
        size_t size;
        TD_TRY(td_unpack_block(unpack, &data, &size, error));
        if (size == 0) return TD_OK;
        TD_TRY(sink->feed(sink->user, data, size, error));
    }
}

static td_status read_all(td_unpack *unpack, const td_text_sink *sink, td_error *error) {
    for (;;) {
        bool more;
        TD_TRY(td_unpack_next(unpack, &more, error));
        if (!more) return TD_OK;
        const char *name = td_unpack_name(unpack);
        int64_t size = td_unpack_size_hint(unpack);
        int fd = td_unpack_plain_file(unpack);
        TD_TRY(sink->begin(sink->user, name, size, error));
        TD_TRY(fd >= 0 ? feed_mapped(name, fd, size, sink, error) : feed_blocks(unpack, sink, error));
        TD_TRY(sink->end(sink->user, error));
    }
}

td_status td_text_read(const char *path, int64_t decompressed_max, const td_text_sink *sink, td_error *error) {
    td_unpack *unpack;
    TD_TRY(td_unpack_open(path, &td_unpack_text, decompressed_max, &unpack, error));
    td_status status = read_all(unpack, sink, error);
    td_unpack_close(unpack);
    return status;
}

/* ---- reading ahead ---- */

enum { SLOTS = 4 };

/* What the unpacking thread has done: a text begins, its bytes, its end; and the end of all, or a failure. */
typedef enum step { BEGIN, BYTES, END, FINISHED, FAILED } step;
typedef struct slot {
    step step;
    char name[1024]; /* BEGIN */
    int64_t size_hint;
    char *bytes; /* BYTES: room for the largest block so far */
    size_t size, room;
} slot;

/* A ring: the thread fills slots, the caller's takes them, each waits for the other. */
typedef struct ahead {
    td_unpack *unpack;
    slot slots[SLOTS];
    int64_t filled, taken;
    bool stop; /* the caller does not want any more */
    td_status status;
    td_error error;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
} ahead;

/* The next free slot; NULL when the caller has stopped. */
static slot *free_slot(ahead *a) {
    pthread_mutex_lock(&a->mutex);
    while (a->filled - a->taken == SLOTS && !a->stop) pthread_cond_wait(&a->changed, &a->mutex);
    slot *s = a->stop ? NULL : &a->slots[a->filled % SLOTS];
    pthread_mutex_unlock(&a->mutex);
    return s;
}

static void hand_over(ahead *a, slot *s, step step) {
    s->step = step;
    pthread_mutex_lock(&a->mutex);
    a->filled++;
    pthread_cond_signal(&a->changed);
    pthread_mutex_unlock(&a->mutex);
}

static td_status copy_block(ahead *a, slot *s, bool *end) {
    const char *data;
    size_t size;
    TD_TRY(td_unpack_block(a->unpack, &data, &size, &a->error));
    *end = size == 0;
    if (size > s->room) {
        free(s->bytes);
        s->room = size;
        s->bytes = malloc(size);
        if (!s->bytes) return td_fail(&a->error, TD_NO_MEMORY, "no memory to unpack %zu bytes", size);
    }
    if (size) memcpy(s->bytes, data, size);
    s->size = size;
    return TD_OK;
}

static td_status unpack_text(ahead *a, slot *s, bool *more) {
    TD_TRY(td_unpack_next(a->unpack, more, &a->error));
    if (!*more) return TD_OK;
    strncpy(s->name, td_unpack_name(a->unpack), sizeof s->name - 1);
    s->size_hint = td_unpack_size_hint(a->unpack);
    hand_over(a, s, BEGIN);
    for (bool end = false; !end;) {
        s = free_slot(a);
        if (!s) return TD_OK;
        TD_TRY(copy_block(a, s, &end));
        hand_over(a, s, end ? END : BYTES);
    }
    return TD_OK;
}

static void *unpack_all(void *user) {
    ahead *a = user;
    bool more = true;
    slot *s;
    while ((s = free_slot(a)) && more && a->status == TD_OK) a->status = unpack_text(a, s, &more);
    if (s) hand_over(a, s, a->status == TD_OK ? FINISHED : FAILED);
    return NULL;
}

static td_status take_slot(const ahead *a, const slot *s, const td_text_sink *sink, td_error *error) {
    switch (s->step) {
    case BEGIN: return sink->begin(sink->user, s->name, s->size_hint, error);
    case BYTES: return sink->feed(sink->user, s->bytes, s->size, error);
    case END: return sink->end(sink->user, error);
    case FAILED: return td_fail(error, a->status, "%s", a->error.message);
    default: return TD_OK;
    }
}

static td_status take_all(ahead *a, const td_text_sink *sink, td_error *error) {
    for (step step = BEGIN; step < FINISHED;) {
        pthread_mutex_lock(&a->mutex);
        while (a->filled == a->taken) pthread_cond_wait(&a->changed, &a->mutex);
        const slot *s = &a->slots[a->taken % SLOTS];
        pthread_mutex_unlock(&a->mutex);
        step = s->step;
        TD_TRY(take_slot(a, s, sink, error));
        pthread_mutex_lock(&a->mutex);
        a->taken++;
        pthread_cond_signal(&a->changed);
        pthread_mutex_unlock(&a->mutex);
    }
    return TD_OK;
}

static td_status read_in_thread(ahead *a, const td_text_sink *sink, td_error *error) {
    pthread_t thread;
    pthread_mutex_init(&a->mutex, NULL);
    pthread_cond_init(&a->changed, NULL);
    int failed = pthread_create(&thread, NULL, unpack_all, a);
    if (failed) return td_fail(error, TD_IO, "no thread to unpack with: %s", strerror(failed));
    td_status status = take_all(a, sink, error);
    pthread_mutex_lock(&a->mutex);
    a->stop = true;
    pthread_cond_signal(&a->changed);
    pthread_mutex_unlock(&a->mutex);
    pthread_join(thread, NULL);
    pthread_cond_destroy(&a->changed);
    pthread_mutex_destroy(&a->mutex);
    return status;
}

/* Of a file that is not compressed there is nothing to unpack. */
static td_status read_blocks(td_unpack *unpack, const td_text_sink *sink, td_error *error) {
    for (;;) {
        bool more;
        TD_TRY(td_unpack_next(unpack, &more, error));
        if (!more) return TD_OK;
        TD_TRY(sink->begin(sink->user, td_unpack_name(unpack), td_unpack_size_hint(unpack), error));
        TD_TRY(feed_blocks(unpack, sink, error));
        TD_TRY(sink->end(sink->user, error));
    }
}

td_status td_text_read_ahead(const char *path, const td_unpack_kind *kind, int64_t decompressed_max, const td_text_sink *sink,
                             td_error *error) {
    td_unpack *unpack;
    TD_TRY(td_unpack_open(path, kind, decompressed_max, &unpack, error));
    td_status status;
    if (td_unpack_plain_file(unpack) >= 0) {
        status = read_blocks(unpack, sink, error);
    } else {
        ahead a = {.unpack = unpack};
        status = read_in_thread(&a, sink, error);
        for (int i = 0; i < SLOTS; i++) free(a.slots[i].bytes);
    }
    td_unpack_close(unpack);
    return status;
}
