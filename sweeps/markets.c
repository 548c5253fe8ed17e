/* See markets.h. */
#include "sweeps/markets.h"

#include <stdlib.h>
#include <string.h>

#include "base/words.h"

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
        for (int64_t k = 0; k < m->symbols; k++) m->symbol[k] = k;
        return TD_OK;
    }
    for (int64_t k = 0; k < m->symbols; k++) {
        m->symbol[k] = td_tape_find(tape, config->symbols[k]);
        if (m->symbol[k] < 0) return unknown_symbol(config, tape, config->symbols[k], error);
    }
    return TD_OK;
}

static td_status find_all(td_markets *m, td_error *error) {
    const td_config *config = m->config;
    m->symbols = config->symbol_count ? config->symbol_count : m->tape->symbols;
    m->intervals = config->interval_count ? config->interval_count : 1;
    m->symbol = calloc((size_t)m->symbols, sizeof *m->symbol);
    m->interval = calloc((size_t)m->intervals, sizeof *m->interval);
    char(*digests)[TD_DIGEST_HEX] = calloc((size_t)m->symbols, sizeof *digests);
    td_status status = m->symbol && m->interval && digests
                           ? find_symbols(m, error)
                           : td_fail(error, TD_NO_MEMORY, "no memory for %lld symbols", (long long)m->symbols);
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
    for (int64_t k = 0; status == TD_OK && k < m->symbols; k++)
        memcpy(digests[k], td_tape_symbol_digest(m->tape, m->symbol[k]), TD_DIGEST_HEX);
    if (status == TD_OK) td_digest_join((const char(*)[TD_DIGEST_HEX])digests, m->symbols, m->digest);
    free(digests);
    return status;
}

td_status td_markets_make(const td_config *config, const td_tape *tape, td_markets *markets, td_error *error) {
    *markets = (td_markets){.config = config, .tape = tape};
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
    char(*digests)[TD_DIGEST_HEX] = calloc((size_t)markets->symbols, sizeof *digests);
    if (!digests) return td_fail(error, TD_NO_MEMORY, "no memory for %lld symbols", (long long)markets->symbols);
    for (int64_t k = 0; k < markets->symbols; k++) {
        td_tape rows = td_tape_rows(markets->tape, markets->symbol[k]);
        td_tape_digest(&rows);
        memcpy(digests[k], rows.digest, TD_DIGEST_HEX);
        td_tape_let_go(markets->tape, markets->symbol[k]);
    }
    td_digest_join((const char(*)[TD_DIGEST_HEX])digests, markets->symbols, digest);
    free(digests);
    return TD_OK;
}

int64_t td_markets_count(const td_markets *markets) { return markets->symbols * markets->intervals; }

const char *td_markets_symbol(const td_markets *markets, int64_t market) {
    return td_tape_symbol_name(markets->tape, markets->symbol[market / markets->intervals]);
}

const char *td_markets_interval(const td_markets *markets, int64_t market) {
    return markets->interval[market % markets->intervals];
}

td_status td_market_open(const td_markets *markets, int64_t market, td_pick *pick, td_error *error) {
    const td_config *config = markets->config;
    td_status status = td_pick_open(markets->tape, markets->symbol[market / markets->intervals], td_markets_interval(markets, market),
                                    config->from_ns, config->to_ns, pick, error);
    if (status == TD_OK && config->execution) {
        status = td_pick_refine(pick, config->execution, error);
        if (status != TD_OK) td_pick_close(pick);
        if (status == TD_BAD_DATA) return status;
    }
    if (status != TD_BAD_DATA && status != TD_BAD_ARG) return status;
    return td_fail_within(error, TD_BAD_CONFIG, "%s", config->path);
}

td_status td_market_fail(const td_markets *markets, int64_t market, td_status status, td_error *error) {
    if (td_markets_count(markets) == 1) return status;
    return td_fail_within(error, status, "%s %s", td_markets_symbol(markets, market), td_markets_interval(markets, market));
}

td_status td_market_note(const td_tape *picked, const td_deck *deck, td_market_facts *facts, td_error *error) {
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
