/* How many spikes there were, and how many synapses they reached. */
#include "net/sim.h"

static double synapses_of(const matrix *m, int sender) {
    size_t first = (size_t)sender * (size_t)m->s.n_delays;
    return (double)(m->s.row[first + (size_t)m->s.n_delays] - m->s.row[first]);
}

static void add_input_spikes(const lsnn_sim *sim, const block *k, sim_activity *sum) {
    int n_delay = sim->net->spec.n_delay;
    for (uint32_t at = k->input.start[n_delay]; at < k->input.start[n_delay + k->n_steps]; at++) {
        int lanes = __builtin_popcount(k->input.spikes[at].lanes);
        sum->input_spikes += lanes;
        sum->operations += lanes * synapses_of(&sim->net->in, k->input.spikes[at].i);
    }
}

sim_activity sim_count_activity(const lsnn_sim *sim, int n_samples) {
    sim_activity sum = {0};
    for (int j = 0; j < sim->net->n_rec; j++) {
        double spikes = sim->rate[j] * sim->n_own_steps;
        sum.spikes += spikes;
        sum.operations += spikes * (synapses_of(&sim->net->rec, j) + synapses_of(&sim->net->out, j));
    }
    if (sim->net->spec.input == LSNN_SPIKES) {
        for (int k = 0; k < sim->n_blocks; k++) {
            add_input_spikes(sim, &sim->blocks[k], &sum);
        }
    } else {
        double n_steps = 0;
        for (int b = 0; b < n_samples; b++) {
            n_steps += sim->length[b];
        }
        sum.operations += n_steps * (double)sim->net->in.n;
    }
    return sum;
}
