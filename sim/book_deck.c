/* Play on order books before it begins: decks, looks, terms, delays. See book_engines.h. */
#include <math.h>
#include <stdlib.h>

#include "base/math.h"
#include "base/random.h"
#include "data/ladder.h"
#include "sim/book_engines.h"
#include "sim/kernel.h"

td_book_def td_default_book_def(void) {
    td_book_def def = {.clock_ns = 100000000, .order_limit = 8, .sample_ns = 10000000000, .days_per_year = 252,
                       .from_ns = INT64_MIN, .to_ns = INT64_MAX};
    for (int v = 0; v < TD_VENUES_MAX; v++)
        def.venues[v] = (td_venue_def){.maker = NAN, .taker = NAN, .latency = NAN, .entry_latency = NAN, .response_latency = NAN};
    return def;
}

const char *td_execution_reason_name(td_execution_reason reason) {
    static const char *const names[] = {
#define TD_EXECUTION_NAME(name, text) #name,
        TD_EXECUTION_REASONS(TD_EXECUTION_NAME)
#undef TD_EXECUTION_NAME
    };
    return names[reason];
}

/* ---- the deck ---- */

static td_status check_def(const td_play_def *def, td_error *error) {
    const td_book_def *book = &def->book;
    const td_book_hooks *hooks = def->strategy->book;
    if (!hooks) return td_fail(error, TD_BAD_ARG, "strategy %s plays bars, not order books", def->strategy->name);
    if (book->venue_count < 1 || book->venue_count > TD_VENUES_MAX)
        return td_fail(error, TD_BAD_ARG, "%d order books, must be 1 to %d", book->venue_count, TD_VENUES_MAX);
    if (book->venue_count < hooks->venues)
        return td_fail(error, TD_BAD_ARG, "strategy %s wants %d order books, found %d", def->strategy->name, hooks->venues, book->venue_count);
    if (book->clock_ns < 1) return td_fail(error, TD_BAD_ARG, "book.clock is %lld ns, must be at least 1", (long long)book->clock_ns);
    if (book->sample_ns < 1) return td_fail(error, TD_BAD_ARG, "book.sample is %lld ns, must be at least 1", (long long)book->sample_ns);
    if (!(book->days_per_year > 0 && book->days_per_year <= 366))
        return td_fail(error, TD_BAD_ARG, "book.days_per_year is %g, must be above 0 and at most 366", book->days_per_year);
    if (book->order_limit < 1 || book->order_limit > TD_SLOTS_MAX)
        return td_fail(error, TD_BAD_ARG, "book.order_limit is %lld, must be 1 to %d", (long long)book->order_limit, TD_SLOTS_MAX);
    if (book->in_flight_limit < 0)
        return td_fail(error, TD_BAD_ARG, "book.in_flight_limit is %lld, must be at least 0", (long long)book->in_flight_limit);
    if (def->blocks < 1 || def->blocks > TD_BLOCKS_MAX)
        return td_fail(error, TD_BAD_ARG, "blocks is %lld, must be 1 to %d", (long long)def->blocks, TD_BLOCKS_MAX);
    for (int v = 0; v < book->venue_count; v++)
        if (book->venues[v].book->messages < 1)
            return td_fail(error, TD_BAD_DATA, "order book %d (%s) has no messages", v + 1, book->venues[v].book->instrument.symbol);
    return TD_OK;
}

enum { LET_GO_MESSAGES = 1 << 16 };

/* Earliest and latest time at which anything of a venue happens. */
static void widen(td_book_deck *deck, int venue) {
    const td_book *book = deck->def.book.venues[venue].book;
    for (int64_t m = 0; m < deck->messages[venue]; m++) {
        if (m % LET_GO_MESSAGES == 0) td_book_let_go(book, m);
        const int64_t times[] = {book->exchange_ns[m], book->local_ns[m]};
        for (int who = 0; who < 2; who++) {
            if (!(book->seen[m] & (who ? TD_BOOK_AT_LOCAL : TD_BOOK_AT_EXCHANGE))) continue;
            if (times[who] < deck->first_ns) deck->first_ns = times[who];
            if (times[who] > deck->last_ns) deck->last_ns = times[who];
        }
    }
}

bool td_book_restarts(const td_book *book, int64_t message) {
    int64_t row = td_book_row_begin(book, message);
    if (book->kind[message] == TD_BOOK_SNAPSHOT || (book->kind[message] == TD_BOOK_CLEAR && row == book->row_end[message])) return true;
    return book->kind[message] == TD_BOOK_ORDERS && row < book->row_end[message] && book->action[row] == TD_ACTION_CLEAR &&
           book->order_id[row] == 1;
}

