/* Where text comes from: a plain file (mapped), or one compressed with gzip, zstd, xz or bzip2, or the members of a zip archive
 * (data/unpack.h). What a file is, its first bytes say, not its name.
 *
 * The reader pushes: for each text begin(), then feed() with pieces of any size, then end(). */
#ifndef TAPEDECK_DATA_TEXT_SOURCE_H
#define TAPEDECK_DATA_TEXT_SOURCE_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "data/unpack.h"

typedef struct td_text_sink {
    void *user;
    /* name is the path, or "path:member" in a zip; size_hint is its size in bytes where known, else 0 */
    td_status (*begin)(void *user, const char *name, int64_t size_hint, td_error *error);
    td_status (*feed)(void *user, const char *data, size_t size, td_error *error);
    td_status (*end)(void *user, td_error *error);
} td_text_sink;

/* Reads a file into the sink. At most decompressed_max bytes are unpacked from a compressed file (a bomb is TD_NO_MEMORY).
 * "-" is standard input. A bad status of the sink ends the reading and is returned. */
td_status td_text_read(const char *path, int64_t decompressed_max, const td_text_sink *sink, td_error *error);
/* The same for long files, one at a time: holds a few blocks and never the whole file, and unpacks in a thread of its own while the
 * sink, which is called from the caller's thread, works on what is there. */
td_status td_text_read_ahead(const char *path, const td_unpack_kind *kind, int64_t decompressed_max, const td_text_sink *sink,
                             td_error *error);

#endif
