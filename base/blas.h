/* OpenBLAS, loaded at run time so that it can be told two things it reads only while it loads.
 *
 *   OPENBLAS_NUM_THREADS=1   OpenMP owns the cores, and a matrix product must not depend on the number of threads
 *   OPENBLAS_CORETYPE        OpenBLAS picks its kernels by the processor's model number; a model younger than the library falls to
 *                            the kernel of a Pentium 4 ("Prescott"), 4.7 times slower than the right one on an AVX-512 machine
 *
 * The library is loaded, asked for its choice and, when that is known to be wrong and the user has set no OPENBLAS_CORETYPE,
 * loaded again with the right one. */
#ifndef TAPEDECK_BASE_BLAS_H
#define TAPEDECK_BASE_BLAS_H

#include <stdbool.h>

#include "base/cpu.h"
#include "base/error.h"

typedef struct td_blas {
    char core[32];      /* the kernels in use: "SkylakeX", "Haswell", "Zen", ... */
    char chosen[32];    /* what OpenBLAS took before we said anything */
    bool by_user;       /* OPENBLAS_CORETYPE was set before we started, and was left alone */
    const char *better; /* the OPENBLAS_CORETYPE that would be right, NULL when `core` is right */
    char config[192];   /* version and build options in OpenBLAS' words */
    /* What we call of BLAS and LAPACK, by their Fortran names: of the very library that was loaded, which a LAPACKE linked at build time
     * would not be. Column-major. */
    void (*dpotrf)(const char *uplo, const int *n, double *a, const int *lda, int *info);
    void (*dpotri)(const char *uplo, const int *n, double *a, const int *lda, int *info);
    void (*dpotrs)(const char *uplo, const int *n, const int *nrhs, const double *a, const int *lda, double *b, const int *ldb, int *info);
    void (*dsymm)(const char *side, const char *uplo, const int *m, const int *n, const double *alpha, const double *a, const int *lda,
                  const double *b, const int *ldb, const double *beta, double *c, const int *ldc);
} td_blas;

/* Loads OpenBLAS (once; later calls return the same) and keeps it to the end of the program. The first call changes the
 * environment: make it before threads start. TD_FAILED where there is no OpenBLAS; *blas is then NULL. */
td_status td_blas_load(const td_blas **blas, td_error *error);

/* The OPENBLAS_CORETYPE to set when OpenBLAS runs the kernels of `core` on `cpu`, or NULL when they are right or not known to be
 * wrong (names younger than this table). */
const char *td_blas_better_core(const td_cpu *cpu, const char *core);

#endif
