/* A book tape: the recorded order-book messages of one instrument, and the file they live in.
 *
 * Words
 *   row       a level of one side: side, price in ticks, quantity in lots (whole numbers of the instrument)
 *   message   what the venue sent at once: a time at the exchange, a time at which it was received (local), and rows. A book is
 *             looked at between messages, never inside one (mode parity, which follows another program row by row, apart).
 *   exchange order, local order   messages sorted by the one time or the other, both stably over the order of arrival. The tape lies in
 *             exchange order; local_shift says where the next message in local order is.
 *   gap       a place where messages are missing: from there to the next snapshot the book is not to be acted upon
 *
 * Sizes: 8 bytes a row, 30 a message. The file is HDF5 with one contiguous uncompressed dataset a column, mapped as bar tapes are
 * (data/tape.h): nothing is copied, threads share the pages, and td_book_let_go() gives back those that are behind, so replay of a
 * tape of any length takes bounded memory. docs/file-formats-books.md describes it.
 *
 * Ownership: td_book_open() maps the file, td_book_close() releases it. A td_book built by hand around arrays of the caller's (tests)
 * is as good as an opened one and needs no close. */
#ifndef TAPEDECK_DATA_BOOK_H
#define TAPEDECK_DATA_BOOK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "data/tape.h"

/* Bid or buy; ask or sell. Of a trade, the side of the order that came in (the taker's). */
typedef enum td_side { TD_BUY, TD_SELL } td_side;

typedef enum td_book_kind {
    TD_BOOK_DEPTH,    /* levels with their new quantity; 0 lots: the level is gone */
    TD_BOOK_SNAPSHOT, /* the whole book: bids from the best, then asks from the best. Whatever else was there is gone (mode parity: only
                         what lies between the best and the worst price named, side by side) */
    TD_BOOK_TRADE,    /* executions: price and quantity, side of the taker */
    TD_BOOK_CLEAR,    /* rows: (side, tick): levels of the side from the best to that tick are gone; no rows: everything is */
    TD_BOOK_ORDERS,   /* order by order (L3): rows with an order id and an action */
    TD_BOOK_GAP,      /* no rows: messages are missing here */
    TD_BOOK_KIND_COUNT
} td_book_kind;

/* Who sees a message. Both, unless the source says otherwise (rows of hftbacktest files). */
enum { TD_BOOK_AT_EXCHANGE = 1, TD_BOOK_AT_LOCAL = 2, TD_BOOK_SEEN = 3 };

/* What happened to an order (rows of TD_BOOK_ORDERS). Fills and trades do not change the book: a cancel or a modify follows. */
typedef enum td_book_action {
    TD_ACTION_ADD,
    TD_ACTION_CANCEL, /* lots: what is taken off, 0: all; the order goes when nothing is left */
    TD_ACTION_MODIFY, /* price and quantity are the new ones */
    TD_ACTION_CLEAR,  /* all orders of the side are gone; order id 1: of both sides */
    TD_ACTION_TRADE,  /* an execution, side of the taker */
    TD_ACTION_FILL,   /* a resting order was hit: its id, what it gave */
    TD_ACTION_COUNT
} td_book_action;

typedef struct td_book_row {
    int32_t tick_side; /* tick * 2 + side */
    uint32_t lots;     /* TD_LOTS_WIDE: too many for 32 bits, see td_book_lots() */
} td_book_row;
enum { TD_TICK_MAX = (1 << 30) - 1 };
#define TD_LOTS_WIDE UINT32_MAX
static inline int32_t td_row_tick(td_book_row row) { return row.tick_side >> 1; }
static inline td_side td_row_side(td_book_row row) { return (td_side)(row.tick_side & 1); }
static inline td_book_row td_row_make(td_side side, int32_t tick, uint32_t lots) {
    return (td_book_row){.tick_side = tick * 2 + (int32_t)side, .lots = lots};
}

/* What one contract is worth, per price p and quantity q, with multiplier m: m q p quote; m q / p coin; m q p of another currency.
 * Quanto is accounted as linear, in the settlement currency. */
typedef enum td_contract { TD_CONTRACT_LINEAR, TD_CONTRACT_INVERSE, TD_CONTRACT_QUANTO, TD_CONTRACT_COUNT } td_contract;
const char *td_contract_name(td_contract contract); /* "linear", "inverse", "quanto" */
bool td_contract_find(const char *name, td_contract *contract);

typedef struct td_instrument {
    char symbol[TD_SYMBOL_MAX];
    char venue[32];       /* "" when the source does not say */
    double tick, lot;     /* steps of price and quantity */
    td_contract contract;
    double multiplier;    /* Default 1. */
} td_instrument;

/* The venue's own best prices, where it sent them: what `data check` compares the rebuilt book with. Kept compressed and apart from the
 * messages; td_book_next_ticker() reads them. */
typedef struct td_book_ticker {
    int64_t exchange_ns, local_ns; /* exchange_ns 0: the venue does not say */
    uint64_t sequence;             /* of the book it is the top of; 0: not said */
    td_book_row bid, ask;
} td_book_ticker;

typedef struct td_funding {
    int64_t time_ns;   /* at which it is paid */
    double rate, mark; /* fraction of the position's value at the mark price, longs pay when positive; mark NaN: the book's mid */
} td_funding;

