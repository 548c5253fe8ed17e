/* CSV files of Tardis.dev: incremental_book_L2, book_snapshot_N, trades, quotes (book_ticker) and derivative_ticker of one instrument, any
 * of them together, merged by the time of receipt; trades come before depth of the same time. docs/file-formats-books.md. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "data/book_feed.h"
#include "data/csv_merge.h"
#include "data/number.h"

/* Types of files, in their order at equal times: a trade before the change of the level that it caused. */
typedef enum file_type { TRADES, DEPTH, SNAPSHOTS, QUOTES, TICKERS, FILE_TYPES } file_type;

enum { EXCHANGE, SYMBOL, TIME, LOCAL_TIME, OWN_COLUMNS };
enum { ID = OWN_COLUMNS, TRADE_SIDE, TRADE_PRICE, TRADE_AMOUNT };
enum { IS_SNAPSHOT = OWN_COLUMNS, SIDE, PRICE, AMOUNT };
enum { ASK_AMOUNT = OWN_COLUMNS, ASK_PRICE, BID_PRICE, BID_AMOUNT };
enum { FUNDING_TIME = OWN_COLUMNS, FUNDING_RATE, PREDICTED_RATE, OPEN_INTEREST, LAST_PRICE, INDEX_PRICE, MARK_PRICE };

#define HEAD "exchange", "symbol", "timestamp", "local_timestamp"
static const struct {
    const char *name, *header[12];
    int columns; /* 0: four for each level */
} types[FILE_TYPES] = {
    [TRADES] = {"trades", {HEAD, "id", "side", "price", "amount"}, 8},
    [DEPTH] = {"incremental_book_L2", {HEAD, "is_snapshot", "side", "price", "amount"}, 8},
    [SNAPSHOTS] = {"book_snapshot", {HEAD, "asks[0].price", "asks[0].amount", "bids[0].price", "bids[0].amount"}, 0},
    [QUOTES] = {"quotes", {HEAD, "ask_amount", "ask_price", "bid_price", "bid_amount"}, 8},
    [TICKERS] = {"derivative_ticker",
                 {HEAD, "funding_timestamp", "funding_rate", "predicted_funding_rate", "open_interest", "last_price", "index_price",
                  "mark_price"},
                 11},
};

typedef struct reader {
    td_book_feed *feed;
    const char *wanted;              /* symbol; NULL: the first one met */
    char exchange[64], symbol[64];   /* of the rows taken */
    char other[64];                  /* a symbol that was passed over */
    int64_t taken;
    bool message;                    /* is a depth message begun? */
    td_book_kind kind;
    int64_t time_ns, local_ns;       /* its times */
    bool after_snapshot;             /* was the last row of depth one of a snapshot? */
    int64_t funding_ns, ticker_ns;   /* the next funding as the last ticker had it, and the time of that; 0: none */
    double funding_rate, mark;
} reader;

/* ---- files ---- */

static bool is_header(file_type type, const td_csv_row *row) {
    int columns = types[type].columns ? types[type].columns : OWN_COLUMNS + 4;
    return td_csv_row_begins(row, types[type].header, columns) &&
           (types[type].columns ? row->count == columns : (row->count - OWN_COLUMNS) % 4 == 0);
}

static td_status classify(void *user, const char *file, td_csv *csv, int *type, td_error *error) {
    (void)user;
    const td_csv_row *row;
    TD_TRY(td_csv_next(csv, &row, error));
    if (!row) return td_fail(error, TD_BAD_DATA, "%s: has no rows, expected the header of a Tardis file", file);
    for (int i = 0; i < FILE_TYPES; i++)
        if (is_header(i, row)) {
            *type = i;
            return TD_OK;
        }
    char found[160];
    return td_fail(error, TD_BAD_DATA,
                   "%s:1: found the header %s, expected that of a Tardis incremental_book_L2, trades, quotes (book_ticker), "
                   "book_snapshot_N or derivative_ticker file", row->name, td_csv_row_text(row, found, sizeof found));
}

