/* What the tests share: checks on doubles, temporary folders, small tapes, running the program.
 *
 * cmocka's assert_float_equal compares floats, hence assert_near and assert_same_bits. */
#ifndef TAPEDECK_TESTS_SUPPORT_H
#define TAPEDECK_TESTS_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "data/tape.h"

#define assert_near(actual, expected, relative) td_assert_near((actual), (expected), (relative), #actual, __FILE__, __LINE__)
void td_assert_near(double actual, double expected, double relative, const char *what, const char *file, int line);
#define assert_ok(call) td_assert_ok((call), &error, #call, __FILE__, __LINE__) /* wants a local `td_error error` */
void td_assert_ok(td_status status, const td_error *error, const char *what, const char *file, int line);
/* The call must fail with `status` and a sentence that contains `part`. */
#define assert_fails(call, status, part) td_assert_fails((call), (status), &error, (part), #call, __FILE__, __LINE__)
void td_assert_fails(td_status found, td_status expected, const td_error *error, const char *part, const char *what,
                     const char *file, int line);

/* A fresh folder, removed with everything in it when the program exits. */
const char *td_test_folder(void);
/* printf into a path inside td_test_folder(); the buffer is one of eight that go round. */
__attribute__((format(printf, 1, 2))) const char *td_test_path(const char *format, ...);
void td_test_write(const char *path, const char *text);
/* Whole file as a NUL-terminated string the caller frees. */
char *td_test_read(const char *path);
/* The reference data beside the checkout (../shared, or TAPEDECK_SHARED); NULL where it is not. */
const char *td_test_shared(void);

/* Runs a shell command; returns its exit code. out and err (each may be NULL) receive what it printed, the caller frees. The
 * variable $TAPEDECK in the command is the program under test. */
__attribute__((format(printf, 3, 4))) int td_test_run(char **out, char **err, const char *format, ...);

/* A made-up tape: `bars` bars of `interval_ns`, a random walk with gaps between bars; memory is kept to the end of the program.
 * Not the synthetic tape of data/synth.h: small, cheap, and free to be odd. */
td_tape td_test_tape(int64_t bars, int64_t interval_ns, uint64_t seed);
/* Tapes of one symbol have the same times, prices and volumes. */
void td_assert_same_bars(const td_tape *a, const td_tape *b);

#endif
