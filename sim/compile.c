/* See compile.h. */
#include "sim/compile.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sim/kernel.h"
#include "sim/sources.h"

extern char **environ;

enum { WORDS_MAX = 64, TRAILER_BYTES = 16 + 64 };
static const char trailer_mark[17] = "tapedeck object\n";

/* As cmake/kernels.cmake compiles the built-in strategies: the same flags, so the same bits. */
static const char *const flags[] = {"-std=gnu17", "-O3", "-ffp-contract=off", "-fno-math-errno", "-fno-trapping-math", "-fPIC",
                                    "-fvisibility=hidden", "-Wall", "-Wextra", "-Werror=implicit-function-declaration",
                                    "-DTD_UNIT=plugin"};
typedef struct target {
    const char *name, *march, *more;
} target;
static const target targets[TD_ISA_COUNT] = {
#if defined(__x86_64__)
    {"scalar", "-march=x86-64-v2", NULL},
    {"v2", "-march=x86-64-v2", NULL},
    {"v3", "-march=x86-64-v3", NULL},
    {"v4", "-march=x86-64-v4", "-mprefer-vector-width=512"},
#else
    {"scalar", NULL, NULL},
#endif
};

/* Writes a path; what does not fit is an error. */
__attribute__((format(printf, 3, 4))) static td_status write_path(char path[TD_PATH_ROOM], td_error *error, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(path, TD_PATH_ROOM, format, arguments);
    va_end(arguments);
    return length < TD_PATH_ROOM ? TD_OK : td_fail(error, TD_FAILED, "a path of more than %d characters: %.80s...", TD_PATH_ROOM - 1, path);
}

/* ---- compiler, headers, cache ---- */

/* Finds a program as a shell would; false where it is not on the PATH. */
static bool find_program(const char *name, char path[TD_PATH_ROOM]) {
    if (strchr(name, '/')) return snprintf(path, TD_PATH_ROOM, "%s", name) < TD_PATH_ROOM && access(path, X_OK) == 0;
    const char *folders = getenv("PATH");
    while (folders && *folders) {
        size_t length = strcspn(folders, ":");
        struct stat found;
        if (snprintf(path, TD_PATH_ROOM, "%.*s%s%s", (int)length, folders, length ? "/" : "./", name) < TD_PATH_ROOM &&
            access(path, X_OK) == 0 && stat(path, &found) == 0 && S_ISREG(found.st_mode))
            return true;
        folders += length + (folders[length] == ':');
    }
    return false;
}

td_status td_find_compiler(td_toolchain *tools, td_error *error) {
    static const char *const usual[] = {"clang", "gcc", "cc"};
    const char *variable = "TAPEDECK_CC", *wanted = getenv(variable);
    if (!wanted || !*wanted) wanted = getenv(variable = "CC");
    char path[TD_PATH_ROOM];
    if (wanted && *wanted) {
        char name[TD_PATH_ROOM];
        wanted += strspn(wanted, " ");
        size_t length = strcspn(wanted, " ");
        snprintf(name, sizeof name, "%.*s", (int)length, wanted);
        if (!find_program(name, path))
            return td_fail(error, TD_FAILED, "%s names the compiler '%.200s', which is not there or cannot be run", variable, name);
        return write_path(tools->compiler, error, "%s%s", path, wanted + length);
    }
    for (size_t i = 0; i < sizeof usual / sizeof *usual; i++)
        if (find_program(usual[i], path)) return write_path(tools->compiler, error, "%s", path);
    return td_fail(error, TD_FAILED, "there is no C compiler: clang, gcc and cc are not on the PATH; install one (Debian: clang or gcc), "
                   "or name it in TAPEDECK_CC");
}

