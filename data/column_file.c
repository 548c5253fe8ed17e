/* See column_file.h. */
#include "data/column_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- HDF5, quietly ---- */

void td_hdf5_quiet(void) { H5Eset_auto2(H5E_DEFAULT, NULL, NULL); }

static herr_t keep_deepest(unsigned depth, const H5E_error2_t *entry, void *buffer) {
    (void)depth;
    if (entry->desc && *entry->desc) snprintf(buffer, 160, "%s", entry->desc);
    return 0;
}

const char *td_hdf5_reason(char buffer[160]) {
    snprintf(buffer, 160, "no reason given");
    H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, keep_deepest, buffer);
    H5Eclear2(H5E_DEFAULT);
    for (char *p = buffer; *p; p++)
        if (*p == '\n') *p = ' ';
    return buffer;
}

hid_t td_hdf5_text_type(void) {
    hid_t type = H5Tcopy(H5T_C_S1);
    H5Tset_size(type, H5T_VARIABLE);
    H5Tset_cset(type, H5T_CSET_UTF8);
    return type;
}

char *td_hdf5_text(hid_t object, const char *name) {
    if (H5Aexists(object, name) <= 0) return NULL;
    char *text = NULL;
    hid_t attribute = H5Aopen(object, name, H5P_DEFAULT), type = H5Aget_type(attribute);
    if (H5Tget_class(type) == H5T_STRING && H5Tis_variable_str(type) > 0) {
        char *inner = NULL;
        if (H5Aread(attribute, type, &inner) >= 0 && inner) text = strdup(inner);
        if (inner) H5free_memory(inner);
    } else if (H5Tget_class(type) == H5T_STRING) {
        text = calloc(1, H5Tget_size(type) + 1);
        if (text && H5Aread(attribute, type, text) < 0) text[0] = 0;
    }
    H5Tclose(type);
    H5Aclose(attribute);
    return text;
}

bool td_hdf5_text_into(hid_t object, const char *name, char *buffer, size_t room) {
    char *text = td_hdf5_text(object, name);
    bool fits = text && strlen(text) < room;
    if (fits) strcpy(buffer, text);
    free(text);
    return fits;
}

static bool read_one(hid_t object, const char *name, hid_t type, void *value) {
    if (H5Aexists(object, name) <= 0) return false;
    hid_t attribute = H5Aopen(object, name, H5P_DEFAULT), space = H5Aget_space(attribute);
    bool one = H5Sget_simple_extent_npoints(space) == 1;
    bool done = one && H5Aread(attribute, type, value) >= 0;
    H5Sclose(space);
    H5Aclose(attribute);
    return done;
}

bool td_hdf5_integer(hid_t object, const char *name, int64_t *value) { return read_one(object, name, H5T_NATIVE_INT64, value); }
bool td_hdf5_number(hid_t object, const char *name, double *value) { return read_one(object, name, H5T_NATIVE_DOUBLE, value); }

