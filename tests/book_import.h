/* What the tests of order-book formats share: an import in a few words, and the tape it made in one line. */
#ifndef TAPEDECK_TESTS_BOOK_IMPORT_H
#define TAPEDECK_TESTS_BOOK_IMPORT_H

#include "data/book_feed.h"

typedef struct td_test_import {
    td_feed_def def;      /* td_test_import_begin() fills it: tick 0.5, lot 1, symbol X */
    td_feed_report report;
    char digest[TD_DIGEST_HEX];
    td_book book;         /* open until the next import */
} td_test_import;

td_test_import td_test_import_begin(void);
void td_test_import_end(td_test_import *import);
/* Reads the files (paths) as one recording of the format and opens the tape. */
td_status td_test_import_files(td_test_import *import, const char *format, const char *symbol, int count, const char *const *files,
                               td_error *error);

/* The tape in exchange order, a message after the other: kind (D depth, S snapshot, T trade, C clear, O orders, G gap), exchange time, "@",
 * local time, both in `unit` nanoseconds behind `origin`, "e" or "l" when only one side sees it, then rows: side (+ bid or buy, - ask or
 * sell), tick x lots, of orders with action (a, c, m, r, t, f) and id. In a buffer that the next call reuses. */
const char *td_test_tape_text(const td_book *book, int64_t origin, int64_t unit);

/* Bytes of a file, as td_test_write() for text. */
void td_test_write_bytes(const char *path, const void *bytes, size_t size);
/* Packs files as members of a zip, or one through a filter ("gz", "zst"). */
void td_test_pack(const char *path, const char *format, int count, const char *const *members, const void *const *bytes,
                  const size_t *sizes);

#endif
