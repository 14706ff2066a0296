/* The works once more, for an LSTM: what other programs' LSTMs are compared with. */
#include "base/clock.h"
#include "bench/bench.h"
#include "dense/dense_run.h"
#include "learn/adam.h"
#include "learn/loss.h"

#include <math.h>
#include <stdlib.h>

enum { N_OUT = 10 };

typedef struct lstm_run {
    const lsnn_bench_work *work;
    dense_net *net;
    dense_run *run;
    lsnn_gradient *gradient; /* NULL without training, as the rest */
    lsnn_adam *adam;
    int32_t *class_of; /* [n_batch] */
    float *d_output;   /* [n_batch][N_OUT] */
} lstm_run;

static void close_run(lstm_run *r) {
    free(r->class_of);
    free(r->d_output);
    lsnn_adam_free(r->adam);
    lsnn_gradient_free(r->gradient);
    dense_run_free(r->run);
    dense_net_free(r->net);
}

static lsnn_status open_run(lstm_run *r, lsnn_context *context, const lsnn_bench_work *work) {
    lsnn_status status = LSNN_OK;
    lsnn_adam_options adam;
    dense_spec spec = {
        .kind = DENSE_LSTM, .n_in = work->n_in, .n_units = work->n_rec, .n_out = N_OUT, .forget_bias = 1, .scale_in = 1, .scale_rec = 1};
    dense_options options = {.n_batch = work->n_batch, .n_steps = work->n_steps, .n_windows = 1, .train = work->training};
    *r = (lstm_run){.work = work};
    lsnn_adam_options_init(&adam);
    TRY(dense_net_create(&r->net, &spec));
    TRY(dense_run_create(&r->run, r->net, context, &options, (int[]){work->n_steps - 1}, (int[]){work->n_steps}));
    if (work->training) {
        TRY(gradient_create(&r->gradient, r->net->n_params));
        TRY(adam_create(&r->adam, r->net->n_params, &adam));
        r->class_of = calloc((size_t)work->n_batch, sizeof *r->class_of);
        r->d_output = calloc((size_t)work->n_batch * N_OUT, sizeof *r->d_output);
        if (r->class_of == NULL || r->d_output == NULL) {
            TRY(fail(LSNN_ERR_MEMORY, "no memory for the outputs of %d samples", work->n_batch));
        }
        for (int b = 0; b < work->n_batch; b++) {
            r->class_of[b] = b % N_OUT;
        }
    }
out:
    return status;
}

static lsnn_status run_once(void *user, bench_parts *seconds) {
    lsnn_status status = LSNN_OK;
    lstm_run *r = user;
    double loss;
    int64_t n_wrong, n_counted;
    double begun = clock_seconds();
    dense_begin(r->run, true, NULL);
    for (int b = 0; b < r->work->n_batch; b++) {
        input_lane to = dense_input_lane(r->run, b);
        bench_write_sample(r->work, &to, b);
    }
    double filled = clock_seconds();
    dense_forward(r->run, NULL);
    double forward = clock_seconds();
    if (r->work->training) {
        loss_input outputs = {.output = r->run->output, .n_windows = 1, .n_batch = r->work->n_batch, .n_out = N_OUT};
        TRY(loss_cross_entropy(&outputs, r->class_of, r->d_output, &loss, &n_wrong, &n_counted));
        TRY(dense_backward(r->run, r->d_output, r->gradient->values));
        TRY(adam_move(r->adam, r->net->params, NULL, r->gradient, BENCH_LEARNING_RATE));
    }
    double done = clock_seconds();
    *seconds = (bench_parts){.whole = done - begun, .forward = forward - filled, .backward = r->work->training ? done - forward : 0};
out:
    return status;
}

/* Products: forward all weights, back those of h for its gradient, and all for the weights' gradients. Memory: what forward keeps for back. */
static void count_work(const lstm_run *r, lsnn_bench_row *row) {
    double samples_steps = (double)r->work->n_batch * r->work->n_steps;
    double all = (double)r->net->n_rows * r->net->n_columns, recurrent = (double)r->net->n_rows * r->net->spec.n_units;
    double kept = (double)r->run->stride + r->net->n_rows + r->net->spec.n_units;
    row->flops = 2 * samples_steps * (all + (r->work->training ? all + recurrent : 0));
    row->bytes = r->work->training ? 2 * samples_steps * kept * (double)sizeof(real) : 0;
    row->n_synapses = (int64_t)(r->net->n_rows * (r->net->n_columns - 1) + N_OUT * r->net->spec.n_units);
}

lsnn_status bench_time_lstm(lsnn_context *context, const lsnn_bench_work *work, lsnn_bench_row *row) {
    lsnn_status status = LSNN_OK;
    lstm_run r;
    TRY(open_run(&r, context, work));
    TRY(bench_time_runs(run_once, &r, work, row));
    count_work(&r, row);
    row->rate_hz = NAN;
    row->memory_bytes = dense_run_memory(r.net, context, &r.run->options) + (double)r.net->n_params * (work->training ? 20 : 4);
out:
    close_run(&r);
    return status;
}
