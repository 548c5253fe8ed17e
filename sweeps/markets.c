/* See markets.h. */
#include "sweeps/markets.h"

#include <stdlib.h>
#include <string.h>

#include "base/words.h"
#include "sim/book_engines.h"

/* "BTCUSDT, ETHUSDT, ..." */
static void list_symbols(const td_tape *tape, char *text, size_t room) {
    size_t used = 0;
    for (int64_t k = 0; k < tape->symbols; k++) {
        const char *name = td_tape_symbol_name(tape, k);
        if (used + strlen(name) + 8 > room) {
            snprintf(text + used, room - used, ", ...");
            return;
        }
        used += (size_t)snprintf(text + used, room - used, "%s%s", k ? ", " : "", name);
    }
}

static td_status unknown_symbol(const td_config *config, const td_tape *tape, const char *name, td_error *error) {
    char names[200];
    list_symbols(tape, names, sizeof names);
    const char **candidates = calloc((size_t)tape->symbols, sizeof *candidates);
    for (int64_t k = 0; candidates && k < tape->symbols; k++) candidates[k] = td_tape_symbol_name(tape, k);
    const char *nearest = candidates ? td_nearest_word(name, candidates, (int)tape->symbols) : NULL;
    free(candidates);
    if (nearest)
        return td_fail(error, TD_BAD_CONFIG, "%s: symbols: %s does not hold '%s'; did you mean '%s'?", config->path, config->tape,
                       name, nearest);
    return td_fail(error, TD_BAD_CONFIG, "%s: symbols: %s does not hold '%s'; it holds %s", config->path, config->tape, name, names);
}

static td_status find_symbols(td_markets *m, td_error *error) {
    const td_config *config = m->config;
    const td_tape *tape = m->tape;
    if (config->symbol_count == 0) {
        if (tape->symbols > 1 && !config->all_symbols) {
            char names[200];
            list_symbols(tape, names, sizeof names);
            return td_fail(error, TD_BAD_CONFIG, "%s: %s holds %lld symbols (%s): name those to play, as in `symbols: [%s]`, or say "
                           "`symbols: all`", config->path, config->tape, (long long)tape->symbols, names,
                           td_tape_symbol_name(tape, 0));
        }
        for (int64_t k = 0; k < m->members; k++) m->symbol[k] = k;
        return TD_OK;
    }
    for (int64_t k = 0; k < m->members; k++) {
        m->symbol[k] = td_tape_find(tape, config->symbols[k]);
        if (m->symbol[k] < 0) return unknown_symbol(config, tape, config->symbols[k], error);
    }
    return TD_OK;
}

static td_status find_all(td_markets *m, td_error *error) {
    const td_config *config = m->config;
    m->members = config->symbol_count ? config->symbol_count : m->tape->symbols;
    m->symbols = config->plays_portfolio ? 1 : m->members;
    m->intervals = config->interval_count ? config->interval_count : 1;
    m->symbol = calloc((size_t)m->members, sizeof *m->symbol);
    m->interval = calloc((size_t)m->intervals, sizeof *m->interval);
    char(*digests)[TD_DIGEST_HEX] = calloc((size_t)m->members, sizeof *digests);
    td_status status = m->symbol && m->interval && digests
                           ? find_symbols(m, error)
                           : td_fail(error, TD_NO_MEMORY, "no memory for %lld symbols", (long long)m->members);
    for (int64_t i = 0; status == TD_OK && i < m->intervals; i++) {
        m->interval[i] = config->interval_count ? config->intervals[i] : m->tape->interval;
        if (!config->interval_count) break;
        status = td_pick_check_interval(m->tape, m->interval[i], error);
        if (status != TD_OK) status = td_fail_within(error, TD_BAD_CONFIG, "%s: intervals", config->path);
    }
    for (int64_t i = 0; status == TD_OK && config->execution && i < m->intervals; i++) {
        status = td_pick_check_finer(m->tape, m->interval[i], config->execution, error);
        if (status != TD_OK) status = td_fail_within(error, TD_BAD_CONFIG, "%s: execution_interval", config->path);
    }
    for (int64_t k = 0; status == TD_OK && k < m->members; k++)
        memcpy(digests[k], td_tape_symbol_digest(m->tape, m->symbol[k]), TD_DIGEST_HEX);
    if (status == TD_OK) td_digest_join((const char(*)[TD_DIGEST_HEX])digests, m->members, m->digest);
    free(digests);
    return status;
}

static const td_book *book_of(const td_config *config, int venue) { return config->play.book.venues[venue].book; }

