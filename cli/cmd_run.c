/* tapedeck run: one parameter set in full detail, played with the reference engine.
 *
 * Times in the CSV files are the open times of the bars, of fills and trades those of the finer bars where prices walk through
 * such: a fill of reason `close` happened at the end of its bar. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/crash.h"
#include "cli/job.h"
#include "cli/output.h"
#include "cli/run_books.h"
#include "sim/envelope.h"
#include "sim/path.h"

enum { KEY_TRIAL = 0x200, KEY_TRADES, KEY_EQUITY, KEY_FILLS };

typedef struct run_arguments {
    td_job job;
    td_pick pick;  /* the bars of the one market */
    int64_t trial; /* -1 = not given */
    const char *trades, *equity, *fills;
} run_arguments;

static const struct argp_option options[] = {
    {"trial", KEY_TRIAL, "N", 0, "play trial N of a configuration that describes more than one", 0},
    {"trades", KEY_TRADES, "FILE", 0, "write the trades as CSV; on order books the executions", 0},
    {"equity", KEY_EQUITY, "FILE", 0, "write equity, position and drawdown at every bar, or at every decision of the clock, as CSV", 0},
    {"fills", KEY_FILLS, "FILE", 0, "write the fills with their reasons and costs as CSV", 0},
    {0},
};

static error_t parse(int key, char *text, struct argp_state *state) {
    run_arguments *arguments = state->input;
    switch (key) {
    case ARGP_KEY_INIT: state->child_inputs[0] = &arguments->job; return 0;
    case KEY_TRIAL: {
        char *end;
        long long trial = strtoll(text, &end, 10);
        if (end == text || *end || trial < 0) argp_error(state, "--trial is '%s', must be a whole number from 0", text);
        arguments->trial = trial;
        return 0;
    }
    case KEY_TRADES: arguments->trades = text; return 0;
    case KEY_EQUITY: arguments->equity = text; return 0;
    case KEY_FILLS: arguments->fills = text; return 0;
    }
    return ARGP_ERR_UNKNOWN;
}

/* Where the observer writes, and what it needs for that. */
typedef struct recorder {
    const int64_t *time_ns; /* of the first bar played */
    const td_markets *portfolio; /* whose members are played; NULL of one symbol. Files of a portfolio name the symbol first. */
    td_output trades, equity, fills;
    double peak;
    td_path path;
} recorder;

static void record_fill(void *context, const td_fill *fill) {
    recorder *recorder = context;
    char time[32];
    fprintf(recorder->fills.file, "%s,%lld,%s,%.17g,%.17g,%.17g,%.17g,%.17g,%.17g\n",
            td_time_text(fill->time_ns, time), (long long)fill->bar, td_fill_reason_name(fill->reason), fill->units,
            fill->price, fill->commission, fill->spread_cost, fill->slippage_cost, fill->position);
}

static void record_trade(void *context, const td_trade *trade) {
    recorder *recorder = context;
    char entry[32], exit[32];
    fprintf(recorder->trades.file, "%s,%s,%lld,%lld,%s,%s,%.17g,%.17g,%.17g,%.17g,%.17g,%.17g\n",
            td_time_text(trade->entry_ns, entry), td_time_text(trade->exit_ns, exit),
            (long long)trade->entry_bar, (long long)trade->exit_bar, td_fill_reason_name(trade->entry_reason),
            td_fill_reason_name(trade->exit_reason), trade->units, trade->entry_price, trade->exit_price, trade->commission,
            trade->pnl, trade->ret);
}

static void record_fill_of(void *context, int64_t symbol, const td_fill *fill) {
    recorder *recorder = context;
    fprintf(recorder->fills.file, "%s,", td_markets_member(recorder->portfolio, symbol));
    record_fill(context, fill);
}

static void record_trade_of(void *context, int64_t symbol, const td_trade *trade) {
    recorder *recorder = context;
    fprintf(recorder->trades.file, "%s,", td_markets_member(recorder->portfolio, symbol));
    record_trade(context, trade);
}

