/* The canonical form of a configuration and its digest. */
#include "sweeps/loader.h"

#include <assert.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "sweeps/scalars.h"
#include "sweeps/schema.h"
#include "sweeps/values.h"

enum { EXPLICIT_VALUES_MAX = 10000 };

static json_t *number_json(double x) {
    return fabs(x) < 9007199254740992.0 && x == floor(x) ? json_integer((json_int_t)x) : json_real(x);
}

/* A word as such, everything else as a number. */
static json_t *value_json(const char *unit, double x) {
    char text[48];
    return td_value_form_of(unit) == TD_VALUE_WORD ? json_string(td_value_text(unit, x, text)) : number_json(x);
}

static json_t *axis_json(const td_domain *domain, const char *unit, td_method method) {
    const td_distribution_info *info = &td_distribution_infos[domain->distribution];
    json_t *spec = json_object();
    /* a grid's values written out, so that every way of saying them has the same digest */
    if (domain->values || (method == TD_METHOD_GRID && domain->count <= EXPLICIT_VALUES_MAX)) {
        json_t *values = json_array();
        for (int64_t i = 0; i < domain->count; i++) json_array_append_new(values, value_json(unit, td_domain_at(domain, i)));
        json_object_set_new(spec, "values", values);
        if (!domain->probabilities) return spec;
        json_t *probabilities = json_array();
        for (int64_t i = 0; i < domain->count; i++) json_array_append_new(probabilities, number_json(domain->probabilities[i]));
        json_object_set_new(spec, "probabilities", probabilities);
        return spec;
    }
    const struct {
        const char *key;
        double value;
    } numbers[] = {{"min", domain->minimum}, {"max", domain->maximum}, {"q", domain->q}, {"mu", domain->mu},
                   {"sigma", domain->sigma}, {"a", domain->a}, {"b", domain->b}};
    bool optional;
    json_object_set_new(spec, "distribution", json_string(info->name));
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        if (td_distribution_takes(info->keys, numbers[i].key, &optional)) json_object_set_new(spec, numbers[i].key,
                                                                                              number_json(numbers[i].value));
    return spec;
}

/* Puts a value at a dotted path of nested objects. */
static void put_json(json_t *object, const char *path, json_t *value) {
    const char *dot;
    while ((dot = strchr(path, '.'))) {
        char name[64]; /* jansson 2.13, of Ubuntu 22.04, takes no lengths */
        assert((size_t)(dot - path) < sizeof name);
        snprintf(name, sizeof name, "%.*s", (int)(dot - path), path);
        json_t *inner = json_object_get(object, name);
        if (!inner) json_object_set_new(object, name, inner = json_object());
        object = inner;
        path = dot + 1;
    }
    json_object_set_new(object, path, value);
}

static json_t *word_json(td_key key, int index) {
    char word[32];
    const char *text = td_word_at(td_key_infos[key].words, index, word);
    assert(text);
    return json_string(text);
}

/* The rows of a list as CSV in a string: ten bytes a row where mappings would take fifty. */
static json_t *list_json(const td_space_def *space) {
    char *text = NULL, word[48];
    size_t bytes = 0;
    FILE *out = open_memstream(&text, &bytes);
    if (!out) return NULL;
    for (int a = 0; a < space->axis_count; a++) fprintf(out, "%s%s", a ? "," : "", space->axes[a].name);
    for (int64_t r = 0; r < space->row_count; r++) {
        fputc('\n', out);
        for (int a = 0; a < space->axis_count; a++) {
            double x = space->rows[r * space->axis_count + a];
            bool is_word = td_value_form_of(td_axis_value_unit(&space->axes[a])) == TD_VALUE_WORD;
            fprintf(out, "%s%s", a ? "," : "", is_word ? td_value_text(td_axis_value_unit(&space->axes[a]), x, word) : td_write_number(x, word));
        }
    }
    fputc('\n', out);
    json_t *list = fclose(out) == 0 ? json_stringn(text, bytes) : NULL;
    free(text);
    return list;
}

static json_t *names_json(char *const *names, int count) {
    json_t *list = json_array();
    for (int i = 0; i < count; i++) json_array_append_new(list, json_string(names[i]));
    return list;
}

static void put_vectorbt(json_t *root, const td_vectorbt_def *def) {
    put_json(root, "vectorbt.accumulate", word_json(TD_KEY_vectorbt_accumulate, def->accumulate));
    put_json(root, "vectorbt.upon_opposite_entry", word_json(TD_KEY_vectorbt_upon_opposite_entry, def->upon_opposite_entry));
    put_json(root, "vectorbt.stop_entry_price", word_json(TD_KEY_vectorbt_stop_entry_price, def->stop_entry_price));
    put_json(root, "vectorbt.stop_exit_price", word_json(TD_KEY_vectorbt_stop_exit_price, def->stop_exit_price));
    put_json(root, "vectorbt.upon_stop_exit", word_json(TD_KEY_vectorbt_upon_stop_exit, def->upon_stop_exit - TD_UPON_CLOSE));
    put_json(root, "vectorbt.upon_stop_update", word_json(TD_KEY_vectorbt_upon_stop_update, def->keep_stops));
    put_json(root, "vectorbt.lock_cash", json_boolean(def->lock_cash));
    put_json(root, "vectorbt.allow_partial", json_boolean(!def->whole));
    put_json(root, "vectorbt.min_size", number_json(def->min_size));
    if (def->max_size < INFINITY) put_json(root, "vectorbt.max_size", number_json(def->max_size));
}

