#include "tasks/population.h"

#include <math.h>

enum { WIDTHS = 6 }; /* at 200 Hz, a neuron this far away would fire once in four days */

population population_of(int n, double width, double rate, double dt) {
    return (population){.n = n, .width = width, .p_peak = fmin(rate * dt / 1000, 1 - 1e-12)};
}

/* The gap to the next spike, over all neurons and steps in a row, by inversion: spikes come where the sum of -log(1 - p) has grown by an
 * exponentially distributed number. So one random number a spike is enough, however many steps have none. */
void population_write(const population *p, const lsnn_range *range, double value, rng_sequence *random, const sample_writer *to,
                      int first_input, int first_step, int n_steps) {
    double last = p->n - 1;
    double place = (value - range->low) / (range->high - range->low) * last; /* in the unit of the distance between centres */
    double width = p->width * last;
    int begin = (int)fmin(fmax(ceil(place - WIDTHS * width), 0), p->n);
    int end = (int)fmin(fmax(floor(place + WIDTHS * width), -1), last);
    double left = -log(1 - rng_next(random));
    for (int k = begin; k <= end; k++) {
        double distance = (k - place) / width;
        double hazard = -log1p(-p->p_peak * exp(-distance * distance / 2));
        if (!(hazard > 0)) {
            continue;
        }
        int t = 0;
        while (left < hazard * (n_steps - t)) {
            t += (int)(left / hazard);
            if (t == n_steps) { /* by rounding */
                break;
            }
            sample_spike(to, first_step + t, first_input + k);
            t++;
            left = -log(1 - rng_next(random));
        }
        left -= hazard * (n_steps - t);
    }
}
