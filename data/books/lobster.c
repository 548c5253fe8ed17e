/* LOBSTER: a message file and an order-book file, line by line a pair. Levels come from the order-book file, which has the book after
 * each message, executions from the message file. docs/file-formats-books.md. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/book_feed.h"
#include "data/csv_rows.h"
#include "data/number.h"
#include "data/tape.h"

enum { TIME, TYPE, ORDER_ID, SIZE, PRICE, DIRECTION, MESSAGE_COLUMNS };
enum { ADDED = 1, REDUCED, DELETED, EXECUTED, EXECUTED_HIDDEN, CROSSED, HALTED };
#define PRICE_E9 INT64_C(100000) /* prices are dollars * 10000 */
#define SIZE_E9 INT64_C(1000000000)
#define NO_PRICE INT64_C(9999999999)

/* A level as the file has it. */
typedef struct level {
    int64_t price, size;
} level;

typedef struct reader {
    td_book_feed *feed;
    const char *message_file, *book_file;
    td_csv *message, *book;
    int64_t midnight_ns, last_ns; /* last_ns: time of the last message that could be read */
    int levels;
    bool fresh;             /* nothing of this file's book has been told */
    bool spoiled;           /* ... since a pair of lines that could not be read */
    level *was, *now;       /* (2, levels) ask and bid of each level, as told last and of this line */
} reader;

/* ---- names and days ---- */

/* Hours that New York is behind UTC on a day: 4 in summer, else 5. Since 2007 summer is from the second Sunday of March to the first of
 * November; clocks change while the exchange is closed. */
static int hours_behind(int year, int month, int day) {
    static const int shift[12] = {0, 3, 2, 5, 0, 3, 5, 1, 4, 6, 2, 4};
    int y = month < 3 ? year - 1 : year;
    int weekday = (y + y / 4 - y / 100 + y / 400 + shift[month - 1] + day) % 7; /* 0: Sunday */
    int sunday = day - weekday;                                               /* the last one not after the day; below 1: none yet */
    bool summer = (month > 3 && month < 11) || (month == 3 && sunday >= 8) || (month == 11 && sunday < 1);
    return summer ? 4 : 5;
}

/* Where in the name a day is written, "2012-06-21"; NULL: nowhere. */
static const char *day_in(const char *name) {
    for (const char *p = name; *p; p++) {
        bool fits = true;
        for (int i = 0; i < 10 && fits; i++) fits = i == 4 || i == 7 ? p[i] == '-' : td_is_digit(p[i]);
        if (fits && (p == name || !td_is_digit(p[-1])) && !td_is_digit(p[10])) return p;
    }
    return NULL;
}

static td_status find_midnight(reader *r, td_error *error) {
    const char *slash = strrchr(r->message_file, '/'), *name = slash ? slash + 1 : r->message_file, *day = day_in(name);
    if (!day)
        return td_fail(error, TD_BAD_DATA,
                       "%s: has no day in its name; LOBSTER's times count from midnight, so it is taken from names like "
                       "AMZN_2012-06-21_34200000_57600000_message_10.csv", r->message_file);
    int64_t utc_ns;
    if (!td_time_parse(day, 10, &utc_ns)) return td_fail(error, TD_BAD_DATA, "%s: %.10s is no day", r->message_file, day);
    int hours = hours_behind(atoi(day), atoi(day + 5), atoi(day + 8));
    r->midnight_ns = utc_ns + hours * 3600 * INT64_C(1000000000);
    return TD_OK;
}

/* "AMZN_2012-06-21_..." is of AMZN. */
static td_status check_symbol(const char *file, const char *symbol, char found[64], td_error *error) {
    const char *slash = strrchr(file, '/'), *name = slash ? slash + 1 : file, *bar = strchr(name, '_');
    char here[64];
    if (!bar || bar == name || bar - name >= 64) return TD_OK;
    snprintf(here, sizeof here, "%.*s", (int)(bar - name), name);
    if (symbol && strcmp(here, symbol) != 0)
        return td_fail(error, TD_BAD_DATA, "%s: is of %s by its name, expected %s", file, here, symbol);
    if (found[0] && strcmp(here, found) != 0)
        return td_fail(error, TD_BAD_DATA, "%s: is of %s, the files before it are of %s: a tape has one instrument", file, here, found);
    memcpy(found, here, sizeof here);
    return TD_OK;
}

/* ---- lines ---- */

/* Seconds since midnight with a fraction, exactly; digits beyond the ninth are cut. */
static bool time_of(const td_field *f, int64_t *ns) {
    int64_t seconds = 0, fraction = 0, scale = 1000000000;
    const char *p = f->text, *end = p + f->length;
    if (p == end || !td_is_digit(*p)) return false;
    for (; p < end && td_is_digit(*p); p++)
        if ((seconds = seconds * 10 + (*p - '0')) > 86400) return false;
    if (p < end && *p == '.')
        for (p++; p < end && td_is_digit(*p); p++)
            if (scale > 1) {
                scale /= 10;
                fraction += (*p - '0') * scale;
            }
    if (p < end) return false;
    *ns = seconds * INT64_C(1000000000) + fraction;
    return true;
}

