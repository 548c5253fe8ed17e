/* See plugin.h. */
#include "sim/plugin.h"

#include <ctype.h>
#include <dlfcn.h>
#include <errno.h>
#include <fenv.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "data/row_kind.h"
#include "sim/events.h"
#include "sim/tape_kind.h"

/* What has been loaded, newest first; for ever. */
typedef struct loaded {
    struct loaded *next;
    td_strategy strategy;
    td_compiled compiled;
    char name[64];
} loaded;
static loaded *all_loaded;

bool td_plugin_is_path(const char *text) {
    size_t length = strlen(text);
    return strchr(text, '/') || (length > 2 && strcmp(text + length - 2, ".c") == 0);
}

const td_strategy *td_plugin_find(const char *name, const char *source) {
    for (const loaded *one = all_loaded; one; one = one->next)
        if (strcmp(one->name, name) == 0 && strcmp(one->compiled.source, source) == 0) return &one->strategy;
    return NULL;
}

/* my/golden_cross.c is golden-cross. */
static td_status name_of(const char *path, char name[64], td_error *error) {
    const char *slash = strrchr(path, '/'), *file = slash ? slash + 1 : path;
    size_t length = strlen(file);
    if (length < 3 || strcmp(file + length - 2, ".c"))
        return td_fail(error, TD_BAD_ARG, "a strategy of your own is a C file, its name ends in .c; found %s", path);
    length -= 2;
    if (length >= 64) return td_fail(error, TD_BAD_ARG, "%s: the name of a strategy has at most 63 characters", path);
    for (size_t i = 0; i < length; i++) {
        if (!isalnum((unsigned char)file[i]) && file[i] != '_' && file[i] != '-')
            return td_fail(error, TD_BAD_ARG, "%s: the file's name is the strategy's, and may hold letters, digits, _ and -; found '%c'", path,
                           file[i]);
        name[i] = file[i] == '_' ? '-' : file[i];
    }
    name[length] = 0;
    if (td_strategy_find(name))
        return td_fail(error, TD_BAD_ARG, "%s: '%s' is a built-in strategy; give the file another name", path, name);
    return TD_OK;
}

/* ---- what the object says about itself ---- */

static td_status check_param(const td_strategy *strategy, int index, const char *path, td_error *error) {
    const td_param_info *param = &strategy->params[index];
    if (!(param->minimum <= param->maximum))
        return td_fail(error, TD_BAD_ARG, "%s: parameter %s has the range %.10g to %.10g, which is empty", path, param->name, param->minimum,
                       param->maximum);
    if (!(param->preset >= param->minimum && param->preset <= param->maximum))
        return td_fail(error, TD_BAD_ARG, "%s: the default of parameter %s is %.10g, its range is %.10g to %.10g", path, param->name,
                       param->preset, param->minimum, param->maximum);
    if (param->kind != TD_PARAM_NUMBER && param->preset != floor(param->preset))
        return td_fail(error, TD_BAD_ARG, "%s: the default of parameter %s is %.10g, must be a whole number", path, param->name, param->preset);
    for (int other = 0; other < index; other++)
        if (strcmp(strategy->params[other].name, param->name) == 0)
            return td_fail(error, TD_BAD_ARG, "%s: two parameters are called %s", path, param->name);
    td_tape_kind kind = td_strategy_tape_kind(strategy);
    int knob = td_kind_find_knob(kind, param->name);
    if (knob >= 0)
        return td_fail(error, TD_BAD_ARG, "%s: no parameter can be called %s: that is a setting of every strategy (%s)", path, param->name,
                       td_kind_knob(kind, (td_knob)knob)->text);
    return TD_OK;
}

td_status td_check_strategy(const td_strategy *strategy, const char *path, td_error *error) {
    for (int i = 0; i < strategy->param_count; i++) TD_TRY(check_param(strategy, i, path, error));
    for (int i = 0; i < strategy->row_count; i++) {
        const td_row_info *row = &strategy->rows[i];
        const td_row_kind *kind = td_row_kind_find(row->kind);
        if (!kind) return td_fail(error, TD_BAD_ARG, "%s: row %s is of the unknown kind '%s'", path, row->name, row->kind);
        for (int a = 0; a < kind->argument_count; a++) {
            const td_row_argument *argument = &row->arguments[a];
            if (argument->from == TD_FROM_PARAM && kind->arguments[a].whole && strategy->params[argument->index].kind == TD_PARAM_NUMBER)
                return td_fail(error, TD_BAD_ARG, "%s: row %s takes its %s from parameter %s, which must be a WINDOW", path, row->name,
                               kind->arguments[a].name, strategy->params[argument->index].name);
        }
    }
    return TD_OK;
}

static td_status check_object(const td_plugin *plugin, const char *path, td_error *error) {
    static const int32_t layout[] = {TD_PLUGIN_LAYOUT};
    _Static_assert(sizeof layout == sizeof plugin->layout, "TD_PLUGIN_LAYOUT lists what td_plugin holds");
    if (!plugin) return td_fail(error, TD_BAD_ARG, "%s is no strategy: it has neither ON_SIGNAL nor ON_BAR", path);
    if (memcmp(plugin->magic, TD_PLUGIN_MAGIC, sizeof plugin->magic))
        return td_fail(error, TD_BAD_ARG, "%s is no strategy: its tapedeck_strategy is something else than sim/strategy.h makes", path);
    if (plugin->major != TD_PLUGIN_MAJOR || plugin->minor > TD_PLUGIN_MINOR)
        return td_fail(error, TD_BAD_ARG, "%s was compiled for version %d.%d of the strategy interface, this program has %d.%d: are the headers "
                       "those of another tapedeck?", path, plugin->major, plugin->minor, TD_PLUGIN_MAJOR, TD_PLUGIN_MINOR);
    if (memcmp(plugin->layout, layout, sizeof layout))
        return td_fail(error, TD_BAD_ARG, "%s was compiled with headers that are not those of this program: its tables have other sizes", path);
    return TD_OK;
}

