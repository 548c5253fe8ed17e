/* See cli.h. Dispatch to subcommands and what they share: errors, colour, tables, the end of standard output. */
#include "cli/cli.h"

#include <argp.h>
#include <errno.h>
#include <gsl/gsl_errno.h>
#include <hdf5.h>
#include <jansson.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cpu.h"
#include "base/words.h"
#include "commit.h"
#include "data/tape.h"
#include "sweeps/config.h"

typedef struct td_subcommand {
    const char *name;
    td_command *command;
    const char *text;
} td_subcommand;

static const td_subcommand subcommands[] = {
    {"data", td_cmd_data, "import, check, describe and make up market data"},
    {"run", td_cmd_run, "play one parameter set in full detail: fills, trades, equity"},
    {"plan", td_cmd_plan, "say what a sweep would take: sets, bars, bytes, seconds"},
    {"sweep", td_cmd_sweep, "play every parameter set of a configuration into a results file"},
    {"show", td_cmd_show, "print the best sets of a results file"},
    {"stats", td_cmd_stats, "say which results of a sweep, or of anyone, are luck"},
    {"verify", td_cmd_verify, "replay cells of a results file and compare their hashes"},
    {"config", td_cmd_config, "print the configuration's schema or its defaults"},
    {"bench", td_cmd_bench, "measure how fast the parts are, and whether they got slower"},
    {"doctor", td_cmd_doctor, "say what this machine offers and what is wrong with it"},
};
enum { SUBCOMMANDS = sizeof subcommands / sizeof *subcommands };

/* ---- standard output and error ---- */

static enum { COLOUR_AUTO, COLOUR_ALWAYS, COLOUR_NEVER } colour_wanted;

bool td_cli_colour(FILE *stream) {
    if (colour_wanted != COLOUR_AUTO) return colour_wanted == COLOUR_ALWAYS;
    const char *no = getenv("NO_COLOR"), *force = getenv("CLICOLOR_FORCE"), *terminal = getenv("TERM");
    if (no && *no) return false;
    if (force && *force && strcmp(force, "0")) return true;
    return isatty(fileno(stream)) && terminal && strcmp(terminal, "dumb");
}

static void print_error(const char *message) {
    bool colour = td_cli_colour(stderr);
    fprintf(stderr, "tapedeck: %serror:%s %s\n", colour ? "\033[1;31m" : "", colour ? "\033[0m" : "", message);
}

int td_cli_exit_code(td_status status) {
    switch (status) {
    case TD_OK: return TD_EXIT_OK;
    case TD_BAD_ARG:
    case TD_BAD_CONFIG: return TD_EXIT_USAGE;
    case TD_BAD_DATA: return TD_EXIT_DATA;
    case TD_DIFFERENT: return TD_EXIT_GATE;
    case TD_INTERRUPTED: return TD_EXIT_INTERRUPTED;
    case TD_IO:
    case TD_NO_MEMORY:
    case TD_BUSY:
    case TD_FAILED: break;
    }
    return TD_EXIT_FAILED;
}

/* What programs match on: the name of the status without its prefix, in lower case. */
static const char *status_code(td_status status, char *buffer, size_t size) {
    static const char *const names[] = {
#define TD_STATUS_WORD(name, text) #name,
        TD_STATUSES(TD_STATUS_WORD)
#undef TD_STATUS_WORD
    };
    const char *name = (unsigned)status < sizeof names / sizeof *names ? names[status] + strlen("TD_") : "FAILED";
    size_t length = 0;
    for (; name[length] && length + 1 < size; length++)
        buffer[length] = (char)(name[length] >= 'A' && name[length] <= 'Z' ? name[length] - 'A' + 'a' : name[length]);
    buffer[length] = 0;
    return buffer;
}

int td_cli_fail(td_status status, const td_error *error, bool json) {
    const char *message = error && error->message[0] ? error->message : td_status_text(status);
    print_error(message);
    if (json) {
        char code[32];
        /* a path in the message need not be UTF-8, and then jansson refuses it: the status' own text always is */
        json_t *text = json_string(message);
        if (!text) text = json_string(td_status_text(status));
        json_t *document = json_pack("{s:{s:s,s:o}}", "error", "code", status_code(status, code, sizeof code), "message", text);
        json_dumpf(document, stderr, JSON_COMPACT);
        fputc('\n', stderr);
        json_decref(document);
    }
    return td_cli_exit_code(status);
}

/* Has the reader of this descriptor gone? A failed write says so only in errno, which is long lost when we ask. */
static bool reader_gone(int descriptor) {
    struct pollfd ask = {.fd = descriptor, .events = POLLOUT};
    return poll(&ask, 1, 0) == 1 && (ask.revents & (POLLERR | POLLHUP));
}

