/* Samples of different lengths side by side. From the end of its own steps on a sample is at rest and hears nothing, so that it sends nothing; and nothing
 * comes back from there (learn/backward.c). A block runs to the end of its longest sample. */
#include "net/sim.h"

#include <string.h>

void sim_set_lengths(lsnn_sim *sim, const int *length) {
    sim->has_lengths = length != NULL;
    sim->n_own_steps = 0;
    for (int b = 0; b < sim->options.n_batch; b++) {
        sim->length[b] = length != NULL ? length[b] : sim->n_steps;
        sim->n_own_steps += sim->length[b];
    }
    for (int piece = 0; piece < sim->n_blocks; piece++) {
        block *k = &sim->blocks[piece];
        k->n_steps = 0;
        k->first_end = sim->n_steps;
        for (int b = k->first; b < k->first + k->n; b++) {
            k->n_steps = sim->length[b] > k->n_steps ? sim->length[b] : k->n_steps;
            k->first_end = sim->length[b] < k->first_end ? sim->length[b] : k->first_end;
        }
    }
}

lsnn_status lsnn_sim_set_lengths(lsnn_sim *sim, const int *n_steps) {
    if (!sim->input_is_new) {
        return fail(LSNN_ERR_USAGE,
                    "no new input that has lengths; call lsnn_sim_set_spikes or lsnn_sim_set_currents, then this, then lsnn_forward");
    }
    for (int b = 0; b < sim->options.n_batch; b++) {
        if (n_steps[b] < 0 || n_steps[b] > sim->n_steps) {
            return fail(LSNN_ERR_USAGE, "sample %d is to have %d steps; the input has 0..%d", b, n_steps[b], sim->n_steps);
        }
    }
    sim_set_lengths(sim, n_steps);
    return LSNN_OK;
}

static const int *lengths_of(const lsnn_sim *sim, const block *k) {
    return sim->length + k->first;
}

void sim_own_lanes(const lsnn_sim *sim, const block *k, int t, real own[MAX_LANES]) {
    for (int l = 0; l < MAX_LANES; l++) {
        own[l] = l < k->n && t < lengths_of(sim, k)[l] ? 1 : 0;
    }
}

lane_mask sim_own_mask(const lsnn_sim *sim, const block *k, int t) {
    unsigned own = 0;
    for (int l = 0; l < k->n; l++) {
        own |= t < lengths_of(sim, k)[l] ? 1u << l : 0;
    }
    return (lane_mask)own;
}

void sim_silence_ended(const lsnn_sim *sim, const block *k, int t, real *rows) {
    real own[MAX_LANES];
    size_t lanes = (size_t)sim->lanes;
    sim_own_lanes(sim, k, t, own);
    for (size_t j = 0; j < (size_t)sim->net->n_rec; j++) {
        for (size_t l = 0; l < lanes; l++) {
            rows[j * lanes + l] = own[l] != 0 ? rows[j * lanes + l] : 0; /* whatever it is, infinity included */
        }
    }
}

void sim_rest_ended(const lsnn_sim *sim, const block *k, int t, const neuron_state *s) {
    for (int l = 0; l < k->n; l++) {
        for (size_t j = 0; lengths_of(sim, k)[l] == t && j < (size_t)sim->net->n_rec; j++) {
            size_t at = j * (size_t)sim->lanes + (size_t)l;
            s->v[at] = 0;
            s->b[at] = 0;
            s->p[at] = 0;
            s->cooldown[at] = 0;
            if (s->z != NULL) {
                s->z[at] = 0;
            }
        }
    }
}

int sim_windows_of(const lsnn_sim *sim, const block *k) {
    int n = sim->n_windows;
    while (n > 0 && sim->window_start[n - 1] >= k->n_steps) {
        n--;
    }
    return n;
}

int sim_window_end(const lsnn_sim *sim, const block *k, int w) {
    return sim->window_stop[w] < k->n_steps ? sim->window_stop[w] : k->n_steps;
}

bool sim_window_parts(const lsnn_sim *sim, const block *k, int w, real part[MAX_LANES]) {
    int start = sim->window_start[w];
    int stop = sim->window_stop[w];
    bool all_one = true;
    for (int l = 0; l < MAX_LANES; l++) {
        int end = l < k->n && lengths_of(sim, k)[l] < stop ? lengths_of(sim, k)[l] : stop;
        part[l] = end > start ? 1 / (real)(end - start) : 0;
        all_one = all_one && part[l] == 1;
    }
    return all_one;
}
