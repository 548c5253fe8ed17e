/* See digest.h. */
#include "base/digest.h"

#include <openssl/evp.h>
#include <stdio.h>

bool td_sha256_text(const void *bytes, size_t size, char text[TD_DIGEST_TEXT]) {
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned length = 0;
    text[0] = 0;
    if (!EVP_Digest(bytes, size, digest, &length, EVP_sha256(), NULL) || length != 32) return false;
    for (unsigned i = 0; i < length; i++) snprintf(text + 2 * i, 3, "%02x", digest[i]);
    return true;
}
