/* Every kernel in plain C: what the others are tested against, and what runs where nothing better is known. */
#include "machine/kernels/kernels.h"

#include "machine/kernels/cell_body.h"
#include "machine/kernels/noise_body.h"

#define LANES          16
#define NAME(function) function##_16
#include "machine/kernels/ref_body.h"
#undef LANES
#undef NAME

#define LANES          8
#define NAME(function) function##_8
#include "machine/kernels/ref_body.h"
#undef LANES
#undef NAME

#define TABLE(lanes_, suffix)                                                                                                     \
    {                                                                                                                             \
        .name = "generic", .lanes = lanes_, .send_spikes = send_spikes_##suffix, .window_to_rows = window_to_rows_##suffix,       \
        .rows_to_window = rows_to_window_##suffix, .add_values = add_values_##suffix, .neuron_step = neuron_step_##suffix,        \
        .gather = gather_##suffix, .neuron_back = neuron_back_##suffix, .spike_gradients = spike_gradients_##suffix,              \
        .value_gradients = value_gradients_##suffix, .normals = normals_##suffix, .lstm_step = lstm_step, .lstm_back = lstm_back, \
        .rnn_step = rnn_step, .rnn_back = rnn_back                                                                                \
    }

const kernel_set kernels_ref[2] = {TABLE(16, 16), TABLE(8, 8)};
