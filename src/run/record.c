#include "run/record.h"

#include "base/file.h"
#include "base/json_number.h"
#include "base/shell_word.h"
#include "run/goals_json.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- the settings that were changed ---- */

static void add_change(void *user, const lsnn_setting *setting) {
    FILE *to = user;
    if (strcmp(setting->origin, "--set") == 0 && strcmp(setting->key, "seed") != 0) {
        fputs(ftello(to) > 0 ? " --set " : "--set ", to);
        shell_assignment_print(to, setting->key, setting->value);
    }
}

lsnn_status record_changes(const lsnn_experiment *experiment, char **changes) {
    char *text = NULL;
    size_t n;
    FILE *to = open_memstream(&text, &n);
    if (to == NULL) {
        return fail(LSNN_ERR_MEMORY, "no memory for a result");
    }
    lsnn_experiment_each(experiment, add_change, to);
    if (fclose(to) != 0) {
        free(text);
        return fail(LSNN_ERR_MEMORY, "no memory for a result");
    }
    *changes = text;
    return LSNN_OK;
}

/* ---- writing ---- */

static json_t *curve_json(const score_curve *curve) {
    json_t *iterations = json_array();
    json_t *scores = json_array();
    for (size_t k = 0; k < curve->n; k++) {
        json_array_append_new(iterations, json_integer((json_int_t)curve->iteration[k]));
        json_array_append_new(scores, json_of_number(curve->score[k]));
    }
    json_t *object = json_object();
    json_object_set_new(object, "iteration", iterations);
    json_object_set_new(object, "score", scores);
    return object;
}

/* One value a line, but lists on one. The caller frees it; NULL: no memory. */
static char *print_lines(json_t *root) {
    char *text = NULL;
    size_t n;
    const char *key;
    json_t *value;
    FILE *to = open_memstream(&text, &n);
    if (to == NULL) {
        return NULL;
    }
    bool first = true;
    json_object_foreach(root, key, value) {
        fprintf(to, "%s\n  \"%s\": ", first ? "{" : ",", key);
        json_dumpf(value, to, JSON_ENCODE_ANY | JSON_COMPACT | JSON_REAL_PRECISION(9));
        first = false;
    }
    fputs("\n}\n", to);
    bool failed = ferror(to);
    if (fclose(to) != 0 || failed) {
        free(text);
        text = NULL;
    }
    return text;
}

