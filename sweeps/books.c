/* See books.h. */
#include "sweeps/books.h"

static td_status open_one(const td_config *config, int venue, bool verify_digest, td_book *book, td_error *error) {
    const char *path = config->tapes[venue];
    td_tape bars;
    td_status status = td_book_open(path, verify_digest, book, error);
    if (status == TD_BAD_DATA && !td_book_is(path) && td_tape_open(path, false, &bars, NULL) == TD_OK) {
        td_tape_close(&bars);
        return td_fail(error, TD_BAD_CONFIG, "%s: %s is a tape of bars, and strategy %s plays order books", config->path, path,
                       td_strategy_name(config->play.strategy));
    }
    if (status != TD_OK) return status;
    if (config->contract_given) book->instrument.contract = config->instrument.contract;
    if (config->instrument.multiplier > 0) book->instrument.multiplier = config->instrument.multiplier;
    return TD_OK;
}

td_status td_books_open(td_config *config, bool verify_digest, td_books *books, td_error *error) {
    td_book_def *def = &config->play.book;
    books->count = 0;
    for (int v = 0; v < def->venue_count; v++) {
        td_status status = open_one(config, v, verify_digest, &books->books[v], error);
        if (status != TD_OK) {
            td_books_close(books);
            return status;
        }
        def->venues[v].book = &books->books[v];
        books->count++;
    }
    return TD_OK;
}

void td_books_close(td_books *books) {
    for (int v = 0; v < books->count; v++) td_book_close(&books->books[v]);
    books->count = 0;
}

td_status td_check_bar_tape(const td_config *config, td_error *error) {
    if (config->kind != TD_TAPE_OF_BARS || !td_book_is(config->tape)) return TD_OK;
    return td_fail(error, TD_BAD_CONFIG, "%s: %s is a tape of order books, and strategy %s plays bars", config->path, config->tape,
                   td_strategy_name(config->play.strategy));
}