bool td_hdf5_put_text(hid_t object, const char *name, const char *text) {
    hid_t type = td_hdf5_text_type(), space = H5Screate(H5S_SCALAR);
    hid_t attribute = H5Acreate2(object, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
    bool done = attribute >= 0 && H5Awrite(attribute, type, &text) >= 0;
    if (attribute >= 0) H5Aclose(attribute);
    H5Sclose(space);
    H5Tclose(type);
    return done;
}

bool td_hdf5_put_integer(hid_t object, const char *name, int64_t value) {
    hid_t space = H5Screate(H5S_SCALAR);
    hid_t attribute = H5Acreate2(object, name, H5T_STD_I64LE, space, H5P_DEFAULT, H5P_DEFAULT);
    bool done = attribute >= 0 && H5Awrite(attribute, H5T_NATIVE_INT64, &value) >= 0;
    if (attribute >= 0) H5Aclose(attribute);
    H5Sclose(space);
    return done;
}

bool td_hdf5_put_number(hid_t object, const char *name, double value) {
    hid_t space = H5Screate(H5S_SCALAR);
    hid_t attribute = H5Acreate2(object, name, H5T_IEEE_F64LE, space, H5P_DEFAULT, H5P_DEFAULT);
    bool done = attribute >= 0 && H5Awrite(attribute, H5T_NATIVE_DOUBLE, &value) >= 0;
    if (attribute >= 0) H5Aclose(attribute);
    H5Sclose(space);
    return done;
}

hid_t td_hdf5_plist(bool allocate) {
    hid_t plist = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_attr_creation_order(plist, H5P_CRT_ORDER_TRACKED | H5P_CRT_ORDER_INDEXED);
    H5Pset_obj_track_times(plist, false);
    if (allocate) {
        H5Pset_alloc_time(plist, H5D_ALLOC_TIME_EARLY);
        H5Pset_fill_time(plist, H5D_FILL_TIME_NEVER);
    }
    return plist;
}

hid_t td_hdf5_create(const char *path) {
    hid_t access = H5Pcreate(H5P_FILE_ACCESS), creation = H5Pcreate(H5P_FILE_CREATE);
    H5Pset_alignment(access, 1, 64);
    H5Pset_link_creation_order(creation, H5P_CRT_ORDER_TRACKED | H5P_CRT_ORDER_INDEXED);
    H5Pset_attr_creation_order(creation, H5P_CRT_ORDER_TRACKED | H5P_CRT_ORDER_INDEXED);
    H5Pset_obj_track_times(creation, false);
    hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, creation, access);
    H5Pclose(access);
    H5Pclose(creation);
    return file;
}

hid_t td_hdf5_reserve(hid_t file, const char *name, hid_t type, int rank, const hsize_t *dims, haddr_t *offset) {
    hid_t plist = td_hdf5_plist(true), space = H5Screate_simple(rank, dims, NULL);
    hid_t dataset = H5Dcreate2(file, name, type, space, H5P_DEFAULT, plist, H5P_DEFAULT);
    H5Pclose(plist);
    H5Sclose(space);
    if (dataset >= 0) *offset = H5Dget_offset(dataset);
    return dataset;
}

/* ---- reading ---- */

static td_status map_file(td_column_file *columns, td_error *error) {
    const char *path = columns->path;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return td_fail(error, TD_BAD_DATA, "%s: cannot be opened: %s", path, strerror(errno));
    struct stat status;
    td_status result = TD_OK;
    if (fstat(fd, &status) != 0)
        result = td_fail(error, TD_IO, "%s: %s", path, strerror(errno));
    else if (!S_ISREG(status.st_mode))
        result = td_fail(error, TD_BAD_DATA, "%s: is not a regular file; a tape is an HDF5 file", path);
    else if (status.st_size == 0)
        result = td_fail(error, TD_BAD_DATA, "%s: is empty (0 bytes); a tape is an HDF5 file", path);
    if (result == TD_OK) {
        columns->size = (size_t)status.st_size;
        columns->base = mmap(NULL, columns->size, PROT_READ, MAP_SHARED, fd, 0);
        if (columns->base == MAP_FAILED) {
            columns->base = NULL;
            result = td_fail(error, TD_IO, "%s: cannot be mapped: %s", path, strerror(errno));
        }
    }
    close(fd);
    return result;
}

static td_status open_hdf5(td_column_file *columns, td_error *error) {
    columns->file = H5Fopen(columns->path, H5F_ACC_RDONLY, H5P_DEFAULT);
    if (columns->file >= 0) return TD_OK;
    char reason[160];
    td_hdf5_reason(reason);
    if (H5Fis_hdf5(columns->path) <= 0)
        return td_fail(error, TD_BAD_DATA, "%s: is not an HDF5 file; make a tape with `tapedeck data import` or `data synth`",
                       columns->path);
    return td_fail(error, TD_BAD_DATA, "%s: is truncated or damaged (HDF5: %s)", columns->path, reason);
}

td_status td_column_file_open(const char *path, td_column_file *columns, td_error *error) {
    td_hdf5_quiet();
    *columns = (td_column_file){.path = path, .file = -1};
    TD_TRY(map_file(columns, error));
    return open_hdf5(columns, error);
}

void td_column_file_close(td_column_file *columns) {
    if (columns->file >= 0) H5Fclose(columns->file);
    columns->file = -1;
}

