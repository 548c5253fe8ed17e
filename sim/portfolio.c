/* Making a portfolio, and its plain engine: one set, one row of the raster after the other. See portfolio.h.
 *
 * The plain engine is the oracle of the wide one (portfolio_lanes.h, portfolio_player.c). They share the strategy's compiled decision, rows,
 * desk and finish; marks, samples and peaks are written in each, here those of all plain engines (sim/plain.h). */
#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "data/calendar.h"
#include "sim/plain.h"
#include "sim/portfolio_player.h"
#include "sim/rows.h"

td_portfolio_def td_default_portfolio_def(void) { return (td_portfolio_def){.play = td_default_play_def()}; }

static td_status check_def(const td_tape *tapes, int64_t symbols, const td_portfolio_def *def, td_error *error) {
    const td_play_def *play = &def->play;
    assert(play->cookie == TD_PLAY_DEF_COOKIE && "start from td_default_portfolio_def()");
    if (symbols < 1 || symbols > TD_PORTFOLIO_SYMBOLS_MAX)
        return td_fail(error, TD_BAD_ARG, "the portfolio has %lld symbols, must have 1 to %d", (long long)symbols, TD_PORTFOLIO_SYMBOLS_MAX);
    for (int64_t s = 0; s < symbols; s++)
        if (tapes[s].interval_ns != tapes[0].interval_ns)
            return td_fail(error, TD_BAD_ARG, "%s has bars of %s, %s of %s: a portfolio has one interval", tapes[s].symbol,
                           tapes[s].interval, tapes[0].symbol, tapes[0].interval);
    for (int64_t s = 0; def->weights && s < symbols; s++)
        if (!(def->weights[s] > 0 && def->weights[s] <= 1))
            return td_fail(error, TD_BAD_ARG, "portfolio.weights: %s is %g, must be above 0 and at most 1", tapes[s].symbol, def->weights[s]);
    if (def->rebalance == TD_REBALANCE_BARS && def->rebalance_bars < 1)
        return td_fail(error, TD_BAD_ARG, "portfolio.rebalance is %lld bars, must be at least 1", (long long)def->rebalance_bars);
    if (!(def->max_weight >= 0 && def->max_weight <= 1))
        return td_fail(error, TD_BAD_ARG, "portfolio.max_weight is %g, must be 0 to 1", def->max_weight);
    if (def->max_positions < 0)
        return td_fail(error, TD_BAD_ARG, "portfolio.max_positions is %lld, must be at least 0", (long long)def->max_positions);
    if (!(def->band >= 0 && def->band <= 1)) return td_fail(error, TD_BAD_ARG, "portfolio.band is %g, must be 0 to 1", def->band);
    if (!play->strategy) return td_fail(error, TD_BAD_ARG, "no strategy is named");
    if (*play->strategy->orders)
        return td_fail(error, TD_BAD_ARG, "strategy %s places orders of its own; a portfolio plays targets only", play->strategy->name);
    if (td_strategy_plays_pairs(play->strategy) && symbols % 2 != 0)
        return td_fail(error, TD_BAD_ARG, "strategy %s plays pairs, the first symbol with the second, the third with the fourth and so on: "
                       "the portfolio has %lld, an odd number", play->strategy->name, (long long)symbols);
    if (play->profile != TD_PROFILE_TAPEDECK) return td_fail(error, TD_BAD_ARG, "a portfolio is played by profile tapedeck only");
    if (play->sizing != TD_SIZING_ALL_IN && play->sizing != TD_SIZING_FRACTION)
        return td_fail(error, TD_BAD_ARG, "account.sizing is %s, must be all_in or fraction: a portfolio sizes by its weights",
                       td_sizing_name(play->sizing));
    if (play->fill_at == TD_FILL_NEXT_CLOSE || play->fill_delay > 0 || play->intrabar != TD_INTRABAR_STOP_FIRST ||
        play->hours_from != play->hours_to)
        return td_fail(error, TD_BAD_ARG, "a portfolio fills at next_open or close, without fill.delay, with intrabar stop_first and "
                       "risk.hours always");
    if (play->execution_ns != 0) return td_fail(error, TD_BAD_ARG, "a portfolio walks through its own bars, not through finer ones");
    if (play->first_bar != 0 || play->bars != 0 || play->row_scale != 1)
        return td_fail(error, TD_BAD_ARG, "a portfolio plays its tapes from end to end, on their own prices");
    return TD_OK;
}