static void put_bars(json_t *root, const td_play_def *play) {
    put_json(root, "profile", word_json(TD_KEY_profile, play->profile));
    put_json(root, "fill.at", word_json(TD_KEY_fill_at, play->fill_at));
    char hours[16];
    td_write_hours(play->hours_from, play->hours_to, hours);
    put_json(root, "fill.delay", json_integer(play->fill_delay));
    put_json(root, "intrabar", word_json(TD_KEY_intrabar, play->intrabar));
    if (play->volatility != TD_VOLATILITY_NONE)
        put_json(root, "stops.volatility", word_json(TD_KEY_stops_volatility, play->volatility - TD_VOLATILITY_ATR));
    put_json(root, "risk.hours", json_string(hours));
    put_json(root, "account.sizing", word_json(TD_KEY_account_sizing, play->sizing));
    put_json(root, "direction", word_json(TD_KEY_direction, play->direction));
    put_json(root, "finalize", json_boolean(play->finalize));
    put_json(root, "metrics.sample", play->sample_bars <= 1 ? word_json(TD_KEY_metrics_sample, (int)play->sample_bars)
                                                            : json_integer(play->sample_bars));
    put_json(root, "metrics.risk_free", number_json(play->risk_free));
    if (play->required_return != 0) put_json(root, "metrics.required_return", number_json(play->required_return));
    put_json(root, "metrics.periods_per_year", number_json(play->periods_per_year));
    if (play->profile == TD_PROFILE_VECTORBT) put_vectorbt(root, &play->vectorbt);
}

/* A number of a venue that it has for itself. */
static void put_own(json_t *venue, const char *name, double x) {
    if (!isnan(x)) json_object_set_new(venue, name, number_json(x));
}

static void put_books(json_t *root, const td_config *c) {
    const td_book_def *book = &c->play.book;
    if (c->contract_given) put_json(root, "instrument.contract", word_json(TD_KEY_instrument_contract, c->instrument.contract));
    if (c->instrument.multiplier > 0) put_json(root, "instrument.multiplier", number_json(c->instrument.multiplier));
    put_json(root, "book.mode", word_json(TD_KEY_book_mode, book->mode));
    put_json(root, "book.clock", json_integer(book->clock_ns));
    put_json(root, "book.order_limit", json_integer(book->order_limit));
    put_json(root, "book.in_flight_limit", json_integer(book->in_flight_limit));
    put_json(root, "book.consume", json_boolean(book->consume));
    put_json(root, "book.sample", json_integer(book->sample_ns));
    put_json(root, "book.days_per_year", number_json(book->days_per_year));
    put_json(root, "costs.fees", word_json(TD_KEY_costs_fees, (int)book->fees));
    if (c->latency_rows) { /* what is in the file, wherever it lies */
        char digest[TD_DIGEST_HEX];
        td_sha256_text((const char *)book->latency_rows, (size_t)book->latency_row_count * sizeof *book->latency_rows, digest);
        put_json(root, "book.latency_rows", json_string(digest));
        put_json(root, "book.latency_rows_offset", json_integer(book->latency_row_offset_ns));
    }
    json_t *venues = json_array();
    bool own = false;
    for (int v = 0; v < book->venue_count; v++) {
        const td_venue_def *def = &book->venues[v];
        json_t *venue = json_object();
        put_own(venue, "maker", def->maker);
        put_own(venue, "taker", def->taker);
        put_own(venue, "latency", def->latency);
        put_own(venue, "entry_latency", def->entry_latency);
        put_own(venue, "response_latency", def->response_latency);
        own = own || json_object_size(venue);
        json_array_append_new(venues, venue);
    }
    if (own)
        json_object_set_new(root, "venues", venues);
    else
        json_decref(venues);
    json_object_set_new(root, "seed", json_integer((json_int_t)c->seed)); /* of latency_jitter */
}

