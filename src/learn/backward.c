/* From the outputs' gradients back to the weights': model.md, "Backward".
 *
 * A block goes back stretch by stretch. Each stretch is first run forward again from its checkpoint, now with a tape (what the spikes were is known;
 * what the neurons' psi was is not kept over the whole sequence), and then walked from its last step to its first. */
#include "learn/gradient.h"
#include "net/sim.h"

#include <string.h>

typedef struct backward_work {
    lsnn_sim *sim;
    lsnn_gradient *gradient;
} backward_work;

/* dI of a step of the stretch; the steps after it stand behind it. */
static real *ahead_of(const lsnn_sim *sim, const scratch *x, int step_in_stretch) {
    return x->ahead + (size_t)step_in_stretch * sim_row(sim);
}

static void clear_scratch(const lsnn_sim *sim, const scratch *x) {
    size_t row = sim_row(sim) * sizeof(real);
    memset(x->gradient.dv, 0, row);
    memset(x->gradient.db, 0, row);
    memset(x->gradient.dp, 0, row);
    memset(x->threshold_end, 0, row);
    memset(x->ahead, 0, (size_t)(sim->stretch + sim->net->spec.n_delay) * row);
}

static void run_again(const lsnn_sim *sim, block *k, scratch *x, int stretch, int n_steps) {
    size_t row = sim_row(sim);
    sim_copy_neurons(sim, &k->checkpoints[stretch], &x->state);
    for (int s = 0; s < n_steps; s++) {
        int t = stretch * sim->stretch + s;
        const real *current = sim_kept_current(sim, k, t);
        if (current == NULL) {
            sim_current(sim, k, t, x->current, x->eps != NULL ? x->eps + (size_t)s * row : NULL);
            current = x->current;
        }
        sim_neurons(sim, k, t, &x->state, current, x, &x->tape[s]);
    }
}

/* Window w's part in the gradients of readout weights and bias, and Wout^T g_y, which each of its steps receives, to x->readout. */
static void read_back(const lsnn_sim *sim, const block *k, scratch *x, int w) {
    const lsnn_net *net = sim->net;
    size_t lanes = (size_t)sim->lanes;
    size_t n_out = (size_t)net->spec.n_out;
    const real *d_y = k->d_y + (size_t)w * n_out * lanes;
    sim->kernels->value_gradients(&net->out.s, 0, k->p_mean + (size_t)w * sim_row(sim), d_y, k->gradient + net->out.first);
    for (size_t o = 0; net->spec.bias && o < n_out; o++) {
        for (size_t l = 0; l < lanes; l++) {
            k->gradient[net->first_bias + o] += d_y[o * lanes + l];
        }
    }
    sim->kernels->gather(&net->out.s, net->params + net->out.first, sim->everyone, net->n_rec, d_y, x->readout);
    real part = 1 / (real)(sim->window_stop[w] - sim->window_start[w]);
    for (size_t at = 0; at < sim_row(sim); at++) {
        x->readout[at] *= part;
    }
}

/* What the signal contributed to the currents of step t, whose gradient is known now. */
static void weight_gradients(const lsnn_sim *sim, const block *k, const matrix *m, const signal *s, int t, const real *d_current) {
    real *dw = k->gradient + m->first;
    for (int d = m->s.first_delay; d < m->s.first_delay + m->s.n_delays; d++) {
        size_t step = (size_t)(sim->net->spec.n_delay + t - d);
        if (s->spikes != NULL) {
            uint32_t first = s->start[step];
            sim->kernels->spike_gradients(&m->s, d, s->spikes + first, (int)(s->start[step + 1] - first), d_current, dw);
        } else {
            sim->kernels->value_gradients(&m->s, d, s->values + step * (size_t)s->n * (size_t)sim->lanes, d_current, dw);
        }
    }
}

/* dnu_j = sum_t dI_j(t) eps_j(t) */
static void noise_gradients(const lsnn_sim *sim, const block *k, const real *eps, const real *d_current) {
    for (size_t j = 0; j < (size_t)sim->net->n_rec; j++) {
        for (size_t l = 0; l < (size_t)k->n; l++) {
            size_t at = j * (size_t)sim->lanes + l;
            k->gradient[sim->net->first_noise + j] += eps[at] * d_current[at];
        }
    }
}

static void step_back(const lsnn_sim *sim, block *k, scratch *x, int s, int t, bool in_window) {
    const lsnn_net *net = sim->net;
    real *ahead = ahead_of(sim, x, s);
    const real *threshold_next = s + 1 < sim->stretch ? x->tape[s + 1].threshold : x->threshold_end;
    memset(x->gathered, 0, sim_row(sim) * sizeof(real));
    sim->kernels->gather(&net->rec.s, net->params + net->rec.first, x->tape[s].active, x->n_active[s], ahead, x->gathered);
    sim->kernels->neuron_back(sim_constants(sim), &x->gradient, &x->tape[s], threshold_next, x->gathered, sim->spike_gradient,
                              in_window ? x->readout : NULL, ahead);
    if (x->eps != NULL) {
        noise_gradients(sim, k, x->eps + (size_t)s * sim_row(sim), ahead);
    }
    weight_gradients(sim, k, &net->rec, &k->sent, t, ahead);
    weight_gradients(sim, k, &net->in, &k->input, t, ahead);
}