static bool is_date(const td_portfolio_def *def, const int64_t *time_ns, int64_t t) {
    if (t == 0) return false;
    int64_t before = td_day_of(time_ns[t - 1]), day = td_day_of(time_ns[t]);
    switch (def->rebalance) {
    case TD_REBALANCE_NONE: return false;
    case TD_REBALANCE_DAILY: return day != before;
    case TD_REBALANCE_WEEKLY: return td_monday_of(day) != td_monday_of(before);
    case TD_REBALANCE_MONTHLY: return td_month_of(day) != td_month_of(before);
    case TD_REBALANCE_BARS: return t % def->rebalance_bars == 0;
    }
    return false;
}

/* The next row of the raster after `next` (symbols), the symbols' next own bars: its time, INT64_MAX when there is none. */
static int64_t next_time(const td_tape *tapes, int64_t symbols, const int64_t *next) {
    int64_t time = INT64_MAX;
    for (int64_t s = 0; s < symbols; s++)
        if (next[s] < tapes[s].bars && tapes[s].time_ns[next[s]] < time) time = tapes[s].time_ns[next[s]];
    return time;
}

/* Fills in the raster's times and market, or, with time NULL, only counts. */
static int64_t walk_raster(const td_tape *tapes, const td_portfolio *portfolio, int64_t *next, int64_t *time, double *market) {
    int64_t rows = 0, symbols = portfolio->symbols;
    const double *weights = portfolio->weights;
    memset(next, 0, (size_t)symbols * sizeof *next);
    for (int64_t now; (now = next_time(tapes, symbols, next)) != INT64_MAX; rows++) {
        double value = 0;
        for (int64_t s = 0; s < symbols; s++) {
            if (next[s] < tapes[s].bars && tapes[s].time_ns[next[s]] == now) next[s]++;
            if (!time) continue;
            /* units of the symbol for each of the first; before its first bar it is worth what was paid */
            double units = weights[s] / weights[0] * (tapes[0].close[0] / tapes[s].close[0]);
            value += units * tapes[s].close[next[s] ? next[s] - 1 : 0];
        }
        if (!time) continue;
        time[rows] = now;
        market[rows] = value;
    }
    return rows;
}

static td_status make_raster(td_portfolio *portfolio, const td_tape *tapes, const td_portfolio_def *def, td_error *error) {
    int64_t symbols = portfolio->symbols;
    int64_t *next = calloc((size_t)symbols, sizeof *next);
    portfolio->weights = malloc((size_t)symbols * sizeof *portfolio->weights);
    if (!next || !portfolio->weights) {
        free(next);
        return td_fail(error, TD_NO_MEMORY, "no memory for a portfolio of %lld symbols", (long long)symbols);
    }
    for (int64_t s = 0; s < symbols; s++) portfolio->weights[s] = def->weights ? def->weights[s] : 1.0 / (double)symbols;
    int64_t bars = walk_raster(tapes, portfolio, next, NULL, NULL);
    portfolio->memory = malloc((size_t)bars * (sizeof(int64_t) + sizeof(double) + sizeof(bool)));
    if (!portfolio->memory) {
        free(next);
        return td_fail(error, TD_NO_MEMORY, "no memory for a portfolio of %lld bars", (long long)bars);
    }
    int64_t *time = portfolio->memory;
    double *market = (double *)(time + bars);
    portfolio->dates = (bool *)(market + bars);
    walk_raster(tapes, portfolio, next, time, market);
    free(next);
    for (int64_t t = 0; t < bars; t++) portfolio->dates[t] = is_date(def, time, t);
    portfolio->tape = (td_tape){.bars = bars, .symbols = 1, .interval_ns = tapes[0].interval_ns, .time_ns = time, .open = market,
                                .high = market, .low = market, .close = market, .volume = market, .symbol = "portfolio"};
    memcpy(portfolio->tape.interval, tapes[0].interval, sizeof portfolio->tape.interval);
    return TD_OK;
}

