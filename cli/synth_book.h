/* `tapedeck data synth --book`: a synthetic order book (data/book_synth.h). */
#ifndef TAPEDECK_CLI_SYNTH_BOOK_H
#define TAPEDECK_CLI_SYNTH_BOOK_H

#include <stdbool.h>

/* Do the arguments ask for a book? */
bool td_synth_is_book(int argc, char **argv);
/* The command; returns the exit code. */
int td_synth_book_command(int argc, char **argv);

#endif
