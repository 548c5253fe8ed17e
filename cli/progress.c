/* See progress.h. */
#include "cli/progress.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* Time over which the rate forgets. */
static const double memory_seconds = 5;

char *td_duration_text(double seconds, char *buffer) {
    if (!(seconds < 1e9))
        snprintf(buffer, 32, "?");
    else if (seconds < 1)
        snprintf(buffer, 32, "%.0f ms", seconds * 1e3);
    else if (seconds < 60)
        snprintf(buffer, 32, "%.1f s", seconds);
    else {
        long whole = lround(seconds), hours = whole / 3600, minutes = whole / 60 % 60;
        if (hours)
            snprintf(buffer, 32, "%ld:%02ld:%02ld", hours, minutes, whole % 60);
        else
            snprintf(buffer, 32, "%ld:%02ld", minutes, whole % 60);
    }
    return buffer;
}

char *td_count_text(double count, char *buffer) {
    static const char *const units[] = {"", " k", " M", " G", " T", " P"};
    int unit = 0;
    while (count >= 999.5 && unit < 5) {
        count /= 1000;
        unit++;
    }
    snprintf(buffer, 32, unit || count < 10 ? "%.3g%s" : "%.0f%s", count, units[unit]);
    return buffer;
}

td_progress td_progress_start(FILE *out, bool quiet) {
    const char *terminal = getenv("TERM");
    return (td_progress){.out = out, .quiet = quiet, .terminal = isatty(fileno(out)) && terminal && strcmp(terminal, "dumb") != 0};
}

static int terminal_columns(FILE *out) {
    struct winsize size;
    return ioctl(fileno(out), TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

void td_progress_show(void *context, const td_sweep_progress *now) {
    td_progress *progress = context;
    double elapsed = now->seconds - progress->seconds;
    if (elapsed > 0) {
        double rate = (double)(now->played - progress->played) / elapsed;
        double weight = progress->seconds > 0 ? elapsed / (memory_seconds + elapsed) : 1;
        progress->sets_per_second += weight * (rate - progress->sets_per_second);
        progress->seconds = now->seconds;
        progress->played = now->played;
    }
    if (progress->quiet) return;
    double share = now->rows ? (double)now->done / (double)now->rows : 1;
    int tenths = (int)(share * 10);
    if (!progress->terminal && (tenths <= progress->tenths || now->done == now->rows)) return;
    progress->tenths = tenths;

    double bars = now->played ? now->bar_evaluations / (double)now->played : 0;
    char rate[32], evaluations[32], left[32], failed[48] = "", line[256];
    if (now->failed) snprintf(failed, sizeof failed, ", %lld failed", (long long)now->failed);
    snprintf(line, sizeof line, "%3.0f %%, %lld of %lld sets%s, %s sets/s, %s %s-evaluations/s, %s left", floor(share * 100),
             (long long)now->done, (long long)now->rows, failed, td_count_text(progress->sets_per_second, rate),
             td_count_text(progress->sets_per_second * bars, evaluations), td_tape_kind_infos[now->kind].piece,
             td_duration_text((double)(now->rows - now->done) / progress->sets_per_second, left));
    if (progress->terminal) {
        fprintf(progress->out, "\r%.*s\033[K", terminal_columns(progress->out) - 1, line);
        progress->drawn = true;
    } else {
        fprintf(progress->out, "%s\n", line);
    }
    fflush(progress->out);
}

void td_progress_end(td_progress *progress) {
    if (!progress->drawn) return;
    fputs("\r\033[K", progress->out);
    fflush(progress->out);
    progress->drawn = false;
}
