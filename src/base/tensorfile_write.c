/* Writing safetensors. */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/tensorfile_inside.h"

typedef struct item {
    char *name;
    tensor tensor;
    size_t n_bytes;
} item;

struct tensor_writer {
    item *items;
    size_t n_items, room;
    json_t *metadata;
    const char *prefix;  /* of the names of what is added */
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
    writer->prefix = "";
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

/* Prefix and name; the caller frees. NULL: no memory. */
static char *within(const tensor_writer *writer, const char *name) {
    size_t size = strlen(writer->prefix) + strlen(name) + 1;
    char *full = malloc(size);
    if (full != NULL) {
        snprintf(full, size, "%s%s", writer->prefix, name);
    }
    return full;
}

void tensor_writer_add(tensor_writer *writer, const char *name, tensor_type type, int rank, const int64_t *shape, const void *data) {
    item new = {.tensor = {.type = type, .rank = rank, .data = data}};
    if (rank < 0 || rank > TENSOR_MAX_RANK || !tensor_measure(type, rank, shape, &new.tensor.n, &new.n_bytes)) {
        keep_failure(writer, LSNN_ERR_USAGE, name, "a tensor has 0 to 8 dimensions, each of a length of at least 0");
        return;
    }
    for (int d = 0; d < rank; ++d) {
        new.tensor.shape[d] = shape[d];
    }
    new.name = within(writer, name);
    if (new.name == NULL || !make_room(writer)) {
        free(new.name);
        keep_failure(writer, LSNN_ERR_MEMORY, name, "not enough memory to write this tensor");
        return;
    }
    writer->items[writer->n_items++] = new;
}

void tensor_writer_text(tensor_writer *writer, const char *key, const char *value) {
    json_t *text = json_string(value);
    char *full = within(writer, key);
    if (text == NULL) {
        keep_failure(writer, LSNN_ERR_USAGE, key, "this metadata text is not UTF-8");
    } else if (full == NULL || json_object_set_new(writer->metadata, full, text) != 0) {
        keep_failure(writer, LSNN_ERR_MEMORY, key, "can't be added to the metadata");
    }
    free(full);
}

void tensor_writer_within(tensor_writer *writer, const char *prefix) {
    writer->prefix = prefix;
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
