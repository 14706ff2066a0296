/* Builds a small network, lets Poisson spikes rain on it, and draws what its neurons do. The same input runs twice, step by step and as a whole:
 * both ways give the same bits, so an agent that acts at every step and a program that has the whole recording can share a network.
 *
 *   cc simulate.c -o simulate $(pkg-config --cflags --libs lsnn) && ./simulate */
#include <lsnn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { N_IN = 30, N_LIF = 6, N_ADAPTIVE = 6, N_REC = N_LIF + N_ADAPTIVE, N_STEPS = 110 };

/* Every function that can fail returns a status; lsnn_error() says in one line what went wrong. */
static void check(lsnn_status status) {
    if (status != LSNN_OK) {
        fprintf(stderr, "simulate: %s\n", lsnn_error());
        exit(lsnn_status_exit_code(status));
    }
}

/* Each input neuron spikes with probability 0.03 in each step of 1 ms: 30 Hz. */
static void draw_input(uint8_t spikes[N_STEPS][N_IN]) {
    srand(1);
    for (int t = 0; t < N_STEPS; t++) {
        for (int i = 0; i < N_IN; i++) {
            spikes[t][i] = rand() < 0.03 * RAND_MAX;
        }
    }
}

static void draw_raster(float z[N_STEPS][N_REC]) {
    for (int j = 0; j < N_REC; j++) {
        printf("%s %2d  ", j < N_LIF ? "LIF     " : "adaptive", j);
        for (int t = 0; t < N_STEPS; t++) {
            putchar(z[t][j] > 0 ? '|' : '.');
        }
        putchar('\n');
    }
}

int main(void) {
    static uint8_t input[N_STEPS][N_IN];
    static float z_steps[N_STEPS][N_REC], z_whole[N_STEPS][N_REC], v_steps[N_STEPS][N_REC], v_whole[N_STEPS][N_REC];
    float threshold[N_REC];

    lsnn_context *context;
    check(lsnn_context_create(&context, 0)); /* 0: a thread for each core */
    printf("lsnn %s, %d threads, kernels for %s\n", lsnn_version(), lsnn_context_threads(context), lsnn_context_isa(context));

    lsnn_net_spec spec;
    lsnn_net_spec_init(&spec); /* the defaults; then what differs */
    spec.n_in = N_IN;
    spec.n_lif = N_LIF;
    spec.n_adaptive = N_ADAPTIVE;
    spec.n_out = 1;
    spec.n_ref = 3;   /* steps of silence after a spike */
    spec.n_delay = 5; /* recurrent delays of 1..5 ms */
    lsnn_net *net;
    check(lsnn_net_create(&net, &spec));

    draw_input(input);

    lsnn_sim *sim;
    check(lsnn_sim_create(&sim, net, context, &(lsnn_sim_options){.n_batch = 1, .n_steps = 1, .n_windows = 1}));
    for (int t = 0; t < N_STEPS; t++) { /* each call goes on from the state in which the last one ended */
        check(lsnn_sim_set_spikes(sim, input[t], 1));
        check(lsnn_forward(sim));
        check(lsnn_sim_copy_state(sim, "z", z_steps[t]));
        check(lsnn_sim_copy_state(sim, "v", v_steps[t]));
    }
    check(lsnn_sim_copy_state(sim, "threshold", threshold));
    lsnn_sim_free(sim);

    /* The whole sequence in one call. Only a simulation that is made for training can tell afterwards what went on inside. */
    check(lsnn_sim_create(&sim, net, context, &(lsnn_sim_options){.n_batch = 1, .n_steps = N_STEPS, .n_windows = 1, .train = true}));
    check(lsnn_sim_set_spikes(sim, input[0], N_STEPS));
    check(lsnn_forward(sim));
    check(lsnn_sim_copy_trace(sim, "z", 0, z_whole[0]));
    check(lsnn_sim_copy_trace(sim, "v", 0, v_whole[0]));

    draw_raster(z_whole);
    int most = N_LIF; /* each spike of an adaptive neuron raises its own threshold, which then takes tau_a = 700 ms to fall */
    for (int j = N_LIF; j < N_REC; j++) {
        most = threshold[j] > threshold[most] ? j : most;
    }
    printf("mean rate %.1f Hz; the threshold of neuron %d rose from %.4f to %.4f\n", lsnn_sim_rate(sim, NULL), most, (double)spec.v_th,
           (double)threshold[most]);
    bool same = memcmp(z_steps, z_whole, sizeof z_whole) == 0 && memcmp(v_steps, v_whole, sizeof v_whole) == 0;
    printf("step by step and as a whole: %s\n", same ? "the same bits" : "DIFFERENT");

    lsnn_sim_free(sim); /* before the network and the context that it uses */
    lsnn_net_free(net);
    lsnn_context_free(context);
    return same ? 0 : 1;
}
