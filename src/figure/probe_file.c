#include "figure/probe_file.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *probe_file_text(const probe_file *source, const char *key) {
    const char *text = tensor_file_metadata(source->file, key);
    return text == NULL ? "?" : text;
}

/* Room for n things, for any n. */
static void *take(size_t n, size_t size) {
    return calloc(n == 0 ? 1 : n, size);
}

static lsnn_status need(const probe_file *source, const char *name, tensor_type type, int rank, int64_t rows, int64_t columns,
                        const tensor **out) {
    return tensor_file_need(source->file, name, type, rank, (const int64_t[]){rows, columns}, out);
}

static lsnn_status read_settings(probe_file *source, const char *path) {
    const char *kind = tensor_file_metadata(source->file, "kind");
    if (kind == NULL || strcmp(kind, "probe") != 0) {
        return fail(LSNN_ERR_USAGE, "%s is not a probe (its kind is %.40s); make one with lsnn probe", path,
                    kind == NULL ? "not given" : kind);
    }
    const char *dt = probe_file_text(source, "dt");
    json_t *number = json_loads(dt, JSON_DECODE_ANY | JSON_DECODE_INT_AS_REAL, NULL); /* strtod depends on the locale */
    source->dt = json_is_real(number) ? json_real_value(number) : 0;
    json_decref(number);
    if (!(source->dt > 0 && source->dt <= 1e9)) {
        return fail(LSNN_ERR_DATA, "%s: dt is \"%.40s\", not a number of milliseconds; make the probe again", path, dt);
    }
    const char *input = probe_file_text(source, "input_kind"), *loss = probe_file_text(source, "loss_kind");
    source->currents = strcmp(input, "currents") == 0;
    source->classes = strcmp(loss, "cross_entropy") == 0;
    if (!source->currents && strcmp(input, "spikes") != 0) {
        return fail(LSNN_ERR_DATA, "%s: input_kind is \"%.40s\", neither spikes nor currents; make the probe again", path, input);
    }
    source->acts = strcmp(loss, "policy") == 0;
    if (!source->classes && !source->acts && strcmp(loss, "squared") != 0) {
        return fail(LSNN_ERR_DATA, "%s: loss_kind is \"%.40s\", neither cross_entropy nor squared nor policy; make the probe again", path,
                    loss);
    }
    return LSNN_OK;
}

static lsnn_status read_episode(probe_file *source) {
    lsnn_status status;
    int64_t n_steps = (int64_t)source->n_steps;
    const tensor *found;
    TRY(need(source, "events", TENSOR_U8, 1, n_steps, 0, &found));
    source->events = found->data;
    TRY(need(source, "observed", TENSOR_F32, 2, n_steps, -1, &found));
    source->observed = found->data;
    source->n_observed = (size_t)found->shape[1];
    if (tensor_file_find(source->file, "goal") != NULL) {
        TRY(need(source, "goal", TENSOR_F32, 2, n_steps, 3, &found));
        source->goal = found->data;
    }
out:
    return status;
}

static lsnn_status read_arrays(probe_file *source, const char *path) {
    lsnn_status status;
    const tensor *z, *input, *y, *output, *found;
    TRY(need(source, "z", TENSOR_U8, 2, -1, -1, &z));
    int64_t n_steps = z->shape[0], n_rec = z->shape[1];
    TRY(need(source, "input", TENSOR_F32, 2, n_steps, -1, &input));
    TRY(need(source, "y", TENSOR_F32, 2, n_steps, -1, &y));
    int64_t n_out = y->shape[1];
    TRY(need(source, "output", TENSOR_F32, 2, -1, n_out, &output));
    int64_t n_windows = output->shape[0];
    if (n_steps < 1 || n_rec < 1 || n_out < 1 || n_windows < 1 || input->shape[1] < 1) {
        return fail(LSNN_ERR_DATA,
                    "%s: the probe has %lld steps, %lld inputs, %lld neurons, %lld outputs, %lld windows; each must be at least 1", path,
                    (long long)n_steps, (long long)input->shape[1], (long long)n_rec, (long long)n_out, (long long)n_windows);
    }
    static const char *const traces[] = {"v", "p", "psi", "b", "threshold"};
    for (size_t k = 0; k < sizeof traces / sizeof *traces; k++) {
        TRY(need(source, traces[k], TENSOR_F32, 2, n_steps, n_rec, &found));
    }
    source->threshold = found->data;
    TRY(need(source, "b", TENSOR_F32, 2, n_steps, n_rec, &found));
    source->b = found->data;
    TRY(need(source, "tau_a", TENSOR_F32, 1, n_rec, 0, &found));
    TRY(need(source, "beta", TENSOR_F32, 1, n_rec, 0, &found));
    source->beta = found->data;
    TRY(need(source, "loss", TENSOR_F32, 1, 1, 0, &found));
    source->loss = found->data;
    TRY(need(source, "window_start", TENSOR_I32, 1, n_windows, 0, &found));
    source->start = found->data;
    TRY(need(source, "window_stop", TENSOR_I32, 1, n_windows, 0, &found));
    source->stop = found->data;
    if (source->classes) {
        TRY(need(source, "class", TENSOR_I32, 1, n_windows, 0, &found));
        source->class_of = found->data;
    } else {
        TRY(need(source, "target", TENSOR_F32, 2, n_windows, n_out, &found));
        source->target = found->data;
    }
    source->z = z->data;
    source->input = input->data;
    source->y = y->data;
    source->output = output->data;
    source->n_steps = (size_t)n_steps;
    source->n_rec = (size_t)n_rec;
    source->n_in = (size_t)input->shape[1];
    source->n_out = (size_t)n_out;
    source->n_windows = (size_t)n_windows;
    if (source->acts) {
        TRY(read_episode(source));
    }
out:
    return status;
}