td_status td_portfolio_make(const td_tape *tapes, int64_t symbols, const td_portfolio_def *def, td_portfolio **made, td_error *error) {
    *made = NULL;
    TD_TRY(check_def(tapes, symbols, def, error));
    td_portfolio *portfolio = calloc(1, sizeof *portfolio);
    if (!portfolio) return td_fail(error, TD_NO_MEMORY, "no memory for a portfolio");
    *portfolio = (td_portfolio){.def = *def, .symbols = symbols};
    portfolio->def.weights = NULL;
    portfolio->decks = calloc((size_t)symbols, sizeof *portfolio->decks);
    td_status status = portfolio->decks ? make_raster(portfolio, tapes, def, error)
                                        : td_fail(error, TD_NO_MEMORY, "no memory for %lld symbols", (long long)symbols);
    /* the whole has the rows too, of which only how many they are counts: the raster is both legs of it */
    bool pairs = td_strategy_plays_pairs(def->play.strategy);
    const td_tape *raster = pairs ? &portfolio->tape : NULL;
    if (status == TD_OK)
        status = td_deck_make_leg(&portfolio->tape, &def->play, (const td_tape *[]){raster, raster}, 0, &portfolio->whole, error);
    for (int64_t s = 0; status == TD_OK && s < symbols; s++) {
        const td_tape *legs[2] = {pairs ? &tapes[s - s % 2] : NULL, pairs ? &tapes[s - s % 2 + 1] : NULL};
        status = td_deck_make_leg(&tapes[s], &def->play, legs, !pairs ? 0 : s % 2 ? -1 : 1, &portfolio->decks[s], error);
        if (status != TD_OK) status = td_fail_within(error, status, "%s", tapes[s].symbol);
    }
    if (status != TD_OK) {
        td_portfolio_free(portfolio);
        return status;
    }
    portfolio->whole->portfolio = portfolio;
    *made = portfolio;
    return TD_OK;
}

void td_portfolio_keep(td_portfolio *portfolio, void (*release)(void *kept), void *kept) {
    portfolio->release = release;
    portfolio->kept = kept;
}

void td_portfolio_free(td_portfolio *portfolio) {
    if (!portfolio) return;
    for (int64_t s = 0; portfolio->decks && s < portfolio->symbols; s++) td_deck_free(portfolio->decks[s]);
    if (portfolio->whole) portfolio->whole->portfolio = NULL;
    td_deck_free(portfolio->whole);
    if (portfolio->release) portfolio->release(portfolio->kept);
    free(portfolio->decks);
    free(portfolio->weights);
    free(portfolio->memory);
    free(portfolio);
}

int64_t td_portfolio_symbols(const td_portfolio *portfolio) { return portfolio->symbols; }
const td_tape *td_portfolio_tape(const td_portfolio *portfolio) { return &portfolio->tape; }
td_deck *td_portfolio_deck(const td_portfolio *portfolio) { return portfolio->whole; }

int64_t td_portfolio_evaluations(const td_portfolio *portfolio) {
    int64_t bars = 0;
    for (int64_t s = 0; s < portfolio->symbols; s++) bars += portfolio->decks[s]->view.bars;
    return bars;
}

/* ---- the plain engine ---- */

/* One symbol: its rows and where it stands in them. */
typedef struct walker {
    td_rows rows;
    td_kernel_chunk chunk;
    int64_t next; /* own bar */
} walker;

typedef struct td_portfolio_plain {
    const td_portfolio *portfolio;
    const td_kernel_deck *view;  /* of the whole */
    td_desk desk;
    td_lane whole;
    td_vector *vectors;          /* (symbols) */
    walker *walkers;             /* (symbols) */
    double *numbers;             /* of the desk and the row */
    uint64_t *words;             /* of the desk */
    int64_t *own;                /* (symbols) */
    double *base, *mark, *positions;
    td_fill_reason *reasons;
    double *block_equity;        /* (blocks) */
} detail;

static void close_detail(detail *run) {
    for (int64_t s = 0; run->walkers && s < run->portfolio->symbols; s++) td_rows_close(&run->walkers[s].rows);
    free(run->vectors);
    free(run->walkers);
    free(run->numbers);
    free(run->words);
    free(run->own);
    free(run->reasons);
    free(run->block_equity);
}

