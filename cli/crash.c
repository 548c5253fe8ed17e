/* See crash.h. What runs inside the handler is async-signal-safe: it writes, unlinks and leaves. */
#include "cli/crash.h"

#include <omp.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/output.h"
#include "sweeps/sweep.h"

enum { STACK_BYTES = 64 << 10 };

static const struct {
    int number;
    const char *text;
} causes[] = {
    {SIGSEGV, "segmentation fault"}, {SIGBUS, "bus error"},
    {SIGFPE, "division by zero or other arithmetic error"}, {SIGILL, "illegal instruction"},
    {SIGABRT, "abort"},
};

static char strategy_name[64];
static bool with_json;
static volatile sig_atomic_t crashed;

/* A text that grows in place; no stdio in a handler. */
typedef struct line {
    char text[512];
    size_t length;
} line;

static void put_text(line *line, const char *text) {
    while (*text && line->length < sizeof line->text) line->text[line->length++] = *text++;
}

static void put_number(line *line, int64_t number) {
    char digits[24];
    int at = sizeof digits - 1;
    digits[at] = 0;
    do digits[--at] = (char)('0' + number % 10);
    while ((number /= 10) > 0 && at > 0);
    put_text(line, digits + at);
}

static void put_sentence(line *line, int number) {
    const char *cause = "signal";
    for (size_t i = 0; i < sizeof causes / sizeof *causes; i++)
        if (causes[i].number == number) cause = causes[i].text;
    put_text(line, "strategy ");
    put_text(line, strategy_name);
    put_text(line, " crashed (");
    put_text(line, cause);
    put_text(line, ") while playing set");
    if (td_playing_now.last > td_playing_now.first) put_text(line, "s");
    put_text(line, " ");
    put_number(line, td_playing_now.first);
    if (td_playing_now.last > td_playing_now.first) {
        put_text(line, " to ");
        put_number(line, td_playing_now.last);
    }
}

static void on_crash(int number) {
    if (td_playing_now.first < 0) { /* not the strategy's: as if nobody had been watching */
        signal(number, SIG_DFL);
        raise(number);
        return;
    }
    if (__atomic_exchange_n(&crashed, 1, __ATOMIC_RELAXED))
        for (;;) pause(); /* another thread is telling */
    line line = {.length = 0};
    put_text(&line, "tapedeck: error: ");
    put_sentence(&line, number);
    put_text(&line, "\n");
    if (with_json) {
        put_text(&line, "{\"error\":{\"code\":\"failed\",\"message\":\"");
        put_sentence(&line, number);
        put_text(&line, "\"}}\n");
    }
    td_output_abandon();
    if (write(STDERR_FILENO, line.text, line.length) < 0) _exit(TD_EXIT_FAILED); /* nobody listens */
    _exit(TD_EXIT_FAILED);
}

/* A strategy that ran out of stack has none left for the handler. Sanitizers have given theirs already. */
static void give_stack(void) {
    static _Thread_local char stack[STACK_BYTES] __attribute__((aligned(64)));
    stack_t own = {.ss_sp = stack, .ss_size = sizeof stack}, there;
    if (sigaltstack(NULL, &there) == 0 && there.ss_flags & SS_DISABLE) sigaltstack(&own, NULL);
}

void td_crash_watch(const td_strategy *strategy, int threads, bool json) {
    if (!td_strategy_source(strategy)) return;
    strncpy(strategy_name, td_strategy_name(strategy), sizeof strategy_name - 1);
    with_json = json;
    /* the threads that will play: OpenMP keeps them from one parallel region to the next */
    #pragma omp parallel num_threads(threads)
    give_stack();
    struct sigaction action = {.sa_handler = on_crash, .sa_flags = SA_ONSTACK};
    sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < sizeof causes / sizeof *causes; i++) sigaction(causes[i].number, &action, NULL);
}
