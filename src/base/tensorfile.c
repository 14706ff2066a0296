#include "base/tensorfile.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the files' numbers are little-endian, and are used where they lie");

/* ---- types ---- */

static const struct {
    const char *name;
    size_t size;
    const char *npy; /* NumPy's name of the type */
} types[] = {
    [TENSOR_F64] = {"F64", 8, "<f8"}, [TENSOR_F32] = {"F32", 4, "<f4"},   [TENSOR_I64] = {"I64", 8, "<i8"},
    [TENSOR_I32] = {"I32", 4, "<i4"}, [TENSOR_I16] = {"I16", 2, "<i2"},   [TENSOR_I8] = {"I8", 1, "|i1"},
    [TENSOR_U64] = {"U64", 8, "<u8"}, [TENSOR_U32] = {"U32", 4, "<u4"},   [TENSOR_U16] = {"U16", 2, "<u2"},
    [TENSOR_U8] = {"U8", 1, "|u1"},   [TENSOR_BOOL] = {"BOOL", 1, "|b1"},
};

enum { N_TYPES = sizeof types / sizeof *types };

const char *tensor_type_name(tensor_type type) {
    return types[type].name;
}

size_t tensor_type_size(tensor_type type) {
    return types[type].size;
}

/* The product of a shape, and its size in bytes; false if they don't fit a size_t, or a length is negative. */
static bool measure(tensor_type type, int rank, const int64_t *shape, size_t *n, size_t *n_bytes) {
    size_t product = 1;
    for (int d = 0; d < rank; ++d) {
        if (shape[d] < 0 || __builtin_mul_overflow(product, (size_t)shape[d], &product)) {
            return false;
        }
    }
    *n = product;
    return !__builtin_mul_overflow(product, tensor_type_size(type), n_bytes);
}

/* "[3, 4]"; a -1 is written as "any". */
static const char *shape_text(char *out, size_t size, int rank, const int64_t *shape) {
    size_t length = 0;
    out[0] = 0;
    for (int d = 0; d < rank && length < size; ++d) {
        const char *before = d == 0 ? "[" : ", ";
        int more = shape[d] < 0 ? snprintf(out + length, size - length, "%sany", before)
                                : snprintf(out + length, size - length, "%s%" PRId64, before, shape[d]);
        length += (size_t)more;
    }
    if (length < size) {
        snprintf(out + length, size - length, rank == 0 ? "[]" : "]");
    }
    return out;
}

enum { SHAPE_TEXT = TENSOR_MAX_RANK * 24 + 8 };

/* ---- reading ---- */

typedef struct entry {
    tensor tensor;
    size_t begin, end; /* of the data, within the file's data part */
} entry;

struct tensor_file {
    char *path;
    uint8_t *bytes; /* the whole file */
    size_t n_bytes;
    json_t *header; /* safetensors: owns the names and the metadata */
    entry *entries; /* in the order of their data */
    size_t n_entries;
    uint64_t *aligned; /* copies of the data that don't lie at a multiple of 8 in the file */
};

static lsnn_status no_memory(const char *path) {
    return fail(LSNN_ERR_MEMORY, "%s: not enough memory to read it", path);
}

