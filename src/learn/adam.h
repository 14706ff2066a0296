#ifndef LSNN_LEARN_ADAM_H
#define LSNN_LEARN_ADAM_H

#include "base/tensorfile.h"
#include "learn/gradient.h"

struct lsnn_adam {
    lsnn_adam_options options;
    const lsnn_net *net; /* whose parameters they are; NULL: another kind of network's */
    size_t n;
    float *m, *v; /* [n] running means of the gradient and of its square */
    int32_t *age; /* [n] steps that they run over; a synapse that wakes (DEEP R) starts anew */
};

/* For any vector of n parameters. Errors: SETTING, MEMORY. */
lsnn_status adam_create(lsnn_adam **out, size_t n, const lsnn_adam_options *options);
/* Errors: USAGE (a learning rate out of 0..1e6). */
lsnn_status adam_check_rate(float learning_rate);
/* What a gradient is multiplied with before a step: clipping. Errors: USAGE (the learning rate), NUMERIC (a gradient that is not finite, or too large). */
lsnn_status adam_scale(const lsnn_adam *adam, const lsnn_gradient *gradient, float learning_rate, float *scale);
/* One step of lsnn_adam_step on a vector of parameters; sign [n] as Dale's law wants it, NULL: all are free. Errors: as there. */
lsnn_status adam_move(lsnn_adam *adam, real *params, const int8_t *sign, const lsnn_gradient *gradient, float learning_rate);

/* Tensors "adam.m", "adam.v", "adam.age" (borrowed until saved), and back. Errors: DATA. */
void adam_write(const lsnn_adam *adam, tensor_writer *writer);
lsnn_status adam_read(lsnn_adam *adam, const tensor_file *file);

#endif
