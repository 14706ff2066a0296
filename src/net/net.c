#include "net/net.h"

#include "base/rng.h"
#include "net/balanced.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static uint64_t cell(int j, int i, int n_pre) {
    return (uint64_t)j * (uint64_t)n_pre + (uint64_t)i;
}

/* ---- the neurons ---- */

/* values, or a draw from low..high for each neuron */
static float spread_at(const lsnn_spread *spread, uint64_t seed, rng_stream stream, int j) {
    if (spread->values != NULL) {
        return spread->values[j];
    }
    double u = spread->high > spread->low ? rng_uniform(seed, stream, (uint64_t)j) : 0;
    return (float)(spread->low + u * ((double)spread->high - (double)spread->low));
}

static void draw_neurons(lsnn_net *net, const lsnn_net_spec *spec) {
    for (int j = 0; j < net->n_rec; j++) {
        net->tau_m[j] = spread_at(&spec->tau_m, spec->seed, RNG_TAU_M, j);
        net->tau_a[j] = spread_at(&spec->tau_a, spec->seed, RNG_TAU_A, j);
        bool plain = spec->beta.values == NULL && j < spec->n_lif;
        net->beta_each[j] = plain ? 0 : spread_at(&spec->beta, spec->seed, RNG_BETA, j);
    }
}

/* Decays a step: alpha = exp(-dt/tau_m), rho = exp(-dt/tau_a), kappa = exp(-dt/tau_out). */
static void set_constants(lsnn_net *net) {
    const lsnn_net_spec *spec = &net->spec;
    int n_segments = 0;
    for (int j = 0; j < net->n_rec; j++) {
        net->alpha[j] = (real)exp(-(double)spec->dt / (double)net->tau_m[j]);
        net->gain[j] = (real)(-expm1(-(double)spec->dt / (double)net->tau_m[j]) * (double)spec->r_m);
        net->rho[j] = (real)exp(-(double)spec->dt / (double)net->tau_a[j]);
        net->new_b[j] = (real)-expm1(-(double)spec->dt / (double)net->tau_a[j]);
        net->beta[j] = (real)net->beta_each[j];
        bool adaptive = net->beta_each[j] > 0;
        if (j == 0 || adaptive != net->segments[n_segments - 1].adaptive) {
            net->segments[n_segments++] = (segment){.begin = j, .end = j + 1, .adaptive = adaptive};
        } else {
            net->segments[n_segments - 1].end = j + 1;
        }
    }
    net->constants = (neuron_constants){
        .n = net->n_rec,
        .n_segments = n_segments,
        .segments = net->segments,
        .alpha = net->alpha,
        .gain = net->gain,
        .rho = net->rho,
        .new_b = net->new_b,
        .beta = net->beta,
        .v_th = (real)spec->v_th,
        .kappa = spec->tau_out > 0 ? (real)exp(-(double)spec->dt / (double)spec->tau_out) : 0,
        .new_p = spec->tau_out > 0 ? (real)-expm1(-(double)spec->dt / (double)spec->tau_out) : 1,
        .gamma = (real)spec->gamma,
        .top = (uint16_t)(spec->n_ref + 1),
        .by_baseline = spec->normalise == LSNN_BY_BASELINE,
        .detach_reset = spec->detach_reset,
    };
}

/* The first `excitatory` part of a random order of each population gets +1, the rest -1. Errors: MEMORY. */
static lsnn_status draw_signs(int8_t *sign, int n, float excitatory, uint64_t seed, rng_stream stream, uint64_t population) {
    uint32_t *order = malloc((size_t)(n + 1) * sizeof *order);
    if (order == NULL) {
        return fail(LSNN_ERR_MEMORY, "no memory for the signs of %d neurons", n);
    }
    rng_permutation(seed, stream, population, order, (size_t)n);
    for (int k = 0; k < n; k++) {
        sign[order[k]] = k < (int)lrint((double)excitatory * n) ? 1 : -1;
    }
    free(order);
    return LSNN_OK;
}

static lsnn_status set_signs(lsnn_net *net, const lsnn_net_spec *spec) {
    lsnn_status status = LSNN_OK;
    if (spec->sign_in != NULL) {
        memcpy(net->sign_in, spec->sign_in, (size_t)spec->n_in);
    } else if (spec->excitatory >= 0 && spec->input == LSNN_SPIKES) { /* numbers have signs themselves */
        TRY(draw_signs(net->sign_in, spec->n_in, spec->excitatory, spec->seed, RNG_SIGN_IN, 0));
    }
    if (spec->sign_rec != NULL) {
        memcpy(net->sign_rec, spec->sign_rec, (size_t)net->n_rec);
    } else if (spec->excitatory >= 0) {
        TRY(draw_signs(net->sign_rec, spec->n_lif, spec->excitatory, spec->seed, RNG_SIGN_REC, 0));
        float of_adaptive = spec->excitatory_adaptive >= 0 ? spec->excitatory_adaptive : spec->excitatory;
        TRY(draw_signs(net->sign_rec + spec->n_lif, spec->n_adaptive, of_adaptive, spec->seed, RNG_SIGN_REC, 1));
    }
out:
    return status;
}

