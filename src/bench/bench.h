/* The works of lsnn bench: made-up strokes through a network of the size and rate that was asked for. */
#ifndef LSNN_BENCH_BENCH_H
#define LSNN_BENCH_BENCH_H

#include "learn/gradient.h"
#include "learn/rewire.h"
#include "net/sim.h"

#define BENCH_RATE_STRENGTH 0.1f

/* A work, ready to run. */
typedef struct bench {
    lsnn_bench_work work;
    lsnn_net *net;
    lsnn_rewire *rewire; /* NULL: dense, or without training */
    lsnn_sim *sim;
    lsnn_gradient *gradient; /* NULL without training, as adam */
    lsnn_adam *adam;
    int32_t *class_of; /* [n_batch] */
    float *d_output;   /* [n_batch][n_out] */
    lsnn_rate_goal goal;
} bench;

/* Makes the network, with weights scaled until it fires at the wished rate, and all that an iteration needs. Whatever happens, bench_close it.
 * Errors: USAGE (out of range), MEMORY. */
lsnn_status bench_open(bench *b, lsnn_context *context, const lsnn_bench_work *work);
void bench_close(bench *b);
/* Checks what a user wishes. Errors: USAGE. */
lsnn_status bench_check(const lsnn_bench_work *work);
/* The input of sample b: always the same. */
void bench_write_sample(const lsnn_bench_work *work, const input_lane *to, int b);
/* Puts everyone at rest, and writes the input of all samples. */
lsnn_status bench_fill(const lsnn_bench_work *work, lsnn_sim *sim);
/* The input that was written last, to [n_steps][n_batch][n_in]. */
void bench_copy_input(const lsnn_sim *sim, uint8_t *to);
/* The cue and the output's window. */
static inline int bench_cue_start(const lsnn_bench_work *work) {
    return work->n_steps - (work->n_steps + 14) / 15;
}
static inline int bench_window_start(const lsnn_bench_work *work) {
    return work->n_steps - (work->n_steps + 29) / 30;
}

/* One timed run, in seconds; and timing: two runs to warm up and seven that count, one and fewer where they are long. Fills in the row's times. */
typedef struct bench_parts {
    double whole, forward, backward;
} bench_parts;
lsnn_status bench_time_runs(lsnn_status (*run)(void *user, bench_parts *seconds), void *user, const lsnn_bench_work *work,
                            lsnn_bench_row *row);
/* The same work for an LSTM of work->n_rec units. Errors: USAGE, MEMORY. */
lsnn_status bench_time_lstm(lsnn_context *context, const lsnn_bench_work *work, lsnn_bench_row *row);
/* So small that the rate stays, and large enough that some synapses die and wake in each step of DEEP R: those take their time. */
#define BENCH_LEARNING_RATE 1e-5f

/* What the machine gives, a second, with all threads of a context. */
typedef struct bench_machine {
    double flops, bytes;
} bench_machine;
/* Errors: MEMORY. */
lsnn_status bench_measure_machine(bench_machine *out, lsnn_context *context);
/* What the iteration that was just run takes at least. Counts what backward gathered since bench_clear_count. */
typedef struct bench_count {
    double flops, bytes;
} bench_count;
void bench_clear_count(bench *b);
bench_count bench_count_work(const bench *b);

#endif
