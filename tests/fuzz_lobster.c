/* Any bytes as a pair of LOBSTER files. */
#include "tests/fuzz_book.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const char *const names[] = {"X_2012-06-21_message.csv", "X_2012-06-21_orderbook.csv"};
    return fuzz_format("lobster", names, sizeof names / sizeof *names, data, size);
}