/* Tardis writes microseconds; test data of others has nanoseconds, which no microseconds of this era reach. */
static bool time_of(const td_field *field, int64_t *time_ns) {
    int64_t value;
    if (!td_field_whole(field, &value) || value <= 0) return false;
    if (value >= 100000000000000000) *time_ns = value;
    else if (value >= 100000000000000 && value <= INT64_MAX / 1000) *time_ns = value * 1000;
    else return false;
    return true;
}

static bool row_time(void *user, int type, const td_csv_row *row, int64_t *time) {
    (void)user;
    (void)type;
    return row->count > LOCAL_TIME && time_of(&row->field[LOCAL_TIME], time);
}

/* ---- rows ---- */

static td_status end_message(reader *r, td_error *error) {
    if (!r->message) return TD_OK;
    r->message = false;
    return td_feed_end(r->feed, error);
}

/* Counts a row that cannot be used. One of depth leaves a hole; what it was part of, a snapshot perhaps, is not whole, so what
 * follows does not begin one, unless the row says that it was none of a snapshot. */
static td_status broken(reader *r, file_type type, const td_csv_row *row, const char *what, const td_field *found, td_error *error) {
    char line[96], text[160];
    snprintf(text, sizeof text, "%s: found \"%.96s\"", what, found ? found->text : td_csv_row_text(row, line, sizeof line));
    TD_TRY(end_message(r, error));
    td_feed_count_one(r->feed, TD_FEED_COUNT_broken, text);
    if (type != DEPTH) return TD_OK;
    r->after_snapshot = row->count <= IS_SNAPSHOT || !td_field_is(&row->field[IS_SNAPSHOT], "false");
    if (row_time(NULL, type, row, &r->local_ns)) r->time_ns = 0;
    if (r->local_ns == 0) return TD_OK; /* nothing has begun yet */
    td_feed_begin(r->feed, TD_BOOK_GAP, r->time_ns, r->local_ns);
    return td_feed_end(r->feed, error);
}

/* Is the row of the instrument asked for? */
static td_status choose(reader *r, const td_csv_row *row, bool *ours, td_error *error) {
    const td_field *exchange = &row->field[EXCHANGE], *symbol = &row->field[SYMBOL];
    *ours = false;
    if (r->wanted && !td_field_is(symbol, r->wanted)) {
        snprintf(r->other, sizeof r->other, "%s", symbol->text);
        return TD_OK;
    }
    if (r->taken++ == 0) {
        snprintf(r->exchange, sizeof r->exchange, "%s", exchange->text);
        snprintf(r->symbol, sizeof r->symbol, "%s", symbol->text);
    }
    if (strcmp(symbol->text, r->symbol) != 0)
        return td_fail(error, TD_BAD_DATA, "%s:%lld: symbol %.60s after rows of %s: a tape has one instrument, choose it with --symbol",
                       row->name, (long long)row->line, symbol->text, r->symbol);
    if (strcmp(exchange->text, r->exchange) != 0)
        return td_fail(error, TD_BAD_DATA, "%s:%lld: exchange %.60s after rows of %s: a tape has one instrument", row->name,
                       (long long)row->line, exchange->text, r->exchange);
    *ours = true;
    return TD_OK;
}

static td_status take_trade(reader *r, const td_csv_row *row, int64_t time_ns, int64_t local_ns, td_error *error) {
    const td_field *side = &row->field[TRADE_SIDE], *price = &row->field[TRADE_PRICE], *amount = &row->field[TRADE_AMOUNT];
    bool buy = td_field_is(side, "buy");
    if (!buy && !td_field_is(side, "sell")) {
        if (!td_field_is(side, "unknown")) return broken(r, TRADES, row, "side of a trade", side, error);
        td_feed_count_one(r->feed, TD_FEED_COUNT_other, "a trade of unknown side");
        return TD_OK;
    }
    int64_t id;
    td_feed_begin(r->feed, TD_BOOK_TRADE, time_ns, local_ns);
    if (td_field_whole(&row->field[ID], &id)) td_feed_trade_id(r->feed, id);
    td_feed_row_text(r->feed, buy ? TD_BUY : TD_SELL, price->text, price->length, amount->text, amount->length);
    return td_feed_end(r->feed, error);
}

