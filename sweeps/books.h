/* The tapes of a configuration whose strategy plays order books, opened: a venue each. */
#ifndef TAPEDECK_SWEEPS_BOOKS_H
#define TAPEDECK_SWEEPS_BOOKS_H

#include "data/book.h"
#include "sweeps/config.h"

typedef struct td_books {
    int count;
    td_book books[TD_VENUES_MAX];
} td_books;

/* Opens them, with contract and multiplier as the configuration says, and makes them those of config->play.book, which is ready for
 * td_deck_make_book() then. books must outlive its use. verify_digest: TD_BAD_DATA when
 * the data is not what the file's digest says. TD_BAD_CONFIG when a file is a tape of bars. */
td_status td_books_open(td_config *config, bool verify_digest, td_books *books, td_error *error);
void td_books_close(td_books *books);
/* TD_BAD_CONFIG with a sentence when the strategy plays bars and the tape is one of order books. */
td_status td_check_bar_tape(const td_config *config, td_error *error);

#endif
