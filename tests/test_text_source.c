/* data/text_source.h: both ways of being fed the same bytes, and what happens when the sink or the file fails. */
#include "tests/support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/text_source.h"

static td_error error;

/* What a sink was told: names, sizes and a sum over all bytes; it fails when `left` bytes have come. */
typedef struct heard {
    int begun, ended;
    int64_t bytes, left;
    uint64_t sum;
    char names[512];
} heard;

static td_status begin(void *user, const char *name, int64_t size_hint, td_error *e) {
    heard *h = user;
    (void)size_hint;
    (void)e;
    h->begun++;
    strncat(h->names, strrchr(name, '/') + 1, 100);
    strcat(h->names, ";");
    return TD_OK;
}
static td_status feed(void *user, const char *data, size_t size, td_error *e) {
    heard *h = user;
    for (size_t i = 0; i < size; i++) h->sum = h->sum * 31 + (unsigned char)data[i];
    h->bytes += (int64_t)size;
    return h->bytes > h->left ? td_fail(e, TD_FAILED, "the sink has had enough") : TD_OK;
}
static td_status end(void *user, td_error *e) {
    heard *h = user;
    (void)e;
    h->ended++;
    return TD_OK;
}

static td_status read_ahead(const char *path, heard *h, int64_t left) {
    *h = (heard){.left = left};
    return td_text_read_ahead(path, &td_unpack_text, TD_DECOMPRESSED_MAX, &(td_text_sink){h, begin, feed, end}, &error);
}

/* 3 MB of lines as a plain file, packed, and twice in a zip. */
static int make(void **state) {
    (void)state;
    FILE *file = fopen(td_test_path("plain.txt"), "w");
    for (int i = 0; i < 300000; i++) fprintf(file, "%09d\n", (int)((int64_t)i * 7919 % 1000003));
    fclose(file);
    return td_test_run(NULL, NULL,
                       "cd %s && gzip -k plain.txt && mv plain.txt.gz packed.gz && cp plain.txt other.txt && "
                       "python3 -c 'import zipfile; z = zipfile.ZipFile(\"both.zip\", \"w\"); z.write(\"plain.txt\"); z.write(\"other.txt\")' && "
                       "head -c 100000 packed.gz > cut.gz",
                       td_test_folder());
}

static void both_ways_feed_the_same(void **state) {
    (void)state;
    static const char *const names[] = {"plain.txt", "packed.gz", "both.zip"};
    for (int i = 0; i < 3; i++) {
        heard whole = {.left = INT64_MAX}, ahead;
        const td_text_sink sink = {&whole, begin, feed, end};
        const char *path = td_test_path("%s", names[i]);
        assert_ok(td_text_read(path, TD_DECOMPRESSED_MAX, &sink, &error));
        assert_ok(read_ahead(path, &ahead, INT64_MAX));
        assert_int_equal(whole.bytes, i == 2 ? 6000000 : 3000000);
        assert_int_equal(ahead.bytes, whole.bytes);
        assert_int_equal(ahead.sum, whole.sum);
        assert_int_equal(ahead.begun, i == 2 ? 2 : 1);
        assert_int_equal(ahead.ended, ahead.begun);
        assert_string_equal(ahead.names, i == 2 ? "both.zip:plain.txt;both.zip:other.txt;" : i ? "packed.gz;" : "plain.txt;");
    }
}

static void a_sink_that_fails_ends_the_reading(void **state) {
    (void)state;
    static const char *const names[] = {"plain.txt", "packed.gz", "both.zip"};
    static const int64_t limits[] = {0, 1, 300000, 1200000, 2900000};
    for (int i = 0; i < 3; i++)
        for (int l = 0; l < 5; l++) {
            heard h;
            assert_fails(read_ahead(td_test_path("%s", names[i]), &h, limits[l]), TD_FAILED, "the sink has had enough");
            assert_int_equal(h.ended, 0);
            assert_true(h.bytes > limits[l]);
        }
}

static void bad_files(void **state) {
    (void)state;
    heard h;
    assert_fails(read_ahead(td_test_path("none.gz"), &h, INT64_MAX), TD_BAD_DATA, "cannot be opened");
    assert_fails(read_ahead(td_test_path("cut.gz"), &h, INT64_MAX), TD_BAD_DATA, "cannot be unpacked after");
    assert_true(h.bytes > 0 && h.ended == 0);
    h = (heard){.left = INT64_MAX};
    assert_fails(td_text_read_ahead(td_test_path("packed.gz"), &td_unpack_text, 1000000, &(td_text_sink){&h, begin, feed, end}, &error),
                 TD_NO_MEMORY, "unpacks to more than 1000000 bytes");
    td_test_write(td_test_path("empty.txt"), "");
    assert_fails(read_ahead(td_test_path("empty.txt"), &h, INT64_MAX), TD_BAD_DATA, "is empty");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_ways_feed_the_same),
        cmocka_unit_test(a_sink_that_fails_ends_the_reading),
        cmocka_unit_test(bad_files),
    };
    return cmocka_run_group_tests(tests, make, NULL);
}
