/* The books of a set's account on order books: what executions, funding and looks add up to, and the cell that follows. See
 * book_engines.h; definitions and their sources are in docs/metrics.md. */
#include <math.h>

#include "base/bits.h"
#include "data/ladder.h"
#include "sim/book_engines.h"

void td_book_start(const td_book_deck *deck, td_book_tally *tally, td_venue_tally *venues) {
    *tally = (td_book_tally){0};
    for (int v = 0; v < deck->venues; v++) venues[v] = (td_venue_tally){.since_ns = deck->first_ns};
}

/* The position's area until a time, as far as play goes. */
static void sweep_area(const td_book_deck *deck, td_venue_tally *venue, int64_t ns) {
    int64_t until = ns < deck->last_ns ? ns : deck->last_ns;
    if (until <= venue->since_ns) return;
    venue->area += fabs(td_venue_position(venue)) * (double)(until - venue->since_ns);
    venue->since_ns = until;
}

void td_book_execute(const td_book_deck *deck, const td_venue_terms *terms, td_venue_tally *venue, td_side side, td_execution_reason reason,
                     int64_t tick, int64_t lots, int64_t ahead, int64_t exchange_ns, int64_t local_ns) {
    bool maker = reason != TD_EXECUTION_taker;
    sweep_area(deck, venue, local_ns);
    venue->lots[side][maker] += (double)lots;
    venue->value[side][maker] += terms->inverse ? (double)lots / (double)tick : (double)lots * (double)tick;
    venue->count[reason] += 1;
    if (maker) venue->ahead += (double)ahead;
    venue->most = fmax(venue->most, fabs(td_venue_position(venue)));
    const uint64_t words[] = {(uint64_t)exchange_ns, (uint64_t)local_ns, (uint64_t)tick * 8 + (uint64_t)side * 4 + (uint64_t)reason,
                              (uint64_t)lots, (uint64_t)ahead};
    for (int i = 0; i < 5; i++) venue->hash = td_hash_step(venue->hash, words[i]);
}

void td_book_fund(const td_venue_terms *terms, td_venue_tally *venue, double lots_held, double rate, double mark) {
    if (lots_held == 0 || isnan(mark)) return;
    venue->funding += rate * ((terms->inverse ? lots_held / mark : lots_held * mark) * terms->money);
}

static double sum_of(const double pair[2][2]) { return (pair[0][0] + pair[0][1]) + (pair[1][0] + pair[1][1]); }
static double trades_of(const td_venue_tally *venue) {
    return (venue->count[TD_EXECUTION_queue] + venue->count[TD_EXECUTION_through]) +
           (venue->count[TD_EXECUTION_cross] + venue->count[TD_EXECUTION_taker]);
}

double td_venue_fee(const td_venue_terms *terms, const td_venue_tally *venue) {
    const td_fees *fees = &terms->fees;
    double of[2]; /* [1: maker] what the rate is multiplied with */
    for (int maker = 0; maker < 2; maker++) {
        if (fees->kind == TD_FEE_QUANTITY)
            of[maker] = td_book_units(terms, venue->lots[TD_BUY][maker] + venue->lots[TD_SELL][maker]);
        else if (fees->kind == TD_FEE_FLAT)
            of[maker] = maker ? trades_of(venue) - venue->count[TD_EXECUTION_taker] : venue->count[TD_EXECUTION_taker];
        else
            of[maker] = (venue->value[TD_BUY][maker] + venue->value[TD_SELL][maker]) * terms->money;
    }
    double bought = (venue->value[TD_BUY][0] + venue->value[TD_BUY][1]) * terms->money;
    double sold = (venue->value[TD_SELL][0] + venue->value[TD_SELL][1]) * terms->money;
    return (fees->maker * of[1] + fees->taker * of[0]) + (fees->buyer * bought + fees->seller * sold);
}

static double balance_of(const td_venue_terms *terms, const td_venue_tally *venue) {
    double sold = venue->value[TD_SELL][0] + venue->value[TD_SELL][1], bought = venue->value[TD_BUY][0] + venue->value[TD_BUY][1];
    return (sold - bought) * terms->money;
}

/* Of the position, signed. */
static double position_value(const td_venue_terms *terms, const td_venue_tally *venue, double mid) {
    double position = td_venue_position(venue);
    if (position == 0 || isnan(mid)) return 0;
    return (terms->inverse ? position / mid : position * mid) * terms->money;
}

double td_venue_equity(const td_venue_terms *terms, const td_venue_tally *venue, double mid) {
    double gross = balance_of(terms, venue) + position_value(terms, venue, mid);
    return (terms->inverse ? -gross : gross) - td_venue_fee(terms, venue) - venue->funding;
}

