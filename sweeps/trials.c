/* See trials.h. */
#include "sweeps/trials.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "data/number.h"
#include "data/text_source.h"

/* PBO and the bootstraps look at no more trials than this: their cost is that of a day's sweep else, and their answer does not get
 * better. The chosen one is always among them. */
enum { LOOKED_MAX = 4096 };

void td_trials_free(td_trials *trials) {
    free(trials->returns);
    for (int64_t k = 0; trials->names && k < trials->count; k++) free(trials->names[k]);
    free(trials->names);
    free(trials->rows);
    *trials = (td_trials){0};
}

/* ---- from CSV ---- */

typedef struct text {
    char *bytes;
    size_t length, room;
    const char *name;
} text;

static td_status begin_text(void *user, const char *name, int64_t size_hint, td_error *error) {
    text *t = user;
    if (t->length > 0) return td_fail(error, TD_BAD_DATA, "%s: a second file in the archive; a matrix is one", name);
    t->room = (size_t)(size_hint > 0 ? size_hint : 1 << 16) + 1;
    t->bytes = realloc(t->bytes, t->room);
    return t->bytes ? TD_OK : td_fail(error, TD_NO_MEMORY, "%s: no memory for %zu bytes", name, t->room);
}

static td_status feed_text(void *user, const char *data, size_t size, td_error *error) {
    text *t = user;
    if (t->length + size + 1 > t->room) {
        t->room = 2 * (t->length + size + 1);
        char *grown = realloc(t->bytes, t->room);
        if (!grown) return td_fail(error, TD_NO_MEMORY, "no memory for %zu bytes", t->room);
        t->bytes = grown;
    }
    memcpy(t->bytes + t->length, data, size);
    t->length += size;
    return TD_OK;
}

static td_status end_text(void *user, td_error *error) {
    (void)user;
    (void)error;
    return TD_OK;
}

/* The next field of a line, [*at, end): without quotes and blanks around it. Moves *at past the comma; NULL behind the last. */
static const char *next_field(const char **at, const char *end, size_t *length) {
    const char *from = *at;
    if (!from) return NULL;
    const char *comma = memchr(from, ',', (size_t)(end - from)), *to = comma ? comma : end;
    *at = comma ? comma + 1 : NULL;
    while (from < to && (*from == ' ' || *from == '\t')) from++;
    while (to > from && (to[-1] == ' ' || to[-1] == '\t' || to[-1] == '\r')) to--;
    if (to - from >= 2 && *from == '"' && to[-1] == '"') from++, to--;
    *length = (size_t)(to - from);
    return from;
}

static bool is_label(const char *name, size_t length) {
    static const char *const labels[] = {"", "index", "date", "time", "datetime", "timestamp", "period"};
    for (size_t i = 0; i < sizeof labels / sizeof *labels; i++)
        if (strlen(labels[i]) == length && strncasecmp(labels[i], name, length) == 0) return true;
    return false;
}

static td_status read_header(const char *path, const char *line, const char *end, td_trials *trials, bool *labelled, td_error *error) {
    const char *at = line, *name;
    size_t length;
    int64_t fields = 0, room = 0;
    *labelled = false;
    while ((name = next_field(&at, end, &length))) {
        double number;
        if (fields++ == 0 && (*labelled = is_label(name, length))) continue;
        if (td_number_parse(name, (int64_t)length, &number))
            return td_fail(error, TD_BAD_DATA, "%s:1: found the number '%.*s' where the name of a trial is expected: the first line is a header of "
                           "names", path, (int)(length < 40 ? length : 40), name);
        if (trials->count == room) {
            room = room ? 2 * room : 64;
            char **grown = realloc(trials->names, (size_t)room * sizeof *grown);
            if (!grown) return td_fail(error, TD_NO_MEMORY, "%s: no memory for names", path);
            trials->names = grown;
        }
        char *copy = strndup(name, length);
        if (!copy) return td_fail(error, TD_NO_MEMORY, "%s: no memory for names", path);
        trials->names[trials->count++] = copy;
    }
    return trials->count ? TD_OK : td_fail(error, TD_BAD_DATA, "%s:1: the header names no trial", path);
}