td_status td_find_headers(td_toolchain *tools, td_error *error) {
    char program[TD_PATH_ROOM] = "", probe[TD_PATH_ROOM];
    const char *wanted = getenv("TAPEDECK_INCLUDE");
    ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);
    program[length < 0 ? 0 : length] = 0;
    char *slash = strrchr(program, '/');
    if (slash) *slash = 0;
    for (int i = 0; i < 3; i++) {
        if (i == 0 && (!wanted || !*wanted)) continue;
        if (i == 0) TD_TRY(write_path(tools->headers, error, "%s", wanted));
        if (i == 1) TD_TRY(write_path(tools->headers, error, "%s/%s", program, TAPEDECK_HEADERS_FROM_PROGRAM));
        if (i == 2) TD_TRY(write_path(tools->headers, error, "%s", TAPEDECK_HEADERS));
        TD_TRY(write_path(probe, error, "%s/sim/strategy.h", tools->headers));
        if (access(probe, R_OK) == 0) return TD_OK;
        if (i == 0) return td_fail(error, TD_FAILED, "TAPEDECK_INCLUDE names the folder %s, which holds no sim/strategy.h", wanted);
    }
    return td_fail(error, TD_FAILED, "the headers of strategies are neither in %s/%s nor in %s; name their folder in TAPEDECK_INCLUDE",
                   program, TAPEDECK_HEADERS_FROM_PROGRAM, TAPEDECK_HEADERS);
}

static td_status make_folder(const char *path, td_error *error) {
    if (mkdir(path, 0700) == 0 || errno == EEXIST) return TD_OK;
    return td_fail(error, TD_FAILED, "the cache folder %s cannot be made: %s; name another in TAPEDECK_CACHE", path, strerror(errno));
}

td_status td_find_cache(td_toolchain *tools, td_error *error) {
    const char *own = getenv("TAPEDECK_CACHE"), *shared = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    char path[TD_PATH_ROOM];
    if (own && *own)
        TD_TRY(write_path(path, error, "%s", own));
    else if (shared && *shared == '/') /* the XDG specification: relative ones are ignored */
        TD_TRY(write_path(path, error, "%s/tapedeck", shared));
    else if (home && *home)
        TD_TRY(write_path(path, error, "%s/.cache/tapedeck", home));
    else
        return td_fail(error, TD_FAILED, "there is no place for compiled strategies: none of TAPEDECK_CACHE, XDG_CACHE_HOME and HOME is set");
    for (char *slash = path + 1; *slash; slash++) {
        if (*slash != '/') continue;
        *slash = 0;
        TD_TRY(make_folder(path, error));
        *slash = '/';
    }
    TD_TRY(make_folder(path, error));
    char absolute[PATH_MAX];
    struct stat found;
    if (!realpath(path, absolute) || stat(absolute, &found))
        return td_fail(error, TD_FAILED, "the cache folder %s cannot be used: %s", path, strerror(errno));
    if (!S_ISDIR(found.st_mode)) return td_fail(error, TD_FAILED, "%s is to be the cache folder, but is no folder", absolute);
    /* what is in there is run: nobody else may put anything into it */
    if (found.st_uid != geteuid())
        return td_fail(error, TD_FAILED, "the cache folder %s belongs to another user; name another in TAPEDECK_CACHE", absolute);
    if (found.st_mode & (S_IWGRP | S_IWOTH))
        return td_fail(error, TD_FAILED, "the cache folder %s is writable for others (mode %04o): chmod go-w %s", absolute,
                       (unsigned)found.st_mode & 07777, absolute);
    return write_path(tools->cache, error, "%s", absolute);
}

/* ---- running the compiler ---- */

typedef struct command {
    char *word[WORDS_MAX + 1];
    int count;
    char *words_of_compiler; /* owns the first ones */
} command;

static void add_word(command *command, const char *word) {
    if (command->count < WORDS_MAX) command->word[command->count++] = (char *)word;
}

static bool begin_command(command *command, const char *compiler) {
    *command = (struct command){.words_of_compiler = strdup(compiler)};
    char *rest = NULL;
    for (char *word = command->words_of_compiler ? strtok_r(command->words_of_compiler, " ", &rest) : NULL; word;
         word = strtok_r(NULL, " ", &rest))
        add_word(command, word);
    return command->count > 0;
}

/* Starts a command with both outputs into a file; 0 with errno where it cannot be started. */
static pid_t start(command *command, const char *output) {
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t signals;
    pid_t child = 0;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, output, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO);
    /* the program ignores SIGPIPE; a compiler need not know how to live with that */
    posix_spawnattr_init(&attributes);
    sigemptyset(&signals);
    sigaddset(&signals, SIGPIPE);
    posix_spawnattr_setsigdefault(&attributes, &signals);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
    command->word[command->count] = NULL;
    int code = posix_spawn(&child, command->word[0], &actions, &attributes, command->word, environ);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    errno = code;
    return code ? 0 : child;
}

/* Exit code of a child, 128 + signal where one ended it. */
static int finish(pid_t child) {
    int status;
    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR) return 127;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* A whole file, NUL-terminated, or NULL. */
