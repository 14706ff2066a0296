#ifndef LSNN_LEARN_REWIRE_H
#define LSNN_LEARN_REWIRE_H

#include "base/tensorfile.h"
#include "learn/adam.h"

/* All synapses that one matrix could have, as tables [n_post][n_pre] of cells. */
typedef struct potential {
    matrix *m;
    size_t n;        /* cells */
    size_t number;   /* of its first cell among the cells of all matrices */
    uint8_t *lives;  /* is it connected? */
    int8_t *sign;    /* 0: it can't be */
    int32_t *delay;  /* steps */
    uint32_t *place; /* where a live synapse's numbers stood in the parameter vector, or NEW_SYNAPSE */
    lsnn_synapse_count count;
} potential;

struct lsnn_rewire {
    lsnn_rewire_options options;
    lsnn_net *net;
    potential all[3];    /* input, recurrent, readout */
    bool dense;          /* the matrices hold dormant synapses too, with weight 0 */
    int64_t budget;      /* live synapses */
    int64_t step;        /* steps taken */
    uint64_t n_draws;    /* of synapses to wake */
    real *dormant_theta; /* soft: [n_params] theta of the dormant synapses */
    real *w;             /* [budget] parameters and optimiser's means on their way to other places */
    float *m, *v;
    int32_t *age;
};

/* Tensors "rewire.*" (borrowed until saved), and back; the network comes by net_read before. Errors: DATA. */
void rewire_write(const lsnn_rewire *rewire, tensor_writer *writer);
lsnn_status rewire_read(lsnn_rewire *rewire, const tensor_file *file);

#endif
