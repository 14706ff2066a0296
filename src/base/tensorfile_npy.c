/* .npy files: 6 bytes magic, version, header length, a Python dictionary with descr, fortran_order and shape, the data */
#include <stdlib.h>
#include <string.h>

#include "base/tensorfile_inside.h"

static const char npy_magic[] = "\x93NUMPY";

static const char *const npy_types[] = {
    [TENSOR_F64] = "<f8", [TENSOR_F32] = "<f4", [TENSOR_I64] = "<i8", [TENSOR_I32] = "<i4", [TENSOR_I16] = "<i2",  [TENSOR_I8] = "|i1",
    [TENSOR_U64] = "<u8", [TENSOR_U32] = "<u4", [TENSOR_U16] = "<u2", [TENSOR_U8] = "|u1",  [TENSOR_BOOL] = "|b1",
};

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
    for (size_t type = 0; type < sizeof npy_types / sizeof *npy_types; ++type) {
        if (strcmp(npy_types[type], descr) == 0) {
            *out = (tensor_type)type;
            return LSNN_OK;
        }
    }
    return fail(LSNN_ERR_DATA, "%s: holds numbers of the type '%s', which this program can't read; save it with numpy as float32", path,
                *descr == 0 ? "record" : descr);
}

bool tensor_file_is_npy(const tensor_file *file) {
    size_t n_magic = sizeof npy_magic - 1;
    return file->n_bytes >= n_magic && memcmp(file->bytes, npy_magic, n_magic) == 0;
}

lsnn_status tensor_file_open_npy(tensor_file *file) {
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
        return tensor_file_no_memory(path);
    }
    file->n_entries = 1;
    tensor_entry *e = &file->entries[0];
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
    if (!good || !header.has_descr || !header.has_order || !header.has_shape ||
        !tensor_measure(t->type, t->rank, t->shape, &t->n, &e->end)) {
        return fail(LSNN_ERR_DATA, "%s: its .npy header is damaged, or has more than %d dimensions", path, TENSOR_MAX_RANK);
    }
    if (header.fortran) {
        return fail(LSNN_ERR_DATA, "%s: is in Fortran order (column by column); save numpy.ascontiguousarray of it", path);
    }
    size_t n_data = file->n_bytes - n_prefix - n_header;
    if (n_data != e->end) {
        char shape[TENSOR_SHAPE_TEXT];
        return fail(LSNN_ERR_DATA, "%s: holds %zu bytes of data, its shape %s needs %zu; the file is cut short or damaged", path, n_data,
                    tensor_shape_text(shape, sizeof shape, t->rank, t->shape), e->end);
    }
    return tensor_file_place(file, file->bytes + n_prefix + n_header);
}
