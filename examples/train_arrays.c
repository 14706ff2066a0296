/* Trains a network on arrays of your own. Three cues come one after another, in any order; after a pause a go signal asks: which came first? All that
 * is left of the cues by then are the raised thresholds of the adaptive neurons that they excited: the network's memory. (Without them, with
 * spec.beta = (lsnn_spread){0}, the accuracy stays near chance, 33 %.)
 *
 *   cc train_arrays.c -o train_arrays $(pkg-config --cflags --libs lsnn) && ./train_arrays [MODEL.safetensors] */
#include <lsnn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { N_CUES = 3, N_GROUP = 8, N_IN = (N_CUES + 1) * N_GROUP, N_BATCH = 64, N_ITERATIONS = 400, N_TESTS = 10 };
enum { CUE_MS = 40, PAUSE_MS = 150, GO_MS = 40, N_STEPS = N_CUES * CUE_MS + PAUSE_MS + GO_MS };

static uint8_t spikes[N_STEPS][N_BATCH][N_IN]; /* a batch: inputs, 0 or 1, */
static int32_t first[N_BATCH];                 /* the right answers, */
static float d_output[N_BATCH][N_CUES];        /* and the gradient of the loss with respect to the network's answers */

static void check(lsnn_status status) {
    if (status != LSNN_OK) {
        fprintf(stderr, "train_arrays: %s\n", lsnn_error());
        exit(lsnn_status_exit_code(status));
    }
}

/* Uniform in [0, 1), and never the same numbers again: no batch is seen twice. */
static double uniform(void) {
    static uint64_t state = 1;
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (double)(state >> 11) * 0x1p-53;
}

static void draw_batch(void) {
    static const int orders[6][N_CUES] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
    memset(spikes, 0, sizeof spikes);
    for (int b = 0; b < N_BATCH; b++) {
        const int *order = orders[(int)(6 * uniform())];
        first[b] = order[0];
        for (int t = 0; t < N_STEPS; t++) {
            bool cue = t < N_CUES * CUE_MS;
            bool go = t >= N_STEPS - GO_MS;
            int group = cue ? order[t / CUE_MS] : N_CUES; /* the last group of inputs is the go signal */
            for (int i = 0; i < N_GROUP && (cue || go); i++) {
                spikes[t][b][group * N_GROUP + i] = uniform() < 0.1; /* 100 Hz */
            }
        }
    }
}

/* Shows the network a new batch; returns the fraction of right answers. */
static double show_batch(lsnn_sim *sim, double *loss) {
    int64_t n_wrong, n_counted;
    draw_batch();
    lsnn_sim_reset(sim); /* each sequence starts from rest */
    check(lsnn_sim_set_spikes(sim, spikes[0][0], N_STEPS));
    check(lsnn_forward(sim));
    check(lsnn_loss_cross_entropy(sim, first, d_output[0], loss, &n_wrong, &n_counted));
    return 1 - (double)n_wrong / (double)n_counted;
}

int main(int argc, char **argv) {
    lsnn_net_spec spec;
    lsnn_net_spec_init(&spec);
    spec.n_in = N_IN;
    spec.n_lif = 20;
    spec.n_adaptive = 20;
    spec.n_out = N_CUES;
    spec.n_ref = 3;
    spec.tau_a = (lsnn_spread){.low = 300, .high = 300}; /* ms: about as long as the memory has to last */
    lsnn_adam_options options;
    lsnn_adam_options_init(&options);

    lsnn_context *context;
    lsnn_net *net;
    lsnn_sim *sim;
    lsnn_gradient *gradient;
    lsnn_adam *adam;
    check(lsnn_context_create(&context, 0));
    check(lsnn_net_create(&net, &spec));
    lsnn_sim_options shape = {.n_batch = N_BATCH, .n_steps = N_STEPS, .n_windows = 1, .train = true};
    check(lsnn_sim_create(&sim, net, context, &shape));
    check(lsnn_sim_set_windows(sim, &(int){N_STEPS - GO_MS}, &(int){N_STEPS}, 1)); /* the answer: the mean output during the go signal */
    check(lsnn_gradient_create(&gradient, net));
    check(lsnn_adam_create(&adam, net, &options));

    lsnn_rate_goal goal = {.strength = 1, .target_hz = 20}; /* pulls the rate of every neuron towards 20 Hz */
    for (int k = 0; k <= N_ITERATIONS; k++) {
        double loss, accuracy = show_batch(sim, &loss);
        if (k % 50 == 0) {
            printf("iteration %3d   loss %.3f   accuracy %5.1f %%   %.1f Hz\n", k, loss, 100 * accuracy, lsnn_sim_rate(sim, NULL));
        }
        check(lsnn_backward(sim, d_output[0], &goal, gradient, NULL));
        check(lsnn_adam_step(adam, net, gradient, 0.01f * (1 - (float)k / (N_ITERATIONS + 1)))); /* a learning rate that falls in a line */
    }

    double loss, accuracy = 0;
    for (int k = 0; k < N_TESTS; k++) {
        accuracy += show_batch(sim, &loss) / N_TESTS;
    }
    const char *path = argc > 1 ? argv[1] : "cues.safetensors";
    check(lsnn_net_save(net, path)); /* lsnn_net_load reads it again */
    printf("accuracy %.1f %% on %d fresh sequences; the network is in %s\n", 100 * accuracy, N_TESTS * N_BATCH, path);

    lsnn_adam_free(adam);
    lsnn_gradient_free(gradient);
    lsnn_sim_free(sim);
    lsnn_net_free(net);
    lsnn_context_free(context);
    return 0;
}