/* Reads one tensor's object {"dtype", "shape", "data_offsets"}. */
static lsnn_status read_entry(const char *path, const char *name, const json_t *object, size_t n_data, entry *out) {
    const json_t *dtype = json_object_get(object, "dtype"), *shape = json_object_get(object, "shape"),
                 *offsets = json_object_get(object, "data_offsets"), *begin = json_array_get(offsets, 0), *end = json_array_get(offsets, 1);
    if (!json_is_string(dtype) || !json_is_array(shape) || json_array_size(offsets) != 2 || !json_is_integer(begin) ||
        !json_is_integer(end)) {
        return fail(LSNN_ERR_DATA, "%s: tensor '%s' lacks its dtype, shape or data_offsets; the file is damaged or not safetensors", path,
                    name);
    }
    tensor *t = &out->tensor;
    t->name = name;
    size_t type = 0;
    while (type < N_TYPES && strcmp(types[type].name, json_string_value(dtype)) != 0) {
        ++type;
    }
    if (type == N_TYPES) {
        return fail(LSNN_ERR_DATA, "%s: tensor '%s' has the dtype '%s', which this program can't read; convert it to F32", path, name,
                    json_string_value(dtype));
    }
    t->type = (tensor_type)type;
    if (json_array_size(shape) > TENSOR_MAX_RANK) {
        return fail(LSNN_ERR_DATA, "%s: tensor '%s' has %zu dimensions; at most %d can be read", path, name, json_array_size(shape),
                    TENSOR_MAX_RANK);
    }
    t->rank = (int)json_array_size(shape);
    for (int d = 0; d < t->rank; ++d) {
        const json_t *length = json_array_get(shape, (size_t)d);
        t->shape[d] = json_is_integer(length) ? json_integer_value(length) : -1;
    }
    size_t n_bytes;
    if (!measure(t->type, t->rank, t->shape, &t->n, &n_bytes)) {
        return fail(LSNN_ERR_DATA, "%s: tensor '%s' has a shape that can't be; the file is damaged", path, name);
    }
    json_int_t from = json_integer_value(begin), to = json_integer_value(end);
    if (from < 0 || to < from || (uint64_t)to > n_data) {
        return fail(LSNN_ERR_DATA,
                    "%s: tensor '%s' lies at bytes %" JSON_INTEGER_FORMAT " to %" JSON_INTEGER_FORMAT
                    " of the %zu that the file holds; the file is cut short or damaged",
                    path, name, from, to, n_data);
    }
    out->begin = (size_t)from;
    out->end = (size_t)to;
    if (out->end - out->begin != n_bytes) {
        return fail(LSNN_ERR_DATA, "%s: tensor '%s' takes %zu bytes, its dtype and shape need %zu; the file is damaged", path, name,
                    out->end - out->begin, n_bytes);
    }
    return LSNN_OK;
}

static int compare_places(const void *a, const void *b) {
    const entry *x = a, *y = b;
    if (x->begin != y->begin) {
        return x->begin < y->begin ? -1 : 1;
    }
    return (x->end > y->end) - (x->end < y->end); /* empty tensors first */
}

/* The format wants the tensors side by side, without gaps or overlaps, to the last byte. */
static lsnn_status check_places(const tensor_file *file, size_t n_data) {
    size_t expected = 0;
    for (size_t i = 0; i < file->n_entries; ++i) {
        const entry *e = &file->entries[i];
        if (e->begin != expected) {
            return fail(LSNN_ERR_DATA, "%s: tensor '%s' begins at byte %zu where %zu was expected; the file is damaged", file->path,
                        e->tensor.name, e->begin, expected);
        }
        expected = e->end;
    }
    if (expected != n_data) {
        return fail(LSNN_ERR_DATA, "%s: holds %zu bytes of data, its tensors take %zu; the file is damaged", file->path, n_data, expected);
    }
    return LSNN_OK;
}

/* Points each tensor at its data, or at an aligned copy of them. */
static lsnn_status place_data(tensor_file *file, const uint8_t *data) {
    size_t n_words = 0;
    for (size_t i = 0; i < file->n_entries; ++i) {
        const entry *e = &file->entries[i];
        n_words += (uintptr_t)(data + e->begin) % 8 != 0 ? (e->end - e->begin + 7) / 8 : 0;
    }
    file->aligned = malloc((n_words + 1) * 8); /* one more, so that there is one */
    if (file->aligned == NULL) {
        return no_memory(file->path);
    }
    uint64_t *next = file->aligned;
    for (size_t i = 0; i < file->n_entries; ++i) {
        entry *e = &file->entries[i];
        size_t n_bytes = e->end - e->begin;
        e->tensor.data = data + e->begin;
        if ((uintptr_t)e->tensor.data % 8 != 0) {
            memcpy(next, e->tensor.data, n_bytes);
            e->tensor.data = next;
            next += (n_bytes + 7) / 8;
        }
    }
    return LSNN_OK;
}