/* Rows of one message share both times. Rows of a snapshot that follow others of one belong to it, whenever they came: what was there
 * before goes where is_snapshot turns from false to true, and only there. */
static td_status take_depth(reader *r, const td_csv_row *row, int64_t time_ns, int64_t local_ns, td_error *error) {
    const td_field *snapshot = &row->field[IS_SNAPSHOT], *side = &row->field[SIDE], *price = &row->field[PRICE];
    const td_field *amount = &row->field[AMOUNT];
    bool of_snapshot = td_field_is(snapshot, "true");
    if (!of_snapshot && !td_field_is(snapshot, "false")) return broken(r, DEPTH, row, "is_snapshot", snapshot, error);
    bool bid = td_field_is(side, "bid") || td_field_is(side, "buy");
    if (!bid && !td_field_is(side, "ask") && !td_field_is(side, "sell")) return broken(r, DEPTH, row, "side", side, error);
    bool continues = r->message && time_ns == r->time_ns && local_ns == r->local_ns && of_snapshot == r->after_snapshot;
    if (!continues) {
        TD_TRY(end_message(r, error));
        td_feed_begin(r->feed, of_snapshot && !r->after_snapshot ? TD_BOOK_SNAPSHOT : TD_BOOK_DEPTH, time_ns, local_ns);
        r->message = true;
        r->time_ns = time_ns;
        r->local_ns = local_ns;
        r->after_snapshot = of_snapshot;
    }
    td_feed_row_text(r->feed, bid ? TD_BUY : TD_SELL, price->text, price->length, amount->text, amount->length);
    return TD_OK;
}

static void side_of_snapshot(reader *r, const td_csv_row *row, td_side side) {
    for (int c = OWN_COLUMNS + (side == TD_BUY ? 2 : 0); c + 1 < row->count && row->field[c].length; c += 4)
        td_feed_row_text(r->feed, side, row->field[c].text, row->field[c].length, row->field[c + 1].text, row->field[c + 1].length);
}

static td_status take_snapshot(reader *r, const td_csv_row *row, int64_t time_ns, int64_t local_ns, td_error *error) {
    td_feed_begin(r->feed, TD_BOOK_SNAPSHOT, time_ns, local_ns);
    side_of_snapshot(r, row, TD_BUY);
    side_of_snapshot(r, row, TD_SELL);
    return td_feed_end(r->feed, error);
}

static td_status take_quote(reader *r, const td_csv_row *row, int64_t time_ns, int64_t local_ns, td_error *error) {
    static const int columns[4] = {BID_PRICE, BID_AMOUNT, ASK_PRICE, ASK_AMOUNT};
    const char *text[4];
    size_t length[4];
    for (int i = 0; i < 4; i++) {
        text[i] = row->field[columns[i]].text;
        length[i] = row->field[columns[i]].length;
        if (length[i] == 0) {
            td_feed_count_one(r->feed, TD_FEED_COUNT_other, "a quote with an empty side");
            return TD_OK;
        }
    }
    return td_feed_ticker_text(r->feed, time_ns, local_ns, 0, text, length, error);
}

static td_status pay_funding(reader *r, td_error *error) {
    if (r->funding_ns == 0 || r->ticker_ns < r->funding_ns) return TD_OK; /* the recording ends before it */
    return td_feed_funding(r->feed, r->funding_ns, r->funding_rate, r->mark, error);
}