/* Of a portfolio: cash and every symbol's position in place of the one position. */
static void record_row(void *context, int64_t bar, double equity, double cash, const double *positions) {
    recorder *recorder = context;
    char time[32];
    recorder->path.equity[bar] = equity;
    if (!recorder->equity.file) return;
    if (!(recorder->peak >= equity)) recorder->peak = equity;
    fprintf(recorder->equity.file, "%s,%.17g,%.17g,%.17g", td_time_text(recorder->time_ns[bar], time), equity,
            equity / recorder->peak - 1, cash);
    for (int64_t s = 0; s < recorder->portfolio->members; s++) fprintf(recorder->equity.file, ",%.17g", positions[s]);
    fputc('\n', recorder->equity.file);
}

static void record_bar(void *context, int64_t bar, double equity, double position) {
    recorder *recorder = context;
    char time[32];
    if (!(recorder->peak >= equity)) recorder->peak = equity;
    fprintf(recorder->equity.file, "%s,%.17g,%.17g,%.17g\n", td_time_text(recorder->time_ns[bar], time), equity, position,
            equity / recorder->peak - 1);
}

static td_status open_recorder(const run_arguments *arguments, recorder *recorder, td_error *error) {
    const td_markets *markets = &arguments->job.markets;
    *recorder = (struct recorder){.time_ns = arguments->pick.tape.time_ns, .peak = NAN};
    if (arguments->job.config->plays_portfolio) recorder->portfolio = markets;
    const char *symbol = recorder->portfolio ? "symbol," : "";
    if (arguments->trades) {
        TD_TRY(td_output_open(arguments->trades, &recorder->trades, error));
        fputs(symbol, recorder->trades.file);
        fputs("entry_time,exit_time,entry_bar,exit_bar,entry_reason,exit_reason,units,entry_price,exit_price,commission,pnl,"
              "return\n",
              recorder->trades.file);
    }
    if (arguments->fills) {
        TD_TRY(td_output_open(arguments->fills, &recorder->fills, error));
        fputs(symbol, recorder->fills.file);
        fputs("time,bar,reason,units,price,commission,spread_cost,slippage_cost,position\n", recorder->fills.file);
    }
    if (arguments->equity) {
        TD_TRY(td_output_open(arguments->equity, &recorder->equity, error));
        fputs(recorder->portfolio ? "time,equity,drawdown,cash" : "time,equity,position,drawdown", recorder->equity.file);
        for (int64_t s = 0; recorder->portfolio && s < markets->members; s++)
            fprintf(recorder->equity.file, ",%s", td_markets_member(markets, s));
        fputc('\n', recorder->equity.file);
    }
    return TD_OK;
}

static td_status commit_recorder(recorder *recorder, td_error *error) {
    if (recorder->trades.file) TD_TRY(td_output_commit(&recorder->trades, error));
    if (recorder->fills.file) TD_TRY(td_output_commit(&recorder->fills, error));
    if (recorder->equity.file) TD_TRY(td_output_commit(&recorder->equity, error));
    return TD_OK;
}

static void drop_recorder(recorder *recorder) {
    td_output_drop(&recorder->trades);
    td_output_drop(&recorder->fills);
    td_output_drop(&recorder->equity);
    td_path_close(&recorder->path);
}

/* The one set to play. */
static td_status choose_set(const run_arguments *arguments, const td_deck *deck, td_set *set, td_error *error) {
    const td_space *space = arguments->job.config->space;
    const char *path = arguments->job.config_path;
    int64_t count = td_space_count(space), trial = arguments->trial;
    if (trial < 0 && count > 1)
        return td_fail(error, TD_BAD_ARG, "%s describes %lld sets and run plays one: pin the axes with --set parameters.%s=VALUE, "
                       "pick one with --trial N, or play them all with `tapedeck sweep'", path, (long long)count,
                       td_space_axis(space, 0)->name);
    if (trial >= count)
        return td_fail(error, TD_BAD_ARG, "--trial is %lld, %s has trials 0 to %lld", (long long)trial, path, (long long)count - 1);
    td_space_set(space, trial < 0 ? 0 : trial, set);
    td_status status = td_check_set(deck, set, error);
    return status == TD_OK ? TD_OK : td_fail_within(error, TD_BAD_CONFIG, "%s", path);
}

/* {"sharpe": [low, high], ...} */
static json_t *envelope_json(const td_envelope *envelope) {
    json_t *object = json_object();
    for (int m = 0; m < TD_METRIC_BARS_COUNT; m++)
        json_object_set_new(object, td_metric_infos[m].name,
                            json_pack("[o,o]", td_json_number(envelope->low[m], false), td_json_number(envelope->high[m], false)));
    return object;
}

