/* cli/cli.c and `tapedeck doctor`: help, unknown words, exit codes, colour, tables, the end of standard output. */
#include "tests/support.h"

#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "sim/play.h"

static const char *const commands[] = {"data", "run", "plan", "sweep", "show", "verify", "config", "bench", "doctor"};
enum { COMMANDS = sizeof commands / sizeof *commands };

static void assert_has(const char *text, const char *part) {
    if (!strstr(text, part)) fail_msg("\"%s\" is not in:\n%s", part, text);
}

static void assert_lacks(const char *text, const char *part) {
    if (strstr(text, part)) fail_msg("\"%s\" is in:\n%s", part, text);
}

/* Runs a command and checks its exit code and a part of what it said on each stream ("" where it must say nothing). */
static void expect(const char *command, int code, const char *out_part, const char *err_part) {
    char *out, *err;
    int found = td_test_run(&out, &err, "%s", command);
    if (found != code) fail_msg("`%s` exited with %d, expected %d; stdout:\n%s\nstderr:\n%s", command, found, code, out, err);
    assert_has(out, out_part);
    assert_has(err, err_part);
    if (!*out_part) assert_string_equal(out, "");
    if (!*err_part) assert_string_equal(err, "");
    free(out);
    free(err);
}

static void help_names_every_command(void **state) {
    (void)state;
    char *out, *err;
    assert_int_equal(td_test_run(&out, &err, "$TAPEDECK --help"), 0);
    assert_string_equal(err, "");
    for (int i = 0; i < COMMANDS; i++) {
        char line[64];
        snprintf(line, sizeof line, "\n  %-8s ", commands[i]);
        assert_has(out, line);
    }
    free(out);
    free(err);
}

static void every_command_has_help_and_refuses_unknown_options(void **state) {
    (void)state;
    for (int i = 0; i < COMMANDS; i++) {
        char command[128], name[64];
        snprintf(command, sizeof command, "$TAPEDECK %s --help", commands[i]);
        snprintf(name, sizeof name, "tapedeck %s", commands[i]);
        expect(command, 0, name, "");
        snprintf(command, sizeof command, "$TAPEDECK %s --no-such-option", commands[i]);
        expect(command, TD_EXIT_USAGE, "", name);
    }
}

static void version_says_the_commit(void **state) {
    (void)state;
    expect("$TAPEDECK --version", 0, "tapedeck " TAPEDECK_VERSION " (commit ", "");
    expect("$TAPEDECK doctor --version", 0, "tapedeck " TAPEDECK_VERSION " (commit ", "");
}

static void misuse_exits_with_2(void **state) {
    (void)state;
    expect("$TAPEDECK", TD_EXIT_USAGE, "", "Usage: tapedeck");
    expect("$TAPEDECK --nope", TD_EXIT_USAGE, "", "--nope");
    expect("$TAPEDECK swep x.yaml", TD_EXIT_USAGE, "", "tapedeck: error: there is no command 'swep'; did you mean 'sweep'?");
    expect("$TAPEDECK vreify", TD_EXIT_USAGE, "", "did you mean 'verify'?");
    expect("$TAPEDECK elephant", TD_EXIT_USAGE, "", "there is no command 'elephant'; `tapedeck --help' lists them");
    expect("$TAPEDECK ''", TD_EXIT_USAGE, "", "there is no command ''");
    expect("$TAPEDECK doctor surplus", TD_EXIT_USAGE, "", "unexpected argument 'surplus'");
    expect("$TAPEDECK --color=maybe doctor", TD_EXIT_USAGE, "", "--color is 'maybe', must be auto, always or never");
}

static void colour_follows_option_and_environment(void **state) {
    (void)state;
    const char *red = "\033[1;31merror:";
    expect("$TAPEDECK --color=always zzz", TD_EXIT_USAGE, "", red);
    expect("$TAPEDECK --color zzz", TD_EXIT_USAGE, "", red);
    expect("NO_COLOR=1 $TAPEDECK zzz --color=always", TD_EXIT_USAGE, "", red);
    expect("CLICOLOR_FORCE=1 $TAPEDECK zzz", TD_EXIT_USAGE, "", red);
    for (int i = 0; i < 4; i++) {
        const char *const plain[] = {"$TAPEDECK zzz", "CLICOLOR_FORCE=1 NO_COLOR=1 $TAPEDECK zzz", "CLICOLOR_FORCE=0 $TAPEDECK zzz",
                                     "CLICOLOR_FORCE=1 $TAPEDECK --color=never zzz"};
        char *err;
        td_test_run(NULL, &err, "%s", plain[i]);
        assert_has(err, "tapedeck: error: there is no command");
        assert_lacks(err, "\033");
        free(err);
    }
}