lsnn_status record_save(const char *folder, const run_record *record) {
    lsnn_status status = LSNN_OK;
    const lsnn_result *result = &record->result;
    char path[1024];
    json_t *root = json_object();
    json_object_set_new(root, "experiment", json_string(result->experiment));
    json_object_set_new(root, "changes", json_string(record->changes));
    json_object_set_new(root, "seed", json_integer((json_int_t)result->seed));
    json_object_set_new(root, "split", json_string(result->split));
    json_object_set_new(root, "n", json_integer(result->n));
    json_object_set_new(root, "loss", json_of_number(result->loss));
    json_object_set_new(root, "score_name", json_string(result->score_name));
    json_object_set_new(root, "score", json_of_number(result->score));
    json_object_set_new(root, "score_interval", json_of_number(result->score_interval));
    json_object_set_new(root, "best_valid_score", json_of_number(record->best_valid_score));
    json_object_set_new(root, "rate_hz", json_of_number(result->rate_hz));
    json_object_set_new(root, "spikes", json_of_number(result->spikes));
    json_object_set_new(root, "operations", json_of_number(result->operations));
    json_object_set_new(root, "iterations", json_integer(result->iterations));
    json_object_set_new(root, "stopped_early", json_boolean(record->stopped_early));
    json_object_set_new(root, "kind", json_string(record->kind));
    json_object_set_new(root, "n_synapses", json_integer(record->n_synapses));
    json_object_set_new(root, "n_possible", json_integer(record->n_possible));
    json_object_set_new(root, "n_params", json_integer(record->n_params));
    json_object_set_new(root, "seconds", json_of_number(result->seconds));
    json_object_set_new(root, "version", json_string(record->version));
    json_object_set_new(root, "processor", json_string(record->processor));
    json_object_set_new(root, "threads", json_integer(record->n_threads));
    json_object_set_new(root, "isa", json_string(record->isa));
    if (result->goals.n_episodes > 0) {
        json_object_set_new(root, "goals", json_of_goals(&result->goals));
    }
    json_object_set_new(root, "validations", curve_json(&record->curve));
    char *text = print_lines(root);
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

/* ---- reading ---- */

static int64_t whole_of(const json_t *root, const char *key) {
    return json_integer_value(json_object_get(root, key));
}

static void copy_text(const json_t *root, const char *key, char *to, size_t size) {
    const char *text = json_string_value(json_object_get(root, key));
    snprintf(to, size, "%s", text != NULL ? text : "");
}

static lsnn_status read_curve(const json_t *root, score_curve *out) {
    lsnn_status status = LSNN_OK;
    const json_t *curve = json_object_get(root, "validations");
    const json_t *iterations = json_object_get(curve, "iteration"), *scores = json_object_get(curve, "score");
    for (size_t k = 0; k < json_array_size(iterations) && k < json_array_size(scores); k++) {
        const json_t *score = json_array_get(scores, k);
        if (json_is_number(score)) {
            TRY(score_curve_add(out, json_number_value(json_array_get(iterations, k)), json_number_value(score)));
        }
    }
out:
    return status;
}

static lsnn_status read_record(const json_t *root, run_record *record) {
    lsnn_result *result = &record->result;
    const char *changes = json_string_value(json_object_get(root, "changes"));
    *record = (run_record){.result = {.seed = (uint64_t)whole_of(root, "seed"),
                                      .n = whole_of(root, "n"),
                                      .loss = json_number_at(root, "loss"),
                                      .score = json_number_at(root, "score"),
                                      .score_interval = json_number_at(root, "score_interval"),
                                      .rate_hz = json_number_at(root, "rate_hz"),
                                      .spikes = json_number_at(root, "spikes"),
                                      .operations = json_number_at(root, "operations"),
                                      .iterations = whole_of(root, "iterations"),
                                      .seconds = json_number_at(root, "seconds")},
                           .best_valid_score = json_number_at(root, "best_valid_score"),
                           .stopped_early = json_is_true(json_object_get(root, "stopped_early")),
                           .n_threads = (int)whole_of(root, "threads"),
                           .n_synapses = whole_of(root, "n_synapses"),
                           .n_possible = whole_of(root, "n_possible"),
                           .n_params = whole_of(root, "n_params"),
                           .changes = strdup(changes != NULL ? changes : "")};
    result->goals = goals_of_json(json_object_get(root, "goals"));
    copy_text(root, "experiment", result->experiment, sizeof result->experiment);
    copy_text(root, "split", result->split, sizeof result->split);
    copy_text(root, "score_name", result->score_name, sizeof result->score_name);
    copy_text(root, "isa", record->isa, sizeof record->isa);
    copy_text(root, "processor", record->processor, sizeof record->processor);
    copy_text(root, "version", record->version, sizeof record->version);
    copy_text(root, "kind", record->kind, sizeof record->kind);
    return record->changes != NULL ? read_curve(root, &record->curve) : fail(LSNN_ERR_MEMORY, "no memory for a result");
}

/* Has it what every result has? */
static bool is_record(const json_t *root) {
    const json_t *score = json_object_get(root, "score");
    return json_is_object(root) && json_is_integer(json_object_get(root, "iterations")) && json_is_integer(json_object_get(root, "seed")) &&
           json_is_string(json_object_get(root, "experiment")) && json_is_string(json_object_get(root, "split")) &&
           json_is_string(json_object_get(root, "score_name")) && (json_is_number(score) || json_is_null(score));
}

lsnn_status record_read_file(const char *path, run_record *record) {
    lsnn_status status = LSNN_OK;
    uint8_t *text = NULL;
    json_t *root = NULL;
    size_t n;
    *record = (run_record){0};
    TRY(file_read(path, &text, &n));
    root = json_loadb((const char *)text, n, 0, NULL);
    if (!is_record(root)) {
        TRY(fail(LSNN_ERR_DATA, "%s is not a result; the file is damaged: remove it, and --resume makes it again", path));
    }
    TRY(read_record(root, record));
out:
    json_decref(root);
    free(text);
    return status;
}

lsnn_status record_read(const char *folder, run_record *record, bool *found) {
    lsnn_status status = LSNN_OK;
    char path[1024];
    *record = (run_record){0};
    *found = false;
    TRY(path_join(path, sizeof path, folder, "result.json"));
    if (file_exists(path)) {
        TRY(record_read_file(path, record));
        *found = true;
    }
out:
    return status;
}

void record_release(run_record *record) {
    free(record->changes);
    score_curve_release(&record->curve);
    *record = (run_record){0};
}
