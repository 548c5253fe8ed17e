/* See synth_book.h. */
#include "cli/synth_book.h"

#include <argp.h>
#include <jansson.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "data/book_synth.h"
#include "data/number.h"

/* Options that are a number of the definition. key, name, field, what stands for it, text */
#define NUMBERS(X)                                                                                                               \
    X(PRICE, "price", price, "P", "about which the book begins (default 30000)")                                                 \
    X(TICK, "tick", instrument.tick, "X", "price step (default 0.1)")                                                            \
    X(LOT, "lot", instrument.lot, "X", "quantity step (default 0.001)")                                                          \
    X(LIMIT_RATE, "limit-rate", limit_rate, "R", "limit orders a second and side, one tick from the other side's best (default 10)") \
    X(MARKET_RATE, "market-rate", market_rate, "R", "market orders a second and side (default 3)")                               \
    X(CANCEL_RATE, "cancel-rate", cancel_rate, "R", "cancels a second of each resting order (default 0.25)")                     \
    X(LIMIT_LOTS, "limit-lots", limit_lots, "L", "mean size of limit orders in lots (default 100)")                              \
    X(MARKET_LOTS, "market-lots", market_lots, "L", "mean size of market orders in lots (default 500)")                          \
    X(DRIFT, "drift", drift, "F", "share by which market orders of one side, in turns, are more frequent: 0 to 0.9 (default 0)")  \
    X(GAPS, "gaps", gaps, "N", "times an hour that messages are lost for two seconds (default 0)")

enum {
    KEY_BOOK = 0x100, KEY_DURATION, KEY_SEED, KEY_START, KEY_SYMBOL, KEY_ORDERS, KEY_JSON,
#define KEY(key, name, field, value, text) KEY_##key,
    NUMBERS(KEY)
#undef KEY
};

typedef struct synth_book_options {
    td_book_synth_def def;
    const char *path;
    bool json;
} synth_book_options;

/* Puts one of NUMBERS into the definition; false when the key is none of them. */
static bool put_number(synth_book_options *o, int key, const char *text, struct argp_state *state) {
    static const struct {
        int key;
        const char *name;
        size_t offset;
    } numbers[] = {
#define NUMBER(key, name, field, value, text) {KEY_##key, name, offsetof(td_book_synth_def, field)},
        NUMBERS(NUMBER)
#undef NUMBER
    };
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        if (numbers[i].key != key) continue;
        if (!td_number_parse(text, (int64_t)strlen(text), (double *)((char *)&o->def + numbers[i].offset)))
            argp_error(state, "--%s is \"%s\", expected a number", numbers[i].name, text);
        return true;
    }
    return false;
}

