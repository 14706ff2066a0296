/* The inside of a simulation step by step, computed again from the state before its first step. */
#include "net/sim.h"

#include <string.h>

/* The values of a neuron's state, and two that need more. */
enum { TRACE_PSI = NEURON_VALUES, TRACE_Y, TRACES };
static const char *const names[TRACES] = {"v", "b", "z", "refractory", "p", "threshold", "psi", "y"};

static real value_of(const lsnn_sim *sim, const neuron_state *s, const step_tape *tape, int which, size_t j, size_t at) {
    if (which != TRACE_PSI) {
        return sim_neuron_value(sim, s, (neuron_value)which, j, at);
    }
    const neuron_constants *c = sim_constants(sim);
    return tape->to_v[at] *
           (c->by_baseline ? c->v_th : sim_neuron_value(sim, s, VALUE_THRESHOLD, j, at)); /* the tape has psi / A, or psi / v_th */
}

static void read_out_now(const lsnn_sim *sim, const real *p, int lane, float *y) {
    const lsnn_net *net = sim->net;
    for (int o = 0; o < net->spec.n_out; o++) {
        y[o] = net->spec.bias ? (float)net->params[net->first_bias + (size_t)o] : 0;
    }
    for (size_t k = 0; k < net->out.n; k++) {
        y[net->out.receiver[k]] +=
            (float)(net->params[net->out.first + k] * p[(size_t)net->out.sender[k] * (size_t)sim->lanes + (size_t)lane]);
    }
}

typedef struct trace_work {
    lsnn_sim *sim;
    int which;
    int b;
    float *to;
} trace_work;

/* In the pool like the forward pass, so that denormals are treated alike. */
static void copy_trace(void *user, int piece, int worker) {
    (void)piece;
    const trace_work *work = user;
    lsnn_sim *sim = work->sim;
    int lane;
    block *k = sim_block_of(sim, work->b, &lane);
    scratch *x = &sim->scratch[worker];
    const neuron_constants *c = sim_constants(sim);
    sim_copy_neurons(sim, &k->checkpoints[0], &x->state);
    memcpy(x->state.p, k->p_start, sim_row(sim) * sizeof(real));
    sim_open_window(sim, k, &x->window, 0);
    for (int t = 0; t < sim->length[work->b]; t++) {
        sim_current(sim, k, &x->window, t, x->current, x->noise);
        sim_neurons(sim, k, t, &x->state, x->current, &x->tape[0]);
        sim_send(sim, k, &x->window, t);
        for (size_t at = 0; at < sim_row(sim) && sim->soft == NULL; at++) { /* the taped step leaves p alone */
            x->state.p[at] = c->kappa * x->state.p[at] + c->new_p * sim_last_spike(sim, &x->state, at);
        }
        if (work->which == TRACE_Y) {
            read_out_now(sim, x->state.p, lane, work->to + (size_t)t * (size_t)sim->net->spec.n_out);
            continue;
        }
        for (size_t j = 0; j < (size_t)c->n; j++) {
            size_t at = j * (size_t)sim->lanes + (size_t)lane;
            work->to[(size_t)t * (size_t)c->n + j] = (float)value_of(sim, &x->state, &x->tape[0], work->which, j, at);
        }
    }
}

lsnn_status lsnn_sim_copy_trace(lsnn_sim *sim, const char *name, int b, float *to) {
    int which = 0;
    while (which < TRACES && strcmp(name, names[which]) != 0) {
        which++;
    }
    if (which == TRACES) {
        return fail(LSNN_ERR_USAGE, "%s is not a trace; there are v, b, z, refractory, p, threshold, psi and y", name);
    }
    if (!sim->options.train || !sim->has_run) {
        return fail(LSNN_ERR_USAGE, "traces need a simulation created with options.train, and lsnn_forward before");
    }
    if (b < 0 || b >= sim->options.n_batch) {
        return fail(LSNN_ERR_USAGE, "sample %d of a batch of %d", b, sim->options.n_batch);
    }
    size_t row = (size_t)(which == TRACE_Y ? sim->net->spec.n_out : sim->net->n_rec);
    memset(to, 0, (size_t)sim->n_steps * row * sizeof *to); /* after a sample's own end there is nothing to tell */
    trace_work work = {.sim = sim, .which = which, .b = b, .to = to};
    threads_run(sim->pool, 1, copy_trace, &work);
    return LSNN_OK;
}
