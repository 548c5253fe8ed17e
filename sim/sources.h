/* A strategy's C file and the files it includes, as far as an object depends on them.
 *
 * Lines `#include "name"` are followed, beside the including file first and then in the folder of our headers, as compilers do;
 * names found in neither place are the system's. Whether a line is in a comment or under an #if does not matter: one file too
 * many in a cache key costs nothing. That none is too few is held against the compiler's own list (sim/compile.c). */
#ifndef TAPEDECK_SIM_SOURCES_H
#define TAPEDECK_SIM_SOURCES_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/digest.h"
#include "base/error.h"

enum { TD_SOURCES_MAX = 128 };

typedef struct td_source {
    char *path; /* as the compiler will say it */
    char *name; /* as the #include says it; the file's own name for the first */
    char digest[TD_DIGEST_TEXT];
    bool header_of_ours;
    dev_t device;
    ino_t inode;
} td_source;

typedef struct td_sources {
    td_source file[TD_SOURCES_MAX];
    int count;
} td_sources;

/* Reads the file and follows its includes. headers: the folder of ours. Refuses, as TD_BAD_ARG, what is no regular file, is
 * writable for everyone (other than our headers) or too large; the caller frees what is there in any case. */
td_status td_sources_read(td_sources *sources, const char *path, const char *headers, td_error *error);
void td_sources_free(td_sources *sources);

/* SHA-256 of the user's own files: of the bytes where it is one, of the lines that sha256sum prints where they are several. */
bool td_sources_digest(const td_sources *sources, char digest[TD_DIGEST_TEXT]);
/* Is the file among them? */
bool td_sources_have(const td_sources *sources, const char *path);

#endif
