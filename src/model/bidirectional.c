/* Bidirectional networks: two of the same size, drawn apart, of which one runs on the sample as it is and one on the sample reversed. Each is a model with a pass of its own;
 * what they answer is added. Of a sample with T_b steps and n_b windows, the second half sees step T_b - 1 - t as its step t, and its answer to window w belongs
 * to window n_b - 1 - w. */
#include "base/rng.h"
#include "model/model.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct bidirectional {
    model model;
    model *half[2];
    real *clipped; /* [n_params] a gradient as it is after clipping; while training */
} bidirectional;

typedef struct bidirectional_pass {
    pass pass;
    const bidirectional *of;
    pass *half[2];
    size_t n_steps, n_windows, n_in, n_out;
    int *window_start; /* [n_windows] */
    int *length;       /* [n_batch] */
    float *output;     /* [n_windows][n_batch][n_out] */
    float *d_reversed; /* the same: gradients in the order of the second half's windows */
} bidirectional_pass;

const char *const half_names[2] = {"forward.", "reversed."};

static bool is_two(const model_kind *kind) {
    return kind == &model_two_spiking || kind == &model_two_lstm || kind == &model_two_rnn;
}

static const model_kind *kind_of_halves(const model_kind *two) {
    return two == &model_two_spiking ? &model_spiking : two == &model_two_lstm ? &model_lstm : &model_rnn;
}

int model_n_halves(const model *m) {
    return is_two(m->kind) ? 2 : 1;
}

const model *model_half(const model *m, int half) {
    return is_two(m->kind) ? ((const bidirectional *)m)->half[half] : m;
}

pass *pass_half(pass *p, int half) {
    return is_two(p->kind) ? ((bidirectional_pass *)p)->half[half] : p;
}

/* ---- the network ---- */

/* The settings of a half: the second draws other numbers. */
static lsnn_status settings_of_half(lsnn_experiment **out, const lsnn_experiment *experiment, int half) {
    lsnn_status status = LSNN_OK;
    lsnn_experiment *own = NULL;
    char assignment[64];
    uint64_t seed = (uint64_t)setting_int(experiment, "seed");
    TRY(experiment_copy(&own, experiment));
    if (half == 1) {
        snprintf(assignment, sizeof assignment, "seed=%" PRIu64, rng_bits(seed, RNG_REVERSED, 0) >> 2); /* within the setting's range */
        TRY(lsnn_experiment_set(own, assignment));
    }
    *out = own;
    own = NULL;
out:
    lsnn_experiment_free(own);
    return status;
}

static void free_model(model *m) {
    bidirectional *b = (bidirectional *)m;
    model_free(b->half[0]);
    model_free(b->half[1]);
    free(b->clipped);
    free(b);
}

/* From a file, or drawn if that is NULL. */
static lsnn_status make_half(model **out, const model_kind *kind, const lsnn_experiment *experiment, const model_shape *shape,
                             const tensor_file *file, int half) {
    lsnn_status status = LSNN_OK;
    lsnn_experiment *settings = NULL;
    tensor_file *part = NULL;
    TRY(settings_of_half(&settings, experiment, half));
    if (file == NULL) {
        TRY(kind->create(out, settings, shape));
    } else {
        TRY(tensor_file_within(&part, file, half_names[half]));
        TRY(kind->read(out, settings, part));
    }
out:
    tensor_file_close(part);
    lsnn_experiment_free(settings);
    return status;
}

static lsnn_status make(model **out, const model_kind *two, const lsnn_experiment *experiment, const model_shape *shape,
                        const tensor_file *file) {
    lsnn_status status = LSNN_OK;
    bidirectional *b = calloc(1, sizeof *b);
    if (b == NULL) {
        return fail(LSNN_ERR_MEMORY, "no memory for a network");
    }
    for (int half = 0; half < 2; half++) {
        TRY(make_half(&b->half[half], kind_of_halves(two), experiment, shape, file, half));
    }
    const model_shape *first = &b->half[0]->shape;
    const model_shape *second = &b->half[1]->shape;
    if (first->n_in != second->n_in || first->n_out != second->n_out || first->input != second->input) {
        TRY(fail(LSNN_ERR_DATA, "%s: its halves have %d and %d inputs, %d and %d outputs; the file was changed", tensor_file_path(file),
                 first->n_in, second->n_in, first->n_out, second->n_out));
    }
    b->model = (model){.kind = two, .shape = *first, .n_params = b->half[0]->n_params + b->half[1]->n_params};
    *out = &b->model;
    return LSNN_OK;
out:
    free_model(&b->model);
    return status;
}

