/* base/tensorfile: safetensors and .npy, whole and damaged. */
#include "base/file.h"
#include "base/tensorfile.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static char folder[1024];
static char path[2048];

static int create_folder(void **state) {
    (void)state;
    const char *base = getenv("TMPDIR");
    snprintf(folder, sizeof folder, "%s/lsnn-tensorfile-XXXXXX", base != NULL ? base : "/tmp");
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

static lsnn_status open_bytes(tensor_file **out, const char *name, const void *bytes, size_t n) {
    write_bytes(name, bytes, n);
    *out = NULL;
    return tensor_file_open(out, path);
}

/* Opening must fail with a message that has the path and `words`. */
static void assert_refused(const char *name, const void *bytes, size_t n, const char *words) {
    tensor_file *file;
    assert_int_equal(open_bytes(&file, name, bytes, n), LSNN_ERR_DATA);
    assert_null(file);
    if (strstr(lsnn_error(), path) == NULL || strstr(lsnn_error(), words) == NULL) {
        fail_msg("'%s' does not say '%s'", lsnn_error(), words);
    }
}

/* ---- a file with every type ---- */

static const double f64[3] = {1.5, -2e300, 0.1};
static const float f32[2][3] = {{1, 2, 3}, {-4, 0.5f, 1e-30f}};
static const int64_t i64[1] = {-9007199254740993};
static const int32_t i32[2] = {-2147483647, 5};
static const int16_t i16[3] = {-32768, 0, 32767};
static const int8_t i8[5] = {-128, -1, 0, 1, 127};
static const uint64_t u64[1] = {18446744073709551615u};
static const uint32_t u32[1] = {4294967295u};
static const uint16_t u16[1] = {65535};
static const uint8_t u8[3] = {0, 1, 255}, flags[4] = {1, 0, 0, 1};

static const struct {
    const char *name;
    tensor_type type;
    int rank;
    int64_t shape[TENSOR_MAX_RANK];
    const void *data;
} parts[] = {
    {"u8", TENSOR_U8, 1, {3}, u8},    {"flags", TENSOR_BOOL, 2, {2, 2}, flags},
    {"i8", TENSOR_I8, 1, {5}, i8},    {"w_in", TENSOR_F32, 2, {2, 3}, f32},
    {"u16", TENSOR_U16, 1, {1}, u16}, {"none", TENSOR_F32, 2, {0, 7}, NULL},
    {"i16", TENSOR_I16, 1, {3}, i16}, {"i32", TENSOR_I32, 1, {2}, i32},
    {"u32", TENSOR_U32, 0, {0}, u32}, {"f64", TENSOR_F64, 8, {1, 1, 1, 3, 1, 1, 1, 1}, f64},
    {"i64", TENSOR_I64, 1, {1}, i64}, {"u64 \"quoted\" \xc3\xa4", TENSOR_U64, 1, {1}, u64},
};
enum { N_PARTS = sizeof parts / sizeof *parts };

static void save_parts(const char *name, const char *text) {
    tensor_writer *writer = NULL;
    assert_int_equal(tensor_writer_create(&writer), LSNN_OK);
    for (size_t i = 0; i < N_PARTS; ++i) {
        tensor_writer_add(writer, parts[i].name, parts[i].type, parts[i].rank, parts[i].shape, parts[i].data);
    }
    tensor_writer_text(writer, "settings", text);
    assert_int_equal(path_join(path, sizeof path, folder, name), LSNN_OK);
    assert_int_equal(tensor_writer_save(writer, path, NULL), LSNN_OK);
    tensor_writer_free(writer);
}

static void assert_parts(const tensor_file *file) {
    assert_int_equal(tensor_file_count(file), N_PARTS);
    for (size_t i = 0; i < N_PARTS; ++i) {
        const tensor *t = tensor_file_find(file, parts[i].name);
        assert_non_null(t);
        assert_string_equal(t->name, parts[i].name);
        assert_int_equal(t->type, parts[i].type);
        assert_int_equal(t->rank, parts[i].rank);
        size_t n = 1;
        for (int d = 0; d < t->rank; ++d) {
            assert_int_equal(t->shape[d], parts[i].shape[d]);
            n *= (size_t)t->shape[d];
        }
        assert_int_equal(t->n, n);
        assert_int_equal((uintptr_t)t->data % 8, 0);
        if (n > 0) {
            assert_memory_equal(t->data, parts[i].data, n * tensor_type_size(t->type));
        }
    }
}

static void what_is_written_is_read(void **state) {
    (void)state;
    const char *text = "net:\n  beta: 1.8\n\"checksum\":\"0000000000000000000000000000000000000000000000000000000000000000\"";
    save_parts("all.safetensors", text);
    tensor_file *file = NULL;
    assert_int_equal(tensor_file_open(&file, path), LSNN_OK);
    assert_parts(file);
    assert_string_equal(tensor_file_path(file), path);
    assert_string_equal(tensor_file_metadata(file, "settings"), text);
    assert_null(tensor_file_metadata(file, "nothing"));
    assert_null(tensor_file_find(file, "nothing"));
    assert_null(tensor_file_find(file, "__metadata__"));
    assert_null(tensor_file_at(file, N_PARTS));
    size_t n_bytes = 0;
    for (size_t i = 0; i < N_PARTS; ++i) {
        n_bytes += tensor_file_at(file, i)->n * tensor_type_size(tensor_file_at(file, i)->type);
    }

    uint8_t *bytes;
    size_t n;
    assert_int_equal(file_read(path, &bytes, &n), LSNN_OK);
    uint64_t n_header;
    memcpy(&n_header, bytes, 8);
    assert_int_equal(n_header % 8, 0);
    assert_int_equal(n, 8 + n_header + n_bytes);
    /* the checksum by its definition */
    char *checksum = strstr((char *)bytes + 8, tensor_file_metadata(file, "checksum")), hex[65];
    assert_non_null(checksum);
    memset(checksum, '0', 64);
    sha256_hex(bytes, n, hex);
    assert_string_equal(hex, tensor_file_metadata(file, "checksum"));
    free(bytes);
    tensor_file_close(file);
}

static void parts_have_names_of_their_own(void **state) {
    (void)state;
    static const double numbers[3] = {1, 2, 3};
    tensor_writer *writer;
    tensor_file *file, *part;
    const tensor *t;
    assert_int_equal(tensor_writer_create(&writer), LSNN_OK);
    tensor_writer_text(writer, "both", "whole");
    tensor_writer_text(writer, "only", "whole");
    tensor_writer_add(writer, "x", TENSOR_F64, 1, (int64_t[]){3}, numbers);
    tensor_writer_within(writer, "a.");
    tensor_writer_text(writer, "both", "a");
    tensor_writer_add(writer, "x", TENSOR_F64, 1, (int64_t[]){2}, numbers + 1);
    tensor_writer_within(writer, "");
    tensor_writer_add(writer, "y", TENSOR_F64, 1, (int64_t[]){1}, numbers);
    assert_int_equal(path_join(path, sizeof path, folder, "parts.safetensors"), LSNN_OK);
    assert_int_equal(tensor_writer_save(writer, path, NULL), LSNN_OK);
    tensor_writer_free(writer);
    assert_int_equal(tensor_file_open(&file, path), LSNN_OK);
    assert_int_equal(tensor_file_count(file), 3);
    assert_non_null(tensor_file_find(file, "a.x"));
    assert_int_equal(tensor_file_within(&part, file, "a."), LSNN_OK);
    assert_int_equal(tensor_file_count(part), 1);
    assert_int_equal(tensor_file_need(part, "x", TENSOR_F64, 1, (int64_t[]){2}, &t), LSNN_OK);
    assert_true(tensor_at(t, 0) == 2 && tensor_at(t, 1) == 3);
    assert_null(tensor_file_find(part, "y"));
    assert_int_equal(tensor_file_need(part, "y", TENSOR_F64, 1, (int64_t[]){1}, &t), LSNN_ERR_DATA);
    assert_non_null(strstr(lsnn_error(), "parts.safetensors: has no tensor 'a.y'"));
    assert_string_equal(tensor_file_metadata(part, "both"), "a");
    assert_string_equal(tensor_file_metadata(part, "only"), "whole");
    assert_string_equal(tensor_file_metadata(file, "both"), "whole");
    assert_null(tensor_file_metadata(part, "neither"));
    assert_string_equal(tensor_file_path(part), path);
    tensor_file_close(part);
    tensor_file_close(file);
}

static void the_same_content_gives_the_same_bytes(void **state) {
    (void)state;
    uint8_t *first, *second;
    size_t n_first, n_second;
    save_parts("first.safetensors", "x");
    assert_int_equal(file_read(path, &first, &n_first), LSNN_OK);
    save_parts("second.safetensors", "x");
    assert_int_equal(file_read(path, &second, &n_second), LSNN_OK);
    assert_int_equal(n_first, n_second);
    assert_memory_equal(first, second, n_first);
    free(first);
    free(second);
}

static void numbers_are_read_whatever_their_type(void **state) {
    (void)state;
    save_parts("all.safetensors", "");
    tensor_file *file = NULL;
    assert_int_equal(tensor_file_open(&file, path), LSNN_OK);
    assert_true(tensor_at(tensor_file_find(file, "f64"), 1) == -2e300);
    assert_true(tensor_at(tensor_file_find(file, "w_in"), 4) == 0.5);
    assert_true(tensor_at(tensor_file_find(file, "i64"), 0) == -9007199254740992.0);
    assert_true(tensor_at(tensor_file_find(file, "i32"), 0) == -2147483647.0);
    assert_true(tensor_at(tensor_file_find(file, "i16"), 0) == -32768.0);
    assert_true(tensor_at(tensor_file_find(file, "i8"), 1) == -1.0);
    assert_true(tensor_at(tensor_file_at(file, 2), 0) == 18446744073709551616.0);
    assert_true(tensor_at(tensor_file_find(file, "u32"), 0) == 4294967295.0);
    assert_true(tensor_at(tensor_file_find(file, "u16"), 0) == 65535.0);
    assert_true(tensor_at(tensor_file_find(file, "u8"), 2) == 255.0);
    assert_true(tensor_at(tensor_file_find(file, "flags"), 3) == 1.0);
    assert_string_equal(tensor_type_name(TENSOR_BOOL), "BOOL");
    tensor_file_close(file);
}

static void need_names_both_shapes(void **state) {
    (void)state;
    save_parts("all.safetensors", "");
    tensor_file *file = NULL;
    const tensor *t = NULL;
    assert_int_equal(tensor_file_open(&file, path), LSNN_OK);
    assert_int_equal(tensor_file_need(file, "w_in", TENSOR_F32, 2, (int64_t[]){2, 3}, &t), LSNN_OK);
    assert_ptr_equal(t, tensor_file_find(file, "w_in"));
    assert_int_equal(tensor_file_need(file, "w_in", TENSOR_F32, 2, (int64_t[]){-1, 3}, &t), LSNN_OK);
    assert_int_equal(tensor_file_need(file, "u32", TENSOR_U32, 0, NULL, &t), LSNN_OK);
    t = NULL;
    assert_int_equal(tensor_file_need(file, "w_in", TENSOR_F32, 2, (int64_t[]){-1, 4}, &t), LSNN_ERR_DATA);
    assert_non_null(strstr(lsnn_error(), "'w_in' is F32 [2, 3] where F32 [any, 4] was expected"));
    assert_int_equal(tensor_file_need(file, "w_in", TENSOR_F32, 1, (int64_t[]){6}, &t), LSNN_ERR_DATA);
    assert_int_equal(tensor_file_need(file, "w_in", TENSOR_F64, 2, (int64_t[]){2, 3}, &t), LSNN_ERR_DATA);
    assert_non_null(strstr(lsnn_error(), "F64"));
    assert_int_equal(tensor_file_need(file, "w_out", TENSOR_F32, 2, (int64_t[]){2, 3}, &t), LSNN_ERR_DATA);
    assert_non_null(strstr(lsnn_error(), "no tensor 'w_out'"));
    assert_null(t);
    tensor_file_close(file);
}

static void keeps_the_file_before(void **state) {
    (void)state;
    char before[2048], fresh[2060];
    assert_int_equal(path_join(before, sizeof before, folder, "kept.before"), LSNN_OK);
    assert_int_equal(path_join(path, sizeof path, folder, "kept"), LSNN_OK);
    for (int32_t i = 0; i < 3; ++i) {
        tensor_writer *writer = NULL;
        assert_int_equal(tensor_writer_create(&writer), LSNN_OK);
        tensor_writer_add(writer, "i", TENSOR_I32, 0, NULL, &i);
        assert_int_equal(tensor_writer_save(writer, path, before), LSNN_OK);
        tensor_writer_free(writer);
        assert_int_equal(file_exists(before), i > 0);
        tensor_file *file = NULL;
        assert_int_equal(tensor_file_open(&file, path), LSNN_OK);
        assert_true(tensor_at(tensor_file_find(file, "i"), 0) == i);
        tensor_file_close(file);
        if (i > 0) {
            assert_int_equal(tensor_file_open(&file, before), LSNN_OK);
            assert_true(tensor_at(tensor_file_find(file, "i"), 0) == i - 1);
            tensor_file_close(file);
        }
    }
    snprintf(fresh, sizeof fresh, "%s.new", path);
    assert_false(file_exists(fresh));
}

static lsnn_status save_one(const char *name, int rank, const int64_t *shape, const char *key, const char *text) {
    static const uint8_t zeros[64];
    tensor_writer *writer = NULL;
    assert_int_equal(tensor_writer_create(&writer), LSNN_OK);
    tensor_writer_add(writer, "first", TENSOR_U8, 0, NULL, zeros);
    tensor_writer_add(writer, name, TENSOR_U8, rank, shape, zeros);
    tensor_writer_text(writer, key, text);
    assert_int_equal(path_join(path, sizeof path, folder, "one"), LSNN_OK);
    lsnn_status status = tensor_writer_save(writer, path, NULL);
    tensor_writer_free(writer);
    return status;
}

static void failures_while_adding_are_reported_by_save(void **state) {
    (void)state;
    int64_t nine[9] = {1, 1, 1, 1, 1, 1, 1, 1, 1}, negative[1] = {-1};
    assert_int_equal(save_one("x", 8, nine, "k", "v"), LSNN_OK);
    remove(path);
    assert_int_equal(save_one("x", 9, nine, "k", "v"), LSNN_ERR_USAGE);
    assert_non_null(strstr(lsnn_error(), "'x'"));
    assert_int_equal(save_one("x", 1, negative, "k", "v"), LSNN_ERR_USAGE);
    assert_int_equal(save_one("first", 0, NULL, "k", "v"), LSNN_ERR_USAGE);
    assert_int_equal(save_one("__metadata__", 0, NULL, "k", "v"), LSNN_ERR_USAGE);
    assert_int_equal(save_one("x", 0, NULL, "k", "\xff"), LSNN_ERR_USAGE);
    assert_false(file_exists(path));
    assert_int_equal(path_join(path, sizeof path, folder, "missing/file"), LSNN_OK);
    tensor_writer *writer = NULL;
    assert_int_equal(tensor_writer_create(&writer), LSNN_OK);
    assert_int_equal(tensor_writer_save(writer, path, NULL), LSNN_ERR_IO);
    assert_non_null(strstr(lsnn_error(), path));
    assert_int_equal(tensor_writer_save(writer, path, "elsewhere"), LSNN_ERR_IO);
    tensor_writer_free(writer);
}

/* ---- files made by hand ---- */

static uint8_t made[4096];

/* A file with this header, and n_data bytes 1, 2, 3, ...; its length. */
static size_t make(const char *header, size_t n_data) {
    uint64_t n_header = strlen(header);
    assert_true(8 + n_header + n_data <= sizeof made);
    memcpy(made, &n_header, 8);
    memcpy(made + 8, header, n_header);
    for (size_t i = 0; i < n_data; ++i) {
        made[8 + n_header + i] = (uint8_t)(i + 1);
    }
    return 8 + n_header + n_data;
}

static void reads_unaligned_tensors(void **state) {
    (void)state;
    tensor_file *file;
    size_t n = make(
        "{\"b\":{\"dtype\":\"U16\",\"shape\":[2],\"data_offsets\":[1,5]},\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}",
        5);
    assert_int_equal(open_bytes(&file, "odd.safetensors", made, n), LSNN_OK);
    const tensor *b = tensor_file_find(file, "b");
    assert_int_equal((uintptr_t)b->data % 8, 0);
    assert_true(tensor_at(b, 0) == 0x0302 && tensor_at(b, 1) == 0x0504);
    assert_string_equal(tensor_file_at(file, 0)->name, "a"); /* in the order of the data */
    assert_null(tensor_file_metadata(file, "checksum"));
    tensor_file_close(file);
    n = make("{}", 0);
    assert_int_equal(open_bytes(&file, "empty.safetensors", made, n), LSNN_OK);
    assert_int_equal(tensor_file_count(file), 0);
    assert_null(tensor_file_at(file, 0));
    tensor_file_close(file);
}

static void refuses_headers_that_lie(void **state) {
    (void)state;
    static const struct {
        const char *header;
        size_t n_data;
        const char *words;
    } cases[] = {
        {"", 0, "header"},
        {"[1]", 0, "header"},
        {"{\"a\":", 0, "header"},
        {"{\"a\":1}", 0, "'a' lacks"},
        {"{\"__metadata__\":[]}", 0, "__metadata__"},
        {"{\"__metadata__\":{\"checksum\":\"12\"}}", 0, "checksum"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0]}}", 4, "'a' lacks"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0.0,4]}}", 4, "'a' lacks"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":{},\"data_offsets\":[0,4]}}", 4, "'a' lacks"},
        {"{\"a\":{\"dtype\":\"BF16\",\"shape\":[2],\"data_offsets\":[0,4]}}", 4, "'a' has the dtype 'BF16'"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", 4, "cut short"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,0]}}", 4, "bytes 4 to 0"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[-4,0]}}", 4, "bytes -4 to 0"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,4]}}", 4, "need 8"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[-1],\"data_offsets\":[0,4]}}", 4, "shape"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1.5],\"data_offsets\":[0,4]}}", 4, "shape"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[4294967296,4294967296],\"data_offsets\":[0,0]}}", 0, "shape"},
        {"{\"a\":{\"dtype\":\"F64\",\"shape\":[2305843009213693952],\"data_offsets\":[0,0]}}", 0, "shape"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[99999999999999999999],\"data_offsets\":[0,4]}}", 4, "header"},
        {"{\"a\":{\"dtype\":\"U8\",\"shape\":[1,1,1,1,1,1,1,1,1],\"data_offsets\":[0,1]}}", 1, "9 dimensions"},
        {"{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]},\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[1,2]}}", 2,
         "header"},
        {"{\"a\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[0,2]},\"b\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[1,3]}}", 3,
         "begins at byte 1"},
        {"{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[1,2]}}", 2, "begins at byte 1"},
        {"{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}", 2, "holds 2 bytes"},
        {"{\"a\":{\"dtype\":\"BOOL\",\"shape\":[2],\"data_offsets\":[0,2]}}", 2, "number 1 of tensor 'a' is 2"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
        assert_refused("lie.safetensors", made, make(cases[i].header, cases[i].n_data), cases[i].words);
    }
    assert_refused("short.safetensors", "1234567", 7, "too few");
    memset(made, 0xff, 64);
    assert_refused("long.safetensors", made, 64, "too few");
    char deep[3000];
    memset(deep, '[', sizeof deep);
    memcpy(deep, "{\"a\":", 5);
    deep[sizeof deep - 1] = 0;
    assert_refused("deep.safetensors", made, make(deep, 0), "header");
}