static error_t parse(int key, char *text, struct argp_state *state) {
    synth_book_options *o = state->input;
    char *end;
    switch (key) {
    case 'o': o->path = text; return 0;
    case KEY_BOOK: return 0;
    case KEY_DURATION:
        o->def.length_ns = td_interval_ns(text);
        if (!o->def.length_ns) argp_error(state, "--duration is \"%s\", expected a number and s, m, h, d or w, as in 10m", text);
        return 0;
    case KEY_SEED:
        o->def.seed = strtoull(text, &end, 10);
        if (end == text || *end || *text == '-') argp_error(state, "--seed is \"%s\", expected a whole number from 0", text);
        return 0;
    case KEY_START:
        if (!td_time_parse(text, (int64_t)strlen(text), &o->def.start_ns))
            argp_error(state, "--start is \"%s\", expected a time as 2023-01-01 or 2023-01-01T00:00:00Z", text);
        return 0;
    case KEY_SYMBOL:
        if (!*text || strlen(text) >= TD_SYMBOL_MAX)
            argp_error(state, "--symbol has %zu bytes, expected 1 to %d", strlen(text), TD_SYMBOL_MAX - 1);
        strcpy(o->def.instrument.symbol, text);
        return 0;
    case KEY_ORDERS: o->def.orders = true; return 0;
    case KEY_JSON: o->json = true; return 0;
    case ARGP_KEY_ARG: argp_error(state, "\"%s\" is no option; a synthetic tape needs no file", text); return 0;
    case ARGP_KEY_END:
        if (!o->path) argp_error(state, "no tape to write: give -o TAPE.h5");
        return 0;
    default: return put_number(o, key, text, state) ? 0 : ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_option options[] = {
    {"output", 'o', "TAPE.h5", 0, "tape to write", 0},
    {"book", KEY_BOOK, 0, 0, "an order book, not bars", 0},
    {"duration", KEY_DURATION, "D", 0, "how long: 30s, 10m, 8h, 7d (default 10m)", 0},
    {"seed", KEY_SEED, "S", 0, "of the random numbers (default 1)", 0},
    {"start", KEY_START, "TIME", 0, "time of the first message (default 2023-01-01)", 0},
    {"symbol", KEY_SYMBOL, "S", 0, "name of the instrument (default SYNTH)", 0},
    {"orders", KEY_ORDERS, 0, 0, "order by order (L3) instead of levels", 0},
#define OPTION(key, name, field, value, text) {name, KEY_##key, value, 0, text, 0},
    NUMBERS(OPTION)
#undef OPTION
    {"json", KEY_JSON, 0, 0, "print one JSON document", 0},
    {0},
};

static const struct argp synth_book_argp = {
    .options = options,
    .parser = parse,
    .doc = "Makes a synthetic order book: limit orders by distance from the touch, cancels, market orders, and what a venue sends of it. "
           "The same options make the same bits on every machine; docs/synthetic-book.md has the model.",
};

static int print(const synth_book_options *o, const td_book_synth_facts *f, const char *digest) {
    char first[32], last[32];
    td_time_text(o->def.start_ns, first);
    td_time_text(o->def.start_ns + o->def.length_ns, last);
    if (o->json) {
        json_t *document = json_pack(
            "{s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:f, s:f, s:s}", "tape", o->path, "symbol", o->def.instrument.symbol,
            "first", first, "last", last, "messages", (json_int_t)f->messages, "rows", (json_int_t)f->rows, "tickers",
            (json_int_t)f->tickers, "gaps", (json_int_t)f->gaps, "limit_orders", (json_int_t)f->limit_orders, "market_orders",
            (json_int_t)f->market_orders, "cancels", (json_int_t)f->cancels, "mean_orders", f->mean_orders, "mean_spread_ticks",
            f->mean_spread_ticks, "digest", digest);
        json_dumpf(document, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(17));
        putchar('\n');
        json_decref(document);
        return TD_EXIT_OK;
    }
    printf("tape       %s\nsymbol     %s, tick %g, lot %g\ntime       %s to %s\n", o->path, o->def.instrument.symbol,
           o->def.instrument.tick, o->def.instrument.lot, first, last);
    printf("messages   %lld with %lld rows, %lld gaps; %lld best bids and asks\n", (long long)f->messages, (long long)f->rows,
           (long long)f->gaps, (long long)f->tickers);
    printf("events     %lld limit orders, %lld market orders, %lld cancels\n", (long long)f->limit_orders, (long long)f->market_orders,
           (long long)f->cancels);
    printf("book       %.1f orders at rest, spread %.2f ticks (means over time)\ndigest     %s\n", f->mean_orders, f->mean_spread_ticks,
           digest);
    return TD_EXIT_OK;
}

bool td_synth_is_book(int argc, char **argv) {
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], "--book") == 0) return true;
    return false;
}

int td_synth_book_command(int argc, char **argv) {
    synth_book_options o = {.def = td_default_book_synth_def()};
    if (argp_parse(&synth_book_argp, argc, argv, 0, NULL, &o) != 0) return TD_EXIT_USAGE;
    td_book_synth_facts facts;
    char digest[TD_DIGEST_HEX];
    td_error error;
    td_status status = td_book_synth(&o.def, o.path, &facts, digest, &error);
    return status == TD_OK ? print(&o, &facts, digest) : td_cli_fail(status, &error, o.json);
}
