#include "learn/adam.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

void lsnn_adam_options_init(lsnn_adam_options *options) {
    *options = (lsnn_adam_options){.beta1 = 0.9f, .beta2 = 0.999f, .epsilon = 1e-8f, .clip = 0};
}

lsnn_status adam_create(lsnn_adam **out, size_t n, const lsnn_adam_options *options) {
    if (!(options->beta1 >= 0 && options->beta1 < 1 && options->beta2 >= 0 && options->beta2 < 1 && options->epsilon > 0 &&
          options->clip >= 0)) {
        return fail(LSNN_ERR_SETTING, "Adam with beta1 %g, beta2 %g, epsilon %g, clip %g; betas are in [0, 1), epsilon > 0, clip >= 0",
                    (double)options->beta1, (double)options->beta2, (double)options->epsilon, (double)options->clip);
    }
    lsnn_adam *adam = calloc(1, sizeof *adam);
    if (adam == NULL) {
        return fail(LSNN_ERR_MEMORY, "no memory for an optimiser");
    }
    *adam = (lsnn_adam){.options = *options,
                        .n = n,
                        .m = calloc(n + 1, sizeof *adam->m),
                        .v = calloc(n + 1, sizeof *adam->v),
                        .age = calloc(n + 1, sizeof *adam->age)};
    if (adam->m == NULL || adam->v == NULL || adam->age == NULL) {
        lsnn_adam_free(adam);
        return fail(LSNN_ERR_MEMORY, "no memory for an optimiser of %zu parameters", n);
    }
    *out = adam;
    return LSNN_OK;
}

lsnn_status lsnn_adam_create(lsnn_adam **out, const lsnn_net *net, const lsnn_adam_options *options) {
    lsnn_status status = adam_create(out, net->n_params, options);
    if (status == LSNN_OK) {
        (*out)->net = net;
    }
    return status;
}

void lsnn_adam_free(lsnn_adam *adam) {
    if (adam != NULL) {
        free(adam->m);
        free(adam->v);
        free(adam->age);
        free(adam);
    }
}

lsnn_status adam_check_rate(float learning_rate) {
    return learning_rate >= 0 && learning_rate <= 1e6f
               ? LSNN_OK
               : fail(LSNN_ERR_USAGE, "the learning rate is %g; it must be in 0..1e6", (double)learning_rate);
}

lsnn_status adam_scale(const lsnn_adam *adam, const lsnn_gradient *gradient, float learning_rate, float *scale) {
    lsnn_status status = adam_check_rate(learning_rate);
    if (status != LSNN_OK) {
        return status;
    }
    double norm = lsnn_gradient_norm(gradient);
    const lsnn_adam_options *o = &adam->options;
    *scale = o->clip > 0 && norm > (double)o->clip ? (float)((double)o->clip / norm) : 1;
    if (!isfinite(norm) || !(norm * (double)*scale < sqrt((double)FLT_MAX))) { /* its square would not be */
        return fail(
            LSNN_ERR_NUMERIC,
            "the gradient's norm is %g, not finite or too large to square; use a lower learning rate (train.lr) or clipping (train.clip)",
            norm);
    }
    return LSNN_OK;
}

lsnn_status adam_move(lsnn_adam *adam, real *params, const int8_t *sign, const lsnn_gradient *gradient, float learning_rate) {
    const lsnn_adam_options *o = &adam->options;
    float scale = 1;
    lsnn_status status = adam_scale(adam, gradient, learning_rate, &scale);
    if (status != LSNN_OK) {
        return status;
    }
    int32_t age = 0;
    float rate = 0;
    float v_scale = 0;
    for (size_t k = 0; k < adam->n; k++) {
        float g = (float)gradient->values[k] * scale;
        adam->age[k] += adam->age[k] < INT32_MAX;
        if (adam->age[k] != age) { /* bias correction: m / (1 - beta1^age) and v / (1 - beta2^age) */
            age = adam->age[k];
            rate = (float)((double)learning_rate / (1 - pow((double)o->beta1, age)));
            v_scale = (float)(1 / (1 - pow((double)o->beta2, age)));
        }
        adam->m[k] = o->beta1 * adam->m[k] + (1 - o->beta1) * g;
        adam->v[k] = o->beta2 * adam->v[k] + (1 - o->beta2) * (g * g);
        real w = params[k] - (real)(rate * adam->m[k] / (sqrtf(adam->v[k] * v_scale) + o->epsilon));
        params[k] = sign != NULL && w * (real)sign[k] < 0 ? 0 : w;
    }
    return LSNN_OK;
}

lsnn_status lsnn_adam_step(lsnn_adam *adam, lsnn_net *net, const lsnn_gradient *gradient, float learning_rate) {
    if (adam->n != net->n_params || gradient->n != net->n_params) {
        return fail(LSNN_ERR_USAGE, "optimiser of %zu, gradient of %zu and network of %zu parameters do not belong together", adam->n,
                    gradient->n, net->n_params);
    }
    if ((adam->net != NULL && adam->net != net) || (gradient->net != NULL && gradient->net != net)) {
        return fail(LSNN_ERR_USAGE, "the optimiser or the gradient was created for another network of as many parameters");
    }
    lsnn_status status = adam_move(adam, net->params, net->sign, gradient, learning_rate);
    if (status == LSNN_OK) {
        net->version++;
    }
    return status;
}

void adam_write(const lsnn_adam *adam, tensor_writer *writer) {
    int64_t n = (int64_t)adam->n;
    tensor_writer_add(writer, "adam.m", TENSOR_F32, 1, &n, adam->m);
    tensor_writer_add(writer, "adam.v", TENSOR_F32, 1, &n, adam->v);
    tensor_writer_add(writer, "adam.age", TENSOR_I32, 1, &n, adam->age);
}

lsnn_status adam_read(lsnn_adam *adam, const tensor_file *file) {
    lsnn_status status = LSNN_OK;
    int64_t n = (int64_t)adam->n;
    const tensor *m;
    const tensor *v;
    const tensor *age;
    TRY(tensor_file_need(file, "adam.m", TENSOR_F32, 1, &n, &m));
    TRY(tensor_file_need(file, "adam.v", TENSOR_F32, 1, &n, &v));
    TRY(tensor_file_need(file, "adam.age", TENSOR_I32, 1, &n, &age));
    for (size_t k = 0; k < adam->n; k++) {
        if (!isfinite(tensor_at(m, k)) || !(tensor_at(v, k) >= 0) || !isfinite(tensor_at(v, k)) || tensor_at(age, k) < 0) {
            TRY(fail(LSNN_ERR_DATA,
                     "%s: number %zu of adam.m, adam.v or adam.age is not one that training leaves behind; the file is damaged",
                     tensor_file_path(file), k));
        }
    }
    memcpy(adam->m, m->data, adam->n * sizeof *adam->m);
    memcpy(adam->v, v->data, adam->n * sizeof *adam->v);
    memcpy(adam->age, age->data, adam->n * sizeof *adam->age);
out:
    return status;
}