static lsnn_status start_training(model *m, const lsnn_experiment *experiment) {
    bidirectional *b = (bidirectional *)m;
    lsnn_status status = LSNN_OK;
    lsnn_experiment *settings = NULL;
    for (int half = 0; half < 2; half++) {
        TRY(settings_of_half(&settings, experiment, half));
        TRY(model_start_training(b->half[half], settings));
        lsnn_experiment_free(settings);
        settings = NULL;
    }
    b->model.n_params = b->half[0]->n_params + b->half[1]->n_params;
    b->clipped = calloc(b->model.n_params + 1, sizeof *b->clipped);
    if (b->clipped == NULL) {
        TRY(fail(LSNN_ERR_MEMORY, "no memory for a gradient of %zu numbers", b->model.n_params));
    }
out:
    lsnn_experiment_free(settings);
    return status;
}

/* A half's part of all parameters, which stand one half after the other. */
static size_t first_of(const bidirectional *b, int half) {
    return half == 0 ? 0 : b->half[0]->n_params;
}

static lsnn_gradient gradient_of(const bidirectional *b, const lsnn_gradient *all, int half) {
    return (lsnn_gradient){.n = b->half[half]->n_params, .values = all->values + first_of(b, half)};
}

static lsnn_adam adam_of(const bidirectional *b, const lsnn_adam *all, int half) {
    size_t first = first_of(b, half);
    lsnn_adam own = {
        .options = all->options, .n = b->half[half]->n_params, .m = all->m + first, .v = all->v + first, .age = all->age + first};
    own.options.clip = 0;
    return own;
}

static double add_l2(const model *m, double strength, lsnn_gradient *gradient) {
    const bidirectional *b = (const bidirectional *)m;
    double sum = 0;
    for (int half = 0; half < 2; half++) {
        lsnn_gradient own = gradient_of(b, gradient, half);
        sum += model_add_l2(b->half[half], strength, &own);
    }
    return sum;
}

/* The gradient is clipped as a whole. */
static lsnn_status step(model *m, lsnn_adam *adam, const lsnn_gradient *gradient, float learning_rate) {
    bidirectional *b = (bidirectional *)m;
    lsnn_status status = LSNN_OK;
    lsnn_gradient clipped = {.n = gradient->n, .values = b->clipped};
    float scale;
    if (adam->n != m->n_params || gradient->n != m->n_params) {
        return fail(LSNN_ERR_USAGE, "optimiser of %zu, gradient of %zu and network of %zu parameters do not belong together", adam->n,
                    gradient->n, m->n_params);
    }
    TRY(adam_scale(adam, gradient, learning_rate, &scale));
    for (size_t k = 0; k < gradient->n; k++) {
        clipped.values[k] = gradient->values[k] * (real)scale;
    }
    for (int half = 0; half < 2; half++) {
        lsnn_adam own_adam = adam_of(b, adam, half);
        lsnn_gradient own = gradient_of(b, &clipped, half);
        TRY(model_step(b->half[half], &own_adam, &own, learning_rate));
    }
out:
    return status;
}

static bool count_synapses(const model *m, lsnn_synapse_count counts[3]) {
    const bidirectional *b = (const bidirectional *)m;
    lsnn_synapse_count second[3];
    if (!model_count_synapses(b->half[0], counts) || !model_count_synapses(b->half[1], second)) {
        return false;
    }
    for (int q = 0; q < 3; q++) {
        counts[q].possible += second[q].possible;
        counts[q].live += second[q].live;
        counts[q].born += second[q].born;
        counts[q].died += second[q].died;
    }
    return true;
}

static void write(const model *m, tensor_writer *writer) {
    for (int half = 0; half < 2; half++) {
        tensor_writer_within(writer, half_names[half]);
        model_write(((const bidirectional *)m)->half[half], writer);
    }
    tensor_writer_within(writer, "");
}