static bool is_price(int64_t price) { return price > 0 && price < NO_PRICE; }

/* Price and size of each level, ask and bid; a level that is not there has a price no order has. */
static bool read_levels(reader *r, const td_csv_row *row) {
    for (int i = 0; i < 2 * r->levels; i++) {
        level *l = &r->now[i];
        if (!td_field_whole(&row->field[2 * i], &l->price) || !td_field_whole(&row->field[2 * i + 1], &l->size)) return false;
        if (l->size < 0 || l->size > UINT32_MAX) return false;
        if (!is_price(l->price)) *l = (level){0, 0};
    }
    return true;
}

static int64_t size_at(const reader *r, const level *levels, int side, int64_t price) {
    for (int i = side; i < 2 * r->levels; i += 2)
        if (levels[i].price == price) return levels[i].size;
    return 0;
}

static void push(reader *r, int side, int64_t price, int64_t size) {
    td_feed_row_nano(r->feed, side == 0 ? TD_SELL : TD_BUY, price * PRICE_E9, size * SIZE_E9);
}

/* What differs from the levels told last; those that are no longer among the file's levels are gone, as far as anybody can see. Only
 * counts when `tell` is false. */
static int changes(reader *r, bool tell) {
    int count = 0;
    for (int side = 1; side >= 0; side--) { /* bids first */
        for (int i = side; i < 2 * r->levels && !r->fresh; i += 2) {
            if (r->was[i].price == 0 || size_at(r, r->now, side, r->was[i].price) != 0) continue;
            if (tell) push(r, side, r->was[i].price, 0);
            count++;
        }
        for (int i = side; i < 2 * r->levels; i += 2) {
            if (r->now[i].price == 0 || r->now[i].size == 0) continue;
            if (!r->fresh && size_at(r, r->was, side, r->now[i].price) == r->now[i].size) continue;
            if (tell) push(r, side, r->now[i].price, r->now[i].size);
            count++;
        }
    }
    return count;
}

static void count_broken(reader *r, const char *what, const td_csv_row *row) {
    char line[64], text[128];
    snprintf(text, sizeof text, "%s: found \"%s\"", what, td_csv_row_text(row, line, sizeof line));
    td_feed_place(r->feed, row->name, row->line);
    td_feed_count_one(r->feed, TD_FEED_COUNT_broken, text);
}

/* Each line of the book is whole, so what a line that cannot be read has hidden is seen in the next; until then it is a gap. */
static td_status broken(reader *r, const char *what, const td_csv_row *row, td_error *error) {
    count_broken(r, what, row);
    if (r->spoiled || r->last_ns == 0) return TD_OK;
    r->spoiled = true;
    td_feed_begin(r->feed, TD_BOOK_GAP, r->last_ns, 0);
    return td_feed_end(r->feed, error);
}

/* An executed buy order was hit by a seller. */
static td_status take_trade(reader *r, const td_csv_row *row, int64_t time_ns, td_error *error) {
    int64_t size, price, direction;
    if (!td_field_whole(&row->field[SIZE], &size) || !td_field_whole(&row->field[PRICE], &price) ||
        !td_field_whole(&row->field[DIRECTION], &direction) || (direction != 1 && direction != -1) || !is_price(price) || size < 0 ||
        size > UINT32_MAX) {
        count_broken(r, "size, price, direction of an execution", row);
        return TD_OK;
    }
    td_feed_begin(r->feed, TD_BOOK_TRADE, time_ns, 0);
    td_feed_row_nano(r->feed, direction == 1 ? TD_SELL : TD_BUY, price * PRICE_E9, size * SIZE_E9);
    return td_feed_end(r->feed, error);
}

static td_status take_levels(reader *r, int64_t time_ns, td_error *error) {
    bool whole = r->fresh;
    if (!whole && changes(r, false) == 0) return TD_OK;
    td_feed_begin(r->feed, whole ? TD_BOOK_SNAPSHOT : TD_BOOK_DEPTH, time_ns, 0);
    changes(r, true);
    level *told = r->now;
    r->now = r->was;
    r->was = told;
    r->fresh = false;
    return td_feed_end(r->feed, error);
}

static td_status take_pair(reader *r, const td_csv_row *message, const td_csv_row *book, td_error *error) {
    int64_t time_ns, type;
    if (message->count < MESSAGE_COLUMNS) return broken(r, "a message of fewer than 6 columns", message, error);
    if (!time_of(&message->field[TIME], &time_ns)) return broken(r, "time of a message", message, error);
    if (!td_field_whole(&message->field[TYPE], &type) || type < ADDED || type > HALTED)
        return broken(r, "type of a message, expected 1 to 7", message, error);
    if (book->count != 4 * r->levels || !read_levels(r, book)) return broken(r, "a row of the book", book, error);
    time_ns += r->midnight_ns;
    r->last_ns = time_ns;
    td_feed_place(r->feed, r->message_file, message->line);
    if (r->spoiled) r->fresh = true; /* each line has the whole book: the next good one starts anew */
    r->spoiled = false;
    if (type == CROSSED || type == HALTED)
        td_feed_count_one(r->feed, TD_FEED_COUNT_other, type == HALTED ? "a halt" : "a cross trade");
    if (type == EXECUTED || type == EXECUTED_HIDDEN) TD_TRY(take_trade(r, message, time_ns, error));
    return take_levels(r, time_ns, error);
}

