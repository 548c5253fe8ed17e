/* See run_books.h. */
#include "cli/run_books.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/output.h"
#include "data/ladder.h"
#include "sim/book_engines.h"
#include "sweeps/markets.h"
#include "sweeps/scalars.h"

/* Where the observer writes, and what it needs for that. */
typedef struct recorder {
    const td_book_run *run;
    td_output trades, equity;
    double mid[TD_VENUES_MAX]; /* of each venue the last there was, price */
} recorder;

static const td_instrument *instrument_of(const recorder *r, int venue) {
    return &r->run->job->config->play.book.venues[venue].book->instrument;
}

static const char *venue_name(const recorder *r, int venue) {
    const char *name = r->run->job->config->venue_names[venue];
    return name ? name : instrument_of(r, venue)->symbol;
}

static void record_execution(void *context, const td_execution *e) {
    recorder *r = context;
    char exchange[40], local[40];
    td_write_date(e->exchange_ns, exchange);
    td_write_date(e->local_ns, local);
    fprintf(r->trades.file, "%s,%s,%s,%s,%s,%" PRId64 ",%.12g,%.12g,%.17g,%" PRId64 "\n", venue_name(r, e->venue),
            e->side == TD_BUY ? "buy" : "sell", td_execution_reason_name(e->reason), exchange, local, e->tick, e->price, e->quantity, e->fee,
            e->queue_ahead);
}

static void put_price(FILE *out, const td_instrument *instrument, int32_t tick, bool there) {
    if (there) fprintf(out, ",%.12g", tick * instrument->tick);
    else fputc(',', out);
}

static void record_decision(void *context, int64_t step, const td_book_state *states, int venues) {
    recorder *r = context;
    char time[40];
    for (int v = 0; v < venues; v++) {
        const td_book_state *s = &states[v];
        const td_instrument *instrument = instrument_of(r, v);
        bool bid = s->bid != TD_NO_BID, ask = s->ask != TD_NO_ASK;
        if (bid && ask) r->mid[v] = 0.5 * (s->bid + s->ask) * instrument->tick;
        double equity = s->position == 0 ? td_contract_equity(instrument, s->balance, 0, s->fee + s->funding, 1)
                                         : td_contract_equity(instrument, s->balance, s->position, s->fee + s->funding, r->mid[v]);
        td_write_date(s->local_ns, time);
        fprintf(r->equity.file, "%" PRId64 ",%s,%s", step, time, venue_name(r, v));
        put_price(r->equity.file, instrument, s->bid, bid);
        put_price(r->equity.file, instrument, s->ask, ask);
        fprintf(r->equity.file, ",%.17g,%.12g,%.17g,%.17g,%.17g,%" PRId64 ",%.12g,%.17g\n", equity, s->position, s->balance, s->fee, s->funding,
                s->trades, s->volume, s->value);
    }
}

static td_status open_recorder(const td_book_run *run, recorder *r, td_error *error) {
    *r = (recorder){.run = run};
    for (int v = 0; v < TD_VENUES_MAX; v++) r->mid[v] = NAN;
    if (run->trades) {
        TD_TRY(td_output_open(run->trades, &r->trades, error));
        fputs("venue,side,reason,exchange_time,local_time,tick,price,quantity,fee,queue_ahead\n", r->trades.file);
    }
    if (run->equity) {
        TD_TRY(td_output_open(run->equity, &r->equity, error));
        fputs("step,time,venue,bid,ask,equity,position,balance,fee,funding,num_trades,trading_volume,trading_value\n", r->equity.file);
    }
    return TD_OK;
}

static td_status play(const td_book_run *run, recorder *r, td_cell *cell, td_error *error) {
    TD_TRY(open_recorder(run, r, error));
    td_book_observer observer = {.on_execution = run->trades ? record_execution : NULL, .on_decision = run->equity ? record_decision : NULL,
                                 .context = r};
    TD_TRY(td_book_reference_play(td_deck_book(run->deck), run->set, &observer, cell, NULL, error));
    if (r->trades.file) TD_TRY(td_output_commit(&r->trades, error));
    return r->equity.file ? td_output_commit(&r->equity, error) : TD_OK;
}

static json_t *venues_json(const td_book_run *run) {
    const td_book_def *def = &run->job->config->play.book;
    json_t *list = json_array();
    for (int v = 0; v < def->venue_count; v++) {
        const td_book *book = def->venues[v].book;
        const char *name = run->job->config->venue_names[v];
        json_array_append_new(list, json_pack("{s:s,s:s,s:s,s:f,s:f,s:f,s:s}", "venue", name ? name : book->instrument.symbol, "symbol",
                                              book->instrument.symbol, "contract", td_contract_name(book->instrument.contract), "tick",
                                              book->instrument.tick, "lot", book->instrument.lot, "multiplier", book->instrument.multiplier,
                                              "digest", book->digest));
    }
    return list;
}