static char *read_whole(const char *path, size_t *size) {
    FILE *in = fopen(path, "re");
    char *text = NULL, part[4096];
    *size = 0;
    FILE *out = in ? open_memstream(&text, size) : NULL;
    for (size_t got; out && (got = fread(part, 1, sizeof part, in)) > 0;) fwrite(part, 1, got, out);
    bool bad = !in || ferror(in) || !out;
    if (in) fclose(in);
    if (out && fclose(out) != 0) bad = true;
    if (!bad) return text;
    free(text);
    return NULL;
}

/* What `compiler --version` prints, asked once: kept in the cache under the file's identity. malloc'ed. */
static td_status compiler_version(const td_toolchain *tools, char **version, td_error *error) {
    command command;
    struct stat found;
    char identity[TD_PATH_ROOM + 128], digest[TD_DIGEST_TEXT], folder[TD_PATH_ROOM], path[TD_PATH_ROOM], fresh[TD_PATH_ROOM];
    size_t size;
    if (!begin_command(&command, tools->compiler)) return td_fail(error, TD_NO_MEMORY, "memory ran out");
    td_status status = TD_OK;
    if (stat(command.word[0], &found)) status = td_fail(error, TD_FAILED, "compiler %s: %s", command.word[0], strerror(errno));
    snprintf(identity, sizeof identity, "%s %llx %llx %lld %lld.%09ld", tools->compiler, (unsigned long long)found.st_dev,
             (unsigned long long)found.st_ino, (long long)found.st_size, (long long)found.st_mtim.tv_sec, found.st_mtim.tv_nsec);
    td_sha256_text(identity, strlen(identity), digest);
    if (status == TD_OK) status = write_path(folder, error, "%s/compilers", tools->cache);
    if (status == TD_OK) status = make_folder(folder, error);
    if (status == TD_OK) status = write_path(path, error, "%s/%s", folder, digest);
    if (status == TD_OK) status = write_path(fresh, error, "%s.tmp.%ld", path, (long)getpid());
    *version = status == TD_OK ? read_whole(path, &size) : NULL;
    if (status == TD_OK && !*version) {
        add_word(&command, "--version");
        pid_t child = start(&command, fresh);
        if (!child) status = td_fail(error, TD_FAILED, "compiler %s cannot be run: %s", command.word[0], strerror(errno));
        else if (finish(child) != 0) status = td_fail(error, TD_FAILED, "%s --version fails; is it a C compiler?", tools->compiler);
        if (status == TD_OK) {
            *version = read_whole(fresh, &size);
            if (!*version || rename(fresh, path)) status = td_fail(error, TD_FAILED, "%s cannot be written: %s", path, strerror(errno));
        }
        if (status != TD_OK) unlink(fresh);
    }
    free(command.words_of_compiler);
    if (status != TD_OK) {
        free(*version);
        *version = NULL;
    }
    return status;
}

/* ---- the cache ---- */

/* Is the object there and whole? */
static bool object_is_whole(const char *path) {
    size_t size;
    char *bytes = read_whole(path, &size), digest[TD_DIGEST_TEXT];
    bool whole = bytes && size > TRAILER_BYTES && memcmp(bytes + size - TRAILER_BYTES, trailer_mark, 16) == 0 &&
                 td_sha256_text(bytes, size - TRAILER_BYTES, digest) && memcmp(bytes + size - 64, digest, 64) == 0;
    free(bytes);
    return whole;
}

/* Seals the linked object with its digest and puts it into its place. */
static td_status keep_object(const char *linked, const char *object, td_error *error) {
    size_t size;
    char *bytes = read_whole(linked, &size), digest[TD_DIGEST_TEXT] = "";
    FILE *out = bytes && td_sha256_text(bytes, size, digest) ? fopen(linked, "ae") : NULL;
    free(bytes);
    bool bad = !out || fwrite(trailer_mark, 1, 16, out) != 16 || fwrite(digest, 1, 64, out) != 64 || fflush(out) || fsync(fileno(out));
    if (out && fclose(out) != 0) bad = true;
    if (!bad && rename(linked, object) == 0) return TD_OK;
    return td_fail(error, TD_IO, "%s cannot be written: %s", object, strerror(errno));
}