static td_status read_row(const char *path, int64_t number, const char *line, const char *end, bool labelled, td_trials *trials,
                          td_error *error) {
    const char *at = line, *field;
    size_t length;
    double *row = trials->returns + trials->periods * trials->count;
    int64_t k = labelled ? -1 : 0;
    for (; (field = next_field(&at, end, &length)); k++) {
        if (k < 0) continue;
        if (k == trials->count) break;
        if (!td_number_parse(field, (int64_t)length, &row[k]) || !isfinite(row[k]))
            return td_fail(error, TD_BAD_DATA, "%s:%lld: found '%.*s' as the return of trial '%.40s', expected a finite number", path,
                           (long long)number, (int)(length < 40 ? length : 40), field, trials->names[k]);
    }
    if (k < trials->count || field)
        return td_fail(error, TD_BAD_DATA, "%s:%lld: found %s than %lld returns, as many as the header names", path, (long long)number,
                       field ? "more" : "fewer", (long long)trials->count);
    trials->periods++;
    return TD_OK;
}

static td_status parse_matrix(const char *path, const text *t, td_trials *trials, td_error *error) {
    const char *at = t->bytes, *stop = t->bytes + t->length;
    bool labelled = false;
    int64_t room = 0, number = 0;
    while (at < stop) {
        const char *end = memchr(at, '\n', (size_t)(stop - at));
        if (!end) end = stop;
        number++;
        bool empty = end == at || (end == at + 1 && *at == '\r');
        if (number == 1)
            TD_TRY(read_header(path, at, end, trials, &labelled, error));
        else if (!empty) {
            if (trials->periods == room) {
                room = room ? 2 * room : 256;
                double *grown = realloc(trials->returns, (size_t)(room * trials->count) * sizeof *grown);
                if (!grown) return td_fail(error, TD_NO_MEMORY, "%s: no memory for %lld rows of returns", path, (long long)room);
                trials->returns = grown;
            }
            TD_TRY(read_row(path, number, at, end, labelled, trials, error));
        }
        at = end + 1;
    }
    if (number == 0) return td_fail(error, TD_BAD_DATA, "%s: the file is empty, expected a header of names and rows of returns", path);
    return trials->periods ? TD_OK : td_fail(error, TD_BAD_DATA, "%s: there are no returns below the header", path);
}

td_status td_trials_read(const char *path, td_trials *trials, td_error *error) {
    *trials = (td_trials){.periods_per_year = NAN};
    text t = {.name = path};
    td_text_sink sink = {.user = &t, .begin = begin_text, .feed = feed_text, .end = end_text};
    td_status status = td_text_read(path, TD_DECOMPRESSED_MAX, &sink, error);
    if (status == TD_OK) status = parse_matrix(path, &t, trials, error);
    free(t.bytes);
    if (status != TD_OK) td_trials_free(trials);
    return status;
}

/* ---- from results ---- */

static char *name_of_row(td_results *results, int64_t row) {
    char *name = NULL;
    long long trial = (long long)td_results_row_trial(results, row);
    int length = td_results_several(results)
                     ? asprintf(&name, "%s %s trial %lld", td_results_symbol_name(results, td_results_row_symbol(results, row)),
                                td_results_interval_name(results, td_results_row_interval(results, row)), trial)
                     : asprintf(&name, "trial %lld", trial);
    return length < 0 ? NULL : name;
}

/* From the first to the last bar; NaN of several markets. */
static double years_of(const td_results *results) {
    const char *first = td_results_attribute(results, "first_bar_time"), *last = td_results_attribute(results, "last_bar_time");
    int64_t from, to;
    if (!first || !last || !td_time_parse(first, (int64_t)strlen(first), &from) || !td_time_parse(last, (int64_t)strlen(last), &to) || to <= from)
        return NAN;
    return (double)(to - from) / (365.25 * (double)TD_NS_PER_DAY);
}

