/* See prove.h. The work is done in sweeps/poison.c and sweeps/warmup.c; here sets are drawn and reports printed. */
#include "cli/prove.h"

#include <inttypes.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/random.h"
#include "cli/cli.h"
#include "cli/job.h"
#include "cli/option.h"
#include "sweeps/poison.h"
#include "sweeps/warmup.h"

enum { KEY_POISON = 0x300, KEY_WARMUP, KEY_EVERY, KEY_OFFSETS, KEY_STEP, KEY_SAMPLE, KEY_SEED, SAMPLE_PRESET = 5, OFFSETS_PRESET = 20 };

typedef struct prove_arguments {
    td_job job; /* first: the input of its argp child */
    bool poison, warmup;
    int64_t every, offsets, step, sample;
    uint64_t seed;
} prove_arguments;

static const struct argp_option options[] = {
    {"poison", KEY_POISON, NULL, 0, "prove that no order and no equity depends on what comes after it", 0},
    {"every", KEY_EVERY, "K", 0, "with --poison: replay with the future after every K-th bar poisoned; 1 is every bar (default: as "
     "many as take seconds)", 0},
    {"warmup", KEY_WARMUP, NULL, 0, "measure how much the result depends on the bar it started at", 0},
    {"offsets", KEY_OFFSETS, "N", 0, "with --warmup: start again N times (default 20)", 0},
    {"step", KEY_STEP, "BARS", 0, "with --warmup: each start so many bars after the one before (default 1)", 0},
    {"sample", KEY_SAMPLE, "N", 0, "of a configuration that describes more than one set, take so many (default 5)", 0},
    {"seed", KEY_SEED, "N", 0, "draw other sets (default 0)", 0},
    {0},
};

static error_t parse(int key, char *text, struct argp_state *state) {
    prove_arguments *arguments = state->input;
    switch (key) {
    case ARGP_KEY_INIT: state->child_inputs[0] = &arguments->job; return 0;
    case KEY_POISON: arguments->poison = true; return 0;
    case KEY_WARMUP: arguments->warmup = true; return 0;
    case KEY_EVERY: arguments->every = td_option_whole(state, "every", text, 1, 1000000000); return 0;
    case KEY_OFFSETS: arguments->offsets = td_option_whole(state, "offsets", text, 1, 1000000000); return 0;
    case KEY_STEP: arguments->step = td_option_whole(state, "step", text, 1, 1000000000); return 0;
    case KEY_SAMPLE: arguments->sample = td_option_whole(state, "sample", text, 1, 1000000000); return 0;
    case KEY_SEED: arguments->seed = (uint64_t)td_option_whole(state, "seed", text, 0, 1000000000); return 0;
    case ARGP_KEY_SUCCESS:
        if (arguments->poison && arguments->warmup) argp_error(state, "--poison and --warmup are two questions; ask one at a time");
        if (arguments->every && arguments->warmup) argp_error(state, "--every goes with --poison");
        if ((arguments->offsets || arguments->step) && arguments->poison) argp_error(state, "--offsets and --step go with --warmup");
        return 0;
    }
    return ARGP_ERR_UNKNOWN;
}

bool td_prove_is_asked(int argc, char **argv) {
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], "--poison") == 0 || strcmp(argv[i], "--warmup") == 0) return true;
    return false;
}