static void a_full_disk_is_an_error(void **state) {
    (void)state;
    if (access("/dev/full", W_OK) != 0) {
        print_message("no /dev/full: skipped\n");
        skip();
    }
    expect("$TAPEDECK --version > /dev/full", TD_EXIT_FAILED, "", "standard output could not be written: No space left on device");
    expect("$TAPEDECK --help > /dev/full", TD_EXIT_FAILED, "", "standard output could not be written");
    expect("$TAPEDECK doctor --json > /dev/full", TD_EXIT_FAILED, "", "standard output could not be written");
}

static void a_closed_pipe_is_a_quiet_end(void **state) {
    (void)state;
    /* the sleep lets `true` be gone before the first byte comes */
    expect("set -o pipefail; { sleep 0.3; $TAPEDECK --help; } | true", 0, "", "");
    expect("set -o pipefail; { sleep 0.3; $TAPEDECK doctor; } | true", 0, "", "");
}

static void statuses_become_exit_codes(void **state) {
    (void)state;
    assert_int_equal(td_cli_exit_code(TD_OK), 0);
    assert_int_equal(td_cli_exit_code(TD_IO), 1);
    assert_int_equal(td_cli_exit_code(TD_NO_MEMORY), 1);
    assert_int_equal(td_cli_exit_code(TD_BUSY), 1);
    assert_int_equal(td_cli_exit_code(TD_FAILED), 1);
    assert_int_equal(td_cli_exit_code(TD_BAD_ARG), 2);
    assert_int_equal(td_cli_exit_code(TD_BAD_CONFIG), 2);
    assert_int_equal(td_cli_exit_code(TD_BAD_DATA), 3);
    assert_int_equal(td_cli_exit_code(TD_DIFFERENT), 4);
    assert_int_equal(td_cli_exit_code(TD_INTERRUPTED), 130);
}

/* What td_cli_fail() writes on the real stderr; the caller frees. */
static char *text_of_failure(td_status status, const td_error *error, bool json, int *code) {
    const char *path = td_test_path("stderr.txt");
    fflush(stderr);
    int kept = dup(STDERR_FILENO), file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    dup2(file, STDERR_FILENO);
    *code = td_cli_fail(status, error, json);
    fflush(stderr);
    dup2(kept, STDERR_FILENO);
    close(file);
    close(kept);
    return td_test_read(path);
}

static void failures_are_told_in_words_and_in_json(void **state) {
    (void)state;
    td_error error;
    int code;
    td_fail(&error, TD_BAD_DATA, "a.csv: row 7: high is \"x\"");
    char *text = text_of_failure(TD_BAD_DATA, &error, false, &code);
    assert_string_equal(text, "tapedeck: error: a.csv: row 7: high is \"x\"\n");
    assert_int_equal(code, TD_EXIT_DATA);
    free(text);

    text = text_of_failure(TD_BAD_DATA, &error, true, &code);
    json_t *document = json_loads(strchr(text, '\n') + 1, 0, NULL), *inner = json_object_get(document, "error");
    assert_string_equal(json_string_value(json_object_get(inner, "code")), "bad_data");
    assert_string_equal(json_string_value(json_object_get(inner, "message")), error.message);
    json_decref(document);
    free(text);

    td_fail(&error, TD_IO, "a path that is not UTF-8: \xff\xfe");
    text = text_of_failure(TD_IO, &error, true, &code);
    document = json_loads(strchr(text, '\n') + 1, 0, NULL);
    assert_non_null(document);
    assert_string_equal(json_string_value(json_object_get(json_object_get(document, "error"), "code")), "io");
    json_decref(document);
    free(text);

    text = text_of_failure(TD_BUSY, NULL, false, &code);
    assert_string_equal(text, "tapedeck: error: another process holds the thing\n");
    assert_int_equal(code, TD_EXIT_FAILED);
    free(text);
}

static char *table_text(int columns, const char *const *heads, const bool *numeric, int rows, const char *const *cells) {
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    td_cli_table(out, columns, heads, numeric, rows, cells);
    fclose(out);
    return text;
}

