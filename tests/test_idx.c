/* data/idx: the files of MNIST, whole and damaged. */
#include "base/file.h"
#include "data/idx.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

static char folder[1024];
static char path[2048];

static int create_folder(void **state) {
    (void)state;
    const char *base = getenv("TMPDIR");
    snprintf(folder, sizeof folder, "%s/lsnn-idx-XXXXXX", base != NULL ? base : "/tmp");
    return mkdtemp(folder) == NULL;
}

static int remove_folder(void **state) {
    (void)state;
    char command[1100];
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    return system(command);
}

static void write_bytes(const char *name, const void *bytes, size_t n) {
    assert_int_equal(path_join(path, sizeof path, folder, name), LSNN_OK);
    remove(path); /* some file systems sync a file that replaces its own content, and that takes its time */
    FILE *stream = fopen(path, "wb");
    assert_non_null(stream);
    assert_int_equal(fwrite(bytes, 1, n, stream), n);
    fclose(stream);
}

static void write_packed(const char *name, const void *bytes, size_t n) {
    assert_int_equal(path_join(path, sizeof path, folder, name), LSNN_OK);
    gzFile stream = gzopen(path, "wb");
    assert_non_null(stream);
    assert_int_equal(gzwrite(stream, bytes, (unsigned)n), n);
    assert_int_equal(gzclose(stream), Z_OK);
}

/* An IDX file with the content 0, 1, 2, ... modulo `modulus`; its length. */
static uint8_t made[100000];
static size_t make(int rank, const uint32_t *shape, int modulus) {
    size_t n = 1;
    const uint8_t magic[4] = {0, 0, 8, (uint8_t)rank};
    memcpy(made, magic, 4);
    for (int d = 0; d < rank; ++d) {
        for (int k = 0; k < 4; ++k) {
            made[4 + 4 * d + k] = (uint8_t)(shape[d] >> (24 - 8 * k));
        }
        n *= shape[d];
    }
    size_t n_header = 4 + 4 * (size_t)rank;
    assert_true(n_header + n <= sizeof made);
    for (size_t i = 0; i < n; ++i) {
        made[n_header + i] = (uint8_t)(i % (size_t)modulus);
    }
    return n_header + n;
}

static void assert_refused(int rank, lsnn_status expected, const char *words) {
    int64_t shape[IDX_MAX_RANK] = {-1, -1, -1, -1};
    uint8_t *bytes = NULL;
    assert_int_equal(idx_read(path, rank, shape, &bytes), expected);
    assert_null(bytes);
    assert_int_equal(shape[0], -1);
    if (strstr(lsnn_error(), path) == NULL || strstr(lsnn_error(), words) == NULL) {
        fail_msg("'%s' does not say '%s'", lsnn_error(), words);
    }
}

static void reads_plain_and_packed(void **state) {
    (void)state;
    size_t n = make(3, (uint32_t[]){2, 3, 5}, 251);
    for (int packed = 0; packed < 2; ++packed) {
        (packed ? write_packed : write_bytes)("images", made, n);
        int64_t shape[3];
        uint8_t *bytes = NULL;
        assert_int_equal(idx_read(path, 3, shape, &bytes), LSNN_OK);
        assert_true(shape[0] == 2 && shape[1] == 3 && shape[2] == 5);
        assert_memory_equal(bytes, made + 16, 30);
        free(bytes);
    }
}

static void refuses_what_does_not_fit(void **state) {
    (void)state;
    size_t n = make(1, (uint32_t[]){5}, 10);
    write_bytes("labels", made, n);
    assert_refused(3, LSNN_ERR_DATA, "0x00000801, an IDX file of rank 3 with 0x00000803");
    write_bytes("labels", made, n - 1);
    assert_refused(1, LSNN_ERR_DATA, "cut short");
    write_bytes("labels", made, n + 1);
    assert_refused(1, LSNN_ERR_DATA, "at its end");
    write_bytes("labels", made, 6);
    assert_refused(1, LSNN_ERR_DATA, "header");
    write_bytes("labels", made, 0);
    assert_refused(1, LSNN_ERR_DATA, "cut short");
    memset(made + 4, 0, 4);
    write_bytes("labels", made, 8);
    assert_refused(1, LSNN_ERR_DATA, "can't be");
    memset(made + 4, 0xff, 12);
    made[3] = 3;
    write_bytes("labels", made, 16);
    assert_refused(3, LSNN_ERR_DATA, "can't be"); /* and no product that wraps around */
    assert_int_equal(path_join(path, sizeof path, folder, "missing"), LSNN_OK);
    assert_refused(1, LSNN_ERR_IO, "No such file");
}

static uint32_t state_of_noise = 2024; /* the seed */

static size_t draw(size_t n) {
    state_of_noise = state_of_noise * 1664525u + 1013904223u;
    return (size_t)((uint64_t)state_of_noise * n >> 32);
}

/* Reads the file at `path`, which is damaged; whatever comes must be an error, or as many bytes as the shape says. */
static bool survives(int64_t n_expected) {
    int64_t shape[3];
    uint8_t *bytes = NULL;
    lsnn_status status = idx_read(path, 3, shape, &bytes);
    if (status != LSNN_OK) {
        assert_int_equal(status, LSNN_ERR_DATA);
        assert_null(bytes);
        return false;
    }
    assert_int_equal(shape[0] * shape[1] * shape[2], n_expected);
    int64_t sum = 0;
    for (int64_t i = 0; i < n_expected; ++i) {
        sum += bytes[i];
    }
    free(bytes);
    assert_in_range(sum, 0, 255 * n_expected);
    return true;
}

