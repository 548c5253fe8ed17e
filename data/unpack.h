/* Bytes of a file, pulled block by block: a plain file, one compressed with gzip, zstd, xz or bzip2, or the members of a zip archive,
 * one after the other. What a file is, its first bytes say, not its name. Nothing is ever written, names inside an archive are only
 * names, and memory is one block. data/text_source.h is the same for those who want to be fed.
 *
 * Ownership: td_unpack_open() opens the file, td_unpack_close() releases it; blocks are borrowed until the next call. */
#ifndef TAPEDECK_DATA_UNPACK_H
#define TAPEDECK_DATA_UNPACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#define TD_DECOMPRESSED_MAX (64LL << 30)

/* What the caller reads. */
typedef struct td_unpack_kind {
    const char *const *endings; /* of the members of a zip that are data; NULL behind the last */
    const char *members;        /* the same in words, for messages: ".csv, .txt or .tsv file" */
    const char *expected;       /* files known to be something else are refused: "..., expected <this>"; NULL: anything goes */
} td_unpack_kind;
extern const td_unpack_kind td_unpack_text;   /* CSV and other text */
extern const td_unpack_kind td_unpack_binary; /* anything */
extern const td_unpack_kind td_unpack_arrays; /* NumPy: .npy, or .npz, which is a zip of them */

typedef struct td_unpack td_unpack;
/* "-" is standard input. At most unpacked_max bytes are unpacked from a compressed file (a bomb is TD_NO_MEMORY). */
td_status td_unpack_open(const char *path, const td_unpack_kind *kind, int64_t unpacked_max, td_unpack **unpack, td_error *error);
void td_unpack_close(td_unpack *unpack);

/* Goes on to the next thing to read: once for a file, once for each member of an archive. *more false: there is none. */
td_status td_unpack_next(td_unpack *unpack, bool *more, td_error *error);
/* Its path, or "path:member" in a zip, until the next td_unpack_next(); its size in bytes where known, else 0. */
const char *td_unpack_name(const td_unpack *unpack);
int64_t td_unpack_size_hint(const td_unpack *unpack);
/* The next bytes of it; *size 0 at its end. */
td_status td_unpack_block(td_unpack *unpack, const char **data, size_t *size, td_error *error);

/* The descriptor of a file that is not compressed, and can be mapped; -1 of others. */
int td_unpack_plain_file(const td_unpack *unpack);

#endif