static lsnn_status check_bools(const tensor_file *file) {
    for (size_t i = 0; i < file->n_entries; ++i) {
        const tensor *t = &file->entries[i].tensor;
        const uint8_t *values = t->data;
        for (size_t k = 0; t->type == TENSOR_BOOL && k < t->n; ++k) {
            if (values[k] > 1) {
                return fail(LSNN_ERR_DATA, "%s: number %zu of tensor '%s' is %d, and a BOOL is 0 or 1; the file is damaged", file->path, k,
                            t->name, values[k]);
            }
        }
    }
    return LSNN_OK;
}

/* The checksum is that of the file with 64 zeros in the checksum's place; puts them there and back. */
static lsnn_status check_checksum(tensor_file *file, size_t n_header) {
    const char *claimed = tensor_file_metadata(file, "checksum");
    if (claimed == NULL) {
        return LSNN_OK;
    }
    size_t length = strlen(claimed);
    uint8_t *place = memmem(file->bytes + 8, n_header, claimed, length);
    if (length != 64 || place == NULL) {
        return fail(LSNN_ERR_DATA, "%s: its checksum is not 64 hexadecimal digits; the file is damaged", file->path);
    }
    char found[65];
    memset(place, '0', 64);
    sha256_hex(file->bytes, file->n_bytes, found);
    memcpy(place, claimed, 64);
    if (memcmp(found, claimed, 64) != 0) {
        return fail(LSNN_ERR_DATA,
                    "%s: the checksum does not fit the content (damaged file); get or make it again, or, if you changed it yourself, "
                    "leave \"checksum\" out of its metadata",
                    file->path);
    }
    return LSNN_OK;
}

static lsnn_status open_safetensors(tensor_file *file) {
    uint64_t n_header = 0;
    if (file->n_bytes >= 8) {
        memcpy(&n_header, file->bytes, 8);
    }
    if (file->n_bytes < 8 || n_header > file->n_bytes - 8) {
        return fail(LSNN_ERR_DATA, "%s: has %zu bytes, too few for its header; the file is cut short, damaged, or not safetensors",
                    file->path, file->n_bytes);
    }
    json_error_t error;
    file->header = json_loadb((const char *)file->bytes + 8, (size_t)n_header, JSON_REJECT_DUPLICATES, &error);
    if (!json_is_object(file->header)) {
        bool memory = file->header == NULL && json_error_code(&error) == json_error_out_of_memory;
        return memory ? no_memory(file->path)
                      : fail(LSNN_ERR_DATA, "%s: its header can't be read (%s); the file is damaged, or not safetensors", file->path,
                             file->header == NULL ? error.text : "not an object");
    }
    const json_t *metadata = json_object_get(file->header, "__metadata__");
    if (metadata != NULL && !json_is_object(metadata)) {
        return fail(LSNN_ERR_DATA, "%s: its __metadata__ is not an object; the file is damaged", file->path);
    }
    lsnn_status status = check_checksum(file, (size_t)n_header);
    if (status != LSNN_OK) {
        return status;
    }
    file->entries = calloc(json_object_size(file->header) + 1, sizeof *file->entries);
    if (file->entries == NULL) {
        return no_memory(file->path);
    }
    size_t n_data = file->n_bytes - 8 - (size_t)n_header;
    const char *name;
    json_t *value;
    json_object_foreach(file->header, name, value) {
        if (strcmp(name, "__metadata__") == 0) {
            continue;
        }
        status = read_entry(file->path, name, value, n_data, &file->entries[file->n_entries]);
        if (status != LSNN_OK) {
            return status;
        }
        ++file->n_entries;
    }
    qsort(file->entries, file->n_entries, sizeof *file->entries, compare_places);
    status = check_places(file, n_data);
    return status != LSNN_OK ? status : place_data(file, file->bytes + 8 + n_header);
}