/* ---- the connections ---- */

typedef struct wiring_plan {
    int n_pre, n_post, first_delay, n_delays;
    size_t n_live; /* synapses that exist, if there are so many without those of a neuron to itself */
    const uint8_t *mask;
    const int32_t *delay;
    bool no_self; /* no neuron reaches itself */
    rng_stream mask_stream, delay_stream;
} wiring_plan;

/* Delays of all connections: each sender's are dealt out evenly, in a random order of its receivers. That is uniform, and every delay gets about as
 * many of a sender's connections, which is what the processor's branch predictor likes best in the loops over them. */
static void draw_delays(const wiring_plan *plan, uint64_t seed, const uint8_t *mask, int32_t *delay, uint32_t *order) {
    for (int i = 0; i < plan->n_pre; i++) {
        rng_permutation(seed, plan->delay_stream, (uint64_t)i, order, (size_t)plan->n_post);
        int n_dealt = (int)rng_below(seed, plan->delay_stream, UINT64_C(1) << 40 | (uint64_t)i, (uint64_t)plan->n_delays);
        for (int k = 0; k < plan->n_post; k++) {
            size_t at = (size_t)order[k] * (size_t)plan->n_pre + (size_t)i;
            delay[at] = plan->first_delay + n_dealt % plan->n_delays;
            n_dealt += mask[at];
        }
    }
}

/* How many of a matrix's n_cells synapses exist. Connectivities such as 0.12f stand a little below what was meant. */
static size_t share(float connectivity, size_t n_cells) {
    return (size_t)((double)connectivity * (double)n_cells * (1 + 1e-7));
}

/* As given, or `n_live` of the possible synapses, drawn at random. Returns how many. */
static size_t draw_mask(const wiring_plan *plan, uint64_t seed, uint8_t *mask, uint32_t *order) {
    size_t n = (size_t)plan->n_pre * (size_t)plan->n_post;
    size_t n_live = 0;
    bool drawn = plan->mask == NULL && plan->n_live < n;
    if (drawn) {
        rng_permutation(seed, plan->mask_stream, 0, order, n);
    }
    for (size_t k = 0; k < n; k++) {
        size_t at = drawn ? order[k] : k;
        bool is_self = plan->no_self && at / (size_t)plan->n_pre == at % (size_t)plan->n_pre;
        bool exists = plan->mask != NULL ? plan->mask[at] != 0 : n_live < plan->n_live;
        mask[at] = exists && !is_self;
        n_live += mask[at];
    }
    return n_live;
}

/* Masks and delays as given, or drawn. */
static lsnn_status wire(matrix *out, uint64_t seed, wiring_plan plan) {
    size_t n = (size_t)plan.n_pre * (size_t)plan.n_post;
    lsnn_status status = LSNN_OK;
    uint8_t *mask = malloc(n);
    int32_t *delay = malloc(n * sizeof *delay);
    uint32_t *order = malloc(n * sizeof *order);
    if (mask == NULL || delay == NULL || order == NULL) {
        TRY(fail(LSNN_ERR_MEMORY, "no memory for %d x %d connections", plan.n_post, plan.n_pre));
    }
    size_t n_live = draw_mask(&plan, seed, mask, order);
    if (plan.delay != NULL) {
        memcpy(delay, plan.delay, n * sizeof *delay);
    } else {
        draw_delays(&plan, seed, mask, delay, order);
    }
    TRY(matrix_create(out, plan.n_pre, plan.n_post, plan.first_delay, plan.n_delays, mask, delay, n_live));
out:
    free(mask);
    free(delay);
    free(order);
    return status;
}