static void write_training(const model *m, tensor_writer *writer) {
    for (int half = 0; half < 2; half++) {
        tensor_writer_within(writer, half_names[half]);
        model_write_training(((const bidirectional *)m)->half[half], writer);
    }
    tensor_writer_within(writer, "");
}

static lsnn_status read_training(model *m, const tensor_file *file) {
    lsnn_status status = LSNN_OK;
    tensor_file *part = NULL;
    for (int half = 0; half < 2; half++) {
        TRY(tensor_file_within(&part, file, half_names[half]));
        TRY(model_read_training(((bidirectional *)m)->half[half], part));
        tensor_file_close(part);
        part = NULL;
    }
out:
    tensor_file_close(part);
    return status;
}

/* The neurons, synapses and parameters of both. */
static void describe(const model *m, lsnn_needs *needs) {
    const bidirectional *b = (const bidirectional *)m;
    lsnn_needs second = *needs;
    model_describe(b->half[0], needs);
    model_describe(b->half[1], &second);
    needs->n_lif += second.n_lif;
    needs->n_adaptive += second.n_adaptive;
    needs->n_rec += second.n_rec;
    needs->n_synapses_in += second.n_synapses_in;
    needs->n_synapses_rec += second.n_synapses_rec;
    needs->n_synapses_out += second.n_synapses_out;
    needs->n_params += second.n_params;
}

static int64_t count_possible(const model *m) {
    const bidirectional *b = (const bidirectional *)m;
    return model_count_possible(b->half[0]) + model_count_possible(b->half[1]);
}

/* ---- a batch on its way through it ---- */

/* Windows that stay in place when their order is turned around: one, or all of one length from the first step to the last. */
static lsnn_status check_windows(const pass_options *o) {
    int size = o->window_stop[0] - o->window_start[0];
    bool fits = o->n_windows == 1 || (int64_t)o->n_windows * size == o->n_steps;
    for (int w = 0; w < o->n_windows && o->n_windows > 1 && fits; w++) {
        fits = o->window_start[w] == w * size && o->window_stop[w] == (w + 1) * size;
    }
    return fits
               ? LSNN_OK
               : fail(
                     LSNN_ERR_SETTING,
                     "net.bidirectional is true, but the task's %d answers are not given over times that follow each other and are equally "
                     "long, from the first step to the last; set it to false",
                     o->n_windows);
}

static double memory(const model *m, const lsnn_context *context, const pass_options *options) {
    const bidirectional *b = (const bidirectional *)m;
    double outputs = (double)options->n_windows * options->n_batch * m->shape.n_out * (double)sizeof(float);
    return pass_memory(b->half[0], context, options) + pass_memory(b->half[1], context, options) + 2 * outputs;
}

static void close_pass(pass *p) {
    bidirectional_pass *b = (bidirectional_pass *)p;
    pass_close(b->half[0]);
    pass_close(b->half[1]);
    free(b->window_start);
    free(b->length);
    free(b->output);
    free(b->d_reversed);
    free(b);
}

static lsnn_status open_pass(pass **out, const model *m, lsnn_context *context, const pass_options *options) {
    lsnn_status status = check_windows(options);
    size_t n_batch = (size_t)options->n_batch;
    bidirectional_pass *b = status == LSNN_OK ? calloc(1, sizeof *b) : NULL;
    if (b == NULL) {
        return status != LSNN_OK ? status : fail(LSNN_ERR_MEMORY, "no memory for a batch");
    }
    for (int half = 0; half < 2; half++) {
        TRY(pass_open(&b->half[half], ((const bidirectional *)m)->half[half], context, options));
    }
    b->of = (const bidirectional *)m;
    b->n_steps = (size_t)options->n_steps;
    b->n_windows = (size_t)options->n_windows;
    b->n_in = (size_t)m->shape.n_in;
    b->n_out = (size_t)m->shape.n_out;
    b->window_start = calloc(b->n_windows, sizeof *b->window_start);
    b->length = calloc(n_batch, sizeof *b->length);
    b->output = calloc(b->n_windows * n_batch * b->n_out, sizeof *b->output);
    b->d_reversed = calloc(b->n_windows * n_batch * b->n_out, sizeof *b->d_reversed);
    if (b->window_start == NULL || b->length == NULL || b->output == NULL || b->d_reversed == NULL) {
        TRY(fail(LSNN_ERR_MEMORY, "no memory for a batch of %zu samples", n_batch));
    }
    memcpy(b->window_start, options->window_start, b->n_windows * sizeof *b->window_start);
    b->pass =
        (pass){.kind = m->kind, .pool = context->pool, .n_batch = options->n_batch, .n_blocks = b->half[0]->n_blocks, .output = b->output};
    *out = &b->pass;
    return LSNN_OK;
out:
    close_pass(&b->pass);
    return status;
}

