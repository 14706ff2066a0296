/* A network: its description, its connections, its parameters. */
#ifndef LSNN_NET_NET_H
#define LSNN_NET_NET_H

#include "base/tensorfile.h"
#include "net/wiring.h"

struct lsnn_net {
    lsnn_net_spec spec; /* pointers NULL */
    int n_rec;
    float *tau_m, *tau_a, *beta_each; /* [n_rec], as given or drawn */
    int8_t *sign_in, *sign_rec;       /* [n_in], [n_rec]: of all outgoing weights; 0 is free */
    matrix in, rec, out;              /* out: no delays, receivers are the outputs */
    size_t first_bias, first_noise, n_params;
    uint64_t version;                        /* counts the changes of weights and connections */
    real *params;                            /* w_in, w_rec, w_out by connection; b_out [n_out]; noise [n_rec] */
    int8_t *sign;                            /* [n_params]: Dale's law for each parameter */
    real *alpha, *gain, *rho, *new_b, *beta; /* behind constants */
    segment *segments;
    neuron_constants constants;
};

/* A stretch of a network's parameter vector that is one public array. */
typedef enum array_kind { ARRAY_MATRIX, ARRAY_DELAY, ARRAY_VECTOR, ARRAY_FLOATS, ARRAY_SIGNS } array_kind;
typedef struct net_array {
    const char *name;
    array_kind kind;
    const matrix *m;     /* of a matrix */
    size_t first;        /* of a parameter vector */
    const float *floats; /* of a fixed one */
    const int8_t *signs;
    int rows, columns;
} net_array;
enum { NET_ARRAYS = 12 };
/* All arrays that this network has; returns how many. */
int net_arrays(const lsnn_net *net, net_array arrays[NET_ARRAYS]);
/* Errors: USAGE (lists the names). */
lsnn_status net_find_array(const lsnn_net *net, const char *name, net_array *out);
/* Writes values, one a parameter (weights, or a gradient), of a parameter array densely to `to`. */
void net_array_spread(const net_array *a, const real *values, float *to);
bool net_array_is_parameter(const net_array *a);

/* After connections have come and gone: where each matrix, the biases and the noise begin in the parameter vector. */
void net_place_params(lsnn_net *net);

/* Checks a spec. Errors: SETTING (names what is out of range). */
lsnn_status net_spec_check(const lsnn_net_spec *spec);

/* How the engine's numbers stand in a file. */
static inline tensor_type real_type(void) {
    return sizeof(real) == sizeof(float) ? TENSOR_F32 : TENSOR_F64;
}
/* The network's tensors and metadata "network" to a file that is being written (borrows from the net until saved), and back.
 * Errors: DATA (damaged, or not a network), MEMORY. */
void net_write(const lsnn_net *net, tensor_writer *writer);
lsnn_status net_read(lsnn_net **out, const tensor_file *file);

#endif
