/* From a strategy's C file to a shared object, through a cache: the compiler's half of sim/plugin.h.
 *
 * Words
 *   headers   the folder that holds sim/strategy.h and what that includes: the repository, or include/tapedeck of an installation
 *   source    the user's file and whatever it includes with quotes that is no header of ours; its digest is what results carry
 *   object    the shared object in the cache, named after the digest of all it depends on (source, headers, compiler and its
 *             version, flags); its last bytes are a digest of the others, so that a torn file is noticed and built again
 *
 * A unit is compiled for one lane (the reference engine) and for the instruction set this process plays on (td_isa_pick()), both at
 * the same time, by the system's compiler and without a shell. Processes that want the same object wait for the one that builds it. */
#ifndef TAPEDECK_SIM_COMPILE_H
#define TAPEDECK_SIM_COMPILE_H

#include <stdio.h>

#include "base/digest.h"
#include "base/error.h"

enum { TD_PATH_ROOM = 4096 };

/* What it takes to compile; each finder fills its text or says what is missing (TD_FAILED). */
typedef struct td_toolchain {
    char compiler[TD_PATH_ROOM]; /* command, its first word a path: $TAPEDECK_CC, $CC, else clang, gcc or cc of the PATH */
    char headers[TD_PATH_ROOM];  /* $TAPEDECK_INCLUDE, else beside the program, else where it was built */
    char cache[TD_PATH_ROOM];    /* $TAPEDECK_CACHE, else $XDG_CACHE_HOME/tapedeck, else ~/.cache/tapedeck */
} td_toolchain;
td_status td_find_compiler(td_toolchain *tools, td_error *error);
td_status td_find_headers(td_toolchain *tools, td_error *error);
td_status td_find_cache(td_toolchain *tools, td_error *error); /* made where it is not there; absolute afterwards */

typedef struct td_compiled {
    char object[TD_PATH_ROOM];
    char source[TD_DIGEST_TEXT]; /* SHA-256 of the file; where it includes others of the user's, of their `sha256sum` lines */
} td_compiled;

/* What the compiler says goes to `talk` (NULL: nowhere), exactly as it says it.
 *   TD_BAD_ARG   no regular file, writable for everyone, or the compiler refuses it
 *   TD_FAILED    compiler, headers or cache cannot be used; TD_IO what the operating system refuses */
td_status td_compile_strategy(const td_toolchain *tools, const char *path, FILE *talk, td_compiled *compiled, td_error *error);

#endif
