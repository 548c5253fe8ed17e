/* tapedeck doctor: what this machine and this build are, and what is wrong with them.
 *
 * One JSON document is built; the text form is a walk over it, so that the two say the same. */
#include <archive.h>
#include <argp.h>
#include <errno.h>
#include <fenv.h>
#include <ftw.h>
#include <gnu/libc-version.h>
#include <gsl/gsl_version.h>
#include <hdf5.h>
#include <jansson.h>
#include <libfyaml.h>
#include <omp.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/blas.h"
#include "base/cpu.h"
#include "cli/cli.h"
#include "commit.h"
#include "sim/plugin.h"

typedef struct diagnosis {
    json_t *document;
    json_t *problems; /* of {"severity": "warning" | "broken", "text"} */
    bool broken;
} diagnosis;

static json_t *section(diagnosis *found, const char *name) {
    json_t *object = json_object();
    json_object_set_new(found->document, name, object);
    return object;
}

static void put_text(json_t *object, const char *name, const char *text) {
    json_object_set_new(object, name, text ? json_string(text) : json_null());
}

static void put_number(json_t *object, const char *name, long long number) {
    json_object_set_new(object, name, json_integer(number));
}

__attribute__((format(printf, 3, 4))) static void tell(diagnosis *found, bool broken, const char *format, ...) {
    char text[640];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    json_array_append_new(found->problems, json_pack("{s:s,s:s}", "severity", broken ? "broken" : "warning", "text", text));
    found->broken |= broken;
}

static void look_at_build(diagnosis *found) {
    json_t *build = section(found, "tapedeck");
    put_text(build, "version", TAPEDECK_VERSION);
    put_text(build, "commit", TAPEDECK_COMMIT);
    json_object_set_new(build, "changed", json_boolean(TAPEDECK_COMMIT_DIRTY));
#ifdef __clang__
    put_text(build, "compiler", __VERSION__);
#else
    put_text(build, "compiler", "GCC " __VERSION__);
#endif
}

static void look_at_libraries(diagnosis *found) {
    json_t *libraries = section(found, "libraries");
    unsigned major = 0, minor = 0, release = 0;
    H5get_libversion(&major, &minor, &release);
    char text[64];
    snprintf(text, sizeof text, "%u.%u.%u", major, minor, release);
    put_text(libraries, "hdf5", text);
    put_text(libraries, "gsl", gsl_version);
    put_text(libraries, "libfyaml", fy_library_version());
    put_text(libraries, "jansson", jansson_version_str());
    put_text(libraries, "libarchive", archive_version_string());
    put_text(libraries, "openssl", OpenSSL_version(OPENSSL_VERSION));
    put_text(libraries, "glibc", gnu_get_libc_version());
    if (H5Zfilter_avail(H5Z_FILTER_DEFLATE) <= 0)
        tell(found, true, "this HDF5 library has no deflate filter, so compressed files cannot be read or written");
}

static void look_at_processor(diagnosis *found) {
    json_t *processor = section(found, "processor");
    const td_cpu *cpu = td_cpu_get();
    put_text(processor, "model", cpu->model);
    char level[16] = "not x86-64";
    if (cpu->level) snprintf(level, sizeof level, "x86-64-v%d", cpu->level);
    put_text(processor, "level", level);
    td_isa isa;
    td_error error = {""};
    const char *forced = getenv("TAPEDECK_ISA");
    if (td_isa_pick(&isa, &error) == TD_OK) {
        put_text(processor, "instruction_set", td_isa_name(isa));
        put_number(processor, "lanes", td_isa_lanes(isa));
        if (isa < td_isa_best())
            tell(found, false, "TAPEDECK_ISA=%s holds the engine to %s; this processor offers %s", forced ? forced : "",
                 td_isa_name(isa), td_isa_name(td_isa_best()));
    } else {
        put_text(processor, "instruction_set", NULL);
        tell(found, true, "%s", error.message);
    }
    put_text(processor, "TAPEDECK_ISA", forced);

    /* "the same bits everywhere" rests on these two; a library built with -ffast-math can break the first by being loaded */
    volatile double tiny = 1e-310;
    if (tiny / 2 == 0) tell(found, true, "this process flushes denormal numbers to zero: results would differ from other machines");
    if (fegetround() != FE_TONEAREST) tell(found, true, "this process does not round to nearest: results would differ");
}