static void tables_align(void **state) {
    (void)state;
    const char *heads[] = {"name", "sharpe", "note"};
    const char *cells[] = {"sma-cross", "1.5", "first", "rsi", "-10.25", NULL, "", "2", "x"};
    const bool numeric[] = {false, true, false};
    char *text = table_text(3, heads, numeric, 3, cells);
    assert_string_equal(text, "name       sharpe  note\n"
                              "sma-cross     1.5  first\n"
                              "rsi        -10.25\n"
                              "                2  x\n");
    free(text);
    text = table_text(3, heads, numeric, 0, NULL);
    assert_string_equal(text, "name  sharpe  note\n");
    free(text);
    text = table_text(2, NULL, NULL, 2, (const char *const[]){"a", "b", "ccc", "d"});
    assert_string_equal(text, "a    b\nccc  d\n");
    free(text);
}

static void tables_count_columns_and_not_bytes(void **state) {
    (void)state;
    /* two bytes one column, three bytes two columns, a combining accent, a byte that is no UTF-8, a cut sequence */
    const char *cells[] = {"\xc3\xa9t\xc3\xa9", "1", "\xe6\x97\xa5\xe6\x9c\xac", "2", "e\xcc\x81", "3",
                           "\xff",           "4", "\xe6\x97",             "5", "abcd",      "6"};
    char *text = table_text(2, NULL, NULL, 6, cells);
    assert_string_equal(text, "\xc3\xa9t\xc3\xa9   1\n"
                              "\xe6\x97\xa5\xe6\x9c\xac  2\n"
                              "e\xcc\x81     3\n"
                              "\xff     4\n"
                              "\xe6\x97    5\n"
                              "abcd  6\n");
    free(text);
}

/* ---- doctor ---- */

static json_t *doctor(const char *environment, int expected_code) {
    char *out, *err;
    int code = td_test_run(&out, &err, "%s $TAPEDECK doctor --json", environment);
    if (code != expected_code) fail_msg("doctor, %s: exit code %d, expected %d:\n%s%s", environment, code, expected_code, out, err);
    assert_string_equal(err, "");
    json_error_t where;
    json_t *document = json_loads(out, JSON_REJECT_DUPLICATES, &where);
    if (!document) fail_msg("doctor --json is no JSON: %s\n%s", where.text, out);
    free(out);
    free(err);
    return document;
}

static const char *text_at(const json_t *document, const char *part, const char *name) {
    return json_string_value(json_object_get(json_object_get(document, part), name));
}

/* Is there a problem of this severity whose text contains `part`? */
static bool has_problem(const json_t *document, const char *severity, const char *part) {
    size_t index;
    json_t *problem;
    json_array_foreach(json_object_get(document, "problems"), index, problem)
        if (!strcmp(json_string_value(json_object_get(problem, "severity")), severity) &&
            strstr(json_string_value(json_object_get(problem, "text")), part))
            return true;
    return false;
}

static void doctor_describes_build_and_machine(void **state) {
    (void)state;
    json_t *document = doctor("env -u TAPEDECK_ISA -u OPENBLAS_CORETYPE", 0);
    assert_string_equal(text_at(document, "tapedeck", "version"), TAPEDECK_VERSION);
    assert_non_null(text_at(document, "tapedeck", "compiler"));
    assert_non_null(text_at(document, "processor", "model"));
    assert_string_equal(text_at(document, "processor", "instruction_set"), td_isa_name(td_isa_best()));
    const char *const libraries[] = {"hdf5", "gsl", "libfyaml", "jansson", "libarchive", "openssl", "glibc"};
    for (size_t i = 0; i < sizeof libraries / sizeof *libraries; i++) assert_non_null(text_at(document, "libraries", libraries[i]));
    assert_true(json_integer_value(json_object_get(json_object_get(document, "threads"), "openmp")) >= 1);
    assert_true(json_integer_value(json_object_get(json_object_get(document, "memory"), "total_bytes")) > 1 << 20);
    assert_true(json_is_false(json_object_get(document, "broken")));
    json_decref(document);
    expect("$TAPEDECK doctor", 0, "\nprocessor\n  model", "");
}

static void doctor_finds_a_wrong_instruction_set(void **state) {
    (void)state;
    json_t *document = doctor("TAPEDECK_ISA=quantum", 1);
    assert_true(json_is_true(json_object_get(document, "broken")));
    assert_true(has_problem(document, "broken", "quantum"));
    json_decref(document);
    document = doctor("TAPEDECK_ISA=scalar", 0);
    assert_string_equal(text_at(document, "processor", "instruction_set"), "scalar");
    assert_true(has_problem(document, "warning", "TAPEDECK_ISA=scalar holds the engine to scalar"));
    json_decref(document);
}

static void doctor_finds_too_many_threads(void **state) {
    (void)state;
    json_t *document = doctor("OMP_NUM_THREADS=3000", 0);
    assert_true(has_problem(document, "warning", "OpenMP would start 3000 threads"));
    json_decref(document);
}