static bool output_failure_told;

int td_cli_finish(int code) {
    errno = 0;
    int bad = fflush(stdout), reason = errno;
    if (!bad && !ferror(stdout)) return code;
    if (reason == EPIPE || reader_gone(STDOUT_FILENO)) return code;
    if (!output_failure_told) {
        char text[160];
        snprintf(text, sizeof text, "standard output could not be written%s%s", reason ? ": " : "", reason ? strerror(reason) : "");
        print_error(text);
        output_failure_told = true;
    }
    return code == TD_EXIT_OK ? TD_EXIT_FAILED : code;
}

/* argp's --help and --version call exit() themselves; a full disk must not pass as success there either. */
static void finish_at_exit(void) {
    if (!output_failure_told && td_cli_finish(TD_EXIT_OK) != TD_EXIT_OK) _exit(TD_EXIT_FAILED);
}

/* ---- tables ---- */

/* Columns a terminal gives one code point: 0 for combining marks, 2 for East Asian wide ones and emoji (the ranges people meet;
 * wcwidth() would need a locale, and the program never sets one). */
static int columns_of(uint32_t point) {
    bool none = (point >= 0x300 && point <= 0x36f) || (point >= 0x200b && point <= 0x200f) || (point >= 0xfe00 && point <= 0xfe0f);
    if (none) return 0;
    if ((point >= 0x1100 && point <= 0x115f) || (point >= 0x2e80 && point <= 0xa4cf) || (point >= 0xac00 && point <= 0xd7a3) ||
        (point >= 0xf900 && point <= 0xfaff) || (point >= 0xfe30 && point <= 0xfe6f) || (point >= 0xff00 && point <= 0xff60) ||
        (point >= 0x1f300 && point <= 0x1faff) || (point >= 0x20000 && point <= 0x3fffd))
        return 2;
    return 1;
}

/* Terminal columns of UTF-8 text; a byte that is no UTF-8 counts as one. */
static int width_of(const char *text) {
    int width = 0;
    for (const unsigned char *at = (const unsigned char *)text; *at;) {
        int length = *at >= 0xf5 || *at < 0xc2 ? 1 : *at < 0xe0 ? 2 : *at < 0xf0 ? 3 : 4;
        uint32_t point = length == 1 ? *at : *at & (0x7fu >> length);
        for (int i = 1; i < length; i++) {
            if ((at[i] & 0xc0) != 0x80) {
                length = 1;
                point = 'x';
                break;
            }
            point = point << 6 | (at[i] & 0x3fu);
        }
        width += columns_of(point);
        at += length;
    }
    return width;
}

static void print_cells(FILE *out, int columns, const char *const *cells, const bool *numeric, const int *widths) {
    int owed = 0; /* blanks come before the next visible text, so that no line ends in blanks */
    for (int c = 0; c < columns; c++) {
        const char *cell = cells[c] ? cells[c] : "";
        int width = width_of(cell), pad = widths[c] - width;
        bool right = numeric && numeric[c];
        if (right) owed += pad;
        if (*cell) {
            fprintf(out, "%*s%s", owed, "", cell);
            owed = 0;
        } else {
            owed += width;
        }
        owed += (right ? 0 : pad) + 2;
    }
    fputc('\n', out);
}

void td_cli_table(FILE *out, int columns, const char *const *heads, const bool *numeric, int rows, const char *const *cells) {
    int *widths = calloc((size_t)(columns > 0 ? columns : 1), sizeof *widths);
    if (!widths) return;
    for (int c = 0; c < columns; c++) {
        widths[c] = heads && heads[c] ? width_of(heads[c]) : 0;
        for (int r = 0; r < rows; r++) {
            const char *cell = cells[(size_t)r * (size_t)columns + (size_t)c];
            int width = cell ? width_of(cell) : 0;
            if (width > widths[c]) widths[c] = width;
        }
    }
    if (heads) {
        bool colour = td_cli_colour(out);
        if (colour) fputs("\033[1m", out);
        print_cells(out, columns, heads, numeric, widths);
        if (colour) fputs("\033[0m", out);
    }
    for (int r = 0; r < rows; r++) print_cells(out, columns, cells + (size_t)r * (size_t)columns, numeric, widths);
    free(widths);
}

/* ---- dispatch ---- */

static void print_version(FILE *stream, struct argp_state *state) {
    (void)state;
    fprintf(stream, "tapedeck %s (commit %.12s%s)\n", TAPEDECK_VERSION, TAPEDECK_COMMIT, TAPEDECK_COMMIT_DIRTY ? ", changed" : "");
}