static void look_at_threads(diagnosis *found) {
    json_t *threads = section(found, "threads");
    long online = sysconf(_SC_NPROCESSORS_ONLN);
    int usable = omp_get_num_procs(), team = omp_get_max_threads();
    put_number(threads, "processors", online);
    put_number(threads, "usable", usable);
    put_number(threads, "openmp", team);
    put_text(threads, "OMP_NUM_THREADS", getenv("OMP_NUM_THREADS"));
    if (team > usable)
        tell(found, false, "OpenMP would start %d threads on %d usable processors; set OMP_NUM_THREADS=%d", team, usable, usable);
}

static void look_at_memory(diagnosis *found) {
    json_t *memory = section(found, "memory");
    long page = sysconf(_SC_PAGESIZE);
    put_number(memory, "total_bytes", (long long)sysconf(_SC_PHYS_PAGES) * page);
    long long available = (long long)sysconf(_SC_AVPHYS_PAGES) * page, kilobytes;
    FILE *file = fopen("/proc/meminfo", "r"); /* counts what the page cache would give back, which sysconf does not */
    if (file) {
        char line[128];
        while (fgets(line, sizeof line, file))
            if (sscanf(line, "MemAvailable: %lld kB", &kilobytes) == 1) available = kilobytes * 1024;
        fclose(file);
    }
    put_number(memory, "available_bytes", available);
    put_number(memory, "page_bytes", page);
}

static void look_at_blas(diagnosis *found) {
    json_t *section_blas = section(found, "blas");
    const td_blas *blas;
    td_error error;
    if (td_blas_load(&blas, &error) != TD_OK) {
        put_text(section_blas, "core", NULL);
        tell(found, false, "%s", error.message);
        return;
    }
    put_text(section_blas, "core", blas->core);
    json_object_set_new(section_blas, "right", json_boolean(!blas->better));
    put_text(section_blas, "chosen_by_openblas", blas->by_user ? NULL : blas->chosen);
    put_text(section_blas, "OPENBLAS_CORETYPE", getenv("OPENBLAS_CORETYPE"));
    put_text(section_blas, "config", blas->config);
    if (blas->better && blas->by_user)
        tell(found, false, "OPENBLAS_CORETYPE asks for %s kernels, slow on this processor; unset it or set OPENBLAS_CORETYPE=%s",
             blas->core, blas->better);
    else if (blas->better)
        tell(found, false, "OpenBLAS runs %s kernels on this processor; set OPENBLAS_CORETYPE=%s before starting", blas->core,
             blas->better);
    else if (!blas->by_user && strcmp(blas->core, blas->chosen))
        tell(found, false, "OpenBLAS would choose %s kernels here; tapedeck corrects that for itself, other programs need "
             "OPENBLAS_CORETYPE=%s", blas->chosen, getenv("OPENBLAS_CORETYPE"));
}

static int remove_entry(const char *path, const struct stat *found, int kind, struct FTW *at) {
    (void)found, (void)kind, (void)at;
    return remove(path);
}

