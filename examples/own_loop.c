/* A training loop with every part in your own hands. A network hears a beat every 200 ms, and is to draw a sine wave from beat to beat, without end. Its
 * output is read at each step; the loss, its gradient and the learning-rate schedule are written here; and each sequence goes on from the state in
 * which the one before ended (the gradient stops at that border, the spikes do not).
 *
 *   cc own_loop.c -o own_loop $(pkg-config --cflags --libs lsnn) -lm && ./own_loop */
#include <lsnn.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { N_IN = 10, N_LIF = 40, N_ADAPTIVE = 20, N_REC = N_LIF + N_ADAPTIVE, N_BATCH = 16, N_ITERATIONS = 300 };
enum { PERIOD = 200, N_STEPS = 125 }; /* no whole wave fits a sequence: where in the wave it is, the network knows from its state alone */

static const double pi = 3.14159265358979323846;
static uint8_t spikes[N_STEPS][N_BATCH][N_IN];
static float target[N_STEPS * N_BATCH], d_output[N_STEPS * N_BATCH];

static void check(lsnn_status status) {
    if (status != LSNN_OK) {
        fprintf(stderr, "own_loop: %s\n", lsnn_error());
        exit(lsnn_status_exit_code(status));
    }
}

/* The beat and the wave from `time` on. The samples of the batch are spread out over the wave. */
static void draw_sequence(int time) {
    for (int t = 0; t < N_STEPS; t++) {
        for (int b = 0; b < N_BATCH; b++) {
            int phase = (time + t + b * PERIOD / N_BATCH) % PERIOD;
            memset(spikes[t][b], phase < 10, N_IN); /* all inputs spike for 10 ms */
            target[t * N_BATCH + b] = (float)sin(2 * pi * phase / PERIOD);
        }
    }
}

/* L = mean of (y - target)^2 over all n numbers; dL/dy = 2 (y - target) / n. */
static double squared_error(const float *y) {
    const int n = N_STEPS * N_BATCH;
    double sum = 0;
    for (int k = 0; k < n; k++) {
        float excess = y[k] - target[k];
        sum += (double)(excess * excess);
        d_output[k] = 2 * excess / (float)n;
    }
    return sum / n;
}

/* Sample 0 over time: output and target, and voltage and threshold of the busiest adaptive neuron. */
static void show(lsnn_sim *sim) {
    static float v[N_STEPS][N_REC], threshold[N_STEPS][N_REC];
    float rate_hz[N_REC];
    int j = N_LIF;
    lsnn_sim_rate(sim, rate_hz);
    for (int i = N_LIF; i < N_REC; i++) {
        j = rate_hz[i] > rate_hz[j] ? i : j;
    }
    check(lsnn_sim_copy_trace(sim, "v", 0, v[0]));
    check(lsnn_sim_copy_trace(sim, "threshold", 0, threshold[0]));
    for (int t = 0; t < N_STEPS; t += 5) {
        double y = (double)lsnn_sim_output(sim)[t * N_BATCH];
        printf("%3d ms   output %5.2f   target %5.2f   neuron %d: v %7.4f, threshold %.4f   ", t, y, (double)target[t * N_BATCH], j,
               (double)v[t][j], (double)threshold[t][j]);
        printf("%*c\n", 16 + (int)(14 * y), '*');
    }
}

int main(void) {
    lsnn_net_spec spec;
    lsnn_net_spec_init(&spec);
    spec.n_in = N_IN;
    spec.n_lif = N_LIF;
    spec.n_adaptive = N_ADAPTIVE;
    spec.n_out = 1;
    spec.n_ref = 3;
    spec.n_delay = 20;                                  /* delays of up to 20 ms */
    spec.tau_a = (lsnn_spread){.low = 50, .high = 300}; /* ms, drawn neuron by neuron */
    lsnn_adam_options options;
    lsnn_adam_options_init(&options);

    lsnn_context *context;
    lsnn_net *net;
    lsnn_sim *sim;
    lsnn_gradient *gradient;
    lsnn_adam *adam;
    check(lsnn_context_create(&context, 0));
    check(lsnn_net_create(&net, &spec));
    lsnn_sim_options shape = {.n_batch = N_BATCH, .n_steps = N_STEPS, .n_windows = N_STEPS, .train = true};
    check(lsnn_sim_create(&sim, net, context, &shape));
    check(lsnn_gradient_create(&gradient, net));
    check(lsnn_adam_create(&adam, net, &options));

    int step[N_STEPS + 1]; /* an output window is a stretch of steps; here window t is step t alone */
    for (int t = 0; t <= N_STEPS; t++) {
        step[t] = t;
    }
    check(lsnn_sim_set_windows(sim, step, step + 1, N_STEPS));

    for (int k = 0; k <= N_ITERATIONS; k++) {
        draw_sequence(k * N_STEPS);
        check(lsnn_sim_set_spikes(sim, spikes[0][0], N_STEPS)); /* without lsnn_sim_reset: the state is carried over */
        check(lsnn_forward(sim));
        double error = squared_error(lsnn_sim_output(sim));
        if (k % 50 == 0) {
            printf("iteration %3d   mean squared error %.4f   %.1f Hz\n", k, error, lsnn_sim_rate(sim, NULL));
        }
        if (k == N_ITERATIONS) {
            show(sim); /* before the next step of Adam: traces are computed again, with the weights of now */
        }
        check(lsnn_backward(sim, d_output, &(lsnn_rate_goal){.strength = 1, .target_hz = 20}, gradient, NULL));
        double rate = 0.01 * (0.5 + 0.5 * cos(pi * k / N_ITERATIONS)); /* falls along a half cosine */
        check(lsnn_adam_step(adam, net, gradient, (float)rate));
    }

    lsnn_adam_free(adam);
    lsnn_gradient_free(gradient);
    lsnn_sim_free(sim);
    lsnn_net_free(net);
    lsnn_context_free(context);
    return 0;
}