static td_status open_detail(detail *run, const td_portfolio *portfolio, td_error *error) {
    size_t symbols = (size_t)portfolio->symbols, words = (size_t)td_desk_words(portfolio->symbols);
    *run = (detail){.portfolio = portfolio, .view = &portfolio->whole->view};
    run->vectors = aligned_alloc(64, (symbols * sizeof(td_vector) + 63) / 64 * 64);
    run->walkers = calloc(symbols, sizeof *run->walkers);
    run->numbers = calloc((TD_HOLDING_COUNT + 4) * symbols, sizeof *run->numbers);
    run->words = calloc(2 * words, sizeof *run->words);
    run->own = calloc(symbols, sizeof *run->own);
    run->reasons = calloc(symbols, sizeof *run->reasons);
    run->block_equity = calloc((size_t)run->view->blocks, sizeof *run->block_equity);
    if (!run->vectors || !run->walkers || !run->numbers || !run->words || !run->own || !run->reasons || !run->block_equity)
        return td_fail(error, TD_NO_MEMORY, "no memory to play a portfolio of %zu symbols", symbols);
    run->base = run->numbers + TD_HOLDING_COUNT * symbols;
    run->mark = run->base + symbols;
    run->positions = run->mark + symbols;
    run->desk = (td_desk){.portfolio = portfolio, .whole = (double *)&run->whole, .holdings = run->numbers, .field_step = (int64_t)symbols,
                          .symbol_step = 1, .stride = 1, .due = run->words, .cut = run->words + words,
                          .sizes = run->positions + symbols, .entry_reason = run->reasons};
    for (size_t s = 0; s < symbols; s++)
        TD_TRY(td_rows_open(&run->walkers[s].rows, portfolio->decks[s], TD_ISA_SCALAR, 1, error));
    return TD_OK;
}

static void start_detail(detail *run, const td_set *set) {
    int64_t symbols = run->portfolio->symbols;
    memset(run->vectors, 0, (size_t)symbols * sizeof *run->vectors);
    run->desk.sample = 0;
    td_desk_start(&run->desk, set);
    for (int64_t s = 0; s < symbols; s++) {
        int32_t slots[TD_ROWS_MAX] = {0};
        run->walkers[s].next = 0;
        run->mark[s] = 0;
        td_rows_start(&run->walkers[s].rows, set, 1, slots);
        memcpy(run->vectors[s].gap, run->whole.gap, sizeof run->vectors[s].gap);
        memcpy(run->vectors[s].param, run->whole.param, sizeof run->vectors[s].param);
        memcpy(run->vectors[s].slot, slots, sizeof run->vectors[s].slot);
    }
}

/* Who has a bar on row t, and what everybody is worth. */
static void step(detail *run, int64_t t) {
    int64_t time = run->view->time_ns[t];
    for (int64_t s = 0; s < run->portfolio->symbols; s++) {
        const td_kernel_deck *view = &run->portfolio->decks[s]->view;
        walker *walker = &run->walkers[s];
        bool has = walker->next < view->bars && view->time_ns[walker->next] == time;
        run->own[s] = has ? walker->next++ : -1;
        if (has) run->mark[s] = view->close[run->own[s]];
        if (has && run->own[s] == walker->rows.end) {
            td_rows_next(&walker->rows);
            walker->chunk = td_rows_chunk(&walker->rows);
        }
    }
}

static void mark(detail *run, int64_t t) {
    td_lane *lane = &run->whole;
    td_plain_mark(lane, run->view, t, td_desk_equity(&run->desk, run->mark));
    const td_portfolio_observer *observer = run->desk.observer;
    if (!observer || !observer->on_bar) return;
    for (int64_t s = 0; s < run->portfolio->symbols; s++) run->positions[s] = run->numbers[TD_HOLDING_position * run->desk.field_step + s];
    bool ruined = lane->ruined != 0;
    observer->on_bar(observer->context, t, ruined ? 0 : lane->equity, ruined ? 0 : lane->cash, run->positions);
}

