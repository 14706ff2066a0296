/* A batch of sequences on its way through a dense network, and back. It is cut into blocks of DENSE_BLOCK samples, or half as many where there would be one block alone, by its size alone; a block belongs to one
 * thread from first step to last, and each of its matrix products has the same shape on any number of threads.
 *
 * Samples may have different lengths. A block runs to the end of its longest; what comes after a sample's own end has no part in outputs and gradients.
 *
 * Before each step the block's rows z(t) = [h(t-1), x(t), 1] stand ready, so that one product a step, z(t) w^T, gives all sums of all units, input and
 * bias included; and one product for many steps, d_sums^T z, gives all their gradients. */
#ifndef LSNN_DENSE_DENSE_RUN_H
#define LSNN_DENSE_DENSE_RUN_H

#include "base/arena.h"
#include "data/input_lane.h"
#include "data/step_hook.h"
#include "dense/dense_net.h"
#include "machine/context.h"

enum { DENSE_BLOCK = 32 };

typedef struct dense_options {
    int n_batch, n_steps, n_windows;
    bool train;
} dense_options;

typedef struct dense_block {
    int first, n;   /* samples */
    int n_steps;    /* that are run: those of its longest sample */
    real *z;        /* [n_steps + 1][n][stride]; the last row has the last h alone */
    real *sums;     /* [n_kept][n][n_rows] the gates of an LSTM, after their nonlinearity */
    real *c;        /* [n_kept + 1][n][n_units] LSTM: cells before each step, and after the last */
    real *h_mean;   /* [n_windows][n][n_units + 1]: mean of h over the window, and 1 */
    real *y, *d_y;  /* [n_windows][n][n_out] */
    real *gradient; /* [n_params] */
} dense_block;

/* What a thread needs while it takes a block back. */
typedef struct dense_scratch {
    real *d_h, *d_c; /* [block][n_units] */
    real *d_window;  /* [block][n_units] what each step of the window receives from the readout */
    real *d_sums;    /* [DENSE_CHUNK][block][n_rows] of the last steps */
} dense_scratch;

typedef struct dense_run {
    const dense_net *net;
    const kernel_set *kernels;
    threads *pool;
    dense_options options;
    arena memory;
    int stride; /* numbers of a row of z: whole cache lines */
    int n_kept; /* steps that are kept: all for training, else 1 */
    int n_blocks;
    int block; /* samples of each but the last */
    dense_block *blocks;
    dense_scratch *scratch; /* [threads] */
    int *window_start, *window_stop;
    int *length;           /* [n_batch] steps that are each sample's own */
    bool has_lengths;      /* were they given? then nothing is carried on */
    const step_hook *hook; /* while it runs; or NULL */
    bool has_run;          /* the sequence was run; its end is where the next may begin */
    float *output;         /* [n_windows][n_batch][n_out] */
} dense_run;

/* Borrows network and context. window_start, window_stop [n_windows] in order, not empty, without overlap, within n_steps; copied. Errors: USAGE, MEMORY. */
lsnn_status dense_run_create(dense_run **out, const dense_net *net, lsnn_context *context, const dense_options *options,
                             const int *window_start, const int *window_stop);
void dense_run_free(dense_run *run);
/* Bytes that it takes. */
double dense_run_memory(const dense_net *net, const lsnn_context *context, const dense_options *options);

/* A new input, all 0, from h = c = 0 or from where the last sequence ended; after one with lengths it is always h = c = 0. length [n_batch]: 0..n_steps (0: an idle
 * place); NULL: all have n_steps. */
void dense_begin(dense_run *run, bool from_rest, const int *length);
/* Where the input of sample b goes. */
input_lane dense_input_lane(const dense_run *run, int b);
/* hook: who writes the input as it goes; NULL: it is all there. */
void dense_forward(dense_run *run, const step_hook *hook);
/* h = c = 0 before the input that is there, which the next dense_forward runs once more. */
void dense_rest(dense_run *run);
/* d_output [n_windows][n_batch][n_out]; gradient [n_params]. Errors: USAGE (not for training, or no dense_forward before). */
lsnn_status dense_backward(dense_run *run, const float *d_output, real *gradient);

/* h and c of sample b as they are now (but not after samples of different lengths). c is NULL in an RNN. */
void dense_state_at(const dense_run *run, int b, real **h, real **c);

/* ---- shared by the files of this room ---- */

enum { DENSE_CHUNK = 8 }; /* steps whose weight gradients are taken in one product */

static inline real *dense_z(const dense_run *run, const dense_block *k, int t) {
    return k->z + (size_t)t * (size_t)k->n * (size_t)run->stride;
}
static inline real *dense_sums(const dense_run *run, const dense_block *k, int t) {
    return k->sums + (size_t)(run->options.train ? t : 0) * (size_t)k->n * (size_t)run->net->n_rows;
}
/* Windows that a block reaches; the step after the last one of window w that it runs; the steps of window w that are sample b's own. */
int dense_windows_of(const dense_run *run, const dense_block *k);
int dense_window_end(const dense_run *run, const dense_block *k, int w);
int dense_window_steps(const dense_run *run, int w, int b);
/* Cells before step t; what is not kept alternates between two places. */
static inline real *dense_c(const dense_run *run, const dense_block *k, int t) {
    return k->c + (size_t)(run->options.train ? t : t & 1) * (size_t)k->n * (size_t)run->net->spec.n_units;
}

#endif
