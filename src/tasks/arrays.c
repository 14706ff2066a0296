/* A user's own data: inputs and targets as arrays, in one safetensors file or each in a .npy file.
 *
 *   inputs   [n_samples][n_steps][n_in]
 *   targets  class           [n_samples]                  answered over the last arrays.readout_ms
 *            class-per-step  [n_samples][n_steps]         -1: this step does not count
 *            values          [n_samples][n_steps][n_out]  NaN: this number does not count
 *                            [n_samples][n_out]           answered over the last arrays.readout_ms
 *   lengths  [n_samples] steps of each sequence, if they differ: what is after is not looked at, and one target for the sequence is answered over all of them
 *
 * Everything is checked when the task is opened, so that writing a sample can't fail. */
#include "tasks/task.h"

#include "base/file.h"
#include "base/rng.h"
#include "base/tensorfile.h"
#include "config/options.h"

#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_UNITS = 65535, MOST_STEPS = 1000000000, SHAPE_SIZE = TENSOR_MAX_RANK * 24 };

/* Messages name it by path and name. */
typedef struct array {
    tensor_file *own; /* a .npy file; NULL if the array lies in arrays.file */
    const tensor *tensor;
    const char *path;
    char name[EXCERPT_SIZE + 8]; /* ", 'inputs'"; "" in a .npy file */
} array;

typedef struct arrays {
    task task;
    tensor_file *file;
    array inputs, targets, lengths; /* lengths: no tensor if all have n_steps */
    bool by_step;                   /* a target for each step, not one for the sequence */
    uint32_t *order;                /* [n_samples] */
    size_t first[SPLITS];           /* sample k of a split is number order[first + k] */
} arrays;

static void close_task(task *t) {
    arrays *s = (arrays *)t;
    tensor_file_close(s->file);
    tensor_file_close(s->inputs.own);
    tensor_file_close(s->targets.own);
    tensor_file_close(s->lengths.own);
    free(s->order);
    free(s);
}

/* tensor_at, quicker for the usual types. */
static inline double number_at(const tensor *t, size_t at) {
    if (t->type == TENSOR_F32) {
        return (double)((const float *)t->data)[at];
    }
    return t->type == TENSOR_U8 || t->type == TENSOR_BOOL ? ((const uint8_t *)t->data)[at] : tensor_at(t, at);
}

static size_t length_of(const arrays *s, size_t sample) {
    return s->lengths.tensor != NULL ? (size_t)tensor_at(s->lengths.tensor, sample) : (size_t)s->task.n_steps;
}

/* ---- finding the arrays ---- */

static lsnn_status open_named(tensor_file **out, const char *key, const char *path) {
    lsnn_status status = tensor_file_open(out, path);
    return status == LSNN_OK ? LSNN_OK : fail(status, "%s: %s", key, lsnn_error());
}

static lsnn_status no_such_array(const tensor_file *file, const char *key, const char *name) {
    char list[5 * EXCERPT_SIZE] = "", shown[EXCERPT_SIZE];
    size_t length = 0;
    for (size_t i = 0; i < tensor_file_count(file) && length + EXCERPT_SIZE + 8 < sizeof list; i++) {
        excerpt(shown, tensor_file_at(file, i)->name);
        length += (size_t)snprintf(list + length, sizeof list - length, "%s%s", i == 0 ? "" : ", ", shown);
    }
    excerpt(shown, name);
    return fail(LSNN_ERR_DATA, "%s: has no array %s; set %s to one that it has: %s", tensor_file_path(file), shown, key,
                length > 0 ? list : "it is empty");
}