/* What the strategy wants of a symbol after its bar, if anything. Also moves the symbol's signals on. */
static bool decide(detail *run, int64_t s, double *target) {
    const td_strategy *strategy = run->portfolio->def.play.strategy;
    const td_kernel_deck *view = &run->portfolio->decks[s]->view;
    const td_kernel_chunk *chunk = &run->walkers[s].chunk;
    td_vector *vector = &run->vectors[s];
    int64_t own = run->own[s];
    const double *rows = chunk->rows + (own - chunk->begin) * chunk->stride;
    int above[TD_SIGNALS_MAX] = {0}, below[TD_SIGNALS_MAX] = {0};
    if (!td_plain_cross(strategy, view, rows, (const int32_t *)vector->slot, vector->param, vector->gap, own, above, below)) return false;
    td_wish wish;
    const double *holding = run->numbers + s;
    vector->position = holding[TD_HOLDING_position * run->desk.field_step];
    vector->entry_price = holding[TD_HOLDING_entry_price * run->desk.field_step];
    vector->entry_bar = holding[TD_HOLDING_entry_own * run->desk.field_step];
    vector->equity = run->whole.equity;
    bool wants = strategy->kernels[TD_ISA_SCALAR]->decide(view, chunk, own, vector, above, below, &wish, NULL);
    *target = wish.target;
    return wants;
}

static void play(detail *run, const td_set *set) {
    start_detail(run, set);
    const td_portfolio *portfolio = run->portfolio;
    td_desk *desk = &run->desk;
    int64_t symbols = portfolio->symbols, last = run->view->bars - 1, block = 0;
    bool at_open = run->view->fill_at == TD_FILL_NEXT_OPEN;
    for (int64_t t = 0; t <= last; t++) {
        td_raster_row row = {.bar = t, .own = run->own, .mark = run->mark};
        step(run, t);
        td_desk_prices(portfolio, &row, at_open, run->base);
        if (at_open) td_desk_settle(desk, &row);
        bool stopped = false;
        for (int64_t s = 0; s < symbols; s++) stopped |= run->own[s] >= 0 && td_desk_stops(desk, &row, s);
        if (stopped) td_desk_count_cash(desk);
        td_desk_ruin(desk, &row);
        if (t == last && run->view->finalize) {
            td_desk_finalize(desk, &row);
            td_desk_ruin(desk, &row);
        }
        mark(run, t);
        td_plain_sample(&run->whole, run->view, t, &run->desk.sample);
        for (int64_t s = 0; s < symbols; s++) {
            double target;
            if (run->own[s] >= 0 && run->own[s] + 1 < portfolio->decks[s]->view.bars && decide(run, s, &target))
                td_desk_want(desk, &row, s, target);
        }
        if (!at_open && t < last) td_desk_settle(desk, &row);
        if (block < run->view->blocks && run->view->block_end[block] == t)
            run->block_equity[block++] = run->whole.ruined != 0 ? 0 : run->whole.equity;
    }
}

td_status td_portfolio_play_detailed(const td_portfolio *portfolio, const td_set *set, const td_portfolio_observer *observer,
                                     td_cell *cell, float *block_returns, td_portfolio_share *shares, td_error *error) {
    detail run;
    td_status status = open_detail(&run, portfolio, error);
    if (status == TD_OK) {
        run.desk.observer = observer;
        run.desk.shares = shares;
        play(&run, set);
        td_lane_finish(portfolio->whole, set, &run.whole, NULL, run.block_equity, 1, cell, block_returns);
        for (int64_t s = 0; shares && s < portfolio->symbols; s++) shares[s] = td_desk_share(&run.desk, run.mark, s);
    }
    close_detail(&run);
    return status;
}

td_status td_portfolio_plain_open(const td_portfolio *portfolio, td_portfolio_plain **opened, td_error *error) {
    detail *run = malloc(sizeof *run);
    if (!run) return td_fail(error, TD_NO_MEMORY, "no memory for a player");
    td_status status = open_detail(run, portfolio, error);
    if (status == TD_OK)
        *opened = run;
    else
        td_portfolio_plain_close(run);
    return status;
}

void td_portfolio_plain_close(td_portfolio_plain *run) {
    if (run) close_detail(run);
    free(run);
}

void td_portfolio_plain_play(td_portfolio_plain *run, const td_set *set, td_cell *cell, float *block_returns) {
    play(run, set);
    td_lane_finish(run->portfolio->whole, set, &run->whole, NULL, run->block_equity, 1, cell, block_returns);
}
