#ifndef __AVX2__
#error "this file must be compiled with -mavx2"
#endif

#include "machine/kernels/kernels.h"

#include <immintrin.h>

typedef int32_t eight_ints __attribute__((vector_size(32)));

static inline lane_mask lane_bits_8(eight_ints x) {
    return (lane_mask)_mm256_movemask_ps((__m256)x);
}

#define WIDEST    8
#define UNIT      kernels_avx2
#define UNIT_NAME "avx2"
#include "machine/kernels/vector_tables.h"
