/* Any bytes as up to three files of Binance's archives. */
#include "tests/fuzz_book.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const char *const names[] = {"a.csv", "b.csv", "c.csv"};
    return fuzz_format("binance-archive", names, sizeof names / sizeof *names, data, size);
}
