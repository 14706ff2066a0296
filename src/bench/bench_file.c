/* A work as a file, so that other programs can do the same. */
#include "bench/bench.h"

#include "base/arena.h"

#include <stdio.h>

enum { N_FIXED = 5, N_PARAMETERS = 4 };
static const char *const fixed_names[N_FIXED] = {"delay_in", "delay_rec", "tau_m", "tau_a", "beta"};
static const char *const parameter_names[N_PARAMETERS] = {"w_in", "w_rec", "w_out", "b_out"};

typedef struct bench_file {
    bench bench;
    tensor_writer *writer;
    arena memory; /* of the arrays below */
    uint8_t *input;
    float *fixed[N_FIXED], *parameters[N_PARAMETERS], *gradients[N_PARAMETERS];
    float loss, rate_loss;
} bench_file;

static float *plan_array(const lsnn_net *net, const char *name, arena *a) {
    net_array array;
    return net_find_array(net, name, &array) == LSNN_OK ? arena_take(a, (size_t)array.rows * (size_t)array.columns, sizeof(float)) : NULL;
}

static void plan(bench_file *f, arena *a) {
    const lsnn_bench_work *work = &f->bench.work;
    f->input = arena_take(a, (size_t)work->n_steps * (size_t)work->n_batch * (size_t)work->n_in, 1);
    for (int k = 0; k < N_FIXED; k++) {
        f->fixed[k] = plan_array(f->bench.net, fixed_names[k], a);
    }
    for (int k = 0; k < N_PARAMETERS; k++) {
        f->parameters[k] = plan_array(f->bench.net, parameter_names[k], a);
        f->gradients[k] = plan_array(f->bench.net, parameter_names[k], a);
    }
}

static lsnn_status run_iteration(bench_file *f) {
    lsnn_status status = LSNN_OK;
    bench *b = &f->bench;
    double loss, rate_loss;
    TRY(bench_fill(&b->work, b->sim));
    bench_copy_input(b->sim, f->input);
    TRY(lsnn_forward(b->sim));
    TRY(lsnn_loss_cross_entropy(b->sim, b->class_of, b->d_output, &loss, NULL, NULL));
    TRY(lsnn_backward(b->sim, b->d_output, &b->goal, b->gradient, &rate_loss));
    f->loss = (float)loss;
    f->rate_loss = (float)rate_loss;
out:
    return status;
}

static void add_floats(bench_file *f, const char *name, int64_t rows, int64_t columns, const float *data) {
    tensor_writer_add(f->writer, name, TENSOR_F32, columns == 1 ? 1 : 2, (int64_t[]){rows, columns}, data);
}

static lsnn_status add_network(bench_file *f) {
    lsnn_status status = LSNN_OK;
    const lsnn_net *net = f->bench.net;
    net_array array;
    for (int k = 0; k < N_FIXED; k++) {
        TRY(net_find_array(net, fixed_names[k], &array));
        TRY(lsnn_net_copy(net, array.name, f->fixed[k], (size_t)array.rows * (size_t)array.columns));
        add_floats(f, array.name, array.rows, array.columns, f->fixed[k]);
    }
    for (int k = 0; k < N_PARAMETERS; k++) {
        char name[32];
        TRY(net_find_array(net, parameter_names[k], &array));
        snprintf(name, sizeof name, "gradient.%s", array.name);
        net_array_spread(&array, net->params, f->parameters[k]);
        net_array_spread(&array, f->bench.gradient->values, f->gradients[k]);
        add_floats(f, array.name, array.rows, array.columns, f->parameters[k]);
        add_floats(f, name, array.rows, array.columns, f->gradients[k]);
    }
out:
    return status;
}

static void add_work(bench_file *f) {
    const bench *b = &f->bench;
    int64_t n_batch = b->work.n_batch;
    tensor_writer_add(f->writer, "input", TENSOR_U8, 3, (int64_t[]){b->work.n_steps, n_batch, b->work.n_in}, f->input);
    tensor_writer_add(f->writer, "class", TENSOR_I32, 1, &n_batch, b->class_of);
    add_floats(f, "output", n_batch, b->net->spec.n_out, lsnn_sim_output(b->sim));
    add_floats(f, "loss", 1, 1, &f->loss);
    add_floats(f, "rate_loss", 1, 1, &f->rate_loss);
}

static void add_texts(bench_file *f) {
    const bench *b = &f->bench;
    const lsnn_net_spec *spec = &b->net->spec;
    const struct {
        const char *key;
        double value;
    } numbers[] = {
        {"dt", (double)spec->dt},
        {"v_th", (double)spec->v_th},
        {"gamma", (double)spec->gamma},
        {"n_ref", spec->n_ref},
        {"tau_out", (double)spec->tau_out},
        {"r_m", (double)spec->r_m},
        {"window_start", bench_window_start(&b->work)},
        {"window_stop", b->work.n_steps},
        {"rate_strength", (double)b->goal.strength},
        {"rate_target_hz", (double)b->goal.target_hz},
        {"rate_hz", lsnn_sim_rate(b->sim, NULL)},
    };
    tensor_writer_text(f->writer, "kind", "bench");
    tensor_writer_text(f->writer, "lsnn", LSNN_VERSION);
    for (size_t k = 0; k < sizeof numbers / sizeof *numbers; k++) {
        char text[32];
        snprintf(text, sizeof text, "%.9g", numbers[k].value);
        tensor_writer_text(f->writer, numbers[k].key, text);
    }
}

lsnn_status lsnn_bench_write(lsnn_context *context, const lsnn_bench_work *work, const char *path) {
    lsnn_status status = LSNN_OK;
    bench_file f = {0};
    lsnn_bench_work learning = *work; /* gradients are for all */
    learning.training = true;
    learning.step_by_step = false;
    if (work->lstm) {
        return fail(LSNN_ERR_USAGE, "an LSTM's work is not written; leave out lstm, or the file");
    }
    TRY(bench_open(&f.bench, context, &learning));
    TRY(tensor_writer_create(&f.writer));
    plan(&f, &f.memory);
    TRY(arena_open(&f.memory, "benchmark's file"));
    plan(&f, &f.memory);
    TRY(run_iteration(&f));
    TRY(add_network(&f));
    add_work(&f);
    add_texts(&f);
    TRY(tensor_writer_save(f.writer, path, NULL));
out:
    tensor_writer_free(f.writer);
    arena_release(&f.memory);
    bench_close(&f.bench);
    return status;
}
