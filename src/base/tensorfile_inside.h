/* What the files tensorfile*.c share: the object behind tensor_file, and shapes. For no one else. */
#ifndef LSNN_BASE_TENSORFILE_INSIDE_H
#define LSNN_BASE_TENSORFILE_INSIDE_H

#include <jansson.h>

#include "base/tensorfile.h"

typedef struct tensor_entry {
    tensor tensor;
    size_t begin, end; /* of the data, within the file's data part */
} tensor_entry;

struct tensor_file {
    char *path;
    uint8_t *bytes; /* the whole file */
    size_t n_bytes;
    json_t *header;        /* safetensors: owns the names and the metadata */
    tensor_entry *entries; /* in the order of their data */
    size_t n_entries;
    const char *prefix; /* of the names in the file, which the entries' names leave out; "" but in a part of a file */
    uint64_t *aligned;  /* copies of the data that don't lie at a multiple of 8 in the file */
};

/* The product of a shape, and its size in bytes; false if they don't fit a size_t, or a length is negative. */
bool tensor_measure(tensor_type type, int rank, const int64_t *shape, size_t *n, size_t *n_bytes);

enum { TENSOR_SHAPE_TEXT = TENSOR_MAX_RANK * 24 + 8 };

/* Writes "[3, 4]" to out [size] and returns it; a -1 is written as "any". */
const char *tensor_shape_text(char *out, size_t size, int rank, const int64_t *shape);

/* Points each tensor at its part of `data`, or at an aligned copy of it. Errors: MEMORY. */
lsnn_status tensor_file_place(tensor_file *file, const uint8_t *data);
/* Fails for want of memory. */
lsnn_status tensor_file_no_memory(const char *path);

/* Do the bytes begin as a .npy file does? */
bool tensor_file_is_npy(const tensor_file *file);
/* Fills the entries from the bytes, for which tensor_file_is_npy holds. Errors: DATA, MEMORY. */
lsnn_status tensor_file_open_npy(tensor_file *file);

#endif
