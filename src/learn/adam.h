#ifndef LSNN_LEARN_ADAM_H
#define LSNN_LEARN_ADAM_H

#include "base/tensorfile.h"
#include "net/net.h"

struct lsnn_adam {
    lsnn_adam_options options;
    size_t n;
    int64_t step; /* steps taken */
    float *m, *v; /* [n] running means of the gradient and of its square */
};

/* Tensors "adam.m", "adam.v", "adam.step" (borrowed until saved), and back. Errors: DATA. */
void adam_write(const lsnn_adam *adam, tensor_writer *writer);
lsnn_status adam_read(lsnn_adam *adam, const tensor_file *file);

#endif
