/* The IDX files of MNIST: 4 bytes magic number (0, 0, 8 = unsigned bytes, rank), the shape as 32-bit big-endian numbers, the bytes row by row. */
#ifndef LSNN_DATA_IDX_H
#define LSNN_DATA_IDX_H

#include "base/error.h"

enum { IDX_MAX_RANK = 4 };

/* Reads a whole file, gzip or not (its content tells). Fills shape [rank], rank 1..IDX_MAX_RANK; the caller frees *bytes, which has as many bytes as
 * the product of the shape, at least 1. On failure both are left alone. Errors: IO, MEMORY, DATA (another magic number, damaged, cut short, more
 * bytes than the shape says, an empty or implausibly large shape). */
lsnn_status idx_read(const char *path, int rank, int64_t *shape, uint8_t **bytes);

typedef struct mnist {
    int64_t n;         /* images */
    int rows, columns; /* 28, 28 */
    uint8_t *pixels;   /* [n][rows][columns], 0 (paper) .. 255 (ink) */
    uint8_t *labels;   /* [n], 0..9 */
} mnist;

/* Reads the training or the test images and labels from `folder`: train-images-idx3-ubyte, train-labels-idx1-ubyte, or t10k-..., each as it is or
 * with the ending .gz. Errors: IO (a file is missing), MEMORY, DATA (as idx_read; counts that differ, other sizes, a label over 9). */
lsnn_status mnist_open(const char *folder, bool train, mnist *out);
/* Frees the arrays; all fields are 0 then. */
void mnist_release(mnist *set);

#endif
