#include "net/soft_spike.h"

#include <math.h>

/* Integral of gamma max(0, 1 - |s|). */
static double integral(double s, double gamma) {
    if (s <= -1) {
        return 0;
    }
    if (s >= 1) {
        return gamma;
    }
    return gamma * (s < 0 ? (1 + s) * (1 + s) / 2 : 0.5 + s - s * s / 2);
}

void soft_neuron_step(const neuron_constants *c, int lanes, const neuron_state *state, const real *current, real *sent, double *spike_sum,
                      const step_tape *tape, const soft_spikes *soft, size_t first_row) {
    for (int at = 0; at < c->n * lanes; at++) {
        int j = at / lanes;
        double z = (double)state->z[at];
        double b = (double)c->rho[j] * (double)state->b[at] + (double)c->new_b[j] * z;
        double threshold = (double)c->v_th + (double)c->beta[j] * b;
        double reset = threshold * z;
        if (soft->record) {
            soft->reset[first_row + (size_t)at] = (real)reset;
        } else if (c->detach_reset) {
            reset = (double)soft->reset[first_row + (size_t)at];
        }
        double v = (double)c->alpha[j] * (double)state->v[at] + (double)c->gain[j] * (double)current[at] - reset;
        double unit = 1 / (c->by_baseline ? (double)c->v_th : threshold);
        double s = (v - threshold) * unit;
        if (soft->record) {
            soft->refractory[first_row + (size_t)at] = state->cooldown[at] > 1;
        }
        bool refractory = soft->refractory[first_row + (size_t)at] != 0;
        if (tape != NULL) {
            double psi = refractory ? 0 : (double)c->gamma * fmax(0, 1 - fabs(s));
            tape->to_v[at] = (real)(psi * unit);
            tape->to_a[at] = (real)(c->by_baseline ? -psi * unit : -psi * unit * v * unit);
            tape->threshold[at] = (real)threshold;
            tape->active[j] = (uint16_t)j;
        }
        state->b[at] = (real)b;
        state->v[at] = (real)v;
        state->cooldown[at] = s > 0 && !refractory ? c->top : (uint16_t)(state->cooldown[at] - (state->cooldown[at] > 0));
        state->z[at] = refractory ? 0 : (real)integral(s, (double)c->gamma);
        state->p[at] = c->kappa * state->p[at] + c->new_p * state->z[at];
        sent[at] = state->z[at];
        spike_sum[j] += tape == NULL ? (double)state->z[at] : 0; /* with a tape it was counted before */
    }
    if (tape != NULL) {
        *tape->n_active = c->n;
    }
}
