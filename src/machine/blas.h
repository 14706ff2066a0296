/* Dense matrix products by OpenBLAS, each on the thread that asks for it: the pool cuts the work, so that a product's shape, and with it its bits, does not
 * depend on the number of threads. They do depend on the processor, for which OpenBLAS has kernels of its own. */
#ifndef LSNN_MACHINE_BLAS_H
#define LSNN_MACHINE_BLAS_H

#include "base/real.h"

#include <stdbool.h>

/* A matrix row by row, `stride` numbers from row to row; `turned`: its transpose is meant. */
typedef struct blas_matrix {
    const real *numbers;
    int stride;
    bool turned;
} blas_matrix;

/* Keeps OpenBLAS from using threads of its own; call it in each piece of work before its products. */
void blas_use_one_thread(void);

/* out [rows][columns] = a b + keep * out; a (turned if it says so) is [rows][inner], b [inner][columns]. keep 0: whatever was there, NaN too, is overwritten. */
void blas_multiply(int rows, int columns, int inner, blas_matrix a, blas_matrix b, real keep, real *out, int out_stride);

#endif
