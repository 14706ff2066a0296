/* Both tables of a vector unit. The includer defines UNIT (avx2), UNIT_NAME ("avx2"), and lane_bits_16 and lane_bits_8. */

/* Vectors wider than the unit's registers go through memory when passed; only functions of this file pass them, and they are inlined. */
#pragma GCC diagnostic ignored "-Wpsabi"

#define LANES          8
#define NAME(function) function##_8
#include "machine/kernels/vector_body.h"
#undef LANES
#undef NAME

#define LANES          16
#define NAME(function) function##_16
#include "machine/kernels/vector_body.h"
#undef LANES
#undef NAME

#define TABLE(n, suffix)                                                                                     \
    {                                                                                                        \
        .name = UNIT_NAME, .lanes = n, .add_spikes = add_spikes_##suffix, .add_values = add_values_##suffix, \
        .neuron_step = neuron_step_##suffix, .gather = gather_##suffix, .neuron_back = neuron_back_##suffix, \
        .spike_gradients = spike_gradients_##suffix, .value_gradients = value_gradients_##suffix             \
    }

const kernel_set UNIT[2] = {TABLE(16, 16), TABLE(8, 8)};
