/* The sentences behind a td_status. */
#include "base/error.h"

#include <stdio.h>
#include <string.h>

td_status td_vfail(td_error *error, td_status status, const char *format, va_list arguments) {
    if (error) vsnprintf(error->message, sizeof error->message, format, arguments);
    return status;
}

td_status td_fail(td_error *error, td_status status, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    td_vfail(error, status, format, arguments);
    va_end(arguments);
    return status;
}

td_status td_fail_within(td_error *error, td_status status, const char *format, ...) {
    if (!error) return status;
    char inner[sizeof error->message];
    memcpy(inner, error->message, sizeof inner);
    va_list arguments;
    va_start(arguments, format);
    td_vfail(error, status, format, arguments);
    va_end(arguments);
    size_t used = strlen(error->message);
    snprintf(error->message + used, sizeof error->message - used, ": %s", inner);
    return status;
}

const char *td_status_text(td_status status) {
    static const char *const texts[] = {
#define TD_STATUS_TEXT(name, text) text,
        TD_STATUSES(TD_STATUS_TEXT)
#undef TD_STATUS_TEXT
    };
    return (unsigned)status < sizeof texts / sizeof *texts ? texts[status] : "unknown status";
}
