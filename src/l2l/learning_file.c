#include "l2l/learning_file.h"

#include "base/json_list.h"
#include "l2l/beliefs.h"

#include <stdlib.h>
#include <string.h>

enum { MOST_NUMBERS = 10000000, CURVE_DIGITS = 5, BELIEF_DIGITS = 4 };

static lsnn_status no_memory(void) {
    return fail(LSNN_ERR_MEMORY, "no memory for learning curves");
}

/* ---- curves ---- */

void kept_curves_release(kept_curves *kept) {
    for (int k = 0; k < kept->n; k++) {
        free(kept->name[k]);
        free(kept->numbers[k]);
    }
    *kept = (kept_curves){0};
}

/* Adds a curve of these sizes; *numbers gets its memory: error, interval, and of the first curve episode_error. */
static lsnn_status add_curve(kept_curves *kept, const lsnn_curve *sizes, double **numbers) {
    int k = kept->n;
    if (k == KEPT_MOST_CURVES) {
        return fail(LSNN_ERR_USAGE, "more than %d curves", KEPT_MOST_CURVES);
    }
    size_t n = (size_t)sizes->n_examples;
    kept->name[k] = strdup(sizes->name);
    kept->numbers[k] = *numbers = calloc(2 * n + (k == 0 ? (size_t)sizes->n_episodes : 0), sizeof **numbers);
    kept->n++;
    if (kept->name[k] == NULL || *numbers == NULL) {
        return no_memory();
    }
    kept->curve[k] = *sizes;
    kept->curve[k].name = kept->name[k];
    kept->curve[k].error = *numbers;
    kept->curve[k].interval = *numbers + n;
    kept->curve[k].episode_error = k == 0 ? *numbers + 2 * n : NULL;
    return LSNN_OK;
}

const lsnn_curve *kept_curves_find(const kept_curves *kept, const char *name) {
    for (int k = 0; k < kept->n; k++) {
        if (strcmp(kept->curve[k].name, name) == 0) {
            return &kept->curve[k];
        }
    }
    return NULL;
}

typedef struct taking {
    kept_curves *out;
    lsnn_status status;
} taking;

static void take_curve(void *user, const lsnn_curve *c) {
    taking *t = user;
    double *numbers = NULL;
    size_t n = (size_t)c->n_examples;
    bool is_first = t->out->n == 0;
    t->status = t->status == LSNN_OK ? add_curve(t->out, c, &numbers) : t->status;
    if (t->status == LSNN_OK) {
        memcpy(numbers, c->error, n * sizeof *numbers);
        memcpy(numbers + n, c->interval, n * sizeof *numbers);
        if (is_first) {
            memcpy(numbers + 2 * n, c->episode_error, (size_t)c->n_episodes * sizeof *numbers);
        }
    }
}

lsnn_status kept_curves_take(kept_curves *out, const char *run_or_model, lsnn_context *context, const lsnn_run_options *options) {
    *out = (kept_curves){0};
    taking t = {.out = out};
    lsnn_status status = lsnn_learning_curves(run_or_model, context, options, take_curve, &t);
    return status != LSNN_OK ? status : t.status;
}

lsnn_status kept_curves_save(const kept_curves *kept, int n_curves, const char *path) {
    json_t *list = json_array();
    for (int k = 0; k < kept->n && k < n_curves; k++) {
        const lsnn_curve *c = &kept->curve[k];
        json_t *object = json_pack("{s:s, s:I, s:i, s:i, s:o, s:o}", "name", c->name, "n_episodes", (json_int_t)c->n_episodes, "first",
                                   c->first, "n_examples", c->n_examples, "error", json_of_numbers(c->error, (size_t)c->n_examples),
                                   "interval", json_of_numbers(c->interval, (size_t)c->n_examples));
        json_object_set_new(object, "mean", json_of_number(c->mean));
        json_object_set_new(object, "mean_interval", json_of_number(c->mean_interval));
        if (c->episode_error != NULL) {
            json_object_set_new(object, "episode_error", json_of_numbers(c->episode_error, (size_t)c->n_episodes));
        }
        json_array_append_new(list, object);
    }
    return json_list_save(path, "curves", list, CURVE_DIGITS);
}

