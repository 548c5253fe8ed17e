/* See book_quality.h. */
#include "data/book_quality.h"

#include <stdlib.h>

typedef struct scan {
    const td_book *book;
    td_book_watch *watch;
    td_ticker_cursor cursor;
    td_book_ticker ticker; /* the next, when there is one */
    bool has_ticker;
    int64_t *wide; /* lots of a message's rows, where any is beyond 32 bits */
    int64_t wide_room;
    td_book_quality *quality;
    td_error *error;
} scan;

/* Shows the watch the tickers that are not newer. */
static td_status show_tickers(scan *s, uint64_t sequence) {
    while (s->has_ticker && s->ticker.sequence <= sequence) {
        td_book_watch_ticker(s->watch, &s->ticker);
        TD_TRY(td_book_next_ticker(s->book, &s->cursor, &s->ticker, &s->has_ticker, s->error));
    }
    return TD_OK;
}

/* The message as the writer got it. */
static td_status message_at(scan *s, int64_t m, td_book_message *message) {
    const td_book *b = s->book;
    int64_t begin = td_book_row_begin(b, m), rows = b->row_end[m] - begin;
    bool orders = b->kind[m] == TD_BOOK_ORDERS && b->order_id;
    *message = (td_book_message){.exchange_ns = b->exchange_ns[m], .local_ns = b->local_ns[m],
                                 .sequence = b->sequence ? b->sequence[m] : 0, .kind = b->kind[m], .seen = b->seen[m],
                                 .rows = (int32_t)rows, .row = b->row + begin, .order_id = orders ? b->order_id + begin : NULL,
                                 .action = orders ? b->action + begin : NULL};
    if (b->wide_count == 0) return TD_OK;
    if (rows > s->wide_room) {
        free(s->wide);
        s->wide = malloc((size_t)rows * sizeof *s->wide);
        s->wide_room = s->wide ? rows : 0;
        if (!s->wide) return td_fail(s->error, TD_NO_MEMORY, "no memory for a message of %lld rows", (long long)rows);
    }
    for (int64_t r = 0; r < rows; r++) s->wide[r] = td_book_lots(b, begin + r);
    message->wide = s->wide;
    return TD_OK;
}

static void count_message(scan *s, int64_t m, const td_book_message *message) {
    td_book_quality *q = s->quality;
    int64_t latency = message->local_ns - message->exchange_ns;
    q->kinds[message->kind]++;
    q->rows[message->kind] += message->rows;
    if (latency < q->least_latency_ns) q->least_latency_ns = latency;
    if (latency > q->most_latency_ns) q->most_latency_ns = latency;
    q->out_of_local_order += m > 0 && message->local_ns < s->book->local_ns[m - 1];
    if (message->kind == TD_BOOK_GAP && !q->first_gap_ns) q->first_gap_ns = message->exchange_ns;
}

static td_status scan_message(scan *s, int64_t m) {
    td_book_quality *q = s->quality;
    td_book_message message;
    TD_TRY(message_at(s, m, &message));
    count_message(s, m, &message);
    /* rows that only the local side sees repeat what the exchange's side has */
    if (!(message.seen & TD_BOOK_AT_EXCHANGE)) return TD_OK;
    td_watch_finding found;
    TD_TRY(td_book_watch_message(s->watch, &message, s->book->parity, &found, s->error));
    q->crossed += found.crossed;
    q->locked += found.locked;
    q->unknown_levels += found.unknown_levels;
    q->unknown_orders += found.unknown_orders;
    if (found.crossed && !q->first_crossed_ns) q->first_crossed_ns = message.exchange_ns;
    bool compared = message.kind == TD_BOOK_DEPTH && message.sequence;
    return compared ? show_tickers(s, message.sequence) : TD_OK;
}

static td_status scan_steps(scan *s) {
    const td_book *b = s->book;
    td_book_quality *q = s->quality;
    TD_TRY(td_book_watch_open(&s->watch, s->error));
    q->tickers = td_book_ticker_count(b);
    TD_TRY(td_book_next_ticker(b, &s->cursor, &s->ticker, &s->has_ticker, s->error));
    for (int64_t m = 0; m < b->messages; m++) {
        TD_TRY(scan_message(s, m));
        if (m % (1 << 16) == 0) td_book_let_go(b, m);
    }
    TD_TRY(show_tickers(s, UINT64_MAX));
    td_book_watch_finish(s->watch, &q->book);
    return TD_OK;
}

td_status td_book_quality_scan(const td_book *book, td_book_quality *quality, td_error *error) {
    *quality = (td_book_quality){.first_ns = book->exchange_ns[0], .last_ns = book->exchange_ns[book->messages - 1],
                                 .least_latency_ns = INT64_MAX, .most_latency_ns = INT64_MIN};
    scan s = {.book = book, .quality = quality, .error = error};
    td_status status = scan_steps(&s);
    td_book_watch_close(s.watch);
    free(s.wide);
    return status;
}
