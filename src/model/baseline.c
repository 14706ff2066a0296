/* The LSTM and the tanh RNN of dense/ as models. */
#include "dense/dense_run.h"
#include "model/model.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct baseline {
    model model;
    dense_net *net;
} baseline;

typedef struct baseline_pass {
    pass pass;
    dense_run *run;
    float *carried; /* copies of h and c, [n_batch][n_units] each, while a file is written */
} baseline_pass;

/* ---- the network ---- */

static dense_spec spec_of(const lsnn_experiment *e, dense_kind kind) {
    return (dense_spec){.kind = kind,
                        .n_units = (int)setting_int(e, "net.n_units"),
                        .forget_bias = (float)setting_real(e, "net.forget_bias"),
                        .scale_in = (float)setting_real(e, "net.scale_in"),
                        .scale_rec = (float)setting_real(e, "net.scale_rec"),
                        .seed = (uint64_t)setting_int(e, "seed")};
}

static const model_kind *kind_of(const dense_net *net) {
    return net->spec.kind == DENSE_LSTM ? &model_lstm : &model_rnn;
}

static lsnn_status wrap(model **out, dense_net *net, lsnn_input_kind input) {
    baseline *b = calloc(1, sizeof *b);
    if (b == NULL) {
        dense_net_free(net);
        return fail(LSNN_ERR_MEMORY, "no memory for a network");
    }
    b->model = (model){
        .kind = kind_of(net), .shape = {.n_in = net->spec.n_in, .n_out = net->spec.n_out, .input = input}, .n_params = net->n_params};
    b->net = net;
    *out = &b->model;
    return LSNN_OK;
}

static lsnn_status create(model **out, const lsnn_experiment *e, const model_shape *shape, dense_kind kind) {
    dense_spec spec = spec_of(e, kind);
    dense_net *net;
    spec.n_in = shape->n_in;
    spec.n_out = shape->n_out;
    lsnn_status status = dense_net_create(&net, &spec);
    return status == LSNN_OK ? wrap(out, net, shape->input) : status;
}

static lsnn_status create_lstm(model **out, const lsnn_experiment *e, const model_shape *shape) {
    return create(out, e, shape, DENSE_LSTM);
}

static lsnn_status create_rnn(model **out, const lsnn_experiment *e, const model_shape *shape) {
    return create(out, e, shape, DENSE_RNN);
}

static lsnn_status read(model **out, const lsnn_experiment *e, const tensor_file *file, dense_kind kind) {
    dense_spec spec = spec_of(e, kind);
    dense_net *net;
    lsnn_status status;
    TRY(tensor_file_need_checksum(file));
    TRY(dense_net_read(&net, &spec, file));
    TRY(wrap(out, net, LSNN_CURRENTS));
out:
    return status;
}

static lsnn_status read_lstm(model **out, const lsnn_experiment *e, const tensor_file *file) {
    return read(out, e, file, DENSE_LSTM);
}

static lsnn_status read_rnn(model **out, const lsnn_experiment *e, const tensor_file *file) {
    return read(out, e, file, DENSE_RNN);
}

static void free_model(model *m) {
    baseline *b = (baseline *)m;
    dense_net_free(b->net);
    free(b);
}

static double add_l2(const model *m, double strength, lsnn_gradient *gradient) {
    const dense_net *net = ((const baseline *)m)->net;
    size_t rows[2] = {(size_t)net->n_rows, (size_t)net->spec.n_out};
    size_t columns[2] = {(size_t)net->n_columns, (size_t)net->spec.n_units + 1}; /* the last is the bias */
    double sum = 0;
    size_t at = 0;
    for (int which = 0; which < 2; which++) {
        for (size_t r = 0; r < rows[which]; r++, at += columns[which]) {
            sum += gradient_add_l2(gradient->values + at, net->params + at, columns[which] - 1, strength);
        }
    }
    return sum;
}

static lsnn_status step(model *m, lsnn_adam *adam, const lsnn_gradient *gradient, float learning_rate) {
    return adam_move(adam, ((baseline *)m)->net->params, NULL, gradient, learning_rate);
}

static void write(const model *m, tensor_writer *writer) {
    dense_net_write(((const baseline *)m)->net, writer);
}

static void describe(const model *m, lsnn_needs *needs) {
    const dense_net *net = ((const baseline *)m)->net;
    needs->n_in = net->spec.n_in;
    needs->n_rec = net->spec.n_units;
    needs->n_out = net->spec.n_out;
    needs->n_synapses_in = (int64_t)net->n_rows * net->spec.n_in;
    needs->n_synapses_rec = (int64_t)net->n_rows * net->spec.n_units;
    needs->n_synapses_out = (int64_t)net->spec.n_out * net->spec.n_units;
    needs->n_params = (int64_t)net->n_params;
}

/* ---- a batch on its way through it ---- */

static dense_options run_options(const pass_options *options) {
    return (dense_options){
        .n_batch = options->n_batch, .n_steps = options->n_steps, .n_windows = options->n_windows, .train = options->train};
}

static double memory(const model *m, const lsnn_context *context, const pass_options *options) {
    dense_options o = run_options(options);
    return dense_run_memory(((const baseline *)m)->net, context, &o);
}

static void close_pass(pass *p) {
    baseline_pass *b = (baseline_pass *)p;
    dense_run_free(b->run);
    free(b->carried);
    free(b);
}

static lsnn_status open_pass(pass **out, const model *m, lsnn_context *context, const pass_options *options) {
    dense_options o = run_options(options);
    baseline_pass *b = calloc(1, sizeof *b);
    if (b == NULL) {
        return fail(LSNN_ERR_MEMORY, "no memory for a batch");
    }
    lsnn_status status = dense_run_create(&b->run, ((const baseline *)m)->net, context, &o, options->window_start, options->window_stop);
    if (status != LSNN_OK) {
        close_pass(&b->pass);
        return status;
    }
    b->pass =
        (pass){.kind = m->kind, .pool = context->pool, .n_batch = options->n_batch, .n_blocks = b->run->n_blocks, .output = b->run->output};
    *out = &b->pass;
    return LSNN_OK;
}

