/* HDF5 files of columns that are mapped: what tapes of bars (tape.c) and of books (book.c) have in common. HDF5 knows the structure
 * and the attributes; the columns themselves are bytes at known offsets, contiguous and uncompressed, written with pwrite() and read
 * through a map. So a full disk is an ordinary write error, found before the old file is touched, and reading costs no copy. */
#ifndef TAPEDECK_DATA_COLUMN_FILE_H
#define TAPEDECK_DATA_COLUMN_FILE_H

#include <hdf5.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"

/* ---- HDF5, quietly ---- */

void td_hdf5_quiet(void);
/* What HDF5 says about its last failure. */
const char *td_hdf5_reason(char buffer[160]);
/* UTF-8 text of variable length; the caller closes it. */
hid_t td_hdf5_text_type(void);

/* A text attribute, variable or fixed length, as a string the caller frees; NULL when there is none. */
char *td_hdf5_text(hid_t object, const char *name);
bool td_hdf5_text_into(hid_t object, const char *name, char *buffer, size_t room);
bool td_hdf5_integer(hid_t object, const char *name, int64_t *value);
bool td_hdf5_number(hid_t object, const char *name, double *value);
bool td_hdf5_put_text(hid_t object, const char *name, const char *text);
bool td_hdf5_put_integer(hid_t object, const char *name, int64_t value);
bool td_hdf5_put_number(hid_t object, const char *name, double value);

/* Of a dataset: order of creation kept and no times, so that equal tapes are equal files. allocate: its bytes have a place at once. */
hid_t td_hdf5_plist(bool allocate);
/* A new file, likewise, blocks on cache lines so that mapped columns are aligned; negative on failure. */
hid_t td_hdf5_create(const char *path);
/* Creates a dataset and tells where its bytes go; negative on failure. */
hid_t td_hdf5_reserve(hid_t file, const char *name, hid_t type, int rank, const hsize_t *dims, haddr_t *offset);

/* ---- reading ---- */

/* An open file of columns. */
typedef struct td_column_file {
    const char *path;
    hid_t file;
    void *base;
    size_t size;
} td_column_file;
/* Maps the file and opens it with HDF5. TD_BAD_DATA with a sentence when it is no HDF5 file. Close also after a failure. */
td_status td_column_file_open(const char *path, td_column_file *columns, td_error *error);
/* Closes HDF5's side; the map stays and belongs to the caller, who munmap()s base. */
void td_column_file_close(td_column_file *columns);

/* What a dataset must be: element type and shape. */
typedef struct td_column {
    const char *name, *type_text;
    hid_t type;
    int rank;
    hsize_t dims[2];
} td_column;
/* The address of a dataset inside the map, after a check that it is as wanted, contiguous, aligned and within the file. */
td_status td_column_find(const td_column_file *columns, const td_column *want, const void **data, td_error *error);

/* ---- writing ---- */

/* TD_IO "path: what: reason; nothing was changed", the reason from errno. */
td_status td_write_failed(const char *path, const char *what, td_error *error);
/* Makes the file `temporary` with room for `size` bytes. Asked before HDF5 writes a byte, because HDF5 does not recover from a full
 * disk. Sentences name `path`. */
td_status td_reserve_room(const char *path, const char *temporary, off_t size, td_error *error);
td_status td_write_at(const char *path, int fd, const void *data, size_t size, off_t offset, td_error *error);
/* Makes a rename itself durable; some file systems cannot sync a folder, which is no failure of the write. */
void td_sync_folder(const char *path);

#endif
