/* sim/sources.h: which files an object depends on, and what their digest is. */
#include "sim/sources.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support.h"

#define at(...) td_test_path(__VA_ARGS__)

static void put(const char *name, const char *text) {
    td_test_write(at("%s", name), text);
    chmod(at("%s", name), 0644);
}

/* Reads at("main.c") with at("ours") as the folder of headers. */
static td_status read_main(td_sources *sources, td_error *error) { return td_sources_read(sources, at("main.c"), at("ours"), error); }

/* The names found, in order, ours in brackets. */
static void expect_names(const char *text, const char *names) {
    td_sources sources;
    td_error error = {""};
    char found[1024] = "";
    put("main.c", text);
    if (read_main(&sources, &error) != TD_OK) fail_msg("%s\nof\n%s", error.message, text);
    for (int i = 0; i < sources.count; i++) {
        size_t used = strlen(found);
        snprintf(found + used, sizeof found - used, sources.file[i].header_of_ours ? " [%s]" : " %s", sources.file[i].name);
    }
    if (strcmp(found, names)) fail_msg("found%s, expected%s, of\n%s", found, names, text);
    td_sources_free(&sources);
}

static void includes(void **state) {
    (void)state;
    expect_names("", " main.c");
    expect_names("int x;", " main.c");
    expect_names("#include \"a.h\"", " main.c a.h");
    expect_names("#include \"a.h\"\r\n  #  include\t\"b.h\" // why\r\n", " main.c a.h b.h");
    expect_names("#include \"a.h\"\n#include \"a.h\"\n#include \"main.c\"\n", " main.c a.h");
    expect_names("#include \"deep/c.h\"\n", " main.c deep/c.h ../a.h d.h");
    expect_names("#include \"deep/../a.h\"\n", " main.c deep/../a.h");
    expect_names("#include \"first.h\"\n", " main.c [first.h] [second.h]");
    expect_names("#include <first.h>\n", " main.c [first.h] [second.h]");
    expect_names("#include <a.h>\n#include <stdio.h>\n#include \"stdlib.h\"\n", " main.c");
    expect_names("#if 0\n#include \"a.h\"\n#endif\n", " main.c a.h");
    /* no include at all, or none that can be read */
    expect_names("#include NAME\n#include\n#include \"\n#include <\n#includ \"a.h\"\n\"a.h\"\n#define include \"a.h\"\n#include \"a.h\n", " main.c");
    expect_names("#include \"\"\n#include \"deep\"\n", " main.c");
}

static void digests(void **state) {
    (void)state;
    td_sources sources;
    char digest[TD_DIGEST_TEXT];
    put("main.c", "abc");
    assert_int_equal(read_main(&sources, NULL), TD_OK);
    assert_true(td_sources_digest(&sources, digest));
    /* FIPS 180-2, B.1 */
    assert_string_equal(digest, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    td_sources_free(&sources);

    /* headers of ours are not the user's source; headers of his own are */
    put("main.c", "#include \"first.h\"\n");
    char plain[TD_DIGEST_TEXT];
    assert_true(td_sha256_text("#include \"first.h\"\n", 19, plain));
    assert_int_equal(read_main(&sources, NULL), TD_OK);
    assert_true(td_sources_digest(&sources, digest));
    assert_string_equal(digest, plain);
    assert_true(td_sources_have(&sources, at("ours/second.h")));
    assert_false(td_sources_have(&sources, at("a.h")));
    assert_false(td_sources_have(&sources, at("nowhere.h")));
    td_sources_free(&sources);

    put("main.c", "#include \"b.h\"\n");
    char lines[256], one[TD_DIGEST_TEXT], two[TD_DIGEST_TEXT];
    assert_true(td_sha256_text("#include \"b.h\"\n", 15, one) && td_sha256_text("/* b */\n", 8, two));
    snprintf(lines, sizeof lines, "%s  main.c\n%s  b.h\n", one, two);
    assert_true(td_sha256_text(lines, strlen(lines), plain));
    assert_int_equal(read_main(&sources, NULL), TD_OK);
    assert_true(td_sources_digest(&sources, digest));
    assert_string_equal(digest, plain);
    td_sources_free(&sources);
}

static void refuse(td_status status, const char *sentence) {
    td_sources sources;
    td_error error = {""};
    assert_int_equal(read_main(&sources, &error), status);
    if (!strstr(error.message, sentence)) fail_msg("'%s' is not in: %s", sentence, error.message);
    td_sources_free(&sources);
}

static void refusals(void **state) {
    (void)state;
    unlink(at("main.c"));
    refuse(TD_BAD_ARG, "main.c cannot be opened: No such file or directory");
    mkdir(at("main.c"), 0755);
    refuse(TD_BAD_ARG, "main.c is not a regular file");
    rmdir(at("main.c"));
    put("main.c", "#include \"open.h\"\n");
    put("open.h", "\n");
    chmod(at("open.h"), 0646);
    refuse(TD_BAD_ARG, "open.h is writable for everyone (mode 0646), and a strategy runs with your rights: chmod o-w");
    chmod(at("open.h"), 0644);
    put("main.c", "");
    assert_int_equal(truncate(at("main.c"), (4 << 20) + 1), 0);
    refuse(TD_BAD_ARG, "main.c has 4194305 bytes, at most 4194304 are read");
    /* a chain of includes without end */
    for (int i = 0; i < TD_SOURCES_MAX; i++) {
        char name[32], text[64];
        snprintf(name, sizeof name, "chain%d.h", i);
        snprintf(text, sizeof text, "#include \"chain%d.h\"\n", i + 1);
        put(name, text);
    }
    put("main.c", "#include \"chain0.h\"\n");
    refuse(TD_BAD_ARG, "main.c: more than 128 files are included");
}

static int make_folder(void **state) {
    (void)state;
    mkdir(at("ours"), 0755);
    mkdir(at("deep"), 0755);
    put("a.h", "/* a */\n");
    put("b.h", "/* b */\n");
    put("deep/c.h", "#include \"../a.h\"\n#include \"d.h\"\n");
    put("deep/d.h", "");
    put("ours/first.h", "#include \"second.h\"\n");
    put("ours/second.h", "#include \"first.h\"\n");
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(includes), cmocka_unit_test(digests), cmocka_unit_test(refusals)};
    return cmocka_run_group_tests(tests, make_folder, NULL);
}
