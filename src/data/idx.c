#include "data/idx.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"

/* No set of images that fits this format's use comes near; it keeps a damaged or hostile gzip file from filling the memory. */
static const size_t max_bytes = (size_t)1 << 31;

static uint32_t big_endian(const uint8_t *bytes) {
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

/* Checks the header of a file of n bytes, and reads its shape. */
static lsnn_status read_header(const char *path, const uint8_t *content, size_t n, int rank, int64_t *shape, size_t *n_bytes) {
    size_t n_header = 4 + 4 * (size_t)rank;
    uint32_t expected = 0x800u + (uint32_t)rank, found = n >= 4 ? big_endian(content) : 0;
    if (n >= 4 && found != expected) {
        return fail(LSNN_ERR_DATA,
                    "%s: begins with the magic number 0x%08" PRIx32 ", an IDX file of rank %d with 0x%08" PRIx32 "; is it the right file?",
                    path, found, rank, expected);
    }
    if (n < n_header) {
        return fail(LSNN_ERR_DATA, "%s: has %zu bytes, its header alone takes %zu; the file is cut short, get it again", path, n, n_header);
    }
    size_t product = 1;
    for (int d = 0; d < rank; ++d) {
        uint32_t length = big_endian(content + 4 + 4 * d);
        if (length == 0 || length > max_bytes / product) {
            return fail(LSNN_ERR_DATA, "%s: length %d of its shape is %" PRIu32 ", which can't be; the file is damaged, get it again", path,
                        d, length);
        }
        shape[d] = length;
        product *= length;
    }
    if (n - n_header != product) {
        return fail(LSNN_ERR_DATA, "%s: holds %zu bytes of data, its shape needs %zu; the file is %s, get it again", path, n - n_header,
                    product, n - n_header < product ? "cut short" : "damaged or has something at its end");
    }
    *n_bytes = product;
    return LSNN_OK;
}

lsnn_status idx_read(const char *path, int rank, int64_t *shape, uint8_t **bytes) {
    lsnn_status status = LSNN_OK;
    uint8_t *content = NULL;
    size_t n = 0, n_bytes = 0;
    int64_t lengths[IDX_MAX_RANK];
    TRY(file_read_gzip(path, max_bytes, &content, &n));
    TRY(read_header(path, content, n, rank, lengths, &n_bytes));
    memmove(content, content + n - n_bytes, n_bytes);
    memcpy(shape, lengths, (size_t)rank * sizeof *shape);
    *bytes = content;
    content = NULL;
out:
    free(content);
    return status;
}

/* ---- MNIST ---- */

enum { PATH_SIZE = 2048, SIDE = 28, N_CLASSES = 10 };

/* The path of folder/name, or of folder/name.gz; *found says whether one of them is there. */
static lsnn_status find(char path[PATH_SIZE], const char *folder, const char *name, bool *found) {
    char packed[64];
    lsnn_status status = path_join(path, PATH_SIZE, folder, name);
    *found = status == LSNN_OK && file_exists(path);
    if (status == LSNN_OK && !*found) {
        snprintf(packed, sizeof packed, "%s.gz", name);
        status = path_join(path, PATH_SIZE, folder, packed);
        *found = status == LSNN_OK && file_exists(path);
    }
    return status;
}

static lsnn_status check_labels(const char *path, const uint8_t *labels, int64_t n) {
    for (int64_t i = 0; i < n; ++i) {
        if (labels[i] >= N_CLASSES) {
            return fail(LSNN_ERR_DATA, "%s: label %" PRId64 " is %d, and a digit is 0..9; the file is damaged, get it again", path, i,
                        labels[i]);
        }
    }
    return LSNN_OK;
}

lsnn_status mnist_open(const char *folder, bool train, mnist *out) {
    lsnn_status status = LSNN_OK;
    const char *image_name = train ? "train-images-idx3-ubyte" : "t10k-images-idx3-ubyte";
    const char *label_name = train ? "train-labels-idx1-ubyte" : "t10k-labels-idx1-ubyte";
    char image_path[PATH_SIZE], label_path[PATH_SIZE];
    bool has_images, has_labels;
    int64_t image_shape[3], n_labels;
    uint8_t *pixels = NULL, *labels = NULL;
    TRY(find(image_path, folder, image_name, &has_images));
    TRY(find(label_path, folder, label_name, &has_labels));
    if (!has_images || !has_labels) {
        status = fail(
            LSNN_ERR_IO,
            "%s%s%s (each as it is, or with .gz) not found in %s; run 'lsnn data get mnist', or put the four files there, or point --data or "
            "LSNN_DATA at the folder above it",
            has_images ? "" : image_name, has_images || has_labels ? "" : " and ", has_labels ? "" : label_name, folder);
        goto out;
    }
    TRY(idx_read(image_path, 3, image_shape, &pixels));
    TRY(idx_read(label_path, 1, &n_labels, &labels));
    if (image_shape[1] != SIDE || image_shape[2] != SIDE) {
        status =
            fail(LSNN_ERR_DATA, "%s: has images of %" PRId64 " x %" PRId64 " pixels, those of MNIST have %d x %d; is it the right file?",
                 image_path, image_shape[1], image_shape[2], SIDE, SIDE);
        goto out;
    }
    if (image_shape[0] != n_labels) {
        status = fail(LSNN_ERR_DATA, "%s has %" PRId64 " images, %s has %" PRId64 " labels; get both again", image_path, image_shape[0],
                      label_path, n_labels);
        goto out;
    }
    TRY(check_labels(label_path, labels, n_labels));
    *out = (mnist){.n = n_labels, .rows = SIDE, .columns = SIDE, .pixels = pixels, .labels = labels};
    pixels = labels = NULL;
out:
    free(pixels);
    free(labels);
    return status;
}

void mnist_release(mnist *set) {
    free(set->pixels);
    free(set->labels);
    *set = (mnist){0};
}
