#include "dense/dense_run.h"

#include "machine/blas.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LINE_NUMBERS = 16 };

static void plan_block(const dense_run *run, dense_block *k, arena *a) {
    const dense_net *net = run->net;
    size_t n = (size_t)k->n;
    size_t n_units = (size_t)net->spec.n_units;
    size_t n_windows = (size_t)run->options.n_windows;
    size_t n_y = n_windows * n * (size_t)net->spec.n_out;
    bool train = run->options.train;
    k->z = arena_take(a, ((size_t)run->options.n_steps + 1) * n * (size_t)run->stride, sizeof(real));
    k->sums = arena_take(a, (size_t)run->n_kept * n * (size_t)net->n_rows, sizeof(real));
    k->c = net->spec.kind == DENSE_LSTM ? arena_take(a, ((size_t)run->n_kept + 1) * n * n_units, sizeof(real)) : NULL;
    k->h_mean = arena_take(a, n_windows * n * (n_units + 1), sizeof(real));
    k->y = arena_take(a, n_y, sizeof(real));
    k->d_y = train ? arena_take(a, n_y, sizeof(real)) : NULL;
    k->gradient = train ? arena_take(a, net->n_params, sizeof(real)) : NULL;
}

static void plan_scratch(const dense_run *run, dense_scratch *x, arena *a) {
    size_t units = (size_t)run->block * (size_t)run->net->spec.n_units;
    x->d_h = arena_take(a, units, sizeof(real));
    x->d_c = arena_take(a, units, sizeof(real));
    x->d_window = arena_take(a, units, sizeof(real));
    x->d_sums = arena_take(a, (size_t)DENSE_CHUNK * (size_t)run->block * (size_t)run->net->n_rows, sizeof(real));
}

static void plan(dense_run *run, arena *a) {
    const dense_options *o = &run->options;
    int n_threads = threads_count(run->pool);
    dense_block *blocks = arena_take(a, (size_t)run->n_blocks, sizeof *blocks);
    for (int k = 0; k < run->n_blocks; k++) {
        int left = o->n_batch - k * run->block;
        dense_block one = {.first = k * run->block, .n = left < run->block ? left : run->block};
        plan_block(run, &one, a);
        if (blocks != NULL) {
            blocks[k] = one;
        }
    }
    run->blocks = blocks;
    dense_scratch *scratch = arena_take(a, (size_t)n_threads, sizeof *scratch);
    for (int k = 0; o->train && k < n_threads; k++) {
        dense_scratch one;
        plan_scratch(run, &one, a);
        if (scratch != NULL) {
            scratch[k] = one;
        }
    }
    run->scratch = scratch;
    run->window_start = arena_take(a, (size_t)o->n_windows, sizeof *run->window_start);
    run->window_stop = arena_take(a, (size_t)o->n_windows, sizeof *run->window_stop);
    run->length = arena_take(a, (size_t)o->n_batch, sizeof *run->length);
    run->output = arena_take(a, (size_t)o->n_windows * (size_t)o->n_batch * (size_t)run->net->spec.n_out, sizeof *run->output);
}

static dense_run sketch(const dense_net *net, const lsnn_context *context, const dense_options *options) {
    int block = options->n_batch < 2 * DENSE_BLOCK ? DENSE_BLOCK / 2 : DENSE_BLOCK; /* two threads are faster than larger products */
    return (dense_run){.net = net,
                       .kernels = context->kernels,
                       .pool = context->pool,
                       .options = *options,
                       .stride = (net->n_columns + LINE_NUMBERS - 1) / LINE_NUMBERS * LINE_NUMBERS,
                       .n_kept = options->train ? options->n_steps : 1,
                       .n_blocks = (options->n_batch - 1) / block + 1,
                       .block = block};
}

double dense_run_memory(const dense_net *net, const lsnn_context *context, const dense_options *options) {
    dense_run run = sketch(net, context, options);
    plan(&run, &run.memory);
    return run.memory.too_large ? INFINITY : (double)run.memory.used;
}

static lsnn_status check_windows(const dense_options *o, const int *start, const int *stop) {
    for (int w = 0; w < o->n_windows; w++) {
        if (start[w] < (w > 0 ? stop[w - 1] : 0) || stop[w] <= start[w] || stop[w] > o->n_steps) {
            return fail(LSNN_ERR_USAGE, "window %d is %d..%d; windows must be in order, not empty, without overlap, and end by step %d", w,
                        start[w], stop[w], o->n_steps);
        }
    }
    return LSNN_OK;
}

