/* Times works, and says how near to the machine's limits they came. */
#include "bench/bench.h"

#include "base/clock.h"

#include <math.h>
#include <stdlib.h>

enum { MOST_TIMED = 7 };
static int compare_doubles(const void *a, const void *b) {
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *x, int n) {
    qsort(x, (size_t)n, sizeof *x, compare_doubles);
    return x[n / 2];
}

static lsnn_status iterate(bench *b, bench_parts *seconds) {
    lsnn_status status = LSNN_OK;
    double loss;
    double begun = clock_seconds();
    TRY(bench_fill(&b->work, b->sim));
    double filled = clock_seconds();
    TRY(lsnn_forward(b->sim));
    if (b->work.training) {
        TRY(lsnn_loss_cross_entropy(b->sim, b->class_of, b->d_output, &loss, NULL, NULL));
    }
    double forward = clock_seconds();
    if (b->work.training) {
        TRY(lsnn_backward(b->sim, b->d_output, &b->goal, b->gradient, NULL));
        TRY(lsnn_adam_step(b->adam, b->net, b->gradient, BENCH_LEARNING_RATE));
    }
    if (b->rewire != NULL) {
        TRY(lsnn_rewire_step(b->rewire, b->adam, BENCH_LEARNING_RATE));
    }
    double done = clock_seconds();
    *seconds = (bench_parts){.whole = done - begun, .forward = forward - filled, .backward = b->work.training ? done - forward : 0};
out:
    return status;
}

/* A program that hands in one step after the other, and reads the output of each. */
static lsnn_status walk(lsnn_sim *sim, const uint8_t *input, int n_steps, size_t n_step, bench_parts *seconds) {
    lsnn_status status = LSNN_OK;
    double begun = clock_seconds();
    lsnn_sim_reset(sim);
    for (int t = 0; t < n_steps; t++) {
        TRY(lsnn_sim_set_spikes(sim, input + (size_t)t * n_step, 1));
        TRY(lsnn_forward(sim));
    }
    double done = clock_seconds();
    *seconds = (bench_parts){.whole = done - begun, .forward = done - begun};
out:
    return status;
}

/* For works that are done step by step: a simulation that has room for one step, and the input of all. */
typedef struct stepper {
    lsnn_sim *sim;
    uint8_t *input;
} stepper;

static lsnn_status open_stepper(stepper *s, const bench *b, lsnn_context *context) {
    lsnn_status status = LSNN_OK;
    lsnn_sim_options options = {.n_batch = b->work.n_batch, .n_steps = 1, .n_windows = 1};
    s->input = calloc((size_t)b->work.n_steps * (size_t)b->work.n_batch, (size_t)b->work.n_in);
    if (s->input == NULL) {
        TRY(fail(LSNN_ERR_MEMORY, "no memory for an input of %d steps", b->work.n_steps));
    }
    TRY(lsnn_sim_create(&s->sim, b->net, context, &options));
    TRY(bench_fill(&b->work, b->sim));
    bench_copy_input(b->sim, s->input);
    TRY(lsnn_forward(b->sim)); /* the same bits: its spikes and rate are those of the steps */
out:
    return status;
}

/* One of the two ways that a spiking network is run. */
typedef struct spiking_run {
    bench *bench;
    const stepper *stepper;
} spiking_run;

static lsnn_status run_once(void *user, bench_parts *seconds) {
    const spiking_run *r = user;
    const lsnn_bench_work *work = &r->bench->work;
    bench_clear_count(r->bench);
    return r->stepper->sim != NULL
               ? walk(r->stepper->sim, r->stepper->input, work->n_steps, (size_t)work->n_batch * (size_t)work->n_in, seconds)
               : iterate(r->bench, seconds);
}

lsnn_status bench_time_runs(lsnn_status (*run)(void *user, bench_parts *seconds), void *user, const lsnn_bench_work *work,
                            lsnn_bench_row *row) {
    lsnn_status status = LSNN_OK;
    double whole[MOST_TIMED], forward[MOST_TIMED], backward[MOST_TIMED];
    bench_parts one;
    TRY(run(user, &one));
    int n = one.whole < 1 ? MOST_TIMED : one.whole < 3 ? 5 : 3;
    if (one.whole < 1) {
        TRY(run(user, &one));
    }
    for (int k = 0; k < n; k++) {
        TRY(run(user, &one));
        whole[k] = one.whole;
        forward[k] = one.forward;
        backward[k] = one.backward;
    }
    row->iteration_seconds = median(whole, n);
    row->forward_seconds = median(forward, n);
    row->backward_seconds = median(backward, n);
    row->seconds_min = whole[0]; /* in order now */
    row->seconds_max = whole[n - 1];
    row->step_seconds = row->iteration_seconds / work->n_steps;
    row->neuron_step_seconds = row->step_seconds / work->n_rec / work->n_batch;
out:
    return status;
}