static lsnn_status load_curve(kept_curves *out, const json_t *object, const char *path) {
    lsnn_status status = LSNN_OK;
    double *numbers = NULL;
    bool is_first = out->n == 0;
    const lsnn_curve sizes = {.name = json_string_value(json_object_get(object, "name")),
                              .n_episodes = json_whole_at(object, "n_episodes", 1, MOST_NUMBERS),
                              .first = json_whole_at(object, "first", 0, MOST_NUMBERS),
                              .n_examples = json_whole_at(object, "n_examples", 1, MOST_NUMBERS),
                              .mean = json_number_at(object, "mean"),
                              .mean_interval = json_number_at(object, "mean_interval")};
    if (sizes.name == NULL || sizes.n_episodes < 0 || sizes.n_examples < 0 || sizes.first < 0) {
        return json_list_damaged(path, "a curve");
    }
    TRY(add_curve(out, &sizes, &numbers));
    size_t n = (size_t)sizes.n_examples;
    TRY(json_numbers_at(object, "error", numbers, n, path));
    TRY(json_numbers_at(object, "interval", numbers + n, n, path));
    if (is_first) {
        TRY(json_numbers_at(object, "episode_error", numbers + 2 * n, (size_t)sizes.n_episodes, path));
    }
out:
    return status;
}

lsnn_status kept_curves_load(kept_curves *out, const char *path) {
    lsnn_status status = LSNN_OK;
    json_t *root = NULL;
    const json_t *list;
    *out = (kept_curves){0};
    TRY(json_list_load(path, "curves", KEPT_MOST_CURVES, &root, &list));
    for (size_t k = 0; k < json_array_size(list); k++) {
        TRY(load_curve(out, json_array_get(list, k), path));
    }
out:
    json_decref(root);
    return status;
}

/* ---- beliefs ---- */

void kept_beliefs_release(kept_beliefs *kept) {
    for (int k = 0; k < kept->n; k++) {
        lsnn_beliefs_free(kept->of[k]);
    }
    kept->n = 0;
}

lsnn_status kept_beliefs_take(kept_beliefs *out, int n, const char *run_or_model, lsnn_context *context, const lsnn_run_options *options,
                              const lsnn_question *question) {
    lsnn_status status = LSNN_OK;
    lsnn_question one = *question;
    *out = (kept_beliefs){0};
    if (n < 1 || n > KEPT_MOST_BELIEFS) {
        TRY(fail(LSNN_ERR_USAGE, "beliefs about %d episodes; 1..%d at once are possible", n, KEPT_MOST_BELIEFS));
    }
    for (; out->n < n; out->n++, one.episode++) {
        TRY(lsnn_beliefs_create(&out->of[out->n], run_or_model, context, options, &one));
    }
out:
    return status;
}

static json_t *json_range(lsnn_range range) {
    return json_pack("[f, f]", range.low, range.high);
}

static json_t *json_beliefs(const lsnn_beliefs *b) {
    json_t *inputs = json_array();
    json_t *seen = json_array();
    size_t n_inputs = (size_t)b->n_inputs;
    for (int i = 0; i < b->n_inputs; i++) {
        json_array_append_new(inputs, json_range(b->input_range[i]));
    }
    for (int k = 0; k < b->n_seen; k++) {
        json_array_append_new(seen, json_integer(b->seen[k]));
    }
    json_t *object = json_pack("{s:I, s:o, s:o, s:o}", "episode", (json_int_t)b->episode, "input_range", inputs, "target_range",
                               json_range(b->target_range), "seen", seen);
    json_object_set_new(object, "n_points", json_integer(b->n_points));
    json_object_set_new(object, "x", json_of_numbers(b->x, (size_t)b->n_examples * n_inputs));
    json_object_set_new(object, "target", json_of_numbers(b->target, (size_t)b->n_examples));
    json_object_set_new(object, "answer", json_of_numbers(b->answer, (size_t)b->n_examples));
    json_object_set_new(object, "points", json_of_numbers(b->points, (size_t)b->n_points * n_inputs));
    json_object_set_new(object, "value", json_of_numbers(b->value, (size_t)b->n_points));
    json_object_set_new(object, "belief", json_of_numbers(b->belief, (size_t)b->n_seen * (size_t)b->n_points));
    return object;
}

