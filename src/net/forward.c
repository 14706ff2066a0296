/* A sequence goes through the network: model.md, "Forward". */
#include "net/sim.h"
#include "net/soft_spike.h"

#include <string.h>

/* The staged masks of step t become a list of the inputs that spiked. */
static void list_input(const lsnn_sim *sim, block *k, int t) {
    int n_in = sim->net->spec.n_in;
    signal *s = &k->input;
    size_t step = (size_t)(sim->net->spec.n_delay + t);
    const lane_mask *mask = k->staged + (size_t)t * (size_t)n_in;
    unsigned own = sim_has_ended(k, t) ? sim_own_mask(sim, k, t) : (lane_mask)-1;
    uint32_t n = s->start[step];
    for (int i = 0; i < n_in; i++, mask++) {
        s->spikes[n] = (spike){.i = (uint16_t)i, .lanes = (lane_mask)(*mask & own)};
        n += (*mask & own) != 0;
    }
    s->start[step + 1] = n;
}

/* Over how many steps the inputs of step t, which are numbers, have been the same. */
static void measure_input(const lsnn_sim *sim, const block *k, int t) {
    size_t row = (size_t)sim->net->spec.n_in * (size_t)sim->lanes;
    const real *now = k->input.values + (size_t)(sim->net->spec.n_delay + t) * row;
    bool same = t > 0 && memcmp(now, now - row, row * sizeof *now) == 0;
    k->steady[t] = same ? (uint16_t)(k->steady[t - 1] + (k->steady[t - 1] < UINT16_MAX)) : 0;
}

/* Step t's row of what is kept; NULL: it is not. */
static real *kept_row(const lsnn_sim *sim, const block *k, real *rows, int t) {
    int n_stretches = (k->n_steps + sim->stretch - 1) / sim->stretch;
    int first = n_stretches * sim->stretch - sim->n_kept; /* the last stretches, which going back needs first */
    bool kept = rows != NULL && t >= first;
    return kept ? rows + (size_t)(first > 0 ? t - first : t) * sim_row(sim) : NULL;
}

real *sim_kept_current(const lsnn_sim *sim, const block *k, int t) {
    return kept_row(sim, k, k->currents, t);
}

real *sim_kept_noise(const lsnn_sim *sim, const block *k, int t) {
    return kept_row(sim, k, k->noise, t);
}

void sim_neurons(const lsnn_sim *sim, block *k, int t, const neuron_state *state, const real *current, const step_tape *tape) {
    size_t now = (size_t)(sim->net->spec.n_delay + t);
    const neuron_constants *c = sim_constants(sim);
    if (sim->soft != NULL) {
        soft_neuron_step(c, sim->lanes, state, current, k->sent.values + now * sim_row(sim), k->spike_sum, tape, sim->soft,
                         ((size_t)(k - sim->blocks) * (size_t)sim->options.n_steps + (size_t)t) * sim_row(sim));
    } else if (tape != NULL) {
        sim->kernels->neuron_step(c, state, current, NULL, NULL, tape);
    } else {
        uint32_t first = k->sent.start[now];
        int n = sim->kernels->neuron_step(c, state, current, k->sent.spikes + first, k->spike_sum, NULL);
        k->sent.start[now + 1] = first + (uint32_t)n;
    }
}

void sim_copy_neurons(const lsnn_sim *sim, const neuron_state *from, const neuron_state *to) {
    size_t bytes = sim_row(sim) * sizeof(real);
    memcpy(to->v, from->v, bytes);
    memcpy(to->b, from->b, bytes);
    memcpy(to->cooldown, from->cooldown, sim_row(sim) * sizeof *to->cooldown);
    if (to->z != NULL) {
        memcpy(to->z, from->z, bytes);
    }
}

/* What the samples of a block answer in window w; those that are over before it, y being NULL all of them, answer 0. */
static void put_output(const lsnn_sim *sim, const block *k, int w, const real *y) {
    size_t n_out = (size_t)sim->net->spec.n_out;
    for (size_t l = 0; l < (size_t)k->n; l++) {
        size_t b = (size_t)k->first + l;
        float *to = sim->output + ((size_t)w * (size_t)sim->options.n_batch + b) * n_out;
        bool own = sim->window_start[w] < sim->length[b];
        for (size_t o = 0; o < n_out; o++) {
            to[o] = own ? (float)y[o * (size_t)sim->lanes + l] : 0;
        }
    }
}

/* y = Wout mean(p) + bias, which is the mean of y over the window. */
static void read_out(const lsnn_sim *sim, block *k, int w) {
    const lsnn_net *net = sim->net;
    size_t row = sim_row(sim);
    size_t lanes = (size_t)sim->lanes;
    real *p_mean = k->p_mean + (size_t)w * row;
    real *y = k->y + (size_t)w * (size_t)net->spec.n_out * lanes;
    real part[MAX_LANES];
    bool is_mean = sim_window_parts(sim, k, w, part); /* windows of one step */
    for (size_t j = 0; !is_mean && j < (size_t)net->n_rec; j++) {
        for (size_t l = 0; l < lanes; l++) {
            p_mean[j * lanes + l] *= part[l];
        }
    }
    for (size_t o = 0; o < (size_t)net->spec.n_out; o++) {
        for (size_t l = 0; l < lanes; l++) {
            y[o * lanes + l] = net->spec.bias ? net->params[net->first_bias + o] : 0;
        }
    }
    sim->kernels->add_values(&net->out.s, net->params + net->out.first, 0, p_mean, y);
    put_output(sim, k, w, y);
}

