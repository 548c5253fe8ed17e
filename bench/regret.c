/* See regret.h. The functions are those of Surjanovic and Bingham's virtual library of simulation experiments. */
#include "bench/regret.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/sorted.h"

static double branin(const double *x, int n) {
    (void)n;
    double a = x[1] - 5.1 / (4 * M_PI * M_PI) * x[0] * x[0] + 5 / M_PI * x[0] - 6;
    return a * a + 10 * (1 - 1 / (8 * M_PI)) * cos(x[0]) + 10;
}

static double hartmann6(const double *x, int n) {
    static const double alpha[4] = {1, 1.2, 3, 3.2};
    static const double a[4][6] = {{10, 3, 17, 3.5, 1.7, 8}, {0.05, 10, 17, 0.1, 8, 14}, {3, 3.5, 1.7, 10, 17, 8}, {17, 8, 0.05, 10, 0.1, 14}};
    static const double p[4][6] = {{1312, 1696, 5569, 124, 8283, 5886},
                                   {2329, 4135, 8307, 3736, 1004, 9991},
                                   {2348, 1451, 3522, 2883, 3047, 6650},
                                   {4047, 8828, 8732, 5743, 1091, 381}};
    double sum = 0;
    for (int i = 0; i < 4; i++) {
        double distance = 0;
        for (int d = 0; d < n; d++) distance += a[i][d] * (x[d] - p[i][d] * 1e-4) * (x[d] - p[i][d] * 1e-4);
        sum -= alpha[i] * exp(-distance);
    }
    return sum;
}

static double ackley(const double *x, int n) {
    double squares = 0, cosines = 0;
    for (int d = 0; d < n; d++) {
        squares += x[d] * x[d];
        cosines += cos(2 * M_PI * x[d]);
    }
    return -20 * exp(-0.2 * sqrt(squares / n)) - exp(cosines / n) + 20 + M_E;
}

static double sphere(const double *x, int n) {
    double sum = 0;
    for (int d = 0; d < n; d++) sum += x[d] * x[d];
    return sum;
}

static double rosenbrock(const double *x, int n) {
    double sum = 0;
    for (int d = 0; d + 1 < n; d++) sum += 100 * (x[d + 1] - x[d] * x[d]) * (x[d + 1] - x[d] * x[d]) + (1 - x[d]) * (1 - x[d]);
    return sum;
}

#define FIVE(x) x, x, x, x, x
static const td_problem problems[] = {
    {"branin", 2, {-5, 0}, {10, 15}, 0.397887357729738, branin},
    {"hartmann6", 6, {0}, {1, FIVE(1)}, -3.32236801141551, hartmann6},
    {"ackley5", 5, {FIVE(-32.768)}, {FIVE(32.768)}, 0, ackley},
    {"sphere10", 10, {FIVE(-5), FIVE(-5)}, {FIVE(5), FIVE(5)}, 0, sphere},
    {"rosenbrock10", 10, {FIVE(-5), FIVE(-5)}, {FIVE(5), FIVE(5)}, 0, rosenbrock},
};
enum { PROBLEMS = sizeof problems / sizeof *problems, TIMED = 10 };

const td_problem *td_problem_at(int index) { return index < PROBLEMS ? &problems[index] : NULL; }
const td_problem *td_problem_find(const char *name) {
    for (int i = 0; i < PROBLEMS; i++)
        if (!strcmp(problems[i].name, name)) return &problems[i];
    return NULL;
}

static double seconds_now(void) {
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* One seed: its regret, and the milliseconds of a late suggestion. */
static td_status play(const td_problem *problem, td_sampler_kind kind, int trials, uint64_t seed, double *regret, double *ms, td_error *error) {
    td_sampler_def def = td_default_sampler_def();
    def.kind = kind;
    def.seed = seed;
    def.dimensions = problem->dimensions;
    for (int d = 0; d < problem->dimensions; d++) def.dimension[d] = (td_dimension){.low = problem->low[d], .high = problem->high[d]};
    td_sampler *sampler;
    TD_TRY(td_sampler_open(&def, &sampler, error));
    double best = INFINITY, times[TIMED], point[TD_DIMENSIONS_MAX];
    int timed = 0;
    td_status status = TD_OK;
    for (int i = 0; i < trials && status == TD_OK; i++) {
        double began = seconds_now();
        int64_t number = td_sampler_suggest(sampler, point);
        if (i >= trials - TIMED) times[timed++] = 1e3 * (seconds_now() - began);
        if (number < 0) {
            status = td_fail(error, TD_NO_MEMORY, "no memory for trial %d", i);
            break;
        }
        double value = problem->value(point, problem->dimensions);
        if (value < best) best = value;
        td_sampler_tell(sampler, number, value, 0);
    }
    td_sampler_close(sampler);
    qsort(times, (size_t)timed, sizeof *times, td_compare_doubles);
    *ms = timed ? times[timed / 2] : NAN;
    *regret = best - problem->least;
    return status;
}

static double quantile(const double *sorted, int count, double q) {
    double at = q * (count - 1);
    int low = (int)at;
    return low + 1 < count ? sorted[low] + (at - low) * (sorted[low + 1] - sorted[low]) : sorted[low];
}

td_status td_regret_measure(const td_problem *problem, td_sampler_kind kind, int trials, int seeds, uint64_t first, td_regret *regret,
                            td_error *error) {
    double *found = malloc(2 * (size_t)seeds * sizeof *found), *times = found + seeds;
    if (!found) return td_fail(error, TD_NO_MEMORY, "no memory for %d seeds", seeds);
    td_status status = TD_OK;
    #pragma omp parallel for schedule(dynamic)
    for (int s = 0; s < seeds; s++) {
        td_error own = {""};
        td_status ended = play(problem, kind, trials, first + (uint64_t)s, &found[s], &times[s], &own);
        if (ended == TD_OK) continue;
        #pragma omp critical
        {
            status = ended;
            if (error) *error = own;
        }
    }
    *regret = (td_regret){.seeds = seeds};
    for (int s = 0; s < seeds; s++) regret->mean += found[s] / seeds;
    for (int s = 0; s < seeds; s++) regret->deviation += (found[s] - regret->mean) * (found[s] - regret->mean);
    regret->deviation = seeds > 1 ? sqrt(regret->deviation / (seeds - 1)) : NAN;
    qsort(found, (size_t)seeds, sizeof *found, td_compare_doubles);
    qsort(times, (size_t)seeds, sizeof *times, td_compare_doubles);
    regret->median = quantile(found, seeds, 0.5);
    regret->q1 = quantile(found, seeds, 0.25);
    regret->q3 = quantile(found, seeds, 0.75);
    regret->ms_per_suggest = quantile(times, seeds, 0.5);
    free(found);
    return status;
}