/* ---- loading ---- */

/* Opens an object without letting it change how this process computes: merely loading what was linked with -ffast-math can turn
 * denormal numbers off. */
static td_status open_object(const char *object, const char *path, void **handle, td_error *error) {
    fenv_t before;
    fegetenv(&before);
    *handle = dlopen(object, RTLD_NOW | RTLD_LOCAL);
    volatile double tiny = 0x1p-1060;
    bool changed = tiny * 0.5 == 0 || fegetround() != FE_TONEAREST;
    fesetenv(&before);
    if (!*handle) return td_fail(error, TD_FAILED, "%s cannot be loaded: %s", path, dlerror());
    if (!changed) return TD_OK;
    dlclose(*handle);
    return td_fail(error, TD_FAILED, "%s changes how this process computes (denormal numbers or rounding) by being loaded; does the compiler "
                   "command hold -ffast-math?", path);
}

td_status td_plugin_load(const char *path, const td_toolchain *tools, FILE *talk, const td_strategy **strategy, td_error *error) {
    *strategy = NULL;
    td_toolchain found;
    char name[64];
    TD_TRY(name_of(path, name, error));
    if (access(path, F_OK) != 0) return td_fail(error, TD_BAD_ARG, "%s cannot be opened: %s", path, strerror(errno));
    if (!tools) {
        TD_TRY(td_find_headers(&found, error));
        TD_TRY(td_find_compiler(&found, error));
        TD_TRY(td_find_cache(&found, error));
        tools = &found;
    }
    loaded *one = calloc(1, sizeof *one);
    if (!one) return td_fail(error, TD_NO_MEMORY, "memory ran out");
    memcpy(one->name, name, sizeof name);
    void *handle = NULL;
    td_status status = td_compile_strategy(tools, path, talk, &one->compiled, error);
    const td_strategy *known = status == TD_OK ? td_plugin_find(one->name, one->compiled.source) : NULL;
    if (status == TD_OK && !known) {
        status = open_object(one->compiled.object, path, &handle, error);
        const td_plugin *plugin = status == TD_OK ? dlsym(handle, "tapedeck_strategy") : NULL;
        if (status == TD_OK) status = check_object(plugin, path, error);
        if (status == TD_OK) {
            one->strategy = *plugin->strategy;
            one->strategy.name = one->name;
            one->strategy.source = one->compiled.source;
            memcpy(one->strategy.kernels, plugin->kernels, sizeof one->strategy.kernels);
            status = td_check_strategy(&one->strategy, path, error);
        }
    }
    if (status == TD_OK && !known) {
        one->next = all_loaded;
        all_loaded = one;
        *strategy = &one->strategy;
        return TD_OK;
    }
    if (handle) dlclose(handle);
    free(one);
    *strategy = known;
    return status;
}

/* Puts the text where the compiler finds it; whole, or not at all. */
static td_status keep_text(const char *folder, const char *path, const char *text, td_error *error) {
    char fresh[TD_PATH_ROOM + 64];
    snprintf(fresh, sizeof fresh, "%s.%ld", path, (long)getpid());
    if (mkdir(folder, 0700) && errno != EEXIST) return td_fail(error, TD_IO, "%s cannot be made: %s", folder, strerror(errno));
    FILE *out = fopen(fresh, "we");
    bool bad = !out || fputs(text, out) < 0 || fchmod(fileno(out), 0600) != 0;
    if (out && fclose(out) != 0) bad = true;
    if (!bad && rename(fresh, path) == 0) return TD_OK;
    td_fail(error, TD_IO, "%s cannot be written: %s", path, strerror(errno));
    unlink(fresh);
    return TD_IO;
}

td_status td_plugin_load_text(const char *name, const char *text, FILE *talk, const td_strategy **strategy, td_error *error) {
    td_toolchain tools;
    char digest[TD_DIGEST_TEXT], folder[TD_PATH_ROOM], path[TD_PATH_ROOM];
    if (!td_sha256_text(text, strlen(text), digest)) return td_fail(error, TD_NO_MEMORY, "memory ran out");
    *strategy = td_plugin_find(name, digest);
    if (*strategy) return TD_OK;
    TD_TRY(td_find_headers(&tools, error));
    TD_TRY(td_find_compiler(&tools, error));
    TD_TRY(td_find_cache(&tools, error));
    if (snprintf(folder, sizeof folder, "%s/rules", tools.cache) >= TD_PATH_ROOM - 160)
        return td_fail(error, TD_FAILED, "the path of the cache is too long: %.200s...", tools.cache);
    if (mkdir(folder, 0700) && errno != EEXIST) return td_fail(error, TD_IO, "%s cannot be made: %s", folder, strerror(errno));
    size_t used = strlen(folder);
    snprintf(folder + used, sizeof folder - used, "/%s", digest);
    if (snprintf(path, sizeof path, "%s/%s.c", folder, name) >= TD_PATH_ROOM)
        return td_fail(error, TD_FAILED, "the path of the cache is too long: %.200s...", tools.cache);
    TD_TRY(keep_text(folder, path, text, error));
    return td_plugin_load(path, &tools, talk, strategy, error);
}