static void survives_damage(void **state) {
    (void)state;
    size_t n = make(3, (uint32_t[]){3, 10, 10}, 7), n_packed = 0;
    uint8_t plain[400], *packed = NULL;
    memcpy(plain, made, n);
    write_packed("images.gz", plain, n);
    assert_int_equal(file_read(path, &packed, &n_packed), LSNN_OK);
    for (size_t length = 0; length < n; ++length) {
        write_bytes("damaged", plain, length);
        assert_false(survives(300));
    }
    for (size_t length = 0; length < n_packed; ++length) {
        write_bytes("damaged.gz", packed, length);
        assert_false(survives(300));
    }
    int n_noticed = 0;
    for (int round = 0; round < 2000; ++round) {
        size_t bit = draw(8 * n);
        plain[bit / 8] ^= (uint8_t)(1 << bit % 8);
        write_bytes("damaged", plain, n);
        bool opened = survives(300);
        assert_true(opened == (bit >= 8 * 16)); /* every flip in the header shows; in the content none can */
        n_noticed += !opened;
        plain[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    assert_true(n_noticed > 0);
    int64_t shape[3];
    for (size_t bit = 0; bit < 8 * n_packed; ++bit) {
        packed[bit / 8] ^= (uint8_t)(1 << bit % 8);
        write_bytes("damaged.gz", packed, n_packed);
        uint8_t *bytes = NULL;
        if (idx_read(path, 3, shape, &bytes) == LSNN_OK) { /* a bit of gzip's header that means nothing here */
            assert_memory_equal(bytes, plain + 16, 300);
            free(bytes);
        }
        packed[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    free(packed);
}

/* ---- MNIST ---- */

static void put_set(const char *images, const uint32_t *shape, const char *labels, uint32_t n_labels, int modulus) {
    write_packed(images, made, make(3, shape, 256));
    write_bytes(labels, made, make(1, &n_labels, modulus));
}

static void opens_mnist(void **state) {
    (void)state;
    mnist set = {0};
    put_set("train-images-idx3-ubyte.gz", (uint32_t[]){12, 28, 28}, "train-labels-idx1-ubyte", 12, 10);
    assert_int_equal(mnist_open(folder, true, &set), LSNN_OK);
    assert_true(set.n == 12 && set.rows == 28 && set.columns == 28);
    assert_int_equal(set.pixels[784 + 5], (784 + 5) % 256);
    assert_int_equal(set.labels[11], 1);
    mnist_release(&set);
    assert_null(set.pixels);
    mnist_release(&set); /* twice does no harm */

    assert_int_equal(mnist_open(folder, false, &set), LSNN_ERR_IO);
    static const char *const words[] = {"t10k-images-idx3-ubyte and t10k-labels-idx1-ubyte", folder, "lsnn data get mnist", "--data",
                                        "LSNN_DATA"};
    for (size_t i = 0; i < sizeof words / sizeof *words; ++i) {
        assert_non_null(strstr(lsnn_error(), words[i]));
    }
    put_set("t10k-images-idx3-ubyte", (uint32_t[]){2, 28, 28}, "elsewhere", 2, 10);
    assert_int_equal(mnist_open(folder, false, &set), LSNN_ERR_IO);
    assert_null(strstr(lsnn_error(), "t10k-images"));
    assert_non_null(strstr(lsnn_error(), "t10k-labels-idx1-ubyte"));
}

static void refuses_other_mnist(void **state) {
    (void)state;
    mnist set = {0};
    static const struct {
        uint32_t shape[3], n_labels;
        int modulus;
        const char *words;
    } cases[] = {
        {{12, 28, 28}, 11, 10, "11 labels"},
        {{12, 28, 27}, 12, 10, "28 x 27"},
        {{12, 28, 28}, 12, 11, "label 10 is 10"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
        put_set("train-images-idx3-ubyte.gz", cases[i].shape, "train-labels-idx1-ubyte", cases[i].n_labels, cases[i].modulus);
        assert_int_equal(mnist_open(folder, true, &set), LSNN_ERR_DATA);
        assert_non_null(strstr(lsnn_error(), cases[i].words));
        assert_non_null(strstr(lsnn_error(), folder));
        assert_null(set.pixels);
    }
}

static void opens_the_real_mnist(void **state) {
    (void)state;
    const char *real = getenv("LSNN_TEST_MNIST");
    if (real == NULL) {
        skip();
    }
    static const int count[2][10] = {{980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009},
                                     {5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949}};
    for (int train = 0; train < 2; ++train) {
        mnist set;
        assert_int_equal(mnist_open(real, train, &set), LSNN_OK);
        assert_int_equal(set.n, train ? 60000 : 10000);
        int found[10] = {0};
        for (int64_t i = 0; i < set.n; ++i) {
            ++found[set.labels[i]];
        }
        assert_memory_equal(found, count[train], sizeof found);
        mnist_release(&set);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_plain_and_packed), cmocka_unit_test(refuses_what_does_not_fit),
        cmocka_unit_test(survives_damage),        cmocka_unit_test(opens_mnist),
        cmocka_unit_test(refuses_other_mnist),    cmocka_unit_test(opens_the_real_mnist),
    };
    return cmocka_run_group_tests_name("idx", tests, create_folder, remove_folder);
}
