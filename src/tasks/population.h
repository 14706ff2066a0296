/* A value as spikes of a population of neurons, each of which fires most near a value of its own. */
#ifndef LSNN_TASKS_POPULATION_H
#define LSNN_TASKS_POPULATION_H

#include "base/rng.h"
#include "tasks/task.h"

typedef struct population {
    int n;         /* neurons; at least 2, whose centres are even over the range, its ends included */
    double width;  /* of a tuning curve, as a fraction of the range */
    double p_peak; /* probability of a spike in a step, where the value is a neuron's centre */
} population;

/* rate: at a centre, in hertz; dt: ms a step. */
population population_of(int n, double width, double rate, double dt);
/* Independent spikes of the neurons first_input..first_input + n - 1 in the steps first_step..first_step + n_steps - 1: neuron k, of centre m_k, spikes
 * in a step with probability p_peak exp(-(m_k - value)^2 / (2 (width * range)^2)), taken as 0 beyond 6 widths. A value that is not finite excites none. */
void population_write(const population *p, const lsnn_range *range, double value, rng_sequence *random, const sample_writer *to,
                      int first_input, int first_step, int n_steps);

#endif
