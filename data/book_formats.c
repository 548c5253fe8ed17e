/* The formats that book tapes are made from; see book_feed.h. One file each in data/books/. */
#include <string.h>

#include "data/book_feed.h"

static const td_book_format formats[] = {
    {"binance-recorded", "lines of `local_ns json`: Binance's streams as recorded", td_book_read_binance_recorded},
    {"binance-archive", "files of data.binance.vision: aggTrades, trades, bookTicker, order-book depth", td_book_read_binance_archive},
    {"tardis", "Tardis.dev CSV: incremental_book_L2, book_snapshot_N, trades, quotes, derivative_ticker", td_book_read_tardis},
    {"databento", "Databento DBN: MBO, MBP-1, MBP-10, trades, TBBO", td_book_read_databento},
    {"lobster", "LOBSTER: pairs of message and order-book files", td_book_read_lobster},
    {"hftbacktest", "hftbacktest's events, version 2: .npz or .npy", td_book_read_hftbacktest},
};

const td_book_format *td_book_format_at(int index) {
    return index >= 0 && index < (int)(sizeof formats / sizeof *formats) ? &formats[index] : NULL;
}

const td_book_format *td_book_format_find(const char *name) {
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
        if (strcmp(formats[i].name, name) == 0) return &formats[i];
    return NULL;
}