/* Waits until nobody else builds what the lock file stands for. Returns its descriptor; whoever holds it may remove it. */
static td_status take_lock(const char *path, int *lock, td_error *error) {
    for (;;) {
        struct stat ours, named;
        *lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        if (*lock < 0) return td_fail(error, TD_IO, "%s cannot be opened: %s", path, strerror(errno));
        int code = 0;
        while (flock(*lock, LOCK_EX) != 0)
            if (errno != EINTR) {
                code = errno;
                break;
            }
        if (!code && fstat(*lock, &ours) == 0 && stat(path, &named) == 0 && ours.st_ino == named.st_ino) return TD_OK;
        close(*lock); /* removed by the one that held it: begin again */
        if (code) return td_fail(error, TD_IO, "%s cannot be locked: %s", path, strerror(code));
    }
}

/* ---- building ---- */

typedef struct build {
    const td_toolchain *tools;
    const char *path; /* the user's file */
    const td_sources *sources;
    FILE *talk;
    char folder[TD_PATH_ROOM];
    td_isa isa[2]; /* instruction sets to compile for: one lane, and what this process plays on */
    int count;
    const char *brief;     /* compiler option that keeps our macros out of its messages; NULL: an unknown compiler */
} build;

/* A file of the build folder: of a unit, or with unit < 0 of the whole. */
static td_status build_path(const build *build, char path[TD_PATH_ROOM], int unit, const char *ending, td_error *error) {
    return write_path(path, error, "%s/%s.%s", build->folder, unit < 0 ? "linked" : targets[build->isa[unit]].name, ending);
}

static pid_t start_unit(const build *build, int unit, td_error *error) {
    command command;
    td_isa isa = build->isa[unit], wide = build->isa[build->count - 1];
    const target *target = &targets[isa];
    char include[TD_PATH_ROOM + 2], define[4][40], object[TD_PATH_ROOM], list[TD_PATH_ROOM], log[TD_PATH_ROOM], path[TD_PATH_ROOM];
    snprintf(include, sizeof include, "-I%s", build->tools->headers);
    snprintf(define[0], sizeof define[0], "-DTD_ISA=%s", target->name);
    snprintf(define[1], sizeof define[1], "-DTD_ISA_INDEX=%d", (int)isa);
    snprintf(define[2], sizeof define[2], "-DTD_PLUGIN_ISA=%s", targets[wide].name);
    snprintf(define[3], sizeof define[3], "-DTD_PLUGIN_ISA_INDEX=%d", (int)wide);
    if (build_path(build, object, unit, "o", error) || build_path(build, list, unit, "d", error) ||
        build_path(build, log, unit, "log", error) ||
        write_path(path, error, "%s%s", build->path[0] == '-' ? "./" : "", build->path))
        return 0;
    if (!begin_command(&command, build->tools->compiler)) {
        td_fail(error, TD_NO_MEMORY, "memory ran out");
        return 0;
    }
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++) add_word(&command, flags[i]);
    if (target->march) add_word(&command, target->march);
    if (target->more) add_word(&command, target->more);
    if (build->brief) add_word(&command, build->brief);
    for (int i = 0; i < 4; i++) add_word(&command, define[i]);
    const char *const rest[] = {include, "-MMD", "-MF", list, "-c", "-o", object, path};
    for (size_t i = 0; i < sizeof rest / sizeof *rest; i++) add_word(&command, rest[i]);
    pid_t child = start(&command, log);
    if (!child) td_fail(error, TD_FAILED, "compiler %s cannot be run: %s", command.word[0], strerror(errno));
    free(command.words_of_compiler);
    return child;
}

/* Hands on what the compiler wrote; false where that was nothing. */
static bool show(const build *build, const char *log) {
    size_t size;
    char *text = read_whole(log, &size);
    bool something = text && size;
    if (something && build->talk) fwrite(text, 1, size, build->talk);
    free(text);
    return something;
}

/* The compiler's list of what it read (a make rule) holds only files that are in the key. */
static td_status check_list(const build *build, const char *list, td_error *error) {
    size_t size;
    char *text = read_whole(list, &size), *at = text ? strchr(text, ':') : NULL, name[TD_PATH_ROOM];
    td_status status = at ? TD_OK : td_fail(error, TD_FAILED, "the compiler wrote no list of what %s includes", build->path);
    while (status == TD_OK && *++at) {
        size_t length = 0;
        for (; *at && *at != ' ' && *at != '\n'; at++) {
            if (*at == '\\' && at[1] == '\n') break;
            if ((*at == '\\' && (at[1] == ' ' || at[1] == '#')) || (*at == '$' && at[1] == '$')) at++;
            if (length + 1 < sizeof name) name[length++] = *at;
        }
        if (*at == '\\') at++;
        name[length] = 0;
        if (length && !td_sources_have(build->sources, name))
            status = td_fail(error, TD_BAD_ARG, "%s includes %s in a way that cannot be followed: write #include \"...\" with the name itself",
                             build->path, name);
        if (!*at) break;
    }
    free(text);
    return status;
}

