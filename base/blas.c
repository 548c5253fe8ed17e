/* See blas.h. */
#include "base/blas.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Kernels older than AVX2, and those of AVX2, in the names of openblas_get_corename(). */
static const char *const before_avx2[] = {"Katmai",      "Coppermine",   "Northwood", "Prescott", "Banias",       "Core2",
                                          "Penryn",      "Dunnington",   "Nehalem",   "Atom",     "Sandybridge",  "Athlon",
                                          "Opteron",     "Opteron_SSE3", "Barcelona", "Bobcat",   "Nano",         "Bulldozer",
                                          "Piledriver",  "Steamroller"};
static const char *const of_avx2[] = {"Haswell", "Zen", "Excavator"};

static bool among(const char *name, const char *const *names, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (!strcasecmp(name, names[i])) return true;
    return false;
}

const char *td_blas_better_core(const td_cpu *cpu, const char *core) {
    bool old = among(core, before_avx2, sizeof before_avx2 / sizeof *before_avx2);
    bool middle = among(core, of_avx2, sizeof of_avx2 / sizeof *of_avx2);
    if (cpu->level >= 3 && cpu->amd) return old ? "ZEN" : NULL; /* OpenBLAS itself runs Zen kernels on AMD's AVX-512 machines */
    if (cpu->level >= 4) return old || middle ? "SKYLAKEX" : NULL;
    if (cpu->level == 3) return old ? "HASWELL" : NULL;
    return NULL;
}

static td_blas found;
static td_error failure;

/* Loads the library and asks it for its kernels; NULL when it cannot. */
static void *load(char *core, size_t size) {
    void *library = dlopen("libopenblas.so.0", RTLD_NOW | RTLD_LOCAL);
    if (!library) {
        td_fail(&failure, TD_FAILED, "OpenBLAS cannot be loaded: %s", dlerror());
        return NULL;
    }
    char *(*corename)(void) = (char *(*)(void))dlsym(library, "openblas_get_corename");
    char *(*config)(void) = (char *(*)(void))dlsym(library, "openblas_get_config");
    if (!corename || !config) {
        td_fail(&failure, TD_FAILED, "libopenblas.so.0 has no openblas_get_corename: it is not OpenBLAS");
        dlclose(library);
        return NULL;
    }
#define TD_FUNCTION(name)                                                                                                         \
    *(void **)&found.name = dlsym(library, #name "_");                                                                           \
    if (!found.name) td_fail(&failure, TD_FAILED, "libopenblas.so.0 has no %s: it was built without LAPACK", #name);
    TD_FUNCTION(dpotrf) TD_FUNCTION(dpotri) TD_FUNCTION(dpotrs) TD_FUNCTION(dsymm)
#undef TD_FUNCTION
    snprintf(core, size, "%s", corename());
    snprintf(found.config, sizeof found.config, "%s", config());
    return library;
}

static void load_once(void) {
    const char *user = getenv("OPENBLAS_CORETYPE");
    found.by_user = user && *user;
    setenv("OPENBLAS_NUM_THREADS", "1", 1);
    void *library = load(found.chosen, sizeof found.chosen);
    if (!library) return;
    memcpy(found.core, found.chosen, sizeof found.core);
    found.better = td_blas_better_core(td_cpu_get(), found.core);
    if (!found.better || found.by_user) return;
    /* a second load reads the environment anew, provided nothing else holds the library; its answer says whether it did */
    setenv("OPENBLAS_CORETYPE", found.better, 1);
    dlclose(library);
    if (load(found.core, sizeof found.core)) found.better = td_blas_better_core(td_cpu_get(), found.core);
}

td_status td_blas_load(const td_blas **blas, td_error *error) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, load_once);
    *blas = NULL;
    if (failure.message[0]) return td_fail(error, TD_FAILED, "%s", failure.message);
    *blas = &found;
    return TD_OK;
}
