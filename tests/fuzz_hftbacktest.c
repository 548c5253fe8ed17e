/* Any bytes as an array of events, or an archive of arrays. */
#include "tests/fuzz_book.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const char *const names[] = {"a.npz"};
    return fuzz_format("hftbacktest", names, sizeof names / sizeof *names, data, size);
}