static uint32_t state_of_noise = 12345; /* the seed */

static size_t draw(size_t n) {
    state_of_noise = state_of_noise * 1664525u + 1013904223u;
    return (size_t)((uint64_t)state_of_noise * n >> 32);
}

/* Reads everything that an opened file offers, so that a sanitizer sees a wrong pointer. */
static double touch(const tensor_file *file) {
    double sum = 0;
    for (size_t i = 0; i < tensor_file_count(file); ++i) {
        const tensor *t = tensor_file_at(file, i);
        for (size_t k = 0; k < t->n; ++k) {
            double x = tensor_at(t, k);
            sum += isfinite(x) ? x : 0;
        }
    }
    return sum;
}

static void notices_every_damage(void **state) {
    (void)state;
    save_parts("whole.safetensors", "a: 1\n");
    uint8_t *bytes;
    size_t n;
    assert_int_equal(file_read(path, &bytes, &n), LSNN_OK);
    tensor_file *file;
    for (size_t length = 0; length < n; ++length) {
        assert_int_equal(open_bytes(&file, "damaged.safetensors", bytes, length), LSNN_ERR_DATA);
        assert_non_null(strstr(lsnn_error(), path));
    }
    size_t key = (size_t)(strstr((char *)bytes + 8, "\"checksum\"") - (char *)bytes);
    for (size_t bit = 0; bit < 8 * n; bit += 3) { /* some of every byte's */
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        lsnn_status status = open_bytes(&file, "damaged.safetensors", bytes, n);
        if (status == LSNN_OK) { /* only a checksum that is called otherwise is none */
            assert_in_range(bit / 8, key + 1, key + 8);
            assert_parts(file);
            tensor_file_close(file);
        } else {
            assert_int_equal(status, LSNN_ERR_DATA);
        }
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    bytes[n - 1] ^= 1;
    assert_refused("flipped.safetensors", bytes, n, "the checksum does not fit the content");
    free(bytes);
}

/* Without a checksum nothing catches the damage but the checks of each length. */
static void survives_damage_without_a_checksum(void **state) {
    (void)state;
    size_t n = make(
        "{\"a\":{\"dtype\":\"U8\",\"shape\":[3],\"data_offsets\":[0,3]},\"b\":{\"dtype\":\"F32\",\"shape\":[2,1],\"data_offsets\":[3,11]},"
        "\"c\":{\"dtype\":\"BOOL\",\"shape\":[1],\"data_offsets\":[11,12]},\"__metadata__\":{\"x\":\"y\"}}  ",
        12);
    made[n - 1] = 1; /* the BOOL */
    tensor_file *file;
    assert_int_equal(open_bytes(&file, "plain.safetensors", made, n), LSNN_OK);
    tensor_file_close(file);
    double sum = 0;
    int n_opened = 0;
    for (int round = 0; round < 6000; ++round) {
        uint8_t damaged[sizeof made];
        memcpy(damaged, made, n);
        size_t n_flips = 1 + draw(2);
        for (size_t k = 0; k < n_flips; ++k) {
            size_t bit = draw(8 * n);
            damaged[bit / 8] ^= (uint8_t)(1 << bit % 8);
        }
        lsnn_status status = open_bytes(&file, "damaged.safetensors", damaged, n);
        if (status == LSNN_OK) {
            sum += touch(file);
            ++n_opened;
            tensor_file_close(file);
        } else {
            assert_int_equal(status, LSNN_ERR_DATA);
        }
    }
    assert_true(n_opened > 0 && n_opened < 6000);
    assert_true(isfinite(sum));
}

/* ---- .npy ---- */

/* A .npy file with this dictionary, and n_data bytes 1, 2, 3, ...; its length. */
static size_t make_npy(int version, const char *header, size_t n_data) {
    size_t n_prefix = version == 1 ? 10 : 12, n_header = strlen(header);
    memcpy(made, "\x93NUMPY\0\0\0\0\0", 12);
    made[6] = (uint8_t)version;
    made[8] = (uint8_t)n_header;
    made[9] = (uint8_t)(n_header >> 8);
    memcpy(made + n_prefix, header, n_header);
    for (size_t i = 0; i < n_data; ++i) {
        made[n_prefix + n_header + i] = (uint8_t)(i + 1);
    }
    return n_prefix + n_header + n_data;
}

static void reads_npy(void **state) {
    (void)state;
    tensor_file *file;
    for (int version = 1; version <= 3; ++version) {
        size_t n = make_npy(version, "{'descr': '<i2', 'fortran_order': False, 'shape': (2, 3), }        \n", 12);
        assert_int_equal(open_bytes(&file, "a.npy", made, n), LSNN_OK);
        assert_int_equal(tensor_file_count(file), 1);
        const tensor *t = NULL;
        assert_int_equal(tensor_file_need(file, "", TENSOR_I16, 2, (int64_t[]){2, 3}, &t), LSNN_OK);
        assert_true(tensor_at(t, 5) == 0x0c0b);
        assert_int_equal((uintptr_t)t->data % 8, 0);
        assert_null(tensor_file_metadata(file, "checksum"));
        tensor_file_close(file);
    }
    static const struct {
        const char *descr;
        tensor_type type;
    } kinds[] = {
        {"<f4", TENSOR_F32}, {"<f8", TENSOR_F64}, {"<i8", TENSOR_I64}, {"<i4", TENSOR_I32},  {"<i2", TENSOR_I16}, {"|i1", TENSOR_I8},
        {"<u8", TENSOR_U64}, {"<u4", TENSOR_U32}, {"<u2", TENSOR_U16}, {"|b1", TENSOR_BOOL}, {"|u1", TENSOR_U8},
    };
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; ++i) {
        char header[100];
        snprintf(header, sizeof header, "{'fortran_order':False,'shape':(1,),'descr':'%s'}", kinds[i].descr);
        assert_int_equal(open_bytes(&file, "kind.npy", made, make_npy(1, header, tensor_type_size(kinds[i].type))), LSNN_OK);
        assert_int_equal(tensor_file_at(file, 0)->type, kinds[i].type);
        tensor_file_close(file);
    }
    assert_int_equal(open_bytes(&file, "scalar.npy", made, make_npy(1, "{\"descr\": \"|u1\", \"fortran_order\": False, \"shape\": ()}", 1)),
                     LSNN_OK);
    assert_int_equal(tensor_file_at(file, 0)->rank, 0);
    tensor_file_close(file);
}

