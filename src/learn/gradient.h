#ifndef LSNN_LEARN_GRADIENT_H
#define LSNN_LEARN_GRADIENT_H

#include "net/net.h"

struct lsnn_gradient {
    const lsnn_net *net; /* the layout of `values`; NULL: another kind of network's */
    size_t n;            /* parameters */
    real *values;        /* [n] */
};

/* For any vector of n parameters. Errors: MEMORY. */
lsnn_status gradient_create(lsnn_gradient **out, size_t n);
/* L2 regularisation of n weights: returns strength * sum of w^2, and adds its gradient, 2 strength w, to `gradient`. */
double gradient_add_l2(real *gradient, const real *w, size_t n, double strength);

#endif