td_book_state td_venue_state(const td_venue_terms *terms, const td_venue_tally *venue, int64_t local_ns, int32_t bid, int32_t ask) {
    return (td_book_state){.local_ns = local_ns, .bid = bid, .ask = ask,
                           .position = td_book_units(terms, td_venue_position(venue)), .balance = balance_of(terms, venue),
                           .fee = td_venue_fee(terms, venue), .volume = td_book_units(terms, sum_of(venue->lots)),
                           .value = sum_of(venue->value) * terms->money, .funding = venue->funding,
                           .trades = (int64_t)trades_of(venue)};
}

static double equity_of(const td_book_deck *deck, const td_book_terms *terms, const td_venue_tally *venues, const double *mids) {
    double equity = 0;
    for (int v = 0; v < deck->venues; v++) equity += td_venue_equity(&terms->venues[v], &venues[v], mids[v]);
    return equity;
}

static void note_drawdown(td_book_tally *tally, double equity) {
    tally->peak = fmax(tally->peak, equity);
    tally->drawdown = fmax(tally->drawdown, tally->peak - equity);
}

void td_book_look_at(const td_book_deck *deck, const td_book_terms *terms, td_book_tally *tally, const td_venue_tally *venues,
                     const double *mids, const td_book_look *look, double *block_equity) {
    double equity = equity_of(deck, terms, venues, mids);
    if (look->is_block && block_equity) block_equity[look->block] = equity;
    if (!look->is_sample) return;
    double change = equity - tally->equity, down = change < 0 ? change : 0, held = 0;
    tally->equity = equity;
    tally->sum += change;
    tally->sum2 += change * change;
    tally->down2 += down * down;
    note_drawdown(tally, equity);
    for (int v = 0; v < deck->venues; v++) held += fabs(position_value(&terms->venues[v], &venues[v], mids[v]));
    tally->held += held;
    tally->held_most = fmax(tally->held_most, held);
}

/* x, or NaN where it is zero: what a ratio does not exist over. */
static double nonzero(double x) { return x == 0 ? NAN : x; }

static void account_metrics(const td_book_deck *deck, const td_book_terms *terms, const td_book_tally *tally, const td_venue_tally *venues,
                            double equity, double *m) {
    double maker_quantity = 0, ahead = 0, resting = 0, area = 0, funding = 0;
    static const td_metric summed[] = {TD_METRIC_position, TD_METRIC_balance, TD_METRIC_fee, TD_METRIC_num_trades, TD_METRIC_trading_volume,
                                       TD_METRIC_trading_value, TD_METRIC_maker_trades, TD_METRIC_taker_trades, TD_METRIC_queue_fills,
                                       TD_METRIC_through_fills, TD_METRIC_cross_fills, TD_METRIC_max_inventory};
    for (size_t i = 0; i < sizeof summed / sizeof *summed; i++) m[summed[i]] = 0;
    for (int v = 0; v < deck->venues; v++) {
        const td_venue_tally *venue = &venues[v];
        const td_venue_terms *its = &terms->venues[v];
        td_book_state state = td_venue_state(its, venue, 0, TD_NO_BID, TD_NO_ASK);
        m[TD_METRIC_position] += state.position;
        m[TD_METRIC_balance] += state.balance;
        m[TD_METRIC_fee] += state.fee;
        m[TD_METRIC_num_trades] += (double)state.trades;
        m[TD_METRIC_trading_volume] += state.volume;
        m[TD_METRIC_trading_value] += state.value;
        m[TD_METRIC_taker_trades] += venue->count[TD_EXECUTION_taker];
        m[TD_METRIC_maker_trades] += (double)state.trades - venue->count[TD_EXECUTION_taker];
        m[TD_METRIC_queue_fills] += venue->count[TD_EXECUTION_queue];
        m[TD_METRIC_through_fills] += venue->count[TD_EXECUTION_through];
        m[TD_METRIC_cross_fills] += venue->count[TD_EXECUTION_cross];
        m[TD_METRIC_max_inventory] = fmax(m[TD_METRIC_max_inventory], td_book_units(its, venue->most));
        maker_quantity += td_book_units(its, venue->lots[TD_BUY][1] + venue->lots[TD_SELL][1]);
        ahead += td_book_units(its, venue->ahead);
        resting += (double)state.trades - venue->count[TD_EXECUTION_taker];
        area += td_book_units(its, venue->area);
        funding += venue->funding;
    }
    double seconds = (double)(deck->last_ns - deck->first_ns) / 1e9;
    m[TD_METRIC_equity] = equity;
    m[TD_METRIC_funding_paid] = funding;
    m[TD_METRIC_maker_share] = maker_quantity / nonzero(m[TD_METRIC_trading_volume]);
    m[TD_METRIC_mean_queue_ahead] = ahead / nonzero(resting);
    m[TD_METRIC_orders] = tally->orders;
    m[TD_METRIC_cancels] = tally->cancels;
    m[TD_METRIC_modifies] = tally->modifies;
    m[TD_METRIC_orders_expired] = tally->expired;
    m[TD_METRIC_requests_rejected] = tally->rejected;
    m[TD_METRIC_requests_refused] = tally->refused;
    m[TD_METRIC_mean_inventory] = area / 1e9 / seconds;
    m[TD_METRIC_return_per_value] = equity / nonzero(m[TD_METRIC_trading_value]);
    m[TD_METRIC_daily_trades] = m[TD_METRIC_num_trades] / (seconds / 86400);
    m[TD_METRIC_daily_value] = m[TD_METRIC_trading_value] / (seconds / 86400);
    m[TD_METRIC_gap_time] = deck->gap_seconds;
}

