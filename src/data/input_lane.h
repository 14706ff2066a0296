/* Where the input of one sample of a batch goes: bits of masks, or numbers. Tasks write it; what the network behind it is made of is no matter to them. */
#ifndef LSNN_DATA_INPUT_LANE_H
#define LSNN_DATA_INPUT_LANE_H

#include "machine/kernels/kernels.h"

typedef struct input_lane {
    lane_mask *masks; /* spikes as bits: [n_steps][n_in], this sample's is bit `lane`; NULL: numbers */
    int lane;
    real *numbers;      /* number of step t and input i: numbers[t * step + i * input] */
    size_t step, input; /* of masks: step is n_in, input 1 */
} input_lane;

/* A spike counts 1 where the network takes numbers. */
static inline void lane_add_spike(const input_lane *to, int t, int i) {
    size_t at = (size_t)t * to->step + (size_t)i * to->input;
    if (to->masks != NULL) {
        to->masks[at] = (lane_mask)(to->masks[at] | 1u << to->lane);
    } else {
        to->numbers[at] = 1;
    }
}

/* Only where the network takes numbers. */
static inline void lane_set_number(const input_lane *to, int t, int i, real x) {
    to->numbers[(size_t)t * to->step + (size_t)i * to->input] = x;
}

#endif