static double seconds_now(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* What the reports say about a set. */
typedef struct subject {
    const td_job *job;
    const td_tape *tape; /* of the one market */
    int64_t trial;
    td_set set;
    char *parameters; /* text */
} subject;

static const char *time_of(const subject *subject, int64_t tape_bar, char *text) {
    return td_time_text(subject->tape->time_ns[tape_bar], text);
}

/* ---- --poison ---- */

static json_t *arrow_json(const subject *subject, const td_arrow *arrow) {
    json_t *json = json_pack("{s:I,s:o,s:b,s:I,s:I,s:I,s:I,s:b,s:I}", "trial", (json_int_t)subject->trial, "parameters",
                             td_job_parameters(subject->job, &subject->set), "leaks", arrow->leaks, "events",
                             (json_int_t)arrow->events, "every", (json_int_t)arrow->every, "cuts", (json_int_t)arrow->cuts,
                             "cuts_leaking", (json_int_t)arrow->cuts_leaking, "revealed", arrow->revealed, "bars_replayed",
                             (json_int_t)arrow->bars_replayed);
    if (json && arrow->leaks) {
        char time[32];
        const td_leak *leak = &arrow->first;
        json_object_set_new(json, "first", json_pack("{s:I,s:s,s:I,s:s,s:s,s:s}", "bar", (json_int_t)leak->bar, "time",
                                                     time_of(subject, subject->job->config->play.first_bar + leak->bar, time),
                                                     "cut", (json_int_t)leak->cut, "poison", td_poison_name(leak->poison), "truth",
                                                     leak->truth, "poisoned", leak->poisoned));
    }
    return json;
}

static void arrow_text(const subject *subject, const td_arrow *arrow) {
    printf("set %" PRId64 " (%s): ", subject->trial, subject->parameters);
    if (!arrow->leaks) {
        char which[48] = "any bar";
        if (!arrow->revealed && arrow->every > 1) snprintf(which, sizeof which, "bars 0, %" PRId64 ", %" PRId64 ", ...", arrow->every, 2 * arrow->every);
        printf("%" PRId64 " decisions, fills and bars are the same, bit for bit, whatever comes after %s\n", arrow->events, which);
        if (!arrow->revealed && arrow->every > 1)
            puts("  something is computed from the tape before it is played; --every 1 proves the other bars");
        return;
    }
    char time[32], cut[32];
    int64_t first = subject->job->config->play.first_bar;
    const td_leak *leak = &arrow->first;
    printf("bar %" PRId64 " (%s) depends on what comes after bar %" PRId64 " (%s):\n", leak->bar, time_of(subject, first + leak->bar, time),
           leak->cut, time_of(subject, first + leak->cut, cut));
    printf("    with the true future            %s\n    with prices %-19s %s\n", leak->truth, td_poison_text(leak->poison), leak->poisoned);
    printf("  %" PRId64 " of %" PRId64 " replays differ\n", arrow->cuts_leaking, arrow->cuts);
}

/* ---- --warmup ---- */

static json_t *spread_json(const td_spread *spread) {
    return json_pack("{s:f,s:f,s:f}", "least", spread->least, "median", spread->median, "most", spread->most);
}

/* A bar, within the tape, as {"bar", "time"} where bars count from the period's first; null for none. */
static json_t *bar_json(const subject *subject, int64_t tape_bar) {
    char time[32];
    if (tape_bar < 0) return json_null();
    return json_pack("{s:I,s:s}", "bar", (json_int_t)(tape_bar - subject->job->config->play.first_bar), "time",
                     time_of(subject, tape_bar, time));
}

static json_t *warmup_json(const subject *subject, const td_warmup *warmup) {
    json_t *starts = json_array();
    for (int64_t i = 0; i < warmup->starts; i++) {
        const td_start *start = &warmup->start[i];
        json_array_append_new(starts, json_pack("{s:I,s:o,s:I,s:f,s:f,s:b}", "offset",
                                                (json_int_t)(start->first_bar - warmup->start[0].first_bar), "settled",
                                                bar_json(subject, start->settled), "differing", (json_int_t)start->differing, "trades",
                                                start->trades, "total_return", start->total_return, "failed", start->failed));
    }
    return json_pack("{s:I,s:o,s:o,s:I,s:o,s:I,s:o,s:o,s:o}", "trial", (json_int_t)subject->trial, "parameters",
                     td_job_parameters(subject->job, &subject->set), "first_common", bar_json(subject, warmup->first_common), "common",
                     (json_int_t)warmup->common, "settled", bar_json(subject, warmup->settled), "never", (json_int_t)warmup->never,
                     "trades", spread_json(&warmup->trades), "total_return", spread_json(&warmup->total_return), "starts", starts);
}

static void warmup_text(const subject *subject, const td_warmup *warmup) {
    char time[32];
    int64_t first = subject->job->config->play.first_bar;
    printf("set %" PRId64 " (%s): %" PRId64 " starts, %" PRId64 " bars in common from bar %" PRId64 " on\n", subject->trial,
           subject->parameters, warmup->starts, warmup->common, warmup->first_common - first);
    if (warmup->never)
        printf("  %" PRId64 " of %" PRId64 " later starts never come to the side of the first one\n", warmup->never, warmup->starts - 1);
    else if (warmup->settled == warmup->first_common)
        puts("  all are on the same side at every common bar");
    else
        printf("  all are on the same side from bar %" PRId64 " (%s) on\n", warmup->settled - first, time_of(subject, warmup->settled, time));
    printf("  trades %g to %g, median %g; return over the common bars %.6g to %.6g, median %.6g\n", warmup->trades.least,
           warmup->trades.most, warmup->trades.median, warmup->total_return.least, warmup->total_return.most,
           warmup->total_return.median);
}

/* ---- both ---- */

typedef struct tally {
    int64_t bars_replayed, leaking, every;
    td_arrow worst;   /* of the first set that leaks */
    int64_t trial;    /* that set */
} tally;

static td_status prove_set(const prove_arguments *arguments, subject *subject, json_t *list, tally *tally, td_error *error) {
    const td_job *job = subject->job;
    if (arguments->warmup) {
        td_warmup warmup;
        TD_TRY(td_measure_warmup(subject->tape, &job->config->play, &subject->set, arguments->offsets ? arguments->offsets : OFFSETS_PRESET,
                                 arguments->step ? arguments->step : 1, omp_get_max_threads(), &warmup, error));
        for (int64_t i = 0; i < warmup.starts; i++) tally->bars_replayed += warmup.common + warmup.first_common - warmup.start[i].first_bar;
        if (list)
            json_array_append_new(list, warmup_json(subject, &warmup));
        else
            warmup_text(subject, &warmup);
        td_warmup_free(&warmup);
        return TD_OK;
    }
    td_arrow arrow;
    TD_TRY(td_prove_arrow(subject->tape, &job->config->play, &subject->set, arguments->every, &arrow, error));
    tally->bars_replayed += arrow.bars_replayed;
    tally->every = arrow.every;
    if (arrow.leaks && !tally->leaking++) {
        tally->worst = arrow;
        tally->trial = subject->trial;
    }
    if (list)
        json_array_append_new(list, arrow_json(subject, &arrow));
    else
        arrow_text(subject, &arrow);
    return TD_OK;
}

/* "", "2nd ", "11th ", "21st ". */
static const char *ordinal(int64_t n, char text[32]) {
    const char *ends[] = {"th", "st", "nd", "rd"};
    int64_t last = n % 10 < 4 && n / 10 % 10 != 1 ? n % 10 : 0;
    snprintf(text, 32, "%" PRId64 "%s ", n, ends[last]);
    return n == 1 ? "" : text;
}

/* Set i of a sample: one out of each of equal stretches of the space. */
static int64_t draw_trial(const prove_arguments *arguments, int64_t i, int64_t sample, int64_t count) {
    if (sample == count) return i;
    double at = (double)i + td_random_uniform(arguments->seed, TD_PURPOSE_SUBSAMPLE, 2, (uint64_t)i);
    int64_t trial = (int64_t)(at / (double)sample * (double)count);
    return trial < count ? trial : count - 1;
}

static td_status prove(const prove_arguments *arguments, const td_tape *tape, const td_deck *deck, int *code, td_error *error) {
    const td_job *job = &arguments->job;
    const td_space *space = job->config->space;
    int64_t count = td_space_count(space), sample = arguments->sample < count ? arguments->sample : count;
    const char *name = td_strategy_name(job->config->play.strategy);
    if (job->config->plays_portfolio)
        return td_fail(error, TD_BAD_ARG, "%s plays a portfolio, and the proofs one symbol: leave `portfolio` out and choose with --set "
                       "symbols=[%s]", job->config_path, td_markets_member(&job->markets, 0));
    int64_t bars = td_deck_bars(deck);
    td_status status = TD_OK;
    json_t *list = job->json ? json_array() : NULL;
    if (!list)
        printf("%s on %s %s, %" PRId64 " bars; %" PRId64 " of %" PRId64 " sets, %s\n", name, tape->symbol, tape->interval, bars,
               sample, count, arguments->warmup ? "started again and again" : "played with other futures");
    tally tally = {0};
    double begin = seconds_now();
    for (int64_t i = 0; i < sample && status == TD_OK; i++) {
        subject subject = {.job = job, .tape = tape, .trial = draw_trial(arguments, i, sample, count)};
        td_space_set(space, subject.trial, &subject.set);
        status = td_check_set(deck, &subject.set, error);
        if (status != TD_OK) {
            td_fail_within(error, TD_BAD_CONFIG, "%s, set %" PRId64, job->config_path, subject.trial);
            status = TD_BAD_CONFIG;
            break;
        }
        subject.parameters = td_job_parameters_text(job, &subject.set);
        status = subject.parameters ? prove_set(arguments, &subject, list, &tally, error)
                                    : td_fail(error, TD_NO_MEMORY, "no memory for the names of parameters");
        free(subject.parameters);
    }
    double seconds = seconds_now() - begin;
    char text[32];
    if (status != TD_OK) {
        json_decref(list);
        return status;
    }
    if (list)
        *code = td_json_print(json_pack("{s:s,s:s,s:s,s:I,s:I,s:I,s:o,s:{s:I,s:f}}", "proof", arguments->warmup ? "warmup" : "poison",
                                        "configuration", job->config_path, "strategy", name, "bars", (json_int_t)bars, "sets",
                                        (json_int_t)sample, "leaking", (json_int_t)tally.leaking, "results", list, "timing",
                                        "bars_replayed", (json_int_t)tally.bars_replayed, "seconds", seconds),
                              *code);
    else {
        if (tally.every) printf("replays cut after every %sbar; ", ordinal(tally.every, text));
        printf("%" PRId64 " bars replayed in %.1f s\n", tally.bars_replayed, seconds);
    }
    if (!tally.leaking) return TD_OK;
    char time[32];
    const td_leak *leak = &tally.worst.first;
    return td_fail(error, TD_DIFFERENT, "%s sees the future: in set %" PRId64 ", bar %" PRId64 " (%s) is \"%s\", and \"%s\" when prices after bar %"
                   PRId64 " are %s", name, tally.trial, leak->bar,
                   td_time_text(tape->time_ns[leak->bar], time), leak->truth, leak->poisoned,
                   leak->cut, td_poison_text(leak->poison));
}

int td_prove(int argc, char **argv) {
    static const struct argp_child children[] = {{&td_job_argp, 0, NULL, 0}, {0}};
    static const struct argp parser = {
        .options = options,
        .parser = parse,
        .args_doc = "CONFIG.yaml",
        .doc = "With --poison: plays sets of the configuration again and again with another future after a bar (prices that are not "
               "a number, a thousandfold, upside down, in another order), and compares every decision, fill and equity up to that "
               "bar, bit for bit. With --warmup: plays them from later starts and says from which bar on that no longer "
               "matters.\v"
               "docs/proofs.md explains both. --poison exits with 4 when something depends on its future, naming the first such bar.",
        .children = children,
    };
    prove_arguments arguments = {.sample = SAMPLE_PRESET};
    argp_parse(&parser, argc, argv, 0, NULL, &arguments);
    int code = td_job_open(&arguments.job);
    if (code != TD_EXIT_OK) return code;
    td_error error = {.message = ""};
    td_pick pick = {0};
    td_deck *deck = NULL;
    td_status status = arguments.job.config->kind == TD_TAPE_OF_BARS
                           ? td_job_one_market(&arguments.job, "verify", &pick, &deck, &error)
                           : td_fail(&error, TD_BAD_ARG, "%s plays order books, and --poison and --warmup are of play on bars",
                                     arguments.job.config_path);
    if (status == TD_OK) status = prove(&arguments, &pick.tape, deck, &code, &error);
    td_deck_free(deck);
    td_pick_close(&pick);
    if (status != TD_OK) code = td_cli_fail(status, &error, arguments.job.json);
    td_job_close(&arguments.job);
    return td_cli_finish(code);
}