static lsnn_status begin(pass *p, bool from_rest, uint64_t noise_key, const int *length) {
    (void)noise_key; /* no noise */
    dense_begin(((baseline_pass *)p)->run, from_rest, length);
    return LSNN_OK;
}

static input_lane lane(const pass *p, int b) {
    return dense_input_lane(((const baseline_pass *)p)->run, b);
}

static int block_begin(const pass *p, int k) {
    return k * ((const baseline_pass *)p)->run->block;
}

static lsnn_status forward(pass *p, const step_hook *hook) {
    dense_forward(((baseline_pass *)p)->run, hook);
    return LSNN_OK;
}

static lsnn_status repeat(pass *p) {
    dense_rest(((baseline_pass *)p)->run);
    return LSNN_OK;
}

static lsnn_status backward(pass *p, const float *d_output, lsnn_gradient *gradient, double *rate_loss) {
    *rate_loss = 0;
    return dense_backward(((baseline_pass *)p)->run, d_output, gradient->values);
}

/* The weights of all sums at each step, those of the readout for each window; the cells' own few are left out. */
static pass_activity activity(const pass *p, int n_samples) {
    const dense_run *run = ((const baseline_pass *)p)->run;
    const dense_spec *spec = &run->net->spec;
    double step = (double)run->net->n_rows * (spec->n_in + spec->n_units + 1);
    double window = (double)spec->n_out * (spec->n_units + 1);
    double n_steps = 0;
    double n_windows = 0;
    for (int b = 0; b < n_samples; b++) {
        n_steps += run->length[b];
        for (int w = 0; w < run->options.n_windows; w++) {
            n_windows += run->window_start[w] < run->length[b];
        }
    }
    return (pass_activity){.spikes = NAN, .operations = n_steps * step + n_windows * window};
}

static const char *const carried_names[2] = {"carried.h", "carried.c"};

static lsnn_status write_carried(pass *p, tensor_writer *writer) {
    baseline_pass *b = (baseline_pass *)p;
    size_t n_units = (size_t)b->run->net->spec.n_units;
    size_t n = (size_t)p->n_batch * n_units;
    bool has_c = b->run->net->spec.kind == DENSE_LSTM;
    if (b->carried == NULL) {
        b->carried = malloc(2 * n * sizeof *b->carried);
    }
    if (b->carried == NULL) {
        return fail(LSNN_ERR_MEMORY, "no memory for the state of a batch");
    }
    for (int s = 0; s < p->n_batch; s++) {
        real *from[2];
        dense_state_at(b->run, s, &from[0], &from[1]);
        for (size_t a = 0; a < (has_c ? 2 : 1); a++) {
            for (size_t j = 0; j < n_units; j++) {
                b->carried[a * n + (size_t)s * n_units + j] = (float)from[a][j];
            }
        }
    }
    for (size_t a = 0; a < (has_c ? 2 : 1); a++) {
        tensor_writer_add(writer, carried_names[a], TENSOR_F32, 2, (int64_t[]){p->n_batch, (int64_t)n_units}, b->carried + a * n);
    }
    return LSNN_OK;
}

static lsnn_status read_carried(pass *p, const tensor_file *file) {
    lsnn_status status = LSNN_OK;
    baseline_pass *b = (baseline_pass *)p;
    size_t n_units = (size_t)b->run->net->spec.n_units;
    const tensor *t[2];
    size_t n_arrays = b->run->net->spec.kind == DENSE_LSTM ? 2 : 1;
    for (size_t a = 0; a < n_arrays; a++) {
        TRY(tensor_file_need(file, carried_names[a], TENSOR_F32, 2, (int64_t[]){p->n_batch, (int64_t)n_units}, &t[a]));
        for (size_t k = 0; k < t[a]->n; k++) {
            if (!isfinite(tensor_at(t[a], k)) || (a == 0 && fabs(tensor_at(t[a], k)) > 1)) {
                TRY(fail(LSNN_ERR_DATA, "%s: %s[%zu] is %g, which no network leaves behind; the file is damaged", tensor_file_path(file),
                         carried_names[a], k, tensor_at(t[a], k)));
            }
        }
    }
    for (int s = 0; s < p->n_batch; s++) {
        real *to[2];
        dense_state_at(b->run, s, &to[0], &to[1]);
        for (size_t a = 0; a < n_arrays; a++) {
            for (size_t j = 0; j < n_units; j++) {
                to[a][j] = (real)tensor_at(t[a], (size_t)s * n_units + j);
            }
        }
    }
out:
    return status;
}

/* One table a kind; what differs is the name, and which cell is made. */
#define BASELINE(name_, unit_, create_, read_)                                                                              \
    {                                                                                                                       \
        .name = name_, .unit = unit_, .create = create_, .read = read_, .free = free_model, .add_l2 = add_l2, .step = step, \
        .write = write, .describe = describe, .pass_memory = memory, .pass_open = open_pass, .pass_close = close_pass,      \
        .pass_begin = begin, .pass_lane = lane, .pass_block_begin = block_begin, .forward = forward, .repeat = repeat,      \
        .backward = backward, .activity = activity, .write_carried = write_carried, .read_carried = read_carried            \
    }

const model_kind model_lstm = BASELINE("lstm", "LSTM units", create_lstm, read_lstm);
const model_kind model_rnn = BASELINE("rnn", "tanh units", create_rnn, read_rnn);
