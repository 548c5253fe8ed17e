/* From what a venue or a vendor recorded to messages of a book tape: the part that is the same for all formats.
 *
 * A format (data/books/, one file each) reads its source and pushes messages here: begin, rows, end. The feed turns prices and
 * quantities into ticks and lots, applies the venue's sequence rule, marks gaps and leaves out what cannot be used (mode strict), keeps
 * a book to check the messages against, counts everything it sees that is not as it should be, and writes what is left to the tape.
 * Nothing is held back but the message being put together, so memory is bounded; the order of arrival is the order of the pushes. */
#ifndef TAPEDECK_DATA_BOOK_FEED_H
#define TAPEDECK_DATA_BOOK_FEED_H

#include <stddef.h>

#include "data/book.h"
#include "data/text_source.h"

/* What is counted, each with the place (file and line or record) of its first. name, text */
#define TD_FEED_COUNTS(X)                                                                                                        \
    X(messages, "messages read")                                                                                                 \
    X(depth_messages, "depth messages")                                                                                          \
    X(snapshots, "snapshots")                                                                                                    \
    X(trades, "trades")                                                                                                          \
    X(tickers, "best bid and ask messages")                                                                                      \
    X(orders, "messages about single orders")                                                                                    \
    X(rows, "rows read")                                                                                                         \
    X(other, "messages of kinds that are not used")                                                                              \
    X(gaps, "sequence gaps")                                                                                                     \
    X(duplicates, "messages whose sequence number had been seen")                                                                \
    X(before_snapshot, "messages before the first snapshot, not used (strict)")                                                  \
    X(quarantined, "messages between a gap and the next snapshot, not used (strict)")                                            \
    X(unknown_levels, "removals of levels that were not there")                                                                  \
    X(crossed, "messages after which the best bid was above the best ask")                                                       \
    X(locked, "messages after which they were equal")                                                                            \
    X(exchange_regressions, "messages of one stream older at the exchange than the one before")                                  \
    X(local_regressions, "messages received before the one before")                                                              \
    X(negative_latency, "messages received before they were sent")                                                               \
    X(off_grid_prices, "prices that are no multiple of the tick")                                                                \
    X(off_grid_quantities, "quantities that are no multiple of the lot")                                                         \
    X(duplicate_trades, "trades whose id had been seen")                                                                         \
    X(not_numbers, "prices or quantities that are no finite number, negative, or too large")                                     \
    X(unknown_orders, "actions on orders that are not there")                                                                    \
    X(broken, "lines or records that could not be read")
typedef enum td_feed_count {
#define TD_FEED_COUNT_NAME(name, text) TD_FEED_COUNT_##name,
    TD_FEED_COUNTS(TD_FEED_COUNT_NAME)
#undef TD_FEED_COUNT_NAME
    TD_FEED_COUNT_COUNT
} td_feed_count;
const char *td_feed_count_name(td_feed_count count);
const char *td_feed_count_text(td_feed_count count);

typedef struct td_feed_report {
    int64_t counts[TD_FEED_COUNT_COUNT];
    char first[TD_FEED_COUNT_COUNT][160]; /* place of the first, and what was found; "" */
    int64_t first_ns, last_ns;            /* exchange times */
    int64_t least_latency_ns;             /* of local - exchange as recorded, before the correction */
    int64_t local_shift_ns;               /* added to local times: clock correction */
    int64_t tape_messages, tape_rows;
    int64_t ticker_compared, ticker_equal; /* rebuilt best prices and quantities against the venue's own */
} td_feed_report;
/* The report as JSON, which the caller frees; NULL without memory. The tape keeps it. */
char *td_feed_report_json(const td_feed_report *report);

/* How a venue numbers its messages. */
typedef enum td_sequence_rule {
    TD_SEQUENCE_NONE,
    TD_SEQUENCE_BINANCE_SPOT,    /* first id U, last id u: the next U is the last u + 1 at most */
    TD_SEQUENCE_BINANCE_FUTURES, /* and pu, which is the last u */
    TD_SEQUENCE_SNAPSHOT_FIRST,  /* no numbers; nothing counts before the first snapshot (Tardis) */
} td_sequence_rule;

typedef struct td_feed_def { /* start from td_default_feed_def() */
    const char *path;        /* of the tape */
    td_instrument instrument;
    bool parity;             /* as hftbacktest converts it: no sequence rule, nothing left out. Default false. */
    bool correct_clock;      /* where messages are received before they are sent, shift all local times so that the least latency is
                                base_latency_ns. Default true. */
    int64_t base_latency_ns; /* Default 0. */
    double off_grid_max;     /* more than this share of rows off the grid refuses the import. Default 0.001. */
    bool keep_tickers;       /* Default true. */
} td_feed_def;
td_feed_def td_default_feed_def(void);