static json_t *path_json(const double *path) {
    json_t *metrics = json_object();
    for (int m = 0; m < TD_PATH_METRIC_COUNT; m++)
        json_object_set_new(metrics, td_path_metric_infos[m].name, td_json_number(path[m], false));
    return metrics;
}

/* path: metrics of it (TD_PATH_METRIC_COUNT); envelope: NULL where none is asked for; here and below */
static json_t *describe_json(const td_job *job, const td_tape *tape, const td_deck *deck, const td_set *set,
                             const td_cell *cell, const double *path, const td_envelope *envelope) {
    char first[32], last[32], hash[17];
    const int64_t *time_ns = tape->time_ns;
    snprintf(hash, sizeof hash, "%016llx", (unsigned long long)cell->hash);
    json_t *knobs = json_object();
    for (int k = 0; k < TD_KNOB_BARS_COUNT; k++)
        json_object_set_new(knobs, td_knob_infos[k].name, td_json_number(set->knob[k], false));
    const char *source = td_strategy_source(job->config->play.strategy);
    json_t *document = json_pack(
        "{s:s,s:s?,s:s,s:o,s:o,s:o,s:o,s:s,s:s,s:b,s:f,s:{s:s,s:s,s:s,s:I,s:s,s:s}}",
        "strategy", td_strategy_name(job->config->play.strategy),
        "strategy_source", source,
        "profile", td_profile_name(job->config->play.profile),
        "parameters", td_job_parameters(job, set),
        "knobs", knobs,
        "metrics", td_json_metrics(job->config->kind, cell),
        "path", path_json(path),
        "hash", hash,
        "state", cell->state == TD_CELL_DONE ? "done" : "failed",
        "ruined", cell->ruined,
        "periods_per_year", td_deck_periods_per_year(deck),
        "tape",
            "symbol", tape->symbol,
            "interval", tape->interval,
            "digest", tape->digest,
            "bars", (json_int_t)td_deck_bars(deck),
            "first_bar", td_time_text(time_ns[0], first),
            "last_bar", td_time_text(time_ns[td_deck_bars(deck) - 1], last));
    if (document && envelope) json_object_set_new(document, "envelope", envelope_json(envelope));
    if (document && cell->state == TD_CELL_FAILED) {
        json_object_set_new(document, "reason", json_string(td_cell_reason_name((td_cell_reason)cell->reason)));
        json_object_set_new(document, "reason_bar", json_integer(cell->reason_bar));
    }
    return document;
}

static void number_text(double value, char *text, size_t size) { snprintf(text, size, isnan(value) ? "-" : "%.8g", value); }

static json_t *shares_json(const td_markets *markets, const td_portfolio_share *shares) {
    json_t *list = json_array();
    for (int64_t s = 0; s < markets->members; s++)
        json_array_append_new(list, json_pack("{s:s,s:o,s:o,s:o,s:o,s:o,s:o,s:o}",
                                              "symbol", td_markets_member(markets, s),
                                              "pnl", td_json_number(shares[s].pnl, false),
                                              "trades", td_json_number(shares[s].trades, true),
                                              "fills", td_json_number(shares[s].fills, true),
                                              "turnover", td_json_number(shares[s].turnover, false),
                                              "commission_paid", td_json_number(shares[s].commission, false),
                                              "spread_paid", td_json_number(shares[s].spread_cost, false),
                                              "slippage_paid", td_json_number(shares[s].slippage_cost, false)));
    return list;
}

static void shares_text(const td_markets *markets, const td_portfolio_share *shares) {
    static const char *const heads[] = {"symbol", "pnl", "trades", "fills", "commission_paid", "turnover"};
    static const bool numeric[] = {false, true, true, true, true, true};
    size_t members = (size_t)markets->members;
    const char **cells = calloc(6 * members, sizeof *cells);
    char(*texts)[5][32] = calloc(members, sizeof *texts);
    for (size_t s = 0; cells && texts && s < members; s++) {
        double values[] = {shares[s].pnl, shares[s].trades, shares[s].fills, shares[s].commission, shares[s].turnover};
        cells[6 * s] = td_markets_member(markets, (int64_t)s);
        for (int i = 0; i < 5; i++) {
            snprintf(texts[s][i], sizeof texts[s][i], "%.8g", values[i]);
            cells[6 * s + 1 + (size_t)i] = texts[s][i];
        }
    }
    putchar('\n');
    if (cells && texts) td_cli_table(stdout, 6, heads, numeric, (int)members, cells);
    free(cells);
    free(texts);
}