static lsnn_status find_array(arrays *s, const lsnn_experiment *e, const char *key, array *out) {
    lsnn_status status = LSNN_OK;
    const char *name = setting_text(e, key);
    const char *path = setting_text(e, "arrays.file");
    char shown[EXCERPT_SIZE];
    excerpt(shown, name);
    if (path_has_ending(name, ".npy")) {
        TRY(open_named(&out->own, key, name));
        out->tensor = tensor_file_at(out->own, 0);
        out->path = tensor_file_path(out->own);
        return LSNN_OK;
    }
    if (*name == '\0') {
        return fail(LSNN_ERR_SETTING, "%s is empty; set it to the name of an array in arrays.file, or to the path of a .npy file", key);
    }
    if (*path == '\0') {
        return fail(LSNN_ERR_SETTING,
                    "arrays.file is empty, and %s, %s, is no .npy file; set arrays.file to a .safetensors file, or %s to a .npy file", key,
                    shown, key);
    }
    if (path_has_ending(path, ".npy")) {
        return fail(LSNN_ERR_SETTING,
                    "arrays.file, %s, is a .npy file, which has no names in it; set arrays.inputs and arrays.targets to .npy files instead",
                    path);
    }
    if (s->file == NULL) {
        TRY(open_named(&s->file, "arrays.file", path));
    }
    out->tensor = tensor_file_find(s->file, name);
    if (out->tensor == NULL) {
        return no_such_array(s->file, key, name);
    }
    out->path = tensor_file_path(s->file);
    snprintf(out->name, sizeof out->name, ", %s", shown);
out:
    return status;
}

/* ---- checks ---- */

/* "[3, 4, 2]" */
static const char *in_brackets(char out[SHAPE_SIZE], int rank, const int64_t *numbers) {
    size_t length = (size_t)snprintf(out, SHAPE_SIZE, "[");
    for (int d = 0; d < rank; d++) {
        length += (size_t)snprintf(out + length, SHAPE_SIZE - length, "%s%" PRId64, d == 0 ? "" : ", ", numbers[d]);
    }
    snprintf(out + length, SHAPE_SIZE - length, "]");
    return out;
}

static lsnn_status bad_shape(const array *a, const char *must_be) {
    char shape[SHAPE_SIZE];
    return fail(LSNN_ERR_DATA, "%s%s: has the shape %s; it must be %s", a->path, a->name,
                in_brackets(shape, a->tensor->rank, a->tensor->shape), must_be);
}

static lsnn_status bad_number(const array *a, size_t at, const char *must_be) {
    int64_t place[TENSOR_MAX_RANK];
    char shown[SHAPE_SIZE];
    size_t rest = at;
    for (int d = a->tensor->rank - 1; d >= 0; d--) {
        place[d] = (int64_t)(rest % (size_t)a->tensor->shape[d]);
        rest /= (size_t)a->tensor->shape[d];
    }
    return fail(LSNN_ERR_DATA, "%s%s: number %s is %.9g; it must be %s", a->path, a->name, in_brackets(shown, a->tensor->rank, place),
                tensor_at(a->tensor, at), must_be);
}

static lsnn_status check_input_shape(arrays *s) {
    const tensor *t = s->inputs.tensor;
    if (t->rank != 3) {
        return bad_shape(&s->inputs, "[n_samples, n_steps, n_in]");
    }
    if (t->shape[0] < 3 || t->shape[0] > UINT32_MAX) {
        return bad_shape(&s->inputs,
                         "[n_samples, n_steps, n_in] with at least 3 samples (and less than 2^32): for training, validation and test");
    }
    if (t->shape[1] < 1 || t->shape[1] > MOST_STEPS || t->shape[2] < 1 || t->shape[2] > MOST_UNITS) {
        return bad_shape(&s->inputs, "[n_samples, n_steps, n_in] with 1..1000000000 steps and 1..65535 inputs");
    }
    s->task.n_steps = (int)t->shape[1];
    s->task.n_in = (int)t->shape[2];
    return LSNN_OK;
}

/* Also sets by_step, and the number of outputs if the targets are values. */
static lsnn_status check_target_shape(arrays *s, const char *kind) {
    const tensor *t = s->targets.tensor;
    const int64_t *in = s->inputs.tensor->shape;
    char shape[SHAPE_SIZE], must_be[SHAPE_SIZE + 160];
    bool values = strcmp(kind, "values") == 0;
    bool by_step = values ? t->rank == 3 : strcmp(kind, "class-per-step") == 0;
    const char *expected = values ? "[n_samples, n_steps, n_out] or [n_samples, n_out]" : by_step ? "[n_samples, n_steps]" : "[n_samples]";
    int rank = 1 + by_step + values;
    bool fits = t->rank == rank && t->shape[0] == in[0] && (!by_step || t->shape[1] == in[1]);
    if (fits && values) {
        fits = t->shape[rank - 1] >= 1 && t->shape[rank - 1] <= MOST_UNITS;
        s->task.n_out = fits ? (int)t->shape[rank - 1] : 0;
    }
    s->by_step = by_step;
    snprintf(must_be, sizeof must_be, "%s for arrays.kind=%s, where the inputs have %s", expected, kind, in_brackets(shape, 3, in));
    return fits ? LSNN_OK : bad_shape(&s->targets, must_be);
}