static td_status check_dataset(const td_column_file *columns, hid_t dataset, const td_column *want, td_error *error) {
    hid_t type = H5Dget_type(dataset), space = H5Dget_space(dataset), plist = H5Dget_create_plist(dataset);
    bool right_type = H5Tequal(type, want->type) > 0, contiguous = H5Pget_layout(plist) == H5D_CONTIGUOUS;
    int rank = H5Sget_simple_extent_ndims(space);
    hsize_t dims[2] = {0, 0};
    bool right_shape = rank == want->rank && H5Sget_simple_extent_dims(space, dims, NULL) == rank;
    for (int i = 0; right_shape && i < rank; i++) right_shape = dims[i] == want->dims[i];
    H5Tclose(type);
    H5Sclose(space);
    H5Pclose(plist);
    if (!right_type) return td_fail(error, TD_BAD_DATA, "%s: dataset %s is not %s", columns->path, want->name, want->type_text);
    if (!right_shape)
        return td_fail(error, TD_BAD_DATA, "%s: dataset %s has rank %d and shape (%llu, %llu), expected (%llu, %llu)", columns->path,
                       want->name, rank, (unsigned long long)dims[0], (unsigned long long)dims[1],
                       (unsigned long long)want->dims[0], (unsigned long long)want->dims[1]);
    if (!contiguous)
        return td_fail(error, TD_BAD_DATA,
                       "%s: dataset %s is chunked or compressed; a tape's columns are contiguous, to be mapped", columns->path,
                       want->name);
    return TD_OK;
}

td_status td_column_find(const td_column_file *columns, const td_column *want, const void **data, td_error *error) {
    hid_t dataset = H5Lexists(columns->file, want->name, H5P_DEFAULT) > 0 ? H5Dopen2(columns->file, want->name, H5P_DEFAULT) : -1;
    if (dataset < 0) return td_fail(error, TD_BAD_DATA, "%s: has no dataset %s", columns->path, want->name);
    td_status status = check_dataset(columns, dataset, want, error);
    haddr_t offset = H5Dget_offset(dataset);
    H5Dclose(dataset);
    if (status != TD_OK) return status;
    size_t width = H5Tget_size(want->type), align = width < 8 ? width : 8;
    hsize_t cells = want->dims[0] * (want->rank == 2 ? want->dims[1] : 1);
    if (offset == HADDR_UNDEF || offset > columns->size || cells > (columns->size - offset) / width)
        return td_fail(error, TD_BAD_DATA, "%s: is truncated: dataset %s does not end within the file's %zu bytes", columns->path,
                       want->name, columns->size);
    if (offset % align)
        return td_fail(error, TD_BAD_DATA, "%s: dataset %s starts at byte %llu, not a multiple of %zu", columns->path,
                       want->name, (unsigned long long)offset, align);
    *data = (const char *)columns->base + offset;
    return TD_OK;
}

/* ---- writing ---- */

td_status td_write_failed(const char *path, const char *what, td_error *error) {
    return td_fail(error, TD_IO, "%s: %s: %s; nothing was changed", path, what, strerror(errno));
}

td_status td_reserve_room(const char *path, const char *temporary, off_t size, td_error *error) {
    int fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd < 0) return td_write_failed(path, "cannot be created", error);
    int failed = fallocate(fd, 0, 0, size) != 0 ? errno : 0;
    close(fd);
    if (!failed || failed == EOPNOTSUPP || failed == ENOSYS) return TD_OK;
    errno = failed;
    return td_write_failed(path, "no room for the file", error);
}

td_status td_write_at(const char *path, int fd, const void *data, size_t size, off_t offset, td_error *error) {
    const char *from = data;
    while (size > 0) {
        ssize_t done = pwrite(fd, from, size, offset);
        if (done < 0 && errno == EINTR) continue;
        if (done <= 0) return td_write_failed(path, "cannot be written", error);
        from += done;
        size -= (size_t)done;
        offset += done;
    }
    return TD_OK;
}

void td_sync_folder(const char *path) {
    char folder[4096];
    const char *slash = strrchr(path, '/');
    snprintf(folder, sizeof folder, "%.*s", slash ? (int)(slash - path + 1) : 1, slash ? path : ".");
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return;
    fsync(fd);
    close(fd);
}