/* A library that stands in for OpenBLAS: it takes the kernels OPENBLAS_CORETYPE names, else those of a Pentium 4. */
static const char stand_in[] =
    "#include <stdlib.h>\n"
    "#include <string.h>\n"
    "static char core[32];\n"
    "__attribute__((constructor)) static void choose(void) {\n"
    "    const char *wanted = getenv(\"OPENBLAS_CORETYPE\");\n"
    "    strncpy(core, wanted && *wanted ? wanted : \"Prescott\", sizeof core - 1);\n"
    "}\n"
    "char *openblas_get_corename(void) { return core; }\n"
    "char *openblas_get_config(void) { return getenv(\"OPENBLAS_NUM_THREADS\"); }\n"
    "void dpotrf_(void) {} void dpotri_(void) {} void dpotrs_(void) {} void dsymm_(void) {}\n"; /* never called */

static void doctor_corrects_the_kernels_of_openblas(void **state) {
    (void)state;
    char source[512];
    snprintf(source, sizeof source, "%s", td_test_path("blas.c"));
    td_test_write(source, stand_in);
    if (td_isa_best() < TD_ISA_V3 ||
        td_test_run(NULL, NULL, "cc -shared -fPIC -o %s/libopenblas.so.0 %s", td_test_folder(), source) != 0) {
        print_message("no compiler, or a processor for which old kernels are right: skipped\n");
        skip();
    }
    char environment[1200];
    snprintf(environment, sizeof environment, "env -u OPENBLAS_CORETYPE LD_LIBRARY_PATH=%s", td_test_folder());
    json_t *document = doctor(environment, 0);
    assert_string_equal(text_at(document, "blas", "chosen_by_openblas"), "Prescott");
    assert_string_not_equal(text_at(document, "blas", "core"), "Prescott");
    assert_string_equal(text_at(document, "blas", "core"), text_at(document, "blas", "OPENBLAS_CORETYPE"));
    assert_string_equal(text_at(document, "blas", "config"), "1"); /* the threads it was told to use */
    assert_true(json_is_true(json_object_get(json_object_get(document, "blas"), "right")));
    assert_true(has_problem(document, "warning", "OpenBLAS would choose Prescott kernels here"));
    json_decref(document);

    snprintf(environment, sizeof environment, "OPENBLAS_CORETYPE=Nehalem LD_LIBRARY_PATH=%s", td_test_folder());
    document = doctor(environment, 0);
    assert_string_equal(text_at(document, "blas", "core"), "Nehalem"); /* what the user wants is left alone */
    assert_true(has_problem(document, "warning", "OPENBLAS_CORETYPE asks for Nehalem kernels"));
    json_decref(document);
}

static void doctor_lives_without_openblas(void **state) {
    (void)state;
    char folder[512], environment[1200];
    snprintf(folder, sizeof folder, "%s", td_test_path("none"));
    assert_int_equal(td_test_run(NULL, NULL, "mkdir -p %s && echo 'not a library' > %s/libopenblas.so.0", folder, folder), 0);
    snprintf(environment, sizeof environment, "LD_LIBRARY_PATH=%s", folder);
    json_t *document = doctor(environment, 0);
    assert_true(json_is_null(json_object_get(json_object_get(document, "blas"), "core")));
    assert_true(has_problem(document, "warning", "OpenBLAS cannot be loaded"));
    json_decref(document);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(help_names_every_command),
        cmocka_unit_test(every_command_has_help_and_refuses_unknown_options),
        cmocka_unit_test(version_says_the_commit),
        cmocka_unit_test(misuse_exits_with_2),
        cmocka_unit_test(colour_follows_option_and_environment),
        cmocka_unit_test(a_full_disk_is_an_error),
        cmocka_unit_test(a_closed_pipe_is_a_quiet_end),
        cmocka_unit_test(statuses_become_exit_codes),
        cmocka_unit_test(failures_are_told_in_words_and_in_json),
        cmocka_unit_test(tables_align),
        cmocka_unit_test(tables_count_columns_and_not_bytes),
        cmocka_unit_test(doctor_describes_build_and_machine),
        cmocka_unit_test(doctor_finds_a_wrong_instruction_set),
        cmocka_unit_test(doctor_finds_too_many_threads),
        cmocka_unit_test(doctor_corrects_the_kernels_of_openblas),
        cmocka_unit_test(doctor_lives_without_openblas),
    };
    return cmocka_run_group_tests_name("cli", tests, NULL, NULL);
}
