/* How long whole training iterations take on this machine: sequential-MNIST-sized networks on made-up strokes. */
#include "base/clock.h"
#include "base/rng.h"
#include "learn/gradient.h"
#include "run/setup.h"

#include <stdlib.h>

enum { N_BATCH = 256, N_STEPS = 840, N_IMAGE_STEPS = 784, N_IN = 80, N_READOUT = 28, WARM_UP = 2, TIMED = 7 };

static int compare_doubles(const void *a, const void *b) {
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *x, int n) {
    qsort(x, (size_t)n, sizeof *x, compare_doubles);
    return x[n / 2];
}

/* About as many spikes as a digit makes: 60 strokes, each crossing 39 thresholds up and, some steps later, down; then the cue. */
static void write_strokes(lsnn_sim *sim) {
    for (int b = 0; b < N_BATCH; b++) {
        int lane;
        block *k = sim_block_of(sim, b, &lane);
        rng_sequence random = rng_sequence_start(1, RNG_BENCH, (uint64_t)b);
        for (int stroke = 0; stroke < 30; stroke++) {
            int t = (int)(rng_next(&random) * (N_IMAGE_STEPS - 6));
            int width = 1 + (int)(rng_next(&random) * 5);
            for (int threshold = 0; threshold < 39; threshold++) {
                sim_add_spike(sim, k, lane, t, threshold);
                sim_add_spike(sim, k, lane, t + width, 39 + threshold);
            }
        }
        for (int t = N_IMAGE_STEPS; t < N_STEPS; t++) {
            sim_add_spike(sim, k, lane, t, N_IN - 1);
        }
    }
}

typedef struct bench {
    lsnn_net *net;
    lsnn_sim *sim;
    lsnn_gradient *gradient;
    lsnn_adam *adam;
    int32_t *class_of; /* [N_BATCH] */
    float *d_output;   /* [N_BATCH][10] */
} bench;

/* Times of input, forward with loss, and backward with optimiser. */
static lsnn_status iterate(bench *b, double seconds[3]) {
    lsnn_status status = LSNN_OK;
    double loss;
    double begun = clock_seconds();
    lsnn_sim_reset(b->sim);
    TRY(sim_begin_input(b->sim, N_STEPS));
    write_strokes(b->sim);
    double filled = clock_seconds();
    TRY(lsnn_forward(b->sim));
    TRY(lsnn_loss_cross_entropy(b->sim, b->class_of, b->d_output, &loss, NULL, NULL));
    double forward = clock_seconds();
    TRY(lsnn_backward(b->sim, b->d_output, &(lsnn_rate_goal){.strength = 0.1f, .target_hz = 10}, b->gradient, NULL));
    TRY(lsnn_adam_step(b->adam, b->net, b->gradient, 0.001f));
    double backward = clock_seconds();
    seconds[0] = backward - begun;
    seconds[1] = forward - filled;
    seconds[2] = backward - forward;
out:
    return status;
}

static lsnn_status run_row(lsnn_context *context, const char *name, float connectivity, float scale,
                           void (*each)(void *user, const lsnn_bench_row *row), void *user) {
    lsnn_status status = LSNN_OK;
    bench b = {0};
    lsnn_net_spec spec;
    lsnn_net_spec_init(&spec);
    spec.n_in = N_IN;
    spec.n_lif = 120;
    spec.n_adaptive = 100;
    spec.n_out = 10;
    spec.n_ref = 5;
    spec.n_delay = 10;
    spec.connectivity = connectivity;
    spec.scale_in = scale;
    spec.scale_rec = scale;
    lsnn_sim_options options = {.n_batch = N_BATCH, .n_steps = N_STEPS, .n_windows = 1, .train = true};
    lsnn_adam_options adam;
    lsnn_adam_options_init(&adam);
    TRY(lsnn_net_create(&b.net, &spec));
    TRY(lsnn_sim_create(&b.sim, b.net, context, &options));
    TRY(lsnn_sim_set_windows(b.sim, (int[]){N_STEPS - N_READOUT}, (int[]){N_STEPS}, 1));
    TRY(lsnn_gradient_create(&b.gradient, b.net));
    TRY(lsnn_adam_create(&b.adam, b.net, &adam));
    b.class_of = calloc(N_BATCH, sizeof *b.class_of);
    b.d_output = calloc((size_t)N_BATCH * 10, sizeof *b.d_output);
    if (b.class_of == NULL || b.d_output == NULL) {
        TRY(fail(LSNN_ERR_MEMORY, "no memory for a benchmark"));
    }
    for (int k = 0; k < N_BATCH; k++) {
        b.class_of[k] = k % 10;
    }
    double times[3][TIMED];
    for (int k = -WARM_UP; k < TIMED; k++) {
        double one[3];
        TRY(iterate(&b, one));
        for (int part = 0; part < 3 && k >= 0; part++) {
            times[part][k] = one[part];
        }
    }
    lsnn_bench_row row = {.name = name,
                          .iteration_seconds = median(times[0], TIMED),
                          .forward_seconds = median(times[1], TIMED),
                          .backward_seconds = median(times[2], TIMED),
                          .memory_bytes = lsnn_sim_memory(b.net, context, &options),
                          .rate_hz = lsnn_sim_rate(b.sim, NULL),
                          .n_batch = N_BATCH,
                          .n_steps = N_STEPS,
                          .n_rec = b.net->n_rec};
    each(user, &row);
out:
    free(b.class_of);
    free(b.d_output);
    lsnn_adam_free(b.adam);
    lsnn_gradient_free(b.gradient);
    lsnn_sim_free(b.sim);
    lsnn_net_free(b.net);
    return status;
}

lsnn_status lsnn_bench(lsnn_context *context, void (*each)(void *user, const lsnn_bench_row *row), void *user) {
    lsnn_status status = LSNN_OK;
    TRY(run_row(context, "smnist_dense", 1, 0.5f, each, user));
    TRY(run_row(context, "smnist_sparse", 0.12f, 0.35f, each, user));
out:
    return status;
}