static void set_lengths(dense_run *run, const int *length) {
    run->has_lengths = length != NULL;
    for (int piece = 0; piece < run->n_blocks; piece++) {
        dense_block *k = &run->blocks[piece];
        k->n_steps = 0;
        for (int b = k->first; b < k->first + k->n; b++) {
            run->length[b] = length != NULL ? length[b] : run->options.n_steps;
            k->n_steps = run->length[b] > k->n_steps ? run->length[b] : k->n_steps;
        }
    }
}

int dense_windows_of(const dense_run *run, const dense_block *k) {
    int n = run->options.n_windows;
    while (n > 0 && run->window_start[n - 1] >= k->n_steps) {
        n--;
    }
    return n;
}

int dense_window_end(const dense_run *run, const dense_block *k, int w) {
    return run->window_stop[w] < k->n_steps ? run->window_stop[w] : k->n_steps;
}

int dense_window_steps(const dense_run *run, int w, int b) {
    int end = run->length[b] < run->window_stop[w] ? run->length[b] : run->window_stop[w];
    return end > run->window_start[w] ? end - run->window_start[w] : 0;
}

lsnn_status dense_run_create(dense_run **out, const dense_net *net, lsnn_context *context, const dense_options *options,
                             const int *window_start, const int *window_stop) {
    lsnn_status status = LSNN_OK;
    dense_run *run = NULL;
    if (options->n_batch < 1 || options->n_steps < 1 || options->n_windows < 1) {
        return fail(LSNN_ERR_USAGE, "a batch of %d, %d steps, %d windows; each must be 1 or more", options->n_batch, options->n_steps,
                    options->n_windows);
    }
    TRY(check_windows(options, window_start, window_stop));
    run = malloc(sizeof *run);
    if (run == NULL) {
        TRY(fail(LSNN_ERR_MEMORY, "no memory for a batch"));
    }
    *run = sketch(net, context, options);
    plan(run, &run->memory);
    TRY(arena_open(&run->memory, "a batch in a dense network"));
    plan(run, &run->memory);
    memcpy(run->window_start, window_start, (size_t)options->n_windows * sizeof *window_start);
    memcpy(run->window_stop, window_stop, (size_t)options->n_windows * sizeof *window_stop);
    set_lengths(run, NULL);
    *out = run;
    run = NULL;
out:
    dense_run_free(run);
    return status;
}

void dense_run_free(dense_run *run) {
    if (run != NULL) {
        arena_release(&run->memory);
        free(run);
    }
}

void dense_state_at(const dense_run *run, int b, real **h, real **c) {
    const dense_block *k = &run->blocks[b / run->block];
    int t = run->has_run ? run->options.n_steps : 0;
    size_t at = (size_t)(b - k->first);
    *h = dense_z(run, k, t) + at * (size_t)run->stride;
    *c = k->c != NULL ? dense_c(run, k, t) + at * (size_t)run->net->spec.n_units : NULL;
}

input_lane dense_input_lane(const dense_run *run, int b) {
    const dense_block *k = &run->blocks[b / run->block];
    size_t stride = (size_t)run->stride;
    return (input_lane){
        .numbers = k->z + (size_t)(b - k->first) * stride + run->net->spec.n_units, .step = (size_t)k->n * stride, .input = 1};
}

/* ---- a new input ---- */

typedef struct begin_work {
    dense_run *run;
    bool from_rest;
} begin_work;

static void begin_block(void *user, int piece, int worker) {
    (void)worker;
    const begin_work *work = user;
    const dense_run *run = work->run;
    const dense_block *k = &run->blocks[piece];
    size_t n_units = (size_t)run->net->spec.n_units;
    size_t n_in = (size_t)run->net->spec.n_in;
    for (int s = 0; s < k->n; s++) {
        real *h;
        real *c;
        real *first = k->z + (size_t)s * (size_t)run->stride;
        real *first_c = k->c != NULL ? k->c + (size_t)s * n_units : NULL;
        dense_state_at(run, k->first + s, &h, &c);
        for (size_t j = 0; j < n_units; j++) {
            first[j] = work->from_rest ? 0 : h[j];
        }
        for (size_t j = 0; c != NULL && j < n_units; j++) {
            first_c[j] = work->from_rest ? 0 : c[j];
        }
        for (int t = 0; t < k->n_steps; t++) {
            real *x = dense_z(run, k, t) + (size_t)s * (size_t)run->stride + n_units;
            memset(x, 0, n_in * sizeof *x);
            x[n_in] = 1;
        }
    }
}

void dense_begin(dense_run *run, bool from_rest, const int *length) {
    begin_work work = {.run = run, .from_rest = from_rest || run->has_lengths};
    set_lengths(run, length);
    threads_run(run->pool, run->n_blocks, begin_block, &work);
    run->has_run = false;
}

