/* Which neuron reaches which, after how many steps: one weight matrix stored by its connections. */
#ifndef LSNN_NET_WIRING_H
#define LSNN_NET_WIRING_H

#include "machine/kernels/kernels.h"

/* Connections sorted by sender, delay, receiver; connection k has its weight at params[first + k]. */
typedef struct matrix {
    synapses s;                          /* the kernels' view */
    size_t n;                            /* connections */
    size_t first;                        /* the matrix's place in the parameter vector */
    uint16_t *sender, *receiver, *delay; /* [n] */
    uint32_t *row, *ahead;               /* behind s */
} matrix;

/* mask [n_post][n_pre]: 0 = no connection, NULL: all; delay [n_post][n_pre] in first_delay..first_delay + n_delays - 1. Errors: MEMORY. */
lsnn_status matrix_create(matrix *out, int n_pre, int n_post, int first_delay, int n_delays, const uint8_t *mask, const int32_t *delay);
void matrix_release(matrix *m);

#endif