static lsnn_status check_lengths(const arrays *s) {
    const tensor *t = s->lengths.tensor;
    char shape[SHAPE_SIZE], must_be[SHAPE_SIZE + 80];
    if (t->rank != 1 || t->shape[0] != s->inputs.tensor->shape[0]) {
        snprintf(must_be, sizeof must_be, "[n_samples], where the inputs have %s", in_brackets(shape, 3, s->inputs.tensor->shape));
        return bad_shape(&s->lengths, must_be);
    }
    snprintf(must_be, sizeof must_be, "a whole number 1..%d, the steps of the inputs", s->task.n_steps);
    for (size_t at = 0; at < t->n; at++) {
        double x = tensor_at(t, at);
        if (!(x >= 1 && x <= s->task.n_steps && x == floor(x))) {
            return bad_number(&s->lengths, at, must_be);
        }
    }
    return LSNN_OK;
}

/* Calls `is_good` for the numbers of an array that belong to a sample's own steps, sample after sample; false, and where, if one is not. */
static bool all_are(const arrays *s, const tensor *t, bool by_step, bool (*is_good)(void *user, double x), void *user, size_t *bad) {
    size_t n_samples = (size_t)t->shape[0];
    size_t n_each = t->n / n_samples;
    for (size_t sample = 0; sample < n_samples; sample++) {
        size_t end = sample * n_each + (by_step ? n_each / (size_t)s->task.n_steps * length_of(s, sample) : n_each);
        for (*bad = sample * n_each; *bad < end; ++*bad) {
            if (!is_good(user, number_at(t, *bad))) {
                return false;
            }
        }
    }
    return true;
}

static bool is_spike_or_not(void *user, double x) {
    (void)user;
    return x == 0 || x == 1;
}

static bool is_single(void *user, double x) {
    (void)user;
    return fabs(x) <= (double)FLT_MAX;
}

static bool is_single_or_nan(void *user, double x) {
    (void)user;
    return isnan(x) || fabs(x) <= (double)FLT_MAX;
}

typedef struct class_range {
    int lowest, highest, largest; /* allowed, and found */
} class_range;

static bool is_class(void *user, double x) {
    class_range *range = user;
    bool good = x >= range->lowest && x <= range->highest && x == floor(x);
    range->largest = good && x > range->largest ? (int)x : range->largest;
    return good;
}

static lsnn_status check_inputs(const arrays *s) {
    size_t bad;
    bool spikes = s->task.input == LSNN_SPIKES;
    return all_are(s, s->inputs.tensor, true, spikes ? is_spike_or_not : is_single, NULL, &bad)
               ? LSNN_OK
               : bad_number(
                     &s->inputs, bad,
                     spikes ? "0 or 1, as arrays.input is spikes (set it to currents for other numbers)" : "finite in single precision");
}

/* Also sets the number of outputs. */
static lsnn_status check_classes(arrays *s, int n_classes) {
    class_range range = {.lowest = s->by_step ? -1 : 0, .highest = (n_classes > 0 ? n_classes : MOST_UNITS) - 1, .largest = -1};
    size_t bad;
    char must_be[160];
    if (n_classes == 1) {
        return fail(LSNN_ERR_SETTING, "arrays.n_classes is 1; set it to at least 2, or to 0 for the largest class in the targets, plus 1");
    }
    snprintf(must_be, sizeof must_be, "a whole number %d..%d%s%s", range.lowest, range.highest,
             n_classes > 0 ? " (see arrays.n_classes)" : "", range.lowest < 0 ? "; -1 does not count" : "");
    if (!all_are(s, s->targets.tensor, s->by_step, is_class, &range, &bad)) {
        return bad_number(&s->targets, bad, must_be);
    }
    s->task.n_out = n_classes > 0 ? n_classes : range.largest + 1;
    if (s->task.n_out < 2) {
        return fail(LSNN_ERR_DATA,
                    "%s%s: the largest class is %d, so that there are fewer than 2; bring targets of more classes, or set arrays.n_classes",
                    s->targets.path, s->targets.name, range.largest);
    }
    return LSNN_OK;
}

