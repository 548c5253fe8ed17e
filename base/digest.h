/* SHA-256 as the hexadecimal text that files and messages carry. */
#ifndef TAPEDECK_BASE_DIGEST_H
#define TAPEDECK_BASE_DIGEST_H

#include <stdbool.h>
#include <stddef.h>

enum { TD_DIGEST_TEXT = 65 }; /* 64 digits and the end */

/* What `sha256sum` prints of the bytes. False only where the library refuses (memory ran out). */
bool td_sha256_text(const void *bytes, size_t size, char text[TD_DIGEST_TEXT]);

#endif
