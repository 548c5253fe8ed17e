/* Any bytes as a kline file: a sentence, or increasing and playable bars. The first byte
 * chooses the options. */
#include <assert.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "data/klines.h"
#include "data/number.h"
#include "data/text_source.h"

static void check_bars(const td_klines *klines) {
    const td_bars *b = &klines->bars;
    assert(b->count >= 1 && klines->rows >= b->count + klines->broken);
    for (int64_t t = 0; t < b->count; t++) {
        assert(t == 0 || b->time_ns[t] > b->time_ns[t - 1]);
        for (int c = TD_OPEN; c <= TD_CLOSE; c++) assert(b->column[c][t] > 0 && b->column[c][t] < INFINITY);
        assert(b->column[TD_HIGH][t] >= b->column[TD_LOW][t]);
        for (int c = TD_VOLUME; c < b->column_count; c++) assert(!(b->column[c][t] < 0) && b->column[c][t] != INFINITY);
    }
}

/* A number is strtod's number. */
static void check_number(const char *text, size_t size) {
    char copy[64];
    double found;
    if (size >= sizeof copy || !td_number_parse(text, (int64_t)size, &found)) return;
    memcpy(copy, text, size);
    copy[size] = 0;
    double expected = strtod(copy, NULL);
    assert(memcmp(&found, &expected, sizeof found) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const char *const mappings[] = {NULL, NULL, NULL, "time=1,open=2,high=3,low=4,close=5"};
    if (size < 1) return 0;
    check_number((const char *)data + 1, size - 1);
    int fd = memfd_create("fuzz", 0);
    if (fd < 0 || write(fd, data + 1, size - 1) != (ssize_t)(size - 1)) abort();
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    td_klines_def def = td_default_klines_def();
    def.strict = data[0] & 1;
    def.extras = data[0] & 2;
    def.columns = mappings[(data[0] >> 2) & 3];
    def.unpack_max = 1 << 20;
    td_klines klines;
    td_error error;
    const char *files[] = {path, path};
    td_status status = td_klines_read(&def, data[0] & 16 ? 2 : 1, files, &klines, &error);
    if (status == TD_OK) {
        check_bars(&klines);
        td_klines_free(&klines);
    } else {
        assert(error.message[0]);
    }
    close(fd);
    return 0;
}