/* A name of the market and a digest of all that is played. */
static void find_books(td_markets *m) {
    char digests[TD_VENUES_MAX][TD_DIGEST_HEX];
    int venues = m->config->play.book.venue_count;
    size_t used = 0;
    for (int v = 0; v < venues; v++) {
        const char *name = m->config->venue_names[v] ? m->config->venue_names[v] : book_of(m->config, v)->instrument.symbol;
        if (used < sizeof m->name) used += (size_t)snprintf(m->name + used, sizeof m->name - used, "%s%s", v ? "+" : "", name);
        memcpy(digests[v], book_of(m->config, v)->digest, TD_DIGEST_HEX);
    }
    m->symbols = m->intervals = m->members = 1;
    td_digest_join((const char(*)[TD_DIGEST_HEX])digests, venues, m->digest);
}

td_status td_markets_make(const td_config *config, const td_tape *tape, td_markets *markets, td_error *error) {
    *markets = (td_markets){.config = config, .tape = tape};
    if (config->kind == TD_TAPE_OF_BOOKS) {
        find_books(markets);
        return TD_OK;
    }
    td_status status = find_all(markets, error);
    if (status != TD_OK) td_markets_free(markets);
    return status;
}

void td_markets_free(td_markets *markets) {
    free(markets->symbol);
    free(markets->interval);
    *markets = (td_markets){0};
}

td_status td_markets_hash(const td_markets *markets, char digest[TD_DIGEST_HEX], td_error *error) {
    if (!markets->tape) { /* opening them has looked */
        memcpy(digest, markets->digest, TD_DIGEST_HEX);
        return TD_OK;
    }
    char(*digests)[TD_DIGEST_HEX] = calloc((size_t)markets->members, sizeof *digests);
    if (!digests) return td_fail(error, TD_NO_MEMORY, "no memory for %lld symbols", (long long)markets->members);
    for (int64_t k = 0; k < markets->members; k++) {
        td_tape rows = td_tape_rows(markets->tape, markets->symbol[k]);
        td_tape_digest(&rows);
        memcpy(digests[k], rows.digest, TD_DIGEST_HEX);
        td_tape_let_go(markets->tape, markets->symbol[k]);
    }
    td_digest_join((const char(*)[TD_DIGEST_HEX])digests, markets->members, digest);
    free(digests);
    return TD_OK;
}

int64_t td_markets_count(const td_markets *markets) { return markets->symbols * markets->intervals; }

const char *td_markets_member(const td_markets *markets, int64_t member) {
    if (!markets->tape) return markets->name;
    return td_tape_symbol_name(markets->tape, markets->symbol[member]);
}

const char *td_markets_symbol(const td_markets *markets, int64_t market) {
    return markets->config->plays_portfolio ? "portfolio" : td_markets_member(markets, market / markets->intervals);
}

const char *td_markets_interval(const td_markets *markets, int64_t market) {
    return markets->tape ? markets->interval[market % markets->intervals] : "";
}

/* The bars of one member of a market. */
static td_status open_member(const td_markets *markets, int64_t market, int64_t member, td_pick *pick, td_error *error) {
    const td_config *config = markets->config;
    td_status status = td_pick_open(markets->tape, markets->symbol[member], td_markets_interval(markets, market),
                                    config->from_ns, config->to_ns, pick, error);
    if (status == TD_OK && config->execution) {
        status = td_pick_refine(pick, config->execution, error);
        if (status != TD_OK) td_pick_close(pick);
        if (status == TD_BAD_DATA) return status;
    }
    if (status != TD_BAD_DATA && status != TD_BAD_ARG) return status;
    return td_fail_within(error, TD_BAD_CONFIG, "%s", config->path);
}

/* What a portfolio's tapes are taken from. */
typedef struct members {
    int64_t count;
    td_pick picks[];
} members;

static void close_members(void *kept) {
    members *members = kept;
    for (int64_t k = 0; k < members->count; k++) td_pick_close(&members->picks[k]);
    free(members);
}