/* ---- forward ---- */

static void run_step(const dense_run *run, const dense_block *k, int t) {
    const dense_net *net = run->net;
    real *sums = dense_sums(run, k, t);
    real *h = dense_z(run, k, t + 1);
    blas_multiply(k->n, net->n_rows, net->n_columns, (blas_matrix){dense_z(run, k, t), run->stride, false},
                  (blas_matrix){net->w, net->n_columns, true}, 0, sums, net->n_rows);
    if (net->spec.kind == DENSE_LSTM) {
        run->kernels->lstm_step(k->n, net->spec.n_units, sums, dense_c(run, k, t), dense_c(run, k, t + 1), h, run->stride);
    } else {
        run->kernels->rnn_step(k->n, net->spec.n_units, sums, h, run->stride);
    }
}

/* h(t) is part of the mean of window w, at last divided. */
static void add_to_window(const dense_run *run, const dense_block *k, int w, int t) {
    size_t n_units = (size_t)run->net->spec.n_units;
    bool first = t == run->window_start[w];
    for (size_t s = 0; s < (size_t)k->n; s++) {
        int n_own = dense_window_steps(run, w, k->first + (int)s);
        bool own = t < run->window_start[w] + n_own;
        bool last = t == run->window_start[w] + n_own - 1;
        real part = 1 / (real)n_own;
        const real *h = dense_z(run, k, t + 1) + s * (size_t)run->stride;
        real *mean = k->h_mean + ((size_t)w * (size_t)k->n + s) * (n_units + 1);
        for (size_t j = 0; j < n_units && own; j++) {
            real sum = first ? h[j] : mean[j] + h[j];
            mean[j] = last ? sum * part : sum;
        }
        for (size_t j = 0; j < n_units && n_own == 0; j++) {
            mean[j] = 0;
        }
        mean[n_units] = 1;
    }
}

/* What the samples of a block answer in window w: those that are over before it, y being NULL all of them, answer 0. */
static void put_output(const dense_run *run, const dense_block *k, int w, const real *y) {
    size_t n_out = (size_t)run->net->spec.n_out;
    for (size_t s = 0; s < (size_t)k->n; s++) {
        float *to = run->output + ((size_t)w * (size_t)run->options.n_batch + (size_t)k->first + s) * n_out;
        bool own = run->window_start[w] < run->length[k->first + (int)s];
        for (size_t o = 0; o < n_out; o++) {
            to[o] = own ? (float)y[s * n_out + o] : 0;
        }
    }
}

/* Window by window, so that an output is there as soon as its window ends, and is the same bits whoever waits for it. */
static void read_out(const dense_run *run, const dense_block *k, int w) {
    const dense_spec *s = &run->net->spec;
    size_t n = (size_t)k->n;
    size_t n_out = (size_t)s->n_out;
    const real *mean = k->h_mean + (size_t)w * n * ((size_t)s->n_units + 1);
    real *y = k->y + (size_t)w * n * n_out;
    blas_multiply(k->n, s->n_out, s->n_units + 1, (blas_matrix){mean, s->n_units + 1, false},
                  (blas_matrix){run->net->w_out, s->n_units + 1, true}, 0, y, s->n_out);
    put_output(run, k, w, y);
}

static void run_block(void *user, int piece, int worker) {
    (void)worker;
    const dense_run *run = user;
    const dense_block *k = &run->blocks[piece];
    int w = 0;
    int n_windows = dense_windows_of(run, k);
    blas_use_one_thread();
    for (int t = 0; t < k->n_steps; t++) {
        step_hook_tell(run->hook, k->first, k->n, t);
        run_step(run, k, t);
        if (w < n_windows && t >= run->window_start[w]) {
            add_to_window(run, k, w, t);
            if (t == dense_window_end(run, k, w) - 1) {
                read_out(run, k, w);
                w++;
            }
        }
    }
    for (; w < run->options.n_windows; w++) {
        put_output(run, k, w, NULL);
    }
    step_hook_tell(run->hook, k->first, k->n, k->n_steps);
}

void dense_forward(dense_run *run, const step_hook *hook) {
    run->hook = hook;
    threads_run(run->pool, run->n_blocks, run_block, run);
    run->hook = NULL;
    run->has_run = true;
}

void dense_rest(dense_run *run) {
    size_t n_units = (size_t)run->net->spec.n_units;
    run->has_run = false;
    for (int b = 0; b < run->options.n_batch; b++) {
        real *h;
        real *c;
        dense_state_at(run, b, &h, &c);
        memset(h, 0, n_units * sizeof *h);
        if (c != NULL) {
            memset(c, 0, n_units * sizeof *c);
        }
    }
}