td_status td_trials_of_results(td_results *results, td_trials *trials, td_error *error) {
    int64_t rows = td_results_rows(results), blocks = td_results_blocks(results);
    *trials = (td_trials){.periods = blocks, .periods_per_year = NAN};
    const int32_t *state = td_results_state(results, error);
    if (!state) return TD_BAD_DATA;
    float *one = malloc((size_t)blocks * sizeof *one);
    double *kept = malloc((size_t)(rows * blocks) * sizeof *kept); /* (trials, periods), turned round below */
    trials->rows = malloc((size_t)rows * sizeof *trials->rows);
    trials->names = calloc((size_t)rows, sizeof *trials->names);
    td_status status = one && kept && trials->rows && trials->names
                           ? TD_OK : td_fail(error, TD_NO_MEMORY, "no memory for the returns of %lld trials", (long long)rows);
    for (int64_t row = 0; row < rows && status == TD_OK; row++) {
        bool good = state[row] == TD_CELL_DONE;
        if (good) status = td_results_block_returns(results, row, one, error);
        for (int64_t b = 0; b < blocks && good && status == TD_OK; b++) good = isfinite(one[b]);
        if (!good || status != TD_OK) {
            trials->left_out++;
            continue;
        }
        for (int64_t b = 0; b < blocks; b++) kept[trials->count * blocks + b] = one[b];
        trials->rows[trials->count] = row;
        trials->names[trials->count] = name_of_row(results, row);
        if (!trials->names[trials->count++]) status = td_fail(error, TD_NO_MEMORY, "no memory for names");
    }
    free(one);
    if (status == TD_OK && trials->count == 0)
        status = td_fail(error, TD_BAD_DATA, "no trial of the file is done and has returns for each of its %lld blocks", (long long)blocks);
    if (status == TD_OK) {
        trials->returns = malloc((size_t)(trials->count * blocks) * sizeof *trials->returns);
        if (!trials->returns) status = td_fail(error, TD_NO_MEMORY, "no memory for the returns of %lld trials", (long long)rows);
    }
    for (int64_t k = 0; status == TD_OK && k < trials->count; k++)
        for (int64_t b = 0; b < blocks; b++) trials->returns[b * trials->count + k] = kept[k * blocks + b];
    free(kept);
    trials->periods_per_year = (double)blocks / years_of(results);
    if (status != TD_OK) td_trials_free(trials);
    return status;
}

/* ---- the verdict ---- */

td_judge_def td_default_judge_def(void) {
    return (td_judge_def){.blocks = 16, .replicates = 1000, .chosen = -1, .confidence = 0.95, .seed = 1};
}

static double autocorrelation(const double *returns, int64_t count, int64_t stride, double mean) {
    double cross = 0, square = 0;
    for (int64_t t = 0; t < count; t++) {
        double x = returns[t * stride] - mean;
        square += x * x;
        if (t) cross += x * (returns[(t - 1) * stride] - mean);
    }
    return square > 0 ? cross / square : 0;
}

/* The trials to look at closely: all, or some spread evenly with the chosen one among them. view gets their returns. */
static td_status look(const td_trials *trials, int64_t chosen, int64_t **which, int64_t *count, double **view, td_error *error) {
    *count = trials->count < LOOKED_MAX ? trials->count : LOOKED_MAX;
    *which = malloc((size_t)*count * sizeof **which);
    *view = malloc((size_t)(*count * trials->periods) * sizeof **view);
    if (!*which || !*view) return td_fail(error, TD_NO_MEMORY, "no memory to look at %lld trials", (long long)*count);
    int64_t nearest = 0;
    for (int64_t i = 0; i < *count; i++) {
        (*which)[i] = (int64_t)((__int128)i * trials->count / *count);
        if ((*which)[i] <= chosen) nearest = i;
    }
    (*which)[nearest] = chosen;
    for (int64_t t = 0; t < trials->periods; t++)
        for (int64_t i = 0; i < *count; i++) (*view)[t * *count + i] = trials->returns[t * trials->count + (*which)[i]];
    return TD_OK;
}