/* A ticker says when the next funding is and its rate so far: what was said last before the next one is named is what is paid. */
static td_status take_ticker(reader *r, const td_csv_row *row, int64_t time_ns, td_error *error) {
    const td_field *rate = &row->field[FUNDING_RATE], *mark = &row->field[MARK_PRICE];
    int64_t funding_ns;
    double value, price = NAN;
    if (row->field[FUNDING_TIME].length == 0 || rate->length == 0) return TD_OK;
    if (!time_of(&row->field[FUNDING_TIME], &funding_ns))
        return broken(r, TICKERS, row, "funding_timestamp", &row->field[FUNDING_TIME], error);
    if (!td_number_parse(rate->text, (int64_t)rate->length, &value) || !isfinite(value))
        return broken(r, TICKERS, row, "funding_rate", rate, error);
    if (mark->length && !td_number_parse(mark->text, (int64_t)mark->length, &price))
        return broken(r, TICKERS, row, "mark_price", mark, error);
    if (funding_ns < r->funding_ns) {
        td_feed_count_one(r->feed, TD_FEED_COUNT_exchange_regressions, "funding_timestamp");
        return TD_OK;
    }
    if (time_ns > r->ticker_ns) r->ticker_ns = time_ns;
    if (funding_ns > r->funding_ns) {
        TD_TRY(pay_funding(r, error));
        r->mark = price;
    }
    r->funding_ns = funding_ns;
    r->funding_rate = value;
    if (!isnan(price)) r->mark = price;
    return TD_OK;
}

static td_status take_row(reader *r, file_type type, const td_csv_row *row, td_error *error) {
    td_feed_place(r->feed, row->name, row->line);
    if (row->first) {
        if (is_header(type, row)) return TD_OK;
        return td_fail(error, TD_BAD_DATA, "%s: does not begin with the header of a Tardis %s file", row->name, types[type].name);
    }
    int columns = types[type].columns;
    if (columns ? row->count != columns : row->count < OWN_COLUMNS || (row->count - OWN_COLUMNS) % 4 != 0) {
        char what[64];
        snprintf(what, sizeof what, "a row of %d columns, expected %d", row->count, columns);
        return broken(r, type, row, what, NULL, error);
    }
    bool ours;
    TD_TRY(choose(r, row, &ours, error));
    if (!ours) return TD_OK;
    int64_t time_ns = 0, local_ns;
    if (!time_of(&row->field[LOCAL_TIME], &local_ns)) return broken(r, type, row, "local_timestamp", &row->field[LOCAL_TIME], error);
    if (row->field[TIME].length && !td_field_is(&row->field[TIME], "0") && !time_of(&row->field[TIME], &time_ns))
        return broken(r, type, row, "timestamp", &row->field[TIME], error);
    if (time_ns == 0) time_ns = local_ns;
    if (type != DEPTH) TD_TRY(end_message(r, error));
    switch (type) {
    case TRADES: return take_trade(r, row, time_ns, local_ns, error);
    case DEPTH: return take_depth(r, row, time_ns, local_ns, error);
    case SNAPSHOTS: return take_snapshot(r, row, time_ns, local_ns, error);
    case QUOTES: return take_quote(r, row, time_ns, local_ns, error);
    default: return take_ticker(r, row, time_ns, error);
    }
}

static td_status read_all(reader *r, td_csv_merge *merge, td_error *error) {
    if (td_csv_merge_has(merge, DEPTH) && td_csv_merge_has(merge, SNAPSHOTS))
        return td_fail(error, TD_BAD_DATA, "incremental_book_L2 and book_snapshot files together: each is a whole book, give one of them");
    for (;;) {
        const td_csv_row *row;
        int type;
        TD_TRY(td_csv_merge_next(merge, &type, &row, error));
        if (!row) break;
        TD_TRY(take_row(r, type, row, error));
    }
    TD_TRY(end_message(r, error));
    TD_TRY(pay_funding(r, error));
    if (r->taken == 0 && r->wanted && r->other[0])
        return td_fail(error, TD_BAD_DATA, "no row is of symbol %s; there are rows of %s", r->wanted, r->other);
    return TD_OK;
}

td_status td_book_read_tardis(td_book_feed *feed, const char *symbol, int file_count, const char *const *files, td_error *error) {
    reader r = {.feed = feed, .wanted = symbol};
    td_csv_merge_def def = {.user = &r, .classify = classify, .time = row_time};
    td_csv_merge *merge;
    TD_TRY(td_csv_merge_open(&def, file_count, files, &merge, error));
    td_feed_rule(feed, TD_SEQUENCE_SNAPSHOT_FIRST);
    td_feed_trades_first(feed);
    td_status status = read_all(&r, merge, error);
    if (file_count > 0) td_feed_place(feed, files[file_count - 1], 0);
    td_csv_merge_close(merge);
    return status;
}
