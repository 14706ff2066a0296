/* The test-only soft spike: a network whose exact gradient is what the backward equations give, so that finite differences can check them. */
#ifndef LSNN_NET_SOFT_SPIKE_H
#define LSNN_NET_SOFT_SPIKE_H

#include "net/sim.h"

/* As kernel_set.neuron_step, but neuron j sends the integral of its pseudo-derivative over s, from 0 (s <= -1) to gamma (s >= 1), to `sent` (rows
 * [n]); first_row: where this step's rows begin in the rows of soft. */
void soft_neuron_step(const neuron_constants *c, int lanes, const neuron_state *state, const real *current, real *sent, double *spike_sum,
                      const step_tape *tape, const soft_spikes *soft, size_t first_row);

#endif