/* p(t) is part of the sum of window w. */
static void add_to_window(const lsnn_sim *sim, block *k, int w, int t) {
    size_t row = sim_row(sim);
    real *sum = k->p_mean + (size_t)w * row;
    if (t == sim->window_start[w]) {
        memcpy(sum, k->state.p, row * sizeof *sum);
        return;
    }
    for (size_t at = 0; at < row; at++) {
        sum[at] += k->state.p[at];
    }
}

static void run_block(void *user, int piece, int worker) {
    lsnn_sim *sim = user;
    block *k = &sim->blocks[piece];
    scratch *x = &sim->scratch[worker];
    size_t row = sim_row(sim);
    memset(k->spike_sum, 0, (size_t)sim->net->n_rec * sizeof *k->spike_sum);
    if (sim->options.train) {
        memcpy(k->p_start, k->state.p, row * sizeof *k->p_start);
    }
    if (!sim->window_is_open) {
        sim_open_window(sim, k, &k->window, 0);
    }
    int w = 0;
    int n_windows = sim_windows_of(sim, k);
    for (int t = 0; t < k->n_steps; t++) {
        if (sim_has_ended(k, t)) {
            sim_rest_ended(sim, k, t, &k->state);
        }
        if (sim->options.train && t % sim->stretch == 0) {
            sim_copy_neurons(sim, &k->state, &k->checkpoints[t / sim->stretch]);
        }
        step_hook_tell(sim->hook, k->first, k->n, t);
        if (k->staged != NULL) {
            list_input(sim, k, t);
        } else {
            measure_input(sim, k, t);
        }
        real *kept = sim_kept_current(sim, k, t);
        real *kept_noise = sim_kept_noise(sim, k, t);
        real *current = kept != NULL ? kept : x->current;
        sim_current(sim, k, &k->window, t, current, kept_noise != NULL ? kept_noise : x->noise);
        sim_neurons(sim, k, t, &k->state, current, NULL);
        sim_send(sim, k, &k->window, t);
        if (w < n_windows && t >= sim->window_start[w]) {
            add_to_window(sim, k, w, t);
            if (t == sim_window_end(sim, k, w) - 1) {
                read_out(sim, k, w);
                w++;
            }
        }
    }
    for (; w < sim->n_windows; w++) {
        put_output(sim, k, w, NULL);
    }
    if (sim->has_lengths) {
        sim_rest(sim, &k->state);
    }
    step_hook_tell(sim->hook, k->first, k->n, k->n_steps);
}

lsnn_status sim_forward(lsnn_sim *sim, const step_hook *hook) {
    if (!sim->input_is_new) {
        return fail(LSNN_ERR_USAGE, "no new input; call lsnn_sim_set_spikes or lsnn_sim_set_currents before each lsnn_forward");
    }
    if (sim->window_stop[sim->n_windows - 1] > sim->n_steps) {
        return fail(LSNN_ERR_USAGE, "the last window ends at step %d, the input at step %d; call lsnn_sim_set_windows",
                    sim->window_stop[sim->n_windows - 1], sim->n_steps);
    }
    sim->window_is_open = sim->window_is_open && sim->window_version == sim->net->version;
    sim->hook = hook;
    threads_run(sim->pool, sim->n_blocks, run_block, sim);
    sim->hook = NULL;
    sim->window_is_open = true;
    sim->window_version = sim->net->version;
    double n_steps = sim->n_own_steps > 0 ? sim->n_own_steps : 1;
    for (int j = 0; j < sim->net->n_rec; j++) {
        double sum = 0;
        for (int k = 0; k < sim->n_blocks; k++) {
            sum += sim->blocks[k].spike_sum[j];
        }
        sim->rate[j] = sum / n_steps;
    }
    sim->input_is_new = false;
    sim->has_run = true;
    sim->has_output = true;
    return LSNN_OK;
}

lsnn_status lsnn_forward(lsnn_sim *sim) {
    return sim_forward(sim, NULL);
}

const float *lsnn_sim_output(const lsnn_sim *sim) {
    return sim->output;
}

double lsnn_sim_rate(const lsnn_sim *sim, float *rate_hz) {
    double to_hz = 1000 / (double)sim->net->spec.dt;
    double sum = 0;
    for (int j = 0; j < sim->net->n_rec; j++) {
        sum += sim->rate[j] * to_hz;
        if (rate_hz != NULL) {
            rate_hz[j] = (float)(sim->rate[j] * to_hz);
        }
    }
    return sum / sim->net->n_rec;
}