static json_t *describe_json(const td_book_run *run, const td_market_facts *facts, const td_cell *cell) {
    const td_job *job = run->job;
    const td_tape_kind_info *kind = &td_tape_kind_infos[TD_TAPE_OF_BOOKS];
    char hash[17], first[32], last[32];
    snprintf(hash, sizeof hash, "%016" PRIx64, cell->hash);
    json_t *knobs = json_object();
    for (int i = 0; i < kind->knob_count; i++) {
        const td_knob_info *knob = td_kind_knob(TD_TAPE_OF_BOOKS, kind->knobs[i]);
        json_object_set_new(knobs, knob->name, td_json_value(knob->unit, run->set->knob[kind->knobs[i]], td_knob_is_whole(kind->knobs[i])));
    }
    return json_pack("{s:s,s:s?,s:o,s:o,s:o,s:s,s:s,s:f,s:{s:s,s:s,s:I,s:I,s:s,s:s,s:o}}",
                     "strategy", td_strategy_name(job->config->play.strategy),
                     "strategy_source", td_strategy_source(job->config->play.strategy),
                     "parameters", td_job_parameters(job, run->set),
                     "knobs", knobs,
                     "metrics", td_json_metrics(TD_TAPE_OF_BOOKS, cell),
                     "hash", hash,
                     "state", cell->state == TD_CELL_DONE ? "done" : "failed",
                     "periods_per_year", facts->periods_per_year,
                     "tape",
                         "symbol", td_markets_symbol(&job->markets, 0),
                         "digest", job->markets.digest,
                         "messages", (json_int_t)facts->messages,
                         "rows", (json_int_t)facts->rows,
                         "first", td_time_text(facts->first_ns, first),
                         "last", td_time_text(facts->last_ns, last),
                         "venues", venues_json(run));
}

static void describe_text(const td_book_run *run, const td_market_facts *facts, const td_cell *cell) {
    const td_job *job = run->job;
    const td_tape_kind_info *kind = &td_tape_kind_infos[TD_TAPE_OF_BOOKS];
    char first[32], last[32], queue[48], latency[48], *parameters = td_job_parameters_text(job, run->set);
    printf("%s (%s), mode %s\n", td_strategy_name(job->config->play.strategy), parameters ? parameters : "",
           job->config->play.book.mode == TD_MODE_PARITY ? "parity" : "strict");
    printf("%s, %lld messages of %lld rows from %s to %s, %.6g periods per year\n", td_markets_symbol(&job->markets, 0),
           (long long)facts->messages, (long long)facts->rows, td_time_text(facts->first_ns, first), td_time_text(facts->last_ns, last),
           facts->periods_per_year);
    printf("queue model %s, exchange model %s, latency %s\n", td_value_text("queue model", run->set->knob[TD_KNOB_queue_model], queue),
           td_exchange_name((td_exchange_kind)run->set->knob[TD_KNOB_exchange]),
           td_value_text("ns", run->set->knob[TD_KNOB_latency], latency));
    printf("hash %016" PRIx64 "\n\n", cell->hash);
    free(parameters);

    static const char *const heads[] = {"metric", "value", "unit", ""};
    static const bool numeric[] = {false, true, false, false};
    const char *cells[TD_METRIC_COUNT * 4];
    char values[TD_METRIC_COUNT][32];
    for (int i = 0; i < kind->metric_count; i++) {
        const td_metric_info *info = &td_metric_infos[kind->metrics[i]];
        double value = cell->metrics[kind->metrics[i]];
        snprintf(values[i], sizeof values[i], isnan(value) ? "-" : "%.8g", value);
        cells[4 * i] = info->name;
        cells[4 * i + 1] = values[i];
        cells[4 * i + 2] = strcmp(info->units, "1") == 0 ? "" : info->units;
        cells[4 * i + 3] = info->long_name;
    }
    td_cli_table(stdout, 4, heads, numeric, kind->metric_count, cells);
}

td_status td_run_books(const td_book_run *run, td_cell *cell, int *code, td_error *error) {
    recorder recorder;
    td_market_facts facts = {0};
    td_status status = play(run, &recorder, cell, error);
    td_output_drop(&recorder.trades);
    td_output_drop(&recorder.equity);
    if (status == TD_OK) status = td_market_note(NULL, run->deck, &facts, error);
    if (status == TD_OK && run->job->json) *code = td_json_print(describe_json(run, &facts, cell), *code);
    else if (status == TD_OK) describe_text(run, &facts, cell);
    free(facts.block_start_ns);
    free(facts.block_end_ns);
    return status;
}
