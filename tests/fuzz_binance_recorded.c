/* Any bytes as lines of a recorder: a sentence, or a tape that opens, whose book can be rebuilt, and which a split does not change.
 * The first byte chooses the options. */
#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "data/book_feed.h"
#include "data/book_quality.h"

/* A file in memory with these bytes; its path. */
static int in_memory(const uint8_t *data, size_t size, char path[64]) {
    int fd = memfd_create("fuzz", 0);
    if (fd < 0 || write(fd, data, size) != (ssize_t)size) abort();
    snprintf(path, 64, "/proc/self/fd/%d", fd);
    return fd;
}

static td_status import(uint8_t options, int count, const char *const *files, td_feed_report *report, char digest[TD_DIGEST_HEX],
                        td_error *error) {
    static char path[64];
    if (!path[0]) snprintf(path, sizeof path, "/tmp/tapedeck-fuzz-%ld.h5", (long)getpid());
    td_feed_def def = td_default_feed_def();
    def.path = path;
    def.instrument = (td_instrument){.symbol = "BTCUSDT", .tick = options & 2 ? 0.1 : 1, .lot = options & 4 ? 1e-8 : 0.001, .multiplier = 1};
    def.parity = options & 1;
    def.off_grid_max = options & 8 ? 1 : 0.001;
    td_book_feed *feed;
    if (td_feed_open(&def, &feed, error) != TD_OK) abort();
    td_status status = td_book_read_binance_recorded(feed, options & 16 ? NULL : "BTCUSDT", count, files, error);
    if (status != TD_OK) {
        td_feed_abandon(feed);
        return status;
    }
    status = td_feed_close(feed, report, digest, error);
    if (status != TD_OK) return status;
    td_book book;
    td_book_quality quality;
    if (td_book_open(path, true, &book, error) != TD_OK || td_book_quality_scan(&book, &quality, error) != TD_OK) abort();
    assert(book.messages == report->tape_messages && book.rows == report->tape_rows);
    assert(def.parity || quality.crossed == report->counts[TD_FEED_COUNT_crossed]);
    td_book_close(&book);
    unlink(path);
    return TD_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 2) return 0;
    char paths[3][64], digests[2][TD_DIGEST_HEX];
    td_feed_report reports[2];
    td_error error;
    int whole = in_memory(data + 1, size - 1, paths[0]);
    const char *one[] = {paths[0]};
    td_status status = import(data[0], 1, one, &reports[0], digests[0], &error);
    if (status != TD_OK) assert(error.message[0]);
    close(whole);
    /* at a line in the middle; what is compressed has none */
    const uint8_t *middle = memchr(data + size / 2, '\n', size - size / 2);
    if (status != TD_OK || !middle || middle + 1 == data + size || data[1] < '\n' || data[1] > 'z') return 0;
    int first = in_memory(data + 1, (size_t)(middle - data), paths[1]);
    int second = in_memory(middle + 1, (size_t)(data + size - middle - 1), paths[2]);
    const char *two[] = {paths[1], paths[2]};
    bool packed = middle[1] < '\n' || middle[1] > 'z'; /* the second half may begin like a compressed file */
    if (!packed && import(data[0], 2, two, &reports[1], digests[1], &error) == TD_OK) {
        assert(strcmp(digests[0], digests[1]) == 0);
        for (int c = 0; c < TD_FEED_COUNT_COUNT; c++) assert(reports[0].counts[c] == reports[1].counts[c]);
    }
    close(first);
    close(second);
    return 0;
}
