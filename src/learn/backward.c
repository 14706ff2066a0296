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
    return x->ahead + (size_t)step_in_stretch * (size_t)(sim_stride(sim) * sim->lanes);
}

static void clear_scratch(const lsnn_sim *sim, scratch *x) {
    size_t row = sim_row(sim) * sizeof(real);
    memset(x->gradient.dv, 0, row);
    memset(x->gradient.db, 0, row);
    memset(x->gradient.dp, 0, row);
    memset(x->threshold_end, 0, row);
    if (x->d_noise != NULL) {
        memset(x->d_noise, 0, row);
    }
    memset(x->ahead, 0, (size_t)((sim->stretch + sim->net->spec.n_delay) * sim_stride(sim) * sim->lanes) * sizeof(real));
    memset(x->gradients.numbers, 0, (size_t)sim->lanes * sim_lane_size(sim) * sizeof(real));
    x->gradients.due = sim_window_steps(sim) - 1 - sim->net->spec.n_delay;
}

static void run_again(const lsnn_sim *sim, block *k, scratch *x, int stretch, int n_steps) {
    size_t row = sim_row(sim);
    int start = stretch * sim->stretch;
    bool kept = sim_kept_current(sim, k, start) != NULL; /* whole stretches are */
    sim_copy_neurons(sim, &k->checkpoints[stretch], &x->state);
    if (!kept) {
        sim_open_window(sim, k, &x->window, start);
    }
    for (int s = 0; s < n_steps; s++) {
        int t = start + s;
        if (sim_has_ended(k, t)) {
            sim_rest_ended(sim, k, t, &x->state);
        }
        real *current = kept ? sim_kept_current(sim, k, t) : x->current;
        if (!kept) {
            sim_current(sim, k, &x->window, t, current, x->eps != NULL ? x->eps + (size_t)s * row : x->noise);
            sim_send(sim, k, &x->window, t); /* its spikes are known */
        }
        sim_neurons(sim, k, t, &x->state, current, &x->tape[s]);
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
    real part[MAX_LANES];
    sim_window_parts(sim, k, w, part);
    for (size_t j = 0; j < (size_t)net->n_rec; j++) {
        for (size_t l = 0; l < lanes; l++) {
            x->readout[j * lanes + l] *= part[l];
        }
    }
}

/* What a signal's spikes of step t contributed to the currents from t on, whose gradients are all known now. */
static void spike_gradients(const lsnn_sim *sim, const block *k, const scratch *x, const matrix *m, const signal *s, int t) {
    size_t step = (size_t)(sim->net->spec.n_delay + t);
    if (s->spikes != NULL) {
        uint32_t first = s->start[step];
        sim->kernels->spike_gradients(&m->s, s->spikes + first, (int)(s->start[step + 1] - first), sim_due(sim, &x->gradients),
                                      sim_lane_size(sim), k->gradient + m->first);
    }
}

/* What a signal's values contributed to the currents of step t. */
static void value_gradients(const lsnn_sim *sim, const block *k, const matrix *m, const signal *s, int t, const real *d_current) {
    for (int d = m->s.first_delay; s->values != NULL && d < m->s.first_delay + m->s.n_delays; d++) {
        size_t step = (size_t)(sim->net->spec.n_delay + t - d);
        sim->kernels->value_gradients(&m->s, d, s->values + step * (size_t)s->n * (size_t)sim->lanes, d_current, k->gradient + m->first);
    }
}

/* The same for inputs: over steps with the same inputs the currents' gradients are summed first, from the last of them to the first. */
static void input_gradients(const lsnn_sim *sim, const block *k, const scratch *x, int t, const real *d_current) {
    bool joins = t + 1 < k->n_steps && sim_is_held(sim, k, t + 1);
    bool goes_on = sim_is_held(sim, k, t);
    if (!joins && !goes_on) {
        value_gradients(sim, k, &sim->net->in, &k->input, t, d_current);
        return;
    }
    for (size_t at = 0; at < sim_row(sim); at++) {
        x->held[at] = joins ? x->held[at] + d_current[at] : d_current[at];
    }
    if (!goes_on) {
        value_gradients(sim, k, &sim->net->in, &k->input, t, x->held);
    }
}

/* The window of gradients goes one step back in time. */
static void step_window_back(const lsnn_sim *sim, current_window *window) {
    size_t stride = (size_t)sim_stride(sim);
    size_t size = sim_lane_size(sim);
    size_t kept = (size_t)sim->net->spec.n_delay * stride;
    window->due--;
    if (window->due < 0) {
        for (size_t l = 0; l < (size_t)sim->lanes; l++) {
            memmove(window->numbers + (l + 1) * size - kept, window->numbers + l * size, kept * sizeof(real));
        }
        window->due = sim_window_steps(sim) - 1 - sim->net->spec.n_delay;
    }
}

/* Step t's dI is known: weight gradients of its spikes, and of the values that reached it. */
static void weight_gradients(const lsnn_sim *sim, block *k, scratch *x, int t, const real *d_current) {
    const lsnn_net *net = sim->net;
    sim->kernels->rows_to_window(d_current, net->n_rec, sim_due(sim, &x->gradients), sim_lane_size(sim));
    spike_gradients(sim, k, x, &net->rec, &k->sent, t);
    spike_gradients(sim, k, x, &net->in, &k->input, t);
    value_gradients(sim, k, &net->rec, &k->sent, t, d_current);
    if (k->steady != NULL) {
        input_gradients(sim, k, x, t, d_current);
    }
    step_window_back(sim, &x->gradients);
}

/* Spikes that were under way when the sequence began. */
static void history_gradients(const lsnn_sim *sim, block *k, scratch *x) {
    for (int t = -1; t >= -sim->net->spec.n_delay; t--) {
        for (size_t l = 0; l < (size_t)sim->lanes; l++) {
            memset(sim_due(sim, &x->gradients) + l * sim_lane_size(sim), 0, (size_t)sim_stride(sim) * sizeof(real));
        }
        spike_gradients(sim, k, x, &sim->net->rec, &k->sent, t);
        spike_gradients(sim, k, x, &sim->net->in, &k->input, t);
        step_window_back(sim, &x->gradients);
    }
}

/* dnu_j = sum_t dI_j(t) eps_j(t): lane by lane, and at the end summed over the lanes. */
static void noise_gradients(const lsnn_sim *sim, const scratch *x, const real *eps, const real *d_current) {
    for (size_t at = 0; at < sim_row(sim); at++) {
        x->d_noise[at] += eps[at] * d_current[at];
    }
}

static void sum_noise_gradients(const lsnn_sim *sim, const block *k, const scratch *x) {
    for (size_t j = 0; j < (size_t)sim->net->n_rec; j++) {
        for (size_t l = 0; l < (size_t)k->n; l++) {
            k->gradient[sim->net->first_noise + j] += x->d_noise[j * (size_t)sim->lanes + l];
        }
    }
}

/* The reset's part in the adaptation's gradient: db(t) -= beta dv(t) z(t-1). */
static void reset_gradients(const lsnn_sim *sim, const block *k, const gradient_state *g, int t) {
    size_t before = (size_t)(sim->net->spec.n_delay + t - 1);
    size_t lanes = (size_t)sim->lanes;
    const signal *s = &k->sent;
    for (uint32_t e = s->spikes != NULL ? s->start[before] : 0; s->spikes != NULL && e < s->start[before + 1]; e++) {
        real beta = sim->net->beta[s->spikes[e].i];
        for (unsigned left = beta > 0 ? s->spikes[e].lanes : 0; left != 0; left &= left - 1) {
            size_t at = s->spikes[e].i * lanes + (size_t)__builtin_ctz(left);
            g->db[at] -= beta * g->dv[at];
        }
    }
    for (size_t at = 0; s->values != NULL && at < sim_row(sim); at++) {
        g->db[at] -= sim->net->beta[at / lanes] * g->dv[at] * s->values[before * sim_row(sim) + at];
    }
}

/* Nothing comes back from the steps after a sample's end. (Neurons at rest have a psi of 0, but for the last bit of v_th / v_th.) */
static void silence_gradients(const lsnn_sim *sim, const block *k, const gradient_state *g, int t, real *d_current) {
    sim_silence_ended(sim, k, t, g->dv);
    sim_silence_ended(sim, k, t, g->db);
    sim_silence_ended(sim, k, t, g->dp);
    sim_silence_ended(sim, k, t, d_current);
}

/* Step s of the stretch, t of the sequence. */
static const real *noise_of(const lsnn_sim *sim, const block *k, const scratch *x, int s, int t) {
    const real *kept = sim_kept_noise(sim, k, t);
    return kept != NULL ? kept : x->eps + (size_t)s * sim_row(sim);
}

static void step_back(const lsnn_sim *sim, block *k, scratch *x, int s, int t, bool in_window) {
    const lsnn_net *net = sim->net;
    real *ahead = ahead_of(sim, x, s);
    const real *threshold_next = s + 1 < sim->stretch ? x->tape[s + 1].threshold : x->threshold_end;
    memset(x->gathered, 0, sim_row(sim) * sizeof(real));
    sim->kernels->gather(&net->rec.s, net->params + net->rec.first, x->tape[s].active, x->n_active[s], ahead, x->gathered);
    x->n_gathered += x->n_active[s];
    sim->kernels->neuron_back(sim_constants(sim), &x->gradient, &x->tape[s], threshold_next, x->gathered, sim->spike_gradient,
                              in_window ? x->readout : NULL, ahead);
    if (sim_has_ended(k, t)) {
        silence_gradients(sim, k, &x->gradient, t, ahead);
    }
    if (!net->spec.detach_reset) {
        reset_gradients(sim, k, &x->gradient, t);
    }
    if (x->eps != NULL) {
        noise_gradients(sim, x, noise_of(sim, k, x, s, t), ahead);
    }
    weight_gradients(sim, k, x, t, ahead);
}

static void back_block(void *user, int piece, int worker) {
    lsnn_sim *sim = ((backward_work *)user)->sim;
    block *k = &sim->blocks[piece];
    scratch *x = &sim->scratch[worker];
    int n_delay = sim->net->spec.n_delay;
    size_t row = sim_row(sim);
    memset(k->gradient, 0, sim->net->n_params * sizeof *k->gradient);
    clear_scratch(sim, x);
    int w = sim_windows_of(sim, k) - 1;
    for (int stretch = (k->n_steps - 1) / sim->stretch; stretch >= 0 && k->n_steps > 0; stretch--) {
        int start = stretch * sim->stretch;
        int n_steps = k->n_steps - start < sim->stretch ? k->n_steps - start : sim->stretch;
        run_again(sim, k, x, stretch, n_steps);
        for (int s = n_steps - 1; s >= 0; s--) {
            int t = start + s;
            int window_end = w >= 0 ? sim_window_end(sim, k, w) : 0;
            bool in_window = t < window_end;
            if (t == window_end - 1) {
                read_back(sim, k, x, w);
            }
            step_back(sim, k, x, s, t, in_window);
            if (in_window && t == sim->window_start[w]) {
                w--;
            }
        }
        memcpy(ahead_of(sim, x, sim->stretch), ahead_of(sim, x, 0), (size_t)(n_delay * sim_stride(sim) * sim->lanes) * sizeof(real));
        memcpy(x->threshold_end, x->tape[0].threshold, row * sizeof(real));
    }
    history_gradients(sim, k, x);
    if (x->eps != NULL) {
        sum_noise_gradients(sim, k, x);
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

/* c_reg sum_j (f_j - f_target)^2, f in spikes/ms; its gradient with respect to each spike: 2 c_reg (f_j - f_target) / (sum of T_b dt). */
static double rate_goal(lsnn_sim *sim, const lsnn_rate_goal *goal) {
    double loss = 0;
    double dt = (double)sim->net->spec.dt;
    for (int j = 0; j < sim->net->n_rec; j++) {
        double strength = goal != NULL ? (double)goal->strength : 0;
        double excess = goal != NULL ? sim->rate[j] / dt - (double)goal->target_hz / 1000 : 0;
        loss += strength * excess * excess;
        sim->spike_gradient[j] = (real)(2 * strength * excess / (sim->n_own_steps * dt));
    }
    return loss;
}

/* [n_windows][n_batch][n_out] into the blocks' lanes; 0 for windows that begin after a sample's end. */
static void hand_out(lsnn_sim *sim, const float *d_output) {
    size_t n_out = (size_t)sim->net->spec.n_out;
    size_t lanes = (size_t)sim->lanes;
    for (int b = 0; b < sim->options.n_batch; b++) {
        int lane;
        block *k = sim_block_of(sim, b, &lane);
        for (size_t w = 0; w < (size_t)sim->n_windows; w++) {
            bool own = sim->window_start[w] < sim->length[b];
            const float *from = d_output + (w * (size_t)sim->options.n_batch + (size_t)b) * n_out;
            for (size_t o = 0; o < n_out; o++) {
                k->d_y[(w * n_out + o) * lanes + (size_t)lane] = own ? (real)from[o] : 0;
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
    if (gradient->n != sim->net->n_params) {
        return fail(LSNN_ERR_USAGE, "the gradient has %zu numbers, the network %zu parameters; create it for this network", gradient->n,
                    sim->net->n_params);
    }
    if (gradient->net != NULL && gradient->net != sim->net) {
        return fail(LSNN_ERR_USAGE, "the gradient was created for another network of as many parameters");
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