/* Takes --color[=WHEN] out of the arguments, wherever it stands before a lone "--": every subcommand has it. */
static int take_colour(int argc, char **argv, td_error *error) {
    int kept = 1, at = 1;
    for (; at < argc && strcmp(argv[at], "--"); at++) {
        const char *when = NULL;
        if (!strncmp(argv[at], "--color", 7) && (!argv[at][7] || argv[at][7] == '='))
            when = argv[at][7] ? argv[at] + 8 : "always";
        if (!when) {
            argv[kept++] = argv[at];
            continue;
        }
        if (!strcmp(when, "auto"))
            colour_wanted = COLOUR_AUTO;
        else if (!strcmp(when, "always"))
            colour_wanted = COLOUR_ALWAYS;
        else if (!strcmp(when, "never"))
            colour_wanted = COLOUR_NEVER;
        else
            td_fail(error, TD_BAD_ARG, "--color is '%s', must be auto, always or never", when);
    }
    while (at < argc) argv[kept++] = argv[at++];
    argv[kept] = NULL;
    return kept;
}

/* The help's list of subcommands, made from the table so that the two cannot part ways. */
static char *help_filter(int key, const char *text, void *input) {
    (void)input;
    if (key != ARGP_KEY_HELP_POST_DOC) return (char *)text;
    char *list = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&list, &size);
    if (!out) return (char *)text;
    fputs("Commands:\n", out);
    for (int i = 0; i < SUBCOMMANDS; i++) fprintf(out, "  %-8s %s\n", subcommands[i].name, subcommands[i].text);
    fputs("\n`tapedeck COMMAND --help' says more about one.", out);
    fclose(out);
    return list; /* argp frees it */
}

static const struct argp_option main_options[] = {
    {"color", 'c' + 256, "WHEN", OPTION_ARG_OPTIONAL, "colour in output: auto (the default), always or never", 0},
    {0},
};

typedef struct main_arguments {
    int at; /* index of the subcommand in argv, 0 when there is none */
} main_arguments;

static error_t parse_main(int key, char *argument, struct argp_state *state) {
    (void)argument;
    main_arguments *found = state->input;
    switch (key) {
    case ARGP_KEY_ARG:
        found->at = state->next - 1;
        state->next = state->argc; /* the rest is the subcommand's */
        return 0;
    case ARGP_KEY_NO_ARGS: argp_usage(state); return 0;
    }
    return ARGP_ERR_UNKNOWN;
}

int td_cli_main(int argc, char **argv) {
    static const struct argp parser = {
        .options = main_options,
        .parser = parse_main,
        .args_doc = "COMMAND [ARGUMENT...]",
        .doc = "Replays recorded markets through trading strategies, for many parameter sets at once.\v",
        .help_filter = help_filter,
    };
    signal(SIGPIPE, SIG_IGN); /* a reader that goes away is a quiet end, see td_cli_finish() */
    argp_err_exit_status = TD_EXIT_USAGE;
    argp_program_version_hook = print_version;
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    gsl_set_error_handler_off();
    atexit(finish_at_exit);

    static char program[] = "tapedeck";
    if (argc < 1) return TD_EXIT_USAGE;
    td_error error = {""};
    argc = take_colour(argc, argv, &error);
    if (error.message[0]) return td_cli_fail(TD_BAD_ARG, &error, false);
    int level = td_cpu_get()->level;
    if (level == 1) {
        td_fail(&error, TD_FAILED, "this processor (%s) is older than x86-64-v2 (SSE4.2), which tapedeck is built for",
                td_cpu_get()->model);
        return td_cli_fail(TD_FAILED, &error, false);
    }

    main_arguments found = {0};
    argv[0] = program;
    argp_parse(&parser, argc, argv, ARGP_IN_ORDER, NULL, &found);
    const char *names[SUBCOMMANDS], *name = argv[found.at];
    for (int i = 0; i < SUBCOMMANDS; i++) {
        names[i] = subcommands[i].name;
        if (strcmp(name, names[i])) continue;
        char title[64];
        snprintf(title, sizeof title, "tapedeck %s", names[i]);
        argv[found.at] = title;
        return td_cli_finish(subcommands[i].command(argc - found.at, argv + found.at));
    }
    const char *near = td_nearest_word(name, names, SUBCOMMANDS);
    if (near)
        td_fail(&error, TD_BAD_ARG, "there is no command '%s'; did you mean '%s'?", name, near);
    else
        td_fail(&error, TD_BAD_ARG, "there is no command '%s'; `tapedeck --help' lists them", name);
    return td_cli_fail(TD_BAD_ARG, &error, false);
}