static lsnn_status check_values(const arrays *s) {
    size_t bad;
    return all_are(s, s->targets.tensor, s->by_step, is_single_or_nan, NULL, &bad)
               ? LSNN_OK
               : bad_number(&s->targets, bad, "finite in single precision, or NaN, which does not count");
}

/* ---- splits and windows ---- */

static int64_t share_of(int64_t n, double fraction) {
    int64_t share = (int64_t)(fraction * (double)n + 0.5);
    return share < 1 ? 1 : share;
}

/* A fixed random order, the same for every seed, deals the samples out to test, validation and training; each gets at least one. */
static lsnn_status deal_out(arrays *s, const lsnn_experiment *e) {
    int64_t n = s->inputs.tensor->shape[0], *n_of = s->task.n_samples;
    double test = setting_real(e, "arrays.test_fraction"), valid = setting_real(e, "arrays.valid_fraction");
    n_of[SPLIT_TEST] = share_of(n, test);
    n_of[SPLIT_VALID] = share_of(n, valid);
    n_of[SPLIT_TRAIN] = n - n_of[SPLIT_TEST] - n_of[SPLIT_VALID];
    if (n_of[SPLIT_TRAIN] < 1) {
        return fail(LSNN_ERR_SETTING,
                    "of %" PRId64 " samples, arrays.test_fraction %g takes %" PRId64 " and arrays.valid_fraction %g takes %" PRId64
                    ", which leaves the split train empty; make them smaller",
                    n, test, n_of[SPLIT_TEST], valid, n_of[SPLIT_VALID]);
    }
    s->first[SPLIT_VALID] = (size_t)n_of[SPLIT_TEST];
    s->first[SPLIT_TRAIN] = (size_t)(n_of[SPLIT_TEST] + n_of[SPLIT_VALID]);
    s->order = malloc((size_t)n * sizeof *s->order);
    if (s->order == NULL) {
        return fail(LSNN_ERR_MEMORY, "no memory for the order of %" PRId64 " samples", n);
    }
    rng_permutation(0, RNG_SPLIT, 0, s->order, (size_t)n);
    return LSNN_OK;
}

/* A score over nothing would look perfect. */
static lsnn_status check_counted(const arrays *s) {
    static const char *const names[SPLITS] = {"train", "valid", "test"};
    const tensor *t = s->targets.tensor;
    size_t n_each = t->n / (size_t)t->shape[0];
    for (int p = 0; p < SPLITS; p++) {
        bool counted = false;
        for (size_t k = 0; k < (size_t)s->task.n_samples[p] && !counted; k++) {
            size_t sample = s->order[s->first[p] + k];
            size_t n_own = s->by_step ? n_each / (size_t)s->task.n_steps * length_of(s, sample) : n_each;
            for (size_t i = 0; i < n_own && !counted; i++) {
                double x = number_at(t, sample * n_each + i);
                counted = s->task.loss == LOSS_SQUARED ? !isnan(x) : x >= 0;
            }
        }
        if (!counted) {
            return fail(LSNN_ERR_DATA,
                        "%s%s: none of the targets of the split %s (%" PRId64
                        " samples) counts: all are %s; bring more samples, or raise its share",
                        s->targets.path, s->targets.name, names[p], s->task.n_samples[p], s->task.loss == LOSS_SQUARED ? "NaN" : "-1");
        }
    }
    return LSNN_OK;
}

static lsnn_status set_windows(arrays *s, const lsnn_experiment *e) {
    lsnn_status status = LSNN_OK;
    int n_steps = s->task.n_steps, readout = n_steps;
    int64_t readout_ms = setting_int(e, "arrays.readout_ms");
    if (!s->by_step && readout_ms > 0 && s->lengths.tensor != NULL) {
        return fail(
            LSNN_ERR_SETTING,
            "arrays.readout_ms is %" PRId64
            ", but with arrays.lengths sequences end at different times; leave it at 0: the outputs are averaged over all steps of each",
            readout_ms);
    }
    if (!s->by_step && readout_ms > 0) {
        readout = task_steps(e, (double)readout_ms);
        if (readout > n_steps) {
            return fail(LSNN_ERR_SETTING,
                        "arrays.readout_ms, %" PRId64
                        " ms, is %d steps, but the sequences have %d; make it at most that, or 0 for all steps",
                        readout_ms, readout, n_steps);
        }
    }
    TRY(task_create_windows(&s->task, s->by_step ? n_steps : 1));
    for (int w = 0; w < s->task.n_windows; w++) {
        s->task.window_start[w] = s->by_step ? w : n_steps - readout;
        s->task.window_stop[w] = s->by_step ? w + 1 : n_steps;
    }
out:
    return status;
}

