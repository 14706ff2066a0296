/* Both tables of a vector unit. The includer defines UNIT (kernels_avx2), UNIT_NAME ("avx2"), WIDEST (floats of its widest vector: 4, 8 or 16), and
 * lane_bits_4 if that is 4, else lane_bits_8, and lane_bits_16 if it is 16. */

#include <string.h>

#include "machine/kernels/cell_body.h"
#include "machine/kernels/noise_body.h"

#define LANES 8
#if WIDEST == 4
#define WIDTH     4
#define LANE_BITS lane_bits_4
#else
#define WIDTH     8
#define LANE_BITS lane_bits_8
#endif
#define NAME(function) function##_8
#include "machine/kernels/vector_body.h"
#undef LANES
#undef WIDTH
#undef LANE_BITS
#undef NAME

#define LANES 16
#define WIDTH WIDEST
#if WIDEST == 16
#define LANE_BITS lane_bits_16
#elif WIDEST == 4
#define LANE_BITS lane_bits_4
#else
#define LANE_BITS lane_bits_8
#endif
#define NAME(function) function##_16
#include "machine/kernels/vector_body.h"
#undef LANES
#undef WIDTH
#undef LANE_BITS
#undef NAME

#define TABLE(n, suffix)                                                                                                          \
    {                                                                                                                             \
        .name = UNIT_NAME, .lanes = n, .send_spikes = send_spikes_##suffix, .window_to_rows = window_to_rows_##suffix,            \
        .rows_to_window = rows_to_window_##suffix, .add_values = add_values_##suffix, .neuron_step = neuron_step_##suffix,        \
        .gather = gather_##suffix, .neuron_back = neuron_back_##suffix, .spike_gradients = spike_gradients_##suffix,              \
        .value_gradients = value_gradients_##suffix, .normals = normals_##suffix, .lstm_step = lstm_step, .lstm_back = lstm_back, \
        .rnn_step = rnn_step, .rnn_back = rnn_back                                                                                \
    }

const kernel_set UNIT[2] = {TABLE(16, 16), TABLE(8, 8)};