typedef struct td_book_feed td_book_feed;
td_status td_feed_open(const td_feed_def *def, td_book_feed **feed, td_error *error);
/* Ends the tape; TD_BAD_DATA (and no tape) when nothing usable was pushed, or too much was off the grid. Frees the feed either way. */
td_status td_feed_close(td_book_feed *feed, td_feed_report *report, char digest[TD_DIGEST_HEX], td_error *error);
/* Frees it without a tape. */
void td_feed_abandon(td_book_feed *feed);

void td_feed_rule(td_book_feed *feed, td_sequence_rule rule);
/* Is the tape one of mode parity? For sources whose messages hftbacktest's converters take apart otherwise than the venue. */
bool td_feed_parity(const td_book_feed *feed);
const td_instrument *td_feed_instrument(const td_book_feed *feed);
/* For sources that have trades apart from depth: at equal exchange times trades come first, whenever they were received, so that a level
 * loses a trade once. Default: as received. */
void td_feed_trades_first(td_book_feed *feed);
/* Where the reader is, for messages about data: file name, and line or record from 1. */
void td_feed_place(td_book_feed *feed, const char *name, int64_t line);
/* Notes something countable at this place; what: what was found, may be NULL. */
void td_feed_count_one(td_book_feed *feed, td_feed_count count, const char *what);

/* A message. Rows that cannot be (no numbers, prices off the grid) are counted and left out, and in mode strict a depth message with such a
 * row makes a gap; quantities off the grid are counted and rounded. exchange_ns 0: not known, taken from local_ns (of snapshots: from the
 * depth messages around it), and the other way round. */
void td_feed_begin(td_book_feed *feed, td_book_kind kind, int64_t exchange_ns, int64_t local_ns);
/* Other times for the message that was begun: it is complete later. */
void td_feed_time(td_book_feed *feed, int64_t exchange_ns, int64_t local_ns);
/* First and last id of the updates in the message, and last id of the message before (-1: not said). A snapshot has only `last`. */
void td_feed_ids(td_book_feed *feed, int64_t first, int64_t last, int64_t previous);
/* Price and quantity as decimal text ("61800.20", no exponent needed but understood), as units of 1e-9, or as doubles. */
void td_feed_row_text(td_book_feed *feed, td_side side, const char *price, size_t price_length, const char *quantity,
                      size_t quantity_length);
void td_feed_row_nano(td_book_feed *feed, td_side side, int64_t price_e9, int64_t quantity_e9);
void td_feed_row(td_book_feed *feed, td_side side, double price, double quantity);
/* For the row pushed last, of messages of kind ORDERS. */
void td_feed_order(td_book_feed *feed, uint64_t id, td_book_action action);
/* Id of the trade in the message, to find duplicates by; -1: none. */
void td_feed_trade_id(td_book_feed *feed, int64_t id);
/* Who sees the message (TD_BOOK_SEEN unless told). */
void td_feed_seen(td_book_feed *feed, uint8_t seen);
td_status td_feed_end(td_book_feed *feed, td_error *error);

/* The venue's own best prices. Quantities as in td_feed_row_text(). */
td_status td_feed_ticker_text(td_book_feed *feed, int64_t exchange_ns, int64_t local_ns, int64_t id, const char *const text[4],
                              const size_t length[4], td_error *error); /* bid, its quantity, ask, its quantity */
td_status td_feed_funding(td_book_feed *feed, int64_t time_ns, double rate, double mark, td_error *error);

/* A format: reads files in the order given, as one recording. symbol: only messages of this one where a source holds several (NULL: the
 * first one met, and any other is an error that names both). Counts and places go to the feed. TD_BAD_DATA for what cannot be this
 * format, or ends inside a record. */
typedef td_status td_book_read(td_book_feed *feed, const char *symbol, int file_count, const char *const *files, td_error *error);
typedef struct td_book_format {
    const char *name, *text;
    td_book_read *read;
} td_book_format;
td_book_read td_book_read_binance_recorded, td_book_read_binance_archive, td_book_read_tardis, td_book_read_databento,
    td_book_read_lobster, td_book_read_hftbacktest;
/* The table of all; NULL when there is none of that name. */
const td_book_format *td_book_format_find(const char *name);
const td_book_format *td_book_format_at(int index); /* NULL behind the last */

#endif
