/* tapedeck data on book tapes; see data_book.h. */
#include <argp.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/data_book.h"
#include "cli/job.h"
#include "data/book_feed.h"
#include "data/book_quality.h"
#include "sweeps/scalars.h"

/* ---- import ---- */

enum { KEY_FORMAT = 0x200, KEY_SYMBOL, KEY_TICK, KEY_LOT, KEY_MODE, KEY_CONTRACT, KEY_MULTIPLIER, KEY_BASE_LATENCY, KEY_NO_CLOCK, KEY_VENUE,
       KEY_OFF_GRID, KEY_NO_TICKERS, KEY_JSON };

typedef struct import_options {
    td_feed_def def;
    const td_book_format *format;
    const char **files;
    int file_count;
    bool json;
} import_options;

/* A number above 0, or a usage error. */
static double positive(struct argp_state *state, const char *option, const char *text) {
    double value = 0;
    if (!td_read_number(text, &value) || !(value > 0) || !isfinite(value))
        argp_error(state, "--%s is \"%s\", expected a number above 0", option, text);
    return value;
}

static const td_book_format *format_argument(struct argp_state *state, const char *text) {
    const td_book_format *format = td_book_format_find(text);
    if (format) return format;
    char names[512] = "";
    for (int i = 0; (format = td_book_format_at(i)); i++)
        snprintf(names + strlen(names), sizeof names - strlen(names), "%s%s", i ? ", " : "", format->name);
    argp_error(state, "--format is \"%s\", expected one of %s", text, names);
    return NULL;
}

static void check_options(struct argp_state *state, const import_options *o) {
    const td_instrument *i = &o->def.instrument;
    if (o->file_count == 0) argp_error(state, "no file to import");
    if (!o->def.path) argp_error(state, "no tape to write: give -o TAPE.h5");
    if (!o->format) argp_error(state, "no format: give --format, as in --format binance-recorded");
    if (!i->symbol[0]) argp_error(state, "no symbol: give --symbol, as in --symbol BTCUSDT");
    if (i->tick == 0) argp_error(state, "no price step: give --tick, as in --tick 0.1");
    if (i->lot == 0) argp_error(state, "no quantity step: give --lot, as in --lot 0.001");
}

static void take_name(struct argp_state *state, const char *option, const char *text, char *name, size_t room) {
    if (!*text || strlen(text) >= room)
        argp_error(state, "--%s has %zu bytes, expected 1 to %zu", option, strlen(text), room - 1);
    snprintf(name, room, "%s", text);
}

