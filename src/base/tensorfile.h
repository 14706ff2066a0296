/* Named arrays in files: safetensors (read and written) and NumPy's .npy (read).
 * safetensors: 8 bytes little-endian header length, a JSON header {"name": {"dtype", "shape", "data_offsets"}, "__metadata__": {text: text}}, the data. */
#ifndef LSNN_BASE_TENSORFILE_H
#define LSNN_BASE_TENSORFILE_H

#include "base/error.h"

typedef enum tensor_type {
    TENSOR_F64,
    TENSOR_F32,
    TENSOR_I64,
    TENSOR_I32,
    TENSOR_I16,
    TENSOR_I8,
    TENSOR_U64,
    TENSOR_U32,
    TENSOR_U16,
    TENSOR_U8,
    TENSOR_BOOL
} tensor_type;

enum { TENSOR_MAX_RANK = 8 };

typedef struct tensor {
    const char *name;
    tensor_type type;
    int rank;
    int64_t shape[TENSOR_MAX_RANK];
    const void *data; /* row by row, aligned to 8 bytes, little-endian = the machine's own order */
    size_t n;         /* numbers */
} tensor;

/* ---- reading: the whole file is in memory; every length is checked against it before use ---- */
typedef struct tensor_file tensor_file;

/* Opens a .safetensors file, or a .npy file (one tensor, named ""). Fortran-ordered .npy files and other types are refused with a clear message.
 * If the metadata has "checksum", the content is checked against it. Errors: IO, DATA (path, what was found, what to do), MEMORY. */
lsnn_status tensor_file_open(tensor_file **out, const char *path);
void tensor_file_close(tensor_file *file);
const char *tensor_file_path(const tensor_file *file);
/* The part of a file that was written within a prefix (tensor_writer_within): its tensors under their names without it, and metadata likewise; a text that is not there
 * is the whole file's. Borrows the file: close it first. Errors: MEMORY. */
lsnn_status tensor_file_within(tensor_file **out, const tensor_file *file, const char *prefix);
size_t tensor_file_count(const tensor_file *file);
const tensor *tensor_file_at(const tensor_file *file, size_t index);
/* NULL if there is none. */
const tensor *tensor_file_find(const tensor_file *file, const char *name);
/* Networks must have a checksum, or say "none". Errors: DATA. */
lsnn_status tensor_file_need_checksum(const tensor_file *file);
/* A metadata text, NULL if there is none. */
const char *tensor_file_metadata(const tensor_file *file, const char *key);
/* The tensor `name` with exactly this type and shape (a -1 in `shape` fits any length). Errors: DATA (missing, other type or shape: both are named). */
lsnn_status tensor_file_need(const tensor_file *file, const char *name, tensor_type type, int rank, const int64_t *shape,
                             const tensor **out);
/* Number `index` of a tensor, whatever its type. */
double tensor_at(const tensor *t, size_t index);
/* "F32" and so on; bytes a number takes. */
const char *tensor_type_name(tensor_type type);
size_t tensor_type_size(tensor_type type);

/* ---- writing ---- */
typedef struct tensor_writer tensor_writer;

lsnn_status tensor_writer_create(tensor_writer **out);
void tensor_writer_free(tensor_writer *writer);
/* Adds a tensor; the name is copied, the data are borrowed until the writer is saved or freed. Failures (memory, rank) are kept and reported by save. */
void tensor_writer_add(tensor_writer *writer, const char *name, tensor_type type, int rank, const int64_t *shape, const void *data);
/* Adds a text to the metadata; copied. */
void tensor_writer_text(tensor_writer *writer, const char *key, const char *value);
/* What is added from now on, tensors and texts, is named `prefix` and its name; "": its name alone. The prefix is borrowed. */
void tensor_writer_within(tensor_writer *writer, const char *prefix);
/* Writes atomically, with metadata "checksum" = SHA-256 of the whole file in which that text is 64 zeros. If keep_as is not NULL, a file that was at
 * `path` is first renamed to it (so that at every moment one of the two is whole). Errors: IO, MEMORY. */
lsnn_status tensor_writer_save(tensor_writer *writer, const char *path, const char *keep_as);

#endif