/* Everything that changes numbers, as JSON that is itself a configuration (but for the tape). space: before it was handed over. */
static json_t *resolved_json(const td_config *c, const td_space_def *space) {
    json_t *root = json_object();
    const td_play_def *play = &c->play;
    const char *source = td_strategy_source(play->strategy);
    bool rules = false;
    for (int r = 0; r < TD_RULE_COUNT; r++) {
        if (c->rules[r]) put_json(root, td_rule_names[r], json_string(c->rules[r]));
        rules = rules || c->rules[r];
    }
    if (!rules) put_json(root, "strategy", source ? json_sprintf("%s@%s", td_strategy_name(play->strategy), source)
                                      : json_string(td_strategy_name(play->strategy)));
    if (c->kind == TD_TAPE_OF_BARS)
        put_bars(root, play);
    else
        put_books(root, c);
    put_json(root, "metrics.blocks", json_integer(play->blocks));
    char date[40];
    if (c->from_ns != INT64_MIN) put_json(root, "period.from", (td_write_date(c->from_ns, date), json_string(date)));
    if (c->to_ns != INT64_MAX) put_json(root, "period.to", (td_write_date(c->to_ns, date), json_string(date)));
    if (c->all_symbols) put_json(root, "symbols", json_string("all"));
    if (c->symbol_count) put_json(root, "symbols", names_json(c->symbols, c->symbol_count));
    if (c->interval_count) put_json(root, "intervals", names_json(c->intervals, c->interval_count));
    if (c->envelope) put_json(root, "envelope", json_true());
    if (play->tier_count > 0) {
        json_t *tiers = json_array();
        for (int i = 0; i < play->tier_count; i++)
            json_array_append_new(tiers, json_pack("{s:o, s:o, s:o}", "volume", number_json(play->tiers[i].volume), "commission",
                                                   number_json(play->tiers[i].commission), "maker", number_json(play->tiers[i].maker)));
        put_json(root, "costs.tiers", tiers);
        put_json(root, "costs.tier_days", json_integer(play->tier_days));
    }
    if (c->execution) put_json(root, "execution_interval", json_string(c->execution));
    if (c->plays_portfolio) {
        const td_portfolio_def *def = &c->portfolio;
        json_t *weights = c->weights ? json_object() : word_json(TD_KEY_portfolio_weights, 0);
        for (int s = 0; c->weights && s < c->symbol_count; s++) json_object_set_new(weights, c->symbols[s], number_json(c->weights[s]));
        put_json(root, "portfolio.weights", weights);
        put_json(root, "portfolio.rebalance", def->rebalance == TD_REBALANCE_BARS
                                                  ? json_integer(def->rebalance_bars)
                                                  : word_json(TD_KEY_portfolio_rebalance, (int)def->rebalance));
        put_json(root, "portfolio.max_weight", number_json(def->max_weight));
        put_json(root, "portfolio.max_positions", json_integer(def->max_positions));
        put_json(root, "portfolio.band", number_json(def->band));
    }
    /* constants, but for what is swept */
    bool swept[TD_KNOB_COUNT + TD_PARAMS_MAX] = {0};
    for (int a = 0; a < space->axis_count; a++)
        swept[space->axes[a].param >= 0 ? TD_KNOB_COUNT + space->axes[a].param : space->axes[a].knob] = true;
    for (int n = 0; n < td_tape_kind_infos[c->kind].knob_count; n++) {
        int i = td_tape_kind_infos[c->kind].knobs[n];
        if (!swept[i] && !(i == TD_KNOB_size && play->sizing == TD_SIZING_ALL_IN) && !(i == TD_KNOB_maker && c->kind == TD_TAPE_OF_BARS && !play->maker_rate) &&
            !(i == TD_KNOB_commission && play->tier_count > 0))
            put_json(root, td_knob_infos[i].path, value_json(td_knob_infos[i].unit, c->base.knob[i]));
    }
    json_t *parameters = json_object();
    for (int i = 0; i < td_strategy_param_count(play->strategy); i++)
        if (!swept[TD_KNOB_COUNT + i])
            json_object_set_new(parameters, td_strategy_param(play->strategy, i)->name,
                                json_pack("{s:o}", "value", number_json(c->base.param[i])));
    for (int a = 0; space->method != TD_METHOD_LIST && a < space->axis_count; a++)
        json_object_set_new(parameters, space->axes[a].name, axis_json(&space->domains[a], td_axis_value_unit(&space->axes[a]), space->method));
    json_object_set_new(root, "parameters", parameters);
    /* the search */
    json_object_set_new(root, "method", word_json(TD_KEY_method, (int)space->method));
    if (space->method == TD_METHOD_LIST) json_object_set_new(root, "list", list_json(space));
    if (space->method == TD_METHOD_RANDOM) json_object_set_new(root, "seed", json_integer((json_int_t)c->seed));
    if (space->trials) json_object_set_new(root, "run_cap", json_integer(space->trials));
    if (space->constraint_count) {
        json_t *list = json_array();
        for (int i = 0; i < space->constraint_count; i++) {
            const char *text = td_expression_text(space->constraints[i]);
            json_array_append_new(list, json_string(text));
        }
        json_object_set_new(root, "constraints", list);
    }
    return root;
}

bool td_write_resolved(td_config *c, const td_space_def *space) {
    json_t *root = resolved_json(c, space);
    c->resolved = json_dumps(root, JSON_COMPACT | JSON_SORT_KEYS | JSON_REAL_PRECISION(17));
    json_decref(root);
    return c->resolved && td_sha256_text(c->resolved, strlen(c->resolved), c->digest);
}