static void compare_with_machine(lsnn_bench_row *row, const bench_machine *machine) {
    row->peak_flops = machine->flops;
    row->peak_bytes = machine->bytes;
    row->arithmetic_limit_seconds = row->flops / machine->flops;
    row->memory_limit_seconds = row->bytes / machine->bytes;
    row->of_limit = fmax(row->arithmetic_limit_seconds, row->memory_limit_seconds) / row->iteration_seconds;
}

/* Connections take sender, receiver and delay (2 bytes each) and their place ahead; parameters a weight and a sign, a gradient, and Adam's three. */
static double memory_of(const bench *b, const stepper *s, lsnn_context *context) {
    const lsnn_sim *sim = s->sim != NULL ? s->sim : b->sim;
    double bytes = lsnn_sim_memory(b->net, context, &sim->options);
    return bytes + (double)b->net->n_params * (b->work.training ? 31 : 15);
}

static lsnn_status time_spiking(lsnn_context *context, const lsnn_bench_work *work, lsnn_bench_row *row) {
    lsnn_status status = LSNN_OK;
    bench b;
    stepper s = {0};
    TRY(bench_open(&b, context, work));
    if (work->step_by_step) {
        TRY(open_stepper(&s, &b, context));
    }
    TRY(bench_time_runs(run_once, &(spiking_run){&b, &s}, work, row));
    bench_count count = bench_count_work(&b);
    row->flops = count.flops;
    row->bytes = count.bytes;
    row->rate_hz = lsnn_sim_rate(b.sim, NULL);
    row->n_synapses = (int64_t)(b.net->in.n + b.net->rec.n + b.net->out.n);
    row->memory_bytes = memory_of(&b, &s, context);
out:
    lsnn_sim_free(s.sim);
    free(s.input);
    bench_close(&b);
    return status;
}

static lsnn_status run_row(lsnn_context *context, const lsnn_bench_work *work, const bench_machine *machine,
                           void (*each)(void *user, const lsnn_bench_row *row), void *user) {
    lsnn_status status = LSNN_OK;
    lsnn_bench_row row = {.name = work->name, .n_batch = work->n_batch, .n_steps = work->n_steps, .n_in = work->n_in, .n_rec = work->n_rec};
    TRY(bench_check(work));
    TRY(work->lstm ? bench_time_lstm(context, work, &row) : time_spiking(context, work, &row));
    compare_with_machine(&row, machine);
    each(user, &row);
out:
    return status;
}

static lsnn_status run_standard(lsnn_context *context, const bench_machine *machine, void (*each)(void *user, const lsnn_bench_row *row),
                                void *user) {
    lsnn_status status = LSNN_OK;
    lsnn_bench_work dense, deepr, lstm, longer, inference;
    lsnn_bench_work_init(&dense);
    deepr = lstm = longer = inference = dense;
    dense.name = "smnist_dense";
    deepr.name = "smnist_deepr";
    deepr.connectivity = 0.12;
    lstm.name = "smnist_lstm";
    lstm.lstm = true;
    lstm.n_rec = 128;
    longer.name = "long";
    longer.n_batch = 10;
    longer.n_steps = 10000;
    longer.n_in = longer.n_rec = 300;
    inference.name = "inference";
    inference.n_batch = 1;
    inference.training = false;
    inference.step_by_step = true;
    const lsnn_bench_work *works[] = {&dense, &deepr, &lstm, &longer, &inference};
    for (size_t k = 0; k < sizeof works / sizeof *works; k++) {
        TRY(run_row(context, works[k], machine, each, user));
    }
out:
    return status;
}

lsnn_status lsnn_bench(lsnn_context *context, const lsnn_bench_work *work, void (*each)(void *user, const lsnn_bench_row *row),
                       void *user) {
    lsnn_status status = LSNN_OK;
    bench_machine machine;
    TRY(bench_measure_machine(&machine, context));
    TRY(work != NULL ? run_row(context, work, &machine, each, user) : run_standard(context, &machine, each, user));
out:
    return status;
}