lsnn_status kept_beliefs_save(const kept_beliefs *kept, const char *path) {
    json_t *list = json_array();
    for (int k = 0; k < kept->n; k++) {
        json_array_append_new(list, json_beliefs(kept->of[k]));
    }
    return json_list_save(path, "beliefs", list, BELIEF_DIGITS);
}

static bool read_range(const json_t *pair, lsnn_range *out) {
    if (json_array_size(pair) != 2 || !json_is_number(json_array_get(pair, 0)) || !json_is_number(json_array_get(pair, 1))) {
        return false;
    }
    *out = (lsnn_range){json_number_value(json_array_get(pair, 0)), json_number_value(json_array_get(pair, 1))};
    return out->low < out->high;
}

/* Numbers and ranges; the arrays have still to be read. */
static lsnn_status read_sizes(const json_t *object, lsnn_beliefs *sizes, const char *path) {
    const json_t *inputs = json_object_get(object, "input_range");
    size_t n_inputs = json_array_size(inputs);
    *sizes = (lsnn_beliefs){.episode = json_integer_value(json_object_get(object, "episode")),
                            .n_inputs = n_inputs <= LSNN_FAMILY_INPUTS ? (int)n_inputs : 0,
                            .n_points = json_whole_at(object, "n_points", 1, BELIEFS_MOST_POINTS)};
    bool fits = sizes->n_inputs > 0 && sizes->n_points > 0 && read_range(json_object_get(object, "target_range"), &sizes->target_range);
    for (size_t i = 0; fits && i < n_inputs; i++) {
        fits = read_range(json_array_get(inputs, i), &sizes->input_range[i]);
    }
    size_t n_seen = json_array_size(json_object_get(object, "seen"));
    size_t n_examples = json_array_size(json_object_get(object, "target"));
    if (!fits || n_seen < 1 || n_seen > BELIEFS_MOST_SEEN || n_examples > MOST_NUMBERS) {
        return json_list_damaged(path, "a belief");
    }
    sizes->n_seen = (int)n_seen;
    sizes->n_examples = (int)n_examples;
    return LSNN_OK;
}

static lsnn_status read_seen(const json_t *object, own_beliefs *b, const char *path) {
    const json_t *list = json_object_get(object, "seen");
    for (int k = 0; k < b->all.n_seen; k++) {
        const json_t *value = json_array_get(list, (size_t)k);
        json_int_t seen = json_is_integer(value) ? json_integer_value(value) : -1;
        if (seen < 0 || seen > b->all.n_examples) {
            return json_list_damaged(path, "seen");
        }
        b->seen[k] = (int)seen;
    }
    return LSNN_OK;
}

static lsnn_status load_beliefs(kept_beliefs *out, const json_t *object, const char *path) {
    lsnn_status status = LSNN_OK;
    own_beliefs *b = NULL;
    lsnn_beliefs sizes;
    TRY(read_sizes(object, &sizes, path));
    TRY(beliefs_open(&b, &sizes));
    out->of[out->n++] = &b->all;
    size_t n_inputs = (size_t)sizes.n_inputs;
    size_t n_points = (size_t)sizes.n_points;
    TRY(read_seen(object, b, path));
    TRY(json_numbers_at(object, "x", b->x, (size_t)sizes.n_examples * n_inputs, path));
    TRY(json_numbers_at(object, "target", b->target, (size_t)sizes.n_examples, path));
    TRY(json_numbers_at(object, "answer", b->answer, (size_t)sizes.n_examples, path));
    TRY(json_numbers_at(object, "points", b->points, n_points * n_inputs, path));
    TRY(json_numbers_at(object, "value", b->value, n_points, path));
    TRY(json_numbers_at(object, "belief", b->belief, (size_t)sizes.n_seen * n_points, path));
out:
    return status;
}

lsnn_status kept_beliefs_load(kept_beliefs *out, const char *path) {
    lsnn_status status = LSNN_OK;
    json_t *root = NULL;
    const json_t *list;
    *out = (kept_beliefs){0};
    TRY(json_list_load(path, "beliefs", KEPT_MOST_BELIEFS, &root, &list));
    for (size_t k = 0; k < json_array_size(list); k++) {
        TRY(load_beliefs(out, json_array_get(list, k), path));
    }
out:
    json_decref(root);
    return status;
}
