#include "base/tensorfile.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/tensorfile_inside.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the files' numbers are little-endian, and are used where they lie");

/* ---- types ---- */

static const struct {
    const char *name;
    size_t size;
} types[] = {
    [TENSOR_F64] = {"F64", 8}, [TENSOR_F32] = {"F32", 4}, [TENSOR_I64] = {"I64", 8},   [TENSOR_I32] = {"I32", 4},
    [TENSOR_I16] = {"I16", 2}, [TENSOR_I8] = {"I8", 1},   [TENSOR_U64] = {"U64", 8},   [TENSOR_U32] = {"U32", 4},
    [TENSOR_U16] = {"U16", 2}, [TENSOR_U8] = {"U8", 1},   [TENSOR_BOOL] = {"BOOL", 1},
};

enum { N_TYPES = sizeof types / sizeof *types };

const char *tensor_type_name(tensor_type type) {
    return types[type].name;
}

size_t tensor_type_size(tensor_type type) {
    return types[type].size;
}

bool tensor_measure(tensor_type type, int rank, const int64_t *shape, size_t *n, size_t *n_bytes) {
    size_t product = 1;
    for (int d = 0; d < rank; ++d) {
        if (shape[d] < 0 || __builtin_mul_overflow(product, (size_t)shape[d], &product)) {
            return false;
        }
    }
    *n = product;
    return !__builtin_mul_overflow(product, tensor_type_size(type), n_bytes);
}

const char *tensor_shape_text(char *out, size_t size, int rank, const int64_t *shape) {
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

/* ---- reading ---- */

lsnn_status tensor_file_no_memory(const char *path) {
    return fail(LSNN_ERR_MEMORY, "%s: not enough memory to read it", path);
}

/* Reads one tensor's object {"dtype", "shape", "data_offsets"}. */
static lsnn_status read_entry(const char *path, const char *name, const json_t *object, size_t n_data, tensor_entry *out) {
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
    if (!tensor_measure(t->type, t->rank, t->shape, &t->n, &n_bytes)) {
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
    const tensor_entry *x = a, *y = b;
    if (x->begin != y->begin) {
        return x->begin < y->begin ? -1 : 1;
    }
    return (x->end > y->end) - (x->end < y->end); /* empty tensors first */
}

/* The format wants the tensors side by side, without gaps or overlaps, to the last byte. */
static lsnn_status check_places(const tensor_file *file, size_t n_data) {
    size_t expected = 0;
    for (size_t i = 0; i < file->n_entries; ++i) {
        const tensor_entry *e = &file->entries[i];
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

lsnn_status tensor_file_place(tensor_file *file, const uint8_t *data) {
    size_t n_words = 0;
    for (size_t i = 0; i < file->n_entries; ++i) {
        const tensor_entry *e = &file->entries[i];
        n_words += (uintptr_t)(data + e->begin) % 8 != 0 ? (e->end - e->begin + 7) / 8 : 0;
    }
    file->aligned = malloc((n_words + 1) * 8); /* one more, so that there is one */
    if (file->aligned == NULL) {
        return tensor_file_no_memory(file->path);
    }
    uint64_t *next = file->aligned;
    for (size_t i = 0; i < file->n_entries; ++i) {
        tensor_entry *e = &file->entries[i];
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

/* The checksum, if there is one and it is not "none", is that of the file with 64 zeros in the checksum's place; puts them there and back. */
static lsnn_status check_checksum(tensor_file *file, size_t n_header) {
    const char *claimed = tensor_file_metadata(file, "checksum");
    if (claimed == NULL || strcmp(claimed, "none") == 0) {
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
                    "say \"none\" for \"checksum\" in its metadata",
                    file->path);
    }
    return LSNN_OK;
}

lsnn_status tensor_file_need_checksum(const tensor_file *file) {
    if (tensor_file_metadata(file, "checksum") != NULL) { /* lsnn writes one into every file */
        return LSNN_OK;
    }
    return fail(
        LSNN_ERR_DATA,
        "%s: no checksum; the file is damaged, or was not saved by lsnn (if you wrote it, say \"none\" for \"checksum\" in its metadata)",
        file->path);
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
        return memory ? tensor_file_no_memory(file->path)
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
        return tensor_file_no_memory(file->path);
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
    return status != LSNN_OK ? status : tensor_file_place(file, file->bytes + 8 + n_header);
}

/* ---- the reader's door ---- */

lsnn_status tensor_file_open(tensor_file **out, const char *path) {
    lsnn_status status = LSNN_OK;
    tensor_file *file = calloc(1, sizeof *file);
    if (file == NULL) {
        return tensor_file_no_memory(path);
    }
    file->prefix = "";
    file->path = strdup(path);
    if (file->path == NULL) {
        status = tensor_file_no_memory(path);
        goto out;
    }
    TRY(file_read(path, &file->bytes, &file->n_bytes));
    if (tensor_file_is_npy(file)) {
        TRY(tensor_file_open_npy(file));
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

lsnn_status tensor_file_within(tensor_file **out, const tensor_file *file, const char *prefix) {
    size_t length = strlen(prefix);
    tensor_file *part = calloc(1, sizeof *part);
    if (part == NULL) {
        return tensor_file_no_memory(file->path);
    }
    part->prefix = prefix;
    part->header = json_incref(file->header);
    part->path = strdup(file->path);
    part->entries = calloc(file->n_entries + 1, sizeof *part->entries);
    if (part->path == NULL || part->entries == NULL) {
        tensor_file_close(part);
        return tensor_file_no_memory(file->path);
    }
    for (size_t i = 0; i < file->n_entries; ++i) {
        if (strncmp(file->entries[i].tensor.name, prefix, length) == 0) {
            part->entries[part->n_entries] = file->entries[i];
            part->entries[part->n_entries++].tensor.name += length;
        }
    }
    *out = part;
    return LSNN_OK;
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
    char full[256];
    const json_t *metadata = json_object_get(file->header, "__metadata__");
    snprintf(full, sizeof full, "%s%s", file->prefix, key);
    const char *own = json_string_value(json_object_get(metadata, full));
    return own != NULL ? own : json_string_value(json_object_get(metadata, key));
}

lsnn_status tensor_file_need(const tensor_file *file, const char *name, tensor_type type, int rank, const int64_t *shape,
                             const tensor **out) {
    char expected[TENSOR_SHAPE_TEXT], found[TENSOR_SHAPE_TEXT];
    tensor_shape_text(expected, sizeof expected, rank, shape);
    const tensor *t = tensor_file_find(file, name);
    if (t == NULL) {
        return fail(LSNN_ERR_DATA, "%s: has no tensor '%s%s' (%s %s was expected); is it the right file?", file->path, file->prefix, name,
                    tensor_type_name(type), expected);
    }
    bool fits = t->type == type && t->rank == rank;
    for (int d = 0; fits && d < rank; ++d) {
        fits = shape[d] == -1 || shape[d] == t->shape[d];
    }
    if (!fits) {
        return fail(LSNN_ERR_DATA, "%s: tensor '%s%s' is %s %s where %s %s was expected; is it the right file?", file->path, file->prefix,
                    name, tensor_type_name(t->type), tensor_shape_text(found, sizeof found, t->rank, t->shape), tensor_type_name(type),
                    expected);
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