static lsnn_status begin(pass *p, bool from_rest, uint64_t noise_key, const int *length) {
    bidirectional_pass *b = (bidirectional_pass *)p;
    lsnn_status status = LSNN_OK;
    for (int s = 0; s < p->n_batch; s++) {
        b->length[s] = length != NULL ? length[s] : (int)b->n_steps;
    }
    for (int half = 0; half < 2; half++) {
        TRY(pass_begin(b->half[half], from_rest, noise_key, length));
    }
out:
    return status;
}

static input_lane lane(const pass *p, int s) {
    return pass_lane(((const bidirectional_pass *)p)->half[0], s);
}

static int block_begin(const pass *p, int k) {
    return pass_block_begin(((const bidirectional_pass *)p)->half[0], k);
}

/* Up to so many samples at a time, whose numbers stand side by side in spiking networks, go through the steps together. */
enum { SIDE_BY_SIDE = 16 };

/* Samples first..first + n - 1, last step first, into the second half. */
static void reverse_samples(const bidirectional_pass *b, int first, int n) {
    input_lane from[SIDE_BY_SIDE], to[SIDE_BY_SIDE];
    const int *length = b->length + first;
    int longest = 0;
    for (int s = 0; s < n; s++) {
        from[s] = pass_lane(b->half[0], first + s);
        to[s] = pass_lane(b->half[1], first + s);
        longest = length[s] > longest ? length[s] : longest;
    }
    for (int t = 0; t < longest; t++) {
        for (size_t i = 0; i < b->n_in; i++) {
            for (int s = 0; s < n; s++) {
                size_t at = (size_t)(length[s] - 1 - t) * from[s].step + i * from[s].input;
                if (t < length[s] && from[s].masks == NULL) {
                    lane_set_number(&to[s], t, (int)i, from[s].numbers[at]);
                } else if (t < length[s] && (from[s].masks[at] >> from[s].lane & 1) != 0) {
                    lane_add_spike(&to[s], t, (int)i);
                }
            }
        }
    }
}

static void reverse_block(void *user, int piece, int worker) {
    (void)worker;
    const bidirectional_pass *b = user;
    int end = pass_block_begin(&b->pass, piece + 1);
    for (int s = block_begin(&b->pass, piece); s < end; s += SIDE_BY_SIDE) {
        reverse_samples(b, s, end - s < SIDE_BY_SIDE ? end - s : SIDE_BY_SIDE);
    }
}

/* Windows that begin before the sample's end. */
static size_t windows_of(const bidirectional_pass *b, int s) {
    size_t n = b->n_windows;
    while (n > 0 && b->window_start[n - 1] >= b->length[s]) {
        n--;
    }
    return n;
}

/* Where the numbers of window w and sample s begin. */
static size_t place_of(const bidirectional_pass *b, size_t w, int s) {
    return (w * (size_t)b->pass.n_batch + (size_t)s) * b->n_out;
}

static void add_outputs(bidirectional_pass *b) {
    memset(b->output, 0, b->n_windows * (size_t)b->pass.n_batch * b->n_out * sizeof *b->output);
    for (int s = 0; s < b->pass.n_batch; s++) {
        size_t n = windows_of(b, s);
        for (size_t w = 0; w < n; w++) {
            const float *forward = b->half[0]->output + place_of(b, w, s);
            const float *reversed = b->half[1]->output + place_of(b, n - 1 - w, s);
            for (size_t o = 0; o < b->n_out; o++) {
                b->output[place_of(b, w, s) + o] = forward[o] + reversed[o];
            }
        }
    }
}

