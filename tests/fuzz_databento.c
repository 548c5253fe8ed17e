/* Any bytes as a DBN file. */
#include "tests/fuzz_book.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const char *const names[] = {"a.dbn"};
    return fuzz_format("databento", names, sizeof names / sizeof *names, data, size);
}
