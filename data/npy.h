/* Rows of a NumPy array of records, pulled one by one: a .npy file, or a member of an .npz (a zip of them, stored or deflated). One
 * dimension, fields of 1 to 8 bytes, little-endian. Memory is one block.
 *
 * Ownership: td_npy_open() opens the file, td_npy_close() releases it; a row is borrowed until the next one. */
#ifndef TAPEDECK_DATA_NPY_H
#define TAPEDECK_DATA_NPY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

typedef struct td_npy td_npy;
/* Of an .npz the member "<key>.npy". TD_BAD_DATA when it is none, or holds plain numbers. */
td_status td_npy_open(const char *path, const char *key, td_npy **npy, td_error *error);
void td_npy_close(td_npy *npy);
/* Is the file a NumPy array, or a zip? */
bool td_npy_is(const char *path);

/* Where in a row a field of that type ("u8", "i8", "f8") is; TD_BAD_DATA when there is none, with the fields there are. */
td_status td_npy_field(const td_npy *npy, const char *name, const char *type, int *offset, td_error *error);
int64_t td_npy_rows(const td_npy *npy);
/* Number of the current row, from 1. */
int64_t td_npy_place(const td_npy *npy);
/* *row NULL behind the last. TD_BAD_DATA when the file ends before. */
td_status td_npy_next(td_npy *npy, const uint8_t **row, td_error *error);

#endif
