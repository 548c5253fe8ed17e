/* See text_source.h. */
#include "data/text_source.h"

#include <errno.h>
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