static td_status judge_many(const td_trials *trials, const td_judge_def *def, td_judgement *j, td_error *error) {
    int64_t *which = NULL;
    double *view = NULL;
    bool *superior = NULL;
    td_status status = look(trials, j->chosen, &which, &j->looked, &view, error);
    int blocks = def->blocks;
    while (blocks > 2 && trials->periods < 2 * blocks) blocks -= 2;
    if (status == TD_OK && j->looked > 1 && trials->periods >= 2 * blocks)
        status = td_pbo_make(view, trials->periods, j->looked, blocks, def->replicates / 5, def->seed, &j->pbo, error);
    td_reality_def reality = td_default_reality_def();
    reality.replicates = def->replicates;
    reality.block_length = def->block_length;
    reality.seed = def->seed;
    superior = calloc((size_t)j->looked, sizeof *superior);
    if (status == TD_OK && !superior) status = td_fail(error, TD_NO_MEMORY, "no memory for %lld trials", (long long)j->looked);
    if (status == TD_OK) status = td_reality_test(view, trials->periods, j->looked, &reality, &j->reality, superior, error);
    for (int64_t i = 0; status == TD_OK && i < j->looked; i++) j->superior[which[i]] = superior[i];
    if (status == TD_OK) j->reality.best = which[j->reality.best];
    free(which);
    free(view);
    free(superior);
    return status;
}

td_status td_judge(const td_trials *trials, const td_judge_def *def, td_judgement *j, td_error *error) {
    *j = (td_judgement){.chosen = def->chosen, .min_btl_years = NAN, .pbo = {.probability = NAN, .low = NAN, .high = NAN}};
    int64_t n = trials->count;
    if (trials->periods < 4) return td_fail(error, TD_BAD_DATA, "%lld periods say nothing, at least 4 are needed", (long long)trials->periods);
    j->superior = calloc((size_t)n, sizeof *j->superior);
    double *sharpe = malloc((size_t)n * sizeof *sharpe);
    if (!j->superior || !sharpe) {
        free(sharpe);
        td_judgement_free(j);
        return td_fail(error, TD_NO_MEMORY, "no memory for %lld trials", (long long)n);
    }
    #pragma omp parallel for schedule(static)
    for (int64_t k = 0; k < n; k++) sharpe[k] = td_moments_of(trials->returns + k, trials->periods, n).sharpe;
    double sum = 0, squares = 0;
    int64_t moving = 0, best = -1;
    for (int64_t k = 0; k < n; k++) {
        if (isnan(sharpe[k])) continue;
        sum += sharpe[k];
        moving++;
        if (best < 0 || sharpe[k] > sharpe[best]) best = k;
    }
    for (int64_t k = 0; k < n; k++)
        if (!isnan(sharpe[k])) squares += (sharpe[k] - sum / (double)moving) * (sharpe[k] - sum / (double)moving);
    free(sharpe);
    if (j->chosen < 0) j->chosen = best;
    td_status status = j->chosen < 0 ? td_fail(error, TD_BAD_DATA, "no trial moves: there is nothing to judge") : TD_OK;
    if (status == TD_OK) status = td_effective_trials(trials->returns, trials->periods, n, &j->effective, error);
    if (status != TD_OK) {
        td_judgement_free(j);
        return status;
    }

    td_moments *m = &j->moments;
    *m = td_moments_of(trials->returns + j->chosen, trials->periods, n);
    double count = (double)m->count;
    j->rho = autocorrelation(trials->returns + j->chosen, trials->periods, n, m->mean);
    j->psr = td_psr(m->sharpe, 0, m->skew, m->kurtosis, count);
    j->psr_2025 = td_psr_2025(m->sharpe, 0, m->skew, m->kurtosis, j->rho, count);
    j->min_trl = td_min_trl(m->sharpe, 0, m->skew, m->kurtosis, def->confidence);
    j->min_trl_2025 = td_min_trl_2025(m->sharpe, 0, m->skew, m->kurtosis, j->rho, def->confidence);
    j->sharpe_variance = moving > 1 ? squares / (double)(moving - 1) : 0;
    j->tried = def->tried > n ? def->tried : n;
    j->n_effective = j->effective.by_rank * ((double)j->tried / (double)n);
    j->benchmark = sqrt(j->sharpe_variance) * td_expected_max(j->n_effective);
    j->dsr = td_psr(m->sharpe, j->benchmark, m->skew, m->kurtosis, count);
    if (trials->periods_per_year > 0) j->min_btl_years = td_min_btl_years(m->sharpe * sqrt(trials->periods_per_year), j->n_effective);
    status = judge_many(trials, def, j, error);
    if (status != TD_OK) td_judgement_free(j);
    return status;
}

void td_judgement_free(td_judgement *judgement) {
    free(judgement->superior);
    judgement->superior = NULL;
}