/* ---- .npy: 6 bytes magic, version, header length, a Python dictionary with descr, fortran_order and shape, the data ---- */

static const char npy_magic[] = "\x93NUMPY";

typedef struct scanner {
    const char *at, *end;
} scanner;

static void skip_blanks(scanner *s) {
    while (s->at < s->end && (*s->at == ' ' || *s->at == '\n')) {
        ++s->at;
    }
}

static bool skip(scanner *s, char c) {
    skip_blanks(s);
    if (s->at == s->end || *s->at != c) {
        return false;
    }
    ++s->at;
    return true;
}

/* A word in quotes, of at most size - 1 characters. */
static bool scan_quoted(scanner *s, char *out, size_t size) {
    char quote = skip(s, '\'') ? '\'' : '"';
    if (quote == '"' && !skip(s, '"')) {
        return false;
    }
    size_t length = 0;
    for (; s->at < s->end && *s->at != quote; ++s->at) {
        if (length == size - 1) {
            return false;
        }
        out[length++] = *s->at;
    }
    out[length] = 0;
    return skip(s, quote);
}

static bool scan_word(scanner *s, const char *word) {
    size_t length = strlen(word);
    skip_blanks(s);
    if ((size_t)(s->end - s->at) < length || memcmp(s->at, word, length) != 0) {
        return false;
    }
    s->at += length;
    return true;
}

static bool scan_length(scanner *s, int64_t *out) {
    skip_blanks(s);
    const char *begin = s->at;
    for (*out = 0; s->at < s->end && *s->at >= '0' && *s->at <= '9'; ++s->at) {
        if (__builtin_mul_overflow(*out, 10, out) || __builtin_add_overflow(*out, *s->at - '0', out)) {
            return false;
        }
    }
    return s->at > begin;
}

/* "()", "(3,)", "(3, 4)" */
static bool scan_shape(scanner *s, tensor *t) {
    if (!skip(s, '(')) {
        return false;
    }
    t->rank = 0;
    while (!skip(s, ')')) {
        if (t->rank == TENSOR_MAX_RANK || !scan_length(s, &t->shape[t->rank])) {
            return false;
        }
        ++t->rank;
        if (!skip(s, ',')) {
            return skip(s, ')');
        }
    }
    return true;
}

typedef struct npy_header {
    char descr[64]; /* "" if it is not a plain type */
    bool has_descr, has_order, has_shape, fortran;
} npy_header;

static bool scan_npy_header(scanner *s, npy_header *header, tensor *t) {
    char key[32];
    if (!skip(s, '{')) {
        return false;
    }
    while (!skip(s, '}')) {
        if (!scan_quoted(s, key, sizeof key) || !skip(s, ':')) {
            return false;
        }
        if (strcmp(key, "descr") == 0) {
            header->has_descr = true;
            if (!scan_quoted(s, header->descr, sizeof header->descr)) {
                header->descr[0] = 0; /* a record: its own dictionary, which is not read any further */
                return true;
            }
        } else if (strcmp(key, "fortran_order") == 0) {
            header->has_order = true;
            header->fortran = scan_word(s, "True");
            if (!header->fortran && !scan_word(s, "False")) {
                return false;
            }
        } else if (strcmp(key, "shape") == 0) {
            header->has_shape = true;
            if (!scan_shape(s, t)) {
                return false;
            }
        } else {
            return false;
        }
        if (!skip(s, ',')) {
            return skip(s, '}');
        }
    }
    return true;
}

static lsnn_status read_npy_type(const char *path, const char *descr, tensor_type *out) {
    for (size_t type = 0; type < N_TYPES; ++type) {
        if (strcmp(types[type].npy, descr) == 0) {
            *out = (tensor_type)type;
            return LSNN_OK;
        }
    }
    return fail(LSNN_ERR_DATA, "%s: holds numbers of the type '%s', which this program can't read; save it with numpy as float32", path,
                *descr == 0 ? "record" : descr);
}

