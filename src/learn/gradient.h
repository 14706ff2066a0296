#ifndef LSNN_LEARN_GRADIENT_H
#define LSNN_LEARN_GRADIENT_H

#include "net/net.h"

struct lsnn_gradient {
    const lsnn_net *net; /* the layout of `values` */
    real *values;        /* [n_params] */
};

#endif