static lsnn_status check_windows(const probe_file *source, const char *path) {
    for (size_t w = 0; w < source->n_windows; w++) {
        long start = source->start[w], stop = source->stop[w];
        if (start < 0 || stop <= start || (size_t)stop > source->n_steps || (w > 0 && start < source->stop[w - 1])) {
            return fail(LSNN_ERR_DATA,
                        "%s: window %zu goes from step %ld to %ld, which does not fit %zu steps or the window before; make the probe again",
                        path, w, start, stop, source->n_steps);
        }
        if (source->classes && (source->class_of[w] < -1 || source->class_of[w] >= (long long)source->n_out)) {
            return fail(LSNN_ERR_DATA, "%s: window %zu has class %ld of %zu; make the probe again", path, w, (long)source->class_of[w],
                        source->n_out);
        }
    }
    return LSNN_OK;
}

void probe_file_close(probe_file *source) {
    tensor_file_close(source->file);
    free(source->spikes);
    free(source->lif);
    free(source->adaptive);
    free(source->inputs);
    free(source->times);
    free(source->lines);
    free(source->line);
    free(source->name_text);
    free(source->names);
}

const char *probe_file_class(const probe_file *source, size_t k, char number[32]) {
    snprintf(number, 32, "%zu", k);
    return source->names != NULL ? source->names[k] : number;
}

/* "aa ae ..." cut at its blanks: a name for each output, or it is not about them. */
static lsnn_status read_names(probe_file *source, const char *path) {
    const char *text = tensor_file_metadata(source->file, "data.classes");
    size_t n = 0;
    if (text == NULL || !source->classes) {
        return LSNN_OK;
    }
    source->name_text = strdup(text);
    source->names = take(source->n_out, sizeof *source->names);
    if (source->name_text == NULL || source->names == NULL) {
        return fail(LSNN_ERR_MEMORY, "%s: not enough memory to draw it", path);
    }
    char *rest = NULL;
    for (char *name = strtok_r(source->name_text, " ", &rest); name != NULL; name = strtok_r(NULL, " ", &rest), n++) {
        if (n < source->n_out) {
            source->names[n] = name;
        }
    }
    return n == source->n_out
               ? LSNN_OK
               : fail(LSNN_ERR_DATA, "%s: data.classes has %zu names for %zu classes; make the probe again", path, n, source->n_out);
}

/* p_k(t) = exp(y_k(t)) / sum_l exp(y_l(t)), or y itself. */
static void fill_lines(probe_file *source) {
    for (size_t t = 0; t < source->n_steps; t++) {
        const float *y = source->y + t * source->n_out;
        double highest = -INFINITY, sum = 0;
        for (size_t k = 0; k < source->n_out; k++) {
            highest = fmax(highest, (double)y[k]);
        }
        for (size_t k = 0; k < source->n_out; k++) {
            sum += exp((double)y[k] - highest);
        }
        for (size_t k = 0; k < source->n_out; k++) {
            source->lines[k * source->n_steps + t] = source->classes ? exp((double)y[k] - highest) / sum : (double)y[k];
        }
    }
}

static lsnn_status prepare(probe_file *source, const char *path) {
    source->lif = take(source->n_rec, sizeof *source->lif);
    source->adaptive = take(source->n_rec, sizeof *source->adaptive);
    source->inputs = take(source->n_in, sizeof *source->inputs);
    source->times = take(source->n_steps, sizeof *source->times);
    source->line = take(source->n_steps, sizeof *source->line);
    source->lines = take(source->n_steps * source->n_out, sizeof *source->lines);
    source->spikes = source->currents ? NULL : take(source->n_steps * source->n_in, 1);
    if (source->lif == NULL || source->adaptive == NULL || source->inputs == NULL || source->times == NULL || source->line == NULL ||
        source->lines == NULL || (!source->currents && source->spikes == NULL)) {
        return fail(LSNN_ERR_MEMORY, "%s: not enough memory to draw it", path);
    }
    for (size_t j = 0; j < source->n_rec; j++) {
        if (source->beta[j] == 0) {
            source->lif[source->n_lif++] = j;
        } else {
            source->adaptive[source->n_adaptive++] = j;
        }
    }
    for (size_t i = 0; i < source->n_in; i++) {
        source->inputs[i] = i;
    }
    for (size_t t = 0; t < source->n_steps; t++) {
        source->times[t] = ((double)t + 0.5) * source->dt;
    }
    for (size_t k = 0; !source->currents && k < source->n_steps * source->n_in; k++) {
        source->spikes[k] = isfinite(source->input[k]) && source->input[k] != 0;
    }
    source->two = tensor_file_find(source->file, "reversed.w_in") != NULL;
    fill_lines(source);
    return LSNN_OK;
}

/* All arrays but the windows' are step by step from the first on. */
static void cut(probe_file *source, double first_ms) {
    source->n_steps_all = source->n_steps;
    source->n_steps = (size_t)fmin(fmax(floor(first_ms / source->dt + 1e-6), 1), (double)source->n_steps);
    while (source->n_windows > 0 && (size_t)source->start[source->n_windows - 1] >= source->n_steps) {
        source->n_windows--;
    }
}

size_t probe_file_stop(const probe_file *source, size_t w) {
    size_t stop = (size_t)source->stop[w];
    return stop < source->n_steps ? stop : source->n_steps;
}

lsnn_status probe_file_open(probe_file *source, const char *path, double first_ms) {
    lsnn_status status;
    TRY(tensor_file_open(&source->file, path));
    TRY(read_settings(source, path));
    TRY(read_arrays(source, path));
    TRY(check_windows(source, path));
    cut(source, first_ms);
    TRY(prepare(source, path));
    TRY(read_names(source, path));
out:
    return status;
}