typedef struct td_book {
    td_instrument instrument;
    int64_t messages, rows;        /* M, R */
    const int64_t *exchange_ns;    /* (M) not decreasing */
    const int64_t *local_ns;       /* (M) */
    const int64_t *row_end;        /* (M) rows of message m are [m ? row_end[m - 1] : 0, row_end[m]) */
    const uint8_t *kind, *seen;    /* (M) td_book_kind, TD_BOOK_SEEN and the like */
    const int32_t *local_shift;    /* (M) the j-th message in local order is number j + local_shift[j] */
    const td_book_row *row;        /* (R) */
    const uint64_t *order_id;      /* (R) of tapes with orders (L3), else NULL */
    const uint8_t *action;         /* (R) td_book_action, likewise */
    const uint64_t *sequence;      /* (M) the venue's number of the last update in the message; NULL when there is none. Not for replay */
    int64_t wide_count;            /* rows whose lots need more than 32 bits ... */
    const int64_t *wide_row;       /* (wide_count) ... increasing */
    const int64_t *wide_lots;
    int64_t funding_count;
    const td_funding *funding;     /* (funding_count) by time */
    bool parity;                   /* imported in mode parity: as the source has it, without sequence rules and gaps */
    char digest[TD_DIGEST_HEX];    /* SHA-256 over instrument, times, kinds and rows: names the data, not the file */
    void *map;                     /* private to book.c; NULL for one built by hand */
} td_book;

/* Lots of row number r. */
int64_t td_book_wide_lots(const td_book *book, int64_t r);
static inline int64_t td_book_lots(const td_book *book, int64_t r) {
    return book->row[r].lots == TD_LOTS_WIDE ? td_book_wide_lots(book, r) : book->row[r].lots;
}
static inline int64_t td_book_row_begin(const td_book *book, int64_t m) { return m ? book->row_end[m - 1] : 0; }

/* Is the file a book tape (and not one of bars)? False also when it is neither, or cannot be read. */
bool td_book_is(const char *path);
/* TD_BAD_DATA with a sentence when it is missing, truncated, no book tape, of another schema version, or inconsistent: times of the
 * exchange decreasing, row ends beyond the rows, a shift that points outside. verify_digest also hashes the columns. */
td_status td_book_open(const char *path, bool verify_digest, td_book *book, td_error *error);
void td_book_close(td_book *book);
/* Tells the kernel that what belongs to messages before `message` is not needed for now. */
void td_book_let_go(const td_book *book, int64_t message);
/* The tickers, in the order in which they were received, one after the other: *more false behind the last. TD_BAD_DATA when they are
 * damaged. A cursor starts as {0}. */
enum { TD_TICKER_FIELDS = 7 };
typedef struct td_ticker_cursor {
    int64_t taken, byte;
    uint64_t fields[TD_TICKER_FIELDS];
} td_ticker_cursor;
int64_t td_book_ticker_count(const td_book *book);
td_status td_book_next_ticker(const td_book *book, td_ticker_cursor *cursor, td_book_ticker *ticker, bool *more, td_error *error);
/* All of them, which the caller frees; *count 0 where there are none. */
td_status td_book_tickers(const td_book *book, td_book_ticker **tickers, int64_t *count, td_error *error);
/* Text of the import report kept in the file (JSON), "" of a book built by hand. */
const char *td_book_report(const td_book *book);

/* Writing, message by message, in order of arrival: rows stream to disk, and the exchange order is made when the writer is closed.
 * `path.tmp.<pid>` until then, so path is the old file or the whole new one. */
typedef struct td_book_writer td_book_writer;
td_status td_book_writer_open(const char *path, const td_instrument *instrument, bool parity, td_book_writer **writer, td_error *error);
#define TD_BOOK_TIME_UNKNOWN INT64_MIN
typedef struct td_book_message {
    int64_t exchange_ns;         /* TD_BOOK_TIME_UNKNOWN: that of the next message written which has one and is no trade */
    int64_t local_ns;
    uint64_t sequence;
    td_book_kind kind;
    uint8_t seen;
    int32_t rows;                /* may be 0 */
    const td_book_row *row;      /* (rows); lots TD_LOTS_WIDE only together with wide */
    const int64_t *wide;         /* (rows) lots where any is too many for 32 bits, else NULL */
    const uint64_t *order_id;    /* (rows) kind ORDERS, else NULL */
    const uint8_t *action;       /* (rows) likewise */
} td_book_message;
td_status td_book_write(td_book_writer *writer, const td_book_message *message, td_error *error);
td_status td_book_write_ticker(td_book_writer *writer, const td_book_ticker *ticker, td_error *error);
td_status td_book_write_funding(td_book_writer *writer, const td_funding *funding, td_error *error);
/* Added to every local time when the file is finished (clocks that disagree: correct_local_timestamp). Default 0. */
void td_book_writer_shift_local(td_book_writer *writer, int64_t ns);
/* At equal exchange times trades go before everything else. Else messages of one time stay as they came. */
void td_book_writer_trades_first(td_book_writer *writer);
/* Finishes the file, frees the writer whatever happens; report: JSON text kept in it (NULL: none). digest may be NULL. */
td_status td_book_writer_close(td_book_writer *writer, const char *report, char digest[TD_DIGEST_HEX], td_error *error);
/* Gives up: nothing is left on disk. */
void td_book_writer_abandon(td_book_writer *writer);

#endif