static lsnn_status open_npy(tensor_file *file) {
    const char *path = file->path;
    size_t n_prefix = 0;
    uint32_t n_header = 0;
    if (file->n_bytes >= 10 && file->bytes[6] == 1) {
        n_prefix = 10;
        n_header = (uint32_t)(file->bytes[8] | file->bytes[9] << 8);
    } else if (file->n_bytes >= 12 && (file->bytes[6] == 2 || file->bytes[6] == 3)) {
        n_prefix = 12;
        memcpy(&n_header, file->bytes + 8, 4);
    }
    if (n_prefix == 0 || n_header > file->n_bytes - n_prefix) {
        return fail(LSNN_ERR_DATA, "%s: its .npy header is cut short, damaged, or of an unknown version", path);
    }
    file->entries = calloc(1, sizeof *file->entries);
    if (file->entries == NULL) {
        return no_memory(path);
    }
    file->n_entries = 1;
    entry *e = &file->entries[0];
    tensor *t = &e->tensor;
    t->name = "";
    npy_header header = {0};
    scanner s = {(const char *)file->bytes + n_prefix, (const char *)file->bytes + n_prefix + n_header};
    bool good = scan_npy_header(&s, &header, t);
    if (good && header.has_descr) {
        lsnn_status status = read_npy_type(path, header.descr, &t->type);
        if (status != LSNN_OK) {
            return status;
        }
    }
    if (!good || !header.has_descr || !header.has_order || !header.has_shape || !measure(t->type, t->rank, t->shape, &t->n, &e->end)) {
        return fail(LSNN_ERR_DATA, "%s: its .npy header is damaged, or has more than %d dimensions", path, TENSOR_MAX_RANK);
    }
    if (header.fortran) {
        return fail(LSNN_ERR_DATA, "%s: is in Fortran order (column by column); save numpy.ascontiguousarray of it", path);
    }
    size_t n_data = file->n_bytes - n_prefix - n_header;
    if (n_data != e->end) {
        char shape[SHAPE_TEXT];
        return fail(LSNN_ERR_DATA, "%s: holds %zu bytes of data, its shape %s needs %zu; the file is cut short or damaged", path, n_data,
                    shape_text(shape, sizeof shape, t->rank, t->shape), e->end);
    }
    return place_data(file, file->bytes + n_prefix + n_header);
}

/* ---- the reader's door ---- */

lsnn_status tensor_file_open(tensor_file **out, const char *path) {
    lsnn_status status = LSNN_OK;
    tensor_file *file = calloc(1, sizeof *file);
    if (file == NULL) {
        return no_memory(path);
    }
    file->path = strdup(path);
    if (file->path == NULL) {
        status = no_memory(path);
        goto out;
    }
    TRY(file_read(path, &file->bytes, &file->n_bytes));
    size_t n_magic = sizeof npy_magic - 1;
    if (file->n_bytes >= n_magic && memcmp(file->bytes, npy_magic, n_magic) == 0) {
        TRY(open_npy(file));
    } else if (path_has_ending(path, ".npy")) {
        status = fail(LSNN_ERR_DATA, "%s: is not a .npy file; save it with numpy.save", path);
        goto out;
    } else {
        TRY(open_safetensors(file));
    }
    TRY(check_bools(file));
    *out = file;
    file = NULL;
out:
    tensor_file_close(file);
    return status;
}

void tensor_file_close(tensor_file *file) {
    if (file != NULL) {
        free(file->path);
        free(file->bytes);
        json_decref(file->header);
        free(file->entries);
        free(file->aligned);
        free(file);
    }
}

const char *tensor_file_path(const tensor_file *file) {
    return file->path;
}

size_t tensor_file_count(const tensor_file *file) {
    return file->n_entries;
}

