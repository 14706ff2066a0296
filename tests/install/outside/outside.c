/* A program of somebody else's: simulates a small network through the installed library, and finds the experiments that were installed. */
#include <lsnn.h>
#include <stdio.h>
#include <string.h>

enum { N_IN = 4, N_STEPS = 50 };

static void count(void *user, const char *name, const char *summary) {
    (void)name;
    (void)summary;
    ++*(int *)user;
}

int main(void) {
    lsnn_net_spec spec;
    lsnn_net_spec_init(&spec);
    spec.n_in = N_IN;
    spec.n_lif = 6;
    spec.n_adaptive = 2;
    spec.n_out = 3;
    spec.seed = 1;
    lsnn_sim_options options = {.n_batch = 1, .n_steps = N_STEPS, .n_windows = 1, .train = false};
    uint8_t spikes[N_STEPS][1][N_IN];
    memset(spikes, 1, sizeof spikes);

    lsnn_context *context = NULL;
    lsnn_net *net = NULL;
    lsnn_sim *sim = NULL;
    int n_experiments = 0;
    int exit_code = 1;
    if (strcmp(lsnn_version(), LSNN_VERSION) == 0 && lsnn_context_create(&context, 1) == LSNN_OK &&
        lsnn_net_create(&net, &spec) == LSNN_OK && lsnn_sim_create(&sim, net, context, &options) == LSNN_OK &&
        lsnn_sim_set_spikes(sim, &spikes[0][0][0], N_STEPS) == LSNN_OK && lsnn_forward(sim) == LSNN_OK &&
        lsnn_experiment_list(count, &n_experiments) == LSNN_OK) {
        printf("lsnn %s: %.1f Hz, output %.4f, %d experiments\n", lsnn_version(), lsnn_sim_rate(sim, NULL), (double)lsnn_sim_output(sim)[0],
               n_experiments);
        exit_code = n_experiments > 0 ? 0 : 1;
    } else {
        printf("error: %s\n", lsnn_error());
    }
    lsnn_sim_free(sim);
    lsnn_net_free(net);
    lsnn_context_free(context);
    return exit_code;
}