static void back_block(void *user, int piece, int worker) {
    lsnn_sim *sim = ((backward_work *)user)->sim;
    block *k = &sim->blocks[piece];
    scratch *x = &sim->scratch[worker];
    int n_delay = sim->net->spec.n_delay;
    size_t row = sim_row(sim);
    memset(k->gradient, 0, sim->net->n_params * sizeof *k->gradient);
    clear_scratch(sim, x);
    int w = sim->n_windows - 1;
    for (int stretch = (sim->n_steps - 1) / sim->stretch; stretch >= 0; stretch--) {
        int start = stretch * sim->stretch;
        int n_steps = sim->n_steps - start < sim->stretch ? sim->n_steps - start : sim->stretch;
        run_again(sim, k, x, stretch, n_steps);
        for (int s = n_steps - 1; s >= 0; s--) {
            int t = start + s;
            bool in_window = w >= 0 && t < sim->window_stop[w];
            if (in_window && t == sim->window_stop[w] - 1) {
                read_back(sim, k, x, w);
            }
            step_back(sim, k, x, s, t, in_window);
            if (in_window && t == sim->window_start[w]) {
                w--;
            }
        }
        memcpy(ahead_of(sim, x, sim->stretch), ahead_of(sim, x, 0), (size_t)n_delay * row * sizeof(real));
        memcpy(x->threshold_end, x->tape[0].threshold, row * sizeof(real));
    }
}

enum { PARAMS_A_PIECE = 4096 };

/* Sums the blocks' gradients as a tree: blocks 0 and 1, 2 and 3...; then those sums: 0 and 2... */
static void add_up(void *user, int piece, int worker) {
    (void)worker;
    const backward_work *work = user;
    const lsnn_sim *sim = work->sim;
    size_t begin = (size_t)piece * PARAMS_A_PIECE;
    size_t end = begin + PARAMS_A_PIECE < sim->net->n_params ? begin + PARAMS_A_PIECE : sim->net->n_params;
    for (int reach = 1; reach < sim->n_blocks; reach *= 2) {
        for (int k = 0; k + reach < sim->n_blocks; k += 2 * reach) {
            real *to = sim->blocks[k].gradient;
            const real *from = sim->blocks[k + reach].gradient;
            for (size_t p = begin; p < end; p++) {
                to[p] += from[p];
            }
        }
    }
    memcpy(work->gradient->values + begin, sim->blocks[0].gradient + begin, (end - begin) * sizeof(real));
}

/* c_reg sum_j (f_j - f_target)^2, f in spikes/ms; its gradient with respect to each spike: 2 c_reg (f_j - f_target) / (B T dt). */
static double rate_goal(lsnn_sim *sim, const lsnn_rate_goal *goal) {
    double loss = 0;
    double dt = (double)sim->net->spec.dt;
    for (int j = 0; j < sim->net->n_rec; j++) {
        double strength = goal != NULL ? (double)goal->strength : 0;
        double excess = goal != NULL ? sim->rate[j] / dt - (double)goal->target_hz / 1000 : 0;
        loss += strength * excess * excess;
        sim->spike_gradient[j] = (real)(2 * strength * excess / ((double)sim->options.n_batch * sim->n_steps * dt));
    }
    return loss;
}

/* [n_windows][n_batch][n_out] into the blocks' lanes. */
static void hand_out(lsnn_sim *sim, const float *d_output) {
    size_t n_out = (size_t)sim->net->spec.n_out;
    size_t lanes = (size_t)sim->lanes;
    for (int b = 0; b < sim->options.n_batch; b++) {
        int lane;
        block *k = sim_block_of(sim, b, &lane);
        for (size_t w = 0; w < (size_t)sim->n_windows; w++) {
            for (size_t o = 0; o < n_out; o++) {
                k->d_y[(w * n_out + o) * lanes + (size_t)lane] = (real)d_output[(w * (size_t)sim->options.n_batch + (size_t)b) * n_out + o];
            }
        }
    }
}

lsnn_status lsnn_backward(lsnn_sim *sim, const float *d_output, const lsnn_rate_goal *rate, lsnn_gradient *gradient, double *rate_loss) {
    if (!sim->options.train) {
        return fail(LSNN_ERR_USAGE, "this simulation was created without options.train; it keeps nothing to go back on");
    }
    if (!sim->has_run || !sim->has_output) {
        return fail(LSNN_ERR_USAGE, "nothing to go back on; call lsnn_forward before each lsnn_backward");
    }
    if (gradient->net->n_params != sim->net->n_params) {
        return fail(LSNN_ERR_USAGE, "the gradient has %zu numbers, the network %zu parameters; create it for this network",
                    gradient->net->n_params, sim->net->n_params);
    }
    double loss = rate_goal(sim, rate);
    hand_out(sim, d_output);
    backward_work work = {.sim = sim, .gradient = gradient};
    threads_run(sim->pool, sim->n_blocks, back_block, &work);
    threads_run(sim->pool, (int)((sim->net->n_params + PARAMS_A_PIECE - 1) / PARAMS_A_PIECE), add_up, &work);
    if (rate_loss != NULL) {
        *rate_loss = loss;
    }
    return LSNN_OK;
}
