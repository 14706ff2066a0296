#include "machine/blas.h"

#include <cblas.h>

void blas_use_one_thread(void) {
    openblas_set_num_threads(1);
}

void blas_multiply(int rows, int columns, int inner, blas_matrix a, blas_matrix b, real keep, real *out, int out_stride) {
    CBLAS_TRANSPOSE turn_a = a.turned ? CblasTrans : CblasNoTrans;
    CBLAS_TRANSPOSE turn_b = b.turned ? CblasTrans : CblasNoTrans;
    if (sizeof(real) == sizeof(float)) {
        cblas_sgemm(CblasRowMajor, turn_a, turn_b, rows, columns, inner, 1, (const void *)a.numbers, a.stride, (const void *)b.numbers,
                    b.stride, (float)keep, (void *)out, out_stride);
    } else {
        cblas_dgemm(CblasRowMajor, turn_a, turn_b, rows, columns, inner, 1, (const void *)a.numbers, a.stride, (const void *)b.numbers,
                    b.stride, (double)keep, (void *)out, out_stride);
    }
}
