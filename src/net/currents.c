/* What reaches the neurons at each step: spikes sent some steps before, values, noise. model.md, "Forward", input current. */
#include "base/rng.h"
#include "net/sim.h"

#include <string.h>

/* ---- the window ---- */

/* The last rows of each lane to its start, when there is no room for another step's spikes; the rest is clear. */
static void slide(const lsnn_sim *sim, current_window *window) {
    size_t size = sim_lane_size(sim);
    size_t kept = (size_t)sim->net->spec.n_delay * (size_t)sim_stride(sim);
    for (size_t l = 0; l < (size_t)sim->lanes; l++) {
        real *lane = window->numbers + l * size;
        memmove(lane, lane + (size_t)window->due * (size_t)sim_stride(sim), kept * sizeof *lane);
        memset(lane + kept, 0, (size - kept) * sizeof *lane);
    }
    window->due = 0;
}

static void send(const lsnn_sim *sim, const matrix *m, const signal *s, size_t step, current_window *window) {
    if (s->spikes != NULL) {
        uint32_t first = s->start[step];
        sim->kernels->send_spikes(&m->s, sim->net->params + m->first, s->spikes + first, (int)(s->start[step + 1] - first),
                                  sim_due(sim, window), sim_lane_size(sim));
    }
}

void sim_send(const lsnn_sim *sim, const block *k, current_window *window, int t) {
    send(sim, &sim->net->rec, &k->sent, (size_t)(sim->net->spec.n_delay + t), window);
    window->due++;
    if (window->due + sim->net->spec.n_delay >= sim_window_steps(sim)) {
        slide(sim, window);
    }
}

void sim_open_window(const lsnn_sim *sim, const block *k, current_window *window, int t) {
    memset(window->numbers, 0, sim_lane_size(sim) * (size_t)sim->lanes * sizeof *window->numbers);
    window->due = 0;
    for (int before = sim->net->spec.n_delay; before > 0; before--) {
        send(sim, &sim->net->in, &k->input, (size_t)(sim->net->spec.n_delay + t - before), window);
        send(sim, &sim->net->rec, &k->sent, (size_t)(sim->net->spec.n_delay + t - before), window);
        window->due++; /* what they sent to the steps before t is not looked at again */
    }
}

/* ---- values and noise ---- */

static void add_values(const lsnn_sim *sim, const matrix *m, const signal *s, int t, real *current) {
    for (int d = m->s.first_delay + m->s.n_delays - 1; s->values != NULL && d >= m->s.first_delay; d--) {
        size_t step = (size_t)(sim->net->spec.n_delay + t - d);
        sim->kernels->add_values(&m->s, sim->net->params + m->first, d, s->values + step * (size_t)s->n * (size_t)sim->lanes, current);
    }
}

static real noise_at(const lsnn_sim *sim, int t, int b, int j) {
    uint64_t n_rec = (uint64_t)sim->net->n_rec;
    uint64_t n_batch = (uint64_t)sim->options.n_batch;
    if (sim->given_noise != NULL) {
        return sim->given_noise[((uint64_t)t * n_batch + (uint64_t)b) * n_rec + (uint64_t)j];
    }
    uint64_t index = ((sim->clock + (uint64_t)t) * n_batch + (uint64_t)b) * n_rec + (uint64_t)j;
    return (real)(float)rng_normal(sim->net->spec.seed ^ sim->noise_key * 0x9e3779b97f4a7c15u, RNG_NOISE, index);
}

static void add_noise(const lsnn_sim *sim, const block *k, int t, real *current, real *eps) {
    for (int j = 0; j < sim->net->n_rec; j++) {
        real size = sim->net->spec.noise_trainable ? sim->net->params[sim->net->first_noise + (size_t)j] : (real)sim->net->spec.noise;
        for (int l = 0; l < k->n; l++) {
            real x = noise_at(sim, t, k->first + l, j);
            current[j * sim->lanes + l] += size * x;
            if (eps != NULL) {
                eps[j * sim->lanes + l] = x;
            }
        }
    }
}

void sim_current(const lsnn_sim *sim, const block *k, current_window *window, int t, real *current, real *eps) {
    const lsnn_net *net = sim->net;
    send(sim, &net->in, &k->input, (size_t)(net->spec.n_delay + t), window); /* without delay, some arrive at once */
    sim->kernels->window_to_rows(sim_due(sim, window), sim_lane_size(sim), net->n_rec, current);
    add_values(sim, &net->in, &k->input, t, current);
    add_values(sim, &net->rec, &k->sent, t, current);
    if (net->spec.noise > 0 || net->spec.noise_trainable) {
        add_noise(sim, k, t, current, eps);
    }
}