static void describe_text(const td_job *job, const td_tape *tape, const td_deck *deck, const td_set *set, const td_cell *cell,
                          const double *path, const td_envelope *envelope) {
    char first[32], last[32], *parameters = td_job_parameters_text(job, set);
    const int64_t *time_ns = tape->time_ns;
    printf("%s (%s), profile %s\n", td_strategy_name(job->config->play.strategy), parameters ? parameters : "",
           td_profile_name(job->config->play.profile));
    printf("%s %s, %lld bars from %s to %s, %.6g periods per year\n", tape->symbol, tape->interval,
           (long long)td_deck_bars(deck), td_time_text(time_ns[0], first), td_time_text(time_ns[td_deck_bars(deck) - 1], last),
           td_deck_periods_per_year(deck));
    printf("hash %016llx%s\n\n", (unsigned long long)cell->hash, cell->ruined ? ", ruined: equity was gone before the end" : "");
    free(parameters);

    const char *heads[6] = {"metric", "value"};
    bool numeric[6] = {false, true, envelope, envelope};
    enum { ROWS = TD_METRIC_BARS_COUNT + TD_PATH_METRIC_COUNT };
    const char *cells[ROWS * 6];
    char values[ROWS][3][32];
    int columns = 2, used = 0;
    if (envelope) heads[columns++] = "low", heads[columns++] = "high";
    heads[columns++] = "unit", heads[columns++] = "";
    for (int m = 0; m < ROWS; m++) {
        bool of_path = m >= TD_METRIC_BARS_COUNT; /* which have no envelope */
        const td_metric_info *info = of_path ? &td_path_metric_infos[m - TD_METRIC_BARS_COUNT] : &td_metric_infos[m];
        double numbers[] = {of_path ? path[m - TD_METRIC_BARS_COUNT] : cell->metrics[m], !of_path && envelope ? envelope->low[m] : NAN,
                            !of_path && envelope ? envelope->high[m] : NAN};
        cells[used++] = info->name;
        for (int i = 0; i < (envelope ? 3 : 1); i++) {
            number_text(numbers[i], values[m][i], sizeof values[m][i]);
            cells[used++] = values[m][i];
        }
        cells[used++] = strcmp(info->units, "1") == 0 ? "" : info->units;
        cells[used++] = info->long_name;
    }
    td_cli_table(stdout, columns, heads, numeric, ROWS, cells);
}

/* shares: made here, of a portfolio; the caller frees. */
static td_status play(const run_arguments *arguments, const td_deck *deck, const td_set *set, recorder *recorder, td_cell *cell,
                      td_portfolio_share **shares, td_error *error) {
    if (recorder->portfolio) {
        td_portfolio_observer observer = {
            .on_fill = arguments->fills ? record_fill_of : NULL,
            .on_trade = arguments->trades ? record_trade_of : NULL,
            .on_bar = record_row,
            .context = recorder,
        };
        *shares = calloc((size_t)recorder->portfolio->members, sizeof **shares);
        if (!*shares) return td_fail(error, TD_NO_MEMORY, "no memory for %lld symbols", (long long)recorder->portfolio->members);
        return td_portfolio_play_detailed(td_deck_portfolio(deck), set, &observer, cell, NULL, *shares, error);
    }
    td_observer observer = td_path_observer(&recorder->path, (td_observer){
        .on_fill = arguments->fills ? record_fill : NULL,
        .on_trade = arguments->trades ? record_trade : NULL,
        .on_bar = arguments->equity ? record_bar : NULL,
        .context = recorder,
    });
    return td_play_detailed(deck, set, &observer, cell, NULL, error);
}

