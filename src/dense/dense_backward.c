/* Back-propagation through time in dense networks: docs/model.md, "Baselines". */
#include "dense/dense_run.h"

#include "machine/blas.h"

#include <string.h>

typedef struct backward_work {
    dense_run *run;
    const float *d_output;
    real *gradient;
} backward_work;

/* 0 for windows that begin after a sample's end. */
static void take_d_output(const dense_run *run, const dense_block *k, const float *d_output) {
    size_t n_out = (size_t)run->net->spec.n_out;
    for (size_t w = 0; w < (size_t)run->options.n_windows; w++) {
        for (size_t s = 0; s < (size_t)k->n; s++) {
            bool own = run->window_start[w] < run->length[k->first + (int)s];
            const float *from = d_output + (w * (size_t)run->options.n_batch + (size_t)k->first + s) * n_out;
            real *to = k->d_y + (w * (size_t)k->n + s) * n_out;
            for (size_t o = 0; o < n_out; o++) {
                to[o] = own ? (real)from[o] : 0;
            }
        }
    }
}

/* dW_out = sum over windows and samples of g_y [h, 1]^T. */
static void readout_gradients(const dense_run *run, const dense_block *k) {
    const dense_net *net = run->net;
    int columns = net->spec.n_units + 1;
    blas_multiply(net->spec.n_out, columns, dense_windows_of(run, k) * k->n, (blas_matrix){k->d_y, net->spec.n_out, true},
                  (blas_matrix){k->h_mean, columns, false}, 0, k->gradient + (net->w_out - net->params), columns);
}

/* What each step of window w receives: Wout^T g_y, divided by the sample's steps in it. */
static void window_gradients(const dense_run *run, const dense_block *k, const dense_scratch *x, int w) {
    const dense_spec *s = &run->net->spec;
    blas_multiply(k->n, s->n_units, s->n_out, (blas_matrix){k->d_y + (size_t)w * (size_t)k->n * (size_t)s->n_out, s->n_out, false},
                  (blas_matrix){run->net->w_out, s->n_units + 1, false}, 0, x->d_window, s->n_units);
    for (int b = 0; b < k->n; b++) {
        int n_steps = dense_window_steps(run, w, k->first + b);
        real part = n_steps > 0 ? 1 / (real)n_steps : 0;
        for (int j = 0; j < s->n_units; j++) {
            x->d_window[b * s->n_units + j] *= part;
        }
    }
}

/* Step t of window w receives it, where it is the sample's own. */
static void add_window_gradients(const dense_run *run, const dense_block *k, const dense_scratch *x, int w, int t) {
    int n_units = run->net->spec.n_units;
    for (int b = 0; b < k->n; b++) {
        bool own = t < run->window_start[w] + dense_window_steps(run, w, k->first + b);
        for (int j = b * n_units; own && j < (b + 1) * n_units; j++) {
            x->d_h[j] += x->d_window[j];
        }
    }
}

/* From the gradient of h(t), and of c(t), to those of the sums of step t, and of h(t-1), c(t-1). */
static void step_back(const dense_run *run, const dense_block *k, const dense_scratch *x, int t, real *d_sums) {
    const dense_net *net = run->net;
    int n_units = net->spec.n_units;
    if (net->spec.kind == DENSE_LSTM) {
        run->kernels->lstm_back(k->n, n_units, dense_sums(run, k, t), dense_c(run, k, t), dense_c(run, k, t + 1), x->d_h, x->d_c, d_sums);
    } else {
        run->kernels->rnn_back(k->n, n_units, dense_z(run, k, t + 1), run->stride, x->d_h, d_sums);
    }
    if (t > 0) {
        blas_multiply(k->n, n_units, net->n_rows, (blas_matrix){d_sums, net->n_rows, false}, (blas_matrix){net->w, net->n_columns, false},
                      0, x->d_h, n_units);
    }
}

static void back_block(void *user, int piece, int worker) {
    const backward_work *work = user;
    const dense_run *run = work->run;
    const dense_net *net = run->net;
    const dense_block *k = &run->blocks[piece];
    const dense_scratch *x = &run->scratch[worker];
    size_t units = (size_t)k->n * (size_t)net->spec.n_units;
    size_t step = (size_t)k->n * (size_t)net->n_rows;
    blas_use_one_thread();
    memset(k->gradient, 0, net->n_params * sizeof *k->gradient);
    memset(x->d_h, 0, units * sizeof *x->d_h);
    memset(x->d_c, 0, units * sizeof *x->d_c);
    take_d_output(run, k, work->d_output);
    readout_gradients(run, k);
    int w = dense_windows_of(run, k) - 1;
    for (int stop = w >= 0 ? dense_window_end(run, k, w) : 0, start; stop > 0;
         stop = start) { /* a chunk of steps at a time; what comes after the last window has no gradient */
        start = stop > DENSE_CHUNK ? stop - DENSE_CHUNK : 0;
        for (int t = stop - 1; t >= start; t--) {
            int window_end = w >= 0 ? dense_window_end(run, k, w) : 0;
            bool in_window = t < window_end;
            if (t == window_end - 1) {
                window_gradients(run, k, x, w);
            }
            if (in_window) {
                add_window_gradients(run, k, x, w, t);
            }
            step_back(run, k, x, t, x->d_sums + (size_t)(t - start) * step);
            w -= in_window && t == run->window_start[w];
        }
        blas_multiply(net->n_rows, net->n_columns, (stop - start) * k->n, (blas_matrix){x->d_sums, net->n_rows, true},
                      (blas_matrix){dense_z(run, k, start), run->stride, false}, 1, k->gradient, net->n_columns);
    }
}

enum { PARAMS_A_PIECE = 4096 };

/* Sums the blocks' gradients as a tree: blocks 0 and 1, 2 and 3...; then those sums: 0 and 2... */
static void add_up(void *user, int piece, int worker) {
    (void)worker;
    const backward_work *work = user;
    const dense_run *run = work->run;
    size_t begin = (size_t)piece * PARAMS_A_PIECE;
    size_t end = begin + PARAMS_A_PIECE < run->net->n_params ? begin + PARAMS_A_PIECE : run->net->n_params;
    for (int reach = 1; reach < run->n_blocks; reach *= 2) {
        for (int k = 0; k + reach < run->n_blocks; k += 2 * reach) {
            for (size_t p = begin; p < end; p++) {
                run->blocks[k].gradient[p] += run->blocks[k + reach].gradient[p];
            }
        }
    }
    memcpy(work->gradient + begin, run->blocks[0].gradient + begin, (end - begin) * sizeof(real));
}

lsnn_status dense_backward(dense_run *run, const float *d_output, real *gradient) {
    if (!run->options.train || !run->has_run) {
        return fail(LSNN_ERR_USAGE, "nothing to go back on; it takes options.train, and a dense_forward before");
    }
    backward_work work = {.run = run, .d_output = d_output, .gradient = gradient};
    threads_run(run->pool, run->n_blocks, back_block, &work);
    threads_run(run->pool, (int)((run->net->n_params + PARAMS_A_PIECE - 1) / PARAMS_A_PIECE), add_up, &work);
    return LSNN_OK;
}
