/* What the fuzz targets of order-book formats share: any bytes as files of a format: a sentence, or a tape that opens and whose book can
 * be rebuilt. The first byte chooses the options; files are separated by the byte 0x1e where the format wants several. */
#ifndef TAPEDECK_TESTS_FUZZ_BOOK_H
#define TAPEDECK_TESTS_FUZZ_BOOK_H

#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "data/book_feed.h"
#include "data/book_quality.h"

enum { FUZZ_FILES = 3 };

static void fuzz_write(const char *path, const uint8_t *data, size_t size) {
    FILE *file = fopen(path, "wb");
    if (!file || fwrite(data, 1, size, file) != size || fclose(file) != 0) abort();
}

/* names: of the files, in a folder of this process. */
static int fuzz_format(const char *format, const char *const *names, int name_count, const uint8_t *data, size_t size) {
    static char folder[64], paths[FUZZ_FILES][128], tape[96];
    const char *files[FUZZ_FILES];
    if (size < 2) return 0;
    if (!folder[0]) {
        snprintf(folder, sizeof folder, "/tmp/tapedeck-fuzz-XXXXXX");
        if (!mkdtemp(folder)) abort();
        snprintf(tape, sizeof tape, "%s/tape.h5", folder);
    }
    uint8_t options = data[0];
    const uint8_t *at = data + 1, *end = data + size;
    int count = 0;
    while (count < name_count && at < end) {
        const uint8_t *stop = count + 1 < name_count ? memchr(at, 0x1e, (size_t)(end - at)) : NULL;
        if (!stop) stop = end;
        snprintf(paths[count], sizeof paths[count], "%s/%s", folder, names[count]);
        fuzz_write(paths[count], at, (size_t)(stop - at));
        files[count] = paths[count];
        count++;
        at = stop + (stop < end);
    }
    td_feed_def def = td_default_feed_def();
    def.path = tape;
    def.instrument = (td_instrument){.symbol = "X", .tick = options & 2 ? 0.25 : 0.01, .lot = options & 4 ? 1e-8 : 1, .multiplier = 1};
    def.parity = options & 1;
    def.off_grid_max = options & 8 ? 1 : 0.001;
    td_book_feed *feed;
    td_feed_report report;
    char digest[TD_DIGEST_HEX];
    td_error error = {{0}};
    if (td_feed_open(&def, &feed, &error) != TD_OK) abort();
    td_status status = td_book_format_find(format)->read(feed, options & 16 ? NULL : "X", count, files, &error);
    if (status == TD_OK) status = td_feed_close(feed, &report, digest, &error);
    else td_feed_abandon(feed);
    if (status != TD_OK) {
        assert(error.message[0]);
    } else {
        td_book book;
        td_book_quality quality;
        if (td_book_open(tape, true, &book, &error) != TD_OK || td_book_quality_scan(&book, &quality, &error) != TD_OK) abort();
        assert(book.messages == report.tape_messages && book.rows == report.tape_rows && strcmp(book.digest, digest) == 0);
        td_book_close(&book);
        unlink(tape);
    }
    for (int i = 0; i < count; i++) unlink(files[i]);
    return 0;
}

#endif
