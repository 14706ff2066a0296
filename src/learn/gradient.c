#include "learn/gradient.h"

#include <math.h>
#include <stdlib.h>

lsnn_status gradient_create(lsnn_gradient **out, size_t n) {
    lsnn_gradient *gradient = calloc(1, sizeof *gradient);
    real *values = calloc(n + 1, sizeof *values);
    if (gradient == NULL || values == NULL) {
        free(gradient);
        free(values);
        return fail(LSNN_ERR_MEMORY, "no memory for a gradient of %zu numbers", n);
    }
    *gradient = (lsnn_gradient){.n = n, .values = values};
    *out = gradient;
    return LSNN_OK;
}

double gradient_add_l2(real *gradient, const real *w, size_t n, double strength) {
    double sum = 0;
    for (size_t k = 0; k < n; k++) {
        sum += (double)w[k] * (double)w[k];
        gradient[k] += (real)(2 * strength * (double)w[k]);
    }
    return strength * sum;
}

lsnn_status lsnn_gradient_create(lsnn_gradient **out, const lsnn_net *net) {
    lsnn_status status = gradient_create(out, net->n_params);
    if (status == LSNN_OK) {
        (*out)->net = net;
    }
    return status;
}

void lsnn_gradient_free(lsnn_gradient *gradient) {
    if (gradient != NULL) {
        free(gradient->values);
        free(gradient);
    }
}

lsnn_status lsnn_gradient_copy(const lsnn_gradient *gradient, const char *name, float *to, size_t n) {
    net_array a;
    lsnn_status status = net_find_array(gradient->net, name, &a);
    if (status != LSNN_OK) {
        return status;
    }
    if (!net_array_is_parameter(&a)) {
        return fail(LSNN_ERR_USAGE, "%s is fixed at creation and has no gradient", name);
    }
    if ((size_t)a.rows * (size_t)a.columns != n) {
        return fail(LSNN_ERR_USAGE, "%s has %d x %d numbers; the call gives room for %zu", name, a.rows, a.columns, n);
    }
    net_array_spread(&a, gradient->values, to);
    return LSNN_OK;
}

double lsnn_gradient_norm(const lsnn_gradient *gradient) {
    double sum = 0;
    for (size_t k = 0; k < gradient->n; k++) {
        sum += (double)gradient->values[k] * (double)gradient->values[k];
    }
    return sqrt(sum);
}