/* Compiles a strategy into a cache of its own, as a user's would be. */
static td_status try_compiler(const td_toolchain *tools, td_error *error) {
    static const char probe[] = "#include \"sim/strategy.h\"\nABOUT(\"probe\")\nPARAMETERS()\nROWS()\nSIGNALS(START(begin))\n"
                                "ON_SIGNAL {\n    target(+1, crossed_above(begin));\n}\n";
    td_toolchain own = *tools;
    char folder[] = "/tmp/tapedeck-doctor-XXXXXX", path[64];
    if (!mkdtemp(folder)) return td_fail(error, TD_IO, "%s cannot be made: %s", folder, strerror(errno));
    snprintf(path, sizeof path, "%s/probe.c", folder);
    snprintf(own.cache, sizeof own.cache, "%s", folder);
    FILE *file = fopen(path, "we");
    td_status status = TD_OK;
    if (!file || fputs(probe, file) == EOF || fclose(file) != 0) status = td_fail(error, TD_IO, "%s cannot be written: %s", path, strerror(errno));
    const td_strategy *strategy;
    if (status == TD_OK) status = td_plugin_load(path, &own, stderr, &strategy, error);
    nftw(folder, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
    return status;
}

static void look_at_strategies(diagnosis *found) {
    json_t *strategies = section(found, "own_strategies");
    td_toolchain tools = {.compiler = ""};
    td_error error = {""};
    bool good = true;
    const struct {
        const char *name, *text;
        td_status (*find)(td_toolchain *tools, td_error *error);
    } parts[] = {{"compiler", tools.compiler, td_find_compiler}, {"headers", tools.headers, td_find_headers},
                 {"cache", tools.cache, td_find_cache}};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        bool there = parts[i].find(&tools, &error) == TD_OK;
        put_text(strategies, parts[i].name, there ? parts[i].text : NULL);
        if (!there) tell(found, false, "strategies of your own cannot be played: %s", error.message);
        good &= there;
    }
    if (!good) return;
    bool compiles = try_compiler(&tools, &error) == TD_OK;
    json_object_set_new(strategies, "compiles", json_boolean(compiles));
    if (!compiles) tell(found, false, "strategies of your own cannot be played: %s", error.message);
}

/* A value as people read it. */
static const char *value_text(const char *name, const json_t *value, char *buffer, size_t size) {
    long long number = json_integer_value(value);
    if (json_is_string(value)) return json_string_value(value);
    if (json_is_boolean(value)) return json_is_true(value) ? "yes" : "no";
    if (json_is_null(value)) return "-";
    if (!strstr(name, "_bytes") || number < 1 << 20)
        snprintf(buffer, size, "%lld", number);
    else
        snprintf(buffer, size, "%.1f GiB", (double)number / (double)(1 << 30));
    return buffer;
}

static void print_text(const diagnosis *found) {
    const char *part, *name;
    json_t *object, *value;
    json_object_foreach(found->document, part, object) {
        if (!json_is_object(object)) continue;
        printf("%s\n", part);
        json_object_foreach(object, name, value) {
            char buffer[64];
            printf("  %-20s %s\n", name, value_text(name, value, buffer, sizeof buffer));
        }
    }
    size_t index;
    json_array_foreach(found->problems, index, value)
        printf("%s%s: %s\n", index ? "" : "\n", json_string_value(json_object_get(value, "severity")),
               json_string_value(json_object_get(value, "text")));
    if (!json_array_size(found->problems)) printf("\nnothing is wrong\n");
}

static error_t parse(int key, char *argument, struct argp_state *state) {
    switch (key) {
    case 'j': *(bool *)state->input = true; return 0;
    case ARGP_KEY_ARG: argp_error(state, "unexpected argument '%s'", argument); return 0;
    }
    return ARGP_ERR_UNKNOWN;
}

int td_cmd_doctor(int argc, char **argv) {
    static const struct argp_option options[] = {{"json", 'j', NULL, 0, "print one JSON document", 0}, {0}};
    static const struct argp parser = {
        .options = options,
        .parser = parse,
        .doc = "Says what this build and this machine are, and what is wrong with them. Exit code 1 when something is broken; "
               "warnings cost speed, not results.",
    };
    bool json = false;
    argp_parse(&parser, argc, argv, 0, NULL, &json);
    diagnosis found = {.document = json_object(), .problems = json_array()};
    look_at_build(&found);
    look_at_processor(&found);
    look_at_threads(&found);
    look_at_memory(&found);
    look_at_libraries(&found);
    look_at_blas(&found);
    look_at_strategies(&found);
    json_object_set_new(found.document, "problems", found.problems);
    json_object_set_new(found.document, "broken", json_boolean(found.broken));
    if (json) {
        json_dumpf(found.document, stdout, JSON_INDENT(2));
        putchar('\n');
    } else {
        print_text(&found);
    }
    bool broken = found.broken;
    json_decref(found.document);
    return broken ? TD_EXIT_FAILED : TD_EXIT_OK;
}