const tensor *tensor_file_at(const tensor_file *file, size_t index) {
    return index < file->n_entries ? &file->entries[index].tensor : NULL;
}

const tensor *tensor_file_find(const tensor_file *file, const char *name) {
    for (size_t i = 0; i < file->n_entries; ++i) {
        if (strcmp(file->entries[i].tensor.name, name) == 0) {
            return &file->entries[i].tensor;
        }
    }
    return NULL;
}

const char *tensor_file_metadata(const tensor_file *file, const char *key) {
    return json_string_value(json_object_get(json_object_get(file->header, "__metadata__"), key));
}

lsnn_status tensor_file_need(const tensor_file *file, const char *name, tensor_type type, int rank, const int64_t *shape,
                             const tensor **out) {
    char expected[SHAPE_TEXT], found[SHAPE_TEXT];
    shape_text(expected, sizeof expected, rank, shape);
    const tensor *t = tensor_file_find(file, name);
    if (t == NULL) {
        return fail(LSNN_ERR_DATA, "%s: has no tensor '%s' (%s %s was expected); is it the right file?", file->path, name,
                    tensor_type_name(type), expected);
    }
    bool fits = t->type == type && t->rank == rank;
    for (int d = 0; fits && d < rank; ++d) {
        fits = shape[d] == -1 || shape[d] == t->shape[d];
    }
    if (!fits) {
        return fail(LSNN_ERR_DATA, "%s: tensor '%s' is %s %s where %s %s was expected; is it the right file?", file->path, name,
                    tensor_type_name(t->type), shape_text(found, sizeof found, t->rank, t->shape), tensor_type_name(type), expected);
    }
    *out = t;
    return LSNN_OK;
}

double tensor_at(const tensor *t, size_t index) {
    switch (t->type) {
        case TENSOR_F64: return ((const double *)t->data)[index];
        case TENSOR_F32: return (double)((const float *)t->data)[index];
        case TENSOR_I64: return (double)((const int64_t *)t->data)[index];
        case TENSOR_I32: return ((const int32_t *)t->data)[index];
        case TENSOR_I16: return ((const int16_t *)t->data)[index];
        case TENSOR_I8: return ((const int8_t *)t->data)[index];
        case TENSOR_U64: return (double)((const uint64_t *)t->data)[index];
        case TENSOR_U32: return ((const uint32_t *)t->data)[index];
        case TENSOR_U16: return ((const uint16_t *)t->data)[index];
        case TENSOR_U8:
        case TENSOR_BOOL: break;
    }
    return ((const uint8_t *)t->data)[index];
}

/* ---- writing ---- */

typedef struct item {
    char *name;
    tensor tensor;
    size_t n_bytes;
} item;

struct tensor_writer {
    item *items;
    size_t n_items, room;
    json_t *metadata;
    lsnn_status failure; /* the first one, and its message */
    char message[512];
};

static const char zeros[] = "0000000000000000000000000000000000000000000000000000000000000000";

lsnn_status tensor_writer_create(tensor_writer **out) {
    tensor_writer *writer = calloc(1, sizeof *writer);
    json_t *metadata = json_object();
    if (writer == NULL || metadata == NULL) {
        free(writer);
        json_decref(metadata);
        return fail(LSNN_ERR_MEMORY, "not enough memory to write a tensor file");
    }
    writer->metadata = metadata;
    *out = writer;
    return LSNN_OK;
}

void tensor_writer_free(tensor_writer *writer) {
    if (writer != NULL) {
        for (size_t i = 0; i < writer->n_items; ++i) {
            free(writer->items[i].name);
        }
        free(writer->items);
        json_decref(writer->metadata);
        free(writer);
    }
}

static void keep_failure(tensor_writer *writer, lsnn_status code, const char *name, const char *what) {
    if (writer->failure == LSNN_OK) {
        writer->failure = code;
        snprintf(writer->message, sizeof writer->message, "'%s': %s", name, what);
    }
}