/* One budget for all: the share of all synapses together, rounded down. Input and readout get theirs, the recurrent matrix the rest. */
static lsnn_status wire_all(lsnn_net *net, const lsnn_net_spec *spec) {
    lsnn_status status = LSNN_OK;
    int n = net->n_rec;
    size_t n_in = (size_t)n * (size_t)spec->n_in;
    size_t n_rec = (size_t)n * (size_t)n;
    size_t n_out = (size_t)n * (size_t)spec->n_out;
    size_t live_in = share(spec->connectivity, n_in);
    size_t live_out = share(spec->connectivity, n_out);
    size_t live_all = share(spec->connectivity, n_in + n_rec + n_out);
    TRY(wire(&net->in, spec->seed,
             (wiring_plan){.n_pre = spec->n_in,
                           .n_post = n,
                           .first_delay = 0,
                           .n_delays = spec->n_delay,
                           .n_live = live_in,
                           .mask = spec->mask_in,
                           .delay = spec->delay_in,
                           .mask_stream = RNG_MASK_IN,
                           .delay_stream = RNG_DELAY_IN}));
    TRY(wire(&net->rec, spec->seed,
             (wiring_plan){.n_pre = n,
                           .n_post = n,
                           .first_delay = 1,
                           .n_delays = spec->n_delay,
                           .n_live = live_all - live_in - live_out,
                           .mask = spec->mask_rec,
                           .delay = spec->delay_rec,
                           .no_self = true,
                           .mask_stream = RNG_MASK_REC,
                           .delay_stream = RNG_DELAY_REC}));
    TRY(wire(&net->out, spec->seed,
             (wiring_plan){.n_pre = n,
                           .n_post = spec->n_out,
                           .first_delay = 0,
                           .n_delays = 1,
                           .n_live = live_out,
                           .mask = spec->mask_out,
                           .mask_stream = RNG_MASK_OUT,
                           .delay_stream = RNG_MASK_OUT}));
    net_place_params(net);
    net->n_params = net->first_noise + (spec->noise_trainable ? (size_t)n : 0);
out:
    return status;
}

void net_place_params(lsnn_net *net) {
    net->in.first = 0;
    net->rec.first = net->in.n;
    net->out.first = net->rec.first + net->rec.n;
    net->first_bias = net->out.first + net->out.n;
    net->first_noise = net->first_bias + (net->spec.bias ? (size_t)net->spec.n_out : 0);
}

/* ---- the parameters ---- */

static void set_matrix_signs(const matrix *m, const int8_t *sender_sign, int8_t *sign) {
    for (size_t k = 0; k < m->n; k++) {
        sign[m->first + k] = sender_sign[m->sender[k]];
    }
}

/* N(0,1) * scale / sqrt(senders of the receiver). Under Dale's law the magnitude gets the sender's sign, and inhibition is scaled so that the
 * expected sum of a receiver's weights is 0. */
static lsnn_status draw_weights(const matrix *m, real *w, const int8_t *sender_sign, double scale, uint64_t seed, rng_stream stream) {
    int *n_senders = calloc((size_t)m->s.n_post + 1, sizeof *n_senders);
    if (n_senders == NULL) {
        return fail(LSNN_ERR_MEMORY, "no memory for %d neurons", m->s.n_post);
    }
    int n_plus = 0;
    int n_minus = 0;
    for (int i = 0; i < m->s.n_pre; i++) {
        n_plus += sender_sign[i] > 0;
        n_minus += sender_sign[i] < 0;
    }
    double inhibition = n_minus > 0 && n_plus > 0 ? (double)n_plus / n_minus : 1;
    for (size_t k = 0; k < m->n; k++) {
        n_senders[m->receiver[k]]++;
    }
    for (size_t k = 0; k < m->n; k++) {
        double x = rng_normal(seed, stream, cell(m->receiver[k], m->sender[k], m->s.n_pre)) * scale / sqrt(n_senders[m->receiver[k]]);
        int8_t sign = sender_sign[m->sender[k]];
        w[k] = (real)(float)(sign == 0 ? x : sign > 0 ? fabs(x) : -fabs(x) * inhibition);
    }
    free(n_senders);
    return LSNN_OK;
}

/* Glorot: uniform within +-sqrt(6 / (n_rec + n_out)). */
static void draw_readout(const lsnn_net *net, real *w) {
    const matrix *m = &net->out;
    double limit = sqrt(6.0 / (m->s.n_pre + m->s.n_post));
    for (size_t k = 0; k < m->n; k++) {
        double x = (2 * rng_uniform(net->spec.seed, RNG_WEIGHT_OUT, cell(m->receiver[k], m->sender[k], m->s.n_pre)) - 1) * limit;
        int8_t sign = net->sign_rec[m->sender[k]];
        w[k] = (real)(float)(sign == 0 ? x : sign > 0 ? fabs(x) : -fabs(x));
    }
}