/* From a gap to the next message that says what the whole book is, as received. */
static double gap_seconds(const td_book_deck *deck, int venue) {
    const td_book *book = deck->def.book.venues[venue].book;
    double nanoseconds = 0;
    int64_t since = INT64_MAX; /* INT64_MAX: not in a gap */
    for (int64_t j = 0; j < book->messages; j++) {
        if (j % LET_GO_MESSAGES == 0) td_book_let_go(book, j);
        int64_t m = td_book_local_message(book, j);
        if (!td_book_plays(deck, venue, m, TD_BOOK_AT_LOCAL)) continue;
        int64_t now = book->local_ns[m] > deck->first_ns ? book->local_ns[m] : deck->first_ns;
        if (book->kind[m] == TD_BOOK_GAP && since == INT64_MAX) since = now;
        if (td_book_restarts(book, m) && since != INT64_MAX) {
            nanoseconds += (double)(now - since);
            since = INT64_MAX;
        }
    }
    if (since != INT64_MAX) nanoseconds += (double)(deck->last_ns - since);
    return nanoseconds / 1e9;
}

td_status td_book_deck_make(const td_play_def *def, td_book_deck **made, td_error *error) {
    *made = NULL;
    TD_TRY(check_def(def, error));
    td_book_deck *deck = calloc(1, sizeof *deck);
    if (!deck) return td_fail(error, TD_NO_MEMORY, "no memory for a deck");
    *deck = (td_book_deck){.def = *def, .hooks = def->strategy->book,
                           .decide = def->strategy->kernels[TD_ISA_SCALAR]->book_decide, .venues = def->book.venue_count, .blocks = def->blocks,
                           .first_ns = INT64_MAX, .last_ns = INT64_MIN};
    for (int v = 0; v < deck->venues; v++) {
        const td_book *book = def->book.venues[v].book;
        while (deck->messages[v] < book->messages && book->exchange_ns[deck->messages[v]] < def->book.to_ns) deck->messages[v]++;
        widen(deck, v);
    }
    if (def->book.from_ns > deck->first_ns) deck->first_ns = def->book.from_ns;
    if (deck->first_ns >= deck->last_ns) {
        free(deck);
        return td_fail(error, TD_BAD_ARG, "the order books hold no time between period.from and period.to");
    }
    deck->samples = (deck->last_ns - deck->first_ns) / def->book.sample_ns;
    deck->periods_per_year = 86400e9 / (double)def->book.sample_ns * def->book.days_per_year;
    if (def->book.mode == TD_MODE_STRICT)
        for (int v = 0; v < deck->venues; v++) deck->gap_seconds += gap_seconds(deck, v);
    *made = deck;
    return TD_OK;
}

void td_book_deck_free(td_book_deck *deck) { free(deck); }

td_status td_book_check_set(const td_book_deck *deck, const td_set *set, td_error *error) {
    char name[32];
    double model = set->knob[TD_KNOB_queue_model];
    td_queue_kind kind = td_queue_kind_of(model);
    if (kind >= TD_QUEUE_KIND_COUNT) return td_fail(error, TD_BAD_ARG, "book.queue_model is %g, which is no queue model", model);
    for (int v = 0; v < deck->venues; v++)
        if (kind == TD_QUEUE_L3_FIFO && !deck->def.book.venues[v].book->order_id)
            return td_fail(error, TD_BAD_ARG, "book.queue_model %s needs a tape with single orders; that of %s has levels",
                           td_queue_name(model, name), deck->def.book.venues[v].book->instrument.symbol);
    if (set->knob[TD_KNOB_latency_model] == TD_LATENCY_ROWS && deck->def.book.latency_row_count < 1)
        return td_fail(error, TD_BAD_ARG, "book.latency_model rows needs book.latency_rows");
    return TD_OK;
}

/* ---- looks ---- */

int64_t td_book_block_start(const td_book_deck *deck, int64_t block) {
    return deck->first_ns + (int64_t)((__int128)(deck->last_ns - deck->first_ns) * block / deck->blocks);
}

static td_book_look look_at(const td_book_deck *deck, int64_t sample, int64_t block) {
    int64_t sample_ns = sample <= deck->samples ? deck->first_ns + sample * deck->def.book.sample_ns : INT64_MAX;
    int64_t block_ns = block < deck->blocks - 1 ? td_book_block_start(deck, block + 1) : INT64_MAX;
    int64_t ns = sample_ns < block_ns ? sample_ns : block_ns;
    return (td_book_look){.ns = ns, .sample = sample, .block = block, .is_sample = sample_ns == ns && ns < INT64_MAX,
                          .is_block = block_ns == ns && ns < INT64_MAX};
}

td_book_look td_book_first_look(const td_book_deck *deck) { return look_at(deck, 1, 0); }
td_book_look td_book_next_look(const td_book_deck *deck, td_book_look look) {
    return look_at(deck, look.sample + look.is_sample, look.block + look.is_block);
}