/* Compiles every unit, all at once. */
static td_status compile_units(const build *build, td_error *error) {
    pid_t child[2] = {0};
    int code[2] = {0}, bad = -1;
    char log[TD_PATH_ROOM], list[TD_PATH_ROOM];
    td_status status = TD_OK;
    for (int i = 0; i < build->count && status == TD_OK; i++)
        if (!(child[i] = start_unit(build, i, error))) status = TD_FAILED;
    for (int i = 0; i < build->count; i++)
        if (child[i] && (code[i] = finish(child[i])) && bad < 0) bad = i;
    TD_TRY(status);
    /* every unit is the same source, so one compiler's words are enough: of the first that failed, else of the first that warns */
    for (int i = bad < 0 ? 0 : bad; i < build->count; i++) {
        TD_TRY(build_path(build, log, i, "log", error));
        if (show(build, log) || bad >= 0) break;
    }
    if (bad >= 0 && code[bad] > 128)
        return td_fail(error, TD_FAILED, "%s: the compiler (%s) was ended by signal %d", build->path, build->tools->compiler, code[bad] - 128);
    if (bad > 0)
        return td_fail(error, TD_BAD_ARG, "%s does not compile for many lanes, though it does for one: on a mask no if, ?:, !, && or ||, but "
                       "where-arguments, select(), not(), & and |; on reals no functions of the C library", build->path);
    if (bad == 0) return td_fail(error, TD_BAD_ARG, "%s does not compile (%s)", build->path, build->tools->compiler);
    for (int i = 0; i < build->count; i++) {
        TD_TRY(build_path(build, list, i, "d", error));
        TD_TRY(check_list(build, list, error));
    }
    return TD_OK;
}

/* Links the units into one object that needs nothing of the program that loads it. */
static td_status link_units(const build *build, char linked[TD_PATH_ROOM], td_error *error) {
    command command;
    char object[2][TD_PATH_ROOM], log[TD_PATH_ROOM];
    TD_TRY(build_path(build, linked, -1, "so", error));
    TD_TRY(build_path(build, log, -1, "log", error));
    for (int i = 0; i < build->count; i++) TD_TRY(build_path(build, object[i], i, "o", error));
    if (!begin_command(&command, build->tools->compiler)) return td_fail(error, TD_NO_MEMORY, "memory ran out");
    const char *const words[] = {"-shared", "-fPIC", "-Wl,-z,defs", "-o", linked};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) add_word(&command, words[i]);
    for (int i = 0; i < build->count; i++) add_word(&command, object[i]);
    add_word(&command, "-lm");
    pid_t child = start(&command, log);
    int code = errno;
    free(command.words_of_compiler);
    if (!child) return td_fail(error, TD_FAILED, "compiler %s cannot be run: %s", build->tools->compiler, strerror(code));
    code = finish(child);
    show(build, log);
    return code ? td_fail(error, TD_BAD_ARG, "%s compiles but does not link: it needs something that is neither its own nor of the C library",
                          build->path)
                : TD_OK;
}

/* Removes a build folder with all that is in it, compilers' own temporary files too. */
static void remove_folder(const char *path) {
    DIR *folder = opendir(path);
    if (!folder) return;
    for (const struct dirent *entry; (entry = readdir(folder));) unlinkat(dirfd(folder), entry->d_name, 0);
    closedir(folder);
    rmdir(path);
}

/* Build folders of the same object that killed processes left: whoever holds the lock is the only one that builds. */
static void remove_leftovers(const char *folder, const char *key) {
    char path[TD_PATH_ROOM];
    DIR *all = opendir(folder);
    if (!all) return;
    for (const struct dirent *entry; (entry = readdir(all));)
        if (strncmp(entry->d_name, key, 64) == 0 && strncmp(entry->d_name + 64, ".build.", 7) == 0 &&
            write_path(path, NULL, "%s/%s", folder, entry->d_name) == TD_OK)
            remove_folder(path);
    closedir(all);
}