static void return_metrics(const td_book_deck *deck, const td_book_terms *terms, const td_book_tally *tally, double equity, double *m) {
    double n = (double)deck->samples, per_year = deck->periods_per_year, cash = terms->cash;
    double days = (double)(deck->last_ns - deck->first_ns) / 86400e9, annual = equity / days * deck->def.book.days_per_year;
    double variance = n > 1 ? fmax((tally->sum2 - tally->sum * tally->sum / n) / (n - 1), 0) : NAN;
    double mean = n > 0 ? tally->sum / n : NAN, downside = n > 0 ? sqrt(tally->down2 / n) : NAN, root = sqrt(per_year);
    m[TD_METRIC_total_return] = equity / cash;
    m[TD_METRIC_annual_return] = annual / cash;
    m[TD_METRIC_annual_volatility] = sqrt(variance) * root / cash;
    m[TD_METRIC_sharpe] = mean / nonzero(sqrt(variance)) * root;
    m[TD_METRIC_sortino] = mean / nonzero(downside) * root;
    m[TD_METRIC_max_drawdown] = -tally->drawdown / cash;
    m[TD_METRIC_calmar] = annual / nonzero(tally->drawdown);
    m[TD_METRIC_return_over_drawdown] = equity / nonzero(tally->drawdown);
    m[TD_METRIC_mean_position_value] = n > 0 ? tally->held / n : NAN;
    m[TD_METRIC_max_position_value] = n > 0 ? tally->held_most : NAN;
}

/* A cell's hash covers the metrics of order books up to here. */
enum { FIRST_HASHED = TD_METRIC_position, LAST_HASHED = TD_METRIC_gap_time };

void td_book_finish(const td_book_deck *deck, const td_book_terms *terms, td_book_tally *tally, const td_venue_tally *venues,
                    const double *mids, double *block_equity, td_cell *cell, float *block_returns) {
    double equity = equity_of(deck, terms, venues, mids), *m = cell->metrics;
    note_drawdown(tally, equity);
    *cell = (td_cell){.state = TD_CELL_DONE, .reason_bar = -1};
    for (int i = 0; i < TD_METRIC_COUNT; i++) m[i] = NAN;
    td_venue_tally ended[TD_VENUES_MAX];
    for (int v = 0; v < deck->venues; v++) {
        ended[v] = venues[v];
        sweep_area(deck, &ended[v], deck->last_ns);
    }
    account_metrics(deck, terms, tally, ended, equity, m);
    return_metrics(deck, terms, tally, equity, m);
    if (!isfinite(equity)) {
        cell->state = TD_CELL_FAILED;
        cell->reason = TD_CELL_REASON_nan_equity;
    }

    /* the hash: executions venue by venue, then state, then metrics; one NaN, one zero */
    uint64_t h = 0;
    for (int v = 0; v < deck->venues; v++) h = td_hash_step(h, venues[v].hash);
    h = td_hash_step(h, (uint64_t)(cell->state * 256 + cell->reason * 16));
    for (int i = FIRST_HASHED; i <= LAST_HASHED; i++) {
        uint64_t word = isnan(m[i]) ? 0x7ff8000000000000ull : m[i] == 0 ? 0 : td_bits_of(m[i]);
        h = td_hash_step(h, word * 0x9E3779B97F4A7C15ull);
    }
    cell->hash = h ^ (h >> 32);

    if (!block_returns) return;
    double before = 0;
    block_equity[deck->blocks - 1] = equity;
    for (int64_t b = 0; b < deck->blocks; b++) {
        double now = block_equity[b];
        block_returns[b] = cell->state == TD_CELL_FAILED ? NAN : (float)((now - before) / terms->cash);
        before = now;
    }
}
