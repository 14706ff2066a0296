/* Spiking networks: an lsnn_net, its rewiring, and lsnn_sim. */
#include "model/model.h"

#include "learn/rewire.h"
#include "net/sim.h"

#include <stdlib.h>
#include <string.h>

typedef struct spiking {
    model model;
    lsnn_net *net;
    lsnn_rewire *rewire; /* NULL: none */
    lsnn_rate_goal rate_goal;
} spiking;

typedef struct spiking_pass {
    pass pass;
    const spiking *of;
    lsnn_sim *sim;
    sim_carried carried;
} spiking_pass;

/* ---- from settings ---- */

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

static lsnn_status create_net(lsnn_net **out, const lsnn_experiment *e, const model_shape *shape) {
    lsnn_status status = LSNN_OK;
    float *tau_a = NULL;
    float *beta = NULL;
    int n_listed;
    lsnn_net_spec spec;
    lsnn_net_spec_init(&spec);
    spec.n_in = shape->n_in;
    spec.n_out = shape->n_out;
    spec.input = shape->input;
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
    spec.excitatory_adaptive = (float)setting_real(e, "net.excitatory_adaptive");
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

static lsnn_status create_rewire(lsnn_rewire **out, const lsnn_experiment *e, lsnn_net *net) {
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

static lsnn_rate_goal rate_goal_of(const lsnn_experiment *e) {
    return (lsnn_rate_goal){.strength = (float)setting_real(e, "loss.rate_strength"),
                            .target_hz = (float)setting_real(e, "loss.rate_target")};
}

/* ---- the network ---- */

static lsnn_status wrap(model **out, lsnn_net *net, const lsnn_experiment *experiment) {
    spiking *s = calloc(1, sizeof *s);
    if (s == NULL) {
        lsnn_net_free(net);
        return fail(LSNN_ERR_MEMORY, "no memory for a network");
    }
    s->model = (model){.kind = &model_spiking,
                       .shape = {.n_in = net->spec.n_in, .n_out = net->spec.n_out, .input = net->spec.input},
                       .n_params = net->n_params};
    s->net = net;
    s->rate_goal = rate_goal_of(experiment);
    *out = &s->model;
    return LSNN_OK;
}

static lsnn_status create(model **out, const lsnn_experiment *experiment, const model_shape *shape) {
    lsnn_net *net;
    lsnn_status status = create_net(&net, experiment, shape);
    return status == LSNN_OK ? wrap(out, net, experiment) : status;
}

static lsnn_status read(model **out, const lsnn_experiment *experiment, const tensor_file *file) {
    lsnn_net *net;
    lsnn_status status = net_read(&net, file);
    return status == LSNN_OK ? wrap(out, net, experiment) : status;
}

static void free_model(model *m) {
    spiking *s = (spiking *)m;
    lsnn_rewire_free(s->rewire);
    lsnn_net_free(s->net);
    free(s);
}

static lsnn_status start_training(model *m, const lsnn_experiment *experiment) {
    spiking *s = (spiking *)m;
    lsnn_status status = create_rewire(&s->rewire, experiment, s->net);
    s->model.n_params = s->net->n_params;
    return status;
}

static double add_l2(const model *m, double strength, lsnn_gradient *gradient) {
    const lsnn_net *net = ((const spiking *)m)->net;
    return gradient_add_l2(gradient->values, net->params, net->first_bias, strength); /* the three matrices come first */
}

static lsnn_status step(model *m, lsnn_adam *adam, const lsnn_gradient *gradient, float learning_rate) {
    spiking *s = (spiking *)m;
    lsnn_status status = lsnn_adam_step(adam, s->net, gradient, learning_rate);
    return status == LSNN_OK && s->rewire != NULL ? lsnn_rewire_step(s->rewire, adam, learning_rate) : status;
}

static bool count_synapses(const model *m, lsnn_synapse_count counts[3]) {
    const spiking *s = (const spiking *)m;
    if (s->rewire != NULL) {
        lsnn_rewire_count(s->rewire, counts);
    }
    return s->rewire != NULL;
}

static void write(const model *m, tensor_writer *writer) {
    net_write(((const spiking *)m)->net, writer);
}

static void write_training(const model *m, tensor_writer *writer) {
    const spiking *s = (const spiking *)m;
    if (s->rewire != NULL) {
        rewire_write(s->rewire, writer);
    }
}

static lsnn_status read_training(model *m, const tensor_file *file) {
    const spiking *s = (const spiking *)m;
    return s->rewire != NULL ? rewire_read(s->rewire, file) : LSNN_OK;
}

static void describe(const model *m, lsnn_needs *needs) {
    const lsnn_net *net = ((const spiking *)m)->net;
    needs->n_in = net->spec.n_in;
    needs->n_lif = net->spec.n_lif;
    needs->n_adaptive = net->spec.n_adaptive;
    needs->n_rec = net->n_rec;
    needs->n_out = net->spec.n_out;
    needs->n_synapses_in = (int64_t)net->in.n;
    needs->n_synapses_rec = (int64_t)net->rec.n;
    needs->n_synapses_out = (int64_t)net->out.n;
    needs->n_params = (int64_t)net->n_params;
}

static int64_t count_possible(const model *m) {
    const lsnn_net *net = ((const spiking *)m)->net;
    return (int64_t)net->n_rec * (net->spec.n_in + net->n_rec - 1 + net->spec.n_out);
}

/* ---- a batch on its way through it ---- */

static lsnn_sim_options sim_options(const pass_options *options) {
    return (lsnn_sim_options){
        .n_batch = options->n_batch, .n_steps = options->n_steps, .n_windows = options->n_windows, .train = options->train};
}

static double memory(const model *m, const lsnn_context *context, const pass_options *options) {
    lsnn_sim_options o = sim_options(options);
    return lsnn_sim_memory(((const spiking *)m)->net, context, &o);
}

static void close_pass(pass *p) {
    spiking_pass *s = (spiking_pass *)p;
    sim_carried_release(&s->carried);
    lsnn_sim_free(s->sim);
    free(s);
}

static lsnn_status open_pass(pass **out, const model *m, lsnn_context *context, const pass_options *options) {
    lsnn_status status;
    lsnn_sim_options o = sim_options(options);
    spiking_pass *s = calloc(1, sizeof *s);
    if (s == NULL) {
        return fail(LSNN_ERR_MEMORY, "no memory for a batch");
    }
    s->of = (const spiking *)m;
    TRY(lsnn_sim_create(&s->sim, s->of->net, context, &o));
    TRY(lsnn_sim_set_windows(s->sim, options->window_start, options->window_stop, options->n_windows));
    s->pass = (pass){.kind = &model_spiking,
                     .pool = context->pool,
                     .n_batch = options->n_batch,
                     .n_blocks = s->sim->n_blocks,
                     .output = lsnn_sim_output(s->sim)};
    *out = &s->pass;
    return LSNN_OK;
out:
    close_pass(&s->pass);
    return status;
}

static lsnn_status begin(pass *p, bool from_rest, uint64_t noise_key, const int *length) {
    lsnn_sim *sim = ((spiking_pass *)p)->sim;
    if (from_rest) {
        lsnn_sim_reset(sim);
    }
    sim_set_noise_key(sim, noise_key);
    return sim_begin_lengths(sim, sim->options.n_steps, length);
}

static input_lane lane(const pass *p, int b) {
    return sim_input_lane(((const spiking_pass *)p)->sim, b);
}

static int block_begin(const pass *p, int k) {
    return ((const spiking_pass *)p)->sim->blocks[k].first;
}

static lsnn_status forward(pass *p, const step_hook *hook) {
    return sim_forward(((spiking_pass *)p)->sim, hook);
}

static lsnn_status repeat(pass *p) {
    return sim_repeat_input(((spiking_pass *)p)->sim);
}

static lsnn_status backward(pass *p, const float *d_output, lsnn_gradient *gradient, double *rate_loss) {
    spiking_pass *s = (spiking_pass *)p;
    return lsnn_backward(s->sim, d_output, &s->of->rate_goal, gradient, rate_loss);
}

static double rate(const pass *p) {
    return lsnn_sim_rate(((const spiking_pass *)p)->sim, NULL);
}

static pass_activity activity(const pass *p, int n_samples) {
    sim_activity sum = sim_count_activity(((const spiking_pass *)p)->sim, n_samples);
    return (pass_activity){.spikes = sum.input_spikes + sum.spikes, .operations = sum.operations};
}

static lsnn_status write_carried(pass *p, tensor_writer *writer) {
    spiking_pass *s = (spiking_pass *)p;
    sim_carried_release(&s->carried);
    return sim_write_carried(s->sim, writer, &s->carried);
}

static lsnn_status read_carried(pass *p, const tensor_file *file) {
    return sim_read_carried(((spiking_pass *)p)->sim, file);
}

/* ---- for those who look inside ---- */

const lsnn_net *model_net(const model *m) {
    const model *half = model_half(m, 0);
    return half->kind == &model_spiking ? ((const spiking *)half)->net : NULL;
}

lsnn_sim *pass_sim(pass *p) {
    pass *half = pass_half(p, 0);
    return half->kind == &model_spiking ? ((spiking_pass *)half)->sim : NULL;
}

const model_kind model_spiking = {.name = "lsnn",
                                  .unit = "neurons",
                                  .create = create,
                                  .read = read,
                                  .free = free_model,
                                  .start_training = start_training,
                                  .add_l2 = add_l2,
                                  .step = step,
                                  .count_synapses = count_synapses,
                                  .write = write,
                                  .write_training = write_training,
                                  .read_training = read_training,
                                  .describe = describe,
                                  .count_possible = count_possible,
                                  .pass_memory = memory,
                                  .pass_open = open_pass,
                                  .pass_close = close_pass,
                                  .pass_begin = begin,
                                  .pass_lane = lane,
                                  .pass_block_begin = block_begin,
                                  .forward = forward,
                                  .repeat = repeat,
                                  .backward = backward,
                                  .rate = rate,
                                  .activity = activity,
                                  .write_carried = write_carried,
                                  .read_carried = read_carried};
