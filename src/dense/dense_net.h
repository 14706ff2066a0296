/* Networks to compare with: an LSTM and a tanh RNN, fully connected, with a linear readout (docs/model.md, "Baselines"). */
#ifndef LSNN_DENSE_DENSE_NET_H
#define LSNN_DENSE_DENSE_NET_H

#include "base/real.h"
#include "base/tensorfile.h"

typedef enum dense_kind { DENSE_RNN, DENSE_LSTM } dense_kind;

typedef struct dense_spec {
    dense_kind kind;
    int n_in, n_units, n_out;  /* each 1..65535 */
    float forget_bias;         /* first bias of the LSTM's forget gate */
    float scale_in, scale_rec; /* factors on the first input and recurrent weights */
    uint64_t seed;
} dense_spec;

typedef struct dense_net {
    dense_spec spec;
    int n_gates;   /* sums that a unit takes: LSTM 4 (input, forget, new, output), RNN 1 */
    int n_rows;    /* n_gates * n_units, gate by gate */
    int n_columns; /* n_units + n_in + 1: what a sum is over: h(t-1), x(t), and the bias */
    size_t n_params;
    real *params; /* w and w_out in turn */
    real *w;      /* [n_rows][n_columns] */
    real *w_out;  /* [n_out][n_units + 1]: h, and the bias */
} dense_net;

/* Draws weights uniformly, within +-sqrt(6 / (rows + columns)) (Glorot) of w and of w_out without their biases, which are 0 at first, but for the forget gate's.
 * Errors: SETTING, MEMORY. */
lsnn_status dense_net_create(dense_net **out, const dense_spec *spec);
void dense_net_free(dense_net *net);

/* Tensors "w" and "w_out" (borrowed until saved), and back: the spec's n_in and n_out are the file's. Errors: DATA (other shape, or not finite), MEMORY. */
void dense_net_write(const dense_net *net, tensor_writer *writer);
lsnn_status dense_net_read(dense_net **out, const dense_spec *spec, const tensor_file *file);

#endif
