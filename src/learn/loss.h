/* The losses, on outputs of any network: output [n_decisions][n_out], decision w * n_batch + b. The rest as lsnn_loss_cross_entropy and lsnn_loss_squared. */
#ifndef LSNN_LEARN_LOSS_H
#define LSNN_LEARN_LOSS_H

#include "base/error.h"

typedef struct loss_input {
    const float *output;
    int n_windows, n_batch, n_out;
} loss_input;

lsnn_status loss_cross_entropy(const loss_input *in, const int32_t *class_of, float *d_output, double *loss, int64_t *n_wrong,
                               int64_t *n_counted);
void loss_squared(const loss_input *in, const float *target, float *d_output, double *loss, int64_t *n_counted);

#endif
