#include "run/setup.h"

#include <stdlib.h>
#include <string.h>

/* tau_a and beta are listed for adaptive neurons alone: the LIF neurons before them get `lif`. The caller frees. */
static float *with_lif(const lsnn_spread *spread, int n_lif, int n_adaptive, float lif) {
    float *values = malloc((size_t)(n_lif + n_adaptive + 1) * sizeof *values);
    for (int j = 0; values != NULL && j < n_lif; j++) {
        values[j] = lif;
    }
    if (values != NULL) {
        memcpy(values + n_lif, spread->values, (size_t)n_adaptive * sizeof *values);
    }
    return values;
}

lsnn_status setup_net(lsnn_net **out, const lsnn_experiment *e, const task *t) {
    lsnn_status status = LSNN_OK;
    float *tau_a = NULL;
    float *beta = NULL;
    int n_listed;
    lsnn_net_spec spec;
    lsnn_net_spec_init(&spec);
    spec.n_in = t->n_in;
    spec.n_out = t->n_out;
    spec.input = t->input;
    spec.n_lif = (int)setting_int(e, "net.n_lif");
    spec.n_adaptive = (int)setting_int(e, "net.n_adaptive");
    spec.dt = (float)setting_real(e, "net.dt");
    setting_spread(e, "net.tau_m", &spec.tau_m, &n_listed);
    setting_spread(e, "net.tau_a", &spec.tau_a, &n_listed);
    if (spec.tau_a.values != NULL) {
        tau_a = with_lif(&spec.tau_a, spec.n_lif, spec.n_adaptive, 1);
        spec.tau_a.values = tau_a;
    }
    setting_spread(e, "net.beta", &spec.beta, &n_listed);
    if (spec.beta.values != NULL) {
        beta = with_lif(&spec.beta, spec.n_lif, spec.n_adaptive, 0);
        spec.beta.values = beta;
    }
    spec.tau_out = (float)setting_real(e, "net.tau_out");
    spec.r_m = (float)setting_real(e, "net.r_m");
    spec.v_th = (float)setting_real(e, "net.v_th");
    spec.gamma = (float)setting_real(e, "net.gamma");
    spec.n_ref = (int)setting_int(e, "net.n_ref");
    spec.n_delay = (int)setting_int(e, "net.n_delay");
    spec.normalise = strcmp(setting_text(e, "net.normalise"), "baseline") == 0 ? LSNN_BY_BASELINE : LSNN_BY_THRESHOLD;
    spec.detach_reset = setting_bool(e, "net.detach_reset");
    spec.bias = setting_bool(e, "net.bias");
    double rewired = setting_real(e, "rewire.connectivity");
    spec.connectivity = (float)(rewired > 0 ? rewired : setting_real(e, "net.connectivity"));
    spec.init = strcmp(setting_text(e, "net.init"), "balanced") == 0 ? LSNN_INIT_BALANCED : LSNN_INIT_NORMAL;
    spec.excitatory = (float)setting_real(e, "net.excitatory");
    spec.noise = (float)setting_real(e, "net.noise");
    spec.noise_trainable = setting_bool(e, "net.noise_trainable");
    spec.scale_in = (float)setting_real(e, "net.scale_in");
    spec.scale_rec = (float)setting_real(e, "net.scale_rec");
    spec.seed = (uint64_t)setting_int(e, "seed");
    TRY(lsnn_net_create(out, &spec));
out:
    free(tau_a);
    free(beta);
    return status;
}

lsnn_status setup_check_net(const lsnn_net *net, const task *t, const char *path) {
    if (net->spec.n_in != t->n_in || net->spec.n_out != t->n_out || net->spec.input != t->input) {
        return fail(LSNN_ERR_DATA, "%s: the network has %d inputs and %d outputs, the task %s %d and %d; its data or settings have changed",
                    path, net->spec.n_in, net->spec.n_out, t->kind->name, t->n_in, t->n_out);
    }
    return LSNN_OK;
}

lsnn_status setup_rewire(lsnn_rewire **out, const lsnn_experiment *e, lsnn_net *net) {
    lsnn_rewire_options options;
    lsnn_rewire_options_init(&options);
    options.connectivity = (float)setting_real(e, "rewire.connectivity");
    options.l1 = (float)setting_real(e, "rewire.l1");
    options.temperature = (float)setting_real(e, "rewire.temperature");
    options.soft = setting_bool(e, "rewire.soft");
    options.all_gradients = strcmp(setting_text(e, "rewire.gradients"), "all") == 0;
    options.seed = (uint64_t)setting_int(e, "seed");
    return options.connectivity > 0 ? lsnn_rewire_create(out, net, &options) : LSNN_OK;
}

lsnn_status setup_adam(lsnn_adam **out, const lsnn_experiment *e, const lsnn_net *net) {
    lsnn_adam_options options;
    lsnn_adam_options_init(&options);
    options.beta1 = (float)setting_real(e, "train.beta1");
    options.beta2 = (float)setting_real(e, "train.beta2");
    options.epsilon = (float)setting_real(e, "train.epsilon");
    options.clip = (float)setting_real(e, "train.clip");
    return lsnn_adam_create(out, net, &options);
}

schedule setup_schedule(const lsnn_experiment *e) {
    const char *kind = setting_text(e, "train.lr_schedule");
    return (schedule){.kind = strcmp(kind, "cosine") == 0 ? SCHEDULE_COSINE
                              : strcmp(kind, "step") == 0 ? SCHEDULE_STEP
                                                          : SCHEDULE_CONSTANT,
                      .rate = setting_real(e, "train.lr"),
                      .factor = setting_real(e, "train.lr_factor"),
                      .every = setting_int(e, "train.lr_every"),
                      .warmup = setting_int(e, "train.lr_warmup"),
                      .n_iterations = setting_int(e, "train.iterations")};
}

lsnn_rate_goal setup_rate_goal(const lsnn_experiment *e) {
    return (lsnn_rate_goal){.strength = (float)setting_real(e, "loss.rate_strength"),
                            .target_hz = (float)setting_real(e, "loss.rate_target")};
}