static bool make_room(tensor_writer *writer) {
    if (writer->n_items < writer->room) {
        return true;
    }
    size_t room = 2 * writer->room + 8;
    item *larger = realloc(writer->items, room * sizeof *larger);
    if (larger == NULL) {
        return false;
    }
    writer->items = larger;
    writer->room = room;
    return true;
}

void tensor_writer_add(tensor_writer *writer, const char *name, tensor_type type, int rank, const int64_t *shape, const void *data) {
    item new = {.tensor = {.type = type, .rank = rank, .data = data}};
    if (rank < 0 || rank > TENSOR_MAX_RANK || !measure(type, rank, shape, &new.tensor.n, &new.n_bytes)) {
        keep_failure(writer, LSNN_ERR_USAGE, name, "a tensor has 0 to 8 dimensions, each of a length of at least 0");
        return;
    }
    for (int d = 0; d < rank; ++d) {
        new.tensor.shape[d] = shape[d];
    }
    new.name = strdup(name);
    if (new.name == NULL || !make_room(writer)) {
        free(new.name);
        keep_failure(writer, LSNN_ERR_MEMORY, name, "not enough memory to write this tensor");
        return;
    }
    writer->items[writer->n_items++] = new;
}

void tensor_writer_text(tensor_writer *writer, const char *key, const char *value) {
    json_t *text = json_string(value);
    if (text == NULL) {
        keep_failure(writer, LSNN_ERR_USAGE, key, "this metadata text is not UTF-8");
    } else if (json_object_set_new(writer->metadata, key, text) != 0) {
        keep_failure(writer, LSNN_ERR_MEMORY, key, "can't be added to the metadata");
    }
}

/* The order of the file, in which every tensor lies at a multiple of its numbers' size: large numbers first, else as added. */
static size_t *order_items(const tensor_writer *writer) {
    size_t *order = malloc((writer->n_items + 1) * sizeof *order), n = 0;
    for (size_t size = 8; order != NULL && size > 0; size /= 2) {
        for (size_t i = 0; i < writer->n_items; ++i) {
            if (tensor_type_size(writer->items[i].tensor.type) == size) {
                order[n++] = i;
            }
        }
    }
    return order;
}

static json_t *describe(const tensor *t, size_t begin, size_t end) {
    json_t *shape = json_array();
    for (int d = 0; shape != NULL && d < t->rank; ++d) {
        if (json_array_append_new(shape, json_integer(t->shape[d])) != 0) {
            json_decref(shape);
            shape = NULL;
        }
    }
    return shape == NULL ? NULL
                         : json_pack("{s:s, s:o, s:[I, I]}", "dtype", tensor_type_name(t->type), "shape", shape, "data_offsets",
                                     (json_int_t)begin, (json_int_t)end);
}

/* The header's text, to be freed by the caller, and the length of the data. */
static lsnn_status make_header(tensor_writer *writer, const char *path, const size_t *order, char **text, size_t *n_data) {
    lsnn_status status = LSNN_OK;
    size_t begin = 0;
    json_t *header = json_object();
    if (json_object_set_new(writer->metadata, "checksum", json_string(zeros)) != 0 ||
        json_object_set(header, "__metadata__", writer->metadata) != 0) {
        status = fail(LSNN_ERR_MEMORY, "%s: not enough memory to write it", path);
        goto out;
    }
    for (size_t i = 0; i < writer->n_items; ++i) {
        const item *it = &writer->items[order[i]];
        if (json_object_get(header, it->name) != NULL) {
            status = fail(LSNN_ERR_USAGE, "%s: two tensors can't have the same name '%s'", path, it->name);
            goto out;
        }
        if (json_object_set_new(header, it->name, describe(&it->tensor, begin, begin + it->n_bytes)) != 0) {
            status = fail(LSNN_ERR_MEMORY, "%s: not enough memory to write tensor '%s', or its name is not UTF-8", path, it->name);
            goto out;
        }
        begin += it->n_bytes;
    }
    char *made = json_dumps(header, JSON_COMPACT);
    if (made == NULL) {
        status = fail(LSNN_ERR_MEMORY, "%s: not enough memory to write it", path);
        goto out;
    }
    *text = made;
    *n_data = begin;
out:
    json_decref(header);
    return status;
}

