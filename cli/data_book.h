/* What `tapedeck data` does with book tapes; cmd_data.c sends them here. */
#ifndef TAPEDECK_CLI_DATA_BOOK_H
#define TAPEDECK_CLI_DATA_BOOK_H

#include <jansson.h>
#include <stdbool.h>

/* `data import book`: argv[0] is the whole command's name. Returns the exit code. */
int td_data_import_book(int argc, char **argv);
/* One tape of `data check`: prints, or appends to reports (not NULL: JSON). Returns the exit code. */
int td_data_check_book(const char *path, bool strict, json_t *reports);
/* `data info`. */
int td_data_info_book(const char *path, bool verify, bool json);

#endif
