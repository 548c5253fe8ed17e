/* How functions that can fail on input say so.
 *
 * A function returns a td_status and writes one sentence into a td_error its caller owns. The sentence names the thing, the
 * value found, what was expected and, when data is at fault, the file and the row. Asserts are for our own mistakes only.
 *
 *   td_error error;
 *   if (td_tape_open(path, &tape, &error) != TD_OK) { fputs(error.message, stderr); ... }
 *
 * NULL is welcome as td_error where the sentence is not wanted. */
#ifndef TAPEDECK_BASE_ERROR_H
#define TAPEDECK_BASE_ERROR_H

#include <stdarg.h>

/* name, what it means. The command line maps these to exit codes (cli/exit.h). */
#define TD_STATUSES(X)                                                                                                           \
    X(TD_OK, "success")                                                                                                          \
    X(TD_BAD_ARG, "an argument or option is wrong")                                                                              \
    X(TD_BAD_CONFIG, "a configuration is wrong")                                                                                 \
    X(TD_BAD_DATA, "input data is unreadable or inconsistent")                                                                   \
    X(TD_IO, "the operating system refused a read or a write")                                                                   \
    X(TD_NO_MEMORY, "memory ran out, or a configured limit would be passed")                                                     \
    X(TD_BUSY, "another process holds the thing")                                                                                \
    X(TD_DIFFERENT, "a comparison that had to hold did not")                                                                     \
    X(TD_INTERRUPTED, "stopped by a signal or by a configured wall-clock limit")                                                 \
    X(TD_FAILED, "the run failed")

typedef enum td_status {
#define TD_STATUS_NAME(name, text) name,
    TD_STATUSES(TD_STATUS_NAME)
#undef TD_STATUS_NAME
} td_status;

typedef struct td_error {
    char message[512]; /* one sentence, no newline, always terminated */
} td_error;

/* Writes the sentence (when error is not NULL) and returns status, so that a check is one line:
 *   if (bars < 1) return td_fail(error, TD_BAD_ARG, "bars is %lld, must be at least 1", (long long)bars); */
__attribute__((format(printf, 3, 4))) td_status td_fail(td_error *error, td_status status, const char *format, ...);
td_status td_vfail(td_error *error, td_status status, const char *format, va_list arguments);

/* Puts "context: " in front of a sentence that is already there; returns status unchanged. */
__attribute__((format(printf, 3, 4))) td_status td_fail_within(td_error *error, td_status status, const char *format, ...);

/* The meaning of a status, never NULL. */
const char *td_status_text(td_status status);

/* Returns the first bad status from the calling function. */
#define TD_TRY(call)                                                                                                             \
    do {                                                                                                                         \
        td_status td_try_status_ = (call);                                                                                       \
        if (td_try_status_ != TD_OK) return td_try_status_;                                                                      \
    } while (0)

#endif