/* The whole file: header length, header with blanks to a multiple of 8, data. */
static lsnn_status make_file(tensor_writer *writer, const char *path, uint8_t **bytes, size_t *n) {
    lsnn_status status = LSNN_OK;
    char *text = NULL;
    uint8_t *content = NULL;
    size_t n_data = 0;
    size_t *order = order_items(writer);
    if (order == NULL) {
        status = fail(LSNN_ERR_MEMORY, "%s: not enough memory to write it", path);
        goto out;
    }
    TRY(make_header(writer, path, order, &text, &n_data));
    size_t n_text = strlen(text);
    uint64_t n_header = (n_text + 7) / 8 * 8;
    size_t total = 8 + n_header + n_data;
    content = malloc(total);
    if (content == NULL) {
        status = fail(LSNN_ERR_MEMORY, "%s: not enough memory to write %zu bytes", path, total);
        goto out;
    }
    memcpy(content, &n_header, 8);
    memset(content + 8, ' ', n_header);
    memcpy(content + 8, text, n_text);
    uint8_t *next = content + 8 + n_header;
    for (size_t i = 0; i < writer->n_items; ++i) {
        const item *it = &writer->items[order[i]];
        if (it->n_bytes > 0) {
            memcpy(next, it->tensor.data, it->n_bytes);
            next += it->n_bytes;
        }
    }
    /* A quote within a metadata text is escaped, so only the checksum's own key can match. */
    static const char key[] = "\"checksum\":\"";
    uint8_t *place = memmem(content + 8, n_text, key, sizeof key - 1);
    char checksum[65];
    sha256_hex(content, total, checksum);
    if (place == NULL || strlen(checksum) != 64) {
        status = fail(LSNN_ERR_MEMORY, "%s: not enough memory for its checksum", path);
        goto out;
    }
    memcpy(place + sizeof key - 1, checksum, 64);
    *bytes = content;
    *n = total;
    content = NULL;
out:
    free(content);
    free(text);
    free(order);
    return status;
}

/* Writes beside `path`, and only then moves the old file out of the way: a full disk costs nothing that was there. */
static lsnn_status write_and_keep(const char *path, const char *keep_as, const uint8_t *bytes, size_t n) {
    lsnn_status status = LSNN_OK;
    bool made = false;
    size_t room = strlen(path) + 8;
    char *fresh = malloc(room);
    if (fresh == NULL) {
        return fail(LSNN_ERR_MEMORY, "%s: not enough memory to write it", path);
    }
    snprintf(fresh, room, "%s.new", path);
    TRY(file_write_atomic(fresh, bytes, n));
    made = true;
    if (rename(path, keep_as) != 0 && errno != ENOENT) {
        status = fail_errno(LSNN_ERR_IO, "%s: can't rename it to %s", path, keep_as);
        goto out;
    }
    if (rename(fresh, path) != 0) {
        status = fail_errno(LSNN_ERR_IO, "%s: can't write", path);
        goto out;
    }
    made = false;
out:
    if (made) {
        unlink(fresh);
    }
    free(fresh);
    return status;
}

lsnn_status tensor_writer_save(tensor_writer *writer, const char *path, const char *keep_as) {
    if (writer->failure != LSNN_OK) {
        return fail(writer->failure, "%s: can't be written: %s", path, writer->message);
    }
    uint8_t *bytes = NULL;
    size_t n = 0;
    lsnn_status status = make_file(writer, path, &bytes, &n);
    if (status == LSNN_OK) {
        status = keep_as == NULL ? file_write_atomic(path, bytes, n) : write_and_keep(path, keep_as, bytes, n);
    }
    free(bytes);
    return status;
}