static lsnn_status forward(pass *p, const step_hook *hook) {
    bidirectional_pass *b = (bidirectional_pass *)p;
    lsnn_status status = LSNN_OK;
    if (hook != NULL) {
        return fail(LSNN_ERR_USAGE, "a bidirectional network can't act: it needs whole sequences (net.bidirectional)");
    }
    threads_run(p->pool, p->n_blocks, reverse_block, b);
    for (int half = 0; half < 2; half++) {
        TRY(pass_forward(b->half[half]));
    }
    add_outputs(b);
out:
    return status;
}

static lsnn_status repeat(pass *p) {
    lsnn_status status = LSNN_OK;
    for (int half = 0; half < 2; half++) {
        TRY(pass_repeat(((bidirectional_pass *)p)->half[half]));
    }
out:
    return status;
}

static void reverse_gradients(bidirectional_pass *b, const float *d_output) {
    memset(b->d_reversed, 0, b->n_windows * (size_t)b->pass.n_batch * b->n_out * sizeof *b->d_reversed);
    for (int s = 0; s < b->pass.n_batch; s++) {
        size_t n = windows_of(b, s);
        for (size_t w = 0; w < n; w++) {
            memcpy(b->d_reversed + place_of(b, n - 1 - w, s), d_output + place_of(b, w, s), b->n_out * sizeof *d_output);
        }
    }
}

static lsnn_status backward(pass *p, const float *d_output, lsnn_gradient *gradient, double *rate_loss) {
    bidirectional_pass *b = (bidirectional_pass *)p;
    lsnn_status status = LSNN_OK;
    double sum = 0;
    reverse_gradients(b, d_output);
    for (int half = 0; half < 2; half++) {
        double loss = 0;
        lsnn_gradient own = gradient_of(b->of, gradient, half);
        TRY(pass_backward(b->half[half], half == 0 ? d_output : b->d_reversed, &own, &loss));
        sum += loss;
    }
    *rate_loss = sum;
out:
    return status;
}

static double rate(const pass *p) {
    const bidirectional_pass *b = (const bidirectional_pass *)p;
    return (pass_rate(b->half[0]) + pass_rate(b->half[1])) / 2;
}

static pass_activity activity(const pass *p, int n_samples) {
    const bidirectional_pass *b = (const bidirectional_pass *)p;
    pass_activity first = pass_count_activity(b->half[0], n_samples);
    pass_activity second = pass_count_activity(b->half[1], n_samples);
    return (pass_activity){.spikes = first.spikes + second.spikes, .operations = first.operations + second.operations};
}

/* ---- one table a kind; the state after a sequence is not carried on (experiment_check) ---- */

#define TWO(which, name_, unit_, rate_)                                                                           \
    static lsnn_status create_##which(model **out, const lsnn_experiment *experiment, const model_shape *shape) { \
        return make(out, &model_two_##which, experiment, shape, NULL);                                            \
    }                                                                                                             \
    static lsnn_status read_##which(model **out, const lsnn_experiment *experiment, const tensor_file *file) {    \
        return make(out, &model_two_##which, experiment, NULL, file);                                             \
    }                                                                                                             \
    const model_kind model_two_##which = {.name = name_,                                                          \
                                          .unit = unit_,                                                          \
                                          .create = create_##which,                                               \
                                          .read = read_##which,                                                   \
                                          .free = free_model,                                                     \
                                          .start_training = start_training,                                       \
                                          .add_l2 = add_l2,                                                       \
                                          .step = step,                                                           \
                                          .count_synapses = count_synapses,                                       \
                                          .write = write,                                                         \
                                          .write_training = write_training,                                       \
                                          .read_training = read_training,                                         \
                                          .describe = describe,                                                   \
                                          .count_possible = count_possible,                                       \
                                          .pass_memory = memory,                                                  \
                                          .pass_open = open_pass,                                                 \
                                          .pass_close = close_pass,                                               \
                                          .pass_begin = begin,                                                    \
                                          .pass_lane = lane,                                                      \
                                          .pass_block_begin = block_begin,                                        \
                                          .forward = forward,                                                     \
                                          .repeat = repeat,                                                       \
                                          .backward = backward,                                                   \
                                          .rate = rate_,                                                          \
                                          .activity = activity}

TWO(spiking, "lsnn", "neurons", rate);
TWO(lstm, "lstm", "LSTM units", NULL);
TWO(rnn, "rnn", "tanh units", NULL);
