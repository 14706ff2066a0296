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
    window->drive_step = -1;
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

/* What inputs that are numbers add: a product that is taken once for all steps over which they are held. */
static void add_drive(const lsnn_sim *sim, const block *k, current_window *window, int t, real *current) {
    if (t == 0 || window->drive_step != t - 1 || !sim_is_held(sim, k, t)) {
        memset(window->drive, 0, sim_row(sim) * sizeof *window->drive);
        add_values(sim, &sim->net->in, &k->input, t, window->drive);
    }
    window->drive_step = t;
    for (size_t at = 0; at < sim_row(sim); at++) {
        current[at] += window->drive[at];
    }
}

static void draw_noise(const lsnn_sim *sim, const block *k, int t, real *eps) {
    uint64_t key = sim->net->spec.seed ^ sim->noise_key * 0x9e3779b97f4a7c15u;
    const uint32_t words[4] = {(uint32_t)key, (uint32_t)(key >> 32), RNG_NOISE, 0};
    size_t n_rec = (size_t)sim->net->n_rec;
    if (sim->given_noise == NULL) {
        sim->kernels->normals(words, sim->clock + (uint64_t)t, (uint32_t)k->first, k->n, sim->net->n_rec, eps);
        return;
    }
    const real *given = sim->given_noise + ((size_t)t * (size_t)sim->options.n_batch + (size_t)k->first) * n_rec;
    for (size_t j = 0; j < n_rec; j++) {
        for (size_t l = 0; l < (size_t)sim->lanes; l++) {
            eps[j * (size_t)sim->lanes + l] = l < (size_t)k->n ? given[l * n_rec + j] : 0;
        }
    }
}

static void add_noise(const lsnn_sim *sim, const block *k, int t, real *current, real *eps) {
    size_t lanes = (size_t)sim->lanes;
    draw_noise(sim, k, t, eps);
    for (size_t j = 0; j < (size_t)sim->net->n_rec; j++) {
        real size = sim->net->spec.noise_trainable ? sim->net->params[sim->net->first_noise + j] : (real)sim->net->spec.noise;
        for (size_t at = j * lanes; at < (j + 1) * lanes; at++) {
            current[at] += size * eps[at];
        }
    }
}

void sim_current(const lsnn_sim *sim, const block *k, current_window *window, int t, real *current, real *eps) {
    const lsnn_net *net = sim->net;
    send(sim, &net->in, &k->input, (size_t)(net->spec.n_delay + t), window); /* without delay, some arrive at once */
    sim->kernels->window_to_rows(sim_due(sim, window), sim_lane_size(sim), net->n_rec, current);
    if (window->drive != NULL) {
        add_drive(sim, k, window, t, current);
    }
    add_values(sim, &net->rec, &k->sent, t, current);
    if (sim_has_noise(sim)) {
        add_noise(sim, k, t, current, eps);
    }
    if (sim_has_ended(k, t)) {
        sim_silence_ended(sim, k, t, current);
    }
}
