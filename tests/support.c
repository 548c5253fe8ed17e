/* See support.h. */
#include "tests/support.h"

#include <ftw.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/math.h"
#include "base/random.h"

void td_assert_near(double actual, double expected, double relative, const char *what, const char *file, int line) {
    if (isnan(actual) && isnan(expected)) return;
    double scale = fabs(expected) > 1e-300 ? fabs(expected) : 1;
    if (actual == expected || fabs(actual - expected) <= relative * scale) return;
    print_error("%s is %.17g, expected %.17g within %g relative (off by %g)\n", what, actual, expected, relative,
                   fabs(actual - expected) / scale);
    _fail(file, line);
}

void td_assert_ok(td_status status, const td_error *error, const char *what, const char *file, int line) {
    if (status == TD_OK) return;
    print_error("%s failed: %s: %s\n", what, td_status_text(status), error->message);
    _fail(file, line);
}

void td_assert_fails(td_status found, td_status expected, const td_error *error, const char *part, const char *what,
                     const char *file, int line) {
    if (found == expected && strstr(error->message, part)) return;
    print_error("%s: status %d (%s) with \"%s\", expected status %d and a sentence with \"%s\"\n", what, (int)found,
                   td_status_text(found), found == TD_OK ? "" : error->message, (int)expected, part);
    _fail(file, line);
}

static char folder[64];

static int remove_entry(const char *path, const struct stat *status, int kind, struct FTW *walk) {
    (void)status, (void)kind, (void)walk;
    return remove(path);
}

static pid_t folder_owner;

static void remove_folder(void) {
    if (getpid() == folder_owner) nftw(folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

const char *td_test_folder(void) {
    if (!folder[0]) {
        strcpy(folder, "/tmp/tapedeck-test-XXXXXX");
        if (!mkdtemp(folder)) abort();
        folder_owner = getpid();
        atexit(remove_folder);
    }
    return folder;
}

const char *td_test_path(const char *format, ...) {
    static char paths[8][512];
    static int next;
    char *path = paths[next++ % 8];
    int used = snprintf(path, sizeof paths[0], "%s/", td_test_folder());
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(path + used, sizeof paths[0] - (size_t)used, format, arguments);
    va_end(arguments);
    return path;
}

void td_test_write(const char *path, const char *text) {
    FILE *file = fopen(path, "wb");
    if (!file || fwrite(text, 1, strlen(text), file) != strlen(text) || fclose(file)) abort();
}

char *td_test_read(const char *path) {
    FILE *file = fopen(path, "rb");
    if (!file) return strdup("");
    char *text = NULL;
    size_t used = 0, room = 0, got;
    do {
        if (used + 65536 > room) text = realloc(text, (room = used + 65537 + room) + 1);
        got = fread(text + used, 1, 65536, file);
        used += got;
    } while (got);
    fclose(file);
    text[used] = 0;
    return text;
}

const char *td_test_shared(void) {
    static char path[1024];
    const char *named = getenv("TAPEDECK_SHARED"), *source = getenv("TAPEDECK_SOURCE");
    struct stat status;
    if (named)
        snprintf(path, sizeof path, "%s", named);
    else
        snprintf(path, sizeof path, "%s/../shared", source ? source : ".");
    return stat(path, &status) == 0 && S_ISDIR(status.st_mode) ? path : NULL;
}

int td_test_run(char **out, char **err, const char *format, ...) {
    char command[8192], out_path[512], err_path[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(command, sizeof command, format, arguments);
    va_end(arguments);
    snprintf(out_path, sizeof out_path, "%s/.out", td_test_folder());
    snprintf(err_path, sizeof err_path, "%s/.err", td_test_folder());
    const char *program = getenv("TAPEDECK_BIN");
    setenv("TAPEDECK", program ? program : "tapedeck", 1);
    pid_t child = fork();
    if (child == 0) {
        if (!freopen("/dev/null", "rb", stdin) || !freopen(out_path, "wb", stdout) || !freopen(err_path, "wb", stderr)) _exit(126);
        execl("/bin/bash", "bash", "-c", command, (char *)NULL);
        _exit(127);
    }
    int status = 0;
    waitpid(child, &status, 0);
    if (out) *out = td_test_read(out_path);
    if (err) *err = td_test_read(err_path);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* Memory that lives to the end of the program, on a list so that leak checkers see it is meant to. */
static void *keep(size_t size) {
    static struct kept {
        _Alignas(max_align_t) struct kept *next;
    } *all;
    struct kept *block = calloc(1, sizeof *block + size);
    if (!block) abort();
    block->next = all;
    all = block;
    return block + 1;
}

td_tape td_test_tape(int64_t bars, int64_t interval_ns, uint64_t seed) {
    int64_t *time = keep((size_t)bars * sizeof *time);
    double *columns = keep((size_t)bars * 5 * sizeof *columns);
    double *open = columns, *high = open + bars, *low = high + bars, *close = low + bars, *volume = close + bars;
    double last = 100;
    for (int64_t t = 0; t < bars; t++) {
        uint64_t n = (uint64_t)t;
        time[t] = 1704067200LL * TD_NS_PER_SECOND + t * interval_ns;
        open[t] = last * td_exp(0.002 * td_random_normal(seed, TD_PURPOSE_TEST, 0, n));
        close[t] = open[t] * td_exp(0.01 * td_random_normal(seed, TD_PURPOSE_TEST, 1, n));
        double top = open[t] > close[t] ? open[t] : close[t], bottom = open[t] < close[t] ? open[t] : close[t];
        high[t] = top * (1 + 0.006 * td_random_uniform(seed, TD_PURPOSE_TEST, 2, n));
        low[t] = bottom * (1 - 0.006 * td_random_uniform(seed, TD_PURPOSE_TEST, 3, n));
        volume[t] = 1 + td_random_uniform(seed, TD_PURPOSE_TEST, 4, n);
        last = close[t];
    }
    td_tape tape = {.bars = bars, .symbols = 1, .interval_ns = interval_ns, .time_ns = time, .open = open, .high = high,
                    .low = low, .close = close, .volume = volume, .symbol = "TEST", .interval = "1d"};
    return tape;
}

void td_assert_same_bars(const td_tape *a, const td_tape *b) {
    assert_int_equal(a->bars, b->bars);
    assert_int_equal(a->interval_ns, b->interval_ns);
    size_t bytes = (size_t)a->bars * 8;
    assert_memory_equal(a->time_ns, b->time_ns, bytes);
    assert_memory_equal(a->open, b->open, bytes);
    assert_memory_equal(a->high, b->high, bytes);
    assert_memory_equal(a->low, b->low, bytes);
    assert_memory_equal(a->close, b->close, bytes);
    assert_memory_equal(a->volume, b->volume, bytes);
}
