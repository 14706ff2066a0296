#ifndef LSNN_LEARN_ADAM_H
#define LSNN_LEARN_ADAM_H

#include "base/tensorfile.h"
#include "net/net.h"

struct lsnn_adam {
    lsnn_adam_options options;
    size_t n;
    float *m, *v; /* [n] running means of the gradient and of its square */
    int32_t *age; /* [n] steps that they run over; a synapse that wakes (DEEP R) starts anew */
};

/* Tensors "adam.m", "adam.v", "adam.age" (borrowed until saved), and back. Errors: DATA. */
void adam_write(const lsnn_adam *adam, tensor_writer *writer);
lsnn_status adam_read(lsnn_adam *adam, const tensor_file *file);

#endif
