/* What to compute on, made once and passed down. */
#ifndef LSNN_MACHINE_CONTEXT_H
#define LSNN_MACHINE_CONTEXT_H

#include "machine/kernels/kernels.h"
#include "machine/threads.h"

struct lsnn_context {
    threads *pool;
    const kernel_set *kernels;
};

#endif
