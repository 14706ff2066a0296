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

#endif
