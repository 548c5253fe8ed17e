/* tapedeck run on order books: one parameter set in full detail. cmd_run.c has what it shares with play on bars. */
#ifndef TAPEDECK_CLI_RUN_BOOKS_H
#define TAPEDECK_CLI_RUN_BOOKS_H

#include "cli/job.h"

typedef struct td_book_run {
    const td_job *job;
    const td_deck *deck;
    const td_set *set;
    const char *trades, *equity; /* paths of the files wanted, NULL: none */
} td_book_run;

/* Plays with the reference engine, writes the files and prints; *code is the exit code of the printing. */
td_status td_run_books(const td_book_run *run, td_cell *cell, int *code, td_error *error);

#endif
