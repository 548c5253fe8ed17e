/* The formats that book tapes are made from; see book_feed.h. One file each in data/books/. */
#include <string.h>

#include "data/book_feed.h"

static const td_book_format formats[] = {
    {"binance-recorded", "lines of `local_ns json`: Binance's streams as recorded", td_book_read_binance_recorded},
};

const td_book_format *td_book_format_at(int index) {
    return index >= 0 && index < (int)(sizeof formats / sizeof *formats) ? &formats[index] : NULL;
}

const td_book_format *td_book_format_find(const char *name) {
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
        if (strcmp(formats[i].name, name) == 0) return &formats[i];
    return NULL;
}