static void refuses_other_npy(void **state) {
    (void)state;
    static const struct {
        const char *header;
        size_t n_data;
        const char *words;
    } cases[] = {
        {"{'descr': '<f4', 'fortran_order': True, 'shape': (2, 3), }", 24, "Fortran"},
        {"{'descr': '>f4', 'fortran_order': False, 'shape': (1,), }", 4, "'>f4'"},
        {"{'descr': '|O', 'fortran_order': False, 'shape': (1,), }", 4, "'|O'"},
        {"{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,), }", 4, "'record'"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }", 4, "needs 8"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (1,), }", 8, "needs 4"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (4294967296, 4294967296), }", 0, "header"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,), }", 0, "header"},
        {"{'descr': '|u1', 'fortran_order': False, 'shape': (1, 1, 1, 1, 1, 1, 1, 1, 1), }", 1, "8 dimensions"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (-1,), }", 4, "header"},
        {"{'descr': '<f4', 'fortran_order': False, }", 4, "header"},
        {"{'descr': '<f4', 'shape': (1,), }", 4, "header"},
        {"{'fortran_order': False, 'shape': (1,), }", 4, "header"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (1,), 'more': 1}", 4, "header"},
        {"", 4, "header"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
        assert_refused("other.npy", made, make_npy(1, cases[i].header, cases[i].n_data), cases[i].words);
    }
    assert_refused("version.npy", made, make_npy(4, cases[0].header, 0), "version");
    assert_refused("text.npy", "1 2 3\n", 6, "not a .npy file");
    assert_refused("magic.npy", "\x93NUMPY", 6, "cut short");
}

