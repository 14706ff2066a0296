#include "figure/connections.h"

#include <math.h>
#include <stdlib.h>

/* ---- who is where ---- */

static int sign_of(const lsnn_net *net, int index) {
    return index < net->spec.n_in ? net->sign_in[index] : index < net->spec.n_in + net->n_rec ? net->sign_rec[index - net->spec.n_in] : 0;
}

static int group_of(const lsnn_net *net, int index) {
    int j = index - net->spec.n_in;
    return j < 0 ? INPUTS : j >= net->n_rec ? OUTPUTS : net->beta_each[j] > 0 ? ADAPTIVE : LIF;
}

static lsnn_status find_places(population *all, const lsnn_net *net) {
    int n = net->spec.n_in + net->n_rec + net->spec.n_out;
    all->group = calloc((size_t)n, sizeof *all->group);
    all->place = calloc((size_t)n, sizeof *all->place);
    if (all->group == NULL || all->place == NULL) {
        return fail(LSNN_ERR_MEMORY, "not enough memory to draw %d neurons", n);
    }
    for (int sign = 1; sign >= -1; sign--) {
        for (int k = 0; k < n; k++) {
            if (sign_of(net, k) == sign) {
                int group = all->group[k] = group_of(net, k);
                all->place[k] = all->n[group]++;
                all->n_signs[group][sign < 0 ? INHIBITORY : EXCITATORY]++;
            }
        }
    }
    return LSNN_OK;
}

synapse connections_get(const lsnn_net *net, const matrix *m, size_t k) {
    int sender = m->sender[k] + (m == &net->in ? 0 : net->spec.n_in);
    int receiver = net->spec.n_in + m->receiver[k] + (m == &net->out ? net->n_rec : 0);
    double weight = (double)net->params[m->first + k];
    int sign = sign_of(net, sender);
    return (synapse){sender, receiver, sign < 0 || (sign == 0 && weight < 0) ? INHIBITORY : EXCITATORY, weight};
}

const matrix *connections_between(const lsnn_net *net, int from, int to) {
    return from == INPUTS ? &net->in : to == OUTPUTS ? &net->out : &net->rec;
}

/* ---- numbers ---- */

static void take_percentages(connections *c, int which) {
    const lsnn_net *net = c->nets[which];
    const matrix *matrices[] = {&net->in, &net->rec, &net->out};
    double counts[N_GROUPS][N_SIGNS][N_GROUPS] = {{{0}}};
    for (size_t q = 0; q < 3; q++) {
        for (size_t k = 0; k < matrices[q]->n; k++) {
            synapse s = connections_get(net, matrices[q], k);
            counts[c->all.group[s.sender]][c->by_sign ? s.sign : 0][c->all.group[s.receiver]]++;
        }
    }
    for (int from = INPUTS; from < OUTPUTS; from++) {
        for (int to = LIF; to < N_GROUPS; to++) {
            for (int sign = 0; sign < N_SIGNS; sign++) {
                double senders = c->by_sign ? c->all.n_signs[from][sign] : c->all.n[from];
                double possible = senders * (c->all.n[to] - (from == to)); /* no neuron reaches itself */
                bool meet = from != INPUTS || to != OUTPUTS;
                c->percent[which][from][sign][to] = meet && possible > 0 ? 100 * counts[from][sign][to] / possible : NAN;
            }
        }
    }
}

size_t connections_count(const lsnn_net *net) {
    return net->in.n + net->rec.n + net->out.n;
}

/* How many connections of a are also in b. */
static lsnn_status count_kept(const matrix *a, const matrix *b, int64_t *n_kept) {
    uint8_t *there = calloc((size_t)a->s.n_pre * (size_t)a->s.n_post, 1);
    if (there == NULL) {
        return fail(LSNN_ERR_MEMORY, "not enough memory to compare %zu synapses", a->n);
    }
    for (size_t k = 0; k < a->n; k++) {
        there[matrix_cell(a, k)] = 1;
    }
    for (size_t k = 0; k < b->n; k++) {
        *n_kept += there[matrix_cell(b, k)];
    }
    free(there);
    return LSNN_OK;
}

lsnn_status connections_survey(connections *c, const lsnn_net *before, const lsnn_net *after) {
    lsnn_status status;
    *c = (connections){.nets = {before, after}};
    TRY(find_places(&c->all, after));
    c->by_sign = true;
    for (int k = 0; k < after->spec.n_in + after->n_rec; k++) {
        c->by_sign = c->by_sign && sign_of(after, k) != 0;
    }
    size_t n_rec = (size_t)after->n_rec, others = (size_t)(after->spec.n_in + after->spec.n_out);
    c->dense = connections_count(after) == n_rec * (n_rec - 1 + others);
    TRY(count_kept(&before->in, &after->in, &c->n_kept));
    TRY(count_kept(&before->rec, &after->rec, &c->n_kept));
    TRY(count_kept(&before->out, &after->out, &c->n_kept));
    take_percentages(c, 0);
    take_percentages(c, 1);
out:
    return status;
}

void connections_release(connections *c) {
    free(c->all.group);
    free(c->all.place);
}
