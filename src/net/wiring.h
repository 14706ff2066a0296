/* Which neuron reaches which, after how many steps: one weight matrix stored by its connections. */
#ifndef LSNN_NET_WIRING_H
#define LSNN_NET_WIRING_H

#include "machine/kernels/kernels.h"

/* Connections sorted by sender, delay, receiver; connection k has its weight at params[first + k]. */
typedef struct matrix {
    synapses s;                          /* the kernels' view */
    size_t n, capacity;                  /* connections, and how many there is room for */
    size_t first;                        /* the matrix's place in the parameter vector */
    uint16_t *sender, *receiver, *delay; /* [n] */
    uint32_t *row, *ahead;               /* behind s */
} matrix;

/* A connection's cell in tables of all that could be: [n_post][n_pre]. */
static inline size_t matrix_cell(const matrix *m, size_t k) {
    return (size_t)m->receiver[k] * (size_t)m->s.n_pre + m->sender[k];
}

/* mask [n_post][n_pre]: 0 = no connection; delay [n_post][n_pre] in first_delay..first_delay + n_delays - 1; room for `capacity` connections, which
 * are at least those of the mask. Errors: MEMORY. */
lsnn_status matrix_create(matrix *out, int n_pre, int n_post, int first_delay, int n_delays, const uint8_t *mask, const int32_t *delay,
                          size_t capacity);
/* Other connections, at most as many as there is room for. */
void matrix_wire(matrix *m, const uint8_t *mask, const int32_t *delay);
void matrix_release(matrix *m);

#endif