/* ---- terms ---- */

static double or_else(double own, double common) { return isnan(own) ? common : own; }

void td_book_make_terms(const td_book_deck *deck, const td_set *set, td_book_terms *terms) {
    const td_book_def *def = &deck->def.book;
    const double *knob = set->knob;
    *terms = (td_book_terms){.cash = knob[TD_KNOB_cash], .queue_model = knob[TD_KNOB_queue_model],
                             .exchange = (td_exchange_kind)knob[TD_KNOB_exchange]};
    for (int v = 0; v < deck->venues; v++) {
        const td_venue_def *venue = &def->venues[v];
        const td_instrument *instrument = &venue->book->instrument;
        bool inverse = instrument->contract == TD_CONTRACT_INVERSE;
        double latency = or_else(venue->latency, knob[TD_KNOB_latency]), per_unit = rint(1 / instrument->lot);
        terms->venues[v] = (td_venue_terms){
            .fees = {.kind = def->fees, .maker = or_else(venue->maker, knob[TD_KNOB_maker]),
                     .taker = or_else(venue->taker, knob[TD_KNOB_taker]), .buyer = knob[TD_KNOB_buyer_fee],
                     .seller = knob[TD_KNOB_seller_fee]},
            .delay = {.kind = (td_latency_kind)knob[TD_KNOB_latency_model], .venue = v, .scale = knob[TD_KNOB_latency_scale],
                      .entry_ns = (int64_t)(latency + or_else(venue->entry_latency, knob[TD_KNOB_entry_latency])),
                      .response_ns = (int64_t)(latency + or_else(venue->response_latency, knob[TD_KNOB_response_latency])),
                      .jitter_ns = knob[TD_KNOB_latency_jitter]},
            .inverse = inverse,
            .unit = instrument->lot,
            .per_unit = per_unit >= 1 && fabs(1 / instrument->lot - per_unit) <= 1e-9 * per_unit ? per_unit : 0,
            .money = inverse ? instrument->multiplier * instrument->lot / instrument->tick
                             : instrument->multiplier * instrument->lot * instrument->tick,
        };
    }
}

/* ---- delays ---- */

/* Exponentially distributed, from the time of sending alone: sets that send at the same time share it. */
static int64_t jitter(const td_book_deck *deck, const td_book_delay *delay, int way, int64_t ns) {
    if (delay->jitter_ns == 0) return 0;
    double u = td_random_uniform(deck->def.book.seed, TD_PURPOSE_JITTER, (uint64_t)(delay->venue * 2 + way), (uint64_t)ns);
    return (int64_t)(-delay->jitter_ns * td_log(u));
}

static int64_t at_least_0(int64_t ns) { return ns > 0 ? ns : 0; }

int64_t td_book_entry_delay(const td_book_deck *deck, const td_book_delay *delay, int64_t ns, int64_t feed_ns) {
    const td_book_def *def = &deck->def.book;
    int64_t own = delay->entry_ns + jitter(deck, delay, 0, ns);
    if (delay->kind == TD_LATENCY_FEED) own += (int64_t)(delay->scale * (double)feed_ns);
    if (delay->kind == TD_LATENCY_ROWS) {
        int64_t row = td_latency_entry_at(def->latency_rows, def->latency_row_count, def->latency_row_offset_ns, ns);
        if (row < 0) return row - at_least_0(own);
        own += row;
    }
    return at_least_0(own);
}

int64_t td_book_response_delay(const td_book_deck *deck, const td_book_delay *delay, int64_t ns, int64_t feed_ns) {
    const td_book_def *def = &deck->def.book;
    int64_t own = delay->response_ns + jitter(deck, delay, 1, ns);
    if (delay->kind == TD_LATENCY_FEED) own += (int64_t)(delay->scale * (double)feed_ns);
    if (delay->kind == TD_LATENCY_ROWS)
        own += td_latency_response_at(def->latency_rows, def->latency_row_count, def->latency_row_offset_ns, ns);
    return at_least_0(own);
}

/* ---- requests ---- */

bool td_book_request_lots(const td_venue_terms *terms, double quantity, int64_t *lots) {
    double exact = quantity / terms->unit, nearest = rint(exact), whole = fabs(exact - nearest) <= 1e-9 ? nearest : floor(exact);
    if (!(whole >= 1 && whole <= TD_LOTS_MAX)) return false;
    *lots = (int64_t)whole;
    return true;
}

bool td_book_request_tick(double price, int32_t *tick) {
    if (!(price >= 1 && price <= TD_TICK_MAX) || price != floor(price)) return false;
    *tick = (int32_t)price;
    return true;
}