static lsnn_status draw_params(lsnn_net *net) {
    lsnn_status status = LSNN_OK;
    const lsnn_net_spec *spec = &net->spec;
    set_matrix_signs(&net->in, net->sign_in, net->sign);
    set_matrix_signs(&net->rec, net->sign_rec, net->sign);
    set_matrix_signs(&net->out, net->sign_rec, net->sign);
    if (spec->init == LSNN_INIT_BALANCED) {
        TRY(draw_balanced(&net->in, net->params + net->in.first, net->sign_in, spec->scale_in, spec->seed, RNG_WEIGHT_IN));
        TRY(draw_balanced(&net->rec, net->params + net->rec.first, net->sign_rec, spec->scale_rec, spec->seed, RNG_WEIGHT_REC));
        TRY(draw_balanced(&net->out, net->params + net->out.first, net->sign_rec, 1, spec->seed, RNG_WEIGHT_OUT));
    } else {
        TRY(draw_weights(&net->in, net->params + net->in.first, net->sign_in, spec->scale_in, spec->seed, RNG_WEIGHT_IN));
        TRY(draw_weights(&net->rec, net->params + net->rec.first, net->sign_rec, spec->scale_rec, spec->seed, RNG_WEIGHT_REC));
        draw_readout(net, net->params + net->out.first);
    }
    for (size_t k = net->first_noise; k < net->n_params; k++) {
        net->params[k] = (real)spec->noise;
    }
out:
    return status;
}

static void *zeroed(size_t n, size_t size) {
    return calloc(n + 1, size);
}

lsnn_status lsnn_net_create(lsnn_net **out, const lsnn_net_spec *spec) {
    lsnn_status status = LSNN_OK;
    lsnn_net *net = NULL;
    TRY(net_spec_check(spec));
    net = calloc(1, sizeof *net);
    if (net == NULL) {
        TRY(fail(LSNN_ERR_MEMORY, "no memory for a network"));
    }
    net->spec = *spec;
    net->spec.tau_m.values = net->spec.tau_a.values = net->spec.beta.values = NULL;
    net->spec.mask_in = net->spec.mask_rec = net->spec.mask_out = NULL;
    net->spec.delay_in = net->spec.delay_rec = NULL;
    net->spec.sign_in = net->spec.sign_rec = NULL;
    net->n_rec = spec->n_lif + spec->n_adaptive;
    size_t n = (size_t)net->n_rec;
    net->tau_m = zeroed(n, sizeof *net->tau_m);
    net->tau_a = zeroed(n, sizeof *net->tau_a);
    net->beta_each = zeroed(n, sizeof *net->beta_each);
    net->sign_in = zeroed((size_t)spec->n_in, 1);
    net->sign_rec = zeroed(n, 1);
    net->alpha = zeroed(n, sizeof *net->alpha);
    net->gain = zeroed(n, sizeof *net->gain);
    net->rho = zeroed(n, sizeof *net->rho);
    net->new_b = zeroed(n, sizeof *net->new_b);
    net->beta = zeroed(n, sizeof *net->beta);
    net->segments = zeroed(n, sizeof *net->segments);
    if (net->tau_m == NULL || net->tau_a == NULL || net->beta_each == NULL || net->sign_in == NULL || net->sign_rec == NULL ||
        net->alpha == NULL || net->gain == NULL || net->rho == NULL || net->new_b == NULL || net->beta == NULL || net->segments == NULL) {
        TRY(fail(LSNN_ERR_MEMORY, "no memory for %d neurons", net->n_rec));
    }
    draw_neurons(net, spec);
    set_constants(net);
    TRY(set_signs(net, spec));
    TRY(wire_all(net, spec));
    net->params = zeroed(net->n_params, sizeof *net->params);
    net->sign = zeroed(net->n_params, 1);
    if (net->params == NULL || net->sign == NULL) {
        TRY(fail(LSNN_ERR_MEMORY, "no memory for %zu parameters", net->n_params));
    }
    TRY(draw_params(net));
    *out = net;
    return LSNN_OK;
out:
    lsnn_net_free(net);
    return status;
}

void lsnn_net_free(lsnn_net *net) {
    if (net == NULL) {
        return;
    }
    matrix_release(&net->in);
    matrix_release(&net->rec);
    matrix_release(&net->out);
    free(net->tau_m);
    free(net->tau_a);
    free(net->beta_each);
    free(net->sign_in);
    free(net->sign_rec);
    free(net->alpha);
    free(net->gain);
    free(net->rho);
    free(net->new_b);
    free(net->beta);
    free(net->segments);
    free(net->params);
    free(net->sign);
    free(net);
}

const lsnn_net_spec *lsnn_net_get_spec(const lsnn_net *net) {
    return &net->spec;
}

size_t lsnn_net_n_params(const lsnn_net *net) {
    return net->n_params;
}