static td_status run_books(const run_arguments *arguments, const td_deck *deck, const td_set *set, td_cell *cell, int *code, td_error *error) {
    const td_job *job = &arguments->job;
    td_book_run run = {.job = job, .deck = deck, .set = set, .trades = arguments->trades, .equity = arguments->equity};
    if (arguments->fills) return td_fail(error, TD_BAD_ARG, "--fills is of play on bars; --trades writes the executions on order books");
    td_crash_watch(job->config->play.strategy, 1, job->json);
    td_playing_now.first = td_playing_now.last = arguments->trial < 0 ? 0 : arguments->trial;
    td_status status = td_run_books(&run, cell, code, error);
    td_playing_now.first = td_playing_now.last = -1;
    TD_TRY(status);
    if (cell->state == TD_CELL_DONE) return TD_OK;
    return td_fail(error, TD_FAILED, "the set failed: %s", td_cell_reason_text((td_cell_reason)cell->reason));
}

/* Plays and prints; what it opens it leaves to the caller to close. *code is the exit code of the printing. */
static td_status run(run_arguments *arguments, td_deck **deck, recorder *recorder, td_cell *cell, td_portfolio_share **shares, int *code,
                     td_error *error) {
    const td_job *job = &arguments->job;
    td_set set;
    const td_tape *tape = &arguments->pick.tape;
    TD_TRY(td_job_one_market(job, "run", &arguments->pick, deck, error));
    TD_TRY(choose_set(arguments, *deck, &set, error));
    if (job->config->kind == TD_TAPE_OF_BOOKS) return run_books(arguments, *deck, &set, cell, code, error);
    TD_TRY(open_recorder(arguments, recorder, error));
    TD_TRY(td_path_open(&recorder->path, *deck, &set, error));
    td_crash_watch(job->config->play.strategy, 1, job->json);
    td_playing_now.first = td_playing_now.last = arguments->trial < 0 ? 0 : arguments->trial;
    td_status status = play(arguments, *deck, &set, recorder, cell, shares, error);
    td_envelope room, *envelope = job->config->envelope ? &room : NULL;
    if (status == TD_OK && envelope) status = td_envelope_of(*deck, &set, cell, envelope, error);
    double path[TD_PATH_METRIC_COUNT];
    if (status == TD_OK) status = td_path_finish(&recorder->path, cell, path, error);
    td_playing_now.first = td_playing_now.last = -1;
    TD_TRY(status);
    TD_TRY(commit_recorder(recorder, error));
    if (job->json) {
        json_t *document = describe_json(job, tape, *deck, &set, cell, path, envelope);
        if (document && *shares) json_object_set_new(document, "symbols", shares_json(&job->markets, *shares));
        *code = td_json_print(document, *code);
    } else {
        describe_text(job, tape, *deck, &set, cell, path, envelope);
        if (*shares) shares_text(&job->markets, *shares);
    }
    if (cell->state == TD_CELL_DONE) return TD_OK;
    const char *reason = td_cell_reason_text((td_cell_reason)cell->reason);
    if (cell->reason_bar < 0) return td_fail(error, TD_FAILED, "the set failed: %s", reason);
    char time[32];
    return td_fail(error, TD_FAILED, "the set failed at bar %lld (%s): %s", (long long)cell->reason_bar,
                   td_time_text(tape->time_ns[cell->reason_bar], time), reason);
}

int td_cmd_run(int argc, char **argv) {
    static const struct argp_child children[] = {{&td_job_argp, 0, NULL, 0}, {0}};
    static const struct argp parser = {
        .options = options,
        .parser = parse,
        .args_doc = "CONFIG.yaml",
        .doc = "Plays one parameter set and prints its metrics; with --json one document.\v"
               "Exits with 1 when the set failed (a strategy that returns NaN), with 2 on a bad configuration, with 3 on bad data.",
        .children = children,
    };
    run_arguments arguments = {.trial = -1};
    argp_parse(&parser, argc, argv, 0, NULL, &arguments);
    int code = td_job_open(&arguments.job);
    if (code != TD_EXIT_OK) return code;

    td_deck *deck = NULL;
    td_portfolio_share *shares = NULL;
    recorder recorder = {.peak = NAN};
    td_cell cell;
    td_error error = {.message = ""};
    td_status status = run(&arguments, &deck, &recorder, &cell, &shares, &code, &error);
    drop_recorder(&recorder);
    free(shares);
    if (deck) td_deck_free(deck);
    td_pick_close(&arguments.pick);
    if (status != TD_OK) code = td_cli_fail(status, &error, arguments.job.json);
    td_job_close(&arguments.job);
    return td_cli_finish(code);
}