static error_t parse_import(int key, char *text, struct argp_state *state) {
    import_options *o = state->input;
    td_instrument *i = &o->def.instrument;
    double number;
    switch (key) {
    case 'o': o->def.path = text; return 0;
    case KEY_FORMAT: o->format = format_argument(state, text); return 0;
    case KEY_SYMBOL: take_name(state, "symbol", text, i->symbol, sizeof i->symbol); return 0;
    case KEY_VENUE: take_name(state, "venue", text, i->venue, sizeof i->venue); return 0;
    case KEY_TICK: i->tick = positive(state, "tick", text); return 0;
    case KEY_LOT: i->lot = positive(state, "lot", text); return 0;
    case KEY_MULTIPLIER: i->multiplier = positive(state, "multiplier", text); return 0;
    case KEY_MODE:
        if (strcmp(text, "strict") != 0 && strcmp(text, "parity") != 0)
            argp_error(state, "--mode is \"%s\", expected strict or parity", text);
        o->def.parity = strcmp(text, "parity") == 0;
        return 0;
    case KEY_CONTRACT:
        if (!td_contract_find(text, &i->contract))
            argp_error(state, "--contract is \"%s\", expected linear, inverse or quanto", text);
        return 0;
    case KEY_BASE_LATENCY:
        if (!td_read_duration(text, &number) || !(number >= 0) || number > 3600)
            argp_error(state, "--base-latency is \"%s\", expected a duration of at most an hour, as in 0.001s", text);
        o->def.base_latency_ns = llround(number * 1e9);
        return 0;
    case KEY_OFF_GRID:
        if (!td_read_number(text, &number) || !(number >= 0 && number <= 1))
            argp_error(state, "--off-grid-max is \"%s\", expected a share from 0 to 1", text);
        o->def.off_grid_max = number;
        return 0;
    case KEY_NO_CLOCK: o->def.correct_clock = false; return 0;
    case KEY_NO_TICKERS: o->def.keep_tickers = false; return 0;
    case KEY_JSON: o->json = true; return 0;
    case ARGP_KEY_ARG: {
        const char **grown = realloc(o->files, (size_t)(o->file_count + 1) * sizeof *grown);
        if (!grown) abort();
        o->files = grown;
        o->files[o->file_count++] = text;
        return 0;
    }
    case ARGP_KEY_END: check_options(state, o); return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_option import_argp_options[] = {
    {"output", 'o', "TAPE.h5", 0, "tape to write", 0},
    {"format", KEY_FORMAT, "F", 0, "what the files are; listed below", 0},
    {"symbol", KEY_SYMBOL, "S", 0, "the instrument: only messages of this one are used", 0},
    {"tick", KEY_TICK, "X", 0, "step of prices", 0},
    {"lot", KEY_LOT, "Y", 0, "step of quantities", 0},
    {"mode", KEY_MODE, "MODE", 0,
     "strict (default): sequence rules, gaps, nothing that cannot be trusted; parity: as hftbacktest converts it", 0},
    {"contract", KEY_CONTRACT, "KIND", 0, "linear (default), inverse or quanto", 0},
    {"multiplier", KEY_MULTIPLIER, "M", 0, "worth of one unit of quantity (default 1)", 0},
    {"base-latency", KEY_BASE_LATENCY, "D", 0, "least latency after the correction of clocks (default 0)", 0},
    {"no-clock-correction", KEY_NO_CLOCK, 0, 0, "leave local times as they are, even where messages are received before they are sent", 0},
    {"off-grid-max", KEY_OFF_GRID, "SHARE", 0, "refuse when more than this share of the rows is off the grid (default 0.001)", 0},
    {"no-tickers", KEY_NO_TICKERS, 0, 0, "do not keep the venue's own best prices", 0},
    {"venue", KEY_VENUE, "V", 0, "name of the venue, for the record", 0},
    {"json", KEY_JSON, 0, 0, "print the result as one JSON document", 0},
    {0},
};

/* The formats, for --help; argp frees it. */
static char *list_formats(int key, const char *text, void *input) {
    (void)input;
    if (key != ARGP_KEY_HELP_POST_DOC) return (char *)text;
    char *list = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&list, &size);
    if (!out) return (char *)text;
    fprintf(out, "Formats:\n");
    const td_book_format *format;
    for (int i = 0; (format = td_book_format_at(i)); i++) fprintf(out, "  %-18s %s\n", format->name, format->text);
    fprintf(out, "\n%s", text);
    fclose(out);
    return list;
}

static const struct argp import_argp = {
    .options = import_argp_options,
    .parser = parse_import,
    .args_doc = "FILE...",
    .doc = "Makes a book tape from recorded order-book messages.\v"
           "Several files are one recording, in the order given: splitting a file changes nothing. Files may be compressed; - is "
           "standard input. docs/file-formats-books.md describes formats, rules and counts.",
    .help_filter = list_formats,
};

static json_t *import_document(const import_options *o, const td_feed_report *report, const char *digest) {
    const td_instrument *i = &o->def.instrument;
    char *text = td_feed_report_json(report);
    json_t *document = json_pack("{s:s, s:s, s:s, s:s, s:s, s:f, s:f, s:s, s:f, s:i, s:s}", "tape", o->def.path, "symbol", i->symbol,
                                 "venue", i->venue, "format", o->format->name, "mode", o->def.parity ? "parity" : "strict", "tick", i->tick,
                                 "lot", i->lot, "contract", td_contract_name(i->contract), "multiplier", i->multiplier, "files",
                                 o->file_count, "digest", digest);
    json_t *rest = text ? json_loads(text, 0, NULL) : NULL;
    if (rest) json_object_update(document, rest);
    json_decref(rest);
    free(text);
    json_object_set_new(document, "first_time", td_json_time(report->first_ns));
    json_object_set_new(document, "last_time", td_json_time(report->last_ns));
    return document;
}

static int print_import(const import_options *o, const td_feed_report *r, const char *digest) {
    char first[32], last[32];
    printf("tape       %s\n", o->def.path);
    printf("holds      %lld messages, %lld rows of %s, %s to %s\n", (long long)r->tape_messages, (long long)r->tape_rows,
           o->def.instrument.symbol, td_time_text(r->first_ns, first), td_time_text(r->last_ns, last));
    printf("clock      least latency %.6f ms as recorded, local times shifted by %.6f ms\n", (double)r->least_latency_ns / 1e6,
           (double)r->local_shift_ns / 1e6);
    if (r->ticker_compared)
        printf("touch      equal to the venue's own best prices after %lld of %lld messages\n", (long long)r->ticker_equal,
               (long long)r->ticker_compared);
    for (int c = 0; c < TD_FEED_COUNT_COUNT; c++)
        if (r->counts[c])
            printf("%10lld %s%s%s%s\n", (long long)r->counts[c], td_feed_count_text(c), r->first[c][0] ? "; the first at " : "",
                   r->first[c], "");
    printf("digest     %s\n", digest);
    return TD_EXIT_OK;
}

static td_status import_book(const import_options *o, td_feed_report *report, char digest[TD_DIGEST_HEX], td_error *error) {
    td_book_feed *feed;
    TD_TRY(td_feed_open(&o->def, &feed, error));
    td_status status = o->format->read(feed, o->def.instrument.symbol, o->file_count, o->files, error);
    if (status == TD_OK) return td_feed_close(feed, report, digest, error);
    td_feed_abandon(feed);
    return status;
}

int td_data_import_book(int argc, char **argv) {
    import_options o = {.def = td_default_feed_def()};
    if (argp_parse(&import_argp, argc, argv, 0, NULL, &o) != 0) return TD_EXIT_USAGE;
    td_feed_report report;
    char digest[TD_DIGEST_HEX];
    td_error error;
    td_status status = import_book(&o, &report, digest, &error);
    int code;
    if (status != TD_OK)
        code = td_cli_fail(status, &error, o.json);
    else
        code = o.json ? td_json_print(import_document(&o, &report, digest), TD_EXIT_OK) : print_import(&o, &report, digest);
    free(o.files);
    return code;
}

/* ---- check ---- */

static const char *const kind_names[TD_BOOK_KIND_COUNT] = {"depth", "snapshot", "trade", "clear", "orders", "gap"};

static json_t *json_kinds(const int64_t counts[TD_BOOK_KIND_COUNT]) {
    json_t *kinds = json_object();
    for (int k = 0; k < TD_BOOK_KIND_COUNT; k++) json_object_set_new(kinds, kind_names[k], json_integer(counts[k]));
    return kinds;
}

/* A side that is empty has no price. */
static json_t *json_best(const td_book *book, int32_t tick, int64_t lots, int64_t levels) {
    return json_pack("{s:o, s:o, s:I, s:I, s:I}", "price", lots ? json_real(tick * book->instrument.tick) : json_null(), "quantity",
                     lots ? json_real((double)lots * book->instrument.lot) : json_null(), "tick", (json_int_t)(lots ? tick : 0), "lots",
                     (json_int_t)lots, "levels", (json_int_t)levels);
}

/* Gaps, crossed books and best prices that differ are what is wrong with a tape. */
static bool has_errors(const td_book_quality *q) {
    return q->crossed > 0 || q->kinds[TD_BOOK_GAP] > 0 || q->unknown_orders > 0 || q->book.equal < q->book.compared;
}

static json_t *check_document(const char *path, const td_book *book, const td_book_quality *q) {
    const td_watch_result *r = &q->book;
    return json_pack("{s:s, s:s, s:s, s:s, s:I, s:I, s:o, s:o, s:o, s:o, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:s, s:o, "
                     "s:o, s:b}",
                     "file", path, "kind", "book", "symbol", book->instrument.symbol, "mode", book->parity ? "parity" : "strict",
                     "messages", (json_int_t)book->messages, "rows", (json_int_t)book->rows, "first", td_json_time(q->first_ns), "last",
                     td_json_time(q->last_ns), "messages_by_kind", json_kinds(q->kinds), "rows_by_kind", json_kinds(q->rows), "gaps",
                     (json_int_t)q->kinds[TD_BOOK_GAP], "crossed", (json_int_t)q->crossed, "locked", (json_int_t)q->locked,
                     "unknown_levels", (json_int_t)q->unknown_levels, "unknown_orders", (json_int_t)q->unknown_orders, "tickers",
                     (json_int_t)q->tickers, "ticker_compared", (json_int_t)r->compared, "ticker_equal", (json_int_t)r->equal,
                     "least_latency_ns", (json_int_t)q->least_latency_ns, "most_latency_ns", (json_int_t)q->most_latency_ns,
                     "first_difference", r->first_difference, "final_bid", json_best(book, r->bid, r->bid_lots, r->bid_levels),
                     "final_ask", json_best(book, r->ask, r->ask_lots, r->ask_levels), "errors", has_errors(q));
}

static void print_best(const td_book *book, const char *name, int32_t tick, int64_t lots, int64_t levels) {
    if (lots)
        printf("%-16s %.10g x %.10g, %lld levels\n", name, tick * book->instrument.tick, (double)lots * book->instrument.lot,
               (long long)levels);
    else
        printf("%-16s none\n", name);
}

static void print_check(const char *path, const td_book *book, const td_book_quality *q) {
    const td_watch_result *r = &q->book;
    char first[32], last[32];
    printf("%s: book tape (%s) of %s, %lld messages with %lld rows, %s to %s\n", path, book->parity ? "parity" : "strict",
           book->instrument.symbol, (long long)book->messages, (long long)book->rows, td_time_text(q->first_ns, first),
           td_time_text(q->last_ns, last));
    for (int k = 0; k < TD_BOOK_KIND_COUNT; k++)
        if (q->kinds[k]) printf("%-16s %lld messages, %lld rows\n", kind_names[k], (long long)q->kinds[k], (long long)q->rows[k]);
    printf("gaps             %lld", (long long)q->kinds[TD_BOOK_GAP]);
    printf(q->first_gap_ns ? ", the first at %s\n" : "\n", td_time_text(q->first_gap_ns, first));
    printf("crossed          %lld", (long long)q->crossed);
    printf(q->first_crossed_ns ? ", the first at %s\n" : "\n", td_time_text(q->first_crossed_ns, first));
    printf("locked           %lld\n", (long long)q->locked);
    printf("unknown levels   %lld removed that were not there\n", (long long)q->unknown_levels);
    if (book->order_id) printf("unknown orders   %lld\n", (long long)q->unknown_orders);
    printf("latency          %.6f to %.6f ms\n", (double)q->least_latency_ns / 1e6, (double)q->most_latency_ns / 1e6);
    if (r->compared)
        printf("own best prices  equal after %lld of %lld messages\n", (long long)r->equal, (long long)r->compared);
    else
        printf("own best prices  none to compare with\n");
    if (r->first_difference[0]) printf("  the first      %s\n", r->first_difference);
    print_best(book, "final bid", r->bid, r->bid_lots, r->bid_levels);
    print_best(book, "final ask", r->ask, r->ask_lots, r->ask_levels);
}

int td_data_check_book(const char *path, bool strict, json_t *reports) {
    td_book book;
    td_book_quality quality;
    td_error error;
    td_status status = td_book_open(path, true, &book, &error);
    if (status == TD_OK) status = td_book_quality_scan(&book, &quality, &error);
    if (status != TD_OK) {
        td_book_close(&book);
        return td_cli_fail(status, &error, reports != NULL);
    }
    if (reports)
        json_array_append_new(reports, check_document(path, &book, &quality));
    else
        print_check(path, &book, &quality);
    td_book_close(&book);
    return strict && has_errors(&quality) ? TD_EXIT_GATE : TD_EXIT_OK;
}

/* ---- info ---- */

static json_t *info_document(const char *path, const td_book *book) {
    const td_instrument *i = &book->instrument;
    json_t *document = json_pack(
        "{s:s, s:s, s:s, s:s, s:s, s:f, s:f, s:s, s:f, s:I, s:I, s:I, s:b, s:o, s:o, s:s}", "tape", path, "kind", "book", "symbol",
        i->symbol, "venue", i->venue, "mode", book->parity ? "parity" : "strict", "tick", i->tick, "lot", i->lot, "contract",
        td_contract_name(i->contract), "multiplier", i->multiplier, "messages", (json_int_t)book->messages, "rows", (json_int_t)book->rows,
        "funding", (json_int_t)book->funding_count, "orders", book->order_id != NULL, "first", td_json_time(book->exchange_ns[0]), "last",
        td_json_time(book->exchange_ns[book->messages - 1]), "digest", book->digest);
    json_t *report = json_loads(td_book_report(book), 0, NULL);
    json_object_set_new(document, "import", report ? report : json_null());
    return document;
}

static int print_info(const char *path, const td_book *book) {
    const td_instrument *i = &book->instrument;
    char first[32], last[32];
    printf("tape       %s, an order book (%s)\n", path, book->parity ? "parity" : "strict");
    printf("symbol     %s%s%s\n", i->symbol, i->venue[0] ? " at " : "", i->venue);
    printf("contract   %s, tick %.12g, lot %.12g, multiplier %.12g\n", td_contract_name(i->contract), i->tick, i->lot, i->multiplier);
    printf("messages   %lld with %lld %s, %s to %s\n", (long long)book->messages, (long long)book->rows,
           book->order_id ? "rows, order by order" : "rows", td_time_text(book->exchange_ns[0], first),
           td_time_text(book->exchange_ns[book->messages - 1], last));
    if (book->funding_count) printf("funding    %lld payments\n", (long long)book->funding_count);
    printf("digest     %s\n", book->digest);
    return TD_EXIT_OK;
}

int td_data_info_book(const char *path, bool verify, bool json) {
    td_book book;
    td_error error;
    td_status status = td_book_open(path, verify, &book, &error);
    if (status != TD_OK) return td_cli_fail(status, &error, json);
    int code = json ? td_json_print(info_document(path, &book), TD_EXIT_OK) : print_info(path, &book);
    td_book_close(&book);
    return code;
}