static td_status open_portfolio(const td_markets *markets, int64_t market, td_pick *pick, td_deck **deck, td_error *error) {
    td_portfolio_def def = markets->config->portfolio;
    td_portfolio *portfolio = NULL;
    def.play = markets->config->play;
    def.weights = markets->config->weights;
    members *members = calloc(1, sizeof *members + (size_t)markets->members * sizeof *members->picks);
    td_tape *tapes = calloc((size_t)markets->members, sizeof *tapes);
    td_status status = members && tapes ? TD_OK : td_fail(error, TD_NO_MEMORY, "no memory for %lld symbols", (long long)markets->members);
    for (int64_t k = 0; status == TD_OK && k < markets->members; k++) {
        status = open_member(markets, market, k, &members->picks[k], error);
        if (status != TD_OK) continue;
        members->count++;
        tapes[k] = members->picks[k].tape;
    }
    if (status == TD_OK) status = td_portfolio_make(tapes, markets->members, &def, &portfolio, error);
    free(tapes);
    if (status != TD_OK) {
        if (members) close_members(members);
        return status;
    }
    td_portfolio_keep(portfolio, close_members, members);
    *deck = td_portfolio_deck(portfolio);
    *pick = (td_pick){.tape = *td_portfolio_tape(portfolio)};
    memcpy(pick->tape.digest, markets->digest, sizeof pick->tape.digest);
    return TD_OK;
}

td_status td_market_open(const td_markets *markets, int64_t market, td_pick *pick, td_deck **deck, td_error *error) {
    *deck = NULL;
    *pick = (td_pick){0};
    td_status status;
    if (markets->config->kind == TD_TAPE_OF_BOOKS) {
        status = td_deck_make_book(&markets->config->play, deck, error);
        if (status == TD_BAD_ARG) status = td_fail_within(error, TD_BAD_CONFIG, "%s", markets->config->path);
    } else if (markets->config->plays_portfolio) {
        status = open_portfolio(markets, market, pick, deck, error);
    } else {
        TD_TRY(open_member(markets, market, market / markets->intervals, pick, error));
        status = td_deck_make(&pick->tape, &markets->config->play, deck, error);
        if (status != TD_OK) td_pick_close(pick);
    }
    return status == TD_OK ? TD_OK : td_market_fail(markets, market, status, error);
}

td_status td_market_fail(const td_markets *markets, int64_t market, td_status status, td_error *error) {
    if (td_markets_count(markets) == 1) return status;
    return td_fail_within(error, status, "%s %s", td_markets_symbol(markets, market), td_markets_interval(markets, market));
}

/* Of order books: blocks are equal stretches of time. */
static td_status note_books(const td_book_deck *deck, td_market_facts *facts, td_error *error) {
    *facts = (td_market_facts){.blocks = deck->blocks, .first_ns = deck->first_ns, .last_ns = deck->last_ns,
                               .periods_per_year = deck->periods_per_year,
                               .block_start_ns = calloc((size_t)deck->blocks, sizeof *facts->block_start_ns),
                               .block_end_ns = calloc((size_t)deck->blocks, sizeof *facts->block_end_ns)};
    if (!facts->block_start_ns || !facts->block_end_ns)
        return td_fail(error, TD_NO_MEMORY, "no memory for the times of %lld blocks", (long long)deck->blocks);
    for (int v = 0; v < deck->venues; v++) {
        facts->messages += deck->messages[v];
        facts->rows += td_book_row_begin(deck->def.book.venues[v].book, deck->messages[v]);
    }
    for (int64_t b = 0; b < deck->blocks; b++) {
        facts->block_start_ns[b] = td_book_block_start(deck, b);
        facts->block_end_ns[b] = td_book_block_start(deck, b + 1);
    }
    return TD_OK;
}

td_status td_market_note(const td_tape *picked, const td_deck *deck, td_market_facts *facts, td_error *error) {
    if (td_deck_book(deck)) return note_books(td_deck_book(deck), facts, error);
    int64_t blocks = td_deck_blocks(deck);
    *facts = (td_market_facts){.bars = td_deck_bars(deck), .blocks = blocks, .periods_per_year = td_deck_periods_per_year(deck),
                               .first_ns = picked->time_ns[td_deck_block_start(deck, 0)],
                               .last_ns = picked->time_ns[td_deck_block_start(deck, blocks) - 1]};
    facts->block_start_ns = calloc((size_t)blocks, sizeof *facts->block_start_ns);
    facts->block_end_ns = calloc((size_t)blocks, sizeof *facts->block_end_ns);
    if (!facts->block_start_ns || !facts->block_end_ns)
        return td_fail(error, TD_NO_MEMORY, "no memory for the times of %lld blocks", (long long)blocks);
    for (int64_t b = 0; b < blocks; b++) {
        facts->block_start_ns[b] = picked->time_ns[td_deck_block_start(deck, b)];
        facts->block_end_ns[b] = picked->time_ns[td_deck_block_start(deck, b + 1) - 1] + picked->interval_ns;
    }
    return TD_OK;
}

void td_market_facts_free(td_market_facts *facts, int64_t count) {
    for (int64_t i = 0; facts && i < count; i++) {
        free(facts[i].block_start_ns);
        free(facts[i].block_end_ns);
    }
    free(facts);
}
