#include "run/record.h"

#include "base/file.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static json_t *number(double x) {
    return isfinite(x) ? json_real(x) : json_null();
}

lsnn_status record_save(const char *folder, const run_record *record) {
    lsnn_status status = LSNN_OK;
    const lsnn_result *result = &record->result;
    char path[1024];
    json_t *root = json_object();
    json_object_set_new(root, "experiment", json_string(result->experiment));
    json_object_set_new(root, "seed", json_integer((json_int_t)result->seed));
    json_object_set_new(root, "split", json_string(result->split));
    json_object_set_new(root, "n", json_integer(result->n));
    json_object_set_new(root, "loss", number(result->loss));
    json_object_set_new(root, "score_name", json_string(result->score_name));
    json_object_set_new(root, "score", number(result->score));
    json_object_set_new(root, "best_valid_score", number(record->best_valid_score));
    json_object_set_new(root, "rate_hz", number(result->rate_hz));
    json_object_set_new(root, "iterations", json_integer(result->iterations));
    json_object_set_new(root, "stopped_early", json_boolean(record->stopped_early));
    json_object_set_new(root, "seconds", number(result->seconds));
    json_object_set_new(root, "version", json_string(LSNN_VERSION));
    json_object_set_new(root, "threads", json_integer(record->n_threads));
    json_object_set_new(root, "isa", json_string(record->isa));
    char *text = json_dumps(root, JSON_INDENT(2) | JSON_REAL_PRECISION(9));
    json_decref(root);
    if (text == NULL) {
        return fail(LSNN_ERR_MEMORY, "no memory for a result");
    }
    TRY(path_join(path, sizeof path, folder, "result.json"));
    TRY(file_write_atomic(path, text, strlen(text)));
out:
    free(text);
    return status;
}

static double real_of(const json_t *root, const char *key) {
    const json_t *value = json_object_get(root, key);
    return json_is_number(value) ? json_number_value(value) : NAN;
}

static void copy_text(const json_t *root, const char *key, char *to, size_t size) {
    const char *text = json_string_value(json_object_get(root, key));
    snprintf(to, size, "%s", text != NULL ? text : "");
}

lsnn_status record_read(const char *folder, run_record *record, bool *found) {
    lsnn_status status = LSNN_OK;
    char path[1024];
    uint8_t *text = NULL;
    json_t *root = NULL;
    size_t n;
    *found = false;
    TRY(path_join(path, sizeof path, folder, "result.json"));
    if (!file_exists(path)) {
        return LSNN_OK;
    }
    TRY(file_read(path, &text, &n));
    root = json_loadb((const char *)text, n, 0, NULL);
    if (!json_is_object(root) || !json_is_integer(json_object_get(root, "iterations"))) {
        TRY(fail(LSNN_ERR_DATA, "%s is not a result; the file is damaged: remove it, and --resume makes it again", path));
    }
    lsnn_result *result = &record->result;
    *record = (run_record){.result = {.seed = (uint64_t)json_integer_value(json_object_get(root, "seed")),
                                      .n = json_integer_value(json_object_get(root, "n")),
                                      .loss = real_of(root, "loss"),
                                      .score = real_of(root, "score"),
                                      .rate_hz = real_of(root, "rate_hz"),
                                      .iterations = json_integer_value(json_object_get(root, "iterations")),
                                      .seconds = real_of(root, "seconds")},
                           .best_valid_score = real_of(root, "best_valid_score"),
                           .stopped_early = json_is_true(json_object_get(root, "stopped_early"))};
    copy_text(root, "experiment", result->experiment, sizeof result->experiment);
    copy_text(root, "split", result->split, sizeof result->split);
    copy_text(root, "score_name", result->score_name, sizeof result->score_name);
    *found = true;
out:
    json_decref(root);
    free(text);
    return status;
}