static void survives_damaged_npy(void **state) {
    (void)state;
    static const char header[] = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }\n";
    tensor_file *file;
    double sum = 0;
    size_t n = make_npy(1, header, 24);
    for (size_t length = 0; length < n; ++length) {
        assert_int_equal(open_bytes(&file, "damaged.npy", made, length), LSNN_ERR_DATA);
    }
    for (size_t bit = 0; bit < 8 * n; ++bit) {
        make_npy(1, header, 24);
        made[bit / 8] ^= (uint8_t)(1 << bit % 8);
        lsnn_status status = open_bytes(&file, "damaged.npy", made, n);
        if (status == LSNN_OK) {
            sum += touch(file);
            tensor_file_close(file);
        } else {
            assert_int_equal(status, LSNN_ERR_DATA);
        }
    }
    assert_true(isfinite(sum));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(parts_have_names_of_their_own),
        cmocka_unit_test(the_same_content_gives_the_same_bytes),
        cmocka_unit_test(numbers_are_read_whatever_their_type),
        cmocka_unit_test(need_names_both_shapes),
        cmocka_unit_test(keeps_the_file_before),
        cmocka_unit_test(failures_while_adding_are_reported_by_save),
        cmocka_unit_test(reads_unaligned_tensors),
        cmocka_unit_test(refuses_headers_that_lie),
        cmocka_unit_test(notices_every_damage),
        cmocka_unit_test(survives_damage_without_a_checksum),
        cmocka_unit_test(reads_npy),
        cmocka_unit_test(refuses_other_npy),
        cmocka_unit_test(survives_damaged_npy),
    };
    return cmocka_run_group_tests_name("tensorfile", tests, create_folder, remove_folder);
}