/* ---- the task ---- */

static const task_kind task_arrays_with_lengths;

static lsnn_status open_task(task **out, const lsnn_experiment *e, const lsnn_run_options *options) {
    (void)options; /* the paths are the user's own */
    lsnn_status status = LSNN_OK;
    const char *kind = setting_text(e, "arrays.kind");
    bool values = strcmp(kind, "values") == 0;
    arrays *s = calloc(1, sizeof *s);
    if (s == NULL) {
        return fail(LSNN_ERR_MEMORY, "no memory for the task");
    }
    s->task = (task){.kind = &task_arrays,
                     .input = strcmp(setting_text(e, "arrays.input"), "spikes") == 0 ? LSNN_SPIKES : LSNN_CURRENTS,
                     .loss = values ? LOSS_SQUARED : LOSS_CROSS_ENTROPY,
                     .score_name = values ? "mean squared error" : "accuracy",
                     .lower_is_better = values};
    TRY(find_array(s, e, "arrays.inputs", &s->inputs));
    TRY(find_array(s, e, "arrays.targets", &s->targets));
    TRY(check_input_shape(s));
    if (*setting_text(e, "arrays.lengths") != '\0') {
        s->task.kind = &task_arrays_with_lengths;
        TRY(find_array(s, e, "arrays.lengths", &s->lengths));
        TRY(check_lengths(s));
    }
    TRY(check_target_shape(s, kind));
    TRY(set_windows(s, e));
    TRY(check_inputs(s));
    TRY(values ? check_values(s) : check_classes(s, (int)setting_int(e, "arrays.n_classes")));
    TRY(deal_out(s, e));
    TRY(check_counted(s));
    *out = &s->task;
    return LSNN_OK;
out:
    task_close(&s->task);
    return status;
}

static void write_input(const task *t, const tensor *inputs, size_t sample, int n_steps, const sample_writer *to) {
    size_t at = sample * (size_t)t->n_steps * (size_t)t->n_in;
    for (int step = 0; step < n_steps; step++) {
        for (int i = 0; i < t->n_in; i++, at++) {
            double x = number_at(inputs, at);
            if (t->input == LSNN_CURRENTS) {
                sample_current(to, step, i, (real)x);
            } else if (x != 0) {
                sample_spike(to, step, i);
            }
        }
    }
}

static void write_sample(const task *t, split part, uint64_t seed, uint64_t index, const sample_writer *to) {
    (void)seed;
    const arrays *s = (const arrays *)t;
    size_t sample = s->order[s->first[part] + index];
    int n_numbers = t->loss == LOSS_SQUARED ? t->n_out : 1; /* a window */
    size_t at = sample * (size_t)t->n_windows * (size_t)n_numbers;
    int n_steps = (int)length_of(s, sample);
    write_input(t, s->inputs.tensor, sample, n_steps, to);
    for (int w = 0; w < t->n_windows && t->window_start[w] < n_steps; w++) {
        for (int o = 0; o < n_numbers; o++, at++) {
            double x = number_at(s->targets.tensor, at);
            if (t->loss == LOSS_SQUARED) {
                sample_value(to, w, o, (float)x);
            } else {
                sample_class(to, w, (int32_t)x);
            }
        }
    }
}

static int sample_length(const task *t, split part, uint64_t index) {
    const arrays *s = (const arrays *)t;
    return (int)length_of(s, s->order[s->first[part] + index]);
}

static void take_digest(const task *t, char digest[65]) {
    const arrays *s = (const arrays *)t;
    const tensor *all[] = {s->inputs.tensor, s->targets.tensor, s->lengths.tensor};
    for (int k = 0; k < 3; k++) {
        if (all[k] != NULL) {
            sha256_add(all[k]->data, all[k]->n * tensor_type_size(all[k]->type), digest);
        }
    }
}

const task_kind task_arrays = {.name = "arrays", .open = open_task, .close = close_task, .write = write_sample, .take_digest = take_digest};
static const task_kind task_arrays_with_lengths = {
    .name = "arrays", .open = open_task, .close = close_task, .write = write_sample, .length = sample_length, .take_digest = take_digest};
