/* See output.h. */
#include "cli/output.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Temporary files that are being written, for td_output_abandon(). */
enum { OUTPUTS_MAX = 8 };
static const char *volatile being_written[OUTPUTS_MAX];

static void note(const char *was, const char *is) {
    for (int i = 0; i < OUTPUTS_MAX; i++)
        if (being_written[i] == was) {
            being_written[i] = is;
            return;
        }
}

void td_output_abandon(void) {
    for (int i = 0; i < OUTPUTS_MAX; i++)
        if (being_written[i]) unlink(being_written[i]);
}

td_status td_output_open(const char *path, td_output *output, td_error *error) {
    struct stat status;
    *output = (td_output){.path = path};
    bool straight = stat(path, &status) == 0 && !S_ISREG(status.st_mode);
    if (!straight && asprintf(&output->temporary, "%s.tmp.%ld", path, (long)getpid()) < 0) {
        output->temporary = NULL;
        return td_fail(error, TD_NO_MEMORY, "no memory to open %s", path);
    }
    output->file = fopen(straight ? path : output->temporary, "we");
    if (output->file) {
        if (output->temporary) note(NULL, output->temporary);
        return TD_OK;
    }
    td_fail(error, TD_IO, "%s cannot be written: %s", path, strerror(errno));
    free(output->temporary);
    output->temporary = NULL;
    return TD_IO;
}

void td_output_drop(td_output *output) {
    if (output->file) {
        fclose(output->file);
        if (output->temporary) unlink(output->temporary);
    }
    if (output->temporary) note(output->temporary, NULL);
    free(output->temporary);
    *output = (td_output){.path = output->path};
}

td_status td_output_commit(td_output *output, td_error *error) {
    errno = 0;
    bool bad = fflush(output->file) != 0 || ferror(output->file) || (output->temporary && fsync(fileno(output->file)) != 0);
    /* a print that failed earlier has lost its errno by now, hence the general words */
    const char *reason = bad && errno ? strerror(errno) : "a write failed";
    if (!bad && output->temporary && rename(output->temporary, output->path) != 0) {
        bad = true;
        reason = strerror(errno);
    }
    if (bad) {
        td_fail(error, TD_IO, "%s cannot be written: %s", output->path, reason);
        td_output_drop(output);
        return TD_IO;
    }
    bad = fclose(output->file) != 0;
    output->file = NULL;
    td_output_drop(output);
    return bad ? td_fail(error, TD_IO, "%s cannot be closed: %s", output->path, strerror(errno)) : TD_OK;
}
