/* Returns of many trials, from anyone's numbers or from a results file, and the verdict on them. */
#ifndef TAPEDECK_SWEEPS_TRIALS_H
#define TAPEDECK_SWEEPS_TRIALS_H

#include "sweeps/overfit.h"
#include "sweeps/reality.h"
#include "sweeps/results.h"

typedef struct td_trials {
    int64_t periods, count;    /* count >= 1 */
    double *returns;           /* (periods, count) finite */
    char **names;              /* (count) */
    int64_t *rows;             /* (count) of a results file; NULL of a matrix */
    int64_t left_out;          /* failed, pending, or without returns */
    double periods_per_year;   /* NaN: not known */
} td_trials;

/* A CSV file, packed or not: a header of names, then a row of numbers for each period, oldest first. A first column whose name is
 * empty, index, date or time is a label and no trial. TD_BAD_DATA with file and line. */
td_status td_trials_read(const char *path, td_trials *trials, td_error *error);
/* The returns per block of the rows of a results file that are done. */
td_status td_trials_of_results(td_results *results, td_trials *trials, td_error *error);
void td_trials_free(td_trials *trials);

typedef struct td_judge_def { /* start from td_default_judge_def() */
    int blocks;              /* of PBO. Default 16; fewer where there are not two periods for each. */
    int64_t replicates;      /* of the bootstraps. Default 1000 (PBO's interval: a fifth of it). */
    int64_t tried;           /* trials ever run on this data; 0: those at hand. Default 0. */
    int64_t chosen;          /* the trial to judge, -1: the one with the largest Sharpe ratio. Default -1. */
    double confidence;       /* of minTRL. Default 0.95. */
    double block_length;     /* of the bootstraps, 0: automatic. Default 0. */
    uint64_t seed;           /* Default 1. */
} td_judge_def;
td_judge_def td_default_judge_def(void);

typedef struct td_judgement {
    int64_t chosen, tried;
    td_moments moments;          /* of the chosen */
    double rho;                  /* its first-order autocorrelation */
    double psr, psr_2025;        /* against 0 */
    double min_trl, min_trl_2025; /* periods */
    double sharpe_variance;      /* of the trials' Sharpe ratios */
    td_effective effective;      /* of the trials at hand */
    double n_effective;          /* by_rank, as many times as there were trials for each one at hand */
    double benchmark;            /* Sharpe ratio that the best of n_effective trials without skill would show */
    double dsr;
    double min_btl_years;        /* NaN where periods_per_year is not known */
    td_pbo pbo;                  /* splits 0: there was no PBO (one trial, or too few periods) */
    td_reality reality;
    bool *superior;              /* (count) found by stepwise testing */
    int64_t looked;              /* trials that PBO and the bootstraps looked at: all, or so many spread evenly, and the chosen */
} td_judgement;
/* The same numbers whatever the threads. */
td_status td_judge(const td_trials *trials, const td_judge_def *def, td_judgement *judgement, td_error *error);
void td_judgement_free(td_judgement *judgement);

#endif