/* Digest of all the object depends on. */
static td_status make_key(const build *build, const td_sources *sources, const char *version, char key[TD_DIGEST_TEXT], td_error *error) {
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (!out) return td_fail(error, TD_NO_MEMORY, "memory ran out");
    fprintf(out, "tapedeck object 1, interface %d.%d, %s\n%s\n%s\n", TD_PLUGIN_MAJOR, TD_PLUGIN_MINOR,
            targets[build->isa[build->count - 1]].name, build->tools->compiler, version);
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++) fprintf(out, "%s ", flags[i]);
    for (int i = 0; i < sources->count; i++) fprintf(out, "\n%s  %s", sources->file[i].digest, i ? sources->file[i].name : "");
    bool done = fclose(out) == 0 && td_sha256_text(text, size, key);
    free(text);
    return done ? TD_OK : td_fail(error, TD_NO_MEMORY, "memory ran out");
}

/* Builds the object in a folder of its own and moves it to where it belongs; under the lock. */
static td_status build_object(build *build, const char *object, const char *key, const char *version, td_error *error) {
    char linked[TD_PATH_ROOM], now[TD_DIGEST_TEXT] = "";
    if (mkdir(build->folder, 0700)) return td_fail(error, TD_IO, "%s cannot be made: %s", build->folder, strerror(errno));
    td_status status = compile_units(build, error);
    if (status == TD_OK) status = link_units(build, linked, error);
    if (status == TD_OK) {
        /* the compiler read the files after we did */
        td_sources again;
        status = td_sources_read(&again, build->path, build->tools->headers, error);
        if (status == TD_OK) status = make_key(build, &again, version, now, error);
        if (status == TD_OK && strcmp(now, key))
            status = td_fail(error, TD_BAD_ARG, "%s changed while it was compiled; start again", build->path);
        td_sources_free(&again);
    }
    if (status == TD_OK) status = keep_object(linked, object, error);
    remove_folder(build->folder);
    return status;
}

static td_status use_cache(build *build, const char *version, td_compiled *compiled, td_error *error) {
    char folder[TD_PATH_ROOM], path[TD_PATH_ROOM], key[TD_DIGEST_TEXT];
    TD_TRY(make_key(build, build->sources, version, key, error));
    TD_TRY(write_path(folder, error, "%s/strategies", build->tools->cache));
    TD_TRY(make_folder(folder, error));
    TD_TRY(write_path(compiled->object, error, "%s/%s.so", folder, key));
    TD_TRY(write_path(build->folder, error, "%s/%s.build.%ld", folder, key, (long)getpid()));
    TD_TRY(write_path(path, error, "%s/%s.lock", folder, key));
    if (object_is_whole(compiled->object)) return TD_OK;
    int lock;
    TD_TRY(take_lock(path, &lock, error));
    td_status status = TD_OK;
    if (!object_is_whole(compiled->object)) {
        remove_leftovers(folder, key);
        status = build_object(build, compiled->object, key, version, error);
    }
    unlink(path);
    close(lock);
    return status;
}

td_status td_compile_strategy(const td_toolchain *tools, const char *path, FILE *talk, td_compiled *compiled, td_error *error) {
    td_sources *sources = malloc(sizeof *sources);
    if (!sources) return td_fail(error, TD_NO_MEMORY, "memory ran out");
    build build = {.tools = tools, .path = path, .sources = sources, .talk = talk, .count = 1};
    char *version = NULL;
    td_status status = td_isa_pick(&build.isa[1], error);
    if (build.isa[1] != TD_ISA_SCALAR) build.count = 2;
    if (status == TD_OK) status = td_sources_read(sources, path, tools->headers, error);
    if (status == TD_OK && !td_sources_digest(sources, compiled->source)) status = td_fail(error, TD_NO_MEMORY, "memory ran out");
    if (status == TD_OK) status = compiler_version(tools, &version, error);
    if (version && strstr(version, "clang")) build.brief = "-fmacro-backtrace-limit=1";
    else if (version && strstr(version, "Free Software Foundation")) build.brief = "-ftrack-macro-expansion=0";
    if (status == TD_OK) status = use_cache(&build, version, compiled, error);
    free(version);
    td_sources_free(sources);
    free(sources);
    return status;
}