/* ---- files ---- */

static td_status begin_book(reader *r, const td_csv_row *book, td_error *error) {
    if (book->count < 4 || book->count % 4 != 0)
        return td_fail(error, TD_BAD_DATA, "%s:%lld: found %d columns, expected four for each level", book->name, (long long)book->line,
                       book->count);
    r->levels = book->count / 4;
    free(r->was);
    free(r->now);
    r->was = calloc((size_t)r->levels * 2, sizeof *r->was);
    r->now = calloc((size_t)r->levels * 2, sizeof *r->now);
    return r->was && r->now ? TD_OK : td_fail(error, TD_NO_MEMORY, "no memory for %d levels", r->levels);
}

static td_status read_lines(reader *r, td_error *error) {
    const td_csv_row *message, *book;
    for (int64_t pairs = 0;; pairs++) {
        TD_TRY(td_csv_next(r->message, &message, error));
        TD_TRY(td_csv_next(r->book, &book, error));
        if (!message && !book) break;
        if (!message || !book)
            return td_fail(error, TD_BAD_DATA, "%s ends after %lld lines, %s has more: they are no pair, or one is cut",
                           message ? r->book_file : r->message_file, (long long)pairs, message ? r->message_file : r->book_file);
        if (pairs == 0) TD_TRY(begin_book(r, book, error));
        TD_TRY(take_pair(r, message, book, error));
    }
    return TD_OK;
}

static td_status read_pair(reader *r, td_error *error) {
    TD_TRY(find_midnight(r, error));
    r->fresh = true;
    r->spoiled = false;
    td_status status = td_csv_open(r->message_file, &r->message, error);
    if (status == TD_OK) status = td_csv_open(r->book_file, &r->book, error);
    if (status == TD_OK) status = read_lines(r, error);
    td_csv_close(r->message);
    td_csv_close(r->book);
    r->message = r->book = NULL;
    td_feed_place(r->feed, r->message_file, 0);
    return status;
}

/* Books have four columns a level, messages six. */
static td_status is_book(const char *file, bool *book, td_error *error) {
    td_csv *csv;
    const td_csv_row *row;
    TD_TRY(td_csv_open(file, &csv, error));
    td_status status = td_csv_next(csv, &row, error);
    int columns = status == TD_OK && row ? row->count : 0;
    *book = columns % 4 == 0;
    if (status == TD_OK && (columns == 0 || (!*book && columns < MESSAGE_COLUMNS)))
        status = td_fail(error, TD_BAD_DATA, "%s: found %d columns, expected those of a LOBSTER message file (6) or order-book file (4 for "
                         "each level)", file, columns);
    td_csv_close(csv);
    return status;
}

/* The k-th message file goes with the k-th order-book file. */
static td_status read_pairs(reader *r, const char *symbol, int file_count, const char *const *files, bool *book, td_error *error) {
    int messages = 0, books = 0;
    char found[64] = "";
    for (int i = 0; i < file_count; i++) {
        TD_TRY(is_book(files[i], &book[i], error));
        TD_TRY(check_symbol(files[i], symbol, found, error));
        books += book[i];
        messages += !book[i];
    }
    if (messages != books || messages == 0)
        return td_fail(error, TD_BAD_DATA, "%d message files and %d order-book files: LOBSTER's files come in pairs, give both of each day",
                       messages, books);
    for (int pair = 0, m = -1, b = -1; pair < messages; pair++) {
        do m++;
        while (book[m]);
        do b++;
        while (!book[b]);
        r->message_file = files[m];
        r->book_file = files[b];
        const char *day = day_in(files[m]), *other = day_in(files[b]);
        if (day && other && strncmp(day, other, 10) != 0)
            return td_fail(error, TD_BAD_DATA, "%s and %s are of different days: give pairs in the same order", files[m], files[b]);
        TD_TRY(read_pair(r, error));
    }
    return TD_OK;
}

td_status td_book_read_lobster(td_book_feed *feed, const char *symbol, int file_count, const char *const *files, td_error *error) {
    reader r = {.feed = feed};
    bool *book = calloc((size_t)file_count + 1, sizeof *book);
    if (!book) return td_fail(error, TD_NO_MEMORY, "no memory for the names of %d files", file_count);
    td_status status = read_pairs(&r, symbol, file_count, files, book, error);
    free(book);
    free(r.was);
    free(r.now);
    return status;
}
