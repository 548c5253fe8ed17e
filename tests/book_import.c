/* See book_import.h. */
#include "tests/support.h"

#include "tests/book_import.h"

#include <archive.h>
#include <archive_entry.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

td_test_import td_test_import_begin(void) {
    td_test_import import = {.def = td_default_feed_def()};
    import.def.path = strdup(td_test_path("book.h5"));
    import.def.instrument = (td_instrument){.symbol = "X", .tick = 0.5, .lot = 1, .multiplier = 1};
    return import;
}

void td_test_import_end(td_test_import *import) {
    td_book_close(&import->book);
    unlink(import->def.path);
    free((char *)import->def.path);
}

td_status td_test_import_files(td_test_import *import, const char *format, const char *symbol, int count, const char *const *files,
                               td_error *error) {
    td_book_feed *feed;
    td_book_close(&import->book);
    import->book = (td_book){0};
    TD_TRY(td_feed_open(&import->def, &feed, error));
    td_status status = td_book_format_find(format)->read(feed, symbol, count, files, error);
    if (status != TD_OK) {
        td_feed_abandon(feed);
        return status;
    }
    TD_TRY(td_feed_close(feed, &import->report, import->digest, error));
    return td_book_open(import->def.path, true, &import->book, error);
}

const char *td_test_tape_text(const td_book *book, int64_t origin, int64_t unit) {
    static char *text;
    static size_t size;
    free(text);
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    for (int64_t m = 0; m < book->messages; m++) {
        fprintf(out, "%s%c%lld@%lld%s", m ? " " : "", "DSTCOG"[book->kind[m]], (long long)((book->exchange_ns[m] - origin) / unit),
                (long long)((book->local_ns[m] - origin) / unit),
                book->seen[m] == TD_BOOK_SEEN ? "" : book->seen[m] == TD_BOOK_AT_EXCHANGE ? "e" : "l");
        for (int64_t r = td_book_row_begin(book, m); r < book->row_end[m]; r++) {
            fprintf(out, "%c%dx%lld", td_row_side(book->row[r]) == TD_BUY ? '+' : '-', td_row_tick(book->row[r]),
                    (long long)td_book_lots(book, r));
            if (book->kind[m] == TD_BOOK_ORDERS) fprintf(out, "%c%llu", "acmrtf"[book->action[r]], (unsigned long long)book->order_id[r]);
        }
    }
    fclose(out);
    return text;
}

void td_test_write_bytes(const char *path, const void *bytes, size_t size) {
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

void td_test_pack(const char *path, const char *format, int count, const char *const *members, const void *const *bytes,
                  const size_t *sizes) {
    struct archive *archive = archive_write_new();
    if (strcmp(format, "zip") == 0) archive_write_set_format_zip(archive);
    else archive_write_set_format_raw(archive);
    if (strcmp(format, "gz") == 0) archive_write_add_filter_gzip(archive);
    if (strcmp(format, "zst") == 0) archive_write_add_filter_zstd(archive);
    assert_int_equal(archive_write_open_filename(archive, path), ARCHIVE_OK);
    for (int i = 0; i < count; i++) {
        struct archive_entry *entry = archive_entry_new();
        archive_entry_set_pathname(entry, members[i]);
        archive_entry_set_size(entry, (la_int64_t)sizes[i]);
        archive_entry_set_filetype(entry, AE_IFREG);
        archive_entry_set_perm(entry, 0644);
        assert_int_equal(archive_write_header(archive, entry), ARCHIVE_OK);
        assert_int_equal(archive_write_data(archive, bytes[i], sizes[i]), sizes[i]);
        archive_entry_free(entry);
    }
    assert_int_equal(archive_write_free(archive), ARCHIVE_OK);
}
