#include "base/json_list.h"

#include "base/file.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- writing ---- */

json_t *json_of_numbers(const double *values, size_t n) {
    json_t *list = json_array();
    for (size_t k = 0; k < n; k++) {
        json_array_append_new(list, json_of_number(values[k]));
    }
    return list;
}

lsnn_status json_list_save(const char *path, const char *kind, json_t *list, int digits) {
    lsnn_status status = LSNN_OK;
    char *text = NULL;
    size_t n, k;
    const json_t *item;
    FILE *to = open_memstream(&text, &n);
    if (to == NULL) {
        json_decref(list);
        return fail(LSNN_ERR_MEMORY, "no memory to write %s", path);
    }
    fprintf(to, "{\"%s\": [", kind);
    json_array_foreach(list, k, item) {
        fputs(k > 0 ? ",\n" : "\n", to);
        json_dumpf(item, to, JSON_COMPACT | JSON_REAL_PRECISION((size_t)digits));
    }
    fputs("\n]}\n", to);
    json_decref(list);
    bool failed = ferror(to);
    if (fclose(to) != 0 || failed) {
        TRY(fail(LSNN_ERR_MEMORY, "no memory to write %s", path));
    }
    TRY(file_write_atomic(path, text, n));
out:
    free(text);
    return status;
}

/* ---- reading ---- */

lsnn_status json_list_damaged(const char *path, const char *what) {
    return fail(LSNN_ERR_DATA, "%s: %s is not as it was written; the file is damaged: remove it, and the same command makes it again", path,
                what);
}

lsnn_status json_list_load(const char *path, const char *kind, size_t most, json_t **root, const json_t **list) {
    lsnn_status status = LSNN_OK;
    uint8_t *text = NULL;
    size_t n;
    TRY(file_read(path, &text, &n));
    *root = json_loadb((const char *)text, n, 0, NULL);
    *list = json_object_get(*root, kind);
    if (!json_is_array(*list) || json_array_size(*list) == 0 || json_array_size(*list) > most) {
        TRY(json_list_damaged(path, kind));
    }
out:
    free(text);
    return status;
}

int json_whole_at(const json_t *object, const char *key, int low, int high) {
    const json_t *value = json_object_get(object, key);
    json_int_t whole = json_is_integer(value) ? json_integer_value(value) : -1;
    return whole >= low && whole <= high ? (int)whole : -1;
}

lsnn_status json_numbers_at(const json_t *object, const char *key, double *out, size_t n, const char *path) {
    const json_t *list = json_object_get(object, key);
    if (json_array_size(list) != n) {
        return json_list_damaged(path, key);
    }
    for (size_t k = 0; k < n; k++) {
        const json_t *value = json_array_get(list, k);
        if (!json_is_number(value) && !json_is_null(value)) {
            return json_list_damaged(path, key);
        }
        out[k] = json_is_number(value) ? json_number_value(value) : NAN;
    }
    return LSNN_OK;
}
